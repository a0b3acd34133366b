/* Encrypted frames: the block of GB/T 32907, both examples that are known of HJ 212-2025, and what must not be opened. */
#include "hj212/sm4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const unsigned char zeros[] = "0000000000000000"; /* key of the examples: 16 characters '0' */

/* name, plain frame, ciphertext, rest */
static const struct {
    const char *plain, *cipher, *rest;
    size_t wire; /* characters of the segment as sent */
} example[] = {
    { "##0295QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;"
      "a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01012-Min=9.3,a01012-Avg=9.3,a01012-Max=9.3,a01012-Flag=N;"
      "a01014-Min=3.20,a01014-Avg=3.211,a01014-Max=3.212,a01014-Flag=N&&2200\r\n",
      "E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2CA7F88B9573C6647E0F07E24609BD6B63"
      "EB20C5B9784F28E71D2F4994FF61D9E1C2B3075592B4D1E09C4D8BB27BE97B559E3DA6643781A6F477769DEEB009B10DFFF3426922725D607DC4480F0CAC5F70"
      "DB2587B124BCB281592721D6E4BC180A97E5E111499CBE822E31C8D7761553543AA24207C290997BBDE64F9266BC5F529A172E381C1D898CA1A0D771A914A7B2"
      "D7467C70B94F1D4A7B0350A48DBF8B41",
      "", 1128 },
    { "##0234QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&DataTime=20240520210600;"
      "a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N&&"
      "B541\r\n",
      "E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2CA7F88B9573C6647E0F07E24609BD6B63"
      "EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9"
      "EF70128554B82438E91ADCE98A0D03A4",
      "g=N", 811 },
};

/* The frame as it would be sent, written from the hex of the example and not by the code under test. */
static lf_text wire_of(size_t i, char out[HJ212_BUFFER_MAX])
{
    const char *plain = example[i].plain, *cp = strstr(plain, "CP=&&") + 5, *c = example[i].cipher;
    int n = snprintf(out, HJ212_BUFFER_MAX, "%.*s{", (int)(cp - plain), plain);
    for (; *c; c += 2)
        n += snprintf(out + n, HJ212_BUFFER_MAX - (size_t)n, "0x%.2s%s", c, c[2] ? "," : "}");
    n += snprintf(out + n, HJ212_BUFFER_MAX - (size_t)n, "%s&&%s", example[i].rest, plain + strlen(plain) - 6);
    return (lf_text){ out, (uint32_t)n };
}

static lf_text plain_of(size_t i) { return (lf_text){ example[i].plain + 6, (uint32_t)strlen(example[i].plain) - 12 }; }

static void the_block_of_the_cipher(void **state)
{
    unsigned char key[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 }, block[16];
    static const unsigned char want[] = { 0x68, 0x1e, 0xdf, 0x34, 0xd2, 0x06, 0x96, 0x5e, 0x86, 0xb3, 0xe9, 0x4f, 0x53, 0x6e, 0x42, 0x46 };
    memcpy(block, key, 16);
    assert_true(hj212_sm4(key, true, block, 16));
    assert_memory_equal(block, want, 16);
    assert_true(hj212_sm4(key, false, block, 16));
    assert_memory_equal(block, key, 16);
    assert_false(hj212_sm4(key, true, block, 15));
}

static void the_examples_are_opened(void **state)
{
    char wire[HJ212_BUFFER_MAX], out[HJ212_SEGMENT_MAX];
    for (size_t i = 0; i < LF_COUNT(example); i++) {
        lf_text frame = wire_of(i, wire), seen, segment;
        assert_true(hj212_is_sealed(frame, &seen));
        assert_int_equal(seen.n, example[i].wire);
        struct hj212_packet p;
        const char *bad;
        assert_int_equal(hj212_parse(seen, &p, &bad), HJ212_GOOD);
        assert_true(lf_text_is(p.mn, "010000A8900016F000169DC0")); /* whose it is, before it is opened */
        assert_int_equal(hj212_open(zeros, frame, out, &segment), HJ212_GOOD);
        assert_true(lf_text_eq(segment, plain_of(i)));
    }
}

