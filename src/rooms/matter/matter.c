#include "rooms/matter/matter.h"

#include "base/log.h"
#include "rooms/grid/grid.h"
#include "matter_sql.h"

#include <stdio.h>

LF_ENUM_DICT(matter_category, MATTER_CATEGORIES);
LF_ENUM_DICT(matter_origin, MATTER_ORIGINS);
LF_ENUM_DICT(matter_state, MATTER_STATES);

enum { RETURNS_MAX = 3, DELAY_DAYS_MAX = 30 };

/* ---- time limits ----------------------------------------------------------------------------------
 * GB/T 30428.8-2020 has three units: 紧急工作时 (round the clock), 工作时, 工作日. Its tables give a limit per category and step; the
 * values here are the defaults for environmental categories (city handbooks differ). Urgent ones count round the clock. */
#define M(n) \
    { \
        n, LF_MINUTES \
    }
#define WM(n) \
    { \
        n, LF_WORK_MINUTES \
    }
#define WH(n) \
    { \
        (n) * 60, LF_WORK_MINUTES \
    }
#define WD(n) \
    { \
        n, LF_WORK_DAYS \
    }
enum matter_step { MATTER_STEP_REGISTER, MATTER_STEP_DISPATCH, MATTER_STEP_HANDLE, MATTER_STEP_CHECK };
static const struct lf_limit limits[matter_category_COUNT][4] = {
    /*                     register  dispatch  handle   check */
    [MATTER_SMOKE] = { M(30), M(30), M(120), WD(1) },    [MATTER_BURNING] = { M(10), M(10), M(60), M(240) },
    [MATTER_DUST] = { WM(30), WM(30), WH(4), WD(1) },    [MATTER_HEAP] = { WH(1), WH(1), WD(1), WD(1) },
    [MATTER_OUTFALL] = { WM(30), WM(30), WD(1), WD(3) }, [MATTER_DUMPING] = { WH(1), WH(1), WD(3), WD(2) },
    [MATTER_HAZWASTE] = { M(10), M(10), M(60), WD(1) }, /* "immediate": within the hour, with law enforcement */
    [MATTER_WORKSHOP] = { WH(1), WH(2), WD(5), WD(3) },  [MATTER_COAL] = { WH(1), WH(1), WD(1), WD(1) },
    [MATTER_LIVESTOCK] = { WH(1), WH(2), WD(5), WD(3) }, [MATTER_ODOUR] = { WM(30), WM(30), WD(1), WD(3) },
    [MATTER_NOISE] = { WM(30), WM(30), WD(1), WD(1) },   [MATTER_MONITOR] = { M(15), M(15), M(240), WD(1) },
    [MATTER_REDLINE] = { WH(1), WH(1), M(60), WD(1) }, /* immediate stop */
    [MATTER_FACILITY] = { WD(1), WD(1), WD(10), WD(3) },
};
/* ---- who acts next ----------------------------------------------------------------------------------- */

static lf_rc next_step(struct lf_ctx *cx, const void *row, struct lf_step *out)
{
    const struct matter *m = row;
    const struct lf_limit *l = limits[m->category];
    switch (m->state) {
    case MATTER_FOUND: *out = (struct lf_step){ .right = "register", .limit = l[MATTER_STEP_REGISTER] }; break;
    case MATTER_REGISTERED: *out = (struct lf_step){ .right = "dispatch", .limit = l[MATTER_STEP_DISPATCH] }; break;
    case MATTER_DISPATCHED: *out = (struct lf_step){ .right = "handle", .holder = m->officer_id, .limit = l[MATTER_STEP_DISPATCH] }; break;
    case MATTER_ACCEPTED: *out = (struct lf_step){ .right = "handle", .holder = m->officer_id, .limit = l[MATTER_STEP_HANDLE] }; break;
    case MATTER_DELAY_ASKED: *out = (struct lf_step){ .right = "dispatch", .nested = true, .limit = WH(4) }; break;
    case MATTER_SUSPENDED: *out = (struct lf_step){ .right = "dispatch", .nested = true, .pause = true }; break;
    case MATTER_HANDLED: *out = (struct lf_step){ .right = "verify", .limit = l[MATTER_STEP_CHECK] }; break;
    case MATTER_VERIFIED: *out = (struct lf_step){ .right = "close", .limit = WD(1) }; break;
    default: out->final = true;
    }
    return LF_OK;
}

