/* The kernel's promises over a record type of the test's own, on both engines: moves, scope, seals, the chain, pages, filters, log-ins. */
#include "core/file.h"
#include "core/table.h"
#include "core/testing.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a record type ------------------------------------------------------------------------------ */

#define TASK_STATES(X) \
    X(TASK_NEW, "new", "新", "New") \
    X(TASK_DOING, "doing", "办理中", "Doing") \
    X(TASK_DONE, "done", "办结", "Done")
LF_ENUM(task_state, TASK_STATES);
LF_ENUM_DICT(task_state, TASK_STATES);

struct task {
    lf_id id;
    int64_t version;
    lf_text grid_code, title, secret;
    int64_t amount;
    lf_ms at;
    enum task_state state;
};
#define F(m, zh, en, ...) LF_FIELD(struct task, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 20),
    F(title, "标题", "Title", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH | LF_FILTER, .max = 100),
    F(secret, "举报人", "Reporter", .flags = LF_MASKED),
    F(amount, "数量", "Amount", .flags = LF_LIST | LF_FILTER),
    F(at, "时间", "At", .flags = LF_LIST | LF_FILTER),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &task_state_dict),
};
#undef F
static lf_rc has_amount(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct task *t = ch->row;
    return t->amount > 0 ? LF_OK : lf_fail(cx, LF_EINVAL, "amount", "数量应大于零 | the amount must be above nought");
}
static const char *const start_sets[] = { "amount!", NULL };
static const struct lf_verb verbs[] = {
    { "start", "开始", "Start", 1u << TASK_NEW, TASK_DOING, "handle", .need = LF_NEED_NOTE, .sets = start_sets, .guard = has_amount },
    { "finish", "办结", "Finish", 1u << TASK_DOING, TASK_DONE, "handle", .need = LF_NEED_PHOTO },
    { "look", "看", "Look", 1u << TASK_NEW | 1u << TASK_DOING, LF_STAY, "look" },
};
static const struct lf_res task_res = { .name = "task",
                                        .zh = "任务",
                                        .en = "Tasks",
                                        .icon = "check",
                                        .menu = 1,
                                        .size = sizeof(struct task),
                                        .field = fields,
                                        .nfield = LF_COUNT(fields),
                                        .verb = verbs,
                                        .nverb = LF_COUNT(verbs),
                                        .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT };
static const struct lf_res *const types[] = { &task_res };
static const struct lf_migration migrations[] = {
    { "0001_task",
      "CREATE TABLE task (id @id, version @int NOT NULL, grid_code @text NOT NULL, title @text NOT NULL, secret @text, amount @int, "
      "at @ms, state @text NOT NULL) @strict" }
};
static const struct lf_room task_room = { .name = "task", .res = types, .nres = 1, .migration = migrations, .nmigration = 1 };
static const struct lf_room *const rooms[] = { &task_room };
static const struct lf_role_seed roles[] = { { "boss", "管理", "Boss", "*" },
                                             { "hand", "经办", "Hand",
                                               "task.read task.create task.edit task.handle task.export task.import" },
                                             { "eye", "看客", "Eye", "task.read" } };

/* ---- one kernel ------------------------------------------------------------------------------------ */

static int test_setup_sqlite(void **state) { return lf_test_app_new(state, false, rooms, 1, roles, LF_COUNT(roles)); }
static int test_setup_postgres(void **state) { return lf_test_app_new(state, true, rooms, 1, roles, LF_COUNT(roles)); }
static int test_teardown(void **state) { return lf_test_app_drop(state); }

static lf_rc make(struct lf_ctx *cx, const char *grid, const char *title, int64_t amount, lf_id *id)
{
    struct task t;
    struct lf_change ch = { .row = &t };
    lf_row_clear(fields, LF_COUNT(fields), &t);
    t.grid_code = lf_str(grid), t.title = lf_str(title), t.amount = amount, t.secret = LF_TEXT("张三丰-13800000000");
    lf_test_begin(cx, LF_TX_WRITE);
    lf_rc rc = lf_test_end(cx, lf_res_create(cx, &task_res, &ch));
    if (id)
        *id = t.id;
    return rc;
}

static struct task get(struct lf_test_app *f, lf_id id)
{
    struct task t = { 0 };
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_res_get(&f->cx, &task_res, id, &t));
    return t;
}

