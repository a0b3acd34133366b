/* answer.c - outlines, the place of a point, the tree of places. */
#include "rooms/grid/parts.h"

#include "geo/geo.h"
#include "grid_sql.h"

#include <stdlib.h>

lf_rc grid_day_asked(struct lf_ctx *cx, struct lf_call *c, lf_day *on)
{
    lf_text t = lf_http_param(c->req, "on");
    *on = lf_day_of(lf_now());
    return !t.n || lf_day_parse(t, on) ? LF_OK : lf_fail(cx, LF_EINVAL, "on", "日期应如 2026-03-01 | a day is written like 2026-03-01");
}

lf_rc grid_areas(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_json *j = &c->j;
    lf_text level = lf_http_param(c->req, "level"), parent = lf_http_param(c->req, "parent");
    struct grid_level_row row;
    struct lf_cur cur;
    unsigned ignored;
    lf_day on;
    lf_rc rc = grid_day_asked(cx, c, &on);
    if (rc)
        return rc;
    if (!lf_dict_find(&grid_level_dict, level, &ignored))
        return lf_fail(cx, LF_EINVAL, "level", "级别应为 county、town、village 或 cell | level must be county, town, village or cell");
    if (!parent.p)
        parent = LF_TEXT("");
    rc = grid_level(cx, level, parent, lf_str(lf_printf(&cx->arena, "%.*s~", (int)parent.n, parent.p)), on, &cur);
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

static bool put_officer(void *user, const struct grid_person *p)
{
    struct lf_json *j = user;
    if (lf_id_none(p->acting))
        return true;
    lf_json_obj(j);
    lf_json_ktext(j, "name", p->acting_name);
    lf_json_kstr(j, "post_zh", grid_post_dict.item[p->kind].zh);
    lf_json_kstr(j, "post_en", grid_post_dict.item[p->kind].en);
    lf_json_ktext(j, "phone", p->acting_phone);
    lf_json_ktext(j, "grid_code", p->place);
    lf_json_ktext(j, "stands_in_for", p->away ? p->name : (lf_text){ 0 });
    lf_json_end_obj(j);
    return true;
}

static lf_rc officers_json(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on)
{
    lf_json_key(j, "officers");
    lf_json_arr(j);
    lf_rc rc = grid_people(cx, code, on, put_officer, j);
    lf_json_end_arr(j);
    return rc;
}

static lf_rc chain_json(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on)
{
    struct grid_chain_row row;
    struct lf_cur cur;
    lf_rc rc = grid_chain(cx, code, on, &cur);
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

static void put_place(struct lf_json *j, const struct grid_chain_row *r)
{
    unsigned level = 0;
    char day[32];
    lf_dict_find(&grid_level_dict, r->level, &level);
    lf_json_ktext(j, "code", r->code);
    lf_json_ktext(j, "name", r->name);
    lf_json_ktext(j, "level", r->level);
    lf_json_kstr(j, "level_zh", grid_level_dict.item[level].zh);
    lf_json_kstr(j, "level_en", grid_level_dict.item[level].en);
    lf_json_kbool(j, "generated", r->generated != 0);
    lf_json_ktext(j, "duty", r->duty);
    lf_json_kstr(j, "from", r->from_day.v == LF_NULL32 ? NULL : lf_day_iso(day, r->from_day));
    lf_json_kstr(j, "to", r->to_day.v == LF_NULL32 ? NULL : lf_day_iso(day, r->to_day));
}

lf_rc grid_place_json(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on)
{
    struct grid_chain_row r;
    struct lf_cur cur;
    bool found = false;
    lf_rc rc = grid_chain(cx, code, on, &cur);
    if (rc)
        return rc;
    lf_json_obj(j);
    while ((rc = grid_chain_next(&cur, &r)) == LF_ROW)
        if (lf_text_eq(r.code, code)) {
            put_place(j, &r);
            found = true;
        }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    if (!found)
        return lf_fail(cx, LF_ENOTFOUND, "code", "那天没有这个网格 | there was no such place on that day");
    if ((rc = chain_json(cx, j, code, on)) || (rc = zone_json(cx, j, code)))
        return rc;
    lf_json_end_obj(j);
    return LF_OK;
}

lf_rc grid_locate(struct lf_ctx *cx, struct lf_call *c)
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
    lf_day on;
    lf_rc rc = grid_day_asked(cx, c, &on);
    if (!rc)
        rc = grid_find(cx, p.lon, p.lat, on, code);
    if (rc)
        return rc != LF_ENOTFOUND ? rc : lf_fail(cx, LF_ENOTFOUND, NULL, "这里不在任何网格内 | this place is in no grid");
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "code", code);
    lf_json_kreal(&c->j, "lon", p.lon);
    lf_json_kreal(&c->j, "lat", p.lat);
    rc = chain_json(cx, &c->j, lf_str(code), on);
    if (!rc)
        rc = officers_json(cx, &c->j, lf_str(code), on);
    if (!rc)
        rc = zone_json(cx, &c->j, lf_str(code));
    lf_json_end_obj(&c->j);
    return rc;
}

lf_rc grid_tree(struct lf_ctx *cx, struct lf_call *c)
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
