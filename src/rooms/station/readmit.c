/* readmit.c - a station made from what stands in quarantine, and what was held taken in after all.
 *
 * Taking in is work of a job: it waits for the store. Doing it again does no harm, a packet that is there already is the same packet. */
#include "rooms/station/parts.h"

#include "base/log.h"
#include "core/value.h"
#include "hj212/sm4.h"
#include "station_sql.h"
#include "tele/admit.h"

#include <pthread.h>

enum { PAGE = 500, MOST = 20000, WAITING = 64, AGE_DAYS = 366 };

static struct {
    lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err);
    void *user;
    pthread_mutex_t lock;
    struct wanted {
        lf_id station, actor;
    } list[WAITING];
    int n;
} it = { .lock = PTHREAD_MUTEX_INITIALIZER };

void station_use_submit(lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err), void *user)
{
    it.submit = submit;
    it.user = user;
}

static lf_rc want(struct lf_ctx *cx, lf_id station)
{
    bool room, there = false;
    pthread_mutex_lock(&it.lock);
    for (int i = 0; i < it.n; i++)
        there = there || it.list[i].station.v == station.v;
    room = there || it.n < WAITING;
    if (!there && room)
        it.list[it.n++] = (struct wanted){ station, cx->actor };
    pthread_mutex_unlock(&it.lock);
    return room ? LF_OK
                : lf_fail(cx, LF_EBUSY, NULL, "正在处理的站点过多，请稍后再试 | too many stations are being worked on, try again later");
}

/* ---- taking in --------------------------------------------------------------------------------------------------- */

struct intake {
    struct lf_ctx *cx;
    struct lf_directory *directory;
    const struct lf_tele_station *s;
    struct lf_tele_batch b;
    int64_t taken, refused;
};

/* Was it held only because nobody knew the sender, or had switched it off? What is broken or not believable stays so. */
static bool was_held_for_its_sender(const struct lf_tele_stored_reject *r)
{
    return lf_text_is(r->reason, lf_tele_why_name(LF_TELE_UNKNOWN_MN)) || lf_text_is(r->reason, lf_tele_why_name(LF_TELE_DISABLED));
}

/* Judged as of when it came. */
static void judge(struct intake *k, const struct lf_tele_stored_reject *r)
{
    char plain[HJ212_SEGMENT_MAX];
    size_t used;
    struct lf_admit a = { .directory = k->directory,
                          .peer = r->peer,
                          .now = r->received,
                          .ahead_ms = 10 * LF_MINUTE_MS,
                          .age_ms = AGE_DAYS * (int64_t)LF_DAY_MS };
    enum hj212_why why = hj212_take(r->raw.p, r->raw.n, &used, &a.frame, &a.segment);
    lf_text wire;
    if (why != HJ212_GOOD && k->s->key.p && hj212_is_sealed(r->raw, &wire)) {
        a.frame = r->raw, a.sealed = true;
        why = hj212_open((const unsigned char *)k->s->key.p, r->raw, plain, &a.segment);
    }
    size_t n = k->b.npacket;
    bool taken = used && why == HJ212_GOOD && lf_admit(&a, &k->b) == LF_ADMIT_TAKEN && k->b.npacket == n + 1;
    if (taken && !k->b.packet[n].note.n)
        k->b.packet[n].note = LF_TEXT("quarantine");
    k->taken += taken;
    k->refused += !taken;
}

static lf_rc submit(struct intake *k)
{
    lf_rc rc = k->b.npacket ? it.submit(it.user, &k->b, &k->cx->err) : LF_OK;
    lf_tele_batch_reset(&k->b);
    return rc;
}

static lf_rc take_all(struct intake *k)
{
    lf_id before = { 0 };
    size_t n = PAGE;
    lf_rc rc = LF_OK;
    for (int walked = 0; !rc && n == PAGE && walked < MOST; walked += PAGE) {
        struct lf_tele_stored_reject *r;
        struct lf_arena_mark here = lf_arena_here(&k->cx->arena);
        rc = station_store->ops->rejects(station_store, &k->cx->arena, true, before, PAGE, &r, &n, &k->cx->err);
        for (size_t i = 0; !rc && i < n; i++) {
            before = r[i].id;
            if (lf_text_eq(r[i].mn, k->s->mn) && was_held_for_its_sender(&r[i]))
                judge(k, &r[i]);
        }
        if (!rc)
            rc = submit(k);
        lf_arena_back(&k->cx->arena, here);
    }
    return rc;
}

static lf_rc note(struct lf_ctx *cx, const struct wanted *w, const struct station_device *s, const struct intake *k)
{
    const char *text = lf_printf(
        &cx->arena, "%s：隔离报文 %lld 个已接收，%lld 个仍不符合 | %s: %lld packets of the quarantine were taken, %lld still do not fit",
        lf_strn(&cx->arena, s->name), (long long)k->taken, (long long)k->refused, lf_strn(&cx->arena, s->name), (long long)k->taken,
        (long long)k->refused);
    const struct lf_audit a = { .topic = "station", .row = w->station, .grid_code = s->grid_code, .verb = "readmit", .note = lf_str(text) };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = lf_audit_write(cx, &a);
    if (!rc)
        rc = lf_notice(cx, w->actor, &station_res, w->station, text);
    return lf_tx_end(cx, rc);
}

