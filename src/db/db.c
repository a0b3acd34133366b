/* db.c - the pool, transactions, and what is the same for both engines. */
#include "db/db_ops.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* ---- the pool -------------------------------------------------------------------------- */

lf_rc lf_db_open(struct lf_db **out, const struct lf_db_config *c, struct lf_err *err)
{
    bool sqlite = strncmp(c->url, "sqlite:", 7) == 0;
    *out = NULL;
    if (!sqlite && strncmp(c->url, "postgres", 8) != 0)
        return lf_err_set(err, LF_EINVAL, "db", "database address not understood: %s\nHINT: use sqlite:PATH or postgresql://user@host/name",
                          c->url);
    struct lf_db *db = lf_new(sizeof *db);
    db->ops = sqlite ? &lf_sqlite_ops : &lf_postgres_ops;
    db->url = lf_dup(sqlite ? c->url + 7 : c->url);
    db->wait_ms = c->wait_ms ? c->wait_ms : 5000;
    db->n = (c->readers > 0 ? c->readers : sqlite ? 4 : 8) + sqlite;
    if (db->n > LF_POOL_MAX)
        db->n = LF_POOL_MAX;
    pthread_mutex_init(&db->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&db->freed, &attr);
    pthread_condattr_destroy(&attr);
    for (int i = 0; i < db->n; i++)
        db->conn[i] = (struct lf_conn){ .db = db, .writer = sqlite && i == 0 };
    lf_rc rc = db->ops->connect(&db->conn[0], err); /* says at once when the address is wrong; creates a new SQLite file */
    if (rc) {
        lf_db_close(db);
        return rc;
    }
    *out = db;
    return LF_OK;
}

void lf_db_close(struct lf_db *db)
{
    if (!db)
        return;
    for (int i = db->n - 1; i >= 0; i--) /* the SQLite writer last: it empties the log */
        if (db->conn[i].h)
            db->ops->disconnect(&db->conn[i]);
    pthread_cond_destroy(&db->freed);
    pthread_mutex_destroy(&db->lock);
    lf_release(db->url);
    lf_release(db);
}

struct lf_db_stats lf_db_stats(const struct lf_db *cdb)
{
    struct lf_db *db = (struct lf_db *)(uintptr_t)cdb;
    struct lf_db_stats s = { 0, db->cursors, db->statements, db->failures };
    pthread_mutex_lock(&db->lock);
    for (int i = 0; i < db->n; i++)
        s.held += db->conn[i].busy;
    pthread_mutex_unlock(&db->lock);
    return s;
}

static struct lf_conn *pick(struct lf_db *db, enum lf_tx_kind kind)
{
    bool sqlite = db->ops == &lf_sqlite_ops;
    struct lf_conn *best = NULL;
    for (int i = 0; i < db->n; i++) {
        struct lf_conn *c = &db->conn[i];
        if (c->busy || (sqlite && c->writer != (kind != LF_TX_READ)))
            continue;
        if (c->h)
            return c;
        if (!best)
            best = c;
    }
    return best;
}

static struct lf_conn *take(struct lf_db *db, enum lf_tx_kind kind)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += db->wait_ms / 1000;
    until.tv_nsec += (long)(db->wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000)
        until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&db->lock);
    struct lf_conn *c;
    while (!(c = pick(db, kind)))
        if (kind == LF_TX_WRITE_NOW || pthread_cond_timedwait(&db->freed, &db->lock, &until) == ETIMEDOUT)
            break;
    if (c)
        c->busy = true;
    pthread_mutex_unlock(&db->lock);
    return c;
}

static void give_back(struct lf_conn *c)
{
    struct lf_db *db = c->db;
    if (c->broken && c->h)
        db->ops->disconnect(c);
    c->broken = c->in_tx = c->savepoint = false;
    pthread_mutex_lock(&db->lock);
    c->busy = false;
    pthread_cond_broadcast(&db->freed); /* readers and writers wait on the same condition */
    pthread_mutex_unlock(&db->lock);
}

