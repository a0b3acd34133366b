#include "rooms/grid/grid.h"

#include "base/log.h"
#include "geo/geo.h"
#include "grid_sql.h"

LF_ENUM_DICT(grid_level, GRID_LEVELS);
LF_ENUM_DICT(grid_post, GRID_POSTS);

/* ---- codes ------------------------------------------------------------------------------------------
 * GB/T 2260 (6 digits), GB/T 10114 (+3), statistical division code (+3), and our own cell serial "-NN". */

static const uint32_t code_length[] = {
    [GRID_PROVINCE] = 2, [GRID_CITY] = 4, [GRID_COUNTY] = 6, [GRID_TOWN] = 9, [GRID_VILLAGE] = 12, [GRID_CELL] = 15
};

enum grid_level grid_level_of(lf_text code)
{
    for (unsigned i = 0; i < LF_COUNT(code_length); i++)
        if (code.n <= code_length[i])
            return (enum grid_level)i;
    return GRID_CELL;
}

lf_text grid_parent(lf_text code)
{
    unsigned level = grid_level_of(code);
    return level == GRID_PROVINCE ? (lf_text){ 0 } : (lf_text){ code.p, code_length[level - 1] };
}

static bool code_good(lf_text code, enum grid_level level)
{
    if (code.n != code_length[level])
        return false;
    for (uint32_t i = 0; i < code.n; i++) {
        bool dash = level == GRID_CELL && i == 12;
        if (dash ? code.p[i] != '-' : code.p[i] < '0' || code.p[i] > '9')
            return false;
    }
    return true;
}

/* ---- areas -------------------------------------------------------------------------------------------- */

struct area {
    lf_id id;
    int64_t version;
    lf_text code, name;
    enum grid_level level;
    lf_text parent_code;
    bool generated; /* outline made for the demonstration, not surveyed */
    lf_text duty, shape;
    lf_day from_day, to_day;
    lf_text successor; /* codes are never reused: what replaced this one */
    lf_ms updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct area, m, zh, en, __VA_ARGS__)
static const struct lf_field area_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(code, "代码", "Code", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER | LF_SEARCH | LF_SCOPED, .max = 15),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(level, "级别", "Level", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &grid_level_dict),
    F(parent_code, "上级代码", "Parent", .flags = LF_READONLY | LF_LIST),
    F(generated, "演示用生成边界", "Outline generated for the demonstration", .flags = LF_LIST | LF_FILTER),
    F(duty, "职责", "Duties", .flags = LF_LONG),
    F(shape, "边界", "Outline", .flags = LF_SHAPE),
    F(from_day, "启用日期", "In use from", .flags = 0),
    F(to_day, "停用日期", "In use until", .flags = LF_FILTER),
    F(successor, "继任代码", "Replaced by", .max = 15),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

static lf_rc area_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct area *a = ch->row;
    struct lf_shape_facts facts;
    a->level = grid_level_of(a->code);
    a->parent_code = grid_parent(a->code);
    if (!a->parent_code.p)
        a->parent_code = LF_TEXT("");
    if (!code_good(a->code, a->level))
        return lf_fail(cx, LF_EINVAL, "code",
                       "代码应为 2、4、6、9、12 位数字，网格再加 -NN | a code has 2, 4, 6, 9 or 12 digits, a cell -NN more");
    if (!a->shape.n)
        return LF_OK;
    lf_rc rc = lf_shape_check(a->shape, &facts, &cx->err);
    if (rc)
        cx->err.field = "shape";
    return rc;
}

static lf_rc reload(struct lf_ctx *cx);

static void area_committed(struct lf_app *app, const struct lf_change *ch)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    if (reload(&cx))
        lf_log(LF_WARN, "grid: %s", cx.err.msg);
    lf_ctx_free(&cx);
}

const struct lf_res area_res = {
    .name = "area",
    .zh = "区划与网格",
    .en = "Divisions and cells",
    .icon = "grid",
    .menu = 60,
    .size = sizeof(struct area),
    .field = area_fields,
    .nfield = LF_COUNT(area_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "code",
    .check = area_check,
    .committed = area_committed,
};

/* ---- posts: 定人员, 定任务 ------------------------------------------------------------------------------- */

struct post {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    enum grid_post kind;
    lf_id account_id;
    lf_text task;
    lf_day from_day, to_day;
};
#define F(m, zh, en, ...) LF_FIELD(struct post, m, zh, en, __VA_ARGS__)
static const struct lf_field post_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15),
    F(title, "岗位", "Post", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(kind, "类别", "Kind", .flags = LF_LIST | LF_FILTER, .dict = &grid_post_dict),
    F(account_id, "人员", "Person", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "account"),
    F(task, "任务", "Task", .flags = LF_LONG),
    F(from_day, "上岗日期", "From", .flags = LF_REQUIRED | LF_LIST),
    F(to_day, "离岗日期", "Until", .flags = LF_LIST | LF_FILTER),
};
#undef F

