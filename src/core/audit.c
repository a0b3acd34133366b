/* audit.c - the audit trail: a chain of entries without gaps, each hashed with the one before it under a key that is not in the
 * database. It shows an edit, an insertion, a deletion and a new order; a tail that was cut off shows against a head kept elsewhere. */
#include "core/audit.h"
#include "core/kernel.h"

#include <inttypes.h>
#include <sodium.h>

struct entry {
    int64_t id, at, actor, row;
    lf_text peer, topic, grid, verb, from, to, note, files, diff;
};

static void eat(crypto_generichash_state *st, lf_text t)
{
    int64_t n = t.p ? (int64_t)t.n : -1; /* null and "" differ */
    crypto_generichash_update(st, (const unsigned char *)&n, sizeof n);
    if (t.n)
        crypto_generichash_update(st, (const unsigned char *)t.p, t.n);
}

static void entry_hash(const struct lf_app *app, lf_text prev, const struct entry *e, char out[65])
{
    crypto_generichash_state st;
    unsigned char h[32];
    crypto_generichash_init(&st, app->key, sizeof app->key, sizeof h);
    eat(&st, prev);
    const int64_t num[] = { e->id, e->at, e->actor, e->row };
    crypto_generichash_update(&st, (const unsigned char *)num, sizeof num);
    const lf_text text[] = { e->peer, e->topic, e->grid, e->verb, e->from, e->to, e->note, e->files, e->diff };
    for (size_t i = 0; i < LF_COUNT(text); i++)
        eat(&st, text[i]);
    crypto_generichash_final(&st, h, sizeof h);
    sodium_bin2hex(out, 65, h, sizeof h);
}

static lf_rc store_end(struct lf_ctx *cx)
{
    const struct lf_val v[] = { lf_val_int(cx->chain.n), lf_val_str(cx->chain.hash) };
    return lf_sql_run(cx, "UPDATE audit_head SET n = $1, hash = $2 WHERE id = 1", v, LF_COUNT(v), NULL);
}

/* Locks the end of the chain until the transaction ends. */
static lf_rc read_end(struct lf_ctx *cx)
{
    if (cx->chain.store)
        return LF_OK;
    struct lf_val v[] = { { .t = LF_T_INT }, { .t = LF_T_TEXT } };
    lf_rc rc = lf_sql_one(cx, lf_printf(&cx->arena, "SELECT n, hash FROM audit_head WHERE id = 1%s", lf_sql_locking(cx)), NULL, 0, v, 2);
    if (rc == LF_ENOTFOUND || (!rc && v[1].s.n >= sizeof cx->chain.hash))
        return lf_fail(cx, LF_EDB, NULL, "the audit head is missing\nHINT: restore the database from a backup");
    if (rc)
        return rc;
    cx->chain = (struct lf_chain_end){ .store = store_end, .n = v[0].i };
    memcpy(cx->chain.hash, v[1].s.p, v[1].s.n);
    return LF_OK;
}

