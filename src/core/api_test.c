/* Calls through HTTP: who may not write takes nothing that writers wait for, on both engines. */
#include "core/account.h"
#include "core/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a record type whose move keeps something away --------------------------------------------------- */

#define DOOR_STATES(X) \
    X(DOOR_OPEN, "open", "开", "Open") \
    X(DOOR_SHUT, "shut", "关", "Shut")
LF_ENUM(door_state, DOOR_STATES);
LF_ENUM_DICT(door_state, DOOR_STATES);
struct door {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    enum door_state state;
};
#define F(m, zh, en, ...) LF_FIELD(struct door, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 20),
    F(title, "标题", "Title", .flags = LF_REQUIRED | LF_LIST | LF_TITLE, .max = 100),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &door_state_dict),
};
#undef F

static atomic_int held, released;
static lf_rc hold(struct lf_ctx *cx)
{
    held++;
    return LF_OK;
}
static void release(void) { released++; }

static const struct lf_verb verbs[] = { { "shut", "关上", "Shut", 1u << DOOR_OPEN, DOOR_SHUT, "shut", .hold = hold, .release = release } };
static const struct lf_res door_res = { .name = "door",
                                        .zh = "门",
                                        .en = "Doors",
                                        .icon = "check",
                                        .menu = 1,
                                        .size = sizeof(struct door),
                                        .field = fields,
                                        .nfield = LF_COUNT(fields),
                                        .verb = verbs,
                                        .nverb = LF_COUNT(verbs),
                                        .can = LF_CAN_CREATE | LF_CAN_EDIT };
static const struct lf_res *const types[] = { &door_res };
static const struct lf_migration migrations[] = {
    { "0001_door",
      "CREATE TABLE door (id @id, version @int NOT NULL, grid_code @text NOT NULL, title @text NOT NULL, state @text NOT NULL) "
      "@strict" }
};
static const struct lf_room door_room = { .name = "door", .res = types, .nres = 1, .migration = migrations, .nmigration = 1 };
static const struct lf_room *const rooms[] = { &door_room };
static const struct lf_role_seed roles[] = { { "hand", "经办", "Hand", "door.*" }, { "eye", "看客", "Eye", "door.read" } };

static int test_setup_sqlite(void **state) { return lf_test_app_new(state, false, rooms, 1, roles, LF_COUNT(roles)); }
static int test_setup_postgres(void **state) { return lf_test_app_new(state, true, rooms, 1, roles, LF_COUNT(roles)); }
static int test_teardown(void **state) { return lf_test_app_drop(state); }

/* ---- people with a browser ------------------------------------------------------------------------------ */

static const char GOOD[] = "Right-pass-1";

struct browser {
    uint16_t port;
    char cookie[64], csrf[64]; /* empty: not logged in */
};

static struct lf_http *serve(struct lf_test_app *f)
{
    struct lf_http *h;
    struct lf_err err = { 0 };
    const struct lf_http_config c = { .host = "127.0.0.1",
                                      .spool_dir = f->t.dir,
                                      .handler = lf_api_handle,
                                      .slow = lf_api_slow,
                                      .body_limit = lf_api_body_limit,
                                      .user = f->app };
    assert_int_equal(lf_http_start(&h, &c, &err), LF_OK);
    return h;
}

static struct browser log_in(struct lf_test_app *f, const struct lf_http *h, const char *login, const char *role)
{
    struct browser b = { .port = lf_http_port(h) };
    struct lf_ctx cx = { .app = f->app, .db = f->app->db, .peer = LF_TEXT("127.0.0.1") };
    struct lf_session me;
    int wait;
    lf_test_person(f, login, role, "3703", GOOD);
    assert_int_equal(lf_session_open(&cx, lf_str(login), lf_str(GOOD), b.cookie, &wait), LF_OK);
    lf_test_begin(&cx, LF_TX_READ);
    lf_test_good(&cx, lf_session_find(&cx, lf_str(b.cookie), &me));
    snprintf(b.csrf, sizeof b.csrf, "%s", lf_strn(&cx.arena, me.csrf));
    lf_ctx_free(&cx);
    return b;
}

