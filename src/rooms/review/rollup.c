/* rollup.c - hour and day values computed from shorter ones, again whenever one of those arrives late or is reviewed.
 *
 * Whatever arrives marks its hour; an hour is computed when it is over, a day likewise, so late data re-open what they belong to. The marks
 * live in memory: at the start the last day is marked for every station, which finds what a crash has left out. */
#include "rooms/review/parts.h"

#include "review_sql.h"

#include <inttypes.h>
#include <pthread.h>

enum { GRACE_MS = 90 * 1000, AT_ONCE = 500, BACK_HOURS = 26, VALIDITY_DAYS_MAX = 62, FACTORS_MAX = 256 };

/* ---- what must be computed ----------------------------------------------------------------------------------------- */

struct mark {
    int64_t station, from; /* from: start of the hour or day, ms; station 0 = free */
    bool day;
};
struct marks {
    pthread_mutex_t lock;
    struct mark *slot;
    size_t cap, n;
    bool swept; /* has the last day been marked at the start? */
};
static struct marks marks = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t find_slot(const struct mark *slot, size_t cap, const struct mark *m)
{
    uint64_t h = ((uint64_t)m->station * 0x9e3779b97f4a7c15u ^ (uint64_t)m->from ^ (uint64_t)m->day) * 0xff51afd7ed558ccdu;
    size_t at = (size_t)(h >> 32) & (cap - 1);
    while (slot[at].station && (slot[at].station != m->station || slot[at].from != m->from || slot[at].day != m->day))
        at = (at + 1) & (cap - 1);
    return at;
}

static void grow(void)
{
    size_t cap = marks.cap ? marks.cap * 2 : 256;
    struct mark *slot = lf_new(cap * sizeof *slot);
    for (size_t i = 0; i < marks.cap; i++)
        if (marks.slot[i].station)
            slot[find_slot(slot, cap, &marks.slot[i])] = marks.slot[i];
    lf_release(marks.slot);
    marks.slot = slot;
    marks.cap = cap;
}

static void add_mark(struct mark m)
{
    if (marks.n * 2 >= marks.cap)
        grow();
    size_t at = find_slot(marks.slot, marks.cap, &m);
    marks.n += !marks.slot[at].station;
    marks.slot[at] = m;
}

static int64_t hour_of(lf_ms t) { return t.ms - (t.ms % LF_HOUR_MS + LF_HOUR_MS) % LF_HOUR_MS; }
static int64_t day_of(lf_ms t) { return lf_day_start(lf_day_of(t)).ms; }

void review_on_readings(const struct lf_tele_reading *r, size_t n)
{
    struct mark last = { 0 };
    pthread_mutex_lock(&marks.lock);
    for (size_t i = 0; i < n; i++) {
        struct mark m = { .station = r[i].station.v };
        if (!r[i].fresh || r[i].kind == LF_TELE_DAY || r[i].kind == LF_TELE_DAY_CALC)
            continue;
        m.day = r[i].kind == LF_TELE_HOUR_CALC || r[i].kind == LF_TELE_HOUR;
        m.from = m.day ? day_of(r[i].at) : hour_of(r[i].at);
        if (r[i].kind == LF_TELE_HOUR)
            add_mark((struct mark){ m.station, hour_of(r[i].at), false });
        if (m.station == last.station && m.from == last.from && m.day == last.day)
            continue;
        add_mark(m);
        last = m;
    }
    pthread_mutex_unlock(&marks.lock);
}

/* Takes up to max marks whose period is over. The set is rebuilt without them. */
static size_t take_due(struct mark *out, size_t max)
{
    lf_ms now = lf_now();
    size_t n = 0;
    pthread_mutex_lock(&marks.lock);
    struct mark *old = marks.slot;
    size_t cap = marks.cap;
    marks.slot = cap ? lf_new(cap * sizeof *old) : NULL;
    marks.n = 0;
    for (size_t i = 0; i < cap; i++) {
        if (!old[i].station)
            continue;
        int64_t end = old[i].from + (old[i].day ? LF_DAY_MS : LF_HOUR_MS);
        if (n < max && end + GRACE_MS <= now.ms)
            out[n++] = old[i];
        else
            add_mark(old[i]);
    }
    pthread_mutex_unlock(&marks.lock);
    lf_release(old);
    return n;
}

