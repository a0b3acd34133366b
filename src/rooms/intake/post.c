/* post.c - HTTP: a token instead of a log-in. Cookies are not looked at here, and tokens nowhere else, so there is nothing that a foreign
 * page could make a browser do: no CSRF token is asked for. */
#include "rooms/intake/parts.h"

#include "intake_sql.h"

#include <sodium.h>
#include <stdio.h>

#define TOKEN_HEAD "lft_"
enum { TOKEN_TEXT = 4 + 43, HINT = 8 };

static void hash_token(lf_text token, char hex[65])
{
    unsigned char h[32];
    crypto_generichash(h, sizeof h, (const unsigned char *)token.p, token.n, NULL, 0);
    sodium_bin2hex(hex, 65, h, sizeof h);
}

/* ---- giving one out ------------------------------------------------------------------------------------ */

/* The one that was valid before is valid no more. */
lf_rc intake_issue_token(struct lf_ctx *cx, struct lf_call *c)
{
    unsigned char raw[32];
    char token[TOKEN_TEXT + 8] = TOKEN_HEAD, hash[65];
    lf_id id;
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    void *row = lf_alloc(&cx->arena, feed_res.size);
    if (!rc)
        rc = lf_res_get(cx, &feed_res, id, row);
    if (rc)
        return rc;
    const struct lf_field *via = lf_res_field(&feed_res, LF_TEXT("via"));
    if (lf_member(via, row).i != FEED_HTTP)
        return lf_fail(cx, LF_ECONFLICT, "via", "只有 HTTP 接入使用令牌 | only feeds over HTTP have a token");
    randombytes_buf(raw, sizeof raw);
    sodium_bin2base64(token + 4, sizeof token - 4, raw, sizeof raw, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_token(lf_str(token), hash);
    lf_text hint = lf_str(lf_printf(&cx->arena, "%.*s…", HINT, token));
    rc = intake_issue(cx, id, lf_str(hash), hint, lf_now(), NULL);
    const char *said = lf_strn(&cx->arena, hint);
    lf_text note = lf_lang_both(&cx->arena, lf_printf(&cx->arena, "发放令牌 %s", said), lf_printf(&cx->arena, "Token given out: %s", said));
    const struct lf_audit a = { .topic = "feed", .row = id, .grid_code = lf_row_grid(&feed_res, row), .verb = "token", .note = note };
    if (!rc)
        rc = lf_audit_write(cx, &a);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "token", token);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* ---- taking documents -------------------------------------------------------------------------------------- */

static lf_rc no_token(struct lf_ctx *cx, struct lf_call *c)
{
    lf_http_set_header(c->res, "WWW-Authenticate", "Bearer");
    return lf_fail(cx, LF_ELOGIN, NULL, "令牌缺失或无效 | the token is missing or not valid");
}

static lf_rc find_sender(struct lf_ctx *cx, struct lf_call *c, struct intake_sender *from)
{
    struct intake_by_token_row row = { 0 };
    lf_text token = lf_http_bearer(c->req);
    char hash[65];
    if (token.n != TOKEN_TEXT || memcmp(token.p, TOKEN_HEAD, 4) != 0)
        return no_token(cx, c);
    hash_token(token, hash);
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = intake_by_token(cx, lf_str(hash), &row);
    lf_rc end = lf_tx_end(cx, rc == LF_ENOTFOUND ? LF_OK : rc);
    if (rc == LF_ENOTFOUND)
        return no_token(cx, c);
    if (!end)
        *from = (struct intake_sender){ row.id, row.station_id, lf_text_copy(&cx->arena, row.grid_code), row.disabled };
    return end;
}

static void answer(struct lf_ctx *cx, struct lf_call *c, const struct intake_taken *t)
{
    struct lf_json *j = &c->j;
    lf_json_obj(j);
    lf_json_kint(j, "accepted", (int64_t)t->p.nrow);
    lf_json_kbool(j, "repeated", t->repeated);
    lf_json_key(j, "refused");
    lf_json_arr(j);
    for (size_t i = 0; i < t->p.nbad; i++) {
        lf_json_obj(j);
        lf_json_kint(j, "row", t->p.bad[i].row);
        lf_json_kstr(j, "field", t->p.bad[i].field);
        lf_json_ktext(j, "message", lf_lang_pick(lf_str(t->p.bad[i].message), cx->lang));
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    lf_json_end_obj(j);
    c->res->status = t->p.nrow ? 200 : 422;
}

lf_rc intake_post(struct lf_ctx *cx, struct lf_call *c)
{
    struct intake_sender from;
    struct intake_taken t;
    lf_rc rc = find_sender(cx, c, &from);
    if (rc)
        return rc;
    int wait = tally_wait(from.feed);
    if (wait) {
        lf_http_set_header(c->res, "Retry-After", lf_printf(&cx->arena, "%d", wait));
        return lf_fail(cx, LF_EBUSY, NULL, "发送太频繁，请 %d 秒后再试 | too many documents, wait %d seconds", wait, wait);
    }
    if (c->req->body_fd >= 0 || c->req->body_len > LF_PAYLOAD_MAX) {
        tally_add(from.feed, 0, 1, "内容过大 | the document is too large");
        return lf_fail(cx, LF_ETOOBIG, "body", "一次最多 %d KB | at most %d KB at a time", LF_PAYLOAD_MAX / 1024, LF_PAYLOAD_MAX / 1024);
    }
    if (!intake_ready())
        return lf_fail(cx, LF_EDB, NULL, "系统正在启动，请稍后再试 | the system is starting, try again later");
    if (!(rc = intake_take(cx, &from, c->req->body, "http", &t)))
        answer(cx, c, &t);
    return rc;
}
