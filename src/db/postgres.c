/* postgres.c - PostgreSQL through libpq: prepared statements, streaming by single rows, reconnecting. */
#include "db/db_ops.h"

#include "base/out.h"
#include "base/text.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_FLOAT8 = 701 };

/* ---- prepared statements by text and argument types ------------------------------------------------ */

enum { CACHE = 256 };
struct cached {
    char *key;
    unsigned number;
};
struct cache {
    struct cached e[CACHE];
    unsigned next, streams;
};

static Oid oid_of(const struct lf_val *v)
{
    switch (v->t) {
    case LF_T_BOOL: return OID_BOOL;
    case LF_T_BLOB: return OID_BYTEA;
    case LF_T_REAL: return OID_FLOAT8;
    case LF_T_TEXT:
    case LF_T_ENUM: return OID_TEXT;
    default: return OID_INT8;
    }
}

static lf_rc fail_text(struct lf_conn *c, struct lf_err *err, const char *msg)
{
    char line[400];
    c->broken = c->broken || PQstatus(c->h) != CONNECTION_OK;
    return lf_err_set(err, LF_EDB, NULL, "postgres: %s", lf_one_line(line, sizeof line, msg));
}

static lf_rc fail(struct lf_conn *c, struct lf_err *err, PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *table = PQresultErrorField(r, PG_DIAG_TABLE_NAME),
               *name = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    lf_rc rc;
    if (state && !strncmp(state, "23", 2))
        rc = lf_err_set(err, LF_ECONFLICT, NULL, "与已有数据冲突（%s %s） | conflicts with data that is there (%s %s)", table ? table : "",
                        name ? name : "", table ? table : "", name ? name : "");
    else if (state && (!strcmp(state, "40001") || !strcmp(state, "40P01") || !strcmp(state, "55P03")))
        rc = lf_err_set(err, LF_EBUSY, NULL, "数据库繁忙，请稍后再试 | the database is busy, try again in a moment");
    else if (state && !strcmp(state, "25006"))
        rc = lf_err_set(err, LF_EBUG, NULL, "a write in a read transaction: %.300s", PQresultErrorMessage(r));
    else
        rc = fail_text(c, err, r ? PQresultErrorMessage(r) : PQerrorMessage(c->h));
    PQclear(r);
    return rc;
}

static bool good(PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK || s == PGRES_SINGLE_TUPLE;
}

static lf_rc exec_(struct lf_conn *c, const char *sql, struct lf_err *err)
{
    PGresult *r = PQexec(c->h, sql);
    if (!good(r))
        return fail(c, err, r);
    PQclear(r);
    return LF_OK;
}

static void cache_drop(struct cache *k)
{
    for (int i = 0; k && i < CACHE; i++)
        lf_release(k->e[i].key);
    lf_release(k);
}

static void disconnect(struct lf_conn *c)
{
    cache_drop(c->cache);
    PQfinish(c->h);
    c->h = c->cache = NULL;
}

static void silent(void *arg, const char *message) {}

