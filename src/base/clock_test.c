/* Days and instants of China's one zone, whatever the zone of the machine: there and back, and the texts that are and are not read. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static lf_ms at(int y, int mo, int d, int h, int mi, int s) { return lf_ms_of((struct lf_civil){ y, mo, d, h, mi, s, 0 }); }

static void days_follow_each_other(void **state)
{
    int y = 1900, m = 1, d = 1;
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    lf_day day = lf_day_ymd(1900, 1, 1);
    assert_int_equal(lf_weekday(day), 1); /* a Monday */
    for (int n = 0; y < 2201; n++, day.v++) {
        int yy, mm, dd;
        lf_day_split(day, &yy, &mm, &dd);
        assert_int_equal(yy * 10000 + mm * 100 + dd, y * 10000 + m * 100 + d);
        assert_int_equal(lf_day_ymd(y, m, d).v, day.v);
        assert_int_equal(lf_weekday(day), n % 7 + 1);
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        if (++d > days[m - 1] + (leap && m == 2))
            d = 1, m++;
        if (m > 12)
            m = 1, y++;
    }
}

static void a_day_begins_at_midnight_in_china(void **state)
{
    assert_int_equal(at(1970, 1, 1, 8, 0, 0).ms, 0);
    assert_int_equal(at(2026, 11, 25, 0, 0, 0).ms, 1795536000000);
    assert_int_equal(lf_day_of((lf_ms){ 1795536000000 - 1 }).v, lf_day_ymd(2026, 11, 24).v);
    assert_int_equal(lf_day_of((lf_ms){ 1795536000000 }).v, lf_day_ymd(2026, 11, 25).v);
    assert_int_equal(lf_day_of((lf_ms){ -1 }).v, 0); /* 1970-01-01 07:59:59.999 */
    assert_int_equal(lf_day_of((lf_ms){ -8 * (int64_t)LF_HOUR_MS - 1 }).v, -1);
    for (int y = 1986; y <= 1992; y++) /* there was summer time then; a fixed shift knows none, in both directions */
        assert_int_equal(at(y, 7, 1, 12, 0, 0).ms - at(y, 6, 30, 12, 0, 0).ms, LF_DAY_MS);
    for (int64_t t = -3000000000000; t < 5000000000000; t += 86399999977)
        assert_int_equal(lf_ms_of(lf_civil_of((lf_ms){ t })).ms, t);
}

static void the_zone_of_the_machine_does_not_matter(void **state)
{
    static const char *const zones[] = { "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati" };
    char a[32], b[32];
    lf_ms_iso(a, at(2026, 3, 29, 2, 30, 0));
    for (size_t i = 0; i < LF_COUNT(zones); i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        assert_string_equal(lf_ms_iso(b, at(2026, 3, 29, 2, 30, 0)), a);
        lf_ms t;
        assert_true(lf_ms_parse_iso(LF_TEXT("2026-03-29 02:30"), &t));
        assert_int_equal(t.ms, at(2026, 3, 29, 2, 30, 0).ms);
    }
    unsetenv("TZ");
    tzset();
}

