#include "fmt/fmt.h"

#include <gd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const struct lf_column cols[] = { { "name", "名称", LF_CELL_TEXT, 0, -1 }, { "n", "数", LF_CELL_INT, 0, -1 },
                                         { "lon", "经度", LF_CELL_REAL, 0, -1 },  { "lat", "纬度", LF_CELL_REAL, 0, -1 },
                                         { "fen", "金额", LF_CELL_MONEY, 0, -1 }, { "day", "日", LF_CELL_DAY, 0, -1 } };
static int tmp(void)
{
    char p[] = "/tmp/lf-fmt-XXXXXX";
    int fd = mkstemp(p);
    unlink(p);
    return fd;
}

static int write_table(enum lf_table_kind kind, const char *name, int rows)
{
    struct lf_err e = { 0 };
    struct lf_sheet *s;
    int fd = tmp();
    struct lf_sheet_config c = {
        .kind = kind, .fd = fd, .sheet_name = "测试", .col = cols, .ncol = 6, .lon_col = 2, .lat_col = 3, .shape_col = -1
    };
    assert_int_equal(lf_sheet_open(&s, &c, &e), LF_OK);
    for (int i = 0; i < rows; i++) {
        struct lf_cell x[] = { { LF_CELL_TEXT, .s = lf_str(name) }, { LF_CELL_INT, .i = i },
                               { LF_CELL_REAL, .d = 118.25 },       { LF_CELL_REAL, .d = 36.5 },
                               { LF_CELL_MONEY, .i = 1234500 + i }, { LF_CELL_DAY, .i = 20000 } };
        assert_int_equal(lf_sheet_row(s, x, &e), LF_OK);
    }
    assert_int_equal(lf_sheet_close(s, &e), LF_OK);
    return fd;
}

struct seen {
    int rows;
    char last[6][64];
};
static lf_rc take(void *user, int row, const lf_text *c, int n, struct lf_err *err)
{
    struct seen *s = user;
    s->rows = row;
    for (int i = 0; i < n && i < 6; i++)
        snprintf(s->last[i], sizeof s->last[i], "%.*s", (int)c[i].n, c[i].p);
    return LF_OK;
}

static void round_trip(void **state)
{
    for (int kind = LF_CSV; kind <= LF_XLSX; kind++) {
        struct lf_err e = { 0 };
        struct seen s = { 0 };
        int fd = write_table((enum lf_table_kind)kind, "甲,\"乙\"\n丙", 3);
        assert_int_equal(lf_table_read((enum lf_table_kind)kind, fd, take, &s, &e), LF_OK);
        assert_int_equal(s.rows, 4);
        assert_string_equal(s.last[0], "甲,\"乙\"\n丙");
        assert_string_equal(s.last[1], "2");
        assert_true(strtod(s.last[4], NULL) > 12345.01 && strtod(s.last[4], NULL) < 12345.03);
        assert_string_equal(s.last[5], "2024-10-04");
        close(fd);
    }
}

static void formulas_do_not_run(void **state)
{
    struct lf_err e = { 0 };
    struct seen s = { 0 };
    int fd = write_table(LF_CSV, "=1+1", 1);
    assert_int_equal(lf_table_read(LF_CSV, fd, take, &s, &e), LF_OK);
    assert_string_equal(s.last[0], "'=1+1");
    close(fd);
}

static void geojson_points(void **state)
{
    char b[4096] = "";
    int fd = write_table(LF_GEOJSON, "点", 2);
    assert_true(pread(fd, b, sizeof b - 1, 0) > 0);
    assert_non_null(strstr(b, "\"coordinates\":[118.25,36.5]"));
    assert_non_null(strstr(b, "},\n{")); /* two features, one comma */
    close(fd);
}

static void bad_files(void **state)
{
    static const struct {
        enum lf_table_kind kind;
        const char *text;
        size_t n;
    } bad[] = { { LF_CSV, "a,\"b", 4 },
                { LF_CSV, "a\0b", 3 },
                { LF_XLSX, "PK\3\4 nothing", 12 },
                { LF_XLSX, "", 0 },
                { LF_XLSX, "\xD0\xCF\x11\xE0 old", 8 },
                { LF_CSV, "\xff\xff\xff", 3 } };
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        struct lf_err e = { 0 };
        struct seen s = { 0 };
        int fd = tmp();
        assert_int_equal(write(fd, bad[i].text, bad[i].n), bad[i].n);
        assert_int_equal(lf_table_read(bad[i].kind, fd, take, &s, &e), LF_EINVAL);
        assert_non_null(strstr(e.msg, " | "));
        close(fd);
    }
}

static void gbk_is_read(void **state)
{
    struct lf_err e = { 0 };
    struct seen s = { 0 };
    int fd = tmp();
    assert_int_equal(write(fd, "\xd7\xcd\xb2\xa9;1\r\n", 8), 8); /* 淄博 */
    assert_int_equal(lf_table_read(LF_CSV, fd, take, &s, &e), LF_OK);
    assert_string_equal(s.last[0], "淄博");
    close(fd);
}

/* Mutated spreadsheets are refused or read; never worse. */
static void mutated_xlsx(void **state)
{
    int fd = write_table(LF_XLSX, "变", 5);
    char b[65536];
    ssize_t n = pread(fd, b, sizeof b, 0);
    srand(7);
    for (int k = 0; k < 300; k++) {
        char c[65536];
        memcpy(c, b, (size_t)n);
        for (int i = 0; i < 8; i++)
            c[rand() % n] = (char)rand();
        int to = tmp();
        struct lf_err e = { 0 };
        struct seen s = { 0 };
        assert_int_equal(write(to, c, (size_t)n), n);
        lf_rc rc = lf_table_read(LF_XLSX, to, take, &s, &e);
        assert_true(rc == LF_OK || rc == LF_EINVAL);
        close(to);
    }
    close(fd);
}

static void thumbnails(void **state)
{
    gdImagePtr im = gdImageCreateTrueColor(800, 400);
    int n = 0;
    void *p = gdImageJpegPtr(im, &n, 80);
    struct lf_out o = lf_out_memory(0);
    struct lf_err e = { 0 };
    assert_int_equal(lf_thumbnail((lf_text){ p, (uint32_t)n }, 320, &o, &e), LF_OK);
    gdImagePtr small = gdImageCreateFromJpegPtr((int)o.n, o.buf);
    assert_int_equal(gdImageSX(small), 320);
    assert_int_equal(gdImageSY(small), 160);
    gdImageDestroy(small);
    lf_out_close(&o);
    assert_int_equal(lf_thumbnail((lf_text){ p, 40 }, 320, &o, &e), LF_EINVAL);
    assert_int_equal(lf_thumbnail(LF_TEXT("%PDF-1.7 not a picture"), 320, &o, &e), LF_EINVAL);
    static const char bomb[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\xff\xff\0\1\xff\xff\x8\x2";
    assert_int_equal(lf_thumbnail((lf_text){ bomb, sizeof bomb }, 320, &o, &e), LF_ETOOBIG);
    lf_out_close(&o);
    gdFree(p);
    gdImageDestroy(im);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip),     cmocka_unit_test(formulas_do_not_run),
                                        cmocka_unit_test(geojson_points), cmocka_unit_test(bad_files),
                                        cmocka_unit_test(gbk_is_read),    cmocka_unit_test(mutated_xlsx),
                                        cmocka_unit_test(thumbnails) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
