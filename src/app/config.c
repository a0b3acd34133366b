/* config.c - `lanfan config`: the settings as they are in force. */
#include "app/settings.h"

#include <stdio.h>

static int config(int argc, char **argv)
{
    if (!app_words(&app_config, argc, argv, 0, 0))
        return APP_USAGE;
    app_settings_print(stdout);
    return APP_OK;
}

const struct app_command app_config = {
    .name = "config",
    .args = "[options]",
    .summary = "print the settings in force, and where each comes from",
    .help = "Prints every setting as a line of a configuration file, with where its value comes from. Passwords in the database's URL are\n"
            "left out. Ends with 2 when file, environment or command line are wrong: use it to check a file before a restart.\n",
    .run = config,
};
