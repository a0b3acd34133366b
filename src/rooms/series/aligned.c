/* aligned.c - the answer in JSON with all lines on one grid of time: each slot has the mean, the lowest and the highest value. */
#include "rooms/series/lines.h"

struct filling {
    const struct slots *grid;
    struct slot *slot;
    struct line flags; /* only for the texts of its flags */
};
static bool fill_row(void *user, const struct lf_tele_reading *r)
{
    struct filling *f = user;
    slot_add(f->grid, f->slot, r, line_flag(&f->flags, r->flag));
    return true;
}

enum column { MEAN, LEAST, MOST };
static void put_column(struct lf_json *j, const char *key, const struct slots *g, const struct slot *s, enum column what)
{
    lf_json_key(j, key);
    lf_json_arr(j);
    for (size_t i = 0; i < g->n; i++)
        lf_json_real(j, !s[i].n ? (double)NAN : what == MEAN ? s[i].sum / s[i].n : what == LEAST ? s[i].least : s[i].most);
    lf_json_end_arr(j);
}

static lf_rc put_line(struct lines *w, struct lf_json *j, const struct slots *g, const struct ask_station *s, lf_text factor)
{
    struct filling f = { .grid = g, .slot = lf_alloc(&w->cx->arena, g->n * sizeof *f.slot), .flags = { .a = &w->cx->arena } };
    struct line_limit *limit = NULL;
    size_t nlimit;
    lf_json_obj(j);
    lf_rc rc = series_put_head(w, j, s, factor, &limit, &nlimit);
    if (!rc)
        rc = lines_scan(w, s->id, factor, fill_row, &f);
    if (rc)
        return rc;
    put_column(j, "values", g, f.slot, MEAN);
    put_column(j, "min", g, f.slot, LEAST);
    put_column(j, "max", g, f.slot, MOST);
    lf_json_key(j, "flags");
    lf_json_arr(j);
    for (size_t i = 0; i < g->n; i++)
        lf_json_text(j, f.slot[i].flag);
    lf_json_end_arr(j);
    lf_json_end_obj(j);
    return LF_OK;
}

/* The grid of the slowest line: a finer one would only add nulls. */
static lf_rc grid_of(struct lines *w, struct slots *out)
{
    const struct ask *a = w->ask;
    int64_t widest = 1000;
    for (int i = 0; i < a->nstation; i++)
        for (int k = 0; k < a->nfactor; k++) {
            int64_t step;
            lf_rc rc = series_usual_step(w, a->station[i].id, a->factor[k], &step);
            if (rc)
                return rc;
            if (step > widest)
                widest = step;
        }
    *out = slots_of(a->from, a->to, widest, a->points);
    return LF_OK;
}

lf_rc series_put_aligned(struct lines *w, struct lf_json *j)
{
    const struct ask *a = w->ask;
    struct slots g;
    lf_rc rc = grid_of(w, &g);
    if (rc)
        return rc;
    lf_json_kint(j, "width_ms", g.width);
    lf_json_key(j, "times");
    lf_json_arr(j);
    for (size_t i = 0; i < g.n; i++)
        lf_json_int(j, g.from.ms + (int64_t)i * g.width);
    lf_json_end_arr(j);
    lf_json_key(j, "series");
    lf_json_arr(j);
    for (int i = 0; !rc && i < a->nstation; i++)
        for (int k = 0; !rc && k < a->nfactor; k++) {
            struct lf_arena_mark here = lf_arena_here(&w->cx->arena);
            rc = put_line(w, j, &g, &a->station[i], a->factor[k]);
            if (!rc)
                lf_arena_back(&w->cx->arena, here);
        }
    lf_json_end_arr(j);
    return rc;
}
