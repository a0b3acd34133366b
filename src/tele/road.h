/* road.h - inside the listener: what its files share. Not for others. */
#ifndef LF_TELE_ROAD_H
#define LF_TELE_ROAD_H
#include "tele/admit.h"
#include "tele/listener.h"
#include "tele/shape.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    CONN_OUT = 16 * 1024,   /* answers that wait for a client that reads slowly */
    READ_BYTES = 32 * 1024, /* what one read may bring */
    PEER_SLOTS = 4096,
    FILES_OF_OTHERS = 512,  /* open files that are left to the rest of the program */
    CONN_OUTSTANDING = 64,  /* packets of one connection on their way to the disk; then its socket is not read */
    BATCH_BYTES = 16 << 20, /* memory of one batch; then nothing is read */
    ROOM_MS = 100,          /* the loop waits so long for the writer to take a full batch; then connections stall */
    ROOM_AGAIN_MS = 1000,   /* and does not wait again so soon */
    OFFER_PACKETS = 256,    /* as many are offered to an idle writer in the middle of a round of reading */
    SPARE_JOBS = 3,
    EVENT_QUEUE = 64, /* batches that wait for the events thread; then the writer waits */
    BOUND_SLOTS = 4096,
    EVIDENCE_BYTES = 6 * 1024, /* of one refused piece: an encrypted frame of full length is 4.8 KB */
    OUTBOX_MAX = 4096,         /* frames to stations that wait for the loop */
    LISTED_MS = 1000,          /* a connection's place among the idle is so much behind at most */
    WRITE_STUCK_MS = 60 * 1000,
    STOP_MS = 10 * 1000
};

enum count {
    N_CONNECTIONS,
    N_ACCEPTED,
    N_TURNED_AWAY,
    N_IDLE,
    N_SLOW,
    N_BYTES,
    N_FRAMES,
    N_QUARANTINED,
    N_DROPPED,
    N_TOLERATED,
    N_SEALED,
    N_REPLIES,
    N_HEARTBEATS,
    N_PACKETS,
    N_READINGS,
    N_CORRECTIONS,
    N_DUPLICATES,
    N_ACKNOWLEDGED,
    N_UNKNOWN_STATS,
    N_BAD_VALUES,
    N_COMMITS,
    N_COMMIT_FAILURES,
    N_LAST_US,
    N_LAST_BATCH,
    N_FILLING,
    N_FILLING_BYTES,
    N_STALLED,
    N_SENT,
    N_SEND_LOST,
    N_SUBMITTED,
    N_SUBMIT_FAILURES,
    N_REFUSED,
    N_TOLERATED_BY = N_REFUSED + LF_TELE_WHY_COUNT,
    N_COUNT = N_TOLERATED_BY + LF_TOLERATE_COUNT
};

/* A batch on its way: filled by the loop, committed by the writer, then read by the loop (answers) and the events thread. */
struct job {
    struct lf_tele_batch b;
    struct job *next[2]; /* in the queue of that link */
    atomic_int users;
    bool stored;
};
struct job *job_new(struct lf_listener *l);
void job_unref(struct lf_listener *l, struct job *j);
void job_free(struct job *j);

/* Evidence per address and hour. Addresses that share a slot share its bound: fewer pieces are kept, never more. */
struct bound {
    int64_t hour;
    int all;
    uint16_t slot[BOUND_SLOTS];
};

/* Which connection a station speaks over: the newest. Kept for good once made (stations are few), changed by the loop only and
 * under the lock, so the loop may read it without. */
struct link {
    int64_t station;
    uint64_t handle;          /* 0: not connected */
    struct link *chain;       /* in the table */
    struct link *next, *prev; /* of the same connection */
    struct asked *asked;      /* commands given to it lately; NULL when none ever was. Loop only */
};
struct links {
    struct link **slot;
    size_t mask, n;
};
struct outgoing {
    struct outgoing *next;
    int64_t station;
    uint32_t n;
    char frame[];
};
/* A batch of somebody who waits for it, on his stack. */
struct submission {
    struct lf_tele_batch *b;
    struct submission *next;
    pthread_cond_t done;
    enum { S_WAITING, S_TAKEN, S_DONE } state;
    struct lf_err err; /* rc says how it ended */
};

