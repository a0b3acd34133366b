/* store_pg_take.c - an installation that kept its telemetry in SQLite and moves to PostgreSQL: table by table, as if it had just arrived. */
#include "tele/store_pg.h"

enum { FLUSH_BYTES = 1 << 20 };

/* types: i int, r real, t text, b bytes, k the name of a kind. */
static const struct table {
    const char *from, *copy, *types;
} tables[] = {
    { "SELECT id, station_id, received, at, CASE WHEN pno = 0 THEN 0 ELSE coalesce((SELECT max(pnum) FROM packet_part q WHERE "
      "q.station_id = p.station_id AND q.cn = p.cn AND q.at = p.at AND q.pno = p.pno), 0) END, pno, digest, readings, qn, st, cn, peer, "
      "note, raw FROM packet p",
      "COPY tele_packet_0 (" PG_PACKET ") FROM STDIN (FORMAT binary)", "iiiiiiiitttttb" },
    { "SELECT " PG_READING ", kind FROM reading", "COPY tele_reading_0 (" PG_READING ", kind) FROM STDIN (FORMAT binary)", "iiirrrrrttk" },
    { "SELECT " PG_READING ", kind, replaced, by_packet FROM reading_was",
      "COPY tele_reading_was (" PG_READING ", kind, replaced, by_packet) FROM STDIN (FORMAT binary)", "iiirrrrrttkii" },
    { "SELECT " PG_REJECT " FROM refused ORDER BY id", "COPY tele_refused (" PG_REJECT ") FROM STDIN (FORMAT binary)", "ittitttib" },
    { "SELECT " PG_REJECT " FROM quarantine ORDER BY id", "COPY tele_quarantine (" PG_REJECT ") FROM STDIN (FORMAT binary)", "ittitttib" },
};

static void put_column(struct pg_copy *c, struct lf_cur *cur, int col, char type)
{
    struct lf_val v = { .t = type == 'i' ? LF_T_INT : type == 'r' ? LF_T_REAL : type == 'b' ? LF_T_BLOB : LF_T_TEXT };
    enum lf_tele_kind kind = LF_TELE_RTD;
    lf_cur_get(cur, col, &v);
    if (v.null)
        pg_copy_null(c);
    else if (type == 'i')
        pg_copy_int(c, v.i);
    else if (type == 'r')
        pg_copy_real(c, v.d);
    else if (type == 'k' && lf_tele_kind_parse(v.s, &kind))
        pg_copy_small(c, (int)kind);
    else
        pg_copy_text(c, v.s);
}

static lf_rc copy_rows(struct lf_cur *cur, const struct table *t, struct pg_copy *c, PGconn *h)
{
    lf_rc rc;
    int n = (int)strlen(t->types);
    pg_copy_begin(c);
    while ((rc = lf_cur_next(cur)) == LF_ROW) {
        struct lf_arena_mark mark = lf_arena_here(&cur->cx->arena);
        pg_copy_row(c, n);
        for (int i = 0; i < n; i++)
            put_column(c, cur, i, t->types[i]);
        lf_arena_back(&cur->cx->arena, mark);
        if (c->n > FLUSH_BYTES && (rc = pg_copy_flush(h, c, &cur->cx->err)))
            return rc;
    }
    pg_copy_end(c);
    return rc < 0 ? rc : pg_copy_send(h, c, &cur->cx->err);
}

static lf_rc take_table(struct lf_ctx *cx, const struct table *t, struct pg_copy *c, PGconn *h)
{
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, t->from, NULL, 0, LF_SQL_STREAM, &cur);
    if (rc)
        return rc;
    PGresult *r = PQexec(h, t->copy);
    if (PQresultStatus(r) != PGRES_COPY_IN) {
        rc = pg_fail(h, r, &cx->err);
    } else {
        PQclear(r);
        rc = copy_rows(&cur, t, c, h);
        while (!rc && (r = PQgetResult(h))) {
            if (PQresultStatus(r) != PGRES_COMMAND_OK)
                rc = pg_fail(h, r, &cx->err);
            else
                PQclear(r);
        }
    }
    lf_cur_close(&cur);
    return rc;
}

/* LF_DONE: taken already. */
static lf_rc may_take(PGconn *h, struct lf_err *err)
{
    PGresult *r = NULL;
    lf_rc rc = pg_ask(h,
                      "SELECT taken IS NOT NULL, last_packet > 0 OR EXISTS (SELECT 1 FROM tele_packet_0) OR EXISTS (SELECT 1 FROM "
                      "tele_packet_1) FROM tele_state FOR UPDATE",
                      NULL, 0, &r, err);
    if (rc)
        return rc;
    bool taken = *PQgetvalue(r, 0, 0), full = *PQgetvalue(r, 0, 1);
    PQclear(r);
    if (!taken && full)
        return lf_err_set(err, LF_ECONFLICT, NULL, "telemetry: PostgreSQL holds other telemetry already");
    return taken ? LF_DONE : LF_OK;
}

static lf_rc take_all(struct lf_ctx *cx, PGconn *h)
{
    struct pg_copy c = { 0 };
    lf_rc rc = may_take(h, &cx->err);
    for (size_t i = 0; !rc && i < LF_COUNT(tables); i++)
        rc = take_table(cx, &tables[i], &c, h);
    if (!rc)
        rc = pg_run(h, "UPDATE tele_state SET taken = extract(epoch FROM now()) * 1000; COMMIT", &cx->err);
    lf_release(c.p);
    return rc == LF_DONE ? LF_OK : rc;
}

lf_rc lf_tele_pg_take(const char *url, struct lf_db *from, struct lf_err *err)
{
    struct lf_ctx cx = { .db = from };
    PGconn *h = NULL;
    lf_rc rc = pg_connect(url, &h, &cx.err);
    if (!rc)
        rc = pg_run(h, "BEGIN", &cx.err);
    if (!rc)
        rc = lf_tx_begin(&cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(&cx, take_all(&cx, h));
    PQfinish(h); /* what was not committed is not there */
    if (rc)
        *err = cx.err;
    lf_arena_free(&cx.arena);
    return rc;
}
