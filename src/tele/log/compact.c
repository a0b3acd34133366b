/* compact.c - small segments of the same class and month become one; whole months that are too old go.
 *
 * Segments of a group lie in the order of their ranks (a later value of a time wins by rank), so only neighbours are merged. From
 * the newest on a run is taken as long as the next older one is not much larger than all before it: each byte is written again
 * only a few times (log n), and a month ends as few files. */
#include "tele/log/parts.h"

#include <stdlib.h>

enum { RUN_MIN = 4, RUN_HURRY = 24, RUN_MAX = 64, SMALL = 1 << 20, QUIET_DAYS = 3 };
enum {
    FACTOR = 2,
    FACTOR_OVER = 8
}; /* a month that is over gets little more: two files are worth merging, but not a large one each time */

struct group {
    size_t at[RUN_MAX]; /* places in the list, newest first */
    size_t n;
    bool over; /* the month ended days ago */
};

static bool same_group(const struct segment *a, const struct segment *b)
{
    return a->foot.cls == b->foot.cls && a->foot.month == b->foot.month;
}

/* Merging ids beyond 32 bits apart is not possible; they stay as they are. */
static bool ids_fit(const struct group *g, const struct seglist *l, const struct segment *one)
{
    int64_t first = one->foot.id_first, last = one->foot.id_last;
    for (size_t i = 0; i < g->n; i++) {
        const struct seg_footer *f = &l->seg[g->at[i]]->foot;
        first = f->id_first < first ? f->id_first : first;
        last = f->id_last > last ? f->id_last : last;
    }
    return one->foot.cls < CLASS_RECORDS || last - first < UINT32_MAX;
}

/* The run that ends with the newest segment of the group that list[newest] belongs to. */
static struct group run_of(const struct seglist *l, size_t newest, lf_ms now)
{
    struct group g = { .n = 0 };
    uint64_t bytes = 0;
    g.over = month_end(l->seg[newest]->foot.month).ms + QUIET_DAYS * (int64_t)LF_DAY_MS < now.ms;
    for (size_t i = newest + 1; i-- > 0;) {
        const struct segment *one = l->seg[i];
        if (!same_group(one, l->seg[newest]))
            continue;
        if (g.n == RUN_MAX || !ids_fit(&g, l, one) || (g.n && one->size > SMALL && one->size > bytes * (g.over ? FACTOR_OVER : FACTOR)))
            break;
        g.at[g.n++] = i;
        bytes += one->size;
    }
    return g;
}

static bool is_newest_of_group(const struct seglist *l, size_t i)
{
    for (size_t k = i + 1; k < l->n; k++)
        if (same_group(l->seg[k], l->seg[i]))
            return false;
    return true;
}

/* A table that waits goes first: commits must not wait for merging. The new segments come behind all that are in the list. */
static lf_rc seal_meanwhile(void *user, struct lf_err *err) { return log_seal(user, err); }

static lf_rc merge(struct log_store *s, struct segment **in, size_t n, const char *path, struct lf_err *err)
{
    const struct seg_footer *f = &in[0]->foot;
    lf_rc rc;
    if (f->cls < CLASS_RECORDS) {
        struct points_out *o = lf_new(sizeof *o);
        rc = points_create(o, s->io, path, f->cls, f->month, err);
        o->seg.stop = &s->stop, o->seg.meanwhile = seal_meanwhile, o->seg.user = s;
        if (!rc)
            rc = points_compact(in, n, o, err);
        if (rc)
            points_abandon(o);
        else
            rc = points_finish(o);
        lf_release(o);
        return rc;
    }
    int64_t base = INT64_MAX;
    for (size_t i = 0; i < n; i++)
        base = in[i]->foot.id_first < base ? in[i]->foot.id_first : base;
    struct records_out *o = lf_new(sizeof *o);
    rc = records_create(o, s->io, path, f->cls, f->month, base, RECORDS_SMALL, err);
    o->seg.stop = &s->stop, o->seg.meanwhile = seal_meanwhile, o->seg.user = s;
    if (!rc)
        rc = records_compact(in, n, o, err);
    if (rc)
        records_abandon(o);
    else
        rc = records_finish(o);
    atomic_fetch_add(&s->plain, o->plain);
    lf_release(o);
    return rc;
}

