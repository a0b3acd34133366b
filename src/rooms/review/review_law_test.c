/* The law and the arithmetic of room review, without a database. Vectors: HJ 212-2017 Annex D examples as computed, HJ 75-2017 boundaries. */
#include "rooms/review/means.h"
#include "rooms/review/parts.h"
#include "rooms/review/emission.h"
#include "rooms/review/stack.h"
#include "rooms/review/suspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void near_to(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.9g is not %.9g", got, want);
}

static void stack_vectors(void **state)
{
    near_to(stack_at_oxygen(18.5, 12.4, 9), 25.814, 5e-4);
    near_to(stack_at_oxygen(30, 9.5, 10), 28.696, 5e-4);
    near_to(stack_at_oxygen(8, 7.3, 6), 8.759, 5e-4);
    near_to(stack_at_oxygen(42, 6, 6), 42, 1e-12);
    assert_true(isnan(stack_at_oxygen(10, 21, 6)));
    assert_true(isnan(stack_at_oxygen(10, -0.1, 6)));
    near_to(stack_standard(50, 101325, -500, 120), 72.335, 5e-4);
    near_to(stack_dry(40, 0.08), 43.478, 5e-4);
    near_to(stack_dry(9, 0.08), 9.783, 5e-4);
    near_to(stack_from_ppm(100, 64), 285.714, 5e-4);
    near_to(stack_nox_of_ppm(100, 5), 215.625, 5e-4);
    near_to(stack_nox_of_mass(30, 4), 50, 1e-9);
    near_to(stack_excess_air(9), 1.75, 1e-12);
    near_to(stack_flow(12, 5), 216000, 1e-9);
    double dry = stack_flow_standard(216000, 120, 101325, -500, 0.08);
    near_to(dry, 137360.952, 5e-4);
    near_to(stack_load(35, dry), 4.80763, 5e-6);
}

static void missing_data(void **state)
{
    assert_int_equal(stack_fill_of(2160, 160, 200, 24), STACK_FILL_MAX_180);
    assert_int_equal(stack_fill_of(2160, 160, 200, 25), STACK_FILL_MAX_720);
    assert_int_equal(stack_fill_of(2160, 160, 201, 1), STACK_FILL_MAX_2160); /* 89.95 % is not 90 % */
    assert_int_equal(stack_fill_of(2160, 160, 500, 1), STACK_FILL_MAX_2160); /* 75 % exactly */
    assert_int_equal(stack_fill_of(2160, 160, 501, 1), STACK_FILL_NONE);
    assert_int_equal(stack_fill_of(2160, 2160, 0, 1), STACK_FILL_NONE);
    double e[400];
    for (int i = 0; i < 400; i++)
        e[i] = i == 100 ? 99 : i == 300 ? 7 : i % 3 ? 5 : (double)NAN;
    near_to(stack_fill_value(STACK_FILL_MAX_180, e, 400), 7, 0); /* 180 valid ones reach back to hour 130 */
    near_to(stack_fill_value(STACK_FILL_MAX_720, e, 400), 99, 0);
    assert_true(isnan(stack_fill_value(STACK_FILL_NONE, e, 400)));
}

static struct means_part minute(int64_t m, double v, const char *flag)
{
    return (struct means_part){ .at = { m * LF_MINUTE_MS },
                                .minutes = 1,
                                .value = v,
                                .vmin = NAN,
                                .vmax = NAN,
                                .cou = NAN,
                                .zs = NAN,
                                .weight = NAN,
                                .flag = lf_str(flag) };
}

