/* The listener against a bad world: crowds, slowness, garbage, a store that fails, a clock that is set back. In the suite each
 * takes seconds; LF_SOAK=1 in the environment makes the long ones long (a gigabyte of garbage). */
#include "base/testing.h"
#include "base/random_testing.h"
#include "tele/device.h"
#include "tele/listener.h"
#include "tele/store_memory.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct memory_store *store;
static struct lf_listener *listener;
static struct lf_listener_config config;

static lf_ms base; /* packets are of the last hours before it */
static int fresh(void **state)
{
    base = lf_now();
    store = memory_store_new();
    config = (struct lf_listener_config){ .max_connections = 4000, .max_per_peer = 4000 };
    return 0;
}

static void start(void)
{
    struct lf_err err = { 0 };
    struct lf_tele_station list[8] = { 0 };
    static char mn[8][8];
    for (int i = 0; i < 8; i++) {
        snprintf(mn[i], sizeof mn[i], "M%d", i + 1);
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(mn[i]), .pw = LF_TEXT("123456") };
    }
    config.store = &store->base;
    config.directory = lf_directory_make(list, LF_COUNT(list));
    if (lf_listener_start(&listener, &config, &err) != LF_OK)
        fail_msg("%s", err.msg);
}

static int stop(void **state)
{
    lf_now_shift(0);
    lf_listener_stop(listener);
    listener = NULL;
    memory_store_free(store);
    return 0;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static double processor_s(void) /* what this process has used of it */
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static struct lf_listener_stats stats(void) { return lf_listener_stats(listener); }

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED
#elif defined __has_feature /* clang */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

/* Memory that the process holds. Sanitizers keep what was released, so there it says nothing: 0. */
static long resident_kb(void)
{
#ifdef SANITIZED
    return 0;
#else
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
#endif
}

static struct device connect_to(void)
{
    struct device d;
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), 0));
    return d;
}

static size_t upload(char *out, size_t cap, int station, int number)
{
    char t[32];
    return device_frame(out, cap, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=M%d;Flag=5;CP=&&DataTime=%s;w01018-Rtd=%d,w01018-Flag=N&&",
                        number, station, lf_ms_compact(t, (lf_ms){ base.ms - (int64_t)number * 1000 }), number);
}

static bool acked(struct device *d, int number, int wait_ms)
{
    char got[1100] = "", want[64];
    snprintf(want, sizeof want, "QN=20240311%09d;ST=91;CN=9014;", number);
    return device_answer(d, got, sizeof got, wait_ms) && strncmp(got, want, strlen(want)) == 0;
}

static int next_number;
static void serves(struct device *good) /* somebody who behaves is served all the while */
{
    char f[1100];
    int number = ++next_number;
    assert_true(device_send(good, f, upload(f, sizeof f, 8, number)));
    assert_true(acked(good, number, 30000));
}

enum { BATCH_MOST = 17 << 20 }; /* a batch is full at 16 MB */

static bool soak(void) { return getenv("LF_SOAK") != NULL; }

/* ---- crowds ------------------------------------------------------------------------------------- */

