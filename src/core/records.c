/* records.c - the addresses that every record type has: /api/v1/{room}... (doc/api.md). */
#include "core/file.h"
#include "core/kernel.h"
#include "core/res_sql.h"
#include "core/step.h"
#include "core/value.h"

#include <sodium.h>
#include <stdio.h>

enum { LIST_MAX = 200, LIST_DEFAULT = 50, TOTAL_MAX = 10000, MAP_MAX = 5000, OPTIONS_MAX = 20 };

/* ---- the query string ------------------------------------------------------------------------------ */

struct query_take {
    struct lf_ctx *cx;
    struct lf_query *q;
    struct lf_filter *f;
    int n;
    lf_rc rc;
};

static bool take_param(void *user, lf_text name, lf_text value)
{
    struct query_take *t = user;
    int64_t limit;
    if (lf_text_is(name, "q"))
        t->q->q = value;
    else if (lf_text_is(name, "sort"))
        t->q->sort = value;
    else if (lf_text_is(name, "after"))
        t->q->after = value;
    else if (lf_text_is(name, "lang") || lf_text_is(name, "dry") || lf_text_is(name, "id") || lf_text_is(name, "reveal"))
        return true;
    else if (lf_text_is(name, "limit")) {
        t->rc = lf_call_int(t->cx, value, "limit", &limit);
        if (!t->rc && (limit < 1 || limit > LIST_MAX))
            t->rc = lf_fail(t->cx, LF_EINVAL, "limit", "每页 1 至 %d 条 | a page has 1 to %d rows", LIST_MAX, LIST_MAX);
        if (!t->rc)
            t->q->limit = (int)limit;
    } else if (t->n == 32) {
        t->rc = lf_fail(t->cx, LF_EINVAL, lf_strn(&t->cx->arena, name), "筛选条件太多 | too many filters");
    } else {
        t->f[t->n++] = (struct lf_filter){ name, value };
    }
    return !t->rc;
}

lf_rc lf_call_query(struct lf_ctx *cx, const struct lf_call *c, struct lf_query *q)
{
    *q = (struct lf_query){ .limit = LIST_DEFAULT };
    struct query_take t = { .cx = cx, .q = q, .f = lf_alloc(&cx->arena, 32 * sizeof *t.f) };
    lf_http_params(c->req, take_param, &t);
    q->filter = t.f;
    q->nfilter = t.n;
    return t.rc;
}

/* ---- one record as JSON --------------------------------------------------------------------------------- */

static void grid_name(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const void *row)
{
    const struct lf_field *g = lf_res_flagged(r, LF_SCOPED);
    if (g)
        lf_json_ktext(j, "grid_name", lf_place_name(cx->app, &cx->arena, lf_row_grid(r, row)));
}

