/* value.h - the small values every Lanfan file may use.
 *
 * One wrapper type per meaning, so that fen never become days. "Not known" is inside
 * the value (LF_NULL64, LF_NULL32, NaN, a text with p == NULL), never a second flag. */
#ifndef LF_BASE_VALUE_H
#define LF_BASE_VALUE_H
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LF_MUST_CHECK __attribute__((warn_unused_result))
#define LF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define LF_COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct {
    int64_t v;
} lf_id; /* row identity, > 0; 0 or LF_NULL64 = none */
typedef struct {
    int64_t fen;
} lf_money; /* 1/100 yuan */
typedef struct {
    int32_t v;
} lf_day; /* days since 1970-01-01 in the Asia/Shanghai calendar */
typedef struct {
    int64_t ms;
} lf_ms; /* instant: milliseconds since 1970-01-01T00:00:00Z */
typedef struct {
    const char *p;
    uint32_t n;
} lf_text; /* UTF-8 bytes, not owned; p == NULL is null, n == 0 is empty */

#define LF_NULL64 INT64_MIN
#define LF_NULL32 INT32_MIN
#define LF_TEXT(lit) ((lf_text){ "" lit, (uint32_t)(sizeof(lit) - 1) })

static inline lf_text lf_str(const char *s) { return (lf_text){ s, s ? (uint32_t)strlen(s) : 0 }; }
static inline bool lf_text_eq(lf_text a, lf_text b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }
static inline bool lf_text_is(lf_text a, const char *s) { return lf_text_eq(a, lf_str(s)); }
static inline bool lf_id_none(lf_id id) { return id.v == 0 || id.v == LF_NULL64; }
#endif
