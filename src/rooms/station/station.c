/* station.c - stations, their limits, and who may send. */
#include "rooms/station/station.h"

#include "rooms/station/parts.h"
#include "station_sql.h"
#include "tele/directory.h"

#include <stdatomic.h>

LF_ENUM_DICT(station_kind, STATION_KINDS);
LF_ENUM_DICT(station_period, STATION_PERIODS);
LF_ENUM_DICT(station_tolerance, STATION_TOLERANCES);

struct lf_tele_store *station_store;
void station_use_store(struct lf_tele_store *s) { station_store = s; }
struct lf_tele_store *station_readings(void) { return station_store; }

static atomic_uint generation;
unsigned station_generation(void) { return atomic_load(&generation); }
static void committed(struct lf_app *app, const struct lf_change *ch) { atomic_fetch_add(&generation, 1); }

/* ---- tables ---------------------------------------------------------------------------------------- */

struct station {
    lf_id id;
    int64_t version;
    lf_text grid_code, name, mn, pw, pw_next, sm4_key;
    enum station_kind kind;
    lf_id source_id;
    double lon, lat;
    bool disabled;
    int64_t tolerate, over_time, re_count;
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
    F(pw_next, "待生效密码", "Password on its way", .flags = LF_HIDDEN),
    F(sm4_key, "SM4 密钥", "SM4 key", .flags = LF_MASKED, .max = 16,
      .help = "HJ 212-2025，16 个字符；填写后该站数据必须加密 | HJ 212-2025, 16 characters; once given, its data must be encrypted"),
    F(kind, "类别", "Kind", .flags = LF_LIST | LF_FILTER, .dict = &station_kind_dict),
    F(source_id, "污染源", "Polluter", .flags = LF_LIST | LF_FILTER, .ref = "source"),
    F(lon, "经度", "Longitude", .flags = LF_REQUIRED | LF_LIST, .min = -180, .max = 180, .unit = "°"),
    F(lat, "纬度", "Latitude", .flags = LF_REQUIRED | LF_LIST, .min = -90, .max = 90, .unit = "°"),
    F(disabled, "停用", "Disabled", .flags = LF_LIST | LF_FILTER),
    F(tolerate, "宽容项", "Tolerances", .flags = LF_FILTER, .dict = &station_tolerance_dict,
      .help = "默认一项不选：不宽容任何偏差 | none by default: no deviation is forgiven"),
    F(over_time, "命令超时", "Time-out of commands", .min = 1, .max = 99, .unit = "s",
      .help = "默认 10：无线；有线 5 | 10 by default (mobile); 5 for wired links"),
    F(re_count, "命令重发次数", "Re-sends of commands", .min = 0, .max = 99),
    F(invented, "演示虚构", "Invented for the demonstration", .flags = LF_LIST | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F
static lf_rc station_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct station *s = ch->row;
    if (s->tolerate == LF_NULL64)
        s->tolerate = 0;
    if (s->over_time == LF_NULL64) /* HJ 212-2017 §6.5: 10 s over a mobile link, 3 re-sends */
        s->over_time = 10;
    if (s->re_count == LF_NULL64)
        s->re_count = 3;
    if (s->tolerate >> STATION_TOLERATE_UG & 1 && s->tolerate >> STATION_TOLERATE_MG & 1)
        return lf_fail(cx, LF_EINVAL, "tolerate", "µg/m³ 与 mg/m³ 只能选一项 | choose either µg/m³ or mg/m³");
    if (s->sm4_key.n && s->sm4_key.n != 16)
        return lf_fail(cx, LF_EINVAL, "sm4_key", "SM4 密钥应为 16 个字符 | an SM4 key has 16 characters");
    return LF_OK;
}

void station_identify(void *row, lf_text mn, lf_text pw)
{
    struct station *s = row;
    s->mn = mn;
    if (!s->pw.n)
        s->pw = pw;
}

static void (*on_change)(void);
void station_on_change(void (*fn)(void)) { on_change = fn; }
void station_committed(struct lf_app *app, const struct lf_change *ch)
{
    committed(app, ch);
    if (on_change)
        on_change();
}
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
    .check = station_check,
    .committed = station_committed,
};

