/* relay.h - what this place measures, told to others: to a platform above as HJ 212 again, or to an MQTT broker.
 *
 * Store and forward: an upstream is a position in the store's packets and what has not been answered since. Each has a thread of its own,
 * so one that refuses or hangs stops nothing else, and holds a window of packets, so a month's backlog passes in constant memory.
 *
 * At least once: the position moves when everything before it has been acknowledged. What is sent again after a cut, a time-out or a crash
 * carries the same bytes (QN follows from the packet's place and time, see relay/render.c), so the other side can drop it. The packets of
 * one station arrive in the order in which they were stored.
 *
 * A packet that is refused again and again while others pass (a station that the other side does not know) is parked: handed to the owner,
 * who keeps it and gives it back later. Where nothing passes at all, nothing is parked: the upstream waits. */
#ifndef LF_RELAY_RELAY_H
#define LF_RELAY_RELAY_H
#include "base/out.h"
#include "tele/directory.h"
#include "tele/store.h"

enum lf_relay_kind { LF_RELAY_HJ212, LF_RELAY_MQTT };
enum { LF_RELAY_OTHER = 1u << 8, LF_RELAY_UNSET = -1, LF_RELAY_PARKED_MAX = 128, LF_RELAY_RETRY_MAX = 16 };

/* A station that is forwarded. */
struct lf_relay_route {
    lf_id station;
    lf_text mn, pw;        /* ours */
    lf_text as_mn, as_pw;  /* there; null = as it came */
    lf_text grid_code, st; /* st: system code for readings that did not come as HJ 212 (2017 table 5) */
};
struct lf_relay_target {
    lf_id id;
    enum lf_relay_kind kind;
    lf_text host;
    uint16_t port;
    lf_text login, password;            /* MQTT */
    lf_text topic;                      /* MQTT: prefix */
    lf_text ca;                         /* TLS: file or folder of trusted certificates; "" = the system's */
    bool tls, per_factor;               /* per_factor: a message for each value instead of one for each packet */
    unsigned kinds;                     /* 1u << enum lf_tele_kind, LF_RELAY_OTHER for packets without readings */
    int window;                         /* messages on their way; 0 = 8, at most 64 */
    int timeout_ms, retries;            /* 0 = 10 s and 3 (HJ 212-2017 §6.4 table: GPRS) */
    const struct lf_relay_route *route; /* in order of station */
    size_t nroute;
    struct lf_directory *directory; /* how our stations' frames are read (units, codes), for MQTT; lf_relay_set takes a use of its own */
    /* Where to go on. position LF_RELAY_UNSET: new; it begins at the first packet received at or after `since` (null: the newest). */
    int64_t position, qn;
    lf_ms since;
};

enum lf_relay_state { LF_RELAY_STARTING, LF_RELAY_CONNECTING, LF_RELAY_LIVE, LF_RELAY_CATCHING_UP, LF_RELAY_WAITING, LF_RELAY_STATE_COUNT };
struct lf_relay_parked {
    int64_t packet, qn;
    lf_id station;
    bool for_ever; /* cannot be said in HJ 212 at all: sending it again has no sense */
};
struct lf_relay_report {
    int64_t run; /* which start of the upstream this is of */
    enum lf_relay_state state;
    int64_t position, qn; /* everything up to here is acknowledged, parked or not to be forwarded; LF_RELAY_UNSET before the first look */
    lf_ms position_at;    /* when that packet was received here; 0 = none yet */
    int64_t lag_ms;       /* age of the oldest packet that is still to be acknowledged; 0 = none */
    int64_t sent, acknowledged, failures, foreign; /* since the start of the program; foreign: packets that answer nothing of ours */
    lf_ms acknowledged_at;
    char error[512]; /* the last one, "" when none since it works */
    struct lf_relay_parked parked[LF_RELAY_PARKED_MAX];
    struct {
        int64_t packet;
        bool acknowledged;
    } tried[LF_RELAY_RETRY_MAX]; /* what lf_relay_retry gave, with its end */
    int nparked, ntried;
};

struct lf_relay;
struct lf_relay *lf_relay_new(struct lf_tele_store *store); /* the store must outlive it */
void lf_relay_free(struct lf_relay *r);                     /* stops all; what is not acknowledged is sent again next time. NULL is fine */
/* Makes the running upstreams those of the list: starts, stops, and starts anew those that differ from what runs. Copies what it is
 * given. False: one that has to stop is still busy (a name look-up); call again soon. */
bool lf_relay_set(struct lf_relay *r, const struct lf_relay_target *list, size_t n);
/* What has happened. position, parked and tried belong together: keep them in one transaction, then say lf_relay_kept with the same
 * report. LF_ENOTFOUND without a message when it does not run. */
lf_rc lf_relay_report(struct lf_relay *r, lf_id id, struct lf_relay_report *out) LF_MUST_CHECK;
void lf_relay_kept(struct lf_relay *r, lf_id id, const struct lf_relay_report *kept);
/* Tries parked packets once more; at most LF_RELAY_RETRY_MAX at a time are taken, and none while earlier ones are on their way. */
int lf_relay_retry(struct lf_relay *r, lf_id id, const struct lf_relay_parked *p, int n);
const char *lf_relay_state_name(enum lf_relay_state s); /* "starting", "connecting", "live", "catching_up", "waiting" */
/* In the text form of Prometheus, names lanfan_upstream_... */
void lf_relay_metrics(struct lf_relay *r, struct lf_out *o);
#endif
