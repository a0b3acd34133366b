/* store_pg_ops.c - what the station pages ask for: the tables by month, and what has arrived and is not there yet. */
#include "tele/store_pg.h"

#include <stdio.h>
#include <stdlib.h>

static lf_text copy(struct lf_arena *a, const PGresult *r, int row, int col)
{
    lf_text t = pg_text(r, row, col);
    return t.p ? lf_text_copy(a, t) : t;
}

/* Parameters are text. */
struct number {
    char s[24];
};
static struct number number(int64_t v)
{
    struct number n;
    snprintf(n.s, sizeof n.s, "%lld", (long long)v);
    return n;
}

/* ---- the newest: kept in memory ------------------------------------------------------------------------- */

static struct lf_tele_latest latest_of(const struct pg_entry *e, struct lf_arena *a)
{
    const struct pg_known *k = &e->known;
    return (struct lf_tele_latest){ .r = { .station = { e->key.station },
                                           .factor = lf_text_copy(a, e->key.name),
                                           .kind = (enum lf_tele_kind)e->key.kind,
                                           .at = { k->at },
                                           .value = k->value,
                                           .vmin = k->vmin,
                                           .vmax = k->vmax,
                                           .cou = k->cou,
                                           .zs = k->zs,
                                           .flag = k->nflag < 0 ? (lf_text){ NULL, 0 }
                                                                : lf_text_copy(a, (lf_text){ k->flag, (uint32_t)k->nflag }) },
                                    .received = { k->received } };
}

static int by_factor(const void *x, const void *y)
{
    const struct lf_tele_reading *a = &((const struct lf_tele_latest *)x)->r, *b = &((const struct lf_tele_latest *)y)->r;
    uint32_t n = a->factor.n < b->factor.n ? a->factor.n : b->factor.n;
    int c = memcmp(a->factor.p, b->factor.p, n);
    if (!c)
        c = a->factor.n < b->factor.n ? -1 : a->factor.n > b->factor.n;
    return c ? c : strcmp(lf_tele_kind_name(a->kind), lf_tele_kind_name(b->kind));
}

static lf_rc latest(struct lf_tele_store *base, struct lf_arena *a, lf_id station, struct lf_tele_latest **out, size_t *n,
                    struct lf_err *err)
{
    struct pg_store *s = (struct pg_store *)base;
    struct lf_list l = { .a = a, .size = sizeof **out };
    pthread_mutex_lock(&s->know);
    const struct pg_entry *head = pg_map_find(&s->state.station, &(struct pg_key){ .station = station.v });
    for (uint32_t at = head ? head->before : 0; at; at = s->state.channel.e[at - 1].before)
        *(struct lf_tele_latest *)lf_list_add(&l) = latest_of(&s->state.channel.e[at - 1], a);
    pthread_mutex_unlock(&s->know);
    *out = l.p, *n = l.n;
    if (l.n)
        qsort(l.p, l.n, l.size, by_factor);
    return LF_OK;
}

/* ---- one series --------------------------------------------------------------------------------------------- */

/* A reading that was corrected and not moved yet is there twice: of equal times the later packet counts, so each row is held back until
 * the next shows another time. */
struct scanning {
    const struct lf_tele_series *q;
    bool (*each)(void *, const struct lf_tele_reading *);
    void *user;
    struct pg_known held;
    bool holds, more;
};

static void pass_on(struct scanning *sc)
{
    const struct pg_known *k = &sc->held;
    if (!sc->holds || !sc->more)
        return;
    struct lf_tele_reading r = { .station = sc->q->station,
                                 .factor = sc->q->factor,
                                 .kind = sc->q->kind,
                                 .at = { k->at },
                                 .value = k->value,
                                 .vmin = k->vmin,
                                 .vmax = k->vmax,
                                 .cou = k->cou,
                                 .zs = k->zs,
                                 .flag = k->nflag < 0 ? (lf_text){ NULL, 0 } : (lf_text){ k->flag, (uint32_t)k->nflag } };
    sc->more = sc->each(sc->user, &r);
}

