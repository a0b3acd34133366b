/* listener.c - starting, the network loop, stopping. */
#include "tele/road.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

/* ---- the batch that is being filled -------------------------------------------------------- */

/* What was offered and not taken yet goes on being filled, unless it is full: so a batch is all that came during a commit. */
struct job *road_filling(struct lf_listener *l)
{
    if (!l->filling && !l->next_full && atomic_load_explicit(&l->next, memory_order_relaxed)) {
        pthread_mutex_lock(&l->lock);
        l->filling = atomic_exchange(&l->next, NULL);
        pthread_mutex_unlock(&l->lock);
        l->in_flight -= l->filling != NULL;
    }
    if (!l->filling)
        l->filling = job_new(l);
    return l->filling;
}

static bool has_work(const struct job *j) { return j && (j->b.npacket || j->b.nreject); }

static bool is_full(const struct lf_listener *l, const struct job *j)
{
    return j->b.npacket >= (size_t)l->c.batch_max || j->b.arena.total >= BATCH_BYTES || j->b.nreject >= (size_t)l->c.batch_max;
}

/* No packet can be taken now. */
static bool no_room(const struct lf_listener *l)
{
    if (l->stop_at)
        return true;
    return l->filling ? is_full(l, l->filling) : l->next_full && atomic_load_explicit(&l->next, memory_order_relaxed);
}

/* Offers the writer the batch that is filled; not when another, which is full, is still on offer. */
static bool hand_over(struct lf_listener *l)
{
    pthread_mutex_lock(&l->lock);
    bool free = !atomic_load(&l->next);
    if (free) {
        atomic_store(&l->next, l->filling);
        pthread_cond_signal(&l->to_writer);
    }
    pthread_mutex_unlock(&l->lock);
    if (!free)
        return false;
    uv_timer_stop(&l->wait);
    l->next_full = is_full(l, l->filling);
    l->filling = NULL;
    l->in_flight++;
    return true;
}

/* A full batch waits for the writer. While the store keeps up that is brief, and costs less than to stop reading from a thousand
 * connections and to begin again. */
static void wait_for_writer(struct lf_listener *l)
{
    struct timespec until;
    int rc = 0;
    if (uv_hrtime() < l->no_wait)
        return;
    wait_until(&until, ROOM_MS);
    pthread_mutex_lock(&l->lock);
    while (atomic_load(&l->next) && rc == 0 && !atomic_load(&l->stopping))
        rc = pthread_cond_timedwait(&l->to_loop, &l->lock, &until);
    pthread_mutex_unlock(&l->lock);
    if (rc != 0)
        l->no_wait = uv_hrtime() + ROOM_AGAIN_MS * (uint64_t)1000000;
}

bool road_has_room(struct lf_listener *l)
{
    for (int turn = 0; turn < 2 && no_room(l) && !l->stop_at; turn++) {
        if (turn > 0)
            wait_for_writer(l);
        if (l->filling && !has_work(l->filling)) /* only memory of frames that came to nothing */
            lf_arena_reset(&l->filling->b.arena);
        else if (l->filling)
            (void)!hand_over(l);
    }
    return !no_room(l);
}

void road_offer(struct lf_listener *l)
{
    if (!l->in_flight && l->filling && l->filling->b.npacket >= OFFER_PACKETS && l->c.batch_wait_ms <= 0)
        (void)!hand_over(l); /* there is nothing on offer */
}

static void on_wait_over(uv_timer_t *t)
{
    struct lf_listener *l = t->data;
    if (has_work(l->filling))
        (void)!hand_over(l); /* else on_wake sees to it */
}

/* In the order in which they stalled, each once: who stalls again goes behind. */
static void resume_stalled(struct lf_listener *l)
{
    if (l->stop_at || ring_empty(&l->stalled))
        return;
    ring_put_last(&l->stalled, &l->round_end);
    while (l->stalled.next != &l->round_end && !no_room(l)) {
        struct conn *c = CONN_OF(l->stalled.next, stall);
        ring_out(&c->stall);
        count_add(l, N_STALLED, -1);
        conn_resume(c);
    }
    ring_out(&l->round_end);
}

void road_judge_now(struct lf_listener *l)
{
    if (l->judging == atomic_load_explicit(&l->directory, memory_order_relaxed))
        return;
    pthread_mutex_lock(&l->lock);
    if (l->judging != l->directory) {
        lf_directory_unref(l->judging);
        l->judging = lf_directory_ref(l->directory);
    }
    pthread_mutex_unlock(&l->lock);
}

