/* writer.c - one commit at a time, tried until it holds; and the thread that tells what was new. */
#include "tele/road.h"

#include <time.h>

static void queue_put(struct queue *q, struct job *j)
{
    j->next[q->link] = NULL;
    if (q->tail)
        q->tail->next[q->link] = j;
    else
        q->head = j;
    q->tail = j;
    q->n++;
}

struct job *queue_take(struct queue *q)
{
    struct job *j = q->head;
    if (!j)
        return NULL;
    q->head = j->next[q->link];
    if (!q->head)
        q->tail = NULL;
    q->n--;
    return j;
}

/* A few finished jobs are kept: their memory is warm, and the next batch is as large as the last. */
struct job *job_new(struct lf_listener *l)
{
    pthread_mutex_lock(&l->spare_lock);
    struct job *j = queue_take(&l->spare);
    pthread_mutex_unlock(&l->spare_lock);
    return j ? j : lf_new(sizeof *j);
}

void job_free(struct job *j)
{
    lf_tele_batch_free(&j->b);
    lf_release(j);
}

void job_unref(struct lf_listener *l, struct job *j)
{
    if (atomic_fetch_sub(&j->users, 1) > 1)
        return;
    lf_tele_batch_reset(&j->b);
    pthread_mutex_lock(&l->spare_lock);
    bool keep = l->spare.n < SPARE_JOBS;
    if (keep)
        queue_put(&l->spare, j);
    pthread_mutex_unlock(&l->spare_lock);
    if (!keep)
        job_free(j);
}

static int64_t monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void wait_until(struct timespec *t, int64_t ms)
{
    clock_gettime(CLOCK_MONOTONIC, t);
    t->tv_nsec += (long)(ms % 1000) * 1000000;
    t->tv_sec += ms / 1000 + t->tv_nsec / 1000000000;
    t->tv_nsec %= 1000000000;
}

/* Waits, but not when the listener is told to stop. */
static void back_off(struct lf_listener *l, int ms)
{
    struct timespec until;
    wait_until(&until, ms);
    pthread_mutex_lock(&l->lock);
    while (!atomic_load(&l->abandon))
        if (pthread_cond_timedwait(&l->to_writer, &l->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&l->lock);
}

bool comes_back(lf_rc rc) { return rc == LF_EDB || rc == LF_EBUSY || rc == LF_EIO; }

void tell_store(struct lf_listener *l, const struct lf_err *err)
{
    bool failing = err != NULL;
    if (atomic_exchange(&l->failing, failing) != failing && l->c.on_store)
        l->c.on_store(l->c.user, err);
}

void times_add(struct times *t, int64_t us)
{
    int i = 0;
    while (i < LF_TELE_BOUNDS && us > lf_tele_bounds_us[i])
        i++;
    atomic_store_explicit(&t->below[i], atomic_load_explicit(&t->below[i], memory_order_relaxed) + 1, memory_order_relaxed);
    atomic_store_explicit(&t->sum_us, atomic_load_explicit(&t->sum_us, memory_order_relaxed) + us, memory_order_relaxed);
}

lf_rc commit_once(struct lf_listener *l, struct lf_tele_batch *b, struct lf_err *err)
{
    int64_t began = monotonic_us();
    lf_rc rc = l->c.store->ops->commit(l->c.store, b, err);
    if (rc < 0) {
        count_add(l, N_COMMIT_FAILURES, 1);
        return rc;
    }
    count_add(l, N_COMMITS, 1);
    int64_t took = monotonic_us() - began;
    times_add(&l->commit_times, took);
    count_set(l, N_LAST_US, took);
    count_set(l, N_LAST_BATCH, (int64_t)b->npacket);
    tell_store(l, NULL);
    return LF_OK;
}

/* Commits, and again while the store is away. LF_OK, an error that will not go away, or the last one when told to stop. */
static lf_rc commit(struct lf_listener *l, struct lf_tele_batch *b)
{
    int wait = 50;
    for (;;) {
        struct lf_err err = { .rc = LF_OK };
        lf_rc rc = commit_once(l, b, &err);
        if (rc == LF_OK || !comes_back(rc))
            return rc;
        tell_store(l, &err);
        if (atomic_load(&l->abandon))
            return rc;
        back_off(l, wait);
        wait = wait < 2500 ? wait * 2 : 5000;
    }
}

/* A batch that the store refuses for a reason that time does not heal: one packet at a time, so that the one that is to
 * blame (a fault of ours: all were checked) does not hold up the others. */
static void commit_singly(struct lf_listener *l, struct lf_tele_batch *b)
{
    struct lf_tele_batch part = *b;
    part.npacket = 0;
    if (commit(l, &part) != LF_OK) /* the rejects */
        count_add(l, N_DROPPED, (int64_t)b->nreject);
    part.nreject = 0;
    part.npacket = 1;
    for (size_t i = 0; i < b->npacket; i++) {
        part.packet = &b->packet[i];
        if (commit(l, &part) != LF_OK) {
            b->packet[i].failed = true;
            count_add(l, N_REFUSED + LF_TELE_STORE, 1);
        }
        b->corrected += part.corrected;
        part.corrected = 0;
    }
}

void tally(struct lf_listener *l, const struct lf_tele_batch *b)
{
    int64_t packets = 0, duplicates = 0, readings = 0;
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        packets += !p->failed && !p->duplicate;
        duplicates += p->duplicate;
        for (size_t r = p->first; r < p->first + p->n; r++)
            readings += b->reading[r].fresh;
    }
    count_add(l, N_PACKETS, packets);
    count_add(l, N_DUPLICATES, duplicates);
    count_add(l, N_READINGS, readings);
    count_add(l, N_CORRECTIONS, (int64_t)b->corrected);
}

