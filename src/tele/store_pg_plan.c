/* store_pg_plan.c - what a batch means: which packets are new, which readings are new or correct an earlier one, and the rows for COPY.
 *
 * A packet whose DataTime is later than that of every packet of its station and command cannot be there; the same for a reading
 * and its channel. So devices that send in order cost no question; what is sent again or late is looked up, many at once. */
#include "tele/store_pg.h"

static int64_t digest_of(lf_text t)
{
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * 1099511628211u;
    return h >> 63 ? -(int64_t)(UINT64_MAX - h) - 1 : (int64_t)h;
}

void pg_known_flag(struct pg_known *k, lf_text flag)
{
    k->nflag = flag.p ? (int8_t)(flag.n < PG_FLAG_MAX ? flag.n : PG_FLAG_MAX) : -1;
    if (flag.p)
        memcpy(k->flag, flag.p, (size_t)k->nflag);
}

static struct pg_known known(const struct lf_tele_reading *r)
{
    struct pg_known k = { .at = r->at.ms,
                          .packet = r->packet,
                          .received = r->received.ms,
                          .value = r->value,
                          .vmin = r->vmin,
                          .vmax = r->vmax,
                          .cou = r->cou,
                          .zs = r->zs };
    pg_known_flag(&k, r->flag);
    return k;
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool same_values(const struct pg_known *a, const struct pg_known *b)
{
    return same_number(a->value, b->value) && same_number(a->vmin, b->vmin) && same_number(a->vmax, b->vmax) &&
           same_number(a->cou, b->cou) && same_number(a->zs, b->zs) && a->nflag == b->nflag &&
           (a->nflag <= 0 || !memcmp(a->flag, b->flag, (size_t)a->nflag));
}

/* ---- packets ------------------------------------------------------------------------------------------ */

static bool packet_may_be_there(const struct pg_state *state, const struct lf_tele_packet *p)
{
    const struct pg_entry *e = pg_map_find(&state->mark, &(struct pg_key){ .station = p->station.v, .name = p->cn });
    return e && p->at.ms <= e->known.at;
}

static lf_rc find_duplicates(struct pg_plan *plan, const struct pg_state *state, PGconn *c, struct lf_tele_batch *b, struct lf_err *err)
{
    struct pg_asked_packet *ask = lf_alloc(&plan->arena, b->npacket * sizeof *ask + 1);
    size_t n = 0;
    for (size_t i = 0; i < b->npacket; i++) {
        struct lf_tele_packet *p = &b->packet[i];
        bool made = true;
        p->duplicate = false;
        if (p->failed)
            continue;
        plan->digest[i] = digest_of(p->raw);
        pg_map_put(&plan->print, &(struct pg_key){ p->station.v, p->qn, p->pno, plan->digest[i] }, NULL, &made);
        p->duplicate = !made; /* twice in this batch */
        if (made && packet_may_be_there(state, p))
            ask[n++] = (struct pg_asked_packet){ p, plan->digest[i] };
    }
    return n ? pg_look_packets(c, plan->citus, ask, n, err) : LF_OK;
}

static void give_ids(struct pg_plan *plan, struct lf_tele_batch *b)
{
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        plan->id[i] = p->failed || p->duplicate ? 0 : ++plan->last;
        for (size_t r = p->first; r < p->first + p->n; r++) {
            b->reading[r].fresh = false;
            b->reading[r].packet = plan->id[i];
            b->reading[r].received = p->received;
        }
    }
}

/* Rows leave in pieces, while the next are made. */
static lf_rc pieces(struct pg_copy *c, PGconn *h, struct lf_err *err)
{
    enum { PIECE = 64 * 1024 };
    return c->n < PIECE ? LF_OK : pg_copy_flush(h, c, err);
}

lf_rc pg_send_packets(struct pg_plan *plan, const struct lf_tele_batch *b, PGconn *h, struct lf_err *err)
{
    struct pg_copy *c = &plan->out;
    lf_rc rc = LF_OK;
    pg_copy_begin(c);
    for (size_t i = 0; !rc && i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        if (!plan->id[i])
            continue;
        pg_copy_row(c, 14);
        pg_copy_int(c, plan->id[i]);
        pg_copy_int(c, p->station.v);
        pg_copy_int(c, p->received.ms);
        pg_copy_int(c, p->at.ms);
        pg_copy_int(c, p->pnum);
        pg_copy_int(c, p->pno);
        pg_copy_int(c, plan->digest[i]);
        pg_copy_int(c, (int64_t)p->n);
        pg_copy_text(c, p->qn);
        pg_copy_text(c, p->st);
        pg_copy_text(c, p->cn);
        pg_copy_text(c, p->peer);
        pg_copy_text(c, p->note);
        pg_copy_text(c, p->raw);
        plan->packets++;
        rc = pieces(c, h, err);
    }
    pg_copy_end(c);
    return rc ? rc : pg_copy_send(h, c, err);
}

