/* line.c - one pass over a series: thinning, gaps, extremes, what passes its limit; and lines on one grid of time. */
#include "rooms/series/line.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t line_step(enum lf_tele_kind kind, const lf_ms *at, size_t n)
{
    int64_t d[LINE_PROBE];
    if (kind == LF_TELE_HOUR || kind == LF_TELE_HOUR_CALC)
        return LF_HOUR_MS;
    if (kind == LF_TELE_DAY || kind == LF_TELE_DAY_CALC)
        return LF_DAY_MS;
    if (n < 2)
        return 0;
    n = n > LINE_PROBE ? LINE_PROBE : n;
    for (size_t i = 1; i < n; i++)
        d[i - 1] = at[i].ms - at[i - 1].ms;
    qsort(d, n - 1, sizeof *d, by_size);
    return d[(n - 1) / 2];
}

void line_begin(struct line *l, struct lf_arena *a, const struct lf_tele_series *q, lf_ms now, int64_t step)
{
    *l = (struct line){ .a = a, .from = q->from, .until = q->to, .step = step, .least = NAN, .most = NAN };
    if (now.ms - step < l->until.ms) /* the value of a period comes when the period is over */
        l->until.ms = now.ms - step;
    l->thin = lf_tele_thin_new(a, q->from, q->to, q->max_points);
    l->gap = lf_alloc(a, LINE_GAPS * sizeof *l->gap);
}

lf_text line_flag(struct line *l, lf_text flag)
{
    for (size_t i = 0; i < l->nflag; i++)
        if (lf_text_eq(l->flag[i], flag))
            return l->flag[i];
    if (!flag.p || l->nflag == LINE_FLAGS) /* HJ 212-2017 table 8 has eight: more is noise of a broken device */
        return flag.p ? LF_TEXT("?") : flag;
    return l->flag[l->nflag++] = lf_text_copy(l->a, flag);
}

static void add_gap(struct line *l, int64_t from, int64_t to)
{
    if (l->ngap < LINE_GAPS)
        l->gap[l->ngap++] = (struct line_gap){ { from }, { to } };
    else
        l->more_gaps = true;
}

/* due: when a value should have come at the latest. Hours and days are exact, devices may be late or miss one now and then. */
static void judge(struct line *l, int64_t from, int64_t due, int64_t to)
{
    int64_t slack = l->step >= LF_HOUR_MS ? l->step / 2 : 2 * (l->slower ? l->slower : l->step);
    if (l->step && to - due > slack)
        add_gap(l, from, to);
}

static bool alike(int64_t a, int64_t b)
{
    int64_t more = a > b ? a - b : b - a;
    return more <= b / 4;
}

/* An interval can be changed (HJ 212-2017 command 1062): a few even distances in a row are another rhythm, not as many gaps. */
static void judge_distance(struct line *l, lf_ms at)
{
    int64_t usual = l->step, d = at.ms - l->last.ms;
    size_t before = l->ngap;
    if (l->slower && alike(d, l->slower))
        return;
    if (d <= 3 * usual)
        l->slower = 0;
    judge(l, l->last.ms + (l->slower ? l->slower : usual), l->last.ms + (l->slower ? l->slower : usual), at.ms);
    if (l->ngap == before || usual >= LF_HOUR_MS) {
        l->even = 0;
        return;
    }
    const struct line_gap *g = &l->gap[before], *was = g - (before > 0);
    bool follows = before > 0 && was->to.ms + usual == g->from.ms && alike(g->to.ms - g->from.ms, was->to.ms - was->from.ms);
    l->even = follows ? l->even + 1 : 1;
    if (l->even < LINE_RHYTHM)
        return;
    l->ngap -= l->even;
    l->even = 0;
    l->slower = d;
    /* Nor was anything missing just before, when no more than one such distance was waited for. */
    int64_t began = l->gap[l->ngap].from.ms - usual;
    if (l->ngap && l->gap[l->ngap - 1].to.ms == began && began - l->gap[l->ngap - 1].from.ms <= d)
        l->ngap--;
}

static bool passes(const struct line *l, lf_ms at, double v)
{
    for (size_t i = 0; i < l->nlimit; i++) {
        const struct line_limit *m = &l->limit[i];
        if (at.ms >= m->from.ms && at.ms < m->to.ms && (v > m->high || v < m->low)) /* NaN compares false */
            return true;
    }
    return false;
}

void line_add(struct line *l, const struct lf_tele_reading *r)
{
    const struct lf_tele_point p = { .at = r->at, .value = r->value, .vmin = r->vmin, .vmax = r->vmax, .flag = line_flag(l, r->flag) };
    if (l->n)
        judge_distance(l, r->at);
    else
        judge(l, l->from.ms, l->from.ms + l->step, r->at.ms);
    l->last = r->at;
    l->n++;
    lf_tele_thin_add(l->thin, &p);
    if (isnan(r->value))
        return;
    l->values++;
    l->sum += r->value;
    if (!(r->value >= l->least))
        l->least = r->value, l->least_at = r->at;
    if (!(r->value <= l->most))
        l->most = r->value, l->most_at = r->at;
    l->over += passes(l, r->at, r->value);
}

size_t line_end(struct line *l, struct lf_tele_point **out)
{
    int64_t step = l->slower ? l->slower : l->step;
    if (l->n)
        judge(l, l->last.ms + step, l->last.ms + step, l->until.ms);
    else if (l->until.ms > l->from.ms)
        add_gap(l, l->from.ms, l->until.ms);
    return lf_tele_thin_end(l->thin, out);
}

/* ---- one grid of time ---------------------------------------------------------------------------------------- */

enum { CHINA_MS = 8 * LF_HOUR_MS };

struct slots slots_of(lf_ms from, lf_ms to, int64_t step, size_t points)
{
    static const int64_t widths[] = { 1,    2,    5,    10,   15,    20,    30,    60,    120,   180,    300,    600,   900,
                                      1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 432000, 864000 };
    int64_t want = (to.ms - from.ms + (int64_t)points - 1) / (int64_t)points;
    struct slots g = { .width = 30LL * LF_DAY_MS };
    for (size_t i = LF_COUNT(widths); i-- > 0 && widths[i] * 1000 >= want && widths[i] * 1000 >= step;)
        g.width = widths[i] * 1000;
    int64_t local = from.ms + CHINA_MS;
    g.from.ms = local - ((local % g.width) + g.width) % g.width - CHINA_MS;
    g.n = (size_t)((to.ms - g.from.ms + g.width - 1) / g.width);
    return g;
}

void slot_add(const struct slots *g, struct slot *slot, const struct lf_tele_reading *r, lf_text flag)
{
    size_t i = (size_t)((r->at.ms - g->from.ms) / g->width);
    if (r->at.ms < g->from.ms || i >= g->n)
        return;
    struct slot *s = &slot[i];
    if (flag.n && !lf_text_is(flag, "N") && !s->flag.n)
        s->flag = flag;
    if (isnan(r->value))
        return;
    if (!s->n || r->value < s->least)
        s->least = r->value;
    if (!s->n || r->value > s->most)
        s->most = r->value;
    s->sum += r->value;
    s->n++;
}
