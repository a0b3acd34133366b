/* seal.c - the frozen table becomes segments, one for each class and month that it touches.
 *
 * Order on the disk: segments and the state, synced; their names, synced; the manifest that names them; only then the journals
 * that they replace are removed. A crash at any point leaves the older manifest with its journals, or the newer one. */
#include "tele/log/parts.h"

#include <stdio.h>
#include <stdlib.h>

struct seal {
    struct log_store *s;
    struct memtable *t;
    int table;
    struct series **series;   /* with points in the table, by (station, factor) */
    struct station **station; /* with records in the table, by id */
    size_t nseries, nstation;
    char **piece;                /* the bytes of the table's journals: its records are taken in another order than they came */
    size_t npiece, *first_piece; /* of each journal */
    uint64_t *made;              /* numbers of finished segments */
    size_t nmade, cap_made;
};

uint64_t log_number(struct log_store *s) { return s->manifest.next_number++; }

static void made(struct seal *k, uint64_t number)
{
    if (k->nmade == k->cap_made)
        k->made = lf_renew(k->made, (k->cap_made = k->cap_made * 2 + 16) * sizeof *k->made);
    k->made[k->nmade++] = number;
}

/* ---- months ---------------------------------------------------------------------------------------------------------- */

struct months {
    int32_t *m;
    size_t n, cap;
    int32_t last; /* the month looked at last, and its instants: most times fall into it */
    int64_t from, to;
};

static bool in_month(const struct months *l, int64_t at) { return at >= l->from && at < l->to; }

static void add_month(struct months *l, int64_t at)
{
    if (in_month(l, at))
        return;
    l->last = month_of((lf_ms){ at });
    l->from = month_end(l->last - 1).ms, l->to = month_end(l->last).ms;
    for (size_t i = 0; i < l->n; i++)
        if (l->m[i] == l->last)
            return;
    if (l->n == l->cap)
        l->m = lf_renew(l->m, (l->cap = l->cap * 2 + 16) * sizeof *l->m);
    l->m[l->n++] = l->last;
}

static void add_months(struct months *l, const struct run *r)
{
    for (uint32_t i = 0; i < r->n && !(in_month(l, run_first(r)) && in_month(l, run_last(r))); i++)
        add_month(l, r->p[i].at);
}

/* ---- readings ---------------------------------------------------------------------------------------------------------- */

static int by_station(const void *a, const void *b)
{
    const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
    if (x->station->id != y->station->id)
        return x->station->id < y->station->id ? -1 : 1;
    uint32_t n = x->factor.n < y->factor.n ? x->factor.n : y->factor.n;
    int c = memcmp(x->factor.p, y->factor.p, n);
    return c ? c : x->factor.n < y->factor.n ? -1 : x->factor.n > y->factor.n;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(struct station *const *)a)->id, y = (*(struct station *const *)b)->id;
    return x < y ? -1 : x > y;
}

static bool has_records(const struct station *s, int table)
{
    for (int c = 0; c < RECORD_CLASSES; c++)
        if (s->last[table][c])
            return true;
    return false;
}

/* The registry may grow meanwhile, what is in it stays where it is. */
static void collect(struct seal *k)
{
    const struct mem *m = &k->s->mem;
    pthread_rwlock_rdlock(&k->s->lock);
    k->table = 1 - m->active;
    k->series = lf_new(m->nseries * sizeof *k->series + 1);
    k->station = lf_new(m->nstation * sizeof *k->station + 1);
    for (size_t i = 0; i <= m->series_mask; i++)
        for (struct series *e = m->series[i]; e; e = e->chain)
            if (e->mem[k->table].n)
                k->series[k->nseries++] = e;
    for (size_t i = 0; i <= m->station_mask; i++)
        for (struct station *e = m->station[i]; e; e = e->chain)
            if (has_records(e, k->table))
                k->station[k->nstation++] = e;
    pthread_rwlock_unlock(&k->s->lock);
    k->t = &k->s->mem.table[k->table];
    if (k->nseries)
        qsort(k->series, k->nseries, sizeof *k->series, by_station);
    if (k->nstation)
        qsort(k->station, k->nstation, sizeof *k->station, by_id);
}

