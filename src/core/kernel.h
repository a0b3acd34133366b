/* kernel.h - parts of the kernel that only its own files and tests call. */
#ifndef LF_CORE_KERNEL_H
#define LF_CORE_KERNEL_H
#include "core/app.h"

/* LF_EDB when a record table and the schema do not cover each other. After the migrations. */
lf_rc lf_schema_check(struct lf_ctx *cx) LF_MUST_CHECK;

void lf_places_open(struct lf_app *app);
void lf_places_close(struct lf_app *app);

/* The next entry of the trail, now: for trail.c, at the end of a transaction. */
lf_rc lf_audit_append(struct lf_ctx *cx, const struct lf_audit *a) LF_MUST_CHECK;

/* Notes that the address is there with another method: the answer becomes 405 with Allow (RFC 9110, 15.5.6). */
void lf_call_allow(struct lf_ctx *cx, struct lf_call *c, const char *method);
/* Filters, q, sort, after, limit of the request's query string. */
lf_rc lf_call_query(struct lf_ctx *cx, const struct lf_call *c, struct lf_query *q) LF_MUST_CHECK;

lf_rc lf_health(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc lf_metrics(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc lf_events(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc lf_events_review(struct lf_ctx *cx) LF_MUST_CHECK; /* ends the streams of sessions that are over */
extern const struct lf_param lf_event_params[2];
/* An array: the record types with their rights in words, and which of them the caller has. */
void lf_rights_json(struct lf_ctx *cx, struct lf_json *j);
/* What the pages are drawn from: types, fields, moves, labels. */
lf_rc lf_meta_json(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* The work bench: what waits for the caller, what is overdue, what is done. */
lf_rc lf_bench_json(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* The interface told as OpenAPI 3.1. */
void lf_openapi_json(struct lf_app *app, struct lf_out *o);
/* pattern "/a/:b": true when the path is of this shape; seg gets what stands for each ":", in order. */
bool lf_path_match(const char *pattern, lf_text path, lf_text *seg);
#endif
