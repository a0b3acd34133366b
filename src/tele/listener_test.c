/* The listener, through real sockets: every way in which bytes can arrive, and every way in which a store can fail. */
#include "base/testing.h"
#include "tele/device.h"
#include "tele/listener.h"
#include "tele/store_memory.h"
#include "hj212/crc.h"
#include "hj212/sm4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct memory_store *store;
static struct lf_listener *listener;
static struct lf_listener_config config;
static atomic_int told_fresh, told_calls, store_down, store_up;

static void on_readings(void *user, const struct lf_tele_reading *r, size_t n)
{
    atomic_fetch_add(&told_calls, 1);
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(&told_fresh, r[i].fresh);
}

static void on_store(void *user, const struct lf_err *err) { atomic_fetch_add(err ? &store_down : &store_up, 1); }

static struct lf_directory *stations(unsigned tolerate)
{
    struct lf_tele_station list[] = {
        { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3301"), .tolerate = tolerate },
        { .id = { 2 }, .mn = LF_TEXT("M2"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3302") },
    };
    return lf_directory_make(list, LF_COUNT(list));
}

static void start(void)
{
    struct lf_err err = { 0 };
    config.store = &store->base;
    config.directory = config.directory ? config.directory : stations(0);
    config.on_readings = on_readings;
    config.on_store = on_store;
    if (lf_listener_start(&listener, &config, &err) != LF_OK)
        fail_msg("%s", err.msg);
}

static int fresh_store(void **state)
{
    store = memory_store_new();
    config = (struct lf_listener_config){ .host = "127.0.0.1" };
    told_fresh = told_calls = store_down = store_up = 0;
    return 0;
}

static int stop(void **state)
{
    lf_listener_stop(listener);
    listener = NULL;
    memory_store_free(store);
    return 0;
}

static struct lf_listener_stats stats(void) { return lf_listener_stats(listener); }

static struct device connect_to(int receive_buffer)
{
    struct device d;
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), receive_buffer));
    return d;
}

static const char *now_compact(int64_t shift_ms)
{
    static char t[2][32];
    static int i;
    i = !i;
    return lf_ms_compact(t[i], (lf_ms){ lf_now().ms + shift_ms });
}

/* A 2011 with its own number, so that each is another packet. */
static size_t upload(char *out, size_t cap, const char *mn, int number, double v)
{
    return device_frame(out, cap, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s;w01018-Rtd=%g,w01018-Flag=N&&",
                        number, mn, now_compact(-(int64_t)(number % 80000000) * 1000), v);
}

static void expect_ack(struct device *d, int number)
{
    char got[1100] = "nothing", want[200];
    snprintf(want, sizeof want, "QN=20240311%09d;ST=91;CN=9014;PW=123456;MN=M1;Flag=4;CP=&&&&", number);
    device_answer(d, got, sizeof got, PATIENCE_MS);
    assert_string_equal(got, want);
}

static void expect_nothing(struct device *d)
{
    char got[1100];
    if (device_answer(d, got, sizeof got, 80))
        fail_msg("an answer that must not be: %s", got);
}

static void stored_then_acknowledged(void **state)
{
    char f[1100];
    start();
    struct device d = connect_to(0);
    device_send(&d, f, upload(f, sizeof f, "M1", 1, 40.5));
    expect_ack(&d, 1);
    assert_int_equal(store->npacket, 1);
    assert_true(memory_store_value(store, 1, "w01018", LF_TELE_RTD) == 40.5);
    EVENTUALLY(atomic_load(&told_fresh) == 1);
    struct lf_listener_stats s = stats();
    assert_true(s.connections == 1 && s.frames == 1 && s.packets == 1 && s.readings == 1 && s.acknowledged == 1 && s.commits == 1 &&
                !s.failing);
    struct lf_out o = lf_out_memory(0);
    lf_listener_metrics(&s, &o);
    assert_non_null(memmem(o.buf, o.n, "\nlanfan_telemetry_acknowledged_total 1\n", 39));
    assert_non_null(memmem(o.buf, o.n, "lanfan_telemetry_refused_total{reason=\"unknown_mn\"} 0\n", 54));
    lf_out_close(&o);
    device_close(&d);
    EVENTUALLY(stats().connections == 0);
}

