/* store_sql.c - a batch into SQL tables, in one transaction.
 *
 * The ordinary batch is a few multi-row inserts: packets, readings, latest, contact. Whether something was there already is
 * seen from the number of rows that went in, so looking costs nothing until there is something to look for. */
#include "tele/store_sql.h"

enum { KEEP_REJECTS = 200000, PURGE_EVERY = 256 };

struct work {
    struct lf_ctx cx;
    struct lf_tele_batch *b;
    int64_t *id; /* of packet i; 0 = not to be stored */
    lf_ms now;
};

static int64_t digest(lf_text t)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * 1099511628211u;
    return h >> 63 ? -(int64_t)(UINT64_MAX - h) - 1 : (int64_t)h;
}

/* Any int64_t, also the one that LF_VAL would take for null. */
static struct lf_val val_int(int64_t v) { return (struct lf_val){ .t = LF_T_INT, .i = v }; }

/* ---- packets ------------------------------------------------------------------------------ */

static lf_rc put_packets(struct work *w, int64_t *first)
{
    static const char *const cols[] = { "id",  "station_id", "received", "at",   "qn",       "st", "cn",
                                        "pno", "digest",     "peer",     "note", "readings", "raw" };
    struct lf_val max = { .t = LF_T_INT }, *v = lf_alloc(&w->cx.arena, w->b->npacket * sizeof *v * LF_COUNT(cols)), *at = v;
    lf_rc rc = lf_sql_one(&w->cx, "SELECT coalesce(max(id), 0) FROM packet", NULL, 0, &max, 1);
    int64_t inserted = 0, next = max.i + 1;
    if (rc < 0)
        return rc;
    *first = next;
    for (size_t i = 0; i < w->b->npacket; i++) {
        struct lf_tele_packet *p = &w->b->packet[i];
        p->duplicate = false;
        if (p->failed)
            continue;
        w->id[i] = next++;
        const struct lf_val row[] = { val_int(w->id[i]),       LF_VAL(p->station), LF_VAL(p->received), LF_VAL(p->at),
                                      LF_VAL(p->qn),           LF_VAL(p->st),      LF_VAL(p->cn),       val_int(p->pno),
                                      val_int(digest(p->raw)), LF_VAL(p->peer),    LF_VAL(p->note),     val_int((int64_t)p->n),
                                      lf_val_blob(p->raw) };
        at = memcpy(at, row, sizeof row);
        at += LF_COUNT(row);
    }
    size_t n = (size_t)(next - *first);
    if (!n)
        return LF_OK;
    /* Only this key makes a duplicate; a clash of ids (a second writer) must fail, or a packet would be lost. */
    rc = lf_sql_bulk(&w->cx, "packet", cols, LF_COUNT(cols), v, n, "ON CONFLICT (station_id, at, cn, qn, pno, digest) DO NOTHING",
                     &inserted);
    return rc < 0 ? rc : (size_t)inserted == n ? LF_OK : LF_DONE;
}

/* Some were there already: those whose id did not go in. */
static lf_rc mark_duplicates(struct work *w, int64_t first)
{
    struct lf_val arg = val_int(first), id = { .t = LF_T_INT };
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(&w->cx, "SELECT id FROM packet WHERE id >= $1 ORDER BY id", &arg, 1, 0, &cur);
    size_t i = 0;
    if (rc < 0)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        lf_cur_get(&cur, 0, &id);
        for (; i < w->b->npacket && w->id[i] != id.i; i++)
            w->b->packet[i].duplicate = w->id[i] != 0;
        i++;
    }
    lf_cur_close(&cur);
    for (; rc >= 0 && i < w->b->npacket; i++)
        w->b->packet[i].duplicate = w->id[i] != 0;
    return rc < 0 ? rc : LF_OK;
}

/* ---- readings ------------------------------------------------------------------------------- */

struct line {
    struct lf_tele_reading *r;
    int64_t packet;
};
struct lines {
    struct line *p;
    size_t n;
};

/* A set of lines by key, to see each key once. */
struct seen {
    struct line **slot;
    size_t mask;
};

