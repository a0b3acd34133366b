/* store.h - where readings go: one interface, so that another store can take the place of the SQL one.
 *
 * commit() is called by one thread at a time (the listener's writer); the reads may be called by any number of threads. */
#ifndef LF_TELE_STORE_H
#define LF_TELE_STORE_H
#include "base/out.h"
#include "db/db.h"
#include "tele/tele.h"

/* The newest reading of each factor and kind: kept by the commit, never searched for. */
struct lf_tele_latest {
    struct lf_tele_reading r; /* grid_code null */
    lf_ms received;
};
struct lf_tele_point {
    lf_ms at;
    double value, vmin, vmax;
    lf_text flag;
};
struct lf_tele_series {
    lf_id station;
    lf_text factor;
    enum lf_tele_kind kind;
    lf_ms from, to;    /* [from, to) */
    size_t max_points; /* more than that and each slice of time keeps its lowest and its highest point; 0 = 2000 */
};
struct lf_tele_stored_packet { /* one packet as evidence */
    lf_id id, station;
    lf_ms received, at;
    lf_text qn, cn, peer, note, raw; /* raw: as it came */
    int64_t readings;
};
struct lf_tele_stored_reject {
    lf_id id;
    lf_ms received;
    lf_text reason, mn, cn, peer, detail, raw;
    int64_t size;
};
/* A split message of which packets are missing. */
struct lf_tele_gap {
    lf_id station;
    lf_text cn;
    lf_ms at;
    int64_t pnum, have;
};
struct lf_tele_correction { /* what a value was before a later packet said otherwise */
    struct lf_tele_reading was;
    lf_ms replaced;
    lf_id by_packet;
};

struct lf_tele_store;
struct lf_tele_store_ops {
    /* All of the batch, durable, or nothing. Sets packet.duplicate and reading.fresh. A packet that is there already, and a
     * value that is there already, are no errors; a different value for the same (station, factor, kind, at) replaces the
     * earlier one, which is kept as a correction. Looks only at packets that are not marked failed.
     * LF_EDB, LF_EBUSY, LF_EIO: try again later. Anything else: this batch will never go in. */
    lf_rc (*commit)(struct lf_tele_store *, struct lf_tele_batch *, struct lf_err *);
    /* Results are in the arena. */
    lf_rc (*latest)(struct lf_tele_store *, struct lf_arena *, lf_id station, struct lf_tele_latest **, size_t *n, struct lf_err *);
    lf_rc (*series)(struct lf_tele_store *, struct lf_arena *, const struct lf_tele_series *, struct lf_tele_point **, size_t *n,
                    struct lf_err *);
    /* Every reading of one series in order of time, [from, to), not thinned (max_points is not looked at). `each` sees a reading
     * that lives until it returns (grid_code null) and returns false to stop, which is LF_OK too. It must not call the store. */
    lf_rc (*scan)(struct lf_tele_store *, const struct lf_tele_series *, bool (*each)(void *user, const struct lf_tele_reading *),
                  void *user, struct lf_err *);
    /* Newest first, ids below `before` (0 = from the newest), at most limit. station none: of all stations. */
    lf_rc (*packets)(struct lf_tele_store *, struct lf_arena *, lf_id station, lf_id before, int limit, struct lf_tele_stored_packet **,
                     size_t *n, struct lf_err *);
    /* Oldest first, ids above `after` (0 = from the oldest kept), at most limit, of all stations. Ids grow in the order of
     * commits and a packet that is committed later never gets a smaller one: who remembers the last id it has seen misses
     * nothing. Ids may have gaps. Duplicates are no packets of their own. */
    lf_rc (*packets_after)(struct lf_tele_store *, struct lf_arena *, lf_id after, int limit, struct lf_tele_stored_packet **, size_t *n,
                           struct lf_err *);
    lf_rc (*packet)(struct lf_tele_store *, struct lf_arena *, lf_id id, struct lf_tele_stored_packet *, struct lf_err *);
    lf_rc (*rejects)(struct lf_tele_store *, struct lf_arena *, bool quarantine, lf_id before, int limit, struct lf_tele_stored_reject **,
                     size_t *n, struct lf_err *);
    lf_rc (*gaps)(struct lf_tele_store *, struct lf_arena *, lf_id station, int limit, struct lf_tele_gap **, size_t *n, struct lf_err *);
    lf_rc (*corrections)(struct lf_tele_store *, struct lf_arena *, lf_id station, int limit, struct lf_tele_correction **, size_t *n,
                         struct lf_err *);
    void (*close)(struct lf_tele_store *);
};
struct lf_tele_store {
    const struct lf_tele_store_ops *ops;
};

/* The SQLite store. Give it a database of its own (telemetry.db), so that it never waits for the records' writer. The caller has applied
 * lf_tele_migrations to it and closes db after the store. */
extern const struct lf_migration lf_tele_migrations[];
extern const size_t lf_tele_migration_count;
lf_rc lf_tele_sql_open(struct lf_tele_store **out, struct lf_db *db, struct lf_err *err) LF_MUST_CHECK;
/* For how many days things are kept; 0: for ever. */
struct lf_tele_keep {
    int days[LF_TELE_KIND_COUNT], packets, refused, quarantine, corrections;
};
/* Removes what is older, in many small transactions while commits go on, at most some 200,000 rows a call. *removed: rows. */
lf_rc lf_tele_sql_keep(struct lf_tele_store *s, const struct lf_tele_keep *keep, int64_t *removed, struct lf_err *err) LF_MUST_CHECK;

/* The PostgreSQL store: connections of its own, tables tele_* in the first schema of the search path (doc/decisions/0003). The caller has
 * applied lf_tele_pg_migrations. Fails while another store has the same tables open for writing. */
extern const struct lf_migration lf_tele_pg_migrations[];
extern const size_t lf_tele_pg_migration_count;
#define LF_TELE_PG_MIGRATED "tele_migration" /* the table that remembers them, for lf_db_migrate_in */
struct lf_tele_pg_config {
    const char *url;
    struct lf_tele_keep keep; /* of readings and packets, whole months that ended longer ago are dropped, once an hour */
    /* Called from the store's thread when it begins to fail at moving or dropping (err), and when it works again (NULL). May be NULL. */
    void (*trouble)(void *user, const struct lf_err *err);
    void *user;
};
lf_rc lf_tele_pg_open(struct lf_tele_store **out, const struct lf_tele_pg_config *c, struct lf_err *err) LF_MUST_CHECK;
void lf_tele_pg_metrics(struct lf_tele_store *s, struct lf_out *o); /* as text for Prometheus, lanfan_telemetry_store_... */
/* Takes over what an SQLite store holds, with its packets' ids, in one transaction; before the store is opened. Nothing when that was done
 * already; LF_ECONFLICT when there is other telemetry. */
lf_rc lf_tele_pg_take(const char *url, struct lf_db *from, struct lf_err *err) LF_MUST_CHECK;

static inline void lf_tele_store_close(struct lf_tele_store *s)
{
    if (s)
        s->ops->close(s);
}

/* Min-max thinning, given points in order of time one after another (series.c). */
struct lf_tele_thin;
struct lf_tele_thin *lf_tele_thin_new(struct lf_arena *a, lf_ms from, lf_ms to, size_t max_points);
void lf_tele_thin_add(struct lf_tele_thin *t, const struct lf_tele_point *p); /* flag must live as long as the arena */
size_t lf_tele_thin_end(struct lf_tele_thin *t, struct lf_tele_point **out);
#endif
