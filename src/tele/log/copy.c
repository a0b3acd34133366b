/* copy.c - a copy of a store that another process writes.
 *
 * Segments and states never change, the manifest is replaced whole. Journals grow: they are copied newest first and each from its
 * end to its beginning, so a record that was seen to be there has all earlier ones before it in the copy. When a file goes away
 * meanwhile (sealed, merged) the copy begins again with the newer manifest; segments that are there already are kept. */
#include "tele/log/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 100, CHUNK = 1 << 20 };

struct copying {
    struct lf_io *io;
    const char *from, *to;
    struct lf_arena arena;
    struct manifest m;
    struct manifest_entry *e;
    size_t ne;
    uint64_t *journal;
    size_t n, cap;
    uint8_t *chunk;
};

static bool any(const uint8_t *p, size_t n)
{
    while (n && !*p)
        p++, n--;
    return n > 0;
}

/* From the end to the beginning; what is only zeros is left out (room that is kept free). */
static lf_rc copy_bytes(struct copying *k, int in, int out, const char *from, const char *to, uint64_t size, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    for (uint64_t at = (size + CHUNK - 1) / CHUNK * CHUNK; at > 0 && !rc;) {
        at -= CHUNK;
        size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        rc = io_read_all(k->io, in, from, k->chunk, n, at, err);
        if (!rc && (any(k->chunk, n) || at == 0))
            rc = io_write_all(k->io, out, to, k->chunk, n, at, err);
    }
    return rc;
}

/* LF_ENOTFOUND: it is not there any more. */
static lf_rc copy_file(struct copying *k, const char *from, const char *to, struct lf_err *err)
{
    int in = k->io->open(k->io, from, LF_IO_READ);
    if (in < 0)
        return errno == ENOENT ? LF_ENOTFOUND : io_fail("open", from, err);
    int64_t size = k->io->size(k->io, in);
    k->io->remove(k->io, to);
    int out = k->io->open(k->io, to, LF_IO_CREATE);
    lf_rc rc = size < 0 ? io_fail("read", from, err) : out < 0 ? io_fail("create", to, err) : LF_OK;
    if (!rc)
        rc = copy_bytes(k, in, out, from, to, (uint64_t)size, err);
    if (!rc && k->io->sync(k->io, out) != 0)
        rc = io_fail("sync", to, err);
    k->io->close(k->io, in);
    if (out >= 0)
        k->io->close(k->io, out);
    return rc;
}

static void see_name(void *user, const char *name)
{
    struct copying *k = user;
    uint64_t number;
    if (!name_number(name, "journal-", &number) || number < k->m.journal_first)
        return;
    if (k->n == k->cap)
        k->journal = lf_renew(k->journal, (k->cap = k->cap * 2 + 16) * sizeof *k->journal);
    k->journal[k->n++] = number;
}

static int newest_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

static lf_rc copy_journals(struct copying *k, struct lf_err *err)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    lf_rc rc = LF_OK;
    k->n = 0;
    if (k->io->list(k->io, k->from, see_name, k) != 0)
        return io_fail("list", k->from, err);
    if (k->n)
        qsort(k->journal, k->n, sizeof *k->journal, newest_first);
    for (size_t i = 0; i < k->n && !rc; i++)
        rc = copy_file(k, path_journal(from, k->from, k->journal[i]), path_journal(to, k->to, k->journal[i]), err);
    return rc;
}

static bool is_there(struct copying *k, const char *path, uint64_t size)
{
    int fd = k->io->open(k->io, path, LF_IO_READ);
    int64_t n = fd < 0 ? -1 : k->io->size(k->io, fd);
    if (fd >= 0)
        k->io->close(k->io, fd);
    return n >= 0 && (uint64_t)n == size;
}

static lf_rc copy_segments(struct copying *k, struct lf_err *err)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    lf_rc rc = LF_OK;
    for (size_t i = 0; i < k->ne && !rc; i++) {
        path_segment(from, k->from, k->e[i].number), path_segment(to, k->to, k->e[i].number);
        if (!is_there(k, to, k->e[i].size))
            rc = copy_file(k, from, to, err);
    }
    return rc;
}

/* A manifest that was replaced meanwhile took journals with it. */
static lf_rc still_valid(struct copying *k, struct lf_err *err)
{
    struct manifest m;
    struct manifest_entry *e;
    size_t n;
    lf_rc rc = manifest_read(k->io, k->from, &k->arena, &m, &e, &n, NULL, err);
    return rc ? rc : memcmp(&m, &k->m, sizeof m) == 0 && n == k->ne ? LF_OK : LF_ENOTFOUND;
}

static lf_rc copy_once(struct copying *k, struct lf_err *err)
{
    char from[PATH_ROOM], to[PATH_ROOM];
    lf_text manifest;
    lf_rc rc = manifest_read(k->io, k->from, &k->arena, &k->m, &k->e, &k->ne, &manifest, err);
    if (rc)
        return rc == LF_ENOTFOUND ? io_damaged(k->from, "its manifest is missing", err) : rc;
    rc = copy_journals(k, err);
    if (!rc)
        rc = copy_segments(k, err);
    if (!rc && k->m.state)
        rc = copy_file(k, path_state(from, k->from, k->m.state), path_state(to, k->to, k->m.state), err);
    if (!rc)
        rc = still_valid(k, err);
    return rc ? rc : io_write_file(k->io, k->to, "manifest", manifest.p, manifest.n, err);
}

bool lf_tele_log_is_store(const char *dir)
{
    struct copying k = { .io = &lf_io_posix };
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "%s/manifest", dir);
    int fd = k.io->open(k.io, path, LF_IO_READ);
    if (fd >= 0)
        k.io->close(k.io, fd);
    return fd >= 0;
}

lf_rc lf_tele_log_copy(const char *from, const char *to, struct lf_err *err)
{
    struct copying k = { .io = &lf_io_posix, .from = from, .to = to, .chunk = lf_new(CHUNK) };
    lf_rc rc = lf_tele_log_is_store(from) ? LF_OK : LF_ENOTFOUND;
    if (!rc && k.io->make_dir(k.io, to) != 0)
        rc = io_fail("create", to, err);
    int reading = rc ? -1 : readers_lock(k.io, from);
    if (!rc) {
        rc = LF_ENOTFOUND;
        for (int i = 0; i < TRIES && rc == LF_ENOTFOUND; i++)
            rc = copy_once(&k, err);
        if (rc == LF_ENOTFOUND)
            rc = io_damaged(from, "a file that its manifest names is missing", err);
    }
    if (reading >= 0)
        k.io->close(k.io, reading);
    lf_arena_free(&k.arena);
    lf_release(k.journal);
    lf_release(k.chunk);
    return rc;
}
