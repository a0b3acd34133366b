/* migrate_test.c - the schema and the whole: migrations, the catalogue, a backup, on both engines. */
#include "db/fix_testing.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static lf_rc run_all(struct db_fix *f, const struct lf_migration *m, size_t n, struct lf_err *err)
{
    *err = (struct lf_err){ 0 };
    return lf_db_migrate(f->db, m, n, NULL, err);
}

static void migrations_go_forward_only(void **state)
{
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_err err;
    struct lf_migration m[] = { { "a/0001", "CREATE TABLE a (x @int) @strict" },
                                { "a/0002", "ALTER TABLE a ADD COLUMN y @text DEFAULT '-- no @int comment'; INSERT INTO a (x) VALUES (1)" },
                                { "a/0003",
                                  "CREATE TABLE b (x @int) @strict; INSERT INTO b (x) VALUES (1); INSERT INTO nowhere (x) VALUES (1)" } };
    assert_int_equal(run_all(f, m, 2, &err), LF_OK);
    assert_int_equal(run_all(f, m, 2, &err), LF_OK); /* nothing is done twice */
    good(lf_tx_begin(cx, LF_TX_READ));
    assert_int_equal(db_number(cx, "SELECT count(*) FROM a"), 1);
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
    struct db_fix *f;
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
    struct db_fix *f = db_fix_there(state);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_db_column *c;
    int n;
    static const enum lf_type want_type[] = {
        LF_T_ID, LF_T_INT, LF_T_REAL, LF_T_BOOL, LF_T_TEXT, LF_T_MONEY, LF_T_DAY, LF_T_MS, LF_T_BLOB
    };
    db_make(f, db_every_type);
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
    struct db_fix *f = db_fix_there(state);
    struct lf_ctx *cx = &f->cx;
    struct lf_err err = { 0 };
    char path[128], url[160];
    struct lf_db *copy = NULL;
    db_make(f, "CREATE TABLE t (a @int NOT NULL PRIMARY KEY, s @text) @strict");
    db_fill(cx);
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
    assert_int_equal(db_number(&k, "SELECT count(*) FROM t"), DB_MANY);
    assert_int_equal(lf_tx_end(&k, LF_OK), LF_OK);
    lf_arena_free(&k.arena);
    lf_db_close(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(migrations_go_forward_only),
        LF_BOTH(programs_that_start_together_migrate_once),
        LF_BOTH(the_catalogue_tells_columns),
        LF_BOTH(a_backup_is_whole),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