static lf_rc set_amount(void *user, struct lf_ctx *cx, void *row)
{
    ((struct task *)row)->amount = *(int64_t *)user;
    return LF_OK;
}
static lf_rc move_amount(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row) { return set_amount(user, cx, row); }

static lf_rc edit(struct lf_ctx *cx, lf_id id, int64_t version, int64_t amount)
{
    struct lf_change ch = { 0 };
    lf_test_begin(cx, LF_TX_WRITE);
    return lf_test_end(cx, lf_res_edit(cx, &task_res, id, version, set_amount, &amount, &ch));
}

static lf_rc move(struct lf_ctx *cx, lf_id id, const char *verb, const char *note, const char *photo, int64_t amount)
{
    const struct lf_file_use file = { .hash = lf_str(photo), .name = LF_TEXT("a.png") };
    struct lf_change ch = { .note = lf_str(note), .file = photo ? &file : NULL, .nfile = photo != NULL };
    lf_test_begin(cx, LF_TX_WRITE);
    return lf_test_end(cx, lf_res_move(cx, &task_res, id, LF_NULL64, verb, amount >= 0 ? move_amount : NULL, &amount, &ch));
}

/* ---- moves and versions -------------------------------------------------------------------------------- */

static void a_move_needs_state_right_evidence_and_guard(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct lf_ctx hand = lf_test_acting(f, lf_test_person(f, "hand", "hand", "3703", NULL)),
                  eye = lf_test_acting(f, lf_test_person(f, "eye", "eye", "3703", NULL));
    lf_id id;
    assert_int_equal(make(&hand, "370302", "一", LF_NULL64, &id), LF_OK);
    int64_t entries = lf_test_number(f, "SELECT count(*) FROM audit");
    assert_int_equal(move(&eye, id, "start", "n", NULL, 1), LF_EDENIED);
    assert_int_equal(move(&hand, id, "look", "n", NULL, -1), LF_EDENIED);
    assert_int_equal(move(&hand, id, "nonsense", "n", NULL, -1), LF_ENOTFOUND);
    assert_int_equal(move(&hand, id, "finish", "n", NULL, -1), LF_ECONFLICT); /* not in this state */
    assert_int_equal(move(&hand, id, "start", NULL, NULL, 1), LF_EINVAL);
    assert_string_equal(hand.err.field, "note");
    assert_int_equal(move(&hand, id, "start", "n", NULL, -1), LF_EINVAL); /* "amount!" must come */
    assert_string_equal(hand.err.field, "amount");
    assert_int_equal(move(&hand, id, "start", "n", NULL, 0), LF_EINVAL); /* the guard */
    assert_int_equal(get(f, id).version, 1);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit"), entries); /* what was refused left nothing */
    assert_int_equal(move(&hand, id, "start", "n", NULL, 3), LF_OK);
    assert_int_equal(get(f, id).state, TASK_DOING);
    assert_int_equal(move(&hand, id, "start", "n", NULL, 3), LF_ECONFLICT); /* not twice */

    static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0", pdf[] = "%PDF-1.4\n%%EOF\n";
    char photo[65], paper[65];
    const char *type;
    int64_t size;
    lf_test_begin(&hand, LF_TX_WRITE);
    lf_rc rc = lf_file_store(&hand, (lf_text){ png, sizeof png }, -1, photo, &type, &size);
    lf_test_good(&hand, rc ? rc : lf_file_store(&hand, (lf_text){ pdf, sizeof pdf }, -1, paper, &type, &size));
    assert_int_equal(move(&hand, id, "finish", "n", NULL, -1), LF_EINVAL);
    assert_int_equal(move(&hand, id, "finish", "n", paper, -1), LF_EINVAL); /* no photo */
    struct lf_ctx other = lf_test_acting(f, lf_test_person(f, "other", "hand", "3703", NULL));
    assert_int_equal(move(&other, id, "finish", "n", photo, -1), LF_EINVAL); /* a file of somebody else that hangs nowhere */
    lf_test_begin(&other, LF_TX_WRITE);                                      /* until he sends the same bytes, as often as he likes */
    rc = lf_file_store(&other, (lf_text){ png, sizeof png }, -1, photo, &type, &size);
    lf_test_good(&other, rc ? rc : lf_file_store(&other, (lf_text){ png, sizeof png }, -1, photo, &type, &size));
    assert_int_equal(move(&other, id, "finish", "n", photo, -1), LF_OK);
    assert_int_equal(get(f, id).state, TASK_DONE);
    lf_ctx_free(&hand), lf_ctx_free(&eye), lf_ctx_free(&other);
}