/* ---- readings -------------------------------------------------------------------------------------------- */

static struct pg_key key_of(const struct lf_tele_reading *r, bool with_time)
{
    return (struct pg_key){ r->station.v, r->factor, (int64_t)r->kind, with_time ? r->at.ms : 0 };
}

static lf_rc look_up(struct pg_plan *plan, const struct pg_state *state, PGconn *c, struct lf_tele_batch *b, struct lf_err *err)
{
    struct lf_tele_reading **ask[LF_TELE_KIND_COUNT] = { 0 };
    size_t n[LF_TELE_KIND_COUNT] = { 0 };
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < b->npacket; i++)
        for (size_t k = b->packet[i].first; plan->id[i] && k < b->packet[i].first + b->packet[i].n; k++) {
            struct lf_tele_reading *r = &b->reading[k];
            const struct pg_key key = key_of(r, false);
            const struct pg_entry *e = pg_map_find(&state->channel, &key);
            if (!e)
                continue;
            plan->channel[k] = (uint32_t)(e - state->channel.e) + 1;
            if (r->at.ms >= e->known.at)
                continue;
            if (!ask[r->kind])
                ask[r->kind] = lf_alloc(&plan->arena, b->nreading * sizeof *ask[0]);
            ask[r->kind][n[r->kind]++] = r;
        }
    for (size_t k = 0; !rc && k < LF_TELE_KIND_COUNT; k++)
        if (n[k])
            rc = pg_look_readings(c, plan->citus, ask[k], n[k], &plan->value, err);
    return rc;
}

static void put_values(struct pg_copy *c, const struct lf_tele_reading *r, int64_t packet, const struct pg_known *k)
{
    pg_copy_int(c, r->station.v);
    pg_copy_int(c, r->at.ms);
    pg_copy_int(c, packet);
    pg_copy_real(c, k->value);
    pg_copy_real(c, k->vmin);
    pg_copy_real(c, k->vmax);
    pg_copy_real(c, k->cou);
    pg_copy_real(c, k->zs);
    pg_copy_text(c, r->factor);
    if (k->nflag < 0)
        pg_copy_null(c);
    else
        pg_copy_text(c, (lf_text){ k->flag, (uint32_t)k->nflag });
    pg_copy_small(c, (int)r->kind);
}

/* Another value for the same time: the earlier one is kept. */
static void put_was(struct pg_plan *plan, const struct lf_tele_reading *r, const struct pg_known *was, int64_t now)
{
    pg_copy_row(&plan->was, 13);
    put_values(&plan->was, r, was->packet, was);
    pg_copy_int(&plan->was, now);
    pg_copy_int(&plan->was, r->packet);
}

/* A key that may come a second time in this batch wants the first to be known by its key: from here on all are, those before too. */
static void map_readings(struct pg_plan *plan, const struct lf_tele_batch *b, size_t n)
{
    bool made;
    for (size_t i = 0; i < n; i++)
        if (b->reading[i].fresh) {
            const struct pg_key key = key_of(&b->reading[i], true);
            pg_map_put(&plan->value, &key, NULL, &made)->known = known(&b->reading[i]);
        }
    plan->mapped = true;
}

/* What is known of this very time: NULL when nothing. *slot: where to keep what is decided, or NULL when nobody will ask. */
static const struct pg_known *earlier(struct pg_plan *plan, struct pg_state *state, const struct lf_tele_batch *b, size_t i,
                                      struct pg_entry **slot)
{
    const struct lf_tele_reading *r = &b->reading[i];
    struct pg_entry *channel = plan->channel[i] ? &state->channel.e[plan->channel[i] - 1] : NULL;
    bool made, newer = channel && r->at.ms > channel->known.at && (channel->batch != plan->batch || r->at.ms > channel->batch_at);
    *slot = NULL;
    if (newer) {
        channel->batch = plan->batch;
        channel->batch_at = r->at.ms;
    } else if (!plan->mapped) {
        map_readings(plan, b, i);
    }
    if (!plan->mapped)
        return NULL;
    const struct pg_key key = key_of(r, true);
    *slot = pg_map_put(&plan->value, &key, NULL, &made);
    if (made && channel && channel->known.at == r->at.ms) {
        (*slot)->known = channel->known;
        made = false;
    }
    return made ? NULL : &(*slot)->known;
}

static void put_reading(struct pg_plan *plan, struct pg_state *state, struct lf_tele_batch *b, size_t i)
{
    struct lf_tele_reading *r = &b->reading[i];
    const struct pg_known k = known(r);
    struct pg_entry *slot;
    const struct pg_known *was = earlier(plan, state, b, i, &slot);
    if (was && (was->packet == r->packet || same_values(was, &k)))
        return;
    if (was) {
        put_was(plan, r, was, plan->now);
        b->corrected++;
    }
    pg_copy_row(&plan->out, 11);
    put_values(&plan->out, r, r->packet, &k);
    if (slot)
        slot->known = k;
    r->fresh = true;
    plan->readings++;
}

