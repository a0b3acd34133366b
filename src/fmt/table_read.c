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
static const uint64_t UNPACKED = (uint64_t)1 << 30, STRINGS = (uint64_t)256 << 20;

struct rows {
    lf_table_row f;
    void *user;
    struct lf_err *err;
    struct lf_out text;
    uint32_t start[COLS + 1];
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
    static lf_text cells[1]; /* an empty row has no cells */
    if (r->rc)
        return;
    if (r->row == ROWS) {
        bad(r, "行数太多", "too many rows");
        return;
    }
    lf_text *c = r->n ? lf_new(sizeof *c * (size_t)r->n) : cells;
    const char *base = lf_out_text(&r->text).p;
    for (int i = 0; i < r->n; i++)
        c[i] = (lf_text){ base + r->start[i], r->start[i + 1] - r->start[i] };
    r->rc = r->f(r->user, ++r->row, c, r->n, r->err);
    if (r->n)
        lf_release(c);
    r->n = 0;
    r->text.n = 0;
}

/* ---- csv -------------------------------------------------------------------------------------------------- */

static bool utf8_text(lf_text t)
{
    for (uint32_t i = 0; i < t.n;) {
        unsigned char c = (unsigned char)t.p[i];
        uint32_t len = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
        if (!len)
            return false;
        if (i + len > t.n)
            return true; /* cut at the end of what was looked at */
        for (uint32_t k = 1; k < len; k++)
            if (((unsigned char)t.p[i + k] & 0xC0) != 0x80)
                return false;
        i += len;
    }
    return true;
}

static bool from_gbk(lf_text in, struct lf_out *out)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    char *p = (char *)(uintptr_t)in.p, b[8192];
    size_t n = in.n;
    bool ok = cd != (iconv_t)-1;
    while (ok && n) {
        char *o = b;
        size_t room = sizeof b;
        size_t k = iconv(cd, &p, &n, &o, &room);
        lf_put(out, b, sizeof b - room);
        ok = k != (size_t)-1 || errno == E2BIG;
    }
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    return ok;
}

static char delimiter(lf_text t)
{
    int comma = 0, semicolon = 0, tab = 0;
    for (uint32_t i = 0; i < t.n && t.p[i] != '\n'; i++)
        comma += t.p[i] == ',', semicolon += t.p[i] == ';', tab += t.p[i] == '\t';
    return tab > comma && tab > semicolon ? '\t' : semicolon > comma ? ';' : ',';
}

static void read_csv(struct rows *r, lf_text t)
{
    char sep = delimiter(t);
    bool quoted = false, any = false;
    for (uint32_t i = 0; i < t.n && !r->rc; i++) {
        char c = t.p[i];
        if (!c)
            bad(r, "含有不允许的字符", "has a character that is not allowed");
        else if (quoted) {
            if (c != '"')
                lf_put_c(&r->text, c);
            else if (i + 1 < t.n && t.p[i + 1] == '"')
                lf_put_c(&r->text, t.p[++i]);
            else
                quoted = false;
        } else if (c == '"' && r->text.n == r->start[r->n])
            quoted = any = true;
        else if (c == sep)
            end_cell(r), any = true;
        else if (c == '\n' || c == '\r') {
            if (c == '\r' && i + 1 < t.n && t.p[i + 1] == '\n')
                i++;
            if (any)
                end_cell(r);
            end_row(r);
            any = false;
        } else
            lf_put_c(&r->text, c), any = true;
    }
    if (quoted && !r->rc)
        bad(r, "引号没有闭合", "a quotation mark is not closed");
    if (any && !r->rc)
        end_cell(r), end_row(r);
}

static lf_rc csv_file(struct rows *r, int fd)
{
    struct stat st;
    if (fstat(fd, &st) || st.st_size > (off_t)(256 << 20))
        return lf_err_set(r->err, LF_ETOOBIG, "file", "文件太大 | the file is too large");
    char *p = lf_new((size_t)st.st_size + 1);
    size_t n = 0;
    for (ssize_t k; n < (size_t)st.st_size && (k = pread(fd, p + n, (size_t)st.st_size - n, (off_t)n)) > 0;)
        n += (size_t)k;
    lf_text t = { p, (uint32_t)n };
    struct lf_out utf8 = lf_out_memory((size_t)512 << 20);
    if (n >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3))
        t.p += 3, t.n -= 3;
    if (!utf8_text(t)) {
        if (!from_gbk(t, &utf8))
            bad(r, "编码应为 UTF-8 或 GBK", "the encoding must be UTF-8 or GBK");
        t = lf_out_text(&utf8);
    }
    if (!r->rc)
        read_csv(r, t);
    lf_out_close(&utf8);
    lf_release(p);
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
    uint64_t unpacked;
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
    zip_int64_t n;
    while (!b->r->rc && (n = zip_fread(f, buf, sizeof buf)) > 0) {
        b->unpacked += (uint64_t)n;
        if (b->unpacked > UNPACKED)
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
    if (s->n == s->cap)
        s->end = lf_renew(s->end, (s->cap = s->cap ? s->cap * 2 : 1024) * sizeof *s->end);
    lf_put(&s->text, b->value.buf, b->value.n);
    if (s->text.failed)
        bad(b->r, "文字太多", "there is too much text");
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
    } else if (!strcmp(b->type, "n") && *v && (size_t)b->style < b->nstyle && b->date_style[b->style]) {
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
    struct book b = { .r = r, .value = lf_out_memory(CELL * 4), .shared = { .text = lf_out_memory(STRINGS) } };
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
