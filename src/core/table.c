/* table.c - records as files: export in constant memory, import with a report of every refused row, the empty template. */
#include "core/table.h"

#include "core/records.h"
#include "core/value.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* ---- columns --------------------------------------------------------------------------------------- */

static bool goes_out(const struct lf_field *f) { return !(f->flags & (LF_HIDDEN | LF_MASKED)) && strcmp(f->name, "version") != 0; }
static bool comes_in(const struct lf_field *f) { return !(f->flags & (LF_HIDDEN | LF_READONLY)); }

static enum lf_cell_type cell_type(const struct lf_field *f)
{
    switch (f->type) {
    case LF_T_INT: return LF_CELL_INT;
    case LF_T_REAL: return LF_CELL_REAL;
    case LF_T_MONEY: return LF_CELL_MONEY;
    case LF_T_DAY: return LF_CELL_DAY;
    case LF_T_MS: return LF_CELL_MS;
    case LF_T_BOOL: return LF_CELL_BOOL;
    case LF_T_ID: return f->ref ? LF_CELL_TEXT : LF_CELL_INT;
    default: return LF_CELL_TEXT;
    }
}

static const char *heading(struct lf_ctx *cx, const struct lf_field *f)
{
    const char *label = cx->lang == LF_EN ? f->en : f->zh, *unit = f->type == LF_T_MONEY ? cx->lang == LF_EN ? "yuan" : "元" : f->unit;
    if (!unit)
        return label;
    return cx->lang == LF_EN ? lf_printf(&cx->arena, "%s (%s)", label, unit) : lf_printf(&cx->arena, "%s（%s）", label, unit);
}

struct sheet {
    const struct lf_res *r;
    struct lf_sheet *out;
    const struct lf_field **f;
    struct lf_column *col;
    struct lf_cell *cell;
    int n;
};

static void sheet_columns(struct lf_ctx *cx, struct sheet *s, bool (*want)(const struct lf_field *))
{
    size_t n = (size_t)s->r->nfield;
    s->f = lf_alloc(&cx->arena, n * sizeof *s->f);
    s->col = lf_alloc(&cx->arena, n * sizeof *s->col);
    s->cell = lf_alloc(&cx->arena, n * sizeof *s->cell);
    for (int i = 0; i < s->r->nfield; i++) {
        const struct lf_field *f = &s->r->field[i];
        if (!want(f))
            continue;
        s->f[s->n] = f;
        s->col[s->n++] = (struct lf_column){ .name = f->name, .title = heading(cx, f), .t = cell_type(f), .decimals = -1 };
    }
}

static int column_of(const struct sheet *s, const struct lf_field *f)
{
    for (int i = 0; f && i < s->n; i++)
        if (s->f[i] == f)
            return i;
    return -1;
}

static struct lf_cell to_cell(struct lf_ctx *cx, const struct lf_field *f, const void *row, lf_text label)
{
    struct lf_val v = lf_member_read(f, row, cx->lang);
    struct lf_cell c = { .t = v.null ? LF_CELL_NULL : cell_type(f), .i = v.i, .d = v.d, .s = v.s };
    if (f->type == LF_T_ENUM && !v.null)
        c.s = lf_str(cx->lang == LF_EN ? f->dict->item[v.i].en : f->dict->item[v.i].zh);
    if (lf_field_is_set(f) && !v.null)
        c.s = lf_set_text(&cx->arena, f, v.i, cx->lang == LF_EN);
    if (f->ref && !v.null)
        c.s = LF_TEXT("");
    if (label.p && cell_type(f) == LF_CELL_TEXT)
        c.t = LF_CELL_TEXT, c.s = label;
    return c;
}

/* ---- export -------------------------------------------------------------------------------------------- */

static lf_rc export_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct sheet *s = user;
    for (int i = 0; i < s->n; i++)
        s->cell[i] = to_cell(cx, s->f[i], row, label[s->f[i] - s->r->field]);
    return lf_sheet_row(s->out, s->cell, &cx->err);
}

static lf_rc begin_sheet(struct lf_ctx *cx, struct sheet *s, enum lf_table_kind kind, int fd)
{
    const struct lf_sheet_config conf = { .kind = kind,
                                          .fd = fd,
                                          .sheet_name = cx->lang == LF_EN ? s->r->en : s->r->zh,
                                          .col = s->col,
                                          .ncol = s->n,
                                          .lon_col = column_of(s, lf_res_field(s->r, LF_TEXT("lon"))),
                                          .lat_col = column_of(s, lf_res_field(s->r, LF_TEXT("lat"))),
                                          .shape_col = column_of(s, lf_res_flagged(s->r, LF_SHAPE)),
                                          .tmp_dir = cx->app->data_dir };
    return lf_sheet_open(&s->out, &conf, &cx->err);
}

