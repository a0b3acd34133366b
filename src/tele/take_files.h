/* take_files.h - an installation that kept its telemetry in SQLite and moves to files. */
#ifndef LF_TELE_TAKE_FILES_H
#define LF_TELE_TAKE_FILES_H
#include "tele/log/store.h"

struct lf_tele_take_config {
    struct lf_tele_store *to;          /* a store of files, opened by_hand, that nobody else writes */
    struct lf_db *from;                /* with lf_tele_migrations applied, and nobody writes it */
    size_t rows;                       /* in one commit; 0 = 5000 */
    void (*told)(void *user, int64_t); /* after each commit: rows so far. May be NULL */
    void *user;
};
/* All that `from` holds and `to` does not have yet: packets, refused ones and corrections with their ids, readings, newest values. When it
 * was interrupted it goes on where it was, as long as `from` has not taken packets since (see lf_tele_take_stamp). At the end everything
 * is sealed, and counted on both sides. */
lf_rc lf_tele_take_files(const struct lf_tele_take_config *c, struct lf_err *err) LF_MUST_CHECK;
/* Changes with each commit that brings packets: what was taken before is only worth going on with while it is the same. */
lf_rc lf_tele_take_stamp(struct lf_db *from, int64_t *stamp, struct lf_err *err) LF_MUST_CHECK;
#endif
