/* Every block of points comes back bit for bit: decimals, nasty doubles, holes, odd times; damaged bytes give false, never a crash. */
#include "base/random_testing.h"
#include "tele/log/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct points a, z;
static struct buf bytes;

static void round_trip(void)
{
    bytes.n = 0;
    points_put(&bytes, &a);
    assert_true(points_get(bytes.p, bytes.n, &z));
    assert_int_equal(z.n, a.n);
    assert_memory_equal(z.at, a.at, a.n * sizeof a.at[0]);
    assert_memory_equal(z.flag, a.flag, a.n * sizeof a.flag[0]);
    for (int c = 0; c < COLUMNS; c++)
        assert_memory_equal(z.col[c], a.col[c], a.n * sizeof a.col[c][0]);
}

static double nasty(void)
{
    static const double list[] = { 0.0,    -0.0, INFINITY, -INFINITY, 5e-324, -5e-324, 1.7976931348623157e308, 9007199254740993.0,
                                   1e-300, 0.1,  0.3,      1.0 / 3,   1e15,   1e22,    123456789012345678.0,   -1e-15,
                                   99.99,  1e-7, 2.5,      -273.15,   1e16,   0.000001 };
    union {
        uint64_t u;
        double d;
    } any = { random_bits() };
    return random_bits() % 3 ? list[random_bits() % (sizeof list / sizeof list[0])] : any.d; /* any.d: NaNs with payloads too */
}

static double one(int how)
{
    char text[40];
    switch (how) {
    case 0: return (double)NAN;
    case 1: return 40 + (double)(random_bits() % 10);
    case 2: snprintf(text, sizeof text, "%d.%03d", (int)(random_bits() % 100), (int)(random_bits() % 1000)); return strtod(text, NULL);
    case 3: return random_bits() % 4 ? (double)(random_bits() % 1000) / 10 : (double)NAN;
    case 4: return nasty();
    case 5: return (double)(int64_t)random_bits();
    case 6: return (double)(random_bits() % 100000) / 7;
    default: return 7.25;
    }
}

/* Min and Max as devices send them: decimals beside the value, which are told relative to it. Large ones too. */
static void near_the_value(void)
{
    char text[60];
    int digits = (int)(random_bits() % 4);
    double scale = (double[]){ 1, 1000, 1e9, 1e13 }[random_bits() % 4];
    for (uint32_t i = 0; i < a.n; i++) {
        double v = (double)(random_bits() % 100000) / 1000 * scale;
        for (int c = 0; c < 3; c++) {
            snprintf(text, sizeof text, "%.*f", digits, v + c * (double)(random_bits() % 9) / 10);
            a.col[c][i] = strtod(text, NULL);
        }
    }
}

static void random_blocks(void **state)
{
    for (int round = 0; round < 3000; round++) {
        int64_t at = (int64_t)(random_bits() % 2000000000000u), step = (int64_t[]){ 1000, 60000, 3600000, 1, 86400000 }[random_bits() % 5];
        bool regular = random_bits() % 2;
        a.n = round % 3 ? 1 + (uint32_t)(random_bits() % 100) : 1 + (uint32_t)(random_bits() % POINTS_MAX);
        for (uint32_t i = 0; i < a.n; i++) {
            at += regular ? step : 1 + (int64_t)(random_bits() % (uint64_t)step);
            a.at[i] = at;
            a.flag[i] = random_bits() % 20 ? flag_pack(LF_TEXT("N"))
                                           : (uint64_t[]){ 0, flag_pack(LF_TEXT("")), flag_pack(LF_TEXT("seven77")) }[random_bits() % 3];
        }
        for (int c = 0; c < COLUMNS; c++) {
            int how = (int)(random_bits() % 8);
            for (uint32_t i = 0; i < a.n; i++)
                a.col[c][i] = one(how);
        }
        if (random_bits() % 2)
            near_the_value();
        round_trip();
    }
}

static void extreme_times(void **state)
{
    static const int64_t at[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
    memset(&a, 0, sizeof a);
    a.n = sizeof at / sizeof at[0];
    memcpy(a.at, at, sizeof at);
    round_trip();
    a.n = 1;
    round_trip();
}

static void ordinary_data_is_small(void **state)
{
    memset(&a, 0, sizeof a);
    a.n = POINTS_MAX;
    for (uint32_t i = 0; i < a.n; i++) {
        a.at[i] = 1700000000000 + (int64_t)i * 60000;
        a.flag[i] = flag_pack(LF_TEXT("N"));
        a.col[0][i] = (double)(400 + random_bits() % 16) / 10;
        for (int c = 1; c < COLUMNS; c++)
            a.col[c][i] = (double)NAN;
    }
    round_trip();
    assert_true(bytes.n < a.n); /* under a byte a point: four bits of noise each */
    for (uint32_t i = 0; i < a.n; i++)
        a.col[1][i] = a.col[2][i] = a.col[0][i];
    size_t before = bytes.n;
    round_trip();
    assert_true(bytes.n < before + 60); /* Min and Max equal to the value cost nearly nothing */
}

static void damage_is_noticed_or_harmless(void **state)
{
    for (int round = 0; round < 20000; round++) {
        if (round % 100 == 0) {
            a.n = 1 + (uint32_t)(random_bits() % 200);
            for (uint32_t i = 0; i < a.n; i++)
                a.at[i] = (int64_t)(random_bits() % 50) + (int64_t)i * 100, a.flag[i] = random_bits() % 2 ? flag_pack(LF_TEXT("D")) : 0;
            for (int c = 0; c < COLUMNS; c++)
                for (uint32_t i = 0; i < a.n; i++)
                    a.col[c][i] = one((int)(random_bits() % 8));
            round_trip();
        }
        uint8_t *copy = lf_new(bytes.n);
        size_t n = random_bits() % 3 ? bytes.n : random_bits() % bytes.n;
        memcpy(copy, bytes.p, n);
        for (uint64_t k = random_bits() % 4; k > 0 && n; k--)
            copy[random_bits() % n] ^= (uint8_t)(1u << random_bits() % 8);
        bool good = points_get(copy, n, &z);
        assert_true(z.n <= POINTS_MAX);
        for (uint32_t i = 1; good && i < z.n; i++)
            assert_true(z.at[i] > z.at[i - 1]);
        lf_release(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_blocks), cmocka_unit_test(extreme_times),
                                        cmocka_unit_test(ordinary_data_is_small), cmocka_unit_test(damage_is_noticed_or_harmless) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_free(&bytes);
    return failed;
}
