/* The stores: what a commit keeps, what it knows again, what it corrects; on SQLite; on PostgreSQL when LANFAN_TEST_PG names one, with what
 * has arrived still there or moved already; and on files: in memory and journal only, sealed after every commit, and closed and
 * opened again after every commit. */
#include "db/testing.h"
#include "tele/admit.h"
#include "tele/log/store.h"
#include "tele/store_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct lf_db *db;
static struct lf_tele_store *store;
static struct lf_directory *directory;
static struct lf_arena arena;
static struct lf_test_db at;
static bool seal;            /* files: after every commit */
static void (*reopen)(void); /* after every commit */
static lf_ms now;

#define OK(call) \
    do { \
        struct lf_err err = { 0 }; \
        if ((call) < 0) \
            fail_msg("%s: %s", #call, err.msg); \
    } while (0)

static void make_stations(void)
{
    const struct lf_tele_station list[] = { { .id = { 1 }, .mn = LF_TEXT("M1"), .grid_code = LF_TEXT("3301") },
                                            { .id = { 2 }, .mn = LF_TEXT("M2"), .grid_code = LF_TEXT("3302") } };
    directory = lf_directory_make(list, LF_COUNT(list));
    lf_ms_parse_compact(LF_TEXT("20240311120000"), &now);
}

static int open_sqlite(void **state)
{
    lf_test_db_new(&at, false);
    OK(lf_db_open(&db, &(struct lf_db_config){ .url = at.url, .readers = 2 }, &err));
    OK(lf_db_migrate(db, lf_tele_migrations, lf_tele_migration_count, NULL, &err));
    OK(lf_tele_sql_open(&store, db, &err));
    make_stations();
    return 0;
}

static void open_pg(void) { OK(lf_tele_pg_open(&store, &(struct lf_tele_pg_config){ .url = at.url }, &err)); }

static int open_postgres(void **state)
{
    struct lf_db *once;
    lf_test_db_new(&at, true);
    OK(lf_db_open(&once, &(struct lf_db_config){ .url = at.url, .readers = 1 }, &err));
    OK(lf_db_migrate_in(once, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, &err));
    lf_db_close(once);
    make_stations();
    open_pg();
    return 0;
}

/* Opened anew it knows only what the database knows, and everything that had arrived is moved. */
static int open_moved(void **state)
{
    reopen = open_pg;
    return open_postgres(state);
}

static void open_log(void) { OK(lf_tele_log_open(&store, &(struct lf_tele_log_config){ .dir = at.dir, .by_hand = true }, &err)); }

static int open_files(void **state)
{
    lf_test_db_new(&at, false);
    make_stations();
    open_log();
    return 0;
}

static int open_sealed(void **state)
{
    seal = true;
    return open_files(state);
}

static int open_reopened(void **state)
{
    reopen = open_log;
    return open_files(state);
}

static int close_store(void **state)
{
    lf_tele_store_close(store);
    lf_db_close(db);
    lf_directory_unref(directory);
    lf_arena_free(&arena);
    lf_test_db_drop(&at);
    db = NULL;
    seal = false;
    reopen = NULL;
    return 0;
}

static struct lf_tele_batch batch;

/* Puts a segment into the batch as the listener would. */
static void add(const char *fmt, ...) LF_PRINTF(1, 2);
static void add(const char *fmt, ...)
{
    char s[1100];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s, sizeof s, fmt, ap);
    va_end(ap);
    struct lf_admit a = { .directory = directory,
                          .frame = lf_str(s),
                          .segment = lf_str(s),
                          .peer = LF_TEXT("10.0.0.1"),
                          .now = now,
                          .ahead_ms = 600000,
                          .age_ms = 366LL * LF_DAY_MS };
    assert_int_equal(lf_admit(&a, &batch), LF_ADMIT_TAKEN);
}

static void commit(void)
{
    OK(store->ops->commit(store, &batch, &err));
    if (seal)
        OK(lf_tele_log_work(store, &err));
    if (reopen) {
        lf_tele_store_close(store);
        reopen();
    }
}

static size_t fresh(void)
{
    size_t n = 0;
    for (size_t i = 0; i < batch.nreading; i++)
        n += batch.reading[i].fresh;
    return n;
}

static void next(void)
{
    lf_tele_batch_free(&batch);
    lf_arena_reset(&arena);
}

static bool add_one(void *user, const struct lf_tele_reading *r)
{
    ++*(int64_t *)user;
    return true;
}