/* Offers the writer its next batch, so that it never waits for the loop between two. Called after each round of reading. */
static void feed_writer(struct lf_listener *l)
{
    count_set(l, N_FILLING, l->filling ? (int64_t)l->filling->b.npacket : 0);
    count_set(l, N_FILLING_BYTES, l->filling ? (int64_t)l->filling->b.arena.total : 0);
    while (l->filling) {
        bool full = no_room(l);
        if (!has_work(l->filling)) { /* only memory of frames that came to nothing */
            if (!full || l->stop_at)
                return;
            lf_arena_reset(&l->filling->b.arena);
            resume_stalled(l);
        } else if (!full && l->c.batch_wait_ms > 0) {
            if (!uv_is_active((uv_handle_t *)&l->wait))
                uv_timer_start(&l->wait, on_wait_over, (uint64_t)l->c.batch_wait_ms, 0);
            return;
        } else if (hand_over(l)) {
            resume_stalled(l);
        } else { /* on_wake comes back to it */
            return;
        }
    }
}

/* ---- stopping ----------------------------------------------------------------------------------- */

static void close_all(struct lf_listener *l)
{
    l->closed = true;
    for (int i = 0; i < l->c.max_connections; i++)
        if (l->slot[i])
            conn_close(l->slot[i]);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->sweep, NULL);
    uv_close((uv_handle_t *)&l->wait, NULL);
}

static void begin_stop(struct lf_listener *l)
{
    uv_update_time(&l->loop);
    l->stop_at = uv_now(&l->loop) + (uv_now(&l->loop) == 0);
    door_close(l);
    for (int i = 0; i < l->c.max_connections; i++)
        if (l->slot[i])
            conn_stop_reading(l->slot[i]);
}

/* Closes when all that was taken is stored and answered, or when waiting has no sense any more. */
static void stop_step(struct lf_listener *l)
{
    if (l->closed)
        return;
    uint64_t gone = uv_now(&l->loop) - l->stop_at;
    bool late = gone > STOP_MS, failing = atomic_load(&l->failing);
    if (late || failing) {
        atomic_store(&l->abandon, true);
        pthread_mutex_lock(&l->lock);
        pthread_cond_broadcast(&l->to_writer);
        pthread_mutex_unlock(&l->lock);
    }
    if (has_work(l->filling) && !failing && !late)
        (void)!hand_over(l); /* else when the one before it has come back */
    if (!l->in_flight && (failing || late || !has_work(l->filling)) && (ring_empty(&l->writing) || gone > 1000))
        close_all(l);
}

/* ---- callbacks of the loop -------------------------------------------------------------------- */

static bool kept(const struct job *j, const struct lf_tele_ack *a)
{
    return j->stored && a->answer.n && (a->packet < 0 || !j->b.packet[a->packet].failed);
}

/* With thousands of connections each one is far away in memory: it is sent for some answers early. */
enum { AHEAD = 8 };
static void fetch(const struct lf_listener *l, uint64_t handle)
{
    const struct conn *c = l->slot[(uint32_t)handle];
    if (!c)
        return;
    __builtin_prefetch(&c->handle, 1);
    __builtin_prefetch(&c->answer_first, 1);
}

/* Puts the answers of each connection into a row, in the order of its packets; returns the connections, in theirs. */
static struct conn *sort_answers(struct lf_listener *l, struct job *j)
{
    struct conn *first = NULL, **last = &first;
    for (uint32_t i = 0; i < j->b.nack; i++) {
        struct lf_tele_ack *a = &j->b.ack[i];
        if (i + AHEAD < j->b.nack)
            fetch(l, a[AHEAD].conn);
        struct conn *c = conn_find(l, a->conn);
        if (!c)
            continue;
        c->outstanding--;
        a->next = 0;
        if (c->answer_first)
            j->b.ack[c->answer_last - 1].next = i + 1;
        else {
            c->answer_first = i + 1;
            c->next_answered = NULL;
            *last = c;
            last = &c->next_answered;
        }
        c->answer_last = i + 1;
    }
    return first;
}

