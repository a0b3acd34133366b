/* What the listener bears: a store that fails, clients that do not read or say nothing, crowds, floods, and being stopped amid it all. */
#include "tele/listener_testing.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void nothing_is_acknowledged_while_the_store_fails(void **state)
{
    char f[1100];
    config.batch_max = 10;
    start();
    struct device d = connect_to(0), e = connect_to(0);
    store->rc = LF_EDB;
    for (int i = 1; i <= 60; i++)
        device_send(i % 2 ? &d : &e, f, upload(f, sizeof f, "M1", i, 1));
    expect_nothing(&d);
    EVENTUALLY(stats().failing && atomic_load(&store_down) == 1); /* told a moment after it is counted */
    assert_int_equal(stats().acknowledged, 0);
    assert_true(stats().frames <= 2 * 10 + 10); /* one batch at the writer, one filling: then reading pauses */
    store->rc = LF_OK;
    for (int i = 1; i <= 60; i += 2) { /* nobody sent anything again */
        expect_ack(&d, i);
        expect_ack(&e, i + 1);
    }
    assert_int_equal(store->npacket, 60);
    assert_true(!stats().failing && atomic_load(&store_up) == 1);
    device_close(&d);
    device_close(&e);
}

static void one_bad_packet_does_not_hold_up_the_others(void **state)
{
    char f[1100], all[4000];
    size_t n = 0;
    store->poison = "bad";
    store->delay_ms = 30;
    start();
    struct device d = connect_to(0);
    for (int i = 1; i <= 5; i++)
        n += i == 3 ? device_frame(all + n, sizeof all - n,
                                   "QN=20240311000000003;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;bad-Rtd=1&&", now_compact(0))
                    : upload(all + n, sizeof all - n, "M1", i, 1);
    device_send(&d, f, upload(f, sizeof f, "M1", 9, 1));
    device_send(&d, all, n);
    expect_ack(&d, 9);
    for (int i = 1; i <= 5; i++)
        if (i != 3)
            expect_ack(&d, i);
    expect_nothing(&d);
    EVENTUALLY(stats().refused[LF_TELE_STORE] == 1);
    assert_int_equal(store->npacket, 5);
    device_close(&d);
}

static void a_client_that_does_not_read(void **state)
{
    char f[1100], burst[16 * 1024];
    size_t n = 0, sent = 0;
    store->forget = true;
    start();
    struct device slow = connect_to(2048), good = connect_to(0);
    while (n + 200 < sizeof burst)
        n += upload(burst + n, sizeof burst - n, "M1", 7, 1);
    fcntl(slow.fd, F_SETFL, O_NONBLOCK);
    int quiet = 0; /* rounds in which nothing went: the listener may only be slow, so this is patient */
    for (int round = 0; quiet < PATIENCE_MS / 5 && !stats().closed_slow && round < 20000; round++) {
        ssize_t k = send(slow.fd, burst + sent % n, n - sent % n, MSG_NOSIGNAL);
        if (k > 0)
            sent += (size_t)k;
        else if (k < 0 && errno != EAGAIN)
            break;
        quiet = k > 0 ? 0 : quiet + 1;
        if (k < 0)
            pause_ms(5);
        if (round % 50 == 0) { /* the other one is served all the while */
            device_send(&good, f, upload(f, sizeof f, "M1", round + 100, 1));
            expect_ack(&good, round + 100);
        }
    }
    EVENTUALLY(stats().closed_slow == 1); /* its answers filled every buffer there is */
    device_send(&good, f, upload(f, sizeof f, "M1", 99, 1));
    expect_ack(&good, 99);
    device_close(&slow);
    device_close(&good);
}

static void garbage_beside_a_good_one(void **state)
{
    char f[1100], junk[4096];
    start();
    struct device bad[8], good = connect_to(0);
    for (int i = 0; i < 8; i++)
        bad[i] = connect_to(0);
    for (int round = 1; round <= 60; round++) {
        for (size_t k = 0; k < sizeof junk; k++)
            junk[k] = (char)rand();
        memcpy(junk + rand() % 4000, "##0100", round % 2 ? 2 : 6);
        device_send(&bad[round % 8], junk, sizeof junk);
        device_send(&good, f, upload(f, sizeof f, "M1", round, 1));
        expect_ack(&good, round);
    }
    EVENTUALLY(stats().refused[HJ212_NOISE] > 8);
    assert_int_equal(store->npacket, 60);
    for (int i = 0; i < 8; i++)
        device_close(&bad[i]);
    device_close(&good);
}

/* A batch is stored, a full one waits behind it, and the last words of a third device come: nothing of it goes lost. */
static void last_words_while_a_full_batch_waits(void **state)
{
    char f[1100];
    config.batch_max = 2;
    store->delay_ms = 300;
    start();
    struct device d = connect_to(0), gone = connect_to(0), late = connect_to(0);
    for (int i = 1; i <= 3; i++) {
        device_send(&d, f, upload(f, sizeof f, "M1", i, 1));
        EVENTUALLY(stats().frames == i);
    }
    device_send(&gone, f, upload(f, sizeof f, "M1", 9, 1) / 2);
    device_close(&gone);
    EVENTUALLY(stats().refused[HJ212_LENGTH] == 1);
    device_send(&late, f, upload(f, sizeof f, "M1", 4, 1));
    for (int i = 1; i <= 3; i++)
        expect_ack(&d, i);
    expect_ack(&late, 4);
    EVENTUALLY(store->nreject == 1);
    assert_int_equal(store->npacket, 4);
    device_close(&d);
    device_close(&late);
}

