/* talk.c - the dispatcher: sends what waits, listens to what comes back, and lets the records follow. One thread; what the listener's loop
 * says to it is only noted. */
#include "rooms/command/parts.h"

#include "base/log.h"
#include "base/text.h"
#include "command_sql.h"
#include "hj212/explain.h"
#include "hj212/sm4.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { SEATS = 4096, HEARD_MAX = 20000, SAID_MAX = 2000, KEEP_MS = 1000, LOOK_MS = 5000 };

/* A station, once it was connected or commanded. Kept for good. */
struct seat {
    struct seat *chain;
    int64_t station;
    bool connected, came; /* came: has connected since the thread last looked */
    struct talk *talk;    /* the loop asks only whether there is one */
};
struct heard {
    struct heard *next;
    lf_id station;
    lf_ms at;
    struct hj212_packet p; /* texts point into bytes, as does raw */
    lf_text raw;
    char bytes[];
};
static struct {
    pthread_mutex_t lock; /* all to `dropped` */
    pthread_cond_t wake;
    bool stop, look;
    struct seat *seat[SEATS];
    struct heard *first, **last;
    int nheard;
    lf_id cancelled[64];
    int ncancelled;
    int64_t dropped;

    pthread_t thread;
    bool running;
    struct lf_app *app;
    struct command_road road;
    struct seat **busy; /* the thread's own: seats with a talk */
    size_t nbusy, cap;
    int64_t looked, last_qn; /* monotonic; ms since 1970 */
} it = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .last = &it.first };

/* Time-outs must not be lengthened by a clock that is set back. */
static lf_ms monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (lf_ms){ t.tv_sec * 1000LL + t.tv_nsec / 1000000 };
}

static struct seat *seat_of(lf_id station)
{
    struct seat **at = &it.seat[((uint64_t)station.v * 0x9e3779b97f4a7c15u >> 32) % SEATS];
    while (*at && (*at)->station != station.v)
        at = &(*at)->chain;
    if (!*at) {
        *at = lf_new(sizeof **at);
        (*at)->station = station.v;
    }
    return *at;
}

/* ---- from other threads ------------------------------------------------------------------------------------------- */

void command_contact(lf_id station, bool connected)
{
    pthread_mutex_lock(&it.lock);
    struct seat *s = seat_of(station);
    s->connected = connected;
    s->came = s->came || connected;
    it.look = it.look || connected;
    if (connected)
        pthread_cond_signal(&it.wake);
    pthread_mutex_unlock(&it.lock);
}

static lf_text copied(char **to, lf_text t)
{
    if (!t.p)
        return t;
    char *at = *to;
    if (t.n)
        memcpy(at, t.p, t.n);
    *to += t.n;
    return (lf_text){ at, t.n };
}

void command_heard(lf_id station, const struct hj212_packet *p, lf_text raw)
{
    pthread_mutex_lock(&it.lock);
    bool wanted = seat_of(station)->talk != NULL, room = it.nheard < HEARD_MAX;
    it.dropped += wanted && !room;
    pthread_mutex_unlock(&it.lock);
    if (!wanted || !room)
        return;
    struct heard *h = lf_new(sizeof *h + raw.n + p->qn.n + p->st.n + p->cn.n + p->mn.n + p->cp.n);
    char *to = h->bytes;
    *h = (struct heard){ .station = station, .at = lf_now(), .p = *p };
    h->raw = copied(&to, raw);
    h->p.qn = copied(&to, p->qn), h->p.st = copied(&to, p->st), h->p.cn = copied(&to, p->cn);
    h->p.mn = copied(&to, p->mn), h->p.cp = copied(&to, p->cp), h->p.pw = (lf_text){ 0 };
    pthread_mutex_lock(&it.lock);
    *it.last = h;
    it.last = &h->next;
    it.nheard++;
    pthread_cond_signal(&it.wake);
    pthread_mutex_unlock(&it.lock);
}

void command_look(lf_id cancelled)
{
    pthread_mutex_lock(&it.lock);
    it.look = true;
    if (!lf_id_none(cancelled) && it.ncancelled < (int)LF_COUNT(it.cancelled)) /* past that, the next write finds out */
        it.cancelled[it.ncancelled++] = cancelled;
    pthread_cond_signal(&it.wake);
    pthread_mutex_unlock(&it.lock);
}

