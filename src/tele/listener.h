/* listener.h - the TCP end of telemetry: devices connect, send frames, and get an answer when their packet is durable.
 *
 * Three threads of its own: the network loop (never waits for a disk), the writer (one commit at a time; what arrives
 * during a commit is the next batch), the events thread. An acknowledgement leaves after the commit that holds its packet,
 * never before. While the store fails nothing is acknowledged and reading pauses; it goes on by itself. */
#ifndef LF_TELE_LISTENER_H
#define LF_TELE_LISTENER_H
#include "base/out.h"
#include "tele/directory.h"
#include "tele/shield.h"
#include "tele/store.h"

struct lf_asked { /* a command that a station was given before this start, by another process perhaps */
    lf_id station;
    char qn[24], cn[5];
};
struct lf_listener_config {
    const char *host;               /* "0.0.0.0", "::"; NULL = 127.0.0.1 */
    uint16_t port;                  /* 0 = any free one: ask lf_listener_port */
    struct lf_tele_store *store;    /* stays the caller's; must outlive the listener */
    struct lf_directory *directory; /* first snapshot; the listener takes the caller's use of it. NULL = no stations yet */
    struct lf_shield *shield;       /* what people have decided; the listener takes the caller's use of it. NULL = nothing */
    const struct lf_asked *asked;   /* its replies are recognised as those to lf_listener_send; not needed after the start */
    size_t nasked;
    int max_connections;       /* 0 = 32000; less when the machine gives fewer files: see lf_listener_notice */
    int max_per_peer;          /* connections of one address; 0 = half of max_connections (stations behind one gateway) */
    int idle_s;                /* a connection without a good packet for so long is closed; 0 = 3900: RtdInterval may be an hour */
    int first_s;               /* the first good packet must have come by then, however many bytes came; 0 = 120 */
    int batch_max;             /* packets in one commit; 0 = 16384 */
    int batch_wait_ms;         /* how long an idle writer waits for company; 0 = not at all */
    int64_t ahead_s, age_s;    /* DataTime may lie so far ahead and back; 0 = 600 and 366 days */
    int evidence_per_hour;     /* refused or quarantined pieces kept per address and hour; 0 = 60 (all are counted) */
    int evidence_all_per_hour; /* and of all addresses together; 0 = 3000 */
    /* After a commit, on the events thread: the readings that are new or corrected. Packets wait in memory (bounded) while it
     * works, so it should not take long. May be NULL. */
    void (*on_readings)(void *user, const struct lf_tele_reading *r, size_t n);
    /* After a commit, on the events thread, before on_readings: what a device has sent for values that people have decided about.
     * Its packet is stored, the value was left out. May be NULL. */
    void (*on_held)(void *user, const struct lf_tele_held *h, size_t n);
    /* The store began to fail (message, with HINT) or works again (NULL). On the writer's thread. May be NULL. */
    void (*on_store)(void *user, const struct lf_err *err);
    /* A packet of a known station (right password) that answers a command: 9011 to 9014, and any packet with the QN of a frame
     * that lf_listener_send gave to the station, or with its CN within ten minutes (devices number their history themselves).
     * On the loop's thread while the packet is read, so it is not durable yet (it is kept like any other); must not block. May be
     * NULL. p and raw live until the call returns. */
    void (*on_reply)(void *user, lf_id station, const struct hj212_packet *p, lf_text raw);
    /* A station has a connection now, or has lost its last one. On the loop's thread; must not block. May be NULL. */
    void (*on_contact)(void *user, lf_id station, bool connected);
    void *user;
};

/* How long something took: a histogram. below[i]: not longer than lf_tele_bounds_us[i], each counted once; the last: longer. */
enum { LF_TELE_BOUNDS = 16 };
extern const int64_t lf_tele_bounds_us[LF_TELE_BOUNDS];
struct lf_tele_times {
    int64_t below[LF_TELE_BOUNDS + 1], sum_us;
};

struct lf_listener_stats {
    int64_t connections, accepted, turned_away;         /* now; since the start; refused because of a limit */
    int64_t closed_idle, closed_slow;                   /* by us: silent, or does not read its answers */
    int64_t bytes, frames;                              /* received; good frames */
    int64_t refused[LF_TELE_WHY_COUNT];                 /* by reason; noise counts runs of bytes */
    int64_t quarantined, evidence_dropped;              /* the latter: past the bound of evidence, counted but not kept */
    int64_t tolerated, tolerated_by[LF_TOLERATE_COUNT]; /* packets; uses of each tolerance */
    int64_t sealed, replies, heartbeats;                /* sealed: packets that were decrypted */
    int64_t packets, readings, corrections;             /* stored; corrections: values that replaced another */
    int64_t duplicates, acknowledged;
    int64_t unknown_stats, bad_values;
    int64_t commits, commit_failures, last_commit_us, last_batch;
    int64_t sent, send_lost;                         /* frames to stations; of these, the connection went before they left */
    int64_t submitted, submit_failures;              /* batches that came another way */
    struct lf_tele_times commit, ack;                /* commits; from reading a packet to giving its answer to the kernel */
    int64_t filling_packets, filling_bytes;          /* the batch that is being filled (limit: batch_max, 16 MB) */
    int64_t stalled, events_waiting, submit_waiting; /* connections not read for now; batches to be told; submitters */
    bool failing;                                    /* the store does not take anything now */
};

struct lf_listener;
lf_rc lf_listener_start(struct lf_listener **out, const struct lf_listener_config *config, struct lf_err *err) LF_MUST_CHECK;
uint16_t lf_listener_port(const struct lf_listener *l);
/* What an operator should know about how it started, with a HINT; NULL when there is nothing. */
const char *lf_listener_notice(const struct lf_listener *l);
/* Swaps the directory; takes the caller's use of it. Frames read from now on are judged by it. Any thread. */
void lf_listener_set_directory(struct lf_listener *l, struct lf_directory *d);
/* Swaps the shield; takes the caller's use of it. Commits that begin from now on respect it. Any thread. */
void lf_listener_set_shield(struct lf_listener *l, struct lf_shield *s);
struct lf_listener_stats lf_listener_stats(struct lf_listener *l); /* any thread */
/* The same in the text form of Prometheus, names lanfan_telemetry_... */
void lf_listener_metrics(const struct lf_listener_stats *s, struct lf_out *o);
/* Another road into the one writer (HTTP, MQTT, computed means): stores the batch as the packets from sockets are stored,
 * together with what others submit at the same time. Blocks the caller until it is durable (LF_OK; packet.duplicate and
 * reading.fresh are set, fresh readings are told to on_readings) or is not (nothing of it is in the store). Each reading must
 * belong to a packet, and received must be set. The batch stays the caller's; ack[] is not looked at. Any thread but the loop's.
 * LF_EBUSY: not stored within wait_ms, or closing; LF_EINVAL: will never go in. */
lf_rc lf_listener_submit(struct lf_listener *l, struct lf_tele_batch *b, int wait_ms, struct lf_err *err) LF_MUST_CHECK;
/* Gives a whole frame (## to CR LF; copied) to the newest connection over which the station has sent a good packet. LF_OK: it
 * is on its way, which is no promise: who needs one waits for the reply. LF_ENOTFOUND: not connected; LF_EBUSY: too many
 * frames wait to be sent. Any thread. */
lf_rc lf_listener_send(struct lf_listener *l, lf_id station, lf_text frame, struct lf_err *err) LF_MUST_CHECK;
/* Stops reading, commits and acknowledges what was taken (at most ten seconds, not at all while the store fails), closes. */
void lf_listener_stop(struct lf_listener *l); /* NULL is fine */
#endif
