/* channel.c - the unit of a factor at a station: what the device sends, and what it is kept and shown in.
 *
 * Values are kept in one unit per channel for ever, so that values, limits and alarms of any day can be compared. What the device sends is
 * multiplied once, where it comes in. Table B.2 of HJ 212-2017 gives ng/m³ for particles and mg/m³ for gases in air; what ambient stations
 * send, and what GB 3095 limits, is µg/m³ (CO: mg/m³), so that is the usual unit there. */
#include "rooms/station/parts.h"
#include "station_sql.h"

#include <pthread.h>
#include <stdlib.h>

LF_ENUM_DICT(station_unit, STATION_UNITS);

struct channel {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum station_unit unit, sent;
};
#define F(m, zh, en, ...) LF_FIELD(struct channel, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "监测通道", "Channel", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_REQUIRED | LF_ONCE | LF_LIST | LF_FILTER, .max = 16),
    F(unit, "单位", "Unit", .flags = LF_ONCE | LF_LIST, .dict = &station_unit_dict,
      .help = "保存、显示和限值所用；有数据或限值之后不能再定 | Of stored values, pages and limits; not after there are values or limits"),
    F(sent, "设备上传单位", "Unit the device sends", .flags = LF_LIST, .dict = &station_unit_dict,
      .help = "与单位不同时自动换算 | Converted when it is another one"),
};
#undef F

/* ---- which unit ---------------------------------------------------------------------------------------------- */

static const char *const in_air[] = { "a05024", "a21002", "a21003", "a21004", "a21026", "a34001", "a34002", "a34004", "a34005" };

static bool is_air(enum station_kind kind) { return kind == STATION_AIR || kind == STATION_DUST; }

static const char *usual_unit(enum station_kind kind, lf_text factor)
{
    const struct hj212_factor *f = hj212_factor_find(factor);
    for (size_t i = 0; is_air(kind) && i < LF_COUNT(in_air); i++)
        if (lf_text_is(factor, in_air[i]))
            return "µg/m³";
    return f && f->unit ? f->unit : "";
}

static const char *unit_text(enum station_unit u) { return u == STATION_UNIT_USUAL ? NULL : station_unit_dict.item[u].zh; }

/* A station that is forgiven ng/m³ sends those codes in what it was forgiven. */
static const char *sent_unit(unsigned tolerate, enum station_unit sent, lf_text factor, const char *unit)
{
    const struct hj212_factor *f = hj212_factor_find(factor);
    if (sent != STATION_UNIT_USUAL)
        return unit_text(sent);
    if (f && f->unit && !strcmp(f->unit, "ng/m³") && tolerate & (1u << STATION_TOLERATE_UG | 1u << STATION_TOLERATE_MG))
        return tolerate & 1u << STATION_TOLERATE_MG ? "mg/m³" : "µg/m³";
    return unit;
}

static enum station_unit unit_of_code(lf_text code)
{
    unsigned u = STATION_UNIT_USUAL;
    lf_dict_find(&station_unit_dict, code, &u);
    return (enum station_unit)u;
}

lf_rc station_unit_now(struct lf_ctx *cx, lf_id station, lf_text kind, lf_text factor, const char **unit)
{
    struct channel_of_row row;
    unsigned k = 0;
    lf_dict_find(&station_kind_dict, kind, &k);
    lf_rc rc = channel_of(cx, station, factor, &row);
    *unit = rc ? NULL : unit_text(unit_of_code(row.unit));
    if (!*unit)
        *unit = usual_unit((enum station_kind)k, factor);
    return rc == LF_ENOTFOUND ? LF_OK : rc;
}

/* ---- the record ---------------------------------------------------------------------------------------------------- */

static bool same_measure(const char *a, const char *b)
{
    double times;
    return hj212_unit_times(lf_str(a), lf_str(b), &times);
}

