/* http.h - HTTP/1.1 by libmicrohttpd: limits, compression, conditional answers, server-sent events.
 *
 * The handler is called when the whole request has arrived and answers with bytes or with an open file; it never waits for a
 * client, so a slow one holds a socket and nothing else, and not for long. What config.slow names is handled on a worker thread,
 * all else where its socket is served: it must be quick. */
#ifndef LF_NET_HTTP_H
#define LF_NET_HTTP_H
#include "base/ctx.h"
#include "base/out.h"

struct lf_http_req {
    struct lf_arena *arena; /* lives until the answer is queued */
    const char *method;     /* "GET", "POST" ... upper case; HEAD is handed over as GET and its body dropped */
    lf_text path;           /* percent-decoded, starts with '/', no ".." segment, valid UTF-8 */
    lf_text body;           /* up to config.body_max; else spooled: see body_fd */
    int body_fd;            /* >= 0: body was larger than 64 KiB and lies in an unlinked file; body.p is NULL. Closed by net */
    uint64_t body_len;
    lf_text peer;      /* "10.1.2.3"; from X-Forwarded-For when this machine itself is asking */
    enum lf_lang lang; /* from Accept-Language: LF_EN only when English is preferred to Chinese */
    void *conn;        /* net's own */
};
lf_text lf_http_header(const struct lf_http_req *r, const char *name); /* null text when absent */
lf_text lf_http_param(const struct lf_http_req *r, const char *name);  /* query parameter, decoded; null when absent */
/* Calls f for each query parameter in order until it returns false. */
void lf_http_params(const struct lf_http_req *r, bool (*f)(void *user, lf_text name, lf_text value), void *user);
lf_text lf_http_cookie(const struct lf_http_req *r, const char *name);
lf_text lf_http_bearer(const struct lf_http_req *r); /* the token of "Authorization: Bearer TOKEN"; null when absent */

struct lf_hub;
struct lf_http_res {
    int status;           /* 200 when left 0 */
    const char *type;     /* Content-Type; "application/json; charset=utf-8" when NULL */
    struct lf_out body;   /* memory sink (opened by net; bytes written to it are the body) */
    int fd;               /* >= 0: the answer is this file from its start; net closes it. -1 = use body */
    lf_text etag;         /* quoted by net; a matching If-None-Match becomes 304. Null: net hashes GET bodies itself */
    const char *cache;    /* Cache-Control; "no-store" when NULL */
    const char *filename; /* Content-Disposition: attachment, RFC 8187 for Chinese names; NULL = inline */
    struct {
        const char *name, *value;
    } header[8];
    int nheader;
    bool gzip;        /* body or fd holds gzip already (embedded assets): sent as is, or inflated for who cannot */
    bool no_compress; /* never compress (pictures, xlsx) */
    /* Server-sent events: when hub is set the connection becomes an event stream. want() is asked per event and must not
     * block; user is freed with lf_release when the client goes. */
    struct lf_hub *hub;
    bool (*want)(void *user, lf_text topic, lf_text grid_code);
    void *user;
};
void lf_http_set_header(struct lf_http_res *res, const char *name, const char *value); /* value is kept by pointer: arena */

typedef void (*lf_http_handler)(void *user, const struct lf_http_req *req, struct lf_http_res *res);

struct lf_http_config {
    const char *host;      /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;         /* 0 = any free one, for tests: ask lf_http_port */
    int threads;           /* 0 = 4 */
    int max_connections;   /* 0 = 1024; of one address at most half */
    uint64_t body_max;     /* bytes; 0 = 64 MiB. Past it 413 */
    uint64_t spool_max;    /* bytes that all bodies together may have in files; 0 = 1 GiB. Past it 507 */
    int idle_s;            /* seconds without a byte; 0 = 30. A header must be complete within twice that */
    int arrive_s;          /* seconds a body may take to arrive; 0 = 120 */
    int read_s;            /* a reader that takes less than 2 KiB/s of an answer for so many seconds is cut off; 0 = 60 */
    const char *spool_dir; /* unlinked files for large bodies and answers; NULL = /tmp */
    lf_http_handler handler;
    bool (*slow)(void *user, const struct lf_http_req *req);           /* may it take long? NULL = never */
    uint64_t (*body_limit)(void *user, const struct lf_http_req *req); /* asked when the header is there; NULL = body_max */
    void *user;
};
struct lf_http;
lf_rc lf_http_start(struct lf_http **out, const struct lf_http_config *config, struct lf_err *err) LF_MUST_CHECK;
uint16_t lf_http_port(const struct lf_http *h);
void lf_http_stop(struct lf_http *h); /* finishes running handlers, closes event streams, joins; NULL is fine */
/* requests, bytes out, connections open now, refused by limit, ended by the client, cut off for being slow, bytes of bodies in
 * files now, by status class 2xx..5xx, event streams now */
struct lf_http_stats {
    int64_t requests, bytes, open, refused, cut, slow, spooled, by_class[6], streams;
};
struct lf_http_stats lf_http_stats(const struct lf_http *h);
void lf_http_metrics(const struct lf_http *h, struct lf_out *o); /* the same in the text form of Prometheus */

/* An unlinked temporary file in the spool directory, for answers made by the handler; -1 and errno on failure. */
int lf_http_spool(const struct lf_http_req *req);

/* ---- events: one hub, many listeners ------------------------------------------------- */

/* Each listener has a ring of 64 KiB; one that does not read fast enough gets `event: lost` and then goes on.
 * A comment line is sent every 15 s. Event ids count up; Last-Event-ID is answered with `event: lost` when events are gone. */
struct lf_hub *lf_hub_new(void);
void lf_hub_end(struct lf_hub *hub); /* ends every stream; before lf_http_stop */
/* Ends the streams for whose user over() says so; it must not block. */
void lf_hub_end_those(struct lf_hub *hub, bool (*over)(void *ask, const void *user), void *ask);
int lf_hub_listeners(struct lf_hub *hub);
void lf_hub_free(struct lf_hub *hub);                                                    /* after lf_http_stop; NULL is fine */
void lf_hub_publish(struct lf_hub *hub, lf_text topic, lf_text grid_code, lf_text json); /* any thread; never blocks on a client */
#endif
