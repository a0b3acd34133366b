/* payload_int.h - inside the payload reader: one row as the two forms give it. */
#ifndef LF_RELAY_PAYLOAD_INT_H
#define LF_RELAY_PAYLOAD_INT_H
#include "relay/payload.h"

#include <stdlib.h>

struct payload_reader {
    struct lf_arena *arena;
    const struct lf_payload_rules *rules;
    struct lf_payload_row *row; /* room for LF_PAYLOAD_ROWS each */
    struct lf_payload_bad *bad;
    size_t nrow, nbad;
    lf_text id;
};
struct payload_row {
    int row;
    lf_text name, kind, quality, unit; /* n == 0: not said */
    double value, vmin, vmax;          /* NaN: not said */
    lf_ms at;
    bool timed;
};
void payload_take(struct payload_reader *p, const struct payload_row *in);
void payload_refuse(struct payload_reader *p, int row, const char *field, const char *message);
bool payload_room(struct payload_reader *p, struct lf_err *err); /* for one more row */

lf_rc payload_json(struct payload_reader *p, lf_text doc, struct lf_err *err) LF_MUST_CHECK;
lf_rc payload_csv(struct payload_reader *p, lf_text doc, struct lf_err *err) LF_MUST_CHECK;
#endif
