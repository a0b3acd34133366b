/* tally.c - counts of each feed, kept every few seconds instead of at each document; and how often it may send. */
#include "rooms/intake/parts.h"

#include "intake_sql.h"

#include <pthread.h>
#include <stdio.h>

/* A micro-station speaks once a minute or every few seconds; sixty at once let it catch up after a cut. */
enum { SLOTS = 4096, BURST = 60, EACH_MS = 500 };

static struct slot {
    int64_t feed; /* 0 = free */
    int64_t accepted, refused, last_ms;
    int64_t credit_ms, seen_ms; /* credit: how much sending is paid for */
    bool changed;
    char error[300];
} slots[SLOTS];
static int64_t total_accepted, total_refused, total_limited;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* With the lock held. When the table is full two feeds share a slot's limit, and the later one is not counted: NULL. */
static struct slot *slot_of(int64_t feed)
{
    for (uint64_t i = 0, at = (uint64_t)feed * 0x9e3779b97f4a7c15u >> 40; i < SLOTS; i++) {
        struct slot *s = &slots[(at + i) % SLOTS];
        if (s->feed == feed)
            return s;
        if (!s->feed) {
            *s = (struct slot){ .feed = feed, .credit_ms = BURST * EACH_MS, .seen_ms = lf_now().ms };
            return s;
        }
    }
    return NULL;
}

void tally_add(lf_id feed, int64_t accepted, int64_t refused, const char *error)
{
    pthread_mutex_lock(&lock);
    struct slot *s = slot_of(feed.v);
    total_accepted += accepted;
    total_refused += refused;
    if (s) {
        s->accepted += accepted;
        s->refused += refused;
        s->last_ms = lf_now().ms;
        s->changed = true;
        if (error)
            snprintf(s->error, sizeof s->error, "%.*s", (int)sizeof s->error - 1, error);
    }
    pthread_mutex_unlock(&lock);
}

int tally_wait(lf_id feed)
{
    pthread_mutex_lock(&lock);
    struct slot *s = slot_of(feed.v);
    int64_t now = lf_now().ms, wait = 0;
    if (s) {
        s->credit_ms += now > s->seen_ms ? now - s->seen_ms : 0;
        s->credit_ms = s->credit_ms > BURST * EACH_MS ? BURST * EACH_MS : s->credit_ms;
        s->seen_ms = now;
        wait = s->credit_ms >= EACH_MS ? 0 : EACH_MS - s->credit_ms;
        s->credit_ms -= wait ? 0 : EACH_MS;
    }
    total_limited += wait > 0;
    pthread_mutex_unlock(&lock);
    return (int)((wait + 999) / 1000);
}

void tally_totals(int64_t *accepted, int64_t *refused, int64_t *limited)
{
    pthread_mutex_lock(&lock);
    *accepted = total_accepted, *refused = total_refused, *limited = total_limited;
    pthread_mutex_unlock(&lock);
}

static lf_rc keep(struct lf_ctx *cx, const struct slot *s)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    return lf_tx_end(cx, intake_count(cx, (lf_id){ s->feed }, s->accepted, s->refused, (lf_ms){ s->last_ms },
                                      s->error[0] ? lf_str(s->error) : (lf_text){ 0 }, NULL));
}

/* Takes the counts out before they are kept; when that fails they are put back. */
lf_rc tally_keep(struct lf_ctx *cx)
{
    for (size_t i = 0; i < SLOTS; i++) {
        pthread_mutex_lock(&lock);
        struct slot s = slots[i];
        if (s.changed)
            slots[i].accepted = slots[i].refused = 0, slots[i].changed = false, slots[i].error[0] = 0;
        pthread_mutex_unlock(&lock);
        lf_rc rc = s.changed ? keep(cx, &s) : LF_OK;
        if (rc) {
            pthread_mutex_lock(&lock);
            slots[i].accepted += s.accepted;
            slots[i].refused += s.refused;
            slots[i].changed = true;
            pthread_mutex_unlock(&lock);
            return rc;
        }
    }
    return LF_OK;
}
