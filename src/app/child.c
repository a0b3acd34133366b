/* child.c - another process of this program. */
#include "app/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 14 };

lf_rc app_child_start(const char *const *words, pid_t *out, struct lf_err *err)
{
    char *argv[WORDS_MAX + 2] = { (char[]){ "lanfan" } };
    pid_t parent = getpid();
    for (int i = 0; i < WORDS_MAX && words[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i]; /* execv does not write them */
    *out = fork();
    if (*out < 0)
        return lf_err_set(err, LF_EIO, NULL, "cannot start lanfan %s: %s", words[0], strerror(errno));
    if (*out)
        return LF_OK;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when the parent is killed */
    if (getppid() == parent)
        execv("/proc/self/exe", argv);
    _exit(127);
}

bool app_child_ended(pid_t pid, int *status) { return pid > 0 && waitpid(pid, status, WNOHANG) == pid; }

void app_child_stop(pid_t pid)
{
    int status;
    if (pid <= 0)
        return;
    kill(pid, SIGTERM);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}
