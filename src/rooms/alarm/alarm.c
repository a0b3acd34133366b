/* alarm.c - episodes: an exceedance opens one, and a matter; a value within the limit ends it. */
#include "rooms/alarm/alarm.h"

#include "alarm_sql.h"
#include "rooms/matter/matter.h"
#include "rooms/station/station.h"

LF_ENUM_DICT(alarm_state, ALARM_STATES);

struct alarm {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum alarm_state state;
    double value, limit_high;
    int64_t count;
    lf_ms began_at, last_at;
    lf_id matter_id;
};
#define F(m, zh, en, ...) LF_FIELD(struct alarm, m, zh, en, __VA_ARGS__)
static const struct lf_field alarm_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "报警", "Alarm", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH),
    F(station_id, "站点", "Station", .flags = LF_READONLY | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &alarm_state_dict),
    F(value, "最高值", "Highest", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(limit_high, "限值", "Limit", .flags = LF_READONLY | LF_LIST),
    F(count, "超标次数", "Times", .flags = LF_READONLY | LF_LIST),
    F(began_at, "开始", "Began", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(last_at, "最近", "Last", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(matter_id, "事项", "Matter", .flags = LF_READONLY | LF_LIST, .ref = "matter"),
};
#undef F
const struct lf_res alarm_res = {
    .name = "alarm",
    .zh = "超标报警",
    .en = "Alarms",
    .icon = "alarm",
    .menu = 21,
    .size = sizeof(struct alarm),
    .field = alarm_fields,
    .nfield = LF_COUNT(alarm_fields),
};

/* ---- rules -------------------------------------------------------------------------------------------------- */

struct opened {
    struct lf_change matter;
    struct alarm alarm;
    bool is;
};

/* A new episode: the alarm, and the matter for the officer on duty at the station. */
static lf_rc open_alarm(struct lf_ctx *cx, const struct lf_tele_reading *r, double limit, struct opened *o)
{
    struct station_site s;
    char when[32];
    lf_rc rc = station_site_of(cx, r->station, &s);
    if (rc)
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    const struct hj212_factor *f = hj212_factor_find(r->factor);
    const char *name = lf_strn(&cx->arena, s.name), *factor = f ? f->zh : lf_strn(&cx->arena, r->factor),
               *unit = f && f->unit ? f->unit : "";
    lf_text title = lf_str(lf_printf(&cx->arena, "%s %s超标：%g %s（限值 %g）", name, factor, r->value, unit, limit));
    struct matter *m = lf_alloc(&cx->arena, sizeof *m);
    lf_row_clear(matter_res.field, matter_res.nfield, m);
    m->title = title;
    m->category = MATTER_MONITOR;
    m->origin = MATTER_BY_MONITOR;
    m->lon = s.lon, m->lat = s.lat;
    m->station_id = r->station;
    m->source_id = s.source_id;
    m->description =
        lf_str(lf_printf(&cx->arena, "%s 测得%s %g %s，超过限值 %g。", lf_ms_human(when, r->at), factor, r->value, unit, limit));
    if ((rc = matter_open(cx, m, &o->matter)))
        return rc;
    o->alarm = (struct alarm){ .grid_code = s.grid_code,
                               .title = title,
                               .station_id = r->station,
                               .factor = r->factor,
                               .state = ALARM_OPEN,
                               .value = r->value,
                               .limit_high = limit,
                               .count = 1,
                               .began_at = r->at,
                               .last_at = r->at,
                               .matter_id = m->id };
    struct lf_change ch = { .row = &o->alarm };
    o->is = true;
    return lf_res_create(cx, &alarm_res, &ch);
}

static lf_rc judge(struct lf_ctx *cx, const struct lf_tele_reading *r, struct opened *o)
{
    double limit;
    bool any;
    struct alarm_open_of_row open = { 0 };
    lf_rc rc = station_limit_passed(cx, r, &limit, &any);
    if (rc || !any)
        return rc;
    if (isnan(limit))
        return alarm_row_end(cx, r->station, r->factor, r->at, NULL);
    rc = alarm_open_of(cx, r->station, r->factor, &open);
    if (rc == LF_OK)
        return alarm_row_again(cx, open.id, r->at, r->value, NULL); /* one alarm per episode, not per packet */
    return rc == LF_ENOTFOUND ? open_alarm(cx, r, limit, o) : rc;
}

static bool valid(const struct lf_tele_reading *r)
{
    return r->fresh && !isnan(r->value) && (!r->flag.n || lf_text_is(r->flag, "N")); /* marked data is no evidence of exceedance */
}

lf_rc alarm_on_readings(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct opened o = { 0 };
        if (!valid(&r[i]))
            continue;
        lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
        if (rc || (rc = lf_tx_end(cx, judge(cx, &r[i], &o))))
            return rc;
        if (o.is) {
            struct lf_change alarm = { .res = &alarm_res, .row = &o.alarm };
            lf_publish_record(cx->app, &o.matter);
            lf_publish_record(cx->app, &alarm);
        }
        lf_arena_reset(&cx->arena);
    }
    return LF_OK;
}

static const struct lf_res *const types[] = { &alarm_res };
const struct lf_room alarm_room = {
    .name = "alarm", .res = types, .nres = LF_COUNT(types), .migration = alarm_migrations, .nmigration = LF_COUNT(alarm_migrations)
};
