/* refused.c - what was not taken: broken packets and those in quarantine, by station, time and reason; and any text that somebody pastes. */
#include "rooms/station/decode.h"
#include "rooms/station/parts.h"

#include "station_sql.h"

#include <inttypes.h>

enum { PAGE = 50, WALK = 200, WALK_MOST = 20000, PASTE_MAX = 64 * 1024, PASTE_FRAMES = 100 };

/* ---- whose is it ------------------------------------------------------------------------------------------------ */

struct owner {
    lf_text mn;
    lf_id station; /* within the caller's scope; 0: none */
    lf_text name, key;
    bool visible;
};

/* A station's packets are seen by who sees the station; those of nobody by who keeps the quarantine. */
static lf_rc owner_of(struct lf_ctx *cx, lf_text mn, struct owner *o)
{
    struct station_of_mn_row in = { 0 };
    struct station_any_mn_row any = { 0 };
    *o = (struct owner){ .mn = mn };
    lf_rc rc = mn.n ? station_of_mn(cx, mn, &in) : LF_ENOTFOUND;
    if (!rc) {
        o->station = in.id, o->name = in.name, o->key = in.sm4_key, o->visible = true;
        return LF_OK;
    }
    if (rc == LF_ENOTFOUND && mn.n)
        rc = station_any_mn(cx, mn, &any);
    if (rc == LF_ENOTFOUND) {
        o->visible = lf_may(cx, "station", "quarantine");
        rc = LF_OK;
    }
    return rc;
}

/* ---- lists --------------------------------------------------------------------------------------------------------- */

struct wanted {
    lf_text reason, mn;
    lf_ms from, to;
    lf_id before;
};

lf_rc station_read_time(struct lf_ctx *cx, const struct lf_call *c, const char *name, lf_ms usual, lf_ms *out)
{
    lf_text s = lf_http_param(c->req, name);
    *out = usual;
    if (!s.n || lf_ms_parse_iso(s, out))
        return LF_OK;
    return lf_fail(cx, LF_EINVAL, name, "时间应写作 2026-11-24T08:00:00+08:00 | a time is written 2026-11-24T08:00:00+08:00");
}

static lf_rc read_wanted(struct lf_ctx *cx, const struct lf_call *c, struct wanted *w)
{
    lf_text after = lf_http_param(c->req, "after"), station = lf_http_param(c->req, "station");
    struct station_mn_row row = { 0 };
    lf_id id;
    *w = (struct wanted){ .reason = lf_http_param(c->req, "reason"), .mn = lf_http_param(c->req, "mn") };
    lf_rc rc = after.n ? lf_call_int(cx, after, "after", &w->before.v) : LF_OK;
    if (!rc)
        rc = station_read_time(cx, c, "from", (lf_ms){ 0 }, &w->from);
    if (!rc)
        rc = station_read_time(cx, c, "to", (lf_ms){ INT64_MAX }, &w->to);
    if (rc || !station.n)
        return rc;
    if (!(rc = lf_call_int(cx, station, "station", &id.v)) && (rc = station_mn(cx, id, &row)) == LF_ENOTFOUND)
        return lf_fail(cx, rc, "station", "您的网格内没有这个站点 | there is no such station within your grid");
    if (!rc)
        w->mn = row.mn;
    return rc;
}

static bool fits(const struct wanted *w, const struct lf_tele_stored_reject *r)
{
    return (!w->reason.n || lf_text_eq(w->reason, r->reason)) && (!w->mn.n || lf_text_eq(w->mn, r->mn)) && r->received.ms >= w->from.ms &&
           r->received.ms < w->to.ms;
}

static const char *reason_text(lf_text reason)
{
    for (int i = 0; i < LF_TELE_WHY_COUNT; i++)
        if (lf_text_is(reason, lf_tele_why_name((enum lf_tele_why)i)))
            return lf_tele_why_text((enum lf_tele_why)i);
    return NULL;
}

static void reject_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_tele_stored_reject *r, const struct owner *o, bool decoded)
{
    char b[32];
    lf_json_obj(j);
    lf_json_kint(j, "id", r->id.v);
    lf_json_kstr(j, "received_at", lf_ms_iso(b, r->received));
    lf_json_kstr(j, "verdict", "refused");
    lf_json_ktext(j, "reason", r->reason);
    decode_both(j, "reason_zh", "reason_en", reason_text(r->reason));
    lf_json_kstr(j, "clause", decode_clause(r->reason));
    lf_json_ktext(j, "detail", r->detail);
    lf_json_ktext(j, "mn", r->mn);
    lf_json_kint(j, "station_id", o->station.v ? o->station.v : LF_NULL64);
    lf_json_ktext(j, "station", o->name);
    lf_json_ktext(j, "cn", r->cn);
    decode_both(j, "cn_zh", "cn_en", hj212_cn_name(r->cn));
    lf_json_ktext(j, "peer", r->peer);
    lf_json_kint(j, "size", r->size);
    lf_json_kbool(j, "cut", (int64_t)r->raw.n < r->size);
    lf_json_key(j, "raw");
    station_put_raw(cx, j, r->raw);
    if (decoded) {
        lf_json_key(j, "decoded");
        station_put_decoded(cx, j, r->raw, o->key);
    }
    lf_json_end_obj(j);
}

