/* keep.c - the engine kept in step with the records, and nothing lost between a packet's commit and its judging.
 *
 * One transaction writes what began and ended, how the counts stand, which series are in the middle of something, and the packet up to
 * which all this holds. After a crash the engine is filled from there and judges the packets that came after: each reading has its effect
 * once. Good readings write nothing; the mark follows every few seconds, and with each closing by a person. */
#include "rooms/alarm/engine.h"

#include "alarm_sql.h"
#include "base/log.h"
#include "rooms/alarm/explain.h"
#include "tele/admit.h"

#include <pthread.h>

enum { WRITE_EVERY_MS = 5000, LOOK_EVERY_MS = 60000, CATCH_UP = 500 };

struct lf_tele_store *alarm_store;
static struct {
    pthread_mutex_t lock;
    struct engine *engine;
    bool behind;          /* the engine is not what the records say: fill it again */
    int64_t judged, mark; /* packet: judged in memory, written down */
    lf_ms written, looked, since;
    unsigned rules, stations; /* generations of what is known */
} keep = { .lock = PTHREAD_MUTEX_INITIALIZER, .behind = true };

void alarm_use_store(struct lf_tele_store *s) { alarm_store = s; }
lf_ms keep_since(void) { return keep.since; }

struct engine *keep_take(void)
{
    pthread_mutex_lock(&keep.lock);
    return keep.engine;
}
struct engine *keep_engine(void) { return keep.engine; }
void keep_give(void) { pthread_mutex_unlock(&keep.lock); }

/* ---- marks --------------------------------------------------------------------------------------------------------- */

lf_rc mark_read(struct lf_ctx *cx, const char *name, int64_t *at)
{
    struct mark_of_row row = { LF_NULL64 };
    lf_rc rc = mark_of(cx, lf_str(name), &row);
    *at = row.at;
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}
lf_rc mark_write(struct lf_ctx *cx, const char *name, int64_t at) { return mark_set(cx, lf_str(name), at, NULL); }

/* ---- what the records say --------------------------------------------------------------------------------------------- */

static lf_rc learn(struct lf_ctx *cx)
{
    struct known *k;
    unsigned rules = rules_generation(), stations = station_generation();
    lf_rc rc = known_load(cx, &k);
    if (rc)
        return rc;
    engine_know(keep.engine, k);
    keep.rules = rules, keep.stations = stations;
    keep.looked = lf_now();
    return LF_OK;
}

/* ---- from the records into the engine ------------------------------------------------------------------------------------ */

static bool watch_of(lf_text type, enum watch *w)
{
    for (*w = 0; *w < WATCH_COUNT; ++*w)
        if (lf_text_is(type, alarm_type_dict.item[watch_type(*w)].code))
            return true;
    return false;
}

