#include "tele/twin_testing.h"

void twin_open(struct twin *t)
{
    memset(t, 0, sizeof *t);
    t->shapes = lf_shapes_new();
}

void twin_close(struct twin *t)
{
    lf_shapes_free(t->shapes);
    lf_tele_batch_free(&t->plain);
    lf_tele_batch_free(&t->remembered);
}

void twin_empty(struct twin *t)
{
    lf_tele_batch_reset(&t->plain);
    lf_tele_batch_reset(&t->remembered);
}

static bool same(lf_text a, lf_text b) { return a.p && b.p ? lf_text_eq(a, b) : !a.p && !b.p && a.n == b.n; }

/* The same text at the same place of two copies of a whole, or the same static one. */
static bool same_place(lf_text a, lf_text whole_a, lf_text b, lf_text whole_b)
{
    bool in_a = a.p >= whole_a.p && a.p <= whole_a.p + whole_a.n, in_b = b.p >= whole_b.p && b.p <= whole_b.p + whole_b.n;
    return same(a, b) && in_a == in_b && (!in_a || a.p - whole_a.p == b.p - whole_b.p);
}

static const char *differ_packet(const struct hj212_packet *a, lf_text whole_a, const struct hj212_packet *b, lf_text whole_b)
{
    const lf_text x[] = { a->qn, a->st, a->cn, a->pw, a->mn, a->cp }, y[] = { b->qn, b->st, b->cn, b->pw, b->mn, b->cp };
    static const char *const name[] = { "QN", "ST", "CN", "PW", "MN", "CP" };
    for (size_t i = 0; i < LF_COUNT(x); i++)
        if (!same_place(x[i], whole_a, y[i], whole_b))
            return name[i];
    return a->flag != b->flag || a->pnum != b->pnum || a->pno != b->pno || a->version != b->version || a->want_ack != b->want_ack ||
                   a->split != b->split
               ? "the header's numbers"
               : NULL;
}

static const char *differ_admit(const struct lf_admit *a, const struct lf_admit *b)
{
    if (a->why != b->why || !same(a->detail, b->detail))
        return "the reason";
    if (!same_place(a->mn, a->segment, b->mn, b->segment) || !same_place(a->cn, a->segment, b->cn, b->segment))
        return "MN or CN";
    if (a->station.v != b->station.v || a->forgiven != b->forgiven)
        return "the station, or what was forgiven";
    if (a->unknown_stats != b->unknown_stats || a->bad_values != b->bad_values)
        return "a count";
    return same(a->answer, b->answer) ? differ_packet(&a->packet, a->segment, &b->packet, b->segment) : "the answer";
}

static bool same_number(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static const char *differ_reading(const struct lf_tele_reading *a, lf_text raw_a, const struct lf_tele_reading *b, lf_text raw_b)
{
    if (a->station.v != b->station.v || a->kind != b->kind || a->at.ms != b->at.ms || !same(a->grid_code, b->grid_code))
        return "whose reading it is, or of when";
    if (!same_place(a->factor, raw_a, b->factor, raw_b))
        return "a factor";
    if (!same_place(a->flag, raw_a, b->flag, raw_b))
        return "a flag";
    if (!same_number(a->value, b->value) || !same_number(a->vmin, b->vmin) || !same_number(a->vmax, b->vmax) ||
        !same_number(a->cou, b->cou) || !same_number(a->zs, b->zs))
        return "a number";
    return a->fresh || b->fresh || a->ours || b->ours || a->packet || b->packet || a->received.ms != b->received.ms ? "a mark" : NULL;
}

static const char *differ_stored(const struct lf_tele_packet *a, const struct lf_tele_packet *b)
{
    if (a->station.v != b->station.v || a->received.ms != b->received.ms || a->at.ms != b->at.ms || a->pnum != b->pnum ||
        a->pno != b->pno || a->first != b->first || a->n != b->n || a->duplicate || b->duplicate || a->failed || b->failed)
        return "the stored packet's numbers";
    if (!same(a->raw, b->raw) || !same(a->grid_code, b->grid_code) || !same(a->peer, b->peer) || !same(a->note, b->note))
        return "the stored packet's texts";
    return !same(a->qn, b->qn) || !same(a->st, b->st) || !same(a->cn, b->cn) ? "QN, ST or CN of the stored packet" : NULL;
}

const char *twin_batches(const struct twin *t)
{
    const struct lf_tele_batch *a = &t->plain, *b = &t->remembered;
    if (a->npacket != b->npacket || a->nreading != b->nreading)
        return "how many";
    for (size_t i = 0; i < a->npacket; i++) {
        const struct lf_tele_packet *p = &a->packet[i], *q = &b->packet[i];
        const char *what = differ_stored(p, q);
        for (size_t r = p->first; !what && r < p->first + p->n; r++)
            what = differ_reading(&a->reading[r], p->raw, &b->reading[r], q->raw);
        if (what)
            return what;
    }
    return NULL;
}

/* A copy of exactly its bytes: a step outside is an error that the sanitizers find. */
static lf_text exact(lf_text t)
{
    char *p = lf_new(t.n);
    memcpy(p, t.p, t.n);
    return (lf_text){ p, t.n };
}

const char *twin_admit(struct twin *t, const struct lf_admit *in)
{
    struct lf_admit a = *in, b = *in;
    size_t into = (size_t)(in->segment.p - in->frame.p);
    lf_text x = exact(in->sealed ? in->segment : in->frame), y = exact(in->sealed ? in->segment : in->frame);
    if (in->sealed) {
        a.segment = x, b.segment = y;
    } else {
        a.frame = x, b.frame = y;
        a.segment = (lf_text){ x.p + into, in->segment.n }, b.segment = (lf_text){ y.p + into, in->segment.n };
    }
    b.shapes = t->shapes;
    t->how = lf_admit(&a, &t->plain);
    const char *what = lf_admit(&b, &t->remembered) != t->how ? "what it comes to" : differ_admit(&a, &b);
    t->last = b;
    lf_release((void *)(uintptr_t)x.p);
    lf_release((void *)(uintptr_t)y.p);
    return what;
}
