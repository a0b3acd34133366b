/* The data segment, the items of CP, numbers, answers and names. */
#include "hj212/crc.h"
#include "hj212/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct hj212_packet parse(const char *segment, enum hj212_why want)
{
    struct hj212_packet p;
    const char *bad;
    enum hj212_why why = hj212_parse(lf_str(segment), &p, &bad);
    if (why != want)
        fail_msg("%s: %s (%s)", segment, hj212_why_name(why), bad ? bad : "-");
    return p;
}

#define IS(text, lit) assert_true(lf_text_is(text, lit))

static void a_full_header(void **state)
{
    struct hj212_packet p =
        parse("QN=20160801085857534;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=7;PNUM=2;PNO=1;CP=&&A=1&&", HJ212_GOOD);
    IS(p.qn, "20160801085857534"), IS(p.st, "32"), IS(p.cn, "2061"), IS(p.pw, "123456"), IS(p.mn, "010000A8900016F000169DC0"),
        IS(p.cp, "A=1");
    assert_int_equal(p.flag, 7);
    assert_int_equal(p.version, 2017);
    assert_true(p.want_ack && p.split && p.pnum == 2 && p.pno == 1);
}

static void versions_and_flags(void **state)
{
    static const struct {
        const char *flag;
        int version;
        bool ack;
    } t[] = { { "", 2005, false },        { "Flag=0;", 2005, false },  { "Flag=3;", 2005, true },
              { "Flag=4;", 2017, false }, { "Flag=5;", 2017, true },   { "Flag=8;", 2025, false },
              { "Flag=11;", 2025, true }, { "Flag=255;", 2025, true }, { "Flag=;", 2005, false } };
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        char s[100];
        snprintf(s, sizeof s, "ST=32;CN=2011;MN=M1;%sCP=&&&&", t[i].flag);
        struct hj212_packet p = parse(s, HJ212_GOOD);
        assert_int_equal(p.version, t[i].version);
        assert_int_equal(p.want_ack, t[i].ack);
        assert_false(p.split); /* bit D without numbers is not a split packet: HJ/T 212-2005 Annex C */
    }
}

static void deviations_that_are_accepted(void **state)
{
    struct hj212_packet p = parse("ST=32;CN=2011;MN=M1;PW=;CP=&&&&", HJ212_GOOD); /* MN before PW, PW empty, no QN, no Flag */
    assert_true(!p.qn.p && !p.pw.p && p.flag == -1);
    parse("CP=&&&&", HJ212_FIELD);
    p = parse("PNO=0002;PNUM=0002;CN=2051;ST=101;MN=q-1_x;RF=1;;CP=&&DataTime=1&&", HJ212_GOOD);
    assert_true(p.pno == 2 && p.pnum == 2 && p.split);
    IS(p.st, "101");
    p = parse(" ST=32 ; CN=2011; MN = M1;CP=&& &&;", HJ212_GOOD); /* spaces, ';' behind the end */
    IS(p.mn, "M1");
    p = parse("ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051;MN=no&&", HJ212_GOOD); /* 2005: no MN; names inside CP are not the header */
    assert_true(!p.qn.p && !p.mn.p);
    IS(p.cn, "9014");
    p = parse("QN=20160801085857223;ST=39;CN=2011;MN=M1;Flag=4;CP=&&a34001-Rtd=92;Flag=N&&", HJ212_GOOD);
    assert_int_equal(p.flag, 4);
    parse("ST=32;CN=3020;MN=XCP=1;CP=&&a=//CP=&&//&&", HJ212_FIELD); /* '=' inside MN */
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *segment, *bad;
        enum hj212_why why;
    } t[] = {
        { "", "CP", HJ212_GRAMMAR },
        { "ST=32;CN=2011;MN=M1", "CP", HJ212_GRAMMAR },
        { "ST=32;CN=2011;MN=M1;CP=&&a=1", "CP", HJ212_GRAMMAR }, /* closing && missing */
        { "ST=32;CN=2011;MN=M1;CP=&&a=1&", "CP", HJ212_GRAMMAR },
        { "ST=32;CN=2011;MN=M1;CP=&&", "CP", HJ212_GRAMMAR }, /* one && is not both */
        { "ST=32;CN=2011;MN=M1;CP=&&&", "CP", HJ212_GRAMMAR },
        { "ST=32;CN=2011;MN=M1;Flag=5CP=&&&&", "CP", HJ212_GRAMMAR }, /* misprint C.19 of HJ 212-2017 */
        { "ST=32;CN;MN=M1;CP=&&&&", NULL, HJ212_GRAMMAR },
        { "ST=32;MN=M1;CP=&&&&", "CN", HJ212_FIELD },
        { "ST=32;CN=20111;MN=M1;CP=&&&&", "CN", HJ212_FIELD },
        { "ST=32;CN=20x1;MN=M1;CP=&&&&", "CN", HJ212_FIELD },
        { "ST=32;CN=2011;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=null;CN=2011;MN=null;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=a b;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=a&b;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=\xe4\xb8\xad;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=12345678901234567890123456789012345678901234567890123456789012345;CP=&&&&", "MN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;MN=M2;CP=&&&&", "MN", HJ212_FIELD }, /* whose data would it be? */
        { "ST=123456789;CN=2011;MN=M1;CP=&&&&", "ST", HJ212_FIELD },
        { "QN=2016x801085857223;ST=32;CN=2011;MN=M1;CP=&&&&", "QN", HJ212_FIELD },
        { "QN=123456789012345678901;ST=32;CN=2011;MN=M1;CP=&&&&", "QN", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;Flag=256;CP=&&&&", "Flag", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;Flag=-1;CP=&&&&", "Flag", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;PNUM=10000;PNO=1;CP=&&&&", "PNUM", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;PNUM=2;PNO=3;CP=&&&&", "PNO", HJ212_FIELD },
        { "ST=32;CN=2011;MN=M1;PNUM=2;PNO=x;CP=&&&&", "PNO", HJ212_FIELD },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        struct hj212_packet p;
        const char *bad;
        enum hj212_why why = hj212_parse(lf_str(t[i].segment), &p, &bad);
        if (why != t[i].why || (bad ? !t[i].bad || strcmp(bad, t[i].bad) != 0 : t[i].bad != NULL))
            fail_msg("%s: %s (%s)", t[i].segment, hj212_why_name(why), bad ? bad : "-");
    }
}

