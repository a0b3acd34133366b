/* The PostgreSQL store, what it alone does: moving what has arrived, taking an SQLite store over, being the only writer, and a commit whose
 * answer is lost on the way. Skipped without LANFAN_TEST_PG. */
#include "base/testing.h"
#include "db/testing.h"
#include "tele/store_pg.h"

#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static struct lf_test_db at, old;
static struct lf_tele_store *store;
static struct lf_arena arena;
static struct lf_tele_batch batch;
static struct lf_err err;
static int64_t base_ms;

#define OK(call) \
    do { \
        if ((call) < 0) \
            fail_msg("%s: %s", #call, err.msg); \
    } while (0)

static void migrate(void)
{
    struct lf_db *db;
    OK(lf_db_open(&db, &(struct lf_db_config){ .url = at.url, .readers = 1 }, &err));
    OK(lf_db_migrate_in(db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, &err));
    lf_db_close(db);
}

static int open_store(void **state)
{
    lf_test_db_new(&at, true);
    migrate();
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url }, &err));
    base_ms = lf_day_start(lf_day_ymd(2024, 3, 31)).ms;
    return 0;
}

static int close_store(void **state)
{
    lf_tele_store_close(store);
    store = NULL;
    lf_tele_batch_free(&batch);
    lf_arena_free(&arena);
    lf_test_db_drop(&at);
    return 0;
}

/* One packet with one reading of the day's minute n. */
static void add(int64_t n, double value)
{
    struct lf_tele_packet *p = lf_tele_add_packet(&batch);
    lf_text none = LF_TEXT("");
    *p = (struct lf_tele_packet){ .station = { 1 },
                                  .grid_code = none,
                                  .peer = none,
                                  .qn = lf_str(lf_printf(&batch.arena, "20240331%09lld", (long long)n)),
                                  .st = LF_TEXT("32"),
                                  .cn = LF_TEXT("2051"),
                                  .note = none,
                                  .received = { base_ms },
                                  .at = { base_ms + n * 60000 },
                                  .first = batch.nreading,
                                  .n = 1 };
    p->raw = lf_str(lf_printf(&batch.arena, "##%lld %s", (long long)n, value < 0 ? "again" : ""));
    *lf_tele_add_reading(&batch) = (struct lf_tele_reading){ .station = { 1 },
                                                             .factor = LF_TEXT("w01018"),
                                                             .kind = LF_TELE_MIN,
                                                             .at = { base_ms + n * 60000 },
                                                             .value = value,
                                                             .vmin = NAN,
                                                             .vmax = NAN,
                                                             .cou = NAN,
                                                             .zs = NAN };
}

static size_t fresh(void)
{
    size_t n = 0;
    for (size_t i = 0; i < batch.nreading; i++)
        n += batch.reading[i].fresh;
    return n;
}

static lf_rc commit(void) { return store->ops->commit(store, &batch, &err); }

static int64_t ask(const char *sql)
{
    PGconn *c = NULL;
    PGresult *r = NULL;
    if (pg_connect(at.url, &c, &err) || pg_ask(c, sql, NULL, 0, &r, &err))
        fail_msg("%s", err.msg);
    int64_t n = PQntuples(r) ? pg_int(r, 0, 0) : -1;
    PQclear(r);
    PQfinish(c);
    return n;
}

static bool becomes(const char *sql, int64_t want)
{
    for (int i = 0; i < 1200 && ask(sql) != want; i++) /* a cluster takes its time to make many months */
        pause_ms(50);
    return ask(sql) == want;
}

static size_t packets(void)
{
    struct lf_tele_stored_packet *p;
    size_t n;
    OK(store->ops->packets_after(store, &arena, (lf_id){ 0 }, 1000000, &p, &n, &err));
    for (size_t i = 1; i < n; i++)
        assert_true(p[i].id.v > p[i - 1].id.v);
    return n;
}

/* ---- the mover ------------------------------------------------------------------------------------------ */

