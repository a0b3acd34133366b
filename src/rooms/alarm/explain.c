#include "rooms/alarm/explain.h"

#include <assert.h>

static const char *const zh_of[] = {
    [ALARM_ANY_PERIOD] = "", [ALARM_RTD] = "实时值", [ALARM_MIN] = "分钟均值", [ALARM_HOUR] = "小时均值", [ALARM_DAY] = "日均值"
};
static const char *const en_of[] = { [ALARM_ANY_PERIOD] = "",
                                     [ALARM_RTD] = "real-time value",
                                     [ALARM_MIN] = "minute mean",
                                     [ALARM_HOUR] = "hourly mean",
                                     [ALARM_DAY] = "daily mean" };

static const char *counting(struct lf_arena *a, const struct rule *r)
{
    if (r->on_n <= 1)
        return "";
    return lf_printf(a, "（最近 %d 个数据中有 %d 个）", r->on_of, r->on_n);
}

static lf_text over(struct lf_arena *a, const struct act *x, bool ahead)
{
    const struct series *s = x->of->series;
    assert(s);
    enum alarm_period p = alarm_period_of(s->kind);
    const char *zh = alarm_factor_name(a, s->factor, LF_ZH), *en = alarm_factor_name(a, s->factor, LF_EN),
               *known = station_unit((lf_id){ s->station }, s->factor), *unit = *known ? lf_printf(a, " %s", known) : "";
    bool low = x->value < x->limit;
    char when[32];
    lf_ms_human(when, x->at);
    if (p == ALARM_DAY)
        when[sizeof "2026-11-26" - 1] = 0; /* a whole day has no time */
    double times = x->limit > 0 ? x->value / x->limit : NAN;
    const char *as_zh = x->converted ? "折算" : "", *as_en = x->converted ? " at reference oxygen" : "",
               *not_zh = x->unconverted ? "（缺有效含氧量，未折算）" : "",
               *not_en = x->unconverted ? " (not converted: no valid oxygen)" : "";
    const char *how = low || isnan(times) ? "" : lf_printf(a, "，为限值的 %.2f 倍", times);
    return lf_str(lf_printf(a, "%s %s%s%s %g%s，%s%s限值 %g%s%s%s%s | %s: %s %s%s %g%s, %s the %slimit of %g%s", when, zh, as_zh, zh_of[p],
                            x->value, unit, low ? "低于" : "超过", ahead ? "均值" : "", x->limit, unit, how, not_zh, counting(a, x->rule),
                            when, en, en_of[p], as_en, x->value, unit, low ? "below" : "above", ahead ? "mean's " : "", x->limit, not_en));
}

lf_text explain_begin(struct lf_arena *a, const struct act *x)
{
    const struct series *s = x->of->series;
    lf_text factor = s ? s->factor : LF_TEXT("");
    const char *zh = alarm_factor_name(a, factor, LF_ZH), *en = alarm_factor_name(a, factor, LF_EN);
    char from[32], to[32];
    double every = (double)place_interval(x->of->place) / 1000;
    lf_ms_human(from, x->since), lf_ms_human(to, x->at);
    switch (x->of->w) {
    case WATCH_EXCEED: return over(a, x, false);
    case WATCH_WARNING: return over(a, x, true);
    case WATCH_CONSTANT:
        assert(s);
        return lf_str(lf_printf(a,
                                "%s 自 %s 起 %d 个数据均为 %g，已 %.1f 小时未变 | %s: %d values of %g since %s, unchanged for %.1f hours",
                                zh, from, s->run.n, x->value, (double)(x->at.ms - x->since.ms) / LF_HOUR_MS, en, s->run.n, x->value, from,
                                (double)(x->at.ms - x->since.ms) / LF_HOUR_MS));
    case WATCH_FAULTY:
        return lf_str(lf_printf(a, "%s 自 %s 起带异常标记%s | %s: marked as faulty since %s", zh, from, counting(a, x->rule), en, from));
    case WATCH_CLOCK:
        return lf_str(lf_printf(a, "设备时钟%s %.1f 分钟，允许 %g 分钟 | the device's clock is %.1f minutes %s, %g are allowed",
                                x->value > 0 ? "慢" : "快", fabs(x->value), x->limit, fabs(x->value), x->value > 0 ? "slow" : "fast",
                                x->limit));
    case WATCH_OFFLINE:
        return lf_str(lf_printf(a,
                                "自 %s 起没有收到数据，报送间隔约 %g 秒，已等待 %g 分钟 | nothing since %s; it reports every %g s or so, "
                                "waited %g minutes",
                                from, every, x->value, from, every, x->value));
    default: return LF_TEXT("");
    }
}

lf_text explain_end(struct lf_arena *a, const struct act *x)
{
    char when[32];
    lf_ms_human(when, x->at);
    if (!x->rule)
        return LF_TEXT("报警规则已停用，或当日没有有效限值 | the rule is switched off, or no limit is in force");
    if (x->of->w == WATCH_OFFLINE)
        return lf_str(lf_printf(a, "%s 恢复报送 | it reports again, %s", when, when));
    if ((x->of->w == WATCH_EXCEED || x->of->w == WATCH_WARNING) && !isnan(x->value))
        return lf_str(lf_printf(a, "%s 恢复正常：%g，连续 %d 个数据合格 | within the limit again, %s: %g, %d in a row", when, x->value,
                                x->rule->off_n, when, x->value, x->rule->off_n));
    return lf_str(
        lf_printf(a, "%s 恢复正常，连续 %d 个数据正常 | good again, %s, %d in a row", when, x->rule->off_n, when, x->rule->off_n));
}

enum alarm_severity explain_severity(const struct act *x)
{
    const struct rule *r = x->rule;
    double reached = x->of->w == WATCH_EXCEED || x->of->w == WATCH_WARNING ? (x->limit > 0 ? x->value / x->limit * 100 : NAN) : x->value;
    bool more = r && !isnan(r->worse) && reached >= r->worse && r->severity < ALARM_RED;
    return r ? (enum alarm_severity)(r->severity + more) : ALARM_BLUE;
}
