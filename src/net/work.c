/* work.c - requests that may take long are handled on threads of their own, so that the threads that serve sockets never wait:
 * a connection that waits for its answer is suspended meanwhile. */
#include "net/http_int.h"

enum { WAITING_MAX = 128 };

static struct lf_request *next_of(struct lf_work *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->stop)
        pthread_cond_wait(&w->wake, &w->lock);
    struct lf_request *q = w->first;
    if (q) {
        w->first = q->next;
        w->waiting--;
    }
    pthread_mutex_unlock(&w->lock);
    return q;
}

static void *work(void *user)
{
    struct lf_http *h = user;
    for (struct lf_request *q; (q = next_of(&h->work));) {
        struct MHD_Connection *c = q->mhd;
        lf_http_handle(q);
        q->worked = true;
        MHD_resume_connection(c);
    }
    return NULL;
}

bool lf_work_start(struct lf_http *h)
{
    struct lf_work *w = &h->work;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    while (w->n < LF_WORKERS && !pthread_create(&w->thread[w->n], NULL, work, h))
        w->n++;
    return w->n > 0;
}

void lf_work_stop(struct lf_http *h)
{
    struct lf_work *w = &h->work;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n; i++)
        pthread_join(w->thread[i], NULL);
    w->n = 0;
}

void lf_work_free(struct lf_http *h)
{
    pthread_cond_destroy(&h->work.wake);
    pthread_mutex_destroy(&h->work.lock);
}

enum lf_given lf_work_give(struct lf_request *q)
{
    struct lf_work *w = &q->http->work;
    enum lf_given given = LF_GIVEN;
    pthread_mutex_lock(&w->lock);
    if (w->stop || !w->n)
        given = LF_DO_IT_HERE;
    else if (w->waiting == WAITING_MAX)
        given = LF_TOO_MANY;
    if (given == LF_GIVEN) {
        MHD_suspend_connection(q->mhd); /* before anybody can resume it */
        q->next = NULL;
        if (w->first)
            w->last->next = q;
        else
            w->first = q;
        w->last = q;
        w->waiting++;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return given;
}
