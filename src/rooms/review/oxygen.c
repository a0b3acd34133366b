/* oxygen.c - hourly means of flue gas at the reference oxygen of their limits, for devices that do not convert themselves. */
#include "rooms/review/parts.h"

#include "review_sql.h"
#include "rooms/review/stack.h"

#define OXYGEN LF_TEXT("a19001") /* dry, % */

lf_rc oxygen_references(struct lf_ctx *cx, lf_id station, lf_day day, struct oxygen *out)
{
    struct review_reference_o2_row r;
    struct lf_cur cur;
    out->n = 0;
    lf_rc rc = review_reference_o2(cx, station, day, &cur);
    if (rc)
        return rc;
    while ((rc = review_reference_o2_next(&cur, &r)) == LF_ROW && out->n < (int)LF_COUNT(out->of))
        if (!out->n || !lf_text_eq(out->of[out->n - 1].factor, r.factor)) /* several: the first is the one of hours */
            out->of[out->n++] = (struct oxygen_of){ r.factor, r.reference_o2 };
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static const struct means_result *oxygen_mean(const struct rolled *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lf_text_eq(r[i].factor, OXYGEN) && r[i].values && r[i].m.valid)
            return &r[i].m;
    return NULL;
}

/* HJ 75-2017 takes the hour's mean concentration and mean oxygen (HJ 212-2017 Annex D, which gives formula (28), does not say whether
 * minutes or hours are converted). */
void oxygen_convert(const struct oxygen *o, struct rolled *r, size_t n)
{
    const struct means_result *o2 = oxygen_mean(r, n);
    for (int k = 0; o2 && k < o->n; k++)
        for (size_t i = 0; i < n; i++)
            if (r[i].values && lf_text_eq(r[i].factor, o->of[k].factor) && isnan(r[i].m.zs)) {
                r[i].m.zs = stack_at_oxygen(r[i].m.value, o2->value, o->of[k].percent);
                r[i].reference = isnan(r[i].m.zs) ? (double)NAN : o->of[k].percent;
            }
}
