/* api.c - one HTTP call: who is asking, what for, in which transaction, and what is said when it goes wrong. */
#include "base/log.h"
#include "base/text.h"
#include "core/account.h"
#include "core/records.h"
#include "net/problem.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

/* ---- static pages -------------------------------------------------------------------------------- */

static const struct lf_asset *assets;
static size_t nassets;

void lf_api_assets(const struct lf_asset *table, size_t n)
{
    assets = table;
    nassets = n;
}

static const struct lf_asset *find_asset(lf_text path)
{
    size_t lo = 0, hi = assets ? nassets : 0; /* the table is sorted by path */
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        lf_text p = lf_str(assets[mid].path);
        uint32_t n = p.n < path.n ? p.n : path.n;
        int c = n ? memcmp(p.p, path.p, n) : 0;
        if (!c)
            c = (p.n > path.n) - (p.n < path.n);
        if (!c)
            return &assets[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static const char *mime_of(lf_text path)
{
    static const struct {
        const char *end, *type;
    } types[] = { { ".html", "text/html; charset=utf-8" },
                  { ".js", "text/javascript; charset=utf-8" },
                  { ".mjs", "text/javascript; charset=utf-8" },
                  { ".css", "text/css; charset=utf-8" },
                  { ".svg", "image/svg+xml" },
                  { ".json", "application/json" },
                  { ".geojson", "application/geo+json" },
                  { ".png", "image/png" },
                  { ".ico", "image/x-icon" },
                  { ".woff2", "font/woff2" },
                  { ".webmanifest", "application/manifest+json" } };
    for (size_t i = 0; i < LF_COUNT(types); i++) {
        size_t n = strlen(types[i].end);
        if (path.n > n && !memcmp(path.p + path.n - n, types[i].end, n))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* A file of the pages, packed if there is one; any other path without a dot is a page of the application: index.html. */
static const struct lf_asset *page_at(lf_text path, struct lf_arena *a, struct lf_http_res *res)
{
    if (path.n && path.p[0] == '/')
        path.p++, path.n--;
    const struct lf_asset *f = find_asset(lf_str(lf_printf(a, "%.*s.gz", (int)path.n, path.p)));
    res->gzip = f != NULL;
    if (!f)
        f = find_asset(path);
    if (!f && !lf_text_is(path, "index.html") && !memchr(path.p, '.', path.n))
        return page_at(LF_TEXT("index.html"), a, res);
    res->type = mime_of(path);
    res->cache = path.n > 7 && !memcmp(path.p, "assets/", 7) ? "public, max-age=31536000, immutable" : "no-cache";
    return f;
}

static const lf_text API = { "/api/v1/", 8 };

static bool begins_with(lf_text s, lf_text with) { return s.n >= with.n && !memcmp(s.p, with.p, with.n); }

/* ---- routes ----------------------------------------------------------------------------------------- */

bool lf_path_match(const char *pattern, lf_text path, lf_text *seg)
{
    const char *p = pattern, *s = path.p, *end = path.p + path.n;
    int n = 0;
    while (*p) {
        if (*p == ':' && p[-1] == '/') {
            const char *from = s;
            while (s < end && *s != '/')
                s++;
            if (s == from || n == 4)
                return false;
            seg[n++] = (lf_text){ from, (uint32_t)(s - from) };
            while (*p && *p != '/')
                p++;
        } else if (s == end || *p++ != *s++) {
            return false;
        }
    }
    return s == end;
}

void lf_call_allow(struct lf_ctx *cx, struct lf_call *c, const char *method)
{
    if (!strcmp(method, "GET"))
        method = "GET, HEAD";
    c->allow = c->allow ? lf_printf(&cx->arena, "%s, %s", c->allow, method) : method;
}

static const struct lf_route *find_route(struct lf_ctx *cx, struct lf_call *c)
{
    for (int i = 0; i < cx->app->nroom; i++)
        for (int k = 0; k < cx->app->room[i]->nroute; k++) {
            const struct lf_route *r = &cx->app->room[i]->route[k];
            if (!lf_path_match(r->path, c->req->path, c->seg))
                continue;
            if (!strcmp(r->method, c->req->method)) {
                c->allow = NULL;
                return r;
            }
            lf_call_allow(cx, c, r->method);
        }
    return NULL;
}

/* ---- who is asking --------------------------------------------------------------------------------------- */

static bool safe_method(const struct lf_http_req *req) { return !strcmp(req->method, "GET"); }

static lf_rc authenticate(struct lf_ctx *cx, const struct lf_http_req *req, struct lf_session *me)
{
    lf_rc rc = lf_session_find(cx, lf_http_cookie(req, "lanfan"), me);
    if (rc || safe_method(req))
        return rc;
    lf_text token = lf_http_header(req, "X-CSRF-Token");
    if (token.n != me->csrf.n || sodium_memcmp(token.p, me->csrf.p, token.n) != 0)
        return lf_fail(cx, LF_EDENIED, NULL, "请求缺少防伪标记，请刷新页面 | the request lacks its CSRF token, reload the page");
    return LF_OK;
}

/* Who must change his password may do that, see who he is and leave. */
static lf_rc password_first(struct lf_ctx *cx, const struct lf_http_req *req, const struct lf_session *me)
{
    static const char *const open[] = { "/api/v1/me", "/api/v1/me/password", "/api/v1/logout", "/api/v1/hello" };
    for (size_t i = 0; i < LF_COUNT(open); i++)
        if (!me->must_change || lf_text_is(req->path, open[i]))
            return LF_OK;
    return lf_fail(cx, LF_EDENIED, "must_change", "请先修改初始密码 | change the initial password first");
}

enum { JSON_MAX = 4 << 20 };

static bool is_json(lf_text type) { return type.n >= 16 && !strncasecmp(type.p, "application/json", 16); }

static json_t *parse(const struct lf_http_req *req, json_error_t *e)
{
    if (req->body_fd < 0)
        return json_loadb(req->body.p, req->body.n, JSON_REJECT_DUPLICATES, e);
    lseek(req->body_fd, 0, SEEK_SET);
    return json_loadfd(req->body_fd, JSON_REJECT_DUPLICATES, e);
}

/* bytes: the address takes a file of some kind and reads it itself. */
static lf_rc read_body(struct lf_ctx *cx, struct lf_call *c, bool bytes)
{
    bool json = is_json(lf_http_header(c->req, "Content-Type"));
    if (safe_method(c->req) || !c->req->body_len || (bytes && (!json || c->req->body_fd >= 0)))
        return LF_OK;
    if (!json) {
        c->res->status = 415;
        return lf_fail(cx, LF_EINVAL, "body",
                       "请求内容应为 JSON（Content-Type: application/json） | the body must be JSON (Content-Type: application/json)");
    }
    json_error_t e;
    c->body = parse(c->req, &e);
    if (json_is_object(c->body))
        return LF_OK;
    return lf_fail(cx, LF_EINVAL, "body", "请求内容不是有效的 JSON（第 %d 行：%s） | the body is not valid JSON (line %d: %s)",
                   c->body ? 1 : e.line, c->body ? "object" : e.text, c->body ? 1 : e.line, c->body ? "an object is wanted" : e.text);
}

/* ---- the call ----------------------------------------------------------------------------------------------- */

/* Is it somebody who may do that? Sets actor, scope and rights of cx. */
static lf_rc admit(struct lf_ctx *cx, struct lf_call *c, const struct lf_route *route, const struct lf_record_hit *hit)
{
    struct lf_session me = { 0 };
    if (route && !strcmp(route->right, "public"))
        return LF_OK;
    lf_rc rc = authenticate(cx, c->req, &me);
    c->stale = me.stale;
    if (!rc)
        rc = password_first(cx, c->req, &me);
    if (!rc && !route)
        rc = lf_records_allowed(cx, hit);
    if (!rc && route && *route->right && !lf_perm_has(&cx->perms, lf_app_right(cx->app, route->right)))
        rc = lf_fail(cx, LF_EDENIED, NULL, "您没有这项权限（%s） | you do not have the right %s", route->right, route->right);
    return rc;
}

static void after_commit(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_change *ch = c->change;
    if (!c->changed)
        return;
    if (ch->res->committed)
        ch->res->committed(cx->app, ch);
    lf_publish_record(cx->app, ch);
}

void lf_publish_record(struct lf_app *app, const struct lf_change *ch)
{
    char json[256];
    int n = snprintf(json, sizeof json, "{\"room\":\"%s\",\"id\":%lld,\"verb\":\"%s\"}", ch->res->name, (long long)lf_row_id(ch->row).v,
                     ch->verb  ? ch->verb->name
                     : ch->was ? "edit"
                               : "create");
    lf_text topic = lf_str("record"), grid = ch->res->unscoped ? LF_TEXT("") : lf_row_grid(ch->res, ch->row);
    if (n > 0 && (size_t)n < sizeof json)
        lf_hub_publish(app->hub, topic, grid, (lf_text){ json, (uint32_t)n });
}

/* Notes once in a while that the session is in use; a failure here is nobody's trouble, and the next call tries again. */
static void mark_seen(struct lf_ctx *cx, const struct lf_http_req *req)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE_NOW);
    if (!rc)
        rc = lf_tx_end(cx, lf_session_seen(cx, lf_http_cookie(req, "lanfan")));
    if (rc)
        lf_log(LF_DEBUG, "session: %s", cx->err.msg);
}

/* OPTIONS is told what there is, every other method that it is not among it. */
static lf_rc other_method(struct lf_ctx *cx, struct lf_call *c)
{
    bool ask = !strcmp(c->req->method, "OPTIONS");
    c->res->status = ask ? 204 : 405;
    lf_http_set_header(c->res, "Allow", c->allow);
    return ask ? LF_OK : lf_fail(cx, LF_ENOTFOUND, NULL, "这个地址只接受 %s | only %s is taken at this address", c->allow, c->allow);
}

/* Before anything is taken that others wait for: who may not write is told so, and who sends what cannot be read. */
static lf_rc admit_writer(struct lf_ctx *cx, struct lf_call *c, const struct lf_route *route, const struct lf_record_hit *hit)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, admit(cx, c, route, hit))))
        return rc;
    return read_body(cx, c, route ? route->request != NULL : hit->a->takes && strchr(hit->a->takes, '/'));
}

