/* db_ops.h - what an engine must do (db internal). db.c owns pools and transactions, an engine owns one connection's SQL. */
#ifndef LF_DB_DB_OPS_H
#define LF_DB_DB_OPS_H
#include "db/db.h"

#include <pthread.h>

struct lf_conn {
    struct lf_db *db;
    void *h;     /* sqlite3 or PGconn; NULL until first used, or after it was lost */
    void *cache; /* prepared statements: the engine's */
    bool writer, busy, broken, in_tx, savepoint;
    struct lf_cur *open; /* newest open cursor: closed by lf_tx_end */
};
struct lf_db_ops {
    const char *name, *locking, *no_index;
    const char *columns; /* query: name and type of each column of table $1, in order */
    lf_rc (*connect)(struct lf_conn *c, struct lf_err *err);
    void (*disconnect)(struct lf_conn *c);
    lf_rc (*begin)(struct lf_conn *c, enum lf_tx_kind kind, struct lf_err *err);
    lf_rc (*commit)(struct lf_conn *c, struct lf_err *err);                /* an error when anything was rolled back instead */
    lf_rc (*exec)(struct lf_conn *c, const char *sql, struct lf_err *err); /* one or more statements, no result */
    lf_rc (*open)(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, unsigned flags, struct lf_cur *cur);
    lf_rc (*next)(struct lf_cur *cur);
    void (*get)(struct lf_cur *cur, int col, struct lf_val *v);
    void (*close)(struct lf_cur *cur);
    lf_rc (*run)(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *changed);
    lf_rc (*check)(struct lf_ctx *cx, const char *sql);
    lf_rc (*bulk)(struct lf_ctx *cx, const char *table, const char *const *cols, int ncol, const struct lf_val *vals, size_t nrows,
                  const char *tail, int64_t *inserted);
    lf_rc (*backup)(struct lf_conn *c, const char *path, struct lf_err *err);
};
extern const struct lf_db_ops lf_sqlite_ops, lf_postgres_ops;

enum { LF_POOL_MAX = 64, LF_COLUMN_MAX = 256 };
struct lf_db {
    const struct lf_db_ops *ops;
    char *url;
    int wait_ms, n; /* n connections; on SQLite the first is the writer */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct lf_conn conn[LF_POOL_MAX];
    _Atomic int64_t cursors, statements, failures;
    void (*watch)(void *user, const char *sql);
    void *watch_user;
};
lf_rc lf_pg_dump(const char *url, const char *path, struct lf_err *err) LF_MUST_CHECK;
#endif
