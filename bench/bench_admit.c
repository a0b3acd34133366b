/* Judging: take + lf_admit into a batch, over packets as bench_load makes them (1,000 stations in turns, eight factors with flags), in
 * the same run with what stations usually send remembered (lf_shapes) and without.
 * Prints ns for each packet. The goal: remembering costs at most 0.6 of reading as if for the first time.
 * Usage: bench_admit [ROUNDS]   (one round is 4,096 packets) */
#include "base/arena.h"
#include "tele/admit.h"
#include "tele/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STATIONS = 1000, PACKETS = 4096 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct lf_directory *stations(void)
{
    static struct lf_tele_station list[STATIONS];
    static char mn[STATIONS][16];
    for (int i = 0; i < STATIONS; i++) {
        snprintf(mn[i], sizeof mn[i], "LOAD%04d", i);
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(mn[i]), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("370305") };
    }
    return lf_directory_make(list, STATIONS);
}

static size_t packet(char *out, size_t cap, int k)
{
    char s[HJ212_SEGMENT_MAX];
    int n = snprintf(s, sizeof s,
                     "QN=202403111200%05d;ST=32;CN=2011;PW=123456;MN=LOAD%04d;Flag=5;CP=&&DataTime=202403111%d%02d00;w01018-Rtd=%d.%02d,"
                     "w01018-Flag=N;w01001-Rtd=7.%02d,w01001-Flag=N;w00000-Rtd=%d.5,w00000-Flag=N;w21003-Rtd=1.%03d,w21003-Flag=N;"
                     "w21011-Rtd=0.%02d,w21011-Flag=N;w21001-Rtd=9.71,w21001-Flag=N;w01010-Rtd=2%d.4,w01010-Flag=N;"
                     "w01014-Rtd=4%02d.0,w01014-Flag=N&&",
                     k, k % STATIONS, k % 2, k / 7 % 60, k % 140, k % 97, k % 89, k % 61, k * 37 % 1000, k % 71, k % 10, k % 83);
    return hj212_frame((lf_text){ s, (uint32_t)n }, out, cap);
}

static size_t admit_all(const char *p, size_t n, const struct lf_directory *d, struct lf_shapes *shapes, struct lf_tele_batch *b)
{
    size_t used, taken = 0;
    lf_text frame, segment;
    struct lf_admit a = { .directory = d, .peer = LF_TEXT("127.0.0.1"), .ahead_ms = LF_DAY_MS, .age_ms = LF_DAY_MS, .shapes = shapes };
    lf_ms_parse_compact(LF_TEXT("20240311120000"), &a.now);
    for (size_t at = 0; at < n; at += used) {
        if (hj212_take(p + at, n - at, &used, &frame, &segment) != HJ212_GOOD || !used)
            break;
        a.frame = frame, a.segment = segment;
        taken += lf_admit(&a, b) == LF_ADMIT_TAKEN;
    }
    return taken;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    char *stream = lf_new((size_t)PACKETS * HJ212_FRAME_MAX);
    size_t n = 0;
    double best[2] = { 1e9, 1e9 };
    struct lf_tele_batch b = { 0 };
    struct lf_directory *d = stations();
    struct lf_shapes *shapes = lf_shapes_new();
    for (int k = 0; k < PACKETS; k++)
        n += packet(stream + n, HJ212_FRAME_MAX, k);
    for (int r = 0; r < 2 * rounds; r++) {
        double began = now();
        if (admit_all(stream, n, d, r % 2 ? shapes : NULL, &b) != PACKETS)
            fprintf(stderr, "some packets were not taken\n");
        double took = (now() - began) / PACKETS;
        best[r % 2] = took < best[r % 2] ? took : best[r % 2];
        lf_tele_batch_reset(&b);
    }
    printf("admit  %.0f ns a packet, remembered %.0f ns: ratio %.2f (goal 0.60; best of %d); %zu bytes remembered a station\n",
           best[0] * 1e9, best[1] * 1e9, best[1] / best[0], rounds, lf_shapes_tell(shapes).bytes / STATIONS);
    lf_shapes_free(shapes);
    lf_directory_unref(d);
    lf_tele_batch_free(&b);
    lf_release(stream);
    return 0;
}
