/* Records written by an older program read well after its migrations: on both engines, the columns as they were are put back, filled as
 * that program filled them, and migrated again. */
#include "app/rooms.h"
#include "core/res_sql.h"
#include "core/testing.h"
#include "rooms/alarm/alarm.h"
#include "rooms/matter/matter.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static int setup(void **state, bool postgres)
{
    return lf_test_app_new(state, postgres, app_rooms, app_room_count, app_roles, app_role_count);
}
static int test_setup_sqlite(void **state) { return setup(state, false); }
static int test_setup_postgres(void **state) { return setup(state, true); }
static int test_teardown(void **state) { return lf_test_app_drop(state); }

static const char *root; /* of the sources */

static const char *path_of(struct lf_test_app *f, const char *name)
{
    return lf_printf(&f->cx.arena, "%s/src/app/testdata/%s", root, name);
}

static void start_again(struct lf_test_app *f)
{
    struct lf_err err = { 0 };
    const struct lf_app_config c = {
        .db_url = f->t.url, .data_dir = f->t.dir, .room = app_rooms, .nroom = app_room_count, .role = app_roles, .nrole = app_role_count
    };
    lf_ctx_free(&f->cx);
    lf_app_stop(f->app);
    if (lf_app_start(&f->app, &c, &err))
        fail_msg("%s", err.msg);
    lf_ctx_system(&f->cx, f->app);
}

/* "zh/en" of a record's title. */
static void reads(struct lf_test_app *f, const struct lf_res *r, int64_t id, const char *want)
{
    void *row = lf_alloc(&f->cx.arena, r->size);
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_row_fetch(&f->cx, r, (lf_id){ id }, false, row, NULL));
    const char *zh = lf_strn(&f->cx.arena, lf_row_title(r, row, LF_ZH)), *en = lf_strn(&f->cx.arena, lf_row_title(r, row, LF_EN));
    assert_string_equal(lf_printf(&f->cx.arena, "%s/%s", zh, en), want);
}

static void steps_read(struct lf_test_app *f, const char *const *want, size_t n)
{
    struct lf_cur cur;
    size_t k = 0;
    lf_test_begin(&f->cx, LF_TX_READ);
    assert_int_equal(lf_sql_open(&f->cx, lf_test_sql(f, path_of(f, "step_titles.sql")), NULL, 0, 0, &cur), LF_OK);
    for (; lf_cur_next(&cur) == LF_ROW; k++) {
        struct lf_val v = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &v);
        assert_true(k < n && lf_text_is(v.s, want[k]));
    }
    lf_cur_close(&cur);
    lf_test_good(&f->cx, LF_OK);
    assert_int_equal(k, n);
}

static void titles_of_two_columns(void **state)
{
    static const char *const steps[] = { "一厂 二氧化硫超标：150 | Plant 1: Exceedance 150", "路边｜夜间焚烧", "旧事项" };
    struct lf_test_app *f = lf_test_app_there(state);
    lf_test_run(f, path_of(f, "two_titles.sql"));
    start_again(f);
    reads(f, &matter_res, 901, "一厂 二氧化硫超标：150/Plant 1: Exceedance 150");
    reads(f, &matter_res, 902, "路边｜夜间焚烧/路边｜夜间焚烧");
    reads(f, &alarm_res, 901, "甲｜乙站 离线/A｜B: Offline");
    steps_read(f, steps, LF_COUNT(steps));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { LF_BOTH(titles_of_two_columns) };
    if (argc != 2 || sodium_init() < 0)
        return 1;
    root = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