static void put_back(const struct mark *m, size_t n)
{
    pthread_mutex_lock(&marks.lock);
    for (size_t i = 0; i < n; i++)
        add_mark(m[i]);
    pthread_mutex_unlock(&marks.lock);
}

static lf_rc mark_last_day(struct lf_ctx *cx)
{
    struct review_stations_row s;
    struct lf_cur cur;
    int64_t hour = hour_of(lf_now());
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = review_stations(cx, &cur);
    pthread_mutex_lock(&marks.lock);
    while (!rc && (rc = review_stations_next(&cur, &s)) == LF_ROW) {
        for (int i = 1; i <= BACK_HOURS; i++)
            add_mark((struct mark){ s.id.v, hour - i * (int64_t)LF_HOUR_MS, false });
        add_mark((struct mark){ s.id.v, day_of((lf_ms){ hour - LF_DAY_MS }), true });
        rc = LF_OK;
    }
    marks.swept = rc >= 0;
    pthread_mutex_unlock(&marks.lock);
    lf_cur_close(&cur);
    return lf_tx_end(cx, rc < 0 ? rc : LF_OK);
}

/* ---- one period of one station ----------------------------------------------------------------------------------------- */

struct period {
    struct lf_ctx *cx;
    lf_id station;
    enum station_kind kind;
    lf_text grid_code;
    lf_ms from;
    bool day;
    struct oxygen oxygen;
};

/* How long one value stands for: the shortest distance between two, to the next shorter period that the standard allows (HJ 212-2017
 * table 4, MinInterval). A single value stands for ten minutes, the default of devices of 2017. */
static int interval_of(const struct lf_tele_reading *r, size_t n)
{
    static const int allowed[] = { 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1 };
    int64_t least = n > 1 ? LF_HOUR_MS : 10 * LF_MINUTE_MS;
    for (size_t i = 1; i < n; i++)
        if (r[i].at.ms - r[i - 1].at.ms < least)
            least = r[i].at.ms - r[i - 1].at.ms;
    for (size_t i = 0; i < LF_COUNT(allowed); i++)
        if (least >= (int64_t)allowed[i] * LF_MINUTE_MS)
            return allowed[i];
    return 1;
}

/* Several values within one minute (real-time ones) become one: the mean of the normal ones, or else the first. Returns how many remain. */
static size_t one_a_minute(struct lf_tele_reading *r, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n;) {
        struct lf_tele_reading first = r[i], *to = &r[kept++];
        double sum = 0;
        int normal = 0;
        int64_t minute = first.at.ms / LF_MINUTE_MS;
        for (; i < n && r[i].at.ms / LF_MINUTE_MS == minute; i++) {
            if (hj212_mark_of(r[i].flag) != HJ212_NORMAL || isnan(r[i].value))
                continue;
            if (!normal++)
                first = r[i];
            sum += r[i].value;
        }
        *to = first;
        to->at.ms = minute * LF_MINUTE_MS;
        if (normal)
            to->value = sum / normal;
    }
    return kept;
}

/* The shorter values of one factor within the period. weight: those of the flow, or NULL. */
static lf_rc parts_of(const struct period *p, lf_text factor, enum lf_tele_kind kind, struct means_part **out, size_t *n)
{
    struct lf_tele_reading *r;
    lf_ms to = { p->from.ms + (p->day ? LF_DAY_MS : LF_HOUR_MS) };
    lf_rc rc = review_scan(p->cx, p->station, factor, kind, p->from, to, &r, n);
    if (rc)
        return rc;
    if (kind == LF_TELE_RTD)
        *n = one_a_minute(r, *n);
    int minutes = p->day || kind == LF_TELE_HOUR ? 60 : interval_of(r, *n);
    *out = lf_alloc(&p->cx->arena, *n * sizeof **out + 1);
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = (struct means_part){ .at = r[i].at,
                                         .minutes = minutes,
                                         .value = r[i].value,
                                         .vmin = r[i].vmin,
                                         .vmax = r[i].vmax,
                                         .cou = r[i].cou,
                                         .zs = r[i].zs,
                                         .weight = NAN,
                                         .flag = r[i].flag };
    return LF_OK;
}

