/* Files that mean harm, or were made by careless hands: spreadsheets that unpack without end, odd quoting, pictures that lie. */
#include "fmt/fmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zip.h>

#include <cmocka.h>

struct seen {
    int rows, cells;
    char all[4096]; /* cells behind each other: "[a][b]" and a line for each row */
};
static lf_rc take(void *user, int row, const lf_text *c, int n, struct lf_err *err)
{
    struct seen *s = user;
    size_t at = strlen(s->all);
    s->rows = row;
    s->cells += n;
    for (int i = 0; i < n && at + c[i].n + 4 < sizeof s->all; i++)
        at += (size_t)snprintf(s->all + at, sizeof s->all - at, "[%.*s]", (int)c[i].n, c[i].p);
    if (at + 2 < sizeof s->all)
        memcpy(s->all + at, "\n", 2);
    return LF_OK;
}

static int file_of(const void *bytes, size_t n)
{
    char path[] = "/tmp/lf-hostile-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    for (size_t at = 0; at < n;) {
        ssize_t k = write(fd, (const char *)bytes + at, n - at);
        assert_true(k > 0);
        at += (size_t)k;
    }
    return fd;
}

static lf_rc read_file(enum lf_table_kind kind, int fd, struct seen *s, struct lf_err *e)
{
    *s = (struct seen){ 0 };
    *e = (struct lf_err){ 0 };
    lf_rc rc = lf_table_read(kind, fd, take, s, e);
    close(fd);
    return rc;
}

static long peak_kb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

/* ---- csv ------------------------------------------------------------------------------------------------- */

static void odd_quoting_is_read_as_people_mean_it(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } t[] = { { "a,b\n", "[a][b]\n" },
              { "a,b", "[a][b]\n" },
              { "\"a\",\"b\"\r\n", "[a][b]\n" },
              { "\"a,b\",c\n", "[a,b][c]\n" },
              { "\"a\"\"b\",c\n", "[a\"b][c]\n" },
              { "\"\",\"\"\n", "[][]\n" },
              { "\"\"\"\"\n", "[\"]\n" },
              { "\"line\nfeed\",x\n", "[line\nfeed][x]\n" },
              { "a\"b,c\n", "[a\"b][c]\n" }, /* a mark in the middle is a letter */
              { "\"a\"b,c\n", "[ab][c]\n" }, /* what follows a closed mark belongs to the cell */
              { "\"a\n", NULL },             /* never closed */
              { "\"", NULL },
              { "a,,c\n", "[a][][c]\n" },
              { ",\n", "[][]\n" },
              { "a\rb\rc", "[a]\n[b]\n[c]\n" }, /* old Macintosh */
              { "a\n\nb\n", "[a]\n\n[b]\n" },
              { "a;b;c,d\n", "[a][b][c,d]\n" },
              { "a\tb,c;d\te\n", "[a][b,c;d][e]\n" },
              { "\xEF\xBB\xBF"
                "a,b\n",
                "[a][b]\n" },
              { "\xEF\xBB\xBF\"a\",b\n", "[a][b]\n" },
              { "\xd7\xcd\xb2\xa9,1\n", "[淄博][1]\n" },
              { "淄博,1\n", "[淄博][1]\n" },
              { "\xff\xff\n", NULL },
              { "a,\x80\n", NULL } };
    struct seen s;
    struct lf_err e;
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        lf_rc rc = read_file(LF_CSV, file_of(t[i].in, strlen(t[i].in)), &s, &e);
        assert_int_equal(rc, t[i].out ? LF_OK : LF_EINVAL);
        if (t[i].out)
            assert_string_equal(s.all, t[i].out);
    }
}

/* A character, a pair of marks, a line end: whatever lies across the end of a piece is read as one, in both encodings. */
static void nothing_breaks_where_pieces_meet(void **state)
{
    static const char *const parts[] = { "淄博,\"a\"\"b\"\r\n", "\xd7\xcd\xb2\xa9,\"a\"\"b\"\r\n" };
    for (size_t k = 0; k < LF_COUNT(parts); k++)
        for (size_t shift = 0; shift < 16; shift++) {
            size_t n = strlen(parts[k]), rows = 200000 / n, at = shift + 3;
            char *text = lf_new(at + rows * n + 1);
            memset(text, 'x', shift);
            memcpy(text + shift, ",y\n", 3);
            for (size_t i = 0; i < rows; i++, at += n)
                memcpy(text + at, parts[k], n);
            struct seen s;
            struct lf_err e;
            assert_int_equal(read_file(LF_CSV, file_of(text, at), &s, &e), LF_OK);
            assert_int_equal(s.rows, rows + 1);
            assert_int_equal(s.cells, 2 * (rows + 1));
            assert_non_null(strstr(s.all, "\n[淄博][a\"b]\n[淄博][a\"b]\n"));
            lf_release(text);
        }
}

