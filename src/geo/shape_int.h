/* shape_int.h - GEOS inside geo only. */
#ifndef LF_GEO_SHAPE_INT_H
#define LF_GEO_SHAPE_INT_H
#include "geo/geo.h"

#include <geos_c.h>

/* One GEOS context per call chain: reentrant, and its last message is kept for the error. */
struct lf_geos {
    GEOSContextHandle_t h;
    char why[256];
};
void lf_geos_open(struct lf_geos *g);
void lf_geos_close(struct lf_geos *g);
/* Parses a Polygon or MultiPolygon; NULL and *err when it is none, or not valid. Free with GEOSGeom_destroy_r. */
GEOSGeometry *lf_geos_read(struct lf_geos *g, lf_text geojson, struct lf_err *err);
#endif
