/* admit.c - is it a station of ours, does it say the password, is the time believable, and what was measured. */
#include "tele/admit.h"

#include "hj212/dialogue.h"
#include "hj212/sm4.h"
#include "tele/shape.h"

/* What devices send (HJ 212-2017 table 9; 2005 and 2025 beside it). Only the first group carries readings; the rest is
 * kept as the packet it is. 1013 and 2072 are notices, 9015 is a heartbeat. */
enum carries { RAW, VALUES };
static const struct lf_command {
    const char *cn;
    enum carries carries;
    enum lf_tele_kind kind;
    bool timed; /* must have a DataTime */
} commands[] = {
    { "2011", VALUES, LF_TELE_RTD, true }, { "2051", VALUES, LF_TELE_MIN, true }, { "2061", VALUES, LF_TELE_HOUR, true },
    { "2031", VALUES, LF_TELE_DAY, true }, { "2021", VALUES, LF_TELE_RTD, true }, { "2041", VALUES, LF_TELE_DAY, true },
    { "2111", VALUES, LF_TELE_MIN, true }, { "2013", RAW, LF_TELE_RTD, false },   { "2052", RAW, LF_TELE_RTD, false },
    { "2062", RAW, LF_TELE_RTD, false },   { "2071", RAW, LF_TELE_RTD, false },   { "2072", RAW, LF_TELE_RTD, false },
    { "2081", RAW, LF_TELE_RTD, true },    { "3015", RAW, LF_TELE_RTD, false },   { "3017", RAW, LF_TELE_RTD, false },
    { "3018", RAW, LF_TELE_RTD, false },   { "3019", RAW, LF_TELE_RTD, false },   { "3020", RAW, LF_TELE_RTD, false },
    { "1001", RAW, LF_TELE_RTD, false },   { "1011", RAW, LF_TELE_RTD, false },   { "1013", RAW, LF_TELE_RTD, false },
    { "1061", RAW, LF_TELE_RTD, false },   { "1063", RAW, LF_TELE_RTD, false },
};

static const struct lf_command *command_of(lf_text cn)
{
    for (size_t i = 0; i < LF_COUNT(commands); i++)
        if (memcmp(cn.p, commands[i].cn, 4) == 0)
            return &commands[i];
    return NULL;
}

/* Takes the same time wherever the texts differ, so that a password cannot be guessed letter by letter. */
static bool same_secret(lf_text sent, lf_text right)
{
    unsigned differ = sent.n ^ right.n;
    for (uint32_t i = 0; i < right.n; i++)
        differ |= (unsigned char)(right.p[i] ^ (i < sent.n ? sent.p[i] : 0));
    return differ == 0;
}

static lf_text not_null(lf_text t) { return t.p ? t : LF_TEXT(""); }

/* Is all of CP items? */
static bool only_items(lf_text cp)
{
    struct hj212_item it;
    size_t at = 0;
    bool broken;
    while (hj212_next(cp, &at, &it, &broken))
        ;
    return !broken;
}

static enum lf_admitted end(struct lf_admit *a, enum lf_tele_why why, const char *detail, enum lf_admitted how)
{
    a->why = why;
    a->detail = lf_str(detail);
    return how;
}

static void make_answer(struct lf_admit *a, struct lf_tele_batch *b, const struct hj212_packet *p, const struct lf_tele_station *s)
{
    char out[HJ212_FRAME_MAX];
    bool asked = p->want_ack || hj212_is_notice(p->cn);
    /* A notice waits for its 9013 whatever Flag says (2017 §6.1); data is answered when bit A asks for it. */
    if (!asked && s->tolerate & LF_TOLERATE_ACK)
        a->forgiven |= LF_TOLERATE_ACK;
    if (asked || s->tolerate & LF_TOLERATE_ACK)
        a->answer = lf_text_copy(&b->arena, (lf_text){ out, (uint32_t)hj212_answer(p, out, sizeof out) });
}