/* Wastewater concentrations are weighted by the flow of the same moment (HJ 212-2017 Annex D, weighted mean C = G/D). */
static lf_rc weigh(const struct period *p, lf_text factor, enum lf_tele_kind kind, struct means_part *part, size_t n)
{
    struct means_part *flow;
    size_t nflow, k = 0;
    if (p->kind != STATION_WASTEWATER || lf_text_is(factor, "w00000") || lf_text_is(factor, "w01001") || lf_text_is(factor, "w01010"))
        return LF_OK;
    lf_rc rc = parts_of(p, LF_TEXT("w00000"), kind, &flow, &nflow);
    for (size_t i = 0; !rc && i < n; i++) {
        while (k < nflow && flow[k].at.ms < part[i].at.ms)
            k++;
        if (k < nflow && flow[k].at.ms == part[i].at.ms)
            part[i].weight = flow[k].value;
    }
    return rc;
}

static lf_rc compute(const struct period *p, lf_text factor, enum lf_tele_kind from_kind, struct means_result *m, size_t *n)
{
    struct means_part *part;
    lf_rc rc = parts_of(p, factor, from_kind, &part, n);
    if (!rc)
        rc = weigh(p, factor, from_kind, part, *n);
    const struct means_rule *rule = means_rule_of(p->kind, lf_day_of(p->from));
    if (!rc && p->day)
        means_day(rule, lf_day_of(p->from), part, *n, m);
    else if (!rc)
        means_hour(rule, p->from, part, *n, m);
    return rc;
}

/* Which kind a factor's period is computed from: minutes before real-time values, computed hours before those of the device. The hours
 * of a flue that sends nothing shorter are taken as they are, so that they can be converted to reference oxygen. */
struct from_kind {
    lf_text factor;
    enum lf_tele_kind kind;
};
static int preference(enum lf_tele_kind k, bool day, bool flue)
{
    if (day)
        return k == LF_TELE_HOUR_CALC ? 2 : k == LF_TELE_HOUR ? 1 : 0;
    return k == LF_TELE_MIN ? 3 : k == LF_TELE_RTD ? 2 : flue && k == LF_TELE_HOUR ? 1 : 0;
}

static lf_rc factors_of(const struct period *p, struct from_kind *f, size_t *n)
{
    struct lf_ctx *cx = p->cx;
    struct lf_tele_latest *l;
    size_t nl;
    *n = 0;
    lf_rc rc = review_road.store->ops->latest(review_road.store, &cx->arena, p->station, &l, &nl, &cx->err);
    for (size_t i = 0; !rc && i < nl; i++) {
        size_t k = 0;
        int liked = preference(l[i].r.kind, p->day, p->kind == STATION_FLUE);
        if (!liked)
            continue;
        while (k < *n && !lf_text_eq(f[k].factor, l[i].r.factor))
            k++;
        if (k == FACTORS_MAX)
            break;
        if (k == *n)
            f[(*n)++] = (struct from_kind){ l[i].r.factor, l[i].r.kind };
        else if (liked > preference(f[k].kind, p->day, p->kind == STATION_FLUE))
            f[k].kind = l[i].r.kind;
    }
    return rc;
}

static char stored_flag(const struct means_result *m) { return m->valid && m->flag == 'N' ? 'N' : m->flag == 'F' ? 'F' : 'I'; }

/* The packet's text says how each value came to be. The time of computing makes each result a packet of its own: a mean that comes back
 * to an earlier value is no duplicate. */
static void put_how(struct lf_out *raw, const struct period *p, const struct rolled *r, size_t n)
{
    char at[32], now[32];
    lf_putf(raw, "calc=%s;at=%s;computed=%s;rule=%s", p->day ? "day" : "hour", lf_ms_iso(at, p->from), lf_ms_iso(now, lf_now()),
            means_rule_of(p->kind, lf_day_of(p->from))->basis);
    for (size_t i = 0; i < n; i++) {
        const struct means_result *m = &r[i].m;
        if (!r[i].values)
            continue;
        lf_putf(raw, ";%.*s=%s:%d normal %d stopped %d invalid %d missing of %d, mean ", (int)r[i].factor.n, r[i].factor.p,
                lf_tele_kind_name(r[i].kind), m->normal, m->stopped, m->invalid, m->missing, m->expected);
        lf_put_real(raw, m->value);
        if (isnan(r[i].reference))
            continue;
        lf_put_str(raw, ", at ");
        lf_put_real(raw, r[i].reference);
        lf_put_str(raw, " % O2 ");
        lf_put_real(raw, m->zs);
    }
}

