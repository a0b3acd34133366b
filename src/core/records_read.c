/* records_read.c - records as JSON: one, lists, maps, pickers, time line, clock. */
#include "core/records.h"

#include "core/audit.h"
#include "core/res_sql.h"
#include "core/step.h"
#include "core/value.h"

#include <math.h>
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

void lf_moves_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, void *row, lf_text right, const char *const key[2])
{
    lf_text *why = lf_alloc(&cx->arena, sizeof *why * (size_t)(r->nverb + 1));
    uint64_t open = lf_res_open_verbs(cx, r, row, why);
    lf_json_key(j, key[0]);
    lf_json_arr(j);
    for (int i = 0; i < r->nverb; i++)
        if ((open >> i & 1) && (!right.n || lf_text_is(right, r->verb[i].right)))
            lf_json_str(j, r->verb[i].name);
    lf_json_end_arr(j);
    lf_json_key(j, key[1]);
    lf_json_arr(j);
    for (int i = 0; i < r->nverb; i++) {
        if (!why[i].n || (right.n && !lf_text_is(right, r->verb[i].right)))
            continue;
        lf_json_obj(j);
        lf_json_kstr(j, "verb", r->verb[i].name);
        lf_json_ktext(j, "why", why[i]);
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}

lf_rc lf_record_put(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id, bool reveal)
{
    void *row = lf_alloc(&cx->arena, r->size);
    lf_text *label = lf_alloc(&cx->arena, sizeof *label * (size_t)r->nfield);
    lf_rc rc = lf_row_fetch(cx, r, id, false, row, label);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_row_json(cx, &c->j, r, 0, row, label, reveal);
    grid_name(cx, &c->j, r, row);
    lf_moves_json(cx, &c->j, r, row, (lf_text){ 0 }, (const char *const[]){ "_verbs", "_waits" });
    lf_json_kbool(&c->j, "_edit", (r->can & LF_CAN_EDIT) && lf_may(cx, r->name, "edit"));
    if (lf_res_flagged(r, LF_MASKED))
        lf_json_kbool(&c->j, "_reveal", lf_may(cx, r->name, "reveal"));
    lf_json_end_obj(&c->j);
    return LF_OK;
}

lf_rc lf_record_get(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    return lf_record_put(cx, c, r, at->id, false);
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

struct list {
    struct lf_call *c;
    const struct lf_res *r;
    lf_id id[LIST_MAX];
    size_t n;
};

static lf_rc list_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct list *l = user;
    lf_json_obj(&l->c->j);
    lf_row_json(cx, &l->c->j, l->r, LF_LIST | LF_SCOPED, row, label, false);
    grid_name(cx, &l->c->j, l->r, row);
    lf_json_end_obj(&l->c->j);
    l->id[l->n++] = lf_row_id(row);
    return LF_OK;
}

lf_rc lf_record_list(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct lf_query q;
    lf_text next;
    int64_t total = 0;
    struct list l = { .c = c, .r = r };
    lf_rc rc = lf_call_query(cx, c, &q);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    if ((rc = lf_res_each(cx, r, &q, list_row, &l, &next)))
        return rc;
    lf_json_end_arr(&c->j);
    if (r->step && (rc = lf_step_lights_json(cx, &c->j, r, l.id, l.n)))
        return rc;
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
    lf_id *id; /* MAP_MAX; NULL when the rows have no deadlines */
    size_t n;
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
    if (m->id)
        m->id[m->n++] = lf_row_id(row);
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
    lf_json_ktext(j, "title", lf_row_title(m->r, row, cx->lang));
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

lf_rc lf_record_map(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct lf_query q;
    lf_text next;
    struct map m = {
        .c = c, .r = r, .lon = lf_res_field(r, LF_TEXT("lon")), .lat = lf_res_field(r, LF_TEXT("lat")), .shape = lf_res_flagged(r, LF_SHAPE)
    };
    lf_rc rc = lf_call_query(cx, c, &q);
    if (rc)
        return rc;
    if (r->step)
        m.id = lf_alloc(&cx->arena, MAP_MAX * sizeof *m.id);
    q.limit = MAP_MAX;
    q.after = (lf_text){ 0 };
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "type", "FeatureCollection");
    lf_json_key(&c->j, "features");
    lf_json_arr(&c->j);
    if ((rc = lf_res_each(cx, r, &q, map_row, &m, &next)))
        return rc;
    lf_json_end_arr(&c->j);
    if (r->step && (rc = lf_step_lights_json(cx, &c->j, r, m.id, m.n)))
        return rc;
    lf_json_kbool(&c->j, "truncated", next.n > 0);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc option_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct list *l = user;
    lf_json_obj(&l->c->j);
    lf_json_kint(&l->c->j, "id", lf_row_id(row).v);
    lf_json_ktext(&l->c->j, "label", lf_row_title(l->r, row, cx->lang));
    lf_json_end_obj(&l->c->j);
    return LF_OK;
}

lf_rc lf_record_options(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct lf_query q = { .q = lf_http_param(c->req, "q"), .limit = OPTIONS_MAX };
    struct list l = { .c = c, .r = r };
    lf_text next;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    lf_rc rc = lf_res_each(cx, r, &q, option_row, &l, &next);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}

/* ---- time line ----------------------------------------------------------------------------------------------------- */

static void diff_side(struct lf_ctx *cx, struct lf_json *j, const struct lf_field *f, const json_t *x)
{
    if (f && f->flags & LF_BOTH && json_is_string(x)) {
        lf_json_text(j, lf_lang_pick(lf_str(json_string_value(x)), cx->lang));
        return;
    }
    lf_text one = lf_json_dump(&cx->arena, x);
    lf_json_raw(j, one.n ? one : LF_TEXT("null"));
}

static void diff_items(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, lf_text diff)
{
    json_t *d = lf_audit_changes(r, diff), *pair;
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
            lf_json_key(j, i ? "now" : "was");
            diff_side(cx, j, f, json_array_get(pair, i));
        }
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    json_decref(d);
}

