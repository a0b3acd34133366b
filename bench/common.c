#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void die(const char *what, const char *why)
{
    fprintf(stderr, "benchmark: %s: %s\n", what, why);
    exit(1);
}

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double now_s(void) { return (double)now_ns() / 1e9; }

static void nap(void) { nanosleep(&(struct timespec){ 0, 2000000 }, NULL); }

/* ---- latencies ---------------------------------------------------------------------------------------- */

void latency_add(struct latency *l, uint64_t ns)
{
    int top = ns < 32 ? 5 : 63 - __builtin_clzll(ns);
    size_t at = (size_t)top * 32 + ((ns >> (top - 5)) & 31);
    l->bucket[at < LATENCY_BUCKETS ? at : LATENCY_BUCKETS - 1]++;
}

double latency_us(const struct latency *l, double share)
{
    int64_t all = 0, sum = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        all += l->bucket[i];
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        if ((sum += l->bucket[i]) >= (int64_t)((double)all * share) && l->bucket[i])
            return (double)((32 + (uint64_t)i % 32) << (i / 32 - 5)) / 1000;
    return 0;
}

/* ---- servers ---------------------------------------------------------------------------------------- */

struct server server_start(const char *const argv[])
{
    int in[2], out[2];
    char line[64] = "";
    size_t n = 0;
    struct server s = { 0 };
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        die("pipe", argv[0]);
    s.pid = fork();
    if (s.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv(argv[0], (char *const *)(uintptr_t)argv); /* the type of execv is older than const */
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s.in = in[1];
    while (n < sizeof line - 1 && read(out[0], line + n, 1) == 1 && line[n] != '\n')
        n++;
    close(out[0]);
    if (sscanf(line, "port %d", &s.port) != 1)
        die("server", argv[0]);
    return s;
}

void server_stop(struct server *s)
{
    close(s->in);
    waitpid(s->pid, NULL, 0);
}

/* Below the ports of outgoing connections (32768 and up), so that none of those takes it before the server does. */
int free_port(void)
{
    static unsigned next;
    if (!next)
        next = (unsigned)getpid() * 7919u;
    for (int tries = 0; tries < 1000; tries++, next++) {
        int port = 10000 + (int)(next % 20000);
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_free = fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
        if (fd >= 0)
            close(fd);
        if (is_free) {
            next++;
            return port;
        }
    }
    die("port", "none is free");
}

static int connect_to(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    close(fd);
    return -1;
}

bool port_answers(int port)
{
    int fd = connect_to(port);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* ---- the whole program ------------------------------------------------------------------------------- */

/* Runs it with these arguments and the data directory; what it says goes nowhere. */
static pid_t run(const struct lanfan *l, const char *program, const char *command, const char *port, const char *station_port)
{
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 1);
        dup2(null, 2);
        if (port)
            execl(program, program, command, "--demo", "--data", l->data, "--port", port, "--station-port", station_port, (char *)NULL);
        else
            execl(program, program, command, "--data", l->data, (char *)NULL);
        _exit(127);
    }
    return pid;
}

struct lanfan lanfan_make(const char *program, const char *dir)
{
    struct lanfan l = { .pid = -1 };
    int status = 1;
    snprintf(l.data, sizeof l.data, "%s/lanfan-bench-XXXXXX", dir);
    if (!mkdtemp(l.data))
        die(l.data, strerror(errno));
    if (waitpid(run(&l, program, "demo", NULL, NULL), &status, 0) < 0 || status != 0)
        die(program, "`demo` failed; start in the project's folder");
    return l;
}

