/* conn.c - one device: its bytes in, its answers out, both through buffers that do not grow. */
#include "tele/road.h"

/* ---- evidence: how much of what was refused is kept -------------------------------------- */

bool bound_allows(struct bound *b, lf_ms now, lf_text who, int each, int all)
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
    if (!bound_allows(&l->bound, a->now, lf_str(c->peer), l->c.evidence_per_hour, l->c.evidence_all_per_hour)) {
        count_add(l, N_DROPPED, 1);
        return NULL;
    }
    struct lf_tele_batch *b = &road_filling(l)->b;
    struct lf_tele_reject *r = lf_tele_add_reject(b);
    lf_text raw = a->frame;
    raw.n = raw.n < HJ212_FRAME_MAX ? raw.n : HJ212_FRAME_MAX;
    *r = (struct lf_tele_reject){
        .station = a->station,
        .received = a->now,
        .peer = lf_text_copy(&b->arena, lf_str(c->peer)),
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
    *lf_tele_add_ack(&road_filling(c->l)->b) = (struct lf_tele_ack){ c->handle, answer, packet };
    c->outstanding++;
}

/* ---- what a frame comes to ------------------------------------------------------------------- */

static void taken(struct conn *c, const struct lf_admit *a)
{
    struct lf_listener *l = c->l;
    c->good = true;
    add_ack(c, a->answer, (int64_t)road_filling(l)->b.npacket - 1);
    count_add(l, N_FRAMES, 1);
    if (a->needs)
        count_add(l, N_TOLERATED, 1);
    if (a->unknown_stats)
        count_add(l, N_UNKNOWN_STATS, a->unknown_stats);
    if (a->bad_values)
        count_add(l, N_BAD_VALUES, a->bad_values);
}

static void quarantined(struct conn *c, const struct lf_admit *a)
{
    count_add(c->l, N_FRAMES, 1);
    count_add(c->l, N_REFUSED + a->why, 1);
    count_add(c->l, N_QUARANTINED, 1);
    /* Acknowledged only when it is ours, and is kept. */
    if (keep(c, a, a->why, true) && a->answer.n)
        add_ack(c, a->answer, -1);
}

/* The station speaks over this connection; and what it says may be what a command asked for. */
static void heard(struct conn *c, const struct lf_admit *a, enum lf_admitted how)
{
    struct lf_listener *l = c->l;
    bool known = how == LF_ADMIT_TAKEN || how == LF_ADMIT_ANSWER || (how == LF_ADMIT_REPLY && a->station.v) ||
                 (how == LF_ADMIT_QUARANTINE && (a->why == LF_TELE_TIME || a->why == LF_TELE_COMMAND));
    if (!known)
        return;
    const struct link *k = link_seen(c, a->station);
    if (l->c.on_reply && (how == LF_ADMIT_REPLY || link_asked(l, k, &a->packet)))
        l->c.on_reply(l->c.user, a->station, &a->packet, a->frame);
}

static void on_frame(struct conn *c, lf_text frame, lf_text segment, unsigned needs, enum hj212_why why)
{
    struct lf_listener *l = c->l;
    struct lf_admit a = { .directory = l->judging,
                          .frame = frame,
                          .segment = segment,
                          .peer = lf_str(c->peer),
                          .needs = needs,
                          .now = lf_now(),
                          .ahead_ms = l->c.ahead_s * 1000,
                          .age_ms = l->c.age_s * 1000 };
    enum lf_admitted how = lf_admit(&a, &road_filling(l)->b);
    heard(c, &a, how);
    switch (how) {
    case LF_ADMIT_TAKEN: taken(c, &a); break;
    case LF_ADMIT_QUARANTINE: quarantined(c, &a); break;
    case LF_ADMIT_REPLY:
        count_add(l, N_FRAMES, 1);
        count_add(l, N_REPLIES, 1);
        if (a.station.v)
            add_ack(c, LF_TEXT(""), (int64_t)road_filling(l)->b.npacket - 1);
        break;
    case LF_ADMIT_ANSWER:
        count_add(l, N_FRAMES, 1);
        count_add(l, N_HEARTBEATS, 1);
        c->good = true;
        conn_send(c, a.answer);
        break;
    case LF_ADMIT_REFUSED:
        if (a.why == LF_TELE_GOOD)
            a.why = (enum lf_tele_why)why;
        count_add(l, N_REFUSED + a.why, 1);
        keep(c, &a, a.why, false);
        break;
    }
}