/* The points of a series within [from, to). */
static void add_points(struct seal *k, struct points_out *o, const struct series *e, int64_t from, int64_t to)
{
    bool begun = false;
    for (const struct run *r = e->mem[k->table].head; r; r = r->next) {
        uint32_t lo = 0, hi = r->n; /* they rise */
        while (lo < hi && r->p[lo].at < from)
            lo++;
        while (lo < hi && r->p[hi - 1].at >= to)
            hi--;
        if (lo < hi && !begun)
            points_series(o, e->station->id, e->factor);
        begun |= lo < hi;
        points_add_mem(o, r->p + lo, hi - lo);
    }
}

static void add_sorted_points(struct seal *k, struct points_out *o, const struct series *e, int64_t from, int64_t to)
{
    size_t n;
    struct point *p = mem_points(e, k->table, from, to, &n);
    if (n)
        points_series(o, e->station->id, e->factor);
    for (size_t j = 0; j < n; j++)
        points_add(o, &p[j]);
    lf_release(p);
}

static lf_rc seal_kind(struct seal *k, enum lf_tele_kind kind, int32_t month, struct lf_err *err)
{
    char path[PATH_ROOM];
    uint64_t number = log_number(k->s);
    int64_t from = month_end(month - 1).ms, to = month_end(month).ms;
    struct points_out *o = lf_new(sizeof *o);
    lf_rc rc = points_create(o, k->s->io, path_segment(path, k->s->dir, number), kind, month, err);
    o->seg.stop = &k->s->stop;
    for (size_t i = 0; i < k->nseries && !rc; i++) {
        const struct series *e = k->series[i];
        if (e->kind != kind)
            continue;
        (e->mem[k->table].unsorted ? add_sorted_points : add_points)(k, o, e, from, to);
        rc = o->seg.rc;
    }
    if (rc)
        points_abandon(o);
    else
        rc = points_finish(o);
    lf_release(o);
    if (!rc)
        made(k, number);
    return rc;
}

