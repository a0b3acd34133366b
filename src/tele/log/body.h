/* body.h - packets, refused packets and corrections as bytes: the same in the journal and in segments. */
#ifndef LF_TELE_LOG_BODY_H
#define LF_TELE_LOG_BODY_H
#include "tele/log/points.h"
#include "tele/store.h"

struct packet_body { /* texts lie in the bytes it was read from */
    lf_ms received, at;
    int64_t pnum, pno, readings;
    lf_text qn, st, cn, peer, note, raw;
};
void packet_put(struct buf *b, const struct lf_tele_packet *p);
bool packet_get(lf_text bytes, struct packet_body *p) LF_MUST_CHECK;
/* What makes a packet the same packet: station, at, cn, qn, pno and its bytes. */
uint64_t packet_print(int64_t station, lf_ms at, int64_t pno, lf_text cn, lf_text qn, lf_text raw);
void packet_stored(const struct packet_body *p, int64_t station, int64_t id, struct lf_arena *a, struct lf_tele_stored_packet *out);

/* A refused packet; get: texts are copied into the arena. */
void reject_put(struct buf *b, const struct lf_tele_reject *r);
bool reject_get(lf_text bytes, int64_t id, struct lf_arena *a, struct lf_tele_stored_reject *out) LF_MUST_CHECK;
lf_ms reject_received(lf_text bytes);

/* A value that another replaced: what it was, when and by which packet. */
void correction_put(struct buf *b, enum lf_tele_kind kind, lf_text factor, const struct point *was, lf_ms replaced, int64_t by);
bool correction_get(lf_text bytes, int64_t station, struct lf_arena *a, struct lf_tele_correction *out) LF_MUST_CHECK;

/* The columns that are there, and which (a bit each). */
uint8_t cols_mask(const double col[COLUMNS]);
void cols_put(struct buf *b, uint8_t mask, const double col[COLUMNS]);
void cols_get(struct in *in, uint8_t mask, double col[COLUMNS]);
struct point point_of_reading(const struct lf_tele_reading *r);
void point_to_reading(const struct point *p, struct lf_tele_reading *r); /* flag lies in *p */
#endif
