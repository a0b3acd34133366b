/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_GRID_PARTS_H
#define LF_ROOMS_GRID_PARTS_H
#include "rooms/grid/grid.h"

extern const struct lf_res area_past_res, grid_duty_res, absence_res, grid_gap_res;

struct grid_area { /* a row of area */
    lf_id id;
    int64_t version;
    lf_text code, name;
    enum grid_level level;
    lf_text parent_code;
    bool generated; /* outline made for the demonstration, not surveyed */
    lf_text duty, shape;
    lf_day from_day, to_day;
    lf_text successor; /* codes are never reused: what replaced this one */
    lf_ms updated_at;
};

/* past.c: an area that changes on a day keeps what it was before. */
lf_rc grid_area_saved(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK;
lf_rc grid_area_dates(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK;
/* lookup.c: reload at start; follow is the job. */
lf_rc grid_reload(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc grid_follow(struct lf_ctx *cx) LF_MUST_CHECK;
/* The deepest place at p on a day, today or not, into code; LF_ENOTFOUND without a message when there is none. */
lf_rc grid_find(struct lf_ctx *cx, double lon, double lat, lf_day on, char code[32]) LF_MUST_CHECK;
/* cover.c: the job that keeps grid_gap. */
lf_rc grid_gaps(struct lf_ctx *cx) LF_MUST_CHECK;

/* Parameter on of an address: a day, default today. */
lf_rc grid_day_asked(struct lf_ctx *cx, struct lf_call *c, lf_day *on) LF_MUST_CHECK;
/* Addresses. */
lf_rc grid_areas(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc grid_locate(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc grid_tree(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc grid_coverage(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
#endif
