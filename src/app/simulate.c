/* simulate.c - `lanfan simulate`: plays the stations of the demonstration, or a capture. */
#include "app/settings.h"
#include "fmt/fmt.h"
#include "hj212/hj212.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sim_station {
    char mn[32], kind[16], name[100];
    int fd;
};
struct sim {
    struct sim_station s[200];
    int n;
    struct {
        char station[64];
        double v[6];
    } air[200];
    int nair;
    int kind;
    char head[20][32];
};

static void cell_text(char *out, size_t cap, lf_text t) { snprintf(out, cap, "%.*s", (int)t.n, t.p); }

static lf_rc sim_row(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    struct sim *m = user;
    if (line == 1)
        return LF_OK;
    if (m->kind == 0 && n >= 6 && m->n < 200) {
        struct sim_station *s = &m->s[m->n++];
        cell_text(s->name, sizeof s->name, c[0]);
        cell_text(s->mn, sizeof s->mn, c[1]);
        cell_text(s->kind, sizeof s->kind, c[3]);
        s->fd = -1;
    }
    if (m->kind == 1 && n >= 8 && m->nair < 200) {
        cell_text(m->air[m->nair].station, sizeof m->air[0].station, c[0]);
        for (int i = 0; i < 6; i++) {
            char b[32];
            cell_text(b, sizeof b, c[2 + i]);
            m->air[m->nair].v[i] = *b ? strtod(b, NULL) : -1;
        }
        m->nair++;
    }
    return LF_OK;
}

static int read_csv(struct sim *m, int kind, const char *dir, const char *file)
{
    char path[4096];
    struct lf_err err = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    m->kind = kind;
    if (fd < 0 || lf_table_read(LF_CSV, fd, sim_row, m, &err)) {
        fprintf(stderr, "lanfan simulate: cannot read %s: %s\n", path, fd < 0 ? strerror(errno) : err.msg);
        return 1;
    }
    close(fd);
    return 0;
}

