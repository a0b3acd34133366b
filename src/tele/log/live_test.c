/* The store of files at work: one thread commits, it seals and merges behind that, others read and copy all the time. Every read
 * sees all that was acknowledged before it began, in order, once; every copy is a whole store. */
#include "base/testing.h"
#include "tele/log/parts.h"

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

enum { STATIONS = 4, BATCH = 20, BATCHES = 600, COPIES = 5 };
static struct lf_tele_store *store;
static char dir[64];
static atomic_int acked; /* packets; packet k: station k % STATIONS + 1, one reading at k seconds with value k */
static atomic_bool done;
static atomic_int wrong;
static const int64_t EPOCH = 1709136000000; /* the end of a month passes while it runs */
enum { STEP = 40000 };

#define CHECK(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            atomic_fetch_add(&wrong, 1); \
        } \
    } while (0)

/* user: merge now and then, which would wait until the store is in less of a hurry; or NULL. */
static void *commit_all(void *user)
{
    struct lf_tele_batch b = { .npacket = 0 };
    for (int i = 0, k = 0; i < BATCHES; i++) {
        struct lf_err err = { 0 };
        for (int j = 0; j < BATCH; j++, k++) {
            struct lf_tele_packet *p = lf_tele_add_packet(&b);
            *p = (struct lf_tele_packet){ .station = { k % STATIONS + 1 },
                                          .peer = LF_TEXT("::1"),
                                          .qn = lf_str(lf_printf(&b.arena, "%d", k)),
                                          .cn = LF_TEXT("2011"),
                                          .raw = lf_str(lf_printf(
                                              &b.arena, "##0101QN=%d;ST=32;CN=2011;a packet of ordinary length, more or less", k)),
                                          .at = { EPOCH + (int64_t)k * STEP },
                                          .received = lf_now(),
                                          .first = b.nreading,
                                          .n = 1 };
            *lf_tele_add_reading(&b) = (struct lf_tele_reading){
                .station = p->station, .factor = LF_TEXT("w01018"), .at = p->at, .value = k, .vmin = NAN, .vmax = NAN, .cou = NAN, .zs = NAN
            };
        }
        lf_rc rc;
        while ((rc = store->ops->commit(store, &b, &err)) == LF_EBUSY) /* sealing is behind: the listener waits, too */
            pause_ms(1);
        CHECK(rc == LF_OK);
        atomic_store(&acked, k);
        lf_tele_batch_reset(&b);
        if (user && i % 16 == 15)
            CHECK(lf_tele_log_work(store, &err) == LF_OK);
    }
    lf_tele_batch_free(&b);
    atomic_store(&done, true);
    return NULL;
}

struct line {
    int next, wrong;
};

static bool in_line(void *user, const struct lf_tele_reading *r)
{
    struct line *l = user;
    l->wrong += r->value != l->next || r->at.ms != EPOCH + (int64_t)l->next * STEP;
    l->next += STATIONS;
    return true;
}

static void check_scan(struct lf_tele_store *s, int least)
{
    struct lf_err err = { 0 };
    for (int st = 0; st < STATIONS; st++) {
        struct line l = { .next = st };
        struct lf_tele_series q = { .station = { st + 1 }, .factor = LF_TEXT("w01018"), .to = { INT64_MAX } };
        CHECK(s->ops->scan(s, &q, in_line, &l, &err) == LF_OK);
        CHECK(l.wrong == 0 && l.next >= least);
    }
}

static void check_packets(struct lf_tele_store *s, int least)
{
    struct lf_err err = { 0 };
    int k = 0;
    for (size_t n = 1; n > 0;) {
        struct lf_arena a = { 0 };
        struct lf_tele_stored_packet *p;
        CHECK(s->ops->packets_after(s, &a, (lf_id){ k }, 700, &p, &n, &err) == LF_OK);
        for (size_t i = 0; i < n; i++, k++)
            CHECK(p[i].id.v == k + 1 && atoi(lf_strn(&a, p[i].qn)) == k && p[i].station.v == k % STATIONS + 1);
        lf_arena_free(&a);
    }
    CHECK(k >= least);
}

