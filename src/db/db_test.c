/* db_test.c - one interface, two engines: everything here runs on a real SQLite and on a real PostgreSQL. */
#include "base/testing.h"
#include "db/testing.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

struct fix {
    struct lf_test_db t;
    struct lf_db *db;
    struct lf_ctx cx;
};

static int setup(void **state, bool postgres)
{
    *state = NULL;
    if (!lf_test_db_there(postgres))
        return 0;
    struct fix *f = lf_new(sizeof *f);
    struct lf_err err;
    lf_test_db_new(&f->t, postgres);
    if (lf_db_open(&f->db, &(struct lf_db_config){ .url = f->t.url, .readers = 2, .wait_ms = 300 }, &err))
        fail_msg("%s", err.msg);
    f->cx = (struct lf_ctx){ .db = f->db };
    *state = f;
    return 0;
}
static int test_setup_sqlite(void **state) { return setup(state, false); }
static int test_setup_postgres(void **state) { return setup(state, true); }

static int test_teardown(void **state)
{
    struct fix *f = *state;
    if (!f)
        return 0;
    struct lf_db_stats s = lf_db_stats(f->db);
    lf_db_close(f->db);
    lf_test_db_drop(&f->t);
    lf_arena_free(&f->cx.arena);
    lf_release(f);
    return s.held ? -1 : 0; /* a connection was left behind */
}

static struct fix *fix(void **state)
{
    if (!*state)
        skip();
    return *state;
}

