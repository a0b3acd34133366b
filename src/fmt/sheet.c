/* sheet.c - one table writer with three voices. Rows go out as they come; nothing is kept. */
#include "fmt/fmt.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xlsxwriter.h>

enum { XLSX_ROWS = 1048575 };
struct lf_sheet {
    struct lf_sheet_config c;
    struct lf_arena arena;
    struct lf_out out;
    struct lf_column *col;
    int64_t rows;
    /* xlsx */
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_format *head, *day, *ms, *money;
    char *path, *dir;
    int row, nsheet;
};

static lf_rc disk(struct lf_err *err, int code)
{
    return lf_err_set(err, LF_EIO, NULL, "文件未能写出（%s） | the file could not be written (%s)", strerror(code), strerror(code));
}

/* ---- csv --------------------------------------------------------------------------------------------- */

/* A text that a spreadsheet would run as a formula gets an apostrophe. */
static void csv_text(struct lf_out *o, lf_text t)
{
    bool quote = false;
    for (uint32_t i = 0; i < t.n && !quote; i++)
        quote = strchr(",\"\r\n", t.p[i]) && t.p[i];
    bool formula = t.n && t.p[0] && strchr("=+-@\t\r", t.p[0]);
    if (quote)
        lf_put_c(o, '"');
    if (formula)
        lf_put_c(o, '\'');
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.p[i] == '"')
            lf_put_c(o, '"');
        lf_put_c(o, t.p[i]);
    }
    if (quote)
        lf_put_c(o, '"');
}

static void csv_cell(struct lf_out *o, const struct lf_cell *x)
{
    char b[32];
    switch (x->t) {
    case LF_CELL_NULL: break;
    case LF_CELL_TEXT: csv_text(o, x->s); break;
    case LF_CELL_INT: lf_put_int(o, x->i); break;
    case LF_CELL_REAL:
        if (isfinite(x->d))
            lf_put_real(o, x->d);
        break;
    case LF_CELL_MONEY: lf_putf(o, "%s%lld.%02lld", x->i < 0 ? "-" : "", (long long)llabs(x->i) / 100, (long long)llabs(x->i) % 100); break;
    case LF_CELL_DAY: lf_put_str(o, lf_day_iso(b, (lf_day){ (int32_t)x->i })); break;
    case LF_CELL_MS: lf_put_str(o, lf_ms_human(b, (lf_ms){ x->i })); break;
    case LF_CELL_BOOL: lf_put_str(o, x->i ? "是" : "否"); break;
    }
}

static void csv_head(struct lf_sheet *s)
{
    lf_put_str(&s->out, "\xEF\xBB\xBF");
    for (int i = 0; i < s->c.ncol; i++) {
        if (i)
            lf_put_c(&s->out, ',');
        csv_text(&s->out, lf_str(s->col[i].title));
    }
    lf_put_str(&s->out, "\r\n");
}

static void csv_row(struct lf_sheet *s, const struct lf_cell *x)
{
    for (int i = 0; i < s->c.ncol; i++) {
        if (i)
            lf_put_c(&s->out, ',');
        csv_cell(&s->out, &x[i]);
    }
    lf_put_str(&s->out, "\r\n");
}

/* ---- GeoJSON -------------------------------------------------------------------------------------------- */

static void geojson_cell(struct lf_json *j, const struct lf_cell *x)
{
    char b[32];
    switch (x->t) {
    case LF_CELL_NULL: lf_json_null(j); break;
    case LF_CELL_TEXT: lf_json_text(j, x->s); break;
    case LF_CELL_REAL: lf_json_real(j, x->d); break;
    case LF_CELL_MONEY: lf_json_real(j, (double)x->i / 100); break;
    case LF_CELL_DAY: lf_json_str(j, lf_day_iso(b, (lf_day){ (int32_t)x->i })); break;
    case LF_CELL_MS: lf_json_str(j, lf_ms_iso(b, (lf_ms){ x->i })); break;
    case LF_CELL_BOOL: lf_json_bool(j, x->i != 0); break;
    case LF_CELL_INT: lf_json_int(j, x->i); break;
    }
}

