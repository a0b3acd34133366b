/* kernel.h - parts of the kernel that only its own files and tests call. */
#ifndef LF_CORE_KERNEL_H
#define LF_CORE_KERNEL_H
#include "core/app.h"

/* LF_EDB when a record table and the schema do not cover each other. After the migrations. */
lf_rc lf_schema_check(struct lf_ctx *cx) LF_MUST_CHECK;

void lf_places_open(struct lf_app *app);
void lf_places_close(struct lf_app *app);
/* Runs every job that is due, once; the thread does it each second. */
void lf_jobs_tick(struct lf_app *app);

/* The addresses that every record type has, below /api/v1/{room}. seg: path segments after /api/v1. */
lf_rc lf_records_call(struct lf_ctx *cx, struct lf_call *c, const lf_text *seg, int nseg) LF_MUST_CHECK;
lf_rc lf_table_export(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_text kind) LF_MUST_CHECK;
lf_rc lf_table_import(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r) LF_MUST_CHECK;
lf_rc lf_table_template(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r) LF_MUST_CHECK;
/* Filters, q, sort, after, limit of the request's query string. */
lf_rc lf_call_query(struct lf_ctx *cx, const struct lf_call *c, struct lf_query *q) LF_MUST_CHECK;

lf_rc lf_meta_json(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
void lf_openapi_json(struct lf_app *app, struct lf_out *o);
bool lf_path_match(const char *pattern, lf_text path, lf_text *seg);
#endif
