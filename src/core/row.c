/* row.c - members of C structs as values: from and to SQL. The only file that walks a struct by offset. */
#include "core/res.h"

#include <inttypes.h>

bool lf_dict_find(const struct lf_dict *d, lf_text code, unsigned *out)
{
    for (unsigned i = 0; i < d->n; i++)
        if (lf_text_is(code, d->item[i].code)) {
            *out = i;
            return true;
        }
    return false;
}

const struct lf_field *lf_res_field(const struct lf_res *r, lf_text name)
{
    for (int i = 0; i < r->nfield; i++)
        if (lf_text_is(name, r->field[i].name))
            return &r->field[i];
    return NULL;
}

const struct lf_field *lf_res_flagged(const struct lf_res *r, unsigned flag)
{
    for (int i = 0; i < r->nfield; i++)
        if (r->field[i].flags & flag)
            return &r->field[i];
    return NULL;
}

const struct lf_dict *lf_res_states(const struct lf_res *r)
{
    const struct lf_field *f = lf_res_field(r, LF_TEXT("state"));
    return f ? f->dict : NULL;
}

static const void *at(const struct lf_field *f, const void *row) { return (const char *)row + f->off; }

struct lf_val lf_member(const struct lf_field *f, const void *row)
{
    const void *p = at(f, row);
    struct lf_val v = { .t = f->type };
    switch (f->type) {
    case LF_T_ID: v = lf_val_id(*(const lf_id *)p); break;
    case LF_T_INT: v = lf_val_int(*(const int64_t *)p); break;
    case LF_T_REAL: v = lf_val_real(*(const double *)p); break;
    case LF_T_BOOL: v = lf_val_bool(*(const bool *)p); break;
    case LF_T_MONEY: v = lf_val_money(*(const lf_money *)p); break;
    case LF_T_DAY: v = lf_val_day(*(const lf_day *)p); break;
    case LF_T_MS: v = lf_val_ms(*(const lf_ms *)p); break;
    case LF_T_TEXT: v = lf_val_text(*(const lf_text *)p); break;
    case LF_T_ENUM: {
        unsigned e = *(const unsigned *)p;
        v.i = e;
        v.s = lf_str(f->dict->item[e < f->dict->n ? e : 0].code);
        break;
    }
    case LF_T_BLOB: v.null = true; break;
    }
    return v;
}

struct lf_val lf_member_read(const struct lf_field *f, const void *row, enum lf_lang lang)
{
    struct lf_val v = lf_member(f, row);
    if (f->flags & LF_BOTH)
        v.s = lf_lang_pick(v.s, lang);
    return v;
}

lf_rc lf_member_set(struct lf_ctx *cx, const struct lf_field *f, void *row, struct lf_val v)
{
    void *p = (char *)row + f->off;
    switch (f->type) {
    case LF_T_ID: *(lf_id *)p = (lf_id){ v.null ? 0 : v.i }; break;
    case LF_T_INT: *(int64_t *)p = v.null ? LF_NULL64 : v.i; break;
    case LF_T_MONEY: *(lf_money *)p = (lf_money){ v.null ? LF_NULL64 : v.i }; break;
    case LF_T_MS: *(lf_ms *)p = (lf_ms){ v.null ? LF_NULL64 : v.i }; break;
    case LF_T_DAY: *(lf_day *)p = (lf_day){ v.null ? LF_NULL32 : (int32_t)v.i }; break;
    case LF_T_REAL: *(double *)p = v.null ? (double)NAN : v.d; break;
    case LF_T_BOOL: *(bool *)p = !v.null && v.i; break;
    case LF_T_TEXT: *(lf_text *)p = v.null ? (lf_text){ 0 } : v.s; break;
    case LF_T_ENUM:
        if (v.null) {
            *(unsigned *)p = 0;
        } else if (!lf_dict_find(f->dict, v.s, (unsigned *)p)) {
            return lf_fail(cx, LF_EINVAL, f->name, "“%s”没有“%.*s”这一项 | %s: no such choice “%.*s”", f->zh, (int)v.s.n, v.s.p, f->en,
                           (int)v.s.n, v.s.p);
        }
        break;
    case LF_T_BLOB: return lf_fail(cx, LF_EBUG, f->name, "a record field cannot be bytes");
    }
    return LF_OK;
}

void lf_row_clear(const struct lf_field *f, int n, void *row)
{
    for (int i = 0; i < n; i++) {
        struct lf_ctx none = { 0 }; /* setting null cannot fail */
        (void)!lf_member_set(&none, &f[i], row, (struct lf_val){ .t = f[i].type, .null = true });
    }
}

lf_rc lf_row_fill(struct lf_cur *cur, const struct lf_field *f, int n, void *row)
{
    for (int i = 0; i < n; i++) {
        struct lf_val v = { .t = f[i].type };
        lf_cur_get(cur, i, &v);
        lf_rc rc = lf_member_set(cur->cx, &f[i], row, v);
        if (rc)
            return rc;
    }
    return LF_OK;
}

unsigned lf_row_state(const struct lf_res *r, const void *row)
{
    const struct lf_field *f = lf_res_field(r, LF_TEXT("state"));
    return f ? *(const unsigned *)at(f, row) : 0;
}

lf_text lf_row_title(const struct lf_res *r, const void *row, enum lf_lang lang)
{
    const struct lf_field *f = lf_res_flagged(r, LF_TITLE);
    return f ? lf_member_read(f, row, lang).s : (lf_text){ 0 };
}

lf_text lf_row_title_both(struct lf_arena *a, const struct lf_res *r, const void *row)
{
    const struct lf_field *f = lf_res_flagged(r, LF_TITLE);
    lf_text t = f ? lf_member(f, row).s : (lf_text){ 0 };
    return !t.n ? LF_TEXT("") : f->flags & LF_BOTH ? t : lf_lang_both(a, lf_strn(a, t), NULL);
}

lf_text lf_row_grid(const struct lf_res *r, const void *row)
{
    const struct lf_field *f = lf_res_flagged(r, LF_SCOPED);
    return f ? *(const lf_text *)at(f, row) : LF_TEXT("");
}

lf_id lf_row_id(const void *row) { return *(const lf_id *)row; } /* lf_res_check: id is the first member */

bool lf_member_eq(const struct lf_field *f, const void *a, const void *b)
{
    struct lf_val x = lf_member(f, a), y = lf_member(f, b);
    if (x.null || y.null)
        return x.null == y.null;
    if (f->type == LF_T_TEXT)
        return lf_text_eq(x.s, y.s);
    if (f->type == LF_T_REAL)
        return !(x.d < y.d || x.d > y.d);
    return x.i == y.i;
}