static void geojson_row(struct lf_sheet *s, const struct lf_cell *x)
{
    const struct lf_sheet_config *c = &s->c;
    struct lf_json j = lf_json_to(&s->out);
    if (s->rows)
        lf_put_str(&s->out, ",\n");
    lf_json_obj(&j);
    lf_json_kstr(&j, "type", "Feature");
    lf_json_key(&j, "geometry");
    if (c->shape_col >= 0 && x[c->shape_col].t == LF_CELL_TEXT && x[c->shape_col].s.n) {
        lf_json_raw(&j, x[c->shape_col].s);
    } else if (c->lon_col >= 0 && c->lat_col >= 0 && x[c->lon_col].t == LF_CELL_REAL && x[c->lat_col].t == LF_CELL_REAL) {
        lf_json_obj(&j);
        lf_json_kstr(&j, "type", "Point");
        lf_json_key(&j, "coordinates");
        lf_json_arr(&j);
        lf_json_real(&j, x[c->lon_col].d);
        lf_json_real(&j, x[c->lat_col].d);
        lf_json_end_arr(&j);
        lf_json_end_obj(&j);
    } else {
        lf_json_null(&j);
    }
    lf_json_key(&j, "properties");
    lf_json_obj(&j);
    for (int i = 0; i < c->ncol; i++) {
        if (i == c->shape_col)
            continue;
        lf_json_key(&j, s->col[i].name);
        geojson_cell(&j, &x[i]);
    }
    lf_json_end_obj(&j);
    lf_json_end_obj(&j);
}

/* ---- xlsx --------------------------------------------------------------------------------------------------- */

static void xlsx_sheet(struct lf_sheet *s)
{
    char name[64];
    snprintf(name, sizeof name, s->nsheet ? "%.40s-%d" : "%.40s", s->c.sheet_name ? s->c.sheet_name : "Lanfan", s->nsheet + 1);
    s->sheet = workbook_add_worksheet(s->book, workbook_validate_sheet_name(s->book, name) ? NULL : name);
    s->nsheet++;
    s->row = 1;
    for (int i = 0; i < s->c.ncol; i++) {
        int wide = s->col[i].width ? s->col[i].width : (int)strlen(s->col[i].title) * 2 / 3 + 6;
        worksheet_set_column(s->sheet, (lxw_col_t)i, (lxw_col_t)i, wide < 12 ? 12 : wide, NULL);
    }
    for (int i = 0; i < s->c.ncol; i++)
        worksheet_write_string(s->sheet, 0, (lxw_col_t)i, s->col[i].title, s->head);
    worksheet_freeze_panes(s->sheet, 1, 0);
}

static lf_rc xlsx_open(struct lf_sheet *s, struct lf_err *err)
{
    const char *tmp = s->c.tmp_dir ? s->c.tmp_dir : "/tmp";
    s->dir = lf_printf(&s->arena, "%s", tmp);
    s->path = lf_printf(&s->arena, "%s/lanfan-XXXXXX", tmp);
    int fd = mkostemp(s->path, O_CLOEXEC);
    if (fd < 0)
        return disk(err, errno);
    close(fd);
    lxw_workbook_options o = { .constant_memory = LXW_TRUE, .tmpdir = s->dir };
    s->book = workbook_new_opt(s->path, &o);
    if (!s->book)
        return disk(err, ENOMEM);
    s->head = workbook_add_format(s->book);
    s->day = workbook_add_format(s->book);
    s->ms = workbook_add_format(s->book);
    s->money = workbook_add_format(s->book);
    format_set_bold(s->head);
    format_set_num_format(s->day, "yyyy-mm-dd");
    format_set_num_format(s->ms, "yyyy-mm-dd hh:mm:ss");
    format_set_num_format(s->money, "#,##0.00");
    xlsx_sheet(s);
    return LF_OK;
}

