/* check.c - does every file hold what it should? Reads only.
 *
 * First all files are opened, again and again until the manifest was the same before and after; then nothing can be taken away any
 * more by a process that seals and merges meanwhile. */
#include "tele/log/parts.h"

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
    struct segment **seg; /* NULL: it cannot be opened, complaint says why */
    char **complaint;
    size_t nseg;
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

static void check_segment(struct checking *k, size_t i)
{
    struct lf_err err = { 0 };
    struct segment *s = k->seg[i];
    if (!s) {
        report(k, k->complaint[i]);
        return;
    }
    stats_add(k->out, s);
    lf_rc rc = s->size != k->e[i].size ? io_damaged(s->path, "its length is not what the manifest says", &err) : LF_OK;
    if (!rc && k->whole)
        rc = check_tables(k, s, &err);
    if (!rc && k->whole)
        rc = s->foot.cls < CLASS_RECORDS ? check_points(k, s, &err) : check_records(k, s, &err);
    if (rc)
        report(k, err.msg);
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
    for (size_t i = 0; i < k->nseg; i++)
        seg_unref(k->seg[i]);
    for (size_t i = 0; i < k->njournal; i++)
        journal_unref(k->journal[i]);
    lf_release(k->journal);
    k->journal = NULL;
    k->nseg = k->njournal = k->cap = 0;
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

static void open_segments(struct checking *k, size_t n)
{
    char path[PATH_ROOM];
    k->seg = lf_alloc(&k->arena, (n + 1) * sizeof(struct segment *));
    k->complaint = lf_alloc(&k->arena, (n + 1) * sizeof(char *));
    for (k->nseg = 0; k->nseg < n; k->nseg++) {
        struct lf_err err = { 0 };
        const struct manifest_entry *e = &k->e[k->nseg];
        if (seg_open(&k->seg[k->nseg], k->io, path_segment(path, k->dir, e->number), e->number, e->rank, &err))
            k->complaint[k->nseg] = lf_printf(&k->arena, "%s", err.msg);
    }
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
    lf_rc rc = manifest_read(k->io, k->dir, &k->arena, &k->m, &k->e, &n, NULL, err);
    if (rc)
        return rc;
    open_segments(k, n);
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
    bool still = false;
    for (int i = 0; i < TRIES && !still && !rc; i++)
        rc = open_all(k, &still, err);
    if (!rc) {
        check_journals(k);
        for (size_t i = 0; i < k->nseg; i++)
            check_segment(k, i);
        if (k->state_complaint)
            report(k, k->state_complaint);
    }
    *bad = k->bad;
    drop(k);
    lf_arena_free(&k->arena);
    buf_free(&k->scratch);
    lf_release(k);
    return rc;
}
