/* Runs the fuzz target without libFuzzer: every file and record that a small store writes, then mutations of them, the same on every
 * machine. usage: fuzz_log_test [ROUNDS [SEED]] */
#include "tele/log/fuzz_log.h"

#include "base/random_testing.h"
#include "tele/log/delta.h"
#include "tele/log/fake_io.h"
#include "tele/log/points.h"
#include "tele/log/store.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS_MAX = 200, BYTES_MAX = 64 * 1024 };
static struct buf seed[SEEDS_MAX];
static size_t nseed;
static void add_seed(uint8_t what, const void *p, size_t n)
{
    if (nseed == SEEDS_MAX || n + 1 > BYTES_MAX)
        return;
    put_u8(&seed[nseed], what);
    put_bytes(&seed[nseed++], p, n);
}

static void blocks(void)
{
    static struct points p;
    struct buf b = { 0 };
    for (int i = 0; i < 20; i++) {
        p.n = 1 + (uint32_t)pick(60);
        for (uint32_t k = 0; k < p.n; k++) {
            p.at[k] = (int64_t)k * 1000 + (int64_t)pick(i % 2 ? 900 : 1);
            p.flag[k] = pick(9) ? flag_pack(LF_TEXT("N")) : 0;
            for (int c = 0; c < COLUMNS; c++)
                p.col[c][k] = c < 1 + i % COLUMNS && pick(5) ? (double)pick(1000) / (i % 3 ? 10 : 7) : (double)NAN;
        }
        b.n = 0;
        points_put(&b, &p);
        add_seed(FUZZ_BLOCK, b.p, b.n);
    }
    buf_free(&b);
}

static void chunks(void)
{
    struct delta_out out = { .heads = 0 };
    struct buf b = { 0 };
    char text[120];
    for (unsigned heads = 0; heads < 6; heads++) {
        delta_begin(&out, heads);
        for (int i = 0; i < 12; i++) {
            int n =
                snprintf(text, sizeof text, "%cq7##QN=%d;%s;a=%d.%d,b=%d;%s&&%04X", 'A' + i, i * 30000, i % 4 ? "2011" : "another thing",
                         (int)pick(12), (int)pick(10), (int)pick(2000), i % 5 ? "N" : "what is longer", (unsigned)pick(65536));
            delta_put(&out, 1 + i / 4, 100 + i, (lf_text){ text, (uint32_t)n });
        }
        b.n = 0;
        delta_end(&out, &b);
        add_seed(FUZZ_CHUNK, b.p, b.n);
    }
    buf_free(&b);
    delta_free(&out);
}

static void fill(struct lf_tele_batch *b, int round)
{
    for (int i = 0; i < 6; i++) {
        struct lf_tele_packet *p = lf_tele_add_packet(b);
        *p = (struct lf_tele_packet){ .station = { i % 3 + 1 },
                                      .raw = lf_str(lf_printf(&b->arena, "##%d-%d", round, i)),
                                      .cn = LF_TEXT("2061") };
        p->qn = p->st = p->peer = p->note = LF_TEXT("q");
        p->at.ms = 1700000000000 + (int64_t)(round * 7 + i) * 86400000;
        p->received = p->at, p->pnum = i, p->pno = i / 2, p->first = b->nreading, p->n = 1;
        struct lf_tele_reading *r = lf_tele_add_reading(b);
        *r = (struct lf_tele_reading){ .station = p->station, .factor = LF_TEXT("w01018"), .kind = LF_TELE_HOUR, .at = { i % 2 } };
        r->value = round, r->flag = LF_TEXT("N");
        struct lf_tele_reject *j = lf_tele_add_reject(b);
        *j = (struct lf_tele_reject){
            .detail = LF_TEXT("MN"), .raw = LF_TEXT("##x"), .received = p->at, .quarantine = i % 2, .why = LF_TELE_TIME
        };
    }
}

/* What lies on the disk: whole segments, the state, and the records of the journals (a body begins 24 bytes behind its magic). */
static void files_of(struct fake_io *disk)
{
    const char *name;
    uint8_t *p;
    size_t n;
    for (size_t i = 0; fake_peek(disk, i, &name, &p, &n); i++) {
        if (strncmp(name, "seg-", 4) == 0)
            add_seed(FUZZ_SEGMENT, p, n);
        if (strncmp(name, "state-", 6) == 0)
            add_seed(FUZZ_STATE, p, n);
        for (size_t at = 4096; strncmp(name, "journal-", 8) == 0 && at + 24 < n; at += 8) {
            uint32_t head[2];
            memcpy(head, p + at, sizeof head);
            if (head[0] == 0x4c465243 && head[1] < n - at - 24) {
                add_seed(FUZZ_RECORD, p + at + 24, head[1]);
                add_seed(FUZZ_BODIES, p + at + 24 + 8 + 20 + 6, 60);
            }
        }
    }
}

static void stores(void)
{
    struct fake_io disk;
    struct lf_tele_store *s;
    struct lf_err err = { 0 };
    fake_init(&disk, 1);
    if (lf_tele_log_open(&s, &(struct lf_tele_log_config){ .dir = "d", .io = &disk.io, .by_hand = true, .reserve = 8192 }, &err))
        exit(2);
    for (int round = 0; round < 5; round++) {
        struct lf_tele_batch b = { .npacket = 0 };
        fill(&b, round);
        if (s->ops->commit(s, &b, &err) || (round == 2 && lf_tele_log_work(s, &err)))
            exit(2);
        lf_tele_batch_free(&b);
    }
    files_of(&disk);
    lf_tele_store_close(s);
    fake_free(&disk);
}

static size_t mutate(uint8_t *p, size_t n)
{
    static const uint64_t words[] = { 0, UINT64_MAX, INT64_MAX, 1ull << 63, 0x7fffffff, 0xffffffff, 0x80, 4096 };
    size_t at = n > 1 ? 1 + pick(n - 1) : 0, len;
    if (n > 600 && pick(3) == 0)
        at = n - 1 - pick(512); /* the footer of a segment */
    switch (at ? pick(5) : 5) {
    case 0: p[at] ^= (uint8_t)(1u << pick(8)); return n;
    case 1: p[at] = (uint8_t)pick(256); return n;
    case 2:
        len = n - at < 8 ? n - at : (size_t[]){ 1, 2, 4, 8 }[pick(4)];
        memcpy(p + at, &words[pick(LF_COUNT(words))], len);
        return n;
    case 3: return pick(4) ? n : at; /* cut */
    case 4:
        len = pick((n - at < 64 ? n - at : 64) + 1);
        memmove(p + at, p + 1 + pick(n - len), len);
        return n;
    default: return n;
    }
}

int main(int argc, char **argv)
{
    static uint8_t work[BYTES_MAX];
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 60000;
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : 88172645463325252u;
    blocks();
    chunks();
    stores();
    for (size_t i = 0; i < nseed; i++)
        LLVMFuzzerTestOneInput(seed[i].p, seed[i].n);
    for (long r = 0; r < rounds; r++) {
        size_t from = pick(nseed), n = seed[from].n;
        memcpy(work, seed[from].p, n);
        for (size_t k = pick(4) + 1; k; k--)
            n = mutate(work, n);
        LLVMFuzzerTestOneInput(work, n);
    }
    printf("%zu inputs, %ld mutations\n", nseed, rounds);
    for (size_t i = 0; i < nseed; i++)
        buf_free(&seed[i]);
    return 0;
}
