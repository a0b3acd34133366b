/* tree.c - copying and listing the files of a data directory. */
#include "app/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST "backup.txt"

static lf_rc io(struct lf_ctx *cx, const char *what, const char *path)
{
    return lf_fail(cx, LF_EIO, NULL, "cannot %s %s: %s\nHINT: free space? the right user?", what, path, strerror(errno));
}

/* ---- walking --------------------------------------------------------------------------------------------- */

typedef lf_rc (*visit)(void *user, struct lf_ctx *cx, const char *below, bool dir);

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The names in a directory, in order, so that two walks agree. */
static lf_rc names_of(struct lf_ctx *cx, const char *path, const char ***out, size_t *n)
{
    DIR *d = opendir(path);
    size_t cap = 0;
    *n = 0;
    *out = NULL;
    if (!d)
        return io(cx, "read", path);
    for (struct dirent *e; (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        *out = lf_more(&cx->arena, *out, *n, &cap, sizeof **out);
        (*out)[(*n)++] = lf_printf(&cx->arena, "%s", e->d_name);
    }
    closedir(d);
    if (*n)
        qsort(*out, *n, sizeof **out, by_name);
    return LF_OK;
}

/* Calls fn for everything below root, a directory before what it holds; `below` is the path from root. */
static lf_rc walk(struct lf_ctx *cx, const char *root, const char *below, visit fn, void *user)
{
    const char **name;
    size_t n;
    struct lf_arena_mark mark = lf_arena_here(&cx->arena);
    lf_rc rc = names_of(cx, *below ? lf_printf(&cx->arena, "%s/%s", root, below) : root, &name, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        const char *path = *below ? lf_printf(&cx->arena, "%s/%s", below, name[i]) : name[i];
        struct stat st;
        if (lstat(lf_printf(&cx->arena, "%s/%s", root, path), &st)) {
            if (errno != ENOENT) /* gone since: it was unfinished */
                rc = io(cx, "look at", path);
            continue;
        }
        if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))
            rc = fn(user, cx, path, S_ISDIR(st.st_mode));
        if (!rc && S_ISDIR(st.st_mode))
            rc = walk(cx, root, path, fn, user);
    }
    if (!rc)
        lf_arena_back(&cx->arena, mark);
    return rc;
}

/* ---- copying ------------------------------------------------------------------------------------------------ */

static void fsync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

lf_rc app_dir_fresh(struct lf_ctx *cx, const char *path)
{
    const char **name;
    size_t n;
    if (mkdir(path, 0700) == 0)
        return LF_OK;
    if (errno != EEXIST)
        return io(cx, "make", path);
    lf_rc rc = names_of(cx, path, &name, &n);
    return rc || !n ? rc : lf_fail(cx, LF_ECONFLICT, NULL, "%s is not empty\nHINT: name a new directory; nothing was written", path);
}

static bool pump(int in, int out)
{
    char b[1 << 16];
    ssize_t n;
    while ((n = read(in, b, sizeof b)) > 0)
        for (ssize_t at = 0, m; at < n; at += m)
            if ((m = write(out, b + at, (size_t)(n - at))) < 0)
                return false;
    return n == 0;
}

lf_rc app_file_copy(struct lf_ctx *cx, const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    if (in < 0)
        return errno == ENOENT ? LF_ENOTFOUND : io(cx, "read", from);
    bool ok = fstat(in, &st) == 0 && (out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777)) >= 0 && pump(in, out) &&
              fsync(out) == 0;
    lf_rc rc = ok ? LF_OK : io(cx, "write", to);
    close(in);
    if (out >= 0 && close(out) && !rc)
        rc = io(cx, "write", to);
    return rc;
}

struct copying {
    const char *from, *to;
};

