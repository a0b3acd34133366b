#include "base/workcal.h"

#include "base/arena.h"

#include <stdlib.h>

struct lf_holiday {
    int32_t ymd;
    bool work;
    const char *name;
};
extern const struct lf_holiday lf_holidays[]; /* made from data/holidays.csv, sorted by date */
extern const size_t lf_holiday_count;

struct lf_workcal {
    int from[2], to[2];
};

lf_rc lf_workcal_new(struct lf_workcal **out, const struct lf_workcal_config *c, struct lf_err *err)
{
    static const struct lf_workcal_config usual = { 8 * 60 + 30, 12 * 60, 13 * 60 + 30, 17 * 60 + 30 };
    if (!c)
        c = &usual;
    *out = NULL;
    if (c->from1 < 0 || c->from1 >= c->to1 || c->to1 > c->from2 || c->from2 >= c->to2 || c->to2 > 1440)
        return lf_err_set(err, LF_EINVAL, "hours",
                          "office hours are not in order\nHINT: give morning and afternoon as in 08:30-12:00,13:30-17:30");
    struct lf_workcal *cal = lf_new(sizeof *cal);
    *cal = (struct lf_workcal){ { c->from1, c->from2 }, { c->to1, c->to2 } };
    *out = cal;
    return LF_OK;
}

void lf_workcal_free(struct lf_workcal *cal) { lf_release(cal); }
int lf_workcal_day_minutes(const struct lf_workcal *cal) { return cal->to[0] - cal->from[0] + cal->to[1] - cal->from[1]; }

static int32_t ymd_of(lf_day d)
{
    int y, m, dd;
    lf_day_split(d, &y, &m, &dd);
    return y * 10000 + m * 100 + dd;
}

