/* SQLite over a disk that is full or broken at each write and sync in turn: the error is told, what was committed stays, and when there
 * is room again the same connections go on. */
#include "db/testing.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- a file system that fails as told ----------------------------------------------------------- */

static int call, fail_from, fail_count, fail_code, fail_sync;

static bool fails(bool sync)
{
    if (!fail_from || sync != (bool)fail_sync)
        return false;
    call++;
    return call >= fail_from && call < fail_from + fail_count;
}

struct file {
    sqlite3_file base;
    sqlite3_file *real;
};
static sqlite3_file *real(sqlite3_file *f) { return ((struct file *)f)->real; }
#define REAL(f) real(f)->pMethods
static int f_close(sqlite3_file *f) { return REAL(f)->xClose(real(f)); }
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return REAL(f)->xRead(real(f), p, n, at); }
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (!fails(false))
        return REAL(f)->xWrite(real(f), p, n, at);
    REAL(f)->xWrite(real(f), p, n / 2, at); /* half of it got there */
    return fail_code;
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n) { return REAL(f)->xTruncate(real(f), n); }
static int f_sync(sqlite3_file *f, int flags) { return fails(true) ? fail_code : REAL(f)->xSync(real(f), flags); }
static int f_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->xFileSize(real(f), n); }
static int f_lock(sqlite3_file *f, int how) { return REAL(f)->xLock(real(f), how); }
static int f_unlock(sqlite3_file *f, int how) { return REAL(f)->xUnlock(real(f), how); }
static int f_reserved(sqlite3_file *f, int *out) { return REAL(f)->xCheckReservedLock(real(f), out); }
static int f_control(sqlite3_file *f, int op, void *arg) { return REAL(f)->xFileControl(real(f), op, arg); }
static int f_sector(sqlite3_file *f) { return REAL(f)->xSectorSize(real(f)); }
static int f_device(sqlite3_file *f) { return REAL(f)->xDeviceCharacteristics(real(f)); }
static int f_shm_map(sqlite3_file *f, int i, int n, int w, void volatile **p) { return REAL(f)->xShmMap(real(f), i, n, w, p); }
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags) { return REAL(f)->xShmLock(real(f), at, n, flags); }
static void f_shm_barrier(sqlite3_file *f) { REAL(f)->xShmBarrier(real(f)); }
static int f_shm_unmap(sqlite3_file *f, int del) { return REAL(f)->xShmUnmap(real(f), del); }
static const sqlite3_io_methods methods = { 2,        f_close,   f_read,     f_write,       f_truncate, f_sync,
                                            f_size,   f_lock,    f_unlock,   f_reserved,    f_control,  f_sector,
                                            f_device, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap };

static sqlite3_vfs disk, *below;
static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct file *w = (struct file *)f;
    w->real = (sqlite3_file *)(w + 1);
    int code = below->xOpen(below, name, w->real, flags, out);
    w->base.pMethods = code ? NULL : &methods;
    return code;
}

static int mount_disk(void **state)
{
    below = sqlite3_vfs_find(NULL);
    disk = *below;
    disk.zName = "failing";
    disk.szOsFile = (int)sizeof(struct file) + below->szOsFile;
    disk.xOpen = v_open;
    return sqlite3_vfs_register(&disk, 1);
}
static int unmount_disk(void **state) { return sqlite3_vfs_unregister(&disk); }

static void heal(void) { call = fail_from = 0; }
static void fail_at(int from, int count, int code, bool sync)
{
    call = 0, fail_from = from, fail_count = count, fail_code = code, fail_sync = sync;
}

/* ---- one database ------------------------------------------------------------------------------------ */

enum { ROWS = 12 };
static struct lf_test_db t;
static struct lf_db *db;

static void open_db(void)
{
    struct lf_err err = { 0 };
    assert_int_equal(lf_db_open(&db, &(struct lf_db_config){ .url = t.url }, &err), LF_OK);
}

static int64_t one(const char *sql)
{
    struct lf_ctx cx = { .db = db };
    struct lf_val v = { .t = LF_T_INT };
    assert_int_equal(lf_tx_begin(&cx, LF_TX_READ), LF_OK);
    assert_int_equal(lf_tx_end(&cx, lf_sql_one(&cx, sql, NULL, 0, &v, 1)), LF_OK);
    lf_arena_free(&cx.arena);
    return v.i;
}

