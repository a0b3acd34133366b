/* common.h - what the benchmarks share: clocks, latencies, servers that they start, the disk's own speed. */
#ifndef LF_BENCH_COMMON_H
#define LF_BENCH_COMMON_H
#include "base/arena.h"

#include <stdint.h>
#include <sys/types.h>

_Noreturn void die(const char *what, const char *why); /* exit code 1 */
uint64_t now_ns(void);                                 /* monotonic */
double now_s(void);

/* A histogram of durations, 32 steps for each power of two of nanoseconds. */
enum { LATENCY_BUCKETS = 64 * 32 };
struct latency {
    int64_t bucket[LATENCY_BUCKETS];
};
void latency_add(struct latency *l, uint64_t ns);
double latency_us(const struct latency *l, double share); /* 0.5: the median; 0 when it is empty */

/* A program that prints "port N" when it listens and ends on end of file of its standard input. */
struct server {
    pid_t pid;
    int in, port;
};
struct server server_start(const char *const argv[]);
void server_stop(struct server *s);
bool port_answers(int port); /* of 127.0.0.1 */
int free_port(void);

/* `lanfan serve --demo` on ports of its own over the demonstration city in a new data directory under dir. */
struct lanfan {
    pid_t pid;
    int port, station_port;
    char data[256];
    double first_answer_s; /* from exec to the first HTTP answer */
};
struct lanfan lanfan_make(const char *program, const char *dir); /* fills the data directory */
void lanfan_start(struct lanfan *l, const char *program);
void lanfan_stop(struct lanfan *l); /* SIGTERM and wait */
void lanfan_remove(struct lanfan *l);
/* Logs in to the demonstration; the Cookie header's value into cookie. */
void lanfan_login(const struct lanfan *l, const char *login, char cookie[256]);
/* One request with its own connection; the answer whole (head and body), NUL-terminated; freed with lf_release. */
char *http_ask(int port, const char *request, size_t *n);

void make_folder(const char *path);
void remove_tree(const char *path);
double cpu_s(pid_t pid);          /* user and system seconds that the process has used */
int64_t rss_bytes(pid_t pid);     /* resident */
int64_t private_bytes(pid_t pid); /* of that, what is not read from files */
int raise_files(int want);        /* the limit of open files, as far as it goes; what it is then */

/* p50 and p99 in microseconds of fdatasync after 64 KB appended to a file in dir. */
void disk_speed(const char *dir, double *p50, double *p99);
#endif