static lf_rc connect_(struct lf_conn *c, struct lf_err *err)
{
    /* What the address says itself comes later and wins. A peer that is silent is given up, so that no request waits for ever. */
    static const char *const keys[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle", "application_name", "dbname", NULL };
    const char *const values[] = { "5", "20000", "10", "lanfan", c->db->url, NULL };
    PGconn *h = PQconnectdbParams(keys, values, 1);
    if (PQstatus(h) != CONNECTION_OK) {
        char said[300];
        lf_err_set(err, LF_EDB, NULL,
                   "cannot reach PostgreSQL: %s\nHINT: check that it runs and that the address, user and password are right",
                   lf_one_line(said, sizeof said, PQerrorMessage(h)));
        PQfinish(h);
        return LF_EDB;
    }
    PQsetNoticeProcessor(h, silent, NULL);
    c->h = h;
    c->cache = lf_new(sizeof(struct cache));
    char set[128];
    snprintf(set, sizeof set, "SET client_encoding = 'UTF8'; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = '10min'",
             c->db->wait_ms);
    return exec_(c, set, err);
}

static lf_rc begin(struct lf_conn *c, enum lf_tx_kind kind, struct lf_err *err)
{
    return exec_(c, kind != LF_TX_READ ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

/* COMMIT of a transaction in which a statement failed is answered with ROLLBACK, and that is no error to the server. */
static lf_rc commit(struct lf_conn *c, struct lf_err *err)
{
    PGresult *r = PQexec(c->h, "COMMIT");
    if (!good(r))
        return fail(c, err, r);
    bool done = !strcmp(PQcmdStatus(r), "COMMIT");
    PQclear(r);
    return done ? LF_OK : lf_err_set(err, LF_EBUG, NULL, "a statement had failed before the commit: everything was rolled back");
}

/* ---- statements ---------------------------------------------------------------------------------------- */

/* Name of the prepared statement for this text and these types, prepared when it is new. "" after more texts than the cache holds. */
static lf_rc prepared(struct lf_ctx *cx, const char *sql, const Oid *types, int n, char name[16])
{
    struct lf_conn *c = cx->conn;
    struct cache *k = c->cache;
    char *kinds = lf_alloc(&cx->arena, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        kinds[i] = (char)('A' + types[i] % 50);
    const char *key = lf_printf(&cx->arena, "%s|%s", kinds, sql);
    for (int i = 0; i < CACHE; i++)
        if (k->e[i].key && !strcmp(k->e[i].key, key)) {
            snprintf(name, 16, "p%u", k->e[i].number);
            return LF_OK;
        }
    struct cached *e = &k->e[k->next % CACHE];
    if (e->key) { /* the oldest makes room */
        char drop[40];
        snprintf(drop, sizeof drop, "DEALLOCATE p%u", e->number);
        PQclear(PQexec(c->h, drop));
        lf_release(e->key);
        e->key = NULL;
    }
    unsigned number = k->next;
    snprintf(name, 16, "p%u", number);
    PGresult *r = PQprepare(c->h, name, sql, n, types);
    if (!good(r))
        return fail(c, &cx->err, r);
    PQclear(r);
    k->next++;
    *e = (struct cached){ lf_dup(key), number };
    return LF_OK;
}

struct bound {
    const char **p;
    int *len, *fmt;
    Oid *types;
};

static struct bound bind_all(struct lf_ctx *cx, const struct lf_val *a, int n)
{
    size_t m = (size_t)n + 1;
    struct bound b = { lf_alloc(&cx->arena, m * sizeof *b.p), lf_alloc(&cx->arena, m * sizeof *b.len),
                       lf_alloc(&cx->arena, m * sizeof *b.fmt), lf_alloc(&cx->arena, m * sizeof *b.types) };
    for (int i = 0; i < n; i++) {
        b.types[i] = oid_of(&a[i]);
        if (a[i].null)
            continue;
        switch (b.types[i]) {
        case OID_BYTEA:
            b.p[i] = a[i].s.p;
            b.len[i] = (int)a[i].s.n;
            b.fmt[i] = 1;
            break;
        case OID_TEXT: b.p[i] = lf_strn(&cx->arena, a[i].s); break;
        case OID_FLOAT8: b.p[i] = lf_printf(&cx->arena, "%.17g", a[i].d); break;
        case OID_BOOL: b.p[i] = a[i].i ? "t" : "f"; break;
        default: b.p[i] = lf_printf(&cx->arena, "%lld", (long long)a[i].i); break;
        }
    }
    return b;
}

static lf_rc execute(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, PGresult **out)
{
    struct bound b = bind_all(cx, args, n);
    char name[16];
    lf_rc rc = prepared(cx, sql, b.types, n, name);
    if (rc)
        return rc;
    *out = PQexecPrepared(cx->conn->h, name, n, b.p, b.len, b.fmt, 0);
    return good(*out) ? LF_OK : fail(cx->conn, &cx->err, *out);
}

/* A stream is a cursor of the server that is fetched in batches: it may be left in the middle without cancelling anything, which
 * would abort the transaction, or reach the statement behind it. */
enum { BATCH = 512 };

static lf_rc fetch(struct lf_cur *cur)
{
    struct lf_conn *c = cur->cx->conn;
    char text[64];
    PQclear(cur->stmt);
    snprintf(text, sizeof text, "FETCH %d FROM %s", BATCH, (const char *)cur->extra);
    PGresult *r = PQexec(c->h, text);
    cur->stmt = r;
    cur->row = -1;
    if (good(r))
        return LF_OK;
    cur->stmt = PQmakeEmptyPGresult(c->h, PGRES_TUPLES_OK);
    return fail(c, &cur->cx->err, r);
}

static lf_rc open_stream(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, struct lf_cur *cur)
{
    struct cache *k = cx->conn->cache;
    struct bound b = bind_all(cx, args, n);
    cur->extra = lf_printf(&cx->arena, "stream%u", ++k->streams);
    const char *declare = lf_printf(&cx->arena, "DECLARE %s NO SCROLL CURSOR FOR %s", (const char *)cur->extra, sql);
    PGresult *r = PQexecParams(cx->conn->h, declare, n, b.types, b.p, b.len, b.fmt, 0);
    if (!good(r))
        return fail(cx->conn, &cx->err, r);
    PQclear(r);
    return fetch(cur);
}

static lf_rc open_(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, unsigned flags, struct lf_cur *cur)
{
    PGresult *r = NULL;
    cur->stream = (flags & LF_SQL_STREAM) != 0;
    if (cur->stream)
        return open_stream(cx, sql, args, n, cur);
    lf_rc rc = execute(cx, sql, args, n, &r);
    cur->stmt = r;
    cur->ncol = rc ? 0 : PQnfields(r);
    return rc;
}

static lf_rc next_(struct lf_cur *cur)
{
    if (++cur->row < PQntuples(cur->stmt))
        return LF_ROW;
    if (!cur->stream || PQntuples(cur->stmt) < BATCH)
        return LF_DONE;
    lf_rc rc = fetch(cur);
    return rc ? rc : ++cur->row < PQntuples(cur->stmt) ? LF_ROW : LF_DONE;
}

static void get_(struct lf_cur *cur, int col, struct lf_val *v)
{
    const PGresult *r = cur->stmt;
    v->null = PQgetisnull(r, cur->row, col);
    v->i = 0;
    v->s = (lf_text){ 0 };
    if (v->null)
        return;
    const char *s = PQgetvalue(r, cur->row, col);
    if (v->t == LF_T_BLOB) {
        size_t n = 0;
        unsigned char *raw = PQunescapeBytea((const unsigned char *)s, &n);
        v->s = lf_text_copy(&cur->cx->arena, (lf_text){ raw ? (const char *)raw : "", (uint32_t)n });
        PQfreemem(raw);
    } else if (v->t == LF_T_TEXT || v->t == LF_T_ENUM) {
        v->s = lf_text_copy(&cur->cx->arena, (lf_text){ s, (uint32_t)PQgetlength(r, cur->row, col) });
    } else if (v->t == LF_T_REAL) {
        v->d = strtod(s, NULL);
    } else {
        v->i = s[0] == 't' ? 1 : s[0] == 'f' ? 0 : strtoll(s, NULL, 10);
    }
}

static void close_(struct lf_cur *cur)
{
    char text[64];
    PQclear(cur->stmt);
    if (!cur->stream)
        return;
    snprintf(text, sizeof text, "CLOSE %s", (const char *)cur->extra);
    PQclear(PQexec(cur->cx->conn->h, text)); /* refused in a transaction that has failed, which ends the cursor too */
}

static lf_rc run(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *changed)
{
    PGresult *r = NULL;
    lf_rc rc = execute(cx, sql, args, n, &r);
    if (rc)
        return rc;
    if (changed)
        *changed = strtoll(PQcmdTuples(r), NULL, 10);
    PQclear(r);
    return LF_OK;
}

static lf_rc check(struct lf_ctx *cx, const char *sql)
{
    PGresult *r = PQprepare(cx->conn->h, "", sql, 0, NULL);
    if (!good(r))
        return fail(cx->conn, &cx->err, r);
    PQclear(r);
    return LF_OK;
}

/* Up to 60,000 values a statement: rows of one multi-row INSERT (the protocol's limit is 65,535). */
static lf_rc bulk(struct lf_ctx *cx, const char *table, const char *const *cols, int ncol, const struct lf_val *vals, size_t nrows,
                  const char *tail, int64_t *inserted)
{
    size_t most = 500;
    for (size_t at = 0; at < nrows; at += most) {
        size_t k = nrows - at < most ? nrows - at : most;
        struct lf_out sql = lf_out_memory(8 << 20);
        lf_putf(&sql, "INSERT INTO %s (", table);
        for (int i = 0; i < ncol; i++)
            lf_putf(&sql, "%s%s", i ? ", " : "", cols[i]);
        lf_put_str(&sql, ") VALUES ");
        for (size_t r = 0; r < k; r++)
            for (int i = 0; i < ncol; i++)
                lf_putf(&sql, "%s$%zu%s", i ? ", " : r ? ", (" : "(", r * (size_t)ncol + (size_t)i + 1, i == ncol - 1 ? ")" : "");
        lf_putf(&sql, " %s", tail);
        const char *text = lf_strn(&cx->arena, lf_out_text(&sql));
        lf_out_close(&sql);
        int64_t n = 0;
        lf_rc rc = run(cx, text, vals + at * (size_t)ncol, (int)(k * (size_t)ncol), &n);
        if (rc)
            return rc;
        if (inserted)
            *inserted += n;
    }
    return LF_OK;
}

static lf_rc backup(struct lf_conn *c, const char *path, struct lf_err *err) { return lf_pg_dump(c->db->url, path, err); }

static const char columns[] = "SELECT column_name, udt_name FROM information_schema.columns WHERE table_schema = current_schema() AND "
                              "table_name = $1 ORDER BY ordinal_position";
const struct lf_db_ops lf_postgres_ops = { "postgres", " FOR UPDATE", "",   columns, connect_, disconnect, begin, commit, exec_,
                                           open_,      next_,         get_, close_,  run,      check,      bulk,  backup };
