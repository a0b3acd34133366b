/* number.h - inside the codec and the reader of items: eight characters at a time, and plain decimals. */
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

/* Are the n >= 8 bytes all digits? */
static inline bool hj212_all_digits(const char *p, uint32_t n)
{
    uint64_t other = 0; /* a set bit where one is none: of a byte that is more than 9 when '0' is taken from it by xor */
    for (uint32_t i = 0; i < n; i += 8) {
        uint64_t x = hj212_eight(i + 8 <= n ? p + i : p + n - 8) ^ HJ212_EACH('0');
        other |= ((x & HJ212_EACH(0x7f)) + HJ212_EACH(0x76)) | x;
    }
    return (other & HJ212_EACH(0x80)) == 0;
}

/* Where in w the first ',' or ';' is: 0 to 7; 8 when there is none. */
static inline uint32_t hj212_stop_in(uint64_t w)
{
    uint64_t found = hj212_zero_byte(w ^ HJ212_EACH(',')) | hj212_zero_byte(w ^ HJ212_EACH(';'));
    return found ? (uint32_t)__builtin_ctzll(found) / 8 : 8;
}

/* The plain decimal that begins at p, of at most fifteen digits: returns where it ends. NULL: none is there, or one that is left to
 * hj212_number. The same double to the bit: both divide a whole number by a power of ten. Something that is no digit must stand behind. */
static inline const char *hj212_plain_number(const char *p, double *out)
{
    static const double power[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    bool minus = *p == '-';
    const char *first = p += minus, *point = NULL;
    uint64_t n = 0;
    for (unsigned digit; (digit = (unsigned)(unsigned char)*p - '0') <= 9; p++)
        n = n * 10 + digit;
    if (*p == '.') {
        point = p++;
        for (unsigned digit; (digit = (unsigned)(unsigned char)*p - '0') <= 9; p++)
            n = n * 10 + digit;
    }
    size_t digits = (size_t)(p - first) - (point != NULL);
    if (digits - 1 > 14)
        return NULL;
    double v = (double)(int64_t)n / power[point ? p - point - 1 : 0];
    *out = minus ? -v : v;
    return p;
}
#endif