static void the_version_that_was_seen_counts(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    lf_id id;
    assert_int_equal(make(&f->cx, "370302", "一", 1, &id), LF_OK);
    assert_int_equal(edit(&f->cx, id, 1, 2), LF_OK);
    assert_int_equal(edit(&f->cx, id, 1, 3), LF_ECONFLICT);
    assert_int_equal(get(f, id).amount, 2);
    assert_int_equal(edit(&f->cx, id, 2, 2), LF_OK); /* nothing changed: no version, no entry */
    assert_int_equal(get(f, id).version, 2);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit WHERE topic = 'task'"), 2);
}

/* ---- scope and seals ----------------------------------------------------------------------------------------- */

static int64_t seen_by(struct lf_ctx *cx)
{
    struct lf_query q = { .limit = 200 };
    int64_t n = -1;
    lf_test_begin(cx, LF_TX_READ);
    lf_test_good(cx, lf_res_count(cx, &task_res, &q, 1000, &n));
    return n;
}

static void a_scope_is_a_prefix_or_a_zone(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    static const char *const codes[] = { "370302", "370302116", "370302116001", "370303", "3703", "37030", "370302~", "371002", "4" };
    lf_id id[LF_COUNT(codes)];
    for (size_t i = 0; i < LF_COUNT(codes); i++)
        assert_int_equal(make(&f->cx, codes[i], codes[i], 1, &id[i]), LF_OK);
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_test_good(&f->cx, lf_sql_run(&f->cx, "INSERT INTO scope_member (code, member) VALUES ('zone', '370302116'), ('zone', '371002')",
                                    NULL, 0, NULL));
    struct lf_ctx county = lf_test_acting(f, lf_test_person(f, "county", "hand", "370302", NULL)),
                  city = lf_test_acting(f, lf_test_person(f, "city", "hand", "3703", NULL)),
                  zone = lf_test_acting(f, lf_test_person(f, "zone", "hand", "zone", NULL)),
                  all = lf_test_acting(f, lf_test_person(f, "all", "hand", "*", NULL));
    assert_int_equal(seen_by(&county), 3); /* not "37030", not "370302~" */
    assert_int_equal(seen_by(&city), 7);
    assert_int_equal(seen_by(&zone), 3);
    assert_int_equal(seen_by(&all), 9);
    assert_int_equal(edit(&county, id[3], 1, 5), LF_ENOTFOUND); /* what is not seen is not there */
    assert_int_equal(move(&zone, id[0], "start", "n", NULL, 1), LF_ENOTFOUND);
    assert_int_equal(make(&county, "370303", "外", 1, NULL), LF_EDENIED);
    assert_int_equal(make(&zone, "371002001", "内", 1, NULL), LF_OK);
    lf_ctx_free(&county), lf_ctx_free(&city), lf_ctx_free(&zone), lf_ctx_free(&all);
}

static void what_is_sealed_leaves_no_trace(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    lf_id id;
    assert_int_equal(make(&f->cx, "370302", "一", 1, &id), LF_OK);
    assert_int_equal(edit(&f->cx, id, 1, 2), LF_OK);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit WHERE diff LIKE '%13800000000%' OR note LIKE '%13800000000%'"), 0);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit WHERE topic = 'task' AND diff LIKE '%secret%***%'"), 1);
    for (enum lf_table_kind k = LF_CSV; k <= LF_GEOJSON; k++) {
        char path[128], cmd[400];
        snprintf(path, sizeof path, "%s/out", f->t.dir);
        FILE *out = fopen(path, "w+");
        struct lf_query q = { 0 };
        lf_test_begin(&f->cx, LF_TX_READ);
        lf_rc rc = k == LF_GEOJSON ? LF_OK : lf_table_write(&f->cx, &task_res, &q, k, fileno(out));
        lf_test_good(&f->cx, rc);
        fclose(out);
        snprintf(cmd, sizeof cmd, "(cat %s; unzip -p %s 2>/dev/null) | grep -q -e 13800000000 -e 举报人", path, path);
        assert_int_not_equal(system(cmd), 0);
    }
    static const char *const ways[] = { "secret", "from_secret", "to_secret" };
    for (size_t i = 0; i < LF_COUNT(ways); i++) { /* nor can it be guessed by asking */
        struct lf_filter x = { lf_str(ways[i]), LF_TEXT("1") };
        struct lf_query q = { .filter = &x, .nfilter = 1 };
        int64_t n;
        lf_test_begin(&f->cx, LF_TX_READ);
        assert_int_equal(lf_test_end(&f->cx, lf_res_count(&f->cx, &task_res, &q, 10, &n)), LF_EINVAL);
    }
}