static void ten_thousand_connects(void **state)
{
    start();
    struct device good = connect_to(), d;
    double began = now_s();
    for (int i = 0; i < 10000; i++) {
        d = connect_to();
        if (i % 3 == 0) /* not in good order: the kernel says "reset" */
            setsockopt(d.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
        device_close(&d);
        if (i % 500 == 0)
            serves(&good);
    }
    double took = now_s() - began;
    EVENTUALLY(stats().connections == 1);
    assert_true(stats().accepted + stats().turned_away >= 9000); /* those that were reset at once may never have been seen */
    serves(&good);
    printf("          %.0f connects a second\n", 10000 / took);
    device_close(&good);
}

/* ---- slowness ----------------------------------------------------------------------------------- */

static void a_byte_now_and_then(void **state)
{
    enum { SLOW = 200 };
    char f[1100];
    config.first_s = 2;
    start();
    struct device good = connect_to(), *slow = lf_new(SLOW * sizeof *slow);
    serves(&good);
    size_t n = upload(f, sizeof f, 1, 1000000);
    for (int i = 0; i < SLOW; i++)
        slow[i] = connect_to();
    double began = now_s();
    for (size_t at = 0; now_s() - began < 4 && at < n - 1; at++) { /* never silent, never whole */
        for (int i = 0; i < SLOW; i++)
            send(slow[i].fd, f + at, 1, MSG_NOSIGNAL);
        serves(&good);
        pause_ms(50);
    }
    EVENTUALLY(stats().connections == 1);
    assert_int_equal(stats().closed_idle, SLOW);
    serves(&good);
    for (int i = 0; i < SLOW; i++)
        device_close(&slow[i]);
    device_close(&good);
    lf_release(slow);
}

/* Half a frame, and the other side is gone without a word. */
static void half_open(void **state)
{
    enum { MANY = 500 };
    char f[1100];
    config.first_s = 3;
    config.idle_s = 4;
    start();
    struct device *d = lf_new(MANY * sizeof *d);
    for (int i = 0; i < MANY; i++) {
        d[i] = connect_to();
        size_t n = upload(f, sizeof f, 1 + i % 7, 2000000 + i);
        if (i % 2) { /* had been good before */
            device_send(&d[i], f, n);
            assert_true(acked(&d[i], 2000000 + i, 30000));
        }
        device_send(&d[i], f, n / 2);
    }
    EVENTUALLY(stats().connections == 0);
    assert_int_equal(stats().closed_idle, MANY);
    for (int i = 0; i < MANY; i++)
        device_close(&d[i]);
    lf_release(d);
}

/* When no descriptor is left those who knock wait outside, those who are in are served, and nothing spins. */
static void no_descriptor_is_left(void **state)
{
    enum { LEFT = 5 }; /* a connection takes two here, one at either end */
    struct rlimit before, few;
    char f[1100];
    start();
    struct device good = connect_to(), first, second, waits;
    serves(&good);
    int next = dup(0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){ (rlim_t)next + LEFT, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    first = connect_to();
    second = connect_to();
    EVENTUALLY(stats().connections == 3);
    waits = connect_to(); /* by the kernel; the listener cannot take it */
    assert_true(device_send(&waits, f, upload(f, sizeof f, 1, 3000001)));
    serves(&good);
    double busy = processor_s();
    assert_false(acked(&waits, 3000001, 1500));
    assert_true(processor_s() - busy < 0.7);
    assert_int_equal(stats().connections, 3);
    device_close(&first); /* its place is free */
    assert_true(acked(&waits, 3000001, 30000));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    serves(&good);
    device_close(&second);
    device_close(&waits);
    device_close(&good);
}

/* Devices that vanish with a reset while answers are on their way to them. */
static void resets(void **state)
{
    enum { MANY = 200, EACH = 20 };
    char f[1100];
    start();
    struct device good = connect_to();
    store->delay_ms = 20; /* so that answers are still to come */
    for (int i = 0; i < MANY; i++) {
        struct device d = connect_to();
        for (int k = 0; k < EACH; k++)
            device_send(&d, f, upload(f, sizeof f, 1 + i % 7, 4000000 + i * EACH + k));
        const struct linger at_once = { 1, 0 };
        setsockopt(d.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (i % 2)
            pause_ms(1);
        device_close(&d);
        if (i % 50 == 0)
            serves(&good);
    }
    EVENTUALLY(stats().connections == 1);
    serves(&good);
    device_close(&good);
}

/* ---- garbage ------------------------------------------------------------------------------------- */

static size_t noise(char *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (char)pick(256);
    return n;
}

/* Damaged where no checksum tells: it was made afterwards. */
static size_t damaged_inside(char *out, size_t cap, size_t frame)
{
    char segment[HJ212_SEGMENT_MAX];
    size_t n = frame - 12;
    memcpy(segment, out + 6, n);
    for (size_t hits = 1 + pick(4); hits; hits--)
        segment[pick(n)] = pick(2) ? "&;,=-#/\r\n\0"[pick(10)] : (char)pick(256);
    return hj212_frame((lf_text){ segment, (uint32_t)n }, out, cap);
}

/* Frames that are whole, cut, glued, or damaged in a few places, and noise between them. */
static size_t garbage(char *out, size_t cap)
{
    size_t n = 0;
    while (n + 1200 < cap) {
        size_t k = upload(out + n, cap - n, 1 + (int)pick(9), 3000000 + (int)pick(100000));
        switch (pick(10)) {
        case 0: k = pick(k); break;
        case 1: k = noise(out + n, pick(400)); break;
        case 2: memcpy(out + n + 2, pick(2) ? "1024" : "9999", 4); break;
        case 3:
        case 4: k = damaged_inside(out + n, cap - n, k); break;
        case 5: break; /* good */
        default:
            for (size_t hits = 1 + pick(4); hits; hits--)
                out[n + pick(k)] = (char)pick(256);
        }
        n += k;
    }
    return n;
}

/* Sends what it can, and throws away what is answered: this one always reads. */
static bool pour(struct device *d, const char *p, size_t n)
{
    char sink[4096];
    while (n) {
        struct pollfd f = { d->fd, POLLIN | POLLOUT, 0 };
        if (poll(&f, 1, 10000) <= 0)
            return false;
        if (f.revents & POLLIN && recv(d->fd, sink, sizeof sink, MSG_DONTWAIT) == 0)
            return false;
        ssize_t k = f.revents & POLLOUT ? send(d->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (k < 0 && errno != EAGAIN)
            return false;
        p += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
    return true;
}

static void a_flood_of_garbage(void **state)
{
    enum { LINES = 16, PIECE = 64 * 1024 };
    const size_t all = soak() ? (size_t)1 << 30 : (size_t)20 << 20;
    char *piece = lf_new(PIECE);
    store->forget = true;
    start();
    struct device good = connect_to(), bad[LINES];
    for (int i = 0; i < LINES; i++)
        bad[i] = connect_to();
    long before = 0;
    for (size_t sent = 0, round = 0; sent < all; round++) {
        size_t n = garbage(piece, PIECE);
        assert_true(pour(&bad[round % LINES], piece, n));
        sent += n;
        if (round % 20 == 0)
            serves(&good);
        if (round == 100)
            before = resident_kb();
    }
    serves(&good);
    struct lf_listener_stats s = stats();
    for (int why = HJ212_NOISE; why <= HJ212_FIELD; why++)
        if (!s.refused[why])
            fail_msg("nothing of it was refused as %s", hj212_why_name((enum hj212_why)why));
    assert_true(s.frames > 1000 && s.refused[LF_TELE_UNKNOWN_MN] > 0);
    assert_true(store->nreject + store->nquarantine <= 120); /* 60 of one address in an hour; the hour may change meanwhile */
    assert_true(s.filling_bytes <= BATCH_MOST);
    assert_true(resident_kb() - before < 48 * 1024);
    for (int i = 0; i < LINES; i++)
        device_close(&bad[i]);
    device_close(&good);
    EVENTUALLY(stats().connections == 0);
    lf_release(piece);
}

/* ---- the store ------------------------------------------------------------------------------------ */

/* One of those who flood. rest: of a frame that the kernel took half of. */
struct flooder {
    struct device d;
    int first;
    size_t sent, nrest;
    char rest[1100];
};

static void flood(struct flooder *w, int station)
{
    char f[1100];
    if (w->nrest)
        return;
    size_t n = upload(f, sizeof f, station, w->first + (int)w->sent);
    ssize_t k = send(w->d.fd, f, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (k <= 0)
        return;
    w->sent++;
    w->nrest = n - (size_t)k;
    memcpy(w->rest, f + k, w->nrest);
}

/* Everybody floods while the store is away: memory stays bounded, nothing is promised; when it is back, all that was taken
 * is stored and promised, once. */
static void the_store_goes_and_comes(void **state)
{
    enum { LINES = 200, EACH = 400, BATCH = 2000 };
    config.batch_max = BATCH;
    store->forget = true;
    start();
    struct flooder *w = lf_new(LINES * sizeof *w);
    struct device probe = connect_to();
    serves(&probe);
    for (int i = 0; i < LINES; i++) {
        w[i].d = connect_to();
        w[i].first = 4000000 + i * EACH;
    }
    store->rc = LF_EIO;
    long before = resident_kb();
    int64_t acked_before = stats().acknowledged;
    for (int round = 0; round < EACH; round++)
        for (int i = 0; i < LINES; i++)
            flood(&w[i], 1 + i % 7);
    EVENTUALLY(stats().failing && stats().stalled > 0);
    pause_ms(1000);
    struct lf_listener_stats s = stats();
    assert_int_equal(s.acknowledged, acked_before);
    assert_true(s.frames - 1 <= 2 * BATCH); /* one batch at the writer, one that is full */
    assert_true(s.filling_packets <= BATCH && s.filling_bytes <= BATCH_MOST);
    assert_true(resident_kb() - before < 64 * 1024);
    struct lf_out o = lf_out_memory(0);
    lf_listener_metrics(&s, &o);
    assert_non_null(memmem(o.buf, o.n, "\nlanfan_telemetry_store_failing 1\n", 34));
    lf_out_close(&o);
    store->rc = LF_OK;
    for (int i = 0; i < LINES; i++) {
        assert_true(device_send(&w[i].d, w[i].rest, w[i].nrest));
        for (size_t k = 0; k < w[i].sent; k++)
            assert_true(acked(&w[i].d, w[i].first + (int)k, 30000));
    }
    EVENTUALLY(!stats().failing && stats().stalled == 0);
    for (int i = 0; i < LINES; i++)
        device_close(&w[i].d);
    serves(&probe);
    device_close(&probe);
    lf_release(w);
}

/* A slow store slows everybody down, evenly, and nothing else. */
static void a_slow_store(void **state)
{
    enum { LINES = 50, ROUNDS = 8 };
    char f[1100];
    store->delay_ms = 150;
    start();
    struct device d[LINES];
    for (int i = 0; i < LINES; i++)
        d[i] = connect_to();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LINES; i++)
            assert_true(device_send(&d[i], f, upload(f, sizeof f, 1 + i % 7, 5000000 + i * ROUNDS + round)));
        for (int i = 0; i < LINES; i++)
            assert_true(acked(&d[i], 5000000 + i * ROUNDS + round, 30000));
    }
    assert_true(store->commits < LINES * ROUNDS / 4); /* not one for each */
    assert_int_equal(store->npacket, LINES * ROUNDS);
    struct lf_listener_stats s = stats();
    int64_t slow = 0;
    for (int i = 0; i <= LF_TELE_BOUNDS; i++)
        slow += i > 0 && lf_tele_bounds_us[i - 1] >= 100000 ? s.ack.below[i] : 0;
    assert_int_equal(slow, LINES * ROUNDS); /* every acknowledgement took longer than 0.1 s, and the histogram says so */
    for (int i = 0; i < LINES; i++)
        device_close(&d[i]);
}

/* ---- the clock ------------------------------------------------------------------------------------- */

static void the_clock_is_set_back(void **state)
{
    enum { EACH = 200 };
    static const int64_t shift_s[] = { 0, -300, -7200, 60, 0 }; /* five minutes; two hours; forward again */
    char f[1100];
    config.idle_s = 1000;
    start();
    struct device d = connect_to();
    int number = 6000000, taken = 0;
    base = (lf_ms){ lf_now().ms + (int64_t)6000000 * 1000 - 10800 * 1000 }; /* the first packet is three hours old */
    for (size_t s = 0; s < LF_COUNT(shift_s); s++) {
        lf_now_shift(shift_s[s] * 1000);
        for (int i = 0; i < EACH; i++) {
            assert_true(device_send(&d, f, upload(f, sizeof f, 1, ++number)));
            assert_true(acked(&d, number, 30000)); /* whatever our clock says, the device is answered */
            taken++;
            if (i % 10 == 0) { /* the same again */
                device_send(&d, f, upload(f, sizeof f, 1, number));
                assert_true(acked(&d, number, 30000));
            }
        }
    }
    struct lf_listener_stats s = stats();
    assert_int_equal((int64_t)store->npacket + s.quarantined, taken);
    assert_int_equal(s.quarantined, 0); /* their time is well in the past: believable by every one of these clocks */
    assert_int_equal(store->nreading, taken);
    assert_int_equal(s.duplicates, LF_COUNT(shift_s) * EACH / 10);
    assert_int_equal(s.closed_idle, 0);
    device_close(&d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(ten_thousand_connects), T(a_byte_now_and_then),      T(half_open),
        T(a_flood_of_garbage),    T(the_store_goes_and_comes), T(a_slow_store),
        T(the_clock_is_set_back), T(no_descriptor_is_left),    T(resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