/* All answers of one connection together: one call of the kernel. */
static void answer_one(struct conn *c, const struct job *j)
{
    char out[CONN_OUT];
    size_t n = 0;
    int64_t answers = 0;
    uint64_t now = uv_hrtime();
    uint32_t i = c->answer_first;
    c->answer_first = c->answer_last = 0;
    for (const struct lf_tele_ack *a; i; i = a->next) {
        a = &j->b.ack[i - 1];
        if (!kept(j, a))
            continue;
        if (n + a->answer.n > sizeof out) {
            conn_send(c, out, n);
            n = 0;
        }
        memcpy(out + n, a->answer.p, a->answer.n);
        n += a->answer.n;
        answers++;
        times_add(&c->l->ack_times, (int64_t)(now - a->since) / 1000);
    }
    count_own(c->l, N_ACKNOWLEDGED, answers); /* first: who has its answer finds itself counted */
    conn_send(c, out, n);
    conn_answered(c);
}

static void answer(struct lf_listener *l, struct job *j)
{
    for (struct conn *c = sort_answers(l, j), *next; c; c = next) {
        next = c->next_answered;
        answer_one(c, j);
    }
    job_unref(l, j);
}

static void on_wake(uv_async_t *h)
{
    struct lf_listener *l = h->data;
    for (;;) {
        pthread_mutex_lock(&l->lock);
        struct job *j = queue_take(&l->done);
        pthread_mutex_unlock(&l->lock);
        if (!j)
            break;
        l->in_flight--;
        answer(l, j);
    }
    if (atomic_load(&l->stopping) && !l->stop_at)
        begin_stop(l);
    if (l->stop_at) {
        stop_step(l);
        return;
    }
    link_deliver(l);
    feed_writer(l);
    resume_stalled(l);
}

static void on_check(uv_check_t *h)
{
    struct lf_listener *l = h->data;
    if (!l->stop_at)
        feed_writer(l);
}

static void on_sweep(uv_timer_t *t)
{
    struct lf_listener *l = t->data;
    conn_sweep(l);
    if (l->stop_at)
        stop_step(l);
    else
        door_open(l);
}

