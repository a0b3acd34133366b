/* Store and forward towards a platform that cuts, hangs, refuses and comes back: every packet arrives, in the order of its station, and
 * what comes twice comes with the same bytes. */
#include "base/testing.h"
#include "relay/relay.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { STATIONS = 5, MOST = 400000, REFUSED_MS = 300 /* how long an answer is waited for that does not come */ };

/* ---- a store that makes its packets up: number i is of station i % STATIONS + 1 ------------------------------ */

struct made_store {
    struct lf_tele_store base;
    atomic_llong n, asked; /* how many there are; how many were asked for in all */
    atomic_bool broken;
};
static const int64_t epoch = 1795492800000;

static bool stretch; /* station 3 has caught up with something of its own: many of its packets in a row */
static int64_t station_of(int64_t id) { return stretch && id > 20 && id < 320 ? 3 : id % STATIONS + 1; }

static void make_packet(struct lf_arena *a, int64_t id, struct lf_tele_stored_packet *out)
{
    char segment[300], *frame = lf_alloc(a, HJ212_FRAME_MAX), at[32];
    int64_t station = station_of(id);
    lf_ms received = { epoch + id / 3 * 7 }; /* three in the same millisecond */
    int n = snprintf(segment, sizeof segment,
                     "QN=20260101000000000;ST=32;CN=2011;PW=123456;MN=M%lld;Flag=4;CP=&&DataTime=%s;w01018-Rtd=%lld,w01018-Flag=N&&",
                     (long long)station, lf_ms_compact(at, received), (long long)id);
    size_t size = hj212_frame((lf_text){ segment, (uint32_t)n }, frame, HJ212_FRAME_MAX);
    *out = (struct lf_tele_stored_packet){ .id = { id },
                                           .station = { station },
                                           .received = received,
                                           .at = received,
                                           .qn = LF_TEXT(""),
                                           .cn = LF_TEXT("2011"),
                                           .peer = LF_TEXT(""),
                                           .note = LF_TEXT(""),
                                           .raw = { frame, (uint32_t)size } };
}

static lf_rc packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out,
                           size_t *n, struct lf_err *err)
{
    struct made_store *m = (struct made_store *)s;
    int64_t from = lf_id_none(after) ? 0 : after.v;
    if (atomic_load(&m->broken))
        return lf_err_set(err, LF_EDB, NULL, "told to fail");
    *out = lf_alloc(a, (size_t)limit * sizeof **out);
    for (*n = 0; *n < (size_t)limit && from + (int64_t)*n < m->n; ++*n)
        make_packet(a, from + (int64_t)*n + 1, *out + *n);
    atomic_fetch_add(&m->asked, (long long)*n);
    return LF_OK;
}

static lf_rc packets(struct lf_tele_store *s, struct lf_arena *a, lf_id station, lf_id before, int limit,
                     struct lf_tele_stored_packet **out, size_t *n, struct lf_err *err)
{
    struct made_store *m = (struct made_store *)s;
    *n = m->n > 0;
    *out = lf_alloc(a, sizeof **out);
    if (*n)
        make_packet(a, m->n, *out);
    return LF_OK;
}

static lf_rc packet(struct lf_tele_store *s, struct lf_arena *a, lf_id id, struct lf_tele_stored_packet *out, struct lf_err *err)
{
    struct made_store *m = (struct made_store *)s;
    if (id.v > m->n)
        return lf_err_set(err, LF_ENOTFOUND, NULL, "none");
    make_packet(a, id.v, out);
    return LF_OK;
}

static const struct lf_tele_store_ops made_ops = { .packets_after = packets_after, .packets = packets, .packet = packet };

/* ---- a platform that misbehaves as told ------------------------------------------------------------------------ */

