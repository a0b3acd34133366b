/* table.h - records as files, the same for HTTP and the command line. */
#ifndef LF_CORE_TABLE_H
#define LF_CORE_TABLE_H
#include "core/app.h"
#include "fmt/fmt.h"

/* Writes the rows of q that cx may see to fd (from its start; stays the caller's), headings in cx->lang, in constant memory.
 * Wants a read transaction and the right <res>.export. Sealed fields stay inside. */
lf_rc lf_table_write(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, enum lf_table_kind kind, int fd) LF_MUST_CHECK;

/* Creates a row for each line of a csv or xlsx file. A bad row is refused, told and counted, and hinders no other; a failure that is no
 * row's fault is returned, and its message tells what is in. Wants a write transaction (roll it back for a dry run) and the right
 * <res>.import. A file that takes longer than a second is stored in parts, each whole, so that others can write in between: the
 * transaction is ended and begun again. */
struct lf_table_load {
    enum lf_table_kind kind;
    int fd;
    bool dry;                                                                             /* roll the parts back */
    void (*refused)(void *user, struct lf_ctx *cx, int row, const lf_text *cells, int n); /* why: cx->err. May be NULL */
    void *user;
    int64_t rows, accepted, refused_rows;
    int64_t stored; /* of accepted: in parts that are stored already */
};
lf_rc lf_table_load(struct lf_ctx *cx, const struct lf_res *r, struct lf_table_load *load) LF_MUST_CHECK;
#endif
