/* audit.c - `lanfan audit verify`: does the chain of the audit trail hold? */
#include "app/settings.h"

#include <stdio.h>

static const char *anchor;
static const struct app_option options[] = { { "anchor", APP_TEXT, &anchor, .arg = "HASH",
                                               .help = "an entry kept elsewhere that must be found" } };

static lf_rc verify(struct lf_ctx *cx, int argc, char **argv)
{
    int64_t n;
    lf_id bad;
    char head[65] = "";
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    if ((rc = lf_tx_end(cx, lf_audit_verify(cx, anchor, &n, &bad, head))))
        return rc;
    if (bad.v)
        return lf_fail(cx, LF_ECONFLICT, NULL,
                       "the audit trail is broken at entry %lld\nHINT: keep this database as it is and compare with a backup",
                       (long long)bad.v);
    printf("audit trail good: %lld entries, head %s\n", (long long)n, head);
    return LF_OK;
}

static int audit(int argc, char **argv)
{
    if (!app_words(&app_audit, argc, argv, 1, 1) || strcmp(argv[0], "verify"))
        return fputs("HINT: lanfan audit verify [--anchor HASH]\n", stderr), APP_USAGE;
    return app_run("audit", verify, argc, argv);
}

const struct app_command app_audit = {
    .name = "audit",
    .args = "verify [options]",
    .summary = "check the audit trail",
    .help =
        "Walks the whole audit trail and checks that every entry fits the one before it. Prints the hash of the last entry: kept outside\n"
        "(printed, mailed, on another machine) and given as --anchor later, it shows that no tail was cut off.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = audit,
};
