/* store_pg_commit.c - one batch, one transaction: all statements in one message, the rows by COPY in binary. */
#include "tele/store_pg.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOVE_ROWS = 30000 };

enum table { PACKETS, READINGS, WAS, REFUSED, QUARANTINE, TABLES };
struct sending {
    char sql[1200];
    enum table copy[TABLES]; /* in the order of the statements */
    int n, sent;
};

static void add_copy(struct sending *t, enum table which, const char *table, int slot, const char *columns)
{
    size_t at = strlen(t->sql);
    snprintf(t->sql + at, sizeof t->sql - at, "COPY %s%s (%s) FROM STDIN (FORMAT binary); ", table,
             slot < 0 ? ""
             : slot   ? "_1"
                      : "_0",
             columns);
    t->copy[t->n++] = which;
}

static size_t rejects(const struct lf_tele_batch *b, bool quarantine)
{
    size_t n = 0;
    for (size_t i = 0; i < b->nreject; i++)
        n += b->reject[i].quarantine == quarantine;
    return n;
}

static void prepare(struct sending *t, const struct pg_plan *p, const struct pg_state *state, const struct lf_tele_batch *b, int slot,
                    const char *name)
{
    *t = (struct sending){ .n = 0 };
    snprintf(t->sql, sizeof t->sql, "BEGIN; UPDATE tele_committed SET batch = '%s'; ", name);
    if (p->last > state->last_packet) {
        add_copy(t, PACKETS, "tele_packet", slot, PG_PACKET);
        add_copy(t, READINGS, "tele_reading", slot, PG_READING ", kind");
        add_copy(t, WAS, "tele_reading_was", -1, PG_READING ", kind, replaced, by_packet");
    }
    if (rejects(b, false))
        add_copy(t, REFUSED, "tele_refused", -1, PG_REJECT);
    if (rejects(b, true))
        add_copy(t, QUARANTINE, "tele_quarantine", -1, PG_REJECT);
    size_t at = strlen(t->sql);
    snprintf(t->sql + at, sizeof t->sql - at, "COMMIT");
}

static lf_rc send_rows(struct pg_store *s, enum table which, struct lf_tele_batch *b, struct lf_err *err)
{
    switch (which) {
    case PACKETS: return pg_send_packets(&s->plan, b, s->writer, err);
    case READINGS: return pg_send_readings(&s->plan, &s->state, b, s->writer, err);
    case WAS: return pg_send_was(&s->plan, s->writer, err);
    default: return pg_send_rejects(&s->plan, b, which == QUARANTINE, s->writer, err);
    }
}

/* After the last row has left, the server commits by itself: when the connection is lost then, nobody here knows whether it did. */
static lf_rc next_copy(struct pg_store *s, struct sending *t, struct lf_tele_batch *b, const char *name, struct lf_err *err)
{
    if (t->sent == t->n)
        return lf_err_set(err, LF_EDB, NULL, "telemetry: postgres asks for more than it was told to");
    lf_rc rc = send_rows(s, t->copy[t->sent], b, err);
    if (!rc && ++t->sent == t->n)
        snprintf(s->doubt, sizeof s->doubt, "%s", name);
    return rc;
}

static lf_rc transaction(struct pg_store *s, struct sending *t, struct lf_tele_batch *b, const char *name, struct lf_err *err)
{
    bool done = false;
    s->warned = false;
    lf_rc rc = PQsendQuery(s->writer, t->sql) ? LF_OK : pg_fail(s->writer, NULL, err);
    for (PGresult *r; !rc && (r = PQgetResult(s->writer));) {
        switch (PQresultStatus(r)) {
        case PGRES_COPY_IN: rc = next_copy(s, t, b, name, err); break;
        case PGRES_COMMAND_OK: done = !strcmp(PQcmdStatus(r), "COMMIT"); break;
        default: rc = pg_fail(s->writer, r, err), r = NULL; break;
        }
        PQclear(r);
    }
    if (!rc && !done)
        rc = lf_err_set(err, LF_EDB, NULL, "telemetry: postgres did not commit");
    if (!rc && s->plan.citus && s->warned) /* its rows are safe, but not everywhere to be seen: as if the answer had been lost */
        rc = lf_err_set(err, LF_EDB, NULL, "telemetry: a node of the cluster did not answer to a commit");
    return rc;
}

/* The connection after a transaction that failed: rolled back when it lives, given up when not or when a part may be left on a node. */
static void clean_up(struct pg_store *s)
{
    struct lf_err ignored = { 0 };
    bool half = s->plan.citus && s->warned;
    if (!half && !pg_run(s->writer, "ROLLBACK", &ignored)) {
        s->doubt[0] = '\0';
        return;
    }
    PQfinish(s->writer);
    s->writer = NULL;
}

static lf_rc store(struct pg_store *s, struct lf_tele_batch *b, struct lf_err *err)
{
    struct sending t;
    char name[sizeof s->doubt];
    snprintf(name, sizeof name, "%016" PRIx64 "-%" PRIu64, s->born, ++s->batches);
    pthread_mutex_lock(&s->writing);
    prepare(&t, &s->plan, &s->state, b, s->active, name);
    lf_rc rc = t.n ? transaction(s, &t, b, name, err) : LF_OK;
    if (!rc)
        s->waiting[s->active] += (int64_t)(s->plan.packets + s->plan.readings);
    else
        clean_up(s);
    s->unsettled = s->plan.citus && !s->writer;
    bool many = s->waiting[s->active] >= MOVE_ROWS;
    pthread_mutex_unlock(&s->writing);
    if (rc)
        return rc;
    s->doubt[0] = '\0';
    pthread_mutex_lock(&s->know);
    pg_plan_keep(&s->plan, &s->state, b);
    pthread_mutex_unlock(&s->know);
    if (many) {
        pthread_mutex_lock(&s->wake_lock);
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->wake_lock);
    }
    return LF_OK;
}

/* To know the same batch again. */
static uint64_t print_of(const struct lf_tele_batch *b)
{
    uint64_t h = 14695981039346656037u ^ b->nreject;
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        h = (h ^ (uint64_t)p->station.v ^ (uint64_t)p->received.ms << 20) * 1099511628211u;
        for (uint32_t k = 0; k < p->raw.n; k++)
            h = (h ^ (unsigned char)p->raw.p[k]) * 1099511628211u;
    }
    return h;
}

lf_rc pg_commit(struct lf_tele_store *base, struct lf_tele_batch *b, struct lf_err *err)
{
    struct pg_store *s = (struct pg_store *)base;
    lf_rc rc = pg_writer(s, err);
    if (rc)
        return rc;
    bool stored = s->doubt_done && s->doubt_print == print_of(b);
    s->doubt_done = false;
    if (stored) /* by the last try, which marked the batch, and of which only the answer was lost */
        return LF_OK;
    rc = pg_plan(&s->plan, &s->state, s->writer, b, err);
    if (rc)
        clean_up(s);
    else
        rc = store(s, b, err);
    if (rc && s->doubt[0])
        s->doubt_print = print_of(b);
    pg_plan_clear(&s->plan);
    return rc;
}
