#include "base/out.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FD_BUFFER = 64 * 1024 };
static const size_t MEMORY_MAX = (size_t)64 << 20;

struct lf_out lf_out_memory(size_t max) { return (struct lf_out){ .fd = -1, .max = max ? max : MEMORY_MAX }; }
struct lf_out lf_out_fd(int fd) { return (struct lf_out){ .fd = fd, .buf = lf_new(FD_BUFFER), .cap = FD_BUFFER }; }

static void write_all(struct lf_out *o, const char *p, size_t n)
{
    while (n && !o->failed) {
        ssize_t k = write(o->fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            o->failed = k < 0 ? errno : EIO;
            return;
        }
        p += k;
        n -= (size_t)k;
    }
}

static bool room(struct lf_out *o, size_t n)
{
    if (o->cap - o->n >= n)
        return true;
    if (o->fd >= 0) {
        write_all(o, o->buf, o->n);
        o->n = 0;
        return o->cap >= n;
    }
    if (n > o->max || o->n > o->max - n) {
        o->failed = EFBIG;
        return false;
    }
    size_t cap = o->cap ? o->cap * 2 : 1024;
    while (cap < o->n + n)
        cap *= 2;
    o->buf = lf_renew(o->buf, cap);
    o->cap = cap;
    return true;
}

void lf_put(struct lf_out *o, const void *p, size_t n)
{
    if (o->failed || !n)
        return;
    o->written += n;
    if (room(o, n)) {
        memcpy(o->buf + o->n, p, n);
        o->n += n;
    } else if (!o->failed) {
        write_all(o, p, n); /* larger than the buffer, which room() has emptied */
    }
}

void lf_put_text(struct lf_out *o, lf_text t) { lf_put(o, t.p, t.n); }
void lf_put_str(struct lf_out *o, const char *s) { lf_put(o, s, strlen(s)); }
void lf_put_c(struct lf_out *o, char c)
{
    if (!o->failed && o->n < o->cap) {
        o->buf[o->n++] = c;
        o->written++;
    } else {
        lf_put(o, &c, 1);
    }
}

void lf_put_int(struct lf_out *o, int64_t v)
{
    char b[24], *p = b + sizeof b;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    lf_put(o, p, (size_t)(b + sizeof b - p));
}

/* Most values have few decimals. Ten to the sixth is exact and a division is correctly rounded: when the quotient is v, the
 * decimal reads back as v, and having at most 15 digits it is the shortest that does. */
static bool put_decimal(struct lf_out *o, double v)
{
    char b[24], *p = b + sizeof b;
    double scaled = nearbyint(fabs(v) * 1e6);
    if (!(scaled >= 100 && scaled < 1e15) || scaled / 1e6 < fabs(v) || scaled / 1e6 > fabs(v))
        return false;
    uint64_t u = (uint64_t)scaled;
    int digits = 6;
    for (; digits && u % 10 == 0; digits--)
        u /= 10;
    for (int i = digits; i; i--, u /= 10)
        *--p = (char)('0' + u % 10);
    if (digits)
        *--p = '.';
    do
        *--p = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        *--p = '-';
    lf_put(o, p, (size_t)(b + sizeof b - p));
    return true;
}

void lf_put_real(struct lf_out *o, double v)
{
    char b[40];
    if (!isfinite(v)) {
        lf_put(o, "null", 4);
        return;
    }
    if (v == floor(v) && fabs(v) < 1e15) {
        lf_put_int(o, (int64_t)v);
        return;
    }
    if (put_decimal(o, v))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(b, sizeof b, "%.*g", digits, v);
        if (strtod(b, NULL) == v)
            break;
    }
    lf_put_str(o, b);
}

void lf_putf(struct lf_out *o, const char *fmt, ...)
{
    char small[512];
    va_list ap, aq;
    va_start(ap, fmt);
    va_copy(aq, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof small) {
        lf_put(o, small, (size_t)n);
    } else if (n >= 0) {
        char *big = lf_new((size_t)n + 1);
        vsnprintf(big, (size_t)n + 1, fmt, aq);
        lf_put(o, big, (size_t)n);
        lf_release(big);
    }
    va_end(aq);
}

