/* series.c - the answer in JSON: lines thinned to what a chart can show, with limits, alarms, gaps and figures of the whole range. */
#include "rooms/series/series.h"

#include "rooms/series/lines.h"
#include "rooms/station/station.h"
#include "series_sql.h"

#include <math.h>

/* ---- from the store ------------------------------------------------------------------------------------------ */

struct walk {
    struct lines *w;
    bool (*each)(void *user, const struct lf_tele_reading *);
    void *user;
};
static bool walk_row(void *user, const struct lf_tele_reading *r)
{
    struct walk *k = user;
    struct lf_tele_reading z;
    if (k->w->ask->converted && !isnan(r->zs)) {
        z = *r;
        z.value = z.vmin = z.vmax = r->zs;
        r = &z;
    }
    return --k->w->rows_left >= 0 && k->each(k->user, r);
}

lf_rc lines_scan(struct lines *w, lf_id station, lf_text factor, bool (*each)(void *user, const struct lf_tele_reading *), void *user)
{
    struct lf_tele_store *s = station_readings();
    struct walk k = { w, each, user };
    const struct lf_tele_series q = { .station = station, .factor = factor, .kind = w->ask->kind, .from = w->ask->from, .to = w->ask->to };
    lf_rc rc = s ? s->ops->scan(s, &q, walk_row, &k, &w->cx->err) : LF_OK;
    if (!rc && w->rows_left < 0)
        return lf_fail(w->cx, LF_ETOOBIG, "from",
                       "数据超过 %d 条，请缩短时间范围或减少曲线 | more than %d readings: choose a shorter range or fewer lines", ASK_ROWS,
                       ASK_ROWS);
    return rc;
}

struct probe {
    lf_ms at[LINE_PROBE];
    size_t n;
};
static bool probe_row(void *user, const struct lf_tele_reading *r)
{
    struct probe *p = user;
    p->at[p->n++] = r->at;
    return p->n < LINE_PROBE;
}
lf_rc series_usual_step(struct lines *w, lf_id station, lf_text factor, int64_t *step)
{
    struct probe p = { .n = 0 };
    bool known = w->ask->kind != LF_TELE_RTD && w->ask->kind != LF_TELE_MIN;
    lf_rc rc = known ? LF_OK : lines_scan(w, station, factor, probe_row, &p);
    if (!rc)
        *step = line_step(w->ask->kind, p.at, p.n);
    return rc;
}

/* ---- limits and alarms ----------------------------------------------------------------------------------------- */

/* A mean computed here is held against the limit of its period like one that was sent. */
static const char *limit_kind(enum lf_tele_kind k)
{
    return lf_tele_kind_name(k == LF_TELE_HOUR_CALC ? LF_TELE_HOUR : k == LF_TELE_DAY_CALC ? LF_TELE_DAY : k);
}

