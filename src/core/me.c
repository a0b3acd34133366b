/* me.c - the kernel's own room: log-in, who am I, notices, files. */
#include "base/log.h"
#include "core/account.h"
#include "core/audit.h"
#include "core/file.h"
#include "core/kernel.h"
#include "core/step.h"
#include "fmt/fmt.h"

#include <stdio.h>
#include <unistd.h>

/* ---- session ---------------------------------------------------------------------------------------- */

static lf_text body_text(const struct lf_call *c, const char *name)
{
    const json_t *v = json_object_get(c->body, name);
    return json_is_string(v) ? (lf_text){ json_string_value(v), (uint32_t)json_string_length(v) } : (lf_text){ 0 };
}

static lf_rc me_json(struct lf_ctx *cx, struct lf_call *c, const struct lf_session *me)
{
    struct lf_json *j = &c->j;
    struct lf_val unread = { .t = LF_T_INT };
    const struct lf_val arg[] = { lf_val_id(me->account) };
    lf_rc rc = lf_sql_one(cx, "SELECT count(*) FROM notice WHERE account_id = $1 AND read_at IS NULL", arg, 1, &unread, 1);
    if (rc)
        return rc;
    lf_json_obj(j);
    lf_json_kint(j, "id", me->account.v);
    lf_json_ktext(j, "login", me->login);
    lf_json_ktext(j, "name", me->name);
    lf_json_ktext(j, "role", me->role_code);
    lf_json_ktext(j, "role_zh", me->role_zh);
    lf_json_ktext(j, "role_en", me->role_en);
    lf_json_ktext(j, "grid_code", me->grid_code);
    lf_json_ktext(j, "grid_name", lf_text_is(me->grid_code, "*") ? LF_TEXT("全部") : lf_place_name(cx->app, &cx->arena, me->grid_code));
    lf_json_key(j, "perms");
    lf_json_arr(j);
    for (int i = 0; i < cx->app->nright; i++)
        if (lf_perm_has(&cx->perms, i))
            lf_json_str(j, cx->app->right[i]);
    lf_json_end_arr(j);
    lf_json_ktext(j, "csrf", me->csrf);
    lf_json_kbool(j, "must_change", me->must_change);
    lf_json_kbool(j, "demo", cx->app->demo);
    lf_json_kint(j, "unread", unread.i);
    lf_json_end_obj(j);
    return LF_OK;
}

static const char *cookie(struct lf_ctx *cx, const struct lf_call *c, const char *token, int max_age)
{
    lf_text proto = lf_http_header(c->req, "X-Forwarded-Proto"); /* set by the TLS front (deploy/) */
    return lf_printf(&cx->arena, "lanfan=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", token, max_age,
                     lf_text_is(proto, "https") ? "; Secure" : "");
}

static lf_rc login(struct lf_ctx *cx, struct lf_call *c)
{
    char token[64];
    int wait = 0;
    struct lf_session me;
    lf_text name = body_text(c, "login"), password = body_text(c, "password");
    if (!name.n || !password.n || name.n > 64)
        return lf_fail(cx, LF_EINVAL, "login", "请填写登录名和密码 | give a log-in name and a password");
    lf_rc rc = lf_session_open(cx, name, password, token, &wait);
    if (wait > 0)
        lf_http_set_header(c->res, "Retry-After", lf_printf(&cx->arena, "%d", wait));
    if (rc)
        return rc;
    lf_http_set_header(c->res, "Set-Cookie", cookie(cx, c, token, 12 * 3600));
    if ((rc = lf_tx_begin(cx, LF_TX_READ)))
        return rc;
    rc = lf_session_find(cx, lf_str(token), &me);
    return lf_tx_end(cx, rc ? rc : me_json(cx, c, &me));
}

static lf_rc logout(struct lf_ctx *cx, struct lf_call *c)
{
    lf_http_set_header(c->res, "Set-Cookie", cookie(cx, c, "", 0));
    c->res->status = 204;
    return lf_session_close(cx, lf_http_cookie(c->req, "lanfan"));
}

static lf_rc who(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_session me;
    lf_rc rc = lf_session_find(cx, lf_http_cookie(c->req, "lanfan"), &me);
    return rc ? rc : me_json(cx, c, &me);
}

static lf_rc check_csrf(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_session me;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, lf_session_find(cx, lf_http_cookie(c->req, "lanfan"), &me))))
        return rc;
    return lf_text_eq(lf_http_header(c->req, "X-CSRF-Token"), me.csrf)
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, NULL, "请求缺少防伪标记，请刷新页面 | the request lacks its CSRF token, reload the page");
}

static lf_rc change_password(struct lf_ctx *cx, struct lf_call *c)
{
    lf_text old = body_text(c, "old"), fresh = body_text(c, "new");
    lf_rc rc = check_csrf(cx, c);
    if (rc)
        return rc;
    if (!old.n || !fresh.n)
        return lf_fail(cx, LF_EINVAL, "old", "请填写原密码和新密码 | give the old and the new password");
    c->res->status = 204;
    return lf_password_change(cx, lf_http_cookie(c->req, "lanfan"), old, fresh);
}