static bool scan_row(void *user, const PGresult *r, int row)
{
    struct scanning *sc = user;
    struct pg_known k = pg_known_of(r, row, 2, 7);
    k.at = pg_int(r, row, 0), k.packet = pg_int(r, row, 1);
    if (sc->holds && sc->held.at == k.at) {
        if (k.packet > sc->held.packet)
            sc->held = k;
        return true;
    }
    pass_on(sc);
    sc->held = k;
    sc->holds = true;
    return sc->more;
}

static lf_rc scan(struct lf_tele_store *base, const struct lf_tele_series *q, bool (*each)(void *, const struct lf_tele_reading *),
                  void *user, struct lf_err *err)
{
    char sql[900], factor[256];
    const struct number station = number(q->station.v), from = number(q->from.ms), to = number(q->to.ms);
    struct scanning sc = { .q = q, .each = each, .user = user, .more = true };
#define PART \
    "SELECT at, packet_id, " PG_VALUES \
    ", flag FROM tele_reading_%s WHERE station_id = $1::int8 AND factor = $2 AND at >= $3::int8 AND at < $4::int8"
    snprintf(sql, sizeof sql, PART " UNION ALL " PART " AND kind = %d UNION ALL " PART " AND kind = %d ORDER BY at",
             lf_tele_kind_name(q->kind), "0", (int)q->kind, "1", (int)q->kind);
    if (q->factor.n >= sizeof factor)
        return LF_OK; /* no factor is that long */
    snprintf(factor, sizeof factor, "%.*s", (int)q->factor.n, q->factor.p);
    lf_rc rc = pg_query((struct pg_store *)base,
                        &(struct pg_query){ sql, (const char *const[]){ station.s, factor, from.s, to.s }, 4, true, scan_row, &sc }, err);
    if (!rc)
        pass_on(&sc);
    return rc;
}

struct thinning {
    struct lf_arena *a;
    struct lf_tele_thin *thin;
    lf_text flag[8]; /* flags are a letter; the few that occur are kept once */
    int nflag;
};

static lf_text share_flag(struct thinning *t, lf_text flag)
{
    if (!flag.p)
        return flag;
    for (int i = 0; i < t->nflag; i++)
        if (lf_text_eq(flag, t->flag[i]))
            return t->flag[i];
    lf_text kept = lf_text_copy(t->a, flag);
    if (t->nflag < (int)LF_COUNT(t->flag))
        t->flag[t->nflag++] = kept;
    return kept;
}

static bool add_point(void *user, const struct lf_tele_reading *r)
{
    struct thinning *t = user;
    lf_tele_thin_add(t->thin, &(struct lf_tele_point){ r->at, r->value, r->vmin, r->vmax, share_flag(t, r->flag) });
    return true;
}

static lf_rc series(struct lf_tele_store *base, struct lf_arena *a, const struct lf_tele_series *q, struct lf_tele_point **out, size_t *n,
                    struct lf_err *err)
{
    struct thinning t = { .a = a, .thin = lf_tele_thin_new(a, q->from, q->to, q->max_points ? q->max_points : 2000) };
    lf_rc rc = scan(base, q, add_point, &t, err);
    *n = lf_tele_thin_end(t.thin, out);
    return rc;
}

/* ---- packets ------------------------------------------------------------------------------------------------- */

static bool add_packet(void *user, const PGresult *r, int i)
{
    struct lf_list *l = user;
    *(struct lf_tele_stored_packet *)lf_list_add(l) = (struct lf_tele_stored_packet){
        .id = { pg_int(r, i, 0) },
        .station = { pg_int(r, i, 1) },
        .received = { pg_int(r, i, 2) },
        .at = { pg_int(r, i, 3) },
        .qn = copy(l->a, r, i, 4),
        .cn = copy(l->a, r, i, 5),
        .peer = copy(l->a, r, i, 6),
        .note = copy(l->a, r, i, 7),
        .raw = copy(l->a, r, i, 8),
        .readings = pg_int(r, i, 9),
    };
    return true;
}

