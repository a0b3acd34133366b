#include "base/testing.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void what_a_library_says_is_one_line(void **state)
{
    char to[16], one[1];
    assert_string_equal(lf_one_line(to, sizeof to, "  is\nit\r\n\tthere? \n"), "is it there?");
    assert_string_equal(lf_one_line(to, sizeof to, ""), "");
    assert_string_equal(lf_one_line(to, sizeof to, " \n"), "");
    assert_string_equal(lf_one_line(to, sizeof to, "123456789012345"), "123456789012345");
    assert_string_equal(lf_one_line(to, sizeof to, "1234567890123456"), "123456789012345");
    assert_string_equal(lf_one_line(to, sizeof to, "12345678901234 6"), "12345678901234");
    assert_string_equal(lf_one_line(to, sizeof to, "1234567890123蓝"), "1234567890123");   /* two of its three bytes would have room */
    assert_string_equal(lf_one_line(to, sizeof to, "12345678901234蓝"), "12345678901234"); /* one */
    assert_string_equal(lf_one_line(to, sizeof to, "123456789012蓝天"), "123456789012蓝");
    assert_string_equal(lf_one_line(one, sizeof one, "x"), "");
}

static void digits_alone_are_a_number(void **state)
{
    int64_t v = -1;
    assert_true(lf_text_int(LF_TEXT("0012"), &v) && v == 12);
    assert_true(lf_text_int(LF_TEXT("999999999999999999"), &v) && v == 999999999999999999);
    assert_false(lf_text_int(LF_TEXT("1000000000000000000"), &v));
    assert_false(lf_text_int(LF_TEXT(""), &v));
    assert_false(lf_text_int(LF_TEXT("-1"), &v));
    assert_false(lf_text_int(LF_TEXT("1 "), &v));
}

static void utf8_is_well_formed(void **state)
{
    assert_true(lf_utf8_ok(LF_TEXT("a é 蓝 😀")));
    assert_true(lf_utf8_ok((lf_text){ 0 }));
    assert_false(lf_utf8_ok(LF_TEXT("a\0b")));
    assert_false(lf_utf8_ok(LF_TEXT("\xC0\x80")));         /* not the shortest form */
    assert_false(lf_utf8_ok(LF_TEXT("\xE0\x9F\xBF")));     /* nor this */
    assert_false(lf_utf8_ok(LF_TEXT("\xED\xA0\x80")));     /* a surrogate */
    assert_false(lf_utf8_ok(LF_TEXT("\xF4\x90\x80\x80"))); /* past U+10FFFF */
    assert_false(lf_utf8_ok(LF_TEXT("\xE8\x93")));         /* cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_a_library_says_is_one_line), cmocka_unit_test(digits_alone_are_a_number),
                                        cmocka_unit_test(utf8_is_well_formed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
