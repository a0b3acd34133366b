/* read_records.c - packets and other records: by id, newest first, oldest first; of one station or of all.
 *
 * What is wanted is found first (ids and where they lie: memory, then segments from the newest on), put in order and cut to the
 * limit; then bodies are read, chunk by chunk. */
#include "tele/log/parts.h"

#include <stdlib.h>

struct found {
    int64_t id, station;
    struct segment *seg; /* NULL: in memory, `rec` in journal `j` (a reference) */
    uint64_t chunk;
    struct mrecord rec;
    struct journal *j;
    lf_text body;
};
struct query {
    struct log_store *s;
    struct lf_arena *a; /* of the answer */
    uint32_t cls;
    int64_t station; /* 0: all */
    int64_t bound;   /* ids below it, or above when oldest first */
    bool oldest;
    size_t limit;
    struct seglist *list;
    struct found *f;
    size_t n, cap;
    struct page page;
    struct chunk chunk;
};

static bool within(const struct query *q, int64_t id) { return q->oldest ? id > q->bound : id < q->bound; }

static struct found *add(struct query *q, int64_t id)
{
    if (q->n == q->cap)
        q->f = lf_renew(q->f, (q->cap = q->cap * 2 + 64) * sizeof *q->f);
    q->f[q->n] = (struct found){ .id = id };
    return &q->f[q->n++];
}

static int rising(const void *a, const void *b)
{
    int64_t x = ((const struct found *)a)->id, y = ((const struct found *)b)->id;
    return x < y ? -1 : x > y;
}
static int falling(const void *a, const void *b) { return rising(b, a); }

/* In order, and no more than the limit. */
static void cut(struct query *q)
{
    if (q->n)
        qsort(q->f, q->n, sizeof *q->f, q->oldest ? rising : falling);
    for (; q->n > q->limit; q->n--)
        journal_unref(q->f[q->n - 1].j);
}

/* ---- in memory (under the lock) --------------------------------------------------------------------------------------- */

static void add_mrecord(struct query *q, const struct memtable *t, const struct mrecord *r)
{
    struct found *f = add(q, r->id);
    f->station = r->station;
    f->rec = *r;
    f->j = journal_ref(t->journal[r->journal]);
}

