/* table.c - `lanfan import` and `lanfan export`: records as files, by the same functions that the pages use. */
#include "core/table.h"

#include "app/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *as, *lang;
static bool dry;

/* ---- what both do ------------------------------------------------------------------------------------- */

static enum lf_lang language(void)
{
    const char *s = lang ? lang : getenv("LC_ALL");
    if (!s || !*s)
        s = getenv("LANG");
    return s && !strncmp(s, "zh", 2) ? LF_ZH : LF_EN;
}

static lf_rc find_type(struct lf_ctx *cx, const char *name, const struct lf_res **r)
{
    struct lf_out o = lf_out_memory(0);
    if (!(*r = lf_app_res(cx->app, lf_str(name)))) {
        for (int i = 0; i < cx->app->nres; i++)
            lf_putf(&o, " %s", cx->app->res[i]->name);
        lf_fail(cx, LF_EINVAL, NULL, "there is no record type %s\nHINT: one of%.*s", name, (int)lf_out_text(&o).n, lf_out_text(&o).p);
    }
    lf_out_close(&o);
    return *r ? LF_OK : LF_EINVAL;
}

static lf_rc find_kind(struct lf_ctx *cx, const char *file, enum lf_table_kind *kind)
{
    const char *dot = strrchr(file, '.');
    return dot && lf_table_kind_parse(lf_str(dot + 1), kind)
               ? LF_OK
               : lf_fail(cx, LF_EINVAL, NULL, "%s: the name must end in .csv, .xlsx or .geojson", file);
}

/* With --as, the command sees and may do what that account does, and the audit trail names it. */
static lf_rc become(struct lf_ctx *cx)
{
    lf_id id;
    cx->lang = language();
    if (!as)
        return LF_OK;
    lf_rc rc = lf_account_find(cx, as, &id);
    return rc ? rc : lf_login_as(cx, id);
}

/* ---- import --------------------------------------------------------------------------------------------- */

static void refused(void *user, struct lf_ctx *cx, int row, const lf_text *cells, int n)
{
    lf_text why = lf_lang_pick(lf_str(cx->err.msg), cx->lang);
    fprintf(stderr, "%s:%d: %s%s%.*s\n", (const char *)user, row, cx->err.field ? cx->err.field : "", cx->err.field ? ": " : "", (int)why.n,
            why.p);
}

static int refused_rows;

static lf_rc load_file(struct lf_ctx *cx, const struct lf_res *r, struct lf_table_load *load, char *file)
{
    load->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (load->fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "cannot read %s: %s", file, strerror(errno));
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc) {
        rc = become(cx);
        if (!rc)
            rc = lf_table_load(cx, r, load);
        lf_rc end = lf_tx_end(cx, !rc && dry ? LF_ECONFLICT : rc); /* a dry run is rolled back */
        rc = !rc && dry ? LF_OK : end;
    }
    close(load->fd);
    return rc;
}

static lf_rc import_rows(struct lf_ctx *cx, int argc, char **argv)
{
    const struct lf_res *r;
    struct lf_table_load load = { .refused = refused, .user = argv[1], .dry = dry };
    lf_rc rc = find_type(cx, argv[0], &r);
    if (rc || (rc = find_kind(cx, argv[1], &load.kind)) || (rc = load_file(cx, r, &load, argv[1])))
        return rc;
    printf("%lld rows, %lld %s, %lld refused\n", (long long)load.rows, (long long)load.accepted, dry ? "would be accepted" : "accepted",
           (long long)load.refused_rows);
    refused_rows = load.refused_rows > 0;
    return LF_OK;
}

static int import_command(int argc, char **argv)
{
    if (!app_words(&app_import, argc, argv, 2, 2))
        return APP_USAGE;
    int end = app_run("import", import_rows, argc, argv);
    return !end && refused_rows ? APP_REFUSED : end;
}

