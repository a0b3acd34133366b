/* bench_geo.c - point -> grid look-ups per second against GEOS prepared geometries in an STR-tree, over the areas of the demonstration.
 * usage: bench_geo AREAS.csv */
#include "fmt/fmt.h"
#include "geo/shape_int.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 20000, AREAS = 8000 };
static struct {
    struct lf_arena arena;
    struct lf_area area[AREAS];
    const GEOSPreparedGeometry *prepared[AREAS];
    size_t n;
    struct lf_point at[POINTS];
    struct lf_geos g;
    struct lf_geo_index *ix;
} b;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static lf_rc take(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    if (line > 1 && n >= 6 && c[5].n && b.n < AREAS)
        b.area[b.n++] = (struct lf_area){ lf_text_copy(&b.arena, c[0]), lf_text_copy(&b.arena, c[5]) };
    return LF_OK;
}

/* ---- the yardstick ---------------------------------------------------------------------------------------- */

struct deepest {
    const GEOSGeometry *point;
    size_t best;
};

static void candidate(void *item, void *user)
{
    struct deepest *d = user;
    size_t i = (size_t)(uintptr_t)item - 1;
    bool deeper = d->best == AREAS || b.area[i].code.n > b.area[d->best].code.n ||
                  (b.area[i].code.n == b.area[d->best].code.n && strcmp(b.area[i].code.p, b.area[d->best].code.p) < 0);
    if (deeper && GEOSPreparedCovers_r(b.g.h, b.prepared[i], d->point) == 1)
        d->best = i;
}

static size_t geos_find(GEOSSTRtree *tree, struct lf_point p)
{
    GEOSGeometry *pt = GEOSGeom_createPointFromXY_r(b.g.h, p.lon, p.lat);
    struct deepest d = { pt, AREAS };
    GEOSSTRtree_query_r(b.g.h, tree, pt, candidate, &d);
    GEOSGeom_destroy_r(b.g.h, pt);
    return d.best;
}

static GEOSSTRtree *build_tree(void)
{
    GEOSSTRtree *tree = GEOSSTRtree_create_r(b.g.h, 10);
    for (size_t i = 0; i < b.n; i++) {
        struct lf_err e;
        GEOSGeometry *geom = lf_geos_read(&b.g, b.area[i].geojson, &e);
        b.prepared[i] = GEOSPrepare_r(b.g.h, geom);
        GEOSSTRtree_insert_r(b.g.h, tree, geom, (void *)(uintptr_t)(i + 1));
    }
    return tree;
}

/* ---- ours ---------------------------------------------------------------------------------------------------- */

static atomic_bool stop;
static atomic_long asked;

static void *reader(void *user)
{
    char code[32];
    long n = 0;
    for (size_t i = (size_t)(uintptr_t)user; !atomic_load_explicit(&stop, memory_order_relaxed); i++, n++)
        lf_geo_index_find(b.ix, b.at[i % POINTS], code);
    atomic_fetch_add(&asked, n);
    return NULL;
}

/* Look-ups per second of `threads` readers within about a second; rebuilds: the table is replaced all the while. */
static double ours(int threads, bool rebuild, int *builds)
{
    pthread_t t[8];
    struct lf_err e;
    double start = now();
    atomic_store(&stop, false);
    atomic_store(&asked, 0);
    *builds = 0;
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, reader, (void *)(uintptr_t)(i * 977));
    while (now() - start < 1) {
        if (rebuild && lf_geo_index_build(b.ix, b.area, b.n, &e))
            exit(1);
        *builds += rebuild;
        if (!rebuild)
            usleep(10000);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    return (double)atomic_load(&asked) / (now() - start);
}

static double geos_rate(GEOSSTRtree *tree)
{
    long n = 0;
    double start = now();
    for (size_t i = 0; now() - start < 1; n += 100)
        for (int k = 0; k < 100; k++)
            geos_find(tree, b.at[i++ % POINTS]);
    return (double)n / (now() - start);
}

int main(int argc, char **argv)
{
    struct lf_err e = { 0 };
    char code[32];
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1, builds;
    long differ = 0, hits = 0;
    if (fd < 0 || lf_table_read(LF_CSV, fd, take, NULL, &e)) {
        fprintf(stderr, "usage: bench_geo data/demo/areas.csv\n");
        return 2;
    }
    srand(1);
    for (int i = 0; i < POINTS; i++)
        b.at[i] = (struct lf_point){ 117.6 + 0.95 * rand() / RAND_MAX, 35.9 + 1.45 * rand() / RAND_MAX };
    b.ix = lf_geo_index_new();
    double t0 = now();
    if (lf_geo_index_build(b.ix, b.area, b.n, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    double t1 = now();
    lf_geos_open(&b.g);
    GEOSSTRtree *tree = build_tree();
    for (int i = 0; i < POINTS; i++) {
        size_t want = geos_find(tree, b.at[i]);
        bool hit = lf_geo_index_find(b.ix, b.at[i], code);
        hits += hit;
        differ += hit != (want != AREAS) || (hit && strcmp(code, b.area[want].code.p) != 0);
    }
    printf("%zu areas, table built in %.0f ms; %d points, %ld inside, %ld answers differ from GEOS\n", b.n, (t1 - t0) * 1000, POINTS, hits,
           differ);
    double g = geos_rate(tree), one = ours(1, false, &builds), two = ours(2, false, &builds), busy = ours(1, true, &builds);
    printf("GEOS prepared + STR-tree   %10.0f look-ups/s\n", g);
    printf("lf_geo_index, 1 thread     %10.0f look-ups/s   %.1f x GEOS\n", one, one / g);
    printf("lf_geo_index, 2 threads    %10.0f look-ups/s   %.1f x GEOS\n", two, two / g);
    printf("1 thread while rebuilding  %10.0f look-ups/s   %.1f x GEOS (%d rebuilds)\n", busy, busy / g, builds);
    return differ ? 1 : 0;
}
