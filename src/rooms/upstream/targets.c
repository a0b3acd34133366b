/* targets.c - from records to what the relay wants: for each upstream its stations, with their names there. */
#include "rooms/upstream/parts.h"

#include "rooms/station/station.h"
#include "tele/directory.h"
#include "upstream_sql.h"

struct all {
    struct upstream_targets_row *target;
    struct upstream_places_row *place;
    struct upstream_names_row *name;
    size_t ntarget, nplace, nname;
};

/* Reads a query whole: rows of `size` bytes, into the arena. */
#define READ_ALL(cx, open, next, list, n) \
    do { \
        struct lf_cur cur; \
        size_t cap = 0; \
        __typeof__(*(list)) row; \
        lf_rc rc_ = open(cx, &cur); \
        if (rc_) \
            return rc_; \
        for (; (rc_ = next(&cur, &row)) == LF_ROW; (list)[(n)++] = row) \
            if ((n) == cap) { \
                void *more = lf_alloc(&(cx)->arena, (cap = cap ? 2 * cap : 64) * sizeof row); \
                (list) = (n) ? memcpy(more, (list), (n) * sizeof row) : more; \
            } \
        lf_cur_close(&cur); \
        if (rc_ < 0) \
            return rc_; \
    } while (0)

static lf_rc read_rows(struct lf_ctx *cx, struct all *a)
{
    READ_ALL(cx, upstream_targets, upstream_targets_next, a->target, a->ntarget);
    READ_ALL(cx, upstream_places, upstream_places_next, a->place, a->nplace);
    READ_ALL(cx, upstream_names, upstream_names_next, a->name, a->nname);
    return LF_OK;
}

static bool has_word(lf_text list, lf_text word)
{
    for (const char *p = list.p, *end = list.p + list.n, *stop; p < end; p = stop + 1) {
        stop = memchr(p, ' ', (size_t)(end - p));
        stop = stop ? stop : end;
        if (lf_text_eq((lf_text){ p, (uint32_t)(stop - p) }, word))
            return true;
    }
    return false;
}

/* System codes of HJ 212-2017 table 5, for readings that came as something else. */
static lf_text system_code(lf_text kind)
{
    static const struct {
        const char *kind, *st;
    } t[] = { { "air", "22" }, { "surface", "21" }, { "wastewater", "32" }, { "flue", "31" }, { "dust", "39" }, { "noise", "23" } };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        if (lf_text_is(kind, t[i].kind))
            return lf_str(t[i].st);
    return LF_TEXT("22");
}

static const struct upstream_names_row *name_of(const struct all *a, lf_id upstream, lf_id station)
{
    size_t lo = 0, hi = a->nname;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const struct upstream_names_row *n = &a->name[mid];
        if (n->upstream_id.v == upstream.v && n->station_id.v == station.v)
            return n;
        if (n->upstream_id.v < upstream.v || (n->upstream_id.v == upstream.v && n->station_id.v < station.v))
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static lf_text or_null(lf_text t) { return t.n ? t : (lf_text){ 0 }; }

static lf_rc add_routes(struct lf_ctx *cx, const struct all *a, const struct upstream_targets_row *u, struct lf_relay_target *t)
{
    struct lf_scope area;
    lf_rc rc = lf_scope_of(cx, u->grid_code, &area);
    if (rc)
        return rc;
    struct lf_relay_route *r = lf_alloc(&cx->arena, (a->nplace + 1) * sizeof *r);
    bool hj212 = lf_text_is(u->kind, "hj212");
    t->route = r;
    for (size_t i = 0; i < a->nplace; i++) {
        const struct upstream_places_row *p = &a->place[i];
        const struct upstream_names_row *n = name_of(a, u->id, p->id);
        if (!lf_scope_has(&area, p->grid_code) || (u->station_kinds.n && !has_word(u->station_kinds, p->kind)) || (u->only_listed && !n))
            continue;
        r[t->nroute++] = (struct lf_relay_route){ .station = p->id,
                                                  .mn = p->mn,
                                                  .pw = p->pw,
                                                  .as_mn = n ? or_null(n->mn) : (lf_text){ 0 },
                                                  .as_pw = n && n->pw.n ? n->pw
                                                           : hj212      ? or_null(u->password)
                                                                        : (lf_text){ 0 },
                                                  .grid_code = p->grid_code,
                                                  .st = system_code(p->kind) };
    }
    return LF_OK;
}

static int number_or_none(int64_t v) { return v == LF_NULL64 ? 0 : (int)v; }

static void fill(const struct upstream_targets_row *u, struct lf_relay_target *t)
{
    *t = (struct lf_relay_target){ .id = u->id,
                                   .kind = lf_text_is(u->kind, "mqtt") ? LF_RELAY_MQTT : LF_RELAY_HJ212,
                                   .host = u->host,
                                   .port = (uint16_t)u->port,
                                   .login = u->login,
                                   .password = u->password,
                                   .topic = u->topic.n ? u->topic : LF_TEXT("lanfan"),
                                   .ca = u->ca,
                                   .tls = u->tls,
                                   .per_factor = u->per_factor,
                                   .window = number_or_none(u->window_size),
                                   .timeout_ms = 1000 * number_or_none(u->timeout_s),
                                   .retries = number_or_none(u->retries),
                                   .position = u->position == LF_NULL64 ? LF_RELAY_UNSET : u->position,
                                   .qn = u->qn == LF_NULL64 ? 0 : u->qn,
                                   .since = u->since_at };
    const bool want[] = { u->fwd_rtd, u->fwd_min, u->fwd_hour, u->fwd_daily };
    for (unsigned k = 0; k < LF_COUNT(want); k++)
        t->kinds |= want[k] ? 1u << k : 0;
    t->kinds |= u->fwd_other ? LF_RELAY_OTHER : 0;
}

static lf_rc read_all(struct lf_ctx *cx, struct all *a, struct lf_relay_target **out)
{
    lf_rc rc = read_rows(cx, a);
    if (!rc)
        *out = lf_alloc(&cx->arena, (a->ntarget + 1) * sizeof **out);
    for (size_t i = 0; !rc && i < a->ntarget; i++) {
        fill(&a->target[i], *out + i);
        rc = add_routes(cx, a, &a->target[i], *out + i);
    }
    if (!rc)
        rc = upstream_off(cx, NULL);
    return rc;
}

lf_rc upstream_read_targets(struct lf_ctx *cx, struct lf_relay_target **out, size_t *n, struct lf_directory **directory)
{
    struct all a = { 0 };
    bool mqtt = false;
    *n = 0;
    *directory = NULL;
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc || (rc = lf_tx_end(cx, read_all(cx, &a, out))))
        return rc;
    *n = a.ntarget;
    for (size_t i = 0; i < *n; i++)
        mqtt = mqtt || (*out)[i].kind == LF_RELAY_MQTT;
    if (mqtt && !(*directory = station_make_directory(cx)))
        return cx->err.rc ? cx->err.rc : LF_EDB;
    for (size_t i = 0; i < *n; i++)
        (*out)[i].directory = *directory;
    return LF_OK;
}
