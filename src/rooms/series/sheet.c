/* sheet.c - the answer as CSV: every reading, one a row, written to a temporary file row by row, so in constant memory. */
#include "rooms/series/lines.h"
#include "rooms/station/station.h"

#include "fmt/fmt.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

enum { TIME, STATION, CODE, FACTOR, UNIT, VALUE, LEAST, MOST, COU, CONVERTED, FLAG, COLUMNS };
static const struct {
    const char *name, *zh, *en;
    enum lf_cell_type t;
} heads[COLUMNS] = {
    [TIME] = { "time", "时间", "Time", LF_CELL_MS },
    [STATION] = { "station", "站点", "Station", LF_CELL_TEXT },
    [CODE] = { "code", "因子代码", "Factor code", LF_CELL_TEXT },
    [FACTOR] = { "factor", "监测因子", "Factor", LF_CELL_TEXT },
    [UNIT] = { "unit", "单位", "Unit", LF_CELL_TEXT },
    [VALUE] = { "value", "数值", "Value", LF_CELL_REAL },
    [LEAST] = { "min", "最小值", "Minimum", LF_CELL_REAL },
    [MOST] = { "max", "最大值", "Maximum", LF_CELL_REAL },
    [COU] = { "cou", "累计值", "Total", LF_CELL_REAL },
    [CONVERTED] = { "converted", "折算值", "Converted", LF_CELL_REAL },
    [FLAG] = { "flag", "数据标记", "Flag", LF_CELL_TEXT },
};

struct writing {
    struct lines w;
    struct lf_sheet *sheet;
    struct lf_cell cell[COLUMNS];
    lf_rc rc;
};

static struct lf_cell text_cell(lf_text s) { return (struct lf_cell){ .t = s.n ? LF_CELL_TEXT : LF_CELL_NULL, .s = s }; }
static struct lf_cell real_cell(double d) { return (struct lf_cell){ .t = isnan(d) ? LF_CELL_NULL : LF_CELL_REAL, .d = d }; }

static bool write_row(void *user, const struct lf_tele_reading *r)
{
    struct writing *s = user;
    s->cell[TIME] = (struct lf_cell){ .t = LF_CELL_MS, .i = r->at.ms };
    s->cell[VALUE] = real_cell(r->value);
    s->cell[LEAST] = real_cell(r->vmin);
    s->cell[MOST] = real_cell(r->vmax);
    s->cell[COU] = real_cell(r->cou);
    s->cell[CONVERTED] = real_cell(r->zs);
    s->cell[FLAG] = text_cell(r->flag);
    s->rc = lf_sheet_row(s->sheet, s->cell, &s->w.cx->err);
    return s->rc == LF_OK;
}

static lf_rc write_all(struct writing *s)
{
    const struct ask *a = s->w.ask;
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < a->nstation; i++)
        for (int k = 0; !rc && k < a->nfactor; k++) {
            const struct hj212_factor *f = hj212_factor_find(a->factor[k]);
            bool en = s->w.cx->lang == LF_EN;
            s->cell[STATION] = text_cell(a->station[i].name);
            s->cell[CODE] = text_cell(a->factor[k]);
            s->cell[FACTOR] = text_cell(f ? lf_str(en ? f->en : f->zh) : a->factor[k]);
            s->cell[UNIT] = text_cell(lf_str(station_unit(a->station[i].id, a->factor[k])));
            rc = lines_scan(&s->w, a->station[i].id, a->factor[k], write_row, s);
            rc = rc ? rc : s->rc;
        }
    return rc;
}

static lf_rc write_file(struct lf_ctx *cx, const struct ask *a, int fd)
{
    struct writing s = { .w = { cx, a, ASK_ROWS } };
    struct lf_column col[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        col[i] = (struct lf_column){
            .name = heads[i].name, .title = cx->lang == LF_EN ? heads[i].en : heads[i].zh, .t = heads[i].t, .decimals = -1
        };
    const struct lf_sheet_config conf = {
        .kind = LF_CSV, .fd = fd, .sheet_name = "series", .col = col, .ncol = COLUMNS, .lon_col = -1, .lat_col = -1, .shape_col = -1
    };
    lf_rc rc = lf_sheet_open(&s.sheet, &conf, &cx->err);
    if (rc)
        return rc;
    if ((rc = write_all(&s))) {
        lf_sheet_abandon(s.sheet);
        return rc;
    }
    return lf_sheet_close(s.sheet, &cx->err);
}

/* Each running export holds one worker: most are left for everybody else. */
static atomic_int running;
enum { RUNNING_MAX = 2 };

static lf_rc write_spool(struct lf_ctx *cx, struct lf_call *c, const struct ask *a)
{
    int fd = lf_http_spool(c->req);
    if (fd < 0)
        return lf_fail(cx, LF_EIO, NULL, "临时空间不可用（%s），请稍后再试 | no temporary space (%s), try again later", strerror(errno),
                       strerror(errno));
    lf_rc rc = write_file(cx, a, fd);
    if (rc) {
        close(fd);
        return rc;
    }
    char day[32];
    c->res->fd = fd;
    c->res->type = lf_table_mime(LF_CSV);
    c->res->filename = lf_printf(&cx->arena, "%s-%s.csv", cx->lang == LF_EN ? "series" : "监测数据", lf_day_iso(day, lf_day_of(lf_now())));
    return LF_OK;
}

lf_rc series_csv(struct lf_ctx *cx, struct lf_call *c)
{
    struct ask a;
    lf_rc rc = ask_read(cx, c->req, &a);
    if (rc)
        return rc;
    if (atomic_fetch_add(&running, 1) >= RUNNING_MAX)
        rc = lf_fail(cx, LF_EBUSY, NULL, "正在导出的人较多，请稍后再试 | others are exporting, try again in a moment");
    else
        rc = write_spool(cx, c, &a);
    atomic_fetch_sub(&running, 1);
    return rc;
}