/* Says the message when it is not what was wanted. */
#define want(expr, code) \
    do { \
        lf_rc rc_ = (expr); \
        if (rc_ != (code)) \
            fail_msg("%s: %d %s", #expr, (int)rc_, cx->err.msg); \
    } while (0)
#define good(expr) want(expr, LF_OK)

static void sql(struct lf_ctx *cx, const char *text) { good(lf_sql_run(cx, text, NULL, 0, NULL)); }

static void migrate(struct fix *f, const char *text)
{
    struct lf_err err = { 0 };
    const struct lf_migration m = { "test/0001", text };
    int applied = 0;
    if (lf_db_migrate(f->db, &m, 1, &applied, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(applied, 1);
}

static int64_t number(struct lf_ctx *cx, const char *text)
{
    struct lf_val v = { .t = LF_T_INT };
    good(lf_sql_one(cx, text, NULL, 0, &v, 1));
    return v.i;
}

static const char every_type[] =
    "CREATE TABLE v (id @id, i @int, r @real, b @bool, s @text, m @money, d @day, t @ms, x @blob) @strict; -- @nonsense in a comment\n";

/* ---- values ----------------------------------------------------------------------------------------------- */

static void insert(struct lf_ctx *cx, int64_t i, double r, bool b, lf_text s, int32_t d, lf_text x)
{
    const struct lf_val v[] = {
        lf_val_int(i),           lf_val_real(r), lf_val_bool(b), lf_val_text(s), lf_val_money((lf_money){ i }), lf_val_day((lf_day){ d }),
        lf_val_ms((lf_ms){ i }), lf_val_blob(x)
    };
    good(lf_sql_run(cx, "INSERT INTO v (i, r, b, s, m, d, t, x) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", v, LF_COUNT(v), NULL));
}

static void values_return_as_they_went(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    char all[256], large[100000];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    memset(large, 'z', sizeof large);
    const lf_text texts[] = {
        LF_TEXT(""), LF_TEXT("蓝天白云、繁星闪烁 🌌 e\u0301"), LF_TEXT("'; DROP TABLE v; -- \\ \" %s $1 ?1"), { large, sizeof large }
    };
    const double reals[] = { 0.1, -1.0 / 3, 1.7976931348623157e308, 5e-324 };
    const int64_t ints[] = { 0, INT64_MAX, INT64_MIN + 1, -1 }; /* INT64_MIN is our null */
    const int32_t days[] = { 0, INT32_MAX, INT32_MIN + 1, -1 };
    migrate(f, every_type);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    for (int i = 0; i < 4; i++)
        insert(cx, ints[i], reals[i], i & 1, texts[i], days[i], i == 3 ? LF_TEXT("") : (lf_text){ all, sizeof all });
    struct lf_cur cur;
    good(lf_sql_open(cx, "SELECT i, r, b, s, m, d, t, x FROM v ORDER BY id", NULL, 0, 0, &cur));
    for (int i = 0; i < 4; i++) {
        struct lf_val v[] = { { .t = LF_T_INT },   { .t = LF_T_REAL }, { .t = LF_T_BOOL }, { .t = LF_T_TEXT },
                              { .t = LF_T_MONEY }, { .t = LF_T_DAY },  { .t = LF_T_MS },   { .t = LF_T_BLOB } };
        want(lf_cur_next(&cur), LF_ROW);
        for (int k = 0; k < 8; k++) {
            lf_cur_get(&cur, k, &v[k]);
            assert_false(v[k].null);
        }
        assert_true(v[0].i == ints[i] && v[4].i == ints[i] && v[6].i == ints[i] && v[5].i == days[i]);
        assert_memory_equal(&v[1].d, &reals[i], sizeof(double)); /* to the last bit */
        assert_int_equal(v[2].i, i & 1);
        assert_true(lf_text_eq(v[3].s, texts[i]));
        assert_int_equal(v[7].s.n, i == 3 ? 0 : 256);
        assert_memory_equal(v[7].s.p, all, v[7].s.n);
    }
    want(lf_cur_next(&cur), LF_DONE);
    good(lf_tx_end(cx, LF_OK)); /* closes the cursor too */
}

static void nulls_are_nulls(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_val v[] = { { .t = LF_T_INT },  { .t = LF_T_REAL }, { .t = LF_T_BOOL },
                          { .t = LF_T_TEXT }, { .t = LF_T_DAY },  { .t = LF_T_BLOB } };
    const struct lf_val n[] = { lf_val_int(LF_NULL64), lf_val_real((double)NAN), lf_val_text((lf_text){ 0 }),
                                lf_val_day((lf_day){ LF_NULL32 }), lf_val_blob((lf_text){ 0 }) };
    migrate(f, every_type);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    good(lf_sql_run(cx, "INSERT INTO v (i, r, s, d, x) VALUES ($1, $2, $3, $4, $5)", n, 5, NULL));
    good(lf_sql_one(cx, "SELECT i, r, b, s, d, x FROM v", NULL, 0, v, 6));
    for (int i = 0; i < 6; i++)
        assert_true(v[i].null);
    assert_int_equal(number(cx, "SELECT count(*) FROM v WHERE i IS NULL AND s IS NULL AND r IS NULL"), 1);
    want(lf_sql_one(cx, "SELECT i FROM v WHERE id = 99", NULL, 0, v, 1), LF_ENOTFOUND);
    good(lf_tx_end(cx, LF_OK));
}

static void texts_that_one_engine_would_spoil_are_refused_by_both(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    static const char *const cols[] = { "s" };
    migrate(f, every_type);
    const lf_text bad[] = { LF_TEXT("a\0b"),         LF_TEXT("\xff"),     LF_TEXT("\xc0\xaf"),
                            LF_TEXT("\xed\xa0\x80"), LF_TEXT("\xe4\xb8"), LF_TEXT("\xf5\x80\x80\x80") };
    good(lf_tx_begin(cx, LF_TX_WRITE));
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        struct lf_val v = lf_val_text(bad[i]), out = { .t = LF_T_INT };
        struct lf_cur cur;
        want(lf_sql_run(cx, "INSERT INTO v (s) VALUES ($1)", &v, 1, NULL), LF_EINVAL);
        want(lf_sql_one(cx, "SELECT count(*) FROM v WHERE s = $1", &v, 1, &out, 1), LF_EINVAL);
        want(lf_sql_open(cx, "SELECT id FROM v WHERE s = $1", &v, 1, LF_SQL_STREAM, &cur), LF_EINVAL);
        lf_cur_close(&cur); /* harmless after a failure */
        want(lf_sql_bulk(cx, "v", cols, 1, &v, 1, NULL, NULL), LF_EINVAL);
    }
    assert_int_equal(number(cx, "SELECT count(*) FROM v"), 0); /* and the transaction goes on */
    good(lf_tx_end(cx, LF_OK));
}

static void texts_compare_by_their_bytes(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    static const char *const order[] = { "B", "a", "b", "~", "é", "中", "🌌" };
    migrate(f, every_type);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    for (int i = (int)LF_COUNT(order) - 1; i >= 0; i--) {
        const struct lf_val v = lf_val_str(order[i]);
        good(lf_sql_run(cx, "INSERT INTO v (s) VALUES ($1)", &v, 1, NULL));
    }
    struct lf_cur cur;
    good(lf_sql_open(cx, "SELECT s FROM v ORDER BY s", NULL, 0, 0, &cur));
    for (size_t i = 0; i < LF_COUNT(order); i++) {
        struct lf_val v = { .t = LF_T_TEXT };
        want(lf_cur_next(&cur), LF_ROW);
        lf_cur_get(&cur, 0, &v);
        assert_true(lf_text_is(v.s, order[i]));
    }
    good(lf_tx_end(cx, LF_OK));
}

/* ---- transactions ----------------------------------------------------------------------------------------- */

static void a_failed_transaction_leaves_nothing(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE));
    sql(cx, "INSERT INTO t (a) VALUES (1)");
    want(lf_tx_end(cx, LF_EINVAL), LF_EINVAL);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    sql(cx, "INSERT INTO t (a) VALUES (2)");
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (2)", NULL, 0, NULL), LF_ECONFLICT);
    want(lf_tx_end(cx, LF_ECONFLICT), LF_ECONFLICT);
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), 0);
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (3)", NULL, 0, NULL), LF_EBUG);
    want(lf_tx_end(cx, LF_EBUG), LF_EBUG);
}

