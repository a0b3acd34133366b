/* bench_ingest - packets stored and acknowledged end to end over loopback, against yardsticks measured in the same run:
 *
 *   null       a server that only frames and answers (bench_null): what the kernel's TCP alone allows
 *   durable    the same server, checking each checksum and answering when the bytes are in a file and synced: the least that a word
 *              that counts costs; no fields, values, stations or look-ups
 *   mosquitto  PUBLISH with QoS 1 of the same bytes (not durable); skipped with a word when it is not installed
 *   sqlite     the same packets inserted into a plain table, 1,000 a transaction, no network (synchronous=FULL)
 *   fdatasync  the disk's own, of 64 KB appended
 *
 *   bench_ingest BENCH_LOAD BENCH_NULL STATION_SERVER [DIR]     DIR: where the stores are made (a real disk), default /tmp
 *
 * 10,000 connections of as many stations with one packet on its way each; the same with 8; the same through gateways; and 200 that send
 * 32 ahead. For the first and the last also how long an acknowledgement takes when half as much is sent, beside what the null server
 * needs for that.
 * Every figure is the better of two rounds taken in turns, because a machine is seldom alone. `ours` keeps packets and readings in
 * files of its own, `tables` in SQLite; `road` is our server with a store that keeps nothing: what a store costs is the difference.
 */
#include "common.h"
#include "hj212/hj212.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATIONS "10000" /* as bench_load can name */

static const char *load_program, *null_program, *server_program, *dir = "/tmp";

/* ---- servers ---------------------------------------------------------------------------------------- */

/* port 0: there is none */
static struct server start_mosquitto(void)
{
    static const char *const places[] = { "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto" };
    char path[256];
    struct server s = { .in = -1 };
    const char *program = NULL;
    for (size_t i = 0; i < LF_COUNT(places); i++)
        program = !program && access(places[i], X_OK) == 0 ? places[i] : program;
    if (!program) {
        printf("mosquitto  skipped: not installed (Debian package mosquitto)\n");
        return s;
    }
    s.port = free_port();
    snprintf(path, sizeof path, "%s/bench_ingest_%d.conf", dir, (int)getpid());
    FILE *f = fopen(path, "w");
    if (!f)
        die(path, "cannot write");
    fprintf(f, "listener %d 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\nuser %s\n", s.port, getuid() ? "" : "root");
    fclose(f);
    s.pid = fork();
    if (s.pid == 0) {
        execl(program, program, "-c", path, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100 && !port_answers(s.port); i++)
        nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
    unlink(path);
    return s;
}

/* ---- load ------------------------------------------------------------------------------------------- */

struct result {
    double rate, p50, p99; /* per second; microseconds */
    double cpu;            /* of the server, microseconds a packet */
};

static struct result load(const struct server *s, const char *fmt, ...) LF_PRINTF(2, 3);
static struct result load(const struct server *s, const char *fmt, ...)
{
    char how[200], command[700], line[300] = "";
    struct result r = { 0 };
    long acked = 0;
    double took = 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(how, sizeof how, fmt, ap);
    va_end(ap);
    snprintf(command, sizeof command, "'%s' --port %d %s", load_program, s->port, how);
    double cpu = cpu_s(s->pid);
    FILE *f = popen(command, "r");
    if (!f || !fgets(line, sizeof line, f) ||
        sscanf(line, "acked %ld seconds %lf rate %lf p50 %lf p99 %lf", &acked, &took, &r.rate, &r.p50, &r.p99) != 5 || acked == 0)
        die("load", line);
    pclose(f);
    r.cpu = (cpu_s(s->pid) - cpu) / (double)acked * 1e6;
    return r;
}

static void remove_store(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s/bench_ingest_%d.'*", dir, (int)getpid());
    if (system(command) != 0)
        die(dir, "cannot remove");
}

enum kind { NONE, DURABLE, ROAD, OURS, TABLES, MOSQUITTO, KINDS };
static const char *const kind_name[KINDS] = { "null", "durable", "road", "ours", "tables", "mosquitto" };

static struct result one(enum kind k, const char *how)
{
    char url[300];
    snprintf(url, sizeof url, k == TABLES ? "sqlite:%s/bench_ingest_%d.db" : "files:%s/bench_ingest_%d.store", dir, (int)getpid());
    char log[300];
    snprintf(log, sizeof log, "%s/bench_ingest_%d.log", dir, (int)getpid());
    struct server s = k == NONE        ? server_start((const char *const[]){ null_program, NULL })
                      : k == DURABLE   ? server_start((const char *const[]){ null_program, log, NULL })
                      : k == MOSQUITTO ? start_mosquitto()
                                       : server_start((const char *const[]){ server_program, k == ROAD ? "null" : url, STATIONS, NULL });
    struct result r = { 0 };
    if (s.port)
        r = load(&s, k == MOSQUITTO ? "%s --mqtt" : "%s", how);
    if (k == MOSQUITTO && s.pid) {
        kill(s.pid, SIGTERM);
        waitpid(s.pid, NULL, 0);
    } else if (k != MOSQUITTO) {
        server_stop(&s);
    }
    remove_store();
    return r;
}

/* Two rounds in turns; the better of each. */
static void compare(const char *what, const char *how, struct result best[KINDS])
{
    memset(best, 0, KINDS * sizeof *best);
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < KINDS; k++) {
            if (k == MOSQUITTO && round && best[k].rate == 0)
                continue;
            struct result r = one((enum kind)k, how);
            if (r.rate > best[k].rate)
                best[k] = r;
        }
    printf("-- %s\n", what);
    for (int k = 0; k < KINDS; k++)
        if (best[k].rate > 0)
            printf("%-10s %9.0f packets/s   p50 %8.0f us   p99 %8.0f us   server's CPU %5.1f us/packet\n", kind_name[k], best[k].rate,
                   best[k].p50, best[k].p99, best[k].cpu);
}

