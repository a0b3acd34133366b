#include "net/http_int.h"

#include "base/text.h"
#include "net/problem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MEMORY_BODY = 64 * 1024, HEADER_MEMORY = 32 * 1024 };

static int spool_in(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || errno == ENOSPC)
        return fd;
    char path[4096]; /* a file system without O_TMPFILE */
    snprintf(path, sizeof path, "%s/lanfan-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int lf_http_spool(const struct lf_http_req *req) { return spool_in(((struct lf_request *)req->conn)->http->spool); }

/* ---- reading a request ------------------------------------------------------------------------------ */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode_path(struct lf_arena *a, const char *url, lf_text *out)
{
    char *p = lf_alloc(a, strlen(url) + 1), *o = p;
    for (const char *s = url; *s; s++) {
        if (*s != '%') {
            *o++ = *s;
            continue;
        }
        int hi = hex(s[1]), lo = hi < 0 ? -1 : hex(s[2]);
        if (lo < 0 || (hi == 0 && lo == 0))
            return false;
        *o++ = (char)(hi * 16 + lo);
        s += 2;
    }
    *out = (lf_text){ p, (uint32_t)(o - p) };
    if (*p != '/' || !lf_utf8_ok(*out))
        return false;
    for (const char *s = p; (s = strstr(s, "..")); s++)
        if (s[-1] == '/' && (s[2] == '/' || !s[2]))
            return false;
    return true;
}

lf_text lf_http_header(const struct lf_http_req *r, const char *name)
{
    return lf_str(MHD_lookup_connection_value(((struct lf_request *)r->conn)->mhd, MHD_HEADER_KIND, name));
}
lf_text lf_http_param(const struct lf_http_req *r, const char *name)
{
    return lf_str(MHD_lookup_connection_value(((struct lf_request *)r->conn)->mhd, MHD_GET_ARGUMENT_KIND, name));
}
lf_text lf_http_bearer(const struct lf_http_req *r)
{
    static const char scheme[] = "Bearer ";
    const uint32_t n = sizeof scheme - 1;
    lf_text a = lf_http_header(r, "Authorization");
    return a.n > n && !strncasecmp(a.p, scheme, n) ? (lf_text){ a.p + n, a.n - n } : (lf_text){ 0 };
}

lf_text lf_http_cookie(const struct lf_http_req *r, const char *name)
{
    return lf_str(MHD_lookup_connection_value(((struct lf_request *)r->conn)->mhd, MHD_COOKIE_KIND, name));
}

struct each_param {
    bool (*f)(void *, lf_text, lf_text);
    void *user;
};

static enum MHD_Result one_param(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct each_param *e = cls;
    return e->f(e->user, lf_str(key), value ? lf_str(value) : LF_TEXT("")) ? MHD_YES : MHD_NO;
}

void lf_http_params(const struct lf_http_req *r, bool (*f)(void *user, lf_text name, lf_text value), void *user)
{
    struct each_param e = { f, user };
    MHD_get_connection_values(((struct lf_request *)r->conn)->mhd, MHD_GET_ARGUMENT_KIND, one_param, &e);
}

/* English only when it is asked for before Chinese. */
static enum lf_lang language(struct MHD_Connection *c)
{
    const char *h = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept-Language"), *en = h ? strcasestr(h, "en") : NULL,
               *zh = h ? strcasestr(h, "zh") : NULL;
    return en && (!zh || en < zh) ? LF_EN : LF_ZH;
}

/* The front of TLS on this machine tells whose request it passes on: the last address of X-Forwarded-For is the one it added itself. */
static bool forwarded(struct MHD_Connection *c, char out[INET6_ADDRSTRLEN])
{
    const char *h = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "X-Forwarded-For"), *last = h ? strrchr(h, ',') : NULL;
    unsigned char raw[16];
    char one[INET6_ADDRSTRLEN];
    last = last ? last + 1 : h;
    while (last && *last == ' ')
        last++;
    if (!last || strlen(last) >= sizeof one)
        return false;
    snprintf(one, sizeof one, "%s", last);
    int family = strchr(one, ':') ? AF_INET6 : AF_INET; /* written anew, so that one address has one form */
    return inet_pton(family, one, raw) == 1 && inet_ntop(family, raw, out, INET6_ADDRSTRLEN);
}

static lf_text peer_of(struct lf_arena *a, struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char b[INET6_ADDRSTRLEN] = "", behind[INET6_ADDRSTRLEN];
    if (i && i->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)i->client_addr)->sin_addr, b, sizeof b);
    if (i && i->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)i->client_addr)->sin6_addr, b, sizeof b);
    bool local = !strncmp(b, "127.", 4) || !strcmp(b, "::1");
    return lf_text_copy(a, lf_str(local && forwarded(c, behind) ? behind : b));
}

