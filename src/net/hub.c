/* hub.c - server-sent events. A listener is a ring of bytes; a publisher fills rings and wakes their connections, and never waits. */
#include "base/clock.h"
#include "net/http_int.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { RING = 64 * 1024, KEEP_ALIVE_S = 15 };

struct listener {
    struct listener *next;
    struct lf_hub *hub;
    struct lf_http *http;
    struct MHD_Connection *mhd;
    bool (*want)(void *user, lf_text topic, lf_text grid_code);
    void *user;
    char ring[RING];
    size_t at, n; /* bytes from ring[at], n of them */
    int fd;
    bool lost, suspended, gone;
};
struct lf_hub {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t ticker;
    struct listener *list;
    uint64_t id;
    bool stop, stopping;
};

/* With the lock held. */
static void put(struct listener *l, const char *p, size_t n)
{
    if (l->n + n > RING) {
        l->lost = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        l->ring[(l->at + l->n + i) % RING] = p[i];
    l->n += n;
}

static void wake(struct listener *l)
{
    if (!l->suspended)
        return;
    l->suspended = false;
    MHD_resume_connection(l->mhd);
}

/* Has the other end closed? The library does not look at a connection that waits for an event. */
static bool left(int fd)
{
    struct tcp_info t = { 0 };
    socklen_t n = sizeof t;
    return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &n) && t.tcpi_state != TCP_ESTABLISHED;
}

/* A comment now and then shows both ends that the other is there. */
static void look(struct lf_hub *h, bool comment)
{
    for (struct listener *l = h->list; l; l = l->next) {
        l->gone = l->gone || left(l->fd);
        if (comment && !l->n)
            put(l, ":\n\n", 3);
        if (comment || l->gone)
            wake(l);
    }
}

static void *tick(void *user)
{
    struct lf_hub *h = user;
    pthread_mutex_lock(&h->lock);
    for (int second = 1; !h->stop; second++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_cond_timedwait(&h->wake, &h->lock, &until);
        look(h, second % KEEP_ALIVE_S == 0);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

struct lf_hub *lf_hub_new(void)
{
    struct lf_hub *h = lf_new(sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->wake, NULL);
    h->id = (uint64_t)lf_now().ms * 1000; /* no id of an earlier run comes again */
    if (pthread_create(&h->ticker, NULL, tick, h))
        h->stopping = true; /* no ticker: events still go out */
    return h;
}

/* Lets every stream end: needed before the server stops, since it cannot stop with suspended connections. */
void lf_hub_end(struct lf_hub *h)
{
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->wake);
    for (struct listener *l = h->list; l; l = l->next)
        wake(l);
    pthread_mutex_unlock(&h->lock);
}

void lf_hub_end_those(struct lf_hub *h, bool (*over)(void *ask, const void *user), void *ask)
{
    pthread_mutex_lock(&h->lock);
    for (struct listener *l = h->list; l; l = l->next)
        if (over(ask, l->user)) {
            l->gone = true;
            wake(l);
        }
    pthread_mutex_unlock(&h->lock);
}

int lf_hub_listeners(struct lf_hub *h)
{
    int n = 0;
    pthread_mutex_lock(&h->lock);
    for (struct listener *l = h->list; l; l = l->next)
        n++;
    pthread_mutex_unlock(&h->lock);
    return n;
}

void lf_hub_free(struct lf_hub *h)
{
    if (!h)
        return;
    lf_hub_end(h);
    if (!h->stopping)
        pthread_join(h->ticker, NULL);
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
    lf_release(h);
}

void lf_hub_publish(struct lf_hub *h, lf_text topic, lf_text grid_code, lf_text json)
{
    char head[160];
    const char *colon = memchr(topic.p, ':', topic.n);
    pthread_mutex_lock(&h->lock);
    int n = snprintf(head, sizeof head, "id: %" PRIu64 "\nevent: %.*s\ndata: ", ++h->id, (int)(colon ? colon - topic.p : topic.n), topic.p);
    for (struct listener *l = h->list; l; l = l->next) {
        if (!l->want(l->user, topic, grid_code))
            continue;
        if (l->n + (size_t)n + json.n + 2 > RING) {
            l->lost = true;
        } else {
            put(l, head, (size_t)n);
            put(l, json.p, json.n);
            put(l, "\n\n", 2);
        }
        wake(l);
    }
    pthread_mutex_unlock(&h->lock);
}

static ssize_t stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct listener *l = cls;
    static const char lost[] = "event: lost\ndata: {}\n\n";
    pthread_mutex_lock(&l->hub->lock);
    if (!l->n && l->lost) {
        l->lost = false;
        put(l, lost, sizeof lost - 1);
    }
    size_t n = l->n < max ? l->n : max;
    for (size_t i = 0; i < n; i++)
        buf[i] = l->ring[(l->at + i) % RING];
    l->at = (l->at + n) % RING;
    l->n -= n;
    ssize_t result = (ssize_t)n;
    if (!n && (l->hub->stop || l->gone)) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (!n) {
        l->suspended = true;
        MHD_suspend_connection(l->mhd);
    }
    pthread_mutex_unlock(&l->hub->lock);
    return result;
}

static void stream_free(void *cls)
{
    struct listener *l = cls;
    pthread_mutex_lock(&l->hub->lock);
    for (struct listener **p = &l->hub->list; *p; p = &(*p)->next)
        if (*p == l) {
            *p = l->next;
            break;
        }
    pthread_mutex_unlock(&l->hub->lock);
    l->http->streams--;
    lf_release(l->user);
    lf_release(l);
}

enum MHD_Result lf_http_stream(struct lf_request *q, struct lf_http_res *res)
{
    if (q->head) {
        res->type = "text/event-stream; charset=utf-8";
        res->hub = NULL;
        lf_release(res->user);
        return lf_http_answer(q, res);
    }
    struct listener *l = lf_new(sizeof *l);
    l->hub = res->hub;
    l->http = q->http;
    l->mhd = q->mhd;
    l->fd = q->watch->fd;
    l->want = res->want;
    l->user = res->user;
    lf_out_close(&res->body);
    put(l, ":\n\n", 3);
    const char *last = MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, "Last-Event-ID");
    pthread_mutex_lock(&l->hub->lock);
    char id[32];
    snprintf(id, sizeof id, "%" PRIu64, l->hub->id);
    l->lost = last && strcmp(last, id) != 0; /* nothing is kept for who was away */
    l->next = l->hub->list;
    l->hub->list = l;
    pthread_mutex_unlock(&l->hub->lock);
    q->http->streams++;
    q->http->by_class[2]++;
    MHD_set_connection_option(q->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream_read, l, stream_free);
    MHD_add_response_header(r, "Content-Type", "text/event-stream; charset=utf-8");
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Accel-Buffering", "no");
    enum MHD_Result ok = MHD_queue_response(q->mhd, 200, r);
    MHD_destroy_response(r);
    return ok;
}