/* ---- rules -------------------------------------------------------------------------------------------- */

/* A person's words are the same for every reader. */
static lf_text whole(struct lf_ctx *cx, lf_text words) { return lf_lang_both(&cx->arena, lf_strn(&cx->arena, words), NULL); }

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    if (m->found_at.ms == LF_NULL64)
        m->found_at = lf_now();
    if (m->found_at.ms > lf_now().ms + 10 * LF_MINUTE_MS)
        return lf_fail(cx, LF_EINVAL, "found_at", "发现时间不能在将来 | the time of finding cannot be in the future");
    const struct matter *was = ch->was;
    bool person = !lf_id_none(cx->actor);
    if (person && m->title.n && !(was && lf_text_eq(m->title, was->title)))
        m->title = whole(cx, m->title);
    if (person && m->description.n && !(was && lf_text_eq(m->description, was->description)))
        m->description = whole(cx, m->description);
    if (ch->was)
        return LF_OK;
    m->returns = m->reworks = m->reopens = 0;
    int64_t n = 0;
    int year = lf_civil_of(lf_now()).year;
    lf_rc rc = lf_counter_next(cx, lf_printf(&cx->arena, "matter.%d", year), &n);
    m->no = lf_str(lf_printf(&cx->arena, "%d-%06lld", year, (long long)n));
    return rc;
}

static lf_rc mine(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->was;
    if (m->officer_id.v == cx->actor.v || lf_id_none(cx->actor))
        return LF_OK;
    return lf_fail(cx, LF_EDENIED, "officer_id", "这件事派给了别人 | this matter was given to somebody else");
}

static lf_rc may_return(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->row;
    if (m->returns >= RETURNS_MAX)
        return lf_fail(cx, LF_ECONFLICT, "returns", "已退回 %d 次，不能再退 | it has been returned %d times already", RETURNS_MAX,
                       RETURNS_MAX);
    return mine(cx, ch);
}

static lf_rc on_return(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    m->returns++;
    m->officer_id = (lf_id){ 0 };
    return LF_OK;
}

/* The officer must be an account that may handle matters and whose area holds the place; who is away is replaced by the deputy. */
static lf_rc on_dispatch(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    bool fits = false;
    lf_id acting;
    lf_rc rc = grid_stand_in(cx, m->officer_id, lf_day_of(lf_now()), &acting);
    if (rc)
        return rc;
    if (lf_id_none(acting))
        return lf_fail(cx, LF_EINVAL, "officer_id", "此人离岗，且无人代理 | this person is away, and nobody stands in");
    m->officer_id = acting;
    rc = lf_account_fits(cx, m->officer_id, "matter.handle", m->grid_code, &fits);
    if (rc)
        return rc;
    return fits ? LF_OK
                : lf_fail(cx, LF_EINVAL, "officer_id",
                          "此人不负责该网格，或没有处置权限 | this person does not answer for the place, or may not handle matters");
}

/* "ZH：标题 | EN: title" */
static const char *about(struct lf_ctx *cx, const struct matter *m, const char *zh, const char *en)
{
    return lf_printf(&cx->arena, "%s：%s | %s: %s", zh, lf_strn(&cx->arena, lf_row_title(&matter_res, m, LF_ZH)), en,
                     lf_strn(&cx->arena, lf_row_title(&matter_res, m, LF_EN)));
}

