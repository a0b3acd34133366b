/* worker.c - the engine of one upstream: read the store, keep a window on its way, move the position, wait when nothing goes. */
#include "relay/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 64, LOOK_MS = 200, BACK_OFF_MIN_MS = 500, BACK_OFF_MAX_MS = 60 * 1000 };

int64_t relay_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

/* ---- what others see ------------------------------------------------------------------------------ */

static void set_state(struct worker *w, enum lf_relay_state s)
{
    pthread_mutex_lock(&w->lock);
    w->report.state = s;
    pthread_mutex_unlock(&w->lock);
}

static void count_failure(struct worker *w, const struct lf_err *err)
{
    pthread_mutex_lock(&w->lock);
    w->report.failures++;
    snprintf(w->report.error, sizeof w->report.error, "%s", err->msg);
    pthread_mutex_unlock(&w->lock);
}

static void note_lag(struct worker *w)
{
    lf_ms oldest = { 0 };
    if (w->nheld)
        oldest = w->held[w->head].received;
    else if (w->page_at < w->npage)
        oldest = w->page[w->page_at].received;
    int64_t lag = oldest.ms ? lf_now().ms - oldest.ms : 0;
    pthread_mutex_lock(&w->lock);
    w->report.lag_ms = lag > 0 ? lag : 0;
    pthread_mutex_unlock(&w->lock);
}

void worker_foreign(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->report.foreign++;
    pthread_mutex_unlock(&w->lock);
}

/* ---- where to begin ---------------------------------------------------------------------------------- */

static lf_rc page_after(struct worker *w, int64_t after, int limit, struct lf_err *err)
{
    lf_arena_reset(&w->page_arena);
    w->npage = w->page_at = 0;
    return w->store->ops->packets_after(w->store, &w->page_arena, (lf_id){ after }, limit, &w->page, &w->npage, err);
}

/* The first packet received at or after `since`, found by halving: ids grow with time. */
static lf_rc position_since(struct worker *w, int64_t newest, int64_t *out, struct lf_err *err)
{
    int64_t lo = 0, hi = newest; /* everything up to lo is too old; the answer is at most hi */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        lf_rc rc = page_after(w, mid, 1, err);
        if (rc)
            return rc;
        if (!w->npage || w->page[0].received.ms >= w->t.since.ms)
            hi = mid;
        else
            lo = w->page[0].id.v;
    }
    *out = lo;
    return LF_OK;
}

static lf_rc begin(struct worker *w, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    struct lf_tele_stored_packet *p = NULL;
    size_t n = 0;
    int64_t position = w->t.position;
    lf_rc rc = LF_OK;
    if (position == LF_RELAY_UNSET) {
        rc = w->store->ops->packets(w->store, &a, (lf_id){ 0 }, (lf_id){ 0 }, 1, &p, &n, err);
        position = n ? p[0].id.v : 0;
        if (!rc && w->t.since.ms != LF_NULL64)
            rc = position_since(w, position, &position, err);
    }
    lf_arena_free(&a);
    if (rc)
        return rc;
    w->npage = w->page_at = 0;
    w->read_to = position;
    w->last_qn = w->t.qn;
    pthread_mutex_lock(&w->lock);
    w->report.position = position;
    w->report.qn = w->last_qn;
    pthread_mutex_unlock(&w->lock);
    return LF_OK;
}

/* ---- the window ------------------------------------------------------------------------------------------ */

static struct held *held_at(struct worker *w, unsigned i) { return &w->held[(w->head + i) % RELAY_HELD]; }

static void let_go(struct held *h)
{
    lf_arena_free(&h->arena);
    *h = (struct held){ 0 };
}

/* A station that the other side does not take is not allowed to fill the window: after the first of its packets was given up the next
 * ones are parked unsent, until one that is tried again is acknowledged. */
static int sick_at(const struct worker *w, lf_id station)
{
    for (int i = 0; i < w->nsick; i++)
        if (w->sick[i].station == station.v)
            return i;
    return -1;
}

static void note_sick(struct worker *w, lf_id station, bool sick)
{
    int i = sick_at(w, station);
    if (sick && i < 0 && w->nsick < RELAY_SICK)
        w->sick[w->nsick++].station = station.v;
    if (!sick && i >= 0)
        w->sick[i] = w->sick[--w->nsick];
}

