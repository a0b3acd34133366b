/* worker.h - inside the relay: one upstream at work, and the two ways of talking to the other side. */
#ifndef LF_RELAY_WORKER_H
#define LF_RELAY_WORKER_H
#include "relay/render.h"

#include <pthread.h>
#include <stdatomic.h>

enum { RELAY_WINDOW_MAX = 64, RELAY_HELD = 64, RELAY_SICK = 64, RELAY_TOPIC_MAX = 512 };

/* A packet on its way, with its messages. */
struct held {
    struct lf_arena arena;
    int64_t packet, qn;
    lf_id station;
    lf_ms received;
    struct relay_msgs msgs;
    struct flight *flight; /* one for each message */
    size_t unanswered;     /* messages that are not acknowledged yet */
    bool retry, given_up;  /* retry: was parked before. given_up: to be parked */
    bool for_ever;
};
struct flight {
    int64_t sent_ms; /* monotonic; 0 = not sent on this connection */
    int64_t first;   /* place of its first sending among all of the worker's */
    int tries, mid;  /* mid: MQTT's number of it */
    bool acknowledged;
};

struct worker;
/* A way of talking. All run on the worker's thread; a failure fills err and ends the connection. */
struct relay_link_ops {
    lf_rc (*open)(struct worker *w, struct lf_err *err); /* connects, within the time-out; returns early when the worker is told to stop */
    lf_rc (*send)(struct worker *w, const struct relay_msg *m, struct flight *f, struct lf_err *err);
    lf_rc (*wait)(struct worker *w, int ms, struct lf_err *err); /* sends, receives, and calls worker_answer for what was acknowledged */
    void (*close)(struct worker *w);
};
extern const struct relay_link_ops relay_tcp, relay_mqtt;

struct worker {
    struct lf_relay_target t; /* a copy in own */
    uint64_t digest;          /* of the target, but its position */
    struct lf_arena own;
    struct lf_tele_store *store;
    const struct relay_link_ops *link;
    void *link_state;
    struct held held[RELAY_HELD]; /* a ring, in order of id */
    unsigned head, nheld;
    struct held retry[LF_RELAY_RETRY_MAX];
    int nretry;
    int in_flight;
    struct lf_arena page_arena; /* packets read from the store, not yet taken */
    struct lf_tele_stored_packet *page;
    size_t npage, page_at;
    int64_t read_to, last_qn;      /* the newest id taken from the store, and the number it got */
    int64_t look_again_ms;         /* monotonic */
    int64_t sendings, answered_to; /* counted; answered_to: the latest first sending that was acknowledged on this connection */
    struct held probe;             /* a packet of another station from further on (see find_out) */
    bool probed;
    int64_t probe_until;
    struct {
        int64_t station;
    } sick[RELAY_SICK]; /* stations of which a packet was given up and none acknowledged since */
    int nsick;
    int failures_in_row;
    bool backlog; /* the last look at the store found a full page */
    pthread_t thread;
    atomic_bool stop, ended;

    pthread_mutex_t lock; /* below */
    struct lf_relay_report report;
    struct lf_relay_parked asked[LF_RELAY_RETRY_MAX]; /* of lf_relay_retry, not yet taken up */
    int nasked;
    bool trying; /* taken up, not yet settled */
};
struct worker *worker_start(const struct lf_relay_target *t, uint64_t digest, struct lf_tele_store *store);
void worker_free(struct worker *w); /* after `ended` */
/* The other side has acknowledged: by QN (HJ 212), or by the flight's mid (MQTT; qn 0). */
void worker_answer(struct worker *w, int64_t qn, int mid);
void worker_foreign(struct worker *w);
int64_t relay_clock(void); /* monotonic milliseconds, never 0 */
#endif
