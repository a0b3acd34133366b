#include "tele/log/journal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char magic[8] = "LFJRNL1";
static const uint32_t RECORD_MAGIC = 0x4c465243, RECORD_MAX = 1u << 30;
enum { AHEAD = 8 << 20, SEARCH = 1 << 20 };

static uint64_t record_sum(const struct journal *j, const struct record_header *h, const void *body)
{
    return XXH3_64bits_withSeed(body, h->n, j->nonce ^ h->seq * 0x9e3779b97f4a7c15u ^ h->n);
}

static struct journal *journal_new(struct lf_io *io, const char *path, uint64_t number)
{
    struct journal *j = lf_new(sizeof *j + strlen(path) + 1);
    memcpy(j->path, path, strlen(path) + 1);
    atomic_init(&j->users, 1);
    j->io = io, j->number = number, j->fd = -1, j->end = JOURNAL_START;
    return j;
}

struct journal *journal_ref(struct journal *j)
{
    atomic_fetch_add(&j->users, 1);
    return j;
}

void journal_unref(struct journal *j)
{
    if (!j || atomic_fetch_sub(&j->users, 1) > 1)
        return;
    if (j->fd >= 0)
        j->io->close(j->io, j->fd);
    lf_release(j);
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* A file for records: that of the spare one, or a new one. */
static lf_rc take_file(struct journal *j, struct journal *spare, uint64_t ahead, struct lf_err *err)
{
    if (spare) {
        int64_t size = j->io->size(j->io, spare->fd);
        j->fd = spare->fd;
        spare->fd = -1;
        j->reserved = size > JOURNAL_START ? (uint64_t)size : JOURNAL_START;
        return size < 0 ? io_fail("read", spare->path, err) : LF_OK;
    }
    j->reserved = JOURNAL_START + ahead;
    j->fd = j->io->open(j->io, j->path, LF_IO_CREATE);
    if (j->fd < 0)
        return io_fail("create", j->path, err);
    return j->io->reserve(j->io, j->fd, j->reserved) == 0 ? LF_OK : io_fail("reserve room for", j->path, err);
}

/* The header is durable before the file has a name under which it counts. */
static lf_rc begin(struct journal *j, const struct journal *spare, const char *dir, struct lf_err *err)
{
    struct journal_header h = { .number = j->number, .nonce = j->nonce, .before = j->before };
    memcpy(h.magic, magic, sizeof magic);
    h.sum = io_sum(&h, offsetof(struct journal_header, sum));
    lf_rc rc = io_write_all(j->io, j->fd, j->path, &h, sizeof h, 0, err);
    if (!rc && j->io->sync(j->io, j->fd) != 0)
        rc = io_fail("sync", j->path, err);
    if (!rc && spare && j->io->rename(j->io, spare->path, j->path) != 0)
        rc = io_fail("rename", spare->path, err);
    if (!rc && j->io->sync_dir(j->io, dir) != 0)
        rc = io_fail("sync", j->path, err);
    return rc;
}

lf_rc journal_create(struct journal **out, struct lf_io *io, const char *dir, uint64_t number, uint64_t before, uint64_t ahead,
                     struct journal *old, struct journal *spare, struct lf_err *err)
{
    char path[PATH_ROOM];
    *out = NULL;
    snprintf(path, sizeof path, "%s/journal-%016llx", dir, (unsigned long long)number);
    struct journal *j = journal_new(io, path, number);
    if (getrandom(&j->nonce, sizeof j->nonce, 0) != sizeof j->nonce)
        j->nonce = (uint64_t)(uintptr_t)j ^ number << 32;
    j->before = j->seq = before;
    j->writable = true;
    lf_rc rc = take_file(j, spare, ahead, err);
    if (!rc && old)
        old->suspect = true;
    if (!rc)
        rc = begin(j, spare, dir, err);
    if (rc && spare)
        io->remove(io, spare->path);
    if (rc && j->fd >= 0)
        io->remove(io, path);
    journal_unref(spare);
    if (rc)
        journal_unref(j);
    else
        *out = j;
    return rc;
}

lf_rc journal_append(struct journal *j, struct buf *record, uint64_t seq, uint64_t *at, struct lf_err *err)
{
    struct record_header h = { .magic = RECORD_MAGIC, .n = (uint32_t)(record->n - sizeof h), .seq = seq };
    uint64_t end = (j->end + record->n + 7) & ~(uint64_t)7;
    h.sum = record_sum(j, &h, record->p + sizeof h);
    memcpy(record->p, &h, sizeof h);
    if (end > j->reserved) {
        if (j->io->reserve(j->io, j->fd, end + AHEAD) == 0)
            j->reserved = end + AHEAD;
        else if (j->io->reserve(j->io, j->fd, end) == 0)
            j->reserved = end;
        else
            return io_fail("reserve room for", j->path, err); /* nothing was written: the file is as good as before */
    }
    lf_rc rc = io_write_all(j->io, j->fd, j->path, record->p, record->n, j->end, err);
    if (!rc && j->io->sync(j->io, j->fd) != 0)
        rc = io_fail("sync", j->path, err);
    if (rc) {
        j->suspect = j->failed = true;
        return rc;
    }
    *at = j->end + sizeof h;
    j->end = end;
    j->seq = seq;
    return LF_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* Is there anything but zeros from `at` on? */
static lf_rc find_written(struct journal *j, uint64_t at, bool *found, struct lf_err *err)
{
    uint8_t *p = lf_new(SEARCH);
    int64_t size = j->io->size(j->io, j->fd);
    lf_rc rc = size < 0 ? io_fail("read", j->path, err) : LF_OK;
    *found = false;
    while (!rc && !*found && at < (uint64_t)size) {
        size_t n = (uint64_t)size - at < SEARCH ? (size_t)((uint64_t)size - at) : SEARCH;
        rc = io_read_all(j->io, j->fd, j->path, p, n, at, err);
        for (size_t i = 0; !rc && i < n && !*found; i++)
            *found = p[i] != 0;
        at += n;
    }
    lf_release(p);
    return rc;
}

lf_rc journal_open(struct journal **out, struct lf_io *io, const char *path, uint64_t number, struct lf_err *err)
{
    struct journal_header h = { .number = 0 };
    struct journal *j = journal_new(io, path, number);
    *out = NULL;
    j->fd = io->open(io, path, LF_IO_READ);
    int64_t size = j->fd < 0 ? -1 : io->size(io, j->fd);
    lf_rc rc = size < 0 ? io_fail("open", path, err) : LF_OK;
    if (!rc && size >= (int64_t)sizeof h)
        rc = io_read_all(io, j->fd, path, &h, sizeof h, 0, err);
    bool good =
        !rc && memcmp(h.magic, magic, sizeof magic) == 0 && h.number == number && h.sum == io_sum(&h, offsetof(struct journal_header, sum));
    bool written = false;
    if (!rc && !good)
        rc = find_written(j, JOURNAL_START, &written, err);
    if (!rc && written)
        rc = io_damaged(path, "its header", err);
    if (rc || !good) {
        journal_unref(j);
        return rc;
    }
    j->nonce = h.nonce, j->before = j->seq = h.before;
    *out = j;
    return LF_OK;
}

/* The record at `at`, when it is whole and has that sequence. Not being so is no error. */
static lf_rc read_record(struct journal *j, uint64_t at, uint64_t size, uint64_t seq, struct buf *b, bool *good, struct lf_err *err)
{
    struct record_header h;
    *good = false;
    if (at + sizeof h > size)
        return LF_OK;
    lf_rc rc = io_read_all(j->io, j->fd, j->path, &h, sizeof h, at, err);
    if (rc || h.magic != RECORD_MAGIC || h.seq != seq || h.n > RECORD_MAX || h.n > size - at - sizeof h)
        return rc;
    b->n = 0;
    buf_room(b, h.n);
    rc = io_read_all(j->io, j->fd, j->path, b->p, h.n, at + sizeof h, err);
    b->n = h.n;
    *good = !rc && h.sum == record_sum(j, &h, b->p);
    return rc;
}

/* A good record of a later sequence behind `at`: *where 0 when there is none. */
static lf_rc find_later(struct journal *j, uint64_t at, uint64_t size, uint64_t *where, uint64_t *seq, struct lf_err *err)
{
    uint8_t *p = lf_new(SEARCH);
    struct buf body = { 0 };
    lf_rc rc = LF_OK;
    *where = 0;
    for (uint64_t base = at; !rc && !*where && base + sizeof(struct record_header) <= size; base += SEARCH - 64) {
        size_t n = size - base < SEARCH ? (size_t)(size - base) : SEARCH;
        rc = io_read_all(j->io, j->fd, j->path, p, n, base, err);
        for (size_t i = 0; !rc && !*where && i + sizeof(struct record_header) <= n; i += 8) {
            struct record_header h;
            bool found = false;
            memcpy(&h, p + i, sizeof h);
            if (h.magic == RECORD_MAGIC && h.seq > j->seq)
                rc = read_record(j, base + i, size, h.seq, &body, &found, err);
            if (!rc && found)
                *where = base + i, *seq = h.seq;
        }
    }
    lf_release(p);
    buf_free(&body);
    return rc;
}

/* No good record where one should be: the end, or damage, over which it goes on to the next good one. */
static lf_rc step_over(struct journal *j, uint64_t size, bool *end, int64_t *lost, struct lf_err *err)
{
    uint64_t where, seq = 0;
    lf_rc rc = find_later(j, j->end, size, &where, &seq, err);
    *end = !rc && !where;
    if (rc || *end)
        return rc;
    if (!lost) {
        char what[80];
        snprintf(what, sizeof what, "a record at %llu, with good ones behind it", (unsigned long long)j->end);
        return io_damaged(j->path, what, err);
    }
    *lost += (int64_t)(seq - j->seq - 1);
    j->end = where;
    j->seq = seq - 1;
    return LF_OK;
}

lf_rc journal_replay(struct journal *j, uint64_t last, bool (*take)(void *, struct journal *, uint64_t, lf_text, uint64_t), void *user,
                     int64_t *lost, struct lf_err *err)
{
    struct buf b = { 0 };
    int64_t size = j->io->size(j->io, j->fd);
    bool end = false;
    lf_rc rc = size < 0 ? io_fail("read", j->path, err) : LF_OK;
    while (!rc && !end && j->seq < last) {
        bool good;
        rc = read_record(j, j->end, (uint64_t)size, j->seq + 1, &b, &good, err);
        if (!rc && !good)
            rc = step_over(j, (uint64_t)size, &end, lost, err);
        if (rc || !good)
            continue;
        uint64_t at = j->end + sizeof(struct record_header);
        if (!take(user, j, j->seq + 1, (lf_text){ (const char *)b.p, (uint32_t)b.n }, at))
            rc = io_damaged(j->path, "a record does not hold what it should", err);
        j->seq++;
        j->end = (at + b.n + 7) & ~(uint64_t)7;
    }
    buf_free(&b);
    return rc;
}
