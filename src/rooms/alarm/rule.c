/* rule.c - when something counts as an alarm and what follows: records that the city edits, and their lawful beginnings. */
#include "rooms/alarm/parts.h"

#include "alarm_sql.h"

#include <stdatomic.h>

LF_ENUM_DICT(alarm_for, ALARM_FOR_KINDS);
LF_ENUM_DICT(alarm_period, ALARM_PERIODS);
LF_ENUM_DICT(alarm_policy, ALARM_POLICIES);
_Static_assert(alarm_for_COUNT == station_kind_COUNT + 1, "ALARM_FOR_KINDS are the kinds of stations and `any`");

struct alarm_rule {
    lf_id id;
    int64_t version;
    lf_text title;
    enum alarm_type type;
    enum alarm_for station_kind;
    lf_text factor;
    enum alarm_period period;
    bool enabled;
    double threshold, worse;
    lf_text letters;
    int64_t on_n, on_of, off_n, delay_minutes, merge_minutes;
    enum alarm_severity severity;
    enum alarm_policy policy;
    int64_t escalate_minutes, lasting_minutes, close_n;
    lf_text basis;
    lf_ms updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct alarm_rule, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(title, "规则", "Rule", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH, .max = 200),
    F(type, "报警类型", "Type", .flags = LF_LIST | LF_FILTER, .dict = &alarm_type_dict),
    F(station_kind, "适用站点", "Stations", .flags = LF_LIST | LF_FILTER, .dict = &alarm_for_dict),
    F(factor, "监测因子", "Factor", .flags = LF_LIST | LF_FILTER, .max = 16, .help = "空：全部因子 | empty: every factor"),
    F(period, "数据类别", "Period", .flags = LF_LIST | LF_FILTER, .dict = &alarm_period_dict),
    F(enabled, "启用", "In use", .flags = LF_LIST | LF_FILTER),
    F(threshold, "阈值", "Threshold", .flags = LF_LIST, .min = 0, .max = 1e6,
      .help = "超标、预警：限值的百分数；离线：报送间隔的倍数；缺失：每小时有效分钟数或每日有效小时数；恒值：小时；时钟：分钟 | "
              "exceedance: per cent of the limit; offline: times the reporting interval; missing: valid minutes an hour or valid hours a "
              "day; constant: hours; clock: minutes"),
    F(worse, "加重阈值", "Worse from", .min = 0, .max = 1e6,
      .help = "达到此值时级别升一级（与阈值同单位），空：不升级 | from here one severity higher (unit of the threshold); empty: never"),
    F(letters, "标记字母", "Flags", .max = 16,
      .help = "异常标记：哪些数据标记算异常（HJ 212-2017 表8） | fault flags: which letters count (HJ 212-2017 table 8)"),
    F(on_n, "触发个数", "Begins after", .flags = LF_LIST, .min = 1, .max = 60),
    F(on_of, "触发窗口", "Out of", .flags = LF_LIST, .min = 1, .max = 60,
      .help = "最近几个数据中有触发个数时报警；恒值：至少这么多个数据 | so many of the last ones; constant: at least so many values"),
    F(off_n, "恢复个数", "Over after", .flags = LF_LIST, .min = 1, .max = 60, .help = "连续几个正常数据后恢复 | good ones in a row"),
    F(delay_minutes, "延时", "Delay", .unit = "min", .min = 0, .max = 10080,
      .help = "持续这么久才报警；离线：至少这么久；缺失：时段结束后等候补报 | lasting at least; offline: at least; missing: waits for late "
              "data",
      .zero = "不延时 | at once"),
    F(merge_minutes, "合并间隔", "Merge within", .unit = "min", .min = 0, .max = 10080,
      .help = "恢复后这么短时间内再次发生，并入原报警 | again within this time after the end: the same alarm", .zero = "不合并 | never"),
    F(severity, "级别", "Severity", .flags = LF_LIST | LF_FILTER, .dict = &alarm_severity_dict),
    F(policy, "处理方式", "Policy", .flags = LF_LIST | LF_FILTER, .dict = &alarm_policy_dict),
    F(escalate_minutes, "未确认升级", "Escalate unacknowledged", .unit = "min", .min = 0, .max = 100000,
      .help = "这么久无人确认则报上一级 | not acknowledged for so long: the level above is told", .zero = "不升级 | never"),
    F(lasting_minutes, "持续升级", "Escalate lasting", .unit = "min", .min = 0, .max = 100000,
      .help = "确认后仍持续这么久则报上一级 | lasting so long after it: the level above is told", .zero = "不升级 | never"),
    F(close_n, "结案所需合格数据", "Good values to close", .min = 0, .max = 1000,
      .help = "由它产生的事项须有连续这么多个合格数据才能结案 | its matter closes only after so many good values in a row",
      .zero = "不要求 | none needed"),
    F(basis, "依据", "Basis", .flags = LF_LIST | LF_BOTH, .max = 300),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

static atomic_uint generation;
unsigned rules_generation(void) { return atomic_load(&generation); }
static void committed(struct lf_app *app, const struct lf_change *ch) { atomic_fetch_add(&generation, 1); }

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct alarm_rule *r = ch->row;
    if (r->on_of < r->on_n)
        return lf_fail(cx, LF_EINVAL, "on_of", "触发窗口不能小于触发个数 | the window cannot be smaller than the number in it");
    if (r->factor.n && !hj212_factor_find(r->factor))
        return lf_fail(cx, LF_EINVAL, "factor", "不认识的监测因子代码 | this factor code is not known");
    bool need = r->type == ALARM_EXCEED || r->type == ALARM_WARNING || r->type == ALARM_OFFLINE || r->type == ALARM_MISSING ||
                r->type == ALARM_CONSTANT || r->type == ALARM_CLOCK;
    if (need && !(r->threshold > 0))
        return lf_fail(cx, LF_EINVAL, "threshold", "这类规则需要阈值 | this type of rule needs a threshold");
    if (r->type == ALARM_FAULTY && !r->letters.n)
        return lf_fail(cx, LF_EINVAL, "letters", "请填写标记字母 | say which flags count");
    if (r->type == ALARM_MISSING && r->period != ALARM_HOUR && r->period != ALARM_DAY)
        return lf_fail(cx, LF_EINVAL, "period", "数据缺失按小时或日判断 | missing data is judged by hours or days");
    return LF_OK;
}
const struct lf_res alarm_rule_res = {
    .name = "alarm_rule",
    .zh = "报警规则",
    .en = "Alarm rules",
    .icon = "limit",
    .menu = 23,
    .size = sizeof(struct alarm_rule),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .unscoped = "rules are the same for the whole city",
    .sort = "id",
    .check = check,
    .committed = committed,
};

