/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_STATION_PARTS_H
#define LF_ROOMS_STATION_PARTS_H
#include "rooms/station/station.h"
#include "tele/directory.h"

extern struct lf_tele_store *station_store; /* NULL until the program has opened one */

/* station.c: a station or a channel was written: the listener takes the new directory. */
void station_committed(struct lf_app *app, const struct lf_change *ch);
/* channel.c. The first wants an open transaction; kind: as the table of stations has it. */
lf_rc station_unit_now(struct lf_ctx *cx, lf_id station, lf_text kind, lf_text factor, const char **unit) LF_MUST_CHECK;
lf_rc station_units_load(struct lf_ctx *cx) LF_MUST_CHECK; /* what station_unit answers from; wants an open transaction */
size_t station_scales(struct lf_arena *a, lf_id id, struct lf_tele_scale **out); /* for the directory */
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
