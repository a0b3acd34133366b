/* trail.c - what a transaction says in the audit trail, kept until its end.
 *
 * The order of locks, for every write of the program: first the rows of records, each by whoever changes it; last, when nothing else will
 * be asked for, the end of the audit chain, which every write needs. Who holds it waits for nobody, so no ring is closed through it.
 * Among rows: who changes several records in one transaction takes turns with others who do (room alarm: keep_take; jobs have one thread)
 * or changes one record a transaction; the turn is taken before the transaction. An import of more than 2,000 rows in one transaction says
 * what it has on its way (db/db.c): it makes new rows, which nobody else waits for. */
#include "core/kernel.h"

struct lf_trail_entry {
    struct lf_audit said;
    lf_id actor;
};

static lf_rc store(struct lf_ctx *cx)
{
    const lf_id actor = cx->actor;
    lf_rc rc = LF_OK;
    cx->chain.store = NULL;
    for (size_t i = 0; !rc && i < cx->trail.n; i++) {
        cx->actor = cx->trail.entry[i].actor;
        rc = lf_audit_append(cx, &cx->trail.entry[i].said);
    }
    cx->actor = actor;
    return rc ? rc : cx->chain.store(cx);
}

static const char *kept(struct lf_arena *a, const char *s) { return s ? lf_strn(a, lf_str(s)) : NULL; }

/* Copies all: a transaction of many rows gives back the arena of each. */
lf_rc lf_audit_write(struct lf_ctx *cx, const struct lf_audit *a)
{
    struct lf_trail *t = &cx->trail;
    if (!cx->conn)
        return lf_fail(cx, LF_EBUG, NULL, "an audit entry without a transaction");
    t->store = store;
    t->entry = lf_more(&t->arena, t->entry, t->n, &t->cap, sizeof *t->entry);
    t->entry[t->n++] = (struct lf_trail_entry){ .said = { .topic = kept(&t->arena, a->topic),
                                                          .row = a->row,
                                                          .grid_code = lf_text_copy(&t->arena, a->grid_code),
                                                          .verb = kept(&t->arena, a->verb),
                                                          .from = kept(&t->arena, a->from),
                                                          .to = kept(&t->arena, a->to),
                                                          .note = lf_text_copy(&t->arena, a->note),
                                                          .files = lf_text_copy(&t->arena, a->files),
                                                          .diff = lf_text_copy(&t->arena, a->diff) },
                                                .actor = cx->actor };
    return LF_OK;
}
