/* proof_test.c - tracks that prove a patrol, and those that do not. */
#include "rooms/patrol/patrol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const lf_ms start = { 1795492800000 };
static bool east(void *user, double lon, double lat) { return lon >= 118; }

/* n points, one each `step_ms`, `dlon` degrees apart, from lon. */
static struct patrol_proof walk(int n, int64_t step_ms, double lon, double dlon, int64_t minutes)
{
    static char track[100000];
    struct patrol_proof p;
    int at = snprintf(track, sizeof track, "[");
    for (int i = 0; i < n; i++)
        at += snprintf(track + at, sizeof track - (size_t)at, "%s[%lld,%.6f,36.6]", i ? "," : "", (long long)(start.ms + i * step_ms),
                       lon + i * dlon);
    snprintf(track + at, sizeof track - (size_t)at, "]");
    patrol_judge(lf_str(track), start, (lf_ms){ start.ms + minutes * LF_MINUTE_MS }, east, NULL, &p);
    assert_non_null(strstr(p.explain, " | "));
    return p;
}

static void an_honest_walk(void **state)
{
    struct patrol_proof p = walk(31, LF_MINUTE_MS, 118.01, 0.0004, 30); /* about 36 m a minute */
    assert_true(p.valid && p.minutes == 30 && p.inside == 1);
    assert_true(p.metres > 1000 && p.metres < 1150);
}

static void each_reason(void **state)
{
    assert_non_null(strstr(walk(6, LF_MINUTE_MS, 118.01, 0.001, 5).explain, "5 minutes, less than 10"));
    assert_non_null(strstr(walk(31, LF_MINUTE_MS, 118.01, 0, 30).explain, "0 m, less than 300"));
    assert_non_null(strstr(walk(31, LF_MINUTE_MS, 117.99, 0.0004, 30).explain, "of the track in the own grid"));
    assert_non_null(strstr(walk(31, LF_MINUTE_MS, 118.01, 0.05, 30).explain, "30 jumps"));
    assert_non_null(strstr(walk(5, 7 * LF_MINUTE_MS, 118.01, 0.002, 30).explain, "4 gaps"));
    assert_non_null(strstr(walk(61, LF_MINUTE_MS, 118.01, 0.0004, 20).explain, "30 points outside"));
    assert_false(walk(31, LF_MINUTE_MS, 118.01, 0.05, 30).valid);
}

static void what_is_no_track(void **state)
{
    static const char *const bad[] = {
        "", "[]", "nonsense", "{}", "[1]", "[[1,2]]", "[[2,118,36],[1,118,36]]", "[[1,999,36]]", "[[\"1\",118,36]]"
    };
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        struct patrol_proof p;
        patrol_judge(lf_str(bad[i]), start, (lf_ms){ start.ms + 30 * LF_MINUTE_MS }, east, NULL, &p);
        assert_false(p.valid);
        assert_non_null(strstr(p.explain, "no track"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_honest_walk), cmocka_unit_test(each_reason),
                                        cmocka_unit_test(what_is_no_track) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
