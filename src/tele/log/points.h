/* points.h - series: written into a segment, read from segments and from memory, merged so that the newer value of a time wins. */
#ifndef LF_TELE_LOG_POINTS_H
#define LF_TELE_LOG_POINTS_H
#include "tele/log/codec.h"
#include "tele/log/segment.h"

struct point {
    int64_t at;
    double col[COLUMNS];
    uint64_t flag; /* flag_pack */
};
struct mpoint { /* the same in memory, where most points have a value alone */
    int64_t at;
    double value;
    uint64_t flag;
    const double *more; /* the other columns; NULL: none */
};
bool point_same(const struct point *a, const struct point *b); /* values and flag, bit for bit; any NaN equals any other */

/* ---- writing: series in the order of (station, name of the factor), their points in the order of time ---- */

struct points_out {
    struct seg_out seg;
    struct points block;
    struct buf bytes, list, factors; /* factors: one lf_text after another */
    struct lf_arena names;
    struct series_entry series; /* nblock == 0 and block.n == 0: none begun */
};
lf_rc points_create(struct points_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, struct lf_err *err);
void points_series(struct points_out *o, int64_t station, lf_text factor); /* what follows belongs to it */
void points_add(struct points_out *o, const struct point *p);
void points_add_mem(struct points_out *o, const struct mpoint *p, uint32_t n);                  /* n of them */
void points_add_some(struct points_out *o, const struct points *p, uint32_t from, uint32_t to); /* of a block that was read */
lf_rc points_finish(struct points_out *o);                                                      /* frees all; the file is whole, or gone */
void points_abandon(struct points_out *o);

/* ---- reading ---- */

lf_rc points_find_series(const struct segment *s, int64_t station, lf_text factor, struct series_entry *e, bool *found, struct page *pg,
                         struct lf_err *err) LF_MUST_CHECK;
lf_rc points_read_list(const struct segment *s, const struct series_entry *e, struct buf *list,
                       struct lf_err *err) LF_MUST_CHECK; /* its blocks: e->nblock of struct block_entry */
lf_rc points_read_block(const struct segment *s, const struct block_entry *b, struct buf *scratch, struct points *p,
                        struct lf_err *err) LF_MUST_CHECK;
bool points_at(const struct points *p, int64_t at, struct point *out);

/* One series of one segment, or of memory. The newer, the higher the rank. */
struct source {
    uint64_t rank;
    const struct segment *seg; /* blocks: list[next .. nlist) are to be read yet */
    struct block_entry *list;
    uint32_t nlist, next, pos;
    struct points *block;
    const struct point *mem; /* or this, strictly rising */
    size_t nmem;
};
/* Only blocks that touch [from, to) are kept in the list. */
lf_rc source_open(struct source *s, const struct segment *seg, const struct series_entry *e, int64_t from, int64_t to,
                  struct lf_err *err) LF_MUST_CHECK;
void source_close(struct source *s);
/* Every point within [from, to) in order of time; `each` returns false to stop. Does not close the sources. */
lf_rc points_merge(struct source *s, size_t n, int64_t from, int64_t to, bool (*each)(void *user, const struct point *), void *user,
                   struct lf_err *err) LF_MUST_CHECK;
/* All series of the segments into one. */
lf_rc points_compact(struct segment *const *in, size_t n, struct points_out *out, struct lf_err *err) LF_MUST_CHECK;
#endif