/* Walks back from w->before until a page is full; *next: where to go on, 0 at the end. */
static lf_rc walk(struct lf_ctx *cx, struct lf_json *j, bool quarantine, struct wanted *w, lf_id *next)
{
    struct owner o = { 0 };
    int shown = 0, walked = 0;
    for (*next = (lf_id){ 0 };;) {
        struct lf_tele_stored_reject *r;
        size_t n;
        lf_rc rc = station_store->ops->rejects(station_store, &cx->arena, quarantine, w->before, WALK, &r, &n, &cx->err);
        for (size_t i = 0; !rc && i < n; i++) {
            w->before = r[i].id;
            if (r[i].received.ms < w->from.ms - LF_HOUR_MS) /* in the order of their coming, but for a clock that was set back */
                return LF_OK;
            if (!fits(w, &r[i]))
                continue;
            if (!o.mn.p || !lf_text_eq(o.mn, r[i].mn))
                rc = owner_of(cx, r[i].mn, &o);
            if (rc || !o.visible)
                continue;
            reject_json(cx, j, &r[i], &o, false);
            if (++shown == PAGE) {
                *next = r[i].id;
                return LF_OK;
            }
        }
        walked += (int)n;
        if (rc || n < WALK)
            return rc;
        if (walked >= WALK_MOST) {
            *next = w->before;
            return LF_OK;
        }
    }
}

static lf_rc list(struct lf_ctx *cx, struct lf_call *c, bool quarantine)
{
    struct wanted w = { 0 };
    lf_id next = { 0 };
    lf_rc rc = read_wanted(cx, c, &w);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    if (station_store)
        rc = walk(cx, &c->j, quarantine, &w, &next);
    lf_json_end_arr(&c->j);
    lf_json_kstr(&c->j, "next", next.v ? lf_printf(&cx->arena, "%" PRId64, next.v) : NULL);
    lf_json_end_obj(&c->j);
    return rc;
}

lf_rc station_refused(struct lf_ctx *cx, struct lf_call *c) { return list(cx, c, false); }
lf_rc station_quarantine(struct lf_ctx *cx, struct lf_call *c) { return list(cx, c, true); }

lf_rc station_held(struct lf_ctx *cx, bool quarantine, lf_id id, struct lf_tele_stored_reject *out)
{
    struct lf_tele_stored_reject *r = NULL;
    size_t n = 0;
    lf_rc rc = LF_OK;
    if (station_store && id.v > 0)
        rc = station_store->ops->rejects(station_store, &cx->arena, quarantine, (lf_id){ id.v + 1 }, 1, &r, &n, &cx->err);
    if (rc)
        return rc;
    if (!n || r[0].id.v != id.v)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个报文 | there is no such packet");
    *out = r[0];
    return LF_OK;
}

static lf_rc one(struct lf_ctx *cx, struct lf_call *c, bool quarantine)
{
    struct lf_tele_stored_reject r = { 0 };
    struct owner o = { 0 };
    lf_id id;
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    if (rc || (rc = station_held(cx, quarantine, id, &r)) || (rc = owner_of(cx, r.mn, &o)))
        return rc;
    if (!o.visible)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个报文 | there is no such packet");
    reject_json(cx, &c->j, &r, &o, true);
    return LF_OK;
}

lf_rc station_refused_one(struct lf_ctx *cx, struct lf_call *c) { return one(cx, c, false); }
lf_rc station_quarantine_one(struct lf_ctx *cx, struct lf_call *c) { return one(cx, c, true); }

/* ---- the paste decoder ----------------------------------------------------------------------------------------------- */

/* Lines of a log end in LF; frames in CR LF. */
static lf_text with_line_ends(struct lf_ctx *cx, const char *s, size_t n)
{
    char *out = lf_alloc(&cx->arena, 2 * n + 3);
    uint32_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' && (!k || out[k - 1] != '\r'))
            out[k++] = '\r';
        out[k++] = s[i];
    }
    if (k && out[k - 1] != '\n')
        out[k++] = '\r', out[k++] = '\n';
    return (lf_text){ out, k };
}

static bool blank(lf_text t)
{
    for (uint32_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] > ' ')
            return false;
    return true;
}

static lf_rc decode_frames(struct lf_ctx *cx, struct lf_json *j, lf_text t)
{
    size_t at = 0;
    for (int n = 0; at < t.n && n < PASTE_FRAMES;) {
        size_t used;
        lf_text frame, segment;
        struct hj212_packet p;
        const char *bad;
        struct owner o = { 0 };
        hj212_take(t.p + at, t.n - at, &used, &frame, &segment);
        if (!used)
            frame = (lf_text){ t.p + at, (uint32_t)(t.n - at) }, used = frame.n;
        at += used;
        if (blank(frame))
            continue;
        /* A key is used for who may see the station's passwords anyway. */
        lf_text header = { frame.p + (frame.n > 6 ? 6 : frame.n), frame.n > 12 ? frame.n - 12 : 0 };
        lf_rc rc = hj212_parse(header, &p, &bad) == HJ212_GOOD && p.mn.n ? owner_of(cx, p.mn, &o) : LF_OK;
        if (rc)
            return rc;
        station_put_decoded(cx, j, frame, lf_may(cx, "station", "reveal") ? o.key : (lf_text){ 0 });
        n++;
    }
    return LF_OK;
}

lf_rc station_decode(struct lf_ctx *cx, struct lf_call *c)
{
    const json_t *text = json_object_get(c->body, "text");
    if (!json_is_string(text) || !json_string_length(text))
        return lf_fail(cx, LF_EINVAL, "text", "请粘贴报文 | paste a packet");
    if (json_string_length(text) > PASTE_MAX)
        return lf_fail(cx, LF_ETOOBIG, "text", "一次最多 %d KB | at most %d KB at a time", PASTE_MAX / 1024, PASTE_MAX / 1024);
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    lf_rc rc = decode_frames(cx, &c->j, with_line_ends(cx, json_string_value(text), json_string_length(text)));
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}
