/* res_sql.h - SQL made from the tables (kernel internal). Texts live in the arena; engines cache them by content. */
#ifndef LF_CORE_RES_SQL_H
#define LF_CORE_RES_SQL_H
#include "core/app.h"

/* A statement under construction: "?" is never used; lf_b_arg appends a value and writes its $n. */
struct lf_build {
    struct lf_ctx *cx;
    struct lf_out sql;
    struct lf_val arg[160];
    int n;
};
struct lf_build lf_build_start(struct lf_ctx *cx);
void lf_b_arg(struct lf_build *b, struct lf_val v);
const char *lf_b_text(struct lf_build *b); /* into the arena; ends the building */

/* "id, version, ..., (title of each reference)": fields first, then one label per field with ref, in field order. */
const char *lf_sql_columns(struct lf_ctx *cx, const struct lf_res *r, bool labels);
/* Those labels out of such a row: label[i] of field i, in the caller's language; null when it is no reference or points at nothing. */
void lf_row_labels(struct lf_cur *cur, const struct lf_res *r, lf_text *label);
/* " AND "-ready condition of the row scope: "@scope(r.grid_code)", or "1 = 1" for a type that says why it has none. */
const char *lf_sql_scope_of(struct lf_arena *a, const struct lf_res *r);
lf_rc lf_row_insert(struct lf_ctx *cx, const struct lf_res *r, void *row) LF_MUST_CHECK; /* sets id */
lf_rc lf_row_update(struct lf_ctx *cx, const struct lf_res *r, const void *row, int64_t version_was) LF_MUST_CHECK;
/* Reads one row within the scope; lock = it will be written. LF_ENOTFOUND with a message. */
lf_rc lf_row_fetch(struct lf_ctx *cx, const struct lf_res *r, lf_id id, bool lock, void *row, lf_text *ref_label) LF_MUST_CHECK;
#endif
