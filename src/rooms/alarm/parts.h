/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_ALARM_PARTS_H
#define LF_ROOMS_ALARM_PARTS_H
#include "rooms/alarm/alarm.h"
#include "rooms/station/station.h"

/* STATION_KINDS with "any" before them: ALARM_FOR_ANY, then station_kind + 1. */
#define ALARM_FOR_KINDS(X) \
    X(ALARM_FOR_ANY, "any", "全部站点", "All stations") \
    X(ALARM_FOR_AIR, "air", "环境空气", "Ambient air") \
    X(ALARM_FOR_SURFACE, "surface", "地表水", "Surface water") \
    X(ALARM_FOR_WASTEWATER, "wastewater", "废水", "Wastewater") \
    X(ALARM_FOR_FLUE, "flue", "废气", "Flue gas") \
    X(ALARM_FOR_DUST, "dust", "扬尘", "Dust") \
    X(ALARM_FOR_NOISE, "noise", "噪声", "Noise")
LF_ENUM(alarm_for, ALARM_FOR_KINDS);
#define ALARM_PERIODS(X) \
    X(ALARM_ANY_PERIOD, "any", "全部", "Any") \
    X(ALARM_RTD, "rtd", "实时", "Real time") \
    X(ALARM_MIN, "min", "分钟", "Minute") \
    X(ALARM_HOUR, "hour", "小时", "Hour") \
    X(ALARM_DAY, "day", "日", "Day")
LF_ENUM(alarm_period, ALARM_PERIODS);
#define ALARM_POLICIES(X) \
    X(ALARM_RECORD, "none", "仅记录", "Record only") \
    X(ALARM_NOTICE, "notice", "通知", "Notice") \
    X(ALARM_MATTER, "matter", "转为事项", "Matter")
LF_ENUM(alarm_policy, ALARM_POLICIES);

struct alarm {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum alarm_type type;
    enum alarm_severity severity;
    enum alarm_state state;
    lf_text period;
    double value, limit_value;
    int64_t count;
    lf_ms began_at, last_at, ended_at;
    lf_text explain, basis;
    bool silenced;
    lf_id silence_id, matter_id;
    int64_t escalate_minutes, lasting_minutes;
    lf_ms raised_at, updated_at;
    lf_text unit;
};

/* A rule as the room uses it. Its texts live as long as the list it stands in. */
struct rule {
    lf_id id;
    enum alarm_type type;
    enum alarm_for kind;
    lf_text factor; /* null = every factor */
    enum alarm_period period;
    bool enabled;
    double threshold, worse; /* unit by type: see rule.c */
    lf_text letters;
    int on_n, on_of, off_n;
    int64_t delay_ms, merge_ms;
    enum alarm_severity severity;
    enum alarm_policy policy;
    int64_t escalate_minutes, lasting_minutes;
    int close_n;
    lf_text basis;
};
struct rules {
    struct rule *p;
    size_t n;
};
/* All of them, into the arena. Wants a transaction. */
lf_rc rules_load(struct lf_ctx *cx, struct lf_arena *a, struct rules *out) LF_MUST_CHECK;
/* The one that fits best: factor before kind of station before period before any; NULL when there is none or it is switched off.
 * Of equals the first. A rule for another period, factor or kind does not fit. */
const struct rule *rules_find(const struct rules *r, enum alarm_type type, enum station_kind kind, lf_text factor,
                              enum alarm_period period);
enum alarm_period alarm_period_of(enum lf_tele_kind kind); /* computed hours are hours */
/* Default rules into an empty table. */
lf_rc rules_seed(struct lf_ctx *cx) LF_MUST_CHECK;
unsigned rules_generation(void); /* grows when one was changed */

/* keep.c: the engine, kept in step with the records. Take it, use it, give it back; jobs and the events thread take turns. */
struct engine;
struct engine *keep_take(void);
struct engine *keep_engine(void); /* keep_ready may have made another one */
void keep_give(void);
/* What the records say now, and what was lost made good. Between take and give, no transaction open. */
lf_rc keep_ready(struct lf_ctx *cx) LF_MUST_CHECK;
struct act;
/* Writes acts, counts and marks in one transaction, and tells. Between take and give. force: even when there is only a mark to write. */
lf_rc keep_write(struct lf_ctx *cx, const struct act *a, size_t n, bool force) LF_MUST_CHECK;
lf_ms keep_since(void); /* when the server began to listen */
extern struct lf_tele_store *alarm_store;
lf_rc mark_read(struct lf_ctx *cx, const char *name, int64_t *at) LF_MUST_CHECK; /* LF_NULL64 when there is none */
lf_rc mark_write(struct lf_ctx *cx, const char *name, int64_t at) LF_MUST_CHECK;
lf_rc keep_job(struct lf_ctx *cx) LF_MUST_CHECK;
void keep_end(struct lf_app *app);
/* A person closes an episode: around that, in its transaction, after its commit. */
lf_rc keep_hold(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc keep_closing(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK;
void keep_closed(struct lf_app *app, const struct lf_change *ch);
void alarm_note_change(struct lf_ctx *cx, struct alarm_news *news, const struct lf_change *ch);

/* numbers.c; any thread */
enum alarm_number { NUMBER_JUDGED, NUMBER_BEGUN, NUMBER_ENDED, NUMBER_FAILED, NUMBER_AGAIN, NUMBERS };
void numbers_add(enum alarm_number which, int64_t n);
void numbers_latency(int64_t ms); /* from the arrival of a packet to the commit of the alarm that it began */

/* watch.c: jobs; guard.c */
lf_rc watch_offline(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc watch_missing(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc watch_silences(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc alarm_may_close(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK;

/* "烟气二氧化硫" or "Sulphur dioxide" of a code; the code itself when it is not known; "" for the whole station. */
const char *alarm_factor_name(struct lf_arena *a, lf_text factor, enum lf_lang lang);
#endif
