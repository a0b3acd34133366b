/* backup.c - `lanfan backup` and `lanfan restore`: a consistent copy while the server runs, and the way back. */
#include "app/open.h"
#include "app/settings.h"
#include "app/tree.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static bool files_only;

#define PGDUMP "lanfan.pgdump"
static bool on_postgres(void) { return strncmp(app_db_url(), "sqlite:", 7) != 0; }

/* ---- backup ------------------------------------------------------------------------------------------------ */

/* The records first: a file is stored before the record that names it, so every file the copied records name is there afterwards.
 * Files are named by their content and never written over. */
static lf_rc copy_all(struct lf_ctx *cx, const char *to)
{
    const char *from = cx->app->data_dir;
    lf_rc rc = app_dir_fresh(cx, to);
    if (!rc && !files_only)
        rc = lf_db_backup(cx->db, lf_printf(&cx->arena, "%s/%s", to, on_postgres() ? PGDUMP : "lanfan.db"), &cx->err);
    if (!rc)
        rc = app_file_copy(cx, lf_printf(&cx->arena, "%s/secret.key", from), lf_printf(&cx->arena, "%s/secret.key", to));
    if (!rc)
        rc = app_tree_copy(cx, lf_printf(&cx->arena, "%s/files", from), lf_printf(&cx->arena, "%s/files", to));
    if (!rc)
        rc = app_telemetry_backup(to, &cx->err);
    return rc ? rc : app_list_write(cx, to); /* last: a directory without the list is no backup */
}

static lf_rc take_backup(struct lf_ctx *cx, int argc, char **argv)
{
    int64_t n, bytes;
    lf_rc rc = copy_all(cx, argv[0]);
    if (!rc)
        rc = app_list_check(cx, argv[0], &n, &bytes);
    if (!rc)
        printf("backup of %lld files, %lld bytes, in %s\n", (long long)n, (long long)bytes, argv[0]);
    return rc;
}

static int backup(int argc, char **argv)
{
    return app_words(&app_backup, argc, argv, 1, 1) ? app_run("backup", take_backup, argc, argv) : APP_USAGE;
}

static const struct app_option options[] = {
    { "files-only", APP_SWITCH, &files_only, .help = "leave the database out (PostgreSQL that is backed up by its own means)" },
};

const struct app_command app_backup = {
    .name = "backup",
    .args = "DIR [options]",
    .summary = "a consistent copy while the server runs",
    .help = "Writes records, telemetry, files and the key of the audit trail into the new directory DIR, while the server goes on, with a "
            "list\n"
            "of SHA-256 sums (backup.txt). `lanfan restore DIR` is the way back. DIR is as confidential as the data directory.\n"
            "What is in PostgreSQL is taken by pg_dump; --files-only leaves that to others.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = backup,
};

/* ---- restore --------------------------------------------------------------------------------------------------- */

/* A backup with --files-only has no dump: then the database is already what it should be. */
static lf_rc put_back_database(struct lf_ctx *cx, const char *dump)
{
    if (access(dump, F_OK))
        return LF_OK;
    lf_rc rc = lf_db_restore(app_db_url(), dump, &cx->err);
    if (!rc && unlink(dump))
        rc = lf_fail(cx, LF_EIO, NULL, "cannot remove %s: %s", dump, strerror(errno));
    return rc;
}

/* Into a directory beside the wanted one, renamed when whole: a data directory is complete or not there. */
static lf_rc put_back(struct lf_ctx *cx, const char *from, const char *to)
{
    int64_t n, bytes;
    const char *tmp = lf_printf(&cx->arena, "%s.restoring", to);
    lf_rc rc = app_list_check(cx, from, &n, &bytes);
    if (!rc)
        rc = app_dir_fresh(cx, to);
    if (!rc)
        rc = app_dir_fresh(cx, tmp);
    if (rc)
        return rc; /* what is there is not ours */
    rc = app_tree_copy(cx, from, tmp);
    if (!rc)
        rc = app_list_check(cx, tmp, &n, &bytes);
    if (!rc && on_postgres())
        rc = put_back_database(cx, lf_printf(&cx->arena, "%s/" PGDUMP, tmp));
    if (!rc && rename(tmp, to))
        rc = lf_fail(cx, LF_EIO, NULL, "cannot rename %s to %s: %s", tmp, to, strerror(errno));
    if (rc)
        app_tree_remove(tmp);
    else
        printf("%lld files, %lld bytes restored to %s\n", (long long)n, (long long)bytes, to);
    return rc;
}

static int restore(int argc, char **argv)
{
    struct lf_ctx cx = { 0 };
    if (!app_words(&app_restore, argc, argv, 1, 1))
        return APP_USAGE;
    lf_rc rc = put_back(&cx, argv[0], app_set.data);
    if (rc)
        app_fail(&cx.err, "restore");
    lf_ctx_free(&cx);
    if (rc)
        return APP_FAILED;
    fflush(stdout);
    char verify[] = "verify";
    return app_audit.run(1, (char *[]){ verify, NULL });
}

const struct app_command app_restore = {
    .name = "restore",
    .args = "DIR [options]",
    .summary = "make a data directory from a backup",
    .help =
        "Checks every file of the backup DIR against its list, copies it to the data directory (--data), which must be new or empty, and\n"
        "verifies the audit trail of what was restored. Nothing is written over. A backup of PostgreSQL goes into the database --db URL,\n"
        "which must be there and empty, by pg_restore.\n",
    .run = restore,
};
