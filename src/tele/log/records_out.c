#include "tele/log/records.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 128 * 1024 };

/* The time that counts for a packet; *at: the one that it tells of itself, or 0. */
static lf_ms packet_times(lf_text body, lf_ms *at)
{
    struct in in = in_of(body.p, body.n);
    lf_ms received = { get_zig(&in) };
    at->ms = get_zig(&in);
    return at->ms ? *at : received;
}

lf_ms record_when(uint32_t cls, lf_text body)
{
    struct packet_body p;
    lf_ms at;
    if (cls != CLASS_PACKET)
        return reject_received(body); /* all others begin with theirs */
    return packet_get(body, &p) ? packet_times(body, &at) : (lf_ms){ 0 };
}

lf_rc records_create(struct records_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, int64_t id_base,
                     enum records_pack pack, struct lf_err *err)
{
    memset(o, 0, sizeof *o);
    o->pack = pack;
    lf_rc rc = seg_create(&o->seg, io, path, cls, month, err);
    o->seg.foot.id_first = id_base;
    o->zstd = ZSTD_createCCtx();
    if (!rc && !o->zstd)
        rc = o->seg.rc = lf_err_set(err, LF_EIO, NULL, "no memory for the compressor\nHINT: give the machine more memory");
    return rc;
}

/* Numbers that a body begins with: of a packet received, at, pnum, pno, readings; of the others when and a station or a packet. */
static unsigned heads_of(uint32_t cls) { return cls == CLASS_PACKET ? 5 : 2; }

/* The next of the records that are in the chunk, as they were given. */
static bool given(struct in *in, struct record *r)
{
    if (in->p == in->end)
        return false;
    r->station = (int64_t)get_u64(in);
    r->id = (int64_t)get_u64(in);
    r->body = get_text(in);
    return true;
}

/* What is kept of a packet for years is read back and compared before the journal that holds it is given up. */
static bool comes_back(struct records_out *o)
{
    struct in in = in_of(o->given.p, o->given.n);
    struct delta_in d;
    struct record r;
    int64_t station, id;
    lf_text body;
    if (!delta_open(&d, o->raw.p, o->raw.n, &o->back, o->delta.bytes))
        return false;
    while (given(&in, &r))
        if (!delta_next(&d, &station, &id, &body) || station != r.station || id != r.id || body.n != r.body.n ||
            (body.n && memcmp(body.p, r.body.p, body.n) != 0))
            return false;
    return !delta_next(&d, &station, &id, &body) && !d.bad;
}

/* Each record whole and like no other: larger, and too simple to go wrong. */
static void put_plainly(struct records_out *o)
{
    struct in in = in_of(o->given.p, o->given.n);
    struct record r;
    delta_begin(&o->delta, 0);
    o->delta.alone = true;
    while (given(&in, &r))
        delta_put(&o->delta, r.station, r.id, r.body);
    o->raw.n = 0;
    delta_end(&o->delta, &o->raw);
    o->plain++;
}

static bool pack_records(struct records_out *o)
{
    o->raw.n = 0;
    delta_end(&o->delta, &o->raw);
    if (!o->distrust && comes_back(o))
        return true;
    put_plainly(o);
    if (!comes_back(o) && !o->seg.rc)
        o->seg.rc = lf_err_set(o->seg.err, LF_EBUG, NULL,
                               "telemetry: packets do not come back as they were\nHINT: report this, with the "
                               "program's version; the journal keeps them");
    return !o->seg.rc;
}

static void end_chunk(struct records_out *o)
{
    if (!o->chunk.records || !pack_records(o))
        return;
    size_t room = ZSTD_compressBound(o->raw.n);
    o->packed.n = 0;
    buf_room(&o->packed, room);
    size_t n = ZSTD_compressCCtx(o->zstd, o->packed.p, room, o->raw.p, o->raw.n, (int)o->pack);
    if (ZSTD_isError(n) && !o->seg.rc)
        o->seg.rc =
            lf_err_set(o->seg.err, LF_EIO, NULL, "cannot compress packets: %s\nHINT: give the machine more memory", ZSTD_getErrorName(n));
    if (ZSTD_isError(n))
        return;
    struct blob b = seg_blob(&o->seg, o->packed.p, n);
    o->chunk.at = b.at, o->chunk.n = b.n, o->chunk.raw = (uint32_t)o->raw.n;
    seg_entry(&o->seg, TABLE_CHUNKS, &o->chunk);
    o->nchunk++;
    o->chunk.records = 0;
}

static void put_keyed(struct buf *b, uint64_t key, uint32_t value)
{
    struct keyed k = { key, value };
    put_bytes(b, &k, sizeof k);
}

void records_add_print(struct records_out *o, uint64_t print, int64_t id)
{
    put_keyed(&o->prints, print, (uint32_t)(id - o->seg.foot.id_first));
}

