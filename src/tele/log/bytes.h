/* bytes.h - writing and reading the store's binary forms: little-endian, varints, texts with a length.
 *
 * A reader never leaves its range: on anything malformed it sets `bad`, gives zeros from then on, and the caller asks once at
 * the end. So damaged and hostile files end in an error, not in a crash. */
#ifndef LF_TELE_LOG_BYTES_H
#define LF_TELE_LOG_BYTES_H
#include "base/arena.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the files of the store are little-endian");

struct buf {
    uint8_t *p;
    size_t n, cap;
};

static inline void buf_free(struct buf *b)
{
    lf_release(b->p);
    *b = (struct buf){ NULL, 0, 0 };
}

/* Where n more bytes may be written; the caller adds to b->n. */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
    if (b->cap - b->n < n) {
        b->cap = b->cap * 2 > b->n + n ? b->cap * 2 : b->n + n + 256;
        b->p = lf_renew(b->p, b->cap);
    }
    return b->p + b->n;
}

static inline void put_bytes(struct buf *b, const void *p, size_t n)
{
    if (n)
        memcpy(buf_room(b, n), p, n);
    b->n += n;
}
static inline void put_u8(struct buf *b, uint8_t v) { *buf_room(b, 1) = v, b->n++; }
static inline void put_u32(struct buf *b, uint32_t v) { put_bytes(b, &v, sizeof v); }
static inline void put_u64(struct buf *b, uint64_t v) { put_bytes(b, &v, sizeof v); }
static inline void put_f64(struct buf *b, double v) { put_bytes(b, &v, sizeof v); }
/* At q, which has room for ten bytes; the place behind it. */
static inline uint8_t *write_var(uint8_t *q, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        *q++ = (uint8_t)(v | 128);
    *q++ = (uint8_t)v;
    return q;
}
static inline void put_var(struct buf *b, uint64_t v) { b->n = (size_t)(write_var(buf_room(b, 10), v) - b->p); }
static inline uint64_t zig(int64_t v) { return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0); }
static inline int64_t zag(uint64_t z) { return (int64_t)(z >> 1 ^ (z & 1 ? UINT64_MAX : 0)); }
static inline void put_zig(struct buf *b, int64_t v) { put_var(b, zig(v)); }
/* 0 = null, else length + 1. */
enum { TEXT_ROOM = 10 }; /* beside the text itself */
static inline uint8_t *write_text(uint8_t *q, lf_text t)
{
    q = write_var(q, t.p ? (uint64_t)t.n + 1 : 0);
    if (t.p && t.n)
        memcpy(q, t.p, t.n);
    return q + (t.p ? t.n : 0);
}
static inline void put_text(struct buf *b, lf_text t) { b->n = (size_t)(write_text(buf_room(b, t.n + (size_t)TEXT_ROOM), t) - b->p); }

struct in {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct in in_of(const void *p, size_t n) { return (struct in){ p, (const uint8_t *)p + n, false }; }
static inline size_t in_left(const struct in *in) { return (size_t)(in->end - in->p); }
/* The next n bytes, or NULL. */
static inline const uint8_t *get_bytes(struct in *in, uint64_t n)
{
    if (in->bad || n > in_left(in)) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *p = in->p;
    in->p += n;
    return p;
}
static inline void get_fixed(struct in *in, void *out, size_t n)
{
    const uint8_t *p = get_bytes(in, n);
    if (p)
        memcpy(out, p, n);
    else
        memset(out, 0, n);
}
static inline uint8_t get_u8(struct in *in)
{
    const uint8_t *p = get_bytes(in, 1);
    return p ? *p : 0;
}
static inline uint32_t get_u32(struct in *in)
{
    uint32_t v;
    get_fixed(in, &v, sizeof v);
    return v;
}
static inline uint64_t get_u64(struct in *in)
{
    uint64_t v;
    get_fixed(in, &v, sizeof v);
    return v;
}
static inline double get_f64(struct in *in)
{
    double v;
    get_fixed(in, &v, sizeof v);
    return v;
}
static inline uint64_t get_var(struct in *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->bad || in->p == in->end)
            break;
        uint8_t c = *in->p++;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return v;
    }
    in->bad = true;
    return 0;
}
static inline int64_t get_zig(struct in *in) { return zag(get_var(in)); }
static inline lf_text get_text(struct in *in)
{
    uint64_t n = get_var(in);
    if (n == 0 || n > UINT32_MAX)
        return in->bad |= n > 0, (lf_text){ NULL, 0 };
    const uint8_t *p = get_bytes(in, n - 1);
    return p ? (lf_text){ (const char *)p, (uint32_t)(n - 1) } : (lf_text){ NULL, 0 };
}

/* A flag in one word: 0 = null, else bytes and (length + 1) << 56. Longer ones (none is admitted) are cut to seven bytes. */
enum { FLAG_BYTES = 7 };
static inline uint64_t flag_of(const char *p, uint32_t n) /* in a register: bytes stored one by one and loaded as one word make it wait */
{
    uint64_t v = (uint64_t)(n + 1) << 56;
    for (uint32_t i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return v;
}
static inline uint64_t flag_pack(lf_text t) { return t.p ? flag_of(t.p, t.n < FLAG_BYTES ? t.n : FLAG_BYTES) : 0; }
/* What follows its length + 1; 0: no flag. */
static inline uint64_t get_flag(struct in *in, uint8_t len)
{
    const uint8_t *p = get_bytes(in, len ? len - 1u : 0);
    return p && len ? flag_of((const char *)p, len - 1u) : 0;
}
/* The text lies in *v, which must live on. */
static inline lf_text flag_text(const uint64_t *v)
{
    return *v >> 56 ? (lf_text){ (const char *)v, (uint32_t)(*v >> 56) - 1 } : (lf_text){ NULL, 0 };
}
#endif
