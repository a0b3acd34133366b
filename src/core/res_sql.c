#include "core/res_sql.h"

#include <inttypes.h>

struct lf_build lf_build_start(struct lf_ctx *cx) { return (struct lf_build){ .cx = cx, .sql = lf_out_memory(1 << 20) }; }

void lf_b_arg(struct lf_build *b, struct lf_val v)
{
    if (b->n == (int)LF_COUNT(b->arg) - 2 * LF_SCOPE_MAX)
        b->sql.failed = 1; /* more values than any honest query has */
    if (b->sql.failed)
        return;
    b->arg[b->n++] = v;
    lf_putf(&b->sql, "$%d", b->n);
}

const char *lf_b_text(struct lf_build *b)
{
    const char *s = lf_strn(&b->cx->arena, lf_out_text(&b->sql));
    lf_out_close(&b->sql);
    return lf_sql_scope(b->cx, s, b->arg, &b->n);
}

const char *lf_sql_columns(struct lf_ctx *cx, const struct lf_res *r, bool labels)
{
    struct lf_out o = lf_out_memory(0);
    for (int i = 0; i < r->nfield; i++)
        lf_putf(&o, "%sr.%s", i ? ", " : "", r->field[i].name);
    for (int i = 0; labels && i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        const struct lf_res *to = f->ref ? lf_app_res(cx->app, lf_str(f->ref)) : NULL;
        if (!to)
            continue;
        lf_putf(&o, ", (SELECT t.%s FROM %s t WHERE t.id = r.%s)", lf_res_flagged(to, LF_TITLE)->name, to->name, f->name);
    }
    const char *s = lf_strn(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    return s;
}

const char *lf_sql_scope_of(struct lf_arena *a, const struct lf_res *r)
{
    const struct lf_field *f = lf_res_flagged(r, LF_SCOPED);
    return f ? lf_printf(a, "@scope(r.%s)", f->name) : "1 = 1";
}

lf_rc lf_row_insert(struct lf_ctx *cx, const struct lf_res *r, void *row)
{
    struct lf_build b = lf_build_start(cx);
    lf_putf(&b.sql, "/* %s.insert */ INSERT INTO %s (", r->name, r->name);
    for (int i = 1; i < r->nfield; i++)
        lf_putf(&b.sql, "%s%s", i > 1 ? ", " : "", r->field[i].name);
    lf_put_str(&b.sql, ") VALUES (");
    for (int i = 1; i < r->nfield; i++) {
        if (i > 1)
            lf_put_str(&b.sql, ", ");
        lf_b_arg(&b, lf_member(&r->field[i], row));
    }
    lf_put_str(&b.sql, ") RETURNING id");
    const char *sql = lf_b_text(&b);
    struct lf_val id = { .t = LF_T_ID };
    lf_rc rc = lf_sql_one(cx, sql, b.arg, b.n, &id, 1);
    return rc ? rc : lf_member_set(cx, &r->field[0], row, id);
}

lf_rc lf_row_update(struct lf_ctx *cx, const struct lf_res *r, const void *row, int64_t version_was)
{
    struct lf_build b = lf_build_start(cx);
    lf_putf(&b.sql, "/* %s.update */ UPDATE %s SET ", r->name, r->name);
    for (int i = 1; i < r->nfield; i++) {
        lf_putf(&b.sql, "%s%s = ", i > 1 ? ", " : "", r->field[i].name);
        lf_b_arg(&b, lf_member(&r->field[i], row));
    }
    lf_put_str(&b.sql, " WHERE id = ");
    lf_b_arg(&b, lf_val_id(lf_row_id(row)));
    lf_put_str(&b.sql, " AND version = ");
    lf_b_arg(&b, lf_val_int(version_was));
    const char *sql = lf_b_text(&b);
    int64_t changed = 0;
    lf_rc rc = lf_sql_run(cx, sql, b.arg, b.n, &changed);
    if (rc)
        return rc;
    return changed == 1 ? LF_OK
                        : lf_fail(cx, LF_ECONFLICT, "version",
                                  "别人刚刚改过，请刷新后再试 | somebody else has just changed it, reload and try again");
}

void lf_row_labels(struct lf_cur *cur, const struct lf_res *r, lf_text *label)
{
    for (int i = 0, k = r->nfield; i < r->nfield; i++) {
        const struct lf_res *to = r->field[i].ref ? lf_app_res(cur->cx->app, lf_str(r->field[i].ref)) : NULL;
        struct lf_val v = { .t = LF_T_TEXT, .null = true };
        if (to)
            lf_cur_get(cur, k++, &v);
        if (to && lf_res_flagged(to, LF_TITLE)->flags & LF_BOTH)
            v.s = lf_lang_pick(v.s, cur->cx->lang);
        label[i] = v.null ? (lf_text){ 0 } : v.s;
    }
}

lf_rc lf_row_fetch(struct lf_ctx *cx, const struct lf_res *r, lf_id id, bool lock, void *row, lf_text *ref_label)
{
    struct lf_build b = lf_build_start(cx);
    lf_putf(&b.sql, "/* %s.get */ SELECT %s FROM %s r WHERE r.id = ", r->name, lf_sql_columns(cx, r, ref_label != NULL), r->name);
    lf_b_arg(&b, lf_val_int(id.v));
    lf_putf(&b.sql, " AND %s%s", lf_sql_scope_of(&cx->arena, r), lock ? lf_sql_locking(cx) : "");
    const char *sql = lf_b_text(&b);
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, sql, b.arg, b.n, 0, &cur);
    if (rc)
        return rc;
    rc = lf_cur_next(&cur);
    if (rc == LF_ROW) {
        rc = lf_row_fill(&cur, r->field, r->nfield, row);
        if (ref_label)
            lf_row_labels(&cur, r, ref_label);
        if (!rc && ref_label && r->in_words)
            r->in_words(cx, row, ref_label);
    } else if (rc == LF_DONE) {
        rc = lf_fail(cx, LF_ENOTFOUND, "id",
                     "没有编号为 %" PRId64 " 的%s，或不在您的网格内 | there is no %s %" PRId64 ", or it is outside your area", id.v, r->zh,
                     r->en, id.v);
    }
    lf_cur_close(&cur);
    return rc;
}
