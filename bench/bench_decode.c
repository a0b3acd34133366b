/* Decoding: take + parse + items + numbers over real and made frames repeated to 64 MB, in the same run as
 *   reference  plain C that only looks for ##, reads the length, and computes the checksum with a byte table as everybody does;
 *   memchr     one pass over the same bytes (reading memory once, the least that any reader must do).
 * Goal: decode >= 0.5 of the reference, in packets a second.
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

/* ---- the reference ------------------------------------------------------------------------------ */

static uint16_t table[256];

static void make_table(void)
{
    for (unsigned i = 0; i < 256; i++) {
        unsigned v = i;
        for (int k = 0; k < 8; k++)
            v = v & 1 ? v >> 1 ^ 0xa001 : v >> 1;
        table[i] = (uint16_t)v;
    }
}

static unsigned hex(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

static size_t reference(const char *p, size_t n)
{
    size_t good = 0;
    const char *end = p + n;
    while (end - p > 12 && (p = memchr(p, '#', (size_t)(end - p)))) {
        if (end - p < 12 || p[1] != '#') {
            p++;
            continue;
        }
        size_t len = (size_t)((p[2] - '0') * 1000 + (p[3] - '0') * 100 + (p[4] - '0') * 10 + (p[5] - '0'));
        if (len > HJ212_SEGMENT_MAX || (size_t)(end - p) < len + 12)
            break;
        unsigned reg = 0xffff;
        for (size_t i = 0; i < len; i++)
            reg = table[(reg >> 8) ^ (unsigned char)p[6 + i]];
        good += reg == hex(p + 6 + len);
        p += len + 12;
    }
    return good;
}

/* memchr for a byte that is not there: one pass over all of it. */
static size_t memchr_pass(const char *p, size_t n) { return memchr(p, 0x01, n) != NULL; }

int main(int argc, char **argv)
{
    char *stream = lf_new(STREAM);
    size_t one = argc > 1 ? load(argv[1], stream, STREAM) : 0, n = one, hits = 0;
    double best = 1e9, best_chr = 1e9, best_ref = 1e9;
    struct tally t = { 0 };
    make_table();
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
        size_t good = reference(stream, n);
        double d = now();
        if (good != t.packets)
            fprintf(stderr, "the reference found %zu packets\n", good);
        best_ref = d - c < best_ref ? d - c : best_ref;
        best_chr = b - a < best_chr ? b - a : best_chr;
        best = c - b < best ? c - b : best;
    }
    printf("decode  %.1f MB  %zu packets  %zu items  %zu numbers (sum %.0f)\n", (double)n / 1e6, t.packets, t.items, t.numbers, t.sum);
    printf("decode  %.3f s  %.2f M packets/s  %.0f MB/s\n", best, (double)t.packets / best / 1e6, (double)n / best / 1e6);
    printf("reference %.3f s  %.2f M packets/s  %.0f MB/s\n", best_ref, (double)t.packets / best_ref / 1e6, (double)n / best_ref / 1e6);
    printf("memchr  %.4f s  %.0f MB/s%s\n", best_chr, (double)n / best_chr / 1e6, hits ? "!" : "");
    printf("ratio   decode : reference = %.2f in packets/s (goal 0.50); decode takes %.1f times memchr (best of %d)\n", best_ref / best,
           best / best_chr, ROUNDS);
    lf_release(stream);
    return 0;
}
