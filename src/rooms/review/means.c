#include "rooms/review/means.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- rules --------------------------------------------------------------------------------------------------- */

/* Flue gas: HJ 212-2017 Annex D (23)-(25) and HJ 75-2017: 45 valid minutes, 20 valid hours; flags C.16-C.18: 75 % normal is N.
 * Ambient air: GB 3095-2012 and GB 3095-2026 table 4: 45 minutes of sampling, 20 hours. Water: HJ 212-2017 C.16-C.18: one abnormal
 * value makes the result abnormal; the counts of flue gas are used, the standard names none for water. Day 0 = always. */
static const struct means_rule air[] = { { { 0 }, 45, 20, 75, "GB 3095-2012 表4" }, { { 20513 }, 45, 20, 75, "GB 3095-2026 表4" } };
static const struct means_rule flue[] = { { { 0 }, 45, 20, 75, "HJ 212-2017 附录D (24)(25); HJ 75-2017" } };
static const struct means_rule water[] = { { { 0 }, 45, 20, 100, "HJ 212-2017 附录C.16-C.18" } };

const struct means_rule *means_rule_of(enum station_kind kind, lf_day day)
{
    const struct means_rule *r = flue;
    size_t n = LF_COUNT(flue);
    if (kind == STATION_AIR || kind == STATION_DUST) {
        r = air;
        n = LF_COUNT(air);
    } else if (kind == STATION_WASTEWATER || kind == STATION_SURFACE) {
        r = water;
        n = LF_COUNT(water);
    }
    while (n > 1 && day.v < r[n - 1].from.v)
        n--;
    return &r[n - 1];
}

/* ---- means ------------------------------------------------------------------------------------------------------ */

/* A mean that may be weighted: when every part has a weight and they do not sum to nothing. */
struct sum {
    double plain, weighted, weight;
    int n;
    bool unweighted;
};

static void add(struct sum *s, double v, double weight)
{
    if (isnan(v))
        return;
    s->n++;
    s->plain += v;
    if (isnan(weight) || weight < 0)
        s->unweighted = true;
    else
        s->weighted += v * weight, s->weight += weight;
}

static double mean(const struct sum *s)
{
    if (!s->n)
        return NAN;
    return !s->unweighted && s->weight > 0 ? s->weighted / s->weight : s->plain / s->n;
}

static double least(double a, double b) { return isnan(a) || b < a ? b : a; }
static double most(double a, double b) { return isnan(a) || b > a ? b : a; }

/* unit: minutes of one counted step (1 in an hour, 60 in a day). */
static void average(const struct means_rule *rule, lf_ms from, int64_t length, int unit, int needed, const struct means_part *part,
                    size_t n, struct means_result *out)
{
    struct sum value = { 0 }, zs = { 0 };
    int normal = 0, marked = 0;
    *out = (struct means_result){
        .value = NAN, .vmin = NAN, .vmax = NAN, .cou = NAN, .zs = NAN, .expected = (int)(length / LF_MINUTE_MS) / unit
    };
    for (size_t i = 0; i < n; i++) {
        const struct means_part *p = &part[i];
        assert(p->at.ms >= from.ms && p->at.ms < from.ms + length && p->minutes > 0);
        int steps = p->minutes / unit;
        enum hj212_mark mark = hj212_mark_of(p->flag);
        if (mark == HJ212_STOPPED) {
            out->stopped += steps;
            continue;
        }
        if (mark == HJ212_MARKED || isnan(p->value)) {
            out->invalid += steps;
            marked++;
            continue;
        }
        normal++;
        out->normal += steps;
        add(&value, p->value, p->weight);
        add(&zs, p->zs, p->weight);
        out->vmin = least(out->vmin, isnan(p->vmin) ? p->value : p->vmin);
        out->vmax = most(out->vmax, isnan(p->vmax) ? p->value : p->vmax);
        if (!isnan(p->cou))
            out->cou = (isnan(out->cou) ? 0 : out->cou) + p->cou;
    }
    out->missing = out->expected - out->normal - out->stopped - out->invalid;
    if (out->missing < 0)
        out->missing = 0;
    out->value = mean(&value);
    out->zs = mean(&zs);
    out->valid = out->normal >= needed;
    if (!normal && !marked && out->stopped)
        out->flag = 'F';
    else
        out->flag = normal && normal * 100 >= rule->normal_percent * (normal + marked) ? 'N' : 'D';
}

void means_hour(const struct means_rule *rule, lf_ms hour, const struct means_part *part, size_t n, struct means_result *out)
{
    average(rule, hour, LF_HOUR_MS, 1, rule->hour_minutes, part, n, out);
}

void means_day(const struct means_rule *rule, lf_day day, const struct means_part *part, size_t n, struct means_result *out)
{
    average(rule, lf_day_start(day), LF_DAY_MS, 60, rule->day_hours, part, n, out);
}

double means_ozone_8h(const double hour[24], double limit, int *windows)
{
    double largest = NAN;
    *windows = 0;
    for (int end = 8; end <= 24; end++) {
        struct sum s = { .unweighted = true };
        for (int h = end - 8; h < end; h++)
            add(&s, hour[h], NAN);
        if (s.n < 6)
            continue;
        ++*windows;
        largest = most(largest, mean(&s));
    }
    return *windows >= 14 || largest > limit ? largest : (double)NAN;
}

/* ---- rounding ------------------------------------------------------------------------------------------------------ */

/* Works on the digits people would see (14 significant ones), where a half is a half; binary fractions are almost never one. */
double means_round(double v, int decimals)
{
    char text[48], *e;
    if (!isfinite(v) || fabs(v) >= 1e15 || decimals < 0 || decimals > 9)
        return v;
    snprintf(text, sizeof text, "%.14e", fabs(v)); /* d.dddddddddddddde±xx */
    int exponent = (int)strtol(strchr(text, 'e') + 1, &e, 10);
    char digit[16];
    digit[0] = text[0];
    memcpy(digit + 1, text + 2, 14);
    int keep = exponent + 1 + decimals; /* digits before the cut; may be 0 or less */
    if (keep >= 15)
        return v;
    int64_t kept = 0;
    for (int i = 0; i < keep; i++)
        kept = kept * 10 + (digit[i] - '0');
    bool rest = false;
    for (int i = keep + 1 > 0 ? keep + 1 : 0; keep >= 0 && i < 15; i++)
        rest = rest || digit[i] != '0';
    int next = keep >= 0 ? digit[keep] - '0' : 0;
    if (next > 5 || (next == 5 && (rest || (kept & 1))))
        kept++;
    snprintf(text, sizeof text, "%s%llde-%d", v < 0 ? "-" : "", (long long)kept, decimals);
    return strtod(text, NULL);
}