static void timeline_item(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, struct lf_cur *cur)
{
    struct lf_val v[] = { { .t = LF_T_MS },   { .t = LF_T_ID },   { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT },
                          { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT } };
    char b[32];
    for (int i = 0; i < (int)LF_COUNT(v); i++)
        lf_cur_get(cur, i, &v[i]);
    const struct lf_item word = lf_audit_word(r, v[2].s), own = lf_audit_word(NULL, v[2].s);
    lf_json_obj(j);
    lf_json_kstr(j, "at", lf_ms_iso(b, (lf_ms){ v[0].i }));
    lf_json_kint(j, "actor", v[1].i);
    lf_json_ktext(j, "actor_name", v[8].null ? cx->lang == LF_EN ? LF_TEXT("System") : LF_TEXT("系统") : v[8].s);
    lf_json_kstr(j, "kind", own.code ? own.code : "move");
    lf_json_ktext(j, "verb", v[2].s);
    lf_json_kstr(j, "verb_zh", word.zh);
    lf_json_kstr(j, "verb_en", word.en);
    lf_json_ktext(j, "from", v[3].null ? (lf_text){ 0 } : v[3].s);
    lf_json_ktext(j, "to", v[4].null ? (lf_text){ 0 } : v[4].s);
    lf_json_ktext(j, "note", v[5].null ? (lf_text){ 0 } : lf_lang_pick(v[5].s, cx->lang));
    lf_json_key(j, "files");
    lf_json_raw(j, v[6].null ? LF_TEXT("[]") : v[6].s);
    diff_items(cx, j, r, v[7].null ? (lf_text){ 0 } : v[7].s);
    lf_json_end_obj(j);
}

lf_rc lf_record_timeline(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    const struct lf_val arg[] = { lf_val_str(r->name), lf_val_id(at->id) };
    struct lf_cur cur;
    lf_rc rc = lf_res_get(cx, r, at->id, lf_alloc(&cx->arena, r->size));
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

lf_rc lf_record_clock(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    lf_rc rc = lf_res_get(cx, r, at->id, lf_alloc(&cx->arena, r->size));
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    rc = lf_step_clock_json(cx, &c->j, r, at->id);
    lf_json_end_obj(&c->j);
    return rc;
}