static void months_are_made_and_filled(void **state)
{
    for (int64_t i = 0; i < 100; i++)
        add(1400 + i, (double)i); /* over midnight of the 31st */
    add(-60 * 24 * 400, 7);       /* a month that nobody expected */
    OK(commit());
    assert_true(becomes("SELECT count(*) FROM tele_reading_0", 0));
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min_2024_03"), 40);
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min_2024_04"), 60);
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min_2023_02"), 1);
    assert_int_equal(ask("SELECT count(*) FROM tele_packet_2024_04"), 60);
    assert_int_equal(ask("SELECT value::int8 FROM tele_latest"), 99);
    /* this month and the next are there already */
    assert_int_equal(ask("SELECT count(*) FROM pg_inherits WHERE inhparent = 'tele_reading_day'::regclass"), 4);
    assert_int_equal(packets(), 101);
}

static void a_hundred_months(void **state)
{
    for (int64_t i = 0; i < 600; i++) { /* ten years back, five kinds */
        add(-60 * 24 * 31 * (i % 120) - i, (double)i);
        batch.reading[batch.nreading - 1].kind = (enum lf_tele_kind)(i / 120);
    }
    OK(commit());
    assert_true(becomes("SELECT count(*) FROM tele_reading_0", 0));
    assert_int_equal(packets(), 600);
    assert_true(ask("SELECT count(*) FROM pg_inherits") > 600);
}

static void packets_without_time(void **state)
{
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 3; i++) {
            add(i, 1);
            batch.packet[batch.npacket - 1].at.ms = 0;
            batch.packet[batch.npacket - 1].n = 0;
        }
        OK(commit());
        assert_true(round == 0 || (batch.packet[0].duplicate && batch.packet[2].duplicate));
        lf_tele_batch_reset(&batch);
        assert_true(becomes("SELECT count(*) FROM tele_packet_old", 3));
    }
    assert_int_equal(packets(), 3);
}

/* Readers go on while rows move: each sees every row, once. */
static void nothing_flickers(void **state)
{
    for (int64_t n = 0; n < 40; n++) {
        for (int64_t i = 0; i < 50; i++)
            add(n * 50 + i, 1);
        OK(commit());
        lf_tele_batch_reset(&batch);
        pthread_mutex_lock(&((struct pg_store *)store)->wake_lock);
        pthread_cond_signal(&((struct pg_store *)store)->wake);
        pthread_mutex_unlock(&((struct pg_store *)store)->wake_lock);
        for (int k = 0; k < 5; k++)
            assert_int_equal(packets(), (n + 1) * 50);
        lf_arena_reset(&arena);
    }
    assert_true(((struct pg_store *)store)->moves > 2);
}

/* The data are of 2024: minutes and packets are too old, the hour is kept for ever. */
static void what_is_too_old_goes(void **state)
{
    for (int64_t i = 0; i < 100; i++)
        add(1400 + i, (double)i);
    add(1, 1);
    batch.reading[batch.nreading - 1].kind = LF_TELE_HOUR;
    add(2, 1);
    batch.packet[batch.npacket - 1].at.ms = 0;
    for (int i = 0; i < 3; i++)
        *lf_tele_add_reject(&batch) = (struct lf_tele_reject){ .received = { i == 2 ? lf_now().ms : base_ms },
                                                               .peer = LF_TEXT(""),
                                                               .mn = LF_TEXT("M9"),
                                                               .cn = LF_TEXT(""),
                                                               .detail = LF_TEXT(""),
                                                               .raw = LF_TEXT("x") };
    OK(commit());
    assert_true(becomes("SELECT count(*) FROM tele_reading_0", 0));
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min"), 101);
    lf_tele_store_close(store);
    const struct lf_tele_keep keep = { .days = { [LF_TELE_MIN] = 31 }, .packets = 60, .refused = 183 };
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url, .keep = keep }, &err));
    assert_true(becomes("SELECT count(*) FROM tele_refused", 1));
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min"), 0);
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_hour"), 1);
    assert_int_equal(ask("SELECT count(*) FROM tele_packet"), 0);
    assert_int_equal(((struct pg_store *)store)->dropped, 4);
    lf_tele_batch_reset(&batch);
    add(5000, 1); /* ids go on, and the month comes again when it is needed */
    OK(commit());
    assert_int_equal(batch.reading[0].packet, 103);
    assert_true(becomes("SELECT count(*) FROM tele_reading_min", 1));
}