static lf_rc put_record(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id, bool reveal)
{
    void *row = lf_alloc(&cx->arena, r->size);
    lf_text *label = lf_alloc(&cx->arena, sizeof *label * (size_t)r->nfield);
    lf_rc rc = lf_row_fetch(cx, r, id, false, row, label);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_row_json(&c->j, r, 0, row, label, reveal);
    grid_name(cx, &c->j, r, row);
    uint64_t open = lf_res_open_verbs(cx, r, row);
    lf_json_key(&c->j, "_verbs");
    lf_json_arr(&c->j);
    for (int i = 0; i < r->nverb; i++)
        if (open >> i & 1)
            lf_json_str(&c->j, r->verb[i].name);
    lf_json_end_arr(&c->j);
    lf_json_kbool(&c->j, "_edit", (r->can & LF_CAN_EDIT) && lf_may(cx, r->name, "edit"));
    if (lf_res_flagged(r, LF_MASKED))
        lf_json_kbool(&c->j, "_reveal", lf_may(cx, r->name, "reveal"));
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc get_one(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    lf_rc rc = lf_allowed(cx, r->name, "read");
    return rc ? rc : put_record(cx, c, r, id, false);
}

/* Looking at a sealed member is an act of its own: with the right, with a reason, and in the audit trail. */
static lf_rc reveal(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    const char *note = json_string_value(json_object_get(c->body, "note"));
    lf_rc rc = lf_allowed(cx, r->name, "reveal");
    if (rc)
        return rc;
    if (!note || !*note)
        return lf_fail(cx, LF_EINVAL, "note", "请说明查看理由 | say why you need to see it");
    void *row = lf_alloc(&cx->arena, r->size);
    if ((rc = lf_row_fetch(cx, r, id, false, row, NULL)))
        return rc;
    const struct lf_audit a = { .topic = r->name, .row = id, .grid_code = lf_row_grid(r, row), .verb = "reveal", .note = lf_str(note) };
    rc = lf_audit_write(cx, &a);
    return rc ? rc : put_record(cx, c, r, id, true);
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

struct list {
    struct lf_call *c;
    const struct lf_res *r;
};

static lf_rc list_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct list *l = user;
    lf_json_obj(&l->c->j);
    lf_row_json(&l->c->j, l->r, LF_LIST | LF_SCOPED, row, label, false);
    grid_name(cx, &l->c->j, l->r, row);
    lf_json_end_obj(&l->c->j);
    return LF_OK;
}

static lf_rc get_list(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r)
{
    struct lf_query q;
    lf_text next;
    int64_t total = 0;
    struct list l = { c, r };
    lf_rc rc = lf_call_query(cx, c, &q);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    if ((rc = lf_res_each(cx, r, &q, list_row, &l, &next)))
        return rc;
    lf_json_end_arr(&c->j);
    lf_json_ktext(&c->j, "next", next);
    if ((rc = lf_res_count(cx, r, &q, TOTAL_MAX + 1, &total)))
        return rc;
    lf_json_kint(&c->j, "total", total > TOTAL_MAX ? TOTAL_MAX : total);
    lf_json_kbool(&c->j, "more", total > TOTAL_MAX);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* Light features for the map: place, title, state; and the members a list shows when they are enums or numbers. */
struct map {
    struct lf_call *c;
    const struct lf_res *r;
    const struct lf_field *lon, *lat, *shape;
    int n;
};

static lf_rc map_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct map *m = user;
    struct lf_json *j = &m->c->j;
    lf_text shape = m->shape ? lf_member(m->shape, row).s : (lf_text){ 0 };
    double lon = m->lon ? lf_member(m->lon, row).d : NAN, lat = m->lat ? lf_member(m->lat, row).d : NAN;
    bool point = isfinite(lon) && isfinite(lat);
    if (!point && !shape.n)
        return LF_OK;
    m->n++;
    lf_json_obj(j);
    lf_json_kstr(j, "type", "Feature");
    lf_json_key(j, "geometry");
    if (point) {
        lf_json_obj(j);
        lf_json_kstr(j, "type", "Point");
        lf_json_key(j, "coordinates");
        lf_json_arr(j);
        lf_json_real(j, lon);
        lf_json_real(j, lat);
        lf_json_end_arr(j);
        lf_json_end_obj(j);
    } else {
        lf_json_raw(j, shape);
    }
    lf_json_key(j, "properties");
    lf_json_obj(j);
    lf_json_kint(j, "id", lf_row_id(row).v);
    lf_json_ktext(j, "title", lf_row_title(m->r, row));
    for (int i = 2; i < m->r->nfield; i++) {
        const struct lf_field *f = &m->r->field[i];
        if (!(f->flags & LF_LIST) || (f->type != LF_T_ENUM && f->type != LF_T_MS && f->type != LF_T_BOOL))
            continue;
        lf_json_key(j, f->name);
        lf_json_val(j, f, lf_member(f, row));
    }
    lf_json_end_obj(j);
    lf_json_end_obj(j);
    return LF_OK;
}

static lf_rc get_map(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r)
{
    struct lf_query q;
    lf_text next;
    struct map m = {
        .c = c, .r = r, .lon = lf_res_field(r, LF_TEXT("lon")), .lat = lf_res_field(r, LF_TEXT("lat")), .shape = lf_res_flagged(r, LF_SHAPE)
    };
    lf_rc rc = lf_call_query(cx, c, &q);
    if (rc)
        return rc;
    q.limit = MAP_MAX;
    q.after = (lf_text){ 0 };
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "type", "FeatureCollection");
    lf_json_key(&c->j, "features");
    lf_json_arr(&c->j);
    if ((rc = lf_res_each(cx, r, &q, map_row, &m, &next)))
        return rc;
    lf_json_end_arr(&c->j);
    lf_json_kbool(&c->j, "truncated", next.n > 0);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc option_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct list *l = user;
    lf_json_obj(&l->c->j);
    lf_json_kint(&l->c->j, "id", lf_row_id(row).v);
    lf_json_ktext(&l->c->j, "label", lf_row_title(l->r, row));
    lf_json_end_obj(&l->c->j);
    return LF_OK;
}

