#include "rooms/grid/parts.h"

#include "base/log.h"
#include "geo/geo.h"
#include "grid_sql.h"

LF_ENUM_DICT(grid_level, GRID_LEVELS);
LF_ENUM_DICT(grid_post, GRID_POSTS);

/* ---- codes ------------------------------------------------------------------------------------------
 * GB/T 2260 (6 digits), GB/T 10114 (+3), statistical division code (+3), and our own cell serial "-NN". */

static const uint32_t code_length[] = {
    [GRID_PROVINCE] = 2, [GRID_CITY] = 4, [GRID_COUNTY] = 6, [GRID_TOWN] = 9, [GRID_VILLAGE] = 12, [GRID_CELL] = 15
};

enum grid_level grid_level_of(lf_text code)
{
    for (unsigned i = 0; i < LF_COUNT(code_length); i++)
        if (code.n <= code_length[i])
            return (enum grid_level)i;
    return GRID_CELL;
}

lf_text grid_parent(lf_text code)
{
    unsigned level = grid_level_of(code);
    return level == GRID_PROVINCE ? (lf_text){ 0 } : (lf_text){ code.p, code_length[level - 1] };
}

static bool grid_code_good(lf_text code, enum grid_level level)
{
    if (code.n != code_length[level])
        return false;
    for (uint32_t i = 0; i < code.n; i++) {
        bool dash = level == GRID_CELL && i == 12;
        if (dash ? code.p[i] != '-' : code.p[i] < '0' || code.p[i] > '9')
            return false;
    }
    return true;
}

/* ---- areas -------------------------------------------------------------------------------------------- */

#define F(m, zh, en, ...) LF_FIELD(struct grid_area, m, zh, en, __VA_ARGS__)
static const struct lf_field area_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(code, "代码", "Code", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER | LF_SEARCH | LF_SCOPED, .max = 15),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(level, "级别", "Level", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &grid_level_dict),
    F(parent_code, "上级代码", "Parent", .flags = LF_READONLY | LF_LIST),
    F(generated, "演示用生成边界", "Outline generated for the demonstration", .flags = LF_LIST | LF_FILTER),
    F(duty, "职责", "Duties", .flags = LF_LONG),
    F(shape, "边界", "Outline", .flags = LF_SHAPE),
    F(from_day, "启用日期", "In use from", .flags = 0),
    F(to_day, "停用日期", "In use until", .flags = LF_FILTER),
    F(successor, "继任代码", "Replaced by", .max = 15),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

static lf_rc area_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct grid_area *a = ch->row;
    struct lf_shape_facts facts;
    a->level = grid_level_of(a->code);
    a->parent_code = grid_parent(a->code);
    if (!a->parent_code.p)
        a->parent_code = LF_TEXT("");
    if (!grid_code_good(a->code, a->level))
        return lf_fail(cx, LF_EINVAL, "code",
                       "代码应为 2、4、6、9、12 位数字，网格再加 -NN | a code has 2, 4, 6, 9 or 12 digits, a cell -NN more");
    lf_rc rc = grid_area_dates(cx, ch);
    if (rc || !a->shape.n)
        return rc;
    rc = lf_shape_check(a->shape, &facts, &cx->err);
    if (rc)
        cx->err.field = "shape";
    return rc;
}

static void area_committed(struct lf_app *app, const struct lf_change *ch)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    if (grid_reload(&cx))
        lf_log(LF_WARN, "grid: %s", cx.err.msg);
    lf_ctx_free(&cx);
}

const struct lf_res area_res = {
    .name = "area",
    .zh = "区划与网格",
    .en = "Divisions and cells",
    .icon = "grid",
    .menu = 60,
    .size = sizeof(struct grid_area),
    .field = area_fields,
    .nfield = LF_COUNT(area_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "code",
    .check = area_check,
    .saved = grid_area_saved,
    .committed = area_committed,
};

/* ---- posts: 定人员, 定任务 ------------------------------------------------------------------------------- */

struct post {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    enum grid_post kind;
    lf_id account_id;
    lf_text task;
    lf_day from_day, to_day;
};
#define F(m, zh, en, ...) LF_FIELD(struct post, m, zh, en, __VA_ARGS__)
static const struct lf_field post_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15),
    F(title, "岗位", "Post", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(kind, "类别", "Kind", .flags = LF_LIST | LF_FILTER, .dict = &grid_post_dict),
    F(account_id, "人员", "Person", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "account"),
    F(task, "任务", "Task", .flags = LF_LONG),
    F(from_day, "上岗日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "离岗日期", "Until", .flags = LF_LIST | LF_FILTER),
};
#undef F

static lf_rc post_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct post *p = ch->row;
    struct grid_code_known_row known = { 0 };
    lf_rc rc = grid_code_known(cx, p->grid_code, &known);
    if (rc)
        return rc;
    if (!known.n)
        return lf_fail(cx, LF_EINVAL, "grid_code", "没有这个网格或功能区 | there is no such place or zone");
    if (p->to_day.v != LF_NULL32 && p->to_day.v < p->from_day.v)
        return lf_fail(cx, LF_EINVAL, "to_day", "离岗日期早于上岗日期 | the post ends before it begins");
    return LF_OK;
}