lf_rc lf_audit_append(struct lf_ctx *cx, const struct lf_audit *a)
{
    lf_rc rc = read_end(cx);
    if (rc)
        return rc;
    struct entry e = { .id = cx->chain.n + 1,
                       .at = lf_now().ms,
                       .actor = cx->actor.v,
                       .row = a->row.v,
                       .peer = cx->peer.p ? cx->peer : LF_TEXT(""),
                       .topic = lf_str(a->topic),
                       .grid = a->grid_code.p ? a->grid_code : LF_TEXT(""),
                       .verb = lf_str(a->verb),
                       .from = lf_str(a->from),
                       .to = lf_str(a->to),
                       .note = a->note,
                       .files = a->files,
                       .diff = a->diff };
    char hash[65];
    entry_hash(cx->app, lf_str(cx->chain.hash), &e, hash);
    const struct lf_val v[] = { lf_val_int(e.id),    lf_val_int(e.at),     lf_val_int(e.actor), lf_val_text(e.peer), lf_val_text(e.topic),
                                lf_val_int(e.row),   lf_val_text(e.grid),  lf_val_text(e.verb), lf_val_text(e.from), lf_val_text(e.to),
                                lf_val_text(e.note), lf_val_text(e.files), lf_val_text(e.diff), lf_val_str(hash) };
    rc =
        lf_sql_run(cx,
                   "INSERT INTO audit (id, at, actor, peer, topic, row_id, grid_code, verb, from_state, to_state, note, files, diff, hash) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                   v, LF_COUNT(v), NULL);
    if (rc)
        return rc;
    cx->chain.n = e.id;
    memcpy(cx->chain.hash, hash, sizeof hash);
    return LF_OK;
}

static lf_text text_of(struct lf_cur *cur, int col)
{
    struct lf_val v = { .t = LF_T_TEXT };
    lf_cur_get(cur, col, &v);
    return v.null ? (lf_text){ 0 } : v.s;
}

static int64_t int_of(struct lf_cur *cur, int col)
{
    struct lf_val v = { .t = LF_T_INT };
    lf_cur_get(cur, col, &v);
    return v.i;
}

static struct entry entry_of(struct lf_cur *cur)
{
    return (struct entry){ .id = int_of(cur, 0),
                           .at = int_of(cur, 1),
                           .actor = int_of(cur, 2),
                           .row = int_of(cur, 3),
                           .peer = text_of(cur, 4),
                           .topic = text_of(cur, 5),
                           .grid = text_of(cur, 6),
                           .verb = text_of(cur, 7),
                           .from = text_of(cur, 8),
                           .to = text_of(cur, 9),
                           .note = text_of(cur, 10),
                           .files = text_of(cur, 11),
                           .diff = text_of(cur, 12) };
}

lf_rc lf_audit_walk(struct lf_ctx *cx, struct lf_audit_walk *w, int64_t upto, int64_t most)
{
    /* From the very first: an entry before number 1 does not fit either. */
    const struct lf_val arg[] = { lf_val_int(w->n ? w->n : -INT64_MAX), lf_val_int(upto), lf_val_int(most) };
    struct lf_cur cur;
    lf_rc rc =
        lf_sql_open(cx,
                    "SELECT id, at, actor, row_id, peer, topic, grid_code, verb, from_state, to_state, note, files, diff, hash FROM audit "
                    "WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
                    arg, LF_COUNT(arg), LF_SQL_STREAM, &cur);
    if (rc)
        return rc;
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    while (!w->bad.v && (rc = lf_cur_next(&cur)) == LF_ROW) {
        const struct entry e = entry_of(&cur);
        char want[65];
        entry_hash(cx->app, lf_str(w->hash), &e, want);
        if (e.id == w->n + 1 && lf_text_is(text_of(&cur, 13), want)) {
            w->n = e.id;
            memcpy(w->hash, want, sizeof want);
            if (w->find && !w->found && !strcmp(want, w->find))
                w->found = e.id;
        } else {
            w->bad = (lf_id){ e.id ? e.id : w->n + 1 };
        }
        lf_arena_back(&cx->arena, mark);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc lf_audit_verify(struct lf_ctx *cx, const char *expect_head, int64_t *n, lf_id *bad, char head[65])
{
    struct lf_val end[] = { { .t = LF_T_INT }, { .t = LF_T_TEXT } };
    struct lf_audit_walk w = { .find = expect_head && *expect_head ? expect_head : NULL };
    lf_rc rc = lf_sql_one(cx, "SELECT n, hash FROM audit_head WHERE id = 1", NULL, 0, end, 2);
    if (!rc)
        rc = lf_audit_walk(cx, &w, INT64_MAX, INT64_MAX);
    if (rc)
        return rc;
    *n = w.n;
    *bad = w.bad;
    memcpy(head, w.hash, sizeof w.hash);
    if (!bad->v && (w.n != end[0].i || !lf_text_is(end[1].s, w.hash) || (w.find && !w.found)))
        *bad = (lf_id){ w.n + 1 };
    return LF_OK;
}
