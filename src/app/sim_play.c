/* sim_play.c - the stations at work: each is a thread of its own with its own connection, as devices are. What was not acknowledged is
 * sent again (HJ 212-2017 §6.5), and a server that is away is called again; nothing is skipped. */
#include "app/sim.h"
#include "base/arena.h"
#include "base/log.h"
#include "hj212/command.h"
#include "hj212/dialogue.h"
#include "hj212/hj212.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OVER_TIME_MS = 10000, RESENDS = 3, CALL_AGAIN_MS = 1000, CALL_AGAIN_MAX_MS = 15000 }; /* first two: §6.5, over a mobile link */
enum { HISTORY_MINUTE_H = 3, HISTORY_RTD_H = 1 }; /* shorter values reach less far back, as a device's memory does */

struct player {
    const struct sim_city *city;
    const struct sim_play *play;
    int stop_fd; /* readable (at its end) when everybody shall stop */
    atomic_bool stopping;
    atomic_int working, away; /* stations at work; of them, those that do not reach the server */
    _Atomic int64_t sent, acknowledged, commands;
};
struct line { /* one station and its connection */
    struct player *all;
    struct sim_station own; /* its password may change */
    const struct sim_station *s;
    int every_ms;
    bool quiet; /* told to send no real-time data (2012) */
    pthread_t thread;
    int fd; /* -1: not connected */
    bool away;
    char held[HJ212_BUFFER_MAX];
    size_t nheld;
    lf_ms hour, minute; /* next period to be told */
};

/* ---- the connection -------------------------------------------------------------------------------------- */

