/* decode.h - a raw packet field by field, as JSON: the packet browser of pages, of refused packets and of command dialogues. */
#ifndef LF_ROOMS_STATION_DECODE_H
#define LF_ROOMS_STATION_DECODE_H
#include "rooms/station/station.h"

/* "x_zh" and "x_en" of a "中文 | English"; null when it is NULL. */
void decode_both(struct lf_json *j, const char *zh, const char *en, const char *text);
/* The clause that a reason of refusal rests on (names of lf_tele_why_name); NULL when there is none. */
const char *decode_clause(lf_text reason);
#endif
