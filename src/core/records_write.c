/* records_write.c - creating, editing, moving, commenting; looking at what is sealed. */
#include "core/file.h"
#include "core/records.h"
#include "core/res_sql.h"
#include "core/value.h"

static lf_rc want_body(struct lf_ctx *cx, const struct lf_call *c)
{
    return c->body ? LF_OK : lf_fail(cx, LF_EINVAL, "body", "请求内容应为 JSON | the body must be JSON");
}

static lf_rc body_version(struct lf_ctx *cx, const struct lf_call *c, int64_t *version)
{
    const json_t *v = json_object_get(c->body, "version");
    if (!json_is_integer(v))
        return lf_fail(cx, LF_EINVAL, "version", "请带上您看到的版本号 | say which version you saw");
    *version = json_integer_value(v);
    return LF_OK;
}

static lf_rc body_files(struct lf_ctx *cx, const struct lf_call *c, struct lf_change *ch)
{
    const json_t *list = json_object_get(c->body, "files");
    size_t n = json_array_size(list);
    if (n > 20)
        return lf_fail(cx, LF_EINVAL, "files", "一次最多 20 个附件 | at most 20 files at a time");
    struct lf_file_use *f = lf_alloc(&cx->arena, (n + 1) * sizeof *f);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        const json_t *hash = json_is_object(x) ? json_object_get(x, "hash") : x,
                     *name = json_is_object(x) ? json_object_get(x, "name") : NULL;
        if (!json_is_string(hash))
            return lf_fail(cx, LF_EINVAL, "files", "附件格式不对 | a file must be given by its hash");
        f[i].hash = lf_str(json_string_value(hash));
        if (json_is_string(name))
            f[i].name = (lf_text){ json_string_value(name), (uint32_t)json_string_length(name) };
        if (f[i].name.n > 255)
            return lf_fail(cx, LF_EINVAL, "files", "文件名太长 | the file name is too long");
    }
    ch->file = f;
    ch->nfile = (int)n;
    const json_t *note = json_object_get(c->body, "note");
    if (json_is_string(note))
        ch->note = (lf_text){ json_string_value(note), (uint32_t)json_string_length(note) };
    if (ch->note.n > 20000)
        return lf_fail(cx, LF_EINVAL, "note", "说明太长 | the note is too long");
    return LF_OK;
}

lf_rc lf_record_create(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct lf_change *ch = c->change;
    lf_rc rc = want_body(cx, c);
    if (rc)
        return rc;
    *ch = (struct lf_change){ .row = lf_alloc(&cx->arena, r->size) };
    lf_row_clear(r->field, r->nfield, ch->row);
    if ((rc = lf_row_from_json(cx, r, c->body, LF_READONLY, ch->row)) || (rc = lf_res_create(cx, r, ch)))
        return rc;
    c->changed = true;
    c->res->status = 201;
    return lf_record_put(cx, c, r, lf_row_id(ch->row), false);
}

struct apply {
    const struct lf_res *r;
    const json_t *fields;
};

static lf_rc apply_edit(void *user, struct lf_ctx *cx, void *row)
{
    struct apply *a = user;
    return lf_row_from_json(cx, a->r, a->fields, LF_READONLY | LF_ONCE, row);
}

lf_rc lf_record_edit(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    int64_t version;
    struct apply a = { r, c->body };
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = body_version(cx, c, &version);
    if (!rc)
        rc = lf_res_edit(cx, r, at->id, version, apply_edit, &a, c->change);
    if (rc)
        return rc;
    c->changed = true;
    return lf_record_put(cx, c, r, at->id, false);
}

/* A move may set only what its `sets` names, read-only or not: the table of moves is the permission. */
static lf_rc apply_move(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    struct apply *a = user;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a->fields, key, value)
    {
        size_t n = strlen(key);
        bool ok = false;
        for (const char *const *s = v->sets; s && *s; s++)
            ok = ok || (!strncmp(*s, key, n) && (!(*s)[n] || !strcmp(*s + n, "!")));
        if (!ok)
            return lf_fail(cx, LF_EINVAL, lf_printf(&cx->arena, "%s", key), "“%s”不能填写 %s | %s cannot set %s", v->zh, key, v->en, key);
    }
    return lf_row_from_json(cx, a->r, a->fields, 0, row);
}

lf_rc lf_record_move(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    int64_t version;
    struct apply a = { r, json_object_get(c->body, "fields") };
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = body_version(cx, c, &version);
    if (!rc)
        rc = body_files(cx, c, c->change);
    if (!rc)
        rc = lf_res_move(cx, r, at->id, version, at->verb->name, a.fields ? apply_move : NULL, &a, c->change);
    if (rc)
        return rc;
    c->changed = true;
    /* The move may have taken the row out of the caller's area: then there is nothing more to show. */
    struct lf_err keep = cx->err;
    rc = lf_record_put(cx, c, r, at->id, false);
    if (rc != LF_ENOTFOUND)
        return rc;
    cx->err = keep;
    c->res->status = 204;
    return LF_OK;
}

lf_rc lf_record_comment(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    struct lf_change ch = { 0 };
    if (r->trail)
        return lf_fail(cx, LF_EDENIED, NULL, "“%s”只能查看 | %s can only be read", r->zh, r->en);
    lf_rc rc = want_body(cx, c);
    if (!rc)
        rc = body_files(cx, c, &ch);
    if (!rc)
        rc = lf_res_comment(cx, r, at->id, ch.note, ch.file, ch.nfile);
    if (rc)
        return rc;
    c->res->status = 201;
    lf_put_str(&c->res->body, "{}");
    return LF_OK;
}

/* Looking at a sealed member is an act of its own: with the right, with a reason, and in the audit trail. */
lf_rc lf_record_reveal(struct lf_ctx *cx, struct lf_call *c, const struct lf_res *r, const struct lf_record_call *at)
{
    const char *note = json_string_value(json_object_get(c->body, "note"));
    lf_rc rc;
    if (!note || !*note)
        return lf_fail(cx, LF_EINVAL, "note", "请说明查看理由 | say why you need to see it");
    void *row = lf_alloc(&cx->arena, r->size);
    if ((rc = lf_row_fetch(cx, r, at->id, false, row, NULL)))
        return rc;
    const struct lf_audit a = { .topic = r->name, .row = at->id, .grid_code = lf_row_grid(r, row), .verb = "reveal", .note = lf_str(note) };
    rc = lf_audit_write(cx, &a);
    return rc ? rc : lf_record_put(cx, c, r, at->id, true);
}