/* Index of the first record whose id is not below `id`. */
static size_t mem_lower(const struct memtable *t, uint32_t c, int64_t id)
{
    size_t lo = 0, hi = t->nrec[c];
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->rec[c][mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void of_station(struct query *q, int table, uint32_t c)
{
    const struct memtable *t = &q->s->mem.table[table];
    const struct station *st = mem_find_station(&q->s->mem, q->station);
    size_t n = 0;
    for (uint32_t i = st ? st->last[table][c] : 0; i && n < q->limit; i = t->rec[c][i - 1].before)
        if (within(q, t->rec[c][i - 1].id)) {
            add_mrecord(q, t, &t->rec[c][i - 1]);
            n++;
        }
}

static void of_all(struct query *q, int table, uint32_t c)
{
    const struct memtable *t = &q->s->mem.table[table];
    size_t i = mem_lower(t, c, q->oldest && q->bound < INT64_MAX ? q->bound + 1 : q->bound);
    if (q->oldest)
        for (size_t n = 0; n < q->limit && i < t->nrec[c]; n++)
            add_mrecord(q, t, &t->rec[c][i++]);
    else
        for (size_t n = 0; n < q->limit && i > 0; n++)
            add_mrecord(q, t, &t->rec[c][--i]);
}

static void search_memory(struct query *q)
{
    uint32_t c = q->cls - CLASS_RECORDS;
    pthread_rwlock_rdlock(&q->s->lock);
    for (int table = 0; table < 2; table++)
        if (q->station)
            of_station(q, table, c);
        else
            of_all(q, table, c);
    q->list = seglist_ref(q->s->list);
    pthread_rwlock_unlock(&q->s->lock);
    cut(q);
}

/* ---- sealed ---------------------------------------------------------------------------------------------------------- */

static void add_sealed(struct query *q, struct segment *g, int64_t id, int64_t station, uint64_t chunk)
{
    struct found *f = add(q, id);
    f->seg = g, f->station = station, f->chunk = chunk;
}

struct station_bound {
    int64_t station, id;
};

/* A chunk is below when all it holds comes before (station, id). */
static bool chunk_below(const void *entry, const void *key)
{
    const struct chunk_entry *e = entry;
    const struct station_bound *k = key;
    return e->station_last != k->station ? e->station_last < k->station : e->id_last < k->id;
}

/* The newest of one station: its chunks from behind, until there are enough. */
static lf_rc station_in(struct query *q, struct segment *g, struct lf_err *err)
{
    struct station_bound key = { q->station, q->bound };
    struct record r;
    size_t n = 0;
    uint64_t i;
    lf_rc rc = seg_lower(g, TABLE_CHUNKS, chunk_below, &key, &i, &q->page, err);
    if (!rc && i == g->foot.table[TABLE_CHUNKS].n && i > 0)
        i--;
    for (bool more = g->foot.table[TABLE_CHUNKS].n > 0; !rc && more && n < q->limit; i--) {
        if ((rc = chunk_load(&q->chunk, g, i, &q->page, err)))
            break;
        while (chunk_next(&q->chunk, &r))
            if (r.station == q->station && within(q, r.id)) {
                add_sealed(q, g, r.id, r.station, i);
                n++;
            }
        if (chunk_bad(&q->chunk))
            rc = io_damaged(g->path, "a chunk", err);
        more = i > 0 && q->chunk.e.station_first >= q->station;
    }
    return rc;
}

static lf_rc all_in(struct query *q, struct segment *g, struct lf_err *err)
{
    int64_t base = g->foot.id_first;
    uint64_t i = 0, total = g->foot.table[TABLE_IDS].n;
    int64_t from = q->oldest && q->bound < INT64_MAX ? q->bound + 1 : q->bound;
    lf_rc rc = LF_OK;
    if (from > g->foot.id_last)
        i = total;
    else if (from > base)
        rc = seg_lower(g, TABLE_IDS, id_below, &(uint32_t){ (uint32_t)(from - base) }, &i, &q->page, err);
    for (size_t n = 0; !rc && n < q->limit && (q->oldest ? i < total : i > 0); n++) {
        struct id_entry e;
        rc = seg_get(g, TABLE_IDS, q->oldest ? i++ : --i, &e, &q->page, err);
        if (!rc)
            add_sealed(q, g, base + e.id, 0, e.chunk);
    }
    return rc;
}

/* No segment holds anything that would still come among the first `limit`. */
static bool can_skip(const struct query *q, const struct segment *g)
{
    if (g->foot.cls != q->cls || !g->foot.n)
        return true;
    if (q->oldest ? g->foot.id_last <= q->bound : g->foot.id_first >= q->bound)
        return true;
    if (q->n < q->limit || !q->n)
        return false;
    int64_t last = q->f[q->n - 1].id;
    return q->oldest ? g->foot.id_first > last : g->foot.id_last < last;
}

static int by_ids(const void *a, const void *b)
{
    int64_t x = (*(struct segment *const *)a)->foot.id_last, y = (*(struct segment *const *)b)->foot.id_last;
    return x < y ? -1 : x > y;
}

/* Segments in the order of their ids, from the end where the answer begins, so that most are skipped. */
static lf_rc search_segments(struct query *q, struct lf_err *err)
{
    size_t n = 0;
    struct segment **g = lf_new(q->list->n * sizeof *g + 1);
    for (size_t i = 0; i < q->list->n; i++)
        if (q->list->seg[i]->foot.cls == q->cls)
            g[n++] = q->list->seg[i];
    if (n)
        qsort(g, n, sizeof *g, by_ids);
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        struct segment *one = g[q->oldest ? i : n - 1 - i];
        if (can_skip(q, one))
            continue;
        rc = q->station ? station_in(q, one, err) : all_in(q, one, err);
        if (!rc)
            cut(q);
    }
    lf_release(g);
    return rc;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------ */

bool mrecord_good(const struct mrecord *r, uint32_t cls, lf_text body)
{
    struct packet_body b;
    if (cls != CLASS_PACKET)
        return io_sum(body.p, body.n) == r->print;
    return packet_get(body, &b) && packet_print(r->station, b.at, b.pno, b.cn, b.qn, b.raw) == r->print;
}

lf_rc mrecord_body(const struct mrecord *r, struct journal *j, uint32_t cls, struct lf_arena *a, lf_text *body, struct lf_err *err)
{
    char *p = lf_alloc(a, r->n + 1);
    lf_rc rc = io_read_all(j->io, j->fd, j->path, p, r->n, r->at, err);
    *body = (lf_text){ p, r->n };
    if (!rc && !mrecord_good(r, cls, *body))
        rc = io_damaged(j->path, "a record that was good when it was written", err);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;
    if (x->seg != y->seg)
        return (uintptr_t)x->seg < (uintptr_t)y->seg ? -1 : 1;
    if (x->chunk != y->chunk)
        return x->chunk < y->chunk ? -1 : 1;
    return rising(x, y);
}

static lf_rc sealed_body(struct query *q, struct found *f, struct lf_err *err)
{
    struct record r;
    lf_rc rc = chunk_load(&q->chunk, f->seg, f->chunk, &q->page, err); /* is there already when the one before lay in it */
    if (rc)
        return rc;
    while (chunk_next(&q->chunk, &r))
        if (r.id == f->id) {
            f->station = r.station;
            f->body = lf_text_copy(q->a, r.body);
            return LF_OK;
        }
    return io_damaged(f->seg->path, "a record is not where its index says", err);
}

static lf_rc read_bodies(struct query *q, struct lf_err *err)
{
    struct found **place = lf_new(q->n * sizeof *place + 1);
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < q->n; i++)
        place[i] = &q->f[i];
    if (q->n)
        qsort(place, q->n, sizeof *place, by_place);
    for (size_t i = 0; i < q->n && !rc; i++)
        rc = place[i]->seg ? sealed_body(q, place[i], err) : mrecord_body(&place[i]->rec, place[i]->j, q->cls, q->a, &place[i]->body, err);
    lf_release(place);
    return rc;
}

static lf_rc run(struct query *q, struct lf_err *err)
{
    search_memory(q);
    lf_rc rc = search_segments(q, err);
    return rc ? rc : read_bodies(q, err);
}

static void end(struct query *q)
{
    for (size_t i = 0; i < q->n; i++)
        journal_unref(q->f[i].j);
    lf_release(q->f);
    chunk_free(&q->chunk);
    seglist_unref(q->list);
}

/* ---- what is asked for ---------------------------------------------------------------------------------------------------- */

static size_t limit_of(int limit) { return limit > 0 ? (size_t)limit : 0; }
static int64_t before_of(lf_id before) { return lf_id_none(before) ? INT64_MAX : before.v; }
static lf_rc unreadable(struct lf_err *err) { return io_damaged("a record", "it cannot be read back", err); }

static lf_rc packets(struct query *q, struct lf_tele_stored_packet **out, size_t *n, struct lf_err *err)
{
    struct packet_body b;
    lf_rc rc = run(q, err);
    *n = 0;
    *out = lf_alloc(q->a, q->n * sizeof **out + 1);
    for (size_t i = 0; i < q->n && !rc; i++)
        if (!packet_get(q->f[i].body, &b))
            rc = unreadable(err);
        else
            packet_stored(&b, q->f[i].station, q->f[i].id, q->a, &(*out)[(*n)++]);
    end(q);
    return rc;
}

lf_rc log_packets(struct lf_tele_store *s, struct lf_arena *a, lf_id station, lf_id before, int limit, struct lf_tele_stored_packet **out,
                  size_t *n, struct lf_err *err)
{
    struct query q = { .s = log_of(s), .a = a, .cls = CLASS_PACKET, .bound = before_of(before), .limit = limit_of(limit) };
    q.station = lf_id_none(station) ? 0 : station.v;
    return packets(&q, out, n, err);
}

lf_rc log_packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out, size_t *n,
                        struct lf_err *err)
{
    struct query q = { .s = log_of(s), .a = a, .cls = CLASS_PACKET, .oldest = true, .limit = limit_of(limit) };
    q.bound = lf_id_none(after) ? 0 : after.v;
    return packets(&q, out, n, err);
}

