/* submit.c - batches that come another way than over a device's socket: each submitter waits, the writer stores what all of
 * them have brought in one commit. */
#include "tele/road.h"

#include <errno.h>

static void put_in(struct lf_listener *l, struct submission *s)
{
    s->next = NULL;
    *(l->sub_tail ? &l->sub_tail->next : &l->sub_head) = s;
    l->sub_tail = s;
}

static void take_out(struct lf_listener *l, struct submission *s)
{
    struct submission *before = NULL;
    for (struct submission *i = l->sub_head; i != s; i = i->next)
        before = i;
    *(before ? &before->next : &l->sub_head) = s->next;
    if (l->sub_tail == s)
        l->sub_tail = before;
}

static void finish(struct submission *s, lf_rc rc, const struct lf_err *err)
{
    s->err = err ? *err : (struct lf_err){ .rc = rc };
    s->err.rc = rc;
    s->state = S_DONE;
    pthread_cond_signal(&s->done);
}

/* ---- the writer's side ------------------------------------------------------------------------- */

static void append(struct lf_tele_batch *all, const struct lf_tele_batch *b)
{
    size_t shift = all->nreading;
    for (size_t i = 0; i < b->npacket; i++) {
        struct lf_tele_packet *p = lf_tele_add_packet(all);
        *p = b->packet[i];
        p->first += shift;
        p->duplicate = p->failed = false;
    }
    for (size_t i = 0; i < b->nreading; i++) {
        struct lf_tele_reading *r = lf_tele_add_reading(all);
        *r = b->reading[i];
        r->fresh = false; /* a batch may be submitted again */
    }
    for (size_t i = 0; i < b->nreject; i++)
        *lf_tele_add_reject(all) = b->reject[i];
}

/* Of the readings of a packet some may have been held back: those that were stored follow one another as they were submitted. */
static void give_back_packet(const struct lf_tele_batch *all, const struct lf_tele_packet *stored, struct lf_tele_batch *b,
                             struct lf_tele_packet *p)
{
    size_t k = stored->first, end = k + stored->n;
    p->duplicate = stored->duplicate;
    for (size_t i = p->first; i < p->first + p->n; i++) {
        struct lf_tele_reading *r = &b->reading[i];
        bool same =
            k < end && all->reading[k].factor.p == r->factor.p && all->reading[k].kind == r->kind && all->reading[k].at.ms == r->at.ms;
        r->fresh = same && all->reading[k].fresh;
        k += same;
    }
}

/* What the commit found out goes back to the batches of the submitters. */
static void give_back(const struct lf_tele_batch *all, struct submission *list)
{
    size_t packet = 0;
    for (struct submission *s = list; s; s = s->next)
        for (size_t i = 0; i < s->b->npacket; i++)
            give_back_packet(all, &all->packet[packet++], s->b, &s->b->packet[i]);
}

/* The fresh readings with texts of their own: the submitter's arena may be gone before the events thread comes to it. */
static struct job *fresh_of(struct lf_listener *l, const struct lf_tele_batch *all)
{
    struct job *j = job_new(l);
    atomic_store(&j->users, 1);
    for (size_t i = 0; i < all->nreading; i++) {
        if (!all->reading[i].fresh)
            continue;
        struct lf_tele_reading *r = lf_tele_add_reading(&j->b);
        *r = all->reading[i];
        r->grid_code = lf_text_copy(&j->b.arena, r->grid_code);
        r->factor = lf_text_copy(&j->b.arena, r->factor);
        r->flag = lf_text_copy(&j->b.arena, r->flag);
    }
    for (size_t i = 0; l->c.on_held && i < all->nheld; i++) {
        if (all->packet[all->held[i].packet].duplicate)
            continue;
        struct lf_tele_held *h = lf_tele_add_held(&j->b);
        *h = all->held[i];
        h->r.grid_code = lf_text_copy(&j->b.arena, h->r.grid_code);
        h->r.factor = lf_text_copy(&j->b.arena, h->r.factor);
        h->r.flag = lf_text_copy(&j->b.arena, h->r.flag);
    }
    j->stored = true;
    return j;
}

/* One commit of everything in the list; without the lock. */
static lf_rc store_list(struct lf_listener *l, struct submission *list, struct job **fresh, struct lf_err *err)
{
    struct lf_tele_batch all = { 0 };
    for (struct submission *s = list; s; s = s->next)
        append(&all, s->b);
    *fresh = NULL;
    shield_batch(l, &all);
    lf_rc rc = commit_once(l, &all, err);
    if (rc == LF_OK) {
        give_back(&all, list);
        tally(l, &all);
        if (l->c.on_readings || all.nheld)
            *fresh = fresh_of(l, &all);
    }
    lf_tele_batch_free(&all);
    return rc;
}

static void events_of(struct lf_listener *l, struct job *fresh)
{
    if (fresh && (fresh->b.nreading || fresh->b.nheld))
        tell_events(l, fresh);
    else if (fresh)
        job_unref(l, fresh);
}

/* Stores the list, with the lock held; each ends, except when the store is away: then all wait on (until their own time is
 * over, which they watch themselves). */
