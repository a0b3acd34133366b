/* main.c - the program lanfan: one word says what to do. Each command is a file of its own. */
#include "app/settings.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

static int version(int argc, char **argv) { return puts("lanfan " LF_VERSION) < 0; }
static const struct app_command app_version = {
    .name = "version", .args = "", .summary = "say which Lanfan this is", .help = "Prints the name and the version.\n", .run = version
};

static const struct app_command *const commands[] = { &app_serve,   &app_migrate, &app_demo,   &app_simulate,  &app_import,
                                                      &app_export,  &app_user,    &app_audit,  &app_telemetry, &app_backup,
                                                      &app_restore, &app_config,  &app_version };

static void print_options(FILE *to, const struct app_option *o, int n)
{
    for (int i = 0; i < n; i++)
        fprintf(to, "  --%s%s%s%*s%s\n", o[i].name, o[i].arg ? " " : "", o[i].arg ? o[i].arg : "",
                (int)(26 - strlen(o[i].name) - (o[i].arg ? strlen(o[i].arg) + 1 : 0)), "", o[i].help);
}

static void print_settings(FILE *to)
{
    fputs("settings (also `name = value` in a file named by --config FILE or LANFAN_CONFIG, also LANFAN_NAME in the environment;\n"
          "a flag beats the environment, the environment beats the file)\n",
          to);
    print_options(to, app_settings, app_settings_count);
}

static void app_usage(const struct app_command *c, FILE *to)
{
    fprintf(to, "usage: lanfan %s %s\n\n%s", c->name, c->args, c->help);
    if (c->noption)
        fputs("\noptions\n", to);
    print_options(to, c->option, c->noption);
    fputs("\n", to);
    print_settings(to);
}

static void usage(FILE *to)
{
    fputs("usage: lanfan COMMAND [options]\n\n", to);
    for (size_t i = 0; i < LF_COUNT(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`lanfan COMMAND --help` tells more.\n\n", to);
    print_settings(to);
}

static const struct app_command *find(const char *name)
{
    for (size_t i = 0; i < LF_COUNT(commands); i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

bool app_words(const struct app_command *c, int argc, char **argv, int least, int most)
{
    if (argc >= least && argc <= most)
        return true;
    if (argc > most)
        fprintf(stderr, "lanfan %s: what is “%s” for?\n", c->name, argv[most]);
    fprintf(stderr, "usage: lanfan %s %s\nHINT: lanfan %s --help\n", c->name, c->args, c->name);
    return false;
}

/* For tests of what takes hours: the whole program lives so many seconds ahead. */
static void shift_clock(void)
{
    const char *s = getenv("LANFAN_TEST_CLOCK_S");
    if (!s)
        return;
    lf_now_shift(strtoll(s, NULL, 10) * 1000);
    lf_log(LF_WARN, "LANFAN_TEST_CLOCK_S: the clock runs %s seconds ahead, for tests only", s);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int words = 0;
    bool help = false;
    if (!strcmp(name, "help") && argc > 2)
        name = argv[2], help = true;
    const struct app_command *c = find(!strcmp(name, "--version") ? "version" : name);
    if (!c) {
        bool asked = !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
        if (!asked && *name)
            fprintf(stderr, "lanfan: there is no command “%s”\n", name);
        usage(asked ? stdout : stderr);
        return asked ? APP_OK : APP_USAGE;
    }
    if (!help && !app_settings_read(c, argc - 2, argv + 2, &words, &help))
        return APP_USAGE;
    if (help) {
        app_usage(c, stdout);
        return APP_OK;
    }
    shift_clock();
    return c->run(words, argv + 2);
}
