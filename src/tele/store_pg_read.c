/* store_pg_read.c - the pool of reading connections, and a query on one of them.
 *
 * Reads are single statements outside a transaction: their snapshot is taken after their locks, so a table that the mover emptied
 * meanwhile is never seen empty while the rows are not seen where they went. */
#include "tele/store_pg.h"

static int lease(struct pg_store *s)
{
    int i;
    pthread_mutex_lock(&s->pool);
    for (;;) {
        int cold = -1; /* a place without a connection yet */
        for (i = 0; i < PG_READERS && (s->busy[i] || !s->reader[i]); i++)
            if (!s->busy[i] && cold < 0)
                cold = i;
        i = i < PG_READERS ? i : cold;
        if (i >= 0)
            break;
        pthread_cond_wait(&s->freed, &s->pool);
    }
    s->busy[i] = true;
    pthread_mutex_unlock(&s->pool);
    return i;
}

static void give_back(struct pg_store *s, int i)
{
    pthread_mutex_lock(&s->pool);
    s->busy[i] = false;
    pthread_cond_signal(&s->freed);
    pthread_mutex_unlock(&s->pool);
}

static void give_up(struct pg_store *s, int i)
{
    PQfinish(s->reader[i]);
    s->reader[i] = NULL;
}

/* To the end of the results; a stream that was stopped is cancelled, so that the server need not send the rest. */
static void drain(PGconn *c, bool stopped)
{
    PGcancel *cancel = stopped ? PQgetCancel(c) : NULL;
    char why[64];
    if (cancel)
        PQcancel(cancel, why, sizeof why);
    PQfreeCancel(cancel);
    for (PGresult *r; (r = PQgetResult(c));)
        PQclear(r);
}

static lf_rc rows(PGconn *c, const struct pg_query *q, bool *any, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    bool more = true;
    if (!PQsendQueryParams(c, q->sql, q->n, NULL, q->params, NULL, NULL, 1) || (q->stream && !PQsetSingleRowMode(c)))
        return pg_fail(c, NULL, err);
    for (PGresult *r; !rc && more && (r = PQgetResult(c));) {
        ExecStatusType t = PQresultStatus(r);
        if (t != PGRES_TUPLES_OK && t != PGRES_SINGLE_TUPLE) {
            rc = pg_fail(c, r, err);
            continue;
        }
        for (int i = 0; more && i < PQntuples(r); i++) {
            *any = true;
            more = q->row(q->user, r, i);
        }
        PQclear(r);
    }
    drain(c, q->stream && !more);
    return rc;
}

lf_rc pg_query(struct pg_store *s, const struct pg_query *q, struct lf_err *err)
{
    int i = lease(s);
    bool any = false;
    lf_rc rc = LF_OK;
    for (int try = 0; try < 2; try++) {
        bool fresh = !s->reader[i];
        rc = fresh ? pg_connect(s->url, &s->reader[i], err) : LF_OK;
        if (rc)
            break;
        rc = rows(s->reader[i], q, &any, err);
        if (PQstatus(s->reader[i]) != CONNECTION_OK)
            give_up(s, i);
        if (!rc || s->reader[i] || any || fresh)
            break;
    }
    give_back(s, i);
    return rc;
}
