/* meta.c - the tables told to the pages (/api/v1/meta) and to programs (OpenAPI 3.1). */
#include "core/kernel.h"

#include <stdio.h>

static const char *type_word(const struct lf_field *f)
{
    static const char *const words[] = {
        [LF_T_ID] = "id",     [LF_T_INT] = "int",     [LF_T_REAL] = "real", [LF_T_BOOL] = "bool", [LF_T_ENUM] = "enum",
        [LF_T_TEXT] = "text", [LF_T_MONEY] = "money", [LF_T_DAY] = "day",   [LF_T_MS] = "ms",     [LF_T_BLOB] = "blob"
    };
    return lf_field_is_set(f) ? "set" : words[f->type];
}

static void both(struct lf_json *j, const char *zh_key, const char *en_key, const char *text)
{
    lf_text t = lf_str(text);
    lf_json_ktext(j, zh_key, lf_lang_pick(t, LF_ZH));
    lf_json_ktext(j, en_key, lf_lang_pick(t, LF_EN));
}

static void field_json(struct lf_json *j, const struct lf_field *f)
{
    static const struct {
        const char *name;
        unsigned flag;
    } flags[] = { { "required", LF_REQUIRED },
                  { "readonly", LF_READONLY },
                  { "once", LF_ONCE },
                  { "list", LF_LIST },
                  { "filter", LF_FILTER | LF_SCOPED },
                  { "sort", LF_FILTER },
                  { "search", LF_SEARCH },
                  { "masked", LF_MASKED },
                  { "multiline", LF_LONG },
                  { "shape", LF_SHAPE },
                  { "scope", LF_SCOPED } };
    lf_json_obj(j);
    lf_json_kstr(j, "name", f->name);
    lf_json_kstr(j, "zh", f->zh);
    lf_json_kstr(j, "en", f->en);
    lf_json_kstr(j, "type", type_word(f));
    for (size_t i = 0; i < LF_COUNT(flags); i++)
        lf_json_kbool(j, flags[i].name, (f->flags & flags[i].flag) != 0);
    lf_json_kbool(j, "export", !(f->flags & LF_MASKED));
    lf_json_kstr(j, "dict", f->dict ? f->dict->name : NULL);
    lf_json_kstr(j, "ref", f->ref);
    lf_json_kstr(j, "unit", f->unit);
    if (f->max > f->min)
        lf_json_kreal(j, "min", f->min), lf_json_kreal(j, "max", f->max);
    if (f->help)
        both(j, "help_zh", "help_en", f->help);
    if (f->zero)
        both(j, "zero_zh", "zero_en", f->zero);
    lf_json_end_obj(j);
}

static void phrases_json(struct lf_json *j, const char *lines)
{
    lf_json_key(j, "phrases");
    lf_json_arr(j);
    for (const char *s = lines; s && *s;) {
        const char *end = strchrnul(s, '\n');
        lf_text line = { s, (uint32_t)(end - s) };
        lf_json_obj(j);
        lf_json_ktext(j, "zh", lf_lang_pick(line, LF_ZH));
        lf_json_ktext(j, "en", lf_lang_pick(line, LF_EN));
        lf_json_end_obj(j);
        s = *end ? end + 1 : end;
    }
    lf_json_end_arr(j);
}

static void verb_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const struct lf_verb *v)
{
    const struct lf_dict *st = lf_res_states(r);
    lf_json_obj(j);
    lf_json_kstr(j, "name", v->name);
    lf_json_kstr(j, "zh", v->zh);
    lf_json_kstr(j, "en", v->en);
    lf_json_key(j, "from");
    lf_json_arr(j);
    for (unsigned i = 0; i < st->n; i++)
        if (v->from >> i & 1)
            lf_json_str(j, st->item[i].code);
    lf_json_end_arr(j);
    lf_json_kstr(j, "to", v->to == LF_STAY ? NULL : st->item[v->to].code);
    lf_json_kbool(j, "perm", lf_may(cx, r->name, v->right));
    lf_json_kbool(j, "need_note", v->need & LF_NEED_NOTE);
    lf_json_kbool(j, "need_photo", (v->need & LF_NEED_PHOTO) != 0);
    lf_json_kbool(j, "danger", (v->need & LF_DANGER) != 0);
    lf_json_key(j, "sets");
    lf_json_arr(j);
    for (const char *const *s = v->sets; s && *s; s++)
        lf_json_str(j, *s);
    lf_json_end_arr(j);
    phrases_json(j, v->phrases);
    lf_json_end_obj(j);
}

