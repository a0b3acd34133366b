/* alarm.h - 报警: what is wrong at a station, one alarm per episode, each with its matter. */
#ifndef LF_ROOMS_ALARM_ALARM_H
#define LF_ROOMS_ALARM_ALARM_H
#include "core/app.h"
#include "tele/tele.h"

#define ALARM_STATES(X) \
    X(ALARM_OPEN, "open", "进行中", "Going on") \
    X(ALARM_ENDED, "ended", "已结束", "Ended")
LF_ENUM(alarm_state, ALARM_STATES);

extern const struct lf_res alarm_res;
extern const struct lf_room alarm_room;

/* New readings, after their commit: limits, alarms, matters. Begins its own transactions, as the system. */
lf_rc alarm_on_readings(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n) LF_MUST_CHECK;
#endif
