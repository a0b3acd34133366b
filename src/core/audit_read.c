/* audit_read.c - the audit trail as records that are only read: what an entry's codes are called, and what of its changes may be shown. */
#include "core/audit.h"

#include "core/value.h"

/* ---- words ------------------------------------------------------------------------------------ */

/* Verbs of entries that are no move of a record type. */
static const struct lf_item own_words[] = { { "create", "新建", "Created" },
                                            { "edit", "修改", "Edited" },
                                            { "comment", "留言", "Comment" },
                                            { "escalate", "超期升级", "Escalated" },
                                            { "reveal", "查看密封信息", "Looked at sealed data" },
                                            { "export", "导出", "Exported" },
                                            { "readmit", "接收隔离报文", "Took in packets of the quarantine" },
                                            { "token", "发放令牌", "Gave out a token" },
                                            { "login", "登录", "Log-in" },
                                            { "login_failed", "登录失败", "Failed log-in" },
                                            { "lock_out", "锁定", "Locked out" },
                                            { "password", "修改密码", "Password changed" },
                                            { "password_reset", "重置密码", "Password reset" } };

struct lf_item lf_audit_word(const struct lf_res *r, lf_text verb)
{
    for (int i = 0; r && i < r->nverb; i++)
        if (lf_text_is(verb, r->verb[i].name))
            return (struct lf_item){ r->verb[i].name, r->verb[i].zh, r->verb[i].en };
    for (size_t i = 0; i < LF_COUNT(own_words); i++)
        if (lf_text_is(verb, own_words[i].code))
            return own_words[i];
    return (struct lf_item){ NULL, "", "" };
}

static void word_json(struct lf_json *j, const char *topic, const char *code, const char *zh, const char *en)
{
    lf_json_obj(j);
    if (topic)
        lf_json_kstr(j, "topic", topic);
    lf_json_kstr(j, "code", code);
    lf_json_kstr(j, "zh", zh);
    lf_json_kstr(j, "en", en);
    lf_json_end_obj(j);
}

lf_rc lf_audit_words(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_json *j = &c->j;
    lf_json_obj(j);
    lf_json_key(j, "topics");
    lf_json_arr(j);
    for (int i = 0; i < cx->app->nres; i++)
        word_json(j, NULL, cx->app->res[i]->name, cx->app->res[i]->zh, cx->app->res[i]->en);
    lf_json_end_arr(j);
    lf_json_key(j, "verbs");
    lf_json_arr(j);
    for (size_t i = 0; i < LF_COUNT(own_words); i++)
        word_json(j, NULL, own_words[i].code, own_words[i].zh, own_words[i].en);
    for (int i = 0; i < cx->app->nres; i++)
        for (int k = 0; k < cx->app->res[i]->nverb; k++) {
            const struct lf_verb *v = &cx->app->res[i]->verb[k];
            word_json(j, cx->app->res[i]->name, v->name, v->zh, v->en);
        }
    lf_json_end_arr(j);
    lf_json_end_obj(j);
    return LF_OK;
}

/* ---- changes ------------------------------------------------------------------------------------ */

json_t *lf_audit_changes(const struct lf_res *r, lf_text diff)
{
    json_t *all = diff.n ? json_loadb(diff.p, diff.n, 0, NULL) : NULL, *pair;
    const char *name;
    void *next;
    json_object_foreach_safe(all, next, name, pair)
    {
        const struct lf_field *f = r ? lf_res_field(r, lf_str(name)) : NULL;
        if (f && f->flags & LF_HIDDEN)
            json_object_del(all, name);
        for (size_t i = 0; f && f->flags & LF_MASKED && i < json_array_size(pair); i++)
            if (!json_is_null(json_array_get(pair, i)))
                json_array_set_new(pair, i, json_string("***"));
    }
    return all;
}

static const char *dict_word(struct lf_arena *a, const struct lf_dict *d, const char *code, bool en)
{
    unsigned i;
    if (!lf_dict_find(d, lf_str(code), &i))
        return lf_printf(a, "%s", code);
    return en ? d->item[i].en : d->item[i].zh;
}

/* A stored value as people read it, in the caller's language. */
static const char *value_word(struct lf_ctx *cx, const struct lf_field *f, const json_t *x)
{
    bool en = cx->lang == LF_EN;
    struct lf_arena *a = &cx->arena;
    if (json_is_boolean(x))
        return en ? json_is_true(x) ? "yes" : "no" : json_is_true(x) ? "是" : "否";
    if (json_is_string(x) && f && f->dict)
        return dict_word(a, f->dict, json_string_value(x), en);
    if (json_is_string(x))
        return lf_strn(a, f && f->flags & LF_BOTH ? lf_lang_pick(lf_str(json_string_value(x)), cx->lang) : lf_str(json_string_value(x)));
    if (json_is_array(x)) {
        const char *s = "";
        for (size_t i = 0; i < json_array_size(x); i++)
            s = lf_printf(a, "%s%s%s", s, *s ? en ? ", " : "、" : "", value_word(cx, f, json_array_get(x, i)));
        return s;
    }
    if (json_is_integer(x) && f && f->type == LF_T_MONEY)
        return lf_printf(a, "%.2f", (double)json_integer_value(x) / 100);
    if (json_is_integer(x))
        return lf_printf(a, "%s%lld", f && f->type == LF_T_ID ? "#" : "", (long long)json_integer_value(x));
    return json_is_real(x) ? lf_printf(a, "%.10g", json_real_value(x)) : en ? "(empty)" : "（空）";
}

