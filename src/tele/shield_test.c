/* What people have decided is not replaced by what devices send. */
#include "tele/shield.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const struct lf_tele_decision list[] = {
    { .station = { 1 }, .by = { 10 }, .factor = { "w01018", 6 }, .kind = LF_TELE_HOUR, .from = { 1000 }, .to = { 2000 } },
    { .station = { 1 }, .by = { 11 }, .factor = { "w01018", 6 }, .kind = LF_TELE_HOUR, .from = { 1500 }, .to = { 1600 }, .lifted = true },
    { .station = { 2 }, .by = { 12 }, .factor = { "w00000", 6 }, .kind = LF_TELE_MIN, .from = { 0 }, .to = { 10 } },
    { .station = { 1 }, .by = { 13 }, .factor = { "w01018", 6 }, .kind = LF_TELE_HOUR, .from = { 1590 }, .to = { 1595 } },
};

static int64_t by(int64_t station, const char *factor, enum lf_tele_kind kind, int64_t at, bool ours)
{
    struct lf_shield *s = lf_shield_make(list, LF_COUNT(list));
    const struct lf_tele_reading r = { .station = { station }, .factor = lf_str(factor), .kind = kind, .at = { at }, .ours = ours };
    int64_t v = lf_shield_holds(s, &r).v;
    lf_shield_unref(s);
    return v;
}

static void which_are_held(void **state)
{
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1000, false), 10);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1999, false), 10);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 999, false), 0);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 2000, false), 0);
    assert_int_equal(by(1, "w01018", LF_TELE_MIN, 1000, false), 0);
    assert_int_equal(by(1, "w01019", LF_TELE_HOUR, 1000, false), 0);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1000, true), 0);
    assert_int_equal(by(2, "w00000", LF_TELE_MIN, 9, false), 12);
    assert_int_equal(by(3, "w01018", LF_TELE_HOUR, 1000, false), 0);
}

static void the_last_decision_counts(void **state)
{
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1550, false), 0);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1592, false), 13);
    assert_int_equal(by(1, "w01018", LF_TELE_HOUR, 1599, false), 0);
    assert_int_equal(lf_shield_holds(NULL, &(struct lf_tele_reading){ .station = { 1 } }).v, 0);
}

static void put(struct lf_tele_batch *b, int64_t station, const char *factor, enum lf_tele_kind kind, int64_t at)
{
    *lf_tele_add_reading(b) = (struct lf_tele_reading){
        .station = { station }, .factor = lf_str(factor), .kind = kind, .at = { at }, .value = (double)b->nreading
    };
    b->packet[b->npacket - 1].n++;
}
static void packet(struct lf_tele_batch *b, int64_t station)
{
    size_t first = b->nreading;
    *lf_tele_add_packet(b) = (struct lf_tele_packet){ .station = { station }, .first = first, .note = LF_TEXT("") };
}

static void a_batch_is_closed_up(void **state)
{
    struct lf_tele_batch b = { 0 };
    struct lf_shield *s = lf_shield_make(list, LF_COUNT(list));
    packet(&b, 3);
    put(&b, 3, "w01018", LF_TELE_HOUR, 1000);
    packet(&b, 1);
    put(&b, 1, "w00000", LF_TELE_HOUR, 1000);
    put(&b, 1, "w01018", LF_TELE_HOUR, 1000);
    put(&b, 1, "w21003", LF_TELE_HOUR, 1000);
    packet(&b, 9); /* without readings */
    packet(&b, 1);
    put(&b, 1, "w01018", LF_TELE_HOUR, 1100);
    packet(&b, 1);
    put(&b, 1, "w01018", LF_TELE_HOUR, 3000);
    b.packet[3].note = LF_TEXT("length");
    lf_shield_apply(s, &b);
    assert_int_equal(b.nreading, 4);
    assert_int_equal(b.nheld, 2);
    const size_t want[][2] = { { 0, 1 }, { 1, 2 }, { 3, 0 }, { 3, 0 }, { 3, 1 } };
    for (size_t i = 0; i < LF_COUNT(want); i++) {
        assert_int_equal(b.packet[i].first, want[i][0]);
        assert_int_equal(b.packet[i].n, want[i][1]);
    }
    assert_true(lf_text_is(b.reading[2].factor, "w21003"));
    assert_int_equal(b.reading[3].at.ms, 3000);
    assert_int_equal(b.held[0].by.v, 10);
    assert_int_equal(b.held[0].packet, 1);
    assert_int_equal(b.held[1].packet, 3);
    assert_true(lf_text_is(b.packet[1].note, "reviewed w01018"));
    assert_true(lf_text_is(b.packet[3].note, "length, reviewed w01018"));
    assert_true(lf_text_is(b.packet[0].note, ""));
    lf_tele_batch_reset(&b);
    assert_int_equal(b.nheld, 0);
    lf_shield_unref(s);
    lf_tele_batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(which_are_held), cmocka_unit_test(the_last_decision_counts),
                                        cmocka_unit_test(a_batch_is_closed_up) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
