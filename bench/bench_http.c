/* bench_http - lists of 50 rows as JSON, asked again and again over connections that stay open, against libmicrohttpd that
 * serves the same bytes from memory with the same number of threads.
 *
 *   bench_http LANFAN [DIR]     DIR: where the demonstration city is made, default /tmp. Start in the project's folder.
 *
 * Ours logs in once; each request then finds its session, its rights and its rows in the database. Every figure is the better
 * of three rounds taken in turns, because a machine is seldom alone. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 32, ROUNDS = 3, THREADS = 4 };
static const double SECONDS = 2;

/* ---- the yardstick ------------------------------------------------------------------------------------ */

struct fixed {
    struct MHD_Response *response;
};

static enum MHD_Result serve_fixed(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                   const char *data, size_t *n, void **state)
{
    const struct fixed *f = cls;
    static int begun;
    if (!*state) { /* its first call comes before the body */
        *state = &begun;
        return MHD_YES;
    }
    return MHD_queue_response(c, 200, f->response);
}

/* The headers of the answer, but those that the library makes itself. */
static void copy_headers(struct MHD_Response *r, char *head)
{
    char *line = strstr(head, "\r\n");
    for (char *next; line && (line += 2, next = strstr(line, "\r\n")) && next > line; line = next) {
        *next = 0;
        char *colon = strstr(line, ": ");
        if (!colon || !strncasecmp(line, "Content-Length", 14) || !strncasecmp(line, "Connection", 10) || !strncasecmp(line, "Date", 4))
            continue;
        *colon = 0;
        MHD_add_response_header(r, line, colon + 2);
    }
}

/* A process of its own that answers everything with these bytes (head and body) until its input ends. */
static struct server start_fixed(const char *answer, size_t n)
{
    int in[2];
    struct server s = { .port = free_port() };
    if (pipe2(in, O_CLOEXEC) != 0)
        die("pipe", strerror(errno));
    s.in = in[1];
    s.pid = fork();
    if (s.pid == 0) {
        char c;
        const char *body = strstr(answer, "\r\n\r\n") + 4;
        struct fixed f = { MHD_create_response_from_buffer(n - (size_t)(body - answer), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT) };
        close(in[1]);
        copy_headers(f.response, lf_dup(answer));
        if (!MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)s.port, NULL, NULL, serve_fixed, &f, MHD_OPTION_THREAD_POOL_SIZE,
                              (unsigned)THREADS, MHD_OPTION_END))
            die("libmicrohttpd", strerror(errno));
        while (read(in[0], &c, 1) > 0)
            ;
        _exit(0);
    }
    close(in[0]);
    while (!port_answers(s.port))
        if (waitpid(s.pid, NULL, WNOHANG) != 0)
            die("libmicrohttpd", "does not start");
    return s;
}

/* ---- the load ------------------------------------------------------------------------------------------- */

struct line {
    int fd;
    char head[4096];  /* of the answer that is coming */
    size_t head_n;    /* 0: body_left counts */
    size_t body_left; /* bytes */
    uint64_t asked;
};

struct result {
    double rate, p50, p99;
};

static const char *request;
static size_t request_n;

static void ask(struct line *l)
{
    l->asked = now_ns();
    if (send(l->fd, request, request_n, MSG_NOSIGNAL) != (ssize_t)request_n)
        die("request", strerror(errno));
}

static void open_line(struct line *l, int port, int ep, uint32_t i)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
    int one = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || connect(l->fd, (const struct sockaddr *)&a, sizeof a) != 0 || epoll_ctl(ep, EPOLL_CTL_ADD, l->fd, &e) != 0)
        die("connect", strerror(errno));
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* The head is whole: what follows it, and how much is still to come. */
static void read_head(struct line *l, size_t n)
{
    l->head[l->head_n] = 0;
    const char *end = strstr(l->head, "\r\n\r\n"), *length = strcasestr(l->head, "Content-Length: ");
    if (!end) {
        if (l->head_n == sizeof l->head - 1)
            die("answer", "its head is too long");
        return;
    }
    if (strncmp(l->head, "HTTP/1.1 200", 12) != 0 || !length)
        die("answer", l->head);
    l->body_left = strtoul(length + 16, NULL, 10) - (l->head_n - (size_t)(end + 4 - l->head));
    l->head_n = 0;
}

