/* lines.h - the readings of what was asked, taken from the store; shared by the JSON and the CSV answer. */
#ifndef LF_ROOMS_SERIES_LINES_H
#define LF_ROOMS_SERIES_LINES_H
#include "rooms/series/ask.h"
#include "rooms/series/line.h"

/* A request in work. rows_left: what it may still walk over; below zero it is refused. */
struct lines {
    struct lf_ctx *cx;
    const struct ask *ask;
    int64_t rows_left;
};
/* Every reading of one station and factor in the range, in order of time, until `each` returns false.
 * LF_ETOOBIG when the request walks over more than ASK_ROWS. */
lf_rc lines_scan(struct lines *w, lf_id station, lf_text factor, bool (*each)(void *user, const struct lf_tele_reading *),
                 void *user) LF_MUST_CHECK;

/* series.c, aligned.c, sheet.c */
lf_rc series_csv(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc series_put_aligned(struct lines *w, struct lf_json *j) LF_MUST_CHECK;
/* Names of station and factor, limits and alarms: what both JSON forms begin a line with. Fills limit for line.c. */
lf_rc series_put_head(struct lines *w, struct lf_json *j, const struct ask_station *s, lf_text factor, struct line_limit **limit,
                      size_t *nlimit) LF_MUST_CHECK;
lf_rc series_usual_step(struct lines *w, lf_id station, lf_text factor, int64_t *step) LF_MUST_CHECK;
#endif
