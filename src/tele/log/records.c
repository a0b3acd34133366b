#include "tele/log/records.h"

static const uint32_t CHUNK_RAW_MAX = 64u << 20;

/* ---- chunks ---------------------------------------------------------------------------------------------- */

static bool is_delta(const struct chunk *c) { return c->of->foot.version >= SEG_DELTA; }

/* From its first record on. */
static bool chunk_begin(struct chunk *c)
{
    c->in = in_of(c->raw.p, c->raw.n);
    c->next = c->got.n = 0;
    c->delta = (struct delta_in){ .bad = false };
    return !is_delta(c) || delta_open(&c->delta, c->raw.p, c->raw.n, &c->bodies, CHUNK_RAW_MAX);
}

static void chunk_rewind(struct chunk *c)
{
    c->next = 0;
    if (!is_delta(c))
        c->in = in_of(c->raw.p, c->raw.n);
}

lf_rc chunk_load(struct chunk *c, const struct segment *s, uint64_t number, struct page *pg, struct lf_err *err)
{
    if (c->of == s && c->number == number) {
        chunk_rewind(c);
        return LF_OK;
    }
    c->of = NULL;
    lf_rc rc = seg_get(s, TABLE_CHUNKS, number, &c->e, pg, err);
    if (!rc)
        rc = seg_read_blob(s, (struct blob){ c->e.at, c->e.n }, &c->packed, err);
    if (rc)
        return rc;
    if (c->e.raw > CHUNK_RAW_MAX)
        return io_damaged(s->path, "a chunk's size", err);
    c->raw.n = 0;
    buf_room(&c->raw, c->e.raw);
    size_t n = ZSTD_decompress(c->raw.p, c->e.raw, c->packed.p, c->packed.n);
    if (ZSTD_isError(n) || n != c->e.raw)
        return io_damaged(s->path, "a chunk", err);
    c->raw.n = n;
    c->of = s, c->number = number;
    if (!chunk_begin(c)) {
        c->of = NULL;
        return io_damaged(s->path, "a chunk", err);
    }
    return LF_OK;
}

/* Those that were read already are remembered: who comes for one after another does not read them from the first on each time. */
static bool next_delta(struct chunk *c, struct record *r)
{
    const struct record *got = (const struct record *)(const void *)c->got.p;
    if (c->next++ < c->got.n / sizeof *got) {
        *r = got[c->next - 1];
        return true;
    }
    r->print = 0;
    if (!delta_next(&c->delta, &r->station, &r->id, &r->body))
        return false;
    put_bytes(&c->got, r, sizeof *r);
    return true;
}

bool chunk_next(struct chunk *c, struct record *r)
{
    if (is_delta(c))
        return next_delta(c, r);
    if (c->in.bad || c->in.p == c->in.end)
        return false;
    r->station = get_zig(&c->in);
    r->id = get_zig(&c->in);
    r->body = get_text(&c->in);
    r->print = 0;
    return !c->in.bad;
}

void chunk_free(struct chunk *c)
{
    buf_free(&c->packed);
    buf_free(&c->raw);
    buf_free(&c->bodies);
    buf_free(&c->got);
    c->of = NULL;
}

/* ---- look-ups ------------------------------------------------------------------------------------------------ */

bool id_below(const void *entry, const void *key) { return ((const struct id_entry *)entry)->id < *(const uint32_t *)key; }

/* LF_ENOTFOUND (without message) when it is not there. */
static lf_rc records_by_id(const struct segment *s, int64_t id, struct chunk *c, struct record *r, struct page *pg, struct lf_err *err)
{
    struct id_entry e;
    uint64_t i;
    if (id < s->foot.id_first || id > s->foot.id_last)
        return LF_ENOTFOUND;
    uint32_t key = (uint32_t)(id - s->foot.id_first);
    lf_rc rc = seg_lower(s, TABLE_IDS, id_below, &key, &i, pg, err);
    if (rc || i == s->foot.table[TABLE_IDS].n)
        return rc ? rc : LF_ENOTFOUND;
    if ((rc = seg_get(s, TABLE_IDS, i, &e, pg, err)))
        return rc;
    if (e.id != key)
        return LF_ENOTFOUND;
    if ((rc = chunk_load(c, s, e.chunk, pg, err)))
        return rc;
    while (chunk_next(c, r))
        if (r->id == id)
            return LF_OK;
    return io_damaged(s->path, "a record is not where its index says", err);
}

