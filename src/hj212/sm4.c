/* sm4.c - the only place that knows OpenSSL. */
#include "hj212/sm4.h"

#include <openssl/evp.h>

enum { HEAD = 6, BLOCK = 16, WIRE_BYTE = 5 /* "0xE4," */ };

bool hj212_sm4(const unsigned char key[HJ212_KEY_SIZE], bool encrypt, unsigned char *p, size_t n)
{
    int written = 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    bool ok = c && n % BLOCK == 0 && EVP_CipherInit_ex(c, EVP_sm4_ecb(), NULL, key, NULL, encrypt) == 1 &&
              EVP_CIPHER_CTX_set_padding(c, 0) == 1 && EVP_CipherUpdate(c, p, &written, p, (int)n) == 1 && (size_t)written == n;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

bool hj212_seals(lf_text cn) { return cn.n == 4 && (cn.p[0] == '2' || lf_text_is(cn, "1014") || lf_text_is(cn, "3020")); }

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The place behind "CP=&&" of a segment; NULL when there is none. */
static const char *behind_cp(lf_text s)
{
    const char *at = s.n ? memmem(s.p, s.n, "CP=&&", 5) : NULL;
    return at ? at + 5 : NULL;
}

bool hj212_is_sealed(lf_text frame, lf_text *wire)
{
    uint32_t n = frame.n;
    const char *p = frame.p;
    if (n < HEAD + 16 || p[0] != '#' || p[1] != '#' || p[n - 1] != '\n' || p[n - 2] != '\r')
        return false;
    for (uint32_t i = 2; i < HEAD; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    n -= 6; /* checksum, CR LF */
    if (p[n - 1] != '&' || p[n - 2] != '&' || nibble(p[n]) < 0 || nibble(p[n + 1]) < 0 || nibble(p[n + 2]) < 0 || nibble(p[n + 3]) < 0)
        return false;
    *wire = (lf_text){ p + HEAD, n - HEAD };
    const char *cp = behind_cp(*wire);
    return cp && wire->p + wire->n - cp > 4 && memcmp(cp, "{0x", 3) == 0;
}

/* "{0xE4,0x3E}" from *at on into out[0..cap); *at behind the brace. Returns the bytes, 0 when it is not well written. */
static size_t read_bytes(const char **at, const char *end, unsigned char *out, size_t cap)
{
    const char *p = *at + 1;
    for (size_t n = 0; n < cap && end - p > WIRE_BYTE - 1; p++) {
        int hi = nibble(p[2]), lo = nibble(p[3]);
        if (p[0] != '0' || (p[1] | 0x20) != 'x' || hi < 0 || lo < 0)
            return 0;
        out[n++] = (unsigned char)(hi << 4 | lo);
        p += WIRE_BYTE - 1;
        if (*p == '}') {
            *at = p + 1;
            return n;
        }
        if (*p != ',')
            return 0;
    }
    return 0;
}

/* Header and rest around the decrypted blocks; the whole must have the length and the checksum of the frame. */
static enum hj212_why rebuild(lf_text frame, lf_text head, lf_text blocks, lf_text rest, char *out, lf_text *segment)
{
    size_t n = (size_t)head.n + blocks.n + rest.n;
    unsigned declared = 0, crc = 0;
    for (int i = 2; i < HEAD; i++)
        declared = declared * 10 + (unsigned)(frame.p[i] - '0');
    for (uint32_t i = frame.n - 6; i < frame.n - 2; i++)
        crc = crc << 4 | (unsigned)nibble(frame.p[i]);
    if (n != declared || n > HJ212_SEGMENT_MAX)
        return HJ212_KEY;
    memcpy(out, head.p, head.n);
    memcpy(out + head.n, blocks.p, blocks.n);
    memcpy(out + head.n + blocks.n, rest.p, rest.n);
    *segment = (lf_text){ out, (uint32_t)n };
    return hj212_crc(out, n) == crc ? HJ212_GOOD : HJ212_KEY;
}

enum hj212_why hj212_open(const unsigned char key[HJ212_KEY_SIZE], lf_text frame, char out[HJ212_SEGMENT_MAX], lf_text *segment)
{
    unsigned char block[HJ212_SEGMENT_MAX];
    lf_text wire;
    const char *cp = hj212_is_sealed(frame, &wire) ? behind_cp(wire) : NULL;
    if (!cp)
        return HJ212_SEALED;
    const char *at = cp, *end = wire.p + wire.n;
    size_t n = read_bytes(&at, end, block, sizeof block);
    if (n == 0 || n % BLOCK != 0 || end - at >= BLOCK + 2 || !hj212_sm4(key, false, block, n))
        return HJ212_SEALED;
    lf_text head = { wire.p, (uint32_t)(cp - wire.p) }, rest = { at, (uint32_t)(end - at) };
    return rebuild(frame, head, (lf_text){ (const char *)block, (uint32_t)n }, rest, out, segment);
}

size_t hj212_seal(const unsigned char key[HJ212_KEY_SIZE], lf_text segment, char *out, size_t cap)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned char block[HJ212_SEGMENT_MAX];
    char plain[HJ212_FRAME_MAX];
    size_t whole = hj212_frame(segment, plain, sizeof plain);
    const char *cp = behind_cp(segment), *end = segment.p + segment.n;
    if (!whole || !cp || end - cp < 2 || end[-1] != '&' || end[-2] != '&')
        return 0;
    size_t n = (size_t)(end - 2 - cp) / BLOCK * BLOCK, head = (size_t)(cp - segment.p) + HEAD, tail = whole - head - n;
    if (n == 0) /* less than a block: nothing is encrypted */
        return whole <= cap ? (memcpy(out, plain, whole), whole) : 0;
    if (cap < head + 1 + n * WIRE_BYTE + tail)
        return 0;
    memcpy(block, cp, n);
    if (!hj212_sm4(key, true, block, n))
        return 0;
    memcpy(out, plain, head);
    char *p = out + head;
    *p++ = '{';
    for (size_t i = 0; i < n; i++) {
        *p++ = '0', *p++ = 'x', *p++ = hex[block[i] >> 4], *p++ = hex[block[i] & 15];
        *p++ = i + 1 < n ? ',' : '}';
    }
    memcpy(p, plain + head + n, tail);
    return (size_t)(p - out) + tail;
}
