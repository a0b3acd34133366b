/* pilot.h - 试点: a trial of one place, from nomination to roll-out. The smallest room there is: what a new subject costs. */
#ifndef LF_ROOMS_PILOT_PILOT_H
#define LF_ROOMS_PILOT_PILOT_H
#include "core/app.h"

#define PILOT_STATES(X) \
    X(PILOT_NOMINATED, "nominated", "已申报", "Nominated") \
    X(PILOT_CHOSEN, "chosen", "试点中", "On trial") \
    X(PILOT_ROLLED, "rolled", "已推广", "Rolled out") \
    X(PILOT_ENDED, "ended", "已终止", "Ended")
LF_ENUM(pilot_state, PILOT_STATES);
extern const struct lf_room pilot_room;
#endif