/* Items as "code|stat|value" joined by blanks; "!" at the end when broken. */
static void items_are(const char *cp, const char *want)
{
    char got[600] = "";
    size_t at = 0, n = 0;
    struct hj212_item it;
    bool broken;
    lf_text t = lf_str(cp);
    while (hj212_next(t, &at, &it, &broken))
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s|%.*s|%.*s", n ? " " : "", (int)it.code.n, it.code.p, (int)it.stat.n,
                              it.stat.p ? it.stat.p : "", (int)it.value.n, it.value.p);
    if (broken)
        snprintf(got + n, sizeof got - n, "!");
    assert_string_equal(got, want);
}

static void items(void **state)
{
    items_are("", "");
    items_are(" ", "");
    items_are("DataTime=1;w01018-Rtd=40.1,w01018-Flag=N", "DataTime||1 w01018|Rtd|40.1 w01018|Flag|N");
    items_are(";;a-Rtd=1;,;b-Rtd=2;", "a|Rtd|1 b|Rtd|2");
    items_are(" a-Rtd = 1 ; b = 2 ", "a|Rtd|1 b||2");
    items_are("BeginTime=1,EndTime=2", "BeginTime||1 EndTime||2");
    items_are("a34001-Rtd=92;Flag=N", "a34001|Rtd|92 Flag||N");
    items_are("NH3-N-Rtd=1;pms_rules-Rtd=7", "NH3-N|Rtd|1 pms_rules|Rtd|7");
    items_are("a=", "a||");
    items_are("a=b=c;d=-1-2", "a||b=c d||-1-2");
    items_are("i11001-Info=//a,b;c=d//;x=1", "i11001|Info|//a,b;c=d// x||1");
    items_are("i11001-Info=//http://x/,y//,x=1", "i11001|Info|//http://x/,y// x||1");
    items_are("i11001-Info=//open,x=1", "i11001|Info|//open x||1"); /* never closed: ordinary text */
    items_are("u=http://a,v=//", "u||http://a v||//");
    items_are("a-Rtd=1;nothing;b-Rtd=2", "a|Rtd|1!");
    items_are("=1", "!");
    items_are("-Rtd=1", "!");
    items_are("a-=1", "!");
}

