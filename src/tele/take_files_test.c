/* From SQLite into files: whatever was stored there is told by the files in the same words; also when the import was killed again and again,
 * and when the old store has taken more in between. */
#include "db/testing.h"
#include "base/random_testing.h"
#include "tele/take_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { STATIONS = 5, PACKETS = 900, BATCH = 7, ROWS = 40, MONTHS = 15, MANY = 100000, POINTS_MAX = 10000 };
static const char *const factors[] = { "w01018", "w21003", "a34004" };
static struct lf_test_db at;
static struct lf_db *db;
static struct lf_tele_store *sql;
static char files[80];

#define OK(call) \
    do { \
        struct lf_err err = { 0 }; \
        if ((call) < 0) \
            fail_msg("%s: %s", #call, err.msg); \
    } while (0)

static double maybe(unsigned of) { return pick(3) ? (double)pick(of) / 8 : (double)NAN; }

/* ---- what the old store holds ------------------------------------------------------------------------------------- */

static lf_ms some_time(void) { return (lf_ms){ 1700000000000 + (int64_t)pick(MONTHS) * 30 * LF_DAY_MS + (int64_t)pick(3) * 60000 }; }

static void add_packet(struct lf_tele_batch *b, int number)
{
    struct lf_tele_packet *p = lf_tele_add_packet(b);
    *p = (struct lf_tele_packet){ .station = { pick(STATIONS) + 1 },
                                  .peer = LF_TEXT("10.0.0.1"),
                                  .qn = lf_str(lf_printf(&b->arena, "%d", number)),
                                  .st = LF_TEXT("32"),
                                  .cn = pick(2) ? LF_TEXT("2011") : LF_TEXT("2051"),
                                  .note = pick(9) ? LF_TEXT("") : LF_TEXT("crc_modbus"),
                                  .raw = lf_str(lf_printf(&b->arena, "##0101QN=%d;a packet%.*s", number, (int)pick(200),
                                                          lf_printf(&b->arena, "%0200d", number))),
                                  .received = { 1750000000000 + number * 1000LL },
                                  .at = pick(20) ? some_time() : (lf_ms){ 0 },
                                  .first = b->nreading };
    if (!pick(10))
        p->pnum = 3, p->pno = 1 + (int)pick(3);
    for (unsigned n = p->at.ms ? pick(4) : 0; n > 0; n--, p->n++)
        *lf_tele_add_reading(b) = (struct lf_tele_reading){ .station = p->station,
                                                            .factor = lf_str(factors[n % LF_COUNT(factors)]),
                                                            .kind = (enum lf_tele_kind)pick(LF_TELE_KIND_COUNT),
                                                            .at = p->at,
                                                            .value = maybe(50),
                                                            .vmin = maybe(50),
                                                            .vmax = maybe(50),
                                                            .cou = maybe(50),
                                                            .zs = maybe(50),
                                                            .flag = pick(5)   ? LF_TEXT("N")
                                                                    : pick(2) ? LF_TEXT("D")
                                                                              : (lf_text){ 0 } };
}

static void add_reject(struct lf_tele_batch *b, int number)
{
    *lf_tele_add_reject(b) = (struct lf_tele_reject){ .received = { 1750000000000 + number * 1000LL },
                                                      .peer = LF_TEXT("10.0.0.9"),
                                                      .mn = LF_TEXT("M?"),
                                                      .cn = LF_TEXT("2011"),
                                                      .detail = lf_str(lf_printf(&b->arena, "%d", number)),
                                                      .raw = LF_TEXT("##what is this"),
                                                      .size = 14,
                                                      .why = (enum lf_tele_why)pick(LF_TELE_WHY_COUNT),
                                                      .quarantine = pick(2) };
}

static void fill(int from, int upto)
{
    struct lf_tele_batch b = { .npacket = 0 };
    for (int i = from; i < upto; i++) {
        add_packet(&b, i);
        if (!pick(6))
            add_reject(&b, i);
        if (i % BATCH && i + 1 < upto)
            continue;
        lf_now_shift(i * 5000LL); /* when a newest value came differs */
        OK(sql->ops->commit(sql, &b, &err));
        lf_tele_batch_reset(&b);
    }
    lf_now_shift(0);
    lf_tele_batch_free(&b);
}

/* ---- the same words --------------------------------------------------------------------------------------------------- */

static void same_text(lf_text a, lf_text b)
{
    if (!lf_text_eq(a, b))
        fail_msg("“%.*s” and “%.*s”", (int)a.n, a.p, (int)b.n, b.p);
}
static void same_number(double a, double b)
{
    if (!(a == b || (isnan(a) && isnan(b))))
        fail_msg("%g and %g", a, b);
}

static void same_reading(const struct lf_tele_reading *a, const struct lf_tele_reading *b)
{
    assert_int_equal(a->station.v, b->station.v);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->at.ms, b->at.ms);
    same_text(a->factor, b->factor);
    same_text(a->flag, b->flag);
    same_number(a->value, b->value);
    same_number(a->vmin, b->vmin);
    same_number(a->vmax, b->vmax);
    same_number(a->cou, b->cou);
    same_number(a->zs, b->zs);
}

