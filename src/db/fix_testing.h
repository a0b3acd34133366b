/* fix_testing.h - an open database for each test of the engines, and short words for what is done to it. For test programs only (cmocka). */
#ifndef LF_DB_FIX_TESTING_H
#define LF_DB_FIX_TESTING_H
#include "db/testing.h"

struct db_fix {
    struct lf_test_db t;
    struct lf_db *db; /* two readers; who waits does so for 0.3 s */
    struct lf_ctx cx;
};
/* Set-up and tear-down for LF_BOTH; a connection that was left behind is a failure. */
int test_setup_sqlite(void **state);
int test_setup_postgres(void **state);
int test_teardown(void **state);
struct db_fix *db_fix_there(void **state); /* skips the test when its engine is not there */

/* Says the message when it is not what was wanted. */
#define want(expr, code) \
    do { \
        lf_rc rc_ = (expr); \
        if (rc_ != (code)) \
            fail_msg("%s: %d %s", #expr, (int)rc_, cx->err.msg); \
    } while (0)
#define good(expr) want(expr, LF_OK)

extern const char db_every_type[]; /* makes table v with a column of each type */
enum { DB_MANY = 20011 };
void db_sql(struct lf_ctx *cx, const char *text);
void db_make(struct db_fix *f, const char *text); /* by a migration */
int64_t db_number(struct lf_ctx *cx, const char *text);
void db_fill(struct lf_ctx *cx); /* DB_MANY rows into t (a, s) */
#endif