static const struct lf_holiday *find(lf_day d)
{
    int32_t ymd = ymd_of(d);
    size_t lo = 0, hi = lf_holiday_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (lf_holidays[mid].ymd == ymd)
            return &lf_holidays[mid];
        if (lf_holidays[mid].ymd < ymd)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool lf_workcal_known(lf_day d)
{
    int32_t year = ymd_of(d) / 10000;
    return lf_holiday_count && year >= lf_holidays[0].ymd / 10000 && year <= lf_holidays[lf_holiday_count - 1].ymd / 10000;
}

bool lf_workcal_is_workday(const struct lf_workcal *cal, lf_day d)
{
    const struct lf_holiday *h = find(d);
    return h ? h->work : lf_weekday(d) <= 5;
}

const char *lf_workcal_why(const struct lf_workcal *cal, lf_day d)
{
    const struct lf_holiday *h = find(d);
    if (h)
        return h->work ? "调休上班 | make-up working day" : h->name;
    if (!lf_workcal_known(d))
        return lf_weekday(d) <= 5 ? "工作时间（放假安排未知） | working time (holidays not known)"
                                  : "周末（调休安排未知） | weekend (make-up days not known)";
    return lf_weekday(d) <= 5 ? "工作时间 | working time" : "周末 | weekend";
}

static lf_ms at_minute(lf_day d, int minute) { return (lf_ms){ lf_day_start(d).ms + (int64_t)minute * LF_MINUTE_MS }; }

lf_ms lf_workcal_add_minutes(const struct lf_workcal *cal, lf_ms start, int64_t left)
{
    int64_t ms = left * LF_MINUTE_MS;
    if (ms <= 0)
        return start;
    for (lf_day d = lf_day_of(start);; d.v++) {
        for (int i = 0; lf_workcal_is_workday(cal, d) && i < 2; i++) {
            int64_t a = at_minute(d, cal->from[i]).ms, b = at_minute(d, cal->to[i]).ms;
            if (a < start.ms)
                a = start.ms;
            if (a >= b)
                continue;
            if (ms <= b - a)
                return (lf_ms){ a + ms };
            ms -= b - a;
        }
    }
}

lf_ms lf_workcal_due_days(const struct lf_workcal *cal, lf_ms start, int n)
{
    lf_day d = lf_day_of(start);
    while (n > 0) {
        d.v++;
        n -= lf_workcal_is_workday(cal, d);
    }
    return at_minute(d, cal->to[1]);
}

static int64_t overlap(int64_t a, int64_t b, int64_t c, int64_t d) { return (b < d ? b : d) - (a > c ? a : c); }

int64_t lf_workcal_minutes(const struct lf_workcal *cal, lf_ms from, lf_ms to)
{
    int64_t ms = 0;
    for (lf_day d = lf_day_of(from); from.ms < to.ms && lf_day_start(d).ms < to.ms; d.v++)
        for (int i = 0; lf_workcal_is_workday(cal, d) && i < 2; i++) {
            int64_t k = overlap(from.ms, to.ms, at_minute(d, cal->from[i]).ms, at_minute(d, cal->to[i]).ms);
            ms += k > 0 ? k : 0;
        }
    return ms / LF_MINUTE_MS;
}

/* ---- the sheet -------------------------------------------------------------------------------------- */

struct writer {
    void (*line)(void *, const struct lf_workcal_stretch *);
    void *user;
    struct lf_workcal_stretch held;
    bool any;
    int64_t ms;
};

static void emit(struct writer *w, lf_ms from, lf_ms to, bool counted, const char *why)
{
    if (from.ms >= to.ms)
        return;
    if (counted)
        w->ms += to.ms - from.ms;
    if (w->any && w->held.counted == counted && w->held.why == why && w->held.to.ms == from.ms) {
        w->held.to = to;
    } else {
        if (w->any && w->line)
            w->line(w->user, &w->held);
        w->held = (struct lf_workcal_stretch){ from, to, 0, counted, why };
        w->any = true;
    }
    w->held.minutes = (w->held.to.ms - w->held.from.ms) / LF_MINUTE_MS;
}

/* Takes the pauses out of a stretch. */
static void with_pauses(struct writer *w, lf_ms from, lf_ms to, bool counted, const char *why, const struct lf_workcal_pause *p, int np)
{
    static const char paused[] = "挂账，不计时 | suspended, the clock stands still";
    for (int i = 0; i < np && from.ms < to.ms; i++) {
        lf_ms a = { p[i].from.ms > from.ms ? p[i].from.ms : from.ms }, b = { p[i].to.ms < to.ms ? p[i].to.ms : to.ms };
        if (a.ms >= b.ms)
            continue;
        emit(w, from, a, counted, why);
        emit(w, a, b, false, paused);
        from = b;
    }
    emit(w, from, to, counted, why);
}

static lf_ms clip(lf_ms t, lf_ms lo, lf_ms hi) { return t.ms < lo.ms ? lo : t.ms > hi.ms ? hi : t; }

int64_t lf_workcal_sheet(const struct lf_workcal *cal, bool round_the_clock, lf_ms from, lf_ms to, const struct lf_workcal_pause *p, int np,
                         void (*line)(void *user, const struct lf_workcal_stretch *s), void *user)
{
    static const char all[] = "不分昼夜计时 | counted round the clock", closed[] = "非办公时间 | outside office hours";
    struct writer w = { .line = line, .user = user };
    if (round_the_clock)
        with_pauses(&w, from, to, true, all, p, np);
    for (lf_day d = lf_day_of(from); !round_the_clock && from.ms < to.ms && lf_day_start(d).ms < to.ms; d.v++) {
        const char *why = lf_workcal_why(cal, d);
        lf_ms at = clip(lf_day_start(d), from, to), end = clip(lf_day_start((lf_day){ d.v + 1 }), from, to);
        for (int i = 0; i < 2 && lf_workcal_is_workday(cal, d); i++) {
            lf_ms a = clip(at_minute(d, cal->from[i]), from, to), b = clip(at_minute(d, cal->to[i]), from, to);
            with_pauses(&w, at, a, false, closed, p, np);
            with_pauses(&w, a, b, true, why, p, np);
            at = b;
        }
        with_pauses(&w, at, end, false, lf_workcal_is_workday(cal, d) ? closed : why, p, np);
    }
    if (w.any && line)
        line(user, &w.held);
    return w.ms / LF_MINUTE_MS;
}
