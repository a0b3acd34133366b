/* What a platform above is told: packets with its own names, documents as frames; and what it answers. No sockets, no store. */
#include "relay/relay.h"
#include "relay/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* A platform that takes every kind from stations 1 to 3. */
static struct lf_relay_target to_above(struct lf_arena *a)
{
    struct lf_relay_route *route = lf_alloc(a, 3 * sizeof *route);
    for (int i = 0; i < 3; i++)
        route[i] = (struct lf_relay_route){ .station = { i + 1 },
                                            .mn = lf_str(lf_printf(a, "M%d", i + 1)),
                                            .pw = LF_TEXT("123456"),
                                            .grid_code = LF_TEXT("3703"),
                                            .st = LF_TEXT("22") };
    return (struct lf_relay_target){ .id = { 1 }, .kinds = 0xf, .route = route, .nroute = 3 };
}

static void documents_become_frames(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_relay_target target = to_above(&a);
    struct relay_msgs m;
    const char *why;
    static const char document[] =
        "time,factor,value,kind,min,max,flag\n2026-11-24 11:00:00,a34004,35.5,hour,20,50,\n2026-11-24 11:59:00,a34004,0.00001,,,,M\n"
        "2026-11-24 11:59:00,a34002,,,,,D\n";
    const struct lf_tele_stored_packet p = { .id = { 7 }, .station = { 3 }, .cn = LF_TEXT("http"), .raw = lf_str(document) };
    assert_int_equal(relay_render(&target, &p, 1795492800123, &a, &m, &why), RELAY_SEND);
    assert_int_equal(m.n, 2);
    assert_non_null(strstr(m.p[0].body.p, "QN=20261124120000123;ST=22;CN=2061;PW=123456;MN=M3;Flag=5;CP=&&DataTime=20261124110000;"
                                          "a34004-Avg=35.5,a34004-Min=20,a34004-Max=50,a34004-Flag=N&&"));
    assert_non_null(strstr(m.p[1].body.p, "QN=20261124120000124;ST=22;CN=2011;PW=123456;MN=M3;Flag=5;CP=&&DataTime=20261124115900;"
                                          "a34004-Rtd=0.00001,a34004-Flag=M;a34002-Flag=D&&"));
    target.kinds = 1u << LF_TELE_HOUR;
    assert_int_equal(relay_render(&target, &p, 1795492800123, &a, &m, &why), RELAY_SEND);
    assert_int_equal(m.n, 1);
    target.kinds = 1u << LF_TELE_DAY;
    assert_int_equal(relay_render(&target, &p, 1795492800123, &a, &m, &why), RELAY_SKIP);
    lf_arena_free(&a);
}

static lf_text frame_of(struct lf_arena *a, const char *segment)
{
    char *f = lf_alloc(a, HJ212_FRAME_MAX);
    return (lf_text){ f, (uint32_t)hj212_frame(lf_str(segment), f, HJ212_FRAME_MAX) };
}

static const char *rendered(struct lf_arena *a, const struct lf_relay_target *target, const char *cn, const char *segment)
{
    const struct lf_tele_stored_packet p = { .id = { 1 }, .station = { 1 }, .cn = lf_str(cn), .raw = frame_of(a, segment) };
    struct relay_msgs m;
    const char *why;
    enum relay_rendered how = relay_render(target, &p, 1795492800123, a, &m, &why);
    return how == RELAY_SEND ? lf_printf(a, "%.*s", (int)m.p[0].body.n, m.p[0].body.p) : how == RELAY_SKIP ? "skip" : "cannot";
}

static void heads_are_rewritten(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_relay_target target = to_above(&a);
    target.kinds |= LF_RELAY_OTHER;
    /* HJ/T 212-2005 without QN and Flag; RF of 2025; parts of a split message; commands that are between the two ends only. */
    assert_non_null(strstr(rendered(&a, &target, "2011", "ST=32;CN=2011;PW=123456;MN=M1;CP=&&DataTime=20160824003817;011-Rtd=1&&"),
                           "QN=20261124120000123;ST=32;CN=2011;PW=123456;MN=M1;Flag=1;CP=&&DataTime=20160824003817;011-Rtd=1&&"));
    assert_non_null(strstr(
        rendered(&a, &target, "2051", "QN=20260101000000000;ST=31;CN=2051;PW=1;MN=M1;Flag=8;RF=1;CP=&&DataTime=20260101000000;a-Avg=1&&"),
        "ST=31;CN=2051;PW=1;MN=M1;Flag=9;RF=1;CP=&&"));
    assert_non_null(
        strstr(rendered(&a, &target, "2051",
                        "QN=20260101000000000;ST=31;CN=2051;PW=1;MN=M1;Flag=6;PNUM=3;PNO=2;CP=&&DataTime=20260101000000;a-Avg=1&&"),
               "Flag=7;PNUM=3;PNO=2;CP=&&"));
    assert_non_null(strstr(
        rendered(&a, &target, "2021", "QN=20260101000000000;ST=31;CN=2021;PW=1;MN=M1;Flag=4;CP=&&DataTime=20260101000000;SB1-RS=1&&"),
        "CN=2021"));
    assert_string_equal(rendered(&a, &target, "1013", "QN=20260101000000000;ST=31;CN=1013;PW=1;MN=M1;Flag=5;CP=&&&&"), "skip");
    assert_string_equal(rendered(&a, &target, "9015", "QN=20260101000000000;ST=31;CN=9015;PW=1;MN=M1;Flag=9;CP=&&&&"), "skip");
    assert_string_equal(rendered(&a, &target, "mean", "QN=20260101000000000;ST=31;CN=2061;PW=1;MN=M1;Flag=9;CP=&&&&"), "skip");
    char *big = lf_printf(&a, "ST=31;CN=2051;PW=1;MN=M1;CP=&&DataTime=20260101000000;i-Info=//%0*d//&&", 935, 1);
    assert_string_equal(rendered(&a, &target, "2051", big), "cannot"); /* no room for a QN */
    lf_arena_free(&a);
}

static void answers_are_recognized(void **state)
{
    int64_t qn = 0;
    assert_true(relay_answer(LF_TEXT("QN=20261124120000123;ST=91;CN=9014;PW=1;MN=M1;Flag=4;CP=&&&&"), &qn) && qn == 1795492800123);
    assert_true(relay_answer(LF_TEXT("ST=91;CN=9014;CP=&&QN=20261124120000124;CN=2051&&"), &qn) && qn == 1795492800124);
    assert_true(relay_answer(LF_TEXT("ST=91;CN=9013;PW=1;MN=M1;Flag=0;CP=&&QN=20261124120000125&&"), &qn) && qn == 1795492800125);
    assert_false(relay_answer(LF_TEXT("QN=20261124120000123;ST=32;CN=1012;PW=1;MN=M1;Flag=5;CP=&&&&"), &qn));
    assert_false(relay_answer(LF_TEXT("QN=2026;ST=91;CN=9014;PW=1;MN=M1;Flag=4;CP=&&&&"), &qn));
    assert_false(relay_answer(LF_TEXT("nonsense"), &qn));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(documents_become_frames), cmocka_unit_test(heads_are_rewritten),
                                        cmocka_unit_test(answers_are_recognized) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
