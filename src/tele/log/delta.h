/* delta.h - the records of a chunk, each as what differs from one before it: a device sends the same text with a few other digits.
 *
 * Three streams, so that the compressor behind finds like beside like: control, numbers, letters. A record is
 *   control: a byte (struct of it below), then operations, each a byte with its kind and how many bytes are taken over first
 *   numbers: station and id against those of the record before it; the numbers its body begins with, and those in its text, against
 *            the ones in their place of the record it is like
 *   letters: what is taken over from nowhere
 * What it is like is one of a few that were kept, so that devices that send this and that in turn find their own. Nothing is known
 * about what the text means: any bytes come back as they were. Pure: no files, no store. */
#ifndef LF_TELE_LOG_DELTA_H
#define LF_TELE_LOG_DELTA_H
#include "tele/log/bytes.h"

enum { DELTA_KEPT = 4, DELTA_HEADS = 5 }; /* records that are kept; numbers that a body may begin with */

/* ---- writing ---- */

struct delta_kept {
    uint64_t head[DELTA_HEADS];
    struct buf text; /* the body behind its numbers */
};
struct delta_out {
    struct buf control, numbers, letters;
    struct delta_kept kept[DELTA_KEPT];
    unsigned order[DELTA_KEPT]; /* the one that fitted last first */
    unsigned heads;
    bool alone; /* set after delta_begin: each record is put whole, like no other */
    int64_t station, id;
    size_t bytes; /* of the bodies so far */
};
/* Empties it for a chunk. heads: how many varints bodies begin with, numbers of which the difference is small. Others are put as they are. */
void delta_begin(struct delta_out *o, unsigned heads);
void delta_put(struct delta_out *o, int64_t station, int64_t id, lf_text body);
void delta_end(struct delta_out *o, struct buf *to); /* the chunk, behind what `to` holds */
void delta_free(struct delta_out *o);

/* ---- reading ---- */

struct delta_in {
    struct in control, numbers, letters;
    struct {
        uint64_t head[DELTA_HEADS];
        const uint8_t *text;
        size_t n;
    } kept[DELTA_KEPT];
    unsigned heads;
    int64_t station, id;
    uint8_t *to, *end; /* where bodies go; nothing is written behind the end */
    bool bad;
};
/* The bytes of a chunk; bodies are put into `bodies`, which must stay as it is as long as they are used. False when they are none;
 * most: no more bytes of bodies than that. */
bool delta_open(struct delta_in *d, const void *p, size_t n, struct buf *bodies, size_t most) LF_MUST_CHECK;
/* The next record; false at the end, or when the bytes are no chunk: then d->bad. */
bool delta_next(struct delta_in *d, int64_t *station, int64_t *id, lf_text *body) LF_MUST_CHECK;
#endif
