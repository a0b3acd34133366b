/* parts.h - inside the store of files: what commit, reads and the keeper share.
 *
 * Locks, in the order they are taken: commit_lock (one commit, or the freezing of the active table), then lock (memory and the
 * list of segments; held for writing only while a record is published or a sealed table is exchanged for its segments). Disk is
 * never waited for under `lock`: readers take a reference to the list and to journals, let go, and read. */
#ifndef LF_TELE_LOG_PARTS_H
#define LF_TELE_LOG_PARTS_H
#include "tele/log/mem.h"
#include "tele/log/store.h"

#include <pthread.h>

struct seglist { /* never changed once it is visible; rank rising */
    atomic_int users;
    size_t n;
    struct segment *seg[];
};
struct seglist *seglist_new(size_t room);
struct seglist *seglist_ref(struct seglist *l);
void seglist_unref(struct seglist *l);

/* What is valid in the folder. */
struct manifest {
    uint64_t journal_first, sealed_seq; /* journals from that number on hold what came after that sequence */
    uint64_t next_number, next_rank;    /* of files, of seals */
    uint64_t state, state_sum;          /* number of the state's file, 0: none; its checksum */
};
struct manifest_entry {
    uint64_t number, rank, size;
};
/* segments: those of the list, in its order. */
lf_rc manifest_write(struct lf_io *io, const char *dir, const struct manifest *m, const struct seglist *l,
                     struct lf_err *err) LF_MUST_CHECK;
/* LF_ENOTFOUND (without message) when there is none. Entries, and the whole as it was read (bytes, or NULL), are in the arena. */
lf_rc manifest_read(struct lf_io *io, const char *dir, struct lf_arena *a, struct manifest *m, struct manifest_entry **e, size_t *n,
                    lf_text *bytes, struct lf_err *err) LF_MUST_CHECK;
/* Whoever reads the folder of a store that may be running holds this lock meanwhile, or journals are written over under its eyes. -1
 * when it cannot be had; then what was read may have to be read again. Close it through io. */
int readers_lock(struct lf_io *io, const char *dir);
/* Names of files in the folder; each wants PATH_ROOM bytes. */
char *path_segment(char *to, const char *dir, uint64_t number);
char *path_journal(char *to, const char *dir, uint64_t number);
char *path_state(char *to, const char *dir, uint64_t number);
char *path_readers(char *to, const char *dir); /* the lock of those who read */
/* The number in a name of that kind ("seg-", "journal-", "state-"); false when it is none. */
bool name_number(const char *name, const char *kind, uint64_t *number);

enum { SPARES = 2, KEPT = 16 };
struct log_store {
    struct lf_tele_store base;
    struct lf_tele_log_config c;
    struct lf_io *io;
    char *dir;
    int lock_fd;
    struct files files; /* of segments */

    pthread_mutex_t commit_lock;
    struct journal *journal; /* the one that is written */
    uint64_t seq, next_journal, commits;
    struct lf_arena arena; /* of one commit */
    struct buf record;

    pthread_rwlock_t lock;
    struct mem mem;
    struct seglist *list;
    struct journal *spare[SPARES]; /* whose records are sealed, kept for their files */
    atomic_bool frozen;            /* the table that is not active waits to be sealed */

    /* The keeper: sealing, merging, retention; one at a time. */
    pthread_mutex_t keeper_lock;
    struct manifest manifest;
    int64_t lost_records, lost_files; /* written when it is opened only */
    lf_ms retained;                   /* when retention was looked at last */
    lf_ms sealed, sealed_before;      /* when it sealed last, and the time before */
    char *kept[KEPT];                 /* memory for bytes of journals, from one seal to the next while they come one after another */
    size_t nkept;
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    bool woken;
    atomic_bool stop, failing, sealing;
    atomic_llong seals, seal_failures, compactions, removed, reused, damaged, plain, last_seal_ms;
};
static inline struct log_store *log_of(struct lf_tele_store *s) { return (struct log_store *)s; }

