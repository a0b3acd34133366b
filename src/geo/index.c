/* index.c - which area a point lies in. Our own table: edges of all rings in flat arrays, areas listed per bucket of a uniform grid,
 * deepest code first, so that the first area whose rings enclose the point is the answer. */
#include "geo/shape_int.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SIDE = 256, SLOTS = 16 };
struct edge {
    double x1, y1, x2, y2;
};
struct area {
    char code[32];
    double min_x, min_y, max_x, max_y;
    uint32_t first, n;
};
struct table {
    struct lf_arena arena;
    struct area *area;
    size_t n;
    struct edge *edge;
    double x0, y0, sx, sy;
    uint32_t *start, *list;
};
/* Readers count themselves in a line of memory of their own (by thread) and never wait; a rebuild publishes its table and then
 * waits until nobody can still hold the old one. Two counters take turns, so that a stream of readers cannot keep it waiting. */
struct slot {
    atomic_uint readers[2];
    char apart[56]; /* no two slots share a line of the cache */
};
struct lf_geo_index {
    struct slot slot[SLOTS];
    struct table *_Atomic t;
    atomic_uint turn;
    pthread_mutex_t builders; /* one rebuild at a time; readers do not look at it */
};

struct lf_geo_index *lf_geo_index_new(void)
{
    struct lf_geo_index *ix = lf_new(sizeof *ix);
    pthread_mutex_init(&ix->builders, NULL);
    return ix;
}

static void table_free(struct table *t)
{
    if (!t)
        return;
    lf_arena_free(&t->arena);
    lf_release(t);
}

void lf_geo_index_free(struct lf_geo_index *ix)
{
    if (!ix)
        return;
    table_free(atomic_load(&ix->t));
    pthread_mutex_destroy(&ix->builders);
    lf_release(ix);
}

/* ---- readers and the swap ----------------------------------------------------------------------------- */

struct reading {
    const struct table *t;
    atomic_uint *mine;
};

/* The order matters, and is the sequentially consistent one: count, then load the table. Whoever loaded a table that was replaced
 * is counted when the builder looks. */
static struct reading begin(struct lf_geo_index *ix)
{
    static atomic_uint threads;
    static _Thread_local unsigned number;
    if (!number)
        number = atomic_fetch_add(&threads, 1) + 1;
    struct reading r = { .mine = &ix->slot[number % SLOTS].readers[atomic_load(&ix->turn) & 1] };
    atomic_fetch_add(r.mine, 1);
    r.t = atomic_load(&ix->t);
    return r;
}

static void end(struct reading r) { atomic_fetch_sub_explicit(r.mine, 1, memory_order_release); }

static void wait_for(struct lf_geo_index *ix, unsigned side)
{
    for (int i = 0; i < SLOTS; i++)
        while (atomic_load(&ix->slot[i].readers[side]))
            sched_yield();
}

static void publish(struct lf_geo_index *ix, struct table *t)
{
    pthread_mutex_lock(&ix->builders);
    struct table *old = atomic_exchange(&ix->t, t);
    unsigned side = atomic_load(&ix->turn) & 1;
    wait_for(ix, !side); /* who read the turn before it last changed and was held up */
    atomic_store(&ix->turn, !side);
    wait_for(ix, side);
    pthread_mutex_unlock(&ix->builders);
    table_free(old);
}

/* ---- building --------------------------------------------------------------------------------------- */

struct edges {
    struct edge *e;
    size_t n, cap;
};

static void add_edge(struct edges *l, struct edge e)
{
    l->e = lf_more(NULL, l->e, l->n, &l->cap, sizeof *l->e);
    l->e[l->n++] = e;
}

static void add_ring(struct lf_geos *g, const GEOSGeometry *ring, struct edges *l)
{
    const GEOSCoordSequence *s = GEOSGeom_getCoordSeq_r(g->h, ring);
    unsigned n = 0;
    double x, y, px = 0, py = 0;
    GEOSCoordSeq_getSize_r(g->h, s, &n);
    for (unsigned i = 0; i < n; i++, px = x, py = y) {
        GEOSCoordSeq_getXY_r(g->h, s, i, &x, &y);
        if (i)
            add_edge(l, (struct edge){ px, py, x, y });
    }
}

static void add_polygons(struct lf_geos *g, const GEOSGeometry *geom, struct edges *l)
{
    for (int i = 0; i < GEOSGetNumGeometries_r(g->h, geom); i++) {
        const GEOSGeometry *p = GEOSGetGeometryN_r(g->h, geom, i);
        add_ring(g, GEOSGetExteriorRing_r(g->h, p), l);
        for (int k = 0; k < GEOSGetNumInteriorRings_r(g->h, p); k++)
            add_ring(g, GEOSGetInteriorRingN_r(g->h, p, k), l);
    }
}

/* Deepest first; among equals the smaller code, so that a shared border always has the same answer. */
static int deepest_first(const void *a, const void *b)
{
    const struct area *x = a, *y = b;
    size_t n = strlen(x->code), m = strlen(y->code);
    return n != m ? (n < m) - (n > m) : strcmp(x->code, y->code);
}

