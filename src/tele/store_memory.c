#include "tele/store_memory.h"

#include <stdio.h>
#include <time.h>

static uint64_t hash(lf_text t)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * 1099511628211u;
    return h;
}

static bool keep_packet(struct memory_store *m, const struct lf_tele_packet *p)
{
    uint64_t h = hash(p->raw);
    for (size_t i = 0; i < m->npacket; i++)
        if (m->packet[i].station == p->station.v && m->packet[i].hash == h)
            return false;
    if (m->npacket == m->cap_packet)
        m->packet = lf_renew(m->packet, (m->cap_packet = 2 * m->cap_packet + 64) * sizeof *m->packet);
    __auto_type k = &m->packet[m->npacket];
    k->station = p->station.v, k->at = p->at.ms, k->received = p->received.ms, k->hash = h, k->n = p->raw.n, k->readings = p->n;
    k->raw = memcpy(lf_new(p->raw.n + 1), p->raw.p ? p->raw.p : "", p->raw.n);
    snprintf(k->qn, sizeof k->qn, "%.*s", (int)p->qn.n, p->qn.p ? p->qn.p : "");
    snprintf(k->cn, sizeof k->cn, "%.*s", (int)p->cn.n, p->cn.p ? p->cn.p : "");
    m->npacket++;
    return true;
}

static void keep_reading(struct memory_store *m, struct lf_tele_batch *b, struct lf_tele_reading *r)
{
    size_t i = 0;
    while (i < m->nreading && !(m->reading[i].station == r->station.v && m->reading[i].at == r->at.ms &&
                                m->reading[i].kind == (int)r->kind && lf_text_is(r->factor, m->reading[i].factor)))
        i++;
    if (i == m->cap_reading)
        m->reading = lf_renew(m->reading, (m->cap_reading = 2 * m->cap_reading + 64) * sizeof *m->reading);
    bool known = i < m->nreading;
    r->fresh = !known || m->reading[i].value != r->value;
    b->corrected += known && r->fresh;
    m->nreading += !known;
    __auto_type k = &m->reading[i];
    k->station = r->station.v, k->at = r->at.ms, k->kind = (int)r->kind;
    k->value = r->value, k->vmin = r->vmin, k->vmax = r->vmax, k->cou = r->cou, k->zs = r->zs, k->flagged = r->flag.p;
    snprintf(k->factor, sizeof k->factor, "%.*s", (int)r->factor.n, r->factor.p);
    snprintf(k->flag, sizeof k->flag, "%.*s", (int)r->flag.n, r->flag.p ? r->flag.p : "");
}

static bool poisoned(const struct memory_store *m, const struct lf_tele_batch *b)
{
    for (size_t i = 0; m->poison && i < b->npacket; i++)
        for (size_t r = 0; r < b->packet[i].n; r++)
            if (lf_text_is(b->reading[b->packet[i].first + r].factor, m->poison))
                return true;
    return false;
}

static void keep(struct memory_store *m, struct lf_tele_batch *b)
{
    for (size_t i = 0; i < b->npacket; i++) {
        struct lf_tele_packet *p = &b->packet[i];
        p->duplicate = !atomic_load(&m->forget) && !keep_packet(m, p);
        for (size_t r = p->first; !p->duplicate && r < p->first + p->n; r++)
            if (!atomic_load(&m->forget))
                keep_reading(m, b, &b->reading[r]);
        for (size_t r = p->first; !p->duplicate && r < p->first + p->n; r++)
            b->reading[r].packet = (int64_t)m->npacket, b->reading[r].received = p->received;
    }
    for (size_t i = 0; i < b->nreject; i++) {
        const struct lf_tele_reject *r = &b->reject[i];
        snprintf(m->last_reject, sizeof m->last_reject, "%s %.*s", lf_tele_why_name(r->why), (int)r->detail.n, r->detail.p);
        m->nreject += !r->quarantine; /* after the text: who sees the number reads it */
        m->nquarantine += r->quarantine;
    }
}

