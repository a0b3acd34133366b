#include "tele/log/fake_io.h"

#include "tele/log/bytes.h"

#include <errno.h>
#include <stdio.h>

enum { SECTOR = 512 };

struct fake_write { /* not synced yet */
    struct fake_write *next;
    uint64_t at;
    size_t n;
    uint8_t bytes[];
};
struct fake_file {
    struct fake_file *next;
    struct buf now, durable;
    struct fake_write *first, **last;
};
struct fake_name {
    struct fake_name *next;
    struct fake_file *file;
    char name[64];
};
struct fake_change { /* file NULL: the name goes; `from` (or ""): another name that goes with it */
    struct fake_change *next;
    struct fake_file *file;
    char name[64], from[64];
};

static struct fake_io *fake(struct lf_io *io) { return (struct fake_io *)(void *)io; }

static uint64_t chance(struct fake_io *f, uint64_t of)
{
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (f->seed >> 33) % of;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* True: this call fails, errno says how. */
static bool fails(struct fake_io *f, bool needs_space)
{
    int64_t i = f->calls++;
    if (f->cut) {
        errno = EIO;
        return true;
    }
    if (f->fault == FAULT_NONE || i < f->at || i >= f->at + f->times || (f->fault == FAULT_NO_SPACE && !needs_space))
        return false;
    f->cut = f->fault == FAULT_CUT;
    errno = f->fault == FAULT_NO_SPACE ? ENOSPC : EIO;
    return true;
}

void fake_plan(struct fake_io *f, enum fault fault, int64_t after, int times)
{
    f->fault = fault;
    f->at = f->calls + after;
    f->times = times;
}

/* ---- names ---------------------------------------------------------------------------------------------------------- */

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct fake_name **find(struct fake_name **l, const char *name)
{
    while (*l && strcmp((*l)->name, name) < 0)
        l = &(*l)->next;
    return l;
}

static struct fake_name *named(struct fake_name **l, const char *name)
{
    struct fake_name *n = *find(l, name);
    return n && strcmp(n->name, name) == 0 ? n : NULL;
}

static void set_name(struct fake_name **l, const char *name, struct fake_file *file)
{
    struct fake_name **at = find(l, name), *n = *at && strcmp((*at)->name, name) == 0 ? *at : NULL;
    if (!file) {
        if (n) {
            *at = n->next;
            lf_release(n);
        }
        return;
    }
    if (!n) {
        n = lf_new(sizeof *n);
        snprintf(n->name, sizeof n->name, "%s", name);
        n->next = *at;
        *at = n;
    }
    n->file = file;
}

static void change(struct fake_io *f, const char *name, struct fake_file *file, const char *from)
{
    struct fake_change *c = lf_new(sizeof *c), **last = &f->change;
    c->file = file;
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->from, sizeof c->from, "%s", from);
    while (*last)
        last = &(*last)->next;
    *last = c;
    set_name(&f->now, name, file);
    if (*from)
        set_name(&f->now, from, NULL);
}

/* Each change that was not synced survives or not. */
static void settle_names(struct fake_io *f, bool all)
{
    while (f->change) {
        struct fake_change *c = f->change;
        if (all || chance(f, 2)) {
            set_name(&f->durable, c->name, c->file);
            if (c->from[0])
                set_name(&f->durable, c->from, NULL);
        }
        f->change = c->next;
        lf_release(c);
    }
}

/* ---- bytes ------------------------------------------------------------------------------------------------------------ */

static void put_at(struct buf *b, uint64_t at, const void *p, size_t n)
{
    if (at + n > b->n) {
        size_t more = (size_t)at + n - b->n;
        memset(buf_room(b, more), 0, more);
        b->n += more;
    }
    memcpy(b->p + at, p, n);
}

static void settle_write(struct fake_io *f, struct fake_file *file, const struct fake_write *w, bool all)
{
    uint64_t how = all ? 0 : chance(f, 3);
    for (size_t i = 0; i < w->n && how < 2;) {
        size_t n = SECTOR - (size_t)(w->at + i) % SECTOR;
        n = n < w->n - i ? n : w->n - i;
        if (how == 0 || chance(f, 2))
            put_at(&file->durable, w->at + i, w->bytes + i, n);
        i += n;
    }
}

static void settle_file(struct fake_io *f, struct fake_file *file, bool all, bool dropped)
{
    while (file->first) {
        struct fake_write *w = file->first;
        if (!dropped)
            settle_write(f, file, w, all);
        file->first = w->next;
        lf_release(w);
    }
    file->last = &file->first;
}

/* ---- the calls ---------------------------------------------------------------------------------------------------------- */

static int take_fd(struct fake_io *f, struct fake_file *file)
{
    for (int fd = 0; fd < (int)LF_COUNT(f->open); fd++)
        if (!f->open[fd]) {
            f->open[fd] = file;
            return fd;
        }
    errno = EMFILE;
    return -1;
}

static int fake_open(struct lf_io *io, const char *path, enum lf_io_open how)
{
    struct fake_io *f = fake(io);
    struct fake_name *n = named(&f->now, base(path));
    if (fails(f, how == LF_IO_CREATE))
        return -1;
    if (how == LF_IO_READ) {
        errno = ENOENT;
        return n ? take_fd(f, n->file) : -1;
    }
    if (n) {
        errno = EEXIST;
        return -1;
    }
    struct fake_file *file = lf_new(sizeof *file);
    file->last = &file->first;
    file->next = f->file;
    f->file = file;
    change(f, base(path), file, "");
    return take_fd(f, file);
}

static int fake_close(struct lf_io *io, int fd)
{
    fake(io)->open[fd] = NULL;
    return 0;
}

