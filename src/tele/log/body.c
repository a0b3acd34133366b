#include "tele/log/body.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- packets --------------------------------------------------------------------------------------- */

void packet_put(struct buf *b, const struct lf_tele_packet *p)
{
    const int64_t number[] = { p->received.ms, p->at.ms, p->pnum, p->pno };
    const lf_text text[] = { p->qn, p->st, p->cn, p->peer, p->note, p->raw };
    size_t room = (LF_COUNT(number) + 1) * 10;
    for (size_t i = 0; i < LF_COUNT(text); i++)
        room += text[i].n + (size_t)TEXT_ROOM;
    uint8_t *q = buf_room(b, room);
    for (size_t i = 0; i < LF_COUNT(number); i++)
        q = write_var(q, zig(number[i]));
    q = write_var(q, p->n);
    for (size_t i = 0; i < LF_COUNT(text); i++)
        q = write_text(q, text[i]);
    b->n = (size_t)(q - b->p);
}

bool packet_get(lf_text bytes, struct packet_body *p)
{
    struct in in = in_of(bytes.p, bytes.n);
    p->received.ms = get_zig(&in);
    p->at.ms = get_zig(&in);
    p->pnum = get_zig(&in);
    p->pno = get_zig(&in);
    p->readings = (int64_t)get_var(&in);
    p->qn = get_text(&in);
    p->st = get_text(&in);
    p->cn = get_text(&in);
    p->peer = get_text(&in);
    p->note = get_text(&in);
    p->raw = get_text(&in);
    return !in.bad && in.p == in.end;
}

static uint64_t text_sum(lf_text t) { return XXH3_64bits(t.p ? t.p : "", t.n); }

uint64_t packet_print(int64_t station, lf_ms at, int64_t pno, lf_text cn, lf_text qn, lf_text raw)
{
    const uint64_t all[] = { (uint64_t)station, (uint64_t)at.ms, (uint64_t)pno, text_sum(cn), text_sum(qn), text_sum(raw) };
    return XXH3_64bits(all, sizeof all);
}

void packet_stored(const struct packet_body *p, int64_t station, int64_t id, struct lf_arena *a, struct lf_tele_stored_packet *out)
{
    *out = (struct lf_tele_stored_packet){ .id = { id },
                                           .station = { station },
                                           .received = p->received,
                                           .at = p->at,
                                           .qn = lf_text_copy(a, p->qn),
                                           .cn = lf_text_copy(a, p->cn),
                                           .peer = lf_text_copy(a, p->peer),
                                           .note = lf_text_copy(a, p->note),
                                           .raw = lf_text_copy(a, p->raw),
                                           .readings = p->readings };
}

/* ---- what was refused --------------------------------------------------------------------------------- */

void reject_put(struct buf *b, const struct lf_tele_reject *r)
{
    put_zig(b, r->received.ms);
    put_zig(b, r->station.v);
    put_text(b, lf_str(lf_tele_why_name(r->why))); /* the word: numbers of reasons may change */
    put_text(b, r->mn);
    put_text(b, r->cn);
    put_text(b, r->peer);
    put_text(b, r->detail);
    put_text(b, r->raw);
    put_var(b, r->size);
}

bool reject_get(lf_text bytes, int64_t id, struct lf_arena *a, struct lf_tele_stored_reject *out)
{
    struct in in = in_of(bytes.p, bytes.n);
    *out = (struct lf_tele_stored_reject){ .id = { id }, .received = { get_zig(&in) } };
    get_zig(&in);
    out->reason = lf_text_copy(a, get_text(&in));
    out->mn = lf_text_copy(a, get_text(&in));
    out->cn = lf_text_copy(a, get_text(&in));
    out->peer = lf_text_copy(a, get_text(&in));
    out->detail = lf_text_copy(a, get_text(&in));
    out->raw = lf_text_copy(a, get_text(&in));
    out->size = (int64_t)get_var(&in);
    return !in.bad && in.p == in.end;
}

lf_ms reject_received(lf_text bytes)
{
    struct in in = in_of(bytes.p, bytes.n);
    return (lf_ms){ get_zig(&in) };
}

/* ---- corrections ---------------------------------------------------------------------------------------- */

uint8_t cols_mask(const double col[COLUMNS])
{
    unsigned mask = 0;
    for (unsigned c = 0; c < COLUMNS; c++)
        mask |= (unsigned)!isnan(col[c]) << c;
    return (uint8_t)mask;
}

void cols_put(struct buf *b, uint8_t mask, const double col[COLUMNS])
{
    for (unsigned c = 0; c < COLUMNS; c++)
        if (mask >> c & 1)
            put_f64(b, col[c]);
}

void cols_get(struct in *in, uint8_t mask, double col[COLUMNS])
{
    for (unsigned c = 0; c < COLUMNS; c++)
        col[c] = mask >> c & 1 ? get_f64(in) : (double)NAN;
}

struct point point_of_reading(const struct lf_tele_reading *r)
{
    struct point p = { .at = r->at.ms, .col = { r->value, r->vmin, r->vmax, r->cou, r->zs }, .flag = flag_pack(r->flag) };
    for (int c = 0; c < COLUMNS; c++)
        if (isnan(p.col[c]))
            p.col[c] = (double)NAN; /* one NaN, so that an absent column costs nothing */
    return p;
}

void point_to_reading(const struct point *p, struct lf_tele_reading *r)
{
    r->at.ms = p->at;
    r->value = p->col[COL_VALUE], r->vmin = p->col[COL_MIN], r->vmax = p->col[COL_MAX], r->cou = p->col[COL_COU], r->zs = p->col[COL_ZS];
    r->flag = flag_text(&p->flag);
}

void correction_put(struct buf *b, enum lf_tele_kind kind, lf_text factor, const struct point *was, lf_ms replaced, int64_t by)
{
    uint8_t mask = cols_mask(was->col);
    put_zig(b, replaced.ms);
    put_zig(b, by);
    put_text(b, lf_str(lf_tele_kind_name(kind)));
    put_text(b, factor);
    put_zig(b, was->at);
    put_u64(b, was->flag);
    put_u8(b, mask);
    cols_put(b, mask, was->col);
}

bool correction_get(lf_text bytes, int64_t station, struct lf_arena *a, struct lf_tele_correction *out)
{
    struct in in = in_of(bytes.p, bytes.n);
    struct point was;
    *out = (struct lf_tele_correction){ .was.station = { station } };
    out->replaced.ms = get_zig(&in);
    out->by_packet.v = get_zig(&in);
    bool known = lf_tele_kind_parse(get_text(&in), &out->was.kind);
    out->was.factor = lf_text_copy(a, get_text(&in));
    was.at = get_zig(&in);
    was.flag = get_u64(&in);
    cols_get(&in, get_u8(&in), was.col);
    if (was.flag >> 56 > FLAG_BYTES + 1)
        return false;
    point_to_reading(&was, &out->was);
    out->was.flag = lf_text_copy(a, out->was.flag);
    return known && !in.bad && in.p == in.end;
}
