/* command.c - the record, who may make which, and the dialogue as pages see it. */
#include "rooms/command/parts.h"

#include "command_sql.h"

LF_ENUM_DICT(command_kind, COMMAND_KINDS);
LF_ENUM_DICT(command_state, COMMAND_STATES);

enum { BACK_DAYS = 366 /* the listener takes no older DataTime */, EXPIRES_H = 24, EXPIRES_MAX_DAYS = 30 };

/* ---- table ----------------------------------------------------------------------------------------------------- */

#define F(m, zh, en, ...) LF_FIELD(struct command, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "命令", "Command", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(kind, "命令类型", "Kind", .flags = LF_LIST | LF_FILTER, .dict = &command_kind_dict),
    F(pol_id, "因子代码 PolId", "Factor PolId", .max = 16),
    F(rtd_interval, "实时数据间隔", "Real-time interval", .unit = "s", .help = "30 至 3600 秒 | 30 to 3600 seconds"),
    F(min_interval, "分钟数据间隔", "Minute interval", .unit = "min", .help = "1 2 3 4 5 6 10 12 15 20 30"),
    F(begin_at, "开始时间", "Begin", .flags = 0),
    F(end_at, "结束时间", "End", .flags = 0),
    F(start_time, "启动时间", "Start time", .max = 6, .help = "hhmmss；2005 版上报时间为 hhmm | hhmmss; reporting time of 2005: hhmm"),
    F(sample_hours, "采样周期", "Sampling period", .unit = "h", .help = "1 至 24 小时 | 1 to 24 hours"),
    F(info_id, "信息编码 InfoId", "InfoId", .max = 6, .help = "如 i12001 | for example i12001"),
    F(info_value, "参数值", "Value", .max = 200),
    F(over_time, "超时时间 OverTime", "OverTime", .unit = "s"),
    F(re_count, "重发次数 ReCount", "ReCount", .flags = 0),
    F(new_pw, "新密码", "New password", .flags = LF_MASKED, .max = 6,
      .help =
          "6 位字母或数字；设备确认后才启用，命令结束即清除 | 6 letters or digits; in force when the device confirms, wiped at the end"),
    F(new_key, "新 SM4 密钥", "New SM4 key", .flags = LF_MASKED, .max = 16),
    F(expires_at, "有效期至", "Expires", .flags = LF_LIST,
      .help = "站点离线时等到此时；默认 24 小时 | how long it waits for an offline station; 24 h by default"),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &command_state_dict),
    F(protocol, "协议版本", "Protocol", .flags = LF_READONLY),
    F(qn, "QN", "QN", .flags = LF_READONLY),
    F(tries, "发送次数", "Times sent", .flags = LF_READONLY),
    F(packets, "数据包", "Packets", .flags = LF_READONLY),
    F(qn_rtn, "QnRtn", "QnRtn", .flags = LF_READONLY),
    F(exe_rtn, "ExeRtn", "ExeRtn", .flags = LF_READONLY),
    F(answer, "设备回答", "Answer", .flags = LF_READONLY | LF_LONG),
    F(outcome, "结果", "Outcome", .flags = LF_READONLY | LF_LIST | LF_BOTH, .max = 600),
    F(sent_at, "发送时间", "Sent", .flags = LF_READONLY),
    F(confirmed_at, "接受时间", "Accepted", .flags = LF_READONLY),
    F(ended_at, "结束时间", "Ended", .flags = LF_READONLY),
    F(created_by, "下达人", "Given by", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(created_at, "下达时间", "Given", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

/* ---- rules -------------------------------------------------------------------------------------------------------- */

static lf_rc check_times(struct lf_ctx *cx, struct command *c)
{
    lf_ms now = lf_now();
    if (c->expires_at.ms == LF_NULL64)
        c->expires_at.ms = now.ms + EXPIRES_H * (int64_t)LF_HOUR_MS;
    if (c->expires_at.ms <= now.ms || c->expires_at.ms > now.ms + EXPIRES_MAX_DAYS * (int64_t)LF_DAY_MS)
        return lf_fail(cx, LF_EINVAL, "expires_at", "有效期应在今后 %d 天之内 | it must expire within the next %d days", EXPIRES_MAX_DAYS,
                       EXPIRES_MAX_DAYS);
    if (c->begin_at.ms != LF_NULL64 && c->begin_at.ms < now.ms - BACK_DAYS * (int64_t)LF_DAY_MS)
        return lf_fail(cx, LF_EINVAL, "begin_at", "只能补采最近 %d 天的数据 | only the last %d days can be fetched", BACK_DAYS, BACK_DAYS);
    if (c->begin_at.ms != LF_NULL64 && c->begin_at.ms > now.ms)
        return lf_fail(cx, LF_EINVAL, "begin_at", "不能补采将来的数据 | data of the future cannot be fetched");
    return LF_OK;
}

static lf_rc check_right(struct lf_ctx *cx, const struct command *c)
{
    const char *right = command_right(c->kind);
    return lf_may(cx, "command", right)
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, "kind", "您没有下达“%s”的权限（command.%s） | you may not give “%s” (command.%s)",
                         command_kind_dict.item[c->kind].zh, right, command_kind_dict.item[c->kind].en, right);
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct command *c = ch->row;
    struct station_device s;
    int version;
    lf_text st;
    if (ch->was) /* moves: what was asked for stays */
        return LF_OK;
    c->state = COMMAND_QUEUED;
    lf_rc rc = check_right(cx, c);
    if (rc || (rc = check_times(cx, c)))
        return rc;
    if ((rc = station_found(cx, station_device_of(cx, c->station_id, &s), "station_id")))
        return rc;
    if (s.disabled)
        return lf_fail(cx, LF_EINVAL, "station_id", "该站点已停用 | this station is switched off");
    if ((rc = station_speaks(cx, c->station_id, s.kind, &version, &st)) || (rc = command_check_fields(cx, c, version)))
        return rc;
    c->grid_code = s.grid_code;
    c->protocol = version;
    c->title = station_title(cx, s.name, (lf_text){ 0 }, command_kind_dict.item[c->kind].zh, command_kind_dict.item[c->kind].en);
    return LF_OK;
}

static lf_rc the_system(struct lf_ctx *cx, struct lf_change *ch)
{
    return lf_id_none(cx->actor) ? LF_OK : lf_fail(cx, LF_EDENIED, NULL, "由系统自动执行 | the system does this by itself");
}

/* Whoever may not give a command may not take it back either. */
static lf_rc may_give(struct lf_ctx *cx, struct lf_change *ch) { return check_right(cx, ch->was); }

static lf_rc wipe(struct lf_ctx *cx, struct lf_change *ch)
{
    struct command *c = ch->row;
    c->new_pw = c->new_key = (lf_text){ 0 };
    c->ended_at = lf_now();
    return LF_OK;
}

#define IN(s) (1u << (s))
enum { OPEN = IN(COMMAND_SENT) | IN(COMMAND_CONFIRMED) | IN(COMMAND_RECEIVING) };
static const struct lf_verb verbs[] = {
    { "cancel", "取消", "Cancel", IN(COMMAND_QUEUED) | OPEN, COMMAND_CANCELLED, "cancel", .need = LF_DANGER, .guard = may_give,
      .effect = wipe },
    { "send", "发送", "Send", IN(COMMAND_QUEUED), COMMAND_SENT, "run", .guard = the_system },
    { "confirm", "设备接受", "Accepted by the device", IN(COMMAND_SENT), COMMAND_CONFIRMED, "run", .guard = the_system },
    { "receive", "收到数据", "Data came", IN(COMMAND_SENT) | IN(COMMAND_CONFIRMED), COMMAND_RECEIVING, "run", .guard = the_system },
    { "finish", "完成", "Finish", OPEN, COMMAND_DONE, "run", .guard = the_system, .effect = wipe },
    { "fail", "失败", "Fail", IN(COMMAND_QUEUED) | OPEN, COMMAND_FAILED, "run", .guard = the_system, .effect = wipe },
    { "give_up", "放弃", "Give up", OPEN, COMMAND_SILENT, "run", .guard = the_system, .effect = wipe },
    { "expire", "过期", "Expire", IN(COMMAND_QUEUED), COMMAND_EXPIRED, "run", .guard = the_system, .effect = wipe },
};

static void committed(struct lf_app *app, const struct lf_change *ch)
{
    const struct command *c = ch->row;
    command_look(c->state == COMMAND_CANCELLED ? c->id : (lf_id){ 0 });
}

const struct lf_res command_res = {
    .name = "command",
    .zh = "设备命令",
    .en = "Commands to stations",
    .icon = "command",
    .menu = 25,
    .size = sizeof(struct command),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE,
    .check = check,
    .committed = committed,
};

/* ---- the dialogue ------------------------------------------------------------------------------------------------- */

static lf_rc dialogue(struct lf_ctx *cx, struct lf_call *c)
{
    struct command_dialogue_row r;
    struct lf_cur cur;
    lf_id id;
    char b[32];
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    if (!rc)
        rc = lf_res_get(cx, &command_res, id, lf_alloc(&cx->arena, command_res.size));
    if (rc || (rc = command_dialogue(cx, id, &cur)))
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    while ((rc = command_dialogue_next(&cur, &r)) == LF_ROW) {
        lf_json_obj(&c->j);
        lf_json_kstr(&c->j, "at", lf_ms_iso(b, r.said_at));
        lf_json_kstr(&c->j, "direction", r.outgoing ? "out" : "in");
        lf_json_key(&c->j, "raw");
        station_put_raw(cx, &c->j, r.raw);
        lf_json_key(&c->j, "decoded");
        station_put_decoded(cx, &c->j, r.raw, (lf_text){ 0 });
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static const struct lf_route routes[] = {
    { "GET", "/api/v1/command/kinds", "command.read", LF_TX_READ, command_kinds, "各类命令的参数", "What each kind of command takes" },
    { "GET", "/api/v1/command/:id/packets", "command.read", LF_TX_READ, dialogue, "命令对话的每个报文",
      "Every packet of a command's dialogue, passwords starred out" },
};
static const struct lf_res *const types[] = { &command_res };
static const struct lf_right own_rights[] = { { "command.set", "修改设备设置", "Change a device's settings" },
                                              { "command.operate", "操作设备、修改其密码", "Operate a device, change its password" },
                                              { 0 } };
const struct lf_room command_room = {
    .name = "command",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .own_rights = own_rights,
    .migration = command_migrations,
    .nmigration = LF_COUNT(command_migrations),
};