static void glued_half_and_byte_by_byte(void **state)
{
    char f[1100], all[20000];
    size_t n = 0;
    start();
    struct device d = connect_to(0);
    for (int i = 1; i <= 50; i++) {
        size_t k = upload(f, sizeof f, "M1", i, i);
        memcpy(all + n, f, k);
        n += k;
    }
    device_send(&d, all, n); /* glued */
    for (int i = 1; i <= 50; i++)
        expect_ack(&d, i);
    n = upload(f, sizeof f, "M1", 51, 1);
    for (size_t i = 0; i < n; i++) /* byte by byte */
        device_send(&d, f + i, 1);
    expect_ack(&d, 51);
    n = upload(f, sizeof f, "M1", 52, 1);
    device_send(&d, f, n / 2); /* half, then the rest */
    expect_nothing(&d);
    device_send(&d, f + n / 2, n - n / 2);
    expect_ack(&d, 52);
    assert_int_equal(store->npacket, 52);
    n = upload(f, sizeof f, "M1", 53, 1);
    device_send(&d, f, n / 2); /* half, then gone */
    device_close(&d);
    EVENTUALLY(stats().refused[HJ212_LENGTH] == 1);
    EVENTUALLY(store->nreject == 1);
    assert_int_equal(store->npacket, 52);
}

static void broken_ones_cost_only_themselves(void **state)
{
    char f[1100], big[3000];
    start();
    struct device d = connect_to(0);
    int number = 0, refused = 0;
    static const struct {
        const char *text;
        int why;
    } bad[] = { { "hello\r\n", HJ212_NOISE },
                { "##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2201\r\n", HJ212_CRC },
                { "##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&22-0\r\n", HJ212_CRC_FORM },
                { "##0087QN=1&&ABCD\r\n", HJ212_LENGTH },
                { "##2000QN=1&&ABCD\r\n", HJ212_OVERSIZE },
                { "##0003abcD701\r\n", HJ212_GRAMMAR },
                { "##0003abcD701", HJ212_TAIL } };
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        device_send(&d, bad[i].text, strlen(bad[i].text));
        device_send(&d, f, upload(f, sizeof f, "M1", ++number, 1));
        expect_ack(&d, number);
        assert_int_equal(stats().refused[bad[i].why], 1);
        refused++;
    }
    memset(big, 'x', sizeof big);
    memcpy(big, "##3000", 6);
    device_send(&d, big, sizeof big);
    device_send(&d, f, upload(f, sizeof f, "M1", ++number, 1));
    expect_ack(&d, number);
    assert_int_equal(stats().refused[HJ212_OVERSIZE], 2);
    size_t n = upload(f, sizeof f, "M1", ++number, 1); /* lower-case checksum */
    for (size_t i = n - 6; i < n - 2; i++)
        f[i] = (char)(f[i] >= 'A' ? f[i] | 0x20 : f[i]);
    device_send(&d, f, n);
    expect_ack(&d, number);
    device_send(&d, "\r\n\r\n", 4); /* an empty line is nobody's fault */
    device_send(&d, f, upload(f, sizeof f, "M1", ++number, 1));
    expect_ack(&d, number);
    assert_int_equal(stats().refused[HJ212_NOISE], 1);
    EVENTUALLY((int)store->nreject == refused + 1);
    assert_int_equal(store->npacket, number);
    device_close(&d);
}

static void strangers_and_wrong_passwords(void **state)
{
    char f[1100], got[1100];
    start();
    struct device d = connect_to(0);
    device_send(&d, f, upload(f, sizeof f, "M9", 1, 1));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[LF_TELE_UNKNOWN_MN] == 1 && stats().quarantined == 1);
    EVENTUALLY(store->nquarantine == 1);
    device_send(
        &d, f,
        device_frame(f, sizeof f, "QN=20240311000000002;ST=32;CN=2011;PW=123457;MN=M1;Flag=5;CP=&&DataTime=%s;a-Rtd=1&&", now_compact(0)));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[LF_TELE_PASSWORD] == 1);
    EVENTUALLY(store->nreject == 1);
    assert_string_equal(store->last_reject, "password PW");
    assert_int_equal(store->npacket, 0);
    /* ours, but not believable: kept apart, and acknowledged so that it is not sent again */
    device_send(&d, f,
                device_frame(f, sizeof f, "QN=20240311000000003;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;a-Rtd=1&&",
                             now_compact(LF_HOUR_MS)));
    expect_ack(&d, 3);
    assert_true(store->nquarantine == 2 && store->npacket == 0);
    /* the station is entered: the same connection, no restart */
    struct lf_tele_station s = { .id = { 9 }, .mn = LF_TEXT("M9"), .pw = LF_TEXT("123456") };
    lf_listener_set_directory(listener, lf_directory_make(&s, 1));
    device_send(&d, f, upload(f, sizeof f, "M9", 4, 1));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_int_equal(store->npacket, 1);
    device_close(&d);
}

