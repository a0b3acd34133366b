/* watch.c - what no reading tells: stations that are silent, hours and days with too few values, maintenance that is over. */
#include "rooms/alarm/engine.h"

#include "alarm_sql.h"

/* ---- offline ------------------------------------------------------------------------------------------------------ */

/* How long a station may be silent: a number of its own reporting intervals, and no less than the delay. Not learned yet: 5 minutes. */
static int64_t patience(const struct place *p, const struct rule *r)
{
    double ms = r->threshold * (double)place_interval(p);
    return ms > (double)r->delay_ms ? (int64_t)ms : r->delay_ms;
}

/* Nobody is silent while we were away. */
static bool is_silent(const struct place *p, const struct rule *r, lf_ms now)
{
    int64_t from = p->heard.ms > keep_since().ms ? p->heard.ms : keep_since().ms;
    return now.ms - from > patience(p, r);
}

enum { LOOK_BACK = 20 };

/* A packet without readings (a log, a heartbeat) is contact too. Asked only when somebody seems to be silent. */
static lf_rc look_again(struct lf_ctx *cx, struct place *p)
{
    struct lf_tele_stored_packet *k;
    size_t n = 0;
    if (!alarm_store)
        return LF_OK;
    lf_rc rc = alarm_store->ops->packets(alarm_store, &cx->arena, (lf_id){ p->station }, (lf_id){ 0 }, LOOK_BACK, &k, &n, &cx->err);
    size_t i = 0;
    while (!rc && i < n && lf_text_eq(k[i].cn, LF_TELE_CN_OURS))
        i++;
    if (!rc && i < n && k[i].received.ms > p->heard.ms)
        p->heard = k[i].received;
    return rc;
}

static struct act tell_silence(struct place *p, const struct rule *r, bool silent, lf_ms now)
{
    return (struct act){ .says = silent ? JUDGE_BEGIN : JUDGE_END,
                         .of = &p->offline,
                         .rule = r,
                         .value = round((double)(now.ms - p->heard.ms) / LF_MINUTE_MS * 10) / 10,
                         .limit = silent && r ? (double)patience(p, r) / LF_MINUTE_MS : (double)NAN,
                         .at = now,
                         .since = p->heard };
}

static lf_rc silent_ones(struct lf_ctx *cx, struct engine *e, struct act *acts, size_t *n)
{
    struct place **place;
    size_t np = engine_places(e, &place);
    lf_ms now = lf_now();
    *n = 0;
    for (size_t i = 0; i < np; i++) {
        struct place *p = place[i];
        const struct rule *r = p->offline_rule;
        bool silent = p->heard.ms && r && is_silent(p, r, now);
        if (silent && !p->offline.t.up) {
            lf_rc rc = look_again(cx, p);
            if (rc)
                return rc;
            silent = is_silent(p, r, now);
        }
        if (!p->heard.ms || silent == p->offline.t.up)
            continue;
        acts[(*n)++] = tell_silence(p, r, silent, now);
        p->offline.t = (struct judge_track){ .up = silent, .bits = silent, .since = p->heard, .last = now };
        engine_touch(e, &p->offline);
    }
    return LF_OK;
}

lf_rc watch_offline(struct lf_ctx *cx)
{
    struct place **p;
    size_t n = 0;
    keep_take();
    lf_rc rc = keep_ready(cx);
    struct engine *e = keep_engine();
    if (!rc) {
        struct act *acts = lf_alloc(&cx->arena, (engine_places(e, &p) + 1) * sizeof *acts);
        rc = silent_ones(cx, e, acts, &n);
        if (!rc)
            rc = keep_write(cx, acts, n, false);
    }
    keep_give();
    return rc;
}

/* ---- too few values ------------------------------------------------------------------------------------------------ */

struct counting {
    struct judge_cover cover;
    int hours, stopped;
};

static bool count_minute(void *user, const struct lf_tele_reading *r)
{
    judge_cover_add(&((struct counting *)user)->cover, r->at, hj212_mark_of(r->flag), !isnan(r->value));
    return true;
}

static bool count_hour(void *user, const struct lf_tele_reading *r)
{
    struct counting *c = user;
    enum hj212_mark mark = hj212_mark_of(r->flag);
    c->hours += mark == HJ212_NORMAL && !isnan(r->value);
    c->stopped += mark == HJ212_STOPPED;
    return true;
}

