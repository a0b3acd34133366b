/* review.c - proposals about values, decided by a second person, put into the store by a job. */
#include "rooms/review/review.h"

#include "review_sql.h"
#include "rooms/review/parts.h"
#include "rooms/station/station.h"

#include <inttypes.h>

LF_ENUM_DICT(review_state, REVIEW_STATES);
LF_ENUM_DICT(review_action, REVIEW_ACTIONS);
LF_ENUM_DICT(review_flag, REVIEW_FLAGS);

enum { VALUES_MAX = 100000 }; /* of one review: two months of minutes */

struct review_road review_road;
void review_use(const struct review_road *road) { review_road = *road; }

/* ---- table ------------------------------------------------------------------------------------------------------- */

struct review {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    lf_text factor;
    enum station_period kind;
    lf_ms from_at, to_at;
    enum review_action action;
    enum review_flag new_flag;
    double new_value;
    lf_text reason;
    enum review_state state;
    lf_id decided_by;
    lf_ms decided_at, applied_at;
    int64_t affected, resent;
    lf_id created_by;
    lf_ms created_at, updated_at;
};
#define F(m, zh, en, ...) LF_FIELD(struct review, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(grid_code, "所属网格", "Grid", .flags = LF_LIST | LF_SCOPED | LF_FILTER | LF_READONLY),
    F(title, "审核内容", "Review", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH | LF_BOTH),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_LIST | LF_FILTER, .ref = "station"),
    F(factor, "监测因子", "Factor", .flags = LF_REQUIRED | LF_FILTER, .max = 32,
      .help = "因子代码，如 w01018 | Code of the factor, for example w01018"),
    F(kind, "数据类别", "Period", .flags = LF_LIST | LF_FILTER, .dict = &station_period_dict),
    F(from_at, "起", "From", .flags = LF_REQUIRED | LF_LIST | LF_FILTER),
    F(to_at, "止（不含）", "To (excluded)", .flags = LF_REQUIRED | LF_LIST),
    F(action, "处理", "Action", .flags = LF_LIST | LF_FILTER, .dict = &review_action_dict),
    F(new_flag, "标记为", "Mark as", .dict = &review_flag_dict, .help = "仅用于标记 | For marking only"),
    F(new_value, "修正为", "Correct to", .help = "仅用于修正 | For correcting only"),
    F(reason, "理由", "Reason", .flags = LF_REQUIRED | LF_LONG | LF_SEARCH,
      .help = "写明依据：运维记录、校准记录、比对报告等 | Say what it rests on: maintenance or calibration record, comparison report"),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &review_state_dict),
    F(decided_by, "审批人", "Decided by", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(decided_at, "审批时间", "Decided", .flags = LF_READONLY),
    F(applied_at, "生效时间", "In force since", .flags = LF_READONLY),
    F(affected, "改动数据", "Values changed", .flags = LF_READONLY | LF_LIST),
    F(resent, "设备重传", "Sent again", .flags = LF_READONLY | LF_LIST,
      .help = "生效后设备重传的数据：留存备查，不改变审核后的值 | what devices have sent for it since: kept, but it replaces nothing"),
    F(created_by, "提出人", "Proposed by", .flags = LF_READONLY | LF_LIST, .ref = "account"),
    F(created_at, "提出时间", "Proposed", .flags = LF_READONLY | LF_FILTER),
    F(updated_at, "更新时间", "Changed", .flags = LF_READONLY),
};
#undef F

/* ---- rules ---------------------------------------------------------------------------------------------------------- */