static lf_rc transact(struct lf_ctx *cx, struct lf_call *c, const struct lf_route *route, const struct lf_record_hit *hit)
{
    lf_rc rc = lf_tx_begin(cx, route ? route->tx : safe_method(c->req) ? LF_TX_READ : LF_TX_WRITE);
    if (rc)
        return rc;
    rc = admit(cx, c, route, hit); /* a writer once more: he may have been logged out while he waited */
    if (!rc)
        rc = route ? route->fn(cx, c) : hit->a->fn(cx, c, hit->r, &hit->at);
    lf_rc end = lf_tx_end(cx, !rc && c->undo ? LF_ECONFLICT : rc);
    rc = !rc && c->undo ? LF_OK : end;
    if (!rc)
        after_commit(cx, c);
    return rc;
}

static lf_rc run(struct lf_ctx *cx, struct lf_call *c, const struct lf_route *route)
{
    const struct lf_http_req *req = c->req;
    struct lf_record_hit hit = { 0 };
    if (!route && !(begins_with(req->path, API) && lf_records_find(cx, c, (lf_text){ req->path.p + API.n, req->path.n - API.n }, &hit)))
        return c->allow ? other_method(cx, c) : lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个地址 | there is nothing at this address");
    if (route && route->own_tx) { /* log-in and the like: transactions of their own */
        lf_rc rc = read_body(cx, c, route->request != NULL);
        return rc ? rc : route->fn(cx, c);
    }
    const struct lf_verb *verb = hit.at.verb;
    lf_rc rc = safe_method(req) ? LF_OK : admit_writer(cx, c, route, &hit);
    if (!rc && verb && verb->hold)
        rc = verb->hold(cx);
    if (rc)
        return rc;
    rc = transact(cx, c, route, &hit);
    if (verb && verb->release)
        verb->release();
    if (!rc && c->stale)
        mark_seen(cx, req);
    return rc;
}