static void same_packets(struct lf_tele_store *s, struct lf_arena *a)
{
    struct lf_tele_stored_packet *x, *y;
    size_t n, m;
    OK(sql->ops->packets_after(sql, a, (lf_id){ 0 }, MANY, &x, &n, &err));
    OK(s->ops->packets_after(s, a, (lf_id){ 0 }, MANY, &y, &m, &err));
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) {
        assert_true(x[i].id.v == y[i].id.v && x[i].station.v == y[i].station.v && x[i].received.ms == y[i].received.ms);
        assert_true(x[i].at.ms == y[i].at.ms && x[i].readings == y[i].readings);
        same_text(x[i].qn, y[i].qn), same_text(x[i].cn, y[i].cn), same_text(x[i].peer, y[i].peer);
        same_text(x[i].note, y[i].note), same_text(x[i].raw, y[i].raw);
    }
}

static void same_rejects(struct lf_tele_store *s, struct lf_arena *a, bool quarantine)
{
    struct lf_tele_stored_reject *x, *y;
    size_t n, m;
    OK(sql->ops->rejects(sql, a, quarantine, (lf_id){ 0 }, MANY, &x, &n, &err));
    OK(s->ops->rejects(s, a, quarantine, (lf_id){ 0 }, MANY, &y, &m, &err));
    assert_true(n == m && n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(x[i].id.v == y[i].id.v && x[i].received.ms == y[i].received.ms && x[i].size == y[i].size);
        same_text(x[i].reason, y[i].reason), same_text(x[i].mn, y[i].mn), same_text(x[i].cn, y[i].cn), same_text(x[i].peer, y[i].peer);
        same_text(x[i].detail, y[i].detail), same_text(x[i].raw, y[i].raw);
    }
}

static void same_corrections(struct lf_tele_store *s, struct lf_arena *a, lf_id station)
{
    struct lf_tele_correction *x, *y;
    size_t n, m;
    OK(sql->ops->corrections(sql, a, station, MANY, &x, &n, &err));
    OK(s->ops->corrections(s, a, station, MANY, &y, &m, &err));
    assert_true(n == m && n > 0);
    for (size_t i = 0; i < n; i++) {
        same_reading(&x[i].was, &y[i].was);
        assert_true(x[i].replaced.ms == y[i].replaced.ms && x[i].by_packet.v == y[i].by_packet.v);
    }
}

static void same_gaps(struct lf_tele_store *s, struct lf_arena *a, lf_id station)
{
    struct lf_tele_gap *x, *y;
    size_t n, m;
    OK(sql->ops->gaps(sql, a, station, MANY, &x, &n, &err));
    OK(s->ops->gaps(s, a, station, MANY, &y, &m, &err));
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++) { /* those of one time come in any order */
        size_t k = 0;
        while (k < m && !(x[i].at.ms == y[k].at.ms && x[i].pnum == y[k].pnum && x[i].have == y[k].have && lf_text_eq(x[i].cn, y[k].cn)))
            k++;
        assert_true(k < m);
    }
}

struct points {
    struct lf_arena *a;
    struct lf_tele_reading *r;
    size_t n;
};
static bool keep(void *user, const struct lf_tele_reading *r)
{
    struct points *p = user;
    assert_true(p->n < POINTS_MAX);
    p->r[p->n] = *r;
    p->r[p->n++].flag = lf_text_copy(p->a, r->flag);
    return true;
}

static size_t same_series(struct lf_tele_store *s, struct lf_arena *a, lf_id station, const char *factor, enum lf_tele_kind kind)
{
    const struct lf_tele_series q = { .station = station, .factor = lf_str(factor), .kind = kind, .to = { INT64_MAX } };
    struct points x = { a, lf_alloc(a, POINTS_MAX * sizeof *x.r), 0 }, y = { a, lf_alloc(a, POINTS_MAX * sizeof *y.r), 0 };
    OK(sql->ops->scan(sql, &q, keep, &x, &err));
    OK(s->ops->scan(s, &q, keep, &y, &err));
    assert_int_equal(x.n, y.n);
    for (size_t i = 0; i < x.n; i++)
        same_reading(&x.r[i], &y.r[i]);
    return x.n;
}

static void same_latest(struct lf_tele_store *s, struct lf_arena *a, lf_id station)
{
    struct lf_tele_latest *x, *y;
    size_t n, m;
    OK(sql->ops->latest(sql, a, station, &x, &n, &err));
    OK(s->ops->latest(s, a, station, &y, &m, &err));
    assert_true(n == m && n > 0);
    for (size_t i = 0; i < n; i++) {
        same_reading(&x[i].r, &y[i].r);
        assert_int_equal(x[i].received.ms, y[i].received.ms);
    }
}

