/* store_pg.c - opening and closing, and the writer: connected, alone, and knowing what the database knows. */
#include "tele/store_pg.h"

#include <sys/random.h>
#include <time.h>

/* ---- the writer -------------------------------------------------------------------------------------- */

/* One writer at a time: what is known in memory is only true while nobody else writes. The lock ends with the connection, so a
 * transaction whose answer was lost has ended too when it is held. */
static lf_rc be_alone(PGconn *c, struct lf_err *err)
{
    enum { TRIES = 300, PAUSE_MS = 100 };
    for (int i = 0; i < TRIES; i++) { /* a server that was killed has it until PostgreSQL notices, or until its commit is on a slow disk */
        PGresult *r = NULL;
        lf_rc rc = pg_ask(c, "SELECT pg_try_advisory_lock(370301, hashtext(current_schema()))", NULL, 0, &r, err);
        bool alone = !rc && *PQgetvalue(r, 0, 0);
        PQclear(r);
        if (rc || alone)
            return rc;
        nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000L }, NULL);
    }
    return lf_err_set(err, LF_EDB, NULL,
                      "telemetry: another server writes into this database\nHINT: stop it, or give this one a database of its own");
}

/* Did the batch whose answer was lost commit? Nobody else has written since: this connection holds the lock. */
static lf_rc settle_doubt(struct pg_store *s, PGconn *c, struct lf_err *err)
{
    PGresult *r = NULL;
    if (!s->doubt[0])
        return LF_OK;
    lf_rc rc = pg_ask(c, "SELECT batch FROM tele_committed", NULL, 0, &r, err);
    if (rc)
        return rc;
    s->doubt_done = PQntuples(r) == 1 && lf_text_is(pg_text(r, 0, 0), s->doubt);
    s->doubt[0] = '\0';
    PQclear(r);
    return LF_OK;
}

static lf_rc load_channels(struct pg_state *state, PGconn *c, struct lf_err *err)
{
    PGresult *r = NULL;
    lf_rc rc =
        pg_ask(c, "SELECT station_id, factor, kind, at, packet_id, received, " PG_VALUES ", flag FROM tele_latest", NULL, 0, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++) {
        struct pg_known k = pg_known_of(r, i, 6, 11);
        k.at = pg_int(r, i, 3), k.packet = pg_int(r, i, 4), k.received = pg_int(r, i, 5);
        pg_state_channel(state, &(struct pg_key){ pg_int(r, i, 0), pg_text(r, i, 1), pg_int(r, i, 2), 0 }, &k);
    }
    PQclear(r);
    return rc;
}

static lf_rc load_marks(struct pg_state *state, PGconn *c, struct lf_err *err)
{
    PGresult *r = NULL;
    lf_rc rc = pg_ask(c, "SELECT station_id, cn, at FROM tele_mark", NULL, 0, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++)
        pg_state_mark(state, pg_int(r, i, 0), pg_text(r, i, 1), pg_int(r, i, 2));
    PQclear(r);
    if (!rc)
        rc = pg_ask(c, "SELECT last_packet FROM tele_state", NULL, 0, &r, err);
    if (!rc) {
        state->last_packet = pg_int(r, 0, 0);
        PQclear(r);
    }
    return rc;
}

/* Everything that has arrived is moved first, so that what is known is in three small tables. */
static lf_rc learn(struct pg_store *s, PGconn *c, struct lf_err *err)
{
    struct pg_state state = { 0 };
    pthread_mutex_lock(&s->moving);
    lf_rc rc = s->plan.citus ? pg_citus_settle(c, err) : LF_OK;
    for (int slot = 0; !rc && slot < PG_SLOTS; slot++)
        rc = pg_move(s, c, slot, err);
    if (!rc) {
        pthread_mutex_lock(&s->writing);
        memset(s->waiting, 0, sizeof s->waiting);
        s->unsettled = false;
        pthread_mutex_unlock(&s->writing);
    }
    pthread_mutex_unlock(&s->moving);
    if (!rc)
        rc = load_channels(&state, c, err);
    if (!rc)
        rc = load_marks(&state, c, err);
    if (rc) {
        pg_state_free(&state);
        return rc;
    }
    pthread_mutex_lock(&s->know);
    struct pg_state old = s->state;
    s->state = state;
    pthread_mutex_unlock(&s->know);
    pg_state_free(&old);
    return LF_OK;
}

