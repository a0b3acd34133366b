/* Decoding: take + parse + items + numbers over real and made frames repeated to 64 MB, against one memchr pass over the
 * same bytes in the same run (reading memory once, the least that any reader must do).
 * Usage: bench_decode FRAMES_FILE   (src/hj212/testdata/frames.txt) */
#include "base/arena.h"
#include "hj212/hj212.h"

#include <stdio.h>
#include <time.h>

enum { STREAM = 64 << 20, ROUNDS = 5 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t load(const char *path, char *out, size_t cap)
{
    char line[1600];
    size_t n = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        char *text = strrchr(line, '\t');
        if (line[0] == '#' || !text || !strstr(line, "\tgood\t"))
            continue;
        size_t len = strcspn(++text, "\n");
        if (n + len + 2 > cap)
            break;
        memcpy(out + n, text, len);
        memcpy(out + n + len, "\r\n", 2);
        n += len + 2;
    }
    if (f)
        fclose(f);
    return n;
}

struct tally {
    size_t packets, items, numbers;
    double sum;
};

static void decode(const char *p, size_t n, struct tally *t)
{
    size_t at = 0, used, item_at;
    lf_text frame, segment;
    struct hj212_packet packet;
    struct hj212_item it;
    const char *bad;
    bool broken;
    double v;
    while (at < n) {
        enum hj212_why why = hj212_take(p + at, n - at, &used, &frame, &segment);
        if (!used)
            break;
        at += used;
        if (why != HJ212_GOOD || hj212_parse(segment, &packet, &bad) != HJ212_GOOD)
            continue;
        t->packets++;
        for (item_at = 0; hj212_next(packet.cp, &item_at, &it, &broken); t->items++)
            if (it.stat.p && hj212_number(it.value, &v)) {
                t->numbers++;
                t->sum += v;
            }
    }
}

/* memchr for a byte that is not there: one pass over all of it. */
static size_t memchr_pass(const char *p, size_t n) { return memchr(p, 0x01, n) != NULL; }

int main(int argc, char **argv)
{
    char *stream = lf_new(STREAM);
    size_t one = argc > 1 ? load(argv[1], stream, STREAM) : 0, n = one, hits = 0;
    double best = 1e9, best_chr = 1e9;
    struct tally t = { 0 };
    if (!one) {
        fprintf(stderr, "usage: bench_decode FRAMES_FILE\n");
        return 2;
    }
    for (; n + one <= STREAM; n += one)
        memcpy(stream + n, stream, one);
    for (int r = 0; r < ROUNDS; r++) {
        t = (struct tally){ 0 };
        double a = now();
        hits += memchr_pass(stream, n);
        double b = now();
        decode(stream, n, &t);
        double c = now();
        best_chr = b - a < best_chr ? b - a : best_chr;
        best = c - b < best ? c - b : best;
    }
    printf("decode  %.1f MB  %zu packets  %zu items  %zu numbers (sum %.0f)\n", (double)n / 1e6, t.packets, t.items, t.numbers, t.sum);
    printf("decode  %.3f s  %.2f M packets/s  %.0f MB/s\n", best, (double)t.packets / best / 1e6, (double)n / best / 1e6);
    printf("memchr  %.4f s  %.0f MB/s%s\n", best_chr, (double)n / best_chr / 1e6, hits ? "!" : "");
    printf("ratio   decode / memchr = %.1f (best of %d)\n", best / best_chr, ROUNDS);
    lf_release(stream);
    return 0;
}
