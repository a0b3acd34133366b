#include "base/err.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

lf_rc lf_err_set_(struct lf_err *e, lf_rc rc, const char *field, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    e->rc = rc;
    e->field = field;
    e->file = file;
    e->line = line;
    return rc;
}

const char *lf_rc_name(lf_rc rc)
{
    switch (rc) {
    case LF_OK:
    case LF_ROW:
    case LF_DONE: return "ok";
    case LF_EINVAL: return "invalid";
    case LF_ENOTFOUND: return "not_found";
    case LF_EDENIED: return "denied";
    case LF_ECONFLICT: return "conflict";
    case LF_EDB: return "database";
    case LF_EIO: return "io";
    case LF_ELOGIN: return "login";
    case LF_EBUSY: return "busy";
    case LF_ETOOBIG: return "too_big";
    case LF_EBUG: return "internal";
    }
    return "internal";
}

lf_text lf_lang_pick(lf_text both, enum lf_lang lang)
{
    for (uint32_t i = 0; i + 3 <= both.n; i++)
        if (memcmp(both.p + i, " | ", 3) == 0)
            return lang == LF_ZH ? (lf_text){ both.p, i } : (lf_text){ both.p + i + 3, both.n - i - 3 };
    return both;
}

/* " | " with the wide bar, which parts nothing. */
static const char *whole(struct lf_arena *a, const char *s)
{
    for (const char *bar; (bar = strstr(s, " | "));)
        s = lf_printf(a, "%.*s｜%s", (int)(bar - s), s, bar + 3);
    return s;
}

lf_text lf_lang_both(struct lf_arena *a, const char *zh, const char *en)
{
    return lf_str(en ? lf_printf(a, "%s | %s", whole(a, zh), whole(a, en)) : whole(a, zh));
}
