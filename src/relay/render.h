/* render.h - inside the relay: a stored packet as the messages that the other side gets. Pure. */
#ifndef LF_RELAY_RENDER_H
#define LF_RELAY_RENDER_H
#include "relay/relay.h"

struct relay_msg {
    lf_text topic; /* MQTT; null for HJ 212 */
    lf_text body;
    int64_t qn; /* HJ 212: what it will be acknowledged by */
};
struct relay_msgs {
    struct relay_msg *p;
    size_t n, cap;
};
enum relay_rendered {
    RELAY_SEND,
    RELAY_SKIP,  /* not to be forwarded: station, kind, command */
    RELAY_CANNOT /* *why: "中文 | English" */
};
/* qn: the first that may be used; message i has qn + i. The same packet, target and qn give the same bytes. */
enum relay_rendered relay_render(const struct lf_relay_target *t, const struct lf_tele_stored_packet *p, int64_t qn, struct lf_arena *a,
                                 struct relay_msgs *out, const char **why);
/* The QN that an answer of the other side names: in the head (2017), or inside CP (2005). False when it is no answer. */
bool relay_answer(lf_text segment, int64_t *qn);
#endif
