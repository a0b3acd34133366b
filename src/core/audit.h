/* audit.h - the audit trail inside the kernel: walking its chain in pieces, its words, what readers are shown of it. */
#ifndef LF_CORE_AUDIT_H
#define LF_CORE_AUDIT_H
#include "core/app.h"

/* How far somebody has walked the chain. Begins as zeroes. */
struct lf_audit_walk {
    int64_t n;        /* entries that fit; the next one has to be n + 1 ... */
    char hash[65];    /* ... and goes on from this */
    lf_id bad;        /* the first that does not fit; none = all so far do */
    const char *find; /* an entry's hash that is looked for on the way, or NULL */
    int64_t found;    /* the entry that has it; 0 = not yet */
};
/* Goes on to entry `upto`, at most `most` entries, in the transaction that is open. It has come to the end of what there is when n stays. */
lf_rc lf_audit_walk(struct lf_ctx *cx, struct lf_audit_walk *w, int64_t upto, int64_t most) LF_MUST_CHECK;

/* What an entry's verb is called: a move of the type (NULL: of none), or a word of the kernel. Empty labels: unknown. */
struct lf_item lf_audit_word(const struct lf_res *r, lf_text verb);
/* The changes of an entry, {"field":[was,now]}, without what is hidden, and with stars for what is sealed today although it was not yet
 * when the entry was written. To be freed; NULL when there are none. */
json_t *lf_audit_changes(const struct lf_res *r, lf_text diff);
/* Answers with the types and verbs that entries may have, with their words: for filters. */
lf_rc lf_audit_words(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;

/* Jobs: goes on with the check that is running, for a moment; asks for one when the last is a day old. */
lf_rc lf_audit_check_on(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc lf_audit_check_daily(struct lf_ctx *cx) LF_MUST_CHECK;

extern const struct lf_res lf_audit_res, lf_audit_check_res;
#endif
