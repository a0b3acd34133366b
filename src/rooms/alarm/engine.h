/* engine.h - what is known of every series in memory, and what readings change in it. No database here: keep.c loads what is known and
 * writes down what follows. One caller at a time. */
#ifndef LF_ROOMS_ALARM_ENGINE_H
#define LF_ROOMS_ALARM_ENGINE_H
#include "rooms/alarm/judge.h"
#include "rooms/alarm/parts.h"

/* What the records say: stations, limits, rules. Never changes; is replaced whole. */
struct known_station {
    int64_t id;
    lf_text name;
    enum station_kind kind;
    bool disabled;
};
struct known_limit { /* key of known.in_force[i] */
    int64_t station;
    lf_text factor;
    enum alarm_period period;
    lf_text basis;
};
struct known {
    struct lf_arena arena;
    struct known_station *station; /* by id */
    size_t nstation;
    struct known_limit *limit; /* by station, factor, period */
    struct judge_limit *in_force;
    size_t nlimit;
    struct rules rules;
};

enum watch {
    WATCH_EXCEED,
    WATCH_WARNING,
    WATCH_CONSTANT,
    WATCH_FAULTY,
    WATCH_SERIES,
    WATCH_CLOCK = WATCH_SERIES,
    WATCH_OFFLINE,
    WATCH_COUNT
};
enum alarm_type watch_type(enum watch w);
struct series;
struct place;
struct watched {
    struct judge_track t;
    double worst, limit;
    int64_t more; /* bad readings since the episode was written down */
    struct series *series;
    struct place *place;
    enum watch w;
    bool dirty, stored; /* differs from, is in the table alarm_watch */
};
struct series {
    int64_t station;
    lf_text factor;
    enum lf_tele_kind kind;
    unsigned known; /* generation of the pointers below */
    struct place *place;
    const struct rule *rule[WATCH_SERIES];
    struct {
        size_t first, n;
    } limit[2]; /* of the series' own period; of the mean that real-time values foretell */
    struct judge_run run;
    struct watched w[WATCH_SERIES];
};
struct place {
    int64_t station;
    unsigned known;
    const struct known_station *is; /* NULL: not known */
    const struct rule *clock_rule, *offline_rule;
    struct watched clock, offline;
    struct judge_clock ticks;
    lf_ms heard;      /* newest arrival */
    int64_t interval; /* ms, 0: not known yet */
};
/* How often the place reports, in ms; a usual interval until that is known. */
int64_t place_interval(const struct place *p);

/* What has to be written down. */
struct act {
    enum judge_says says; /* JUDGE_BEGIN or JUDGE_END */
    struct watched *of;
    const struct rule *rule; /* NULL: it ends because the rule or the limit is gone */
    double value, limit;
    bool converted, unconverted; /* value at reference oxygen; as measured although the limit is for the other */
    lf_ms at, since, received;
    lf_text basis; /* of the limit */
};

/* known.c. Wants no transaction open. */
lf_rc known_load(struct lf_ctx *cx, struct known **out) LF_MUST_CHECK;
void known_free(struct known *k);
/* Order of known.limit. */
int known_order(const struct known_limit *l, int64_t station, lf_text factor, enum alarm_period period);

struct engine;
struct engine *engine_new(void);
void engine_free(struct engine *e);
void engine_know(struct engine *e, struct known *k); /* takes it; frees the one before */
const struct known *engine_known(const struct engine *e);
bool engine_knows(const struct engine *e, lf_id station);
/* Judges readings that are fresh; acts in the arena, in order. */
size_t engine_judge(struct engine *e, struct lf_arena *a, const struct lf_tele_reading *r, size_t n, struct act **acts);
struct watched *engine_watched(struct engine *e, lf_id station, lf_text factor, enum lf_tele_kind kind, enum watch w); /* made when new */
void engine_touch(struct engine *e, struct watched *w); /* has to be written down */
bool engine_worth(const struct watched *w);             /* must it be remembered over a restart? */
/* What is dirty, and forgets that it was. Valid until the next call of the engine. */
bool engine_any_dirty(const struct engine *e);
size_t engine_dirty(struct engine *e, struct watched ***out);
/* Is the same condition going on in another period of that factor? Its episode is the same. */
bool engine_elsewhere(struct engine *e, const struct watched *w);
/* Somebody has closed the episode: the next bad readings begin a new one. */
void engine_forget(struct engine *e, lf_id station, lf_text factor, enum alarm_type type);
size_t engine_places(struct engine *e, struct place ***out);
#endif