static lf_rc post_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct post *p = ch->row;
    if (p->to_day.v != LF_NULL32 && p->to_day.v < p->from_day.v)
        return lf_fail(cx, LF_EINVAL, "to_day", "离岗日期早于上岗日期 | the post ends before it begins");
    return LF_OK;
}

const struct lf_res post_res = {
    .name = "post",
    .zh = "网格岗位",
    .en = "Grid posts",
    .icon = "id",
    .menu = 61,
    .size = sizeof(struct post),
    .field = post_fields,
    .nfield = LF_COUNT(post_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .sort = "grid_code",
    .check = post_check,
};

/* ---- functional zones: a committee that governs places of several divisions ---------------------------------- */

struct zone {
    lf_id id;
    int64_t version;
    lf_text code, name, members;
};
#define F(m, zh, en, ...) LF_FIELD(struct zone, m, zh, en, __VA_ARGS__)
static const struct lf_field zone_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(code, "代码", "Code", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .max = 15,
      .help = "以 Z 开头，如 Z370371 | begins with Z, such as Z370371"),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 120),
    F(members, "所辖地方代码", "Member places", .flags = LF_REQUIRED | LF_LIST,
      .help = "区划代码，空格分隔，最多 16 个 | codes of places, separated by blanks, at most 16"),
};
#undef F

static lf_text next_member(lf_text *rest)
{
    while (rest->n && rest->p[0] == ' ')
        rest->p++, rest->n--;
    lf_text w = { rest->p, 0 };
    while (rest->n && rest->p[0] != ' ')
        rest->p++, rest->n--, w.n++;
    return w;
}

static lf_rc zone_check(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct zone *z = ch->row;
    lf_text rest = z->members;
    int n = 0;
    if (!z->code.n || z->code.p[0] != 'Z')
        return lf_fail(cx, LF_EINVAL, "code", "功能区代码以 Z 开头 | the code of a zone begins with Z");
    for (lf_text w; (w = next_member(&rest)).n; n++)
        if (!code_good(w, grid_level_of(w)))
            return lf_fail(cx, LF_EINVAL, "members", "“%.*s”不是区划代码 | “%.*s” is no code of a place", (int)w.n, w.p, (int)w.n, w.p);
    return n && n <= LF_SCOPE_MAX
               ? LF_OK
               : lf_fail(cx, LF_EINVAL, "members", "应有 1 至 %d 个地方 | 1 to %d places are wanted", LF_SCOPE_MAX, LF_SCOPE_MAX);
}

static lf_rc zone_saved(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct zone *z = ch->row;
    lf_text rest = z->members;
    lf_rc rc = grid_zone_clear(cx, z->code, NULL);
    for (lf_text w; !rc && (w = next_member(&rest)).n;)
        rc = grid_zone_add(cx, z->code, w, NULL);
    return rc;
}

const struct lf_res zone_res = {
    .name = "zone",
    .zh = "功能区",
    .en = "Functional zones",
    .icon = "layers",
    .menu = 62,
    .size = sizeof(struct zone),
    .field = zone_fields,
    .nfield = LF_COUNT(zone_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .unscoped = "a zone lies across divisions; what it governs is public",
    .sort = "code",
    .check = zone_check,
    .saved = zone_saved,
};

/* ---- the look-up table and the names in memory --------------------------------------------------------------- */

struct list {
    void *p;
    size_t n, cap, size;
};

static void *grow(struct lf_arena *a, struct list *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 256;
        void *p = lf_alloc(a, cap * l->size);
        if (l->n)
            memcpy(p, l->p, l->n * l->size);
        l->p = p;
        l->cap = cap;
    }
    return (char *)l->p + l->size * l->n++;
}

