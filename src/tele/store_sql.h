/* store_sql.h - shared by the two halves of the SQL store. */
#ifndef LF_TELE_STORE_SQL_H
#define LF_TELE_STORE_SQL_H
#include "tele/store.h"

struct sql_store {
    struct lf_tele_store base;
    struct lf_db *db;
    struct lf_arena arena; /* of the writer: kept between commits */
    int64_t commits;
};

lf_rc lf_tele_sql_commit(struct lf_tele_store *s, struct lf_tele_batch *b, struct lf_err *err) LF_MUST_CHECK;
void lf_tele_sql_close(struct lf_tele_store *s);

/* Columns of a row: nothing there is 0, NaN, or a null text. Texts are copied into the arena; t: LF_T_TEXT or LF_T_BLOB. */
int64_t sql_int(struct lf_cur *cur, int col);
lf_text sql_text(struct lf_cur *cur, int col, struct lf_arena *a, enum lf_type t);
#define SQL_READING "station_id, factor, kind, at, value, vmin, vmax, cou, zs, flag" /* the first ten columns for sql_reading */
struct lf_tele_reading sql_reading(struct lf_cur *cur, struct lf_arena *a);

extern const struct lf_tele_store_ops lf_tele_sql_ops; /* store_sql_read.c */
#endif
