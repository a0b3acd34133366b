/* telemetry_check.c - `lanfan telemetry` with `verify`, `stats` and `salvage`: what the files of telemetry hold, whether it is what was written,
 * and how to go on when it is not. */
#include "app/open.h"
#include "app/settings.h"
#include "app/tree.h"
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
        fprintf(stderr,
                "lanfan telemetry: %lld damaged\nHINT: restore from a backup, or `lanfan telemetry salvage COPY` keeps what is good\n",
                (long long)bad);
    else if (whole)
        puts("telemetry good: every checksum and every entry");
    return bad ? APP_FAILED : APP_OK;
}

/* The folder as it is goes to the copy first: what is left out here can still be looked into. */
static lf_rc salvage(struct lf_ctx *cx, const char *copy)
{
    struct lf_tele_store *store;
    struct lf_tele_log_stats s;
    const char *dir = app_telemetry_dir();
    if (!lf_tele_log_is_store(dir))
        return lf_fail(cx, LF_ENOTFOUND, NULL, "%s holds no telemetry in files", dir);
    lf_rc rc = app_dir_fresh(cx, copy);
    if (!rc)
        rc = app_tree_copy(cx, dir, copy);
    if (!rc)
        rc = lf_tele_log_open(&store, &(struct lf_tele_log_config){ .dir = dir, .by_hand = true, .salvage = true }, &cx->err);
    if (rc)
        return rc;
    lf_tele_log_stats(store, &s);
    lf_tele_store_close(store);
    print(&s);
    printf("salvaged: %lld files and %lld commits were left out; all as it was is in %s\n", (long long)s.lost_files,
           (long long)s.lost_records, copy);
    return LF_OK;
}

static int run_salvage(const char *copy)
{
    struct lf_ctx cx = { 0 };
    lf_rc rc = salvage(&cx, copy);
    if (rc)
        app_fail(&cx.err, "telemetry");
    lf_ctx_free(&cx);
    return rc ? APP_FAILED : APP_OK;
}

static int telemetry(int argc, char **argv)
{
    bool saving = argc > 0 && !strcmp(argv[0], "salvage");
    if (!app_words(&app_telemetry, argc, argv, 1 + saving, 1 + saving))
        return APP_USAGE;
    if (saving)
        return run_salvage(argv[1]);
    if (!strcmp(argv[0], "import"))
        return app_telemetry_import();
    bool whole = !strcmp(argv[0], "verify");
    if (!whole && strcmp(argv[0], "stats"))
        return fputs("HINT: lanfan telemetry verify, stats, import, or salvage COPY\n", stderr), APP_USAGE;
    return check(whole);
}

const struct app_command app_telemetry = {
    .name = "telemetry",
    .args = "verify|stats|import|salvage COPY",
    .summary = "check the files of telemetry, or make them from telemetry.db",
    .help =
        "stats: how much of what is stored, from the files' own words. verify: reads every file of the telemetry folder and checks every\n"
        "checksum and every entry; names what is damaged. Both only read, also while the server runs. salvage, while it does not run:\n"
        "copies the folder as it is to COPY, then leaves out what is damaged so that the server starts again, and tells how much.\n"
        "import, while it does not run: takes what an older installation keeps in telemetry.db into files, with the packets' numbers, and\n"
        "renames telemetry.db to telemetry.db.taken. Interrupted, it goes on where it was when it is called again.\n",
    .run = telemetry,
};
