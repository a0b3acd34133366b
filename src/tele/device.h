/* device.h - a device on the other end of a socket, for tests and benchmarks: builds frames, sends, reads answers. */
#ifndef LF_TELE_DEVICE_H
#define LF_TELE_DEVICE_H
#include "hj212/hj212.h"

struct device {
    int fd;
    bool gone; /* the peer has closed */
    size_t held;
    char buf[HJ212_BUFFER_MAX];
};
bool device_open(struct device *d, const char *host, uint16_t port, int receive_buffer); /* receive_buffer: bytes, 0 = default */
void device_close(struct device *d);
bool device_send(struct device *d, const char *p, size_t n); /* all of it; false when the peer is gone */
/* The next answer's segment into out (NUL-ended). False after wait_ms without one, or when the peer has closed. */
bool device_answer(struct device *d, char *out, size_t cap, int wait_ms);
bool device_gone(struct device *d, int wait_ms); /* the peer closes within that time */
/* Formats a segment and makes a frame of it; returns its length. */
size_t device_frame(char *out, size_t cap, const char *fmt, ...) LF_PRINTF(3, 4);
#endif
