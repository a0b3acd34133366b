/* cover.c - 全覆盖无死角: places without an officer, posts without a person, ground that no place below covers, polluters in no place. The
 * check answers at once for any day; a job keeps what it finds today as records, each from when it was first seen until it was gone. */
#include "rooms/grid/parts.h"

#include "geo/geo.h"
#include "grid_sql.h"

#include <math.h>

#define GAP_KINDS(X) \
    X(GAP_OFFICER, "no_officer", "无网格员", "No officer") \
    X(GAP_POST, "vacant", "岗位无人", "Post without a person") \
    X(GAP_GROUND, "uncovered", "地块无网格", "Ground in no place") \
    X(GAP_OVERLAP, "overlap", "网格重叠", "Places overlap") \
    X(GAP_SOURCE, "source", "污染源无网格", "Polluter in no place")
LF_ENUM(gap_kind, GAP_KINDS);
LF_ENUM_DICT(gap_kind, GAP_KINDS);
#define GAP_STATES(X) \
    X(GAP_OPEN, "open", "存在", "Open") \
    X(GAP_GONE, "gone", "已消除", "Gone")
LF_ENUM(gap_state, GAP_STATES);
LF_ENUM_DICT(gap_state, GAP_STATES);

/* Outlines that were drawn or rounded separately leave slivers: less than this is none. Ours, no standard. */
static const double sliver_part = 0.001, sliver_m2 = 20000;

/* ---- the record ------------------------------------------------------------------------------------------ */

struct gap {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    enum gap_kind kind;
    enum gap_state state;
    double km2, lon, lat;
    lf_text explain;
    lf_ms since_at, ended_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct gap, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "网格", "Grid", .flags = LF_READONLY | LF_LIST | LF_SCOPED | LF_FILTER),
    F(title, "死角", "Dead corner", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(kind, "类别", "Kind", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &gap_kind_dict),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &gap_state_dict),
    F(km2, "面积", "Area", .flags = LF_READONLY | LF_LIST, .unit = "km²"),
    F(lon, "经度", "Longitude", .flags = LF_READONLY, .unit = "°"),
    F(lat, "纬度", "Latitude", .flags = LF_READONLY, .unit = "°"),
    F(explain, "说明", "Explanation", .flags = LF_READONLY | LF_LONG | LF_BOTH),
    F(since_at, "发现时间", "Since", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(ended_at, "消除时间", "Gone", .flags = LF_READONLY | LF_LIST),
};
#undef F

static lf_rc on_gone(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct gap *)ch->row)->ended_at = lf_now();
    return LF_OK;
}
static const struct lf_verb verbs[] = { { "settle", "消除", "Gone", 1u << GAP_OPEN, GAP_GONE, "settle", .effect = on_gone } };

const struct lf_res grid_gap_res = {
    .name = "grid_gap",
    .zh = "网格死角",
    .en = "Dead corners",
    .icon = "search",
    .menu = 65,
    .size = sizeof(struct gap),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
};

/* ---- the check ----------------------------------------------------------------------------------------------- */

struct found {
    struct lf_arena *a;
    struct gap *gap;
    size_t n, cap;
};

static struct gap *add(struct found *f, enum gap_kind kind, lf_text code, const char *zh, const char *en)
{
    f->gap = lf_more(f->a, f->gap, f->n, &f->cap, sizeof *f->gap);
    struct gap *g = &f->gap[f->n++];
    *g = (struct gap){
        .grid_code = lf_text_copy(f->a, code), .title = lf_lang_both(f->a, zh, en), .kind = kind, .km2 = NAN, .lon = NAN, .lat = NAN
    };
    return g;
}