static lf_rc check_range(struct lf_ctx *cx, const struct review *r)
{
    if (r->to_at.ms <= r->from_at.ms)
        return lf_fail(cx, LF_EINVAL, "to_at", "结束时间应晚于开始时间 | the end must be later than the beginning");
    if (r->from_at.ms > lf_now().ms)
        return lf_fail(cx, LF_EINVAL, "from_at", "不能审核将来的数据 | values of the future cannot be reviewed");
    if (r->action == REVIEW_CORRECT && isnan(r->new_value))
        return lf_fail(cx, LF_EINVAL, "new_value", "请填写修正后的数值 | give the corrected value");
    if (r->action != REVIEW_CORRECT && !isnan(r->new_value))
        return lf_fail(cx, LF_EINVAL, "new_value", "只有修正才填写数值 | only a correction has a value");
    return LF_OK;
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    static const char *const kind_code[] = { "rtd", "min", "hour", "day" };
    struct review *r = ch->row;
    struct station_site site;
    lf_rc rc = check_range(cx, r);
    if (rc || ch->verb)
        return rc;
    if (ch->was && r->state != REVIEW_PROPOSED) /* what the second person has seen is what counts */
        return lf_fail(cx, LF_ECONFLICT, "state", "已审批的不能再修改 | what was decided is not changed any more");
    if ((rc = station_found(cx, station_site_of(cx, r->station_id, &site), "station_id")))
        return rc;
    struct review_overlap_row clash;
    rc = review_overlap(cx, r->station_id, r->factor, lf_str(kind_code[r->kind]), r->from_at, r->to_at, r->id, &clash);
    if (rc == LF_OK)
        return lf_fail(cx, LF_ECONFLICT, "from_at",
                       "这些数据正在另一项审核中（编号 %" PRId64 "） | review %" PRId64 " deals with these values already", clash.id.v,
                       clash.id.v);
    if (rc != LF_ENOTFOUND)
        return rc;
    r->grid_code = site.grid_code;
    r->title = station_title(cx, site.name, r->factor, review_action_dict.item[r->action].zh, review_action_dict.item[r->action].en);
    return LF_OK;
}

static lf_rc another_person(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct review *r = ch->was;
    return r->created_by.v != cx->actor.v ? LF_OK : lf_fail(cx, LF_EDENIED, "created_by", "须由另一人审批 | another person has to decide");
}

static lf_rc own_proposal(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct review *r = ch->was;
    return r->created_by.v == cx->actor.v
               ? LF_OK
               : lf_fail(cx, LF_EDENIED, "created_by", "只能撤回本人提出的 | only who proposed it may withdraw it");
}

static lf_rc the_system(struct lf_ctx *cx, struct lf_change *ch)
{
    return lf_id_none(cx->actor) ? LF_OK : lf_fail(cx, LF_EDENIED, NULL, "由系统自动执行 | the system does this by itself");
}

static lf_rc on_decide(struct lf_ctx *cx, struct lf_change *ch)
{
    struct review *r = ch->row;
    r->decided_by = cx->actor;
    r->decided_at = lf_now();
    return LF_OK;
}

static lf_rc on_apply(struct lf_ctx *cx, struct lf_change *ch)
{
    ((struct review *)ch->row)->applied_at = lf_now();
    return LF_OK;
}

#define IN(s) (1u << (s))
static const struct lf_verb verbs[] = {
    { "approve", "批准", "Approve", IN(REVIEW_PROPOSED), REVIEW_APPROVED, "decide", .guard = another_person, .effect = on_decide },
    { "refuse", "不批准", "Refuse", IN(REVIEW_PROPOSED), REVIEW_REFUSED, "decide", .need = LF_NEED_NOTE, .guard = another_person,
      .effect = on_decide },
    { "withdraw", "撤回", "Withdraw", IN(REVIEW_PROPOSED), REVIEW_WITHDRAWN, "create", .guard = own_proposal },
    { "apply", "生效", "Put in force", IN(REVIEW_APPROVED), REVIEW_APPLIED, "apply", .guard = the_system, .effect = on_apply },
};

static lf_rc next_step(struct lf_ctx *cx, const void *row, struct lf_step *out)
{
    const struct review *r = row;
    *out = r->state == REVIEW_PROPOSED ? (struct lf_step){ .right = "decide", .limit = { 3, LF_WORK_DAYS } }
                                       : (struct lf_step){ .final = true };
    return LF_OK;
}

const struct lf_res review_res = {
    .name = "review",
    .zh = "数据审核",
    .en = "Data review",
    .icon = "review",
    .menu = 24,
    .size = sizeof(struct review),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .check = check,
    .step = next_step,
};

