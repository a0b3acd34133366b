/* station_load - plays stations: numbered packets over many connections, and every acknowledged QN into a file.
 *
 *   station_load --port P [--host H] [--mn M | --prefix LOAD --stations N] [--pw 123456] [--connections N] [--packets N]
 *                [--first K] [--window W] [--factors F] [--acked FILE] [--seconds S] [--reconnect] [--hours]
 *
 * Packet number k is a 2011 (with --hours a 2061) with QN = 1000 years + k and its own DataTime, sent by station k % N (LOAD0000,
 * LOAD0001 ...) over whichever connection is free: runs with different --first never make the same packet, and the same number
 * is always the same packet (on one day). --window 1 waits for each answer before the next packet; more sends ahead. A QN is
 * written to FILE (one write each) when its 9014 has arrived, so the file is what the server has promised. Ends when all is
 * acknowledged, when the time is over, or, without --reconnect, when the server is gone; with it, what was not acknowledged is
 * sent again. The last line on standard output is the count.
 * Exit: 0 all acknowledged, 1 not all, 2 wrong use. */
#include "base/arena.h"
#include "base/clock.h"
#include "tele/device.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW_MAX = 64 };

static struct {
    const char *host, *mn, *prefix, *pw, *acked;
    int port, stations, connections, window, factors, seconds;
    long packets, first;
    bool reconnect, hours;
} o = { .host = "127.0.0.1",
        .prefix = "LOAD",
        .pw = "123456",
        .stations = 1,
        .connections = 1,
        .window = 1,
        .factors = 5,
        .seconds = 60,
        .packets = 1000 };

struct link {
    struct device d;
    bool up;
    int n;
    long waiting[WINDOW_MAX]; /* numbers without an answer yet, oldest first */
};

static struct link *links;
static long next_number, last_number, acked, sent;
static long *again; /* numbers to be sent once more */
static long nagain;
static int acked_fd = -1;
static lf_ms base;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* By the number, not by the connection: sent again over another connection it must still be the same packet. */
static const char *mn_of(long number)
{
    static char mn[80];
    if (o.mn)
        return o.mn;
    snprintf(mn, sizeof mn, "%s%04ld", o.prefix, number % o.stations);
    return mn;
}

/* Real-time packets a second apart, hours an hour apart, backwards from the start of today; within what the server believes. */
static lf_ms time_of(long number)
{
    int64_t step = o.hours ? LF_HOUR_MS : 1000, span = (o.hours ? 8000 : 300 * 86400);
    return (lf_ms){ base.ms - (number % span) * step };
}

static bool send_number(int i, long number)
{
    char cp[900], frame[HJ212_FRAME_MAX], at[32];
    struct link *l = &links[i];
    size_t n = 0;
    for (int f = 0; f < o.factors; f++)
        n += (size_t)snprintf(cp + n, sizeof cp - n, o.hours ? ";w%05d-Avg=%ld.%02d,w%05d-Flag=N" : ";w%05d-Rtd=%ld.%02d,w%05d-Flag=N",
                              1000 + f, number % 1000, f, 1000 + f);
    n = device_frame(frame, sizeof frame, "QN=1000%013ld;ST=32;CN=%s;PW=%s;MN=%s;Flag=5;CP=&&DataTime=%s%s&&", number,
                     o.hours ? "2061" : "2011", o.pw, mn_of(number), lf_ms_compact(at, time_of(number)), cp);
    l->waiting[l->n++] = number;
    sent++;
    return n > 0 && device_send(&l->d, frame, n);
}

static void lose(struct link *l)
{
    device_close(&l->d);
    l->up = false;
    for (int i = 0; i < l->n; i++)
        again[nagain++] = l->waiting[i];
    l->n = 0;
}

static void fill(int i)
{
    struct link *l = &links[i];
    while (l->up && l->n < o.window && (nagain || next_number < last_number)) {
        long number = nagain ? again[--nagain] : next_number++;
        if (!send_number(i, number))
            lose(l);
    }
}

static void on_answer(struct link *l, const char *segment)
{
    long number;
    char line[32];
    if (!strstr(segment, "CN=9014") || sscanf(segment, "QN=1000%13ld", &number) != 1)
        return;
    for (int k = 0; k < l->n; k++) {
        if (l->waiting[k] != number)
            continue;
        memmove(l->waiting + k, l->waiting + k + 1, (size_t)(l->n - k - 1) * sizeof *l->waiting);
        l->n--;
        acked++;
        int n = snprintf(line, sizeof line, "1000%013ld\n", number);
        if (acked_fd >= 0 && write(acked_fd, line, (size_t)n) != n)
            perror("acked");
        return;
    }
}

