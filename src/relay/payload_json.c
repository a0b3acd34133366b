/* payload_json.c - {"timestamp":..., "kind":"rtd", "metrics":[{"name":"a34004","value":35.2,"quality":"N"}, ...]}: the shape of a
 * Sparkplug payload, with readable members. */
#include "relay/payload_int.h"

#include <jansson.h>

static lf_text text_of(const json_t *j)
{
    return json_is_string(j) ? (lf_text){ json_string_value(j), (uint32_t)json_string_length(j) } : (lf_text){ 0 };
}

/* Milliseconds as Sparkplug has them, or an ISO 8601 text. */
static bool time_of(const json_t *j, lf_ms *out)
{
    if (json_is_string(j))
        return lf_ms_parse_iso(text_of(j), out);
    if (!json_is_integer(j))
        return false;
    out->ms = json_integer_value(j);
    return true;
}

/* False when the member is there and is neither a number nor null. */
static bool number_of(const json_t *j, double *out)
{
    *out = json_is_number(j) ? json_number_value(j) : (double)NAN;
    return !j || json_is_null(j) || json_is_number(j);
}

static bool text_or_none(struct payload_reader *p, const json_t *j, lf_text *out)
{
    char digits[24];
    *out = (lf_text){ 0 };
    if (json_is_string(j))
        *out = text_of(j);
    else if (json_is_integer(j)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(j));
        *out = lf_text_copy(p->arena, lf_str(digits));
    }
    return !j || json_is_null(j) || out->n;
}

struct common {
    lf_ms at;
    bool timed;
    lf_text kind;
};

/* NULL, or what is wrong with *field. */
static const char *read_metric(struct payload_reader *p, const json_t *m, struct payload_row *in, const char **field)
{
    const json_t *at = json_object_get(m, *field = "timestamp");
    if (!json_is_object(m))
        return "应为对象 | an object is wanted";
    if (at)
        in->timed = time_of(at, &in->at);
    in->name = text_of(json_object_get(m, "name"));
    if (!number_of(json_object_get(m, *field = "value"), &in->value))
        return "数值应为数字 | the value must be a number";
    if (!number_of(json_object_get(m, *field = "min"), &in->vmin) || !number_of(json_object_get(m, *field = "max"), &in->vmax))
        return "最小值和最大值应为数字 | minimum and maximum must be numbers";
    if (!text_or_none(p, json_object_get(m, *field = "quality"), &in->quality))
        return "质量标记应为字母或数字 | the quality must be a letter or a number";
    lf_text kind;
    if (!text_or_none(p, json_object_get(m, *field = "kind"), &kind) || !text_or_none(p, json_object_get(m, *field = "unit"), &in->unit))
        return "应为文字 | a text is wanted";
    in->kind = kind.n ? kind : in->kind;
    return NULL;
}

static lf_rc document(struct payload_reader *p, const json_t *doc, struct lf_err *err)
{
    const json_t *list = json_object_get(doc, "metrics"), *at = json_object_get(doc, "timestamp"), *one;
    struct common all = { .kind = text_of(json_object_get(doc, "kind")) };
    size_t i;
    if (!json_is_array(list) || !json_array_size(list))
        return lf_err_set(err, LF_EINVAL, "metrics", "缺少 metrics 数组 | an array “metrics” is wanted");
    if (at && !(all.timed = time_of(at, &all.at)))
        return lf_err_set(err, LF_EINVAL, "timestamp", "时间应为毫秒数或 ISO 8601 | the time must be milliseconds or ISO 8601");
    lf_text id = text_of(json_object_get(doc, "id"));
    if (id.n)
        p->id = lf_text_copy(p->arena, id);
    json_array_foreach(list, i, one)
    {
        if (!payload_room(p, err))
            return LF_ETOOBIG;
        struct payload_row in = { .row = (int)i + 1, .at = all.at, .timed = all.timed, .kind = all.kind };
        const char *field, *bad = read_metric(p, one, &in, &field);
        if (bad)
            payload_refuse(p, in.row, field, bad);
        else
            payload_take(p, &in);
    }
    return LF_OK;
}

lf_rc payload_json(struct payload_reader *p, lf_text doc, struct lf_err *err)
{
    json_error_t e;
    json_t *j = json_loadb(doc.p, doc.n, JSON_REJECT_DUPLICATES, &e);
    if (!json_is_object(j)) {
        json_decref(j);
        return lf_err_set(err, LF_EINVAL, "body", "内容不是有效的 JSON（第 %d 行） | this is not valid JSON (line %d)", e.line, e.line);
    }
    lf_rc rc = document(p, j, err);
    json_decref(j);
    return rc;
}
