#include "tele/log/mem.h"

#include <stdlib.h>

enum { RUN_FIRST = 4, RUN_MAX = 256, RUN_ALONG = 16 };

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

uint64_t series_hash(int64_t station, enum lf_tele_kind kind, lf_text factor)
{
    uint64_t h = mix((uint64_t)station * 8 + (uint64_t)kind), w = 0;
    for (; factor.n > 8; factor.p += 8, factor.n -= 8) {
        memcpy(&w, factor.p, 8);
        h = mix(h ^ w);
    }
    w = 0;
    if (factor.n)
        memcpy(&w, factor.p, factor.n);
    return mix(h ^ w ^ (uint64_t)factor.n << 56);
}

static void *new_slots(size_t mask) { return lf_new((mask + 1) * sizeof(void *)); }

void mem_init(struct mem *m)
{
    *m = (struct mem){ .series_mask = 255, .station_mask = 63, .part_mask = 63 };
    m->series = new_slots(m->series_mask);
    m->station = new_slots(m->station_mask);
    m->part = new_slots(m->part_mask);
    for (int c = 0; c < RECORD_CLASSES; c++)
        m->next_id[c] = 1;
}

/* ---- registry ------------------------------------------------------------------------------------------ */

struct series *mem_find_series(const struct mem *m, int64_t station, enum lf_tele_kind kind, lf_text factor)
{
    uint64_t h = series_hash(station, kind, factor);
    struct series *s = m->series[h & m->series_mask];
    while (s && !(s->hash == h && s->station->id == station && s->kind == kind && lf_text_eq(s->factor, factor)))
        s = s->chain;
    return s;
}

static void grow_series(struct mem *m)
{
    size_t mask = m->series_mask * 2 + 1;
    struct series **slot = new_slots(mask);
    for (size_t i = 0; i <= m->series_mask; i++)
        for (struct series *s = m->series[i], *next; s; s = next) {
            next = s->chain;
            s->chain = slot[s->hash & mask];
            slot[s->hash & mask] = s;
        }
    lf_release(m->series);
    m->series = slot;
    m->series_mask = mask;
}

struct series *mem_series(struct mem *m, int64_t station, enum lf_tele_kind kind, lf_text factor)
{
    struct series *s = mem_find_series(m, station, kind, factor);
    if (s)
        return s;
    if (m->nseries > m->series_mask)
        grow_series(m);
    s = lf_alloc(&m->arena, sizeof *s);
    s->hash = series_hash(station, kind, factor);
    s->station = mem_station(m, station);
    s->kind = kind;
    s->factor = lf_text_copy(&m->arena, factor);
    s->chain = m->series[s->hash & m->series_mask];
    m->series[s->hash & m->series_mask] = s;
    s->of_station = s->station->series;
    s->station->series = s;
    s->station->nseries++;
    m->nseries++;
    return s;
}

struct station *mem_find_station(const struct mem *m, int64_t id)
{
    struct station *s = m->station[mix((uint64_t)id) & m->station_mask];
    while (s && s->id != id)
        s = s->chain;
    return s;
}

static void grow_stations(struct mem *m)
{
    size_t mask = m->station_mask * 2 + 1;
    struct station **slot = new_slots(mask);
    for (size_t i = 0; i <= m->station_mask; i++)
        for (struct station *s = m->station[i], *next; s; s = next) {
            struct station **to = &slot[mix((uint64_t)s->id) & mask];
            next = s->chain;
            s->chain = *to;
            *to = s;
        }
    lf_release(m->station);
    m->station = slot;
    m->station_mask = mask;
}

struct station *mem_station(struct mem *m, int64_t id)
{
    struct station *s = mem_find_station(m, id);
    if (s)
        return s;
    if (m->nstation > m->station_mask)
        grow_stations(m);
    struct station **to = &m->station[mix((uint64_t)id) & m->station_mask];
    s = lf_alloc(&m->arena, sizeof *s);
    s->id = id;
    s->chain = *to;
    *to = s;
    m->nstation++;
    return s;
}

