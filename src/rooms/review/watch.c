/* watch.c - looks at every station again and again for signs of falsification (suspect.h), and raises or clears their alarms.
 *
 * A job walks through the stations so that each is seen at least every ROUND_S seconds. Copies between stations are found by the hashes of aligned
 * windows: two stations that share one are compared value by value. */
#include "rooms/review/parts.h"

#include "base/workcal.h"
#include "review_sql.h"
#include "rooms/alarm/alarm.h"
#include "rooms/review/suspect.h"
#include "rooms/station/station.h"

enum {
    ROUND_S = 600,
    AT_LEAST = 50, /* stations a time: a small city is walked through at once */
    RECENT_HOURS = 3,
    DAYS = 30,
    WINDOW = 24, /* minutes in a hashed window */
    WINDOW_CHANGES = 12,
    COPY_CHANGES = 20, /* suspect.h: beyond chance */
    JUMP_MS = 5 * LF_MINUTE_MS,
    ODD_MINUTES = 10, /* impossible pairs in a row */
    INSPECTORS_FROM = 9,
    INSPECTORS_TO = 17,
    SLOTS = 1 << 16,
    FACTORS_MAX = 64
};
static const double EDGE_WIDTH = 0.05;

static const enum alarm_type alarm_of[SUSPECT_TYPE_COUNT] = {
    [SUSPECT_EDGE] = ALARM_EDGE,   [SUSPECT_INSPECTION] = ALARM_INSPECTION, [SUSPECT_CLOCK] = ALARM_JUMP,
    [SUSPECT_COPY] = ALARM_COPY,   [SUSPECT_REPLAY] = ALARM_REPLAY,         [SUSPECT_PAIR] = ALARM_PAIR,
    [SUSPECT_POWER] = ALARM_POWER,
};

/* ---- one station's turn ------------------------------------------------------------------------------------------- */

struct found {
    struct suspect_sign sign;
    lf_text factor; /* "" = the whole station */
};
struct turn {
    struct lf_ctx *cx;
    lf_id station;
    lf_text grid_code;
    unsigned kind;
    lf_ms now;
    struct found found[64];
    int n;
};

static void add(struct turn *t, lf_text factor, const struct suspect_sign *s)
{
    if (t->n < (int)LF_COUNT(t->found))
        t->found[t->n++] = (struct found){ *s, factor };
}

/* Values of a series, with NaN for what is marked, truncated to minutes so that stations can be laid beside each other. */
static lf_rc values_of(struct turn *t, lf_id station, lf_text factor, enum lf_tele_kind kind, int64_t back, struct suspect_value **out,
                       size_t *n)
{
    struct lf_tele_reading *r;
    lf_rc rc = review_scan(t->cx, station, factor, kind, (lf_ms){ t->now.ms - back }, t->now, &r, n);
    if (rc)
        return rc;
    *out = lf_alloc(&t->cx->arena, *n * sizeof **out + 1);
    bool hours = kind == LF_TELE_HOUR || kind == LF_TELE_HOUR_CALC; /* limits are for hours at reference oxygen */
    for (size_t i = 0; i < *n; i++) {
        double value = hours && !isnan(r[i].zs) ? r[i].zs : r[i].value;
        (*out)[i] = (struct suspect_value){ { r[i].at.ms - r[i].at.ms % LF_MINUTE_MS },
                                            hj212_mark_of(r[i].flag) == HJ212_NORMAL ? value : (double)NAN };
    }
    return LF_OK;
}

/* ---- copies between stations ----------------------------------------------------------------------------------------- */

/* The windows of one round, by hash of factor, time and values. A slot that is taken by something else is overwritten: the table forgets,
 * it never accuses, because values are compared before anything is said. Used by the job's thread alone. */
static struct window {
    uint64_t hash;
    int64_t station;
} windows[SLOTS];

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 1099511628211u;
    return h;
}

/* The other station that said the same in an aligned window; 0 when there is none. */
static int64_t twin_of(struct turn *t, lf_text factor, const struct suspect_value *v, size_t n)
{
    int64_t twin = 0;
    for (size_t i = 0; i + WINDOW <= n; i++) {
        uint64_t h = mix(14695981039346656037u, factor.p, factor.n);
        int changes = 0;
        if (v[i].at.ms / LF_MINUTE_MS % (WINDOW / 2) != 0)
            continue;
        h = mix(h, &v[i].at.ms, sizeof v[i].at.ms);
        for (size_t k = i; k < i + WINDOW; k++) {
            h = mix(h, &v[k].value, sizeof v[k].value);
            changes += k > i && memcmp(&v[k].value, &v[k - 1].value, sizeof v[k].value) != 0;
        }
        if (changes < WINDOW_CHANGES)
            continue;
        struct window *w = &windows[h >> 20 & (SLOTS - 1)];
        if (w->hash == h && w->station != t->station.v)
            twin = w->station;
        *w = (struct window){ h, t->station.v };
    }
    return twin;
}