void lanfan_start(struct lanfan *l, const char *program)
{
    static const char healthz[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char port[8], station_port[8];
    l->port = free_port();
    l->station_port = free_port();
    snprintf(port, sizeof port, "%d", l->port);
    snprintf(station_port, sizeof station_port, "%d", l->station_port);
    double began = now_s();
    l->pid = run(l, program, "serve", port, station_port);
    char *answer = NULL;
    size_t n;
    while (!(answer = http_ask(l->port, healthz, &n))) {
        if (waitpid(l->pid, NULL, WNOHANG) != 0 || now_s() - began > 60)
            die(program, "`serve` does not answer");
        nap();
    }
    l->first_answer_s = now_s() - began;
    lf_release(answer);
}

void lanfan_stop(struct lanfan *l)
{
    kill(l->pid, SIGTERM);
    waitpid(l->pid, NULL, 0);
    l->pid = -1;
}

void lanfan_remove(struct lanfan *l) { remove_tree(l->data); }

char *http_ask(int port, const char *request, size_t *n)
{
    int fd = connect_to(port);
    size_t cap = 1 << 16;
    ssize_t k;
    *n = 0;
    if (fd < 0)
        return NULL;
    char *answer = lf_new(cap);
    if (write(fd, request, strlen(request)) == (ssize_t)strlen(request))
        while ((k = read(fd, answer + *n, cap - *n - 1)) > 0) {
            *n += (size_t)k;
            if (cap - *n < 4096)
                answer = lf_renew(answer, cap *= 2);
        }
    close(fd);
    answer[*n] = 0;
    if (*n)
        return answer;
    lf_release(answer);
    return NULL;
}

void lanfan_login(const struct lanfan *l, const char *login, char cookie[256])
{
    char request[600], body[200];
    size_t n;
    int len = snprintf(body, sizeof body, "{\"login\":\"%s\",\"password\":\"Lanfan-demo-1\"}", login);
    snprintf(
        request, sizeof request,
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        len, body);
    char *answer = http_ask(l->port, request, &n), *set = answer ? strcasestr(answer, "\r\nSet-Cookie: ") : NULL;
    if (!set || sscanf(set, "%*[^:]: %255[^;]", cookie) != 1)
        die("log-in", answer ? answer : "no answer");
    lf_release(answer);
}

/* ---- the machine -------------------------------------------------------------------------------------- */

void make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0)
        die(path, strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) { return remove(path); }
void remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

double cpu_s(pid_t pid)
{
    char path[64];
    long user = 0, sys = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &sys) != 2)
        user = sys = 0;
    if (f)
        fclose(f);
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* A line "Name:   123 kB" of /proc/PID/status, in bytes. */
static int64_t status_bytes(pid_t pid, const char *name)
{
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), ": %ld kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return (int64_t)kb * 1024;
}

int64_t rss_bytes(pid_t pid) { return status_bytes(pid, "VmRSS"); }
int64_t private_bytes(pid_t pid) { return status_bytes(pid, "RssAnon"); }

int raise_files(int want)
{
    struct rlimit lim = { 0, 0 }, more = { (rlim_t)want, (rlim_t)want };
    getrlimit(RLIMIT_NOFILE, &lim);
    if (lim.rlim_cur >= (rlim_t)want || setrlimit(RLIMIT_NOFILE, &more) == 0)
        return want;
    lim.rlim_cur = lim.rlim_max;
    setrlimit(RLIMIT_NOFILE, &lim);
    return (int)lim.rlim_cur;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void disk_speed(const char *dir, double *p50, double *p99)
{
    enum { TIMES = 400 };
    static char block[64 * 1024];
    double t[TIMES];
    char path[256];
    snprintf(path, sizeof path, "%s/lanfan-bench-sync-%d", dir, (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        die(path, "cannot write");
    for (int i = 0; i < TIMES; i++) {
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            die(path, "cannot write");
        double began = now_s();
        fdatasync(fd);
        t[i] = (now_s() - began) * 1e6;
    }
    close(fd);
    unlink(path);
    qsort(t, TIMES, sizeof *t, by_size);
    *p50 = t[TIMES / 2];
    *p99 = t[TIMES * 99 / 100];
}
