/* manifest.c - the one file that says which others count: written whole, under a temporary name, then renamed. */
#include "tele/log/parts.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static const char magic[8] = "LFMANI1";

static char *numbered(char *to, const char *dir, const char *kind, uint64_t number)
{
    snprintf(to, PATH_ROOM, "%s/%s%016llx", dir, kind, (unsigned long long)number);
    return to;
}

char *path_segment(char *to, const char *dir, uint64_t number) { return numbered(to, dir, "seg-", number); }
char *path_readers(char *to, const char *dir)
{
    snprintf(to, PATH_ROOM, "%s/readers", dir);
    return to;
}

int readers_lock(struct lf_io *io, const char *dir)
{
    enum { TRIES = 50, PAUSE_MS = 20 }; /* the store holds it for the making of one file */
    char path[PATH_ROOM];
    int fd = io->lock(io, path_readers(path, dir), true);
    for (int i = 0; i < TRIES && fd < 0 && errno == EWOULDBLOCK; i++) {
        nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000L }, NULL);
        fd = io->lock(io, path, true);
    }
    return fd;
}

char *path_journal(char *to, const char *dir, uint64_t number) { return numbered(to, dir, "journal-", number); }
char *path_state(char *to, const char *dir, uint64_t number) { return numbered(to, dir, "state-", number); }

bool name_number(const char *name, const char *kind, uint64_t *number)
{
    size_t n = strlen(kind);
    if (strncmp(name, kind, n) != 0 || strlen(name) != n + 16)
        return false;
    *number = 0;
    for (const char *p = name + n; *p; p++) {
        const char *digits = "0123456789abcdef", *d = strchr(digits, *p);
        if (!d)
            return false;
        *number = *number << 4 | (uint64_t)(d - digits);
    }
    return true;
}

lf_rc manifest_write(struct lf_io *io, const char *dir, const struct manifest *m, const struct seglist *l, struct lf_err *err)
{
    struct buf b = { 0 };
    put_bytes(&b, magic, sizeof magic);
    put_bytes(&b, m, sizeof *m);
    put_u64(&b, l->n);
    for (size_t i = 0; i < l->n; i++) {
        struct manifest_entry e = { l->seg[i]->number, l->seg[i]->rank, l->seg[i]->size };
        put_bytes(&b, &e, sizeof e);
    }
    put_u64(&b, io_sum(b.p, b.n));
    lf_rc rc = io_write_file(io, dir, "manifest", b.p, b.n, err);
    buf_free(&b);
    return rc;
}

lf_rc manifest_read(struct lf_io *io, const char *dir, struct lf_arena *a, struct manifest *m, struct manifest_entry **e, size_t *n,
                    lf_text *bytes, struct lf_err *err)
{
    char path[PATH_ROOM];
    lf_text text;
    uint64_t sum;
    snprintf(path, sizeof path, "%s/manifest", dir);
    errno = 0;
    lf_rc rc = io_read_file(io, path, a, &text, err);
    if (rc)
        return errno == ENOENT ? LF_ENOTFOUND : rc;
    struct in in = in_of(text.p, text.n);
    const uint8_t *head = get_bytes(&in, sizeof magic);
    get_fixed(&in, m, sizeof *m);
    uint64_t count = get_u64(&in);
    bool good = !in.bad && memcmp(head, magic, sizeof magic) == 0 && in_left(&in) >= sizeof sum &&
                count == (in_left(&in) - sizeof sum) / sizeof **e && (in_left(&in) - sizeof sum) % sizeof **e == 0;
    if (good) {
        memcpy(&sum, text.p + text.n - sizeof sum, sizeof sum);
        good = sum == io_sum(text.p, text.n - sizeof sum);
    }
    if (!good)
        return io_damaged(path, "its checksum or its length", err);
    if (bytes)
        *bytes = text;
    *n = (size_t)count;
    *e = lf_copy(a, in.p, (size_t)count * sizeof **e);
    return LF_OK;
}
