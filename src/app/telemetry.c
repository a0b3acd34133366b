/* telemetry.c - the store of telemetry: opening it, and copying it while it is written. */
#include "app/open.h"
#include "app/settings.h"
#include "tele/store.h"

#include <stdio.h>
#include <unistd.h>

lf_rc app_telemetry_open(struct app_telemetry *t, struct lf_err *err)
{
    char url[4200];
    snprintf(url, sizeof url, "sqlite:%s/telemetry.db", app_set.data);
    lf_rc rc = lf_db_open(&t->db, &(struct lf_db_config){ .url = url }, err);
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
    char from[4200], path[4200];
    struct lf_db *db = NULL;
    snprintf(from, sizeof from, "sqlite:%s/telemetry.db", app_set.data);
    snprintf(path, sizeof path, "%s/telemetry.db", to);
    if (access(from + strlen("sqlite:"), F_OK))
        return LF_OK;
    lf_rc rc = lf_db_open(&db, &(struct lf_db_config){ .url = from }, err);
    if (!rc)
        rc = lf_db_backup(db, path, err);
    lf_db_close(db);
    return rc;
}
