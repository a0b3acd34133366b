/* settings.h - what one installation sets: by file, environment and command line, the later beating the former. */
#ifndef LF_APP_SETTINGS_H
#define LF_APP_SETTINGS_H
#include "app/command.h"

struct app_settings {
    const char *data, *db, *host, *station_host, *telemetry, *keep, *metrics_token;
    int port, station_port;
    bool demo;
};
extern struct app_settings app_set; /* written before any thread exists */
extern const struct app_option app_settings[];
extern const int app_settings_count;

/* Reads the configuration file (--config FILE, else LANFAN_CONFIG), then the environment, then argv: the settings and the options of
 * c. Moves what is no option to the front of argv (*n of them). False: said on stderr what is wrong. *help: --help was there. */
bool app_settings_read(const struct app_command *c, int argc, char **argv, int *n, bool *help);
/* The effective settings, one `name = value` a line with where each comes from; no password. */
void app_settings_print(FILE *to);
const char *app_db_url(void); /* of the records; static */
#endif
