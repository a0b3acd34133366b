/* main.c - the program lanfan: one word says what to do. */
#include "app/rooms.h"

#include "base/log.h"
#include "core/account.h"
#include "db/db.h"
#include "rooms/alarm/alarm.h"
#include "rooms/station/station.h"
#include "tele/listener.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct lf_asset app_assets[];
extern const size_t app_assets_count;

static struct app_options opt = { .data = "var/lanfan", .host = "127.0.0.1", .port = 8080, .station_port = 9012 };
static const char *demo_dir = "data/demo";
static int every_ms = 2000, rounds;
static const char *replay_file, *account_role = "admin", *account_area = "*", *anchor;

static int fail(const struct lf_err *e, const char *what)
{
    fprintf(stderr, "lanfan %s: %s\n", what, e->msg);
    return 1;
}

/* ---- opening -------------------------------------------------------------------------------------------- */

static struct lf_app *open_app(struct lf_err *err)
{
    static char url[4200];
    struct lf_app *app = NULL;
    snprintf(url, sizeof url, "sqlite:%s/lanfan.db", opt.data);
    struct lf_app_config c = { .db_url = opt.db ? opt.db : url,
                               .data_dir = opt.data,
                               .room = app_rooms,
                               .nroom = app_room_count,
                               .role = app_roles,
                               .nrole = app_role_count,
                               .demo = opt.demo };
    return lf_app_start(&app, &c, err) ? NULL : app;
}

/* Telemetry has a file of its own on SQLite, so that it never waits for the records; on PostgreSQL a pool of its own. */
struct telemetry {
    struct lf_db *db;
    struct lf_tele_store *store;
    struct lf_listener *listener;
};

static lf_rc open_telemetry(struct telemetry *t, struct lf_err *err)
{
    char url[4200];
    snprintf(url, sizeof url, "sqlite:%s/telemetry.db", opt.data);
    lf_rc rc = lf_db_open(&t->db, &(struct lf_db_config){ .url = url }, err);
    if (!rc)
        rc = lf_db_migrate(t->db, lf_tele_migrations, lf_tele_migration_count, NULL, err);
    if (!rc)
        rc = lf_tele_sql_open(&t->store, t->db, err);
    return rc;
}

static struct lf_app *the_app;
static struct telemetry tele;

static void on_readings(void *user, const struct lf_tele_reading *r, size_t n)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, user);
    station_publish(user, r, n);
    if (alarm_on_readings(&cx, r, n))
        lf_log(LF_ERROR, "readings: %s (%s:%d)", cx.err.msg, cx.err.file ? cx.err.file : "?", cx.err.line);
    lf_ctx_free(&cx);
}

static void on_store(void *user, const struct lf_err *err)
{
    if (err)
        lf_log(LF_ERROR, "telemetry store: %s", err->msg);
    else
        lf_log(LF_INFO, "telemetry store works again");
}

static void metrics(struct lf_app *app, struct lf_out *o)
{
    struct lf_listener_stats s = lf_listener_stats(tele.listener);
    lf_listener_metrics(&s, o);
}

static lf_rc start_listener(struct lf_err *err)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, the_app);
    struct lf_directory *d = station_make_directory(&cx);
    if (!d)
        *err = cx.err;
    lf_rc rc = d ? LF_OK : LF_EDB;
    struct lf_listener_config c = { .host = opt.host,
                                    .port = (uint16_t)opt.station_port,
                                    .store = tele.store,
                                    .directory = d,
                                    .on_readings = on_readings,
                                    .on_store = on_store,
                                    .user = the_app };
    if (!rc)
        rc = lf_listener_start(&tele.listener, &c, err);
    if (!rc && lf_listener_notice(tele.listener))
        lf_log(LF_WARN, "%s", lf_listener_notice(tele.listener));
    lf_ctx_free(&cx);
    return rc;
}

/* ---- serve ------------------------------------------------------------------------------------------------- */

/* A station that was added or changed is known to the listener within seconds, without a restart. */
static void refresh_directory(void)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, the_app);
    struct lf_directory *d = station_make_directory(&cx);
    if (d)
        lf_listener_set_directory(tele.listener, d);
    lf_ctx_free(&cx);
}

static void wait_for_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    struct timespec five = { .tv_sec = 5 };
    while (sigtimedwait(&set, NULL, &five) < 0)
        refresh_directory();
}