static void instants_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = { { "1970-01-01T00:00:00Z", 0 },
                 { "1970-01-01 08:00", 0 },
                 { "1970-01-01T08:00:00.000+08:00", 0 },
                 { "1969-12-31T19:00:00-05:00", 0 },
                 { "1970-01-01T05:30:00+05:30", 0 },
                 { "1970-01-01T14:00:00+14:00", 0 },
                 { "1970-01-01T00:00:00.5Z", 500 },
                 { "1970-01-01T00:00:00.05Z", 50 },
                 { "1970-01-01T00:00:00.123456789Z", 123 },
                 { "2024-02-29T23:59:59.999+08:00", 1709222399999 },
                 { "2038-01-19T03:14:08Z", 2147483648000 } };
    static const char *const bad[] = { "",
                                       "2026-11-24",
                                       "2026-11-24T",
                                       "2026-11-24T19",
                                       "2026-11-24T19:3",
                                       "2026-11-24T24:00",
                                       "2026-11-24T23:60",
                                       "2026-11-24T23:59:60",
                                       "2026-02-29T00:00",
                                       "2100-02-29T00:00",
                                       "2026-00-01T00:00",
                                       "2026-13-01T00:00",
                                       "2026-04-31T00:00",
                                       "2026-11-24T19:03:00.",
                                       "2026-11-24T19:03:00+8:00",
                                       "2026-11-24T19:03:00+15:00",
                                       "2026-11-24T19:03:00+08:60",
                                       "2026-11-24T19:03:00z",
                                       "2026-11-24T19:03:00Z ",
                                       " 2026-11-24T19:03:00Z",
                                       "2026-11-24t19:03",
                                       "26-11-24T19:03",
                                       "+2026-11-24T19:03",
                                       "2026-1-24T19:03",
                                       "２026-11-24T19:03",
                                       "2026-11-24T19:-3" };
    for (size_t i = 0; i < LF_COUNT(good); i++) {
        lf_ms t = { -1 };
        assert_true(lf_ms_parse_iso(lf_str(good[i].text), &t));
        assert_int_equal(t.ms, good[i].ms);
    }
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        lf_ms t = { 77 };
        if (lf_ms_parse_iso(lf_str(bad[i]), &t) || t.ms != 77)
            fail_msg("“%s” was read as %lld", bad[i], (long long)t.ms);
    }
    for (int64_t t = 0; t < 4000000000000; t += 12345678901) {
        char b[32];
        lf_ms back;
        assert_true(lf_ms_parse_iso(lf_str(lf_ms_iso(b, (lf_ms){ t })), &back));
        assert_int_equal(back.ms, t);
        assert_true(lf_ms_parse_compact(lf_str(lf_ms_compact(b, (lf_ms){ t })), &back));
        assert_int_equal(back.ms, t / 1000 * 1000);
    }
}

static void days_are_read_exactly(void **state)
{
    static const char *const bad[] = { "",           "2026-02-29", "2026-2-01",  "20260201",  "2026-11-24 ",
                                       "2026-11-31", "2026-11-00", "0x26-11-24", "2026/11/24" };
    lf_day d;
    assert_true(lf_day_parse(LF_TEXT("2024-02-29"), &d));
    assert_int_equal(d.v, lf_day_ymd(2024, 2, 29).v);
    assert_true(lf_day_parse(LF_TEXT("2000-02-29"), &d));
    for (size_t i = 0; i < LF_COUNT(bad); i++)
        assert_false(lf_day_parse(lf_str(bad[i]), &d));
}

static void numbers_of_hj212_are_local_time(void **state)
{
    lf_ms t;
    assert_true(lf_ms_parse_compact(LF_TEXT("20261124190300"), &t));
    assert_int_equal(t.ms, at(2026, 11, 24, 19, 3, 0).ms);
    assert_true(lf_ms_parse_compact(LF_TEXT("20261124190300123"), &t));
    assert_int_equal(t.ms, at(2026, 11, 24, 19, 3, 0).ms + 123);
    assert_true(lf_ms_parse_compact(LF_TEXT("202611241903"), &t));
    static const char *const bad[] = { "2026112419030",  "20261124240000", "20261124196000",
                                       "20260229000000", "2026112419030x", "20261324190300" };
    for (size_t i = 0; i < LF_COUNT(bad); i++)
        assert_false(lf_ms_parse_compact(lf_str(bad[i]), &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_follow_each_other),
        cmocka_unit_test(a_day_begins_at_midnight_in_china),
        cmocka_unit_test(the_zone_of_the_machine_does_not_matter),
        cmocka_unit_test(instants_are_read_exactly),
        cmocka_unit_test(days_are_read_exactly),
        cmocka_unit_test(numbers_of_hj212_are_local_time),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
