/* records.h - the addresses that every record type has, as data (kernel internal): requests are dispatched and OpenAPI is written
 * from the same table, so that neither knows an address the other does not. */
#ifndef LF_CORE_RECORDS_H
#define LF_CORE_RECORDS_H
#include "core/kernel.h"

/* What the path of one request named. */
struct lf_record_call {
    lf_id id;                   /* ":id" */
    const struct lf_verb *verb; /* ":verb": the move */
    lf_text kind;               /* what follows the dot: csv, xlsx, geojson */
};
typedef lf_rc (*lf_record_fn)(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);

struct lf_record_address {
    const char *name; /* of the operation in OpenAPI, behind that of the type */
    const char *method;
    const char *path;                       /* what follows /api/v1/{type}; ":id" is a number, ":verb" a move of the type */
    const char *right;                      /* the part after the dot; NULL: that of the move */
    unsigned can;                           /* LF_CAN_*: asked before the right; 0: every type has it */
    bool (*useful)(const struct lf_res *r); /* for OpenAPI: NULL = always; elsewhere it answers, with nothing in it */
    lf_record_fn fn;
    const char *zh, *en;
    const char *takes;   /* schema of the body, "" = the record's own, with a '/' a media type; NULL: no body */
    const char *answers; /* the same for the answer */
    int status;
    bool filters; /* takes the filters, q and sort of a list */
};
/* The address of a record that a request names. */
struct lf_record_hit {
    const struct lf_res *r;
    const struct lf_record_address *a;
    struct lf_record_call at;
};
/* path: what follows "/api/v1/". False when there is none with that method; the methods it has are noted in c. */
bool lf_records_find(struct lf_ctx *cx, struct lf_call *c, lf_text path, struct lf_record_hit *hit);
/* Does the type offer it, and has the caller the right? Wants the caller's rights in cx, no transaction. */
lf_rc lf_records_allowed(struct lf_ctx *cx, const struct lf_record_hit *hit) LF_MUST_CHECK;
extern const struct lf_record_address lf_record_addresses[];
extern const int lf_record_address_count;

/* The moves that are open to the caller, key[0]: ["close"], and those that are his but have to wait, key[1]: [{"verb", "why"}]: whoever
 * looks for the button is told what for. right: only moves of that right; empty: all. */
void lf_moves_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, void *row, lf_text right, const char *const key[2]);
/* The record as JSON with the moves that are open to the caller. */
lf_rc lf_record_put(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, lf_id id, bool reveal) LF_MUST_CHECK;

/* What each address does (records.c: the table says which); they answer into c. */
lf_rc lf_record_get(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_list(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_map(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_options(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_timeline(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_clock(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_create(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_edit(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_move(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_comment(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_table_export(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_table_import(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_table_template(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
lf_rc lf_record_reveal(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at);
#endif