void command_metrics(struct lf_out *o)
{
    int64_t open = 0, dropped;
    pthread_mutex_lock(&it.lock);
    for (int i = 0; i < SEATS; i++)
        for (const struct seat *s = it.seat[i]; s; s = s->chain)
            open += s->talk != NULL;
    dropped = it.dropped;
    pthread_mutex_unlock(&it.lock);
    lf_putf(o,
            "# TYPE lanfan_commands_open gauge\nlanfan_commands_open %lld\n# TYPE lanfan_command_replies_dropped_total counter\n"
            "lanfan_command_replies_dropped_total %lld\n",
            (long long)open, (long long)dropped);
}

/* ---- one talk --------------------------------------------------------------------------------------------------------- */

static void say(struct talk *t, bool outgoing, lf_text raw, lf_ms at)
{
    if (t->nsaid >= SAID_MAX) /* history: the rest is in the store like all data */
        return;
    struct said *s = lf_new(sizeof *s + raw.n);
    *s = (struct said){ .at = at, .outgoing = outgoing, .n = raw.n };
    memcpy(s->raw, raw.p, raw.n);
    if (outgoing && t->d.command->must & (HJ212_ARG_NEW_PW | HJ212_ARG_NEW_KEY)) /* a secret to be is kept nowhere but in the station */
        hj212_star_secrets(s->raw, s->n);
    *t->last = s;
    t->last = &s->next;
    t->nsaid++;
}

static void send_frame(struct talk *t)
{
    struct lf_err err = { 0 };
    lf_rc rc = it.road.send(it.road.user, t->station, t->frame, &err);
    t->offline = rc == LF_ENOTFOUND;
    t->counted = true;
    if (rc)
        t->d.tries--; /* it did not leave */
    else
        say(t, true, t->frame, lf_now());
}

/* Writes what has happened; a talk that was cancelled, or has ended, leaves its seat. False: not written, try again later. */
static bool keep(struct lf_ctx *cx, struct talk *t)
{
    lf_rc rc = command_keep(cx, t);
    t->saved = monotonic();
    if (rc == LF_ECONFLICT || rc == LF_ENOTFOUND) {
        t->over = true;
    } else if (rc) {
        lf_log(LF_WARN, "command %lld: %s", (long long)t->id.v, cx->err.msg);
        t->again.ms = t->saved.ms + KEEP_MS;
    } else {
        t->over = t->d.state > HJ212_ACCEPTED;
        t->again.ms = 0;
    }
    lf_arena_reset(&cx->arena);
    return rc == LF_OK;
}

static void free_talk(struct talk *t)
{
    for (struct said *s = t->first, *next; s; s = next) {
        next = s->next;
        lf_release(s);
    }
    lf_release((void *)(uintptr_t)t->frame.p);
    lf_release(t);
}

static void take_seat(struct talk *t)
{
    if (it.nbusy == it.cap)
        it.busy = lf_renew(it.busy, (it.cap = it.cap ? 2 * it.cap : 64) * sizeof(struct seat *));
    pthread_mutex_lock(&it.lock);
    struct seat *s = seat_of(t->station);
    s->talk = t;
    pthread_mutex_unlock(&it.lock);
    it.busy[it.nbusy++] = s;
}

static void leave_seats(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < it.nbusy; i++) {
        struct talk *t = it.busy[i]->talk;
        if (!t->over) {
            it.busy[kept++] = it.busy[i];
            continue;
        }
        pthread_mutex_lock(&it.lock);
        it.busy[i]->talk = NULL;
        it.look = true; /* the next of this station */
        pthread_mutex_unlock(&it.lock);
        free_talk(t);
    }
    it.nbusy = kept;
}

/* ---- beginning ------------------------------------------------------------------------------------------------------------ */

/* Each command has its own: of the moment, but never the same or an earlier one. */
static void make_qn(char qn[24])
{
    int64_t now = lf_now().ms;
    char b[32];
    it.last_qn = now > it.last_qn ? now : it.last_qn + 1;
    snprintf(qn, 24, "%.14s%03d", lf_ms_compact(b, (lf_ms){ it.last_qn }), (int)(it.last_qn % 1000));
}

