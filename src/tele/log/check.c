/* check.c - does every file hold what it should? Reads only.
 *
 * A process may seal and merge meanwhile. So journals and state are opened again and again until the manifest was the same before and
 * after: then nothing of them can be taken away any more. Segments are opened one after another (there may be thousands); when one is
 * gone by then, and the manifest is another one, those that it names now are looked at too. */
#include "tele/log/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 1000, JOURNAL_TRIES = 10 };

struct checking {
    struct lf_io *io;
    const char *dir;
    bool whole;
    void (*say)(void *, const char *);
    void *user;
    struct lf_tele_log_stats *out;
    int64_t bad;
    struct lf_arena arena; /* of one try */
    struct manifest m;
    struct manifest_entry *e;
    size_t ne;
    struct files files;
    uint64_t *seen; /* numbers of segments that were looked at in an earlier round */
    size_t nseen, cap_seen;
    struct journal **journal; /* those that became one, by number */
    size_t njournal, cap;
    char *state_complaint, *journal_complaint;
    struct page page;
    struct points points;
    struct buf scratch;
};

static void report(struct checking *k, const char *what)
{
    k->bad++;
    if (k->say)
        k->say(k->user, what);
}

/* ---- a segment ----------------------------------------------------------------------------------------------------- */

static lf_rc check_tables(struct checking *k, const struct segment *s, struct lf_err *err)
{
    _Alignas(16) uint8_t entry[64];
    lf_rc rc = LF_OK;
    for (int t = 0; t < TABLES; t++)
        for (uint64_t i = 0; i < s->foot.table[t].n && !rc; i++)
            rc = seg_get(s, t, i, entry, &k->page, err);
    return rc;
}

static lf_rc check_points(struct checking *k, const struct segment *s, struct lf_err *err)
{
    uint64_t n = 0;
    lf_rc rc = LF_OK;
    for (uint64_t i = 0; i < s->foot.table[TABLE_SERIES].n && !rc; i++) {
        struct series_entry e;
        struct source src;
        rc = seg_get(s, TABLE_SERIES, i, &e, &k->page, err);
        if (rc || (rc = source_open(&src, s, &e, INT64_MIN, INT64_MAX, err)))
            break;
        for (uint32_t b = 0; b < e.nblock && !rc; b++) {
            rc = points_read_block(s, &src.list[b], &k->scratch, &k->points, err);
            n += src.list[b].points;
        }
        source_close(&src);
    }
    return !rc && n != s->foot.n ? io_damaged(s->path, "the number of its points", err) : rc;
}

static lf_rc check_records(struct checking *k, const struct segment *s, struct lf_err *err)
{
    struct chunk c = { .of = NULL };
    struct record r;
    uint64_t n = 0;
    lf_rc rc = LF_OK;
    for (uint64_t i = 0; i < s->foot.table[TABLE_CHUNKS].n && !rc; i++) {
        rc = chunk_load(&c, s, i, &k->page, err);
        while (!rc && chunk_next(&c, &r))
            n++;
        if (!rc && chunk_bad(&c))
            rc = io_damaged(s->path, "a chunk", err);
    }
    chunk_free(&c);
    bool whole = n == s->foot.n && s->foot.table[TABLE_IDS].n == n && (s->foot.cls != CLASS_PACKET || s->foot.table[TABLE_PRINTS].n == n);
    return !rc && !whole ? io_damaged(s->path, "the number of its records", err) : rc;
}

static bool was_seen(const struct checking *k, uint64_t number)
{
    for (size_t i = 0; i < k->nseen; i++)
        if (k->seen[i] == number)
            return true;
    return false;
}

static lf_rc check_content(struct checking *k, const struct segment *s, uint64_t size, struct lf_err *err)
{
    lf_rc rc = s->size != size ? io_damaged(s->path, "its length is not what the manifest says", err) : LF_OK;
    if (!rc && k->whole)
        rc = check_tables(k, s, err);
    if (!rc && k->whole)
        rc = s->foot.cls < CLASS_RECORDS ? check_points(k, s, err) : check_records(k, s, err);
    return rc;
}