/* A ring of members, itself one of them when it stands for the list. */
struct ring {
    struct ring *next, *prev;
};
static inline void ring_init(struct ring *r) { r->next = r->prev = r; }
static inline bool ring_empty(const struct ring *r) { return r->next == r; }
static inline void ring_out(struct ring *r)
{
    r->prev->next = r->next;
    r->next->prev = r->prev;
    ring_init(r);
}
static inline void ring_put_last(struct ring *list, struct ring *r)
{
    r->prev = list->prev;
    r->next = list;
    list->prev->next = r;
    list->prev = r;
}
#define CONN_OF(r, member) ((struct conn *)(void *)((char *)(r)-offsetof(struct conn, member)))

/* One address; shared by its connections. */
struct peer {
    struct peer *chain;
    int n;
    lf_text name;
};

/* Answers that the kernel did not take at once: p[at .. n). */
struct out {
    uint32_t at, n, cap;
    char p[];
};

/* One connection. It owns buffers only while bytes wait in them, so a silent one costs this struct alone. What every packet touches
 * comes first: with ten thousand of them each line of it is fetched from far away. */
struct conn {
    uv_poll_t poll;
    int fd, watched; /* watched: for what, events of libuv */
    uint64_t handle; /* slot and generation: what an answer remembers of its connection */
    struct lf_listener *l;
    char *spill; /* bytes read but not used yet: spill[spill_at .. spill_n) */
    uint32_t spill_at, spill_n;
    int outstanding;
    bool stalled, closing, eof, good, listed_good, reading;
    bool spoke;                 /* a good packet in this read */
    struct out *out;            /* NULL: nothing waits */
    struct conn *next_answered; /* while a batch is answered: */
    uint32_t answer_first, answer_last;
    struct link *link;     /* of the last packet */
    uint64_t last, listed; /* uv_now: of its last good packet; when it took its place among the idle */
    struct peer *peer;
    struct ring idle, stall, writing; /* in the lists of the listener of these names */
    uint64_t write_began;             /* uv_now: when the kernel last took something of `out` */
    struct link *links;               /* all that are newest here */
};

struct times {
    atomic_llong below[LF_TELE_BOUNDS + 1], sum_us;
};

struct queue {
    struct job *head, *tail;
    int n, link; /* link: which `next` this queue uses */
};

struct lf_listener {
    struct lf_listener_config c;
    char *host, notice[256];
    uint16_t port;
    uv_loop_t loop;
    uv_poll_t door;
    int door_fd;
    uv_async_t wake;
    uv_check_t check;
    uv_timer_t sweep, wait;
    char *buf;                    /* one read of any connection: HJ212_BUFFER_MAX + READ_BYTES */
    struct ring idle[2];          /* connections before and after their first good packet, longest silent first */
    struct ring stalled, writing; /* that are not read for now; whose answers wait, longest first */
    struct ring round_end;        /* stands in `stalled` while that is gone through */
    struct peer *peer[PEER_SLOTS];
    struct conn **slot;
    uint32_t *generation, *free_slot;
    uint32_t nfree;
    struct job *filling;
    struct lf_directory *judging; /* the loop's use of the directory while it reads */
    struct lf_shapes *shapes;     /* the loop's own */
    struct bound bound;
    uint64_t read_at; /* uv_hrtime of the read that is worked on */
    uint64_t stop_at; /* uv_now when closing began; 0 = running */
    uint64_t no_wait; /* uv_hrtime until which there is no waiting for room */
    int in_flight;    /* batches given to the writer that have not come back */
    bool closed;
    pthread_t loop_thread, writer_thread, events_thread;

    pthread_mutex_t lock;                                      /* all below, to the counters */
    pthread_cond_t to_writer, to_loop, to_events, from_events; /* to_loop: a batch was taken */
    _Atomic(struct lf_directory *) directory;                  /* read without the lock as a hint only */
    struct lf_shield *shield;
    _Atomic(struct job *) next; /* offered to the writer, not taken yet; read without the lock as a hint only */
    bool next_full;             /* the loop's: what it offered last was full */
    struct queue done, events;
    bool writer_stop, events_stop, refusing;
    struct links links;
    struct outgoing *out_head, *out_tail;
    int nout;
    struct submission *sub_head, *sub_tail;
    int64_t submit_alone; /* so many of the queue are stored one at a time */
    int nsubmitters;      /* threads inside lf_listener_submit */
    pthread_cond_t no_submitters;