static lf_rc store_and_end(struct lf_listener *l, struct submission *list)
{
    struct lf_err err = { 0 };
    struct job *fresh;
    pthread_mutex_unlock(&l->lock);
    lf_rc rc = store_list(l, list, &fresh, &err);
    if (rc != LF_OK && comes_back(rc))
        tell_store(l, &err);
    pthread_mutex_lock(&l->lock);
    bool alone = list->next == NULL, again = rc != LF_OK && (comes_back(rc) || !alone);
    for (struct submission *s = list, *next; s; s = next) {
        next = s->next;
        if (again) {
            s->state = S_WAITING;
            put_in(l, s);
            pthread_cond_signal(&s->done); /* look at the clock again */
        } else {
            count_add(l, rc == LF_OK ? N_SUBMITTED : N_SUBMIT_FAILURES, 1);
            finish(s, rc, rc == LF_OK ? NULL : &err);
        }
    }
    events_of(l, fresh);
    return rc;
}

/* Takes from the head as much as one commit should hold; alone: one only. */
static struct submission *take_some(struct lf_listener *l, bool alone)
{
    struct submission *list = l->sub_head, *last = list;
    size_t packets = list->b->npacket;
    list->state = S_TAKEN;
    while (!alone && last->next && packets + last->next->b->npacket <= (size_t)l->c.batch_max) {
        last = last->next;
        last->state = S_TAKEN;
        packets += last->b->npacket;
    }
    l->sub_head = last->next;
    if (!l->sub_head)
        l->sub_tail = NULL;
    last->next = NULL;
    return list;
}

/* A batch that will never go in must not spoil the others' chances: after such a failure the next turns take one at a time. */
void submit_store(struct lf_listener *l)
{
    struct submission *list = take_some(l, l->submit_alone > 0);
    bool several = list->next != NULL;
    l->submit_alone -= l->submit_alone > 0;
    lf_rc rc = store_and_end(l, list);
    if (rc != LF_OK && comes_back(rc)) { /* the store is away */
        struct timespec until;
        wait_until(&until, 200);
        pthread_cond_timedwait(&l->to_writer, &l->lock, &until);
    } else if (rc != LF_OK && several) {
        for (const struct submission *s = l->sub_head; s; s = s->next)
            l->submit_alone++;
    }
}

void submit_refuse_all(struct lf_listener *l)
{
    while (l->sub_head) {
        struct submission *s = take_some(l, true);
        struct lf_err err = { 0 };
        finish(s, lf_err_set(&err, LF_EBUSY, NULL, "服务正在停止 | The server is stopping"), &err);
    }
}

/* ---- the submitter's side ------------------------------------------------------------------------- */

static bool lawful(const struct lf_tele_batch *b)
{
    size_t owned = 0;
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        if (p->station.v <= 0 || p->first != owned || p->n > b->nreading - owned || !p->raw.p || p->received.ms <= 0)
            return false;
        for (size_t r = p->first; r < p->first + p->n; r++)
            if (b->reading[r].station.v != p->station.v || !b->reading[r].factor.n || b->reading[r].kind >= LF_TELE_KIND_COUNT)
                return false;
        owned += p->n;
    }
    return owned == b->nreading;
}

/* Until it is done; out of the queue when its time is over before its turn has come. */
static void await(struct lf_listener *l, struct submission *s, const struct timespec *until)
{
    while (s->state != S_DONE) {
        int rc = s->state == S_TAKEN ? pthread_cond_wait(&s->done, &l->lock) : pthread_cond_timedwait(&s->done, &l->lock, until);
        if (rc == ETIMEDOUT && s->state == S_WAITING) {
            take_out(l, s);
            count_add(l, N_SUBMIT_FAILURES, 1);
            lf_err_set(&s->err, LF_EBUSY, NULL,
                       "数据库暂时不能写入，数据未保存 | The store takes nothing at the moment; the data was not stored");
            return;
        }
    }
}

lf_rc lf_listener_submit(struct lf_listener *l, struct lf_tele_batch *b, int wait_ms, struct lf_err *err)
{
    struct submission s = { .b = b };
    struct timespec until;
    pthread_condattr_t monotonic;
    if (!b->npacket && !b->nreject && !b->nreading)
        return LF_OK;
    if (!lawful(b))
        return lf_err_set(err, LF_EINVAL, NULL,
                          "readings must belong to packets, one packet after the other, each with station and raw text");
    wait_until(&until, wait_ms);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s.done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&l->lock);
    l->nsubmitters++;
    if (l->refusing) {
        lf_err_set(&s.err, LF_EBUSY, NULL, "服务正在停止 | The server is stopping");
    } else {
        put_in(l, &s);
        pthread_cond_signal(&l->to_writer);
        await(l, &s, &until);
    }
    if (--l->nsubmitters == 0)
        pthread_cond_broadcast(&l->no_submitters);
    pthread_mutex_unlock(&l->lock);
    pthread_cond_destroy(&s.done);
    if (s.err.rc != LF_OK && err)
        *err = s.err;
    return s.err.rc;
}
