/* store_pg_copy.c - rows in the binary form of COPY (PostgreSQL manual, COPY, "Binary Format"): a header, for each row the number of
 * columns and for each column its length and bytes in network order, and -1 at the end. */
#include "tele/store_pg.h"

#include <endian.h>

static char *room(struct pg_copy *c, size_t n)
{
    if (c->n + n > c->cap) {
        c->cap = 2 * (c->n + n) + 4096;
        c->p = lf_renew(c->p, c->cap);
    }
    char *at = c->p + c->n;
    c->n += n;
    return at;
}

static void put16(char *at, int16_t v)
{
    uint16_t be = htobe16((uint16_t)v);
    memcpy(at, &be, sizeof be);
}

static void put32(char *at, int32_t v)
{
    uint32_t be = htobe32((uint32_t)v);
    memcpy(at, &be, sizeof be);
}

static void put64(char *at, uint64_t v)
{
    uint64_t be = htobe64(v);
    memcpy(at, &be, sizeof be);
}

void pg_copy_begin(struct pg_copy *c)
{
    static const char head[19] = "PGCOPY\n\377\r\n"; /* the signature ends with a NUL; then flags 0 and no extension */
    c->n = 0;
    memcpy(room(c, sizeof head), head, sizeof head);
}

void pg_copy_row(struct pg_copy *c, int columns) { put16(room(c, 2), (int16_t)columns); }

void pg_copy_int(struct pg_copy *c, int64_t v)
{
    char *at = room(c, 12);
    put32(at, 8);
    put64(at + 4, (uint64_t)v);
}

void pg_copy_small(struct pg_copy *c, int v)
{
    char *at = room(c, 6);
    put32(at, 2);
    put16(at + 4, (int16_t)v);
}

void pg_copy_null(struct pg_copy *c) { put32(room(c, 4), -1); }

void pg_copy_real(struct pg_copy *c, double v)
{
    uint64_t bits;
    if (isnan(v)) {
        pg_copy_null(c);
        return;
    }
    memcpy(&bits, &v, sizeof bits);
    char *at = room(c, 12);
    put32(at, 8);
    put64(at + 4, bits);
}

void pg_copy_text(struct pg_copy *c, lf_text t)
{
    char *at = room(c, 4 + (size_t)t.n);
    put32(at, (int32_t)t.n);
    if (t.n)
        memcpy(at + 4, t.p, t.n);
}

void pg_copy_end(struct pg_copy *c) { put16(room(c, 2), -1); }

lf_rc pg_copy_flush(PGconn *h, struct pg_copy *c, struct lf_err *err)
{
    enum { PIECE = 256 * 1024 };
    for (size_t at = 0; at < c->n; at += PIECE)
        if (PQputCopyData(h, c->p + at, (int)(c->n - at < PIECE ? c->n - at : PIECE)) != 1)
            return pg_fail(h, NULL, err);
    c->n = 0;
    return LF_OK;
}

lf_rc pg_copy_send(PGconn *h, struct pg_copy *c, struct lf_err *err)
{
    lf_rc rc = pg_copy_flush(h, c, err);
    return rc || PQputCopyEnd(h, NULL) == 1 ? rc : pg_fail(h, NULL, err);
}
