/* table_read.c - csv and xlsx in, row by row, with limits on everything a file may claim. */
#include "fmt/fmt.h"
#include "base/text.h"

#include <errno.h>
#include <expat.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

enum { COLS = 512, ROWS = 1100000, CELL = 32768 };
static const uint64_t UNPACKED = (uint64_t)1 << 30, STRINGS = (uint64_t)128 << 20;
/* Sheets pack to a tenth; what unpacks to a hundred times its size is made to fill memory. */
static const uint64_t RATIO = 100, RATIO_FROM = (uint64_t)32 << 20;
enum { STRING_COUNT = 8 << 20 };

struct rows {
    lf_table_row f;
    void *user;
    struct lf_err *err;
    struct lf_out text;
    uint32_t start[COLS + 1];
    lf_text cell[COLS];
    int n, row;
    lf_rc rc;
};

static lf_rc bad(struct rows *r, const char *zh, const char *en)
{
    return r->rc = lf_err_set(r->err, LF_EINVAL, "file", "第 %d 行：%s | row %d: %s", r->row + 1, zh, r->row + 1, en);
}

static void end_cell(struct rows *r)
{
    if (r->rc)
        return;
    if (r->n == COLS)
        bad(r, "列数太多", "too many columns");
    else if (r->text.n - r->start[r->n] > CELL)
        bad(r, "单元格内容太长", "a cell is too long");
    else
        r->start[++r->n] = (uint32_t)r->text.n;
}

static void end_row(struct rows *r)
{
    if (r->rc)
        return;
    if (r->row == ROWS) {
        bad(r, "行数太多", "too many rows");
        return;
    }
    const char *base = lf_out_text(&r->text).p;
    for (int i = 0; i < r->n; i++)
        r->cell[i] = (lf_text){ base + r->start[i], r->start[i + 1] - r->start[i] };
    r->rc = r->f(r->user, ++r->row, r->cell, r->n, r->err);
    r->n = 0;
    r->text.n = 0;
}

/* A cell that is too long is told when it is, not when it ends. */
static void put_char(struct rows *r, int c)
{
    if (r->text.n - r->start[r->n] > CELL)
        bad(r, "单元格内容太长", "a cell is too long");
    else
        lf_put_c(&r->text, (char)c);
}

/* ---- csv -------------------------------------------------------------------------------------------------- */

/* The file as UTF-8, a piece at a time: constant memory whatever its size. */
enum { PIECE = 64 * 1024 };
struct source {
    int fd;
    off_t at;    /* in the file */
    iconv_t gbk; /* (iconv_t)-1: it is UTF-8 already */
    size_t n, i; /* of text */
    size_t nraw; /* the beginning of a character that the last piece cut off */
    bool ended, bad;
    char text[PIECE * 2], raw[PIECE];
};

/* The next piece into text; false at the end, or when it cannot be read (bad). */
static bool fill(struct source *s)
{
    char *to = s->gbk == (iconv_t)-1 ? s->text : s->raw + s->nraw;
    ssize_t k = pread(s->fd, to, PIECE - s->nraw, s->at);
    s->i = 0;
    s->n = k > 0 && to == s->text ? (size_t)k : 0;
    s->at += k > 0 ? k : 0;
    s->bad = s->bad || k < 0 || (!k && s->nraw);
    if (k <= 0 || to == s->text)
        return k > 0;
    char *in = s->raw, *out = s->text;
    size_t left = s->nraw + (size_t)k, room = sizeof s->text;
    if (iconv(s->gbk, &in, &left, &out, &room) == (size_t)-1 && errno != EINVAL)
        s->bad = true;
    memmove(s->raw, in, left);
    s->nraw = left;
    s->n = sizeof s->text - room;
    return !s->bad;
}

static int peek(struct source *s)
{
    while (s->i == s->n && !s->ended)
        s->ended = !fill(s);
    return s->i < s->n ? (unsigned char)s->text[s->i] : -1;
}

static int next(struct source *s)
{
    int c = peek(s);
    s->i += c >= 0;
    return c;
}

static void from_start(struct source *s)
{
    s->at = 0;
    s->n = s->i = s->nraw = 0;
    s->ended = s->bad = false;
}

/* Is all of it UTF-8? A character that the end cuts off is nobody's encoding and is refused later, where it is used. */
static bool all_utf8(struct source *s)
{
    int more = 0;
    for (int c; (c = next(s)) >= 0;) {
        if (more ? (c & 0xC0) != 0x80 : c >= 0x80 && (c < 0xC2 || c > 0xF4))
            return false;
        more = more ? more - 1 : c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    }
    return true;
}

