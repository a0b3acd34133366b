/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_PATROL_PARTS_H
#define LF_ROOMS_PATROL_PARTS_H
#include "rooms/patrol/patrol.h"

/* One officer's figures over a period. Counts of matters are of steps, so that a matter counts for who held it when it was due. */
struct figures {
    lf_id account;
    lf_text name, grid_code;
    int64_t planned, done, valid;        /* patrols */
    int64_t handled, on_time, late_open; /* late_open: past due and still with the officer */
    int64_t returned, passed, failed;    /* matters sent back to the desk; checks passed and not */
    double rate[patrol_indicator_COUNT]; /* percent; NaN when there was nothing to do */
    double score;                        /* NaN when no indicator has a rate */
};
/* Of every officer with a post in the caller's area in [from, to), in order of grid code. */
lf_rc figures_read(struct lf_ctx *cx, lf_day from, lf_day to, struct figures **out, size_t *n) LF_MUST_CHECK;
void figures_json(struct lf_json *j, const struct figures *f);

/* Addresses. */
lf_rc figures_get(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc five_get(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
#endif