static int serve(void)
{
    struct lf_err err = { 0 };
    struct lf_http *http = NULL;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists */
    signal(SIGPIPE, SIG_IGN);
    if (!(the_app = open_app(&err)))
        return fail(&err, "serve");
    lf_api_assets(app_assets, app_assets_count);
    lf_rc rc = open_telemetry(&tele, &err);
    station_use_store(tele.store);
    if (!rc)
        rc = start_listener(&err);
    the_app->metrics = metrics;
    the_app->demo_login = app_demo_logins;
    the_app->ndemo_login = app_demo_login_count;
    struct lf_http_config c = {
        .host = opt.host, .port = (uint16_t)opt.port, .handler = lf_api_handle, .user = the_app, .spool_dir = opt.data
    };
    if (!rc)
        rc = lf_http_start(&http, &c, &err);
    if (!rc)
        rc = lf_app_jobs_start(the_app, &err);
    if (!rc) {
        lf_log(LF_INFO, "Lanfan 蓝繁 on http://%s:%u, stations on port %u, data in %s", opt.host, lf_http_port(http),
               lf_listener_port(tele.listener), opt.data);
        if (opt.demo)
            printf("\n  蓝繁 Lanfan   http://%s:%u\n\n  演示登录 / demonstration log-ins (password: Lanfan-demo-1)\n    city · county · "
                   "town · officer · admin\n\n",
                   opt.host, lf_http_port(http));
        fflush(stdout);
        wait_for_signal();
    }
    lf_listener_stop(tele.listener);
    lf_hub_end(the_app->hub);
    lf_http_stop(http);
    lf_app_stop(the_app);
    lf_tele_store_close(tele.store);
    lf_db_close(tele.db);
    return rc ? fail(&err, "serve") : 0;
}

/* ---- the other commands --------------------------------------------------------------------------------------- */

static int with_app(const char *what, lf_rc (*fn)(struct lf_ctx *cx, int argc, char **argv), int argc, char **argv)
{
    struct lf_err err = { 0 };
    struct lf_app *app = open_app(&err);
    if (!app)
        return fail(&err, what);
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    lf_rc rc = fn(&cx, argc, argv);
    if (rc)
        fail(&cx.err, what);
    lf_ctx_free(&cx);
    lf_app_stop(app);
    return rc ? 1 : 0;
}

static lf_rc migrate(struct lf_ctx *cx, int argc, char **argv) { return LF_OK; } /* opening has done it */
static lf_rc demo(struct lf_ctx *cx, int argc, char **argv) { return app_demo_fill(cx, demo_dir); }