static bool only_blanks(lf_text t)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] != '\r' && t.p[i] != '\n' && t.p[i] != ' ' && t.p[i] != '\0')
            return false;
    return true;
}

static void on_refused(struct conn *c, enum hj212_why why, lf_text frame)
{
    struct lf_listener *l = c->l;
    lf_text segment;
    unsigned needs = why == HJ212_NOISE ? HJ212_NEEDS_MORE : hj212_needs(frame, &segment);
    if (needs < HJ212_NEEDS_MORE && (lf_directory_tolerates(l->judging) & needs) == needs) {
        on_frame(c, frame, segment, needs, why);
        return;
    }
    if (why == HJ212_NOISE && only_blanks(frame)) /* an empty line between frames hurts nobody */
        return;
    struct lf_admit a = { .frame = frame, .mn = LF_TEXT(""), .cn = LF_TEXT(""), .detail = LF_TEXT(""), .now = lf_now() };
    count_add(l, N_REFUSED + why, 1);
    keep(c, &a, (enum lf_tele_why)why, false);
}

/* A whole frame with nothing behind it, from a station that never sends CR LF: it would wait for ever for its answer. */
static bool take_without_tail(struct conn *c, size_t at)
{
    lf_text segment, frame = { c->in + at, (uint32_t)(c->held - at) };
    if (!(lf_directory_tolerates(c->l->judging) & HJ212_NEEDS_TAIL) || frame.n < 12 || hj212_needs(frame, &segment) != HJ212_NEEDS_TAIL)
        return false;
    struct hj212_packet p;
    const char *bad;
    const struct lf_tele_station *s = NULL;
    if (hj212_parse(segment, &p, &bad) == HJ212_GOOD)
        s = lf_directory_find(c->l->judging, p.mn);
    if (!s || !(s->tolerate & HJ212_NEEDS_TAIL))
        return false;
    on_frame(c, frame, segment, HJ212_NEEDS_TAIL, HJ212_TAIL);
    return true;
}

static void process(struct conn *c)
{
    size_t at = 0, used;
    lf_text frame, segment;
    c->stalled = false;
    road_judge_now(c->l);
    while (!c->closing) {
        if (c->outstanding >= CONN_OUTSTANDING || road_full(c->l)) {
            c->stalled = true;
            break;
        }
        enum hj212_why why = hj212_take(c->in + at, c->held - at, &used, &frame, &segment);
        if (!used && take_without_tail(c, at))
            used = c->held - at;
        else if (!used)
            break;
        else if (why == HJ212_GOOD)
            on_frame(c, frame, segment, 0, why);
        else
            on_refused(c, why, frame);
        at += used;
    }
    memmove(c->in, c->in + at, c->held - at);
    c->held -= at;
}

/* ---- sockets ------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    struct lf_listener *l = c->l;
    uint32_t slot = (uint32_t)c->handle;
    if (l->slot[slot] == c) {
        l->slot[slot] = NULL;
        l->generation[slot]++;
        l->free_slot[l->nfree++] = slot;
        count_add(l, N_CONNECTIONS, -1);
    }
    lf_release(c);
}

void conn_close(struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    link_conn_gone(c);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_turned_away(uv_handle_t *h) { lf_release(h->data); }

struct conn *conn_find(struct lf_listener *l, uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    struct conn *c = l->generation[slot] == generation ? l->slot[slot] : NULL;
    return c && !c->closing ? c : NULL;
}

static void write_more(struct conn *c);

static void on_written(uv_write_t *w, int status)
{
    struct conn *c = w->data;
    c->writing = false;
    if (c->closing)
        return;
    if (status < 0) {
        conn_close(c);
        return;
    }
    memmove(c->out, c->out + c->out_flight, c->out_n - c->out_flight);
    c->out_n -= c->out_flight;
    c->last = uv_now(&c->l->loop);
    write_more(c);
    if (c->eof && !c->writing && !c->outstanding)
        conn_close(c);
}

static void write_more(struct conn *c)
{
    if (c->writing || !c->out_n || c->closing)
        return;
    uv_buf_t buf = uv_buf_init(c->out, (unsigned)c->out_n);
    int sent = uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        conn_close(c);
        return;
    }
    if (sent > 0) {
        c->out_n -= (size_t)sent;
        memmove(c->out, c->out + sent, c->out_n);
    }
    if (!c->out_n)
        return;
    buf = uv_buf_init(c->out, (unsigned)c->out_n);
    c->out_flight = c->out_n;
    c->write.data = c;
    c->write_began = uv_now(&c->l->loop);
    c->writing = uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) == 0;
    if (!c->writing)
        conn_close(c);
}

void conn_send(struct conn *c, lf_text answer)
{
    if (c->closing || !answer.n)
        return;
    if (answer.n > CONN_OUT - c->out_n) { /* it does not read what it asked for; what it sent is safe, it will ask again */
        count_add(c->l, N_SLOW, 1);
        conn_close(c);
        return;
    }
    memcpy(c->out + c->out_n, answer.p, answer.n);
    c->out_n += answer.n;
    write_more(c);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = h->data;
    *buf = uv_buf_init(c->in + c->held, (unsigned)(sizeof c->in - c->held));
}

