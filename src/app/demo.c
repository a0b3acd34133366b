/* demo.c - the demonstration city into an empty database. */
#include "app/rooms.h"

#include "base/log.h"
#include "core/account.h"
#include "core/res_sql.h"
#include "core/value.h"
#include "fmt/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct load {
    struct lf_ctx *cx;
    const struct lf_res *r;
    const char *head[40];
    int ncol;
    int64_t rows;
};

static lf_rc set_ref(struct load *l, void *row, const char *field, const char *type, const char *column, lf_text s)
{
    lf_id id;
    lf_rc rc = lf_res_find(l->cx, lf_app_res(l->cx->app, lf_str(type)), column, s, &id);
    return rc ? rc : lf_member_set(l->cx, lf_res_field(l->r, lf_str(field)), row, lf_val_id(id));
}

static lf_rc set_cell(struct load *l, void *row, const char *name, lf_text s)
{
    struct lf_ctx *cx = l->cx;
    struct lf_val v;
    if (!s.n)
        return LF_OK;
    s = lf_text_copy(&cx->arena, s);
    if (!strcmp(name, "mn") && !lf_res_field(l->r, LF_TEXT("mn")))
        return set_ref(l, row, "station_id", "station", "mn", s);
    if (!strcmp(name, "source"))
        return set_ref(l, row, "source_id", "source", "name", s);
    const struct lf_field *f = lf_res_field(l->r, lf_str(name));
    if (!f)
        return LF_OK; /* level and parent follow from the code */
    lf_rc rc = lf_val_parse(cx, f, s, &v);
    return rc ? rc : lf_member_set(cx, f, row, v);
}

static lf_rc load_row(void *user, int line, const lf_text *cells, int n, struct lf_err *err)
{
    struct load *l = user;
    struct lf_ctx *cx = l->cx;
    if (line == 1) {
        for (l->ncol = 0; l->ncol < n && l->ncol < 40; l->ncol++)
            l->head[l->ncol] = lf_strn(&cx->arena, cells[l->ncol]);
        return LF_OK;
    }
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    struct lf_change ch = { .row = lf_alloc(&cx->arena, l->r->size), .note = LF_TEXT("演示数据 | Demonstration data") };
    lf_row_clear(l->r->field, l->r->nfield, ch.row);
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < n && i < l->ncol; i++)
        rc = set_cell(l, ch.row, l->head[i], cells[i]);
    const struct lf_field *tolerate = lf_res_field(l->r, LF_TEXT("tolerate")), *invented = lf_res_field(l->r, LF_TEXT("invented"));
    if (!rc && tolerate)
        rc = lf_member_set(cx, tolerate, ch.row, lf_val_int(0));
    if (!rc && invented && !strcmp(l->r->name, "source"))
        rc = lf_member_set(cx, invented, ch.row, lf_val_bool(true));
    if (!rc)
        rc = lf_res_create(cx, l->r, &ch);
    if (rc)
        *err = cx->err;
    lf_arena_back(&cx->arena, mark);
    l->rows++;
    return rc;
}

static lf_rc load_file(struct lf_ctx *cx, const char *dir, const char *file, const char *res)
{
    const char *path = lf_printf(&cx->arena, "%s/%s", dir, file);
    struct load l = { .cx = cx, .r = lf_app_res(cx->app, lf_str(res)) };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "cannot read %s: %s\nHINT: start in the project's folder, or say --from DIR", path,
                       strerror(errno));
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, lf_table_read(LF_CSV, fd, load_row, &l, &cx->err));
    close(fd);
    if (!rc)
        lf_log(LF_INFO, "demo: %lld rows of %s", (long long)l.rows, res);
    return rc;
}

/* The demonstration's people; the one password is for the demonstration only. */
static const struct {
    const char *login, *name, *role, *area, *post, *post_kind;
} people[] = { { "admin", "演示管理员", "admin", "*", NULL, NULL },
               { "city", "演示市局", "city", "3703", NULL, NULL },
               { "county", "演示淄川区", "county", "370302", "淄川区网格长", "head" },
               { "town", "演示双杨镇", "town", "370302116", "双杨镇副网格长", "deputy" },
               { "officer", "演示网格员（双杨镇）", "officer", "370302116", "双杨镇网格员", "officer" },
               { "county2", "演示沂源县", "county", "370323", "沂源县网格长", "head" },
               { "officer2", "演示网格员（淄川区）", "officer", "370302", "淄川区网格员", "officer" },
               { "officer3", "演示网格员（张店区）", "officer", "370303", "张店区网格员", "officer" },
               { "officer4", "演示网格员（沂源县）", "officer", "370323", "沂源县网格员", "officer" },
               { "zone", "演示高新区管委会", "county", "Z370371", "高新区网格长", "head" } };

#define PASSWORD "Lanfan-demo-1"
const struct lf_demo_login app_demo_logins[] = { { "city", PASSWORD, "演示市局", "市级指挥中心", "City command centre" },
                                                 { "county", PASSWORD, "演示淄川区", "区县管理员", "County desk" },
                                                 { "town", PASSWORD, "演示双杨镇", "乡镇管理员", "Township desk" },
                                                 { "officer", PASSWORD, "演示网格员（双杨镇）", "网格员", "Grid officer" },
                                                 { "admin", PASSWORD, "演示管理员", "系统管理员", "Administrator" } };
