/* text.h - questions about texts. */
#ifndef LF_BASE_TEXT_H
#define LF_BASE_TEXT_H
#include "base/value.h"

/* Length of the well-formed UTF-8 sequence at p (no surrogates, nothing past U+10FFFF, shortest forms only), of at most n > 0
 * bytes; 0 when there is none. */
unsigned lf_utf8_len(const unsigned char *p, size_t n);
/* All of it UTF-8 and without a NUL: what both engines can store. A null text is fine. */
bool lf_utf8_ok(lf_text t);
/* A whole number of digits alone, without sign, at most 18 of them. */
bool lf_text_int(lf_text t, int64_t *out);
/* What a library has said, on one line: each run of white space is one space, none at the ends. Cut where `room` bytes with the NUL are
 * full, between signs of UTF-8. Returns `to`. */
char *lf_one_line(char *to, size_t room, const char *said);
#endif