/* ---- as the room uses them ------------------------------------------------------------------------------------- */

static bool read_rule(struct lf_arena *a, const struct rules_row *r, struct rule *out)
{
    unsigned type, kind, period, severity, policy;
    if (!lf_dict_find(&alarm_type_dict, r->type, &type) || !lf_dict_find(&alarm_for_dict, r->station_kind, &kind) ||
        !lf_dict_find(&alarm_period_dict, r->period, &period) || !lf_dict_find(&alarm_severity_dict, r->severity, &severity) ||
        !lf_dict_find(&alarm_policy_dict, r->policy, &policy))
        return false; /* a word of a later program */
    *out = (struct rule){ .id = r->id,
                          .type = type,
                          .kind = kind,
                          .factor = r->factor.n ? lf_text_copy(a, r->factor) : (lf_text){ 0 },
                          .period = period,
                          .enabled = r->enabled,
                          .threshold = r->threshold,
                          .worse = r->worse,
                          .letters = lf_text_copy(a, r->letters),
                          .on_n = (int)r->on_n,
                          .on_of = (int)r->on_of,
                          .off_n = (int)r->off_n,
                          .delay_ms = r->delay_minutes * LF_MINUTE_MS,
                          .merge_ms = r->merge_minutes * LF_MINUTE_MS,
                          .severity = severity,
                          .policy = policy,
                          .escalate_minutes = r->escalate_minutes,
                          .lasting_minutes = r->lasting_minutes,
                          .close_n = (int)r->close_n,
                          .basis = lf_text_copy(a, r->basis) };
    return true;
}

