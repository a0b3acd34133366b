/* mqtt_in.c - a durable subscription, on a thread of its own. */
#include "relay/mqtt_int.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { BACK_OFF_MIN_MS = 500, BACK_OFF_MAX_MS = 30 * 1000, LOOP_MS = 200 };

struct lf_mqtt_in {
    struct lf_mqtt_in_config c;
    struct lf_arena own;
    pthread_t thread;
    atomic_bool stop, ended;
    bool broken, lost, live; /* of this connection. broken: a message was not kept; nothing of it may be acknowledged any more */
    int refused, failures_in_row;
    pthread_mutex_t lock; /* below */
    struct lf_mqtt_in_status status;
};

static void count(struct lf_mqtt_in *in, int64_t *what)
{
    pthread_mutex_lock(&in->lock);
    ++*what;
    pthread_mutex_unlock(&in->lock);
}

static void set_state(struct lf_mqtt_in *in, enum lf_mqtt_in_state s, const char *error)
{
    pthread_mutex_lock(&in->lock);
    in->status.state = s;
    if (error)
        snprintf(in->status.error, sizeof in->status.error, "%s", error);
    pthread_mutex_unlock(&in->lock);
}

/* ---- callbacks of the library, on our thread ------------------------------------------------------ */

static void on_connect(struct mosquitto *m, void *user, int code)
{
    struct lf_mqtt_in *in = user;
    struct lf_arena a = { 0 };
    in->refused = code;
    if (!code && mosquitto_subscribe(m, NULL, lf_strn(&a, in->c.topic), 1))
        in->lost = true;
    lf_arena_free(&a);
}

static void on_subscribe(struct mosquitto *m, void *user, int mid, int n, const int *granted)
{
    struct lf_mqtt_in *in = user;
    in->live = n == 1 && granted[0] == 1;
    if (in->live)
        set_state(in, LF_MQTT_LIVE, "");
    else
        in->refused = 5; /* not authorized */
}

static void on_disconnect(struct mosquitto *m, void *user, int code) { ((struct lf_mqtt_in *)user)->lost = true; }

static void on_message(struct mosquitto *m, void *user, const struct mosquitto_message *msg)
{
    struct lf_mqtt_in *in = user;
    if (in->broken)
        return;
    count(in, &in->status.received);
    if (msg->payloadlen < 0 || msg->payloadlen > LF_MQTT_IN_MAX) {
        count(in, &in->status.dropped);
        return;
    }
    lf_text payload = { msg->payload ? msg->payload : "", (uint32_t)msg->payloadlen };
    if (in->c.on_message(in->c.user, lf_str(msg->topic), payload)) {
        in->failures_in_row = 0;
        return;
    }
    in->broken = true;
    shutdown(mosquitto_socket(m), SHUT_RDWR); /* before we return: its PUBACK is in the queue already */
}

static void prepare(struct mosquitto *m)
{
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_threaded_set(m, true); /* so that PUBACK is written by mosquitto_loop, never inside the reading of a message */
}

/* ---- the thread -------------------------------------------------------------------------------------- */

/* What was kept is acknowledged before we go, so that it does not come a second time; what was not kept is not. */
static void leave(struct lf_mqtt_in *in, struct mosquitto *m)
{
    mosquitto_disconnect(m);
    for (int i = 0; i < 10 && !in->broken && mosquitto_want_write(m); i++)
        mosquitto_loop_write(m, 1);
}

static lf_rc listen_once(struct lf_mqtt_in *in, struct lf_err *err)
{
    const struct mqtt_where to = { in->c.host, in->c.login, in->c.password, in->c.ca, in->c.port, in->c.tls };
    in->broken = in->lost = in->live = false;
    in->refused = 0;
    set_state(in, LF_MQTT_CONNECTING, NULL);
    struct mosquitto *m = mqtt_begin(&to, in->c.session_name.p, false, in, prepare, err);
    int code = MOSQ_ERR_SUCCESS;
    if (!m)
        return LF_EIO;
    while (!atomic_load(&in->stop) && !code && !in->broken && !in->lost && !in->refused)
        code = mosquitto_loop(m, LOOP_MS, 1);
    lf_rc rc = LF_OK;
    if (atomic_load(&in->stop))
        leave(in, m);
    else if (in->broken)
        rc = lf_err_set(err, LF_EBUSY, NULL,
                        "数据暂时无法入库，稍后由服务器重发 | readings cannot be stored now, the broker will send them again");
    else if (in->refused)
        rc = mqtt_refused(&to, in->refused, err);
    else
        rc = mqtt_failed(&to, code ? code : MOSQ_ERR_CONN_LOST, err);
    mosquitto_destroy(m);
    return rc;
}

static void back_off(struct lf_mqtt_in *in)
{
    int shift = in->failures_in_row < 8 ? in->failures_in_row : 8;
    int64_t most = (int64_t)BACK_OFF_MIN_MS << shift, ms;
    unsigned seed = (unsigned)lf_now().ms ^ (unsigned)(uintptr_t)in;
    most = most > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : most;
    in->failures_in_row++;
    for (ms = most / 2 + rand_r(&seed) % (most / 2 + 1); ms > 0 && !atomic_load(&in->stop); ms -= 50)
        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
}

static void *work(void *user)
{
    struct lf_mqtt_in *in = user;
    while (!atomic_load(&in->stop)) {
        struct lf_err err = { 0 };
        if (!listen_once(in, &err))
            continue;
        count(in, &in->status.failures);
        set_state(in, LF_MQTT_WAITING, err.msg);
        back_off(in);
    }
    atomic_store(&in->ended, true);
    return NULL;
}

struct lf_mqtt_in *lf_mqtt_in_start(const struct lf_mqtt_in_config *c)
{
    struct lf_mqtt_in *in = lf_new(sizeof *in);
    sigset_t all, before;
    in->c = *c;
    lf_text *const texts[] = { &in->c.host, &in->c.login, &in->c.password, &in->c.ca, &in->c.session_name, &in->c.topic };
    for (size_t i = 0; i < LF_COUNT(texts); i++)
        *texts[i] = (lf_text){ lf_strn(&in->own, *texts[i]), texts[i]->n };
    pthread_mutex_init(&in->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&in->thread, NULL, work, in) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        return in;
    pthread_mutex_destroy(&in->lock);
    lf_arena_free(&in->own);
    lf_release(in);
    return NULL;
}

struct lf_mqtt_in_status lf_mqtt_in_status(struct lf_mqtt_in *in)
{
    pthread_mutex_lock(&in->lock);
    struct lf_mqtt_in_status s = in->status;
    pthread_mutex_unlock(&in->lock);
    return s;
}

bool lf_mqtt_in_ended(const struct lf_mqtt_in *in) { return atomic_load(&in->ended); }

void lf_mqtt_in_stop(struct lf_mqtt_in *in)
{
    if (in)
        atomic_store(&in->stop, true);
}

void lf_mqtt_in_free(struct lf_mqtt_in *in)
{
    if (!in)
        return;
    lf_mqtt_in_stop(in);
    pthread_join(in->thread, NULL);
    pthread_mutex_destroy(&in->lock);
    lf_arena_free(&in->own);
    lf_release(in);
}
