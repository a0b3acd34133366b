/* suspect.h - signs that data were made rather than measured. Pure rules over what was stored; each says what it saw in words that stand on
 * the alarm. A sign is a reason to look, never a finding: 《污染源自动监控设施现场监督检查办法》 leaves that to people on the spot.
 *
 * The thresholds are counts and probabilities, not percentages of a value, so that they hold for every factor; those that need a law or a
 * habit (inspection hours, reference oxygen) are arguments. */
#ifndef LF_ROOMS_REVIEW_SUSPECT_H
#define LF_ROOMS_REVIEW_SUSPECT_H
#include "tele/tele.h"

enum suspect_type {
    SUSPECT_EDGE,       /* values crowd just below the limit and shun the place just above it */
    SUSPECT_INSPECTION, /* lower in the hours when inspectors come, day after day */
    SUSPECT_CLOCK,      /* the device's clock jumped */
    SUSPECT_COPY,       /* the same run of values as another station's */
    SUSPECT_REPLAY,     /* the same run of values as this station's own past */
    SUSPECT_PAIR,       /* values that cannot be true together */
    SUSPECT_POWER,      /* production draws power while treatment does not, or emission does not follow production */
    SUSPECT_TYPE_COUNT
};

/* What a rule found. explain: "中文 | English", filled by the rule. */
struct suspect_sign {
    enum suspect_type type;
    lf_ms from, to;
    double score; /* how many nats of evidence against chance, or the relative size; larger is worse. For sorting, never for law */
    char explain[400];
};

struct suspect_value {
    lf_ms at;
    double value; /* NaN: none, or marked */
};

/* Edge: of the values within `width` (say 0.05) of the limit, how many lie below. Chance: as many below as above for any smooth spread of
 * values, so a share far from it is weighed by the binomial; at least 30 values, probability below 1e-6. */
bool suspect_edge(const struct suspect_value *v, size_t n, double limit, double width, struct suspect_sign *out);

/* Inspection hours: for each working day with at least 3 values inside [from_hour, to_hour) and 3 outside, is the mean inside lower by more
 * than a third? All of at least 5 days, or 10 of 12 and the like: binomial against one half, probability below 1e-3. workday may be NULL. */
bool suspect_inspection(const struct suspect_value *v, size_t n, int from_hour, int to_hour, bool (*workday)(void *, lf_day), void *user,
                        struct suspect_sign *out);

/* Clock: offset = DataTime - time of arrival of real-time packets in order of arrival. A change of the offset by more than `jump_ms` between
 * two neighbours that then stays (three packets on either side agree within a tenth of it). */
struct suspect_arrival {
    lf_ms at, received;
};
bool suspect_clock(const struct suspect_arrival *a, size_t n, int64_t jump_ms, struct suspect_sign *out);

/* Copy: the longest run of equal, changing values at equal times in a and b (both in time order). A run counts by its changes: at
 * least `changes` of them (20 is beyond chance for values with two or more changing digits). Same station: use suspect_replay. */
bool suspect_copy(const struct suspect_value *a, size_t na, const struct suspect_value *b, size_t nb, int changes,
                  struct suspect_sign *out);
/* Replay: the same with the series shifted by `shift_ms` against itself (a day, a week). */
bool suspect_replay(const struct suspect_value *v, size_t n, int64_t shift_ms, int changes, struct suspect_sign *out);

/* Pairs of one moment of flue gas; NaN = not measured. Each is physics:
 * oxygen outside 0..21 %; oxygen of plain air (>= 20.5 %) while the flow runs and gases are measured; flow of a running duct with no velocity;
 * NOx of fuel burnt (> 0) with the duct below 20 °C and flow; negative concentration. */
struct suspect_moment {
    lf_ms at;
    double o2, flow, velocity, celsius, so2, nox, dust;
};
bool suspect_pair(const struct suspect_moment *m, struct suspect_sign *out);
/* The same over a stretch: at least `least` moments in a row that are impossible. */
bool suspect_pairs(const struct suspect_moment *m, size_t n, int least, struct suspect_sign *out);

/* Power (HJ 212-2025 ST=44, or any meter): production draws more than production_on, treatment less than treatment_on, for at least `minutes`
 * without a break (values of both at the same times). */
struct suspect_power {
    lf_ms at;
    double production, treatment;
};
bool suspect_power(const struct suspect_power *p, size_t n, double production_on, double treatment_on, int minutes,
                   struct suspect_sign *out);
#endif