static lf_rc end_sheet(struct lf_ctx *cx, struct sheet *s, lf_rc rc)
{
    if (!rc)
        return lf_sheet_close(s->out, &cx->err);
    lf_sheet_abandon(s->out);
    return rc;
}

lf_rc lf_table_write(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *query, enum lf_table_kind kind, int fd)
{
    struct sheet s = { .r = r };
    struct lf_query q = *query;
    lf_text next;
    lf_rc rc = lf_allowed(cx, r->name, "export");
    if (rc)
        return rc;
    q.limit = 0;
    q.after = (lf_text){ 0 };
    sheet_columns(cx, &s, goes_out);
    rc = begin_sheet(cx, &s, kind, fd);
    return rc ? rc : end_sheet(cx, &s, lf_res_each(cx, r, &q, export_row, &s, &next));
}

static lf_rc spool(struct lf_ctx *cx, struct lf_call *c, int *fd)
{
    *fd = lf_http_spool(c->req);
    return *fd >= 0 ? LF_OK
                    : lf_fail(cx, LF_EIO, NULL, "临时空间不可用（%s），请稍后再试 | no temporary space (%s), try again later",
                              strerror(errno), strerror(errno));
}

/* Gives the file to the response, or closes it. */
static lf_rc answer_file(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, enum lf_table_kind kind, int fd, lf_rc rc)
{
    static const char *const ends[] = { [LF_CSV] = "csv", [LF_XLSX] = "xlsx", [LF_GEOJSON] = "geojson" };
    char day[32];
    if (rc) {
        close(fd);
        return rc;
    }
    c->res->fd = fd;
    c->res->type = lf_table_mime(kind);
    c->res->filename =
        lf_printf(&cx->arena, "%s-%s.%s", cx->lang == LF_EN ? r->en : r->zh, lf_day_iso(day, lf_day_of(lf_now())), ends[kind]);
    c->res->no_compress = kind == LF_XLSX;
    return LF_OK;
}

/* Each running export holds one worker: one is always left for everybody else. */
static atomic_int exports;
enum { EXPORTS_MAX = 2 };

static bool put_param(void *user, lf_text name, lf_text value)
{
    lf_putf(user, " %.*s=%.*s", (int)name.n, name.p, (int)value.n, value.p);
    return true;
}

/* Who takes the audit trail with him is in it. In a transaction of its own, before: the export goes on from what is there then. */
static lf_rc note_export(struct lf_ctx *cx, const struct lf_call *c, const struct lf_res *r)
{
    struct lf_out what = lf_out_memory(4000);
    lf_putf(&what, "%.*s", (int)c->req->path.n, c->req->path.p);
    lf_http_params(c->req, put_param, &what);
    const struct lf_audit a = { .topic = r->name,
                                .grid_code = cx->scope.n ? cx->scope.range[0].lo : LF_TEXT(""),
                                .verb = "export",
                                .note = lf_text_copy(&cx->arena, lf_out_text(&what)) };
    lf_out_close(&what);
    lf_rc rc = lf_tx_end(cx, LF_OK);
    if (rc || (rc = lf_tx_begin(cx, LF_TX_WRITE)) || (rc = lf_tx_end(cx, lf_audit_write(cx, &a))))
        return rc;
    return lf_tx_begin(cx, LF_TX_READ);
}

lf_rc lf_table_export(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    enum lf_table_kind kind;
    struct lf_query q;
    int fd;
    if (!lf_table_kind_parse(at->kind, &kind))
        return lf_fail(cx, LF_ENOTFOUND, NULL, "只能导出 csv、xlsx、geojson | only csv, xlsx and geojson can be exported");
    lf_rc rc = lf_call_query(cx, c, &q);
    if (!rc && r->trail)
        rc = note_export(cx, c, r);
    if (rc)
        return rc;
    if (atomic_fetch_add(&exports, 1) >= EXPORTS_MAX)
        rc = lf_fail(cx, LF_EBUSY, NULL, "正在导出的人较多，请稍后再试 | others are exporting, try again in a moment");
    else if (!(rc = spool(cx, c, &fd)))
        rc = answer_file(cx, c, r, kind, fd, lf_table_write(cx, r, &q, kind, fd));
    atomic_fetch_sub(&exports, 1);
    return rc;
}

lf_rc lf_table_template(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct sheet s = { .r = r };
    int fd;
    lf_rc rc = spool(cx, c, &fd);
    if (rc)
        return rc;
    sheet_columns(cx, &s, comes_in);
    rc = begin_sheet(cx, &s, LF_XLSX, fd);
    return answer_file(cx, c, r, LF_XLSX, fd, rc ? rc : end_sheet(cx, &s, LF_OK));
}

/* ---- import ------------------------------------------------------------------------------------------------ */

