/* Every SQL of the program is asked of both engines: the statements of the rooms' .sql files are prepared, and what is made of the
 * tables (core/res_sql.c, res_read.c) is run: for every record each filter alone, as a range and with several values, each order in
 * both directions, from the start and after a cursor, with and without a search. */
#include "app/rooms.h"
#include "core/account.h"
#include "core/res_sql.h"
#include "core/value.h"
#include "db/testing.h"
#include "rooms/statements.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct lf_test_db at;
static struct lf_app *app; /* NULL: the engine is not there */
static struct lf_ctx cx;

static void setup(bool postgres)
{
    struct lf_err err = { 0 };
    if (!lf_test_db_there(postgres))
        return;
    lf_test_db_new(&at, postgres);
    if (lf_app_start(&app,
                     &(struct lf_app_config){ .db_url = at.url,
                                              .data_dir = at.dir,
                                              .room = app_rooms,
                                              .nroom = app_room_count,
                                              .role = app_roles,
                                              .nrole = app_role_count },
                     &err))
        fail_msg("%s", err.msg);
    lf_ctx_system(&cx, app);
}

static int test_setup_sqlite(void **state)
{
    setup(false);
    return 0;
}

static int test_setup_postgres(void **state)
{
    setup(true);
    return 0;
}

static int test_teardown(void **state)
{
    if (!app)
        return 0;
    lf_ctx_free(&cx);
    lf_app_stop(app);
    app = NULL;
    lf_test_db_drop(&at);
    return 0;
}

/* ---- statements of .sql files ----------------------------------------------------------------------- */

/* The highest $n. */
static int parameters(const char *sql)
{
    int most = 0, n, used;
    for (const char *s = sql; (s = strchr(s, '$')); s++)
        if (sscanf(s + 1, "%d%n", &n, &used) == 1 && n > most)
            most = n;
    return most;
}

static void statements_are_understood(void **state)
{
    if (!app) {
        skip();
        return;
    }
    struct lf_val arg[64 + 2 * LF_SCOPE_MAX];
    int bad = 0, count = 0;
    for (size_t i = 0; i < room_statement_lists; i++)
        for (size_t k = 0; k < room_statements[i]->n; k++, count++) {
            const struct lf_statement *s = &room_statements[i]->list[k];
            int n = parameters(s->sql);
            assert_true(n < 64);
            lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
            if (!rc)
                rc = lf_sql_check(&cx, lf_sql_scope(&cx, s->sql, arg, &n));
            if (lf_tx_end(&cx, rc)) {
                print_error("%s %s: %s\n", room_statements[i]->room, s->name, cx.err.msg);
                bad++;
            }
        }
    assert_int_equal(bad, 0);
    assert_true(count > 50);
}

/* ---- what is made of the tables ------------------------------------------------------------------------- */

static int asked, refused;

static lf_rc no_row(void *user, struct lf_ctx *c, const void *row, const lf_text *label) { return LF_OK; }

static void ask(const struct lf_res *r, const char *what, const struct lf_query *q)
{
    lf_text next;
    int64_t n;
    lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
    if (!rc)
        rc = lf_res_each(&cx, r, q, no_row, NULL, &next);
    if (!rc && !q->after.n)
        rc = lf_res_count(&cx, r, q, 100, &n);
    asked++;
    if (lf_tx_end(&cx, rc)) {
        print_error("%s, %s: %s\n", r->name, what, cx.err.msg);
        refused++;
    }
}

/* A value that the field's filter takes; second: another one, when there is one. */
static const char *example(const struct lf_field *f, bool second)
{
    if (f->dict)
        return f->dict->item[second && f->dict->n > 1].code;
    switch (f->type) {
    case LF_T_DAY: return "2026-01-01";
    case LF_T_MS: return "2026-01-01T00:00:00+08:00";
    case LF_T_BOOL: return second ? "false" : "true";
    default: return second ? "2" : "1";
    }
}

static void ask_filter(const struct lf_res *r, const struct lf_field *f, const char *name, const char *value)
{
    const struct lf_filter one = { lf_str(name), lf_str(value) };
    ask(r, name, &(struct lf_query){ .filter = &one, .nfilter = 1, .limit = 20 });
    ask(r, name, &(struct lf_query){ .filter = &one, .nfilter = 1, .q = LF_TEXT("a%'_\\"), .limit = 0 });
}