/* What was forgiven, by name, for the note of the packet and the detail of a refusal. */
static lf_text forgiven(struct lf_arena *m, unsigned set, bool sealed)
{
    const char *s = sealed ? "sm4" : "";
    for (unsigned i = 0; i < LF_TOLERATE_COUNT; i++)
        if (set >> i & 1)
            s = lf_printf(m, "%s%s%s", s, *s ? ", " : "", lf_tele_tolerate_name(i));
    return lf_str(s);
}

/* The frame moves into the batch's arena once; what was found in it then points into that copy. */
static lf_text moved(lf_text t, lf_text from, lf_text to) { return t.p ? (lf_text){ to.p + (t.p - from.p), t.n } : t; }

static lf_text bring_in(struct lf_arena *m, const struct lf_admit *a, struct hj212_packet *p)
{
    lf_text raw = lf_text_copy(m, a->frame), *const t[] = { &p->qn, &p->st, &p->cn, &p->pw, &p->mn, &p->cp };
    lf_text from = a->sealed ? a->segment : a->frame, to = a->sealed ? lf_text_copy(m, a->segment) : raw;
    for (size_t i = 0; i < LF_COUNT(t); i++)
        *t[i] = moved(*t[i], from, to);
    return raw;
}

static void add_packet(struct lf_admit *a, struct lf_tele_batch *b, const struct hj212_packet *p, const struct lf_tele_station *s,
                       lf_text raw, lf_text grid_code, lf_ms at, size_t first)
{
    lf_text peer = lf_tele_once(b, LF_TELE_PEER, a->peer), qn = not_null(p->qn), st = not_null(p->st);
    lf_text note = a->forgiven || a->sealed ? forgiven(&b->arena, a->forgiven, a->sealed) : LF_TEXT("");
    *lf_tele_add_packet(b) = (struct lf_tele_packet){
        .station = s->id,
        .grid_code = grid_code,
        .peer = peer,
        .raw = raw,
        .qn = qn,
        .st = st,
        .cn = p->cn,
        .note = note,
        .received = a->now,
        .at = at,
        .pnum = p->split ? p->pnum : 0,
        .pno = p->split ? p->pno : 0,
        .first = first,
        .n = b->nreading - first,
    };
}

static bool right_password(const struct hj212_packet *p, const struct lf_tele_station *s)
{
    return !s->pw.p || same_secret(not_null(p->pw), s->pw) || (s->pw_next.p && same_secret(not_null(p->pw), s->pw_next));
}

/* A station with a key encrypts what 2025 wants encrypted; a text shorter than a block has nothing to encrypt. */
static bool should_be_sealed(const struct lf_admit *a, const struct hj212_packet *p, const struct lf_tele_station *s)
{
    return s->key.p && !a->sealed && p->cp.n >= HJ212_KEY_SIZE && hj212_seals(p->cn);
}

/* Known station, right password, switched on; what stands in the way otherwise. */
static enum lf_admitted check_sender(struct lf_admit *a, struct lf_tele_batch *b, const struct hj212_packet *p,
                                     const struct lf_tele_station **s)
{
    *s = lf_directory_find(a->directory, p->mn);
    if (!*s && a->needs)
        return end(a, LF_TELE_GOOD, "", LF_ADMIT_REFUSED); /* a broken frame of nobody: stays what the codec called it */
    if (!*s)
        return end(a, LF_TELE_UNKNOWN_MN, "MN", LF_ADMIT_QUARANTINE);
    a->station = (*s)->id;
    if (a->needs & ~(*s)->tolerate)
        return end(a, LF_TELE_GOOD, forgiven(&b->arena, a->needs & ~(*s)->tolerate, false).p, LF_ADMIT_REFUSED);
    a->forgiven = a->needs;
    if (!right_password(p, *s) && !((*s)->tolerate & LF_TOLERATE_PW))
        return end(a, LF_TELE_PASSWORD, "PW", LF_ADMIT_REFUSED);
    if (!right_password(p, *s))
        a->forgiven |= LF_TOLERATE_PW;
    if (should_be_sealed(a, p, *s)) {
        if (!((*s)->tolerate & LF_TOLERATE_PLAIN))
            return end(a, LF_TELE_PLAIN, "CP", LF_ADMIT_REFUSED);
        a->forgiven |= LF_TOLERATE_PLAIN;
    }
    if ((*s)->disabled)
        return end(a, LF_TELE_DISABLED, "MN", LF_ADMIT_QUARANTINE);
    return LF_ADMIT_TAKEN;
}

