/* sm4.h - encrypted frames of HJ 212-2025 (Annex A.2).
 *
 * How sure this is: the text of HJ 212-2025 was not at hand. The rule and two examples come from a public implementation that
 * quotes them; both examples were recomputed (key, ciphertext, length and checksum all fit). The cipher itself is GB/T 32907.
 *
 * What stands between "CP=&&" and the closing "&&" is cut into blocks of 16 bytes; each whole block is encrypted by itself
 * (ECB, no padding) and written as {0xE4,0x3E,...}; a rest shorter than a block follows as plain text. Length field and
 * checksum are those of the plain segment, so an encrypted frame is found by its structure, not by its length. */
#ifndef LF_HJ212_SM4_H
#define LF_HJ212_SM4_H
#include "hj212/hj212.h"

enum { HJ212_KEY_SIZE = 16 }; /* 16 characters as 1014 sets them (NewSK) */

/* Is this frame (as hj212_take refuses it: length, oversize or crc) an encrypted one? *wire: its segment as sent; hj212_parse
 * reads the header of that without a key. */
bool hj212_is_sealed(lf_text frame, lf_text *wire);
/* Decrypts. HJ212_GOOD: *segment is the plain one, in out, of the declared length and with the right checksum. HJ212_SEALED: the
 * ciphertext is not well written. HJ212_KEY: what comes out fits neither length nor checksum: another key, or damaged. */
enum hj212_why hj212_open(const unsigned char key[HJ212_KEY_SIZE], lf_text frame, char out[HJ212_SEGMENT_MAX], lf_text *segment);
/* Writes the encrypted frame of a plain segment (at most HJ212_BUFFER_MAX bytes); 0 when it does not fit or has no CP. */
size_t hj212_seal(const unsigned char key[HJ212_KEY_SIZE], lf_text segment, char *out, size_t cap);
bool hj212_seals(lf_text cn); /* must packets of this command be encrypted, over the internet? 2000-2999, 1014, 3020 */

/* SM4-ECB over whole blocks, in place. n is a multiple of 16. */
bool hj212_sm4(const unsigned char key[HJ212_KEY_SIZE], bool encrypt, unsigned char *p, size_t n);
#endif
