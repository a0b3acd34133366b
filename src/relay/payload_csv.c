/* payload_csv.c - a heading with the names time, factor, value and any of kind, flag, min, max, unit, in any order; then one reading a
 * line. Comma, semicolon or tab; UTF-8 or GBK: fmt reads it. */
#include "fmt/fmt.h"
#include "relay/payload_int.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum column { C_TIME, C_FACTOR, C_VALUE, C_KIND, C_FLAG, C_MIN, C_MAX, C_UNIT, C_COUNT };
static const char *const names[C_COUNT][2] = { { "time", "时间" }, { "factor", "因子" }, { "value", "数值" }, { "kind", "类别" },
                                               { "flag", "标记" }, { "min", "最小值" },  { "max", "最大值" }, { "unit", "单位" } };

struct csv {
    struct payload_reader *p;
    int at[C_COUNT]; /* column of each, -1 = absent */
};

static lf_rc heading(struct csv *c, const lf_text *cell, int n, struct lf_err *err)
{
    for (int k = 0; k < C_COUNT; k++) {
        c->at[k] = -1;
        for (int i = 0; i < n; i++)
            if (lf_text_is(cell[i], names[k][0]) || lf_text_is(cell[i], names[k][1]))
                c->at[k] = i;
    }
    return c->at[C_TIME] >= 0 && c->at[C_FACTOR] >= 0 && c->at[C_VALUE] >= 0
               ? LF_OK
               : lf_err_set(err, LF_EINVAL, "body",
                            "第一行应为表头，至少有 time,factor,value | the first line must name the columns, at least "
                            "time,factor,value");
}

static lf_text cell_of(const struct csv *c, enum column k, const lf_text *cell, int n)
{
    return c->at[k] >= 0 && c->at[k] < n ? cell[c->at[k]] : (lf_text){ 0 };
}

/* Empty is not said; anything else must be a plain decimal. */
static bool number_of(lf_text t, double *out)
{
    *out = NAN;
    return !t.n || (hj212_number(t, out) && isfinite(*out));
}

static lf_rc line(void *user, int row, const lf_text *cell, int n, struct lf_err *err)
{
    struct csv *c = user;
    struct payload_row in = { .row = row };
    bool empty = true;
    if (row == 1)
        return heading(c, cell, n, err);
    for (int i = 0; i < n; i++)
        empty = empty && !cell[i].n;
    if (empty)
        return LF_OK;
    if (!payload_room(c->p, err))
        return LF_ETOOBIG;
    lf_text time = cell_of(c, C_TIME, cell, n);
    in.timed = lf_ms_parse_iso(time, &in.at) || lf_ms_parse_compact(time, &in.at);
    in.name = cell_of(c, C_FACTOR, cell, n);
    in.kind = cell_of(c, C_KIND, cell, n);
    in.quality = cell_of(c, C_FLAG, cell, n);
    in.unit = cell_of(c, C_UNIT, cell, n);
    if (!number_of(cell_of(c, C_VALUE, cell, n), &in.value))
        payload_refuse(c->p, row, "value", "数值应为数字 | the value must be a number");
    else if (!number_of(cell_of(c, C_MIN, cell, n), &in.vmin) || !number_of(cell_of(c, C_MAX, cell, n), &in.vmax))
        payload_refuse(c->p, row, "min", "最小值和最大值应为数字 | minimum and maximum must be numbers");
    else
        payload_take(c->p, &in);
    return LF_OK;
}

lf_rc payload_csv(struct payload_reader *p, lf_text doc, struct lf_err *err)
{
    struct csv c = { .p = p };
    int fd = memfd_create("payload", MFD_CLOEXEC);
    if (fd < 0 || write(fd, doc.p, doc.n) != (ssize_t)doc.n || lseek(fd, 0, SEEK_SET) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return lf_err_set(err, LF_EIO, NULL, "cannot keep the document in memory: %s\nHINT: is the machine short of memory?",
                          strerror(why));
    }
    lf_rc rc = lf_table_read(LF_CSV, fd, line, &c, err);
    close(fd);
    return rc;
}