/* ---- the chain ------------------------------------------------------------------------------------------------- */

/* Does it to the trail, asks which entry is wrong, and undoes it. */
static int64_t wrong_after(struct lf_test_app *f, const char *sql, const char *sql2, const char *head)
{
    int64_t n;
    lf_id bad = { -1 };
    char end[65];
    lf_test_begin(&f->cx, LF_TX_WRITE);
    lf_rc rc = sql ? lf_sql_run(&f->cx, sql, NULL, 0, NULL) : LF_OK;
    if (!rc && sql2)
        rc = lf_sql_run(&f->cx, sql2, NULL, 0, NULL);
    if (!rc)
        rc = lf_audit_verify(&f->cx, head, &n, &bad, end);
    assert_int_equal(rc, LF_OK);
    assert_int_equal(lf_test_end(&f->cx, LF_ECONFLICT), LF_ECONFLICT);
    return bad.v;
}

static void the_chain_names_the_entry_that_was_touched(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    lf_id id;
    assert_int_equal(make(&f->cx, "370302", "一", 1, &id), LF_OK);
    for (int64_t i = 1; i < 20; i++)
        assert_int_equal(edit(&f->cx, id, i, i + 1), LF_OK);
    struct lf_val head = { .t = LF_T_TEXT };
    lf_test_begin(&f->cx, LF_TX_READ);
    lf_test_good(&f->cx, lf_sql_one(&f->cx, "SELECT hash FROM audit WHERE id = 18", NULL, 0, &head, 1));
    const char *kept = lf_strn(&f->cx.arena, head.s);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit"), 20);
    assert_int_equal(wrong_after(f, NULL, NULL, kept), 0);
    static const char *const columns[] = { "at = at + 1",     "actor = actor + 1", "peer = 'x'",  "topic = 'x'",     "row_id = row_id + 1",
                                           "grid_code = 'x'", "verb = 'x'",        "note = ''",   "from_state = ''", "to_state = 'x'",
                                           "files = '[]'",    "diff = NULL",       "hash = 'abc'" };
    for (size_t i = 0; i < LF_COUNT(columns); i++)
        assert_int_equal(wrong_after(f, lf_printf(&f->cx.arena, "UPDATE audit SET %s WHERE id = 7", columns[i]), NULL, NULL), 7);
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id = 7", NULL, NULL), 8);
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id = 7", "UPDATE audit SET id = id - 1 WHERE id = 8", NULL), 7);
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id = 1", NULL, NULL), 2);
    assert_int_equal(wrong_after(f, "DELETE FROM audit", NULL, NULL), 1);
    assert_int_equal(wrong_after(f, "UPDATE audit SET id = 100 WHERE id = 5", "UPDATE audit SET id = 5 WHERE id = 6", NULL),
                     5); /* a new order */
    assert_int_equal(
        wrong_after(f,
                    "INSERT INTO audit (id, at, actor, peer, topic, row_id, grid_code, verb, hash) VALUES (21, 1, 0, '', 'task', "
                    "1, '', 'edit', 'abc')",
                    NULL, NULL),
        21);
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id = 20", NULL, NULL), 20); /* the head knows how long it was */
    static const char forge[] = "UPDATE audit_head SET n = 17, hash = (SELECT hash FROM audit WHERE id = 17)";
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id > 17", forge, NULL), 0);  /* cut off with the head: only ... */
    assert_int_equal(wrong_after(f, "DELETE FROM audit WHERE id > 17", forge, kept), 18); /* ... an end kept elsewhere tells */
    f->app->key[0] ^= 1; /* another key: nothing fits, so nobody without it makes a chain that does */
    assert_int_equal(wrong_after(f, NULL, NULL, NULL), 1);
    f->app->key[0] ^= 1;
}

