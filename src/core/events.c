/* events.c - live events: who hears what, and until when. A stream ends with the session that opened it. */
#include "core/account.h"
#include "core/kernel.h"

#include <stdio.h>
#include <stdlib.h>

const struct lf_param lf_event_params[] = {
    { "station", "readings of these stations only, numbers separated by commas, at most 64", false },
    { "grid_code", "only what happens within this division, cell or zone", false },
};

enum { LISTEN_STATIONS = 64 };
struct ranges { /* a scope that outlives the request */
    int n;
    struct {
        char lo[40], hi[40];
    } range[LF_SCOPE_MAX];
};
struct listener {
    lf_id account;
    char session[65]; /* hash of its token */
    int64_t until;
    struct ranges scope, area; /* area: what was asked for besides; n == 0 = everything within the scope */
    int64_t station[LISTEN_STATIONS];
    int nstation; /* readings of these only; 0 = of all */
};

static void ranges_keep(struct ranges *r, const struct lf_scope *s)
{
    for (r->n = 0; r->n < s->n; r->n++) {
        snprintf(r->range[r->n].lo, sizeof r->range[0].lo, "%.*s", (int)s->range[r->n].lo.n, s->range[r->n].lo.p);
        snprintf(r->range[r->n].hi, sizeof r->range[0].hi, "%.*s", (int)s->range[r->n].hi.n, s->range[r->n].hi.p);
    }
}
static bool ranges_hold(const struct ranges *r, lf_text grid_code)
{
    struct lf_scope s = { .n = r->n };
    for (int i = 0; i < r->n; i++)
        s.range[i].lo = lf_str(r->range[i].lo), s.range[i].hi = lf_str(r->range[i].hi);
    return lf_scope_has(&s, grid_code);
}
/* Topics may name one subject behind a colon: "notice:ACCOUNT", "reading:STATION". The event is called by what is before it. */
static bool topic_of(lf_text topic, const char *name, int64_t *subject)
{
    size_t n = strlen(name);
    if (topic.n <= n || topic.p[n] != ':' || memcmp(topic.p, name, n) != 0)
        return false;
    *subject = 0;
    for (size_t i = n + 1; i < topic.n && topic.p[i] >= '0' && topic.p[i] <= '9' && *subject < INT64_MAX / 10 - 10; i++)
        *subject = *subject * 10 + (topic.p[i] - '0');
    return true;
}

static bool wants(void *user, lf_text topic, lf_text grid_code)
{
    const struct listener *l = user;
    if (lf_now().ms > l->until)
        return false;
    int64_t subject;
    if (topic_of(topic, "notice", &subject))
        return subject == l->account.v;
    bool wanted = !l->nstation || !topic_of(topic, "reading", &subject);
    for (int i = 0; !wanted && i < l->nstation; i++)
        wanted = l->station[i] == subject;
    return wanted && ranges_hold(&l->scope, grid_code) && (!l->area.n || ranges_hold(&l->area, grid_code));
}

static lf_rc listen_stations(struct lf_ctx *cx, lf_text list, struct listener *l)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        lf_text one = { list.p, comma ? (uint32_t)(comma - list.p) : list.n };
        list = comma ? (lf_text){ comma + 1, list.n - one.n - 1 } : LF_TEXT("");
        if (l->nstation == LISTEN_STATIONS)
            return lf_fail(cx, LF_EINVAL, "station", "一次最多 %d 个站点 | at most %d stations at once", LISTEN_STATIONS, LISTEN_STATIONS);
        lf_rc rc = lf_call_int(cx, one, "station", &l->station[l->nstation++]);
        if (rc)
            return lf_fail(cx, LF_EINVAL, "station", "站点编号应为数字，用逗号隔开 | stations are numbers, separated by commas");
    }
    return LF_OK;
}

lf_rc lf_events(struct lf_ctx *cx, struct lf_call *c)
{
    struct listener want = { .account = cx->actor, .until = lf_now().ms + 12LL * LF_HOUR_MS };
    struct lf_scope area = { 0 };
    lf_text code = lf_http_param(c->req, "grid_code");
    lf_rc rc = listen_stations(cx, lf_http_param(c->req, "station"), &want);
    if (!rc && code.n)
        rc = lf_scope_of(cx, code, &area);
    if (rc)
        return rc;
    lf_text token = lf_session_hash(&cx->arena, lf_http_cookie(c->req, "lanfan"));
    snprintf(want.session, sizeof want.session, "%.*s", (int)token.n, token.p);
    ranges_keep(&want.scope, &cx->scope);
    ranges_keep(&want.area, &area);
    struct listener *l = lf_new(sizeof *l);
    *l = want;
    c->res->hub = cx->app->hub;
    c->res->want = wants;
    c->res->user = l;
    return LF_OK;
}

/* ---- streams whose session is over ------------------------------------------------------------------ */

struct sessions {
    char (*hash)[65]; /* sorted */
    size_t n;
};

static int by_hash(const void *a, const void *b) { return strcmp(a, b); }

static bool is_over(void *ask, const void *user)
{
    const struct sessions *s = ask;
    const struct listener *l = user;
    return !s->n || !bsearch(l->session, s->hash, s->n, sizeof *s->hash, by_hash);
}

static lf_rc read_sessions(struct lf_ctx *cx, struct sessions *s)
{
    enum { MOST = 20000 };
    const struct lf_val now[] = { lf_val_ms(lf_now()), lf_val_int(MOST) };
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx,
                           "SELECT s.token_hash FROM session s JOIN account a ON a.id = s.account_id WHERE s.expires_at > $1 AND "
                           "a.disabled = FALSE ORDER BY s.expires_at DESC LIMIT $2",
                           now, 2, 0, &cur);
    if (rc)
        return rc;
    s->hash = lf_new(MOST * sizeof *s->hash);
    while (s->n < MOST && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &v);
        snprintf(s->hash[s->n++], sizeof *s->hash, "%.*s", (int)v.s.n, v.s.p);
    }
    lf_cur_close(&cur);
    qsort(s->hash, s->n, sizeof *s->hash, by_hash);
    return rc < 0 ? rc : LF_OK;
}

lf_rc lf_events_review(struct lf_ctx *cx)
{
    struct sessions s = { 0 };
    if (!lf_hub_listeners(cx->app->hub))
        return LF_OK;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(cx, read_sessions(cx, &s));
    if (!rc)
        lf_hub_end_those(cx->app->hub, is_over, &s);
    lf_release(s.hash);
    return rc;
}