static lf_rc load_shapes(struct lf_ctx *cx)
{
    struct list areas = { .size = sizeof(struct lf_area) };
    struct grid_shapes_row row;
    struct lf_cur cur;
    lf_rc rc = grid_shapes(cx, &cur);
    while (!rc && (rc = grid_shapes_next(&cur, &row)) == LF_ROW) {
        *(struct lf_area *)grow(&cx->arena, &areas) = (struct lf_area){ row.code, row.shape };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : lf_geo_index_build(cx->app->index, areas.p, areas.n, &cx->err);
}

static lf_rc load_names(struct lf_ctx *cx)
{
    struct list places = { .size = sizeof(struct lf_place) };
    struct grid_names_row row;
    struct lf_cur cur;
    lf_rc rc = grid_names(cx, &cur);
    while (!rc && (rc = grid_names_next(&cur, &row)) == LF_ROW) {
        *(struct lf_place *)grow(&cx->arena, &places) = (struct lf_place){ row.code, row.name };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    lf_places_set(cx->app, places.p, places.n);
    return LF_OK;
}

static lf_rc reload(struct lf_ctx *cx)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = load_names(cx);
    if (!rc)
        rc = load_shapes(cx);
    return lf_tx_end(cx, rc);
}

/* Areas may be written by an import, or by another process: the table follows within seconds. */
static lf_rc follow(struct lf_ctx *cx)
{
    static struct grid_stamp_row seen; /* read and written by the job thread only */
    struct grid_stamp_row now;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, grid_stamp(cx, &now))))
        return rc;
    if (now.n == seen.n && now.changed_at.ms == seen.changed_at.ms)
        return LF_OK;
    seen = now;
    return reload(cx);
}

/* ---- who is on duty ------------------------------------------------------------------------------------------- */

