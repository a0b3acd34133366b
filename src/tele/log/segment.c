#include "tele/log/segment.h"

#include <errno.h>
#include <stdio.h>

static const char magic[8] = "LFTELE1";
enum { WRITE_AT = 256 * 1024, ENTRY_MAX = 64 };
static const uint32_t entry_size[TABLES] = { sizeof(struct series_entry), sizeof(struct chunk_entry), sizeof(struct id_entry),
                                             sizeof(struct print_entry) };
static const uint32_t BLOB_MAX = 64u << 20;

int32_t month_of(lf_ms t)
{
    struct lf_civil c = lf_civil_of(t);
    return c.year * 12 + c.month - 1;
}

lf_ms month_end(int32_t month)
{
    month++;
    return lf_ms_of((struct lf_civil){ .year = month / 12, .month = month % 12 + 1, .day = 1 });
}

/* ---- writing ------------------------------------------------------------------------------------------ */

lf_rc seg_create(struct seg_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, struct lf_err *err)
{
    *o = (struct seg_out){ .io = io, .fd = -1, .err = err };
    snprintf(o->path, sizeof o->path, "%s", path);
    memcpy(o->foot.magic, magic, sizeof magic);
    o->foot.version = cls < CLASS_RECORDS ? SEG_PLAIN : SEG_DELTA, o->foot.cls = cls, o->foot.month = month;
    o->foot.first = o->foot.id_first = INT64_MAX, o->foot.last = o->foot.id_last = INT64_MIN;
    io->remove(io, path); /* left by a crash */
    o->fd = io->open(io, path, LF_IO_CREATE);
    return o->rc = o->fd < 0 ? io_fail("create", path, err) : LF_OK;
}

static void flush(struct seg_out *o)
{
    if (!o->rc && o->stop && atomic_load(o->stop))
        o->rc = lf_err_set(o->err, LF_EBUSY, NULL, "telemetry: the store is being closed");
    if (!o->rc && o->meanwhile)
        o->rc = o->meanwhile(o->user, o->err);
    if (!o->rc)
        o->rc = io_write_all(o->io, o->fd, o->path, o->wait.p, o->wait.n, o->at - o->wait.n, o->err);
    o->wait.n = 0;
}

static void append(struct seg_out *o, const void *p, size_t n)
{
    put_bytes(&o->wait, p, n);
    o->at += n;
    if (o->wait.n >= WRITE_AT)
        flush(o);
}

struct blob seg_blob(struct seg_out *o, const void *p, size_t n)
{
    struct blob b = { o->at, (uint32_t)n };
    uint32_t sum = (uint32_t)io_sum(p, n);
    append(o, p, n);
    append(o, &sum, sizeof sum);
    return b;
}

void seg_entry(struct seg_out *o, int table, const void *entry) { put_bytes(&o->table[table], entry, entry_size[table]); }

static void put_table(struct seg_out *o, int t)
{
    static const uint8_t zeros[PAGE];
    size_t whole = PAGE_DATA / entry_size[t] * entry_size[t];
    if (o->table[t].n)
        append(o, zeros, (size_t)(-o->at % PAGE));
    o->foot.table[t] = (struct table_ref){ .at = o->at, .n = o->table[t].n / entry_size[t] };
    for (size_t done = 0; done < o->table[t].n; done += whole) {
        uint8_t page[PAGE] = { 0 };
        size_t n = o->table[t].n - done < whole ? o->table[t].n - done : whole;
        memcpy(page, o->table[t].p + done, n);
        uint64_t sum = io_sum(page, PAGE_DATA);
        memcpy(page + PAGE_DATA, &sum, sizeof sum);
        append(o, page, PAGE);
    }
}

lf_rc seg_finish(struct seg_out *o)
{
    uint8_t foot[FOOTER] = { 0 };
    _Static_assert(sizeof o->foot <= FOOTER - 8, "the footer must fit");
    for (int t = 0; t < TABLES; t++)
        put_table(o, t);
    memcpy(foot, &o->foot, sizeof o->foot);
    uint64_t sum = io_sum(foot, FOOTER - 8);
    memcpy(foot + FOOTER - 8, &sum, sizeof sum);
    append(o, foot, FOOTER);
    flush(o);
    if (!o->rc && o->io->sync(o->io, o->fd) != 0)
        o->rc = io_fail("sync", o->path, o->err);
    lf_rc rc = o->rc;
    if (rc) {
        seg_abandon(o);
        return rc;
    }
    o->io->close(o->io, o->fd);
    o->fd = -1;
    seg_abandon(o);
    return LF_OK;
}

