/* segment.h - a sealed file: blobs one after another, then tables of fixed entries, then a footer. Never changed once it has its
 * name; gone when the last user lets it go.
 *
 *   blob:   bytes, then the low half of their XXH3
 *   table:  pages of 4,096 bytes: as many whole entries as fit in 4,088, then the XXH3 of those 4,088
 *   footer: the last FOOTER bytes: struct seg_footer, then its XXH3
 *
 * Two kinds. Readings of one kind: blobs are blocks of points (codec.h), a list of blocks per series, and the factors' names;
 * table SERIES. Records (packets, refused, quarantine, corrections): blobs are chunks of records, compressed with zstd; tables
 * CHUNKS, IDS and, for packets, PRINTS.
 *
 * Version 1 has chunks of plain records, version 2 of what differs between them (delta.h). Readings are the same in both: those are
 * written as version 1, records as 2. */
#ifndef LF_TELE_LOG_SEGMENT_H
#define LF_TELE_LOG_SEGMENT_H
#include "tele/log/bytes.h"
#include "tele/log/files.h"
#include "tele/tele.h"

#include <stdatomic.h>

/* What a segment holds: readings of the kinds of tele.h, then records. */
enum { CLASS_RECORDS = 8, CLASS_PACKET = CLASS_RECORDS, CLASS_REFUSED, CLASS_QUARANTINE, CLASS_CORRECTION, CLASS_COUNT };
enum { RECORD_CLASSES = CLASS_COUNT - CLASS_RECORDS };
enum { TABLE_SERIES, TABLE_CHUNKS, TABLE_IDS, TABLE_PRINTS, TABLES };
enum { PAGE = 4096, PAGE_DATA = PAGE - 8, FOOTER = 512 };
enum { SEG_PLAIN = 1, SEG_DELTA = 2 }; /* versions */

struct blob {
    uint64_t at;
    uint32_t n; /* without the sum */
};
struct table_ref {
    uint64_t at, n; /* n: entries */
};
struct seg_footer {
    char magic[8];
    uint32_t version, cls;
    int32_t month, pad;  /* partition: year * 12 + month - 1, China time; all `at` of it lie in that month */
    int64_t first, last; /* at of the earliest and the latest */
    int64_t id_first, id_last;
    uint64_t n;        /* points or records */
    uint64_t timeless; /* packets without a DataTime */
    struct blob factors;
    struct table_ref table[TABLES];
};

struct series_entry { /* by (station, name of the factor) */
    int64_t station;
    uint32_t factor, nblock;
    struct blob list; /* of nblock struct block_entry */
};
struct block_entry {
    int64_t first, last;
    uint64_t at;
    uint32_t n, points;
};
struct chunk_entry { /* records by (station, id) */
    int64_t station_first, id_first, station_last, id_last;
    uint64_t at;
    uint32_t n, raw, records, pad;
};
struct id_entry {       /* by id */
    uint32_t id, chunk; /* id - id_first of the footer */
};
struct print_entry {     /* by print */
    uint32_t lo, hi, id; /* fingerprint of a packet, its id - id_first */
};

/* ---- writing ---- */

struct seg_out {
    struct lf_io *io;
    char path[PATH_ROOM];
    int fd;
    uint64_t at;
    struct buf wait, table[TABLES]; /* what was not written yet; entries of the tables */
    struct seg_footer foot;
    lf_rc rc; /* the first failure; then nothing more is done */
    struct lf_err *err;
    const atomic_bool *stop; /* NULL, or: when it is set, writing ends with LF_EBUSY */
    /* NULL, or: called now and then while a long file is written, for what cannot wait for its end. Its failure ends the writing. */
    lf_rc (*meanwhile)(void *user, struct lf_err *err);
    void *user;
};
/* Writes to path (a temporary name). */
lf_rc seg_create(struct seg_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, struct lf_err *err);
struct blob seg_blob(struct seg_out *o, const void *p, size_t n);
void seg_entry(struct seg_out *o, int table, const void *entry); /* in the order of the table */
lf_rc seg_finish(struct seg_out *o);                             /* tables, footer, sync, close. On failure: removes the file */
void seg_abandon(struct seg_out *o);                             /* closes and removes; fine after seg_finish */

/* ---- reading ---- */

struct segment {
    atomic_int users;
    struct files *files; /* it is one of them, open only now and then */
    struct file *file;
    uint64_t number, rank; /* of the file; rank: the later, the newer its values */
    uint64_t size;
    struct seg_footer foot;
    uint8_t *factor_bytes;
    lf_text *factor; /* their names; NULL for records */
    uint32_t nfactor;
    atomic_bool doomed;  /* remove the file when the last user has gone */
    atomic_int failures; /* reads of commits that failed */
    char path[];
};
lf_rc seg_open(struct segment **out, struct files *files, const char *path, uint64_t number, uint64_t rank,
               struct lf_err *err) LF_MUST_CHECK;
struct segment *seg_ref(struct segment *s);
void seg_unref(struct segment *s);

struct page { /* the page that was read last, for look-ups one after another */
    const struct segment *of;
    uint64_t at;
    uint8_t data[PAGE];
};
lf_rc seg_read_blob(const struct segment *s, struct blob b, struct buf *out,
                    struct lf_err *err) LF_MUST_CHECK; /* replaces what out holds */
lf_rc seg_get(const struct segment *s, int table, uint64_t i, void *entry, struct page *pg, struct lf_err *err) LF_MUST_CHECK;
/* The first entry that is not below the key: below(entry, key). n of the table when all are. */
lf_rc seg_lower(const struct segment *s, int table, bool (*below)(const void *entry, const void *key), const void *key, uint64_t *i,
                struct page *pg, struct lf_err *err) LF_MUST_CHECK;

/* The same, looked for around `guess` first: for keys that are spread evenly, where it will be a page or two away. */
lf_rc seg_lower_near(const struct segment *s, int table, bool (*below)(const void *entry, const void *key), const void *key, uint64_t guess,
                     uint64_t *i, struct page *pg, struct lf_err *err) LF_MUST_CHECK;

int32_t month_of(lf_ms t);
lf_ms month_end(int32_t month); /* the first instant after it */
#endif
