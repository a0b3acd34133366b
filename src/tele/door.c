/* door.c - where devices knock: the listening socket, addresses, and who is let in. */
#include "tele/road.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

static struct peer *peer_of(struct lf_listener *l, const struct sockaddr *a)
{
    char text[64] = "?";
    if (uv_ip_name(a, text, sizeof text) != 0)
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

void peer_leave(struct lf_listener *l, struct peer *p)
{
    if (--p->n > 0)
        return;
    struct peer **at = peer_place(l, p->name);
    *at = p->chain;
    lf_release(p);
}

/* ---- letting in --------------------------------------------------------------------------------- */

enum { BACKLOG = 4096, AT_ONCE = 256 };

static bool let_in(struct lf_listener *l, int fd, const struct sockaddr *from)
{
    struct peer *peer = peer_of(l, from);
    if (!l->stop_at && l->nfree > 0 && peer->n <= l->c.max_per_peer && conn_open(l, fd, peer))
        return true;
    peer_leave(l, peer);
    return false;
}

static bool passes(int why) { return why == EINTR || why == ECONNABORTED || why == EPROTO || why == EPERM; }

static void on_knock(uv_poll_t *h, int status, int events)
{
    struct lf_listener *l = h->data;
    for (int i = 0; i < AT_ONCE; i++) {
        struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
        socklen_t n = sizeof from;
        int fd = accept4(l->door_fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && passes(errno))
            continue;
        if (fd < 0 && errno != EAGAIN) /* no descriptor, no memory: they wait outside until door_open is called again */
            uv_poll_stop(&l->door);
        if (fd < 0)
            return;
        if (!let_in(l, fd, (const struct sockaddr *)&from)) {
            count_add(l, N_TURNED_AWAY, 1);
            close(fd);
        }
    }
}

/* ---- the listening socket ----------------------------------------------------------------------- */

void door_open(struct lf_listener *l)
{
    if (!uv_is_active((uv_handle_t *)&l->door) && !uv_is_closing((uv_handle_t *)&l->door))
        (void)!uv_poll_start(&l->door, UV_READABLE, on_knock);
}

void door_close(struct lf_listener *l)
{
    uv_close((uv_handle_t *)&l->door, NULL);
    close(l->door_fd);
    l->door_fd = -1;
}

static int address(const struct lf_listener *l, struct sockaddr_storage *a, socklen_t *n)
{
    *n = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(l->host, l->c.port, (struct sockaddr_in *)a) == 0)
        return 0;
    *n = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(l->host, l->c.port, (struct sockaddr_in6 *)a);
}

static int bind_to(int fd, const struct sockaddr_storage *a, socklen_t n)
{
    int one = 1, zero = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero); /* "::" is all addresses */
    return bind(fd, (const struct sockaddr *)a, n) == 0 && listen(fd, BACKLOG) == 0 ? 0 : -errno;
}

int door_make(struct lf_listener *l)
{
    struct sockaddr_storage a;
    socklen_t n;
    int rc = address(l, &a, &n);
    if (rc != 0)
        return rc;
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = bind_to(fd, &a, n);
    if (rc == 0 && getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        rc = -errno;
    if (rc == 0)
        rc = uv_poll_init_socket(&l->loop, &l->door, fd);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    l->door.data = l;
    l->door_fd = fd;
    l->port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
    door_open(l);
    return 0;
}