static void fail(struct lf_ctx *cx, const struct lf_call *c, lf_rc rc)
{
    const struct lf_http_req *req = c->req;
    int status = c->res->status == 405 || c->res->status == 415 ? c->res->status : 0;
    if (rc == LF_EDB || rc == LF_EIO || rc == LF_EBUG)
        lf_log(LF_ERROR, "%s %.*s: %s (%s:%d)", req->method, (int)req->path.n, req->path.p, cx->err.msg, cx->err.file ? cx->err.file : "?",
               cx->err.line);
    cx->err.rc = rc;
    lf_problem(c->res, &cx->err, cx->lang, status);
}

static lf_rc page(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_http_res *res = c->res, was = *res;
    const struct lf_asset *f = page_at(c->req->path, &cx->arena, res);
    if (f && safe_method(c->req)) {
        lf_put(&res->body, f->bytes, f->size);
        return LF_OK;
    }
    *res = was;
    if (!f)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个页面 | there is no such page");
    lf_call_allow(cx, c, "GET");
    return other_method(cx, c);
}

void lf_api_handle(void *user, const struct lf_http_req *req, struct lf_http_res *res)
{
    struct lf_app *app = user;
    /* The context lends the request's arena, so that header values outlive this function. */
    struct lf_ctx cx = { .arena = *req->arena, .app = app, .db = app->db, .lang = req->lang, .peer = req->peer };
    struct lf_call c = { .req = req, .res = res, .j = lf_json_to(&res->body) };
    const struct lf_route *route = find_route(&cx, &c);
    bool api = route || c.allow || begins_with(req->path, LF_TEXT("/api/"));
    lf_rc rc = api ? run(&cx, &c, route) : page(&cx, &c);
    if (rc)
        fail(&cx, &c, rc);
    json_decref(c.body);
    *req->arena = cx.arena;
}

/* Writes wait for the one writer; exports and pictures take long of themselves. */
bool lf_api_slow(void *user, const struct lf_http_req *req)
{
    const struct lf_app *app = user;
    lf_text seg[4];
    if (!safe_method(req))
        return true;
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nroute; k++) {
            const struct lf_route *r = &app->room[i]->route[k];
            if (r->slow && lf_path_match(r->path, req->path, seg))
                return true;
        }
    return begins_with(req->path, API) && memchr(req->path.p, '.', req->path.n);
}

/* Files are large, JSON is not, and who has not logged in sends a log-in. */
uint64_t lf_api_body_limit(void *user, const struct lf_http_req *req)
{
    if (!lf_http_cookie(req, "lanfan").n && !lf_http_header(req, "Authorization").n)
        return 64 * 1024;
    return is_json(lf_http_header(req, "Content-Type")) ? JSON_MAX : UINT64_MAX;
}

lf_rc lf_call_int(struct lf_ctx *cx, lf_text s, const char *field, int64_t *out)
{
    return lf_text_int(s, out) ? LF_OK : lf_fail(cx, LF_ENOTFOUND, field, "编号应为数字 | this must be a number");
}
