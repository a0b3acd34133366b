/* app.c - start and stop: every table is checked before the first request is taken. */
#include "core/app.h"

#include "base/log.h"
#include "base/workcal.h"
#include "core/account.h"
#include "core/kernel.h"
#include "geo/geo.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- look-ups --------------------------------------------------------------------------------- */

const struct lf_res *lf_app_res(const struct lf_app *app, lf_text name)
{
    for (int i = 0; i < app->nres; i++)
        if (lf_text_is(name, app->res[i]->name))
            return app->res[i];
    return NULL;
}

int lf_app_right(const struct lf_app *app, const char *right)
{
    for (int i = 0; i < app->nright; i++)
        if (!strcmp(app->right[i], right))
            return i;
    return -1;
}

bool lf_may(const struct lf_ctx *cx, const char *res, const char *right)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", res, right);
    return lf_perm_has(&cx->perms, lf_app_right(cx->app, name));
}

lf_rc lf_allowed(struct lf_ctx *cx, const char *res, const char *right)
{
    return lf_may(cx, res, right)
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, NULL, "您没有这项权限（%s.%s） | you do not have the right %s.%s", res, right, res, right);
}

void lf_ctx_system(struct lf_ctx *cx, struct lf_app *app)
{
    *cx = (struct lf_ctx){ .app = app, .db = app->db, .peer = LF_TEXT("") };
    lf_as_system(cx);
}

void lf_ctx_free(struct lf_ctx *cx) { lf_arena_free(&cx->arena); }

/* ---- registry ------------------------------------------------------------------------------------ */

static lf_rc add_right(struct lf_app *app, const char *room, const char *right, struct lf_err *err)
{
    const char *name = right ? lf_printf(&app->arena, "%s.%s", room, right) : room;
    if (lf_app_right(app, name) >= 0)
        return LF_OK;
    if (app->nright == LF_PERM_MAX)
        return lf_err_set(err, LF_EBUG, NULL, "more than %d rights\nHINT: raise LF_PERM_MAX in base/ctx.h", LF_PERM_MAX);
    app->right[app->nright++] = name;
    return LF_OK;
}

static lf_rc add_res(struct lf_app *app, const struct lf_res *r, struct lf_err *err)
{
    static const char *const basic[] = { "read", "create", "edit", "import", "export" };
    const char *bad = lf_res_check(&app->arena, r);
    if (bad)
        return lf_err_set(err, LF_EBUG, NULL, "record table: %s", bad);
    if (app->nres == LF_RES_MAX || lf_app_res(app, lf_str(r->name)))
        return lf_err_set(err, LF_EBUG, NULL, "record type %s: twice, or too many", r->name);
    app->res[app->nres++] = r;
    lf_rc rc = LF_OK;
    for (size_t i = 0; !rc && i < LF_COUNT(basic); i++)
        rc = add_right(app, r->name, basic[i], err);
    if (!rc && lf_res_flagged(r, LF_MASKED))
        rc = add_right(app, r->name, "reveal", err);
    if (!rc && r->step)
        rc = add_right(app, r->name, "supervise", err);
    for (int i = 0; !rc && i < r->nverb; i++)
        rc = add_right(app, r->name, r->verb[i].right, err);
    return rc;
}

static lf_rc add_room(struct lf_app *app, const struct lf_room *room, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < room->nres; i++)
        rc = add_res(app, room->res[i], err);
    for (const struct lf_right *o = room->own_rights; !rc && o && o->name; o++)
        rc = o->zh && o->en ? add_right(app, o->name, NULL, err)
                            : lf_err_set(err, LF_EBUG, NULL, "right %s: its words in one language are missing", o->name);
    for (int i = 0; !rc && i < room->njob; i++) {
        if (app->njob == (int)LF_COUNT(app->job))
            return lf_err_set(err, LF_EBUG, NULL, "too many jobs");
        app->job[app->njob++].job = &room->job[i];
    }
    return rc;
}

/* References and routes can be checked only when all rooms are known. */
static lf_rc check_registry(struct lf_app *app, struct lf_err *err)
{
    for (int i = 0; i < app->nres; i++)
        for (int k = 0; k < app->res[i]->nfield; k++) {
            const char *ref = app->res[i]->field[k].ref;
            if (ref && !lf_app_res(app, lf_str(ref)))
                return lf_err_set(err, LF_EBUG, NULL, "%s.%s points at %s, which does not exist", app->res[i]->name,
                                  app->res[i]->field[k].name, ref);
        }
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nroute; k++) {
            const char *right = app->room[i]->route[k].right;
            if (!right || (*right && strcmp(right, "public") && lf_app_right(app, right) < 0))
                return lf_err_set(err, LF_EBUG, NULL, "route %s: its right does not exist", app->room[i]->route[k].path);
        }
    return LF_OK;
}

/* ---- data directory --------------------------------------------------------------------------------- */

static lf_rc make_dirs(const char *dir, struct lf_err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/", dir);
    for (char *s = path + 1; (s = strchr(s, '/')); s++) {
        *s = 0;
        if (mkdir(path, 0700) && errno != EEXIST)
            return lf_err_set(err, LF_EIO, NULL, "cannot make the data directory %s: %s\nHINT: choose another with --data", path,
                              strerror(errno));
        *s = '/';
    }
    return LF_OK;
}