static void check_newest(struct lf_tele_store *s, int least)
{
    struct lf_arena a = { 0 };
    struct lf_err err = { 0 };
    struct lf_tele_stored_packet *p;
    size_t n;
    CHECK(s->ops->packets(s, &a, (lf_id){ 2 }, (lf_id){ 0 }, 50, &p, &n, &err) == LF_OK);
    CHECK(least < 50 * STATIONS || n == 50);
    for (size_t i = 1; i < n; i++)
        CHECK(p[i].id.v == p[i - 1].id.v - STATIONS);
    CHECK(!n || p[0].id.v + STATIONS > least);
    lf_arena_free(&a);
}

static void *read_all(void *user)
{
    while (!atomic_load(&done)) {
        int least = atomic_load(&acked);
        check_scan(store, least);
        check_newest(store, least);
        check_packets(store, least);
    }
    return NULL;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *f) { return remove(name); }

static void say(void *user, const char *what) { fprintf(stderr, "%s\n", what); }

static void check_copy(const char *to, int least)
{
    struct lf_tele_store *s;
    struct lf_tele_log_stats stats;
    struct lf_err err = { 0 };
    int64_t bad;
    CHECK(lf_tele_log_check(to, NULL, true, say, NULL, &stats, &bad, &err) == LF_OK && bad == 0);
    lf_rc rc = lf_tele_log_open(&s, &(struct lf_tele_log_config){ .dir = to, .by_hand = true }, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.msg);
    CHECK(rc == LF_OK);
    if (rc)
        return;
    check_scan(s, least);
    check_packets(s, least);
    lf_tele_store_close(s);
}

