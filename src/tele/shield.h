/* shield.h - values that people have decided about (room review): what a device sends again for them is kept as its packet, but does not
 * replace them. A snapshot like the directory: never changes, is swapped whole, is freed by its last user. Any thread. */
#ifndef LF_TELE_SHIELD_H
#define LF_TELE_SHIELD_H
#include "tele/tele.h"

struct lf_tele_decision {
    lf_id station, by; /* by: the record that says so */
    lf_text factor;
    enum lf_tele_kind kind;
    lf_ms from, to; /* [from, to) */
    bool lifted;    /* it was put back: devices count again, whatever earlier decisions say */
};
struct lf_shield;
/* list: later ones count more. Copies; one user: the caller. */
struct lf_shield *lf_shield_make(const struct lf_tele_decision *list, size_t n);
struct lf_shield *lf_shield_ref(struct lf_shield *s); /* NULL is fine here and below */
void lf_shield_unref(struct lf_shield *s);
/* The decision that holds this reading back; none when it may go in. */
lf_id lf_shield_holds(const struct lf_shield *s, const struct lf_tele_reading *r);
/* Takes what is held back out of the batch's readings into b->held, and notes it on the packets. What is our own goes through. */
void lf_shield_apply(const struct lf_shield *s, struct lf_tele_batch *b);
#endif
