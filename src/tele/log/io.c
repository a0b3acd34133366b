#include "tele/log/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t io_sum(const void *p, size_t n) { return XXH3_64bits(p, n); }

static int posix_open(struct lf_io *io, const char *path, enum lf_io_open how)
{
    return open(path, how == LF_IO_CREATE ? O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0640);
}
static int posix_close(struct lf_io *io, int fd) { return close(fd); }
static int64_t posix_read(struct lf_io *io, int fd, void *p, size_t n, uint64_t at) { return pread(fd, p, n, (off_t)at); }
static int64_t posix_write(struct lf_io *io, int fd, const void *p, size_t n, uint64_t at) { return pwrite(fd, p, n, (off_t)at); }
static int posix_sync(struct lf_io *io, int fd) { return fdatasync(fd); }
static int posix_rename(struct lf_io *io, const char *from, const char *to) { return rename(from, to); }
static int posix_remove(struct lf_io *io, const char *path) { return unlink(path); }
static int posix_make_dir(struct lf_io *io, const char *path) { return mkdir(path, 0750) == 0 || errno == EEXIST ? 0 : -1; }

static int posix_reserve(struct lf_io *io, int fd, uint64_t size)
{
    if (fallocate(fd, 0, 0, (off_t)size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
        return 0; /* a file system that cannot reserve may fill up later: then the write fails */
    return -1;
}

static int64_t posix_size(struct lf_io *io, int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static int posix_sync_dir(struct lf_io *io, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = fsync(fd), why = errno;
    close(fd);
    errno = why;
    return rc;
}

static int posix_list(struct lf_io *io, const char *dir, void (*each)(void *, const char *), void *user)
{
    DIR *d = opendir(dir);
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.')
            each(user, e->d_name);
    closedir(d);
    return 0;
}

static int posix_lock(struct lf_io *io, const char *path, bool shared)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0 && flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

struct lf_io lf_io_posix = { posix_open,     posix_close,  posix_read,   posix_write,    posix_reserve, posix_size, posix_sync,
                             posix_sync_dir, posix_rename, posix_remove, posix_make_dir, posix_list,    posix_lock };

static const char damage[] = "telemetry_damaged", lack[] = "telemetry_descriptors";

lf_rc io_fail(const char *what, const char *path, struct lf_err *err)
{
    int why = errno;
    const char *hint =
        why == ENOSPC || why == EDQUOT ? "make room on that disk; nothing that was acknowledged is lost, and work goes on by itself"
        : why == EACCES || why == EROFS || why == EPERM ? "the program must own this folder and be able to write there"
        : why == EMFILE || why == ENFILE                ? "raise the limit of open files (ulimit -n)"
        : why == ENOENT ? "somebody removed a file of the store while it was in use; restore it from a backup"
                        : "look at the disk and the kernel's log (dmesg); a failing disk must be replaced before more is lost";
    return lf_err_set(err, LF_EIO, why == EMFILE || why == ENFILE ? lack : NULL, "telemetry: cannot %s %s: %s\nHINT: %s", what, path,
                      strerror(why), hint);
}

bool io_is_damage(const struct lf_err *err) { return err->field == damage; }
bool io_is_lack(const struct lf_err *err) { return err->field == lack; }

lf_rc io_damaged(const char *path, const char *what, struct lf_err *err)
{
    return lf_err_set(
        err, LF_EIO, damage,
        "telemetry: %s is damaged: %s\nHINT: keep the folder as it is, see with “lanfan telemetry verify” how far it goes, then "
        "restore from a backup or keep what is good with “lanfan telemetry salvage COPY”",
        path, what);
}

lf_rc io_read_all(struct lf_io *io, int fd, const char *path, void *p, size_t n, uint64_t at, struct lf_err *err)
{
    for (size_t got = 0; got < n;) {
        int64_t r = io->read(io, fd, (char *)p + got, n - got, at + got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return io_fail("read", path, err);
        if (r == 0)
            return io_damaged(path, "it ends too early", err);
        got += (size_t)r;
    }
    return LF_OK;
}

lf_rc io_write_all(struct lf_io *io, int fd, const char *path, const void *p, size_t n, uint64_t at, struct lf_err *err)
{
    for (size_t done = 0; done < n;) {
        int64_t r = io->write(io, fd, (const char *)p + done, n - done, at + done);
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            errno = ENOSPC;
        if (r <= 0)
            return io_fail("write", path, err);
        done += (size_t)r;
    }
    return LF_OK;
}

lf_rc io_read_file(struct lf_io *io, const char *path, struct lf_arena *a, lf_text *out, struct lf_err *err)
{
    int fd = io->open(io, path, LF_IO_READ);
    if (fd < 0)
        return io_fail("open", path, err);
    int64_t size = io->size(io, fd);
    lf_rc rc = size < 0 ? io_fail("read", path, err) : size > 1 << 30 ? io_damaged(path, "it is far too large", err) : LF_OK;
    if (!rc) {
        char *p = lf_alloc(a, (size_t)size + 1);
        *out = (lf_text){ p, (uint32_t)size };
        rc = io_read_all(io, fd, path, p, (size_t)size, 0, err);
    }
    io->close(io, fd);
    return rc;
}

lf_rc io_write_file(struct lf_io *io, const char *dir, const char *name, const void *p, size_t n, struct lf_err *err)
{
    char path[PATH_ROOM], tmp[PATH_ROOM + 8];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    io->remove(io, tmp);
    int fd = io->open(io, tmp, LF_IO_CREATE);
    if (fd < 0)
        return io_fail("create", tmp, err);
    lf_rc rc = io_write_all(io, fd, tmp, p, n, 0, err);
    if (!rc && io->sync(io, fd) != 0)
        rc = io_fail("sync", tmp, err);
    io->close(io, fd);
    if (!rc && io->rename(io, tmp, path) != 0)
        rc = io_fail("rename", tmp, err);
    if (!rc && io->sync_dir(io, dir) != 0)
        rc = io_fail("sync", dir, err);
    if (rc)
        io->remove(io, tmp);
    return rc;
}