lf_rc rules_load(struct lf_ctx *cx, struct lf_arena *a, struct rules *out)
{
    struct rules_row row;
    struct lf_cur cur;
    struct rule *p = NULL;
    size_t n = 0, cap = 0;
    lf_rc rc = rules(cx, &cur);
    if (rc)
        return rc;
    while ((rc = rules_next(&cur, &row)) == LF_ROW) {
        p = lf_more(a, p, n, &cap, sizeof *p);
        n += read_rule(a, &row, &p[n]);
    }
    lf_cur_close(&cur);
    *out = (struct rules){ p, n };
    return rc < 0 ? rc : LF_OK;
}

const struct rule *rules_find(const struct rules *r, enum alarm_type type, enum station_kind kind, lf_text factor, enum alarm_period period)
{
    const struct rule *best = NULL;
    int most = -1;
    for (size_t i = 0; i < r->n; i++) {
        const struct rule *p = &r->p[i];
        bool of_kind = p->kind == (enum alarm_for)(kind + 1), of_period = p->period == period;
        if (p->type != type || (p->kind && !of_kind) || (p->factor.n && !lf_text_eq(p->factor, factor)) || (p->period && !of_period))
            continue;
        int points = (p->factor.n ? 4 : 0) + (p->kind ? 2 : 0) + (p->period ? 1 : 0);
        if (points > most)
            best = p, most = points;
    }
    return best && best->enabled ? best : NULL;
}

enum alarm_period alarm_period_of(enum lf_tele_kind kind)
{
    static const enum alarm_period of[LF_TELE_KIND_COUNT] = {
        [LF_TELE_RTD] = ALARM_RTD, [LF_TELE_MIN] = ALARM_MIN,        [LF_TELE_HOUR] = ALARM_HOUR,
        [LF_TELE_DAY] = ALARM_DAY, [LF_TELE_HOUR_CALC] = ALARM_HOUR, [LF_TELE_DAY_CALC] = ALARM_DAY
    };
    return of[kind];
}

/* ---- how a new city begins ------------------------------------------------------------------------------------------
 *
 * What the law fixes is cited. The rest (how long, how many) no law says: those rules say so, and are there to be edited. */
