/* session.c - log-in: argon2id, session cookies, CSRF tokens, lock-out and rate limits, password rules.
 *
 * A password is hashed outside any transaction and one at a time, so that guessing costs the guesser, not the city. */
#include "core/account.h"

#include <ctype.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

enum { ARGON_OPS = 3, ARGON_MEM = 19 << 20 }; /* OWASP: argon2id, 19 MiB */
enum { LOCK_AFTER = 5, LOCK_MINUTES = 15 };   /* GB/T 22239-2019 8.1.4.1 b): limit failed log-ins */
enum { IDLE_HOURS = 2, LIFE_HOURS = 12, SEEN_EVERY_MS = 5 * LF_MINUTE_MS };
enum { PEERS = 1024, PEER_TRIES = 20, PEER_WINDOW_MS = 5 * LF_MINUTE_MS };

/* ---- rate limit per address ------------------------------------------------------------------- */

struct lf_limiter {
    pthread_mutex_t lock;
    struct {
        uint64_t peer;
        int64_t since;
        int tries;
    } slot[PEERS];
};

struct lf_limiter *lf_limiter_new(void)
{
    struct lf_limiter *l = lf_new(sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

void lf_limiter_free(struct lf_limiter *l)
{
    if (l)
        pthread_mutex_destroy(&l->lock);
    lf_release(l);
}

enum peer_try { COUNT, TAKE_BACK };

/* Seconds to wait, 0 = go on, and then a try is counted: before its password is hashed, so that tries that come at once are limited too.
 * Two addresses may share a slot: the stranger waits too. */
static int peer_wait(struct lf_limiter *l, lf_text peer, enum peer_try what)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < peer.n; i++)
        h = (h ^ (unsigned char)peer.p[i]) * 1099511628211u;
    int64_t now = lf_now().ms;
    pthread_mutex_lock(&l->lock);
    __auto_type s = &l->slot[h % PEERS];
    if (now - s->since > PEER_WINDOW_MS || now < s->since)
        s->since = now, s->tries = 0;
    int wait = what != TAKE_BACK && s->tries >= PEER_TRIES ? (int)((s->since + PEER_WINDOW_MS - now) / 1000) + 1 : 0;
    if (what == COUNT && !wait)
        s->tries++;
    if (what == TAKE_BACK && s->tries)
        s->tries--;
    pthread_mutex_unlock(&l->lock);
    return wait;
}

/* ---- passwords ------------------------------------------------------------------------------------ */

static pthread_mutex_t hashing = PTHREAD_MUTEX_INITIALIZER;

lf_rc lf_password_hash(struct lf_ctx *cx, lf_text password, char out[128])
{
    _Static_assert(crypto_pwhash_STRBYTES <= 128, "room for the hash");
    pthread_mutex_lock(&hashing);
    int bad = crypto_pwhash_str(out, password.p, password.n, ARGON_OPS, ARGON_MEM);
    pthread_mutex_unlock(&hashing);
    return bad ? lf_fail(cx, LF_EBUSY, NULL, "服务器内存不足，请稍后再试 | the server is short of memory, try again later") : LF_OK;
}

static bool password_right(lf_text hash, lf_text password)
{
    /* An unknown account costs the same time as a wrong password. */
    static char nobody[crypto_pwhash_STRBYTES];
    char h[crypto_pwhash_STRBYTES] = "";
    if (hash.n < sizeof h)
        memcpy(h, hash.n ? hash.p : "", hash.n);
    pthread_mutex_lock(&hashing);
    if (!hash.n && !*nobody && crypto_pwhash_str(nobody, "nobody", 6, ARGON_OPS, ARGON_MEM))
        *nobody = 0;
    bool ok = crypto_pwhash_str_verify(hash.n ? h : nobody, password.p, password.n) == 0;
    pthread_mutex_unlock(&hashing);
    return ok && hash.n;
}

