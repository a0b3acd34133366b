/* res_read.c - lists: filter, sort, search, keyset paging, streaming. */
#include "core/res_sql.h"
#include "core/value.h"

#include <sodium.h>
#include <stdio.h>

struct order {
    const struct lf_field *f;
    bool desc;
};

static lf_rc parse_sort(struct lf_ctx *cx, const struct lf_res *r, lf_text s, struct order *o)
{
    if (!s.n)
        s = lf_str(r->sort ? r->sort : "-id");
    o->desc = s.p[0] == '-';
    if (o->desc)
        s.p++, s.n--;
    o->f = lf_res_field(r, s);
    bool id = o->f == &r->field[0];
    if (!o->f || !(id || (o->f->flags & LF_FILTER)))
        return lf_fail(cx, LF_EINVAL, "sort", "不能按“%.*s”排序 | cannot sort by “%.*s”", (int)s.n, s.p, (int)s.n, s.p);
    return LF_OK;
}

/* ---- filters ---------------------------------------------------------------------------- */

static lf_rc filter_range(struct lf_build *b, const struct lf_field *f, lf_text value, bool to)
{
    struct lf_val v;
    lf_rc rc = lf_val_parse(b->cx, f, value, &v);
    if (rc || v.null)
        return rc;
    lf_day day; /* "to" a day means to its end */
    if (to && f->type == LF_T_MS && lf_day_parse(value, &day))
        v.i += LF_DAY_MS - 1;
    lf_putf(&b->sql, " AND r.%s %s ", f->name, to ? "<=" : ">=");
    lf_b_arg(b, v);
    return LF_OK;
}

/* A prefix of a hierarchical code: everything below it. */
static void filter_grid(struct lf_build *b, const struct lf_field *f, lf_text code)
{
    lf_putf(&b->sql, " AND r.%s >= ", f->name);
    lf_b_arg(b, lf_val_text(code));
    lf_putf(&b->sql, " AND r.%s < ", f->name);
    lf_b_arg(b, lf_val_str(lf_printf(&b->cx->arena, "%.*s~", (int)code.n, code.p)));
}

/* A set: rows that have any of them; the names may be joined by ',' as in every filter. */
static lf_rc filter_set(struct lf_build *b, const struct lf_field *f, lf_text values)
{
    struct lf_val v;
    char *s = lf_strn(&b->cx->arena, values);
    for (char *c = s; *c; c++)
        *c = *c == ',' ? ';' : *c;
    lf_rc rc = lf_val_parse(b->cx, f, lf_str(s), &v);
    if (rc)
        return rc;
    lf_putf(&b->sql, v.null || !v.i ? " AND r.%s = 0" : " AND (r.%s & ", f->name);
    if (v.null || !v.i)
        return LF_OK;
    lf_b_arg(b, v);
    lf_put_str(&b->sql, ") <> 0");
    return LF_OK;
}

static lf_rc filter_any(struct lf_build *b, const struct lf_field *f, lf_text values)
{
    if (lf_field_is_set(f))
        return filter_set(b, f, values);
    lf_putf(&b->sql, " AND r.%s IN (", f->name);
    int n = 0;
    while (values.n) {
        const char *comma = f->type == LF_T_TEXT ? NULL : memchr(values.p, ',', values.n);
        lf_text one = { values.p, comma ? (uint32_t)(comma - values.p) : values.n };
        values = comma ? (lf_text){ comma + 1, values.n - one.n - 1 } : (lf_text){ "", 0 };
        struct lf_val v;
        lf_rc rc = lf_val_parse(b->cx, f, one, &v);
        if (rc)
            return rc;
        if (n++)
            lf_put_str(&b->sql, ", ");
        if (n > 64)
            return lf_fail(b->cx, LF_EINVAL, f->name, "筛选值太多 | too many values in the filter");
        lf_b_arg(b, v);
    }
    if (!n)
        lf_put_str(&b->sql, "NULL");
    lf_put_c(&b->sql, ')');
    return LF_OK;
}

static lf_rc filter_bbox(struct lf_build *b, const struct lf_res *r, lf_text s)
{
    double w, south, e, n;
    char tail;
    if (!lf_res_field(r, LF_TEXT("lon")) || !lf_res_field(r, LF_TEXT("lat")) ||
        sscanf(lf_strn(&b->cx->arena, s), "%lf,%lf,%lf,%lf%c", &w, &south, &e, &n, &tail) != 4)
        return lf_fail(b->cx, LF_EINVAL, "bbox", "范围应为 西,南,东,北 | bbox must be west,south,east,north");
    const double v[] = { w, e, south, n };
    static const char *const text[] = { " AND r.lon >= ", " AND r.lon <= ", " AND r.lat >= ", " AND r.lat <= " };
    for (int i = 0; i < 4; i++) {
        lf_put_str(&b->sql, text[i]);
        lf_b_arg(b, lf_val_real(v[i]));
    }
    return LF_OK;
}

