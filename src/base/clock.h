/* clock.h - now, days and instants. China has one zone, UTC+8, without daylight saving since 1992,
 * so local time is a fixed shift; nothing here reads the machine's zone. */
#ifndef LF_BASE_CLOCK_H
#define LF_BASE_CLOCK_H
#include "base/value.h"

enum { LF_MINUTE_MS = 60 * 1000, LF_HOUR_MS = 3600 * 1000, LF_DAY_MS = 86400 * 1000 };

lf_ms lf_now(void);            /* wall clock, plus the shift set by lf_now_shift */
void lf_now_shift(int64_t ms); /* tests only: move the clock; 0 sets it right again */

struct lf_civil {
    int year, month, day, hour, minute, second, ms;
};                                    /* month 1..12 */
struct lf_civil lf_civil_of(lf_ms t); /* China standard time */
lf_ms lf_ms_of(struct lf_civil c);
lf_day lf_day_of(lf_ms t);
lf_day lf_day_ymd(int year, int month, int day);
void lf_day_split(lf_day d, int *year, int *month, int *day);
lf_ms lf_day_start(lf_day d); /* 00:00 China standard time of that day */
int lf_weekday(lf_day d);     /* 1 Monday .. 7 Sunday */

/* Text forms. Each writer wants a buffer of 32 bytes and returns it. */
char *lf_ms_iso(char buf[32], lf_ms t);     /* 2026-11-24T19:03:00.123+08:00 */
char *lf_ms_human(char buf[32], lf_ms t);   /* 2026-11-24 19:03:00 */
char *lf_ms_compact(char buf[32], lf_ms t); /* 20261124190300 */
char *lf_day_iso(char buf[32], lf_day d);   /* 2026-11-24 */

/* Readers return false (and leave *out) on anything that is not exactly such a text. */
bool lf_ms_parse_iso(lf_text s, lf_ms *out);     /* with or without fraction; offset Z or ±hh:mm; none means +08:00 */
bool lf_ms_parse_compact(lf_text s, lf_ms *out); /* 12, 14 or 17 digits, local time (HJ 212) */
bool lf_day_parse(lf_text s, lf_day *out);
#endif
