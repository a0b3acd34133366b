/* app.h - the kernel's process-wide state: the registry of rooms, rights, keys, calendar, live events. */
#ifndef LF_CORE_APP_H
#define LF_CORE_APP_H
#include "base/out.h"
#include "core/res.h"
#include "net/http.h"

#include <jansson.h>

struct lf_workcal;
struct lf_geo_index;
struct lf_call;

/* A query parameter of an address, for OpenAPI. */
struct lf_param {
    const char *name, *about;
    bool required;
};
/* A room's own address, beside those every record has. path: segments; ":x" takes one segment into call->seg. */
struct lf_route {
    const char *method, *path;
    const char *right; /* "grid_cell.read"; "" = any log-in; "public" = nobody needs to log in */
    enum lf_tx_kind tx;
    lf_rc (*fn)(struct lf_ctx *cx, struct lf_call *call);
    const char *zh, *en; /* one line for OpenAPI */
    bool own_tx;         /* fn begins and ends its own transactions and checks the caller itself */
    bool bearer;         /* for OpenAPI: asks for a token in the Authorization header */
    bool slow;           /* a GET that may take long: handled on a thread of its own, as every write is */
    const char *request; /* its requestBody for OpenAPI, as JSON: fn reads the bytes itself; NULL when it takes none, or a JSON object */
    const struct lf_param *param;
    int nparam;
};
/* Work that repeats. fn runs as the system with no transaction open. */
struct lf_job {
    const char *name;
    int every_s;
    lf_rc (*fn)(struct lf_ctx *cx);
};
/* "command.set", and what it lets its holder do. */
struct lf_right {
    const char *name, *zh, *en;
};
struct lf_room {
    const char *name;
    const struct lf_res *const *res;
    int nres;
    const struct lf_route *route;
    int nroute;
    const struct lf_job *job;
    int njob;
    const struct lf_migration *migration;
    int nmigration;
    const struct lf_right *own_rights; /* rights that no move asks for, of a record type of the room; the last one has no name */
    lf_rc (*start)(struct lf_ctx *cx); /* after the migrations: fill caches */
    void (*stop)(struct lf_app *app);
};

enum { LF_RES_MAX = 96 };
struct lf_demo_login {
    const char *login, *password, *name, *role_zh, *role_en;
};
struct lf_job_state {
    const struct lf_job *job;
    lf_ms last;
    int64_t runs, failures;
};
struct lf_app {
    struct lf_db *db;
    const struct lf_room *const *room;
    int nroom;
    const struct lf_res *res[LF_RES_MAX];
    int nres;
    const char *right[LF_PERM_MAX];
    int nright; /* bit -> "matter.handle" */
    struct lf_workcal *cal;
    struct lf_geo_index *index;
    struct lf_hub *hub;
    const char *data_dir;
    uint8_t key[32]; /* keys the audit chain; in data_dir/secret.key */
    bool demo;
    struct lf_arena arena; /* lives as long as the app */
    struct lf_job_state job[64];
    int njob;
    void *jobs;   /* the thread that runs them (job.c) */
    void *login;  /* rate limits of log-ins (session.c) */
    void *places; /* names of grid codes (place.c) */
    const struct lf_demo_login *demo_login;
    int ndemo_login;           /* shown before the log-in, in the demonstration only */
    const char *metrics_token; /* who asks for /metrics shows it; NULL: only this machine may ask */
    /* What the program adds to /metrics (listener, telemetry). */
    void (*metrics)(struct lf_app *app, struct lf_out *o);
};

/* Roles that a new database begins with; those that are there are left alone. */
struct lf_role_seed {
    const char *code, *zh, *en, *rights;
};
struct lf_app_config {
    const char *db_url, *data_dir;
    const struct lf_room *const *room;
    int nroom;
    const struct lf_role_seed *role;
    int nrole;
    bool demo;
    int readers;
    bool no_migrate; /* refuse to start on an old schema instead of migrating */
};
/* Opens the database, checks every table, migrates, seeds the roles, runs the rooms' start. */
lf_rc lf_app_start(struct lf_app **out, const struct lf_app_config *c, struct lf_err *err) LF_MUST_CHECK;
lf_rc lf_app_jobs_start(struct lf_app *app, struct lf_err *err) LF_MUST_CHECK;
void lf_app_jobs_stop(struct lf_app *app); /* waits for the job that runs; before what jobs use is closed. Twice is fine */
void lf_app_stop(struct lf_app *app);
const struct lf_res *lf_app_res(const struct lf_app *app, lf_text name);
int lf_app_right(const struct lf_app *app, const char *right);                         /* bit, or -1 */
bool lf_may(const struct lf_ctx *cx, const char *res, const char *right);              /* has cx the right "<res>.<right>"? */
lf_rc lf_allowed(struct lf_ctx *cx, const char *res, const char *right) LF_MUST_CHECK; /* the same with the message */
/* A context of the system itself: sees all, may all, actor 0. Free with lf_ctx_free. */
void lf_ctx_system(struct lf_ctx *cx, struct lf_app *app);
void lf_ctx_free(struct lf_ctx *cx);

/* ---- one HTTP call --------------------------------------------------------------------------- */