/* Some rows of 4 KB in one transaction; the sum table moves with them. */
static lf_rc insert(struct lf_err *err)
{
    struct lf_ctx cx = { .db = db };
    char pad[4000];
    memset(pad, 'x', sizeof pad);
    const struct lf_val v[] = { lf_val_text((lf_text){ pad, sizeof pad }) };
    lf_rc rc = lf_tx_begin(&cx, LF_TX_WRITE);
    if (!rc) {
        for (int i = 0; !rc && i < ROWS; i++)
            rc = lf_sql_run(&cx, "INSERT INTO row (pad) VALUES ($1)", v, 1, NULL);
        if (!rc)
            rc = lf_sql_run(&cx, "UPDATE total SET n = n + 12", NULL, 0, NULL);
        rc = lf_tx_end(&cx, rc);
    }
    *err = cx.err;
    lf_arena_free(&cx.arena);
    return rc;
}

static void whole(int64_t rows)
{
    assert_int_equal(one("SELECT count(*) FROM row"), rows);
    assert_int_equal(one("SELECT n FROM total"), rows);
    assert_int_equal(one("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* Fails at the k-th call, for every k until nothing fails any more. `count` calls fail; then there is room again. */
static void every_call(int count, int code, bool sync, const char *told)
{
    static const struct lf_migration m = { "1", "CREATE TABLE row (id @id, pad @text NOT NULL) @strict;"
                                                "CREATE TABLE total (n @int NOT NULL) @strict; INSERT INTO total VALUES (0)" };
    struct lf_err err = { 0 };
    int64_t rows = 0;
    int failures = 0;
    bool reached = true;
    lf_test_db_new(&t, false);
    open_db();
    assert_int_equal(lf_db_migrate(db, &m, 1, NULL, &err), LF_OK);
    for (int k = 1; reached; k++) {
        fail_at(k, count, code, sync);
        lf_rc rc = insert(&err);
        reached = call >= k;
        if (rc) {
            failures++;
            assert_int_equal(rc, LF_EDB);
            assert_non_null(strstr(err.msg, told));
        } else {
            rows += ROWS;
        }
        whole(rows); /* readers see what was committed while the disk is still bad */
        heal();
        assert_int_equal(insert(&err), LF_OK);
        rows += ROWS;
        if (k % 8 == 0) { /* and so does a program that starts anew */
            lf_db_close(db);
            open_db();
        }
        whole(rows);
    }
    assert_true(failures > (sync ? 0 : 3)); /* a commit syncs once */
    lf_db_close(db);
    lf_test_db_drop(&t);
}

static void the_disk_is_full_once(void **state) { every_call(1, SQLITE_FULL, false, "磁盘已满"); }
static void the_disk_stays_full(void **state) { every_call(1000000, SQLITE_FULL, false, "磁盘已满"); }
static void a_write_fails(void **state) { every_call(1, SQLITE_IOERR_WRITE, false, "sqlite: disk I/O error"); }
static void a_sync_fails(void **state) { every_call(1, SQLITE_IOERR_FSYNC, true, "sqlite: disk I/O error"); }

static void a_migration_on_a_full_disk_is_not_half_there(void **state)
{
    static const struct lf_migration m[] = { { "1", "CREATE TABLE a (n @int) @strict; CREATE TABLE b (n @int) @strict" },
                                             { "2", "CREATE TABLE c (n @int) @strict; INSERT INTO a VALUES (1)" } };
    struct lf_err err = { 0 };
    bool reached = true;
    for (int k = 1; reached; k++) {
        lf_test_db_new(&t, false);
        open_db();
        fail_at(k, 1000000, SQLITE_FULL, false);
        lf_rc rc = lf_db_migrate(db, m, 2, NULL, &err);
        reached = call >= k;
        assert_true(rc == LF_OK ? !reached : rc == LF_EDB);
        heal();
        assert_int_equal(lf_db_migrate(db, m, 2, NULL, &err), LF_OK);
        assert_int_equal(one("SELECT count(*) FROM a"), 1);
        lf_db_close(db);
        lf_test_db_drop(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_is_full_once),
        cmocka_unit_test(the_disk_stays_full),
        cmocka_unit_test(a_write_fails),
        cmocka_unit_test(a_sync_fails),
        cmocka_unit_test(a_migration_on_a_full_disk_is_not_half_there),
    };
    return cmocka_run_group_tests_name("disk", tests, mount_disk, unmount_disk);
}
