/* crc.h - the other ways to compute a checksum: the plain one that the fast one is tested against, and the one that
 * some devices send by mistake. */
#ifndef LF_HJ212_CRC_H
#define LF_HJ212_CRC_H
#include "hj212/hj212.h"

uint16_t hj212_crc_bytewise(const void *segment, size_t n); /* as Annex A is printed, a table step per byte */
uint16_t hj212_crc_modbus(const void *segment, size_t n);   /* CRC-16/MODBUS: wrong for HJ 212, but seen in the field */
#endif
