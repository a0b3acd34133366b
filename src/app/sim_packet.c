/* sim_packet.c - what a station sends, as HJ 212-2017 Annex C writes it. */
#include "app/sim.h"
#include "hj212/hj212.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct segment {
    char text[HJ212_SEGMENT_MAX + 1];
    size_t n;
    bool full;
};

static LF_PRINTF(2, 3) void put(struct segment *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(g->text + g->n, sizeof g->text - g->n, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof g->text - g->n)
        g->full = true;
    else
        g->n += (size_t)n;
}

static const struct span {
    const char *cn;
    int64_t length;
    int samples;
} spans[] = { [SIM_RTD] = { "2011", 0, 1 },
              [SIM_MINUTE] = { "2051", SIM_MINUTES *(int64_t)LF_MINUTE_MS, 10 },
              [SIM_HOUR] = { "2061", LF_HOUR_MS, 60 },
              [SIM_DAY] = { "2031", LF_DAY_MS, 24 * 60 } };

static const struct sim_series *series_of(const struct sim_station *s, const char *factor)
{
    for (int i = 0; i < s->nseries; i++)
        if (!strcmp(s->series[i].factor, factor))
            return &s->series[i];
    return NULL;
}

/* Every fifth station calibrates itself ten minutes a day; HJ 212-2017 table 8: C. A mean of an hour or a day stays normal, as the
 * rest of its minutes is enough. */
static char flag_of(const struct sim_station *s, enum sim_what what, lf_ms at)
{
    int64_t minute = (at.ms / LF_MINUTE_MS + 8 * 60) % (24 * 60), begins = s->number * 30 % (24 * 60);
    return what <= SIM_MINUTE && s->number % 5 == 4 && minute >= begins && minute < begins + SIM_MINUTES ? 'C' : 'N';
}

/* Volume in m³ that passed within the period: of flue gas in m³/s, of water in L/s (units of table B.1 and B.2); NaN without a flow. */
static double volume_of(const struct sim_city *c, const struct sim_station *s, enum sim_what what, lf_ms at)
{
    const struct sim_series *gas = series_of(s, "a00000"), *water = series_of(s, "w00000");
    const struct span *p = &spans[what];
    if (what == SIM_RTD || (!gas && !water))
        return NAN;
    return sim_mean(c, s, gas ? gas : water, at, p->length, p->samples).avg * (double)p->length / 1000 / (gas ? 1 : 1000);
}

/* Load in kg: mg/m³ or mg/L, times m³. Temperature, oxygen and pH have none; the flow's own is its volume. */
static double load_of(const char *factor, double avg, double volume)
{
    if (!strcmp(factor, "a00000") || !strcmp(factor, "w00000"))
        return volume;
    if (!strcmp(factor, "a19001") || !strcmp(factor, "w01001"))
        return NAN;
    return avg * volume / (factor[0] == 'a' ? 1e6 : 1e3);
}

/* Flue gas is also said as converted to reference oxygen (GB 13223-2011: 6 % for coal): rho x (21 - 6) / (21 - O2). */
static double converted(const struct sim_city *c, const struct sim_station *s, const struct sim_series *r, enum sim_what what, lf_ms at,
                        double avg)
{
    const struct sim_series *oxygen = series_of(s, "a19001");
    if (!oxygen || oxygen == r || !strcmp(r->factor, "a00000"))
        return NAN;
    double o2 = what == SIM_RTD ? sim_moment(c, s, oxygen, at) : sim_mean(c, s, oxygen, at, spans[what].length, spans[what].samples).avg;
    return avg * (21 - 6) / (21 - o2);
}

static void put_series(struct segment *g, const struct sim_city *c, const struct sim_station *s, const struct sim_series *r,
                       enum sim_what what, lf_ms at)
{
    const struct hj212_factor *f = hj212_factor_find(lf_str(r->factor));
    const struct span *p = &spans[what];
    int dec = f && f->decimals >= 0 ? f->decimals : 2;
    struct sim_mean m = { .avg = sim_moment(c, s, r, at) };
    if (what != SIM_RTD)
        m = sim_mean(c, s, r, at, p->length, p->samples);
    if (isnan(m.avg))
        return;
    double load = load_of(r->factor, m.avg, volume_of(c, s, what, at)), zs = converted(c, s, r, what, at, m.avg);
    put(g, ";");
    if (!isnan(load))
        put(g, "%s-Cou=%.3f,", r->factor, load);
    if (what == SIM_RTD)
        put(g, "%s-Rtd=%.*f,", r->factor, dec, m.avg);
    else
        put(g, "%s-Min=%.*f,%s-Avg=%.*f,%s-Max=%.*f,", r->factor, dec, m.min, r->factor, dec, m.avg, r->factor, dec, m.max);
    if (!isnan(zs))
        put(g, "%s-Zs%s=%.*f,", r->factor, what == SIM_RTD ? "Rtd" : "Avg", dec, zs);
    put(g, "%s-Flag=%c", r->factor, flag_of(s, what, at));
}

/* QN is the time to the millisecond and names one packet of a station: two of them never share one. */
static void make_qn(char *qn)
{
    static _Atomic int64_t last;
    int64_t before = atomic_load(&last), mine;
    do
        mine = lf_now().ms > before ? lf_now().ms : before + 1;
    while (!atomic_compare_exchange_weak(&last, &before, mine));
    char at[32];
    snprintf(qn, 24, "%.14s%03d", lf_ms_compact(at, (lf_ms){ mine }), (int)(mine % 1000));
}

size_t sim_packet(const struct sim_city *c, const struct sim_station *s, enum sim_what what, lf_ms at, char *out, char *qn)
{
    /* Table 5 of HJ 212-2017: the system that a station belongs to. */
    const char *st = !strcmp(s->kind, "air") ? "22" : !strcmp(s->kind, "surface") ? "21" : !strcmp(s->kind, "wastewater") ? "32" : "31";
    struct segment g = { .n = 0 };
    char time[32];
    make_qn(qn);
    put(&g, "QN=%s;ST=%s;CN=%s;PW=%s;MN=%s;Flag=5;CP=&&DataTime=%s", qn, st, spans[what].cn, s->pw, s->mn, lf_ms_compact(time, at));
    size_t head = g.n;
    for (int i = 0; i < s->nseries; i++)
        put_series(&g, c, s, &s->series[i], what, at);
    bool any = g.n > head;
    put(&g, "&&");
    return any && !g.full ? hj212_frame((lf_text){ g.text, (uint32_t)g.n }, out, HJ212_FRAME_MAX) : 0;
}
