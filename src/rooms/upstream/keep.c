/* keep.c - what the relay reports goes into the records, once a second and only when something has changed: position, number and parked
 * packets in one transaction, so that a crash finds them together. */
#include "rooms/upstream/parts.h"

#include "upstream_sql.h"

enum { SLOTS = 64, LAG_STEP_S = 5, AGAIN_MIN_MS = 60 * 1000, AGAIN_MAX_MS = 6 * 3600 * 1000 };

/* The report that was kept last, of each upstream that runs. */
static struct slot {
    lf_id id;
    struct lf_relay_report last;
} slots[SLOTS];

static struct slot *slot_of(lf_id id)
{
    struct slot *free_one = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].id.v == id.v)
            return &slots[i];
        if (!slots[i].id.v && !free_one)
            free_one = &slots[i];
    }
    if (!free_one) /* more upstreams than run at once have come and gone */
        free_one = &slots[id.v % SLOTS];
    *free_one = (struct slot){ .id = id };
    return free_one;
}

static bool differs(const struct lf_relay_report *a, const struct lf_relay_report *b)
{
    int64_t lag = (a->lag_ms - b->lag_ms) / 1000;
    return a->run != b->run || a->state != b->state || a->position != b->position || a->sent != b->sent ||
           a->acknowledged != b->acknowledged || a->failures != b->failures || a->nparked || a->ntried || lag >= LAG_STEP_S ||
           lag <= -LAG_STEP_S || (!a->lag_ms) != (!b->lag_ms) || strcmp(a->error, b->error) != 0;
}

static lf_ms or_null(lf_ms t) { return t.ms ? t : (lf_ms){ LF_NULL64 }; }

static lf_rc keep_row(struct lf_ctx *cx, lf_id id, const struct lf_relay_report *r, const struct lf_relay_report *last)
{
    const struct lf_relay_report none = { 0 };
    if (r->run != last->run)
        last = &none;
    return upstream_keep(cx, id, lf_str(lf_relay_state_name(r->state)), (r->lag_ms + 500) / 1000, r->position, or_null(r->position_at),
                         r->qn, r->sent - last->sent, r->acknowledged - last->acknowledged, r->failures - last->failures,
                         or_null(r->acknowledged_at), r->error[0] ? lf_str(r->error) : (lf_text){ 0 }, NULL);
}

/* A minute after the first refusal, twice as long after each further one, at most six hours. */
static lf_ms later(int64_t tries)
{
    int64_t ms = (int64_t)AGAIN_MIN_MS << (tries < 9 ? tries : 9);
    return (lf_ms){ lf_now().ms + (ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS) };
}

static lf_rc keep_tried(struct lf_ctx *cx, lf_id id, int64_t packet, bool acknowledged)
{
    struct upstream_parked_one_row p;
    lf_rc rc = upstream_parked_one(cx, id, packet, &p);
    if (rc)
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    if (acknowledged) {
        rc = upstream_unpark(cx, id, packet, NULL);
        return rc ? rc : upstream_postpone(cx, id, p.station_id, lf_now(), NULL);
    }
    rc = upstream_tried(cx, id, packet, NULL);
    return rc ? rc : upstream_postpone(cx, id, p.station_id, later(p.tries + 1), NULL);
}

static lf_rc keep_one(struct lf_ctx *cx, lf_id id, const struct lf_relay_report *r, const struct lf_relay_report *last)
{
    lf_rc rc = r->position == LF_RELAY_UNSET ? LF_OK : keep_row(cx, id, r, last);
    for (int i = 0; !rc && i < r->nparked; i++)
        rc = upstream_park(cx, id, r->parked[i].packet, r->parked[i].station, r->parked[i].qn,
                           r->parked[i].for_ever ? (lf_ms){ LF_NULL64 } : later(0), NULL);
    for (int i = 0; !rc && i < r->ntried; i++)
        rc = keep_tried(cx, id, r->tried[i].packet, r->tried[i].acknowledged);
    if (!rc && (r->nparked || r->ntried))
        rc = upstream_count(cx, id, NULL);
    return rc;
}

lf_rc upstream_keep_reports(struct lf_ctx *cx, struct lf_relay *relay, const lf_id *id, size_t n)
{
    struct lf_relay_report *r = lf_alloc(&cx->arena, sizeof *r);
    for (size_t i = 0; i < n; i++) {
        struct slot *s = slot_of(id[i]);
        if (lf_relay_report(relay, id[i], r) || !differs(r, &s->last))
            continue;
        lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
        if (rc || (rc = lf_tx_end(cx, keep_one(cx, id[i], r, &s->last))))
            return rc;
        lf_relay_kept(relay, id[i], r);
        s->last = *r;
        s->last.nparked = s->last.ntried = 0;
    }
    return LF_OK;
}

static lf_rc read_due(struct lf_ctx *cx, lf_id id, struct lf_relay_parked *p, int *n)
{
    struct upstream_due_row row;
    struct lf_cur cur;
    lf_rc rc = upstream_due(cx, id, lf_now(), &cur);
    if (rc)
        return rc;
    for (*n = 0; (rc = upstream_due_next(&cur, &row)) == LF_ROW && *n < LF_RELAY_RETRY_MAX; ++*n)
        p[*n] = (struct lf_relay_parked){ .packet = row.packet_id, .qn = row.qn, .station = row.station_id };
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc upstream_retry_parked(struct lf_ctx *cx, struct lf_relay *relay, const lf_id *id, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct lf_relay_parked p[LF_RELAY_RETRY_MAX];
        int due = 0;
        lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
        if (rc || (rc = lf_tx_end(cx, read_due(cx, id[i], p, &due))))
            return rc;
        if (due)
            lf_relay_retry(relay, id[i], p, due);
    }
    return LF_OK;
}

lf_rc upstream_ask_again(struct lf_ctx *cx, struct lf_change *ch) { return upstream_again(cx, lf_row_id(ch->row), lf_now(), NULL); }
