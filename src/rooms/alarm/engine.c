#include "rooms/alarm/engine.h"

/* ---- look-up: open addressing, pointers to what never moves ------------------------------------------------------ */

struct slots {
    struct {
        uint64_t hash;
        void *p;
    } * at;
    size_t mask, n;
};
struct engine {
    struct lf_arena arena; /* series and places: as many as there are, for ever */
    struct slots series, places;
    struct place **place;
    size_t cap_place;
    struct known *known;
    unsigned generation;
    struct watched **dirty;
    size_t ndirty, cap_dirty;
    struct act *act; /* of the call that runs */
    size_t nact, cap_act;
    struct lf_arena *out;
};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t series_hash(int64_t station, lf_text factor, enum lf_tele_kind kind)
{
    uint64_t h = (uint64_t)station * 31 + (uint64_t)kind, w;
    uint32_t i = 0;
    for (; i + 8 <= factor.n; i += 8) {
        memcpy(&w, factor.p + i, 8);
        h = mix(h ^ w);
    }
    w = factor.n;
    if (i < factor.n)
        memcpy(&w, factor.p + i, factor.n - i);
    return mix(h ^ w ^ (uint64_t)factor.n << 56);
}

static void slots_grow(struct slots *s)
{
    struct slots old = *s;
    s->mask = old.at ? old.mask * 2 + 1 : 1023;
    s->at = lf_new((s->mask + 1) * sizeof *s->at);
    for (size_t i = 0; old.at && i <= old.mask; i++)
        if (old.at[i].p) {
            size_t k = old.at[i].hash & s->mask;
            while (s->at[k].p)
                k = (k + 1) & s->mask;
            s->at[k] = old.at[i];
        }
    lf_release(old.at);
}

static void slots_add(struct slots *s, uint64_t hash, void *p)
{
    if (!s->at || s->n * 2 > s->mask)
        slots_grow(s);
    size_t k = hash & s->mask;
    while (s->at[k].p)
        k = (k + 1) & s->mask;
    s->at[k].hash = hash;
    s->at[k].p = p;
    s->n++;
}

static struct series *find_series(const struct engine *e, int64_t station, lf_text factor, enum lf_tele_kind kind, uint64_t h)
{
    for (size_t k = h & e->series.mask; e->series.at && e->series.at[k].p; k = (k + 1) & e->series.mask) {
        struct series *s = e->series.at[k].p;
        if (e->series.at[k].hash == h && s->station == station && s->kind == kind && lf_text_eq(s->factor, factor))
            return s;
    }
    return NULL;
}

static struct series *series_at(const struct engine *e, int64_t station, lf_text factor, enum lf_tele_kind kind)
{
    return find_series(e, station, factor, kind, series_hash(station, factor, kind));
}

static struct place *find_place(const struct engine *e, int64_t station, uint64_t h)
{
    for (size_t k = h & e->places.mask; e->places.at && e->places.at[k].p; k = (k + 1) & e->places.mask)
        if (e->places.at[k].hash == h && ((struct place *)e->places.at[k].p)->station == station)
            return e->places.at[k].p;
    return NULL;
}

/* ---- what is known -------------------------------------------------------------------------------------------------- */

const struct known *engine_known(const struct engine *e) { return e->known; }