enum { REFUSED_MAX = 1000 };
enum { PART_MS = 1000, TURN_MS = 120 }; /* who waits for SQLite's lock in another program looks every 100 ms */
struct import {
    struct lf_ctx *cx;
    const struct lf_res *r;
    struct lf_table_load *load;
    const struct lf_field **col;
    int ncol;      /* field of each column of the file, NULL = not used */
    int64_t since; /* when this part began */
};

static bool names(lf_text cell, const char *label, const char *heading_text)
{
    return lf_text_is(cell, label) || lf_text_is(cell, heading_text);
}

static lf_rc headings(struct import *im, const lf_text *cells, int n)
{
    struct lf_ctx *cx = im->cx;
    int known = 0;
    im->col = lf_alloc(&cx->arena, sizeof *im->col * (size_t)n);
    im->ncol = n;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < im->r->nfield; k++) {
            const struct lf_field *f = &im->r->field[k];
            if (!comes_in(f) || !(lf_text_is(cells[i], f->name) || names(cells[i], f->zh, heading(cx, f)) || names(cells[i], f->en, f->en)))
                continue;
            im->col[i] = f;
            known++;
        }
    for (int k = 0; k < im->r->nfield; k++) {
        const struct lf_field *f = &im->r->field[k];
        bool there = !(f->flags & LF_REQUIRED) || !comes_in(f) || (f->flags & LF_SCOPED);
        for (int i = 0; i < n && !there; i++)
            there = im->col[i] == f;
        if (!there)
            return lf_fail(cx, LF_EINVAL, f->name, "表头缺少“%s”列，请使用模板 | the column “%s” is missing, use the template", f->zh,
                           f->en);
    }
    return known ? LF_OK : lf_fail(cx, LF_EINVAL, "file", "表头一列也认不出，请使用模板 | no heading is known, use the template");
}

/* A reference is given by the title of what it points at, or by its number. */
static lf_rc find_ref(struct lf_ctx *cx, const struct lf_field *f, lf_text s, struct lf_val *v)
{
    const struct lf_res *to = lf_app_res(cx->app, lf_str(f->ref));
    lf_id id;
    lf_rc rc = lf_res_find(cx, to, lf_res_flagged(to, LF_TITLE)->name, s, &id);
    *v = lf_val_id(id);
    if (rc != LF_ENOTFOUND)
        return rc;
    struct lf_err keep = cx->err;
    if (lf_val_parse(cx, f, s, v) == LF_OK)
        return LF_OK;
    cx->err = keep;
    return lf_fail(cx, LF_EINVAL, f->name, "%s中没有“%.*s” | there is no %s “%.*s”", to->zh, (int)s.n, s.p, to->en, (int)s.n, s.p);
}

static lf_rc import_values(struct import *im, const lf_text *cells, int n, void *row)
{
    struct lf_ctx *cx = im->cx;
    for (int i = 0; i < n && i < im->ncol; i++) {
        const struct lf_field *f = im->col[i];
        struct lf_val v;
        if (!f || !cells[i].n)
            continue;
        lf_text copy = lf_text_copy(&cx->arena, cells[i]);
        lf_rc rc = f->ref ? find_ref(cx, f, copy, &v) : lf_val_parse(cx, f, copy, &v);
        if (!rc)
            rc = lf_val_fit(cx, f, &v);
        if (!rc)
            rc = lf_member_set(cx, f, row, v);
        if (rc)
            return rc;
    }
    return LF_OK;
}

static lf_rc give_others_a_turn(struct import *im)
{
    struct lf_ctx *cx = im->cx;
    struct timespec t = { .tv_nsec = TURN_MS * 1000000L };
    lf_rc rc = lf_tx_end(cx, im->load->dry ? LF_ECONFLICT : LF_OK);
    if (rc && !(im->load->dry && rc == LF_ECONFLICT))
        return rc;
    im->load->stored = im->load->accepted;
    nanosleep(&t, NULL);
    im->since = lf_now().ms;
    return lf_tx_begin(cx, LF_TX_WRITE);
}

