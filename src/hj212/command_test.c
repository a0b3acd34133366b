/* Commands to devices: their packets as the standards print them, what is not allowed, and the dialogue with a clock that is told. */
#include "hj212/dialogue.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static lf_ms at(const char *compact)
{
    lf_ms t = { 0 };
    assert_true(lf_ms_parse_compact(lf_str(compact), &t));
    return t;
}

/* A request like those of Annex C: their QN, PW and MN. */
static struct hj212_request ask(const char *cn, int version)
{
    struct hj212_request r = { .command = hj212_command_find(lf_str(cn)),
                               .version = version,
                               .qn = lf_str(version == 2025 ? "20240601085857223" : "20160801085857223"),
                               .st = LF_TEXT("32"),
                               .pw = LF_TEXT("123456"),
                               .mn = LF_TEXT("010000A8900016F000169DC0"),
                               .begin = { LF_NULL64 },
                               .end = { LF_NULL64 },
                               .now = at(version == 2025 ? "20240601085857" : "20160801085857") };
    assert_non_null(r.command);
    return r;
}

static void is_written(const struct hj212_request *r, const char *frame)
{
    char segment[HJ212_SEGMENT_MAX], out[HJ212_FRAME_MAX];
    assert_null(hj212_request_wrong(r));
    size_t n = hj212_request_write(r, segment);
    assert_true(n > 0);
    n = hj212_frame((lf_text){ segment, (uint32_t)n }, out, sizeof out);
    if (n < 2 || n - 2 != strlen(frame) || memcmp(out, frame, n - 2) != 0)
        fail_msg("%.*s\nwanted\n%s", (int)n, out, frame);
}

static void as_the_standards_print_them(void **state)
{
    struct hj212_request r = ask("1062", 2017);
    r.pw = LF_TEXT("100000"), r.number = 30; /* V1: HJ 212-2017 Annex A.2 */
    is_written(&r, "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80");
    r = ask("1012", 2017), r.pol_id = LF_TEXT("w01018"); /* D8 */
    is_written(&r, "##0125QN=20160801085857223;ST=32;CN=1012;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;"
                   "SystemTime=20160801085857&&0880");
    r = ask("1000", 2017), r.over_time = 5, r.re_count = 3; /* D9 */
    is_written(&r, "##0107QN=20160801085857223;ST=32;CN=1000;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&OverTime=5;ReCount=3&&CAC1");
    r = ask("2061", 2017), r.begin = r.end = at("20160801080000"); /* D10 */
    is_written(&r, "##0134QN=20160801085857223;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20160801080000;"
                   "EndTime=20160801080000&&7EC0");
    r = ask("3011", 2017), r.pol_id = LF_TEXT("w01018"); /* S1 */
    is_written(&r, "##0099QN=20160801085857223;ST=32;CN=3011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018&&47C0");
    r = ask("3016", 2017), r.pol_id = LF_TEXT("w01018"), r.start = LF_TEXT("000000"), r.number = 2; /* S4 */
    is_written(&r, "##0125QN=20160801085857223;ST=32;CN=3016;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&PolId=w01018;"
                   "CstartTime=000000;CTime=2&&D801");
    r = ask("3015", 2017); /* S3 */
    is_written(&r, "##0087QN=20160801085857223;ST=32;CN=3015;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&&&E401");
}