static lf_rc submit_period(const struct period *p, const struct rolled *r, size_t n)
{
    struct lf_tele_batch b = { 0 };
    struct lf_out raw = lf_out_memory(0);
    put_how(&raw, p, r, n);
    review_packet(&b, p->station, p->grid_code, lf_out_text(&raw), p->from);
    for (size_t i = 0; i < n; i++) {
        char flag = stored_flag(&r[i].m);
        if (r[i].values)
            review_reading(&b, &(struct lf_tele_reading){ .factor = r[i].factor,
                                                          .kind = p->day ? LF_TELE_DAY_CALC : LF_TELE_HOUR_CALC,
                                                          .at = p->from,
                                                          .value = r[i].m.value,
                                                          .vmin = r[i].m.vmin,
                                                          .vmax = r[i].m.vmax,
                                                          .cou = r[i].m.cou,
                                                          .zs = r[i].m.zs,
                                                          .flag = { &flag, 1 } });
    }
    lf_rc rc = review_road.submit(review_road.user, &b, &p->cx->err);
    lf_tele_batch_free(&b);
    lf_out_close(&raw);
    return rc;
}

static lf_rc compute_period(struct period *p)
{
    struct from_kind f[FACTORS_MAX];
    size_t n = 0, any = 0;
    lf_rc rc = factors_of(p, f, &n);
    struct rolled *r = lf_alloc(&p->cx->arena, (n + 1) * sizeof *r);
    for (size_t i = 0; !rc && i < n; i++) {
        r[i] = (struct rolled){ .factor = f[i].factor, .kind = f[i].kind, .reference = NAN };
        rc = compute(p, f[i].factor, f[i].kind, &r[i].m, &r[i].values);
        if (!rc && !r[i].values && !p->day && p->kind == STATION_FLUE) /* it has sent shorter ones once, but not for this hour */
            rc = compute(p, f[i].factor, r[i].kind = LF_TELE_HOUR, &r[i].m, &r[i].values);
        any += r[i].values > 0;
    }
    if (rc || !any)
        return rc;
    if (!p->day)
        oxygen_convert(&p->oxygen, r, n);
    return submit_period(p, r, n);
}

static lf_rc open_period(struct lf_ctx *cx, const struct mark *m, struct period *p)
{
    struct review_station_row s;
    unsigned kind = 0;
    *p = (struct period){ .cx = cx, .station = { m->station }, .from = { m->from }, .day = m->day };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = review_station(cx, p->station, &s);
    if (!rc && !p->day)
        rc = oxygen_references(cx, p->station, lf_day_of(p->from), &p->oxygen);
    if ((rc = lf_tx_end(cx, rc)))
        return rc;
    lf_dict_find(&station_kind_dict, s.kind, &kind);
    p->kind = kind;
    p->grid_code = s.grid_code;
    return LF_OK;
}

lf_rc review_rollup(struct lf_ctx *cx)
{
    struct mark due[AT_ONCE];
    lf_rc rc = LF_OK;
    if (!review_road.store)
        return LF_OK;
    if (!marks.swept && (rc = mark_last_day(cx)))
        return rc;
    size_t n = take_due(due, AT_ONCE);
    for (size_t i = 0; i < n; i++) {
        struct period p;
        rc = open_period(cx, &due[i], &p);
        if (!rc)
            rc = compute_period(&p);
        if (rc == LF_ENOTFOUND) /* the station has gone */
            rc = LF_OK;
        if (rc) {
            put_back(&due[i], n - i);
            return rc;
        }
        lf_arena_reset(&cx->arena);
    }
    return LF_OK;
}

/* ---- how each hour is accounted for ---------------------------------------------------------------------------------------- */

static void put_hour(struct lf_json *j, lf_ms at, const struct means_result *m)
{
    const char flag[2] = { stored_flag(m), 0 };
    lf_json_arr(j);
    lf_json_int(j, at.ms);
    lf_json_int(j, m->normal);
    lf_json_int(j, m->stopped);
    lf_json_int(j, m->invalid);
    lf_json_int(j, m->missing);
    lf_json_bool(j, m->valid);
    lf_json_str(j, flag);
    lf_json_real(j, m->value);
    lf_json_end_arr(j);
}

struct tally {
    int hours, valid, stopped, invalid, missing;
};

