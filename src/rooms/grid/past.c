/* past.c - places as they were. A place whose outline, name or duties change from a day on keeps the version before, so that what was
 * found, sent and decided is looked up under the grid of its own day. Codes are never reused (GB/T 2260: abolished codes stay so). */
#include "rooms/grid/parts.h"

struct past {
    lf_id id;
    int64_t version;
    lf_text grid_code, name;
    bool generated;
    lf_text duty, shape;
    lf_day from_day, to_day;
};
#define F(m, zh, en, ...) LF_FIELD(struct past, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "代码", "Code", .flags = LF_READONLY | LF_LIST | LF_FILTER | LF_SCOPED),
    F(name, "当时名称", "Name then", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH),
    F(generated, "演示用生成边界", "Outline generated for the demonstration", .flags = LF_READONLY | LF_LIST),
    F(duty, "当时职责", "Duties then", .flags = LF_READONLY | LF_LONG),
    F(shape, "当时边界", "Outline then", .flags = LF_READONLY | LF_SHAPE),
    F(from_day, "起", "From", .flags = LF_READONLY | LF_LIST),
    F(to_day, "止", "Until", .flags = LF_READONLY | LF_LIST | LF_FILTER),
};
#undef F

const struct lf_res area_past_res = {
    .name = "area_past",
    .zh = "历史网格",
    .en = "Places as they were",
    .icon = "grid",
    .menu = 66,
    .size = sizeof(struct past),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .sort = "-to_day",
};

static bool changed(const struct grid_area *now, const struct grid_area *was)
{
    return !lf_text_eq(now->shape, was->shape) || !lf_text_eq(now->name, was->name) || !lf_text_eq(now->duty, was->duty);
}

/* With a new first day the change is a new version; without, it puts right what was wrong. */
static bool new_version(const struct lf_change *ch)
{
    const struct grid_area *now = ch->row, *was = ch->was;
    return was && changed(now, was) && now->from_day.v != was->from_day.v && now->from_day.v != LF_NULL32;
}

lf_rc grid_area_dates(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct grid_area *now = ch->row, *was = ch->was;
    if (now->from_day.v != LF_NULL32 && now->to_day.v != LF_NULL32 && now->to_day.v < now->from_day.v)
        return lf_fail(cx, LF_EINVAL, "to_day", "停用日期早于启用日期 | it ends before it begins");
    if (new_version(ch) && was->from_day.v != LF_NULL32 && now->from_day.v <= was->from_day.v)
        return lf_fail(cx, LF_EINVAL, "from_day", "新版本的启用日期应晚于原版本 | a new version begins after the one before");
    return LF_OK;
}

lf_rc grid_area_saved(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct grid_area *now = ch->row, *was = ch->was;
    if (!new_version(ch))
        return LF_OK;
    struct past *p = lf_alloc(&cx->arena, sizeof *p);
    struct lf_change past = { .row = p };
    lf_row_clear(fields, LF_COUNT(fields), p);
    p->grid_code = was->code;
    p->name = was->name;
    p->generated = was->generated;
    p->duty = was->duty;
    p->shape = was->shape;
    p->from_day = was->from_day;
    p->to_day = (lf_day){ now->from_day.v - 1 };
    struct lf_as before = lf_as_system(cx);
    lf_rc rc = lf_res_create(cx, &area_past_res, &past);
    lf_as_back(cx, &before);
    return rc;
}
