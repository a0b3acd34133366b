/* station_check - is every acknowledged packet in the store, and none twice?
 *
 *   station_check DB_URL ACKED_FILE...     the files of station_load
 *
 * Prints what it found; exit 0 when every QN of the files is there exactly once with all its readings, and no QN of the store
 * is there twice. Packets that were stored but whose answer was lost on the way are right. */
#include "base/arena.h"
#include "db/db.h"

#include <stdio.h>
#include <stdlib.h>

struct row {
    char qn[20];
    int64_t id, readings, found;
};
static struct row *rows;
static size_t nrows, cap;

static int by_qn(const void *a, const void *b) { return strcmp(((const struct row *)a)->qn, ((const struct row *)b)->qn); }

static int64_t get_int(struct lf_cur *cur, int col)
{
    struct lf_val v = { .t = LF_T_INT };
    lf_cur_get(cur, col, &v);
    return v.i;
}

/* All packets in the order of their ids, then the number of readings that each is the source of. */
static lf_rc load_packets(struct lf_ctx *cx)
{
    struct lf_cur cur;
    struct lf_val qn = { .t = LF_T_TEXT };
    lf_rc rc = lf_sql_open(cx, "SELECT id, qn, readings FROM packet ORDER BY id", NULL, 0, LF_SQL_STREAM, &cur);
    if (rc < 0)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        if (nrows == cap)
            rows = lf_renew(rows, (cap = 2 * cap + 1024) * sizeof *rows);
        lf_cur_get(&cur, 1, &qn);
        rows[nrows] = (struct row){ .id = get_int(&cur, 0), .readings = get_int(&cur, 2) };
        snprintf(rows[nrows++].qn, sizeof rows->qn, "%.*s", (int)qn.s.n, qn.s.p);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc load_readings(struct lf_ctx *cx)
{
    struct lf_cur cur;
    lf_rc rc =
        lf_sql_open(cx, "SELECT packet_id, count(*) FROM reading GROUP BY packet_id ORDER BY packet_id", NULL, 0, LF_SQL_STREAM, &cur);
    size_t i = 0;
    if (rc < 0)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        int64_t id = get_int(&cur, 0);
        while (i < nrows && rows[i].id < id)
            i++;
        if (i < nrows && rows[i].id == id)
            rows[i].found = get_int(&cur, 1);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc load(struct lf_ctx *cx)
{
    lf_rc rc = load_packets(cx);
    return rc < 0 ? rc : load_readings(cx);
}

int main(int argc, char **argv)
{
    struct lf_ctx cx = { 0 };
    struct lf_err err = { 0 };
    long lost = 0, twice = 0, incomplete = 0, acked = 0;
    if (argc < 3)
        return 2;
    lf_rc rc = lf_db_open(&cx.db, &(struct lf_db_config){ .url = argv[1], .readers = 1 }, &err);
    if (rc == LF_OK && (rc = lf_tx_begin(&cx, LF_TX_READ)) == LF_OK)
        rc = lf_tx_end(&cx, load(&cx));
    if (rc < 0) {
        fprintf(stderr, "station_check: %s%s\n", err.msg, cx.err.msg);
        return 2;
    }
    if (nrows)
        qsort(rows, nrows, sizeof *rows, by_qn);
    for (size_t i = 0; i < nrows; i++) {
        twice += i > 0 && strcmp(rows[i].qn, rows[i - 1].qn) == 0;
        incomplete += rows[i].found != rows[i].readings;
    }
    for (int a = 2; a < argc; a++) {
        char line[64];
        FILE *f = fopen(argv[a], "r");
        for (; f && fgets(line, sizeof line, f); acked++) {
            struct row key = { .qn = "" };
            snprintf(key.qn, sizeof key.qn, "%.*s", (int)strcspn(line, "\n"), line);
            lost += !nrows || !bsearch(&key, rows, nrows, sizeof *rows, by_qn);
        }
        if (f)
            fclose(f);
    }
    printf("%zu stored, %ld acknowledged: %ld lost, %ld twice, %ld without all readings\n", nrows, acked, lost, twice, incomplete);
    lf_db_close(cx.db);
    lf_arena_free(&cx.arena);
    lf_release(rows);
    return lost || twice || incomplete ? 1 : 0;
}