static lf_rc commit(struct lf_tele_store *s, struct lf_tele_batch *b, struct lf_err *err)
{
    struct memory_store *m = (struct memory_store *)s;
    int ms = atomic_load(&m->delay_ms);
    if (ms)
        nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
    lf_rc rc = (lf_rc)atomic_load(&m->rc);
    if (rc != LF_OK)
        return lf_err_set(err, rc, NULL, "told to fail");
    if (poisoned(m, b))
        return lf_err_set(err, LF_EINVAL, NULL, "poison");
    pthread_mutex_lock(&m->lock);
    keep(m, b);
    m->commits++;
    pthread_mutex_unlock(&m->lock);
    return LF_OK;
}

static lf_rc packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out,
                           size_t *n, struct lf_err *err)
{
    struct memory_store *m = (struct memory_store *)s;
    *n = 0;
    pthread_mutex_lock(&m->lock);
    size_t from = lf_id_none(after) ? 0 : (size_t)after.v, have = m->npacket > from ? m->npacket - from : 0;
    have = have > (size_t)limit ? (size_t)limit : have;
    struct lf_tele_stored_packet *p = *out = lf_alloc(a, have * sizeof *p + 1);
    for (; *n < have; ++*n) {
        __auto_type k = &m->packet[from + *n];
        p[*n] = (struct lf_tele_stored_packet){ .id = { (int64_t)(from + *n + 1) },
                                                .station = { k->station },
                                                .received = { k->received },
                                                .at = { k->at },
                                                .qn = lf_text_copy(a, lf_str(k->qn)),
                                                .cn = lf_text_copy(a, lf_str(k->cn)),
                                                .peer = LF_TEXT("127.0.0.1"),
                                                .note = LF_TEXT(""),
                                                .raw = lf_text_copy(a, (lf_text){ k->raw, k->n }),
                                                .readings = (int64_t)k->readings };
    }
    pthread_mutex_unlock(&m->lock);
    return LF_OK;
}

/* The first reading of q at or after `from`; false when there is none. */
static bool next_reading(struct memory_store *m, const struct lf_tele_series *q, lf_ms from, struct lf_tele_reading *out)
{
    bool found = false;
    for (size_t i = 0; i < m->nreading; i++) {
        __auto_type k = &m->reading[i];
        if (k->station != q->station.v || k->kind != (int)q->kind || k->at < from.ms || k->at >= q->to.ms ||
            !lf_text_is(q->factor, k->factor) || (found && k->at >= out->at.ms))
            continue;
        *out = (struct lf_tele_reading){ .station = q->station, .factor = q->factor, .kind = q->kind, .at = { k->at } };
        out->value = k->value, out->vmin = k->vmin, out->vmax = k->vmax, out->cou = k->cou, out->zs = k->zs;
        out->flag = k->flagged ? lf_str(k->flag) : (lf_text){ NULL, 0 };
        found = true;
    }
    return found;
}

static lf_rc scan(struct lf_tele_store *s, const struct lf_tele_series *q, bool (*each)(void *, const struct lf_tele_reading *), void *user,
                  struct lf_err *err)
{
    struct memory_store *m = (struct memory_store *)s;
    struct lf_tele_reading r;
    pthread_mutex_lock(&m->lock);
    for (lf_ms from = q->from; next_reading(m, q, from, &r) && each(user, &r); from.ms = r.at.ms + 1)
        ;
    pthread_mutex_unlock(&m->lock);
    return LF_OK;
}

double memory_store_value(struct memory_store *m, int64_t station, const char *factor, enum lf_tele_kind kind)
{
    double v = NAN;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->nreading; i++)
        if (m->reading[i].station == station && m->reading[i].kind == (int)kind && strcmp(m->reading[i].factor, factor) == 0)
            v = m->reading[i].value;
    pthread_mutex_unlock(&m->lock);
    return v;
}

struct memory_store *memory_store_new(void)
{
    static const struct lf_tele_store_ops ops = { .commit = commit, .packets_after = packets_after, .scan = scan };
    struct memory_store *m = lf_new(sizeof *m);
    m->base.ops = &ops;
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void memory_store_free(struct memory_store *m)
{
    pthread_mutex_destroy(&m->lock);
    for (size_t i = 0; i < m->npacket; i++)
        lf_release(m->packet[i].raw);
    lf_release(m->packet);
    lf_release(m->reading);
    lf_release(m);
}
