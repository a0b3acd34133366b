/* store_pg_keep.c - what is older than it is to be kept: whole months are dropped, what lies in one table goes in slices. */
#include "tele/store_pg.h"

#include <stdio.h>

enum { SLICE = 5000, SLICES_A_TIME = 200 };

/* "..._2024_03" -> when that month ends; 0 when it is no month. */
static int64_t month_end(lf_text name)
{
    char tail[9];
    int year, month;
    if (name.n < 8)
        return 0;
    memcpy(tail, name.p + name.n - 8, 8);
    tail[8] = '\0';
    if (sscanf(tail, "_%4d_%2d", &year, &month) != 2 || month < 1 || month > 12)
        return 0;
    return lf_day_start(month == 12 ? lf_day_ymd(year + 1, 1, 1) : lf_day_ymd(year, month + 1, 1)).ms;
}

/* Waits a second for readers of the table, no longer: the next hour comes. */
static lf_rc drop(PGconn *c, lf_text name, struct lf_err *err)
{
    char sql[160];
    struct lf_err ignored = { 0 };
    snprintf(sql, sizeof sql, "BEGIN; SET LOCAL lock_timeout = '1s'; DROP TABLE %.*s; COMMIT", (int)name.n, name.p);
    lf_rc rc = pg_run(c, sql, err);
    if (rc)
        (void)!pg_run(c, "ROLLBACK", &ignored);
    return rc;
}

static lf_rc drop_months(struct pg_store *s, PGconn *c, const char *table, int days, int64_t now, struct lf_err *err)
{
    PGresult *r = NULL;
    if (!days)
        return LF_OK;
    lf_rc rc =
        pg_ask(c, "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1)",
               (const char *const[]){ table }, 1, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++) {
        int64_t end = month_end(pg_text(r, i, 0));
        if (!end || end > now - (int64_t)days * LF_DAY_MS)
            continue;
        rc = drop(c, pg_text(r, i, 0), err);
        s->dropped += rc == LF_OK;
    }
    PQclear(r);
    return rc;
}

/* Rows come in the order of their ids, so the old ones are the first. */
static lf_rc delete_slices(PGconn *c, const char *table, int days, int64_t now, struct lf_err *err)
{
    char sql[500];
    lf_rc rc = LF_OK;
    snprintf(sql, sizeof sql,
             "WITH d AS (DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE id < coalesce((SELECT id FROM %s WHERE received >= %lld ORDER "
             "BY id "
             "LIMIT 1), 9223372036854775807) ORDER BY id LIMIT %d) RETURNING 1) SELECT count(*) FROM d",
             table, table, table, (long long)(now - (int64_t)days * LF_DAY_MS), SLICE);
    for (int i = 0; days && !rc && i < SLICES_A_TIME; i++) {
        PGresult *r = NULL;
        rc = pg_ask(c, sql, NULL, 0, &r, err);
        bool more = !rc && pg_int(r, 0, 0) == SLICE;
        PQclear(r);
        if (!more)
            break;
    }
    return rc;
}

static lf_rc delete_corrections(PGconn *c, int days, int64_t now, struct lf_err *err)
{
    char sql[300];
    snprintf(sql, sizeof sql, /* by the key: a ctid is not one row of a table that is distributed */
             "DELETE FROM tele_reading_was WHERE (station_id, factor, kind, at, by_packet) IN "
             "(SELECT station_id, factor, kind, at, by_packet FROM tele_reading_was WHERE replaced < %lld LIMIT %d)",
             (long long)(now - (int64_t)days * LF_DAY_MS), SLICE * 10);
    return days ? pg_run(c, sql, err) : LF_OK;
}

lf_rc pg_keep(struct pg_store *s, PGconn *c, struct lf_err *err)
{
    const struct lf_tele_keep *k = &s->keep;
    char table[64];
    int64_t now = lf_now().ms;
    lf_rc rc = drop_months(s, c, "tele_packet", k->packets, now, err);
    for (int kind = 0; !rc && kind < LF_TELE_KIND_COUNT; kind++) {
        snprintf(table, sizeof table, "tele_reading_%s", lf_tele_kind_name((enum lf_tele_kind)kind));
        rc = drop_months(s, c, table, k->days[kind], now, err);
    }
    if (!rc)
        rc = delete_slices(c, "tele_packet_old", k->packets, now, err); /* those without DataTime */
    if (!rc)
        rc = delete_slices(c, "tele_refused", k->refused, now, err);
    if (!rc)
        rc = delete_slices(c, "tele_quarantine", k->quarantine, now, err);
    return rc ? rc : delete_corrections(c, k->corrections, now, err);
}
