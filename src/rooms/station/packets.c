/* packets.c - raw packets as evidence, and one of them field by field. */
#include "rooms/station/decode.h"
#include "rooms/station/parts.h"

#include <inttypes.h>

enum { PAGE = 50, WALK_MOST = 20000 };

static void packet_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_tele_stored_packet *p)
{
    char b[32];
    lf_json_kint(j, "id", p->id.v);
    lf_json_kstr(j, "received_at", lf_ms_iso(b, p->received));
    lf_json_kstr(j, "at", p->at.ms ? lf_ms_iso(b, p->at) : NULL);
    lf_json_ktext(j, "qn", p->qn);
    lf_json_ktext(j, "cn", p->cn);
    decode_both(j, "cn_zh", "cn_en", hj212_cn_name(p->cn));
    lf_json_ktext(j, "peer", p->peer);
    lf_json_ktext(j, "note", p->note);
    lf_json_kstr(j, "verdict", "good");
    lf_json_kint(j, "readings", p->readings);
    lf_json_key(j, "raw");
    station_put_raw(cx, j, p->raw);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

struct wanted {
    lf_text cn;
    lf_ms from, to; /* when it came */
    bool noted;     /* only where something was forgiven, opened or held back */
};

static bool fits(const struct wanted *w, const struct lf_tele_stored_packet *p)
{
    return (!w->cn.n || lf_text_eq(w->cn, p->cn)) && p->received.ms >= w->from.ms && p->received.ms < w->to.ms && (!w->noted || p->note.n);
}

static lf_rc read_wanted(struct lf_ctx *cx, const struct lf_call *c, struct wanted *w)
{
    *w = (struct wanted){ .cn = lf_http_param(c->req, "cn"), .noted = lf_text_is(lf_http_param(c->req, "noted"), "1") };
    lf_rc rc = station_read_time(cx, c, "from", (lf_ms){ 0 }, &w->from);
    return rc ? rc : station_read_time(cx, c, "to", (lf_ms){ INT64_MAX }, &w->to);
}

/* Walks back from `before` until a page is full or enough was looked at; *before: where to go on, 0 at the end. */
static lf_rc walk(struct lf_ctx *cx, struct lf_json *j, lf_id station, const struct wanted *w, lf_id *before)
{
    int shown = 0, walked = 0;
    for (;;) {
        struct lf_tele_stored_packet *p;
        size_t n;
        lf_rc rc = station_store->ops->packets(station_store, &cx->arena, station, *before, PAGE, &p, &n, &cx->err);
        for (size_t i = 0; !rc && i < n; i++) {
            *before = p[i].id;
            if (p[i].received.ms < w->from.ms - LF_HOUR_MS) { /* in the order of their coming, but for a clock that was set back */
                *before = (lf_id){ 0 };
                return LF_OK;
            }
            if (!fits(w, &p[i]))
                continue;
            lf_json_obj(j);
            packet_json(cx, j, &p[i]);
            lf_json_end_obj(j);
            if (++shown == PAGE)
                return LF_OK;
        }
        walked += (int)n;
        if (rc || n < PAGE)
            *before = (lf_id){ 0 };
        if (rc || n < PAGE || walked >= WALK_MOST)
            return rc;
    }
}

lf_rc station_packets(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, before = { 0 };
    struct wanted w;
    lf_text after = lf_http_param(c->req, "after");
    lf_rc rc = station_of(cx, c, &id);
    if (!rc && after.n)
        rc = lf_call_int(cx, after, "after", &before.v);
    if (rc || (rc = read_wanted(cx, c, &w)))
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    if (station_store)
        rc = walk(cx, &c->j, id, &w, &before);
    lf_json_end_arr(&c->j);
    lf_json_kstr(&c->j, "next", before.v ? lf_printf(&cx->arena, "%" PRId64, before.v) : NULL);
    lf_json_end_obj(&c->j);
    return rc;
}

lf_rc station_packet(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, pid;
    struct lf_tele_stored_packet p;
    struct station_device device;
    lf_rc rc = station_of(cx, c, &id);
    if (!rc)
        rc = lf_call_int(cx, c->seg[1], "pid", &pid.v);
    if (!rc)
        rc = station_store ? station_store->ops->packet(station_store, &cx->arena, pid, &p, &cx->err) : LF_ENOTFOUND;
    if (!rc && p.station.v != id.v)
        rc = LF_ENOTFOUND;
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, rc, NULL, "没有这个报文 | there is no such packet");
    if (!rc)
        rc = station_device_of(cx, id, &device);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    packet_json(cx, &c->j, &p);
    lf_json_key(&c->j, "decoded");
    station_put_decoded(cx, &c->j, p.raw, device.sm4_key);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* The header of the device's newest upload, in the arena. LF_ENOTFOUND without a message. */
static lf_rc newest_upload(struct lf_ctx *cx, lf_id id, struct hj212_packet *out)
{
    struct lf_tele_stored_packet *p = NULL;
    size_t n = 0;
    lf_rc rc = station_store ? station_store->ops->packets(station_store, &cx->arena, id, (lf_id){ 0 }, 20, &p, &n, &cx->err) : LF_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        const char *bad;
        if (p[i].raw.n >= 12 && hj212_parse((lf_text){ p[i].raw.p + 6, p[i].raw.n - 12 }, out, &bad) == HJ212_GOOD &&
            memcmp(out->cn.p, "901", 3) != 0 && out->st.n)
            return LF_OK;
    }
    return rc ? rc : LF_ENOTFOUND;
}

lf_rc station_last_password(struct lf_ctx *cx, lf_id id, lf_text *pw)
{
    struct hj212_packet h;
    lf_rc rc = newest_upload(cx, id, &h);
    *pw = rc ? (lf_text){ 0 } : h.pw;
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

lf_rc station_speaks(struct lf_ctx *cx, lf_id id, enum station_kind kind, int *version, lf_text *st)
{
    static const char *const by_kind[] = { "22", "21", "32", "31", "39", "23" };
    struct hj212_packet h;
    lf_rc rc = newest_upload(cx, id, &h);
    *version = rc ? 2017 : h.version;
    *st = rc ? lf_str(by_kind[kind]) : h.st;
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}
