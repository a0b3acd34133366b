/* store_pg_citus.c - what is asked of a database with Citus, which may have distributed the tables by station. */
#include "tele/store_pg.h"

#include <time.h>

lf_rc pg_citus_there(PGconn *c, bool *there, struct lf_err *err)
{
    PGresult *r = NULL;
    lf_rc rc = pg_ask(c, "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')", NULL, 0, &r, err);
    *there = !rc && *PQgetvalue(r, 0, 0);
    PQclear(r);
    return rc;
}

static void on_notice(void *warned, const PGresult *r)
{
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    *(bool *)warned |= severity && !strcmp(severity, "WARNING");
}

void pg_citus_listen(PGconn *c, bool *warned) { PQsetNoticeReceiver(c, on_notice, warned); }

/* A commit is decided on the coordinator and then told to the nodes. One that did not hear it keeps its part, prepared: nobody sees these
 * rows yet, and a move would leave them where they are, wait for them with its TRUNCATE and remove them. Citus tells the nodes again by
 * itself (citus.recover_2pc_interval), and at once when this role may ask for it. */
lf_rc pg_citus_settle(PGconn *c, struct lf_err *err)
{
    enum { TRIES = 50, PAUSE_MS = 100 };
    static const char left[] = "SELECT count(*) FROM run_command_on_all_nodes('SELECT count(*) FROM pg_prepared_xacts WHERE database = "
                               "current_database()') WHERE NOT success OR result <> '0'";
    for (int i = 0; i < TRIES; i++) {
        PGresult *r = NULL;
        struct lf_err ignored = { 0 };
        (void)!pg_run(c, "SELECT recover_prepared_transactions()", &ignored);
        lf_rc rc = pg_ask(c, left, NULL, 0, &r, err);
        bool settled = !rc && !pg_int(r, 0, 0);
        PQclear(r);
        if (rc || settled)
            return rc;
        nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000L }, NULL);
    }
    return lf_err_set(err, LF_EDB, NULL,
                      "telemetry: a node of the cluster has not finished a commit or cannot be reached\nHINT: Citus finishes it once the "
                      "node is back; see pg_prepared_xacts there and citus.recover_2pc_interval");
}
