/* fuzz.h - what the fuzz targets share. A target is one function that takes any bytes and may only come back; it also checks what must
 * hold for every input. Built twice: with replay.c for `meson test`, and with libFuzzer (-Dfuzz=true, clang) for `make fuzz`. */
#ifndef LF_TESTS_FUZZ_H
#define LF_TESTS_FUZZ_H
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), abort()))

/* A copy of exactly n bytes, so that the sanitizer sees one byte too far; lf_release it. */
static inline char *exact(const uint8_t *data, size_t n) { return n ? memcpy(lf_new(n), data, n) : lf_new(1); }
#endif