int sim_dial(const struct sim_target *t)
{
    struct addrinfo want = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
    char port[8];
    int fd = -1;
    snprintf(port, sizeof port, "%d", t->port);
    if (getaddrinfo(t->host, port, &want, &found))
        return -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

static void hang_up(struct line *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->nheld = 0;
}

static void say_away(struct line *l, bool away)
{
    struct player *p = l->all;
    if (l->away == away)
        return;
    l->away = away;
    int others = away ? atomic_fetch_add(&p->away, 1) : atomic_fetch_sub(&p->away, 1) - 1;
    if (others == 0) /* once for all stations */
        lf_log(away ? LF_WARN : LF_INFO, away ? "simulate: %s:%d is not there, calling again" : "simulate: %s:%d is there again",
               p->play->to.host, p->play->to.port);
}

/* False when everybody shall stop. */
static bool pause_for(struct player *p, int64_t ms)
{
    struct pollfd f = { .fd = p->stop_fd, .events = POLLIN };
    lf_ms end = { lf_now().ms + ms };
    for (int64_t left; !atomic_load(&p->stopping) && (left = end.ms - lf_now().ms) > 0;)
        poll(&f, 1, (int)left);
    return !atomic_load(&p->stopping);
}

static bool call(struct line *l)
{
    for (int64_t wait = CALL_AGAIN_MS; l->fd < 0 && !atomic_load(&l->all->stopping);
         wait = wait * 2 > CALL_AGAIN_MAX_MS ? wait : wait * 2) {
        if ((l->fd = sim_dial(&l->all->play->to)) >= 0)
            break;
        say_away(l, true);
        if (!pause_for(l->all, wait))
            return false;
    }
    say_away(l, false);
    return l->fd >= 0;
}

static bool tell(struct line *l, const char *frame, size_t n)
{
    if (l->fd >= 0 && send(l->fd, frame, n, MSG_NOSIGNAL) == (ssize_t)n)
        return true;
    hang_up(l);
    return false;
}

/* ---- commands from the host --------------------------------------------------------------------------------- */

static enum sim_what what_of(lf_text cn)
{
    return lf_text_is(cn, "2031") ? SIM_DAY : lf_text_is(cn, "2061") ? SIM_HOUR : lf_text_is(cn, "2051") ? SIM_MINUTE : SIM_RTD;
}

/* What was asked for of the past, one packet a period (Annex C.19); false: there is none. */
static bool tell_history(struct line *l, const struct hj212_packet *p)
{
    static const int64_t length[] = { LF_MINUTE_MS, SIM_MINUTES * (int64_t)LF_MINUTE_MS, LF_HOUR_MS, LF_DAY_MS };
    enum sim_what what = what_of(p->cn);
    char frame[HJ212_FRAME_MAX], qn[24];
    lf_ms begin, end;
    bool any = false;
    if (!lf_ms_parse_compact(hj212_value(p->cp, "BeginTime"), &begin) || !lf_ms_parse_compact(hj212_value(p->cp, "EndTime"), &end))
        return false;
    if (what == SIM_DAY)
        begin = lf_day_start(lf_day_of(begin));
    for (int k = 0; begin.ms <= end.ms && begin.ms + length[what] <= lf_now().ms && k < 1000; begin.ms += length[what], k++) {
        size_t n = sim_packet(l->all->city, l->s, what, begin, frame, qn);
        any |= n && tell(l, frame, n);
    }
    return any;
}

/* One packet with the request's QN and CN, what 1011, 1061 and 1063 ask for; false: this device does not know it. */
static bool tell_answer(struct line *l, const struct hj212_packet *p)
{
    char seg[HJ212_SEGMENT_MAX], frame[HJ212_FRAME_MAX], now[32], data[64] = "";
    if (lf_text_is(p->cn, "1011"))
        snprintf(data, sizeof data, "SystemTime=%s", lf_ms_compact(now, lf_now()));
    else if (lf_text_is(p->cn, "1061"))
        snprintf(data, sizeof data, "RtdInterval=%d", l->every_ms / 1000);
    else if (lf_text_is(p->cn, "1063"))
        snprintf(data, sizeof data, "MinInterval=%d", SIM_MINUTES);
    if (!*data)
        return false;
    int n = snprintf(seg, sizeof seg, "QN=%.*s;ST=%.*s;CN=%.*s;PW=%s;MN=%s;Flag=4;CP=&&%s&&", (int)p->qn.n, p->qn.p, (int)p->st.n, p->st.p,
                     (int)p->cn.n, p->cn.p, l->s->pw, l->s->mn, data);
    size_t size = n > 0 && (size_t)n < sizeof seg ? hj212_frame((lf_text){ seg, (uint32_t)n }, frame, sizeof frame) : 0;
    return size && tell(l, frame, size);
}

/* What it is told to be from now on; false: this device cannot. */
static bool take_setting(struct line *l, const struct hj212_packet *p)
{
    int64_t seconds;
    lf_text pw = hj212_value(p->cp, "NewPW");
    if (lf_text_is(p->cn, "1014")) /* it does not encrypt */
        return false;
    if (lf_text_is(p->cn, "1072") && pw.n && pw.n < sizeof l->own.pw)
        snprintf(l->own.pw, sizeof l->own.pw, "%.*s", (int)pw.n, pw.p);
    if (lf_text_is(p->cn, "1062") && lf_text_int(hj212_value(p->cp, "RtdInterval"), &seconds) && seconds > 0 && seconds <= 3600)
        l->every_ms = (int)seconds * 1000;
    if (lf_text_is(p->cn, "2011"))
        l->quiet = false;
    return true;
}

/* 9011 "ready", what was asked for, 9012 "done" or 100 "no data" (tables 6 and 7); a notice gets 9013. */
static void obey(struct line *l, const struct hj212_packet *p)
{
    const struct hj212_command *c = hj212_command_find(p->cn);
    char frame[HJ212_FRAME_MAX];
    if (!c || !p->qn.p || !lf_text_eq(p->mn, lf_str(l->s->mn)))
        return;
    atomic_fetch_add(&l->all->commands, 1);
    if (c->reply == HJ212_REPLY_NOTICE) {
        l->quiet |= lf_text_is(p->cn, "2012");
        tell(l, frame, hj212_answer(p, frame, sizeof frame));
        return;
    }
    tell(l, frame, hj212_result(p, false, 1, frame, sizeof frame));
    bool done = c->reply == HJ212_REPLY_HISTORY  ? tell_history(l, p)
                : c->reply == HJ212_REPLY_ANSWER ? tell_answer(l, p)
                                                 : take_setting(l, p);
    tell(l, frame, hj212_result(p, true, done ? 1 : 100, frame, sizeof frame));
}

/* ---- listening ------------------------------------------------------------------------------------------------ */

/* Whole frames out of what was received; true when one of them acknowledges qn. */
static bool take_frames(struct line *l, const char *qn)
{
    struct hj212_packet p;
    lf_text frame, segment;
    const char *bad;
    bool mine = false;
    size_t at = 0, used;
    do {
        enum hj212_why why = hj212_take(l->held + at, l->nheld - at, &used, &frame, &segment);
        at += used;
        if (!used || why != HJ212_GOOD || hj212_parse(segment, &p, &bad) != HJ212_GOOD)
            continue;
        if (lf_text_is(p.cn, "9014"))
            mine |= qn && lf_text_is(hj212_reply_qn(&p), qn);
        else if (p.cn.p && p.cn.p[0] != '9')
            obey(l, &p);
    } while (used && l->fd >= 0);
    memmove(l->held, l->held + at, l->nheld -= at);
    return mine;
}

/* Reads until qn is acknowledged, until `end`, or until the connection is gone. qn NULL: listens only. */
static bool hear(struct line *l, const char *qn, lf_ms end)
{
    struct pollfd f[2] = { { .fd = l->all->stop_fd, .events = POLLIN }, { .events = POLLIN } };
    for (int64_t left; l->fd >= 0 && !atomic_load(&l->all->stopping) && (left = end.ms - lf_now().ms) > 0;) {
        f[1].fd = l->fd;
        if (poll(f, 2, (int)left) <= 0 || !(f[1].revents))
            continue;
        ssize_t n = recv(l->fd, l->held + l->nheld, sizeof l->held - l->nheld, 0);
        if (n <= 0) {
            hang_up(l);
            break;
        }
        l->nheld += (size_t)n;
        if (take_frames(l, qn))
            return true;
    }
    return false;
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

/* Until it is acknowledged, or everybody shall stop; with a number of rounds to play, not longer than §6.5 has it. */
static void deliver(struct line *l, enum sim_what what, lf_ms at)
{
    struct player *p = l->all;
    char frame[HJ212_FRAME_MAX], qn[24];
    size_t n = sim_packet(p->city, l->s, what, at, frame, qn);
    bool heard = false;
    for (int tries = 0; n && !heard && !atomic_load(&p->stopping); tries++) {
        if (p->play->rounds && tries > RESENDS)
            break;
        if (l->fd < 0 && p->play->rounds && tries)
            pause_for(p, CALL_AGAIN_MS);
        if (l->fd < 0 && (p->play->rounds ? (l->fd = sim_dial(&p->play->to)) < 0 : !call(l)))
            continue;
        heard = tell(l, frame, n) && hear(l, qn, (lf_ms){ lf_now().ms + OVER_TIME_MS });
        if (!heard && l->fd < 0 && !p->play->rounds)
            say_away(l, true);
    }
    if (n && (heard || !atomic_load(&p->stopping))) {
        atomic_fetch_add(&p->sent, 1);
        atomic_fetch_add(&p->acknowledged, heard);
    }
}

/* Every period that has ended: the minutes, the hour they make up, the day. */
static void deliver_periods(struct line *l)
{
    const int64_t minutes = SIM_MINUTES * (int64_t)LF_MINUTE_MS;
    lf_ms now = lf_now();
    for (; l->minute.ms + minutes <= now.ms && !atomic_load(&l->all->stopping); l->minute.ms += minutes)
        deliver(l, SIM_MINUTE, l->minute);
    for (; l->hour.ms + LF_HOUR_MS <= now.ms && !atomic_load(&l->all->stopping); l->hour.ms += LF_HOUR_MS) {
        lf_ms next = { l->hour.ms + LF_HOUR_MS };
        deliver(l, SIM_HOUR, l->hour);
        if (lf_day_of(next).v != lf_day_of(l->hour).v)
            deliver(l, SIM_DAY, lf_day_start(lf_day_of(l->hour)));
    }
}

static void deliver_history(struct line *l)
{
    int hours = l->all->play->history_h;
    lf_ms now = lf_now(), this_hour = { now.ms - now.ms % LF_HOUR_MS };
    l->hour = (lf_ms){ this_hour.ms - hours * (int64_t)LF_HOUR_MS };
    l->minute = (lf_ms){ this_hour.ms - (hours < HISTORY_MINUTE_H ? hours : HISTORY_MINUTE_H) * (int64_t)LF_HOUR_MS };
    deliver_periods(l);
    int64_t back = (hours < HISTORY_RTD_H ? hours : HISTORY_RTD_H) * (int64_t)LF_HOUR_MS;
    for (lf_ms at = { now.ms - now.ms % LF_MINUTE_MS - back }; back && at.ms < now.ms && !atomic_load(&l->all->stopping);
         at.ms += LF_MINUTE_MS)
        deliver(l, SIM_RTD, at);
}

static void *work(void *arg)
{
    struct line *l = arg;
    struct player *p = l->all;
    deliver(l, SIM_RTD, lf_now()); /* the map comes alive before the past is told */
    deliver_history(l);
    lf_ms next = lf_now();
    for (int round = 1; (!p->play->rounds || round < p->play->rounds) && !atomic_load(&p->stopping); round++) {
        next.ms += l->every_ms;
        if (next.ms < lf_now().ms) /* the server was away: go on from here */
            next = lf_now();
        hear(l, NULL, next);
        if (!pause_for(p, next.ms - lf_now().ms))
            break;
        if (!l->quiet)
            deliver(l, SIM_RTD, lf_now());
        deliver_periods(l);
    }
    hang_up(l);
    atomic_fetch_sub(&p->working, 1);
    return NULL;
}

static void report(const struct player *p, FILE *to)
{
    fprintf(to, "simulate: %lld packets sent, %lld acknowledged", (long long)p->sent, (long long)p->acknowledged);
    if (p->commands)
        fprintf(to, ", %lld commands obeyed", (long long)p->commands);
    fputs("\n", to);
}

/* Until all have played their rounds, or SIGINT or SIGTERM comes. */
static void wait_for_end(struct player *p, const sigset_t *set)
{
    struct timespec tick = { .tv_nsec = 100 * 1000 * 1000 };
    lf_ms next = { lf_now().ms + LF_MINUTE_MS };
    while (atomic_load(&p->working) && sigtimedwait(set, NULL, &tick) < 0)
        if (lf_now().ms >= next.ms) {
            report(p, stderr);
            next.ms += LF_MINUTE_MS;
        }
}

int sim_play(struct sim_city *city, const struct sim_play *play)
{
    struct player p = { .city = city, .play = play };
    struct line *line = lf_new((size_t)(city->n + 1) * sizeof *line);
    int stop[2], n = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists */
    if (pipe(stop))
        return 1;
    p.stop_fd = stop[0];
    atomic_store(&p.working, city->n);
    city->since = lf_now();
    for (; n < city->n; n++) {
        line[n] = (struct line){ .all = &p, .own = city->station[n], .s = &line[n].own, .every_ms = play->every_ms, .fd = -1 };
        if (pthread_create(&line[n].thread, NULL, work, &line[n])) {
            fprintf(stderr, "lanfan simulate: only %d stations can play: %s\nHINT: --stations N\n", n, strerror(errno));
            atomic_fetch_sub(&p.working, city->n - n);
            break;
        }
    }
    wait_for_end(&p, &set);
    atomic_store(&p.stopping, true);
    close(stop[1]);
    for (int i = 0; i < n; i++)
        pthread_join(line[i].thread, NULL);
    close(stop[0]);
    report(&p, stdout);
    lf_release(line);
    return n == city->n && p.acknowledged == p.sent ? 0 : 1;
}