/* At least 10 characters of three kinds, and not the log-in name (GB/T 22239-2019 8.1.4.1 a). */
lf_rc lf_password_fit(struct lf_ctx *cx, lf_text login, lf_text password)
{
    bool kind[4] = { 0 };
    uint32_t chars = 0;
    for (uint32_t i = 0; i < password.n; i++) {
        unsigned char c = (unsigned char)password.p[i];
        chars += (c & 0xC0) != 0x80;
        kind[isdigit(c) ? 0 : islower(c) ? 1 : isupper(c) ? 2 : 3] = true;
    }
    bool named = login.n >= 3 && memmem(password.p, password.n, login.p, login.n);
    if (chars < 10 || password.n > 256 || kind[0] + kind[1] + kind[2] + kind[3] < 3 || named)
        return lf_fail(cx, LF_EINVAL, "new",
                       "密码至少 10 位，须含大写、小写、数字、符号中的三类，且不含登录名 | a password needs 10 characters of three kinds "
                       "(capital, small, digit, sign) and not the log-in name");
    return LF_OK;
}

/* ---- sessions ---------------------------------------------------------------------------------------- */

lf_text lf_session_hash(struct lf_arena *a, lf_text token)
{
    unsigned char h[32];
    char *hex = lf_alloc(a, 65);
    crypto_generichash(h, sizeof h, (const unsigned char *)token.p, token.n, NULL, 0);
    sodium_bin2hex(hex, 65, h, sizeof h);
    return lf_str(hex);
}

