#include "geo/geo.h"
#include "geo/shape_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void gcj_round_trip(void **state)
{
    for (int i = 0; i < 2000; i++) {
        struct lf_point p = { 117 + (rand() % 20000) / 10000.0, 35.8 + (rand() % 15000) / 10000.0 };
        struct lf_point g = lf_datum_convert(p, LF_CGCS2000, LF_GCJ02), b = lf_datum_convert(g, LF_GCJ02, LF_WGS84);
        assert_true(fabs(b.lon - p.lon) < 1e-9 && fabs(b.lat - p.lat) < 1e-9);
        double d = lf_distance_m(p, g);
        assert_true(d > 300 && d < 800);
    }
    /* Known pair (gcoord 1.0.7): 116.397, 39.909 -> 116.40324, 39.91040 within a metre. */
    struct lf_point g = lf_datum_convert((struct lf_point){ 116.397, 39.909 }, LF_WGS84, LF_GCJ02);
    assert_true(fabs(g.lon - 116.40324) < 2e-5 && fabs(g.lat - 39.91040) < 2e-5);
}

static void bad_shapes(void **state)
{
    static const char *const bad[] = { "",
                                       "{}",
                                       "[1,2",
                                       "{\"type\":\"Point\",\"coordinates\":[1,2]}",
                                       "{\"type\":\"Polygon\",\"coordinates\":[]}",
                                       "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}",
                                       "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[1,0]]]}",
                                       "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[500,0],[500,1],[0,0]]]}" };
    struct lf_shape_facts f;
    for (size_t i = 0; i < LF_COUNT(bad); i++) {
        struct lf_err e = { 0 };
        assert_int_equal(lf_shape_check(lf_str(bad[i]), &f, &e), LF_EINVAL);
        assert_true(strstr(e.msg, " | ") != NULL);
    }
    struct lf_err e;
    assert_int_equal(
        lf_shape_check(LF_TEXT("{\"type\":\"Polygon\",\"coordinates\":[[[118,36],[119,36],[119,37],[118,37],[118,36]]]}"), &f, &e), LF_OK);
    assert_true(fabs(f.area_m2 - 9.94e9) < 0.06e9);
}

/* A county of 4 x 4 towns, one town with a hole, one of two parts. */
static struct lf_area town(struct lf_arena *a, int x, int y)
{
    double w = 118 + x * 0.1, s = 36 + y * 0.1;
    const char *hole = x == 1 && y == 1 ? lf_printf(a, ",[[%f,%f],[%f,%f],[%f,%f],[%f,%f]]", w + 0.03, s + 0.03, w + 0.03, s + 0.06,
                                                    w + 0.06, s + 0.06, w + 0.03, s + 0.03)
                                        : "";
    return (struct lf_area){
        lf_str(lf_printf(a, "370302%03d", x * 4 + y)),
        lf_str(lf_printf(a, "{\"type\":\"Polygon\",\"coordinates\":[[[%.1f,%.1f],[%.1f,%.1f],[%.1f,%.1f],[%.1f,%.1f],[%.1f,%.1f]]%s]}", w,
                         s, w + 0.1, s, w + 0.1, s + 0.1, w, s + 0.1, w, s, hole))
    };
}

static void finds_what_geos_finds(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_area area[17];
    int n = 0;
    for (int x = 0; x < 4; x++)
        for (int y = 0; y < 4; y++)
            area[n++] = town(&a, x, y);
    area[n++] =
        (struct lf_area){ LF_TEXT("370302"),
                          LF_TEXT("{\"type\":\"Polygon\",\"coordinates\":[[[118,36],[118.4,36],[118.4,36.4],[118,36.4],[118,36]]]}") };
    struct lf_geo_index *ix = lf_geo_index_new();
    struct lf_err e = { 0 };
    char code[32];
    assert_false(lf_geo_index_find(ix, (struct lf_point){ 118.05, 36.05 }, code));
    assert_int_equal(lf_geo_index_build(ix, area, (size_t)n, &e), LF_OK);
    struct lf_geos g;
    lf_geos_open(&g);
    GEOSGeometry *geom[17];
    for (int i = 0; i < n; i++)
        geom[i] = lf_geos_read(&g, area[i].geojson, &e);
    for (int k = 0; k < 20000; k++) {
        struct lf_point p = { 117.95 + (rand() % 50000) / 100000.0, 35.95 + (rand() % 50000) / 100000.0 };
        GEOSGeometry *pt = GEOSGeom_createPointFromXY_r(g.h, p.lon, p.lat);
        const char *want = NULL;
        for (int i = 0; i < n && !want; i++)
            if (GEOSCovers_r(g.h, geom[i], pt) == 1)
                want = area[i].code.p;
        GEOSGeom_destroy_r(g.h, pt);
        bool hit = lf_geo_index_find(ix, p, code);
        assert_int_equal(hit, want != NULL);
        if (hit)
            assert_string_equal(code, want);
    }
    assert_true(lf_geo_index_find(ix, (struct lf_point){ 118.1, 36.05 }, code)); /* a shared border: the smaller code */
    assert_string_equal(code, "370302000");
    area[3].geojson = LF_TEXT("{\"type\":\"Polygon\"}");
    assert_int_equal(lf_geo_index_build(ix, area, (size_t)n, &e), LF_EINVAL);
    assert_non_null(strstr(e.msg, "370302003"));
    assert_int_equal(lf_geo_index_size(ix), n); /* the old table stays */
    for (int i = 0; i < n; i++)
        GEOSGeom_destroy_r(g.h, geom[i]);
    lf_geos_close(&g);
    lf_geo_index_free(ix);
    lf_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(gcj_round_trip), cmocka_unit_test(bad_shapes),
                                        cmocka_unit_test(finds_what_geos_finds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