/* Everything that has arrived, without waiting. */
static void drain(struct link *l)
{
    char segment[HJ212_SEGMENT_MAX + 1];
    while (device_answer(&l->d, segment, sizeof segment, 0))
        on_answer(l, segment);
    if (l->d.gone)
        lose(l);
}

static int connect_all(void)
{
    int up = 0;
    for (int i = 0; i < o.connections; i++) {
        if (!links[i].up)
            links[i].up = device_open(&links[i].d, o.host, (uint16_t)o.port, 0);
        up += links[i].up;
    }
    return up;
}

static void run(void)
{
    struct pollfd *p = lf_new((size_t)o.connections * sizeof *p);
    double end = now_s() + o.seconds;
    int up = connect_all();
    while (acked < o.packets && now_s() < end && (up || o.reconnect)) {
        if (o.reconnect && up < o.connections && connect_all() == 0)
            nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
        for (int i = 0; i < o.connections; i++) {
            fill(i);
            p[i] = (struct pollfd){ links[i].up ? links[i].d.fd : -1, POLLIN, 0 };
        }
        poll(p, (nfds_t)o.connections, 100);
        up = 0;
        for (int i = 0; i < o.connections; i++) {
            if (links[i].up && p[i].revents)
                drain(&links[i]);
            up += links[i].up;
        }
    }
    lf_release(p);
}

static bool options(int argc, char **argv)
{
    static const struct option names[] = {
        { "host", 1, 0, 'h' },     { "port", 1, 0, 'p' },      { "mn", 1, 0, 'm' },          { "prefix", 1, 0, 'x' },
        { "stations", 1, 0, 's' }, { "pw", 1, 0, 'w' },        { "connections", 1, 0, 'c' }, { "packets", 1, 0, 'n' },
        { "first", 1, 0, 'f' },    { "window", 1, 0, 'o' },    { "factors", 1, 0, 'v' },     { "acked", 1, 0, 'a' },
        { "seconds", 1, 0, 't' },  { "reconnect", 0, 0, 'r' }, { "hours", 0, 0, 'u' },       { 0 }
    };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;)
        switch (c) {
        case 'h': o.host = optarg; break;
        case 'p': o.port = atoi(optarg); break;
        case 'm': o.mn = optarg; break;
        case 'x': o.prefix = optarg; break;
        case 's': o.stations = atoi(optarg); break;
        case 'w': o.pw = optarg; break;
        case 'c': o.connections = atoi(optarg); break;
        case 'n': o.packets = atol(optarg); break;
        case 'f': o.first = atol(optarg); break;
        case 'o': o.window = atoi(optarg); break;
        case 'v': o.factors = atoi(optarg); break;
        case 'a': o.acked = optarg; break;
        case 't': o.seconds = atoi(optarg); break;
        case 'r': o.reconnect = true; break;
        case 'u': o.hours = true; break;
        default: return false;
        }
    return o.port > 0 && o.connections > 0 && o.stations > 0 && o.window > 0 && o.window <= WINDOW_MAX && o.packets > 0 && o.factors > 0 &&
           o.factors <= 20;
}

int main(int argc, char **argv)
{
    if (!options(argc, argv)) {
        fprintf(stderr, "station_load: wrong use; see the head of tests/station_load.c\n");
        return 2;
    }
    links = lf_new((size_t)o.connections * sizeof *links);
    again = lf_new((size_t)o.connections * WINDOW_MAX * sizeof *again);
    for (int i = 0; i < o.connections; i++)
        links[i].d.fd = -1;
    base = lf_day_start(lf_day_of(lf_now()));
    next_number = o.first;
    last_number = o.first + o.packets;
    if (o.acked && (acked_fd = open(o.acked, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0) {
        perror(o.acked);
        return 2;
    }
    double began = now_s();
    run();
    double took = now_s() - began;
    printf("acknowledged %ld of %ld packets, %ld sent, %.2f s, %.0f packets/s\n", acked, o.packets, sent, took, (double)acked / took);
    for (int i = 0; i < o.connections; i++)
        device_close(&links[i].d);
    lf_release(links);
    lf_release(again);
    return acked == o.packets ? 0 : 1;
}