void seg_abandon(struct seg_out *o)
{
    if (o->fd >= 0) {
        o->io->close(o->io, o->fd);
        o->io->remove(o->io, o->path);
        o->fd = -1;
    }
    buf_free(&o->wait);
    for (int t = 0; t < TABLES; t++)
        buf_free(&o->table[t]);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool footer_makes_sense(const struct seg_footer *f, uint64_t size)
{
    if (memcmp(f->magic, magic, sizeof magic) != 0 || f->version < SEG_PLAIN || f->version > SEG_DELTA || f->cls >= CLASS_COUNT)
        return false;
    for (int t = 0; t < TABLES; t++) {
        const struct table_ref *r = &f->table[t];
        if (r->at > size || r->n / (PAGE_DATA / entry_size[t]) > (size - r->at) / PAGE)
            return false;
    }
    return true;
}

static lf_rc read_factors(struct segment *s, struct lf_err *err)
{
    struct buf b = { 0 };
    lf_rc rc = seg_read_blob(s, s->foot.factors, &b, err);
    struct in in = in_of(b.p, b.n);
    uint64_t n = rc ? 0 : get_var(&in);
    if (!rc && n > b.n)
        rc = io_damaged(s->path, "its list of factors", err);
    s->factor_bytes = b.p;
    s->factor = lf_new((size_t)(rc ? 0 : n) * sizeof *s->factor);
    for (; !rc && s->nfactor < n; s->nfactor++)
        s->factor[s->nfactor] = get_text(&in);
    return !rc && in.bad ? io_damaged(s->path, "its list of factors", err) : rc;
}

static lf_rc read_at(const struct segment *s, void *p, size_t n, uint64_t at, struct lf_err *err)
{
    int fd = file_take(s->files, s->file);
    if (fd < 0)
        return io_fail("open", s->path, err);
    lf_rc rc = io_read_all(s->files->io, fd, s->path, p, n, at, err);
    file_give(s->files, s->file);
    return rc;
}

static lf_rc read_size(struct segment *s, struct lf_err *err)
{
    int fd = file_take(s->files, s->file);
    int64_t size = fd < 0 ? -1 : s->files->io->size(s->files->io, fd);
    lf_rc rc = size < 0 ? io_fail("open", s->path, err) : size < FOOTER ? io_damaged(s->path, "it is too short", err) : LF_OK;
    if (fd >= 0)
        file_give(s->files, s->file);
    s->size = (uint64_t)size;
    return rc;
}

lf_rc seg_open(struct segment **out, struct files *files, const char *path, uint64_t number, uint64_t rank, struct lf_err *err)
{
    uint8_t foot[FOOTER];
    uint64_t sum = 0;
    struct segment *s = lf_new(sizeof *s + strlen(path) + 1);
    *out = NULL;
    memcpy(s->path, path, strlen(path) + 1);
    s->files = files, s->file = file_new(s->path), s->number = number, s->rank = rank;
    atomic_init(&s->users, 1);
    lf_rc rc = read_size(s, err);
    if (!rc)
        rc = read_at(s, foot, FOOTER, s->size - FOOTER, err);
    if (!rc) {
        memcpy(&s->foot, foot, sizeof s->foot);
        memcpy(&sum, foot + FOOTER - 8, sizeof sum);
        if (sum != io_sum(foot, FOOTER - 8) || !footer_makes_sense(&s->foot, s->size))
            rc = io_damaged(path, "its last bytes", err);
    }
    if (!rc && s->foot.cls < CLASS_RECORDS)
        rc = read_factors(s, err);
    if (rc)
        seg_unref(s);
    else
        *out = s;
    return rc;
}

struct segment *seg_ref(struct segment *s)
{
    atomic_fetch_add(&s->users, 1);
    return s;
}

void seg_unref(struct segment *s)
{
    if (!s || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    file_free(s->files, s->file);
    if (atomic_load(&s->doomed))
        s->files->io->remove(s->files->io, s->path);
    lf_release(s->factor_bytes);
    lf_release(s->factor);
    lf_release(s);
}

lf_rc seg_read_blob(const struct segment *s, struct blob b, struct buf *out, struct lf_err *err)
{
    uint32_t sum;
    if (b.n > BLOB_MAX || b.at > s->size || b.n + sizeof sum > s->size - b.at)
        return io_damaged(s->path, "an address in it", err);
    out->n = 0;
    buf_room(out, b.n + sizeof sum);
    lf_rc rc = read_at(s, out->p, b.n + sizeof sum, b.at, err);
    if (rc)
        return rc;
    memcpy(&sum, out->p + b.n, sizeof sum);
    if (sum != (uint32_t)io_sum(out->p, b.n)) {
        char what[80];
        snprintf(what, sizeof what, "the checksum of %u bytes at %llu", b.n, (unsigned long long)b.at);
        return io_damaged(s->path, what, err);
    }
    out->n = b.n;
    return LF_OK;
}

lf_rc seg_get(const struct segment *s, int table, uint64_t i, void *entry, struct page *pg, struct lf_err *err)
{
    const struct table_ref *t = &s->foot.table[table];
    uint64_t per = PAGE_DATA / entry_size[table], at = t->at + i / per * PAGE, sum;
    if (i >= t->n)
        return io_damaged(s->path, "an entry that its tables do not have", err);
    if (pg->of != s || pg->at != at) {
        pg->of = NULL;
        lf_rc rc = read_at(s, pg->data, PAGE, at, err);
        if (rc)
            return rc;
        memcpy(&sum, pg->data + PAGE_DATA, sizeof sum);
        if (sum != io_sum(pg->data, PAGE_DATA)) {
            char what[80];
            snprintf(what, sizeof what, "the checksum of the page at %llu", (unsigned long long)at);
            return io_damaged(s->path, what, err);
        }
        pg->of = s, pg->at = at;
    }
    memcpy(entry, pg->data + i % per * entry_size[table], entry_size[table]);
    return LF_OK;
}

struct search {
    const struct segment *s;
    int table;
    bool (*below)(const void *, const void *);
    const void *key;
    uint64_t lo, hi; /* the answer lies in [lo, hi] */
    struct page *pg;
};

/* Looks at entry i, lo <= i < hi: the answer lies behind it, or not. */
static lf_rc look_at(struct search *f, uint64_t i, struct lf_err *err)
{
    _Alignas(16) uint8_t entry[ENTRY_MAX];
    lf_rc rc = seg_get(f->s, f->table, i, entry, f->pg, err);
    if (rc)
        return rc;
    if (f->below(entry, f->key))
        f->lo = i + 1;
    else
        f->hi = i;
    return LF_OK;
}

static lf_rc halve(struct search *f, uint64_t *i, struct lf_err *err)
{
    while (f->lo < f->hi) {
        lf_rc rc = look_at(f, f->lo + (f->hi - f->lo) / 2, err);
        if (rc)
            return rc;
    }
    *i = f->lo;
    return LF_OK;
}

lf_rc seg_lower(const struct segment *s, int table, bool (*below)(const void *, const void *), const void *key, uint64_t *i,
                struct page *pg, struct lf_err *err)
{
    struct search f = { s, table, below, key, 0, s->foot.table[table].n, pg };
    return halve(&f, i, err);
}

lf_rc seg_lower_near(const struct segment *s, int table, bool (*below)(const void *, const void *), const void *key, uint64_t guess,
                     uint64_t *i, struct page *pg, struct lf_err *err)
{
    struct search f = { s, table, below, key, 0, s->foot.table[table].n, pg };
    uint64_t step = PAGE_DATA / entry_size[table], at = guess < f.hi ? guess : f.hi - (f.hi > 0);
    for (bool up = true, first = true; f.lo < f.hi; step *= 2) { /* away from the guess until the answer lies between two looks */
        lf_rc rc = look_at(&f, at, err);
        if (rc)
            return rc;
        bool more = f.lo > at;
        if (!first && more != up)
            break;
        first = false, up = more;
        if (f.hi - f.lo <= step)
            break;
        at = up ? f.lo + step : f.hi - 1 - step;
    }
    return halve(&f, i, err);
}
