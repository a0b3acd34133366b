/* Lines of any bytes as data segments from stations that are known, each judged with and without what stations usually send remembered:
 * the same must come of it. A line is sent twice, and once more with its digits changed. */
#include "fuzz.h"
#include "tele/twin_testing.h"

static struct lf_directory *stations(void)
{
    static const struct lf_tele_scale scales[] = { { { "a34002", 6 }, 1000, { NULL, 0 } } };
    const struct lf_tele_station list[] = {
        { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3703") },
        { .id = { 2 }, .mn = LF_TEXT("M2"), .grid_code = LF_TEXT("3703"), .scale = scales, .nscale = LF_COUNT(scales) },
        { .id = { 3 }, .mn = LF_TEXT("M3"), .tolerate = LF_TOLERATE_UG | LF_TOLERATE_ACK },
        { .id = { 4 },
          .mn = LF_TEXT("M4"),
          .pw = LF_TEXT("123456"),
          .tolerate = LF_TOLERATE_PW | LF_TOLERATE_PLAIN,
          .key = LF_TEXT("0123456789abcdef") },
    };
    return lf_directory_make(list, LF_COUNT(list));
}

static void admit(struct twin *t, const struct lf_directory *d, lf_text s)
{
    const struct lf_admit in = { .directory = d,
                                 .frame = s,
                                 .segment = s,
                                 .peer = LF_TEXT("10.0.0.1"),
                                 .now = { 1710129600000 },
                                 .ahead_ms = LF_DAY_MS,
                                 .age_ms = LF_DAY_MS };
    const char *what = twin_admit(t, &in);
    if (what)
        fprintf(stderr, "%s is not the same\n", what), abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *copy = exact(data, n);
    struct lf_directory *d = stations();
    struct twin t;
    twin_open(&t);
    for (size_t at = 0, len; at < n && at < 8192; at += len + 1) {
        const char *end = memchr(copy + at, '\n', n - at);
        len = end ? (size_t)(end - copy) - at : n - at;
        lf_text line = { copy + at, (uint32_t)(len < HJ212_SEGMENT_MAX ? len : HJ212_SEGMENT_MAX) };
        admit(&t, d, line);
        admit(&t, d, line);
        for (uint32_t i = 0; i < line.n; i += 3)
            if (copy[at + i] >= '0' && copy[at + i] <= '8')
                copy[at + i]++;
        admit(&t, d, line);
    }
    const char *what = twin_batches(&t);
    if (what)
        fprintf(stderr, "%s is not the same\n", what), abort();
    twin_close(&t);
    lf_directory_unref(d);
    lf_release(copy);
    return 0;
}