void records_add(struct records_out *o, const struct record *r)
{
    struct seg_footer *f = &o->seg.foot;
    if (o->chunk.records && o->delta.bytes + r->body.n > CHUNK_BYTES)
        end_chunk(o);
    if (!o->chunk.records) {
        o->chunk = (struct chunk_entry){ .station_first = r->station, .id_first = r->id };
        delta_begin(&o->delta, heads_of(f->cls));
        o->given.n = 0;
    }
    o->chunk.station_last = r->station, o->chunk.id_last = r->id;
    o->chunk.records++;
    delta_put(&o->delta, r->station, r->id, r->body);
    put_u64(&o->given, (uint64_t)r->station);
    put_u64(&o->given, (uint64_t)r->id);
    put_text(&o->given, r->body);
    uint32_t id = (uint32_t)(r->id - f->id_first);
    put_keyed(&o->ids, id, o->nchunk);
    lf_ms at = { 1 }, when = f->cls == CLASS_PACKET ? packet_times(r->body, &at) : record_when(f->cls, r->body);
    if (r->print)
        records_add_print(o, r->print, r->id);
    f->timeless += at.ms == 0;
    f->first = when.ms < f->first ? when.ms : f->first;
    f->last = when.ms > f->last ? when.ms : f->last;
    f->id_last = r->id > f->id_last ? r->id : f->id_last;
    f->n++;
}

/* ---- the tables ------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct keyed *)a)->key, y = ((const struct keyed *)b)->key;
    return x < y ? -1 : x > y;
}

static void sort_few(struct keyed *k, size_t n)
{
    if (n > 24) {
        qsort(k, n, sizeof *k, by_key);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct keyed one = k[i];
        size_t at = i;
        for (; at > 0 && k[at - 1].key > one.key; at--)
            k[at] = k[at - 1];
        k[at] = one;
    }
}

/* Fingerprints and ids are spread evenly: each goes to the heap of its leading bits at once, and few share one. */
static void sort_keyed(struct buf *b)
{
    struct keyed *k = (struct keyed *)(void *)b->p;
    size_t n = b->n / sizeof *k;
    uint64_t most = 1;
    unsigned bits = 1;
    for (size_t i = 0; i < n; i++)
        most |= k[i].key;
    while (bits < 18 && (size_t)1 << bits < n)
        bits++;
    unsigned width = 64 - (unsigned)__builtin_clzll(most), shift = width > bits ? width - bits : 0;
    size_t heaps = (size_t)1 << bits, at = 0;
    uint32_t *end = lf_new(heaps * sizeof *end); /* first how many, then where the next goes: at last where each ends */
    struct keyed *to = lf_new((n + 1) * sizeof *to);
    for (size_t i = 0; i < n; i++)
        end[k[i].key >> shift]++;
    for (size_t h = 0; h < heaps; h++) {
        size_t many = end[h];
        end[h] = (uint32_t)at;
        at += many;
    }
    for (size_t i = 0; i < n; i++)
        to[end[k[i].key >> shift]++] = k[i];
    for (size_t h = 0; h < heaps; h++)
        sort_few(to + (h ? end[h - 1] : 0), end[h] - (h ? end[h - 1] : 0));
    lf_release(end);
    lf_release(b->p);
    *b = (struct buf){ (uint8_t *)to, b->n, (n + 1) * sizeof *to };
}

static void put_tables(struct records_out *o)
{
    const struct keyed *k;
    sort_keyed(&o->ids);
    sort_keyed(&o->prints);
    k = (const struct keyed *)(const void *)o->ids.p;
    for (size_t i = 0; i < o->ids.n / sizeof *k; i++)
        put_bytes(&o->seg.table[TABLE_IDS], &(struct id_entry){ (uint32_t)k[i].key, k[i].value }, sizeof(struct id_entry));
    k = (const struct keyed *)(const void *)o->prints.p;
    for (size_t i = 0; i < o->prints.n / sizeof *k; i++)
        put_bytes(&o->seg.table[TABLE_PRINTS], &(struct print_entry){ (uint32_t)k[i].key, (uint32_t)(k[i].key >> 32), k[i].value },
                  sizeof(struct print_entry));
}

lf_rc records_finish(struct records_out *o)
{
    end_chunk(o);
    put_tables(o);
    lf_rc rc = seg_finish(&o->seg);
    records_abandon(o);
    return rc;
}

void records_abandon(struct records_out *o)
{
    seg_abandon(&o->seg);
    ZSTD_freeCCtx(o->zstd);
    o->zstd = NULL;
    delta_free(&o->delta);
    buf_free(&o->given);
    buf_free(&o->back);
    buf_free(&o->raw);
    buf_free(&o->packed);
    buf_free(&o->ids);
    buf_free(&o->prints);
}
