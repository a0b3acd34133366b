/* means.h - hour and day values made of shorter ones, and whether they count. Pure: no database, no clock.
 *
 * Periods are half-open and named by their START, as HJ 212-2017 table 4 has it for minute, hour and day data.
 * A value that was marked by its device (calibration, fault ...) takes no part in a mean, but is counted. */
#ifndef LF_ROOMS_REVIEW_MEANS_H
#define LF_ROOMS_REVIEW_MEANS_H
#include "rooms/station/station.h"
#include "tele/tele.h"

/* The rules in force on a day for a kind of station. */
struct means_rule {
    lf_day from;        /* first day in force */
    int hour_minutes;   /* valid minutes that an hour needs */
    int day_hours;      /* valid hours that a day needs */
    int normal_percent; /* flag of the result: N when at least so many per cent of the values are normal, else D */
    const char *basis;  /* clause */
};
const struct means_rule *means_rule_of(enum station_kind kind, lf_day day); /* never NULL */

/* One shorter value. minutes: how long its period is (1, 5, 10 ... for minute data; 60 for hours). */
struct means_part {
    lf_ms at;
    int minutes;
    double value, vmin, vmax, cou, zs, weight; /* weight: flow within the period, NaN = the plain mean */
    lf_text flag;
};
struct means_result {
    double value, vmin, vmax, cou, zs;               /* NaN when there is none */
    char flag;                                       /* 'N', 'D', or 'F' when everything stood still */
    int expected, normal, stopped, invalid, missing; /* minutes (of an hour) or hours (of a day); they add up to expected */
    bool valid;
};
/* Of one hour from its minute values, in any order; a part that begins outside the hour, or again at a time that was there, is an
 * error of the caller (asserted). n may be 0. */
void means_hour(const struct means_rule *rule, lf_ms hour, const struct means_part *part, size_t n, struct means_result *out);
/* Of one day from its hour values. */
void means_day(const struct means_rule *rule, lf_day day, const struct means_part *part, size_t n, struct means_result *out);

/* Ozone: the largest 8-hour running mean of a day (GB 3095-2012 and -2026 table 4: six of eight hours; HJ 663-2013: 14 of the 17 windows
 * that end at 08:00 ... 24:00, or fewer when the largest exceeds the limit). hour[0] is the hour 00:00-01:00; NaN = not valid.
 * limit: of the day's standard. Returns NaN when the day does not count. */
double means_ozone_8h(const double hour[24], double limit, int *windows);

/* GB/T 8170-2008: to nearest, halves to even, on the decimal text of the value and in one step. decimals 0..9. */
double means_round(double v, int decimals);
#endif