/* Only those replaced long ago, of all stations. */
static void corrections_go(void **state)
{
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 40; i++) {
            add(i, (double)(round * 100 + (int)i));
            batch.packet[i].station.v = batch.reading[i].station.v = i % 8 + 1;
            batch.packet[i].raw = lf_str(lf_printf(&batch.arena, "##%lld %d", (long long)i, round));
        }
        OK(commit());
        lf_tele_batch_reset(&batch);
    }
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_was"), 40);
    ask("WITH u AS (UPDATE tele_reading_was SET replaced = 0 WHERE station_id < 7 RETURNING 1) SELECT count(*) FROM u");
    lf_tele_store_close(store);
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url, .keep = { .corrections = 31 } }, &err));
    assert_true(becomes("SELECT count(*) FROM tele_reading_was", 10));
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_was WHERE station_id >= 7"), 10);
}

/* A packet is passed on when its commit was answered and not before, even when it can be seen. */
static void nothing_is_seen_early(void **state)
{
    add(1, 1);
    OK(commit());
    ask("WITH i AS (INSERT INTO tele_packet SELECT 1000, 1, 0, 5, 0, 0, 0, 0, '', '', '', '', '', '' RETURNING 1) SELECT count(*) FROM i");
    assert_int_equal(packets(), 1);
}

static void one_writer(void **state)
{
    struct lf_tele_store *second = NULL;
    assert_int_equal(lf_tele_pg_open(&second, &(struct lf_tele_pg_config){ .url = at.url }, &err), LF_EDB);
    assert_non_null(strstr(err.msg, "another server"));
    assert_null(second);
}

/* ---- a connection that ends ------------------------------------------------------------------------------- */

/* Of this test's store only: others use the same server. */
static void cut(const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '%s' AND state = 'idle'", name);
    assert_true(ask(sql) > 0);
}

static void a_cut_connection_comes_back(void **state)
{
    char url[700], name[40];
    snprintf(name, sizeof name, "cut_%d", (int)getpid());
    snprintf(url, sizeof url, "%s&application_name=%s", at.url, name);
    lf_tele_store_close(store);
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = url }, &err));
    for (int64_t i = 0; i < 5; i++) {
        add(i, 5);
        cut(name);
        for (int try = 0; commit() != LF_OK; try++)
            if (err.rc != LF_EDB || try == 100)
                fail_msg("%s", err.msg);
        assert_int_equal(fresh(), 1);
        lf_tele_batch_reset(&batch);
        assert_int_equal(packets(), i + 1); /* the reading connection was cut too */
    }
}

/* Between the store and the server: passes everything on until the server says that it has committed, and cuts there. */
struct proxy {
    int listens, port, to_port;
    pthread_t thread;
    atomic_bool swallow, swallowed; /* each connection has a thread */
};

static bool pass(int from, int to, struct proxy *p, bool answers)
{
    char buf[16384];
    ssize_t n = read(from, buf, sizeof buf);
    if (answers && p->swallow && n > 0 &&
        memmem(buf, (size_t)n,
               "C\0\0\0\x0b"
               "COMMIT",
               11)) {
        p->swallow = false;
        p->swallowed = true;
        return false;
    }
    return n > 0 && write(to, buf, (size_t)n) == n;
}

static void serve(struct proxy *p, int client)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p->to_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int server = socket(AF_INET, SOCK_STREAM, 0);
    bool on = connect(server, (const struct sockaddr *)&a, sizeof a) == 0;
    while (on) {
        struct pollfd f[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
        poll(f, 2, -1);
        on = (!f[0].revents || pass(client, server, p, false)) && (!f[1].revents || pass(server, client, p, true));
    }
    close(client);
    close(server);
}

struct served {
    struct proxy *p;
    int client;
};

static void *serve_main(void *user)
{
    struct served s = *(struct served *)user;
    lf_release(user);
    serve(s.p, s.client);
    return NULL;
}

static void *proxy_main(void *user)
{
    struct proxy *p = user;
    for (int client; (client = accept(p->listens, NULL, NULL)) >= 0;) {
        pthread_t t;
        struct served *s = lf_new(sizeof *s);
        *s = (struct served){ p, client };
        pthread_create(&t, NULL, serve_main, s);
        pthread_detach(t);
    }
    return NULL;
}

