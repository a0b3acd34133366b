/* store_pg.h - shared by the parts of the PostgreSQL store (doc/decisions/0003).
 *
 * A commit appends to one of two pairs of arriving tables ("slots"); the mover, a thread, moves the other pair into the tables by kind
 * and month. What is the newest of each channel is kept in memory, read from the database whenever the writer connects. */
#ifndef LF_TELE_STORE_PG_H
#define LF_TELE_STORE_PG_H
#include "tele/store.h"

#include <libpq-fe.h>
#include <pthread.h>

/* ---- what is known (store_pg_map.c) ---------------------------------------------------------------- */

enum { PG_FLAG_MAX = 15 };
struct pg_known { /* the values of a reading, without its key */
    int64_t at, packet, received;
    double value, vmin, vmax, cou, zs;
    char flag[PG_FLAG_MAX];
    int8_t nflag; /* -1: no flag */
};
struct pg_key {
    int64_t station;
    lf_text name;
    int64_t kind, at;
};
struct pg_entry {
    struct pg_key key;
    struct pg_known known;
    uint32_t before; /* another entry of the same station, + 1; kept by who wants it */
    uint32_t batch;  /* in which a reading of this channel was met last, and its time: the commit's */
    int64_t batch_at;
};
struct pg_map {
    uint32_t *slot; /* index of the entry + 1, 0 free */
    uint32_t nslot, n, cap;
    struct pg_entry *e;
};
struct pg_entry *pg_map_find(const struct pg_map *m, const struct pg_key *k); /* NULL when it is not there */
/* The entry, made when it is not there; key.name is copied into names, or kept as it is when that is NULL. */
struct pg_entry *pg_map_put(struct pg_map *m, const struct pg_key *k, struct lf_arena *names, bool *made);
void pg_map_clear(struct pg_map *m); /* empty, with its memory kept */
void pg_map_free(struct pg_map *m);

/* The newest reading of each channel and the newest DataTime of each command. */
struct pg_state {
    struct lf_arena names;
    struct pg_map channel; /* station, factor, kind */
    struct pg_map mark;    /* station, cn: known.at */
    struct pg_map station; /* station: `before` begins its chain of channels */
    int64_t last_packet;
};
void pg_known_newer(struct pg_known *was, const struct pg_known *k); /* *was becomes *k, unless that is older */
void pg_state_channel(struct pg_state *s, const struct pg_key *channel, const struct pg_known *k); /* when it is not older */
void pg_state_mark(struct pg_state *s, int64_t station, lf_text cn, int64_t at);
void pg_state_free(struct pg_state *s);

/* ---- connections (store_pg_conn.c) ------------------------------------------------------------------ */

/* Sets err, from the result or the connection. LF_EDB for whatever may pass (gone, full, busy, read-only); LF_EINVAL when the data
 * are to blame. Clears r. */
lf_rc pg_fail(PGconn *c, PGresult *r, struct lf_err *err);
lf_rc pg_connect(const char *url, PGconn **out, struct lf_err *err) LF_MUST_CHECK;
lf_rc pg_run(PGconn *c, const char *sql, struct lf_err *err) LF_MUST_CHECK; /* several statements, without parameters or result */
/* One statement with text parameters; the columns of *out are binary. */
lf_rc pg_ask(PGconn *c, const char *sql, const char *const *params, int n, PGresult **out, struct lf_err *err) LF_MUST_CHECK;
int64_t pg_int(const PGresult *r, int row, int col);  /* int2, int4, int8; 0 when null */
double pg_real(const PGresult *r, int row, int col);  /* NaN when null */
lf_text pg_text(const PGresult *r, int row, int col); /* lives as long as r; null when null */
void pg_known_flag(struct pg_known *k, lf_text flag);
/* From five columns of values and one of the flag; at, packet and received are left 0. */
struct pg_known pg_known_of(const PGresult *r, int row, int values, int flag);

/* ---- COPY in binary (store_pg_copy.c) ----------------------------------------------------------------- */

struct pg_copy {
    char *p;
    size_t n, cap;
};
void pg_copy_begin(struct pg_copy *c);
void pg_copy_row(struct pg_copy *c, int columns);
void pg_copy_int(struct pg_copy *c, int64_t v);
void pg_copy_small(struct pg_copy *c, int v);
void pg_copy_real(struct pg_copy *c, double v);  /* NaN: null */
void pg_copy_text(struct pg_copy *c, lf_text t); /* text and bytea; p NULL: empty */
void pg_copy_null(struct pg_copy *c);
void pg_copy_end(struct pg_copy *c);
/* After the server has said COPY IN: what there is so far; that and the end. */
lf_rc pg_copy_flush(PGconn *h, struct pg_copy *c, struct lf_err *err) LF_MUST_CHECK;
lf_rc pg_copy_send(PGconn *h, struct pg_copy *c, struct lf_err *err) LF_MUST_CHECK;

/* ---- the store ----------------------------------------------------------------------------------------- */

enum { PG_READERS = 4, PG_SLOTS = 2 };
#define PG_VALUES "value, vmin, vmax, cou, zs"
#define PG_PACKET "id, station_id, received, at, pnum, pno, digest, readings, qn, st, cn, peer, note, raw"
#define PG_REJECT "received, reason, detail, station_id, mn, cn, peer, size, raw"
#define PG_READING "station_id, at, packet_id, " PG_VALUES ", factor, flag"

