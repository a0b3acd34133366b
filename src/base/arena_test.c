#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

static void memory_is_zeroed_and_aligned(void **state)
{
    struct lf_arena a = { 0 };
    for (int round = 0; round < 3; round++) {
        for (size_t n = 1; n < 5000; n += 37) {
            char *p = lf_alloc(&a, n);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(all_zero(p, n));
            memset(p, 0xaa, n);
        }
        if (round == 0)
            lf_arena_reset(&a);
        else
            lf_arena_empty(&a, 1 << 20); /* what is kept is used again, and zeroed again */
    }
    lf_arena_free(&a);
}

static void texts_end_with_a_nul(void **state)
{
    struct lf_arena a = { 0 };
    memset(lf_copy(&a, "dirty dirty dirty", 17), 0xaa, 17);
    lf_arena_empty(&a, 1 << 20);
    assert_string_equal(lf_strn(&a, (lf_text){ "abcdef", 3 }), "abc");
    assert_string_equal(lf_strn(&a, (lf_text){ NULL, 0 }), "");
    lf_text t = lf_text_copy(&a, (lf_text){ "wörter", 7 });
    assert_int_equal(t.p[t.n], 0);
    assert_null(lf_text_copy(&a, (lf_text){ NULL, 0 }).p);
    lf_arena_free(&a);
}

static void fill(struct lf_arena *a, int kilobytes)
{
    for (int i = 0; i < kilobytes; i++)
        lf_alloc(a, 1000);
}

static void emptied_it_keeps_so_much(void **state)
{
    struct lf_arena a = { 0 };
    fill(&a, 3000);
    assert_true(a.total > 2900000);
    lf_arena_empty(&a, 4 << 20);
    assert_int_equal(a.total, 0);
    assert_non_null(a.spare);
    fill(&a, 3000);
    assert_null(a.spare); /* used again, all of it */
    lf_alloc(&a, 5 << 20);
    lf_arena_empty(&a, 64 << 20);
    fill(&a, 3000);
    assert_null(a.spare); /* the huge one was of one use only */
    assert_true(a.total < 5 << 20);
    lf_arena_empty(&a, 0);
    assert_null(a.spare);
    lf_arena_free(&a);
}

static void back_to_a_mark(void **state)
{
    struct lf_arena a = { 0 };
    char *first = lf_strn(&a, LF_TEXT("stays"));
    struct lf_arena_mark here = lf_arena_here(&a);
    for (int i = 0; i < 100; i++)
        lf_alloc(&a, 10000);
    lf_arena_back(&a, here);
    assert_true(a.total < 100 * 10000);
    assert_string_equal(first, "stays");
    char *again = lf_alloc(&a, 16);
    assert_true(all_zero(again, 16));
    lf_arena_free(&a);
}

static void lists_become_longer(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_arena *const home[] = { &a, NULL };
    for (size_t h = 0; h < LF_COUNT(home); h++) {
        int *p = NULL;
        size_t n = 0, cap = 0;
        for (int i = 0; i < 1000; i++) {
            p = lf_more(home[h], p, n, &cap, sizeof *p);
            assert_true(n < cap);
            p[n++] = i;
        }
        for (int i = 0; i < 1000; i++)
            assert_int_equal(p[i], i);
        if (!home[h])
            lf_release(p);
    }
    struct lf_list l = { .a = &a, .size = 24 };
    for (int i = 0; i < 1000; i++) {
        unsigned char *e = lf_list_add(&l);
        assert_true(all_zero((char *)e, 24));
        memset(e, i & 0xff, 24);
    }
    assert_int_equal(l.n, 1000);
    for (size_t i = 0; i < l.n; i++)
        assert_int_equal(((unsigned char *)l.p)[i * 24 + 23], i & 0xff);
    lf_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lists_become_longer), cmocka_unit_test(memory_is_zeroed_and_aligned),
                                        cmocka_unit_test(texts_end_with_a_nul), cmocka_unit_test(emptied_it_keeps_so_much),
                                        cmocka_unit_test(back_to_a_mark) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
