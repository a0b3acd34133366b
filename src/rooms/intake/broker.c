/* broker.c - the clients of the brokers: each record that is switched on has one. */
#include "rooms/intake/parts.h"

#include "intake_sql.h"
#include "relay/mqtt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { MOST = 32, BUILD_MS = 5000 };

struct client {
    lf_id id;
    int64_t version; /* of the record that it was made from */
    struct lf_app *app;
    struct lf_mqtt_in *in;
    char topic[256];
    bool leaving;
    struct lf_mqtt_in_status last; /* kept last */
    pthread_mutex_t lock;          /* below */
    int64_t accepted, refused, last_ms;
    char error[300];
};
static struct client *clients[MOST];
static atomic_bool changed = true;
static lf_ms built;

void brokers_changed(void) { atomic_store(&changed, true); }

/* The name of the station in a topic: the level at the first '+' of the filter. False when the filter has none. */
static bool broker_ident(lf_text filter, lf_text topic, lf_text *ident)
{
    const char *f = filter.p, *fe = f + filter.n, *t = topic.p, *te = t + topic.n;
    while (f < fe) {
        const char *fs = memchr(f, '/', (size_t)(fe - f)), *ts = memchr(t, '/', (size_t)(te - t));
        if (*f == '+') {
            *ident = (lf_text){ t, (uint32_t)((ts ? ts : te) - t) };
            return ident->n > 0;
        }
        if (!fs || !ts || *f == '#')
            return false;
        f = fs + 1, t = ts + 1;
    }
    return false;
}

/* ---- a message, on the client's thread ------------------------------------------------------------------ */

static void count(struct client *c, int64_t accepted, int64_t refused, const char *error)
{
    pthread_mutex_lock(&c->lock);
    c->accepted += accepted;
    c->refused += refused;
    c->last_ms = lf_now().ms;
    if (error)
        snprintf(c->error, sizeof c->error, "%.*s", (int)sizeof c->error - 1, error);
    pthread_mutex_unlock(&c->lock);
}

/* Which station: from the topic, which a broker can guard, or from the document when the filter names no level for it. */
static lf_rc find_sender(struct lf_ctx *cx, const struct client *c, lf_text topic, lf_text doc, struct intake_sender *from)
{
    struct intake_by_ident_row row = { 0 };
    struct lf_payload p = { 0 };
    const struct lf_payload_rules any = { lf_now(), INT64_MAX / 4, INT64_MAX / 4, LF_TELE_RTD };
    lf_text ident = { 0 };
    if (!broker_ident(lf_str(c->topic), topic, &ident)) {
        if (lf_payload_read(&cx->arena, doc, &any, &p, &cx->err))
            return LF_EINVAL;
        ident = p.id;
    }
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = intake_by_ident(cx, c->id, ident.p ? ident : LF_TEXT(""), &row);
    lf_rc end = lf_tx_end(cx, rc == LF_ENOTFOUND ? LF_OK : rc);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_EINVAL, "ident", "未登记的标识：%.*s | no station is registered as %.*s", (int)ident.n,
                       ident.p ? ident.p : "", (int)ident.n, ident.p ? ident.p : "");
    if (!end)
        *from = (struct intake_sender){ row.id, row.station_id, lf_text_copy(&cx->arena, row.grid_code), row.disabled };
    return end;
}

static bool for_ever(lf_rc rc) { return rc == LF_EINVAL || rc == LF_ETOOBIG || rc == LF_EDENIED; }

static bool on_message(void *user, lf_text topic, lf_text doc)
{
    struct client *c = user;
    struct intake_sender from;
    struct intake_taken t;
    struct lf_ctx cx;
    lf_ctx_system(&cx, c->app);
    cx.peer = LF_TEXT("mqtt");
    lf_rc rc = find_sender(&cx, c, topic, doc, &from);
    if (!rc)
        rc = intake_take(&cx, &from, doc, "mqtt", &t);
    if (!rc)
        count(c, (int64_t)t.p.nrow, (int64_t)t.p.nbad, t.p.nbad ? t.p.bad[0].message : NULL);
    else if (for_ever(rc))
        count(c, 0, 1, cx.err.msg);
    lf_ctx_free(&cx);
    return !rc || for_ever(rc);
}

/* ---- the clients follow the records ---------------------------------------------------------------------------- */

