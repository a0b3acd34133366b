/* http_int.h - shared by the files of net. */
#ifndef LF_NET_HTTP_INT_H
#define LF_NET_HTTP_INT_H
#include "net/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

/* What a connection is at; since then, or since the last look at its reader. */
enum lf_phase { LF_HEAD, LF_BODY, LF_WORK, LF_ANSWER, LF_STREAM };
struct lf_watch {
    struct lf_watch *next, **self;
    int fd;
    enum lf_phase phase;
    uint64_t since, acked; /* monotonic ms; bytes the other end has taken */
    bool ended, cut;       /* the other end will send no more; we have ended it */
};
struct lf_guard {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct lf_watch *list;
    bool running, stop;
};
enum { LF_WORKERS = 4 };
struct lf_work {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread[LF_WORKERS];
    struct lf_request *first, *last;
    int n, waiting;
    bool stop;
};
struct lf_http {
    struct MHD_Daemon *daemon;
    struct lf_http_config config;
    char *spool;
    uint16_t port;
    struct lf_guard guard;
    struct lf_work work;
    _Atomic int64_t requests, bytes, open, refused, cut, slow, spooled, by_class[6], streams;
};
/* One request, from its first header to the last byte of its answer. */
struct lf_request {
    struct lf_http *http;
    struct MHD_Connection *mhd;
    struct lf_http_req req;
    struct lf_arena arena;
    struct lf_out body; /* while it is small */
    int spool;          /* when it is not */
    int64_t spooled;    /* bytes in it */
    uint64_t body_max;
    int refuse; /* status to answer with instead of calling the handler */
    const char *raw_path;
    bool begun, handled, worked, answered, head;
    struct lf_http_res res;  /* the answer, once handled */
    struct lf_request *next; /* waiting for a worker */
    struct lf_watch *watch;
};
void lf_http_handle(struct lf_request *q);
bool lf_guard_start(struct lf_http *h);
void lf_guard_stop(struct lf_http *h);
struct lf_watch *lf_guard_add(struct lf_http *h, int fd);
void lf_guard_drop(struct lf_http *h, struct lf_watch *w);
void lf_guard_phase(struct lf_http *h, struct lf_watch *w, enum lf_phase phase);
enum lf_given { LF_GIVEN, LF_DO_IT_HERE, LF_TOO_MANY };
bool lf_work_start(struct lf_http *h);
enum lf_given lf_work_give(struct lf_request *q); /* suspends the connection until a worker has handled the request */
void lf_work_stop(struct lf_http *h);             /* ends when what waits is done; later requests are handled where they arrive */
void lf_work_free(struct lf_http *h);
enum MHD_Result lf_http_answer(struct lf_request *q, struct lf_http_res *res);
enum MHD_Result lf_http_stream(struct lf_request *q, struct lf_http_res *res);
void lf_http_refuse(struct lf_request *q, struct lf_http_res *res, int status);
#endif
