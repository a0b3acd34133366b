#include "tele/values.h"

/* A code becomes a key of the store and text on pages: short, printable, no signs of the grammar. */
static bool is_code(lf_text t)
{
    if (t.n == 0 || t.n > 32)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == '&' || t.p[i] == '#' || t.p[i] == '"' || t.p[i] == '\'' || t.p[i] == '<' ||
            t.p[i] == '>' || t.p[i] == '\\')
            return false;
    return true;
}

struct factor {
    bool known;
    lf_text code;
    double times, load_times;
};

/* The code of 2017 for whatever name was sent. Values under a code of 2005 come in the unit of 2005. A channel's own unit,
 * said by somebody for this station, counts more than any table. */
static struct factor factor_of(struct lf_admit *a, const struct lf_tele_station *s, lf_text sent)
{
    bool same; /* nearly always what was sent is the code */
    const struct hj212_factor *f = hj212_factor_under(sent, &same);
    struct factor r = { f != NULL, f && same ? (lf_text){ f->code, sent.n } : f ? lf_str(f->code) : sent, 1, 1 };
    if (f && !same && f->code2005 && lf_text_is(sent, f->code2005)) {
        r.times = f->per2005;
        r.load_times = strcmp(f->unit, "ng/m³") == 0 ? 1000 : f->per2005; /* load of 2005 is in kg; beside ng/m³ stands g */
    } else if (f && s->tolerate & (LF_TOLERATE_UG | LF_TOLERATE_MG) && strcmp(f->unit, "ng/m³") == 0) {
        r.times = s->tolerate & LF_TOLERATE_MG ? 1e6 : 1e3;
        a->forgiven |= s->tolerate & LF_TOLERATE_MG ? LF_TOLERATE_MG : LF_TOLERATE_UG;
    }
    for (size_t i = 0; i < s->nscale; i++)
        if (lf_text_eq(s->scale[i].factor, r.code))
            r.times = s->scale[i].times;
    return r;
}

/* The packet's reading of this factor: mostly the last one (w01018-Rtd=..,w01018-Flag=..), else nearly always a new one, which
 * the set of factors met so far tells without looking (64 bits of a hash: wrong only in saying "look"). */
static struct lf_tele_reading *reading_of(struct lf_values *v, lf_text factor)
{
    struct lf_tele_batch *b = v->b;
    uint64_t bit = 1;
    for (uint32_t i = factor.n > 4 ? factor.n - 4 : 0; i < factor.n; i++)
        bit = bit * 31 + (unsigned char)factor.p[i];
    bit = (uint64_t)1 << (bit & 63);
    if (b->nreading > v->first && b->reading[b->nreading - 1].factor.p == factor.p && b->reading[b->nreading - 1].factor.n == factor.n)
        return &b->reading[b->nreading - 1];
    if (v->met & bit)
        for (size_t i = b->nreading; i-- > v->first;)
            if (lf_text_eq(b->reading[i].factor, factor))
                return &b->reading[i];
    v->met |= bit;
    struct lf_tele_reading *r = lf_tele_put_readings(b, &v->like, 1);
    r->factor = factor;
    return r;
}

/* Statistic names of HJ 212-2017 table 4, as they are written there (case counts). The length comes first: it is nearly always
 * 3 or 4, and comparing with a constant length is one instruction. */
static enum lf_column column_of(lf_text s)
{
#define IS(name) (memcmp(s.p, name, sizeof name - 1) == 0)
    switch (s.n) {
    case 2: return IS("RS") || IS("RT") ? LF_C_VALUE : LF_C_UNKNOWN;
    case 3: return IS("Rtd") || IS("Avg") ? LF_C_VALUE : IS("Min") ? LF_C_MIN : IS("Max") ? LF_C_MAX : IS("Cou") ? LF_C_COU : LF_C_UNKNOWN;
    case 4: return IS("Flag") ? LF_C_FLAG : IS("Data") ? LF_C_VALUE : LF_C_UNKNOWN;
    case 5: return IS("ZsRtd") || IS("ZsAvg") ? LF_C_ZS : IS("EFlag") || IS("ZsMin") || IS("ZsMax") ? LF_C_IGNORE : LF_C_UNKNOWN;
    case 7: return IS("DayData") ? LF_C_VALUE : LF_C_UNKNOWN;
    case 9: return IS("NightData") ? LF_C_VALUE : LF_C_UNKNOWN;
    case 10: return IS("SampleTime") ? LF_C_IGNORE : LF_C_UNKNOWN;
    default: return LF_C_UNKNOWN;
    }
#undef IS
}

static void put_value(struct lf_tele_reading *r, enum lf_column column, lf_text value, double times, struct lf_admit *a)
{
    double v;
    if (!hj212_number(value, &v) || !isfinite(v)) { /* "--", NaN, "": the channel has nothing to say; the flag tells why */
        a->bad_values++;
        return;
    }
    switch (column) {
    case LF_C_VALUE: r->value = v * times; break;
    case LF_C_MIN: r->vmin = v * times; break;
    case LF_C_MAX: r->vmax = v * times; break;
    case LF_C_ZS: r->zs = v * times; break;
    case LF_C_COU: r->cou = v * times; break;
    default: break;
    }
}

static void put_flag(struct lf_tele_reading *r, lf_text flag)
{
    if (is_code(flag) && flag.n <= 4)
        r->flag = flag;
}

void lf_values_set(struct lf_values *v, struct lf_tele_reading *r, enum lf_column column, double times, lf_text value)
{
    if (column == LF_C_FLAG)
        put_flag(r, value);
    else
        put_value(r, column, value, times, v->a);
}

/* An item without a statistic: a bare Flag=N belongs to the item before it. */
static struct lf_deed put_plain(struct lf_values *v, const struct hj212_item *it)
{
    struct lf_tele_batch *b = v->b;
    struct lf_deed d = { .column = LF_C_IGNORE };
    if (!lf_text_is(it->code, "Flag") || b->nreading == v->first)
        return d;
    d.column = LF_C_FLAG;
    d.reading = (uint16_t)(b->nreading - 1 - v->first);
    put_flag(&b->reading[b->nreading - 1], it->value);
    return d;
}

static struct lf_deed not_known(struct lf_admit *a)
{
    a->unknown_stats++;
    return (struct lf_deed){ .column = LF_C_UNKNOWN };
}

struct lf_deed lf_values_put(struct lf_values *v, const struct hj212_item *it)
{
    if (!it->stat.p)
        return put_plain(v, it);
    lf_text code = it->code;
    struct lf_deed d = { .column = column_of(it->stat) };
    if (d.column == LF_C_UNKNOWN)
        return not_known(v->a);
    if (d.column == LF_C_IGNORE)
        return d;
    /* Noise by day and by night (C.28) are values of their own beside the 24-hour one. */
    if (it->stat.n > 4 && d.column == LF_C_VALUE && it->code.n < 16)
        code = (lf_text){ code.p, (uint32_t)(it->stat.p + it->stat.n - code.p) };
    struct factor f = factor_of(v->a, v->station, code);
    if (!f.known && !is_code(code))
        return not_known(v->a);
    size_t before = v->b->nreading;
    struct lf_tele_reading *r = reading_of(v, f.code);
    d.opens = v->b->nreading > before;
    d.reading = (uint16_t)((size_t)(r - v->b->reading) - v->first);
    d.factor = r->factor;
    d.times = d.column == LF_C_COU ? f.load_times : f.times;
    lf_values_set(v, r, d.column, d.times, it->value);
    return d;
}
