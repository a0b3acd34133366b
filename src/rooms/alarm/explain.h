/* explain.h - what was seen, in words that stand on the alarm ("中文 | English", in the arena). */
#ifndef LF_ROOMS_ALARM_EXPLAIN_H
#define LF_ROOMS_ALARM_EXPLAIN_H
#include "rooms/alarm/engine.h"

lf_text explain_begin(struct lf_arena *a, const struct act *act);
lf_text explain_end(struct lf_arena *a, const struct act *act);
enum alarm_severity explain_severity(const struct act *act); /* the rule's, or one more from `worse` on */
#endif