/* True when an answer has come to its end. */
static bool receive(struct line *l)
{
    static char bin[256 * 1024];
    bool in_body = l->body_left > 0;
    ssize_t n = in_body ? recv(l->fd, bin, sizeof bin, MSG_DONTWAIT)
                        : recv(l->fd, l->head + l->head_n, sizeof l->head - 1 - l->head_n, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        die("answer", n ? strerror(errno) : "the connection was closed");
    if (in_body) {
        l->body_left -= (size_t)n;
        return l->body_left == 0;
    }
    l->head_n += (size_t)n;
    read_head(l, (size_t)n);
    return l->head_n == 0 && l->body_left == 0;
}

static struct result load(int port)
{
    static struct line lines[CONNECTIONS];
    static struct latency times;
    struct epoll_event e[CONNECTIONS];
    int ep = epoll_create1(EPOLL_CLOEXEC);
    long done = 0;
    memset(lines, 0, sizeof lines);
    memset(&times, 0, sizeof times);
    for (uint32_t i = 0; i < CONNECTIONS; i++)
        open_line(&lines[i], port, ep, i);
    double began = now_s(), now = began;
    for (int i = 0; i < CONNECTIONS; i++)
        ask(&lines[i]);
    while (now < began + SECONDS) {
        int n = epoll_wait(ep, e, CONNECTIONS, 1000);
        for (int i = 0; i < n; i++) {
            struct line *l = &lines[e[i].data.u32];
            if (!receive(l))
                continue;
            latency_add(&times, now_ns() - l->asked);
            done++;
            ask(l);
        }
        now = now_s();
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(lines[i].fd);
    close(ep);
    return (struct result){ (double)done / (now - began), latency_us(&times, 0.5), latency_us(&times, 0.99) };
}

/* ---- one address -------------------------------------------------------------------------------------- */

static void say(const char *who, struct result r)
{
    printf("%-10s %9.0f requests/s   p50 %8.0f us   p99 %8.0f us\n", who, r.rate, r.p50, r.p99);
}

static void compare(const struct lanfan *l, const char *cookie, const char *path, const char *more)
{
    char text[1024], once[1024];
    size_t n;
    struct result ours = { 0 }, fixed = { 0 };
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n%s\r\n", path, cookie, more);
    snprintf(once, sizeof once, "GET %s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nConnection: close\r\n%s\r\n", path, cookie, more);
    char *answer = http_ask(l->port, once, &n);
    if (!answer || strncmp(answer, "HTTP/1.1 200", 12) != 0)
        die(path, answer ? answer : "no answer");
    request = text;
    request_n = strlen(text);
    struct server s = start_fixed(answer, n);
    for (int round = 0; round < ROUNDS; round++) {
        struct result a = load(l->port), b = load(s.port);
        ours = a.rate > ours.rate ? a : ours;
        fixed = b.rate > fixed.rate ? b : fixed;
    }
    server_stop(&s);
    printf("-- %s%s, %zu bytes with the head, %d connections\n", path, *more ? " (gzip)" : "", n, CONNECTIONS);
    say("ours", ours);
    say("fixed", fixed);
    printf("ratio      ours : libmicrohttpd with the same bytes = %.2f\n", ours.rate / fixed.rate);
    lf_release(answer);
}

int main(int argc, char **argv)
{
    char cookie[256];
    if (argc < 2) {
        fprintf(stderr, "usage: bench_http LANFAN [DIR]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    struct lanfan l = lanfan_make(argv[1], argc > 2 ? argv[2] : "/tmp");
    lanfan_start(&l, argv[1]);
    lanfan_login(&l, "city", cookie);
    compare(&l, cookie, "/healthz", "");
    compare(&l, cookie, "/api/v1/source?limit=50", "");
    compare(&l, cookie, "/api/v1/limit_value?limit=50", "");
    compare(&l, cookie, "/api/v1/source?limit=50", "Accept-Encoding: gzip\r\n");
    lanfan_stop(&l);
    lanfan_remove(&l);
    return 0;
}
