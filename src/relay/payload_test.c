/* Documents with readings: what is taken, what is refused and why, and that no bytes at all do harm. */
#include "base/out.h"
#include "relay/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct lf_arena arena;
static struct lf_payload got;
static struct lf_err err;
static struct lf_payload_rules rules = { .ahead_ms = 600000, .age_ms = (int64_t)366 * LF_DAY_MS };

static lf_rc read_doc(const char *doc)
{
    lf_arena_reset(&arena);
    lf_ms_parse_iso(LF_TEXT("2026-11-24T12:00:00"), &rules.now);
    return lf_payload_read(&arena, lf_str(doc), &rules, &got, &err);
}

/* The document is read, its one row refused because of that member. */
static void refused(const char *doc, const char *field)
{
    assert_int_equal(read_doc(doc), LF_OK);
    if (got.nrow || got.nbad != 1 || strcmp(got.bad[0].field, field) != 0)
        fail_msg("%s: %zu rows, %zu refused, %s", doc, got.nrow, got.nbad, got.nbad ? got.bad[0].field : "");
    assert_non_null(strstr(got.bad[0].message, " | "));
}

static void json_is_read(void **state)
{
    assert_int_equal(
        read_doc("{\"id\":\"box7\",\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"PM25\",\"value\":35.5,\"quality\":192},"
                 "{\"name\":\"a34002\",\"value\":null,\"quality\":\"D\"},"
                 "{\"name\":\"a01001\",\"kind\":\"hour\",\"timestamp\":\"2026-11-24T11:00:00+08:00\",\"value\":7,\"min\":6.5,"
                 "\"max\":8,\"unit\":\"°C\",\"datatype\":\"Float\"}]}"),
        LF_OK);
    assert_int_equal(got.nbad, 0);
    assert_int_equal(got.nrow, 3);
    assert_true(lf_text_is(got.id, "box7") && lf_text_is(got.row[0].factor, "a34004") && lf_text_is(got.row[0].flag, "N"));
    assert_true(got.row[0].kind == LF_TELE_RTD && got.row[0].at.ms == 1795492800000 && got.row[0].value == 35.5);
    assert_true(isnan(got.row[1].value) && lf_text_is(got.row[1].flag, "D"));
    assert_true(got.row[2].kind == LF_TELE_HOUR && got.row[2].at.ms == 1795489200000 && got.row[2].vmin == 6.5 && got.row[2].vmax == 8);
}

static void another_unit_is_converted(void **state)
{
    assert_int_equal(
        read_doc("{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"a34004\",\"value\":35.5,\"min\":30,\"max\":40,\"unit\":"
                 "\"ug/m3\"},{\"name\":\"a21005\",\"value\":1.5,\"unit\":\"mg/m³\"}]}"),
        LF_OK);
    assert_int_equal(got.nrow, 2);
    assert_true(got.row[0].value == 35500 && got.row[0].vmin == 30000 && got.row[0].vmax == 40000); /* table B.2: ng/m³ */
    assert_true(got.row[1].value == 1.5);
}

static void csv_is_read(void **state)
{
    assert_int_equal(
        read_doc("\xef\xbb\xbftime,factor,value,kind,flag\r\n2026-11-24 11:59:00,a34004,35.5,,\r\n20261124115800,a34004,36,min,M\r\n"
                 ",,,,\r\n2026-11-24T11:57:00,a34004,,,C\r\n"),
        LF_OK);
    assert_int_equal(got.nbad, 0);
    assert_int_equal(got.nrow, 3);
    assert_true(got.row[0].row == 2 && got.row[1].kind == LF_TELE_MIN && lf_text_is(got.row[1].flag, "M") && isnan(got.row[2].value));
    assert_int_equal(read_doc("时间;因子;数值\n2026-11-24 11:59:00;SO2;9\n"), LF_OK);
    assert_true(got.nrow == 1 && lf_text_is(got.row[0].factor, "a21026"));
}

#define ONE(member) "{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"a34004\",\"value\":1," member "}]}"
static void a_bad_row_says_why(void **state)
{
    refused("{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"nonsense\",\"value\":1}]}", "name");
    refused("{\"timestamp\":1795492800000,\"metrics\":[{\"value\":1}]}", "name");
    refused("{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"a34004\",\"value\":\"1\"}]}", "value");
    refused("{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"a34004\"}]}", "value");
    refused("{\"timestamp\":1795492800000,\"metrics\":[{\"name\":\"a34004\",\"value\":1e13}]}", "value");
    refused("{\"timestamp\":1795492800000,\"metrics\":[7]}", "timestamp");
    refused("{\"metrics\":[{\"name\":\"a34004\",\"value\":1}]}", "timestamp");
    refused(ONE("\"timestamp\":1795492800"), "timestamp"); /* seconds */
    refused(ONE("\"timestamp\":1795999900000"), "timestamp");
    refused(ONE("\"timestamp\":-9223372036854775808"), "timestamp");
    refused(ONE("\"kind\":\"hour_calc\""), "kind");
    refused(ONE("\"kind\":\"week\""), "kind");
    refused(ONE("\"unit\":\"ppm\""), "unit");
    refused(ONE("\"quality\":\"X\""), "quality");
    refused(ONE("\"quality\":256"), "quality");
    refused(ONE("\"min\":2"), "min");
    refused("time,factor,value\n2026-11-24 11:59:00,a34004,1e3\n", "value");
    refused("time,factor,value\nyesterday,a34004,1\n", "timestamp");
    assert_int_equal(read_doc("time,factor,value\n2026-11-24 11:59:00,a34004,1\n2026-11-24 11:59:00,a34004,2\n"), LF_OK);
    assert_true(got.nrow == 1 && got.nbad == 1 && got.bad[0].row == 3);
}