lf_rc pg_writer(struct pg_store *s, struct lf_err *err)
{
    PGconn *c = NULL;
    if (s->writer)
        return LF_OK;
    lf_rc rc = pg_connect(s->url, &c, err);
    if (rc)
        return rc;
    rc = be_alone(c, err);
    if (!rc)
        rc = settle_doubt(s, c, err);
    if (!rc)
        rc = pg_citus_there(c, &s->plan.citus, err);
    if (!rc)
        rc = learn(s, c, err);
    if (rc)
        PQfinish(c);
    else
        s->writer = c;
    s->warned = false;
    if (!rc)
        pg_citus_listen(c, &s->warned);
    return rc;
}

/* ---- open and close -------------------------------------------------------------------------------------- */

static void monotonic_cond(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

void pg_close(struct lf_tele_store *base)
{
    struct pg_store *s = (struct pg_store *)base;
    pthread_mutex_t *locks[] = { &s->writing, &s->know, &s->moving, &s->wake_lock, &s->pool };
    if (s->started) {
        pthread_mutex_lock(&s->wake_lock);
        s->stop = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->wake_lock);
        pthread_join(s->mover, NULL);
    }
    PQfinish(s->writer);
    for (int i = 0; i < PG_READERS; i++)
        PQfinish(s->reader[i]);
    pg_plan_free(&s->plan);
    pg_state_free(&s->state);
    for (size_t i = 0; i < LF_COUNT(locks); i++)
        pthread_mutex_destroy(locks[i]);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->freed);
    lf_release(s->url);
    lf_release(s);
}

lf_rc lf_tele_pg_open(struct lf_tele_store **out, const struct lf_tele_pg_config *config, struct lf_err *err)
{
    struct pg_store *s = lf_new(sizeof *s);
    pthread_mutex_t *locks[] = { &s->writing, &s->know, &s->moving, &s->wake_lock, &s->pool };
    *out = NULL;
    s->base.ops = &lf_tele_pg_ops;
    s->url = lf_dup(config->url);
    s->keep = config->keep;
    s->trouble = config->trouble;
    s->user = config->user;
    for (size_t i = 0; i < LF_COUNT(locks); i++)
        pthread_mutex_init(locks[i], NULL);
    monotonic_cond(&s->wake);
    monotonic_cond(&s->freed);
    lf_rc rc = getrandom(&s->born, sizeof s->born, 0) == sizeof s->born
                   ? pg_writer(s, err)
                   : lf_err_set(err, LF_EIO, NULL, "telemetry: the system has no random numbers");
    if (!rc) {
        s->started = pthread_create(&s->mover, NULL, pg_mover_main, s) == 0;
        if (!s->started)
            rc = lf_err_set(err, LF_EIO, NULL, "telemetry: cannot start a thread");
    }
    if (rc)
        pg_close(&s->base);
    else
        *out = &s->base;
    return rc;
}

void lf_tele_pg_metrics(struct lf_tele_store *base, struct lf_out *o)
{
    struct pg_store *s = (struct pg_store *)base;
    pthread_mutex_lock(&s->writing);
    int64_t waiting = s->waiting[0] + s->waiting[1];
    pthread_mutex_unlock(&s->writing);
    const struct {
        const char *name, *type;
        int64_t v;
    } t[] = {
        { "waiting_rows", "gauge", waiting },
        { "moved_rows_total", "counter", s->moved },
        { "moves_total", "counter", s->moves },
        { "move_failures_total", "counter", s->move_failures },
        { "dropped_months_total", "counter", s->dropped },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        lf_putf(o, "# TYPE lanfan_telemetry_store_%s %s\nlanfan_telemetry_store_%s %lld\n", t[i].name, t[i].type, t[i].name,
                (long long)t[i].v);
}
