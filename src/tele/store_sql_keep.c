/* store_sql_keep.c - what is older than it is to be kept leaves the SQLite store, channel by channel and in slices, so that no commit waits. */
#include "tele/store_sql.h"

enum { SLICE = 2000, AT_ONCE = 200000 }; /* rows */

struct channel {
    lf_id station;
    lf_text factor, kind;
};
struct channels {
    struct channel *c;
    size_t n, cap;
};

static lf_rc list_channels(struct lf_ctx *cx, struct channels *out)
{
    struct lf_cur cur;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc)
        rc = lf_sql_open(cx, "SELECT station_id, factor, kind FROM latest ORDER BY station_id", NULL, 0, 0, &cur);
    while (!rc && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val id = { .t = LF_T_ID }, factor = { .t = LF_T_TEXT }, kind = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &id);
        lf_cur_get(&cur, 1, &factor);
        lf_cur_get(&cur, 2, &kind);
        if (out->n == out->cap)
            out->c = lf_renew(out->c, (out->cap = 2 * out->cap + 256) * sizeof *out->c);
        out->c[out->n++] = (struct channel){ { id.i }, lf_text_copy(&cx->arena, factor.s), lf_text_copy(&cx->arena, kind.s) };
        rc = LF_OK;
    }
    return lf_tx_end(cx, rc == LF_DONE ? LF_OK : rc);
}

/* The statement removes at most SLICE rows; it is run until there are no more, or enough for this time. */
static lf_rc in_slices(struct lf_ctx *cx, const char *sql, const struct lf_val *args, int n, int64_t *removed)
{
    int64_t changed = SLICE;
    lf_rc rc = LF_OK;
    while (!rc && changed == SLICE && *removed < AT_ONCE) {
        rc = lf_tx_begin(cx, LF_TX_WRITE);
        if (!rc)
            rc = lf_tx_end(cx, lf_sql_run(cx, sql, args, n, &changed));
        *removed += rc ? 0 : changed;
    }
    return rc;
}

static struct lf_val before(lf_ms now, int days) { return lf_val_int(now.ms - (int64_t)days * LF_DAY_MS); }

static lf_rc readings(struct lf_ctx *cx, const struct channel *c, const struct lf_tele_keep *keep, lf_ms now, int64_t *removed)
{
    enum lf_tele_kind kind;
    if (!lf_tele_kind_parse(c->kind, &kind) || !keep->days[kind])
        return LF_OK;
    const struct lf_val v[] = { LF_VAL(c->station), LF_VAL(c->factor), LF_VAL(c->kind), before(now, keep->days[kind]), lf_val_int(SLICE) };
    return in_slices(
        cx,
        "DELETE FROM reading WHERE rowid IN (SELECT rowid FROM reading WHERE station_id = $1 AND factor = $2 AND kind = $3 AND "
        "at < $4 LIMIT $5)",
        v, 5, removed);
}

static lf_rc packets(struct lf_ctx *cx, lf_id station, const struct lf_tele_keep *keep, lf_ms now, int64_t *removed)
{
    const struct lf_val v[] = { LF_VAL(station), before(now, keep->packets), lf_val_int(SLICE) };
    lf_rc rc = LF_OK;
    if (keep->packets)
        rc = in_slices(
            cx, "DELETE FROM packet WHERE id IN (SELECT id FROM packet WHERE station_id = $1 AND at < $2 AND received < $2 LIMIT $3)", v, 3,
            removed);
    if (!rc && keep->packets)
        rc = in_slices(cx,
                       "DELETE FROM packet_part WHERE rowid IN (SELECT rowid FROM packet_part WHERE station_id = $1 AND at < $2 LIMIT $3)",
                       v, 3, removed);
    const struct lf_val was[] = { LF_VAL(station), before(now, keep->corrections), lf_val_int(SLICE) };
    if (!rc && keep->corrections)
        rc = in_slices(cx,
                       "DELETE FROM reading_was WHERE id IN (SELECT id FROM reading_was WHERE station_id = $1 AND replaced < $2 LIMIT $3)",
                       was, 3, removed);
    return rc;
}

static lf_rc rejects(struct lf_ctx *cx, const struct lf_tele_keep *keep, lf_ms now, int64_t *removed)
{
    const struct lf_val r[] = { before(now, keep->refused), lf_val_int(SLICE) }, q[] = { before(now, keep->quarantine), lf_val_int(SLICE) };
    lf_rc rc = LF_OK;
    if (keep->refused)
        rc = in_slices(cx, "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE received < $1 LIMIT $2)", r, 2, removed);
    if (!rc && keep->quarantine)
        rc = in_slices(cx, "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE received < $1 LIMIT $2)", q, 2, removed);
    return rc;
}

lf_rc lf_tele_sql_keep(struct lf_tele_store *s, const struct lf_tele_keep *keep, int64_t *removed, struct lf_err *err)
{
    struct lf_ctx cx = { .db = ((struct sql_store *)s)->db };
    struct channels all = { 0 };
    lf_ms now = lf_now();
    *removed = 0;
    lf_rc rc = list_channels(&cx, &all);
    for (size_t i = 0; !rc && i < all.n; i++) {
        rc = readings(&cx, &all.c[i], keep, now, removed);
        if (!rc && (i == 0 || all.c[i].station.v != all.c[i - 1].station.v))
            rc = packets(&cx, all.c[i].station, keep, now, removed);
    }
    if (!rc)
        rc = rejects(&cx, keep, now, removed);
    if (rc)
        *err = cx.err;
    lf_release(all.c);
    lf_arena_free(&cx.arena);
    return rc;
}
