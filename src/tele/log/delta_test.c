/* Records of a chunk come back byte for byte, whatever they hold; those that devices send in turn become small; damaged bytes give
 * false, never a crash. Segments that an older program wrote are read as before. */
#include "tele/log/delta.h"

#include "base/random_testing.h"
#include "tele/log/fake_io.h"
#include "tele/log/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { MANY = 300 };
static struct delta_out out;
static struct buf bytes, bodies, body[MANY];
static int64_t station[MANY], id[MANY];
static size_t n;

static void begin(void)
{
    for (size_t i = 0; i < MANY; i++)
        body[i].n = 0;
    n = 0;
}

static void add(const char *text)
{
    put_bytes(&body[n], text, strlen(text));
    station[n] = (int64_t)n / 7, id[n] = (int64_t)n * 3;
    n++;
}

static void write_all(unsigned heads)
{
    delta_begin(&out, heads);
    for (size_t i = 0; i < n; i++)
        delta_put(&out, station[i], id[i], (lf_text){ (const char *)body[i].p, (uint32_t)body[i].n });
    bytes.n = 0;
    delta_end(&out, &bytes);
}

static void round_trip(unsigned heads)
{
    struct delta_in in;
    int64_t s, k;
    lf_text t;
    write_all(heads);
    assert_true(delta_open(&in, bytes.p, bytes.n, &bodies, out.bytes));
    for (size_t i = 0; i < n; i++) {
        assert_true(delta_next(&in, &s, &k, &t));
        assert_int_equal(s, station[i]);
        assert_int_equal(k, id[i]);
        assert_int_equal(t.n, body[i].n);
        assert_memory_equal(t.p, body[i].n ? body[i].p : (const uint8_t *)"", t.n);
    }
    assert_false(delta_next(&in, &s, &k, &t));
    assert_false(in.bad);
}

static void packet(uint64_t i, const char *cn)
{
    char text[400];
    put_zig(&body[n], (int64_t)(1700000000800 + i * 30000 + random_bits() % 50));
    put_zig(&body[n], (int64_t)(1700000000000 + i * 30000));
    put_zig(&body[n], 0), put_zig(&body[n], 0), put_var(&body[n], 3);
    snprintf(text, sizeof text,
             "##0300QN=20240301%09d;ST=31;CN=%s;MN=88888880000001;CP=&&DataTime=20240301%06d;a34004-Rtd=%d.%02d;a21026-Rtd=%d&&%04X",
             (int)(i * 30000), cn, (int)(i * 30), (int)(random_bits() % 12), (int)(random_bits() % 100), 95 + (int)(random_bits() % 10),
             (unsigned)(random_bits() & 0xffff));
    add(text);
}

static void packets_in_turn_are_small(void **state)
{
    size_t all = 0;
    begin();
    for (uint64_t i = 0; i < 200; i++)
        packet(i, i % 10 == 9 ? "2051" : "2011");
    round_trip(5);
    for (size_t i = 0; i < n; i++)
        all += body[i].n;
    assert_true(bytes.n * 4 < all);
    assert_true(out.letters.n < 10 * n); /* little but the last four */
}

/* What stands before and behind the place where two texts part: digits that carry, points that move, numbers too long to be any. */
static void numbers(void **state)
{
    static const char *const text[] = { "v=9.9,w=1;",
                                        "v=10.1,w=1;",
                                        "v=0.5,w=01;",
                                        "v=00.5,w=2;",
                                        "v=.5,w=2;",
                                        "v=5.,w=2;",
                                        "v=5,w=2;",
                                        "v=50,w=2;",
                                        "v=1.2.3,w=2",
                                        "v=1.3.3,w=2",
                                        "v=,w=2;",
                                        "v=7,w=2;",
                                        "v=-7,w=2;",
                                        "v=-12,w=2;",
                                        "12AF",
                                        "97BF",
                                        "999",
                                        "1000",
                                        "0",
                                        "00",
                                        "x=12345678901234567890123;",
                                        "x=12345678901234567890124;",
                                        "x=999999999999999999;",
                                        "x=1000000000000000000;",
                                        "x=000000000000000001;",
                                        "",
                                        "v",
                                        "v=9,",
                                        "v=9;",
                                        "v=95,",
                                        "v=9..5",
                                        "v=9..6" };
    for (size_t x = 0; x < sizeof text / sizeof text[0]; x++)
        for (size_t y = 0; y < sizeof text / sizeof text[0]; y++) {
            char long_text[200]; /* enough around it that the other is taken for alike */
            begin();
            snprintf(long_text, sizeof long_text, "a long beginning of a text %s and its long end, so that they are alike", text[x]);
            add(long_text);
            snprintf(long_text, sizeof long_text, "a long beginning of a text %s and its long end, so that they are alike", text[y]);
            add(long_text);
            add(text[y]), add(text[x]), add(text[y]);
            round_trip(0);
        }
}

