#include "core/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

int lf_test_app_new(void **state, bool postgres, const struct lf_room *const *room, int nroom, const struct lf_role_seed *role, int nrole)
{
    struct lf_test_app *f = lf_new(sizeof *f);
    struct lf_err err = { 0 };
    *state = f;
    if (!lf_test_db_there(postgres))
        return 0;
    lf_test_db_new(&f->t, postgres);
    const struct lf_app_config c = { .db_url = f->t.url, .data_dir = f->t.dir, .room = room, .nroom = nroom, .role = role, .nrole = nrole };
    if (lf_app_start(&f->app, &c, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    lf_ctx_system(&f->cx, f->app);
    return 0;
}

int lf_test_app_drop(void **state)
{
    struct lf_test_app *f = *state;
    lf_now_shift(0);
    if (f->app) {
        lf_ctx_free(&f->cx);
        lf_app_stop(f->app);
        lf_test_db_drop(&f->t);
    }
    lf_release(f);
    return 0;
}

struct lf_test_app *lf_test_app_there(void **state)
{
    struct lf_test_app *f = *state;
    if (!f->app)
        skip();
    return f;
}

void lf_test_begin(struct lf_ctx *cx, enum lf_tx_kind kind) { assert_int_equal(lf_tx_begin(cx, kind), LF_OK); }
lf_rc lf_test_end(struct lf_ctx *cx, lf_rc rc) { return lf_tx_end(cx, rc); }

void lf_test_good(struct lf_ctx *cx, lf_rc rc)
{
    if (lf_tx_end(cx, rc))
        fail_msg("%s", cx->err.msg);
}

lf_id lf_test_person(struct lf_test_app *f, const char *login, const char *role, const char *area, const char *password)
{
    char hash[128] = "";
    lf_id id;
    if (password)
        assert_int_equal(lf_password_hash(&f->cx, lf_str(password), hash), LF_OK);
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_test_good(&f->cx, lf_account_add(&f->cx, login, login, role, area, password ? hash : NULL, &id));
    return id;
}

struct lf_ctx lf_test_acting(struct lf_test_app *f, lf_id who)
{
    struct lf_ctx cx = { .app = f->app, .db = f->app->db };
    lf_test_begin(&cx, LF_TX_READ);
    lf_test_good(&cx, lf_login_as(&cx, who));
    return cx;
}

char *lf_test_sql(struct lf_test_app *f, const char *path)
{
    char *text = lf_alloc(&f->cx.arena, 8192);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    text[fread(text, 1, 8191, in)] = 0;
    fclose(in);
    return text;
}

void lf_test_run(struct lf_test_app *f, const char *path)
{
    lf_test_begin(&f->cx, LF_TX_WRITE);
    for (char *sql = lf_test_sql(f, path), *end; (end = strstr(sql, ";\n")); sql = end + 2) {
        *end = 0;
        if (lf_sql_run(&f->cx, sql, NULL, 0, NULL))
            fail_msg("%s: %s", sql, f->cx.err.msg);
    }
    lf_test_good(&f->cx, LF_OK);
}

int64_t lf_test_number(struct lf_test_app *f, const char *sql)
{
    struct lf_val v = { .t = LF_T_INT };
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_sql_one(&f->cx, sql, NULL, 0, &v, 1));
    return v.i;
}
