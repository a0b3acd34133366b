/* response.c - answers: bytes or a file, conditional, compressed, with the headers every answer carries. */
#include "net/http_int.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { COMPRESS_FROM = 1024, CHUNK = 64 * 1024 };

void lf_http_set_header(struct lf_http_res *res, const char *name, const char *value)
{
    if (res->nheader < (int)LF_COUNT(res->header)) {
        res->header[res->nheader].name = name;
        res->header[res->nheader++].value = value;
    }
}

static bool text_like(const char *type)
{
    return !strncmp(type, "text/", 5) || strstr(type, "json") || strstr(type, "javascript") || strstr(type, "xml");
}

static bool takes_gzip(const struct lf_request *q)
{
    const char *h = MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, "Accept-Encoding"), *g = h ? strstr(h, "gzip") : NULL;
    return g && strncmp(g, "gzip;q=0", 8) != 0;
}

/* ---- gzip ------------------------------------------------------------------------------------------------ */

/* Level 3: an answer of 12 KB takes half the time of level 5 and is a tenth larger. */
static bool pack(lf_text in, struct lf_out *out)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = in.n };
    char b[16384];
    int code;
    if (deflateInit2(&z, 3, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    do {
        z.next_out = (Bytef *)b;
        z.avail_out = sizeof b;
        code = deflate(&z, Z_FINISH);
        lf_put(out, b, sizeof b - z.avail_out);
    } while (code == Z_OK);
    deflateEnd(&z);
    return code == Z_STREAM_END && !out->failed;
}

static bool unpack(lf_text in, struct lf_out *out)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = in.n };
    char b[16384];
    int code;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return false;
    do {
        z.next_out = (Bytef *)b;
        z.avail_out = sizeof b;
        code = inflate(&z, Z_NO_FLUSH);
        lf_put(out, b, sizeof b - z.avail_out);
    } while (code == Z_OK);
    inflateEnd(&z);
    return code == Z_STREAM_END && !out->failed;
}

/* A file, packed while it is read: constant memory whatever its size. */
struct packer {
    int fd;
    z_stream z;
    bool end;
    char in[CHUNK];
};

