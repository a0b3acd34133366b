/* job.c - work that repeats: one thread, one job at a time, each in its own context. */
#include "base/log.h"
#include "core/kernel.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct jobs {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

/* Runs every job that is due, once; the thread does it each second. */
static void jobs_tick(struct lf_app *app)
{
    for (int i = 0; i < app->njob; i++) {
        struct lf_job_state *s = &app->job[i];
        lf_ms now = lf_now();
        if (now.ms - s->last.ms < (int64_t)s->job->every_s * 1000 && now.ms >= s->last.ms)
            continue;
        s->last = now;
        struct lf_ctx cx;
        lf_ctx_system(&cx, app);
        lf_rc rc = s->job->fn(&cx);
        if (rc)
            lf_log(LF_WARN, "job %s: %s (%s:%d)", s->job->name, cx.err.msg, cx.err.file ? cx.err.file : "?", cx.err.line);
        __atomic_add_fetch(rc ? &s->failures : &s->runs, 1, __ATOMIC_RELAXED);
        lf_ctx_free(&cx);
    }
}

static void *run(void *user)
{
    struct lf_app *app = user;
    struct jobs *j = app->jobs;
    pthread_mutex_lock(&j->lock);
    while (!j->stop) {
        pthread_mutex_unlock(&j->lock);
        jobs_tick(app);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_mutex_lock(&j->lock);
        while (!j->stop && pthread_cond_timedwait(&j->wake, &j->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

lf_rc lf_app_jobs_start(struct lf_app *app, struct lf_err *err)
{
    struct jobs *j = lf_new(sizeof *j);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    app->jobs = j;
    if (pthread_create(&j->thread, NULL, run, app) == 0)
        return LF_OK;
    app->jobs = NULL;
    lf_release(j);
    return lf_err_set(err, LF_EIO, NULL, "cannot start the job thread");
}

void lf_app_jobs_stop(struct lf_app *app)
{
    struct jobs *j = app->jobs;
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    lf_release(j);
    app->jobs = NULL;
}
