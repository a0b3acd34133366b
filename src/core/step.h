/* step.h - steps and clocks as the pages see them (kernel internal). */
#ifndef LF_CORE_STEP_H
#define LF_CORE_STEP_H
#include "core/app.h"

/* "green", "yellow", "red" or "none" (no limit). */
const char *lf_light(const struct lf_app *app, enum lf_unit unit, lf_ms started, lf_ms due, lf_ms now);
/* Writes "steps": [...] of the row, each with its sheet of counted minutes. */
lf_rc lf_step_clock_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, lf_id row) LF_MUST_CHECK;
/* Writes "lights": {"41": {"light": "yellow", "due_at": ...}} of those rows that wait for somebody; the others are not in it. */
lf_rc lf_step_lights_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const lf_id *row, size_t n) LF_MUST_CHECK;
#endif
