/* commit.c - a batch: decide what of it is new, write that as one record of the journal, sync, publish it in memory.
 *
 * record: heard (u64), number of records of each class (u32 each), number of readings (u32), then
 *   each record:  station (zig), id (var), bytes (u32), body (body.h)
 *   each reading: station (zig), kind, columns that are there, length of flag + 1, flag, factor, at (zig), columns
 * Only what is new is in it, so replaying needs no decisions. An empty record says that the store was closed in good order. */
#include "tele/log/parts.h"

#include <stdlib.h>

static const size_t RECORD_BYTES_MAX = 1u << 29, KEEP_RECORD = 32u << 20, KEEP_ARENA = 8u << 20;

struct correction {
    struct series *series;
    struct point was;
    int64_t by;
};
/* Readings of this batch by (series, at): index + 1. Made when something older than the newest comes. */
struct seen {
    uint32_t *slot;
    size_t mask;
};
struct late { /* a reading that is not newer than all of its series */
    const struct series *series;
    uint32_t reading, packet;
};
struct work {
    struct log_store *s;
    struct lf_tele_batch *b;
    struct lf_arena *a;
    lf_ms now;
    uint64_t *print;          /* of packet i */
    int64_t *id;              /* of packet i; 0: not to be stored */
    struct channel **channel; /* of packet i; NULL: not there yet */
    bool *duplicate, *fresh;
    struct series **series; /* of reading i */
    struct late *late;
    size_t nlate, cap_late;
    struct seen seen, prints;
    struct correction *correction;
    uint32_t n[RECORD_CLASSES], nfresh, cap_correction;
    struct look *look;
};

/* ---- what is there already ----------------------------------------------------------------------------------- */

static struct look *look(struct work *w)
{
    if (!w->look)
        w->look = look_new(w->a);
    return w->look;
}

/* Nothing of a station's command that is newer than all before can be there already. */
static bool is_newest(struct work *w, size_t i)
{
    const struct lf_tele_packet *p = &w->b->packet[i];
    struct station *st = mem_find_station(&w->s->mem, p->station.v);
    struct channel *c = w->channel[i] = st ? mem_channel(&w->s->mem, st, p->cn, false) : NULL;
    return !c || (p->at.ms && p->at.ms > c->newest);
}

static bool in_batch(struct work *w, size_t i)
{
    size_t at = (size_t)w->print[i] & w->prints.mask;
    for (; w->prints.slot[at]; at = (at + 1) & w->prints.mask)
        if (w->print[w->prints.slot[at] - 1] == w->print[i])
            return true;
    w->prints.slot[at] = (uint32_t)i + 1;
    return false;
}

static lf_rc known_packet(struct work *w, size_t i, bool *known, struct lf_err *err)
{
    const struct lf_tele_packet *p = &w->b->packet[i];
    struct mem *m = &w->s->mem;
    w->print[i] = packet_print(p->station.v, p->at, p->pno, p->cn, p->qn, p->raw);
    *known = in_batch(w, i);
    if (*known || is_newest(w, i))
        return LF_OK;
    pthread_rwlock_rdlock(&w->s->lock);
    *known = mem_has_print(&m->table[0], w->print[i]) || mem_has_print(&m->table[1], w->print[i]);
    pthread_rwlock_unlock(&w->s->lock);
    return *known ? LF_OK : look_packet(w->s, look(w), p, w->print[i], known, err);
}

/* ---- readings ---------------------------------------------------------------------------------------------------- */

/* Devices send the same factors in the same order: the series after this one is guessed. NULL: its station has too many. */
static struct series *series_of(struct log_store *s, struct series *before, const struct lf_tele_reading *r)
{
    struct series *g = before ? before->guess : NULL;
    if (g && g->station->id == r->station.v && g->kind == r->kind && lf_text_eq(g->factor, r->factor))
        return g;
    g = mem_find_series(&s->mem, r->station.v, r->kind, r->factor);
    if (!g) {
        const struct station *st = mem_find_station(&s->mem, r->station.v);
        if (st && st->nseries >= STATION_SERIES_MAX)
            return NULL;
        pthread_rwlock_wrlock(&s->lock);
        g = mem_series(&s->mem, r->station.v, r->kind, r->factor);
        pthread_rwlock_unlock(&s->lock);
    }
    if (before)
        before->guess = g;
    return g;
}