struct channel *mem_channel(struct mem *m, struct station *s, lf_text cn, bool make)
{
    struct channel *c = s->channel;
    while (c && !lf_text_eq(c->cn, cn))
        c = c->next;
    if (!c && make) {
        c = lf_alloc(&m->arena, sizeof *c);
        c->station = s;
        c->newest = INT64_MIN;
        c->cn = lf_text_copy(&m->arena, cn);
        c->next = s->channel;
        s->channel = c;
    }
    return c;
}

/* ---- points -------------------------------------------------------------------------------------------------- */

void mem_latest(struct series *s, const struct point *p, lf_ms received)
{
    if (s->known && p->at < s->latest.at)
        return;
    s->latest = *p;
    s->received = received;
    s->known = true;
}

/* The newest points go along, so that what comes a little late still finds its place among them. */
static struct run *next_run(struct memtable *t, struct in_table *l)
{
    struct run *full = l->tail;
    uint32_t cap = full ? full->cap * 2 : RUN_FIRST;
    cap = cap > RUN_MAX ? RUN_MAX : cap;
    struct run *r = l->tail = lf_alloc(&t->arena, sizeof *r + cap * sizeof r->p[0]);
    r->cap = cap;
    if (!full) {
        l->head = r;
        return r;
    }
    full->next = r;
    r->n = full->n / 2 < RUN_ALONG ? full->n / 2 : RUN_ALONG;
    full->n -= r->n;
    if (r->n)
        memcpy(r->p, &full->p[full->n], r->n * sizeof r->p[0]);
    if (full == l->head || run_last(full) > l->before)
        l->before = run_last(full);
    return r;
}

/* How many of the run are not later than `at`. */
static uint32_t upto(const struct run *r, int64_t at)
{
    uint32_t lo = 0, hi = r->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->p[mid].at <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void add_point(struct mem *m, struct series *s, const struct point *p)
{
    struct memtable *t = &m->table[m->active];
    struct in_table *l = &s->mem[m->active];
    struct run *r = l->tail && l->tail->n < l->tail->cap ? l->tail : next_run(t, l);
    uint32_t i = r->n && p->at < run_last(r) ? upto(r, p->at) : r->n;
    l->unsorted |= (i > 0 && r->p[i - 1].at == p->at) || (r != l->head && p->at <= l->before);
    if (i < r->n)
        memmove(&r->p[i + 1], &r->p[i], (r->n - i) * sizeof r->p[0]);
    r->p[i] = (struct mpoint){ .at = p->at, .value = p->col[COL_VALUE], .flag = p->flag };
    if (cols_mask(p->col) & ~1)
        r->p[i].more = lf_copy(&t->arena, &p->col[1], (COLUMNS - 1) * sizeof p->col[0]);
    r->n++;
    l->n++;
    t->npoint++;
}

static bool find_in(const struct series *s, int table, int64_t at, struct point *out)
{
    const struct mpoint *found = NULL;
    const struct in_table *l = &s->mem[table];
    for (const struct run *r = l->head; r; r = r->next) {
        if (at < run_first(r) || at > run_last(r))
            continue;
        uint32_t n = upto(r, at);
        if (r->p[n - 1].at == at)
            found = &r->p[n - 1];
        if (!l->unsorted)
            break;
    }
    if (found)
        *out = point_of(found);
    return found != NULL;
}

bool mem_find_point(const struct mem *m, const struct series *s, int64_t at, struct point *out)
{
    return find_in(s, m->active, at, out) || find_in(s, 1 - m->active, at, out);
}

struct came {
    struct point p;
    size_t order;
};

static int by_time(const void *a, const void *b)
{
    const struct came *x = a, *y = b;
    return x->p.at != y->p.at ? (x->p.at < y->p.at ? -1 : 1) : x->order < y->order ? -1 : 1;
}

/* Sorts what came out of order; of equal times the one that came last stays. */
static size_t put_in_order(struct point *p, size_t n)
{
    struct came *c = lf_new(n * sizeof *c);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        c[i] = (struct came){ p[i], i };
    qsort(c, n, sizeof *c, by_time);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || c[i + 1].p.at != c[i].p.at)
            p[k++] = c[i].p;
    lf_release(c);
    return k;
}

