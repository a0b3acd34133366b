/* testing.h - a kernel over a fresh database, on either engine, and people who act in it. For test programs only. */
#ifndef LF_CORE_TESTING_H
#define LF_CORE_TESTING_H
#include "core/app.h"
#include "db/testing.h"

struct lf_test_app {
    struct lf_test_db t;
    struct lf_app *app; /* NULL: this engine is not there */
    struct lf_ctx cx;   /* the system */
};
/* Set-up and tear-down of cmocka; *state becomes a struct lf_test_app. */
int lf_test_app_new(void **state, bool postgres, const struct lf_room *const *room, int nroom, const struct lf_role_seed *role, int nrole);
int lf_test_app_drop(void **state);
struct lf_test_app *lf_test_app_there(void **state); /* skips the test when its engine is not there */

void lf_test_begin(struct lf_ctx *cx, enum lf_tx_kind kind);
lf_rc lf_test_end(struct lf_ctx *cx, lf_rc rc); /* ends the transaction with what came of it, and gives that back */
void lf_test_good(struct lf_ctx *cx, lf_rc rc); /* the same; it has to be good */
/* An account; password may be NULL. */
lf_id lf_test_person(struct lf_test_app *f, const char *login, const char *role, const char *area, const char *password);
struct lf_ctx lf_test_acting(struct lf_test_app *f, lf_id who); /* free with lf_ctx_free */
char *lf_test_sql(struct lf_test_app *f, const char *path);     /* the text of a file, of at most 8 KB */
void lf_test_run(struct lf_test_app *f, const char *path); /* the statements of a file, in one transaction; each ends in ";" and a line */
int64_t lf_test_number(struct lf_test_app *f, const char *sql);
#endif
