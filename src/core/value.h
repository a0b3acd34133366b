/* value.h - record values as JSON and as text (kernel internal). */
#ifndef LF_CORE_VALUE_H
#define LF_CORE_VALUE_H
#include "core/app.h"

/* Text written by a person or a spreadsheet: enum by code or either label, money in yuan ("12.50"), day and ms by ISO forms,
 * bool by 1/0/true/false/是/否. Empty text is null. */
lf_rc lf_val_parse(struct lf_ctx *cx, const struct lf_field *f, lf_text s, struct lf_val *out) LF_MUST_CHECK;
/* The exact text of a value inside the kernel (cursors): integers in digits, enum by code. */
lf_text lf_val_exact(struct lf_arena *a, struct lf_val v);
lf_rc lf_val_from_exact(struct lf_ctx *cx, const struct lf_field *f, lf_text s, struct lf_val *out) LF_MUST_CHECK;
/* Checks the range, length and grammar of one value against its field. */
lf_rc lf_val_fit(struct lf_ctx *cx, const struct lf_field *f, const struct lf_val *v) LF_MUST_CHECK;

lf_text lf_set_text(struct lf_arena *a, const struct lf_field *f, int64_t set, bool english); /* labels joined by ';' */
lf_text lf_json_dump(struct lf_arena *a, const json_t *x); /* as compact JSON; a null text when x is NULL */
void lf_json_val(struct lf_json *j, const struct lf_field *f, struct lf_val v);
/* Members "name": value of the fields that `want` (flag bits; 0 = all) selects, with "name_label" where there is one, in the caller's language. Hidden never; sealed ones only
 * when reveal. */
void lf_row_json(const struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, unsigned want, const void *row,
                 const lf_text *ref_label, bool reveal);
/* Sets members of row from a JSON object. `may` says which fields this call may set: those without `not` flags.
 * Unknown or forbidden members are refused by name. A half of an LF_BOTH text that comes back as it was read changes nothing. */
lf_rc lf_row_from_json(struct lf_ctx *cx, const struct lf_res *r, const json_t *obj, unsigned not, void *row) LF_MUST_CHECK;
#endif