/* PostgreSQL rolls such a transaction back and calls the COMMIT a success: it must not look stored. SQLite keeps the good rows. */
static void a_swallowed_error_is_never_a_silent_loss(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE));
    sql(cx, "INSERT INTO t (a) VALUES (1)");
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (1)", NULL, 0, NULL), LF_ECONFLICT);
    lf_rc rc = lf_tx_end(cx, LF_OK);
    good(lf_tx_begin(cx, LF_TX_READ));
    int64_t n = number(cx, "SELECT count(*) FROM t");
    good(lf_tx_end(cx, LF_OK));
    assert_true((rc == LF_OK && n == 1) || (rc == LF_EBUG && n == 0));
}

static void savepoints_undo_one_row(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE));
    for (int i = 0; i < 6; i++) { /* 0 1 2 0 1 2: the second half is refused, row by row */
        const struct lf_val v = lf_val_int(i % 3);
        good(lf_tx_savepoint(cx));
        want(lf_tx_savepoint(cx), LF_EBUG);
        lf_rc rc = lf_sql_run(cx, "INSERT INTO t (a) VALUES ($1)", &v, 1, NULL);
        assert_int_equal(rc, i < 3 ? LF_OK : LF_ECONFLICT);
        assert_int_equal(lf_tx_savepoint_end(cx, rc), rc);
    }
    good(lf_tx_end(cx, LF_OK));
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), 3);
    good(lf_tx_end(cx, LF_OK));
}

static void a_statement_wants_a_transaction(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_cur cur;
    want(lf_sql_run(cx, "SELECT 1", NULL, 0, NULL), LF_EBUG);
    want(lf_sql_open(cx, "SELECT 1", NULL, 0, 0, &cur), LF_EBUG);
    lf_cur_close(&cur);
    want(lf_tx_end(cx, LF_OK), LF_EBUG);
    want(lf_tx_savepoint(cx), LF_EBUG);
    good(lf_tx_begin(cx, LF_TX_READ));
    want(lf_tx_begin(cx, LF_TX_READ), LF_EBUG);
    want(lf_sql_run(cx, "SELEKT 1", NULL, 0, NULL), LF_EDB);
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
}