static uint32_t *seen_slot(struct work *w, const struct series *sr, int64_t at)
{
    uint64_t h = (sr->hash ^ (uint64_t)at) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 20) & w->seen.mask;
    for (; w->seen.slot[i]; i = (i + 1) & w->seen.mask) {
        uint32_t r = w->seen.slot[i] - 1;
        if (w->series[r] == sr && w->b->reading[r].at.ms == at)
            break;
    }
    return &w->seen.slot[i];
}

static struct seen slots_for(struct lf_arena *a, size_t n)
{
    size_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    return (struct seen){ lf_alloc(a, slots * sizeof(uint32_t)), slots - 1 };
}

static void see_all(struct work *w)
{
    w->seen = slots_for(w->a, w->b->nreading);
    for (size_t i = 0; i < w->b->nreading; i++)
        if (w->fresh[i])
            *seen_slot(w, w->series[i], w->b->reading[i].at.ms) = (uint32_t)i + 1;
}

static void add_correction(struct work *w, struct series *sr, const struct point *was, int64_t by)
{
    uint32_t *n = &w->n[CLASS_CORRECTION - CLASS_RECORDS];
    if (*n == w->cap_correction) {
        struct correction *more = lf_alloc(w->a, (w->cap_correction = w->cap_correction * 2 + 32) * sizeof *more);
        if (*n)
            memcpy(more, w->correction, *n * sizeof *more);
        w->correction = more;
    }
    w->correction[(*n)++] = (struct correction){ sr, *was, by };
}

/* A reading that is not newer than all of its series: is its time there, and with what value? */
static lf_rc decide_old(struct work *w, size_t i, int64_t packet, struct lf_err *err)
{
    const struct lf_tele_reading *r = &w->b->reading[i];
    struct point now = point_of_reading(r), was;
    bool found = true;
    uint32_t *slot = seen_slot(w, w->series[i], r->at.ms);
    lf_rc rc = LF_OK;
    if (*slot)
        was = point_of_reading(&w->b->reading[*slot - 1]);
    else
        rc = look_point(w->s, look(w), w->series[i], r->at.ms, &was, &found, err);
    if (rc)
        return rc;
    w->fresh[i] = !found || !point_same(&was, &now);
    if (w->fresh[i] && found)
        add_correction(w, w->series[i], &was, packet);
    if (w->fresh[i])
        *slot = (uint32_t)i + 1;
    return LF_OK;
}

static void add_late(struct work *w, size_t reading, size_t packet)
{
    if (w->nlate == w->cap_late) {
        struct late *more = lf_alloc(w->a, (w->cap_late = w->cap_late * 2 + 64) * sizeof *more);
        if (w->nlate)
            memcpy(more, w->late, w->nlate * sizeof *more);
        w->late = more;
    }
    w->late[w->nlate++] = (struct late){ w->series[reading], (uint32_t)reading, (uint32_t)packet };
}

static int by_series(const void *a, const void *b)
{
    const struct late *x = a, *y = b;
    if (x->series != y->series)
        return (uintptr_t)x->series < (uintptr_t)y->series ? -1 : 1;
    return x->reading < y->reading ? -1 : x->reading > y->reading;
}

/* Series by series, within each in the order they came: what one packet of a series says is known when the next is looked at, and the
 * same piece of a segment serves many. What is newer than all of its series was decided before; it cannot have the same time. */
