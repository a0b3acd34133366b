/* What a frame is made of: places, the checksum that was given and the one that fits, and what stands in the way. */
#include "hj212/explain.h"

#include "hj212/sm4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define GOOD "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n"

static void a_good_frame(void **state)
{
    struct hj212_explained e;
    lf_text f = lf_str(GOOD);
    hj212_explain(f, &e);
    assert_int_equal(e.why, HJ212_GOOD);
    assert_int_equal(e.declared, 101);
    assert_int_equal(e.segment.n, 101);
    assert_ptr_equal(e.segment.p, f.p + 6);
    assert_true(lf_text_is(e.crc, "1C80"));
    assert_int_equal(e.computed, 0x1c80);
    assert_true(lf_text_is(e.tail, "\r\n"));
    assert_true(lf_text_is(e.packet.cn, "1062"));
}

static void the_header_in_its_order(void **state)
{
    struct hj212_explained e;
    size_t at = 0;
    lf_text name, value;
    char seen[200] = "";
    hj212_explain(lf_str(GOOD), &e);
    while (hj212_next_header(e.segment, &at, &name, &value)) {
        assert_non_null(hj212_field_name(name));
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s(%d) ", (int)name.n, name.p, (int)value.n);
    }
    assert_string_equal(seen, "QN(17) ST(2) CN(4) PW(6) MN(24) Flag(1) ");
}

/* The frames of hj212.md 4.2 that must fail, each for its reason. */
static void what_is_wrong(void **state)
{
    static const struct {
        const char *frame;
        enum hj212_why why;
        unsigned needs, computed;
    } t[] = {
        { "##0077QN=20170516010101001;ST=22;CN=2011;PW=123456;MN=ABCDEFG1234567;Flag=3;CP=&&&&30A5\r\n", HJ212_CRC, HJ212_NEEDS_MODBUS,
          0x0140 },
        { "##0139ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20160824003817000;B01-Rtd=36.91;011-Rtd=231.0,011-Flag=N;"
          "060-Rtd=1.803,060-Flag=N&&4981\r\n",
          HJ212_CRC, HJ212_NEEDS_MORE, 0x4980 },
        { "##0223ST=22;CN=2011;PW=123456;MN=C037800AM2011;CP=&&DataTime=20180328235000;SO2-Rtd=19.0,SO2-Flag=N;NO2-Rtd=25.0,NO2-Flag=N;"
          "CO-Rtd=0.687,CO-Flag=N;O3-Rtd=76.0,O3-Flag=N;PM25-Rtd=75.0,PM25-Flag=N;PM10-Rtd=374.0,PM10-Flag=N&&4380\r\n",
          HJ212_LENGTH, HJ212_NEEDS_LENGTH, 0x4380 },
        { "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80", HJ212_LENGTH,
          HJ212_NEEDS_TAIL, 0x1c80 },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        struct hj212_explained e;
        hj212_explain(lf_str(t[i].frame), &e);
        assert_int_equal(e.why, t[i].why);
        assert_int_equal(e.needs, t[i].needs);
        assert_int_equal(e.computed, t[i].computed);
        assert_non_null(hj212_why_clause(e.why));
        assert_true(e.packet.mn.n > 0);
    }
}

static void what_is_nothing(void **state)
{
    static const char *const t[] = { "", "#", "##", "##01", "hello", "##0101QN=2016", "\r\n", "##&&&&", "##12&&" };
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        struct hj212_explained e;
        hj212_explain(lf_str(t[i]), &e);
        assert_int_not_equal(e.why, HJ212_GOOD);
    }
}

static void an_encrypted_frame(void **state)
{
    static const unsigned char key[] = "0000000000000000";
    const char *segment = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;"
                          "a01011-Avg=1.35,a01011-Flag=N&&";
    char wire[HJ212_BUFFER_MAX];
    size_t n = hj212_seal(key, lf_str(segment), wire, sizeof wire);
    struct hj212_explained e;
    hj212_explain((lf_text){ wire, (uint32_t)n }, &e);
    assert_true(e.sealed);
    assert_int_equal(e.why, HJ212_SEALED);
    assert_true(lf_text_is(e.packet.mn, "010000A8900016F000169DC0"));
    assert_int_equal(e.declared, strlen(segment));
}

static void secrets_are_starred(void **state)
{
    char t[] = "QN=1;PW=123456;MN=A;CP=&&NewPW=abc123&&0000";
    hj212_star_secrets(t, sizeof t - 1);
    assert_string_equal(t, "QN=1;PW=******;MN=A;CP=&&NewPW=******&&0000");
    char u[] = "PW=";
    hj212_star_secrets(u, 3);
    assert_string_equal(u, "PW=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_frame),    cmocka_unit_test(the_header_in_its_order), cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(what_is_nothing), cmocka_unit_test(an_encrypted_frame),      cmocka_unit_test(secrets_are_starred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