static lf_rc fill_watches(struct lf_ctx *cx)
{
    struct watches_row r;
    struct lf_cur cur;
    enum lf_tele_kind kind;
    enum watch w;
    lf_rc rc = watches(cx, &cur);
    if (rc)
        return rc;
    while ((rc = watches_next(&cur, &r)) == LF_ROW) {
        if (!watch_of(r.type, &w) || !lf_tele_kind_parse(r.kind, &kind))
            continue;
        struct watched *it = engine_watched(keep.engine, r.station_id, r.factor, kind, w);
        it->t = (struct judge_track){ .bits = (uint64_t)r.bits, .since = { r.since }, .last = { r.last }, .good = (int)r.good, .up = r.up };
        it->worst = r.worst, it->limit = r.value;
        it->stored = true;
        if (w == WATCH_CONSTANT)
            it->series->run = (struct judge_run){ .value = r.value, .since = { r.since }, .last = { r.last }, .n = (int)r.seen };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* An episode that somebody has closed while we were away is not going on. */
static lf_rc forget_closed(struct lf_ctx *cx)
{
    struct watches_closed_row r;
    struct lf_cur cur;
    enum watch w;
    lf_rc rc = watches_closed(cx, &cur);
    if (rc)
        return rc;
    while ((rc = watches_closed_next(&cur, &r)) == LF_ROW)
        if (watch_of(r.type, &w))
            engine_forget(keep.engine, r.station_id, r.factor, watch_type(w));
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* When stations were last heard, for those that do not speak any more. */
static lf_rc fill_contacts(struct lf_ctx *cx)
{
    const struct known *k = engine_known(keep.engine);
    for (size_t i = 0; alarm_store && i < k->nstation; i++) {
        struct lf_arena_mark at = lf_arena_here(&cx->arena);
        struct lf_tele_latest *l = NULL;
        size_t n = 0;
        lf_id id = { k->station[i].id };
        lf_rc rc = alarm_store->ops->latest(alarm_store, &cx->arena, id, &l, &n, &cx->err);
        if (rc)
            return rc;
        struct place *p = engine_watched(keep.engine, id, LF_TEXT(""), LF_TELE_RTD, WATCH_OFFLINE)->place;
        for (size_t j = 0; j < n; j++) /* what is computed here is no sign of life */
            if (l[j].r.kind < LF_TELE_HOUR_CALC && l[j].received.ms > p->heard.ms)
                p->heard = l[j].received;
        lf_arena_back(&cx->arena, at);
    }
    return LF_OK;
}

static lf_rc refill(struct lf_ctx *cx)
{
    engine_free(keep.engine);
    keep.engine = engine_new();
    lf_rc rc = learn(cx);
    if (rc || (rc = lf_tx_begin(cx, LF_TX_READ)))
        return rc;
    if (!(rc = mark_read(cx, "packet", &keep.mark)) && !(rc = fill_watches(cx)))
        rc = forget_closed(cx);
    keep.mark = keep.mark == LF_NULL64 ? 0 : keep.mark;
    keep.judged = keep.mark;
    rc = lf_tx_end(cx, rc);
    return rc ? rc : fill_contacts(cx);
}

/* ---- from the engine into the records -------------------------------------------------------------------------------------- */

static lf_rc put_watched(struct lf_ctx *cx, struct watched *w)
{
    const struct series *s = w->series;
    lf_id station = { w->place->station };
    lf_text factor = s ? s->factor : LF_TEXT(""), kind = lf_str(lf_tele_kind_name(s ? s->kind : LF_TELE_RTD)),
            type = lf_str(alarm_type_dict.item[watch_type(w->w)].code);
    lf_rc rc = LF_OK;
    if (w->t.up && w->more)
        rc = count_by_key(cx, station, factor, type, w->more, w->t.last,
                          w->w == WATCH_EXCEED || w->w == WATCH_WARNING ? w->worst : (double)NAN, NULL);
    w->more = 0;
    if (rc || !(engine_worth(w) || w->stored))
        return rc;
    bool keep_it = engine_worth(w), run = s && w->w == WATCH_CONSTANT;
    w->stored = keep_it;
    if (!keep_it)
        return watch_drop(cx, station, factor, kind, type, NULL);
    return watch_put(cx, station, factor, kind, type, (int64_t)w->t.bits, run ? s->run.n : 0, w->t.good, w->t.up,
                     run ? s->run.since : w->t.since, run ? s->run.last : w->t.last, w->worst, run ? s->run.value : w->limit, NULL);
}

/* A record that cannot be written for a reason of its own (a station outside all grids) must not hold up the others. */
static bool only_this(lf_rc rc)
{
    return rc == LF_EINVAL || rc == LF_ENOTFOUND || rc == LF_EDENIED || rc == LF_ECONFLICT || rc == LF_ETOOBIG;
}

static lf_rc write_act(struct lf_ctx *cx, const struct act *a, struct alarm_news *news)
{
    const struct watched *w = a->of;
    const struct series *s = w->series;
    lf_id station = { w->place->station };
    lf_text factor = s ? s->factor : LF_TEXT("");
    lf_rc rc = lf_tx_savepoint(cx);
    if (rc)
        return rc;
    if (a->says == JUDGE_BEGIN) {
        struct alarm_sign sign = { .station = station,
                                   .factor = factor,
                                   .type = watch_type(w->w),
                                   .severity = explain_severity(a),
                                   .timed = s != NULL,
                                   .kind = s ? s->kind : LF_TELE_RTD,
                                   .value = a->value,
                                   .limit = a->limit,
                                   .at = a->at,
                                   .since = a->since,
                                   .explain = explain_begin(&cx->arena, a),
                                   .basis = a->basis };
        rc = alarm_raise(cx, &sign, news);
    } else if (!engine_elsewhere(keep.engine, w)) {
        rc = alarm_clear(cx, station, factor, watch_type(w->w), a->at, explain_end(&cx->arena, a), news);
    }
    rc = lf_tx_savepoint_end(cx, rc);
    if (rc && only_this(rc)) {
        lf_log(LF_WARN, "alarm of station %lld not written: %s (%s:%d)", (long long)station.v, cx->err.msg,
               cx->err.file ? cx->err.file : "?", cx->err.line);
        return LF_OK;
    }
    return rc;
}

static lf_rc write_all(struct lf_ctx *cx, const struct act *a, size_t n, struct alarm_news *news)
{
    struct watched **dirty;
    lf_rc rc = LF_OK;
    for (size_t i = 0; !rc && i < n; i++)
        rc = write_act(cx, &a[i], news);
    size_t nd = engine_dirty(keep.engine, &dirty);
    for (size_t i = 0; !rc && i < nd; i++)
        rc = put_watched(cx, dirty[i]);
    return !rc && keep.judged != keep.mark ? mark_write(cx, "packet", keep.judged) : rc;
}

lf_rc keep_write(struct lf_ctx *cx, const struct act *a, size_t n, bool force)
{
    struct alarm_news news = { 0 };
    lf_ms now = lf_now();
    if (!n && keep.judged == keep.mark && !engine_any_dirty(keep.engine))
        return LF_OK;
    if (!n && !force && now.ms - keep.written.ms < WRITE_EVERY_MS && now.ms >= keep.written.ms)
        return LF_OK;
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (!rc)
        rc = lf_tx_end(cx, write_all(cx, a, n, &news));
    if (rc) {
        numbers_add(NUMBER_FAILED, 1);
        keep.behind = true; /* what the engine believes is not written: begin again from the mark */
        return rc;
    }
    now = lf_now();
    keep.mark = keep.judged;
    keep.written = now;
    for (size_t i = 0; i < n; i++) {
        numbers_add(a[i].says == JUDGE_BEGIN ? NUMBER_BEGUN : NUMBER_ENDED, 1);
        if (a[i].says == JUDGE_BEGIN && a[i].received.ms)
            numbers_latency(now.ms - a[i].received.ms);
    }
    alarm_tell(cx->app, &news);
    return LF_OK;
}

/* ---- judging ------------------------------------------------------------------------------------------------------------------ */

static lf_rc judge(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n)
{
    struct act *acts;
    int64_t done = keep.judged;
    size_t skip = 0;
    while (skip < n && r[skip].packet && r[skip].packet <= keep.judged)
        skip++; /* judged already, from the store */
    for (size_t i = skip; i < n; i++)
        if (r[i].fresh && r[i].packet > done)
            done = r[i].packet;
    size_t na = engine_judge(keep.engine, &cx->arena, r + skip, n - skip, &acts);
    numbers_add(NUMBER_JUDGED, (int64_t)(n - skip));
    keep.judged = done;
    return keep_write(cx, acts, na, false);
}

static bool take_one(void *user, const struct lf_tele_reading *r)
{
    struct lf_tele_batch *b = user;
    struct lf_tele_reading *k = lf_tele_add_reading(b);
    *k = *r;
    k->flag = r->flag.p ? lf_text_copy(&b->arena, r->flag) : r->flag;
    return true;
}

/* A packet that came another way than HJ 212, or from a station that has changed since: its values are looked for by their time. */
static lf_rc from_store(struct lf_ctx *cx, const struct lf_tele_stored_packet *p, struct lf_tele_batch *b)
{
    struct lf_tele_latest *l = NULL;
    size_t n = 0;
    lf_rc rc = alarm_store->ops->latest(alarm_store, &cx->arena, p->station, &l, &n, &cx->err);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct lf_tele_series q = {
            .station = p->station, .factor = l[i].r.factor, .kind = l[i].r.kind, .from = p->at, .to = { p->at.ms + 1 }
        };
        rc = alarm_store->ops->scan(alarm_store, &q, take_one, b, &cx->err);
        for (size_t k = 0; k < b->nreading; k++)
            b->reading[k].station = p->station;
    }
    return rc;
}

static lf_rc readings_of(struct lf_ctx *cx, const struct lf_directory *d, const struct lf_tele_stored_packet *p, struct lf_tele_batch *b)
{
    size_t used;
    struct lf_admit a = { .directory = d, .peer = LF_TEXT(""), .now = p->received, .ahead_ms = LF_DAY_MS, .age_ms = 400ll * LF_DAY_MS };
    enum hj212_why why = hj212_take(p->raw.p, p->raw.n, &used, &a.frame, &a.segment);
    if (why != HJ212_GOOD)
        a.needs = hj212_needs(a.frame = p->raw, &a.segment);
    lf_rc rc = LF_OK;
    if ((a.needs & HJ212_NEEDS_MORE) || lf_admit(&a, b) != LF_ADMIT_TAKEN || a.station.v != p->station.v) {
        b->nreading = 0;
        rc = p->readings > 0 ? from_store(cx, p, b) : LF_OK;
    }
    for (size_t i = 0; i < b->nreading; i++) {
        b->reading[i].fresh = true;
        b->reading[i].packet = p->id.v;
        b->reading[i].received = p->received;
        b->reading[i].ours = lf_text_eq(p->cn, LF_TELE_CN_OURS);
    }
    return rc;
}

static lf_rc judge_again(struct lf_ctx *cx, const struct lf_directory *d)
{
    struct lf_tele_stored_packet *p;
    size_t n = 0, total = 0;
    lf_rc rc = LF_OK;
    do {
        lf_arena_reset(&cx->arena);
        rc = alarm_store->ops->packets_after(alarm_store, &cx->arena, (lf_id){ keep.judged }, CATCH_UP, &p, &n, &cx->err);
        for (size_t i = 0; !rc && i < n; i++, total++) {
            struct lf_tele_batch b = { 0 };
            if (!(rc = readings_of(cx, d, &p[i], &b)))
                rc = judge(cx, b.reading, b.nreading);
            keep.judged = p[i].id.v;
            lf_tele_batch_free(&b);
        }
    } while (!rc && n == CATCH_UP);
    numbers_add(NUMBER_AGAIN, (int64_t)total);
    if (total > 1) /* while alarms cannot be written each packet comes here */
        lf_log(LF_INFO, "alarms: %zu packets judged from the store", total);
    return rc ? rc : keep_write(cx, NULL, 0, true);
}

static lf_rc make_good(struct lf_ctx *cx)
{
    lf_rc rc = refill(cx);
    if (rc)
        return rc;
    struct lf_directory *d = station_make_directory(cx);
    if (!d)
        return LF_EDB;
    keep.behind = false;
    rc = alarm_store ? judge_again(cx, d) : LF_OK;
    keep.behind = keep.behind || rc != LF_OK;
    lf_directory_unref(d);
    return rc;
}

lf_rc keep_ready(struct lf_ctx *cx)
{
    lf_ms now = lf_now();
    if (!keep.since.ms)
        keep.since = now;
    if (keep.behind)
        return make_good(cx);
    if (keep.rules != rules_generation() || keep.stations != station_generation() || now.ms - keep.looked.ms > LOOK_EVERY_MS ||
        now.ms < keep.looked.ms)
        return learn(cx);
    return LF_OK;
}

/* ---- a person closes an episode ------------------------------------------------------------------------------------------------ */

/* Nothing is judged from before the closing's transaction until it is over. So what was judged before it is written down in it, and what
 * comes after it meets an engine that has forgotten the episode: also when the program is killed at any moment. */
lf_rc keep_hold(struct lf_ctx *cx)
{
    keep_take();
    if (!keep.behind)
        return LF_OK;
    struct lf_ctx own; /* judging again empties the arena of its context */
    lf_ctx_system(&own, cx->app);
    lf_rc rc = keep_ready(&own);
    cx->err = rc ? own.err : cx->err;
    lf_ctx_free(&own);
    if (rc)
        keep_give();
    return rc;
}

lf_rc keep_closing(struct lf_ctx *cx, struct lf_change *ch)
{
    struct alarm *a = ch->row;
    struct alarm_counted_row now = { 0 };
    keep.behind = true; /* should this be undone the engine is ahead of the records */
    lf_rc rc = write_all(cx, NULL, 0, NULL);
    if (rc || (rc = alarm_counted(cx, a->id, &now)))
        return rc;
    a->count = now.count, a->last_at = now.last_at, a->value = now.value;
    return LF_OK;
}

void keep_closed(struct lf_app *app, const struct lf_change *ch)
{
    const struct alarm *a = ch->row;
    if (!ch->verb || ch->verb->to != ALARM_CLOSED)
        return;
    engine_forget(keep.engine, a->station_id, a->factor, a->type);
    keep.mark = keep.judged;
    keep.written = lf_now();
    keep.behind = false;
}

/* ---- readings -------------------------------------------------------------------------------------------------------------------- */

static bool all_known(const struct lf_tele_reading *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((!i || r[i].station.v != r[i - 1].station.v) && !engine_knows(keep.engine, r[i].station))
            return false;
    return true;
}

lf_rc alarm_on_readings(struct lf_ctx *cx, const struct lf_tele_reading *r, size_t n)
{
    keep_take();
    lf_rc rc = keep_ready(cx);
    if (!rc && !all_known(r, n)) /* a station of a minute ago, from an import */
        rc = learn(cx);
    if (!rc)
        rc = judge(cx, r, n);
    keep_give();
    lf_arena_reset(&cx->arena);
    return rc;
}

lf_rc alarm_catch_up(struct lf_ctx *cx)
{
    keep_take();
    keep.behind = true;
    lf_rc rc = keep_ready(cx);
    keep_give();
    return rc;
}

/* Every few seconds: the mark follows also when nothing comes any more, and a failure is made good. */
lf_rc keep_job(struct lf_ctx *cx)
{
    keep_take();
    lf_rc rc = keep_ready(cx);
    if (!rc)
        rc = keep_write(cx, NULL, 0, false);
    keep_give();
    return rc;
}

/* At an orderly stop what was judged is written down to the last packet: what a person has closed since the last writing would begin again
 * when its evidence were judged a second time. */
static void write_last(struct lf_app *app)
{
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    lf_rc rc = keep_ready(&cx);
    if (!rc)
        rc = keep_write(&cx, NULL, 0, true);
    if (rc)
        lf_log(LF_WARN, "alarms: the last seconds will be judged again at the next start: %s", cx.err.msg);
    lf_ctx_free(&cx);
}

void keep_end(struct lf_app *app)
{
    keep_take();
    if (keep.engine && !keep.behind)
        write_last(app);
    engine_free(keep.engine);
    keep.engine = NULL;
    keep.behind = true;
    keep_give();
}
