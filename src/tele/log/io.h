/* io.h - the file layer of the telemetry store: the one place that touches files, so that tests can put one under it that loses
 * what was not synced, fills up, or fails at a chosen call.
 *
 * Calls return -1 and set errno. Offsets are given with every call; any number of threads may read. */
#ifndef LF_TELE_LOG_IO_H
#define LF_TELE_LOG_IO_H
#include "base/arena.h"
#include "base/err.h"

enum lf_io_open { LF_IO_READ, LF_IO_CREATE }; /* create: read and write; must not exist yet */
struct lf_io {
    int (*open)(struct lf_io *, const char *path, enum lf_io_open how);
    int (*close)(struct lf_io *, int fd);
    int64_t (*read)(struct lf_io *, int fd, void *p, size_t n, uint64_t at); /* bytes read; fewer at the end of the file */
    int64_t (*write)(struct lf_io *, int fd, const void *p, size_t n, uint64_t at);
    int (*reserve)(struct lf_io *, int fd, uint64_t size); /* room on the disk up to `size`, so that writing there cannot fill it */
    int64_t (*size)(struct lf_io *, int fd);
    int (*sync)(struct lf_io *, int fd); /* data and size */
    int (*sync_dir)(struct lf_io *, const char *path);
    int (*rename)(struct lf_io *, const char *from, const char *to);
    int (*remove)(struct lf_io *, const char *path);
    int (*make_dir)(struct lf_io *, const char *path);
    int (*list)(struct lf_io *, const char *dir, void (*each)(void *user, const char *name), void *user);
    int (*lock)(struct lf_io *, const char *path, bool shared); /* an fd that holds it until closed; EWOULDBLOCK when others do */
};
extern struct lf_io lf_io_posix;

/* Whole or failed. read_all: a file that ends early is an error too. */
lf_rc io_read_all(struct lf_io *io, int fd, const char *path, void *p, size_t n, uint64_t at, struct lf_err *err) LF_MUST_CHECK;
lf_rc io_write_all(struct lf_io *io, int fd, const char *path, const void *p, size_t n, uint64_t at, struct lf_err *err) LF_MUST_CHECK;
/* LF_EIO that says what failed on which file, and the hint that goes with errno. */
lf_rc io_fail(const char *what, const char *path, struct lf_err *err);
/* LF_EIO: the bytes of a file are not what was written. */
lf_rc io_damaged(const char *path, const char *what, struct lf_err *err);
bool io_is_damage(const struct lf_err *err); /* set by io_damaged: trying again will not help */
bool io_is_lack(const struct lf_err *err);   /* set by io_fail: no descriptor was free. That passes, the file is good */
/* A small file in one go. write_file: through a temporary file, synced, renamed into place, folder synced. */
lf_rc io_read_file(struct lf_io *io, const char *path, struct lf_arena *a, lf_text *out, struct lf_err *err) LF_MUST_CHECK;
lf_rc io_write_file(struct lf_io *io, const char *dir, const char *name, const void *p, size_t n, struct lf_err *err) LF_MUST_CHECK;

uint64_t io_sum(const void *p, size_t n); /* XXH3, 64 bits: the checksum in all our files */
enum { PATH_ROOM = 4096 };
#endif
