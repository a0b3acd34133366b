/* The store of files over a disk that fails: the power is cut at every single call, each call meets a full disk or an error, bits
 * flip in every file. After each: what was acknowledged is there once, with the right values, the batch in doubt is there whole
 * or not at all; or there is a clear error. A plain model says what has to be there. */
#include "tele/log/fake_io.h"
#include "tele/log/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { STATIONS = 3, FACTORS = 2, TIMES = 24, PACKETS = 400, STEPS = 14 };
static const char *const factors[FACTORS] = { "w01018", "a34004" };

struct model {
    bool packet[PACKETS];
    double value[STATIONS][FACTORS][TIMES]; /* 0: none */
    int npacket, corrections[STATIONS], newest[STATIONS][FACTORS];
};
struct planned { /* one packet */
    int number, station, n, at[6], factor[6];
    double value[6];
};
struct plan {
    int n;
    struct planned p[5];
};

static uint64_t seed;
static unsigned rnd(unsigned of)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % (of ? of : 1));
}

/* Three months, so that segments of several exist. */
static lf_ms time_of(int i) { return (lf_ms){ 1704067200000 + (int64_t)i * 4 * LF_DAY_MS + 777 }; }

/* ---- the model --------------------------------------------------------------------------------------------------- */

static void model_add(struct model *m, const struct plan *b)
{
    for (int i = 0; i < b->n; i++) {
        const struct planned *p = &b->p[i];
        if (m->packet[p->number])
            continue;
        m->packet[p->number] = true;
        m->npacket++;
        for (int r = 0; r < p->n; r++) {
            double *v = &m->value[p->station][p->factor[r]][p->at[r]];
            m->corrections[p->station] += *v != 0 && *v != p->value[r];
            *v = p->value[r];
            int *newest = &m->newest[p->station][p->factor[r]];
            *newest = p->at[r] > *newest ? p->at[r] : *newest;
        }
    }
}

static struct plan random_batch(int *next)
{
    struct plan b = { .n = 1 + (int)rnd(5) };
    static struct planned sent[PACKETS];
    for (int i = 0; i < b.n; i++) {
        struct planned *p = &b.p[i];
        if (*next > 0 && rnd(5) == 0) { /* sent again */
            *p = sent[rnd((unsigned)*next)];
            continue;
        }
        *p = (struct planned){ .number = *next, .station = (int)rnd(STATIONS), .n = 1 + (int)rnd(6) };
        for (int r = 0; r < p->n; r++) {
            p->factor[r] = (int)rnd(FACTORS);
            p->at[r] = (int)rnd(TIMES);
            p->value[r] = 1 + rnd(3);
        }
        sent[(*next)++] = *p;
    }
    return b;
}

static void fill(struct lf_tele_batch *b, const struct plan *plan)
{
    for (int i = 0; i < plan->n; i++) {
        const struct planned *p = &plan->p[i];
        struct lf_tele_packet *k = lf_tele_add_packet(b);
        *k = (struct lf_tele_packet){ .station = { p->station + 1 },
                                      .peer = LF_TEXT("10.0.0.1"),
                                      .raw = lf_str(lf_printf(&b->arena, "##packet %d of many", p->number)),
                                      .qn = lf_str(lf_printf(&b->arena, "%d", p->number)),
                                      .cn = LF_TEXT("2061"),
                                      .at = time_of(p->at[0]),
                                      .received = lf_now(),
                                      .first = b->nreading,
                                      .n = (size_t)p->n };
        for (int r = 0; r < p->n; r++)
            *lf_tele_add_reading(b) = (struct lf_tele_reading){ .station = { p->station + 1 },
                                                                .factor = lf_str(factors[p->factor[r]]),
                                                                .kind = LF_TELE_HOUR,
                                                                .at = time_of(p->at[r]),
                                                                .value = p->value[r],
                                                                .vmin = NAN,
                                                                .vmax = p->value[r] + 1,
                                                                .cou = NAN,
                                                                .zs = NAN,
                                                                .flag = LF_TEXT("N") };
    }
}

/* ---- what the store says --------------------------------------------------------------------------------------------- */

