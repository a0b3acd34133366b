/* random_testing.h - numbers that look random and are the same on every machine. For test programs and benchmarks only. */
#ifndef LF_BASE_RANDOM_TESTING_H
#define LF_BASE_RANDOM_TESTING_H
#include <stddef.h>
#include <stdint.h>

static uint64_t random_state = 88172645463325252u; /* anything but 0 */

/* Begins another sequence for each n. */
static inline void random_begin(uint64_t n) { random_state = 88172645463325252u ^ n * 0x9e3779b97f4a7c15u; }

/* The xorshift generator of Marsaglia (2003). */
static inline uint64_t random_bits(void)
{
    random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
    return random_state;
}

/* 0 to below - 1; of nothing 0. */
static inline unsigned pick(size_t below) { return below ? (unsigned)((size_t)(random_bits() >> 11) % below) : 0; }
#endif
