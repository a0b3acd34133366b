/* live.c - what stations say: now, as events, and as series. */
#include "rooms/station/parts.h"

#include "station_sql.h"

#include <stdio.h>

static void publish_reading(struct lf_app *app, const struct lf_tele_reading *r)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    char b[32], topic[40];
    int n = snprintf(topic, sizeof topic, "reading:%lld", (long long)r->station.v);
    lf_json_obj(&j);
    lf_json_kint(&j, "station_id", r->station.v);
    lf_json_ktext(&j, "factor", r->factor);
    lf_json_kstr(&j, "kind", lf_tele_kind_name(r->kind));
    lf_json_kstr(&j, "at", lf_ms_iso(b, r->at));
    lf_json_kreal(&j, "value", r->value);
    lf_json_ktext(&j, "flag", r->flag);
    lf_json_end_obj(&j);
    lf_hub_publish(app->hub, (lf_text){ topic, (uint32_t)n }, r->grid_code, lf_out_text(&o));
    lf_out_close(&o);
}
void station_publish(struct lf_app *app, const struct lf_tele_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r[i].fresh)
            publish_reading(app, &r[i]);
}

static lf_rc live_station(struct lf_ctx *cx, struct lf_json *j, const struct station_places_row *s)
{
    struct lf_tele_latest *l = NULL;
    size_t n = 0;
    lf_rc rc = station_store ? station_store->ops->latest(station_store, &cx->arena, s->id, &l, &n, &cx->err) : LF_OK;
    if (rc)
        return rc;
    lf_ms last = { 0 };
    bool over = false;
    char b[32];
    lf_json_obj(j);
    lf_json_kint(j, "id", s->id.v);
    lf_json_ktext(j, "name", s->name);
    lf_json_ktext(j, "kind", s->kind);
    lf_json_kreal(j, "lon", s->lon);
    lf_json_kreal(j, "lat", s->lat);
    lf_json_ktext(j, "grid_code", s->grid_code);
    lf_json_key(j, "values");
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++) {
        const struct lf_tele_reading *r = &l[i].r;
        const struct hj212_factor *f = hj212_factor_find(r->factor);
        double limit;
        bool any;
        if (r->kind != LF_TELE_RTD && r->kind != LF_TELE_HOUR)
            continue;
        if ((rc = station_limit_passed(cx, r, &limit, &any)))
            return rc;
        if (l[i].received.ms > last.ms)
            last = l[i].received;
        over = over || !isnan(limit);
        lf_json_obj(j);
        lf_json_ktext(j, "factor", r->factor);
        lf_json_kstr(j, "zh", f ? f->zh : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "en", f ? f->en : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "unit", f ? f->unit : NULL);
        lf_json_kstr(j, "kind", lf_tele_kind_name(r->kind));
        lf_json_kreal(j, "value", r->value);
        lf_json_ktext(j, "flag", r->flag);
        lf_json_kstr(j, "at", lf_ms_iso(b, r->at));
        lf_json_kreal(j, "limit", limit);
        lf_json_kbool(j, "exceed", !isnan(limit));
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    bool offline = !last.ms || lf_now().ms - last.ms > 15 * LF_MINUTE_MS;
    lf_json_kstr(j, "state", offline ? "offline" : over ? "exceed" : "normal");
    lf_json_kstr(j, "last_at", last.ms ? lf_ms_iso(b, last) : NULL);
    lf_json_end_obj(j);
    return LF_OK;
}

lf_rc station_live(struct lf_ctx *cx, struct lf_call *c)
{
    struct station_places_row *s = NULL;
    size_t n = 0, cap = 0;
    struct lf_cur cur;
    lf_rc rc = station_places(cx, &cur);
    if (rc)
        return rc;
    for (struct station_places_row row; (rc = station_places_next(&cur, &row)) == LF_ROW; s[n++] = row)
        if (n == cap) {
            struct station_places_row *more = lf_alloc(&cx->arena, (cap = cap ? cap * 2 : 64) * sizeof *more);
            if (n)
                memcpy(more, s, n * sizeof *s);
            s = more;
        }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    rc = LF_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = live_station(cx, &c->j, &s[i]);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}

static lf_rc time_param(struct lf_ctx *cx, struct lf_call *c, const char *name, lf_ms usual, lf_ms *out)
{
    lf_text s = lf_http_param(c->req, name);
    lf_day d;
    *out = usual;
    if (!s.n || lf_ms_parse_iso(s, out))
        return LF_OK;
    if (!lf_day_parse(s, &d))
        return lf_fail(cx, LF_EINVAL, name, "时间格式不对 | this is no time");
    *out = lf_day_start(d);
    return LF_OK;
}

static lf_rc one_series(struct lf_ctx *cx, struct lf_json *j, struct lf_tele_series *q)
{
    struct lf_tele_point *p = NULL;
    size_t n = 0;
    lf_rc rc = station_store ? station_store->ops->series(station_store, &cx->arena, q, &p, &n, &cx->err) : LF_OK;
    if (rc)
        return rc;
    const struct hj212_factor *f = hj212_factor_find(q->factor);
    struct station_limits_row l;
    struct lf_cur cur;
    double limit = NAN;
    if ((rc = station_limits(cx, q->station, lf_day_of(lf_now()), &cur)))
        return rc;
    while ((rc = station_limits_next(&cur, &l)) == LF_ROW)
        if (lf_text_eq(l.factor, q->factor) && lf_text_is(l.kind, lf_tele_kind_name(q->kind)))
            limit = l.high;
    lf_cur_close(&cur);
    lf_json_obj(j);
    lf_json_ktext(j, "factor", q->factor);
    lf_json_kstr(j, "zh", f ? f->zh : NULL);
    lf_json_kstr(j, "en", f ? f->en : NULL);
    lf_json_kstr(j, "unit", f ? f->unit : NULL);
    lf_json_kreal(j, "limit", limit);
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
    lf_json_end_obj(j);
    return rc < 0 ? rc : LF_OK;
}

lf_rc station_series(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_tele_series q = { .max_points = 800 };
    lf_text factors = lf_http_param(c->req, "factor"), kind = lf_http_param(c->req, "kind"), points = lf_http_param(c->req, "points");
    int64_t max = 800;
    lf_rc rc = station_of(cx, c, &q.station);
    if (!rc && points.n)
        rc = lf_call_int(cx, points, "points", &max);
    q.max_points = max < 10 ? 10 : max > 5000 ? 5000 : (size_t)max;
    if (!rc && kind.n && !lf_tele_kind_parse(kind, &q.kind))
        rc = lf_fail(cx, LF_EINVAL, "kind",
                     "数据类别应为 rtd、min、hour、day、hour_calc 或 day_calc | kind must be rtd, min, hour, day, hour_calc or day_calc");
    if (!rc)
        rc = time_param(cx, c, "from", (lf_ms){ lf_now().ms - LF_DAY_MS }, &q.from);
    if (!rc)
        rc = time_param(cx, c, "to", (lf_ms){ lf_now().ms + LF_MINUTE_MS }, &q.to);
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "series");
    lf_json_arr(&c->j);
    for (int n = 0; !rc && factors.n && n < 12; n++) {
        const char *comma = memchr(factors.p, ',', factors.n);
        q.factor = (lf_text){ factors.p, comma ? (uint32_t)(comma - factors.p) : factors.n };
        factors = comma ? (lf_text){ comma + 1, factors.n - q.factor.n - 1 } : LF_TEXT("");
        rc = one_series(cx, &c->j, &q);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}
