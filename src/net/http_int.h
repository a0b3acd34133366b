/* http_int.h - shared by the files of net. */
#ifndef LF_NET_HTTP_INT_H
#define LF_NET_HTTP_INT_H
#include "net/http.h"

#include <microhttpd.h>
#include <stdatomic.h>

struct lf_http {
    struct MHD_Daemon *daemon;
    struct lf_http_config config;
    char *spool;
    uint16_t port;
    _Atomic int64_t requests, bytes, open, refused, cut, by_class[6], streams;
};
/* One request, from its first header to the last byte of its answer. */
struct lf_request {
    struct lf_http *http;
    struct MHD_Connection *mhd;
    struct lf_http_req req;
    struct lf_arena arena;
    struct lf_out body; /* while it is small */
    int spool;          /* when it is not */
    uint64_t started;   /* monotonic ms */
    int refuse;         /* status to answer with instead of calling the handler */
    const char *raw_path;
    bool begun, handled;
};
enum MHD_Result lf_http_answer(struct lf_request *q, struct lf_http_res *res);
enum MHD_Result lf_http_stream(struct lf_request *q, struct lf_http_res *res);
void lf_http_refuse(struct lf_request *q, struct lf_http_res *res, int status);
int lf_http_spool_in(const char *dir);
#endif
