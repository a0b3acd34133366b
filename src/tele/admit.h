/* admit.h - the checks a frame passes before it is put into a batch. Pure: no I/O, no clock of its own; what comes of a frame does not
 * depend on what is remembered in shapes. */
#ifndef LF_TELE_ADMIT_H
#define LF_TELE_ADMIT_H
#include "tele/directory.h"
#include "tele/tele.h"

enum lf_admitted {
    LF_ADMIT_TAKEN,   /* in the batch; answer it when the batch is durable */
    LF_ADMIT_ANSWER,  /* nothing to store (heartbeat): answer at once */
    LF_ADMIT_REPLY,   /* 9011..9014: the device answers us; in the batch when it says who it is (station); of 2005 with answer when asked */
    LF_ADMIT_REFUSED, /* why says it; no answer */
    LF_ADMIT_QUARANTINE, /* to be kept apart; `answer` is filled when it may be acknowledged once it is durable */
};
struct lf_admit {
    /* in */
    const struct lf_directory *directory;
    lf_text frame, segment, peer;
    unsigned needs; /* what hj212_needs said of the frame; 0 for a good one */
    bool sealed;    /* frame is encrypted, segment is what hj212_open made of it (not inside frame) */
    lf_ms now;
    struct lf_shapes *shapes; /* what stations usually send (shape.h), of the calling thread; NULL: nothing is remembered */
    int64_t ahead_ms, age_ms; /* how far DataTime may lie in the future and in the past */
    /* out */
    enum lf_tele_why why;
    struct hj212_packet packet; /* as read; complete except when refused */
    lf_text mn, cn, detail;     /* point into the frame, or are literals */
    lf_id station;
    unsigned forgiven;                  /* enum lf_tele_tolerate: what was made use of */
    lf_text answer;                     /* in the batch's arena; empty when none is asked for */
    uint32_t unknown_stats, bad_values; /* items kept in the raw packet only; values that are no number */
};
enum lf_admitted lf_admit(struct lf_admit *a, struct lf_tele_batch *b);
#endif
