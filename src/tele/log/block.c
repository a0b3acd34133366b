/* block.c - the points of one series as columns.
 *
 * Values arrive as decimal text, so nearly every double is m / 10^e with a small m, and that division gives the very same bits
 * back (m and 10^e are exact, IEEE division rounds right). One e for the column of a block; m is kept as the difference to its
 * predecessor, to the column's lowest, or to the block's value column (Min and Max lie near Avg), whichever is smallest.
 * A column that holds anything else is kept as bits, each XORed with its predecessor. */
#include "tele/log/codec.h"

enum { EXP_MAX = 15 };
enum { PRESENT_NONE, PRESENT_ALL, PRESENT_SOME };
enum { AS_BITS, AS_DELTA, AS_OFFSET, AS_RELATIVE };

static const double p10[EXP_MAX + 1] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}
static double of_bits(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}
static bool absent(double v) { return bits_of(v) == bits_of((double)NAN); }

static inline bool decimal(double v, unsigned e, int64_t *m)
{
    static const double small = 2251799813685248.0, shift = 3 * 2251799813685248.0; /* with 2^51 + 2^52 added no fraction is left */
    double t = v * p10[e];
    if (!(fabs(t) < 9007199254740992.0))
        return false;
    *m = (int64_t)(fabs(t) < small ? t + shift - shift : rint(t));
    return bits_of((double)*m / p10[e]) == bits_of(v);
}

static bool all_same(const double *v, size_t n)
{
    uint64_t other = 0;
    for (size_t i = 1; i < n; i++)
        other |= bits_of(v[i]) ^ bits_of(v[0]);
    return !other;
}

/* All n values as m / 10^e with one e, or false. */
static bool decimals(const double *v, size_t n, unsigned *e, int64_t *m)
{
    size_t known = all_same(v, n) ? 1 : n, rose = 0; /* rose: those before it were reckoned with a lower e */
    *e = 0;
    for (size_t i = 0; i < known; i++)
        while (!decimal(v[i], *e, &m[i])) {
            if (++*e > EXP_MAX)
                return false;
            rose = i;
        }
    for (size_t i = 0; i < rose; i++)
        if (!decimal(v[i], *e, &m[i]))
            return false;
    for (size_t i = known; i < n; i++)
        m[i] = m[0];
    return true;
}

/* ---- time --------------------------------------------------------------------------------------------- */

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;
        a = b, b = r;
    }
    return a;
}

static void put_times(struct buf *b, const struct points *p)
{
    int64_t dod[POINTS_MAX];
    uint64_t unit = 0, before = 0, d, last = 0;
    put_zig(b, p->at[0]);
    for (uint32_t i = 1; i < p->n; i++, last = d) { /* most steps are as long as the one before */
        d = (uint64_t)p->at[i] - (uint64_t)p->at[i - 1];
        unit = d == last ? unit : gcd(unit, d);
    }
    if (p->n < 2)
        return;
    unit += !unit; /* times rise, so there is one; never a division by zero */
    put_var(b, unit);
    last = 0;
    for (uint32_t i = 1; i < p->n; i++, last = d) {
        d = (uint64_t)p->at[i] - (uint64_t)p->at[i - 1];
        uint64_t units = d == last ? before : d / unit;
        dod[i - 1] = (int64_t)(units - before);
        before = units;
    }
    put_zig(b, dod[0]);
    ints_put(b, dod + 1, p->n - 2);
}

static void get_times(struct in *in, struct points *p)
{
    int64_t dod[POINTS_MAX];
    p->at[0] = get_zig(in);
    if (p->n < 2)
        return;
    uint64_t unit = get_var(in), d = 0, at = (uint64_t)p->at[0];
    dod[0] = get_zig(in);
    ints_get(in, dod + 1, p->n - 2);
    for (uint32_t i = 1; i < p->n; i++) {
        d += (uint64_t)dod[i - 1];
        at += d * unit;
        p->at[i] = (int64_t)at;
        in->bad |= p->at[i] <= p->at[i - 1];
    }
}

/* ---- runs: flags, and which values are present ------------------------------------------------------------ */

