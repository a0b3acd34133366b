/* patrol.c - the records: plans, patrols, the scheme of assessment. */
#include "rooms/patrol/parts.h"

#include "base/text.h"
#include "geo/geo.h"
#include "patrol_sql.h"
#include "rooms/grid/grid.h"

LF_ENUM_DICT(patrol_state, PATROL_STATES);
LF_ENUM_DICT(patrol_indicator, PATROL_INDICATORS);

/* ---- plans ------------------------------------------------------------------------------------------------- */

struct plan {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    int64_t times, every_days;
    lf_text checklist;
    lf_day from_day, to_day;
    lf_text basis;
};
#define F(m, zh, en, ...) LF_FIELD(struct plan, m, zh, en, __VA_ARGS__)
static const struct lf_field plan_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15),
    F(title, "任务", "Task", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 200),
    F(times, "次数", "Times", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 100),
    F(every_days, "每多少天", "In so many days", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 366,
      .help = "如每周两次：次数 2，每 7 天 | twice a week: 2 times in 7 days"),
    F(checklist, "检查要点", "Checklist", .flags = LF_LONG),
    F(from_day, "起用日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "停用日期", "Until", .flags = LF_LIST | LF_FILTER),
    F(basis, "依据", "Basis", .flags = LF_LIST, .max = 300),
};
#undef F

static lf_rc plan_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct plan *p = ch->row;
    return p->to_day.v == LF_NULL32 || p->to_day.v >= p->from_day.v
               ? LF_OK
               : lf_fail(cx, LF_EINVAL, "to_day", "停用日期早于起用日期 | it ends before it begins");
}

static const struct lf_res plan_res = {
    .name = "patrol_plan",
    .zh = "巡查任务",
    .en = "Patrol plans",
    .icon = "list",
    .menu = 13,
    .size = sizeof(struct plan),
    .field = plan_fields,
    .nfield = LF_COUNT(plan_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "grid_code",
    .check = plan_check,
};

/* ---- patrols ---------------------------------------------------------------------------------------------------- */

struct patrol {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id plan_id;
    enum patrol_state state;
    lf_id officer_id;
    double lon, lat;
    lf_ms started_at, ended_at;
    lf_text summary, track;
    double minutes, metres, inside;
    bool valid;
    lf_text explain;
};
#define F(m, zh, en, ...) LF_FIELD(struct patrol, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "巡查", "Patrol", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(plan_id, "任务", "Task", .flags = LF_LIST | LF_FILTER, .ref = "patrol_plan"),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &patrol_state_dict),
    F(officer_id, "巡查人", "Officer", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "account"),
    F(lon, "出发经度", "Longitude of the start", .flags = LF_REQUIRED | LF_ONCE, .min = -180, .max = 180, .unit = "°"),
    F(lat, "出发纬度", "Latitude of the start", .flags = LF_REQUIRED | LF_ONCE, .min = -90, .max = 90, .unit = "°"),
    F(started_at, "开始时间", "Started", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(ended_at, "结束时间", "Ended", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(summary, "巡查情况", "What was seen", .flags = LF_READONLY | LF_LONG),
    F(track, "轨迹", "Track", .flags = LF_READONLY | LF_LONG, .max = 400000,
      .help = "JSON：[[毫秒, 经度, 纬度], …] | JSON: [[ms, longitude, latitude], ...]"),
    F(minutes, "时长", "Duration", .flags = LF_READONLY | LF_LIST, .unit = "min"),
    F(metres, "里程", "Distance", .flags = LF_READONLY | LF_LIST, .unit = "m"),
    F(inside, "网格内比例", "Share in the own grid", .flags = LF_READONLY),
    F(valid, "有效", "Valid", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(explain, "有效性说明", "Why", .flags = LF_READONLY | LF_LONG | LF_BOTH),
};
#undef F

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct patrol *p = ch->row;
    struct patrol_going_row going = { 0 };
    char day[32];
    if (ch->was)
        return LF_OK;
    lf_rc rc = patrol_going(cx, cx->actor, &going);
    if (rc)
        return rc;
    if (going.n)
        return lf_fail(cx, LF_ECONFLICT, "state", "还有未结束的巡查 | a patrol of yours has not ended yet");
    p->officer_id = cx->actor;
    p->started_at = lf_now();
    p->valid = false;
    lf_day_iso(day, lf_day_of(p->started_at));
    p->title = lf_lang_both(&cx->arena, lf_printf(&cx->arena, "%s 巡查", day), lf_printf(&cx->arena, "Patrol of %s", day));
    return LF_OK;
}

static lf_rc mine(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct patrol *p = ch->was;
    return p->officer_id.v == cx->actor.v ? LF_OK
                                          : lf_fail(cx, LF_EDENIED, "officer_id", "这是别人的巡查 | this is the patrol of somebody else");
}

static bool in_my_grid(void *user, double lon, double lat)
{
    const struct lf_ctx *cx = user;
    char code[32];
    return lf_geo_index_find(cx->app->index, (struct lf_point){ lon, lat }, code) && lf_scope_has(&cx->scope, lf_str(code));
}

static lf_rc on_finish(struct lf_ctx *cx, struct lf_change *ch)
{
    struct patrol *p = ch->row;
    struct patrol_proof proof;
    p->ended_at = lf_now();
    patrol_judge(p->track, p->started_at, p->ended_at, in_my_grid, cx, &proof);
    p->minutes = proof.minutes, p->metres = proof.metres, p->inside = proof.inside;
    p->valid = proof.valid;
    p->explain = lf_text_copy(&cx->arena, lf_str(proof.explain));
    return LF_OK;
}

static lf_rc on_drop(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct patrol *)ch->row)->ended_at = lf_now();
    return LF_OK;
}

