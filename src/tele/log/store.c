/* store.c - opening (what is valid, what has to be replayed, what was left behind), closing, numbers. */
#include "tele/log/store.h"

#include "tele/log/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEAL_BYTES = 64 << 20, MAX_TIMES = 8, SEAL_MS = LF_HOUR_MS, RESERVE = 8 << 20, OPEN_FILES = 128, DIR_MAX = PATH_ROOM - 64 };

/* ---- the list ------------------------------------------------------------------------------------------------------ */

struct seglist *seglist_new(size_t room)
{
    struct seglist *l = lf_new(sizeof *l + room * sizeof l->seg[0]);
    atomic_init(&l->users, 1);
    return l;
}

struct seglist *seglist_ref(struct seglist *l)
{
    atomic_fetch_add(&l->users, 1);
    return l;
}

void seglist_unref(struct seglist *l)
{
    if (!l || atomic_fetch_sub(&l->users, 1) > 1)
        return;
    for (size_t i = 0; i < l->n; i++)
        seg_unref(l->seg[i]);
    lf_release(l);
}

/* ---- what lies in the folder ------------------------------------------------------------------------------------------ */

struct inventory {
    uint64_t *journal;
    size_t n, cap;
    struct log_store *s;
    struct lf_arena arena; /* of the manifest's entries, and names that are left over */
    struct manifest_entry *e;
    size_t ne;
    struct leftover {
        struct leftover *next;
        char *name;
    } * leftover;
    bool ours; /* there are files of a store */
};

static bool is_valid(const struct inventory *v, const char *name)
{
    uint64_t number;
    if (name_number(name, "seg-", &number)) {
        for (size_t i = 0; i < v->ne; i++)
            if (v->e[i].number == number)
                return true;
        return false;
    }
    if (name_number(name, "journal-", &number))
        return number >= v->s->manifest.journal_first;
    if (name_number(name, "state-", &number))
        return number == v->s->manifest.state;
    size_t n = strlen(name);
    return n < 4 || strcmp(name + n - 4, ".tmp") != 0; /* nobody else's file is touched */
}