/* Which values of a factor make up the period: minutes an hour, hours a day. Only series that are alive. */
static bool makes_up(const struct lf_tele_latest *l, enum alarm_period period, lf_ms from)
{
    enum lf_tele_kind part = period == ALARM_HOUR ? LF_TELE_MIN : LF_TELE_HOUR;
    return l->r.kind == part && l->r.at.ms > from.ms - 7ll * LF_DAY_MS;
}

static lf_rc judge_period(struct lf_ctx *cx, const struct lf_tele_reading *series, const struct rule *rule, lf_ms from,
                          struct alarm_news *news)
{
    bool hour = rule->period == ALARM_HOUR;
    struct counting c = { .cover = { .hour = from } };
    const struct lf_tele_series q = { .station = series->station,
                                      .factor = series->factor,
                                      .kind = series->kind,
                                      .from = { hour ? from.ms - LF_HOUR_MS : from.ms },
                                      .to = { from.ms + (hour ? LF_HOUR_MS : LF_DAY_MS) } };
    lf_rc rc = alarm_store->ops->scan(alarm_store, &q, hour ? count_minute : count_hour, &c, &cx->err);
    if (rc)
        return rc;
    int have = hour ? judge_cover_minutes(&c.cover, c.cover.valid) : c.hours,
        stopped = hour ? judge_cover_minutes(&c.cover, c.cover.stopped) : c.stopped;
    char when[32];
    lf_ms_human(when, from);
    const char *unit = hour ? "分钟" : "个小时值", *en = hour ? "minutes" : "hours",
               *name = alarm_factor_name(&cx->arena, series->factor, LF_ZH);
    if (have + stopped >= rule->threshold) /* a source that stands still has nothing to measure: excluded, not missing (HJ 75) */
        return alarm_clear(cx, series->station, series->factor, ALARM_MISSING, (lf_ms){ q.to.ms },
                           lf_str(lf_printf(&cx->arena, "%s 有效数据 %d %s | %d valid %s, %s", when, have, unit, have, en, when)), news);
    const struct alarm_sign s = {
        .station = series->station,
        .factor = series->factor,
        .type = ALARM_MISSING,
        .timed = true,
        .kind = hour ? LF_TELE_HOUR : LF_TELE_DAY,
        .value = have,
        .limit = rule->threshold,
        .at = from,
        .explain = lf_str(lf_printf(
            &cx->arena, "%s 起的%s内 %s 有效数据 %d %s，应不少于 %g | %d valid %s in the %s from %s, at least %g are needed", when,
            hour ? "一小时" : "一日", name, have, unit, rule->threshold, have, en, hour ? "hour" : "day", when, rule->threshold)),
    };
    return alarm_raise(cx, &s, news);
}

struct subject {
    lf_id station;
    enum station_kind kind;
};

/* Stations that are not offline: those have an alarm of their own for the same cause. */
static lf_rc subjects(struct lf_ctx *cx, struct subject **out, size_t *n, struct rules *rules)
{
    keep_take();
    lf_rc rc = keep_ready(cx);
    const struct known *k = rc ? NULL : engine_known(keep_engine());
    *n = 0;
    *out = lf_alloc(&cx->arena, (k ? k->nstation : 0) * sizeof **out + 1);
    for (size_t i = 0; k && i < k->nstation; i++) {
        lf_id id = { k->station[i].id };
        if (!k->station[i].disabled && !engine_watched(keep_engine(), id, LF_TEXT(""), LF_TELE_RTD, WATCH_OFFLINE)->t.up)
            (*out)[(*n)++] = (struct subject){ id, k->station[i].kind };
    }
    keep_give();
    if (rc || (rc = lf_tx_begin(cx, LF_TX_READ)))
        return rc;
    return lf_tx_end(cx, rules_load(cx, &cx->arena, rules));
}

