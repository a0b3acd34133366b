/* sim.h - inside `lanfan simulate`: recorded values, the stations that play them, and captures. */
#ifndef LF_APP_SIM_H
#define LF_APP_SIM_H
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

enum { SIM_STATIONS = 1000, SIM_SERIES = 12, SIM_VALUES = 400 };

/* ---- recorded values (sim_record.c) ------------------------------------------------------------------- */

struct sim_series {
    char factor[16];
    int step_h; /* hours from one value to the next; when more than one, the way between is straight */
    int n;
    double *value; /* NaN: nothing was recorded */
};
struct sim_station {
    char name[100], mn[32], pw[32], kind[16];
    struct sim_series series[SIM_SERIES];
    int nseries, number; /* number: place in the list */
};
struct sim_city {
    struct sim_station *station;
    int n;
    double speed; /* recorded time passes so many times as fast as real time, counted from `since` */
    lf_ms since;
};
/* Reads stations.csv and recorded.csv of dir; at most `most` stations that have a record (0 = all). Free with sim_city_free. */
lf_rc sim_city_read(struct sim_city *c, const char *dir, int most, struct lf_err *err) LF_MUST_CHECK;
void sim_city_free(struct sim_city *c);

struct sim_mean {
    double avg, min, max; /* NaN: nothing was recorded */
};
/* What the instrument shows at t: the recorded value, with a ripple of two per cent that is nought over each hour. */
double sim_moment(const struct sim_city *c, const struct sim_station *s, const struct sim_series *r, lf_ms t);
/* Over [from, from + length), of `samples` moments. */
struct sim_mean sim_mean(const struct sim_city *c, const struct sim_station *s, const struct sim_series *r, lf_ms from, int64_t length,
                         int samples);

/* ---- packets (sim_packet.c) ----------------------------------------------------------------------------- */

enum sim_what { SIM_RTD, SIM_MINUTE, SIM_HOUR, SIM_DAY };
enum { SIM_MINUTES = 10 }; /* length of minute data: HJ 212-2017 table 4, MinInterval, as most devices have it */
/* A frame of HJ 212-2017 (C.15 to C.18) into out[HJ212_FRAME_MAX]; at: the moment, or the start of the period. Its QN into qn[24].
 * 0 when nothing is recorded for that time. */
size_t sim_packet(const struct sim_city *c, const struct sim_station *s, enum sim_what what, lf_ms at, char *out, char *qn);

/* ---- the two ways to play ---------------------------------------------------------------------------------- */

struct sim_target {
    const char *host;
    int port;
};
int sim_dial(const struct sim_target *t); /* -1: not reachable */

struct sim_play {
    struct sim_target to;
    int every_ms, rounds, history_h;
};
int sim_play(struct sim_city *c, const struct sim_play *p); /* returns what the program ends with */

struct sim_replay {
    struct sim_target to;
    const char *file;
    int every_ms; /* wait after each piece */
    int piece;    /* bytes of a piece; 0 = a line */
    bool now;     /* move its times to now */
};
int sim_replay(const struct sim_replay *r);
/* Moves the times of a capture by whole hours, so that its newest good packet was sent within the hour before now. What was right about
 * its checksums is right again, what was wrong stays so, and no byte is added or left out. False when no good packet says a time. */
bool sim_shift(char *bytes, size_t n, lf_ms now);
#endif
