/* twin_testing.h - for tests: each frame is judged twice, as if for the first time and with what stations usually send remembered, and
 * everything that comes of it must be the same. */
#ifndef LF_TELE_TWIN_TESTING_H
#define LF_TELE_TWIN_TESTING_H
#include "tele/shape.h"

struct twin {
    struct lf_shapes *shapes;
    struct lf_tele_batch plain, remembered;
    enum lf_admitted how; /* what the last frame came to */
    struct lf_admit last;
};
void twin_open(struct twin *t);
void twin_close(struct twin *t);
/* in: the first group of lf_admit, without shapes. Both batches grow. NULL, or what is not the same. The bytes of the frame are
 * given from copies that are gone afterwards: a result that points into them shows. */
const char *twin_admit(struct twin *t, const struct lf_admit *in);
const char *twin_batches(const struct twin *t); /* NULL, or what is not the same in all that was put into the batches */
void twin_empty(struct twin *t);                /* the batches; what is remembered stays */
#endif
