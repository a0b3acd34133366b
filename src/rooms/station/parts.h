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
#endif