static lf_rc look_for_copies(struct turn *t, lf_text factor, enum lf_tele_kind kind, const struct suspect_value *v, size_t n)
{
    struct suspect_sign s;
    struct suspect_value *other;
    size_t nother;
    int64_t twin = twin_of(t, factor, v, n);
    if (!twin)
        return LF_OK;
    lf_rc rc = values_of(t, (lf_id){ twin }, factor, kind, RECENT_HOURS * (int64_t)LF_HOUR_MS, &other, &nother);
    if (!rc && suspect_copy(v, n, other, nother, COPY_CHANGES, &s))
        add(t, factor, &s);
    return rc;
}

/* ---- rules of one series ------------------------------------------------------------------------------------------------ */

static lf_rc look_at_recent(struct turn *t, lf_text factor, enum lf_tele_kind kind)
{
    struct suspect_value *v, *two_days;
    struct suspect_sign s;
    size_t n, n2;
    lf_rc rc = values_of(t, t->station, factor, kind, RECENT_HOURS * (int64_t)LF_HOUR_MS, &v, &n);
    if (!rc)
        rc = look_for_copies(t, factor, kind, v, n);
    if (!rc)
        rc = values_of(t, t->station, factor, kind, LF_DAY_MS + RECENT_HOURS * (int64_t)LF_HOUR_MS, &two_days, &n2);
    if (!rc && suspect_replay(two_days, n2, LF_DAY_MS, COPY_CHANGES, &s))
        add(t, factor, &s);
    return rc;
}

static bool is_workday(void *cal, lf_day d) { return lf_workcal_is_workday(cal, d); }

static lf_rc look_at_hours(struct turn *t, lf_text factor, enum lf_tele_kind kind)
{
    struct suspect_value *v;
    struct suspect_sign s;
    struct review_limit_row limit = { 0 };
    size_t n;
    lf_rc rc = values_of(t, t->station, factor, kind, DAYS * (int64_t)LF_DAY_MS, &v, &n);
    if (rc || !n)
        return rc;
    rc = review_limit(t->cx, t->station, factor, lf_day_of(t->now), &limit);
    if (rc == LF_OK && suspect_edge(v, n, limit.high, EDGE_WIDTH, &s))
        add(t, factor, &s);
    if (rc == LF_OK && suspect_inspection(v, n, INSPECTORS_FROM, INSPECTORS_TO, is_workday, t->cx->app->cal, &s))
        add(t, factor, &s); /* only where a limit gives a motive */
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

/* Which kind of each factor is looked at: minutes before real-time values; hours of the device before computed ones. */
struct kinds {
    lf_text factor;
    enum lf_tele_kind recent, hours;
    bool any_recent, any_hours;
};

static struct kinds *kinds_of(struct kinds *k, size_t *n, lf_text factor)
{
    for (size_t i = 0; i < *n; i++)
        if (lf_text_eq(k[i].factor, factor))
            return &k[i];
    if (*n == FACTORS_MAX)
        return NULL;
    k[*n] = (struct kinds){ .factor = factor };
    return &k[(*n)++];
}

static void sort_kinds(const struct lf_tele_latest *l, size_t nl, struct kinds *k, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < nl; i++) {
        enum lf_tele_kind kind = l[i].r.kind;
        struct kinds *f = kinds_of(k, n, l[i].r.factor);
        if (f && (kind == LF_TELE_MIN || (kind == LF_TELE_RTD && !f->any_recent)))
            f->any_recent = true, f->recent = kind;
        if (f && (kind == LF_TELE_HOUR || (kind == LF_TELE_HOUR_CALC && !f->any_hours)))
            f->any_hours = true, f->hours = kind;
    }
}

/* ---- rules of one device ---------------------------------------------------------------------------------------------------- */

static lf_rc look_at_clock(struct turn *t)
{
    struct lf_tele_stored_packet *p;
    struct suspect_arrival a[200];
    struct suspect_sign s;
    size_t n, na = 0;
    lf_rc rc =
        review_road.store->ops->packets(review_road.store, &t->cx->arena, t->station, (lf_id){ 0 }, (int)LF_COUNT(a), &p, &n, &t->cx->err);
    for (size_t i = n; !rc && i-- > 0;)
        if (lf_text_is(p[i].cn, "2011") && p[i].at.ms)
            a[na++] = (struct suspect_arrival){ p[i].at, p[i].received };
    if (!rc && suspect_clock(a, na, JUMP_MS, &s))
        add(t, LF_TEXT(""), &s);
    return rc;
}

