/* alarm_test.c - the rules of room alarm without a database: when an episode begins and ends, what is over a limit, on which day. */
#include "rooms/alarm/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static lf_ms minute(int n) { return (lf_ms){ 1750000000000 + (int64_t)n * LF_MINUTE_MS }; }

/* Plays a line of readings: b bad, g good; returns what was said as letters: B begin, M more, E end, . nothing. */
static const char *play(const struct judge_rule *r, struct judge_track *t, const char *line)
{
    static char said[100];
    size_t n = strlen(line);
    for (size_t i = 0; i < n; i++)
        said[i] = ".BME"[judge_step(r, t, line[i] == 'b', minute((int)i + 1))];
    said[n] = 0;
    return said;
}

static void begins_and_ends(void **state)
{
    const struct judge_rule one = { 1, 1, 1, 0 }, three_of_five = { 3, 5, 3, 0 };
    struct judge_track t = { 0 };
    assert_string_equal(play(&one, &t, "gbbgbg"), ".BMEBE");
    assert_true(judge_calm(&t));
    t = (struct judge_track){ 0 };
    assert_string_equal(play(&three_of_five, &t, "gbgbgbbggbggg"), ".....BM..M..E");
    t = (struct judge_track){ 0 };
    assert_string_equal(play(&three_of_five, &t, "bgggbgggbgggb"), "............."); /* never three within five */
    assert_false(judge_calm(&t));
    t = (struct judge_track){ 0 };
    assert_string_equal(play(&three_of_five, &t, "bbb"), "..B");
    assert_int_equal(t.since.ms, minute(1).ms);
}

static void lasts_before_it_begins(void **state)
{
    const struct judge_rule r = { 1, 1, 1, 3 * LF_MINUTE_MS };
    struct judge_track t = { 0 };
    assert_string_equal(play(&r, &t, "bbbbbg"), "...BME");
    t = (struct judge_track){ 0 };
    assert_string_equal(play(&r, &t, "bbgbbgbb"), "........");
}

static void late_and_again(void **state)
{
    const struct judge_rule one = { 1, 1, 1, 0 }, two = { 2, 2, 1, 0 };
    struct judge_track t = { 0 };
    assert_int_equal(judge_step(&one, &t, false, minute(60)), JUDGE_NOTHING);
    assert_int_equal(judge_step(&one, &t, true, minute(0)), JUDGE_BEGIN); /* a mean that comes late is no less an exceedance */
    assert_int_equal(t.since.ms, minute(0).ms);
    assert_int_equal(judge_step(&one, &t, false, minute(120)), JUDGE_END);
    t = (struct judge_track){ 0 };
    judge_step(&two, &t, false, minute(60));
    assert_int_equal(judge_step(&two, &t, true, minute(1)), JUDGE_NOTHING); /* a window has no place for it */
    assert_int_equal(judge_step(&two, &t, true, minute(2)), JUDGE_NOTHING);
    t = (struct judge_track){ 0 };
    assert_int_equal(judge_step(&one, &t, true, minute(1)), JUDGE_BEGIN);
    assert_int_equal(judge_step(&one, &t, false, minute(1)), JUDGE_END); /* corrected at once */
    t = (struct judge_track){ 0 };
    assert_int_equal(judge_step(&two, &t, true, minute(1)), JUDGE_NOTHING);
    assert_int_equal(judge_step(&two, &t, true, minute(1)), JUDGE_NOTHING); /* the same reading twice is one */
}

static void limits_by_day(void **state)
{
    const lf_day none = { LF_NULL32 };
    const struct judge_limit so2[] = { { lf_day_ymd(2014, 1, 1), lf_day_ymd(2026, 2, 28), NAN, 150 },
                                       { lf_day_ymd(2026, 3, 1), none, NAN, 50 } };
    double limit;
    assert_false(judge_over(so2, 2, lf_day_ymd(2013, 12, 31), 999, 100, &limit)); /* none was in force */
    assert_true(judge_over(so2, 2, lf_day_ymd(2026, 2, 28), 100, 100, &limit) && isnan(limit));
    assert_true(judge_over(so2, 2, lf_day_ymd(2026, 3, 1), 100, 100, &limit) && limit == 50);
    assert_true(judge_over(so2, 2, lf_day_ymd(2026, 3, 1), 50, 100, &limit) && isnan(limit)); /* the limit itself is within */
    assert_true(judge_over(so2, 2, lf_day_ymd(2026, 3, 1), 46, 90, &limit) && limit == 50);
    const struct judge_limit ph = { lf_day_ymd(2014, 1, 1), none, 6, 9 };
    assert_true(judge_over(&ph, 1, lf_day_ymd(2020, 1, 1), 5.9, 100, &limit) && limit == 6);
    assert_true(judge_over(&ph, 1, lf_day_ymd(2020, 1, 1), 9.1, 100, &limit) && limit == 9);
    assert_true(judge_over(&ph, 1, lf_day_ymd(2020, 1, 1), 7, 100, &limit) && isnan(limit));
    const struct judge_limit both[] = { { lf_day_ymd(2014, 1, 1), none, NAN, 200 }, { lf_day_ymd(2014, 1, 1), none, NAN, 100 } };
    assert_true(judge_over(both, 2, lf_day_ymd(2020, 1, 1), 300, 100, &limit) && limit == 100);
}

