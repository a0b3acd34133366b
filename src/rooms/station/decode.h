/* decode.h - inside the room: words about packets. The packets themselves are station_put_raw and station_put_decoded (station.h). */
#ifndef LF_ROOMS_STATION_DECODE_H
#define LF_ROOMS_STATION_DECODE_H
#include "rooms/station/station.h"

/* "x_zh" and "x_en" of a "中文 | English"; null when it is NULL. */
void decode_both(struct lf_json *j, const char *zh, const char *en, const char *text);
/* The clause that a reason of refusal rests on (names of lf_tele_why_name); NULL when there is none. */
const char *decode_clause(lf_text reason);
#endif
