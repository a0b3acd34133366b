/* known.c - what the records say of stations, limits and rules, read whole for the engine. */
#include "rooms/alarm/engine.h"

#include <stdlib.h>

struct filling {
    struct known *k;
    size_t cap_station, cap_limit, cap_value;
};

static void add_station(void *user, lf_id id, const struct station_site *s, bool disabled)
{
    struct filling *f = user;
    struct known *k = f->k;
    k->station = lf_more(&k->arena, k->station, k->nstation, &f->cap_station, sizeof *k->station);
    k->station[k->nstation++] = (struct known_station){ id.v, lf_text_copy(&k->arena, s->name), s->kind, disabled };
}

static void add_limit(void *user, const struct station_limit *l)
{
    static const enum alarm_period of[station_period_COUNT] = {
        [STATION_RTD] = ALARM_RTD, [STATION_MIN] = ALARM_MIN, [STATION_HOUR] = ALARM_HOUR, [STATION_DAY] = ALARM_DAY
    };
    struct filling *f = user;
    struct known *k = f->k;
    k->limit = lf_more(&k->arena, k->limit, k->nlimit, &f->cap_limit, sizeof *k->limit);
    k->in_force = lf_more(&k->arena, k->in_force, k->nlimit, &f->cap_value, sizeof *k->in_force);
    k->limit[k->nlimit] =
        (struct known_limit){ l->station.v, lf_text_copy(&k->arena, l->factor), of[l->kind], lf_text_copy(&k->arena, l->basis) };
    k->in_force[k->nlimit++] = (struct judge_limit){ l->from_day, l->to_day, l->low, l->high, !isnan(l->reference_o2) };
}

struct sorting {
    struct known_limit key;
    struct judge_limit value;
};

static int by_key(const void *a, const void *b)
{
    const struct known_limit *x = &((const struct sorting *)a)->key, *y = &((const struct sorting *)b)->key;
    return known_order(x, y->station, y->factor, y->period);
}

/* The engines order texts and words their own way. */
static void sort_limits(struct known *k)
{
    struct sorting *s = lf_new((k->nlimit + 1) * sizeof *s);
    for (size_t i = 0; i < k->nlimit; i++)
        s[i] = (struct sorting){ k->limit[i], k->in_force[i] };
    qsort(s, k->nlimit, sizeof *s, by_key);
    for (size_t i = 0; i < k->nlimit; i++)
        k->limit[i] = s[i].key, k->in_force[i] = s[i].value;
    lf_release(s);
}

static lf_rc read_all(struct lf_ctx *cx, struct filling *f)
{
    lf_rc rc = rules_load(cx, &f->k->arena, &f->k->rules);
    if (!rc)
        rc = station_each(cx, add_station, f);
    return rc ? rc : station_each_limit(cx, add_limit, f);
}

void known_free(struct known *k)
{
    lf_arena_free(&k->arena);
    lf_release(k);
}

lf_rc known_load(struct lf_ctx *cx, struct known **out)
{
    struct filling f = { .k = lf_new(sizeof *f.k) };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(cx, read_all(cx, &f));
    if (rc) {
        known_free(f.k);
        return rc;
    }
    sort_limits(f.k);
    *out = f.k;
    return LF_OK;
}
