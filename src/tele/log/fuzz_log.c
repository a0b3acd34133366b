/* Fuzz target: bytes behind a checksum, as a hostile or clever hand could leave them. The first byte chooses what they are read as.
 * Nothing may crash or leave its range; what reads as a block of points must be written and read back the same.
 * The target has the form that libFuzzer wants; the test suite mutates what fuzz_log_test.c writes. */
#include "tele/log/fuzz_log.h"

#include "tele/log/delta.h"
#include "tele/log/fake_io.h"
#include "tele/log/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), abort()))

static void block(const uint8_t *p, size_t n)
{
    static struct points a, b;
    struct buf out = { 0 };
    if (!points_get(p, n, &a))
        return;
    for (uint32_t i = 1; i < a.n; i++)
        MUST(a.at[i] > a.at[i - 1]);
    points_put(&out, &a);
    MUST(points_get(out.p, out.n, &b) && b.n == a.n && memcmp(a.at, b.at, a.n * sizeof a.at[0]) == 0);
    for (int c = 0; c < COLUMNS; c++)
        for (uint32_t i = 0; i < a.n; i++)
            MUST(memcmp(&a.col[c][i], &b.col[c][i], sizeof(double)) == 0);
    buf_free(&out);
}

static void bodies(const uint8_t *p, size_t n)
{
    lf_text t = { (const char *)p, (uint32_t)n };
    struct lf_arena a = { 0 };
    struct packet_body b;
    struct lf_tele_stored_packet stored;
    struct lf_tele_stored_reject reject;
    struct lf_tele_correction correction;
    if (packet_get(t, &b))
        packet_stored(&b, 1, 1, &a, &stored);
    (void)!reject_get(t, 1, &a, &reject);
    (void)!correction_get(t, 1, &a, &correction);
    for (uint32_t c = CLASS_PACKET; c < CLASS_COUNT; c++)
        (void)record_when(c, t);
    lf_arena_free(&a);
}

static void record(const uint8_t *p, size_t n)
{
    struct mem m;
    struct journal *j = lf_new(sizeof *j + 1);
    atomic_init(&j->users, 1);
    j->fd = -1;
    mem_init(&m);
    (void)!mem_publish(&m, j, (lf_text){ (const char *)p, (uint32_t)n }, 0, NULL);
    mem_free(&m);
    journal_unref(j);
}

static void state(const uint8_t *p, size_t n)
{
    struct mem m;
    struct buf out = { 0 };
    mem_init(&m);
    if (mem_state_get(&m, (lf_text){ (const char *)p, (uint32_t)n }))
        mem_state_put(&m, &out);
    buf_free(&out);
    mem_free(&m);
}

static bool any_point(void *user, const struct point *p) { return true; }

static void walk_points(struct segment *s, struct page *pg, struct lf_err *err)
{
    struct series_entry e;
    for (uint64_t i = 0; i < s->foot.table[TABLE_SERIES].n && i < 50; i++) {
        struct source src;
        if (seg_get(s, TABLE_SERIES, i, &e, pg, err) || source_open(&src, s, &e, INT64_MIN, INT64_MAX, err))
            return;
        (void)!points_merge(&src, 1, INT64_MIN, INT64_MAX, any_point, NULL, err);
        source_close(&src);
    }
}

static void walk_records(struct segment *s, struct page *pg, struct lf_err *err)
{
    struct chunk c = { .of = NULL };
    struct record r;
    for (uint64_t i = 0; i < s->foot.table[TABLE_CHUNKS].n && i < 50 && !chunk_load(&c, s, i, pg, err); i++)
        while (chunk_next(&c, &r))
            ;
    struct print_entry e;
    const struct lf_tele_packet none = { 0 };
    int64_t id;
    for (uint64_t i = 0; i < s->foot.table[TABLE_PRINTS].n && i < 50 && !seg_get(s, TABLE_PRINTS, i, &e, pg, err); i++)
        (void)!records_same_packet(s, (uint64_t)e.hi << 32 | e.lo, 1, &none, &c, &id, pg, err);
    chunk_free(&c);
}

/* A whole file; the sums of its footer and of the pages of its tables are made right, or nothing behind them would be reached. */
static void segment(const uint8_t *p, size_t n)
{
    static struct page pg;
    struct fake_io disk;
    struct files files;
    struct lf_err err = { 0 };
    struct segment *s;
    struct buf b = { 0 };
    struct seg_footer foot;
    if (n < FOOTER)
        return;
    put_bytes(&b, p, n);
    memcpy(&foot, b.p + n - FOOTER, sizeof foot);
    for (int t = 0; t < TABLES; t++)
        for (uint64_t at = foot.table[t].at; at <= n - FOOTER && n - FOOTER - at >= PAGE && foot.table[t].n; at += PAGE) {
            uint64_t sum = io_sum(b.p + at, PAGE_DATA);
            memcpy(b.p + at + PAGE_DATA, &sum, sizeof sum);
        }
    uint64_t sum = io_sum(b.p + n - FOOTER, FOOTER - 8);
    memcpy(b.p + n - 8, &sum, sizeof sum);
    fake_init(&disk, 1);
    int fd = disk.io.open(&disk.io, "s", LF_IO_CREATE);
    disk.io.write(&disk.io, fd, b.p, b.n, 0);
    disk.io.close(&disk.io, fd);
    pg.of = NULL;
    files_init(&files, &disk.io, 1);
    if (!seg_open(&s, &files, "s", 1, 1, &err)) {
        if (s->foot.cls < CLASS_RECORDS)
            walk_points(s, &pg, &err);
        else
            walk_records(s, &pg, &err);
        seg_unref(s);
    }
    files_free(&files);
    fake_free(&disk);
    buf_free(&b);
}

/* What reads as records must be written and read back the same. */
static void chunk(const uint8_t *p, size_t n)
{
    struct buf bodies = { 0 }, again = { 0 }, bytes = { 0 };
    struct delta_out out = { .heads = 0 };
    struct delta_in in;
    int64_t station, id, station2, id2;
    lf_text body, body2;
    size_t records = 0;
    if (delta_open(&in, p, n, &bodies, 1 << 20)) {
        delta_begin(&out, in.heads);
        for (; delta_next(&in, &station, &id, &body); records++)
            delta_put(&out, station, id, body);
        delta_end(&out, &bytes);
        MUST(delta_open(&in, p, n, &bodies, 1 << 20));
        struct delta_in twice;
        MUST(delta_open(&twice, bytes.p, bytes.n, &again, out.bytes));
        while (records--)
            MUST(delta_next(&in, &station, &id, &body) && delta_next(&twice, &station2, &id2, &body2) && station == station2 && id == id2 &&
                 body.n == body2.n && memcmp(body.p, body2.p, body.n) == 0);
    }
    delta_free(&out);
    buf_free(&bodies), buf_free(&again), buf_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const reads[])(const uint8_t *, size_t) = { block, bodies, record, state, segment, chunk };
    if (n > 0 && data[0] < LF_COUNT(reads)) {
        uint8_t *exact = lf_new(n); /* so that one byte too far is noticed */
        memcpy(exact, data + 1, n - 1);
        reads[data[0]](exact, n - 1);
        lf_release(exact);
    }
    return 0;
}