static lf_rc audit(struct lf_ctx *cx, int argc, char **argv)
{
    int64_t n;
    lf_id bad;
    char head[65] = "";
    if (argc < 1 || strcmp(argv[0], "verify"))
        return lf_fail(cx, LF_EINVAL, NULL, "what shall be done?\nHINT: lanfan audit verify [--anchor HASH]");
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

static lf_rc backup(struct lf_ctx *cx, int argc, char **argv)
{
    char from[4200], to[4200];
    struct lf_db *t = NULL;
    if (argc < 1)
        return lf_fail(cx, LF_EINVAL, NULL, "where to?\nHINT: lanfan backup FILE (FILE.telemetry is written beside it)");
    lf_rc rc = lf_db_backup(cx->db, argv[0], &cx->err);
    snprintf(from, sizeof from, "sqlite:%s/telemetry.db", opt.data);
    snprintf(to, sizeof to, "%s.telemetry", argv[0]);
    if (!rc && access(from + 7, F_OK) == 0) {
        rc = lf_db_open(&t, &(struct lf_db_config){ .url = from }, &cx->err);
        if (!rc)
            rc = lf_db_backup(t, to, &cx->err);
        lf_db_close(t);
    }
    return rc;
}

static lf_rc user(struct lf_ctx *cx, int argc, char **argv)
{
    char fresh[32], hash[128];
    if (argc < 2 || strcmp(argv[0], "add"))
        return lf_fail(cx, LF_EINVAL, NULL, "what shall be done?\nHINT: lanfan user add LOGIN [--role ROLE] [--area CODE]");
    lf_password_random(fresh);
    lf_rc rc = lf_password_hash(cx, lf_str(fresh), hash);
    if (rc || (rc = lf_tx_begin(cx, LF_TX_WRITE)))
        return rc;
    lf_id id;
    rc = lf_account_add(cx, argv[1], argv[1], account_role, account_area, NULL, &id);
    if (!rc)
        rc = lf_password_set(cx, id, hash, true);
    if ((rc = lf_tx_end(cx, rc)))
        return rc;
    printf("account %s, one-time password: %s\n", argv[1], fresh);
    return LF_OK;
}

static void usage(FILE *f)
{
    fputs("usage: lanfan COMMAND [options]\n"
          "  serve                  start the server\n"
          "  migrate                bring the database up to this program and stop\n"
          "  demo                   fill an empty database with the demonstration city\n"
          "  simulate               play the stations of the demonstration (--replay FILE: raw packets as they are)\n"
          "  user add LOGIN         a new account with a one-time password (--role, --area)\n"
          "  audit verify           check the audit trail (--anchor HASH: an entry kept elsewhere must be in it)\n"
          "  backup FILE            a consistent copy while the server runs\n"
          "  version\n"
          "options\n"
          "  --data DIR             data directory (LANFAN_DATA), default var/lanfan\n"
          "  --db URL               sqlite:PATH or postgresql://... (LANFAN_DB), default a file in the data directory\n"
          "  --host ADDRESS         default 127.0.0.1 (LANFAN_HOST)\n"
          "  --port N               HTTP, default 8080 (LANFAN_PORT)    --station-port N   HJ 212, default 9012 (LANFAN_STATION_PORT)\n"
          "  --demo                 demonstration mode: shows the demonstration log-ins\n"
          "  --from DIR             demonstration data, default data/demo    --every MS  --rounds N  (simulate)\n",
          f);
}

static bool number(const char *name, const char *s, int lo, int hi, int *out)
{
    char *end;
    long v = strtol(s, &end, 10);
    if (*s && !*end && v >= lo && v <= hi) {
        *out = (int)v;
        return true;
    }
    fprintf(stderr, "lanfan: %s must be a number from %d to %d, not “%s”\n", name, lo, hi, s);
    return false;
}

static bool read_options(int argc, char **argv)
{
    enum { DATA = 1, DB, HOST, PORT, SPORT, DEMO, FROM, EVERY, ROUNDS, REPLAY, ROLE, AREA, ANCHOR, HELP };
    static const struct option o[] = { { "data", 1, 0, DATA },
                                       { "db", 1, 0, DB },
                                       { "host", 1, 0, HOST },
                                       { "port", 1, 0, PORT },
                                       { "station-port", 1, 0, SPORT },
                                       { "demo", 0, 0, DEMO },
                                       { "from", 1, 0, FROM },
                                       { "every", 1, 0, EVERY },
                                       { "rounds", 1, 0, ROUNDS },
                                       { "replay", 1, 0, REPLAY },
                                       { "role", 1, 0, ROLE },
                                       { "area", 1, 0, AREA },
                                       { "anchor", 1, 0, ANCHOR },
                                       { "help", 0, 0, HELP },
                                       { 0 } };
    const char *e;
    if ((e = getenv("LANFAN_DATA")))
        opt.data = e;
    if ((e = getenv("LANFAN_DB")))
        opt.db = e;
    if ((e = getenv("LANFAN_HOST")))
        opt.host = e;
    if ((e = getenv("LANFAN_PORT")) && !number("LANFAN_PORT", e, 0, 65535, &opt.port))
        return false;
    if ((e = getenv("LANFAN_STATION_PORT")) && !number("LANFAN_STATION_PORT", e, 0, 65535, &opt.station_port))
        return false;
    for (int c; (c = getopt_long(argc, argv, "", o, NULL)) != -1;) {
        bool ok = true;
        switch (c) {
        case DATA: opt.data = optarg; break;
        case DB: opt.db = optarg; break;
        case HOST: opt.host = optarg; break;
        case PORT: ok = number("--port", optarg, 0, 65535, &opt.port); break;
        case SPORT: ok = number("--station-port", optarg, 0, 65535, &opt.station_port); break;
        case DEMO: opt.demo = true; break;
        case FROM: demo_dir = optarg; break;
        case EVERY: ok = number("--every", optarg, 10, 3600000, &every_ms); break;
        case ROUNDS: ok = number("--rounds", optarg, 0, 1000000, &rounds); break;
        case REPLAY: replay_file = optarg; break;
        case ROLE: account_role = optarg; break;
        case AREA: account_area = optarg; break;
        case ANCHOR: anchor = optarg; break;
        case HELP: usage(stdout); exit(0);
        default: ok = false;
        }
        if (!ok)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    const char *cmd = argc > 1 ? argv[1] : "";
    if (!strcmp(cmd, "--help") || !strcmp(cmd, "help"))
        return usage(stdout), 0;
    if (argc < 2 || !read_options(argc - 1, argv + 1))
        return usage(stderr), 2;
    argc -= 1 + optind, argv += 1 + optind;
    if (!strcmp(cmd, "serve"))
        return serve();
    if (!strcmp(cmd, "migrate"))
        return with_app(cmd, migrate, argc, argv);
    if (!strcmp(cmd, "demo"))
        return with_app(cmd, demo, argc, argv);
    if (!strcmp(cmd, "audit"))
        return with_app(cmd, audit, argc, argv);
    if (!strcmp(cmd, "backup"))
        return with_app(cmd, backup, argc, argv);
    if (!strcmp(cmd, "user"))
        return with_app(cmd, user, argc, argv);
    if (!strcmp(cmd, "simulate"))
        return replay_file ? app_replay(replay_file, opt.host, opt.station_port)
                           : app_simulate(demo_dir, opt.host, opt.station_port, every_ms, rounds);
    if (!strcmp(cmd, "version"))
        return puts("lanfan 0.1.0") < 0;
    fprintf(stderr, "lanfan: there is no command “%s”\n", cmd);
    usage(stderr);
    return 2;
}
