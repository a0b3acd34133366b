/* number.h - inside the codec and the reader of items: eight characters at a time, and short plain decimals of them. */
#ifndef LF_HJ212_NUMBER_H
#define LF_HJ212_NUMBER_H
#include "base/value.h"

/* Eight bytes with the first in the lowest place, on either byte order. */
static inline uint64_t hj212_eight(const char *p)
{
    uint64_t w;
    memcpy(&w, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/* The n < 8 bytes at p in the lowest places; nothing behind them is read. */
static inline uint64_t hj212_few(const char *p, uint32_t n)
{
    const unsigned char *c = (const unsigned char *)p;
    uint32_t half[2] = { 0, 0 };
    if (n < 4) /* the same byte may come twice to its place */
        return n ? (uint64_t)c[0] | (uint64_t)c[n / 2] << 8 * (n / 2) | (uint64_t)c[n - 1] << 8 * (n - 1) : 0;
    memcpy(&half[0], p, 4);
    memcpy(&half[1], p + n - 4, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    half[0] = __builtin_bswap32(half[0]);
    half[1] = __builtin_bswap32(half[1]);
#endif
    return half[0] | (uint64_t)half[1] << 8 * (n - 4);
}

#define HJ212_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* The lowest bit set is the top bit of the first byte of w that is zero; 0 when there is none. */
static inline uint64_t hj212_zero_byte(uint64_t w) { return (w - HJ212_EACH(1)) & ~w & HJ212_EACH(0x80); }

/* Where in w the first ',' or ';' is: 0 to 7; 8 when there is none. */
static inline uint32_t hj212_stop_in(uint64_t w)
{
    uint64_t found = hj212_zero_byte(w ^ HJ212_EACH(',')) | hj212_zero_byte(w ^ HJ212_EACH(';'));
    return found ? (uint32_t)__builtin_ctzll(found) / 8 : 8;
}

/* The first n (1 to 8) characters of w as digits with at most one point among them. False for everything else, of which some are
 * numbers all the same (signs): hj212_number knows them. The same double to the bit: both divide a whole number by a power of ten. */
static inline bool hj212_short_number(uint64_t w, uint32_t n, double *out)
{
    static const double power[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7 };
    uint32_t decimals = 0;
    uint64_t x = (w ^ HJ212_EACH('0')) << (64 - 8 * n); /* the last character in the highest place, zeros below the first */
    uint64_t point = hj212_zero_byte(x ^ HJ212_EACH('.' ^ '0'));
    if (point) { /* what is in front of it moves up into its place */
        uint32_t at = (uint32_t)__builtin_ctzll(point) & ~7u;
        uint64_t below = ((uint64_t)1 << at) - 1;
        x = (x & below) << 8 | (x & ~(below << 8 | 0xff));
        decimals = 7 - at / 8;
    }
    if ((((x & HJ212_EACH(0x7f)) + HJ212_EACH(0x76)) | x) & HJ212_EACH(0x80) || (point && n == 1))
        return false;
    x = x * 10 + (x >> 8); /* pairs, then fours, then all eight */
    x = ((x & 0x000000ff000000ffu) * 0x000f424000000064u + (x >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >> 32;
    *out = (double)(uint32_t)x / power[decimals];
    return true;
}
#endif
