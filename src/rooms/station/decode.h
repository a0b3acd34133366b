/* decode.h - a raw packet field by field, as JSON: the packet browser of pages, of refused packets and of command dialogues. */
#ifndef LF_ROOMS_STATION_DECODE_H
#define LF_ROOMS_STATION_DECODE_H
#include "core/app.h"

/* A text as JSON, with passwords and keys starred out: to see one is an act of its own (reveal), with a reason and in the audit trail. */
void decode_raw(struct lf_ctx *cx, struct lf_json *j, lf_text raw);
/* An object: verdict, reason and its clause, length, checksum, parts of the header, fields of CP. sm4_key: 16 bytes to open an encrypted
 * one with; null when there is none. The JSON member names are in doc/api.md. */
void decode_json(struct lf_ctx *cx, struct lf_json *j, lf_text raw, lf_text sm4_key);
/* "x_zh" and "x_en" of a "中文 | English"; null when it is NULL. */
void decode_both(struct lf_json *j, const char *zh, const char *en, const char *text);
/* The clause that a reason of refusal rests on (names of lf_tele_why_name); NULL when there is none. */
const char *decode_clause(lf_text reason);
#endif
