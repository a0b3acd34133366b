/* socket.c - one connection's socket. Bytes are read into one buffer of the loop; a connection keeps only what is left of a
 * frame that is not whole, or that it may not take yet. Answers go straight to the kernel; what it does not take is kept here.
 *
 * libuv says when a socket is ready; reading and writing are recv and send, which cost a packet less than the read and write of its
 * streams. */
#include "tele/road.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- closing ---------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    struct lf_listener *l = c->l;
    uint32_t slot = (uint32_t)c->handle;
    l->slot[slot] = NULL;
    l->generation[slot]++;
    l->free_slot[l->nfree++] = slot;
    count_add(l, N_CONNECTIONS, -1);
    peer_leave(l, c->peer);
    lf_release(c->spill);
    lf_release(c->out);
    lf_release(c);
}

void conn_close(struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    ring_out(&c->idle);
    count_add(c->l, N_STALLED, ring_empty(&c->stall) ? 0 : -1);
    ring_out(&c->stall);
    ring_out(&c->writing);
    link_conn_gone(c);
    uv_close((uv_handle_t *)&c->poll, on_closed);
    close(c->fd);
}

struct conn *conn_find(struct lf_listener *l, uint64_t handle)
{
    struct conn *c = l->slot[(uint32_t)handle];
    return c && c->handle == handle && !c->closing ? c : NULL;
}

void conn_answered(struct conn *c)
{
    if (c->eof && !c->closing && !c->stalled && !c->outstanding && !c->out)
        conn_close(c);
}

/* ---- silence ------------------------------------------------------------------------------------ */

static void list_last(struct conn *c, uint64_t now)
{
    c->listed = now;
    c->listed_good = c->good;
    ring_out(&c->idle);
    ring_put_last(&c->l->idle[c->good], &c->idle);
}

/* The list is in the order of `listed`, which lags behind `last`: its neighbours are cold memory, not worth a visit for every packet. */
static void touch(struct conn *c)
{
    uint64_t now = c->last = uv_now(&c->l->loop);
    if (c->good != c->listed_good || now - c->listed >= LISTED_MS)
        list_last(c, now);
}

static void sweep_idle(struct lf_listener *l, struct ring *list, uint64_t most)
{
    uint64_t now = uv_now(&l->loop);
    while (!ring_empty(list)) {
        struct conn *c = CONN_OF(list->next, idle);
        if (now - c->listed <= most)
            return;
        if (now - c->last <= most || c->outstanding || c->stalled) { /* who waits for us is not idle */
            list_last(c, now);
            continue;
        }
        count_add(l, N_IDLE, 1);
        conn_close(c);
    }
}

void conn_sweep(struct lf_listener *l)
{
    sweep_idle(l, &l->idle[0], 1000 * (uint64_t)l->c.first_s);
    sweep_idle(l, &l->idle[1], 1000 * (uint64_t)l->c.idle_s);
    while (!ring_empty(&l->writing) && uv_now(&l->loop) - CONN_OF(l->writing.next, writing)->write_began > WRITE_STUCK_MS) {
        count_add(l, N_SLOW, 1);
        conn_close(CONN_OF(l->writing.next, writing));
    }
}

/* ---- waiting for the kernel ----------------------------------------------------------------------- */

static void on_ready(uv_poll_t *h, int status, int events);

