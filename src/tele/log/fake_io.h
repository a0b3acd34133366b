/* fake_io.h - a file layer for tests: files in memory, of which only what was synced is sure to outlive a power cut.
 *
 * A write that was not synced may survive whole, in part (in units of 512 bytes) or not at all; a new name, a rename or a removal
 * may survive or not until the folder is synced. After a sync that failed, what it should have written is gone from the disk but
 * still read back (as Linux does), and the next sync says nothing of it. */
#ifndef LF_TELE_LOG_FAKE_IO_H
#define LF_TELE_LOG_FAKE_IO_H
#include "tele/log/io.h"

enum fault { FAULT_NONE, FAULT_CUT, FAULT_NO_SPACE, FAULT_BROKEN };

struct fake_io {
    struct lf_io io; /* give its address to the store */
    struct fake_file *file;
    struct fake_name *now, *durable; /* folder as it is seen, and as the disk has it */
    struct fake_change *change;      /* of names, not synced yet, oldest first */
    struct fake_file *open[256];     /* by fd */
    int64_t calls, at;               /* calls so far; the one that fails */
    int times;                       /* how many calls fail from there on (a cut: all) */
    enum fault fault;
    bool cut, locked;
    uint64_t seed;
};
void fake_init(struct fake_io *f, uint64_t seed);
void fake_free(struct fake_io *f);
/* From now on the call number `calls + after` fails. */
void fake_plan(struct fake_io *f, enum fault fault, int64_t after, int times);
/* The machine comes up again after the cut (or without one): open files are closed, what was not synced is decided upon. */
void fake_reboot(struct fake_io *f);
/* File i in the order of names, or false; its bytes may be changed. */
bool fake_peek(struct fake_io *f, size_t i, const char **name, uint8_t **bytes, size_t *n);
void fake_truncate(struct fake_io *f, size_t i, size_t n);
void fake_copy(struct fake_io *to, const struct fake_io *from); /* contents only; to is empty */
#endif
