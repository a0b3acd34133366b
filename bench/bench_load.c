/* bench_load - the other end of a benchmark: many connections from one process with one epoll, as light as it can be made.
 *
 *   bench_load --port P [--connections C] [--window W] [--seconds S] [--rate R [--burst B]] [--stations N] [--gateways] [--mqtt]
 *              [--every MS]
 *
 * Sends packets of HJ 212 (2011, eight factors; each its own, a second later than the one before of its station) and counts the answers, W
 * on their way on each connection. A connection speaks for one station, as devices do; stations share the connections that are more.
 * --gateways: each packet is of another station than the one before it on its connection, as if all came through gateways.
 * --rate: so many a second in all, evenly, whatever the server does; a latency is then counted from the moment when the packet was due.
 * Each connection has had an answer before that begins: meeting a station for the first time is not what is asked. --burst: so many at
 * once over each connection. --mqtt: the same bytes as the payload of MQTT 3.1.1 PUBLISH with QoS 1, counting PUBACK.
 * --every: each connection sends one packet each so many ms. Prints one line:
 *   acked N seconds S rate R p50 US p99 US max US cpu SECONDS connected C */
#include "base/clock.h"
#include "common.h"
#include "hj212/hj212.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW_MAX = 64, OUT = 32 * 1024 };

static struct {
    int port, connections, window, stations, every, burst;
    double seconds, rate;
    bool mqtt, gateways;
} o = { .connections = 1, .window = 1, .stations = 1000, .burst = 1, .seconds = 3 };

struct line {
    int fd;
    uint16_t outstanding, oldest, half; /* half: bytes of an MQTT answer that is not whole */
    bool up;
    long sent;
    uint64_t due[WINDOW_MAX]; /* ns; when each packet on its way was due */
};

static struct line *lines;
static int ep, up;
static long sent, acked, greeted; /* greeted: how many of them before the clock ran */
static struct latency latency;
static char base_frame[HJ212_FRAME_MAX + 64];
static size_t frame_at, frame_n, all_n; /* frame inside base_frame; all: with the head of MQTT */
static uint64_t began, end;
static lf_ms base_time;

/* ---- packets ------------------------------------------------------------------------------------- */

#define SEGMENT \
    "QN=20000000000000000;ST=32;CN=2011;PW=123456;MN=LOAD0000;Flag=5;CP=&&DataTime=20000101000000;w01018-Rtd=40.10,w01018-Flag=N;" \
    "w01001-Rtd=7.52,w01001-Flag=N;w00000-Rtd=17.5,w00000-Flag=N;w21003-Rtd=1.253,w21003-Flag=N;w21011-Rtd=0.31,w21011-Flag=N;" \
    "w21001-Rtd=9.71,w21001-Flag=N;w01010-Rtd=21.4,w01010-Flag=N;w01014-Rtd=431.0,w01014-Flag=N&&"
enum {
    QN_AT = 3,
    MN_AT = sizeof "QN=20000000000000000;ST=32;CN=2011;PW=123456;MN=LOAD" - 1,
    TIME_AT = sizeof "QN=20000000000000000;ST=32;CN=2011;PW=123456;MN=LOAD0000;Flag=5;CP=&&DataTime=" - 1,
    COD_AT = TIME_AT + sizeof "20000101000000;w01018-Rtd=" - 1
};

static void digits(char *p, int n, long v)
{
    for (; n--; v /= 10)
        p[n] = (char)('0' + v % 10);
}

static void make_template(void)
{
    unsigned char *p = (unsigned char *)base_frame;
    size_t n = 0;
    if (o.mqtt) { /* MQTT 3.1.1 §3.3: PUBLISH, QoS 1; the length takes two bytes */
        size_t rest = 2 + 8 + 2 + sizeof SEGMENT - 1 + 12;
        p[n++] = 0x32;
        p[n++] = (unsigned char)(rest % 128 | 128);
        p[n++] = (unsigned char)(rest / 128);
        memcpy(p + n, "\0\10LOAD0000\0\1", 12);
        n += 12;
    }
    frame_at = n;
    frame_n = hj212_frame(LF_TEXT(SEGMENT), base_frame + n, sizeof base_frame - n);
    all_n = frame_at + frame_n;
}

/* The next packet of a connection into out: its own QN and value, its station, a time of its own (a second each, within the last 300
 * days). */
