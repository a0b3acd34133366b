#include "tele/tele.h"

enum { KEEP_BYTES = 4 << 20 };

static const char *const kind_names[LF_TELE_KIND_COUNT] = { "rtd", "min", "hour", "day", "hour_calc", "day_calc" };

const char *lf_tele_kind_name(enum lf_tele_kind k) { return k < LF_TELE_KIND_COUNT ? kind_names[k] : "unknown"; }

bool lf_tele_kind_parse(lf_text name, enum lf_tele_kind *out)
{
    for (unsigned k = 0; k < LF_TELE_KIND_COUNT; k++)
        if (lf_text_is(name, kind_names[k])) {
            *out = (enum lf_tele_kind)k;
            return true;
        }
    return false;
}

static const struct {
    const char *name, *text;
} whys[] = {
    [LF_TELE_PASSWORD - HJ212_WHY_COUNT] = { "password", "访问密码错误 | Wrong password" },
    [LF_TELE_UNKNOWN_MN - HJ212_WHY_COUNT] = { "unknown_mn", "未登记的设备标识 MN | No station has this MN" },
    [LF_TELE_DISABLED - HJ212_WHY_COUNT] = { "disabled", "站点已停用 | The station is switched off" },
    [LF_TELE_TIME - HJ212_WHY_COUNT] = { "time", "数据时间不可信 | The data time is not believable" },
    [LF_TELE_COMMAND - HJ212_WHY_COUNT] = { "command", "现场机不应发送的命令 | A command that a device does not send" },
    [LF_TELE_PLAIN - HJ212_WHY_COUNT] = { "plain", "站点已配密钥，报文却未加密 | The station has a key, but this packet is not encrypted" },
    [LF_TELE_STORE - HJ212_WHY_COUNT] = { "store", "无法入库 | The store refuses it" },
};

const char *lf_tele_why_name(enum lf_tele_why w)
{
    if ((unsigned)w < HJ212_WHY_COUNT)
        return hj212_why_name((enum hj212_why)w);
    return w < LF_TELE_WHY_COUNT ? whys[w - HJ212_WHY_COUNT].name : "unknown";
}

const char *lf_tele_why_text(enum lf_tele_why w)
{
    if ((unsigned)w < HJ212_WHY_COUNT)
        return hj212_why_text((enum hj212_why)w);
    return w < LF_TELE_WHY_COUNT ? whys[w - HJ212_WHY_COUNT].text : "未知 | Unknown";
}

/* Room for one more element, which is zeroed. */
static inline void *grow(void *p, size_t n, size_t *cap, size_t size)
{
    p = lf_more(NULL, p, n, cap, size);
    memset((char *)p + n * size, 0, size);
    return p;
}

struct lf_tele_packet *lf_tele_add_packet(struct lf_tele_batch *b)
{
    b->packet = grow(b->packet, b->npacket, &b->cap_packet, sizeof *b->packet);
    return &b->packet[b->npacket++];
}

struct lf_tele_reading *lf_tele_add_reading(struct lf_tele_batch *b)
{
    b->reading = grow(b->reading, b->nreading, &b->cap_reading, sizeof *b->reading);
    return &b->reading[b->nreading++];
}

struct lf_tele_reading *lf_tele_put_readings(struct lf_tele_batch *b, const struct lf_tele_reading *like, size_t n)
{
    while (!b->reading || b->nreading + n > b->cap_reading)
        b->reading = lf_more(NULL, b->reading, b->cap_reading, &b->cap_reading, sizeof *b->reading);
    struct lf_tele_reading *first = &b->reading[b->nreading];
    for (size_t i = 0; i < n; i++)
        first[i] = *like;
    b->nreading += n;
    return first;
}

struct lf_tele_reject *lf_tele_add_reject(struct lf_tele_batch *b)
{
    b->reject = grow(b->reject, b->nreject, &b->cap_reject, sizeof *b->reject);
    return &b->reject[b->nreject++];
}

struct lf_tele_ack *lf_tele_add_ack(struct lf_tele_batch *b)
{
    b->ack = grow(b->ack, b->nack, &b->cap_ack, sizeof *b->ack);
    return &b->ack[b->nack++];
}

struct lf_tele_held *lf_tele_add_held(struct lf_tele_batch *b)
{
    b->held = grow(b->held, b->nheld, &b->cap_held, sizeof *b->held);
    return &b->held[b->nheld++];
}

lf_text lf_tele_once(struct lf_tele_batch *b, enum lf_tele_shared which, lf_text t)
{
    if (!b->last[which].p || !lf_text_eq(b->last[which], t))
        b->last[which] = lf_text_copy(&b->arena, t);
    return b->last[which];
}

void lf_tele_batch_reset(struct lf_tele_batch *b)
{
    lf_arena_empty(&b->arena, KEEP_BYTES);
    b->last[LF_TELE_PEER] = b->last[LF_TELE_GRID] = (lf_text){ NULL, 0 };
    b->npacket = b->nreading = b->nreject = b->nack = b->nheld = b->corrected = 0;
}

void lf_tele_batch_free(struct lf_tele_batch *b)
{
    lf_arena_free(&b->arena);
    lf_release(b->packet);
    lf_release(b->reading);
    lf_release(b->reject);
    lf_release(b->ack);
    lf_release(b->held);
    *b = (struct lf_tele_batch){ .npacket = 0 };
}
