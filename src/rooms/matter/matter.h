/* matter.h - 事项: the closed loop of a found problem (GB/T 30428, CJ/T 315: 信息收集, 立案, 派遣, 处理, 核查, 结案).
 *
 *   found -> registered -> dispatched -> accepted -> handled -> verified -> closed
 *
 * with return, delay request, suspension (挂账), rework, raising to the level above, supervision and reopening. */
#ifndef LF_ROOMS_MATTER_MATTER_H
#define LF_ROOMS_MATTER_MATTER_H
#include "core/app.h"

/* X(NAME, code, 中文, English). Environmental catalogue: see the limits beside it in matter.c. */
#define MATTER_CATEGORIES(X) \
    X(MATTER_SMOKE, "E01", "冒黑烟", "Black smoke") \
    X(MATTER_BURNING, "E02", "露天焚烧", "Open burning") \
    X(MATTER_DUST, "E03", "工地扬尘", "Construction dust") \
    X(MATTER_HEAP, "E04", "物料未覆盖", "Uncovered heap") \
    X(MATTER_OUTFALL, "E05", "违法排口或异色水", "Illegal outfall") \
    X(MATTER_DUMPING, "E06", "倾倒固体废物", "Solid waste dumping") \
    X(MATTER_HAZWASTE, "E07", "疑似危险废物", "Suspected hazardous waste") \
    X(MATTER_WORKSHOP, "E08", "散乱污作坊", "Scattered polluting workshop") \
    X(MATTER_COAL, "E09", "散煤销售或燃用", "Loose coal in a ban zone") \
    X(MATTER_LIVESTOCK, "E10", "畜禽粪污", "Livestock waste") \
    X(MATTER_ODOUR, "E11", "异味", "Odour") \
    X(MATTER_NOISE, "E12", "噪声", "Noise") \
    X(MATTER_MONITOR, "E13", "在线监测异常或超标", "Monitor exceedance or fault") \
    X(MATTER_REDLINE, "E14", "破坏生态红线", "Damage in the red line") \
    X(MATTER_FACILITY, "E15", "标识界桩损坏", "Damaged signs or stakes")
LF_ENUM(matter_category, MATTER_CATEGORIES);

#define MATTER_ORIGINS(X) \
    X(MATTER_BY_PATROL, "patrol", "网格巡查", "Patrol") \
    X(MATTER_BY_MONITOR, "monitor", "在线监测", "Monitor") \
    X(MATTER_BY_PUBLIC, "public", "群众举报", "Public report") \
    X(MATTER_BY_UPPER, "upper", "上级交办", "Assigned from above") \
    X(MATTER_BY_OTHER, "other", "其他", "Other")
LF_ENUM(matter_origin, MATTER_ORIGINS);

#define MATTER_STATES(X) \
    X(MATTER_FOUND, "found", "已发现", "Found") \
    X(MATTER_REGISTERED, "registered", "已立案", "Registered") \
    X(MATTER_DISPATCHED, "dispatched", "已派遣", "Dispatched") \
    X(MATTER_ACCEPTED, "accepted", "处置中", "Accepted") \
    X(MATTER_DELAY_ASKED, "delay_asked", "申请延期", "Delay asked") \
    X(MATTER_SUSPENDED, "suspended", "挂账", "Suspended") \
    X(MATTER_HANDLED, "handled", "待核查", "Handled") \
    X(MATTER_VERIFIED, "verified", "待结案", "Verified") \
    X(MATTER_CLOSED, "closed", "已结案", "Closed") \
    X(MATTER_REJECTED, "rejected", "不予立案", "Rejected")
LF_ENUM(matter_state, MATTER_STATES);

struct matter {
    lf_id id;
    int64_t version;
    lf_text grid_code; /* cell the place lies in, or the place that has taken it over */
    lf_text no;        /* event number that can be read on the phone: 2026-000123 */
    lf_text title;
    enum matter_category category;
    enum matter_origin origin;
    enum matter_state state;
    lf_text description, address;
    double lon, lat; /* CGCS2000 */
    lf_id source_id, station_id;
    lf_ms found_at;
    lf_text reporter_name, reporter_phone; /* sealed */
    lf_id officer_id;                      /* who handles it */
    bool supervised;                       /* the level above has an eye on it */
    int64_t returns, reworks;
    lf_ms delay_until; /* asked for, or granted */
    lf_text result;
    lf_ms handled_at, closed_at;
    lf_id created_by;
    lf_ms created_at, updated_at;
    int64_t reopens; /* closed although it was not over; null before this was counted */
};
extern const struct lf_res matter_res;
extern const struct lf_room matter_room;

/* Opens a matter as the system: found, registered, and dispatched to the officer on duty at its place (when there is one).
 * row: at least title, category, origin, lon, lat. Wants a write transaction. The row comes back as stored. */
lf_rc matter_open(struct lf_ctx *cx, struct matter *row, struct lf_change *ch) LF_MUST_CHECK;
/* Asked before a matter is closed (verb close, not override): a room that knows better than people when a problem is over may refuse.
 * Set once, at start. */
void matter_set_close_guard(lf_rule guard);
#endif
