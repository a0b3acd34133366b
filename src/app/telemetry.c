/* telemetry.c - the store of telemetry: which one, opening it, and copying it while it is written. */
#include "app/open.h"
#include "app/settings.h"
#include "base/log.h"
#include "tele/log/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *sqlite_url(void)
{
    static char url[4200];
    snprintf(url, sizeof url, "sqlite:%s/telemetry.db", app_set.data);
    return url;
}

const char *app_telemetry_dir(void)
{
    static char dir[4200];
    snprintf(dir, sizeof dir, "%s/telemetry", app_set.data);
    return dir;
}

const char *app_telemetry_db(void) { return sqlite_url() + strlen("sqlite:"); }

int app_telemetry_lock(struct lf_err *err)
{
    char path[4300];
    snprintf(path, sizeof path, "%s.lock", app_telemetry_db());
    int fd = lf_io_posix.lock(&lf_io_posix, path, false);
    if (fd < 0 && errno == EWOULDBLOCK)
        lf_err_set(err, LF_ECONFLICT, NULL, "another process uses %s\nHINT: stop the `lanfan serve` or the import on this data directory",
                   app_telemetry_db());
    else if (fd < 0)
        io_fail("lock", path, err);
    return fd;
}

/* ---- settings ----------------------------------------------------------------------------------------------- */

/* One KIND:DAYS of telemetry-keep; moves on to the next. */
static bool keep_one(int days_of[CLASS_COUNT], const char **s)
{
    uint32_t cls;
    size_t n = strcspn(*s, ":");
    char *end = NULL;
    if (!(*s)[n] || !lf_tele_log_class_parse((lf_text){ *s, (uint32_t)n }, &cls))
        return false;
    long days = strtol(*s + n + 1, &end, 10);
    if (end == *s + n + 1 || days < 31 || days > 36500 || (*end && *end != ','))
        return false;
    days_of[cls] = (int)days;
    *s = *end ? end + 1 : end;
    return true;
}

static lf_rc read_days(int days_of[CLASS_COUNT], struct lf_err *err)
{
    for (const char *s = app_set.keep; *s;)
        if (!keep_one(days_of, &s))
            return lf_err_set(
                err, LF_EINVAL, NULL,
                "telemetry-keep cannot be understood at “%s”\nHINT: KIND:DAYS, at least 31, with commas between; kinds are rtd, min, "
                "hour, day, hour_calc, day_calc, packet, refused, quarantine, correction",
                s);
    return LF_OK;
}

/* The same for the SQL stores. */
static lf_rc read_keep(struct lf_tele_keep *keep, struct lf_err *err)
{
    int days_of[CLASS_COUNT] = { 0 };
    lf_rc rc = read_days(days_of, err);
    memcpy(keep->days, days_of, sizeof keep->days);
    keep->packets = days_of[CLASS_PACKET], keep->refused = days_of[CLASS_REFUSED];
    keep->quarantine = days_of[CLASS_QUARANTINE], keep->corrections = days_of[CLASS_CORRECTION];
    return rc;
}

static void on_trouble(void *user, const struct lf_err *err)
{
    if (err)
        lf_log(LF_ERROR, "telemetry: behind the commits: %s", err->msg);
    else
        lf_log(LF_INFO, "telemetry: behind the commits all works again");
}

/* ---- SQL ----------------------------------------------------------------------------------------------------- */

/* Telemetry that was kept beside the records' PostgreSQL in an SQLite file goes there too, once; the file stays under another name. */
static lf_rc take_over(const char *url, struct lf_err *err)
{
    char moved[4300];
    struct lf_db *from = NULL;
    if (access(app_telemetry_db(), F_OK))
        return LF_OK;
    lf_log(LF_INFO, "taking the telemetry of %s over into PostgreSQL", app_telemetry_db());
    lf_rc rc = lf_db_open(&from, &(struct lf_db_config){ .url = sqlite_url() }, err);
    if (!rc)
        rc = lf_db_migrate(from, lf_tele_migrations, lf_tele_migration_count, NULL, err);
    if (!rc)
        rc = lf_tele_pg_take(url, from, err);
    lf_db_close(from);
    if (rc == LF_ECONFLICT)
        return lf_err_set(err, rc, NULL,
                          "PostgreSQL holds other telemetry already, so that of %s is not taken over\n"
                          "HINT: move that file elsewhere, or give this server a database of its own",
                          app_telemetry_db());
    snprintf(moved, sizeof moved, "%s.taken", app_telemetry_db());
    if (!rc && rename(app_telemetry_db(), moved))
        rc = lf_err_set(err, LF_EIO, NULL, "cannot rename %s to %s", app_telemetry_db(), moved);
    return rc;
}

static lf_rc migrate_postgres(const char *url, struct lf_err *err)
{
    struct lf_db *db = NULL;
    lf_rc rc = lf_db_open(&db, &(struct lf_db_config){ .url = url, .readers = 1 }, err);
    if (!rc)
        rc = lf_db_migrate_in(db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, err);
    lf_db_close(db);
    return rc;
}