lf_rc grid_officer_on_duty(struct lf_ctx *cx, lf_text code, lf_id *account)
{
    struct grid_on_duty_row row;
    struct lf_cur cur;
    *account = (lf_id){ 0 };
    lf_rc rc = grid_on_duty(cx, code, lf_day_of(lf_now()), &cur);
    if (rc)
        return rc;
    if ((rc = grid_on_duty_next(&cur, &row)) == LF_ROW)
        *account = row.account_id;
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* ---- addresses ----------------------------------------------------------------------------------------------------- */

static lf_rc areas(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_json *j = &c->j;
    lf_text level = lf_http_param(c->req, "level"), parent = lf_http_param(c->req, "parent");
    struct grid_level_row row;
    struct lf_cur cur;
    unsigned ignored;
    if (!lf_dict_find(&grid_level_dict, level, &ignored))
        return lf_fail(cx, LF_EINVAL, "level", "级别应为 county、town、village 或 cell | level must be county, town, village or cell");
    if (!parent.p)
        parent = LF_TEXT("");
    lf_rc rc = grid_level(cx, level, parent, lf_str(lf_printf(&cx->arena, "%.*s~", (int)parent.n, parent.p)), &cur);
    if (rc)
        return rc;
    c->res->cache = "no-cache";
    lf_json_obj(j);
    lf_json_kstr(j, "type", "FeatureCollection");
    lf_json_key(j, "features");
    lf_json_arr(j);
    while ((rc = grid_level_next(&cur, &row)) == LF_ROW) {
        lf_json_obj(j);
        lf_json_kstr(j, "type", "Feature");
        lf_json_key(j, "geometry");
        lf_json_raw(j, row.shape);
        lf_json_key(j, "properties");
        lf_json_obj(j);
        lf_json_ktext(j, "code", row.code);
        lf_json_ktext(j, "name", row.name);
        lf_json_ktext(j, "level", row.level);
        lf_json_ktext(j, "parent", row.parent_code);
        lf_json_kbool(j, "generated", row.generated != 0);
        lf_json_end_obj(j);
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(j);
    lf_json_end_obj(j);
    return rc < 0 ? rc : LF_OK;
}

static bool number(lf_text s, double *out)
{
    char b[40], *end;
    if (!s.n || s.n >= sizeof b)
        return false;
    memcpy(b, s.p, s.n);
    b[s.n] = 0;
    *out = strtod(b, &end);
    return !*end;
}

static lf_rc officers_json(struct lf_ctx *cx, struct lf_json *j, lf_text code)
{
    struct grid_on_duty_row row;
    struct lf_cur cur;
    lf_rc rc = grid_on_duty(cx, code, lf_day_of(lf_now()), &cur);
    if (rc)
        return rc;
    lf_json_key(j, "officers");
    lf_json_arr(j);
    while ((rc = grid_on_duty_next(&cur, &row)) == LF_ROW) {
        unsigned kind = 0;
        lf_dict_find(&grid_post_dict, row.kind, &kind);
        lf_json_obj(j);
        lf_json_ktext(j, "name", row.name);
        lf_json_kstr(j, "post_zh", grid_post_dict.item[kind].zh);
        lf_json_kstr(j, "post_en", grid_post_dict.item[kind].en);
        lf_json_ktext(j, "phone", row.phone);
        lf_json_ktext(j, "grid_code", row.place);
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc chain_json(struct lf_ctx *cx, struct lf_json *j, lf_text code)
{
    struct grid_chain_row row;
    struct lf_cur cur;
    lf_rc rc = grid_chain(cx, code, &cur);
    if (rc)
        return rc;
    lf_json_key(j, "chain");
    lf_json_arr(j);
    while ((rc = grid_chain_next(&cur, &row)) == LF_ROW) {
        lf_json_obj(j);
        lf_json_ktext(j, "code", row.code);
        lf_json_ktext(j, "name", row.name);
        lf_json_ktext(j, "level", row.level);
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc zone_json(struct lf_ctx *cx, struct lf_json *j, lf_text code)
{
    struct grid_zone_of_row row;
    lf_rc rc = grid_zone_of(cx, code, &row);
    lf_json_key(j, "zone");
    if (rc) {
        lf_json_null(j);
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    }
    lf_json_obj(j);
    lf_json_ktext(j, "code", row.code);
    lf_json_ktext(j, "name", row.name);
    lf_json_end_obj(j);
    return LF_OK;
}

static lf_rc locate(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_point p;
    enum lf_datum datum = LF_CGCS2000;
    char code[32];
    lf_text name = lf_http_param(c->req, "datum");
    if (!number(lf_http_param(c->req, "lon"), &p.lon) || !number(lf_http_param(c->req, "lat"), &p.lat) || !lf_point_ok(p))
        return lf_fail(cx, LF_EINVAL, "lon", "请给出经度和纬度 | give longitude and latitude");
    if (name.n && !lf_datum_parse(name, &datum))
        return lf_fail(cx, LF_EINVAL, "datum", "坐标系应为 cgcs2000、wgs84 或 gcj02 | datum must be cgcs2000, wgs84 or gcj02");
    p = lf_datum_convert(p, datum, LF_CGCS2000);
    if (!lf_geo_index_find(cx->app->index, p, code))
        return lf_fail(cx, LF_ENOTFOUND, NULL, "这里不在任何网格内 | this place is in no grid");
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "code", code);
    lf_json_kreal(&c->j, "lon", p.lon);
    lf_json_kreal(&c->j, "lat", p.lat);
    lf_rc rc = chain_json(cx, &c->j, lf_str(code));
    if (!rc)
        rc = officers_json(cx, &c->j, lf_str(code));
    if (!rc)
        rc = zone_json(cx, &c->j, lf_str(code));
    lf_json_end_obj(&c->j);
    return rc;
}

static lf_rc tree(struct lf_ctx *cx, struct lf_call *c)
{
    lf_text parent = lf_http_param(c->req, "parent");
    struct grid_children_row row;
    struct lf_cur cur;
    lf_rc rc = grid_children(cx, parent.p ? parent : LF_TEXT("37"), &cur);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    while ((rc = grid_children_next(&cur, &row)) == LF_ROW) {
        lf_json_obj(&c->j);
        lf_json_ktext(&c->j, "code", row.code);
        lf_json_ktext(&c->j, "name", row.name);
        lf_json_ktext(&c->j, "level", row.level);
        lf_json_kbool(&c->j, "children", row.children > 0);
        lf_json_end_obj(&c->j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc coverage(struct lf_ctx *cx, struct lf_call *c)
{
    lf_text level = lf_http_param(c->req, "level");
    struct grid_uncovered_row row;
    struct lf_cur cur;
    lf_rc rc = grid_uncovered(cx, level.n ? level : LF_TEXT("town"), lf_day_of(lf_now()), &cur);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "without_officer");
    lf_json_arr(&c->j);
    while ((rc = grid_uncovered_next(&cur, &row)) == LF_ROW) {
        lf_json_obj(&c->j);
        lf_json_ktext(&c->j, "code", row.code);
        lf_json_ktext(&c->j, "name", row.name);
        lf_json_end_obj(&c->j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return rc < 0 ? rc : LF_OK;
}

static const struct lf_route routes[] = {
    { "GET", "/api/v1/grid/areas", "", LF_TX_READ, areas, "区划边界", "Outlines of one level" },
    { "GET", "/api/v1/grid/locate", "", LF_TX_READ, locate, "定位所属网格", "Which grid a point lies in, and who answers for it" },
    { "GET", "/api/v1/grid/tree", "", LF_TX_READ, tree, "区划树", "The places below one" },
    { "GET", "/api/v1/grid/coverage", "post.read", LF_TX_READ, coverage, "五定覆盖检查", "Places without an officer" },
};
static const struct lf_job jobs[] = { { "grid_follow", 5, follow } };
static const struct lf_res *const types[] = { &area_res, &post_res, &zone_res };
const struct lf_room grid_room = {
    .name = "grid",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = grid_migrations,
    .nmigration = LF_COUNT(grid_migrations),
    .start = reload,
};
