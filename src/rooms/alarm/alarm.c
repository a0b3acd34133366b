/* alarm.c - episodes: how they begin, go on, end, and what becomes of them. What is judged when: engine.c and watch.c. */
#include "rooms/alarm/parts.h"

#include "alarm_sql.h"
#include "rooms/matter/matter.h"

LF_ENUM_DICT(alarm_state, ALARM_STATES);
LF_ENUM_DICT(alarm_type, ALARM_TYPES);
LF_ENUM_DICT(alarm_severity, ALARM_SEVERITIES);

#define F(m, zh, en, ...) LF_FIELD(struct alarm, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "报警", "Alarm", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_READONLY | LF_FILTER, .help = "空：整个站点 | empty: the whole station"),
    F(type, "类型", "Type", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &alarm_type_dict),
    F(severity, "级别", "Severity", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &alarm_severity_dict),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &alarm_state_dict),
    F(period, "数据类别", "Period", .flags = LF_READONLY),
    F(value, "最差值", "Worst value", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(limit_value, "限值", "Limit", .flags = LF_READONLY | LF_LIST),
    F(count, "次数", "Times", .flags = LF_READONLY),
    F(began_at, "开始", "Began", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(last_at, "最近", "Last", .flags = LF_READONLY | LF_FILTER),
    F(ended_at, "结束", "Ended", .flags = LF_READONLY | LF_FILTER),
    F(explain, "判断说明", "Why", .flags = LF_READONLY | LF_LONG | LF_BOTH),
    F(basis, "依据", "Basis", .flags = LF_READONLY | LF_LONG | LF_BOTH),
    F(silenced, "报备期内", "Reported maintenance", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(silence_id, "报备", "Report", .flags = LF_READONLY, .ref = "silence"),
    F(matter_id, "事项", "Matter", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "matter"),
    F(escalate_minutes, "未确认升级", "Escalate unacknowledged", .flags = LF_READONLY, .unit = "min", .zero = "不升级 | never"),
    F(lasting_minutes, "持续升级", "Escalate lasting", .flags = LF_READONLY, .unit = "min", .zero = "不升级 | never"),
    F(raised_at, "报警时间", "Raised", .flags = LF_READONLY | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
    F(unit, "单位", "Unit", .flags = LF_READONLY | LF_LIST, .help = "最差值和限值的单位 | of the worst value and the limit"),
};
#undef F

/* ---- moves ------------------------------------------------------------------------------------------------------ */

/* Whoever watches acknowledges; then it may last. The kernel tells the level above when either takes too long. */
static lf_rc next_step(struct lf_ctx *cx, const void *row, struct lf_step *out)
{
    const struct alarm *a = row;
    int64_t n = a->state == ALARM_OPEN ? a->escalate_minutes : a->state == ALARM_ACKED ? a->lasting_minutes : 0;
    *out = (struct lf_step){ .final = true };
    if (n > 0)
        *out = (struct lf_step){ .right = a->state == ALARM_OPEN ? "ack" : "close", .limit = { (int)n, LF_MINUTES } };
    return LF_OK;
}

static lf_rc only_system(struct lf_ctx *cx, struct lf_change *ch)
{
    return lf_id_none(cx->actor)
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, NULL, "由监测数据自动完成，不能手工操作 | the measurement does this, nobody else");
}

static lf_rc on_speak(struct lf_ctx *cx, struct lf_change *ch);
#define GOING (1u << ALARM_OPEN | 1u << ALARM_ACKED)
static const struct lf_verb verbs[] = {
    { "ack", "确认", "Acknowledge", 1u << ALARM_OPEN, ALARM_ACKED, "ack", .need = LF_NEED_NOTE,
      .phrases =
          "已知悉，正在核实 | Seen, being checked\n已通知企业和网格员 | The company and the officer have been told\n已安排现场检查 | "
          "Somebody is on the way" },
    { "close", "关闭", "Close", GOING | 1u << ALARM_ENDED, ALARM_CLOSED, "close", .need = LF_NEED_NOTE, .effect = keep_closing,
      .hold = keep_hold, .release = keep_give,
      .phrases = "已恢复正常 | Back to normal\n设备故障，已修复 | Device fault, repaired\n误报 | False alarm" },
    { "end", "恢复", "Over", GOING, ALARM_ENDED, "end", .guard = only_system },
    { "speak", "报备期满", "Maintenance is over", GOING, LF_STAY, "end", .guard = only_system, .effect = on_speak },
    { "resume", "再次发生", "Again", 1u << ALARM_ENDED, ALARM_OPEN, "end", .guard = only_system },
};
const struct lf_res alarm_res = {
    .name = "alarm",
    .zh = "报警",
    .en = "Alarms",
    .icon = "alarm",
    .menu = 21,
    .size = sizeof(struct alarm),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .step = next_step,
    .committed = keep_closed,
};

/* ---- news --------------------------------------------------------------------------------------------------------- */

void alarm_note_change(struct lf_ctx *cx, struct alarm_news *news, const struct lf_change *ch)
{
    if (!news)
        return;
    news->change = lf_more(&cx->arena, news->change, news->n, &news->cap, sizeof *news->change);
    news->change[news->n++] = *ch;
}

void alarm_tell(struct lf_app *app, const struct alarm_news *news)
{
    for (size_t i = 0; i < news->n; i++)
        lf_publish_record(app, &news->change[i]);
}

/* ---- an episode begins --------------------------------------------------------------------------------------------- */

const char *alarm_factor_name(struct lf_arena *a, lf_text factor, enum lf_lang lang)
{
    const struct hj212_factor *f = hj212_factor_find(factor);
    return !f ? lf_strn(a, factor) : lang == LF_EN ? f->en : f->zh;
}

/* What value and limit are counted in; "" for what has no unit. */
static const char *unit_of(const struct alarm_sign *s)
{
    switch (s->type) {
    case ALARM_EXCEED:
    case ALARM_WARNING:
    case ALARM_CONSTANT: return station_unit(s->station, s->factor);
    case ALARM_OFFLINE:
    case ALARM_CLOCK: return "min";
    case ALARM_MISSING: return s->kind == LF_TELE_DAY ? "h" : "min";
    default: return "";
    }
}

static const char *title_zh(struct lf_ctx *cx, const struct alarm_sign *s, const char *name)
{
    const char *type = alarm_type_dict.item[s->type].zh, *unit = station_unit(s->station, s->factor),
               *factor = alarm_factor_name(&cx->arena, s->factor, LF_ZH);
    if ((s->type == ALARM_EXCEED || s->type == ALARM_WARNING) && !isnan(s->value))
        return lf_printf(&cx->arena, "%s %s%s：%g%s%s（限值 %g）", name, factor, type, s->value, *unit ? " " : "", unit, s->limit);
    return lf_printf(&cx->arena, "%s %s%s", name, factor, type);
}

static const char *title_en(struct lf_ctx *cx, const struct alarm_sign *s, const char *name)
{
    const char *type = alarm_type_dict.item[s->type].en, *unit = station_unit(s->station, s->factor),
               *factor = alarm_factor_name(&cx->arena, s->factor, LF_EN), *comma = s->factor.n ? ", " : "";
    if ((s->type == ALARM_EXCEED || s->type == ALARM_WARNING) && !isnan(s->value))
        return lf_printf(&cx->arena, "%s: %s%s%s %g%s%s (limit %g)", name, type, comma, factor, s->value, *unit ? " " : "", unit, s->limit);
    return lf_printf(&cx->arena, "%s: %s%s%s", name, type, comma, factor);
}

static lf_text title_of(struct lf_ctx *cx, const struct alarm_sign *s, const struct station_site *site)
{
    const char *name = lf_strn(&cx->arena, site->name);
    return lf_lang_both(&cx->arena, title_zh(cx, s, name), title_en(cx, s, name));
}

static lf_rc open_matter(struct lf_ctx *cx, struct alarm *a, const struct station_site *site, struct alarm_news *news)
{
    struct matter *m = lf_alloc(&cx->arena, sizeof *m);
    struct lf_change ch;
    lf_row_clear(matter_res.field, matter_res.nfield, m);
    m->title = a->title;
    m->category = MATTER_MONITOR;
    m->origin = MATTER_BY_MONITOR;
    m->lon = site->lon, m->lat = site->lat;
    m->station_id = a->station_id;
    m->source_id = site->source_id;
    m->description = a->explain;
    lf_rc rc = matter_open(cx, m, &ch);
    if (rc)
        return rc;
    a->matter_id = m->id;
    alarm_note_change(cx, news, &ch);
    return LF_OK;
}

static lf_rc tell_watchers(struct lf_ctx *cx, const struct alarm *a)
{
    return lf_notice_right(cx, &alarm_res, "ack", a->grid_code, a->id, 0, lf_strn(&cx->arena, a->title));
}

/* What the rule wants done with it, unless maintenance was reported. */
static lf_rc follow_policy(struct lf_ctx *cx, struct alarm *a, const struct rule *r, const struct station_site *site,
                           struct alarm_news *news)
{
    return !a->silenced && r->policy == ALARM_MATTER ? open_matter(cx, a, site, news) : LF_OK;
}

static lf_rc open_episode(struct lf_ctx *cx, const struct alarm_sign *s, const struct rule *r, const struct station_site *site,
                          struct alarm_news *news)
{
    struct silence_over_row quiet = { 0 };
    lf_rc rc = silence_over(cx, s->station, s->factor, s->at, &quiet);
    if (rc && rc != LF_ENOTFOUND)
        return rc;
    struct alarm *a = lf_alloc(&cx->arena, sizeof *a);
    *a = (struct alarm){ .grid_code = site->grid_code,
                         .title = title_of(cx, s, site),
                         .station_id = s->station,
                         .factor = lf_text_copy(&cx->arena, s->factor),
                         .type = s->type,
                         .severity = s->severity > r->severity ? s->severity : r->severity,
                         .state = ALARM_OPEN,
                         .period = s->timed ? lf_str(lf_tele_kind_name(s->kind)) : LF_TEXT(""),
                         .value = s->value,
                         .limit_value = s->limit,
                         .count = 1,
                         .began_at = s->since.ms ? s->since : s->at,
                         .last_at = s->at,
                         .ended_at = { LF_NULL64 },
                         .explain = lf_text_copy(&cx->arena, s->explain),
                         .basis = s->basis.n ? lf_text_copy(&cx->arena, s->basis) : r->basis,
                         .silenced = rc == LF_OK,
                         .silence_id = rc == LF_OK ? quiet.id : (lf_id){ 0 },
                         .escalate_minutes = rc == LF_OK ? 0 : r->escalate_minutes,
                         .lasting_minutes = rc == LF_OK ? 0 : r->lasting_minutes,
                         .raised_at = lf_now(),
                         .unit = lf_str(unit_of(s)) };
    struct lf_change ch = { .res = &alarm_res, .row = a };
    if ((rc = follow_policy(cx, a, r, site, news)) || (rc = lf_res_create(cx, &alarm_res, &ch)))
        return rc;
    alarm_note_change(cx, news, &ch);
    return a->silenced || r->policy == ALARM_RECORD ? LF_OK : tell_watchers(cx, a);
}

/* The reported maintenance is over and the problem is not: now it is treated like any other. */
static lf_rc on_speak(struct lf_ctx *cx, struct lf_change *ch)
{
    struct alarm *a = ch->row;
    struct station_site site;
    struct rules rules;
    enum lf_tele_kind kind;
    bool timed = lf_tele_kind_parse(a->period, &kind);
    a->silenced = false;
    lf_rc rc = rules_load(cx, &cx->arena, &rules);
    if (rc || (rc = station_site_of(cx, a->station_id, &site)))
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    const struct rule *r = rules_find(&rules, a->type, site.kind, a->factor, timed ? alarm_period_of(kind) : ALARM_ANY_PERIOD);
    if (!r || r->policy == ALARM_RECORD)
        return LF_OK;
    a->escalate_minutes = r->escalate_minutes, a->lasting_minutes = r->lasting_minutes;
    rc = lf_id_none(a->matter_id) ? follow_policy(cx, a, r, &site, NULL) : LF_OK;
    return rc ? rc : tell_watchers(cx, a);
}

/* ---- it goes on, or again -------------------------------------------------------------------------------------------- */

static lf_rc take_up(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    const struct alarm_sign *s = user;
    struct alarm *a = row;
    a->ended_at = (lf_ms){ LF_NULL64 };
    a->last_at = s->at;
    a->count++;
    return LF_OK;
}

static lf_rc tell_matter(struct lf_ctx *cx, lf_id matter, lf_text note)
{
    if (lf_id_none(matter))
        return LF_OK;
    lf_rc rc = lf_res_comment(cx, &matter_res, matter, note, NULL, 0);
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

/* Short gaps merge: the same alarm again, and no second matter. */
static lf_rc resume(struct lf_ctx *cx, const struct alarm_sign *s, lf_id id, struct alarm_news *news)
{
    struct lf_change ch = { .note = lf_text_copy(&cx->arena, s->explain) };
    lf_rc rc = lf_res_move(cx, &alarm_res, id, LF_NULL64, "resume", take_up, (void *)(uintptr_t)s, &ch);
    if (rc)
        return rc;
    alarm_note_change(cx, news, &ch);
    return tell_matter(cx, ((const struct alarm *)ch.row)->matter_id, ch.note);
}

static lf_rc raise(struct lf_ctx *cx, const struct alarm_sign *s, struct alarm_news *news)
{
    struct alarm_going_row going = { 0 };
    struct alarm_before_row last = { 0 };
    struct station_site site;
    struct rules rules;
    lf_text type = lf_str(alarm_type_dict.item[s->type].code);
    lf_rc rc = alarm_going(cx, s->station, s->factor, type, &going);
    if (rc == LF_OK)
        return alarm_count_more(cx, going.id, s->at, s->value, NULL);
    if (rc != LF_ENOTFOUND || (rc = rules_load(cx, &cx->arena, &rules)))
        return rc;
    if ((rc = station_site_of(cx, s->station, &site)))
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    const struct rule *r = rules_find(&rules, s->type, site.kind, s->factor, s->timed ? alarm_period_of(s->kind) : ALARM_ANY_PERIOD);
    if (!r)
        return LF_OK;
    rc = alarm_before(cx, s->station, s->factor, type, &last);
    if (rc == LF_OK && lf_text_is(last.state, "ended") && last.ended_at.ms + r->merge_ms >= (s->since.ms ? s->since.ms : s->at.ms))
        return resume(cx, s, last.id, news);
    return rc && rc != LF_ENOTFOUND ? rc : open_episode(cx, s, r, &site, news);
}

lf_rc alarm_raise(struct lf_ctx *cx, const struct alarm_sign *sign, struct alarm_news *news)
{
    struct lf_as before = lf_as_system(cx);
    struct alarm_sign s = *sign;
    s.factor = s.factor.p ? s.factor : LF_TEXT("");
    lf_rc rc = raise(cx, &s, news);
    lf_as_back(cx, &before);
    return rc;
}

/* ---- it ends ----------------------------------------------------------------------------------------------------------- */

static lf_rc set_end(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    struct alarm *a = row;
    a->ended_at = *(const lf_ms *)user;
    return LF_OK;
}

lf_rc alarm_clear(struct lf_ctx *cx, lf_id station, lf_text factor, enum alarm_type type, lf_ms at, lf_text explain,
                  struct alarm_news *news)
{
    struct lf_as before = lf_as_system(cx);
    struct alarm_going_row going = { 0 };
    struct lf_change ch = { .note = lf_text_copy(&cx->arena, explain) };
    lf_rc rc = alarm_going(cx, station, factor.p ? factor : LF_TEXT(""), lf_str(alarm_type_dict.item[type].code), &going);
    if (rc == LF_OK && !(rc = lf_res_move(cx, &alarm_res, going.id, LF_NULL64, "end", set_end, &at, &ch))) {
        alarm_note_change(cx, news, &ch);
        rc = tell_matter(cx, going.matter_id, ch.note.n ? ch.note : LF_TEXT("监测已恢复正常 | the measurement is good again"));
    } else if (rc == LF_ENOTFOUND) {
        rc = LF_OK;
    }
    lf_as_back(cx, &before);
    return rc;
}

/* ---- the room ------------------------------------------------------------------------------------------------------------- */

static lf_rc start(struct lf_ctx *cx)
{
    matter_set_close_guard(alarm_may_close);
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = rules_seed(cx);
    return lf_tx_end(cx, rc ? rc : alarm_units_of_limits(cx, NULL));
}

static const struct lf_job jobs[] = { { "alarm.keep", 5, keep_job },
                                      { "alarm.offline", 5, watch_offline },
                                      { "alarm.missing", 60, watch_missing },
                                      { "alarm.silences", 15, watch_silences } };
static const struct lf_res *const types[] = { &alarm_res, &alarm_rule_res, &silence_res };
const struct lf_room alarm_room = { .name = "alarm",
                                    .res = types,
                                    .nres = LF_COUNT(types),
                                    .migration = alarm_migrations,
                                    .nmigration = LF_COUNT(alarm_migrations),
                                    .job = jobs,
                                    .njob = LF_COUNT(jobs),
                                    .start = start,
                                    .stop = keep_end };
