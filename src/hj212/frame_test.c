/* Framing: every frame of testdata/frames.txt with its verdict; cut, glued, broken, half, oversized. */
#include "hj212/crc.h"
#include "base/arena.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MAX_FRAMES = 300 };
static struct {
    char name[24], verdict[16], text[1200];
    size_t n;
} known[MAX_FRAMES];
static size_t known_count;

static int load(void **state)
{
    char line[1600];
    FILE *f = fopen(getenv("HJ212_FRAMES"), "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f) && known_count < MAX_FRAMES) {
        char *at = NULL, *name = strtok_r(line, "\t", &at), *verdict = strtok_r(NULL, "\t", &at);
        char *origin = strtok_r(NULL, "\t", &at), *text = strtok_r(NULL, "\n", &at);
        if (line[0] == '#' || !name || !verdict || !origin || !text)
            continue;
        snprintf(known[known_count].name, sizeof known->name, "%s", name);
        snprintf(known[known_count].verdict, sizeof known->verdict, "%s", verdict);
        known[known_count].n = (size_t)snprintf(known[known_count].text, sizeof known->text, "%s\r\n", text);
        known_count++;
    }
    fclose(f);
    return known_count > 50 ? 0 : -1;
}

/* What a stream is read as: one line per thing taken. */
struct story {
    char *text;
    size_t n, cap, refused, good;
};

static void tell(struct story *s, enum hj212_why why, lf_text frame)
{
    if (s->cap - s->n < frame.n + 32u)
        s->text = lf_renew(s->text, s->cap = 2 * s->cap + frame.n + 64u);
    assert(s->text);
    s->n += (size_t)snprintf(s->text + s->n, 32, "[%s %u ", hj212_why_name(why), frame.n);
    memcpy(s->text + s->n, frame.p, frame.n);
    s->n += frame.n;
    s->good += why == HJ212_GOOD;
    s->refused += why != HJ212_GOOD;
}

/* Reads p[0..n), given in pieces of step bytes (0: pieces of random length), through a buffer of the promised size. */
static struct story read_stream(const char *p, size_t n, size_t step)
{
    static char buffer[HJ212_BUFFER_MAX];
    struct story s = { .cap = 0 };
    size_t held = 0, at = 0, used;
    lf_text frame, segment;
    while (at < n) {
        size_t piece = step ? step : (size_t)rand() % 97 + 1;
        piece = piece < n - at ? piece : n - at;
        piece = piece < sizeof buffer - held ? piece : sizeof buffer - held;
        assert_true(piece > 0); /* a full buffer must have given something */
        memcpy(buffer + held, p + at, piece);
        held += piece;
        at += piece;
        for (;;) {
            enum hj212_why why = hj212_take(buffer, held, &used, &frame, &segment);
            if (!used)
                break;
            assert_true(used <= held);
            assert_true(frame.n <= used && frame.n > 0);
            tell(&s, why, frame);
            memmove(buffer, buffer + used, held -= used);
        }
    }
    return s;
}

static void same_however_cut(const char *p, size_t n)
{
    struct story whole = read_stream(p, n, HJ212_BUFFER_MAX);
    static const size_t steps[] = { 1, 2, 3, 7, 13, 64, 0, 0, 0 };
    for (size_t i = 0; i < LF_COUNT(steps); i++) {
        struct story other = read_stream(p, n, steps[i]);
        assert_int_equal(other.n, whole.n);
        if (whole.n)
            assert_memory_equal(other.text, whole.text, whole.n);
        lf_release(other.text);
    }
    lf_release(whole.text);
}

static void every_known_frame(void **state)
{
    size_t used;
    lf_text frame, segment;
    for (size_t i = 0; i < known_count; i++) {
        enum hj212_why why = hj212_take(known[i].text, known[i].n, &used, &frame, &segment);
        if (used == 0 && strcmp(known[i].verdict, "length") == 0)
            continue; /* too short for its length field: refused when something follows */
        if (strcmp(hj212_why_name(why), known[i].verdict) != 0)
            fail_msg("%s is %s, must be %s", known[i].name, hj212_why_name(why), known[i].verdict);
        assert_int_equal(used, known[i].n);
        assert_int_equal(frame.n, known[i].n);
        if (why == HJ212_GOOD)
            assert_int_equal(segment.n, known[i].n - 12);
        same_however_cut(known[i].text, known[i].n);
    }
}

