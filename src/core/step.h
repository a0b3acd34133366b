/* step.h - steps and clocks as the pages see them (kernel internal). */
#ifndef LF_CORE_STEP_H
#define LF_CORE_STEP_H
#include "core/app.h"

/* One clock: pauses are those of the step's column, paused when its clock stands still (null: it goes), ended when it is over. */
struct lf_clock {
    enum lf_unit unit;
    lf_ms started, due, paused, ended;
    lf_text pauses;
};
/* "green", "yellow", "red" or "none" (no limit). While the clock stands still the light stays as it was. */
const char *lf_light(struct lf_ctx *cx, const struct lf_clock *c);
/* Writes "steps": [...] of the row, each with its sheet of counted minutes. */
lf_rc lf_step_clock_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, lf_id row) LF_MUST_CHECK;
/* Writes "lights": {"41": {"light": "yellow", "due_at": ...}} of those rows that wait for somebody; the others are not in it. */
lf_rc lf_step_lights_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const lf_id *row, size_t n) LF_MUST_CHECK;
#endif
