/* ask.c - reading the parameters of a series request. */
#include "rooms/series/ask.h"

#include "rooms/station/station.h"

static bool next_of(lf_text *list, lf_text *one)
{
    if (!list->n)
        return false;
    const char *comma = memchr(list->p, ',', list->n);
    *one = (lf_text){ list->p, comma ? (uint32_t)(comma - list->p) : list->n };
    *list = comma ? (lf_text){ comma + 1, list->n - one->n - 1 } : LF_TEXT("");
    return true;
}

static lf_rc read_stations(struct lf_ctx *cx, lf_text list, struct ask *a)
{
    lf_text one;
    while (next_of(&list, &one)) {
        struct station_site site;
        lf_id id = { 0 };
        lf_rc rc = lf_call_int(cx, one, "station", &id.v);
        if (rc)
            return lf_fail(cx, LF_EINVAL, "station", "站点编号应为数字，用逗号隔开 | stations are numbers, separated by commas");
        bool twice = false;
        for (int i = 0; i < a->nstation; i++)
            twice = twice || a->station[i].id.v == id.v;
        if (twice)
            continue;
        if (a->nstation == ASK_STATIONS)
            return lf_fail(cx, LF_EINVAL, "station", "一次最多 %d 个站点 | at most %d stations at once", ASK_STATIONS, ASK_STATIONS);
        rc = station_site_of(cx, id, &site);
        if (rc == LF_ENOTFOUND || (!rc && !lf_scope_has(&cx->scope, site.grid_code)))
            return lf_fail(cx, LF_ENOTFOUND, "station", "您的网格内没有站点 %lld | there is no station %lld within your grid",
                           (long long)id.v, (long long)id.v);
        if (rc)
            return rc;
        a->station[a->nstation++] = (struct ask_station){ id, site.name };
    }
    return a->nstation ? LF_OK : lf_fail(cx, LF_EINVAL, "station", "请选择站点 | name at least one station");
}

static lf_rc read_factors(struct lf_ctx *cx, lf_text list, struct ask *a)
{
    lf_text one;
    while (next_of(&list, &one)) {
        bool twice = !one.n;
        for (int i = 0; i < a->nfactor; i++)
            twice = twice || lf_text_eq(a->factor[i], one);
        if (twice)
            continue;
        if (one.n > 32 || a->nfactor == ASK_FACTORS)
            return lf_fail(cx, LF_EINVAL, "factor",
                           "一次最多 %d 个监测因子，代码最长 32 个字符 | at most %d factors, codes of at most 32 characters", ASK_FACTORS,
                           ASK_FACTORS);
        a->factor[a->nfactor++] = one;
    }
    if (!a->nfactor)
        return lf_fail(cx, LF_EINVAL, "factor", "请选择监测因子 | name at least one factor");
    if (a->nstation * a->nfactor > ASK_LINES)
        return lf_fail(cx, LF_EINVAL, "factor", "一次最多 %d 条曲线（站点数 × 因子数） | at most %d lines at once (stations x factors)",
                       ASK_LINES, ASK_LINES);
    return LF_OK;
}

static lf_rc read_time(struct lf_ctx *cx, lf_text s, const char *name, lf_ms usual, lf_ms *out)
{
    lf_day d;
    *out = usual;
    if (!s.n || lf_ms_parse_iso(s, out))
        return LF_OK;
    if (!lf_day_parse(s, &d))
        return lf_fail(cx, LF_EINVAL, name,
                       "时间应写作 2026-11-24T08:00:00+08:00 或 2026-11-24 | a time is written "
                       "2026-11-24T08:00:00+08:00 or 2026-11-24");
    *out = lf_day_start(d);
    return LF_OK;
}

static lf_rc read_range(struct lf_ctx *cx, const struct lf_http_req *req, struct ask *a)
{
    lf_rc rc = read_time(cx, lf_http_param(req, "to"), "to", (lf_ms){ lf_now().ms + LF_MINUTE_MS }, &a->to);
    if (!rc)
        rc = read_time(cx, lf_http_param(req, "from"), "from", (lf_ms){ a->to.ms - LF_DAY_MS }, &a->from);
    if (rc)
        return rc;
    if (a->from.ms >= a->to.ms)
        return lf_fail(cx, LF_EINVAL, "from", "开始时间应早于结束时间 | the beginning must be before the end");
    if (a->to.ms - a->from.ms > 3700LL * LF_DAY_MS)
        return lf_fail(cx, LF_EINVAL, "from", "时间范围最长十年 | a range is at most ten years");
    return LF_OK;
}

lf_rc ask_read(struct lf_ctx *cx, const struct lf_http_req *req, struct ask *a)
{
    lf_text kind = lf_http_param(req, "kind"), points = lf_http_param(req, "points"), aligned = lf_http_param(req, "aligned");
    int64_t max = 800;
    *a = (struct ask){ .kind = LF_TELE_HOUR, .aligned = aligned.n && !lf_text_is(aligned, "0") };
    if (kind.n && !lf_tele_kind_parse(kind, &a->kind))
        return lf_fail(cx, LF_EINVAL, "kind",
                       "数据类别应为 rtd、min、hour、day、hour_calc 或 day_calc | kind must be rtd, min, hour, day, hour_calc or day_calc");
    if (points.n && (lf_call_int(cx, points, "points", &max) || max < 10 || max > ASK_POINTS))
        return lf_fail(cx, LF_EINVAL, "points", "点数应在 10 到 %d 之间 | points must be between 10 and %d", ASK_POINTS, ASK_POINTS);
    a->points = (size_t)max;
    lf_rc rc = read_range(cx, req, a);
    if (!rc)
        rc = read_stations(cx, lf_http_param(req, "station"), a);
    return rc ? rc : read_factors(cx, lf_http_param(req, "factor"), a);
}
