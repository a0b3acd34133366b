/* conn.c - what the bytes of one device come to: packets in the batch, evidence, answers. */
#include "tele/road.h"

#include "hj212/sm4.h"

/* ---- evidence: how much of what was refused is kept -------------------------------------- */

static bool bound_allows(struct bound *b, lf_ms now, lf_text who, int each, int all)
{
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < who.n; i++)
        h = (h ^ (unsigned char)who.p[i]) * 16777619u;
    int64_t hour = now.ms / LF_HOUR_MS;
    if (hour != b->hour)
        *b = (struct bound){ .hour = hour };
    uint16_t *used = &b->slot[(h ^ h >> 16) % BOUND_SLOTS];
    if (*used >= each || b->all >= all)
        return false;
    ++*used;
    ++b->all;
    return true;
}

/* Names from a frame that was refused may be any bytes; the store and the pages want text. */
static lf_text printable(struct lf_arena *a, lf_text t)
{
    if (t.n > 64)
        return LF_TEXT("");
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] < ' ' || t.p[i] > '~')
            return LF_TEXT("");
    return lf_text_copy(a, t);
}

/* Puts the refused bytes into the batch, when they may be kept. NULL when not. */
static struct lf_tele_reject *keep(struct conn *c, const struct lf_admit *a, enum lf_tele_why why, bool quarantine)
{
    struct lf_listener *l = c->l;
    if (!bound_allows(&l->bound, a->now, c->peer->name, l->c.evidence_per_hour, l->c.evidence_all_per_hour)) {
        count_add(l, N_DROPPED, 1);
        return NULL;
    }
    struct lf_tele_batch *b = &road_filling(l)->b;
    struct lf_tele_reject *r = lf_tele_add_reject(b);
    lf_text raw = a->frame;
    raw.n = raw.n < EVIDENCE_BYTES ? raw.n : EVIDENCE_BYTES;
    *r = (struct lf_tele_reject){
        .station = a->station,
        .received = a->now,
        .peer = lf_text_copy(&b->arena, c->peer->name),
        .mn = printable(&b->arena, a->mn),
        .cn = printable(&b->arena, a->cn),
        .detail = printable(&b->arena, a->detail),
        .raw = lf_text_copy(&b->arena, raw),
        .size = a->frame.n,
        .why = why,
        .quarantine = quarantine,
    };
    return r;
}

static void add_ack(struct conn *c, lf_text answer, int64_t packet)
{
    *lf_tele_add_ack(&road_filling(c->l)->b) =
        (struct lf_tele_ack){ .conn = c->handle, .answer = answer, .packet = packet, .since = c->l->read_at };
    c->outstanding++;
}

/* ---- what a frame comes to ------------------------------------------------------------------- */

static void taken(struct conn *c, const struct lf_admit *a)
{
    struct lf_listener *l = c->l;
    c->good = true;
    add_ack(c, a->answer, (int64_t)road_filling(l)->b.npacket - 1);
    count_own(l, N_FRAMES, 1);
    if (a->sealed)
        count_add(l, N_SEALED, 1);
    if (a->unknown_stats)
        count_add(l, N_UNKNOWN_STATS, a->unknown_stats);
    if (a->bad_values)
        count_add(l, N_BAD_VALUES, a->bad_values);
}

static void quarantined(struct conn *c, const struct lf_admit *a)
{
    count_own(c->l, N_FRAMES, 1);
    count_add(c->l, N_REFUSED + a->why, 1);
    count_add(c->l, N_QUARANTINED, 1);
    /* Acknowledged only when it is ours, and is kept. */
    if (keep(c, a, a->why, true) && a->answer.n)
        add_ack(c, a->answer, -1);
}

static void count_tolerated(struct lf_listener *l, unsigned set)
{
    count_add(l, N_TOLERATED, 1);
    for (unsigned i = 0; i < LF_TOLERATE_COUNT; i++)
        if (set >> i & 1)
            count_add(l, N_TOLERATED_BY + i, 1);
}

/* The station speaks over this connection; and what it says may be what a command asked for. */
static void heard(struct conn *c, const struct lf_admit *a, enum lf_admitted how)
{
    struct lf_listener *l = c->l;
    bool known = how == LF_ADMIT_TAKEN || how == LF_ADMIT_ANSWER || (how == LF_ADMIT_REPLY && a->station.v) ||
                 (how == LF_ADMIT_QUARANTINE && (a->why == LF_TELE_TIME || a->why == LF_TELE_COMMAND));
    if (!known)
        return;
    c->spoke = true;
    const struct link *k = link_seen(c, a->station);
    if (l->c.on_reply && (how == LF_ADMIT_REPLY || link_asked(l, k, &a->packet)))
        l->c.on_reply(l->c.user, a->station, &a->packet, a->frame);
}