static void make(char *out, struct line *l)
{
    static const char hex[] = "0123456789ABCDEF";
    static long cached = -1;
    static char day_text[32];
    memcpy(out, base_frame, all_n);
    char *seg = out + frame_at + 6;
    long line = l - lines, shared = (o.connections + o.stations - 1) / o.stations, k = sent++;
    long station = (o.gateways ? k : line) % o.stations, second = o.gateways ? k / o.stations : l->sent * shared + line / o.stations;
    long day = second / 86400 % 300, within = second % 86400;
    l->sent++;
    digits(seg + QN_AT + 4, 13, k);
    digits(seg + MN_AT, 4, station);
    if (o.mqtt) {
        digits(out + 9, 4, station);
        out[13] = (char)(k >> 8 & 0x7f);
        out[14] = (char)(k | 1);
    }
    if (day != cached) {
        lf_ms_compact(day_text, (lf_ms){ base_time.ms - (day + 1) * LF_DAY_MS });
        cached = day;
    }
    memcpy(seg + TIME_AT, day_text, 8);
    digits(seg + TIME_AT + 8, 2, within / 3600);
    digits(seg + TIME_AT + 10, 2, within / 60 % 60);
    digits(seg + TIME_AT + 12, 2, within % 60);
    digits(seg + COD_AT, 2, k % 97);
    unsigned crc = hj212_crc(seg, sizeof SEGMENT - 1);
    for (int i = 3; i >= 0; i--, crc >>= 4)
        seg[sizeof SEGMENT - 1 + (size_t)i] = hex[crc & 15];
}

/* ---- connections ----------------------------------------------------------------------------------- */

static void mqtt_hello(int fd, int i)
{
    char hello[40], answer[4];
    int n = snprintf(hello + 14, 16, "bench%06d", i);
    memcpy(hello, "\x10\0\0\4MQTT\4\2\0\0\0", 13); /* §3.1: clean session, no keep-alive */
    hello[1] = (char)(12 + n);
    hello[13] = (char)n;
    if (send(fd, hello, (size_t)(14 + n), MSG_NOSIGNAL) != 14 + n || recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3])
        die("MQTT connect", strerror(errno));
}

/* Each address of 127.0.0.x has its own 28,000 ports. */
static void connect_one(int i)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(i / 4000)) };
    int one = 1, fd = lines[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("connect", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (o.mqtt)
        mqtt_hello(fd, i);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0)
        die("epoll", strerror(errno));
    lines[i].up = true;
    up++;
}

static void lose(struct line *l)
{
    if (l->up)
        close(l->fd);
    up -= l->up;
    l->up = false;
}

/* Sends n packets that were due then. */
static void send_some(struct line *l, int n, uint64_t due)
{
    static char out[OUT];
    size_t bytes = 0;
    for (; n > 0 && l->outstanding < o.window && bytes + all_n <= sizeof out; n--) {
        make(out + bytes, l);
        bytes += all_n;
        l->due[(l->oldest + l->outstanding++) % WINDOW_MAX] = due;
    }
    for (size_t at = 0; at < bytes;) {
        ssize_t k = send(l->fd, out + at, bytes - at, MSG_NOSIGNAL);
        if (k < 0 && errno == EAGAIN)
            continue; /* a window is far less than a socket's buffer: this is brief */
        if (k <= 0) {
            lose(l);
            return;
        }
        at += (size_t)k;
    }
}

static int answers_in(struct line *l, const char *p, ssize_t n)
{
    int found = 0;
    if (o.mqtt) { /* PUBACK: four bytes */
        found = (int)(((size_t)n + l->half) / 4);
        l->half = (uint16_t)(((size_t)n + l->half) % 4);
        return found;
    }
    for (const char *e = p + n; (p = memchr(p, '\n', (size_t)(e - p))); p++)
        found++;
    return found;
}

static void receive(struct line *l)
{
    static char in[64 * 1024];
    ssize_t n = recv(l->fd, in, sizeof in, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            lose(l);
        return;
    }
    uint64_t now = now_ns();
    int found = answers_in(l, in, n);
    for (int i = 0; i < found && l->outstanding; i++) {
        latency_add(&latency, now - l->due[l->oldest]);
        l->oldest = (uint16_t)((l->oldest + 1) % WINDOW_MAX);
        l->outstanding--;
        acked++;
    }
    if (o.rate == 0 && !o.every && now < end)
        send_some(l, o.window, now);
}

/* By the clock: packet number j is due at began + j / rate, on the next connection with room. */
static void send_due(void)
{
    static long given;
    static int at;
    uint64_t now = now_ns();
    if (now > end)
        return;
    double rate = o.every ? 1000.0 * o.connections / o.every : o.rate;
    long due = (long)((double)(now - began) / 1e9 * rate);
    for (int looked = 0; given < due && looked < o.connections; looked++, at = (at + 1) % o.connections)
        if (lines[at].up && lines[at].outstanding + o.burst <= o.window) {
            send_some(&lines[at], o.burst, began + (uint64_t)((double)given / rate * 1e9));
            given += o.burst;
        }
}

enum { TICK_NS = 100000, TICK = INT32_MAX }; /* the mark of the clock among the connections */

static int clock_fd = -1;

