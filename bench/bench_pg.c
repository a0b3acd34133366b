/* bench_pg - what the PostgreSQL store's commit costs against plain COPY of the same rows, in the same run.
 *
 *   tools/with_postgres bench_pg [PACKETS_A_COMMIT] [COMMITS]     default 4000 and 25; eight readings a packet
 *
 *   COPY      the rows, binary and ready made, into two tables without any key: all in one transaction
 *   commits   the same COPY, but as many transactions as the store makes
 *   store     commit(): what is new is decided, rows are made, one transaction a batch; nothing is moved meanwhile
 *             These three batch by batch in turns, because a machine is seldom alone.
 *   moving    the same with the mover running, until everything is in the tables by kind and month
 *   again     every packet once more: known, nothing is written
 *
 * Rows are packets and readings. The ratios that count are store : COPY (goal >= 0.7) and the same with moving. */
#include "common.h"
#include "tele/store_pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATIONS = 2000, FACTORS = 8 };

static int per_commit = 4000, commits = 25;
static PGconn *admin, *other; /* COPY in one transaction; in many */
static const char *url;
static char raw[400];

static void must(lf_rc rc, const struct lf_err *err)
{
    if (rc)
        die("postgres", err->msg);
}

/* Batch number c: each station in its turn, each time later than the last. */
static void fill(struct lf_tele_batch *b, int c, int64_t base)
{
    static const char *const factor[FACTORS] = { "w01018", "w01001", "w00000", "w21003", "w21011", "w21001", "w01010", "w01014" };
    lf_tele_batch_reset(b);
    for (int i = 0; i < per_commit; i++) {
        int64_t n = (int64_t)c * per_commit + i, station = n % STATIONS + 1, at = base + n / STATIONS * 1000;
        struct lf_tele_packet *p = lf_tele_add_packet(b);
        size_t first = b->nreading;
        char *own = lf_alloc(&b->arena, sizeof raw);
        memcpy(own, raw, sizeof raw);
        snprintf(own, 40, "##0380QN=2024%013lld", (long long)n);
        *p = (struct lf_tele_packet){ .station = { station },
                                      .grid_code = LF_TEXT("370300"),
                                      .peer = LF_TEXT("10.20.30.40"),
                                      .raw = { own, 380 },
                                      .qn = { own + 9, 17 },
                                      .st = LF_TEXT("32"),
                                      .cn = LF_TEXT("2011"),
                                      .note = LF_TEXT(""),
                                      .received = { at },
                                      .at = { at },
                                      .first = first,
                                      .n = FACTORS };
        for (int f = 0; f < FACTORS; f++)
            *lf_tele_add_reading(b) = (struct lf_tele_reading){ .station = { station },
                                                                .factor = lf_str(factor[f]),
                                                                .kind = LF_TELE_RTD,
                                                                .at = { at },
                                                                .value = (double)(n % 1000) + f * 0.1,
                                                                .vmin = NAN,
                                                                .vmax = NAN,
                                                                .cou = NAN,
                                                                .zs = NAN,
                                                                .flag = LF_TEXT("N") };
    }
}

/* ---- the yardstick ------------------------------------------------------------------------------------ */

static struct pg_copy *packets, *readings;

static void put_packet(struct pg_copy *c, const struct lf_tele_packet *p, int64_t id)
{
    pg_copy_row(c, 14);
    pg_copy_int(c, id);
    pg_copy_int(c, p->station.v);
    pg_copy_int(c, p->received.ms);
    pg_copy_int(c, p->at.ms);
    pg_copy_int(c, 0);
    pg_copy_int(c, 0);
    pg_copy_int(c, id * 77777);
    pg_copy_int(c, (int64_t)p->n);
    pg_copy_text(c, p->qn);
    pg_copy_text(c, p->st);
    pg_copy_text(c, p->cn);
    pg_copy_text(c, p->peer);
    pg_copy_text(c, p->note);
    pg_copy_text(c, p->raw);
}

static void put_reading(struct pg_copy *c, const struct lf_tele_reading *r, int64_t packet)
{
    pg_copy_row(c, 11);
    pg_copy_int(c, r->station.v);
    pg_copy_int(c, r->at.ms);
    pg_copy_int(c, packet);
    pg_copy_real(c, r->value);
    pg_copy_real(c, r->vmin);
    pg_copy_real(c, r->vmax);
    pg_copy_real(c, r->cou);
    pg_copy_real(c, r->zs);
    pg_copy_text(c, r->factor);
    pg_copy_text(c, r->flag);
    pg_copy_small(c, (int)r->kind);
}

