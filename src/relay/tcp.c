/* tcp.c - HJ 212 over TCP towards a platform above: we are the device of HJ 212-2017 §5, one long connection. */
#include "relay/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 10000 };

struct tcp {
    int fd;
    size_t in_n, out_n;
    char in[HJ212_BUFFER_MAX];
    char out[RELAY_WINDOW_MAX * 2 * HJ212_FRAME_MAX];
};

static lf_rc fail(struct worker *w, struct lf_err *err, const char *zh, const char *en, const char *why)
{
    return lf_err_set(err, LF_EIO, NULL, "%s（%.*s:%u）：%s | %s (%.*s:%u): %s", zh, (int)w->t.host.n, w->t.host.p, (unsigned)w->t.port,
                      why, en, (int)w->t.host.n, w->t.host.p, (unsigned)w->t.port, why);
}

/* Waits for the socket in short pieces, so that a stop is never waited for. */
static bool ready(struct worker *w, int fd, short what, int ms)
{
    for (int64_t until = relay_clock() + ms; !atomic_load(&w->stop);) {
        struct pollfd p = { fd, what, 0 };
        int64_t left = until - relay_clock();
        if (left <= 0)
            return false;
        if (poll(&p, 1, left < 100 ? (int)left : 100) > 0)
            return true;
    }
    return false;
}

static int connect_to(struct worker *w, const struct addrinfo *a)
{
    int one = 1, e = 0;
    socklen_t n = sizeof e;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    e = errno;
    if (e == EINPROGRESS) {
        e = ready(w, fd, POLLOUT, CONNECT_MS) ? 0 : ETIMEDOUT;
        if (!e && getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
            e = errno;
    }
    if (!e)
        return fd;
    close(fd);
    errno = e;
    return -1;
}

static lf_rc tcp_open(struct worker *w, struct lf_err *err)
{
    const struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    char host[256], port[8];
    int fd = -1;
    snprintf(host, sizeof host, "%.*s", (int)w->t.host.n, w->t.host.p);
    snprintf(port, sizeof port, "%u", (unsigned)w->t.port);
    int rc = getaddrinfo(host, port, &want, &list);
    if (rc != 0)
        return fail(w, err, "找不到地址", "no such address", gai_strerror(rc));
    for (const struct addrinfo *a = list; a && fd < 0 && !atomic_load(&w->stop); a = a->ai_next)
        fd = connect_to(w, a);
    rc = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return fail(w, err, "连接不上", "cannot connect", strerror(rc));
    struct tcp *t = lf_new(sizeof *t);
    t->fd = fd;
    w->link_state = t;
    return LF_OK;
}

static void tcp_close(struct worker *w)
{
    struct tcp *t = w->link_state;
    if (t)
        close(t->fd);
    lf_release(t);
    w->link_state = NULL;
}

static lf_rc flush(struct worker *w, struct tcp *t, struct lf_err *err)
{
    while (t->out_n) {
        ssize_t n = send(t->fd, t->out, t->out_n, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return LF_OK;
        if (n <= 0)
            return fail(w, err, "连接中断", "the connection broke", strerror(errno));
        memmove(t->out, t->out + n, t->out_n -= (size_t)n);
    }
    return LF_OK;
}

static lf_rc tcp_send(struct worker *w, const struct relay_msg *m, struct flight *f, struct lf_err *err)
{
    struct tcp *t = w->link_state;
    if (m->body.n > sizeof t->out - t->out_n) /* it reads nothing: the time-outs would only add to the heap */
        return fail(w, err, "对方不接收数据", "the other side does not read", "window full");
    memcpy(t->out + t->out_n, m->body.p, m->body.n);
    t->out_n += m->body.n;
    return LF_OK;
}

static void take_answers(struct worker *w, struct tcp *t)
{
    for (;;) {
        size_t used;
        lf_text frame, segment;
        int64_t qn;
        enum hj212_why why = hj212_take(t->in, t->in_n, &used, &frame, &segment);
        if (!used)
            return;
        if (why == HJ212_GOOD && relay_answer(segment, &qn))
            worker_answer(w, qn, 0);
        else
            worker_foreign(w); /* commands from above are for people to decide on, not for a forwarder to pass on */
        memmove(t->in, t->in + used, t->in_n -= used);
    }
}

static lf_rc receive(struct worker *w, struct tcp *t, struct lf_err *err)
{
    for (;;) {
        ssize_t n = recv(t->fd, t->in + t->in_n, sizeof t->in - t->in_n, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return LF_OK;
        if (n <= 0)
            return fail(w, err, "对方关闭了连接", "the other side closed the connection", n ? strerror(errno) : "EOF");
        t->in_n += (size_t)n;
        take_answers(w, t);
    }
}

static lf_rc tcp_wait(struct worker *w, int ms, struct lf_err *err)
{
    struct tcp *t = w->link_state;
    lf_rc rc = flush(w, t, err);
    if (rc)
        return rc;
    struct pollfd p = { t->fd, (short)(POLLIN | (t->out_n ? POLLOUT : 0)), 0 };
    if (poll(&p, 1, ms) <= 0)
        return LF_OK;
    if (p.revents & POLLOUT)
        rc = flush(w, t, err);
    return rc || !(p.revents & ~POLLOUT) ? rc : receive(w, t, err);
}

const struct relay_link_ops relay_tcp = { tcp_open, tcp_send, tcp_wait, tcp_close };