static void any_bytes(void **state)
{
    static const char alphabet[] = "0123456789...,;ab&";
    for (int round = 0; round < 4000; round++) {
        begin();
        for (size_t i = 0; i < 12; i++) {
            size_t from = random_bits() % 3 && i ? random_bits() % i : i, len = random_bits() % 90;
            if (from < i) /* another one with some bytes changed, put in or cut out */
                put_bytes(&body[i], body[from].p, body[from].n);
            else
                for (size_t k = 0; k < len; k++)
                    put_u8(&body[i], round % 4 ? (uint8_t)alphabet[random_bits() % (sizeof alphabet - 1)] : (uint8_t)random_bits());
            for (uint64_t k = random_bits() % 5; k && body[i].n; k--)
                body[i].p[random_bits() % body[i].n] = (uint8_t)alphabet[random_bits() % (sizeof alphabet - 1)];
            if (random_bits() % 4 == 0 && body[i].n > 9) {
                size_t at = random_bits() % (body[i].n - 8), cut = random_bits() % 8;
                memmove(body[i].p + at, body[i].p + at + cut, body[i].n - at - cut);
                body[i].n -= cut;
            }
            station[i] = random_bits() % 9 ? 7 : (int64_t)random_bits(), id[i] = (int64_t)(random_bits() >> random_bits() % 64);
            n++;
        }
        round_trip((unsigned)(random_bits() % 7));
    }
}

static void long_ones(void **state)
{
    begin();
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 50000 + i * 10000; k++)
            put_u8(&body[i], (uint8_t)('0' + k % 10 + (k % 5000 == i)));
        station[i] = id[i] = i, n++;
    }
    round_trip(5);
}

static void damage_is_noticed_or_harmless(void **state)
{
    begin();
    for (uint64_t i = 0; i < 30; i++)
        packet(i, i % 3 ? "2011" : "2051");
    write_all(5);
    for (int round = 0; round < 40000; round++) {
        size_t len = random_bits() % 3 ? bytes.n : random_bits() % bytes.n;
        uint8_t *copy = lf_new(len + 1); /* exact, so that one byte too far is noticed */
        struct delta_in in;
        int64_t s, k;
        lf_text t;
        memcpy(copy, bytes.p, len);
        for (uint64_t c = random_bits() % 4; c > 0 && len; c--)
            copy[random_bits() % len] ^= (uint8_t)(1u << random_bits() % 8);
        struct buf exact = { 0 };
        size_t all = 0;
        if (delta_open(&in, copy, len, &exact, 1 << 20))
            while (delta_next(&in, &s, &k, &t))
                all += t.n;
        assert_true(all <= 1 << 20);
        buf_free(&exact);
        lf_release(copy);
    }
    assert_false(delta_open(&(struct delta_in){ .bad = false }, bytes.p, bytes.n, &bodies, 100)); /* more than there may be */
}

/* ---- a segment as it was written before ------------------------------------------------------------------------------- */

static void write_plain(struct lf_io *io)
{
    struct seg_out o;
    struct lf_err err = { 0 };
    struct chunk_entry e = { .station_first = 5, .id_first = 10, .station_last = 5, .id_last = 12, .records = 3 };
    struct buf raw = { 0 };
    uint8_t packed[500];
    assert_int_equal(seg_create(&o, io, "s", CLASS_REFUSED, 100, &err), LF_OK);
    o.foot.version = SEG_PLAIN;
    o.foot.id_first = 10, o.foot.id_last = 12, o.foot.n = 3;
    for (int64_t i = 10; i < 13; i++) {
        char text[20];
        snprintf(text, sizeof text, "body %d", (int)i);
        put_zig(&raw, 5), put_zig(&raw, i), put_text(&raw, lf_str(text));
        seg_entry(&o, TABLE_IDS, &(struct id_entry){ (uint32_t)i - 10, 0 });
    }
    size_t len = ZSTD_compress(packed, sizeof packed, raw.p, raw.n, 1);
    struct blob b = seg_blob(&o, packed, len);
    e.at = b.at, e.n = b.n, e.raw = (uint32_t)raw.n;
    seg_entry(&o, TABLE_CHUNKS, &e);
    assert_int_equal(seg_finish(&o), LF_OK);
    buf_free(&raw);
}

