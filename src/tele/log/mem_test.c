/* What memory says of a series, however its points came, against a list that is gone through. */
#include "base/random_testing.h"
#include "tele/log/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MANY = 3000, FIRST = 100000, LITTLE = 10, RUN_SURELY = 32 }; /* so long a run takes that much along */

/* A record of the journal with one reading, as a commit writes it (its head: commit.c). */
static void publish(struct mem *m, struct journal *j, int64_t at, double value)
{
    struct buf b = { 0 };
    put_u64(&b, 1);
    for (int c = 0; c < RECORD_CLASSES; c++)
        put_u32(&b, 0);
    put_u32(&b, 1);
    put_zig(&b, 7);
    put_u8(&b, LF_TELE_MIN);
    put_u8(&b, 1);
    put_u8(&b, 0);
    put_text(&b, LF_TEXT("w01018"));
    put_zig(&b, at);
    put_f64(&b, value);
    assert_true(mem_publish(m, j, (lf_text){ (const char *)b.p, (uint32_t)b.n }, JOURNAL_START, NULL));
    buf_free(&b);
}

struct came {
    int64_t at;
    double value;
};

static void check_find(const struct mem *m, const struct series *s, const struct came *all, size_t n, int64_t at)
{
    struct point p;
    const struct came *want = NULL;
    for (size_t i = 0; i < n; i++)
        if (all[i].at == at)
            want = &all[i];
    assert_int_equal(mem_find_point(m, s, at, &p), want != NULL);
    if (want)
        assert_true(p.at == at && p.col[COL_VALUE] == want->value);
}

/* Rising, each time once, with the value that came last. */
static void check_points(const struct mem *m, const struct series *s, const struct came *all, size_t n, int64_t from, int64_t to)
{
    size_t got, times = 0;
    struct point *p = mem_points(s, m->active, from, to, &got);
    for (size_t i = 0; i < got; i++) {
        assert_true(p[i].at >= from && p[i].at < to && (i == 0 || p[i - 1].at < p[i].at));
        check_find(m, s, all, n, p[i].at);
        for (size_t k = n; k-- > 0;)
            if (all[k].at == p[i].at) {
                assert_true(all[k].value == p[i].col[COL_VALUE]);
                break;
            }
    }
    for (size_t i = 0; i < n; i++) {
        bool first = all[i].at >= from && all[i].at < to;
        for (size_t k = 0; k < i && first; k++)
            first = all[k].at != all[i].at;
        times += first;
    }
    assert_int_equal(got, times);
    lf_release(p);
}

/* late: by how many points; 0: never. same: one of so many has a time that was there. */
static void try(uint64_t how, uint64_t late, uint64_t same)
{
    static struct came all[MANY];
    struct mem m;
    struct journal j = { .fd = -1 };
    atomic_init(&j.users, 1);
    random_begin(how);
    mem_init(&m);
    const struct series *s = NULL;
    for (size_t n = 0; n < MANY; n++) {
        size_t by = late && n > 4 * RUN_SURELY ? pick(late) : 0;
        int64_t at = (FIRST + (int64_t)n - (int64_t)by) * 10 + (int64_t)(n % 10); /* each its own while none is later by ten */
        all[n] = (struct came){ n && same && pick(same) == 0 ? all[pick(n)].at : at, (double)n };
        publish(&m, &j, all[n].at, all[n].value);
        s = mem_find_series(&m, 7, LF_TELE_MIN, LF_TEXT("w01018"));
        assert_non_null(s);
        if (n % 37 == 0)
            check_find(&m, s, all, n + 1, all[pick(n + 1)].at);
        if (n % 41 == 0)
            check_find(&m, s, all, n + 1, 10 * FIRST + (int64_t)pick(10 * MANY));
    }
    assert_int_equal(s->mem[m.active].n, MANY);
    if (late <= LITTLE && !same)
        assert_false(s->mem[m.active].unsorted);
    check_points(&m, s, all, MANY, INT64_MIN, INT64_MAX);
    check_points(&m, s, all, MANY, 10 * (FIRST + 500), 10 * (FIRST + 1000));
    mem_free(&m);
}

static void in_order(void **state) { try(1, 0, 0); }
static void a_little_late(void **state) { try(2, LITTLE, 0); }
static void the_same_again(void **state) { try(3, 0, 5); }
static void anyhow(void **state)
{
    try(4, MANY, 0);
    try(5, MANY, 3);
    try(6, 200, 7);
}

/* A device that sends its history backwards. */
static void backwards(void **state)
{
    struct mem m;
    struct journal j = { .fd = -1 };
    struct point p;
    atomic_init(&j.users, 1);
    mem_init(&m);
    for (int64_t at = MANY; at > 0; at--)
        publish(&m, &j, at, (double)at);
    const struct series *s = mem_find_series(&m, 7, LF_TELE_MIN, LF_TEXT("w01018"));
    for (int64_t at = 1; at <= MANY; at++)
        assert_true(mem_find_point(&m, s, at, &p) && p.col[COL_VALUE] == (double)at);
    assert_false(mem_find_point(&m, s, 0, &p));
    assert_false(mem_find_point(&m, s, MANY + 1, &p));
    mem_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order), cmocka_unit_test(a_little_late), cmocka_unit_test(the_same_again),
        cmocka_unit_test(anyhow),   cmocka_unit_test(backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
