/* What is written can be read back: numbers in JSON. */
#include "base/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *written(double v)
{
    static char text[64];
    struct lf_out o = lf_out_memory(64);
    lf_put_real(&o, v);
    lf_text t = lf_out_text(&o);
    assert_true(t.n > 0 && t.n < sizeof text);
    memcpy(text, t.p, t.n);
    text[t.n] = 0;
    lf_out_close(&o);
    return text;
}

/* The shortest of 15, 16 and 17 digits that reads back equal. */
static const char *shortest(double v)
{
    static char text[64];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (memcmp(&(double){ strtod(text, NULL) }, &v, sizeof v) == 0)
            break;
    }
    return text;
}

static void reals_are_short(void **state)
{
    static const struct {
        double v;
        const char *text;
    } known[] = { { 0.1, "0.1" },
                  { -7.52, "-7.52" },
                  { 118.055123, "118.055123" },
                  { 0.1 + 0.2, "0.30000000000000004" },
                  { 1e300, "1e+300" },
                  { 0.0001, "0.0001" },
                  { 0.00001, "1e-05" },
                  { 123456789.5, "123456789.5" },
                  { 1.0 / 3, "0.3333333333333333" },
                  { 42, "42" },
                  { 999999.999999, "999999.999999" },
                  { NAN, "null" } };
    for (size_t i = 0; i < LF_COUNT(known); i++)
        assert_string_equal(written(known[i].v), known[i].text);
}

static void reals_read_back_equal(void **state)
{
    uint64_t seed = 20170406;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double v;
        uint64_t bits = seed ^ seed >> 29;
        static const double parts[] = { 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7 };
        if (i % 2)
            v = (double)(int64_t)(bits >> (20 + bits % 30)) / parts[i / 2 % 7];
        else
            memcpy(&v, &bits, sizeof v);
        if (isfinite(v) && (v > floor(v) || fabs(v) >= 1e15))
            assert_string_equal(written(v), shortest(v));
    }
}

static void texts_are_quoted(void **state)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    lf_json_text(&j, (lf_text){ "a\"b\\c\n\x01\x7f淄博\xff!\xe6\xb7", 18 });
    lf_put_c(&o, 0);
    assert_string_equal(lf_out_text(&o).p, "\"a\\\"b\\\\c\\n\\u0001\x7f淄博\\ufffd!\\ufffd\\ufffd\"");
    lf_out_close(&o);
}

static void halves_come_apart_as_they_were_put(void **state)
{
    struct lf_arena a = { 0 };
    lf_text both = lf_lang_both(&a, "甲 | 乙", "A | B | C"), one = lf_lang_both(&a, "甲 | 乙", NULL);
    assert_true(lf_text_is(lf_lang_pick(both, LF_ZH), "甲｜乙"));
    assert_true(lf_text_is(lf_lang_pick(both, LF_EN), "A｜B｜C"));
    assert_true(lf_text_is(lf_lang_pick(one, LF_ZH), "甲｜乙") && lf_text_is(lf_lang_pick(one, LF_EN), "甲｜乙"));
    lf_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(reals_are_short), cmocka_unit_test(reals_read_back_equal),
                                        cmocka_unit_test(texts_are_quoted), cmocka_unit_test(halves_come_apart_as_they_were_put) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
