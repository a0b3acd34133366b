/* take_files.c - from the tables of SQLite into the store of files.
 *
 * First what has ids, in their order; then readings, month by month as they once came, so that each seal makes few segments; the newest
 * value of each series last, with the time when it was received. Where an earlier run came to is seen in the store itself. */
#include "tele/take_files.h"

#include "tele/store_sql.h"

#include <stdlib.h>

enum { ROWS = 5000, BYTES = 4 << 20 };

struct channel {
    struct lf_tele_reading last;
    lf_ms received, first, done; /* done: of the newest that is in the files */
};
struct taking {
    struct lf_ctx cx;
    const struct lf_tele_take_config *c;
    struct lf_arena row; /* texts of the rows that wait */
    struct lf_tele_rows r;
    size_t most, waiting, bytes;
    int64_t taken;
    struct channel *channel;
    size_t nchannel, cap;
};

static lf_rc flush(struct taking *k)
{
    lf_rc rc;
    if (!k->waiting)
        return LF_OK;
    while ((rc = lf_tele_log_take(k->c->to, &k->r, &k->cx.err)) == LF_EBUSY && !(rc = lf_tele_log_work(k->c->to, &k->cx.err)))
        ;
    k->taken += (int64_t)k->waiting;
    k->r.npacket = k->r.nreject = k->r.ncorrection = k->r.nreading = k->waiting = k->bytes = 0;
    lf_arena_reset(&k->row);
    if (!rc && k->c->told)
        k->c->told(k->c->user, k->taken);
    return rc;
}

/* One more row waits, of so many bytes. */
static lf_rc more(struct taking *k, size_t bytes)
{
    k->waiting++;
    k->bytes += bytes;
    return k->waiting >= k->most || k->bytes >= BYTES ? flush(k) : LF_OK;
}

/* Runs a query and gives each row to `row`. */
static lf_rc each(struct taking *k, const char *sql, const struct lf_val *args, int n, lf_rc (*row)(struct taking *, struct lf_cur *))
{
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(&k->cx, sql, args, n, LF_SQL_STREAM, &cur);
    if (rc)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW)
        if ((rc = row(k, &cur)))
            break;
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* ---- what has ids ------------------------------------------------------------------------------------------------- */

static lf_rc packet(struct taking *k, struct lf_cur *cur)
{
    struct lf_arena *a = &k->row;
    struct lf_tele_packet *p = &k->r.packet[k->r.npacket];
    k->r.packet_id[k->r.npacket++] = sql_int(cur, 0);
    *p = (struct lf_tele_packet){ .station = { sql_int(cur, 1) }, .received = { sql_int(cur, 2) }, .at = { sql_int(cur, 3) } };
    p->pnum = (int)sql_int(cur, 4), p->pno = (int)sql_int(cur, 5), p->n = (size_t)sql_int(cur, 6);
    p->qn = sql_text(cur, 7, a, LF_T_TEXT), p->st = sql_text(cur, 8, a, LF_T_TEXT), p->cn = sql_text(cur, 9, a, LF_T_TEXT);
    p->peer = sql_text(cur, 10, a, LF_T_TEXT), p->note = sql_text(cur, 11, a, LF_T_TEXT), p->raw = sql_text(cur, 12, a, LF_T_BLOB);
    k->r.heard = p->received;
    return more(k, p->raw.n);
}

static enum lf_tele_why why_of(lf_text name)
{
    int w = 0;
    while (w < LF_TELE_WHY_COUNT && !lf_text_is(name, lf_tele_why_name((enum lf_tele_why)w)))
        w++;
    return (enum lf_tele_why)w;
}

static lf_rc reject(struct taking *k, struct lf_cur *cur, bool quarantine)
{
    struct lf_arena *a = &k->row;
    struct lf_tele_reject *r = &k->r.reject[k->r.nreject];
    k->r.reject_id[k->r.nreject++] = sql_int(cur, 0);
    *r = (struct lf_tele_reject){ .station = { sql_int(cur, 1) }, .received = { sql_int(cur, 2) }, .quarantine = quarantine };
    r->why = why_of(sql_text(cur, 3, a, LF_T_TEXT)), r->detail = sql_text(cur, 4, a, LF_T_TEXT), r->mn = sql_text(cur, 5, a, LF_T_TEXT);
    r->cn = sql_text(cur, 6, a, LF_T_TEXT), r->peer = sql_text(cur, 7, a, LF_T_TEXT), r->size = (uint32_t)sql_int(cur, 8);
    r->raw = sql_text(cur, 9, a, LF_T_BLOB);
    k->r.heard = r->received;
    return more(k, r->raw.n);
}

static lf_rc refused(struct taking *k, struct lf_cur *cur) { return reject(k, cur, false); }
static lf_rc quarantined(struct taking *k, struct lf_cur *cur) { return reject(k, cur, true); }