/* Ready made, before the clock runs. */
static void prepare(int64_t base)
{
    struct lf_tele_batch b = { 0 };
    packets = lf_new((size_t)commits * sizeof *packets);
    readings = lf_new((size_t)commits * sizeof *readings);
    for (int c = 0; c < commits; c++) {
        fill(&b, c, base);
        pg_copy_begin(&packets[c]);
        pg_copy_begin(&readings[c]);
        for (size_t i = 0; i < b.npacket; i++)
            put_packet(&packets[c], &b.packet[i], (int64_t)c * per_commit + (int64_t)i + 1);
        for (size_t i = 0; i < b.nreading; i++)
            put_reading(&readings[c], &b.reading[i], (int64_t)c * per_commit + (int64_t)i / FACTORS + 1);
        pg_copy_end(&packets[c]);
        pg_copy_end(&readings[c]);
    }
    lf_tele_batch_free(&b);
}

static void copy(PGconn *c, const char *into, const struct pg_copy *part)
{
    enum { PIECE = 256 * 1024 };
    PGresult *r = PQexec(c, into);
    if (PQresultStatus(r) != PGRES_COPY_IN)
        die("copy", PQerrorMessage(c));
    PQclear(r);
    for (size_t at = 0; at < part->n; at += PIECE)
        if (PQputCopyData(c, part->p + at, (int)(part->n - at < PIECE ? part->n - at : PIECE)) != 1)
            die("copy", PQerrorMessage(c));
    PQputCopyEnd(c, NULL);
    r = PQgetResult(c);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        die("copy", PQerrorMessage(c));
    PQclear(r);
    PQclear(PQgetResult(c));
}

#define COPY_PACKETS(table) "COPY " table " (" PG_PACKET ") FROM STDIN (FORMAT binary)"
#define COPY_READINGS(table) "COPY " table " (" PG_READING ", kind) FROM STDIN (FORMAT binary)"

static void sql_on(PGconn *c, const char *text)
{
    struct lf_err err = { 0 };
    must(pg_run(c, text, &err), &err);
}

static void sql(const char *text) { sql_on(admin, text); }

struct cost {
    double took, client, server; /* seconds; of the processor: here, and of the connection's process there */
};

static struct cost cost_now(PGconn *c) { return (struct cost){ now_s(), cpu_s(getpid()), cpu_s(PQbackendPID(c)) }; }

static struct cost since(struct cost began, PGconn *c)
{
    struct cost t = cost_now(c);
    return (struct cost){ t.took - began.took, t.client - began.client, t.server - began.server };
}

static void add_since(struct cost *sum, struct cost began, PGconn *c)
{
    struct cost t = since(began, c);
    sum->took += t.took, sum->client += t.client, sum->server += t.server;
}

static void plain_tables(void)
{
    sql("DROP TABLE IF EXISTS one_packet, one_reading, many_packet, many_reading; CREATE TABLE one_packet (LIKE tele_packet_0); "
        "CREATE TABLE one_reading (LIKE tele_reading_0); CREATE TABLE many_packet (LIKE tele_packet_0); "
        "CREATE TABLE many_reading (LIKE tele_reading_0); CHECKPOINT");
}

static void plain_one(struct cost *sum, int i)
{
    struct cost began = cost_now(admin);
    if (i == 0)
        sql("BEGIN");
    copy(admin, COPY_PACKETS("one_packet"), &packets[i]);
    copy(admin, COPY_READINGS("one_reading"), &readings[i]);
    if (i == commits - 1)
        sql("COMMIT");
    add_since(sum, began, admin);
}

static void plain_many(struct cost *sum, int i)
{
    struct cost began = cost_now(other);
    sql_on(other, "BEGIN");
    copy(other, COPY_PACKETS("many_packet"), &packets[i]);
    copy(other, COPY_READINGS("many_reading"), &readings[i]);
    sql_on(other, "COMMIT");
    add_since(sum, began, other);
}

/* ---- the store ------------------------------------------------------------------------------------------ */

static void empty(void)
{
    sql("TRUNCATE tele_packet, tele_packet_0, tele_packet_1, tele_reading_rtd, tele_reading_0, tele_reading_1, tele_latest, tele_mark; "
        "CHECKPOINT");
}