/* From the months and both slots, each sorted and cut by its own index before they are put together. */
#define PACKET_PART(table, where) "(SELECT id, station_id, received, at, qn, cn, peer, note, raw, readings FROM " table " " where ")"
#define PACKETS(where) \
    PACKET_PART("tele_packet", where) " UNION ALL " PACKET_PART("tele_packet_0", where) " UNION ALL " PACKET_PART("tele_packet_1", where)

static lf_rc list_packets(struct lf_tele_store *base, const char *sql, const char *const *params, int nparam, struct lf_list *l,
                          struct lf_err *err)
{
    return pg_query((struct pg_store *)base, &(struct pg_query){ sql, params, nparam, false, add_packet, l }, err);
}

static lf_rc packets(struct lf_tele_store *base, struct lf_arena *a, lf_id station, lf_id before, int limit,
                     struct lf_tele_stored_packet **out, size_t *n, struct lf_err *err)
{
    static const char all[] = PACKETS("WHERE id < $1::int8 ORDER BY id DESC LIMIT $2::int8") " ORDER BY id DESC LIMIT $2::int8";
    static const char one[] =
        PACKETS("WHERE station_id = $3::int8 AND id < $1::int8 ORDER BY id DESC LIMIT $2::int8") " ORDER BY id DESC LIMIT $2::int8";
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct number b = number(lf_id_none(before) ? INT64_MAX : before.v), k = number(limit), s = number(station.v);
    bool any = lf_id_none(station);
    lf_rc rc = list_packets(base, any ? all : one, (const char *const[]){ b.s, k.s, s.s }, any ? 2 : 3, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

/* Not beyond the last commit that was answered: on several nodes a commit is seen on one before it is on the others, and who goes on after
 * the last id it saw would never see the smaller ones. */
static lf_rc packets_after(struct lf_tele_store *base, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out,
                           size_t *n, struct lf_err *err)
{
    static const char sql[] = PACKETS("WHERE id > $1::int8 AND id <= $3::int8 ORDER BY id LIMIT $2::int8") " ORDER BY id LIMIT $2::int8";
    struct pg_store *s = (struct pg_store *)base;
    struct lf_list l = { .a = a, .size = sizeof **out };
    pthread_mutex_lock(&s->know);
    const struct number b = number(lf_id_none(after) ? 0 : after.v), k = number(limit), last = number(s->state.last_packet);
    pthread_mutex_unlock(&s->know);
    lf_rc rc = list_packets(base, sql, (const char *const[]){ b.s, k.s, last.s }, 3, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

static lf_rc packet(struct lf_tele_store *base, struct lf_arena *a, lf_id id, struct lf_tele_stored_packet *out, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof *out };
    const struct number b = number(id.v);
    lf_rc rc = list_packets(base, PACKETS("WHERE id = $1::int8"), (const char *const[]){ b.s }, 1, &l, err);
    if (!rc && l.n == 0)
        return lf_err_set(err, LF_ENOTFOUND, NULL, "没有这个数据包 | There is no such packet");
    if (!rc)
        *out = *(struct lf_tele_stored_packet *)l.p;
    return rc;
}

/* ---- evidence, split messages, corrections ------------------------------------------------------------------- */

static bool add_reject(void *user, const PGresult *r, int i)
{
    struct lf_list *l = user;
    *(struct lf_tele_stored_reject *)lf_list_add(l) = (struct lf_tele_stored_reject){
        .id = { pg_int(r, i, 0) },
        .received = { pg_int(r, i, 1) },
        .reason = copy(l->a, r, i, 2),
        .mn = copy(l->a, r, i, 3),
        .cn = copy(l->a, r, i, 4),
        .peer = copy(l->a, r, i, 5),
        .detail = copy(l->a, r, i, 6),
        .raw = copy(l->a, r, i, 7),
        .size = pg_int(r, i, 8),
    };
    return true;
}

static lf_rc rejects(struct lf_tele_store *base, struct lf_arena *a, bool quarantine, lf_id before, int limit,
                     struct lf_tele_stored_reject **out, size_t *n, struct lf_err *err)
{
    char sql[240];
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct number b = number(lf_id_none(before) ? INT64_MAX : before.v), k = number(limit);
    snprintf(sql, sizeof sql,
             "SELECT id, received, reason, mn, cn, peer, detail, raw, size FROM %s WHERE id < $1::int8 ORDER BY id DESC LIMIT $2::int8",
             quarantine ? "tele_quarantine" : "tele_refused");
    lf_rc rc =
        pg_query((struct pg_store *)base, &(struct pg_query){ sql, (const char *const[]){ b.s, k.s }, 2, false, add_reject, &l }, err);
    *out = l.p, *n = l.n;
    return rc;
}

static bool add_gap(void *user, const PGresult *r, int i)
{
    struct lf_list *l = user;
    *(struct lf_tele_gap *)lf_list_add(l) =
        (struct lf_tele_gap){ { pg_int(r, i, 0) }, copy(l->a, r, i, 1), { pg_int(r, i, 2) }, pg_int(r, i, 3), pg_int(r, i, 4) };
    return true;
}

static lf_rc gaps(struct lf_tele_store *base, struct lf_arena *a, lf_id station, int limit, struct lf_tele_gap **out, size_t *n,
                  struct lf_err *err)
{
#define SPLIT(table) "SELECT station_id, cn, at, pnum, pno FROM " table " WHERE pnum > 0 AND ($2::int8 = 0 OR station_id = $2::int8)"
    static const char sql[] = "SELECT station_id, cn, at, pnum, count(DISTINCT pno) FROM (" SPLIT("tele_packet") " UNION ALL " SPLIT(
        "tele_packet_0") " UNION ALL " SPLIT("tele_packet_1") ") p GROUP BY station_id, cn, at, pnum HAVING count(DISTINCT pno) < pnum "
                                                              "ORDER BY at DESC LIMIT $1::int8";
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct number k = number(limit), s = number(lf_id_none(station) ? 0 : station.v);
    lf_rc rc = pg_query((struct pg_store *)base, &(struct pg_query){ sql, (const char *const[]){ k.s, s.s }, 2, false, add_gap, &l }, err);
    *out = l.p, *n = l.n;
    return rc;
}

static bool add_correction(void *user, const PGresult *r, int i)
{
    struct lf_list *l = user;
    struct lf_tele_correction *c = lf_list_add(l);
    c->was = (struct lf_tele_reading){ .station = { pg_int(r, i, 0) },
                                       .at = { pg_int(r, i, 1) },
                                       .packet = pg_int(r, i, 2),
                                       .value = pg_real(r, i, 3),
                                       .vmin = pg_real(r, i, 4),
                                       .vmax = pg_real(r, i, 5),
                                       .cou = pg_real(r, i, 6),
                                       .zs = pg_real(r, i, 7),
                                       .factor = copy(l->a, r, i, 8),
                                       .flag = copy(l->a, r, i, 9),
                                       .kind = (enum lf_tele_kind)pg_int(r, i, 10) };
    c->replaced = (lf_ms){ pg_int(r, i, 11) };
    c->by_packet = (lf_id){ pg_int(r, i, 12) };
    return true;
}

static lf_rc corrections(struct lf_tele_store *base, struct lf_arena *a, lf_id station, int limit, struct lf_tele_correction **out,
                         size_t *n, struct lf_err *err)
{
    static const char sql[] = "SELECT " PG_READING ", kind, replaced, by_packet FROM tele_reading_was WHERE station_id = $1::int8 "
                              "ORDER BY by_packet DESC LIMIT $2::int8";
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct number s = number(station.v), k = number(limit);
    lf_rc rc =
        pg_query((struct pg_store *)base, &(struct pg_query){ sql, (const char *const[]){ s.s, k.s }, 2, false, add_correction, &l }, err);
    *out = l.p, *n = l.n;
    return rc;
}

const struct lf_tele_store_ops lf_tele_pg_ops = {
    .commit = pg_commit,
    .close = pg_close,
    .latest = latest,
    .series = series,
    .scan = scan,
    .packets = packets,
    .packets_after = packets_after,
    .packet = packet,
    .rejects = rejects,
    .gaps = gaps,
    .corrections = corrections,
};
