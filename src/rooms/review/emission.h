/* emission.h - what a flue has given off, hour by hour, with what stands in for hours that were not measured (HJ 75-2017 tables 4 and 5).
 * Pure.
 *
 * Only emissions (kg/h) of SO2, NOx and dust are substituted, never concentrations. The tables speak of the last valid hours before the
 * last passed calibration (table 4) or before the failure (table 5); calibrations are not known here, so it is the failure for both. */
#ifndef LF_ROOMS_REVIEW_EMISSION_H
#define LF_ROOMS_REVIEW_EMISSION_H
#include "rooms/review/stack.h"

#include <stdbool.h>
#include <stddef.h>

enum emission_state {
    EMISSION_MISSING, /* no valid hour: invalid or nothing came */
    EMISSION_VALID,
    EMISSION_STOPPED /* the source stood still: not asked for */
};
struct emission_hour {
    enum emission_state state;
    double kg;            /* measured when valid; else what stands in; NaN: nothing does */
    enum stack_fill fill; /* of a missing hour: by which row */
    int gap;              /* of a missing hour: how many without a break, within the quarter */
};
struct emission_rate { /* of a quarter: capture rate = (hours - stopped - missing) / (hours - stopped) */
    int hours, stopped, missing;
    bool qualifies; /* 75 % or more */
};
/* Hours [from, to) are of one quarter, those before are history. Sets kg, fill and gap of its missing hours. */
struct emission_rate emission_substitute(struct emission_hour *h, size_t from, size_t to);
#endif
