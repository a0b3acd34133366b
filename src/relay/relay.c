/* relay.c - the set of upstreams: made to be what the records say, without stopping those that stay as they are. */
#include "relay/worker.h"

#include <time.h>

enum { UPSTREAMS_MAX = 64, STOP_WAIT_MS = 20 * 1000 };

struct lf_relay {
    struct lf_tele_store *store;
    pthread_mutex_t lock; /* the list; a worker's report has its own */
    struct worker *worker[UPSTREAMS_MAX], *leaving[UPSTREAMS_MAX];
    int n, nleaving;
};

struct lf_relay *lf_relay_new(struct lf_tele_store *store)
{
    struct lf_relay *r = lf_new(sizeof *r);
    r->store = store;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

/* ---- has it changed? ------------------------------------------------------------------------------ */

static void mix(uint64_t *h, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        *h = (*h ^ b[i]) * 1099511628211u;
    *h = (*h ^ n) * 1099511628211u;
}
static void mix_int(uint64_t *h, int64_t v) { mix(h, &v, sizeof v); }
static void mix_text(uint64_t *h, lf_text t)
{
    mix_int(h, t.p != NULL);
    mix(h, t.p, t.n);
}

/* Everything that the worker acts on. The directory is left out: what a station's units are is asked anew when something else changes. */
static uint64_t digest(const struct lf_relay_target *t)
{
    uint64_t h = 14695981039346656037u;
    const int64_t ints[] = { (int64_t)t->kind, t->port, t->tls, t->per_factor, t->kinds, t->window, t->timeout_ms, t->retries };
    const lf_text texts[] = { t->host, t->login, t->password, t->topic, t->ca };
    for (size_t i = 0; i < LF_COUNT(ints); i++)
        mix_int(&h, ints[i]);
    for (size_t i = 0; i < LF_COUNT(texts); i++)
        mix_text(&h, texts[i]);
    for (size_t i = 0; i < t->nroute; i++) {
        const struct lf_relay_route *r = &t->route[i];
        const lf_text words[] = { r->mn, r->pw, r->as_mn, r->as_pw, r->grid_code, r->st };
        mix_int(&h, r->station.v);
        for (size_t k = 0; k < LF_COUNT(words); k++)
            mix_text(&h, words[k]);
    }
    return h;
}

/* ---- start and stop --------------------------------------------------------------------------------------- */

static struct worker *find(const struct lf_relay *r, lf_id id)
{
    for (int i = 0; i < r->n; i++)
        if (r->worker[i]->t.id.v == id.v)
            return r->worker[i];
    return NULL;
}

static void leave(struct lf_relay *r, int i)
{
    atomic_store(&r->worker[i]->stop, true);
    r->leaving[r->nleaving++] = r->worker[i];
    r->worker[i] = r->worker[--r->n];
}

static void reap(struct lf_relay *r)
{
    for (int i = r->nleaving; i-- > 0;)
        if (atomic_load(&r->leaving[i]->ended)) {
            worker_free(r->leaving[i]);
            r->leaving[i] = r->leaving[--r->nleaving];
        }
}

static bool leaves(const struct lf_relay *r, lf_id id)
{
    for (int i = 0; i < r->nleaving; i++)
        if (r->leaving[i]->t.id.v == id.v)
            return true;
    return false;
}

static const struct lf_relay_target *wanted(const struct lf_relay_target *list, size_t n, lf_id id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].id.v == id.v)
            return &list[i];
    return NULL;
}

bool lf_relay_set(struct lf_relay *r, const struct lf_relay_target *list, size_t n)
{
    bool settled = true;
    pthread_mutex_lock(&r->lock);
    reap(r);
    for (int i = r->n; i-- > 0;) {
        const struct lf_relay_target *t = wanted(list, n, r->worker[i]->t.id);
        if ((!t || digest(t) != r->worker[i]->digest) && r->nleaving < UPSTREAMS_MAX)
            leave(r, i);
    }
    for (size_t i = 0; i < n && r->n < UPSTREAMS_MAX; i++) {
        if (find(r, list[i].id))
            continue;
        struct worker *w = leaves(r, list[i].id) ? NULL : worker_start(&list[i], digest(&list[i]), r->store);
        if (w)
            r->worker[r->n++] = w;
        else
            settled = false;
    }
    pthread_mutex_unlock(&r->lock);
    return settled;
}

