#include "tele/log/records.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 128 * 1024, LEVEL = 3 };

lf_ms record_when(uint32_t cls, lf_text body)
{
    struct packet_body p;
    if (cls != CLASS_PACKET)
        return reject_received(body); /* all others begin with theirs */
    if (!packet_get(body, &p))
        return (lf_ms){ 0 };
    return p.at.ms ? p.at : p.received;
}

lf_rc records_create(struct records_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, int64_t id_base,
                     struct lf_err *err)
{
    memset(o, 0, sizeof *o);
    lf_rc rc = seg_create(&o->seg, io, path, cls, month, err);
    o->seg.foot.id_first = id_base;
    o->zstd = ZSTD_createCCtx();
    if (!rc && !o->zstd)
        rc = o->seg.rc = lf_err_set(err, LF_EIO, NULL, "no memory for the compressor\nHINT: give the machine more memory");
    return rc;
}

static void end_chunk(struct records_out *o)
{
    if (!o->chunk.records)
        return;
    size_t room = ZSTD_compressBound(o->raw.n);
    o->packed.n = 0;
    buf_room(&o->packed, room);
    size_t n = ZSTD_compressCCtx(o->zstd, o->packed.p, room, o->raw.p, o->raw.n, LEVEL);
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
    o->raw.n = 0;
}

void records_add(struct records_out *o, const struct record *r)
{
    struct seg_footer *f = &o->seg.foot;
    if (o->raw.n && o->raw.n + r->body.n > CHUNK_BYTES)
        end_chunk(o);
    if (!o->chunk.records)
        o->chunk = (struct chunk_entry){ .station_first = r->station, .id_first = r->id };
    o->chunk.station_last = r->station, o->chunk.id_last = r->id;
    o->chunk.records++;
    put_zig(&o->raw, r->station);
    put_zig(&o->raw, r->id);
    put_text(&o->raw, r->body);
    struct id_entry e = { (uint32_t)(r->id - f->id_first), o->nchunk };
    put_bytes(&o->ids, &e, sizeof e);
    struct packet_body p;
    if (f->cls == CLASS_PACKET && packet_get(r->body, &p)) {
        uint64_t print = packet_print(r->station, p.at, p.pno, p.cn, p.qn, p.raw);
        struct print_entry pe = { (uint32_t)print, (uint32_t)(print >> 32), e.id };
        put_bytes(&o->prints, &pe, sizeof pe);
        f->timeless += p.at.ms == 0;
    }
    lf_ms when = record_when(f->cls, r->body);
    f->first = when.ms < f->first ? when.ms : f->first;
    f->last = when.ms > f->last ? when.ms : f->last;
    f->id_last = r->id > f->id_last ? r->id : f->id_last;
    f->n++;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = ((const struct id_entry *)a)->id, y = ((const struct id_entry *)b)->id;
    return x < y ? -1 : x > y;
}

static int by_print(const void *a, const void *b)
{
    const struct print_entry *x = a, *y = b;
    uint64_t p = (uint64_t)x->hi << 32 | x->lo, q = (uint64_t)y->hi << 32 | y->lo;
    return p < q ? -1 : p > q;
}

lf_rc records_finish(struct records_out *o)
{
    end_chunk(o);
    if (o->ids.n)
        qsort(o->ids.p, o->ids.n / sizeof(struct id_entry), sizeof(struct id_entry), by_id);
    if (o->prints.n)
        qsort(o->prints.p, o->prints.n / sizeof(struct print_entry), sizeof(struct print_entry), by_print);
    put_bytes(&o->seg.table[TABLE_IDS], o->ids.p, o->ids.n);
    put_bytes(&o->seg.table[TABLE_PRINTS], o->prints.p, o->prints.n);
    lf_rc rc = seg_finish(&o->seg);
    records_abandon(o);
    return rc;
}

void records_abandon(struct records_out *o)
{
    seg_abandon(&o->seg);
    ZSTD_freeCCtx(o->zstd);
    o->zstd = NULL;
    buf_free(&o->raw);
    buf_free(&o->packed);
    buf_free(&o->ids);
    buf_free(&o->prints);
}