static void same_all(void)
{
    struct lf_tele_store *s;
    struct lf_arena a = { 0 };
    size_t points = 0;
    OK(lf_tele_log_open(&s, &(struct lf_tele_log_config){ .dir = files, .by_hand = true }, &err));
    same_packets(s, &a);
    same_rejects(s, &a, false);
    same_rejects(s, &a, true);
    for (int64_t st = 1; st <= STATIONS; st++) {
        same_corrections(s, &a, (lf_id){ st });
        same_gaps(s, &a, (lf_id){ st });
        same_latest(s, &a, (lf_id){ st });
        for (size_t f = 0; f < LF_COUNT(factors); f++)
            for (int k = 0; k < LF_TELE_KIND_COUNT; k++) {
                points += same_series(s, &a, (lf_id){ st }, factors[f], (enum lf_tele_kind)k);
                lf_arena_reset(&a);
            }
    }
    assert_true(points > PACKETS / 2);
    lf_tele_store_close(s);
    lf_arena_free(&a);
}

/* A packet that was there already is known again, and a new one gets the next number. */
static void goes_on(void)
{
    struct lf_tele_store *s;
    struct lf_arena a = { 0 };
    struct lf_tele_stored_packet *newest, *then;
    struct lf_tele_batch b = { .npacket = 0 };
    size_t n;
    OK(lf_tele_log_open(&s, &(struct lf_tele_log_config){ .dir = files, .by_hand = true }, &err));
    OK(s->ops->packets(s, &a, (lf_id){ 0 }, (lf_id){ 0 }, 1, &newest, &n, &err));
    for (int again = 1; again >= 0; again--)
        *lf_tele_add_packet(&b) = (struct lf_tele_packet){ .station = newest->station,
                                                           .received = lf_now(),
                                                           .at = newest->at,
                                                           .qn = newest->qn,
                                                           .cn = newest->cn,
                                                           .pno = (int)(again ? 0 : 7),
                                                           .raw = newest->raw };
    OK(s->ops->commit(s, &b, &err));
    assert_false(b.packet[1].duplicate);
    OK(s->ops->packets(s, &a, (lf_id){ 0 }, (lf_id){ 0 }, 1, &then, &n, &err));
    assert_int_equal(then->id.v, newest->id.v + 1 + !b.packet[0].duplicate);
    lf_tele_batch_free(&b);
    lf_tele_store_close(s);
    lf_arena_free(&a);
}

/* ---- the import ---------------------------------------------------------------------------------------------------------- */

static lf_rc import(size_t rows, void (*told)(void *, int64_t), struct lf_err *err)
{
    struct lf_tele_take_config c = { .from = db, .rows = rows, .told = told };
    lf_rc rc = lf_tele_log_open(
        &c.to, &(struct lf_tele_log_config){ .dir = files, .by_hand = true, .seal_bytes = 20000, .max_bytes = 40000 }, err);
    if (!rc)
        rc = lf_tele_take_files(&c, err);
    lf_tele_store_close(c.to);
    return rc;
}

static int begin(void **state)
{
    random_begin(20260311);
    lf_test_db_new(&at, false);
    snprintf(files, sizeof files, "%s/telemetry", at.dir);
    OK(lf_db_open(&db, &(struct lf_db_config){ .url = at.url, .readers = 2 }, &err));
    OK(lf_db_migrate(db, lf_tele_migrations, lf_tele_migration_count, NULL, &err));
    OK(lf_tele_sql_open(&sql, db, &err));
    return 0;
}

static int end(void **state)
{
    lf_tele_store_close(sql);
    lf_db_close(db);
    lf_test_db_drop(&at);
    return 0;
}

static void nothing(void **state) { OK(import(0, NULL, &err)); }

static void at_once(void **state)
{
    fill(0, PACKETS);
    OK(import(0, NULL, &err));
    same_all();
    OK(import(0, NULL, &err)); /* again: nothing is there twice */
    same_all();
    goes_on();
}

static int64_t last_row;
static void die(void *user, int64_t rows)
{
    if (rows >= last_row)
        _exit(7);
}

/* In a process of its own, which dies after some commits; the database is opened there anew (SQLite does not cross a fork). */
static bool killed(int64_t after)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct lf_err err = { 0 };
        last_row = after;
        if (lf_db_open(&db, &(struct lf_db_config){ .url = at.url, .readers = 1 }, &err) || import(ROWS, die, &err))
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    return WEXITSTATUS(status) == 7;
}

static void killed_again_and_again(void **state)
{
    int deaths = 0;
    fill(0, PACKETS);
    while (killed(1 + (int64_t)pick(4 * ROWS)))
        deaths++;
    assert_true(deaths > 10);
    same_all();
}

/* A copy that was begun is only good for the state of the old store that it was begun with. */
static void stamps(void **state)
{
    int64_t before, after;
    fill(0, 50);
    OK(lf_tele_take_stamp(db, &before, &err));
    OK(lf_tele_take_stamp(db, &after, &err));
    assert_int_equal(before, after);
    fill(50, 60);
    OK(lf_tele_take_stamp(db, &after, &err));
    assert_true(after > before);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = { T(nothing), T(at_once), T(killed_again_and_again), T(stamps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
