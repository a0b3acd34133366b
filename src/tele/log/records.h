/* records.h - packets and other records in segments: chunks of one to some stations, compressed; found by id, by station, and
 * packets by their fingerprint. */
#ifndef LF_TELE_LOG_RECORDS_H
#define LF_TELE_LOG_RECORDS_H
#include "tele/log/body.h"
#include "tele/log/delta.h"

#include <zstd.h>

struct record {
    int64_t station, id; /* station 0 for what was refused */
    lf_text body;
    uint64_t print; /* of a packet that is written: its fingerprint, or 0: records_add_print comes with it */
};
lf_ms record_when(uint32_t cls, lf_text body); /* the time that decides its month */

/* ---- writing: in the order of (station, id) ---- */

enum records_pack { RECORDS_FAST = 1, RECORDS_SMALL = 3 }; /* level of zstd: what is sealed now; what is merged, to stay */

struct keyed { /* an entry of a table that is in the order of its keys */
    uint64_t key;
    uint32_t value;
};
struct records_out {
    struct seg_out seg;
    ZSTD_CCtx *zstd;
    enum records_pack pack;
    struct delta_out delta;
    struct buf given, back;              /* the chunk's records as they came, and read again from `raw` */
    struct buf raw, packed, ids, prints; /* the last two: struct keyed, {id, chunk} and {print, id} */
    struct chunk_entry chunk;            /* records == 0: empty */
    uint32_t nchunk, plain;              /* plain: chunks that would not have come back as they were, and are kept whole */
    bool distrust;                       /* for tests: as if none came back */
};
/* No id may be below id_base or 2^32 above it. */
lf_rc records_create(struct records_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, int64_t id_base,
                     enum records_pack pack, struct lf_err *err);
void records_add(struct records_out *o, const struct record *r);
void records_add_print(struct records_out *o, uint64_t print, int64_t id);
lf_rc records_finish(struct records_out *o);
void records_abandon(struct records_out *o);

/* ---- reading ---- */

struct chunk {
    const struct segment *of; /* NULL: nothing is loaded */
    uint64_t number;
    struct chunk_entry e;
    struct buf packed, raw, bodies, got; /* got: struct record, those that were read so far */
    struct in in;                        /* what was not given out yet: of plain records */
    struct delta_in delta;               /* or this */
    size_t next;                         /* of those that were read */
};
lf_rc chunk_load(struct chunk *c, const struct segment *s, uint64_t number, struct page *pg, struct lf_err *err) LF_MUST_CHECK;
bool chunk_next(struct chunk *c, struct record *r); /* the body lies in the chunk; false at its end, or damage: ask chunk_bad */
static inline bool chunk_bad(const struct chunk *c) { return c->in.bad || c->delta.bad; }
void chunk_free(struct chunk *c);

/* The id of a packet with this fingerprint that is really the same, or 0. */
lf_rc records_same_packet(const struct segment *s, uint64_t print, int64_t station, const struct lf_tele_packet *p, struct chunk *c,
                          int64_t *id, struct page *pg, struct lf_err *err) LF_MUST_CHECK;
lf_rc records_compact(struct segment *const *in, size_t n, struct records_out *out, struct lf_err *err) LF_MUST_CHECK;
bool id_below(const void *entry, const void *key); /* key: uint32_t, for seg_lower over TABLE_IDS */
#endif
