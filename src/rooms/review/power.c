/* power.c - which meters of production and treatment belong together: what the watch must be told. HJ 212-2025 ST=44 gives every meter a
 * factor of its own; a meter may as well be a factor of an older station. */
#include "rooms/review/parts.h"

#include "rooms/station/station.h"

struct power_pair {
    lf_id id;
    int64_t version;
    lf_text grid_code, name;
    lf_id production_station_id;
    lf_text production_factor;
    double production_on;
    lf_id treatment_station_id;
    lf_text treatment_factor;
    double treatment_on;
    int64_t minutes;
    bool enabled;
    lf_ms updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct power_pair, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 200),
    F(production_station_id, "生产用电站点", "Production meter's station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(production_factor, "生产用电因子", "Production meter", .flags = LF_REQUIRED | LF_LIST, .max = 32),
    F(production_on, "生产开机阈值", "Production runs above", .flags = LF_REQUIRED | LF_LIST, .min = 0, .max = 1e9),
    F(treatment_station_id, "治理用电站点", "Treatment meter's station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(treatment_factor, "治理用电因子", "Treatment meter", .flags = LF_REQUIRED | LF_LIST, .max = 32),
    F(treatment_on, "治理开机阈值", "Treatment runs above", .flags = LF_REQUIRED | LF_LIST, .min = 0, .max = 1e9),
    F(minutes, "持续分钟", "Minutes", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 1440,
      .help = "生产用电而治理未用电持续这么久即报警 | production without treatment for so long is a sign"),
    F(enabled, "启用", "In use", .flags = LF_LIST | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct power_pair *p = ch->row;
    struct station_site site;
    lf_rc rc = station_site_of(cx, p->production_station_id, &site);
    if (!rc && !lf_scope_has(&cx->scope, site.grid_code))
        rc = LF_ENOTFOUND;
    if ((rc = station_found(cx, rc, "production_station_id")))
        return rc;
    rc = station_found(cx, station_site_of(cx, p->treatment_station_id, &site), "treatment_station_id");
    if (!rc)
        p->grid_code = site.grid_code;
    return rc;
}

const struct lf_res power_pair_res = {
    .name = "power_pair",
    .zh = "用电配对",
    .en = "Power pairs",
    .icon = "review",
    .menu = 25,
    .size = sizeof(struct power_pair),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = check,
};
