/* settings.c - configuration by file, environment and flags. */
#include "app/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct app_settings app_set = {
    .data = "var/lanfan", .host = "127.0.0.1", .port = 8080, .station_port = 9012, .telemetry = "auto", .keep = "refused:183,quarantine:183"
}; /* what was not taken: anybody can send that */

const struct app_option app_settings[] = {
    { "data", APP_TEXT, &app_set.data, .arg = "DIR", .help = "data directory, default var/lanfan" },
    { "db", APP_TEXT, &app_set.db, .arg = "URL", .help = "sqlite:PATH or postgresql://..., default a file in the data directory" },
    { "host", APP_TEXT, &app_set.host, .arg = "ADDRESS", .help = "address to listen on, default 127.0.0.1" },
    { "port", APP_NUMBER, &app_set.port, 0, 65535, "N", "HTTP, default 8080; 0 = any free one" },
    { "station-host", APP_TEXT, &app_set.station_host, .arg = "ADDRESS",
      .help = "address to listen on for stations, default that of host" },
    { "station-port", APP_NUMBER, &app_set.station_port, 0, 65535, "N", "HJ 212, default 9012; 0 = any free one" },
    { "telemetry", APP_TEXT, &app_set.telemetry, .arg = "files|sql", .help = "where readings go, default auto: files beside SQLite" },
    { "telemetry-keep", APP_TEXT, &app_set.keep, .arg = "LIST", .help = "days, as rtd:400,packet:1830; what is not named is kept" },
    { "metrics-token", APP_SECRET, &app_set.metrics_token, .arg = "TOKEN",
      .help = "who asks for /metrics shows it (Authorization: Bearer); without it only this machine may ask" },
    { "demo", APP_SWITCH, &app_set.demo, .help = "demonstration: shows the demonstration log-ins" },
};
const int app_settings_count = LF_COUNT(app_settings);

enum origin { FROM_DEFAULT, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG };
static enum origin origin[LF_COUNT(app_settings)];
static const char *config_file;
static char text[1 << 16]; /* the file; the settings point into it */

/* ---- one value -------------------------------------------------------------------------------------- */

static const struct app_option *find(const struct app_option *o, int n, const char *name, size_t len)
{
    for (int i = 0; i < n; i++)
        if (strlen(o[i].name) == len && !strncmp(o[i].name, name, len))
            return &o[i];
    return NULL;
}

static bool truth(const char *s, bool *out)
{
    static const char *const words[] = { "no", "yes", "false", "true", "0", "1", "off", "on" };
    for (size_t i = 0; i < LF_COUNT(words); i++)
        if (!strcmp(s, words[i])) {
            *out = i % 2;
            return true;
        }
    return false;
}

/* where: how the message calls the place, such as "--port" or "lanfan.conf:3: port". */
static bool assign(const struct app_option *o, const char *where, const char *s)
{
    char *end;
    if (o->type == APP_TEXT || o->type == APP_SECRET) {
        *(const char **)o->to = s;
        if (!*s)
            fprintf(stderr, "lanfan: %s must not be empty\nHINT: %s: %s\n", where, o->name, o->help);
        return *s;
    }
    if (o->type == APP_SWITCH) {
        if (truth(s, o->to))
            return true;
        fprintf(stderr, "lanfan: %s must be yes or no, not “%s”\n", where, s);
        return false;
    }
    errno = 0;
    long v = strtol(s, &end, 10);
    if (*s && !*end && !errno && v >= o->lo && v <= o->hi) {
        *(int *)o->to = (int)v;
        return true;
    }
    fprintf(stderr, "lanfan: %s must be a number from %d to %d, not “%s”\n", where, o->lo, o->hi, s);
    return false;
}

static bool set(const struct app_option *o, enum origin from, const char *where, const char *s)
{
    if (o >= app_settings && o < app_settings + LF_COUNT(app_settings))
        origin[o - app_settings] = from;
    return assign(o, where, s);
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    for (char *e = s + strlen(s); e > s && isspace((unsigned char)e[-1]);)
        *--e = 0;
    return s;
}

static void list_names(void)
{
    fputs("HINT: known settings are", stderr);
    for (int i = 0; i < app_settings_count; i++)
        fprintf(stderr, "%s %s", i ? "," : "", app_settings[i].name);
    fputs("; a line is `name = value`, # begins a comment line\n", stderr);
}

static bool file_line(const char *path, int line, char *s)
{
    char where[4300];
    s = trim(s);
    if (!*s || *s == '#')
        return true;
    char *eq = strchr(s, '=');
    if (eq)
        *eq = 0;
    const char *name = trim(s);
    const struct app_option *o = find(app_settings, app_settings_count, name, strlen(name));
    if (!eq || !o) {
        fprintf(stderr, "lanfan: %s:%d: %s “%s”\n", path, line, eq ? "there is no setting" : "no `=` in", name);
        list_names();
        return false;
    }
    snprintf(where, sizeof where, "%s:%d: %s", path, line, name);
    if (origin[o - app_settings] == FROM_FILE) {
        fprintf(stderr, "lanfan: %s is set twice\nHINT: keep one of the two lines\n", where);
        return false;
    }
    return set(o, FROM_FILE, where, trim(eq + 1));
}