/* A read failed; what the other reads gave is right (or `wrong` says so). */
struct seen {
    struct model m;
    bool wrong, failed;
};

struct scanned {
    struct seen *s;
    double *value;
};

static bool take(void *user, const struct lf_tele_reading *r)
{
    struct scanned *k = user;
    int i = 0;
    while (i < TIMES && time_of(i).ms != r->at.ms)
        i++;
    k->s->wrong |= i == TIMES || k->value[i] != 0 || !isnan(r->vmin) || r->vmax != r->value + 1 || !lf_text_is(r->flag, "N");
    if (i < TIMES)
        k->value[i] = r->value;
    return true;
}

static void see_packets(struct lf_tele_store *s, struct lf_arena *a, struct seen *out)
{
    struct lf_tele_stored_packet *p;
    struct lf_err err = { 0 };
    size_t n;
    int64_t before = 0;
    if (s->ops->packets_after(s, a, (lf_id){ 0 }, PACKETS * 2, &p, &n, &err)) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        int number = atoi(lf_strn(a, p[i].qn));
        out->wrong |= p[i].id.v <= before || number < 0 || number >= PACKETS || out->m.packet[number] ||
                      !lf_text_is(p[i].raw, lf_printf(a, "##packet %d of many", number));
        if (number >= 0 && number < PACKETS)
            out->m.packet[number] = true;
        before = p[i].id.v;
        out->m.npacket++;
    }
}

static void see(struct lf_tele_store *s, struct seen *out)
{
    struct lf_arena a = { 0 };
    struct lf_tele_correction *c;
    size_t n;
    *out = (struct seen){ .wrong = false };
    see_packets(s, &a, out);
    for (int st = 0; st < STATIONS; st++) {
        struct lf_err err = { 0 };
        for (int f = 0; f < FACTORS; f++) {
            struct lf_tele_series q = { .station = { st + 1 }, .factor = lf_str(factors[f]), .kind = LF_TELE_HOUR, .to = time_of(TIMES) };
            struct scanned k = { out, out->m.value[st][f] };
            out->failed |= s->ops->scan(s, &q, take, &k, &err) != LF_OK;
        }
        if (s->ops->corrections(s, &a, (lf_id){ st + 1 }, 10000, &c, &n, &err))
            out->failed = true;
        else
            out->m.corrections[st] = (int)n;
    }
    lf_arena_free(&a);
}

static bool same(const struct model *a, const struct model *b)
{
    return a->npacket == b->npacket && memcmp(a->packet, b->packet, sizeof a->packet) == 0 &&
           memcmp(a->value, b->value, sizeof a->value) == 0 && memcmp(a->corrections, b->corrections, sizeof a->corrections) == 0;
}

/* The newest values are kept apart from the series, so they are compared too. */
static bool latest_right(struct lf_tele_store *s, const struct model *m)
{
    struct lf_arena a = { 0 };
    bool right = true;
    for (int st = 0; st < STATIONS; st++) {
        struct lf_tele_latest *l;
        struct lf_err err = { 0 };
        size_t n, expected = 0;
        right &= s->ops->latest(s, &a, (lf_id){ st + 1 }, &l, &n, &err) == LF_OK;
        for (int f = 0; f < FACTORS; f++) {
            int at = m->newest[st][f];
            double v = m->value[st][f][at];
            expected += v != 0;
            for (size_t i = 0; right && i < n; i++)
                if (lf_text_is(l[i].r.factor, factors[f]))
                    right &= l[i].r.at.ms == time_of(at).ms && l[i].r.value == v;
        }
        right &= n == expected;
    }
    lf_arena_free(&a);
    return right;
}

/* ---- rounds ------------------------------------------------------------------------------------------------------------ */

struct round {
    struct fake_io disk;
    struct lf_tele_store *store;
    struct model sure; /* all that was acknowledged */
    int next;
};

static bool salvage;
static int sealed_meanwhile;

static lf_rc open_store(struct round *r, struct lf_err *err)
{
    struct lf_tele_log_config c = { .salvage = salvage,
                                    .dir = "d",
                                    .io = &r->disk.io,
                                    .by_hand = true,
                                    .reserve = 8192,
                                    .seal_bytes = 3000,
                                    .max_bytes = 1 << 20,
                                    .open_files = 2 };
    return lf_tele_log_open(&r->store, &c, err);
}

