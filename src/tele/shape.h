/* shape.h - what stations usually send, remembered: a device sends the same header and the same items in the same order all its life, and
 * only digits change. A packet that looks like one before is read by comparing names; whatever differs is read as if for the first time,
 * so nothing that comes of a packet ever depends on what is remembered.
 *
 * One lf_shapes belongs to one thread. It forgets everything when it meets another snapshot of the directory (units, passwords,
 * tolerances), and holds at most 2.5 KB a station (each at least as for 64 of them). */
#ifndef LF_TELE_SHAPE_H
#define LF_TELE_SHAPE_H
#include "tele/values.h"

struct lf_shapes;
struct lf_shapes *lf_shapes_new(void);
void lf_shapes_free(struct lf_shapes *m); /* NULL is fine */
struct lf_shapes_told {
    size_t bytes;                     /* memory held now */
    uint64_t packets, headers, items; /* looked at; of these, whose header was known; whose items were, too */
};
struct lf_shapes_told lf_shapes_tell(const struct lf_shapes *m);

/* A header as one station sends it, and the items that were seen under it. Lives until the next call that may learn. Small and whole lines
 * of the cache: there are many of them, and each comes seldom. */
struct lf_known {
    uint64_t hash;
    const struct lf_tele_station *station;
    const struct lf_command *command; /* the caller's, opaque here */
    const struct lf_shape *shape[2];  /* the one met last first; NULL: none */
    uint32_t generation;              /* it is not known any more when that has changed */
    uint16_t misses;                  /* packets in a row that none fitted, about */
    int16_t flag, pnum, pno, version; /* of its packets */
    struct {
        uint8_t at, n; /* in text; n 0: absent */
    } st, pw, mn;
    uint8_t cn_at;
    uint8_t n; /* of text */
    bool want_ack : 1, split : 1, qn : 1;
    char text[127]; /* behind the digits of QN, to "CP=&&" without that */
};
/* The segment of a good frame begins with a header that is remembered of this directory: *p is what hj212_parse makes of it. NULL: not. */
struct lf_known *lf_shapes_find(struct lf_shapes *m, const struct lf_directory *d, lf_text segment, struct hj212_packet *p);
/* Remembers a header of which nothing but its bytes decides that its packets are the station's, and good so far. p as hj212_parse read it
 * from segment. NULL when it is too long, or of a form that is not remembered. */
struct lf_known *lf_shapes_learn(struct lf_shapes *m, lf_text segment, const struct hj212_packet *p, const struct lf_tele_station *station,
                                 const struct lf_command *command);
/* Reads CP into v as remembered. False: it differs, and v, its admit and its batch are as before. */
bool lf_shapes_read(struct lf_shapes *m, struct lf_known *k, lf_text cp, struct lf_values *v);
/* Reads CP item by item (hj212_next and lf_values_put) and remembers it for next time. False: something in it is no item; the batch has
 * none of its readings then. m and k may be NULL: nothing is remembered. */
bool lf_shapes_read_new(struct lf_shapes *m, struct lf_known *k, lf_text cp, struct lf_values *v);
/* lf_ms_parse_compact for a CP whose first item is DataTime of 14 digits; false for any other, and for times that are none. */
bool lf_shapes_time(struct lf_shapes *m, lf_text cp, lf_ms *at);
#endif
