/* directory.h - who may send: a snapshot of the stations, made by the app whenever one changes, and swapped into the
 * listener without a restart. A snapshot never changes; it is freed when its last user lets it go. Any thread. */
#ifndef LF_TELE_DIRECTORY_H
#define LF_TELE_DIRECTORY_H
#include "hj212/hj212.h"

/* A channel whose unit is not that of the code table: every value (not Cou) is multiplied. unit: what it is in then; null = that of the
 * table. */
struct lf_tele_scale {
    lf_text factor;
    double times;
    lf_text unit;
};
/* What somebody may forgive a station, one bit each; none by default. Each use is counted and noted on the packet. */
enum lf_tele_tolerate {
    LF_TOLERATE_MODBUS = HJ212_NEEDS_MODBUS,
    LF_TOLERATE_LENGTH = HJ212_NEEDS_LENGTH,
    LF_TOLERATE_TAIL = HJ212_NEEDS_TAIL,
    LF_TOLERATE_PW = 1 << 3,    /* PW is missing or another */
    LF_TOLERATE_PLAIN = 1 << 4, /* a station with a key sends without encryption (2025) */
    LF_TOLERATE_UG = 1 << 5,    /* values of codes whose unit is ng/m³ (Table B.2: PM, NH3 ...) come in µg/m³ */
    LF_TOLERATE_MG = 1 << 6,    /* the same in mg/m³ */
    LF_TOLERATE_ACK = 1 << 7,   /* waits for 9014 although its Flag does not ask for it */
    LF_TOLERATE_BEAT = 1 << 8,  /* its heartbeat 9015 (private before 2025) must not be answered */
    LF_TOLERATE_COUNT = 9
};
const char *lf_tele_tolerate_name(unsigned bit); /* "crc_modbus" ...: label in /metrics, and in notes */

struct lf_tele_station {
    lf_id id;
    lf_text mn, pw;  /* pw null: the password is not looked at */
    lf_text pw_next; /* taken beside pw: a new password is on its way to the device; null when none is */
    lf_text key;     /* SM4, 16 bytes: what it sends of hj212_seals must be encrypted; null when it has none */
    lf_text grid_code;
    bool disabled;
    unsigned tolerate; /* set of enum lf_tele_tolerate; 0 = nothing is forgiven */
    const struct lf_tele_scale *scale;
    size_t nscale;
};

struct lf_directory;
struct lf_directory *lf_directory_make(const struct lf_tele_station *list, size_t n); /* copies; one user: the caller */
struct lf_directory *lf_directory_ref(struct lf_directory *d);
void lf_directory_unref(struct lf_directory *d);                                           /* NULL is fine */
const struct lf_tele_station *lf_directory_find(const struct lf_directory *d, lf_text mn); /* NULL when unknown */
/* The unit that values of this factor of this station are kept in; null when none is known. Lives as long as d. */
lf_text lf_directory_unit(const struct lf_directory *d, lf_text mn, lf_text factor);
unsigned lf_directory_tolerates(const struct lf_directory *d); /* what any station tolerates */
uint64_t lf_directory_serial(const struct lf_directory *d);    /* which snapshot it is: no two are alike in the life of the program; > 0 */
size_t lf_directory_count(const struct lf_directory *d);
#endif