static int dial(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* The status of the answer. */
static int send_json(const struct browser *b, const char *method, const char *path, const char *json)
{
    char text[2048];
    int fd = dial(b->port), status = 0;
    int n = snprintf(text, sizeof text,
                     "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: lanfan=%s\r\nX-CSRF-Token: %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, path, b->cookie, b->csrf, strlen(json), json);
    assert_int_equal(write(fd, text, (size_t)n), n);
    ssize_t got = read(fd, text, sizeof text - 1);
    assert_true(got > 12);
    text[got] = 0;
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    close(fd);
    return status;
}

/* ---- the writer is for those who may write --------------------------------------------------------------- */

static const char DOOR[] = "{\"grid_code\":\"370302\",\"title\":\"前门\"}", SHUT[] = "{\"version\":1}";

/* While somebody writes, who may not is refused at once: he does not stand in the line for the writer, at whose end it is "busy". */
static void who_may_not_write_does_not_wait_for_the_writer(void **state)
{
    static const struct {
        const char *method, *path, *json;
    } way[] = { { "POST", "/api/v1/door", DOOR },
                { "PATCH", "/api/v1/door/1", "{\"version\":1,\"title\":\"后门\"}" },
                { "POST", "/api/v1/door/1/shut", SHUT } };
    struct lf_test_app *f = lf_test_app_there(state);
    struct lf_http *h = serve(f);
    const struct browser nobody = { .port = lf_http_port(h) }, eye = log_in(f, h, "eye", "eye"), hand = log_in(f, h, "hand", "hand");
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door", DOOR), 201);
    lf_test_begin(&f->cx, LF_TX_WRITE);
    for (size_t i = 0; i < LF_COUNT(way); i++) {
        assert_int_equal(send_json(&nobody, way[i].method, way[i].path, way[i].json), 401);
        assert_int_equal(send_json(&eye, way[i].method, way[i].path, way[i].json), 403);
        assert_int_equal(send_json(&hand, way[i].method, way[i].path, "[]"), 422); /* nor does he whose words cannot be read */
    }
    assert_int_equal(send_json(&nobody, "POST", "/api/v1/notices/read", "{}"), 401);
    lf_test_good(&f->cx, LF_OK);
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door", DOOR), 201);
    lf_http_stop(h);
}

static void a_move_keeps_things_away_only_for_who_may_make_it(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct lf_http *h = serve(f);
    const struct browser nobody = { .port = lf_http_port(h) }, eye = log_in(f, h, "eye", "eye"), hand = log_in(f, h, "hand", "hand");
    struct browser forged = hand;
    forged.csrf[0] ^= 1;
    held = released = 0;
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door", DOOR), 201);
    assert_int_equal(send_json(&nobody, "POST", "/api/v1/door/1/shut", SHUT), 401);
    assert_int_equal(send_json(&eye, "POST", "/api/v1/door/1/shut", SHUT), 403);
    assert_int_equal(send_json(&forged, "POST", "/api/v1/door/1/shut", SHUT), 403);
    assert_int_equal(held, 0);
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door/1/shut", SHUT), 200);
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door/1/shut", SHUT), 409);
    assert_int_equal(held, 2);
    assert_int_equal(released, 2);
    lf_http_stop(h);
}

/* ---- what was true before must be true then ------------------------------------------------------------------ */

struct late {
    const struct browser *b;
    int status;
};

static void *shut(void *user)
{
    struct late *l = user;
    l->status = send_json(l->b, "POST", "/api/v1/door/1/shut", SHUT);
    return NULL;
}

/* Who was let in and waits, while his session ends: SQLite's writer is taken, so he is still waiting when it has ended. */
static void a_session_that_ends_while_he_waits_is_over(void **state)
{
    struct lf_test_app *f = lf_test_app_there(state);
    struct lf_http *h = serve(f);
    const struct browser hand = log_in(f, h, "hand", "hand");
    struct late l = { .b = &hand };
    pthread_t t;
    assert_int_equal(send_json(&hand, "POST", "/api/v1/door", DOOR), 201);
    held = 0;
    lf_test_begin(&f->cx, LF_TX_WRITE);
    pthread_create(&t, NULL, shut, &l);
    while (!held)
        usleep(1000);
    lf_test_good(&f->cx, lf_session_close(&f->cx, lf_str(hand.cookie)));
    pthread_join(t, NULL);
    assert_int_equal(l.status, 401);
    lf_http_stop(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LF_BOTH(who_may_not_write_does_not_wait_for_the_writer),
        LF_BOTH(a_move_keeps_things_away_only_for_who_may_make_it),
        { "a_session_that_ends_while_he_waits_is_over on SQLite", a_session_that_ends_while_he_waits_is_over, test_setup_sqlite,
          test_teardown, NULL },
    };
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
