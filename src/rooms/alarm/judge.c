#include "rooms/alarm/judge.h"

/* ---- begins and ends --------------------------------------------------------------------------------------- */

static uint64_t window(int of) { return of >= 64 ? UINT64_MAX : ((uint64_t)1 << of) - 1; }

static enum judge_says good_one(const struct judge_rule *r, struct judge_track *t)
{
    t->good = t->good < 1000 ? t->good + 1 : t->good;
    if (t->up && t->good >= r->off_n) {
        t->up = false;
        t->bits = 0;
        t->since.ms = 0;
        return JUDGE_END;
    }
    if (!t->up && !t->bits)
        t->since.ms = 0;
    return JUDGE_NOTHING;
}

static enum judge_says bad_one(const struct judge_rule *r, struct judge_track *t, lf_ms at)
{
    t->good = 0;
    if (t->up)
        return JUDGE_MORE;
    if (!t->since.ms)
        t->since = at;
    if (__builtin_popcountll(t->bits) < r->on_n || at.ms - t->since.ms < r->delay_ms)
        return JUDGE_NOTHING;
    t->up = true;
    return JUDGE_BEGIN;
}

/* Too late for the window. */
static enum judge_says late_one(const struct judge_rule *r, struct judge_track *t, bool bad, lf_ms at)
{
    if (!bad || r->on_n > 1 || r->delay_ms)
        return JUDGE_NOTHING;
    if (t->up)
        return JUDGE_MORE;
    t->up = true;
    t->since = at;
    t->good = 0;
    return JUDGE_BEGIN;
}

enum judge_says judge_step(const struct judge_rule *r, struct judge_track *t, bool bad, lf_ms at)
{
    if (t->last.ms && at.ms < t->last.ms)
        return late_one(r, t, bad, at);
    if (at.ms == t->last.ms) { /* a correction of the newest: as if the earlier one had not been */
        t->bits &= ~(uint64_t)1;
        t->good -= t->good > 0;
    } else {
        t->bits <<= 1;
    }
    if (!t->up && !t->bits)
        t->since.ms = 0; /* nothing bad among the last ones */
    t->last = at;
    t->bits = (t->bits | bad) & window(r->on_of);
    return bad ? bad_one(r, t, at) : good_one(r, t);
}

bool judge_calm(const struct judge_track *t) { return !t->up && !t->bits; }

/* ---- what is bad --------------------------------------------------------------------------------------------- */

bool judge_flagged(lf_text flag, lf_text letters)
{
    for (uint32_t i = 0; flag.n == 1 && i < letters.n; i++)
        if (letters.p[i] == flag.p[0])
            return true;
    return false;
}

double judge_value(const struct lf_tele_reading *r, bool flue) { return flue && !isnan(r->zs) ? r->zs : r->value; }

static bool in_force(const struct judge_limit *l, lf_day day) { return l->from.v <= day.v && (l->to.v == LF_NULL32 || l->to.v >= day.v); }

bool judge_unconverted(const struct judge_limit *l, size_t n, const struct lf_tele_reading *r, bool flue)
{
    bool wanted = false;
    for (size_t i = 0; flue && isnan(r->zs) && i < n; i++)
        wanted = wanted || (l[i].converted && in_force(&l[i], lf_day_of(r->at)));
    return wanted;
}

bool judge_over(const struct judge_limit *l, size_t n, lf_day day, double value, double percent, double *limit)
{
    bool any = false;
    *limit = NAN;
    for (size_t i = 0; i < n; i++) {
        if (!in_force(&l[i], day))
            continue;
        any = true;
        if (!isnan(l[i].high) && value > l[i].high * percent / 100 && !(l[i].high > *limit)) /* of several the strictest */
            *limit = l[i].high;
        if (!isnan(l[i].low) && value < l[i].low && isnan(*limit))
            *limit = l[i].low;
    }
    return any;
}

bool judge_constant(struct judge_run *run, double value, lf_ms at, int64_t ms, int least)
{
    if (run->n && at.ms <= run->last.ms)
        return run->n >= least && run->last.ms - run->since.ms >= ms;
    if (isnan(value)) {
        *run = (struct judge_run){ 0 };
        return false;
    }
    bool same = run->n && !(value < run->value || value > run->value);
    if (!same)
        *run = (struct judge_run){ .value = value, .since = at };
    run->n++;
    run->last = at;
    return run->n >= least && at.ms - run->since.ms >= ms;
}

enum judge_clock_says judge_clock(struct judge_clock *c, lf_ms at, lf_ms received, int64_t most_ms)
{
    int64_t made = at.ms - c->at.ms, came = received.ms - c->received.ms;
    bool first = !c->at.ms, later = made > 0;
    if (first || later)
        *c = (struct judge_clock){ at, received };
    if (first || !later)
        return JUDGE_CLOCK_UNKNOWN;
    int64_t slack = made / 2 > 2000 ? made / 2 : 2000;
    if (made > came + slack || came > made + slack)
        return JUDGE_CLOCK_UNKNOWN;
    int64_t off = received.ms - at.ms;
    return off > most_ms || off < -most_ms ? JUDGE_CLOCK_BAD : JUDGE_CLOCK_GOOD;
}

void judge_cover_add(struct judge_cover *c, lf_ms at, enum hj212_mark mark, bool number)
{
    int64_t gap = at.ms - c->last.ms;
    if (c->last.ms && gap > 0 && (!c->gap || gap < c->gap))
        c->gap = gap;
    c->last = at;
    if (at.ms < c->hour.ms || at.ms >= c->hour.ms + LF_HOUR_MS)
        return; /* of an hour before: only its rhythm is of use */
    c->valid += mark == HJ212_NORMAL && number;
    c->stopped += mark == HJ212_STOPPED;
}

int judge_cover_minutes(const struct judge_cover *c, int values)
{
    int64_t ms = values * (c->gap ? c->gap : LF_MINUTE_MS);
    return ms >= LF_HOUR_MS ? 60 : (int)(ms / LF_MINUTE_MS);
}

int64_t judge_interval(int64_t ms, lf_ms before, lf_ms now)
{
    int64_t gap = now.ms - before.ms;
    if (gap <= 0 || gap > 4 * LF_HOUR_MS) /* the same packet, or silence: no interval */
        return ms;
    gap = gap < 30000 ? 30000 : gap > LF_HOUR_MS ? LF_HOUR_MS : gap;
    return ms ? (ms * 7 + gap) / 8 : gap;
}