static void a_reader_keeps_its_picture(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx, w = { .db = f->db };
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), 0);
    assert_int_equal(lf_tx_begin(&w, LF_TX_WRITE), LF_OK);
    sql(&w, "INSERT INTO t (a) VALUES (1)");
    assert_int_equal(lf_tx_end(&w, LF_OK), LF_OK);
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), 0);
    good(lf_tx_end(cx, LF_OK));
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), 1);
    good(lf_tx_end(cx, LF_OK));
    lf_arena_free(&w.arena);
}

/* ---- cursors and bulk --------------------------------------------------------------------------------------- */

enum { MANY = 20011 };
static void fill(struct lf_ctx *cx)
{
    static const char *const cols[] = { "a", "s" };
    struct lf_val *v = lf_new(sizeof *v * 2 * MANY);
    int64_t n = 0;
    for (int i = 0; i < MANY; i++) {
        v[2 * i] = lf_val_int(i);
        v[2 * i + 1] = i % 7 ? lf_val_str("行") : lf_val_text((lf_text){ 0 });
    }
    good(lf_tx_begin(cx, LF_TX_WRITE));
    good(lf_sql_bulk(cx, "t", cols, 2, v, MANY, NULL, &n));
    assert_int_equal(n, MANY);
    good(lf_sql_bulk(cx, "t", cols, 2, v, 700, "ON CONFLICT DO NOTHING", &n)); /* all there already */
    assert_int_equal(n, 0);
    good(lf_sql_bulk(cx, "t", cols, 2, v, 0, NULL, &n));
    good(lf_tx_end(cx, LF_OK));
    lf_release(v);
}

static void cursors_stream_bulk_rows(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    fill(cx);
    for (unsigned flags = 0; flags <= LF_SQL_STREAM; flags++) {
        struct lf_cur cur;
        int64_t n = 0;
        lf_rc rc;
        good(lf_tx_begin(cx, LF_TX_READ));
        good(lf_sql_open(cx, "SELECT a, s FROM t ORDER BY a", NULL, 0, flags, &cur));
        while ((rc = lf_cur_next(&cur)) == LF_ROW) {
            struct lf_val a = { .t = LF_T_INT }, s = { .t = LF_T_TEXT };
            lf_cur_get(&cur, 0, &a);
            lf_cur_get(&cur, 1, &s);
            assert_true(a.i == n && s.null == (n % 7 == 0));
            n++;
        }
        assert_int_equal(rc, LF_DONE);
        assert_int_equal(n, MANY);
        lf_cur_close(&cur);
        /* One that is left in the middle: the connection must be as good as new. */
        good(lf_sql_open(cx, "SELECT a FROM t", NULL, 0, flags, &cur));
        for (int i = 0; i < 5; i++)
            want(lf_cur_next(&cur), LF_ROW);
        lf_cur_close(&cur);
        lf_cur_close(&cur); /* twice is harmless */
        assert_int_equal(number(cx, "SELECT count(*) FROM t"), MANY);
        good(lf_sql_open(cx, "SELECT a FROM t", NULL, 0, flags, &cur));
        want(lf_cur_next(&cur), LF_ROW);
        good(lf_tx_end(cx, LF_OK)); /* and one that nobody closes */
    }
}

static void an_error_in_mid_stream_is_told(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_cur cur;
    lf_rc rc;
    const char *boom = f->t.postgres ? "SELECT 1 / (1000 - a) FROM t ORDER BY a"
                                     : "SELECT abs(a - 1000 + (-9223372036854775807 - 1) * (a = 1000)) FROM t ORDER BY a";
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    fill(cx);
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_sql_open(cx, boom, NULL, 0, LF_SQL_STREAM, &cur));
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
    }
    assert_int_equal(rc, LF_EDB);
    lf_cur_close(&cur);
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM t"), MANY);
    good(lf_tx_end(cx, LF_OK));
}

static void nested_use_of_one_text(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    static const char one[] = "SELECT a FROM t WHERE a < $1 ORDER BY a";
    const struct lf_val three = lf_val_int(3);
    int pairs = 0;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    fill(cx);
    good(lf_tx_begin(cx, LF_TX_READ));
    struct lf_cur outer, inner;
    good(lf_sql_open(cx, one, &three, 1, 0, &outer));
    while (lf_cur_next(&outer) == LF_ROW) {
        good(lf_sql_open(cx, one, &three, 1, 0, &inner));
        while (lf_cur_next(&inner) == LF_ROW)
            pairs++;
        lf_cur_close(&inner);
    }
    assert_int_equal(pairs, 9);
    good(lf_tx_end(cx, LF_OK));
}

