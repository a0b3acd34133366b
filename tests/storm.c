/* storm - clients that mean no good, many of them, against a port of a running server.
 *
 *   storm --port P [--rate R] [--seconds S] [--slow N] [--silent N] [--http]
 *
 * --rate: so many connections a second, each closed at once: some without a word, some after a piece of a message, some reset.
 * --slow: so many that send a message one byte each second and never end it. --silent: so many that stop in the middle of a message
 * and neither read nor close. Whoever is turned away comes again. From 200 addresses of 127.0.0.0/8, since a server bounds what one
 * address may hold. --http: messages of HTTP; else of HJ 212. Prints how many connections there were and how many did not come about. */
#include "base/arena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct {
    int port, slow, silent;
    double rate, seconds;
    bool http;
} o = { .seconds = 5 };

static const char *const station_words[] = { "##0136QN=20240601085857223;ST=32;CN=2011;PW=123456;MN=NOBODY;Flag=5;CP=&&DataTime=2024060108",
                                             "##9999", "\0\0\0\0\0\0\0", "####0012", "##0071ST=91;CN=9014;PW=;MN=;Flag=4;CP=&&&&0000\r\n" };
static const char *const http_words[] = {
    ("GET /api/v1/matter?limit=50 HTTP/1.1\r\nHost: a\r\nX-Slow: "
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "POST /api/v1/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{\"login\":\"",
    "GET /healthz HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", "PUT * HTTP/9.9\r\n"
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *word(unsigned i) { return o.http ? http_words[i % LF_COUNT(http_words)] : station_words[i % LF_COUNT(station_words)]; }

/* A connection from one of 200 addresses, or -1. The system chooses the port when the other side is known: none is used up. */
static int connect_from(unsigned i)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000100u + i % 200) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { 0, 200000 }; /* where the server's queue is full, the kernel would try for minutes */
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&from, sizeof from) == 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Resets, so that no port waits for its time to pass. */
static void cut(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
    close(fd);
}

static void come_and_go(unsigned i, long *failed)
{
    int fd = connect_from(i);
    if (fd < 0) {
        ++*failed;
        return;
    }
    const char *w = word(i / 3);
    if (i % 3)
        send(fd, w, i % 3 == 1 ? strlen(w) : strlen(w) / 2, MSG_NOSIGNAL | MSG_DONTWAIT);
    cut(fd);
}

struct lurker {
    int fd;
    size_t at;
};

/* One byte more; a new connection when the server has ended the old one. */
static void drip(struct lurker *l, unsigned i, long *ended)
{
    char c;
    const char *w = word(0);
    if (l->fd >= 0 && recv(l->fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0) {
        close(l->fd);
        l->fd = -1;
        ++*ended;
    }
    if (l->fd < 0)
        *l = (struct lurker){ connect_from(i), 0 };
    if (l->fd >= 0 && l->at + 1 < strlen(w) && send(l->fd, w + l->at, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
        l->at++;
}

static bool options(int argc, char **argv)
{
    static const struct option names[] = { { "port", 1, 0, 'p' },
                                           { "rate", 1, 0, 'r' },
                                           { "seconds", 1, 0, 's' },
                                           { "slow", 1, 0, 'l' },
                                           { "http", 0, 0, 'h' },
                                           { "silent", 1, 0, 'q' },
                                           { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (c) {
        case 'p': o.port = atoi(optarg); break;
        case 'r': o.rate = atof(optarg); break;
        case 's': o.seconds = atof(optarg); break;
        case 'l': o.slow = atoi(optarg); break;
        case 'q': o.silent = atoi(optarg); break;
        case 'h': o.http = true; break;
        default: return false;
        }
    return o.port > 0 && o.slow >= 0 && o.silent >= 0;
}

int main(int argc, char **argv)
{
    struct rlimit lim;
    long opened = 0, failed = 0, ended = 0;
    if (!options(argc, argv)) {
        fprintf(stderr, "storm: wrong use; see the head of tests/storm.c\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
    struct lurker *slow = lf_new((size_t)(o.slow + 1) * sizeof *slow);
    for (int i = 0; i < o.slow; i++)
        slow[i].fd = -1;
    for (int i = 0; i < o.silent; i++) {
        const char *w = word(0);
        int fd = connect_from((unsigned)i);
        if (fd >= 0)
            send(fd, w, strlen(w) / 2, MSG_NOSIGNAL | MSG_DONTWAIT); /* and never closed */
    }
    double began = now_s(), now = began;
    long dripped = 0;
    for (; now < began + o.seconds; now = now_s()) {
        for (long due = (long)((now - began) * o.rate), n = 0; opened < due && n < 200; opened++, n++)
            come_and_go((unsigned)opened, &failed);
        for (long due = (long)((now - began) * o.slow), n = 0; o.slow > 0 && dripped < due && n < 2000; dripped++, n++)
            drip(&slow[dripped % o.slow], (unsigned)dripped, &ended);
        nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
    printf("connections %ld a_second %.0f failed %ld slow_ended %ld\n", opened, (double)opened / (now - began), failed, ended);
    lf_release(slow);
    return 0;
}
