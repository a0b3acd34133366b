/* Checksum: vectors worked out by hand procedure and public examples; the fast form against the printed procedure. */
#include "hj212/crc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *text;
    size_t n;
    uint16_t hj, modbus;
} vectors[] = {
    { "", 0, 0xffff, 0xffff },   { "a", 1, 0xa881, 0xa87e },    { "abc", 3, 0xd701, 0x5749 }, { "123456789", 9, 0x2f80, 0x4b37 },
    { "\0", 1, 0x4040, 0x40bf }, { "\xff", 1, 0x0000, 0x00ff }, { "##", 2, 0xb381, 0x5959 },  { "CP=&&&&", 7, 0xf781, 0x6879 },
};

static void vectors_match(void **state)
{
    for (size_t i = 0; i < LF_COUNT(vectors); i++) {
        assert_int_equal(hj212_crc(vectors[i].text, vectors[i].n), vectors[i].hj);
        assert_int_equal(hj212_crc_bytewise(vectors[i].text, vectors[i].n), vectors[i].hj);
        assert_int_equal(hj212_crc_modbus(vectors[i].text, vectors[i].n), vectors[i].modbus);
    }
}

static uint32_t seed = 2166136261u;
static unsigned random_byte(void) { return (seed = seed * 1664525u + 1013904223u) >> 24; }

static void fast_is_bytewise(void **state)
{
    unsigned char text[1100];
    for (int round = 0; round < 4000; round++) {
        size_t n = round < 300 ? (size_t)round : (random_byte() << 8 | random_byte()) % sizeof text;
        size_t at = random_byte() % 8; /* any alignment */
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (unsigned char)random_byte();
        n = n + at > sizeof text ? sizeof text - at : n;
        assert_int_equal(hj212_crc(text + at, n), hj212_crc_bytewise(text + at, n));
    }
}

/* As Annex A prints it, bit by bit. */
static uint16_t bitwise(const unsigned char *p, size_t n)
{
    unsigned reg = 0xffff;
    for (size_t i = 0; i < n; i++) {
        reg = (reg >> 8) ^ p[i];
        for (int b = 0; b < 8; b++)
            reg = reg & 1 ? (reg >> 1) ^ 0xa001 : reg >> 1;
    }
    return (uint16_t)reg;
}

static void table_is_the_printed_procedure(void **state)
{
    unsigned char two[2];
    for (unsigned a = 0; a < 65536; a++) {
        two[0] = (unsigned char)(a >> 8);
        two[1] = (unsigned char)a;
        assert_int_equal(hj212_crc(two, 2), bitwise(two, 2));
    }
}

static void one_wrong_byte_is_always_seen(void **state)
{
    unsigned char text[] = "QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&";
    size_t n = sizeof text - 1;
    assert_int_equal(hj212_crc(text, n), 0x1c80); /* HJ 212-2017 Annex A.2 */
    for (size_t i = 0; i < n; i++)
        for (unsigned x = 1; x < 256; x++) {
            text[i] ^= (unsigned char)x;
            assert_int_not_equal(hj212_crc(text, n), 0x1c80);
            text[i] ^= (unsigned char)x;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_match),
        cmocka_unit_test(fast_is_bytewise),
        cmocka_unit_test(table_is_the_printed_procedure),
        cmocka_unit_test(one_wrong_byte_is_always_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
