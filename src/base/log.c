#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is standard error the journal's own stream? systemd.exec(5), $JOURNAL_STREAM: device and inode of that. */
static bool to_journal(void)
{
    const char *said = getenv("JOURNAL_STREAM");
    char is[64];
    struct stat s;
    if (!said || fstat(STDERR_FILENO, &s) != 0)
        return false;
    snprintf(is, sizeof is, "%llu:%llu", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
    return strcmp(said, is) == 0;
}

/* Every line of `text` behind `head`, at most `room` bytes with the last line feed. */
static size_t behind_heads(char *to, size_t room, const char *head, const char *text)
{
    size_t n = 0, head_n = strlen(head);
    for (const char *end; n + head_n + 1 < room && *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        size_t part = (size_t)(end - text);
        if (part > room - n - head_n - 1)
            part = room - n - head_n - 1;
        memcpy(to + n, head, head_n);
        memcpy(to + n + head_n, text, part);
        n += head_n + part;
        to[n++] = '\n';
    }
    return n;
}

void lf_log(enum lf_level level, const char *fmt, ...)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    static const char *const priorities[] = { "<7>", "<6>", "<4>", "<3>" }; /* sd-daemon(3) */
    if (level < LF_INFO)
        return;
    bool journal = to_journal();
    char when[32] = "", text[2048], line[sizeof text + 64];
    int n = snprintf(text, sizeof text, "%s%s%-5s ", journal ? "" : lf_ms_iso(when, lf_now()), journal ? "" : " ", names[level]);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = behind_heads(line, sizeof line, journal ? priorities[level] : "", text);
    fwrite(line, 1, len, stderr); /* one call, so that threads do not mix their lines */
}
