/* db.h - two engines behind one small interface.
 *
 * SQL is always written with $1, $2 ... and portable words; the engines differ only inside sqlite.c and
 * postgres.c. A connection is held between lf_tx_begin and lf_tx_end and by nobody else, so a statement
 * without a transaction does not exist. Values read from a cursor live in cx->arena. */
#ifndef LF_DB_DB_H
#define LF_DB_DB_H
#include "base/ctx.h"

enum lf_type {
    LF_T_ID = 1,
    LF_T_INT,
    LF_T_REAL,
    LF_T_BOOL,
    LF_T_ENUM,
    LF_T_TEXT,
    LF_T_MONEY,
    LF_T_DAY,
    LF_T_MS,
    LF_T_BLOB /* bytes; SQLite BLOB, PostgreSQL BYTEA; never a record field */
};
/* One SQL value. i: id, int, bool (0/1), fen, day, ms. d: real. s: text, blob; an enum is its code in s. */
struct lf_val {
    enum lf_type t;
    bool null;
    int64_t i;
    double d;
    lf_text s;
};

static inline struct lf_val lf_val_id(lf_id x) { return (struct lf_val){ .t = LF_T_ID, .i = x.v, .null = lf_id_none(x) }; }
static inline struct lf_val lf_val_int(int64_t x) { return (struct lf_val){ .t = LF_T_INT, .i = x, .null = x == LF_NULL64 }; }
static inline struct lf_val lf_val_real(double x) { return (struct lf_val){ .t = LF_T_REAL, .d = x, .null = isnan(x) }; }
static inline struct lf_val lf_val_bool(bool x) { return (struct lf_val){ .t = LF_T_BOOL, .i = x }; }
static inline struct lf_val lf_val_text(lf_text x) { return (struct lf_val){ .t = LF_T_TEXT, .s = x, .null = !x.p }; }
static inline struct lf_val lf_val_money(lf_money x) { return (struct lf_val){ .t = LF_T_MONEY, .i = x.fen, .null = x.fen == LF_NULL64 }; }
static inline struct lf_val lf_val_day(lf_day x) { return (struct lf_val){ .t = LF_T_DAY, .i = x.v, .null = x.v == LF_NULL32 }; }
static inline struct lf_val lf_val_ms(lf_ms x) { return (struct lf_val){ .t = LF_T_MS, .i = x.ms, .null = x.ms == LF_NULL64 }; }
static inline struct lf_val lf_val_str(const char *s) { return lf_val_text(lf_str(s)); }
static inline struct lf_val lf_val_blob(lf_text x) { return (struct lf_val){ .t = LF_T_BLOB, .s = x, .null = !x.p }; }
#define LF_VAL(x) \
    _Generic((x), lf_id: lf_val_id, int64_t: lf_val_int, double: lf_val_real, bool: lf_val_bool, \
    lf_text: lf_val_text, lf_money: lf_val_money, lf_day: lf_val_day, lf_ms: lf_val_ms, \
    char *: lf_val_str, const char *: lf_val_str)(x)

/* ---- the pool --------------------------------------------------------------------- */

struct lf_db_config {
    const char *url; /* "sqlite:PATH" or a libpq URL "postgresql://..." */
    int readers;     /* SQLite: read connections beside the one writer, 0 = 4; PostgreSQL: pool size, 0 = 8 */
    int wait_ms;     /* how long a request waits for a connection or the write lock. 0 = 5000 */
};
lf_rc lf_db_open(struct lf_db **out, const struct lf_db_config *config, struct lf_err *err) LF_MUST_CHECK;
void lf_db_close(struct lf_db *db); /* all transactions must have ended; NULL is fine */
/* Numbers for /metrics: connections that are held now, cursors that are open now, statements run so far, statements that failed. */
struct lf_db_stats {
    int64_t held, cursors, statements, failures;
};
struct lf_db_stats lf_db_stats(const struct lf_db *db);

/* ---- transactions ------------------------------------------------------------------ */

enum lf_tx_kind { LF_TX_READ, LF_TX_WRITE, LF_TX_WRITE_NOW };
/* Read: one snapshot for the whole request. Write: on SQLite takes the single writer at once (BEGIN IMMEDIATE). Write now: LF_EBUSY
 * rather than wait for a connection, for what can be left undone.
 * LF_EBUSY after wait_ms; LF_EDB when the database is gone (the pool reconnects by itself on the next try). */
lf_rc lf_tx_begin(struct lf_ctx *cx, enum lf_tx_kind kind) LF_MUST_CHECK;
/* Commits when rc >= 0, else rolls back; gives the connection back; returns rc, or why the commit failed.
 * Every open cursor is closed first. */
lf_rc lf_tx_end(struct lf_ctx *cx, lf_rc rc) LF_MUST_CHECK;
lf_rc lf_tx_savepoint(struct lf_ctx *cx) LF_MUST_CHECK;               /* one level: for importing row by row */
lf_rc lf_tx_savepoint_end(struct lf_ctx *cx, lf_rc rc) LF_MUST_CHECK; /* keeps when rc >= 0, else undoes; returns rc */

