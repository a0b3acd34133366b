#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static const int64_t CST_MS = 8LL * LF_HOUR_MS;
static _Atomic int64_t shift_ms;

lf_ms lf_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (lf_ms){ (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + atomic_load(&shift_ms) };
}

void lf_now_shift(int64_t ms) { atomic_store(&shift_ms, ms); }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Days from civil and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
lf_day lf_day_ymd(int y, int m, int d)
{
    y -= m <= 2;
    int era = (y >= 0 ? y : y - 399) / 400;
    int yoe = y - era * 400;
    int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (lf_day){ era * 146097 + doe - 719468 };
}

void lf_day_split(lf_day day, int *year, int *month, int *dom)
{
    int z = day.v + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    *dom = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

lf_day lf_day_of(lf_ms t) { return (lf_day){ (int32_t)floor_div(t.ms + CST_MS, LF_DAY_MS) }; }
lf_ms lf_day_start(lf_day d) { return (lf_ms){ (int64_t)d.v * LF_DAY_MS - CST_MS }; }
int lf_weekday(lf_day d) { return (int)((((int64_t)d.v + 3) % 7 + 7) % 7) + 1; } /* 1970-01-01 was a Thursday */

struct lf_civil lf_civil_of(lf_ms t)
{
    lf_day d = lf_day_of(t);
    int64_t ms = t.ms - lf_day_start(d).ms;
    struct lf_civil c = {
        .hour = (int)(ms / LF_HOUR_MS), .minute = (int)(ms / LF_MINUTE_MS % 60), .second = (int)(ms / 1000 % 60), .ms = (int)(ms % 1000)
    };
    lf_day_split(d, &c.year, &c.month, &c.day);
    return c;
}

lf_ms lf_ms_of(struct lf_civil c)
{
    return (lf_ms){ lf_day_start(lf_day_ymd(c.year, c.month, c.day)).ms + (int64_t)c.hour * LF_HOUR_MS + (int64_t)c.minute * LF_MINUTE_MS +
                    (int64_t)c.second * 1000 + c.ms };
}

char *lf_ms_iso(char buf[32], lf_ms t)
{
    struct lf_civil c = lf_civil_of(t);
    snprintf(buf, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03d+08:00", c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms);
    return buf;
}

char *lf_ms_human(char buf[32], lf_ms t)
{
    struct lf_civil c = lf_civil_of(t);
    snprintf(buf, 32, "%04d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
    return buf;
}

char *lf_ms_compact(char buf[32], lf_ms t)
{
    struct lf_civil c = lf_civil_of(t);
    snprintf(buf, 32, "%04d%02d%02d%02d%02d%02d", c.year, c.month, c.day, c.hour, c.minute, c.second);
    return buf;
}

char *lf_day_iso(char buf[32], lf_day d)
{
    int y, m, dd;
    lf_day_split(d, &y, &m, &dd);
    snprintf(buf, 32, "%04d-%02d-%02d", y, m, dd);
    return buf;
}

/* Reads exactly n digits at s[*at]. */
static bool digits(lf_text s, uint32_t *at, int n, int *out)
{
    int v = 0;
    if (*at + (uint32_t)n > s.n)
        return false;
    for (int i = 0; i < n; i++) {
        char ch = s.p[*at + (uint32_t)i];
        if (ch < '0' || ch > '9')
            return false;
        v = v * 10 + (ch - '0');
    }
    *at += (uint32_t)n;
    *out = v;
    return true;
}

static bool one(lf_text s, uint32_t *at, char ch) { return *at < s.n && s.p[*at] == ch && ++*at; }

static bool civil_ok(const struct lf_civil *c)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (c->month < 1 || c->month > 12)
        return false;
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    return c->day >= 1 && c->day <= days[c->month - 1] + (leap && c->month == 2) && c->hour < 24 && c->minute < 60 && c->second < 60;
}

static bool parse_ymd(lf_text s, uint32_t *at, struct lf_civil *c)
{
    return digits(s, at, 4, &c->year) && one(s, at, '-') && digits(s, at, 2, &c->month) && one(s, at, '-') && digits(s, at, 2, &c->day);
}

bool lf_day_parse(lf_text s, lf_day *out)
{
    struct lf_civil c = { 0 };
    uint32_t at = 0;
    if (!parse_ymd(s, &at, &c) || at != s.n || !civil_ok(&c))
        return false;
    *out = lf_day_ymd(c.year, c.month, c.day);
    return true;
}

static bool parse_offset(lf_text s, uint32_t *at, int64_t *ms)
{
    int h, m;
    *ms = CST_MS;
    if (*at == s.n)
        return true;
    if (one(s, at, 'Z')) {
        *ms = 0;
        return true;
    }
    bool minus = one(s, at, '-');
    if (!minus && !one(s, at, '+'))
        return false;
    if (!digits(s, at, 2, &h) || !one(s, at, ':') || !digits(s, at, 2, &m) || h > 14 || m > 59)
        return false;
    *ms = (minus ? -1 : 1) * ((int64_t)h * LF_HOUR_MS + (int64_t)m * LF_MINUTE_MS);
    return true;
}

bool lf_ms_parse_iso(lf_text s, lf_ms *out)
{
    struct lf_civil c = { 0 };
    uint32_t at = 0;
    if (!parse_ymd(s, &at, &c) || (!one(s, &at, 'T') && !one(s, &at, ' ')))
        return false;
    if (!digits(s, &at, 2, &c.hour) || !one(s, &at, ':') || !digits(s, &at, 2, &c.minute))
        return false;
    if (one(s, &at, ':') && !digits(s, &at, 2, &c.second))
        return false;
    if (one(s, &at, '.')) {
        int scale = 100, v;
        if (!digits(s, &at, 1, &v))
            return false;
        do {
            c.ms += v * scale;
            scale /= 10;
        } while (digits(s, &at, 1, &v));
    }
    int64_t offset;
    if (!parse_offset(s, &at, &offset) || at != s.n || !civil_ok(&c))
        return false;
    out->ms = lf_ms_of(c).ms + CST_MS - offset;
    return true;
}

bool lf_ms_parse_compact(lf_text s, lf_ms *out)
{
    struct lf_civil c = { 0 };
    uint32_t at = 0;
    if (s.n != 12 && s.n != 14 && s.n != 17)
        return false;
    if (!digits(s, &at, 4, &c.year) || !digits(s, &at, 2, &c.month) || !digits(s, &at, 2, &c.day) || !digits(s, &at, 2, &c.hour) ||
        !digits(s, &at, 2, &c.minute))
        return false;
    if (s.n >= 14 && !digits(s, &at, 2, &c.second))
        return false;
    if (s.n == 17 && !digits(s, &at, 3, &c.ms))
        return false;
    if (!civil_ok(&c))
        return false;
    *out = lf_ms_of(c);
    return true;
}
