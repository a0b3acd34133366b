/* The arithmetic of series, without a database: gaps, limits by date, the grid of time. */
#include "rooms/series/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const int64_t T0 = 1793376000000; /* 2026-10-31T00:00:00+08:00 */
enum { HOURS = 100 };

static void feed(struct line *l, int64_t hour, double v, const char *flag)
{
    const struct lf_tele_reading r = { .at = { T0 + hour * LF_HOUR_MS }, .value = v, .vmin = NAN, .vmax = NAN, .flag = lf_str(flag) };
    line_add(l, &r);
}
static struct lf_tele_series range(int64_t hours)
{
    return (struct lf_tele_series){ .from = { T0 }, .to = { T0 + hours * LF_HOUR_MS }, .max_points = 1000 };
}

static void the_usual_step(void **state)
{
    const lf_ms at[] = { { 0 }, { 30000 }, { 60500 }, { 90000 }, { 900000 }, { 930000 } };
    assert_int_equal(line_step(LF_TELE_RTD, at, LF_COUNT(at)), 30000);
    assert_int_equal(line_step(LF_TELE_RTD, at, 1), 0);
    assert_int_equal(line_step(LF_TELE_HOUR_CALC, at, 6), LF_HOUR_MS);
    assert_int_equal(line_step(LF_TELE_DAY, NULL, 0), LF_DAY_MS);
}

static void missing_hours_are_told(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(24);
    struct lf_tele_point *p;
    struct line l;
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, LF_HOUR_MS);
    for (int h = 2; h < 20; h++)
        if (h < 7 || h > 9)
            feed(&l, h, h, "N");
    assert_int_equal(line_end(&l, &p), 15);
    assert_int_equal(l.ngap, 3);
    const int want[3][2] = { { 0, 2 }, { 7, 10 }, { 20, 24 } };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(l.gap[i].from.ms, T0 + want[i][0] * LF_HOUR_MS);
        assert_int_equal(l.gap[i].to.ms, T0 + want[i][1] * LF_HOUR_MS);
    }
    lf_arena_free(&a);
}

static void feed_every(struct line *l, int64_t from_s, int64_t to_s, int64_t every_s)
{
    for (int64_t s = from_s; s < to_s; s += every_s) {
        const struct lf_tele_reading r = { .at = { T0 + s * 1000 }, .value = 1, .vmin = NAN, .vmax = NAN, .flag = LF_TEXT("N") };
        line_add(l, &r);
    }
}

static void another_rhythm_is_not_missing(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(2);
    struct lf_tele_point *p;
    struct line l;
    /* Once a minute for an hour, then every two seconds; ten minutes are missing in each half. */
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, 2000);
    feed_every(&l, 30, 1800, 60);
    feed_every(&l, 2430, 3600, 60);
    feed_every(&l, 3600, 4200, 2);
    feed_every(&l, 4800, 7200, 2);
    line_end(&l, &p);
    assert_int_equal(l.ngap, 2);
    assert_int_equal(l.gap[0].to.ms, T0 + 2430 * 1000LL);
    assert_int_equal(l.gap[0].from.ms, T0 + 1830 * 1000LL);
    assert_int_equal(l.gap[1].from.ms, T0 + 4200 * 1000LL);
    assert_int_equal(l.gap[1].to.ms, T0 + 4800 * 1000LL);
    /* The other way round: slower at the end, which is where the next value is waited for. */
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, 2000);
    feed_every(&l, 0, 3600, 2);
    feed_every(&l, 3600, 7200, 60);
    line_end(&l, &p);
    assert_int_equal(l.ngap, 0);
    /* Three gaps that happen to be alike stay gaps. */
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, 2000);
    feed_every(&l, 0, 600, 2);
    feed_every(&l, 600, 780, 60);
    feed_every(&l, 780, 7200, 2);
    line_end(&l, &p);
    assert_int_equal(l.ngap, 3);
    lf_arena_free(&a);
}

static void what_cannot_be_there_yet_is_not_missing(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(24);
    struct lf_tele_point *p;
    struct line l;
    /* 10:20: the hour that began at 09:00 has come, the one of 10:00 is still going on. */
    line_begin(&l, &a, &q, (lf_ms){ T0 + 10 * LF_HOUR_MS + 20 * LF_MINUTE_MS }, LF_HOUR_MS);
    for (int h = 0; h < 10; h++)
        feed(&l, h, 1, "N");
    line_end(&l, &p);
    assert_int_equal(l.ngap, 0);
    /* Nothing at all is one gap, up to now. */
    line_begin(&l, &a, &q, (lf_ms){ T0 + 5 * LF_HOUR_MS }, 0);
    assert_int_equal(line_end(&l, &p), 0);
    assert_int_equal(l.ngap, 1);
    assert_int_equal(l.gap[0].to.ms, T0 + 5 * LF_HOUR_MS);
    lf_arena_free(&a);
}

