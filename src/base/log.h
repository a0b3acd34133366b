/* log.h - one line per event on standard error: time, level, message; "HINT: ..." stands on a second one. Where that is the journal of
 * systemd, which has a time of its own, each line has its priority instead (journalctl -p). Called by main and the loops only. */
#ifndef LF_BASE_LOG_H
#define LF_BASE_LOG_H
#include "base/value.h"

enum lf_level { LF_DEBUG, LF_INFO, LF_WARN, LF_ERROR };
void lf_log(enum lf_level level, const char *fmt, ...) LF_PRINTF(2, 3);
#endif
