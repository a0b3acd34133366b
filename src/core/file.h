/* file.h - files by content: the name of a file is the hash of its bytes, in data_dir/files (kernel internal). */
#ifndef LF_CORE_FILE_H
#define LF_CORE_FILE_H
#include "core/app.h"

enum { LF_FILE_MAX = 20 << 20 };
/* Stores bytes (or what fd holds) and its row; the same bytes are kept once. hash: 64 hex digits. */
lf_rc lf_file_store(struct lf_ctx *cx, lf_text bytes, int fd, char hash[65], const char **type, int64_t *size) LF_MUST_CHECK;
/* Opens a file the caller may see: one that hangs on a row he may read, or that he sent himself. *fd is the caller's. */
lf_rc lf_file_open(struct lf_ctx *cx, lf_text hash, int *fd, const char **type) LF_MUST_CHECK;
/* All of what fd holds, into the arena; LF_ETOOBIG past LF_FILE_MAX. */
lf_rc lf_file_read(struct lf_ctx *cx, int fd, lf_text *out) LF_MUST_CHECK;
/* Hangs the files of ch on its row; *json = [{"hash","name","type","size"}] or null text. Refuses unknown or foreign files. */
lf_rc lf_file_attach(struct lf_ctx *cx, const struct lf_change *ch, lf_text *json) LF_MUST_CHECK;
lf_rc lf_file_any_photo(struct lf_ctx *cx, const struct lf_file_use *f, int n, bool *photo) LF_MUST_CHECK;
#endif
