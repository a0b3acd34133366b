#include "geo/shape_int.h"

#include <stdio.h>

static void keep_message(const char *msg, void *user)
{
    snprintf(((struct lf_geos *)user)->why, sizeof(((struct lf_geos *)user)->why), "%s", msg);
}

void lf_geos_open(struct lf_geos *g)
{
    *g = (struct lf_geos){ .h = GEOS_init_r() };
    GEOSContext_setErrorMessageHandler_r(g->h, keep_message, g);
    GEOSContext_setNoticeMessageHandler_r(g->h, keep_message, g);
}

void lf_geos_close(struct lf_geos *g) { GEOS_finish_r(g->h); }

static lf_rc bad(struct lf_err *err, const char *zh, const char *en, const char *why)
{
    return lf_err_set(err, LF_EINVAL, "shape", "边界%s（%.150s） | the outline %s (%.150s)", zh, why, en, why);
}

/* What GEOS 3.11 does not bear is refused before it: a position of fewer than two numbers (it reads past its end), and nesting without
 * end (it goes as deep as the text does). Everything else is its own to judge. */
static bool bearable(lf_text t)
{
    enum { DEEP = 16 };
    struct {
        bool inner, words;
        int commas;
    } in[DEEP] = { { 0 } };
    int depth = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (c == '"') {
            in[depth].words = true;
            for (i++; i < t.n && t.p[i] != '"'; i++)
                i += t.p[i] == '\\';
        } else if (c == '[' || c == '{') {
            in[depth].inner = true;
            if (++depth == DEEP)
                return false;
            memset(&in[depth], 0, sizeof in[depth]);
        } else if (c == ',') {
            in[depth].commas++;
        } else if (c == ']' || c == '}') {
            if (depth == 0 || (c == ']' && !in[depth].inner && !in[depth].words && in[depth].commas < 1))
                return false;
            depth--;
        }
    }
    return true;
}

GEOSGeometry *lf_geos_read(struct lf_geos *g, lf_text geojson, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    GEOSGeoJSONReader *r = GEOSGeoJSONReader_create_r(g->h);
    GEOSGeometry *geom = geojson.n && bearable(geojson) ? GEOSGeoJSONReader_readGeometry_r(g->h, r, lf_strn(&a, geojson)) : NULL;
    GEOSGeoJSONReader_destroy_r(g->h, r);
    lf_arena_free(&a);
    if (!geom) {
        bad(err, "不是 GeoJSON", "is not GeoJSON", g->why);
        return NULL;
    }
    int type = GEOSGeomTypeId_r(g->h, geom);
    char *why = NULL;
    lf_rc rc = LF_OK;
    if (type != GEOS_POLYGON && type != GEOS_MULTIPOLYGON)
        rc = bad(err, "应为多边形", "must be a polygon", "Polygon, MultiPolygon");
    else if (GEOSisEmpty_r(g->h, geom))
        rc = bad(err, "是空的", "is empty", "0");
    else if (GEOSisValid_r(g->h, geom) != 1) {
        why = GEOSisValidReason_r(g->h, geom);
        rc = bad(err, "不合规", "is not valid", why ? why : g->why);
        GEOSFree_r(g->h, why);
    }
    if (!rc)
        return geom;
    GEOSGeom_destroy_r(g->h, geom);
    return NULL;
}

/* Lambert's cylindrical equal-area projection on the sphere of equal surface: areas are right to 0.3 % (doc/decisions). */
static int equal_area(double *x, double *y, void *user)
{
    const double r = 6371007.181, rad = 3.14159265358979323846 / 180;
    *x = r * *x * rad;
    *y = r * sin(*y * rad);
    return 1;
}

static double area_m2(struct lf_geos *g, const GEOSGeometry *geom)
{
    double area = 0;
    GEOSGeometry *flat = GEOSGeom_transformXY_r(g->h, geom, equal_area, NULL);
    if (flat)
        GEOSArea_r(g->h, flat, &area);
    GEOSGeom_destroy_r(g->h, flat);
    return area;
}