static void prepare(struct worker *w, struct held *h, const struct lf_tele_stored_packet *p, int64_t qn)
{
    const char *why = NULL;
    *h = (struct held){ .packet = p->id.v, .station = p->station, .received = p->received, .qn = qn };
    if (relay_render(&w->t, p, qn, &h->arena, &h->msgs, &why) == RELAY_CANNOT) {
        struct lf_err err;
        lf_err_set(&err, LF_EINVAL, NULL, "%s (%lld)", why, (long long)p->id.v);
        count_failure(w, &err);
        h->given_up = h->for_ever = true;
        h->msgs.n = 0;
    }
    h->unanswered = h->msgs.n;
    h->flight = lf_alloc(&h->arena, (h->msgs.n + 1) * sizeof *h->flight);
}

static int64_t last_qn_of(const struct held *h) { return h->qn + (h->msgs.n > 1 ? (int64_t)h->msgs.n - 1 : 0); }

/* Takes packets from the store until the ring is full. What is not forwarded takes a place too, so that the position follows. */
static lf_rc fill(struct worker *w, struct lf_err *err)
{
    while (w->nheld < RELAY_HELD) {
        if (w->page_at == w->npage) {
            if (!w->backlog && relay_clock() < w->look_again_ms)
                return LF_OK;
            lf_rc rc = page_after(w, w->read_to, PAGE, err);
            if (rc)
                return rc;
            w->backlog = w->npage == PAGE;
            w->look_again_ms = relay_clock() + LOOK_MS;
            if (!w->npage)
                return LF_OK;
        }
        const struct lf_tele_stored_packet *p = &w->page[w->page_at++];
        int64_t qn = p->received.ms > w->last_qn ? p->received.ms : w->last_qn + 1;
        struct held *h = held_at(w, w->nheld++);
        prepare(w, h, p, qn);
        h->given_up = h->given_up || (h->msgs.n && sick_at(w, h->station) >= 0);
        w->last_qn = last_qn_of(h);
        w->read_to = p->id.v;
    }
    return LF_OK;
}

/* Gives up the oldest places that are done: acknowledged, not to be forwarded, or parked. */
static void advance(struct worker *w)
{
    while (w->nheld) {
        struct held *h = held_at(w, 0);
        if (h->unanswered && !h->given_up)
            break;
        pthread_mutex_lock(&w->lock);
        struct lf_relay_report *r = &w->report;
        bool room = !h->given_up || r->nparked < LF_RELAY_PARKED_MAX;
        if (room && h->given_up)
            r->parked[r->nparked++] =
                (struct lf_relay_parked){ .packet = h->packet, .qn = h->qn, .station = h->station, .for_ever = h->for_ever };
        if (room)
            r->position = h->packet, r->qn = last_qn_of(h), r->position_at = h->received;
        pthread_mutex_unlock(&w->lock);
        if (!room)
            break; /* the owner has to keep the parked ones first */
        let_go(h);
        w->head = (w->head + 1) % RELAY_HELD;
        w->nheld--;
    }
}

static int window(const struct worker *w)
{
    return w->t.window > 0 && w->t.window < RELAY_WINDOW_MAX ? w->t.window : w->t.window ? RELAY_WINDOW_MAX : 8;
}
static int timeout(const struct worker *w) { return w->t.timeout_ms > 0 ? w->t.timeout_ms : 10000; }
/* A broker is on the same connection and in order: what it does not answer once, it will not answer a second time. */
static int tries(const struct worker *w) { return w->t.kind == LF_RELAY_MQTT ? 1 : 1 + (w->t.retries > 0 ? w->t.retries : 3); }

static lf_rc send_one(struct worker *w, struct held *h, size_t i, struct lf_err *err)
{
    struct flight *f = &h->flight[i];
    lf_rc rc = w->link->send(w, &h->msgs.p[i], f, err);
    if (rc)
        return rc;
    f->sent_ms = relay_clock();
    f->first = f->first ? f->first : ++w->sendings;
    f->tries++;
    pthread_mutex_lock(&w->lock);
    w->report.sent++;
    pthread_mutex_unlock(&w->lock);
    return LF_OK;
}

static lf_rc send_held(struct worker *w, struct held *h, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (size_t i = 0; !rc && i < h->msgs.n && !h->given_up && w->in_flight < window(w); i++)
        if (!h->flight[i].acknowledged && !h->flight[i].sent_ms && !(rc = send_one(w, h, i, err)))
            w->in_flight++;
    return rc;
}

