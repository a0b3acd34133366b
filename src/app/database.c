/* database.c - `lanfan migrate` and `lanfan demo`: bring a database to this program's tables, fill an empty one. */
#include "app/rooms.h"
#include "app/settings.h"

static lf_rc nothing(struct lf_ctx *cx, int argc, char **argv) { return LF_OK; } /* opening has done it */

static int migrate(int argc, char **argv)
{
    return app_words(&app_migrate, argc, argv, 0, 0) ? app_run("migrate", nothing, argc, argv) : APP_USAGE;
}

const struct app_command app_migrate = {
    .name = "migrate",
    .args = "[options]",
    .summary = "bring the database up to this program and stop",
    .help = "Applies the migrations that the database has not seen, each in one transaction. `lanfan serve` does the same when it starts;\n"
            "this command is for an upgrade that shall be watched. Take a backup first.\n",
    .run = migrate,
};

static const char *from = "data/demo";
static const struct app_option options[] = { { "from", APP_TEXT, &from, .arg = "DIR", .help = "demonstration data, default data/demo" } };

static lf_rc fill(struct lf_ctx *cx, int argc, char **argv) { return app_demo_fill(cx, from); }

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
