/* db_test.c - one interface, two engines: values, transactions, cursors and scope, each on a real SQLite and on a real PostgreSQL. */
#include "db/fix_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

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
    struct db_fix *f = db_fix_there(state);
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
    db_make(f, db_every_type);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_val v[] = { { .t = LF_T_INT },  { .t = LF_T_REAL }, { .t = LF_T_BOOL },
                          { .t = LF_T_TEXT }, { .t = LF_T_DAY },  { .t = LF_T_BLOB } };
    const struct lf_val n[] = { lf_val_int(LF_NULL64), lf_val_real((double)NAN), lf_val_text((lf_text){ 0 }),
                                lf_val_day((lf_day){ LF_NULL32 }), lf_val_blob((lf_text){ 0 }) };
    db_make(f, db_every_type);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    good(lf_sql_run(cx, "INSERT INTO v (i, r, s, d, x) VALUES ($1, $2, $3, $4, $5)", n, 5, NULL));
    good(lf_sql_one(cx, "SELECT i, r, b, s, d, x FROM v", NULL, 0, v, 6));
    for (int i = 0; i < 6; i++)
        assert_true(v[i].null);
    assert_int_equal(db_number(cx, "SELECT count(*) FROM v WHERE i IS NULL AND s IS NULL AND r IS NULL"), 1);
    want(lf_sql_one(cx, "SELECT i FROM v WHERE id = 99", NULL, 0, v, 1), LF_ENOTFOUND);
    good(lf_tx_end(cx, LF_OK));
}

static void texts_that_one_engine_would_spoil_are_refused_by_both(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    static const char *const cols[] = { "s" };
    db_make(f, db_every_type);
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
    assert_int_equal(db_number(cx, "SELECT count(*) FROM v"), 0); /* and the transaction goes on */
    good(lf_tx_end(cx, LF_OK));
}

static void texts_compare_by_their_bytes(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    static const char *const order[] = { "B", "a", "b", "~", "é", "中", "🌌" };
    db_make(f, db_every_type);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE));
    db_sql(cx, "INSERT INTO t (a) VALUES (1)");
    want(lf_tx_end(cx, LF_EINVAL), LF_EINVAL);
    good(lf_tx_begin(cx, LF_TX_WRITE));
    db_sql(cx, "INSERT INTO t (a) VALUES (2)");
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (2)", NULL, 0, NULL), LF_ECONFLICT);
    want(lf_tx_end(cx, LF_ECONFLICT), LF_ECONFLICT);
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 0);
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (3)", NULL, 0, NULL), LF_EBUG);
    want(lf_tx_end(cx, LF_EBUG), LF_EBUG);
}

/* PostgreSQL rolls such a transaction back and calls the COMMIT a success: it must not look stored. SQLite keeps the good rows. */
static void a_swallowed_error_is_never_a_silent_loss(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_WRITE));
    db_sql(cx, "INSERT INTO t (a) VALUES (1)");
    want(lf_sql_run(cx, "INSERT INTO t (a) VALUES (1)", NULL, 0, NULL), LF_ECONFLICT);
    lf_rc rc = lf_tx_end(cx, LF_OK);
    good(lf_tx_begin(cx, LF_TX_READ));
    int64_t n = db_number(cx, "SELECT count(*) FROM t");
    good(lf_tx_end(cx, LF_OK));
    assert_true((rc == LF_OK && n == 1) || (rc == LF_EBUG && n == 0));
}

static void savepoints_undo_one_row(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
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
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 3);
    good(lf_tx_end(cx, LF_OK));
}

static void a_statement_wants_a_transaction(void **state)
{
    struct db_fix *f = db_fix_there(state);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx, w = { .db = f->db };
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY) @strict");
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 0);
    assert_int_equal(lf_tx_begin(&w, LF_TX_WRITE), LF_OK);
    db_sql(&w, "INSERT INTO t (a) VALUES (1)");
    assert_int_equal(lf_tx_end(&w, LF_OK), LF_OK);
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 0);
    good(lf_tx_end(cx, LF_OK));
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), 1);
    good(lf_tx_end(cx, LF_OK));
    lf_arena_free(&w.arena);
}

/* ---- cursors and bulk --------------------------------------------------------------------------------------- */

static void cursors_stream_bulk_rows(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    db_fill(cx);
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
        assert_int_equal(n, DB_MANY);
        lf_cur_close(&cur);
        /* One that is left in the middle: the connection must be as good as new. */
        good(lf_sql_open(cx, "SELECT a FROM t", NULL, 0, flags, &cur));
        for (int i = 0; i < 5; i++)
            want(lf_cur_next(&cur), LF_ROW);
        lf_cur_close(&cur);
        lf_cur_close(&cur); /* twice is harmless */
        assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), DB_MANY);
        good(lf_sql_open(cx, "SELECT a FROM t", NULL, 0, flags, &cur));
        want(lf_cur_next(&cur), LF_ROW);
        good(lf_tx_end(cx, LF_OK)); /* and one that nobody closes */
    }
}

static void an_error_in_mid_stream_is_told(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_cur cur;
    lf_rc rc;
    const char *boom = f->t.postgres ? "SELECT 1 / (1000 - a) FROM t ORDER BY a"
                                     : "SELECT abs(a - 1000 + (-9223372036854775807 - 1) * (a = 1000)) FROM t ORDER BY a";
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    db_fill(cx);
    good(lf_tx_begin(cx, LF_TX_READ));
    good(lf_sql_open(cx, boom, NULL, 0, LF_SQL_STREAM, &cur));
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
    }
    assert_int_equal(rc, LF_EDB);
    lf_cur_close(&cur);
    want(lf_tx_end(cx, LF_EDB), LF_EDB);
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT count(*) FROM t"), DB_MANY);
    good(lf_tx_end(cx, LF_OK));
}

static void nested_use_of_one_text(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    static const char one[] = "SELECT a FROM t WHERE a < $1 ORDER BY a";
    const struct lf_val three = lf_val_int(3);
    int pairs = 0;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    db_fill(cx);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    for (int round = 0; round < 2; round++) {
        good(lf_tx_begin(cx, LF_TX_READ));
        for (int i = 0; i < 600; i++)
            assert_int_equal(db_number(cx, lf_printf(&cx->arena, "SELECT %d", i)), i);
        good(lf_tx_end(cx, LF_OK));
    }
}

/* ---- scope ------------------------------------------------------------------------------------------------------------ */

static void scope_becomes_ranges(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    static const char text[] = "SELECT count(*) FROM t WHERE @scope(t.g) AND a >= $1 AND @scope(g)";
    db_make(f, "CREATE TABLE t (a @int NOT NULL, g @text NOT NULL) @strict; INSERT INTO t (a, g) VALUES (1, '370302'), (2, '370302001'), "
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
        LF_BOTH(scope_becomes_ranges),
    };
    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
