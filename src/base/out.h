/* out.h - where bytes go: a growing buffer, or a file behind a fixed buffer. Also the JSON writer.
 *
 * Writers never check each call: the first failure is kept in `failed`, later calls do nothing,
 * and whoever owns the sink asks once at the end (lf_out_close). */
#ifndef LF_BASE_OUT_H
#define LF_BASE_OUT_H
#include "base/arena.h"
#include "base/err.h"

struct lf_out {
    char *buf;
    size_t n, cap, max; /* max: bytes a memory sink may hold, 0 = 64 MiB */
    int fd;             /* -1: memory */
    uint64_t written;   /* bytes that have gone through, flushed or not */
    int failed;         /* errno of the first failure; EFBIG when max was passed */
};

struct lf_out lf_out_memory(size_t max);
struct lf_out lf_out_fd(int fd); /* 64 KiB buffer; fd stays the caller's */
void lf_put(struct lf_out *o, const void *p, size_t n);
void lf_put_text(struct lf_out *o, lf_text t);
void lf_put_str(struct lf_out *o, const char *s);
void lf_put_c(struct lf_out *o, char c);
void lf_put_int(struct lf_out *o, int64_t v);
void lf_put_real(struct lf_out *o, double v); /* shortest text that reads back equal; NaN and infinities as "null" */
void lf_putf(struct lf_out *o, const char *fmt, ...) LF_PRINTF(2, 3);
lf_text lf_out_text(const struct lf_out *o); /* what a memory sink holds, until the next write or close */
int lf_out_close(struct lf_out *o);          /* flushes, frees; 0 or an errno value */

/* JSON: commas and nesting are the writer's business. Depth at most 32. */
struct lf_json {
    struct lf_out *o;
    uint32_t depth;
    bool comma[33];
};
struct lf_json lf_json_to(struct lf_out *o);
void lf_json_obj(struct lf_json *j);
void lf_json_end_obj(struct lf_json *j);
void lf_json_arr(struct lf_json *j);
void lf_json_end_arr(struct lf_json *j);
void lf_json_key(struct lf_json *j, const char *key);
void lf_json_text(struct lf_json *j, lf_text v); /* null text writes null; bytes that are not UTF-8 become U+FFFD */
void lf_json_str(struct lf_json *j, const char *v);
void lf_json_int(struct lf_json *j, int64_t v); /* LF_NULL64 writes null */
void lf_json_real(struct lf_json *j, double v);
void lf_json_bool(struct lf_json *j, bool v);
void lf_json_null(struct lf_json *j);
void lf_json_raw(struct lf_json *j, lf_text json); /* text that is JSON already */
/* Key and value in one call. */
void lf_json_ktext(struct lf_json *j, const char *key, lf_text v);
void lf_json_kstr(struct lf_json *j, const char *key, const char *v);
void lf_json_kint(struct lf_json *j, const char *key, int64_t v);
void lf_json_kreal(struct lf_json *j, const char *key, double v);
void lf_json_kbool(struct lf_json *j, const char *key, bool v);
#endif
