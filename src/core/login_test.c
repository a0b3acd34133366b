/* Log-ins, sessions and clocks as the law wants them (GB/T 22239-2019 8.1.4.1, GB/T 30428), on both engines. */
#include "core/account.h"
#include "core/step.h"
#include "core/testing.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct lf_role_seed roles[] = { { "boss", "管理", "Boss", "*" } };
static int test_setup_sqlite(void **state) { return lf_test_app_new(state, false, NULL, 0, roles, LF_COUNT(roles)); }
static int test_setup_postgres(void **state) { return lf_test_app_new(state, true, NULL, 0, roles, LF_COUNT(roles)); }
static int test_teardown(void **state) { return lf_test_app_drop(state); }

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };
static const char GOOD[] = "Right-pass-1";

/* token may be NULL */
static lf_rc log_in(struct lf_test_app *f, const char *login, const char *password, const char *peer, char token[64])
{
    struct lf_ctx cx = { .app = f->app, .db = f->app->db, .peer = lf_str(peer) };
    char t[64];
    int wait = 0;
    lf_rc rc = lf_session_open(&cx, lf_str(login), lf_str(password), token ? token : t, &wait);
    assert_int_equal(rc == LF_EBUSY, wait > 0);
    lf_ctx_free(&cx);
    return rc;
}

static lf_rc alive(struct lf_test_app *f, const char *token)
{
    struct lf_ctx cx = { .app = f->app, .db = f->app->db };
    struct lf_session s;
    lf_test_begin(&cx, LF_TX_READ);
    lf_rc rc = lf_test_end(&cx, lf_session_find(&cx, lf_str(token), &s));
    lf_ctx_free(&cx);
    return rc;
}

static void the_fifth_failure_locks_for_a_quarter_of_an_hour(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    lf_test_person(f, "wang", "boss", "*", GOOD);
    for (int i = 0; i < 4; i++)
        assert_int_equal(log_in(f, "wang", "wrong", "10.0.0.1", NULL), LF_ELOGIN);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.1", NULL), LF_OK); /* which counts from nought again */
    for (int i = 0; i < 5; i++)
        assert_int_equal(log_in(f, "wang", "wrong", "10.0.0.1", NULL), LF_ELOGIN);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.2", NULL), LF_EBUSY); /* from anywhere, with the right password too */
    lf_now_shift(14 * MINUTE);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.2", NULL), LF_EBUSY);
    lf_now_shift(15 * MINUTE + 5000);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.2", NULL), LF_OK);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit WHERE verb = 'lock_out'"), 1);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit WHERE verb = 'login_failed'"), 8);
}

static void *try_once(void *user)
{
    log_in(user, "wang", "wrong", "10.0.0.3", NULL);
    return NULL;
}

/* Tries that come at once are each counted, and none takes back the lock. */
static void tries_at_once_are_all_counted(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    pthread_t t[6];
    lf_test_person(f, "wang", "boss", "*", GOOD);
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], NULL, try_once, f);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.4", NULL), LF_EBUSY);
}

static void one_address_guesses_twenty_times(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    char name[16];
    lf_test_person(f, "wang", "boss", "*", GOOD);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "nobody%d", i);
        assert_int_equal(log_in(f, name, GOOD, "10.0.0.5", NULL), LF_ELOGIN);
    }
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.5", NULL), LF_EBUSY);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.6", NULL), LF_OK);
    lf_now_shift(6 * MINUTE);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.5", NULL), LF_OK);
}

static void *guess(void *user)
{
    struct lf_test_app *f = user;
    static atomic_int n;
    char name[24];
    snprintf(name, sizeof name, "somebody%d", ++n);
    return log_in(f, name, GOOD, "10.0.0.9", NULL) == LF_ELOGIN ? user : NULL;
}

/* Who sends all his guesses at once has no more of them. */
static void guesses_at_once_are_limited_too(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    pthread_t t[60];
    int hashed = 0;
    for (int i = 0; i < 60; i++)
        pthread_create(&t[i], NULL, guess, f);
    for (int i = 0; i < 60; i++) {
        void *got;
        pthread_join(t[i], &got);
        hashed += got != NULL;
    }
    assert_int_equal(hashed, 20);
}

