/* sim_replay.c - a capture byte for byte as it is, good and broken: nothing is added, left out or put right. Its times may be moved. */
#include "app/sim.h"
#include "base/arena.h"
#include "hj212/hj212.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_MS = 1500, CAPTURE_MAX = 256 << 20 }; /* answers that come later than this after the last one are not waited for */

struct replay {
    int fd;
    char held[HJ212_BUFFER_MAX];
    size_t nheld;
    int64_t answers;
    bool gone;
};

static void count_answers(struct replay *r)
{
    lf_text frame, segment;
    size_t at = 0, used;
    do {
        r->answers += hj212_take(r->held + at, r->nheld - at, &used, &frame, &segment) == HJ212_GOOD && used;
        at += used;
    } while (used);
    memmove(r->held, r->held + at, r->nheld -= at);
}

/* Reads answers for so long; false when nothing came. */
static bool listen_for(struct replay *r, int ms)
{
    struct pollfd f = { .fd = r->fd, .events = POLLIN };
    if (r->gone || poll(&f, 1, ms) <= 0)
        return false;
    ssize_t n = recv(r->fd, r->held + r->nheld, sizeof r->held - r->nheld, 0);
    if (n <= 0) {
        r->gone = true;
        return false;
    }
    r->nheld += (size_t)n;
    count_answers(r);
    return true;
}

static bool send_piece(struct replay *r, const char *p, size_t n)
{
    while (n && !r->gone) {
        ssize_t m = send(r->fd, p, n, MSG_NOSIGNAL);
        if (m < 0)
            r->gone = true;
        else
            p += m, n -= (size_t)m;
    }
    return !r->gone;
}

static size_t piece_of(const char *p, size_t n, int bytes)
{
    if (bytes)
        return n < (size_t)bytes ? n : (size_t)bytes;
    const char *end = memchr(p, '\n', n);
    return end ? (size_t)(end - p) + 1 : n;
}

static void pace(struct replay *r, int every_ms)
{
    lf_ms end = { lf_now().ms + every_ms };
    int64_t left = every_ms;
    do
        if (!listen_for(r, (int)left) && r->gone)
            return;
    while ((left = end.ms - lf_now().ms) > 0);
}

static char *read_capture(const char *path, size_t *n)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *p = NULL;
    *n = 0;
    if (fd < 0 || fstat(fd, &st) || st.st_size > CAPTURE_MAX) {
        fprintf(stderr, "lanfan simulate: cannot read %s: %s\n", path, fd < 0 ? strerror(errno) : "a capture has at most 256 MiB");
    } else {
        p = lf_new((size_t)st.st_size + 1);
        for (ssize_t m; *n < (size_t)st.st_size && (m = read(fd, p + *n, (size_t)st.st_size - *n)) > 0;)
            *n += (size_t)m;
    }
    if (fd >= 0)
        close(fd);
    return p;
}

int sim_replay(const struct sim_replay *q)
{
    size_t n, at = 0;
    char *bytes = read_capture(q->file, &n);
    if (!bytes)
        return 1;
    if (q->now && !sim_shift(bytes, n, lf_now()))
        fprintf(stderr, "lanfan simulate: no packet of %s says a time: it is played as it is\n", q->file);
    struct replay r = { .fd = sim_dial(&q->to) };
    if (r.fd < 0) {
        fprintf(stderr, "lanfan simulate: cannot reach %s:%d: %s\nHINT: is `lanfan serve` running there? see --host and --station-port\n",
                q->to.host, q->to.port, strerror(errno));
        lf_release(bytes);
        return 1;
    }
    int64_t pieces = 0;
    for (size_t size; at < n && send_piece(&r, bytes + at, size = piece_of(bytes + at, n - at, q->piece)); at += size, pieces++)
        pace(&r, q->every_ms);
    while (listen_for(&r, QUIET_MS)) {
    }
    printf("replay: %zu of %zu bytes sent in %lld pieces, %lld answers\n", at, n, (long long)pieces, (long long)r.answers);
    if (at < n)
        fprintf(stderr, "lanfan simulate: the server closed the connection\n");
    close(r.fd);
    lf_release(bytes);
    return at == n ? 0 : 1;
}