static lf_rc readmit(struct lf_ctx *cx, const struct wanted *w)
{
    struct station_device s;
    struct intake k = { .cx = cx };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, station_device_of(cx, w->station, &s))))
        return rc == LF_ENOTFOUND ? LF_OK : rc;
    if (!(k.directory = station_make_directory(cx)))
        return LF_EDB;
    k.s = lf_directory_find(k.directory, s.mn);
    rc = k.s ? take_all(&k) : LF_OK;
    lf_tele_batch_free(&k.b);
    lf_directory_unref(k.directory);
    return rc ? rc : note(cx, w, &s, &k);
}

lf_rc station_readmit_job(struct lf_ctx *cx)
{
    for (;;) {
        struct wanted w = { 0 };
        pthread_mutex_lock(&it.lock);
        if (it.n && it.submit && station_store)
            w = it.list[0];
        pthread_mutex_unlock(&it.lock);
        lf_rc rc = w.station.v ? readmit(cx, &w) : LF_OK;
        if (rc || !w.station.v)
            return rc;
        pthread_mutex_lock(&it.lock);
        memmove(&it.list[0], &it.list[1], (size_t)--it.n * sizeof it.list[0]);
        pthread_mutex_unlock(&it.lock);
    }
}

/* ---- addresses -------------------------------------------------------------------------------------------------------- */

static void answer(struct lf_call *c, lf_id id, lf_text mn, int status)
{
    lf_json_obj(&c->j);
    lf_json_kint(&c->j, "station_id", id.v);
    lf_json_ktext(&c->j, "mn", mn);
    lf_json_kbool(&c->j, "readmitting", true);
    lf_json_end_obj(&c->j);
    c->res->status = status;
}

lf_rc station_readmit(struct lf_ctx *cx, struct lf_call *c)
{
    struct station_device s;
    lf_id id;
    lf_rc rc = station_of(cx, c, &id);
    if (rc || (rc = station_device_of(cx, id, &s)) || (rc = want(cx, id)))
        return rc;
    answer(c, id, s.mn, 202);
    return LF_OK;
}

/* PW as the held packet says it, when it can be read. */
static lf_text password_of(lf_text raw)
{
    struct hj212_packet p;
    const char *bad;
    size_t used;
    lf_text frame, segment;
    bool read = hj212_take(raw.p, raw.n, &used, &frame, &segment) == HJ212_GOOD || hj212_is_sealed(raw, &segment);
    return read && hj212_parse(segment, &p, &bad) == HJ212_GOOD ? p.pw : (lf_text){ 0 };
}

static lf_rc create(struct lf_ctx *cx, struct lf_call *c, const struct lf_tele_stored_reject *r)
{
    struct lf_change *ch = c->change;
    *ch = (struct lf_change){ .row = lf_alloc(&cx->arena, station_res.size) };
    lf_row_clear(station_res.field, station_res.nfield, ch->row);
    lf_rc rc = lf_row_from_json(cx, &station_res, c->body, LF_READONLY, ch->row);
    if (rc)
        return rc;
    station_identify(ch->row, r->mn, password_of(r->raw));
    if ((rc = lf_res_create(cx, &station_res, ch)))
        return rc;
    c->changed = true;
    return LF_OK;
}

lf_rc station_register(struct lf_ctx *cx, struct lf_call *c)
{
    struct lf_tele_stored_reject r;
    struct station_of_mn_row there = { 0 };
    struct station_any_mn_row any;
    lf_id id;
    if (!c->body)
        return lf_fail(cx, LF_EINVAL, "body", "请求内容应为 JSON | the body must be JSON");
    lf_rc rc = lf_call_int(cx, c->seg[0], "id", &id.v);
    if (!rc)
        rc = lf_allowed(cx, "station", "quarantine");
    if (rc || (rc = station_held(cx, true, id, &r)))
        return rc;
    if (!lf_text_is(r.reason, lf_tele_why_name(LF_TELE_UNKNOWN_MN)))
        return lf_fail(cx, LF_EINVAL, "id", "这个报文的站点已登记 | the station of this packet is known");
    if ((rc = station_of_mn(cx, r.mn, &there)) == LF_OK) { /* asked twice */
        if (!(rc = want(cx, there.id)))
            answer(c, there.id, r.mn, 200);
        return rc;
    }
    if (rc == LF_ENOTFOUND && (rc = station_any_mn(cx, r.mn, &any)) == LF_OK)
        return lf_fail(cx, LF_ECONFLICT, "mn", "这个 MN 已登记在其他区域 | this MN is registered in another area");
    if (rc != LF_ENOTFOUND || (rc = create(cx, c, &r)))
        return rc;
    id = lf_row_id(c->change->row);
    if (!(rc = want(cx, id)))
        answer(c, id, r.mn, 201);
    return rc;
}
