/* store_sql_read.c - what the station pages ask for. */
#include "tele/store_sql.h"

int64_t sql_int(struct lf_cur *cur, int col)
{
    struct lf_val v = { .t = LF_T_INT };
    lf_cur_get(cur, col, &v);
    return v.null ? 0 : v.i;
}

static double sql_real(struct lf_cur *cur, int col)
{
    struct lf_val v = { .t = LF_T_REAL };
    lf_cur_get(cur, col, &v);
    return v.null ? NAN : v.d;
}

lf_text sql_text(struct lf_cur *cur, int col, struct lf_arena *a, enum lf_type t)
{
    struct lf_val v = { .t = t };
    lf_cur_get(cur, col, &v);
    return v.null ? (lf_text){ NULL, 0 } : lf_text_copy(a, v.s);
}

struct lf_tele_reading sql_reading(struct lf_cur *cur, struct lf_arena *a)
{
    struct lf_tele_reading r = { .station = { sql_int(cur, 0) }, .factor = sql_text(cur, 1, a, LF_T_TEXT), .at = { sql_int(cur, 3) } };
    lf_tele_kind_parse(sql_text(cur, 2, a, LF_T_TEXT), &r.kind);
    r.value = sql_real(cur, 4), r.vmin = sql_real(cur, 5), r.vmax = sql_real(cur, 6), r.cou = sql_real(cur, 7), r.zs = sql_real(cur, 8);
    r.flag = sql_text(cur, 9, a, LF_T_TEXT);
    return r;
}

/* Runs a query in a transaction of its own and gives each row to `row`, until that says false. */
static lf_rc each_while(struct lf_tele_store *s, const char *sql, const struct lf_val *args, int n, unsigned flags,
                        bool (*row)(struct lf_cur *, void *), void *user, struct lf_err *err)
{
    struct lf_ctx cx = { .db = ((struct sql_store *)s)->db };
    struct lf_cur cur;
    lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
    if (rc >= 0) {
        rc = lf_sql_open(&cx, sql, args, n, flags, &cur);
        bool more = rc >= 0;
        while (more && (rc = lf_cur_next(&cur)) == LF_ROW)
            more = row(&cur, user);
        if (rc >= 0)
            lf_cur_close(&cur);
        rc = lf_tx_end(&cx, rc < 0 ? rc : LF_OK);
    }
    if (rc < 0)
        *err = cx.err;
    lf_arena_free(&cx.arena);
    return rc < 0 ? rc : LF_OK;
}

struct every {
    void (*row)(struct lf_cur *, void *);
    void *user;
};

static bool every_row(struct lf_cur *cur, void *user)
{
    const struct every *e = user;
    e->row(cur, e->user);
    return true;
}

static lf_rc each(struct lf_tele_store *s, const char *sql, const struct lf_val *args, int n, unsigned flags,
                  void (*row)(struct lf_cur *, void *), void *user, struct lf_err *err)
{
    struct every e = { row, user };
    return each_while(s, sql, args, n, flags, every_row, &e, err);
}

static void add_latest(struct lf_cur *cur, void *user)
{
    struct lf_list *l = user;
    *(struct lf_tele_latest *)lf_list_add(l) = (struct lf_tele_latest){ sql_reading(cur, l->a), { sql_int(cur, 10) } };
}

