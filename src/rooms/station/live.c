/* live.c - what stations say now, and as events. */
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

/* The limits of one station on one day, read once for all its factors. */
struct in_force {
    lf_day day;
    bool known;
    struct station_limits_row *row;
    size_t n;
};
static lf_rc limits_on(struct lf_ctx *cx, lf_id station, lf_day day, struct in_force *f)
{
    struct lf_cur cur;
    size_t cap = 0;
    if (f->known && f->day.v == day.v)
        return LF_OK;
    *f = (struct in_force){ .day = day, .known = true };
    lf_rc rc = station_limits(cx, station, day, &cur);
    if (rc)
        return rc;
    for (struct station_limits_row row; (rc = station_limits_next(&cur, &row)) == LF_ROW; f->row[f->n++] = row)
        f->row = lf_more(&cx->arena, f->row, f->n, &cap, sizeof *f->row);
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}
static const struct station_limits_row *limit_for(const struct in_force *f, lf_text factor, const char *kind)
{
    for (size_t i = 0; i < f->n; i++)
        if (lf_text_eq(f->row[i].factor, factor) && lf_text_is(f->row[i].kind, kind))
            return &f->row[i];
    return NULL;
}

/* The limit of the reading's own kind; beside a real-time value that has none stands the one of the hour, for comparison only. */
static bool put_limit(struct lf_json *j, const struct in_force *f, const struct lf_tele_reading *r)
{
    const char *kind = lf_tele_kind_name(r->kind);
    const struct station_limits_row *l = limit_for(f, r->factor, kind);
    bool own = l != NULL;
    if (!own)
        l = limit_for(f, r->factor, kind = "hour");
    bool over = own && ((!isnan(l->high) && r->value > l->high) || (!isnan(l->low) && r->value < l->low));
    lf_json_kreal(j, "low", l ? l->low : NAN);
    lf_json_kreal(j, "high", l ? l->high : NAN);
    lf_json_kstr(j, "limit_kind", l ? kind : NULL);
    lf_json_kbool(j, "exceed", over);
    return over;
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
    struct in_force limits = { 0 };
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
        if (r->kind != LF_TELE_RTD && r->kind != LF_TELE_MIN && r->kind != LF_TELE_HOUR)
            continue;
        if ((rc = limits_on(cx, s->id, lf_day_of(r->at), &limits)))
            return rc;
        if (l[i].received.ms > last.ms)
            last = l[i].received;
        lf_json_obj(j);
        lf_json_ktext(j, "factor", r->factor);
        lf_json_kstr(j, "zh", f ? f->zh : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "en", f ? f->en : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "unit", station_unit(s->id, r->factor));
        lf_json_kstr(j, "kind", lf_tele_kind_name(r->kind));
        lf_json_kreal(j, "value", r->value);
        lf_json_ktext(j, "flag", r->flag);
        lf_json_kstr(j, "at", lf_ms_iso(b, r->at));
        if (put_limit(j, &limits, r))
            over = true;
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
        s = lf_more(&cx->arena, s, n, &cap, sizeof *s);
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

/* Codes mean nothing to people: what the pages call them, and offer where one is asked for. */
lf_rc station_factors(struct lf_ctx *cx, struct lf_call *c)
{
    (void)cx;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (size_t i = 0; i < hj212_factor_count; i++) {
        const struct hj212_factor *f = &hj212_factors[i];
        lf_json_obj(&c->j);
        lf_json_kstr(&c->j, "code", f->code);
        lf_json_kstr(&c->j, "zh", f->zh);
        lf_json_kstr(&c->j, "en", f->en);
        lf_json_kstr(&c->j, "unit", f->unit);
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}