static void expect_three(struct segment *s, struct chunk *c)
{
    struct lf_err err = { 0 };
    struct page pg = { .of = NULL };
    struct record r;
    char text[20];
    for (int again = 0; again < 2; again++) { /* the same chunk from its beginning */
        assert_int_equal(chunk_load(c, s, 0, &pg, &err), LF_OK);
        for (int i = 10; i < 13; i++) {
            assert_true(chunk_next(c, &r));
            snprintf(text, sizeof text, "body %d", i);
            assert_true(r.station == 5 && r.id == i && lf_text_eq(r.body, lf_str(text)));
        }
        assert_false(chunk_next(c, &r));
        assert_false(chunk_bad(c));
    }
}

static void plain_segments_are_read_and_merged(void **state)
{
    struct fake_io disk;
    struct files files;
    struct lf_err err = { 0 };
    struct segment *old, *merged;
    struct records_out o;
    struct chunk c = { .of = NULL };
    fake_init(&disk, 1);
    files_init(&files, &disk.io, 4);
    write_plain(&disk.io);
    assert_int_equal(seg_open(&old, &files, "s", 1, 1, &err), LF_OK);
    expect_three(old, &c);
    assert_int_equal(records_create(&o, &disk.io, "m", CLASS_REFUSED, 100, 10, RECORDS_SMALL, &err), LF_OK);
    assert_int_equal(records_compact(&old, 1, &o, &err), LF_OK);
    assert_int_equal(records_finish(&o), LF_OK);
    assert_int_equal(seg_open(&merged, &files, "m", 2, 2, &err), LF_OK);
    assert_int_equal(merged->foot.version, SEG_DELTA);
    expect_three(merged, &c);
    expect_three(old, &c); /* one chunk after another of either kind */
    chunk_free(&c);
    seg_unref(old), seg_unref(merged);
    files_free(&files);
    fake_free(&disk);
}

/* What would not come back is kept whole, and is counted. */
static void packets_that_do_not_come_back(void **state)
{
    struct fake_io disk;
    struct files files;
    struct lf_err err = { 0 };
    struct segment *s;
    struct records_out o;
    struct chunk c = { .of = NULL };
    struct page pg = { .of = NULL };
    struct record r;
    fake_init(&disk, 1);
    files_init(&files, &disk.io, 4);
    begin();
    for (uint64_t i = 0; i < MANY; i++)
        packet(i, i % 3 ? "2011" : "2051");
    assert_int_equal(records_create(&o, &disk.io, "s", CLASS_PACKET, 24000, 0, RECORDS_FAST, &err), LF_OK);
    o.distrust = true;
    for (size_t i = 0; i < n; i++)
        records_add(&o, &(struct record){ station[i], id[i], { (const char *)body[i].p, (uint32_t)body[i].n }, i + 1 });
    assert_int_equal(records_finish(&o), LF_OK);
    assert_int_equal(o.plain, 1);
    assert_int_equal(seg_open(&s, &files, "s", 1, 1, &err), LF_OK);
    assert_int_equal(chunk_load(&c, s, 0, &pg, &err), LF_OK);
    for (size_t i = 0; i < n; i++) {
        assert_true(chunk_next(&c, &r));
        assert_true(r.station == station[i] && r.id == id[i] && r.body.n == body[i].n);
        assert_memory_equal(r.body.p, body[i].p, r.body.n);
    }
    assert_false(chunk_next(&c, &r) || chunk_bad(&c));
    chunk_free(&c);
    seg_unref(s);
    files_free(&files);
    fake_free(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(packets_in_turn_are_small),
                                        cmocka_unit_test(numbers),
                                        cmocka_unit_test(any_bytes),
                                        cmocka_unit_test(long_ones),
                                        cmocka_unit_test(damage_is_noticed_or_harmless),
                                        cmocka_unit_test(packets_that_do_not_come_back),
                                        cmocka_unit_test(plain_segments_are_read_and_merged) };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < MANY; i++)
        buf_free(&body[i]);
    buf_free(&bytes), buf_free(&bodies);
    delta_free(&out);
    return failed;
}