void lf_relay_free(struct lf_relay *r)
{
    if (!r)
        return;
    while (r->n)
        leave(r, 0);
    for (int64_t until = relay_clock() + STOP_WAIT_MS; r->nleaving && relay_clock() < until;) {
        reap(r);
        if (r->nleaving)
            nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000000 }, NULL);
    }
    if (r->nleaving) /* a name look-up that hangs: the process ends anyway, and what it holds is not worth waiting for */
        return;
    pthread_mutex_destroy(&r->lock);
    lf_release(r);
}

/* ---- reports ------------------------------------------------------------------------------------------------ */

lf_rc lf_relay_report(struct lf_relay *r, lf_id id, struct lf_relay_report *out)
{
    pthread_mutex_lock(&r->lock);
    struct worker *w = find(r, id);
    if (w) {
        pthread_mutex_lock(&w->lock);
        *out = w->report;
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return w ? LF_OK : LF_ENOTFOUND;
}

void lf_relay_kept(struct lf_relay *r, lf_id id, const struct lf_relay_report *kept)
{
    pthread_mutex_lock(&r->lock);
    struct worker *w = find(r, id);
    if (w) {
        pthread_mutex_lock(&w->lock);
        struct lf_relay_report *p = &w->report;
        bool same = kept->run == p->run;
        int n = !same                        ? 0
                : kept->nparked < p->nparked ? kept->nparked
                                             : p->nparked,
            k = !same                      ? 0
                : kept->ntried < p->ntried ? kept->ntried
                                           : p->ntried;
        memmove(p->parked, p->parked + n, (size_t)(p->nparked -= n) * sizeof *p->parked);
        memmove(p->tried, p->tried + k, (size_t)(p->ntried -= k) * sizeof *p->tried);
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&r->lock);
}

int lf_relay_retry(struct lf_relay *r, lf_id id, const struct lf_relay_parked *p, int n)
{
    pthread_mutex_lock(&r->lock);
    struct worker *w = find(r, id);
    int taken = 0;
    if (w) {
        pthread_mutex_lock(&w->lock);
        if (!w->nasked && !w->report.ntried && !w->trying) {
            taken = n < LF_RELAY_RETRY_MAX ? n : LF_RELAY_RETRY_MAX;
            memcpy(w->asked, p, (size_t)taken * sizeof *p);
            w->nasked = taken;
        }
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return taken;
}

const char *lf_relay_state_name(enum lf_relay_state s)
{
    static const char *const name[] = { "starting", "connecting", "live", "catching_up", "waiting" };
    return s < LF_RELAY_STATE_COUNT ? name[s] : "unknown";
}

void lf_relay_metrics(struct lf_relay *r, struct lf_out *o)
{
    static const struct {
        const char *name, *type;
        size_t at;
        double times;
    } t[] = { { "lag_seconds", "gauge", offsetof(struct lf_relay_report, lag_ms), 0.001 },
              { "position", "gauge", offsetof(struct lf_relay_report, position), 1 },
              { "sent_total", "counter", offsetof(struct lf_relay_report, sent), 1 },
              { "acknowledged_total", "counter", offsetof(struct lf_relay_report, acknowledged), 1 },
              { "failures_total", "counter", offsetof(struct lf_relay_report, failures), 1 },
              { "foreign_total", "counter", offsetof(struct lf_relay_report, foreign), 1 } };
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    for (size_t k = 0; r->n && k < LF_COUNT(t); k++) {
        lf_putf(o, "# TYPE lanfan_upstream_%s %s\n", t[k].name, t[k].type);
        for (int i = 0; i < r->n; i++) {
            struct worker *w = r->worker[i];
            int64_t v;
            pthread_mutex_lock(&w->lock);
            memcpy(&v, (const char *)&w->report + t[k].at, sizeof v);
            pthread_mutex_unlock(&w->lock);
            lf_putf(o, "lanfan_upstream_%s{upstream=\"%lld\"} %.10g\n", t[k].name, (long long)w->t.id.v, (double)v * t[k].times);
        }
    }
    for (int i = 0; i < r->n; i++) {
        struct worker *w = r->worker[i];
        pthread_mutex_lock(&w->lock);
        enum lf_relay_state s = w->report.state;
        pthread_mutex_unlock(&w->lock);
        if (!i)
            lf_put_str(o, "# TYPE lanfan_upstream_up gauge\n");
        lf_putf(o, "lanfan_upstream_up{upstream=\"%lld\"} %d\n", (long long)w->t.id.v, s == LF_RELAY_LIVE || s == LF_RELAY_CATCHING_UP);
    }
    pthread_mutex_unlock(&r->lock);
}