static lf_rc filter_one(struct lf_build *b, const struct lf_res *r, struct lf_filter x)
{
    if (lf_text_is(x.name, "bbox"))
        return filter_bbox(b, r, x.value);
    int range = x.name.n > 5 && !memcmp(x.name.p, "from_", 5) ? 5 : x.name.n > 3 && !memcmp(x.name.p, "to_", 3) ? 3 : 0;
    const struct lf_field *f = lf_res_field(r, x.name);
    if (!f && range)
        f = lf_res_field(r, (lf_text){ x.name.p + range, x.name.n - (uint32_t)range });
    else
        range = 0;
    if (!f || !(f->flags & (LF_FILTER | LF_SCOPED)))
        return lf_fail(b->cx, LF_EINVAL, lf_strn(&b->cx->arena, x.name), "不能按“%.*s”筛选 | cannot filter by “%.*s”", (int)x.name.n,
                       x.name.p, (int)x.name.n, x.name.p);
    if (range)
        return filter_range(b, f, x.value, range == 3);
    if (f->flags & LF_SCOPED) {
        filter_grid(b, f, x.value);
        return LF_OK;
    }
    return filter_any(b, f, x.value);
}

static void search(struct lf_build *b, const struct lf_res *r, lf_text q)
{
    struct lf_out like = lf_out_memory(4096);
    lf_put_c(&like, '%');
    for (uint32_t i = 0; i < q.n && i < 200; i++) {
        if (strchr("%_\\", q.p[i]))
            lf_put_c(&like, '\\');
        lf_put_c(&like, q.p[i]);
    }
    lf_put_c(&like, '%');
    struct lf_val v = lf_val_text(lf_text_copy(&b->cx->arena, lf_out_text(&like)));
    lf_out_close(&like);
    lf_put_str(&b->sql, " AND (0 = 1");
    for (int i = 0; i < r->nfield; i++) {
        if (!(r->field[i].flags & LF_SEARCH))
            continue;
        lf_putf(&b->sql, " OR lower(r.%s) LIKE lower(", r->field[i].name);
        lf_b_arg(b, v);
        lf_put_str(&b->sql, ") ESCAPE '\\'");
    }
    lf_put_c(&b->sql, ')');
}

/* Who sees a county or more finds a page of it sooner by walking the order of the list than by sorting all he sees; SQLite,
 * which does not know how much that is, would sort. Codes of counties have 6 digits (GB/T 2260). */
static bool sees_much(const struct lf_scope *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->range[i].lo.n > 6)
            return false;
    return true;
}

static lf_rc where(struct lf_build *b, const struct lf_res *r, const struct lf_query *q, bool page)
{
    const struct lf_field *grid = lf_res_flagged(r, LF_SCOPED);
    if (grid && page && sees_much(&b->cx->scope))
        lf_putf(&b->sql, " FROM %s r WHERE @scope(%sr.%s)", r->name, lf_sql_no_index(b->cx), grid->name);
    else
        lf_putf(&b->sql, " FROM %s r WHERE %s", r->name, lf_sql_scope_of(&b->cx->arena, r));
    for (int i = 0; i < q->nfilter; i++) {
        lf_rc rc = filter_one(b, r, q->filter[i]);
        if (rc)
            return rc;
    }
    if (q->q.n)
        search(b, r, q->q);
    return b->sql.failed ? lf_fail(b->cx, LF_EINVAL, NULL, "筛选值太多 | too many values in the filters") : LF_OK;
}

/* ---- keyset paging ------------------------------------------------------------------------- */

static bool nullable(const struct lf_res *r, const struct lf_field *f) { return f != &r->field[0] && !(f->flags & LF_REQUIRED); }

