/* salvage.c - what a damaged state said, from the segments. A segment that cannot be read here gives what it can. */
#include "tele/log/parts.h"

static void series_of(struct log_store *s, const struct segment *g, struct points *block, struct buf *scratch)
{
    struct page page = { .of = NULL };
    struct lf_err ignored = { 0 };
    struct series_entry e;
    for (uint64_t i = 0; i < g->foot.table[TABLE_SERIES].n && !seg_get(g, TABLE_SERIES, i, &e, &page, &ignored); i++) {
        struct source src;
        bool known = e.factor < g->nfactor && g->factor[e.factor].p;
        lf_rc rc = source_open(&src, g, &e, INT64_MIN, INT64_MAX, &ignored);
        if (!rc && known && src.nlist && !points_read_block(g, &src.list[src.nlist - 1], scratch, block, &ignored)) {
            struct point p;
            if (points_at(block, block->at[block->n - 1], &p))
                mem_latest(mem_series(&s->mem, e.station, (enum lf_tele_kind)g->foot.cls, g->factor[e.factor]), &p, (lf_ms){ p.at });
        }
        source_close(&src);
    }
}

static void channels_of(struct log_store *s, const struct segment *g)
{
    struct page page = { .of = NULL };
    struct lf_err ignored = { 0 };
    struct chunk c = { .of = NULL };
    struct record r;
    struct packet_body b;
    for (uint64_t i = 0; i < g->foot.table[TABLE_CHUNKS].n; i++)
        for (bool good = !chunk_load(&c, g, i, &page, &ignored); good && chunk_next(&c, &r);)
            if (packet_get(r.body, &b)) {
                struct channel *k = mem_channel(&s->mem, mem_station(&s->mem, r.station), b.cn, true);
                k->newest = b.at.ms > k->newest ? b.at.ms : k->newest;
            }
    chunk_free(&c);
}

void log_rebuild_state(struct log_store *s)
{
    struct points *block = lf_new(sizeof *block);
    struct buf scratch = { 0 };
    for (size_t i = 0; i < s->list->n; i++) {
        const struct segment *g = s->list->seg[i];
        if (g->foot.cls < LF_TELE_KIND_COUNT)
            series_of(s, g, block, &scratch);
        if (g->foot.cls == CLASS_PACKET)
            channels_of(s, g);
        int64_t *next = g->foot.cls < CLASS_RECORDS ? NULL : &s->mem.next_id[g->foot.cls - CLASS_RECORDS];
        if (next && g->foot.id_last >= *next)
            *next = g->foot.id_last + 1;
    }
    lf_release(block);
    buf_free(&scratch);
}

lf_rc log_settle(struct log_store *s, struct lf_err *err)
{
    lf_rc rc = log_freeze(s, err);
    if (rc || atomic_load(&s->frozen))
        return rc ? rc : log_seal(s, err);
    struct manifest m = s->manifest;
    if ((rc = log_write_state(s, &m, err)))
        return rc;
    m.next_number = s->manifest.next_number;
    m.journal_first = s->journal->number;
    m.sealed_seq = s->seq;
    struct seglist *l = seglist_new(s->list->n);
    for (; l->n < s->list->n; l->n++)
        l->seg[l->n] = seg_ref(s->list->seg[l->n]);
    return log_exchange(s, &m, l, false, err);
}
