/* user.c - `lanfan user`: accounts from the command line. */
#include "app/settings.h"
#include "core/account.h"

#include <stdio.h>

static const char *role = "admin", *area = "*";
static const struct app_option options[] = { { "role", APP_TEXT, &role, .arg = "ROLE", .help = "code of the role, default admin" },
                                             { "area", APP_TEXT, &area, .arg = "CODE", .help = "code of the place, default * (all)" } };

static lf_rc add(struct lf_ctx *cx, int argc, char **argv)
{
    char fresh[32], hash[128];
    lf_password_random(fresh);
    lf_rc rc = lf_password_hash(cx, lf_str(fresh), hash);
    if (rc || (rc = lf_tx_begin(cx, LF_TX_WRITE)))
        return rc;
    lf_id id;
    rc = lf_account_add(cx, argv[1], argv[1], role, area, NULL, &id);
    if (!rc)
        rc = lf_password_set(cx, id, hash, true);
    if ((rc = lf_tx_end(cx, rc)))
        return rc;
    printf("account %s, one-time password: %s\n", argv[1], fresh);
    return LF_OK;
}

static int user(int argc, char **argv)
{
    if (!app_words(&app_user, argc, argv, 2, 2) || strcmp(argv[0], "add"))
        return fputs("HINT: lanfan user add LOGIN [--role ROLE] [--area CODE]\n", stderr), APP_USAGE;
    return app_run("user", add, argc, argv);
}

const struct app_command app_user = {
    .name = "user",
    .args = "add LOGIN [options]",
    .summary = "accounts: a new one with a one-time password",
    .help = "Adds an account and prints its one-time password; the first log-in has to choose another.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = user,
};