/* The key of the audit chain is beside the database, not in it. */
static lf_rc read_key(struct lf_app *app, struct lf_err *err)
{
    const char *path = lf_printf(&app->arena, "%s/secret.key", app->data_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        const char *tmp = lf_printf(&app->arena, "%s.new", path);
        randombytes_buf(app->key, sizeof app->key);
        fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        bool ok = fd >= 0 && write(fd, app->key, sizeof app->key) == (ssize_t)sizeof app->key && fsync(fd) == 0;
        if (fd >= 0)
            close(fd);
        if (!ok || rename(tmp, path))
            return lf_err_set(err, LF_EIO, NULL, "cannot write %s: %s", path, strerror(errno));
        return LF_OK;
    }
    ssize_t n = fd >= 0 ? read(fd, app->key, sizeof app->key) : -1;
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)sizeof app->key
               ? LF_OK
               : lf_err_set(err, LF_EIO, NULL,
                            "%s is not a key of 32 bytes\nHINT: restore it from the backup; without it the audit trail cannot be verified",
                            path);
}

/* ---- start and stop -------------------------------------------------------------------------------------- */

static lf_rc migrate(struct lf_app *app, struct lf_err *err)
{
    size_t n = 0;
    int applied = 0;
    for (int i = 0; i < app->nroom; i++)
        n += (size_t)app->room[i]->nmigration;
    struct lf_migration *all = lf_alloc(&app->arena, (n + 1) * sizeof *all);
    n = 0;
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nmigration; k++)
            all[n++] = app->room[i]->migration[k];
    return lf_db_migrate(app->db, all, n, &applied, err);
}

static lf_rc seed_roles(struct lf_ctx *cx, const struct lf_role_seed *seed, int n)
{
    for (int i = 0; i < n; i++) {
        const struct lf_val v[] = { lf_val_str(seed[i].code), lf_val_str(seed[i].zh), lf_val_str(seed[i].en), lf_val_str(seed[i].rights) };
        lf_rc rc = lf_sql_run(
            cx, "INSERT INTO role (version, code, name, name_en, rights) VALUES (1, $1, $2, $3, $4) ON CONFLICT (code) DO NOTHING", v, 4,
            NULL);
        if (rc)
            return rc;
    }
    return LF_OK;
}

static lf_rc start_rooms(struct lf_app *app, const struct lf_app_config *c, struct lf_err *err)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    lf_rc rc = lf_schema_check(&cx);
    if (!rc)
        rc = lf_tx_begin(&cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(&cx, seed_roles(&cx, c->role, c->nrole));
    for (int i = 0; !rc && i < app->nroom; i++)
        if (app->room[i]->start)
            rc = app->room[i]->start(&cx);
    if (rc)
        *err = cx.err, err->rc = rc;
    lf_ctx_free(&cx);
    return rc;
}

lf_rc lf_app_start(struct lf_app **out, const struct lf_app_config *c, struct lf_err *err)
{
    struct lf_app *app = lf_new(sizeof *app);
    *out = NULL;
    const struct lf_room **room = lf_alloc(&app->arena, sizeof *room * (size_t)(c->nroom + 1));
    room[0] = &core_room;
    for (int i = 0; i < c->nroom; i++)
        room[i + 1] = c->room[i];
    app->room = room;
    app->nroom = c->nroom + 1;
    app->data_dir = lf_printf(&app->arena, "%s", c->data_dir);
    app->demo = c->demo;
    app->index = lf_geo_index_new();
    app->hub = lf_hub_new();
    app->login = lf_limiter_new();
    lf_places_open(app);
    lf_rc rc = sodium_init() < 0 ? lf_err_set(err, LF_EBUG, NULL, "libsodium does not start") : LF_OK;
    for (int i = 0; !rc && i < app->nroom; i++)
        rc = add_room(app, app->room[i], err);
    if (!rc)
        rc = check_registry(app, err);
    if (!rc)
        rc = lf_workcal_new(&app->cal, NULL, err);
    if (!rc)
        rc = make_dirs(app->data_dir, err);
    if (!rc)
        rc = read_key(app, err);
    if (!rc)
        rc = lf_db_open(&app->db, &(struct lf_db_config){ .url = c->db_url, .readers = c->readers }, err);
    if (!rc && !c->no_migrate)
        rc = migrate(app, err);
    if (!rc)
        rc = start_rooms(app, c, err);
    if (rc) {
        lf_app_stop(app);
        return rc;
    }
    *out = app;
    return LF_OK;
}

void lf_app_stop(struct lf_app *app)
{
    if (!app)
        return;
    lf_app_jobs_stop(app);
    for (int i = app->nroom - 1; i >= 0; i--)
        if (app->room[i]->stop)
            app->room[i]->stop(app);
    lf_db_close(app->db);
    lf_hub_free(app->hub);
    lf_limiter_free(app->login);
    lf_places_close(app);
    lf_geo_index_free(app->index);
    lf_workcal_free(app->cal);
    sodium_memzero(app->key, sizeof app->key);
    lf_arena_free(&app->arena);
    lf_release(app);
}
