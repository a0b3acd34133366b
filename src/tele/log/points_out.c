#include "tele/log/points.h"

lf_rc points_create(struct points_out *o, struct lf_io *io, const char *path, uint32_t cls, int32_t month, struct lf_err *err)
{
    memset(o, 0, sizeof *o);
    return seg_create(&o->seg, io, path, cls, month, err);
}

static void end_block(struct points_out *o)
{
    struct points *p = &o->block;
    if (!p->n)
        return;
    o->bytes.n = 0;
    points_put(&o->bytes, p);
    struct blob b = seg_blob(&o->seg, o->bytes.p, o->bytes.n);
    struct block_entry e = { .first = p->at[0], .last = p->at[p->n - 1], .at = b.at, .n = b.n, .points = p->n };
    put_bytes(&o->list, &e, sizeof e);
    o->series.nblock++;
    o->seg.foot.n += p->n;
    o->seg.foot.first = e.first < o->seg.foot.first ? e.first : o->seg.foot.first;
    o->seg.foot.last = e.last > o->seg.foot.last ? e.last : o->seg.foot.last;
    p->n = 0;
}

static void end_series(struct points_out *o)
{
    end_block(o);
    if (o->series.nblock) {
        o->series.list = seg_blob(&o->seg, o->list.p, o->list.n);
        seg_entry(&o->seg, TABLE_SERIES, &o->series);
    }
    o->list.n = 0;
    o->series.nblock = 0;
}

static uint32_t number_of(struct points_out *o, lf_text factor)
{
    const lf_text *known = (const lf_text *)(const void *)o->factors.p;
    uint32_t n = (uint32_t)(o->factors.n / sizeof *known);
    for (uint32_t i = 0; i < n; i++)
        if (lf_text_eq(known[i], factor))
            return i;
    lf_text copy = lf_text_copy(&o->names, factor);
    put_bytes(&o->factors, &copy, sizeof copy);
    return n;
}

void points_series(struct points_out *o, int64_t station, lf_text factor)
{
    end_series(o);
    o->series = (struct series_entry){ .station = station, .factor = number_of(o, factor) };
}

/* From now on the block has all columns. */
static void widen(struct points *b)
{
    for (int c = 1; c < COLUMNS && b->plain; c++)
        for (uint32_t i = 0; i < b->n; i++)
            b->col[c][i] = (double)NAN;
    b->plain = false;
}

/* Room for one more at least. */
static struct points *open_block(struct points_out *o, bool plain)
{
    struct points *b = &o->block;
    if (b->n == POINTS_MAX)
        end_block(o);
    if (b->n == 0)
        b->plain = true;
    if (!plain)
        widen(b);
    return b;
}

void points_add(struct points_out *o, const struct point *p)
{
    struct points *b = open_block(o, false);
    b->at[b->n] = p->at;
    b->flag[b->n] = p->flag;
    for (int c = 0; c < COLUMNS; c++)
        b->col[c][b->n] = p->col[c];
    b->n++;
}

/* As many as have a value alone, and fit into the block. */
static uint32_t add_values(struct points *b, const struct mpoint *p, uint32_t n)
{
    uint32_t room = POINTS_MAX - b->n, i;
    n = n < room ? n : room;
    for (i = 0; i < n && !p[i].more; i++) {
        b->at[b->n + i] = p[i].at;
        b->flag[b->n + i] = p[i].flag;
        b->col[COL_VALUE][b->n + i] = p[i].value;
    }
    for (int c = 1; c < COLUMNS && !b->plain; c++)
        for (uint32_t k = 0; k < i; k++)
            b->col[c][b->n + k] = (double)NAN;
    b->n += i;
    return i;
}

void points_add_mem(struct points_out *o, const struct mpoint *p, uint32_t n)
{
    while (n) {
        uint32_t done = add_values(open_block(o, true), p, n);
        p += done, n -= done;
        if (!n || !p->more)
            continue;
        struct point wide = { .at = p->at, .col = { p->value }, .flag = p->flag };
        memcpy(&wide.col[1], p->more, (COLUMNS - 1) * sizeof wide.col[0]);
        points_add(o, &wide);
        p++, n--;
    }
}

void points_add_some(struct points_out *o, const struct points *p, uint32_t from, uint32_t to)
{
    while (from < to) {
        struct points *b = open_block(o, p->plain);
        uint32_t n = to - from < POINTS_MAX - b->n ? to - from : POINTS_MAX - b->n;
        memcpy(&b->at[b->n], &p->at[from], n * sizeof b->at[0]);
        memcpy(&b->flag[b->n], &p->flag[from], n * sizeof b->flag[0]);
        for (int c = 0; c < (b->plain ? 1 : COLUMNS); c++)
            memcpy(&b->col[c][b->n], &p->col[c][from], n * sizeof b->col[c][0]);
        b->n += n, from += n;
    }
}

lf_rc points_finish(struct points_out *o)
{
    end_series(o);
    const lf_text *known = (const lf_text *)(const void *)o->factors.p;
    size_t n = o->factors.n / sizeof *known;
    o->bytes.n = 0;
    put_var(&o->bytes, n);
    for (size_t i = 0; i < n; i++)
        put_text(&o->bytes, known[i]);
    o->seg.foot.factors = seg_blob(&o->seg, o->bytes.p, o->bytes.n);
    lf_rc rc = seg_finish(&o->seg);
    points_abandon(o);
    return rc;
}

void points_abandon(struct points_out *o)
{
    seg_abandon(&o->seg);
    buf_free(&o->bytes);
    buf_free(&o->list);
    buf_free(&o->factors);
    lf_arena_free(&o->names);
}