static lf_rc copy_one(void *user, struct lf_ctx *cx, const char *below, bool dir)
{
    const struct copying *c = user;
    const char *to = lf_printf(&cx->arena, "%s/%s", c->to, below);
    if (dir)
        return mkdir(to, 0700) && errno != EEXIST ? io(cx, "make", to) : LF_OK;
    if (strstr(below, ".tmp"))
        return LF_OK;
    lf_rc rc = app_file_copy(cx, lf_printf(&cx->arena, "%s/%s", c->from, below), to);
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

lf_rc app_tree_copy(struct lf_ctx *cx, const char *from, const char *to)
{
    struct copying c = { from, to };
    if (access(from, F_OK))
        return LF_OK;
    if (mkdir(to, 0700) && errno != EEXIST)
        return io(cx, "make", to);
    lf_rc rc = walk(cx, from, "", copy_one, &c);
    fsync_dir(to);
    return rc;
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

static lf_rc hash_file(struct lf_ctx *cx, const char *path, char hex[65], int64_t *bytes)
{
    crypto_hash_sha256_state h;
    unsigned char b[1 << 16], sum[crypto_hash_sha256_BYTES];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    crypto_hash_sha256_init(&h);
    *bytes = 0;
    while (fd >= 0 && (n = read(fd, b, sizeof b)) > 0) {
        crypto_hash_sha256_update(&h, b, (unsigned long long)n);
        *bytes += n;
    }
    crypto_hash_sha256_final(&h, sum);
    sodium_bin2hex(hex, 65, sum, sizeof sum);
    lf_rc rc = n == 0 ? LF_OK : io(cx, "read", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

struct listing {
    FILE *f;
    const char *dir;
    int64_t n;
};

static lf_rc list_one(void *user, struct lf_ctx *cx, const char *below, bool dir)
{
    struct listing *l = user;
    char hex[65];
    int64_t bytes;
    if (dir || !strcmp(below, LIST))
        return LF_OK;
    lf_rc rc = hash_file(cx, lf_printf(&cx->arena, "%s/%s", l->dir, below), hex, &bytes);
    if (rc)
        return rc;
    fprintf(l->f, "%s  %lld  %s\n", hex, (long long)bytes, below);
    return LF_OK;
}

lf_rc app_list_write(struct lf_ctx *cx, const char *dir)
{
    const char *path = lf_printf(&cx->arena, "%s/" LIST, dir);
    char at[40];
    struct listing l = { .f = fopen(path, "wex"), .dir = dir };
    if (!l.f)
        return io(cx, "write", path);
    fprintf(l.f, "lanfan " LF_VERSION " backup, taken %s\n", lf_ms_iso(at, lf_now()));
    lf_rc rc = walk(cx, dir, "", list_one, &l);
    bool bad = ferror(l.f) || fflush(l.f) || fsync(fileno(l.f));
    if (fclose(l.f) || bad)
        rc = rc ? rc : io(cx, "write", path);
    fsync_dir(dir);
    return rc;
}

static lf_rc count_one(void *user, struct lf_ctx *cx, const char *below, bool dir)
{
    struct listing *l = user;
    l->n += !dir && strcmp(below, LIST) != 0;
    return LF_OK;
}

static lf_rc check_line(struct lf_ctx *cx, const char *dir, char *line, int64_t *bytes)
{
    char want[65], got[65];
    long long size;
    int at = 0;
    int64_t real;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%64s  %lld  %n", want, &size, &at) != 2 || !at || line[at] == '/' || strstr(line + at, ".."))
        return lf_fail(cx, LF_EINVAL, NULL, "%s/" LIST " is not a list of a backup: “%.80s”", dir, line);
    lf_rc rc = hash_file(cx, lf_printf(&cx->arena, "%s/%s", dir, line + at), got, &real);
    if (!rc && (real != size || strcmp(want, got) != 0))
        rc = lf_fail(cx, LF_ECONFLICT, NULL, "%s/%s is not what was saved\nHINT: use another copy of this backup", dir, line + at);
    *bytes += real;
    return rc;
}

lf_rc app_list_check(struct lf_ctx *cx, const char *dir, int64_t *n, int64_t *bytes)
{
    const char *path = lf_printf(&cx->arena, "%s/" LIST, dir);
    char line[4400];
    struct listing l = { .dir = dir };
    FILE *f = fopen(path, "re");
    *n = *bytes = 0;
    if (!f || !fgets(line, sizeof line, f)) {
        if (f)
            fclose(f);
        return lf_fail(cx, LF_EINVAL, NULL,
                       "%s is not a finished backup: there is no " LIST "\nHINT: name a directory made by `lanfan backup`", dir);
    }
    lf_rc rc = LF_OK;
    for (; !rc && fgets(line, sizeof line, f); ++*n) {
        struct lf_arena_mark mark = lf_arena_here(&cx->arena);
        if (!(rc = check_line(cx, dir, line, bytes)))
            lf_arena_back(&cx->arena, mark);
    }
    fclose(f);
    if (!rc)
        rc = walk(cx, dir, "", count_one, &l);
    return rc || l.n == *n
               ? rc
               : lf_fail(cx, LF_ECONFLICT, NULL, "%s holds files that are not in its list\nHINT: use another copy of this backup", dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) { return remove(path); }

void app_tree_remove(const char *dir) { nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }
