/* codec.h - up to 1,024 points of one series as bytes: time by difference of differences, values as scaled decimals, flags in
 * runs; a column that is absent costs a byte. Lossless for every double. Pure: no files, no store. */
#ifndef LF_TELE_LOG_CODEC_H
#define LF_TELE_LOG_CODEC_H
#include "tele/log/bytes.h"

enum { POINTS_MAX = 1024 };
enum { COL_VALUE, COL_MIN, COL_MAX, COL_COU, COL_ZS, COLUMNS };

struct points {
    uint32_t n;
    bool plain;                          /* no point has any column but the value; a writer need not fill the others then */
    int64_t at[POINTS_MAX];              /* ms, strictly rising */
    double col[COLUMNS][POINTS_MAX + 8]; /* 8 more, or all columns of a point fall into the same set of the processor's cache */
    uint64_t flag[POINTS_MAX];           /* flag_pack */
};

void points_put(struct buf *b, const struct points *p); /* n >= 1 */
/* False when the bytes are not such a block; then *p holds nothing of use, but n is within bounds. */
bool points_get(const void *bytes, size_t n, struct points *p) LF_MUST_CHECK;

/* n signed numbers. The reader has to know n. */
void ints_put(struct buf *b, const int64_t *v, size_t n);
void ints_get(struct in *in, int64_t *v, size_t n);
size_t ints_cost(const int64_t *v, size_t n); /* about how many bytes ints_put would write */
#endif
