#include "db/fix_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

const char db_every_type[] =
    "CREATE TABLE v (id @id, i @int, r @real, b @bool, s @text, m @money, d @day, t @ms, x @blob) @strict; -- @nonsense in a comment\n";

static int setup(void **state, bool postgres)
{
    *state = NULL;
    if (!lf_test_db_there(postgres))
        return 0;
    struct db_fix *f = lf_new(sizeof *f);
    struct lf_err err;
    lf_test_db_new(&f->t, postgres);
    if (lf_db_open(&f->db, &(struct lf_db_config){ .url = f->t.url, .readers = 2, .wait_ms = 300 }, &err))
        fail_msg("%s", err.msg);
    f->cx = (struct lf_ctx){ .db = f->db };
    *state = f;
    return 0;
}
int test_setup_sqlite(void **state) { return setup(state, false); }
int test_setup_postgres(void **state) { return setup(state, true); }

int test_teardown(void **state)
{
    struct db_fix *f = *state;
    if (!f)
        return 0;
    struct lf_db_stats s = lf_db_stats(f->db);
    lf_db_close(f->db);
    lf_test_db_drop(&f->t);
    lf_arena_free(&f->cx.arena);
    lf_release(f);
    return s.held ? -1 : 0; /* a connection was left behind */
}

struct db_fix *db_fix_there(void **state)
{
    if (!*state)
        skip();
    return *state;
}

void db_sql(struct lf_ctx *cx, const char *text) { good(lf_sql_run(cx, text, NULL, 0, NULL)); }

void db_make(struct db_fix *f, const char *text)
{
    struct lf_err err = { 0 };
    const struct lf_migration m = { "test/0001", text };
    int applied = 0;
    if (lf_db_migrate(f->db, &m, 1, &applied, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(applied, 1);
}

int64_t db_number(struct lf_ctx *cx, const char *text)
{
    struct lf_val v = { .t = LF_T_INT };
    good(lf_sql_one(cx, text, NULL, 0, &v, 1));
    return v.i;
}

void db_fill(struct lf_ctx *cx)
{
    static const char *const cols[] = { "a", "s" };
    struct lf_val *v = lf_new(sizeof *v * 2 * DB_MANY);
    int64_t n = 0;
    for (int i = 0; i < DB_MANY; i++) {
        v[2 * i] = lf_val_int(i);
        v[2 * i + 1] = i % 7 ? lf_val_str("行") : lf_val_text((lf_text){ 0 });
    }
    good(lf_tx_begin(cx, LF_TX_WRITE));
    good(lf_sql_bulk(cx, "t", cols, 2, v, DB_MANY, NULL, &n));
    assert_int_equal(n, DB_MANY);
    good(lf_sql_bulk(cx, "t", cols, 2, v, 700, "ON CONFLICT DO NOTHING", &n)); /* all there already */
    assert_int_equal(n, 0);
    good(lf_sql_bulk(cx, "t", cols, 2, v, 0, NULL, &n));
    good(lf_tx_end(cx, LF_OK));
    lf_release(v);
}