static void an_hour_of_minutes(void **state)
{
    const struct means_rule *r = means_rule_of(STATION_FLUE, lf_day_ymd(2026, 11, 1));
    struct means_part p[60];
    struct means_result m;
    for (int i = 0; i < 60; i++)
        p[i] = minute(i, i, i < 15 ? "C" : "N");
    means_hour(r, (lf_ms){ 0 }, p, 60, &m);
    assert_true(m.valid && m.normal == 45 && m.invalid == 15 && m.missing == 0 && m.flag == 'N'); /* 75 % exactly is normal */
    near_to(m.value, 37, 1e-12);
    near_to(m.vmin, 15, 0);
    near_to(m.vmax, 59, 0);
    means_hour(r, (lf_ms){ 0 }, p, 59, &m);
    assert_true(!m.valid && m.normal == 44 && m.missing == 1 && m.flag == 'D');
    means_hour(r, (lf_ms){ 0 }, p, 0, &m);
    assert_true(!m.valid && m.missing == 60 && isnan(m.value));
    for (int i = 0; i < 60; i++)
        p[i] = minute(i, i, i < 5 ? "F" : "N");
    means_hour(r, (lf_ms){ 0 }, p, 60, &m);
    assert_true(m.valid && m.stopped == 5 && m.normal == 55 && m.flag == 'N' && m.normal + m.stopped + m.invalid + m.missing == m.expected);
    for (int i = 0; i < 60; i++)
        p[i].flag = LF_TEXT("F");
    means_hour(r, (lf_ms){ 0 }, p, 60, &m);
    assert_true(!m.valid && m.flag == 'F' && m.stopped == 60);
    for (int i = 0; i < 5; i++) { /* ten-minute values: covered minutes count, not records */
        p[i] = minute(i * 10, 2, "N");
        p[i].minutes = 10;
    }
    means_hour(r, (lf_ms){ 0 }, p, 5, &m);
    assert_true(m.valid && m.normal == 50 && m.missing == 10);
    means_hour(r, (lf_ms){ 0 }, p, 4, &m);
    assert_false(m.valid);
}

static void a_day_of_hours(void **state)
{
    struct means_part p[24];
    struct means_result m;
    lf_day d = lf_day_ymd(2026, 3, 1);
    for (int i = 0; i < 24; i++) {
        p[i] = minute(0, 10, "N");
        p[i].at.ms = lf_day_start(d).ms + (int64_t)i * LF_HOUR_MS;
        p[i].minutes = 60;
        p[i].cou = 2;
    }
    const struct means_rule *r = means_rule_of(STATION_WASTEWATER, d);
    p[3].flag = LF_TEXT("D");
    means_day(r, d, p, 24, &m);
    assert_true(m.valid && m.normal == 23 && m.flag == 'D'); /* water: one abnormal value is abnormal */
    near_to(m.cou, 46, 1e-12);
    means_day(means_rule_of(STATION_FLUE, d), d, p, 24, &m);
    assert_true(m.flag == 'N');
    means_day(r, d, p, 20, &m);
    assert_true(!m.valid && m.normal == 19);
    for (int i = 0; i < 24; i++) {
        p[i].value = i;
        p[i].flag = LF_TEXT("N");
        p[i].weight = i < 12 ? 3 : 1;
    }
    means_day(r, d, p, 24, &m);
    near_to(m.value, (66 * 3 + 210) / 48.0, 1e-12); /* weighted by flow */
    assert_string_equal(means_rule_of(STATION_AIR, lf_day_ymd(2026, 2, 28))->basis, "GB 3095-2012 表4");
    assert_string_equal(means_rule_of(STATION_AIR, lf_day_ymd(2026, 3, 1))->basis, "GB 3095-2026 表4");
}

static void ozone(void **state)
{
    double h[24];
    int windows;
    for (int i = 0; i < 24; i++)
        h[i] = i >= 10 && i < 18 ? 180 : 60;
    near_to(means_ozone_8h(h, 160, &windows), 180, 1e-12);
    assert_int_equal(windows, 17);
    for (int i = 18; i < 24; i++)
        h[i] = NAN;
    near_to(means_ozone_8h(h, 160, &windows), 180, 1e-12); /* too few windows, but the largest exceeds */
    assert_true(windows < 14);
    assert_true(isnan(means_ozone_8h(h, 200, &windows)));
}