static void again_and_corrected(void **state)
{
    char f[1100];
    start();
    struct device d = connect_to(0);
    size_t n = upload(f, sizeof f, "M1", 1, 10);
    for (int i = 0; i < 3; i++) {
        device_send(&d, f, n);
        expect_ack(&d, 1); /* the same packet again is acknowledged again */
    }
    assert_int_equal(store->npacket, 1);
    assert_int_equal(stats().duplicates, 2);
    const char *t = now_compact(0);
    for (int i = 0; i < 2; i++) { /* the same hour again, with another number and another value */
        device_send(&d, f,
                    device_frame(f, sizeof f, "QN=2024031100000001%d;ST=32;CN=2061;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;w01018-Avg=%d&&",
                                 i, t, 20 + i));
        expect_ack(&d, 10 + i);
    }
    assert_true(memory_store_value(store, 1, "w01018", LF_TELE_HOUR) == 21);
    assert_int_equal(stats().corrections, 1);
    EVENTUALLY(atomic_load(&told_fresh) == 3); /* duplicates are told to nobody */
    device_close(&d);
}

static void who_is_answered_and_how(void **state)
{
    char f[1100], got[1100];
    start();
    struct device d = connect_to(0);
    device_send(
        &d, f,
        device_frame(f, sizeof f, "QN=20240311000000001;ST=32;CN=2011;PW=123456;MN=M1;Flag=4;CP=&&DataTime=%s;a-Rtd=1&&", now_compact(0)));
    expect_nothing(&d); /* A = 0 */
    EVENTUALLY(store->npacket == 1);
    device_send(&d, f, device_frame(f, sizeof f, "QN=20160801085857223;ST=32;CN=1013;PW=123456;MN=M1;Flag=5;CP=&&PolId=w01018&&"));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_string_equal(got, "QN=20160801085857223;ST=91;CN=9013;PW=123456;MN=M1;Flag=4;CP=&&&&");
    device_send(&d, f, device_frame(f, sizeof f, "QN=20160801085857223;ST=91;CN=9015;PW=123456;MN=M1;Flag=5;CP=&&&&"));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_non_null(strstr(got, "CN=9013"));
    device_send(&d, f,
                device_frame(f, sizeof f, "QN=20040516010101001;ST=32;CN=2051;PW=123456;MN=M1;Flag=1;CP=&&DataTime=%s;011-Avg=1&&",
                             now_compact(0)));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_string_equal(got, "ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&"); /* as 2005 has it */
    device_send(&d, f, device_frame(f, sizeof f, "QN=20160801085857223;ST=91;CN=9011;PW=123456;MN=M1;Flag=4;CP=&&QnRtn=1&&"));
    expect_nothing(&d);
    EVENTUALLY(stats().replies == 1 && stats().heartbeats == 1);
    for (int i = 1; i <= 2; i++) { /* each part of a split message has its own answer */
        device_send(
            &d, f,
            device_frame(f, sizeof f,
                         "QN=20240311000000%03d;ST=32;CN=2061;PW=123456;MN=M1;Flag=7;PNUM=2;PNO=%d;CP=&&DataTime=%s;w0101%d-Avg=1&&", i, i,
                         now_compact(-LF_HOUR_MS), i));
        expect_ack(&d, i);
    }
    device_close(&d);
}