/* As for a dispatch; and the new holder is told, as nothing new opens for him. */
static lf_rc on_hand_over(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->row;
    lf_rc rc = on_dispatch(cx, ch);
    return rc ? rc : lf_notice(cx, m->officer_id, ch->res, m->id, about(cx, m, "移交给您", "Handed over to you"));
}

/* A photo shows one place at one time: one that is evidence elsewhere proves nothing here. */
static lf_rc fresh_photos(struct lf_ctx *cx, const struct lf_change *ch)
{
    const struct matter *m = ch->row;
    for (int i = 0; i < ch->nfile; i++) {
        struct photo_elsewhere_row used;
        lf_rc rc = photo_elsewhere(cx, ch->file[i].hash, m->id, &used);
        if (rc)
            return rc;
        if (used.n > 0)
            return lf_fail(cx, LF_ECONFLICT, "files",
                           "这张照片已用于别的事项，请上传本次现场照片 | this photo belongs to another matter: take one here");
    }
    return LF_OK;
}

static lf_rc on_handle(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    lf_rc rc = fresh_photos(cx, ch);
    if (rc)
        return rc;
    m->handled_at = lf_now();
    if (!m->result.n)
        m->result = ch->note;
    return LF_OK;
}

/* 自处置: who found a small problem on patrol and put it right on the spot; somebody else still checks it. */
static lf_rc found_by_me(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->was;
    return m->created_by.v == cx->actor.v
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, "created_by", "只能自处置自己发现的事项 | only who found it can settle it on the spot");
}
static lf_rc on_settle(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct matter *)ch->row)->officer_id = cx->actor;
    return on_handle(cx, ch);
}

static lf_rc on_ask_delay(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->row;
    int64_t ahead = m->delay_until.ms - lf_now().ms;
    if (ahead <= 0 || ahead > (int64_t)DELAY_DAYS_MAX * LF_DAY_MS)
        return lf_fail(cx, LF_EINVAL, "delay_until", "延期应在今后 %d 天之内 | a delay ends within the next %d days", DELAY_DAYS_MAX,
                       DELAY_DAYS_MAX);
    return LF_OK;
}

static lf_rc on_grant(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->row;
    return lf_step_extend(cx, ch->res, m->id, "accepted", m->delay_until);
}

/* Who handled a problem does not check it himself. */
static lf_rc not_mine(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->was;
    if (m->officer_id.v != cx->actor.v)
        return LF_OK;
    return lf_fail(cx, LF_EDENIED, "officer_id", "处置人不能核查自己的处置结果 | who handled it cannot verify it");
}

static lf_rc on_rework(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct matter *)ch->row)->reworks++;
    return LF_OK;
}

static lf_rc on_close(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct matter *)ch->row)->closed_at = lf_now();
    return LF_OK;
}

static lf_rule close_guard;
void matter_set_close_guard(lf_rule guard) { close_guard = guard; }
static lf_rc may_close(struct lf_ctx *cx, struct lf_change *ch) { return close_guard ? close_guard(cx, ch) : LF_OK; }

static lf_rc on_reopen(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    m->closed_at = (lf_ms){ LF_NULL64 };
    m->officer_id = (lf_id){ 0 };
    m->reopens = m->reopens == LF_NULL64 ? 1 : m->reopens + 1;
    return LF_OK;
}

/* A problem beyond the power of a level goes up one level, it is never closed for that. */
static lf_rc on_raise(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    lf_text up = grid_parent(m->grid_code);
    if (up.n < 4)
        return lf_fail(cx, LF_ECONFLICT, "grid_code", "已在最高一级 | it is at the highest level already");
    m->grid_code = up;
    m->officer_id = (lf_id){ 0 };
    return LF_OK;
}

