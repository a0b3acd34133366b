/* mem_state.c - parts of split messages, and what of memory is written down beside the segments. */
#include "tele/log/mem.h"

enum { PARTS_MAX = 100000, PART_BITS_MAX = 65536 };

/* ---- parts ---------------------------------------------------------------------------------------------- */

static size_t part_slot(const struct mem *m, int64_t station, lf_text cn, int64_t at, int64_t pnum)
{
    uint64_t key = (uint64_t)station ^ (uint64_t)at * 31 ^ (uint64_t)pnum << 40; /* at may be null, and files hold anything */
    return (size_t)series_hash((int64_t)key, LF_TELE_RTD, cn.p ? cn : LF_TEXT("")) & m->part_mask;
}

static struct part *find_part(struct mem *m, int64_t station, lf_text cn, int64_t at, int64_t pnum)
{
    struct part *p = m->part[part_slot(m, station, cn, at, pnum)];
    while (p && !(p->station == station && p->at == at && p->pnum == pnum && lf_text_eq(p->cn, cn)))
        p = p->chain;
    return p;
}

static void link_part(struct mem *m, struct part *p)
{
    struct part **to = &m->part[part_slot(m, p->station, p->cn, p->at, p->pnum)];
    p->chain = *to;
    *to = p;
}

static void grow_parts(struct mem *m)
{
    struct part **old = m->part;
    size_t n = m->part_mask + 1;
    m->part_mask = n * 2 - 1;
    m->part = lf_new(n * 2 * sizeof *m->part);
    for (size_t i = 0; i < n; i++)
        for (struct part *p = old[i], *next; p; p = next) {
            next = p->chain;
            link_part(m, p);
        }
    lf_release(old);
}

static struct part *new_part(struct mem *m, int64_t station, lf_text cn, int64_t at, int64_t pnum, uint32_t bits)
{
    if (m->npart > m->part_mask)
        grow_parts(m);
    struct part *p = lf_new(sizeof *p + (bits + 7) / 8 + cn.n + 1);
    p->station = station, p->at = at, p->pnum = pnum, p->size = bits;
    p->bit = (uint8_t *)(p + 1);
    char *text = (char *)p->bit + (bits + 7) / 8;
    if (cn.n)
        memcpy(text, cn.p, cn.n);
    p->cn = (lf_text){ text, cn.n };
    m->npart++;
    link_part(m, p);
    return p;
}

void mem_part(struct mem *m, int64_t station, const struct packet_body *b, lf_ms heard)
{
    if (b->pnum >= PART_BITS_MAX || b->pno < 0 || b->pno > b->pnum)
        return; /* HJ 212-2017 table 2: PNO counts from 1 to PNUM */
    struct part *p = find_part(m, station, b->cn, b->at.ms, b->pnum);
    if (!p)
        p = new_part(m, station, b->cn, b->at.ms, b->pnum, (uint32_t)b->pnum + 1);
    uint8_t mask = (uint8_t)(1u << b->pno % 8), *byte = &p->bit[b->pno / 8];
    p->have += !(*byte & mask);
    *byte |= mask;
    p->heard = heard;
}

/* Complete ones must be remembered as long as a journal that tells of them may be read again. */
void mem_parts_tidy(struct mem *m, lf_ms now)
{
    for (int64_t keep = 2LL * LF_DAY_MS;; keep /= 2) {
        for (size_t i = 0; i <= m->part_mask; i++)
            for (struct part **at = &m->part[i]; *at;) {
                struct part *p = *at;
                bool old = p->heard.ms < now.ms - keep;
                if (old && (p->have >= p->pnum || m->npart > PARTS_MAX)) {
                    *at = p->chain;
                    lf_release(p);
                    m->npart--;
                } else
                    at = &p->chain;
            }
        if (m->npart <= PARTS_MAX || keep < LF_MINUTE_MS)
            return;
    }
}

/* ---- the state --------------------------------------------------------------------------------------------- */