static void everything_at_once(void **state)
{
    pthread_t writer, reader[2];
    struct lf_err err = { 0 };
    struct lf_tele_log_stats stats;
    char to[80];
    int64_t bad;
    struct lf_tele_log_config c = { .dir = dir, .seal_bytes = 60000, .reserve = 1 << 16, .open_files = 2 };
    snprintf(dir, sizeof dir, "/tmp/lanfan_live_test_%d", (int)getpid());
    snprintf(to, sizeof to, "%s.copy", dir);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    pthread_create(&writer, NULL, commit_all, dir);
    for (int i = 0; i < 2; i++)
        pthread_create(&reader[i], NULL, read_all, NULL);
    for (int i = 0; i < COPIES; i++) {
        int least = atomic_load(&acked);
        CHECK(lf_tele_log_copy(dir, to, &err) == LF_OK);
        check_copy(to, least);
        CHECK(lf_tele_log_check(dir, NULL, true, say, NULL, &stats, &bad, &err) == LF_OK && bad == 0);
        nftw(to, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    pthread_join(writer, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(reader[i], NULL);
    lf_tele_log_stats(store, &stats);
    assert_true(stats.seals > 3 && stats.seal_failures == 0);
    assert_int_equal(lf_tele_log_work(store, &err), LF_OK);
    check_scan(store, BATCH * BATCHES);
    check_packets(store, BATCH * BATCHES);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void old_months_go(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_err err = { 0 };
    struct lf_tele_log_stats stats;
    int64_t far = EPOCH + (int64_t)BATCH * BATCHES * STEP;
    c.keep_days[LF_TELE_RTD] = 31;
    atomic_store(&acked, 0);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    commit_all(NULL);
    lf_now_shift(far + LF_DAY_MS - lf_now().ms); /* early in March: February is kept for 31 days */
    assert_int_equal(lf_tele_log_work(store, &err), LF_OK);
    lf_tele_log_stats(store, &stats);
    assert_int_equal(stats.cls[LF_TELE_RTD].entries, BATCH * BATCHES);
    lf_now_shift(0);
    lf_now_shift(far + 40LL * LF_DAY_MS - lf_now().ms);
    assert_int_equal(lf_tele_log_work(store, &err), LF_OK);
    lf_tele_log_stats(store, &stats);
    assert_true(stats.cls[LF_TELE_RTD].entries < BATCH * BATCHES && stats.cls[LF_TELE_RTD].entries > 0 && stats.removed == 1);
    assert_int_equal(stats.cls[LF_TELE_RTD].oldest, 2024 * 12 + 2);     /* March stays */
    assert_int_equal(stats.cls[CLASS_PACKET].entries, BATCH * BATCHES); /* packets have their own time */
    lf_now_shift(0);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(atomic_load(&wrong), 0);
}

/* The thread seals what has become old without any commit, and what a closed store left in its journal. */
static void age_seals(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .seal_ms = 40 };
    struct lf_tele_log_stats stats = { .seals = 0 };
    struct lf_err err = { 0 };
    atomic_store(&acked, 0);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    commit_all(NULL);
    for (int i = 0; i < 2000 && (stats.cls[CLASS_PACKET].entries < BATCH * BATCHES || stats.memory_records); i++) {
        pause_ms(10);
        lf_tele_log_stats(store, &stats);
    }
    assert_int_equal(stats.cls[CLASS_PACKET].entries, BATCH * BATCHES);
    assert_true(stats.memory_records == 0 && stats.journal_bytes == 0);
    check_packets(store, BATCH * BATCHES);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(atomic_load(&wrong), 0);
}

static void count_journal(void *user, const char *name) { *(int *)user += strncmp(name, "journal-", 8) == 0; }

static int journals(void)
{
    int n = 0;
    assert_int_equal(lf_io_posix.list(&lf_io_posix, dir, count_journal, &n), 0);
    return n;
}

static void seal_times(int n)
{
    struct lf_err err = { 0 };
    for (int i = 0; i < n; i++) {
        struct lf_tele_batch b = { .npacket = 0 };
        *lf_tele_add_packet(&b) = (struct lf_tele_packet){ .station = { 1 },
                                                           .cn = LF_TEXT("2011"),
                                                           .raw = LF_TEXT("one more"),
                                                           .at = { EPOCH + 1000LL * (atomic_load(&acked) + 1) },
                                                           .received = lf_now() };
        assert_int_equal(store->ops->commit(store, &b, &err), LF_OK);
        atomic_fetch_add(&acked, 1);
        assert_int_equal(lf_tele_log_work(store, &err), LF_OK);
        lf_tele_batch_free(&b);
    }
}

static int64_t reused(void)
{
    struct lf_tele_log_stats stats;
    lf_tele_log_stats(store, &stats);
    return stats.reused;
}

/* The file of a journal whose records are sealed serves the next one; but not while somebody reads the folder. */
static void journals_are_written_over(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_tele_log_stats stats;
    struct lf_err err = { 0 };
    int64_t bad;
    atomic_store(&acked, 0);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    seal_times(6);
    assert_true(reused() >= 4);
    assert_in_range(journals(), 1, 3);
    assert_int_equal(lf_tele_log_check(dir, NULL, true, say, NULL, &stats, &bad, &err), LF_OK);
    assert_int_equal(bad, 0);
    int64_t before = reused();
    int reading = readers_lock(&lf_io_posix, dir);
    assert_true(reading >= 0);
    seal_times(3);
    assert_int_equal(reused(), before);
    close(reading);
    seal_times(3);
    assert_true(reused() > before);
    lf_tele_store_close(store);
    assert_int_equal(journals(), 1);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    lf_tele_log_stats(store, &stats);
    assert_int_equal(stats.cls[CLASS_PACKET].entries, atomic_load(&acked));
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A table that is sealed is one more segment of packets of this month. */
static size_t seal_one_more(void)
{
    struct log_store *s = log_of(store);
    struct lf_err err = { 0 };
    struct lf_tele_batch b = { .npacket = 0 };
    lf_ms now = lf_now();
    *lf_tele_add_packet(&b) = (struct lf_tele_packet){
        .station = { 1 }, .cn = LF_TEXT("2011"), .raw = LF_TEXT("x"), .pno = (int)s->seq, .at = now, .received = now
    };
    assert_int_equal(store->ops->commit(store, &b, &err), LF_OK);
    lf_tele_batch_free(&b);
    pthread_mutex_lock(&s->commit_lock);
    assert_int_equal(log_freeze(s, &err), LF_OK);
    pthread_mutex_unlock(&s->commit_lock);
    assert_int_equal(log_seal(s, &err), LF_OK);
    return s->list->n;
}

/* When tables fill up within seconds, many segments are merged at once instead of a few again and again; else four are enough. */
static void merging_waits_in_a_hurry(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_err err = { 0 };
    bool did = false;
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    struct log_store *s = log_of(store);
    size_t most = 0;
    for (int i = 0; i < 40 && !did; i++) {
        most = seal_one_more();
        assert_int_equal(log_compact(s, true, &did, &err), LF_OK);
    }
    assert_true(did);
    assert_in_range(most, 20, 30);
    assert_in_range(s->list->n, 1, 2); /* two, when midnight ended a month */
    for (int i = 0; i < 4; i++)
        seal_one_more();
    assert_int_equal(log_compact(s, true, &did, &err), LF_OK);
    assert_false(did);
    assert_int_equal(log_compact(s, false, &did, &err), LF_OK);
    assert_true(did);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Only one process writes. */
static void one_writer(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_tele_store *second;
    struct lf_err err = { 0 };
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    assert_int_equal(lf_tele_log_open(&second, &c, &err), LF_ECONFLICT);
    assert_null(second);
    lf_tele_store_close(store);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A device that makes up factors is refused from some number on; what it has goes on, and others do. */
static void factors_have_an_end(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_tele_batch b = { .npacket = 0 };
    struct lf_err err = { 0 };
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    for (int i = 0; i <= 20001; i++) {
        struct lf_tele_packet *p = lf_tele_add_packet(&b);
        *p = (struct lf_tele_packet){
            .station = { 1 }, .raw = LF_TEXT("x"), .cn = LF_TEXT("2011"), .at = { 1000 + i }, .first = b.nreading, .n = 1
        };
        *lf_tele_add_reading(&b) =
            (struct lf_tele_reading){ .station = { 1 }, .factor = lf_str(lf_printf(&b.arena, "f%d", i)), .at = p->at };
        if (b.npacket < 1000 && i < 19999)
            continue;
        assert_int_equal(store->ops->commit(store, &b, &err), i < 20000 ? LF_OK : LF_EINVAL);
        lf_tele_batch_reset(&b);
    }
    for (int station = 1; station <= 2; station++) {
        *lf_tele_add_packet(&b) = (struct lf_tele_packet){ .station = { station }, .raw = LF_TEXT("y"), .at = { 99999 }, .n = 1 };
        *lf_tele_add_reading(&b) = (struct lf_tele_reading){ .station = { station }, .factor = LF_TEXT("f7"), .at = { 99999 } };
        assert_int_equal(store->ops->commit(store, &b, &err), LF_OK);
        lf_tele_batch_reset(&b);
    }
    lf_tele_batch_free(&b);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- many years of months --------------------------------------------------------------------------------------------- */

enum { MONTHS = 72, OPEN_FILES = 6, MONTH_READERS = 4, READ_ROUNDS = 6 };
static atomic_int reading;

static lf_ms in_month(int m) { return lf_ms_of((struct lf_civil){ .year = 2015 + m / 12, .month = m % 12 + 1, .day = 2 }); }

static int descriptors(void)
{
    int n = -3; /* itself, . and .. */
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* A packet and a value of each station, sealed for itself: two segments a month. */
static void add_month(int m)
{
    struct lf_tele_batch b = { .npacket = 0 };
    struct lf_err err = { 0 };
    for (int st = 0; st < STATIONS; st++) {
        struct lf_tele_packet *p = lf_tele_add_packet(&b);
        *p = (struct lf_tele_packet){ .station = { st + 1 },
                                      .cn = LF_TEXT("2011"),
                                      .raw = lf_str(lf_printf(&b.arena, "month %d", m)),
                                      .at = in_month(m),
                                      .received = in_month(m),
                                      .first = b.nreading,
                                      .n = 1 };
        *lf_tele_add_reading(&b) =
            (struct lf_tele_reading){ .station = p->station, .factor = LF_TEXT("w01018"), .at = p->at, .value = m * 100 + st };
    }
    assert_int_equal(store->ops->commit(store, &b, &err), LF_OK);
    assert_int_equal(lf_tele_log_work(store, &err), LF_OK);
    lf_tele_batch_free(&b);
}

static bool next_month(void *user, const struct lf_tele_reading *r)
{
    int *m = user;
    CHECK(r->at.ms == in_month(*m).ms && r->value == *m * 100 + (double)(r->station.v - 1));
    ++*m;
    return true;
}

static void *read_months(void *user)
{
    struct lf_err err = { 0 };
    for (int round = 0; round < READ_ROUNDS; round++) {
        struct lf_tele_series q = { .station = { round % STATIONS + 1 }, .factor = LF_TEXT("w01018"), .to = { INT64_MAX } };
        struct lf_arena a = { 0 };
        struct lf_tele_stored_packet *p;
        size_t n;
        int months = 0;
        CHECK(store->ops->scan(store, &q, next_month, &months, &err) == LF_OK && months == MONTHS);
        CHECK(store->ops->packets_after(store, &a, (lf_id){ 0 }, MONTHS * STATIONS, &p, &n, &err) == LF_OK && n == MONTHS * STATIONS);
        for (size_t i = 0; i < n; i++)
            CHECK(p[i].id.v == (int64_t)i + 1 && lf_text_is(p[i].raw, lf_printf(&a, "month %d", (int)i / STATIONS)));
        lf_arena_free(&a);
    }
    atomic_fetch_sub(&reading, 1);
    return NULL;
}

/* More segments than may be open: while threads read all of them few files are open, and nothing is missing. */
static void few_files_are_open(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true, .open_files = OPEN_FILES };
    struct lf_tele_log_stats stats;
    struct lf_err err = { 0 };
    pthread_t reader[MONTH_READERS];
    int64_t bad;
    int before = descriptors(), most = 0;
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    for (int m = 0; m < MONTHS; m++)
        add_month(m);
    lf_tele_store_close(store);
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    lf_tele_log_stats(store, &stats);
    assert_int_equal(stats.cls[LF_TELE_RTD].segments, MONTHS);
    assert_int_equal(stats.cls[CLASS_PACKET].segments, MONTHS);
    assert_int_equal(stats.open_segments, OPEN_FILES);
    int beside = descriptors() - before - OPEN_FILES; /* journal, lock */
    assert_in_range(beside, 1, 4);
    atomic_store(&reading, MONTH_READERS);
    for (int i = 0; i < MONTH_READERS; i++)
        pthread_create(&reader[i], NULL, read_months, NULL);
    while (atomic_load(&reading) > 0) {
        int now = descriptors() - before - beside;
        most = now > most ? now : most;
    }
    for (int i = 0; i < MONTH_READERS; i++)
        pthread_join(reader[i], NULL);
    assert_in_range(most, OPEN_FILES - 1, OPEN_FILES + MONTH_READERS);
    assert_int_equal(lf_tele_log_check(dir, NULL, true, say, NULL, &stats, &bad, &err), LF_OK);
    assert_true(bad == 0 && stats.cls[CLASS_PACKET].entries == MONTHS * STATIONS);
    lf_tele_store_close(store);
    assert_int_equal(descriptors(), before);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(atomic_load(&wrong), 0);
}

/* No descriptor left: those of the store's own segments are given for the one that is needed, and what fails passes. */
static void descriptors_run_out(void **state)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true };
    struct lf_err err = { 0 };
    struct rlimit was, few;
    int held[64], n = 0, months = 0;
    struct lf_tele_series q = { .station = { 1 }, .factor = LF_TEXT("w01018"), .to = { INT64_MAX } };
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    for (int m = 0; m < MONTHS; m++)
        add_month(m);
    lf_tele_store_close(store);
    c.open_files = 3;
    assert_int_equal(lf_tele_log_open(&store, &c, &err), LF_OK);
    getrlimit(RLIMIT_NOFILE, &was);
    few = was;
    few.rlim_cur = (rlim_t)descriptors() + 20;
    setrlimit(RLIMIT_NOFILE, &few);
    while (n < 64 && (held[n] = dup(0)) >= 0)
        n++;
    lf_rc rc = store->ops->scan(store, &q, next_month, &months, &err); /* one after another through those three */
    for (int i = 0; i < n; i++)
        close(held[i]);
    setrlimit(RLIMIT_NOFILE, &was);
    assert_in_range(n, 1, 63);
    assert_int_equal(rc, LF_OK);
    assert_int_equal(months, MONTHS);
    lf_tele_store_close(store);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(atomic_load(&wrong), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(everything_at_once),
                                        cmocka_unit_test(old_months_go),
                                        cmocka_unit_test(age_seals),
                                        cmocka_unit_test(one_writer),
                                        cmocka_unit_test(factors_have_an_end),
                                        cmocka_unit_test(few_files_are_open),
                                        cmocka_unit_test(descriptors_run_out),
                                        cmocka_unit_test(journals_are_written_over),
                                        cmocka_unit_test(merging_waits_in_a_hurry) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
