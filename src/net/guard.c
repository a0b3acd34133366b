/* guard.c - nobody holds a connection by being slow: a header, a body or a reader that hardly moves is cut off.
 *
 * The library closes a connection that is silent; one byte now and then keeps it open for ever, so the progress is watched here. */
#include "net/http_int.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

enum { READ_RATE = 2048 }; /* bytes a second that a reader must take of a long answer: below the slowest mobile network */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum { CLOSE_WAIT = 8 }; /* TCP_CLOSE_WAIT of the kernel: the other end has closed, we have not */

static struct tcp_info info(int fd)
{
    struct tcp_info t = { 0 };
    socklen_t n = sizeof t;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &n))
        t = (struct tcp_info){ 0 };
    return t;
}

/* The library misses an end that comes together with the last bytes. Seen twice, so that a whole request that came with it is not cut
 * off from its answer. */
static bool left_unseen(struct lf_watch *w)
{
    int unread = 0;
    bool was = w->ended;
    w->ended = info(w->fd).tcpi_state == CLOSE_WAIT && !ioctl(w->fd, SIOCINQ, &unread) && !unread;
    return was && w->ended;
}

/* An answer is measured by the window: what the other end has taken of it since the last look. */
static bool reads_too_slowly(const struct lf_http *h, struct lf_watch *w, uint64_t now)
{
    uint64_t window = (uint64_t)h->config.read_s * 1000, age = now - w->since;
    int waiting = 0;
    if (age < window)
        return false;
    uint64_t acked = info(w->fd).tcpi_bytes_acked, moved = acked - w->acked;
    w->acked = acked;
    w->since = now;
    if (ioctl(w->fd, SIOCOUTQ, &waiting) || !waiting)
        return false;
    return w->phase == LF_STREAM ? moved == 0 : moved < READ_RATE * age / 1000;
}

static bool too_slow(const struct lf_http *h, struct lf_watch *w, uint64_t now)
{
    switch (w->phase) {
    case LF_HEAD: return left_unseen(w) || now - w->since > (uint64_t)h->config.idle_s * 2000;
    case LF_BODY: return left_unseen(w) || now - w->since > (uint64_t)h->config.arrive_s * 1000;
    case LF_WORK: return false;
    default: return reads_too_slowly(h, w, now);
    }
}

static void *look(void *user)
{
    struct lf_http *h = user;
    struct lf_guard *g = &h->guard;
    int64_t every_ms = h->config.idle_s < h->config.read_s ? h->config.idle_s * 125 : h->config.read_s * 125;
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += every_ms / 1000;
        until.tv_nsec += every_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        if (pthread_cond_timedwait(&g->wake, &g->lock, &until) != ETIMEDOUT)
            continue;
        uint64_t now = now_ms();
        for (struct lf_watch *w = g->list; w; w = w->next)
            if (!w->cut && too_slow(h, w, now)) {
                w->cut = true;
                h->slow += !w->ended;
                shutdown(w->fd, SHUT_RDWR); /* its own thread sees the end and closes it */
            }
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

bool lf_guard_start(struct lf_http *h)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&h->guard.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->guard.wake, &attr);
    pthread_condattr_destroy(&attr);
    return h->guard.running = pthread_create(&h->guard.thread, NULL, look, h) == 0;
}

void lf_guard_stop(struct lf_http *h)
{
    pthread_mutex_lock(&h->guard.lock);
    h->guard.stop = true;
    pthread_cond_signal(&h->guard.wake);
    pthread_mutex_unlock(&h->guard.lock);
    if (h->guard.running)
        pthread_join(h->guard.thread, NULL);
    pthread_cond_destroy(&h->guard.wake);
    pthread_mutex_destroy(&h->guard.lock);
}

struct lf_watch *lf_guard_add(struct lf_http *h, int fd)
{
    struct lf_watch *w = lf_new(sizeof *w);
    *w = (struct lf_watch){ .fd = fd, .since = now_ms() };
    pthread_mutex_lock(&h->guard.lock);
    w->next = h->guard.list;
    w->self = &h->guard.list;
    if (w->next)
        w->next->self = &w->next;
    h->guard.list = w;
    pthread_mutex_unlock(&h->guard.lock);
    return w;
}

void lf_guard_drop(struct lf_http *h, struct lf_watch *w)
{
    pthread_mutex_lock(&h->guard.lock);
    *w->self = w->next;
    if (w->next)
        w->next->self = w->self;
    pthread_mutex_unlock(&h->guard.lock);
    lf_release(w);
}

void lf_guard_phase(struct lf_http *h, struct lf_watch *w, enum lf_phase phase)
{
    pthread_mutex_lock(&h->guard.lock);
    w->phase = phase;
    w->since = now_ms();
    w->ended = false;
    if (phase >= LF_ANSWER)
        w->acked = info(w->fd).tcpi_bytes_acked;
    pthread_mutex_unlock(&h->guard.lock);
}
