/* proof.c - what a track proves. Pure. The thresholds are ours (no standard has any); river-chief rules in use are near them. */
#include "rooms/patrol/patrol.h"

#include "geo/geo.h"

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const double least_minutes = 10, least_metres = 300, least_inside = 0.8, most_speed = 33 /* m/s: nobody patrols faster */;
enum { MOST_GAP_MS = 5 * LF_MINUTE_MS, CLOCK_MS = 10 * LF_MINUTE_MS, MOST_POINTS = 5000 };

struct words {
    char zh[300], en[300];
};

static LF_PRINTF(2, 3) void add_zh(struct words *w, const char *fmt, ...)
{
    size_t n = strlen(w->zh);
    va_list ap;
    va_start(ap, fmt);
    n += (size_t)snprintf(w->zh + n, sizeof w->zh - n, n ? "；" : "");
    if (n < sizeof w->zh)
        vsnprintf(w->zh + n, sizeof w->zh - n, fmt, ap);
    va_end(ap);
}

static LF_PRINTF(2, 3) void add_en(struct words *w, const char *fmt, ...)
{
    size_t n = strlen(w->en);
    va_list ap;
    va_start(ap, fmt);
    n += (size_t)snprintf(w->en + n, sizeof w->en - n, n ? "; " : "");
    if (n < sizeof w->en)
        vsnprintf(w->en + n, sizeof w->en - n, fmt, ap);
    va_end(ap);
}

struct walk {
    int n, inside, jumps, gaps, late;
    double metres;
};

static bool point_of(const json_t *p, lf_ms *at, struct lf_point *where)
{
    if (json_array_size(p) < 3 || !json_is_number(json_array_get(p, 0)))
        return false;
    at->ms = (int64_t)json_number_value(json_array_get(p, 0));
    *where = (struct lf_point){ json_number_value(json_array_get(p, 1)), json_number_value(json_array_get(p, 2)) };
    return lf_point_ok(*where);
}

static bool read_walk(lf_text track, lf_ms started, lf_ms ended, bool (*inside)(void *, double, double), void *user, struct walk *w)
{
    json_t *all = track.n ? json_loadb(track.p, track.n, 0, NULL) : NULL, *p;
    size_t i;
    lf_ms before = { 0 }, at;
    struct lf_point last = { 0, 0 }, here;
    bool good = json_is_array(all) && json_array_size(all) <= MOST_POINTS;
    *w = (struct walk){ .n = 0 };
    for (i = 0; good && i < json_array_size(all); i++) {
        p = json_array_get(all, i);
        if (!(good = point_of(p, &at, &here) && (!i || at.ms >= before.ms)))
            break;
        double way = i ? lf_distance_m(last, here) : 0, seconds = i ? (double)(at.ms - before.ms) / 1000 : 0;
        w->n++;
        w->metres += way;
        w->inside += inside(user, here.lon, here.lat);
        w->jumps += i && way > most_speed * fmax(seconds, 1);
        w->gaps += i && at.ms - before.ms > MOST_GAP_MS;
        w->late += at.ms < started.ms - CLOCK_MS || at.ms > ended.ms + CLOCK_MS;
        before = at, last = here;
    }
    json_decref(all);
    return good;
}

void patrol_judge(lf_text track, lf_ms started, lf_ms ended, bool (*inside)(void *user, double lon, double lat), void *user,
                  struct patrol_proof *out)
{
    struct words w = { "", "" };
    struct walk k;
    bool read = read_walk(track, started, ended, inside, user, &k);
    *out = (struct patrol_proof){ .minutes = (double)(ended.ms - started.ms) / LF_MINUTE_MS, .metres = NAN, .inside = NAN };
    if (!read || !k.n)
        add_zh(&w, "没有可用轨迹"), add_en(&w, "no track that can be read");
    if (out->minutes < least_minutes)
        add_zh(&w, "时长 %.0f 分钟，少于 %.0f", out->minutes, least_minutes),
            add_en(&w, "%.0f minutes, less than %.0f", out->minutes, least_minutes);
    if (read && k.n) {
        out->metres = k.metres, out->inside = (double)k.inside / k.n;
        if (k.metres < least_metres)
            add_zh(&w, "里程 %.0f 米，少于 %.0f", k.metres, least_metres), add_en(&w, "%.0f m, less than %.0f", k.metres, least_metres);
        if (out->inside < least_inside)
            add_zh(&w, "只有 %.0f%% 的轨迹在本人网格内", out->inside * 100),
                add_en(&w, "only %.0f %% of the track in the own grid", out->inside * 100);
        if (k.jumps)
            add_zh(&w, "%d 处位置跳跃", k.jumps), add_en(&w, "%d jumps faster than any vehicle here", k.jumps);
        if (k.gaps)
            add_zh(&w, "%d 处轨迹中断超过 5 分钟", k.gaps), add_en(&w, "%d gaps of more than 5 minutes", k.gaps);
        if (k.late)
            add_zh(&w, "%d 个点不在巡查时间内", k.late), add_en(&w, "%d points outside the time of the patrol", k.late);
    }
    out->valid = !w.zh[0];
    snprintf(out->explain, sizeof out->explain, "%s | %s", out->valid ? "轨迹完整有效" : w.zh, out->valid ? "the track is complete" : w.en);
}
