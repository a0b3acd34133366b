/* socket.c - one connection's socket. Bytes are read into one buffer of the loop; a connection keeps only what is left of a
 * frame that is not whole, or that it may not take yet. Answers go straight to the kernel; it keeps what the kernel did not take. */
#include "tele/road.h"

/* ---- addresses ---------------------------------------------------------------------------------- */

static struct peer **peer_place(struct lf_listener *l, lf_text name)
{
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    struct peer **at = &l->peer[(h ^ h >> 16) % PEER_SLOTS];
    while (*at && !lf_text_eq((*at)->name, name))
        at = &(*at)->chain;
    return at;
}

static struct peer *peer_of(struct lf_listener *l, const uv_tcp_t *tcp)
{
    struct sockaddr_storage a;
    char text[64] = "?";
    int n = sizeof a;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&a, &n) != 0 || uv_ip_name((const struct sockaddr *)&a, text, sizeof text) != 0)
        snprintf(text, sizeof text, "?");
    struct peer **at = peer_place(l, lf_str(text));
    if (!*at) {
        size_t len = strlen(text);
        *at = lf_new(sizeof **at + len + 1);
        (*at)->name = (lf_text){ memcpy(*at + 1, text, len), (uint32_t)len };
    }
    (*at)->n++;
    return *at;
}

static void peer_leave(struct lf_listener *l, struct peer *p)
{
    if (--p->n > 0)
        return;
    struct peer **at = peer_place(l, p->name);
    *at = p->chain;
    lf_release(p);
}

/* ---- closing ---------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    struct lf_listener *l = c->l;
    uint32_t slot = (uint32_t)c->handle;
    if (c->handle) { /* else it was turned away at the door */
        l->slot[slot] = NULL;
        l->generation[slot]++;
        l->free_slot[l->nfree++] = slot;
        count_add(l, N_CONNECTIONS, -1);
    }
    peer_leave(l, c->peer);
    lf_release(c->spill);
    lf_release(c->queue);
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
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

struct conn *conn_find(struct lf_listener *l, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    struct conn *c = l->generation[slot] == generation ? l->slot[slot] : NULL;
    return c && !c->closing ? c : NULL;
}

void conn_answered(struct conn *c)
{
    if (c->eof && !c->closing && !c->stalled && !c->outstanding && !c->flight)
        conn_close(c);
}

/* ---- silence ------------------------------------------------------------------------------------ */

static void touch(struct conn *c)
{
    c->last = uv_now(&c->l->loop);
    ring_out(&c->idle);
    ring_put_last(&c->l->idle[c->good], &c->idle);
}

static void sweep_idle(struct lf_listener *l, struct ring *list, uint64_t most)
{
    uint64_t now = uv_now(&l->loop);
    while (!ring_empty(list)) {
        struct conn *c = CONN_OF(list->next, idle);
        if (now - c->last <= most)
            return;
        if (c->outstanding || c->stalled) { /* who waits for us is not idle */
            touch(c);
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

/* ---- writing ------------------------------------------------------------------------------------ */

static void on_written(uv_write_t *w, int status);

static void fly(struct conn *c)
{
    struct out *o = c->flight = c->queue;
    uv_buf_t buf = uv_buf_init(o->p, o->n);
    c->queue = NULL;
    c->write_began = uv_now(&c->l->loop);
    o->write.data = c;
    ring_put_last(&c->l->writing, &c->writing);
    if (uv_write(&o->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) == 0)
        return;
    lf_release(o);
    c->flight = NULL;
    conn_close(c);
}

static void on_written(uv_write_t *w, int status)
{
    struct conn *c = w->data;
    lf_release(c->flight);
    c->flight = NULL;
    if (c->closing)
        return;
    ring_out(&c->writing);
    if (status < 0) {
        conn_close(c);
        return;
    }
    if (c->queue)
        fly(c);
    conn_answered(c);
}

static void enqueue(struct conn *c, const char *p, size_t n)
{
    struct out *o = c->queue;
    uint32_t have = o ? o->n : 0, want = have + (uint32_t)n;
    if (!o || o->cap < want) {
        uint32_t cap = 512;
        while (cap < want)
            cap *= 2;
        o = c->queue = lf_renew(o, sizeof *o + cap);
        o->cap = cap;
    }
    memcpy(o->p + have, p, n);
    o->n = want;
}

void conn_send(struct conn *c, const char *p, size_t n)
{
    if (c->closing || !n)
        return;
    if (!c->flight) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)p, (unsigned)n); /* libuv's buffers are not const; it only reads */
        int sent = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            conn_close(c);
            return;
        }
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
        if (!n)
            return;
    }
    size_t held = (c->flight ? c->flight->n : 0) + (c->queue ? c->queue->n : 0);
    if (n > CONN_OUT - held) { /* it does not read what it asked for; what it sent is safe, it will ask again */
        count_add(c->l, N_SLOW, 1);
        conn_close(c);
        return;
    }
    enqueue(c, p, n);
    if (!c->flight)
        fly(c);
}

/* ---- reading ------------------------------------------------------------------------------------ */

void conn_stop_reading(struct conn *c)
{
    if (c->reading)
        uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
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

/* While no packet can be taken nothing is read: the bytes wait in the kernel, and the device's window fills. */
static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = h->data;
    struct lf_listener *l = c->l;
    if (!road_has_room(l)) {
        *buf = uv_buf_init(NULL, 0);
        return;
    }
    if (c->spill_n)
        memcpy(l->buf, c->spill, c->spill_n);
    *buf = uv_buf_init(l->buf + c->spill_n, READ_BYTES);
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

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = s->data;
    if (n == UV_EOF) {
        on_eof(c);
    } else if (n == UV_ENOBUFS) {
        stall(c);
    } else if (n < 0) {
        conn_close(c);
    } else if (n > 0) {
        count_add(c->l, N_BYTES, n);
        take_bytes(c, c->l->buf, c->spill_n + (size_t)n);
        if (!c->closing && c->spoke) /* bytes that come to nothing do not keep a connection open */
            touch(c);
        c->spoke = false;
        road_offer(c->l);
    }
}

static void start_reading(struct conn *c)
{
    if (!c->reading && !c->closing && !c->eof && !c->l->stop_at)
        c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
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

static void take_in(struct lf_listener *l, struct conn *c)
{
    uint32_t slot = l->free_slot[--l->nfree];
    l->slot[slot] = c;
    c->handle = (uint64_t)l->generation[slot] << 32 | slot;
    touch(c);
    count_add(l, N_ACCEPTED, 1);
    count_add(l, N_CONNECTIONS, 1);
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, 60); /* a mobile link that died without a word is found out */
    start_reading(c);
    if (!c->reading)
        conn_close(c);
}

void conn_open(struct lf_listener *l, uv_stream_t *server)
{
    struct conn *c = lf_new(sizeof *c);
    c->l = l;
    ring_init(&c->idle);
    ring_init(&c->stall);
    ring_init(&c->writing);
    uv_tcp_init(&l->loop, &c->tcp);
    c->tcp.data = c;
    bool ok = uv_accept(server, (uv_stream_t *)&c->tcp) == 0;
    c->peer = peer_of(l, &c->tcp);
    if (ok && !l->stop_at && l->nfree > 0 && c->peer->n <= l->c.max_per_peer) {
        take_in(l, c);
        return;
    }
    count_add(l, N_TURNED_AWAY, 1);
    c->closing = true;
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}
