/* look.c - what a commit asks of the past: is this packet there, and what was the value of that time? In memory, and in the segments,
 * of which it remembers what it read last. */
#include "tele/log/parts.h"

enum { READ_TRIES = 20 };

/* What was read last of a segment: late readings are looked at series by series, so that the next one mostly finds it here. */
enum { REMEMBERED = 16 };
struct remembered {
    uint64_t number; /* of the segment; 0: nothing */
    const struct series *series;
    bool has; /* the segment has the series */
    struct buf list;
    uint32_t nlist;
    int64_t first, last; /* of the block; first > last: none */
    struct points *block;
    struct page page;
};
struct look { /* what reading segments needs */
    struct page page;
    struct chunk chunk;
    struct remembered seg[REMEMBERED];
    unsigned next; /* to be forgotten */
    struct buf scratch;
};

struct look *look_new(struct lf_arena *a) { return lf_alloc(a, sizeof(struct look)); }

/* A damaged place of an old segment must not stop what comes in now: it counts as not there. A read that fails is tried again
 * by the next commit, but not for ever. */
static lf_rc pass_over(struct log_store *s, struct segment *seg, lf_rc rc, const struct lf_err *err)
{
    if (!rc)
        atomic_store(&seg->failures, 0);
    if (!rc || io_is_lack(err) || (!io_is_damage(err) && atomic_fetch_add(&seg->failures, 1) < READ_TRIES))
        return rc;
    atomic_fetch_add(&s->damaged, 1);
    return LF_OK;
}

static struct seglist *list_now(struct log_store *s)
{
    pthread_rwlock_rdlock(&s->lock);
    struct seglist *l = seglist_ref(s->list);
    pthread_rwlock_unlock(&s->lock);
    return l;
}

static bool may_hold(const struct segment *seg, const struct lf_tele_packet *p)
{
    if (seg->foot.cls != CLASS_PACKET)
        return false;
    return p->at.ms ? seg->foot.first <= p->at.ms && p->at.ms <= seg->foot.last : seg->foot.timeless > 0;
}

lf_rc look_packet(struct log_store *s, struct look *k, const struct lf_tele_packet *p, uint64_t print, bool *known, struct lf_err *err)
{
    struct seglist *l = list_now(s);
    int64_t id = 0;
    lf_rc rc = LF_OK;
    for (size_t i = l->n; i-- > 0 && !rc && !id;)
        if (may_hold(l->seg[i], p))
            rc = pass_over(s, l->seg[i], records_same_packet(l->seg[i], print, p->station.v, p, &k->chunk, &id, &k->page, err), err);
    *known = id != 0;
    seglist_unref(l);
    return rc;
}

static struct remembered *remembered(struct look *k, const struct segment *seg)
{
    struct remembered *m = NULL;
    for (int i = 0; i < REMEMBERED && !m; i++)
        if (k->seg[i].number == seg->number)
            m = &k->seg[i];
    if (!m) {
        m = &k->seg[k->next++ % REMEMBERED];
        m->number = seg->number;
        m->series = NULL;
        m->page.of = NULL;
    }
    return m;
}

static lf_rc find_series(struct remembered *m, struct segment *seg, const struct series *sr, struct lf_err *err)
{
    struct series_entry e = { .nblock = 0 };
    m->series = NULL;
    m->first = 1, m->last = 0;
    lf_rc rc = points_find_series(seg, sr->station->id, sr->factor, &e, &m->has, &m->page, err);
    if (!rc && m->has)
        rc = points_read_list(seg, &e, &m->list, err);
    m->nlist = e.nblock;
    if (!rc)
        m->series = sr;
    return rc;
}

/* The block within whose times `at` lies, when there is one. */
static lf_rc find_block(struct look *k, struct remembered *m, struct segment *seg, int64_t at, bool *found, struct lf_err *err)
{
    struct block_entry b;
    *found = m->first <= at && at <= m->last;
    if (*found)
        return LF_OK;
    for (uint32_t i = 0; i < m->nlist && !*found; i++) {
        memcpy(&b, m->list.p + i * sizeof b, sizeof b);
        *found = b.first <= at && at <= b.last;
    }
    if (!*found)
        return LF_OK;
    if (!m->block)
        m->block = lf_new(sizeof *m->block);
    m->first = 1, m->last = 0;
    lf_rc rc = points_read_block(seg, &b, &k->scratch, m->block, err);
    if (!rc)
        m->first = b.first, m->last = b.last;
    return rc;
}

static lf_rc look_into(struct look *k, struct segment *seg, const struct series *sr, int64_t at, struct point *out, bool *found,
                       struct lf_err *err)
{
    struct remembered *m = remembered(k, seg);
    lf_rc rc = m->series == sr ? LF_OK : find_series(m, seg, sr, err);
    *found = false;
    if (!rc && m->has)
        rc = find_block(k, m, seg, at, found, err);
    *found = !rc && *found && points_at(m->block, at, out);
    return rc;
}

void look_free(struct look *k)
{
    for (int i = 0; k && i < REMEMBERED; i++) {
        buf_free(&k->seg[i].list);
        lf_release(k->seg[i].block);
    }
    if (k) {
        chunk_free(&k->chunk);
        buf_free(&k->scratch);
    }
}

/* The newest value of that time, in memory or sealed. The list is taken in the same moment as memory is looked at, or a table
 * that is exchanged for its segments just then would be missed. */
lf_rc look_point(struct log_store *s, struct look *k, const struct series *sr, int64_t at, struct point *out, bool *found,
                 struct lf_err *err)
{
    lf_rc rc = LF_OK;
    pthread_rwlock_rdlock(&s->lock);
    *found = mem_find_point(&s->mem, sr, at, out);
    struct seglist *l = *found ? NULL : seglist_ref(s->list);
    pthread_rwlock_unlock(&s->lock);
    for (size_t i = l ? l->n : 0; i-- > 0 && !rc && !*found;) {
        const struct seg_footer *f = &l->seg[i]->foot;
        if (f->cls == (uint32_t)sr->kind && f->first <= at && at <= f->last)
            rc = pass_over(s, l->seg[i], look_into(k, l->seg[i], sr, at, out, found, err), err);
    }
    seglist_unref(l);
    return rc;
}
