/* road.h - inside the listener: what its files share. Not for others. */
#ifndef LF_TELE_ROAD_H
#define LF_TELE_ROAD_H
#include "tele/admit.h"
#include "tele/listener.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    CONN_OUT = 16 * 1024,   /* answers that wait for a client that reads slowly */
    CONN_OUTSTANDING = 64,  /* packets of one connection on their way to the disk; then its socket is not read */
    BATCH_BYTES = 16 << 20, /* memory of one batch; then nothing is read */
    EVENT_QUEUE = 64,       /* batches that wait for the events thread; then the writer waits */
    BOUND_SLOTS = 4096,
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
    N_REFUSED,
    N_COUNT = N_REFUSED + LF_TELE_WHY_COUNT
};

/* A batch on its way: filled by the loop, committed by the writer, then read by the loop (answers) and the events thread. */
struct job {
    struct lf_tele_batch b;
    struct job *next[2]; /* in the queue of that link */
    atomic_int users;
    bool stored;
};
void job_unref(struct job *j);

/* Evidence per address and hour. Addresses that share a slot share its bound: fewer pieces are kept, never more. */
struct bound {
    int64_t hour;
    int all;
    uint16_t slot[BOUND_SLOTS];
};
bool bound_allows(struct bound *b, lf_ms now, lf_text who, int each, int all);

struct conn {
    uv_tcp_t tcp;
    uv_write_t write;
    struct lf_listener *l;
    uint64_t handle; /* slot and generation: what an answer remembers of its connection */
    char peer[64];
    uint64_t last, write_began; /* uv_now */
    int outstanding;
    bool stalled, closing, eof, good, writing, reading;
    size_t held, out_n, out_flight;
    char in[HJ212_BUFFER_MAX];
    char out[CONN_OUT];
};

struct queue {
    struct job *head, *tail;
    int n, link; /* link: which `next` this queue uses */
};

struct lf_listener {
    struct lf_listener_config c;
    char *host;
    uint16_t port;
    uv_loop_t loop;
    uv_tcp_t server;
    uv_async_t wake;
    uv_check_t check;
    uv_timer_t sweep, wait;
    struct conn **slot;
    uint32_t *generation, *free_slot;
    uint32_t nfree;
    struct job *filling;
    struct lf_directory *judging; /* the loop's use of the directory while it reads */
    struct bound bound;
    uint64_t stop_at; /* uv_now when closing began; 0 = running */
    bool busy, closed;
    pthread_t loop_thread, writer_thread, events_thread;

    pthread_mutex_t lock; /* all below, to the counters */
    pthread_cond_t to_writer, to_events, from_events;
    struct lf_directory *directory;
    struct job *next;
    struct queue done, events;
    bool writer_stop, events_stop;

    atomic_bool stopping, failing, abandon;
    atomic_llong count[N_COUNT];
};

static inline void count_add(struct lf_listener *l, unsigned what, int64_t n)
{
    atomic_fetch_add_explicit(&l->count[what], n, memory_order_relaxed);
}
static inline void count_set(struct lf_listener *l, unsigned what, int64_t n)
{
    atomic_store_explicit(&l->count[what], n, memory_order_relaxed);
}

void queue_put(struct queue *q, struct job *j);
struct job *queue_take(struct queue *q);

/* conn.c: one device */
void conn_open(struct lf_listener *l, uv_stream_t *server);
void conn_resume(struct conn *c); /* after a stall */
void conn_send(struct conn *c, lf_text answer);
void conn_close(struct conn *c);
void conn_stop_reading(struct conn *c);
struct conn *conn_find(struct lf_listener *l, uint64_t handle); /* NULL when it has gone */

/* listener.c */
bool road_full(const struct lf_listener *l); /* no packet can be taken now */
struct job *road_filling(struct lf_listener *l);
void road_judge_now(struct lf_listener *l); /* takes up the newest directory */

/* writer.c */
void *writer_main(void *listener);
void *events_main(void *listener);
#endif
