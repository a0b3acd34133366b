/* health.c - is the service well, and its numbers in the text form that monitoring reads. */
#include "core/kernel.h"

#include <dirent.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

lf_rc lf_health(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_val one = { .t = LF_T_INT };
    lf_rc rc = lf_sql_one(cx, "SELECT 1", NULL, 0, &one, 1);
    if (rc)
        return rc;
    lf_put_str(&c->res->body, "{\"status\":\"ok\"}");
    return LF_OK;
}

static void metric(struct lf_out *o, const char *name, const char *help, const char *type, int64_t v)
{
    lf_putf(o, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", name, help, name, type, name, v);
}

/* Sockets, files and all else that is open; 0 when the system does not say. */
static int64_t open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int64_t n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

static bool same_secret(lf_text said, const char *is) { return said.n == strlen(is) && sodium_memcmp(said.p, is, said.n) == 0; }

/* They tell how many log in and when: for the one who shows the token, or without one for this machine alone. */
static lf_rc may_see_metrics(struct lf_ctx *cx, struct lf_call *c)
{
    const char *token = cx->app->metrics_token, *peer = lf_strn(&cx->arena, c->req->peer);
    if (!token)
        return !strncmp(peer, "127.", 4) || !strcmp(peer, "::1")
                   ? LF_OK
                   : lf_fail(cx, LF_EDENIED, NULL,
                             "未设置 metrics-token 时，运行指标只供本机读取 | without metrics-token only this machine may ask");
    if (same_secret(lf_http_bearer(c->req), token))
        return LF_OK;
    lf_http_set_header(c->res, "WWW-Authenticate", "Bearer");
    return lf_fail(cx, LF_ELOGIN, NULL, "令牌缺失或无效 | the token is missing or not valid");
}

lf_rc lf_metrics(struct lf_ctx *cx, struct lf_call *c)
{
    lf_rc rc = may_see_metrics(cx, c);
    if (rc)
        return rc;
    struct lf_out *o = &c->res->body;
    struct lf_db_stats db = lf_db_stats(cx->app->db);
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    c->res->type = "text/plain; version=0.0.4; charset=utf-8";
    metric(o, "lanfan_resident_bytes", "Resident memory.", "gauge", (int64_t)pages * sysconf(_SC_PAGESIZE));
    metric(o, "lanfan_open_files", "Sockets, files and all else that is open.", "gauge", open_files());
    metric(o, "lanfan_db_cursors", "Cursors that are open.", "gauge", db.cursors);
    metric(o, "lanfan_db_connections_held", "Database connections in use.", "gauge", db.held);
    metric(o, "lanfan_db_statements_total", "Statements run.", "counter", db.statements);
    metric(o, "lanfan_db_failures_total", "Statements that failed.", "counter", db.failures);
    lf_putf(o, "# HELP lanfan_job_runs_total Runs of each repeating job.\n# TYPE lanfan_job_runs_total counter\n");
    for (int i = 0; i < cx->app->njob; i++)
        lf_putf(o,
                "lanfan_job_runs_total{job=\"%s\",result=\"ok\"} %" PRId64 "\nlanfan_job_runs_total{job=\"%s\",result=\"failed\"} %" PRId64
                "\n",
                cx->app->job[i].job->name, __atomic_load_n(&cx->app->job[i].runs, __ATOMIC_RELAXED), cx->app->job[i].job->name,
                __atomic_load_n(&cx->app->job[i].failures, __ATOMIC_RELAXED));
    if (cx->app->metrics)
        cx->app->metrics(cx->app, o);
    return LF_OK;
}