/* Acknowledged, or after the cut perhaps in there and perhaps not. */
static bool commit(struct round *r, const struct plan *plan)
{
    struct lf_tele_batch b = { .npacket = 0 };
    struct model after = r->sure;
    bool done = false;
    fill(&b, plan);
    model_add(&after, plan);
    for (int tries = 0; !done && !r->disk.cut; tries++) {
        struct lf_err err = { 0 };
        lf_rc rc = r->store->ops->commit(r->store, &b, &err);
        done = rc == LF_OK;
        if (!done && rc != LF_EIO && rc != LF_EBUSY)
            fail_msg("commit: %s", err.msg);
        if (tries > 100)
            fail_msg("commit does not recover: %s", err.msg);
    }
    int fresh = 0;
    for (size_t i = 0; i < b.npacket; i++)
        fresh += !b.packet[i].duplicate;
    if (done && fresh != after.npacket - r->sure.npacket)
        fail_msg("%d packets taken for new, %d are", fresh, after.npacket - r->sure.npacket);
    if (done)
        r->sure = after;
    lf_tele_batch_free(&b);
    return done;
}

static void compare(struct round *r, const struct plan *doubt)
{
    struct seen s;
    struct model with = r->sure;
    see(r->store, &s);
    if (doubt)
        model_add(&with, doubt);
    if (s.failed || s.wrong)
        fail_msg("reads: %s", s.failed ? "failed" : "wrong");
    bool without = same(&s.m, &r->sure);
    if (!without && !(doubt && same(&s.m, &with)))
        fail_msg("%d packets there, %d acknowledged%s", s.m.npacket, r->sure.npacket, doubt ? ", one batch in doubt" : "");
    if (!without)
        r->sure = with;
    assert_true(latest_right(r->store, &r->sure));
}

static void reopen(struct round *r, const struct plan *doubt)
{
    struct lf_err err = { 0 };
    lf_tele_store_close(r->store);
    fake_reboot(&r->disk);
    if (open_store(r, &err))
        fail_msg("open: %s", err.msg);
    compare(r, doubt);
}

/* A table is to be sealed while segments are merged, when there are such. */
static void merge_and_seal(struct round *r)
{
    struct log_store *s = log_of(r->store);
    struct lf_err err = { 0 };
    bool did, waits;
    pthread_mutex_lock(&s->commit_lock);
    lf_rc rc = log_freeze(s, &err);
    pthread_mutex_unlock(&s->commit_lock);
    waits = !rc && atomic_load(&s->frozen);
    int64_t seals = atomic_load(&s->seals);
    rc = log_compact(s, false, &did, &err);
    sealed_meanwhile += !rc && did && waits;
    if (!rc && did && waits && atomic_load(&s->seals) != seals + 1)
        fail_msg("merged, but did not seal");
}

/* One life of a store with one fault after `after` calls, and perhaps a power cut soon after it; the number of calls it took. */
static int64_t live(uint64_t life, enum fault fault, int64_t after, int times, bool cut_too)
{
    struct round *r = lf_new(sizeof *r);
    struct lf_err err = { 0 };
    struct plan doubt;
    bool in_doubt = false;
    seed = life;
    fake_init(&r->disk, life * 31 + (uint64_t)after);
    fake_plan(&r->disk, fault, after, times);
    for (int tries = 0; open_store(r, &err) && tries < 50; tries++)
        if (r->disk.cut)
            fake_reboot(&r->disk);
    for (int step = 0; step < STEPS; step++) {
        unsigned what = rnd(8);
        in_doubt = false;
        if (cut_too && r->disk.calls >= r->disk.at + times) {
            fake_plan(&r->disk, FAULT_CUT, (int64_t)rnd(80), 1);
            cut_too = false;
        }
        if (what < 5) {
            doubt = random_batch(&r->next);
            in_doubt = !commit(r, &doubt);
        } else if (what < 6)
            (void)!lf_tele_log_work(r->store, &err);
        else if (what < 7)
            merge_and_seal(r);
        else if (!r->disk.cut && r->disk.fault == FAULT_NONE)
            reopen(r, NULL);
        if (r->disk.cut) {
            reopen(r, in_doubt ? &doubt : NULL);
            if (in_doubt)
                commit(r, &doubt); /* as a device would: it was never acknowledged */
        }
    }
    int64_t calls = r->disk.calls;
    r->disk.fault = FAULT_NONE;
    compare(r, NULL);
    reopen(r, NULL);
    if (lf_tele_log_work(r->store, &err))
        fail_msg("work: %s", err.msg);
    compare(r, NULL);
    lf_tele_store_close(r->store);
    fake_free(&r->disk);
    lf_release(r);
    return calls;
}