static lf_rc get_options(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r)
{
    struct lf_query q = { .q = lf_http_param(c->req, "q"), .limit = OPTIONS_MAX };
    struct list l = { c, r };
    lf_text next;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    lf_rc rc = lf_res_each(cx, r, &q, option_row, &l, &next);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}

/* ---- writes -------------------------------------------------------------------------------------------------- */

static lf_rc want_body(struct lf_ctx *cx, const struct lf_call *c)
{
    return c->body ? LF_OK : lf_fail(cx, LF_EINVAL, "body", "请求内容应为 JSON | the body must be JSON");
}

static lf_rc want_can(struct lf_ctx *cx, const struct lf_res *r, unsigned can, const char *zh, const char *en)
{
    return r->can & can ? LF_OK : lf_fail(cx, LF_EDENIED, NULL, "“%s”不能%s | %s cannot be %s", r->zh, zh, r->en, en);
}

static lf_rc body_version(struct lf_ctx *cx, const struct lf_call *c, int64_t *version)
{
    const json_t *v = json_object_get(c->body, "version");
    if (!json_is_integer(v))
        return lf_fail(cx, LF_EINVAL, "version", "请带上您看到的版本号 | say which version you saw");
    *version = json_integer_value(v);
    return LF_OK;
}

static lf_rc body_files(struct lf_ctx *cx, const struct lf_call *c, struct lf_change *ch)
{
    const json_t *list = json_object_get(c->body, "files");
    size_t n = json_array_size(list);
    if (n > 20)
        return lf_fail(cx, LF_EINVAL, "files", "一次最多 20 个附件 | at most 20 files at a time");
    struct lf_file_use *f = lf_alloc(&cx->arena, (n + 1) * sizeof *f);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        const json_t *hash = json_is_object(x) ? json_object_get(x, "hash") : x,
                     *name = json_is_object(x) ? json_object_get(x, "name") : NULL;
        if (!json_is_string(hash))
            return lf_fail(cx, LF_EINVAL, "files", "附件格式不对 | a file must be given by its hash");
        f[i].hash = lf_str(json_string_value(hash));
        if (json_is_string(name))
            f[i].name = (lf_text){ json_string_value(name), (uint32_t)json_string_length(name) };
        if (f[i].name.n > 255)
            return lf_fail(cx, LF_EINVAL, "files", "文件名太长 | the file name is too long");
    }
    ch->file = f;
    ch->nfile = (int)n;
    const json_t *note = json_object_get(c->body, "note");
    if (json_is_string(note))
        ch->note = (lf_text){ json_string_value(note), (uint32_t)json_string_length(note) };
    if (ch->note.n > 20000)
        return lf_fail(cx, LF_EINVAL, "note", "说明太长 | the note is too long");
    return LF_OK;
}

static lf_rc post_create(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r)
{
    struct lf_change *ch = c->change;
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = want_can(cx, r, LF_CAN_CREATE, "在这里新建", "created here");
    if (rc)
        return rc;
    *ch = (struct lf_change){ .row = lf_alloc(&cx->arena, r->size) };
    lf_row_clear(r->field, r->nfield, ch->row);
    if ((rc = lf_row_from_json(cx, r, c->body, LF_READONLY, ch->row)) || (rc = lf_res_create(cx, r, ch)))
        return rc;
    c->changed = true;
    c->res->status = 201;
    return put_record(cx, c, r, lf_row_id(ch->row), false);
}

struct apply {
    const struct lf_res *r;
    const json_t *fields;
};

static lf_rc apply_edit(void *user, struct lf_ctx *cx, void *row)
{
    struct apply *a = user;
    return lf_row_from_json(cx, a->r, a->fields, LF_READONLY | LF_ONCE, row);
}

static lf_rc patch(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    int64_t version;
    struct apply a = { r, c->body };
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = want_can(cx, r, LF_CAN_EDIT, "直接修改", "edited");
    if (!rc)
        rc = body_version(cx, c, &version);
    if (!rc)
        rc = lf_res_edit(cx, r, id, version, apply_edit, &a, c->change);
    if (rc)
        return rc;
    c->changed = true;
    return put_record(cx, c, r, id, false);
}

/* A move may set only what its `sets` names, read-only or not: the table of moves is the permission. */
static lf_rc apply_move(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    struct apply *a = user;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a->fields, key, value)
    {
        size_t n = strlen(key);
        bool ok = false;
        for (const char *const *s = v->sets; s && *s; s++)
            ok = ok || (!strncmp(*s, key, n) && (!(*s)[n] || !strcmp(*s + n, "!")));
        if (!ok)
            return lf_fail(cx, LF_EINVAL, lf_printf(&cx->arena, "%s", key), "“%s”不能填写 %s | %s cannot set %s", v->zh, key, v->en, key);
    }
    return lf_row_from_json(cx, a->r, a->fields, 0, row);
}

