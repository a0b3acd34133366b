/* judge.h - is a reading bad, and does an episode begin or end? Pure: no database, no clock, no store.
 *
 * What counts: a mean is judged against the limit that is set for such means and in force on its day; marked data is no evidence of
 * exceedance, and no evidence of its end either. */
#ifndef LF_ROOMS_ALARM_JUDGE_H
#define LF_ROOMS_ALARM_JUDGE_H
#include "tele/tele.h"

/* ---- when it begins and ends ---------------------------------------------------------------------------- */

struct judge_rule {
    int on_n, on_of;  /* on when on_n of the last on_of were bad ... */
    int off_n;        /* off after off_n good ones in a row */
    int64_t delay_ms; /* ... and the first of them is at least so old */
};
/* One watched condition of one series. */
struct judge_track {
    uint64_t bits; /* the last ones, newest lowest; bad = 1 */
    lf_ms since;   /* first bad one of what is in the window, or of the episode; 0 = none */
    lf_ms last;    /* newest that was judged */
    int good;      /* good ones in a row */
    bool up;       /* an episode is going on */
};
enum judge_says { JUDGE_NOTHING, JUDGE_BEGIN, JUDGE_MORE, JUDGE_END };
/* One more reading. A reading of the same time as the last one takes its place. An older one (sent late) cannot be put into the window:
 * it counts only where a single bad one suffices, which is so for hour and day means. */
enum judge_says judge_step(const struct judge_rule *r, struct judge_track *t, bool bad, lf_ms at);
bool judge_calm(const struct judge_track *t); /* nothing that has to be remembered */

/* ---- what is bad ------------------------------------------------------------------------------------------ */

bool judge_flagged(lf_text flag, lf_text letters); /* is the flag's letter among those of the rule? */

/* The value that a limit is compared with: for flue gas the one converted to reference oxygen when it was sent (HJ 75, GB 13223). */
double judge_value(const struct lf_tele_reading *r, bool flue);

struct judge_limit {
    lf_day from, to; /* inclusive; to null = still in force */
    double low, high;
    bool converted; /* it is a limit for values at reference oxygen */
};
/* Does one that is in force want a converted value, and is this one as measured? */
bool judge_unconverted(const struct judge_limit *l, size_t n, const struct lf_tele_reading *r, bool flue);
/* Over when value > high * percent / 100, or < low. Compared as it is, without rounding (GB/T 8170-2008 4.3.3, 全数值比较法). *limit: the one
 * that is passed, NaN when it is within. False when none of them is in force that day. */
bool judge_over(const struct judge_limit *l, size_t n, lf_day day, double value, double percent, double *limit);

/* Values that do not change. */
struct judge_run {
    double value;
    lf_ms since, last;
    int n;
};
/* True when the value has been the same for so long, in at least `least` readings. A value that is no number breaks the run. Late ones are
 * left out. */
bool judge_constant(struct judge_run *run, double value, lf_ms at, int64_t ms, int least);

/* A device's clock, from DataTime and arrival of real-time packets that come as they are made (a backlog arrives faster than it was
 * measured and says nothing). */
struct judge_clock {
    lf_ms at, received;
};
enum judge_clock_says { JUDGE_CLOCK_UNKNOWN, JUDGE_CLOCK_GOOD, JUDGE_CLOCK_BAD };
enum judge_clock_says judge_clock(struct judge_clock *c, lf_ms at, lf_ms received, int64_t most_ms);

/* Minutes of one hour that are covered by valid minute values; the length of one is learned from how they follow each other, so that
 * devices with ten-minute data are judged alike (HJ 212-2017 MinInterval). */
struct judge_cover {
    lf_ms hour, last;
    int64_t gap; /* smallest so far; 0 = not known */
    int valid, stopped;
};
void judge_cover_add(struct judge_cover *c, lf_ms at, enum hj212_mark mark, bool number);
int judge_cover_minutes(const struct judge_cover *c, int values); /* values: c->valid or c->stopped */

/* Reporting interval, smoothed; HJ 212-2017 table 4: RtdInterval is 30 to 3600 s. 0 = not known yet. */
int64_t judge_interval(int64_t ms, lf_ms before, lf_ms now);
#endif