static void a_large_csv_is_read_in_constant_memory(void **state)
{
    static const char line[] = "一个很长的名称，重复许多遍,118.06,36.81\n";
    size_t n = sizeof line - 1, rows = ((size_t)24 << 20) / n;
    char path[] = "/tmp/lf-hostile-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    FILE *f = fdopen(dup(fd), "w");
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(fwrite(line, 1, n, f), n);
    fclose(f);
    struct seen s;
    struct lf_err e;
    long before = peak_kb();
    assert_int_equal(read_file(LF_CSV, fd, &s, &e), LF_OK);
    assert_int_equal(s.rows, rows);
    assert_in_range(peak_kb() - before, 0, 8 * 1024);
}

static void a_cell_without_end_is_refused(void **state)
{
    size_t n = (size_t)8 << 20;
    char *text = lf_new(n);
    memset(text, 'a', n);
    struct seen s;
    struct lf_err e;
    assert_int_equal(read_file(LF_CSV, file_of(text, n), &s, &e), LF_EINVAL);
    text[0] = '"';
    assert_int_equal(read_file(LF_CSV, file_of(text, n), &s, &e), LF_EINVAL);
    memset(text, ',', n);
    assert_int_equal(read_file(LF_CSV, file_of(text, n), &s, &e), LF_EINVAL);
    assert_non_null(strstr(e.msg, "too many columns"));
    memset(text, '\n', n);
    assert_int_equal(read_file(LF_CSV, file_of(text, n), &s, &e), LF_EINVAL);
    assert_non_null(strstr(e.msg, "too many rows"));
    lf_release(text);
}

/* ---- xlsx ------------------------------------------------------------------------------------------------- */

struct part {
    const char *name, *head, *body, *tail;
    size_t repeat;
};