static void see_name(void *user, const char *name)
{
    struct inventory *v = user;
    uint64_t number;
    bool journal = name_number(name, "journal-", &number), valid = is_valid(v, name);
    v->ours |= journal || name_number(name, "seg-", &number);
    if (journal && number >= v->s->next_journal)
        v->s->next_journal = number + 1;
    if (!valid) {
        struct leftover *l = lf_alloc(&v->arena, sizeof *l);
        *l = (struct leftover){ v->leftover, lf_strn(&v->arena, lf_str(name)) };
        v->leftover = l;
    } else if (journal) {
        if (v->n == v->cap)
            v->journal = lf_renew(v->journal, (v->cap = v->cap * 2 + 16) * sizeof *v->journal);
        v->journal[v->n++] = number;
    }
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static lf_rc look_around(struct inventory *v, bool *fresh, struct lf_err *err)
{
    struct log_store *s = v->s;
    lf_rc rc = manifest_read(s->io, s->dir, &v->arena, &s->manifest, &v->e, &v->ne, NULL, err);
    *fresh = rc == LF_ENOTFOUND;
    if (rc && !*fresh)
        return rc;
    if (*fresh)
        s->manifest = (struct manifest){ .journal_first = 1, .next_number = 1, .next_rank = 1 };
    if (s->io->list(s->io, s->dir, see_name, v) != 0)
        return io_fail("list", s->dir, err);
    if (*fresh && v->ours)
        return io_damaged(s->dir, "its manifest is missing", err);
    if (v->n)
        qsort(v->journal, v->n, sizeof *v->journal, by_number);
    if (s->next_journal < s->manifest.journal_first)
        s->next_journal = s->manifest.journal_first;
    return LF_OK;
}

/* A file that is damaged: left out when salvaging, else the end. */
static lf_rc leave_out(struct log_store *s, lf_rc rc, const struct lf_err *err)
{
    if (!s->c.salvage || (!io_is_damage(err) && errno != ENOENT))
        return rc;
    s->lost_files++;
    return LF_OK;
}

/* ---- recovery -------------------------------------------------------------------------------------------------------------- */

static lf_rc open_segments(struct inventory *v, struct lf_err *err)
{
    struct log_store *s = v->s;
    char path[PATH_ROOM];
    lf_rc rc = LF_OK;
    s->list = seglist_new(v->ne);
    for (size_t i = 0; i < v->ne && !rc; i++) {
        const struct manifest_entry *e = &v->e[i];
        struct segment *g;
        errno = 0;
        rc = seg_open(&g, &s->files, path_segment(path, s->dir, e->number), e->number, e->rank, err);
        if (!rc && g->size != e->size) {
            rc = io_damaged(path, "its length is not what the manifest says", err);
            seg_unref(g);
        }
        if (rc)
            rc = leave_out(s, rc, err);
        else
            s->list->seg[s->list->n++] = g;
    }
    return rc;
}

static lf_rc read_state(struct log_store *s, struct lf_err *err)
{
    char path[PATH_ROOM];
    struct lf_arena a = { 0 };
    lf_text t;
    if (!s->manifest.state)
        return LF_OK;
    errno = 0;
    lf_rc rc = io_read_file(s->io, path_state(path, s->dir, s->manifest.state), &a, &t, err);
    if (!rc && (io_sum(t.p, t.n) != s->manifest.state_sum || !mem_state_get(&s->mem, t)))
        rc = io_damaged(path, "its checksum", err);
    if (rc && !(rc = leave_out(s, rc, err)))
        log_rebuild_state(s);
    lf_arena_free(&a);
    return rc;
}

static bool take_record(void *user, struct journal *j, uint64_t seq, lf_text body, uint64_t at)
{
    struct log_store *s = user;
    if (seq <= s->manifest.sealed_seq || !body.n) /* empty: it was closed in good order */
        return true;
    return mem_publish(&s->mem, j, body, at, NULL);
}

struct reopened {
    struct journal *j;
    bool empty;
};

/* Opens the journals; those that never became one are left out. */
static lf_rc open_journals(struct inventory *v, struct reopened *r, size_t *n, struct lf_err *err)
{
    struct log_store *s = v->s;
    char path[PATH_ROOM];
    lf_rc rc = LF_OK;
    *n = 0;
    for (size_t i = 0; i < v->n && !rc; i++) {
        errno = 0;
        rc = journal_open(&r[*n].j, s->io, path_journal(path, s->dir, v->journal[i]), v->journal[i], err);
        if (rc && !(rc = leave_out(s, rc, err)))
            r[*n].j = NULL;
        *n += !rc && r[*n].j;
    }
    return rc;
}

/* Records are missing before j: the end, or (salvage) counted. */
static lf_rc missing(struct log_store *s, const struct journal *j, uint64_t upto, struct lf_err *err)
{
    if (!s->c.salvage)
        return io_damaged(j->path, "records before it are missing", err);
    s->lost_records += (int64_t)(upto - s->seq);
    return LF_OK;
}

static lf_rc replay(struct inventory *v, struct reopened *r, size_t n, struct lf_err *err)
{
    struct log_store *s = v->s;
    int64_t *lost = s->c.salvage ? &s->lost_records : NULL;
    lf_rc rc = LF_OK;
    s->seq = s->manifest.sealed_seq;
    for (size_t i = 0; i < n && !rc; i++) {
        struct journal *j = r[i].j;
        if (i == 0 ? j->before > s->seq : j->before != s->seq)
            rc = missing(s, j, j->before, err);
        s->seq = j->before;
        if (!rc)
            rc = journal_replay(j, i + 1 < n ? r[i + 1].j->before : UINT64_MAX, take_record, s, lost, err);
        r[i].empty = j->seq == j->before;
        s->seq = j->seq;
    }
    if (!rc && s->seq < s->manifest.sealed_seq)
        s->seq = s->manifest.sealed_seq;
    return rc;
}

static void remove_leftovers(struct inventory *v)
{
    char path[PATH_ROOM];
    for (struct leftover *l = v->leftover; l; l = l->next) {
        snprintf(path, sizeof path, "%s/%s", v->s->dir, l->name);
        v->s->io->remove(v->s->io, path);
    }
}

/* Everything is read before anything is changed. */
static lf_rc recover(struct inventory *v, struct lf_err *err)
{
    struct log_store *s = v->s;
    bool fresh;
    lf_rc rc = look_around(v, &fresh, err);
    struct reopened *r = lf_new(v->n * sizeof *r + 1);
    size_t n = 0;
    if (!rc)
        rc = open_segments(v, err);
    if (!rc)
        rc = read_state(s, err);
    if (!rc)
        rc = open_journals(v, r, &n, err);
    if (!rc && !fresh && !n && s->manifest.journal_first > 1 && !s->c.salvage)
        rc = io_damaged(s->dir, "its journal is missing", err);
    if (!rc)
        rc = replay(v, r, n, err);
    if (!rc && fresh)
        rc = manifest_write(s->io, s->dir, &s->manifest, s->list, err);
    if (!rc)
        rc = log_new_journal(s, err);
    if (!rc)
        remove_leftovers(v);
    for (size_t i = 0; i < n; i++) {
        if (!rc && r[i].empty)
            s->io->remove(s->io, r[i].j->path);
        journal_unref(r[i].j);
    }
    lf_release(r);
    return rc;
}

/* ---- open and close -------------------------------------------------------------------------------------------------------- */

static void destroy(struct log_store *s)
{
    mem_free(&s->mem);
    journal_unref(s->journal);
    for (int i = 0; i < SPARES; i++)
        if (s->spare[i]) {
            s->io->remove(s->io, s->spare[i]->path);
            journal_unref(s->spare[i]);
        }
    seglist_unref(s->list);
    files_free(&s->files);
    if (s->lock_fd >= 0)
        s->io->close(s->io, s->lock_fd);
    lf_arena_free(&s->arena);
    buf_free(&s->record);
    pthread_mutex_destroy(&s->commit_lock);
    pthread_mutex_destroy(&s->keeper_lock);
    pthread_mutex_destroy(&s->wake_lock);
    pthread_cond_destroy(&s->wake);
    pthread_rwlock_destroy(&s->lock);
    lf_release(s->dir);
    log_let_go(s);
    lf_release(s);
}

/* A last, empty record: from now on damage to the one before it cannot be taken for a write that was cut off. */
static void close_store(struct lf_tele_store *store)
{
    struct log_store *s = log_of(store);
    struct lf_err ignored = { 0 };
    uint64_t at;
    keeper_stop(s);
    s->record.n = 0;
    buf_room(&s->record, sizeof(struct record_header));
    s->record.n = sizeof(struct record_header);
    if (s->journal && !s->journal->suspect && s->journal->seq > s->journal->before)
        (void)!journal_append(s->journal, &s->record, s->seq + 1, &at, &ignored);
    destroy(s);
}

static void init_locks(struct log_store *s)
{
    pthread_rwlockattr_t fair;
    pthread_condattr_t steady;
    pthread_mutex_init(&s->commit_lock, NULL);
    pthread_mutex_init(&s->keeper_lock, NULL);
    pthread_mutex_init(&s->wake_lock, NULL);
    pthread_rwlockattr_init(&fair); /* readers that come one after another must not keep the writer out */
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&s->lock, &fair);
    pthread_rwlockattr_destroy(&fair);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &steady);
    pthread_condattr_destroy(&steady);
}

