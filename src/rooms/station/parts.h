/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_STATION_PARTS_H
#define LF_ROOMS_STATION_PARTS_H
#include "rooms/station/station.h"

extern struct lf_tele_store *station_store; /* NULL until the program has opened one */

/* live.c */
lf_rc station_live(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_factors(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* packets.c */
lf_rc station_packets(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_packet(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* refused.c */
lf_rc station_read_time(struct lf_ctx *cx, const struct lf_call *c, const char *name, lf_ms usual, lf_ms *out) LF_MUST_CHECK;
lf_rc station_refused(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_refused_one(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_quarantine(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_quarantine_one(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_decode(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
/* One refused or quarantined packet; LF_ENOTFOUND with a message. */
lf_rc station_held(struct lf_ctx *cx, bool quarantine, lf_id id, struct lf_tele_stored_reject *out) LF_MUST_CHECK;
/* readmit.c */
lf_rc station_register(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_readmit(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
lf_rc station_readmit_job(struct lf_ctx *cx) LF_MUST_CHECK;
/* station.c: sets MN, and PW when the row has none. */
void station_identify(void *row, lf_text mn, lf_text pw);
#endif
