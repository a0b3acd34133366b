/* res_write.c - create, edit, move, comment: one transaction each, with scope, rules, audit and steps. */
#include "core/file.h"
#include "core/res_sql.h"
#include "core/value.h"
#include "geo/geo.h"

#include <inttypes.h>

/* ---- what the kernel sets by itself -------------------------------------------------------- */

/* A member of a row in memory; rows are structs, so it is aligned for its type. */
static void *member(void *row, const struct lf_field *f) { return (char *)row + f->off; }

static void set_ms(const struct lf_res *r, void *row, const char *name, lf_ms t)
{
    const struct lf_field *f = lf_res_field(r, lf_str(name));
    if (f && f->type == LF_T_MS)
        *(lf_ms *)member(row, f) = t;
}

static void set_id(const struct lf_res *r, void *row, const char *name, lf_id id)
{
    const struct lf_field *f = lf_res_field(r, lf_str(name));
    if (f && f->type == LF_T_ID)
        *(lf_id *)member(row, f) = id;
}

static double real_of(const struct lf_res *r, const void *row, const char *name)
{
    const struct lf_field *f = lf_res_field(r, lf_str(name));
    return f && f->type == LF_T_REAL ? *(const double *)(const void *)((const char *)row + f->off) : (double)NAN;
}

/* A row with a point gets the grid cell the point lies in; a code that somebody gave must hold that point. */
static lf_rc place(struct lf_ctx *cx, const struct lf_res *r, void *row, const void *was)
{
    const struct lf_field *g = lf_res_flagged(r, LF_SCOPED);
    struct lf_point p = { real_of(r, row, "lon"), real_of(r, row, "lat") };
    if (!g || !lf_point_ok(p))
        return LF_OK;
    lf_text *code = member(row, g);
    bool moved = !was || real_of(r, was, "lon") < p.lon || real_of(r, was, "lon") > p.lon || real_of(r, was, "lat") < p.lat ||
                 real_of(r, was, "lat") > p.lat;
    bool same = was && lf_text_eq(lf_row_grid(r, was), *code);
    if (code->n && !moved && same)
        return LF_OK;
    char found[32];
    if (!lf_geo_index_find(cx->app->index, p, found))
        return code->n ? LF_OK
                       : lf_fail(cx, LF_EINVAL, "lon",
                                 "该位置不在任何网格内，请在地图上重新选点 | this place is in no grid cell, pick it on the map again");
    if (!code->n || (moved && same)) {
        *code = lf_text_copy(&cx->arena, lf_str(found));
    } else if (strncmp(found, lf_strn(&cx->arena, *code), code->n) != 0) {
        return lf_fail(cx, LF_EINVAL, g->name, "位置在网格 %s，与填写的 %.*s 不符 | the place lies in grid %s, not in %.*s", found,
                       (int)code->n, code->p, found, (int)code->n, code->p);
    }
    return LF_OK;
}

static lf_rc check_row(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct lf_res *r = ch->res;
    lf_rc rc = place(cx, r, ch->row, ch->was);
    if (!rc && r->check)
        rc = r->check(cx, ch);
    for (int i = 0; !rc && i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        struct lf_val v = lf_member(f, ch->row);
        if ((f->flags & (LF_REQUIRED | LF_SCOPED)) && i >= 2 && v.null)
            return lf_fail(cx, LF_EINVAL, f->name, "请填写“%s” | %s is required", f->zh, f->en);
        rc = lf_val_fit(cx, f, &v);
    }
    bool anywhere = ch->verb && (ch->verb->need & LF_ANYWHERE);
    if (!rc && !anywhere && !r->unscoped && !lf_scope_has(&cx->scope, lf_row_grid(r, ch->row)))
        return lf_fail(cx, LF_EDENIED, lf_res_flagged(r, LF_SCOPED)->name, "这个位置不在您的网格内 | this place is outside your area");
    return rc;
}

/* ---- audit of a change ------------------------------------------------------------------------ */

/* {"field":[was,now]} of what differs; null text when nothing does. Sealed values are named, not shown. */
static lf_text diff_json(struct lf_ctx *cx, const struct lf_change *ch)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    int n = 0;
    lf_json_obj(&j);
    for (int i = 2; i < ch->res->nfield; i++) {
        const struct lf_field *f = &ch->res->field[i];
        struct lf_val now = lf_member(f, ch->row), was = { .t = f->type, .null = true };
        if (ch->was)
            was = lf_member(f, ch->was);
        if ((f->flags & LF_HIDDEN) || (ch->was ? lf_member_eq(f, ch->was, ch->row) : now.null))
            continue;
        n++;
        lf_json_key(&j, f->name);
        lf_json_arr(&j);
        if (f->flags & (LF_MASKED | LF_SHAPE)) {
            lf_json_str(&j, was.null ? NULL : "***");
            lf_json_str(&j, now.null ? NULL : "***");
        } else {
            lf_json_val(&j, f, was);
            lf_json_val(&j, f, now);
        }
        lf_json_end_arr(&j);
    }
    lf_json_end_obj(&j);
    lf_text t = n ? lf_text_copy(&cx->arena, lf_out_text(&o)) : (lf_text){ 0 };
    lf_out_close(&o);
    return t;
}