static void rounding(void **state)
{
    static const struct {
        double v;
        int decimals;
        double want;
    } t[] = { { 34.5, 0, 34 },
              { 35.5, 0, 36 },
              { 74.5, 0, 74 },
              { 75.5, 0, 76 },
              { 60.5, 0, 60 },
              { 60.500001, 0, 61 },
              { 0.25, 1, 0.2 },
              { 0.35, 1, 0.4 },
              { 1.15, 1, 1.2 },
              { 1.25, 1, 1.2 },
              { -2.5, 0, -2 },
              { 0.5, 0, 0 },
              { 0.51, 0, 1 },
              { 1.5, 0, 2 },
              { 0.04, 1, 0 },
              { 0.06, 1, 0.1 },
              { 999.95, 1, 1000 },
              { 0, 2, 0 },
              { 12345.678, 2, 12345.68 },
              { 0.005, 2, 0 },
              { 0.015, 2, 0.02 } };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        near_to(means_round(t[i].v, t[i].decimals), t[i].want, 1e-12);
    assert_true(isnan(means_round(NAN, 1)));
}

/* ---- signs ------------------------------------------------------------------------------------------------------ */

static double random_unit(uint64_t *s)
{
    return (double)((*s = *s * 6364136223846793005u + 1442695040888963407u) >> 11) / 9007199254740992.0;
}

static void edge(void **state)
{
    struct suspect_value v[400];
    struct suspect_sign s;
    uint64_t seed = 1;
    int alarms = 0;
    for (int round = 0; round < 200; round++) { /* honest: spread around the limit, no cliff */
        for (int i = 0; i < 400; i++)
            v[i] = (struct suspect_value){ { i * LF_HOUR_MS }, 60 + 60 * random_unit(&seed) };
        alarms += suspect_edge(v, 400, 100, 0.05, &s);
    }
    assert_int_equal(alarms, 0);
    for (int i = 0; i < 400; i++)
        v[i].value = v[i].value > 100 ? 95 + 5 * random_unit(&seed) : v[i].value; /* cut off at the limit */
    assert_true(suspect_edge(v, 400, 100, 0.05, &s));
    assert_true(s.type == SUSPECT_EDGE && strstr(s.explain, "100"));
    assert_false(suspect_edge(v, 400, NAN, 0.05, &s));
}

static void inspection(void **state)
{
    struct suspect_value v[14 * 24];
    struct suspect_sign s;
    uint64_t seed = 2;
    lf_ms start = lf_day_start(lf_day_ymd(2026, 11, 2));
    for (int i = 0; i < 14 * 24; i++)
        v[i] = (struct suspect_value){ { start.ms + (int64_t)i * LF_HOUR_MS }, 30 + 10 * random_unit(&seed) };
    assert_false(suspect_inspection(v, 14 * 24, 9, 17, NULL, NULL, &s));
    for (int i = 0; i < 14 * 24; i++)
        if (i % 24 >= 9 && i % 24 < 17)
            v[i].value /= 2;
    assert_true(suspect_inspection(v, 14 * 24, 9, 17, NULL, NULL, &s));
    assert_true(suspect_inspection(v, 5 * 24, 9, 17, NULL, NULL, &s));
    assert_false(suspect_inspection(v, 4 * 24, 9, 17, NULL, NULL, &s)); /* too few days to say */
}

static void clocks(void **state)
{
    struct suspect_arrival a[40];
    struct suspect_sign s;
    for (int i = 0; i < 40; i++)
        a[i] = (struct suspect_arrival){ { i * 30000 + (i % 3) * 700 }, { i * 30000 } };
    assert_false(suspect_clock(a, 40, 5 * LF_MINUTE_MS, &s));
    a[20].at.ms += LF_HOUR_MS; /* a single odd packet is no jump */
    assert_false(suspect_clock(a, 40, 5 * LF_MINUTE_MS, &s));
    for (int i = 21; i < 40; i++)
        a[i].at.ms += LF_HOUR_MS;
    assert_true(suspect_clock(a, 40, 5 * LF_MINUTE_MS, &s));
    assert_true(s.to.ms == 20 * 30000 && s.score > 3000);
}