static lf_rc correction(struct taking *k, struct lf_cur *cur)
{
    struct lf_tele_correction *c = &k->r.correction[k->r.ncorrection];
    *c = (struct lf_tele_correction){ sql_reading(cur, &k->row), { sql_int(cur, 10) }, { sql_int(cur, 11) } };
    k->r.correction_id[k->r.ncorrection++] = sql_int(cur, 12);
    k->r.heard = c->replaced;
    return more(k, sizeof *c);
}

#define REJECT "id, station_id, received, reason, detail, mn, cn, peer, size, raw"
#define FROM_ID " WHERE id >= $1 ORDER BY id"
#define PART "(SELECT max(pnum) FROM packet_part q WHERE q.station_id = p.station_id AND q.cn = p.cn AND q.at = p.at AND q.pno = p.pno"
static const struct {
    const char *sql;
    lf_rc (*row)(struct taking *, struct lf_cur *);
} tables[RECORD_CLASSES] = {
    { "SELECT id, station_id, received, at, CASE WHEN pno = 0 THEN 0 ELSE coalesce(" PART " AND q.packet_id = p.id), " PART
      "), 0) END, pno, readings, qn, st, cn, peer, note, raw FROM packet p" FROM_ID,
      packet },
    { "SELECT " REJECT " FROM refused" FROM_ID, refused },
    { "SELECT " REJECT " FROM quarantine" FROM_ID, quarantined },
    { "SELECT " SQL_READING ", replaced, by_packet, id FROM reading_was" FROM_ID, correction },
};

static lf_rc take_records(struct taking *k)
{
    int64_t next[RECORD_CLASSES];
    lf_rc rc = LF_OK;
    lf_tele_log_next_ids(k->c->to, next);
    for (int t = 0; t < RECORD_CLASSES && !rc; t++) {
        rc = each(k, tables[t].sql, &(struct lf_val){ .t = LF_T_INT, .i = next[t] }, 1, tables[t].row);
        if (!rc)
            rc = flush(k);
    }
    return rc;
}

/* ---- readings ------------------------------------------------------------------------------------------------------- */

static lf_rc channel(struct taking *k, struct lf_cur *cur)
{
    if (k->nchannel == k->cap)
        k->channel = lf_renew(k->channel, (k->cap = k->cap * 2 + 256) * sizeof *k->channel);
    struct channel *c = &k->channel[k->nchannel++];
    *c = (struct channel){ .last = sql_reading(cur, &k->cx.arena), .received = { sql_int(cur, 10) }, .done = { INT64_MIN } };
    lf_tele_log_newest(k->c->to, &c->last, &c->done);
    return LF_OK;
}

static lf_rc begins(struct taking *k, struct channel *c)
{
    const struct lf_val args[] = { LF_VAL(c->last.station), LF_VAL(c->last.factor), lf_val_str(lf_tele_kind_name(c->last.kind)) };
    struct lf_val first = { .t = LF_T_INT };
    struct lf_arena_mark mark = lf_arena_here(&k->cx.arena);
    lf_rc rc = lf_sql_one(&k->cx, "SELECT min(at) FROM reading WHERE station_id = $1 AND factor = $2 AND kind = $3", args, 3, &first, 1);
    lf_arena_back(&k->cx.arena, mark);
    c->first.ms = first.null ? c->last.at.ms : first.i;
    return rc;
}

static lf_rc reading(struct taking *k, struct lf_cur *cur)
{
    k->r.reading[k->r.nreading++] = sql_reading(cur, &k->row);
    return more(k, sizeof *k->r.reading);
}

static lf_rc take_month(struct taking *k, const struct channel *c, int32_t month)
{
    int64_t from = month_end(month - 1).ms, to = month_end(month).ms;
    from = c->done.ms >= from ? c->done.ms + 1 : from;
    to = c->last.at.ms < to ? c->last.at.ms : to; /* that one comes at the very end */
    if (from >= to || c->first.ms >= to)
        return LF_OK;
    const struct lf_val args[] = { LF_VAL(c->last.station),
                                   LF_VAL(c->last.factor),
                                   lf_val_str(lf_tele_kind_name(c->last.kind)),
                                   { .t = LF_T_INT, .i = from },
                                   { .t = LF_T_INT, .i = to } };
    struct lf_arena_mark mark = lf_arena_here(&k->cx.arena);
    k->r.heard = c->received;
    lf_rc rc = each(
        k, "SELECT " SQL_READING " FROM reading WHERE station_id = $1 AND factor = $2 AND kind = $3 AND at >= $4 AND at < $5 ORDER BY at",
        args, LF_COUNT(args), reading);
    lf_arena_back(&k->cx.arena, mark);
    return rc;
}

/* The value is what the reading says; the row of a channel outlives it. */
#define SAME "r.station_id = l.station_id AND r.factor = l.factor AND r.kind = l.kind AND r.at = l.at"
#define NEWEST \
    "SELECT r.station_id, r.factor, r.kind, r.at, r.value, r.vmin, r.vmax, r.cou, r.zs, r.flag, l.received FROM latest l JOIN reading r " \
    "ON " SAME " UNION ALL SELECT " SQL_READING ", received FROM latest l WHERE NOT EXISTS (SELECT 1 FROM reading r WHERE " SAME \
    ") ORDER BY 1, 2, 3"
