/* Any bytes as a stream of HJ 212. */
#include "fuzz.h"
#include "hj212/crc.h"

static bool inside(lf_text outer, lf_text t) { return !t.p || (t.p >= outer.p && t.p + t.n <= outer.p + outer.n); }

static void read_items(lf_text cp)
{
    struct hj212_item it;
    size_t at = 0, before = 0;
    bool broken;
    double v;
    while (hj212_next(cp, &at, &it, &broken)) {
        MUST(at > before && at <= cp.n);
        MUST(inside(cp, it.code) && inside(cp, it.stat) && inside(cp, it.value) && it.code.n > 0);
        if (hj212_number(it.value, &v))
            MUST(v == v);
        (void)hj212_factor_find(it.code);
        before = at;
    }
}

static void answer(const struct hj212_packet *p)
{
    char out[HJ212_FRAME_MAX];
    size_t used, n = hj212_answer(p, out, sizeof out);
    lf_text frame, segment;
    struct hj212_packet back;
    const char *bad;
    MUST(n > 0); /* whatever was accepted can be answered, and the answer can be read */
    MUST(hj212_take(out, n, &used, &frame, &segment) == HJ212_GOOD && used == n);
    MUST(hj212_parse(segment, &back, &bad) == HJ212_GOOD);
}

static void read_segment(lf_text segment)
{
    struct hj212_packet p;
    const char *bad;
    enum hj212_why why = hj212_parse(segment, &p, &bad);
    MUST(why == HJ212_GOOD || why == HJ212_GRAMMAR || why == HJ212_FIELD);
    if (why != HJ212_GOOD)
        return;
    MUST(inside(segment, p.qn) && inside(segment, p.mn) && inside(segment, p.pw) && inside(segment, p.cp));
    MUST(p.cn.n == 4);
    read_items(p.cp);
    answer(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *copy = exact(data, n);
    size_t at = 0, used;
    lf_text frame, segment;
    read_segment((lf_text){ copy, (uint32_t)n });
    while (at < n) {
        enum hj212_why why = hj212_take(copy + at, n - at, &used, &frame, &segment);
        if (!used) {
            MUST(n - at < HJ212_BUFFER_MAX);
            break;
        }
        MUST(used <= n - at && frame.p == copy + at && frame.n <= used);
        if (why == HJ212_GOOD) {
            MUST(hj212_needs(frame, &segment) == 0);
            MUST(hj212_crc(segment.p, segment.n) == hj212_crc_bytewise(segment.p, segment.n));
            read_segment(segment);
        } else if (hj212_needs(frame, &segment) < HJ212_NEEDS_MORE) {
            read_segment(segment);
        }
        /* One byte fewer must wait, or have said the same: a result depends on a prefix only. */
        size_t less;
        lf_text f2, s2;
        for (size_t cut = used > 3 ? used - 3 : 0; cut < used; cut++) {
            enum hj212_why w2 = hj212_take(copy + at, cut, &less, &f2, &s2);
            MUST(less == 0 || (w2 == why && less == used));
        }
        at += used;
    }
    lf_release(copy);
    return 0;
}
