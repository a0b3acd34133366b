/* backup.c - `lanfan backup`: a consistent copy while the server runs. */
#include "app/open.h"
#include "app/settings.h"

static lf_rc copy(struct lf_ctx *cx, int argc, char **argv)
{
    lf_rc rc = lf_db_backup(cx->db, argv[0], &cx->err);
    return rc ? rc : app_telemetry_backup(argv[0], &cx->err);
}

static int backup(int argc, char **argv)
{
    return app_words(&app_backup, argc, argv, 1, 1) ? app_run("backup", copy, argc, argv) : APP_USAGE;
}

const struct app_command app_backup = {
    .name = "backup",
    .args = "FILE [options]",
    .summary = "a consistent copy while the server runs",
    .help = "Writes a copy of the records to FILE and of the telemetry to FILE.telemetry.\n",
    .run = backup,
};