static void a_limit_counts_on_its_days(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(48);
    struct lf_tele_point *p;
    struct line l;
    const struct line_limit limit[] = { { { T0 }, { T0 + LF_DAY_MS }, NAN, 50, { 0 } },
                                        { { T0 + LF_DAY_MS }, { T0 + 2LL * LF_DAY_MS }, 6, 35, { 0 } } };
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, LF_HOUR_MS);
    l.limit = limit, l.nlimit = LF_COUNT(limit);
    feed(&l, 1, 50, "N"); /* not past it */
    feed(&l, 2, 51, "N");
    feed(&l, 3, 5, "N"); /* no lower limit yet */
    feed(&l, 4, NAN, "D");
    feed(&l, 24, 40, "N");
    feed(&l, 25, 5, "N");
    feed(&l, 26, 35, "N");
    line_end(&l, &p);
    assert_int_equal(l.over, 3);
    assert_int_equal(l.n, 7);
    assert_int_equal(l.values, 6);
    assert_true(l.least == 5 && l.most == 51 && l.sum == 186);
    assert_int_equal(l.least_at.ms, T0 + 3 * LF_HOUR_MS);
    lf_arena_free(&a);
}

static void a_peak_survives_thinning(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(1000);
    struct lf_tele_point *p;
    struct line l;
    q.max_points = 20;
    line_begin(&l, &a, &q, (lf_ms){ T0 + 2000LL * LF_HOUR_MS }, LF_HOUR_MS);
    for (int h = 0; h < 1000; h++)
        feed(&l, h, h == 777 ? 1000 : 10, h % 2 ? "N" : "");
    size_t n = line_end(&l, &p), peaks = 0;
    assert_in_range(n, 10, 20);
    for (size_t i = 0; i < n; i++)
        peaks += p[i].value == 1000;
    assert_int_equal(peaks, 1);
    assert_int_equal(l.n, 1000);
    assert_int_equal(l.nflag, 2);
    lf_arena_free(&a);
}

static void noise_in_flags_is_bounded(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_series q = range(24);
    struct lf_tele_point *p;
    struct line l;
    line_begin(&l, &a, &q, (lf_ms){ T0 + HOURS * LF_HOUR_MS }, LF_HOUR_MS);
    for (int i = 0; i < LINE_FLAGS + 5; i++)
        line_flag(&l, lf_str(lf_printf(&a, "%d", i)));
    assert_int_equal(l.nflag, LINE_FLAGS);
    assert_true(lf_text_is(line_flag(&l, LF_TEXT("other")), "?"));
    assert_null(line_flag(&l, (lf_text){ 0 }).p);
    line_end(&l, &p);
    lf_arena_free(&a);
}

static void slots_begin_at_whole_widths(void **state)
{
    struct slots g = slots_of((lf_ms){ T0 + 90000 }, (lf_ms){ T0 + LF_DAY_MS }, 1000, 100);
    assert_int_equal(g.width, 15 * LF_MINUTE_MS);
    assert_int_equal(g.from.ms, T0);
    assert_int_equal(g.n, 96);
    assert_int_equal(slots_of((lf_ms){ T0 }, (lf_ms){ T0 + LF_DAY_MS }, LF_HOUR_MS, 5000).width, LF_HOUR_MS);
    g = slots_of((lf_ms){ T0 + 7 * LF_HOUR_MS }, (lf_ms){ T0 + 30LL * LF_DAY_MS }, LF_DAY_MS, 800); /* days begin in China */
    assert_int_equal(g.from.ms, T0);
    assert_int_equal(g.n, 30);
    g = slots_of((lf_ms){ T0 }, (lf_ms){ T0 + 3700LL * LF_DAY_MS }, 1000, 10);
    assert_in_range(g.n, 10, 130);
}

static void a_slot_keeps_mean_and_extremes(void **state)
{
    struct slot s[24] = { { 0 } };
    struct slots g = slots_of((lf_ms){ T0 }, (lf_ms){ T0 + LF_DAY_MS }, LF_HOUR_MS, 24);
    const double v[] = { 4, NAN, 10, 1 };
    for (size_t i = 0; i < LF_COUNT(v); i++) {
        const struct lf_tele_reading r = { .at = { T0 + 3 * LF_HOUR_MS + (int64_t)i * 60000 }, .value = v[i] };
        slot_add(&g, s, &r, i == 1 ? LF_TEXT("D") : LF_TEXT("N"));
    }
    const struct lf_tele_reading before = { .at = { T0 - 1 }, .value = 1 }, after = { .at = { T0 + LF_DAY_MS }, .value = 1 };
    slot_add(&g, s, &before, LF_TEXT("N"));
    slot_add(&g, s, &after, LF_TEXT("N"));
    assert_int_equal(s[3].n, 3);
    assert_true(s[3].sum == 15 && s[3].least == 1 && s[3].most == 10);
    assert_true(lf_text_is(s[3].flag, "D"));
    assert_int_equal(s[0].n + s[2].n + s[4].n + s[23].n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_step),
        cmocka_unit_test(missing_hours_are_told),
        cmocka_unit_test(another_rhythm_is_not_missing),
        cmocka_unit_test(what_cannot_be_there_yet_is_not_missing),
        cmocka_unit_test(a_limit_counts_on_its_days),
        cmocka_unit_test(a_peak_survives_thinning),
        cmocka_unit_test(noise_in_flags_is_bounded),
        cmocka_unit_test(slots_begin_at_whole_widths),
        cmocka_unit_test(a_slot_keeps_mean_and_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
