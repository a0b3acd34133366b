/* read.c - readings: what is in memory is copied under the lock, segments are read after it is let go. */
#include "tele/log/parts.h"

#include <stdio.h>
#include <stdlib.h>

/* By factor, then by the name of the kind, as the SQL store has it. */
static int by_factor(const void *a, const void *b)
{
    const struct lf_tele_reading *x = &((const struct lf_tele_latest *)a)->r, *y = &((const struct lf_tele_latest *)b)->r;
    uint32_t n = x->factor.n < y->factor.n ? x->factor.n : y->factor.n;
    int c = memcmp(x->factor.p, y->factor.p, n);
    if (c || x->factor.n != y->factor.n)
        return c ? c : x->factor.n < y->factor.n ? -1 : 1;
    return strcmp(lf_tele_kind_name(x->kind), lf_tele_kind_name(y->kind));
}

lf_rc log_latest(struct lf_tele_store *store, struct lf_arena *a, lf_id station, struct lf_tele_latest **out, size_t *n, struct lf_err *err)
{
    struct log_store *s = log_of(store);
    size_t room = 0;
    *n = 0;
    *out = NULL;
    pthread_rwlock_rdlock(&s->lock);
    struct station *st = mem_find_station(&s->mem, station.v);
    for (struct series *e = st ? st->series : NULL; e; e = e->of_station)
        room += e->known;
    if (room)
        *out = lf_alloc(a, room * sizeof **out);
    for (struct series *e = room ? st->series : NULL; e; e = e->of_station) {
        if (!e->known)
            continue;
        struct lf_tele_latest *l = &(*out)[(*n)++];
        *l = (struct lf_tele_latest){ .r = { .station = station, .kind = e->kind }, .received = e->received };
        point_to_reading(&e->latest, &l->r);
        l->r.flag = lf_text_copy(a, l->r.flag);
        l->r.factor = lf_text_copy(a, e->factor);
    }
    pthread_rwlock_unlock(&s->lock);
    if (*n)
        qsort(*out, *n, sizeof **out, by_factor);
    return LF_OK;
}

/* ---- one series -------------------------------------------------------------------------------------------------- */

struct snapshot {
    struct seglist *list;
    struct point *mem[2];
    size_t n[2];
};

/* Table 0 of it is the older one. */
static struct snapshot take(struct log_store *s, const struct lf_tele_series *q)
{
    struct snapshot v = { .n = { 0 } };
    pthread_rwlock_rdlock(&s->lock);
    struct series *e = mem_find_series(&s->mem, q->station.v, q->kind, q->factor);
    for (int i = 0; e && i < 2; i++)
        v.mem[i] = mem_points(e, i ? s->mem.active : 1 - s->mem.active, q->from.ms, q->to.ms, &v.n[i]);
    v.list = seglist_ref(s->list);
    pthread_rwlock_unlock(&s->lock);
    return v;
}

static void let_go(struct snapshot *v, struct source *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        source_close(&src[i]);
    lf_release(src);
    lf_release(v->mem[0]);
    lf_release(v->mem[1]);
    seglist_unref(v->list);
}

static lf_rc open_sources(const struct snapshot *v, const struct lf_tele_series *q, struct source *src, size_t *n, struct lf_err *err)
{
    struct page page = { .of = NULL };
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < v->list->n && !rc; i++) {
        const struct segment *g = v->list->seg[i];
        struct series_entry e;
        bool found;
        if (g->foot.cls != (uint32_t)q->kind || g->foot.last < q->from.ms || g->foot.first >= q->to.ms)
            continue;
        rc = points_find_series(g, q->station.v, q->factor, &e, &found, &page, err);
        if (!rc && found)
            rc = source_open(&src[(*n)++], g, &e, q->from.ms, q->to.ms, err);
    }
    for (int i = 0; i < 2 && !rc; i++)
        if (v->n[i])
            src[(*n)++] = (struct source){ .rank = UINT64_MAX - 1 + (uint64_t)i, .mem = v->mem[i], .nmem = v->n[i] };
    return rc;
}