static void give_up(struct worker *w, struct held *h)
{
    for (size_t i = 0; i < h->msgs.n; i++)
        if (h->flight[i].sent_ms && !h->flight[i].acknowledged)
            w->in_flight--;
    h->given_up = true;
    note_sick(w, h->station, true);
}

/* A packet of another station that the ring does not hold yet, with the number that it will have. */
static bool look_ahead(struct worker *w, lf_id not_of)
{
    enum { PAGES = 64 };
    struct lf_arena a = { 0 };
    struct lf_err err;
    int64_t after = w->read_to, qn = w->last_qn;
    bool found = false;
    for (int page = 0; page < PAGES && !found; page++) {
        struct lf_tele_stored_packet *p = NULL;
        size_t n = 0;
        lf_arena_reset(&a);
        if (w->store->ops->packets_after(w->store, &a, (lf_id){ after }, PAGE, &p, &n, &err) || !n)
            break;
        for (size_t i = 0; i < n && !found; i++) {
            let_go(&w->probe);
            prepare(w, &w->probe, &p[i], p[i].received.ms > qn ? p[i].received.ms : qn + 1);
            found = w->probe.msgs.n && p[i].station.v != not_of.v && sick_at(w, p[i].station) < 0;
            qn = last_qn_of(&w->probe);
            after = p[i].id.v;
        }
    }
    lf_arena_free(&a);
    if (!found)
        let_go(&w->probe);
    return found;
}

/* Is it this station that is not taken, or does nothing pass? One packet of another station is sent beside the window: the next in the
 * ring, or the next in the store (which will come again in its turn, with the same number). False when there is none. */
static bool find_out(struct worker *w, const struct held *stuck, lf_rc *rc, struct lf_err *err)
{
    struct held *h = NULL;
    for (unsigned i = 0; i < w->nheld && !h; i++) {
        struct held *x = held_at(w, i);
        if (x->station.v != stuck->station.v && x->unanswered && !x->given_up && !x->flight[0].sent_ms && !x->flight[0].acknowledged)
            h = x;
    }
    w->probed = true;
    if (!h && look_ahead(w, stuck->station))
        h = &w->probe;
    if (!h)
        return false;
    if (!(*rc = send_one(w, h, 0, err)))
        w->in_flight++;
    return true;
}

/* All tries are used up: the packet is given up when a later one passed, else the connection. */
static lf_rc unanswered(struct worker *w, struct held *h, struct flight *f, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    bool passed = w->answered_to > f->first || h->retry;
    if (!passed && !w->probed && w->t.kind == LF_RELAY_HJ212 && find_out(w, h, &rc, err))
        w->probe_until = relay_clock() + timeout(w);
    if (rc || (!passed && relay_clock() < w->probe_until))
        return rc;
    rc = lf_err_set(err, LF_EIO, NULL, "对方未应答报文 %lld（已发送 %d 次） | no answer to packet %lld (sent %d times)",
                    (long long)h->packet, f->tries, (long long)h->packet, f->tries);
    if (!passed)
        return rc;
    count_failure(w, err);
    give_up(w, h);
    return LF_OK;
}

/* What has waited too long is sent again. */
static lf_rc check_held(struct worker *w, struct held *h, struct lf_err *err)
{
    int64_t now = relay_clock();
    lf_rc rc = LF_OK;
    for (size_t i = 0; !rc && i < h->msgs.n && !h->given_up; i++) {
        struct flight *f = &h->flight[i];
        if (!f->acknowledged && f->sent_ms && now - f->sent_ms >= timeout(w))
            rc = f->tries < tries(w) ? send_one(w, h, i, err) : unanswered(w, h, f, err);
    }
    return rc;
}

static bool answer_in(struct worker *w, struct held *h, int64_t qn, int mid)
{
    for (size_t i = 0; i < h->msgs.n; i++) {
        struct flight *f = &h->flight[i];
        if (!f->sent_ms || (qn ? h->msgs.p[i].qn != qn : f->mid != mid || f->acknowledged))
            continue;
        if (f->acknowledged || h->given_up)
            return true; /* the answer to a second sending */
        f->acknowledged = true;
        if (f->first > w->answered_to)
            w->answered_to = f->first;
        note_sick(w, h->station, false);
        h->unanswered--;
        w->in_flight--;
        pthread_mutex_lock(&w->lock);
        w->report.acknowledged++;
        w->report.acknowledged_at = lf_now();
        pthread_mutex_unlock(&w->lock);
        return true;
    }
    return false;
}