static void proxy_start(struct proxy *p, int to_port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    p->listens = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listens, (const struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(p->listens, 16), 0);
    getsockname(p->listens, (struct sockaddr *)&a, &n);
    p->port = ntohs(a.sin_port);
    p->to_port = to_port;
    pthread_create(&p->thread, NULL, proxy_main, p);
}

static int port_of(const char *url)
{
    int port = 5432;
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    for (int i = 0; o && o[i].keyword; i++)
        if (!strcmp(o[i].keyword, "port") && o[i].val)
            port = atoi(o[i].val);
    PQconninfoFree(o);
    return port;
}

static void an_answer_that_is_lost(void **state)
{
    static struct proxy p; /* the store's connections, and their threads, end after this function */
    char url[700], from[16], *colon;
    int port = port_of(at.url);
    proxy_start(&p, port);
    snprintf(from, sizeof from, ":%d/", port);
    if (!(colon = strstr(at.url, from)))
        skip();
    snprintf(url, sizeof url, "%.*s:%d/%s", (int)(colon - at.url), at.url, p.port, colon + strlen(from));
    lf_tele_store_close(store);
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = url }, &err));
    add(1, 5);
    add(2, 6);
    p.swallow = true;
    assert_int_equal(commit(), LF_EDB);
    assert_true(p.swallowed);
    OK(commit()); /* the same batch once more: it is known that it went in, and what was new stays new */
    assert_true(!batch.packet[0].duplicate && !batch.packet[1].duplicate);
    assert_int_equal(fresh(), 2);
    assert_int_equal(packets(), 2);
    OK(commit()); /* and once more as a batch of its own: nothing new */
    assert_true(batch.packet[0].duplicate && batch.packet[1].duplicate && fresh() == 0);
    lf_tele_batch_reset(&batch);
    add(3, 7);
    OK(commit());
    assert_int_equal(packets(), 3);
    shutdown(p.listens, SHUT_RDWR);
    pthread_join(p.thread, NULL);
    close(p.listens);
}

/* ---- Citus: tools/with_citus ------------------------------------------------------------------------------- */

static bool on_citus(void)
{
    return ask("SELECT count(*) FROM pg_extension WHERE extname = 'citus'") > 0 &&
           ask("SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = to_regclass('tele_packet_0')") > 0;
}

static void run_on(const char *url, const char *sql)
{
    PGconn *c = NULL;
    if (pg_connect(url, &c, &err) || pg_run(c, sql, &err))
        fail_msg("%s: %s", sql, err.msg);
    PQfinish(c);
}

/* A text that the coordinator makes of what it knows of the shard of station 1. */
static void of_shard(char *out, size_t n, const char *what)
{
    char sql[900];
    PGconn *c = NULL;
    PGresult *r = NULL;
    snprintf(sql, sizeof sql,
             "SELECT %s FROM pg_dist_placement JOIN pg_dist_node USING (groupid) WHERE shardid = "
             "get_shard_id_for_distribution_column('tele_packet_0', 1)",
             what);
    if (pg_connect(at.url, &c, &err) || pg_ask(c, sql, NULL, 0, &r, &err))
        fail_msg("%s: %s", sql, err.msg);
    assert_int_equal(PQntuples(r), 1);
    snprintf(out, n, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    PQfinish(c);
}

/* The coordinator has committed and was cut off before it told the node, as after a crash: a move that does not see these rows must not
 * empty the table over them. */
static void a_commit_that_a_node_missed(void **state)
{
    char node[300], sql[600];
    if (!on_citus())
        skip();
    lf_tele_store_close(store);
    store = NULL;
    of_shard(node, sizeof node, "format('postgresql://%s@%s:%s/%s', current_user, nodename, nodeport, current_database())");
    of_shard(sql, sizeof sql,
             "format($f$SET citus.enable_manual_changes_to_shards = on; BEGIN; INSERT INTO %I.tele_packet_0_%s "
             "SELECT 1, 1, 5, 5, 0, 0, 0, 0, '', '', '', '', '', ''; PREPARE TRANSACTION 'citus_0_1_1_1'$f$, current_schema(), shardid)");
    run_on(node, sql);
    of_shard(sql, sizeof sql, "format($f$INSERT INTO pg_dist_transaction (groupid, gid) VALUES (%s, 'citus_0_1_1_1')$f$, groupid)");
    run_on(at.url, sql);
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url }, &err));
    assert_int_equal(ask("SELECT count(*) FROM tele_packet"), 1);
    assert_int_equal(packets(), 1);
}

