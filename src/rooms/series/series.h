/* series.h - 曲线: several stations and factors beside one another, with their limits, flags, gaps and alarms; as JSON or as CSV.
 * A room without records: it reads what the rooms station and alarm and the telemetry store keep. */
#ifndef LF_ROOMS_SERIES_SERIES_H
#define LF_ROOMS_SERIES_SERIES_H
#include "core/app.h"

extern const struct lf_room series_room;
#endif