lf_rc log_packet(struct lf_tele_store *s, struct lf_arena *a, lf_id id, struct lf_tele_stored_packet *out, struct lf_err *err)
{
    struct query q = { .s = log_of(s), .a = a, .cls = CLASS_PACKET, .oldest = true, .bound = id.v - 1, .limit = 1 };
    struct lf_tele_stored_packet *p;
    size_t n = 0;
    lf_rc rc = id.v > 0 ? packets(&q, &p, &n, err) : LF_OK;
    if (rc)
        return rc;
    if (!n || p->id.v != id.v)
        return lf_err_set(err, LF_ENOTFOUND, NULL, "没有这个数据包 | There is no such packet");
    *out = *p;
    return LF_OK;
}

lf_rc log_rejects(struct lf_tele_store *s, struct lf_arena *a, bool quarantine, lf_id before, int limit, struct lf_tele_stored_reject **out,
                  size_t *n, struct lf_err *err)
{
    struct query q = { .s = log_of(s), .a = a, .bound = before_of(before), .limit = limit_of(limit) };
    q.cls = quarantine ? CLASS_QUARANTINE : CLASS_REFUSED;
    lf_rc rc = run(&q, err);
    *n = 0;
    *out = lf_alloc(a, q.n * sizeof **out + 1);
    for (size_t i = 0; i < q.n && !rc; i++)
        if (!reject_get(q.f[i].body, q.f[i].id, a, &(*out)[(*n)++]))
            rc = unreadable(err);
    end(&q);
    return rc;
}

lf_rc log_corrections(struct lf_tele_store *s, struct lf_arena *a, lf_id station, int limit, struct lf_tele_correction **out, size_t *n,
                      struct lf_err *err)
{
    struct query q = {
        .s = log_of(s), .a = a, .cls = CLASS_CORRECTION, .station = station.v, .bound = INT64_MAX, .limit = limit_of(limit)
    };
    *n = 0;
    *out = NULL;
    if (lf_id_none(station))
        return LF_OK;
    lf_rc rc = run(&q, err);
    *out = lf_alloc(a, q.n * sizeof **out + 1);
    for (size_t i = 0; i < q.n && !rc; i++)
        if (!correction_get(q.f[i].body, q.f[i].station, a, &(*out)[(*n)++]))
            rc = unreadable(err);
    end(&q);
    return rc;
}
