/* The whole road, socket to SQLite file: stored means stored, a full disk means no answer, and space means it goes on. */
#include "tele/device.h"
#include "tele/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static struct lf_db *db;
static struct lf_tele_store *store;
static struct lf_listener *listener;
static char path[64];
static lf_ms base;

static int start(void **state)
{
    struct lf_err err = { 0 };
    char url[80];
    base = lf_now();
    const struct lf_tele_station s = { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456") };
    snprintf(path, sizeof path, "/tmp/lanfan_road_test_%d.db", (int)getpid());
    snprintf(url, sizeof url, "sqlite:%s", path);
    if (lf_db_open(&db, &(struct lf_db_config){ .url = url, .readers = 1 }, &err) < 0 ||
        lf_db_migrate(db, lf_tele_migrations, lf_tele_migration_count, NULL, &err) < 0 || lf_tele_sql_open(&store, db, &err) < 0)
        fail_msg("%s", err.msg);
    struct lf_listener_config c = { .store = store, .directory = lf_directory_make(&s, 1), .batch_max = 50 };
    if (lf_listener_start(&listener, &c, &err) < 0)
        fail_msg("%s", err.msg);
    return 0;
}

static int stop(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char file[80];
    lf_listener_stop(listener);
    lf_tele_store_close(store);
    lf_db_close(db);
    for (size_t i = 0; i < LF_COUNT(ends); i++) {
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    return 0;
}

static int64_t ask(const char *sql, enum lf_tx_kind kind)
{
    struct lf_ctx cx = { .db = db };
    struct lf_val v = { .t = LF_T_INT };
    lf_rc rc = lf_tx_begin(&cx, kind);
    if (rc >= 0)
        rc = lf_tx_end(&cx, lf_sql_one(&cx, sql, NULL, 0, &v, 1));
    if (rc < 0)
        fail_msg("%s: %s", sql, cx.err.msg);
    lf_arena_free(&cx.arena);
    return v.i;
}

static void send_packet(struct device *d, int number)
{
    char f[HJ212_FRAME_MAX], t[32], filler[600] = "";
    for (size_t n = 0; n < 500; n += 25)
        snprintf(filler + n, sizeof filler - n, ";w%05zu-Rtd=%013d", n, number);
    lf_ms_compact(t, (lf_ms){ base.ms - (int64_t)number * 1000 }); /* a time of its own for each number */
    size_t n = device_frame(f, sizeof f, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s%s&&", number, t, filler);
    assert_true(n > 0 && device_send(d, f, n));
}

static bool acked(struct device *d, int number, int wait_ms)
{
    char got[1100], want[64];
    snprintf(want, sizeof want, "QN=20240311%09d;ST=91;CN=9014;", number);
    return device_answer(d, got, sizeof got, wait_ms) && strncmp(got, want, strlen(want)) == 0;
}

/* False when the store has failed meanwhile: a slow answer is no missing one. */
static bool acked_or_failing(struct device *d, int number)
{
    bool is = false;
    for (int i = 0; i < 300 && !is && !lf_listener_stats(listener).failing; i++)
        is = acked(d, number, 100);
    return is;
}

static void all_that_is_acknowledged_is_there(void **state)
{
    struct device d;
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), 0));
    for (int i = 1; i <= 300; i++) {
        send_packet(&d, i);
        if (i >= 20)
            assert_true(acked(&d, i - 19, 30000));
    }
    for (int i = 282; i <= 300; i++)
        assert_true(acked(&d, i, 30000));
    assert_int_equal(ask("SELECT count(*) FROM packet", LF_TX_READ), 300);
    assert_int_equal(ask("SELECT count(*) FROM reading", LF_TX_READ), 300 * 20);
    assert_int_equal(ask("SELECT count(*) FROM latest", LF_TX_READ), 20);
    device_close(&d);
}

static void a_full_disk(void **state)
{
    struct device d;
    char pragma[80];
    int number = 1;
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), 0));
    send_packet(&d, number);
    assert_true(acked(&d, number, 30000));
    /* the connection of the writer may not make the file larger: what SQLite then says is what it says of a full disk */
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %lld", (long long)ask("PRAGMA page_count", LF_TX_WRITE) + 20);
    ask(pragma, LF_TX_WRITE);
    do
        send_packet(&d, ++number);
    while (number < 2000 && acked_or_failing(&d, number));
    assert_true(number < 2000);
    int first_unanswered = number;
    for (int i = 0; i < 5; i++)
        send_packet(&d, ++number);
    assert_false(acked(&d, first_unanswered, 300));
    assert_true(lf_listener_stats(listener).failing);
    assert_int_equal(ask("SELECT count(*) FROM packet", LF_TX_READ), first_unanswered - 1);
    ask("PRAGMA max_page_count = 1000000", LF_TX_WRITE);
    for (int i = first_unanswered; i <= number; i++)
        assert_true(acked(&d, i, 30000)); /* nobody sent anything again */
    assert_false(lf_listener_stats(listener).failing);
    assert_int_equal(ask("SELECT count(*) FROM packet", LF_TX_READ), number);
    device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_that_is_acknowledged_is_there, start, stop),
        cmocka_unit_test_setup_teardown(a_full_disk, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
