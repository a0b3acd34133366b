/* open.h - what a command opens: the kernel with all rooms, and the store of telemetry. */
#ifndef LF_APP_OPEN_H
#define LF_APP_OPEN_H
#include "core/app.h"
#include "tele/store.h"

/* The kernel by the settings, migrated; NULL and err when it cannot be. End with lf_app_stop. */
struct lf_app *app_open(struct lf_err *err);

/* Beside records in SQLite telemetry lies in files of its own (data/telemetry), or in telemetry.db when an older data directory has
 * that; beside records in PostgreSQL it lies there too (doc/decisions/0004). */
struct app_telemetry {
    struct lf_db *db; /* of the SQLite store, and what keeps others from it */
    int lock;
    bool locked;
    struct lf_tele_store *store;
    bool files, postgres;     /* it is the store of files; of PostgreSQL */
    struct lf_tele_keep keep; /* for the SQLite store */
};
/* The tables of telemetry in PostgreSQL; what lies beside SQLite is brought up to date when it is opened. */
lf_rc app_telemetry_migrate(struct lf_err *err) LF_MUST_CHECK;
lf_rc app_telemetry_open(struct app_telemetry *t, struct lf_err *err) LF_MUST_CHECK;
lf_rc app_telemetry_keep(struct app_telemetry *t, struct lf_err *err) LF_MUST_CHECK; /* removes what is too old */
void app_telemetry_metrics(const struct app_telemetry *t, struct lf_out *o);
void app_telemetry_close(struct app_telemetry *t); /* a half-opened one, too */
/* A consistent copy while a server writes, under the same names in directory to. Nothing when there is no telemetry yet. */
lf_rc app_telemetry_backup(const char *to, struct lf_err *err) LF_MUST_CHECK;
int app_telemetry_import(void);     /* the command: from telemetry.db into files */
const char *app_telemetry_db(void); /* path of the SQLite file, static */
/* Nobody else uses the SQLite file until the fd is closed; -1 when somebody does. */
int app_telemetry_lock(struct lf_err *err);
const char *app_telemetry_dir(void); /* of the store of files; static */
#endif