static const struct lf_verb verbs[] = {
    { "finish", "完成巡查", "Finish", 1u << PATROL_GOING, PATROL_DONE, "create", .guard = mine, .effect = on_finish,
      .sets = (const char *const[]){ "summary!", "track", NULL } },
    { "drop", "中止巡查", "Break off", 1u << PATROL_GOING, PATROL_DROPPED, "create", .need = LF_NEED_NOTE, .guard = mine,
      .effect = on_drop },
};
static const struct lf_res patrol_res = {
    .name = "patrol",
    .zh = "巡查记录",
    .en = "Patrols",
    .icon = "walk",
    .menu = 12,
    .size = sizeof(struct patrol),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE,
    .check = check,
};

/* ---- the scheme --------------------------------------------------------------------------------------------------- */

struct scheme {
    lf_id id;
    int64_t version;
    enum patrol_indicator indicator;
    double weight, target;
    lf_day from_day, to_day;
    lf_text basis;
};
#define F(m, zh, en, ...) LF_FIELD(struct scheme, m, zh, en, __VA_ARGS__)
static const struct lf_field scheme_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(indicator, "指标", "Indicator", .flags = LF_LIST | LF_FILTER, .dict = &patrol_indicator_dict),
    F(weight, "权重", "Weight", .flags = LF_REQUIRED | LF_LIST, .min = 0, .max = 100),
    F(target, "目标值", "Target", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 100, .unit = "%"),
    F(from_day, "起用日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "停用日期", "Until", .flags = LF_LIST),
    F(basis, "依据", "Basis", .flags = LF_REQUIRED | LF_LIST | LF_TITLE, .max = 300),
};
#undef F
static const struct lf_res scheme_res = {
    .name = "assess_scheme",
    .zh = "网格考核办法",
    .en = "Scheme of assessment",
    .icon = "scale",
    .menu = 67,
    .size = sizeof(struct scheme),
    .field = scheme_fields,
    .nfield = LF_COUNT(scheme_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .unscoped = "the scheme is public and the same for every grid",
    .sort = "indicator",
};

/* ---- the room ------------------------------------------------------------------------------------------------------- */

static const struct lf_param figures_ask[] = { { "from", "第一天，默认本月一日 | first day, default the first of this month", false },
                                               { "to", "最后一天，默认今天 | last day, default today", false } };
static const struct lf_param five_ask[] = { { "code", "网格代码 | code of the place", true },
                                            { "on", "日期，默认今天 | a day, default today", false } };
static const struct lf_route routes[] = {
    { "GET", "/api/v1/assessment", "patrol.read", LF_TX_READ, figures_get, "网格员考核", "Figures of officers, with their formulas",
      .param = figures_ask, .nparam = LF_COUNT(figures_ask) },
    { "GET", "/api/v1/grid/five", "area.read", LF_TX_READ, five_get, "五定", "Area, duty, person, task and assessment of a place",
      .param = five_ask, .nparam = LF_COUNT(five_ask) },
};
static const struct lf_res *const types[] = { &patrol_res, &plan_res, &scheme_res };
const struct lf_room patrol_room = { .name = "patrol",
                                     .res = types,
                                     .nres = LF_COUNT(types),
                                     .route = routes,
                                     .nroute = LF_COUNT(routes),
                                     .migration = patrol_migrations,
                                     .nmigration = LF_COUNT(patrol_migrations) };
