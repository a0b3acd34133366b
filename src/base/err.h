/* err.h - errors, said once.
 *
 * A function that can fail returns lf_rc and, when it is the one that found out, fills a struct lf_err.
 * Library code does not log; the request loop (or main) reports the error once.
 *
 * Messages for people carry both languages, Chinese first, as "中文 | English"; lf_err_text picks a half.
 * Messages for operators end with a line "HINT: what to do". */
#ifndef LF_BASE_ERR_H
#define LF_BASE_ERR_H
#include "base/value.h"

typedef enum lf_rc {
    LF_OK = 0,
    LF_ROW = 1,        /* a cursor holds a row */
    LF_DONE = 2,       /* a cursor is at its end */
    LF_EINVAL = -1,    /* the caller's input is wrong: HTTP 422 (or 400) */
    LF_ENOTFOUND = -2, /* not there, or not visible to the caller: 404 */
    LF_EDENIED = -3,   /* no permission: 403 */
    LF_ECONFLICT = -4, /* state, version or uniqueness: 409 */
    LF_EDB = -5,       /* the database refused or is gone: 503 */
    LF_EIO = -6,       /* file or network: 503 */
    LF_ELOGIN = -7,    /* nobody is logged in, or the session is over: 401 */
    LF_EBUSY = -8,     /* too many tries or too much work: 429 */
    LF_ETOOBIG = -9,   /* a limit was passed: 413 */
    LF_EBUG = -10      /* a programming error that was noticed: 500 */
} lf_rc;

struct lf_err {
    lf_rc rc;
    const char *field; /* which input member, or NULL; lives at least as long as the arena of the caller */
    const char *file;
    int line;
    char msg[512];
};

lf_rc lf_err_set_(struct lf_err *e, lf_rc rc, const char *field, const char *file, int line, const char *fmt, ...) LF_PRINTF(6, 7);
#define lf_err_set(e, rc, field, ...) lf_err_set_(e, rc, field, __FILE__, __LINE__, __VA_ARGS__)

const char *lf_rc_name(lf_rc rc); /* "invalid", "not_found" ... : stable words of the API */

enum lf_lang { LF_ZH, LF_EN };
lf_text lf_lang_pick(lf_text both, enum lf_lang lang); /* the half of "中文 | English"; all of it when there is no bar */
/* "zh | en", as lf_lang_pick takes it apart again whatever people have written in the halves; en NULL: one text for every reader. */
struct lf_arena;
lf_text lf_lang_both(struct lf_arena *a, const char *zh, const char *en);
#endif