/* commit.c */
lf_rc log_commit(struct lf_tele_store *s, struct lf_tele_batch *b, struct lf_err *err) LF_MUST_CHECK;
/* Makes the active table the frozen one, when that is free. Under commit_lock. */
lf_rc log_freeze(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;
lf_rc log_new_journal(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;
lf_rc log_make_ready(struct log_store *s, struct lf_err *err) LF_MUST_CHECK; /* a journal that can be written, memory not too full */
/* s->record, with room for its header: into the journal, synced, then into memory. */
lf_rc log_store_record(struct log_store *s, const struct hints *h, struct lf_err *err) LF_MUST_CHECK;
/* Parts of a record. begin_body returns the place of the length, for end_body. */
size_t begin_body(struct buf *b, int64_t station, int64_t id);
void end_body(struct buf *b, size_t from);
void put_reading(struct buf *b, const struct lf_tele_reading *r);
static inline struct memtable *active_table(struct log_store *s) { return &s->mem.table[s->mem.active]; }
static inline bool table_empty(const struct memtable *t) { return t->began == 0; }

/* look.c; a damaged place of a segment counts as not there. */
struct look;
struct look *look_new(struct lf_arena *a); /* for one commit; lives in the arena, but look_free it */
void look_free(struct look *k);
/* Is the packet in a segment? */
lf_rc look_packet(struct log_store *s, struct look *k, const struct lf_tele_packet *p, uint64_t print, bool *known,
                  struct lf_err *err) LF_MUST_CHECK;
/* The newest value of that time. */
lf_rc look_point(struct log_store *s, struct look *k, const struct series *sr, int64_t at, struct point *out, bool *found,
                 struct lf_err *err) LF_MUST_CHECK;

/* salvage.c: newest values, channels and next ids from the segments, when the state is damaged (parts of split messages are lost). */
void log_rebuild_state(struct log_store *s);
/* Seals what was salvaged and writes a manifest without what was not, so that the next opening finds nothing amiss. */
lf_rc log_settle(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;

/* read.c, read_records.c */
lf_rc log_latest(struct lf_tele_store *s, struct lf_arena *a, lf_id station, struct lf_tele_latest **out, size_t *n, struct lf_err *err);
lf_rc log_series(struct lf_tele_store *s, struct lf_arena *a, const struct lf_tele_series *q, struct lf_tele_point **out, size_t *n,
                 struct lf_err *err);
lf_rc log_scan(struct lf_tele_store *s, const struct lf_tele_series *q, bool (*each)(void *, const struct lf_tele_reading *), void *user,
               struct lf_err *err);
lf_rc log_gaps(struct lf_tele_store *s, struct lf_arena *a, lf_id station, int limit, struct lf_tele_gap **out, size_t *n,
               struct lf_err *err);
lf_rc log_packets(struct lf_tele_store *s, struct lf_arena *a, lf_id station, lf_id before, int limit, struct lf_tele_stored_packet **out,
                  size_t *n, struct lf_err *err);
lf_rc log_packets_after(struct lf_tele_store *s, struct lf_arena *a, lf_id after, int limit, struct lf_tele_stored_packet **out, size_t *n,
                        struct lf_err *err);
lf_rc log_packet(struct lf_tele_store *s, struct lf_arena *a, lf_id id, struct lf_tele_stored_packet *out, struct lf_err *err);
lf_rc log_rejects(struct lf_tele_store *s, struct lf_arena *a, bool quarantine, lf_id before, int limit, struct lf_tele_stored_reject **out,
                  size_t *n, struct lf_err *err);
lf_rc log_corrections(struct lf_tele_store *s, struct lf_arena *a, lf_id station, int limit, struct lf_tele_correction **out, size_t *n,
                      struct lf_err *err);
/* The body of a record in memory, copied into the arena; checked against its sum or fingerprint. */
lf_rc mrecord_body(const struct mrecord *r, struct journal *j, uint32_t cls, struct lf_arena *a, lf_text *body,
                   struct lf_err *err) LF_MUST_CHECK;

bool mrecord_good(const struct mrecord *r, uint32_t cls, lf_text body); /* does the body fit the sum or fingerprint? */

/* stats.c */
void stats_add(struct lf_tele_log_stats *o, const struct segment *g);

/* seal.c: the frozen table becomes segments. compact.c: merging and retention. keeper.c: when. Under keeper_lock. */
lf_rc log_write_state(struct log_store *s, struct manifest *m, struct lf_err *err) LF_MUST_CHECK; /* a new file, named in m */
lf_rc log_seal(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;
void log_let_go(struct log_store *s); /* of the memory that sealing kept */
/* At most one merge; in a hurry only when there are many. Seals, too, when a table waits for that. */
lf_rc log_compact(struct log_store *s, bool hurry, bool *did, struct lf_err *err) LF_MUST_CHECK;
lf_rc log_retain(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;
/* Writes the manifest for `list` and makes it the visible one (sealed: the frozen table is emptied with it). Takes over `list`. */
lf_rc log_exchange(struct log_store *s, const struct manifest *m, struct seglist *list, bool sealed, struct lf_err *err) LF_MUST_CHECK;
/* After a failure: removes new segments and the state of m, unless the manifest on the disk names them all the same (it was
 * renamed, but the folder could not be synced). */
void log_discard(struct log_store *s, const struct manifest *m, const uint64_t *made, size_t n);
uint64_t log_number(struct log_store *s); /* for a new file */
lf_rc keeper_start(struct log_store *s, struct lf_err *err) LF_MUST_CHECK;
void keeper_stop(struct log_store *s);
void keeper_wake(struct log_store *s);
#endif