static void all_glued_together(void **state)
{
    static char stream[MAX_FRAMES * 1200];
    size_t n = 0, good = 0;
    for (size_t i = 0; i < known_count; i++) {
        memcpy(stream + n, known[i].text, known[i].n);
        n += known[i].n;
        good += strcmp(known[i].verdict, "good") == 0;
    }
    struct story s = read_stream(stream, n, HJ212_BUFFER_MAX);
    assert_int_equal(s.good, good); /* none of the bad ones cost a good one */
    assert_int_equal(s.refused, known_count - good);
    lf_release(s.text);
    same_however_cut(stream, n);
}

static const char A[] =
    "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n";
static const char B[] = "##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2200\r\n";

/* stream -> the story it must give, written as the names of what was taken */
static const struct {
    const char *stream, *story;
} cases[] = {
    { "##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2200\r\n", "good" },
    { "hello\r\n", "" },                             /* might still be the start of something: waits */
    { "hello ##00", "noise" },                       /* bytes in front are given as soon as a head is seen */
    { "#0087QN=1\r\n##0000FFFF\r\n", "noise good" }, /* one '#' is no head */
    { "###0000FFFF\r\n", "noise good" },             /* the head is the last two */
    { "####0000FFFF\r\n", "noise noise good" },
    { "##0000FFFF\r\n", "good" }, /* an empty segment is a frame; the parser refuses it */
    { "##0000FFFF\r\n\r\n##0000FFFF\r\n", "good noise good" },
    { "##0000ffff\r\n", "good" }, /* lower case */
    { "##0000FFFE\r\n", "crc" },
    { "##0000FFXF\r\n", "crc_form" },
    { "##0000FFFF\n##0000FFFF\r\n", "tail good" }, /* LF alone */
    { "##0000FFFF##0000FFFF\r\n", "tail good" },   /* glued, without any tail */
    { "##0000FFFF\rX##0000FFFF\r\n", "tail noise good" },
    { "##0000FFFFX\r\n##0000FFFF\r\n", "tail noise good" },
    { "##000FFFF\r\n##0000FFFF\r\n", "length good" }, /* three digits */
    { "## 12QN=\r\n##0000FFFF\r\n", "length good" },
    { "##-001QN=\r\n##0000FFFF\r\n", "length good" },
    { "##1025QN=1\r\n##0000FFFF\r\n", "oversize good" },
    { "##9999##0000FFFF\r\n", "oversize good" },
    { "##0003QN=1&&ABCD\r\n##0000FFFF\r\n", "length good" },               /* longer than declared */
    { "##0900QN=1;CP=&&&&ABCD\r\n", "length" },                            /* shorter: known at its end, not at byte 912 */
    { "##0900QN=1;CP=&&\r\n##0000FFFF\r\n", "length good" },               /* its end was lost; the next head shows it */
    { "##0900QN=1;CP=&##0000FFFF\r\n##0000FFFF\r\n", "length good good" }, /* cut off in the middle of a line */
};

static void small_streams(void **state)
{
    for (size_t i = 0; i < LF_COUNT(cases); i++) {
        size_t n = strlen(cases[i].stream), at = 0, used;
        char got[200] = "";
        lf_text frame, segment;
        for (;;) {
            enum hj212_why why = hj212_take(cases[i].stream + at, n - at, &used, &frame, &segment);
            if (!used)
                break;
            at += used;
            if (got[0])
                strcat(got, " ");
            strcat(got, hj212_why_name(why));
        }
        if (strcmp(got, cases[i].story) != 0)
            fail_msg("stream %zu is '%s', must be '%s'", i, got, cases[i].story);
        same_however_cut(cases[i].stream, n);
    }
}

