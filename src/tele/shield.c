#include "tele/shield.h"

#include <stdatomic.h>

struct lf_shield {
    struct lf_arena arena;
    atomic_int users;
    size_t n, mask;
    struct entry {
        struct lf_tele_decision d;
        uint32_t before; /* the decision before it about the same station: index + 1 */
    } * entry;
    uint32_t *slot; /* by station: its last decision, index + 1; 0 = empty */
};

static size_t slot_of(const struct lf_shield *s, int64_t station)
{
    size_t at = ((uint64_t)station * 0x9e3779b97f4a7c15u >> 32) & s->mask;
    while (s->slot[at] && s->entry[s->slot[at] - 1].d.station.v != station)
        at = (at + 1) & s->mask;
    return at;
}

struct lf_shield *lf_shield_make(const struct lf_tele_decision *list, size_t n)
{
    struct lf_shield *s = lf_new(sizeof *s);
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    atomic_init(&s->users, 1);
    s->mask = slots - 1;
    s->slot = lf_alloc(&s->arena, slots * sizeof *s->slot);
    s->entry = lf_alloc(&s->arena, n * sizeof *s->entry + 1);
    for (s->n = 0; s->n < n; s->n++) {
        size_t at = slot_of(s, list[s->n].station.v);
        s->entry[s->n] = (struct entry){ list[s->n], s->slot[at] };
        s->entry[s->n].d.factor = lf_text_copy(&s->arena, list[s->n].factor);
        s->slot[at] = (uint32_t)s->n + 1;
    }
    return s;
}

struct lf_shield *lf_shield_ref(struct lf_shield *s)
{
    if (s)
        atomic_fetch_add(&s->users, 1);
    return s;
}

void lf_shield_unref(struct lf_shield *s)
{
    if (!s || atomic_fetch_sub(&s->users, 1) > 1)
        return;
    struct lf_arena arena = s->arena;
    lf_arena_free(&arena);
    lf_release(s);
}

lf_id lf_shield_holds(const struct lf_shield *s, const struct lf_tele_reading *r)
{
    for (uint32_t i = s && !r->ours ? s->slot[slot_of(s, r->station.v)] : 0; i; i = s->entry[i - 1].before) {
        const struct lf_tele_decision *d = &s->entry[i - 1].d;
        if (d->kind == r->kind && r->at.ms >= d->from.ms && r->at.ms < d->to.ms && lf_text_eq(d->factor, r->factor))
            return d->lifted ? (lf_id){ 0 } : d->by;
    }
    return (lf_id){ 0 };
}

static void hold(struct lf_tele_batch *b, size_t packet, const struct lf_tele_reading *r, lf_id by)
{
    struct lf_tele_packet *p = &b->packet[packet];
    p->note = lf_str(
        lf_printf(&b->arena, "%.*s%sreviewed %.*s", (int)p->note.n, p->note.p, p->note.n ? ", " : "", (int)r->factor.n, r->factor.p));
    *lf_tele_add_held(b) = (struct lf_tele_held){ .r = *r, .packet = packet, .by = by };
}

void lf_shield_apply(const struct lf_shield *s, struct lf_tele_batch *b)
{
    size_t kept = 0;
    if (!s || !s->n)
        return;
    for (size_t i = 0; i < b->npacket; i++) { /* their readings follow one another as they do */
        struct lf_tele_packet *p = &b->packet[i];
        size_t first = kept;
        bool any = s->slot[slot_of(s, p->station.v)] != 0;
        for (size_t k = p->first; k < p->first + p->n; k++) {
            lf_id by = any ? lf_shield_holds(s, &b->reading[k]) : (lf_id){ 0 };
            if (by.v)
                hold(b, i, &b->reading[k], by);
            else if (kept++ != k)
                b->reading[kept - 1] = b->reading[k];
        }
        p->first = first;
        p->n = kept - first;
    }
    b->nreading = kept;
}
