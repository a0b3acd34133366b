/* The other ways through the listener: batches that are submitted, and frames that go out to stations. */
#include "base/testing.h"
#include "tele/device.h"
#include "tele/listener.h"
#include "tele/store_memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct memory_store *store;
static struct lf_listener *listener;
static atomic_int told, replies, came, went, held, submitting;
static char last_reply[HJ212_FRAME_MAX + 1];
static pthread_mutex_t reply_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_readings(void *user, const struct lf_tele_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r[i].fresh && r[i].factor.n == 6 && memcmp(r[i].factor.p, "w01018", 6) == 0)
            atomic_fetch_add(&told, 1);
}
static void on_held(void *user, const struct lf_tele_held *h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(&held, h[i].by.v == 7 && h[i].r.value > 0 && h[i].r.factor.n == 6 ? 1 : 1000);
}
static void on_reply(void *user, lf_id station, const struct hj212_packet *p, lf_text raw)
{
    pthread_mutex_lock(&reply_lock);
    snprintf(last_reply, sizeof last_reply, "%lld %.*s %.*s", (long long)station.v, (int)p->cn.n, p->cn.p, (int)p->cp.n, p->cp.p);
    pthread_mutex_unlock(&reply_lock);
    atomic_fetch_add(&replies, 1);
}
static void on_contact(void *user, lf_id station, bool connected) { atomic_fetch_add(connected ? &came : &went, 1); }

static void listen_with(const struct lf_asked *asked, size_t nasked)
{
    struct lf_err err = { 0 };
    const struct lf_tele_station list[] = { { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456") },
                                            { .id = { 2 }, .mn = LF_TEXT("M2"), .pw = LF_TEXT("123456") } };
    struct lf_listener_config c = { .store = &store->base,
                                    .directory = lf_directory_make(list, 2),
                                    .asked = asked,
                                    .nasked = nasked,
                                    .on_readings = on_readings,
                                    .on_held = on_held,
                                    .on_reply = on_reply,
                                    .on_contact = on_contact };
    if (lf_listener_start(&listener, &c, &err) != LF_OK)
        fail_msg("%s", err.msg);
}

static int start(void **state)
{
    store = memory_store_new();
    told = replies = came = went = held = 0;
    listen_with(NULL, 0);
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

static void put(struct lf_tele_batch *b, int64_t station, const char *factor, int64_t at, double v)
{
    size_t first = b->nreading;
    *lf_tele_add_reading(b) = (struct lf_tele_reading){ .station = { station },
                                                        .factor = lf_text_copy(&b->arena, lf_str(factor)),
                                                        .at = { at },
                                                        .value = v,
                                                        .vmin = NAN,
                                                        .vmax = NAN,
                                                        .cou = NAN,
                                                        .zs = NAN };
    lf_text raw = lf_str(lf_printf(&b->arena, "{\"%s\":%g,\"at\":%lld}", factor, v, (long long)at));
    *lf_tele_add_packet(b) = (struct lf_tele_packet){ .station = { station },
                                                      .peer = LF_TEXT("http"),
                                                      .raw = raw,
                                                      .qn = LF_TEXT(""),
                                                      .st = LF_TEXT(""),
                                                      .cn = LF_TEXT(""),
                                                      .note = LF_TEXT(""),
                                                      .received = lf_now(),
                                                      .at = { at },
                                                      .first = first,
                                                      .n = 1 };
}

/* ---- submit ---------------------------------------------------------------------------------- */

static void stored_like_packets(void **state)
{
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { 0 };
    put(&b, 1, "w01018", 1000, 5);
    put(&b, 2, "w01018", 1000, 6);
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK);
    assert_true(store->npacket == 2 && store->nreading == 2); /* when it returns, it is there */
    assert_true(b.reading[0].fresh && b.reading[1].fresh && !b.packet[0].duplicate);
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK); /* the same again */
    assert_true(b.packet[0].duplicate && b.packet[1].duplicate && store->npacket == 2);
    lf_tele_batch_free(&b); /* before the events thread may have come to it */
    EVENTUALLY(atomic_load(&told) == 2);
    pause_ms(50);
    assert_int_equal(atomic_load(&told), 2); /* and no more: what was there already is told to nobody */
    struct lf_listener_stats s = stats();
    assert_true(s.submitted == 2 && s.submit_failures == 0 && s.packets == 2 && s.duplicates == 2);
}

