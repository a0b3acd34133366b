#include "core/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static lf_rc bad(struct lf_ctx *cx, const struct lf_field *f, const char *zh, const char *en)
{
    return lf_fail(cx, LF_EINVAL, f->name, "“%s”%s | %s %s", f->zh, zh, f->en, en);
}

static bool parse_int(lf_text s, int64_t *out)
{
    char b[24], *end;
    if (s.n == 0 || s.n >= sizeof b)
        return false;
    memcpy(b, s.p, s.n);
    b[s.n] = 0;
    if (!(*b == '-' || (*b >= '0' && *b <= '9')))
        return false;
    long long v = strtoll(b, &end, 10);
    if (*end || v == INT64_MIN || v == INT64_MAX)
        return false;
    *out = v;
    return true;
}

static bool parse_real(lf_text s, double *out)
{
    char b[64], *end;
    if (s.n == 0 || s.n >= sizeof b)
        return false;
    memcpy(b, s.p, s.n);
    b[s.n] = 0;
    if (b[strspn(b, "+-0123456789.eE")])
        return false;
    *out = strtod(b, &end);
    return *end == 0 && end != b && isfinite(*out);
}

/* "12", "12.5", "12.50" yuan -> fen, without a detour through binary fractions. */
static bool parse_yuan(lf_text s, int64_t *fen)
{
    bool minus = s.n && s.p[0] == '-';
    int64_t v = 0;
    int decimals = -1;
    for (uint32_t i = minus; i < s.n; i++) {
        char c = s.p[i];
        if (c == ',' && decimals < 0)
            continue;
        if (c == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (c < '0' || c > '9' || (decimals >= 0 && ++decimals > 2) || v > INT64_MAX / 1000)
            return false;
        v = v * 10 + (c - '0');
    }
    if (s.n == (uint32_t)minus)
        return false;
    for (int d = decimals < 0 ? 0 : decimals; d < 2; d++)
        v *= 10;
    *fen = minus ? -v : v;
    return true;
}

static lf_text trim(lf_text s)
{
    while (s.n && (unsigned char)s.p[0] <= ' ')
        s.p++, s.n--;
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

static bool parse_bool(lf_text s, int64_t *out)
{
    static const char *const yes[] = { "1", "true", "是", "yes" }, *const no[] = { "0", "false", "否", "no" };
    for (size_t i = 0; i < LF_COUNT(yes); i++) {
        if (lf_text_is(s, yes[i]) || lf_text_is(s, no[i])) {
            *out = lf_text_is(s, yes[i]);
            return true;
        }
    }
    return false;
}

static bool parse_enum(const struct lf_dict *d, lf_text s, struct lf_val *out)
{
    for (unsigned i = 0; i < d->n; i++)
        if (lf_text_is(s, d->item[i].code) || lf_text_is(s, d->item[i].zh) || lf_text_is(s, d->item[i].en)) {
            out->i = i;
            out->s = lf_str(d->item[i].code);
            return true;
        }
    return false;
}

/* "a;b" by codes or labels in either language; also with the wide semicolon. "0" is the empty set. */
static bool parse_set(const struct lf_dict *d, lf_text s, int64_t *out)
{
    *out = 0;
    while (s.n) {
        struct lf_val one = { 0 };
        uint32_t n = 0, sep = 0;
        for (; n < s.n && !sep; n += !sep)
            sep = s.p[n] == ';' ? 1 : s.n - n >= 3 && memcmp(s.p + n, "；", 3) == 0 ? 3 : 0;
        lf_text word = trim((lf_text){ s.p, n });
        s = (lf_text){ s.p + n + sep, s.n - n - sep };
        if (word.n && !lf_text_is(word, "0") && !parse_enum(d, word, &one))
            return false;
        if (word.n && !lf_text_is(word, "0"))
            *out |= (int64_t)1 << one.i;
    }
    return true;
}

lf_rc lf_val_parse(struct lf_ctx *cx, const struct lf_field *f, lf_text s, struct lf_val *out)
{
    *out = (struct lf_val){ .t = f->type };
    if (f->type != LF_T_TEXT)
        s = trim(s);
    if (s.n == 0) {
        out->null = true;
        return LF_OK;
    }
    lf_day day;
    lf_ms ms;
    if (lf_field_is_set(f))
        return parse_set(f->dict, s, &out->i) ? LF_OK : bad(cx, f, "没有这一项", "has no such choice");
    switch (f->type) {
    case LF_T_TEXT: out->s = s; return LF_OK;
    case LF_T_ID:
    case LF_T_INT: return parse_int(s, &out->i) ? LF_OK : bad(cx, f, "应为整数", "must be a whole number");
    case LF_T_MONEY: return parse_yuan(s, &out->i) ? LF_OK : bad(cx, f, "应为金额（元，最多两位小数）", "must be an amount in yuan");
    case LF_T_REAL: return parse_real(s, &out->d) ? LF_OK : bad(cx, f, "应为数字", "must be a number");
    case LF_T_BOOL: return parse_bool(s, &out->i) ? LF_OK : bad(cx, f, "应为“是”或“否”", "must be yes or no");
    case LF_T_ENUM: return parse_enum(f->dict, s, out) ? LF_OK : bad(cx, f, "没有这一项", "has no such choice");
    case LF_T_DAY:
        if (!lf_day_parse(s, &day))
            return bad(cx, f, "应为日期，如 2026-11-24", "must be a day such as 2026-11-24");
        out->i = day.v;
        return LF_OK;
    case LF_T_MS:
        if (lf_day_parse(s, &day))
            ms = lf_day_start(day);
        else if (!lf_ms_parse_iso(s, &ms))
            return bad(cx, f, "应为时间，如 2026-11-24 08:30:00", "must be a time such as 2026-11-24 08:30:00");
        out->i = ms.ms;
        return LF_OK;
    case LF_T_BLOB: break;
    }
    return lf_fail(cx, LF_EBUG, f->name, "no text form");
}

lf_text lf_val_exact(struct lf_arena *a, struct lf_val v)
{
    if (v.null)
        return (lf_text){ 0 };
    if (v.t == LF_T_TEXT || v.t == LF_T_ENUM)
        return v.s;
    if (v.t == LF_T_REAL)
        return lf_str(lf_printf(a, "%.17g", v.d));
    return lf_str(lf_printf(a, "%" PRId64, v.i));
}

lf_rc lf_val_from_exact(struct lf_ctx *cx, const struct lf_field *f, lf_text s, struct lf_val *out)
{
    *out = (struct lf_val){ .t = f->type, .s = s };
    bool ok = f->type == LF_T_TEXT || (f->type == LF_T_ENUM && parse_enum(f->dict, s, out)) ||
              (f->type == LF_T_REAL && parse_real(s, &out->d)) || parse_int(s, &out->i);
    return ok ? LF_OK : lf_fail(cx, LF_EINVAL, "after", "翻页标记无效，请重新查询 | the page cursor is not valid, search again");
}

static lf_rc fit_text(struct lf_ctx *cx, const struct lf_field *f, lf_text s)
{
    uint32_t max = f->max > 0 ? (uint32_t)f->max : f->flags & LF_SHAPE ? 4u << 20 : f->flags & LF_LONG ? 20000 : 4000;
    if (s.n > max)
        return lf_fail(cx, LF_EINVAL, f->name, "“%s”太长，最多 %u 字节 | %s is too long, at most %u bytes", f->zh, max, f->en, max);
    if (s.n && memchr(s.p, 0, s.n))
        return bad(cx, f, "含有不允许的字符", "has a character that is not allowed");
    return LF_OK;
}

lf_rc lf_val_fit(struct lf_ctx *cx, const struct lf_field *f, const struct lf_val *v)
{
    if (v->null)
        return LF_OK;
    if (f->type == LF_T_TEXT)
        return fit_text(cx, f, v->s);
    if (lf_field_is_set(f) && (v->i < 0 || v->i >> f->dict->n))
        return bad(cx, f, "没有这一项", "has no such choice");
    bool number = f->type == LF_T_INT || f->type == LF_T_REAL || f->type == LF_T_MONEY;
    double x = f->type == LF_T_REAL ? v->d : (double)v->i;
    if (number && f->max > f->min && (x < f->min || x > f->max))
        return lf_fail(cx, LF_EINVAL, f->name, "“%s”应在 %g 与 %g 之间 | %s must be between %g and %g", f->zh, f->min, f->max, f->en,
                       f->min, f->max);
    return LF_OK;
}

static lf_rc set_from_json(struct lf_ctx *cx, const struct lf_field *f, const json_t *j, struct lf_val *out)
{
    out->i = 0;
    if (!json_is_array(j))
        return bad(cx, f, "应为代码列表", "must be a list of codes");
    for (size_t i = 0; i < json_array_size(j); i++) {
        struct lf_val one = { 0 };
        const char *code = json_string_value(json_array_get(j, i));
        if (!code || !parse_enum(f->dict, lf_str(code), &one))
            return bad(cx, f, "没有这一项", "has no such choice");
        out->i |= (int64_t)1 << one.i;
    }
    return LF_OK;
}

static void json_set(struct lf_json *j, const struct lf_field *f, int64_t set)
{
    lf_json_arr(j);
    for (unsigned i = 0; i < f->dict->n; i++)
        if (set >> i & 1)
            lf_json_str(j, f->dict->item[i].code);
    lf_json_end_arr(j);
}

lf_text lf_set_text(struct lf_arena *a, const struct lf_field *f, int64_t set, bool english)
{
    const char *s = "";
    for (unsigned i = 0; i < f->dict->n; i++)
        if (set >> i & 1)
            s = lf_printf(a, "%s%s%s", s, *s ? ";" : "", english ? f->dict->item[i].en : f->dict->item[i].zh);
    return lf_str(s);
}

static lf_rc from_json(struct lf_ctx *cx, const struct lf_field *f, const json_t *j, struct lf_val *out)
{
    *out = (struct lf_val){ .t = f->type };
    if (json_is_null(j)) {
        out->null = true;
        return LF_OK;
    }
    if (lf_field_is_set(f))
        return set_from_json(cx, f, j, out);
    lf_text s = json_is_string(j) ? (lf_text){ json_string_value(j), (uint32_t)json_string_length(j) } : (lf_text){ 0 };
    switch (f->type) {
    case LF_T_TEXT:
        if (!s.p)
            return bad(cx, f, "应为文字", "must be text");
        out->s = s;
        out->null = s.n == 0;
        return LF_OK;
    case LF_T_ENUM:
    case LF_T_DAY:
    case LF_T_MS:
        if (!s.p)
            return bad(cx, f, "应为文字", "must be text");
        return lf_val_parse(cx, f, s, out);
    case LF_T_ID:
    case LF_T_INT:
    case LF_T_MONEY:
        if (!json_is_integer(j))
            return bad(cx, f, "应为整数", "must be a whole number");
        out->i = json_integer_value(j);
        return LF_OK;
    case LF_T_REAL:
        if (!json_is_number(j))
            return bad(cx, f, "应为数字", "must be a number");
        out->d = json_number_value(j);
        return LF_OK;
    case LF_T_BOOL:
        if (!json_is_boolean(j))
            return bad(cx, f, "应为 true 或 false", "must be true or false");
        out->i = json_is_true(j);
        return LF_OK;
    case LF_T_BLOB: break;
    }
    return lf_fail(cx, LF_EBUG, f->name, "no JSON form");
}

lf_text lf_json_dump(struct lf_arena *a, const json_t *x)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT, n = json_dumpb(x, NULL, 0, flags);
    char *s = lf_alloc(a, n + 1);
    return n ? (lf_text){ s, (uint32_t)json_dumpb(x, s, n, flags) } : (lf_text){ 0 };
}

void lf_json_val(struct lf_json *j, const struct lf_field *f, struct lf_val v)
{
    char b[32];
    if (v.null) {
        lf_json_null(j);
        return;
    }
    if (lf_field_is_set(f)) {
        json_set(j, f, v.i);
        return;
    }
    switch (f->type) {
    case LF_T_TEXT:
    case LF_T_ENUM: lf_json_text(j, v.s); break;
    case LF_T_REAL: lf_json_real(j, v.d); break;
    case LF_T_BOOL: lf_json_bool(j, v.i != 0); break;
    case LF_T_DAY: lf_json_str(j, lf_day_iso(b, (lf_day){ (int32_t)v.i })); break;
    case LF_T_MS: lf_json_str(j, lf_ms_iso(b, (lf_ms){ v.i })); break;
    default: lf_json_int(j, v.i); break;
    }
}

void lf_row_json(const struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, unsigned want, const void *row,
                 const lf_text *ref_label, bool reveal)
{
    for (int i = 0; i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        bool base = i < 2; /* id and version go with every answer */
        if ((f->flags & LF_HIDDEN) || (want && !base && !(f->flags & want)))
            continue;
        struct lf_val v = lf_member_read(f, row, cx->lang);
        bool sealed = (f->flags & LF_MASKED) && !reveal;
        lf_json_key(j, f->name);
        if (sealed)
            lf_json_null(j);
        else
            lf_json_val(j, f, v);
        if (sealed && !v.null) {
            char key[80];
            snprintf(key, sizeof key, "%s_sealed", f->name);
            lf_json_kbool(j, key, true);
        }
        if (ref_label && ref_label[i].p) {
            char key[80];
            snprintf(key, sizeof key, "%s_label", f->name);
            lf_json_ktext(j, key, ref_label[i]);
        }
    }
}

/* What a reader was given comes back: the other half stays. */
static bool same_half(const struct lf_field *f, const void *row, struct lf_val v)
{
    return f->flags & LF_BOTH && v.s.n &&
           (lf_text_eq(v.s, lf_member_read(f, row, LF_ZH).s) || lf_text_eq(v.s, lf_member_read(f, row, LF_EN).s));
}

lf_rc lf_row_from_json(struct lf_ctx *cx, const struct lf_res *r, const json_t *obj, unsigned not, void *row)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)obj, key, value)
    {
        const struct lf_field *f = lf_res_field(r, lf_str(key));
        const char *name = lf_printf(&cx->arena, "%s", key);
        if (!strcmp(key, "version") || !strcmp(key, "id"))
            continue; /* handled by the caller */
        if (!f || (f->flags & LF_HIDDEN))
            return lf_fail(cx, LF_EINVAL, name, "没有“%s”这个字段 | there is no field “%s”", name, name);
        if (f->flags & not )
            return lf_fail(cx, LF_EINVAL, f->name, "“%s”不能在这里填写 | %s cannot be set here", f->zh, f->en);
        struct lf_val v;
        lf_rc rc = from_json(cx, f, value, &v);
        if (!rc)
            rc = lf_val_fit(cx, f, &v);
        if (!rc && !same_half(f, row, v))
            rc = lf_member_set(cx, f, row, v);
        if (rc)
            return rc;
    }
    return LF_OK;
}
