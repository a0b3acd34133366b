/* emitted.c - the emissions of a flue over a range of days, as pages and reports ask for them. */
#include "rooms/review/emission.h"
#include "rooms/review/parts.h"

#include "review_sql.h"

enum { DAYS_MAX = 92, BACK_DAYS = 400 /* 2160 valid hours, and the time a source stands still */ };

static const char *const pollutants[] = { "a21026", "a21002", "a34013" }; /* HJ 75-2017: SO2, NOx, dust */

struct asked {
    struct lf_ctx *cx;
    lf_id station;
    lf_ms from, to, base; /* base: hour 0 of the arrays */
    size_t n;             /* hours from base to `to` */
};

/* ---- what was measured ---------------------------------------------------------------------------------------------- */

static lf_rc scan(const struct asked *a, lf_text factor, struct lf_tele_reading **r, size_t *n)
{
    return review_scan(a->cx, a->station, factor, LF_TELE_HOUR_CALC, a->base, a->to, r, n);
}

static void place(const struct asked *a, const struct lf_tele_reading *r, size_t n, double *value, char *flag)
{
    for (size_t i = 0; i < a->n; i++)
        value[i] = NAN, flag[i] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t h = (size_t)((r[i].at.ms - a->base.ms) / LF_HOUR_MS);
        if (h < a->n)
            value[h] = r[i].value, flag[h] = r[i].flag.n ? r[i].flag.p[0] : 0;
    }
}

/* Measured concentration (not converted to reference oxygen) times flow, both of the hour: HJ 212-2017 Annex D, formula 33. a00000 is in
 * m³/s, dry and standard as the device reports it. */
static lf_rc measure(const struct asked *a, const char *factor, struct emission_hour *h)
{
    struct lf_tele_reading *c = NULL, *q = NULL;
    size_t nc = 0, nq = 0;
    double *conc = lf_alloc(&a->cx->arena, 2 * a->n * sizeof *conc + 1), *flow = conc + a->n;
    char *cf = lf_alloc(&a->cx->arena, 2 * a->n + 1), *qf = cf + a->n;
    lf_rc rc = scan(a, lf_str(factor), &c, &nc);
    if (!rc)
        rc = scan(a, LF_TEXT("a00000"), &q, &nq);
    if (rc)
        return rc;
    place(a, c, nc, conc, cf);
    place(a, q, nq, flow, qf);
    for (size_t i = 0; i < a->n; i++) {
        bool valid = cf[i] == 'N' && qf[i] == 'N';
        h[i] = (struct emission_hour){ .state = cf[i] == 'F' || qf[i] == 'F' ? EMISSION_STOPPED
                                                : valid                      ? EMISSION_VALID
                                                                             : EMISSION_MISSING,
                                       .kg = valid ? stack_load(conc[i], flow[i] * 3600) : (double)NAN };
    }
    return LF_OK;
}

/* ---- quarters ------------------------------------------------------------------------------------------------------------ */

static lf_ms quarter_start(lf_ms t)
{
    struct lf_civil c = lf_civil_of(t);
    return lf_day_start(lf_day_ymd(c.year, (c.month - 1) / 3 * 3 + 1, 1));
}

static lf_ms quarter_end(lf_ms start)
{
    return quarter_start((lf_ms){ start.ms + 95 * (int64_t)LF_DAY_MS }); /* a quarter has at most 92 days, the next at least 90 */
}