/* again: some were looked at in an earlier round. False: the file is not there; when it is the last round that is told instead. */
static bool check_segment(struct checking *k, const struct manifest_entry *e, bool again, bool last)
{
    char path[PATH_ROOM];
    struct lf_err err = { 0 };
    struct segment *s;
    errno = 0;
    lf_rc rc = seg_open(&s, &k->files, path_segment(path, k->dir, e->number), e->number, e->rank, &err);
    if (rc && errno == ENOENT && !last)
        return false;
    if (s)
        stats_add(k->out, s);
    bool seen = again && was_seen(k, e->number);
    if (s && !seen)
        rc = check_content(k, s, e->size, &err);
    if (rc && !seen)
        report(k, err.msg);
    k->page.of = NULL; /* the next one may get the same address */
    seg_unref(s);
    if (seen)
        return true;
    if (k->nseen == k->cap_seen)
        k->seen = lf_renew(k->seen, (k->cap_seen = k->cap_seen * 2 + 64) * sizeof *k->seen);
    k->seen[k->nseen++] = e->number;
    return true;
}

/* *other: the manifest has been replaced since. */
static lf_rc read_again(struct checking *k, bool *other, struct lf_err *err)
{
    struct manifest before = k->m;
    lf_rc rc = manifest_read(k->io, k->dir, &k->arena, &k->m, &k->e, &k->ne, NULL, err);
    *other = !rc && memcmp(&before, &k->m, sizeof before) != 0;
    return rc;
}

static lf_rc check_segments(struct checking *k, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    bool all = false, other = true;
    for (int round = 0; !rc && !all; round++) {
        bool last = !other || round == TRIES;
        memset(k->out->cls, 0, sizeof k->out->cls);
        all = true;
        for (size_t i = 0; i < k->ne; i++)
            all &= check_segment(k, &k->e[i], round > 0, last);
        if (!all)
            rc = read_again(k, &other, err);
    }
    return rc;
}

/* ---- journals ------------------------------------------------------------------------------------------------------- */

static bool count_record(void *user, struct journal *j, uint64_t seq, lf_text body, uint64_t at)
{
    *(int64_t *)user += body.n;
    return true;
}

/* The newest one may grow while it is read: a record that was not there yet, and then one behind it. So it is read again. */
static lf_rc replay(struct checking *k, struct journal *j, uint64_t last, struct lf_err *err)
{
    lf_rc rc = LF_OK;
    int64_t bytes = 0;
    for (int tries = 0; tries == 0 || (rc && last == UINT64_MAX && tries < JOURNAL_TRIES); tries++)
        rc = journal_replay(j, last, count_record, &bytes, NULL, err);
    k->out->journals++;
    k->out->journal_bytes += bytes;
    return rc;
}

