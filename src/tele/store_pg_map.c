/* store_pg_map.c - what the store knows without asking: an open hash of channels, commands and the readings of a batch. */
#include "tele/store_pg.h"

static uint64_t mix(uint64_t h, uint64_t v) { return (h ^ v) * 0x9e3779b97f4a7c15u; }

static uint32_t hash_of(const struct pg_key *k)
{
    uint64_t h = mix(mix((uint64_t)k->station, (uint64_t)k->kind) ^ 0x51, (uint64_t)k->at);
    uint32_t i = 0;
    for (; i + 8 <= k->name.n; i += 8) {
        uint64_t w;
        memcpy(&w, k->name.p + i, 8);
        h = mix(h ^ h >> 29, w);
    }
    for (; i < k->name.n; i++)
        h = mix(h, (unsigned char)k->name.p[i]);
    return (uint32_t)(h >> 32);
}

static bool same(const struct pg_key *a, const struct pg_key *b)
{
    return a->station == b->station && a->at == b->at && a->kind == b->kind && lf_text_eq(a->name, b->name);
}

static uint32_t *slot_of(const struct pg_map *m, const struct pg_key *k)
{
    uint32_t i = hash_of(k) & (m->nslot - 1);
    while (m->slot[i] && !same(&m->e[m->slot[i] - 1].key, k))
        i = (i + 1) & (m->nslot - 1);
    return &m->slot[i];
}

struct pg_entry *pg_map_find(const struct pg_map *m, const struct pg_key *k)
{
    if (!m->n)
        return NULL;
    uint32_t at = *slot_of(m, k);
    return at ? &m->e[at - 1] : NULL;
}

static void grow(struct pg_map *m)
{
    m->cap = m->cap ? 2 * m->cap : 64;
    m->nslot = 2 * m->cap;
    m->e = lf_renew(m->e, m->cap * sizeof *m->e);
    lf_release(m->slot);
    m->slot = lf_new(m->nslot * sizeof *m->slot);
    for (uint32_t i = 0; i < m->n; i++)
        *slot_of(m, &m->e[i].key) = i + 1;
}

struct pg_entry *pg_map_put(struct pg_map *m, const struct pg_key *k, struct lf_arena *names, bool *made)
{
    if (m->n == m->cap)
        grow(m);
    uint32_t *slot = slot_of(m, k);
    *made = !*slot;
    if (*slot)
        return &m->e[*slot - 1];
    struct pg_entry *e = &m->e[m->n++];
    *slot = m->n;
    *e = (struct pg_entry){ .key = *k };
    if (names)
        e->key.name = lf_text_copy(names, k->name);
    return e;
}

void pg_map_clear(struct pg_map *m)
{
    if (m->n)
        memset(m->slot, 0, m->nslot * sizeof *m->slot);
    m->n = 0;
}

void pg_map_free(struct pg_map *m)
{
    lf_release(m->slot);
    lf_release(m->e);
    *m = (struct pg_map){ 0 };
}

/* ---- the newest of everything ------------------------------------------------------------------------ */

void pg_known_newer(struct pg_known *was, const struct pg_known *k)
{
    if (k->at > was->at || (k->at == was->at && k->packet >= was->packet))
        *was = *k;
}

void pg_state_channel(struct pg_state *s, const struct pg_key *channel, const struct pg_known *k)
{
    bool made;
    struct pg_entry *e = pg_map_put(&s->channel, channel, &s->names, &made);
    if (made) {
        bool first;
        struct pg_entry *head = pg_map_put(&s->station, &(struct pg_key){ .station = channel->station }, NULL, &first);
        e->before = head->before;
        head->before = s->channel.n;
    }
    if (made)
        e->known = *k;
    else
        pg_known_newer(&e->known, k);
}

void pg_state_mark(struct pg_state *s, int64_t station, lf_text cn, int64_t at)
{
    bool made;
    struct pg_entry *e = pg_map_put(&s->mark, &(struct pg_key){ .station = station, .name = cn }, &s->names, &made);
    if (made || at > e->known.at)
        e->known.at = at;
}

void pg_state_free(struct pg_state *s)
{
    pg_map_free(&s->channel);
    pg_map_free(&s->mark);
    pg_map_free(&s->station);
    lf_arena_free(&s->names);
}