static lf_rc read_areas(struct lf_geos *g, const struct lf_area *in, size_t n, struct table *t, struct edges *l, struct lf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct area *a = &t->area[i];
        if (!in[i].code.n || in[i].code.n > 31)
            return lf_err_set(err, LF_EINVAL, "code", "area code “%.*s” is empty or too long", (int)in[i].code.n, in[i].code.p);
        memcpy(a->code, in[i].code.p, in[i].code.n);
        struct lf_err why = { 0 };
        GEOSGeometry *geom = lf_geos_read(g, in[i].geojson, &why);
        if (!geom)
            return lf_err_set(err, LF_EINVAL, "shape", "区划 %s：%.300s", a->code, why.msg);
        a->first = (uint32_t)l->n;
        add_polygons(g, geom, l);
        a->n = (uint32_t)(l->n - a->first);
        GEOSGeom_getXMin_r(g->h, geom, &a->min_x);
        GEOSGeom_getYMin_r(g->h, geom, &a->min_y);
        GEOSGeom_getXMax_r(g->h, geom, &a->max_x);
        GEOSGeom_getYMax_r(g->h, geom, &a->max_y);
        GEOSGeom_destroy_r(g->h, geom);
    }
    return LF_OK;
}

static int bucket(double v, double origin, double scale)
{
    double b = (v - origin) * scale;
    return b < 0 ? 0 : b >= SIDE ? SIDE - 1 : (int)b;
}

static void fill_buckets(struct table *t)
{
    double x1 = t->area[0].max_x, y1 = t->area[0].max_y;
    t->x0 = t->area[0].min_x, t->y0 = t->area[0].min_y;
    for (size_t i = 1; i < t->n; i++) {
        t->x0 = fmin(t->x0, t->area[i].min_x), t->y0 = fmin(t->y0, t->area[i].min_y);
        x1 = fmax(x1, t->area[i].max_x), y1 = fmax(y1, t->area[i].max_y);
    }
    t->sx = SIDE / fmax(x1 - t->x0, 1e-9), t->sy = SIDE / fmax(y1 - t->y0, 1e-9);
    t->start = lf_alloc(&t->arena, (SIDE * SIDE + 2) * sizeof *t->start);
    for (int pass = 0; pass < 2; pass++) { /* count, then fill */
        for (size_t i = 0; i < t->n; i++) {
            const struct area *a = &t->area[i];
            for (int y = bucket(a->min_y, t->y0, t->sy); y <= bucket(a->max_y, t->y0, t->sy); y++)
                for (int x = bucket(a->min_x, t->x0, t->sx); x <= bucket(a->max_x, t->x0, t->sx); x++) {
                    uint32_t *s = &t->start[y * SIDE + x + 1];
                    if (pass)
                        t->list[(*s)++] = (uint32_t)i;
                    else
                        s[1]++;
                }
        }
        if (pass)
            break;
        for (int i = 1; i < SIDE * SIDE + 1; i++)
            t->start[i + 1] += t->start[i];
        t->list = lf_alloc(&t->arena, (t->start[SIDE * SIDE + 1] + 1) * sizeof *t->list);
    }
}

lf_rc lf_geo_index_build(struct lf_geo_index *ix, const struct lf_area *areas, size_t n, struct lf_err *err)
{
    struct table *t = lf_new(sizeof *t);
    struct edges l = { 0 };
    struct lf_geos g;
    t->area = lf_alloc(&t->arena, (n + 1) * sizeof *t->area);
    t->n = n;
    lf_geos_open(&g);
    lf_rc rc = read_areas(&g, areas, n, t, &l, err);
    lf_geos_close(&g);
    if (!rc) {
        t->edge = lf_copy(&t->arena, l.e, l.n * sizeof *l.e);
        if (n)
            qsort(t->area, n, sizeof *t->area, deepest_first);
        if (n)
            fill_buckets(t);
        publish(ix, t);
        t = NULL;
    }
    lf_release(l.e);
    table_free(t);
    return rc;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

/* Even-odd rule over all rings (holes included); a point on an edge counts as inside. */
static bool inside(const struct table *t, const struct area *a, double x, double y)
{
    bool in = false;
    if (x < a->min_x || x > a->max_x || y < a->min_y || y > a->max_y)
        return false;
    for (const struct edge *e = t->edge + a->first, *end = e + a->n; e < end; e++) {
        if ((e->y1 > y) != (e->y2 > y)) {
            double side = (e->x2 - e->x1) * (y - e->y1) - (x - e->x1) * (e->y2 - e->y1);
            if (!(side < 0) && !(side > 0))
                return true;
            if ((side < 0) == (e->y2 < e->y1))
                in = !in;
        } else if (!(e->y1 < y) && !(e->y1 > y) && !(e->y2 < y) && !(e->y2 > y) && x >= fmin(e->x1, e->x2) && x <= fmax(e->x1, e->x2)) {
            return true;
        } else if ((!(x < e->x1) && !(x > e->x1) && !(y < e->y1) && !(y > e->y1))) {
            return true;
        }
    }
    return in;
}

static bool find(const struct table *t, struct lf_point p, char out[32])
{
    if (!t || !t->n || !lf_point_ok(p))
        return false;
    int b = bucket(p.lat, t->y0, t->sy) * SIDE + bucket(p.lon, t->x0, t->sx);
    for (uint32_t i = t->start[b]; i < t->start[b + 1]; i++) {
        const struct area *a = &t->area[t->list[i]];
        if (inside(t, a, p.lon, p.lat)) {
            memcpy(out, a->code, 32);
            return true;
        }
    }
    return false;
}

bool lf_geo_index_find(const struct lf_geo_index *cix, struct lf_point p, char out[32])
{
    struct reading r = begin((struct lf_geo_index *)(uintptr_t)cix);
    bool hit = find(r.t, p, out);
    end(r);
    return hit;
}

size_t lf_geo_index_size(const struct lf_geo_index *cix)
{
    struct reading r = begin((struct lf_geo_index *)(uintptr_t)cix);
    size_t n = r.t ? r.t->n : 0;
    end(r);
    return n;
}
