/* payload.h - documents with readings that are no HJ 212: JSON (Sparkplug-like) and CSV of low-cost micro-stations, from HTTP or MQTT.
 * The shape is in doc/mqtt.md. Pure: no I/O, no clock of its own. One bad row costs only itself, and says why. */
#ifndef LF_RELAY_PAYLOAD_H
#define LF_RELAY_PAYLOAD_H
#include "base/err.h"
#include "tele/tele.h"

enum { LF_PAYLOAD_MAX = 64 * 1024, LF_PAYLOAD_ROWS = 1000 };

struct lf_payload_row {
    int row; /* JSON: place in metrics, from 1. CSV: line, the heading is 1 */
    lf_ms at;
    enum lf_tele_kind kind;
    lf_text factor; /* code of 2017 */
    double value, vmin, vmax;
    lf_text flag;
};
struct lf_payload_bad {
    int row;
    const char *field, *message; /* message: "中文 | English" */
};
struct lf_payload_rules {
    lf_ms now;
    int64_t ahead_ms, age_ms; /* how far a time may lie in the future and in the past */
    enum lf_tele_kind kind;   /* of a row that does not say it */
    /* The unit that the station's values of a factor are kept in; NULL function: that of the code table. */
    lf_text (*unit)(const void *user, lf_text factor);
    const void *user;
};
struct lf_payload {
    struct lf_payload_row *row;
    struct lf_payload_bad *bad;
    size_t nrow, nbad;
    lf_text id; /* member "id" of a JSON document: which station an MQTT message is about; null when absent */
};
/* What the document says, into the arena. LF_EINVAL: it cannot be read at all. LF_ETOOBIG: a limit above was passed. A document of which
 * every row is bad is no error: nrow is 0. The kind of text is seen from its first sign: '{' is JSON, anything else CSV. */
lf_rc lf_payload_read(struct lf_arena *a, lf_text document, const struct lf_payload_rules *rules, struct lf_payload *out,
                      struct lf_err *err) LF_MUST_CHECK;
/* One packet with the good rows as its readings and the document as its evidence; texts are copied into the batch's arena.
 * via: "http" or "mqtt", kept as CN. received is now. Call only when nrow > 0. */
void lf_payload_batch(const struct lf_payload *p, lf_text document, const char *via, lf_id station, lf_text grid_code, lf_text peer,
                      lf_ms now, struct lf_tele_batch *b);
bool lf_payload_is(lf_text cn); /* is that the CN of such a packet? */
#endif