/* LANFAN_FAULT_LIVES: so many times as many lives, for long runs. */
static void every_call(enum fault fault, int times, uint64_t lives, bool cut_too)
{
    const char *more = getenv("LANFAN_FAULT_LIVES");
    lives *= more ? strtoull(more, NULL, 10) : 1;
    for (uint64_t life = 1; life <= lives; life++) {
        int64_t calls = live(life, FAULT_NONE, 0, 0, false);
        assert_true(calls > 50);
        for (int64_t at = 0; at < calls; at++)
            live(life, fault, at, times, cut_too);
    }
}

static void power_is_cut(void **state)
{
    every_call(FAULT_CUT, 1, 3, false);
    assert_true(sealed_meanwhile > 0);
}
static void disk_is_full(void **state) { every_call(FAULT_NO_SPACE, 1, 1, false); }
static void disk_stays_full(void **state) { every_call(FAULT_NO_SPACE, 20, 1, false); }
static void disk_is_broken(void **state) { every_call(FAULT_BROKEN, 1, 1, false); }
static void disk_stays_broken(void **state) { every_call(FAULT_BROKEN, 7, 1, false); }

static void disk_fails_then_power_is_cut(void **state)
{
    every_call(FAULT_BROKEN, 7, 1, true);
    every_call(FAULT_NO_SPACE, 7, 1, true);
}

/* ---- flipped bits ------------------------------------------------------------------------------------------------------ */

/* A store with segments, a state and a journal that is not sealed, closed in good order. */
static struct round *grown(uint64_t life)
{
    struct round *r = lf_new(sizeof *r);
    struct lf_err err = { 0 };
    seed = life;
    fake_init(&r->disk, life);
    assert_int_equal(open_store(r, &err), LF_OK);
    for (int i = 0; i < 12; i++) {
        struct plan b = random_batch(&r->next);
        commit(r, &b);
        if (i % 4 == 3)
            assert_int_equal(lf_tele_log_work(r->store, &err), LF_OK);
        if (i == 10)
            reopen(r, NULL);
    }
    lf_tele_store_close(r->store);
    fake_reboot(&r->disk);
    return r;
}

/* Nothing but what is true; all of it unless an error was said. */
static void nothing_wrong(struct round *r, const struct model *truth, const char *where)
{
    struct seen s;
    see(r->store, &s);
    bool wrong = s.wrong || (!s.failed && (!same(&s.m, truth) || !latest_right(r->store, truth)));
    for (int i = 0; i < STATIONS * FACTORS * TIMES; i++) {
        double is = (&s.m.value[0][0][0])[i];
        wrong |= is != 0 && is != (&truth->value[0][0][0])[i];
    }
    if (wrong)
        fail_msg("a wrong answer after damage to %s%s", where, s.failed ? ", beside an error" : ", without an error");
}

static void damage(struct fake_io *disk, char where[100])
{
    const char *name;
    uint8_t *p;
    size_t files = 0, n;
    while (fake_peek(disk, files, &name, &p, &n))
        files++;
    size_t i = rnd((unsigned)files);
    fake_peek(disk, i, &name, &p, &n);
    size_t at = n > 100 && rnd(2) ? (rnd(2) ? rnd(100) : n - 1 - rnd(100)) : rnd((unsigned)n);
    bool shorter = rnd(8) == 0;
    snprintf(where, 100, "%s %s %zu of %zu", name, shorter ? "cut to" : "at", at, n);
    if (shorter)
        fake_truncate(disk, i, at);
    else
        p[at] ^= (uint8_t)(1u << rnd(8));
}

