/* account.c - accounts and roles as records, rights, and the area that an account looks at. */
#include "core/account.h"

#include <sodium.h>

/* ---- rights ------------------------------------------------------------------------------- */

/* right is "room.what"; a pattern may say * for either, or for both, and * for all. This is asked for every right in every request. */
static bool pattern_fits(lf_text p, const char *right)
{
    static const char apart[] = "audit"; /* who may look into what others did is named: "*.read" is not meant to */
    if (lf_text_is(p, "*"))
        return true;
    if (*p.p == '*' && !strncmp(right, apart, sizeof apart - 1))
        return false;
    if (*p.p != '*' && *p.p != *right)
        return false;
    const char *s = p.p, *end = p.p + p.n, *r = right;
    if (*s == '*') {
        r = strchr(right, '.');
        s++;
    } else {
        while (s < end && *s == *r && *r && *r != '.')
            s++, r++;
    }
    if (!r || s == end || *s != '.' || *r != '.')
        return false;
    s++, r++;
    return lf_text_is((lf_text){ s, (uint32_t)(end - s) }, "*") || lf_text_is((lf_text){ s, (uint32_t)(end - s) }, r);
}

/* Takes the next blank-separated word off rest; empty at the end. */
static lf_text next_word(lf_text *rest)
{
    while (rest->n && (unsigned char)rest->p[0] <= ' ')
        rest->p++, rest->n--;
    lf_text w = { rest->p, 0 };
    while (rest->n && (unsigned char)rest->p[0] > ' ')
        rest->p++, rest->n--, w.n++;
    return w;
}

bool lf_rights_have(lf_text patterns, const char *right)
{
    for (lf_text w; (w = next_word(&patterns)).n;)
        if (pattern_fits(w, right))
            return true;
    return false;
}

/* ---- roles ---------------------------------------------------------------------------------- */

struct role {
    lf_id id;
    int64_t version;
    lf_text code, name, name_en, rights;
};
#define F(m, zh, en, ...) LF_FIELD(struct role, m, zh, en, __VA_ARGS__)
static const struct lf_field role_fields[] = {
    F(id, "编号", "No.", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(code, "代码", "Code", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .max = 40),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 100),
    F(name_en, "英文名称", "English name", .flags = LF_REQUIRED | LF_LIST, .max = 100),
    F(rights, "权限", "Rights", .flags = LF_REQUIRED | LF_LONG,
      .help = "不能授予自己没有的权限 | nobody can grant what he has not got himself"),
};
#undef F

/* Every word must fit at least one right there is: a misspelt right would give nothing, silently. */
static lf_rc role_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct role *r = ch->row;
    lf_text rest = r->rights;
    for (lf_text w; (w = next_word(&rest)).n;) {
        bool any = false;
        for (int i = 0; i < cx->app->nright && !any; i++)
            any = pattern_fits(w, cx->app->right[i]);
        if (!any)
            return lf_fail(cx, LF_EINVAL, "rights", "没有“%.*s”这种权限 | there is no right “%.*s”", (int)w.n, w.p, (int)w.n, w.p);
    }
    /* Nobody may hand out what he has not got himself. */
    for (int i = 0; i < cx->app->nright; i++)
        if (lf_rights_have(r->rights, cx->app->right[i]) && !lf_perm_has(&cx->perms, i))
            return lf_fail(cx, LF_EDENIED, "rights", "不能授予自己没有的权限 %s | you cannot grant %s, which you do not have",
                           cx->app->right[i], cx->app->right[i]);
    return LF_OK;
}

const struct lf_res role_res = {
    .name = "role",
    .zh = "角色",
    .en = "Roles",
    .icon = "key",
    .menu = 910,
    .size = sizeof(struct role),
    .field = role_fields,
    .nfield = LF_COUNT(role_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .unscoped = "roles are the same for the whole city",
    .sort = "code",
    .check = role_check,
};

/* ---- accounts -------------------------------------------------------------------------------- */

struct account {
    lf_id id;
    int64_t version;
    lf_text grid_code, login, name, phone;
    lf_id role_id;
    bool disabled, must_change;
    lf_text pass_hash; /* null until a password is set (session.c); such an account cannot log in */
    int64_t failed;
    lf_ms locked_until, created_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct account, m, zh, en, __VA_ARGS__)
static const struct lf_field account_fields[] = {
    F(id, "编号", "No.", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "管辖范围", "Area", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 40,
      .help = "区划代码、网格代码或功能区代码 | code of a division, a cell or a functional zone"),
    F(login, "登录名", "Log-in", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER | LF_SEARCH, .max = 64),
    F(name, "姓名", "Name", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_TITLE | LF_SEARCH, .max = 64),
    F(phone, "电话", "Phone", .flags = LF_LIST, .max = 32),
    F(role_id, "角色", "Role", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "role"),
    F(disabled, "停用", "Disabled", .flags = LF_LIST | LF_FILTER),
    F(must_change, "须改密码", "Must change password", .flags = LF_READONLY | LF_LIST),
    F(pass_hash, "密码哈希", "Password hash", .flags = LF_HIDDEN),
    F(failed, "连续失败次数", "Failed log-ins in a row", .flags = LF_READONLY),
    F(locked_until, "锁定至", "Locked until", .flags = LF_READONLY | LF_LIST),
    F(created_at, "建立时间", "Created", .flags = LF_READONLY | LF_LIST),
};
#undef F

static lf_rc role_rights(struct lf_ctx *cx, lf_id role, lf_text *rights)
{
    struct lf_val v = { .t = LF_T_TEXT };
    const struct lf_val arg[] = { lf_val_id(role) };
    lf_rc rc = lf_sql_one(cx, "SELECT rights FROM role WHERE id = $1", arg, 1, &v, 1);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_EINVAL, "role_id", "没有这个角色 | there is no such role");
    *rights = v.s;
    return rc;
}