static void *write_entries(void *user)
{
    struct lf_test_app *f = user;
    struct lf_ctx cx;
    lf_ctx_system(&cx, f->app);
    for (int i = 0; i < 15; i++)
        assert_int_equal(make(&cx, "370302", "并发", i, NULL), LF_OK);
    lf_ctx_free(&cx);
    return NULL;
}

static void writers_at_once_make_one_chain(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    pthread_t t[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], NULL, write_entries, f);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit"), 90);
    assert_int_equal(wrong_after(f, NULL, NULL, NULL), 0);
}

/* A savepoint that is undone takes its entries with it, and the chain goes on from before it. */
static void an_undone_savepoint_leaves_the_chain_whole(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct task t;
    lf_test_begin(&f->cx, LF_TX_WRITE);
    for (int i = 0; i < 9; i++) {
        struct lf_change ch = { .row = &t };
        lf_row_clear(fields, LF_COUNT(fields), &t);
        t.grid_code = LF_TEXT("370302"), t.title = LF_TEXT("x");
        assert_int_equal(lf_tx_savepoint(&f->cx), LF_OK);
        assert_int_equal(lf_res_create(&f->cx, &task_res, &ch), LF_OK);
        lf_rc want = i % 3 == 1 ? LF_EINVAL : LF_OK;
        assert_int_equal(lf_tx_savepoint_end(&f->cx, want), want);
    }
    lf_test_good(&f->cx, LF_OK);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit"), 6);
    assert_int_equal(wrong_after(f, NULL, NULL, NULL), 0);
}

/* More than is kept at once is said on the way; what is undone around there goes alone. */
static void a_long_transaction_says_all_it_has(void **state)
{
    enum { ROWS = 4100 };
    struct lf_test_app *f = lf_test_app_there(state);
    int kept = 0;
    lf_test_begin(&f->cx, LF_TX_WRITE);
    for (int i = 0; i < ROWS; i++) {
        const struct lf_audit a = { .topic = "task", .row = { i + 1 }, .grid_code = LF_TEXT("370302"), .verb = "comment" };
        lf_rc want = i % 100 == 99 || (i > 1990 && i < 2030) ? LF_EINVAL : LF_OK;
        assert_int_equal(lf_tx_savepoint(&f->cx), LF_OK);
        assert_int_equal(lf_audit_write(&f->cx, &a), LF_OK);
        assert_int_equal(lf_tx_savepoint_end(&f->cx, want), want);
        kept += want == LF_OK;
        assert_true(f->cx.trail.n <= 2000);
    }
    lf_test_good(&f->cx, LF_OK);
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM audit"), kept);
    assert_int_equal(wrong_after(f, NULL, NULL, NULL), 0);
}

/* ---- pages and filters -------------------------------------------------------------------------------------------- */

struct page {
    unsigned char seen[400];
    int n;
};
static lf_rc on_page(void *user, struct lf_ctx *cx, const void *row, const lf_text *label)
{
    struct page *p = user;
    const struct task *t = row;
    assert_in_range(t->id.v, 1, 399);
    p->seen[t->id.v]++;
    p->n++;
    return LF_OK;
}

/* Rows come in and change before and behind the reader while he turns pages: those that were there are seen once each. */
static void pages_skip_and_repeat_nothing(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    static const char *const sorts[] = { "amount", "-amount", "title", "-id", "id", "state", "-at" };
    for (int i = 0; i < 60; i++)
        assert_int_equal(make(&f->cx, "370302", i % 3 ? "同名" : "别名", i % 4 ? i % 5 : LF_NULL64, NULL), LF_OK);
    for (size_t s = 0; s < LF_COUNT(sorts); s++) {
        struct page p = { .n = 0 };
        int64_t last = lf_test_number(f, "SELECT max(id) FROM task");
        char *after = NULL;
        int turns = 0;
        do {
            struct lf_query q = { .sort = lf_str(sorts[s]), .limit = 7, .after = lf_str(after) };
            lf_text next;
            lf_test_begin(&f->cx, LF_TX_READ);
            lf_test_good(&f->cx, lf_res_each(&f->cx, &task_res, &q, on_page, &p, &next));
            after = next.p ? lf_strn(&f->cx.arena, next) : NULL;
            assert_int_equal(make(&f->cx, "370302", turns % 2 ? "一" : "龥", turns % 3 - 1, NULL), LF_OK);
        } while (after && ++turns < 100);
        for (int64_t i = 1; i <= last; i++)
            if (p.seen[i] != 1)
                fail_msg("by %s: row %lld was seen %d times", sorts[s], (long long)i, p.seen[i]);
    }
}