static lf_rc in_use(struct lf_ctx *cx, const struct channel *c, bool *used)
{
    struct lf_tele_latest *l = NULL;
    struct limit_count_row limits;
    size_t n = 0;
    lf_rc rc = limit_count(cx, c->station_id, c->factor, &limits);
    if (!rc && station_store)
        rc = station_store->ops->latest(station_store, &cx->arena, c->station_id, &l, &n, &cx->err);
    *used = !rc && limits.n > 0;
    for (size_t i = 0; !rc && i < n; i++)
        *used |= lf_text_eq(l[i].r.factor, c->factor);
    return rc;
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct channel *c = ch->row;
    struct station_place_row s;
    struct channel_of_row other;
    const struct hj212_factor *f = hj212_factor_find(c->factor);
    bool used = false;
    unsigned kind = 0;
    lf_rc rc = station_found(cx, station_place(cx, c->station_id, &s), "station_id");
    if (rc)
        return rc;
    if (!f || !lf_text_eq(c->factor, lf_str(f->code)))
        return lf_fail(cx, LF_EINVAL, "factor", "请用 HJ 212-2017 的因子代码 | give a factor code of HJ 212-2017");
    lf_dict_find(&station_kind_dict, s.kind, &kind);
    const char *usual = usual_unit((enum station_kind)kind, c->factor), *unit = unit_text(c->unit) ? unit_text(c->unit) : usual;
    if (!same_measure(unit, usual))
        return lf_fail(cx, LF_EINVAL, "unit", "此因子以 %s 计，不能换算成 %s | this factor is measured in %s, which is no %s", usual, unit,
                       usual, unit);
    if (c->sent != STATION_UNIT_USUAL && !same_measure(unit_text(c->sent), unit))
        return lf_fail(cx, LF_EINVAL, "sent", "%s 不能换算成 %s | %s cannot be converted to %s", unit_text(c->sent), unit,
                       unit_text(c->sent), unit);
    rc = channel_of(cx, c->station_id, c->factor, &other);
    if (!rc && other.id.v != c->id.v)
        return lf_fail(cx, LF_ECONFLICT, "factor", "该站点的这个因子已有通道设置 | this factor of the station has a channel already");
    if (rc && rc != LF_ENOTFOUND)
        return rc;
    if (!ch->was && strcmp(unit, usual) && (rc = in_use(cx, c, &used)))
        return rc;
    if (used)
        return lf_fail(
            cx, LF_ECONFLICT, "unit",
            "已有以 %s 计的数据或限值，单位不能再改；设备改了单位请填“设备上传单位” | there are values or limits in %s already; when "
            "the device sends another unit, say so under “unit the device sends”",
            usual, usual);
    c->grid_code = s.grid_code;
    c->title = station_title(cx, s.name, c->factor, NULL, NULL);
    return LF_OK;
}

const struct lf_res station_channel_res = {
    .name = "station_channel",
    .zh = "监测通道单位",
    .en = "Units of channels",
    .icon = "limit",
    .menu = 23,
    .size = sizeof(struct channel),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = check,
    .committed = station_committed,
};

/* ---- in memory, for everything that shows a value ------------------------------------------------------------------- */

struct known {
    int64_t station;
    lf_text factor; /* "": the station itself */
    enum station_kind kind;
    unsigned tolerate;
    enum station_unit unit, sent;
};
static struct {
    pthread_rwlock_t lock;
    struct lf_arena arena;
    struct known *of; /* by station, then factor */
    size_t n;
} table = { .lock = PTHREAD_RWLOCK_INITIALIZER };

static int by_channel(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    if (x->station != y->station)
        return x->station < y->station ? -1 : 1;
    uint32_t n = x->factor.n < y->factor.n ? x->factor.n : y->factor.n;
    int c = n ? memcmp(x->factor.p, y->factor.p, n) : 0;
    return c ? c : (x->factor.n > y->factor.n) - (x->factor.n < y->factor.n);
}

static const struct known *find(lf_id station, lf_text factor)
{
    const struct known key = { .station = station.v, .factor = factor };
    return table.n ? bsearch(&key, table.of, table.n, sizeof *table.of, by_channel) : NULL;
}

/* The texts are those of the program itself, so they outlive the table. */
static void units_of(lf_id station, lf_text factor, const char **unit, const char **sent)
{
    pthread_rwlock_rdlock(&table.lock);
    const struct known *s = find(station, LF_TEXT("")), *c = find(station, factor);
    const char *set = c ? unit_text(c->unit) : NULL;
    *unit = set ? set : usual_unit(s ? s->kind : (enum station_kind)station_kind_COUNT, factor);
    *sent = sent_unit(s ? s->tolerate : 0, c ? c->sent : STATION_UNIT_USUAL, factor, *unit);
    pthread_rwlock_unlock(&table.lock);
}