/* ---- transactions ------------------------------------------------------------------------- */

lf_rc lf_tx_begin(struct lf_ctx *cx, enum lf_tx_kind kind)
{
    if (cx->conn)
        return lf_fail(cx, LF_EBUG, NULL, "a transaction is open already");
    struct lf_conn *c = take(cx->db, kind);
    if (!c)
        return lf_fail(cx, LF_EBUSY, NULL, "系统繁忙，请稍后再试 | the system is busy, try again in a moment");
    lf_rc rc = c->h ? LF_OK : cx->db->ops->connect(c, &cx->err);
    if (!rc)
        rc = cx->db->ops->begin(c, kind, &cx->err);
    if (rc && c->broken) { /* the server went away since the last use: once more on a new connection */
        cx->db->ops->disconnect(c);
        c->broken = false;
        rc = cx->db->ops->connect(c, &cx->err);
        if (!rc)
            rc = cx->db->ops->begin(c, kind, &cx->err);
    }
    if (rc) {
        give_back(c);
        return rc;
    }
    c->in_tx = true;
    cx->conn = c;
    return LF_OK;
}

static lf_rc say_trail(struct lf_ctx *cx)
{
    lf_rc rc = cx->trail.n ? cx->trail.store(cx) : LF_OK;
    lf_arena_free(&cx->trail.arena);
    cx->trail = (struct lf_trail){ 0 };
    return rc;
}

lf_rc lf_tx_end(struct lf_ctx *cx, lf_rc rc)
{
    struct lf_conn *c = cx->conn;
    if (!c)
        return rc < 0 ? rc : lf_fail(cx, LF_EBUG, NULL, "no transaction is open");
    while (c->open)
        lf_cur_close(c->open);
    if (rc < 0)
        cx->trail.n = 0;
    lf_rc said = say_trail(cx);
    rc = said ? said : rc;
    if (rc >= 0) {
        lf_rc end = cx->db->ops->commit(c, &cx->err);
        if (end)
            rc = end;
    }
    struct lf_err ignored;
    /* A failed COMMIT or a full disk may have rolled back already: then this fails too, and that is fine. */
    if (rc < 0 && !c->broken)
        (void)!cx->db->ops->exec(c, "ROLLBACK", &ignored);
    cx->conn = NULL;
    give_back(c);
    return rc;
}

/* An import of many rows says what it has in parts, or its memory would grow with them; between savepoints, so that none takes back what
 * was said before it. From then on it holds the end of the chain. */
enum { TRAIL_MOST = 2000 };

static lf_rc savepoint(struct lf_ctx *cx, const char *sql, bool now)
{
    cx->conn->savepoint = now;
    return cx->db->ops->exec(cx->conn, sql, &cx->err);
}

lf_rc lf_tx_savepoint(struct lf_ctx *cx)
{
    if (!cx->conn || cx->conn->savepoint)
        return lf_fail(cx, LF_EBUG, NULL, "no transaction, or a savepoint is open already");
    lf_rc rc = cx->trail.n >= TRAIL_MOST ? say_trail(cx) : LF_OK;
    if (rc)
        return rc;
    cx->trail_at_savepoint = cx->trail.n;
    return savepoint(cx, "SAVEPOINT lf", true);
}

lf_rc lf_tx_savepoint_end(struct lf_ctx *cx, lf_rc rc)
{
    struct lf_err keep = cx->err;
    if (rc < 0)
        cx->trail.n = cx->trail_at_savepoint;
    lf_rc end = savepoint(cx, rc >= 0 ? "RELEASE SAVEPOINT lf" : "ROLLBACK TO SAVEPOINT lf; RELEASE SAVEPOINT lf", false);
    if (end && rc != LF_EDB && rc != LF_EIO) /* a full disk has undone the whole transaction already: that is what to tell */
        return end;
    cx->err = keep;
    return rc;
}

/* ---- statements -------------------------------------------------------------------------------- */