static struct client *start(struct lf_app *app, const struct intake_brokers_row *r)
{
    struct client *c = lf_new(sizeof *c);
    c->id = r->id;
    c->version = r->version;
    c->app = app;
    snprintf(c->topic, sizeof c->topic, "%.*s", (int)r->topic.n, r->topic.p);
    pthread_mutex_init(&c->lock, NULL);
    c->in = lf_mqtt_in_start(&(struct lf_mqtt_in_config){ .host = r->host,
                                                          .login = r->login,
                                                          .password = r->password,
                                                          .ca = r->ca,
                                                          .port = (uint16_t)r->port,
                                                          .tls = r->tls,
                                                          .session_name = r->session_name,
                                                          .topic = r->topic,
                                                          .on_message = on_message,
                                                          .user = c });
    if (c->in)
        return c;
    pthread_mutex_destroy(&c->lock);
    lf_release(c);
    return NULL;
}

static void reap(bool wait)
{
    for (int i = 0; i < MOST; i++) {
        struct client *c = clients[i];
        if (!c || !c->leaving || (!wait && !lf_mqtt_in_ended(c->in)))
            continue;
        lf_mqtt_in_free(c->in);
        pthread_mutex_destroy(&c->lock);
        lf_release(c);
        clients[i] = NULL;
    }
}

static struct client *find(lf_id id)
{
    for (int i = 0; i < MOST; i++)
        if (clients[i] && clients[i]->id.v == id.v)
            return clients[i];
    return NULL;
}

static bool wanted(const struct client *c, const struct intake_brokers_row *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r[i].id.v == c->id.v)
            return r[i].version == c->version;
    return false;
}

/* One that has to stop may be busy with a message; its successor waits for the next look. */
static void follow(struct lf_app *app, const struct intake_brokers_row *r, size_t n)
{
    for (int i = 0; i < MOST; i++)
        if (clients[i] && !clients[i]->leaving && !wanted(clients[i], r, n)) {
            clients[i]->leaving = true;
            lf_mqtt_in_stop(clients[i]->in);
        }
    reap(false);
    for (size_t i = 0; i < n; i++) {
        int at = 0;
        while (at < MOST && clients[at])
            at++;
        struct client *there = find(r[i].id);
        if (there && there->leaving)
            brokers_changed();
        if (!there && at < MOST)
            clients[at] = start(app, &r[i]);
    }
}

static lf_rc read_records(struct lf_ctx *cx, struct intake_brokers_row *r, size_t *n)
{
    struct lf_cur cur;
    lf_rc rc = intake_off(cx, NULL);
    if (!rc)
        rc = intake_brokers(cx, &cur);
    if (rc)
        return rc;
    for (*n = 0; (rc = intake_brokers_next(&cur, &r[*n])) == LF_ROW && ++*n < MOST;) {
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc keep(struct lf_ctx *cx, struct client *c)
{
    static const char *const state[] = { "connecting", "live", "waiting" };
    struct lf_mqtt_in_status s = lf_mqtt_in_status(c->in);
    pthread_mutex_lock(&c->lock);
    int64_t accepted = c->accepted, refused = c->refused, last = c->last_ms;
    const char *error = s.error[0] ? s.error : lf_printf(&cx->arena, "%s", c->error);
    c->accepted = c->refused = 0;
    pthread_mutex_unlock(&c->lock);
    if (s.state == c->last.state && s.received == c->last.received && !accepted && !refused && !strcmp(s.error, c->last.error))
        return LF_OK;
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, intake_keep(cx, c->id, lf_str(state[s.state]), s.received - c->last.received, accepted, refused,
                                       (lf_ms){ last ? last : LF_NULL64 }, *error ? lf_str(error) : (lf_text){ 0 }, NULL));
    if (!rc) {
        c->last = s;
        return LF_OK;
    }
    count(c, accepted, refused, NULL);
    return rc;
}

lf_rc brokers_tick(struct lf_ctx *cx)
{
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < MOST; i++)
        if (clients[i] && !clients[i]->leaving)
            rc = keep(cx, clients[i]);
    int64_t age = lf_now().ms - built.ms;
    if (rc || !(atomic_exchange(&changed, false) || age > BUILD_MS || age < 0))
        return rc;
    struct intake_brokers_row *r = lf_alloc(&cx->arena, (MOST + 1) * sizeof *r);
    size_t n = 0;
    if ((rc = lf_tx_begin(cx, LF_TX_WRITE)) || (rc = lf_tx_end(cx, read_records(cx, r, &n))))
        return rc;
    follow(cx->app, r, n);
    built = lf_now();
    return LF_OK;
}

void brokers_stop(struct lf_app *app)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    for (int i = 0; i < MOST; i++)
        if (clients[i]) {
            clients[i]->leaving = true;
            lf_mqtt_in_stop(clients[i]->in);
        }
    for (int i = 0; i < MOST; i++)
        if (clients[i] && keep(&cx, clients[i])) {
            /* only counts are lost */
        }
    lf_ctx_free(&cx);
    reap(true);
}