lf_rc lf_shape_check(lf_text geojson, struct lf_shape_facts *facts, struct lf_err *err)
{
    struct lf_geos g;
    lf_geos_open(&g);
    GEOSGeometry *geom = lf_geos_read(&g, geojson, err);
    lf_rc rc = geom ? LF_OK : LF_EINVAL;
    if (geom) {
        *facts = (struct lf_shape_facts){ .area_m2 = area_m2(&g, geom), .points = GEOSGetNumCoordinates_r(g.h, geom) };
        GEOSGeom_getXMin_r(g.h, geom, &facts->min_lon);
        GEOSGeom_getYMin_r(g.h, geom, &facts->min_lat);
        GEOSGeom_getXMax_r(g.h, geom, &facts->max_lon);
        GEOSGeom_getYMax_r(g.h, geom, &facts->max_lat);
        if (facts->min_lon < -180 || facts->max_lon > 180 || facts->min_lat < -90 || facts->max_lat > 90)
            rc = bad(err, "坐标不是经纬度", "has coordinates that are no degrees", "±180, ±90");
        GEOSGeometry *p = GEOSPointOnSurface_r(g.h, geom);
        if (p)
            GEOSGeomGetX_r(g.h, p, &facts->inside.lon), GEOSGeomGetY_r(g.h, p, &facts->inside.lat);
        GEOSGeom_destroy_r(g.h, p);
        GEOSGeom_destroy_r(g.h, geom);
    }
    lf_geos_close(&g);
    return rc;
}

/* Union of all; NULL and *err when one of them cannot be read. *sum = their areas added up. */
static GEOSGeometry *united(struct lf_geos *g, const lf_text *shape, size_t n, double *sum, struct lf_err *err)
{
    GEOSGeometry **part = lf_new((n + 1) * sizeof *part), *all = NULL, *one = NULL;
    size_t got = 0;
    *sum = 0;
    for (; got < n && (part[got] = lf_geos_read(g, shape[got], err)); got++)
        *sum += area_m2(g, part[got]);
    if (got == n)
        all = GEOSGeom_createCollection_r(g->h, GEOS_GEOMETRYCOLLECTION, part, (unsigned)n); /* takes the parts */
    for (size_t i = 0; got < n && i < got; i++)
        GEOSGeom_destroy_r(g->h, part[i]);
    if (all && !(one = GEOSUnaryUnion_r(g->h, all)))
        bad(err, "无法合并", "cannot be united", g->why);
    GEOSGeom_destroy_r(g->h, all);
    lf_release(part);
    return one;
}

lf_rc lf_shape_cover(lf_text parent, const lf_text *child, size_t n, struct lf_cover *out, struct lf_err *err)
{
    struct lf_geos g;
    double sum = 0;
    lf_geos_open(&g);
    GEOSGeometry *p = lf_geos_read(&g, parent, err), *all = p ? united(&g, child, n, &sum, err) : NULL,
                 *rest = all ? GEOSDifference_r(g.h, p, all) : NULL;
    lf_rc rc = rest ? LF_OK : p && all ? bad(err, "无法比较", "cannot be compared", g.why) : LF_EINVAL;
    if (rest) {
        *out = (struct lf_cover){ .parent_m2 = area_m2(&g, p), .uncovered_m2 = area_m2(&g, rest) };
        out->overlap_m2 = sum - area_m2(&g, all);
        GEOSGeometry *at = GEOSisEmpty_r(g.h, rest) ? NULL : GEOSPointOnSurface_r(g.h, rest);
        out->somewhere = (struct lf_point){ NAN, NAN };
        if (at)
            GEOSGeomGetX_r(g.h, at, &out->somewhere.lon), GEOSGeomGetY_r(g.h, at, &out->somewhere.lat);
        GEOSGeom_destroy_r(g.h, at);
    }
    GEOSGeom_destroy_r(g.h, p);
    GEOSGeom_destroy_r(g.h, all);
    GEOSGeom_destroy_r(g.h, rest);
    lf_geos_close(&g);
    return rc;
}
