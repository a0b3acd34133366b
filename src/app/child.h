/* child.h - another process of this very program, which does not outlive this one. */
#ifndef LF_APP_CHILD_H
#define LF_APP_CHILD_H
#include "base/err.h"

#include <sys/types.h>

/* Runs `lanfan WORDS...` (NULL-ended, without the program's name) beside this process. */
lf_rc app_child_start(const char *const *words, pid_t *out, struct lf_err *err) LF_MUST_CHECK;
/* Did it end by itself? *status as waitpid has it; then there is nothing left to stop. */
bool app_child_ended(pid_t pid, int *status);
void app_child_stop(pid_t pid); /* SIGTERM, and waits; 0 is fine */
#endif