static ssize_t packer_read(void *cls, uint64_t pos, char *buf, size_t max)
{
    struct packer *p = cls;
    p->z.next_out = (Bytef *)buf;
    p->z.avail_out = (uInt)max;
    while (p->z.avail_out == max) {
        if (!p->z.avail_in && !p->end) {
            ssize_t n = read(p->fd, p->in, sizeof p->in);
            if (n < 0)
                return MHD_CONTENT_READER_END_WITH_ERROR;
            p->end = n == 0;
            p->z.next_in = (Bytef *)p->in;
            p->z.avail_in = (uInt)n;
        }
        int code = deflate(&p->z, p->end ? Z_FINISH : Z_NO_FLUSH);
        if (code == Z_STREAM_END)
            break;
        if (code != Z_OK && code != Z_BUF_ERROR)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t n = max - p->z.avail_out;
    return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void packer_free(void *cls)
{
    struct packer *p = cls;
    deflateEnd(&p->z);
    close(p->fd);
    lf_release(p);
}

static struct MHD_Response *pack_file(int fd)
{
    struct packer *p = lf_new(sizeof *p);
    p->fd = fd;
    if (deflateInit2(&p->z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        lf_release(p);
        return NULL;
    }
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CHUNK, packer_read, p, packer_free);
}

/* ---- headers ------------------------------------------------------------------------------------------------- */

static void security(struct MHD_Response *r)
{
    static const char *const h[][2] = { { "X-Content-Type-Options", "nosniff" },
                                        { "Referrer-Policy", "same-origin" },
                                        { "X-Frame-Options", "DENY" },
                                        { "Permissions-Policy", "geolocation=(self), camera=(self)" },
                                        { "Content-Security-Policy",
                                          "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; img-src 'self' "
                                          "data: blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'none'" } };
    for (size_t i = 0; i < LF_COUNT(h); i++)
        MHD_add_response_header(r, h[i][0], h[i][1]);
}

/* RFC 6266 with RFC 8187: names in Chinese arrive whole. */
static void disposition(struct MHD_Response *r, struct lf_arena *a, const char *name)
{
    static const char hex[] = "0123456789ABCDEF";
    char *enc = lf_alloc(a, strlen(name) * 3 + 1), *o = enc; /* zeroed */
    for (const unsigned char *s = (const unsigned char *)name; *s; s++) {
        bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || strchr("-._", *s);
        if (plain)
            *o++ = (char)*s;
        else
            *o++ = '%', *o++ = hex[*s >> 4], *o++ = hex[*s & 15];
    }
    const char *dot = strrchr(name, '.');
    MHD_add_response_header(r, "Content-Disposition",
                            lf_printf(a, "attachment; filename=\"download%s\"; filename*=UTF-8''%s", dot ? dot : "", enc));
}

/* The tag of a body is the hash of its bytes, unless the handler knows better. */
static const char *etag_of(struct lf_request *q, const struct lf_http_res *res)
{
    if (res->etag.n)
        return lf_printf(&q->arena, "\"%.*s\"", (int)res->etag.n, res->etag.p);
    if (res->fd >= 0 || strcmp(q->req.method, "GET") || (res->status && res->status != 200))
        return NULL;
    unsigned char h[16];
    char x[33];
    lf_text t = lf_out_text(&res->body);
    crypto_generichash(h, sizeof h, (const unsigned char *)t.p, t.n, NULL, 0);
    return lf_printf(&q->arena, "\"%s\"", sodium_bin2hex(x, sizeof x, h, sizeof h));
}

static bool matches(const struct lf_request *q, const char *etag)
{
    const char *h = MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, "If-None-Match");
    return etag && h && (strstr(h, etag) || !strcmp(h, "*")); /* weak comparison: W/ before it does not matter */
}

static struct MHD_Response *memory(lf_text t)
{
    return MHD_create_response_from_buffer(t.n, (void *)(uintptr_t)t.p, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *from_file(struct lf_request *q, struct lf_http_res *res, const char *type, const char **encoding)
{
    struct stat st;
    if (fstat(res->fd, &st))
        return NULL;
    lseek(res->fd, 0, SEEK_SET);
    struct MHD_Response *r;
    /* The library ends an answer of unknown length with an empty chunk even after HEAD, where nothing may follow. */
    if (!q->head && !res->no_compress && text_like(type) && st.st_size > COMPRESS_FROM && takes_gzip(q)) {
        *encoding = "gzip";
        r = pack_file(res->fd);
    } else {
        r = MHD_create_response_from_fd64((uint64_t)st.st_size, res->fd);
    }
    if (r)
        res->fd = -1; /* the response owns it now */
    return r;
}

static struct MHD_Response *from_body(struct lf_request *q, struct lf_http_res *res, const char *type, const char **encoding)
{
    lf_text t = lf_out_text(&res->body);
    struct lf_out other = lf_out_memory(0);
    struct MHD_Response *r = NULL;
    bool gzip = takes_gzip(q);
    if (res->gzip && gzip)
        *encoding = "gzip";
    else if (res->gzip ? unpack(t, &other) : !res->no_compress && gzip && text_like(type) && t.n > COMPRESS_FROM && pack(t, &other)) {
        if (!res->gzip)
            *encoding = "gzip";
        r = memory(lf_out_text(&other));
    }
    if (!r)
        r = memory(t);
    lf_out_close(&other);
    return r;
}

enum MHD_Result lf_http_answer(struct lf_request *q, struct lf_http_res *res)
{
    const char *type = res->type ? res->type : "application/json; charset=utf-8", *encoding = NULL, *etag = etag_of(q, res);
    unsigned status = (unsigned)(res->status ? res->status : 200);
    struct MHD_Response *r;
    if (res->body.failed) {
        res->gzip = false;
        lf_http_refuse(q, res, 507);
        status = 507, type = res->type, etag = NULL;
    }
    if (status == 200 && matches(q, etag)) {
        status = 304;
        r = memory(LF_TEXT(""));
    } else {
        r = res->fd >= 0 ? from_file(q, res, type, &encoding) : from_body(q, res, type, &encoding);
    }
    if (res->fd >= 0)
        close(res->fd);
    q->http->bytes += (int64_t)res->body.n;
    lf_out_close(&res->body);
    if (!r)
        return MHD_NO;
    security(r);
    if (status != 204 && status != 304)
        MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", res->cache ? res->cache : "no-store");
    MHD_add_response_header(r, "Vary", "Accept-Encoding, Accept-Language, Cookie");
    if (etag)
        MHD_add_response_header(r, "ETag", etag);
    if (encoding)
        MHD_add_response_header(r, "Content-Encoding", encoding);
    if (res->filename)
        disposition(r, &q->arena, res->filename);
    for (int i = 0; i < res->nheader; i++)
        MHD_add_response_header(r, res->header[i].name, res->header[i].value);
    q->http->by_class[status / 100 < 6 ? status / 100 : 5]++;
    enum MHD_Result ok = MHD_queue_response(q->mhd, status, r);
    MHD_destroy_response(r);
    return ok;
}