static lf_rc decide_late(struct work *w, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    if (!w->nlate)
        return LF_OK;
    see_all(w);
    qsort(w->late, w->nlate, sizeof *w->late, by_series);
    for (size_t i = 0; i < w->nlate && !rc; i++) {
        rc = decide_old(w, w->late[i].reading, w->id[w->late[i].packet], err);
        w->nfresh += w->fresh[w->late[i].reading];
    }
    return rc;
}

static lf_rc decide_reading(struct work *w, size_t i, size_t packet, struct series *before, struct lf_err *err)
{
    const struct lf_tele_reading *r = &w->b->reading[i];
    if (!r->factor.p || (unsigned)r->kind >= LF_TELE_KIND_COUNT)
        return lf_err_set(err, LF_EINVAL, NULL, "telemetry: a reading without a factor or a kind");
    struct series *sr = w->series[i] = series_of(w->s, before, r);
    if (!sr)
        return lf_err_set(err, LF_EINVAL, NULL, "telemetry: station %lld has sent more than %d different factors", (long long)r->station.v,
                          STATION_SERIES_MAX);
    if (sr->commit != w->s->commits) {
        sr->commit = w->s->commits;
        sr->newest = sr->known ? sr->latest.at : INT64_MIN;
    }
    if (r->at.ms <= sr->newest) {
        add_late(w, i, packet);
        return LF_OK;
    }
    sr->newest = r->at.ms;
    w->fresh[i] = true;
    return LF_OK;
}

static lf_rc decide(struct work *w, struct lf_err *err)
{
    struct series *before = NULL;
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < w->b->npacket && !rc; i++) {
        const struct lf_tele_packet *p = &w->b->packet[i];
        if (p->failed)
            continue;
        rc = known_packet(w, i, &w->duplicate[i], err);
        if (rc || w->duplicate[i])
            continue;
        w->id[i] = w->s->mem.next_id[0] + w->n[0]++;
        for (size_t r = p->first; r < p->first + p->n && !rc; r++) {
            rc = decide_reading(w, r, i, before, err);
            before = w->series[r];
            w->nfresh += w->fresh[r];
        }
    }
    for (size_t i = 0; i < w->b->nreject; i++)
        w->n[w->b->reject[i].quarantine ? 2 : 1]++;
    return rc ? rc : decide_late(w, err);
}

/* ---- the record ---------------------------------------------------------------------------------------------------- */

size_t begin_body(struct buf *b, int64_t station, int64_t id)
{
    put_zig(b, station);
    put_var(b, (uint64_t)id);
    put_u32(b, 0);
    return b->n;
}

void end_body(struct buf *b, size_t from)
{
    uint32_t n = (uint32_t)(b->n - from);
    memcpy(b->p + from - sizeof n, &n, sizeof n);
}

static void put_rejects(struct work *w, struct buf *b, bool quarantine)
{
    int64_t id = w->s->mem.next_id[quarantine ? 2 : 1];
    for (size_t i = 0; i < w->b->nreject; i++) {
        if (w->b->reject[i].quarantine != quarantine)
            continue;
        size_t from = begin_body(b, 0, id++);
        reject_put(b, &w->b->reject[i]);
        end_body(b, from);
    }
}

void put_reading(struct buf *b, const struct lf_tele_reading *r)
{
    const double *const col[COLUMNS] = { &r->value, &r->vmin, &r->vmax, &r->cou, &r->zs };
    uint64_t packed = flag_pack(r->flag);
    uint8_t mask = 0, flag = (uint8_t)(packed >> 56);
    uint8_t *q = buf_room(b, 3 * 10 + FLAG_BYTES + 1 + (r->factor.n + (size_t)TEXT_ROOM) + sizeof(double) * COLUMNS);
    for (unsigned c = 0; c < COLUMNS; c++)
        mask |= (uint8_t)((unsigned)!isnan(*col[c]) << c);
    q = write_var(q, zig(r->station.v));
    *q++ = (uint8_t)r->kind;
    *q++ = mask;
    *q++ = flag;
    memcpy(q, &packed, FLAG_BYTES + 1); /* there is room, and what is too much is written over */
    q = write_text(q + (flag ? flag - 1u : 0), r->factor);
    q = write_var(q, zig(r->at.ms));
    for (unsigned c = 0; c < COLUMNS; c++)
        if (mask >> c & 1) {
            memcpy(q, col[c], sizeof(double));
            q += sizeof(double);
        }
    b->n = (size_t)(q - b->p);
}