/* Every single place cut out, doubled, or one byte changed: the frames before and behind are untouched. */
static void damage_costs_one_frame(void **state)
{
    char stream[1200];
    size_t a = sizeof A - 1, b = sizeof B - 1;
    for (size_t cut = 0; cut < b; cut++)
        for (size_t len = 1; len < 40 && cut + len <= b; len += 3) {
            memcpy(stream, A, a);
            memcpy(stream + a, B, cut);
            memcpy(stream + a + cut, B + cut + len, b - cut - len);
            memcpy(stream + a + b - len, A, a);
            struct story s = read_stream(stream, 2 * a + b - len, HJ212_BUFFER_MAX);
            assert_true(s.good >= 2);
            lf_release(s.text);
        }
}

static void a_full_buffer_never_gets_stuck(void **state)
{
    static char junk[3 * HJ212_BUFFER_MAX];
    static const char *const starts[] = { "", "##", "##1024", "##9999", "##12x4", "#" };
    for (size_t i = 0; i < LF_COUNT(starts); i++)
        for (int fill = 0; fill < 4; fill++) {
            memset(junk, "#\rA0"[fill], sizeof junk);
            memcpy(junk, starts[i], strlen(starts[i]));
            struct story s = read_stream(junk, sizeof junk, 0); /* asserts inside */
            assert_true(s.refused > 0);
            lf_release(s.text);
            same_however_cut(junk, sizeof junk);
        }
}

/* A head that lies across the end of a full buffer of noise is not torn apart. */
static void a_head_behind_much_noise(void **state)
{
    static char stream[HJ212_BUFFER_MAX + 64];
    for (size_t before = HJ212_BUFFER_MAX - 16; before < HJ212_BUFFER_MAX + 16; before++) {
        memset(stream, 'x', before);
        memcpy(stream + before, "##0000FFFF\r\n", 12);
        struct story s = read_stream(stream, before + 12, HJ212_BUFFER_MAX);
        assert_int_equal(s.good, 1);
        lf_release(s.text);
        same_however_cut(stream, before + 12);
    }
}

static void what_tolerance_would_be_needed(void **state)
{
    lf_text seg;
    size_t left = 0;
    assert_int_equal(hj212_needs(lf_str(A), &seg), 0);
    assert_int_equal(seg.n, 101);
    for (size_t i = 0; i < known_count; i++) {
        unsigned need = hj212_needs((lf_text){ known[i].text, (uint32_t)known[i].n }, &seg);
        if (strcmp(known[i].verdict, "good") == 0)
            assert_int_equal(need, 0);
        else if (strcmp(known[i].verdict, "length") == 0)
            assert_int_equal(need, HJ212_NEEDS_LENGTH);
        else
            assert_true(need == HJ212_NEEDS_MODBUS || need == HJ212_NEEDS_MORE);
        left += need == HJ212_NEEDS_MODBUS;
    }
    assert_true(left > 5);
    assert_int_equal(hj212_needs(LF_TEXT("##0000FFFF"), &seg), HJ212_NEEDS_TAIL);
    assert_int_equal(hj212_needs(LF_TEXT("##0000FFFF\n"), &seg), HJ212_NEEDS_TAIL);
    assert_int_equal(hj212_needs(LF_TEXT("##000FFFF\r\n"), &seg), HJ212_NEEDS_LENGTH);
    assert_int_equal(hj212_needs(LF_TEXT("##0FFFF\r\n"), &seg), HJ212_NEEDS_MORE);
    assert_int_equal(hj212_needs(LF_TEXT("##0000FFFE\r\n"), &seg), HJ212_NEEDS_MORE);
    assert_int_equal(hj212_needs(LF_TEXT("##\r\n"), &seg), HJ212_NEEDS_MORE);
    assert_int_equal(hj212_needs(LF_TEXT(""), &seg), HJ212_NEEDS_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_frame),
        cmocka_unit_test(all_glued_together),
        cmocka_unit_test(small_streams),
        cmocka_unit_test(damage_costs_one_frame),
        cmocka_unit_test(a_full_buffer_never_gets_stuck),
        cmocka_unit_test(a_head_behind_much_noise),
        cmocka_unit_test(what_tolerance_would_be_needed),
    };
    srand(1);
    return cmocka_run_group_tests(tests, load, NULL);
}