static void more_statements_than_the_cache_holds(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    for (int round = 0; round < 2; round++) {
        good(lf_tx_begin(cx, LF_TX_READ));
        for (int i = 0; i < 600; i++)
            assert_int_equal(number(cx, lf_printf(&cx->arena, "SELECT %d", i)), i);
        good(lf_tx_end(cx, LF_OK));
    }
}

/* ---- the pool --------------------------------------------------------------------------------------------------- */

static void an_exhausted_pool_says_busy(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx, held[2] = { { .db = f->db }, { .db = f->db } };
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
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
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx, first = { .db = f->db };
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    assert_int_equal(lf_tx_begin(&first, LF_TX_WRITE), LF_OK);
    sql(&first, "INSERT INTO t (a) VALUES (1)");
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
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct worker w[6];
    struct lf_err err;
    struct lf_db *db = NULL;
    migrate(f, "CREATE TABLE t (a @int NOT NULL) @strict; INSERT INTO t (a) VALUES (0)");
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
    assert_int_equal(number(cx, "SELECT a FROM t"), 150);
    good(lf_tx_end(cx, LF_OK));
}

/* ---- a connection that is lost ------------------------------------------------------------------------------------ */

/* How many other sessions the pool of this schema has. */
static int64_t sessions(struct fix *f, struct lf_ctx *cx)
{
    char text[200];
    snprintf(text, sizeof text, "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND pid <> pg_backend_pid()",
             f->t.name);
    good(lf_tx_begin(cx, LF_TX_WRITE)); /* on the connection that kills, not on a second one */
    int64_t n = number(cx, text);
    good(lf_tx_end(cx, LF_OK));
    return n;
}

/* Kills every other session of this schema's pool, and returns when they are gone. */
static void kill_sessions(struct fix *f)
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
    sql(&cx, text);
    assert_int_equal(lf_tx_end(&cx, LF_OK), LF_OK);
    for (int i = 0; i < 3000 && sessions(f, &cx); i++)
        pause_ms(10);
    assert_int_equal(sessions(f, &cx), 0);
    lf_arena_free(&cx.arena);
    lf_db_close(db);
}

static void a_lost_connection_is_made_anew(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx, both = { .db = f->db };
    if (!f->t.postgres)
        return; /* SQLite has no server to lose */
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE)); /* fill both places of the pool */
    assert_int_equal(lf_tx_begin(&both, LF_TX_READ), LF_OK);
    assert_int_equal(lf_tx_end(&both, LF_OK), LF_OK);
    sql(cx, "INSERT INTO t (a) VALUES (1)");
    kill_sessions(f);
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (2)", NULL, 0, NULL), LF_EDB); /* in mid-transaction it cannot be hidden */
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
    for (int i = 0; i < 3; i++) { /* but nobody after that sees it */
        good(lf_tx_begin(cx, LF_TX_WRITE));
        assert_int_equal(lf_tx_begin(&both, LF_TX_READ), LF_OK);
        assert_int_equal(number(cx, "SELECT count(*) FROM t"), 0);
        assert_int_equal(lf_tx_end(&both, LF_OK), LF_OK);
        good(lf_tx_end(cx, LF_OK));
        if (i == 0)
            kill_sessions(f); /* while both are idle */
    }
    good(lf_tx_begin(cx, LF_TX_WRITE));
    sql(cx, "INSERT INTO t (a) VALUES (3)");
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

/* ---- scope ------------------------------------------------------------------------------------------------------------ */