const struct lf_res post_res = {
    .name = "post",
    .zh = "网格岗位",
    .en = "Grid posts",
    .icon = "id",
    .menu = 61,
    .size = sizeof(struct post),
    .field = post_fields,
    .nfield = LF_COUNT(post_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "grid_code",
    .check = post_check,
};

/* ---- functional zones: a committee that governs places of several divisions ---------------------------------- */

struct zone {
    lf_id id;
    int64_t version;
    lf_text code, name, members;
};
#define F(m, zh, en, ...) LF_FIELD(struct zone, m, zh, en, __VA_ARGS__)
static const struct lf_field zone_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(code, "代码", "Code", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .max = 15,
      .help = "以 Z 开头，如 Z370371 | begins with Z, such as Z370371"),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(members, "所辖地方代码", "Member places", .flags = LF_REQUIRED | LF_LIST,
      .help = "区划代码，空格分隔，最多 16 个 | codes of places, separated by blanks, at most 16"),
};
#undef F

static lf_text next_member(lf_text *rest)
{
    while (rest->n && rest->p[0] == ' ')
        rest->p++, rest->n--;
    lf_text w = { rest->p, 0 };
    while (rest->n && rest->p[0] != ' ')
        rest->p++, rest->n--, w.n++;
    return w;
}

static lf_rc zone_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct zone *z = ch->row;
    lf_text rest = z->members;
    int n = 0;
    if (!z->code.n || z->code.p[0] != 'Z')
        return lf_fail(cx, LF_EINVAL, "code", "功能区代码以 Z 开头 | the code of a zone begins with Z");
    for (lf_text w; (w = next_member(&rest)).n; n++)
        if (!grid_code_good(w, grid_level_of(w)))
            return lf_fail(cx, LF_EINVAL, "members", "“%.*s”不是区划代码 | “%.*s” is no code of a place", (int)w.n, w.p, (int)w.n, w.p);
    return n && n <= LF_SCOPE_MAX
               ? LF_OK
               : lf_fail(cx, LF_EINVAL, "members", "应有 1 至 %d 个地方 | 1 to %d places are wanted", LF_SCOPE_MAX, LF_SCOPE_MAX);
}

static lf_rc zone_saved(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct zone *z = ch->row;
    lf_text rest = z->members;
    lf_rc rc = grid_zone_clear(cx, z->code, NULL);
    for (lf_text w; !rc && (w = next_member(&rest)).n;)
        rc = grid_zone_add(cx, z->code, w, NULL);
    return rc;
}

const struct lf_res zone_res = {
    .name = "zone",
    .zh = "功能区",
    .en = "Functional zones",
    .icon = "layers",
    .menu = 62,
    .size = sizeof(struct zone),
    .field = zone_fields,
    .nfield = LF_COUNT(zone_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .unscoped = "a zone lies across divisions; what it governs is public",
    .sort = "code",
    .check = zone_check,
    .saved = zone_saved,
};

#define ON \
    { \
        "on", "日期，默认今天 | a day, default today", false \
    }
static const struct lf_param areas_ask[] = { { "level", "province … cell", true },
                                             { "parent", "上级代码 | code of the place above", false },
                                             ON };
static const struct lf_param locate_ask[] = {
    { "lon", "经度 | longitude", true }, { "lat", "纬度 | latitude", true }, { "datum", "cgcs2000, wgs84, gcj02", false }, ON
};
static const struct lf_param cover_ask[] = { { "level", "检查的级别，默认 town | the level that is checked, default town", false }, ON };
static const struct lf_route routes[] = {
    { "GET", "/api/v1/grid/areas", "", LF_TX_READ, grid_areas, "区划边界", "Outlines of one level", .param = areas_ask,
      .nparam = LF_COUNT(areas_ask) },
    { "GET", "/api/v1/grid/locate", "", LF_TX_READ, grid_locate, "定位所属网格", "Which grid a point lies in, and who answers for it",
      .param = locate_ask, .nparam = LF_COUNT(locate_ask) },
    { "GET", "/api/v1/grid/tree", "", LF_TX_READ, grid_tree, "区划树", "The places below one" },
    { "GET", "/api/v1/grid/coverage", "post.read", LF_TX_READ, grid_coverage, "全覆盖检查",
      "Dead corners: places without an officer, posts without a person, ground in no place", .param = cover_ask,
      .nparam = LF_COUNT(cover_ask) },
};
static const struct lf_job jobs[] = { { "grid_follow", 5, grid_follow }, { "grid_gaps", 600, grid_gaps } };
static const struct lf_res *const types[] = {
    &area_res, &post_res, &zone_res, &grid_duty_res, &absence_res, &grid_gap_res, &area_past_res
};
const struct lf_room grid_room = {
    .name = "grid",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = grid_migrations,
    .nmigration = LF_COUNT(grid_migrations),
    .start = grid_reload,
};