static void a_flood_does_not_fill_the_disk(void **state)
{
    config.evidence_per_hour = 5;
    char f[1100];
    start();
    struct device d = connect_to(0);
    for (int i = 0; i < 200; i++)
        device_send(&d, "##0000FFFE\r\n", 12);
    for (int i = 1; i <= 100; i++)
        device_send(&d, f, upload(f, sizeof f, "M9", i, 1));
    EVENTUALLY(stats().refused[HJ212_CRC] == 200 && stats().refused[LF_TELE_UNKNOWN_MN] == 100);
    EVENTUALLY(stats().evidence_dropped == 295); /* counted after the refusal */
    EVENTUALLY(store->nreject + store->nquarantine == 5);
    device_send(&d, f, upload(f, sizeof f, "M1", 1, 1));
    expect_ack(&d, 1);
    device_close(&d);
}

static void a_thousand_connections(void **state)
{
    enum { MANY = 1000 };
    char f[1100];
    config.max_connections = MANY;
    config.max_per_peer = MANY;
    store->delay_ms = 2;
    start();
    struct device *d = lf_new(MANY * sizeof *d);
    for (int i = 0; i < MANY; i++)
        d[i] = connect_to(0);
    for (int i = 0; i < MANY; i++)
        assert_true(device_send(&d[i], f, upload(f, sizeof f, "M1", i, i)));
    for (int i = 0; i < MANY; i++)
        expect_ack(&d[i], i);
    assert_int_equal(store->npacket, MANY);
    assert_int_equal(stats().connections, MANY);
    assert_true(stats().commits < MANY); /* together, not one by one */
    struct device extra = connect_to(0); /* the limit */
    assert_true(device_gone(&extra, PATIENCE_MS));
    assert_int_equal(stats().turned_away, 1);
    device_close(&extra);
    for (int i = 0; i < MANY; i++)
        device_close(&d[i]);
    EVENTUALLY(stats().connections == 0);
    lf_release(d);
}

static void limits_of_one_address_and_of_silence(void **state)
{
    char f[1100];
    config.max_connections = 10;
    config.max_per_peer = 2;
    config.first_s = 1;
    config.idle_s = 5;
    start();
    struct device a = connect_to(0);
    device_send(&a, f, upload(f, sizeof f, "M1", 1, 1));
    expect_ack(&a, 1);
    struct device b = connect_to(0), c = connect_to(0);
    assert_true(device_gone(&c, PATIENCE_MS));
    assert_true(device_gone(&b, PATIENCE_MS)); /* never said anything */
    EVENTUALLY(stats().connections == 1);
    assert_true(device_gone(&a, PATIENCE_MS)); /* was silent for longer than its leave */
    assert_int_equal(stats().closed_idle, 2);
    device_close(&a), device_close(&b), device_close(&c);
}

static void stopping_answers_what_was_taken(void **state)
{
    char f[1100];
    store->delay_ms = 200;
    start();
    struct device d = connect_to(0);
    for (int i = 1; i <= 5; i++) {
        device_send(&d, f, upload(f, sizeof f, "M1", i, 1));
        pause_ms(10);
    }
    EVENTUALLY(stats().frames == 5);
    lf_listener_stop(listener);
    listener = NULL;
    for (int i = 1; i <= 5; i++)
        expect_ack(&d, i);
    assert_int_equal(store->npacket, 5);
    assert_true(device_gone(&d, PATIENCE_MS));
    device_close(&d);
}

static void stopping_does_not_wait_for_a_dead_store(void **state)
{
    char f[1100];
    store->rc = LF_EDB;
    start();
    struct device d = connect_to(0);
    device_send(&d, f, upload(f, sizeof f, "M1", 1, 1));
    EVENTUALLY(stats().failing);
    int64_t began = lf_now().ms;
    lf_listener_stop(listener);
    listener = NULL;
    assert_true(lf_now().ms - began < 4000);
    expect_nothing(&d);
    device_close(&d);
}

static void a_port_in_use(void **state)
{
    struct lf_listener *other = NULL;
    struct lf_err err = { 0 };
    start();
    config.directory = NULL;
    config.port = lf_listener_port(listener);
    assert_int_equal(lf_listener_start(&other, &config, &err), LF_EIO);
    assert_null(other);
    assert_non_null(strstr(err.msg, "HINT:"));
    config.port = 0;
    config.host = "not an address";
    assert_int_equal(lf_listener_start(&other, &config, &err), LF_EIO);
}

/* As somebody who may not raise the limit: fewer connections, and a word about it. */
static void few_open_files(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit few = { 900, 900 };
        struct lf_err err = { 0 };
        config.store = &store->base;
        config.max_connections = 5000;
        if (setrlimit(RLIMIT_NOFILE, &few) != 0 || (getuid() == 0 && setuid(65534) != 0) ||
            lf_listener_start(&listener, &config, &err) != LF_OK)
            _exit(2);
        const char *notice = lf_listener_notice(listener);
        bool said = notice && strstr(notice, "HINT:") && strstr(notice, "450 connections of stations are taken instead of 5000");
        lf_listener_stop(listener);
        _exit(said ? 0 : 1);
    }
    int status = -1;
    assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    config.max_connections = 10;
    start();
    assert_null(lf_listener_notice(listener));
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh_store, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_is_acknowledged_while_the_store_fails),
        T(one_bad_packet_does_not_hold_up_the_others),
        T(a_client_that_does_not_read),
        T(garbage_beside_a_good_one),
        T(last_words_while_a_full_batch_waits),
        T(a_flood_does_not_fill_the_disk),
        T(a_thousand_connections),
        T(limits_of_one_address_and_of_silence),
        T(stopping_answers_what_was_taken),
        T(stopping_does_not_wait_for_a_dead_store),
        T(a_port_in_use),
        T(few_open_files),
    };
    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