struct point *mem_points(const struct series *s, int table, int64_t from, int64_t to, size_t *n)
{
    const struct in_table *l = &s->mem[table];
    struct point *p = lf_new((l->n + 1) * sizeof *p);
    *n = 0;
    for (const struct run *r = l->head; r; r = r->next)
        for (uint32_t i = 0; i < r->n; i++)
            if (r->p[i].at >= from && r->p[i].at < to)
                p[(*n)++] = point_of(&r->p[i]);
    if (l->unsorted && *n)
        *n = put_in_order(p, *n);
    return p;
}

/* ---- records --------------------------------------------------------------------------------------------------- */

static void put_print(struct memtable *t, uint32_t index)
{
    size_t i = (size_t)t->rec[0][index].print & t->print_mask;
    while (t->print[i])
        i = (i + 1) & t->print_mask;
    t->print[i] = index + 1;
}

/* The hash is made when somebody asks: nobody does while stations send in order. */
static void catch_up(struct memtable *t)
{
    if (!t->print || t->nrec[0] * 2 > t->print_mask) {
        lf_release(t->print);
        t->print_mask = t->print ? t->print_mask : 255;
        while (t->nrec[0] * 2 > t->print_mask)
            t->print_mask = t->print_mask * 2 + 1;
        t->print = lf_new((t->print_mask + 1) * sizeof *t->print);
        t->nprint = 0;
    }
    for (; t->nprint < t->nrec[0]; t->nprint++)
        put_print(t, (uint32_t)t->nprint);
}

bool mem_has_print(struct memtable *t, uint64_t print)
{
    if (!t->nrec[0])
        return false;
    catch_up(t);
    for (size_t i = (size_t)print & t->print_mask; t->print[i]; i = (i + 1) & t->print_mask)
        if (t->rec[0][t->print[i] - 1].print == print)
            return true;
    return false;
}

static void add_record(struct mem *m, int cls, struct station *s, struct mrecord r)
{
    struct memtable *t = &m->table[m->active];
    uint32_t *last = &s->last[m->active][cls];
    if (t->nrec[cls] == t->cap_rec[cls])
        t->rec[cls] = lf_renew(t->rec[cls], (t->cap_rec[cls] = t->cap_rec[cls] * 2 + 64) * sizeof r);
    r.before = *last;
    t->rec[cls][t->nrec[cls]++] = r;
    *last = (uint32_t)t->nrec[cls];
    if (r.id >= m->next_id[cls])
        m->next_id[cls] = r.id + 1;
}

static bool read_packet(int64_t station, lf_text body, struct packet_body *b, uint64_t *print)
{
    if (!packet_get(body, b))
        return false;
    *print = packet_print(station, b->at, b->pno, b->cn, b->qn, b->raw);
    return true;
}

/* What the body says, when the hint knows it: all but texts that are not needed here. */
static void hinted_packet(const struct packet_hint *h, struct packet_body *b, uint64_t *print)
{
    const struct lf_tele_packet *p = h->packet;
    *b = (struct packet_body){ .received = p->received, .at = p->at, .pnum = p->pnum, .pno = p->pno, .cn = p->cn };
    *print = h->print;
}

static bool take_packet(struct mem *m, struct mrecord *r, lf_text body, lf_ms heard, const struct packet_hint *h)
{
    struct packet_body b;
    if (h)
        hinted_packet(h, &b, &r->print);
    else if (!read_packet(r->station, body, &b, &r->print))
        return false;
    r->when = b.at.ms ? b.at.ms : b.received.ms;
    struct channel *c = h && h->channel ? h->channel : mem_channel(m, mem_station(m, r->station), b.cn, true);
    c->newest = b.at.ms > c->newest ? b.at.ms : c->newest;
    if (b.pnum > 0)
        mem_part(m, r->station, &b, heard);
    add_record(m, 0, c->station, *r);
    return true;
}

static bool take_records(struct mem *m, struct in *in, int cls, uint32_t n, struct mrecord like, lf_text body, uint64_t at, lf_ms heard,
                         const struct packet_hint *h)
{
    for (uint32_t i = 0; i < n; i++) {
        struct mrecord r = like;
        r.station = get_zig(in);
        r.id = (int64_t)get_var(in);
        r.n = get_u32(in);
        const uint8_t *p = get_bytes(in, r.n);
        if (!p || r.id <= 0)
            return false;
        lf_text t = { (const char *)p, r.n };
        r.at = at + (uint64_t)(t.p - body.p);
        if (cls > 0) {
            r.print = io_sum(t.p, t.n);
            r.when = record_when((uint32_t)cls + CLASS_RECORDS, t).ms;
            add_record(m, cls, mem_station(m, r.station), r);
        } else if (!take_packet(m, &r, t, heard, h ? &h[i] : NULL)) {
            return false;
        }
    }
    return true;
}