/* A spreadsheet of these parts, the body of each repeated. */
static int book(const struct part *p, int n)
{
    char path[] = "/tmp/lf-hostile-XXXXXX.xlsx";
    int fd = mkstemps(path, 5), code;
    close(fd);
    zip_t *z = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(z);
    for (int i = 0; i < n; i++) {
        size_t head = strlen(p[i].head), body = strlen(p[i].body), tail = strlen(p[i].tail), all = head + body * p[i].repeat + tail;
        char *text = malloc(all + 1), *at = text; /* libzip frees it */
        memcpy(at, p[i].head, head), at += head;
        for (size_t k = 0; k < p[i].repeat; k++, at += body)
            memcpy(at, p[i].body, body);
        memcpy(at, p[i].tail, tail);
        /* libzip frees text. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        assert_true(zip_file_add(z, p[i].name, zip_source_buffer(z, text, all, 1), 0) >= 0);
    }
    assert_int_equal(zip_close(z), 0);
    FILE *f = fopen(path, "r");
    fd = dup(fileno(f));
    fclose(f);
    unlink(path);
    return fd;
}
#define SHEET "xl/worksheets/sheet1.xml"
#define SHEET_HEAD "<worksheet><sheetData>"
#define SHEET_TAIL "</sheetData></worksheet>"

static void a_spreadsheet_that_unpacks_without_end_is_refused(void **state)
{
    static const struct part sheet = { SHEET, SHEET_HEAD, "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>", SHEET_TAIL, 1 };
    static const struct part bombs[] = {
        { "xl/sharedStrings.xml", "<sst>", "<si/>", "</sst>", 12 << 20 },
        { "xl/sharedStrings.xml", "<sst>", "<si><t>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</t></si>", "</sst>",
          1 << 20 },
        { "xl/sharedStrings.xml", "<sst>", "                                                                ", "</sst>", 1 << 20 },
        { "xl/styles.xml", "<styleSheet><cellXfs>", "<xf numFmtId=\"14\"/>                                             ",
          "</cellXfs></styleSheet>", 1 << 20 },
    };
    struct seen s;
    struct lf_err e;
    for (size_t i = 0; i < LF_COUNT(bombs); i++) {
        const struct part parts[] = { bombs[i], sheet };
        int fd = book(parts, 2);
        assert_int_equal(read_file(LF_XLSX, fd, &s, &e), LF_EINVAL);
        assert_int_equal(s.rows, 0);
    }
    const struct part wide = { SHEET, SHEET_HEAD "<row r=\"1\">", "                                                                ",
                               "</row>" SHEET_TAIL, 1 << 20 };
    assert_int_equal(read_file(LF_XLSX, book(&wide, 1), &s, &e), LF_EINVAL);
}

static void laughing_entities_are_refused(void **state)
{
    static const struct part p = {
        SHEET,
        "<!DOCTYPE x [<!ENTITY a \"haha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
        "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f "
        "\"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\">]>" SHEET_HEAD
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>",
        "&g;", "</t></is></c></row>" SHEET_TAIL, 3
    };
    struct seen s;
    struct lf_err e;
    assert_int_equal(read_file(LF_XLSX, book(&p, 1), &s, &e), LF_EINVAL);
}

static void claims_of_huge_sizes_cost_nothing(void **state)
{
    static const struct {
        const char *rows;
        lf_rc rc;
    } t[] = {
        { "<dimension ref=\"A1:XFD1048576\"/><row r=\"1\"><c r=\"A1\"><v>1</v></c></row>", LF_OK },
        { "<row r=\"1048576\"><c r=\"A1048576\"><v>1</v></c></row>", LF_OK },
        { "<row r=\"99999999999999999999\"><c><v>1</v></c></row>", LF_OK },
        { "<row r=\"-5\"><c><v>1</v></c></row>", LF_OK },
        { "<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>", LF_EINVAL },
        { "<row r=\"1\"><c r=\"AAAAAAAAAAAAAAAA1\"><v>1</v></c></row>", LF_EINVAL },
        { "<row r=\"1\"><c r=\"B1\"><v>1</v></c><c r=\"A1\"><v>1</v></c></row>", LF_EINVAL },
        { "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>4000000000</v></c></row>", LF_EINVAL },
        { "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>-1</v></c></row>", LF_EINVAL },
        { "<row r=\"1\"><c r=\"A1\" s=\"4000000000\"><v>1e308</v></c></row>", LF_OK },
        { "<row r=\"1\"><c r=\"A1\" s=\"0\"><v>1e308</v></c></row>", LF_OK },
        { "<row r=\"1\"><c r=\"A1\" s=\"0\"><v>nan</v></c></row>", LF_OK },
    };
    struct seen s;
    struct lf_err e;
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        const struct part parts[] = { { "xl/styles.xml", "<styleSheet><cellXfs>", "<xf numFmtId=\"14\"/>", "</cellXfs></styleSheet>", 1 },
                                      { SHEET, SHEET_HEAD, t[i].rows, SHEET_TAIL, 1 } };
        long before = peak_kb();
        int fd = book(parts, 2);
        assert_int_equal(read_file(LF_XLSX, fd, &s, &e), t[i].rc);
        assert_in_range(peak_kb() - before, 0, 16 * 1024);
    }
}

/* ---- pictures ------------------------------------------------------------------------------------------------ */

/* Every beginning of a picture, and a picture with each byte of its head changed: a thumbnail or a refusal, nothing else. */
static void damaged_pictures_are_refused_or_drawn(void **state)
{
    static const unsigned char png[] = { 0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,   'I',  'H',
                                         'D',  'R',  0,    0,    0,    1,    0,    0,    0,    1,    8,    6,    0,    0,
                                         0,    0x1f, 0x15, 0xc4, 0x89, 0,    0,    0,    13,   'I',  'D',  'A',  'T',  0x78,
                                         0xda, 0x63, 0x64, 0xf8, 0xcf, 0x50, 0x0f, 0,    0x03, 0x86, 0x01, 0x80, 0x5a, 0x34,
                                         0x7d, 0x6b, 0,    0,    0,    0,    'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82 };
    static const unsigned char webp[] = "RIFF\x24\0\0\0WEBPVP8L\x18\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
    static const unsigned char jpeg[] = "\xFF\xD8\xFF\xE1\0\x10"
                                        "Exif\0\0II*\0\xFF\xFF\xFF\xFF\xFF\xC0\0\x11\x08\xFF\xFF\xFF\xFF\x03\x01\x22\0";
    const struct {
        const unsigned char *p;
        size_t n;
    } pictures[] = { { png, sizeof png }, { webp, sizeof webp - 1 }, { jpeg, sizeof jpeg - 1 } };
    for (size_t i = 0; i < LF_COUNT(pictures); i++)
        for (size_t n = 0; n <= pictures[i].n; n++)
            for (unsigned flip = 0; flip < 256; flip += 51) {
                unsigned char *copy = lf_new(n + 1); /* so that a read behind its end is seen */
                struct lf_out o = lf_out_memory(0);
                struct lf_err e = { 0 };
                memcpy(copy, pictures[i].p, n);
                if (n && flip)
                    copy[n * flip % n ? n * flip % n : n - 1] ^= (unsigned char)flip;
                lf_rc rc = lf_thumbnail((lf_text){ (const char *)copy, (uint32_t)n }, 320, &o, &e);
                assert_true(rc == LF_OK || rc == LF_EINVAL || rc == LF_ETOOBIG);
                lf_out_close(&o);
                lf_release(copy);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_quoting_is_read_as_people_mean_it),
        cmocka_unit_test(nothing_breaks_where_pieces_meet),
        cmocka_unit_test(a_cell_without_end_is_refused),
        cmocka_unit_test(a_large_csv_is_read_in_constant_memory),
        cmocka_unit_test(a_spreadsheet_that_unpacks_without_end_is_refused),
        cmocka_unit_test(laughing_entities_are_refused),
        cmocka_unit_test(claims_of_huge_sizes_cost_nothing),
        cmocka_unit_test(damaged_pictures_are_refused_or_drawn),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