static lf_rc latest(struct lf_tele_store *s, struct lf_arena *a, lf_id station, struct lf_tele_latest **out, size_t *n, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    struct lf_val arg = LF_VAL(station);
    lf_rc rc = each(s, "SELECT " SQL_READING ", received FROM latest WHERE station_id = $1 ORDER BY factor, kind", &arg, 1, 0, add_latest,
                    &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

struct thinning {
    struct lf_arena *a;
    struct lf_tele_thin *thin;
    char flag[8][8]; /* flags are a letter; the few that occur are kept once */
    int nflag;
};

/* The same letter thousands of times is one text. */
static lf_text share_flag(struct thinning *t, struct lf_cur *cur)
{
    struct lf_val v = { .t = LF_T_TEXT };
    lf_cur_get(cur, 4, &v);
    if (v.null)
        return (lf_text){ NULL, 0 };
    for (int i = 0; i < t->nflag; i++)
        if (lf_text_is(v.s, t->flag[i]))
            return (lf_text){ t->flag[i], v.s.n };
    if (t->nflag == (int)LF_COUNT(t->flag) || v.s.n >= sizeof t->flag[0])
        return lf_text_copy(t->a, v.s);
    memcpy(t->flag[t->nflag], v.s.p, v.s.n);
    return (lf_text){ t->flag[t->nflag++], v.s.n };
}

static void add_point(struct lf_cur *cur, void *user)
{
    struct thinning *t = user;
    lf_tele_thin_add(
        t->thin, &(struct lf_tele_point){ { sql_int(cur, 0) }, sql_real(cur, 1), sql_real(cur, 2), sql_real(cur, 3), share_flag(t, cur) });
}

static lf_rc series(struct lf_tele_store *s, struct lf_arena *a, const struct lf_tele_series *q, struct lf_tele_point **out, size_t *n,
                    struct lf_err *err)
{
    struct thinning *t = lf_alloc(a, sizeof *t);
    const struct lf_val args[] = { LF_VAL(q->station), LF_VAL(q->factor), lf_val_str(lf_tele_kind_name(q->kind)), LF_VAL(q->from),
                                   LF_VAL(q->to) };
    t->a = a;
    t->thin = lf_tele_thin_new(a, q->from, q->to, q->max_points ? q->max_points : 2000);
    lf_rc rc =
        each(s,
             "SELECT at, value, vmin, vmax, flag FROM reading WHERE station_id = $1 AND factor = $2 AND kind = $3 AND at >= $4 AND at < $5 "
             "ORDER BY at",
             args, LF_COUNT(args), LF_SQL_STREAM, add_point, t, err);
    *n = lf_tele_thin_end(t->thin, out);
    return rc;
}

struct scanning {
    const struct lf_tele_series *q;
    bool (*each)(void *, const struct lf_tele_reading *);
    void *user;
};

static bool scan_row(struct lf_cur *cur, void *user)
{
    const struct scanning *s = user;
    struct lf_val flag = { .t = LF_T_TEXT };
    lf_cur_get(cur, 6, &flag);
    struct lf_tele_reading r = { .station = s->q->station,
                                 .factor = s->q->factor,
                                 .kind = s->q->kind,
                                 .at = { sql_int(cur, 0) },
                                 .value = sql_real(cur, 1),
                                 .vmin = sql_real(cur, 2),
                                 .vmax = sql_real(cur, 3),
                                 .cou = sql_real(cur, 4),
                                 .zs = sql_real(cur, 5),
                                 .flag = flag.null ? (lf_text){ NULL, 0 } : flag.s };
    return s->each(s->user, &r);
}

static lf_rc scan(struct lf_tele_store *s, const struct lf_tele_series *q, bool (*one)(void *, const struct lf_tele_reading *), void *user,
                  struct lf_err *err)
{
    const struct lf_val args[] = { LF_VAL(q->station), LF_VAL(q->factor), lf_val_str(lf_tele_kind_name(q->kind)), LF_VAL(q->from),
                                   LF_VAL(q->to) };
    struct scanning sc = { q, one, user };
    return each_while(s,
                      "SELECT at, value, vmin, vmax, cou, zs, flag FROM reading "
                      "WHERE station_id = $1 AND factor = $2 AND kind = $3 AND at >= $4 AND at < $5 ORDER BY at",
                      args, LF_COUNT(args), LF_SQL_STREAM, scan_row, &sc, err);
}

#define PACKET "SELECT id, station_id, received, at, qn, cn, peer, note, raw, readings FROM packet "
static void add_packet(struct lf_cur *cur, void *user)
{
    struct lf_list *l = user;
    *(struct lf_tele_stored_packet *)lf_list_add(l) = (struct lf_tele_stored_packet){
        .id = { sql_int(cur, 0) },
        .station = { sql_int(cur, 1) },
        .received = { sql_int(cur, 2) },
        .at = { sql_int(cur, 3) },
        .qn = sql_text(cur, 4, l->a, LF_T_TEXT),
        .cn = sql_text(cur, 5, l->a, LF_T_TEXT),
        .peer = sql_text(cur, 6, l->a, LF_T_TEXT),
        .note = sql_text(cur, 7, l->a, LF_T_TEXT),
        .raw = sql_text(cur, 8, l->a, LF_T_BLOB),
        .readings = sql_int(cur, 9),
    };
}

static struct lf_val before_val(lf_id before) { return lf_val_int(lf_id_none(before) ? INT64_MAX : before.v); }

static lf_rc packets(struct lf_tele_store *s, struct lf_arena *a, lf_id station, lf_id before, int limit,
                     struct lf_tele_stored_packet **out, size_t *n, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct lf_val args[] = { before_val(before), lf_val_int(limit), LF_VAL(station) };
    bool all = lf_id_none(station);
    lf_rc rc = each(
        s, all ? PACKET "WHERE id < $1 ORDER BY id DESC LIMIT $2" : PACKET "WHERE id < $1 AND station_id = $3 ORDER BY id DESC LIMIT $2",
        args, all ? 2 : 3, 0, add_packet, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

static lf_rc packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out,
                           size_t *n, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct lf_val args[] = { lf_val_int(lf_id_none(after) ? 0 : after.v), lf_val_int(limit) };
    lf_rc rc = each(s, PACKET "WHERE id > $1 ORDER BY id LIMIT $2", args, 2, 0, add_packet, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

static lf_rc packet(struct lf_tele_store *s, struct lf_arena *a, lf_id id, struct lf_tele_stored_packet *out, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof *out };
    struct lf_val arg = LF_VAL(id);
    lf_rc rc = each(s, PACKET "WHERE id = $1", &arg, 1, 0, add_packet, &l, err);
    if (rc >= 0 && l.n == 0)
        return lf_err_set(err, LF_ENOTFOUND, NULL, "没有这个数据包 | There is no such packet");
    if (rc >= 0)
        *out = *(struct lf_tele_stored_packet *)l.p;
    return rc;
}

static void add_reject(struct lf_cur *cur, void *user)
{
    struct lf_list *l = user;
    *(struct lf_tele_stored_reject *)lf_list_add(l) = (struct lf_tele_stored_reject){
        .id = { sql_int(cur, 0) },
        .received = { sql_int(cur, 1) },
        .reason = sql_text(cur, 2, l->a, LF_T_TEXT),
        .mn = sql_text(cur, 3, l->a, LF_T_TEXT),
        .cn = sql_text(cur, 4, l->a, LF_T_TEXT),
        .peer = sql_text(cur, 5, l->a, LF_T_TEXT),
        .detail = sql_text(cur, 6, l->a, LF_T_TEXT),
        .raw = sql_text(cur, 7, l->a, LF_T_BLOB),
        .size = sql_int(cur, 8),
    };
}

static lf_rc rejects(struct lf_tele_store *s, struct lf_arena *a, bool quarantine, lf_id before, int limit,
                     struct lf_tele_stored_reject **out, size_t *n, struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct lf_val args[] = { before_val(before), lf_val_int(limit) };
    const char *sql =
        quarantine ? "SELECT id, received, reason, mn, cn, peer, detail, raw, size FROM quarantine WHERE id < $1 ORDER BY id DESC LIMIT $2"
                   : "SELECT id, received, reason, mn, cn, peer, detail, raw, size FROM refused WHERE id < $1 ORDER BY id DESC LIMIT $2";
    lf_rc rc = each(s, sql, args, 2, 0, add_reject, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

static void add_gap(struct lf_cur *cur, void *user)
{
    struct lf_list *l = user;
    *(struct lf_tele_gap *)lf_list_add(l) = (struct lf_tele_gap){
        { sql_int(cur, 0) }, sql_text(cur, 1, l->a, LF_T_TEXT), { sql_int(cur, 2) }, sql_int(cur, 3), sql_int(cur, 4)
    };
}

static lf_rc gaps(struct lf_tele_store *s, struct lf_arena *a, lf_id station, int limit, struct lf_tele_gap **out, size_t *n,
                  struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct lf_val args[] = { lf_val_int(limit), LF_VAL(station) };
    bool all = lf_id_none(station);
    lf_rc rc =
        each(s,
             all ? "SELECT station_id, cn, at, pnum, count(*) FROM packet_part GROUP BY station_id, cn, at, pnum HAVING count(*) < pnum "
                   "ORDER BY at DESC LIMIT $1"
                 : "SELECT station_id, cn, at, pnum, count(*) FROM packet_part WHERE station_id = $2 GROUP BY station_id, cn, at, pnum "
                   "HAVING count(*) < pnum ORDER BY at DESC LIMIT $1",
             args, all ? 1 : 2, 0, add_gap, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

static void add_correction(struct lf_cur *cur, void *user)
{
    struct lf_list *l = user;
    *(struct lf_tele_correction *)lf_list_add(l) =
        (struct lf_tele_correction){ sql_reading(cur, l->a), { sql_int(cur, 10) }, { sql_int(cur, 11) } };
}

static lf_rc corrections(struct lf_tele_store *s, struct lf_arena *a, lf_id station, int limit, struct lf_tele_correction **out, size_t *n,
                         struct lf_err *err)
{
    struct lf_list l = { .a = a, .size = sizeof **out };
    const struct lf_val args[] = { LF_VAL(station), lf_val_int(limit) };
    lf_rc rc = each(s, "SELECT " SQL_READING ", replaced, by_packet FROM reading_was WHERE station_id = $1 ORDER BY id DESC LIMIT $2", args,
                    2, 0, add_correction, &l, err);
    *out = l.p, *n = l.n;
    return rc;
}

const struct lf_tele_store_ops lf_tele_sql_ops = {
    .commit = lf_tele_sql_commit,
    .close = lf_tele_sql_close,
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