static void set_defaults(struct lf_tele_log_config *c)
{
    c->seal_bytes = c->seal_bytes ? c->seal_bytes : SEAL_BYTES;
    c->max_bytes = c->max_bytes ? c->max_bytes : c->seal_bytes * MAX_TIMES;
    c->seal_ms = c->seal_ms ? c->seal_ms : SEAL_MS;
    c->reserve = c->reserve ? c->reserve : RESERVE;
    c->open_files = c->open_files ? c->open_files : OPEN_FILES;
}

static const struct lf_tele_store_ops ops = {
    .commit = log_commit,
    .close = close_store,
    .latest = log_latest,
    .series = log_series,
    .scan = log_scan,
    .packets = log_packets,
    .packets_after = log_packets_after,
    .packet = log_packet,
    .rejects = log_rejects,
    .gaps = log_gaps,
    .corrections = log_corrections,
};

static lf_rc take_folder(struct log_store *s, struct lf_err *err)
{
    char path[PATH_ROOM];
    if (s->io->make_dir(s->io, s->dir) != 0)
        return io_fail("create", s->dir, err);
    snprintf(path, sizeof path, "%s/lock", s->dir);
    s->lock_fd = s->io->lock(s->io, path, false);
    if (s->lock_fd < 0 && errno == EWOULDBLOCK)
        return lf_err_set(err, LF_ECONFLICT, NULL,
                          "telemetry: another process has %s open\nHINT: stop the other `lanfan serve` on this data directory", s->dir);
    return s->lock_fd < 0 ? io_fail("lock", path, err) : LF_OK;
}

lf_rc lf_tele_log_open(struct lf_tele_store **out, const struct lf_tele_log_config *c, struct lf_err *err)
{
    *out = NULL;
    if (strlen(c->dir) > DIR_MAX)
        return lf_err_set(err, LF_EINVAL, NULL, "telemetry: the name of the folder is too long");
    struct log_store *s = lf_new(sizeof *s);
    s->base.ops = &ops;
    s->c = *c;
    s->io = c->io ? c->io : &lf_io_posix;
    s->lock_fd = -1;
    s->next_journal = 1;
    s->dir = lf_dup(c->dir);
    set_defaults(&s->c);
    files_init(&s->files, s->io, s->c.open_files);
    init_locks(s);
    mem_init(&s->mem);
    struct inventory v = { .s = s };
    lf_rc rc = take_folder(s, err);
    if (!rc)
        rc = recover(&v, err);
    if (!rc && s->c.salvage)
        rc = log_settle(s, err);
    if (!rc)
        rc = keeper_start(s, err);
    lf_arena_free(&v.arena);
    lf_release(v.journal);
    if (rc)
        destroy(s);
    else
        *out = &s->base;
    return rc;
}