lf_text lf_out_text(const struct lf_out *o) { return (lf_text){ o->buf ? o->buf : "", (uint32_t)o->n }; }

int lf_out_close(struct lf_out *o)
{
    if (o->fd >= 0)
        write_all(o, o->buf, o->n);
    lf_release(o->buf);
    o->buf = NULL;
    o->n = o->cap = 0;
    return o->failed;
}

/* ---- JSON ----------------------------------------------------------------------- */

struct lf_json lf_json_to(struct lf_out *o) { return (struct lf_json){ .o = o }; }

static void sep(struct lf_json *j)
{
    if (j->comma[j->depth])
        lf_put_c(j->o, ',');
    j->comma[j->depth] = true;
}

static void open_(struct lf_json *j, char c)
{
    sep(j);
    lf_put_c(j->o, c);
    if (j->depth < 32)
        j->depth++;
    else
        j->o->failed = EOVERFLOW;
    j->comma[j->depth] = false;
}

static void close_(struct lf_json *j, char c)
{
    lf_put_c(j->o, c);
    if (j->depth)
        j->depth--;
}

void lf_json_obj(struct lf_json *j) { open_(j, '{'); }
void lf_json_end_obj(struct lf_json *j) { close_(j, '}'); }
void lf_json_arr(struct lf_json *j) { open_(j, '['); }
void lf_json_end_arr(struct lf_json *j) { close_(j, ']'); }

static void put_quoted(struct lf_out *o, lf_text t)
{
    const unsigned char *p = (const unsigned char *)t.p, *end = p + t.n, *run = p;
    lf_put_c(o, '"');
    while (p < end) {
        if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
            p++;
            continue;
        }
        unsigned len = lf_utf8_len(p, (size_t)(end - p));
        if (len > 1) {
            p += len;
            continue;
        }
        lf_put(o, run, (size_t)(p - run));
        if (!len)
            lf_put_str(o, "\\ufffd");
        else if (*p == '"' || *p == '\\')
            lf_putf(o, "\\%c", *p);
        else if (*p == '\n')
            lf_put_str(o, "\\n");
        else
            lf_putf(o, "\\u%04x", *p);
        run = ++p;
    }
    lf_put(o, run, (size_t)(p - run));
    lf_put_c(o, '"');
}

void lf_json_key(struct lf_json *j, const char *key)
{
    sep(j);
    put_quoted(j->o, lf_str(key));
    lf_put_c(j->o, ':');
    j->comma[j->depth] = false; /* the value follows at once */
}

void lf_json_null(struct lf_json *j)
{
    sep(j);
    lf_put(j->o, "null", 4);
}

void lf_json_text(struct lf_json *j, lf_text v)
{
    if (!v.p) {
        lf_json_null(j);
        return;
    }
    sep(j);
    put_quoted(j->o, v);
}

void lf_json_str(struct lf_json *j, const char *v) { lf_json_text(j, lf_str(v)); }

void lf_json_int(struct lf_json *j, int64_t v)
{
    if (v == LF_NULL64) {
        lf_json_null(j);
        return;
    }
    sep(j);
    lf_put_int(j->o, v);
}

void lf_json_real(struct lf_json *j, double v)
{
    sep(j);
    lf_put_real(j->o, v);
}

void lf_json_bool(struct lf_json *j, bool v)
{
    sep(j);
    lf_put_str(j->o, v ? "true" : "false");
}

void lf_json_raw(struct lf_json *j, lf_text json)
{
    sep(j);
    lf_put_text(j->o, json);
}

void lf_json_ktext(struct lf_json *j, const char *key, lf_text v)
{
    lf_json_key(j, key);
    lf_json_text(j, v);
}
void lf_json_kstr(struct lf_json *j, const char *key, const char *v)
{
    lf_json_key(j, key);
    lf_json_str(j, v);
}
void lf_json_kint(struct lf_json *j, const char *key, int64_t v)
{
    lf_json_key(j, key);
    lf_json_int(j, v);
}
void lf_json_kreal(struct lf_json *j, const char *key, double v)
{
    lf_json_key(j, key);
    lf_json_real(j, v);
}
void lf_json_kbool(struct lf_json *j, const char *key, bool v)
{
    lf_json_key(j, key);
    lf_json_bool(j, v);
}