static lf_rc on_supervise(struct lf_ctx *cx, struct lf_change *ch)
{
    struct matter *m = ch->row;
    const char *text = about(cx, m, "督办", "Supervised");
    m->supervised = true;
    return lf_id_none(m->officer_id) ? lf_notice_right(cx, ch->res, "dispatch", m->grid_code, m->id, 0, text)
                                     : lf_notice(cx, m->officer_id, ch->res, m->id, text);
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

#define F(m, zh, en, ...) LF_FIELD(struct matter, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(no, "事件号", "Number", .flags = LF_READONLY | LF_LIST | LF_FILTER | LF_SEARCH),
    F(title, "标题", "Title", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH, .max = 600),
    F(category, "类别", "Category", .flags = LF_LIST | LF_FILTER, .dict = &matter_category_dict),
    F(origin, "来源", "Origin", .flags = LF_LIST | LF_FILTER, .dict = &matter_origin_dict),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &matter_state_dict),
    F(description, "情况描述", "Description", .flags = LF_LONG | LF_SEARCH | LF_BOTH),
    F(address, "地址", "Address", .flags = LF_SEARCH, .max = 300),
    F(lon, "经度", "Longitude", .flags = LF_REQUIRED | LF_LIST, .min = -180, .max = 180, .unit = "°"),
    F(lat, "纬度", "Latitude", .flags = LF_REQUIRED | LF_LIST, .min = -90, .max = 90, .unit = "°"),
    F(source_id, "污染源", "Source", .flags = LF_LIST | LF_FILTER, .ref = "source"),
    F(station_id, "监测站点", "Station", .flags = LF_FILTER, .ref = "station"),
    F(found_at, "发现时间", "Found", .flags = LF_LIST | LF_FILTER),
    F(reporter_name, "举报人", "Reporter", .flags = LF_MASKED, .max = 64),
    F(reporter_phone, "举报人电话", "Reporter's phone", .flags = LF_MASKED, .max = 32),
    F(officer_id, "处置人", "Officer", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "account"),
    F(supervised, "督办", "Supervised", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(returns, "退回次数", "Returned", .flags = LF_READONLY),
    F(reworks, "返工次数", "Reworked", .flags = LF_READONLY),
    F(delay_until, "延期至", "Delayed until", .flags = LF_READONLY),
    F(result, "处置结果", "Result", .flags = LF_READONLY | LF_LONG),
    F(handled_at, "处置时间", "Handled", .flags = LF_READONLY),
    F(closed_at, "结案时间", "Closed", .flags = LF_READONLY | LF_FILTER),
    F(created_by, "登记人", "Entered by", .flags = LF_READONLY, .ref = "account"),
    F(created_at, "登记时间", "Entered", .flags = LF_READONLY | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(reopens, "重新打开次数", "Reopened", .flags = LF_READONLY),
};
#undef F

#define IN(s) (1u << (s))
#define OPEN \
    (IN(MATTER_FOUND) | IN(MATTER_REGISTERED) | IN(MATTER_DISPATCHED) | IN(MATTER_ACCEPTED) | IN(MATTER_DELAY_ASKED) | \
     IN(MATTER_SUSPENDED) | IN(MATTER_HANDLED) | IN(MATTER_VERIFIED))
#define SETS(...) \
    (const char *const[]) { __VA_ARGS__, NULL }
static const struct lf_verb verbs[] = {
    { "register", "立案", "Register", IN(MATTER_FOUND), MATTER_REGISTERED, "register" },
    { "reject", "不予立案", "Reject", IN(MATTER_FOUND), MATTER_REJECTED, "register", .need = LF_NEED_NOTE,
      .phrases = "经核实情况不属实 | Checked: not so\n重复上报 | Reported already\n不属于生态环境职责 | Not an environmental matter" },
    { "settle", "自处置", "Settle on the spot", IN(MATTER_FOUND), MATTER_HANDLED, "handle", .need = LF_NEED_NOTE | LF_NEED_PHOTO,
      .guard = found_by_me, .effect = on_settle, .sets = SETS("result"),
      .phrases = "已现场制止并整改 | Stopped and put right on the spot" },
    { "dispatch", "派遣", "Dispatch", IN(MATTER_REGISTERED) | IN(MATTER_DISPATCHED), MATTER_DISPATCHED, "dispatch",
      .sets = SETS("officer_id!"), .effect = on_dispatch },
    { "accept", "接收", "Accept", IN(MATTER_DISPATCHED), MATTER_ACCEPTED, "handle", .guard = mine },
    { "return", "退回", "Return", IN(MATTER_DISPATCHED), MATTER_REGISTERED, "handle", .need = LF_NEED_NOTE, .guard = may_return,
      .effect = on_return, .phrases = "不在本网格 | Not in my grid\n不属于本人职责 | Not my duty" },
    { "hand_over", "移交", "Hand over", IN(MATTER_DISPATCHED) | IN(MATTER_ACCEPTED), LF_STAY, "dispatch", .need = LF_NEED_NOTE,
      .sets = SETS("officer_id!"), .effect = on_hand_over, .phrases = "原处置人离岗 | The officer is away" },
    { "handle", "处置完成", "Handled", IN(MATTER_ACCEPTED), MATTER_HANDLED, "handle", .need = LF_NEED_NOTE | LF_NEED_PHOTO, .guard = mine,
      .effect = on_handle, .sets = SETS("result"),
      .phrases = "已现场制止并整改 | Stopped and put right on the spot\n已责令停产整改 | Ordered to stop and put "
                 "right\n设备已检修，数据恢复正常 | Repaired, readings are normal again" },
    { "ask_delay", "申请延期", "Ask for delay", IN(MATTER_ACCEPTED), MATTER_DELAY_ASKED, "handle", .need = LF_NEED_NOTE,
      .sets = SETS("delay_until!"), .guard = mine, .effect = on_ask_delay },
    { "grant_delay", "同意延期", "Grant delay", IN(MATTER_DELAY_ASKED), MATTER_ACCEPTED, "dispatch", .effect = on_grant },
    { "refuse_delay", "不同意延期", "Refuse delay", IN(MATTER_DELAY_ASKED), MATTER_ACCEPTED, "dispatch", .need = LF_NEED_NOTE },
    { "suspend", "挂账", "Suspend", IN(MATTER_ACCEPTED), MATTER_SUSPENDED, "dispatch", .need = LF_NEED_NOTE },
    { "resume", "恢复处置", "Resume", IN(MATTER_SUSPENDED), MATTER_ACCEPTED, "dispatch" },
    { "raise", "上报上级", "Raise to the level above", IN(MATTER_REGISTERED) | IN(MATTER_ACCEPTED), MATTER_REGISTERED, "raise",
      .need = LF_NEED_NOTE | LF_ANYWHERE, .effect = on_raise },
    { "verify", "核查通过", "Verify", IN(MATTER_HANDLED), MATTER_VERIFIED, "verify", .guard = not_mine },
    { "rework", "返工", "Send back", IN(MATTER_HANDLED), MATTER_ACCEPTED, "verify", .need = LF_NEED_NOTE, .guard = not_mine,
      .effect = on_rework },
    { "close", "结案", "Close", IN(MATTER_VERIFIED), MATTER_CLOSED, "close", .guard = may_close, .effect = on_close },
    { "override", "凭据结案", "Close against the monitor", IN(MATTER_VERIFIED), MATTER_CLOSED, "override", .need = LF_NEED_NOTE | LF_DANGER,
      .effect = on_close,
      .phrases = "设备已停用或拆除 | The device is out of use\n监督性监测合格，报告附后 | Inspection sampling was within limits, report "
                 "attached" },
    { "reopen", "重新打开", "Reopen", IN(MATTER_CLOSED), MATTER_REGISTERED, "supervise", .need = LF_NEED_NOTE | LF_DANGER,
      .effect = on_reopen },
    { "void", "作废", "Void", OPEN, MATTER_REJECTED, "supervise", .need = LF_NEED_NOTE | LF_DANGER,
      .phrases = "重复立案 | Registered twice\n误报 | A false report" },
    { "supervise", "督办", "Supervise", OPEN, LF_STAY, "supervise", .need = LF_NEED_NOTE, .effect = on_supervise },
};
const struct lf_res matter_res = {
    .name = "matter",
    .zh = "事项",
    .en = "Matters",
    .icon = "flag",
    .menu = 10,
    .size = sizeof(struct matter),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE | LF_CAN_IMPORT,
    .check = check,
    .step = next_step,
};

/* ---- from a monitor ------------------------------------------------------------------------------------------- */

static lf_rc set_officer(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    ((struct matter *)row)->officer_id = *(lf_id *)user;
    return LF_OK;
}

lf_rc matter_open(struct lf_ctx *cx, struct matter *row, struct lf_change *ch)
{
    struct lf_as before = lf_as_system(cx);
    *ch = (struct lf_change){ .row = row };
    lf_id officer = { 0 };
    lf_rc rc = lf_res_create(cx, &matter_res, ch);
    if (!rc)
        rc = lf_res_move(cx, &matter_res, row->id, LF_NULL64, "register", NULL, NULL, ch);
    if (!rc)
        rc = grid_officer_on_duty(cx, row->grid_code, &officer);
    if (!rc && !lf_id_none(officer))
        rc = lf_res_move(cx, &matter_res, row->id, LF_NULL64, "dispatch", set_officer, &officer, ch);
    if (!rc)
        *row = *(const struct matter *)ch->row;
    lf_as_back(cx, &before);
    return rc;
}

/* ---- what an absent officer holds goes to the deputy ------------------------------------------------------------ */

struct handing {
    lf_id matter, deputy;
    const char *note;
};

static lf_rc find_handings(struct lf_ctx *cx, struct handing *h, int most, int *n)
{
    struct matters_of_absent_row r;
    struct lf_cur cur;
    char day[32];
    lf_rc rc = matters_of_absent(cx, lf_day_of(lf_now()), &cur);
    *n = 0;
    if (rc)
        return rc;
    while (*n < most && (rc = matters_of_absent_next(&cur, &r)) == LF_ROW) {
        const char *who = lf_strn(&cx->arena, r.who);
        lf_day_iso(day, r.to_day);
        h[(*n)++] = (struct handing){ r.id, r.deputy_id,
                                      lf_printf(&cx->arena, "%s 离岗至 %s，由代理人员处置 | %s is away until %s, the deputy handles it",
                                                who, day, who, day) };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc hand_over_one(struct lf_ctx *cx, struct handing *h)
{
    struct lf_change ch = { .note = lf_str(h->note) };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, lf_res_move(cx, &matter_res, h->matter, LF_NULL64, "hand_over", set_officer, &h->deputy, &ch));
    if (!rc)
        lf_publish_record(cx->app, &ch);
    return rc;
}

/* One that cannot be handed over (the deputy does not answer for its place) is for the desk, and does not hold up the others. */
static lf_rc hand_over_absent(struct lf_ctx *cx)
{
    struct handing h[64];
    int n, refused = 0;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, find_handings(cx, h, LF_COUNT(h), &n))))
        return rc;
    for (int i = 0; i < n; i++) {
        rc = hand_over_one(cx, &h[i]);
        if (rc == LF_EDB)
            return rc;
        refused += rc != LF_OK;
    }
    if (refused)
        lf_log(LF_DEBUG, "matter: %d of %d matters of absent officers cannot go to the deputy: %s", refused, n, cx->err.msg);
    return LF_OK;
}

static const struct lf_job jobs[] = { { "matter_deputies", 30, hand_over_absent } };
static const struct lf_res *const types[] = { &matter_res };
const struct lf_room matter_room = { .name = "matter",
                                     .res = types,
                                     .nres = LF_COUNT(types),
                                     .job = jobs,
                                     .njob = LF_COUNT(jobs),
                                     .migration = matter_migrations,
                                     .nmigration = LF_COUNT(matter_migrations) };