static void those_of_2025(void **state)
{
    struct hj212_request r = ask("1011", 2025); /* V2: Annex A.1 */
    is_written(&r, "##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2200");
    r = ask("1014", 2025), r.new_key = LF_TEXT("0000000000000000"); /* S17 */
    is_written(&r, "##0140QN=20240601085857223;ST=32;CN=1014;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
                   "SKCreateTime=20240601085857223,NewSK=0000000000000000&&EA41");
    r = ask("1072", 2025), r.new_pw = LF_TEXT("654321"); /* S20 */
    is_written(&r, "##0099QN=20240601085857223;ST=32;CN=1072;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&NewPW=654321&&17C0");
    r = ask("1064", 2025), r.st = LF_TEXT("31"), r.number = 10; /* S11 */
    is_written(&r, "##0101QN=20240601085857223;ST=31;CN=1064;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&MinInterval=10&&7340");
    r = ask("2062", 2025), r.begin = r.end = at("20240601080000"); /* S28 */
    is_written(&r, "##0134QN=20240601085857223;ST=32;CN=2062;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&BeginTime=20240601080000;"
                   "EndTime=20240601080000&&8641");
    r = ask("3020", 2025), r.pol_id = LF_TEXT("w01018"), r.info_id = LF_TEXT("i12001"); /* S35 */
    is_written(&r, "##0113QN=20240601085857223;ST=32;CN=3020;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&PolId=w01018;"
                   "InfoId=i12001&&8581");
    r = ask("3021", 2025), r.pol_id = LF_TEXT("w01018"), r.info_id = LF_TEXT("i13004"), r.value = LF_TEXT("168.0"); /* S36 */
    is_written(&r, "##0131QN=20240601085857223;ST=32;CN=3021;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&PolId=w01018;"
                   "InfoId=i13004;i13004-Info=168.0&&6240");
    r = ask("2012", 2025); /* S22 */
    is_written(&r, "##0087QN=20240601085857223;ST=32;CN=2012;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2F80");
}

static void in_2005(void **state)
{
    char out[HJ212_SEGMENT_MAX];
    struct hj212_request r = ask("2051", 2005);
    r.mn = LF_TEXT("88888880000001"), r.begin = at("20040506111000"), r.end = at("20040506151000");
    size_t n = hj212_request_write(&r, out);
    assert_true(lf_text_is((lf_text){ out, (uint32_t)n }, "QN=20160801085857223;ST=32;CN=2051;PW=123456;MN=88888880000001;Flag=1;CP=&&"
                                                          "BeginTime=20040506111000,EndTime=20040506151000&&"));
    r = ask("1072", 2005), r.new_pw = LF_TEXT("654321");
    n = hj212_request_write(&r, out);
    out[n] = 0;
    assert_non_null(strstr(out, "CP=&&PW=654321&&"));
    static const char *const unknown[] = { "1014", "1063", "3013", "3014", "3017", "3022" };
    for (size_t i = 0; i < LF_COUNT(unknown); i++) { /* 3013 and 3014 meant other things then */
        r = ask(unknown[i], 2005);
        assert_int_equal(hj212_request_write(&r, out), 0);
    }
    r = ask("2071", 2017);
    assert_int_equal(hj212_request_write(&r, out), 0); /* only 2005 knew it */
    assert_null(hj212_command_find(LF_TEXT("1032")));
    assert_null(hj212_command_find(LF_TEXT("9011")));
}