const int app_demo_login_count = LF_COUNT(app_demo_logins);

static lf_rc add_post(struct lf_ctx *cx, lf_id account, const char *area, const char *title, const char *kind)
{
    const struct lf_res *r = lf_app_res(cx->app, LF_TEXT("post"));
    struct lf_change ch = { .row = lf_alloc(&cx->arena, r->size) };
    lf_row_clear(r->field, r->nfield, ch.row);
    struct {
        const char *name;
        struct lf_val v;
    } set[] = { { "grid_code", lf_val_str(area) },
                { "title", lf_val_str(title) },
                { "kind", { .t = LF_T_ENUM, .s = lf_str(kind) } },
                { "account_id", lf_val_id(account) },
                { "from_day", lf_val_day(lf_day_ymd(2017, 9, 1)) } };
    lf_rc rc = LF_OK;
    for (size_t k = 0; !rc && k < LF_COUNT(set); k++)
        rc = lf_member_set(cx, lf_res_field(r, lf_str(set[k].name)), ch.row, set[k].v);
    return rc ? rc : lf_res_create(cx, r, &ch);
}

/* A grid officer in every town but these two, so that the check of coverage has something to find. */
static const char *const dead_corners[] = { "370304112", "370322108" };

struct towns {
    struct lf_ctx *cx;
    const char *hash;
};

static lf_rc town_officer(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    const struct towns *t = user;
    struct lf_ctx *cx = t->cx;
    if (line == 1 || n < 3 || !lf_text_is(c[2], "town"))
        return LF_OK;
    const char *code = lf_strn(&cx->arena, c[0]), *name = lf_strn(&cx->arena, c[1]);
    for (size_t i = 0; i < LF_COUNT(people); i++)
        if (!strcmp(people[i].area, code) && people[i].post_kind && !strcmp(people[i].post_kind, "officer"))
            return LF_OK;
    for (size_t i = 0; i < LF_COUNT(dead_corners); i++)
        if (!strcmp(dead_corners[i], code))
            return LF_OK;
    lf_id id;
    lf_rc rc = lf_account_add(cx, lf_printf(&cx->arena, "o%s", code), lf_printf(&cx->arena, "演示网格员（%s）", name), "officer", code,
                              t->hash, &id);
    if (!rc)
        rc = add_post(cx, id, code, lf_printf(&cx->arena, "%s网格员", name), "officer");
    if (rc)
        *err = cx->err;
    return rc;
}

static lf_rc add_town_officers(struct lf_ctx *cx, const char *dir, const char *hash)
{
    struct towns t = { cx, hash };
    int fd = open(lf_printf(&cx->arena, "%s/areas.csv", dir), O_RDONLY | O_CLOEXEC);
    lf_rc rc = fd < 0 ? LF_EIO : lf_table_read(LF_CSV, fd, town_officer, &t, &cx->err);
    if (fd >= 0)
        close(fd);
    return rc;
}

static lf_rc add_people(struct lf_ctx *cx, const char *dir)
{
    char hash[128];
    lf_rc rc = lf_password_hash(cx, LF_TEXT(PASSWORD), hash);
    if (!rc)
        rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    for (int i = 0; !rc && i < (int)LF_COUNT(people); i++) {
        lf_id id;
        rc = lf_account_add(cx, people[i].login, people[i].name, people[i].role, people[i].area, hash, &id);
        if (!rc && people[i].post)
            rc = add_post(cx, id, people[i].area, people[i].post, people[i].post_kind);
    }
    if (!rc)
        rc = add_town_officers(cx, dir, hash);
    return lf_tx_end(cx, rc);
}

lf_rc app_has_people(struct lf_ctx *cx, bool *has)
{
    int64_t n = 0;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(cx, lf_res_count(cx, &account_res, &(struct lf_query){ 0 }, 1, &n));
    *has = n > 0;
    return rc;
}

lf_rc app_demo_fill(struct lf_ctx *cx, const char *dir)
{
    bool filled;
    lf_rc rc = app_has_people(cx, &filled);
    if (rc || filled)
        return rc;
    if ((rc = load_file(cx, dir, "areas.csv", "area")))
        return rc;
    for (int i = 0; i < cx->app->nroom; i++) /* the look-up table has to know the areas before anything is placed */
        if (cx->app->room[i]->start && (rc = cx->app->room[i]->start(cx)))
            return rc;
    if ((rc = load_file(cx, dir, "zones.csv", "zone")) || (rc = load_file(cx, dir, "sources.csv", "source")) ||
        (rc = load_file(cx, dir, "stations.csv", "station")) || (rc = load_file(cx, dir, "limits.csv", "limit_value")))
        return rc;
    if ((rc = load_file(cx, dir, "duties.csv", "grid_duty")) || (rc = load_file(cx, dir, "plans.csv", "patrol_plan")) ||
        (rc = load_file(cx, dir, "scheme.csv", "assess_scheme")))
        return rc;
    return add_people(cx, dir);
}