static void a_filter_is_a_value_and_nothing_else(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    static const char *const names[] = { "title", "amount", "state", "at", "from_at", "to_at", "from_amount", "grid_code", "bbox" };
    static const char *const evil[] = { "' OR '1'='1",
                                        "1) OR (1=1",
                                        "1; DROP TABLE task",
                                        "\\' OR 1=1 --",
                                        "%",
                                        "_",
                                        "*",
                                        "~",
                                        "$1",
                                        "1e400",
                                        "9223372036854775808",
                                        "-",
                                        ",",
                                        ",,,",
                                        "NULL",
                                        "2026-02-30",
                                        "2026-13-01T00:00",
                                        "\x01x",
                                        "''''" };
    for (int i = 0; i < 5; i++)
        assert_int_equal(make(&f->cx, "370302", "普通", 7, NULL), LF_OK);
    for (size_t i = 0; i < LF_COUNT(names); i++)
        for (size_t k = 0; k < LF_COUNT(evil); k++) {
            struct lf_filter x = { lf_str(names[i]), lf_str(evil[k]) };
            struct lf_query q = { .filter = &x, .nfilter = 1 };
            int64_t n = 0;
            lf_test_begin(&f->cx, LF_TX_READ);
            lf_rc rc = lf_test_end(&f->cx, lf_res_count(&f->cx, &task_res, &q, 100, &n));
            if (rc != LF_EINVAL && !(rc == LF_OK && n == 0))
                fail_msg("%s=%zu: %d, %lld rows: %s", names[i], k, rc, (long long)n, f->cx.err.msg);
        }
    for (size_t k = 0; k < LF_COUNT(evil); k++) { /* nor are names, orders, cursors and words */
        struct lf_filter x = { lf_str(evil[k]), LF_TEXT("1") };
        struct lf_query q[] = {
            { .filter = &x, .nfilter = 1 }, { .sort = lf_str(evil[k]) }, { .after = lf_str(evil[k]) }, { .q = lf_str(evil[k]) }
        };
        for (size_t i = 0; i < LF_COUNT(q); i++) {
            struct page p = { .n = 0 };
            lf_text next;
            q[i].limit = 5;
            lf_test_begin(&f->cx, LF_TX_READ);
            lf_rc rc = lf_test_end(&f->cx, lf_res_each(&f->cx, &task_res, &q[i], on_page, &p, &next));
            if (i < 3 ? rc != LF_EINVAL : rc != LF_OK || p.n)
                fail_msg("%zu %zu: %d, %d rows: %s", i, k, rc, p.n, f->cx.err.msg);
        }
    }
    assert_int_equal(lf_test_number(f, "SELECT count(*) FROM task"), 5);
}

static void too_many_values_are_refused(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct lf_filter x[3];
    char *many = lf_alloc(&f->cx.arena, 1000);
    for (int i = 0; i < 60; i++)
        strcat(many, i ? ",12" : "12");
    for (int i = 0; i < 3; i++)
        x[i] = (struct lf_filter){ LF_TEXT("amount"), lf_str(many) };
    struct lf_query q = { .filter = x, .nfilter = 3 };
    int64_t n;
    lf_test_begin(&f->cx, LF_TX_READ);
    assert_int_equal(lf_test_end(&f->cx, lf_res_count(&f->cx, &task_res, &q, 100, &n)), LF_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(a_move_needs_state_right_evidence_and_guard),
        LF_BOTH(the_version_that_was_seen_counts),
        LF_BOTH(a_scope_is_a_prefix_or_a_zone),
        LF_BOTH(what_is_sealed_leaves_no_trace),
        LF_BOTH(the_chain_names_the_entry_that_was_touched),
        LF_BOTH(writers_at_once_make_one_chain),
        LF_BOTH(an_undone_savepoint_leaves_the_chain_whole),
        LF_BOTH(a_long_transaction_says_all_it_has),
        LF_BOTH(pages_skip_and_repeat_nothing),
        LF_BOTH(a_filter_is_a_value_and_nothing_else),
        LF_BOTH(too_many_values_are_refused),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