static void the_examples_are_written(void **state)
{
    char wire[HJ212_BUFFER_MAX], out[HJ212_BUFFER_MAX];
    for (size_t i = 0; i < LF_COUNT(example); i++) {
        lf_text want = wire_of(i, wire);
        size_t n = hj212_seal(zeros, plain_of(i), out, sizeof out);
        assert_true(lf_text_eq((lf_text){ out, (uint32_t)n }, want));
        assert_int_equal(hj212_seal(zeros, plain_of(i), out, n - 1), 0);
    }
}

/* In a stream, byte by byte: an encrypted frame is taken whole, as one refused thing, and the frame behind it is not hurt. */
static void a_stream_keeps_it_whole(void **state)
{
    char wire[HJ212_BUFFER_MAX], stream[HJ212_BUFFER_MAX];
    for (size_t i = 0; i < LF_COUNT(example); i++) {
        lf_text want = wire_of(i, wire), frame = { 0 }, segment;
        int n = snprintf(stream, sizeof stream, "%.*s%s", (int)want.n, want.p, example[i].plain);
        size_t held = 0, used = 0;
        while (!used && held < (size_t)n)
            assert_true(hj212_take(stream, ++held, &used, &frame, &segment) != HJ212_GOOD || !used);
        assert_true(lf_text_eq(frame, want));
        assert_int_equal(hj212_take(stream + used, (size_t)n - used, &held, &frame, &segment), HJ212_GOOD);
        assert_true(held > 0 && lf_text_eq(segment, plain_of(i)));
    }
}

static void what_is_not_opened(void **state)
{
    char wire[HJ212_BUFFER_MAX], out[HJ212_SEGMENT_MAX];
    lf_text frame = wire_of(1, wire), segment, seen;
    assert_int_equal(hj212_open((const unsigned char *)"0000000000000001", frame, out, &segment), HJ212_KEY);
    wire[2] = '1'; /* another length than the text has */
    assert_int_equal(hj212_open(zeros, frame, out, &segment), HJ212_KEY);
    wire[2] = '0';
    char *digit = strstr(wire, "0xE4");
    digit[2] = 'G';
    assert_int_equal(hj212_open(zeros, frame, out, &segment), HJ212_SEALED);
    digit[2] = 'E';
    char *brace = strchr(wire, '}');
    *brace = ',';
    assert_int_equal(hj212_open(zeros, frame, out, &segment), HJ212_SEALED);
    *brace = '}';
    assert_int_equal(hj212_open(zeros, frame, out, &segment), HJ212_GOOD);
    frame.n--; /* no end */
    assert_false(hj212_is_sealed(frame, &seen));
    assert_false(hj212_is_sealed(lf_str(example[0].plain), &seen));
    assert_false(hj212_is_sealed(LF_TEXT("##0001{0x\r\n"), &seen));
    assert_int_equal(hj212_open(zeros, LF_TEXT("##0030ST=31;CN=2051;MN=1;CP=&&{0x01,0x02}&&2200\r\n"), out, &segment), HJ212_SEALED);
}

static void short_texts_stay_plain(void **state)
{
    char out[200];
    size_t n = hj212_seal(zeros, LF_TEXT("ST=31;CN=2051;MN=1;CP=&&A=1&&"), out, sizeof out);
    assert_true(n == 29 + 12 && memcmp(out + 6, "ST=31;CN=2051;MN=1;CP=&&A=1&&", 29) == 0);
    assert_int_equal(hj212_seal(zeros, LF_TEXT("no such field"), out, sizeof out), 0);
}

static void which_commands(void **state)
{
    assert_true(hj212_seals(LF_TEXT("2011")) && hj212_seals(LF_TEXT("2999")) && hj212_seals(LF_TEXT("1014")) &&
                hj212_seals(LF_TEXT("3020")));
    assert_false(hj212_seals(LF_TEXT("1012")) || hj212_seals(LF_TEXT("9014")) || hj212_seals(LF_TEXT("3011")) || hj212_seals(LF_TEXT("2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_block_of_the_cipher), cmocka_unit_test(the_examples_are_opened), cmocka_unit_test(the_examples_are_written),
        cmocka_unit_test(a_stream_keeps_it_whole), cmocka_unit_test(what_is_not_opened),      cmocka_unit_test(short_texts_stay_plain),
        cmocka_unit_test(which_commands),
    };
    return cmocka_run_group_tests_name("hj212_sm4", tests, NULL, NULL);
}