/* Wakes the loop often enough that a packet is sent when it is due: epoll_wait's own milliseconds would be most of what is measured. */
static void add_clock(void)
{
    int fd = clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const struct itimerspec tick = { { 0, TICK_NS }, { 0, TICK_NS } };
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = TICK };
    if (fd < 0 || timerfd_settime(fd, 0, &tick, NULL) != 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0)
        die("timerfd", strerror(errno));
}

/* One packet over each connection, some at a time. */
static void say_hello(void)
{
    enum { AT_ONCE = 50 };
    static struct epoll_event e[AT_ONCE];
    for (int i = 0; i < o.connections; i++) {
        send_some(&lines[i], 1, now_ns());
        for (bool pause = i % AT_ONCE == AT_ONCE - 1 || i == o.connections - 1; pause && acked < sent;) {
            int n = epoll_wait(ep, e, AT_ONCE, 5000);
            if (n <= 0)
                die("load", "a first packet is not answered");
            for (int k = 0; k < n; k++)
                receive(&lines[e[k].data.u32]);
        }
    }
    latency = (struct latency){ 0 };
    greeted = acked;
}

static void run(void)
{
    static struct epoll_event e[1024];
    bool by_clock = o.rate > 0 || o.every;
    if (o.rate > 0)
        say_hello();
    if (by_clock)
        add_clock();
    began = now_ns();
    end = began + (uint64_t)(o.seconds * 1e9);
    for (int i = 0; !by_clock && i < o.connections; i++)
        send_some(&lines[i], o.window, now_ns());
    for (;;) {
        uint64_t now = now_ns();
        if (!up || now > end + 5000000000u || (now > end && sent == acked))
            break;
        if (by_clock)
            send_due();
        int n = epoll_wait(ep, e, LF_COUNT(e), 100);
        for (int i = 0; i < n; i++)
            if (e[i].data.u32 != TICK)
                receive(&lines[e[i].data.u32]);
            else if (read(clock_fd, &now, sizeof now) < 0 && errno != EAGAIN)
                die("timerfd", strerror(errno));
    }
}

static bool options(int argc, char **argv)
{
    static const struct option names[] = { { "port", 1, 0, 'p' },
                                           { "connections", 1, 0, 'c' },
                                           { "window", 1, 0, 'w' },
                                           { "seconds", 1, 0, 's' },
                                           { "rate", 1, 0, 'r' },
                                           { "stations", 1, 0, 'n' },
                                           { "gateways", 0, 0, 'g' },
                                           { "mqtt", 0, 0, 'm' },
                                           { "every", 1, 0, 'e' },
                                           { "burst", 1, 0, 'b' },
                                           { 0 } };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (c) {
        case 'p': o.port = atoi(optarg); break;
        case 'c': o.connections = atoi(optarg); break;
        case 'w': o.window = atoi(optarg); break;
        case 's': o.seconds = atof(optarg); break;
        case 'r': o.rate = atof(optarg); break;
        case 'g': o.gateways = true; break;
        case 'n': o.stations = atoi(optarg); break;
        case 'e': o.every = atoi(optarg); break;
        case 'b': o.burst = atoi(optarg); break;
        case 'm': o.mqtt = true; break;
        default: return false;
        }
    return o.port > 0 && o.connections > 0 && o.connections <= 40000 && o.window > 0 && o.window <= WINDOW_MAX && o.burst > 0 &&
           o.burst <= o.window && o.stations > 0 && o.stations <= 10000;
}

int main(int argc, char **argv)
{
    struct rusage u0, u1;
    if (!options(argc, argv)) {
        fprintf(stderr, "bench_load: wrong use; see the head of bench/bench_load.c\n");
        return 2;
    }
    raise_files(65536);
    lines = lf_new((size_t)o.connections * sizeof *lines);
    ep = epoll_create1(EPOLL_CLOEXEC);
    base_time = lf_day_start(lf_day_of(lf_now()));
    make_template();
    for (int i = 0; i < o.connections; i++)
        connect_one(i);
    getrusage(RUSAGE_SELF, &u0);
    run();
    double took = (double)(now_ns() - began) / 1e9;
    acked -= greeted;
    getrusage(RUSAGE_SELF, &u1);
    double cpu = (double)(u1.ru_utime.tv_sec + u1.ru_stime.tv_sec - u0.ru_utime.tv_sec - u0.ru_stime.tv_sec) +
                 (double)(u1.ru_utime.tv_usec + u1.ru_stime.tv_usec - u0.ru_utime.tv_usec - u0.ru_stime.tv_usec) / 1e6;
    printf("acked %ld seconds %.3f rate %.0f p50 %.0f p99 %.0f max %.0f cpu %.2f connected %d sent %ld\n", acked, took,
           (double)acked / took, latency_us(&latency, 0.5), latency_us(&latency, 0.99), latency_us(&latency, 1), cpu, up, sent - greeted);
    return 0;
}
