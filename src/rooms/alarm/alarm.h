/* alarm.h - 报警: what is wrong at a station. One alarm per episode of (station, factor, type), not per packet; each becomes a notice
 * or a matter by the policy of its rule (record type alarm_rule), unless maintenance was reported beforehand (record type silence).
 *
 *   open -> acked -> ended -> closed      ended: the measurement is good again. closed: by a person, with a reason. */
#ifndef LF_ROOMS_ALARM_ALARM_H
#define LF_ROOMS_ALARM_ALARM_H
#include "core/app.h"
#include "tele/directory.h"
#include "tele/store.h"

#define ALARM_STATES(X) \
    X(ALARM_OPEN, "open", "进行中", "Going on") \
    X(ALARM_ACKED, "acked", "已确认", "Acknowledged") \
    X(ALARM_ENDED, "ended", "已恢复", "Over") \
    X(ALARM_CLOSED, "closed", "已关闭", "Closed")
LF_ENUM(alarm_state, ALARM_STATES);

/* The last eight are signs of falsification (room review finds them): a reason to look, never a finding. */
#define ALARM_TYPES(X) \
    X(ALARM_EXCEED, "exceed", "超标", "Exceedance") \
    X(ALARM_WARNING, "warning", "超标预警", "Exceedance ahead") \
    X(ALARM_OFFLINE, "offline", "离线", "Offline") \
    X(ALARM_MISSING, "missing", "数据缺失", "Data missing") \
    X(ALARM_CONSTANT, "constant", "恒值", "Constant value") \
    X(ALARM_FAULTY, "faulty", "异常标记", "Fault flag") \
    X(ALARM_CLOCK, "clock", "时钟偏差", "Clock error") \
    X(ALARM_DEVICE, "device", "设备自报", "Told by the device") \
    X(ALARM_EDGE, "edge", "贴近限值", "At the limit's edge") \
    X(ALARM_INSPECTION, "inspection", "检查时段骤降", "Low at inspection hours") \
    X(ALARM_JUMP, "jump", "时钟跳变", "Clock jump") \
    X(ALARM_COPY, "copy", "与他站雷同", "Copy of another station") \
    X(ALARM_REPLAY, "replay", "历史数据重放", "Replay of its past") \
    X(ALARM_PAIR, "pair", "参数矛盾", "Impossible together") \
    X(ALARM_POWER, "power", "用电与排放不符", "Power against emission") \
    X(ALARM_OTHER, "other", "其他疑点", "Other sign")
LF_ENUM(alarm_type, ALARM_TYPES);

/* The four colours of Chinese warnings. */
#define ALARM_SEVERITIES(X) \
    X(ALARM_BLUE, "blue", "提示（蓝）", "Notice (blue)") \
    X(ALARM_YELLOW, "yellow", "一般（黄）", "Minor (yellow)") \
    X(ALARM_ORANGE, "orange", "较重（橙）", "Major (orange)") \
    X(ALARM_RED, "red", "严重（红）", "Severe (red)")
LF_ENUM(alarm_severity, ALARM_SEVERITIES);

extern const struct lf_res alarm_res, alarm_rule_res, silence_res;
extern const struct lf_room alarm_room;

/* One sign that something is wrong. Texts may lie anywhere; they are copied. */
struct alarm_sign {
    lf_id station;
    lf_text factor; /* "" or null = the whole station */
    enum alarm_type type;
    enum alarm_severity severity; /* what the rule says, or this when it is worse */
    bool timed;                   /* kind says which period was judged */
    enum lf_tele_kind kind;
    double value, limit; /* NaN when there is none */
    lf_ms at;            /* when it was so (time of the reading, not of its arrival) */
    lf_ms since;         /* when the episode began, when that was before `at`; 0 = at */
    lf_text explain;     /* "中文 | English": what was seen, for people; it stands on the alarm */
    lf_text basis;       /* clause; null = that of the rule */
};
/* Writes of one transaction that the live pages should hear of; in cx->arena. Start with { 0 }. */
struct alarm_news {
    struct lf_change *change;
    size_t n, cap;
};
/* Opens the episode, or counts one more in the one that is going on, or takes up the last one again when it ended within the rule's
 * merge time. Acts as the system whoever calls; wants the caller's write transaction. Nothing for a station that is gone, or a rule that
 * is switched off. news may be NULL; after the commit give it to alarm_tell. */
lf_rc alarm_raise(struct lf_ctx *cx, const struct alarm_sign *sign, struct alarm_news *news) LF_MUST_CHECK;
/* The measurement is good again: ends the episode that is going on (none is fine), and tells its matter. explain as in the sign. */
lf_rc alarm_clear(struct lf_ctx *cx, lf_id station, lf_text factor, enum alarm_type type, lf_ms at, lf_text explain,
                  struct alarm_news *news) LF_MUST_CHECK;
void alarm_tell(struct lf_app *app, const struct alarm_news *news);

/* The store that readings are judged again from; before the first reading, and before alarm_catch_up. */
void alarm_use_store(struct lf_tele_store *store);
/* Judges what was committed but not judged when the program stopped. Before the listener starts. Begins its own transactions. */
lf_rc alarm_catch_up(struct lf_ctx *cx) LF_MUST_CHECK;
void alarm_metrics(struct lf_out *o); /* lanfan_alarm_... */
/* New readings, after their commit, in the order of commits: limits, flags, constancy, clocks, contact. Begins its own transactions, as
 * the system. What fails is judged again from the store at the next call: each reading has its effect once. */
lf_rc alarm_on_readings(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n) LF_MUST_CHECK;
#endif