/* A cursor is base64url of '=' or '~' (null), the value of the sort field, 0x1f, the id. */
static lf_text cursor_make(struct lf_ctx *cx, const struct order *o, const void *row)
{
    struct lf_val v = lf_member(o->f, row);
    lf_text x = lf_val_exact(&cx->arena, v);
    const char *raw = lf_printf(&cx->arena, "%c%.*s\x1f%lld", v.null ? '~' : '=', (int)x.n, x.n ? x.p : "", (long long)lf_row_id(row).v);
    size_t n = strlen(raw), cap = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return lf_str(
        sodium_bin2base64(lf_alloc(&cx->arena, cap), cap, (const unsigned char *)raw, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
}

static lf_rc cursor_where(struct lf_build *b, const struct lf_res *r, const struct order *o, lf_text after)
{
    struct lf_ctx *cx = b->cx;
    char *raw = lf_alloc(&cx->arena, (size_t)after.n + 1);
    size_t n = 0;
    const char *sep = NULL;
    if (!sodium_base642bin((unsigned char *)raw, after.n, after.p, after.n, NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) &&
        n > 1)
        sep = memrchr(raw, 0x1f, n);
    struct lf_val v, id;
    if (!sep || (raw[0] != '=' && raw[0] != '~'))
        return lf_fail(cx, LF_EINVAL, "after", "翻页标记无效，请重新查询 | the page cursor is not valid, search again");
    lf_rc rc = lf_val_from_exact(cx, &r->field[0], (lf_text){ sep + 1, (uint32_t)(raw + n - sep - 1) }, &id);
    if (!rc && raw[0] == '=')
        rc = lf_val_from_exact(cx, o->f, (lf_text){ raw + 1, (uint32_t)(sep - raw - 1) }, &v);
    if (rc)
        return rc;
    const char *beyond = o->desc ? "<" : ">", *name = o->f->name;
    if (raw[0] == '~') { /* nulls come last either way */
        lf_putf(&b->sql, " AND r.%s IS NULL AND r.id %s ", name, beyond);
        lf_b_arg(b, id);
        return LF_OK;
    }
    lf_putf(&b->sql, " AND (r.%s %s ", name, beyond);
    lf_b_arg(b, v);
    lf_putf(&b->sql, " OR (r.%s = ", name);
    lf_b_arg(b, v);
    lf_putf(&b->sql, " AND r.id %s ", beyond);
    lf_b_arg(b, id);
    lf_put_c(&b->sql, ')');
    if (nullable(r, o->f))
        lf_putf(&b->sql, " OR r.%s IS NULL", name);
    lf_put_c(&b->sql, ')');
    return LF_OK;
}

static void order_by(struct lf_build *b, const struct lf_res *r, const struct order *o)
{
    const char *dir = o->desc ? "DESC" : "ASC";
    if (o->f == &r->field[0])
        lf_putf(&b->sql, " ORDER BY r.id %s", dir);
    else
        lf_putf(&b->sql, " ORDER BY r.%s %s%s, r.id %s", o->f->name, dir, nullable(r, o->f) ? " NULLS LAST" : "", dir);
}

lf_rc lf_res_each(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, lf_row_fn fn, void *user, lf_text *next)
{
    struct order o;
    *next = (lf_text){ 0 };
    lf_rc rc = lf_allowed(cx, r->name, "read");
    if (!rc)
        rc = parse_sort(cx, r, q->sort, &o);
    if (rc)
        return rc;
    struct lf_build b = lf_build_start(cx);
    lf_putf(&b.sql, "/* %s.list */ SELECT %s", r->name, lf_sql_columns(cx, r, true));
    rc = where(&b, r, q, true);
    if (!rc && q->after.n)
        rc = cursor_where(&b, r, &o, q->after);
    if (rc) {
        lf_out_close(&b.sql);
        return rc;
    }
    order_by(&b, r, &o);
    if (q->limit)
        lf_putf(&b.sql, " LIMIT %d", q->limit + 1);
    const char *sql = lf_b_text(&b);
    struct lf_cur cur;
    if ((rc = lf_sql_open(cx, sql, b.arg, b.n, q->limit ? 0 : LF_SQL_STREAM, &cur)))
        return rc;
    void *row = lf_alloc(&cx->arena, r->size), *last = lf_alloc(&cx->arena, r->size);
    lf_text *label = lf_alloc(&cx->arena, sizeof *label * (size_t)r->nfield);
    int n = 0;
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        if (q->limit && n++ == q->limit) {
            *next = cursor_make(cx, &o, last);
            rc = LF_DONE;
            break;
        }
        rc = lf_row_fill(&cur, r->field, r->nfield, row);
        lf_row_labels(&cur, r, label);
        if (!rc && r->in_words)
            r->in_words(cx, row, label);
        if (!rc)
            rc = fn(user, cx, row, label);
        if (rc)
            break;
        memcpy(last, row, r->size);
        if (!q->limit)
            lf_arena_back(&cx->arena, mark);
    }
    lf_cur_close(&cur);
    return rc == LF_DONE ? LF_OK : rc;
}

lf_rc lf_res_count(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, int64_t most, int64_t *n)
{
    lf_rc rc = lf_allowed(cx, r->name, "read");
    if (rc)
        return rc;
    struct lf_build b = lf_build_start(cx);
    lf_putf(&b.sql, "/* %s.count */ SELECT count(*) FROM (SELECT 1", r->name);
    if ((rc = where(&b, r, q, false))) {
        lf_out_close(&b.sql);
        return rc;
    }
    lf_putf(&b.sql, " LIMIT %lld) x", (long long)most);
    const char *sql = lf_b_text(&b);
    struct lf_val v = { .t = LF_T_INT };
    if ((rc = lf_sql_one(cx, sql, b.arg, b.n, &v, 1)))
        return rc;
    *n = v.i;
    return LF_OK;
}

lf_rc lf_res_find(struct lf_ctx *cx, const struct lf_res *r, const char *column, lf_text is, lf_id *id)
{
    struct lf_val v = { .t = LF_T_ID };
    const struct lf_val arg[] = { lf_val_text(is) };
    const char *sql = lf_printf(&cx->arena, "SELECT id FROM %s WHERE %s = $1 ORDER BY id LIMIT 1", r->name, column);
    lf_rc rc = lf_sql_one(cx, sql, arg, 1, &v, 1);
    *id = (lf_id){ v.i };
    return rc;
}

lf_rc lf_res_get(struct lf_ctx *cx, const struct lf_res *r, lf_id id, void *row)
{
    lf_rc rc = lf_allowed(cx, r->name, "read");
    return rc ? rc : lf_row_fetch(cx, r, id, false, row, NULL);
}