void worker_answer(struct worker *w, int64_t qn, int mid)
{
    bool known = false;
    for (unsigned i = 0; !known && i < w->nheld; i++)
        known = answer_in(w, held_at(w, i), qn, mid);
    for (int i = 0; !known && i < w->nretry; i++)
        known = answer_in(w, &w->retry[i], qn, mid);
    if (!known && w->probe.packet && (known = answer_in(w, &w->probe, qn, mid)))
        let_go(&w->probe);
    w->probed = w->probed && !known;
    if (!known) {
        worker_foreign(w);
        return;
    }
    w->failures_in_row = 0;
}

/* ---- parked packets, once more ---------------------------------------------------------------------------- */

static void take_asked(struct worker *w)
{
    struct lf_relay_parked asked[LF_RELAY_RETRY_MAX];
    struct lf_err err;
    pthread_mutex_lock(&w->lock);
    int n = w->nasked;
    memcpy(asked, w->asked, sizeof asked);
    w->nasked = 0;
    w->trying = n > 0;
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < n; i++) {
        struct lf_arena a = { 0 };
        struct held *h = &w->retry[w->nretry++];
        struct lf_tele_stored_packet p = { 0 };
        lf_rc rc = w->store->ops->packet(w->store, &a, (lf_id){ asked[i].packet }, &p, &err);
        if (rc) /* past its retention: nothing is left to be sent */
            p = (struct lf_tele_stored_packet){ .id = { asked[i].packet }, .cn = LF_TEXT("") };
        prepare(w, h, &p, asked[i].qn);
        h->retry = true;
        h->given_up = h->given_up || (rc && rc != LF_ENOTFOUND);
        lf_arena_free(&a);
    }
}

static void settle_retries(struct worker *w)
{
    for (int i = 0; i < w->nretry; i++)
        if (w->retry[i].unanswered && !w->retry[i].given_up)
            return;
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->nretry; i++) {
        w->report.tried[w->report.ntried].packet = w->retry[i].packet;
        w->report.tried[w->report.ntried++].acknowledged = !w->retry[i].given_up;
    }
    w->trying = false;
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->nretry; i++)
        let_go(&w->retry[i]);
    w->nretry = 0;
}

/* ---- the thread ----------------------------------------------------------------------------------------------- */

static lf_rc step(struct worker *w, struct lf_err *err)
{
    lf_rc rc = fill(w, err);
    if (!rc && !w->nretry)
        take_asked(w);
    for (int i = 0; !rc && i < w->nretry; i++)
        rc = send_held(w, &w->retry[i], err);
    for (unsigned i = 0; !rc && i < w->nheld; i++)
        rc = send_held(w, held_at(w, i), err);
    if (!rc)
        rc = w->link->wait(w, w->in_flight || w->nheld == RELAY_HELD ? 50 : LOOK_MS, err);
    for (int i = 0; !rc && i < w->nretry; i++)
        rc = check_held(w, &w->retry[i], err);
    for (unsigned i = 0; !rc && i < w->nheld; i++)
        rc = check_held(w, held_at(w, i), err);
    advance(w);
    if (w->nretry)
        settle_retries(w);
    note_lag(w);
    return rc;
}

/* Everything that is not acknowledged will be sent again, in order. */
static void forget_sent(struct held *h)
{
    for (size_t i = 0; i < h->msgs.n; i++)
        h->flight[i].sent_ms = h->flight[i].first = 0, h->flight[i].tries = 0;
}

static void cut(struct worker *w)
{
    w->link->close(w);
    for (unsigned i = 0; i < w->nheld; i++)
        forget_sent(held_at(w, i));
    for (int i = 0; i < w->nretry; i++)
        forget_sent(&w->retry[i]);
    w->in_flight = 0;
    w->answered_to = 0;
    w->probed = false;
    w->probe_until = 0;
    let_go(&w->probe);
}