/* ---- statements -------------------------------------------------------------------- */

struct lf_cur {
    struct lf_ctx *cx;
    void *stmt;
    void *extra;
    struct lf_cur *below;
    int row, ncol;
    bool stream;
};
enum { LF_SQL_STREAM = 1 }; /* constant memory on PostgreSQL too */
lf_rc lf_sql_open(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, unsigned flags, struct lf_cur *cur) LF_MUST_CHECK;
lf_rc lf_cur_next(struct lf_cur *cur) LF_MUST_CHECK;            /* LF_ROW, LF_DONE or an error */
void lf_cur_get(struct lf_cur *cur, int col, struct lf_val *v); /* v->t says the wanted type; sets null, i, d or s */
void lf_cur_close(struct lf_cur *cur);
/* For a statement without a result; *changed (may be NULL) = rows inserted, updated or deleted. */
lf_rc lf_sql_run(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *changed) LF_MUST_CHECK;
/* For a statement with at most one row: fills out[0..nout) (each out[i].t says the type); LF_ENOTFOUND when there is none
 * (without a message: the caller knows what was looked for). */
lf_rc lf_sql_one(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, struct lf_val *out, int nout) LF_MUST_CHECK;
/* Many rows in few round trips (SQLite: one prepared statement; PostgreSQL: unnest arrays). vals is row-major, nrows * ncol;
 * the types of the first row count for the column. tail may be NULL or e.g. "ON CONFLICT DO NOTHING". */
lf_rc lf_sql_bulk(struct lf_ctx *cx, const char *table, const char *const *cols, int ncol, const struct lf_val *vals, size_t nrows,
                  const char *tail, int64_t *inserted) LF_MUST_CHECK;
/* Asks the engine to prepare the statement, without running it: tests and `lanfan audit`-like self checks. */
lf_rc lf_sql_check(struct lf_ctx *cx, const char *sql) LF_MUST_CHECK;
/* For tests: fn hears every statement before it runs, NULL ends it. Not while others use the pool. */
void lf_db_watch(struct lf_db *db, void (*fn)(void *user, const char *sql), void *user);
/* The columns that a table has in the engine itself, in order; *n = 0 when there is no such table. Names in cx->arena. */
struct lf_db_column {
    const char *name, *type; /* type: the engine's own word */
};
lf_rc lf_sql_columns_of(struct lf_ctx *cx, const char *table, struct lf_db_column **out, int *n) LF_MUST_CHECK;
/* Is that column what the portable words make of t? */
bool lf_sql_column_fits(const struct lf_ctx *cx, const struct lf_db_column *c, enum lf_type t);
/* " FOR UPDATE" on PostgreSQL, "" on SQLite (its writer is alone already). */
const char *lf_sql_locking(const struct lf_ctx *cx);
/* Before a column: no index is to be used for this condition. "+" on SQLite (https://sqlite.org/optoverview.html#uplus), "" on
 * PostgreSQL, which knows how many rows a range holds. */
const char *lf_sql_no_index(const struct lf_ctx *cx);

/* Replaces each "@scope(column)" in sql by a condition over cx->scope and appends the ranges to args
 * (room for 2 * LF_SCOPE_MAX more values is needed). *n grows. Result in cx->arena. A scope that sees nothing
 * becomes "0 = 1". The one place where row scope becomes SQL. */
const char *lf_sql_scope(struct lf_ctx *cx, const char *sql, struct lf_val *args, int *n);

/* A statement of a .sql file by name, so that tests can ask both engines about each (tools/sqlbind makes the tables). */
struct lf_statement {
    const char *name, *sql;
};
struct lf_statements {
    const char *room;
    const struct lf_statement *list;
    size_t n;
};

/* ---- migrations and backup ----------------------------------------------------------- */

/* Forward only, in the order given, each in one transaction, recorded in table "migration" (name, hash, at).
 * A recorded migration whose text has changed, or a recorded one that the program does not know, stops the start
 * with a message that says which and what to do. Portable words in the text:
 *   @id  @int  @money  @day  @ms  @real  @bool  @text  @blob  @strict */
struct lf_migration {
    const char *name;
    const char *sql;
};
lf_rc lf_db_migrate(struct lf_db *db, const struct lf_migration *m, size_t n, int *applied, struct lf_err *err) LF_MUST_CHECK;
/* The same with another table that remembers: for a part that lives in the records' database with migrations of its own. */
lf_rc lf_db_migrate_in(struct lf_db *db, const char *table, const struct lf_migration *m, size_t n, int *applied,
                       struct lf_err *err) LF_MUST_CHECK;
/* A consistent copy of the database into a new file while others read and write. SQLite: by its online backup; the file is a database.
 * PostgreSQL: by pg_dump, which has to be installed; the file is for lf_db_restore. */
lf_rc lf_db_backup(struct lf_db *db, const char *path, struct lf_err *err) LF_MUST_CHECK;
/* PostgreSQL: puts a copy back by pg_restore, all of it or nothing, into a database that has none of its tables. */
lf_rc lf_db_restore(const char *url, const char *path, struct lf_err *err) LF_MUST_CHECK;
#endif
