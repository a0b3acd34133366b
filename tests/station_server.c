/* station_server - the telemetry road alone, for tests that kill it: a listener over a store, with stations LOAD0000 ...
 *
 * DB_URL "null": a store that keeps nothing, for measuring the road alone. "files:DIR": the store of files; LANFAN_SEAL_BYTES sets
 * how much is sealed at once.
 *   station_server DB_URL STATIONS [PORT]     prints "port N" when it listens; ends on end of file of standard input */
#include "base/arena.h"
#include "tele/listener.h"
#include "tele/log/store.h"
#include "tele/store_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct lf_directory *stations(int n)
{
    struct lf_arena a = { 0 };
    struct lf_tele_station *list = lf_alloc(&a, (size_t)n * sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(lf_printf(&a, "LOAD%04d", i)), .pw = LF_TEXT("123456") };
    struct lf_directory *d = lf_directory_make(list, (size_t)n);
    lf_arena_free(&a);
    return d;
}

/* Opens the store of that engine; *db is what the caller closes after it. */
static lf_rc open_store(const char *url, struct lf_tele_store **store, struct lf_db **db, struct lf_err *err)
{
    if (strncmp(url, "files:", 6) == 0) {
        const char *seal = getenv("LANFAN_SEAL_BYTES");
        struct lf_tele_log_config c = { .dir = url + 6, .seal_bytes = seal ? strtoull(seal, NULL, 10) : 0 };
        return lf_tele_log_open(store, &c, err);
    }
    bool postgres = strncmp(url, "sqlite:", 7) != 0;
    lf_rc rc = lf_db_open(db, &(struct lf_db_config){ .url = url, .readers = 1 }, err);
    if (!rc)
        rc = postgres ? lf_db_migrate_in(*db, LF_TELE_PG_MIGRATED, lf_tele_pg_migrations, lf_tele_pg_migration_count, NULL, err)
                      : lf_db_migrate(*db, lf_tele_migrations, lf_tele_migration_count, NULL, err);
    if (!rc)
        rc = postgres ? lf_tele_pg_open(store, &(struct lf_tele_pg_config){ .url = url }, err) : lf_tele_sql_open(store, *db, err);
    return rc;
}

int main(int argc, char **argv)
{
    struct lf_err err = { 0 };
    struct lf_db *db = NULL;
    struct lf_tele_store *store = NULL;
    struct lf_listener *listener = NULL;
    char c;
    if (argc < 3)
        return 2;
    lf_keep_released();
    struct lf_listener_config config = { .max_connections = 32000,
                                         .max_per_peer = 32000,
                                         .port = (uint16_t)(argc > 3 ? atoi(argv[3]) : 0) };
    struct memory_store *none = strcmp(argv[1], "null") == 0 ? memory_store_new() : NULL;
    if (none) {
        none->forget = true;
        store = &none->base;
    } else if (open_store(argv[1], &store, &db, &err) != LF_OK) {
        goto failed;
    }
    config.store = store;
    config.directory = stations(atoi(argv[2]));
    if (lf_listener_start(&listener, &config, &err) != LF_OK)
        goto failed;
    printf("port %u\n", (unsigned)lf_listener_port(listener));
    fflush(stdout);
    while (read(0, &c, 1) > 0)
        ;
    lf_listener_stop(listener);
    goto close;
failed:
    fprintf(stderr, "station_server: %s\n", err.msg);
close:
    if (none) {
        memory_store_free(none);
    } else {
        lf_tele_store_close(store);
        lf_db_close(db);
    }
    return err.rc ? 1 : 0;
}
