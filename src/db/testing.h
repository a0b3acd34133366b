/* testing.h - a fresh database for a test, on either engine. For test programs only.
 *
 * PostgreSQL is the one at LANFAN_TEST_PG (tools/with_postgres starts it): each test gets a schema of its own. Without the variable
 * those tests are skipped, or fail when LANFAN_TEST_REQUIRE_PG is set. */
#ifndef LF_DB_TESTING_H
#define LF_DB_TESTING_H
#include "db/db.h"

struct lf_test_db {
    bool postgres;
    char dir[64];  /* holds the SQLite file, and whatever else the test writes */
    char url[600]; /* for lf_db_open */
    char name[40]; /* of the schema */
};
bool lf_test_db_there(bool postgres); /* false: to be skipped. Stops the program when the engine is required and not there */
void lf_test_db_new(struct lf_test_db *t, bool postgres);
void lf_test_db_drop(struct lf_test_db *t);

/* Each test twice: SKIP-aware set-up and tear-down are the suite's. */
#define LF_BOTH(fn) \
    { #fn " on SQLite", fn, test_setup_sqlite, test_teardown, NULL }, { #fn " on PostgreSQL", fn, test_setup_postgres, test_teardown, NULL }
#endif