static void *loop_main(void *listener)
{
    struct lf_listener *l = listener;
    pthread_setname_np(pthread_self(), "tele-loop");
    uv_run(&l->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------------ */

static int or_else(int v, int otherwise) { return v > 0 ? v : otherwise; }

static void defaults(struct lf_listener_config *c)
{
    c->max_connections = or_else(c->max_connections, 32000);
    c->max_per_peer = or_else(c->max_per_peer, (c->max_connections + 1) / 2);
    c->idle_s = or_else(c->idle_s, 3900);
    c->first_s = or_else(c->first_s, 120);
    c->batch_max = or_else(c->batch_max, 16384);
    c->ahead_s = c->ahead_s > 0 ? c->ahead_s : 600;
    c->age_s = c->age_s > 0 ? c->age_s : 366 * 86400;
    c->evidence_per_hour = or_else(c->evidence_per_hour, 60);
    c->evidence_all_per_hour = or_else(c->evidence_all_per_hour, 3000);
}

/* Every connection is an open file. Raises the limit as far as it goes; past that, fewer connections are taken, and the
 * operator is told, rather than failing one day at the worst moment. */
static void raise_files(struct lf_listener *l)
{
    struct rlimit lim;
    rlim_t want = (rlim_t)l->c.max_connections + FILES_OF_OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
        return;
    struct rlimit more = { want, lim.rlim_max > want ? lim.rlim_max : want }; /* past the hard limit: root may */
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return;
    more.rlim_cur = more.rlim_max = lim.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        lim = more;
    int most = (int)lim.rlim_cur - FILES_OF_OTHERS, floor = (int)lim.rlim_cur / 2;
    int asked = l->c.max_connections;
    most = most > floor ? most : floor;
    if (most >= asked)
        return;
    l->c.max_connections = most;
    l->c.max_per_peer = l->c.max_per_peer < most ? l->c.max_per_peer : most;
    snprintf(l->notice, sizeof l->notice,
             "the limit of open files is %llu, so %d connections of stations are taken instead of %d\nHINT: raise it to %llu (ulimit -Hn, "
             "LimitNOFILE= in the unit of systemd)",
             (unsigned long long)lim.rlim_cur, most, asked, (unsigned long long)want);
}

const char *lf_listener_notice(const struct lf_listener *l) { return l->notice[0] ? l->notice : NULL; }

static void open_loop(struct lf_listener *l)
{
    uv_loop_init(&l->loop);
    uv_async_init(&l->loop, &l->wake, on_wake);
    uv_check_init(&l->loop, &l->check);
    uv_timer_init(&l->loop, &l->sweep);
    uv_timer_init(&l->loop, &l->wait);
    l->wake.data = l->check.data = l->sweep.data = l->wait.data = l;
    uv_check_start(&l->check, on_check);
    uv_timer_start(&l->sweep, on_sweep, 1000, 1000);
}

static struct lf_listener *make(const struct lf_listener_config *config)
{
    struct lf_listener *l = lf_new(sizeof *l);
    l->c = *config;
    defaults(&l->c);
    raise_files(l);
    l->host = lf_dup(config->host ? config->host : "127.0.0.1");
    l->shield = config->shield;
    l->directory = config->directory ? config->directory : lf_directory_make(NULL, 0);
    l->judging = lf_directory_ref(l->directory);
    l->shapes = lf_shapes_new();
    l->events.link = 1;
    l->buf = lf_new(HJ212_BUFFER_MAX + READ_BYTES);
    ring_init(&l->idle[0]);
    ring_init(&l->idle[1]);
    ring_init(&l->stalled);
    ring_init(&l->writing);
    ring_init(&l->round_end);
    size_t n = (size_t)l->c.max_connections;
    l->slot = lf_new(n * sizeof *l->slot);
    l->generation = lf_new(n * sizeof *l->generation);
    l->free_slot = lf_new(n * sizeof *l->free_slot);
    while (l->nfree < n) {
        l->free_slot[l->nfree] = (uint32_t)n - 1 - l->nfree;
        l->generation[l->nfree] = 1; /* so that no handle is 0 */
        l->nfree++;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->spare_lock, NULL);
    pthread_condattr_t monotonic; /* no wait depends on the wall clock, which may be set back */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->to_writer, &monotonic);
    pthread_cond_init(&l->to_loop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&l->to_events, NULL);
    pthread_cond_init(&l->from_events, NULL);
    pthread_cond_init(&l->no_submitters, NULL);
    open_loop(l);
    return l;
}

static void destroy(struct lf_listener *l)
{
    uv_loop_close(&l->loop);
    if (l->filling)
        job_free(l->filling);
    for (struct job *j; (j = queue_take(&l->done)) || (j = queue_take(&l->spare));)
        job_free(j);
    pthread_mutex_destroy(&l->spare_lock);
    lf_shapes_free(l->shapes);
    lf_directory_unref(l->judging);
    lf_directory_unref(l->directory);
    lf_shield_unref(l->shield);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->to_writer);
    pthread_cond_destroy(&l->to_loop);
    pthread_cond_destroy(&l->to_events);
    pthread_cond_destroy(&l->from_events);
    pthread_cond_destroy(&l->no_submitters);
    link_free_all(l);
    lf_release(l->buf);
    lf_release(l->slot);
    lf_release(l->generation);
    lf_release(l->free_slot);
    lf_release(l->host);
    lf_release(l);
}

/* Signals are for the main thread; and a write to a closed socket must not end the program. */
static bool start_threads(struct lf_listener *l)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&l->writer_thread, NULL, writer_main, l) == 0 &&
              pthread_create(&l->events_thread, NULL, events_main, l) == 0 && pthread_create(&l->loop_thread, NULL, loop_main, l) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

lf_rc lf_listener_start(struct lf_listener **out, const struct lf_listener_config *config, struct lf_err *err)
{
    struct lf_listener *l = make(config);
    *out = NULL;
    int rc = door_make(l);
    if (rc != 0) {
        lf_err_set(err, LF_EIO, "telemetry_listen",
                   "cannot listen on %s port %u: %s\nHINT: is another program using the port, or is the address not of this machine?",
                   l->host, (unsigned)l->c.port, uv_strerror(rc));
        close_all(l);
        uv_run(&l->loop, UV_RUN_DEFAULT);
        destroy(l);
        return LF_EIO;
    }
    link_recall(l, config->asked, config->nasked);
    if (!start_threads(l)) /* nothing sensible is left to do without threads; the process is at its limit */
        return lf_err_set(err, LF_EIO, NULL, "cannot start the telemetry threads\nHINT: raise the limit of processes (ulimit -u)");
    *out = l;
    return LF_OK;
}