static struct lf_tele_store *open_store(void)
{
    struct lf_tele_store *s;
    struct lf_err err = { 0 };
    must(lf_tele_pg_open(&s, &(struct lf_tele_pg_config){ .url = url }, &err), &err);
    return s;
}

/* The batch is made before: decoding packets is not the store's. */
static void commit_one(struct lf_tele_store *s, struct cost *sum, struct lf_tele_batch *b, int i, int64_t base)
{
    struct lf_err err = { 0 };
    PGconn *c = ((struct pg_store *)s)->writer;
    fill(b, i, base);
    struct cost began = cost_now(c);
    must(s->ops->commit(s, b, &err), &err);
    add_since(sum, began, c);
}

static struct cost commit_all(struct lf_tele_store *s, int64_t base)
{
    struct lf_tele_batch b = { 0 };
    struct cost all = { 0 };
    for (int i = 0; i < commits; i++)
        commit_one(s, &all, &b, i, base);
    lf_tele_batch_free(&b);
    return all;
}

static int64_t waiting(struct pg_store *s)
{
    pthread_mutex_lock(&s->writing);
    int64_t n = s->waiting[0] + s->waiting[1];
    pthread_mutex_unlock(&s->writing);
    return n;
}

static void wake(struct pg_store *s)
{
    pthread_mutex_lock(&s->wake_lock);
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->wake_lock);
}

struct times {
    struct cost copy, commits, store, moving, again;
};

static void in_turns(struct times *t, int64_t base)
{
    struct lf_tele_batch b = { 0 };
    empty();
    plain_tables();
    struct lf_tele_store *s = open_store();
    struct pg_store *pg = (struct pg_store *)s;
    pthread_mutex_lock(&pg->moving); /* nothing is moved */
    for (int i = 0; i < commits; i++) {
        plain_one(&t->copy, i);
        plain_many(&t->commits, i);
        commit_one(s, &t->store, &b, i, base);
    }
    pthread_mutex_unlock(&pg->moving);
    lf_tele_store_close(s);
    lf_tele_batch_free(&b);
}

static void with_moving(struct times *t, int64_t base)
{
    empty();
    struct lf_tele_store *s = open_store();
    struct pg_store *pg = (struct pg_store *)s;
    double began = now_s();
    t->moving = commit_all(s, base);
    while (waiting(pg)) {
        wake(pg);
        usleep(5000);
    }
    t->moving.took = now_s() - began;
    t->again = commit_all(s, base);
    lf_tele_store_close(s);
}

static void say(const char *what, double rows, struct cost c, double yardstick)
{
    printf("%-8s %9.0f rows/s   processor %4.2f us a row here, %4.2f there", what, rows / c.took, c.client / rows * 1e6,
           c.server / rows * 1e6);
    if (yardstick > 0)
        printf("   %.2f of COPY", yardstick / c.took);
    printf("\n");
}

int main(int argc, char **argv)
{
    struct lf_err err = { 0 };
    struct lf_db *db;
    struct times t = { 0 };
    url = getenv("LANFAN_TEST_PG");
    if (!url) {
        printf("skipped: run it through tools/with_postgres\n");
        return 77;
    }
    per_commit = argc > 1 ? atoi(argv[1]) : per_commit;
    commits = argc > 2 ? atoi(argv[2]) : commits;
    memset(raw, 'x', sizeof raw);
    must(lf_db_open(&db, &(struct lf_db_config){ .url = url, .readers = 1 }, &err), &err);
    must(lf_db_migrate_in(db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, &err), &err);
    lf_db_close(db);
    must(pg_connect(url, &admin, &err), &err);
    int64_t base = lf_day_start(lf_day_ymd(2024, 3, 11)).ms;
    prepare(base);
    must(pg_connect(url, &other, &err), &err);
    in_turns(&t, base);
    with_moving(&t, base);
    double rows = (double)per_commit * commits * (1 + FACTORS);
    printf("%d packets with %d readings a commit, %d commits\n", per_commit, FACTORS, commits);
    say("COPY", rows, t.copy, 0);
    say("commits", rows, t.commits, t.copy.took);
    say("store", rows, t.store, t.copy.took);
    say("moving", rows, t.moving, t.copy.took);
    say("again", rows, t.again, t.copy.took);
    printf("ratio    store : COPY = %.2f   goal >= 0.70\n", t.copy.took / t.store.took);
    printf("ratio    with moving into keyed tables by month : COPY = %.2f\n", t.copy.took / t.moving.took);
    PQfinish(admin);
    PQfinish(other);
    return 0;
}