static bool print_below(const void *entry, const void *key)
{
    const struct print_entry *e = entry;
    return ((uint64_t)e->hi << 32 | e->lo) < *(const uint64_t *)key;
}

static bool same_packet(const struct record *r, int64_t station, const struct lf_tele_packet *p)
{
    struct packet_body b;
    return r->station == station && packet_get(r->body, &b) && b.at.ms == p->at.ms && b.pno == p->pno && lf_text_eq(b.cn, p->cn) &&
           lf_text_eq(b.qn, p->qn) && lf_text_eq(b.raw, p->raw);
}

lf_rc records_same_packet(const struct segment *s, uint64_t print, int64_t station, const struct lf_tele_packet *p, struct chunk *c,
                          int64_t *id, struct page *pg, struct lf_err *err)
{
    struct print_entry e;
    struct record r;
    uint64_t i;
    *id = 0;
    uint64_t guess = (print >> 32) * s->foot.table[TABLE_PRINTS].n >> 32; /* fewer than 2^32 */
    lf_rc rc = seg_lower_near(s, TABLE_PRINTS, print_below, &print, guess, &i, pg, err);
    for (; !rc && i < s->foot.table[TABLE_PRINTS].n; i++) {
        if ((rc = seg_get(s, TABLE_PRINTS, i, &e, pg, err)) || ((uint64_t)e.hi << 32 | e.lo) != print)
            return rc;
        rc = records_by_id(s, s->foot.id_first + e.id, c, &r, pg, err);
        if (rc == LF_ENOTFOUND)
            return io_damaged(s->path, "a fingerprint without its packet", err);
        if (!rc && same_packet(&r, station, p)) {
            *id = r.id;
            return LF_OK;
        }
    }
    return rc;
}

/* ---- many segments into one -------------------------------------------------------------------------------------- */

struct walk {
    const struct segment *s;
    uint64_t next; /* chunk */
    struct chunk c;
    struct record r;
    struct page pg;
    bool end;
};

static lf_rc walk_on(struct walk *w, struct lf_err *err)
{
    while (!w->c.of || !chunk_next(&w->c, &w->r)) {
        if (w->c.of && chunk_bad(&w->c))
            return io_damaged(w->s->path, "a chunk", err);
        if (w->next == w->s->foot.table[TABLE_CHUNKS].n) {
            w->end = true;
            return LF_OK;
        }
        lf_rc rc = chunk_load(&w->c, w->s, w->next++, &w->pg, err);
        if (rc)
            return rc;
    }
    return LF_OK;
}

static bool before(const struct record *a, const struct record *b)
{
    return a->station != b->station ? a->station < b->station : a->id < b->id;
}

/* The fingerprints are those that it has. */
static lf_rc copy_prints(struct walk *w, struct records_out *out, struct lf_err *err)
{
    struct print_entry e;
    lf_rc rc = LF_OK;
    for (uint64_t i = 0; i < w->s->foot.table[TABLE_PRINTS].n && !rc; i++) {
        rc = seg_get(w->s, TABLE_PRINTS, i, &e, &w->pg, err);
        if (!rc)
            records_add_print(out, (uint64_t)e.hi << 32 | e.lo, w->s->foot.id_first + e.id);
    }
    return rc;
}

lf_rc records_compact(struct segment *const *in, size_t n, struct records_out *out, struct lf_err *err)
{
    struct walk *w = lf_new(n * sizeof *w);
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < n && !rc; i++) {
        w[i].s = in[i];
        rc = copy_prints(&w[i], out, err);
        if (!rc)
            rc = walk_on(&w[i], err);
    }
    while (!rc) {
        struct walk *low = NULL;
        for (size_t i = 0; i < n; i++)
            if (!w[i].end && (!low || before(&w[i].r, &low->r)))
                low = &w[i];
        if (!low)
            break;
        records_add(out, &low->r);
        rc = out->seg.rc ? out->seg.rc : walk_on(low, err);
    }
    for (size_t i = 0; i < n; i++)
        chunk_free(&w[i].c);
    lf_release(w);
    return rc;
}
