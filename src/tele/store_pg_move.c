/* store_pg_move.c - what has arrived goes into the tables by kind and month, sorted; one transaction, so that it is always seen once. */
#include "base/out.h"
#include "tele/store_pg.h"

#include <stdio.h>
#include <time.h>

enum { PAUSE_MS = 1000, KEEP_REJECTS = 200000, PURGE_EVERY = 256, FIRST_YEAR = 1980, END_YEAR = 2100 };

/* ---- months ------------------------------------------------------------------------------------------ */

struct month {
    int year, month;
};
struct needed {
    int kind;
    struct month m;
};
struct months { /* those that must be there: of packets (kind -1) and of readings of each kind */
    struct needed *need;
    int n, cap;
    unsigned kinds; /* bit k: there are readings of kind k */
};

static void need(struct months *all, int kind, struct month m)
{
    if (kind >= 0)
        all->kinds |= 1u << kind;
    if (m.year < FIRST_YEAR || m.year >= END_YEAR)
        return;
    for (int i = 0; i < all->n; i++)
        if (all->need[i].kind == kind && all->need[i].m.year == m.year && all->need[i].m.month == m.month)
            return;
    if (all->n == all->cap)
        all->need = lf_renew(all->need, (size_t)(all->cap = 2 * all->cap + 32) * sizeof *all->need);
    all->need[all->n++] = (struct needed){ kind, m };
}

static struct month month_of(int64_t day)
{
    struct month m = { 0 };
    int d;
    if (day >= 0 && day < 50000) /* until 2106 */
        lf_day_split((lf_day){ (int32_t)day }, &m.year, &m.month, &d);
    return m;
}

static const char *table_of(char name[64], int kind)
{
    if (kind < 0)
        snprintf(name, 64, "tele_packet");
    else
        snprintf(name, 64, "tele_reading_%s", lf_tele_kind_name((enum lf_tele_kind)kind));
    return name;
}

static lf_rc make_month(PGconn *c, int kind, struct month m, struct lf_err *err)
{
    char parent[64], sql[900];
    int next_year = m.month == 12 ? m.year + 1 : m.year, next = m.month % 12 + 1;
    table_of(parent, kind);
    /* ATTACH, because CREATE ... PARTITION OF would wait for every reader of the table. */
    snprintf(sql, sizeof sql,
             "DO $do$ BEGIN IF to_regclass('%s_%d_%02d') IS NULL THEN "
             "CREATE TABLE %s_%d_%02d (LIKE %s INCLUDING ALL); "
             "ALTER TABLE %s ATTACH PARTITION %s_%d_%02d FOR VALUES FROM (%lld) TO (%lld); END IF; END $do$",
             parent, m.year, m.month, parent, m.year, m.month, parent, parent, parent, m.year, m.month,
             (long long)lf_day_start(lf_day_ymd(m.year, m.month, 1)).ms, (long long)lf_day_start(lf_day_ymd(next_year, next, 1)).ms);
    return pg_run(c, sql, err);
}

/* Day 0 begins at 00:00 China time. */
#define DAY_OF(at) "(" at " + 28800000) / 86400000"

static lf_rc find_months(PGconn *c, int slot, struct months *all, struct lf_err *err)
{
    char sql[300];
    PGresult *r = NULL;
    snprintf(sql, sizeof sql,
             "SELECT DISTINCT kind::int4, " DAY_OF("at") " FROM tele_reading_%d UNION ALL SELECT DISTINCT -1, " DAY_OF(
                 "at") " FROM tele_packet_%d",
             slot, slot);
    lf_rc rc = pg_ask(c, sql, NULL, 0, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++)
        need(all, (int)pg_int(r, i, 0), month_of(pg_int(r, i, 1)));
    PQclear(r);
    return rc;
}

/* This month and the next, of everything: nobody waits for a table at the turn of a month. */
static void need_ahead(struct months *all)
{
    int64_t today = lf_day_of(lf_now()).v;
    unsigned kinds = all->kinds;
    for (int kind = -1; kind < LF_TELE_KIND_COUNT; kind++) {
        need(all, kind, month_of(today));
        need(all, kind, month_of(today + 31));
    }
    all->kinds = kinds;
}