#define OURS "本程序默认值，法规未规定，可修改 | default of this program, no law fixes it"
#define ANY ((const char *)NULL)
static const struct {
    const char *title;
    enum alarm_type type;
    enum alarm_for kind;
    const char *factor;
    enum alarm_period period;
    double threshold, worse;
    const char *letters;
    int on_n, on_of, off_n, delay, merge;
    enum alarm_severity severity;
    enum alarm_policy policy;
    int escalate, lasting, close_n;
    const char *basis;
} defaults[] = {
    /* A mean over the limit is one exceedance: no hysteresis on hours and days, the standard has none. */
    { "超过排放或质量标准（小时均值） | Over a limit of emission or quality (hourly mean)", ALARM_EXCEED, ALARM_FOR_ANY, ANY, ALARM_HOUR,
      100, 200, NULL, 1, 1, 1, 0, 120, ALARM_ORANGE, ALARM_MATTER, 240, 1440, 4,
      "HJ 75-2017、HJ 76-2017：小时折算均值；GB 3095 表4；限值见“排放限值” | hourly (converted) mean; see Limits" },
    { "超过排放或质量标准（日均值） | Over a limit of emission or quality (daily mean)", ALARM_EXCEED, ALARM_FOR_ANY, ANY, ALARM_DAY, 100,
      200, NULL, 1, 1, 1, 0, 1440, ALARM_ORANGE, ALARM_MATTER, 240, 2880, 1,
      "GB 18918-2002 4.1.4.2：日均值；GB 3095：日平均；GB 3838 按日均值判断 | daily mean; see Limits" },
    /* Only where somebody has set a limit for single values (pH of a permit, a demonstration). */
    { "超过瞬时限值（实时、分钟） | Over a limit for single values (real time, minutes)", ALARM_EXCEED, ALARM_FOR_ANY, ANY,
      ALARM_ANY_PERIOD, 100, 200, NULL, 3, 5, 3, 0, 30, ALARM_ORANGE, ALARM_MATTER, 240, 1440, 10,
      "限值所注明的依据；连续性判断为本程序默认值 | basis of the limit; the counting is our default" },
    /* Of sources only: an ambient minute above a day's limit foretells nothing. */
    { "废气实时值高于均值限值（预警） | Flue gas above the limit of its mean (warning)", ALARM_WARNING, ALARM_FOR_FLUE, ANY, ALARM_RTD, 100,
      NAN, NULL, 3, 5, 5, 0, 60, ALARM_YELLOW, ALARM_NOTICE, 0, 0, 0, OURS },
    { "废水实时值高于均值限值（预警） | Wastewater above the limit of its mean (warning)", ALARM_WARNING, ALARM_FOR_WASTEWATER, ANY,
      ALARM_RTD, 100, NAN, NULL, 3, 5, 5, 0, 60, ALARM_YELLOW, ALARM_NOTICE, 0, 0, 0, OURS },
    { "离线 | Offline", ALARM_OFFLINE, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, 3, NAN, NULL, 1, 1, 1, 15, 30, ALARM_YELLOW, ALARM_MATTER, 240,
      1440, 1,
      "HJ 212-2017 表4：实时数据间隔 30–3600 秒；倍数为本程序默认值 | reporting interval of HJ 212-2017 table 4; the factor is our "
      "default" },
    { "小时有效数据不足 | Too few valid minutes in an hour", ALARM_MISSING, ALARM_FOR_ANY, ANY, ALARM_HOUR, 45, NAN, NULL, 1, 1, 1, 15, 120,
      ALARM_BLUE, ALARM_NOTICE, 0, 0, 1, "HJ 212-2017 附录D 24：小时均值至少 45 分钟；GB 3095 表4 | at least 45 valid minutes an hour" },
    { "日有效数据不足 | Too few valid hours in a day", ALARM_MISSING, ALARM_FOR_ANY, ANY, ALARM_DAY, 20, NAN, NULL, 1, 1, 1, 120, 1440,
      ALARM_YELLOW, ALARM_MATTER, 1440, 0, 1, "HJ 212-2017 附录D 25、GB 3095 表4：日均值至少 20 个小时值 | at least 20 valid hours a day" },
    { "数值恒定（废气） | Constant value (flue gas)", ALARM_CONSTANT, ALARM_FOR_FLUE, ANY, ALARM_RTD, 2, NAN, NULL, 1, 30, 3, 0, 60,
      ALARM_YELLOW, ALARM_MATTER, 240, 1440, 0, OURS },
    /* Water analysers measure every two or four hours and repeat the last value between: real-time sameness says nothing. */
    { "数值恒定（废水，小时值） | Constant value (wastewater, hourly)", ALARM_CONSTANT, ALARM_FOR_WASTEWATER, ANY, ALARM_HOUR, 24, NAN,
      NULL, 1, 12, 1, 0, 240, ALARM_YELLOW, ALARM_MATTER, 240, 1440, 0, OURS },
    { "数值恒定（环境空气，小时值） | Constant value (ambient air, hourly)", ALARM_CONSTANT, ALARM_FOR_AIR, ANY, ALARM_HOUR, 6, NAN, NULL,
      1, 6, 1, 0, 240, ALARM_BLUE, ALARM_NOTICE, 0, 0, 0, OURS },
    { "设备故障标记 | Fault flags of the device", ALARM_FAULTY, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, "DBPT2", 3, 5, 3, 0, 60,
      ALARM_YELLOW, ALARM_MATTER, 240, 1440, 1,
      "HJ 212-2017 表8、HJ/T 212-2005：D 故障 B 通讯中断 P 断电 T 超上限 2 异常 | flags of HJ 212" },
    { "时钟偏差 | Clock error", ALARM_CLOCK, ALARM_FOR_ANY, ANY, ALARM_RTD, 5, NAN, NULL, 5, 5, 3, 0, 60, ALARM_BLUE, ALARM_NOTICE, 0, 0, 0,
      OURS },
    { "设备自报报警 | Told by the device", ALARM_DEVICE, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1, 1, 1, 0, 60, ALARM_YELLOW,
      ALARM_NOTICE, 0, 0, 0, "HJ 212-2017 表B.9 现场端信息 | on-site information of HJ 212" },
    { "数据疑点：贴近限值 | Sign of doubt: at the limit's edge", ALARM_EDGE, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1, 1, 1,
      0, 1440, ALARM_YELLOW, ALARM_NOTICE, 0, 0, 0, OURS },
    { "数据疑点：检查时段骤降 | Sign of doubt: low at inspection hours", ALARM_INSPECTION, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN,
      NULL, 1, 1, 1, 0, 1440, ALARM_YELLOW, ALARM_NOTICE, 0, 0, 0, OURS },
    { "数据疑点：时钟跳变 | Sign of doubt: clock jump", ALARM_JUMP, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1, 1, 1, 0, 1440,
      ALARM_YELLOW, ALARM_NOTICE, 0, 0, 0, OURS },
    { "数据疑点：与他站雷同 | Sign of doubt: copy of another station", ALARM_COPY, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1,
      1, 1, 0, 1440, ALARM_RED, ALARM_MATTER, 240, 2880, 0, OURS },
    { "数据疑点：历史数据重放 | Sign of doubt: replay of its past", ALARM_REPLAY, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1,
      1, 1, 0, 1440, ALARM_RED, ALARM_MATTER, 240, 2880, 0, OURS },
    { "数据疑点：参数矛盾 | Sign of doubt: impossible together", ALARM_PAIR, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1, 1, 1,
      0, 240, ALARM_ORANGE, ALARM_MATTER, 240, 1440, 0, OURS },
    { "数据疑点：用电与排放不符 | Sign of doubt: power against emission", ALARM_POWER, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL,
      1, 1, 1, 0, 240, ALARM_ORANGE, ALARM_MATTER, 240, 1440, 0, OURS },
    { "其他疑点 | Other signs of doubt", ALARM_OTHER, ALARM_FOR_ANY, ANY, ALARM_ANY_PERIOD, NAN, NAN, NULL, 1, 1, 1, 0, 240, ALARM_BLUE,
      ALARM_NOTICE, 0, 0, 0, OURS },
};

