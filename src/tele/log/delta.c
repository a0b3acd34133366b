#include "tele/log/delta.h"

/* The byte before a record's operations: what it is like, where it is kept, how many numbers it begins with. */
enum { LIKE_NONE = DELTA_KEPT, LIKE_BITS = 7, KEEP_SHIFT = 3, KEEP_BITS = 3, HEADS_FLAG = 32 };
/* An operation: first so many bytes are taken over. ADD: then the number that ends there has a difference added, its digits stay as
 * many. NUMBER: the number that begins there is another. TEXT: so many letters in the place of so many bytes. */
enum { OP_END, OP_ADD, OP_NUMBER, OP_TEXT, OP_SHIFT = 6, RUN_BITS = 63, FEW_BITS = 15, DIGITS_MAX = 18 };
enum { LONG = 64 * 1024 }; /* such a body is not looked at for what it is like */

static inline bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static inline bool is_number(uint8_t c) { return is_digit(c) || c == '.'; }
static inline bool is_letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26; }

struct span {
    const uint8_t *p, *end;
};
static inline struct span span_of(const void *p, size_t n)
{
    p = p ? p : "";
    return (struct span){ p, (const uint8_t *)p + n };
}
static inline size_t span_left(const struct span *s) { return (size_t)(s->end - s->p); }

/* A decimal number as it is written: digits, at most one point among them. */
struct decimal {
    uint64_t v;
    unsigned digits, fraction;
    bool point, plain; /* plain: written as format() would */
    const uint8_t *end;
};