static void value_is(const char *cp, const char *name, const char *want)
{
    lf_text v = hj212_value(lf_str(cp), name);
    if (!want)
        assert_null(v.p);
    else
        assert_true(lf_text_is(v, want));
}

static void values_by_name(void **state)
{
    value_is("DataTime=1;QN=2,QN=3", "QN", "2");
    value_is("QN-Rtd=1;QN=2", "QN", "2"); /* plain names only */
    value_is("QN=;a=1", "QN", "");
    value_is("a=1;nothing;QN=2", "QN", NULL);
    value_is("QNX=1;qn=2", "QN", NULL);
    value_is("", "QN", NULL);
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        double v;
    } good[] = { { "0", 0 },
                 { "-1.5", -1.5 },
                 { "+2", 2 },
                 { ".5", .5 },
                 { "5.", 5 },
                 { "231.0", 231 },
                 { "0.1", 0.1 },
                 { "1.803", 1.803 },
                 { "0002", 2 },
                 { "235.292750833832", 235.292750833832 },
                 { "9007199254740993", 9007199254740993.0 },
                 { "0.30000000000000000001", 0.3 },
                 { "12345678901234567890", 12345678901234567890.0 } };
    static const char *const bad[] = { "",
                                       "-",
                                       ".",
                                       "+.",
                                       "--",
                                       "NaN",
                                       "nan",
                                       "inf",
                                       "1e5",
                                       "0x10",
                                       "1,5",
                                       "1.2.3",
                                       " 1",
                                       "1 ",
                                       "1-",
                                       "N",
                                       "12345678901234567890123456789012345678901" };
    double v;
    for (size_t i = 0; i < LF_COUNT(good); i++) {
        assert_true(hj212_number(lf_str(good[i].text), &v));
        assert_true(v == good[i].v);
    }
    for (size_t i = 0; i < LF_COUNT(bad); i++)
        assert_false(hj212_number(lf_str(bad[i]), &v));
}

static void frames_are(size_t n, const char *out, const char *want)
{
    assert_int_equal(n, strlen(want) + 2);
    assert_memory_equal(out, want, n - 2);
    assert_memory_equal(out + n - 2, "\r\n", 2);
}

#define SEG17(qn, cn) "QN=" qn ";ST=22;CN=" cn ";PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&"
static void answers(void **state)
{
    char out[HJ212_FRAME_MAX];
    struct hj212_packet p = parse(SEG17("20231008130452757", "2081"), HJ212_GOOD);
    frames_are(hj212_answer(&p, out, sizeof out), out, /* D1 */
               "##0087QN=20231008130452757;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&47C0");
    p = parse(SEG17("20160801085857223", "1013"), HJ212_GOOD);
    frames_are(hj212_answer(&p, out, sizeof out), out, /* D2 */
               "##0087QN=20160801085857223;ST=91;CN=9013;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&2A80");
    frames_are(hj212_result(&p, false, 1, out, sizeof out), out, /* D3 */
               "##0094QN=20160801085857223;ST=91;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&1B00");
    frames_are(hj212_result(&p, true, 100, out, sizeof out), out, /* D7 */
               "##0097QN=20160801085857223;ST=91;CN=9012;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&ExeRtn=100&&1C80");
    p = parse("QN=20240601085857223;ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&", HJ212_GOOD);
    frames_are(hj212_answer(&p, out, sizeof out), out, /* D17 */
               "##0087QN=20240601085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=8;CP=&&&&21C0");
    p = parse("QN=20040516010101001;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&&&", HJ212_GOOD);
    frames_are(hj212_answer(&p, out, sizeof out), out, "##0049ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&5F00"); /* D16 */
    frames_are(hj212_result(&p, false, 1, out, sizeof out), out,                                                       /* D15 */
               "##0084ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN=20040516010101001;QnRtn=1&&7200");
    p = parse("QN=20040516010101001;ST=32;CN=2051;MN=8;Flag=3;PNUM=4;PNO=2;CP=&&&&", HJ212_GOOD);
    size_t n = hj212_answer(&p, out, sizeof out);
    assert_non_null(memmem(out, n, "CP=&&QN=20040516010101001;CN=2051;PNO=2;PNUM=4&&", 48));
    assert_int_equal(hj212_answer(&p, out, 40), 0); /* no room */
}