/* What the tables of SQL would have, by what a store can be asked. */
static int64_t count_files(const char *table)
{
    struct lf_tele_stored_packet *p;
    struct lf_tele_correction *c;
    struct lf_tele_latest *l;
    int64_t packets = 0, readings = 0, was = 0, latest = 0;
    size_t n;
    OK(store->ops->packets_after(store, &arena, (lf_id){ 0 }, 100000, &p, &n, &err));
    packets = (int64_t)n;
    for (int64_t station = 1; station <= 2; station++) {
        OK(store->ops->corrections(store, &arena, (lf_id){ station }, 1000, &c, &n, &err));
        was += (int64_t)n;
        OK(store->ops->latest(store, &arena, (lf_id){ station }, &l, &n, &err));
        latest += (int64_t)n;
        for (size_t i = 0; i < n; i++) {
            struct lf_tele_series q = {
                .station = { station }, .factor = l[i].r.factor, .kind = l[i].r.kind, .to = { now.ms + LF_DAY_MS }
            };
            OK(store->ops->scan(store, &q, add_one, &readings, &err));
        }
    }
    return strcmp(table, "packet") == 0 ? packets : strcmp(table, "reading") == 0 ? readings : strcmp(table, "latest") == 0 ? latest : was;
}

static int64_t count(const char *table)
{
    if (!db)
        return count_files(table);
    struct lf_ctx cx = { .db = db };
    struct lf_val v = { .t = LF_T_INT };
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
    if (rc >= 0)
        rc = lf_tx_end(&cx, lf_sql_one(&cx, sql, NULL, 0, &v, 1));
    lf_arena_free(&cx.arena);
    return rc < 0 ? -1 : v.i;
}

static double latest_of(int64_t station, const char *factor, enum lf_tele_kind kind)
{
    struct lf_tele_latest *l;
    size_t n;
    OK(store->ops->latest(store, &arena, (lf_id){ station }, &l, &n, &err));
    for (size_t i = 0; i < n; i++)
        if (lf_text_is(l[i].r.factor, factor) && l[i].r.kind == kind)
            return l[i].r.value;
    return NAN;
}

static size_t series(int64_t station, const char *factor, enum lf_tele_kind kind, struct lf_tele_point **p)
{
    size_t n;
    struct lf_tele_series q = {
        .station = { station }, .factor = lf_str(factor), .kind = kind, .from = { 0 }, .to = { now.ms + LF_DAY_MS }
    };
    OK(store->ops->series(store, &arena, &q, p, &n, &err));
    return n;
}

#define RTD "QN=20240311%s;ST=32;CN=2011;MN=M1;Flag=5;CP=&&DataTime=20240311%s;w01018-Rtd=%s,w01018-Flag=N;w01001-Rtd=7.5&&"
#define HOUR "QN=20240311%s;ST=32;CN=2061;MN=M1;Flag=5;CP=&&DataTime=202403110%d0000;w01018-Avg=%s,w01018-Min=1,w01018-Max=9,w01018-Cou=3&&"

