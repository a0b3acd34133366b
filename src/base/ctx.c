#include "base/ctx.h"

static int cmp(lf_text a, lf_text b)
{
    uint32_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool lf_scope_has(const struct lf_scope *s, lf_text grid_code)
{
    for (int i = 0; i < s->n; i++)
        if (cmp(grid_code, s->range[i].lo) >= 0 && cmp(grid_code, s->range[i].hi) < 0)
            return true;
    return false;
}