struct limit {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum station_period kind;
    double low, high, reference_o2;
    lf_day from_day, to_day;
    lf_text basis, unit;
};
#define F(m, zh, en, ...) LF_FIELD(struct limit, m, zh, en, __VA_ARGS__)
static const struct lf_field limit_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "限值", "Limit", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .max = 16),
    F(kind, "数据类别", "Period", .flags = LF_LIST | LF_FILTER, .dict = &station_period_dict),
    F(low, "下限", "Low", .flags = LF_LIST),
    F(high, "上限", "High", .flags = LF_LIST),
    F(reference_o2, "基准氧含量", "Reference O2", .flags = LF_LIST, .min = 0, .max = 20, .unit = "%",
      .help = "仅用于废气：标准规定按此氧含量折算，如燃煤锅炉 6 | For flue gas only: what the standard converts to, for example 6 for coal "
              "boilers"),
    F(from_day, "起用日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "停用日期", "Until", .flags = LF_LIST),
    F(basis, "依据", "Legal basis", .flags = LF_LIST | LF_SEARCH, .max = 300),
    F(unit, "单位", "Unit", .flags = LF_READONLY | LF_LIST, .max = 16),
};
#undef F

lf_text station_title(struct lf_ctx *cx, lf_text name, lf_text factor, const char *zh, const char *en)
{
    const struct hj212_factor *f = factor.n ? hj212_factor_find(factor) : NULL;
    const char *site = lf_strn(&cx->arena, name), *code = lf_strn(&cx->arena, factor);
    const char *factor_zh = f ? f->zh : code, *factor_en = f ? f->en : code;
    return lf_lang_both(&cx->arena, lf_printf(&cx->arena, "%s%s%s%s%s", site, factor.n ? " " : "", factor_zh, zh ? " " : "", zh ? zh : ""),
                        lf_printf(&cx->arena, "%s: %s%s%s", site, factor_en, factor.n && en ? " – " : "", en ? en : ""));
}

lf_rc station_found(struct lf_ctx *cx, lf_rc rc, const char *field)
{
    return rc == LF_ENOTFOUND ? lf_fail(cx, LF_EINVAL, field, "没有这个站点 | there is no such station") : rc;
}

static lf_rc limit_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct limit *l = ch->row;
    struct station_place_row s;
    lf_rc rc = station_found(cx, station_place(cx, l->station_id, &s), "station_id");
    if (rc)
        return rc;
    if (isnan(l->low) && isnan(l->high))
        return lf_fail(cx, LF_EINVAL, "high", "上限和下限至少填一个 | give a low or a high limit");
    const struct hj212_factor *f = hj212_factor_find(l->factor);
    if (!f)
        return lf_fail(cx, LF_EINVAL, "factor", "不认识的监测因子代码 | this factor code is not known");
    if (!isnan(l->reference_o2) && !lf_text_is(s.kind, "flue"))
        return lf_fail(cx, LF_EINVAL, "reference_o2", "只有废气限值有基准氧含量 | only limits of flue gas have a reference oxygen");
    l->grid_code = s.grid_code;
    l->title = station_title(cx, s.name, l->factor, NULL, NULL);
    const char *unit;
    rc = station_unit_now(cx, l->station_id, s.kind, l->factor, &unit);
    l->unit = rc ? (lf_text){ 0 } : lf_str(unit);
    return rc;
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
    .committed = committed,
    .check = limit_check,
};

/* ---- for other rooms ------------------------------------------------------------------------------------------ */

lf_rc station_site_of(struct lf_ctx *cx, lf_id id, struct station_site *out)
{
    struct station_place_row s;
    unsigned kind = 0;
    lf_rc rc = station_place(cx, id, &s);
    if (rc)
        return rc;
    lf_dict_find(&station_kind_dict, s.kind, &kind);
    *out = (struct station_site){
        .name = s.name, .grid_code = s.grid_code, .kind = kind, .lon = s.lon, .lat = s.lat, .source_id = s.source_id
    };
    return LF_OK;
}