static char delimiter(struct source *s)
{
    int comma = 0, semicolon = 0, tab = 0;
    peek(s);
    for (size_t i = s->i; i < s->n && s->text[i] != '\n'; i++)
        comma += s->text[i] == ',', semicolon += s->text[i] == ';', tab += s->text[i] == '\t';
    return tab > comma && tab > semicolon ? '\t' : semicolon > comma ? ';' : ',';
}

static void read_csv(struct rows *r, struct source *s)
{
    int sep = (unsigned char)delimiter(s);
    bool quoted = false, any = false;
    for (int c; !r->rc && (c = next(s)) >= 0;) {
        if (!c)
            bad(r, "含有不允许的字符", "has a character that is not allowed");
        else if (quoted) {
            if (c != '"')
                put_char(r, c);
            else if (peek(s) == '"')
                put_char(r, next(s));
            else
                quoted = false;
        } else if (c == '"' && r->text.n == r->start[r->n])
            quoted = any = true;
        else if (c == sep)
            end_cell(r), any = true;
        else if (c == '\n' || c == '\r') {
            if (c == '\r' && peek(s) == '\n')
                next(s);
            if (any)
                end_cell(r);
            end_row(r);
            any = false;
        } else
            put_char(r, c), any = true;
    }
    if (quoted && !r->rc)
        bad(r, "引号没有闭合", "a quotation mark is not closed");
    if (any && !r->rc)
        end_cell(r), end_row(r);
}

/* UTF-8, with or without its mark, or GBK: all of it is looked at before the first row is given out. */
static bool find_encoding(struct source *s)
{
    from_start(s);
    if (all_utf8(s))
        return !s->bad;
    s->gbk = iconv_open("UTF-8", "GB18030");
    from_start(s);
    while (s->gbk != (iconv_t)-1 && next(s) >= 0)
        s->i = s->n;
    return s->gbk != (iconv_t)-1 && !s->bad;
}

static lf_rc csv_file(struct rows *r, int fd)
{
    struct source *s = lf_new(sizeof *s);
    s->fd = fd;
    s->gbk = (iconv_t)-1;
    if (!find_encoding(s))
        bad(r, "编码应为 UTF-8 或 GBK", "the encoding must be UTF-8 or GBK");
    from_start(s);
    if (!r->rc) {
        if (s->gbk != (iconv_t)-1)
            iconv(s->gbk, NULL, NULL, NULL, NULL);
        else if (peek(s) == 0xEF && s->n >= 3 && !memcmp(s->text, "\xEF\xBB\xBF", 3))
            s->i = 3;
        read_csv(r, s);
    }
    if (!r->rc && s->bad)
        lf_err_set(r->err, r->rc = LF_EIO, "file", "文件读不到：%s | the file cannot be read: %s", strerror(errno), strerror(errno));
    if (s->gbk != (iconv_t)-1)
        iconv_close(s->gbk);
    lf_release(s);
    return r->rc;
}

/* ---- xlsx --------------------------------------------------------------------------------------------------- */

struct strings {
    struct lf_out text;
    uint32_t *end;
    size_t n, cap;
};
struct book {
    struct rows *r;
    struct strings shared;
    unsigned char *date_style; /* by cell style: 1 = shown as a date */
    size_t nstyle, nfmt;
    struct {
        int id;
        bool date;
    } fmt[256];
    XML_Parser xml;
    struct lf_out value;
    char type[16];
    int col, style;
    bool in_value, in_xfs, rich;
    uint64_t packed, unpacked;
};

static const char *attr(const XML_Char **a, const char *name)
{
    for (; *a; a += 2)
        if (!strcmp(a[0], name))
            return a[1];
    return NULL;
}

static const char *local(const char *name)
{
    const char *c = strrchr(name, ':');
    return c ? c + 1 : name;
}

static void take_chars(void *user, const XML_Char *s, int n)
{
    struct book *b = user;
    if (b->in_value && b->value.n < CELL * 2)
        lf_put(&b->value, s, (size_t)n);
}

