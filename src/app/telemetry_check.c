/* telemetry_check.c - `lanfan telemetry verify` and `stats`: what the files of telemetry hold, and whether it is what was written. */
#include "app/open.h"
#include "app/settings.h"
#include "tele/log/store.h"

#include <stdio.h>

static void say(void *user, const char *what) { fprintf(stderr, "%s\n", what); }

static void print_month(int32_t m) { printf(" %04d-%02d", m / 12, m % 12 + 1); }

static void print(const struct lf_tele_log_stats *s)
{
    int64_t bytes = 0;
    printf("%-12s %9s %14s %16s %8s  months\n", "class", "segments", "entries", "bytes", "each");
    for (uint32_t c = 0; c < CLASS_COUNT; c++) {
        __auto_type k = &s->cls[c];
        bytes += k->bytes;
        if (!k->segments)
            continue;
        printf("%-12s %9lld %14lld %16lld %8.2f ", lf_tele_log_class(c), (long long)k->segments, (long long)k->entries, (long long)k->bytes,
               k->entries ? (double)k->bytes / (double)k->entries : 0);
        print_month(k->oldest);
        print_month(k->newest);
        puts("");
    }
    printf("sealed: %lld bytes; not sealed yet: %lld bytes in %lld journals\n", (long long)bytes, (long long)s->journal_bytes,
           (long long)s->journals);
}

static int check(bool whole)
{
    struct lf_tele_log_stats s;
    struct lf_err err = { 0 };
    int64_t bad = 0;
    lf_rc rc = lf_tele_log_check(app_telemetry_dir(), NULL, whole, say, NULL, &s, &bad, &err);
    if (rc == LF_ENOTFOUND)
        lf_err_set(&err, rc, NULL,
                   "%s holds no telemetry in files\nHINT: --data names the data directory; telemetry in SQLite or PostgreSQL is checked by "
                   "their own means",
                   app_telemetry_dir());
    if (rc)
        return app_fail(&err, "telemetry");
    print(&s);
    if (bad)
        fprintf(stderr, "lanfan telemetry: %lld damaged\nHINT: keep the folder as it is and restore from a backup\n", (long long)bad);
    else if (whole)
        puts("telemetry good: every checksum and every entry");
    return bad ? APP_FAILED : APP_OK;
}

static int telemetry(int argc, char **argv)
{
    if (!app_words(&app_telemetry, argc, argv, 1, 1))
        return APP_USAGE;
    bool whole = !strcmp(argv[0], "verify");
    if (!whole && strcmp(argv[0], "stats"))
        return fputs("HINT: lanfan telemetry verify, or lanfan telemetry stats\n", stderr), APP_USAGE;
    return check(whole);
}

const struct app_command app_telemetry = {
    .name = "telemetry",
    .args = "verify|stats",
    .summary = "check the files of telemetry",
    .help =
        "stats: how much of what is stored, from the files' own words. verify: reads every file of the telemetry folder and checks every\n"
        "checksum and every entry; names what is damaged. Both only read, also while the server runs.\n",
    .run = telemetry,
};