static void what_is_not_lawful_is_refused(void **state)
{
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { 0 };
    assert_int_equal(lf_listener_submit(listener, &b, 100, &err), LF_OK); /* nothing is easily stored */
    put(&b, 1, "w01018", 1000, 5);
    b.packet[0].first = 1;
    assert_int_equal(lf_listener_submit(listener, &b, 100, &err), LF_EINVAL);
    b.packet[0].first = 0;
    b.reading[0].station.v = 2; /* of another station than its packet */
    assert_int_equal(lf_listener_submit(listener, &b, 100, &err), LF_EINVAL);
    b.reading[0].station.v = 1;
    lf_tele_add_reading(&b); /* of no packet */
    assert_int_equal(lf_listener_submit(listener, &b, 100, &err), LF_EINVAL);
    assert_int_equal(store->npacket, 0);
    lf_tele_batch_free(&b);
}

/* What people have decided about stays, by whichever way a value comes; its packet is kept, and who listens hears of it. */
static void what_was_decided_stays(void **state)
{
    const struct lf_tele_decision d = { .station = { 1 }, .by = { 7 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_RTD, .to = { 9000 } };
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { 0 };
    lf_listener_set_shield(listener, lf_shield_make(&d, 1));
    put(&b, 1, "w01018", 1000, 5);
    put(&b, 1, "w00000", 1000, 6);
    put(&b, 2, "w01018", 1000, 7);
    put(&b, 1, "w01018", 9000, 8);
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK);
    assert_true(!b.reading[0].fresh && b.reading[1].fresh && b.reading[2].fresh && b.reading[3].fresh);
    assert_true(store->npacket == 4 && store->nreading == 3);
    EVENTUALLY(atomic_load(&held) == 1 && atomic_load(&told) == 2);
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK); /* the same packets again tell nothing new */
    struct device dev;
    char f[HJ212_FRAME_MAX], answer[HJ212_FRAME_MAX];
    assert_true(device_open(&dev, "127.0.0.1", lf_listener_port(listener), 0));
    lf_listener_set_shield(listener,
                           lf_shield_make(
                               &(struct lf_tele_decision){
                                   .station = { 1 }, .by = { 7 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_RTD, .to = { INT64_MAX } },
                               1));
    char now[32];
    size_t n =
        device_frame(f, sizeof f, "QN=20240311120000001;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=%s;w01018-Rtd=9,w01018-Flag=N&&",
                     lf_ms_compact(now, lf_now()));
    assert_true(device_send(&dev, f, n) && device_answer(&dev, answer, sizeof answer, PATIENCE_MS)); /* acknowledged: it is kept */
    EVENTUALLY(atomic_load(&held) == 2);
    assert_int_equal(store->nreading, 3);
    device_close(&dev);
    lf_listener_set_shield(listener, NULL);
    put(&b, 1, "w01018", 2000, 3);
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK);
    assert_true(b.reading[4].fresh && store->nreading == 4); /* nothing holds it back any more */
    lf_tele_batch_free(&b);
}

static void a_store_that_is_away(void **state)
{
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { 0 };
    put(&b, 1, "w01018", 1000, 5);
    store->rc = LF_EDB;
    int64_t began = lf_now().ms;
    assert_int_equal(lf_listener_submit(listener, &b, 1000, &err), LF_EBUSY);
    assert_true(lf_now().ms - began >= 990 && lf_now().ms - began < 20000);
    assert_true(stats().failing && err.msg[0]);
    store->rc = LF_OK;
    pause_ms(300);
    assert_int_equal(store->npacket, 0); /* what was refused does not turn up later */
    assert_int_equal(lf_listener_submit(listener, &b, PATIENCE_MS, &err), LF_OK);
    assert_true(store->npacket == 1 && !stats().failing);
    lf_tele_batch_free(&b);
}

struct submitter {
    pthread_t thread;
    int number;
    const char *factor;
    lf_rc rc;
};

static void *submit_main(void *arg)
{
    struct submitter *s = arg;
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { 0 };
    put(&b, 1, s->factor, 1000 + s->number, s->number);
    atomic_fetch_add(&submitting, 1);
    s->rc = lf_listener_submit(listener, &b, PATIENCE_MS, &err);
    lf_tele_batch_free(&b);
    return NULL;
}