static void put_flags(struct buf *b, const struct points *p)
{
    for (uint32_t i = 0, run; i < p->n; i += run) {
        for (run = 1; i + run < p->n && p->flag[i + run] == p->flag[i]; run++)
            ;
        uint8_t len = (uint8_t)(p->flag[i] >> 56);
        put_var(b, run);
        put_u8(b, len);
        put_bytes(b, &p->flag[i], len ? len - 1u : 0);
    }
}

static void get_flags(struct in *in, struct points *p)
{
    for (uint32_t i = 0; i < p->n && !in->bad;) {
        uint64_t run = get_var(in);
        uint8_t len = get_u8(in);
        in->bad |= run == 0 || run > p->n - i || len > FLAG_BYTES + 1;
        if (in->bad)
            return;
        uint64_t flag = get_flag(in, len);
        while (run--)
            p->flag[i++] = flag;
    }
}

/* Lengths of runs, the first of them present (may be 0). */
static void put_presence(struct buf *b, const double *v, uint32_t n)
{
    bool want = false;
    for (uint32_t i = 0, run; i < n; i += run, want = !want) {
        for (run = 0; i + run < n && absent(v[i + run]) == want; run++)
            ;
        put_var(b, run);
    }
}

static uint32_t get_presence(struct in *in, uint16_t *where, uint32_t n)
{
    uint32_t m = 0;
    bool gap = false;
    for (uint32_t i = 0; i < n && !in->bad; gap = !gap) {
        uint64_t run = get_var(in);
        in->bad |= run > n - i || (run == 0 && i > 0);
        for (uint64_t r = 0; r < run && !in->bad; r++, i++)
            if (!gap)
                where[m++] = (uint16_t)i;
    }
    return m;
}

/* ---- one column ---------------------------------------------------------------------------------------------- */

static void put_bits(struct buf *b, const double *v, uint32_t n)
{
    int64_t x[POINTS_MAX];
    uint64_t before = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t u = bits_of(v[i]);
        x[i] = zag(u ^ before); /* ints zigzags: give it what comes out as the plain XOR */
        before = u;
    }
    put_u8(b, AS_BITS);
    ints_put(b, x, n);
}

static void put_decimals(struct buf *b, const int64_t *m, uint32_t n, unsigned e, const int64_t *base)
{
    int64_t delta[POINTS_MAX], offset[POINTS_MAX], relative[POINTS_MAX], low = m[0];
    delta[0] = 0;
    for (uint32_t i = 1; i < n; i++) {
        delta[i] = m[i] - m[i - 1];
        low = m[i] < low ? m[i] : low;
    }
    for (uint32_t i = 0; base && i < n; i++)
        relative[i] = m[i] - base[i];
    for (uint32_t i = 0; i < n; i++) /* the frame's zigzag wants numbers around zero: offset as zag, so its bits come out unsigned */
        offset[i] = zag((uint64_t)(m[i] - low));
    size_t d = ints_cost(delta, n), o = ints_cost(offset, n), r = base ? ints_cost(relative, n) : SIZE_MAX;
    uint8_t how = r < d && r < o ? AS_RELATIVE : d < o ? AS_DELTA : AS_OFFSET;
    put_u8(b, (uint8_t)(how | e << 4));
    if (how != AS_RELATIVE)
        put_zig(b, how == AS_DELTA ? m[0] : low);
    ints_put(b, how == AS_RELATIVE ? relative : how == AS_DELTA ? delta : offset, n);
}

/* first: the value column, or NULL when this is it. */
static void put_column(struct buf *b, const double *v, uint32_t n, const double *first)
{
    double some[POINTS_MAX];
    const double *x = v;
    int64_t mant[POINTS_MAX], base[POINTS_MAX];
    uint32_t m = 0;
    unsigned e;
    bool near = first != NULL;
    for (uint32_t i = 0; i < n; i++)
        m += !absent(v[i]);
    put_u8(b, m == 0 ? PRESENT_NONE : m == n ? PRESENT_ALL : PRESENT_SOME);
    if (m == 0)
        return;
    if (m < n) {
        put_presence(b, v, n);
        x = some;
        for (uint32_t i = 0, k = 0; i < n; i++)
            if (!absent(v[i]))
                some[k++] = v[i];
    }
    if (!decimals(x, m, &e, mant)) {
        put_bits(b, x, m);
        return;
    }
    for (uint32_t i = 0, k = 0; near && i < n; i++)
        if (!absent(v[i]))
            near = decimal(first[i], e, &base[k++]);
    put_decimals(b, mant, m, e, near ? base : NULL);
}

