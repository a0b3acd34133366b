/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_REVIEW_PARTS_H
#define LF_ROOMS_REVIEW_PARTS_H
#include "rooms/review/means.h"
#include "rooms/review/review.h"

extern struct review_road review_road; /* store NULL until the program has opened one */

/* One packet of the system's own, raw as given (text that says why), to which readings are then added. */
struct lf_tele_packet *review_packet(struct lf_tele_batch *b, lf_id station, lf_text grid_code, lf_text raw, lf_ms at);
/* Adds a reading to the batch's last packet. Texts are copied. */
struct lf_tele_reading *review_reading(struct lf_tele_batch *b, const struct lf_tele_reading *r);

/* All readings of a series in [from, to), in time order, in a. */
lf_rc review_scan(struct lf_ctx *cx, lf_id station, lf_text factor, enum lf_tele_kind kind, lf_ms from, lf_ms to,
                  struct lf_tele_reading **out, size_t *n) LF_MUST_CHECK;

/* oxygen.c: what limits of a station are converted to, on one day. */
struct oxygen {
    int n;
    struct oxygen_of {
        lf_text factor;
        double percent;
    } of[64];
};
lf_rc oxygen_references(struct lf_ctx *cx, lf_id station, lf_day day, struct oxygen *out) LF_MUST_CHECK;
/* One factor's mean over the period that is computed. values: how many it was made of. */
struct rolled {
    lf_text factor;
    enum lf_tele_kind kind; /* of those */
    struct means_result m;
    size_t values;
    double reference; /* oxygen that m.zs was converted to here; NaN: it came from the device, or there is none */
};
/* Sets zs where the device sent none, when the oxygen of that hour is valid. */
void oxygen_convert(const struct oxygen *o, struct rolled *r, size_t n);

extern const struct lf_res power_pair_res;

/* resent.c */
lf_rc review_resent(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;

/* rollup.c */
lf_rc review_rollup(struct lf_ctx *cx) LF_MUST_CHECK; /* job */
lf_rc review_validity(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* Days from= and to= of a request (the last seven by default), up to the hour that is not over yet. */
lf_rc review_days(struct lf_ctx *cx, const struct lf_call *c, int most, lf_ms *from, lf_ms *to) LF_MUST_CHECK;
/* emitted.c */
lf_rc review_emission(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* watch.c */
enum { REVIEW_WATCH_S = 20 };                        /* how often the job runs */
lf_rc review_watch(struct lf_ctx *cx) LF_MUST_CHECK; /* job */
#endif