static int dial(const char *host, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = { .tv_sec = 5 };
    if (fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1 || connect(fd, (struct sockaddr *)&a, sizeof a)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
}

/* Values: the six national stations say what was recorded; the others are a wave around their limits, so that some exceed now and then. */
/* stat: Rtd, or Avg for hours and days. */
static int values(const struct sim *m, const struct sim_station *s, int64_t turn, const char *stat, char *out, size_t cap)
{
    static const char *const air[] = { "a34004", "a34002", "a21026", "a21004", "a21005", "a05024" };
    static const struct {
        const char *kind, *factor;
        double mid;
    } other[] = { { "wastewater", "w01018", 38 },  { "wastewater", "w21003", 3.4 }, { "wastewater", "w21011", 0.34 },
                  { "wastewater", "w01001", 7.4 }, { "flue", "a21026", 62 },        { "flue", "a21002", 70 },
                  { "flue", "a34013", 18 },        { "flue", "a19001", 8 },         { "surface", "w01019", 4.6 },
                  { "surface", "w21003", 0.62 },   { "surface", "w01009", 8.1 } };
    size_t n = 0;
    int64_t who = s - m->s;
    if (!strcmp(s->kind, "air")) {
        int64_t k = 0, mine[64], hits = 0;
        for (; k < m->nair && hits < 64; k++)
            if (!strncmp(s->name, m->air[k].station, strlen(m->air[k].station)))
                mine[hits++] = k;
        for (int i = 0; hits && i < 6; i++)
            if (m->air[mine[turn / 15 % hits]].v[i] >= 0)
                n += (size_t)snprintf(out + n, cap - n, ";%s-%s=%.3f,%s-Flag=N", air[i], stat, m->air[mine[turn / 15 % hits]].v[i], air[i]);
        return hits > 0;
    }
    for (size_t i = 0; i < LF_COUNT(other); i++) {
        if (strcmp(other[i].kind, s->kind) != 0)
            continue;
        double wave = 1 + 0.28 * sin((double)(turn + who * 7) / 9) + 0.12 * sin((double)(turn * 3 + who * 5) / 4 + (double)i);
        n += (size_t)snprintf(out + n, cap - n, ";%s-%s=%.3f,%s-Flag=N", other[i].factor, stat, other[i].mid * wave, other[i].factor);
    }
    return n > 0;
}

/* cn: 2011 real time, 2061 an hour, 2031 a day; at: DataTime, the start of the hour or day. */
static int send_one(struct sim *m, struct sim_station *s, const char *cn, int64_t turn, lf_ms time, const char *host, int port)
{
    char v[900] = "", seg[1024], frame[1200], at[32], qn[32], answer[256];
    const char *st = !strcmp(s->kind, "air") ? "22" : !strcmp(s->kind, "surface") ? "21" : !strcmp(s->kind, "wastewater") ? "32" : "31";
    lf_ms now = lf_now();
    if (!values(m, s, turn, strcmp(cn, "2011") ? "Avg" : "Rtd", v, sizeof v))
        return 0;
    lf_ms_compact(qn, now);
    lf_ms_compact(at, time);
    snprintf(seg, sizeof seg, "QN=%s%03d;ST=%s;CN=%s;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s%s&&", qn, (int)(now.ms % 1000), st, cn, s->mn,
             at, v);
    size_t n = hj212_frame(lf_str(seg), frame, sizeof frame);
    if (s->fd < 0)
        s->fd = dial(host, port);
    if (s->fd >= 0 && n && send(s->fd, frame, n, MSG_NOSIGNAL) == (ssize_t)n && recv(s->fd, answer, sizeof answer, 0) > 0)
        return 1;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return 0;
}

/* What is judged by law are means: each hour when it is over, each day when it is over; to begin with those that are over already. */
static void send_means(struct sim *m, struct sim_station *s, lf_ms *hour, const char *host, int port, int64_t *sent, int64_t *acked)
{
    lf_ms now = lf_now();
    for (; hour->ms + LF_HOUR_MS <= now.ms; hour->ms += LF_HOUR_MS) {
        lf_ms next = { hour->ms + LF_HOUR_MS };
        ++*sent, *acked += send_one(m, s, "2061", hour->ms / LF_HOUR_MS, *hour, host, port);
        if (lf_day_of(next).v != lf_day_of(*hour).v)
            ++*sent, *acked += send_one(m, s, "2031", lf_day_of(*hour).v, lf_day_start(lf_day_of(*hour)), host, port);
    }
}

enum { HOURS_BEFORE = 25 }; /* so that a whole day is over in any case */
static int play(const char *dir, const char *host, int port, int every_ms, int rounds)
{
    struct sim *m = lf_new(sizeof *m);
    if (read_csv(m, 0, dir, "stations.csv") || read_csv(m, 1, dir, "zibo_air.csv"))
        return 1;
    int64_t sent = 0, acked = 0;
    lf_ms *hour = lf_new((size_t)(m->n + 1) * sizeof *hour), now = lf_now();
    for (int i = 0; i < m->n; i++)
        hour[i].ms = now.ms - now.ms % LF_HOUR_MS - HOURS_BEFORE * (int64_t)LF_HOUR_MS;
    for (int64_t turn = 0; !rounds || turn < rounds; turn++) {
        for (int i = 0; i < m->n; i++)
            sent++, acked += send_one(m, &m->s[i], "2011", turn, lf_now(), host, port);
        for (int i = 0; i < m->n; i++)
            send_means(m, &m->s[i], &hour[i], host, port, &sent, &acked);
        if (turn % 60 == 0)
            fprintf(stderr, "simulate: %lld packets sent, %lld acknowledged\n", (long long)sent, (long long)acked);
        struct timespec t = { every_ms / 1000, (long)(every_ms % 1000) * 1000000 };
        nanosleep(&t, NULL);
    }
    printf("simulate: %lld packets sent, %lld acknowledged\n", (long long)sent, (long long)acked);
    lf_release(hour);
    lf_release(m);
    return acked == sent ? 0 : 1;
}

/* A capture, line by line, just as it is: good and broken. */
static int replay(const char *file, const char *host, int port)
{
    char *line = NULL, answer[4096];
    size_t cap = 0;
    int64_t lines = 0, answers = 0;
    FILE *f = fopen(file, "re");
    int fd = f ? dial(host, port) : -1;
    if (fd < 0) {
        fprintf(stderr, "lanfan simulate: cannot open %s or reach %s:%d\n", file, host, port);
        return 1;
    }
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0; lines++) {
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (send(fd, line, (size_t)n, MSG_NOSIGNAL) < 0 || send(fd, "\r\n", 2, MSG_NOSIGNAL) < 0)
            break;
    }
    struct timeval wait = { .tv_usec = 500000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (ssize_t n; (n = recv(fd, answer, sizeof answer, 0)) > 0;)
        for (ssize_t i = 0; i + 1 < n; i++)
            answers += answer[i] == '#' && answer[i + 1] == '#';
    printf("replay: %lld lines sent, %lld answers\n", (long long)lines, (long long)answers);
    lf_release(line); /* getline took it from malloc, as lf_new does */
    fclose(f);
    close(fd);
    return 0;
}

static const char *from = "data/demo", *replay_file;
static int every_ms = 2000, rounds;
static const struct app_option options[] = {
    { "from", APP_TEXT, &from, .arg = "DIR", .help = "demonstration data, default data/demo" },
    { "every", APP_NUMBER, &every_ms, 10, 3600000, "MS", "from one packet of a station to its next, default 2000" },
    { "rounds", APP_NUMBER, &rounds, 0, 1000000, "N", "stop after so many packets of each; default 0: go on" },
    { "replay", APP_TEXT, &replay_file, .arg = "FILE", .help = "play the raw packets of a capture just as they are" },
};

static int simulate(int argc, char **argv)
{
    if (!app_words(&app_simulate, argc, argv, 0, 0))
        return APP_USAGE;
    return replay_file ? replay(replay_file, app_set.host, app_set.station_port)
                       : play(from, app_set.host, app_set.station_port, every_ms, rounds);
}

const struct app_command app_simulate = {
    .name = "simulate",
    .args = "[options]",
    .summary = "play the stations of the demonstration, or a capture of packets",
    .help = "Connects to a listener and plays the stations of the demonstration. Ends with 0 when every packet was acknowledged.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = simulate,
};