static size_t hour_index(const struct asked *a, lf_ms t)
{
    int64_t h = (t.ms - a->base.ms) / LF_HOUR_MS;
    return h < 0 ? 0 : (size_t)h > a->n ? a->n : (size_t)h;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------ */

static void put_rate(struct lf_json *j, lf_ms start, const struct emission_rate *r)
{
    char b[32];
    lf_json_obj(j);
    lf_json_kstr(j, "quarter_from", lf_day_iso(b, lf_day_of(start)));
    lf_json_kint(j, "hours", r->hours);
    lf_json_kint(j, "stopped", r->stopped);
    lf_json_kint(j, "missing", r->missing);
    lf_json_kreal(j, "rate", r->hours > r->stopped ? (double)(r->hours - r->stopped - r->missing) / (r->hours - r->stopped) : (double)NAN);
    lf_json_kbool(j, "qualifies", r->qualifies);
    lf_json_end_obj(j);
}

static void put_gaps(const struct asked *a, struct lf_json *j, const struct emission_hour *h, size_t from)
{
    char b[32];
    lf_json_key(j, "gaps");
    lf_json_arr(j);
    for (size_t i = from, end; i < a->n; i = end) {
        end = i + 1;
        if (h[i].state != EMISSION_MISSING)
            continue;
        while (end < a->n && h[end].state == EMISSION_MISSING && h[end].gap == h[i].gap && h[end].fill == h[i].fill)
            end++;
        lf_json_obj(j);
        lf_json_kstr(j, "from", lf_ms_iso(b, (lf_ms){ a->base.ms + (int64_t)i * LF_HOUR_MS }));
        lf_json_kstr(j, "to", lf_ms_iso(b, (lf_ms){ a->base.ms + (int64_t)end * LF_HOUR_MS }));
        lf_json_kint(j, "hours", h[i].gap);
        lf_json_kint(j, "of_last_valid_hours", stack_fill_hours(h[i].fill));
        lf_json_kreal(j, "kg_per_hour", h[i].kg);
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}

struct sums {
    double measured, substituted;
    int valid, stopped, filled, unfilled;
};

static void add(struct sums *s, const struct emission_hour *h)
{
    s->valid += h->state == EMISSION_VALID;
    s->stopped += h->state == EMISSION_STOPPED;
    if (h->state == EMISSION_VALID)
        s->measured += h->kg;
    if (h->state != EMISSION_MISSING)
        return;
    s->filled += !isnan(h->kg);
    s->unfilled += isnan(h->kg);
    s->substituted += isnan(h->kg) ? 0 : h->kg;
}

static void put_sums(struct lf_json *j, const struct sums *s)
{
    lf_json_kreal(j, "measured_kg", s->measured);
    lf_json_kreal(j, "substituted_kg", s->substituted);
    lf_json_kreal(j, "total_kg", s->measured + s->substituted);
    lf_json_kint(j, "valid_hours", s->valid);
    lf_json_kint(j, "stopped_hours", s->stopped);
    lf_json_kint(j, "substituted_hours", s->filled);
    lf_json_kint(j, "open_hours", s->unfilled);
}

static void put_days(const struct asked *a, struct lf_json *j, const struct emission_hour *h, size_t from, struct sums *all)
{
    char b[32];
    lf_json_key(j, "days");
    lf_json_arr(j);
    for (size_t i = from; i < a->n;) {
        lf_day day = lf_day_of((lf_ms){ a->base.ms + (int64_t)i * LF_HOUR_MS });
        struct sums s = { 0 };
        for (; i < a->n && lf_day_of((lf_ms){ a->base.ms + (int64_t)i * LF_HOUR_MS }).v == day.v; i++) {
            add(&s, &h[i]);
            add(all, &h[i]);
        }
        lf_json_obj(j);
        lf_json_kstr(j, "day", lf_day_iso(b, day));
        put_sums(j, &s);
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}

static lf_rc put_pollutant(const struct asked *a, struct lf_json *j, const char *factor)
{
    const struct hj212_factor *f = hj212_factor_find(lf_str(factor));
    struct emission_hour *h = lf_alloc(&a->cx->arena, a->n * sizeof *h + 1);
    struct sums all = { 0 };
    size_t from = hour_index(a, a->from);
    lf_rc rc = measure(a, factor, h);
    if (rc)
        return rc;
    lf_json_obj(j);
    lf_json_kstr(j, "factor", factor);
    lf_json_kstr(j, "zh", f->zh);
    lf_json_kstr(j, "en", f->en);
    lf_json_key(j, "quarters");
    lf_json_arr(j);
    for (lf_ms q = quarter_start(a->from); q.ms < a->to.ms; q = quarter_end(q)) {
        struct emission_rate r = emission_substitute(h, hour_index(a, q), hour_index(a, quarter_end(q)));
        put_rate(j, q, &r);
    }
    lf_json_end_arr(j);
    put_gaps(a, j, h, from);
    put_days(a, j, h, from, &all);
    put_sums(j, &all);
    lf_json_end_obj(j);
    return LF_OK;
}

/* ---- the address ------------------------------------------------------------------------------------------------------------ */

lf_rc review_emission(struct lf_ctx *cx, struct lf_call *c)
{
    struct station_site site;
    struct asked a = { .cx = cx };
    lf_rc rc = station_of(cx, c, &a.station);
    if (!rc)
        rc = review_days(cx, c, DAYS_MAX, &a.from, &a.to);
    if (!rc)
        rc = station_site_of(cx, a.station, &site);
    if (rc)
        return rc;
    if (site.kind != STATION_FLUE)
        return lf_fail(cx, LF_EINVAL, "id", "只有废气站点有排放量 | only flue gas has emissions in kg/h");
    a.base.ms = quarter_start(a.from).ms - BACK_DAYS * (int64_t)LF_DAY_MS;
    a.n = (size_t)((a.to.ms - a.base.ms) / LF_HOUR_MS);
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "basis", "HJ 75-2017 表 4、表 5；HJ 212-2017 附录 D (33)");
    lf_json_key(&c->j, "pollutants");
    lf_json_arr(&c->j);
    for (size_t i = 0; !rc && review_road.store && i < LF_COUNT(pollutants); i++) {
        struct lf_arena_mark mark = lf_arena_here(&cx->arena);
        rc = put_pollutant(&a, &c->j, pollutants[i]);
        lf_arena_back(&cx->arena, mark);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}
