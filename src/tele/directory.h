/* directory.h - who may send: a snapshot of the stations, made by the app whenever one changes, and swapped into the
 * listener without a restart. A snapshot never changes; it is freed when its last user lets it go. Any thread. */
#ifndef LF_TELE_DIRECTORY_H
#define LF_TELE_DIRECTORY_H
#include "base/value.h"

/* A channel whose unit is not that of the code table: every value (not Cou) is multiplied. */
struct lf_tele_scale {
    lf_text factor;
    double times;
};
struct lf_tele_station {
    lf_id id;
    lf_text mn, pw; /* pw null: the password is not looked at (somebody decided so for this station) */
    lf_text grid_code;
    bool disabled;
    bool always_ack;   /* answer even when Flag does not ask for it */
    unsigned tolerate; /* set of enum hj212_needs; 0 = nothing is forgiven */
    const struct lf_tele_scale *scale;
    size_t nscale;
};

struct lf_directory;
struct lf_directory *lf_directory_make(const struct lf_tele_station *list, size_t n); /* copies; one user: the caller */
struct lf_directory *lf_directory_ref(struct lf_directory *d);
void lf_directory_unref(struct lf_directory *d);                                           /* NULL is fine */
const struct lf_tele_station *lf_directory_find(const struct lf_directory *d, lf_text mn); /* NULL when unknown */
unsigned lf_directory_tolerates(const struct lf_directory *d);                             /* what any station tolerates */
size_t lf_directory_count(const struct lf_directory *d);
#endif