static lf_rc take_readings(struct taking *k)
{
    int32_t first = INT32_MAX, last = 0;
    lf_rc rc = each(k, NEWEST, NULL, 0, channel);
    for (size_t i = 0; i < k->nchannel && !rc; i++) {
        rc = begins(k, &k->channel[i]);
        int32_t a = month_of(k->channel[i].first), b = month_of(k->channel[i].last.at);
        first = a < first ? a : first;
        last = b > last ? b : last;
    }
    for (int32_t m = first; m <= last && !rc; m++)
        for (size_t i = 0; i < k->nchannel && !rc; i++)
            rc = take_month(k, &k->channel[i], m);
    return rc ? rc : flush(k);
}

static int by_received(const void *a, const void *b)
{
    int64_t x = ((const struct channel *)a)->received.ms, y = ((const struct channel *)b)->received.ms;
    return x < y ? -1 : x > y;
}

static lf_rc take_newest(struct taking *k)
{
    lf_rc rc = LF_OK;
    if (k->nchannel)
        qsort(k->channel, k->nchannel, sizeof *k->channel, by_received);
    for (size_t i = 0; i < k->nchannel && !rc; i++) {
        const struct channel *c = &k->channel[i];
        if (c->done.ms >= c->last.at.ms)
            continue;
        if (k->waiting && k->r.heard.ms != c->received.ms)
            rc = flush(k);
        k->r.heard = c->received;
        k->r.reading[k->r.nreading++] = c->last;
        if (!rc)
            rc = more(k, sizeof c->last);
    }
    return rc ? rc : flush(k);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

static lf_rc count(struct taking *k, const char *table, int64_t *n)
{
    struct lf_val v = { .t = LF_T_INT };
    lf_rc rc = lf_sql_one(&k->cx, lf_printf(&k->cx.arena, "SELECT count(*) FROM %s", table), NULL, 0, &v, 1);
    *n = v.i;
    return rc;
}

/* Nothing is missing. There may be more: newest values of which the readings were too old to be kept. */
static lf_rc compare(struct taking *k)
{
    static const char *const names[] = { "packet", "refused", "quarantine", "reading_was" };
    struct lf_tele_log_stats s;
    int64_t want = 0, have = 0;
    lf_tele_log_stats(k->c->to, &s);
    lf_rc rc = count(k, "reading", &want);
    for (int kind = 0; kind < LF_TELE_KIND_COUNT; kind++)
        have += s.cls[kind].entries;
    for (size_t t = 0; t < LF_COUNT(names) && !rc && have >= want; t++) {
        rc = count(k, names[t], &want);
        have = s.cls[CLASS_RECORDS + t].entries;
    }
    if (!rc && have < want)
        rc = lf_fail(&k->cx, LF_EBUG, NULL, "of %lld rows only %lld are in the files", (long long)want, (long long)have);
    return rc;
}

static lf_rc take_all(struct taking *k)
{
    lf_rc rc = take_records(k);
    if (!rc)
        rc = take_readings(k);
    if (!rc)
        rc = take_newest(k);
    if (!rc)
        rc = lf_tele_log_work(k->c->to, &k->cx.err);
    return rc ? rc : compare(k);
}

static void make_room(struct taking *k)
{
    struct lf_arena *a = &k->cx.arena;
    k->r.packet = lf_alloc(a, k->most * sizeof *k->r.packet);
    k->r.packet_id = lf_alloc(a, k->most * sizeof *k->r.packet_id);
    k->r.reject = lf_alloc(a, k->most * sizeof *k->r.reject);
    k->r.reject_id = lf_alloc(a, k->most * sizeof *k->r.reject_id);
    k->r.correction = lf_alloc(a, k->most * sizeof *k->r.correction);
    k->r.correction_id = lf_alloc(a, k->most * sizeof *k->r.correction_id);
    k->r.reading = lf_alloc(a, k->most * sizeof *k->r.reading);
}

lf_rc lf_tele_take_files(const struct lf_tele_take_config *c, struct lf_err *err)
{
    struct taking k = { .cx = { .db = c->from }, .c = c, .most = c->rows ? c->rows : ROWS };
    make_room(&k);
    lf_rc rc = lf_tx_begin(&k.cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(&k.cx, take_all(&k));
    if (rc)
        *err = k.cx.err;
    lf_release(k.channel);
    lf_arena_free(&k.row);
    lf_arena_free(&k.cx.arena);
    return rc;
}

lf_rc lf_tele_take_stamp(struct lf_db *from, int64_t *stamp, struct lf_err *err)
{
    struct lf_ctx cx = { .db = from };
    struct lf_val v = { .t = LF_T_INT };
    lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
    if (!rc)
        rc = lf_tx_end(&cx, lf_sql_one(&cx, "SELECT coalesce(max(id), 0) FROM packet", NULL, 0, &v, 1));
    *stamp = v.i;
    if (rc)
        *err = cx.err;
    lf_arena_free(&cx.arena);
    return rc;
}