lf_rc station_each(struct lf_ctx *cx, station_fn fn, void *user)
{
    struct stations_all_row r;
    struct lf_cur cur;
    lf_rc rc = stations_all(cx, &cur);
    if (rc)
        return rc;
    while ((rc = stations_all_next(&cur, &r)) == LF_ROW) {
        unsigned kind = 0;
        lf_dict_find(&station_kind_dict, r.kind, &kind);
        const struct station_site s = {
            .name = r.name, .grid_code = r.grid_code, .kind = kind, .lon = r.lon, .lat = r.lat, .source_id = r.source_id
        };
        fn(user, r.id, &s, r.disabled);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc station_each_limit(struct lf_ctx *cx, void (*fn)(void *user, const struct station_limit *l), void *user)
{
    struct limits_all_row r;
    struct lf_cur cur;
    lf_rc rc = limits_all(cx, &cur);
    if (rc)
        return rc;
    while ((rc = limits_all_next(&cur, &r)) == LF_ROW) {
        unsigned kind;
        if (!lf_dict_find(&station_period_dict, r.kind, &kind))
            continue; /* a word of a later program */
        const struct station_limit l = { r.station_id, r.factor, kind, r.low, r.high, r.reference_o2, r.from_day, r.to_day, r.basis };
        fn(user, &l);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* ---- what commands need ------------------------------------------------------------------------------- */

lf_rc station_device_of(struct lf_ctx *cx, lf_id id, struct station_device *out)
{
    struct station_device_row_row r = { 0 };
    unsigned kind = STATION_WASTEWATER;
    lf_rc rc = station_device_row(cx, id, &r);
    if (rc)
        return rc;
    lf_dict_find(&station_kind_dict, r.kind, &kind);
    *out = (struct station_device){ .name = r.name,
                                    .grid_code = r.grid_code,
                                    .mn = r.mn,
                                    .pw = r.pw,
                                    .pw_next = r.pw_next,
                                    .sm4_key = r.sm4_key,
                                    .kind = (enum station_kind)kind,
                                    .disabled = r.disabled != 0,
                                    .over_time = r.over_time,
                                    .re_count = r.re_count };
    return LF_OK;
}

static lf_rc learn(void *user, struct lf_ctx *cx, void *row)
{
    const struct station_learned *l = user;
    struct station *s = row;
    if (l->over_time)
        s->over_time = l->over_time, s->re_count = l->re_count;
    if (l->sm4_key.n)
        s->sm4_key = l->sm4_key;
    if (l->pw.n)
        s->pw = l->pw;
    if (l->pw_next.n)
        s->pw_next = l->pw_next;
    else if (l->pw.n || l->forget_next)
        s->pw_next = (lf_text){ 0 };
    return LF_OK;
}

lf_rc station_learn(struct lf_ctx *cx, lf_id id, struct station_learned *l, struct lf_change *ch)
{
    return lf_res_edit(cx, &station_res, id, LF_NULL64, learn, l, ch);
}

/* ---- the listener's directory ----------------------------------------------------------------------------- */

struct lf_directory *station_make_directory(struct lf_ctx *cx)
{
    size_t n = 0, cap = 0;
    struct lf_tele_station *list = NULL;
    struct station_directory_row r;
    struct lf_cur cur = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return NULL;
    if (!(rc = station_units_load(cx)))
        rc = station_directory(cx, &cur);
    while (!rc && (rc = station_directory_next(&cur, &r)) == LF_ROW) {
        list = lf_more(NULL, list, n, &cap, sizeof *list);
        list[n++] = (struct lf_tele_station){ .id = r.id,
                                              .mn = r.mn,
                                              .pw = r.pw,
                                              .pw_next = r.pw_next,
                                              .key = r.sm4_key,
                                              .grid_code = r.grid_code,
                                              .disabled = r.disabled != 0,
                                              .tolerate = (unsigned)r.tolerate };
        struct lf_tele_scale *scale;
        list[n - 1].nscale = station_scales(&cx->arena, r.id, &scale);
        list[n - 1].scale = scale;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    struct lf_directory *d = rc < 0 ? NULL : lf_directory_make(list, n);
    lf_release(list);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    return rc ? NULL : d;
}

/* ---- addresses: live.c and packets.c ------------------------------------------------------------------------- */

lf_rc station_of(struct lf_ctx *cx, struct lf_call *c, lf_id *id)
{
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id->v);
    return rc ? rc : lf_res_get(cx, &station_res, *id, lf_alloc(&cx->arena, station_res.size));
}

static const struct lf_param packet_params[] = {
    { "cn", "only of this command", false },
    { "from", "received from", false },
    { "to", "received before", false },
    { "noted", "1: only where something was forgiven, decrypted or held back", false },
    { "after", "next of the page before", false },
};
static const struct lf_param refused_params[] = {
    { "station", "id of a station", false },
    { "mn", "only of this MN", false },
    { "reason", "crc, length, password, unknown_mn ...", false },
    { "from", "received from", false },
    { "to", "received before", false },
    { "after", "next of the page before", false },
};
#define PARAMS(list) .param = list, .nparam = LF_COUNT(list)
static const struct lf_route routes[] = {
    { "GET", "/api/v1/station/live", "station.read", LF_TX_READ, station_live, "站点实时数据", "What every station says now" },
    { "GET", "/api/v1/station/factors", "station.read", LF_TX_READ, station_factors, "监测因子代码表", "Codes of factors: name and unit" },
    { "GET", "/api/v1/station/:id/packets", "station.read", LF_TX_READ, station_packets, "原始报文", "Raw packets", PARAMS(packet_params) },
    { "GET", "/api/v1/station/:id/packets/:pid", "station.read", LF_TX_READ, station_packet, "报文逐项", "One packet, field by field" },
    { "GET", "/api/v1/packets/refused", "station.read", LF_TX_READ, station_refused, "被拒报文", "Packets that were refused",
      PARAMS(refused_params) },
    { "GET", "/api/v1/packets/refused/:id", "station.read", LF_TX_READ, station_refused_one, "被拒报文逐项",
      "One refused packet, field by field" },
    { "GET", "/api/v1/packets/quarantine", "station.read", LF_TX_READ, station_quarantine, "隔离报文", "Packets in quarantine",
      PARAMS(refused_params) },
    { "GET", "/api/v1/packets/quarantine/:id", "station.read", LF_TX_READ, station_quarantine_one, "隔离报文逐项",
      "One packet in quarantine, field by field" },
    { "POST", "/api/v1/packets/quarantine/:id/register", "station.create", LF_TX_WRITE, station_register, "由隔离报文登记站点",
      "Makes a station of the packet's MN and takes in what was held: the fields of a station without mn; pw as in the packet" },
    { "POST", "/api/v1/station/:id/readmit", "station.quarantine", LF_TX_READ, station_readmit, "接收隔离报文",
      "Takes in what the quarantine holds of this station, when it fits now" },
    { "POST", "/api/v1/packets/decode", "station.read", LF_TX_READ, station_decode, "解析粘贴的报文",
      "Pasted packets, field by field: {\"text\"}" },
};
#undef PARAMS
static const struct lf_job jobs[] = { { "station_readmit", 1, station_readmit_job } };
static const struct lf_right own_rights[] = { { "station.quarantine", "接收隔离报文", "Take in packets of the quarantine" }, { 0 } };
static const struct lf_res *const types[] = { &station_res, &limit_value_res, &station_channel_res };
const struct lf_room station_room = {
    .name = "station",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .own_rights = own_rights,
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = station_migrations,
    .nmigration = LF_COUNT(station_migrations),
};
