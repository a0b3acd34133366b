#include "rooms/source/source.h"

#include "source_sql.h"

LF_ENUM_DICT(source_permit, SOURCE_PERMITS);

struct source {
    lf_id id;
    int64_t version;
    lf_text grid_code, name, credit_code, industry, address;
    double lon, lat;
    lf_text permit_no;
    enum source_permit permit_class;
    bool key_source;
    bool invented; /* made up for the demonstration */
    lf_ms created_at, updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct source, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH | LF_FILTER, .max = 200),
    F(credit_code, "统一社会信用代码", "Credit code", .flags = LF_SEARCH, .max = 18),
    F(industry, "行业", "Industry", .flags = LF_LIST | LF_FILTER | LF_SEARCH, .max = 100),
    F(address, "地址", "Address", .flags = LF_SEARCH, .max = 300),
    F(lon, "经度", "Longitude", .flags = LF_REQUIRED | LF_LIST, .min = -180, .max = 180, .unit = "°"),
    F(lat, "纬度", "Latitude", .flags = LF_REQUIRED | LF_LIST, .min = -90, .max = 90, .unit = "°"),
    F(permit_no, "排污许可证编号", "Permit", .flags = LF_SEARCH, .max = 64),
    F(permit_class, "许可管理类别", "Permit class", .flags = LF_LIST | LF_FILTER, .dict = &source_permit_dict),
    F(key_source, "重点排污单位", "Key discharger", .flags = LF_LIST | LF_FILTER),
    F(invented, "演示虚构", "Invented for the demonstration", .flags = LF_LIST | LF_FILTER),
    F(created_at, "建立时间", "Entered", .flags = LF_READONLY),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

/* GB 32100-2015: 18 characters, the last one a check character. */
static bool source_credit_code_good(lf_text code)
{
    static const char set[] = "0123456789ABCDEFGHJKLMNPQRTUWXY"; /* no I O S V Z */
    int weight = 1, sum = 0;
    if (code.n != 18)
        return false;
    for (uint32_t i = 0; i < 18; i++) {
        const char *at = strchr(set, code.p[i]);
        if (!at || !code.p[i])
            return false;
        if (i == 17)
            return (31 - sum % 31) % 31 == at - set;
        sum += (int)(at - set) * weight;
        weight = weight * 3 % 31;
    }
    return false;
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct source *s = ch->row;
    if (s->credit_code.n && !source_credit_code_good(s->credit_code))
        return lf_fail(cx, LF_EINVAL, "credit_code", "统一社会信用代码校验不通过 | the check character of the credit code does not fit");
    return LF_OK;
}

const struct lf_res source_res = {
    .name = "source",
    .zh = "污染源",
    .en = "Polluters",
    .icon = "factory",
    .menu = 30,
    .size = sizeof(struct source),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = check,
};
static const struct lf_res *const types[] = { &source_res };
const struct lf_room source_room = {
    .name = "source", .res = types, .nres = LF_COUNT(types), .migration = source_migrations, .nmigration = LF_COUNT(source_migrations)
};
