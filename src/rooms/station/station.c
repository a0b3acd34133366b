#include "rooms/station/station.h"

#include "rooms/matter/matter.h"
#include "station_sql.h"
#include "tele/directory.h"

#include <inttypes.h>
#include <stdio.h>

LF_ENUM_DICT(station_kind, STATION_KINDS);
LF_ENUM_DICT(station_period, STATION_PERIODS);
LF_ENUM_DICT(alarm_state, ALARM_STATES);

static struct lf_tele_store *store;
void station_use_store(struct lf_tele_store *s) { store = s; }

/* ---- tables ---------------------------------------------------------------------------------------- */

struct station {
    lf_id id;
    int64_t version;
    lf_text grid_code, name, mn, pw;
    enum station_kind kind;
    lf_id source_id;
    double lon, lat;
    bool disabled;
    int64_t tolerate; /* set of enum hj212_needs that is forgiven; 0 = nothing */
    bool invented;
    lf_ms updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct station, m, zh, en, __VA_ARGS__)
static const struct lf_field station_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 200),
    F(mn, "设备唯一标识 MN", "MN", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SEARCH, .max = 64),
    F(pw, "访问密码 PW", "Password PW", .flags = LF_REQUIRED | LF_MASKED, .max = 64),
    F(kind, "类别", "Kind", .flags = LF_LIST | LF_FILTER, .dict = &station_kind_dict),
    F(source_id, "污染源", "Polluter", .flags = LF_LIST | LF_FILTER, .ref = "source"),
    F(lon, "经度", "Longitude", .flags = LF_REQUIRED | LF_LIST, .min = -180, .max = 180, .unit = "°"),
    F(lat, "纬度", "Latitude", .flags = LF_REQUIRED | LF_LIST, .min = -90, .max = 90, .unit = "°"),
    F(disabled, "停用", "Disabled", .flags = LF_LIST | LF_FILTER),
    F(tolerate, "宽容项", "Tolerances", .min = 0, .max = 255, .help = "默认 0：不宽容任何偏差 | 0 by default: no deviation is forgiven"),
    F(invented, "演示虚构", "Invented for the demonstration", .flags = LF_LIST | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F
const struct lf_res station_res = {
    .name = "station",
    .zh = "监测站点",
    .en = "Stations",
    .icon = "station",
    .menu = 20,
    .size = sizeof(struct station),
    .field = station_fields,
    .nfield = LF_COUNT(station_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
};

struct limit {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum station_period kind;
    double low, high;
    lf_day from_day, to_day;
    lf_text basis;
};
#define F(m, zh, en, ...) LF_FIELD(struct limit, m, zh, en, __VA_ARGS__)
static const struct lf_field limit_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "限值", "Limit", .flags = LF_READONLY | LF_LIST | LF_TITLE),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .max = 16),
    F(kind, "数据类别", "Period", .flags = LF_LIST | LF_FILTER, .dict = &station_period_dict),
    F(low, "下限", "Low", .flags = LF_LIST),
    F(high, "上限", "High", .flags = LF_LIST),
    F(from_day, "起用日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "停用日期", "Until", .flags = LF_LIST),
    F(basis, "依据", "Legal basis", .flags = LF_LIST, .max = 300),
};
#undef F

