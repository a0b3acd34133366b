#include "tele/shape.h"

#include "hj212/number.h"

enum {
    ITEMS = 128,      /* more in one packet are not remembered */
    NAMES = 1100,     /* bytes of all their names */
    BUCKETS = 256,    /* of the table of shapes */
    SLOTS_LEAST = 64, /* headers: three for each station, within these bounds */
    SLOTS_MOST = 32768,
    LINE = 64,               /* bytes of the cache that come together */
    PROBES = 4,              /* slots where a header may be */
    SHAPES_LEAST = 64 << 10, /* bytes of shapes, and more for each station: most of one kind share theirs */
    SHAPES_STATION = 512,
    RESTART = 1 << 16 /* packets between two times that full shapes are given up for new ones */
};

/* What an item came to. In front of its value stands its name, with the '=' and all there is behind the separator before it. */
struct item {
    double times;
    const char *factor;      /* opens a reading: the static code; NULL: code_n bytes of the name at code_at */
    uint8_t code_at, code_n; /* code_n 0: opens none */
    uint8_t name_n, reading, column;
};

/* The items of a CP in order. Shared by all headers under which the same was found. */
struct lf_shape {
    struct lf_shape *chain;
    uint64_t hash;
    unsigned forgiven;
    uint32_t unknown_stats;
    uint32_t n, nreading;     /* items; readings that they open */
    uint32_t names_n, tail_n; /* names_n: with the tail, what stands behind the last separator */
    const char *names;
    struct item item[];
};

struct lf_shapes {
    uint64_t directory;    /* its serial; 0 = none yet */
    uint32_t generation;   /* counts forgettings: headers of another one are not known any more */
    struct lf_known *slot; /* within memory, at the beginning of a line of the cache */
    void *memory;
    size_t mask;
    struct lf_shape *bucket[BUCKETS];
    struct lf_arena arena; /* shapes */
    size_t used, most;     /* bytes of them */
    struct lf_shapes_told told;
    uint64_t began; /* told.packets when it last forgot */
    bool met_day;   /* is there a date that was met last? It and when it began: */
    char day[8];
    int64_t day_ms;
    struct { /* the CP that is being read item by item */
        bool tracing, fits;
        uint32_t n, names_n;
        struct item item[ITEMS];
        char names[NAMES];
    } t;
};

struct lf_shapes *lf_shapes_new(void) { return lf_new(sizeof(struct lf_shapes)); }

void lf_shapes_free(struct lf_shapes *m)
{
    if (!m)
        return;
    lf_arena_free(&m->arena);
    lf_release(m->memory);
    lf_release(m);
}

struct lf_shapes_told lf_shapes_tell(const struct lf_shapes *m)
{
    struct lf_shapes_told t = m->told;
    t.bytes = sizeof *m + m->arena.total + (m->slot ? (m->mask + 1) * sizeof *m->slot : 0);
    return t;
}

/* ---- headers ---------------------------------------------------------------------------------- */

static void forget(struct lf_shapes *m)
{
    m->generation++;
    m->used = 0;
    m->began = m->told.packets;
    memset(m->bucket, 0, sizeof m->bucket);
    lf_arena_reset(&m->arena);
}

static void meet(struct lf_shapes *m, const struct lf_directory *d)
{
    size_t slots = SLOTS_LEAST, n = lf_directory_count(d);
    while (slots < 3 * n && slots < SLOTS_MOST)
        slots *= 2;
    if (!m->slot || slots != m->mask + 1) {
        lf_release(m->memory);
        m->memory = lf_new(slots * sizeof *m->slot + LINE);
        m->slot = (struct lf_known *)(((uintptr_t)m->memory + LINE - 1) & ~(uintptr_t)(LINE - 1));
        m->mask = slots - 1;
    }
    m->most = SHAPES_LEAST + SHAPES_STATION * (n < SLOTS_MOST ? n : SLOTS_MOST);
    m->directory = lf_directory_serial(d);
    forget(m);
}

_Static_assert(sizeof(struct lf_known) == 3 * LINE, "a header takes whole lines of the cache");

/* A segment of the usual form: QN first or not at all, one CP that ends it. text: the header behind the digits of QN, to "CP=&&". */
struct cut {
    lf_text qn, text, cp;
};