/* Twenty at once share commits; and one that can never go in fails alone. */
static void many_at_once(void **state)
{
    enum { MANY = 20, BAD = 7 };
    struct submitter s[MANY];
    store->poison = "bad";
    store->delay_ms = 50;
    for (int i = 0; i < MANY; i++) {
        s[i] = (struct submitter){ .number = i, .factor = i == BAD ? "bad" : "w01018" };
        assert_int_equal(pthread_create(&s[i].thread, NULL, submit_main, &s[i]), 0);
    }
    for (int i = 0; i < MANY; i++) {
        pthread_join(s[i].thread, NULL);
        assert_int_equal(s[i].rc, i == BAD ? LF_EINVAL : LF_OK);
    }
    assert_int_equal(store->npacket, MANY - 1);
    EVENTUALLY(atomic_load(&told) == MANY - 1);
    store->poison = NULL;
    size_t before = store->commits;
    submitting = 0;
    store->rc = LF_EDB; /* away until all of them wait */
    for (int i = 0; i < MANY; i++) {
        s[i] = (struct submitter){ .number = 100 + i, .factor = "w01018" };
        assert_int_equal(pthread_create(&s[i].thread, NULL, submit_main, &s[i]), 0);
    }
    EVENTUALLY(atomic_load(&submitting) == MANY);
    pause_ms(200);
    store->rc = LF_OK;
    for (int i = 0; i < MANY; i++)
        pthread_join(s[i].thread, NULL);
    assert_true(store->npacket == 2 * MANY - 1 && store->commits - before < MANY / 2);
}

static void stopping_lets_submitters_go(void **state)
{
    struct submitter s = { .factor = "w01018" };
    store->rc = LF_EDB;
    assert_int_equal(pthread_create(&s.thread, NULL, submit_main, &s), 0);
    EVENTUALLY(stats().failing);
    lf_listener_stop(listener);
    listener = NULL;
    pthread_join(s.thread, NULL);
    assert_int_equal(s.rc, LF_EBUSY);
}

/* ---- send ---------------------------------------------------------------------------------------- */

static struct device connect_as(const char *mn, int number)
{
    struct device d;
    char f[1100], at[32], got[1100];
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), 0));
    device_send(&d, f,
                device_frame(f, sizeof f, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s;w01018-Rtd=1&&", number,
                             mn, lf_ms_compact(at, (lf_ms){ lf_now().ms - number * 1000 })));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    return d;
}

static lf_rc give(int64_t station, const char *qn, const char *cn)
{
    char f[1100];
    struct lf_err err = { 0 };
    size_t n = device_frame(f, sizeof f, "QN=%s;ST=32;CN=%s;PW=123456;MN=M%lld;Flag=5;CP=&&&&", qn, cn, (long long)station);
    return lf_listener_send(listener, (lf_id){ station }, (lf_text){ f, (uint32_t)n }, &err);
}

static void to_the_newest_connection(void **state)
{
    char got[1100];
    assert_int_equal(give(1, "20240311000000001", "1011"), LF_ENOTFOUND);
    struct device a = connect_as("M1", 1);
    assert_true(atomic_load(&came) == 1 && atomic_load(&went) == 0);
    assert_int_equal(give(2, "20240311000000001", "1011"), LF_ENOTFOUND);
    assert_int_equal(give(1, "20240311000000001", "1011"), LF_OK);
    assert_true(device_answer(&a, got, sizeof got, PATIENCE_MS));
    assert_string_equal(got, "QN=20240311000000001;ST=32;CN=1011;PW=123456;MN=M1;Flag=5;CP=&&&&");
    struct device b = connect_as("M1", 2); /* the device has dialled again; the old line is still open */
    assert_int_equal(give(1, "20240311000000002", "1061"), LF_OK);
    assert_true(device_answer(&b, got, sizeof got, PATIENCE_MS) && strstr(got, "CN=1061"));
    device_close(&a); /* the old one goes: nothing changes */
    EVENTUALLY(stats().connections == 1);
    assert_true(atomic_load(&came) == 1 && atomic_load(&went) == 0);
    assert_int_equal(give(1, "20240311000000003", "1063"), LF_OK);
    assert_true(device_answer(&b, got, sizeof got, PATIENCE_MS) && strstr(got, "CN=1063"));
    device_close(&b);
    EVENTUALLY(atomic_load(&went) == 1);
    assert_int_equal(give(1, "20240311000000004", "1011"), LF_ENOTFOUND);
    assert_int_equal(stats().sent, 3);
}

/* One line of a gateway carries both stations. */
static void two_stations_on_one_line(void **state)
{
    char f[1100], got[1100], at[32];
    struct device d = connect_as("M1", 1);
    device_send(&d, f,
                device_frame(f, sizeof f, "QN=20240311000000002;ST=32;CN=2011;PW=123456;MN=M2;Flag=5;CP=&&DataTime=%s;w01018-Rtd=1&&",
                             lf_ms_compact(at, lf_now())));
    assert_true(device_answer(&d, got, sizeof got, PATIENCE_MS));
    assert_true(give(1, "20240311000000001", "1011") == LF_OK && device_answer(&d, got, sizeof got, PATIENCE_MS) && strstr(got, "MN=M1"));
    assert_true(give(2, "20240311000000001", "1011") == LF_OK && device_answer(&d, got, sizeof got, PATIENCE_MS) && strstr(got, "MN=M2"));
    device_close(&d);
    EVENTUALLY(atomic_load(&went) == 2);
}