static void tolerances(void **state)
{
    char f[1100], seg[300], lie[400];
    start();
    struct device d = connect_to(0);
    int n =
        snprintf(seg, sizeof seg, "QN=20240311000000001;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;a-Rtd=1&&", now_compact(0));
    snprintf(f, sizeof f, "##%04d%s%04X\r\n", n, seg, (unsigned)hj212_crc_modbus(seg, (size_t)n));
    snprintf(lie, sizeof lie, "##%04d%s%04X\r\n", n + 6, seg, (unsigned)hj212_crc(seg, (size_t)n));
    device_send(&d, f, strlen(f));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[HJ212_CRC] == 1);
    lf_listener_set_directory(listener, stations(HJ212_NEEDS_MODBUS | HJ212_NEEDS_LENGTH | HJ212_NEEDS_TAIL));
    device_send(&d, f, strlen(f));
    expect_ack(&d, 1);
    device_send(&d, lie, strlen(lie));
    expect_ack(&d, 1);
    n = (int)upload(f, sizeof f, "M1", 2, 1);
    device_send(&d, f, (size_t)n - 2); /* never sends CR LF, and waits for its answer */
    expect_ack(&d, 2);
    device_send(&d, f, upload(f, sizeof f, "M1", 3, 1));
    expect_ack(&d, 3);
    assert_int_equal(stats().tolerated, 3);
    device_send(&d, f, upload(f, sizeof f, "M2", 4, 1) - 2); /* another station has no such leave */
    expect_nothing(&d);
    device_close(&d);
}

static bool is_another_key(const unsigned char *key, const unsigned char *sealed_with, lf_text segment)
{
    char f[HJ212_BUFFER_MAX], out[HJ212_SEGMENT_MAX];
    lf_text frame = { f, (uint32_t)hj212_seal(sealed_with, segment, f, sizeof f) };
    return hj212_open(key, frame, out, &segment) == HJ212_KEY;
}

static void encrypted_frames(void **state)
{
    static const unsigned char key[] = "0123456789abcdef";
    unsigned char other[] = "0123456789abcdeg";
    char seg[300], f[HJ212_BUFFER_MAX], got[1100];
    const struct lf_tele_station list[] = {
        { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3301"), .key = LF_TEXT("0123456789abcdef") },
        { .id = { 2 }, .mn = LF_TEXT("M2"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3302") },
    };
    start();
    lf_listener_set_directory(listener, lf_directory_make(list, LF_COUNT(list)));
    struct device d = connect_to(0);
    int n = snprintf(seg, sizeof seg, "QN=20240311000000001;ST=32;CN=2011;PW=123456;MN=M1;Flag=9;CP=&&DataTime=%s;w01018-Rtd=12.5&&",
                     now_compact(0));
    lf_text segment = { seg, (uint32_t)n };
    device_send(&d, f, hj212_seal(key, segment, f, sizeof f));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_string_equal(got, "QN=20240311000000001;ST=91;CN=9014;PW=123456;MN=M1;Flag=8;CP=&&&&");
    assert_int_equal(stats().sealed, 1);
    assert_int_equal(stats().readings, 1);
    while (!is_another_key(key, other, segment)) /* of 256 one gives the right checksum by chance */
        other[15]++;
    device_send(&d, f, hj212_seal(other, segment, f, sizeof f));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[HJ212_KEY] == 1);
    device_send(&d, f, hj212_frame(segment, f, sizeof f));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[LF_TELE_PLAIN] == 1);
    memcpy(strstr(seg, "MN=M1"), "MN=M2", 5); /* nobody gave this one a key */
    device_send(&d, f, hj212_seal(key, segment, f, sizeof f));
    expect_nothing(&d);
    EVENTUALLY(stats().refused[HJ212_SEALED] == 1);
    device_send(&d, f, hj212_frame(segment, f, sizeof f));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    device_close(&d);
}

static void answers_after_the_device_has_closed_its_side(void **state)
{
    char f[1100];
    store->delay_ms = 100;
    start();
    struct device d = connect_to(0);
    device_send(&d, f, upload(f, sizeof f, "M1", 1, 1));
    shutdown(d.fd, SHUT_WR);
    expect_ack(&d, 1);
    assert_true(device_gone(&d, PATIENCE_MS));
    device_close(&d);
    EVENTUALLY(stats().connections == 0);
}

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
        T(stored_then_acknowledged),
        T(glued_half_and_byte_by_byte),
        T(broken_ones_cost_only_themselves),
        T(strangers_and_wrong_passwords),
        T(again_and_corrected),
        T(who_is_answered_and_how),
        T(tolerances),
        T(encrypted_frames),
        T(answers_after_the_device_has_closed_its_side),
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