static struct decimal decimal_at(struct span s)
{
    struct decimal d = { .v = 0 };
    const uint8_t *from = s.p;
    for (; s.p < s.end && is_number(*s.p) && !(d.point && *s.p == '.') && d.digits <= DIGITS_MAX; s.p++) {
        if (*s.p == '.') {
            d.point = true;
            continue;
        }
        d.v = d.v * 10 + *s.p - '0';
        d.digits++, d.fraction += d.point;
    }
    unsigned whole = d.digits - d.fraction;
    d.plain = whole && d.digits <= DIGITS_MAX && (*from != '0' || whole == 1);
    d.end = s.p;
    return d;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

void delta_begin(struct delta_out *o, unsigned heads)
{
    o->heads = heads < DELTA_HEADS ? heads : DELTA_HEADS;
    o->control.n = o->numbers.n = o->letters.n = o->bytes = 0;
    o->station = o->id = 0;
    o->alone = false;
    for (unsigned i = 0; i < DELTA_KEPT; i++) {
        o->order[i] = i;
        o->kept[i].text.n = 0;
        memset(o->kept[i].head, 0, sizeof o->kept[i].head);
    }
}

void delta_free(struct delta_out *o)
{
    buf_free(&o->control), buf_free(&o->numbers), buf_free(&o->letters);
    for (unsigned i = 0; i < DELTA_KEPT; i++)
        buf_free(&o->kept[i].text);
}

/* Where the streams of one record go on. There is room for all that it can take. */
struct pens {
    uint8_t *control, *numbers, *letters;
};

static struct pens pens_of(struct delta_out *o, size_t like, size_t n)
{
    /* Each operation takes a byte from one of the texts, and a long run or many letters no more than they are. A number takes two. */
    return (struct pens){ buf_room(&o->control, 3 * (like + n) + 64), buf_room(&o->numbers, 5 * (like + n) + 64 + DELTA_HEADS * 10),
                          buf_room(&o->letters, n + 1) };
}

static inline uint8_t *write_zig(uint8_t *q, int64_t v) { return write_var(q, zig(v)); }

static inline void put_op(struct pens *w, unsigned kind, size_t run)
{
    *w->control++ = (uint8_t)(kind << OP_SHIFT | (run < RUN_BITS ? run : RUN_BITS));
    if (run >= RUN_BITS)
        w->control = write_var(w->control, run - RUN_BITS);
}

static inline size_t common(const uint8_t *a, const uint8_t *b, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t x, y;
        memcpy(&x, a + i, 8), memcpy(&y, b + i, 8);
        if (x != y)
            return i + (unsigned)__builtin_ctzll(x ^ y) / 8;
    }
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* Where the texts part, numbers with as many digits before and behind the point. `run`: from there on they were the same. */
static inline bool put_add(struct pens *w, struct span *a, struct span *b, const uint8_t *run)
{
    const uint8_t *p = a->p, *q = b->p;
    uint64_t x = 0, y = 0;
    unsigned digits = 0;
    for (; p < a->end && q < b->end; p++, q++) {
        if (is_digit(*p) && is_digit(*q)) {
            x = x * 10 + *p - '0', y = y * 10 + *q - '0';
            digits++;
        } else if (*p != '.' || *q != '.')
            break;
    }
    bool more = (p < a->end && (is_number(*p) || is_letter(*p))) || (q < b->end && (is_number(*q) || is_letter(*q)));
    if (more || digits == 0 || digits > DIGITS_MAX)
        return false;
    put_op(w, OP_ADD, (size_t)(q - run));
    w->numbers = write_zig(w->numbers, (int64_t)(y - x));
    a->p = p, b->p = q;
    return true;
}

/* Numbers that are as long as they have to be, with as many digits behind the point. */
static bool put_number(struct pens *w, struct span *a, struct span *b, const uint8_t *run)
{
    size_t back = 0;
    while (b->p - back > run && is_number(b->p[-1 - (ptrdiff_t)back]) && back <= DIGITS_MAX)
        back++;
    struct decimal x = decimal_at((struct span){ a->p - back, a->end }), y = decimal_at((struct span){ b->p - back, b->end });
    bool more = y.end < b->end && is_letter(*y.end);
    bool there = y.end >= b->p && x.end >= a->p && (y.end > b->p || x.end > a->p); /* the texts part in them */
    if (!there || more || !x.digits || x.digits > DIGITS_MAX || !y.plain || x.point != y.point || x.fraction != y.fraction)
        return false;
    put_op(w, OP_NUMBER, (size_t)(b->p - back - run));
    w->numbers = write_zig(w->numbers, (int64_t)(y.v - x.v));
    a->p = x.end, b->p = y.end;
    return true;
}

static size_t word(const struct span *s)
{
    const uint8_t *p = s->p;
    while (p < s->end && (is_number(*p) || is_letter(*p)))
        p++;
    return (size_t)(p - s->p);
}

static void put_letters(struct pens *w, struct span *a, struct span *b, const uint8_t *run)
{
    size_t n = a->p == a->end ? span_left(b) : word(b), instead = word(a);
    if (!n && !instead)
        n = instead = 1;
    put_op(w, OP_TEXT, (size_t)(b->p - run));
    *w->control++ = (uint8_t)((n < FEW_BITS ? n : FEW_BITS) << 4 | (instead < FEW_BITS ? instead : FEW_BITS));
    if (n >= FEW_BITS)
        w->control = write_var(w->control, n - FEW_BITS);
    if (instead >= FEW_BITS)
        w->control = write_var(w->control, instead - FEW_BITS);
    memcpy(w->letters, b->p, n);
    w->letters += n;
    a->p += instead, b->p += n;
}

/* b as what differs from a. False, and no use of what was written, when that takes more than `most` letters. */
static bool put_text_like(struct pens *w, struct span a, struct span b, size_t most)
{
    const uint8_t *run = b.p, *end = w->letters + most;
    for (;;) {
        size_t n = common(a.p, b.p, span_left(&a) < span_left(&b) ? span_left(&a) : span_left(&b));
        a.p += n, b.p += n;
        if (b.p == b.end) {
            put_op(w, OP_END, (size_t)(b.p - run));
            return true;
        }
        if (a.p == a.end || !(put_add(w, &a, &b, run) || put_number(w, &a, &b, run)))
            put_letters(w, &a, &b, run);
        run = b.p;
        if (w->letters > end)
            return false;
    }
}

/* The numbers that the body begins with, when they are written as write_var does. */
static bool take_heads(struct span *s, uint64_t *head, unsigned n)
{
    struct in in = in_of(s->p, span_left(s));
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *from = in.p;
        head[i] = get_var(&in);
        if (in.bad || in.p - from > 9 || (in.p - from > 1 && in.p[-1] == 0))
            return false;
    }
    s->p = in.p;
    return true;
}

static void to_front(struct delta_out *o, unsigned at)
{
    unsigned which = o->order[at];
    for (; at > 0; at--)
        o->order[at] = o->order[at - 1];
    o->order[0] = which;
}

