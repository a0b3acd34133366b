/* serve.c - `lanfan serve`: the listener for stations, the HTTP server and the jobs, until a signal ends them. */
#include "app/child.h"
#include "app/open.h"
#include "app/rooms.h"
#include "app/settings.h"
#include "base/log.h"
#include "rooms/alarm/alarm.h"
#include "rooms/command/command.h"
#include "rooms/intake/intake.h"
#include "rooms/review/review.h"
#include "rooms/station/station.h"
#include "rooms/upstream/upstream.h"
#include "tele/listener.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

extern const struct lf_asset app_assets[];
extern const size_t app_assets_count;

static struct server {
    struct lf_app *app;
    struct app_telemetry tele;
    struct lf_listener *listener;
    struct lf_http *http;
} it;

/* ---- the stations' end ------------------------------------------------------------------------------- */

/* While alarms cannot be written each batch fails: that is told when it begins, each minute, and when it is over. One thread. */
static void tell_failing(const struct lf_err *err)
{
    static bool failing;
    static lf_ms said;
    lf_ms now = lf_now();
    if (!err && failing)
        lf_log(LF_INFO, "readings: alarms are written again");
    if (err && (!failing || now.ms - said.ms >= LF_MINUTE_MS || now.ms < said.ms)) {
        lf_log(LF_ERROR, "readings: %s (%s:%d)", err->msg, err->file ? err->file : "?", err->line);
        said = now;
    }
    failing = err != NULL;
}

static void on_readings(void *user, const struct lf_tele_reading *r, size_t n)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, user);
    station_publish(user, r, n);
    review_on_readings(r, n);
    tell_failing(alarm_on_readings(&cx, r, n) ? &cx.err : NULL);
    lf_ctx_free(&cx);
}

static void on_held(void *user, const struct lf_tele_held *h, size_t n)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, user);
    if (review_on_held(&cx, h, n)) /* the packet in the store tells it all the same */
        lf_log(LF_ERROR, "reviewed values: %s (%s:%d)", cx.err.msg, cx.err.file ? cx.err.file : "?", cx.err.line);
    lf_ctx_free(&cx);
}
static void protect(void *user, struct lf_shield *s) { lf_listener_set_shield(it.listener, s); }

/* What is computed or reviewed here goes down the same road as what devices send. */
static lf_rc submit(void *user, struct lf_tele_batch *b, struct lf_err *err) { return lf_listener_submit(it.listener, b, 30000, err); }

static void on_reply(void *user, lf_id station, const struct hj212_packet *p, lf_text raw) { command_heard(station, p, raw); }
static void on_contact(void *user, lf_id station, bool connected) { command_contact(station, connected); }
static lf_rc give(void *user, lf_id station, lf_text frame, struct lf_err *err)
{
    return lf_listener_send(it.listener, station, frame, err);
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
    struct lf_listener_stats s = lf_listener_stats(it.listener);
    lf_http_metrics(it.http, o);
    lf_listener_metrics(&s, o);
    app_telemetry_metrics(&it.tele, o);
    alarm_metrics(o);
    upstream_metrics(o);
    intake_metrics(o);
    command_metrics(o);
}

/* A bounded part of it each time: jobs wait for each other. */
static lf_rc keep_job(struct lf_ctx *cx) { return app_telemetry_keep(&it.tele, &cx->err); }
static const struct lf_job telemetry_job = { "telemetry-keep", 600, keep_job };

static void add_job(struct lf_app *app, const struct lf_job *job)
{
    if (app->njob < (int)LF_COUNT(app->job))
        app->job[app->njob++].job = job;
}

/* What the listener must know from its first packet on. Before anything new comes, what was stored but not judged when the program stopped
 * is judged, and commands that were under way are taken up. */
static lf_rc prepare_listener(struct lf_ctx *cx, struct lf_listener_config *c, struct lf_asked **asked)
{
    c->directory = station_make_directory(cx);
    c->shield = c->directory ? review_make_shield(cx) : NULL;
    lf_rc rc = c->shield ? alarm_catch_up(cx) : LF_EDB;
    if (!rc)
        rc = command_resume(it.app, asked, &c->nasked, &cx->err);
    c->asked = *asked;
    return rc;
}

static lf_rc start_listener(struct lf_err *err)
{
    struct lf_ctx cx;
    struct lf_asked *asked = NULL;
    struct lf_listener_config c = { .host = app_set.station_host ? app_set.station_host : app_set.host,
                                    .port = (uint16_t)app_set.station_port,
                                    .store = it.tele.store,
                                    .on_held = on_held,
                                    .on_readings = on_readings,
                                    .on_store = on_store,
                                    .on_reply = on_reply,
                                    .on_contact = on_contact,
                                    .user = it.app };
    lf_ctx_system(&cx, it.app);
    lf_rc rc = prepare_listener(&cx, &c, &asked);
    if (rc) {
        *err = cx.err;
        lf_directory_unref(c.directory);
        lf_shield_unref(c.shield);
    } else
        rc = lf_listener_start(&it.listener, &c, err);
    if (!rc && lf_listener_notice(it.listener))
        lf_log(LF_WARN, "%s", lf_listener_notice(it.listener));
    lf_release(asked);
    lf_ctx_free(&cx);
    return rc;
}

/* A station that was added or changed is known to the listener when the request that did it is answered. */
static void refresh_directory(void)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* an older snapshot must not replace a newer one */
    struct lf_ctx cx;
    pthread_mutex_lock(&one_at_a_time);
    lf_ctx_system(&cx, it.app);
    struct lf_directory *d = station_make_directory(&cx);
    if (d)
        lf_listener_set_directory(it.listener, d);
    lf_ctx_free(&cx);
    pthread_mutex_unlock(&one_at_a_time);
}

