/* hj212.h - the packet codec of HJ/T 212-2005 and HJ 212-2017 (and the sure parts of HJ 212-2025).
 *
 * Pure: no I/O, no database, no allocation; every result points into the caller's bytes.
 * Standards: HJ 212-2017 §6.3 (framing, segment), Annex A (CRC); HJ/T 212-2005 §5, Annex A. */
#ifndef LF_HJ212_HJ212_H
#define LF_HJ212_HJ212_H
#include "base/value.h"

enum { HJ212_SEGMENT_MAX = 1024, HJ212_FRAME_MAX = 1036, HJ212_BUFFER_MAX = 8192 };

/* CRC16 of Annex A over the data segment. Not CRC-16/MODBUS. */
uint16_t hj212_crc(const void *segment, size_t n);

/* ---- framing ------------------------------------------------------------------------- */

enum hj212_why { /* why a frame, or bytes between frames, were refused; the index of a counter */
                 HJ212_GOOD,
                 HJ212_NOISE,    /* bytes outside any frame were skipped */
                 HJ212_LENGTH,   /* length field not four digits, or the tail is not where it says */
                 HJ212_OVERSIZE, /* declared length past the limit */
                 HJ212_CRC,      /* checksum does not match */
                 HJ212_CRC_FORM, /* four bytes there that are not hex digits */
                 HJ212_TAIL,     /* CR LF missing */
                 HJ212_GRAMMAR,  /* data segment cannot be read */
                 HJ212_FIELD,    /* a field is missing or has a wrong form (MN, CN, DataTime ...) */
                 HJ212_SEALED,   /* encrypted (2025), and there is no key, or the ciphertext is not well written */
                 HJ212_KEY,      /* encrypted, and the key does not fit (or the bytes are damaged) */
                 HJ212_WHY_COUNT
};
const char *hj212_why_name(enum hj212_why w); /* "crc", "length" ...: label in /metrics */
const char *hj212_why_text(enum hj212_why w); /* "中文 | English" */

/* Takes the next thing from p[0..n): *used bytes may be dropped afterwards (0 = more bytes are needed, which is never so
 * for HJ212_BUFFER_MAX bytes or more: a buffer of that size does not get stuck).
 * HJ212_GOOD: *frame is the whole frame with ## and CR LF, *segment the data segment inside it.
 * Otherwise *frame is the refused bytes (kept as evidence) and reading goes on after *used: the reader finds the next "##"
 * by itself, so one broken frame costs only itself.
 * The result depends on a prefix of the bytes only: how a stream was cut into pieces never changes what is found in it. */
enum hj212_why hj212_take(const char *p, size_t n, size_t *used, lf_text *frame, lf_text *segment);

/* What would have to be forgiven to accept a refused frame (devices in the field make these mistakes; each is switched on
 * per station by somebody, never by itself). 0: nothing, the frame is good. *segment is its data segment, unless
 * HJ212_NEEDS_MORE says that the frame cannot be accepted at all. Give it what hj212_take refused. */
enum hj212_needs {
    HJ212_NEEDS_MODBUS = 1, /* the checksum is CRC-16/MODBUS, in either byte order */
    HJ212_NEEDS_LENGTH = 2, /* the length field is wrong or not four digits, or the segment is longer than the standard allows */
    HJ212_NEEDS_TAIL = 4,   /* CR LF is missing or half */
    HJ212_NEEDS_MORE = 0x100
};
unsigned hj212_needs(lf_text frame, lf_text *segment);

/* ---- segment -------------------------------------------------------------------------- */

struct hj212_packet {
    lf_text qn, st, cn, pw, mn; /* null when absent */
    int flag;                   /* -1 when absent (2005 uploads) */
    int pnum, pno;              /* 0 when absent */
    lf_text cp;                 /* between the && */
    int version;                /* 2005, 2017 or 2025, from Flag; 2005 when absent */
    bool want_ack, split;       /* Flag bits A and D; split only when PNUM and PNO are there and PNUM > 1 */
};
/* Order-free field reader (§13 deviations that are "always accept"). HJ212_GOOD, HJ212_GRAMMAR or HJ212_FIELD. *bad names the field. */
enum hj212_why hj212_parse(lf_text segment, struct hj212_packet *out, const char **bad);