static lf_rc rights_below(struct lf_ctx *cx, lf_text rights)
{
    for (int i = 0; i < cx->app->nright; i++)
        if (lf_rights_have(rights, cx->app->right[i]) && !lf_perm_has(&cx->perms, i))
            return lf_fail(cx, LF_EDENIED, "role_id", "该角色有您没有的权限 %s | this role has a right that you do not have: %s",
                           cx->app->right[i], cx->app->right[i]);
    return LF_OK;
}

lf_rc lf_account_below(struct lf_ctx *cx, lf_id account)
{
    struct lf_val v = { .t = LF_T_TEXT };
    const struct lf_val arg[] = { lf_val_id(account) };
    lf_rc rc = lf_sql_one(cx, "SELECT r.rights FROM account a JOIN role r ON r.id = a.role_id WHERE a.id = $1", arg, 1, &v, 1);
    return rc ? rc : rights_below(cx, v.s);
}

/* Nobody makes an account that can do more than he can himself. */
static lf_rc account_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct account *a = ch->row;
    if (a->failed == LF_NULL64)
        a->failed = 0;
    lf_text rights = { 0 };
    lf_rc rc = lf_id_none(a->role_id) ? LF_OK : role_rights(cx, a->role_id, &rights);
    if (!rc)
        rc = rights_below(cx, rights);
    if (rc)
        return rc;
    struct lf_scope s;
    if ((rc = lf_scope_of(cx, a->grid_code, &s)))
        return rc;
    return s.n ? LF_OK : lf_fail(cx, LF_EINVAL, "grid_code", "管辖范围代码无效 | this is no code of an area");
}

/* A disabled account, or one whose role or area changed, has to log in again. */
static lf_rc account_saved(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct account *a = ch->row, *was = ch->was;
    if (!was || (!a->disabled && a->role_id.v == was->role_id.v && lf_text_eq(a->grid_code, was->grid_code)))
        return LF_OK;
    const struct lf_val v[] = { lf_val_id(a->id) };
    return lf_sql_run(cx, "DELETE FROM session WHERE account_id = $1", v, 1, NULL);
}

const struct lf_res account_res = {
    .name = "account",
    .zh = "账号",
    .en = "Accounts",
    .icon = "user",
    .menu = 900,
    .size = sizeof(struct account),
    .field = account_fields,
    .nfield = LF_COUNT(account_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "login",
    .check = account_check,
    .saved = account_saved,
};

/* ---- areas ------------------------------------------------------------------------------------- */

lf_rc lf_scope_of(struct lf_ctx *cx, lf_text grid_code, struct lf_scope *out)
{
    *out = (struct lf_scope){ 0 };
    if (!grid_code.n)
        return LF_OK;
    if (lf_text_is(grid_code, "*")) {
        *out = (struct lf_scope){ .n = 1, .range = { { LF_TEXT(""), LF_TEXT("~") } } };
        return LF_OK;
    }
    const struct lf_val arg[] = { lf_val_text(grid_code) };
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, "SELECT member FROM scope_member WHERE code = $1 ORDER BY member", arg, 1, 0, &cur);
    if (rc)
        return rc;
    while (out->n < LF_SCOPE_MAX && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &v);
        out->range[out->n].lo = lf_text_copy(&cx->arena, v.s);
        out->range[out->n++].hi = lf_str(lf_printf(&cx->arena, "%.*s~", (int)v.s.n, v.s.p));
    }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    if (!out->n) {
        out->n = 1;
        out->range[0].lo = lf_text_copy(&cx->arena, grid_code);
        out->range[0].hi = lf_str(lf_printf(&cx->arena, "%.*s~", (int)grid_code.n, grid_code.p));
    }
    return LF_OK;
}

/* Every request asks for the rights of some role, and there are few roles: each thread remembers the last ones. */
struct granted {
    const struct lf_app *app;
    int nright;
    uint32_t n;
    char text[2000];
    struct lf_perms perms;
};

