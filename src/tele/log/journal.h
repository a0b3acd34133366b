/* journal.h - where a batch becomes durable: one record a commit, one fdatasync after it.
 *
 *   file:   journal-NNNNNNNNNNNNNNNN; a header in the first 4,096 bytes, then records at multiples of 8
 *   header: struct journal_header; synced before the first record is written
 *   record: struct record_header, then its body (commit.c says what is in it)
 *
 * The sum of a record is seeded with the file's random nonce, so that neither what lay on the disk before nor anything that a
 * device sends can look like a record. Sequence numbers rise by one over all files. A record that is not whole is the torn end
 * of a write that was never acknowledged, unless a good record follows in the same file or the next file says it was good:
 * then acknowledged data has been damaged, and opening fails.
 *
 * After a sync that failed nothing more is written to that file (the kernel may have dropped the pages and will not say so
 * again): the next file begins with the last sequence that was synced, and what lies beyond it in the older file is not read. */
#ifndef LF_TELE_LOG_JOURNAL_H
#define LF_TELE_LOG_JOURNAL_H
#include "tele/log/bytes.h"
#include "tele/log/io.h"

#include <stdatomic.h>

enum { JOURNAL_START = 4096 };
struct journal_header {
    char magic[8];
    uint64_t number, nonce, before; /* before: the sequence of the last record before this file */
    uint64_t sum;
};
struct record_header {
    uint32_t magic, n; /* n: bytes of the body */
    uint64_t seq, sum;
};

struct journal {
    atomic_int users;
    struct lf_io *io;
    int fd;
    uint64_t number, nonce, before;
    uint64_t end, reserved, seq; /* where the next record goes; seq: of the last good one */
    bool suspect;                /* not to be written to any more: a write or sync failed, or another one follows */
    bool failed;                 /* a write or sync failed */
    bool writable;               /* made here, not opened to be read */
    char path[];
};
/* A new file. Reserves `ahead` bytes for records. spare (or NULL): a journal that is no longer valid and that nobody else uses; its file
 * is written over under the new name, and with its blocks there already a sync waits for the data alone, not for the file system's own
 * journal. It is used up, on failure too. old (or NULL): the one that is written now. As soon as the new header may be on
 * the disk, old must not grow any more, even when the rest fails and the new file is removed: a power cut may bring it back, and
 * then what old holds beyond `before` would not count. So it is marked suspect. */
lf_rc journal_create(struct journal **out, struct lf_io *io, const char *dir, uint64_t number, uint64_t before, uint64_t ahead,
                     struct journal *old, struct journal *spare, struct lf_err *err) LF_MUST_CHECK;
/* record: room for the header, then the body; durable when it returns LF_OK. *at: where the body lies in the file. */
lf_rc journal_append(struct journal *j, struct buf *record, uint64_t seq, uint64_t *at, struct lf_err *err) LF_MUST_CHECK;

/* An existing one, for reading. *out is NULL and the result LF_OK when it never became a journal (a crash while it was made). */
lf_rc journal_open(struct journal **out, struct lf_io *io, const char *path, uint64_t number, struct lf_err *err) LF_MUST_CHECK;
/* Each good record up to and with sequence `last`; take returns false when the body is not what it should be. On return j->seq
 * is the last that was taken. lost NULL: damage is an error; else what is damaged is left out, and the number of records is added. */
lf_rc journal_replay(struct journal *j, uint64_t last, bool (*take)(void *user, struct journal *j, uint64_t seq, lf_text body, uint64_t at),
                     void *user, int64_t *lost, struct lf_err *err) LF_MUST_CHECK;
struct journal *journal_ref(struct journal *j);
void journal_unref(struct journal *j);
#endif