/* The list without the run, the merged one in the place of its newest. */
static struct seglist *replaced(const struct seglist *l, const struct group *g, struct segment *merged)
{
    struct seglist *out = seglist_new(l->n);
    for (size_t i = 0; i < l->n; i++) {
        bool in_run = false;
        for (size_t k = 0; k < g->n; k++)
            in_run |= g->at[k] == i;
        if (i == g->at[0])
            out->seg[out->n++] = merged;
        else if (!in_run)
            out->seg[out->n++] = seg_ref(l->seg[i]);
    }
    return out;
}

/* Exchanges the list; what is no longer in it is removed when its last reader has gone. */
static lf_rc exchange(struct log_store *s, struct seglist *list, struct segment *const *gone, size_t n, struct lf_err *err)
{
    struct manifest m = s->manifest;
    for (size_t i = 0; i < n; i++)
        seg_ref(gone[i]);
    lf_rc rc = log_exchange(s, &m, list, false, err);
    for (size_t i = 0; i < n; i++) {
        if (!rc)
            atomic_store(&gone[i]->doomed, true);
        seg_unref(gone[i]);
    }
    return rc;
}

static lf_rc compact_run(struct log_store *s, const struct group *g, struct lf_err *err)
{
    char path[PATH_ROOM];
    struct segment *in[RUN_MAX], *merged;
    uint64_t number = log_number(s);
    for (size_t i = 0; i < g->n; i++)
        in[i] = s->list->seg[g->at[i]];
    path_segment(path, s->dir, number);
    lf_rc rc = merge(s, in, g->n, path, err);
    if (rc)
        return rc;
    if (s->io->sync_dir(s->io, s->dir) != 0)
        rc = io_fail("sync", s->dir, err);
    if (!rc)
        rc = seg_open(&merged, &s->files, path, number, in[0]->rank, err);
    if (rc) {
        s->io->remove(s->io, path);
        return rc;
    }
    rc = exchange(s, replaced(s->list, g, merged), in, g->n, err);
    if (rc)
        log_discard(s, &s->manifest, &number, 1);
    else
        atomic_fetch_add(&s->compactions, 1);
    return rc;
}

lf_rc log_compact(struct log_store *s, bool hurry, bool *did, struct lf_err *err)
{
    lf_ms now = lf_now();
    *did = false;
    for (size_t i = s->list->n; i-- > 0;) {
        if (!is_newest_of_group(s->list, i))
            continue;
        struct group g = run_of(s->list, i, now);
        if (g.n >= (hurry ? RUN_HURRY : g.over ? 2 : RUN_MIN)) {
            lf_rc rc = compact_run(s, &g, err);
            *did = !rc;
            return rc;
        }
    }
    return LF_OK;
}

/* ---- retention --------------------------------------------------------------------------------------------------------------- */

static bool too_old(const struct log_store *s, const struct segment *g, lf_ms now)
{
    int keep = s->c.keep_days[g->foot.cls];
    return keep > 0 && month_end(g->foot.month).ms + keep * (int64_t)LF_DAY_MS <= now.ms;
}

lf_rc log_retain(struct log_store *s, struct lf_err *err)
{
    lf_ms now = lf_now();
    struct seglist *l = seglist_new(s->list->n);
    struct segment **gone = lf_new(s->list->n * sizeof *gone + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->list->n; i++)
        if (too_old(s, s->list->seg[i], now))
            gone[n++] = s->list->seg[i];
        else
            l->seg[l->n++] = seg_ref(s->list->seg[i]);
    lf_rc rc = LF_OK;
    if (n)
        rc = exchange(s, l, gone, n, err);
    else
        seglist_unref(l);
    if (!rc)
        atomic_fetch_add(&s->removed, (long long)n);
    lf_release(gone);
    return rc;
}