static void scope_becomes_ranges(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    static const char text[] = "SELECT count(*) FROM t WHERE @scope(t.g) AND a >= $1 AND @scope(g)";
    migrate(f, "CREATE TABLE t (a @int NOT NULL, g @text NOT NULL) @strict; INSERT INTO t (a, g) VALUES (1, '370302'), (2, '370302001'), "
               "(3, '3703'), (4, '370303'), (5, '37030'), (6, '370302~')");
    good(lf_tx_begin(cx, LF_TX_READ));
    for (int n = 0; n <= 2; n++) {
        struct lf_val arg[1 + 2 * LF_SCOPE_MAX] = { lf_val_int(0) }, v = { .t = LF_T_INT };
        int na = 1;
        cx->scope =
            (struct lf_scope){ .n = n, .range = { { LF_TEXT("370302"), LF_TEXT("370302~") }, { LF_TEXT("370303"), LF_TEXT("370303~") } } };
        const char *sql_text = lf_sql_scope(cx, text, arg, &na);
        assert_int_equal(na, 1 + 2 * n);
        good(lf_sql_one(cx, sql_text, arg, na, &v, 1));
        assert_int_equal(v.i, n == 0 ? 0 : n == 1 ? 2 : 3);
    }
    good(lf_tx_end(cx, LF_OK));
}

/* ---- migrations --------------------------------------------------------------------------------------------------------- */

static lf_rc run_all(struct fix *f, const struct lf_migration *m, size_t n, struct lf_err *err)
{
    *err = (struct lf_err){ 0 };
    return lf_db_migrate(f->db, m, n, NULL, err);
}

static void migrations_go_forward_only(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_err err;
    struct lf_migration m[] = { { "a/0001", "CREATE TABLE a (x @int) @strict" },
                                { "a/0002", "ALTER TABLE a ADD COLUMN y @text DEFAULT '-- no @int comment'; INSERT INTO a (x) VALUES (1)" },
                                { "a/0003",
                                  "CREATE TABLE b (x @int) @strict; INSERT INTO b (x) VALUES (1); INSERT INTO nowhere (x) VALUES (1)" } };
    assert_int_equal(run_all(f, m, 2, &err), LF_OK);
    assert_int_equal(run_all(f, m, 2, &err), LF_OK); /* nothing is done twice */
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(number(cx, "SELECT count(*) FROM a"), 1);
    struct lf_val y = { .t = LF_T_TEXT };
    good(lf_sql_one(cx, "SELECT y FROM a", NULL, 0, &y, 1));
    assert_true(lf_text_is(y.s, "-- no @int comment"));
    good(lf_tx_end(cx, LF_OK));
    assert_true(run_all(f, m, 3, &err) < 0); /* the third fails and leaves nothing */
    good(lf_tx_begin(cx, LF_TX_READ));
    want(lf_sql_check(cx, "SELECT x FROM b"), LF_EDB);
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
    m[2].sql = "CREATE TABLE b (x @int) @strict";
    assert_int_equal(run_all(f, m, 3, &err), LF_OK);
    m[0].sql = "CREATE TABLE a (x @text) @strict";
    assert_true(run_all(f, m, 3, &err) < 0);
    assert_non_null(strstr(err.msg, "a/0001"));
    assert_non_null(strstr(err.msg, "HINT:"));
    m[0].sql = "CREATE TABLE a (x @int) @strict";
    assert_true(run_all(f, m, 2, &err) < 0); /* the database knows one that this program does not */
    assert_non_null(strstr(err.msg, "a/0003"));
    assert_non_null(strstr(err.msg, "HINT:"));
}

struct starter {
    pthread_t thread;
    struct fix *f;
    int applied;
    lf_rc rc;
};

static void *start(void *user)
{
    struct starter *s = user;
    struct lf_err err = { 0 };
    struct lf_db *db = NULL;
    const struct lf_migration m[] = { { "a/0001", "CREATE TABLE a (x @int) @strict" }, { "a/0002", "INSERT INTO a (x) VALUES (1)" } };
    s->rc = lf_db_open(&db, &(struct lf_db_config){ .url = s->f->t.url, .readers = 1, .wait_ms = 10000 }, &err);
    if (!s->rc)
        s->rc = lf_db_migrate(db, m, 2, &s->applied, &err);
    if (s->rc)
        fprintf(stderr, "%s\n", err.msg);
    lf_db_close(db);
    return NULL;
}