static void random_token(char out[64])
{
    unsigned char raw[32];
    randombytes_buf(raw, sizeof raw);
    sodium_bin2base64(out, 64, raw, sizeof raw, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

lf_rc lf_session_find(struct lf_ctx *cx, lf_text token, struct lf_session *out)
{
    static const char sql[] =
        "SELECT s.account_id, s.csrf, s.seen_at, s.expires_at, a.login, a.name, a.grid_code, a.must_change, a.disabled, r.code, r.name, "
        "r.name_en, r.rights "
        "FROM session s JOIN account a ON a.id = s.account_id JOIN role r ON r.id = a.role_id WHERE s.token_hash = $1";
    struct lf_val v[13] = { { .t = LF_T_ID },   { .t = LF_T_TEXT }, { .t = LF_T_MS },   { .t = LF_T_MS },   { .t = LF_T_TEXT },
                            { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_BOOL }, { .t = LF_T_BOOL }, { .t = LF_T_TEXT },
                            { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT } };
    lf_rc rc = LF_ENOTFOUND;
    int64_t now = lf_now().ms;
    if (token.n) {
        const struct lf_val arg[] = { lf_val_text(lf_session_hash(&cx->arena, token)) };
        rc = lf_sql_one(cx, sql, arg, 1, v, LF_COUNT(v));
    }
    if (rc && rc != LF_ENOTFOUND)
        return rc;
    if (rc || v[8].i || now > v[3].i || now - v[2].i > (int64_t)IDLE_HOURS * LF_HOUR_MS)
        return lf_fail(cx, LF_ELOGIN, NULL, "请先登录 | please log in");
    *out = (struct lf_session){ .account = { v[0].i },
                                .csrf = v[1].s,
                                .login = v[4].s,
                                .name = v[5].s,
                                .grid_code = v[6].s,
                                .must_change = v[7].i,
                                .role_code = v[9].s,
                                .role_zh = v[10].s,
                                .role_en = v[11].s,
                                .stale = now - v[2].i > SEEN_EVERY_MS };
    if ((rc = lf_scope_of(cx, out->grid_code, &cx->scope)))
        return rc;
    lf_rights_grant(cx, v[12].s);
    cx->actor = out->account;
    return LF_OK;
}

lf_rc lf_session_seen(struct lf_ctx *cx, lf_text token)
{
    const struct lf_val v[] = { lf_val_ms(lf_now()), lf_val_text(lf_session_hash(&cx->arena, token)) };
    return lf_sql_run(cx, "UPDATE session SET seen_at = $1 WHERE token_hash = $2", v, 2, NULL);
}

struct found {
    lf_id id;
    lf_text hash, grid;
    int64_t failed;
    lf_ms locked;
    bool disabled;
};

static lf_rc find_login(struct lf_ctx *cx, lf_text login, struct found *f)
{
    struct lf_val v[] = {
        { .t = LF_T_ID }, { .t = LF_T_TEXT }, { .t = LF_T_INT }, { .t = LF_T_MS }, { .t = LF_T_BOOL }, { .t = LF_T_TEXT }
    };
    const struct lf_val arg[] = { lf_val_text(login) };
    *f = (struct found){ 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = lf_sql_one(cx, "SELECT id, pass_hash, failed, locked_until, disabled, grid_code FROM account WHERE login = $1", arg, 1, v,
                    LF_COUNT(v));
    if (!rc)
        *f = (struct found){ { v[0].i }, v[1].null ? (lf_text){ 0 } : v[1].s, v[5].s, v[2].i, { v[3].null ? 0 : v[3].i }, v[4].i };
    return lf_tx_end(cx, rc == LF_ENOTFOUND ? LF_OK : rc);
}

/* Counts the failure in the account and the audit trail, and locks it at the fifth. Counted where the number is kept: tries that come at
 * once are each counted, and none takes back the lock that another has set. */
static lf_rc note_failure(struct lf_ctx *cx, const struct found *f)
{
    static const char sql[] = "UPDATE account SET failed = CASE WHEN failed + 1 >= $1 THEN 0 ELSE failed + 1 END, "
                              "locked_until = CASE WHEN failed + 1 >= $1 THEN $2 ELSE locked_until END WHERE id = $3 RETURNING failed";
    const struct lf_val v[] = { lf_val_int(LOCK_AFTER), lf_val_ms((lf_ms){ lf_now().ms + (int64_t)LOCK_MINUTES * LF_MINUTE_MS }),
                                lf_val_id(f->id) };
    struct lf_val failed = { .t = LF_T_INT };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = lf_sql_one(cx, sql, v, LF_COUNT(v), &failed, 1);
    const struct lf_audit a = {
        .topic = "account", .row = f->id, .grid_code = f->grid, .verb = !rc && !failed.i ? "lock_out" : "login_failed"
    };
    return lf_tx_end(cx, rc ? rc : lf_audit_write(cx, &a));
}

static lf_rc insert_session(struct lf_ctx *cx, const struct found *f, char token[64])
{
    char csrf[64];
    random_token(token);
    random_token(csrf);
    int64_t now = lf_now().ms;
    const struct lf_val id[] = { lf_val_id(f->id) }, old[] = { lf_val_int(now) };
    const struct lf_val v[] = { lf_val_text(lf_session_hash(&cx->arena, lf_str(token))),
                                lf_val_id(f->id),
                                lf_val_str(csrf),
                                lf_val_text(cx->peer),
                                lf_val_int(now),
                                lf_val_int(now),
                                lf_val_int(now + (int64_t)LIFE_HOURS * LF_HOUR_MS) };
    const struct lf_audit a = { .topic = "account", .row = f->id, .grid_code = f->grid, .verb = "login" };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    cx->actor = f->id;
    rc = lf_sql_run(cx, "DELETE FROM session WHERE expires_at < $1", old, 1, NULL);
    if (!rc)
        rc = lf_sql_run(
            cx,
            "INSERT INTO session (token_hash, account_id, csrf, peer, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            v, LF_COUNT(v), NULL);
    if (!rc)
        rc = lf_sql_run(cx, "UPDATE account SET failed = 0, locked_until = NULL WHERE id = $1", id, 1, NULL);
    return lf_tx_end(cx, rc ? rc : lf_audit_write(cx, &a));
}

lf_rc lf_session_open(struct lf_ctx *cx, lf_text login, lf_text password, char token[64], int *retry_after_s)
{
    struct found f;
    if ((*retry_after_s = peer_wait(cx->app->login, cx->peer, COUNT)) > 0)
        return lf_fail(cx, LF_EBUSY, NULL, "登录尝试过多，请 %d 秒后再试 | too many tries, wait %d seconds", *retry_after_s,
                       *retry_after_s);
    lf_rc rc = find_login(cx, login, &f);
    if (rc) {
        peer_wait(cx->app->login, cx->peer, TAKE_BACK);
        return rc;
    }
    int64_t wait = f.locked.ms - lf_now().ms;
    if (wait > 0) {
        peer_wait(cx->app->login, cx->peer, TAKE_BACK); /* the account's own lock: nothing was guessed */
        *retry_after_s = (int)(wait / 1000) + 1;
        return lf_fail(cx, LF_EBUSY, NULL, "账号已锁定，请 %d 分钟后再试 | the account is locked, wait %d minutes", *retry_after_s / 60 + 1,
                       *retry_after_s / 60 + 1);
    }
    bool right = password.n <= 256 && password_right(f.hash, password);
    if (!right || f.disabled) {
        if (!lf_id_none(f.id) && (rc = note_failure(cx, &f)))
            return rc;
        return lf_fail(cx, LF_ELOGIN, NULL, "登录名或密码不对 | wrong log-in name or password");
    }
    peer_wait(cx->app->login, cx->peer, TAKE_BACK);
    return insert_session(cx, &f, token);
}

lf_rc lf_session_close(struct lf_ctx *cx, lf_text token)
{
    const struct lf_val v[] = { lf_val_text(lf_session_hash(&cx->arena, token)) };
    return lf_sql_run(cx, "DELETE FROM session WHERE token_hash = $1", v, 1, NULL);
}

/* Sets the hash, closes the account's other sessions (all when keep is null), writes the audit entry. Wants a write transaction. */
static lf_rc store_hash(struct lf_ctx *cx, lf_id account, lf_text grid, const char *hash, bool must_change, lf_text keep)
{
    const struct lf_val v[] = { lf_val_str(hash), lf_val_bool(must_change), lf_val_id(account) };
    const struct lf_val s[] = { lf_val_id(account), lf_val_text(keep.p ? lf_session_hash(&cx->arena, keep) : LF_TEXT("")) };
    const struct lf_audit a = {
        .topic = "account", .row = account, .grid_code = grid, .verb = must_change ? "password_reset" : "password"
    };
    lf_rc rc =
        lf_sql_run(cx, "UPDATE account SET pass_hash = $1, must_change = $2, failed = 0, locked_until = NULL WHERE id = $3", v, 3, NULL);
    if (!rc)
        rc = lf_sql_run(cx, "DELETE FROM session WHERE account_id = $1 AND token_hash <> $2", s, 2, NULL);
    return rc ? rc : lf_audit_write(cx, &a);
}

lf_rc lf_password_change(struct lf_ctx *cx, lf_text token, lf_text old, lf_text fresh)
{
    struct lf_session me;
    struct found f;
    char hash[128];
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    if ((rc = lf_tx_end(cx, lf_session_find(cx, token, &me))) || (rc = find_login(cx, me.login, &f)))
        return rc;
    int wait = peer_wait(cx->app->login, cx->peer, COUNT);
    if (wait)
        return lf_fail(cx, LF_EBUSY, NULL, "尝试过多，请 %d 秒后再试 | too many tries, wait %d seconds", wait, wait);
    if (!password_right(f.hash, old))
        return lf_fail(cx, LF_EINVAL, "old", "原密码不对 | the old password is wrong");
    peer_wait(cx->app->login, cx->peer, TAKE_BACK);
    if (lf_text_eq(old, fresh))
        return lf_fail(cx, LF_EINVAL, "new", "新密码不能与原密码相同 | the new password must differ from the old one");
    if ((rc = lf_password_fit(cx, me.login, fresh)) || (rc = lf_password_hash(cx, fresh, hash)) || (rc = lf_tx_begin(cx, LF_TX_WRITE)))
        return rc;
    return lf_tx_end(cx, store_hash(cx, me.account, me.grid_code, hash, false, token));
}

lf_rc lf_password_set(struct lf_ctx *cx, lf_id account, const char *hash, bool must_change)
{
    struct lf_val grid = { .t = LF_T_TEXT };
    const struct lf_val arg[] = { lf_val_id(account) };
    lf_rc rc = lf_sql_one(cx, "SELECT grid_code FROM account WHERE id = $1", arg, 1, &grid, 1);
    if (rc == LF_ENOTFOUND)
        return lf_fail(cx, LF_ENOTFOUND, NULL, "没有这个账号 | there is no such account");
    return rc ? rc : store_hash(cx, account, grid.s, hash, must_change, (lf_text){ 0 });
}

void lf_password_random(char out[32])
{
    /* No letters that are mistaken for each other on paper; one of each kind is sure to be there. */
    static const char set[] = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    memcpy(out, "Lf-", 3);
    for (int i = 3; i < 18; i++)
        out[i] = set[randombytes_uniform(sizeof set - 1)];
    out[18] = (char)('2' + (int)randombytes_uniform(8));
    out[19] = 0;
}