/* ---- batches of our own ------------------------------------------------------------------------------------------------ */

struct lf_tele_packet *review_packet(struct lf_tele_batch *b, lf_id station, lf_text grid_code, lf_text raw, lf_ms at)
{
    struct lf_tele_packet *p = lf_tele_add_packet(b);
    *p = (struct lf_tele_packet){ .station = station,
                                  .grid_code = lf_text_copy(&b->arena, grid_code),
                                  .peer = LF_TEXT("lanfan"),
                                  .raw = lf_text_copy(&b->arena, raw),
                                  .qn = LF_TEXT(""),
                                  .st = LF_TEXT(""),
                                  .cn = LF_TELE_CN_OURS,
                                  .note = LF_TEXT(""),
                                  .received = lf_now(),
                                  .at = at,
                                  .first = b->nreading };
    return p;
}

struct lf_tele_reading *review_reading(struct lf_tele_batch *b, const struct lf_tele_reading *r)
{
    struct lf_tele_packet *p = &b->packet[b->npacket - 1];
    struct lf_tele_reading *to = lf_tele_add_reading(b);
    *to = *r;
    to->ours = true;
    to->station = p->station;
    to->grid_code = p->grid_code;
    to->factor = lf_text_copy(&b->arena, r->factor);
    to->flag = r->flag.p ? lf_text_copy(&b->arena, r->flag) : r->flag;
    p->n++;
    return to;
}

struct readings {
    struct lf_arena *a;
    struct lf_tele_reading *r;
    size_t n, cap;
};

static bool keep_reading(void *user, const struct lf_tele_reading *r)
{
    struct readings *l = user;
    l->r = lf_more(l->a, l->r, l->n, &l->cap, sizeof *l->r);
    l->r[l->n] = *r;
    l->r[l->n].factor = lf_text_copy(l->a, r->factor);
    l->r[l->n].flag = r->flag.p ? lf_text_copy(l->a, r->flag) : r->flag;
    l->n++;
    return l->n <= VALUES_MAX;
}

lf_rc review_scan(struct lf_ctx *cx, lf_id station, lf_text factor, enum lf_tele_kind kind, lf_ms from, lf_ms to,
                  struct lf_tele_reading **out, size_t *n)
{
    struct readings l = { .a = &cx->arena };
    struct lf_tele_series q = { .station = station, .factor = factor, .kind = kind, .from = from, .to = to };
    lf_rc rc = review_road.store->ops->scan(review_road.store, &q, keep_reading, &l, &cx->err);
    *out = l.r;
    *n = l.n;
    return rc;
}

/* ---- putting decisions in force ------------------------------------------------------------------------------------------- */

static bool restored(const struct lf_tele_correction *c, const struct lf_tele_reading *now, struct lf_tele_reading *to)
{
    if (c->was.kind != now->kind || c->was.at.ms != now->at.ms || !lf_text_eq(c->was.factor, now->factor))
        return false;
    to->value = c->was.value;
    return true;
}

/* What the reading becomes. Restoring takes away the mark, and brings back the value that a correction has replaced. */
static void change(const struct review_waiting_row *w, const struct lf_tele_correction *was, size_t nwas, struct lf_tele_reading *r)
{
    if (lf_text_is(w->action, "mark")) {
        r->flag = w->new_flag;
    } else if (lf_text_is(w->action, "correct")) {
        r->value = w->new_value;
        r->flag = LF_TEXT("N");
    } else {
        r->flag = LF_TEXT("N");
        for (size_t i = nwas; i-- > 0;) /* newest first in the list: the oldest is what the device said */
            if (restored(&was[i], r, r))
                break;
    }
}

