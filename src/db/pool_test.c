/* pool_test.c - connections that are shared, waited for and lost, on both engines. */
#include "base/testing.h"
#include "db/fix_testing.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- the pool --------------------------------------------------------------------------------------------------- */

static void an_exhausted_pool_says_busy(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx, held[2] = { { .db = f->db }, { .db = f->db } };
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    for (int i = 0; i < 2; i++)
        assert_int_equal(lf_tx_begin(&held[i], LF_TX_READ), LF_OK);
    assert_int_equal(lf_db_stats(f->db).held, 2);
    int64_t before = lf_now().ms;
    want(lf_tx_begin(cx, LF_TX_READ), LF_EBUSY);
    assert_true(lf_now().ms - before >= 250);
    assert_non_null(strstr(cx->err.msg, " | ")); /* a person reads this one */
    assert_int_equal(lf_tx_end(&held[0], LF_OK), LF_OK);
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_tx_end(cx, LF_OK));
    assert_int_equal(lf_tx_end(&held[1], LF_OK), LF_OK);
    for (int i = 0; i < 2; i++)
        lf_arena_free(&held[i].arena);
}

static void two_writers_one_waits_and_is_told(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx, first = { .db = f->db };
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    assert_int_equal(lf_tx_begin(&first, LF_TX_WRITE), LF_OK);
    db_sql(&first, "INSERT INTO t (a) VALUES (1)");
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, lf_sql_run(cx, "INSERT INTO t (a) VALUES (1)", NULL, 0, NULL));
    assert_int_equal(rc, LF_EBUSY);
    assert_int_equal(lf_tx_end(&first, LF_OK), LF_OK);
    lf_arena_free(&first.arena);
}

struct worker {
    pthread_t thread;
    struct lf_db *db;
    int bad;
};

static void *count_up(void *user)
{
    struct worker *w = user;
    struct lf_ctx cx = { .db = w->db };
    for (int i = 0; i < 50; i++) {
        lf_rc rc = lf_tx_begin(&cx, i % 2 ? LF_TX_WRITE : LF_TX_READ);
        if (!rc && i % 2)
            rc = lf_sql_run(&cx, "UPDATE t SET a = a + 1", NULL, 0, NULL);
        if (!rc && !(i % 2)) {
            struct lf_val v = { .t = LF_T_INT };
            rc = lf_sql_one(&cx, "SELECT a FROM t", NULL, 0, &v, 1);
        }
        w->bad += lf_tx_end(&cx, rc) != LF_OK;
        lf_arena_reset(&cx.arena);
    }
    lf_arena_free(&cx.arena);
    return NULL;
}

static void threads_share_the_pool(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct worker w[6];
    struct lf_err err;
    struct lf_db *db = NULL;
    db_make(f, "CREATE TABLE t (a @int NOT NULL) @strict; INSERT INTO t (a) VALUES (0)");
    assert_int_equal(lf_db_open(&db, &(struct lf_db_config){ .url = f->t.url, .readers = 3, .wait_ms = 20000 }, &err), LF_OK);
    for (int i = 0; i < 6; i++) {
        w[i] = (struct worker){ .db = db };
        assert_int_equal(pthread_create(&w[i].thread, NULL, count_up, &w[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].bad, 0);
    }
    lf_db_close(db);
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT a FROM t"), 150);
    good(lf_tx_end(cx, LF_OK));
}

/* ---- a connection that is lost ------------------------------------------------------------------------------------ */

/* How many other sessions the pool of this schema has. */
static int64_t sessions(struct db_fix *f, struct lf_ctx *cx)
{
    char text[200];
    snprintf(text, sizeof text, "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND pid <> pg_backend_pid()",
             f->t.name);
    good(lf_tx_begin(cx, LF_TX_WRITE)); /* on the connection that kills, not on a second one */
    int64_t n = db_number(cx, text);
    good(lf_tx_end(cx, LF_OK));
    return n;
}

/* Kills every other session of this schema's pool, and returns when they are gone. */
static void kill_sessions(struct db_fix *f)
{
    struct lf_db *db = NULL;
    struct lf_err err;
    char text[200];
    assert_int_equal(lf_db_open(&db, &(struct lf_db_config){ .url = f->t.url, .readers = 1 }, &err), LF_OK);
    struct lf_ctx cx = { .db = db };
    snprintf(text, sizeof text,
             "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '%s' AND pid <> "
             "pg_backend_pid()",
             f->t.name);
    assert_int_equal(lf_tx_begin(&cx, LF_TX_WRITE), LF_OK);
    db_sql(&cx, text);
    assert_int_equal(lf_tx_end(&cx, LF_OK), LF_OK);
    for (int i = 0; i < 3000 && sessions(f, &cx); i++)
        pause_ms(10);
    assert_int_equal(sessions(f, &cx), 0);
    lf_arena_free(&cx.arena);
    lf_db_close(db);
}

static void a_lost_connection_is_made_anew(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx, both = { .db = f->db };
    if (!f->t.postgres)
        return; /* SQLite has no server to lose */
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE)); /* fill both places of the pool */
    assert_int_equal(lf_tx_begin(&both, LF_TX_READ), LF_OK);
    assert_int_equal(lf_tx_end(&both, LF_OK), LF_OK);
    db_sql(cx, "INSERT INTO t (a) VALUES (1)");
    kill_sessions(f);
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (2)", NULL, 0, NULL), LF_EDB); /* in mid-transaction it cannot be hidden */
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
    for (int i = 0; i < 3; i++) { /* but nobody after that sees it */
        good(lf_tx_begin(cx, LF_TX_WRITE));
        assert_int_equal(lf_tx_begin(&both, LF_TX_READ), LF_OK);
        assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 0);
        assert_int_equal(lf_tx_end(&both, LF_OK), LF_OK);
        good(lf_tx_end(cx, LF_OK));
        if (i == 0)
            kill_sessions(f); /* while both are idle */
    }
    good(lf_tx_begin(cx, LF_TX_WRITE));
    db_sql(cx, "INSERT INTO t (a) VALUES (3)");
    kill_sessions(f);
    want(lf_tx_end(cx, LF_OK), LF_EDB); /* a COMMIT that did not arrive is not a success */
    struct lf_cur cur;
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_sql_open(cx, "SELECT a, repeat('x', 1000) FROM generate_series(1, 100000) a", NULL, 0, LF_SQL_STREAM, &cur));
    want(lf_cur_next(&cur), LF_ROW);
    kill_sessions(f);
    lf_rc rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
    }
    assert_int_equal(rc, LF_EDB);
    want(lf_tx_end(cx, rc), LF_EDB);
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_tx_end(cx, LF_OK));
    lf_arena_free(&both.arena);
}

static void a_wrong_address_says_what_to_do(void **state)
{
    static const char *const url[] = { "sqlite:/nowhere/at/all.db", "postgresql://nobody@127.0.0.1:1/none", "mysql://x" };
    for (size_t i = 0; i < LF_COUNT(url); i++) {
        struct lf_db *db = NULL;
        struct lf_err err = { 0 };
        assert_true(lf_db_open(&db, &(struct lf_db_config){ .url = url[i] }, &err) < 0);
        assert_null(db);
        assert_non_null(strstr(err.msg, "\nHINT: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(an_exhausted_pool_says_busy),    LF_BOTH(two_writers_one_waits_and_is_told),        LF_BOTH(threads_share_the_pool),
        LF_BOTH(a_lost_connection_is_made_anew), cmocka_unit_test(a_wrong_address_says_what_to_do),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