static void a_batch_is_kept(void **state)
{
    struct lf_tele_point *p;
    struct lf_tele_stored_packet *k, one;
    size_t n;
    add(RTD, "100000000", "100000", "40.5");
    add(RTD, "100100000", "100100", "--");
    add("QN=20240311100200000;ST=22;CN=2011;MN=M2;Flag=5;CP=&&DataTime=20240311100200;SO2-Rtd=12.25&&");
    add("QN=20240311100200000;ST=22;CN=3020;MN=M2;Flag=5;CP=&&DataTime=20240311100200;i11001-Info=//\xe6\xb8\x85\xff//&&"); /* not UTF-8: bytes are bytes */
    batch.packet[2].raw = (lf_text){ "a\0b", 3 };
    commit();
    assert_int_equal(fresh(), 5);
    next();
    assert_true(count("packet") == 4 && count("reading") == 5 && count("reading_was") == 0);
    assert_true(!db || count("contact") == 2);
    assert_int_equal(series(1, "w01018", LF_TELE_RTD, &p), 2);
    assert_true(p[0].value == 40.5 && isnan(p[1].value) && lf_text_is(p[1].flag, "N"));
    assert_int_equal(p[1].at.ms - p[0].at.ms, 60000);
    assert_true(isnan(latest_of(1, "w01018", LF_TELE_RTD)) && latest_of(2, "a21026", LF_TELE_RTD) == 12.25);
    OK(store->ops->packets(store, &arena, (lf_id){ 2 }, (lf_id){ 0 }, 10, &k, &n, &err));
    assert_true(n == 2 && lf_text_is(k[0].cn, "3020") && k[1].raw.n == 3 && memcmp(k[1].raw.p, "a\0b", 3) == 0 && k[1].readings == 1);
    assert_non_null(memmem(k[0].raw.p, k[0].raw.n, "\xb8\x85\xff//", 5));
    OK(store->ops->packet(store, &arena, k[1].id, &one, &err));
    assert_true(one.id.v == k[1].id.v && lf_text_is(one.peer, "10.0.0.1") && lf_text_is(one.qn, "20240311100200000"));
    OK(store->ops->packets(store, &arena, (lf_id){ 0 }, k[1].id, 10, &k, &n, &err));
    assert_int_equal(n, 2); /* all stations, the older ones */
    lf_id second = k[0].id;
    OK(store->ops->packets_after(store, &arena, (lf_id){ 0 }, 2, &k, &n, &err));
    assert_true(n == 2 && k[0].id.v < k[1].id.v && k[1].id.v == second.v && k[1].raw.n > 0); /* all stations, oldest first */
    OK(store->ops->packets_after(store, &arena, second, 10, &k, &n, &err));
    assert_true(n == 2 && k[0].id.v > second.v && k[1].id.v > k[0].id.v);
    OK(store->ops->packets_after(store, &arena, k[1].id, 10, &k, &n, &err));
    assert_int_equal(n, 0);
    struct lf_err err = { 0 };
    assert_int_equal(store->ops->packet(store, &arena, (lf_id){ 999999 }, &one, &err), LF_ENOTFOUND);
}

static void the_same_again_is_known(void **state)
{
    add(RTD, "100000000", "100000", "40.5");
    commit();
    next();
    add(RTD, "100000000", "100000", "40.5"); /* the same packet */
    add(RTD, "100100000", "100100", "41");
    add(RTD, "100100000", "100100", "41");   /* twice in one batch */
    add(RTD, "100000001", "100000", "40.5"); /* the same values under another number */
    commit();
    assert_true(batch.packet[0].duplicate && !batch.packet[1].duplicate && batch.packet[2].duplicate && !batch.packet[3].duplicate);
    assert_int_equal(fresh(), 2);
    assert_int_equal(batch.corrected, 0);
    next();
    assert_true(count("packet") == 3 && count("reading") == 4 && count("reading_was") == 0);
    assert_true(!db || count("incoming") == 0);
    add(RTD, "100000000", "100000", "40.5"); /* nothing but what is there */
    commit();
    assert_true(batch.packet[0].duplicate && fresh() == 0);
    next();
}

static void another_value_is_a_correction(void **state)
{
    struct lf_tele_correction *c;
    struct lf_tele_point *p;
    size_t n;
    add(HOUR, "090000000", 8, "5");
    commit();
    next();
    add(HOUR, "090000001", 8, "6");
    add(HOUR, "090000002", 8, "7"); /* and again in the same batch */
    add(HOUR, "100000000", 9, "1");
    commit();
    assert_int_equal(batch.corrected, 2);
    assert_int_equal(fresh(), 3);
    next();
    assert_int_equal(series(1, "w01018", LF_TELE_HOUR, &p), 2);
    assert_true(p[0].value == 7 && p[0].vmin == 1 && p[0].vmax == 9);
    OK(store->ops->corrections(store, &arena, (lf_id){ 1 }, 10, &c, &n, &err));
    assert_int_equal(n, 2);
    assert_true(c[0].was.value == 6 && c[1].was.value == 5 && c[0].by_packet.v > c[1].by_packet.v && c[1].was.cou == 3);
    assert_true(latest_of(1, "w01018", LF_TELE_HOUR) == 1); /* nine o'clock: correcting eight does not change it */
    add(HOUR, "100000001", 9, "2");
    commit();
    next();
    assert_true(latest_of(1, "w01018", LF_TELE_HOUR) == 2); /* correcting nine does */
    add(HOUR, "070000000", 6, "3");                         /* late: six */
    commit();
    next();
    assert_true(latest_of(1, "w01018", LF_TELE_HOUR) == 2);
    add("QN=20240311110000000;ST=32;CN=2061;MN=M1;Flag=5;CP=&&DataTime=20240311090000;w01018-Flag=D&&"); /* the value is taken back */
    commit();
    assert_int_equal(batch.corrected, 1);
    next();
    assert_true(isnan(latest_of(1, "w01018", LF_TELE_HOUR)));
    assert_int_equal(count("reading_was"), 4);
}

