/* store.h - the telemetry store in files of its own: what other folders may use.
 *
 * A folder of its own with: a journal (a commit is durable when its record is), segments (sealed, compressed, by class and month),
 * a state (newest values, parts of split messages) and a manifest that names what is valid. One process writes it at a time. */
#ifndef LF_TELE_LOG_STORE_H
#define LF_TELE_LOG_STORE_H
#include "base/out.h"
#include "tele/log/io.h"
#include "tele/log/segment.h"
#include "tele/store.h"

struct lf_tele_log_config {
    const char *dir;  /* created when it is not there; its parent must be */
    struct lf_io *io; /* NULL: the real one */
    uint64_t seal_bytes,
        max_bytes;              /* of the journal: from when it is sealed, and where commits wait for that. 0: 64 MB, 8 times the first */
    int64_t seal_ms;            /* sealed at that age too. 0: an hour */
    uint64_t reserve;           /* room on the disk that is taken ahead for the journal. 0: 8 MB */
    size_t open_files;          /* segments that stay open. 0: 128; beside them each thread that reads may have one more */
    int keep_days[CLASS_COUNT]; /* whole months that ended longer ago are removed. 0: kept for ever */
    bool by_hand;               /* tests: no thread of its own, lf_tele_log_work does it */
    bool salvage;               /* what is damaged is left out, and gone for good; stats tell how much. Copy the folder before */
    /* Called from the store's thread when sealing begins to fail (err), and when it works again (NULL). */
    void (*trouble)(void *user, const struct lf_err *err);
    void *user;
};

/* LF_EIO: cannot be read or is damaged (then nothing has been changed). LF_ECONFLICT: another process has it open. */
lf_rc lf_tele_log_open(struct lf_tele_store **out, const struct lf_tele_log_config *c, struct lf_err *err) LF_MUST_CHECK;

/* Seals all that was committed so far (in the calling thread), merges small segments, removes what is too old. */
lf_rc lf_tele_log_work(struct lf_tele_store *s, struct lf_err *err) LF_MUST_CHECK;

/* What another store held, to be taken over as it is: nothing is decided about it. Rows keep the ids that they had. They must come in
 * rising order: ids of a class above all that are there (lf_tele_log_next_ids), readings of a series later than its newest
 * (lf_tele_log_newest); so who was interrupted asks, and goes on from there. */
struct lf_tele_rows {
    lf_ms heard; /* when they came: of the newest value of a series, when it was received */
    struct lf_tele_packet *packet;
    struct lf_tele_reject *reject;
    struct lf_tele_correction *correction;
    struct lf_tele_reading *reading; /* of no packet in particular */
    int64_t *packet_id, *reject_id, *correction_id;
    size_t npacket, nreject, ncorrection, nreading;
};
/* Durable, all or nothing. LF_EBUSY: memory is full; lf_tele_log_work, then again. Nobody else commits meanwhile. */
lf_rc lf_tele_log_take(struct lf_tele_store *s, const struct lf_tele_rows *r, struct lf_err *err) LF_MUST_CHECK;
void lf_tele_log_next_ids(struct lf_tele_store *s, int64_t next[RECORD_CLASSES]);              /* by class - CLASS_RECORDS */
bool lf_tele_log_newest(struct lf_tele_store *s, const struct lf_tele_reading *of, lf_ms *at); /* false: none of its series */

struct lf_tele_log_stats {
    struct {
        int64_t segments, bytes, entries; /* points or records; oldest, newest: months as in segment.h, 0 when none */
        int32_t oldest, newest;
    } cls[CLASS_COUNT];
    int64_t journals, journal_bytes; /* not sealed yet */
    int64_t memory_points, memory_records, series;
    int64_t seals, seal_failures, compactions, removed; /* since it was opened; removed: segments that were too old */
    int64_t reused;                                     /* journals that were written over an old one's file */
    int64_t damaged;                                    /* places found damaged while committing, that were passed over */
    int64_t plain; /* chunks of packets kept whole, because what was made of them did not come back as it was: a fault of ours */
    int64_t last_seal_ms;
    int64_t lost_records, lost_files; /* salvage: commits of the journal, and whole files */
    int64_t open_segments;            /* files */
    bool sealing;
};
void lf_tele_log_stats(struct lf_tele_store *s, struct lf_tele_log_stats *out);
void lf_tele_log_metrics(struct lf_tele_store *s, struct lf_out *o); /* the same as text for Prometheus, lanfan_telemetry_store_... */

/* A consistent copy of the folder while another process writes it: what was committed when it began, and perhaps more. to: a new
 * folder, made here. LF_ENOTFOUND (without a message): from is no store. */
lf_rc lf_tele_log_copy(const char *from, const char *to, struct lf_err *err) LF_MUST_CHECK;

/* Reads the folder without changing it, also while another process writes it. whole: every byte that counts, against its sum and its
 * meaning; else only what each file says of itself. say (or NULL): called for every file that is damaged or missing, *bad of them.
 * Fills the part of *out that files tell. LF_ENOTFOUND (without a message): no store. */
lf_rc lf_tele_log_check(const char *dir, struct lf_io *io, bool whole, void (*say)(void *user, const char *what), void *user,
                        struct lf_tele_log_stats *out, int64_t *bad, struct lf_err *err) LF_MUST_CHECK;
bool lf_tele_log_is_store(const char *dir); /* a folder with a manifest */
bool lf_tele_log_class_parse(lf_text name, uint32_t *cls);
const char *lf_tele_log_class(uint32_t cls); /* "rtd" ... "day_calc", "packet", "refused", "quarantine", "correction" */
#endif
