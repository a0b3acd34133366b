/* write.c - frames and answers. */
#include "hj212/hj212.h"

enum { HEAD = 6, AROUND = 12 };

/* Head, checksum and end around the n bytes of a segment that stand where they belong. */
static size_t close_frame(char *out, uint32_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    unsigned crc = hj212_crc(out + HEAD, n), left = n;
    char *p = out + HEAD + n;
    out[0] = out[1] = '#';
    for (int i = HEAD - 1; i >= 2; i--, left /= 10)
        out[i] = (char)('0' + left % 10);
    for (int i = 3; i >= 0; i--, crc >>= 4)
        p[i] = hex[crc & 15];
    p[4] = '\r';
    p[5] = '\n';
    return n + AROUND;
}

size_t hj212_frame(lf_text segment, char *out, size_t cap)
{
    if (segment.n > HJ212_SEGMENT_MAX || cap < segment.n + (size_t)AROUND)
        return 0;
    memmove(out + HEAD, segment.p, segment.n); /* the segment may have been written in place */
    return close_frame(out, segment.n);
}

/* A segment under construction, in its place within the frame: what does not fit sets `full`. */
struct seg {
    char *p;
    uint32_t n, room;
    bool full;
};

static struct seg begin(char *out, size_t cap)
{
    size_t room = cap < AROUND ? 0 : cap - AROUND;
    return (struct seg){ .p = out + HEAD, .room = room < HJ212_SEGMENT_MAX ? (uint32_t)room : HJ212_SEGMENT_MAX };
}

static inline void put(struct seg *s, lf_text t)
{
    if (t.n > s->room - s->n) {
        s->full = true;
        return;
    }
    memcpy(s->p + s->n, t.p, t.n);
    s->n += t.n;
}

static inline void put_str(struct seg *s, const char *t) { put(s, lf_str(t)); }

/* "name=value" + end; nothing for a null value. */
static inline void put_field(struct seg *s, const char *name, lf_text value, const char *end)
{
    if (!value.p)
        return;
    put_str(s, name);
    put(s, value);
    put_str(s, end);
}

static void put_number(struct seg *s, const char *name, int v)
{
    char text[12];
    uint32_t at = sizeof text;
    unsigned left = v < 0 ? 0 : (unsigned)v; /* flags, counts and result codes have no sign */
    do
        text[--at] = (char)('0' + left % 10);
    while (left /= 10);
    put_field(s, name, (lf_text){ text + at, (uint32_t)sizeof text - at }, "");
}

static size_t finish(struct seg *s)
{
    put_str(s, "&&");
    return s->full ? 0 : close_frame(s->p - HEAD, s->n);
}

/* 2017 table 3 order, ST=91 (system interaction), Flag = the version bits of the packet: no answer to an answer. */
static void put_head(struct seg *s, const struct hj212_packet *p, const char *cn)
{
    bool old = p->version == 2005;
    if (!old)
        put_field(s, "QN=", p->qn, ";");
    put_str(s, "ST=91;CN=");
    put_str(s, cn);
    put_str(s, ";");
    put_field(s, "PW=", p->pw, ";");
    put_field(s, "MN=", p->mn, ";");
    put_number(s, "Flag=", old ? 0 : p->flag & 0xfc);
    put_str(s, ";CP=&&");
    if (old)
        put_field(s, "QN=", p->qn, "");
}

/* HJ/T 212-2005 9014: no PW, MN, Flag; what is acknowledged stands inside CP. */
static void put_data_answer_2005(struct seg *s, const struct hj212_packet *p)
{
    put_str(s, "ST=91;CN=9014;CP=&&");
    put_field(s, "QN=", p->qn, ";");
    put_field(s, "CN=", p->cn, "");
    if (p->split) {
        put_number(s, ";PNO=", p->pno);
        put_number(s, ";PNUM=", p->pnum);
    }
}

/* 1013 asks for the time, 2072 tells an over-limit event (2005), 2012 and 2022 stop a stream, 9015 is the heartbeat of
 * 2025 (and a private one before it). */
bool hj212_is_notice(lf_text cn)
{
    return lf_text_is(cn, "1013") || lf_text_is(cn, "2012") || lf_text_is(cn, "2022") || lf_text_is(cn, "2072") || lf_text_is(cn, "9015");
}

size_t hj212_answer(const struct hj212_packet *p, char *out, size_t cap)
{
    struct seg s = begin(out, cap);
    if (hj212_is_notice(p->cn))
        put_head(&s, p, "9013");
    else if (p->version == 2005)
        put_data_answer_2005(&s, p);
    else
        put_head(&s, p, "9014");
    return finish(&s);
}

size_t hj212_result(const struct hj212_packet *p, bool executed, int code, char *out, size_t cap)
{
    struct seg s = begin(out, cap);
    put_head(&s, p, executed ? "9012" : "9011");
    if (p->version == 2005 && p->qn.p)
        put_str(&s, ";");
    put_number(&s, executed ? "ExeRtn=" : "QnRtn=", code);
    return finish(&s);
}
