#include "rooms/review/suspect.h"

#include <stdio.h>

/* ---- chance ---------------------------------------------------------------------------------------------------- */

/* log P(X >= k) for X ~ Binomial(n, 1/2): summed in logarithms, exact enough for any n that is met here. */
static double log_tail(int n, int k)
{
    double sum = -INFINITY;
    for (int i = k; i <= n; i++) {
        double t = lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) - n * M_LN2;
        sum = sum > t ? sum + log1p(exp(t - sum)) : t + log1p(exp(sum - t));
    }
    return sum;
}

/* ---- edge ------------------------------------------------------------------------------------------------------ */

bool suspect_edge(const struct suspect_value *v, size_t n, double limit, double width, struct suspect_sign *out)
{
    int below = 0, above = 0;
    lf_ms from = { 0 }, to = { 0 };
    if (!(limit > 0))
        return false;
    for (size_t i = 0; i < n; i++) {
        double r = v[i].value / limit;
        if (!(r > 1 - width && r <= 1 + width))
            continue;
        if (!from.ms)
            from = v[i].at;
        to = v[i].at;
        if (r <= 1)
            below++;
        else
            above++;
    }
    double nats = below + above >= 30 ? -log_tail(below + above, below) : 0;
    if (nats < 13.8) /* -ln 1e-6 */
        return false;
    *out = (struct suspect_sign){ .type = SUSPECT_EDGE, .from = from, .to = to, .score = nats };
    snprintf(out->explain, sizeof out->explain,
             "限值 %g 附近（±%g%%）共 %d 个数据，%d 个紧贴在限值以下，只有 %d 个在限值以上 | of %d values within %g%% of the limit %g, %d "
             "lie just below it and only %d above",
             limit, width * 100, below + above, below, above, below + above, width * 100, limit, below, above);
    return true;
}

/* ---- inspection hours ------------------------------------------------------------------------------------------ */

struct day_means {
    double in, out;
    int nin, nout;
};

static bool lower_inside(const struct day_means *d) { return d->in / d->nin < d->out / d->nout * 2 / 3; }

bool suspect_inspection(const struct suspect_value *v, size_t n, int from_hour, int to_hour, bool (*workday)(void *, lf_day), void *user,
                        struct suspect_sign *out)
{
    int days = 0, lower = 0;
    double in = 0, outside = 0;
    for (size_t i = 0; i < n;) {
        lf_day day = lf_day_of(v[i].at);
        struct day_means d = { 0 };
        for (; i < n && lf_day_of(v[i].at).v == day.v; i++) {
            int hour = lf_civil_of(v[i].at).hour;
            if (isnan(v[i].value))
                continue;
            if (hour >= from_hour && hour < to_hour)
                d.in += v[i].value, d.nin++;
            else
                d.out += v[i].value, d.nout++;
        }
        if (d.nin < 3 || d.nout < 3 || (workday && !workday(user, day)))
            continue;
        days++;
        lower += lower_inside(&d);
        in += d.in / d.nin;
        outside += d.out / d.nout;
    }
    double nats = days >= 5 ? -log_tail(days, lower) : 0;
    bool enough = days >= 10 ? nats >= 6.9 : days >= 5 && lower == days; /* -ln 1e-3; a few days must all agree */
    if (!enough)
        return false;
    *out = (struct suspect_sign){ .type = SUSPECT_INSPECTION, .from = v[0].at, .to = v[n - 1].at, .score = nats };
    snprintf(out->explain, sizeof out->explain,
             "%d 个工作日中有 %d 天，%d:00-%d:00 的均值比其余时段低三分之一以上（%.4g 对 %.4g） | on %d of %d working days the mean of "
             "%d:00-%d:00 is lower by more than a third than that of the other hours (%.4g against %.4g)",
             days, lower, from_hour, to_hour, in / days, outside / days, lower, days, from_hour, to_hour, in / days, outside / days);
    return true;
}

/* ---- clock ----------------------------------------------------------------------------------------------------- */

enum { AROUND = 3 };

