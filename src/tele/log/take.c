/* take.c - rows of another store, as they are there. The record in the journal is that of a commit. */
#include "tele/log/store.h"

#include "tele/log/parts.h"

static void put_packets(struct buf *b, const struct lf_tele_rows *r)
{
    for (size_t i = 0; i < r->npacket; i++) {
        size_t from = begin_body(b, r->packet[i].station.v, r->packet_id[i]);
        packet_put(b, &r->packet[i]);
        end_body(b, from);
    }
}

static void put_rejects(struct buf *b, const struct lf_tele_rows *r, bool quarantine)
{
    for (size_t i = 0; i < r->nreject; i++)
        if (r->reject[i].quarantine == quarantine) {
            size_t from = begin_body(b, 0, r->reject_id[i]);
            reject_put(b, &r->reject[i]);
            end_body(b, from);
        }
}

static void put_corrections(struct buf *b, const struct lf_tele_rows *r)
{
    for (size_t i = 0; i < r->ncorrection; i++) {
        const struct lf_tele_correction *c = &r->correction[i];
        struct point was = point_of_reading(&c->was);
        size_t from = begin_body(b, c->was.station.v, r->correction_id[i]);
        correction_put(b, c->was.kind, c->was.factor, &was, c->replaced, c->by_packet.v);
        end_body(b, from);
    }
}

static void put_rows(struct buf *b, const struct lf_tele_rows *r)
{
    uint32_t quarantined = 0;
    for (size_t i = 0; i < r->nreject; i++)
        quarantined += r->reject[i].quarantine;
    b->n = 0;
    buf_room(b, sizeof(struct record_header));
    b->n = sizeof(struct record_header);
    put_u64(b, (uint64_t)r->heard.ms);
    put_u32(b, (uint32_t)r->npacket);
    put_u32(b, (uint32_t)r->nreject - quarantined);
    put_u32(b, quarantined);
    put_u32(b, (uint32_t)r->ncorrection);
    put_u32(b, (uint32_t)r->nreading);
    put_packets(b, r);
    put_rejects(b, r, false);
    put_rejects(b, r, true);
    put_corrections(b, r);
    for (size_t i = 0; i < r->nreading; i++)
        put_reading(b, &r->reading[i]);
}

lf_rc lf_tele_log_take(struct lf_tele_store *store, const struct lf_tele_rows *r, struct lf_err *err)
{
    struct log_store *s = log_of(store);
    pthread_mutex_lock(&s->commit_lock);
    s->commits++;
    lf_rc rc = log_make_ready(s, err);
    if (!rc) {
        put_rows(&s->record, r);
        rc = log_store_record(s, NULL, err);
    }
    pthread_mutex_unlock(&s->commit_lock);
    return rc;
}

void lf_tele_log_next_ids(struct lf_tele_store *store, int64_t next[RECORD_CLASSES])
{
    struct log_store *s = log_of(store);
    pthread_rwlock_rdlock(&s->lock);
    memcpy(next, s->mem.next_id, sizeof s->mem.next_id);
    pthread_rwlock_unlock(&s->lock);
}

bool lf_tele_log_newest(struct lf_tele_store *store, const struct lf_tele_reading *of, lf_ms *at)
{
    struct log_store *s = log_of(store);
    pthread_rwlock_rdlock(&s->lock);
    const struct series *e = mem_find_series(&s->mem, of->station.v, of->kind, of->factor);
    bool known = e && e->known;
    if (known)
        at->ms = e->latest.at;
    pthread_rwlock_unlock(&s->lock);
    return known;
}
