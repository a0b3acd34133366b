/* database.c - `lanfan migrate` and `lanfan demo`: bring a database to this program's tables, fill an empty one. */
#include "app/open.h"
#include "app/rooms.h"
#include "app/settings.h"

#include <unistd.h>

/* Opening has done the records. */
static lf_rc migrate_telemetry(struct lf_ctx *cx, int argc, char **argv) { return app_telemetry_migrate(&cx->err); }

static int migrate(int argc, char **argv)
{
    return app_words(&app_migrate, argc, argv, 0, 0) ? app_run("migrate", migrate_telemetry, argc, argv) : APP_USAGE;
}

const struct app_command app_migrate = {
    .name = "migrate",
    .args = "[options]",
    .summary = "bring the database up to this program and stop",
    .help = "Applies the migrations that the database has not seen, each in one transaction. `lanfan serve` does the same when it starts;\n"
            "this command is for an upgrade that shall be watched. Take a backup first.\n",
    .run = migrate,
};

const char *app_demo_dir(const char *said)
{
    return said ? said : access("data/demo/areas.csv", R_OK) == 0 ? "data/demo" : LF_SHARE "/demo";
}

static const char *from;
static const struct app_option options[] = { { "from", APP_TEXT, &from, .arg = "DIR", .help = APP_DEMO_HELP } };

static lf_rc fill(struct lf_ctx *cx, int argc, char **argv) { return app_demo_fill(cx, app_demo_dir(from)); }

static int demo(int argc, char **argv) { return app_words(&app_demo, argc, argv, 0, 0) ? app_run("demo", fill, argc, argv) : APP_USAGE; }

const struct app_command app_demo = {
    .name = "demo",
    .args = "[options]",
    .summary = "fill an empty database with the demonstration city",
    .help =
        "Fills an empty database with the demonstration: divisions, polluters, stations, limits, people. Does nothing when there is an\n"
        "account already. The demonstration's password is published: never use such a database for anything else.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = demo,
};
