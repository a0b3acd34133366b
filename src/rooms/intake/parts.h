/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_INTAKE_PARTS_H
#define LF_ROOMS_INTAKE_PARTS_H
#include "relay/payload.h"
#include "rooms/intake/intake.h"

extern const struct lf_res feed_res;

/* ---- take.c: a document on its way into the store ------------------------------------------------------- */

struct intake_sender {
    lf_id feed, station;
    lf_text grid_code;
    bool disabled;
};
struct intake_taken {
    struct lf_payload p; /* in cx->arena */
    bool repeated;       /* this very document was there already */
};
/* LF_OK: durable; p.nrow may be 0 (nothing good in it). LF_EINVAL, LF_ETOOBIG, LF_EDENIED: it will never be taken. Others: try again later.
 * Counts for the feed in any case. Wants no open transaction. */
lf_rc intake_take(struct lf_ctx *cx, const struct intake_sender *from, lf_text document, const char *via,
                  struct intake_taken *out) LF_MUST_CHECK;
bool intake_ready(void); /* has the road been set? */

/* ---- tally.c: counts and limits of each feed, in memory between two keeps --------------------------------- */

void tally_add(lf_id feed, int64_t accepted, int64_t refused, const char *error); /* error may be NULL */
int tally_wait(lf_id feed); /* seconds until it may send again; 0 = now, and counted */
lf_rc tally_keep(struct lf_ctx *cx) LF_MUST_CHECK;
void tally_totals(int64_t *accepted, int64_t *refused, int64_t *limited);

/* ---- post.c --------------------------------------------------------------------------------------------------- */

lf_rc intake_post(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;        /* POST /api/v1/intake */
lf_rc intake_issue_token(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK; /* POST /api/v1/feed/:id/token */

/* ---- broker.c -------------------------------------------------------------------------------------------------- */

void brokers_changed(void);
lf_rc brokers_tick(struct lf_ctx *cx) LF_MUST_CHECK; /* makes the clients that run follow the records, keeps what they report */
void brokers_stop(struct lf_app *app);
#endif