/* The library decodes the path leniently and only later; the raw one is taken here and decoded strictly. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
    struct lf_request *q = lf_new(sizeof *q);
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    *q = (struct lf_request){ .http = cls, .mhd = c, .spool = -1, .body = lf_out_memory(MEMORY_BODY), .watch = i->socket_context };
    q->raw_path = lf_strn(&q->arena, (lf_text){ uri, (uint32_t)strcspn(uri, "?") });
    return q;
}

static void begin(struct lf_request *q, const char *method)
{
    struct lf_http *h = q->http;
    struct MHD_Connection *c = q->mhd;
    q->begun = true;
    q->head = !strcmp(method, "HEAD");
    q->req = (struct lf_http_req){ .arena = &q->arena,
                                   .method = q->head ? "GET" : lf_printf(&q->arena, "%s", method),
                                   .body_fd = -1,
                                   .peer = peer_of(&q->arena, c),
                                   .lang = language(c),
                                   .conn = q };
    if (!decode_path(&q->arena, q->raw_path, &q->req.path))
        q->refuse = 400;
    const char *length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
    uint64_t most = h->config.body_limit ? h->config.body_limit(h->config.user, &q->req) : h->config.body_max;
    q->body_max = most < h->config.body_max ? most : h->config.body_max;
    if (length && strtoull(length, NULL, 10) > q->body_max)
        q->refuse = 413;
    lf_guard_phase(h, q->watch, LF_BODY);
}

/* Into the file, within what all requests together may lay there. */
static bool spool_more(struct lf_request *q, const char *data, size_t n)
{
    if (atomic_fetch_add(&q->http->spooled, (int64_t)n) + (int64_t)n > (int64_t)q->http->config.spool_max) {
        q->http->spooled -= (int64_t)n;
        return false;
    }
    q->spooled += (int64_t)n;
    return write(q->spool, data, n) == (ssize_t)n;
}

static void take_body(struct lf_request *q, const char *data, size_t n)
{
    if (q->refuse)
        return;
    q->req.body_len += n;
    if (q->req.body_len > q->body_max)
        q->refuse = 413;
    else if (q->spool < 0 && q->body.n + n <= MEMORY_BODY)
        lf_put(&q->body, data, n);
    else {
        if (q->spool < 0) {
            q->spool = spool_in(q->http->spool);
            lf_text held = lf_out_text(&q->body);
            if (q->spool < 0 || !spool_more(q, held.p, held.n))
                q->refuse = 507;
        }
        if (!q->refuse && !spool_more(q, data, n))
            q->refuse = 507;
    }
}

void lf_http_refuse(struct lf_request *q, struct lf_http_res *res, int status)
{
    struct lf_err e = { 0 };
    static const struct {
        int status;
        lf_rc rc;
        const char *text;
    } why[] = { { 400, LF_EINVAL, "请求地址无效 | the address of the request is not valid" },
                { 413, LF_ETOOBIG, "内容太大 | the content is too large" },
                { 429, LF_EBUSY, "请求太多，请稍后再试 | too many requests are waiting, try again in a moment" },
                { 507, LF_EIO, "临时空间不足，请稍后再试 | no temporary space, try again later" } };
    for (size_t i = 0; i < LF_COUNT(why); i++)
        if (why[i].status == status)
            lf_err_set(&e, why[i].rc, NULL, "%s", why[i].text);
    lf_problem(res, &e, q->req.lang, status);
    q->http->refused++;
}

void lf_http_handle(struct lf_request *q)
{
    if (q->refuse)
        lf_http_refuse(q, &q->res, q->refuse);
    else
        q->http->config.handler(q->http->config.user, &q->req, &q->res);
}

static enum MHD_Result answer(struct lf_request *q)
{
    q->answered = true;
    lf_guard_phase(q->http, q->watch, q->res.hub ? LF_STREAM : LF_ANSWER);
    return q->res.hub ? lf_http_stream(q, &q->res) : lf_http_answer(q, &q->res);
}

/* The request is whole, or refused before it is. */
static enum MHD_Result handle(struct lf_request *q)
{
    struct lf_http *h = q->http;
    q->res = (struct lf_http_res){ .fd = -1, .body = lf_out_memory(0) };
    q->handled = true;
    h->requests++;
    if (q->spool >= 0)
        q->req.body_fd = q->spool;
    else
        q->req.body = lf_out_text(&q->body);
    lf_guard_phase(h, q->watch, LF_WORK);
    if (!q->refuse && h->config.slow && h->config.slow(h->config.user, &q->req)) {
        enum lf_given given = lf_work_give(q);
        if (given == LF_GIVEN)
            return MHD_YES;
        if (given == LF_TOO_MANY)
            q->refuse = 429;
    }
    lf_http_handle(q);
    return answer(q);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version,
                                  const char *data, size_t *n, void **state)
{
    struct lf_request *q = *state;
    if (!q->begun) {
        begin(q, method);
        return q->refuse ? handle(q) : MHD_YES; /* a refusal does not wait for the body */
    }
    if (*n) {
        take_body(q, data, *n);
        *n = 0;
        return MHD_YES;
    }
    return q->worked ? answer(q) : q->handled ? MHD_NO : handle(q);
}