struct scanned {
    struct lf_tele_reading r[4];
    size_t n, most;
};

static bool keep_scanned(void *user, const struct lf_tele_reading *r)
{
    struct scanned *s = user;
    s->r[s->n] = *r;
    s->r[s->n].flag = lf_text_copy(&arena, r->flag);
    return ++s->n < s->most;
}

/* In order of time whatever the order of arrival; [from, to); stops when told. On any store. */
static void check_scan(struct lf_tele_store *on)
{
    struct scanned all = { .most = 4 }, two = { .most = 2 };
    struct lf_tele_series q = { .station = { 1 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_HOUR, .to = { now.ms } };
    OK(on->ops->scan(on, &q, keep_scanned, &all, &err));
    assert_int_equal(all.n, 3);
    assert_true(all.r[0].value == 6 && all.r[1].value == 7 && all.r[2].value == 9);
    assert_true(all.r[0].at.ms < all.r[1].at.ms && all.r[1].at.ms < all.r[2].at.ms && all.r[2].at.ms < now.ms);
    assert_true(all.r[1].cou == 3 && all.r[1].vmin == 1 && all.r[1].vmax == 9 && isnan(all.r[1].zs) && !all.r[1].flag.p);
    OK(on->ops->scan(on, &q, keep_scanned, &two, &err));
    assert_int_equal(two.n, 2);
    q.from = all.r[1].at, q.to = all.r[2].at;
    struct scanned part = { .most = 4 };
    OK(on->ops->scan(on, &q, keep_scanned, &part, &err));
    assert_true(part.n == 1 && part.r[0].value == 7);
}

static void scan_in_order(void **state)
{
    struct memory_store *memory = memory_store_new();
    add(HOUR, "110000000", 9, "9");
    add(HOUR, "110000001", 6, "6");
    add(HOUR, "110000002", 7, "7");
    add(RTD, "110000003", "070000", "40.5");
    commit();
    check_scan(store);
    OK(memory->base.ops->commit(&memory->base, &batch, &err));
    check_scan(&memory->base);
    memory_store_free(memory);
    next();
}

static void split_messages(void **state)
{
    struct lf_tele_gap *g;
    size_t n;
    for (int part = 1; part <= 3; part += 2)
        add("QN=2024031110000000%d;ST=32;CN=2061;MN=M1;Flag=7;PNUM=3;PNO=%d;CP=&&DataTime=20240311080000;w0101%d-Avg=1&&", part, part,
            part);
    commit();
    next();
    OK(store->ops->gaps(store, &arena, (lf_id){ 0 }, 10, &g, &n, &err));
    assert_true(n == 1 && g[0].pnum == 3 && g[0].have == 2 && g[0].station.v == 1);
    add("QN=20240311100000002;ST=32;CN=2061;MN=M1;Flag=7;PNUM=3;PNO=2;CP=&&DataTime=20240311080000;w01012-Avg=1&&");
    commit();
    next();
    OK(store->ops->gaps(store, &arena, (lf_id){ 1 }, 10, &g, &n, &err));
    assert_int_equal(n, 0);
    assert_int_equal(count("reading"), 3);
}

static void evidence(void **state)
{
    struct lf_tele_stored_reject *r;
    size_t n;
    for (int i = 0; i < 3; i++)
        *lf_tele_add_reject(&batch) = (struct lf_tele_reject){ .received = now,
                                                               .peer = LF_TEXT("10.0.0.9"),
                                                               .mn = LF_TEXT("M9"),
                                                               .cn = LF_TEXT(""),
                                                               .detail = LF_TEXT("MN"),
                                                               .raw = { "\0\xff##", 4 },
                                                               .size = 5000,
                                                               .quarantine = i == 2,
                                                               .why = i == 2 ? LF_TELE_UNKNOWN_MN : (enum lf_tele_why)HJ212_CRC };
    commit();
    next();
    OK(store->ops->rejects(store, &arena, false, (lf_id){ 0 }, 10, &r, &n, &err));
    assert_true(n == 2 && lf_text_is(r[0].reason, "crc") && r[0].size == 5000 && r[0].raw.n == 4 && memcmp(r[0].raw.p, "\0\xff##", 4) == 0);
    OK(store->ops->rejects(store, &arena, true, (lf_id){ 0 }, 10, &r, &n, &err));
    assert_true(n == 1 && lf_text_is(r[0].reason, "unknown_mn") && lf_text_is(r[0].mn, "M9"));
}

static void a_failed_packet_is_left_out(void **state)
{
    add(RTD, "100000000", "100000", "1");
    add(RTD, "100100000", "100100", "2");
    batch.packet[0].failed = true;
    commit();
    next();
    assert_true(count("packet") == 1 && count("reading") == 2);
}

static void a_large_batch(void **state)
{
    struct lf_tele_point *p;
    for (int i = 0; i < 3000; i++) {
        char t[32], qn[32];
        lf_ms_compact(t, (lf_ms){ now.ms - (int64_t)i * 1000 });
        snprintf(qn, sizeof qn, "%09d", i);
        add("QN=20240311%s;ST=32;CN=2011;MN=M%d;Flag=5;CP=&&DataTime=%s;w01018-Rtd=%d;w01001-Rtd=7;w21003-Rtd=1&&", qn, i % 2 + 1, t,
            i == 1234 ? 99999 : 1);
    }
    commit();
    assert_int_equal(fresh(), 9000);
    next();
    assert_true(count("packet") == 3000 && count("reading") == 9000 && count("latest") == 6);
    struct lf_tele_series q = {
        .station = { 1 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_RTD, .from = { now.ms - 3000000 }, .to = now, .max_points = 200
    };
    size_t n, peak = 0;
    OK(store->ops->series(store, &arena, &q, &p, &n, &err));
    for (size_t i = 0; i < n; i++)
        peak += p[i].value == 99999;
    assert_true(n <= 200 && n > 50 && peak == 1); /* thinned, but the peak is seen */
}

static void an_empty_batch(void **state)
{
    commit();
    assert_int_equal(count("packet"), 0);
    struct lf_tele_point *p;
    assert_int_equal(series(1, "none", LF_TELE_DAY, &p), 0);
}

/* The SQLite store's own: the rows are removed. */
static void what_is_too_old_goes(void **state)
{
    const struct lf_tele_keep keep = { .days = { [LF_TELE_RTD] = 31 }, .packets = 31, .refused = 31 };
    struct lf_tele_point *p;
    int64_t removed;
    for (int i = 0; i < 5000; i++) {
        char t[32], qn[32];
        lf_ms_compact(t, (lf_ms){ now.ms - (int64_t)i * 1000 });
        snprintf(qn, sizeof qn, "%09d", i);
        add("QN=20240311%s;ST=32;CN=2011;MN=M1;Flag=5;CP=&&DataTime=%s;w01018-Rtd=1&&", qn, t);
    }
    add(HOUR, "090000000", 8, "5");
    *lf_tele_add_reject(&batch) = (struct lf_tele_reject){
        .received = now, .peer = LF_TEXT(""), .mn = LF_TEXT(""), .cn = LF_TEXT(""), .detail = LF_TEXT(""), .raw = LF_TEXT("x")
    };
    commit();
    next();
    OK(lf_tele_sql_keep(store, &keep, &removed, &err));
    assert_int_equal(removed, 5000 + 5001 + 1);
    assert_int_equal(series(1, "w01018", LF_TELE_HOUR, &p), 1);
    assert_true(count("packet") == 0 && count("reading") == 1 && count("refused") == 0);
    OK(lf_tele_sql_keep(store, &keep, &removed, &err));
    assert_int_equal(removed, 0);
}

#define ON(engine, f) \
    { \
#f " " #engine, f, open_##engine, close_store, NULL \
    }
#define ALL(engine) \
    ON(engine, a_batch_is_kept), ON(engine, the_same_again_is_known), ON(engine, another_value_is_a_correction), \
        ON(engine, scan_in_order), ON(engine, split_messages), ON(engine, evidence), ON(engine, a_failed_packet_is_left_out), \
        ON(engine, a_large_batch), ON(engine, an_empty_batch)

int main(void)
{
    const struct CMUnitTest sqlite[] = { ALL(sqlite), ON(sqlite, what_is_too_old_goes) }, postgres[] = { ALL(postgres), ALL(moved) };
    const struct CMUnitTest files[] = { ALL(files), ALL(sealed), ALL(reopened) };
    int failed = cmocka_run_group_tests(sqlite, NULL, NULL) + cmocka_run_group_tests(files, NULL, NULL);
    if (lf_test_db_there(true))
        failed += cmocka_run_group_tests(postgres, NULL, NULL);
    return failed;
}
