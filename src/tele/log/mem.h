/* mem.h - what the store holds in memory: every series with its newest value, every station, parts of split messages, and two
 * tables of what is not sealed yet: the active one, which commits fill, and the frozen one, which is being sealed.
 *
 * Only the committing thread changes it, under the store's lock for writing (mem_publish, mem_series); the keeper empties the
 * frozen table under the same lock. Readers hold it for reading. */
#ifndef LF_TELE_LOG_MEM_H
#define LF_TELE_LOG_MEM_H
#include "tele/log/body.h"
#include "tele/log/journal.h"
#include "tele/log/records.h"

static inline struct point point_of(const struct mpoint *p)
{
    const double *more = p->more;
    if (!more)
        return (struct point){ .at = p->at, .col = { p->value, NAN, NAN, NAN, NAN }, .flag = p->flag };
    return (struct point){ .at = p->at, .col = { p->value, more[0], more[1], more[2], more[3] }, .flag = p->flag };
}
/* Points of one series by time, those of equal times in the order they came; what came a little late is moved to its place, so the
 * whole is nearly always in order. A later run holds what came later. */
struct run {
    struct run *next;
    uint32_t n, cap; /* n >= 1 once a point was put into it */
    struct mpoint p[];
};
static inline int64_t run_first(const struct run *r) { return r->p[0].at; }
static inline int64_t run_last(const struct run *r) { return r->p[r->n - 1].at; }
struct in_table { /* of a series */
    struct run *head, *tail;
    size_t n;
    int64_t before; /* the latest time in the runs before the tail; says nothing while there are none */
    bool unsorted;  /* the runs one after another are not strictly rising */
};
struct series {
    struct series *chain, *of_station;
    struct series *guess; /* the one that came after this one last time */
    struct station *station;
    lf_text factor;
    uint64_t hash;
    enum lf_tele_kind kind;
    bool known; /* latest and received are set */
    struct point latest;
    lf_ms received;
    struct in_table mem[2];
    uint64_t commit; /* the commit that looks at it now, and its newest time in there */
    int64_t newest;
};
struct channel { /* a station's packets of one command: is one old? */
    struct station *station;
    struct channel *next;
    int64_t newest;
    lf_text cn;
};
enum { STATION_SERIES_MAX = 20000 }; /* a device that makes up factors without end must not fill the memory */
struct station {
    struct station *chain;
    int64_t id;
    struct series *series;
    uint32_t nseries;
    struct channel *channel;
    uint32_t last[2][RECORD_CLASSES]; /* index + 1 of its newest record in each table */
};
struct part { /* a split message */
    struct part *chain;
    int64_t station, at, pnum;
    lf_ms heard;
    lf_text cn;
    uint32_t have, size; /* bits */
    uint8_t *bit;
};
struct mrecord {
    int64_t station, id, when;
    uint64_t print;              /* of a packet its fingerprint, else the sum of its body */
    uint64_t at;                 /* of its body in the journal */
    uint32_t n, journal, before; /* before: index + 1 of the station's record before it */
};
struct memtable {
    struct lf_arena arena;
    struct mrecord *rec[RECORD_CLASSES];
    size_t nrec[RECORD_CLASSES], cap_rec[RECORD_CLASSES];
    uint32_t *print; /* hash of the first nprint packets: index + 1; the committing thread's alone */
    size_t print_mask, nprint, npoint;
    struct journal **journal;
    uint32_t njournal;
    uint64_t bytes, last_seq, journal_end; /* journal_end: all journals below it belong to this table or older ones */
    int64_t began;                         /* lf_now().ms of its first record; 0: empty */
};
struct mem {
    struct lf_arena arena; /* the registry lives as long as the store */
    struct series **series;
    struct station **station;
    struct part **part;
    size_t series_mask, nseries, station_mask, nstation, part_mask, npart;
    struct memtable table[2];
    int active;
    int64_t next_id[RECORD_CLASSES];
};

void mem_init(struct mem *m);
void mem_free(struct mem *m);
uint64_t series_hash(int64_t station, enum lf_tele_kind kind, lf_text factor);
struct series *mem_find_series(const struct mem *m, int64_t station, enum lf_tele_kind kind, lf_text factor); /* or NULL */
struct series *mem_series(struct mem *m, int64_t station, enum lf_tele_kind kind, lf_text factor);            /* made if need be */
struct station *mem_find_station(const struct mem *m, int64_t id);
struct station *mem_station(struct mem *m, int64_t id);
struct channel *mem_channel(struct mem *m, struct station *s, lf_text cn, bool make);
bool mem_has_print(struct memtable *t, uint64_t print); /* for the committing thread */
/* The newest value of this time in one of the tables; the active one first. */
bool mem_find_point(const struct mem *m, const struct series *s, int64_t at, struct point *out);
/* The points of a series in one table within [from, to), rising, each time once (the newest of it); lf_release it. */
struct point *mem_points(const struct series *s, int table, int64_t from, int64_t to, size_t *n);
void mem_latest(struct series *s, const struct point *p, lf_ms received);
void mem_part(struct mem *m, int64_t station, const struct packet_body *b, lf_ms heard);
void mem_parts_tidy(struct mem *m, lf_ms now); /* forgets complete ones after two days, and the oldest beyond a bound */

/* Takes a record of the journal (its body) into the active table. Hints, or NULL: what the commit that wrote it knows of its packets
 * and readings, in order. False when it is not well-formed: then it may be in by half. */
struct packet_hint {
    const struct lf_tele_packet *packet;
    struct channel *channel; /* NULL: to be looked for */
    uint64_t print;
};
struct hints {
    struct series **series;
    const struct packet_hint *packet;
};
bool mem_publish(struct mem *m, struct journal *j, lf_text body, uint64_t at, const struct hints *h) LF_MUST_CHECK;
struct memtable mem_detach(struct mem *m, int table); /* the table is empty again; what it held is the caller's to free */
void memtable_free(struct memtable *t);               /* its journals are let go */

/* The state that segments do not tell: newest values, channels, parts, next ids. */
void mem_state_put(const struct mem *m, struct buf *b);
bool mem_state_get(struct mem *m, lf_text bytes) LF_MUST_CHECK;
#endif
