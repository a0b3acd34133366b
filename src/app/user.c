/* user.c - `lanfan user`: accounts from the command line, for the first one and for the day nobody can log in. */
#include "app/settings.h"
#include "core/account.h"

#include <stdio.h>

static const char *role = "officer", *area, *name;
static const struct app_option options[] = {
    { "role", APP_TEXT, &role, .arg = "ROLE", .help = "add: code of the role, default officer" },
    { "area", APP_TEXT, &area, .arg = "CODE", .help = "add: code of the place or zone; * is the whole" },
    { "name", APP_TEXT, &name, .arg = "NAME", .help = "add: the person's name, default the log-in" },
};

/* A new one-time password; hashing takes its time, so it is done before the writer is held. */
static lf_rc one_time(struct lf_ctx *cx, char fresh[32], char hash[128])
{
    lf_password_random(fresh);
    return lf_password_hash(cx, lf_str(fresh), hash);
}

static lf_rc add_row(struct lf_ctx *cx, const char *login, const char *hash)
{
    lf_id id;
    lf_rc rc = lf_account_add(cx, login, name ? name : login, role, area, NULL, &id);
    return rc ? rc : lf_password_set(cx, id, hash, true);
}

static lf_rc add(struct lf_ctx *cx, int argc, char **argv)
{
    char fresh[32], hash[128];
    if (!area)
        return lf_fail(cx, LF_EINVAL, NULL, "which place shall %s see?\nHINT: --area CODE, such as 370302, or --area '*' for the whole",
                       argv[1]);
    lf_rc rc = one_time(cx, fresh, hash);
    if (!rc)
        rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc || (rc = lf_tx_end(cx, add_row(cx, argv[1], hash))))
        return rc;
    printf("account %s, one-time password: %s\n", argv[1], fresh);
    return LF_OK;
}

static lf_rc set_password(struct lf_ctx *cx, const char *login, const char *hash)
{
    lf_id id;
    lf_rc rc = lf_account_find(cx, login, &id);
    return rc ? rc : lf_password_set(cx, id, hash, true);
}

static lf_rc password(struct lf_ctx *cx, int argc, char **argv)
{
    char fresh[32], hash[128];
    lf_rc rc = one_time(cx, fresh, hash);
    if (!rc)
        rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc || (rc = lf_tx_end(cx, set_password(cx, argv[1], hash))))
        return rc;
    printf("account %s, one-time password: %s\n", argv[1], fresh);
    return LF_OK;
}

/* ---- in use or not ------------------------------------------------------------------------------------------ */

static lf_rc set_disabled(void *user, struct lf_ctx *cx, void *row)
{
    return lf_member_set(cx, lf_res_field(&account_res, LF_TEXT("disabled")), row, lf_val_bool(*(bool *)user));
}

static lf_rc switch_row(struct lf_ctx *cx, const char *login, bool off)
{
    lf_id id;
    struct lf_change ch = { .note = LF_TEXT("lanfan user") };
    lf_rc rc = lf_account_find(cx, login, &id);
    return rc ? rc : lf_res_edit(cx, &account_res, id, LF_NULL64, set_disabled, &off, &ch);
}

static lf_rc switch_account(struct lf_ctx *cx, int argc, char **argv)
{
    bool off = !strcmp(argv[0], "disable");
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, switch_row(cx, argv[1], off));
    if (!rc)
        printf("account %s is %s\n", argv[1], off ? "disabled; its sessions are ended" : "in use");
    return rc;
}

/* ---- list ------------------------------------------------------------------------------------------------------ */

static void print_line(const struct lf_account_line *a)
{
    printf("%.*s\t%.*s\t%.*s\t%.*s\t%s\n", (int)a->login.n, a->login.p, (int)a->role.n, a->role.p, (int)a->area.n, a->area.p,
           (int)a->name.n, a->name.p,
           a->disabled      ? "disabled"
           : a->must_change ? "one-time password"
                            : "in use");
}

static lf_rc list(struct lf_ctx *cx, int argc, char **argv)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    return rc ? rc : lf_tx_end(cx, lf_account_each(cx, print_line));
}

/* ---- the words ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    int words;
    lf_rc (*fn)(struct lf_ctx *cx, int argc, char **argv);
} actions[] = {
    { "add", 2, add }, { "list", 1, list }, { "password", 2, password }, { "disable", 2, switch_account }, { "enable", 2, switch_account }
};

static int user(int argc, char **argv)
{
    for (size_t i = 0; argc && i < LF_COUNT(actions); i++)
        if (!strcmp(argv[0], actions[i].word))
            return app_words(&app_user, argc, argv, actions[i].words, actions[i].words) ? app_run("user", actions[i].fn, argc, argv)
                                                                                        : APP_USAGE;
    return app_words(&app_user, 0, argv, 1, 1) ? APP_FAILED : APP_USAGE;
}

const struct app_command app_user = {
    .name = "user",
    .args = "add LOGIN | list | password LOGIN | disable LOGIN | enable LOGIN",
    .summary = "accounts",
    .help = "add       a new account (--role, --area, --name) with a one-time password, which is printed\n"
            "list      log-in, role, area, name and state of every account, separated by tabs\n"
            "password  a new one-time password; ends every session of the account and lifts a lock\n"
            "disable   nobody can log in any more; its sessions are ended. Accounts are never removed: the audit trail names them\n"
            "enable    the account is in use again\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = user,
};