/* ---- yardsticks without a network ---------------------------------------------------------------------- */

static void run_sql(sqlite3 *s, const char *sql)
{
    if (sqlite3_exec(s, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(s));
}

/* Packets a second into a plain table, with their eight readings or without. */
static double sqlite_inserts(bool readings)
{
    enum { PACKETS = 100000 };
    char path[256], frame[HJ212_FRAME_MAX], seg[HJ212_SEGMENT_MAX];
    sqlite3 *s = NULL;
    sqlite3_stmt *p, *r;
    snprintf(path, sizeof path, "%s/bench_ingest_%d.raw", dir, (int)getpid());
    if (sqlite3_open(path, &s) != SQLITE_OK)
        die(path, sqlite3_errmsg(s));
    run_sql(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE packet (station INTEGER, at INTEGER, raw BLOB);"
               "CREATE TABLE reading (packet INTEGER, factor TEXT, at INTEGER, value REAL, flag TEXT)");
    int n = snprintf(seg, sizeof seg,
                     "QN=20000000000000000;ST=32;CN=2011;PW=123456;MN=LOAD0000;Flag=5;CP=&&DataTime=20000101000000;"
                     "w01018-Rtd=40.10,w01018-Flag=N;w01001-Rtd=7.52,w01001-Flag=N;w00000-Rtd=17.5,w00000-Flag=N;"
                     "w21003-Rtd=1.253,w21003-Flag=N;w21011-Rtd=0.31,w21011-Flag=N;w21001-Rtd=9.71,w21001-Flag=N;"
                     "w01010-Rtd=21.4,w01010-Flag=N;w01014-Rtd=431.0,w01014-Flag=N&&");
    int size = (int)hj212_frame((lf_text){ seg, (uint32_t)n }, frame, sizeof frame);
    if (sqlite3_prepare_v2(s, "INSERT INTO packet VALUES (?, ?, ?)", -1, &p, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(s, "INSERT INTO reading VALUES (?, ?, ?, ?, ?)", -1, &r, NULL) != SQLITE_OK)
        die(path, sqlite3_errmsg(s));
    double began = now_s();
    for (int i = 0; i < PACKETS; i++) {
        if (i % 1000 == 0)
            run_sql(s, i ? "COMMIT; BEGIN" : "BEGIN");
        sqlite3_bind_int64(p, 1, i % 1000);
        sqlite3_bind_int64(p, 2, 1000 * (int64_t)i);
        sqlite3_bind_blob(p, 3, frame, size, SQLITE_STATIC);
        sqlite3_step(p);
        sqlite3_reset(p);
        for (int k = 0; readings && k < 8; k++) {
            sqlite3_bind_int64(r, 1, i);
            sqlite3_bind_text(r, 2, "w01018", 6, SQLITE_STATIC);
            sqlite3_bind_int64(r, 3, 1000 * (int64_t)i);
            sqlite3_bind_double(r, 4, k + i * 0.1);
            sqlite3_bind_text(r, 5, "N", 1, SQLITE_STATIC);
            sqlite3_step(r);
            sqlite3_reset(r);
        }
    }
    run_sql(s, "COMMIT");
    double took = now_s() - began;
    sqlite3_finalize(p);
    sqlite3_finalize(r);
    sqlite3_close(s);
    remove_store();
    return PACKETS / took;
}

static void ratio(const char *what, double of, double to, const char *goal)
{
    if (to > 0)
        printf("ratio      %s = %.2f%s%s\n", what, of / to, goal ? "   goal " : "", goal ? goal : "");
}

/* How long an acknowledgement takes at half of the most that this way can carry, against the disk before and after it. */
static void half(const char *what, double most, const char *way)
{
    char how[120];
    double p50, p99, p50_after, p99_after;
    snprintf(how, sizeof how, "%s --window 32 --seconds 4 --rate %.0f", way, most / 2);
    disk_speed(dir, &p50, &p99);
    struct result r = one(OURS, how), null = one(NONE, how);
    disk_speed(dir, &p50_after, &p99_after);
    p50 = p50 > p50_after ? p50 : p50_after;
    p99 = p99 > p99_after ? p99 : p99_after;
    printf("-- half of that, %s: %.0f of %.0f packets/s, acknowledged after p50 %.0f us, p99 %.0f us\n", what, r.rate, most / 2, r.p50,
           r.p99);
    printf("null       p50 %.0f us, p99 %.0f us at the same rate: what the machine and the load itself take\n", null.p50, null.p99);
    printf("fdatasync  p50 %.0f us   p99 %.0f us (64 KB appended; before and after, the worse)\n", p50, p99);
    ratio("acknowledgement p99 : fdatasync p99", r.p99, p99, "<= 3.00");
}

int main(int argc, char **argv)
{
    struct result a[KINDS], b[KINDS], c[KINDS], d[KINDS];
    if (argc < 4) {
        fprintf(stderr, "usage: bench_ingest BENCH_LOAD BENCH_NULL STATION_SERVER [DIR]\n");
        return 2;
    }
    load_program = argv[1], null_program = argv[2], server_program = argv[3];
    dir = argc > 4 ? argv[4] : dir;
    setvbuf(stdout, NULL, _IOLBF, 0);
    raise_files(65536);
    signal(SIGPIPE, SIG_IGN);
    compare("10,000 connections, one packet on its way each", "--connections 10000 --stations " STATIONS " --window 1 --seconds 3", a);
    ratio("ours : null server", a[OURS].rate, a[NONE].rate, ">= 0.95");
    ratio("ours : durable", a[OURS].rate, a[DURABLE].rate, NULL);
    ratio("road : null server", a[ROAD].rate, a[NONE].rate, NULL);
    ratio("ours : mosquitto QoS 1", a[OURS].rate, a[MOSQUITTO].rate, ">= 1.00");
    compare("10,000 connections, 8 packets ahead", "--connections 10000 --stations " STATIONS " --window 8 --seconds 3", c);
    ratio("ours : null server", c[OURS].rate, c[NONE].rate, ">= 0.75");
    ratio("ours : durable", c[OURS].rate, c[DURABLE].rate, NULL);
    ratio("road : null server", c[ROAD].rate, c[NONE].rate, NULL);
    compare("the same through gateways: each packet of another station, 1,000 in all",
            "--connections 10000 --gateways --window 8 --seconds 3", d);
    ratio("ours : null server", d[OURS].rate, d[NONE].rate, NULL);
    compare("200 connections, 32 packets ahead", "--connections 200 --window 32 --seconds 3", b);
    ratio("tables : null server", b[TABLES].rate, b[NONE].rate, NULL);
    double raw = sqlite_inserts(false), rows = sqlite_inserts(true);
    printf("sqlite     %9.0f packets/s inserted raw, %.0f with their eight readings\n", raw, rows);
    ratio("ours : null server", b[OURS].rate, b[NONE].rate, ">= 0.75");
    ratio("ours : durable", b[OURS].rate, b[DURABLE].rate, NULL);
    ratio("road : null server", b[ROAD].rate, b[NONE].rate, NULL);
    ratio("ours : sqlite, packets", b[OURS].rate, raw, ">= 0.50");
    ratio("ours : sqlite, packets and readings", b[OURS].rate, rows, NULL);
    half("one packet at a time", a[OURS].rate, "--connections 1000");
    half("16 at once over each connection", b[OURS].rate, "--connections 200 --burst 16");
    return 0;
}
