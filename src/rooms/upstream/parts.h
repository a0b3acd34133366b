/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_UPSTREAM_PARTS_H
#define LF_ROOMS_UPSTREAM_PARTS_H
#include "relay/relay.h"
#include "rooms/upstream/upstream.h"

/* targets.c: the records as targets, into cx->arena. *directory: for the caller to unref after use. */
lf_rc upstream_read_targets(struct lf_ctx *cx, struct lf_relay_target **out, size_t *n, struct lf_directory **directory) LF_MUST_CHECK;
/* keep.c: reports into the records, and parked packets back to the relay. */
lf_rc upstream_keep_reports(struct lf_ctx *cx, struct lf_relay *relay, const lf_id *id, size_t n) LF_MUST_CHECK;
lf_rc upstream_retry_parked(struct lf_ctx *cx, struct lf_relay *relay, const lf_id *id, size_t n) LF_MUST_CHECK;
lf_rc upstream_ask_again(struct lf_ctx *cx, struct lf_change *ch) LF_MUST_CHECK; /* effect of the move */
#endif
