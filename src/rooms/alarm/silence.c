/* silence.c - reported maintenance (运维报备): who works on a device says so beforehand, another person approves, and alarms inside the
 * window are recorded without a matter. What looks like hiding (too long, too many, afterwards) is flagged, not forbidden. */
#include "rooms/alarm/parts.h"

#include "alarm_sql.h"

#define SILENCE_STATES(X) \
    X(SILENCE_ASKED, "asked", "待审批", "Asked for") \
    X(SILENCE_APPROVED, "approved", "已批准", "Approved") \
    X(SILENCE_REFUSED, "refused", "未批准", "Refused") \
    X(SILENCE_ENDED, "ended", "提前结束", "Ended early")
LF_ENUM(silence_state, SILENCE_STATES);
LF_ENUM_DICT(silence_state, SILENCE_STATES);

/* Longer is flagged. HJ 75-2017 asks for a standby device or manual sampling when repair takes long; the number of hours is ours. */
enum { OVERLONG_H = 24, LONGEST_D = 30 };

struct silence {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    lf_ms from_at, to_at;
    lf_text reason;
    enum silence_state state;
    bool overlong, overlapping, late;
    lf_id created_by;
    lf_ms created_at;
    lf_id approved_by;
    lf_ms decided_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct silence, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "报备", "Report", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_ONCE | LF_FILTER, .max = 16, .help = "空：整个站点 | empty: the whole station"),
    F(from_at, "开始", "From", .flags = LF_REQUIRED | LF_LIST | LF_FILTER),
    F(to_at, "结束", "Until", .flags = LF_REQUIRED | LF_LIST | LF_FILTER),
    F(reason, "事由", "Reason", .flags = LF_REQUIRED | LF_LONG | LF_SEARCH,
      .help = "做什么、由谁做，例如：更换光源，运维单位 | what is done, and by whom"),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &silence_state_dict),
    F(overlong, "时间过长", "Too long", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(overlapping, "时间重叠", "Overlapping", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(late, "事后报备", "Reported late", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(created_by, "报备人", "Reported by", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(created_at, "报备时间", "Reported", .flags = LF_READONLY),
    F(approved_by, "审批人", "Decided by", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(decided_at, "审批时间", "Decided", .flags = LF_READONLY),
};
#undef F

static lf_rc flag(struct lf_ctx *cx, struct silence *s)
{
    struct silence_overlaps_row over;
    lf_rc rc = silence_overlaps(cx, s->id, s->station_id, s->from_at, s->to_at, &over);
    if (rc)
        return rc;
    s->overlapping = over.n > 0;
    s->overlong = s->to_at.ms - s->from_at.ms > (int64_t)OVERLONG_H * LF_HOUR_MS;
    s->late = s->from_at.ms < s->created_at.ms - 5 * LF_MINUTE_MS;
    return LF_OK;
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct silence *s = ch->row;
    struct station_site site;
    if (lf_id_none(s->station_id) || s->from_at.ms == LF_NULL64 || s->to_at.ms == LF_NULL64)
        return LF_OK; /* the kernel says which is missing */
    lf_rc rc = station_found(cx, station_site_of(cx, s->station_id, &site), "station_id");
    if (rc)
        return rc;
    if (s->factor.n && !hj212_factor_find(s->factor))
        return lf_fail(cx, LF_EINVAL, "factor", "不认识的监测因子代码 | this factor code is not known");
    if (s->to_at.ms <= s->from_at.ms)
        return lf_fail(cx, LF_EINVAL, "to_at", "结束应晚于开始 | it must end after it begins");
    if (s->to_at.ms - s->from_at.ms > (int64_t)LONGEST_D * LF_DAY_MS)
        return lf_fail(cx, LF_EINVAL, "to_at", "一次报备不能超过 %d 天 | one report covers %d days at most", LONGEST_D, LONGEST_D);
    s->grid_code = site.grid_code;
    s->title = station_title(cx, site.name, s->factor, "运维报备", "reported maintenance");
    return ch->verb ? LF_OK : flag(cx, s);
}

static lf_rc another(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct silence *s = ch->was;
    return s->created_by.v != cx->actor.v
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, "created_by", "报备人不能审批自己的报备 | who reports does not approve");
}

static lf_rc on_decide(struct lf_ctx *cx, struct lf_change *ch)
{
    struct silence *s = ch->row;
    s->approved_by = cx->actor;
    s->decided_at = lf_now();
    return LF_OK;
}

static lf_rc on_end(struct lf_ctx *cx, struct lf_change *ch)
{
    struct silence *s = ch->row;
    if (s->to_at.ms > lf_now().ms)
        s->to_at = lf_now();
    if (s->to_at.ms <= s->from_at.ms)
        s->to_at.ms = s->from_at.ms + 1; /* it had not begun */
    return LF_OK;
}

static const struct lf_verb verbs[] = {
    { "approve", "批准", "Approve", 1u << SILENCE_ASKED, SILENCE_APPROVED, "approve", .guard = another, .effect = on_decide },
    { "refuse", "不批准", "Refuse", 1u << SILENCE_ASKED, SILENCE_REFUSED, "approve", .need = LF_NEED_NOTE, .guard = another,
      .effect = on_decide },
    { "finish", "提前结束", "End early", 1u << SILENCE_APPROVED, SILENCE_ENDED, "finish", .effect = on_end },
};
const struct lf_res silence_res = {
    .name = "silence",
    .zh = "运维报备",
    .en = "Reported maintenance",
    .icon = "station",
    .menu = 24,
    .size = sizeof(struct silence),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE,
    .check = check,
};
