/* files.h - files that are read now and then, by any number of threads: each is open while it is read and stays open as long as there
 * is room. Of those that nobody reads the one that was read longest ago is closed first. */
#ifndef LF_TELE_LOG_FILES_H
#define LF_TELE_LOG_FILES_H
#include "tele/log/io.h"

#include <pthread.h>

struct file { /* under the lock of its `files` */
    const char *path;
    struct file *newer, *older; /* among those that are open and that nobody reads */
    int fd;                     /* -1: closed */
    int readers;
};
struct files {
    struct lf_io *io;
    pthread_mutex_t lock; /* the disk is never waited for under it */
    struct file *newest, *oldest;
    size_t open, most; /* most: more are open only while each of them is being read */
};
void files_init(struct files *f, struct lf_io *io, size_t most);
void files_free(struct files *f); /* each of its files has been freed */
size_t files_open(struct files *f);

struct file *file_new(const char *path);           /* closed; path must live as long */
void file_free(struct files *f, struct file *one); /* nobody reads it any more */
/* An fd to read from until file_give; -1 and errno when it cannot be opened (then nothing is to be given back). */
int file_take(struct files *f, struct file *one);
void file_give(struct files *f, struct file *one);
#endif