/* ---- the move -------------------------------------------------------------------------------------------- */

static void put_kind(struct lf_out *o, int kind, int slot)
{
    char table[64];
    table_of(table, kind);
    lf_putf(
        o,
        "INSERT INTO %s AS r (" PG_READING ") SELECT DISTINCT ON (station_id, factor, at) " PG_READING
        " FROM tele_reading_%d WHERE kind = %d ORDER BY station_id, factor, at, packet_id DESC "
        "ON CONFLICT (station_id, factor, at) DO UPDATE SET packet_id = excluded.packet_id, value = excluded.value, vmin = excluded.vmin, "
        "vmax = excluded.vmax, cou = excluded.cou, zs = excluded.zs, flag = excluded.flag WHERE r.packet_id < excluded.packet_id;",
        table, slot, kind);
}

static void put_newest(struct lf_out *o, int slot)
{
    lf_putf(
        o,
        "INSERT INTO tele_latest AS l (" PG_READING ", kind, received) "
        "SELECT n.*, coalesce(p.received, n.at) FROM (SELECT DISTINCT ON (station_id, factor, kind) " PG_READING ", kind "
        "FROM tele_reading_%d ORDER BY station_id, factor, kind, at DESC, packet_id DESC) n "
        "LEFT JOIN tele_packet_%d p ON p.station_id = n.station_id AND p.id = n.packet_id "
        "ON CONFLICT (station_id, factor, kind) DO UPDATE SET at = excluded.at, packet_id = excluded.packet_id, value = excluded.value, "
        "vmin = excluded.vmin, vmax = excluded.vmax, cou = excluded.cou, zs = excluded.zs, flag = excluded.flag, "
        "received = excluded.received WHERE (l.at, l.packet_id) < (excluded.at, excluded.packet_id);"
        "INSERT INTO tele_mark AS m (station_id, cn, at) SELECT station_id, cn, max(at) FROM tele_packet_%d GROUP BY station_id, cn "
        "ON CONFLICT (station_id, cn) DO UPDATE SET at = excluded.at WHERE m.at < excluded.at;"
        "UPDATE tele_state SET last_packet = greatest(last_packet, (SELECT max(id) FROM tele_packet_%d));",
        slot, slot, slot, slot);
}

static lf_rc move_rows(PGconn *c, int slot, unsigned kinds, struct lf_err *err)
{
    struct lf_out o = lf_out_memory(0);
    lf_putf(&o,
            "INSERT INTO tele_packet (" PG_PACKET ") SELECT " PG_PACKET " FROM tele_packet_%d ORDER BY station_id, at "
            "ON CONFLICT (station_id, at, cn, qn, pno, digest) DO NOTHING;",
            slot);
    for (int k = 0; k < LF_TELE_KIND_COUNT; k++)
        if (kinds >> k & 1)
            put_kind(&o, k, slot);
    put_newest(&o, slot);
    /* A reader that holds the old rows is waited for; one that waits sees the new ones (reads are single statements, READ COMMITTED). */
    lf_putf(&o, "TRUNCATE tele_packet_%d, tele_reading_%d; COMMIT", slot, slot);
    lf_put_c(&o, '\0');
    lf_rc rc = pg_run(c, o.buf, err);
    lf_out_close(&o);
    return rc;
}

lf_rc pg_move(struct pg_store *s, PGconn *c, int slot, struct lf_err *err)
{
    struct months all = { 0 };
    struct lf_err ignored = { 0 };
    char sql[200];
    /* SHARE waits for a commit that still runs on the server although its client is gone. */
    snprintf(sql, sizeof sql, "BEGIN; SET LOCAL work_mem = '64MB'; LOCK TABLE tele_packet_%d, tele_reading_%d IN SHARE MODE", slot, slot);
    lf_rc rc = pg_run(c, sql, err);
    if (!rc)
        rc = find_months(c, slot, &all, err);
    need_ahead(&all);
    for (int i = 0; !rc && i < all.n; i++)
        rc = make_month(c, all.need[i].kind, all.need[i].m, err);
    if (!rc)
        rc = move_rows(c, slot, all.kinds, err);
    if (rc)
        (void)!pg_run(c, "ROLLBACK", &ignored);
    lf_release(all.need);
    return rc;
}

