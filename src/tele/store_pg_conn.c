/* store_pg_conn.c - one connection to PostgreSQL, its errors, and its binary columns. */
#include "tele/store_pg.h"

#include "base/text.h"

#include <endian.h>
#include <stdio.h>

/* Class 22 is wrong data (bytes that are no UTF-8 in a text), 23 a violated constraint: such a batch never goes in. Anything else may pass:
 * nothing is thrown away because a table is locked, a disk is full or a standby has not been promoted yet. */
lf_rc pg_fail(PGconn *c, PGresult *r, struct lf_err *err)
{
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    bool ours = state && (!strncmp(state, "22", 2) || !strncmp(state, "23", 2));
    const char *msg = r ? PQresultErrorMessage(r) : PQerrorMessage(c);
    char line[400];
    lf_err_set(err, ours ? LF_EINVAL : LF_EDB, NULL, "telemetry: postgres: %s",
               *msg ? lf_one_line(line, sizeof line, msg) : "the connection is lost");
    PQclear(r);
    return err->rc;
}

static void silent(void *arg, const char *message) {}

lf_rc pg_connect(const char *url, PGconn **out, struct lf_err *err)
{
    /* As for the records (db/postgres.c): what the address says itself wins; a peer that is silent is given up. */
    static const char *const keys[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle", "application_name", "dbname", NULL };
    const char *const values[] = { "5", "20000", "10", "lanfan telemetry", url, NULL };
    PGconn *c = PQconnectdbParams(keys, values, 1);
    *out = NULL;
    if (PQstatus(c) != CONNECTION_OK) {
        char said[300];
        lf_err_set(err, LF_EDB, NULL, "telemetry: cannot reach PostgreSQL: %s\nHINT: check that it runs and takes connections",
                   lf_one_line(said, sizeof said, PQerrorMessage(c)));
        PQfinish(c);
        return LF_EDB;
    }
    PQsetNoticeProcessor(c, silent, NULL);
    /* JIT: the planner thinks a look-up in many months dear, and compiling it takes far longer than running it. */
    lf_rc rc = pg_run(
        c, "SET client_encoding = 'UTF8'; SET jit = off; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '10min'", err);
    /* A server that was killed must not hold the writer's lock for as long as its last statement runs (PostgreSQL 14 can see it). */
    if (!rc && PQserverVersion(c) >= 140000)
        rc = pg_run(c, "SET client_connection_check_interval = '500ms'", err);
    if (rc) {
        PQfinish(c);
        return rc;
    }
    *out = c;
    return LF_OK;
}

lf_rc pg_run(PGconn *c, const char *sql, struct lf_err *err)
{
    PGresult *r = PQexec(c, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
        return pg_fail(c, r, err);
    PQclear(r);
    return LF_OK;
}

lf_rc pg_ask(PGconn *c, const char *sql, const char *const *params, int n, PGresult **out, struct lf_err *err)
{
    PGresult *r = PQexecParams(c, sql, n, NULL, params, NULL, NULL, 1);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        return pg_fail(c, r, err);
    *out = r;
    return LF_OK;
}

int64_t pg_int(const PGresult *r, int row, int col)
{
    uint16_t w2;
    uint32_t w4;
    uint64_t w8;
    const char *p = PQgetvalue(r, row, col);
    if (PQgetisnull(r, row, col))
        return 0;
    switch (PQgetlength(r, row, col)) {
    case 2: memcpy(&w2, p, 2); return (int16_t)be16toh(w2);
    case 4: memcpy(&w4, p, 4); return (int32_t)be32toh(w4);
    default: memcpy(&w8, p, 8); return (int64_t)be64toh(w8);
    }
}

double pg_real(const PGresult *r, int row, int col)
{
    double v;
    if (PQgetisnull(r, row, col))
        return NAN;
    uint64_t bits = (uint64_t)pg_int(r, row, col);
    memcpy(&v, &bits, sizeof v);
    return v;
}

lf_text pg_text(const PGresult *r, int row, int col)
{
    return PQgetisnull(r, row, col) ? (lf_text){ NULL, 0 } : (lf_text){ PQgetvalue(r, row, col), (uint32_t)PQgetlength(r, row, col) };
}