/* As what differs from that one of those kept, or from nothing. False: it is not like it, and nothing was written. */
static bool put_like(struct delta_out *o, struct span text, const uint64_t *head, unsigned like, unsigned keep)
{
    static const struct delta_kept none;
    const struct delta_kept *k = like < DELTA_KEPT ? &o->kept[like] : &none;
    size_t n = span_left(&text);
    struct pens w = pens_of(o, k->text.n, n);
    *w.control++ = (uint8_t)(like | keep << KEEP_SHIFT | (head ? HEADS_FLAG : 0));
    for (unsigned i = 0; head && i < o->heads; i++)
        w.numbers = write_zig(w.numbers, (int64_t)(head[i] - k->head[i]));
    if (!put_text_like(&w, span_of(k->text.p, k->text.n), text, like < DELTA_KEPT ? n / 4 : n))
        return false;
    o->control.n = (size_t)(w.control - o->control.p);
    o->numbers.n = (size_t)(w.numbers - o->numbers.p);
    o->letters.n = (size_t)(w.letters - o->letters.p);
    return true;
}

/* Like the first of those kept of which three quarters can be taken over. Else like none; then it takes the place of the one that
 * was of use the longest time ago. */
static void put_body(struct delta_out *o, struct span text, const uint64_t *head)
{
    size_t n = span_left(&text);
    unsigned at = n > LONG || o->alone ? DELTA_KEPT : 0;
    while (at < DELTA_KEPT && !(o->kept[o->order[at]].text.n && put_like(o, text, head, o->order[at], o->order[at])))
        at++;
    bool alone = at == DELTA_KEPT;
    at -= alone;
    if (alone)
        (void)put_like(o, text, head, LIKE_NONE, o->order[at]);
    to_front(o, at);
    struct delta_kept *k = &o->kept[o->order[0]];
    if (head)
        memcpy(k->head, head, sizeof k->head);
    else
        memset(k->head, 0, sizeof k->head);
    k->text.n = 0;
    put_bytes(&k->text, text.p, n);
}

void delta_put(struct delta_out *o, int64_t station, int64_t id, lf_text body)
{
    uint64_t head[DELTA_HEADS] = { 0 };
    struct span text = span_of(body.p, body.n);
    put_zig(&o->numbers, (int64_t)((uint64_t)station - (uint64_t)o->station));
    put_zig(&o->numbers, (int64_t)((uint64_t)id - (uint64_t)o->id));
    o->station = station, o->id = id;
    bool whole = take_heads(&text, head, o->heads);
    put_body(o, text, whole ? head : NULL);
    o->bytes += body.n;
}