/* What the value column was made of, when none of it is absent: Min and Max are told relative to it. */
struct base {
    const double *value;
    int exp; /* -1: not known */
    int64_t m[POINTS_MAX];
};

/* As the writer reckoned it: m where that is sure to be the same. */
static bool base_at(const struct base *b, uint32_t i, unsigned e, int64_t *m)
{
    if (b->exp == (int)e && b->m[i] < (int64_t)1 << 50 && b->m[i] > -((int64_t)1 << 50)) {
        *m = b->m[i];
        return true;
    }
    return decimal(b->value[i], e, m);
}

/* m numbers one after another. where: their places in the block, or NULL when all are there. */
static void get_values(struct in *in, double *v, uint32_t m, const uint16_t *where, const struct base *first, struct base *keep)
{
    int64_t x[POINTS_MAX], base = 0;
    uint8_t how = get_u8(in);
    unsigned e = how >> 4;
    how &= 15;
    uint64_t start = how == AS_DELTA || how == AS_OFFSET ? (uint64_t)get_zig(in) : 0;
    ints_get(in, x, m);
    in->bad |= how > AS_RELATIVE || (how == AS_RELATIVE && !first);
    if (in->bad)
        return;
    switch (how) {
    case AS_BITS:
        for (uint32_t i = 0; i < m; i++)
            v[i] = of_bits(start ^= zig(x[i]));
        return;
    case AS_DELTA:
        for (uint32_t i = 0; i < m; i++)
            x[i] = (int64_t)(start += (uint64_t)x[i]);
        break;
    case AS_OFFSET:
        for (uint32_t i = 0; i < m; i++)
            x[i] = (int64_t)(start + zig(x[i]));
        break;
    default:
        for (uint32_t i = 0; i < m; i++) {
            in->bad |= !base_at(first, where ? where[i] : i, e, &base);
            x[i] = (int64_t)((uint64_t)base + (uint64_t)x[i]);
        }
    }
    for (uint32_t i = 0; i < m; i++)
        v[i] = (double)x[i] / p10[e];
    if (keep && !where) {
        memcpy(keep->m, x, m * sizeof x[0]);
        keep->exp = (int)e;
    }
}

static void get_column(struct in *in, double *v, uint32_t n, const struct base *first, struct base *keep)
{
    double some[POINTS_MAX];
    uint16_t where[POINTS_MAX];
    uint8_t present = get_u8(in);
    if (present == PRESENT_ALL) {
        get_values(in, v, n, NULL, first, keep);
        return;
    }
    in->bad |= present > PRESENT_SOME;
    uint32_t m = present == PRESENT_SOME ? get_presence(in, where, n) : 0;
    for (uint32_t i = 0; i < n; i++)
        v[i] = (double)NAN;
    if (m && !in->bad)
        get_values(in, some, m, where, first, keep);
    for (uint32_t i = 0; i < m && !in->bad; i++)
        v[where[i]] = some[i];
}

/* ---- the block -------------------------------------------------------------------------------------------------- */

void points_put(struct buf *b, const struct points *p)
{
    put_var(b, p->n);
    put_times(b, p);
    put_flags(b, p);
    for (int c = 0; c < COLUMNS; c++) {
        if (c > 0 && p->plain)
            put_u8(b, PRESENT_NONE);
        else
            put_column(b, p->col[c], p->n, c ? p->col[0] : NULL);
    }
}

bool points_get(const void *bytes, size_t n, struct points *p)
{
    struct in in = in_of(bytes, n);
    uint64_t count = get_var(&in);
    p->n = 0;
    if (in.bad || count == 0 || count > POINTS_MAX)
        return false;
    p->n = (uint32_t)count;
    get_times(&in, p);
    get_flags(&in, p);
    struct base base;
    base.value = p->col[0], base.exp = -1;
    p->plain = true;
    for (int c = 0; c < COLUMNS && !in.bad; c++) {
        p->plain &= c == 0 || (in_left(&in) && *in.p == PRESENT_NONE);
        get_column(&in, p->col[c], p->n, c ? &base : NULL, c ? NULL : &base);
    }
    return !in.bad && in.p == in.end;
}
