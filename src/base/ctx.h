/* ctx.h - what travels through one request, job run or test case. */
#ifndef LF_BASE_CTX_H
#define LF_BASE_CTX_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

/* Where a caller may look: half-open ranges of grid codes, [lo, hi). A division's range is
 * [code, code~): every code that begins with it. A functional zone has one range per member place.
 * n == 0 sees nothing. */
enum { LF_SCOPE_MAX = 16 };
struct lf_scope {
    int n;
    struct {
        lf_text lo, hi;
    } range[LF_SCOPE_MAX];
};
bool lf_scope_has(const struct lf_scope *s, lf_text grid_code);

enum { LF_PERM_MAX = 256 };
struct lf_perms {
    uint64_t w[LF_PERM_MAX / 64];
};
static inline bool lf_perm_has(const struct lf_perms *p, int bit)
{
    return bit >= 0 && bit < LF_PERM_MAX && (p->w[bit / 64] >> (bit % 64) & 1);
}
static inline void lf_perm_add(struct lf_perms *p, int bit) { p->w[bit / 64] |= (uint64_t)1 << (bit % 64); }

struct lf_db;
struct lf_conn;
struct lf_app; /* the kernel's process-wide state: registry, files, event hub (core/app.h) */
/* The end of the audit chain, read once in a transaction and written back once, before the commit: a row that is updated for each
 * of thousands of entries in one transaction makes PostgreSQL walk all its versions each time. */
struct lf_ctx;
struct lf_chain_end {
    lf_rc (*store)(struct lf_ctx *cx); /* NULL: not read yet */
    int64_t n;
    char hash[65];
};
/* What the transaction has to say in the audit trail (core/trail.c), said at its end: the end of the chain is the one row that every
 * writer needs, so it is locked last, when all other rows are held, and nobody waits for another in a ring. */
struct lf_trail {
    lf_rc (*store)(struct lf_ctx *cx); /* before the commit */
    struct lf_arena arena;
    struct lf_trail_entry *entry;
    size_t n, cap;
};
struct lf_ctx {
    struct lf_arena arena;
    struct lf_app *app;
    struct lf_db *db;     /* the pool */
    struct lf_conn *conn; /* held between lf_tx_begin and lf_tx_end */
    struct lf_trail trail;
    size_t trail_at_savepoint; /* entries; those after it go with what is undone */
    struct lf_chain_end chain;
    lf_id actor; /* account; 0 = the system itself */
    struct lf_scope scope;
    struct lf_perms perms;
    enum lf_lang lang;
    lf_text peer; /* address the request came from, for the audit trail */
    struct lf_err err;
};
#define lf_fail(cx, rc, field, ...) lf_err_set(&(cx)->err, rc, field, __VA_ARGS__)
#endif
