/* bench_idle - what stations cost that say little: 20,000 connections from five addresses (fewer where the limit of open files is lower), one packet each every 30 seconds,
 * stored durably and acknowledged.
 *
 *   bench_idle BENCH_LOAD STATION_SERVER [DIR]     DIR: where the store is made (a real disk), default /tmp
 *
 * Memory is what the server's process has more than before (RssAnon: its own pages, SQLite's and a batch's among them); what
 * they take in the kernel is said beside it. The processor's time is the server's, in percent of one core, over
 * two rounds of packets. */
#include "common.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WANTED = 20000, FILES_OF_SERVER = 600, EVERY_S = 30, ROUNDS = 2, STATIONS = 10000 };

static int open_files(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* What the kernel holds for itself on this machine; 19,000 connections are far more than its other changes in a few seconds. */
static double kernel_bytes(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "SUnreclaim: %ld kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return (double)kb * 1024;
}

static void wait_s(int s) { nanosleep(&(struct timespec){ s, 0 }, NULL); }

int main(int argc, char **argv)
{
    char url[300], path[280], command[600], line[300] = "";
    const char *dir = argc > 3 ? argv[3] : "/tmp";
    long acked = 0, sent = 0, connected = 0;
    double p50 = 0, p99 = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_idle BENCH_LOAD STATION_SERVER [DIR]\n");
        return 2;
    }
    int files = raise_files(65536), connections = files - FILES_OF_SERVER < WANTED ? files - FILES_OF_SERVER : WANTED;
    if (connections < WANTED)
        printf("limit      %d open files a process (ulimit -Hn): %d connections instead of %d\n", files, connections, WANTED);
    snprintf(path, sizeof path, "%s/lanfan-bench-idle-%d", dir, (int)getpid());
    make_folder(path);
    snprintf(url, sizeof url, "sqlite:%s/tele.db", path);
    snprintf(command, sizeof command, "%d", STATIONS);
    struct server s = server_start((const char *const[]){ argv[2], url, command, NULL });
    double before = (double)private_bytes(s.pid), kernel_before = kernel_bytes();
    snprintf(command, sizeof command, "'%s' --port %d --connections %d --stations %d --every %d --seconds %d", argv[1], s.port, connections,
             STATIONS, EVERY_S * 1000, EVERY_S * ROUNDS + 5);
    FILE *load = popen(command, "r");
    for (int i = 0; open_files(s.pid) < connections && i < 60; i++)
        wait_s(1);
    double held = (double)private_bytes(s.pid) - before, kernel = kernel_bytes() - kernel_before, cpu = cpu_s(s.pid), began = now_s();
    wait_s(EVERY_S * ROUNDS - 1);
    cpu = (cpu_s(s.pid) - cpu) / (now_s() - began) * 100;
    double later = (double)private_bytes(s.pid) - before;
    if (!load || !fgets(line, sizeof line, load) ||
        sscanf(line, "acked %ld seconds %*f rate %*f p50 %lf p99 %lf max %*f cpu %*f connected %ld sent %ld", &acked, &p50, &p99,
               &connected, &sent) != 5)
        die("load", line);
    pclose(load);
    server_stop(&s);
    remove_tree(path);
    printf("held       %ld of %d connections, %ld packets sent, %ld acknowledged (p50 %.0f us, p99 %.0f us)\n", connected, connections,
           sent, acked, p50, p99);
    printf("memory     %.0f bytes a connection when all are open, %.0f after %d packets of each   goal <= 8192\n", held / connections,
           later / connections, ROUNDS);
    printf("kernel     about %.0f bytes a connection, both ends of it\n", kernel / connections);
    printf("processor  %.1f %% of one core   goal <= 25\n", cpu);
    return connected == connections && acked == sent ? 0 : 1;
}