static void put_series(const struct series *s, struct buf *b)
{
    uint8_t mask = cols_mask(s->latest.col);
    put_u8(b, (uint8_t)s->kind);
    put_text(b, s->factor);
    put_zig(b, s->received.ms);
    put_zig(b, s->latest.at);
    put_u64(b, s->latest.flag);
    put_u8(b, mask);
    cols_put(b, mask, s->latest.col);
}

static void put_station(const struct station *s, struct buf *b)
{
    uint64_t series = 0, channels = 0;
    for (const struct series *e = s->series; e; e = e->of_station)
        series += e->known;
    for (const struct channel *c = s->channel; c; c = c->next)
        channels++;
    put_zig(b, s->id);
    put_var(b, channels);
    for (const struct channel *c = s->channel; c; c = c->next) {
        put_text(b, c->cn);
        put_zig(b, c->newest);
    }
    put_var(b, series);
    for (const struct series *e = s->series; e; e = e->of_station)
        if (e->known)
            put_series(e, b);
}

void mem_state_put(const struct mem *m, struct buf *b)
{
    for (int c = 0; c < RECORD_CLASSES; c++)
        put_zig(b, m->next_id[c]);
    put_var(b, m->nstation);
    for (size_t i = 0; i <= m->station_mask; i++)
        for (const struct station *s = m->station[i]; s; s = s->chain)
            put_station(s, b);
    put_var(b, m->npart);
    for (size_t i = 0; i <= m->part_mask; i++)
        for (const struct part *p = m->part[i]; p; p = p->chain) {
            put_zig(b, p->station);
            put_text(b, p->cn);
            put_zig(b, p->at);
            put_zig(b, p->pnum);
            put_zig(b, p->heard.ms);
            put_var(b, p->size);
            put_bytes(b, p->bit, (p->size + 7) / 8);
        }
}

static void get_station(struct mem *m, struct in *in)
{
    struct station *s = mem_station(m, get_zig(in));
    for (uint64_t n = get_var(in); n > 0 && !in->bad; n--) {
        lf_text cn = get_text(in);
        mem_channel(m, s, cn, true)->newest = get_zig(in);
    }
    for (uint64_t n = get_var(in); n > 0 && !in->bad; n--) {
        uint8_t kind = get_u8(in);
        lf_text factor = get_text(in);
        lf_ms received = { get_zig(in) };
        struct point p = { .at = get_zig(in) };
        p.flag = get_u64(in);
        cols_get(in, get_u8(in), p.col);
        in->bad |= kind >= LF_TELE_KIND_COUNT || !factor.p || p.flag >> 56 > FLAG_BYTES + 1;
        if (!in->bad)
            mem_latest(mem_series(m, s->id, (enum lf_tele_kind)kind, factor), &p, received);
    }
}

static void get_part(struct mem *m, struct in *in)
{
    int64_t station = get_zig(in);
    lf_text cn = get_text(in);
    int64_t at = get_zig(in), pnum = get_zig(in), heard = get_zig(in);
    uint64_t size = get_var(in);
    const uint8_t *bits = size <= PART_BITS_MAX ? get_bytes(in, (size + 7) / 8) : NULL;
    if (!bits) {
        in->bad = true;
        return;
    }
    struct part *p = new_part(m, station, cn, at, pnum, (uint32_t)size);
    p->heard.ms = heard;
    memcpy(p->bit, bits, (size + 7) / 8);
    for (size_t i = 0; i < size; i++)
        p->have += p->bit[i / 8] >> i % 8 & 1;
}

bool mem_state_get(struct mem *m, lf_text bytes)
{
    struct in in = in_of(bytes.p, bytes.n);
    for (int c = 0; c < RECORD_CLASSES; c++)
        m->next_id[c] = get_zig(&in);
    for (uint64_t n = get_var(&in); n > 0 && !in.bad; n--)
        get_station(m, &in);
    for (uint64_t n = get_var(&in); n > 0 && !in.bad; n--)
        get_part(m, &in);
    return !in.bad && in.p == in.end;
}