const char *station_unit(lf_id station, lf_text factor)
{
    const char *unit, *sent;
    units_of(station, factor, &unit, &sent);
    return unit;
}

const char *station_sent_unit(lf_id station, lf_text factor)
{
    const char *unit, *sent;
    units_of(station, factor, &unit, &sent);
    return sent;
}

static struct known *add(struct known **list, size_t *n, size_t *cap)
{
    *list = lf_more(NULL, *list, *n, cap, sizeof **list);
    return &(*list)[(*n)++];
}

static lf_rc read_stations(struct lf_ctx *cx, struct known **list, size_t *n, size_t *cap)
{
    struct station_directory_row r;
    struct lf_cur cur;
    unsigned kind = 0;
    lf_rc rc = station_directory(cx, &cur);
    if (rc)
        return rc;
    while ((rc = station_directory_next(&cur, &r)) == LF_ROW) {
        lf_dict_find(&station_kind_dict, r.kind, &kind);
        *add(list, n, cap) =
            (struct known){ .station = r.id.v, .factor = LF_TEXT(""), .kind = (enum station_kind)kind, .tolerate = (unsigned)r.tolerate };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc read_channels(struct lf_ctx *cx, struct known **list, size_t *n, size_t *cap)
{
    struct channels_all_row r;
    struct lf_cur cur;
    lf_rc rc = channels_all(cx, &cur);
    if (rc)
        return rc;
    while ((rc = channels_all_next(&cur, &r)) == LF_ROW)
        *add(list, n, cap) = (struct known){ .station = r.station_id.v,
                                             .factor = lf_text_copy(&cx->arena, r.factor),
                                             .unit = unit_of_code(r.unit),
                                             .sent = unit_of_code(r.sent) };
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc station_units_load(struct lf_ctx *cx)
{
    struct known *list = NULL;
    size_t n = 0, cap = 0;
    lf_rc rc = read_stations(cx, &list, &n, &cap);
    if (!rc)
        rc = read_channels(cx, &list, &n, &cap);
    if (!rc && n) {
        qsort(list, n, sizeof *list, by_channel);
        pthread_rwlock_wrlock(&table.lock);
        lf_arena_reset(&table.arena);
        table.of = lf_copy(&table.arena, list, n * sizeof *list);
        for (size_t i = 0; i < n; i++)
            table.of[i].factor = lf_text_copy(&table.arena, list[i].factor);
        table.n = n;
        pthread_rwlock_unlock(&table.lock);
    }
    lf_release(list);
    return rc;
}

static void add_scale(lf_id station, lf_text factor, struct lf_tele_scale *out, size_t *n)
{
    const struct hj212_factor *f = hj212_factor_find(factor);
    const char *unit, *sent;
    double times;
    for (size_t i = 0; i < *n; i++)
        if (lf_text_eq(out[i].factor, factor))
            return;
    units_of(station, factor, &unit, &sent);
    if (hj212_unit_times(lf_str(sent), lf_str(unit), &times) && (times != 1 || !f || strcmp(unit, f->unit ? f->unit : "")))
        out[(*n)++] = (struct lf_tele_scale){ factor, times, lf_str(unit) };
}

size_t station_scales(struct lf_arena *a, lf_id id, struct lf_tele_scale **out)
{
    size_t n = 0, most = 0, first = 0;
    bool air = false;
    pthread_rwlock_rdlock(&table.lock);
    const struct known *s = find(id, LF_TEXT(""));
    if (s) {
        air = is_air(s->kind);
        first = (size_t)(s - table.of);
        while (first + most < table.n && table.of[first + most].station == id.v)
            most++;
    }
    lf_text *own = lf_alloc(a, (most + 1) * sizeof *own);
    for (size_t i = 1; i < most; i++)
        own[i] = lf_text_copy(a, table.of[first + i].factor);
    pthread_rwlock_unlock(&table.lock);
    *out = lf_alloc(a, (most + LF_COUNT(in_air)) * sizeof **out);
    for (size_t i = 1; i < most; i++)
        add_scale(id, own[i], *out, &n);
    for (size_t i = 0; air && i < LF_COUNT(in_air); i++)
        add_scale(id, lf_str(in_air[i]), *out, &n);
    return n;
}
