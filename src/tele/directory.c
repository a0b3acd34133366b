#include "tele/directory.h"
#include "base/arena.h"
#include "hj212/sm4.h"

#include <stdatomic.h>

const char *lf_tele_tolerate_name(unsigned bit)
{
    static const char *const names[LF_TOLERATE_COUNT] = { "crc_modbus", "length", "tail", "pw", "plain", "ug", "mg", "ack", "heartbeat" };
    return bit < LF_TOLERATE_COUNT ? names[bit] : "unknown";
}

struct lf_directory {
    struct lf_arena arena;
    atomic_int users;
    uint64_t serial;
    struct lf_tele_station *station;
    size_t n, mask;
    uint32_t *slot; /* open addressing; index + 1, 0 = empty; twice as many slots as stations, or more */
    unsigned tolerates;
};

static size_t hash(lf_text t)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (uint32_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of mn, or the empty one where it belongs. */
static size_t slot_of(const struct lf_directory *d, lf_text mn)
{
    size_t at = hash(mn) & d->mask;
    while (d->slot[at] && !lf_text_eq(d->station[d->slot[at] - 1].mn, mn))
        at = (at + 1) & d->mask;
    return at;
}

static struct lf_tele_station copy_of(struct lf_arena *a, const struct lf_tele_station *from)
{
    struct lf_tele_station s = *from;
    s.mn = lf_text_copy(a, s.mn);
    s.pw = s.pw.p ? lf_text_copy(a, s.pw) : s.pw;
    s.pw_next = s.pw_next.n ? lf_text_copy(a, s.pw_next) : (lf_text){ 0 };
    s.key = s.key.n == HJ212_KEY_SIZE ? lf_text_copy(a, s.key) : (lf_text){ 0 };
    s.grid_code = lf_text_copy(a, s.grid_code);
    struct lf_tele_scale *scale = lf_alloc(a, s.nscale * sizeof *scale);
    for (size_t i = 0; i < s.nscale; i++)
        scale[i] = (struct lf_tele_scale){ lf_text_copy(a, from->scale[i].factor), from->scale[i].times,
                                           from->scale[i].unit.n ? lf_text_copy(a, from->scale[i].unit) : (lf_text){ 0 } };
    s.scale = scale;
    return s;
}

struct lf_directory *lf_directory_make(const struct lf_tele_station *list, size_t n)
{
    struct lf_directory *d = lf_new(sizeof *d);
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    static atomic_ullong made;
    atomic_init(&d->users, 1);
    d->serial = atomic_fetch_add(&made, 1) + 1;
    d->mask = slots - 1;
    d->slot = lf_alloc(&d->arena, slots * sizeof *d->slot);
    d->station = lf_alloc(&d->arena, n * sizeof *d->station + 1);
    for (size_t i = 0; i < n; i++) {
        size_t at = slot_of(d, list[i].mn);
        if (!list[i].mn.n || d->slot[at])
            continue; /* the table of stations has a unique MN; if it had not, the first would count */
        d->station[d->n] = copy_of(&d->arena, &list[i]);
        d->tolerates |= d->station[d->n].tolerate;
        d->slot[at] = (uint32_t)++d->n;
    }
    return d;
}

lf_text lf_directory_unit(const struct lf_directory *d, lf_text mn, lf_text factor)
{
    const struct lf_tele_station *s = d ? lf_directory_find(d, mn) : NULL;
    const struct hj212_factor *f = hj212_factor_find(factor);
    for (size_t i = 0; s && i < s->nscale; i++)
        if (s->scale[i].unit.n && lf_text_eq(s->scale[i].factor, factor))
            return s->scale[i].unit;
    return lf_str(f ? f->unit : NULL);
}

struct lf_directory *lf_directory_ref(struct lf_directory *d)
{
    atomic_fetch_add(&d->users, 1);
    return d;
}

void lf_directory_unref(struct lf_directory *d)
{
    if (!d || atomic_fetch_sub(&d->users, 1) > 1)
        return;
    struct lf_arena arena = d->arena;
    lf_arena_free(&arena);
    lf_release(d);
}

const struct lf_tele_station *lf_directory_find(const struct lf_directory *d, lf_text mn)
{
    uint32_t i = mn.n ? d->slot[slot_of(d, mn)] : 0;
    return i ? &d->station[i - 1] : NULL;
}

unsigned lf_directory_tolerates(const struct lf_directory *d) { return d->tolerates; }
uint64_t lf_directory_serial(const struct lf_directory *d) { return d->serial; }
size_t lf_directory_count(const struct lf_directory *d) { return d->n; }
