#include "tele/device.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

bool device_open(struct device *d, const char *host, uint16_t port, int receive_buffer)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    int one = 1;
    d->held = 0;
    d->gone = false;
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1)
        return false;
    if (receive_buffer)
        setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(d->fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return true;
    device_close(d);
    return false;
}

void device_close(struct device *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

bool device_send(struct device *d, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(d->fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool readable(int fd, int wait_ms)
{
    struct pollfd p = { fd, POLLIN, 0 };
    int n;
    do
        n = poll(&p, 1, wait_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

bool device_answer(struct device *d, char *out, size_t cap, int wait_ms)
{
    for (;;) {
        size_t used;
        lf_text frame, segment;
        enum hj212_why why = hj212_take(d->buf, d->held, &used, &frame, &segment);
        if (used) {
            if (why == HJ212_GOOD)
                snprintf(out, cap, "%.*s", (int)segment.n, segment.p);
            memmove(d->buf, d->buf + used, d->held -= used);
            if (why == HJ212_GOOD)
                return true;
            continue;
        }
        if (!readable(d->fd, wait_ms))
            return false;
        ssize_t k = recv(d->fd, d->buf + d->held, sizeof d->buf - d->held, 0);
        if (k <= 0) {
            d->gone = true;
            return false;
        }
        d->held += (size_t)k;
    }
}

bool device_gone(struct device *d, int wait_ms)
{
    char c;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t until = t.tv_sec * 1000 + t.tv_nsec / 1000000 + wait_ms, now;
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        now = t.tv_sec * 1000 + t.tv_nsec / 1000000;
        if (now >= until || !readable(d->fd, (int)(until - now)))
            return false;
        if (recv(d->fd, &c, 1, 0) <= 0)
            return true;
    }
}

size_t device_frame(char *out, size_t cap, const char *fmt, ...)
{
    char segment[HJ212_SEGMENT_MAX + 1];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(segment, sizeof segment, fmt, ap);
    va_end(ap);
    return n < 0 || n > HJ212_SEGMENT_MAX ? 0 : hj212_frame((lf_text){ segment, (uint32_t)n }, out, cap);
}