static struct seen seen_new(struct lf_arena *a, size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return (struct seen){ lf_alloc(a, slots * sizeof(struct line *)), slots - 1 };
}

static bool same_key(const struct lf_tele_reading *a, const struct lf_tele_reading *b, bool with_time)
{
    return a->station.v == b->station.v && a->kind == b->kind && (!with_time || a->at.ms == b->at.ms) && lf_text_eq(a->factor, b->factor);
}

/* The slot where the key is, or would be. */
static struct line **seen_slot(const struct seen *s, const struct lf_tele_reading *r, bool with_time)
{
    uint64_t h = (uint64_t)r->station.v * 0x9e3779b97f4a7c15u + (uint64_t)r->kind;
    for (uint32_t i = 0; i < r->factor.n; i++)
        h = (h ^ (unsigned char)r->factor.p[i]) * 1099511628211u;
    h = (h ^ (with_time ? (uint64_t)r->at.ms : 0)) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 20) & s->mask;
    while (s->slot[at] && !same_key(s->slot[at]->r, r, with_time))
        at = (at + 1) & s->mask;
    return &s->slot[at];
}

static struct lines fresh_lines(struct work *w)
{
    struct lines all = { lf_alloc(&w->cx.arena, w->b->nreading * sizeof *all.p + 1), 0 };
    for (size_t i = 0; i < w->b->npacket; i++) {
        const struct lf_tele_packet *p = &w->b->packet[i];
        for (size_t r = p->first; r < p->first + p->n; r++) {
            w->b->reading[r].fresh = false;
            w->b->reading[r].packet = w->id[i];
            w->b->reading[r].received = p->received;
            if (w->id[i] && !p->duplicate)
                all.p[all.n++] = (struct line){ &w->b->reading[r], w->id[i] };
        }
    }
    return all;
}

#define VALUES_OF(x) x "value, " x "vmin, " x "vmax, " x "cou, " x "zs, " x "flag"
static const char *const reading_cols[] = { "station_id", "factor", "kind", "at",   "value",     "vmin",
                                            "vmax",       "cou",    "zs",   "flag", "packet_id", NULL };
enum { READING_COLS = 11 };

static void line_vals(const struct line *l, struct lf_val v[READING_COLS])
{
    const struct lf_tele_reading *r = l->r;
    const struct lf_val row[READING_COLS] = { LF_VAL(r->station), LF_VAL(r->factor), lf_val_str(lf_tele_kind_name(r->kind)),
                                              LF_VAL(r->at),      LF_VAL(r->value),  LF_VAL(r->vmin),
                                              LF_VAL(r->vmax),    LF_VAL(r->cou),    LF_VAL(r->zs),
                                              LF_VAL(r->flag),    val_int(l->packet) };
    memcpy(v, row, sizeof row);
}

#define SAME_KEY " r.station_id = i.station_id AND r.factor = i.factor AND r.kind = i.kind AND r.at = i.at "
#define DIFFERS \
    " r.packet_id <> i.packet_id AND (r.value IS DISTINCT FROM i.value OR r.vmin IS DISTINCT FROM i.vmin OR r.vmax IS DISTINCT FROM " \
    "i.vmax" \
    " OR r.cou IS DISTINCT FROM i.cou OR r.zs IS DISTINCT FROM i.zs OR r.flag IS DISTINCT FROM i.flag) "

static lf_rc stage(struct work *w, const struct lines *l)
{
    static const char *const cols[] = { "seq",  "station_id", "factor", "kind", "at",   "value",
                                        "vmin", "vmax",       "cou",    "zs",   "flag", "packet_id" };
    struct lf_val *v = lf_alloc(&w->cx.arena, l->n * (READING_COLS + 1) * sizeof *v), *at = v;
    for (size_t i = 0; i < l->n; i++, at += READING_COLS + 1) {
        at[0] = val_int((int64_t)i);
        line_vals(&l->p[i], at + 1);
    }
    return lf_sql_bulk(&w->cx, "incoming", cols, LF_COUNT(cols), v, l->n, NULL, NULL);
}