static bool state_final(const struct lf_res *r, unsigned state)
{
    for (int i = 0; i < r->nverb; i++)
        if ((r->verb[i].from >> state & 1) && r->verb[i].to != LF_STAY && (unsigned)r->verb[i].to != state)
            return false;
    return true;
}

static void room_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r)
{
    const struct lf_dict *st = lf_res_states(r);
    bool point = lf_res_field(r, LF_TEXT("lon")) && lf_res_field(r, LF_TEXT("lat"));
    lf_json_obj(j);
    lf_json_kstr(j, "name", r->name);
    lf_json_kstr(j, "zh", r->zh);
    lf_json_kstr(j, "en", r->en);
    lf_json_kstr(j, "icon", r->icon);
    lf_json_kint(j, "order", r->menu);
    lf_json_kbool(j, "perm_read", true);
    lf_json_kbool(j, "perm_create", (r->can & LF_CAN_CREATE) && lf_may(cx, r->name, "create"));
    lf_json_kbool(j, "perm_edit", (r->can & LF_CAN_EDIT) && lf_may(cx, r->name, "edit"));
    lf_json_kbool(j, "perm_import", (r->can & LF_CAN_IMPORT) && lf_may(cx, r->name, "import"));
    lf_json_kbool(j, "perm_export", lf_may(cx, r->name, "export"));
    lf_json_kstr(j, "map", point ? "point" : lf_res_flagged(r, LF_SHAPE) ? "shape" : NULL);
    lf_json_kstr(j, "title_field", lf_res_flagged(r, LF_TITLE)->name);
    lf_json_kstr(j, "state_field", st ? "state" : NULL);
    lf_json_kstr(j, "sort", r->sort ? r->sort : "-id");
    lf_json_kbool(j, "steps", r->step != NULL);
    lf_json_key(j, "fields");
    lf_json_arr(j);
    for (int i = 0; i < r->nfield; i++)
        if (!(r->field[i].flags & LF_HIDDEN))
            field_json(j, &r->field[i]);
    lf_json_end_arr(j);
    lf_json_key(j, "verbs");
    lf_json_arr(j);
    for (int i = 0; i < r->nverb; i++)
        verb_json(cx, j, r, &r->verb[i]);
    lf_json_end_arr(j);
    lf_json_key(j, "states");
    lf_json_arr(j);
    for (unsigned i = 0; st && i < st->n; i++) {
        lf_json_obj(j);
        lf_json_kstr(j, "code", st->item[i].code);
        lf_json_kstr(j, "zh", st->item[i].zh);
        lf_json_kstr(j, "en", st->item[i].en);
        lf_json_kbool(j, "final", state_final(r, i));
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    lf_json_end_obj(j);
}

static bool dict_done(const struct lf_dict **seen, int *n, const struct lf_dict *d)
{
    for (int i = 0; i < *n; i++)
        if (seen[i] == d)
            return true;
    if (*n < 256)
        seen[(*n)++] = d;
    return false;
}

lf_rc lf_meta_json(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_json *j = &c->j;
    const struct lf_dict *seen[256];
    int nseen = 0;
    c->res->cache = "no-cache";
    lf_json_obj(j);
    lf_json_key(j, "rooms");
    lf_json_arr(j);
    for (int i = 0; i < cx->app->nres; i++)
        if (lf_may(cx, cx->app->res[i]->name, "read"))
            room_json(cx, j, cx->app->res[i]);
    lf_json_end_arr(j);
    lf_json_key(j, "dicts");
    lf_json_obj(j);
    for (int i = 0; i < cx->app->nres; i++) {
        const struct lf_res *r = cx->app->res[i];
        for (int k = 0; lf_may(cx, r->name, "read") && k < r->nfield; k++) {
            const struct lf_dict *d = r->field[k].dict;
            if (!d || dict_done(seen, &nseen, d))
                continue;
            lf_json_key(j, d->name);
            lf_json_arr(j);
            for (unsigned m = 0; m < d->n; m++) {
                lf_json_obj(j);
                lf_json_kstr(j, "code", d->item[m].code);
                lf_json_kstr(j, "zh", d->item[m].zh);
                lf_json_kstr(j, "en", d->item[m].en);
                lf_json_end_obj(j);
            }
            lf_json_end_arr(j);
        }
    }
    lf_json_end_obj(j);
    if (lf_may(cx, "role", "read")) {
        lf_json_key(j, "rights");
        lf_rights_json(cx, j);
    }
    lf_json_end_obj(j);
    return LF_OK;
}