static void a_session_ends_idle_after_two_hours_and_in_any_case_after_twelve(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    char used[64], idle[64], forged[64] = "";
    lf_test_person(f, "wang", "boss", "*", GOOD);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.7", used), LF_OK);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.7", idle), LF_OK);
    assert_string_not_equal(used, idle);
    memset(forged, 'A', 43);
    assert_int_equal(alive(f, forged), LF_ELOGIN);
    assert_int_equal(alive(f, ""), LF_ELOGIN);
    assert_int_equal(lf_test_number(f, lf_printf(&f->cx.arena, "SELECT count(*) FROM session WHERE token_hash = '%s'", used)), 0);
    for (int h = 1; h <= 12; h++) {
        lf_now_shift((int64_t)h * HOUR - 1000);
        assert_int_equal(alive(f, used), LF_OK);
        lf_test_begin(&f->cx, LF_TX_WRITE);
        lf_test_good(&f->cx, lf_session_seen(&f->cx, lf_str(used)));
        assert_int_equal(alive(f, idle), h <= 2 ? LF_OK : LF_ELOGIN);
    }
    lf_now_shift((int64_t)12 * HOUR + 1000);
    assert_int_equal(alive(f, used), LF_ELOGIN);
}

static void another_password_or_a_stop_ends_the_sessions(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    char a[64], b[64];
    lf_id id = lf_test_person(f, "wang", "boss", "*", GOOD);
    struct lf_ctx cx = { .app = f->app, .db = f->app->db, .peer = LF_TEXT("10.0.0.8") };
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.8", a), LF_OK);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.8", b), LF_OK);
    assert_int_equal(lf_password_change(&cx, lf_str(a), LF_TEXT("wrong"), LF_TEXT("Other-pass-2")), LF_EINVAL);
    assert_int_equal(lf_password_change(&cx, lf_str(a), lf_str(GOOD), lf_str(GOOD)), LF_EINVAL);
    assert_int_equal(lf_password_change(&cx, lf_str(a), lf_str(GOOD), LF_TEXT("Other-pass-2")), LF_OK);
    assert_int_equal(alive(f, a), LF_OK);
    assert_int_equal(alive(f, b), LF_ELOGIN);
    assert_int_equal(log_in(f, "wang", GOOD, "10.0.0.8", NULL), LF_ELOGIN);
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_test_good(&f->cx, lf_sql_run(&f->cx, "UPDATE account SET disabled = TRUE", NULL, 0, NULL));
    assert_int_equal(alive(f, a), LF_ELOGIN);
    assert_int_equal(log_in(f, "wang", "Other-pass-2", "10.0.0.8", NULL), LF_ELOGIN);
    assert_int_equal(
        lf_test_number(
            f, lf_printf(&f->cx.arena, "SELECT count(*) FROM account WHERE id = %lld AND pass_hash LIKE '$argon2id$%%'", (long long)id.v)),
        1);
    lf_ctx_free(&cx);
}

static void passwords_follow_the_rules(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    char long_one[300];
    memset(long_one, 'a', sizeof long_one);
    memcpy(long_one, "A1-", 3);
    long_one[256] = 0;
    static const char *const bad[] = {
        "", "Short-1a", "alllowercase1", "ALLUPPERCASE1", "12345678901!", "my-wang-Pass1", "密码密码密码密码密码"
    };
    static const char *const fine[] = { "Right-pass-1", "abcDEF1234", "密码密码密码密码Aa", "1234567890Aa", "------Aa--" };
    for (size_t i = 0; i < LF_COUNT(bad); i++)
        assert_int_equal(lf_password_fit(&f->cx, LF_TEXT("wang"), lf_str(bad[i])), LF_EINVAL);
    for (size_t i = 0; i < LF_COUNT(fine); i++)
        assert_int_equal(lf_password_fit(&f->cx, LF_TEXT("wang"), lf_str(fine[i])), LF_OK);
    assert_int_equal(lf_password_fit(&f->cx, LF_TEXT("wang"), lf_str(long_one)), LF_OK);
    long_one[256] = 'a', long_one[257] = 0;
    assert_int_equal(lf_password_fit(&f->cx, LF_TEXT("wang"), lf_str(long_one)), LF_EINVAL);
    for (int i = 0; i < 200; i++) {
        char one[32];
        lf_password_random(one);
        assert_int_equal(lf_password_fit(&f->cx, LF_TEXT("wang"), lf_str(one)), LF_OK);
    }
}