static lf_rc mark_fresh(struct work *w, const struct lines *l)
{
    struct lf_val seq = { .t = LF_T_INT };
    struct lf_cur cur;
    lf_rc rc =
        lf_sql_open(&w->cx, "SELECT i.seq FROM incoming i JOIN reading r ON" SAME_KEY "WHERE r.packet_id = i.packet_id", NULL, 0, 0, &cur);
    if (rc < 0)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        lf_cur_get(&cur, 0, &seq);
        l->p[seq.i].r->fresh = true;
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* Some keys were there: another value goes to reading_was and makes way, the same value stays. */
static lf_rc correct(struct work *w, const struct lines *l)
{
    struct lf_val now = LF_VAL(w->now);
    int64_t changed = 0;
    lf_rc rc = stage(w, l);
    if (rc >= 0)
        rc = lf_sql_run(&w->cx,
                        "INSERT INTO reading_was (station_id, factor, kind, at, " VALUES_OF(
                            "") ", packet_id, replaced, by_packet) "
                                "SELECT r.station_id, r.factor, r.kind, r.at, " VALUES_OF(
                                    "r.") ", r.packet_id, CAST($1 AS BIGINT), i.packet_id "
                                          "FROM incoming i JOIN reading r ON" SAME_KEY "WHERE" DIFFERS,
                        &now, 1, NULL);
    if (rc >= 0)
        rc = lf_sql_run(&w->cx,
                        "UPDATE reading AS r SET value = i.value, vmin = i.vmin, vmax = i.vmax, cou = i.cou, zs = i.zs, flag = i.flag, "
                        "packet_id = i.packet_id FROM incoming AS i WHERE" SAME_KEY "AND" DIFFERS,
                        NULL, 0, &changed);
    w->b->corrected += (size_t)changed;
    if (rc >= 0)
        rc = mark_fresh(w, l);
    return rc < 0 ? rc : lf_sql_run(&w->cx, "DELETE FROM incoming", NULL, 0, NULL);
}

/* Lines with keys that differ from each other. */
static lf_rc put_distinct(struct work *w, const struct lines *l)
{
    struct lf_val *v = lf_alloc(&w->cx.arena, l->n * READING_COLS * sizeof *v);
    int64_t inserted = 0;
    for (size_t i = 0; i < l->n; i++)
        line_vals(&l->p[i], v + i * READING_COLS);
    lf_rc rc = lf_sql_bulk(&w->cx, "reading", reading_cols, READING_COLS, v, l->n, "ON CONFLICT (station_id, factor, kind, at) DO NOTHING",
                           &inserted);
    if (rc < 0)
        return rc;
    if ((size_t)inserted != l->n)
        return correct(w, l);
    for (size_t i = 0; i < l->n; i++)
        l->p[i].r->fresh = true;
    return LF_OK;
}

/* A key that comes twice in one batch (sent again with another number, or corrected at once) goes in one after the other,
 * in rounds; there is one round nearly always. */
static lf_rc put_readings(struct work *w, struct lines all)
{
    lf_rc rc = LF_OK;
    while (all.n && rc >= 0) {
        struct seen seen = seen_new(&w->cx.arena, all.n);
        struct lines once = { lf_alloc(&w->cx.arena, all.n * sizeof *once.p), 0 },
                     later = { lf_alloc(&w->cx.arena, all.n * sizeof *later.p), 0 };
        for (size_t i = 0; i < all.n; i++) {
            struct line **slot = seen_slot(&seen, all.p[i].r, true);
            if (*slot) {
                later.p[later.n++] = all.p[i];
                continue;
            }
            once.p[once.n] = all.p[i];
            *slot = &once.p[once.n++];
        }
        rc = put_distinct(w, &once);
        all = later;
    }
    return rc;
}

/* One row a channel: the newest of the batch; of equal times the later packet. */
static lf_rc put_latest(struct work *w, struct lines all)
{
    static const char *const cols[] = { "station_id", "factor", "kind", "at",   "value",     "vmin",
                                        "vmax",       "cou",    "zs",   "flag", "packet_id", "received" };
    struct seen seen = seen_new(&w->cx.arena, all.n);
    struct lf_val *v = lf_alloc(&w->cx.arena, all.n * LF_COUNT(cols) * sizeof *v), *at = v;
    for (size_t i = 0; i < all.n; i++) {
        struct line **slot = seen_slot(&seen, all.p[i].r, false);
        if (all.p[i].r->fresh && (!*slot || (*slot)->r->at.ms <= all.p[i].r->at.ms))
            *slot = &all.p[i];
    }
    for (size_t i = 0; i <= seen.mask; i++)
        if (seen.slot[i]) {
            line_vals(seen.slot[i], at);
            at[READING_COLS] = LF_VAL(w->now);
            at += LF_COUNT(cols);
        }
    size_t n = (size_t)(at - v) / LF_COUNT(cols);
    if (!n)
        return LF_OK;
    return lf_sql_bulk(
        &w->cx, "latest", cols, LF_COUNT(cols), v, n,
        "ON CONFLICT (station_id, factor, kind) DO UPDATE SET at = excluded.at, value = excluded.value, vmin = excluded.vmin, "
        "vmax = excluded.vmax, cou = excluded.cou, zs = excluded.zs, flag = excluded.flag, packet_id = excluded.packet_id, "
        "received = excluded.received WHERE excluded.at >= latest.at",
        NULL);
}

/* ---- beside the readings ------------------------------------------------------------------------ */

static lf_rc put_contact(struct work *w)
{
    static const char *const cols[] = { "station_id", "received", "cn", "peer" };
    struct lf_val *v = lf_alloc(&w->cx.arena, w->b->npacket * LF_COUNT(cols) * sizeof *v), *at = v;
    struct seen seen = seen_new(&w->cx.arena, w->b->npacket);
    struct lf_tele_reading *key = lf_alloc(&w->cx.arena, w->b->npacket * sizeof *key);
    struct line *line = lf_alloc(&w->cx.arena, w->b->npacket * sizeof *line);
    for (size_t i = w->b->npacket; i-- > 0;) { /* the last packet of a station counts */
        const struct lf_tele_packet *p = &w->b->packet[i];
        key[i].station = p->station;
        line[i].r = &key[i];
        struct line **slot = seen_slot(&seen, &key[i], false);
        if (p->failed || *slot)
            continue;
        *slot = &line[i];
        const struct lf_val row[] = { LF_VAL(p->station), LF_VAL(p->received), LF_VAL(p->cn), LF_VAL(p->peer) };
        memcpy(at, row, sizeof row);
        at += LF_COUNT(cols);
    }
    size_t n = (size_t)(at - v) / LF_COUNT(cols);
    if (!n)
        return LF_OK;
    return lf_sql_bulk(&w->cx, "contact", cols, LF_COUNT(cols), v, n,
                       "ON CONFLICT (station_id) DO UPDATE SET received = excluded.received, cn = excluded.cn, peer = excluded.peer", NULL);
}

static lf_rc put_parts(struct work *w)
{
    static const char *const cols[] = { "station_id", "cn", "at", "pnum", "pno", "packet_id" };
    struct lf_val *v = lf_alloc(&w->cx.arena, w->b->npacket * LF_COUNT(cols) * sizeof *v), *at = v;
    for (size_t i = 0; i < w->b->npacket; i++) {
        const struct lf_tele_packet *p = &w->b->packet[i];
        if (p->failed || p->duplicate || !p->pnum)
            continue;
        const struct lf_val row[] = {
            LF_VAL(p->station), LF_VAL(p->cn), LF_VAL(p->at), val_int(p->pnum), val_int(p->pno), val_int(w->id[i])
        };
        memcpy(at, row, sizeof row);
        at += LF_COUNT(cols);
    }
    size_t n = (size_t)(at - v) / LF_COUNT(cols);
    return n ? lf_sql_bulk(&w->cx, "packet_part", cols, LF_COUNT(cols), v, n, "ON CONFLICT (station_id, cn, at, pnum, pno) DO NOTHING",
                           NULL)
             : LF_OK;
}

static lf_rc put_rejects(struct work *w, bool quarantine)
{
    static const char *const cols[] = { "received", "reason", "detail", "station_id", "mn", "cn", "peer", "size", "raw" };
    struct lf_val *v = lf_alloc(&w->cx.arena, w->b->nreject * LF_COUNT(cols) * sizeof *v), *at = v;
    for (size_t i = 0; i < w->b->nreject; i++) {
        const struct lf_tele_reject *r = &w->b->reject[i];
        if (r->quarantine != quarantine)
            continue;
        const struct lf_val row[] = { LF_VAL(r->received), lf_val_str(lf_tele_why_name(r->why)),
                                      LF_VAL(r->detail),   LF_VAL(r->station),
                                      LF_VAL(r->mn),       LF_VAL(r->cn),
                                      LF_VAL(r->peer),     val_int(r->size),
                                      lf_val_blob(r->raw) };
        memcpy(at, row, sizeof row);
        at += LF_COUNT(cols);
    }
    size_t n = (size_t)(at - v) / LF_COUNT(cols);
    return n ? lf_sql_bulk(&w->cx, quarantine ? "quarantine" : "refused", cols, LF_COUNT(cols), v, n, NULL, NULL) : LF_OK;
}

static lf_rc purge(struct work *w)
{
    struct lf_val keep = val_int(KEEP_REJECTS);
    lf_rc rc = lf_sql_run(&w->cx, "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - $1", &keep, 1, NULL);
    return rc < 0 ? rc : lf_sql_run(&w->cx, "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - $1", &keep, 1, NULL);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static lf_rc put_all(struct work *w, bool purge_too)
{
    int64_t first = 0;
    lf_rc rc = put_packets(w, &first);
    if (rc == LF_DONE)
        rc = mark_duplicates(w, first);
    struct lines lines = fresh_lines(w);
    if (rc >= 0)
        rc = put_readings(w, lines);
    if (rc >= 0)
        rc = put_latest(w, lines);
    if (rc >= 0)
        rc = put_contact(w);
    if (rc >= 0)
        rc = put_parts(w);
    if (rc >= 0)
        rc = put_rejects(w, false);
    if (rc >= 0)
        rc = put_rejects(w, true);
    return rc >= 0 && purge_too ? purge(w) : rc;
}

lf_rc lf_tele_sql_commit(struct lf_tele_store *s, struct lf_tele_batch *b, struct lf_err *err)
{
    struct sql_store *store = (struct sql_store *)s;
    struct work w = { .cx = { .arena = store->arena, .db = store->db }, .b = b, .now = lf_now() };
    w.id = lf_alloc(&w.cx.arena, b->npacket * sizeof *w.id + 1);
    b->corrected = 0;
    lf_rc rc = lf_tx_begin(&w.cx, LF_TX_WRITE);
    if (rc >= 0)
        rc = lf_tx_end(&w.cx, put_all(&w, store->commits % PURGE_EVERY == PURGE_EVERY - 1));
    store->commits++;
    if (rc < 0)
        *err = w.cx.err;
    lf_arena_reset(&w.cx.arena);
    store->arena = w.cx.arena;
    return rc < 0 ? rc : LF_OK;
}

void lf_tele_sql_close(struct lf_tele_store *s)
{
    struct sql_store *store = (struct sql_store *)s;
    lf_arena_free(&store->arena);
    lf_release(store);
}

lf_rc lf_tele_sql_open(struct lf_tele_store **out, struct lf_db *db, struct lf_err *err)
{
    struct sql_store *s = lf_new(sizeof *s);
    s->base.ops = &lf_tele_sql_ops;
    s->db = db;
    struct lf_ctx cx = { .db = db };
    lf_rc rc = lf_tx_begin(&cx, LF_TX_READ);
    if (rc >= 0)
        rc = lf_tx_end(&cx, lf_sql_check(&cx, "SELECT seq FROM incoming"));
    if (rc < 0)
        *err = cx.err;
    lf_arena_free(&cx.arena);
    if (rc < 0)
        lf_tele_sql_close(&s->base);
    *out = rc < 0 ? NULL : &s->base;
    return rc < 0 ? rc : LF_OK;
}
