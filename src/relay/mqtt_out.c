/* mqtt_out.c - publishing: QoS 1, and PUBACK is the acknowledgement. The session is clean: what the broker has not acknowledged is in our
 * store, and is published again. */
#include "relay/mqtt_int.h"
#include "relay/worker.h"

#include <stdio.h>

enum { CONNECT_MS = 10000 };

struct out {
    struct mosquitto *m;
    bool connected, lost;
    int refused;
};

static struct mqtt_where where(const struct worker *w)
{
    return (struct mqtt_where){ w->t.host, w->t.login, w->t.password, w->t.ca, w->t.port, w->t.tls };
}

static void on_connect(struct mosquitto *m, void *user, int code)
{
    struct out *o = ((struct worker *)user)->link_state;
    o->connected = code == 0;
    o->refused = code;
}
static void on_disconnect(struct mosquitto *m, void *user, int code) { ((struct out *)((struct worker *)user)->link_state)->lost = true; }
static void on_publish(struct mosquitto *m, void *user, int mid) { worker_answer(user, 0, mid); }

static void prepare(struct mosquitto *m)
{
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    mosquitto_publish_callback_set(m, on_publish);
    mosquitto_max_inflight_messages_set(m, RELAY_WINDOW_MAX);
}

static lf_rc mqtt_wait(struct worker *w, int ms, struct lf_err *err)
{
    struct out *o = w->link_state;
    struct mqtt_where to = where(w);
    int rc = mosquitto_loop(o->m, ms, 1);
    if (o->refused)
        return mqtt_refused(&to, o->refused, err);
    return rc || o->lost ? mqtt_failed(&to, rc ? rc : MOSQ_ERR_CONN_LOST, err) : LF_OK;
}

static void mqtt_close(struct worker *w)
{
    struct out *o = w->link_state;
    if (o && o->m)
        mosquitto_destroy(o->m);
    lf_release(o);
    w->link_state = NULL;
}

static lf_rc mqtt_open(struct worker *w, struct lf_err *err)
{
    struct mqtt_where to = where(w);
    struct out *o = w->link_state = lf_new(sizeof *o);
    lf_rc rc = LF_OK;
    o->m = mqtt_begin(&to, NULL, true, w, prepare, err);
    if (!o->m)
        return LF_EIO;
    for (int64_t until = relay_clock() + CONNECT_MS; !rc && !o->connected && !atomic_load(&w->stop);) {
        rc = mqtt_wait(w, 100, err);
        if (!rc && !o->connected && relay_clock() >= until)
            rc = mqtt_failed(&to, MOSQ_ERR_NO_CONN, err);
    }
    return rc;
}

static lf_rc mqtt_send(struct worker *w, const struct relay_msg *msg, struct flight *f, struct lf_err *err)
{
    struct out *o = w->link_state;
    struct mqtt_where to = where(w);
    char topic[RELAY_TOPIC_MAX];
    snprintf(topic, sizeof topic, "%.*s", (int)msg->topic.n, msg->topic.p);
    int rc = mosquitto_publish(o->m, &f->mid, topic, (int)msg->body.n, msg->body.p, 1, false);
    return rc ? mqtt_failed(&to, rc, err) : LF_OK;
}

const struct relay_link_ops relay_mqtt = { mqtt_open, mqtt_send, mqtt_wait, mqtt_close };