void delta_end(struct delta_out *o, struct buf *to)
{
    put_var(to, o->heads);
    put_var(to, o->bytes);
    put_var(to, o->control.n);
    put_var(to, o->numbers.n);
    put_bytes(to, o->control.p, o->control.n);
    put_bytes(to, o->numbers.p, o->numbers.n);
    put_bytes(to, o->letters.p, o->letters.n);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

enum { WIDE = 32 }; /* so many bytes are copied at once: they may be read behind a text, and written behind a body */
static const uint8_t nothing[WIDE];

bool delta_open(struct delta_in *d, const void *p, size_t n, struct buf *bodies, size_t most)
{
    struct in in = in_of(p, n);
    *d = (struct delta_in){ .heads = 0 };
    for (unsigned i = 0; i < DELTA_KEPT; i++)
        d->kept[i].text = nothing;
    uint64_t heads = get_var(&in), bytes = get_var(&in), control = get_var(&in), numbers = get_var(&in);
    const uint8_t *c = get_bytes(&in, control), *v = get_bytes(&in, numbers);
    if (!c || !v || heads > DELTA_HEADS || bytes > most)
        return false;
    d->heads = (unsigned)heads;
    d->control = in_of(c, (size_t)control);
    d->numbers = in_of(v, (size_t)numbers);
    d->letters = in_of(in.p, in_left(&in));
    bodies->n = 0;
    d->to = buf_room(bodies, (size_t)bytes + WIDE);
    d->end = d->to + bytes;
    return true;
}

static size_t room(const struct delta_in *d) { return (size_t)(d->end - d->to); }

/* So many bytes as they are, or `bad`. */
static void take(struct delta_in *d, struct in *from, uint64_t n)
{
    const uint8_t *p = n <= room(d) ? get_bytes(from, n) : NULL;
    if (!p) {
        d->bad = true;
        return;
    }
    if (n)
        memcpy(d->to, p, (size_t)n);
    d->to += n;
}

/* To the number that ends at `end`, within its digits. */
static bool add_digits(const uint8_t *from, uint8_t *end, int64_t difference)
{
    uint64_t t = difference < 0 ? 0 - (uint64_t)difference : (uint64_t)difference;
    for (uint8_t *p = end; t;) {
        if (p == from)
            return false;
        if (*--p == '.')
            continue;
        if (!is_digit(*p))
            return false;
        int digit = (int)(t % 10), sum = *p - '0' + (difference < 0 ? -digit : digit);
        t /= 10;
        t += sum < 0 || sum > 9;
        *p = (uint8_t)('0' + (sum < 0 ? sum + 10 : sum > 9 ? sum - 10 : sum));
    }
    return true;
}

/* The number behind what is taken over, plus the difference. */
static void take_number(struct delta_in *d, struct in *like)
{
    struct decimal x = decimal_at((struct span){ like->p, like->end });
    uint64_t v = x.v + (uint64_t)get_zig(&d->numbers);
    uint8_t text[DIGITS_MAX + 4], *p = text + sizeof text;
    unsigned digits = 0;
    if (!x.digits || x.digits > DIGITS_MAX || v >= 1000000000000000000u) {
        d->bad = true;
        return;
    }
    for (; v || digits <= x.fraction; v /= 10) {
        if (x.point && digits == x.fraction)
            *--p = '.';
        *--p = (uint8_t)('0' + v % 10);
        digits++;
    }
    like->p = x.end;
    struct in in = in_of(p, (size_t)(text + sizeof text - p));
    take(d, &in, in_left(&in));
}

static void take_letters(struct delta_in *d, struct in *like)
{
    uint8_t both = get_u8(&d->control);
    uint64_t n = both >> 4, instead = both & FEW_BITS;
    if (n == FEW_BITS)
        n += get_var(&d->control);
    if (instead == FEW_BITS)
        instead += get_var(&d->control);
    take(d, &d->letters, n);
    d->bad |= !get_bytes(like, instead) || d->control.bad;
}

/* The same from the text that it is like: those are short, and bytes behind them do no harm. */
static inline void take_run(struct delta_in *d, struct in *like, uint64_t n)
{
    if (n > WIDE || n > in_left(like) || n > room(d)) {
        take(d, like, n);
        return;
    }
    memmove(d->to, like->p, WIDE); /* the last of what was kept ends where this begins */
    d->to += n, like->p += n;
}

static void take_text(struct delta_in *d, struct in like)
{
    unsigned kind = OP_TEXT;
    while (kind != OP_END && !d->bad) {
        const uint8_t *from = d->to;
        uint8_t op = get_u8(&d->control);
        uint64_t run = op & RUN_BITS;
        kind = op >> OP_SHIFT;
        if (run == RUN_BITS)
            run += get_var(&d->control);
        take_run(d, &like, run);
        if (kind == OP_ADD)
            d->bad |= !add_digits(from, d->to, get_zig(&d->numbers));
        else if (kind == OP_NUMBER && !d->bad)
            take_number(d, &like);
        else if (kind == OP_TEXT)
            take_letters(d, &like);
        d->bad |= d->control.bad || d->numbers.bad;
    }
}

static void take_body(struct delta_in *d)
{
    uint64_t head[DELTA_HEADS] = { 0 };
    uint8_t how = get_u8(&d->control);
    unsigned like = how & LIKE_BITS, keep = how >> KEEP_SHIFT & KEEP_BITS;
    struct in text = like < DELTA_KEPT ? in_of(d->kept[like].text, d->kept[like].n) : in_of(nothing, 0);
    for (unsigned i = 0; i < d->heads && how & HEADS_FLAG; i++) {
        uint8_t bytes[10];
        head[i] = (like < DELTA_KEPT ? d->kept[like].head[i] : 0) + (uint64_t)get_zig(&d->numbers);
        struct in in = in_of(bytes, (size_t)(write_var(bytes, head[i]) - bytes));
        take(d, &in, in_left(&in));
    }
    const uint8_t *from = d->to;
    take_text(d, text);
    d->kept[keep].text = from, d->kept[keep].n = (size_t)(d->to - from);
    memcpy(d->kept[keep].head, head, sizeof head);
}

bool delta_next(struct delta_in *d, int64_t *station, int64_t *id, lf_text *body)
{
    if (d->bad || !in_left(&d->control))
        return false;
    const uint8_t *from = d->to;
    d->station = (int64_t)((uint64_t)d->station + (uint64_t)get_zig(&d->numbers));
    d->id = (int64_t)((uint64_t)d->id + (uint64_t)get_zig(&d->numbers));
    take_body(d);
    d->bad |= d->control.bad || d->numbers.bad;
    *station = d->station, *id = d->id;
    *body = (lf_text){ (const char *)from, (uint32_t)(d->to - from) };
    return !d->bad;
}