/* DataTime of the packet into *at (0 when the command has none). */
static enum lf_admitted check_time(struct lf_admit *a, lf_text cp, bool timed, lf_ms *at)
{
    *at = (lf_ms){ 0 };
    if (!a->shapes || !lf_shapes_time(a->shapes, cp, at)) {
        lf_text t = hj212_value(cp, "DataTime");
        if (!t.n && !timed)
            return LF_ADMIT_TAKEN;
        if (!t.n || !lf_ms_parse_compact(t, at))
            return end(a, (enum lf_tele_why)HJ212_FIELD, "DataTime", LF_ADMIT_REFUSED);
    }
    if (timed && (at->ms > a->now.ms + a->ahead_ms || at->ms < a->now.ms - a->age_ms))
        return end(a, LF_TELE_TIME, "DataTime", LF_ADMIT_QUARANTINE);
    return LF_ADMIT_TAKEN;
}

/* The readings of CP into the batch. False when it holds something that is not an item: the packet is refused as a whole, so that none of
 * it is acknowledged. */
static bool read_values(struct lf_admit *a, struct lf_tele_batch *b, const struct lf_tele_station *s, lf_text grid_code, lf_text cp,
                        const struct lf_command *c, lf_ms at, struct lf_known *known)
{
    struct lf_values v = { .a = a, .b = b, .station = s, .first = b->nreading };
    if (c->carries == RAW)
        return only_items(cp);
    v.like = (struct lf_tele_reading){
        .station = s->id, .grid_code = grid_code, .kind = c->kind, .at = at, .value = NAN, .vmin = NAN, .vmax = NAN, .cou = NAN, .zs = NAN
    };
    return (known && lf_shapes_read(a->shapes, known, cp, &v)) || lf_shapes_read_new(a->shapes, known, cp, &v);
}

static bool is_reply(lf_text cn) { return memcmp(cn.p, "901", 3) == 0 && cn.p[3] >= '1' && cn.p[3] <= '4'; }

/* HJ/T 212-2005: with acknowledgements on, the result of a command is itself acknowledged, by the QN in its CP. */
static void answer_result_2005(struct lf_admit *a, struct lf_tele_batch *b, const struct hj212_packet *p, const struct lf_tele_station *s)
{
    struct hj212_packet q = *p;
    if (p->version != 2005 || !lf_text_is(p->cn, "9012"))
        return;
    q.qn = hj212_reply_qn(p);
    make_answer(a, b, &q, s);
}

static enum lf_admitted take_reply(struct lf_admit *a, struct lf_tele_batch *b, struct hj212_packet *p, const struct lf_tele_station *s)
{
    answer_result_2005(a, b, p, s);
    lf_text raw = bring_in(&b->arena, a, p);
    add_packet(a, b, p, s, raw, lf_tele_once(b, LF_TELE_GRID, s->grid_code), (lf_ms){ 0 }, b->nreading);
    return end(a, LF_TELE_GOOD, "", LF_ADMIT_REPLY);
}

