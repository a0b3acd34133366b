/* frame.c - finding frames in a stream of bytes: HJ 212-2017 §6.3.1 table 2.
 *
 * The rule behind all of it: what hj212_take says depends only on a prefix of the bytes, never on how much lies behind it.
 * So a stream cut into single bytes and the same stream in one piece give the same frames and the same refusals. */
#include "hj212/crc.h"

enum { HEAD = 6, CRC = 4, TAIL = 2 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20); /* lower-case digits are seen in the field and always accepted */
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex4(const char *p, unsigned *out)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return false;
        v = v << 4 | (unsigned)d;
    }
    *out = v;
    return true;
}

static int length_of(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

/* First "##" that begins in p[from..to) and is whole within p[0..n); n when there is none. */
static size_t find_head(const char *p, size_t from, size_t to, size_t n)
{
    while (from < to && from + 1 < n) {
        const char *h = memchr(p + from, '#', (to < n - 1 ? to : n - 1) - from);
        if (!h)
            break;
        if (h[1] == '#')
            return (size_t)(h - p);
        from = (size_t)(h - p) + 1;
    }
    return n;
}

static enum hj212_why refuse(enum hj212_why why, const char *p, size_t n, size_t *used, lf_text *frame)
{
    *used = n;
    *frame = (lf_text){ p, (uint32_t)n };
    return why;
}

/* Bytes before a frame: everything up to the next "##", or a full buffer of them. */
static enum hj212_why take_noise(const char *p, size_t n, size_t *used, lf_text *frame)
{
    size_t limit = n < HJ212_BUFFER_MAX ? n : HJ212_BUFFER_MAX;
    size_t at = find_head(p, 0, limit, limit);
    if (at < limit)
        return refuse(HJ212_NOISE, p, at, used, frame);
    if (n < HJ212_BUFFER_MAX)
        return HJ212_GOOD; /* wait */
    return refuse(HJ212_NOISE, p, limit - (p[limit - 1] == '#'), used, frame);
}

/* A frame whose head or length cannot be trusted ends where the next begins, or at its CR LF, or with the buffer. */
static enum hj212_why take_broken(enum hj212_why why, const char *p, size_t n, size_t *used, lf_text *frame)
{
    size_t limit = n < HJ212_BUFFER_MAX ? n : HJ212_BUFFER_MAX;
    for (size_t i = 2; i + 1 < limit; i++) {
        if (p[i] == '#' && p[i + 1] == '#')
            return refuse(why, p, i, used, frame);
        if (p[i] == '\r' && p[i + 1] == '\n')
            return refuse(why, p, i + 2, used, frame);
    }
    if (n < HJ212_BUFFER_MAX)
        return HJ212_GOOD; /* wait */
    return refuse(why, p, limit - 1, used, frame);
}

/* Looks for an end of frame before the place where the length field puts it: "&&" + four hex digits + CR LF, or CR LF
 * with the head of another frame behind it. Neither occurs inside a data segment, so the length was too large or the
 * middle was lost; waiting for the declared length would swallow good frames. Returns the place behind CR LF, or 0. */
static size_t early_end(const char *p, size_t n, size_t whole)
{
    size_t stop = (n < whole ? n : whole) - 1;
    unsigned ignored;
    for (size_t i = HEAD; i < stop && i + TAIL < whole; i++) {
        const char *cr = memchr(p + i, '\r', stop - i);
        if (!cr)
            break;
        i = (size_t)(cr - p);
        if (cr[1] != '\n' || i + TAIL >= whole)
            continue;
        if (i >= HEAD + 6 && cr[-6] == '&' && cr[-5] == '&' && hex4(cr - 4, &ignored))
            return i + TAIL;
        if (i + 8 <= n && i + 8 < whole && cr[2] == '#' && cr[3] == '#' && length_of(cr + 4) >= 0)
            return i + TAIL;
    }
    return 0;
}

/* The frame without its CR LF, when the next byte shows that CR LF will not come. */
static enum hj212_why take_no_tail(const char *p, size_t n, size_t body, size_t *used, lf_text *frame)
{
    size_t end = body;
    if (p[body] == '\n' || (p[body] == '\r' && n > body + 1))
        end++; /* half of a CR LF belongs to this frame */
    return refuse(HJ212_TAIL, p, end, used, frame);
}

static enum hj212_why take_whole(const char *p, size_t n, size_t body, size_t *used, lf_text *frame, lf_text *segment)
{
    unsigned crc;
    bool hex = hex4(p + body - CRC, &crc), match = hex && crc == hj212_crc(p + HEAD, body - CRC - HEAD);
    bool tail_gone = p[body] != '\r' || (n > body + 1 && p[body + 1] != '\n');
    if (tail_gone)
        return match ? take_no_tail(p, n, body, used, frame) : take_broken(HJ212_LENGTH, p, n, used, frame);
    if (n < body + TAIL)
        return HJ212_GOOD; /* wait */
    size_t whole = body + TAIL;
    if (match) {
        *used = whole;
        *frame = (lf_text){ p, (uint32_t)whole };
        *segment = (lf_text){ p + HEAD, (uint32_t)(body - CRC - HEAD) };
        return HJ212_GOOD;
    }
    size_t next = find_head(p, 2, whole, whole);
    return refuse(hex ? HJ212_CRC : HJ212_CRC_FORM, p, next, used, frame);
}

enum hj212_why hj212_take(const char *p, size_t n, size_t *used, lf_text *frame, lf_text *segment)
{
    *used = 0;
    if (n < 3)
        return HJ212_GOOD;
    if (p[0] != '#' || p[1] != '#')
        return take_noise(p, n, used, frame);
    if (p[2] == '#') /* "###": the head is the last two of them */
        return refuse(HJ212_NOISE, p, 1, used, frame);
    if (n < HEAD)
        return HJ212_GOOD;
    int length = length_of(p + 2);
    if (length < 0)
        return take_broken(HJ212_LENGTH, p, n, used, frame);
    if (length > HJ212_SEGMENT_MAX)
        return take_broken(HJ212_OVERSIZE, p, n, used, frame);
    size_t body = (size_t)(HEAD + length + CRC), end = early_end(p, n, body + TAIL);
    if (end)
        return refuse(HJ212_LENGTH, p, find_head(p, 2, end, end), used, frame);
    return n > body ? take_whole(p, n, body, used, frame, segment) : HJ212_GOOD;
}

unsigned hj212_needs(lf_text frame, lf_text *segment)
{
    const char *p = frame.p;
    uint32_t n = frame.n, digits = 0;
    unsigned need = 0, crc;
    if (n > 2 && p[n - 1] == '\n' && p[n - 2] == '\r')
        n -= 2;
    else
        need |= HJ212_NEEDS_TAIL;
    while (n > 2 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
        n--;
    while (2 + digits < n && digits < 5 && p[2 + digits] >= '0' && p[2 + digits] <= '9')
        digits++;
    if (digits == 5 && n >= HEAD + CRC && (uint32_t)length_of(p + 2) == n - HEAD - CRC)
        digits = 4; /* the fifth is the segment's own */
    if (n < 2 + digits + CRC || p[0] != '#' || p[1] != '#' || digits < 2 || !hex4(p + n - CRC, &crc))
        return HJ212_NEEDS_MORE;
    *segment = (lf_text){ p + 2 + digits, n - CRC - 2 - digits };
    if (digits != 4 || (uint32_t)length_of(p + 2) != segment->n || segment->n > HJ212_SEGMENT_MAX)
        need |= HJ212_NEEDS_LENGTH;
    if (crc == hj212_crc(segment->p, segment->n))
        return need;
    unsigned modbus = hj212_crc_modbus(segment->p, segment->n);
    return crc == modbus || crc == (modbus >> 8 | (modbus & 0xff) << 8) ? need | HJ212_NEEDS_MODBUS : HJ212_NEEDS_MORE;
}