/* ---- start and stop ------------------------------------------------------------------------------------ */

static lf_rc start_http(struct lf_err *err)
{
    struct lf_http_config c = { .host = app_set.host,
                                .port = (uint16_t)app_set.port,
                                .handler = lf_api_handle,
                                .slow = lf_api_slow,
                                .body_limit = lf_api_body_limit,
                                .user = it.app,
                                .spool_dir = app_set.data };
    lf_api_assets(app_assets, app_assets_count);
    it.app->metrics = metrics;
    it.app->metrics_token = app_set.metrics_token;
    it.app->demo_login = app_demo_logins;
    it.app->ndemo_login = app_demo_login_count;
    return lf_http_start(&it.http, &c, err);
}

static lf_rc start(struct lf_err *err)
{
    if (!(it.app = app_open(err)))
        return err->rc;
    lf_rc rc = app_telemetry_open(&it.tele, err);
    station_use_store(it.tele.store);
    alarm_use_store(it.tele.store);
    upstream_use_store(it.tele.store);
    if (!rc)
        rc = start_listener(err);
    intake_use(submit, NULL);
    station_use_submit(submit, NULL);
    if (!rc)
        rc = start_http(err);
    if (!rc)
        station_on_change(refresh_directory);
    if (!rc)
        review_use(&(struct review_road){ .store = it.tele.store, .submit = submit, .protect = protect });
    if (!rc)
        rc = command_start(&(struct command_road){ .send = give }, err);
    add_job(it.app, &telemetry_job);
    return rc ? rc : lf_app_jobs_start(it.app, err);
}

/* Requests and jobs may submit to the listener: they end first. */
static void stop(void)
{
    if (it.app)
        lf_hub_end(it.app->hub);
    lf_http_stop(it.http);
    if (it.app)
        lf_app_jobs_stop(it.app);
    if (it.app) {
        upstream_stop(it.app);
        intake_stop(it.app); /* brokers' clients submit too */
    }
    command_stop();
    station_on_change(NULL);
    lf_listener_stop(it.listener);
    lf_app_stop(it.app);
    app_telemetry_close(&it.tele);
}

/* ---- the demonstration's stations ------------------------------------------------------------------------ */

static bool play;
static pid_t player;
static const struct app_option options[] = {
    { "play", APP_SWITCH, &play, .help = "also runs `lanfan simulate`, which plays the stations of the demonstration" },
};

static lf_rc start_player(struct lf_err *err)
{
    char port[8];
    snprintf(port, sizeof port, "%u", lf_listener_port(it.listener));
    const char *const words[] = { "simulate", "--host", app_set.host, "--station-port", port, NULL };
    return play ? app_child_start(words, &player, err) : LF_OK;
}

static void watch_player(void)
{
    int status;
    if (!app_child_ended(player, &status))
        return;
    player = 0;
    lf_log(LF_WARN, "lanfan simulate has ended: no station plays any more");
}

static bool anybody(void)
{
    struct lf_ctx cx;
    bool has;
    lf_ctx_system(&cx, it.app);
    bool unknown = app_has_people(&cx, &has) != LF_OK; /* whoever logs in will see why */
    lf_ctx_free(&cx);
    return unknown || has;
}

static void greet(void)
{
    lf_log(LF_INFO, "Lanfan 蓝繁 on http://%s:%u, stations on port %u, data in %s", app_set.host, lf_http_port(it.http),
           lf_listener_port(it.listener), app_set.data);
    if (!anybody())
        lf_log(LF_WARN, "nobody can log in: there is no account yet\nHINT: lanfan user add, or lanfan demo for the demonstration");
    else if (app_set.demo)
        printf("\n  蓝繁 Lanfan   http://%s:%u\n\n  演示登录 / demonstration log-ins (password: Lanfan-demo-1)\n    city · county · "
               "town · officer · admin\n\n",
               app_set.host, lf_http_port(it.http));
    fflush(stdout);
}

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

static void wait_for_signal(void)
{
    sigset_t set = stop_signals();
    struct timespec five = { .tv_sec = 5 };
    for (int turn = 0; sigtimedwait(&set, NULL, &five) < 0; turn++) {
        watch_player();
        refresh_directory();
        if (turn % 12 == 0) /* each minute; and soon after the start, which needs three times what stays */
            lf_trim();
    }
}

static int serve(int argc, char **argv)
{
    struct lf_err err = { 0 };
    sigset_t set = stop_signals();
    if (!app_words(&app_serve, argc, argv, 0, 0))
        return APP_USAGE;
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists */
    signal(SIGPIPE, SIG_IGN);
    lf_keep_released(); /* trimmed each minute below */
    lf_rc rc = start(&err);
    if (!rc)
        rc = start_player(&err);
    if (!rc) {
        greet();
        wait_for_signal();
    }
    app_child_stop(player); /* first, so that what it has sent is still acknowledged */
    stop();
    return rc ? app_fail(&err, "serve") : APP_OK;
}

const struct app_command app_serve = {
    .name = "serve",
    .args = "[options]",
    .summary = "start the server",
    .help =
        "Starts the HTTP server and the listener for stations; migrates the database first when it is older. Ends on SIGTERM or SIGINT\n"
        "when every packet that was taken is stored and acknowledged. `lanfan config` shows what it would start with.\n",
    .option = options,
    .noption = LF_COUNT(options),
    .run = serve,
};