static bool take_reading(struct mem *m, struct in *in, lf_ms heard, struct series *s)
{
    struct point p;
    int64_t station = get_zig(in);
    uint8_t kind = get_u8(in), mask = get_u8(in), flag = get_u8(in);
    if (flag > FLAG_BYTES + 1)
        return false;
    p.flag = get_flag(in, flag);
    lf_text factor = get_text(in);
    p.at = get_zig(in);
    cols_get(in, mask, p.col);
    if (in->bad || kind >= LF_TELE_KIND_COUNT || !factor.p)
        return false;
    if (!s)
        s = mem_series(m, station, (enum lf_tele_kind)kind, factor);
    add_point(m, s, &p);
    mem_latest(s, &p, heard);
    return true;
}

static uint32_t journal_index(struct memtable *t, struct journal *j)
{
    if (!t->njournal || t->journal[t->njournal - 1] != j) {
        t->journal = lf_renew(t->journal, (t->njournal + 1) * sizeof *t->journal);
        t->journal[t->njournal++] = journal_ref(j);
    }
    return t->njournal - 1;
}

/* The series of a station are spread over the memory: what the next readings will touch is asked for early. */
enum { AHEAD = 6 };
static void fetch(const struct series *s, int table)
{
    __builtin_prefetch(&s->mem[table], 1);
    __builtin_prefetch(&s->latest, 1);
}

bool mem_publish(struct mem *m, struct journal *j, lf_text body, uint64_t at, const struct hints *h)
{
    struct memtable *t = &m->table[m->active];
    struct in in = in_of(body.p, body.n);
    struct mrecord like = { .journal = journal_index(t, j) };
    uint32_t n[RECORD_CLASSES];
    lf_ms heard = { (int64_t)get_u64(&in) };
    for (int c = 0; c < RECORD_CLASSES; c++)
        n[c] = get_u32(&in);
    uint32_t readings = get_u32(&in);
    if (!t->began)
        t->began = lf_now().ms;
    t->bytes += body.n;
    for (int c = 0; c < RECORD_CLASSES; c++)
        if (!take_records(m, &in, c, n[c], like, body, at, heard, h && c == 0 ? h->packet : NULL))
            return false;
    for (uint32_t i = 0; i < readings; i++) {
        if (h && i + AHEAD < readings)
            fetch(h->series[i + AHEAD], m->active);
        if (!take_reading(m, &in, heard, h ? h->series[i] : NULL))
            return false;
    }
    return !in.bad && in.p == in.end;
}

struct memtable mem_detach(struct mem *m, int table)
{
    struct memtable t = m->table[table];
    for (size_t i = 0; i <= m->series_mask; i++)
        for (struct series *s = m->series[i]; s; s = s->chain)
            memset(&s->mem[table], 0, sizeof s->mem[table]);
    for (size_t i = 0; i <= m->station_mask; i++)
        for (struct station *s = m->station[i]; s; s = s->chain)
            memset(s->last[table], 0, sizeof s->last[table]);
    m->table[table] = (struct memtable){ .njournal = 0 };
    return t;
}

void memtable_free(struct memtable *t)
{
    for (int c = 0; c < RECORD_CLASSES; c++)
        lf_release(t->rec[c]);
    for (uint32_t i = 0; i < t->njournal; i++)
        journal_unref(t->journal[i]);
    lf_release(t->journal);
    lf_release(t->print);
    lf_arena_free(&t->arena);
}

void mem_free(struct mem *m)
{
    memtable_free(&m->table[0]);
    memtable_free(&m->table[1]);
    for (size_t i = 0; i <= m->part_mask; i++)
        for (struct part *p = m->part[i], *next; p; p = next) {
            next = p->chain;
            lf_release(p);
        }
    lf_release(m->series);
    lf_release(m->station);
    lf_release(m->part);
    lf_arena_free(&m->arena);
}