static void copies(void **state)
{
    struct suspect_value a[300], b[300];
    struct suspect_sign s;
    uint64_t seed = 3;
    for (int i = 0; i < 300; i++) {
        a[i] = (struct suspect_value){ { i * LF_MINUTE_MS }, floor(1000 * random_unit(&seed)) / 100 };
        b[i] = (struct suspect_value){ { i * LF_MINUTE_MS }, floor(1000 * random_unit(&seed)) / 100 };
    }
    assert_false(suspect_copy(a, 300, b, 300, 20, &s));
    for (int i = 100; i < 130; i++)
        b[i].value = a[i].value;
    assert_true(suspect_copy(a, 300, b, 300, 20, &s));
    assert_true(s.from.ms == 100 * LF_MINUTE_MS && s.to.ms == 129 * LF_MINUTE_MS);
    for (int i = 0; i < 300; i++)
        a[i].value = b[i].value = 5; /* two dead instruments agree: that is another rule's business */
    assert_false(suspect_copy(a, 300, b, 300, 20, &s));
    for (int i = 0; i < 300; i++)
        a[i].value = floor(1000 * random_unit(&seed)) / 100;
    assert_false(suspect_replay(a, 300, LF_HOUR_MS, 20, &s));
    for (int i = 200; i < 250; i++)
        a[i].value = a[i - 60].value;
    assert_true(suspect_replay(a, 300, LF_HOUR_MS, 20, &s));
}