lf_rc rules_seed(struct lf_ctx *cx)
{
    struct rule_count_row n = { 0 };
    lf_rc rc = rule_count(cx, &n);
    for (size_t i = 0; !rc && !n.n && i < LF_COUNT(defaults); i++) {
        struct alarm_rule r = { .title = lf_str(defaults[i].title),
                                .type = defaults[i].type,
                                .station_kind = defaults[i].kind,
                                .factor = defaults[i].factor ? lf_str(defaults[i].factor) : (lf_text){ 0 },
                                .period = defaults[i].period,
                                .enabled = true,
                                .threshold = defaults[i].threshold,
                                .worse = defaults[i].worse,
                                .letters = defaults[i].letters ? lf_str(defaults[i].letters) : (lf_text){ 0 },
                                .on_n = defaults[i].on_n,
                                .on_of = defaults[i].on_of,
                                .off_n = defaults[i].off_n,
                                .delay_minutes = defaults[i].delay,
                                .merge_minutes = defaults[i].merge,
                                .severity = defaults[i].severity,
                                .policy = defaults[i].policy,
                                .escalate_minutes = defaults[i].escalate,
                                .lasting_minutes = defaults[i].lasting,
                                .close_n = defaults[i].close_n,
                                .basis = lf_str(defaults[i].basis) };
        struct lf_change ch = { .row = &r };
        rc = lf_res_create(cx, &alarm_rule_res, &ch);
    }
    return rc;
}