/* ---- the thread -------------------------------------------------------------------------------------------- */

static lf_rc purge(PGconn *c, struct lf_err *err)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "DELETE FROM tele_refused WHERE id <= (SELECT max(id) FROM tele_refused) - %d;"
             "DELETE FROM tele_quarantine WHERE id <= (SELECT max(id) FROM tele_quarantine) - %d",
             KEEP_REJECTS, KEEP_REJECTS);
    return pg_run(c, sql, err);
}

/* The slot that is to be moved, or -1: one whose move failed, else the one that is written to, which changes. */
static int choose(struct pg_store *s, int64_t *rows)
{
    int slot = -1;
    pthread_mutex_lock(&s->writing);
    if (!s->unsettled && s->waiting[!s->active]) {
        slot = !s->active;
    } else if (!s->unsettled && s->waiting[s->active]) {
        slot = s->active;
        s->active = !s->active;
    }
    *rows = slot < 0 ? 0 : s->waiting[slot];
    pthread_mutex_unlock(&s->writing);
    return slot;
}

/* A node that did not hear of a move keeps the slot locked. */
static lf_rc settle(PGconn *c, struct lf_err *err)
{
    bool citus;
    lf_rc rc = pg_citus_there(c, &citus, err);
    return rc || !citus ? rc : pg_citus_settle(c, err);
}

static lf_rc move_one(struct pg_store *s, PGconn *c, int slot, int64_t rows, struct lf_err *err)
{
    s->move_warned = false;
    lf_rc rc = pg_move(s, c, slot, err);
    if (!rc && s->move_warned)
        rc = settle(c, err);
    s->move_failures += rc != LF_OK;
    if (rc)
        return rc;
    pthread_mutex_lock(&s->writing);
    s->waiting[slot] = 0;
    pthread_mutex_unlock(&s->writing);
    s->moved += rows;
    return s->moves++ % PURGE_EVERY == 0 ? purge(c, err) : LF_OK;
}

/* What is too old goes once an hour, and at the start. */
static lf_rc keep_hourly(struct pg_store *s, PGconn *c, struct lf_err *err)
{
    int64_t now = lf_now().ms;
    if (s->kept_at && now - s->kept_at < LF_HOUR_MS && now >= s->kept_at)
        return LF_OK;
    s->kept_at = now;
    return pg_keep(s, c, err);
}

static lf_rc step(struct pg_store *s, PGconn **c, struct lf_err *err)
{
    int64_t rows;
    lf_rc rc = LF_OK;
    pthread_mutex_lock(&s->moving);
    int slot = choose(s, &rows);
    if (!*c && !(rc = pg_connect(s->url, c, err)))
        pg_citus_listen(*c, &s->move_warned);
    if (!rc && slot >= 0)
        rc = move_one(s, *c, slot, rows, err);
    pthread_mutex_unlock(&s->moving);
    if (!rc)
        rc = keep_hourly(s, *c, err);
    if (*c && PQstatus(*c) != CONNECTION_OK) {
        PQfinish(*c);
        *c = NULL;
    }
    return rc;
}

static void tell(struct pg_store *s, const struct lf_err *err)
{
    if (s->troubled != (err != NULL) && s->trouble)
        s->trouble(s->user, err);
    s->troubled = err != NULL;
}

void *pg_mover_main(void *store)
{
    struct pg_store *s = store;
    PGconn *c = NULL;
    pthread_mutex_lock(&s->wake_lock);
    while (!s->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += PAUSE_MS / 1000;
        pthread_cond_timedwait(&s->wake, &s->wake_lock, &until);
        if (s->stop)
            break;
        pthread_mutex_unlock(&s->wake_lock);
        struct lf_err err = { 0 };
        tell(s, step(s, &c, &err) ? &err : NULL);
        pthread_mutex_lock(&s->wake_lock);
    }
    pthread_mutex_unlock(&s->wake_lock);
    PQfinish(c);
    return NULL;
}
