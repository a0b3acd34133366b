/* ints.c - small numbers in few bits.
 *
 * An array is either one number (all equal) or frames of 32: a byte with the width in bits of the frame's widest number after
 * zigzag, then the 32 numbers in that width, lowest bit first. An outlier costs its own frame only, a frame of zeros one byte. */
#include "tele/log/codec.h"

enum { FRAME = 32 };

static unsigned width_of(uint64_t v) { return v ? 64 - (unsigned)__builtin_clzll(v) : 0; }

static unsigned frame_width(const int64_t *v, size_t n)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= zig(v[i]);
    return width_of(any);
}

static bool all_equal(const int64_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (v[i] != v[0])
            return false;
    return true;
}

size_t ints_cost(const int64_t *v, size_t n)
{
    size_t bytes = 1;
    if (all_equal(v, n))
        return 11;
    for (size_t i = 0; i < n; i += FRAME) {
        size_t k = n - i < FRAME ? n - i : FRAME;
        bytes += 1 + (k * frame_width(v + i, k) + 7) / 8;
    }
    return bytes;
}

static void put_frame(struct buf *b, const int64_t *v, size_t n)
{
    unsigned w = frame_width(v, n), used = 0;
    uint8_t *p = buf_room(b, 1 + (n * w + 7) / 8 + 16);
    uint64_t word = 0;
    *p++ = (uint8_t)w;
    for (size_t i = 0; i < n && w; i++) {
        uint64_t z = zig(v[i]);
        word |= z << used;
        if (used + w >= 64) {
            memcpy(p, &word, 8);
            p += 8;
            word = used ? z >> (64 - used) : 0;
            used = used + w - 64;
        } else
            used += w;
    }
    memcpy(p, &word, 8); /* room was left for all of it */
    b->n += 1 + (n * w + 7) / 8;
}

void ints_put(struct buf *b, const int64_t *v, size_t n)
{
    bool same = all_equal(v, n);
    put_u8(b, same);
    if (same)
        put_zig(b, n ? v[0] : 0);
    for (size_t i = 0; !same && i < n; i += FRAME)
        put_frame(b, v + i, n - i < FRAME ? n - i : FRAME);
}

/* w bits from bit `at` of p; bytes behind `end` count as zeros. */
static uint64_t bits_at(const uint8_t *p, const uint8_t *end, size_t at, unsigned w)
{
    const uint8_t *q = p + at / 8;
    unsigned shift = at % 8;
    uint64_t lo = 0, hi = 0;
    size_t left = (size_t)(end - q);
    if (left >= 9) { /* nearly always; loads of a fixed size */
        memcpy(&lo, q, 8);
        hi = q[8];
    } else
        for (size_t i = 0; i < left; i++)
            lo |= (uint64_t)(i < 8 ? q[i] : 0) << (i < 8 ? 8 * i : 0);
    uint64_t v = lo >> shift | (shift ? hi << (64 - shift) : 0);
    return w < 64 ? v & (((uint64_t)1 << w) - 1) : v;
}

static void get_frame(struct in *in, int64_t *v, size_t n)
{
    unsigned w = get_u8(in);
    const uint8_t *p = w <= 64 ? get_bytes(in, (n * w + 7) / 8) : NULL;
    if (!p)
        in->bad = true;
    for (size_t i = 0; i < n; i++)
        v[i] = p ? zag(bits_at(p, in->end, i * w, w)) : 0;
}

void ints_get(struct in *in, int64_t *v, size_t n)
{
    uint8_t mode = get_u8(in);
    int64_t same = mode == 1 ? get_zig(in) : 0;
    in->bad |= mode > 1;
    if (mode == 0)
        for (size_t i = 0; i < n; i += FRAME)
            get_frame(in, v + i, n - i < FRAME ? n - i : FRAME);
    else
        for (size_t i = 0; i < n; i++)
            v[i] = same;
}