/* ---- an earlier store ---------------------------------------------------------------------------------------- */

static void sqlite_is_taken_over(void **state)
{
    struct lf_db *db;
    struct lf_tele_store *from;
    struct lf_tele_stored_packet *a, *b;
    struct lf_tele_correction *c;
    size_t na, nb, nc;
    lf_test_db_new(&old, false);
    OK(lf_db_open(&db, &(struct lf_db_config){ .url = old.url }, &err));
    OK(lf_db_migrate(db, lf_tele_migrations, lf_tele_migration_count, NULL, &err));
    OK(lf_tele_sql_open(&from, db, &err));
    for (int64_t i = 0; i < 5000; i++)
        add(i % 4990, i < 4990 ? (double)i : -1); /* the last ten correct */
    *lf_tele_add_reject(&batch) = (struct lf_tele_reject){
        .peer = LF_TEXT(""), .mn = LF_TEXT("M9"), .cn = LF_TEXT(""), .detail = LF_TEXT(""), .raw = LF_TEXT("x"), .quarantine = true
    };
    OK(from->ops->commit(from, &batch, &err));
    lf_tele_store_close(store);
    OK(lf_tele_pg_take(at.url, db, &err));
    OK(lf_tele_pg_take(at.url, db, &err)); /* twice is once */
    OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url }, &err));
    OK(from->ops->packets_after(from, &arena, (lf_id){ 0 }, 10000, &a, &na, &err));
    OK(store->ops->packets_after(store, &arena, (lf_id){ 0 }, 10000, &b, &nb, &err));
    assert_true(na == 5000 && nb == 5000);
    for (size_t i = 0; i < na; i++)
        assert_true(a[i].id.v == b[i].id.v && a[i].at.ms == b[i].at.ms && lf_text_eq(a[i].raw, b[i].raw) && lf_text_eq(a[i].qn, b[i].qn));
    OK(store->ops->corrections(store, &arena, (lf_id){ 1 }, 100, &c, &nc, &err));
    assert_true(nc == 10 && c[0].was.value == 9 && c[0].by_packet.v == 5000);
    assert_int_equal(ask("SELECT count(*) FROM tele_reading_min"), 4990);
    assert_int_equal(ask("SELECT count(*) FROM tele_quarantine WHERE mn = 'M9' AND raw = 'x'"), 1);
    OK(commit()); /* the same batch: all known */
    assert_true(batch.packet[0].duplicate && batch.packet[4999].duplicate && fresh() == 0);
    lf_tele_batch_reset(&batch);
    add(6000, 1);
    OK(commit());
    assert_int_equal(batch.reading[0].packet, 5001);
    assert_int_equal(ask("WITH u AS (UPDATE tele_state SET taken = NULL RETURNING 1) SELECT count(*) FROM u"), 1);
    assert_int_equal(lf_tele_pg_take(at.url, db, &err), LF_ECONFLICT); /* there is other telemetry */
    lf_tele_store_close(from);
    lf_db_close(db);
    lf_test_db_drop(&old);
}

int main(void)
{
#define ON(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
    const struct CMUnitTest tests[] = { ON(months_are_made_and_filled),
                                        ON(a_hundred_months),
                                        ON(packets_without_time),
                                        ON(nothing_flickers),
                                        ON(one_writer),
                                        ON(what_is_too_old_goes),
                                        ON(corrections_go),
                                        ON(nothing_is_seen_early),
                                        ON(a_cut_connection_comes_back),
                                        ON(an_answer_that_is_lost),
                                        ON(a_commit_that_a_node_missed),
                                        ON(sqlite_is_taken_over) };
    if (!lf_test_db_there(true))
        return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
