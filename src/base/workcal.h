/* workcal.h - the working calendar: legal holidays and make-up working days as the State Council publishes them each year
 * (data/holidays.csv), and office hours. Years beyond the table fall back to Monday to Friday, and lf_workcal_why says so. All instants
 * are China standard time. */
#ifndef LF_BASE_WORKCAL_H
#define LF_BASE_WORKCAL_H
#include "base/clock.h"
#include "base/err.h"

struct lf_workcal;
/* Minutes after midnight; two stretches of work a day. */
struct lf_workcal_config {
    int from1, to1, from2, to2;
};
/* c NULL: 08:30-12:00 and 13:30-17:30. LF_EINVAL when the hours are not in order. Free with lf_workcal_free. */
lf_rc lf_workcal_new(struct lf_workcal **out, const struct lf_workcal_config *c, struct lf_err *err) LF_MUST_CHECK;
void lf_workcal_free(struct lf_workcal *cal); /* NULL is fine */

bool lf_workcal_known(lf_day d); /* is the year in the table? */
bool lf_workcal_is_workday(const struct lf_workcal *cal, lf_day d);
const char *lf_workcal_why(const struct lf_workcal *cal,
                           lf_day d); /* "国庆节 | National Day", "周末 | weekend", "调休上班 | make-up working day" ... static */
int lf_workcal_day_minutes(const struct lf_workcal *cal); /* of one full working day */

/* The instant at which that many working minutes have passed since start. */
lf_ms lf_workcal_add_minutes(const struct lf_workcal *cal, lf_ms start, int64_t working_minutes);
/* End of office hours of the n-th working day after the day of start (GB/T 30428: 工作日). */
lf_ms lf_workcal_due_days(const struct lf_workcal *cal, lf_ms start, int n);
/* Working minutes in [from, to); 0 when to is not later. */
int64_t lf_workcal_minutes(const struct lf_workcal *cal, lf_ms from, lf_ms to);

/* How each minute was counted: stretches from `from` to `to`, in order, without gaps. Days that are not worked and follow each other
 * for the same reason are one stretch. round_the_clock: everything counts but pauses. line may be NULL. Returns counted minutes. */
struct lf_workcal_stretch {
    lf_ms from, to;
    int64_t minutes;
    bool counted;
    const char *why;
};
struct lf_workcal_pause {
    lf_ms from, to;
};
int64_t lf_workcal_sheet(const struct lf_workcal *cal, bool round_the_clock, lf_ms from, lf_ms to, const struct lf_workcal_pause *p, int np,
                         void (*line)(void *user, const struct lf_workcal_stretch *s), void *user);
#endif