static void marks(void **state)
{
    assert_true(judge_flagged(LF_TEXT("D"), LF_TEXT("DBP")));
    assert_false(judge_flagged(LF_TEXT("N"), LF_TEXT("DBP")));
    assert_false(judge_flagged((lf_text){ 0 }, LF_TEXT("DBP")));
    const struct lf_tele_reading r = { .value = 80, .zs = 112 };
    assert_true(judge_value(&r, true) > 111 && judge_value(&r, false) < 81);
    struct lf_tele_reading plain = { .value = 80, .zs = NAN };
    assert_true(judge_value(&plain, true) < 81);
    const struct judge_limit old = { { -1 }, { 100 }, NAN, 50, true }, measured = { { 0 }, { LF_NULL32 }, NAN, 50, false };
    assert_true(judge_unconverted(&old, 1, &plain, true));
    assert_false(judge_unconverted(&old, 1, &plain, false) || judge_unconverted(&old, 1, &r, true));
    assert_false(judge_unconverted(&measured, 1, &plain, true));
    plain.at = lf_day_start((lf_day){ 101 }); /* no longer in force */
    assert_false(judge_unconverted(&old, 1, &plain, true));
}

static void constant(void **state)
{
    struct judge_run run = { 0 };
    bool on = false;
    for (int i = 0; i <= 120; i++)
        on = judge_constant(&run, 12.5, minute(i), 2 * LF_HOUR_MS, 30);
    assert_true(on);
    assert_false(judge_constant(&run, 12.6, minute(121), 2 * LF_HOUR_MS, 30));
    run = (struct judge_run){ 0 };
    for (int i = 0; i < 29; i++) /* a day's values, too few of them */
        on = judge_constant(&run, 1, minute(60 * i), 2 * LF_HOUR_MS, 30);
    assert_false(on);
    assert_true(judge_constant(&run, 1, minute(60 * 29), 2 * LF_HOUR_MS, 30));
    assert_false(judge_constant(&run, NAN, minute(60 * 30), 2 * LF_HOUR_MS, 30));
    assert_int_equal(run.n, 0);
}

static void clocks(void **state)
{
    struct judge_clock c = { 0 };
    const int64_t five = 5 * LF_MINUTE_MS;
    assert_int_equal(judge_clock(&c, minute(0), minute(0), five), JUDGE_CLOCK_UNKNOWN);
    assert_int_equal(judge_clock(&c, minute(1), minute(1), five), JUDGE_CLOCK_GOOD);
    c = (struct judge_clock){ 0 };
    judge_clock(&c, minute(0), minute(10), five);
    assert_int_equal(judge_clock(&c, minute(1), minute(11), five), JUDGE_CLOCK_BAD); /* ten minutes slow, steadily */
    c = (struct judge_clock){ 0 };
    judge_clock(&c, minute(8), minute(0), five);
    assert_int_equal(judge_clock(&c, minute(9), minute(1), five), JUDGE_CLOCK_BAD); /* fast */
    c = (struct judge_clock){ 0 };
    judge_clock(&c, minute(0), minute(100), five);
    for (int i = 1; i < 60; i++) /* a backlog: an hour of minutes within two */
        assert_int_equal(judge_clock(&c, minute(i), (lf_ms){ minute(100).ms + i * 2000 }, five), JUDGE_CLOCK_UNKNOWN);
}

static int cover(int step, int from, int to, const char *flag)
{
    struct judge_cover c = { .hour = minute(0) };
    for (int i = from; i < to; i += step)
        judge_cover_add(&c, minute(i), hj212_mark_of(lf_str(flag)), true);
    return judge_cover_minutes(&c, c.valid);
}

static void hours(void **state)
{
    assert_int_equal(cover(1, -60, 45, "N"), 45);
    assert_int_equal(cover(1, -60, 44, "N"), 44);
    assert_int_equal(cover(10, -60, 50, "N"), 50); /* five ten-minute values */
    assert_int_equal(cover(10, -60, 40, "N"), 40);
    assert_int_equal(cover(1, -60, 60, "D"), 0);
    assert_int_equal(cover(5, 0, 60, "N"), 60);
    struct judge_cover c = { .hour = minute(0) };
    for (int i = 0; i < 60; i++)
        judge_cover_add(&c, minute(i), i < 30 ? HJ212_STOPPED : HJ212_NORMAL, true);
    assert_int_equal(judge_cover_minutes(&c, c.valid), 30);
    assert_int_equal(judge_cover_minutes(&c, c.stopped), 30);
}

static void intervals(void **state)
{
    assert_int_equal(judge_interval(0, minute(0), minute(1)), LF_MINUTE_MS);
    assert_int_equal(judge_interval(LF_MINUTE_MS, minute(0), minute(0)), LF_MINUTE_MS);
    assert_int_equal(judge_interval(LF_MINUTE_MS, minute(0), minute(60 * 5)), LF_MINUTE_MS); /* silence is no interval */
    assert_int_equal(judge_interval(0, (lf_ms){ 1000 }, (lf_ms){ 1020 }), 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_and_ends), cmocka_unit_test(lasts_before_it_begins),
        cmocka_unit_test(late_and_again),  cmocka_unit_test(limits_by_day),
        cmocka_unit_test(marks),           cmocka_unit_test(constant),
        cmocka_unit_test(clocks),          cmocka_unit_test(hours),
        cmocka_unit_test(intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
