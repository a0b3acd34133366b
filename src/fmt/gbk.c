/* gbk.c - short texts of old devices and spreadsheets. */
#include "fmt/fmt.h"

#include <errno.h>
#include <iconv.h>

bool lf_text_from_gbk(lf_text in, struct lf_out *out)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    char *p = (char *)(uintptr_t)in.p, b[1024];
    size_t n = in.n;
    bool ok = cd != (iconv_t)-1;
    while (ok && n) {
        char *o = b;
        size_t room = sizeof b;
        size_t k = iconv(cd, &p, &n, &o, &room);
        lf_put(out, b, sizeof b - room);
        ok = k != (size_t)-1 || errno == E2BIG;
    }
    if (cd != (iconv_t)-1)
        iconv_close(cd);
    return ok;
}
