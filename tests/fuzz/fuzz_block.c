/* The telemetry store's binary forms: any bytes end in an answer or an error; what was written comes back to the bit, and comes back or
 * is refused when a byte of it has changed. */
#include "fuzz.h"
#include "tele/log/body.h"
#include "tele/log/codec.h"
#include "tele/log/delta.h"
#include "tele/log/mem.h"

static void records(const char *p, size_t n)
{
    struct buf bodies = { 0 };
    struct delta_in in;
    int64_t station, id;
    lf_text body;
    size_t all = 0;
    if (delta_open(&in, p, n, &bodies, 1 << 20))
        while (delta_next(&in, &station, &id, &body))
            all += body.n;
    MUST(all <= 1 << 20);
    buf_free(&bodies);
}

static void raw(const uint8_t *data, size_t n)
{
    static struct points p;
    struct packet_body b;
    struct lf_tele_stored_reject reject;
    struct lf_tele_correction correction;
    struct lf_arena a = { 0 };
    char *copy = exact(data, n);
    lf_text text = { copy, (uint32_t)n };
    if (points_get(copy, n, &p))
        MUST(p.n >= 1);
    MUST(p.n <= POINTS_MAX);
    records(copy, n);
    (void)!packet_get(text, &b);
    (void)!reject_get(text, 1, &a, &reject);
    (void)!correction_get(text, 1, &a, &correction);
    struct mem *m = lf_new(sizeof *m);
    mem_init(m);
    (void)!mem_state_get(m, text);
    mem_free(m);
    lf_release(m);
    lf_arena_free(&a);
    lf_release(copy);
}

/* Points as the bytes say them: steps of time, and values of a few kinds. */
static void points_of(const uint8_t *data, size_t n, struct points *p)
{
    struct in in = in_of(data, n);
    int64_t at = get_zig(&in) % 4000000000000, step = 1000;
    double value = 0;
    memset(p, 0, sizeof *p);
    while (!in.bad && in_left(&in) && p->n < POINTS_MAX) {
        uint8_t how = get_u8(&in);
        if (how & 1)
            step = (int64_t)(get_var(&in) % 100000000) + 1;
        at += step;
        value = how & 2 ? get_f64(&in) : how & 4 ? value + (double)get_zig(&in) / 100 : value;
        p->at[p->n] = at;
        for (int c = 0; c < COLUMNS; c++)
            p->col[c][p->n] = c == 0 || how >> (c + 3) & 1 ? value : (double)NAN;
        p->flag[p->n] = how & 8 ? flag_pack(LF_TEXT("D")) : 0;
        p->n++;
    }
}

static void there_and_back(const uint8_t *data, size_t n)
{
    static struct points p, q;
    struct buf b = { 0 };
    points_of(data, n, &p);
    if (!p.n)
        return;
    points_put(&b, &p);
    MUST(points_get(b.p, b.n, &q) && q.n == p.n);
    for (uint32_t i = 0; i < p.n; i++) {
        MUST(q.at[i] == p.at[i] && q.flag[i] == p.flag[i]);
        for (int c = 0; c < COLUMNS; c++)
            MUST((isnan(p.col[c][i]) && isnan(q.col[c][i])) || memcmp(&p.col[c][i], &q.col[c][i], sizeof(double)) == 0);
    }
    for (size_t i = 0; i + 1 < n; i += 2) /* and damaged */
        b.p[data[i] * 7 % b.n] ^= data[i + 1];
    raw(b.p, b.n);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n && data[0] & 1)
        there_and_back(data + 1, n - 1);
    else if (n)
        raw(data + 1, n - 1);
    return 0;
}