static lf_rc counted(struct lf_ctx *cx, lf_rc rc)
{
    cx->db->statements++;
    if (rc < 0)
        cx->db->failures++;
    return rc;
}

void lf_db_watch(struct lf_db *db, void (*fn)(void *user, const char *sql), void *user)
{
    db->watch = fn;
    db->watch_user = user;
}

static void tell(struct lf_db *db, const char *sql)
{
    if (db->watch)
        db->watch(db->watch_user, sql);
}

static lf_rc no_tx(struct lf_ctx *cx) { return lf_fail(cx, LF_EBUG, NULL, "a statement outside a transaction"); }

/* PostgreSQL refuses bytes that are not UTF-8 and cuts at a NUL, SQLite stores anything: neither is left to the engine. */
static lf_rc texts_ok(struct lf_ctx *cx, const struct lf_val *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!v[i].null && (v[i].t == LF_T_TEXT || v[i].t == LF_T_ENUM) && !lf_utf8_ok(v[i].s))
            return lf_fail(cx, LF_EINVAL, NULL, "文字不是有效的 UTF-8 | a text is not valid UTF-8");
    return LF_OK;
}

lf_rc lf_sql_open(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, unsigned flags, struct lf_cur *cur)
{
    *cur = (struct lf_cur){ .cx = cx, .row = -1 };
    if (!cx->conn)
        return no_tx(cx);
    tell(cx->db, sql);
    lf_rc rc = texts_ok(cx, args, (size_t)n);
    if (!rc)
        rc = counted(cx, cx->db->ops->open(cx, sql, args, n, flags, cur));
    if (rc) {
        cur->stmt = NULL;
        return rc;
    }
    cx->db->cursors++;
    cur->below = cx->conn->open;
    cx->conn->open = cur;
    return LF_OK;
}

lf_rc lf_cur_next(struct lf_cur *cur) { return cur->cx->db->ops->next(cur); }
void lf_cur_get(struct lf_cur *cur, int col, struct lf_val *v) { cur->cx->db->ops->get(cur, col, v); }

void lf_cur_close(struct lf_cur *cur)
{
    if (!cur->stmt)
        return;
    cur->cx->db->ops->close(cur);
    cur->cx->db->cursors--;
    cur->stmt = NULL;
    for (struct lf_cur **p = &cur->cx->conn->open; *p; p = &(*p)->below)
        if (*p == cur) {
            *p = cur->below;
            break;
        }
}

lf_rc lf_sql_run(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *changed)
{
    if (!cx->conn)
        return no_tx(cx);
    tell(cx->db, sql);
    lf_rc rc = texts_ok(cx, args, (size_t)n);
    return rc ? rc : counted(cx, cx->db->ops->run(cx, sql, args, n, changed));
}

lf_rc lf_sql_one(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, struct lf_val *out, int nout)
{
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, sql, args, n, 0, &cur);
    if (rc)
        return rc;
    rc = lf_cur_next(&cur);
    for (int i = 0; rc == LF_ROW && i < nout; i++)
        lf_cur_get(&cur, i, &out[i]);
    if (rc == LF_ROW) { /* to its end, so that RETURNING has done all its work */
        lf_rc more = lf_cur_next(&cur);
        rc = more < 0 ? more : LF_OK;
    } else if (rc == LF_DONE) {
        rc = LF_ENOTFOUND;
    }
    lf_cur_close(&cur);
    return rc;
}

lf_rc lf_sql_bulk(struct lf_ctx *cx, const char *table, const char *const *cols, int ncol, const struct lf_val *vals, size_t nrows,
                  const char *tail, int64_t *inserted)
{
    if (inserted)
        *inserted = 0;
    if (!cx->conn)
        return no_tx(cx);
    lf_rc rc = texts_ok(cx, vals, nrows * (size_t)ncol);
    if (rc)
        return rc;
    return nrows ? counted(cx, cx->db->ops->bulk(cx, table, cols, ncol, vals, nrows, tail ? tail : "", inserted)) : LF_OK;
}

