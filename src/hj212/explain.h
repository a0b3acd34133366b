/* explain.h - what the bytes of a frame are, for people who look at one: names, places, and what is wrong with it. Pure. */
#ifndef LF_HJ212_EXPLAIN_H
#define LF_HJ212_EXPLAIN_H
#include "hj212/hj212.h"

struct hj212_explained {
    enum hj212_why why; /* HJ212_GOOD, or the first thing that a reader stumbles over */
    const char *bad;    /* GRAMMAR, FIELD: which field; else NULL */
    unsigned needs;     /* of a refused frame: enum hj212_needs that would have to be forgiven; HJ212_NEEDS_MORE: none helps */
    bool sealed;        /* its CP is encrypted (2025): the header alone can be read */
    lf_text length, segment, crc, tail; /* as sent, inside the frame; null when it cannot be told where they are */
    int declared;                       /* -1: not four digits */
    uint16_t computed, modbus;          /* checksums of segment: of Annex A, and the wrong one that some devices send */
    struct hj212_packet packet;         /* as far as it was read */
};
/* frame: one piece as hj212_take cuts them, good or refused. */
void hj212_explain(lf_text frame, struct hj212_explained *out);

/* One field of the header, in the order sent: "QN=..." and its value. False at the end. *at starts at 0; ends before CP. */
bool hj212_next_header(lf_text segment, size_t *at, lf_text *name, lf_text *value);

/* "中文 | English", NULL when unknown. */
const char *hj212_field_name(lf_text name); /* QN, PW, DataTime, RtdInterval ... */
const char *hj212_stat_name(lf_text stat);  /* Rtd, Avg, Cou ... */
const char *hj212_why_clause(enum hj212_why why);

/* Stars out the values of PW, NewPW and NewSK in place: a frame that is shown to who may not see passwords. */
void hj212_star_secrets(char *p, size_t n);
#endif
