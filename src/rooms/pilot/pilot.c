#include "rooms/pilot/pilot.h"

#include "pilot_sql.h"

LF_ENUM_DICT(pilot_state, PILOT_STATES);

struct pilot {
    lf_id id;
    int64_t version;
    lf_text grid_code, name, theme;
    enum pilot_state state;
};
#define F(m, zh, en, ...) LF_FIELD(struct pilot, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "地方", "Place", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15),
    F(name, "试点名称", "Trial", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 200),
    F(theme, "内容", "What is tried", .flags = LF_LONG | LF_SEARCH),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &pilot_state_dict),
};
#undef F
static const struct lf_verb verbs[] = {
    { "choose", "选为试点", "Choose", 1u << PILOT_NOMINATED, PILOT_CHOSEN, "decide", .need = LF_NEED_NOTE },
    { "roll_out", "推广", "Roll out", 1u << PILOT_CHOSEN, PILOT_ROLLED, "decide", .need = LF_NEED_NOTE },
    { "end", "终止", "End", 1u << PILOT_NOMINATED | 1u << PILOT_CHOSEN, PILOT_ENDED, "decide", .need = LF_NEED_NOTE | LF_DANGER },
};
static const struct lf_res res = {
    .name = "pilot",
    .zh = "试点",
    .en = "Trials",
    .icon = "bulb",
    .menu = 80,
    .size = sizeof(struct pilot),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
};
static const struct lf_res *const types[] = { &res };
const struct lf_room pilot_room = {
    .name = "pilot", .res = types, .nres = LF_COUNT(types), .migration = pilot_migrations, .nmigration = LF_COUNT(pilot_migrations)
};
