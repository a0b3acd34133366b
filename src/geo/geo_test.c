#include "base/testing.h"
#include "geo/geo.h"
#include "geo/shape_int.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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
                                       "{\"type\":\"Polygon\",\"coordinates\":[[[]]]}",
                                       "{\"type\":\"Polygon\",\"coordinates\":[[[118,36],[119],[119,37],[118,37],[118,36]]]}",
                                       "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[118,36],[],[119,37],[118,37],[118,36]]]]}",
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

static lf_text square(struct lf_arena *a, double w, double s, double side, const char *more);

static void children_cover_their_parent_or_not(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_err e = { 0 };
    struct lf_cover c;
    lf_text parent = square(&a, 118, 36, 0.2, "");
    lf_text four[] = { square(&a, 118, 36, 0.1, ""), square(&a, 118.1, 36, 0.1, ""), square(&a, 118, 36.1, 0.1, ""),
                       square(&a, 118.1, 36.1, 0.1, "") };
    assert_int_equal(lf_shape_cover(parent, four, 4, &c, &e), LF_OK);
    assert_true(c.uncovered_m2 < 1 && fabs(c.overlap_m2) < 1 && isnan(c.somewhere.lon));
    assert_int_equal(lf_shape_cover(parent, four, 3, &c, &e), LF_OK); /* the north-east is missing */
    assert_true(fabs(c.uncovered_m2 / c.parent_m2 - 0.25) < 0.001);
    assert_true(c.somewhere.lon > 118.1 && c.somewhere.lon < 118.2 && c.somewhere.lat > 36.1 && c.somewhere.lat < 36.2);
    four[3] = square(&a, 118, 36, 0.1, ""); /* twice the same */
    assert_int_equal(lf_shape_cover(parent, four, 4, &c, &e), LF_OK);
    assert_true(fabs(c.overlap_m2 / c.parent_m2 - 0.25) < 0.001);
    assert_int_equal(lf_shape_cover(parent, four, 0, &c, &e), LF_OK);
    assert_true(fabs(c.uncovered_m2 - c.parent_m2) < 1);
    four[1] = LF_TEXT("{}");
    assert_int_equal(lf_shape_cover(parent, four, 4, &c, &e), LF_EINVAL);
    lf_arena_free(&a);
}

static lf_text square(struct lf_arena *a, double w, double s, double side, const char *more)
{
    return lf_str(lf_printf(a, "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[%f,%f],[%f,%f],[%f,%f],[%f,%f],[%f,%f]]%s]]}", w, s,
                            w + side, s, w + side, s + side, w, s + side, w, s, more));
}

/* Four levels inside each other, a lake in the village, an island in the lake that belongs to another village. */
static void nested_levels(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_err e = { 0 };
    char code[32];
    const char *lake = ",[[118.2,36.2],[118.2,36.5],[118.5,36.5],[118.5,36.2],[118.2,36.2]]";
    struct lf_area area[] = { { LF_TEXT("3703"), square(&a, 117, 35, 3, "") },
                              { LF_TEXT("370302"), square(&a, 117.5, 35.5, 2, "") },
                              { LF_TEXT("370302116"), square(&a, 117.9, 35.9, 1, "") },
                              { LF_TEXT("370302116001"), square(&a, 118.0, 36.0, 0.8, lake) },
                              { LF_TEXT("370302116002"), square(&a, 118.3, 36.3, 0.1, "") },
                              { LF_TEXT("370302116001-01"), square(&a, 118.05, 36.05, 0.1, "") } };
    static const struct {
        double lon, lat;
        const char *want;
    } at[] = { { 117.1, 35.1, "3703" },
               { 117.6, 35.6, "370302" },
               { 117.95, 35.95, "370302116" },
               { 118.7, 36.7, "370302116001" },
               { 118.1, 36.1, "370302116001-01" },
               { 118.25, 36.25, "370302116" },    /* the lake: in no village, still in the town */
               { 118.35, 36.35, "370302116002" }, /* the island */
               { 118.2, 36.3, "370302116001" },   /* the shore counts as the village */
               { 118.2, 36.2, "370302116001" },   /* and so does its corner */
               { 118.0, 36.0, "370302116001" },   /* outer corner */
               { 118.8, 36.4, "370302116001" },   /* outer edge */
               { 120.0, 38.0, "3703" },           /* the corner of everything */
               { 120.000001, 38, NULL },
               { NAN, 36, NULL },
               { 118, 1e300, NULL } };
    struct lf_geo_index *ix = lf_geo_index_new();
    assert_int_equal(lf_geo_index_build(ix, area, LF_COUNT(area), &e), LF_OK);
    for (size_t i = 0; i < LF_COUNT(at); i++) {
        bool hit = lf_geo_index_find(ix, (struct lf_point){ at[i].lon, at[i].lat }, code);
        assert_int_equal(hit, at[i].want != NULL);
        if (hit)
            assert_string_equal(code, at[i].want);
    }
    lf_geo_index_free(ix);
    lf_arena_free(&a);
}