static lf_rc seal_readings(struct seal *k, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (unsigned kind = 0; kind < LF_TELE_KIND_COUNT && !rc; kind++) {
        struct months l = { .m = NULL };
        for (size_t i = 0; i < k->nseries; i++)
            if (k->series[i]->kind == kind)
                for (const struct run *r = k->series[i]->mem[k->table].head; r; r = r->next)
                    add_months(&l, r);
        for (size_t i = 0; i < l.n && !rc; i++)
            rc = seal_kind(k, (enum lf_tele_kind)kind, l.m[i], err);
        lf_release(l.m);
    }
    return rc;
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

static int by_record_id(const void *a, const void *b)
{
    const struct mrecord *x = *(struct mrecord *const *)a, *y = *(struct mrecord *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The records of a station whose time lies within [from, to), in the order of their ids, which is the order they came in. */
static size_t records_of(struct seal *k, const struct station *s, uint32_t c, int64_t from, int64_t to, struct mrecord **r)
{
    struct mrecord *all = k->t->rec[c];
    size_t n = 0;
    bool rising = true;
    for (uint32_t i = s->last[k->table][c]; i; i = all[i - 1].before)
        if (all[i - 1].when >= from && all[i - 1].when < to)
            r[n++] = &all[i - 1];
    for (size_t i = 0; i < n / 2; i++) {
        struct mrecord *other = r[i];
        r[i] = r[n - 1 - i];
        r[n - 1 - i] = other;
    }
    for (size_t i = 1; i < n; i++)
        rising &= r[i - 1]->id < r[i]->id;
    if (!rising)
        qsort(r, n, sizeof *r, by_record_id);
    return n;
}

/* Pieces of the journals, each with the beginning of the next behind it, so that every record but a huge one lies whole in the piece
 * where it begins. What lies between the records (readings, mostly) is not read, when it is more than a small gap. */
enum { PIECE = 8 << 20, OVERLAP = 64 << 10, GAP = 4096 };

/* One that was used before, or a new one. */
static char *new_piece(struct log_store *s) { return s->nkept ? s->kept[--s->nkept] : lf_renew(NULL, PIECE + OVERLAP); }

/* Bytes [from, to) behind the journal's start into each piece that they touch. */
static lf_rc load_range(struct seal *k, uint32_t journal, uint64_t from, uint64_t to, struct lf_err *err)
{
    const struct journal *j = k->t->journal[journal];
    lf_rc rc = LF_OK;
    for (uint64_t p = from < OVERLAP ? 0 : (from - OVERLAP) / PIECE; p * PIECE < to && !rc; p++) {
        uint64_t base = p * PIECE, lo = from > base ? from : base, hi = to < base + PIECE + OVERLAP ? to : base + PIECE + OVERLAP;
        if (lo < hi)
            rc = io_read_all(j->io, j->fd, j->path, k->piece[k->first_piece[journal] + p] + (lo - base), hi - lo, JOURNAL_START + lo, err);
    }
    return rc;
}

/* The records of one class, in the order in which they came. */
static lf_rc load_class(struct seal *k, uint32_t c, struct lf_err *err)
{
    const struct mrecord *r = k->t->rec[c], *end = r + k->t->nrec[c];
    lf_rc rc = LF_OK;
    while (r < end && !rc) {
        uint32_t journal = r->journal;
        uint64_t from = r->at - JOURNAL_START, to = from;
        for (; r < end && r->journal == journal && r->at - JOURNAL_START >= from && r->at - JOURNAL_START <= to + GAP; r++)
            to = r->at - JOURNAL_START + r->n > to ? r->at - JOURNAL_START + r->n : to;
        rc = load_range(k, journal, from, to, err);
    }
    return rc;
}

static lf_rc load_journals(struct seal *k, struct lf_err *err)
{
    size_t n = 0;
    lf_rc rc = LF_OK;
    k->first_piece = lf_new((k->t->njournal + 1) * sizeof *k->first_piece);
    for (uint32_t i = 0; i < k->t->njournal; i++) {
        k->first_piece[i] = n;
        n += (k->t->journal[i]->end - JOURNAL_START) / PIECE + 1;
    }
    k->piece = lf_new((n + 1) * sizeof *k->piece);
    for (; k->npiece < n; k->npiece++)
        k->piece[k->npiece] = new_piece(k->s);
    for (uint32_t c = 0; c < RECORD_CLASSES && !rc; c++)
        rc = load_class(k, c, err);
    return rc;
}

static void drop_journals(struct seal *k)
{
    struct log_store *s = k->s;
    for (size_t i = 0; i < k->npiece; i++)
        if (s->nkept < KEPT)
            s->kept[s->nkept++] = k->piece[i];
        else
            lf_release(k->piece[i]);
    lf_release(k->piece);
    lf_release(k->first_piece);
}

void log_let_go(struct log_store *s)
{
    while (s->nkept)
        lf_release(s->kept[--s->nkept]);
}

/* Where the body of a record begins. */
static const char *loaded(const struct seal *k, const struct mrecord *r)
{
    uint64_t from = r->at - JOURNAL_START;
    return k->piece[k->first_piece[r->journal] + from / PIECE] + from % PIECE;
}

static lf_rc add_record(struct seal *k, struct records_out *o, const struct mrecord *r, struct lf_err *err)
{
    struct journal *j = k->t->journal[r->journal];
    uint32_t cls = o->seg.foot.cls;
    struct record one = { r->station, r->id, { loaded(k, r), r->n }, cls == CLASS_PACKET ? r->print : 0 };
    struct lf_arena a = { 0 };
    lf_rc rc = LF_OK;
    if ((r->at - JOURNAL_START) % PIECE + r->n > PIECE + OVERLAP)
        rc = mrecord_body(r, j, cls, &a, &one.body, err);
    else if (!mrecord_good(r, cls, one.body))
        rc = io_damaged(j->path, "a record that was good when it was written", err);
    if (!rc)
        records_add(o, &one);
    lf_arena_free(&a);
    return rc ? rc : o->seg.rc;
}

static lf_rc add_records(struct seal *k, struct records_out *o, struct mrecord **r, size_t n, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < n && !rc; i++)
        rc = add_record(k, o, r[i], err);
    return rc;
}

/* The records of one class whose time lies in that month. */
static lf_rc seal_records(struct seal *k, uint32_t c, int32_t month, struct lf_err *err)
{
    char path[PATH_ROOM];
    uint64_t number = log_number(k->s);
    int64_t from = month_end(month - 1).ms, to = month_end(month).ms, base = INT64_MAX;
    struct mrecord **r = lf_new(k->t->nrec[c] * sizeof *r);
    size_t n = 0;
    for (size_t i = 0; i < k->nstation; i++) {
        size_t more = records_of(k, k->station[i], c, from, to, r + n);
        base = more && r[n]->id < base ? r[n]->id : base;
        n += more;
    }
    struct records_out *o = lf_new(sizeof *o);
    lf_rc rc = records_create(o, k->s->io, path_segment(path, k->s->dir, number), c + CLASS_RECORDS, month, base, RECORDS_FAST, err);
    o->seg.stop = &k->s->stop;
    if (!rc)
        rc = add_records(k, o, r, n, err);
    if (rc)
        records_abandon(o);
    else
        rc = records_finish(o);
    atomic_fetch_add(&k->s->plain, o->plain);
    lf_release(o);
    lf_release(r);
    if (!rc)
        made(k, number);
    return rc;
}

static lf_rc seal_all_records(struct seal *k, struct lf_err *err)
{
    lf_rc rc = load_journals(k, err);
    for (uint32_t c = 0; c < RECORD_CLASSES && !rc; c++) {
        struct months l = { .m = NULL };
        for (size_t i = 0; i < k->t->nrec[c]; i++)
            add_month(&l, k->t->rec[c][i].when);
        for (size_t i = 0; i < l.n && !rc; i++)
            rc = seal_records(k, c, l.m[i], err);
        lf_release(l.m);
    }
    drop_journals(k);
    return rc;
}

/* ---- the exchange --------------------------------------------------------------------------------------------------------- */

/* Those of the emptied table that can be written over, as far as there is room. Their numbers into kept (0: none). */
static void keep_spares(struct log_store *s, const struct memtable *emptied, uint64_t kept[SPARES])
{
    for (uint32_t i = 0, at = 0; i < emptied->njournal && at < SPARES; i++) {
        struct journal *j = emptied->journal[i];
        while (at < SPARES && s->spare[at])
            at++;
        if (at < SPARES && j->writable && !j->failed && j->end <= 2 * s->c.seal_bytes) {
            s->spare[at] = journal_ref(j);
            kept[at] = j->number;
        }
    }
}

static void remove_journals(struct log_store *s, uint64_t from, uint64_t to, const uint64_t kept[SPARES])
{
    char path[PATH_ROOM];
    for (uint64_t n = from; n < to; n++) {
        bool keep = false;
        for (int i = 0; i < SPARES; i++)
            keep |= kept[i] == n;
        if (!keep)
            s->io->remove(s->io, path_journal(path, s->dir, n));
    }
}

void log_discard(struct log_store *s, const struct manifest *m, const uint64_t *made, size_t n)
{
    char path[PATH_ROOM];
    struct lf_arena a = { 0 };
    struct lf_err ignored = { 0 };
    struct manifest on_disk;
    struct manifest_entry *e;
    size_t ne;
    if (manifest_read(s->io, s->dir, &a, &on_disk, &e, &ne, NULL, &ignored) == LF_OK && memcmp(&on_disk, m, sizeof *m) != 0) {
        for (size_t i = 0; i < n; i++)
            s->io->remove(s->io, path_segment(path, s->dir, made[i]));
        if (m->state != s->manifest.state)
            s->io->remove(s->io, path_state(path, s->dir, m->state));
    }
    lf_arena_free(&a);
}

lf_rc log_exchange(struct log_store *s, const struct manifest *m, struct seglist *list, bool sealed, struct lf_err *err)
{
    char path[PATH_ROOM];
    struct manifest old = s->manifest;
    lf_rc rc = manifest_write(s->io, s->dir, m, list, err);
    if (rc) {
        seglist_unref(list);
        return rc;
    }
    pthread_rwlock_wrlock(&s->lock);
    struct seglist *before = s->list;
    struct memtable emptied = { .njournal = 0 };
    uint64_t kept[SPARES] = { 0 };
    s->list = list;
    s->manifest = *m;
    if (sealed) {
        emptied = mem_detach(&s->mem, 1 - s->mem.active);
        mem_parts_tidy(&s->mem, lf_now());
        atomic_store(&s->frozen, false);
        keep_spares(s, &emptied, kept);
    }
    pthread_rwlock_unlock(&s->lock);
    memtable_free(&emptied); /* takes its time, for which nobody waits */
    seglist_unref(before);
    remove_journals(s, old.journal_first, m->journal_first, kept);
    if (old.state && old.state != m->state)
        s->io->remove(s->io, path_state(path, s->dir, old.state));
    return LF_OK;
}

/* Newest values, channels, parts and ids as they are now: later than what is sealed, which does no harm, for what is replayed
 * on top of it leads to the same. */
lf_rc log_write_state(struct log_store *s, struct manifest *m, struct lf_err *err)
{
    struct buf b = { 0 };
    char name[40];
    pthread_rwlock_rdlock(&s->lock);
    mem_state_put(&s->mem, &b);
    pthread_rwlock_unlock(&s->lock);
    m->state = log_number(s);
    m->state_sum = io_sum(b.p, b.n);
    snprintf(name, sizeof name, "state-%016llx", (unsigned long long)m->state);
    lf_rc rc = io_write_file(s->io, s->dir, name, b.p, b.n, err);
    buf_free(&b);
    return rc;
}

/* The list of now, and the new segments behind it. */
static lf_rc open_made(struct seal *k, struct seglist **out, struct lf_err *err)
{
    struct log_store *s = k->s;
    struct seglist *l = seglist_new(s->list->n + k->nmade);
    char path[PATH_ROOM];
    uint64_t rank = s->manifest.next_rank++;
    lf_rc rc = LF_OK;
    for (; l->n < s->list->n; l->n++)
        l->seg[l->n] = seg_ref(s->list->seg[l->n]);
    for (size_t i = 0; i < k->nmade && !rc; i++) {
        rc = seg_open(&l->seg[l->n], &s->files, path_segment(path, s->dir, k->made[i]), k->made[i], rank, err);
        l->n += !rc;
    }
    if (rc)
        seglist_unref(l);
    *out = rc ? NULL : l;
    return rc;
}

static lf_rc seal_table(struct seal *k, struct lf_err *err)
{
    struct log_store *s = k->s;
    struct seglist *list = NULL;
    lf_rc rc = seal_readings(k, err);
    if (!rc)
        rc = seal_all_records(k, err);
    struct manifest m = s->manifest;
    if (!rc)
        rc = log_write_state(s, &m, err); /* syncs the folder, and with it the names of the segments */
    if (!rc)
        rc = open_made(k, &list, err);
    m.next_number = s->manifest.next_number, m.next_rank = s->manifest.next_rank;
    m.journal_first = k->t->journal_end;
    m.sealed_seq = k->t->last_seq;
    if (!rc)
        rc = log_exchange(s, &m, list, true, err);
    if (rc)
        log_discard(s, &m, k->made, k->nmade);
    return rc;
}

lf_rc log_seal(struct log_store *s, struct lf_err *err)
{
    if (!atomic_load(&s->frozen))
        return LF_OK;
    struct seal k = { .s = s };
    int64_t began = lf_now().ms;
    atomic_store(&s->sealing, true);
    collect(&k);
    lf_rc rc = seal_table(&k, err);
    atomic_store(&s->sealing, false);
    atomic_fetch_add(rc ? &s->seal_failures : &s->seals, 1);
    s->sealed_before = s->sealed;
    s->sealed = lf_now();
    atomic_store(&s->last_seal_ms, s->sealed.ms - began);
    lf_release(k.series);
    lf_release(k.station);
    lf_release(k.made);
    return rc;
}
