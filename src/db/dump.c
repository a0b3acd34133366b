/* dump.c - PostgreSQL is copied and put back by its own programs, which know what a consistent copy of it is. */
#include "db/db_ops.h"

#include <errno.h>
#include <libpq-fe.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parts of the address as variables of the environment: an argument could be read by every user of the machine. */
static char **environment(struct lf_arena *a, PQconninfoOption *o)
{
    size_t n = 0, parts = 0;
    while (environ[n])
        n++;
    for (PQconninfoOption *x = o; x->keyword; x++)
        parts += x->envvar && x->val;
    char **env = lf_alloc(a, (n + parts + 1) * sizeof *env), **p = env;
    for (; o->keyword; o++)
        if (o->envvar && o->val)
            *p++ = lf_printf(a, "%s=%s", o->envvar, o->val);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "PG", 2) != 0)
            *p++ = environ[i];
    return env;
}

static lf_rc run(const char *url, const char *const *argv, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    char *why = NULL;
    PQconninfoOption *o = PQconninfoParse(url, &why);
    if (!o) {
        lf_err_set(err, LF_EINVAL, "db", "the address of the database cannot be read: %.200s", why ? why : "no memory");
        PQfreemem(why);
        return LF_EINVAL;
    }
    pid_t pid;
    int status = 0, code = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environment(&a, o));
    PQconninfoFree(o);
    lf_arena_free(&a);
    if (code)
        return lf_err_set(err, LF_EIO, NULL, "cannot run %s: %s\nHINT: install it (Debian package postgresql-client)", argv[0],
                          strerror(code));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? LF_OK
               : lf_err_set(err, LF_EDB, NULL, "%s failed\nHINT: what it said stands above", argv[0]);
}

lf_rc lf_pg_dump(const char *url, const char *path, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    if (access(path, F_OK) == 0)
        return lf_err_set(err, LF_EINVAL, "path", "%s exists already\nHINT: choose a new file name", path);
    const char *const argv[] = { "pg_dump", "--format=custom", "--no-password", lf_printf(&a, "--file=%s", path), NULL };
    lf_rc rc = run(url, argv, err);
    if (rc)
        unlink(path);
    lf_arena_free(&a);
    return rc;
}

lf_rc lf_db_restore(const char *url, const char *path, struct lf_err *err)
{
    struct lf_arena a = { 0 };
    PQconninfoOption *o = PQconninfoParse(url, NULL);
    const char *name = "";
    for (PQconninfoOption *x = o; x && x->keyword; x++)
        if (!strcmp(x->keyword, "dbname") && x->val)
            name = lf_printf(&a, "%s", x->val);
    PQconninfoFree(o);
    const char *const argv[] = { "pg_restore",
                                 "--single-transaction",
                                 "--exit-on-error",
                                 "--no-owner",
                                 "--no-password",
                                 lf_printf(&a, "--dbname=%s", name),
                                 lf_printf(&a, "%s", path),
                                 NULL };
    lf_rc rc = run(url, argv, err);
    lf_arena_free(&a);
    return rc;
}