static void watch(struct conn *c)
{
    int events = (c->reading ? UV_READABLE : 0) | (c->out ? UV_WRITABLE : 0);
    if (events == c->watched || c->closing)
        return;
    c->watched = events;
    if (!events)
        uv_poll_stop(&c->poll);
    else if (uv_poll_start(&c->poll, events, on_ready) != 0)
        conn_close(c);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* How much the kernel took; the connection is closed when it took offence. */
static size_t give(struct conn *c, const char *p, size_t n)
{
    ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
        conn_close(c);
    return sent > 0 ? (size_t)sent : 0;
}

static void moved_on(struct conn *c) /* in the order of who is stuck longest */
{
    c->write_began = uv_now(&c->l->loop);
    ring_out(&c->writing);
    ring_put_last(&c->l->writing, &c->writing);
}

static void keep_answer(struct conn *c, const char *p, size_t n)
{
    struct out *o = c->out;
    uint32_t have = o ? o->n - o->at : 0, want = have + (uint32_t)n;
    if (have && o->at)
        memmove(o->p, o->p + o->at, have);
    if (!o || o->cap < want) {
        uint32_t cap = 512;
        while (cap < want)
            cap *= 2;
        o = c->out = lf_renew(o, sizeof *o + cap);
        o->cap = cap;
    }
    memcpy(o->p + have, p, n);
    o->at = 0, o->n = want;
}

static void flush(struct conn *c)
{
    struct out *o = c->out;
    size_t sent = give(c, o->p + o->at, o->n - o->at);
    if (c->closing || !sent)
        return;
    o->at += (uint32_t)sent;
    moved_on(c);
    if (o->at < o->n)
        return;
    lf_release(o);
    c->out = NULL;
    ring_out(&c->writing);
    watch(c);
    conn_answered(c);
}

void conn_send(struct conn *c, const char *p, size_t n)
{
    if (c->closing || !n)
        return;
    size_t sent = c->out ? 0 : give(c, p, n), held = c->out ? c->out->n - c->out->at : 0;
    p += sent, n -= sent;
    if (c->closing || !n)
        return;
    if (n > CONN_OUT - held) { /* it does not read what it asked for; what it sent is safe, it will ask again */
        count_add(c->l, N_SLOW, 1);
        conn_close(c);
        return;
    }
    if (!c->out)
        moved_on(c);
    keep_answer(c, p, n);
    watch(c);
}

/* ---- reading ------------------------------------------------------------------------------------ */

void conn_stop_reading(struct conn *c)
{
    c->reading = false;
    watch(c);
}

static void stall(struct conn *c)
{
    c->stalled = true;
    conn_stop_reading(c);
    ring_put_last(&c->l->stalled, &c->stall);
    count_add(c->l, N_STALLED, 1);
}

/* Takes what it can of p[0..n), which is the loop's buffer or the spill itself, and keeps the rest. */
static void take_bytes(struct conn *c, const char *p, size_t n)
{
    size_t used = conn_process(c, p, n), left = n - used;
    if (c->closing)
        return;
    if (c->stalled && c->spill && p == c->spill + c->spill_at) {
        c->spill_at += (uint32_t)used;
    } else {
        char *rest = left ? memcpy(lf_new(left), p + used, left) : NULL;
        lf_release(c->spill);
        c->spill = rest;
        c->spill_at = 0;
        c->spill_n = (uint32_t)left;
    }
    if (c->stalled)
        stall(c);
}

/* The device has closed its side: what is on its way to the disk is still answered; half a frame is not one. */
static void on_eof(struct conn *c)
{
    c->eof = true;
    conn_stop_reading(c);
    lf_text rest = { c->spill, c->spill_n };
    if (rest.n && !c->stalled && !only_blanks(rest)) {
        c->spill_n = 0;
        conn_last_words(c, rest);
    }
    conn_answered(c);
}

/* False when nothing more is to be had for now. While no packet can be taken nothing is read: the bytes wait in the kernel, and the
 * device's window fills. */
static bool read_once(struct conn *c)
{
    struct lf_listener *l = c->l;
    if (!road_has_room(l)) {
        stall(c);
        return false;
    }
    ssize_t n = recv(c->fd, l->buf + c->spill_n, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        conn_close(c);
    if (n == 0)
        on_eof(c);
    if (n <= 0)
        return false;
    if (c->spill_n)
        memcpy(l->buf, c->spill, c->spill_n);
    count_own(l, N_BYTES, n);
    take_bytes(c, l->buf, c->spill_n + (size_t)n);
    if (!c->closing && c->spoke) /* bytes that come to nothing do not keep a connection open */
        touch(c);
    c->spoke = false;
    road_offer(l);
    return c->reading && !c->closing;
}

/* Broken; libuv watches it no more. What had arrived before is still taken. */
static void on_broken(struct conn *c)
{
    c->watched = 0;
    while (c->reading && read_once(c))
        ;
    if (!c->stalled)
        conn_close(c);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct conn *c = h->data;
    if (status < 0) {
        on_broken(c);
        return;
    }
    if (events & UV_WRITABLE && c->out)
        flush(c);
    if (events & UV_READABLE && c->reading && !c->closing)
        (void)read_once(c);
}

static void start_reading(struct conn *c)
{
    if (c->reading || c->closing || c->eof || c->l->stop_at)
        return;
    c->reading = true;
    watch(c);
}

void conn_resume(struct conn *c)
{
    c->stalled = false;
    if (c->spill_n)
        take_bytes(c, c->spill + c->spill_at, c->spill_n - c->spill_at);
    if (c->closing || c->stalled)
        return;
    start_reading(c);
    if (c->eof)
        on_eof(c);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void set_options(int fd)
{
    int one = 1, idle = 60, every = 1, times = 10; /* a mobile link that died without a word is found out */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof every);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

bool conn_open(struct lf_listener *l, int fd, struct peer *peer)
{
    struct conn *c = lf_new(sizeof *c);
    if (uv_poll_init_socket(&l->loop, &c->poll, fd) != 0) {
        lf_release(c);
        return false;
    }
    uint32_t slot = l->free_slot[--l->nfree];
    l->slot[slot] = c;
    c->poll.data = c;
    c->l = l, c->fd = fd, c->peer = peer;
    c->handle = (uint64_t)l->generation[slot] << 32 | slot;
    ring_init(&c->idle);
    ring_init(&c->stall);
    ring_init(&c->writing);
    c->last = uv_now(&l->loop);
    list_last(c, c->last);
    count_add(l, N_ACCEPTED, 1);
    count_add(l, N_CONNECTIONS, 1);
    set_options(fd);
    start_reading(c);
    return true;
}