static void values_that_are_not_allowed(void **state)
{
    struct hj212_request r = ask("1062", 2017);
    static const int64_t seconds[] = { 29, 3601, 0, -1, LF_NULL64 }, minutes[] = { 0, 7, 60, LF_NULL64 };
    for (size_t i = 0; i < LF_COUNT(seconds); i++) {
        r.number = seconds[i];
        assert_string_equal(hj212_request_wrong(&r), "RtdInterval");
    }
    r = ask("1064", 2017);
    for (size_t i = 0; i < LF_COUNT(minutes); i++) {
        r.number = minutes[i];
        assert_string_equal(hj212_request_wrong(&r), "MinInterval");
    }
    static const char *const pw[] = { "", "12345", "1234567", "12;456", "12&456", "密码" };
    r = ask("1072", 2017);
    for (size_t i = 0; i < LF_COUNT(pw); i++) {
        r.new_pw = lf_str(pw[i]);
        assert_string_equal(hj212_request_wrong(&r), "NewPW");
    }
    r = ask("3011", 2017);
    assert_string_equal(hj212_request_wrong(&r), "PolId");
    r.pol_id = LF_TEXT("w01018;CN=1");
    assert_string_equal(hj212_request_wrong(&r), "PolId");
    r = ask("2061", 2017);
    assert_string_equal(hj212_request_wrong(&r), "BeginTime");
    r.begin = at("20160801080000"), r.end = at("20160801070000");
    assert_string_equal(hj212_request_wrong(&r), "EndTime");
    r = ask("3016", 2017), r.pol_id = LF_TEXT("w01018"), r.number = 2, r.start = LF_TEXT("240000");
    assert_string_equal(hj212_request_wrong(&r), "CstartTime");
    r.start = LF_TEXT("235959"), r.number = 25;
    assert_string_equal(hj212_request_wrong(&r), "CTime");
    r = ask("3021", 2017), r.info_id = LF_TEXT("i13004"), r.value = LF_TEXT("1;PW=2");
    assert_string_equal(hj212_request_wrong(&r), "Info");
    r = ask("1000", 2017), r.over_time = 5, r.re_count = 100;
    assert_string_equal(hj212_request_wrong(&r), "ReCount");
    r = ask("1014", 2025), r.new_key = LF_TEXT("short");
    assert_string_equal(hj212_request_wrong(&r), "NewSK");
    r = ask("1011", 2017); /* optional: the time of one analyser */
    assert_null(hj212_request_wrong(&r));
}

/* ---- dialogue ---------------------------------------------------------------------------------- */

static const char qn[] = "20160801085857223";
static const lf_ms t0 = { 1000000 };
static lf_ms after(int64_t ms) { return (lf_ms){ t0.ms + ms }; }

static struct hj212_dialogue begin(const char *cn)
{
    struct hj212_dialogue d = {
        .command = hj212_command_find(lf_str(cn)), .begin = { LF_NULL64 }, .end = { LF_NULL64 }, .wait_ms = 5000, .resends = 2
    };
    strcpy(d.qn, qn);
    assert_int_equal(hj212_dialogue_begin(&d, t0), HJ212_SEND);
    return d;
}

static enum hj212_todo hear(struct hj212_dialogue *d, const char *segment, lf_ms now, bool want_mine)
{
    struct hj212_packet p;
    const char *bad;
    bool mine;
    assert_int_equal(hj212_parse(lf_str(segment), &p, &bad), HJ212_GOOD);
    enum hj212_todo t = hj212_dialogue_hear(d, &p, now, &mine);
    assert_int_equal(mine, want_mine);
    return t;
}
#define R(cn, cp) "QN=20160801085857223;ST=91;CN=" cn ";PW=123456;MN=M1;Flag=4;CP=&&" cp "&&"

static void a_setting_is_done(void **state)
{
    struct hj212_dialogue d = begin("1012");
    assert_int_equal(hear(&d, "QN=20160801085857224;ST=91;CN=9011;PW=1;MN=M1;Flag=4;CP=&&QnRtn=1&&", after(1), false), HJ212_WAIT);
    assert_int_equal(hear(&d, R("9011", "QnRtn=1"), after(10), true), HJ212_CHANGED);
    assert_int_equal(d.state, HJ212_ACCEPTED);
    assert_int_equal(hear(&d, R("9011", "QnRtn=1"), after(11), true), HJ212_WAIT); /* said twice */
    assert_int_equal(hear(&d, R("9012", "ExeRtn=1"), after(20), true), HJ212_OVER);
    assert_true(d.state == HJ212_SUCCEEDED && d.qn_rtn == 1 && d.exe_rtn == 1 && d.tries == 1);
    assert_int_equal(hear(&d, R("9012", "ExeRtn=2"), after(21), true), HJ212_WAIT);
    assert_true(d.state == HJ212_SUCCEEDED && d.exe_rtn == 1);
}