static lf_rc open_postgres(struct app_telemetry *t, const char *url, struct lf_err *err)
{
    lf_rc rc = migrate_postgres(url, err);
    if (!rc)
        rc = take_over(url, err);
    struct lf_tele_pg_config c = { .url = url, .trouble = on_trouble };
    if (!rc)
        rc = read_keep(&c.keep, err);
    if (!rc)
        rc = lf_tele_pg_open(&t->store, &c, err);
    t->postgres = !rc;
    return rc;
}

static lf_rc open_sqlite(struct app_telemetry *t, struct lf_err *err)
{
    t->lock = app_telemetry_lock(err);
    t->locked = t->lock >= 0;
    lf_rc rc = t->locked ? lf_db_open(&t->db, &(struct lf_db_config){ .url = sqlite_url() }, err) : err->rc;
    if (!rc)
        rc = lf_db_migrate(t->db, lf_tele_migrations, lf_tele_migration_count, NULL, err);
    if (!rc)
        rc = read_keep(&t->keep, err);
    if (!rc)
        rc = lf_tele_sql_open(&t->store, t->db, err);
    return rc;
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static lf_rc open_files(struct app_telemetry *t, struct lf_err *err)
{
    struct lf_tele_log_config c = { .dir = app_telemetry_dir(), .trouble = on_trouble };
    lf_rc rc = read_days(c.keep_days, err);
    if (!rc)
        rc = lf_tele_log_open(&t->store, &c, err);
    t->files = !rc;
    return rc;
}

/* ---- which ------------------------------------------------------------------------------------------------------- */

/* Telemetry that is there already is never left behind unseen. */
static lf_rc choose(bool *files, struct lf_err *err)
{
    bool postgres = strncmp(app_db_url(), "sqlite:", 7) != 0;
    bool has_files = lf_tele_log_is_store(app_telemetry_dir()), has_db = !postgres && access(app_telemetry_db(), F_OK) == 0;
    const char *set = app_set.telemetry;
    *files = false;
    if (strcmp(set, "auto") && strcmp(set, "files") && strcmp(set, "sql"))
        return lf_err_set(err, LF_EINVAL, NULL, "telemetry must be files, sql or auto, not “%s”", set);
    *files = !strcmp(set, "files") || (!strcmp(set, "auto") && !postgres && (has_files || !has_db));
    if (!*files && has_files)
        return lf_err_set(
            err, LF_ECONFLICT, NULL,
            "%s holds telemetry in files\nHINT: set telemetry = files to go on with it, or move that folder away to begin anew",
            app_telemetry_dir());
    if (*files && !has_files && has_db)
        return lf_err_set(err, LF_ECONFLICT, NULL,
                          "%s holds telemetry\nHINT: `lanfan telemetry import` takes it into files; or set telemetry = sql to go on with "
                          "it, or move that file away",
                          app_telemetry_db());
    return LF_OK;
}

lf_rc app_telemetry_migrate(struct lf_err *err)
{
    bool files;
    lf_rc rc = choose(&files, err);
    return rc || files || !strncmp(app_db_url(), "sqlite:", 7) ? rc : migrate_postgres(app_db_url(), err);
}

lf_rc app_telemetry_open(struct app_telemetry *t, struct lf_err *err)
{
    bool files;
    lf_rc rc = choose(&files, err);
    if (rc)
        return rc;
    if (files)
        return open_files(t, err);
    return strncmp(app_db_url(), "sqlite:", 7) ? open_postgres(t, app_db_url(), err) : open_sqlite(t, err);
}

lf_rc app_telemetry_keep(struct app_telemetry *t, struct lf_err *err)
{
    int64_t removed = 0;
    lf_rc rc = t->db ? lf_tele_sql_keep(t->store, &t->keep, &removed, err) : LF_OK; /* the other stores do it by themselves */
    if (removed)
        lf_log(LF_INFO, "telemetry: %lld rows were too old and are removed", (long long)removed);
    return rc;
}

void app_telemetry_metrics(const struct app_telemetry *t, struct lf_out *o)
{
    if (t->files)
        lf_tele_log_metrics(t->store, o);
    if (t->postgres)
        lf_tele_pg_metrics(t->store, o);
}

void app_telemetry_close(struct app_telemetry *t)
{
    lf_tele_store_close(t->store);
    lf_db_close(t->db);
    if (t->locked)
        close(t->lock);
    *t = (struct app_telemetry){ 0 };
}

lf_rc app_telemetry_backup(const char *to, struct lf_err *err)
{
    char path[4200];
    struct lf_db *db = NULL;
    snprintf(path, sizeof path, "%s/telemetry", to);
    lf_rc rc = lf_tele_log_copy(app_telemetry_dir(), path, err);
    if (rc && rc != LF_ENOTFOUND)
        return rc;
    snprintf(path, sizeof path, "%s/telemetry.db", to);
    if (access(app_telemetry_db(), F_OK))
        return LF_OK;
    rc = lf_db_open(&db, &(struct lf_db_config){ .url = sqlite_url() }, err);
    if (!rc)
        rc = lf_db_backup(db, path, err);
    lf_db_close(db);
    return rc;
}
