/* GeoJSON of an area, into a check and into the look-up. */
#include "fuzz.h"
#include "geo/geo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *copy = exact(data, n), code[32];
    struct lf_shape_facts f;
    struct lf_err err = { 0 };
    lf_text text = { copy, (uint32_t)n };
    lf_rc rc = lf_shape_check(text, &f, &err);
    MUST(rc == LF_OK || (rc == LF_EINVAL && err.msg[0]));
    if (rc == LF_OK) {
        MUST(f.area_m2 >= 0 && f.min_lon <= f.max_lon && f.min_lat <= f.max_lat && lf_point_ok(f.inside));
        struct lf_geo_index *ix = lf_geo_index_new();
        const struct lf_area area = { LF_TEXT("3703"), text };
        MUST(lf_geo_index_build(ix, &area, 1, &err) == LF_OK); /* what was checked can be used */
        (void)lf_geo_index_find(ix, f.inside, code);
        lf_geo_index_free(ix);
    }
    lf_release(copy);
    return 0;
}