/* The device has closed its side: what is on its way to the disk is still answered; half a frame is not one. */
static void on_eof(struct conn *c)
{
    c->eof = true;
    conn_stop_reading(c);
    if (c->held && !c->stalled && !only_blanks((lf_text){ c->in, (uint32_t)c->held })) {
        lf_text rest = { c->in, (uint32_t)c->held };
        bool head = rest.n >= 2 && rest.p[0] == '#' && rest.p[1] == '#';
        c->held = 0;
        on_refused(c, head ? HJ212_LENGTH : HJ212_NOISE, rest);
    }
    if (!c->stalled && !c->outstanding && !c->writing)
        conn_close(c);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = s->data;
    if (n == UV_EOF) {
        on_eof(c);
    } else if (n < 0 && n != UV_ENOBUFS) {
        conn_close(c);
    } else if (n > 0) {
        c->last = uv_now(&c->l->loop);
        c->held += (size_t)n;
        count_add(c->l, N_BYTES, n);
        process(c);
        if (c->stalled)
            conn_stop_reading(c);
    }
}

void conn_stop_reading(struct conn *c)
{
    if (c->reading)
        uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

static void start_reading(struct conn *c)
{
    if (!c->reading && !c->closing && !c->eof && !c->l->stop_at)
        c->reading = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0;
}

void conn_resume(struct conn *c)
{
    if (c->closing)
        return;
    if (c->stalled)
        process(c);
    if (!c->stalled)
        start_reading(c);
    if (c->eof && !c->stalled && !c->closing)
        on_eof(c);
}

static int peers_like(struct lf_listener *l, const char *peer)
{
    int n = 0;
    for (int i = 0; i < l->c.max_connections; i++)
        n += l->slot[i] && strcmp(l->slot[i]->peer, peer) == 0;
    return n;
}

static void name_peer(struct conn *c)
{
    struct sockaddr_storage a;
    int n = sizeof a;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &n) != 0 ||
        uv_ip_name((const struct sockaddr *)&a, c->peer, sizeof c->peer) != 0)
        strcpy(c->peer, "?");
}

void conn_open(struct lf_listener *l, uv_stream_t *server)
{
    struct conn *c = lf_new(sizeof *c);
    c->l = l;
    uv_tcp_init(&l->loop, &c->tcp);
    c->tcp.data = c;
    bool ok = uv_accept(server, (uv_stream_t *)&c->tcp) == 0;
    name_peer(c);
    if (!ok || l->stop_at || l->nfree == 0 || peers_like(l, c->peer) >= l->c.max_per_peer) {
        count_add(l, N_TURNED_AWAY, 1);
        c->closing = true;
        uv_close((uv_handle_t *)&c->tcp, on_turned_away);
        return;
    }
    uint32_t slot = l->free_slot[--l->nfree];
    l->slot[slot] = c;
    c->handle = (uint64_t)l->generation[slot] << 32 | slot;
    c->last = uv_now(&l->loop);
    count_add(l, N_ACCEPTED, 1);
    count_add(l, N_CONNECTIONS, 1);
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, 60); /* a mobile link that died without a word is found out */
    start_reading(c);
    if (!c->reading)
        conn_close(c);
}