static lf_rc import_row(void *user, int line, const lf_text *cells, int n, struct lf_err *err)
{
    struct import *im = user;
    struct lf_ctx *cx = im->cx;
    bool blank = true;
    lf_rc rc;
    if (line == 1) {
        rc = headings(im, cells, n);
        if (rc)
            *err = cx->err;
        return rc;
    }
    for (int i = 0; i < n; i++)
        blank = blank && !cells[i].n;
    if (blank)
        return LF_OK;
    im->load->rows++;
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    struct lf_change ch = { .row = lf_alloc(&cx->arena, im->r->size), .note = LF_TEXT("import") };
    lf_row_clear(im->r->field, im->r->nfield, ch.row);
    if ((rc = lf_tx_savepoint(cx))) {
        *err = cx->err;
        return rc;
    }
    rc = import_values(im, cells, n, ch.row);
    if (!rc)
        rc = lf_res_create(cx, im->r, &ch);
    rc = lf_tx_savepoint_end(cx, rc);
    if (rc == LF_EDB || rc == LF_EIO || rc == LF_EBUSY || rc == LF_EBUG) { /* not the row's fault: stop, keep nothing of this part */
        *err = cx->err;
        return rc;
    }
    if (!rc)
        im->load->accepted++;
    else if (im->load->refused_rows++, im->load->refused)
        im->load->refused(im->load->user, cx, line, cells, n);
    lf_arena_back(&cx->arena, mark);
    int64_t now = lf_now().ms;
    if (now - im->since < PART_MS && now >= im->since)
        return LF_OK;
    if ((rc = give_others_a_turn(im)))
        *err = cx->err;
    return rc;
}

static lf_rc tell_stored(struct lf_ctx *cx, lf_rc rc, const struct lf_table_load *load)
{
    if (!rc || !load->stored || load->dry)
        return rc;
    struct lf_err why = cx->err;
    lf_text zh = lf_lang_pick(lf_str(why.msg), LF_ZH), en = lf_lang_pick(lf_str(why.msg), LF_EN);
    return lf_fail(cx, rc, why.field,
                   "%.*s；文件前部的 %lld 行已存入，其余没有 | %.*s; the first %lld good rows of the file are stored, the rest is not",
                   (int)zh.n, zh.p, (long long)load->stored, (int)en.n, en.p, (long long)load->stored);
}

lf_rc lf_table_load(struct lf_ctx *cx, const struct lf_res *r, struct lf_table_load *load)
{
    struct import im = { .cx = cx, .r = r, .load = load, .since = lf_now().ms };
    lf_rc rc = lf_allowed(cx, r->name, "import");
    if (rc)
        return rc;
    if (!(r->can & LF_CAN_IMPORT))
        return lf_fail(cx, LF_EDENIED, NULL, "“%s”不能导入 | %s cannot be imported", r->zh, r->en);
    if (load->kind == LF_GEOJSON)
        return lf_fail(cx, LF_EINVAL, "kind", "只能导入 xlsx 或 csv | only xlsx and csv can be imported");
    rc = lf_table_read(load->kind, load->fd, import_row, &im, &cx->err);
    return rc || im.col ? tell_stored(cx, rc, load) : lf_fail(cx, LF_EINVAL, "file", "文件是空的 | the file is empty");
}

struct refusals {
    struct lf_json *j;
    int64_t told;
};

static void tell_refused(void *user, struct lf_ctx *cx, int line, const lf_text *cells, int n)
{
    struct refusals *r = user;
    struct lf_json *j = r->j;
    if (r->told++ >= REFUSED_MAX)
        return;
    lf_json_obj(j);
    lf_json_kint(j, "row", line);
    lf_json_kstr(j, "field", cx->err.field);
    lf_json_ktext(j, "message", lf_lang_pick(lf_str(cx->err.msg), cx->lang));
    lf_json_key(j, "cells");
    lf_json_arr(j);
    for (int i = 0; i < n; i++)
        lf_json_text(j, cells[i]);
    lf_json_end_arr(j);
    lf_json_end_obj(j);
}

static int body_fd(const struct lf_call *c)
{
    if (c->req->body_fd >= 0)
        return dup(c->req->body_fd);
    int fd = lf_http_spool(c->req);
    if (fd >= 0 && write(fd, c->req->body.p, c->req->body.n) != (ssize_t)c->req->body.n) {
        close(fd);
        return -1;
    }
    return fd;
}

lf_rc lf_table_import(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct refusals told = { .j = &c->j };
    struct lf_table_load load = { .refused = tell_refused, .user = &told };
    if (!lf_table_kind_parse(lf_http_param(c->req, "kind"), &load.kind))
        return lf_fail(cx, LF_EINVAL, "kind", "只能导入 xlsx 或 csv | only xlsx and csv can be imported");
    c->undo = load.dry = lf_text_is(lf_http_param(c->req, "dry"), "1");
    load.fd = body_fd(c);
    if (load.fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "临时空间不可用，请稍后再试 | no temporary space, try again later");
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "refused");
    lf_json_arr(&c->j);
    lf_rc rc = lf_table_load(cx, r, &load);
    close(load.fd);
    if (rc)
        return rc;
    lf_json_end_arr(&c->j);
    lf_json_kint(&c->j, "rows", load.rows);
    lf_json_kint(&c->j, "accepted", load.accepted);
    lf_json_kint(&c->j, "refused_count", load.refused_rows);
    lf_json_kbool(&c->j, "dry", c->undo);
    lf_json_end_obj(&c->j);
    return LF_OK;
}
