/* guard.c - closing by measurement: a matter that a monitor opened is closed when the monitor says that it is over. */
#include "rooms/alarm/judge.h"
#include "rooms/alarm/parts.h"

#include "alarm_sql.h"
#include "rooms/matter/matter.h"

/* Values after the end, newest run of good ones. Values are few: what came since the last bad one, and no more than 5,000. */
struct after {
    const struct judge_limit *limit;
    size_t nlimit;
    bool flue, exceed;
    int good, seen;
    lf_ms last; /* of the newest value that counts, good or bad */
};

static bool look(void *user, const struct lf_tele_reading *r)
{
    struct after *a = user;
    double limit = NAN;
    if (hj212_mark_of(r->flag) != HJ212_NORMAL || isnan(r->value))
        return true; /* marked: neither good nor bad */
    bool in_force = !a->exceed || judge_over(a->limit, a->nlimit, lf_day_of(r->at), judge_value(r, a->flue), 100, &limit);
    a->good = in_force && isnan(limit) ? a->good + 1 : 0;
    a->last = r->at;
    return ++a->seen < 5000;
}

struct limits {
    struct lf_arena *arena;
    struct judge_limit *p;
    size_t n;
    lf_id station;
    lf_text factor;
    enum station_period kind;
};

static void take_limit(void *user, const struct station_limit *l)
{
    struct limits *out = user;
    if (l->station.v != out->station.v || l->kind != out->kind || !lf_text_eq(l->factor, out->factor) || out->n == 32)
        return;
    out->p[out->n++] = (struct judge_limit){ l->from_day, l->to_day, l->low, l->high, !isnan(l->reference_o2) };
}

static lf_rc good_after(struct lf_ctx *cx, const struct alarms_of_matter_row *m, enum lf_tele_kind kind, bool flue, struct after *a)
{
    struct limits l = { .arena = &cx->arena, .p = lf_alloc(&cx->arena, 32 * sizeof *l.p), .station = m->station_id, .factor = m->factor };
    l.kind = (enum station_period)(alarm_period_of(kind) - 1);
    lf_rc rc = station_each_limit(cx, take_limit, &l);
    *a = (struct after){ .limit = l.p, .nlimit = l.n, .flue = flue, .exceed = lf_text_is(m->type, "exceed"), .last = m->last_at };
    const struct lf_tele_series q = {
        .station = m->station_id, .factor = m->factor, .kind = kind, .from = { m->last_at.ms + 1 }, .to = { lf_now().ms + LF_DAY_MS }
    };
    if (!rc && alarm_store)
        rc = alarm_store->ops->scan(alarm_store, &q, look, a, &cx->err);
    return rc;
}

/* When the good values that are still wanted can have come, each at the end of its hour or day: "（最早 ...）", " (... at the earliest)".
 * Empty for values without a period, and when that time is over and they are only late. */
static const char *at_the_earliest(struct lf_ctx *cx, enum alarm_period period, const struct after *a, int wanted, enum lf_lang lang)
{
    char b[32];
    int64_t length = period == ALARM_HOUR ? LF_HOUR_MS : period == ALARM_DAY ? LF_DAY_MS : 0;
    lf_ms at = { a->last.ms + (wanted - a->good + 1) * length };
    if (!length || at.ms <= lf_now().ms)
        return "";
    return lf_printf(&cx->arena, lang == LF_ZH ? "（最早 %.16s）" : " (%.16s at the earliest)", lf_ms_human(b, at));
}

static lf_rc may_close_one(struct lf_ctx *cx, const struct alarms_of_matter_row *m, const struct rules *rules)
{
    struct station_site site;
    enum lf_tele_kind kind;
    unsigned type;
    struct after a;
    if (lf_text_is(m->state, "open") || lf_text_is(m->state, "acked"))
        return lf_fail(cx, LF_ECONFLICT, "state",
                       "监测仍在报警（%s），恢复正常后才能结案 | the monitor still raises its alarm (%s), close after it is over",
                       lf_strn(&cx->arena, lf_lang_pick(m->title, LF_ZH)), lf_strn(&cx->arena, lf_lang_pick(m->title, LF_EN)));
    lf_rc rc = station_site_of(cx, m->station_id, &site);
    if (rc || !lf_dict_find(&alarm_type_dict, m->type, &type) || !m->factor.n || !lf_tele_kind_parse(m->period, &kind))
        return rc == LF_ENOTFOUND ? LF_OK : rc; /* the station is gone, or nothing was measured: the end of the episode is enough */
    const struct rule *r = rules_find(rules, (enum alarm_type)type, site.kind, m->factor, alarm_period_of(kind));
    if (!r || r->close_n <= 0 || (rc = good_after(cx, m, kind, site.kind == STATION_FLUE, &a)))
        return rc;
    if (a.good >= r->close_n)
        return LF_OK;
    enum alarm_period period = alarm_period_of(kind);
    return lf_fail(
        cx, LF_ECONFLICT, "state",
        "恢复后只有 %d 个合格的%s数据，需要连续 %d 个才能结案%s | good values since (%s): %d, and %d in a row are needed to close%s",
        a.good, alarm_period_dict.item[period].zh, r->close_n, at_the_earliest(cx, period, &a, r->close_n, LF_ZH),
        alarm_period_dict.item[period].en, a.good, r->close_n, at_the_earliest(cx, period, &a, r->close_n, LF_EN));
}

lf_rc alarm_may_close(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct matter *m = ch->row;
    struct alarms_of_matter_row row[16];
    struct lf_cur cur;
    struct rules rules;
    int n = 0;
    if (m->origin != MATTER_BY_MONITOR)
        return LF_OK;
    lf_rc rc = alarms_of_matter(cx, m->id, &cur);
    if (rc)
        return rc;
    while (n < (int)LF_COUNT(row) && (rc = alarms_of_matter_next(&cur, &row[n])) == LF_ROW)
        n++;
    lf_cur_close(&cur);
    if (rc < 0 || (rc = rules_load(cx, &cx->arena, &rules)))
        return rc;
    for (int i = 0; !rc && i < n; i++)
        rc = may_close_one(cx, &row[i], &rules);
    return rc;
}
