#include "base/workcal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct lf_workcal *cal;
static bool works(int y, int m, int d) { return lf_workcal_is_workday(cal, lf_day_ymd(y, m, d)); }
static lf_ms at(int y, int m, int d, int h, int min) { return lf_ms_of((struct lf_civil){ y, m, d, h, min, 0, 0 }); }

/* As published: holidays that fall on working days are off, make-up days at weekends are worked. */
static void published_days(void **state)
{
    assert_false(works(2017, 10, 2));
    assert_true(works(2017, 9, 30));
    assert_false(works(2019, 5, 1));
    assert_true(works(2019, 4, 28));
    assert_false(works(2020, 1, 31)); /* Spring Festival was prolonged */
    assert_true(works(2021, 2, 7));
    assert_true(works(2022, 10, 8));
    assert_false(works(2022, 10, 7));
    assert_false(works(2023, 9, 29)); /* Mid-Autumn and National Day in one */
    assert_true(works(2023, 10, 7));
    assert_true(works(2024, 2, 4));
    assert_false(works(2024, 2, 12));
    assert_true(works(2025, 1, 26));
    assert_false(works(2025, 10, 8));
    assert_true(works(2026, 11, 24));
    for (int y = 2017; y <= 2026; y++) {
        assert_false(works(y, 1, 1));
        assert_false(works(y, 10, 1));
        assert_true(lf_workcal_known(lf_day_ymd(y, 6, 1)));
        int days = 0;
        for (lf_day d = lf_day_ymd(y, 1, 1); d.v < lf_day_ymd(y + 1, 1, 1).v; d.v++)
            days += lf_workcal_is_workday(cal, d);
        assert_in_range(days, 246, 252);
    }
}

static void due_times(void **state)
{
    /* Friday 17:00, one hour: half an hour today, half an hour on Monday morning. */
    assert_int_equal(lf_workcal_add_minutes(cal, at(2026, 11, 20, 17, 0), 60).ms, at(2026, 11, 23, 9, 0).ms);
    /* The eve of a holiday: 2024-09-30 16:30 plus 2 h ends on 10-08. */
    assert_int_equal(lf_workcal_add_minutes(cal, at(2024, 9, 30, 16, 30), 120).ms, at(2024, 10, 8, 9, 30).ms);
    assert_int_equal(lf_workcal_due_days(cal, at(2026, 11, 20, 9, 0), 1).ms, at(2026, 11, 23, 17, 30).ms);
    assert_int_equal(lf_workcal_minutes(cal, at(2026, 11, 23, 0, 0), at(2026, 11, 24, 0, 0)), lf_workcal_day_minutes(cal));
    assert_int_equal(lf_workcal_minutes(cal, at(2026, 11, 24, 0, 0), at(2026, 11, 23, 0, 0)), 0);
}

/* Adding minutes and counting them back agree, from any minute of two odd weeks. */
static void add_and_count_agree(void **state)
{
    for (int k = 0; k < 14 * 24; k++) {
        lf_ms from = { at(2023, 9, 25, 0, 7).ms + (int64_t)k * LF_HOUR_MS };
        int64_t n = 1 + k * 7 % 2000;
        assert_int_equal(lf_workcal_minutes(cal, from, lf_workcal_add_minutes(cal, from, n)), n);
    }
}

struct sum {
    int64_t counted, all;
    lf_ms last;
    int lines;
};
static void add_line(void *user, const struct lf_workcal_stretch *s)
{
    struct sum *t = user;
    if (t->lines++)
        assert_int_equal(s->from.ms, t->last.ms);
    t->last = s->to;
    t->all += s->minutes;
    if (s->counted)
        t->counted += s->minutes;
}

static void sheet_has_no_gaps(void **state)
{
    lf_ms from = at(2024, 9, 27, 10, 0), to = at(2024, 10, 9, 11, 0);
    struct sum t = { 0 };
    int64_t n = lf_workcal_sheet(cal, false, from, to, NULL, 0, add_line, &t);
    assert_int_equal(n, lf_workcal_minutes(cal, from, to));
    assert_int_equal(n, t.counted);
    assert_int_equal(t.all, (to.ms - from.ms) / LF_MINUTE_MS);
    assert_in_range(t.lines, 10, 30); /* the seven days of National Day are one line */
    struct lf_workcal_pause p = { at(2024, 9, 27, 11, 0), at(2024, 9, 27, 14, 0) };
    struct sum q = { 0 };
    int64_t m = lf_workcal_sheet(cal, false, from, to, &p, 1, add_line, &q);
    assert_int_equal(m, n - 90); /* 11:00-12:00 and 13:30-14:00 */
    assert_int_equal(q.all, t.all);
    assert_int_equal(lf_workcal_sheet(cal, true, from, to, &p, 1, NULL, NULL), t.all - 180);
}

static void bad_hours(void **state)
{
    struct lf_workcal *c;
    struct lf_err e;
    assert_int_equal(lf_workcal_new(&c, &(struct lf_workcal_config){ 600, 500, 800, 900 }, &e), LF_EINVAL);
}

int main(void)
{
    struct lf_err e;
    if (lf_workcal_new(&cal, NULL, &e))
        return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(published_days), cmocka_unit_test(due_times),
                                        cmocka_unit_test(add_and_count_agree), cmocka_unit_test(sheet_has_no_gaps),
                                        cmocka_unit_test(bad_hours) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    lf_workcal_free(cal);
    return bad;
}
