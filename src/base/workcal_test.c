#include "base/workcal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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

/* Every day of eleven years, as the yearly notices of the General Office of the State Council have it: weekends that are worked and other
 * days that are not. Taken from NateScarlet/holiday-cn (MIT), which reads the notices; our table comes from elsewhere (data/README.md). */
static const struct {
    int year;
    const char *worked, *off;
} notices[] = {
    { 2016, "0206 0214 0612 0918 1008 1009", "0101 0208 0209 0210 0211 0212 0404 0502 0609 0610 0915 0916 1003 1004 1005 1006 1007" },
    { 2017, "0122 0204 0401 0527 0930", "0102 0127 0130 0131 0201 0202 0403 0404 0501 0529 0530 1002 1003 1004 1005 1006" },
    { 2018, "0211 0224 0408 0428 0929 0930 1229",
      "0101 0215 0216 0219 0220 0221 0405 0406 0430 0501 0618 0924 1001 1002 1003 1004 1005 1231" },
    { 2019, "0202 0203 0428 0505 0929 1012", "0101 0204 0205 0206 0207 0208 0405 0501 0502 0503 0607 0913 1001 1002 1003 1004 1007" },
    { 2020, "0119 0426 0509 0628 0927 1010",
      "0101 0124 0127 0128 0129 0130 0131 0406 0501 0504 0505 0625 0626 1001 1002 1005 1006 1007 1008" },
    { 2021, "0207 0220 0425 0508 0918 0926 1009",
      "0101 0211 0212 0215 0216 0217 0405 0503 0504 0505 0614 0920 0921 1001 1004 1005 1006 1007" },
    { 2022, "0129 0130 0402 0424 0507 1008 1009",
      "0103 0131 0201 0202 0203 0204 0404 0405 0502 0503 0504 0603 0912 1003 1004 1005 1006 1007" },
    { 2023, "0128 0129 0423 0506 0625 1007 1008",
      "0102 0123 0124 0125 0126 0127 0405 0501 0502 0503 0622 0623 0929 1002 1003 1004 1005 1006" },
    { 2024, "0204 0218 0407 0428 0511 0914 0929 1012",
      "0101 0212 0213 0214 0215 0216 0404 0405 0501 0502 0503 0610 0916 0917 1001 1002 1003 1004 1007" },
    { 2025, "0126 0208 0427 0928 1011", "0101 0128 0129 0130 0131 0203 0204 0404 0501 0502 0505 0602 1001 1002 1003 1006 1007 1008" },
    { 2026, "0104 0214 0228 0509 0920 1010",
      "0101 0102 0216 0217 0218 0219 0220 0223 0406 0501 0504 0505 0619 0925 1001 1002 1005 1006 1007" },
};

static bool works_on(int32_t day)
{
    struct lf_civil c = lf_civil_of(lf_day_start((lf_day){ day }));
    char text[8];
    snprintf(text, sizeof text, "%02u%02u", (unsigned)c.month % 100, (unsigned)c.day % 100);
    for (size_t i = 0; i < LF_COUNT(notices); i++)
        if (notices[i].year == c.year) /* 1970-01-01 was a Thursday */
            return (day + 3) % 7 >= 5 ? strstr(notices[i].worked, text) != NULL : strstr(notices[i].off, text) == NULL;
    fail();
    return false;
}

static void every_day_is_as_published(void **state)
{
    for (lf_day d = lf_day_ymd(2016, 1, 1); d.v < lf_day_ymd(2027, 1, 1).v; d.v++)
        if (lf_workcal_is_workday(cal, d) != works_on(d.v))
            fail_msg("day %d since 1970 should %sbe worked", d.v, works_on(d.v) ? "" : "not ");
}

/* The n-th working day after each day of those years, counted by hand from the notices. */
static void due_days_of_every_day(void **state)
{
    for (lf_day d = lf_day_ymd(2016, 1, 1); d.v < lf_day_ymd(2026, 6, 1).v; d.v++)
        for (int n = 1; n <= 20; n += 6) {
            lf_day due = d;
            for (int left = n; left;)
                left -= works_on(++due.v);
            lf_ms end = { lf_day_start(due).ms + (17 * 60 + 30) * LF_MINUTE_MS };
            assert_int_equal(lf_workcal_due_days(cal, (lf_ms){ lf_day_start(d).ms + 10 * LF_HOUR_MS }, n).ms, end.ms);
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

/* Years without a published table: Monday to Friday, and it is said. */
static void years_to_come(void **state)
{
    int last = 2026;
    while (lf_workcal_known(lf_day_ymd(last + 1, 6, 1)))
        last++;
    assert_false(lf_workcal_known(lf_day_ymd(2015, 12, 31)));
    int days = 0;
    for (lf_day d = lf_day_ymd(last + 1, 1, 1); d.v < lf_day_ymd(last + 5, 1, 1).v; d.v++) { /* with a 29 February */
        bool week = lf_weekday(d) <= 5;
        assert_int_equal(lf_workcal_is_workday(cal, d), week);
        assert_non_null(strstr(lf_workcal_why(cal, d), week ? "holidays not known" : "make-up days not known"));
        days += week;
    }
    assert_in_range(days, 1040, 1046);
    assert_string_equal(lf_workcal_why(cal, lf_day_ymd(2026, 11, 24)), "工作时间 | working time");
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(published_days),
                                        cmocka_unit_test(every_day_is_as_published),
                                        cmocka_unit_test(due_days_of_every_day),
                                        cmocka_unit_test(due_times),
                                        cmocka_unit_test(add_and_count_agree),
                                        cmocka_unit_test(sheet_has_no_gaps),
                                        cmocka_unit_test(bad_hours),
                                        cmocka_unit_test(years_to_come) };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    lf_workcal_free(cal);
    return bad;
}