/* Doubles from half a second to a minute; a random part of it, so that many who lost the same platform do not come back at once. */
static void back_off(struct worker *w)
{
    int shift = w->failures_in_row < 8 ? w->failures_in_row : 8;
    int64_t most = (int64_t)BACK_OFF_MIN_MS << shift;
    most = most > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : most;
    unsigned seed = (unsigned)relay_clock() ^ (unsigned)w->t.id.v * 2654435761u;
    int64_t until = relay_clock() + most / 2 + rand_r(&seed) % (most / 2 + 1);
    w->failures_in_row++;
    set_state(w, LF_RELAY_WAITING);
    while (!atomic_load(&w->stop) && relay_clock() < until) {
        note_lag(w);
        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
    }
}

static void talk(struct worker *w)
{
    struct lf_err err = { 0 };
    set_state(w, LF_RELAY_CONNECTING);
    lf_rc rc = w->link->open(w, &err);
    bool live = !rc;
    while (!rc && !atomic_load(&w->stop)) {
        set_state(w, w->backlog ? LF_RELAY_CATCHING_UP : LF_RELAY_LIVE);
        rc = step(w, &err);
        if (!rc && live && w->answered_to) { /* it works: the last trouble is over */
            live = false;
            pthread_mutex_lock(&w->lock);
            w->report.error[0] = 0;
            pthread_mutex_unlock(&w->lock);
        }
    }
    cut(w);
    if (rc && !atomic_load(&w->stop)) {
        count_failure(w, &err);
        back_off(w);
    }
}

static void *work(void *user)
{
    struct worker *w = user;
    struct lf_err err = { 0 };
    while (!atomic_load(&w->stop) && begin(w, &err)) {
        count_failure(w, &err);
        back_off(w);
    }
    while (!atomic_load(&w->stop)) {
        if (fill(w, &err)) { /* the store; the lag grows while it is away */
            count_failure(w, &err);
            back_off(w);
            continue;
        }
        talk(w);
    }
    for (unsigned i = 0; i < w->nheld; i++)
        let_go(held_at(w, i));
    for (int i = 0; i < w->nretry; i++)
        let_go(&w->retry[i]);
    let_go(&w->probe);
    atomic_store(&w->ended, true);
    return NULL;
}

/* ---- copies -------------------------------------------------------------------------------------------------- */

static void copy_target(struct worker *w, const struct lf_relay_target *t)
{
    struct lf_arena *a = &w->own;
    w->t = *t;
    lf_text *const texts[] = { &w->t.host, &w->t.login, &w->t.password, &w->t.topic, &w->t.ca };
    for (size_t i = 0; i < LF_COUNT(texts); i++)
        *texts[i] = lf_text_copy(a, *texts[i]);
    struct lf_relay_route *r = lf_alloc(a, (t->nroute + 1) * sizeof *r);
    for (size_t i = 0; i < t->nroute; i++) {
        const struct lf_relay_route *f = &t->route[i];
        r[i] = (struct lf_relay_route){ f->station,
                                        lf_text_copy(a, f->mn),
                                        lf_text_copy(a, f->pw),
                                        lf_text_copy(a, f->as_mn),
                                        lf_text_copy(a, f->as_pw),
                                        lf_text_copy(a, f->grid_code),
                                        lf_text_copy(a, f->st) };
    }
    w->t.route = r;
    w->t.directory = t->directory ? lf_directory_ref(t->directory) : NULL;
}

static atomic_llong runs;

struct worker *worker_start(const struct lf_relay_target *t, uint64_t digest, struct lf_tele_store *store)
{
    struct worker *w = lf_new(sizeof *w);
    sigset_t all, before;
    w->digest = digest;
    w->store = store;
    w->link = t->kind == LF_RELAY_MQTT ? &relay_mqtt : &relay_tcp;
    w->report.position = LF_RELAY_UNSET;
    w->report.run = atomic_fetch_add(&runs, 1) + 1;
    copy_target(w, t);
    pthread_mutex_init(&w->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        return w;
    lf_directory_unref(w->t.directory);
    lf_arena_free(&w->own);
    pthread_mutex_destroy(&w->lock);
    lf_release(w);
    return NULL;
}

void worker_free(struct worker *w)
{
    pthread_join(w->thread, NULL);
    lf_arena_free(&w->page_arena);
    lf_arena_free(&w->own);
    lf_directory_unref(w->t.directory);
    pthread_mutex_destroy(&w->lock);
    lf_release(w);
}
