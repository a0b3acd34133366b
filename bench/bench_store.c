/* bench_store - the telemetry store in files against SQLite's plain row table (and DuckDB, when it is at hand), in one run over the
 * same packets:
 *
 *   append   packets a second into the store, 1,000 a commit, against SQLite inserting the same packets and readings into tables
 *            without an index, 1,000 a transaction, synchronous=FULL
 *   crash    how long opening takes when all of it lies in the journal
 *   bytes    per value, sealed, against SQLite's table of readings (with its key, and the rows alone)
 *   cold     a station's day, with nothing of it in memory
 *   hourly   hourly means of a month of minutes of one series, against DuckDB on one thread
 *   year     what 2,000 stations would need for a year, from the bytes measured
 *
 *   bench_store [DIR [DUCKDB_SCRIPT]]     DIR: on a real disk, default /tmp. DUCKDB_SCRIPT: bench/duckdb.mjs; LANFAN_DUCKDB names the
 *                                         folder where the node package @duckdb/node-api is installed */
#include "common.h"
#include "base/random_testing.h"
#include "tele/log/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATIONS = 40, FACTORS = 6, EVERY_S = 30, DAYS = 3, BATCH = 1000, APPENDED = 100, MINUTES = 30 * 1440, COLD = 9 };
static const char *const factors[FACTORS] = { "a34004", "a21026", "a21002", "a05002", "w01018", "w21003" };
static const int decimals[FACTORS] = { 2, 2, 1, 3, 1, 3 };
static const int64_t EPOCH = 1709222400000; /* 2024-03-01 00:00 */

static char dir[200], store_dir[240], sqlite_path[240], plain_path[240];
static struct lf_tele_store *store;
static sqlite3 *db;

#define OK(call) \
    do { \
        struct lf_err err = { 0 }; \
        if ((call) < 0) \
            die(#call, err.msg); \
    } while (0)

/* ---- what stations send ------------------------------------------------------------------------------------------- */

static double level[STATIONS][FACTORS];

/* A slow walk with noise, rounded as instruments do. */
static double next_value(int station, int factor)
{
    double *l = &level[station][factor], scale = 1;
    *l = *l == 0 ? 20 + pick(60) : *l + ((double)pick(2001) - 1000) / 5000;
    *l = *l < 1 ? 1 : *l;
    for (int d = 0; d < decimals[factor]; d++)
        scale *= 10;
    return rint((*l + ((double)pick(2001) - 1000) / 2000) * scale) / scale;
}

static void add_packet(struct lf_tele_batch *b, int station, int64_t at)
{
    char time[32], raw[1024];
    struct lf_tele_packet *p = lf_tele_add_packet(b);
    lf_ms_compact(time, (lf_ms){ at });
    int n = snprintf(raw, sizeof raw, "##0300QN=%s%03d;ST=31;CN=2011;PW=123456;MN=8888888%07d;Flag=5;CP=&&DataTime=%s", time,
                     station % 1000, station, time);
    *p = (struct lf_tele_packet){ .station = { station + 1 },
                                  .peer = LF_TEXT("10.20.30.40"),
                                  .qn = lf_str(lf_printf(&b->arena, "%s%03d", time, station % 1000)),
                                  .st = LF_TEXT("31"),
                                  .cn = LF_TEXT("2011"),
                                  .received = { at + 800 },
                                  .at = { at },
                                  .first = b->nreading,
                                  .n = FACTORS };
    for (int f = 0; f < FACTORS; f++) {
        struct lf_tele_reading *r = lf_tele_add_reading(b);
        *r = (struct lf_tele_reading){ .station = { station + 1 }, .factor = lf_str(factors[f]), .at = { at }, .flag = LF_TEXT("N") };
        r->value = next_value(station, f);
        r->vmin = r->vmax = r->cou = r->zs = NAN;
        n += snprintf(raw + n, sizeof raw - (size_t)n, ";%s-Rtd=%.*f,%s-Flag=N", factors[f], decimals[f], r->value, factors[f]);
    }
    n += snprintf(raw + n, sizeof raw - (size_t)n, "&&%04X\r\n", pick(65536));
    p->raw = lf_text_copy(&b->arena, (lf_text){ raw, (uint32_t)n });
}

/* ---- SQLite --------------------------------------------------------------------------------------------------------- */

static void sql(sqlite3 *d, const char *text)
{
    char *msg = NULL;
    if (sqlite3_exec(d, text, NULL, NULL, &msg) != SQLITE_OK)
        die(text, msg);
}

static sqlite3_stmt *prepare(sqlite3 *d, const char *text)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(d, text, -1, &s, NULL) != SQLITE_OK)
        die(text, sqlite3_errmsg(d));
    return s;
}

