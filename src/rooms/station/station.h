/* station.h - 监测: stations, their limits, and what they say. What follows from too much is room alarm. */
#ifndef LF_ROOMS_STATION_STATION_H
#define LF_ROOMS_STATION_STATION_H
#include "core/app.h"
#include "tele/store.h"

#define STATION_KINDS(X) \
    X(STATION_AIR, "air", "环境空气", "Ambient air") \
    X(STATION_SURFACE, "surface", "地表水", "Surface water") \
    X(STATION_WASTEWATER, "wastewater", "废水", "Wastewater") \
    X(STATION_FLUE, "flue", "废气", "Flue gas") \
    X(STATION_DUST, "dust", "扬尘", "Dust") \
    X(STATION_NOISE, "noise", "噪声", "Noise")
LF_ENUM(station_kind, STATION_KINDS);
#define STATION_PERIODS(X) \
    X(STATION_RTD, "rtd", "实时", "Real time") \
    X(STATION_MIN, "min", "分钟", "Minute") \
    X(STATION_HOUR, "hour", "小时", "Hour") \
    X(STATION_DAY, "day", "日", "Day")
LF_ENUM(station_period, STATION_PERIODS);

extern const struct lf_res station_res, limit_value_res;
extern const struct lf_room station_room;

/* The store that readings are read from; the program sets it before the first request. */
void station_use_store(struct lf_tele_store *store);
/* The directory of all stations for the listener; NULL and cx->err on failure. The caller gets the one use of it. */
struct lf_directory *station_make_directory(struct lf_ctx *cx);
/* New readings, after their commit, to the live pages. */
void station_publish(struct lf_app *app, const struct lf_tele_reading *r, size_t n);

/* The station named by the first segment of an address below /api/v1/station, within the caller's scope. */
lf_rc station_of(struct lf_ctx *cx, struct lf_call *c, lf_id *id) LF_MUST_CHECK;

struct station_site {
    lf_text name, grid_code;
    enum station_kind kind;
    double lon, lat;
    lf_id source_id;
};
/* Whatever the caller's scope is: for rules that act as the system. LF_ENOTFOUND without a message. */
lf_rc station_site_of(struct lf_ctx *cx, lf_id id, struct station_site *out) LF_MUST_CHECK;
/* Every station and every limit, whatever the caller's scope is: for rules that act as the system. Texts live in cx->arena. Wants a
 * transaction. */
typedef void (*station_fn)(void *user, lf_id id, const struct station_site *s, bool disabled);
lf_rc station_each(struct lf_ctx *cx, station_fn fn, void *user) LF_MUST_CHECK;
struct station_limit {
    lf_id station;
    lf_text factor;
    enum station_period kind;
    double low, high;        /* NaN: none */
    lf_day from_day, to_day; /* inclusive; to_day null: still in force */
    lf_text basis;
};
lf_rc station_each_limit(struct lf_ctx *cx, void (*fn)(void *user, const struct station_limit *l), void *user) LF_MUST_CHECK;
/* Grows with each committed change of a station or limit by form (an import is not counted: look again once in a while). */
unsigned station_generation(void);
/* *passed: the limit of the reading's day that it passes, high or low; NaN when it is within. *any: is there a limit at all? */
lf_rc station_limit_passed(struct lf_ctx *cx, const struct lf_tele_reading *r, double *passed, bool *any) LF_MUST_CHECK;
#endif