static lf_rc judge_station(struct lf_ctx *cx, const struct subject *s, const struct rules *rules, enum alarm_period period, lf_ms from,
                           struct alarm_news *news)
{
    struct lf_tele_latest *l = NULL;
    size_t n = 0;
    lf_rc rc = alarm_store->ops->latest(alarm_store, &cx->arena, s->station, &l, &n, &cx->err);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct rule *r = rules_find(rules, ALARM_MISSING, s->kind, l[i].r.factor, period);
        l[i].r.station = s->station;
        if (r && makes_up(&l[i], period, from))
            rc = judge_period(cx, &l[i].r, r, from, news);
    }
    return rc;
}

static int64_t longest_delay(const struct rules *r, enum alarm_period period)
{
    int64_t ms = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->p[i].type == ALARM_MISSING && r->p[i].period == period && r->p[i].delay_ms > ms)
            ms = r->p[i].delay_ms;
    return ms;
}

/* The next period that is over and has had time for what comes late; the mark makes sure that each is judged once, also after a stop.
 * A mark is set without judging when there is none: the past before this program is nobody's alarm. */
static lf_rc missing_of(struct lf_ctx *cx, const struct subject *s, size_t n, const struct rules *rules, enum alarm_period period)
{
    const char *mark = period == ALARM_HOUR ? "missing.hour" : "missing.day";
    int64_t length = period == ALARM_HOUR ? LF_HOUR_MS : LF_DAY_MS, zone = lf_day_start(lf_day_of((lf_ms){ 0 })).ms, done, newest;
    newest = lf_now().ms - longest_delay(rules, period) - length;
    newest -= ((newest - zone) % length + length) % length;
    struct alarm_news news = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = mark_read(cx, mark, &done);
    if (!rc && (done == LF_NULL64 || done < newest - 48 * length))
        done = newest - (done != LF_NULL64 ? 48 * length : 0);
    int64_t first = done;
    for (; !rc && done < newest && done < first + 4 * length; done += length) /* a few at a time: others want to write too */
        for (size_t i = 0; !rc && i < n; i++)
            rc = judge_station(cx, &s[i], rules, period, (lf_ms){ done + length }, &news);
    if (!rc)
        rc = mark_write(cx, mark, done);
    if (!(rc = lf_tx_end(cx, rc)))
        alarm_tell(cx->app, &news);
    return rc;
}

lf_rc watch_missing(struct lf_ctx *cx)
{
    struct subject *s;
    struct rules rules;
    size_t n;
    if (!alarm_store)
        return LF_OK;
    lf_rc rc = subjects(cx, &s, &n, &rules);
    if (!rc)
        rc = missing_of(cx, s, n, &rules, ALARM_HOUR);
    return rc ? rc : missing_of(cx, s, n, &rules, ALARM_DAY);
}

/* ---- maintenance is over ------------------------------------------------------------------------------------------------ */

static lf_rc find_due(struct lf_ctx *cx, lf_id *due, int most, int *n)
{
    struct silenced_due_row r;
    struct lf_cur cur;
    *n = 0;
    lf_rc rc = silenced_due(cx, lf_now(), &cur);
    if (rc)
        return rc;
    while (*n < most && (rc = silenced_due_next(&cur, &r)) == LF_ROW)
        due[(*n)++] = r.id;
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc speak_all(struct lf_ctx *cx, const lf_id *due, int n, struct alarm_news *news)
{
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < n; i++) {
        struct lf_change ch = { .note = LF_TEXT("报备期已过，问题仍在 | the reported maintenance is over, the problem is not") };
        rc = lf_res_move(cx, &alarm_res, due[i], LF_NULL64, "speak", NULL, NULL, &ch);
        if (rc == LF_ECONFLICT || rc == LF_ENOTFOUND)
            rc = LF_OK; /* it has ended meanwhile */
        else if (!rc)
            alarm_note_change(cx, news, &ch);
    }
    return rc;
}

/* Writes in turns with the judge: both take several alarms, each in its order. */
lf_rc watch_silences(struct lf_ctx *cx)
{
    lf_id due[200];
    int n;
    struct alarm_news news = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc || (rc = lf_tx_end(cx, find_due(cx, due, LF_COUNT(due), &n))) || !n)
        return rc;
    keep_take();
    if (!(rc = lf_tx_begin(cx, LF_TX_WRITE)))
        rc = lf_tx_end(cx, speak_all(cx, due, n, &news));
    keep_give();
    if (!rc)
        alarm_tell(cx->app, &news);
    return rc;
}
