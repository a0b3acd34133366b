/* The road from the socket to PostgreSQL while that goes away and comes back: nothing is acknowledged that is not there, what was taken is
 * held within bounds, said in the metrics, stored when the database is back, and there once. Runs with a PostgreSQL of its own
 * (tools/with_postgres), because it stops it. */
#include "base/testing.h"
#include "db/testing.h"
#include "tele/device.h"
#include "tele/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { BATCH_MAX = 50 };
static struct lf_test_db t;
static struct lf_tele_store *store;
static struct lf_listener *listener;
static struct lf_arena arena;
static lf_ms base;
static _Atomic int troubles, recoveries;

static void control(const char *what)
{
    char command[500];
    snprintf(command, sizeof command, "%s %s >/dev/null 2>&1", getenv("LANFAN_TEST_PG_CTL"), what);
    assert_int_equal(system(command), 0);
}

static void on_store(void *user, const struct lf_err *err)
{
    if (err)
        troubles++;
    else
        recoveries++;
}

static int start(void **state)
{
    struct lf_err err = { 0 };
    struct lf_db *db;
    const struct lf_tele_station s = { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456") };
    base = lf_now();
    troubles = recoveries = 0;
    lf_test_db_new(&t, true);
    if (lf_db_open(&db, &(struct lf_db_config){ .url = t.url, .readers = 1 }, &err) ||
        lf_db_migrate_in(db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, &err))
        fail_msg("%s", err.msg);
    lf_db_close(db);
    struct lf_listener_config c = { .directory = lf_directory_make(&s, 1), .batch_max = BATCH_MAX, .on_store = on_store };
    if (lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = t.url }, &err))
        fail_msg("%s", err.msg);
    c.store = store;
    if (lf_listener_start(&listener, &c, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int stop(void **state)
{
    lf_listener_stop(listener);
    lf_tele_store_close(store);
    lf_arena_free(&arena);
    lf_test_db_drop(&t);
    return 0;
}

static void send_packet(struct device *d, int number)
{
    char f[HJ212_FRAME_MAX], at[32];
    lf_ms_compact(at, (lf_ms){ base.ms - (int64_t)(number % 7 ? 5000 - number : number) * 1000 }); /* some late, most in order */
    size_t n = device_frame(f, sizeof f, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;w01018-Rtd=%d&&", number,
                            at, number);
    assert_true(n > 0 && device_send(d, f, n));
}

static bool acked(struct device *d, int number, int wait_ms)
{
    char got[1100], want[64];
    snprintf(want, sizeof want, "QN=20240311%09d;ST=91;CN=9014;", number);
    return device_answer(d, got, sizeof got, wait_ms) && strncmp(got, want, strlen(want)) == 0;
}

static bool failing_becomes(bool want)
{
    for (int i = 0; i < 400 && lf_listener_stats(listener).failing != want; i++)
        pause_ms(50);
    return lf_listener_stats(listener).failing == want;
}

static bool metrics_say(const char *what)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_listener_stats s = lf_listener_stats(listener);
    lf_listener_metrics(&s, &o);
    bool said = memmem(o.buf, o.n, what, strlen(what));
    lf_out_close(&o);
    return said;
}

static size_t stored(void)
{
    struct lf_err err = { 0 };
    struct lf_tele_stored_packet *p;
    size_t n;
    if (store->ops->packets_after(store, &arena, (lf_id){ 0 }, 1000000, &p, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void an_outage(void **state)
{
    enum { BEFORE = 30, DURING = 400 };
    struct device d;
    struct lf_tele_latest *l;
    struct lf_tele_stored_packet *p;
    size_t n;
    struct lf_err err = { 0 };
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), 0));
    for (int i = 1; i <= BEFORE; i++)
        send_packet(&d, i);
    for (int i = 1; i <= BEFORE; i++)
        assert_true(acked(&d, i, 10000));
    assert_true(metrics_say("lanfan_telemetry_store_failing 0"));
    control("-m immediate stop");
    for (int i = 1; i <= DURING; i++)
        send_packet(&d, BEFORE + i);
    assert_true(failing_becomes(true));
    assert_false(acked(&d, BEFORE + 1, 300));
    assert_true(metrics_say("lanfan_telemetry_store_failing 1"));
    assert_true(lf_listener_stats(listener).filling_packets <= BATCH_MAX);
    assert_int_equal(store->ops->latest(store, &arena, (lf_id){ 1 }, &l, &n, &err), LF_OK); /* from memory */
    assert_int_equal(n, 1);
    assert_int_equal(store->ops->packets_after(store, &arena, (lf_id){ 0 }, 10, &p, &n, &err), LF_EDB);
    control("start");
    for (int i = 1; i <= DURING; i++)
        assert_true(acked(&d, BEFORE + i, 20000)); /* nobody sent anything again */
    assert_true(failing_becomes(false));
    assert_true(troubles == 1 && recoveries == 1);
    assert_int_equal(stored(), BEFORE + DURING);
    for (int i = 1; i <= BEFORE + DURING; i++) /* and when somebody does, it is known */
        send_packet(&d, i);
    for (int i = 1; i <= BEFORE + DURING; i++)
        assert_true(acked(&d, i, 20000));
    assert_int_equal(stored(), BEFORE + DURING);
    assert_int_equal(lf_listener_stats(listener).duplicates, BEFORE + DURING);
    device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(an_outage, start, stop) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
