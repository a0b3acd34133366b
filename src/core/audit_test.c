/* The audit trail as its readers meet it, on both engines: whose entries they see, what stays sealed, what a check of the chain finds while
 * the service runs, and that lists stay quick. */
#include "core/audit.h"
#include "core/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct lf_role_seed roles[] = { { "admin", "管理", "Boss", "*" },
                                             { "desk", "台", "Desk", "*.read *.export" },
                                             { "auditor", "审计", "Auditor", "*.read audit.* audit_check.*" } };

static int test_setup_sqlite(void **state) { return lf_test_app_new(state, false, NULL, 0, roles, LF_COUNT(roles)); }
static int test_setup_postgres(void **state) { return lf_test_app_new(state, true, NULL, 0, roles, LF_COUNT(roles)); }
static int test_teardown(void **state) { return lf_test_app_drop(state); }

/* An entry of any kind; gives back its number. */
static int64_t note(struct lf_test_app *f, const struct lf_audit *a)
{
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_test_good(&f->cx, lf_audit_write(&f->cx, a));
    return lf_test_number(f, "SELECT max(id) FROM audit");
}

static void notes(struct lf_test_app *f, int n, const char *grid, const char *verb)
{
    for (int i = 0; i < n; i++)
        note(f, &(struct lf_audit){ .topic = "account", .row = { i + 1 }, .grid_code = lf_str(grid), .verb = verb });
}

/* ---- who sees what ------------------------------------------------------------------------------ */

struct seen {
    int64_t id[100];
    lf_text label[LF_RES_MAX], diff;
    int n;
};
static lf_rc on_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct seen *s = user;
    s->id[s->n++] = lf_row_id(row).v;
    for (int i = 0; i < lf_audit_res.nfield; i++)
        s->label[i] = lf_text_copy(&cx->arena, label[i]);
    s->diff = lf_member(lf_res_field(&lf_audit_res, LF_TEXT("diff")), row).s;
    return LF_OK;
}

static lf_rc list(struct lf_ctx *cx, const char *filter, const char *value, struct seen *s)
{
    const struct lf_filter x = { lf_str(filter), lf_str(value) };
    const struct lf_query q = { .filter = &x, .nfilter = filter != NULL, .limit = 100 };
    lf_text next;
    *s = (struct seen){ .n = 0 };
    lf_test_begin(cx, LF_TX_READ);
    return lf_test_end(cx, lf_res_each(cx, &lf_audit_res, &q, on_row, s, &next));
}

static const char *label_of(struct lf_arena *a, const struct seen *s, const char *field)
{
    return lf_strn(a, s->label[lf_res_field(&lf_audit_res, lf_str(field)) - lf_audit_res.field]);
}

static void a_reader_sees_his_own_places(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct seen s;
    lf_id county_id = lf_test_person(f, "county", "auditor", "370302", NULL), all_id = lf_test_person(f, "all", "auditor", "*", NULL),
          desk_id = lf_test_person(f, "desk", "desk", "*", NULL);
    int64_t here = note(f, &(struct lf_audit){ .topic = "account", .row = { 7 }, .grid_code = LF_TEXT("370302116"), .verb = "password" }),
            there = note(f, &(struct lf_audit){ .topic = "account", .row = { 8 }, .grid_code = LF_TEXT("370303"), .verb = "password" }),
            nowhere = note(f, &(struct lf_audit){ .topic = "role", .row = { 1 }, .verb = "password" });
    struct lf_ctx county = lf_test_acting(f, county_id), all = lf_test_acting(f, all_id), desk = lf_test_acting(f, desk_id);
    assert_int_equal(list(&county, "verb", "password", &s), LF_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.id[0], here);
    char row[512];
    assert_true(lf_audit_res.size <= sizeof row);
    lf_test_begin(&county, LF_TX_READ);
    assert_int_equal(lf_test_end(&county, lf_res_get(&county, &lf_audit_res, (lf_id){ there }, row)), LF_ENOTFOUND);
    assert_int_equal(list(&all, "verb", "password", &s), LF_OK); /* newest first */
    assert_int_equal(s.n, 3);
    assert_int_equal(s.id[0], nowhere);
    assert_int_equal(s.id[2], here);
    assert_int_equal(list(&all, "grid_code", "370303", &s), LF_OK);
    assert_int_equal(s.n, 1);
    assert_int_equal(list(&all, "to_at", "1999-01-01", &s), LF_OK);
    assert_int_equal(s.n, 0);
    assert_int_equal(list(&all, "note", "x", &s), LF_EINVAL);
    assert_int_equal(list(&desk, NULL, NULL, &s), LF_EDENIED); /* "*.read" is not meant: the trail is named */
    lf_ctx_free(&county), lf_ctx_free(&all), lf_ctx_free(&desk);
}

/* ---- words and seals -------------------------------------------------------------------------------- */