lf_rc pg_send_readings(struct pg_plan *plan, struct pg_state *state, struct lf_tele_batch *b, PGconn *h, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    pg_copy_begin(&plan->out);
    pg_copy_begin(&plan->was);
    for (size_t i = 0; i < b->npacket; i++)
        for (size_t r = b->packet[i].first; !rc && plan->id[i] && r < b->packet[i].first + b->packet[i].n; r++) {
            put_reading(plan, state, b, r);
            rc = pieces(&plan->out, h, err);
        }
    pg_copy_end(&plan->out);
    pg_copy_end(&plan->was);
    return rc ? rc : pg_copy_send(h, &plan->out, err);
}

lf_rc pg_send_was(struct pg_plan *plan, PGconn *h, struct lf_err *err) { return pg_copy_send(h, &plan->was, err); }

static lf_rc flags_fit(const struct lf_tele_batch *b, struct lf_err *err)
{
    for (size_t i = 0; i < b->nreading; i++)
        if (b->reading[i].flag.n > PG_FLAG_MAX)
            return lf_err_set(err, LF_EINVAL, NULL, "a flag of more than %d bytes", PG_FLAG_MAX);
    return LF_OK;
}

/* ---- beside the readings, and the whole --------------------------------------------------------------------- */

lf_rc pg_send_rejects(struct pg_plan *plan, const struct lf_tele_batch *b, bool quarantine, PGconn *h, struct lf_err *err)
{
    struct pg_copy *c = &plan->out;
    pg_copy_begin(c);
    for (size_t i = 0; i < b->nreject; i++) {
        const struct lf_tele_reject *r = &b->reject[i];
        if (r->quarantine != quarantine)
            continue;
        pg_copy_row(c, 9);
        pg_copy_int(c, r->received.ms);
        pg_copy_text(c, lf_str(lf_tele_why_name(r->why)));
        pg_copy_text(c, r->detail);
        if (lf_id_none(r->station))
            pg_copy_null(c);
        else
            pg_copy_int(c, r->station.v);
        pg_copy_text(c, r->mn);
        pg_copy_text(c, r->cn);
        pg_copy_text(c, r->peer);
        pg_copy_int(c, r->size);
        pg_copy_text(c, r->raw);
    }
    pg_copy_end(c);
    return pg_copy_send(h, c, err);
}

lf_rc pg_plan(struct pg_plan *plan, const struct pg_state *state, PGconn *c, struct lf_tele_batch *b, struct lf_err *err)
{
    plan->id = lf_alloc(&plan->arena, b->npacket * sizeof *plan->id + 1);
    plan->digest = lf_alloc(&plan->arena, b->npacket * sizeof *plan->digest + 1);
    plan->channel = lf_alloc(&plan->arena, b->nreading * sizeof *plan->channel + 1);
    plan->last = state->last_packet;
    plan->now = lf_now().ms;
    plan->mapped = false;
    plan->batch++;
    plan->packets = plan->readings = b->corrected = 0;
    lf_rc rc = flags_fit(b, err);
    if (!rc)
        rc = find_duplicates(plan, state, c, b, err);
    if (rc)
        return rc;
    give_ids(plan, b);
    rc = look_up(plan, state, c, b, err);
    plan->mapped = plan->value.n > 0;
    return rc;
}

void pg_plan_keep(const struct pg_plan *plan, struct pg_state *state, const struct lf_tele_batch *b)
{
    state->last_packet = plan->last;
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        if (!plan->id[i])
            continue;
        pg_state_mark(state, p->station.v, p->cn, p->at.ms);
        for (size_t r = p->first; r < p->first + p->n; r++) {
            const struct pg_known k = known(&b->reading[r]);
            if (!b->reading[r].fresh)
                continue;
            if (plan->channel[r])
                pg_known_newer(&state->channel.e[plan->channel[r] - 1].known, &k);
            else
                pg_state_channel(state, &(struct pg_key){ p->station.v, b->reading[r].factor, (int64_t)b->reading[r].kind, 0 }, &k);
        }
    }
}

void pg_plan_clear(struct pg_plan *plan)
{
    pg_map_clear(&plan->print);
    pg_map_clear(&plan->value);
    lf_arena_reset(&plan->arena);
}

void pg_plan_free(struct pg_plan *plan)
{
    lf_release(plan->out.p);
    lf_release(plan->was.p);
    pg_map_free(&plan->print);
    pg_map_free(&plan->value);
    lf_arena_free(&plan->arena);
}