struct platform {
    pthread_t thread;
    int server, port;
    atomic_bool stop, mute;
    atomic_int cut_after; /* closes the connection after so many frames, the last one unanswered; 0 = never */
    atomic_int refuse;    /* number of the station whose packets are not answered */
    atomic_llong connections;
    pthread_mutex_t lock; /* below */
    int64_t *seen;        /* the value of each packet, in order of arrival */
    size_t n;
    int64_t last_of[STATIONS + 1];
    bool out_of_order, differs;
    int64_t qn_of[MOST + 1];
    bool there[MOST + 1];
    char last[HJ212_SEGMENT_MAX + 1];
};

static void note_arrival(struct platform *p, const struct hj212_packet *k, lf_text segment)
{
    struct hj212_item it;
    size_t at = 0;
    bool broken;
    double v = 0;
    lf_ms qn;
    while (hj212_next(k->cp, &at, &it, &broken))
        if (it.stat.p && lf_text_is(it.stat, "Rtd"))
            hj212_number(it.value, &v);
    int64_t id = (int64_t)v;
    lf_ms_parse_compact(k->qn, &qn);
    pthread_mutex_lock(&p->lock);
    int64_t station = station_of(id);
    if (id >= 1 && id <= MOST) {
        if (p->there[id])
            p->differs = p->differs || p->qn_of[id] != qn.ms;
        else {
            p->out_of_order = p->out_of_order || p->last_of[station] > id;
            p->last_of[station] = id;
            p->seen[p->n++] = id;
        }
        p->there[id] = true;
        p->qn_of[id] = qn.ms;
    }
    snprintf(p->last, sizeof p->last, "%.*s", (int)segment.n, segment.p);
    pthread_mutex_unlock(&p->lock);
}

/* False: the connection is to be closed. */
static bool answer_frame(struct platform *p, int fd, lf_text segment, int *frames)
{
    struct hj212_packet k;
    const char *bad;
    char out[HJ212_FRAME_MAX];
    int cut = atomic_load(&p->cut_after);
    if (hj212_parse(segment, &k, &bad) != HJ212_GOOD)
        return false;
    note_arrival(p, &k, segment);
    if (cut && ++*frames >= cut)
        return false;
    if (atomic_load(&p->mute) || (atomic_load(&p->refuse) && k.mn.p[k.mn.n - 1] == '0' + atomic_load(&p->refuse)))
        return true;
    size_t n = hj212_answer(&k, out, sizeof out);
    return n && send(fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void serve_one(struct platform *p, int fd)
{
    static _Thread_local char buf[HJ212_BUFFER_MAX];
    size_t held = 0;
    int frames = 0;
    for (bool open = true; open && !atomic_load(&p->stop);) {
        struct pollfd q = { fd, POLLIN, 0 };
        if (poll(&q, 1, 20) <= 0)
            continue;
        ssize_t k = recv(fd, buf + held, sizeof buf - held, 0);
        if (k <= 0)
            break;
        held += (size_t)k;
        for (size_t used = 1; open && used;) {
            lf_text frame, segment;
            if (hj212_take(buf, held, &used, &frame, &segment) == HJ212_GOOD && used)
                open = answer_frame(p, fd, segment, &frames);
            memmove(buf, buf + used, held -= used);
        }
    }
    close(fd);
}

static void *platform_main(void *user)
{
    struct platform *p = user;
    while (!atomic_load(&p->stop)) {
        struct pollfd q = { p->server, POLLIN, 0 };
        if (poll(&q, 1, 20) <= 0)
            continue;
        int fd = accept(p->server, NULL, NULL);
        atomic_fetch_add(&p->connections, 1);
        if (fd >= 0)
            serve_one(p, fd);
    }
    return NULL;
}

static struct platform *platform_new(void)
{
    struct platform *p = lf_new(sizeof *p);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof a;
    p->seen = lf_new(MOST * sizeof *p->seen);
    pthread_mutex_init(&p->lock, NULL);
    p->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->server, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(p->server, 8), 0);
    assert_int_equal(getsockname(p->server, (struct sockaddr *)&a, &n), 0);
    p->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&p->thread, NULL, platform_main, p), 0);
    return p;
}