/* Hidden members count too, although no diff shows them. */
static bool differs(const struct lf_change *ch)
{
    for (int i = 2; i < ch->res->nfield; i++)
        if (!lf_member_eq(&ch->res->field[i], ch->was, ch->row))
            return true;
    return false;
}

static lf_rc record(struct lf_ctx *cx, struct lf_change *ch, const char *verb, lf_text diff)
{
    const struct lf_dict *st = lf_res_states(ch->res);
    struct lf_audit a = { .topic = ch->res->name,
                          .row = lf_row_id(ch->row),
                          .grid_code = lf_row_grid(ch->res, ch->row),
                          .verb = verb,
                          .note = ch->note.n ? ch->note : (lf_text){ 0 },
                          .diff = diff };
    if (st && ch->was)
        a.from = st->item[lf_row_state(ch->res, ch->was)].code;
    if (st)
        a.to = st->item[lf_row_state(ch->res, ch->row)].code;
    lf_rc rc = lf_file_attach(cx, ch, &a.files);
    return rc ? rc : lf_audit_write(cx, &a);
}

/* ---- the writes --------------------------------------------------------------------------------- */

lf_rc lf_res_create(struct lf_ctx *cx, const struct lf_res *r, struct lf_change *ch)
{
    ch->res = r;
    ch->was = NULL;
    lf_rc rc = lf_allowed(cx, r->name, "create");
    if (rc)
        return rc;
    *(int64_t *)member(ch->row, &r->field[1]) = 1;
    set_ms(r, ch->row, "created_at", lf_now());
    set_ms(r, ch->row, "updated_at", lf_now());
    set_id(r, ch->row, "created_by", cx->actor);
    if ((rc = check_row(cx, ch)) || (rc = lf_row_insert(cx, r, ch->row)))
        return rc;
    if (r->saved && (rc = r->saved(cx, ch)))
        return rc;
    if ((rc = record(cx, ch, "create", diff_json(cx, ch))))
        return rc;
    return lf_step_follow(cx, ch);
}

/* Locks the row, keeps a copy in ch->was and checks the version that the caller saw. */
static lf_rc take(struct lf_ctx *cx, const struct lf_res *r, lf_id id, int64_t version, struct lf_change *ch)
{
    ch->res = r;
    ch->row = lf_alloc(&cx->arena, r->size);
    lf_rc rc = lf_row_fetch(cx, r, id, true, ch->row, NULL);
    if (rc)
        return rc;
    ch->was = lf_copy(&cx->arena, ch->row, r->size);
    int64_t now = lf_member(&r->field[1], ch->row).i;
    if (version != LF_NULL64 && version != now)
        return lf_fail(cx, LF_ECONFLICT, "version",
                       "别人刚刚改过（您看到第 %" PRId64 " 版，现在是第 %" PRId64
                       " 版），请刷新 | somebody has changed it since (you saw %" PRId64 ", it is %" PRId64 " now), reload",
                       version, now, version, now);
    return LF_OK;
}

static lf_rc store(struct lf_ctx *cx, struct lf_change *ch)
{
    int64_t *version = member(ch->row, &ch->res->field[1]), was = *version;
    set_ms(ch->res, ch->row, "updated_at", lf_now());
    *version = was + 1;
    lf_rc rc = lf_row_update(cx, ch->res, ch->row, was);
    return !rc && ch->res->saved ? ch->res->saved(cx, ch) : rc;
}

lf_rc lf_res_edit(struct lf_ctx *cx, const struct lf_res *r, lf_id id, int64_t version,
                  lf_rc (*apply)(void *user, struct lf_ctx *cx, void *row), void *user, struct lf_change *ch)
{
    lf_rc rc = lf_allowed(cx, r->name, "edit");
    if (rc || (rc = take(cx, r, id, version, ch)) || (rc = apply(user, cx, ch->row)) || (rc = check_row(cx, ch)))
        return rc;
    if (!differs(ch))
        return LF_OK; /* no new version, no entry */
    lf_text diff = diff_json(cx, ch);
    if ((rc = store(cx, ch)) || (rc = record(cx, ch, "edit", diff)))
        return rc;
    return lf_step_follow(cx, ch);
}

static const struct lf_verb *find_verb(const struct lf_res *r, const char *name)
{
    for (int i = 0; i < r->nverb; i++)
        if (!strcmp(r->verb[i].name, name))
            return &r->verb[i];
    return NULL;
}

static lf_rc evidence(struct lf_ctx *cx, const struct lf_verb *v, struct lf_change *ch)
{
    if ((v->need & LF_NEED_NOTE) && !ch->note.n)
        return lf_fail(cx, LF_EINVAL, "note", "“%s”需要填写说明 | %s needs a note", v->zh, v->en);
    if (v->need & LF_NEED_PHOTO) {
        bool photo = false;
        lf_rc rc = lf_file_any_photo(cx, ch->file, ch->nfile, &photo);
        if (rc)
            return rc;
        if (!photo)
            return lf_fail(cx, LF_EINVAL, "files", "“%s”需要上传现场照片 | %s needs a photo", v->zh, v->en);
    }
    return LF_OK;
}

