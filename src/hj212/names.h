/* names.h - inside the codec: a table of codes and what each is called, "中文 | English". */
#ifndef LF_HJ212_NAMES_H
#define LF_HJ212_NAMES_H
#include "base/value.h"

struct name {
    const char *code, *name;
};

/* NULL when the code is not in the table. */
static inline const char *name_of(const struct name *t, size_t n, lf_text code)
{
    for (size_t i = 0; i < n; i++)
        if (lf_text_is(code, t[i].code))
            return t[i].name;
    return NULL;
}
#endif
