/* sim_shift.c - a capture told as if it were of now: its times moved, its good packets good again, its broken ones broken as before. */
#include "app/sim.h"
#include "hj212/hj212.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { CRC = 4, SECONDS = 14, THOUSANDTHS = 17 }; /* digits */

/* When a packet says that it was sent: QN; packets of 2005 may have none, and say when their data is of. */
static lf_ms sent(lf_text segment)
{
    struct hj212_packet k;
    const char *bad;
    lf_ms at = { 0 };
    if (hj212_parse(segment, &k, &bad) == HJ212_GOOD)
        (void)lf_ms_parse_compact(k.qn.n ? k.qn : hj212_value(k.cp, "DataTime"), &at);
    return at;
}

static lf_ms newest(const char *bytes, size_t n)
{
    lf_ms last = { 0 };
    lf_text frame, segment;
    for (size_t at = 0, used = 1; used && at < n; at += used) {
        bool good = hj212_take(bytes + at, n - at, &used, &frame, &segment) == HJ212_GOOD && used;
        lf_ms t = good ? sent(segment) : last;
        last = t.ms > last.ms ? t : last;
    }
    return last;
}

/* Whatever stands behind a '=' and is a time to the second or its thousandth. */
static void move_times(char *p, size_t n, int64_t ms)
{
    for (size_t i = 1, digits; i < n; i += digits + 1) {
        char b[32];
        lf_ms t;
        for (digits = 0; i + digits < n && isdigit((unsigned char)p[i + digits]);)
            digits++;
        if (p[i - 1] == '=' && (digits == SECONDS || digits == THOUSANDTHS) && lf_ms_parse_compact((lf_text){ p + i, SECONDS }, &t))
            memcpy(p + i, lf_ms_compact(b, (lf_ms){ t.ms + ms }), SECONDS);
    }
}

/* As the device writes it, in capitals or small. */
static void put_crc(char *to, lf_text segment)
{
    char b[CRC + 1];
    bool small =
        islower((unsigned char)to[0]) || islower((unsigned char)to[1]) || islower((unsigned char)to[2]) || islower((unsigned char)to[3]);
    snprintf(b, sizeof b, small ? "%04x" : "%04X", hj212_crc(segment.p, segment.n));
    memcpy(to, b, CRC);
}

bool sim_shift(char *bytes, size_t n, lf_ms now)
{
    lf_ms last = newest(bytes, n);
    int64_t ms = (now.ms - last.ms) / LF_HOUR_MS * LF_HOUR_MS;
    lf_text frame, segment;
    if (!last.ms)
        return false;
    for (size_t at = 0, used; at < n; at += used) {
        (void)hj212_take(bytes + at, n - at, &used, &frame, &segment);
        unsigned needs = used ? hj212_needs(frame, &segment) : HJ212_NEEDS_MORE;
        used = used ? used : n - at;
        move_times(bytes + at, used, ms);
        if (!(needs & (HJ212_NEEDS_MORE | HJ212_NEEDS_MODBUS)))
            put_crc(bytes + (segment.p - bytes) + segment.n, segment);
    }
    return true;
}