static void ask_filters(const struct lf_res *r, const struct lf_field *f)
{
    char from[80], to[80], both[200];
    snprintf(from, sizeof from, "from_%s", f->name);
    snprintf(to, sizeof to, "to_%s", f->name);
    snprintf(both, sizeof both, "%s,%s", example(f, false), example(f, true));
    ask_filter(r, f, f->name, example(f, false));
    ask_filter(r, f, f->name, both);
    if (lf_field_is_set(f) || f->flags & LF_SCOPED)
        return;
    ask_filter(r, f, from, example(f, false));
    ask_filter(r, f, to, example(f, false));
}

/* As res_read.c writes it: '=' and the exact value, or '~' for null, 0x1f, the id. */
static lf_text cursor(const struct lf_field *f, bool null)
{
    char raw[200];
    static char text[400];
    struct lf_val v = { .null = true };
    if (!null && lf_val_parse(&cx, f, lf_str(example(f, false)), &v))
        fail_msg("%s: %s", f->name, cx.err.msg);
    lf_text x = lf_val_exact(&cx.arena, v);
    int n = snprintf(raw, sizeof raw, "%c%.*s\x1f%d", null ? '~' : '=', (int)x.n, x.n ? x.p : "", 5);
    sodium_bin2base64(text, sizeof text, (const unsigned char *)raw, (size_t)n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return lf_str(text);
}

static void ask_order(const struct lf_res *r, const struct lf_field *f)
{
    char down[80];
    snprintf(down, sizeof down, "-%s", f->name);
    const char *const sort[] = { f->name, down };
    for (size_t i = 0; i < LF_COUNT(sort); i++) {
        ask(r, sort[i], &(struct lf_query){ .sort = lf_str(sort[i]), .limit = 20 });
        ask(r, sort[i], &(struct lf_query){ .sort = lf_str(sort[i]), .limit = 20, .after = cursor(f, false) });
        ask(r, sort[i], &(struct lf_query){ .sort = lf_str(sort[i]), .limit = 20, .after = cursor(f, true) });
    }
}

static void ask_record(const struct lf_res *r)
{
    const struct lf_filter box = { LF_TEXT("bbox"), LF_TEXT("117,36,119,38") };
    ask(r, "all", &(struct lf_query){ .limit = 0 });
    ask(r, "search", &(struct lf_query){ .q = LF_TEXT("厂"), .limit = 20 });
    if (lf_res_field(r, LF_TEXT("lon")) && lf_res_field(r, LF_TEXT("lat")))
        ask(r, "bbox", &(struct lf_query){ .filter = &box, .nfilter = 1, .limit = 20 });
    ask_order(r, &r->field[0]);
    for (int i = 1; i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        if (f->flags & (LF_FILTER | LF_SCOPED))
            ask_filters(r, f);
        if (f->flags & LF_FILTER)
            ask_order(r, f);
    }
}

static void lists_are_understood(void **state)
{
    if (!app) {
        skip();
        return;
    }
    /* all, a county, several places, nothing: each its own SQL */
    const struct lf_scope few[] = {
        { .n = 1, .range = { { LF_TEXT("370302"), LF_TEXT("370302~") } } },
        { .n = 2, .range = { { LF_TEXT("370302001"), LF_TEXT("370302001~") }, { LF_TEXT("370303002"), LF_TEXT("370303002~") } } },
        { .n = 0 },
    };
    asked = refused = 0;
    for (int i = 0; i < app->nres; i++) {
        const struct lf_scope whole = cx.scope;
        ask_record(app->res[i]);
        for (size_t k = 0; k < LF_COUNT(few); k++) {
            cx.scope = few[k];
            ask(app->res[i], "within a scope", &(struct lf_query){ .q = LF_TEXT("x"), .limit = 20 });
        }
        cx.scope = whole;
        lf_arena_reset(&cx.arena);
    }
    assert_int_equal(refused, 0);
    assert_true(asked > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = { LF_BOTH(statements_are_understood), LF_BOTH(lists_are_understood) };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