static int64_t offset(const struct suspect_arrival *a) { return a->at.ms - a->received.ms; }
static int64_t distance(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

static bool steady(const struct suspect_arrival *a, int64_t within)
{
    for (int i = 1; i < AROUND; i++)
        if (distance(offset(&a[i]), offset(&a[0])) > within)
            return false;
    return true;
}

bool suspect_clock(const struct suspect_arrival *a, size_t n, int64_t jump_ms, struct suspect_sign *out)
{
    for (size_t i = AROUND; i + AROUND <= n; i++) {
        int64_t jump = offset(&a[i]) - offset(&a[i - 1]);
        if (distance(jump, 0) <= jump_ms || !steady(&a[i - AROUND], jump_ms / 10) || !steady(&a[i], jump_ms / 10))
            continue;
        char when[32];
        *out = (struct suspect_sign){
            .type = SUSPECT_CLOCK, .from = a[i - 1].received, .to = a[i].received, .score = (double)distance(jump, 0) / 1000
        };
        snprintf(out->explain, sizeof out->explain, "设备时钟在 %s 跳变 %+.0f 秒 | the device's clock jumped by %+.0f s at that time",
                 lf_ms_human(when, a[i].received), (double)jump / 1000, (double)jump / 1000);
        return true;
    }
    return false;
}

/* ---- copies ---------------------------------------------------------------------------------------------------- */

struct run {
    lf_ms from, to;
    int values, changes;
};

/* Equal to the bit: a measured value carries noise in its last digit. */
static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Longest run of values that are equal where b is read shift_ms earlier. */
static struct run longest(const struct suspect_value *a, size_t na, const struct suspect_value *b, size_t nb, int64_t shift)
{
    struct run now = { 0 }, best = { 0 };
    double last = NAN;
    size_t k = 0;
    for (size_t i = 0; i < na; i++) {
        if (isnan(a[i].value))
            continue;
        while (k < nb && b[k].at.ms < a[i].at.ms - shift)
            k++;
        bool equal = k < nb && b[k].at.ms == a[i].at.ms - shift && same(a[i].value, b[k].value);
        if (!equal) {
            now = (struct run){ 0 };
            last = NAN;
            continue;
        }
        if (!now.values++)
            now.from = a[i].at;
        now.changes += !isnan(last) && !same(last, a[i].value);
        now.to = a[i].at;
        last = a[i].value;
        if (now.changes > best.changes)
            best = now;
    }
    return best;
}

bool suspect_copy(const struct suspect_value *a, size_t na, const struct suspect_value *b, size_t nb, int changes, struct suspect_sign *out)
{
    struct run r = longest(a, na, b, nb, 0);
    char from[32], to[32];
    if (r.changes < changes)
        return false;
    *out = (struct suspect_sign){ .type = SUSPECT_COPY, .from = r.from, .to = r.to, .score = r.changes };
    snprintf(out->explain, sizeof out->explain,
             "%s 至 %s 连续 %d 个数据（变化 %d 次）与另一站点完全相同 | %d values in a row (%d changes) from that time on are the same as "
             "another station's",
             lf_ms_human(from, r.from), lf_ms_human(to, r.to), r.values, r.changes, r.values, r.changes);
    return true;
}

bool suspect_replay(const struct suspect_value *v, size_t n, int64_t shift, int changes, struct suspect_sign *out)
{
    struct run r = longest(v, n, v, n, shift);
    char from[32], to[32];
    if (shift <= 0 || r.changes < changes)
        return false;
    *out = (struct suspect_sign){ .type = SUSPECT_REPLAY, .from = r.from, .to = r.to, .score = r.changes };
    snprintf(
        out->explain, sizeof out->explain,
        "%s 至 %s 连续 %d 个数据（变化 %d 次）与本站 %.4g 小时前的完全相同 | %d values in a row (%d changes) repeat what this station said "
        "%.4g hours before",
        lf_ms_human(from, r.from), lf_ms_human(to, r.to), r.values, r.changes, (double)shift / LF_HOUR_MS, r.values, r.changes,
        (double)shift / LF_HOUR_MS);
    return true;
}

/* ---- impossible pairs ------------------------------------------------------------------------------------------ */

static const char *impossible(const struct suspect_moment *m)
{
    bool flows = m->flow > 0 || m->velocity > 0, gases = m->so2 > 0 || m->nox > 0;
    if (m->o2 < 0 || m->o2 > 21)
        return "氧含量不在 0-21% 之内 | oxygen is outside 0-21 %";
    if (m->so2 < 0 || m->nox < 0 || m->dust < 0)
        return "浓度为负 | a concentration is negative";
    if (m->o2 >= 20.5 && flows && gases)
        return "氧含量与空气相同，却有烟气流量和污染物 | oxygen is that of plain air while gas flows and pollutants are measured";
    if (m->flow > 0 && !(m->velocity > 0) && !isnan(m->velocity))
        return "流量大于零而流速为零 | there is a flow without a velocity";
    if (m->celsius < 20 && m->flow > 0 && m->nox > 5 && m->o2 < 15)
        return "烟温低于 20 °C 却有燃烧产物 | the gas is below 20 °C but carries products of fire";
    return NULL;
}

bool suspect_pairs(const struct suspect_moment *m, size_t n, int least, struct suspect_sign *out)
{
    int run = 0, best = 0;
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        run = impossible(&m[i]) ? run + 1 : 0;
        if (run > best) {
            best = run;
            end = i;
        }
    }
    if (!best || best < least)
        return false;
    *out = (struct suspect_sign){ .type = SUSPECT_PAIR, .from = m[end - (size_t)best + 1].at, .to = m[end].at, .score = best };
    snprintf(out->explain, sizeof out->explain, "%s", impossible(&m[end]));
    return true;
}

bool suspect_pair(const struct suspect_moment *m, struct suspect_sign *out) { return suspect_pairs(m, 1, 1, out); }

/* ---- power ----------------------------------------------------------------------------------------------------- */

bool suspect_power(const struct suspect_power *p, size_t n, double production_on, double treatment_on, int minutes,
                   struct suspect_sign *out)
{
    size_t first = 0;
    bool running = false;
    struct suspect_sign best = { .type = SUSPECT_POWER };
    for (size_t i = 0; i < n; i++) {
        bool bypass = p[i].production > production_on && p[i].treatment < treatment_on;
        if (bypass && !running)
            first = i;
        running = bypass;
        double length = bypass ? (double)(p[i].at.ms - p[first].at.ms) / LF_MINUTE_MS : 0;
        if (length > best.score) {
            best.score = length;
            best.from = p[first].at;
            best.to = p[i].at;
        }
    }
    if (best.score < minutes || best.score <= 0)
        return false;
    *out = best;
    char from[32], to[32];
    snprintf(out->explain, sizeof out->explain,
             "%s 至 %s 生产设施用电而治理设施未用电，共 %.0f 分钟 | production drew power while treatment did not, for %.0f minutes",
             lf_ms_human(from, best.from), lf_ms_human(to, best.to), best.score, best.score);
    return true;
}
