/* bench.c - the work bench: what waits for the caller, what is overdue, what he has done. */
#include "core/account.h"
#include "core/records.h"
#include "core/res_sql.h"
#include "core/step.h"

#include <inttypes.h>
#include <stdio.h>

/* The right words under which something may wait for the caller: "topic.right" pairs of the verbs he has. */
static int my_rights(struct lf_ctx *cx, const char **out, int max)
{
    int n = 0;
    for (int i = 0; i < cx->app->nres; i++) {
        const struct lf_res *r = cx->app->res[i];
        for (int k = 0; r->step && k < r->nverb; k++) {
            const char *name = lf_printf(&cx->arena, "%s.%s", r->name, r->verb[k].right);
            bool seen = !lf_may(cx, r->name, r->verb[k].right);
            for (int m = 0; m < n && !seen; m++)
                seen = !strcmp(out[m], name);
            if (!seen && n < max)
                out[n++] = name;
        }
    }
    return n;
}

enum tab { TODO, OVERDUE, DONE };

static const char *bench_where(struct lf_ctx *cx, enum tab tab, struct lf_val *arg, int *n)
{
    const char *right[64];
    struct lf_out o = lf_out_memory(0);
    arg[(*n)++] = lf_val_id(cx->actor);
    if (tab == DONE) {
        lf_put_str(&o, " FROM step s WHERE s.ended_by = $1");
    } else {
        int k = my_rights(cx, right, LF_COUNT(right));
        arg[(*n)++] = lf_val_ms(lf_now());
        lf_put_str(&o, " FROM step s WHERE s.ended_at IS NULL AND s.covered = FALSE AND (s.holder_id = $1 OR s.holder_id IS NULL) AND "
                       "@scope(s.grid_code) AND ");
        lf_put_str(&o, tab == OVERDUE ? "s.due_at < $2" : "(s.due_at IS NULL OR s.due_at >= $2)");
        lf_put_str(&o, " AND s.topic || '.' || s.right_name IN (''");
        for (int i = 0; i < k; i++) {
            arg[(*n)++] = lf_val_str(right[i]);
            lf_putf(&o, ", $%d", *n);
        }
        lf_put_c(&o, ')');
    }
    const char *s = lf_strn(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    return s;
}

enum { BENCH_ARGS = 66 + 2 * LF_SCOPE_MAX, BENCH_PAGE = 50 };

static lf_rc bench_count(struct lf_ctx *cx, enum tab tab, int64_t *out)
{
    struct lf_val arg[BENCH_ARGS], v = { .t = LF_T_INT };
    int n = 0;
    const char *sql = lf_printf(&cx->arena, "/* bench.count */ SELECT count(*)%s", bench_where(cx, tab, arg, &n));
    sql = lf_sql_scope(cx, sql, arg, &n);
    lf_rc rc = lf_sql_one(cx, sql, arg, n, &v, 1);
    *out = v.i;
    return rc;
}

enum column { TOPIC, ROW_ID, GRID_CODE, TITLE, STATE, STARTED, DUE, ENDED, UNIT, RIGHT, PAUSED, PAUSES, COLUMNS };
struct bench_row {
    struct lf_val v[COLUMNS];
};

static lf_ms instant(const struct lf_val *v) { return (lf_ms){ v->null ? LF_NULL64 : v->i }; }

/* The moves of this step as the record's own page has them. What has gone out of the caller's sight offers nothing. */
static lf_rc bench_moves(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const struct lf_val *v)
{
    void *row = lf_alloc(&cx->arena, r->size);
    struct lf_err keep = cx->err;
    lf_rc rc = v[ENDED].null ? lf_row_fetch(cx, r, (lf_id){ v[ROW_ID].i }, false, row, NULL) : LF_ENOTFOUND;
    if (!rc) {
        lf_moves_json(cx, j, r, row, v[RIGHT].s, (const char *const[]){ "verbs", "waits" });
    } else if (rc == LF_ENOTFOUND) {
        cx->err = keep;
        lf_json_key(j, "verbs");
        lf_json_arr(j);
        lf_json_end_arr(j);
    }
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

static lf_rc bench_item(struct lf_ctx *cx, struct lf_json *j, const struct lf_val *v)
{
    const struct lf_res *r = lf_app_res(cx->app, v[TOPIC].s);
    const struct lf_dict *d = r ? lf_res_states(r) : NULL;
    unsigned st = 0;
    char b[32];
    if (!d || !lf_dict_find(d, v[STATE].s, &st))
        return LF_OK; /* a room or state that this program does not know any more */
    lf_ms due = instant(&v[DUE]), end = instant(&v[ENDED]);
    const struct lf_clock clock = { (enum lf_unit)v[UNIT].i, { v[STARTED].i }, due, instant(&v[PAUSED]), end, v[PAUSES].s };
    lf_json_obj(j);
    lf_json_kstr(j, "room", r->name);
    lf_json_kint(j, "id", v[ROW_ID].i);
    lf_json_ktext(j, "title", lf_lang_pick(v[TITLE].s, cx->lang));
    lf_json_ktext(j, "state", v[STATE].s);
    lf_json_kstr(j, "state_zh", d->item[st].zh);
    lf_json_kstr(j, "state_en", d->item[st].en);
    lf_json_ktext(j, "grid_code", v[GRID_CODE].s);
    lf_json_ktext(j, "grid_name", lf_place_name(cx->app, &cx->arena, v[GRID_CODE].s));
    lf_json_kstr(j, "started_at", lf_ms_iso(b, (lf_ms){ v[STARTED].i }));
    lf_json_kstr(j, "due_at", due.ms == LF_NULL64 ? NULL : lf_ms_iso(b, due));
    lf_json_kstr(j, "ended_at", end.ms == LF_NULL64 ? NULL : lf_ms_iso(b, end));
    lf_json_kstr(j, "light", lf_light(cx, &clock));
    lf_rc rc = bench_moves(cx, j, r, v);
    lf_json_end_obj(j);
    return rc;
}

static lf_rc bench_tab(struct lf_ctx *cx, struct lf_json *j, enum tab tab, const char *key, int64_t skip)
{
    static const struct lf_val shape[COLUMNS] = {
        [TOPIC] = { .t = LF_T_TEXT }, [ROW_ID] = { .t = LF_T_ID },  [GRID_CODE] = { .t = LF_T_TEXT }, [TITLE] = { .t = LF_T_TEXT },
        [STATE] = { .t = LF_T_TEXT }, [STARTED] = { .t = LF_T_MS }, [DUE] = { .t = LF_T_MS },         [ENDED] = { .t = LF_T_MS },
        [UNIT] = { .t = LF_T_INT },   [RIGHT] = { .t = LF_T_TEXT }, [PAUSED] = { .t = LF_T_MS },      [PAUSES] = { .t = LF_T_TEXT }
    };
    struct lf_val arg[BENCH_ARGS];
    struct bench_row *row = lf_alloc(&cx->arena, BENCH_PAGE * sizeof *row);
    int n = 0, rows = 0;
    struct lf_cur cur;
    const char *where = bench_where(cx, tab, arg, &n);
    const char *sql = lf_printf(&cx->arena,
                                "/* bench.%s */ SELECT s.topic, s.row_id, s.grid_code, s.title, s.state, s.started_at, s.due_at, "
                                "s.ended_at, s.limit_unit, s.right_name, s.paused_at, s.pauses%s "
                                "ORDER BY %s LIMIT %d OFFSET %" PRId64,
                                key, where, tab == DONE ? "s.ended_at DESC, s.id DESC" : "s.due_at ASC NULLS LAST, s.id", BENCH_PAGE, skip);
    sql = lf_sql_scope(cx, sql, arg, &n);
    lf_rc rc = lf_sql_open(cx, sql, arg, n, 0, &cur);
    if (rc)
        return rc;
    while (rows < BENCH_PAGE && (rc = lf_cur_next(&cur)) == LF_ROW) {
        memcpy(row[rows].v, shape, sizeof shape);
        for (int i = 0; i < COLUMNS; i++)
            lf_cur_get(&cur, i, &row[rows].v[i]);
        rows++;
    }
    lf_cur_close(&cur);
    lf_json_key(j, key);
    lf_json_arr(j);
    for (int i = 0; rc >= 0 && i < rows; i++)
        rc = bench_item(cx, j, row[i].v);
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}

lf_rc lf_bench_json(struct lf_ctx *cx, struct lf_call *c)
{
    static const char *const names[] = { "todo", "overdue", "done" };
    lf_text only = lf_http_param(c->req, "tab"), after = lf_http_param(c->req, "after");
    int64_t count[3], skip = 0;
    lf_rc rc = after.n ? lf_call_int(cx, after, "after", &skip) : LF_OK;
    for (int i = 0; !rc && i < 3; i++)
        rc = bench_count(cx, (enum tab)i, &count[i]);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "counts");
    lf_json_obj(&c->j);
    for (int i = 0; i < 3; i++)
        lf_json_kint(&c->j, names[i], count[i]);
    lf_json_end_obj(&c->j);
    for (int i = 0; !rc && i < 3; i++)
        if (!only.n || lf_text_is(only, names[i]))
            rc = bench_tab(cx, &c->j, (enum tab)i, names[i], skip);
    lf_json_end_obj(&c->j);
    return rc;
}