static void platform_free(struct platform *p)
{
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    close(p->server);
    lf_release(p->seen);
    lf_release(p);
}

static size_t arrived(struct platform *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

/* ---- the pieces together ------------------------------------------------------------------------------------------ */

static struct made_store store;
static struct lf_relay *relay;
static struct platform *there;
static struct lf_relay_route route[STATIONS];
static struct lf_relay_target target;

static int set_up(void **state)
{
    static char mn[STATIONS][8];
    memset(&store, 0, sizeof store);
    store.base.ops = &made_ops;
    there = platform_new();
    relay = lf_relay_new(&store.base);
    for (int i = 0; i < STATIONS; i++) {
        snprintf(mn[i], sizeof mn[i], "M%d", i + 1);
        route[i] = (struct lf_relay_route){
            .station = { i + 1 }, .mn = lf_str(mn[i]), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3703"), .st = LF_TEXT("22")
        };
    }
    target = (struct lf_relay_target){ .id = { 1 },
                                       .host = LF_TEXT("127.0.0.1"),
                                       .port = (uint16_t)there->port,
                                       .kinds = 0xf,
                                       .timeout_ms = 10000, /* a slow answer is no missing one: nothing is to be sent twice */
                                       .retries = 1,
                                       .window = 8,
                                       .route = route,
                                       .nroute = STATIONS };
    return 0;
}

static int tear_down(void **state)
{
    lf_relay_free(relay);
    platform_free(there);
    return 0;
}

static struct lf_relay_report report(void)
{
    struct lf_relay_report r = { .position = LF_RELAY_UNSET };
    lf_rc rc = lf_relay_report(relay, target.id, &r);
    assert_true(rc == LF_OK || rc == LF_ENOTFOUND);
    return r;
}

static struct lf_relay_report wait_position(int64_t position, int seconds)
{
    for (int i = 0; i < seconds * 500 && report().position != position; i++) /* five times that on a busy machine */
        pause_ms(10);
    struct lf_relay_report r = report();
    if (r.position != position)
        fail_msg("position %lld, not %lld: %s", (long long)r.position, (long long)position, r.error);
    return r;
}

static void all_arrive_once(void **state)
{
    store.n = 1000;
    lf_relay_set(relay, &target, 1);
    struct lf_relay_report r = wait_position(1000, 10);
    assert_int_equal(arrived(there), 1000);
    assert_true(!there->out_of_order && r.sent == 1000 && r.acknowledged == 1000 && r.failures == 0 && r.lag_ms == 0 && r.nparked == 0);
    for (int i = 1; i < 1000; i++)
        assert_true(there->qn_of[i] < there->qn_of[i + 1] && there->qn_of[i] >= epoch); /* a sequence of our own, without repetition */
    store.n = 1010;                                                                     /* and what comes later */
    wait_position(1010, 5);
    struct lf_out o = lf_out_memory(0);
    lf_relay_metrics(relay, &o);
    lf_put_c(&o, 0);
    assert_non_null(strstr(o.buf, "lanfan_upstream_acknowledged_total{upstream=\"1\"} 1010\n"));
    assert_non_null(strstr(o.buf, "lanfan_upstream_up{upstream=\"1\"} 1\n"));
    lf_out_close(&o);
}

static void the_other_side_gets_its_own_names(void **state)
{
    route[1].as_mn = LF_TEXT("CITY0001"), route[1].as_pw = LF_TEXT("654321");
    store.n = 6;
    lf_relay_set(relay, &target, 1);
    wait_position(6, 5);
    assert_non_null(strstr(there->last, ";ST=32;CN=2011;PW=654321;MN=CITY0001;Flag=5;CP=&&DataTime="));
}

static void cuts_lose_nothing(void **state)
{
    atomic_store(&there->cut_after, 37);
    store.n = 600;
    lf_relay_set(relay, &target, 1);
    wait_position(600, 60);
    assert_int_equal(arrived(there), 600);
    assert_true(!there->out_of_order && !there->differs && atomic_load(&there->connections) > 10);
    assert_true(report().failures > 10 && report().nparked == 0);
}

static void a_restart_goes_on_where_it_was(void **state)
{
    store.n = 3000;
    atomic_store(&there->cut_after, 500);
    for (int i = 0; i < 6; i++) { /* stopped anywhere; what was saved may be older than what was sent */
        lf_relay_set(relay, &target, 1);
        struct lf_relay_report saved = report();
        for (int k = 0; k < 200 && saved.position < i * 400; k++)
            pause_ms(5), saved = report();
        pause_ms(20);
        lf_relay_free(relay);
        relay = lf_relay_new(&store.base);
        target.position = saved.position < 0 ? 0 : saved.position, target.qn = saved.qn;
    }
    atomic_store(&there->cut_after, 0);
    lf_relay_set(relay, &target, 1);
    wait_position(3000, 20);
    assert_int_equal(arrived(there), 3000);
    assert_true(!there->out_of_order && !there->differs);
}

static struct {
    struct lf_relay_parked parked[1000];
    int nparked;
} all;

/* The owner keeps what is parked, until the position is there. */
static struct lf_relay_report keep_until(int64_t position)
{
    struct lf_relay_report r = report();
    for (int i = 0; i < 20000 && (r.position < position || r.nparked); i++, pause_ms(5)) {
        r = report();
        memcpy(all.parked + all.nparked, r.parked, (size_t)r.nparked * sizeof *r.parked);
        all.nparked += r.nparked;
        lf_relay_kept(relay, target.id, &r);
    }
    return wait_position(position, 1);
}

static void a_long_stretch_of_refused_ones_ends(void **state)
{
    all.nparked = 0;
    target.timeout_ms = REFUSED_MS;
    atomic_store(&there->refuse, 3);
    store.n = 500;
    stretch = true;
    lf_relay_set(relay, &target, 1);
    struct lf_relay_report r = keep_until(500);
    int of_three = 0;
    for (int i = 1; i <= 500; i++)
        of_three += station_of(i) == 3;
    stretch = false;
    assert_true(all.nparked == of_three && of_three > 300 && r.acknowledged >= 500 - of_three);
    assert_true(!there->out_of_order && !there->differs);
}

static void who_is_refused_stops_nobody(void **state)
{
    struct lf_relay_report r;
    all.nparked = 0;
    target.timeout_ms = REFUSED_MS;
    atomic_store(&there->refuse, 3);
    store.n = 200;
    lf_relay_set(relay, &target, 1);
    r = keep_until(200);
    assert_int_equal(all.nparked, 40);
    for (int i = 0; i < all.nparked; i++)
        assert_true(all.parked[i].station.v == 3 && !all.parked[i].for_ever && (!i || all.parked[i].packet > all.parked[i - 1].packet));
    assert_int_equal(r.acknowledged, 160);
    assert_int_equal(report().nparked, 0);
    /* Once more: refused again, then taken. */
    assert_int_equal(lf_relay_retry(relay, target.id, all.parked, 1), 1);
    for (int i = 0; i < 3000 && !report().ntried; i++)
        pause_ms(10);
    r = report();
    assert_true(r.ntried == 1 && !r.tried[0].acknowledged);
    lf_relay_kept(relay, target.id, &r);
    atomic_store(&there->refuse, 0);
    for (int at = 0; at < all.nparked;) {
        at += lf_relay_retry(relay, target.id, all.parked + at, all.nparked - at);
        r = report();
        for (int i = 0; i < r.ntried; i++)
            assert_true(r.tried[i].acknowledged);
        lf_relay_kept(relay, target.id, &r);
        pause_ms(10);
    }
    for (int i = 0; i < 3000 && report().acknowledged < 200; i++)
        pause_ms(10);
    assert_int_equal(arrived(there), 200);
    assert_false(there->differs); /* the number it had the first time */
}

static void a_mute_platform_is_waited_for(void **state)
{
    atomic_store(&there->mute, true);
    target.timeout_ms = REFUSED_MS;
    store.n = 100;
    lf_relay_set(relay, &target, 1);
    for (int i = 0; i < 3000 && !report().failures; i++)
        pause_ms(10);
    pause_ms(500);
    struct lf_relay_report r = report();
    assert_true(r.position == 0 && r.nparked == 0 && r.failures > 0 && r.lag_ms > 0 && r.error[0] && r.acknowledged == 0);
    assert_non_null(strstr(r.error, " | "));
    atomic_store(&there->mute, false);
    r = wait_position(100, 20);
    assert_true(!there->differs && !r.error[0]);
}

static void a_broken_store_is_waited_for(void **state)
{
    store.n = 50;
    atomic_store(&store.broken, true);
    lf_relay_set(relay, &target, 1);
    pause_ms(300);
    assert_int_equal(arrived(there), 0);
    atomic_store(&store.broken, false);
    wait_position(50, 10);
}

static void an_edit_needs_no_restart(void **state)
{
    struct platform *other = platform_new();
    store.n = 100;
    lf_relay_set(relay, &target, 1);
    struct lf_relay_report r = wait_position(100, 5);
    target.port = (uint16_t)other->port, target.position = r.position, target.qn = r.qn;
    for (int i = 0; i < 3000 && !lf_relay_set(relay, &target, 1); i++)
        pause_ms(10);
    store.n = 150;
    wait_position(150, 5);
    assert_true(arrived(there) == 100 && arrived(other) == 50);
    assert_true(lf_relay_set(relay, NULL, 0));
    assert_int_equal(lf_relay_report(relay, target.id, &r), LF_ENOTFOUND);
    platform_free(other);
}

static void it_begins_where_it_is_told(void **state)
{
    store.n = 1000;
    target.position = LF_RELAY_UNSET, target.since.ms = LF_NULL64;
    lf_relay_set(relay, &target, 1);
    wait_position(1000, 5);
    assert_int_equal(arrived(there), 0); /* from now on only */
    target.id.v = 2;
    target.since.ms = epoch + 900 / 3 * 7;
    lf_relay_set(relay, &target, 1);
    wait_position(1000, 5);
    assert_true(arrived(there) == 101 && there->seen[0] == 900);
}

/* The sanitizer keeps what was freed for a while (its quarantine): it sees leaks, not how much is held. */
#if defined __SANITIZE_ADDRESS__
enum { MEMORY_KB = 300 * 1024 };
#else
enum { MEMORY_KB = 8 * 1024 };
#endif

static long memory_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
    fclose(f);
    return pages * 4;
}

