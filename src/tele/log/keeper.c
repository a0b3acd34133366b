/* keeper.c - the thread that seals, merges and removes, and what it is asked to do at once. */
#include "tele/log/parts.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5000, QUIET_MS = 5000, HURRY_MS = 5000, JOURNALS_MAX = 16, RETAIN_EVERY = LF_HOUR_MS };

static lf_rc freeze(struct log_store *s, struct lf_err *err)
{
    pthread_mutex_lock(&s->commit_lock);
    lf_rc rc = log_freeze(s, err);
    pthread_mutex_unlock(&s->commit_lock);
    return rc;
}

static bool is_old(struct log_store *s)
{
    pthread_mutex_lock(&s->commit_lock);
    const struct memtable *t = active_table(s);
    int64_t age = table_empty(t) ? 0 : lf_now().ms - t->began;
    bool old = age >= s->c.seal_ms || age < 0 || t->njournal > JOURNALS_MAX || t->bytes >= s->c.seal_bytes;
    old &= !table_empty(t);
    pthread_mutex_unlock(&s->commit_lock);
    return old;
}

/* Tables fill up within seconds: merging can wait until there is more to merge at once, or less to do. */
static bool in_a_hurry(const struct log_store *s)
{
    int64_t now = lf_now().ms, since = now - s->sealed.ms, pace = s->sealed.ms - s->sealed_before.ms;
    return since >= 0 && since < HURRY_MS && pace >= 0 && pace < HURRY_MS;
}

static lf_rc tidy(struct log_store *s, bool now, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (bool did = true; did && !rc && !atomic_load(&s->stop) && !atomic_load(&s->frozen);)
        rc = log_compact(s, !now && in_a_hurry(s), &did, err);
    int64_t since = lf_now().ms - s->retained.ms;
    if (!rc && (since >= RETAIN_EVERY || since < 0)) {
        rc = log_retain(s, err);
        s->retained = lf_now();
    }
    int64_t quiet = lf_now().ms - s->sealed.ms;
    if (quiet >= QUIET_MS || quiet < 0)
        log_let_go(s);
    return rc;
}

static lf_rc round_of_work(struct log_store *s, bool now, struct lf_err *err)
{
    pthread_mutex_lock(&s->keeper_lock);
    lf_rc rc = log_seal(s, err);
    if (!rc && (now || is_old(s)))
        rc = freeze(s, err);
    if (!rc)
        rc = log_seal(s, err);
    if (now)
        s->retained.ms = 0;
    if (!rc)
        rc = tidy(s, now, err);
    pthread_mutex_unlock(&s->keeper_lock);
    return rc;
}

lf_rc lf_tele_log_work(struct lf_tele_store *s, struct lf_err *err) { return round_of_work(log_of(s), true, err); }

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static void wait_for_work(struct log_store *s)
{
    struct timespec until;
    int64_t ms = s->c.seal_ms / 4 < LOOK_MS ? s->c.seal_ms / 4 + 1 : LOOK_MS;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->wake_lock);
    while (!s->woken && pthread_cond_timedwait(&s->wake, &s->wake_lock, &until) == 0)
        ;
    s->woken = false;
    pthread_mutex_unlock(&s->wake_lock);
}

static void tell(struct log_store *s, lf_rc rc, const struct lf_err *err)
{
    if (atomic_load(&s->stop))
        return;
    if (atomic_exchange(&s->failing, rc != LF_OK) != (rc != LF_OK) && s->c.trouble)
        s->c.trouble(s->c.user, rc ? err : NULL);
}

/* Packing what is durable already can wait for what is not: the thread gives way to those that stations wait for. When it falls so far
 * behind that memory is full, commits wait for it, and then it has the processor to itself. */
enum { NICE = 5 };

static void *keep(void *user)
{
    struct log_store *s = user;
    pthread_setname_np(pthread_self(), "tele-keeper");
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux of this thread alone; when it is refused, nothing is lost */
    while (!atomic_load(&s->stop)) {
        struct lf_err err = { 0 };
        wait_for_work(s);
        if (!atomic_load(&s->stop))
            tell(s, round_of_work(s, false, &err), &err);
    }
    return NULL;
}

void keeper_wake(struct log_store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    s->woken = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->wake_lock);
}

lf_rc keeper_start(struct log_store *s, struct lf_err *err)
{
    if (s->c.by_hand)
        return LF_OK;
    s->has_keeper = pthread_create(&s->keeper, NULL, keep, s) == 0;
    return s->has_keeper
               ? LF_OK
               : lf_err_set(err, LF_EIO, NULL, "cannot start the telemetry store's thread\nHINT: raise the limit of processes (ulimit -u)");
}

void keeper_stop(struct log_store *s)
{
    atomic_store(&s->stop, true);
    if (!s->has_keeper)
        return;
    keeper_wake(s);
    pthread_join(s->keeper, NULL);
    s->has_keeper = false;
}
