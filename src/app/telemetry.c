/* telemetry.c - the store of telemetry: opening it, and copying it while it is written. */
#include "app/open.h"
#include "app/settings.h"
#include "base/log.h"
#include "tele/store.h"

#include <stdio.h>
#include <unistd.h>

static const char *sqlite_url(void)
{
    static char url[4200];
    snprintf(url, sizeof url, "sqlite:%s/telemetry.db", app_set.data);
    return url;
}

static const char *sqlite_path(void) { return sqlite_url() + strlen("sqlite:"); }

/* Telemetry that was kept beside the records' PostgreSQL in an SQLite file goes there too, once; the file stays under another name. */
static lf_rc take_over(const char *url, struct lf_err *err)
{
    char moved[4300];
    struct lf_db *from = NULL;
    if (access(sqlite_path(), F_OK))
        return LF_OK;
    lf_log(LF_INFO, "taking the telemetry of %s over into PostgreSQL", sqlite_path());
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
                          sqlite_path());
    snprintf(moved, sizeof moved, "%s.taken", sqlite_path());
    if (!rc && rename(sqlite_path(), moved))
        rc = lf_err_set(err, LF_EIO, NULL, "cannot rename %s to %s", sqlite_path(), moved);
    return rc;
}

static lf_rc open_postgres(struct app_telemetry *t, const char *url, struct lf_err *err)
{
    struct lf_db *db = NULL;
    lf_rc rc = lf_db_open(&db, &(struct lf_db_config){ .url = url, .readers = 1 }, err);
    if (!rc)
        rc = lf_db_migrate_in(db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, err);
    lf_db_close(db);
    if (!rc)
        rc = take_over(url, err);
    return rc ? rc : lf_tele_pg_open(&t->store, url, err);
}

lf_rc app_telemetry_open(struct app_telemetry *t, struct lf_err *err)
{
    if (strncmp(app_db_url(), "sqlite:", 7))
        return open_postgres(t, app_db_url(), err);
    lf_rc rc = lf_db_open(&t->db, &(struct lf_db_config){ .url = sqlite_url() }, err);
    if (!rc)
        rc = lf_db_migrate(t->db, lf_tele_migrations, lf_tele_migration_count, NULL, err);
    if (!rc)
        rc = lf_tele_sql_open(&t->store, t->db, err);
    return rc;
}

void app_telemetry_close(struct app_telemetry *t)
{
    lf_tele_store_close(t->store);
    lf_db_close(t->db);
    *t = (struct app_telemetry){ 0 };
}

lf_rc app_telemetry_backup(const char *to, struct lf_err *err)
{
    char path[4200];
    struct lf_db *db = NULL;
    snprintf(path, sizeof path, "%s/telemetry.db", to);
    if (access(sqlite_path(), F_OK))
        return LF_OK;
    lf_rc rc = lf_db_open(&db, &(struct lf_db_config){ .url = sqlite_url() }, err);
    if (!rc)
        rc = lf_db_backup(db, path, err);
    lf_db_close(db);
    return rc;
}
