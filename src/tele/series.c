/* series.c - thinning a line to what a chart can show, without losing a peak: the time axis is cut into equal slices and
 * each slice gives its lowest and its highest point. Few points pass through untouched. */
#include "tele/store.h"

struct slice {
    struct lf_tele_point low, high;
    bool used;
};
struct lf_tele_thin {
    lf_ms from, to;
    size_t max, n, nslice;
    struct lf_tele_point *all; /* the first `max` of them */
    struct slice *slice;
};

struct lf_tele_thin *lf_tele_thin_new(struct lf_arena *a, lf_ms from, lf_ms to, size_t max_points)
{
    struct lf_tele_thin *t = lf_alloc(a, sizeof *t);
    t->max = max_points < 4 ? 4 : max_points > 100000 ? 100000 : max_points;
    t->from = from, t->to = to;
    t->nslice = t->max / 2;
    t->all = lf_alloc(a, t->max * sizeof *t->all);
    t->slice = lf_alloc(a, t->nslice * sizeof *t->slice);
    return t;
}

static size_t slice_of(const struct lf_tele_thin *t, lf_ms at)
{
    double part = (double)(at.ms - t->from.ms) / (double)(t->to.ms > t->from.ms ? t->to.ms - t->from.ms : 1);
    double i = part * (double)t->nslice;
    return i < 0 ? 0 : i >= (double)t->nslice ? t->nslice - 1 : (size_t)i;
}

void lf_tele_thin_add(struct lf_tele_thin *t, const struct lf_tele_point *p)
{
    if (t->n < t->max)
        t->all[t->n] = *p;
    t->n++;
    struct slice *s = &t->slice[slice_of(t, p->at)];
    /* A point without a value is shown only where the whole slice has none: the gap stays visible. */
    if (!s->used || (isnan(s->low.value) && !isnan(p->value)))
        s->low = s->high = *p;
    else if (p->value < s->low.value)
        s->low = *p;
    else if (p->value > s->high.value)
        s->high = *p;
    s->used = true;
}

size_t lf_tele_thin_end(struct lf_tele_thin *t, struct lf_tele_point **out)
{
    size_t n = 0;
    *out = t->all;
    if (t->n <= t->max)
        return t->n;
    for (size_t i = 0; i < t->nslice; i++) {
        const struct slice *s = &t->slice[i];
        if (!s->used)
            continue;
        bool low_first = s->low.at.ms <= s->high.at.ms;
        t->all[n++] = low_first ? s->low : s->high;
        if (s->low.at.ms != s->high.at.ms)
            t->all[n++] = low_first ? s->high : s->low;
    }
    return n;
}
