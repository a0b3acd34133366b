/* resent.c - what people have decided stays, whatever devices send later: the shield in front of the store, and what it has held back. */
#include "rooms/review/parts.h"

#include "review_sql.h"

#include <inttypes.h>

enum { QUIET_MS = LF_HOUR_MS, LOOK_BACK = 200 };

struct lf_shield *review_make_shield(struct lf_ctx *cx)
{
    struct review_decisions_row r;
    struct lf_cur cur;
    struct lf_tele_decision *list = NULL;
    size_t n = 0, cap = 0;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return NULL;
    rc = review_decisions(cx, &cur);
    while (!rc && (rc = review_decisions_next(&cur, &r)) == LF_ROW) {
        enum lf_tele_kind kind;
        rc = LF_OK;
        if (!lf_tele_kind_parse(r.kind, &kind))
            continue;
        if (n == cap)
            list = lf_renew(list, (cap = cap ? 2 * cap : 64) * sizeof *list);
        list[n++] = (struct lf_tele_decision){ .station = r.station_id,
                                               .by = r.id,
                                               .factor = r.factor,
                                               .kind = kind,
                                               .from = r.from_at,
                                               .to = r.to_at,
                                               .lifted = lf_text_is(r.action, "restore") };
    }
    lf_cur_close(&cur);
    struct lf_shield *s = rc < 0 ? NULL : lf_shield_make(list, n);
    lf_release(list);
    if (lf_tx_end(cx, rc < 0 ? rc : LF_OK) && s) {
        lf_shield_unref(s);
        return NULL;
    }
    return s;
}

/* The packet behind a value that was held back: stored with it a moment ago. 0 when it is not found. */
static lf_id packet_of(struct lf_ctx *cx, const struct lf_tele_reading *r)
{
    struct lf_tele_stored_packet *p;
    size_t n;
    if (!review_road.store ||
        review_road.store->ops->packets(review_road.store, &cx->arena, r->station, (lf_id){ 0 }, LOOK_BACK, &p, &n, &cx->err))
        return (lf_id){ 0 };
    for (size_t i = 0; i < n; i++) /* newest first */
        if (p[i].at.ms == r->at.ms && p[i].note.n && memmem(p[i].note.p, p[i].note.n, "reviewed", 8))
            return p[i].id;
    return (lf_id){ 0 };
}

/* Both persons hear of it, once an hour. */
static lf_rc tell(struct lf_ctx *cx, lf_id review)
{
    struct review_resent_since_row since;
    struct review_who_row who;
    lf_rc rc = review_resent_since(cx, review, (lf_ms){ lf_now().ms - QUIET_MS }, &since);
    if (rc || since.n > 0)
        return rc;
    if ((rc = review_who(cx, review, &who)))
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    const char *zh = lf_strn(&cx->arena, lf_lang_pick(who.title, LF_ZH)), *en = lf_strn(&cx->arena, lf_lang_pick(who.title, LF_EN));
    const char *text =
        lf_printf(&cx->arena,
                  "%s：设备重传了已审核的数据，审核后的值保持不变，重传的值已留存备查 | %s: the device has sent reviewed values again; "
                  "the reviewed ones stand, what came is kept",
                  zh, en);
    rc = lf_notice(cx, who.created_by_id, &review_res, review, text);
    if (!rc && who.decided_by_id.v != who.created_by_id.v)
        rc = lf_notice(cx, who.decided_by_id, &review_res, review, text);
    return rc;
}

static lf_rc keep(struct lf_ctx *cx, const struct lf_tele_held *h, const lf_id *packet, size_t n)
{
    lf_rc rc = LF_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = tell(cx, h[i].by);
        if (!rc)
            rc = review_resent_add(cx, h[i].by, h[i].r.station, h[i].r.factor, lf_str(lf_tele_kind_name(h[i].r.kind)), h[i].r.at,
                                   h[i].r.value, h[i].r.flag, packet[i], lf_now(), NULL);
        if (!rc)
            rc = review_resent_count(cx, h[i].by, 1, NULL);
    }
    return rc;
}

lf_rc review_on_held(struct lf_ctx *cx, const struct lf_tele_held *h, size_t n)
{
    lf_id *packet = lf_alloc(&cx->arena, n * sizeof *packet + 1);
    for (size_t i = 0; i < n; i++)
        packet[i] = packet_of(cx, &h[i].r);
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    return rc ? rc : lf_tx_end(cx, keep(cx, h, packet, n));
}

lf_rc review_resent(struct lf_ctx *cx, struct lf_call *c)
{
    struct review_resent_list_row r;
    struct lf_cur cur;
    char b[32];
    lf_id id, before = { INT64_MAX }, last = { 0 };
    int n = 0;
    lf_text after = lf_http_param(c->req, "after");
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    if (!rc && after.n)
        rc = lf_call_int(cx, after, "after", &before.v);
    if (!rc)
        rc = lf_res_get(cx, &review_res, id, lf_alloc(&cx->arena, review_res.size));
    if (rc || (rc = review_resent_list(cx, id, before, &cur)))
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (; (rc = review_resent_list_next(&cur, &r)) == LF_ROW; n++, last = r.id) {
        lf_json_obj(&c->j);
        lf_json_kint(&c->j, "station_id", r.station_id.v);
        lf_json_kstr(&c->j, "at", lf_ms_iso(b, r.for_at));
        lf_json_kreal(&c->j, "value", r.value);
        lf_json_ktext(&c->j, "flag", r.flag);
        lf_json_kint(&c->j, "packet_id", r.packet_id.v ? r.packet_id.v : LF_NULL64);
        lf_json_kstr(&c->j, "received_at", lf_ms_iso(b, r.received_at));
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_kstr(&c->j, "next", n == 200 ? lf_printf(&cx->arena, "%" PRId64, last.v) : NULL);
    lf_json_end_obj(&c->j);
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}