static enum lf_admitted take_beat(struct lf_admit *a, struct lf_tele_batch *b, const struct hj212_packet *p,
                                  const struct lf_tele_station *s)
{
    if (!(s->tolerate & LF_TOLERATE_BEAT))
        make_answer(a, b, p, s);
    else
        a->forgiven |= LF_TOLERATE_BEAT;
    return end(a, LF_TELE_GOOD, "", LF_ADMIT_ANSWER);
}

/* What a station of ours has sent of its own accord, its header being good. */
static enum lf_admitted take_data(struct lf_admit *a, struct lf_tele_batch *b, struct hj212_packet *p, const struct lf_tele_station *s,
                                  const struct lf_command *c, struct lf_known *known)
{
    lf_ms at;
    enum lf_admitted how = check_time(a, p->cp, c->timed, &at);
    if (how == LF_ADMIT_QUARANTINE) /* ours, and kept: saying so ends the resending */
        make_answer(a, b, p, s);
    if (how != LF_ADMIT_TAKEN)
        return how;
    size_t first = b->nreading;
    lf_text raw = bring_in(&b->arena, a, p), grid_code = lf_tele_once(b, LF_TELE_GRID, s->grid_code);
    if (!read_values(a, b, s, grid_code, p->cp, c, at, known))
        return end(a, (enum lf_tele_why)HJ212_GRAMMAR, "CP", LF_ADMIT_REFUSED);
    make_answer(a, b, p, s);
    add_packet(a, b, p, s, raw, grid_code, at, first);
    return end(a, LF_TELE_GOOD, "", LF_ADMIT_TAKEN);
}

/* Nothing but its bytes decides that the next packet with this header is as good so far: no mistake was forgiven, and no key asks for
 * more the longer its CP is. */
static struct lf_known *remember(struct lf_admit *a, const struct hj212_packet *p, const struct lf_tele_station *s,
                                 const struct lf_command *c)
{
    bool plain = a->shapes && !a->needs && !a->sealed && !a->forgiven && !s->key.p;
    return plain ? lf_shapes_learn(a->shapes, a->segment, p, s, c) : NULL;
}

/* A header that is not remembered. */
static enum lf_admitted admit_new(struct lf_admit *a, struct lf_tele_batch *b)
{
    struct hj212_packet p;
    const struct lf_tele_station *s;
    const char *bad;
    enum hj212_why why = hj212_parse(a->segment, &p, &bad);
    a->mn = not_null(p.mn), a->cn = not_null(p.cn), a->packet = p;
    if (why != HJ212_GOOD)
        return end(a, (enum lf_tele_why)why, bad ? bad : "", LF_ADMIT_REFUSED);
    if (is_reply(p.cn) && !p.mn.p)
        return end(a, LF_TELE_GOOD, "", LF_ADMIT_REPLY);
    enum lf_admitted how = check_sender(a, b, &p, &s);
    if (how != LF_ADMIT_TAKEN)
        return how;
    if (is_reply(p.cn))
        return take_reply(a, b, &p, s);
    if (lf_text_is(p.cn, "9015"))
        return take_beat(a, b, &p, s);
    const struct lf_command *c = command_of(p.cn);
    if (!c)
        return end(a, LF_TELE_COMMAND, "CN", LF_ADMIT_QUARANTINE);
    return take_data(a, b, &p, s, c, remember(a, &p, s, c));
}

enum lf_admitted lf_admit(struct lf_admit *a, struct lf_tele_batch *b)
{
    struct hj212_packet p;
    struct lf_known *k = NULL;
    a->mn = a->cn = a->detail = a->answer = LF_TEXT("");
    a->station = (lf_id){ 0 };
    a->unknown_stats = a->bad_values = 0;
    a->forgiven = 0;
    if (a->shapes && !a->needs && !a->sealed)
        k = lf_shapes_find(a->shapes, a->directory, a->segment, &p);
    if (!k)
        return admit_new(a, b);
    a->mn = p.mn, a->cn = p.cn, a->packet = p;
    a->station = k->station->id;
    return take_data(a, b, &p, k->station, k->command, k);
}
