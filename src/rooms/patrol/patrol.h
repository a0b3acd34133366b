/* patrol.h - 巡查: what officers have to walk (定任务), what they walked and how it is proved, and what they are assessed by (定考核).
 *
 * A patrol is judged by its track, openly: each reason stands on the record. It is never refused for it - a score, not a lock. */
#ifndef LF_ROOMS_PATROL_PATROL_H
#define LF_ROOMS_PATROL_PATROL_H
#include "core/app.h"

#define PATROL_STATES(X) \
    X(PATROL_GOING, "going", "巡查中", "On the way") \
    X(PATROL_DONE, "done", "已完成", "Done") \
    X(PATROL_DROPPED, "dropped", "已中止", "Broken off")
LF_ENUM(patrol_state, PATROL_STATES);

#define PATROL_INDICATORS(X) \
    X(PATROL_BY_PLAN, "patrol", "巡查完成率", "Patrols done of those planned") \
    X(PATROL_ON_TIME, "on_time", "按期处置率", "Matters handled on time") \
    X(PATROL_ONCE, "no_rework", "一次通过率", "Matters that passed the first check")
LF_ENUM(patrol_indicator, PATROL_INDICATORS);

extern const struct lf_room patrol_room;

/* What a track proves. track: JSON array of [ms, lon, lat], in order of time. inside(): does the officer answer for that point? */
struct patrol_proof {
    double minutes, metres, inside; /* inside: share of the points, 0..1; NaN without points */
    bool valid;
    char explain[640]; /* "中文 | English": every reason why not, or that it is */
};
void patrol_judge(lf_text track, lf_ms started, lf_ms ended, bool (*inside)(void *user, double lon, double lat), void *user,
                  struct patrol_proof *out);
#endif