/* An administrator gives an account a one-time password; it is shown once, here. */
static lf_rc reset_password(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id;
    char fresh[32], hash[128];
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    if (rc)
        return rc;
    if ((rc = check_csrf(cx, c)) || (rc = lf_tx_begin(cx, LF_TX_READ)))
        return rc;
    struct lf_session me;
    rc = lf_session_find(cx, lf_http_cookie(c->req, "lanfan"), &me);
    if (!rc)
        rc = lf_allowed(cx, "account", "edit");
    if (!rc)
        rc = lf_res_get(cx, &account_res, id, lf_alloc(&cx->arena, account_res.size)); /* within the caller's own area */
    if (!rc)
        rc = lf_account_below(cx, id);
    if ((rc = lf_tx_end(cx, rc)))
        return rc;
    lf_password_random(fresh);
    if ((rc = lf_password_hash(cx, lf_str(fresh), hash)) || (rc = lf_tx_begin(cx, LF_TX_WRITE)))
        return rc;
    if ((rc = lf_tx_end(cx, lf_password_set(cx, id, hash, true))))
        return rc;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "password", fresh);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* ---- notices ---------------------------------------------------------------------------------------------------- */

static lf_rc notices(struct lf_ctx *cx, struct lf_call *c)
{
    const struct lf_val arg[] = { lf_val_id(cx->actor) };
    bool unread = lf_text_is(lf_http_param(c->req, "unread"), "1");
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(
        cx,
        unread
            ? "SELECT id, at, body, topic, row_id, read_at FROM notice WHERE account_id = $1 AND read_at IS NULL ORDER BY id DESC LIMIT 100"
            : "SELECT id, at, body, topic, row_id, read_at FROM notice WHERE account_id = $1 ORDER BY id DESC LIMIT 100",
        arg, 1, 0, &cur);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v[] = {
            { .t = LF_T_ID }, { .t = LF_T_MS }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_ID }, { .t = LF_T_MS }
        };
        char b[32];
        for (int i = 0; i < (int)LF_COUNT(v); i++)
            lf_cur_get(&cur, i, &v[i]);
        lf_json_obj(&c->j);
        lf_json_kint(&c->j, "id", v[0].i);
        lf_json_kstr(&c->j, "at", lf_ms_iso(b, (lf_ms){ v[1].i }));
        lf_json_ktext(&c->j, "zh", lf_lang_pick(v[2].s, LF_ZH));
        lf_json_ktext(&c->j, "en", lf_lang_pick(v[2].s, LF_EN));
        lf_json_ktext(&c->j, "room", v[3].s);
        lf_json_kint(&c->j, "row_id", v[4].i);
        lf_json_kbool(&c->j, "read", !v[5].null);
        lf_json_end_obj(&c->j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc notices_read(struct lf_ctx *cx, struct lf_call *c)
{
    const json_t *ids = json_object_get(c->body, "ids");
    struct lf_val v[] = { lf_val_ms(lf_now()), lf_val_id(cx->actor), { .t = LF_T_ID } };
    c->res->status = 204;
    if (json_is_true(json_object_get(c->body, "all")))
        return lf_sql_run(cx, "UPDATE notice SET read_at = $1 WHERE account_id = $2 AND read_at IS NULL", v, 2, NULL);
    for (size_t i = 0; i < json_array_size(ids) && i < 1000; i++) {
        v[2].i = json_integer_value(json_array_get(ids, i));
        lf_rc rc = lf_sql_run(cx, "UPDATE notice SET read_at = $1 WHERE account_id = $2 AND id = $3 AND read_at IS NULL", v, 3, NULL);
        if (rc)
            return rc;
    }
    return LF_OK;
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

static lf_rc post_file(struct lf_ctx *cx, struct lf_call *c)
{
    char hash[65];
    const char *type;
    int64_t size;
    lf_text name = lf_http_param(c->req, "name");
    lf_rc rc = lf_file_store(cx, c->req->body, c->req->body_fd, hash, &type, &size);
    if (rc)
        return rc;
    c->res->status = 201;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "hash", hash);
    lf_json_ktext(&c->j, "name", name.n ? name : lf_str(hash));
    lf_json_kstr(&c->j, "type", type);
    lf_json_kint(&c->j, "size", size);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc get_file(struct lf_ctx *cx, struct lf_call *c)
{
    const char *type;
    lf_rc rc = lf_file_open(cx, c->seg[0], &c->res->fd, &type);
    if (rc)
        return rc;
    c->res->type = type;
    c->res->no_compress = true;
    c->res->cache = "private, max-age=86400, immutable";
    c->res->etag = c->seg[0];
    if (strncmp(type, "image/", 6) != 0)
        c->res->filename = "attachment";
    return LF_OK;
}

static lf_rc get_thumb(struct lf_ctx *cx, struct lf_call *c)
{
    const char *type;
    int fd;
    lf_rc rc = lf_file_open(cx, c->seg[0], &fd, &type);
    if (rc)
        return rc;
    lf_text bytes;
    rc = lf_file_read(cx, fd, &bytes);
    close(fd);
    if (rc)
        return rc;
    if (strncmp(type, "image/", 6) != 0)
        return lf_fail(cx, LF_EINVAL, NULL, "不是图片 | not a picture");
    c->res->type = "image/jpeg";
    c->res->no_compress = true;
    c->res->cache = "private, max-age=86400, immutable";
    return lf_thumbnail(bytes, 320, &c->res->body, &cx->err);
}

/* ---- what there is -------------------------------------------------------------------------------------- */

static lf_rc hello(struct lf_ctx *cx, struct lf_call *c)
{
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "name", "蓝繁 Lanfan");
    lf_json_kstr(&c->j, "version", "0.1.0");
    lf_json_kbool(&c->j, "demo", cx->app->demo);
    lf_json_key(&c->j, "logins");
    lf_json_arr(&c->j);
    for (int i = 0; cx->app->demo && i < cx->app->ndemo_login; i++) {
        const struct lf_demo_login *d = &cx->app->demo_login[i];
        lf_json_obj(&c->j);
        lf_json_kstr(&c->j, "login", d->login);
        lf_json_kstr(&c->j, "password", d->password);
        lf_json_kstr(&c->j, "name", d->name);
        lf_json_kstr(&c->j, "role_zh", d->role_zh);
        lf_json_kstr(&c->j, "role_en", d->role_en);
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc openapi(struct lf_ctx *cx, struct lf_call *c)
{
    c->res->cache = "no-cache";
    lf_openapi_json(cx->app, &c->res->body);
    return LF_OK;
}

/* ---- the room ------------------------------------------------------------------------------------------------------------- */

static const char file_body[] = "{\"required\":true,\"content\":{\"application/octet-stream\":{}}}";
static const struct lf_route routes[] = {
    { "POST", "/api/v1/login", "public", LF_TX_READ, login, "登录", "Log in", .own_tx = true },
    { "POST", "/api/v1/logout", "", LF_TX_WRITE, logout, "退出", "Log out" },
    { "GET", "/api/v1/me", "", LF_TX_READ, who, "当前用户", "The caller" },
    { "POST", "/api/v1/me/password", "", LF_TX_READ, change_password, "修改密码", "Change the password", .own_tx = true },
    { "POST", "/api/v1/account/:id/password", "account.edit", LF_TX_READ, reset_password, "重置密码", "Give a one-time password",
      .own_tx = true },
    { "GET", "/api/v1/meta", "", LF_TX_READ, lf_meta_json, "元数据", "Record types, fields, moves" },
    { "GET", "/api/v1/bench", "", LF_TX_READ, lf_bench_json, "工作台", "Work bench" },
    { "GET", "/api/v1/notices", "", LF_TX_READ, notices, "通知", "Notices" },
    { "POST", "/api/v1/notices/read", "", LF_TX_WRITE, notices_read, "通知已读", "Mark notices as read" },
    { "POST", "/api/v1/files", "", LF_TX_WRITE, post_file, "上传文件", "Send a file", .request = file_body },
    { "GET", "/api/v1/files/:hash", "", LF_TX_READ, get_file, "下载文件", "Get a file" },
    { "GET", "/api/v1/files/:hash/thumb", "", LF_TX_READ, get_thumb, "缩略图", "Get a thumbnail", .slow = true },
    { "GET", "/api/v1/events", "", LF_TX_READ, lf_events, "实时事件", "Live events", .param = lf_event_params, .nparam = 2 },
    { "GET", "/api/v1/hello", "public", LF_TX_READ, hello, "系统信息", "What this is" },
    { "GET", "/api/v1/audit/words", "audit.read", LF_TX_READ, lf_audit_words, "审计用语", "Types and verbs of the audit trail" },
    { "GET", "/api/openapi.json", "public", LF_TX_READ, openapi, "接口说明", "This description" },
    { "GET", "/healthz", "public", LF_TX_READ, lf_health, "健康检查", "Is the service well" },
    /* no transaction: it must tell that the database is away */
    { "GET", "/metrics", "public", LF_TX_READ, lf_metrics, "运行指标", "Prometheus metrics", .own_tx = true, .bearer = true },
};
static const struct lf_job jobs[] = { { "escalate", 30, lf_steps_escalate },
                                      { "calendar", 24 * 3600, lf_steps_calendar },
                                      { "streams", 15, lf_events_review },
                                      { "audit_check", 1, lf_audit_check_on },
                                      { "audit_daily", 3600, lf_audit_check_daily } };
static const struct lf_res *const types[] = { &account_res, &role_res, &lf_audit_res, &lf_audit_check_res };

#include "core_migrations.h"

const struct lf_room core_room = {
    .name = "core",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = core_migrations,
    .nmigration = LF_COUNT(core_migrations),
};
