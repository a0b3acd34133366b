/* account.h - who may do what (kernel internal). Rights are words "<room>.<what>"; a role holds patterns: "matter.handle",
 * "matter.*", "*.read", "*", separated by blanks. */
#ifndef LF_CORE_ACCOUNT_H
#define LF_CORE_ACCOUNT_H
#include "core/app.h"

bool lf_rights_have(lf_text patterns, const char *right);

/* The signed-in caller. */
struct lf_session {
    lf_id account;
    lf_text login, name, csrf, grid_code, role_code, role_zh, role_en;
    bool must_change;
    bool stale; /* a while since it was last noted as used: call lf_session_seen */
};
/* Reads the cookie's session and sets actor, scope and rights of cx. LF_ELOGIN when there is none (any more). */
lf_rc lf_session_find(struct lf_ctx *cx, lf_text token, struct lf_session *out) LF_MUST_CHECK;
lf_text lf_session_hash(struct lf_arena *a, lf_text token); /* as it is stored: 64 hex digits */
lf_rc lf_session_seen(struct lf_ctx *cx, lf_text token) LF_MUST_CHECK;
/* Checks login and password, with limits per account and per address; opens a session. token: 64 bytes for the cookie.
 * Begins and ends its own transactions, as lf_password_change does. */
lf_rc lf_session_open(struct lf_ctx *cx, lf_text login, lf_text password, char token[64], int *retry_after_s) LF_MUST_CHECK;
lf_rc lf_session_close(struct lf_ctx *cx, lf_text token) LF_MUST_CHECK;
lf_rc lf_password_change(struct lf_ctx *cx, lf_text token, lf_text old, lf_text fresh) LF_MUST_CHECK;
/* For an administrator: a new hash for the account; must_change: the next log-in has to choose another password. */
lf_rc lf_password_set(struct lf_ctx *cx, lf_id account, const char *hash, bool must_change) LF_MUST_CHECK;
/* LF_EDENIED when that account can do something that the caller cannot: nobody takes over an account above his own. */
lf_rc lf_account_below(struct lf_ctx *cx, lf_id account) LF_MUST_CHECK;
void lf_password_random(char out[32]);
void lf_rights_grant(struct lf_ctx *cx, lf_text patterns); /* sets cx->perms */
struct lf_limiter *lf_limiter_new(void);
void lf_limiter_free(struct lf_limiter *l);

extern const struct lf_res account_res, role_res;
extern const struct lf_room core_room; /* accounts, roles, notices, files: the kernel's own room */
#endif
