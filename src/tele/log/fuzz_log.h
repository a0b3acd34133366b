/* fuzz_log.h - the fuzz target of the store of files, and what a first byte means to it. */
#ifndef LF_TELE_LOG_FUZZ_LOG_H
#define LF_TELE_LOG_FUZZ_LOG_H
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_BLOCK, FUZZ_BODIES, FUZZ_RECORD, FUZZ_STATE, FUZZ_SEGMENT, FUZZ_CHUNK };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
#endif