/* ---- the light of a clock -------------------------------------------------------------------------------- */

static lf_ms at(int d, int h, int min) { return lf_ms_of((struct lf_civil){ 2026, 11, d, h, min, 0, 0 }); }

static void the_light_turns_at_80_and_100_percent(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    const lf_ms none = { LF_NULL64 };
    struct lf_clock c = { LF_MINUTES, at(23, 9, 0), at(23, 10, 40), none, none, LF_TEXT("") }; /* 100 minutes */
    static const struct {
        int min;
        const char *light;
    } want[] = { { 0, "green" }, { 80, "green" }, { 81, "yellow" }, { 100, "yellow" } };
    for (size_t i = 0; i < LF_COUNT(want); i++) {
        c.ended = (lf_ms){ c.started.ms + (int64_t)want[i].min * MINUTE };
        assert_string_equal(lf_light(&f->cx, &c), want[i].light);
    }
    c.ended.ms++;
    assert_string_equal(lf_light(&f->cx, &c), "red");
    /* Monday 9:00 to Tuesday 17:30 are 870 working minutes: the night does not count. 696 are 80 %. */
    c = (struct lf_clock){ LF_WORK_DAYS, at(23, 9, 0), at(24, 17, 30), none, at(24, 8, 30), LF_TEXT("") };
    assert_string_equal(lf_light(&f->cx, &c), "green");
    c.ended = at(24, 14, 36);
    assert_string_equal(lf_light(&f->cx, &c), "green");
    c.ended = at(24, 14, 37);
    assert_string_equal(lf_light(&f->cx, &c), "yellow");
    c.due = none;
    assert_string_equal(lf_light(&f->cx, &c), "none");
}

static void a_pause_does_not_use_up_the_time(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    const lf_ms none = { LF_NULL64 };
    /* 100 minutes from 9:00; paused 9:10 to 11:10, so due at 12:40; at 11:20 only 20 are used. */
    const char *pauses = lf_printf(&f->cx.arena, "%lld-%lld ", (long long)at(23, 9, 10).ms, (long long)at(23, 11, 10).ms);
    struct lf_clock c = { LF_MINUTES, at(23, 9, 0), at(23, 12, 40), none, at(23, 11, 20), lf_str(pauses) };
    assert_string_equal(lf_light(&f->cx, &c), "green");
    c.ended = at(23, 12, 21);
    assert_string_equal(lf_light(&f->cx, &c), "yellow");
    /* While it stands still it stays as it was, however long. */
    lf_now_shift((int64_t)365 * 24 * HOUR);
    c = (struct lf_clock){ LF_MINUTES, at(23, 9, 0), at(23, 10, 40), at(23, 9, 30), none, LF_TEXT("") };
    assert_string_equal(lf_light(&f->cx, &c), "green");
    c.paused = none;
    assert_string_equal(lf_light(&f->cx, &c), "red");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(the_fifth_failure_locks_for_a_quarter_of_an_hour),
        LF_BOTH(tries_at_once_are_all_counted),
        LF_BOTH(one_address_guesses_twenty_times),
        LF_BOTH(guesses_at_once_are_limited_too),
        LF_BOTH(a_session_ends_idle_after_two_hours_and_in_any_case_after_twelve),
        LF_BOTH(another_password_or_a_stop_ends_the_sessions),
        LF_BOTH(passwords_follow_the_rules),
        LF_BOTH(the_light_turns_at_80_and_100_percent),
        LF_BOTH(a_pause_does_not_use_up_the_time),
    };
    return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