static lf_rc parse_part(struct book *b, zip_t *z, const char *name, XML_StartElementHandler start, XML_EndElementHandler end, bool needed)
{
    zip_file_t *f = zip_fopen(z, name, 0);
    if (!f)
        return needed ? bad(b->r, "不是可读的 xlsx 文件", "this is not a readable xlsx file") : LF_OK;
    char buf[65536];
    b->xml = XML_ParserCreate(NULL);
    XML_SetUserData(b->xml, b);
    XML_SetElementHandler(b->xml, start, end);
    XML_SetCharacterDataHandler(b->xml, take_chars);
    zip_int64_t n = 0;
    while (!b->r->rc && (n = zip_fread(f, buf, sizeof buf)) > 0) {
        b->unpacked += (uint64_t)n;
        if (b->unpacked > UNPACKED || (b->unpacked > RATIO_FROM && b->unpacked > RATIO * b->packed))
            bad(b->r, "解压后太大", "it is too large when unpacked");
        else if (!XML_Parse(b->xml, buf, (int)n, 0) && !b->r->rc)
            bad(b->r, "文件已损坏", "the file is damaged");
    }
    if (!b->r->rc && (n < 0 || !XML_Parse(b->xml, buf, 0, 1)))
        bad(b->r, "文件已损坏", "the file is damaged");
    XML_ParserFree(b->xml);
    zip_fclose(f);
    return b->r->rc;
}

static void string_start(void *user, const XML_Char *name, const XML_Char **a)
{
    struct book *b = user;
    name = local(name);
    if (!strcmp(name, "si"))
        b->value.n = 0;
    if (!strcmp(name, "t"))
        b->in_value = true;
}

static void string_end(void *user, const XML_Char *name)
{
    struct book *b = user;
    struct strings *s = &b->shared;
    name = local(name);
    if (!strcmp(name, "t"))
        b->in_value = false;
    if (strcmp(name, "si") != 0 || b->r->rc)
        return;
    lf_put(&s->text, b->value.buf, b->value.n);
    if (s->text.failed || s->n == STRING_COUNT) {
        bad(b->r, "文字太多", "there is too much text");
        return;
    }
    s->end = lf_more(NULL, s->end, s->n, &s->cap, sizeof *s->end);
    s->end[s->n++] = (uint32_t)s->text.n;
}

static bool is_date_code(const char *code)
{
    bool quoted = false, bracket = false;
    for (; *code; code++) {
        if (*code == '"')
            quoted = !quoted;
        if (*code == '[')
            bracket = true;
        if (*code == ']')
            bracket = false;
        if (!quoted && !bracket && strchr("ymdhs", *code))
            return true;
    }
    return false;
}

/* 0 for what is no number: an attribute is what the file says. */
static int number(const char *s)
{
    int64_t v = 0;
    return s && lf_text_int(lf_str(s), &v) && v <= INT32_MAX ? (int)v : 0;
}

static void style_start(void *user, const XML_Char *name, const XML_Char **a)
{
    struct book *b = user;
    name = local(name);
    const char *id = attr(a, "numFmtId"), *code = attr(a, "formatCode");
    if (!strcmp(name, "numFmt") && id && code && b->nfmt < LF_COUNT(b->fmt)) {
        b->fmt[b->nfmt].id = number(id);
        b->fmt[b->nfmt++].date = is_date_code(code);
    }
    if (!strcmp(name, "cellXfs"))
        b->in_xfs = true;
    if (!strcmp(name, "xf") && b->in_xfs && b->nstyle < 65536) {
        int n = number(id);
        bool date = (n >= 14 && n <= 22) || (n >= 45 && n <= 47);
        for (size_t i = 0; i < b->nfmt; i++)
            if (b->fmt[i].id == n)
                date = b->fmt[i].date;
        b->date_style = lf_renew(b->date_style, b->nstyle + 1);
        b->date_style[b->nstyle++] = date;
    }
}

static void style_end(void *user, const XML_Char *name)
{
    if (!strcmp(local(name), "cellXfs"))
        ((struct book *)user)->in_xfs = false;
}

static int column(const char *ref)
{
    int c = 0;
    for (; ref && *ref >= 'A' && *ref <= 'Z' && c < 20000; ref++)
        c = c * 26 + (*ref - 'A' + 1);
    return c - 1;
}

static void sheet_start(void *user, const XML_Char *name, const XML_Char **a)
{
    struct book *b = user;
    name = local(name);
    if (!strcmp(name, "c")) {
        const char *ref = attr(a, "r"), *type = attr(a, "t"), *style = attr(a, "s");
        b->col = ref ? column(ref) : b->r->n;
        snprintf(b->type, sizeof b->type, "%s", type ? type : "n");
        b->style = number(style);
        b->value.n = 0;
    }
    if (!strcmp(name, "v") || !strcmp(name, "t"))
        b->in_value = true;
    if (!strcmp(name, "row")) {
        int n = number(attr(a, "r"));
        while (!b->r->rc && b->r->row + 1 < n && b->r->row < ROWS)
            end_row(b->r); /* rows that are not in the file are empty */
    }
}