static lf_rc needed_fields(struct lf_ctx *cx, const struct lf_res *r, const struct lf_verb *v, const void *row)
{
    for (const char *const *s = v->sets; s && *s; s++) {
        lf_text name = lf_str(*s);
        if (name.p[name.n - 1] != '!')
            continue;
        name.n--;
        const struct lf_field *f = lf_res_field(r, name);
        if (lf_member(f, row).null)
            return lf_fail(cx, LF_EINVAL, f->name, "“%s”需要填写“%s” | %s needs %s", v->zh, f->zh, v->en, f->en);
    }
    return LF_OK;
}

lf_rc lf_res_move(struct lf_ctx *cx, const struct lf_res *r, lf_id id, int64_t version, const char *name,
                  lf_rc (*apply)(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row), void *user, struct lf_change *ch)
{
    const struct lf_verb *v = find_verb(r, name);
    if (!v)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "%s没有“%s”这个操作 | %s has no move “%s”", r->zh, name, r->en, name);
    lf_rc rc = lf_allowed(cx, r->name, v->right);
    if (rc || (rc = take(cx, r, id, version, ch)))
        return rc;
    ch->verb = v;
    const struct lf_dict *st = lf_res_states(r);
    unsigned now = lf_row_state(r, ch->row);
    if (!(v->from >> now & 1))
        return lf_fail(cx, LF_ECONFLICT, "state", "“%s”状态下不能“%s” | cannot %s while %s", st->item[now].zh, v->zh, v->en,
                       st->item[now].en);
    if ((rc = evidence(cx, v, ch)))
        return rc;
    if (apply && (rc = apply(user, cx, v, ch->row)))
        return rc;
    if ((rc = needed_fields(cx, r, v, ch->row)))
        return rc;
    if (v->guard && (rc = v->guard(cx, ch)))
        return rc;
    if (v->to != LF_STAY)
        *(unsigned *)member(ch->row, lf_res_field(r, LF_TEXT("state"))) = (unsigned)v->to;
    if (v->effect && (rc = v->effect(cx, ch)))
        return rc;
    lf_text diff;
    if ((rc = check_row(cx, ch)))
        return rc;
    diff = diff_json(cx, ch);
    if ((rc = store(cx, ch)) || (rc = record(cx, ch, v->name, diff)))
        return rc;
    return lf_step_follow(cx, ch);
}

uint64_t lf_res_open_verbs(struct lf_ctx *cx, const struct lf_res *r, void *row, lf_text *why)
{
    uint64_t open = 0;
    unsigned now = lf_row_state(r, row);
    for (int i = 0; i < r->nverb; i++) {
        const struct lf_verb *v = &r->verb[i];
        struct lf_err keep = cx->err;
        struct lf_change ch = { .res = r, .verb = v, .row = row, .was = row };
        if (!(v->from >> now & 1) || !lf_may(cx, r->name, v->right))
            continue;
        lf_rc rc = v->guard ? v->guard(cx, &ch) : LF_OK;
        if (rc == LF_OK)
            open |= (uint64_t)1 << i;
        if (why && rc == LF_ECONFLICT && v->to != LF_STAY) /* not "who are you" (LF_EDENIED), but "not yet" */
            why[i] = lf_text_copy(&cx->arena, lf_lang_pick(lf_str(cx->err.msg), cx->lang));
        cx->err = keep; /* a guard that says no is an answer here, not an error */
    }
    return open;
}

lf_rc lf_res_comment(struct lf_ctx *cx, const struct lf_res *r, lf_id id, lf_text note, const struct lf_file_use *file, int nfile)
{
    lf_rc rc = lf_allowed(cx, r->name, "read");
    struct lf_change ch = { .res = r, .note = note, .file = file, .nfile = nfile, .row = lf_alloc(&cx->arena, r->size) };
    if (rc || (rc = lf_row_fetch(cx, r, id, true, ch.row, NULL)))
        return rc;
    if (!note.n && !nfile)
        return lf_fail(cx, LF_EINVAL, "note", "请写点什么 | please write something");
    if (note.n > 20000)
        return lf_fail(cx, LF_EINVAL, "note", "说明太长 | the note is too long");
    return record(cx, &ch, "comment", (lf_text){ 0 });
}

/* ---- acting as the system --------------------------------------------------------------------------- */

struct lf_as lf_as_system(struct lf_ctx *cx)
{
    struct lf_as was = { cx->scope, cx->perms, cx->actor };
    cx->actor = (lf_id){ 0 };
    cx->scope = (struct lf_scope){ .n = 1, .range = { { LF_TEXT(""), LF_TEXT("~") } } };
    memset(&cx->perms, 0xff, sizeof cx->perms);
    return was;
}

void lf_as_back(struct lf_ctx *cx, const struct lf_as *before)
{
    cx->scope = before->scope;
    cx->perms = before->perms;
    cx->actor = before->actor;
}