static void check_journals(struct checking *k)
{
    uint64_t seq = k->m.sealed_seq;
    struct lf_err err = { 0 };
    if (k->journal_complaint)
        report(k, k->journal_complaint);
    for (size_t i = 0; i < k->njournal; i++) {
        struct journal *j = k->journal[i];
        lf_rc rc = LF_OK;
        if (i == 0 ? j->before > seq : j->before != seq)
            rc = io_damaged(j->path, "records before it are missing", &err);
        if (!rc)
            rc = replay(k, j, i + 1 < k->njournal ? k->journal[i + 1]->before : UINT64_MAX, &err);
        if (rc)
            report(k, err.msg);
        seq = rc && i + 1 < k->njournal ? k->journal[i + 1]->before : j->seq; /* one complaint is enough */
    }
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

static void drop(struct checking *k)
{
    for (size_t i = 0; i < k->njournal; i++)
        journal_unref(k->journal[i]);
    lf_release(k->journal);
    k->journal = NULL;
    k->njournal = k->cap = 0;
    k->state_complaint = k->journal_complaint = NULL;
    lf_arena_reset(&k->arena);
}

static void see_name(void *user, const char *name)
{
    struct checking *k = user;
    char path[PATH_ROOM];
    struct lf_err err = { 0 };
    struct journal *j;
    uint64_t number;
    if (!name_number(name, "journal-", &number) || number < k->m.journal_first)
        return;
    if (journal_open(&j, k->io, path_journal(path, k->dir, number), number, &err))
        k->journal_complaint = lf_printf(&k->arena, "%s", err.msg);
    else if (j) {
        if (k->njournal == k->cap)
            k->journal = lf_renew(k->journal, (k->cap = k->cap * 2 + 16) * sizeof(struct journal *));
        k->journal[k->njournal++] = j;
    }
}

static int by_number(const void *a, const void *b)
{
    const struct journal *x = *(struct journal *const *)a, *y = *(struct journal *const *)b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void open_journals(struct checking *k)
{
    if (k->io->list(k->io, k->dir, see_name, k) != 0)
        k->journal_complaint = lf_printf(&k->arena, "cannot list %s", k->dir);
    if (!k->njournal && k->m.journal_first > 1 && !k->journal_complaint) /* after the first seal there always is one */
        k->journal_complaint = lf_printf(&k->arena, "telemetry: %s is damaged: its journal is missing", k->dir);
    if (k->njournal)
        qsort(k->journal, k->njournal, sizeof(struct journal *), by_number);
}

static void check_state(struct checking *k)
{
    char path[PATH_ROOM];
    struct lf_err err = { 0 };
    lf_text t;
    if (!k->m.state)
        return;
    lf_rc rc = io_read_file(k->io, path_state(path, k->dir, k->m.state), &k->arena, &t, &err);
    if (!rc && io_sum(t.p, t.n) != k->m.state_sum)
        rc = io_damaged(path, "its checksum", &err);
    if (rc)
        k->state_complaint = lf_printf(&k->arena, "%s", err.msg);
}

/* *still: the manifest was the same all the time. */
static lf_rc open_all(struct checking *k, bool *still, struct lf_err *err)
{
    struct manifest after;
    struct manifest_entry *e;
    size_t n;
    drop(k);
    lf_rc rc = manifest_read(k->io, k->dir, &k->arena, &k->m, &k->e, &k->ne, NULL, err);
    if (rc)
        return rc;
    open_journals(k);
    check_state(k);
    rc = manifest_read(k->io, k->dir, &k->arena, &after, &e, &n, NULL, err);
    *still = !rc && memcmp(&after, &k->m, sizeof after) == 0;
    return rc;
}

lf_rc lf_tele_log_check(const char *dir, struct lf_io *io, bool whole, void (*say)(void *, const char *), void *user,
                        struct lf_tele_log_stats *out, int64_t *bad, struct lf_err *err)
{
    struct checking *k = lf_new(sizeof *k);
    lf_rc rc = LF_OK;
    *out = (struct lf_tele_log_stats){ .sealing = false };
    k->io = io ? io : &lf_io_posix;
    k->dir = dir, k->whole = whole, k->say = say, k->user = user, k->out = out;
    files_init(&k->files, k->io, 1);
    bool still = false;
    int reading = readers_lock(k->io, dir);
    for (int i = 0; i < TRIES && !still && !rc; i++)
        rc = open_all(k, &still, err);
    if (!rc) {
        check_journals(k);
        rc = check_segments(k, err);
        if (k->state_complaint)
            report(k, k->state_complaint);
    }
    *bad = k->bad;
    drop(k);
    if (reading >= 0)
        k->io->close(k->io, reading);
    lf_arena_free(&k->arena);
    buf_free(&k->scratch);
    files_free(&k->files);
    lf_release(k->seen);
    lf_release(k);
    return rc;
}
