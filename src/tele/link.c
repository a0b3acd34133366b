/* link.c - which connection a station speaks over, and frames that go to it: commands. */
#include "tele/road.h"

/* Commands given to a station, a ring: the reply to any of them is recognised. */
enum { ASKED = 16, ASKED_MS = 10 * 60 * 1000 };
struct asked {
    unsigned n;
    struct {
        char qn[24], cn[4];
        uint32_t qn_len;
        uint64_t until;
    } one[ASKED];
};

static struct link **place(const struct links *t, int64_t station)
{
    struct link **at = &t->slot[((uint64_t)station * 0x9e3779b97f4a7c15u >> 32) & t->mask];
    while (*at && (*at)->station != station)
        at = &(*at)->chain;
    return at;
}

static void grow(struct links *t)
{
    struct links bigger = { .mask = t->slot ? 2 * t->mask + 1 : 255, .n = t->n };
    bigger.slot = lf_new((bigger.mask + 1) * sizeof *bigger.slot);
    for (size_t i = 0; t->slot && i <= t->mask; i++)
        for (struct link *k = t->slot[i], *next; k; k = next) {
            next = k->chain;
            k->chain = NULL;
            *place(&bigger, k->station) = k;
        }
    lf_release(t->slot);
    *t = bigger;
}

static struct link *find_or_make(struct lf_listener *l, int64_t station)
{
    if (!l->links.slot || l->links.n > l->links.mask)
        grow(&l->links);
    struct link **at = place(&l->links, station);
    if (!*at) {
        *at = lf_new(sizeof **at);
        (*at)->station = station;
        l->links.n++;
    }
    return *at;
}

static void unlink_from(struct conn *c, struct link *k)
{
    *(k->prev ? &k->prev->next : &c->links) = k->next;
    if (k->next)
        k->next->prev = k->prev;
    k->next = k->prev = NULL;
}

struct link *link_seen(struct conn *c, lf_id station)
{
    struct lf_listener *l = c->l;
    if (c->link && c->link->station == station.v && c->link->handle == c->handle)
        return c->link;
    pthread_mutex_lock(&l->lock);
    struct link *k = find_or_make(l, station.v);
    bool new = k->handle == 0;
    if (k->handle != c->handle) {
        struct conn *before = new ? NULL : conn_find(l, k->handle);
        if (before)
            unlink_from(before, k);
        k->handle = c->handle;
        k->prev = NULL;
        k->next = c->links;
        if (k->next)
            k->next->prev = k;
        c->links = k;
    }
    pthread_mutex_unlock(&l->lock);
    c->link = k;
    if (new && l->c.on_contact)
        l->c.on_contact(l->c.user, station, true);
    return k;
}

void link_conn_gone(struct conn *c)
{
    struct lf_listener *l = c->l;
    struct link *gone = c->links;
    pthread_mutex_lock(&l->lock);
    for (struct link *k = gone; k; k = k->next)
        k->handle = 0;
    pthread_mutex_unlock(&l->lock);
    c->link = c->links = NULL;
    for (struct link *k = gone, *next; k; k = next) {
        next = k->next;
        k->next = k->prev = NULL;
        if (l->c.on_contact)
            l->c.on_contact(l->c.user, (lf_id){ k->station }, false);
    }
}

bool link_asked(struct lf_listener *l, const struct link *k, const struct hj212_packet *p)
{
    const struct asked *a = k->asked;
    for (unsigned i = 0; a && i < (a->n < ASKED ? a->n : ASKED); i++)
        if (lf_text_eq(p->qn, (lf_text){ a->one[i].qn, a->one[i].qn_len }) ||
            (memcmp(p->cn.p, a->one[i].cn, 4) == 0 && uv_now(&l->loop) < a->one[i].until))
            return true;
    return false;
}

static void remember(struct lf_listener *l, struct link *k, lf_text qn, lf_text cn)
{
    if (qn.n > sizeof k->asked->one[0].qn || cn.n < 4)
        return;
    if (!k->asked)
        k->asked = lf_new(sizeof *k->asked);
    unsigned at = k->asked->n++ % ASKED;
    memcpy(k->asked->one[at].cn, cn.p, 4);
    if (qn.n)
        memcpy(k->asked->one[at].qn, qn.p, qn.n);
    k->asked->one[at].qn_len = qn.n;
    k->asked->one[at].until = uv_now(&l->loop) + ASKED_MS;
}

static void remember_frame(struct lf_listener *l, struct link *k, lf_text frame)
{
    struct hj212_packet p;
    const char *bad;
    if (frame.n >= 12 && hj212_parse((lf_text){ frame.p + 6, frame.n - 12 }, &p, &bad) == HJ212_GOOD)
        remember(l, k, p.qn, p.cn);
}

void link_recall(struct lf_listener *l, const struct lf_asked *asked, size_t n)
{
    for (size_t i = 0; i < n; i++)
        remember(l, find_or_make(l, asked[i].station.v), lf_str(asked[i].qn), lf_str(asked[i].cn));
}

void link_deliver(struct lf_listener *l)
{
    pthread_mutex_lock(&l->lock);
    struct outgoing *o = l->out_head;
    l->out_head = l->out_tail = NULL;
    l->nout = 0;
    pthread_mutex_unlock(&l->lock);
    for (struct outgoing *next; o; o = next) {
        next = o->next;
        struct link *k = find_or_make(l, o->station); /* it is there: only who was linked is sent anything */
        struct conn *c = k->handle ? conn_find(l, k->handle) : NULL;
        count_add(l, c ? N_SENT : N_SEND_LOST, 1);
        if (c) {
            remember_frame(l, k, (lf_text){ o->frame, o->n });
            conn_send(c, o->frame, o->n);
        }
        lf_release(o);
    }
}

lf_rc lf_listener_send(struct lf_listener *l, lf_id station, lf_text frame, struct lf_err *err)
{
    if (!frame.n || frame.n > CONN_OUT / 2)
        return lf_err_set(err, LF_EINVAL, NULL, "命令为空或过长 | The command is empty or too long");
    struct outgoing *o = lf_new(sizeof *o + frame.n);
    *o = (struct outgoing){ .station = station.v, .n = frame.n };
    memcpy(o->frame, frame.p, frame.n);
    pthread_mutex_lock(&l->lock);
    const struct link *k = l->links.slot ? *place(&l->links, station.v) : NULL;
    bool there = k && k->handle && !l->refusing, room = l->nout < OUTBOX_MAX;
    if (there && room) {
        *(l->out_tail ? &l->out_tail->next : &l->out_head) = o;
        l->out_tail = o;
        l->nout++;
        uv_async_send(&l->wake);
    }
    pthread_mutex_unlock(&l->lock);
    if (there && room)
        return LF_OK;
    lf_release(o);
    return there ? lf_err_set(err, LF_EBUSY, NULL, "等待发送的命令过多，请稍后再试 | Too many commands wait to be sent; try again later")
                 : lf_err_set(err, LF_ENOTFOUND, NULL, "站点当前未连接 | The station is not connected");
}

void link_free_all(struct lf_listener *l)
{
    for (size_t i = 0; l->links.slot && i <= l->links.mask; i++)
        for (struct link *k = l->links.slot[i], *next; k; k = next) {
            next = k->chain;
            lf_release(k->asked);
            lf_release(k);
        }
    lf_release(l->links.slot);
    for (struct outgoing *o = l->out_head, *next; o; o = next) {
        next = o->next;
        lf_release(o);
    }
}