/* "状态：待受理 → 已受理；…": one cell of a sheet. */
static lf_text changes_words(struct lf_ctx *cx, const struct lf_res *r, json_t *changes)
{
    struct lf_out o = lf_out_memory(0);
    bool en = cx->lang == LF_EN;
    const char *name;
    json_t *pair;
    json_object_foreach(changes, name, pair)
    {
        const struct lf_field *f = r ? lf_res_field(r, lf_str(name)) : NULL;
        lf_putf(&o, "%s%s%s", lf_out_text(&o).n ? en ? "; " : "；" : "", f ? en ? f->en : f->zh : name, en ? ": " : "：");
        if (!json_is_null(json_array_get(pair, 0)))
            lf_putf(&o, "%s → ", value_word(cx, f, json_array_get(pair, 0)));
        lf_put_str(&o, value_word(cx, f, json_array_get(pair, 1)));
    }
    lf_text t = lf_text_copy(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    return t;
}

static lf_text file_names(struct lf_ctx *cx, lf_text files)
{
    const char *s = "";
    json_t *all = files.n ? json_loadb(files.p, files.n, 0, NULL) : NULL, *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        s = lf_printf(&cx->arena, "%s%s%s", s, *s ? ", " : "", name ? name : "?");
    }
    json_decref(all);
    return *s ? lf_str(s) : (lf_text){ 0 };
}

/* ---- the record type -------------------------------------------------------------------------------- */

struct audit_row {
    lf_id id;
    int64_t version; /* always 1: an entry never changes */
    lf_ms at;
    lf_id actor;
    lf_text topic;
    lf_id row_id;
    lf_text verb, from_state, to_state, grid_code, peer, note, files, diff, hash;
};
#define F(m, zh, en, ...) LF_FIELD(struct audit_row, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "No.", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(at, "时间", "Time", .flags = LF_REQUIRED | LF_READONLY | LF_LIST | LF_FILTER),
    F(actor, "操作人", "By", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "account"),
    F(topic, "对象", "Object", .flags = LF_REQUIRED | LF_READONLY | LF_LIST | LF_FILTER),
    F(row_id, "对象编号", "Object no.", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(verb, "操作", "Action", .flags = LF_REQUIRED | LF_READONLY | LF_LIST | LF_FILTER | LF_TITLE),
    F(from_state, "原状态", "State before", .flags = LF_READONLY | LF_LIST),
    F(to_state, "新状态", "State after", .flags = LF_READONLY | LF_LIST),
    F(grid_code, "地方", "Place", .flags = LF_REQUIRED | LF_READONLY | LF_LIST | LF_FILTER | LF_SCOPED),
    F(peer, "来源地址", "From address", .flags = LF_READONLY | LF_LIST),
    F(note, "说明", "Note", .flags = LF_READONLY | LF_LIST | LF_LONG | LF_BOTH),
    F(files, "附件", "Files", .flags = LF_READONLY | LF_LONG),
    F(diff, "改动", "Changes", .flags = LF_READONLY | LF_LONG),
    F(hash, "哈希", "Hash", .flags = LF_READONLY),
};
#undef F

static void call(lf_text *label, const char *field, const char *word)
{
    if (word && *word)
        label[lf_res_field(&lf_audit_res, lf_str(field)) - fields] = lf_str(word);
}

static const char *state_word(struct lf_arena *a, const struct lf_res *r, lf_text code, bool en)
{
    const struct lf_dict *d = r ? lf_res_states(r) : NULL;
    return code.n && d ? dict_word(a, d, lf_strn(a, code), en) : NULL;
}

/* Nobody was logged in when the log-in failed; else it was the system. */
static const char *nobody(const struct audit_row *a, bool en)
{
    bool outside = lf_text_is(a->verb, "login_failed") || lf_text_is(a->verb, "lock_out");
    return outside ? en ? "Not logged in" : "未登录" : en ? "System" : "系统";
}

static void in_words(struct lf_ctx *cx, void *row, lf_text *label)
{
    struct audit_row *a = row;
    const struct lf_res *r = lf_app_res(cx->app, a->topic);
    const struct lf_item verb = lf_audit_word(r, a->verb);
    bool en = cx->lang == LF_EN;
    call(label, "topic", r ? en ? r->en : r->zh : NULL);
    call(label, "verb", en ? verb.en : verb.zh);
    call(label, "from_state", state_word(&cx->arena, r, a->from_state, en));
    call(label, "to_state", state_word(&cx->arena, r, a->to_state, en));
    if (lf_id_none(a->actor))
        call(label, "actor", nobody(a, en));
    label[lf_res_field(&lf_audit_res, LF_TEXT("files")) - fields] = file_names(cx, a->files);
    json_t *changes = lf_audit_changes(r, a->diff);
    a->diff = (lf_text){ 0 };
    if (json_object_size(changes)) {
        a->diff = lf_json_dump(&cx->arena, changes);
        label[lf_res_field(&lf_audit_res, LF_TEXT("diff")) - fields] = changes_words(cx, r, changes);
    }
    json_decref(changes);
}

const struct lf_res lf_audit_res = {
    .name = "audit",
    .zh = "审计日志",
    .en = "Audit trail",
    .icon = "shield",
    .menu = 920,
    .size = sizeof(struct audit_row),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .sort = "-at",
    .in_words = in_words,
    .trail = true,
};
