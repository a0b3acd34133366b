/* The listener, through real sockets: every way in which bytes can arrive, and what each packet is answered. */
#include "tele/listener_testing.h"
#include "hj212/crc.h"
#include "hj212/sm4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <cmocka.h>

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