static double *moment_member(struct suspect_moment *m, int i)
{
    double *const member[] = { &m->o2, &m->flow, &m->velocity, &m->celsius, &m->so2, &m->nox, &m->dust };
    return member[i];
}

/* Lays the factors of a flue beside each other, minute by minute. */
static lf_rc look_at_flue(struct turn *t, const struct kinds *k, size_t nk)
{
    static const char *const code[] = { "a19001", "a00000", "a01011", "a01012", "a21026", "a21002", "a34013" };
    enum { MINUTES = RECENT_HOURS * 60 };
    struct suspect_moment *m = lf_alloc(&t->cx->arena, MINUTES * sizeof *m);
    struct suspect_sign s;
    int64_t first = t->now.ms / LF_MINUTE_MS - MINUTES;
    size_t kept = 0;
    for (int i = 0; i < MINUTES; i++)
        m[i] = (struct suspect_moment){ { 0 }, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    for (int c = 0; c < (int)LF_COUNT(code); c++)
        for (size_t f = 0; f < nk; f++) {
            struct suspect_value *v;
            size_t n;
            if (!k[f].any_recent || !lf_text_is(k[f].factor, code[c]))
                continue;
            lf_rc rc = values_of(t, t->station, k[f].factor, k[f].recent, RECENT_HOURS * (int64_t)LF_HOUR_MS, &v, &n);
            if (rc)
                return rc;
            for (size_t i = 0; i < n; i++) {
                int64_t minute = v[i].at.ms / LF_MINUTE_MS - first;
                if (minute < 0 || minute >= MINUTES)
                    continue;
                m[minute].at = v[i].at;
                *moment_member(&m[minute], c) = v[i].value;
            }
        }
    for (int i = 0; i < MINUTES; i++)
        if (m[i].at.ms)
            m[kept++] = m[i];
    if (suspect_pairs(m, kept, ODD_MINUTES, &s))
        add(t, LF_TEXT(""), &s);
    return LF_OK;
}

/* Both meters at the same minutes. */
static size_t join_power(const struct suspect_value *a, size_t na, const struct suspect_value *b, size_t nb, struct suspect_power *out)
{
    size_t n = 0, k = 0;
    for (size_t i = 0; i < na; i++) {
        while (k < nb && b[k].at.ms < a[i].at.ms)
            k++;
        if (k < nb && b[k].at.ms == a[i].at.ms && !isnan(a[i].value) && !isnan(b[k].value))
            out[n++] = (struct suspect_power){ a[i].at, a[i].value, b[k].value };
    }
    return n;
}

static lf_rc look_at_power_pair(struct turn *t, const struct review_power_pairs_row *pair)
{
    struct suspect_value *a, *b;
    struct suspect_sign s;
    size_t na, nb;
    int64_t back = (RECENT_HOURS * 60 + pair->minutes) * (int64_t)LF_MINUTE_MS;
    lf_rc rc = values_of(t, pair->production_station_id, pair->production_factor, LF_TELE_RTD, back, &a, &na);
    if (!rc)
        rc = values_of(t, t->station, pair->treatment_factor, LF_TELE_RTD, back, &b, &nb);
    if (rc)
        return rc;
    struct suspect_power *p = lf_alloc(&t->cx->arena, na * sizeof *p + 1);
    size_t n = join_power(a, na, b, nb, p);
    if (suspect_power(p, n, pair->production_on, pair->treatment_on, (int)pair->minutes, &s))
        add(t, pair->treatment_factor, &s);
    return LF_OK;
}

static lf_rc look_at_power(struct turn *t)
{
    struct review_power_pairs_row pair[16];
    struct lf_cur cur;
    size_t n = 0;
    lf_rc rc = review_power_pairs(t->cx, t->station, &cur);
    while (!rc && n < LF_COUNT(pair) && (rc = review_power_pairs_next(&cur, &pair[n])) == LF_ROW) {
        n++;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    rc = rc < 0 ? rc : LF_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = look_at_power_pair(t, &pair[i]);
    return rc;
}

static lf_rc look(struct turn *t)
{
    struct lf_tele_latest *l;
    struct kinds k[FACTORS_MAX];
    size_t nl, nk;
    lf_rc rc = review_road.store->ops->latest(review_road.store, &t->cx->arena, t->station, &l, &nl, &t->cx->err);
    if (rc)
        return rc;
    sort_kinds(l, nl, k, &nk);
    for (size_t i = 0; !rc && i < nk; i++) {
        if (k[i].any_recent)
            rc = look_at_recent(t, k[i].factor, k[i].recent);
        if (!rc && k[i].any_hours)
            rc = look_at_hours(t, k[i].factor, k[i].hours);
    }
    if (!rc)
        rc = look_at_clock(t);
    if (!rc && t->kind == STATION_FLUE)
        rc = look_at_flue(t, k, nk);
    return rc ? rc : look_at_power(t);
}

/* ---- what follows ---------------------------------------------------------------------------------------------------------- */

struct open_sign {
    lf_text type, factor;
    lf_ms last_at;
    bool still;
};

static lf_rc open_signs(struct turn *t, struct open_sign *o, int max, int *n)
{
    struct review_open_signs_row row;
    struct lf_cur cur;
    lf_rc rc = review_open_signs(t->cx, t->station, &cur);
    *n = 0;
    while (!rc && *n < max && (rc = review_open_signs_next(&cur, &row)) == LF_ROW) {
        o[(*n)++] = (struct open_sign){ row.type, row.factor.n ? row.factor : LF_TEXT(""), row.last_at, false };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* A sign that is told already up to its end is not told again. */
static bool is_new(const struct found *f, struct open_sign *o, int n)
{
    for (int i = 0; i < n; i++)
        if (lf_text_is(o[i].type, alarm_type_dict.item[alarm_of[f->sign.type]].code) && lf_text_eq(o[i].factor, f->factor)) {
            o[i].still = true;
            return f->sign.to.ms > o[i].last_at.ms;
        }
    return true;
}

static lf_rc follow(struct turn *t, struct open_sign *o, int no, struct alarm_news *news)
{
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < t->n; i++) {
        const struct suspect_sign *s = &t->found[i].sign;
        struct alarm_sign sign = { .station = t->station,
                                   .factor = t->found[i].factor,
                                   .type = alarm_of[s->type],
                                   .value = s->score,
                                   .limit = NAN,
                                   .at = s->to,
                                   .since = s->from,
                                   .explain = lf_str(s->explain) };
        if (is_new(&t->found[i], o, no))
            rc = alarm_raise(t->cx, &sign, news);
    }
    for (int i = 0; !rc && i < no; i++) {
        unsigned type;
        if (!o[i].still && lf_dict_find(&alarm_type_dict, o[i].type, &type))
            rc = alarm_clear(t->cx, t->station, o[i].factor, type, t->now, LF_TEXT("疑点不再出现 | the sign is no longer there"), news);
    }
    return rc;
}

static lf_rc watch_station(struct lf_ctx *cx, lf_id station)
{
    struct turn *t = lf_alloc(&cx->arena, sizeof *t);
    struct review_station_row row;
    struct open_sign o[64];
    struct alarm_news news = { 0 };
    int no = 0;
    *t = (struct turn){ .cx = cx, .station = station, .now = lf_now() };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    if (!(rc = review_station(cx, station, &row))) {
        lf_dict_find(&station_kind_dict, row.kind, &t->kind);
        t->grid_code = row.grid_code;
        rc = look(t);
    }
    if (!rc)
        rc = open_signs(t, o, (int)LF_COUNT(o), &no);
    if ((rc = lf_tx_end(cx, rc)) || (!t->n && !no))
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    if ((rc = lf_tx_begin(cx, LF_TX_WRITE)) || (rc = lf_tx_end(cx, follow(t, o, no, &news))))
        return rc;
    alarm_tell(cx->app, &news);
    return LF_OK;
}

lf_rc review_watch(struct lf_ctx *cx)
{
    static size_t next; /* the job's thread alone */
    struct review_stations_row s;
    struct lf_cur cur;
    lf_id *id = NULL;
    size_t n = 0, cap = 0;
    if (!review_road.store)
        return LF_OK;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = review_stations(cx, &cur);
    while (!rc && (rc = review_stations_next(&cur, &s)) == LF_ROW) {
        id = lf_more(NULL, id, n, &cap, sizeof *id);
        id[n++] = s.id;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    size_t share = n * REVIEW_WATCH_S / ROUND_S + AT_LEAST;
    for (share = share < n ? share : n; !rc && share; share--) {
        rc = watch_station(cx, id[next++ % n]);
        lf_arena_reset(&cx->arena);
    }
    lf_release(id);
    return rc;
}