static void refused_and_failed(void **state)
{
    struct hj212_dialogue d = begin("1012");
    assert_int_equal(hear(&d, R("9011", "QnRtn=3"), after(10), true), HJ212_OVER); /* D4: wrong PW */
    assert_true(d.state == HJ212_FAILED && d.qn_rtn == 3);
    d = begin("1012");
    assert_int_equal(hear(&d, R("9011", "QnRtn=yes"), after(10), true), HJ212_OVER); /* not a 1: not ready */
    assert_true(d.state == HJ212_FAILED && d.qn_rtn == 0);
    d = begin("2061");
    hear(&d, R("9011", "QnRtn=1"), after(10), true);
    assert_int_equal(hear(&d, R("9012", "ExeRtn=100"), after(20), true), HJ212_OVER); /* D7: no data */
    assert_true(d.state == HJ212_FAILED && d.exe_rtn == 100);
}

static void silence(void **state)
{
    struct hj212_dialogue d = begin("1012");
    assert_int_equal(hj212_dialogue_tick(&d, after(4999)), HJ212_WAIT);
    assert_int_equal(hj212_dialogue_tick(&d, after(5000)), HJ212_SEND); /* first re-send */
    assert_int_equal(hj212_dialogue_tick(&d, after(9999)), HJ212_WAIT);
    assert_int_equal(hj212_dialogue_tick(&d, after(10000)), HJ212_SEND);
    assert_int_equal(hj212_dialogue_tick(&d, after(15000)), HJ212_OVER);
    assert_true(d.state == HJ212_SILENT && d.tries == 3);
    assert_int_equal(hear(&d, R("9011", "QnRtn=1"), after(15001), true), HJ212_WAIT); /* too late */
    d = begin("1012");
    hear(&d, R("9011", "QnRtn=1"), after(4000), true);
    assert_int_equal(hj212_dialogue_tick(&d, after(8999)), HJ212_WAIT);
    assert_int_equal(hj212_dialogue_tick(&d, after(9000)), HJ212_OVER); /* accepted, and never told the end */
    assert_true(d.state == HJ212_FAILED && d.exe_rtn == 0 && d.tries == 1);
    d = begin("3011"); /* works longer than the time-out */
    hear(&d, R("9011", "QnRtn=1"), after(0), true);
    assert_int_equal(hj212_dialogue_tick(&d, after(1799999)), HJ212_WAIT);
    assert_int_equal(hj212_dialogue_tick(&d, after(1800000)), HJ212_OVER);
}

static void a_lost_acknowledgement(void **state)
{
    struct hj212_dialogue d = begin("1012");
    assert_int_equal(hear(&d, R("9012", "ExeRtn=1"), after(10), true), HJ212_OVER);
    assert_int_equal(d.state, HJ212_SUCCEEDED);
}

static void an_answer_with_its_qn(void **state)
{
    struct hj212_dialogue d = begin("1011");
    hear(&d, R("9011", "QnRtn=1"), after(10), true);
    assert_int_equal(hear(&d, "QN=20160801085857999;ST=32;CN=1011;PW=1;MN=M1;Flag=4;CP=&&SystemTime=20160801085857&&", after(15), false),
                     HJ212_WAIT); /* somebody else's */
    assert_int_equal(hear(&d, "QN=20160801085857223;ST=32;CN=1011;PW=1;MN=M1;Flag=4;CP=&&SystemTime=20160801085857&&", after(20), true),
                     HJ212_CHANGED);
    assert_int_equal(d.packets, 1);
    assert_int_equal(hear(&d, R("9012", "ExeRtn=1"), after(30), true), HJ212_OVER);
}