struct lf_call {
    const struct lf_http_req *req;
    struct lf_http_res *res;
    struct lf_json j; /* writes into res->body */
    lf_text seg[4];
    json_t *body;               /* the request's JSON object, or NULL; freed by the loop */
    struct lf_change change[1]; /* set by the record handlers: what to do after the commit */
    bool changed;
    const char *allow; /* the methods that this address has, when it does not have the one of the request */
    bool undo;         /* answer well, but roll the transaction back (a dry run) */
    bool stale;        /* the session wants to be marked as used */
};
/* Tells the live pages about a write that did not come through HTTP (a job, an alarm). After the commit. */
void lf_publish_record(struct lf_app *app, const struct lf_change *ch);
/* The handler for lf_http_config: log-in, routes, transaction, errors. user = struct lf_app. */
void lf_api_handle(void *app, const struct lf_http_req *req, struct lf_http_res *res);
bool lf_api_slow(void *app, const struct lf_http_req *req);           /* for lf_http_config.slow */
uint64_t lf_api_body_limit(void *app, const struct lf_http_req *req); /* for lf_http_config.body_limit */
lf_rc lf_call_int(struct lf_ctx *cx, lf_text s, const char *field, int64_t *out) LF_MUST_CHECK;
/* Static pages: the table that tools/embed made. */
struct lf_asset {
    const char *path;
    const unsigned char *bytes;
    size_t size;
};
void lf_api_assets(const struct lf_asset *table, size_t n);

/* ---- audit, notices, files --------------------------------------------------------------------- */

struct lf_audit {
    const char *topic;
    lf_id row;
    lf_text grid_code;
    const char *verb, *from, *to; /* state codes or NULL */
    lf_text note, files, diff;    /* files and diff are JSON texts or null */
};
/* Kept, and written when the transaction ends well: the end of the trail is locked last (trail.c says in which order all locks are). */
lf_rc lf_audit_write(struct lf_ctx *cx, const struct lf_audit *a) LF_MUST_CHECK;
/* Walks the whole chain. *n entries read; *bad = id of the first that does not fit (0 = none). expect_head: the hex hash of an entry
 * kept elsewhere (may be NULL) that must be found, so that a cut tail shows. */
lf_rc lf_audit_verify(struct lf_ctx *cx, const char *expect_head, int64_t *n, lf_id *bad, char head[65]) LF_MUST_CHECK;

lf_rc lf_notice(struct lf_ctx *cx, lf_id account, const struct lf_res *r, lf_id row, const char *zh_en) LF_MUST_CHECK;
/* Everyone with <res>.<right> in one place that holds grid_code: up = 0 the nearest place where anybody has it, 1 the next above ... */
lf_rc lf_notice_right(struct lf_ctx *cx, const struct lf_res *r, const char *right, lf_text grid_code, lf_id row, int up,
                      const char *zh_en) LF_MUST_CHECK;

/* Makes the steps follow the row after a create or a move. */
lf_rc lf_step_follow(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK;
/* Tells holders and supervisors of what is overdue, once per level: at the due time, and again after as long as was given. */
lf_rc lf_steps_escalate(struct lf_ctx *cx) LF_MUST_CHECK;
lf_rc lf_steps_calendar(struct lf_ctx *cx) LF_MUST_CHECK; /* warns the operator when limits run into a year without known holidays */
/* Moves the due time of the row's open step in that state (a granted delay). */
lf_rc lf_step_extend(struct lf_ctx *cx, const struct lf_res *r, lf_id row, const char *state, lf_ms due) LF_MUST_CHECK;

/* ---- accounts -------------------------------------------------------------------------------------- */

/* By its log-in name; LF_ENOTFOUND with a message for an operator. */
lf_rc lf_account_find(struct lf_ctx *cx, const char *login, lf_id *id) LF_MUST_CHECK;
struct lf_account_line {
    lf_text login, name, role, area; /* codes of role and place */
    bool disabled, must_change;
};
/* Every account, by log-in name, for an operator. */
lf_rc lf_account_each(struct lf_ctx *cx, void (*fn)(const struct lf_account_line *a)) LF_MUST_CHECK;
/* Sets scope and rights of the account into cx. LF_ENOTFOUND, LF_EDENIED when disabled. */
lf_rc lf_login_as(struct lf_ctx *cx, lf_id account) LF_MUST_CHECK;
/* A new account, by the codes of its role and area; password_hash may be NULL (it cannot log in yet). Wants a write transaction. */
lf_rc lf_account_add(struct lf_ctx *cx, const char *login, const char *name, const char *role, const char *area, const char *password_hash,
                     lf_id *id) LF_MUST_CHECK;
lf_rc lf_password_hash(struct lf_ctx *cx, lf_text password, char out[128]) LF_MUST_CHECK;
lf_rc lf_password_fit(struct lf_ctx *cx, lf_text login, lf_text password) LF_MUST_CHECK; /* rules for a new password */
/* The ranges of a place: a division or cell code, or a functional zone's code (its member places). "" = nothing, "*" = everything. */
lf_rc lf_scope_of(struct lf_ctx *cx, lf_text grid_code, struct lf_scope *out) LF_MUST_CHECK;

/* Does the account hold the right, is it in use, and does its area hold grid_code? */
lf_rc lf_account_fits(struct lf_ctx *cx, lf_id account, const char *right, lf_text grid_code, bool *fits) LF_MUST_CHECK;
/* The next number of a series that has no gaps (event and document numbers). Wants a write transaction; undone with it. */
lf_rc lf_counter_next(struct lf_ctx *cx, const char *series, int64_t *n) LF_MUST_CHECK;

/* ---- places: the names of grid codes, for lists, notices and clocks --------------------------------- */

struct lf_place {
    lf_text code, name;
};
/* Replaces the table; the room that keeps the areas calls it at start and after a change. Copies what it is given. Any thread. */
void lf_places_set(struct lf_app *app, const struct lf_place *place, size_t n);
/* Name of the code, or of the nearest place above it ("" when none is known), copied into a. */
lf_text lf_place_name(struct lf_app *app, struct lf_arena *a, lf_text code);
#endif
