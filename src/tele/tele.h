/* tele.h - the words of telemetry: what a packet becomes on its road frame -> decode -> check -> batch -> one durable
 * commit -> acknowledge. Everything in a batch lives in the batch's arena. */
#ifndef LF_TELE_TELE_H
#define LF_TELE_TELE_H
#include "base/arena.h"
#include "base/clock.h"
#include "hj212/hj212.h"

/* The first four are what devices send; the last two are computed here from shorter values (room review), beside what a device claims. */
enum lf_tele_kind { LF_TELE_RTD, LF_TELE_MIN, LF_TELE_HOUR, LF_TELE_DAY, LF_TELE_HOUR_CALC, LF_TELE_DAY_CALC, LF_TELE_KIND_COUNT };
const char *lf_tele_kind_name(enum lf_tele_kind k); /* "rtd", "min", "hour", "day", "hour_calc", "day_calc": also in the tables */
bool lf_tele_kind_parse(lf_text name, enum lf_tele_kind *out);

/* Why something was refused or put in quarantine: the reasons of the codec, then ours. The index of a counter. */
enum lf_tele_why {
    LF_TELE_GOOD = HJ212_GOOD,
    LF_TELE_PASSWORD = HJ212_WHY_COUNT, /* PW is not the station's */
    LF_TELE_UNKNOWN_MN,                 /* no station has this MN: quarantine */
    LF_TELE_DISABLED,                   /* the station is switched off: quarantine */
    LF_TELE_TIME,                       /* DataTime in the future, or too long ago: quarantine */
    LF_TELE_COMMAND,                    /* CN that a device does not send: quarantine */
    LF_TELE_PLAIN,                      /* the station has a key, and this was not encrypted */
    LF_TELE_STORE,                      /* the store refuses this packet for ever (a fault of ours): kept as evidence */
    LF_TELE_WHY_COUNT
};
const char *lf_tele_why_name(enum lf_tele_why w);
const char *lf_tele_why_text(enum lf_tele_why w); /* "中文 | English" */

/* One value of one factor. at: DataTime; for minute, hour and day the START of the period (HJ 212-2017 table 4). */
struct lf_tele_reading {
    lf_id station;
    lf_text grid_code;
    lf_text factor; /* code of 2017 where the code that was sent is known, else as it was sent */
    enum lf_tele_kind kind;
    lf_ms at;
    double value;      /* Rtd or Avg; NaN when the device sent none or no number */
    double vmin, vmax; /* Min, Max */
    double cou;        /* Cou: load or volume within the period */
    double zs;         /* ZsRtd or ZsAvg: converted to reference oxygen */
    lf_text flag;      /* data flag letter as sent; null when absent */
    bool fresh;        /* set by the commit: this value is new, or corrects an earlier one */
    bool ours;         /* computed or decided here, not sent by a device: no sign of life */
    int64_t packet;    /* set by the commit: id of its packet in the store; 0 when it is not stored */
    lf_ms received;    /* set by the commit: when its packet came */
};

/* CN of packets that the program makes itself, of what it has computed or people have decided. */
#define LF_TELE_CN_OURS LF_TEXT("calc")

struct lf_tele_packet {
    lf_id station;
    lf_text grid_code, peer, raw;
    lf_text qn, st, cn; /* "" when absent */
    lf_text note;       /* what was forgiven ("crc_modbus"); "" when nothing */
    lf_ms received, at; /* at: DataTime; ms == 0 when the command has none */
    int pnum, pno;      /* 0 when not split */
    size_t first, n;    /* its readings: batch->reading[first .. first + n) */
    bool duplicate;     /* set by the commit: this very packet is there already */
    bool failed;        /* set by the writer: not stored, must not be acknowledged */
};

/* What was not taken, kept as evidence. quarantine: from somebody unknown, or not believable; else it was broken. */
struct lf_tele_reject {
    lf_id station; /* none when not known */
    lf_ms received;
    lf_text peer, mn, cn, detail, raw; /* "" when not known; raw is cut to what may be kept */
    uint32_t size;                     /* of the whole before it was cut */
    enum lf_tele_why why;
    bool quarantine;
};

/* What to tell whom when the batch is durable. packet: index, or -1 for a quarantined one. */
struct lf_tele_ack {
    uint64_t conn;
    lf_text answer; /* empty: nothing was asked for */
    int64_t packet;
    uint64_t since; /* the listener's own: when the packet was read, ns */
    uint32_t next;  /* the listener's own: index + 1 of the next one to the same connection */
};

/* A reading that was kept out of the store because people have decided about its value (shield.h). */
struct lf_tele_held {
    struct lf_tele_reading r;
    size_t packet; /* index of its packet in the batch */
    lf_id by;      /* the decision */
};

struct lf_tele_batch {
    struct lf_arena arena;
    lf_text last[2]; /* lf_tele_once */
    struct lf_tele_packet *packet;
    struct lf_tele_reading *reading;
    struct lf_tele_reject *reject;
    struct lf_tele_ack *ack;
    struct lf_tele_held *held;
    size_t npacket, nreading, nreject, nack, nheld;
    size_t corrected; /* set by the commit: readings that replaced an earlier, different value */
    size_t cap_packet, cap_reading, cap_reject, cap_ack, cap_held;
};
/* Each returns the new, zeroed element, valid until the next call of the same function. */
struct lf_tele_packet *lf_tele_add_packet(struct lf_tele_batch *b);
struct lf_tele_reading *lf_tele_add_reading(struct lf_tele_batch *b);
/* n like that, one behind the other; the first of them. */
struct lf_tele_reading *lf_tele_put_readings(struct lf_tele_batch *b, const struct lf_tele_reading *like, size_t n);
struct lf_tele_reject *lf_tele_add_reject(struct lf_tele_batch *b);
struct lf_tele_ack *lf_tele_add_ack(struct lf_tele_batch *b);
struct lf_tele_held *lf_tele_add_held(struct lf_tele_batch *b);
/* A copy in the batch's arena of what many packets one after another share; which: the peer, or the grid code. */
enum lf_tele_shared { LF_TELE_PEER, LF_TELE_GRID };
lf_text lf_tele_once(struct lf_tele_batch *b, enum lf_tele_shared which, lf_text t);
void lf_tele_batch_reset(struct lf_tele_batch *b); /* empty, with its memory kept for the next use */
void lf_tele_batch_free(struct lf_tele_batch *b);  /* what it holds, not itself */
#endif