/* EPSG:4326, EPSG:4490 and GCJ-02 into each other and back: less than a metre, over the whole country. */
static void datums_there_and_back(void **state)
{
    static const char *const names[] = { "EPSG:4490", "EPSG:4326", "GCJ-02" };
    enum lf_datum d[3];
    for (int i = 0; i < 3; i++)
        assert_true(lf_datum_parse(lf_str(names[i]), &d[i]));
    assert_false(lf_datum_parse(LF_TEXT("EPSG:3857"), &d[0]));
    for (double lon = 74; lon < 135; lon += 3.7)
        for (double lat = 18.3; lat < 53; lat += 2.9)
            for (int i = 0; i < 9; i++) {
                struct lf_point p = { lon, lat }, q = lf_datum_convert(lf_datum_convert(p, d[i / 3], d[i % 3]), d[i % 3], d[i / 3]);
                assert_true(lf_distance_m(p, q) < 0.01);
                bool shifts = (i / 3 == 2) != (i % 3 == 2);
                assert_int_equal(lf_distance_m(p, lf_datum_convert(p, d[i / 3], d[i % 3])) > 50, shifts);
            }
}

/* ---- readers never stop while the table is rebuilt --------------------------------------------------------- */

struct stress {
    struct lf_geo_index *ix;
    atomic_bool stop;
    atomic_long asked, wrong;
};

static void *ask(void *user)
{
    struct stress *s = user;
    char code[32];
    while (!atomic_load(&s->stop)) {
        bool hit = lf_geo_index_find(s->ix, (struct lf_point){ 118.05, 36.05 }, code);
        if (!hit || (strcmp(code, "37030201") != 0 && strcmp(code, "37030202") != 0))
            atomic_fetch_add(&s->wrong, 1);
        atomic_fetch_add_explicit(&s->asked, 1, memory_order_relaxed);
    }
    return NULL;
}

static void rebuilt_under_readers(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_err e = { 0 };
    struct lf_area old[] = { { LF_TEXT("37030201"), square(&a, 118, 36, 0.1, "") } }, fresh[] = { { LF_TEXT("37030202"), old[0].geojson } };
    struct stress s = { .ix = lf_geo_index_new() };
    pthread_t reader[4];
    assert_int_equal(lf_geo_index_build(s.ix, old, 1, &e), LF_OK);
    for (size_t i = 0; i < LF_COUNT(reader); i++)
        assert_int_equal(pthread_create(&reader[i], NULL, ask, &s), 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(lf_geo_index_build(s.ix, i % 2 ? old : fresh, 1, &e), LF_OK);
    while (atomic_load(&s.asked) < 1000)
        pause_ms(1);
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < LF_COUNT(reader); i++)
        pthread_join(reader[i], NULL);
    assert_int_equal(atomic_load(&s.wrong), 0);
    lf_geo_index_free(s.ix);
    lf_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(gcj_round_trip),        cmocka_unit_test(bad_shapes),
                                        cmocka_unit_test(finds_what_geos_finds), cmocka_unit_test(children_cover_their_parent_or_not),
                                        cmocka_unit_test(nested_levels),         cmocka_unit_test(datums_there_and_back),
                                        cmocka_unit_test(rebuilt_under_readers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