static void pairs(void **state)
{
    struct suspect_sign s;
    struct suspect_moment good = { { 0 }, 8.5, 120000, 12, 95, 20, 40, 4 }, m = good,
                          unknown = { { 0 }, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    assert_false(suspect_pair(&good, &s));
    assert_false(suspect_pair(&unknown, &s));
    m.o2 = 20.9;
    assert_true(suspect_pair(&m, &s));
    m.so2 = m.nox = 0; /* stands still, fan on: possible */
    assert_false(suspect_pair(&m, &s));
    m = good, m.o2 = 21.4;
    assert_true(suspect_pair(&m, &s));
    m = good, m.velocity = 0;
    assert_true(suspect_pair(&m, &s));
    struct suspect_moment run[10];
    for (int i = 0; i < 10; i++) {
        run[i] = i >= 4 && i < 8 ? m : good;
        run[i].at.ms = i;
    }
    assert_true(suspect_pairs(run, 10, 4, &s) && s.from.ms == 4 && s.to.ms == 7);
    assert_false(suspect_pairs(run, 10, 5, &s));
}

static void power(void **state)
{
    struct suspect_power p[120];
    struct suspect_sign s;
    for (int i = 0; i < 120; i++)
        p[i] = (struct suspect_power){ { i * LF_MINUTE_MS }, 400, 60 };
    assert_false(suspect_power(p, 120, 50, 10, 30, &s));
    for (int i = 50; i < 85; i++)
        p[i].treatment = 0.4;
    assert_true(suspect_power(p, 120, 50, 10, 30, &s) && s.from.ms == 50 * LF_MINUTE_MS);
    assert_false(suspect_power(p, 120, 50, 10, 40, &s));
    assert_false(suspect_power(p, 0, 50, 10, 0, &s));
}

static struct rolled hour_of(const char *factor, double value, double zs, bool valid)
{
    return (struct rolled){ .factor = lf_str(factor), .m = { .value = value, .zs = zs, .valid = valid }, .values = 60, .reference = NAN };
}

static void reference_oxygen(void **state)
{
    const struct oxygen o = { 2, { { LF_TEXT("a21026"), 9 }, { LF_TEXT("a34013"), 6 } } };
    struct rolled r[] = { hour_of("a21026", 18.5, NAN, true), hour_of("a34013", 8, 7.5, true), hour_of("a21002", 50, NAN, true),
                          hour_of("a19001", 12.4, NAN, true) };
    oxygen_convert(&o, r, 4);
    near_to(r[0].m.zs, 25.814, 0.0005);
    near_to(r[0].reference, 9, 0);
    near_to(r[1].m.zs, 7.5, 0); /* the device has done it */
    assert_true(isnan(r[1].reference) && isnan(r[2].m.zs) && isnan(r[3].m.zs));
    r[0] = hour_of("a21026", 18.5, NAN, true);
    r[3].m.valid = false; /* too few minutes of oxygen */
    oxygen_convert(&o, r, 4);
    assert_true(isnan(r[0].m.zs));
    r[3] = hour_of("a19001", 21, NAN, true); /* plain air */
    oxygen_convert(&o, r, 4);
    assert_true(isnan(r[0].m.zs) && isnan(r[0].reference));
}

/* A year of hours: 1.0 kg each, a quarter of 2000 hours begins at 6000. */
static struct emission_hour hours[9000];
static void year(void)
{
    for (size_t i = 0; i < LF_COUNT(hours); i++)
        hours[i] = (struct emission_hour){ .state = EMISSION_VALID, .kg = 1 };
    hours[5000].kg = 9; /* within 2160 valid hours of the quarter */
    hours[6000 + 1000 - 700].kg = 5;
    hours[6000 + 1000 - 100].kg = 3;
}
static void lose(size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        hours[i] = (struct emission_hour){ .state = EMISSION_MISSING, .kg = NAN };
}

static void substituted_emissions(void **state)
{
    year();
    lose(7000, 24);
    struct emission_rate r = emission_substitute(hours, 6000, 8000);
    assert_int_equal(r.missing, 24);
    assert_true(r.qualifies);
    near_to(hours[7000].kg, 3, 0); /* one day: the largest of 180 */
    near_to(hours[7023].kg, 3, 0);
    near_to(hours[7024].kg, 1, 0);
    assert_int_equal(hours[7000].gap, 24);
    year();
    lose(7000, 25);
    emission_substitute(hours, 6000, 8000);
    near_to(hours[7000].kg, 5, 0); /* longer than a day: of 720 */
    year();
    lose(7000, 201);
    emission_substitute(hours, 6000, 8000);
    near_to(hours[7000].kg, 9, 0); /* 89.95 %: of 2160, whatever the gap */
    year();
    lose(7000, 501);
    r = emission_substitute(hours, 6000, 8000);
    assert_false(r.qualifies);
    assert_true(isnan(hours[7000].kg) && hours[7000].fill == STACK_FILL_NONE);
    year();
    lose(7000, 1);
    hours[6999].state = EMISSION_STOPPED; /* does not count as one of the 180, and its value for nothing */
    hours[6999].kg = 50;
    r = emission_substitute(hours, 6000, 8000);
    assert_int_equal(r.stopped, 1);
    near_to(hours[7000].kg, 3, 0);
    year();
    lose(7000, 2);
    lose(7010, 1);
    emission_substitute(hours, 6000, 8000);
    near_to(hours[7010].kg, 3, 0); /* what stood in for others is not measured */
    lose(0, 9000);
    r = emission_substitute(hours, 6000, 8000);
    assert_true(isnan(hours[6500].kg) && r.missing == 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stack_vectors),
        cmocka_unit_test(missing_data),
        cmocka_unit_test(an_hour_of_minutes),
        cmocka_unit_test(a_day_of_hours),
        cmocka_unit_test(ozone),
        cmocka_unit_test(rounding),
        cmocka_unit_test(edge),
        cmocka_unit_test(inspection),
        cmocka_unit_test(clocks),
        cmocka_unit_test(copies),
        cmocka_unit_test(pairs),
        cmocka_unit_test(power),
        cmocka_unit_test(reference_oxygen),
        cmocka_unit_test(substituted_emissions),
    };
    return cmocka_run_group_tests_name("review_law", tests, NULL, NULL);
}