static void put_record(struct work *w, struct buf *b, struct hints *h)
{
    struct packet_hint *hint = lf_alloc(w->a, (w->n[0] + 1) * sizeof *hint);
    h->packet = hint;
    h->series = lf_alloc(w->a, (w->nfresh + 1) * sizeof *h->series);
    b->n = 0;
    buf_room(b, sizeof(struct record_header));
    b->n = sizeof(struct record_header);
    put_u64(b, (uint64_t)w->now.ms);
    for (int c = 0; c < RECORD_CLASSES; c++)
        put_u32(b, w->n[c]);
    put_u32(b, w->nfresh);
    for (size_t i = 0; i < w->b->npacket; i++)
        if (w->id[i]) {
            size_t from = begin_body(b, w->b->packet[i].station.v, w->id[i]);
            packet_put(b, &w->b->packet[i]);
            end_body(b, from);
            *hint++ = (struct packet_hint){ &w->b->packet[i], w->channel[i], w->print[i] };
        }
    put_rejects(w, b, false);
    put_rejects(w, b, true);
    for (uint32_t i = 0; i < w->n[3]; i++) {
        const struct correction *k = &w->correction[i];
        size_t from = begin_body(b, k->series->station->id, w->s->mem.next_id[3] + i);
        correction_put(b, k->series->kind, k->series->factor, &k->was, w->now, k->by);
        end_body(b, from);
    }
    struct series **to = h->series;
    for (size_t i = 0; i < w->b->nreading; i++)
        if (w->fresh[i]) {
            put_reading(b, &w->b->reading[i]);
            *to++ = w->series[i];
        }
}

/* ---- the journal ----------------------------------------------------------------------------------------------------- */

/* One that nobody reads any more. */
static struct journal *take_spare(struct log_store *s)
{
    struct journal *j = NULL;
    pthread_rwlock_wrlock(&s->lock);
    for (int i = 0; i < SPARES && !j; i++)
        if (s->spare[i] && atomic_load(&s->spare[i]->users) == 1) {
            j = s->spare[i];
            s->spare[i] = NULL;
        }
    pthread_rwlock_unlock(&s->lock);
    return j;
}

lf_rc log_new_journal(struct log_store *s, struct lf_err *err)
{
    char path[PATH_ROOM];
    struct journal *j, *spare = take_spare(s);
    int alone = spare ? s->io->lock(s->io, path_readers(path, s->dir), false) : -1;
    if (spare && alone < 0) { /* somebody reads the folder */
        s->io->remove(s->io, spare->path);
        journal_unref(spare);
        spare = NULL;
    }
    lf_rc rc = journal_create(&j, s->io, s->dir, s->next_journal, s->seq, s->c.reserve, s->journal, spare, err);
    if (alone >= 0)
        s->io->close(s->io, alone);
    if (!rc && spare)
        atomic_fetch_add(&s->reused, 1);
    s->next_journal++; /* of a failed one, too: it may be there in spite of that */
    if (rc)
        return rc;
    journal_unref(s->journal);
    s->journal = j;
    return LF_OK;
}

lf_rc log_freeze(struct log_store *s, struct lf_err *err)
{
    if (atomic_load(&s->frozen) || table_empty(active_table(s)))
        return LF_OK;
    lf_rc rc = log_new_journal(s, err);
    if (rc)
        return rc;
    pthread_rwlock_wrlock(&s->lock);
    active_table(s)->last_seq = s->seq;
    active_table(s)->journal_end = s->journal->number;
    s->mem.active = 1 - s->mem.active;
    atomic_store(&s->frozen, true);
    pthread_rwlock_unlock(&s->lock);
    keeper_wake(s);
    return LF_OK;
}