static int64_t fake_read(struct lf_io *io, int fd, void *p, size_t n, uint64_t at)
{
    const struct buf *b = &fake(io)->open[fd]->now;
    if (fails(fake(io), false))
        return -1;
    if (at >= b->n)
        return 0;
    n = n < b->n - at ? n : (size_t)(b->n - at);
    memcpy(p, b->p + at, n);
    return (int64_t)n;
}

static int64_t fake_write(struct lf_io *io, int fd, const void *p, size_t n, uint64_t at)
{
    struct fake_io *f = fake(io);
    struct fake_file *file = f->open[fd];
    bool failed = fails(f, true);
    if (failed)
        n = n > 1 ? (size_t)chance(f, n) : 0; /* some of it got through */
    if (n) {
        struct fake_write *w = lf_new(sizeof *w + n);
        w->at = at, w->n = n;
        memcpy(w->bytes, p, n);
        *file->last = w;
        file->last = &w->next;
        put_at(&file->now, at, p, n);
    }
    return failed ? -1 : (int64_t)n;
}

static int fake_reserve(struct lf_io *io, int fd, uint64_t size)
{
    struct fake_file *file = fake(io)->open[fd];
    if (fails(fake(io), true))
        return -1;
    if (size > file->now.n)
        put_at(&file->now, size - 1, "", 1);
    return 0;
}

static int64_t fake_size(struct lf_io *io, int fd) { return fails(fake(io), false) ? -1 : (int64_t)fake(io)->open[fd]->now.n; }

static int fake_sync(struct lf_io *io, int fd)
{
    struct fake_file *file = fake(io)->open[fd];
    bool failed = fails(fake(io), true);
    if (failed && fake(io)->cut)
        return -1;
    settle_file(fake(io), file, true, failed);
    if (!failed && file->now.n > file->durable.n)
        put_at(&file->durable, file->now.n - 1, file->now.p + file->now.n - 1, 1);
    return failed ? -1 : 0;
}

static int fake_sync_dir(struct lf_io *io, const char *path)
{
    if (fails(fake(io), true))
        return -1;
    settle_names(fake(io), true);
    return 0;
}

static int fake_rename(struct lf_io *io, const char *from, const char *to)
{
    struct fake_name *n = named(&fake(io)->now, base(from));
    if (fails(fake(io), true))
        return -1;
    change(fake(io), base(to), n->file, base(from));
    return 0;
}

static int fake_remove(struct lf_io *io, const char *path)
{
    struct fake_io *f = fake(io);
    if (fails(f, false))
        return -1;
    if (named(&f->now, base(path)))
        change(f, base(path), NULL, "");
    return 0;
}

static int fake_make_dir(struct lf_io *io, const char *path) { return fails(fake(io), true) ? -1 : 0; }

static int fake_list(struct lf_io *io, const char *dir, void (*each)(void *, const char *), void *user)
{
    if (fails(fake(io), false))
        return -1;
    for (struct fake_name *n = fake(io)->now; n; n = n->next)
        each(user, n->name);
    return 0;
}

static int fake_lock(struct lf_io *io, const char *path, bool shared)
{
    static struct fake_file lock = { .last = &lock.first };
    return fails(fake(io), true) ? -1 : take_fd(fake(io), &lock);
}

/* ---- the machine ----------------------------------------------------------------------------------------------------------- */

void fake_init(struct fake_io *f, uint64_t seed)
{
    *f = (struct fake_io){ .io = { fake_open, fake_close, fake_read, fake_write, fake_reserve, fake_size, fake_sync, fake_sync_dir,
                                   fake_rename, fake_remove, fake_make_dir, fake_list, fake_lock },
                           .seed = seed };
}

static void drop_names(struct fake_name **l)
{
    while (*l)
        set_name(l, (*l)->name, NULL);
}

void fake_reboot(struct fake_io *f)
{
    settle_names(f, !f->cut);
    drop_names(&f->now);
    for (struct fake_name *n = f->durable; n; n = n->next)
        set_name(&f->now, n->name, n->file);
    for (struct fake_file *file = f->file; file; file = file->next) {
        settle_file(f, file, !f->cut, false);
        file->now.n = 0;
        put_bytes(&file->now, file->durable.p, file->durable.n);
    }
    memset(f->open, 0, sizeof f->open);
    f->cut = false;
    f->fault = FAULT_NONE;
}

bool fake_peek(struct fake_io *f, size_t i, const char **name, uint8_t **bytes, size_t *n)
{
    struct fake_name *k = f->now;
    while (k && i--)
        k = k->next;
    if (!k)
        return false;
    *name = k->name, *bytes = k->file->now.p, *n = k->file->now.n;
    return true;
}

void fake_truncate(struct fake_io *f, size_t i, size_t n)
{
    struct fake_name *k = f->now;
    while (i--)
        k = k->next;
    k->file->now.n = n;
}

void fake_copy(struct fake_io *to, const struct fake_io *from)
{
    for (const struct fake_name *k = from->now; k; k = k->next) {
        struct fake_file *file = lf_new(sizeof *file);
        file->last = &file->first;
        file->next = to->file;
        to->file = file;
        put_bytes(&file->now, k->file->now.p, k->file->now.n);
        put_bytes(&file->durable, k->file->now.p, k->file->now.n);
        set_name(&to->now, k->name, file);
        set_name(&to->durable, k->name, file);
    }
}

void fake_free(struct fake_io *f)
{
    settle_names(f, true);
    drop_names(&f->now);
    drop_names(&f->durable);
    while (f->file) {
        struct fake_file *file = f->file;
        settle_file(f, file, true, true);
        buf_free(&file->now);
        buf_free(&file->durable);
        f->file = file->next;
        lf_release(file);
    }
}
