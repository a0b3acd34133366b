/* bench_footprint - memory and start of the whole program with the demonstration city.
 *
 *   bench_footprint LANFAN [--check] [DIR]     Start in the project's folder.
 *
 * Prints the time from exec to the first answer on a database that is there, resident memory when nothing happens, and with the
 * demonstration's stations sending (`lanfan simulate`), a page of each list asked and somebody logged in. The parts that are read
 * from files (libraries, shared by all who use them) are said beside. --check: "ok" and "not ok" for a test. The bound of the start
 * is generous there, since a test seldom has the machine to itself; memory does not depend on that. */
#include "common.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STARTS = 5, IDLE_S = 7, DEMO_S = 12 };
static const double MB = 1024 * 1024;

static void wait_s(double s) { nanosleep(&(struct timespec){ (time_t)s, (long)((s - (double)(time_t)s) * 1e9) }, NULL); }

static pid_t simulate(const struct lanfan *l, const char *program)
{
    char port[8];
    snprintf(port, sizeof port, "%d", l->station_port);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(program, program, "simulate", "--data", l->data, "--station-port", port, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void ask_lists(const struct lanfan *l)
{
    static const char *const lists[] = { "station", "source", "matter", "alarm", "area", "limit_value" };
    char cookie[256], request[600];
    size_t n;
    lanfan_login(l, "city", cookie);
    for (size_t i = 0; i < LF_COUNT(lists); i++) {
        snprintf(request, sizeof request, "GET /api/v1/%s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nConnection: close\r\n\r\n", lists[i],
                 cookie);
        char *answer = http_ask(l->port, request, &n);
        if (!answer || strncmp(answer, "HTTP/1.1 200", 12) != 0)
            die(lists[i], answer ? answer : "no answer");
        lf_release(answer);
    }
}

static bool verdict(bool check, const char *what, double value, double bound, const char *unit)
{
    bool good = value > 0 && value < bound;
    if (check)
        printf("%s footprint: %s: %.3g %s, less than %.3g\n", good ? "ok" : "not ok", what, value, unit, bound);
    return good || !check;
}

int main(int argc, char **argv)
{
    bool check = argc > 2 && !strcmp(argv[2], "--check");
    const char *dir = argc > 2 + check ? argv[2 + check] : "/tmp";
    double best = 60, idle, demo = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_footprint LANFAN [--check] [DIR]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct lanfan l = lanfan_make(argv[1], dir);
    for (int i = 0; i < STARTS; i++) {
        lanfan_start(&l, argv[1]);
        best = l.first_answer_s < best ? l.first_answer_s : best;
        if (i < STARTS - 1)
            lanfan_stop(&l);
    }
    printf("start      %.3f s to the first answer (best of %d)   goal < 0.3\n", best, STARTS);
    wait_s(IDLE_S);
    idle = (double)rss_bytes(l.pid) / MB;
    printf("idle       %.1f MB resident, %.1f of it the program's own   goal < 24\n", idle, (double)private_bytes(l.pid) / MB);
    pid_t sim = simulate(&l, argv[1]);
    ask_lists(&l);
    for (int i = 0; i < DEMO_S * 4; i++) {
        wait_s(0.25);
        double now = (double)rss_bytes(l.pid) / MB;
        demo = now > demo ? now : demo;
    }
    printf("demo       %.1f MB resident at most, %.1f of it the program's own   goal < 48\n", demo, (double)private_bytes(l.pid) / MB);
    kill(sim, SIGTERM);
    waitpid(sim, NULL, 0);
    lanfan_stop(&l);
    lanfan_remove(&l);
    bool good = verdict(check, "start to the first answer", best, 2, "s");
    good = verdict(check, "resident when idle", idle, 24, "MB") && good;
    good = verdict(check, "resident with the demonstration", demo, 48, "MB") && good;
    return good ? 0 : 1;
}