/* One `name=value` of CP. `code` and `stat` are the two halves of "w01018-Rtd"; stat is null for plain names (DataTime, PolId). */
struct hj212_item {
    lf_text code, stat, value;
};
/* Iterates: *at starts at 0; false at the end. Items are separated by ',' or ';'; empty items are skipped; spaces trimmed.
 * Text between // and // (logs) is one value. Sets *broken when something that is not an item was met (and stops). */
bool hj212_next(lf_text cp, size_t *at, struct hj212_item *out, bool *broken);
/* The value of the first item with that plain name; null when there is none before something that is not an item. */
lf_text hj212_value(lf_text cp, const char *name);

/* Decimal text -> double. false for NaN, "--", "", exponents and anything not a plain decimal. */
bool hj212_number(lf_text s, double *out);

/* ---- writing --------------------------------------------------------------------------- */

/* Writes ##LLLL + segment + CRC + CRLF into out[cap]; returns bytes written, 0 when it does not fit or the segment is too long. */
size_t hj212_frame(lf_text segment, char *out, size_t cap);
/* The answer that the standard asks for to an upload or notice: 9014 or 9013, in the layout of the packet's version (vectors D1, D2, D15-D17).
 * out is written while p's texts are read: it must not hold them. */
size_t hj212_answer(const struct hj212_packet *p, char *out, size_t cap);
bool hj212_is_notice(lf_text cn); /* answered by 9013, not 9014 */
/* 9011 with QnRtn or 9012 with ExeRtn (vectors D3-D7, D15): what a device, or a test that plays one, sends. */
size_t hj212_result(const struct hj212_packet *p, bool executed, int code, char *out, size_t cap);

/* ---- codes ------------------------------------------------------------------------------ */

struct hj212_factor {
    const char *code, *code2005, *zh, *en, *unit; /* unit "": a number without one (pH) */
    signed char digits, decimals;                 /* Nm.k; -1 none */
    double per2005;                               /* a value sent under code2005 is in the unit of 2005: times this gives `unit` */
};
extern const struct hj212_factor
    hj212_factors[]; /* tables B.1, B.2, B.3 of HJ 212-2017, sorted by code, plus codes often met (documented) */
extern const size_t hj212_factor_count;
const struct hj212_factor *hj212_factor_find(lf_text code); /* 2017 code, 2005 code or known alias (SO2, PM25 ...); NULL when unknown */
/* The same, and whether `code` is the code of 2017 itself. */
const struct hj212_factor *hj212_factor_under(lf_text code, bool *is_2017);
/* What a value in `from` is to be multiplied by to be in `to`; false when they do not measure the same. Units as the code table writes
 * them ("µg/m³"), or as keyboards do ("ug/m3"). */
bool hj212_unit_times(lf_text from, lf_text to, double *times);
const char *hj212_st_name(lf_text st); /* "中文 | English" or NULL */
const char *hj212_cn_name(lf_text cn);
const char *hj212_flag_name(lf_text flag); /* data flag letter N F M S D C T B */
/* What a data flag says of its value: HJ 212-2017 table 8; HJ/T 212-2005 for air has digits. */
enum hj212_mark {
    HJ212_NORMAL,  /* N, none, 3 (2005 air) */
    HJ212_STOPPED, /* F: the source or instrument stands still; the time is excluded, it is neither valid nor missing */
    HJ212_MARKED   /* M maintenance, S set by hand, D fault, C calibration, T past the range, B no link, P power, 0 1 2, unknown */
};
enum hj212_mark hj212_mark_of(lf_text flag);
#endif