uint16_t lf_listener_port(const struct lf_listener *l) { return l->port; }

void lf_listener_set_directory(struct lf_listener *l, struct lf_directory *d)
{
    pthread_mutex_lock(&l->lock);
    struct lf_directory *old = l->directory;
    l->directory = d;
    pthread_mutex_unlock(&l->lock);
    lf_directory_unref(old);
    uv_async_send(&l->wake);
}

void lf_listener_set_shield(struct lf_listener *l, struct lf_shield *d)
{
    pthread_mutex_lock(&l->lock);
    struct lf_shield *old = l->shield;
    l->shield = d;
    pthread_mutex_unlock(&l->lock);
    lf_shield_unref(old);
}

static void read_times(struct lf_tele_times *to, struct times *from)
{
    for (int i = 0; i <= LF_TELE_BOUNDS; i++)
        to->below[i] = atomic_load_explicit(&from->below[i], memory_order_relaxed);
    to->sum_us = atomic_load_explicit(&from->sum_us, memory_order_relaxed);
}

struct lf_listener_stats lf_listener_stats(struct lf_listener *l)
{
    int64_t n[N_COUNT];
    for (int i = 0; i < N_COUNT; i++)
        n[i] = atomic_load_explicit(&l->count[i], memory_order_relaxed);
    struct lf_listener_stats s = {
        .connections = n[N_CONNECTIONS],
        .accepted = n[N_ACCEPTED],
        .turned_away = n[N_TURNED_AWAY],
        .closed_idle = n[N_IDLE],
        .closed_slow = n[N_SLOW],
        .bytes = n[N_BYTES],
        .frames = n[N_FRAMES],
        .quarantined = n[N_QUARANTINED],
        .evidence_dropped = n[N_DROPPED],
        .tolerated = n[N_TOLERATED],
        .sealed = n[N_SEALED],
        .replies = n[N_REPLIES],
        .heartbeats = n[N_HEARTBEATS],
        .packets = n[N_PACKETS],
        .readings = n[N_READINGS],
        .corrections = n[N_CORRECTIONS],
        .duplicates = n[N_DUPLICATES],
        .acknowledged = n[N_ACKNOWLEDGED],
        .unknown_stats = n[N_UNKNOWN_STATS],
        .bad_values = n[N_BAD_VALUES],
        .commits = n[N_COMMITS],
        .commit_failures = n[N_COMMIT_FAILURES],
        .last_commit_us = n[N_LAST_US],
        .last_batch = n[N_LAST_BATCH],
        .filling_packets = n[N_FILLING],
        .filling_bytes = n[N_FILLING_BYTES],
        .stalled = n[N_STALLED],
        .sent = n[N_SENT],
        .send_lost = n[N_SEND_LOST],
        .submitted = n[N_SUBMITTED],
        .submit_failures = n[N_SUBMIT_FAILURES],
        .failing = atomic_load(&l->failing),
    };
    memcpy(s.refused, n + N_REFUSED, sizeof s.refused);
    memcpy(s.tolerated_by, n + N_TOLERATED_BY, sizeof s.tolerated_by);
    read_times(&s.commit, &l->commit_times);
    read_times(&s.ack, &l->ack_times);
    pthread_mutex_lock(&l->lock);
    s.events_waiting = l->events.n;
    s.submit_waiting = l->nsubmitters;
    pthread_mutex_unlock(&l->lock);
    return s;
}

static void end_thread(struct lf_listener *l, pthread_t t, bool *flag, pthread_cond_t *wake)
{
    pthread_mutex_lock(&l->lock);
    *flag = true;
    pthread_cond_broadcast(wake);
    pthread_mutex_unlock(&l->lock);
    pthread_join(t, NULL);
}

void lf_listener_stop(struct lf_listener *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->refusing = true;
    pthread_mutex_unlock(&l->lock);
    atomic_store(&l->stopping, true);
    uv_async_send(&l->wake);
    pthread_join(l->loop_thread, NULL);
    end_thread(l, l->writer_thread, &l->writer_stop, &l->to_writer);
    pthread_mutex_lock(&l->lock);
    while (l->nsubmitters)
        pthread_cond_wait(&l->no_submitters, &l->lock);
    pthread_mutex_unlock(&l->lock);
    end_thread(l, l->events_thread, &l->events_stop, &l->to_events);
    destroy(l);
}