/* The client went away while its request was handled: nobody will send what was made. */
static void drop_answer(struct lf_http_res *res)
{
    if (res->fd >= 0)
        close(res->fd);
    lf_out_close(&res->body);
    if (res->hub)
        lf_release(res->user);
}

static void on_done(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
    struct lf_request *q = *state;
    struct lf_http *h = cls;
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        h->cut++;
    if (!q)
        return;
    if (q->spool >= 0)
        close(q->spool);
    if (q->handled && !q->answered)
        drop_answer(&q->res);
    h->spooled -= q->spooled;
    lf_guard_phase(h, q->watch, LF_HEAD);
    lf_out_close(&q->body);
    lf_arena_free(&q->arena);
    lf_release(q);
    *state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_state, enum MHD_ConnectionNotificationCode code)
{
    struct lf_http *h = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_state = lf_guard_add(h, MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        h->open++;
    } else {
        lf_guard_drop(h, *socket_state);
        h->open--;
    }
}

static void silent(void *cls, const char *fmt, va_list ap) {}

/* ---- start and stop ------------------------------------------------------------------------------------ */

static int listen_on(const char *host, uint16_t port, struct lf_err *err)
{
    char service[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list = NULL;
    snprintf(service, sizeof service, "%u", port);
    int bad = getaddrinfo(host, service, &hints, &list), fd = -1, one = 1;
    if (!bad)
        fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) || listen(fd, 1024)) {
        lf_err_set(err, LF_EIO, "port", "cannot listen on %s port %u: %s\nHINT: another program may use the port; choose one with --port",
                   host, port, bad ? gai_strerror(bad) : strerror(errno));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    if (list)
        freeaddrinfo(list);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n))
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port);
}

lf_rc lf_http_start(struct lf_http **out, const struct lf_http_config *config, struct lf_err *err)
{
    struct lf_http *h = lf_new(sizeof *h);
    *out = NULL;
    h->config = *config;
    if (!h->config.threads)
        h->config.threads = 4;
    if (!h->config.max_connections)
        h->config.max_connections = 1024;
    if (!h->config.body_max)
        h->config.body_max = (uint64_t)64 << 20;
    if (!h->config.idle_s)
        h->config.idle_s = 30;
    if (!h->config.arrive_s)
        h->config.arrive_s = 120;
    if (!h->config.read_s)
        h->config.read_s = 60;
    if (!h->config.spool_max)
        h->config.spool_max = (uint64_t)1 << 30;
    h->spool = lf_dup(config->spool_dir ? config->spool_dir : "/tmp");
    int fd = listen_on(config->host ? config->host : "127.0.0.1", config->port, err);
    if (fd < 0) {
        lf_release(h->spool);
        lf_release(h);
        return LF_EIO;
    }
    h->port = port_of(fd);
    bool ready = lf_guard_start(h);
    ready = lf_work_start(h) && ready;
    h->daemon =
        !ready ? NULL
               : MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
                                  h, MHD_OPTION_EXTERNAL_LOGGER, silent, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
                                  (unsigned)h->config.threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->config.max_connections,
                                  MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)h->config.max_connections / 2,
                                  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)h->config.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                  (size_t)HEADER_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_done, h, MHD_OPTION_NOTIFY_CONNECTION,
                                  on_connection, h, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_END);
    if (!h->daemon) {
        lf_err_set(err, LF_EIO, NULL, "the HTTP server does not start: %s", strerror(errno));
        close(fd);
        lf_http_stop(h);
        return LF_EIO;
    }
    *out = h;
    return LF_OK;
}

uint16_t lf_http_port(const struct lf_http *h) { return h->port; }

void lf_http_stop(struct lf_http *h)
{
    if (!h)
        return;
    lf_work_stop(h); /* the daemon cannot end while a connection is suspended */
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    lf_guard_stop(h);
    lf_work_free(h);
    lf_release(h->spool);
    lf_release(h);
}

struct lf_http_stats lf_http_stats(const struct lf_http *ch)
{
    struct lf_http *h = (struct lf_http *)(uintptr_t)ch;
    struct lf_http_stats s = {
        .requests = h->requests,
        .bytes = h->bytes,
        .open = h->open,
        .refused = h->refused,
        .cut = h->cut,
        .slow = h->slow,
        .spooled = h->spooled,
        .streams = h->streams,
    };
    for (int i = 0; i < 6; i++)
        s.by_class[i] = h->by_class[i];
    return s;
}