lf_rc log_make_ready(struct log_store *s, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    if (active_table(s)->bytes >= s->c.seal_bytes)
        rc = log_freeze(s, err); /* when that fails, the old one goes on for a while */
    if (active_table(s)->bytes >= s->c.max_bytes)
        return rc ? rc
                  : lf_err_set(
                        err, LF_EBUSY, NULL,
                        "telemetry: sealing does not keep up, commits wait\nHINT: is the disk full or slow? `lanfan telemetry stats`, "
                        "and lanfan_telemetry_store_seal_failures_total in /metrics");
    return !s->journal || s->journal->suspect ? log_new_journal(s, err) : LF_OK;
}

static void answer(struct work *w)
{
    w->b->corrected = w->n[3];
    for (size_t i = 0; i < w->b->npacket; i++) {
        struct lf_tele_packet *p = &w->b->packet[i];
        if (!p->failed)
            p->duplicate = w->duplicate[i];
        for (size_t r = p->first; r < p->first + p->n; r++) {
            w->b->reading[r].fresh = w->fresh[r];
            w->b->reading[r].packet = w->id[i];
            w->b->reading[r].received = p->received;
        }
    }
}

lf_rc log_store_record(struct log_store *s, const struct hints *h, struct lf_err *err)
{
    uint64_t at;
    size_t n = s->record.n - sizeof(struct record_header);
    if (n > RECORD_BYTES_MAX)
        return lf_err_set(err, LF_ETOOBIG, NULL, "telemetry: a batch of %zu bytes is too large", n);
    lf_rc rc = journal_append(s->journal, &s->record, s->seq + 1, &at, err);
    if (rc)
        return rc;
    s->seq++;
    pthread_rwlock_wrlock(&s->lock);
    bool good = mem_publish(&s->mem, s->journal, (lf_text){ (const char *)s->record.p + sizeof(struct record_header), (uint32_t)n }, at, h);
    pthread_rwlock_unlock(&s->lock);
    return good ? LF_OK : lf_err_set(err, LF_EBUG, NULL, "telemetry: a record cannot be read back");
}

static lf_rc store_record(struct work *w, struct lf_err *err)
{
    struct hints h;
    if (!w->n[0] && !w->n[1] && !w->n[2])
        return LF_OK; /* all of it is there, and was durable before it could be found */
    put_record(w, &w->s->record, &h);
    return log_store_record(w->s, &h, err);
}

static lf_rc commit(struct work *w, struct lf_err *err)
{
    size_t np = w->b->npacket + 1, nr = w->b->nreading + 1;
    w->print = lf_alloc(w->a, np * sizeof *w->print);
    w->id = lf_alloc(w->a, np * sizeof *w->id);
    w->channel = lf_alloc(w->a, np * sizeof *w->channel);
    w->duplicate = lf_alloc(w->a, np);
    w->fresh = lf_alloc(w->a, nr);
    w->series = lf_alloc(w->a, nr * sizeof *w->series);
    w->prints = slots_for(w->a, np);
    lf_rc rc = log_make_ready(w->s, err);
    if (!rc)
        rc = decide(w, err);
    if (!rc)
        rc = store_record(w, err);
    if (!rc)
        answer(w);
    look_free(w->look);
    return rc;
}

lf_rc log_commit(struct lf_tele_store *store, struct lf_tele_batch *b, struct lf_err *err)
{
    struct log_store *s = log_of(store);
    struct work w = { .s = s, .b = b, .a = &s->arena, .now = lf_now() };
    pthread_mutex_lock(&s->commit_lock);
    s->commits++;
    lf_rc rc = commit(&w, err);
    lf_arena_empty(&s->arena, KEEP_ARENA);
    if (s->record.cap > KEEP_RECORD)
        buf_free(&s->record);
    pthread_mutex_unlock(&s->commit_lock);
    return rc;
}
