/* station_kill - kills the telemetry server without warning while stations send, several times, its database too, and then counts.
 *
 *   station_kill SERVER LOAD CHECK DB_URL KILLS [DATABASE_KILLS]     (the programs station_server, station_load, station_check)
 * DB_URL "-": a SQLite file of its own, removed afterwards; "files": the store of files in a folder of its own, likewise. "postgres": the one that tools/with_postgres has started, and for nobody
 * else when DATABASE_KILLS are wanted.
 *
 * Each round: start the server, let 16 connections send ahead, SIGKILL after 50 to 450 ms; or stop the database as in a crash and start it
 * again. A last round runs to its end. Exit 0 when every acknowledged packet is in the store and none is there twice. */
#include "base/arena.h"

#include <fcntl.h>
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
    if (pipes && (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)) /* the database that is started must not hold them */
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        if (pipes) {
            dup2(in[0], 0);
            dup2(out[1], 1);
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

static const char *server_program, *load_program, *check_program, *db, *acked;
static int
    packets_from; /* the number of the first packet of the round: much of it was sent in the round before, some of that acknowledged */

static void nap(int least_ms, int most_ms)
{
    int ms = least_ms + rand() % (most_ms - least_ms);
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static struct child start_server(int *port)
{
    struct child c = run((const char *[]){ server_program, db, "16", NULL }, true);
    *port = port_of(&c);
    if (!*port) {
        fprintf(stderr, "station_kill: the server does not start\n");
        exit(1);
    }
    return c;
}

static struct child start_load(int server_port, int count)
{
    char port[16], first[16], packets[16];
    snprintf(port, sizeof port, "%d", server_port);
    snprintf(first, sizeof first, "%d", packets_from);
    snprintf(packets, sizeof packets, "%d", count);
    packets_from += 1000;
    return run((const char *[]){ load_program, "--port", port, "--stations", "16", "--connections", "16", "--packets", packets, "--first",
                                 first, "--window", "16", "--acked", acked, "--seconds", "60", NULL },
               false);
}

static bool stop_server(struct child *c)
{
    close(c->in); /* end of its input: it stops in good order */
    c->in = -1;
    return wait_for(c) == 0;
}

static bool kill_server(void)
{
    int port;
    struct child server = start_server(&port), load = start_load(port, 20000);
    nap(50, 450);
    kill(server.pid, SIGKILL);
    wait_for(&load);
    wait_for(&server);
    return true;
}

/* pg_ctl of the database that is this test's own, as tools/with_postgres has started it. */
static bool control(const char *what)
{
    char command[500];
    snprintf(command, sizeof command, "%s %s >/dev/null 2>&1", getenv("LANFAN_TEST_PG_CTL"), what);
    return system(command) == 0;
}

/* The database dies as in a crash while stations send. Every second time the server is killed while it is gone; else the listener must hold
 * what it has, and everything is acknowledged in the end. */
static bool kill_database(int time)
{
    int port;
    struct child server = start_server(&port), load = start_load(port, 5000);
    bool both = time % 2 == 1, ok;
    nap(50, 450);
    ok = control("-m immediate stop");
    nap(50, 1500);
    if (both)
        kill(server.pid, SIGKILL);
    ok = control("start") && ok;
    ok = (wait_for(&load) == 0 || both) && ok;
    if (both)
        wait_for(&server);
    else
        ok = stop_server(&server) && ok;
    if (!ok)
        fprintf(stderr, "station_kill: not everything was acknowledged after the database came back\n");
    return ok;
}

static bool last_round(void)
{
    int port;
    struct child server = start_server(&port), load = start_load(port, 2000);
    bool ok = wait_for(&load) == 0;
    return stop_server(&server) && ok;
}

static bool rounds(int servers, int databases)
{
    bool ok = true;
    for (int r = 0, d = 0; ok && r < servers + databases; r++)
        if ((r + 1) * databases / (servers + databases) > d) /* spread among the others */
            ok = kill_database(d++);
        else
            ok = kill_server();
    return ok && last_round();
}

int main(int argc, char **argv)
{
    static char file[] = "/tmp/station_kill_acked_XXXXXX", path[64], url[80]; /* acked and db point at them */
    int fd = mkstemp(file);
    if (argc < 6 || fd < 0)
        return 2;
    close(fd);
    server_program = argv[1], load_program = argv[2], check_program = argv[3], acked = file;
    snprintf(path, sizeof path, "/tmp/station_kill_%d.db", (int)getpid());
    snprintf(url, sizeof url, "sqlite:%s", path);
    bool files = strcmp(argv[4], "files") == 0;
    if (files)
        snprintf(url, sizeof url, "files:%s", path);
    db = files || strcmp(argv[4], "-") == 0 ? url : strcmp(argv[4], "postgres") == 0 ? getenv("LANFAN_TEST_PG") : argv[4];
    if (!db || (argc > 6 && !getenv("LANFAN_TEST_PG_CTL"))) {
        fprintf(stderr, "station_kill: run it through tools/with_postgres\n");
        return 2;
    }
    srand((unsigned)getpid());
    signal(SIGPIPE, SIG_IGN);
    bool ok = rounds(atoi(argv[5]), argc > 6 ? atoi(argv[6]) : 0);
    struct child check = run((const char *[]){ check_program, db, acked, NULL }, false);
    ok = wait_for(&check) == 0 && ok;
    unlink(acked);
    if (db == url)
        remove_db(path);
    return ok ? 0 : 1;
}
