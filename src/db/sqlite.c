/* sqlite.c - SQLite: WAL, one writer, readers beside it. */
#include "db/db_ops.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

/* ---- statements are prepared once per connection ----------------------------------------------- */

enum { CACHE = 128 };
struct cached {
    char *sql;
    uint64_t hash;
    sqlite3_stmt *stmt;
    bool used;
    uint64_t last;
};
struct cache {
    struct cached e[CACHE];
    uint64_t tick;
};

static uint64_t hash_of(const char *s)
{
    uint64_t h = 14695981039346656037u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

static void drop(struct cached *e)
{
    sqlite3_finalize(e->stmt);
    lf_release(e->sql);
    *e = (struct cached){ 0 };
}

static bool no_room(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

static lf_rc fail(struct lf_conn *c, struct lf_err *err, int code, const char *what)
{
    sqlite3 *h = c->h;
    const char *msg = sqlite3_errmsg(h);
    if ((code & 0xff) == SQLITE_IOERR && no_room(sqlite3_system_errno(h)))
        code = SQLITE_FULL; /* to SQLite only ENOSPC is a full disk */
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT: {
        const char *colon = strstr(msg, ": "), *name = colon ? colon + 2 : msg;
        return lf_err_set(err, LF_ECONFLICT, NULL, "与已有数据冲突（%s） | conflicts with data that is there (%s)", name, name);
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return lf_err_set(err, LF_EBUSY, NULL, "数据库繁忙，请稍后再试 | the database is busy, try again in a moment");
    case SQLITE_FULL: return lf_err_set(err, LF_EDB, NULL, "磁盘已满，未能保存 | the disk is full, nothing was stored");
    case SQLITE_READONLY: return lf_err_set(err, LF_EBUG, NULL, "a write in a read transaction: %s", what);
    default: return lf_err_set(err, LF_EDB, NULL, "sqlite: %s (%d) in: %.200s", msg, code, what);
    }
}

/* The statement, ready to bind. One that is in use (a nested query with the same text) gets a copy outside the cache. */
static lf_rc prepare(struct lf_conn *c, const char *sql, sqlite3_stmt **out, struct cached **slot, struct lf_err *err)
{
    struct cache *k = c->cache;
    uint64_t h = hash_of(sql);
    struct cached *oldest = NULL;
    bool clash = false;
    *slot = NULL;
    for (int i = 0; i < CACHE; i++) {
        struct cached *e = &k->e[i];
        if (e->sql && e->hash == h && !strcmp(e->sql, sql)) {
            if (!e->used) {
                e->used = true;
                e->last = ++k->tick;
                *slot = e;
                *out = e->stmt;
                return LF_OK;
            }
            clash = true;
        }
        if (!e->used && (!oldest || e->last < oldest->last))
            oldest = e;
    }
    int code = sqlite3_prepare_v3(c->h, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code)
        return fail(c, err, code, sql);
    if (oldest && !clash) {
        if (oldest->sql)
            drop(oldest);
        *oldest = (struct cached){ lf_dup(sql), h, *out, true, ++k->tick };
        *slot = oldest;
    }
    return LF_OK;
}

static void done(sqlite3_stmt *st, struct cached *slot)
{
    if (!slot) {
        sqlite3_finalize(st);
        return;
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    slot->used = false;
}

static void bind_one(sqlite3_stmt *st, int k, const struct lf_val *v)
{
    if (v->null)
        sqlite3_bind_null(st, k);
    else if (v->t == LF_T_TEXT || v->t == LF_T_ENUM)
        sqlite3_bind_text(st, k, v->s.p, (int)v->s.n, SQLITE_STATIC);
    else if (v->t == LF_T_BLOB)
        sqlite3_bind_blob(st, k, v->s.p, (int)v->s.n, SQLITE_STATIC);
    else if (v->t == LF_T_REAL)
        sqlite3_bind_double(st, k, v->d);
    else
        sqlite3_bind_int64(st, k, v->i);
}

/* To SQLite "$3" is a name, numbered by first appearance: ask for its index. */
static void bind_all(sqlite3_stmt *st, const struct lf_val *args, int n)
{
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "$%d", i + 1);
        int k = sqlite3_bind_parameter_index(st, name);
        if (k)
            bind_one(st, k, &args[i]);
    }
}

/* ---- connection ------------------------------------------------------------------------------------- */

static lf_rc exec_(struct lf_conn *c, const char *sql, struct lf_err *err)
{
    int code = sqlite3_exec(c->h, sql, NULL, NULL, NULL);
    return code ? fail(c, err, code, sql) : LF_OK;
}

static void disconnect(struct lf_conn *c)
{
    struct cache *k = c->cache;
    for (int i = 0; k && i < CACHE; i++)
        if (k->e[i].sql)
            drop(&k->e[i]);
    lf_release(k);
    sqlite3_close_v2(c->h);
    c->h = c->cache = NULL;
}

static lf_rc connect_(struct lf_conn *c, struct lf_err *err)
{
    sqlite3 *h = NULL;
    int code = sqlite3_open_v2(c->db->url, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (c->writer ? SQLITE_OPEN_CREATE : 0), NULL);
    if (code) {
        lf_err_set(err, LF_EDB, NULL, "cannot open %s: %s\nHINT: check the path, its rights and the disk", c->db->url,
                   h ? sqlite3_errmsg(h) : "no memory");
        sqlite3_close_v2(h);
        return LF_EDB;
    }
    c->h = h;
    c->cache = lf_new(sizeof(struct cache));
    sqlite3_busy_timeout(h, c->db->wait_ms);
    sqlite3_extended_result_codes(h, 1);
    lf_rc rc = exec_(c,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000; PRAGMA "
                     "journal_size_limit = 67108864",
                     err);
    if (!rc && !c->writer)
        rc = exec_(c, "PRAGMA query_only = ON", err);
    if (rc)
        disconnect(c);
    return rc;
}

static lf_rc begin(struct lf_conn *c, enum lf_tx_kind kind, struct lf_err *err)
{
    return exec_(c, kind != LF_TX_READ ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static lf_rc commit(struct lf_conn *c, struct lf_err *err) { return exec_(c, "COMMIT", err); }

/* ---- cursors -------------------------------------------------------------------------------------------- */

static lf_rc open_(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, unsigned flags, struct lf_cur *cur)
{
    sqlite3_stmt *st;
    struct cached *slot;
    lf_rc rc = prepare(cx->conn, sql, &st, &slot, &cx->err);
    if (rc)
        return rc;
    bind_all(st, args, n);
    cur->stmt = st;
    cur->extra = slot;
    cur->ncol = sqlite3_column_count(st);
    return LF_OK;
}

static lf_rc next_(struct lf_cur *cur)
{
    int code = sqlite3_step(cur->stmt);
    if (code == SQLITE_ROW)
        return LF_ROW;
    if (code == SQLITE_DONE)
        return LF_DONE;
    cur->cx->db->failures++;
    return fail(cur->cx->conn, &cur->cx->err, code, sqlite3_sql(cur->stmt));
}

static void get_(struct lf_cur *cur, int col, struct lf_val *v)
{
    sqlite3_stmt *st = cur->stmt;
    v->null = sqlite3_column_type(st, col) == SQLITE_NULL;
    v->i = 0;
    v->s = (lf_text){ 0 };
    if (v->null)
        return;
    if (v->t == LF_T_TEXT || v->t == LF_T_ENUM || v->t == LF_T_BLOB) {
        const void *p = v->t == LF_T_BLOB ? sqlite3_column_blob(st, col) : (const void *)sqlite3_column_text(st, col);
        v->s = lf_text_copy(&cur->cx->arena, (lf_text){ p ? p : "", (uint32_t)sqlite3_column_bytes(st, col) });
    } else if (v->t == LF_T_REAL) {
        v->d = sqlite3_column_double(st, col);
    } else {
        v->i = sqlite3_column_int64(st, col);
    }
}

static void close_(struct lf_cur *cur) { done(cur->stmt, cur->extra); }

static lf_rc run(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *changed)
{
    sqlite3_stmt *st;
    struct cached *slot;
    lf_rc rc = prepare(cx->conn, sql, &st, &slot, &cx->err);
    if (rc)
        return rc;
    bind_all(st, args, n);
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW) {
    }
    if (code != SQLITE_DONE)
        rc = fail(cx->conn, &cx->err, code, sql);
    if (changed)
        *changed = rc ? 0 : sqlite3_changes64(cx->conn->h);
    done(st, slot);
    return rc;
}

static lf_rc check(struct lf_ctx *cx, const char *sql)
{
    sqlite3_stmt *st;
    int code = sqlite3_prepare_v2(cx->conn->h, sql, -1, &st, NULL);
    if (code)
        return fail(cx->conn, &cx->err, code, sql);
    sqlite3_finalize(st);
    return LF_OK;
}

static lf_rc bulk(struct lf_ctx *cx, const char *table, const char *const *cols, int ncol, const struct lf_val *vals, size_t nrows,
                  const char *tail, int64_t *inserted)
{
    const char *names = "", *marks = "";
    for (int i = 0; i < ncol; i++) {
        names = lf_printf(&cx->arena, "%s%s%s", names, i ? ", " : "", cols[i]);
        marks = lf_printf(&cx->arena, "%s%s?%d", marks, i ? ", " : "", i + 1);
    }
    const char *sql = lf_printf(&cx->arena, "INSERT INTO %s (%s) VALUES (%s) %s", table, names, marks, tail);
    sqlite3_stmt *st;
    struct cached *slot;
    lf_rc rc = prepare(cx->conn, sql, &st, &slot, &cx->err);
    if (rc)
        return rc;
    int64_t before = sqlite3_total_changes64(cx->conn->h);
    for (size_t r = 0; !rc && r < nrows; r++) {
        for (int i = 0; i < ncol; i++)
            bind_one(st, i + 1, &vals[r * (size_t)ncol + (size_t)i]);
        int code = sqlite3_step(st);
        sqlite3_reset(st);
        if (code != SQLITE_DONE)
            rc = fail(cx->conn, &cx->err, code, sql);
    }
    if (inserted)
        *inserted = sqlite3_total_changes64(cx->conn->h) - before;
    done(st, slot);
    return rc;
}

static lf_rc backup(struct lf_conn *c, const char *path, struct lf_err *err)
{
    sqlite3 *to = NULL;
    if (access(path, F_OK) == 0)
        return lf_err_set(err, LF_EINVAL, "path", "%s exists already\nHINT: choose a new file name", path);
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    sqlite3_backup *b = code ? NULL : sqlite3_backup_init(to, "main", c->h, "main");
    if (b) {
        do
            code = sqlite3_backup_step(b, 256);
        while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
        sqlite3_backup_finish(b);
    }
    lf_rc rc = code == SQLITE_DONE
                   ? LF_OK
                   : lf_err_set(err, LF_EIO, NULL, "backup to %s failed: %s", path, to ? sqlite3_errmsg(to) : "cannot open");
    sqlite3_close_v2(to);
    if (rc)
        unlink(path);
    return rc;
}

const struct lf_db_ops lf_sqlite_ops = { "sqlite", "",         "+",   "SELECT name, type FROM pragma_table_info($1) ORDER BY cid",
                                         connect_, disconnect, begin, commit,
                                         exec_,    open_,      next_, get_,
                                         close_,   run,        check, bulk,
                                         backup };
