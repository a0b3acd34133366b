/* telemetry_import.c - `lanfan telemetry import`: what an older installation kept in telemetry.db moves into files.
 *
 * It grows in a folder beside, telemetry.import, which gets its name only when it is whole; then telemetry.db gets another. A file in the
 * folder says from what it was taken: an import that was interrupted goes on when that has not changed, else it begins anew; and when only
 * the last renaming is missing, that is done. */
#include "app/open.h"
#include "app/settings.h"
#include "app/tree.h"
#include "tele/take_files.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { SEAL_BYTES = 32 << 20, TELL_EVERY = 1000000 };
static const char mark[] = "taken-from";

static const char *part_dir(struct lf_ctx *cx) { return lf_printf(&cx->arena, "%s.import", app_telemetry_dir()); }

/* ---- what it was taken from ----------------------------------------------------------------------------------- */

static bool is_of(struct lf_ctx *cx, const char *dir, int64_t stamp)
{
    struct lf_err none = { 0 };
    lf_text t;
    const char *path = lf_printf(&cx->arena, "%s/%s", dir, mark);
    return !access(path, F_OK) && !io_read_file(&lf_io_posix, path, &cx->arena, &t, &none) &&
           lf_text_is(t, lf_printf(&cx->arena, "%lld\n", (long long)stamp));
}

static lf_rc begin_part(struct lf_ctx *cx, const char *dir, int64_t stamp)
{
    const char *text = lf_printf(&cx->arena, "%lld\n", (long long)stamp);
    app_tree_remove(dir); /* of another state of telemetry.db */
    if (lf_io_posix.make_dir(&lf_io_posix, dir))
        return io_fail("create", dir, &cx->err);
    return io_write_file(&lf_io_posix, dir, mark, text, strlen(text), &cx->err);
}

/* ---- the rows --------------------------------------------------------------------------------------------------- */

static void told(void *user, int64_t rows)
{
    int64_t *said = user;
    if (rows - *said < TELL_EVERY)
        return;
    *said = rows;
    printf("%lld rows\n", (long long)rows);
    fflush(stdout);
}

static lf_rc take(struct lf_ctx *cx, struct lf_db *from, const char *dir)
{
    struct lf_tele_log_config c = { .dir = dir, .by_hand = true, .seal_bytes = SEAL_BYTES, .max_bytes = 2 * SEAL_BYTES };
    struct lf_tele_take_config t = { .from = from, .told = told, .user = &(int64_t){ 0 } };
    lf_rc rc = lf_tele_log_open(&t.to, &c, &cx->err);
    if (rc)
        return rc;
    rc = lf_tele_take_files(&t, &cx->err);
    lf_tele_store_close(t.to);
    return rc;
}

/* *stamp: of what is there. */
static lf_rc open_source(struct lf_ctx *cx, struct lf_db **db, int64_t *stamp)
{
    const char *url = lf_printf(&cx->arena, "sqlite:%s", app_telemetry_db());
    lf_rc rc = lf_db_open(db, &(struct lf_db_config){ .url = url }, &cx->err);
    if (!rc)
        rc = lf_db_migrate(*db, lf_tele_migrations, lf_tele_migration_count, NULL, &cx->err);
    return rc ? rc : lf_tele_take_stamp(*db, stamp, &cx->err);
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static lf_rc give_name(struct lf_ctx *cx, const char *from, const char *to)
{
    return rename(from, to) || lf_io_posix.sync_dir(&lf_io_posix, app_set.data) ? io_fail("rename", from, &cx->err) : LF_OK;
}

static lf_rc import(struct lf_ctx *cx, struct lf_db **db)
{
    const char *dir = app_telemetry_dir(), *part = part_dir(cx);
    int64_t stamp = 0;
    lf_rc rc = open_source(cx, db, &stamp);
    if (rc)
        return rc;
    if (!lf_tele_log_is_store(dir)) {
        if (!is_of(cx, part, stamp))
            rc = begin_part(cx, part, stamp);
        if (!rc)
            rc = take(cx, *db, part);
        if (!rc)
            rc = give_name(cx, part, dir);
    } else if (!is_of(cx, dir, stamp))
        return lf_fail(cx, LF_ECONFLICT, NULL,
                       "both %s and %s hold telemetry\nHINT: they cannot be put together; move the one that does not count elsewhere", dir,
                       app_telemetry_db());
    lf_db_close(*db); /* its log goes into the file */
    *db = NULL;
    return rc ? rc : give_name(cx, app_telemetry_db(), lf_printf(&cx->arena, "%s.taken", app_telemetry_db()));
}

/* Else the server would not go on with what was imported. */
static lf_rc files_are_wanted(struct lf_ctx *cx)
{
    bool sqlite = strncmp(app_db_url(), "sqlite:", 7) == 0;
    if (!strcmp(app_set.telemetry, "files") || (!strcmp(app_set.telemetry, "auto") && sqlite))
        return LF_OK;
    return lf_fail(cx, LF_ECONFLICT, NULL, "the settings want telemetry in SQL\nHINT: set telemetry = files%s",
                   sqlite ? "" : "; or start the server, which takes telemetry.db into PostgreSQL");
}

static lf_rc import_once(struct lf_ctx *cx)
{
    struct lf_db *db = NULL;
    const char *file = app_telemetry_db(), *dir = app_telemetry_dir();
    if (files_are_wanted(cx))
        return cx->err.rc;
    if (access(file, F_OK) && lf_tele_log_is_store(dir))
        return printf("telemetry is in files already: %s\n", dir), LF_OK;
    if (access(file, F_OK))
        return lf_fail(cx, LF_ENOTFOUND, NULL, "there is no %s\nHINT: --data names the data directory", file);
    int lock = app_telemetry_lock(&cx->err);
    if (lock < 0)
        return cx->err.rc;
    lf_rc rc = import(cx, &db);
    lf_db_close(db);
    if (!rc)
        unlink(lf_printf(&cx->arena, "%s.lock", file)); /* nobody opens that file any more */
    close(lock);
    if (!rc)
        printf("telemetry is in files now: %s; what it was taken from stays as %s.taken until you remove it\n", dir, file);
    return rc;
}

int app_telemetry_import(void)
{
    struct lf_ctx cx = { 0 };
    lf_rc rc = import_once(&cx);
    if (rc)
        app_fail(&cx.err, "telemetry");
    lf_ctx_free(&cx);
    return rc ? APP_FAILED : APP_OK;
}
