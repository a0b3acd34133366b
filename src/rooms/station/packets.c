/* packets.c - raw packets as evidence, and one of them field by field. */
#include "rooms/station/parts.h"

#include <inttypes.h>

static void packet_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_tele_stored_packet *p, bool items)
{
    char b[32];
    const char *cn = hj212_cn_name(p->cn);
    lf_json_obj(j);
    lf_json_kint(j, "id", p->id.v);
    lf_json_kstr(j, "received_at", lf_ms_iso(b, p->received));
    lf_json_ktext(j, "qn", p->qn);
    lf_json_ktext(j, "cn", p->cn);
    lf_json_kstr(j, "cn_zh", cn);
    lf_json_ktext(j, "peer", p->peer);
    lf_json_ktext(j, "note", p->note);
    lf_json_kstr(j, "verdict", "good");
    lf_json_kint(j, "readings", p->readings);
    lf_json_ktext(j, "raw", p->raw);
    if (items) {
        size_t used, at = 0;
        lf_text frame, segment;
        struct hj212_packet h;
        struct hj212_item it;
        const char *bad;
        bool broken = false;
        lf_json_key(j, "fields");
        lf_json_arr(j);
        if (hj212_take(p->raw.p, p->raw.n, &used, &frame, &segment) == HJ212_GOOD && hj212_parse(segment, &h, &bad) == HJ212_GOOD)
            while (hj212_next(h.cp, &at, &it, &broken)) {
                const struct hj212_factor *f = hj212_factor_find(it.code);
                lf_json_obj(j);
                lf_json_ktext(j, "code", it.code);
                lf_json_ktext(j, "stat", it.stat);
                lf_json_ktext(j, "value", it.value);
                lf_json_kstr(j, "zh", f ? f->zh : NULL);
                lf_json_kstr(j, "unit", f ? f->unit : NULL);
                lf_json_end_obj(j);
            }
        lf_json_end_arr(j);
    }
    lf_json_end_obj(j);
}

lf_rc station_packets(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, before = { 0 };
    struct lf_tele_stored_packet *p = NULL;
    size_t n = 0;
    lf_text after = lf_http_param(c->req, "after");
    lf_rc rc = station_of(cx, c, &id);
    if (!rc && after.n)
        rc = lf_call_int(cx, after, "after", &before.v);
    if (!rc && station_store)
        rc = station_store->ops->packets(station_store, &cx->arena, id, before, 50, &p, &n, &cx->err);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (size_t i = 0; i < n; i++)
        packet_json(cx, &c->j, &p[i], false);
    lf_json_end_arr(&c->j);
    lf_json_key(&c->j, "next");
    if (n == 50)
        lf_json_str(&c->j, lf_printf(&cx->arena, "%" PRId64, p[n - 1].id.v));
    else
        lf_json_null(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

lf_rc station_packet(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, pid;
    struct lf_tele_stored_packet p;
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
        packet_json(cx, &c->j, &p, true);
    return rc;
}

lf_rc station_speaks(struct lf_ctx *cx, lf_id id, enum station_kind kind, int *version, lf_text *st)
{
    static const char *const by_kind[] = { "22", "21", "32", "31", "39", "23" };
    struct lf_tele_stored_packet *p = NULL;
    size_t n = 0;
    *version = 2017;
    *st = lf_str(by_kind[kind]);
    lf_rc rc = station_store ? station_store->ops->packets(station_store, &cx->arena, id, (lf_id){ 0 }, 20, &p, &n, &cx->err) : LF_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        struct hj212_packet h;
        const char *bad;
        if (p[i].raw.n < 12 || hj212_parse((lf_text){ p[i].raw.p + 6, p[i].raw.n - 12 }, &h, &bad) != HJ212_GOOD ||
            memcmp(h.cn.p, "901", 3) == 0 || !h.st.n)
            continue;
        *version = h.version;
        *st = h.st;
        break;
    }
    return rc;
}
