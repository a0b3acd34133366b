/* station_kill - kills the telemetry server without warning while stations send, several times, and then counts.
 *
 *   station_kill SERVER LOAD CHECK DB_URL ROUNDS     (the programs station_server, station_load, station_check)
 * DB_URL "-": a SQLite file of its own, removed afterwards; "files": the store of files in a folder of its own, likewise.
 *
 * Each round: start the server, let 16 connections send ahead, SIGKILL after 50 to 450 ms. The last round runs to its end. Exit 0
 * when every acknowledged packet is in the store and none is there twice. */
#include "base/arena.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int in, out; /* its standard input and output, or -1 */
};

static struct child run(const char *const argv[], bool pipes)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    if (pipes && (pipe(in) != 0 || pipe(out) != 0))
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        if (pipes) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            close(in[1]);
            close(out[0]);
        }
        execv(argv[0], (char *const *)(uintptr_t)argv); /* the type of execv is older than const */
        _exit(127);
    }
    if (pipes) {
        close(in[0]);
        close(out[1]);
    }
    return (struct child){ pid, in[1], out[0] };
}

static int wait_for(struct child *c)
{
    int status = 0;
    waitpid(c->pid, &status, 0);
    if (c->in >= 0)
        close(c->in);
    if (c->out >= 0)
        close(c->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* "port N" of the server, or 0. */
static int port_of(struct child *c)
{
    char line[64] = "";
    int port = 0;
    size_t n = 0;
    while (n < sizeof line - 1 && read(c->out, line + n, 1) == 1 && line[n] != '\n')
        n++;
    return sscanf(line, "port %d", &port) == 1 ? port : 0;
}

static int remove_one(const char *name, const struct stat *st, int type, struct FTW *f) { return remove(name); }

static void remove_db(const char *path)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char file[80];
    for (size_t i = 0; i < LF_COUNT(ends); i++) {
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    char acked[] = "/tmp/station_kill_acked_XXXXXX", port[16], first[32], packets[16];
    char path[64], url[80];
    int file = mkstemp(acked), rounds = argc > 5 ? atoi(argv[5]) : 0;
    if (argc < 6 || file < 0)
        return 2;
    close(file);
    snprintf(path, sizeof path, "/tmp/station_kill_%d.db", (int)getpid());
    snprintf(url, sizeof url, "sqlite:%s", path);
    bool files = strcmp(argv[4], "files") == 0;
    if (files)
        snprintf(url, sizeof url, "files:%s", path);
    const char *db = files || strcmp(argv[4], "-") == 0 ? url : argv[4];
    srand((unsigned)getpid());
    signal(SIGPIPE, SIG_IGN);
    for (int r = 0; r < rounds; r++) {
        bool last = r == rounds - 1;
        struct child server = run((const char *[]){ argv[1], db, "16", NULL }, true);
        int p = port_of(&server);
        if (!p) {
            fprintf(stderr, "station_kill: the server does not start\n");
            return 1;
        }
        snprintf(port, sizeof port, "%d", p);
        snprintf(first, sizeof first, "%d", r * 1000); /* much of it was sent in the round before, some of that acknowledged */
        snprintf(packets, sizeof packets, "%d", last ? 2000 : 20000);
        struct child load = run((const char *[]){ argv[2], "--port", port, "--stations", "16", "--connections", "16", "--packets", packets,
                                                  "--first", first, "--window", "16", "--acked", acked, "--seconds", "20", NULL },
                                false);
        if (!last) {
            nanosleep(&(struct timespec){ 0, (50 + rand() % 400) * 1000000L }, NULL);
            kill(server.pid, SIGKILL);
        }
        int load_rc = wait_for(&load);
        if (last) {
            close(server.in); /* end of its input: it stops in good order */
            server.in = -1;
        }
        wait_for(&server);
        if (last && load_rc != 0)
            return 1;
    }
    struct child check = run((const char *[]){ argv[3], db, acked, NULL }, false);
    int rc = wait_for(&check);
    unlink(acked);
    if (db == url)
        remove_db(path);
    return rc;
}