static void what_cannot_be_read_at_all(void **state)
{
    assert_int_equal(read_doc(""), LF_EINVAL);
    assert_int_equal(read_doc(" \n "), LF_EINVAL);
    assert_int_equal(read_doc("{"), LF_EINVAL);
    assert_int_equal(read_doc("{}"), LF_EINVAL);
    assert_int_equal(read_doc("{\"metrics\":[]}"), LF_EINVAL);
    assert_int_equal(read_doc("{\"timestamp\":\"noon\",\"metrics\":[{\"name\":\"a34004\",\"value\":1}]}"), LF_EINVAL);
    assert_int_equal(read_doc("a,b,c\n1,2,3\n"), LF_EINVAL);
    char *big = lf_new(LF_PAYLOAD_MAX + 2);
    memset(big, 'x', LF_PAYLOAD_MAX + 1);
    assert_int_equal(read_doc(big), LF_ETOOBIG);
    lf_release(big);
    struct lf_out o = lf_out_memory(0);
    lf_put_str(&o, "time,factor,value\n");
    for (int i = 0; i <= LF_PAYLOAD_ROWS; i++)
        lf_putf(&o, "2026-11-24 11:%02d:%02d,a34004,1\n", i / 60, i % 60);
    lf_put_c(&o, 0);
    assert_int_equal(read_doc(o.buf), LF_ETOOBIG);
    lf_out_close(&o);
}

static void the_batch_holds_the_evidence(void **state)
{
    static const char doc[] = "time,factor,value\n2026-11-24 11:58:00,a34004,35.5\n2026-11-24 11:59:00,a34004,36\n";
    struct lf_tele_batch b = { .npacket = 0 };
    assert_int_equal(read_doc(doc), LF_OK);
    lf_payload_batch(&got, lf_str(doc), "http", (lf_id){ 4 }, LF_TEXT("370302"), LF_TEXT("10.1.1.1"), rules.now, &b);
    assert_true(b.npacket == 1 && b.nreading == 2 && b.packet[0].n == 2 && lf_text_is(b.packet[0].raw, doc));
    assert_true(lf_payload_is(b.packet[0].cn) && b.packet[0].at.ms == b.reading[1].at.ms && b.packet[0].received.ms == rules.now.ms);
    assert_true(b.reading[1].value == 36 && b.reading[1].station.v == 4 && lf_text_is(b.reading[0].grid_code, "370302"));
    lf_tele_batch_free(&b);
}

/* Mutations of good documents: anything may come back, but never a crash, an endless loop, or a reading outside its bounds. */
static void mutations_do_no_harm(void **state)
{
    static const char *const seed[] = {
        "{\"id\":\"box7\",\"timestamp\":1795492800000,\"kind\":\"min\",\"metrics\":[{\"name\":\"PM25\",\"value\":35.5,\"quality\":192,"
        "\"min\":1,"
        "\"max\":99},{\"name\":\"a34002\",\"timestamp\":\"2026-11-24T11:00:00+08:00\",\"value\":null,\"quality\":\"D\"}]}",
        "time,factor,value,kind,flag,min,max,unit\n2026-11-24 11:59:00,a34004,35.5,hour,N,1,99,\n20261124115800,a34004,36,min,M,,,\n",
        "时间;因子;数值\r\n\"2026-11-24 11:59:00\";\"SO2\";\"9\"\r\n"
    };
    unsigned r = 20261124;
    char doc[600];
    for (int round = 0; round < 60000; round++) {
        const char *s = seed[round % (int)LF_COUNT(seed)];
        size_t n = strlen(s);
        memcpy(doc, s, n + 1);
        for (int k = rand_r(&r) % 6; k >= 0 && n > 2; k--) {
            size_t at = (size_t)rand_r(&r) % n;
            switch (rand_r(&r) % 4) {
            case 0: doc[at] = (char)rand_r(&r); break;
            case 1: memmove(doc + at, doc + at + 1, --n - at); break;
            case 2: n = at + 1; break;
            default: doc[at] = "{}[]\",:;\n0e-.\\"[rand_r(&r) % 14]; break;
            }
        }
        lf_arena_reset(&arena);
        if (lf_payload_read(&arena, (lf_text){ doc, (uint32_t)n }, &rules, &got, &err))
            continue;
        for (size_t i = 0; i < got.nrow; i++)
            assert_true(got.row[i].kind <= LF_TELE_DAY && got.row[i].factor.n && got.row[i].flag.n && !isinf(got.row[i].value) &&
                        got.row[i].at.ms <= rules.now.ms + rules.ahead_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(another_unit_is_converted),
        cmocka_unit_test(csv_is_read),
        cmocka_unit_test(a_bad_row_says_why),
        cmocka_unit_test(what_cannot_be_read_at_all),
        cmocka_unit_test(the_batch_holds_the_evidence),
        cmocka_unit_test(mutations_do_no_harm),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    lf_arena_free(&arena);
    return rc;
}