static void xlsx_cell(struct lf_sheet *s, lxw_row_t row, lxw_col_t col, const struct lf_cell *x)
{
    const double epoch = 25569; /* 1970-01-01 as a day of the spreadsheet */
    struct lf_arena a = { 0 };
    switch (x->t) {
    case LF_CELL_NULL: break;
    case LF_CELL_TEXT:
        worksheet_write_string(s->sheet, row, col, lf_strn(&a, x->s.n > 32000 ? (lf_text){ x->s.p, 32000 } : x->s), NULL);
        break;
    case LF_CELL_INT: worksheet_write_number(s->sheet, row, col, (double)x->i, NULL); break;
    case LF_CELL_REAL:
        if (isfinite(x->d))
            worksheet_write_number(s->sheet, row, col, x->d, NULL);
        break;
    case LF_CELL_MONEY: worksheet_write_number(s->sheet, row, col, (double)x->i / 100, s->money); break;
    case LF_CELL_DAY: worksheet_write_number(s->sheet, row, col, (double)x->i + epoch, s->day); break;
    case LF_CELL_MS: worksheet_write_number(s->sheet, row, col, (double)(x->i + 8LL * LF_HOUR_MS) / LF_DAY_MS + epoch, s->ms); break;
    case LF_CELL_BOOL: worksheet_write_string(s->sheet, row, col, x->i ? "是" : "否", NULL); break;
    }
    lf_arena_free(&a);
}

static void xlsx_row(struct lf_sheet *s, const struct lf_cell *x)
{
    if (s->row > XLSX_ROWS)
        xlsx_sheet(s);
    for (int i = 0; i < s->c.ncol; i++)
        xlsx_cell(s, (lxw_row_t)s->row, (lxw_col_t)i, &x[i]);
    s->row++;
}

static lf_rc copy_file(const char *path, int to, struct lf_err *err)
{
    char b[65536];
    int from = open(path, O_RDONLY | O_CLOEXEC), bad = from < 0 ? errno : 0;
    for (ssize_t n; !bad && (n = read(from, b, sizeof b)) != 0;)
        if (n < 0 || write(to, b, (size_t)n) != n)
            bad = errno ? errno : EIO;
    if (from >= 0)
        close(from);
    return bad ? disk(err, bad) : LF_OK;
}

static lf_rc xlsx_close(struct lf_sheet *s, struct lf_err *err)
{
    if (s->nsheet == 1 && s->row > 1)
        worksheet_autofilter(s->sheet, 0, 0, (lxw_row_t)s->row - 1, (lxw_col_t)(s->c.ncol - 1));
    lxw_error e = workbook_close(s->book);
    s->book = NULL;
    lf_rc rc =
        e ? lf_err_set(err, LF_EIO, NULL, "表格未能写出（%s） | the sheet could not be written (%s)", lxw_strerror(e), lxw_strerror(e))
          : copy_file(s->path, s->c.fd, err);
    return rc;
}

/* ---- the writer ------------------------------------------------------------------------------------------------ */

lf_rc lf_sheet_open(struct lf_sheet **out, const struct lf_sheet_config *c, struct lf_err *err)
{
    struct lf_sheet *s = lf_new(sizeof *s);
    s->c = *c;
    s->col = lf_copy(&s->arena, c->col, sizeof *c->col * (size_t)c->ncol);
    lf_rc rc = LF_OK;
    s->out = lf_out_fd(c->fd);
    if (c->kind == LF_XLSX)
        rc = xlsx_open(s, err);
    else if (c->kind == LF_CSV)
        csv_head(s);
    else
        lf_put_str(&s->out, "{\"type\":\"FeatureCollection\",\"features\":[\n");
    if (rc) {
        lf_sheet_abandon(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

lf_rc lf_sheet_row(struct lf_sheet *s, const struct lf_cell *cells, struct lf_err *err)
{
    if (s->c.kind == LF_XLSX)
        xlsx_row(s, cells);
    else if (s->c.kind == LF_CSV)
        csv_row(s, cells);
    else
        geojson_row(s, cells);
    s->rows++;
    return s->out.failed ? disk(err, s->out.failed) : LF_OK;
}

void lf_sheet_abandon(struct lf_sheet *s)
{
    if (!s)
        return;
    if (s->book)
        workbook_close(s->book);
    if (s->path)
        unlink(s->path);
    lf_out_close(&s->out);
    lf_arena_free(&s->arena);
    lf_release(s);
}

lf_rc lf_sheet_close(struct lf_sheet *s, struct lf_err *err)
{
    if (s->c.kind == LF_GEOJSON)
        lf_put_str(&s->out, "\n]}\n");
    lf_rc rc = s->c.kind == LF_XLSX ? xlsx_close(s, err) : LF_OK;
    int bad = lf_out_close(&s->out);
    if (!rc && bad)
        rc = disk(err, bad);
    lf_sheet_abandon(s);
    return rc;
}