static lf_rc post_move(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id, lf_text verb)
{
    int64_t version;
    struct apply a = { r, json_object_get(c->body, "fields") };
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = body_version(cx, c, &version);
    if (!rc)
        rc = body_files(cx, c, c->change);
    if (!rc)
        rc = lf_res_move(cx, r, id, version, lf_strn(&cx->arena, verb), a.fields ? apply_move : NULL, &a, c->change);
    if (rc)
        return rc;
    c->changed = true;
    /* The move may have taken the row out of the caller's area: then there is nothing more to show. */
    struct lf_err keep = cx->err;
    rc = put_record(cx, c, r, id, false);
    if (rc != LF_ENOTFOUND)
        return rc;
    cx->err = keep;
    c->res->status = 204;
    return LF_OK;
}

static lf_rc post_comment(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    struct lf_change ch = { 0 };
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = body_files(cx, c, &ch);
    if (!rc)
        rc = lf_res_comment(cx, r, id, ch.note, ch.file, ch.nfile);
    if (rc)
        return rc;
    c->res->status = 201;
    lf_put_str(&c->res->body, "{}");
    return LF_OK;
}

/* ---- time line ----------------------------------------------------------------------------------------------------- */

static void diff_items(struct lf_arena *a, struct lf_json *j, const struct lf_res *r, const char *text)
{
    json_t *d = json_loads(text, 0, NULL), *pair;
    const char *key;
    lf_json_key(j, "diff");
    lf_json_arr(j);
    json_object_foreach(d, key, pair)
    {
        const struct lf_field *f = lf_res_field(r, lf_str(key));
        lf_json_obj(j);
        lf_json_kstr(j, "field", key);
        lf_json_kstr(j, "zh", f ? f->zh : key);
        lf_json_kstr(j, "en", f ? f->en : key);
        for (size_t i = 0; i < 2; i++) {
            const json_t *x = json_array_get(pair, i);
            size_t n = json_dumpb(x, NULL, 0, JSON_ENCODE_ANY);
            char *one = lf_alloc(a, n + 1);
            lf_json_key(j, i ? "now" : "was");
            lf_json_raw(j, n ? (lf_text){ one, (uint32_t)json_dumpb(x, one, n, JSON_ENCODE_ANY) } : LF_TEXT("null"));
        }
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    json_decref(d);
}

static void timeline_item(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, struct lf_cur *cur)
{
    static const struct {
        const char *verb, *zh, *en;
    } own[] = { { "create", "新建", "Created" },
                { "edit", "修改", "Edited" },
                { "comment", "留言", "Comment" },
                { "escalate", "超期升级", "Escalated" },
                { "reveal", "查看密封信息", "Looked at sealed data" },
                { "login", "登录", "Log-in" },
                { "login_failed", "登录失败", "Failed log-in" },
                { "lock_out", "锁定", "Locked out" },
                { "password", "修改密码", "Password changed" },
                { "password_reset", "重置密码", "Password reset" } };
    struct lf_val v[] = { { .t = LF_T_MS },   { .t = LF_T_ID },   { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT },
                          { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT } };
    char b[32];
    for (int i = 0; i < (int)LF_COUNT(v); i++)
        lf_cur_get(cur, i, &v[i]);
    const char *kind = "move", *zh = "", *en = "";
    for (size_t i = 0; i < LF_COUNT(own); i++)
        if (lf_text_is(v[2].s, own[i].verb))
            kind = own[i].verb, zh = own[i].zh, en = own[i].en;
    for (int i = 0; i < r->nverb; i++)
        if (lf_text_is(v[2].s, r->verb[i].name))
            zh = r->verb[i].zh, en = r->verb[i].en;
    lf_json_obj(j);
    lf_json_kstr(j, "at", lf_ms_iso(b, (lf_ms){ v[0].i }));
    lf_json_kint(j, "actor", v[1].i);
    lf_json_ktext(j, "actor_name", v[8].null ? cx->lang == LF_EN ? LF_TEXT("System") : LF_TEXT("系统") : v[8].s);
    lf_json_kstr(j, "kind", kind);
    lf_json_ktext(j, "verb", v[2].s);
    lf_json_kstr(j, "verb_zh", zh);
    lf_json_kstr(j, "verb_en", en);
    lf_json_ktext(j, "from", v[3].null ? (lf_text){ 0 } : v[3].s);
    lf_json_ktext(j, "to", v[4].null ? (lf_text){ 0 } : v[4].s);
    lf_json_ktext(j, "note", v[5].null ? (lf_text){ 0 } : lf_lang_pick(v[5].s, cx->lang));
    lf_json_key(j, "files");
    lf_json_raw(j, v[6].null ? LF_TEXT("[]") : v[6].s);
    diff_items(&cx->arena, j, r, v[7].null ? "{}" : lf_strn(&cx->arena, v[7].s));
    lf_json_end_obj(j);
}

static lf_rc get_timeline(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    const struct lf_val arg[] = { lf_val_str(r->name), lf_val_id(id) };
    struct lf_cur cur;
    lf_rc rc = lf_res_get(cx, r, id, lf_alloc(&cx->arena, r->size));
    if (!rc)
        rc = lf_sql_open(cx,
                         "SELECT u.at, u.actor, u.verb, u.from_state, u.to_state, u.note, u.files, u.diff, a.name FROM audit u LEFT JOIN "
                         "account a ON a.id = u.actor "
                         "WHERE u.topic = $1 AND u.row_id = $2 ORDER BY u.id LIMIT 1000",
                         arg, 2, 0, &cur);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    while ((rc = lf_cur_next(&cur)) == LF_ROW)
        timeline_item(cx, &c->j, r, &cur);
    lf_cur_close(&cur);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc get_clock(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id)
{
    lf_rc rc = lf_res_get(cx, r, id, lf_alloc(&cx->arena, r->size));
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    rc = lf_step_clock_json(cx, &c->j, r, id);
    lf_json_end_obj(&c->j);
    return rc;
}

/* ---- which of them ------------------------------------------------------------------------------------------------------ */

static lf_rc no_address(struct lf_ctx *cx) { return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个地址 | there is nothing at this address"); }

static lf_rc call_type(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, bool get)
{
    return get ? get_list(cx, c, r) : !strcmp(c->req->method, "POST") ? post_create(cx, c, r) : no_address(cx);
}

static lf_rc call_sub(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_text what, bool get)
{
    bool post = !strcmp(c->req->method, "POST");
    lf_id id;
    if (get && lf_text_is(what, "map"))
        return get_map(cx, c, r);
    if (get && lf_text_is(what, "options"))
        return get_options(cx, c, r);
    if (get && lf_text_is(what, "template.xlsx"))
        return lf_table_template(cx, c, r);
    if (post && lf_text_is(what, "import"))
        return lf_table_import(cx, c, r);
    lf_rc rc = lf_call_int(cx, what, "id", &id.v);
    if (rc)
        return rc;
    return get ? get_one(cx, c, r, id) : !strcmp(c->req->method, "PATCH") ? patch(cx, c, r, id) : no_address(cx);
}

static lf_rc call_row(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id, lf_text what, bool get)
{
    if (get && lf_text_is(what, "timeline"))
        return get_timeline(cx, c, r, id);
    if (get && lf_text_is(what, "clock"))
        return get_clock(cx, c, r, id);
    if (strcmp(c->req->method, "POST") != 0)
        return no_address(cx);
    if (lf_text_is(what, "comments"))
        return post_comment(cx, c, r, id);
    if (lf_text_is(what, "reveal"))
        return reveal(cx, c, r, id);
    return post_move(cx, c, r, id, what);
}

lf_rc lf_records_call(struct lf_ctx *cx, struct lf_call *c, const lf_text *seg, int nseg)
{
    bool get = !strcmp(c->req->method, "GET");
    const char *dot = memchr(seg[0].p, '.', seg[0].n);
    lf_text name = { seg[0].p, dot ? (uint32_t)(dot - seg[0].p) : seg[0].n };
    const struct lf_res *r = lf_app_res(cx->app, name);
    lf_id id;
    if (!r)
        return no_address(cx);
    if (dot)
        return get && nseg == 1 ? lf_table_export(cx, c, r, (lf_text){ dot + 1, seg[0].n - name.n - 1 }) : no_address(cx);
    if (nseg == 1)
        return call_type(cx, c, r, get);
    if (nseg == 2)
        return call_sub(cx, c, r, seg[1], get);
    lf_rc rc = nseg == 3 ? lf_call_int(cx, seg[1], "id", &id.v) : no_address(cx);
    return rc ? rc : call_row(cx, c, r, id, seg[2], get);
}
