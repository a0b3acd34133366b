/* place.c - names of grid codes, in memory: a sorted table that is replaced as a whole. */
#include "core/kernel.h"

#include <pthread.h>
#include <stdlib.h>

struct places {
    pthread_rwlock_t lock;
    struct lf_arena arena;
    struct lf_place *table;
    size_t n;
};

static int by_code(const void *a, const void *b)
{
    const struct lf_place *x = a, *y = b;
    uint32_t n = x->code.n < y->code.n ? x->code.n : y->code.n;
    int c = n ? memcmp(x->code.p, y->code.p, n) : 0;
    return c ? c : (x->code.n > y->code.n) - (x->code.n < y->code.n);
}

void lf_places_open(struct lf_app *app)
{
    struct places *p = lf_new(sizeof *p);
    pthread_rwlock_init(&p->lock, NULL);
    app->places = p;
}

void lf_places_close(struct lf_app *app)
{
    struct places *p = app->places;
    if (!p)
        return;
    pthread_rwlock_destroy(&p->lock);
    lf_arena_free(&p->arena);
    lf_release(p);
    app->places = NULL;
}

void lf_places_set(struct lf_app *app, const struct lf_place *place, size_t n)
{
    struct places *p = app->places;
    struct lf_arena fresh = { 0 };
    struct lf_place *t = lf_alloc(&fresh, n * sizeof *t);
    for (size_t i = 0; i < n; i++)
        t[i] = (struct lf_place){ lf_text_copy(&fresh, place[i].code), lf_text_copy(&fresh, place[i].name) };
    if (n)
        qsort(t, n, sizeof *t, by_code);
    pthread_rwlock_wrlock(&p->lock);
    struct lf_arena old = p->arena;
    p->arena = fresh;
    p->table = t;
    p->n = n;
    pthread_rwlock_unlock(&p->lock);
    lf_arena_free(&old);
}

lf_text lf_place_name(struct lf_app *app, struct lf_arena *a, lf_text code)
{
    struct places *p = app->places;
    lf_text name = LF_TEXT("");
    pthread_rwlock_rdlock(&p->lock);
    for (; code.n >= 2 && !name.n; code.n--) { /* the nearest place above is a shorter prefix */
        const struct lf_place key = { .code = code }, *hit = p->n ? bsearch(&key, p->table, p->n, sizeof key, by_code) : NULL;
        if (hit)
            name = lf_text_copy(a, hit->name);
    }
    pthread_rwlock_unlock(&p->lock);
    return name;
}
