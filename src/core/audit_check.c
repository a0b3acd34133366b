/* audit_check.c - checks of the audit chain while the service runs: asked for by a person or once a day, walked in pieces by the job thread
 * so that neither a request nor the one writer waits for it, and kept: what a good check ended with must be in the chain for ever. */
#include "core/audit.h"

#include "base/log.h"
#include "core/account.h"

#include <inttypes.h>
#include <stdio.h>

#define CHECK_STATES(X) \
    X(CHECK_RUNNING, "running", "核对中", "Running") \
    X(CHECK_GOOD, "good", "完好", "Good") \
    X(CHECK_BROKEN, "broken", "不符", "Broken")
LF_ENUM(audit_check_state, CHECK_STATES);
LF_ENUM_DICT(audit_check_state, CHECK_STATES);

enum { PIECE = 5000, TURN_MS = 300 }; /* entries a transaction; how long one turn of the job may take */

struct audit_check {
    lf_id id;
    int64_t version;
    lf_ms created_at;
    lf_id created_by;
    enum audit_check_state state;
    int64_t upto; /* where the chain ended when the check was asked for */
    lf_text head;
    lf_text anchor;
    int64_t anchor_at;
    int64_t done;
    lf_text done_hash;
    int64_t bad;
    lf_text finding;
    lf_ms ended_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct audit_check, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "No.", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(created_at, "申请时间", "Asked for", .flags = LF_READONLY | LF_LIST | LF_FILTER),
    F(created_by, "申请人", "By", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(state, "结果", "Result", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &audit_check_state_dict),
    F(upto, "核对至第几条", "Up to entry", .flags = LF_READONLY | LF_LIST),
    F(head, "末条哈希", "Hash of that entry", .flags = LF_READONLY | LF_LIST),
    F(anchor, "另存的哈希", "Hash kept elsewhere", .flags = LF_ONCE, .max = 64,
      .help = "以前记在系统之外的末条哈希，应在链中找到 | a hash noted outside the system before, which has to be in the chain"),
    F(anchor_at, "另存的哈希是第几条", "Entry with that hash", .flags = LF_READONLY),
    F(done, "已核对", "Checked so far", .flags = LF_READONLY | LF_LIST),
    F(done_hash, "进度哈希", "Hash so far", .flags = LF_READONLY | LF_HIDDEN),
    F(bad, "首个不符", "First that does not fit", .flags = LF_READONLY | LF_LIST),
    F(finding, "结论", "Finding", .flags = LF_READONLY | LF_LIST | LF_BOTH | LF_TITLE),
    F(ended_at, "完成时间", "Finished", .flags = LF_READONLY | LF_LIST),
};
#undef F

static lf_rc anchor_check(struct lf_ctx *cx, lf_text s)
{
    bool ok = !s.n || s.n == 64;
    for (uint32_t i = 0; ok && i < s.n; i++)
        ok = strchr("0123456789abcdef", s.p[i]);
    return ok ? LF_OK
              : lf_fail(cx, LF_EINVAL, "anchor", "哈希应为 64 位小写十六进制数 | the hash must be 64 lower-case hexadecimal digits");
}

static lf_rc running(struct lf_ctx *cx, lf_id *id)
{
    struct lf_val v = { .t = LF_T_ID };
    lf_rc rc = lf_sql_one(cx, "SELECT id FROM audit_check WHERE state = 'running' ORDER BY id LIMIT 1", NULL, 0, &v, 1);
    *id = (lf_id){ rc ? 0 : v.i };
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

/* A new check begins with where the chain ends now. */
static lf_rc begin(struct lf_ctx *cx, struct lf_change *ch)
{
    struct audit_check *c = ch->row;
    struct lf_val end[] = { { .t = LF_T_INT }, { .t = LF_T_TEXT } };
    lf_id other;
    if (ch->was)
        return LF_OK;
    lf_rc rc = anchor_check(cx, c->anchor);
    if (!rc)
        rc = running(cx, &other);
    if (!rc && !lf_id_none(other))
        rc = lf_fail(cx, LF_ECONFLICT, NULL, "正在核对，请等它完成 | a check is running, wait for its end");
    if (!rc)
        rc = lf_sql_one(cx, "SELECT n, hash FROM audit_head WHERE id = 1", NULL, 0, end, 2);
    if (rc)
        return rc;
    c->upto = end[0].i;
    c->head = end[1].s;
    c->done = 0;
    c->done_hash = LF_TEXT("");
    c->finding = LF_TEXT("正在核对 | Being checked");
    return LF_OK;
}

const struct lf_res lf_audit_check_res = {
    .name = "audit_check",
    .zh = "审计链核对",
    .en = "Checks of the audit trail",
    .icon = "shield",
    .size = sizeof(struct audit_check),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .can = LF_CAN_CREATE,
    .unscoped = "there is one chain for the whole city",
    .check = begin,
};

/* ---- what a check finds --------------------------------------------------------------------------- */

#define SAY(cx, ...) lf_str(lf_printf(&(cx)->arena, __VA_ARGS__))

/* The end that the head tells and the end that is there, as they are now. */
static lf_rc ends_meet(struct lf_ctx *cx, struct audit_check *c)
{
    static const char sql[] = "SELECT h.n, h.hash, (SELECT max(id) FROM audit), (SELECT a.hash FROM audit a WHERE a.id = h.n) "
                              "FROM audit_head h WHERE h.id = 1";
    struct lf_val v[] = { { .t = LF_T_INT }, { .t = LF_T_TEXT }, { .t = LF_T_INT }, { .t = LF_T_TEXT } };
    lf_rc rc = lf_sql_one(cx, sql, NULL, 0, v, 4);
    int64_t last = v[2].null ? 0 : v[2].i;
    if (rc || (v[0].i == last && (!last || lf_text_eq(v[1].s, v[3].s))))
        return rc;
    c->bad = (last < v[0].i ? last : v[0].i) + 1;
    c->finding =
        SAY(cx, "链尾登记为 %" PRId64 " 条，实有 %" PRId64 " 条 | The chain is noted to have %" PRId64 " entries, there are %" PRId64,
            v[0].i, last, v[0].i, last);
    return LF_OK;
}

/* What earlier checks ended with is still there: a tail that was cut off, its head with it, shows here. */
static lf_rc earlier_ends(struct lf_ctx *cx, struct audit_check *c)
{
    static const char sql[] = "SELECT c.id, c.upto FROM audit_check c LEFT JOIN audit a ON a.id = c.upto AND a.hash = c.head "
                              "WHERE c.state = 'good' AND c.upto > 0 AND a.id IS NULL ORDER BY c.id LIMIT 1";
    struct lf_val v[] = { { .t = LF_T_INT }, { .t = LF_T_INT } };
    lf_rc rc = lf_sql_one(cx, sql, NULL, 0, v, 2);
    if (rc)
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    c->bad = v[1].i;
    c->finding = SAY(cx,
                     "第 %" PRId64 " 次核对时的末条（第 %" PRId64 " 条）已不在链中：链尾曾被截去 | Entry %" PRId64 ", where check %" PRId64
                     " ended, is not in the chain any more: its tail was cut off",
                     v[0].i, v[1].i, v[1].i, v[0].i);
    return LF_OK;
}

static lf_rc judge(struct lf_ctx *cx, struct audit_check *c, const struct lf_audit_walk *w)
{
    c->state = CHECK_BROKEN;
    if (w->bad.v) {
        c->bad = w->bad.v;
        c->finding = SAY(cx,
                         "从第 %" PRId64 " 条起接不上：有条目被改动、插入、删除或调换 | From entry %" PRId64
                         " on it does not fit: an entry was changed, put in, taken out or moved",
                         c->bad, c->bad);
    } else if (!lf_text_is(c->head, w->hash)) {
        c->bad = c->upto;
        c->finding = SAY(cx, "第 %" PRId64 " 条与申请核对时登记的不同 | Entry %" PRId64 " is another than when the check was asked for",
                         c->upto, c->upto);
    } else if (c->anchor.n && !w->found) {
        c->finding = LF_TEXT("链中没有另存的哈希：链尾可能被截去，或抄写有误 | The hash kept elsewhere is not in the chain: its tail may "
                             "have been cut off, or the hash was copied wrongly");
    } else {
        lf_rc rc = ends_meet(cx, c);
        if (!rc && c->bad == LF_NULL64)
            rc = earlier_ends(cx, c);
        if (rc || c->bad != LF_NULL64)
            return rc;
        c->state = CHECK_GOOD;
        c->finding = LF_TEXT("各条首尾相接，无一改动 | Every entry fits the one before it");
    }
    return LF_OK;
}

/* Tells everybody who may see checks, wherever he looks after: this concerns the whole. */
static lf_rc alert(struct lf_ctx *cx, const struct audit_check *c)
{
    lf_id who[64];
    int n = 0;
    struct lf_cur cur;
    lf_rc rc =
        lf_sql_open(cx, "SELECT a.id, r.rights FROM account a JOIN role r ON r.id = a.role_id WHERE a.disabled = FALSE ORDER BY a.id", NULL,
                    0, 0, &cur);
    if (rc)
        return rc;
    while (n < (int)LF_COUNT(who) && (rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val id = { .t = LF_T_ID }, rights = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &id);
        lf_cur_get(&cur, 1, &rights);
        if (lf_rights_have(rights.s, "audit_check.read"))
            who[n++] = (lf_id){ id.i };
    }
    lf_cur_close(&cur);
    const char *text =
        lf_printf(&cx->arena, "审计链核对不符：%s | The audit trail is broken: %s", lf_strn(&cx->arena, lf_lang_pick(c->finding, LF_ZH)),
                  lf_strn(&cx->arena, lf_lang_pick(c->finding, LF_EN)));
    for (int i = 0; rc >= 0 && i < n; i++)
        if ((rc = lf_notice(cx, who[i], &lf_audit_check_res, c->id, text)))
            return rc;
    return rc < 0 ? rc : LF_OK;
}

/* ---- the jobs ---------------------------------------------------------------------------------------- */

static lf_rc apply_end(void *user, struct lf_ctx *cx, void *row)
{
    const struct lf_audit_walk *w = user;
    struct audit_check *c = row;
    c->done = w->n;
    c->done_hash = lf_str(w->hash);
    c->anchor_at = w->found ? w->found : LF_NULL64;
    c->ended_at = lf_now();
    lf_rc rc = judge(cx, c, w);
    return rc || c->state == CHECK_GOOD ? rc : alert(cx, c);
}

static lf_rc finish(struct lf_ctx *cx, lf_id id, struct lf_audit_walk *w)
{
    struct lf_change ch = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc || (rc = lf_tx_end(cx, lf_res_edit(cx, &lf_audit_check_res, id, LF_NULL64, apply_end, w, &ch))))
        return rc;
    const struct audit_check *c = ch.row;
    if (c->state == CHECK_GOOD) /* the log goes elsewhere: it keeps the ends for whoever looks for a cut tail */
        lf_log(LF_INFO, "audit trail good: %" PRId64 " entries, head %.*s", c->upto, (int)c->head.n, c->head.p);
    else
        lf_log(LF_ERROR, "audit trail: %.*s\nHINT: keep this database as it is and compare with a backup", (int)c->finding.n, c->finding.p);
    lf_publish_record(cx->app, &ch);
    return LF_OK;
}

static lf_rc note_progress(struct lf_ctx *cx, lf_id id, const struct lf_audit_walk *w)
{
    const struct lf_val v[] = { lf_val_int(w->n), lf_val_str(w->hash), lf_val_int(w->found ? w->found : LF_NULL64), lf_val_id(id) };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = lf_sql_run(cx, "UPDATE audit_check SET done = $1, done_hash = $2, anchor_at = $3 WHERE id = $4", v, LF_COUNT(v), NULL);
    return lf_tx_end(cx, rc);
}

/* One piece, in a transaction of its own. *over: nothing is left, or something does not fit. */
static lf_rc walk_piece(struct lf_ctx *cx, struct lf_audit_walk *w, int64_t upto, bool *over)
{
    int64_t from = w->n;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, lf_audit_walk(cx, w, upto, PIECE))))
        return rc;
    if (!w->bad.v && w->n == from && w->n < upto)
        w->bad = (lf_id){ from + 1 }; /* the rest is missing */
    *over = w->bad.v || w->n >= upto;
    return LF_OK;
}