static lf_rc find_officers(struct lf_ctx *cx, lf_text level, lf_day on, struct found *f)
{
    struct grid_uncovered_row r;
    struct lf_cur cur;
    lf_rc rc = grid_uncovered(cx, level, on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_uncovered_next(&cur, &r)) == LF_ROW)
        add(f, GAP_OFFICER, r.code, lf_strn(f->a, r.name), NULL)->explain = LF_TEXT("没有在岗网格员 | no officer is on duty here");
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc find_posts(struct lf_ctx *cx, lf_day on, struct found *f)
{
    struct grid_vacant_row r;
    struct lf_cur cur;
    lf_rc rc = grid_vacant(cx, on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_vacant_next(&cur, &r)) == LF_ROW) {
        const char *name = lf_strn(f->a, r.name);
        struct gap *g = add(f, GAP_POST, r.grid_code, lf_printf(f->a, "%s：%s", lf_strn(f->a, r.title), name), NULL);
        g->explain = lf_str(r.disabled ? lf_printf(f->a, "%s 的账号已停用 | the account of %s is switched off", name, name)
                            : r.over   ? lf_printf(f->a, "%s 已离任，无人接任 | %s has left, nobody followed", name, name)
                                       : lf_printf(f->a, "%s 离岗，无人代理 | %s is away, nobody stands in", name, name));
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc find_sources(struct lf_ctx *cx, lf_day on, struct found *f)
{
    struct grid_homeless_row r;
    struct lf_cur cur;
    lf_rc rc = grid_homeless(cx, on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_homeless_next(&cur, &r)) == LF_ROW) {
        struct gap *g = add(f, GAP_SOURCE, r.grid_code, lf_strn(f->a, r.name), NULL);
        g->lon = r.lon, g->lat = r.lat;
        g->explain = LF_TEXT("所属网格已停用，请重新定位 | its place is not in use any more: set its point again");
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

struct outline {
    lf_text code, name, shape;
};
struct outlines {
    struct outline *of;
    size_t n, cap;
};

static void keep(struct lf_arena *a, struct outlines *l, lf_text code, lf_text name, lf_text shape)
{
    l->of = lf_more(a, l->of, l->n, &l->cap, sizeof *l->of);
    l->of[l->n++] = (struct outline){ lf_text_copy(a, code), lf_text_copy(a, name), lf_text_copy(a, shape) };
}

static lf_rc children_of(struct lf_ctx *cx, struct lf_arena *a, lf_text parent, lf_day on, lf_text **shape, size_t *n)
{
    struct grid_children_shapes_row r;
    struct outlines l = { .n = 0 };
    struct lf_cur cur;
    lf_rc rc = grid_children_shapes(cx, parent, on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_children_shapes_next(&cur, &r)) == LF_ROW)
        keep(a, &l, r.code, LF_TEXT(""), r.shape);
    lf_cur_close(&cur);
    *shape = lf_alloc(a, (l.n + 1) * sizeof **shape);
    for (*n = 0; *n < l.n; ++*n)
        (*shape)[*n] = l.of[*n].shape;
    return rc < 0 ? rc : LF_OK;
}

static void judge_cover(struct found *f, const struct outline *o, const struct lf_cover *c)
{
    double least = fmax(c->parent_m2 * sliver_part, sliver_m2);
    const char *name = lf_strn(f->a, o->name);
    if (c->uncovered_m2 > least) {
        double km2 = c->uncovered_m2 / 1e6, part = 100 * c->uncovered_m2 / c->parent_m2;
        struct gap *g = add(f, GAP_GROUND, o->code, lf_printf(f->a, "%s 有地块不属于任何下级网格", name),
                            lf_printf(f->a, "%s: ground that lies in no place below it", name));
        g->km2 = km2, g->lon = c->somewhere.lon, g->lat = c->somewhere.lat;
        g->explain =
            lf_str(lf_printf(f->a, "未覆盖 %.2f km²，占 %.1f%% | %.2f km² (%.1f %%) lie in no place below it", km2, part, km2, part));
    }
    if (c->overlap_m2 > least) {
        struct gap *g = add(f, GAP_OVERLAP, o->code, lf_printf(f->a, "%s 的下级网格互相重叠", name),
                            lf_printf(f->a, "%s: places below it overlap", name));
        g->km2 = c->overlap_m2 / 1e6;
        g->explain = lf_str(lf_printf(f->a, "重叠 %.2f km² | %.2f km² belong to more than one place", g->km2, g->km2));
    }
}

/* The places of the level above `level` against their children. */
static lf_rc find_ground(struct lf_ctx *cx, enum grid_level level, lf_day on, struct found *f)
{
    struct grid_outlines_row r;
    struct outlines parents = { .n = 0 };
    struct lf_cur cur;
    if (level == GRID_PROVINCE)
        return LF_OK;
    lf_rc rc = grid_outlines(cx, lf_str(grid_level_dict.item[level - 1].code), on, &cur);
    if (rc)
        return rc;
    while ((rc = grid_outlines_next(&cur, &r)) == LF_ROW)
        keep(f->a, &parents, r.code, r.name, r.shape);
    lf_cur_close(&cur);
    rc = rc < 0 ? rc : LF_OK;
    for (size_t i = 0; !rc && i < parents.n; i++) {
        struct lf_arena a = { 0 };
        struct lf_cover c;
        lf_text *child;
        size_t n;
        rc = children_of(cx, &a, parents.of[i].code, on, &child, &n);
        if (!rc && n) /* none at all: that level is not divided */
            rc = lf_shape_cover(parents.of[i].shape, child, n, &c, &cx->err);
        if (!rc && n)
            judge_cover(f, &parents.of[i], &c);
        lf_arena_free(&a);
    }
    return rc;
}

static lf_rc find_all(struct lf_ctx *cx, enum grid_level level, lf_day on, struct found *f)
{
    lf_rc rc = find_officers(cx, lf_str(grid_level_dict.item[level].code), on, f);
    if (!rc)
        rc = find_posts(cx, on, f);
    if (!rc)
        rc = find_ground(cx, level, on, f);
    return rc ? rc : find_sources(cx, on, f);
}

/* ---- the address ------------------------------------------------------------------------------------------------- */

static void put_gap(struct lf_json *j, const struct gap *g, enum lf_lang lang)
{
    lf_json_obj(j);
    lf_json_ktext(j, "grid_code", g->grid_code);
    lf_json_ktext(j, "title", lf_lang_pick(g->title, lang));
    lf_json_kreal(j, "km2", g->km2);
    lf_json_kreal(j, "lon", g->lon);
    lf_json_kreal(j, "lat", g->lat);
    lf_json_ktext(j, "explain_zh", lf_lang_pick(g->explain, LF_ZH));
    lf_json_ktext(j, "explain_en", lf_lang_pick(g->explain, LF_EN));
    lf_json_end_obj(j);
}

lf_rc grid_coverage(struct lf_ctx *cx, struct lf_call *c)
{
    struct found f = { .a = &cx->arena };
    lf_text asked = lf_http_param(c->req, "level");
    unsigned level = GRID_TOWN;
    lf_day on;
    char day[32];
    if (asked.n && !lf_dict_find(&grid_level_dict, asked, &level))
        return lf_fail(cx, LF_EINVAL, "level", "没有这个级别 | there is no such level");
    lf_rc rc = grid_day_asked(cx, c, &on);
    if (!rc)
        rc = find_all(cx, (enum grid_level)level, on, &f);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "on", lf_day_iso(day, on));
    lf_json_kstr(&c->j, "level", grid_level_dict.item[level].code);
    for (unsigned kind = 0; kind < gap_kind_COUNT; kind++) {
        lf_json_key(&c->j, gap_kind_dict.item[kind].code);
        lf_json_arr(&c->j);
        for (size_t i = 0; i < f.n; i++)
            if (f.gap[i].kind == kind)
                put_gap(&c->j, &f.gap[i], cx->lang);
        lf_json_end_arr(&c->j);
    }
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* ---- the job ------------------------------------------------------------------------------------------------------- */

struct known_gap {
    lf_id id;
    enum gap_kind kind;
    lf_text code, title;
    bool still;
};

static lf_rc open_gaps(struct lf_ctx *cx, struct known_gap **out, size_t *n)
{
    struct grid_gaps_open_row r;
    struct lf_cur cur;
    size_t cap = 0;
    lf_rc rc = grid_gaps_open(cx, &cur);
    *n = 0;
    *out = NULL;
    if (rc)
        return rc;
    while ((rc = grid_gaps_open_next(&cur, &r)) == LF_ROW) {
        unsigned kind = 0;
        *out = lf_more(NULL, *out, *n, &cap, sizeof **out);
        lf_dict_find(&gap_kind_dict, r.kind, &kind);
        (*out)[(*n)++] = (struct known_gap){ r.id, (enum gap_kind)kind, lf_text_copy(&cx->arena, r.grid_code),
                                             lf_text_copy(&cx->arena, r.title), false };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static bool was_known(struct known_gap *k, size_t n, const struct gap *g)
{
    for (size_t i = 0; i < n; i++)
        if (k[i].kind == g->kind && lf_text_eq(k[i].code, g->grid_code) &&
            lf_text_eq(lf_lang_pick(k[i].title, LF_ZH), lf_lang_pick(g->title, LF_ZH)))
            return k[i].still = true;
    return false;
}

static lf_rc keep_gaps(struct lf_ctx *cx, const struct found *f)
{
    struct known_gap *known;
    size_t n;
    lf_rc rc = open_gaps(cx, &known, &n);
    for (size_t i = 0; !rc && i < f->n; i++) {
        if (was_known(known, n, &f->gap[i]))
            continue;
        struct gap g = f->gap[i];
        struct lf_change ch = { .row = &g };
        g.since_at = lf_now();
        g.ended_at = (lf_ms){ LF_NULL64 };
        rc = lf_res_create(cx, &grid_gap_res, &ch);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        struct lf_change ch = { .note = LF_TEXT("") };
        if (!known[i].still)
            rc = lf_res_move(cx, &grid_gap_res, known[i].id, LF_NULL64, "settle", NULL, NULL, &ch);
    }
    lf_release(known);
    return rc;
}

/* Looks in a transaction that only reads, so that nobody waits for the geometry; then writes what is new. */
lf_rc grid_gaps(struct lf_ctx *cx)
{
    struct lf_arena a = { 0 };
    struct found f = { .a = &a };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(cx, find_all(cx, GRID_TOWN, lf_day_of(lf_now()), &f));
    if (!rc && !(rc = lf_tx_begin(cx, LF_TX_WRITE)))
        rc = lf_tx_end(cx, keep_gaps(cx, &f));
    lf_arena_free(&a);
    return rc;
}
