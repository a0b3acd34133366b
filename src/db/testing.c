#include "db/testing.h"

#include <assert.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool lf_test_db_there(bool postgres)
{
    if (!postgres || getenv("LANFAN_TEST_PG"))
        return true;
    if (!getenv("LANFAN_TEST_REQUIRE_PG"))
        return false;
    fputs("LANFAN_TEST_PG is not set\nHINT: run through tools/with_postgres\n", stderr);
    exit(1);
}

static void silent(void *user, const char *message) {}

static void admin(const char *sql)
{
    PGconn *c = PQconnectdb(getenv("LANFAN_TEST_PG"));
    PQsetNoticeProcessor(c, silent, NULL);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(c));
        exit(1);
    }
    PQclear(r);
    PQfinish(c);
}

void lf_test_db_new(struct lf_test_db *t, bool postgres)
{
    static int count;
    char sql[128];
    *t = (struct lf_test_db){ .postgres = postgres, .dir = "/tmp/lanfan-test-XXXXXX" };
    if (!mkdtemp(t->dir)) {
        perror(t->dir);
        exit(1);
    }
    if (!postgres) {
        snprintf(t->url, sizeof t->url, "sqlite:%s/test.db", t->dir);
        return;
    }
    snprintf(t->name, sizeof t->name, "t%d_%d", (int)getpid(), ++count);
    snprintf(sql, sizeof sql, "CREATE SCHEMA %s", t->name);
    admin(sql);
    const char *base = getenv("LANFAN_TEST_PG");
    assert(base);
    snprintf(t->url, sizeof t->url, "%s%coptions=-csearch_path%%3D%s&application_name=%s", base, strchr(base, '?') ? '&' : '?', t->name,
             t->name);
}

static int gone(const char *path, const struct stat *st, int kind, struct FTW *f) { return remove(path); }

void lf_test_db_drop(struct lf_test_db *t)
{
    char sql[128];
    nftw(t->dir, gone, 8, FTW_DEPTH | FTW_PHYS);
    if (!t->postgres)
        return;
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", t->name);
    admin(sql);
}