/* The frame as the device reads it: encrypted where 2025 wants it and the station has a key. Length 0: no such command. */
static size_t make_frame(const struct command *c, const struct station_device *s, lf_text st, int version, const char *qn,
                         char out[HJ212_BUFFER_MAX])
{
    char segment[HJ212_SEGMENT_MAX];
    struct hj212_request r;
    command_request(c, version, &r);
    r.qn = lf_str(qn), r.st = st, r.pw = s->pw, r.mn = s->mn, r.now = lf_now();
    lf_text text = { segment, (uint32_t)hj212_request_write(&r, segment) };
    if (!text.n)
        return 0;
    bool seal = version == 2025 && s->sm4_key.n == HJ212_KEY_SIZE && hj212_seals(lf_str(hj212_command_cn(r.command, version)));
    return seal ? hj212_seal((const unsigned char *)s->sm4_key.p, text, out, HJ212_BUFFER_MAX) : hj212_frame(text, out, HJ212_BUFFER_MAX);
}

static struct talk *new_talk(const struct command *c, const struct station_device *s, int version)
{
    struct talk *t = lf_new(sizeof *t);
    t->id = c->id;
    t->station = c->station_id;
    t->version = version;
    t->stored = c->state;
    t->expires = c->expires_at;
    t->last = &t->first;
    t->d = (struct hj212_dialogue){ .command = command_rules(c->kind),
                                    .begin = c->begin_at,
                                    .end = c->end_at,
                                    .wait_ms = (int)(s->over_time * 1000),
                                    .resends = (int)s->re_count };
    return t;
}

/* NULL when it cannot be written, which ends it. */
static struct talk *prepare(struct lf_ctx *cx, lf_id id)
{
    struct command c;
    struct station_device s;
    lf_text st;
    int version;
    char out[HJ212_BUFFER_MAX];
    if (command_read(cx, id, &c, &s, &st, &version) || command_settle_password(cx, c.station_id, &s)) {
        lf_log(LF_WARN, "command %lld: %s", (long long)id.v, cx->err.msg);
        return NULL;
    }
    if (c.state != COMMAND_QUEUED && c.state != COMMAND_SENT) /* it was accepted before the program stopped: only to be waited for */
        version = (int)c.protocol;
    struct talk *t = new_talk(&c, &s, version);
    if (c.qn.n && c.qn.n < sizeof t->d.qn)
        memcpy(t->d.qn, c.qn.p, c.qn.n);
    else
        make_qn(t->d.qn);
    size_t n = s.disabled ? 0 : make_frame(&c, &s, st, version, t->d.qn, out);
    if (!n) {
        const char *why = s.disabled ? "站点已停用 | the station is switched off"
                                     : "该站点使用的协议版本没有这条命令 | the device speaks a version that has no such command";
        if (command_end(cx, id, "fail", why))
            lf_log(LF_WARN, "command %lld: %s", (long long)id.v, cx->err.msg);
        free_talk(t);
        return NULL;
    }
    t->frame = (lf_text){ memcpy(lf_new(n), out, n), (uint32_t)n };
    if (c.packets > 0)
        t->d.packets = (int)c.packets;
    t->d.qn_rtn = c.qn_rtn > 0 ? (int)c.qn_rtn : 0;
    return t;
}

/* The record says "sent" before the frame leaves: what may have left is never taken for new. */
static void begin(struct lf_ctx *cx, lf_id id)
{
    struct talk *t = prepare(cx, id);
    if (!t)
        return;
    hj212_dialogue_begin(&t->d, monotonic());
    if (!keep(cx, t)) {
        free_talk(t);
        return;
    }
    take_seat(t);
    send_frame(t);
}