/* sealed: the frame was encrypted, and segment is what came out of it. */
static void on_frame(struct conn *c, lf_text frame, lf_text segment, unsigned needs, bool sealed, enum hj212_why why)
{
    struct lf_listener *l = c->l;
    struct lf_admit a = { .directory = l->judging,
                          .shapes = l->shapes,
                          .frame = frame,
                          .segment = segment,
                          .peer = c->peer->name,
                          .needs = needs,
                          .sealed = sealed,
                          .now = lf_now(),
                          .ahead_ms = l->c.ahead_s * 1000,
                          .age_ms = l->c.age_s * 1000 };
    enum lf_admitted how = lf_admit(&a, &road_filling(l)->b);
    heard(c, &a, how);
    if (how != LF_ADMIT_REFUSED && a.forgiven)
        count_tolerated(l, a.forgiven);
    switch (how) {
    case LF_ADMIT_TAKEN: taken(c, &a); break;
    case LF_ADMIT_QUARANTINE: quarantined(c, &a); break;
    case LF_ADMIT_REPLY:
        count_own(l, N_FRAMES, 1);
        count_add(l, N_REPLIES, 1);
        if (a.station.v)
            add_ack(c, a.answer, (int64_t)road_filling(l)->b.npacket - 1);
        break;
    case LF_ADMIT_ANSWER:
        count_own(l, N_FRAMES, 1);
        count_add(l, N_HEARTBEATS, 1);
        c->good = true;
        conn_send(c, a.answer.p, a.answer.n);
        break;
    case LF_ADMIT_REFUSED:
        if (a.why == LF_TELE_GOOD)
            a.why = (enum lf_tele_why)why;
        count_add(l, N_REFUSED + a.why, 1);
        keep(c, &a, a.why, false);
        break;
    }
}

bool only_blanks(lf_text t)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] != '\r' && t.p[i] != '\n' && t.p[i] != ' ' && t.p[i] != '\0')
            return false;
    return true;
}

static void refuse(struct conn *c, enum hj212_why why, struct lf_admit *a)
{
    count_add(c->l, N_REFUSED + why, 1);
    keep(c, a, (enum lf_tele_why)why, false);
}

/* An encrypted frame (2025): its header says whose it is, and so with which key it is read. */
static void on_sealed(struct conn *c, lf_text frame, lf_text wire)
{
    char plain[HJ212_SEGMENT_MAX];
    lf_text segment;
    struct hj212_packet p;
    const char *bad;
    struct lf_admit a = { .frame = frame, .mn = LF_TEXT(""), .cn = LF_TEXT(""), .detail = LF_TEXT("CP"), .now = lf_now() };
    if (hj212_parse(wire, &p, &bad) != HJ212_GOOD) {
        a.detail = lf_str(bad ? bad : "");
        refuse(c, HJ212_GRAMMAR, &a);
        return;
    }
    const struct lf_tele_station *s = lf_directory_find(c->l->judging, p.mn);
    enum hj212_why why = s && s->key.p ? hj212_open((const unsigned char *)s->key.p, frame, plain, &segment) : HJ212_SEALED;
    if (why == HJ212_GOOD) {
        on_frame(c, frame, segment, 0, true, why);
        return;
    }
    a.mn = p.mn, a.cn = p.cn;
    a.station = s ? s->id : (lf_id){ 0 };
    refuse(c, why, &a);
}

static void on_refused(struct conn *c, enum hj212_why why, lf_text frame)
{
    struct lf_listener *l = c->l;
    lf_text segment;
    if (why != HJ212_NOISE && hj212_is_sealed(frame, &segment)) {
        on_sealed(c, frame, segment);
        return;
    }
    unsigned needs = why == HJ212_NOISE ? HJ212_NEEDS_MORE : hj212_needs(frame, &segment);
    if (needs < HJ212_NEEDS_MORE && (lf_directory_tolerates(l->judging) & needs) == needs) {
        on_frame(c, frame, segment, needs, false, why);
        return;
    }
    if (why == HJ212_NOISE && only_blanks(frame)) /* an empty line between frames hurts nobody */
        return;
    struct lf_admit a = { .frame = frame, .mn = LF_TEXT(""), .cn = LF_TEXT(""), .detail = LF_TEXT(""), .now = lf_now() };
    refuse(c, why, &a);
}

/* A whole frame with nothing behind it, from a station that never sends CR LF: it would wait for ever for its answer. */
static bool take_without_tail(struct conn *c, lf_text frame)
{
    lf_text segment;
    if (!(lf_directory_tolerates(c->l->judging) & HJ212_NEEDS_TAIL) || frame.n < 12 || hj212_needs(frame, &segment) != HJ212_NEEDS_TAIL)
        return false;
    struct hj212_packet p;
    const char *bad;
    const struct lf_tele_station *s = NULL;
    if (hj212_parse(segment, &p, &bad) == HJ212_GOOD)
        s = lf_directory_find(c->l->judging, p.mn);
    if (!s || !(s->tolerate & HJ212_NEEDS_TAIL))
        return false;
    on_frame(c, frame, segment, HJ212_NEEDS_TAIL, false, HJ212_TAIL);
    return true;
}

size_t conn_process(struct conn *c, const char *p, size_t n)
{
    size_t at = 0, used;
    lf_text frame, segment;
    c->stalled = false;
    c->l->read_at = uv_hrtime();
    road_judge_now(c->l);
    while (!c->closing && at < n) {
        if (c->outstanding >= CONN_OUTSTANDING || !road_has_room(c->l)) {
            c->stalled = true;
            break;
        }
        enum hj212_why why = hj212_take(p + at, n - at, &used, &frame, &segment);
        if (!used && take_without_tail(c, (lf_text){ p + at, (uint32_t)(n - at) }))
            used = n - at;
        else if (!used)
            break;
        else if (why == HJ212_GOOD)
            on_frame(c, frame, segment, 0, false, why);
        else
            on_refused(c, why, frame);
        at += used;
    }
    return at;
}

void conn_last_words(struct conn *c, lf_text rest)
{
    bool head = rest.n >= 2 && rest.p[0] == '#' && rest.p[1] == '#';
    on_refused(c, head ? HJ212_LENGTH : HJ212_NOISE, rest);
}