/* What one commit works with; the memory is kept for the next (store_pg_plan.c). */
struct pg_plan {
    struct pg_map print; /* packets of the batch: station, qn, pno, digest */
    struct pg_map value; /* readings that were looked up, or decided where a key comes twice: station, factor, kind, at */
    bool mapped;         /* every reading decided so far is in `value` */
    bool citus;          /* the database has it: another form of look-ups */
    struct lf_arena arena;
    int64_t *id, *digest; /* of packet i; id 0: not to be stored */
    uint32_t *channel;    /* of reading i in state.channel, + 1 */
    uint32_t batch;
    int64_t last; /* the last id given out */
    int64_t now;
    size_t packets, readings; /* rows that were sent */
    struct pg_copy out, was;
};
/* Decides which packets are new and looks up what might be there. Marks duplicates; gives ids. */
lf_rc pg_plan(struct pg_plan *p, const struct pg_state *state, PGconn *c, struct lf_tele_batch *b, struct lf_err *err) LF_MUST_CHECK;
/* The rows, each when the server has said COPY IN for its table; readings are decided (fresh, corrected) while they are sent, so that
 * the server works meanwhile. */
lf_rc pg_send_packets(struct pg_plan *p, const struct lf_tele_batch *b, PGconn *c, struct lf_err *err) LF_MUST_CHECK;
lf_rc pg_send_readings(struct pg_plan *p, struct pg_state *state, struct lf_tele_batch *b, PGconn *c, struct lf_err *err) LF_MUST_CHECK;
lf_rc pg_send_was(struct pg_plan *p, PGconn *c, struct lf_err *err) LF_MUST_CHECK; /* after the readings */
lf_rc pg_send_rejects(struct pg_plan *p, const struct lf_tele_batch *b, bool quarantine, PGconn *c, struct lf_err *err) LF_MUST_CHECK;
void pg_plan_keep(const struct pg_plan *p, struct pg_state *state, const struct lf_tele_batch *b); /* after the commit */
void pg_plan_clear(struct pg_plan *p);
void pg_plan_free(struct pg_plan *p);

/* What of the batch is in the database (store_pg_look.c). citus: the tables may be distributed. */
struct pg_asked_packet {
    struct lf_tele_packet *p;
    int64_t digest;
};
lf_rc pg_look_packets(PGconn *c, bool citus, const struct pg_asked_packet *a, size_t n,
                      struct lf_err *err) LF_MUST_CHECK; /* marks the duplicates */
/* Puts what is there of these readings, all of one kind, into the map. */
lf_rc pg_look_readings(PGconn *c, bool citus, struct lf_tele_reading *const *r, size_t n, struct pg_map *into,
                       struct lf_err *err) LF_MUST_CHECK;

/* Citus (store_pg_citus.c): is it in this database; waits until every node knows of every commit, LF_EDB when that takes long; *warned
 * becomes true with a warning, which is all that tells of nodes that did not hear of a commit. */
lf_rc pg_citus_there(PGconn *c, bool *there, struct lf_err *err) LF_MUST_CHECK;
lf_rc pg_citus_settle(PGconn *c, struct lf_err *err) LF_MUST_CHECK;
void pg_citus_listen(PGconn *c, bool *warned);

struct pg_store {
    struct lf_tele_store base;
    char *url;
    struct lf_tele_keep keep;
    void (*trouble)(void *user, const struct lf_err *err);
    void *user;

    /* The committing thread's own. */
    PGconn *writer;
    struct pg_plan plan;
    uint64_t batches, born; /* name of each batch: a random number of this store, and how many there were */
    char doubt[40];         /* name of the batch whose COMMIT was sent and not answered; "" none */
    uint64_t doubt_print;   /* of the batch that was in it */
    bool doubt_done;        /* it did commit */
    bool warned;            /* a statement did, since this was set to false */

    pthread_mutex_t writing; /* held for a commit's COPY: who holds it may change `active` */
    int active;
    int64_t waiting[PG_SLOTS]; /* rows in each slot */
    bool unsettled;            /* a node of a cluster may not know of a commit: nothing is moved until the writer has connected again */

    pthread_mutex_t know; /* state */
    struct pg_state state;

    /* The mover. moving is taken before writing. */
    pthread_mutex_t moving;
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    pthread_t mover;
    bool started, stop;

    pthread_mutex_t pool;
    pthread_cond_t freed;
    PGconn *reader[PG_READERS];
    bool busy[PG_READERS];

    bool troubled, move_warned; /* the mover's own */
    int64_t kept_at;            /* when what is too old was removed last */

    _Atomic int64_t moved, moves, move_failures, dropped; /* rows; transactions; months */
};

lf_rc pg_commit(struct lf_tele_store *s, struct lf_tele_batch *b, struct lf_err *err) LF_MUST_CHECK; /* store_pg_commit.c */

/* A writer that is connected, alone, and knows what the database knows (store_pg.c). */
lf_rc pg_writer(struct pg_store *s, struct lf_err *err) LF_MUST_CHECK;

/* Moves the slot over this connection, in one transaction; the slot must not be written to (store_pg_move.c). */
lf_rc pg_move(struct pg_store *s, PGconn *c, int slot, struct lf_err *err) LF_MUST_CHECK;
void *pg_mover_main(void *store);
/* Removes what is too old (store_pg_keep.c). */
lf_rc pg_keep(struct pg_store *s, PGconn *c, struct lf_err *err) LF_MUST_CHECK;

/* Runs a query on a connection of the pool, text parameters, binary columns; `row` sees each row and returns false to stop. Once more on
 * a new connection when the old one turns out to be dead before the first row. (store_pg_read.c) */
struct pg_query {
    const char *sql;
    const char *const *params;
    int n;
    bool stream; /* row by row, in constant memory */
    bool (*row)(void *user, const PGresult *r, int row);
    void *user;
};
lf_rc pg_query(struct pg_store *s, const struct pg_query *q, struct lf_err *err) LF_MUST_CHECK;

extern const struct lf_tele_store_ops lf_tele_pg_ops; /* store_pg_ops.c */
void pg_close(struct lf_tele_store *s);
#endif