static lf_rc limit_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct limit *l = ch->row;
    struct station_place_row s;
    lf_rc rc = station_place(cx, l->station_id, &s);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_EINVAL, "station_id", "没有这个站点 | there is no such station");
    if (rc)
        return rc;
    if (isnan(l->low) && isnan(l->high))
        return lf_fail(cx, LF_EINVAL, "high", "上限和下限至少填一个 | give a low or a high limit");
    const struct hj212_factor *f = hj212_factor_find(l->factor);
    if (!f)
        return lf_fail(cx, LF_EINVAL, "factor", "不认识的监测因子代码 | this factor code is not known");
    l->grid_code = s.grid_code;
    l->title = lf_str(lf_printf(&cx->arena, "%s %s", lf_strn(&cx->arena, s.name), f->zh));
    return LF_OK;
}
const struct lf_res limit_value_res = {
    .name = "limit_value",
    .zh = "排放限值",
    .en = "Limits",
    .icon = "limit",
    .menu = 22,
    .size = sizeof(struct limit),
    .field = limit_fields,
    .nfield = LF_COUNT(limit_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = limit_check,
};

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

/* ---- the listener's directory ----------------------------------------------------------------------------- */

struct lf_directory *station_make_directory(struct lf_ctx *cx)
{
    size_t n = 0, cap = 0;
    struct lf_tele_station *list = NULL;
    struct station_directory_row r;
    struct lf_cur cur;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return NULL;
    rc = station_directory(cx, &cur);
    while (!rc && (rc = station_directory_next(&cur, &r)) == LF_ROW) {
        if (n == cap)
            list = lf_renew(list, (cap = cap ? cap * 2 : 256) * sizeof *list);
        list[n++] = (struct lf_tele_station){
            .id = r.id, .mn = r.mn, .pw = r.pw, .grid_code = r.grid_code, .disabled = r.disabled != 0, .tolerate = (unsigned)r.tolerate
        };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    struct lf_directory *d = rc < 0 ? NULL : lf_directory_make(list, n);
    lf_release(list);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    return rc ? NULL : d;
}

/* ---- readings: limits, alarms, live events -------------------------------------------------------------------- */

static void publish_reading(struct lf_app *app, const struct lf_tele_reading *r)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    char b[32];
    lf_json_obj(&j);
    lf_json_kint(&j, "station_id", r->station.v);
    lf_json_ktext(&j, "factor", r->factor);
    lf_json_kstr(&j, "kind", lf_tele_kind_name(r->kind));
    lf_json_kstr(&j, "at", lf_ms_iso(b, r->at));
    lf_json_kreal(&j, "value", r->value);
    lf_json_ktext(&j, "flag", r->flag);
    lf_json_end_obj(&j);
    lf_hub_publish(app->hub, LF_TEXT("reading"), r->grid_code, lf_out_text(&o));
    lf_out_close(&o);
}

/* The limit that this reading passes: high or low; NaN when it is within, or when nobody set one. */
static lf_rc limit_passed(struct lf_ctx *cx, const struct lf_tele_reading *r, double *passed, bool *any)
{
    struct station_limits_row l;
    struct lf_cur cur;
    *passed = NAN;
    *any = false;
    lf_rc rc = station_limits(cx, r->station, lf_day_of(r->at), &cur);
    if (rc)
        return rc;
    while ((rc = station_limits_next(&cur, &l)) == LF_ROW) {
        if (!lf_text_eq(l.factor, r->factor) || !lf_text_is(l.kind, lf_tele_kind_name(r->kind)))
            continue;
        *any = true;
        if (!isnan(l.high) && r->value > l.high)
            *passed = l.high;
        if (!isnan(l.low) && r->value < l.low)
            *passed = l.low;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

struct opened {
    struct lf_change matter;
    struct alarm alarm;
    bool is;
};

/* A new episode: the alarm, and the matter for the officer on duty at the station. */
static lf_rc open_alarm(struct lf_ctx *cx, const struct lf_tele_reading *r, double limit, struct opened *o)
{
    struct station_place_row s;
    char when[32];
    lf_rc rc = station_place(cx, r->station, &s);
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
    struct station_open_alarm_row open = { 0 };
    lf_rc rc = limit_passed(cx, r, &limit, &any);
    if (rc || !any)
        return rc;
    if (isnan(limit))
        return station_alarm_end(cx, r->station, r->factor, r->at, NULL);
    rc = station_open_alarm(cx, r->station, r->factor, &open);
    if (rc == LF_OK)
        return station_alarm_again(cx, open.id, r->at, r->value, NULL); /* one alarm per episode, not per packet */
    return rc == LF_ENOTFOUND ? open_alarm(cx, r, limit, o) : rc;
}

static bool valid(const struct lf_tele_reading *r)
{
    return r->fresh && !isnan(r->value) && (!r->flag.n || lf_text_is(r->flag, "N")); /* marked data is no evidence of exceedance */
}

lf_rc station_on_readings(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct opened o = { 0 };
        if (r[i].fresh)
            publish_reading(cx->app, &r[i]);
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

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static lf_rc live_station(struct lf_ctx *cx, struct lf_json *j, const struct station_places_row *s)
{
    struct lf_tele_latest *l = NULL;
    size_t n = 0;
    lf_rc rc = store ? store->ops->latest(store, &cx->arena, s->id, &l, &n, &cx->err) : LF_OK;
    if (rc)
        return rc;
    lf_ms last = { 0 };
    bool over = false;
    char b[32];
    lf_json_obj(j);
    lf_json_kint(j, "id", s->id.v);
    lf_json_ktext(j, "name", s->name);
    lf_json_ktext(j, "kind", s->kind);
    lf_json_kreal(j, "lon", s->lon);
    lf_json_kreal(j, "lat", s->lat);
    lf_json_ktext(j, "grid_code", s->grid_code);
    lf_json_key(j, "values");
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++) {
        const struct lf_tele_reading *r = &l[i].r;
        const struct hj212_factor *f = hj212_factor_find(r->factor);
        double limit;
        bool any;
        if (r->kind != LF_TELE_RTD && r->kind != LF_TELE_HOUR)
            continue;
        if ((rc = limit_passed(cx, r, &limit, &any)))
            return rc;
        if (l[i].received.ms > last.ms)
            last = l[i].received;
        over = over || !isnan(limit);
        lf_json_obj(j);
        lf_json_ktext(j, "factor", r->factor);
        lf_json_kstr(j, "zh", f ? f->zh : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "en", f ? f->en : lf_strn(&cx->arena, r->factor));
        lf_json_kstr(j, "unit", f ? f->unit : NULL);
        lf_json_kstr(j, "kind", lf_tele_kind_name(r->kind));
        lf_json_kreal(j, "value", r->value);
        lf_json_ktext(j, "flag", r->flag);
        lf_json_kstr(j, "at", lf_ms_iso(b, r->at));
        lf_json_kreal(j, "limit", limit);
        lf_json_kbool(j, "exceed", !isnan(limit));
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
    bool offline = !last.ms || lf_now().ms - last.ms > 15 * LF_MINUTE_MS;
    lf_json_kstr(j, "state", offline ? "offline" : over ? "exceed" : "normal");
    lf_json_kstr(j, "last_at", last.ms ? lf_ms_iso(b, last) : NULL);
    lf_json_end_obj(j);
    return LF_OK;
}

static lf_rc live(struct lf_ctx *cx, struct lf_call *c)
{
    struct station_places_row *s = NULL;
    size_t n = 0, cap = 0;
    struct lf_cur cur;
    lf_rc rc = station_places(cx, &cur);
    if (rc)
        return rc;
    for (struct station_places_row row; (rc = station_places_next(&cur, &row)) == LF_ROW; s[n++] = row)
        if (n == cap) {
            struct station_places_row *more = lf_alloc(&cx->arena, (cap = cap ? cap * 2 : 64) * sizeof *more);
            if (n)
                memcpy(more, s, n * sizeof *s);
            s = more;
        }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    rc = LF_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = live_station(cx, &c->j, &s[i]);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}

static lf_rc station_of(struct lf_ctx *cx, struct lf_call *c, lf_id *id)
{
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id->v);
    return rc ? rc : lf_res_get(cx, &station_res, *id, lf_alloc(&cx->arena, station_res.size));
}

static lf_rc time_param(struct lf_ctx *cx, struct lf_call *c, const char *name, lf_ms usual, lf_ms *out)
{
    lf_text s = lf_http_param(c->req, name);
    lf_day d;
    *out = usual;
    if (!s.n || lf_ms_parse_iso(s, out))
        return LF_OK;
    if (!lf_day_parse(s, &d))
        return lf_fail(cx, LF_EINVAL, name, "时间格式不对 | this is no time");
    *out = lf_day_start(d);
    return LF_OK;
}

static lf_rc one_series(struct lf_ctx *cx, struct lf_json *j, struct lf_tele_series *q)
{
    struct lf_tele_point *p = NULL;
    size_t n = 0;
    lf_rc rc = store ? store->ops->series(store, &cx->arena, q, &p, &n, &cx->err) : LF_OK;
    if (rc)
        return rc;
    const struct hj212_factor *f = hj212_factor_find(q->factor);
    struct station_limits_row l;
    struct lf_cur cur;
    double limit = NAN;
    if ((rc = station_limits(cx, q->station, lf_day_of(lf_now()), &cur)))
        return rc;
    while ((rc = station_limits_next(&cur, &l)) == LF_ROW)
        if (lf_text_eq(l.factor, q->factor) && lf_text_is(l.kind, lf_tele_kind_name(q->kind)))
            limit = l.high;
    lf_cur_close(&cur);
    lf_json_obj(j);
    lf_json_ktext(j, "factor", q->factor);
    lf_json_kstr(j, "zh", f ? f->zh : NULL);
    lf_json_kstr(j, "en", f ? f->en : NULL);
    lf_json_kstr(j, "unit", f ? f->unit : NULL);
    lf_json_kreal(j, "limit", limit);
    lf_json_key(j, "points");
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++) {
        lf_json_arr(j);
        lf_json_int(j, p[i].at.ms);
        lf_json_real(j, p[i].value);
        lf_json_text(j, p[i].flag);
        lf_json_real(j, p[i].vmin);
        lf_json_real(j, p[i].vmax);
        lf_json_end_arr(j);
    }
    lf_json_end_arr(j);
    lf_json_end_obj(j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc series(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_tele_series q = { .max_points = 800 };
    lf_text factors = lf_http_param(c->req, "factor"), kind = lf_http_param(c->req, "kind"), points = lf_http_param(c->req, "points");
    int64_t max = 800;
    lf_rc rc = station_of(cx, c, &q.station);
    if (!rc && points.n)
        rc = lf_call_int(cx, points, "points", &max);
    q.max_points = max < 10 ? 10 : max > 5000 ? 5000 : (size_t)max;
    if (!rc && kind.n && !lf_tele_kind_parse(kind, &q.kind))
        rc = lf_fail(cx, LF_EINVAL, "kind", "数据类别应为 rtd、min、hour 或 day | kind must be rtd, min, hour or day");
    if (!rc)
        rc = time_param(cx, c, "from", (lf_ms){ lf_now().ms - LF_DAY_MS }, &q.from);
    if (!rc)
        rc = time_param(cx, c, "to", (lf_ms){ lf_now().ms + LF_MINUTE_MS }, &q.to);
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "series");
    lf_json_arr(&c->j);
    for (int n = 0; !rc && factors.n && n < 12; n++) {
        const char *comma = memchr(factors.p, ',', factors.n);
        q.factor = (lf_text){ factors.p, comma ? (uint32_t)(comma - factors.p) : factors.n };
        factors = comma ? (lf_text){ comma + 1, factors.n - q.factor.n - 1 } : LF_TEXT("");
        rc = one_series(cx, &c->j, &q);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc;
}

static void packet_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_tele_stored_packet *p, bool items)
{
    char b[32];
    const char *cn = hj212_cn_name(p->cn);
    lf_json_obj(j);
    lf_json_kint(j, "id", p->id.v);
    lf_json_kstr(j, "received_at", lf_ms_iso(b, p->received));
    lf_json_ktext(j, "qn", p->qn);
    lf_json_ktext(j, "cn", p->cn);
    lf_json_kstr(j, "cn_zh", cn);
    lf_json_ktext(j, "peer", p->peer);
    lf_json_ktext(j, "note", p->note);
    lf_json_kstr(j, "verdict", "good");
    lf_json_kint(j, "readings", p->readings);
    lf_json_ktext(j, "raw", p->raw);
    if (items) {
        size_t used, at = 0;
        lf_text frame, segment;
        struct hj212_packet h;
        struct hj212_item it;
        const char *bad;
        bool broken = false;
        lf_json_key(j, "fields");
        lf_json_arr(j);
        if (hj212_take(p->raw.p, p->raw.n, &used, &frame, &segment) == HJ212_GOOD && hj212_parse(segment, &h, &bad) == HJ212_GOOD)
            while (hj212_next(h.cp, &at, &it, &broken)) {
                const struct hj212_factor *f = hj212_factor_find(it.code);
                lf_json_obj(j);
                lf_json_ktext(j, "code", it.code);
                lf_json_ktext(j, "stat", it.stat);
                lf_json_ktext(j, "value", it.value);
                lf_json_kstr(j, "zh", f ? f->zh : NULL);
                lf_json_kstr(j, "unit", f ? f->unit : NULL);
                lf_json_end_obj(j);
            }
        lf_json_end_arr(j);
    }
    lf_json_end_obj(j);
}

static lf_rc packets(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, before = { 0 };
    struct lf_tele_stored_packet *p = NULL;
    size_t n = 0;
    lf_text after = lf_http_param(c->req, "after");
    lf_rc rc = station_of(cx, c, &id);
    if (!rc && after.n)
        rc = lf_call_int(cx, after, "after", &before.v);
    if (!rc && store)
        rc = store->ops->packets(store, &cx->arena, id, before, 50, &p, &n, &cx->err);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (size_t i = 0; i < n; i++)
        packet_json(cx, &c->j, &p[i], false);
    lf_json_end_arr(&c->j);
    lf_json_key(&c->j, "next");
    if (n == 50)
        lf_json_str(&c->j, lf_printf(&cx->arena, "%" PRId64, p[n - 1].id.v));
    else
        lf_json_null(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

static lf_rc packet(struct lf_ctx *cx, struct lf_call *c)
{
    lf_id id, pid;
    struct lf_tele_stored_packet p;
    lf_rc rc = station_of(cx, c, &id);
    if (!rc)
        rc = lf_call_int(cx, c->seg[1], "pid", &pid.v);
    if (!rc)
        rc = store ? store->ops->packet(store, &cx->arena, pid, &p, &cx->err) : LF_ENOTFOUND;
    if (!rc && p.station.v != id.v)
        rc = LF_ENOTFOUND;
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, rc, NULL, "没有这个报文 | there is no such packet");
    if (!rc)
        packet_json(cx, &c->j, &p, true);
    return rc;
}

static const struct lf_route routes[] = {
    { "GET", "/api/v1/station/live", "station.read", LF_TX_READ, live, "站点实时数据", "What every station says now" },
    { "GET", "/api/v1/station/:id/series", "station.read", LF_TX_READ, series, "站点曲线", "Series of a station" },
    { "GET", "/api/v1/station/:id/packets", "station.read", LF_TX_READ, packets, "原始报文", "Raw packets" },
    { "GET", "/api/v1/station/:id/packets/:pid", "station.read", LF_TX_READ, packet, "报文逐项", "One packet, field by field" },
};
static const struct lf_res *const types[] = { &station_res, &limit_value_res, &alarm_res };
const struct lf_room station_room = {
    .name = "station",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .migration = station_migrations,
    .nmigration = LF_COUNT(station_migrations),
};