/* An hour belongs to one class: stopped when it stood still throughout, missing when nothing came, else valid or invalid. */
static void count_hour(struct tally *t, const struct means_result *m)
{
    t->hours++;
    if (m->valid)
        t->valid++;
    else if (m->flag == 'F')
        t->stopped++;
    else if (m->missing == m->expected)
        t->missing++;
    else
        t->invalid++;
}

static lf_rc factor_validity(struct period *p, struct lf_json *j, const struct from_kind *f, lf_ms from, lf_ms to)
{
    const struct hj212_factor *name = hj212_factor_find(f->factor);
    struct tally t = { 0 };
    lf_rc rc = LF_OK;
    lf_json_obj(j);
    lf_json_ktext(j, "factor", f->factor);
    lf_json_kstr(j, "zh", name ? name->zh : NULL);
    lf_json_kstr(j, "en", name ? name->en : NULL);
    lf_json_kstr(j, "from_kind", lf_tele_kind_name(f->kind));
    lf_json_key(j, "hours");
    lf_json_arr(j);
    for (p->from = from; !rc && p->from.ms < to.ms; p->from.ms += LF_HOUR_MS) {
        struct means_result m;
        size_t n;
        struct lf_arena_mark mark = lf_arena_here(&p->cx->arena);
        rc = compute(p, f->factor, f->kind, &m, &n);
        lf_arena_back(&p->cx->arena, mark);
        if (rc)
            break;
        put_hour(j, p->from, &m);
        count_hour(&t, &m);
    }
    lf_json_end_arr(j);
    lf_json_kint(j, "expected", t.hours);
    lf_json_kint(j, "valid", t.valid);
    lf_json_kint(j, "stopped", t.stopped);
    lf_json_kint(j, "invalid", t.invalid);
    lf_json_kint(j, "missing", t.missing);
    /* Effective rate, HJ 75-2017: hours that stood still are not asked for. */
    lf_json_kreal(j, "rate", t.hours > t.stopped ? (double)t.valid / (t.hours - t.stopped) : (double)NAN);
    lf_json_end_obj(j);
    return rc;
}

lf_rc review_days(struct lf_ctx *cx, const struct lf_call *c, int most, lf_ms *from, lf_ms *to)
{
    lf_day a, b;
    lf_text f = lf_http_param(c->req, "from"), t = lf_http_param(c->req, "to");
    b = lf_day_of(lf_now());
    if (t.n && !lf_day_parse(t, &b))
        return lf_fail(cx, LF_EINVAL, "to", "日期格式应为 2026-11-24 | a day is written 2026-11-24");
    a = (lf_day){ b.v - 6 };
    if (f.n && !lf_day_parse(f, &a))
        return lf_fail(cx, LF_EINVAL, "from", "日期格式应为 2026-11-24 | a day is written 2026-11-24");
    if (b.v < a.v || b.v - a.v >= most)
        return lf_fail(cx, LF_EINVAL, "to", "时间范围为 1 至 %d 天 | the range is 1 to %d days", most, most);
    *from = lf_day_start(a);
    *to = lf_day_start((lf_day){ b.v + 1 });
    int64_t now = hour_of(lf_now());
    if (to->ms > now)
        to->ms = now > from->ms ? now : from->ms; /* an hour that is not over cannot be judged */
    return LF_OK;
}

lf_rc review_validity(struct lf_ctx *cx, struct lf_call *c)
{
    struct from_kind f[FACTORS_MAX];
    struct review_station_row s;
    struct period p = { .cx = cx };
    unsigned kind = 0;
    lf_ms from = { 0 }, to = { 0 };
    size_t n = 0;
    lf_rc rc = station_of(cx, c, &p.station);
    if (!rc)
        rc = review_days(cx, c, VALIDITY_DAYS_MAX, &from, &to);
    if (!rc)
        rc = review_station(cx, p.station, &s);
    if (rc)
        return rc;
    lf_dict_find(&station_kind_dict, s.kind, &kind);
    p.kind = kind;
    if (review_road.store && (rc = factors_of(&p, f, &n)))
        return rc;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "basis", means_rule_of(p.kind, lf_day_of(from))->basis);
    lf_json_key(&c->j, "factors");
    lf_json_arr(&c->j);
    for (size_t i = 0; !rc && i < n; i++)
        rc = factor_validity(&p, &c->j, &f[i], from, to);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}
