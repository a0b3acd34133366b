/* people.c - who answers for a place on a day: posts, absence with a deputy who stands in, and the duties of each level. */
#include "rooms/grid/parts.h"

#include "grid_sql.h"

/* ---- duties: 定职责 ----------------------------------------------------------------------------------- */

struct duty {
    lf_id id;
    int64_t version;
    enum grid_level level;
    lf_text department, duty, basis;
    lf_day from_day, to_day;
};
#define F(m, zh, en, ...) LF_FIELD(struct duty, m, zh, en, __VA_ARGS__)
static const struct lf_field duty_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(level, "网格级别", "Level of grid", .flags = LF_LIST | LF_FILTER, .dict = &grid_level_dict),
    F(department, "部门", "Department", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SEARCH, .max = 120),
    F(duty, "职责", "Duty", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_LONG | LF_SEARCH, .max = 2000),
    F(basis, "依据", "Legal basis", .flags = LF_LIST, .max = 300),
    F(from_day, "起用日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "停用日期", "Until", .flags = LF_LIST | LF_FILTER),
};
#undef F
const struct lf_res grid_duty_res = {
    .name = "grid_duty",
    .zh = "网格职责清单",
    .en = "Duties of the grid",
    .icon = "list",
    .menu = 63,
    .size = sizeof(struct duty),
    .field = duty_fields,
    .nfield = LF_COUNT(duty_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .unscoped = "duties of a level are public and the same in every place",
    .sort = "level",
};

/* ---- absence ---------------------------------------------------------------------------------------------- */

struct absence {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id account_id, deputy_id;
    lf_day from_day, to_day;
    lf_text reason;
};
#define F(m, zh, en, ...) LF_FIELD(struct absence, m, zh, en, __VA_ARGS__)
static const struct lf_field absence_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "离岗", "Absence", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH),
    F(account_id, "离岗人员", "Who is away", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .ref = "account"),
    F(deputy_id, "代理人员", "Who stands in", .flags = LF_LIST | LF_FILTER, .ref = "account",
      .help = "须有处置权限，且管辖离岗人员的网格 | may handle matters, and answers for the same places"),
    F(from_day, "自", "From", .flags = LF_REQUIRED | LF_LIST | LF_FILTER),
    F(to_day, "至", "Until", .flags = LF_REQUIRED | LF_LIST | LF_FILTER),
    F(reason, "事由", "Reason", .flags = 0, .max = 300),
};
#undef F

static lf_rc nobody_else_away(struct lf_ctx *cx, const struct absence *a)
{
    struct absence_overlaps_row n;
    lf_rc rc = absence_overlaps(cx, a->id, a->account_id, a->from_day, a->to_day, &n);
    if (rc)
        return rc;
    if (n.own > 0)
        return lf_fail(cx, LF_ECONFLICT, "from_day", "该人员这段时间已登记离岗 | an absence of these days is there already");
    if (n.stands_in > 0)
        return lf_fail(cx, LF_ECONFLICT, "account_id", "该人员这段时间正在代理他人 | this person stands in for somebody in these days");
    if (lf_id_none(a->deputy_id))
        return LF_OK;
    rc = absence_overlaps(cx, a->id, a->deputy_id, a->from_day, a->to_day, &n);
    return rc || !n.own ? rc : lf_fail(cx, LF_ECONFLICT, "deputy_id", "代理人员这段时间也离岗 | the deputy is away in these days, too");
}