/* Forty stations' month of hour means and more; the window and one page are all that is held. */
static void a_backlog_takes_no_memory(void **state)
{
    target.window = 64;
    store.n = 2000;
    lf_relay_set(relay, &target, 1);
    wait_position(2000, 10);
    long before = memory_kb();
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    store.n = 60000;
    bool lagged = false;
    for (int i = 0; i < 10000 && !lagged && report().position < 60000; i++, pause_ms(1))
        lagged = report().lag_ms > 0;
    assert_true(lagged || report().position == 60000);
    wait_position(60000, 60);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    print_message("58000 packets of backlog in %.1f s, %ld KB more\n",
                  (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9, memory_kb() - before);
    assert_true(arrived(there) == 60000 && !there->out_of_order);
    assert_true(memory_kb() - before < MEMORY_KB);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = { T(all_arrive_once),
                                        T(the_other_side_gets_its_own_names),
                                        T(cuts_lose_nothing),
                                        T(a_restart_goes_on_where_it_was),
                                        T(who_is_refused_stops_nobody),
                                        T(a_long_stretch_of_refused_ones_ends),
                                        T(a_mute_platform_is_waited_for),
                                        T(a_broken_store_is_waited_for),
                                        T(an_edit_needs_no_restart),
                                        T(it_begins_where_it_is_told),
                                        T(a_backlog_takes_no_memory) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
