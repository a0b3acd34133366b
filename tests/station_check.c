/* station_check - is every acknowledged packet in the store, and none twice?
 *
 *   station_check DB_URL ACKED_FILE...     the files of station_load; DB_URL "files:DIR": the store of files
 *
 * Prints what it found; exit 0 when every QN of the files is there exactly once with all its readings, and no QN of the store
 * is there twice. Packets that were stored but whose answer was lost on the way are right. */
#include "base/arena.h"
#include "db/db.h"
#include "tele/log/store.h"

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

static bool on_postgres;

/* On PostgreSQL some have arrived and are not moved yet. */
static const char *packets_sql(void)
{
    return !on_postgres ? "SELECT id, qn, readings FROM packet ORDER BY id"
                        : "SELECT id, qn, readings FROM tele_packet UNION ALL SELECT id, qn, readings FROM tele_packet_0 "
                          "UNION ALL SELECT id, qn, readings FROM tele_packet_1 ORDER BY id";
}

static const char *readings_sql(void)
{
    return !on_postgres ? "SELECT packet_id, count(*) FROM reading GROUP BY packet_id ORDER BY packet_id"
                        : "SELECT packet_id, count(*) FROM (SELECT packet_id FROM tele_reading_rtd UNION ALL "
                          "SELECT packet_id FROM tele_reading_hour UNION "
                          "ALL SELECT packet_id FROM tele_reading_0 UNION ALL SELECT packet_id FROM "
                          "tele_reading_1) r GROUP BY packet_id ORDER BY packet_id";
}

static void add_row(int64_t id, lf_text qn, int64_t readings)
{
    if (nrows == cap)
        rows = lf_renew(rows, (cap = 2 * cap + 1024) * sizeof *rows);
    rows[nrows] = (struct row){ .id = id, .readings = readings };
    snprintf(rows[nrows++].qn, sizeof rows->qn, "%.*s", (int)qn.n, qn.p);
}

/* All packets in the order of their ids, then the number of readings that each is the source of. */
static lf_rc load_packets(struct lf_ctx *cx)
{
    struct lf_cur cur;
    struct lf_val qn = { .t = LF_T_TEXT };
    lf_rc rc = lf_sql_open(cx, packets_sql(), NULL, 0, LF_SQL_STREAM, &cur);
    if (rc < 0)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        lf_cur_get(&cur, 1, &qn);
        add_row(get_int(&cur, 0), qn.s, get_int(&cur, 2));
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc load_readings(struct lf_ctx *cx)
{
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, readings_sql(), NULL, 0, LF_SQL_STREAM, &cur);
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

static lf_rc load_sql(const char *url, struct lf_err *err)
{
    on_postgres = strncmp(url, "sqlite:", 7) != 0;
    struct lf_ctx cx = { 0 };
    lf_rc rc = lf_db_open(&cx.db, &(struct lf_db_config){ .url = url, .readers = 1 }, err);
    if (rc == LF_OK && (rc = lf_tx_begin(&cx, LF_TX_READ)) == LF_OK)
        rc = lf_tx_end(&cx, load(&cx));
    if (rc < 0 && cx.err.rc)
        *err = cx.err;
    lf_db_close(cx.db);
    lf_arena_free(&cx.arena);
    return rc;
}

static bool count_one(void *user, const struct lf_tele_reading *r)
{
    ++*(int64_t *)user;
    return true;
}

/* There a reading does not name its packet, so their number is compared for a station as a whole. */
static lf_rc count_station(struct lf_tele_store *s, int64_t station, int64_t *n, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    struct lf_tele_latest *l;
    size_t nl = 0;
    lf_rc rc = s->ops->latest(s, &a, (lf_id){ station }, &l, &nl, err);
    for (size_t i = 0; i < nl && !rc; i++) {
        if (l[i].r.kind > LF_TELE_DAY) /* computed here, and again when more is known */
            continue;
        struct lf_tele_series q = { .station = { station }, .factor = l[i].r.factor, .kind = l[i].r.kind, .to = { INT64_MAX } };
        rc = s->ops->scan(s, &q, count_one, n, err);
    }
    lf_arena_free(&a);
    return rc;
}

static lf_rc load_files(const char *dir, long *missing, struct lf_err *err)
{
    enum { STATIONS_MAX = 10000, PAGE_OF = 5000 };
    struct lf_tele_store *s;
    int64_t said = 0, found = 0;
    size_t n = 1;
    lf_rc rc = lf_tele_log_open(&s, &(struct lf_tele_log_config){ .dir = dir, .by_hand = true }, err);
    if (rc)
        return rc;
    for (int64_t after = 0; n && !rc;) {
        struct lf_arena a = { 0 };
        struct lf_tele_stored_packet *p;
        rc = s->ops->packets_after(s, &a, (lf_id){ after }, PAGE_OF, &p, &n, err);
        for (size_t i = 0; i < n && !rc; i++) {
            add_row(after = p[i].id.v, p[i].qn, p[i].readings);
            said += p[i].qn.n ? p[i].readings : 0;
        }
        lf_arena_free(&a);
    }
    for (int64_t station = 1; station <= STATIONS_MAX && !rc; station++)
        rc = count_station(s, station, &found, err);
    *missing = (long)(said - found);
    for (size_t i = 0; i < nrows; i++)
        rows[i].found = rows[i].readings;
    lf_tele_store_close(s);
    return rc;
}

int main(int argc, char **argv)
{
    struct lf_err err = { 0 };
    long lost = 0, twice = 0, incomplete = 0, acked = 0;
    if (argc < 3)
        return 2;
    bool files = strncmp(argv[1], "files:", 6) == 0;
    lf_rc rc = files ? load_files(argv[1] + 6, &incomplete, &err) : load_sql(argv[1], &err);
    if (rc < 0) {
        fprintf(stderr, "station_check: %s\n", err.msg);
        return 2;
    }
    if (nrows)
        qsort(rows, nrows, sizeof *rows, by_qn);
    for (size_t i = 0; i < nrows; i++) {
        twice += i > 0 && *rows[i].qn && strcmp(rows[i].qn, rows[i - 1].qn) == 0; /* what is computed here has no QN */
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
    lf_release(rows);
    return lost || twice || incomplete ? 1 : 0;
}