static void programs_that_start_together_migrate_once(void **state)
{
    struct fix *f = fix(state);
    struct starter s[5];
    int sum = 0;
    for (int i = 0; i < 5; i++) {
        s[i] = (struct starter){ .f = f };
        assert_int_equal(pthread_create(&s[i].thread, NULL, start, &s[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        pthread_join(s[i].thread, NULL);
        assert_int_equal(s[i].rc, LF_OK);
        sum += s[i].applied;
    }
    assert_int_equal(sum, 2);
}

static void the_catalogue_tells_columns(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_db_column *c;
    int n;
    static const enum lf_type want_type[] = {
        LF_T_ID, LF_T_INT, LF_T_REAL, LF_T_BOOL, LF_T_TEXT, LF_T_MONEY, LF_T_DAY, LF_T_MS, LF_T_BLOB
    };
    migrate(f, every_type);
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_sql_columns_of(cx, "v", &c, &n));
    assert_int_equal(n, 9);
    assert_string_equal(c[8].name, "x");
    for (int i = 0; i < n; i++)
        assert_true(lf_sql_column_fits(cx, &c[i], want_type[i]));
    assert_false(lf_sql_column_fits(cx, &c[1], LF_T_TEXT) || lf_sql_column_fits(cx, &c[4], LF_T_INT) ||
                 lf_sql_column_fits(cx, &c[2], LF_T_ID));
    good(lf_sql_columns_of(cx, "no_such_table", &c, &n));
    assert_int_equal(n, 0);
    good(lf_tx_end(cx, LF_OK));
}

static void a_backup_is_whole(void **state)
{
    struct fix *f = fix(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_err err = { 0 };
    char path[128], url[160];
    struct lf_db *copy = NULL;
    migrate(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    fill(cx);
    snprintf(path, sizeof path, "%s/copy.db", f->t.dir);
    snprintf(url, sizeof url, "sqlite:%s", path);
    lf_rc rc = lf_db_backup(f->db, path, &err);
    assert_int_equal(rc, LF_OK);
    assert_int_equal(lf_db_backup(f->db, path, &err), LF_EINVAL); /* never over another file */
    if (f->t.postgres)
        return; /* put back by tests/cli.mjs: it needs a database of its own */
    assert_int_equal(lf_db_open(&copy, &(struct lf_db_config){ .url = url }, &err), LF_OK);
    struct lf_ctx k = { .db = copy };
    assert_int_equal(lf_tx_begin(&k, LF_TX_READ), LF_OK);
    assert_int_equal(number(&k, "SELECT count(*) FROM t"), MANY);
    assert_int_equal(lf_tx_end(&k, LF_OK), LF_OK);
    lf_arena_free(&k.arena);
    lf_db_close(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(values_return_as_they_went),
        LF_BOTH(nulls_are_nulls),
        LF_BOTH(texts_that_one_engine_would_spoil_are_refused_by_both),
        LF_BOTH(texts_compare_by_their_bytes),
        LF_BOTH(a_failed_transaction_leaves_nothing),
        LF_BOTH(a_swallowed_error_is_never_a_silent_loss),
        LF_BOTH(savepoints_undo_one_row),
        LF_BOTH(a_statement_wants_a_transaction),
        LF_BOTH(a_reader_keeps_its_picture),
        LF_BOTH(cursors_stream_bulk_rows),
        LF_BOTH(an_error_in_mid_stream_is_told),
        LF_BOTH(nested_use_of_one_text),
        LF_BOTH(more_statements_than_the_cache_holds),
        LF_BOTH(an_exhausted_pool_says_busy),
        LF_BOTH(two_writers_one_waits_and_is_told),
        LF_BOTH(threads_share_the_pool),
        LF_BOTH(a_lost_connection_is_made_anew),
        LF_BOTH(scope_becomes_ranges),
        LF_BOTH(migrations_go_forward_only),
        LF_BOTH(programs_that_start_together_migrate_once),
        LF_BOTH(the_catalogue_tells_columns),
        LF_BOTH(a_backup_is_whole),
        cmocka_unit_test(a_wrong_address_says_what_to_do),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