static const struct app_option import_options[] = {
    { "dry", APP_SWITCH, &dry, .help = "only look: report what would be refused" },
    { "as", APP_TEXT, &as, .arg = "LOGIN", .help = "with the rights and the area of this account; default: the system" },
    { "lang", APP_TEXT, &lang, .arg = "zh|en", .help = "of the report; default by LC_ALL or LANG" },
};

const struct app_command app_import = {
    .name = "import",
    .args = "TYPE FILE [options]",
    .summary = "take records from a csv or xlsx file",
    .help = "Creates a record of TYPE (source, station, area, post ...) for each row of FILE. Headings are the names of the columns, in "
            "Chinese,\n"
            "in English or as in the interface. Good rows go in together, those of a long file in parts of about a second, so that\n"
            "a server beside it can write too; refused rows are listed on stderr as FILE:ROW: column: why.\n"
            "Ends with 0 when all went in, 3 when rows were refused, 1 when a failure ended it: the message tells how much is in.\n",
    .option = import_options,
    .noption = LF_COUNT(import_options),
    .run = import_command,
};

/* ---- export ------------------------------------------------------------------------------------------------ */

static lf_rc read_filters(struct lf_ctx *cx, struct lf_query *q, int argc, char **argv)
{
    struct lf_filter *f = lf_alloc(&cx->arena, sizeof *f * (size_t)(argc + 1));
    q->filter = f;
    for (int i = 0; i < argc; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq)
            return lf_fail(cx, LF_EINVAL, NULL, "what is “%s” for?\nHINT: filters are written name=value, such as state=closed", argv[i]);
        f[q->nfilter++] = (struct lf_filter){ { argv[i], (uint32_t)(eq - argv[i]) }, lf_str(eq + 1) };
    }
    return LF_OK;
}

/* Written beside its place and then renamed: FILE is whole or not there. */
static lf_rc write_file(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, enum lf_table_kind kind, const char *file)
{
    const char *tmp = lf_printf(&cx->arena, "%s.part%d", file, (int)getpid());
    int fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "cannot write %s: %s", tmp, strerror(errno));
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (!rc) {
        rc = become(cx);
        rc = lf_tx_end(cx, rc ? rc : lf_table_write(cx, r, q, kind, fd));
    }
    bool bad = !rc && (fsync(fd) || rename(tmp, file));
    if (bad)
        rc = lf_fail(cx, LF_EIO, NULL, "cannot write %s: %s", file, strerror(errno));
    if (rc)
        unlink(tmp);
    close(fd);
    return rc;
}

static lf_rc export_rows(struct lf_ctx *cx, int argc, char **argv)
{
    const struct lf_res *r;
    enum lf_table_kind kind;
    struct lf_query q = { 0 };
    lf_rc rc = find_type(cx, argv[0], &r);
    if (rc || (rc = find_kind(cx, argv[1], &kind)) || (rc = read_filters(cx, &q, argc - 2, argv + 2)))
        return rc;
    return write_file(cx, r, &q, kind, argv[1]);
}

static int export_command(int argc, char **argv)
{
    return app_words(&app_export, argc, argv, 2, 34) ? app_run("export", export_rows, argc, argv) : APP_USAGE;
}

static const struct app_option export_options[] = {
    { "as", APP_TEXT, &as, .arg = "LOGIN", .help = "only what this account may see; default: everything" },
    { "lang", APP_TEXT, &lang, .arg = "zh|en", .help = "of the headings; default by LC_ALL or LANG" },
};

const struct app_command app_export = {
    .name = "export",
    .args = "TYPE FILE [NAME=VALUE ...] [options]",
    .summary = "write records to a csv, xlsx or geojson file",
    .help = "Writes the records of TYPE to FILE; its ending says how. NAME=VALUE are the filters of the lists, such as state=closed\n"
            "grid_code=370302. Sealed fields (the identity of a reporter) are never exported.\n",
    .option = export_options,
    .noption = LF_COUNT(export_options),
    .run = export_command,
};