void shield_batch(struct lf_listener *l, struct lf_tele_batch *b)
{
    pthread_mutex_lock(&l->lock);
    struct lf_shield *s = lf_shield_ref(l->shield);
    pthread_mutex_unlock(&l->lock);
    lf_shield_apply(s, b);
    lf_shield_unref(s);
}

static void store_job(struct lf_listener *l, struct job *j)
{
    shield_batch(l, &j->b);
    lf_rc rc = commit(l, &j->b);
    if (rc != LF_OK && !comes_back(rc)) {
        commit_singly(l, &j->b);
        rc = atomic_load(&l->abandon) ? rc : LF_OK;
    }
    j->stored = rc == LF_OK;
    if (j->stored)
        tally(l, &j->b);
}

void tell_events(struct lf_listener *l, struct job *j)
{
    while (l->events.n >= EVENT_QUEUE)
        pthread_cond_wait(&l->from_events, &l->lock);
    queue_put(&l->events, j);
    pthread_cond_signal(&l->to_events);
}

/* To the loop at once (answers first), then to the events thread; while that is far behind, this thread waits. */
static void pass_on(struct lf_listener *l, struct job *j)
{
    bool tell = j->stored && ((l->c.on_readings && j->b.nreading > 0) || (l->c.on_held && j->b.nheld > 0));
    atomic_store(&j->users, tell ? 2 : 1);
    pthread_mutex_lock(&l->lock);
    queue_put(&l->done, j);
    uv_async_send(&l->wake);
    if (tell)
        tell_events(l, j);
    pthread_mutex_unlock(&l->lock);
}

/* What was held back, but for packets that were there already. */
static void tell_held(struct lf_listener *l, const struct lf_tele_batch *b)
{
    struct lf_tele_held *told = lf_new(b->nheld * sizeof *told + 1);
    size_t n = 0;
    for (size_t i = 0; i < b->nheld; i++)
        if (!b->npacket || (!b->packet[b->held[i].packet].duplicate && !b->packet[b->held[i].packet].failed))
            told[n++] = b->held[i];
    if (n)
        l->c.on_held(l->c.user, told, n);
    lf_release(told);
}

/* The new readings, one after another. */
static void tell_readings(struct lf_listener *l, const struct lf_tele_batch *b)
{
    struct lf_tele_reading *fresh = lf_new(b->nreading * sizeof *fresh);
    size_t n = 0;
    for (size_t i = 0; i < b->nreading; i++)
        if (b->reading[i].fresh)
            fresh[n++] = b->reading[i];
    if (n)
        l->c.on_readings(l->c.user, fresh, n);
    lf_release(fresh);
}

/* Ends when told to and everything has been told. */
void *events_main(void *listener)
{
    struct lf_listener *l = listener;
    pthread_setname_np(pthread_self(), "tele-events");
    pthread_mutex_lock(&l->lock);
    for (;;) {
        struct job *j = queue_take(&l->events);
        if (!j && l->events_stop)
            break;
        if (!j) {
            pthread_cond_wait(&l->to_events, &l->lock);
            continue;
        }
        pthread_cond_signal(&l->from_events);
        pthread_mutex_unlock(&l->lock);
        if (l->c.on_held && j->b.nheld)
            tell_held(l, &j->b);
        if (l->c.on_readings && j->b.nreading)
            tell_readings(l, &j->b);
        job_unref(l, j);
        pthread_mutex_lock(&l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

void *writer_main(void *listener)
{
    struct lf_listener *l = listener;
    pthread_setname_np(pthread_self(), "tele-writer");
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!atomic_load(&l->next) && !l->sub_head && !l->writer_stop)
            pthread_cond_wait(&l->to_writer, &l->lock);
        struct job *j = atomic_exchange(&l->next, NULL);
        if (j) {
            pthread_cond_signal(&l->to_loop);
            pthread_mutex_unlock(&l->lock);
            store_job(l, j);
            pass_on(l, j);
            pthread_mutex_lock(&l->lock);
        }
        if (l->writer_stop && !atomic_load(&l->next))
            break;
        if (l->sub_head)
            submit_store(l);
    }
    submit_refuse_all(l);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}