static bool cut_of(lf_text s, struct cut *c)
{
    uint32_t at = 0;
    c->qn = (lf_text){ NULL, 0 };
    if (s.n < 24 || s.p[s.n - 1] != '&' || s.p[s.n - 2] != '&')
        return false;
    if (memcmp(s.p, "QN=", 3) == 0) {
        for (at = s.p[20] == ';' && hj212_all_digits(s.p + 3, 17) ? 20 : 3; at < 24 && s.p[at] >= '0' && s.p[at] <= '9'; at++)
            ;
        if (at < 3 + 12 || at > 3 + 20)
            return false;
        c->qn = (lf_text){ s.p + 3, at - 3 };
    }
    const char *amp = memchr(s.p + at, '&', s.n - at);
    uint32_t n = (uint32_t)(amp - s.p); /* of the header with "CP=" */
    if (n + 4 > s.n || n < at + 3 + 16 || n - 3 - at > sizeof((struct lf_known *)0)->text || memcmp(amp - 3, "CP=&&", 5) != 0)
        return false;
    c->text = (lf_text){ s.p + at, n - 3 - at };
    c->cp = (lf_text){ amp + 2, s.n - 4 - n };
    return true;
}

static uint64_t stir(uint64_t h, uint64_t w)
{
    h = (h ^ w) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

/* Eight bytes at a time, the last of them perhaps twice; n >= 16. */
static uint64_t hash_of(const char *p, size_t n, uint64_t h)
{
    uint64_t other = n;
    for (size_t i = 0; i + 16 <= n; i += 16) {
        h = stir(h, hj212_eight(p + i));
        other = stir(other, hj212_eight(p + i + 8));
    }
    h = stir(h, hj212_eight(p + n - 16));
    return stir(h ^ other << 1, hj212_eight(p + n - 8));
}

/* Takes the same time wherever they differ: the password is part of it. n >= 8. */
static bool same_bytes(const char *a, const char *b, uint32_t n)
{
    uint64_t differ = hj212_eight(a + n - 8) ^ hj212_eight(b + n - 8);
    for (uint32_t i = 0; i + 8 <= n; i += 8)
        differ |= hj212_eight(a + i) ^ hj212_eight(b + i);
    return differ == 0;
}

/* What hj212_parse made of a packet with that header, for the one that was cut. */
static void fill(struct hj212_packet *p, const struct lf_known *k, const struct cut *c)
{
    const char *t = c->text.p;
    p->qn = c->qn;
    p->st = (lf_text){ k->st.n ? t + k->st.at : NULL, k->st.n };
    p->cn = (lf_text){ t + k->cn_at, 4 };
    p->pw = (lf_text){ k->pw.n ? t + k->pw.at : NULL, k->pw.n };
    p->mn = (lf_text){ t + k->mn.at, k->mn.n };
    p->cp = c->cp;
    p->flag = k->flag, p->pnum = k->pnum, p->pno = k->pno, p->version = k->version;
    p->want_ack = k->want_ack, p->split = k->split;
}

struct lf_known *lf_shapes_find(struct lf_shapes *m, const struct lf_directory *d, lf_text segment, struct hj212_packet *p)
{
    struct cut c;
    if (m->directory != lf_directory_serial(d))
        meet(m, d);
    m->told.packets++;
    if (!cut_of(segment, &c))
        return NULL;
    uint64_t h = hash_of(c.text.p, c.text.n, c.qn.p ? 1 : 2);
    for (size_t i = 0; i < PROBES; i++) {
        struct lf_known *k = &m->slot[(h + i) & m->mask];
        if (k->hash != h || k->generation != m->generation || k->n != c.text.n || k->qn != (c.qn.p != NULL) ||
            !same_bytes(k->text, c.text.p, k->n))
            continue;
        fill(p, k, &c);
        m->told.headers++;
        return k;
    }
    return NULL;
}

/* Where a header of that hash goes: an older one makes room when all its slots are taken. */
static struct lf_known *place_for(struct lf_shapes *m, uint64_t h)
{
    for (size_t i = 0; i < PROBES; i++) {
        struct lf_known *k = &m->slot[(h + i) & m->mask];
        if (k->generation != m->generation)
            return k;
    }
    return &m->slot[(h + m->told.packets % PROBES) & m->mask];
}

struct lf_known *lf_shapes_learn(struct lf_shapes *m, lf_text segment, const struct hj212_packet *p, const struct lf_tele_station *station,
                                 const struct lf_command *command)
{
    struct cut c;
    if (!cut_of(segment, &c) || p->qn.p != c.qn.p || p->qn.n != c.qn.n || p->cp.p != c.cp.p || p->cp.n != c.cp.n)
        return NULL;
    uint64_t h = hash_of(c.text.p, c.text.n, c.qn.p ? 1 : 2);
    struct lf_known *k = place_for(m, h);
    const char *t = c.text.p;
    *k = (struct lf_known){ .hash = h,
                            .station = station,
                            .command = command,
                            .generation = m->generation,
                            .flag = (int16_t)p->flag,
                            .pnum = (int16_t)p->pnum,
                            .pno = (int16_t)p->pno,
                            .version = (int16_t)p->version,
                            .st = { p->st.p ? (uint8_t)(p->st.p - t) : 0, (uint8_t)p->st.n },
                            .pw = { p->pw.p ? (uint8_t)(p->pw.p - t) : 0, (uint8_t)p->pw.n },
                            .mn = { (uint8_t)(p->mn.p - t), (uint8_t)p->mn.n },
                            .cn_at = (uint8_t)(p->cn.p - t),
                            .n = (uint8_t)c.text.n,
                            .want_ack = p->want_ack,
                            .split = p->split,
                            .qn = c.qn.p != NULL };
    memcpy(k->text, t, c.text.n);
    return k;
}

/* ---- items ------------------------------------------------------------------------------------ */

/* Are the n bytes the same? Names are mostly of 8 to 16: two comparisons that may overlap. */
static inline bool same_name(const char *a, const char *b, uint32_t n)
{
    if (n < 8)
        return hj212_few(a, n) == hj212_few(b, n);
    for (uint32_t i = 8; i + 8 < n; i += 8)
        if (hj212_eight(a + i) != hj212_eight(b + i))
            return false;
    return hj212_eight(a) == hj212_eight(b) && hj212_eight(a + n - 8) == hj212_eight(b + n - 8);
}

/* The place of a column's number in a reading. */
static inline double *number_of(struct lf_tele_reading *r, uint8_t column)
{
    static const uint8_t at[] = { [LF_C_VALUE] = offsetof(struct lf_tele_reading, value),
                                  [LF_C_MIN] = offsetof(struct lf_tele_reading, vmin),
                                  [LF_C_MAX] = offsetof(struct lf_tele_reading, vmax),
                                  [LF_C_COU] = offsetof(struct lf_tele_reading, cou),
                                  [LF_C_ZS] = offsetof(struct lf_tele_reading, zs) };
    return (double *)(void *)((char *)r + at[column]);
}

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/* Where the value of an item that says nothing to us stops. NULL: it may be a log text. */
static inline const char *stop_of(const char *p, const char *end)
{
    if (p < end && *p == '/')
        return NULL;
    for (uint32_t n; end - p >= 8; p += 8)
        if ((n = hj212_stop_in(hj212_eight(p))) < 8)
            return p + n;
    while (p < end && *p != ',' && *p != ';')
        p++;
    return p;
}

/* The usual flag: one letter. Returns where it stops; NULL: it is another, and nothing was done. */
static inline const char *put_letter(struct lf_tele_reading *r, const char *p, const char *end)
{
    if (p == end || !is_letter(*p) || (end - p > 1 && p[1] != ',' && p[1] != ';'))
        return NULL;
    r->flag = (lf_text){ p, 1 };
    return p + 1;
}

/* The usual number: a plain decimal. Returns where it stops; NULL: it is another, and nothing was done. */
static inline const char *put_decimal(const struct item *t, struct lf_tele_reading *r, const char *p, const char *end)
{
    double x;
    const char *stop = hj212_plain_number(p, &x);
    if (!stop || (stop != end && *stop != ',' && *stop != ';'))
        return NULL;
    *number_of(r, t->column) = x * t->times;
    return stop;
}

/* Any value, as the iterator of the codec finds it: p is where its item begins. Returns where the next one begins. */
static const char *put_any(const struct item *t, struct lf_tele_reading *r, const char *p, const char *end, struct lf_values *v)
{
    struct hj212_item it;
    size_t at = 0;
    bool broken;
    lf_text rest = { p, (uint32_t)(end - p) };
    if (hj212_next(rest, &at, &it, &broken) && t->column <= LF_C_FLAG)
        lf_values_set(v, r, (enum lf_column)t->column, t->times, it.value);
    return p + at;
}

/* One item, that begins at p and has the name that it should, into r. Returns where the next one begins. */
static inline const char *put_item(const struct item *t, struct lf_tele_reading *r, const char *p, const char *end, struct lf_values *v)
{
    const char *value = p + t->name_n, *stop;
    if (t->code_n)
        r->factor = (lf_text){ t->factor ? t->factor : p + t->code_at, t->code_n };
    if (t->column > LF_C_FLAG)
        stop = stop_of(value, end);
    else if (t->column == LF_C_FLAG)
        stop = put_letter(r, value, end);
    else
        stop = put_decimal(t, r, value, end);
    return stop ? stop + (stop < end) : put_any(t, r, p, end, v);
}

static bool fits(const struct lf_shape *s, lf_text cp, struct lf_values *v)
{
    const char *p = cp.p, *end = p + cp.n, *name = s->names;
    if (cp.n < s->names_n)
        return false;
    struct lf_tele_reading *first = lf_tele_put_readings(v->b, &v->like, s->nreading);
    for (const struct item *t = s->item, *last = t + s->n; t < last; name += t->name_n, t++) {
        if (end - p < t->name_n || !same_name(p, name, t->name_n))
            return false;
        p = put_item(t, first + t->reading, p, end, v);
    }
    return end - p == s->tail_n && same_name(p, name, s->tail_n);
}

bool lf_shapes_read(struct lf_shapes *m, struct lf_known *k, lf_text cp, struct lf_values *v)
{
    struct lf_admit *a = v->a;
    uint32_t bad = a->bad_values;
    for (size_t i = 0; i < LF_COUNT(k->shape) && k->shape[i]; i++) {
        const struct lf_shape *s = k->shape[i];
        if (fits(s, cp, v)) {
            k->shape[i] = k->shape[0];
            k->shape[0] = s;
            k->misses = 0;
            a->forgiven |= s->forgiven;
            a->unknown_stats += s->unknown_stats;
            m->told.items++;
            return true;
        }
        a->bad_values = bad;
        v->b->nreading = v->first;
    }
    return false;
}

/* ---- learning items --------------------------------------------------------------------------- */

/* What was found about the item that begins at p. Its value was trimmed: between it and the '=' are only blanks. */
static void note(struct lf_shapes *m, const char *p, const struct hj212_item *it, const struct lf_deed *d)
{
    const char *value = it->value.p;
    while (value[-1] != '=')
        value--;
    size_t n = (size_t)(value - p);
    m->t.fits = m->t.fits && n < 256 && m->t.names_n + n <= NAMES && m->t.n < ITEMS && d->factor.n < 256;
    if (!m->t.fits)
        return;
    bool within = d->opens && d->factor.p >= p && d->factor.p < value;
    struct item *t = &m->t.item[m->t.n++];
    memset(t, 0, sizeof *t); /* compared as bytes */
    t->times = d->times;
    t->factor = d->opens && !within ? d->factor.p : NULL;
    t->code_at = within ? (uint8_t)(d->factor.p - p) : 0;
    t->code_n = d->opens ? (uint8_t)d->factor.n : 0;
    t->name_n = (uint8_t)n;
    t->reading = (uint8_t)d->reading;
    t->column = (uint8_t)d->column;
    memcpy(m->t.names + m->t.names_n, p, n);
    m->t.names_n += (uint32_t)n;
}

static bool same_shape(const struct lf_shape *a, const struct lf_shape *b, const struct lf_shapes *m)
{
    return a->hash == b->hash && a->forgiven == b->forgiven && a->unknown_stats == b->unknown_stats && a->n == b->n &&
           a->tail_n == b->tail_n && a->names_n == b->names_n && memcmp(a->item, m->t.item, a->n * sizeof *a->item) == 0 &&
           memcmp(a->names, m->t.names, a->names_n) == 0;
}

static struct lf_shape *keep(struct lf_shapes *m, const struct lf_shape *as)
{
    size_t items = as->n * sizeof *as->item, all = sizeof *as + items + as->names_n;
    struct lf_shape *s = lf_alloc(&m->arena, all);
    char *names = (char *)(s->item + as->n);
    *s = *as;
    memcpy(s->item, m->t.item, items);
    memcpy(names, m->t.names, as->names_n);
    s->names = names;
    s->chain = m->bucket[s->hash % BUCKETS];
    m->bucket[s->hash % BUCKETS] = s;
    m->used += all + 16;
    return s;
}

/* The shape of what was noted: one that is kept already, or a new one. NULL: there is no room. */
static const struct lf_shape *shape_of_notes(struct lf_shapes *m, const struct lf_admit *a, uint32_t tail_n)
{
    uint32_t nreading = 0;
    for (uint32_t i = 0; i < m->t.n; i++)
        nreading += m->t.item[i].code_n > 0;
    struct lf_shape s = { .forgiven = a->forgiven,
                          .unknown_stats = a->unknown_stats,
                          .n = m->t.n,
                          .nreading = nreading,
                          .names_n = m->t.names_n,
                          .tail_n = tail_n };
    s.hash = s.n;
    for (uint32_t i = 0; i + 8 <= s.names_n; i += 8)
        s.hash = stir(s.hash, hj212_eight(m->t.names + i));
    for (const struct lf_shape *k = m->bucket[s.hash % BUCKETS]; k; k = k->chain)
        if (same_shape(k, &s, m))
            return k;
    if (m->used + sizeof s + sizeof m->t > m->most) {
        if (m->told.packets - m->began > RESTART)
            forget(m);
        return NULL;
    }
    return keep(m, &s);
}

/* Items that never come twice the same (a name with a number in it) are not learned each time, but after 1, 2, 4, 8 ... packets. */
static bool worth_learning(struct lf_known *k)
{
    unsigned before = k->misses++;
    return (before & k->misses) == 0;
}

static void learn_items(struct lf_shapes *m, struct lf_known *k, lf_text tail, const struct lf_admit *a)
{
    m->t.fits = m->t.fits && m->t.names_n + tail.n <= NAMES && m->t.n > 0;
    if (!m->t.fits)
        return;
    memcpy(m->t.names + m->t.names_n, tail.p, tail.n);
    m->t.names_n += tail.n;
    const struct lf_shape *s = shape_of_notes(m, a, tail.n);
    if (!s)
        return;
    k->shape[1] = k->shape[0];
    k->shape[0] = s;
}

bool lf_shapes_read_new(struct lf_shapes *m, struct lf_known *k, lf_text cp, struct lf_values *v)
{
    struct hj212_item it;
    size_t at = 0, before = 0;
    bool broken, learn = m && k && worth_learning(k);
    if (learn)
        m->t.fits = true, m->t.n = 0, m->t.names_n = 0;
    for (; hj212_next(cp, &at, &it, &broken); before = at) {
        struct lf_deed d = lf_values_put(v, &it);
        if (learn)
            note(m, cp.p + before, &it, &d);
    }
    if (broken)
        v->b->nreading = v->first;
    else if (learn)
        learn_items(m, k, (lf_text){ cp.p + before, cp.n - (uint32_t)before }, v->a);
    return !broken;
}

/* ---- time ------------------------------------------------------------------------------------- */

/* Two digits of at most `most`; more than that for anything else. */
static inline unsigned two(const char *p, unsigned most)
{
    unsigned hi = (unsigned)(unsigned char)p[0] - '0', lo = (unsigned)(unsigned char)p[1] - '0', n = hi * 10 + lo;
    return hi <= 9 && lo <= 9 && n <= most ? n : 100;
}

bool lf_shapes_time(struct lf_shapes *m, lf_text cp, lf_ms *at)
{
    enum { NAME = 9, DIGITS = 14 };
    if (cp.n < NAME + DIGITS || memcmp(cp.p, "DataTime=", NAME) != 0)
        return false;
    if (cp.n > NAME + DIGITS && cp.p[NAME + DIGITS] != ',' && cp.p[NAME + DIGITS] != ';')
        return false;
    const char *p = cp.p + NAME;
    unsigned hour = two(p + 8, 23), minute = two(p + 10, 59), second = two(p + 12, 59);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t within = (int64_t)hour * LF_HOUR_MS + minute * LF_MINUTE_MS + second * 1000;
    if (!m->met_day || memcmp(p, m->day, sizeof m->day) != 0) {
        if (!lf_ms_parse_compact((lf_text){ p, DIGITS }, at))
            return false;
        memcpy(m->day, p, sizeof m->day);
        m->met_day = true;
        m->day_ms = at->ms - within;
    }
    at->ms = m->day_ms + within;
    return true;
}