static void say_as(struct device *d, const char *mn, const char *qn, const char *cn, const char *cp)
{
    char f[1100];
    device_send(d, f, device_frame(f, sizeof f, "QN=%s;ST=32;CN=%s;PW=123456;MN=%s;Flag=4;CP=&&%s&&", qn, cn, mn, cp));
}

static void say(struct device *d, const char *qn, const char *cn, const char *cp) { say_as(d, "M1", qn, cn, cp); }

static void expect_reply(int n, const char *text)
{
    EVENTUALLY(atomic_load(&replies) == n);
    pthread_mutex_lock(&reply_lock);
    assert_string_equal(last_reply, text);
    pthread_mutex_unlock(&reply_lock);
}

static void replies_are_told_and_kept(void **state)
{
    char got[1100], f[1100];
    struct device d = connect_as("M1", 1);
    assert_true(give(1, "20240311000000777", "1011") == LF_OK && device_answer(&d, got, sizeof got, PATIENCE_MS));
    say(&d, "20240311000000777", "9011", "QnRtn=1");
    expect_reply(1, "1 9011 QnRtn=1");
    say(&d, "20240311000000777", "1011", "PolId=w01018;SystemTime=20240311000000");
    expect_reply(2, "1 1011 PolId=w01018;SystemTime=20240311000000");
    say(&d, "20240311000000778", "1011", "SystemTime=20240311000001"); /* with a number of its own */
    expect_reply(3, "1 1011 SystemTime=20240311000001");
    say(&d, "20240311000000777", "9012", "ExeRtn=1");
    expect_reply(4, "1 9012 ExeRtn=1");
    say(&d, "20240311000000779", "1061", "RtdInterval=30"); /* nobody asked */
    EVENTUALLY(store->npacket == 6);                        /* all of them are evidence */
    assert_true(atomic_load(&replies) == 4 && stats().replies == 2);
    /* a stranger's reply, and one with a wrong password, are told to nobody */
    device_send(&d, f, device_frame(f, sizeof f, "QN=20240311000000777;ST=32;CN=9012;PW=123456;MN=M9;Flag=4;CP=&&ExeRtn=1&&"));
    device_send(&d, f, device_frame(f, sizeof f, "QN=20240311000000777;ST=32;CN=9012;PW=654321;MN=M1;Flag=4;CP=&&ExeRtn=1&&"));
    EVENTUALLY(stats().refused[LF_TELE_UNKNOWN_MN] == 1 && stats().refused[LF_TELE_PASSWORD] == 1);
    assert_true(atomic_load(&replies) == 4 && store->npacket == 6);
    device_close(&d);
}

/* What was asked before this start: recognised from the first packet of a connection on, by number and by kind. */
static void replies_after_a_restart(void **state)
{
    lf_listener_stop(listener);
    const struct lf_asked asked[] = { { { 1 }, "20240311000000777", "1061" }, { { 2 }, "20240311000000778", "2061" } };
    listen_with(asked, LF_COUNT(asked));
    char at[32], hour[64], told_of[80];
    snprintf(hour, sizeof hour, "DataTime=%s;w01018-Avg=1", lf_ms_compact(at, lf_now()));
    snprintf(told_of, sizeof told_of, "2 2061 %s", hour);
    struct device d = connect_as("M1", 1), e = connect_as("M2", 2);
    say(&d, "20240311000000777", "1061", "RtdInterval=30");
    expect_reply(1, "1 1061 RtdInterval=30");
    say_as(&e, "M2", "20240311000000999", "2061", hour); /* history has numbers of its own */
    expect_reply(2, told_of);
    say(&d, "20240311000000999", "2061", hour); /* it was another station that was asked for it */
    EVENTUALLY(store->npacket == 5);
    assert_int_equal(atomic_load(&replies), 2);
    device_close(&d);
    device_close(&e);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(stored_like_packets),
        T(what_was_decided_stays),
        T(what_is_not_lawful_is_refused),
        T(a_store_that_is_away),
        T(many_at_once),
        T(stopping_lets_submitters_go),
        T(to_the_newest_connection),
        T(two_stations_on_one_line),
        T(replies_are_told_and_kept),
        T(replies_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