static bool read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    bool ok = f && !ferror(f) && n < sizeof text && !memchr(text, 0, n);
    if (!ok)
        fprintf(stderr,
                "lanfan: cannot read the configuration %s: %s\nHINT: --config FILE or LANFAN_CONFIG names a text file of at most 64 KB\n",
                path, !f || ferror(f) ? strerror(errno) : "too long, or not a text");
    if (f)
        fclose(f);
    text[ok ? n : 0] = 0;
    int line = 1;
    for (char *s = text, *next; ok && s; s = next, line++) {
        if ((next = strchr(s, '\n')))
            *next++ = 0;
        ok = file_line(path, line, s);
    }
    return ok;
}

/* ---- environment and flags --------------------------------------------------------------------------------- */

static bool read_environment(void)
{
    for (int i = 0; i < app_settings_count; i++) {
        char name[64] = "LANFAN_";
        size_t n = strlen(name);
        for (const char *s = app_settings[i].name; *s && n < sizeof name - 1; s++)
            name[n++] = *s == '-' ? '_' : (char)toupper((unsigned char)*s);
        name[n] = 0;
        const char *v = getenv(name);
        if (v && !set(&app_settings[i], FROM_ENVIRONMENT, name, v))
            return false;
    }
    return true;
}

static const struct app_option config_option = { "config", APP_TEXT, &config_file, .arg = "FILE", .help = "configuration file" };

/* One flag at argv[*i]; *i moves over its value. apply false: only --config is taken. */
static bool flag(const struct app_command *c, int argc, char **argv, int *i, bool apply)
{
    const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = eq ? eq + 1 : NULL;
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    char where[80];
    const struct app_option *o = find(c->option, c->noption, name, len);
    if (!o)
        o = find(app_settings, app_settings_count, name, len);
    if (!o)
        o = find(&config_option, 1, name, len);
    if (!o) {
        fprintf(stderr, "lanfan %s: there is no option --%.*s\nHINT: lanfan %s --help lists them\n", c->name, (int)len, name, c->name);
        return false;
    }
    if (!value && o->type == APP_SWITCH)
        value = "yes";
    else if (!value && *i + 1 < argc)
        value = argv[++*i];
    if (!value) {
        fprintf(stderr, "lanfan %s: --%s wants a value: %s\n", c->name, o->name, o->arg);
        return false;
    }
    snprintf(where, sizeof where, "--%s", o->name);
    return (!apply && o != &config_option) || set(o, FROM_FLAG, where, value);
}

static bool flags(const struct app_command *c, int argc, char **argv, int *n, bool *help, bool apply)
{
    bool only_words = false;
    *n = 0;
    for (int i = 0; i < argc; i++) {
        if (!only_words && !strcmp(argv[i], "--")) {
            only_words = true;
        } else if (!only_words && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
            *help = true;
        } else if (!only_words && !strncmp(argv[i], "--", 2)) {
            if (!flag(c, argc, argv, &i, apply))
                return false;
        } else if (apply) {
            argv[(*n)++] = argv[i];
        }
    }
    return true;
}

bool app_settings_read(const struct app_command *c, int argc, char **argv, int *n, bool *help)
{
    const char *named = getenv("LANFAN_CONFIG");
    config_file = named && *named ? named : NULL;
    if (!flags(c, argc, argv, n, help, false))
        return false;
    if (*help)
        return true;
    return (!config_file || read_file(config_file)) && read_environment() && flags(c, argc, argv, n, help, true);
}

/* ---- out ------------------------------------------------------------------------------------------------------ */

/* postgresql://user:PASSWORD@host and ...?password=PASSWORD lose their password. */
static void print_value(FILE *to, const char *s)
{
    const char *at = strchr(s, '@'), *slashes = strstr(s, "://"), *colon = slashes ? strchr(slashes + 3, ':') : NULL;
    const char *word = strstr(s, "password=");
    if (at && colon && colon < at)
        fprintf(to, "%.*s***", (int)(colon + 1 - s), s), s = at;
    if (word && word >= s) {
        word += strlen("password=");
        fprintf(to, "%.*s***%s", (int)(word - s), s, word + strcspn(word, "& "));
    } else {
        fputs(s, to);
    }
}

void app_settings_print(FILE *to)
{
    static const char *const names[] = { "default", "file", "environment", "command line" };
    if (config_file)
        fprintf(to, "# configuration file %s\n", config_file);
    for (int i = 0; i < app_settings_count; i++) {
        const struct app_option *o = &app_settings[i];
        const char *value = o->to == &app_set.db ? app_db_url() : o->type == APP_TEXT ? *(const char **)o->to : "";
        if (o->type == APP_SECRET)
            value = NULL;
        fprintf(to, "# %s: %s\n%s%s = ", names[origin[i]], o->help, value ? "" : "# ", o->name); /* what is not set has no empty value */
        if (o->type == APP_TEXT)
            print_value(to, value ? value : "");
        else if (o->type == APP_SECRET)
            fputs(*(const char **)o->to ? "***" : "", to);
        else if (o->type == APP_NUMBER)
            fprintf(to, "%d", *(int *)o->to);
        else
            fputs(*(bool *)o->to ? "yes" : "no", to);
        fputs("\n", to);
    }
}

const char *app_db_url(void)
{
    static char url[4200];
    if (app_set.db)
        return app_set.db;
    snprintf(url, sizeof url, "sqlite:%s/lanfan.db", app_set.data);
    return url;
}