static const struct known_station *known_station(const struct known *k, int64_t id)
{
    size_t lo = 0, hi = k ? k->nstation : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (k->station[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return k && lo < k->nstation && k->station[lo].id == id ? &k->station[lo] : NULL;
}

bool engine_knows(const struct engine *e, lf_id station) { return known_station(e->known, station.v) != NULL; }

int known_order(const struct known_limit *l, int64_t station, lf_text factor, enum alarm_period period)
{
    if (l->station != station)
        return l->station < station ? -1 : 1;
    int c = memcmp(l->factor.p, factor.p, l->factor.n < factor.n ? l->factor.n : factor.n);
    if (c || l->factor.n != factor.n)
        return c ? c : l->factor.n < factor.n ? -1 : 1;
    return l->period < period ? -1 : l->period > period;
}

static void known_limits(const struct known *k, const struct series *s, enum alarm_period period, size_t *first, size_t *n)
{
    size_t lo = 0, hi = k->nlimit;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (known_order(&k->limit[mid], s->station, s->factor, period) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *first = lo;
    for (*n = 0; lo + *n < k->nlimit && !known_order(&k->limit[lo + *n], s->station, s->factor, period); ++*n)
        ;
}

/* Looks up the rules and limits of a series again after they have changed. */
static void learn_place(struct engine *e, struct place *p)
{
    p->known = e->generation;
    p->is = known_station(e->known, p->station);
    p->clock_rule = p->offline_rule = NULL;
    if (!p->is || p->is->disabled)
        return;
    p->clock_rule = rules_find(&e->known->rules, ALARM_CLOCK, p->is->kind, LF_TEXT(""), ALARM_RTD);
    p->offline_rule = rules_find(&e->known->rules, ALARM_OFFLINE, p->is->kind, LF_TEXT(""), ALARM_ANY_PERIOD);
}

static void learn_series(struct engine *e, struct series *s)
{
    const struct known *k = e->known;
    enum alarm_period period = alarm_period_of(s->kind);
    s->known = e->generation;
    memset(s->rule, 0, sizeof s->rule);
    memset(s->limit, 0, sizeof s->limit);
    if (!s->place->is)
        return;
    for (enum watch w = 0; w < WATCH_SERIES; w++)
        s->rule[w] = rules_find(&k->rules, watch_type(w), s->place->is->kind, s->factor, period);
    known_limits(k, s, period, &s->limit[0].first, &s->limit[0].n);
    if (period == ALARM_RTD) {
        known_limits(k, s, ALARM_HOUR, &s->limit[1].first, &s->limit[1].n);
        if (!s->limit[1].n)
            known_limits(k, s, ALARM_DAY, &s->limit[1].first, &s->limit[1].n);
    }
}

void engine_know(struct engine *e, struct known *k)
{
    if (e->known)
        known_free(e->known);
    e->known = k;
    e->generation++;
}

/* ---- series and places ------------------------------------------------------------------------------------------------ */

static struct place *place_of(struct engine *e, int64_t station)
{
    uint64_t h = mix((uint64_t)station);
    struct place *p = find_place(e, station, h);
    if (!p) {
        p = lf_alloc(&e->arena, sizeof *p);
        p->station = station;
        p->clock = (struct watched){ .place = p, .w = WATCH_CLOCK };
        p->offline = (struct watched){ .place = p, .w = WATCH_OFFLINE };
        e->place = lf_more(NULL, e->place, e->places.n, &e->cap_place, sizeof(struct place *));
        e->place[e->places.n] = p;
        slots_add(&e->places, h, p);
    }
    if (p->known != e->generation)
        learn_place(e, p);
    return p;
}

static struct series *series_of(struct engine *e, int64_t station, lf_text factor, enum lf_tele_kind kind)
{
    uint64_t h = series_hash(station, factor, kind);
    struct series *s = find_series(e, station, factor, kind, h);
    if (!s) {
        s = lf_alloc(&e->arena, sizeof *s);
        *s = (struct series){ .station = station, .factor = lf_text_copy(&e->arena, factor), .kind = kind };
        s->place = place_of(e, station);
        for (enum watch w = 0; w < WATCH_SERIES; w++)
            s->w[w] = (struct watched){ .series = s, .place = s->place, .w = w };
        slots_add(&e->series, h, s);
    }
    if (s->known != e->generation) {
        if (s->place->known != e->generation)
            learn_place(e, s->place);
        learn_series(e, s);
    }
    return s;
}

struct watched *engine_watched(struct engine *e, lf_id station, lf_text factor, enum lf_tele_kind kind, enum watch w)
{
    if (w == WATCH_CLOCK)
        return &place_of(e, station.v)->clock;
    if (w == WATCH_OFFLINE)
        return &place_of(e, station.v)->offline;
    return &series_of(e, station.v, factor, kind)->w[w];
}

size_t engine_places(struct engine *e, struct place ***out)
{
    for (size_t i = 0; i < e->places.n; i++)
        if (e->place[i]->known != e->generation)
            learn_place(e, e->place[i]);
    *out = e->place;
    return e->places.n;
}

void engine_touch(struct engine *e, struct watched *w)
{
    if (w->dirty)
        return;
    e->dirty = lf_more(NULL, e->dirty, e->ndirty, &e->cap_dirty, sizeof(struct watched *));
    w->dirty = true;
    e->dirty[e->ndirty++] = w;
}

bool engine_any_dirty(const struct engine *e) { return e->ndirty > 0; }

size_t engine_dirty(struct engine *e, struct watched ***out)
{
    size_t n = e->ndirty;
    for (size_t i = 0; i < n; i++)
        e->dirty[i]->dirty = false;
    e->ndirty = 0;
    *out = e->dirty;
    return n;
}

bool engine_elsewhere(struct engine *e, const struct watched *w)
{
    const struct series *s = w->series;
    for (enum lf_tele_kind k = 0; s && k < LF_TELE_KIND_COUNT; k++) {
        const struct series *other = series_at(e, s->station, s->factor, k);
        if (other && other != s && other->w[w->w].t.up)
            return true;
    }
    return false;
}

static void forget(struct engine *e, struct watched *w)
{
    if (!w->t.up)
        return;
    w->t = (struct judge_track){ .last = w->t.last };
    w->more = 0;
    engine_touch(e, w);
}

void engine_forget(struct engine *e, lf_id station, lf_text factor, enum alarm_type type)
{
    for (enum watch w = 0; w < WATCH_COUNT; w++) {
        if (watch_type(w) != type)
            continue;
        if (w >= WATCH_SERIES)
            forget(e, engine_watched(e, station, factor, LF_TELE_RTD, w));
        for (enum lf_tele_kind k = 0; w < WATCH_SERIES && k < LF_TELE_KIND_COUNT; k++) {
            struct series *s = series_at(e, station.v, factor, k);
            if (s)
                forget(e, &s->w[w]);
        }
    }
}

/* ---- judging ------------------------------------------------------------------------------------------------------------- */

enum alarm_type watch_type(enum watch w)
{
    static const enum alarm_type of[WATCH_COUNT] = {
        [WATCH_EXCEED] = ALARM_EXCEED, [WATCH_WARNING] = ALARM_WARNING, [WATCH_CONSTANT] = ALARM_CONSTANT,
        [WATCH_FAULTY] = ALARM_FAULTY, [WATCH_CLOCK] = ALARM_CLOCK,     [WATCH_OFFLINE] = ALARM_OFFLINE
    };
    return of[w];
}

static struct act *add_act(struct engine *e, struct watched *w, enum judge_says says, const struct rule *rule,
                           const struct lf_tele_reading *r)
{
    e->act = lf_more(e->out, e->act, e->nact, &e->cap_act, sizeof *e->act);
    struct act *a = &e->act[e->nact++];
    *a = (struct act){
        .says = says, .of = w, .rule = rule, .value = NAN, .limit = NAN, .at = r->at, .since = w->t.since, .received = r->received
    };
    return a;
}

/* One more reading of one condition. Returns the act, to be filled in, or NULL. */
static struct act *step(struct engine *e, struct watched *w, const struct rule *rule, const struct judge_rule *j, bool bad,
                        const struct lf_tele_reading *r)
{
    bool calm = judge_calm(&w->t);
    enum judge_says says = judge_step(j, &w->t, bad, r->at);
    if (!calm || !judge_calm(&w->t))
        engine_touch(e, w);
    if (says == JUDGE_MORE)
        w->more++;
    return says == JUDGE_BEGIN || says == JUDGE_END ? add_act(e, w, says, rule, r) : NULL;
}

bool engine_worth(const struct watched *w)
{
    const struct series *s = w->series;
    const struct rule *rule = s && w->w == WATCH_CONSTANT ? s->rule[w->w] : NULL;
    bool long_run = rule && s->run.n > 1 && (double)(s->run.last.ms - s->run.since.ms) > rule->threshold * LF_HOUR_MS / 4;
    return !judge_calm(&w->t) || long_run;
}

static struct judge_rule counts(const struct rule *r) { return (struct judge_rule){ r->on_n, r->on_of, r->off_n, r->delay_ms }; }

/* The rule was switched off, or no limit is in force any more. */
static void gone(struct engine *e, struct watched *w, const struct lf_tele_reading *r)
{
    if (!w->t.up)
        return;
    w->t = (struct judge_track){ .last = r->at };
    engine_touch(e, w);
    add_act(e, w, JUDGE_END, NULL, r);
}

/* Hours and days come twice, from the device and computed here: one time is counted once. */
static bool counted(struct engine *e, const struct series *s, enum watch w, lf_ms at)
{
    static const enum lf_tele_kind twin[LF_TELE_KIND_COUNT] = { [LF_TELE_HOUR] = LF_TELE_HOUR_CALC,
                                                                [LF_TELE_HOUR_CALC] = LF_TELE_HOUR,
                                                                [LF_TELE_DAY] = LF_TELE_DAY_CALC,
                                                                [LF_TELE_DAY_CALC] = LF_TELE_DAY };
    enum lf_tele_kind k = twin[s->kind];
    const struct series *other = k ? series_at(e, s->station, s->factor, k) : NULL;
    return other && other->w[w].t.up && other->w[w].t.last.ms == at.ms;
}

static void judge_limits(struct engine *e, struct series *s, enum watch w, size_t first, size_t n, const struct lf_tele_reading *r)
{
    const struct rule *rule = s->rule[w];
    struct watched *it = &s->w[w];
    bool flue = s->place->is->kind == STATION_FLUE, unconverted = judge_unconverted(e->known->in_force + first, n, r, flue);
    double value = judge_value(r, flue), limit = NAN;
    if (unconverted && (r->kind == LF_TELE_HOUR || r->kind == LF_TELE_DAY))
        return; /* a device that does not convert: room review does, and that mean is judged */
    if (!rule || !n || !judge_over(e->known->in_force + first, n, lf_day_of(r->at), value, rule->threshold, &limit)) {
        gone(e, it, r);
        return;
    }
    bool bad = !isnan(limit);
    struct judge_rule j = counts(rule);
    if (bad && (!it->t.up || !(fabs(value - limit) <= fabs(it->worst - it->limit))))
        it->worst = value, it->limit = limit;
    int64_t more = it->more;
    struct act *a = step(e, it, rule, &j, bad, r);
    if (it->more > more && counted(e, s, w, r->at))
        it->more = more;
    if (!a)
        return;
    a->value = value, a->limit = limit;
    a->converted = flue && !isnan(r->zs), a->unconverted = unconverted;
    for (size_t i = first; bad && i < first + n && !a->basis.n; i++)
        if (!(e->known->in_force[i].high < limit || e->known->in_force[i].high > limit) ||
            !(e->known->in_force[i].low < limit || e->known->in_force[i].low > limit))
            a->basis = e->known->limit[i].basis;
}

static void judge_same(struct engine *e, struct series *s, double value, const struct lf_tele_reading *r)
{
    const struct rule *rule = s->rule[WATCH_CONSTANT];
    struct watched *it = &s->w[WATCH_CONSTANT];
    if (!rule) {
        gone(e, it, r);
        return;
    }
    int64_t ms = (int64_t)(rule->threshold * LF_HOUR_MS);
    bool same = judge_constant(&s->run, value, r->at, ms, rule->on_of);
    if (!same && isnan(value))
        return; /* marked or none: says nothing */
    /* The counting is done by the run; what is left is how many others end it. */
    const struct judge_rule j = { 1, 1, rule->off_n, 0 };
    struct act *a = step(e, it, rule, &j, same, r);
    if (a)
        a->value = value, a->since = same ? s->run.since : a->since;
    it->worst = value;
    if (engine_worth(it) != it->stored)
        engine_touch(e, it);
}

static void judge_flags(struct engine *e, struct series *s, enum hj212_mark mark, const struct lf_tele_reading *r)
{
    const struct rule *rule = s->rule[WATCH_FAULTY];
    struct watched *it = &s->w[WATCH_FAULTY];
    if (!rule) {
        gone(e, it, r);
        return;
    }
    bool bad = judge_flagged(r->flag, rule->letters);
    if (!bad && (mark != HJ212_NORMAL || judge_calm(&it->t)))
        return; /* maintenance, calibration and stops say nothing of faults; most readings end here */
    struct judge_rule j = counts(rule);
    step(e, it, rule, &j, bad, r);
}

int64_t place_interval(const struct place *p) { return p->interval ? p->interval : 5 * LF_MINUTE_MS; }

static void judge_contact(struct engine *e, struct place *p, const struct lf_tele_reading *r)
{
    if (r->received.ms > p->heard.ms) {
        p->interval = p->heard.ms ? judge_interval(p->interval, p->heard, r->received) : p->interval;
        p->heard = r->received;
    }
    if (p->offline.t.up) {
        p->offline.t = (struct judge_track){ 0 };
        engine_touch(e, &p->offline);
        add_act(e, &p->offline, JUDGE_END, p->offline_rule, r);
    }
    if (r->kind != LF_TELE_RTD || !r->received.ms || r->at.ms == p->ticks.at.ms)
        return;
    if (!p->clock_rule) {
        gone(e, &p->clock, r);
        return;
    }
    enum judge_clock_says says = judge_clock(&p->ticks, r->at, r->received, (int64_t)(p->clock_rule->threshold * LF_MINUTE_MS));
    struct judge_rule j = counts(p->clock_rule);
    struct act *a = says ? step(e, &p->clock, p->clock_rule, &j, says == JUDGE_CLOCK_BAD, r) : NULL;
    if (a)
        a->value = (double)(r->received.ms - r->at.ms) / LF_MINUTE_MS, a->limit = p->clock_rule->threshold;
}

static void judge_reading(struct engine *e, const struct lf_tele_reading *r)
{
    struct series *s = series_of(e, r->station.v, r->factor, r->kind);
    struct place *p = s->place;
    if (!p->is)
        return;
    if (!r->ours)
        judge_contact(e, p, r);
    enum hj212_mark mark = hj212_mark_of(r->flag);
    bool number = mark == HJ212_NORMAL && !isnan(r->value);
    judge_flags(e, s, mark, r);
    judge_same(e, s, number ? r->value : (double)NAN, r);
    if (!number)
        return; /* marked data is no evidence */
    if (s->limit[0].n || s->w[WATCH_EXCEED].t.up)
        judge_limits(e, s, WATCH_EXCEED, s->limit[0].first, s->limit[0].n, r);
    if (s->limit[1].n || s->w[WATCH_WARNING].t.up)
        judge_limits(e, s, WATCH_WARNING, s->limit[1].first, s->limit[1].n, r);
}

size_t engine_judge(struct engine *e, struct lf_arena *a, const struct lf_tele_reading *r, size_t n, struct act **acts)
{
    e->act = NULL;
    e->nact = e->cap_act = 0;
    e->out = a;
    for (size_t i = 0; i < n; i++)
        if (r[i].fresh)
            judge_reading(e, &r[i]);
    *acts = e->act;
    return e->nact;
}

struct engine *engine_new(void)
{
    struct engine *e = lf_new(sizeof *e);
    engine_know(e, lf_new(sizeof *e->known));
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    known_free(e->known);
    lf_release(e->series.at);
    lf_release(e->places.at);
    lf_release(e->place);
    lf_release(e->dirty);
    lf_arena_free(&e->arena);
    lf_release(e);
}
