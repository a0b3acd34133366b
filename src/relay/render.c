/* render.c - HJ 212 again for the platform above, JSON for a broker.
 *
 * QN. A packet goes out under a number of our own: the time at which it was received here, or one millisecond after the number before it
 * when that is later. It grows with the packets' ids, whichever of them are forwarded, and follows from the saved position, so that a
 * packet that is sent again after a crash has the number it had before. */
#include "relay/render.h"

#include "hj212/dialogue.h"
#include "relay/payload.h"
#include "tele/admit.h"

#include <stdio.h>

enum { CP_MAX = 950 }; /* HJ 212-2017 table 3 */

static const struct lf_relay_route *relay_route(const struct lf_relay_target *t, lf_id station)
{
    size_t lo = 0, hi = t->nroute;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->route[mid].station.v == station.v)
            return &t->route[mid];
        if (t->route[mid].station.v < station.v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void add(struct lf_arena *a, struct relay_msgs *m, lf_text topic, lf_text body, int64_t qn)
{
    if (m->n == m->cap) {
        struct relay_msg *p = lf_alloc(a, (m->cap = m->cap ? 2 * m->cap : 8) * sizeof *p);
        if (m->n)
            memcpy(p, m->p, m->n * sizeof *p);
        m->p = p;
    }
    m->p[m->n++] = (struct relay_msg){ topic, body, qn };
}

static char *qn_text(char out[32], int64_t qn)
{
    lf_ms_compact(out, (lf_ms){ qn });
    snprintf(out + 14, 18, "%03d", (int)(qn % 1000));
    return out;
}

/* ---- a frame, with another head --------------------------------------------------------------------- */

/* Which of the wanted kinds a command is; 0 for what is said between the station and us only (time request, heartbeat, answers). */
static unsigned kind_of(lf_text cn)
{
    static const struct {
        const char *cn;
        unsigned kind;
    } t[] = { { "2011", 1u << LF_TELE_RTD },
              { "2051", 1u << LF_TELE_MIN },
              { "2111", 1u << LF_TELE_MIN },
              { "2061", 1u << LF_TELE_HOUR },
              { "2031", 1u << LF_TELE_DAY },
              { "1013", 0 },
              { "9015", 0 } };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        if (lf_text_is(cn, t[i].cn))
            return t[i].kind;
    return cn.n == 4 && cn.p[0] >= '1' && cn.p[0] <= '3' ? LF_RELAY_OTHER
                                                         : 0; /* what is computed or reviewed here is ours, not the station's */
}

struct head {
    char p[HJ212_SEGMENT_MAX];
    uint32_t n;
    bool full;
};

static void put(struct head *h, lf_text t)
{
    if (t.n > sizeof h->p - h->n) {
        h->full = true;
        return;
    }
    memcpy(h->p + h->n, t.p ? t.p : "", t.n);
    h->n += t.n;
}

static void put_pair(struct head *h, const char *name, lf_text value)
{
    put(h, lf_str(name));
    put(h, value);
    put(h, LF_TEXT(";"));
}

static void put_int(struct head *h, const char *name, int v)
{
    char b[16];
    snprintf(b, sizeof b, "%d", v);
    put_pair(h, name, lf_str(b));
}

/* Fields that we do not set ourselves go on as they came (RF of 2025, and what vendors add), between Flag and CP. */
static void put_rest(struct head *h, lf_text segment, const char *cp)
{
    static const char *const ours[] = { "QN=", "ST=", "CN=", "PW=", "MN=", "Flag=", "PNUM=", "PNO=", "CP=" };
    for (const char *p = segment.p, *end; p < cp; p = end + 1) {
        end = memchr(p, ';', (size_t)(cp - p));
        end = end ? end : cp;
        bool known = end == p;
        for (size_t i = 0; i < LF_COUNT(ours); i++)
            known = known || ((size_t)(end - p) >= strlen(ours[i]) && !memcmp(p, ours[i], strlen(ours[i])));
        if (!known)
            put(h, (lf_text){ p, (uint32_t)(end - p + 1) });
    }
}

static lf_text or_else(lf_text t, lf_text otherwise) { return t.p ? t : otherwise; }

/* Table 3 of 2017, §5.3 of 2005: the order differs by the place of PNUM and PNO. An answer is always asked for. */
static void put_head(struct head *h, const struct hj212_packet *k, const struct lf_relay_route *r, int64_t qn)
{
    char b[32];
    bool old = k->version == 2005;
    put_pair(h, "QN=", lf_str(qn_text(b, qn)));
    if (old && k->split)
        put_int(h, "PNUM=", k->pnum), put_int(h, "PNO=", k->pno);
    put_pair(h, "ST=", or_else(k->st, r->st));
    put_pair(h, "CN=", k->cn);
    put_pair(h, "PW=", or_else(r->as_pw, or_else(k->pw, LF_TEXT(""))));
    put_pair(h, "MN=", or_else(r->as_mn, k->mn));
    put_int(h, "Flag=", (k->flag < 0 ? 0 : k->flag) | 1);
    if (!old && k->split)
        put_int(h, "PNUM=", k->pnum), put_int(h, "PNO=", k->pno);
}

static enum relay_rendered cannot(const char **why, const char *message)
{
    *why = message;
    return RELAY_CANNOT;
}

/* The stored bytes; what was forgiven when they were taken (checksum, length, tail) is made right on the way out. */
static bool segment_of(lf_text raw, lf_text *segment)
{
    size_t used;
    lf_text frame;
    if (hj212_take(raw.p, raw.n, &used, &frame, segment) == HJ212_GOOD && used)
        return true;
    return !(hj212_needs(raw, segment) & HJ212_NEEDS_MORE);
}

static enum relay_rendered render_frame(const struct lf_relay_target *t, const struct lf_relay_route *r,
                                        const struct lf_tele_stored_packet *p, int64_t qn, struct lf_arena *a, struct relay_msgs *out,
                                        const char **why)
{
    struct head h = { .n = 0 };
    struct hj212_packet k;
    lf_text segment;
    const char *bad;
    if (!(kind_of(p->cn) & t->kinds))
        return RELAY_SKIP;
    if (!segment_of(p->raw, &segment) || hj212_parse(segment, &k, &bad) != HJ212_GOOD)
        return cannot(why, "报文无法识别 | the packet cannot be read");
    put_head(&h, &k, r, qn);
    put_rest(&h, segment, k.cp.p - 5);
    put(&h, LF_TEXT("CP=&&"));
    put(&h, k.cp);
    put(&h, LF_TEXT("&&"));
    char *frame = lf_alloc(a, HJ212_FRAME_MAX);
    size_t n = h.full ? 0 : hj212_frame((lf_text){ h.p, h.n }, frame, HJ212_FRAME_MAX);
    if (!n)
        return cannot(why, "换上对方的标识后超过 1024 字节 | longer than 1024 bytes with the identity that is used there");
    add(a, out, (lf_text){ 0 }, (lf_text){ frame, (uint32_t)n }, qn);
    return RELAY_SEND;
}

/* ---- readings that did not come as HJ 212 -------------------------------------------------------------- */

struct channels { /* of one station */
    const struct lf_directory *directory;
    lf_text mn;
};
static lf_text unit_of(const void *user, lf_text factor)
{
    const struct channels *c = user;
    return lf_directory_unit(c->directory, c->mn, factor);
}

static lf_rc read_document(const struct lf_relay_target *t, const struct lf_relay_route *r, const struct lf_tele_stored_packet *p,
                           struct lf_arena *a, struct lf_payload *out)
{
    struct lf_err err;
    const struct channels c = { t->directory, r->mn };
    /* The limits of time were kept when it was taken in; nothing is left to judge. */
    const struct lf_payload_rules rules = { p->received, INT64_MAX / 4, INT64_MAX / 4, LF_TELE_RTD, unit_of, &c };
    return lf_payload_read(a, p->raw, &rules, out, &err);
}

/* Plain decimals only: HJ 212 knows no exponents. */
static void put_number(struct head *h, const char *name, lf_text factor, double v)
{
    char b[64];
    int n = snprintf(b, sizeof b, "%.12g", v);
    if (isnan(v))
        return;
    if (memchr(b, 'e', (size_t)n)) {
        n = snprintf(b, sizeof b, "%.9f", v);
        while (n > 1 && b[n - 1] == '0')
            n--;
        n -= b[n - 1] == '.';
    }
    put(h, factor);
    put(h, lf_str(name));
    put(h, (lf_text){ b, (uint32_t)n });
    put(h, LF_TEXT(","));
}

static void put_row(struct head *h, const struct lf_payload_row *r)
{
    bool rtd = r->kind == LF_TELE_RTD;
    put_number(h, rtd ? "-Rtd=" : "-Avg=", r->factor, r->value);
    put_number(h, "-Min=", r->factor, r->vmin);
    put_number(h, "-Max=", r->factor, r->vmax);
    put(h, r->factor);
    put(h, LF_TEXT("-Flag="));
    put(h, r->flag);
}

/* One frame with as many rows of the same kind and time as fit, from the first that is not done. */
static bool document_frame(const struct lf_relay_target *t, const struct lf_relay_route *r, const struct lf_payload *d, bool *done,
                           int64_t qn, struct lf_arena *a, struct relay_msgs *out)
{
    static const char *const cn[] = { "2011", "2051", "2061", "2031" };
    const struct lf_payload_row *first = NULL;
    struct head h = { .n = 0 };
    uint32_t cp = 0;
    char b[32];
    int rows = 0;
    for (size_t i = 0; i < d->nrow; i++) {
        const struct lf_payload_row *row = &d->row[i];
        if (done[i] || !(t->kinds & 1u << row->kind) || (first && (row->kind != first->kind || row->at.ms != first->at.ms)))
            continue;
        if (!first) {
            put_head(&h, &(struct hj212_packet){ .cn = lf_str(cn[row->kind]), .pw = r->pw, .mn = r->mn, .flag = 4, .version = 2017 }, r,
                     qn);
            put(&h, LF_TEXT("CP=&&"));
            cp = h.n;
            put_pair(&h, "DataTime=", lf_str(lf_ms_compact(b, row->at)));
            first = row;
        }
        struct head longer = h;
        put_row(&longer, row);
        put(&longer, LF_TEXT(";"));
        if (longer.full || longer.n - cp > CP_MAX || longer.n + 2 > HJ212_SEGMENT_MAX)
            break;
        h = longer;
        done[i] = true;
        rows++;
    }
    if (!rows)
        return false;
    h.n--; /* the last semicolon */
    put(&h, LF_TEXT("&&"));
    char *frame = lf_alloc(a, HJ212_FRAME_MAX);
    add(a, out, (lf_text){ 0 }, (lf_text){ frame, (uint32_t)hj212_frame((lf_text){ h.p, h.n }, frame, HJ212_FRAME_MAX) }, qn);
    return true;
}

static enum relay_rendered render_document(const struct lf_relay_target *t, const struct lf_relay_route *r,
                                           const struct lf_tele_stored_packet *p, int64_t qn, struct lf_arena *a, struct relay_msgs *out,
                                           const char **why)
{
    struct lf_payload d;
    if (read_document(t, r, p, a, &d))
        return cannot(why, "数据文件无法识别 | the document cannot be read");
    bool *done = lf_alloc(a, d.nrow + 1);
    while (document_frame(t, r, &d, done, qn + (int64_t)out->n, a, out)) {
    }
    return out->n ? RELAY_SEND : RELAY_SKIP;
}

/* ---- MQTT --------------------------------------------------------------------------------------------- */

/* The readings of a frame, read as the listener reads them. What was forgiven then is no question now; nor is the password. */
static bool read_frame(const struct lf_relay_target *t, const struct lf_tele_stored_packet *p, struct lf_tele_batch *b)
{
    lf_text segment;
    struct hj212_packet k;
    const char *bad;
    if (!segment_of(p->raw, &segment) || hj212_parse(segment, &k, &bad) != HJ212_GOOD)
        return false;
    const struct lf_tele_station *s = t->directory ? lf_directory_find(t->directory, k.mn) : NULL;
    if (!s || s->id.v != p->station.v)
        return false;
    struct lf_tele_station as = *s;
    as.pw = (lf_text){ 0 };
    as.disabled = false;
    struct lf_directory *one = lf_directory_make(&as, 1);
    struct lf_admit admit = { .directory = one,
                              .frame = p->raw,
                              .segment = segment,
                              .peer = p->peer,
                              .now = p->received,
                              .ahead_ms = INT64_MAX / 4,
                              .age_ms = INT64_MAX / 4 };
    bool taken = lf_admit(&admit, b) == LF_ADMIT_TAKEN;
    lf_directory_unref(one);
    return taken;
}

static lf_text topic_word(struct lf_arena *a, lf_text t)
{
    char *s = lf_strn(a, t);
    for (uint32_t i = 0; i < t.n; i++) /* levels and wildcards are not for names */
        if (s[i] == '/' || s[i] == '+' || s[i] == '#' || s[i] <= ' ')
            s[i] = '_';
    return (lf_text){ s, t.n };
}

static void reading_json(struct lf_json *j, const struct lf_tele_reading *r, lf_text unit)
{
    lf_json_kreal(j, "value", r->value);
    if (!isnan(r->vmin))
        lf_json_kreal(j, "min", r->vmin);
    if (!isnan(r->vmax))
        lf_json_kreal(j, "max", r->vmax);
    lf_json_ktext(j, "quality", r->flag.n ? r->flag : LF_TEXT("N"));
    if (unit.n)
        lf_json_ktext(j, "unit", unit);
}

static void message(const struct lf_relay_target *t, const struct lf_relay_route *r, const struct lf_tele_stored_packet *p,
                    const struct lf_tele_reading *first, size_t n, bool one, struct lf_arena *a, struct relay_msgs *out)
{
    struct lf_out o = lf_out_memory(0);
    struct lf_json j = lf_json_to(&o);
    const char *kind = lf_tele_kind_name(first->kind);
    lf_text mn = or_else(r->as_mn, r->mn), grid = topic_word(a, r->grid_code), word = topic_word(a, mn);
    const char *topic =
        lf_printf(a, "%.*s/%.*s/%.*s/%s", (int)t->topic.n, t->topic.p ? t->topic.p : "", (int)grid.n, grid.p, (int)word.n, word.p, kind);
    if (one)
        topic = lf_printf(a, "%s/%s", topic, topic_word(a, first->factor).p);
    lf_json_obj(&j);
    lf_json_ktext(&j, "id", mn);
    lf_json_kint(&j, "timestamp", first->at.ms);
    lf_json_kstr(&j, "kind", kind);
    lf_json_kint(&j, "packet", p->id.v);
    if (one) {
        lf_json_ktext(&j, "name", first->factor);
        reading_json(&j, first, lf_directory_unit(t->directory, r->mn, first->factor));
    } else {
        lf_json_key(&j, "metrics");
        lf_json_arr(&j);
        for (size_t i = 0; i < n; i++)
            if (first[i].kind == first->kind && first[i].at.ms == first->at.ms) {
                lf_json_obj(&j);
                lf_json_ktext(&j, "name", first[i].factor);
                reading_json(&j, &first[i], lf_directory_unit(t->directory, r->mn, first[i].factor));
                lf_json_end_obj(&j);
            }
        lf_json_end_arr(&j);
    }
    lf_json_end_obj(&j);
    add(a, out, lf_str(topic), lf_text_copy(a, lf_out_text(&o)), 0);
    lf_out_close(&o);
}

static enum relay_rendered render_mqtt(const struct lf_relay_target *t, const struct lf_relay_route *r,
                                       const struct lf_tele_stored_packet *p, struct lf_arena *a, struct relay_msgs *out, const char **why)
{
    struct lf_tele_batch b = { .nreading = 0 };
    bool document = lf_payload_is(p->cn), read = true;
    struct lf_payload d = { 0 };
    if (!document && !(kind_of(p->cn) & t->kinds & ~(unsigned)LF_RELAY_OTHER))
        return RELAY_SKIP;
    if (document && (read = !read_document(t, r, p, a, &d)) && d.nrow)
        lf_payload_batch(&d, p->raw, "mqtt", p->station, r->grid_code, p->peer, p->received, &b);
    if (!document)
        read = read_frame(t, p, &b);
    for (size_t i = 0; i < b.nreading; i++) {
        const struct lf_tele_reading *x = &b.reading[i];
        bool new_group = true;
        for (size_t k = 0; k < i && new_group; k++)
            new_group = b.reading[k].kind != x->kind || b.reading[k].at.ms != x->at.ms;
        if (t->kinds & 1u << x->kind && (new_group || t->per_factor))
            message(t, r, p, x, b.nreading - i, t->per_factor, a, out);
    }
    lf_tele_batch_free(&b);
    if (!read)
        return cannot(why, "报文无法识别 | the packet cannot be read");
    return out->n ? RELAY_SEND : RELAY_SKIP;
}

enum relay_rendered relay_render(const struct lf_relay_target *t, const struct lf_tele_stored_packet *p, int64_t qn, struct lf_arena *a,
                                 struct relay_msgs *out, const char **why)
{
    const struct lf_relay_route *r = relay_route(t, p->station);
    *out = (struct relay_msgs){ 0 };
    if (!r)
        return RELAY_SKIP;
    if (t->kind == LF_RELAY_MQTT)
        return render_mqtt(t, r, p, a, out, why);
    return lf_payload_is(p->cn) ? render_document(t, r, p, qn, a, out, why) : render_frame(t, r, p, qn, a, out, why);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

bool relay_answer(lf_text segment, int64_t *qn)
{
    struct hj212_packet k;
    const char *bad;
    lf_ms t;
    if (hj212_parse(segment, &k, &bad) != HJ212_GOOD || (!lf_text_is(k.cn, "9014") && !lf_text_is(k.cn, "9013")))
        return false;
    lf_text number = hj212_reply_qn(&k);
    if (number.n != 17 || !lf_ms_parse_compact(number, &t))
        return false;
    *qn = t.ms;
    return true;
}
