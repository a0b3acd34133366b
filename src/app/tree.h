/* tree.h - copies of a data directory: files made durable, and a list by which a copy is checked. */
#ifndef LF_APP_TREE_H
#define LF_APP_TREE_H
#include "core/app.h"

/* Makes the directory, which must not exist or be empty. */
lf_rc app_dir_fresh(struct lf_ctx *cx, const char *path) LF_MUST_CHECK;
/* Copies one file, made durable; its bits of access are kept. LF_ENOTFOUND (without a message) when there is none. */
lf_rc app_file_copy(struct lf_ctx *cx, const char *from, const char *to) LF_MUST_CHECK;
/* Copies every file below from into to (made where needed); names that hold ".tmp" are unfinished and left out. Nothing when there is
 * no from. */
lf_rc app_tree_copy(struct lf_ctx *cx, const char *from, const char *to) LF_MUST_CHECK;
void app_tree_remove(const char *dir); /* all of it, as far as that can be done */
/* Writes dir/backup.txt: a heading line, then `SHA-256  bytes  path` of every file below dir. */
lf_rc app_list_write(struct lf_ctx *cx, const char *dir) LF_MUST_CHECK;
/* Reads it and compares every file; *n of them, *bytes together. Refuses a file that is missing, changed, or not in the list. */
lf_rc app_list_check(struct lf_ctx *cx, const char *dir, int64_t *n, int64_t *bytes) LF_MUST_CHECK;
#endif
