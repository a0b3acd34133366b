/* Ingest: packets stored and acknowledged, end to end over loopback, against plain SQLite inserting the very same rows
 * (packets and readings, same tables and indexes, prepared statements, 1,000 packets a commit, synchronous=FULL) in the same run.
 *
 *   bench_ingest STATION_LOAD_PROGRAM [DIR [DB_URL]]     DIR: where the databases are made (a real disk), default /tmp
 *
 * One device waits for its answer before it sends again; so "one outstanding" is bound by the disk's sync, shared by all who
 * wait together. */
#include "base/arena.h"
#include "tele/listener.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STATIONS = 200, YARD_BATCH = 1000 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_ingest: %s: %s\n", what, why);
    exit(1);
}

static struct lf_directory *stations(void)
{
    struct lf_arena a = { 0 };
    struct lf_tele_station *list = lf_alloc(&a, STATIONS * sizeof *list);
    for (int i = 0; i < STATIONS; i++)
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(lf_printf(&a, "LOAD%04d", i)), .pw = LF_TEXT("123456") };
    struct lf_directory *d = lf_directory_make(list, STATIONS);
    lf_arena_free(&a);
    return d;
}

/* Runs station_load; packets per second as it measured them. */
static double load(const char *program, int port, long first, long packets, int connections, int window)
{
    char command[600], line[200] = "";
    long acked = 0, all = 0, sent = 0;
    double took = 0;
    snprintf(command, sizeof command, "'%s' --port %d --stations %d --connections %d --window %d --packets %ld --first %ld", program, port,
             STATIONS, connections, window, packets, first);
    FILE *f = popen(command, "r");
    if (!f || !fgets(line, sizeof line, f) ||
        sscanf(line, "acknowledged %ld of %ld packets, %ld sent, %lf", &acked, &all, &sent, &took) != 4 || acked != packets)
        die("load", line);
    pclose(f);
    return (double)acked / took;
}

/* ---- the yardstick: rows of a finished run, read into memory, inserted again ----------------------------- */

struct row {
    sqlite3_value *v[16];
};

static sqlite3 *open_db(const char *path)
{
    sqlite3 *s = NULL;
    if (sqlite3_open(path, &s) != SQLITE_OK ||
        sqlite3_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK)
        die(path, sqlite3_errmsg(s));
    return s;
}

static struct row *read_rows(sqlite3 *s, const char *sql, int cols, size_t *n)
{
    sqlite3_stmt *q = NULL;
    struct row *rows = NULL;
    size_t cap = 0;
    *n = 0;
    if (sqlite3_prepare_v2(s, sql, -1, &q, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(s));
    while (sqlite3_step(q) == SQLITE_ROW) {
        if (*n == cap)
            rows = lf_renew(rows, (cap = 2 * cap + 1024) * sizeof *rows);
        for (int c = 0; c < cols; c++)
            rows[*n].v[c] = sqlite3_value_dup(sqlite3_column_value(q, c));
        ++*n;
    }
    sqlite3_finalize(q);
    return rows;
}

static void free_rows(struct row *rows, size_t n, int cols)
{
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < cols; c++)
            sqlite3_value_free(rows[i].v[c]);
    lf_release(rows);
}

static void insert(sqlite3_stmt *q, const struct row *r, int cols)
{
    for (int c = 0; c < cols; c++)
        sqlite3_bind_value(q, c + 1, r->v[c]);
    if (sqlite3_step(q) != SQLITE_DONE)
        die("insert", sqlite3_errmsg(sqlite3_db_handle(q)));
    sqlite3_reset(q);
}

static sqlite3_stmt *prepare(sqlite3 *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s, sql, -1, &q, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(s));
    return q;
}

static void copy_schema(sqlite3 *from, sqlite3 *to)
{
    sqlite3_stmt *q =
        prepare(from, "SELECT sql FROM sqlite_master WHERE tbl_name IN ('packet', 'reading') AND sql IS NOT NULL ORDER BY rowid");
    while (sqlite3_step(q) == SQLITE_ROW)
        if (sqlite3_exec(to, (const char *)sqlite3_column_text(q, 0), NULL, NULL, NULL) != SQLITE_OK)
            die("schema", sqlite3_errmsg(to));
    sqlite3_finalize(q);
}