static void begin_waiting(struct lf_ctx *cx)
{
    struct command_heads_row r;
    struct lf_cur cur;
    lf_id list[256];
    size_t n = 0;
    if (lf_tx_begin(cx, LF_TX_READ))
        return;
    lf_rc rc = command_heads(cx, &cur);
    while (!rc && n < LF_COUNT(list) && (rc = command_heads_next(&cur, &r)) == LF_ROW) {
        pthread_mutex_lock(&it.lock);
        const struct seat *s = seat_of(r.station_id);
        if (s->connected && !s->talk)
            list[n++] = r.id;
        pthread_mutex_unlock(&it.lock);
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    if (lf_tx_end(cx, rc < 0 ? rc : LF_OK))
        lf_log(LF_WARN, "commands: %s", cx->err.msg);
    for (size_t i = 0; i < n; i++) {
        begin(cx, list[i]);
        lf_arena_reset(&cx->arena);
    }
    pthread_mutex_lock(&it.lock);
    it.look = it.look || n == LF_COUNT(list);
    pthread_mutex_unlock(&it.lock);
}

static void expire(struct lf_ctx *cx)
{
    struct command_late_row r;
    struct lf_cur cur;
    lf_id list[200];
    size_t n = 0;
    if (lf_tx_begin(cx, LF_TX_READ))
        return;
    lf_rc rc = command_late(cx, lf_now(), &cur);
    while (!rc && n < LF_COUNT(list) && (rc = command_late_next(&cur, &r)) == LF_ROW) {
        list[n++] = r.id;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    for (size_t i = 0; !rc && i < n; i++)
        rc =
            command_end(cx, list[i], "expire", "有效期内站点未连接，命令没有发出 | the station did not connect in time; it was never sent");
    if (rc && rc != LF_ECONFLICT) /* that one was cancelled this moment */
        lf_log(LF_WARN, "commands: %s", cx->err.msg);
}

/* What was open when the program stopped. An unanswered one is asked again, with its QN and all its tries: the stop was not the device's
 * fault. */
static void resume_one(struct lf_ctx *cx, lf_id id)
{
    struct talk *t = prepare(cx, id);
    if (!t)
        return;
    lf_ms now = monotonic();
    hj212_dialogue_begin(&t->d, now);
    t->d.tries = 0;
    if (t->stored == COMMAND_SENT)
        t->offline = true;
    else
        t->d.state = HJ212_ACCEPTED,
        t->d.due.ms = now.ms + (t->d.command->work_s * 1000 > t->d.wait_ms ? t->d.command->work_s * 1000 : t->d.wait_ms);
    take_seat(t);
}

static lf_rc resume(struct lf_ctx *cx)
{
    struct command_open_row r;
    struct lf_cur cur;
    size_t n = 0, cap = 0;
    lf_id *list = NULL;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = command_open(cx, &cur);
    while (!rc && (rc = command_open_next(&cur, &r)) == LF_ROW) {
        if (n == cap)
            list = lf_renew(list, (cap = cap ? 2 * cap : 64) * sizeof *list);
        list[n++] = r.id;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    for (size_t i = 0; !rc && i < n; i++)
        resume_one(cx, list[i]);
    lf_release(list);
    return rc;
}

/* ---- what happens ------------------------------------------------------------------------------------------------------------ */

static void on_heard(struct heard *h)
{
    bool mine = false;
    pthread_mutex_lock(&it.lock);
    struct talk *t = seat_of(h->station)->talk;
    pthread_mutex_unlock(&it.lock);
    if (!t)
        return;
    hj212_dialogue_hear(&t->d, &h->p, monotonic(), &mine);
    if (!mine)
        return;
    t->counted = true;
    say(t, false, h->raw, h->at);
    bool shows = t->d.command->reply == HJ212_REPLY_ANSWER || lf_text_is(h->p.cn, "3020");
    if (shows && memcmp(h->p.cn.p, "901", 3) != 0 && lf_utf8_ok(h->p.cp))
        snprintf(t->answer, sizeof t->answer, "%.*s", (int)h->p.cp.n, h->p.cp.p);
}

static void tick(struct lf_ctx *cx, struct seat *s, bool came)
{
    struct talk *t = s->talk;
    lf_ms now = monotonic();
    if (t->offline && t->d.state == HJ212_ASKED) {
        if (came)
            t->d.due = now;
        else if (lf_now().ms > t->expires.ms)
            t->d.state = HJ212_SILENT;
        else
            t->d.due.ms = now.ms + LOOK_MS;
    }
    if (hj212_dialogue_tick(&t->d, now) == HJ212_SEND)
        send_frame(t);
    bool changed = talk_state(t) != t->stored;
    if ((changed && now.ms >= t->again.ms) || ((t->counted || t->first) && now.ms - t->saved.ms >= KEEP_MS))
        keep(cx, t);
}

static bool seat_came(struct seat *s)
{
    pthread_mutex_lock(&it.lock);
    bool came = s->came;
    s->came = false;
    pthread_mutex_unlock(&it.lock);
    return came;
}

static void work(struct lf_ctx *cx, struct heard *list, bool look, const lf_id *cancelled, int ncancelled)
{
    for (struct heard *next; list; list = next) {
        next = list->next;
        on_heard(list);
        lf_release(list);
    }
    for (size_t i = 0; i < it.nbusy; i++) {
        for (int k = 0; k < ncancelled; k++)
            it.busy[i]->talk->over = it.busy[i]->talk->over || it.busy[i]->talk->id.v == cancelled[k].v;
        if (!it.busy[i]->talk->over)
            tick(cx, it.busy[i], seat_came(it.busy[i]));
    }
    leave_seats();
    bool now = monotonic().ms - it.looked >= LOOK_MS;
    if (now)
        expire(cx);
    if (now || look) {
        it.looked = monotonic().ms;
        begin_waiting(cx);
    }
}

/* With the lock held. */
static void wait_for_something(void)
{
    struct timespec until;
    int64_t now = monotonic().ms, ms = LOOK_MS;
    for (size_t i = 0; i < it.nbusy; i++) {
        const struct talk *t = it.busy[i]->talk;
        int64_t due = t->again.ms ? t->again.ms : t->counted || t->first ? t->saved.ms + KEEP_MS : t->d.due.ms;
        ms = due - now < ms ? due - now : ms;
    }
    ms = ms < 20 ? 20 : ms;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (until.tv_nsec / 1000000 + ms) / 1000;
    until.tv_nsec = (until.tv_nsec / 1000000 + ms) % 1000 * 1000000;
    if (!it.stop && !it.first && !it.look)
        pthread_cond_timedwait(&it.wake, &it.lock, &until);
}

static void *run(void *unused)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, it.app);
    pthread_mutex_lock(&it.lock);
    while (!it.stop) {
        wait_for_something();
        struct heard *list = it.first;
        lf_id cancelled[LF_COUNT(it.cancelled)];
        int n = it.ncancelled;
        memcpy(cancelled, it.cancelled, sizeof cancelled);
        bool look = it.look;
        it.first = NULL, it.last = &it.first, it.nheard = 0, it.ncancelled = 0, it.look = false;
        pthread_mutex_unlock(&it.lock);
        work(&cx, list, look, cancelled, n);
        lf_arena_reset(&cx.arena);
        pthread_mutex_lock(&it.lock);
    }
    pthread_mutex_unlock(&it.lock);
    for (size_t i = 0; i < it.nbusy; i++) /* what came in the last second */
        if (it.busy[i]->talk->first || talk_state(it.busy[i]->talk) != it.busy[i]->talk->stored)
            keep(&cx, it.busy[i]->talk);
    lf_ctx_free(&cx);
    return NULL;
}

lf_rc command_resume(struct lf_app *app, struct lf_asked **asked, size_t *n, struct lf_err *err)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    it.app = app;
    lf_rc rc = resume(&cx);
    if (rc)
        *err = cx.err;
    *n = it.nbusy;
    *asked = lf_new(it.nbusy * sizeof **asked + 1);
    for (size_t i = 0; i < it.nbusy; i++) {
        const struct talk *t = it.busy[i]->talk;
        struct lf_asked *a = &(*asked)[i];
        a->station = t->station;
        snprintf(a->qn, sizeof a->qn, "%s", t->d.qn);
        snprintf(a->cn, sizeof a->cn, "%s", hj212_command_cn(t->d.command, t->version));
    }
    lf_ctx_free(&cx);
    return rc;
}

lf_rc command_start(const struct command_road *road, struct lf_err *err)
{
    it.road = *road;
    pthread_mutex_lock(&it.lock); /* the listener tells already */
    it.stop = false;
    it.look = true;
    pthread_mutex_unlock(&it.lock);
    if (pthread_create(&it.thread, NULL, run, NULL))
        return lf_err_set(err, LF_EIO, NULL, "cannot start the thread of commands\nHINT: see the limit of threads (ulimit -u)");
    it.running = true;
    return LF_OK;
}

static void end_thread(void)
{
    if (!it.running)
        return;
    pthread_mutex_lock(&it.lock);
    it.stop = true;
    pthread_cond_signal(&it.wake);
    pthread_mutex_unlock(&it.lock);
    pthread_join(it.thread, NULL);
    it.running = false;
}

void command_stop(void)
{
    end_thread();
    for (size_t i = 0; i < it.nbusy; i++) {
        free_talk(it.busy[i]->talk);
        it.busy[i]->talk = NULL;
    }
    lf_release(it.busy);
    it.busy = NULL;
    it.nbusy = it.cap = 0;
    for (struct heard *h = it.first, *next; h; h = next) {
        next = h->next;
        lf_release(h);
    }
    it.first = NULL, it.last = &it.first;
}
