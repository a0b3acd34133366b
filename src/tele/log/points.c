#include "tele/log/points.h"

bool point_same(const struct point *a, const struct point *b)
{
    for (int c = 0; c < COLUMNS; c++)
        if (!(a->col[c] == b->col[c] || (isnan(a->col[c]) && isnan(b->col[c]))))
            return false;
    return a->flag == b->flag;
}

/* ---- one segment --------------------------------------------------------------------------------------- */

struct series_key {
    const struct segment *s;
    int64_t station;
    lf_text factor;
};

static int text_order(lf_text a, lf_text b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

static lf_text factor_of(const struct segment *s, const struct series_entry *e)
{
    return e->factor < s->nfactor && s->factor[e->factor].p ? s->factor[e->factor] : LF_TEXT("");
}

static bool series_below(const void *entry, const void *key)
{
    const struct series_entry *e = entry;
    const struct series_key *k = key;
    return e->station != k->station ? e->station < k->station : text_order(factor_of(k->s, e), k->factor) < 0;
}

lf_rc points_find_series(const struct segment *s, int64_t station, lf_text factor, struct series_entry *e, bool *found, struct page *pg,
                         struct lf_err *err)
{
    struct series_key key = { s, station, factor };
    uint64_t i;
    lf_rc rc = seg_lower(s, TABLE_SERIES, series_below, &key, &i, pg, err);
    *found = false;
    if (rc || i == s->foot.table[TABLE_SERIES].n)
        return rc;
    if ((rc = seg_get(s, TABLE_SERIES, i, e, pg, err)))
        return rc;
    *found = e->station == station && lf_text_eq(factor_of(s, e), factor);
    return LF_OK;
}

lf_rc points_read_list(const struct segment *s, const struct series_entry *e, struct buf *list, struct lf_err *err)
{
    lf_rc rc = seg_read_blob(s, e->list, list, err);
    return !rc && list->n != (size_t)e->nblock * sizeof(struct block_entry) ? io_damaged(s->path, "a list of blocks", err) : rc;
}

lf_rc points_read_block(const struct segment *s, const struct block_entry *b, struct buf *scratch, struct points *p, struct lf_err *err)
{
    lf_rc rc = seg_read_blob(s, (struct blob){ b->at, b->n }, scratch, err);
    if (!rc && (!points_get(scratch->p, scratch->n, p) || p->n != b->points))
        rc = io_damaged(s->path, "a block of points", err);
    return rc;
}

static uint32_t lower(const struct points *p, int64_t at)
{
    uint32_t lo = 0, hi = p->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (p->at[mid] < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Into the caller's, member by member: returned as a value it would be copied in other widths than it was written. */
static inline void point_of(const struct points *p, uint32_t i, struct point *out)
{
    out->at = p->at[i];
    for (int c = 0; c < COLUMNS; c++)
        out->col[c] = p->col[c][i];
    out->flag = p->flag[i];
}

bool points_at(const struct points *p, int64_t at, struct point *out)
{
    uint32_t i = lower(p, at);
    if (i == p->n || p->at[i] != at)
        return false;
    point_of(p, i, out);
    return true;
}

/* ---- sources and merging ----------------------------------------------------------------------------------- */

lf_rc source_open(struct source *s, const struct segment *seg, const struct series_entry *e, int64_t from, int64_t to, struct lf_err *err)
{
    struct buf list = { 0 };
    lf_rc rc = points_read_list(seg, e, &list, err);
    *s = (struct source){ .rank = seg->rank, .seg = seg };
    if (rc) {
        buf_free(&list);
        return rc;
    }
    s->list = (struct block_entry *)(void *)list.p;
    s->nlist = e->nblock;
    while (s->nlist && s->list[s->nlist - 1].first >= to)
        s->nlist--;
    while (s->next < s->nlist && s->list[s->next].last < from)
        s->next++;
    return LF_OK;
}

void source_close(struct source *s)
{
    lf_release(s->list);
    lf_release(s->block);
    s->list = NULL, s->block = NULL;
}

/* Makes sure that there is a current point at or after `from`; *more = false at the end. */
static lf_rc settle(struct source *s, int64_t from, bool *more, struct buf *scratch, struct lf_err *err)
{
    *more = true;
    if (s->mem) {
        for (; s->nmem && s->mem->at < from; s->mem++, s->nmem--)
            ;
        *more = s->nmem > 0;
        return LF_OK;
    }
    while (!s->block || s->pos == s->block->n) {
        if (s->next == s->nlist) {
            lf_release(s->block);
            s->block = NULL;
            *more = false;
            return LF_OK;
        }
        if (!s->block)
            s->block = lf_renew(NULL, sizeof *s->block); /* not zeroed: reading fills it */
        lf_rc rc = points_read_block(s->seg, &s->list[s->next++], scratch, s->block, err);
        if (rc)
            return rc;
        s->pos = s->block->at[0] < from ? lower(s->block, from) : 0;
    }
    return LF_OK;
}

static int64_t head_at(const struct source *s) { return s->mem ? s->mem->at : s->block->at[s->pos]; }

static void step(struct source *s)
{
    if (s->mem)
        s->mem++, s->nmem--;
    else
        s->pos++;
}

/* The source to take the next point from, and the time from which another one has a word too. */
static struct source *choose(struct source **live, size_t n, int64_t *until)
{
    struct source *best = live[0];
    *until = INT64_MAX;
    for (size_t i = 1; i < n; i++) {
        int64_t a = head_at(live[i]), b = head_at(best);
        bool better = a < b || (a == b && live[i]->rank > best->rank);
        int64_t other = better ? b : a;
        *until = other < *until ? other : *until;
        best = better ? live[i] : best;
    }
    return best;
}

/* Drops sources that have come to their end. */
static lf_rc settle_all(struct source **live, size_t *n, int64_t from, struct buf *scratch, struct lf_err *err)
{
    bool more;
    for (size_t i = 0; i < *n;) {
        lf_rc rc = settle(live[i], from, &more, scratch, err);
        if (rc)
            return rc;
        if (more)
            i++;
        else
            live[i] = live[--*n];
    }
    return LF_OK;
}

/* Who takes what is merged: one by one, or (when `some` is there) all at once what lies in one block. False: stop. */
struct taker {
    bool (*each)(void *user, const struct point *);
    bool (*some)(void *user, const struct points *p, uint32_t from, uint32_t to);
    void *user;
};

/* What the source holds (of a block: that block) before `end`, where no other source has a word. False: stop. */
static bool give(struct source *b, int64_t end, const struct taker *t)
{
    struct point p;
    for (; b->mem && b->nmem && b->mem->at < end; b->mem++, b->nmem--)
        if (!t->each(t->user, b->mem))
            return false;
    if (!b->mem && t->some) {
        uint32_t from = b->pos;
        b->pos = b->block->at[b->block->n - 1] < end ? b->block->n : lower(b->block, end);
        return t->some(t->user, b->block, from, b->pos);
    }
    for (; !b->mem && b->pos < b->block->n && b->block->at[b->pos] < end; b->pos++) {
        point_of(b->block, b->pos, &p);
        if (!t->each(t->user, &p))
            return false;
    }
    return true;
}

/* One point that others have too: theirs are older values of the same time. */
static bool give_newest(struct source **live, size_t n, struct source *b, const struct taker *t)
{
    struct point p;
    if (b->mem)
        p = *b->mem;
    else
        point_of(b->block, b->pos, &p);
    for (size_t i = 0; i < n; i++)
        if (head_at(live[i]) == p.at)
            step(live[i]);
    return t->each(t->user, &p);
}

static lf_rc merge(struct source *s, size_t n, int64_t from, int64_t to, const struct taker *t, struct lf_err *err)
{
    struct buf scratch = { 0 };
    struct source **live = lf_new(n * sizeof *live);
    bool more = true;
    for (size_t i = 0; i < n; i++)
        live[i] = &s[i];
    lf_rc rc = settle_all(live, &n, from, &scratch, err);
    while (!rc && more && n) {
        int64_t until;
        struct source *b = choose(live, n, &until);
        if (head_at(b) >= to)
            break;
        more = head_at(b) < until ? give(b, until < to ? until : to, t) : give_newest(live, n, b, t);
        if (more)
            rc = settle_all(live, &n, from, &scratch, err);
    }
    lf_release(live);
    buf_free(&scratch);
    return rc;
}

lf_rc points_merge(struct source *s, size_t n, int64_t from, int64_t to, bool (*each)(void *, const struct point *), void *user,
                   struct lf_err *err)
{
    return merge(s, n, from, to, &(struct taker){ .each = each, .user = user }, err);
}

/* ---- many segments into one ---------------------------------------------------------------------------------- */

struct walk { /* through the series of one segment */
    const struct segment *s;
    uint64_t i;
    struct series_entry e;
    struct page pg;
    bool end;
};

static lf_rc walk_on(struct walk *w, struct lf_err *err)
{
    w->end = w->i == w->s->foot.table[TABLE_SERIES].n;
    return w->end ? LF_OK : seg_get(w->s, TABLE_SERIES, w->i++, &w->e, &w->pg, err);
}

static int walk_order(const struct walk *a, const struct walk *b)
{
    if (a->e.station != b->e.station)
        return a->e.station < b->e.station ? -1 : 1;
    return text_order(factor_of(a->s, &a->e), factor_of(b->s, &b->e));
}

static bool copy_point(void *user, const struct point *p)
{
    struct points_out *o = user;
    points_add(o, p);
    return o->seg.rc == LF_OK;
}

static bool copy_points(void *user, const struct points *p, uint32_t from, uint32_t to)
{
    struct points_out *o = user;
    points_add_some(o, p, from, to);
    return o->seg.rc == LF_OK;
}

/* The lowest series of all walks, merged; those walks go on. */
static lf_rc compact_series(struct walk *w, size_t n, struct source *src, struct points_out *out, struct lf_err *err)
{
    struct walk *low = NULL;
    size_t k = 0;
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < n; i++)
        if (!w[i].end && (!low || walk_order(&w[i], low) < 0))
            low = &w[i];
    struct series_entry key = low->e;
    struct walk like = { .s = low->s, .e = key };
    points_series(out, key.station, factor_of(low->s, &key));
    for (size_t i = 0; i < n && !rc; i++)
        if (!w[i].end && walk_order(&w[i], &like) == 0) {
            rc = source_open(&src[k], w[i].s, &w[i].e, INT64_MIN, INT64_MAX, err);
            k++;
            if (!rc)
                rc = walk_on(&w[i], err);
        }
    if (!rc)
        rc = merge(src, k, INT64_MIN, INT64_MAX, &(struct taker){ copy_point, copy_points, out }, err);
    for (size_t i = 0; i < k; i++)
        source_close(&src[i]);
    return rc ? rc : out->seg.rc;
}

lf_rc points_compact(struct segment *const *in, size_t n, struct points_out *out, struct lf_err *err)
{
    struct walk *w = lf_new(n * sizeof *w);
    struct source *src = lf_new(n * sizeof *src);
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        w[i].s = in[i];
        rc = walk_on(&w[i], err);
    }
    for (bool more = true; !rc && more;) {
        more = false;
        for (size_t i = 0; i < n; i++)
            more |= !w[i].end;
        if (more)
            rc = compact_series(w, n, src, out, err);
    }
    lf_release(w);
    lf_release(src);
    return rc;
}