/* Packets per second of plain inserts. */
static double yardstick(const char *from_path, const char *to_path)
{
    enum { PC = 13, RC = 11 };
    sqlite3 *from = open_db(from_path), *to = open_db(to_path);
    size_t np, nr, r = 0;
    struct row *p = read_rows(
        from, "SELECT id, station_id, received, at, qn, st, cn, pno, digest, peer, note, readings, raw FROM packet ORDER BY id", PC, &np);
    struct row *v = read_rows(
        from, "SELECT packet_id, station_id, factor, kind, at, value, vmin, vmax, cou, zs, flag FROM reading ORDER BY packet_id", RC, &nr);
    copy_schema(from, to);
    sqlite3_stmt *ip = prepare(to, "INSERT INTO packet (id, station_id, received, at, qn, st, cn, pno, digest, peer, note, readings, raw) "
                                   "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sqlite3_stmt *iv = prepare(
        to,
        "INSERT INTO reading (packet_id, station_id, factor, kind, at, value, vmin, vmax, cou, zs, flag) VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    double began = now_s();
    for (size_t i = 0; i < np; i++) {
        if (i % YARD_BATCH == 0)
            sqlite3_exec(to, i ? "COMMIT; BEGIN" : "BEGIN", NULL, NULL, NULL);
        insert(ip, &p[i], PC);
        for (; r < nr && sqlite3_value_int64(v[r].v[0]) <= sqlite3_value_int64(p[i].v[0]); r++)
            insert(iv, &v[r], RC);
    }
    sqlite3_exec(to, "COMMIT", NULL, NULL, NULL);
    double took = now_s() - began;
    sqlite3_finalize(ip);
    sqlite3_finalize(iv);
    free_rows(p, np, PC);
    free_rows(v, nr, RC);
    sqlite3_close(from);
    sqlite3_close(to);
    return (double)np / took;
}

static void remove_db(const char *path)
{
    static const char *const ends[] = { "", "-wal", "-shm" };
    char file[400];
    for (size_t i = 0; i < LF_COUNT(ends); i++) {
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int connections, window;
        long packets;
    } runs[] = { { "sent ahead, 16 connections x 32", 16, 32, 40000 },
                 { "one outstanding x 200 connections", 200, 1, 20000 },
                 { "one outstanding x 1 connection", 1, 1, 1000 } };
    char path[300], yard[320], url[320];
    double rate[LF_COUNT(runs)];
    struct lf_err err = { 0 };
    struct lf_db *db = NULL;
    struct lf_tele_store *store = NULL;
    struct lf_listener *listener = NULL;
    long first = 0;
    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s/bench_ingest_%d.db", argc > 2 ? argv[2] : "/tmp", (int)getpid());
    snprintf(yard, sizeof yard, "%s.yard", path);
    snprintf(url, sizeof url, "sqlite:%s", path);
    if (lf_db_open(&db, &(struct lf_db_config){ .url = argc > 3 ? argv[3] : url, .readers = 1 }, &err) != LF_OK ||
        lf_db_migrate(db, lf_tele_migrations, lf_tele_migration_count, NULL, &err) != LF_OK || lf_tele_sql_open(&store, db, &err) != LF_OK)
        die("store", err.msg);
    struct lf_listener_config config = { .max_per_peer = 2000, .store = store, .directory = stations() };
    if (lf_listener_start(&listener, &config, &err) != LF_OK)
        die("listener", err.msg);
    for (size_t i = 0; i < LF_COUNT(runs); i++) {
        struct lf_listener_stats before = lf_listener_stats(listener);
        rate[i] = load(argv[1], lf_listener_port(listener), first, runs[i].packets, runs[i].connections, runs[i].window);
        first += runs[i].packets;
        struct lf_listener_stats after = lf_listener_stats(listener);
        printf("%-36s %8.0f packets/s  %5.0f packets a commit\n", runs[i].name, rate[i],
               (double)runs[i].packets / (double)(after.commits - before.commits ? after.commits - before.commits : 1));
    }
    lf_listener_stop(listener);
    lf_tele_store_close(store);
    lf_db_close(db);
    if (argc <= 3) {
        double plain = yardstick(path, yard);
        printf("%-36s %8.0f packets/s  %5d packets a commit\n", "plain SQLite, same rows", plain, YARD_BATCH);
        for (size_t i = 0; i < LF_COUNT(runs); i++)
            printf("ratio   %-36s / plain SQLite = %.2f\n", runs[i].name, rate[i] / plain);
    }
    remove_db(path);
    remove_db(yard);
    return 0;
}