/* `lanfan telemetry verify` says so when a store does not open. */
static void checked(struct round *r, bool must, const char *where)
{
    struct lf_tele_log_stats stats;
    struct lf_err err = { 0 };
    int64_t bad = 0;
    lf_rc rc = lf_tele_log_check("d", &r->disk.io, true, NULL, NULL, &stats, &bad, &err);
    if (must && !rc && !bad)
        fail_msg("verify finds nothing after damage to %s", where);
}

/* What can be read of a damaged store is kept, all of it true; after that it is whole again. True: all but one batch was kept. */
static bool salvaged(struct fake_io *disk, const struct model *truth, const char *where)
{
    struct round *r = lf_new(sizeof *r);
    struct lf_err err = { 0 };
    struct seen s = { .wrong = false };
    fake_init(&r->disk, 1);
    fake_copy(&r->disk, disk);
    salvage = true;
    lf_rc rc = open_store(r, &err);
    salvage = false;
    if (rc && !strstr(err.msg, "manifest"))
        fail_msg("salvage after damage to %s: %s", where, err.msg);
    if (!rc) {
        see(r->store, &s);
        for (int i = 0; i < PACKETS; i++)
            s.wrong |= s.m.packet[i] && !truth->packet[i];
        if (s.wrong)
            fail_msg("salvage gave something wrong after damage to %s", where);
        if (strncmp(where, "state-", 6) == 0) /* made again from the segments */
            assert_true(same(&s.m, truth) && latest_right(r->store, truth));
        struct plan more = { .n = 1, .p = { { .number = PACKETS - 1, .station = 0, .n = 1, .at = { TIMES - 1 }, .value = { 9 } } } };
        struct lf_tele_batch b = { .npacket = 0 };
        fill(&b, &more);
        assert_int_equal(r->store->ops->commit(r->store, &b, &err), LF_OK);
        lf_tele_batch_free(&b);
        lf_tele_store_close(r->store);
        fake_reboot(&r->disk);
        if (open_store(r, &err))
            fail_msg("what was salvaged does not open after damage to %s: %s", where, err.msg);
        lf_tele_store_close(r->store);
    }
    fake_free(&r->disk);
    lf_release(r);
    return s.m.npacket >= truth->npacket - 5;
}

static void bits_flip(void **state)
{
    int noticed = 0, nearly_all = 0;
    struct round *r = grown(5), *hurt = lf_new(sizeof *hurt);
    for (unsigned i = 0; i < 1000; i++) {
        char where[100];
        struct lf_err err = { 0 };
        *hurt = (struct round){ .next = 0 };
        fake_init(&hurt->disk, i);
        fake_copy(&hurt->disk, &r->disk);
        damage(&hurt->disk, where);
        lf_rc rc = open_store(hurt, &err);
        if (rc && (rc != LF_EIO || !strstr(err.msg, "damaged")))
            fail_msg("%s: %s", where, err.msg);
        noticed += rc != LF_OK;
        checked(hurt, rc != LF_OK, where);
        nearly_all += rc && salvaged(&hurt->disk, &r->sure, where);
        if (!rc) {
            nothing_wrong(hurt, &r->sure, where);
            (void)!lf_tele_log_work(hurt->store, &err);
            nothing_wrong(hurt, &r->sure, where);
        }
        lf_tele_store_close(hurt->store);
        fake_free(&hurt->disk);
    }
    assert_true(noticed > 150 && nearly_all > noticed / 3);
    fake_free(&r->disk);
    lf_release(r);
    lf_release(hurt);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(power_is_cut),      cmocka_unit_test(disk_is_full),
                                        cmocka_unit_test(disk_stays_full),   cmocka_unit_test(disk_is_broken),
                                        cmocka_unit_test(disk_stays_broken), cmocka_unit_test(disk_fails_then_power_is_cut),
                                        cmocka_unit_test(bits_flip) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