#define READING \
    "(station_id INTEGER NOT NULL, factor TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, value REAL, vmin REAL, vmax REAL, " \
    "cou REAL, zs REAL, flag TEXT, packet_id INTEGER NOT NULL"
static sqlite3 *open_sqlite(const char *path, bool keyed)
{
    sqlite3 *d;
    if (sqlite3_open(path, &d) != SQLITE_OK)
        die(path, "cannot open");
    sql(d, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
    sql(d, "CREATE TABLE packet (id INTEGER PRIMARY KEY, station_id INTEGER NOT NULL, received INTEGER NOT NULL, at INTEGER NOT NULL, qn "
           "TEXT, "
           "cn TEXT, peer TEXT, raw BLOB NOT NULL)");
    sql(d, keyed ? "CREATE TABLE reading " READING ", PRIMARY KEY (station_id, factor, kind, at))" : "CREATE TABLE reading " READING ")");
    return d;
}

struct inserts {
    sqlite3_stmt *packet, *reading;
    int64_t id;
};

static void bind_text(sqlite3_stmt *s, int i, lf_text t) { sqlite3_bind_text(s, i, t.p, (int)t.n, SQLITE_STATIC); }

static void insert_batch(sqlite3 *d, struct inserts *in, const struct lf_tele_batch *b)
{
    sql(d, "BEGIN");
    for (size_t i = 0; i < b->npacket; i++) {
        const struct lf_tele_packet *p = &b->packet[i];
        in->id++;
        sqlite3_bind_int64(in->packet, 1, in->id);
        sqlite3_bind_int64(in->packet, 2, p->station.v);
        sqlite3_bind_int64(in->packet, 3, p->received.ms);
        sqlite3_bind_int64(in->packet, 4, p->at.ms);
        bind_text(in->packet, 5, p->qn), bind_text(in->packet, 6, p->cn), bind_text(in->packet, 7, p->peer);
        sqlite3_bind_blob(in->packet, 8, p->raw.p, (int)p->raw.n, SQLITE_STATIC);
        sqlite3_step(in->packet);
        sqlite3_reset(in->packet);
        for (size_t r = p->first; r < p->first + p->n; r++) {
            sqlite3_bind_int64(in->reading, 1, p->station.v);
            bind_text(in->reading, 2, b->reading[r].factor);
            sqlite3_bind_int64(in->reading, 3, b->reading[r].at.ms);
            sqlite3_bind_double(in->reading, 4, b->reading[r].value);
            bind_text(in->reading, 5, b->reading[r].flag);
            sqlite3_bind_int64(in->reading, 6, in->id);
            sqlite3_step(in->reading);
            sqlite3_reset(in->reading);
        }
    }
    sql(d, "COMMIT");
}

static struct inserts inserts_of(sqlite3 *d)
{
    return (struct inserts){ prepare(d, "INSERT INTO packet VALUES (?,?,?,?,?,?,?,?)"),
                             prepare(d, "INSERT INTO reading VALUES (?,?,'rtd',?,?,NULL,NULL,NULL,NULL,?,?)"), 0 };
}

static void inserts_end(struct inserts *in)
{
    sqlite3_finalize(in->packet);
    sqlite3_finalize(in->reading);
}

static double bytes_of(sqlite3 *d, const char *objects)
{
    char text[200];
    snprintf(text, sizeof text, "SELECT sum(pgsize) FROM dbstat WHERE name IN (%s)", objects);
    sqlite3_stmt *s = prepare(d, text);
    double n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_double(s, 0) : 0;
    sqlite3_finalize(s);
    return n;
}

/* ---- the whole load: into the store, the keyed tables, and the first of it into the tables without a key -------------------- */

static void load_all(void)
{
    struct lf_tele_batch b = { .npacket = 0 };
    sqlite3 *plain = open_sqlite(plain_path, false);
    struct inserts all = inserts_of(db), some = inserts_of(plain);
    double ours = 0, theirs = 0;
    int64_t packets = 0, compared = 0;
    for (int64_t t = 0; t < DAYS * 86400; t += EVERY_S)
        for (int s = 0; s < STATIONS; s++) {
            add_packet(&b, s, EPOCH + t * 1000 + s);
            packets++;
            if (b.npacket < BATCH && !(t + EVERY_S >= DAYS * 86400 && s + 1 == STATIONS))
                continue;
            double began = now_s();
            OK(store->ops->commit(store, &b, &err));
            double middle = now_s();
            if (compared < APPENDED * BATCH) {
                insert_batch(plain, &some, &b);
                theirs += now_s() - middle;
                ours += middle - began;
                compared += (int64_t)b.npacket;
            }
            insert_batch(db, &all, &b);
            lf_tele_batch_reset(&b);
        }
    printf("append     %lld packets of %d readings: store %.0f/s, SQLite without an index %.0f/s: %.2f times as fast\n",
           (long long)compared, FACTORS, (double)compared / ours, (double)compared / theirs, theirs / ours);
    inserts_end(&all), inserts_end(&some);
    sqlite3_close(plain);
    lf_tele_batch_free(&b);
}

static void open_store(void)
{
    OK(lf_tele_log_open(&store, &(struct lf_tele_log_config){ .dir = store_dir, .by_hand = true, .max_bytes = 4ull << 30 }, &err));
}

static void reopen(void)
{
    struct lf_tele_log_stats s;
    lf_tele_store_close(store);
    double began = now_s();
    open_store();
    double took = now_s() - began;
    lf_tele_log_stats(store, &s);
    printf("crash      %.0f MB of journal, %lld values: open again after %.2f s\n", (double)s.journal_bytes / 1e6,
           (long long)s.memory_points, took);
}

/* ---- bytes --------------------------------------------------------------------------------------------------------------- */

static void compare_bytes(void)
{
    struct lf_tele_log_stats s;
    double began = now_s();
    OK(lf_tele_log_work(store, &err));
    double took = now_s() - began;
    sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    lf_tele_log_stats(store, &s);
    double values = (double)s.cls[LF_TELE_RTD].entries, packets = (double)s.cls[CLASS_PACKET].entries;
    double rows = bytes_of(db, "'reading'") / values, keyed = bytes_of(db, "'reading','sqlite_autoindex_reading_1'") / values;
    double each = (double)s.cls[LF_TELE_RTD].bytes / values, raw = (double)s.cls[CLASS_PACKET].bytes / packets;
    double raw_sqlite = bytes_of(db, "'packet'") / packets;
    printf("bytes      a value sealed %.2f, SQLite rows %.1f, with their key %.1f: %.3f of the rows, %.3f with the key (goal <= 0.25)\n",
           each, rows, keyed, each / rows, each / keyed);
    printf("           a raw packet sealed %.1f, in SQLite %.1f: %.3f; %.0f values and %.0f packets sealed in %.2f s\n", raw, raw_sqlite,
           raw / raw_sqlite, values, packets, took);
    double a_year = 2000.0 * 365 * 86400 / EVERY_S;
    printf("year       2,000 stations, each %d s, %d factors: readings %.0f GB, raw packets %.0f GB; SQLite %.0f and %.0f GB\n", EVERY_S,
           FACTORS, a_year * FACTORS * each / 1e9, a_year * raw / 1e9, a_year * FACTORS * keyed / 1e9, a_year * raw_sqlite / 1e9);
}

/* ---- cold ------------------------------------------------------------------------------------------------------------------- */

static void forget(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

static void forget_store(void)
{
    char path[600];
    DIR *d = opendir(store_dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", store_dir, e->d_name);
        forget(path);
    }
    if (d)
        closedir(d);
}

static bool count(void *user, const struct lf_tele_reading *r)
{
    *(double *)user += r->value;
    return true;
}

static double day_of_store(int station, double *sum)
{
    forget_store();
    double began = now_s();
    for (int f = 0; f < FACTORS; f++) {
        struct lf_tele_series q = { .station = { station + 1 },
                                    .factor = lf_str(factors[f]),
                                    .from = { EPOCH + LF_DAY_MS },
                                    .to = { EPOCH + 2 * (int64_t)LF_DAY_MS } };
        OK(store->ops->scan(store, &q, count, sum, &err));
    }
    return now_s() - began;
}

static double day_of_sqlite(int station, double *sum)
{
    sqlite3 *d;
    forget(sqlite_path);
    double began = now_s();
    if (sqlite3_open_v2(sqlite_path, &d, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die(sqlite_path, "cannot open");
    sqlite3_stmt *s = prepare(
        d, "SELECT at, value, flag FROM reading WHERE station_id = ? AND factor = ? AND kind = 'rtd' AND at >= ? AND at < ? ORDER BY at");
    for (int f = 0; f < FACTORS; f++) {
        sqlite3_bind_int64(s, 1, station + 1);
        sqlite3_bind_text(s, 2, factors[f], -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 3, EPOCH + LF_DAY_MS);
        sqlite3_bind_int64(s, 4, EPOCH + 2 * (int64_t)LF_DAY_MS);
        while (sqlite3_step(s) == SQLITE_ROW)
            *sum += sqlite3_column_double(s, 1);
        sqlite3_reset(s);
    }
    double took = now_s() - began;
    sqlite3_finalize(s);
    sqlite3_close(d);
    return took;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return v[n / 2];
}

static void compare_cold(void)
{
    double ours[COLD], theirs[COLD];
    for (int i = 0; i < COLD; i++) {
        double a = 0, b = 0;
        ours[i] = day_of_store(i * 4, &a);
        theirs[i] = day_of_sqlite(i * 4, &b);
        if (fabs(a - b) > 1e-6 * fabs(a))
            die("cold", "the two do not agree");
    }
    double o = median(ours, COLD), t = median(theirs, COLD);
    printf("cold       a station's day (%d values): store %.2f ms, SQLite %.2f ms: %.1f times as fast (goal >= 5)\n",
           FACTORS * 86400 / EVERY_S, o * 1e3, t * 1e3, t / o);
}

/* ---- hourly means ------------------------------------------------------------------------------------------------------------- */

static void write_minutes(const char *csv)
{
    struct lf_tele_batch b = { .npacket = 0 };
    FILE *f = fopen(csv, "w");
    if (!f)
        die(csv, "cannot write");
    for (int s = 0; s < STATIONS; s++)
        for (int m = 0; m < MINUTES; m++) {
            struct lf_tele_packet *p = lf_tele_add_packet(&b);
            int64_t at = EPOCH + (int64_t)m * LF_MINUTE_MS;
            *p = (struct lf_tele_packet){
                .station = { s + 1 }, .cn = LF_TEXT("2051"), .at = { at }, .received = { at }, .first = b.nreading, .n = 1
            };
            struct lf_tele_reading *r = lf_tele_add_reading(&b);
            *r = (struct lf_tele_reading){
                .station = { s + 1 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_MIN, .at = { at }, .flag = LF_TEXT("N")
            };
            r->value = next_value(s, 4), r->vmin = r->value - 1, r->vmax = r->value + 1;
            r->cou = r->zs = NAN;
            fprintf(f, "%d,%lld,%.1f,%.1f,%.1f,N\n", s + 1, (long long)at, r->value, r->vmin, r->vmax);
            if (b.npacket == 20 * BATCH) {
                OK(store->ops->commit(store, &b, &err));
                lf_tele_batch_reset(&b);
            }
        }
    OK(store->ops->commit(store, &b, &err));
    lf_tele_batch_free(&b);
    OK(lf_tele_log_work(store, &err));
    fclose(f);
}

struct means {
    int64_t hour;
    double sum, total;
    int n, hours;
};

static void end_hour(struct means *m)
{
    if (m->n)
        m->total += m->sum / m->n, m->hours++;
    m->sum = m->n = 0;
}

static bool add_mean(void *user, const struct lf_tele_reading *r)
{
    struct means *m = user;
    if (r->at.ms / LF_HOUR_MS != m->hour)
        end_hour(m);
    m->hour = r->at.ms / LF_HOUR_MS;
    m->sum += r->value;
    m->n++;
    return true;
}

static double hourly_of_store(struct means *m)
{
    double best = 1e9;
    for (int i = 0; i < 21; i++) {
        struct lf_tele_series q = { .station = { 7 }, .factor = LF_TEXT("w01018"), .kind = LF_TELE_MIN, .to = { INT64_MAX } };
        *m = (struct means){ .n = 0 };
        double began = now_s();
        OK(store->ops->scan(store, &q, add_mean, m, &err));
        end_hour(m);
        best = now_s() - began < best ? now_s() - began : best;
    }
    return best;
}

static void compare_hourly(const char *script)
{
    char csv[260], command[900], line[300] = "";
    struct means m;
    snprintf(csv, sizeof csv, "%s/minutes.csv", dir);
    write_minutes(csv);
    double ours = hourly_of_store(&m), theirs = 0, total = 0;
    printf("hourly     means of a month of minutes (%d values, %d hours): store %.2f ms", MINUTES, m.hours, ours * 1e3);
    snprintf(command, sizeof command, "node '%s' '%s' '%s/minutes.duckdb'", script, csv, dir);
    FILE *p = script && getenv("LANFAN_DUCKDB") ? popen(command, "r") : NULL;
    bool said = p && fgets(line, sizeof line, p) && sscanf(line, "%lf %lf", &theirs, &total) == 2;
    if (p && pclose(p) != 0)
        said = false;
    if (!said)
        printf("; DuckDB left out (LANFAN_DUCKDB must name a folder with the node package @duckdb/node-api)\n");
    else if (fabs(total - m.total) > 1e-6 * total)
        die("hourly", "the two do not agree");
    else
        printf(", DuckDB on one thread %.2f ms: %.2f times as fast (goal >= 1)\n", theirs, theirs / (ours * 1e3));
}

int main(int argc, char **argv)
{
    snprintf(dir, sizeof dir, "%s/lanfan_bench_store_%d", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    snprintf(store_dir, sizeof store_dir, "%s/telemetry", dir);
    snprintf(sqlite_path, sizeof sqlite_path, "%s/keyed.db", dir);
    snprintf(plain_path, sizeof plain_path, "%s/plain.db", dir);
    make_folder(dir);
    double p50, p99;
    disk_speed(dir, &p50, &p99);
    printf("disk       fdatasync of 64 KB: p50 %.0f us, p99 %.0f us\n", p50, p99);
    open_store();
    db = open_sqlite(sqlite_path, true);
    load_all();
    reopen();
    compare_bytes();
    sqlite3_close(db);
    compare_cold();
    compare_hourly(argc > 2 ? argv[2] : NULL);
    lf_tele_store_close(store);
    remove_tree(dir);
    return 0;
}
