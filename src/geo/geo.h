/* geo.h - shapes, datums, and which grid a point lies in. The only layer that includes GEOS or PROJ headers.
 *
 * Coordinates are degrees, longitude first. Shapes travel as GeoJSON text of a Polygon or MultiPolygon. */
#ifndef LF_GEO_GEO_H
#define LF_GEO_GEO_H
#include "base/arena.h"
#include "base/err.h"

/* ---- datums -------------------------------------------------------------------------- */

/* Lanfan stores CGCS2000 (EPSG:4490). WGS 84 (EPSG:4326) differs by centimetres and is taken as equal (doc/decisions).
 * GCJ-02 is the offset of public Chinese web maps: forward is the published formula, back is iterated to < 1e-9 degree. */
enum lf_datum { LF_CGCS2000, LF_WGS84, LF_GCJ02 };
struct lf_point {
    double lon, lat;
};
bool lf_datum_parse(lf_text s, enum lf_datum *out); /* "EPSG:4490", "4490", "CGCS2000", "EPSG:4326", "WGS84", "GCJ02", "GCJ-02" */
struct lf_point lf_datum_convert(struct lf_point p, enum lf_datum from, enum lf_datum to);
bool lf_point_ok(struct lf_point p);                        /* finite and on the globe */
double lf_distance_m(struct lf_point a, struct lf_point b); /* metres on the sphere of radius 6 371 008.8 m */

/* ---- shapes -------------------------------------------------------------------------- */

struct lf_shape_facts {
    double area_m2;
    struct lf_point inside;
    double min_lon, min_lat, max_lon, max_lat;
    int points;
};
/* Checks that the text is GeoJSON of a valid, non-empty polygon (OGC simple features; says what is wrong and where). */
lf_rc lf_shape_check(lf_text geojson, struct lf_shape_facts *facts, struct lf_err *err) LF_MUST_CHECK;

/* How n children fill their parent. */
struct lf_cover {
    double parent_m2, uncovered_m2, overlap_m2; /* overlap: what belongs to two children, counted once for each further one */
    struct lf_point somewhere;                  /* in the uncovered part; NaN when there is none */
};
lf_rc lf_shape_cover(lf_text parent, const lf_text *child, size_t n, struct lf_cover *out, struct lf_err *err) LF_MUST_CHECK;

/* ---- point -> grid ------------------------------------------------------------------- */

/* Nested areas: codes are hierarchical ("370302" holds "370302116" holds "370302116001" holds "370302116001-01").
 * The answer is the deepest area that covers the point; on a shared border the smaller code wins, always the same.
 * Readers never wait: a rebuild makes a new table beside the old one and swaps it in. */
struct lf_area {
    lf_text code;
    lf_text geojson;
};
struct lf_geo_index;
struct lf_geo_index *lf_geo_index_new(void);
void lf_geo_index_free(struct lf_geo_index *ix);
/* Replaces the whole content. An area with a bad shape refuses the rebuild as a whole and names it; the old table stays. */
lf_rc lf_geo_index_build(struct lf_geo_index *ix, const struct lf_area *areas, size_t n, struct lf_err *err) LF_MUST_CHECK;
/* Deepest code at p into out (NUL-terminated, at most 31 characters); false when p is in none. Any thread. */
bool lf_geo_index_find(const struct lf_geo_index *ix, struct lf_point p, char out[32]);
size_t lf_geo_index_size(const struct lf_geo_index *ix);
#endif
