/* store_pg_look.c - which of these packets and readings are in the database: one query for many, with arrays. */
#include "base/out.h"
#include "tele/store_pg.h"

#include <stdio.h>

/* An array literal, "{1,2}" or "{\"a\",\"b\"}". */
struct array {
    struct lf_out o;
};

static void comma(struct array *a) { lf_put_c(&a->o, a->o.n ? ',' : '{'); }

static void add_int(struct array *a, int64_t v)
{
    comma(a);
    lf_put_int(&a->o, v);
}

static void add_text(struct array *a, lf_text t)
{
    comma(a);
    lf_put_c(&a->o, '"');
    for (uint32_t i = 0; i < t.n; i++) {
        if (t.p[i] == '"' || t.p[i] == '\\')
            lf_put_c(&a->o, '\\');
        lf_put_c(&a->o, t.p[i]);
    }
    lf_put_c(&a->o, '"');
}

enum { ARRAYS_MAX = 6 };
struct arrays {
    struct array a[ARRAYS_MAX];
    int n;
    int64_t lo, hi; /* the times asked for: which months to look at */
};

static struct arrays arrays_new(int n)
{
    struct arrays all = { .n = n, .lo = INT64_MAX, .hi = INT64_MIN };
    for (int i = 0; i < n; i++)
        all.a[i].o = lf_out_memory((size_t)1 << 30);
    return all;
}

static void arrays_time(struct arrays *all, int64_t at)
{
    all->lo = at < all->lo ? at : all->lo;
    all->hi = at > all->hi ? at : all->hi;
}

/* The arrays are $1 ..., then come the lowest and the highest time. */
static lf_rc arrays_ask(struct arrays *all, PGconn *c, const char *sql, PGresult **out, struct lf_err *err)
{
    const char *params[ARRAYS_MAX + 2];
    char lo[24], hi[24];
    for (int i = 0; i < all->n; i++) {
        lf_put(&all->a[i].o, "}", 2); /* with its NUL */
        params[i] = all->a[i].o.buf;
    }
    snprintf(lo, sizeof lo, "%lld", (long long)all->lo);
    snprintf(hi, sizeof hi, "%lld", (long long)all->hi);
    params[all->n] = lo;
    params[all->n + 1] = hi;
    lf_rc rc = pg_ask(c, sql, params, all->n + 2, out, err);
    for (int i = 0; i < all->n; i++)
        lf_out_close(&all->a[i].o);
    return rc;
}

/* Of months, which may be large and not analysed yet: each by the unique key and nothing else (a LATERAL with a LIMIT is not turned into a
 * join that reads the whole month). Citus takes no such LATERAL: there it is a join. What has arrived is small: read once. */
#define PACKET_KEY \
    "p.station_id = u.station AND p.at = u.at AND p.cn = u.cn AND p.qn = u.qn AND p.pno = u.pno AND p.digest = u.digest AND " \
    "p.at BETWEEN $7::int8 AND $8::int8"
#define PACKET_JOIN(table) "SELECT u.i FROM u JOIN " table " p ON " PACKET_KEY
#define PACKET_LOOK(months) \
    "WITH u AS NOT MATERIALIZED (SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[], $6::int8[]) " \
    "WITH ORDINALITY AS x(station, at, cn, qn, pno, digest, i)) " months \
    " UNION ALL " PACKET_JOIN("tele_packet_0") " UNION ALL " PACKET_JOIN("tele_packet_1")

lf_rc pg_look_packets(PGconn *c, bool citus, const struct pg_asked_packet *a, size_t n, struct lf_err *err)
{
    static const char here[] =
        PACKET_LOOK("SELECT u.i FROM u CROSS JOIN LATERAL (SELECT 1 FROM tele_packet p WHERE " PACKET_KEY " LIMIT 1) p");
    static const char spread[] = PACKET_LOOK(PACKET_JOIN("tele_packet"));
    struct arrays all = arrays_new(6);
    PGresult *r = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct lf_tele_packet *p = a[i].p;
        add_int(&all.a[0], p->station.v);
        add_int(&all.a[1], p->at.ms);
        add_text(&all.a[2], p->cn);
        add_text(&all.a[3], p->qn);
        add_int(&all.a[4], p->pno);
        add_int(&all.a[5], a[i].digest);
        arrays_time(&all, p->at.ms);
    }
    lf_rc rc = arrays_ask(&all, c, citus ? spread : here, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++)
        a[pg_int(r, i, 0) - 1].p->duplicate = true;
    PQclear(r);
    return rc;
}

#define LOOKED "r.packet_id, r.value, r.vmin, r.vmax, r.cou, r.zs, r.flag"
#define SAME_KEY "r.station_id = u.station AND r.factor = u.factor AND r.at = u.at AND r.at BETWEEN $4::int8 AND $5::int8"

struct pg_known pg_known_of(const PGresult *r, int row, int values, int flag)
{
    struct pg_known k = { .value = pg_real(r, row, values),
                          .vmin = pg_real(r, row, values + 1),
                          .vmax = pg_real(r, row, values + 2),
                          .cou = pg_real(r, row, values + 3),
                          .zs = pg_real(r, row, values + 4) };
    pg_known_flag(&k, pg_text(r, row, flag));
    return k;
}

#define READING_JOIN "SELECT u.i, " LOOKED " FROM u JOIN tele_reading_%s r ON " SAME_KEY

lf_rc pg_look_readings(PGconn *c, bool citus, struct lf_tele_reading *const *list, size_t n, struct pg_map *into, struct lf_err *err)
{
    char sql[1500], months[500];
    int kind = (int)list[0]->kind;
    snprintf(months, sizeof months,
             citus ? READING_JOIN
                   : "SELECT u.i, r.* FROM u CROSS JOIN LATERAL (SELECT " LOOKED " FROM tele_reading_%s r WHERE " SAME_KEY " LIMIT 1) r",
             lf_tele_kind_name(list[0]->kind));
    snprintf(sql, sizeof sql,
             "WITH u AS NOT MATERIALIZED (SELECT * FROM unnest($1::int8[], $2::text[], $3::int8[]) WITH ORDINALITY AS "
             "x(station, factor, at, i)) %s UNION ALL " READING_JOIN " AND r.kind = %d UNION ALL " READING_JOIN " AND r.kind = %d",
             months, "0", kind, "1", kind);
    struct arrays all = arrays_new(3);
    PGresult *r = NULL;
    for (size_t i = 0; i < n; i++) {
        add_int(&all.a[0], list[i]->station.v);
        add_text(&all.a[1], list[i]->factor);
        add_int(&all.a[2], list[i]->at.ms);
        arrays_time(&all, list[i]->at.ms);
    }
    lf_rc rc = arrays_ask(&all, c, sql, &r, err);
    for (int i = 0; !rc && i < PQntuples(r); i++) {
        const struct lf_tele_reading *asked = list[pg_int(r, i, 0) - 1];
        struct pg_known k = pg_known_of(r, i, 2, 7);
        bool made;
        struct pg_entry *e = pg_map_put(into, &(struct pg_key){ asked->station.v, asked->factor, kind, asked->at.ms }, NULL, &made);
        k.packet = pg_int(r, i, 1);
        k.at = asked->at.ms;
        if (made || k.packet > e->known.packet) /* corrected and not moved yet: the later one counts */
            e->known = k;
    }
    PQclear(r);
    return rc;
}
