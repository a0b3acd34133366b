/* command.h - one command of the program: a row of the table in main.c, a file of its own. */
#ifndef LF_APP_COMMAND_H
#define LF_APP_COMMAND_H
#include "core/app.h"

/* What the program ends with. */
enum {
    APP_OK = 0,
    APP_FAILED = 1,
    APP_USAGE = 2,  /* the command line or the configuration is wrong; nothing was done */
    APP_REFUSED = 3 /* import: done, but rows were refused (they are listed) */
};

/* One option: --name VALUE (or --name=VALUE). A setting is an option that every command takes; it may also stand in the
 * configuration file as `name = VALUE` and in the environment as LANFAN_NAME (capitals, _ for -). */
enum app_option_type { APP_TEXT, APP_SECRET /* a text that is never printed */, APP_NUMBER, APP_SWITCH };
struct app_option {
    const char *name;
    enum app_option_type type;
    void *to;         /* const char ** (texts and secrets; not copied), int *, bool * */
    int lo, hi;       /* of a number */
    const char *arg;  /* how --help names the value */
    const char *help; /* one line */
};

struct app_command {
    const char *name, *args;         /* args: what follows the name, "FILE [--dry]" */
    const char *summary;             /* one line of `lanfan --help` */
    const char *help;                /* the command's own text; ends with a line break */
    const struct app_option *option; /* beside the settings */
    int noption;
    int (*run)(int argc, char **argv); /* what is left after the options; returns what the program ends with */
};
extern const struct app_command app_audit, app_backup, app_config, app_demo, app_export, app_import, app_migrate, app_restore, app_serve,
    app_simulate, app_telemetry, app_user;

/* Prints "lanfan WHAT: message" and returns APP_FAILED. */
int app_fail(const struct lf_err *e, const char *what);
/* Opens the kernel by the settings (and migrates), runs fn as the system with no transaction open, closes. Errors are printed. */
int app_run(const char *what, lf_rc (*fn)(struct lf_ctx *cx, int argc, char **argv), int argc, char **argv);
/* Refuses what was left over on the command line, and wants at least so many words. */
bool app_words(const struct app_command *c, int argc, char **argv, int least, int most);
#endif