static lf_rc each_point(struct log_store *s, const struct lf_tele_series *q, bool (*each)(void *, const struct point *), void *user,
                        struct lf_err *err)
{
    struct snapshot v = take(s, q);
    struct source *src = lf_new((v.list->n + 2) * sizeof *src);
    size_t n = 0;
    lf_rc rc = open_sources(&v, q, src, &n, err);
    if (!rc)
        rc = points_merge(src, n, q->from.ms, q->to.ms, each, user, err);
    let_go(&v, src, n);
    return rc;
}

struct scanning {
    struct lf_tele_reading r;
    bool (*each)(void *, const struct lf_tele_reading *);
    void *user;
};

static bool scan_point(void *user, const struct point *p)
{
    struct scanning *sc = user;
    point_to_reading(p, &sc->r);
    return sc->each(sc->user, &sc->r);
}

lf_rc log_scan(struct lf_tele_store *s, const struct lf_tele_series *q, bool (*each)(void *, const struct lf_tele_reading *), void *user,
               struct lf_err *err)
{
    struct scanning sc = { { .station = q->station, .factor = q->factor, .kind = q->kind }, each, user };
    return each_point(log_of(s), q, scan_point, &sc, err);
}

struct flags { /* those that occur, each once; they live in the arena */
    struct flags *next;
    uint64_t v;
};
struct thinning {
    struct lf_arena *a;
    struct lf_tele_thin *thin;
    struct flags *flags;
};

static lf_text share_flag(struct thinning *t, uint64_t v)
{
    struct flags *f = t->flags;
    while (f && f->v != v)
        f = f->next;
    if (!f) {
        f = lf_alloc(t->a, sizeof *f);
        *f = (struct flags){ t->flags, v };
        t->flags = f;
    }
    return flag_text(&f->v);
}

static bool thin_point(void *user, const struct point *p)
{
    struct thinning *t = user;
    lf_tele_thin_add(t->thin,
                     &(struct lf_tele_point){ { p->at }, p->col[COL_VALUE], p->col[COL_MIN], p->col[COL_MAX], share_flag(t, p->flag) });
    return true;
}

lf_rc log_series(struct lf_tele_store *s, struct lf_arena *a, const struct lf_tele_series *q, struct lf_tele_point **out, size_t *n,
                 struct lf_err *err)
{
    struct thinning t = { .a = a, .thin = lf_tele_thin_new(a, q->from, q->to, q->max_points ? q->max_points : 2000) };
    lf_rc rc = each_point(log_of(s), q, thin_point, &t, err);
    *n = lf_tele_thin_end(t.thin, out);
    return rc;
}

/* ---- parts of split messages --------------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct lf_tele_gap *x = a, *y = b;
    return x->at.ms != y->at.ms ? (x->at.ms > y->at.ms ? -1 : 1) : 0;
}

lf_rc log_gaps(struct lf_tele_store *store, struct lf_arena *a, lf_id station, int limit, struct lf_tele_gap **out, size_t *n,
               struct lf_err *err)
{
    struct log_store *s = log_of(store);
    size_t found = 0;
    pthread_rwlock_rdlock(&s->lock);
    struct lf_tele_gap *g = lf_new(s->mem.npart * sizeof *g + 1);
    for (size_t i = 0; i <= s->mem.part_mask; i++)
        for (const struct part *p = s->mem.part[i]; p; p = p->chain)
            if (p->have < p->pnum && (lf_id_none(station) || p->station == station.v))
                g[found++] = (struct lf_tele_gap){ { p->station }, lf_text_copy(a, p->cn), { p->at }, p->pnum, p->have };
    pthread_rwlock_unlock(&s->lock);
    if (found)
        qsort(g, found, sizeof *g, newest_first);
    *n = found < (size_t)limit ? found : (size_t)limit;
    *out = lf_copy(a, g, *n * sizeof *g);
    lf_release(g);
    return LF_OK;
}