static lf_rc put_in_force(struct lf_ctx *cx, const struct review_waiting_row *w, int64_t *affected)
{
    struct lf_tele_reading *r;
    struct lf_tele_correction *was = NULL;
    struct lf_tele_batch b = { 0 };
    enum lf_tele_kind kind;
    size_t n, nwas = 0;
    if (!lf_tele_kind_parse(w->kind, &kind))
        return lf_fail(cx, LF_EBUG, "kind", "review %" PRId64 " has the unknown kind %.*s", w->id.v, (int)w->kind.n, w->kind.p);
    lf_rc rc = review_scan(cx, w->station_id, w->factor, kind, w->from_at, w->to_at, &r, &n);
    if (!rc && lf_text_is(w->action, "restore"))
        rc = review_road.store->ops->corrections(review_road.store, &cx->arena, w->station_id, 10000, &was, &nwas, &cx->err);
    *affected = (int64_t)n;
    if (rc || !n)
        return rc;
    const char *raw = lf_printf(&cx->arena, "review=%" PRId64 ";action=%s;proposed_by=%" PRId64 ";decided_by=%" PRId64 ";reason=%s",
                                w->id.v, lf_strn(&cx->arena, w->action), w->created_by.v, w->decided_by.v, lf_strn(&cx->arena, w->reason));
    review_packet(&b, w->station_id, w->grid_code, lf_str(raw), w->from_at);
    for (size_t i = 0; i < n; i++) {
        change(w, was, nwas, &r[i]);
        review_reading(&b, &r[i]);
    }
    rc = review_road.submit(review_road.user, &b, &cx->err);
    lf_tele_batch_free(&b);
    return rc;
}

static lf_rc set_affected(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    ((struct review *)row)->affected = *(int64_t *)user;
    return LF_OK;
}

/* Before the values are read and written: what a device sends meanwhile must not come in between. */
static lf_rc protect(struct lf_ctx *cx)
{
    struct lf_shield *s = review_make_shield(cx);
    if (!s)
        return cx->err.rc ? cx->err.rc : LF_EDB;
    review_road.protect(review_road.user, s);
    return LF_OK;
}

/* The store first, then the record: a crash in between applies the same values again, which changes nothing. */
static lf_rc apply_approved(struct lf_ctx *cx)
{
    struct review_waiting_row w, list[20];
    struct lf_cur cur;
    size_t n = 0;
    lf_rc rc = review_road.store ? lf_tx_begin(cx, LF_TX_READ) : LF_DONE;
    if (rc)
        return rc == LF_DONE ? LF_OK : rc;
    rc = review_waiting(cx, &cur);
    while (!rc && (rc = review_waiting_next(&cur, &w)) == LF_ROW && n < LF_COUNT(list)) {
        list[n++] = w;
        rc = LF_OK;
    }
    lf_cur_close(&cur);
    rc = lf_tx_end(cx, rc < 0 ? rc : LF_OK);
    if (!rc && n)
        rc = protect(cx);
    for (size_t i = 0; !rc && i < n; i++) {
        struct lf_change ch = { 0 };
        int64_t affected = 0;
        if ((rc = put_in_force(cx, &list[i], &affected)) || (rc = lf_tx_begin(cx, LF_TX_WRITE)))
            return rc;
        rc = lf_tx_end(cx, lf_res_move(cx, &review_res, list[i].id, LF_NULL64, "apply", set_affected, &affected, &ch));
        if (!rc)
            lf_publish_record(cx->app, &ch);
    }
    return rc;
}

/* ---- the room ---------------------------------------------------------------------------------------------------------------- */

static const struct lf_job jobs[] = { { "review_apply", 1, apply_approved },
                                      { "review_rollup", 15, review_rollup },
                                      { "review_watch", REVIEW_WATCH_S, review_watch } };
static const struct lf_route routes[] = {
    { "GET", "/api/v1/station/:id/validity", "station.read", LF_TX_READ, review_validity, "每小时数据有效性",
      "How each hour of each factor is accounted for" },
    { "GET", "/api/v1/station/:id/emission", "station.read", LF_TX_READ, review_emission, "废气排放量（含替代值）",
      "What a flue has given off by day, with what stands in for missing hours" },
    { "GET", "/api/v1/review/:id/resent", "review.read", LF_TX_READ, review_resent, "审核后设备重传的数据",
      "What devices have sent again for reviewed values, newest first" },
};
static const struct lf_res *const types[] = { &power_pair_res, &review_res };
const struct lf_room review_room = {
    .name = "review",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = review_migrations,
    .nmigration = LF_COUNT(review_migrations),
};
