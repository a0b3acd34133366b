/* A broker on loopback: what is published arrives in it, what it holds arrives here exactly until we have said so; it dies and comes back. */
#include "base/testing.h"
#include "relay/mqtt.h"
#include "relay/relay.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the broker --------------------------------------------------------------------------------------- */

static struct {
    char dir[64], conf[96];
    uint16_t port;
    pid_t pid;
} broker;

/* Below those that outgoing connections take (32768 and up), so that none of them takes it while the broker is away. */
static uint16_t free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timespec t;
    bool is_free = false;
    for (int i = 0; i < 100 && !is_free; i++) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        a.sin_port = htons((uint16_t)(10000 + ((unsigned)t.tv_nsec / 7 + (unsigned)getpid() * 31) % 22000));
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        is_free = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
        close(fd);
    }
    assert_true(is_free);
    return ntohs(a.sin_port);
}

static bool answers(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) }, .sin_port = htons(broker.port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return ok;
}

/* A list of words that ends with NULL. */
static pid_t run(const char *const *words)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    setenv("PATH", "/usr/sbin:/usr/bin:/bin", 1);
    execvp(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static void broker_start(void)
{
    broker.pid = run((const char *const[]){ "mosquitto", "-c", broker.conf, NULL });
    EVENTUALLY(answers());
}

static void broker_stop(int sig)
{
    kill(broker.pid, sig);
    waitpid(broker.pid, NULL, 0);
}

static int start_all(void **state)
{
    snprintf(broker.dir, sizeof broker.dir, "/tmp/lanfan-mqtt-XXXXXX");
    assert_non_null(mkdtemp(broker.dir));
    snprintf(broker.conf, sizeof broker.conf, "%s/mosquitto.conf", broker.dir);
    broker.port = free_port();
    FILE *f = fopen(broker.conf, "w");
    assert_non_null(f);
    fprintf(
        f,
        "listener %u 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/\nlog_dest none\nmax_queued_messages 0\n%s",
        (unsigned)broker.port, broker.dir, getuid() == 0 ? "user root\n" : "");
    fclose(f);
    broker_start();
    return 0;
}

static int stop_all(void **state)
{
    char cmd[160];
    broker_stop(SIGKILL);
    snprintf(cmd, sizeof cmd, "rm -rf %s", broker.dir);
    return system(cmd);
}

/* ---- a subscriber that remembers ------------------------------------------------------------------------- */

struct heard {
    pthread_mutex_t lock;
    atomic_int n, refuse; /* refuse: so many times on_message says that it could not keep it */
    char topic[4000][80];
    int64_t number[4000];
    char last[1000];
    bool die;
};

static int64_t number_in(lf_text doc, const char *name)
{
    json_t *j = json_loadb(doc.p, doc.n, 0, NULL);
    int64_t v = json_integer_value(json_object_get(j, name));
    json_decref(j);
    return v;
}

static bool hear(void *user, lf_text topic, lf_text doc)
{
    struct heard *h = user;
    if (h->die)
        _exit(9); /* before anything is kept */
    if (atomic_load(&h->refuse) > 0) {
        atomic_fetch_sub(&h->refuse, 1);
        return false;
    }
    pthread_mutex_lock(&h->lock);
    int i = atomic_load(&h->n);
    if (i < 4000) {
        snprintf(h->topic[i], sizeof h->topic[i], "%.*s", (int)topic.n, topic.p);
        h->number[i] = number_in(doc, "packet");
        snprintf(h->last, sizeof h->last, "%.*s", (int)doc.n, doc.p);
        atomic_store(&h->n, i + 1);
    }
    pthread_mutex_unlock(&h->lock);
    return true;
}

static struct heard *heard_new(void)
{
    struct heard *h = lf_new(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

static struct lf_mqtt_in *subscribe(const char *id, const char *topic, struct heard *h)
{
    struct lf_mqtt_in *in = lf_mqtt_in_start(&(struct lf_mqtt_in_config){ .host = LF_TEXT("127.0.0.1"),
                                                                          .port = broker.port,
                                                                          .session_name = lf_str(id),
                                                                          .topic = lf_str(topic),
                                                                          .on_message = hear,
                                                                          .user = h });
    assert_non_null(in);
    return in;
}

static void until_live(struct lf_mqtt_in *in) { EVENTUALLY(lf_mqtt_in_status(in).state == LF_MQTT_LIVE); }

static void until_heard(struct heard *h, int n) { EVENTUALLY(atomic_load(&h->n) >= n); }

static bool all_seen(struct heard *h, int n)
{
    bool seen[151] = { false };
    int have = 0;
    for (int i = 0; i < atomic_load(&h->n); i++)
        if (h->number[i] >= 1 && h->number[i] <= n && !seen[h->number[i]])
            seen[h->number[i]] = true, have++;
    return have == n;
}

/* Each of 1 to n (at most 150), some perhaps twice: that is what QoS 1 promises when a broker dies. */
static void until_all_seen(struct heard *h, int n) { EVENTUALLY(all_seen(h, n)); }

/* ---- a store with documents -------------------------------------------------------------------------------- */

struct doc_store {
    struct lf_tele_store base;
    atomic_llong n;
};
static struct doc_store store;

static lf_rc packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out,
                           size_t *n, struct lf_err *err)
{
    static const char doc[] = "time,factor,value,flag\n2026-11-24 11:59:00,a34004,35.5,\n2026-11-24 11:59:00,a34002,,D\n";
    int64_t from = lf_id_none(after) ? 0 : after.v;
    *out = lf_alloc(a, (size_t)limit * sizeof **out);
    for (*n = 0; *n < (size_t)limit && from + (int64_t)*n < atomic_load(&((struct doc_store *)s)->n); ++*n)
        (*out)[*n] = (struct lf_tele_stored_packet){ .id = { from + (int64_t)*n + 1 },
                                                     .station = { 1 },
                                                     .received = { 1795492800000 + from },
                                                     .cn = LF_TEXT("http"),
                                                     .raw = lf_str(doc) };
    return LF_OK;
}

static const struct lf_tele_store_ops doc_ops = { .packets_after = packets_after };
static const struct lf_relay_route route = { .station = { 1 }, .mn = { "M+1", 3 }, .grid_code = { "370302", 6 }, .st = { "22", 2 } };

static struct lf_relay_target target_of(bool per_factor)
{
    return (struct lf_relay_target){ .id = { 1 },
                                     .kind = LF_RELAY_MQTT,
                                     .host = LF_TEXT("127.0.0.1"),
                                     .port = broker.port,
                                     .topic = LF_TEXT("lanfan"),
                                     .kinds = 1,
                                     .timeout_ms = 1000,
                                     .per_factor = per_factor,
                                     .route = &route,
                                     .nroute = 1 };
}

static struct lf_relay_report report(struct lf_relay *r)
{
    struct lf_relay_report p = { .position = LF_RELAY_UNSET };
    assert_int_equal(lf_relay_report(r, (lf_id){ 1 }, &p), LF_OK);
    return p;
}

static void until_position(struct lf_relay *r, int64_t position)
{
    for (int i = 0; i < 2000 && report(r).position != position; i++)
        pause_ms(10);
    if (report(r).position != position)
        fail_msg("position %lld: %s", (long long)report(r).position, report(r).error);
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void readings_are_published(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = subscribe("published", "lanfan/#", h);
    struct lf_relay_target t = target_of(false);
    until_live(in);
    store = (struct doc_store){ .base = { .ops = &doc_ops }, .n = 100 };
    struct lf_relay *r = lf_relay_new(&store.base);
    lf_relay_set(r, &t, 1);
    until_position(r, 100);
    until_heard(h, 100);
    assert_string_equal(h->topic[0], "lanfan/370302/M_1/rtd"); /* no wildcard of a name becomes one of a topic */
    assert_true(h->number[0] == 1 && h->number[99] == 100);
    assert_string_equal(
        h->last, "{\"id\":\"M+1\",\"timestamp\":1795492740000,\"kind\":\"rtd\",\"packet\":100,\"metrics\":[{\"name\":\"a34004\",\"value\":"
                 "35.5,\"quality\":\"N\",\"unit\":\"ng/m³\"},{\"name\":\"a34002\",\"value\":null,\"quality\":\"D\",\"unit\":\"ng/m³\"}]}");
    lf_relay_free(r);
    t = target_of(true), t.position = 99;
    r = lf_relay_new(&store.base);
    lf_relay_set(r, &t, 1);
    until_position(r, 100);
    until_heard(h, 102);
    assert_string_equal(h->topic[100], "lanfan/370302/M_1/rtd/a34004");
    assert_string_equal(h->topic[101], "lanfan/370302/M_1/rtd/a34002");
    lf_relay_free(r);
    lf_mqtt_in_free(in);
    lf_release(h);
}

static void publish(const char *topic, int number)
{
    char message[64], port[8];
    snprintf(message, sizeof message, "{\"packet\":%d}", number);
    snprintf(port, sizeof port, "%u", (unsigned)broker.port);
    int status;
    pid_t pid = run((const char *const[]){ "mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "1", "-t", topic, "-m", message, NULL });
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void what_could_not_be_kept_comes_again(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = subscribe("again", "again/+", h);
    until_live(in);
    atomic_store(&h->refuse, 2);
    publish("again/a", 1);
    publish("again/b", 2);
    publish("again/c", 3);
    until_heard(h, 3);
    pause_ms(300);
    struct lf_mqtt_in_status s = lf_mqtt_in_status(in);
    assert_true(atomic_load(&h->n) == 3 && h->number[0] == 1 && h->number[1] == 2 && h->number[2] == 3); /* each once, in order */
    assert_true(s.failures == 2 && s.received >= 5 && s.error[0] == 0);
    lf_mqtt_in_free(in);
    lf_release(h);
}

static void a_crash_before_the_commit_loses_nothing(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = subscribe("crash", "crash/+", h); /* the session is in the broker now */
    until_live(in);
    lf_mqtt_in_free(in);
    publish("crash/a", 7);
    publish("crash/b", 8);
    pid_t child = fork();
    if (!child) {
        h->die = true;
        subscribe("crash", "crash/+", h);
        pause_ms(10000);
        _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    in = subscribe("crash", "crash/+", h);
    until_heard(h, 2);
    assert_true(h->number[0] == 7 && h->number[1] == 8);
    lf_mqtt_in_free(in);
    pause_ms(100);
    in = subscribe("crash", "crash/+", h); /* and what was kept does not come a second time */
    until_live(in);
    pause_ms(300);
    assert_int_equal(atomic_load(&h->n), 2);
    lf_mqtt_in_free(in);
    lf_release(h);
}

static void a_broker_dies_and_comes_back(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = subscribe("back", "lanfan/#", h);
    struct lf_relay_target t = target_of(false);
    until_live(in);
    store = (struct doc_store){ .base = { .ops = &doc_ops }, .n = 50 };
    struct lf_relay *r = lf_relay_new(&store.base);
    lf_relay_set(r, &t, 1);
    until_position(r, 50);
    until_heard(h, 50);
    broker_stop(SIGTERM); /* keeps its sessions */
    atomic_store(&store.n, 150);
    for (int i = 0; i < 3000 && !(report(r).failures && report(r).lag_ms > 0 && lf_mqtt_in_status(in).state != LF_MQTT_LIVE); i++)
        pause_ms(10);
    assert_true(report(r).position == 50 && report(r).lag_ms > 0 && report(r).failures > 0 && report(r).error[0]);
    assert_true(lf_mqtt_in_status(in).state != LF_MQTT_LIVE);
    broker_start();
    until_position(r, 150);
    until_all_seen(h, 150);
    broker_stop(SIGKILL);
    atomic_store(&store.n, 160);
    pause_ms(300);
    broker_start();
    until_position(r, 160);
    lf_relay_free(r);
    lf_mqtt_in_free(in);
    lf_release(h);
}

static void too_large_is_dropped(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = subscribe("large", "large/+", h);
    char cmd[300];
    until_live(in);
    snprintf(cmd, sizeof cmd, "head -c 70000 /dev/zero | tr '\\0' x | mosquitto_pub -h 127.0.0.1 -p %u -q 1 -t large/a -s",
             (unsigned)broker.port);
    assert_int_equal(system(cmd), 0);
    publish("large/b", 5);
    until_heard(h, 1);
    assert_true(h->number[0] == 5 && lf_mqtt_in_status(in).dropped == 1);
    lf_mqtt_in_free(in);
    lf_release(h);
}

static void nobody_there_is_said(void **state)
{
    struct heard *h = heard_new();
    struct lf_mqtt_in *in = lf_mqtt_in_start(&(struct lf_mqtt_in_config){ .host = LF_TEXT("127.0.0.1"),
                                                                          .port = free_port(),
                                                                          .session_name = LF_TEXT("x"),
                                                                          .topic = LF_TEXT("x"),
                                                                          .on_message = hear,
                                                                          .user = h });
    for (int i = 0; i < 3000 && !lf_mqtt_in_status(in).failures; i++)
        pause_ms(10);
    assert_non_null(strstr(lf_mqtt_in_status(in).error, " | MQTT failed (127.0.0.1:"));
    lf_mqtt_in_free(in);
    lf_release(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_are_published),
        cmocka_unit_test(what_could_not_be_kept_comes_again),
        cmocka_unit_test(a_crash_before_the_commit_loses_nothing),
        cmocka_unit_test(a_broker_dies_and_comes_back),
        cmocka_unit_test(too_large_is_dropped),
        cmocka_unit_test(nobody_there_is_said),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
