/* The configuration file. Its reader is included, not linked: what it has read so far must be forgotten before each input. */
#include "fuzz.h"

#include "app/settings.c" /* NOLINT(bugprone-suspicious-include) */

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct app_command c = { .name = "fuzz" };
    char path[64], word[] = "--config", *argv[] = { word, path };
    bool help = false;
    int fd = memfd_create("config", 0), words;
    MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(origin, 0, sizeof origin);
    if (app_settings_read(&c, 2, argv, &words, &help)) {
        FILE *null = fopen("/dev/null", "w");
        MUST(null && !memchr(data, 0, n));
        app_settings_print(null);
        fclose(null);
    }
    close(fd);
    return 0;
}
