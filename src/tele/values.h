/* values.h - inside admit: the items of CP as readings of the batch. Pure. */
#ifndef LF_TELE_VALUES_H
#define LF_TELE_VALUES_H
#include "tele/admit.h"

enum lf_column { LF_C_VALUE, LF_C_MIN, LF_C_MAX, LF_C_COU, LF_C_ZS, LF_C_FLAG, LF_C_IGNORE, LF_C_UNKNOWN };

/* What one item was found to be. All of it comes from its name, the names before it and the station's settings, none from values: the
 * same names come to the same again. */
struct lf_deed {
    enum lf_column column; /* LF_C_IGNORE: nothing more is to be done; LF_C_UNKNOWN: counted as such */
    bool opens;            /* the first of its reading */
    uint16_t reading;      /* the how manieth of the packet */
    lf_text factor;        /* of a reading that it opens: static, or within the item's name */
    double times;          /* what its number is multiplied by */
};

/* Where the packet's readings go. */
struct lf_values {
    struct lf_admit *a; /* counts and forgives */
    struct lf_tele_batch *b;
    const struct lf_tele_station *station;
    struct lf_tele_reading like; /* an empty one of this packet */
    size_t first;                /* the batch's readings before it */
    uint64_t met;                /* factors so far, as 64 bits of a hash */
};
/* Reads one item by its name; the number or flag goes where it belongs. */
struct lf_deed lf_values_put(struct lf_values *v, const struct hj212_item *it);
/* The number or flag of an item that belongs there: LF_C_VALUE to LF_C_FLAG. */
void lf_values_set(struct lf_values *v, struct lf_tele_reading *r, enum lf_column column, double times, lf_text value);
#endif