static void entries_speak_the_readers_language(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct seen s;
    note(f, &(struct lf_audit){
                .topic = "account",
                .row = { 7 },
                .verb = "edit",
                .diff = LF_TEXT("{\"disabled\":[false,true],\"phone\":[null,\"1\"],\"role_id\":[1,2],\"pass_hash\":[\"a\",\"b\"]}") });
    assert_int_equal(list(&f->cx, "verb", "edit", &s), LF_OK);
    assert_string_equal(label_of(&f->cx.arena, &s, "topic"), "账号");
    assert_string_equal(label_of(&f->cx.arena, &s, "verb"), "修改");
    assert_string_equal(label_of(&f->cx.arena, &s, "actor"), "系统");
    assert_string_equal(label_of(&f->cx.arena, &s, "diff"), "停用：否 → 是；电话：1；角色：#1 → #2");
    f->cx.lang = LF_EN;
    assert_int_equal(list(&f->cx, "verb", "edit", &s), LF_OK);
    assert_string_equal(label_of(&f->cx.arena, &s, "diff"), "Disabled: no → yes; Phone: 1; Role: #1 → #2");
    assert_string_equal(lf_strn(&f->cx.arena, s.diff), "{\"disabled\":[false,true],\"phone\":[null,\"1\"],\"role_id\":[1,2]}");
    note(f, &(struct lf_audit){ .topic = "gone", .row = { 7 }, .verb = "gone", .diff = LF_TEXT("not JSON") });
    assert_int_equal(list(&f->cx, "topic", "gone", &s), LF_OK); /* a type that this program does not have any more */
    assert_int_equal(s.n, 1);
    assert_string_equal(label_of(&f->cx.arena, &s, "topic"), "");
    f->cx.lang = LF_ZH;
}

static void what_was_sealed_later_is_sealed_in_old_entries(void **state)
{
    struct secret {
        lf_id id;
        int64_t version;
        lf_text name, open;
    };
    static const struct lf_field fields[] = { LF_FIELD(struct secret, id, "编号", "No.", .flags = 0),
                                              LF_FIELD(struct secret, version, "版本", "Version", .flags = 0),
                                              LF_FIELD(struct secret, name, "举报人", "Reporter", .flags = LF_MASKED),
                                              LF_FIELD(struct secret, open, "公开", "Open", .flags = 0) };
    static const struct lf_res res = { .name = "secret", .field = fields, .nfield = LF_COUNT(fields) };
    json_t *d = lf_audit_changes(&res, LF_TEXT("{\"name\":[null,\"张三\"],\"open\":[\"a\",\"b\"]}"));
    assert_true(json_is_null(json_array_get(json_object_get(d, "name"), 0)));
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "name"), 1)), "***");
    assert_string_equal(json_string_value(json_array_get(json_object_get(d, "open"), 0)), "a");
    json_decref(d);
    assert_null(lf_audit_changes(&res, (lf_text){ 0 }));
}

/* ---- checks of the chain ------------------------------------------------------------------------------- */

static lf_rc ask(struct lf_test_app *f, const char *anchor)
{
    char row[512];
    struct lf_change ch = { .row = row };
    assert_true(lf_audit_check_res.size <= sizeof row);
    lf_row_clear(lf_audit_check_res.field, lf_audit_check_res.nfield, row);
    const struct lf_field *a = lf_res_field(&lf_audit_check_res, LF_TEXT("anchor"));
    assert_int_equal(lf_member_set(&f->cx, a, row, lf_val_str(anchor)), LF_OK);
    lf_test_begin(&f->cx, LF_TX_WRITE);
    return lf_test_end(&f->cx, lf_res_create(&f->cx, &lf_audit_check_res, &ch));
}

/* What the last check says, after the job has gone on until none is running. */
static const char *outcome(struct lf_test_app *f)
{
    struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_INT } };
    for (int i = 0; i < 50 && lf_test_number(f, "SELECT count(*) FROM audit_check WHERE state = 'running'"); i++)
        assert_int_equal(lf_audit_check_on(&f->cx), LF_OK);
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_sql_one(&f->cx, "SELECT state, bad FROM audit_check ORDER BY id DESC LIMIT 1", NULL, 0, v, 2));
    return lf_printf(&f->cx.arena, "%.*s %lld", (int)v[0].s.n, v[0].s.p, v[1].null ? 0LL : (long long)v[1].i);
}

static void change(struct lf_test_app *f, const char *sql)
{
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_test_good(&f->cx, lf_sql_run(&f->cx, sql, NULL, 0, NULL));
}