    pthread_mutex_t spare_lock;
    struct queue spare;
    atomic_bool stopping, failing, abandon;
    atomic_llong count[N_COUNT];
    struct times commit_times, ack_times;
};

static inline void count_add(struct lf_listener *l, unsigned what, int64_t n)
{
    atomic_fetch_add_explicit(&l->count[what], n, memory_order_relaxed);
}
/* Of a counter that only the calling thread changes. */
static inline void count_own(struct lf_listener *l, unsigned what, int64_t n)
{
    int64_t now = atomic_load_explicit(&l->count[what], memory_order_relaxed);
    atomic_store_explicit(&l->count[what], now + n, memory_order_relaxed);
}
static inline void count_set(struct lf_listener *l, unsigned what, int64_t n)
{
    atomic_store_explicit(&l->count[what], n, memory_order_relaxed);
}

/* A time of microseconds into the histogram, which only one thread changes; a job into and out of a queue, whose lock the caller holds (take: NULL when it is empty). */
void times_add(struct times *t, int64_t us);
struct job *queue_take(struct queue *q);

/* conn.c: what the bytes of one device come to */
size_t conn_process(struct conn *c, const char *p, size_t n); /* bytes used; sets stalled when it had to stop before the end */
void conn_last_words(struct conn *c, lf_text rest);           /* what is left when the device has closed */
bool only_blanks(lf_text t);

/* door.c */
int door_make(struct lf_listener *l);   /* listens; 0 or libuv's error, and then there is nothing to close */
void door_open(struct lf_listener *l);  /* again, after it could not let anybody in for want of descriptors */
void door_close(struct lf_listener *l); /* nobody else is let in */
void peer_leave(struct lf_listener *l, struct peer *p);

/* socket.c: opening, reading, writing, closing */
bool conn_open(struct lf_listener *l, int fd, struct peer *peer); /* takes both over, unless it fails */
void conn_resume(struct conn *c);                                 /* after a stall */
void conn_send(struct conn *c, const char *p, size_t n);
void conn_answered(struct conn *c); /* closes it when nothing is left to be said after the device has closed its side */
void conn_close(struct conn *c);
void conn_stop_reading(struct conn *c);
struct conn *conn_find(struct lf_listener *l, uint64_t handle); /* NULL when it has gone */
void conn_sweep(struct lf_listener *l);                         /* closes the silent and the stuck */

/* listener.c */
bool road_has_room(struct lf_listener *l); /* for one packet more; makes room when it can, for which it may wait a little */
struct job *road_filling(struct lf_listener *l);
void road_offer(struct lf_listener *l);     /* to the writer, when it is idle and there is enough to begin with */
void road_judge_now(struct lf_listener *l); /* takes up the newest directory */

/* link.c: which station speaks over which connection */
struct link *link_seen(struct conn *c, lf_id station); /* a good packet of it came over c */
bool link_asked(struct lf_listener *l, const struct link *k, const struct hj212_packet *p);
void link_conn_gone(struct conn *c);
void link_recall(struct lf_listener *l, const struct lf_asked *asked, size_t n); /* before the loop runs */
void link_deliver(struct lf_listener *l);                                        /* frames that were given to lf_listener_send */
void link_free_all(struct lf_listener *l);

/* submit.c; with the lock held, which is let go while the store works */
void submit_store(struct lf_listener *l);
void submit_refuse_all(struct lf_listener *l);

/* writer.c */
void wait_until(struct timespec *t, int64_t ms);                   /* that long from now, for conditions of the listener */
void shield_batch(struct lf_listener *l, struct lf_tele_batch *b); /* before its commit; without the lock */
lf_rc commit_once(struct lf_listener *l, struct lf_tele_batch *b, struct lf_err *err);
bool comes_back(lf_rc rc);
void tell_store(struct lf_listener *l, const struct lf_err *err);
void tally(struct lf_listener *l, const struct lf_tele_batch *b);
void tell_events(struct lf_listener *l, struct job *j); /* with the lock held; may wait */
void *writer_main(void *listener);
void *events_main(void *listener);
#endif