static void date_text(struct lf_out *o, double serial)
{
    int64_t s = (int64_t)llround((serial - 25569) * 86400);
    int64_t day = s / 86400 - (s % 86400 < 0), rest = s - day * 86400;
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100),
            mp = (5 * doy + 2) / 153;
    int d = (int)(doy - (153 * mp + 2) / 5 + 1), m = (int)(mp < 10 ? mp + 3 : mp - 9), y = (int)(yoe + era * 400 + (m <= 2));
    lf_putf(o, "%04d-%02d-%02d", y, m, d);
    if (rest)
        lf_putf(o, " %02d:%02d:%02d", (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

/* Days since 1899-12-30, to 9999-12-31. */
static bool is_serial(const char *v) { return *v && strtod(v, NULL) >= 0 && strtod(v, NULL) < 2958466; }

static void put_value(struct book *b)
{
    struct rows *r = b->r;
    lf_put_c(&b->value, 0);
    const char *v = b->value.buf;
    if (!strcmp(b->type, "s")) {
        size_t i = (size_t)strtoul(v, NULL, 10), from = i && i <= b->shared.n ? b->shared.end[i - 1] : 0;
        if (i >= b->shared.n)
            bad(r, "文件已损坏", "the file is damaged");
        else
            lf_put(&r->text, b->shared.text.buf + from, b->shared.end[i] - from);
    } else if (!strcmp(b->type, "n") && (size_t)b->style < b->nstyle && b->date_style[b->style] && is_serial(v)) {
        date_text(&r->text, strtod(v, NULL));
    } else {
        lf_put_str(&r->text, v);
    }
}

static void sheet_end(void *user, const XML_Char *name)
{
    struct book *b = user;
    struct rows *r = b->r;
    name = local(name);
    if (!strcmp(name, "v") || !strcmp(name, "t"))
        b->in_value = false;
    if (!strcmp(name, "c") && !r->rc) {
        if (b->col < r->n || b->col >= COLS) {
            bad(r, "列数太多或顺序不对", "too many columns, or out of order");
            return;
        }
        while (r->n < b->col)
            end_cell(r);
        put_value(b);
        end_cell(r);
    }
    if (!strcmp(name, "row"))
        end_row(r);
    if (r->rc)
        XML_StopParser(b->xml, XML_FALSE);
}

static lf_rc xlsx_file(struct rows *r, int fd)
{
    zip_error_t e;
    unsigned char magic[4] = { 0 };
    if (pread(fd, magic, 4, 0) == 4 && magic[0] == 0xD0 && magic[1] == 0xCF)
        return bad(r, "这是旧版 xls 或加密文件，请另存为未加密的 xlsx",
                   "this is an old xls or an encrypted file, save it as xlsx without a password");
    int copy = dup(fd);
    FILE *f = copy >= 0 ? fdopen(copy, "rb") : NULL;
    zip_source_t *src = f ? zip_source_filep_create(f, 0, -1, &e) : NULL;
    zip_t *z = src ? zip_open_from_source(src, ZIP_RDONLY, &e) : NULL;
    if (!z) {
        if (src)
            zip_source_free(src);
        else if (f)
            fclose(f);
        return bad(r, "不是可读的 xlsx 文件", "this is not a readable xlsx file");
    }
    struct stat st;
    struct book b = { .r = r,
                      .packed = fstat(fd, &st) ? 0 : (uint64_t)st.st_size,
                      .value = lf_out_memory(CELL * 4),
                      .shared = { .text = lf_out_memory(STRINGS) } };
    lf_rc rc = parse_part(&b, z, "xl/sharedStrings.xml", string_start, string_end, false);
    if (!rc)
        rc = parse_part(&b, z, "xl/styles.xml", style_start, style_end, false);
    if (!rc)
        rc = parse_part(&b, z, "xl/worksheets/sheet1.xml", sheet_start, sheet_end, true);
    zip_discard(z);
    lf_out_close(&b.value);
    lf_out_close(&b.shared.text);
    lf_release(b.shared.end);
    lf_release(b.date_style);
    return rc;
}

lf_rc lf_table_read(enum lf_table_kind kind, int fd, lf_table_row f, void *user, struct lf_err *err)
{
    struct rows r = { .f = f, .user = user, .err = err, .text = lf_out_memory(COLS * CELL) };
    lf_rc rc = kind == LF_XLSX ? xlsx_file(&r, fd) : csv_file(&r, fd);
    lf_out_close(&r.text);
    return rc;
}
