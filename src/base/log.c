#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

void lf_log(enum lf_level level, const char *fmt, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    if (level < LF_INFO)
        return;
    char when[32], line[2048];
    int n = snprintf(line, sizeof line, "%s %-5s ", lf_ms_iso(when, lf_now()), names[level]);
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    va_end(ap);
    size_t len = (size_t)n + (m < 0 ? 0 : (size_t)m);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    line[len] = '\n';
    fwrite(line, 1, len + 1, stderr); /* one call, so that threads do not mix their lines */
}