static lf_rc absence_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct absence *a = ch->row;
    struct account_facts_row who;
    bool fits = false;
    lf_rc rc = account_facts(cx, a->account_id, &who);
    if (rc)
        return rc == LF_ENOTFOUND ? lf_fail(cx, LF_EINVAL, "account_id", "没有这个人员 | there is no such person") : rc;
    if (a->to_day.v < a->from_day.v)
        return lf_fail(cx, LF_EINVAL, "to_day", "结束日期早于开始日期 | it ends before it begins");
    if (a->deputy_id.v == a->account_id.v)
        return lf_fail(cx, LF_EINVAL, "deputy_id", "不能代理自己 | nobody stands in for himself");
    a->grid_code = who.grid_code;
    a->title = lf_str(lf_printf(&cx->arena, "%s", lf_strn(&cx->arena, who.name)));
    if (!lf_id_none(a->deputy_id) && (rc = lf_account_fits(cx, a->deputy_id, "matter.handle", who.grid_code, &fits)))
        return rc;
    if (!lf_id_none(a->deputy_id) && !fits)
        return lf_fail(cx, LF_EINVAL, "deputy_id",
                       "代理人员没有处置权限，或不管辖该网格 | the deputy may not handle matters, or does not answer for the place");
    return nobody_else_away(cx, a);
}

const struct lf_res absence_res = {
    .name = "absence",
    .zh = "离岗与代理",
    .en = "Absence and deputies",
    .icon = "user",
    .menu = 64,
    .size = sizeof(struct absence),
    .field = absence_fields,
    .nfield = LF_COUNT(absence_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .sort = "-from_day",
    .check = absence_check,
};

/* ---- who is on duty ------------------------------------------------------------------------------------------- */

lf_rc grid_people(struct lf_ctx *cx, lf_text code, lf_day on, grid_person_fn fn, void *user)
{
    struct grid_on_duty_row r;
    struct lf_cur cur;
    lf_rc rc = grid_on_duty(cx, code, on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_on_duty_next(&cur, &r)) == LF_ROW) {
        unsigned kind = 0;
        lf_dict_find(&grid_post_dict, r.kind, &kind);
        struct grid_person p = { .post = r.post_id,
                                 .holder = r.holder_id,
                                 .title = r.title,
                                 .place = r.place,
                                 .task = r.task,
                                 .name = r.name,
                                 .phone = r.phone,
                                 .kind = (enum grid_post)kind,
                                 .from_day = r.from_day,
                                 .to_day = r.to_day,
                                 .away = r.away != 0,
                                 .acting = r.holder_id,
                                 .acting_name = r.name,
                                 .acting_phone = r.phone };
        if (r.disabled || p.away)
            p.acting = (lf_id){ 0 }, p.acting_name = p.acting_phone = (lf_text){ 0 };
        if (p.away && !lf_id_none(r.deputy_id) && !r.deputy_off)
            p.acting = r.deputy_id, p.acting_name = r.deputy_name, p.acting_phone = r.deputy_phone;
        if (!fn(user, &p))
            break;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static bool first_at_work(void *user, const struct grid_person *p)
{
    lf_id *out = user;
    if (p->kind == GRID_WATCH || lf_id_none(p->acting))
        return true;
    *out = p->acting;
    return false;
}

lf_rc grid_officer_on_duty(struct lf_ctx *cx, lf_text code, lf_id *account)
{
    *account = (lf_id){ 0 };
    return grid_people(cx, code, lf_day_of(lf_now()), first_at_work, account);
}

lf_rc grid_stand_in(struct lf_ctx *cx, lf_id account, lf_day on, lf_id *acting)
{
    struct grid_away_row row;
    lf_rc rc = grid_away(cx, account, on, &row);
    *acting = rc == LF_ENOTFOUND ? account : rc || lf_id_none(row.deputy_id) ? (lf_id){ 0 } : row.deputy_id;
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

lf_rc grid_duties_json(struct lf_ctx *cx, struct lf_json *j, enum grid_level level, lf_day on)
{
    struct grid_duties_row r;
    struct lf_cur cur;
    lf_rc rc = grid_duties(cx, lf_str(grid_level_dict.item[level].code), on, &cur);
    if (rc)
        return rc;
    lf_json_arr(j);
    while ((rc = grid_duties_next(&cur, &r)) == LF_ROW) {
        lf_json_obj(j);
        lf_json_ktext(j, "department", r.department);
        lf_json_ktext(j, "duty", r.duty);
        lf_json_ktext(j, "basis", r.basis);
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}
