/* ask.h - what is asked of the series: read and checked once, for JSON and CSV alike. */
#ifndef LF_ROOMS_SERIES_ASK_H
#define LF_ROOMS_SERIES_ASK_H
#include "core/app.h"
#include "tele/store.h"

/* ASK_ROWS: readings that one request may walk over; a year of minutes of eight series. */
enum { ASK_STATIONS = 12, ASK_FACTORS = 12, ASK_LINES = 24, ASK_POINTS = 5000, ASK_ROWS = 5 * 1000 * 1000 };
struct ask_station {
    lf_id id;
    lf_text name;
};
struct ask {
    lf_ms from, to; /* [from, to) */
    enum lf_tele_kind kind;
    size_t points; /* per line */
    bool aligned;
    bool converted; /* flue gas at reference oxygen, where a reading has that: what limits are for */
    struct ask_station station[ASK_STATIONS];
    lf_text factor[ASK_FACTORS];
    int nstation, nfactor;
};
/* Reads the request's parameters; a station outside the caller's scope is LF_ENOTFOUND and named. */
lf_rc ask_read(struct lf_ctx *cx, const struct lf_http_req *req, struct ask *out) LF_MUST_CHECK;
#endif