lf_rc lf_sql_check(struct lf_ctx *cx, const char *sql) { return cx->conn ? cx->db->ops->check(cx, sql) : no_tx(cx); }
lf_rc lf_sql_columns_of(struct lf_ctx *cx, const char *table, struct lf_db_column **out, int *n)
{
    const struct lf_val arg[] = { lf_val_str(table) };
    struct lf_db_column *list = lf_alloc(&cx->arena, LF_COLUMN_MAX * sizeof *list);
    struct lf_cur cur;
    *out = list;
    *n = 0;
    lf_rc rc = lf_sql_open(cx, cx->db->ops->columns, arg, 1, 0, &cur);
    if (rc)
        return rc;
    while (*n < LF_COLUMN_MAX && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val name = { .t = LF_T_TEXT }, type = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &name);
        lf_cur_get(&cur, 1, &type);
        list[(*n)++] = (struct lf_db_column){ lf_strn(&cx->arena, name.s), lf_strn(&cx->arena, type.s) };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* What the portable words of migrate.c are called in the catalogue. */
bool lf_sql_column_fits(const struct lf_ctx *cx, const struct lf_db_column *c, enum lf_type t)
{
    static const struct {
        enum lf_type t;
        const char *sqlite, *postgres;
    } names[] = { { LF_T_ID, "INTEGER", "int8" },    { LF_T_INT, "INTEGER", "int8" }, { LF_T_REAL, "REAL", "float8" },
                  { LF_T_BOOL, "INTEGER", "bool" },  { LF_T_ENUM, "TEXT", "text" },   { LF_T_TEXT, "TEXT", "text" },
                  { LF_T_MONEY, "INTEGER", "int8" }, { LF_T_DAY, "INTEGER", "int4" }, { LF_T_MS, "INTEGER", "int8" },
                  { LF_T_BLOB, "BLOB", "bytea" } };
    for (size_t i = 0; i < LF_COUNT(names); i++)
        if (names[i].t == t)
            return !strcmp(c->type, cx->db->ops == &lf_postgres_ops ? names[i].postgres : names[i].sqlite);
    return false;
}

const char *lf_sql_locking(const struct lf_ctx *cx) { return cx->db->ops->locking; }
const char *lf_sql_no_index(const struct lf_ctx *cx) { return cx->db->ops->no_index; }

const char *lf_sql_scope(struct lf_ctx *cx, const char *sql, struct lf_val *args, int *n)
{
    static const char mark[] = "@scope(";
    const char *hit = strstr(sql, mark);
    if (!hit)
        return sql;
    int first = *n;
    for (int i = 0; i < cx->scope.n; i++) {
        args[(*n)++] = lf_val_text(cx->scope.range[i].lo);
        args[(*n)++] = lf_val_text(cx->scope.range[i].hi);
    }
    const char *out = "";
    for (; hit; hit = strstr(sql, mark)) {
        const char *col = hit + sizeof mark - 1, *end = strchr(col, ')');
        out = lf_printf(&cx->arena, "%s%.*s(", out, (int)(hit - sql), sql);
        for (int i = 0; i < cx->scope.n; i++)
            out = lf_printf(&cx->arena, "%s%s%.*s >= $%d AND %.*s < $%d", out, i ? " OR " : "", (int)(end - col), col, first + 2 * i + 1,
                            (int)(end - col), col, first + 2 * i + 2);
        out = lf_printf(&cx->arena, "%s%s)", out, cx->scope.n ? "" : "0 = 1");
        sql = end + 1;
    }
    return lf_printf(&cx->arena, "%s%s", out, sql);
}

lf_rc lf_db_backup(struct lf_db *db, const char *path, struct lf_err *err)
{
    struct lf_conn *c = take(db, LF_TX_READ);
    if (!c)
        return lf_err_set(err, LF_EBUSY, NULL, "no connection is free");
    lf_rc rc = c->h ? LF_OK : db->ops->connect(c, err);
    if (!rc)
        rc = db->ops->backup(c, path, err);
    give_back(c);
    return rc;
}
