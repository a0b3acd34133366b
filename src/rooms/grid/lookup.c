/* lookup.c - which place a point lies in, and what places are called: in memory, following what is written. */
#include "rooms/grid/parts.h"

#include "geo/geo.h"
#include "grid_sql.h"

static lf_rc load_shapes(struct lf_ctx *cx, lf_day on, struct lf_geo_index *index)
{
    struct lf_list areas = { .a = &cx->arena, .size = sizeof(struct lf_area) };
    struct grid_shapes_row row;
    struct lf_cur cur;
    lf_rc rc = grid_shapes(cx, on, &cur);
    while (!rc && (rc = grid_shapes_next(&cur, &row)) == LF_ROW) {
        *(struct lf_area *)lf_list_add(&areas) = (struct lf_area){ row.code, row.shape };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : lf_geo_index_build(index, areas.p, areas.n, &cx->err);
}

static lf_rc load_names(struct lf_ctx *cx)
{
    struct lf_list places = { .a = &cx->arena, .size = sizeof(struct lf_place) };
    struct grid_names_row row;
    struct lf_cur cur;
    lf_rc rc = grid_names(cx, &cur);
    while (!rc && (rc = grid_names_next(&cur, &row)) == LF_ROW) {
        *(struct lf_place *)lf_list_add(&places) = (struct lf_place){ row.code, row.name };
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    if (rc < 0)
        return rc;
    lf_places_set(cx->app, places.p, places.n);
    return LF_OK;
}

lf_rc grid_reload(struct lf_ctx *cx)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = load_names(cx);
    if (!rc)
        rc = load_shapes(cx, lf_day_of(lf_now()), cx->app->index);
    return lf_tx_end(cx, rc);
}

/* Areas may be written by an import, or by another process, and versions begin at midnight: the table follows within seconds. */
lf_rc grid_follow(struct lf_ctx *cx)
{
    static struct grid_stamp_row seen; /* read and written by the job thread only */
    static lf_day day;
    struct grid_stamp_row now;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, grid_stamp(cx, &now))))
        return rc;
    if (now.n == seen.n && now.changed_at.ms == seen.changed_at.ms && day.v == lf_day_of(lf_now()).v)
        return LF_OK;
    seen = now;
    day = lf_day_of(lf_now());
    return grid_reload(cx);
}

lf_rc grid_find(struct lf_ctx *cx, double lon, double lat, lf_day on, char code[32])
{
    const struct lf_point p = { lon, lat };
    if (on.v == lf_day_of(lf_now()).v)
        return lf_geo_index_find(cx->app->index, p, code) ? LF_OK : LF_ENOTFOUND;
    struct lf_geo_index *then = lf_geo_index_new(); /* seldom asked for: made, asked, thrown away */
    lf_rc rc = load_shapes(cx, on, then);
    if (!rc && !lf_geo_index_find(then, p, code))
        rc = LF_ENOTFOUND;
    lf_geo_index_free(then);
    return rc;
}