static void writing_frames(void **state)
{
    char out[2000], long_one[HJ212_SEGMENT_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    assert_int_equal(hj212_frame((lf_text){ long_one, HJ212_SEGMENT_MAX }, out, sizeof out), HJ212_FRAME_MAX);
    assert_memory_equal(out, "##1024x", 7);
    assert_int_equal(hj212_frame((lf_text){ long_one, HJ212_SEGMENT_MAX + 1 }, out, sizeof out), 0);
    assert_int_equal(hj212_frame((lf_text){ long_one, HJ212_SEGMENT_MAX }, out, HJ212_FRAME_MAX - 1), 0);
    frames_are(hj212_frame(LF_TEXT("abc"), out, sizeof out), out, "##0003abcD701");
    size_t used;
    lf_text frame, segment;
    assert_int_equal(hj212_take(out, 15, &used, &frame, &segment), HJ212_GOOD);
    IS(segment, "abc");
}

static void factors(void **state)
{
    assert_int_equal(hj212_factor_count, 63 + 121 + 12 + 5);
    int dimensionless = 0;
    for (size_t i = 0; i < hj212_factor_count; i++) {
        const struct hj212_factor *f = &hj212_factors[i];
        assert_true(i == 0 || strcmp(hj212_factors[i - 1].code, f->code) < 0);
        assert_ptr_equal(hj212_factor_find(lf_str(f->code)), f);
        if (f->code2005)
            assert_ptr_equal(hj212_factor_find(lf_str(f->code2005)), f);
        assert_true(f->zh[0] && f->en[0] && f->unit && f->per2005 >= 1);
        dimensionless += !f->unit[0];
    }
    assert_int_equal(dimensionless, 2); /* pH and Ringelmann blackness */
    const struct hj212_factor *cod = hj212_factor_find(LF_TEXT("011"));
    assert_string_equal(cod->code, "w01018");
    assert_string_equal(cod->unit, "mg/L");
    assert_true(cod->digits == 5 && cod->decimals == 1);
    assert_string_equal(hj212_factor_find(LF_TEXT("SO2"))->code, "a21026");
    assert_string_equal(hj212_factor_find(LF_TEXT("NOx"))->code, "a21002");
    assert_string_equal(hj212_factor_find(LF_TEXT("pm2.5"))->code, "a34004");
    assert_string_equal(hj212_factor_find(LF_TEXT("NH3-N"))->code, "w21003");
    assert_true(hj212_factor_find(LF_TEXT("020"))->per2005 == 1000); /* mercury: mg/L in 2005, µg/L in 2017 */
    static const char *const unknown[] = { "", "w", "w0100", "w010011", "ua19004", "99", "zzzz", "A21026" };
    for (size_t i = 0; i < LF_COUNT(unknown); i++)
        assert_null(hj212_factor_find(lf_str(unknown[i])));
}

static void names(void **state)
{
    assert_non_null(strstr(hj212_st_name(LF_TEXT("32")), "水"));
    assert_null(hj212_st_name(LF_TEXT("101")));
    assert_non_null(strstr(hj212_cn_name(LF_TEXT("2011")), "Real-time"));
    assert_null(hj212_cn_name(LF_TEXT("0000")));
    assert_non_null(strstr(hj212_flag_name(LF_TEXT("N")), "Normal"));
    assert_null(hj212_flag_name(LF_TEXT("X")));
    for (int w = 0; w < HJ212_WHY_COUNT; w++)
        assert_non_null(strstr(hj212_why_text((enum hj212_why)w), " | "));
    assert_string_equal(hj212_why_name((enum hj212_why)99), "unknown");
}

static void marks(void **state)
{
    assert_int_equal(hj212_mark_of((lf_text){ 0 }), HJ212_NORMAL);
    assert_int_equal(hj212_mark_of(LF_TEXT("N")), HJ212_NORMAL);
    assert_int_equal(hj212_mark_of(LF_TEXT("3")), HJ212_NORMAL);
    assert_int_equal(hj212_mark_of(LF_TEXT("F")), HJ212_STOPPED);
    assert_int_equal(hj212_mark_of(LF_TEXT("C")), HJ212_MARKED);
    assert_int_equal(hj212_mark_of(LF_TEXT("Q")), HJ212_MARKED); /* the list is open: what is not known is not normal */
}

static void units_turn_into_each_other(void **state)
{
    double times = 0;
    assert_true(hj212_unit_times(LF_TEXT("mg/m³"), LF_TEXT("µg/m³"), &times) && times == 1000);
    assert_true(hj212_unit_times(LF_TEXT("ng/m³"), LF_TEXT("µg/m³"), &times) && times == 0.001);
    assert_true(hj212_unit_times(LF_TEXT("ug/m3"), LF_TEXT("µg/m³"), &times) && times == 1);
    assert_true(hj212_unit_times(LF_TEXT("Pa"), LF_TEXT("kPa"), &times) && times == 0.001);
    assert_true(hj212_unit_times(LF_TEXT("m³/h"), LF_TEXT("m³/s"), &times) && fabs(times * 3600 - 1) < 1e-12);
    assert_true(hj212_unit_times(LF_TEXT("dB"), LF_TEXT("dB"), &times) && times == 1);
    assert_false(hj212_unit_times(LF_TEXT("mg/L"), LF_TEXT("mg/m³"), &times));
    assert_false(hj212_unit_times(LF_TEXT("ppm"), LF_TEXT("mg/m³"), &times));
}

/* What the quick way takes is a number, and the same one to the bit. */
static bool plain_is_number(const char *t)
{
    double fast, slow;
    const char *stop = hj212_plain_number(t, &fast);
    if (!stop)
        return false;
    assert_true(hj212_number((lf_text){ t, (uint32_t)(stop - t) }, &slow));
    assert_memory_equal(&fast, &slow, sizeof fast);
    return true;
}

static void plain_numbers_are_numbers(void **state)
{
    static const char letters[] = "0159.+- /;";
    char t[24] = { 0 };
    unsigned all = 1, taken = 0, random = 1;
    for (unsigned n = 1; n <= 6; n++) { /* every text of these letters */
        all *= 10;
        for (unsigned i = 0; i < all; i++) {
            for (unsigned k = 0, which = i; k < n; k++, which /= 10)
                t[k] = letters[which % 10];
            taken += plain_is_number(t);
        }
    }
    for (unsigned i = 0; i < 300000; i++) { /* and longer ones */
        unsigned n = 7 + i % 16;
        for (unsigned k = 0; k < n; k++)
            t[k] = "01234567890123456789."[((random = random * 1664525u + 1013904223u) >> 16) % 21];
        t[n] = ',';
        taken += plain_is_number(t);
    }
    assert_true(taken > 100000);
    for (int i = -50000; i < 50000; i++) { /* the usual ones are all taken, to their end */
        double v;
        snprintf(t, sizeof t, "%.*f,", i & 3, i / 10.0);
        assert_true(plain_is_number(t));
        assert_int_equal(*hj212_plain_number(t, &v), ',');
    }
}

static void eight_at_a_time(void **state)
{
    const char t[] = "a12,45;78";
    assert_int_equal(hj212_eight(t) & 0xff, 'a');
    assert_int_equal(hj212_eight(t) >> 56 & 0xff, '7');
    assert_int_equal(hj212_stop_in(hj212_eight(t)), 3);
    assert_int_equal(hj212_stop_in(hj212_eight("12345678")), 8);
    assert_int_equal(hj212_stop_in(hj212_eight(";2345678")), 0);
    assert_int_equal(hj212_stop_in(hj212_eight("-+:<1:-,")), 7);
    char d[] = "20240311115959123";
    for (uint32_t n = 8; n <= 17; n++)
        for (uint32_t i = 0; i < n; i++)
            for (unsigned c = 0; c < 256; c++) {
                char was = d[i];
                d[i] = (char)c;
                assert_int_equal(hj212_all_digits(d, n), c >= '0' && c <= '9');
                d[i] = was;
            }
    for (uint32_t n = 0; n < 8; n++)
        assert_int_equal(hj212_few(t, n), n ? hj212_eight(t) & (UINT64_MAX >> (64 - 8 * n)) : (uint64_t)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_numbers_are_numbers),
        cmocka_unit_test(eight_at_a_time),
        cmocka_unit_test(units_turn_into_each_other),
        cmocka_unit_test(a_full_header),
        cmocka_unit_test(versions_and_flags),
        cmocka_unit_test(deviations_that_are_accepted),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(items),
        cmocka_unit_test(values_by_name),
        cmocka_unit_test(numbers),
        cmocka_unit_test(answers),
        cmocka_unit_test(writing_frames),
        cmocka_unit_test(factors),
        cmocka_unit_test(names),
        cmocka_unit_test(marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