static void history(void **state)
{
    struct hj212_dialogue d = begin("2061");
    d.begin = at("20160801080000"), d.end = at("20160801100000");
    assert_int_equal(
        hear(&d, "QN=20160801120000001;ST=32;CN=2061;PW=1;MN=M1;Flag=5;CP=&&DataTime=20160801070000;w01018-Avg=1&&", after(10), false),
        HJ212_WAIT); /* an upload of its own */
    assert_int_equal(
        hear(&d, "QN=20160801120000002;ST=32;CN=2061;PW=1;MN=M1;Flag=5;CP=&&DataTime=20160801080000;w01018-Avg=1&&", after(4000), true),
        HJ212_CHANGED); /* data before 9011, which was lost */
    assert_int_equal(d.state, HJ212_ACCEPTED);
    assert_int_equal(
        hear(&d, "QN=20160801120000003;ST=32;CN=2061;PW=1;MN=M1;Flag=5;CP=&&DataTime=20160801100000;w01018-Avg=1&&", after(8000), true),
        HJ212_CHANGED);
    assert_int_equal(d.packets, 2);
    assert_int_equal(hj212_dialogue_tick(&d, after(12999)), HJ212_WAIT); /* each packet gives it time again */
    assert_int_equal(hear(&d, R("9012", "ExeRtn=1"), after(12999), true), HJ212_OVER);
    assert_true(d.state == HJ212_SUCCEEDED && d.packets == 2);
}

static void a_notice(void **state)
{
    struct hj212_dialogue d = begin("2012");
    assert_int_equal(hear(&d, R("9013", ""), after(10), true), HJ212_OVER);
    assert_int_equal(d.state, HJ212_SUCCEEDED);
    d = begin("1012");
    assert_int_equal(hear(&d, R("9013", ""), after(10), true), HJ212_WAIT); /* no end of a request */
}

static void replies_of_2005(void **state) /* D15: the QN stands in CP */
{
    struct hj212_dialogue d = begin("1012");
    assert_int_equal(hear(&d, "ST=91;CN=9011;PW=123456;MN=M1;Flag=0;CP=&&QN=20160801085857223;QnRtn=1&&", after(10), true), HJ212_CHANGED);
    assert_int_equal(hear(&d, "ST=91;CN=9012;PW=123456;MN=M1;CP=&&QN=20160801085857222;ExeRtn=1&&", after(15), false), HJ212_WAIT);
    assert_int_equal(hear(&d, "ST=91;CN=9012;PW=123456;MN=M1;CP=&&QN=20160801085857223;ExeRtn=1&&", after(20), true), HJ212_OVER);
    assert_int_equal(d.state, HJ212_SUCCEEDED);
}

static void return_codes_have_words(void **state)
{
    static const int qn_codes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 0, 55 }, exe_codes[] = { 1, 2, 3, 4, 5, 6, 100, 0, 55 };
    for (size_t i = 0; i < LF_COUNT(qn_codes); i++)
        assert_non_null(strstr(hj212_qn_rtn_text(qn_codes[i]), " | "));
    for (size_t i = 0; i < LF_COUNT(exe_codes); i++)
        assert_non_null(strstr(hj212_exe_rtn_text(exe_codes[i]), " | "));
    for (size_t i = 0; i < hj212_command_count; i++) /* whatever may be asked has a name */
        assert_non_null(hj212_cn_name(lf_str(hj212_commands[i].cn)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_standards_print_them),
        cmocka_unit_test(those_of_2025),
        cmocka_unit_test(in_2005),
        cmocka_unit_test(values_that_are_not_allowed),
        cmocka_unit_test(a_setting_is_done),
        cmocka_unit_test(refused_and_failed),
        cmocka_unit_test(silence),
        cmocka_unit_test(a_lost_acknowledgement),
        cmocka_unit_test(an_answer_with_its_qn),
        cmocka_unit_test(history),
        cmocka_unit_test(a_notice),
        cmocka_unit_test(replies_of_2005),
        cmocka_unit_test(return_codes_have_words),
    };
    return cmocka_run_group_tests_name("hj212_command", tests, NULL, NULL);
}