static lf_rc read_limits(struct lines *w, lf_id station, lf_text factor, struct line_limit **out, size_t *n)
{
    struct lf_ctx *cx = w->cx;
    struct series_limits_row l;
    struct lf_cur cur;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    lf_rc rc = series_limits(cx, station, lf_day_of(w->ask->from), lf_day_of((lf_ms){ w->ask->to.ms - 1 }), &cur);
    if (rc)
        return rc;
    while ((rc = series_limits_next(&cur, &l)) == LF_ROW) {
        if (!lf_text_eq(l.factor, factor) || !lf_text_is(l.kind, limit_kind(w->ask->kind)))
            continue;
        *out = lf_more(&cx->arena, *out, *n, &cap, sizeof **out);
        lf_ms end = l.to_day.v == LF_NULL32 ? w->ask->to : lf_day_start((lf_day){ l.to_day.v + 1 });
        lf_ms begin = lf_day_start(l.from_day);
        (*out)[(*n)++] = (struct line_limit){ .from = begin.ms > w->ask->from.ms ? begin : w->ask->from,
                                              .to = end.ms < w->ask->to.ms ? end : w->ask->to,
                                              .low = l.low,
                                              .high = l.high,
                                              .basis = l.basis };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static void put_limits(struct lf_json *j, const struct line_limit *l, size_t n)
{
    lf_json_key(j, "limits");
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++) {
        lf_json_obj(j);
        lf_json_kint(j, "from", l[i].from.ms);
        lf_json_kint(j, "to", l[i].to.ms);
        lf_json_kreal(j, "low", l[i].low);
        lf_json_kreal(j, "high", l[i].high);
        lf_json_ktext(j, "basis", l[i].basis);
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}

static lf_rc put_alarms(struct lines *w, struct lf_json *j, lf_id station, lf_text factor)
{
    struct series_alarms_row a;
    struct lf_cur cur;
    lf_json_key(j, "alarms");
    lf_json_arr(j);
    lf_rc rc = lf_may(w->cx, "alarm", "read") ? series_alarms(w->cx, station, w->ask->from, w->ask->to, &cur) : LF_DONE;
    if (rc == LF_OK) {
        while ((rc = series_alarms_next(&cur, &a)) == LF_ROW) {
            bool ended = lf_text_is(a.state, "ended");
            if (a.factor.n && !lf_text_eq(a.factor, factor)) /* what has no factor (off line) is of the whole station */
                continue;
            lf_json_obj(j);
            lf_json_kint(j, "id", a.id.v);
            lf_json_ktext(j, "title", lf_lang_pick(a.title, w->cx->lang));
            lf_json_ktext(j, "state", a.state);
            lf_json_kint(j, "from", a.began_at.ms);
            lf_json_kint(j, "to", ended ? a.last_at.ms : LF_NULL64);
            lf_json_end_obj(j);
        }
        lf_cur_close(&cur);
    }
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}

lf_rc series_put_head(struct lines *w, struct lf_json *j, const struct ask_station *s, lf_text factor, struct line_limit **limit,
                      size_t *nlimit)
{
    const struct hj212_factor *f = hj212_factor_find(factor);
    lf_json_kint(j, "station_id", s->id.v);
    lf_json_ktext(j, "station", s->name);
    lf_json_ktext(j, "factor", factor);
    lf_json_ktext(j, "zh", f ? lf_str(f->zh) : factor);
    lf_json_ktext(j, "en", f ? lf_str(f->en) : factor);
    lf_json_kstr(j, "unit", station_unit(s->id, factor));
    lf_rc rc = read_limits(w, s->id, factor, limit, nlimit);
    if (rc)
        return rc;
    put_limits(j, *limit, *nlimit);
    return put_alarms(w, j, s->id, factor);
}

/* ---- one line --------------------------------------------------------------------------------------------------- */

static void put_instant(struct lf_json *j, const char *key, bool known, lf_ms at) { lf_json_kint(j, key, known ? at.ms : LF_NULL64); }

static void put_figures(struct lf_json *j, const struct line *l)
{
    lf_json_key(j, "stat");
    lf_json_obj(j);
    lf_json_kint(j, "n", (int64_t)l->n);
    lf_json_kint(j, "values", (int64_t)l->values);
    lf_json_kint(j, "over", (int64_t)l->over);
    lf_json_kreal(j, "mean", l->values ? l->sum / (double)l->values : NAN);
    lf_json_kreal(j, "min", l->least);
    put_instant(j, "min_at", l->values, l->least_at);
    lf_json_kreal(j, "max", l->most);
    put_instant(j, "max_at", l->values, l->most_at);
    lf_json_end_obj(j);
    lf_json_kint(j, "step_ms", l->step ? l->step : LF_NULL64);
    lf_json_key(j, "gaps");
    lf_json_arr(j);
    for (size_t i = 0; i < l->ngap; i++) {
        lf_json_arr(j);
        lf_json_int(j, l->gap[i].from.ms);
        lf_json_int(j, l->gap[i].to.ms);
        lf_json_end_arr(j);
    }
    lf_json_end_arr(j);
    lf_json_kbool(j, "more_gaps", l->more_gaps);
}

static void put_points(struct lf_json *j, const struct lf_tele_point *p, size_t n)
{
    lf_json_key(j, "points");
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++) {
        lf_json_arr(j);
        lf_json_int(j, p[i].at.ms);
        lf_json_real(j, p[i].value);
        lf_json_text(j, p[i].flag);
        lf_json_real(j, p[i].vmin);
        lf_json_real(j, p[i].vmax);
        lf_json_end_arr(j);
    }
    lf_json_end_arr(j);
}

static bool add_row(void *user, const struct lf_tele_reading *r)
{
    line_add(user, r);
    return true;
}

static lf_rc series_put_plain(struct lines *w, struct lf_json *j, const struct ask_station *s, lf_text factor)
{
    const struct lf_tele_series q = { .from = w->ask->from, .to = w->ask->to, .max_points = w->ask->points };
    struct line_limit *limit = NULL;
    struct lf_tele_point *p;
    struct line l;
    size_t nlimit;
    int64_t step;
    lf_rc rc = series_usual_step(w, s->id, factor, &step);
    if (rc)
        return rc;
    line_begin(&l, &w->cx->arena, &q, lf_now(), step);
    lf_json_obj(j);
    if ((rc = series_put_head(w, j, s, factor, &limit, &nlimit)))
        return rc;
    l.limit = limit, l.nlimit = nlimit;
    if ((rc = lines_scan(w, s->id, factor, add_row, &l)))
        return rc;
    size_t n = line_end(&l, &p);
    put_figures(j, &l);
    put_points(j, p, n);
    lf_json_end_obj(j);
    return LF_OK;
}

/* ---- the address -------------------------------------------------------------------------------------------------- */

static lf_rc series_get(struct lf_ctx *cx, struct lf_call *c)
{
    struct ask a;
    lf_rc rc = ask_read(cx, c->req, &a);
    if (rc)
        return rc;
    a.converted = lf_text_is(lf_http_param(c->req, "converted"), "1");
    struct lines w = { cx, &a, ASK_ROWS };
    lf_json_obj(&c->j);
    lf_json_kint(&c->j, "from", a.from.ms);
    lf_json_kint(&c->j, "to", a.to.ms);
    lf_json_kstr(&c->j, "kind", lf_tele_kind_name(a.kind));
    if (a.aligned) {
        rc = series_put_aligned(&w, &c->j);
    } else {
        lf_json_key(&c->j, "series");
        lf_json_arr(&c->j);
        for (int i = 0; !rc && i < a.nstation; i++)
            for (int k = 0; !rc && k < a.nfactor; k++) {
                struct lf_arena_mark here = lf_arena_here(&cx->arena);
                rc = series_put_plain(&w, &c->j, &a.station[i], a.factor[k]);
                if (!rc)
                    lf_arena_back(&cx->arena, here);
            }
        lf_json_end_arr(&c->j);
    }
    lf_json_end_obj(&c->j);
    return rc;
}

enum { CSV_PARAMS = 5 }; /* the CSV answer is neither thinned nor aligned */
static const struct lf_param params[] = {
    { "station", "numbers of at most 12 stations, separated by commas", true },
    { "factor", "codes of at most 12 factors, separated by commas; at most 24 lines in all", true },
    { "kind", "rtd, min, hour, day, hour_calc or day_calc; hour when absent", false },
    { "from", "instant or day, inclusive; a day before `to` when absent", false },
    { "to", "instant or day, exclusive; now when absent", false },
    { "points", "10 to 5000 a line, 800 when absent: with more, each slice of time keeps its lowest and its highest point", false },
    { "converted", "1: flue gas at reference oxygen where it is known, which is what limits are for; else as measured", false },
    { "aligned", "1: all lines on one grid of time, with null where a line has no value", false },
};
static const struct lf_route routes[] = {
    { "GET", "/api/v1/series", "station.read", LF_TX_READ, series_get, "多站点多因子曲线", "Series of several stations and factors",
      .param = params, .nparam = LF_COUNT(params) },
    { "GET", "/api/v1/series.csv", "station.export", LF_TX_READ, series_csv, "曲线全部数据（CSV）", "Every reading of the series, as CSV",
      .slow = true, .param = params, .nparam = CSV_PARAMS },
};
const struct lf_room series_room = { .name = "series", .route = routes, .nroute = LF_COUNT(routes) };
