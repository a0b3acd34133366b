#include "base/text.h"

unsigned lf_utf8_len(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    unsigned len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > n)
        return 0;
    for (unsigned i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return len;
}

bool lf_utf8_ok(lf_text t)
{
    const unsigned char *s = (const unsigned char *)t.p;
    for (uint32_t i = 0; i < t.n;) {
        unsigned len = lf_utf8_len(s + i, t.n - i);
        if (!len || !s[i])
            return false;
        i += len;
    }
    return true;
}

bool lf_text_int(lf_text t, int64_t *out)
{
    int64_t v = 0;
    if (!t.n || t.n > 18)
        return false;
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (t.p[i] - '0');
    }
    *out = v;
    return true;
}

char *lf_one_line(char *to, size_t room, const char *said)
{
    size_t n = 0;
    for (bool gap = false; *said; said++) {
        if (strchr(" \t\r\n", *said)) {
            gap = n > 0;
            continue;
        }
        if (n + gap + 1 >= room)
            break;
        if (gap)
            to[n++] = ' ';
        gap = false;
        to[n++] = *said;
    }
    while (n && ((unsigned char)*said & 0xC0) == 0x80) /* cut inside a sign */
        if (((unsigned char)to[--n] & 0xC0) == 0xC0)
            break;
    to[n] = 0;
    return to;
}