static lf_rc find_running(struct lf_ctx *cx, struct audit_check *c)
{
    lf_id id;
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = running(cx, &id);
    c->id = id;
    if (!rc && !lf_id_none(id))
        rc = lf_res_get(cx, &lf_audit_check_res, id, c);
    return lf_tx_end(cx, rc);
}

lf_rc lf_audit_check_on(struct lf_ctx *cx)
{
    struct audit_check c = { 0 };
    struct lf_audit_walk w = { 0 };
    bool over = false;
    lf_rc rc = find_running(cx, &c);
    if (rc || lf_id_none(c.id))
        return rc;
    w.n = c.done;
    snprintf(w.hash, sizeof w.hash, "%.*s", (int)c.done_hash.n, c.done_hash.n ? c.done_hash.p : "");
    w.found = c.anchor_at == LF_NULL64 ? 0 : c.anchor_at;
    w.find = c.anchor.n ? lf_strn(&cx->arena, c.anchor) : NULL;
    int64_t since = lf_now().ms;
    do {
        rc = walk_piece(cx, &w, c.upto, &over);
    } while (!rc && !over && lf_now().ms - since < TURN_MS);
    if (rc)
        return rc;
    return over ? finish(cx, c.id, &w) : note_progress(cx, c.id, &w);
}

lf_rc lf_audit_check_daily(struct lf_ctx *cx)
{
    struct lf_val last = { .t = LF_T_MS };
    struct audit_check c;
    struct lf_change ch = { .row = &c };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = lf_sql_one(cx, "SELECT max(created_at) FROM audit_check", NULL, 0, &last, 1);
    if (rc || (!last.null && lf_now().ms - last.i < LF_DAY_MS))
        return lf_tx_end(cx, rc);
    lf_row_clear(fields, LF_COUNT(fields), &c);
    return lf_tx_end(cx, lf_res_create(cx, &lf_audit_check_res, &ch));
}
