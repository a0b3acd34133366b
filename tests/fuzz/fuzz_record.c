/* What a client may send about records, against every record type of the program on a database of its own. The first byte names the
 * type, the second what is done: a list with filters (the rest: name=value&...), or a record from JSON, written and undone. */
#include "fuzz.h"
#include "app/rooms.h"
#include "core/value.h"
#include "db/testing.h"

#include <jansson.h>

static struct lf_app *app;
static struct lf_test_db db;

static void end(void)
{
    lf_app_stop(app);
    lf_test_db_drop(&db);
}

static void begin(void)
{
    struct lf_err err = { 0 };
    lf_test_db_new(&db, false);
    struct lf_app_config c = { .db_url = db.url,
                               .data_dir = db.dir,
                               .room = app_rooms,
                               .nroom = app_room_count,
                               .role = app_roles,
                               .nrole = app_role_count,
                               .demo = true };
    if (lf_app_start(&app, &c, &err))
        fprintf(stderr, "%s\n", err.msg), abort();
    atexit(end);
}

static lf_rc no_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label) { return LF_OK; }

static lf_rc list(struct lf_ctx *cx, const struct lf_res *r, lf_text s)
{
    struct lf_filter filter[32];
    struct lf_query q = { .filter = filter, .limit = 50 };
    while (s.n && q.nfilter < 32) {
        const char *amp = memchr(s.p, '&', s.n);
        lf_text one = { s.p, amp ? (uint32_t)(amp - s.p) : s.n };
        const char *eq = memchr(one.p, '=', one.n);
        lf_text name = { one.p, eq ? (uint32_t)(eq - one.p) : one.n }, value = { eq ? eq + 1 : "", eq ? one.n - name.n - 1 : 0 };
        lf_text *to = lf_text_is(name, "q") ? &q.q : lf_text_is(name, "sort") ? &q.sort : lf_text_is(name, "after") ? &q.after : NULL;
        if (to)
            *to = value;
        else
            filter[q.nfilter++] = (struct lf_filter){ name, value };
        s = amp ? (lf_text){ amp + 1, s.n - one.n - 1 } : (lf_text){ "", 0 };
    }
    lf_text next;
    int64_t n;
    lf_rc rc = lf_res_each(cx, r, &q, no_row, NULL, &next);
    return rc ? rc : lf_res_count(cx, r, &q, 10, &n);
}

static lf_rc write_row(struct lf_ctx *cx, const struct lf_res *r, lf_text s)
{
    struct lf_change ch = { .row = lf_alloc(&cx->arena, r->size) };
    json_t *j = json_loadb(s.p, s.n, JSON_REJECT_DUPLICATES, NULL);
    lf_row_clear(r->field, r->nfield, ch.row);
    lf_rc rc = j ? lf_row_from_json(cx, r, j, LF_READONLY, ch.row) : LF_EINVAL;
    if (!rc)
        rc = lf_res_create(cx, r, &ch);
    if (!j)
        lf_err_set(&cx->err, rc, NULL, "no JSON");
    json_decref(j);
    if (!rc)
        lf_err_set(&cx->err, rc = LF_EINVAL, NULL, "undone");
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!app)
        begin();
    if (n < 2)
        return 0;
    char *copy = exact(data + 2, n - 2);
    lf_text s = { copy, (uint32_t)(n - 2) };
    const struct lf_res *r = app->res[data[0] % app->nres];
    bool write = data[1] & 1;
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    lf_rc rc = lf_tx_begin(&cx, write ? LF_TX_WRITE : LF_TX_READ);
    MUST(rc == LF_OK);
    rc = lf_tx_end(&cx, write ? write_row(&cx, r, s) : list(&cx, r, s));
    if (rc == LF_EDB || rc == LF_EBUG || rc == LF_EIO) /* the client's words are never the server's fault */
        fprintf(stderr, "%s: %s\n", r->name, cx.err.msg), abort();
    MUST(rc == LF_OK || cx.err.msg[0]);
    lf_ctx_free(&cx);
    lf_release(copy);
    return 0;
}
