/* The pool on a PostgreSQL that goes away and comes back: what was open fails and is undone, what comes later works by itself. Runs with a
 * PostgreSQL of its own (tools/with_postgres), because it stops it. */
#include "db/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { CONNECTIONS = 3 };
static struct lf_test_db t;
static struct lf_db *db;

static void control(const char *what)
{
    char command[500];
    snprintf(command, sizeof command, "%s %s >/dev/null 2>&1", getenv("LANFAN_TEST_PG_CTL"), what);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    struct lf_err err = { 0 };
    const struct lf_migration m = { "test/0001", "CREATE TABLE thing (id @id, name @text NOT NULL)" };
    lf_test_db_new(&t, true);
    if (lf_db_open(&db, &(struct lf_db_config){ .url = t.url, .readers = CONNECTIONS, .wait_ms = 300 }, &err) ||
        lf_db_migrate(db, &m, 1, NULL, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int teardown(void **state)
{
    lf_db_close(db);
    lf_test_db_drop(&t);
    return 0;
}

static lf_rc insert(struct lf_ctx *cx, const char *name)
{
    const struct lf_val v[] = { lf_val_str(name) };
    return lf_sql_run(cx, "INSERT INTO thing (name) VALUES ($1)", v, 1, NULL);
}

static int64_t count(struct lf_ctx *cx)
{
    struct lf_val n = { .t = LF_T_INT };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_sql_one(cx, "SELECT count(*) FROM thing", NULL, 0, &n, 1);
    return lf_tx_end(cx, rc) ? -1 : n.i;
}

/* Every connection of the pool is used at once, each with a statement that is prepared on it. */
static void all_work(struct lf_ctx cx[CONNECTIONS], const char *name)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (lf_tx_begin(&cx[i], LF_TX_WRITE) || insert(&cx[i], name))
            fail_msg("%s", cx[i].err.msg);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        if (lf_tx_end(&cx[i], LF_OK))
            fail_msg("%s", cx[i].err.msg);
}

static void the_pool_comes_back(void **state)
{
    struct lf_ctx cx[CONNECTIONS] = { { .db = db }, { .db = db }, { .db = db } };
    struct lf_cur cur;
    all_work(cx, "before");
    /* a write, a stream and a transaction that waits for its COMMIT are open */
    assert_int_equal(lf_tx_begin(&cx[0], LF_TX_WRITE), LF_OK);
    assert_int_equal(insert(&cx[0], "lost"), LF_OK);
    assert_int_equal(lf_tx_begin(&cx[1], LF_TX_READ), LF_OK);
    assert_int_equal(lf_sql_open(&cx[1], "SELECT name FROM thing, generate_series(1, 1000000)", NULL, 0, LF_SQL_STREAM, &cur), LF_OK);
    assert_int_equal(lf_cur_next(&cur), LF_ROW);
    assert_int_equal(lf_tx_begin(&cx[2], LF_TX_WRITE), LF_OK);
    assert_int_equal(insert(&cx[2], "lost too"), LF_OK);
    control("-m immediate stop");
    assert_int_equal(insert(&cx[0], "never"), LF_EDB);
    assert_int_equal(lf_tx_end(&cx[0], LF_EDB), LF_EDB);
    lf_rc rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
    }
    assert_int_equal(rc, LF_EDB);
    lf_cur_close(&cur);
    assert_int_equal(lf_tx_end(&cx[1], rc), LF_EDB);
    assert_int_equal(lf_tx_end(&cx[2], LF_OK), LF_EDB); /* the COMMIT itself says so */
    for (int i = 0; i < 5; i++)                         /* and each later try, at once, without using up the pool */
        assert_int_equal(lf_tx_begin(&cx[i % CONNECTIONS], LF_TX_WRITE), LF_EDB);
    assert_int_equal(lf_db_stats(db).held, 0);
    control("start");
    assert_int_equal(count(&cx[0]), CONNECTIONS);
    all_work(cx, "after");
    assert_int_equal(count(&cx[1]), 2 * CONNECTIONS);
    assert_int_equal(lf_db_stats(db).held, 0);
    for (int i = 0; i < CONNECTIONS; i++)
        lf_arena_free(&cx[i].arena);
}

/* Restarted between two requests: nobody sees anything of it. */
static void a_restart_between_is_not_seen(void **state)
{
    struct lf_ctx cx[CONNECTIONS] = { { .db = db }, { .db = db }, { .db = db } };
    all_work(cx, "before");
    control("-m immediate stop");
    control("start");
    all_work(cx, "after");
    assert_int_equal(count(&cx[0]), 2 * CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++)
        lf_arena_free(&cx[i].arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_pool_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_between_is_not_seen, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