void lf_rights_grant(struct lf_ctx *cx, lf_text rights)
{
    static _Thread_local struct granted last[4];
    struct granted *g = &last[rights.n % LF_COUNT(last)];
    if (rights.n && g->app == cx->app && g->nright == cx->app->nright && g->n == rights.n && memcmp(g->text, rights.p, rights.n) == 0) {
        cx->perms = g->perms;
        return;
    }
    cx->perms = (struct lf_perms){ 0 };
    lf_text rest = rights;
    for (lf_text w; (w = next_word(&rest)).n;)
        for (int i = 0; i < cx->app->nright; i++)
            if (pattern_fits(w, cx->app->right[i]))
                lf_perm_add(&cx->perms, i);
    if (!rights.n || rights.n > sizeof g->text)
        return;
    *g = (struct granted){ .app = cx->app, .nright = cx->app->nright, .n = rights.n, .perms = cx->perms };
    memcpy(g->text, rights.p, rights.n);
}

lf_rc lf_account_find(struct lf_ctx *cx, const char *login, lf_id *id)
{
    lf_rc rc = lf_res_find(cx, &account_res, "login", lf_str(login), id);
    return rc == LF_ENOTFOUND ? lf_fail(cx, rc, NULL, "there is no account %s\nHINT: lanfan user list", login) : rc;
}

lf_rc lf_account_each(struct lf_ctx *cx, void (*fn)(const struct lf_account_line *a))
{
    struct lf_cur cur;
    lf_rc rc =
        lf_sql_open(cx,
                    "SELECT a.login, a.name, r.code, a.grid_code, a.disabled, a.must_change FROM account a JOIN role r ON r.id = a.role_id "
                    "ORDER BY a.login",
                    NULL, 0, 0, &cur);
    while (!rc && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT },
                              { .t = LF_T_TEXT }, { .t = LF_T_BOOL }, { .t = LF_T_BOOL } };
        for (int i = 0; i < (int)LF_COUNT(v); i++)
            lf_cur_get(&cur, i, &v[i]);
        fn(&(struct lf_account_line){ v[0].s, v[1].s, v[2].s, v[3].s, v[4].i != 0, v[5].i != 0 });
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc lf_login_as(struct lf_ctx *cx, lf_id account)
{
    struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_BOOL } };
    const struct lf_val arg[] = { lf_val_id(account) };
    lf_rc rc = lf_sql_one(cx, "SELECT a.grid_code, r.rights, a.disabled FROM account a JOIN role r ON r.id = a.role_id WHERE a.id = $1",
                          arg, 1, v, 3);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个账号 | there is no such account");
    if (rc)
        return rc;
    if (v[2].i)
        return lf_fail(cx, LF_EDENIED, NULL, "账号已停用 | the account is disabled");
    if ((rc = lf_scope_of(cx, v[0].s, &cx->scope)))
        return rc;
    lf_rights_grant(cx, v[1].s);
    cx->actor = account;
    return LF_OK;
}

lf_rc lf_account_fits(struct lf_ctx *cx, lf_id account, const char *right, lf_text grid_code, bool *fits)
{
    struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_BOOL } };
    const struct lf_val arg[] = { lf_val_id(account) };
    struct lf_scope s;
    *fits = false;
    lf_rc rc = lf_sql_one(cx, "SELECT a.grid_code, r.rights, a.disabled FROM account a JOIN role r ON r.id = a.role_id WHERE a.id = $1",
                          arg, 1, v, 3);
    if (rc)
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    if ((rc = lf_scope_of(cx, v[0].s, &s)))
        return rc;
    *fits = !v[2].i && lf_rights_have(v[1].s, right) && lf_scope_has(&s, grid_code);
    return LF_OK;
}

lf_rc lf_counter_next(struct lf_ctx *cx, const char *series, int64_t *n)
{
    const struct lf_val arg[] = { lf_val_str(series) };
    struct lf_val v = { .t = LF_T_INT };
    lf_rc rc = lf_sql_one(cx, "INSERT INTO counter (name, n) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = counter.n + 1 RETURNING n",
                          arg, 1, &v, 1);
    *n = v.i;
    return rc;
}

lf_rc lf_account_add(struct lf_ctx *cx, const char *login, const char *name, const char *role, const char *area, const char *password_hash,
                     lf_id *id)
{
    struct lf_val v = { .t = LF_T_ID };
    const struct lf_val arg[] = { lf_val_str(role) };
    lf_rc rc = lf_sql_one(cx, "SELECT id FROM role WHERE code = $1", arg, 1, &v, 1);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_EINVAL, "role", "there is no role %s\nHINT: admin, city, county, town or officer", role);
    if (rc)
        return rc;
    struct account a;
    lf_row_clear(account_fields, LF_COUNT(account_fields), &a);
    a.grid_code = lf_str(area);
    a.login = lf_str(login);
    a.name = lf_str(name);
    a.role_id = (lf_id){ v.i };
    a.pass_hash = lf_str(password_hash);
    a.failed = 0;
    struct lf_change ch = { .row = &a };
    rc = lf_res_create(cx, &account_res, &ch);
    *id = a.id;
    return rc;
}
