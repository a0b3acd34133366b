/* testing.h - waiting for what another thread or process does. For test programs only (cmocka). */
#ifndef LF_BASE_TESTING_H
#define LF_BASE_TESTING_H
#include <time.h>

enum { PATIENCE_MS = 30000 }; /* for what has to come */

static inline void pause_ms(int ms) { nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL); }

/* Waits until the expression holds, at most PATIENCE_MS: what is counted by another thread is counted a moment later. */
#define EVENTUALLY(x) \
    do { \
        int left_ = PATIENCE_MS / 5; \
        while (!(x) && left_--) \
            pause_ms(5); \
        if (!(x)) \
            fail_msg("never: %s", #x); \
    } while (0)
#endif
