/* rights.c - what each right lets its holder do, in words: those of the moves that ask for it, or of what the kernel does with records. */
#include "core/kernel.h"

struct words {
    const char *zh, *en;
};
/* The kernel's own rights; can: what a record type must allow for the right to mean anything. */
static const struct {
    const char *name;
    unsigned can;
    struct words words;
} basic[] = {
    { "read", 0, { "查看", "View" } },
    { "create", LF_CAN_CREATE, { "新建", "Create" } },
    { "edit", LF_CAN_EDIT, { "修改", "Edit" } },
    { "import", LF_CAN_IMPORT, { "导入", "Import" } },
    { "export", 0, { "导出", "Export" } },
    { "reveal", 0, { "查看密封信息", "Look at sealed data" } },
    { "supervise", 0, { "超期升级时受理", "Be told of what is overdue" } },
};

static bool asked_by_route(const struct lf_app *app, const char *right)
{
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nroute; k++)
            if (!strcmp(app->room[i]->route[k].right, right))
                return true;
    return false;
}

static void add(struct lf_arena *a, struct words *w, const char *zh, const char *en)
{
    w->zh = w->zh ? lf_printf(a, "%s、%s", w->zh, zh) : zh;
    w->en = w->en ? lf_printf(a, "%s, %s", w->en, en) : en;
}

/* The part of the right after "room."; NULL when it is another room's. */
static const char *what_of(const struct lf_res *r, const char *right)
{
    size_t n = strlen(r->name);
    return strncmp(right, r->name, n) || right[n] != '.' ? NULL : right + n + 1;
}

/* No words: nothing asks for the right, it is there only so that every room has the same ones. */
static struct words words_of(struct lf_ctx *cx, const struct lf_res *r, const char *right)
{
    struct words w = { 0 };
    const char *what = what_of(r, right);
    for (size_t i = 0; i < LF_COUNT(basic); i++)
        if (!strcmp(what, basic[i].name) && (!basic[i].can || (r->can & basic[i].can) || asked_by_route(cx->app, right)))
            w = basic[i].words;
    for (int i = 0; i < r->nverb; i++)
        if (!strcmp(what, r->verb[i].right))
            add(&cx->arena, &w, r->verb[i].zh, r->verb[i].en);
    for (int i = 0; i < cx->app->nroom; i++)
        for (const struct lf_right *o = cx->app->room[i]->own_rights; o && o->name; o++)
            if (!strcmp(o->name, right))
                add(&cx->arena, &w, o->zh, o->en);
    return w;
}

void lf_rights_json(struct lf_ctx *cx, struct lf_json *j)
{
    lf_json_arr(j);
    for (int i = 0; i < cx->app->nres; i++) {
        const struct lf_res *r = cx->app->res[i];
        lf_json_obj(j);
        lf_json_kstr(j, "room", r->name);
        lf_json_kstr(j, "zh", r->zh);
        lf_json_kstr(j, "en", r->en);
        lf_json_key(j, "items");
        lf_json_arr(j);
        for (int k = 0; k < cx->app->nright; k++) {
            const char *right = cx->app->right[k];
            struct words w = what_of(r, right) ? words_of(cx, r, right) : (struct words){ 0 };
            if (!w.zh)
                continue;
            lf_json_obj(j);
            lf_json_kstr(j, "name", right);
            lf_json_kstr(j, "zh", w.zh);
            lf_json_kstr(j, "en", w.en);
            lf_json_kbool(j, "perm", lf_perm_has(&cx->perms, k));
            lf_json_end_obj(j);
        }
        lf_json_end_arr(j);
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}
