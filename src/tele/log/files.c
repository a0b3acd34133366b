#include "tele/log/files.h"

#include <errno.h>

void files_init(struct files *f, struct lf_io *io, size_t most)
{
    *f = (struct files){ .io = io, .most = most };
    pthread_mutex_init(&f->lock, NULL);
}

void files_free(struct files *f) { pthread_mutex_destroy(&f->lock); }

size_t files_open(struct files *f)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->open;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* ---- those that nobody reads ---------------------------------------------------------------------------------- */

static void put_aside(struct files *f, struct file *one)
{
    one->newer = NULL;
    one->older = f->newest;
    if (f->newest)
        f->newest->newer = one;
    else
        f->oldest = one;
    f->newest = one;
}

static void take_back(struct files *f, struct file *one)
{
    if (one->newer)
        one->newer->older = one->older;
    else
        f->newest = one->older;
    if (one->older)
        one->older->newer = one->newer;
    else
        f->oldest = one->newer;
}

/* Its fd, to be closed after the lock was let go. */
static int detach(struct files *f, struct file *one)
{
    int fd = one->fd;
    one->fd = -1;
    f->open--;
    return fd;
}

static int detach_oldest(struct files *f)
{
    struct file *one = f->oldest;
    if (!one)
        return -1;
    take_back(f, one);
    return detach(f, one);
}

static void close_fd(const struct files *f, int fd)
{
    if (fd >= 0)
        f->io->close(f->io, fd);
}

/* ---- one file ------------------------------------------------------------------------------------------------------ */

struct file *file_new(const char *path)
{
    struct file *one = lf_new(sizeof *one);
    *one = (struct file){ .path = path, .fd = -1 };
    return one;
}

void file_free(struct files *f, struct file *one)
{
    int fd = -1;
    pthread_mutex_lock(&f->lock);
    if (one->fd >= 0) {
        take_back(f, one);
        fd = detach(f, one);
    }
    pthread_mutex_unlock(&f->lock);
    close_fd(f, fd);
    lf_release(one);
}

/* Under the lock, which is let go meanwhile: another thread may open the same file just then, and one of the two is closed again.
 * False: it cannot be opened. */
static bool try_open(struct files *f, struct file *one, bool full)
{
    int oldest = full ? detach_oldest(f) : -1;
    f->open++;
    pthread_mutex_unlock(&f->lock);
    close_fd(f, oldest);
    int fd = f->io->open(f->io, one->path, LF_IO_READ), why = errno;
    pthread_mutex_lock(&f->lock);
    bool there = one->fd >= 0;
    if (there || fd < 0)
        f->open--;
    else {
        one->fd = fd;
        put_aside(f, one);
    }
    if (there)
        close_fd(f, fd);
    errno = why;
    return there || fd >= 0;
}

/* When the process has no descriptor left, those that lie aside are given for it. */
static bool open_file(struct files *f, struct file *one)
{
    bool done = try_open(f, one, f->open >= f->most);
    while (!done && (errno == EMFILE || errno == ENFILE) && f->oldest)
        done = try_open(f, one, true);
    return done;
}

int file_take(struct files *f, struct file *one)
{
    int fd = -1;
    pthread_mutex_lock(&f->lock);
    if (one->fd >= 0 || open_file(f, one)) {
        if (!one->readers++)
            take_back(f, one);
        fd = one->fd;
    }
    pthread_mutex_unlock(&f->lock);
    return fd;
}

void file_give(struct files *f, struct file *one)
{
    int fd = -1;
    pthread_mutex_lock(&f->lock);
    if (!--one->readers) {
        if (f->open > f->most)
            fd = detach(f, one);
        else
            put_aside(f, one);
    }
    pthread_mutex_unlock(&f->lock);
    close_fd(f, fd);
}