static void a_check_runs_beside_the_writers_and_finds_what_was_touched(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    lf_test_person(f, "all", "auditor", "*", NULL);
    notes(f, 20, "370302", "login");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_int_equal(ask(f, NULL), LF_ECONFLICT); /* one at a time */
    notes(f, 5, "370302", "login");               /* what comes meanwhile is for the next one */
    assert_string_equal(outcome(f), "good 0");
    struct lf_val head = { .t = LF_T_TEXT };
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_sql_one(&f->cx, "SELECT hash FROM audit WHERE id = 9", NULL, 0, &head, 1));
    const char *kept = lf_strn(&f->cx.arena, head.s), *none = lf_printf(&f->cx.arena, "%064d", 0);
    assert_int_equal(ask(f, "short"), LF_EINVAL);
    assert_int_equal(ask(f, kept), LF_OK);
    assert_string_equal(outcome(f), "good 0");
    assert_int_equal(lf_test_number(f, "SELECT max(anchor_at) FROM audit_check"), 9);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM notice"), 0);
    assert_int_equal(ask(f, none), LF_OK);
    assert_string_equal(outcome(f), "broken 0");
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM notice"), 1); /* who may see checks is told */
    change(f, "UPDATE audit SET note = 'x' WHERE id = 7");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "broken 7");
    change(f, "UPDATE audit SET note = NULL WHERE id = 7");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "good 0");
    change(
        f,
        "INSERT INTO audit (id, at, actor, peer, topic, row_id, grid_code, verb, hash) VALUES (0, 1, 0, '', 'task', 1, '', 'edit', 'x')");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "broken 1"); /* before the first */
    change(f, "DELETE FROM audit WHERE id = 0");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "good 0");
}

static void a_tail_that_was_cut_off_shows_against_an_earlier_check(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    notes(f, 20, "370302", "login");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "good 0");
    change(f, "DELETE FROM audit WHERE id > 15");
    change(f, "UPDATE audit_head SET n = 15, hash = (SELECT hash FROM audit WHERE id = 15)");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "broken 20");
    change(f, "DELETE FROM audit_check");
    change(f, "UPDATE audit_head SET n = 90");
    assert_int_equal(ask(f, NULL), LF_OK);
    assert_string_equal(outcome(f), "broken 18"); /* the first that is not there */
}

static void a_check_is_made_once_a_day(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    static const char count[] = "SELECT count(*) FROM audit_check";
    notes(f, 3, "370302", "login");
    assert_int_equal(lf_audit_check_daily(&f->cx), LF_OK);
    assert_int_equal(lf_audit_check_daily(&f->cx), LF_OK);
    assert_int_equal(lf_test_number(f, count), 1);
    assert_string_equal(outcome(f), "good 0");
    lf_now_shift(LF_DAY_MS + 1);
    assert_int_equal(lf_audit_check_daily(&f->cx), LF_OK);
    assert_int_equal(lf_test_number(f, count), 2);
}

/* ---- lists stay quick --------------------------------------------------------------------------------------- */

static void remember(void *user, const char *sql)
{
    if (strstr(sql, "audit.list"))
        snprintf(user, 4000, "EXPLAIN QUERY PLAN %s", sql);
}

/* SQLite says how it goes about each list: by an index that has the order already, never by sorting. */
static void every_filter_has_its_index(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    static const char *const filters[][3] = { { NULL, NULL, "audit_time" },
                                              { "topic", "account", "audit_topic" },
                                              { "verb", "login", "audit_verb" },
                                              { "actor", "5", "audit_actor" },
                                              { "from_at", "2026-01-01", "audit_time" } };
    struct lf_ctx county = lf_test_acting(f, lf_test_person(f, "county", "auditor", "370302", NULL));
    for (size_t i = 0; i < LF_COUNT(filters); i++) {
        char sql[4000] = "", plan[1000] = "";
        struct seen s;
        struct lf_cur cur;
        lf_db_watch(f->app->db, remember, sql);
        assert_int_equal(list(&county, filters[i][0], filters[i][1], &s), LF_OK);
        lf_db_watch(f->app->db, NULL, NULL);
        lf_test_begin(&f->cx, LF_TX_READ);
        lf_rc rc = lf_sql_open(&f->cx, sql, NULL, 0, 0, &cur);
        while (!rc && (rc = lf_cur_next(&cur)) == LF_ROW) {
            struct lf_val v = { .t = LF_T_TEXT };
            lf_cur_get(&cur, 3, &v);
            snprintf(plan + strlen(plan), sizeof plan - strlen(plan), "%.*s; ", (int)v.s.n, v.s.p);
            rc = LF_OK;
        }
        lf_cur_close(&cur);
        lf_test_good(&f->cx, rc < 0 ? rc : LF_OK);
        if (!strstr(plan, filters[i][2]) || strstr(plan, "TEMP B-TREE"))
            fail_msg("%s: %s", filters[i][0] ? filters[i][0] : "all", plan);
    }
    lf_ctx_free(&county);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(a_reader_sees_his_own_places),
        LF_BOTH(entries_speak_the_readers_language),
        cmocka_unit_test(what_was_sealed_later_is_sealed_in_old_entries),
        LF_BOTH(a_check_runs_beside_the_writers_and_finds_what_was_touched),
        LF_BOTH(a_tail_that_was_cut_off_shows_against_an_earlier_check),
        LF_BOTH(a_check_is_made_once_a_day),
        cmocka_unit_test_setup_teardown(every_filter_has_its_index, test_setup_sqlite, test_teardown),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
