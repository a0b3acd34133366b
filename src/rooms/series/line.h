/* line.h - one series on its way to a chart: thinned, counted and held against its limits in a single pass over the store. Pure. */
#ifndef LF_ROOMS_SERIES_LINE_H
#define LF_ROOMS_SERIES_LINE_H
#include "tele/store.h"

/* A limit in force during [from, to). NaN = no limit on that side. */
struct line_limit {
    lf_ms from, to;
    double low, high;
    lf_text basis;
};
struct line_gap { /* [from, to): values should have come and did not */
    lf_ms from, to;
};
enum { LINE_GAPS = 500, LINE_FLAGS = 32, LINE_PROBE = 101, LINE_RHYTHM = 4 };
struct line {
    struct lf_arena *a;
    lf_ms from, until, last; /* until: the end of the range, or now when that is earlier */
    int64_t step;            /* usual distance of two values in ms; 0 = not known, no gap is told */
    struct lf_tele_thin *thin;
    const struct line_limit *limit;
    size_t nlimit;
    size_t n, values, over; /* readings; those with a number; those past a limit of their day */
    double least, most, sum;
    lf_ms least_at, most_at;
    struct line_gap *gap;
    size_t ngap, even; /* even: how many of the last gaps were alike, one after the other */
    int64_t slower;    /* a device that was told to send less often: the distance it keeps now; 0 = the usual one */
    bool more_gaps;    /* only the first LINE_GAPS are kept */
    lf_text flag[LINE_FLAGS];
    size_t nflag;
};

/* The usual distance of values: exact for hours and days, else the median of the first distances; 0 when fewer than two. */
int64_t line_step(enum lf_tele_kind kind, const lf_ms *at, size_t n);
void line_begin(struct line *l, struct lf_arena *a, const struct lf_tele_series *q, lf_ms now, int64_t step);
void line_add(struct line *l, const struct lf_tele_reading *r); /* in order of time */
size_t line_end(struct line *l, struct lf_tele_point **out);    /* the thinned points */

/* Several lines on one grid of time: slots of one width that begin at whole multiples of it, China standard time. */
struct slots {
    lf_ms from;
    int64_t width;
    size_t n;
};
struct slot {
    double sum, least, most; /* mean = sum / n */
    uint32_t n;
    lf_text flag; /* the first that is not N */
};
/* As many slots as points may be, of a width that people count in, at least `step`. */
struct slots slots_of(lf_ms from, lf_ms to, int64_t step, size_t points);
void slot_add(const struct slots *g, struct slot *slot, const struct lf_tele_reading *r, lf_text flag);
lf_text line_flag(struct line *l, lf_text flag); /* the same text, living as long as the arena */
#endif
