/* Writers at once on PostgreSQL, where several write at the same time: nobody waits for another in a ring. The rooms are those of the
 * program; SQLite has one writer, and nothing to show. */
#include "app/rooms.h"
#include "core/testing.h"
#include "rooms/alarm/alarm.h"

#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <cmocka.h>

static const char *crowd_sql; /* stations, and a rule whose alarms somebody has to acknowledge */

static int setup(void **state) { return lf_test_app_new(state, true, app_rooms, app_room_count, app_roles, app_role_count); }
static int teardown(void **state) { return lf_test_app_drop(state); }

enum { STATIONS = 12, ROUNDS = 120, PEOPLE = 3, ALL = 2 + PEOPLE };

struct crowd {
    struct lf_test_app *f;
    atomic_bool over;
    atomic_int busy, wrong, judged, acknowledged, reminded;
};

static void came_of_it(struct crowd *c, const struct lf_ctx *cx, lf_rc rc)
{
    if (rc == LF_EBUSY)
        c->busy++;
    else if (rc < 0 && rc != LF_ECONFLICT && !c->wrong++)
        fprintf(stderr, "%d %s\n", rc, cx->err.msg);
}

static lf_rc judge_all(struct lf_ctx *cx, unsigned round, struct alarm_news *news)
{
    lf_rc rc = LF_OK;
    for (unsigned i = 0; !rc && i < STATIONS; i++) {
        lf_id station = { 1 + (int64_t)((i * 5 + round) % STATIONS) };
        const struct alarm_sign s = {
            .station = station, .type = ALARM_OTHER, .value = NAN, .limit = NAN, .at = lf_now(), .explain = LF_TEXT("看 | look")
        };
        rc = (round + i) % 3 ? alarm_raise(cx, &s, news) : alarm_clear(cx, station, LF_TEXT(""), ALARM_OTHER, s.at, s.explain, news);
    }
    return rc;
}

/* As the room writes what was judged: many episodes in one transaction. */
static void *judge(void *user)
{
    struct crowd *c = user;
    struct lf_ctx cx;
    lf_ctx_system(&cx, c->f->app);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct alarm_news news = { 0 };
        lf_rc rc = lf_tx_begin(&cx, LF_TX_WRITE);
        rc = rc ? rc : lf_tx_end(&cx, judge_all(&cx, round, &news));
        c->judged += !rc;
        came_of_it(c, &cx, rc);
        lf_arena_reset(&cx.arena);
    }
    c->over = true;
    lf_ctx_free(&cx);
    return NULL;
}

struct seen {
    lf_id id[STATIONS];
    size_t n;
};

static lf_rc see(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct seen *s = user;
    s->id[s->n++] = lf_row_id(row);
    return LF_OK;
}

static lf_rc look(struct lf_ctx *cx, struct seen *s)
{
    const struct lf_filter open = { LF_TEXT("state"), LF_TEXT("open") };
    const struct lf_query q = { .filter = &open, .nfilter = 1, .limit = STATIONS };
    lf_text next;
    s->n = 0;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    return rc ? rc : lf_tx_end(cx, lf_res_each(cx, &alarm_res, &q, see, s, &next));
}

static lf_rc acknowledge_one(struct lf_ctx *cx, lf_id id)
{
    struct lf_change ch = { .note = LF_TEXT("已知悉") };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    return rc ? rc : lf_tx_end(cx, lf_res_move(cx, &alarm_res, id, LF_NULL64, "ack", NULL, NULL, &ch));
}

/* Somebody who acknowledges what he sees. */
static void *acknowledge(void *user)
{
    struct crowd *c = user;
    struct seen s;
    struct lf_ctx cx;
    lf_ctx_system(&cx, c->f->app);
    for (size_t turn = 0; !c->over; turn++) {
        lf_rc rc = look(&cx, &s);
        if (!rc && s.n) {
            rc = acknowledge_one(&cx, s.id[turn % s.n]);
            c->acknowledged += !rc;
        }
        came_of_it(c, &cx, rc);
        lf_arena_reset(&cx.arena);
    }
    lf_ctx_free(&cx);
    return NULL;
}

/* Makes what is seen overdue, one by one, and lets the kernel tell the level above. */
static lf_rc remind_all(struct lf_ctx *cx)
{
    struct seen s;
    lf_rc rc = look(cx, &s);
    for (size_t i = 0; !rc && i < s.n; i++)
        if (!(rc = lf_tx_begin(cx, LF_TX_WRITE)))
            rc = lf_tx_end(cx, lf_step_extend(cx, &alarm_res, s.id[i], "open", (lf_ms){ 1 + (int64_t)i }));
    return rc ? rc : lf_steps_escalate(cx);
}

static void *remind(void *user)
{
    struct crowd *c = user;
    struct lf_ctx cx;
    lf_ctx_system(&cx, c->f->app);
    while (!c->over) {
        lf_rc rc = remind_all(&cx);
        c->reminded += !rc;
        came_of_it(c, &cx, rc);
        lf_arena_reset(&cx.arena);
    }
    lf_ctx_free(&cx);
    return NULL;
}

static void judge_people_and_reminders_wait_in_one_order(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct crowd c = { .f = f };
    pthread_t t[ALL];
    lf_test_run(f, crowd_sql);
    for (int i = 0; i < ALL; i++)
        pthread_create(&t[i], NULL, i == 0 ? judge : i == 1 ? remind : acknowledge, &c);
    for (int i = 0; i < ALL; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(c.wrong, 0);
    assert_int_equal(c.busy, 0);
    assert_int_equal(c.judged, ROUNDS);
    assert_true(c.acknowledged > 0 && c.reminded > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(judge_people_and_reminders_wait_in_one_order, setup, teardown) };
    if (argc != 2 || sodium_init() < 0)
        return 1;
    crowd_sql = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
