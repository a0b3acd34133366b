/* upstream.c - the records, and the job that makes what runs follow them. */
#include "rooms/upstream/parts.h"
#include "rooms/station/station.h"
#include "upstream_sql.h"

#include <stdatomic.h>

LF_ENUM_DICT(upstream_kind, UPSTREAM_KINDS);
LF_ENUM_DICT(upstream_state, UPSTREAM_STATES);

/* ---- tables ------------------------------------------------------------------------------------------- */

struct upstream {
    lf_id id;
    int64_t version;
    lf_text grid_code, name;
    enum upstream_kind kind;
    lf_text host;
    int64_t port;
    bool tls;
    lf_text ca, login, password, topic;
    bool per_factor;
    lf_text station_kinds;
    bool only_listed, fwd_rtd, fwd_min, fwd_hour, fwd_daily, fwd_other;
    lf_ms since;
    int64_t window_size, timeout_s, retries;
    bool enabled;
    enum upstream_state state;
    int64_t lag_s, position;
    lf_ms position_at;
    int64_t qn, sent, acknowledged, failures, parked;
    lf_ms acknowledged_at;
    lf_text error;
};
#define F(m, zh, en, ...) LF_FIELD(struct upstream, m, zh, en, __VA_ARGS__)
static const struct lf_field fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 100),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &upstream_state_dict),
    F(lag_s, "滞后", "Lag", .flags = LF_READONLY | LF_LIST | LF_FILTER, .unit = "s",
      .help = "最早一个未应答报文的等待时间 | age of the oldest packet that is not acknowledged"),
    F(grid_code, "转发范围", "Area", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15,
      .help = "该区域内的站点转发 | stations in this area are forwarded"),
    F(kind, "协议", "Protocol", .flags = LF_LIST | LF_FILTER | LF_ONCE, .dict = &upstream_kind_dict),
    F(host, "地址", "Host", .flags = LF_REQUIRED | LF_LIST | LF_SEARCH, .max = 200),
    F(port, "端口", "Port", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 65535),
    F(enabled, "启用", "Enabled", .flags = LF_LIST | LF_FILTER),
    F(tls, "TLS 加密（MQTT）", "TLS (MQTT)", .flags = 0),
    F(ca, "信任的证书文件", "Trusted certificates", .max = 400,
      .help = "服务器上的文件或目录；空为系统证书 | file or folder on the server; empty: the system's"),
    F(login, "用户名（MQTT）", "User name (MQTT)", .max = 100),
    F(password, "密码", "Password", .flags = LF_MASKED, .max = 200,
      .help =
          "MQTT 密码；HJ 212 时为全部站点在对方的访问密码，空为原样 | of MQTT; for HJ 212 the PW of all stations there, empty: as it came"),
    F(topic, "主题前缀（MQTT）", "Topic prefix (MQTT)", .max = 100, .help = "空为 lanfan | empty: lanfan"),
    F(per_factor, "每个因子一条消息（MQTT）", "A message for each factor (MQTT)", .flags = 0),
    F(station_kinds, "站点类别", "Kinds of stations", .max = 200, .help = "不选为全部 | none chosen: all"),
    F(only_listed, "只转发列入名单的站点", "Only stations on the list", .help = "名单见“上级站点对照” | see Stations upstream"),
    F(fwd_rtd, "实时数据", "Real-time data", .flags = 0),
    F(fwd_min, "分钟数据", "Minute data", .flags = 0),
    F(fwd_hour, "小时数据", "Hour data", .flags = 0),
    F(fwd_daily, "日数据", "Day data", .flags = 0),
    F(fwd_other, "其他报文（HJ 212）", "Other packets (HJ 212)", .flags = 0),
    F(since, "从何时开始补传", "Backlog from", .flags = LF_ONCE, .help = "空为从现在开始 | empty: from now on"),
    F(window_size, "在途报文数", "Packets on their way", .min = 1, .max = 64, .help = "默认 8 | 8 by default"),
    F(timeout_s, "超时", "Time-out", .min = 1, .max = 300, .unit = "s",
      .help = "默认 10（HJ 212-2017 6.4） | 10 by default (HJ 212-2017 6.4)"),
    F(retries, "重发次数", "Re-sends", .min = 1, .max = 20, .help = "默认 3 | 3 by default"),
    F(position, "已应答至报文", "Acknowledged up to packet", .flags = LF_READONLY),
    F(position_at, "该报文接收时间", "Received at", .flags = LF_READONLY),
    F(qn, "最近的 QN", "Last QN", .flags = LF_READONLY | LF_HIDDEN),
    F(acknowledged_at, "最近应答", "Last acknowledgement", .flags = LF_READONLY | LF_LIST),
    F(sent, "已发送", "Sent", .flags = LF_READONLY),
    F(acknowledged, "已应答", "Acknowledged", .flags = LF_READONLY | LF_LIST),
    F(failures, "失败次数", "Failures", .flags = LF_READONLY),
    F(parked, "搁置报文", "Parked", .flags = LF_READONLY | LF_LIST,
      .help = "对方不接收的报文，定时重试 | refused there; tried again from time to time"),
    F(error, "最近错误", "Last error", .flags = LF_READONLY | LF_LIST, .max = 600),
};
#undef F

static bool any(const struct upstream *u)
{
    return u->fwd_rtd || u->fwd_min || u->fwd_hour || u->fwd_daily || (u->fwd_other && u->kind == UPSTREAM_HJ212);
}

/* Names of kinds, separated by blanks. */
static bool kinds_known(lf_text s)
{
    for (const char *p = s.p, *end = s.p + s.n, *stop; p < end; p = stop) {
        for (; p < end && *p == ' '; p++) {
        }
        for (stop = p; stop < end && *stop != ' '; stop++) {
        }
        unsigned ignored;
        if (stop > p && !lf_dict_find(&station_kind_dict, (lf_text){ p, (uint32_t)(stop - p) }, &ignored))
            return false;
    }
    return true;
}

static lf_rc check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct upstream *u = ch->row;
    if (!any(u))
        return lf_fail(cx, LF_EINVAL, "fwd_rtd", "至少选择一类数据 | choose at least one kind of data");
    if (u->station_kinds.n && !kinds_known(u->station_kinds))
        return lf_fail(cx, LF_EINVAL, "station_kinds", "站点类别不认识 | there is no such kind of station");
    if (u->topic.n && (memchr(u->topic.p, '#', u->topic.n) || memchr(u->topic.p, '+', u->topic.n) || u->topic.p[0] == '$'))
        return lf_fail(cx, LF_EINVAL, "topic", "主题前缀不能含 # 或 + | a prefix holds no # and no +");
    if (!u->enabled)
        u->state = UPSTREAM_OFF, u->lag_s = LF_NULL64;
    return LF_OK;
}

struct upstream_station {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id upstream_id, station_id;
    lf_text mn, pw;
};
#define F(m, zh, en, ...) LF_FIELD(struct upstream_station, m, zh, en, __VA_ARGS__)
static const struct lf_field station_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(title, "站点", "Station", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH),
    F(grid_code, "所属网格", "Grid", .flags = LF_READONLY | LF_LIST | LF_FILTER | LF_SCOPED),
    F(upstream_id, "上级平台", "Upstream", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_ONCE, .ref = "upstream"),
    F(station_id, "本地站点", "Station here", .flags = LF_REQUIRED | LF_FILTER | LF_ONCE, .ref = "station"),
    F(mn, "对方的 MN", "MN there", .flags = LF_LIST | LF_SEARCH, .max = 64, .help = "空为原样 | empty: as it is"),
    F(pw, "对方的访问密码 PW", "Password PW there", .flags = LF_MASKED, .max = 64, .help = "空为原样 | empty: as it is"),
};
#undef F

/* Printable, without the signs of the grammar (HJ 212-2017 §6.3.2). */
static bool word(lf_text t)
{
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~' || strchr("&=#,;", t.p[i]))
            return false;
    return true;
}

static lf_rc station_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct upstream_station *s = ch->row;
    struct station_site site;
    lf_rc rc = station_found(cx, station_site_of(cx, s->station_id, &site), "station_id");
    if (rc)
        return rc;
    if (!word(s->mn) || !word(s->pw))
        return lf_fail(cx, LF_EINVAL, word(s->mn) ? "pw" : "mn", "不能含空格和 & = # , ; | no blanks and none of & = # , ;");
    s->grid_code = site.grid_code;
    s->title = site.name;
    return LF_OK;
}

/* ---- what runs ------------------------------------------------------------------------------------------ */

enum { BUILD_MS = 5000, MOST = 64 };
static struct {
    struct lf_tele_store *store;
    struct lf_relay *_Atomic relay; /* /metrics looks at it from another thread */
    atomic_bool changed;
    lf_ms built;
    lf_id id[MOST]; /* of those that run */
    size_t n;
} run;

void upstream_use_store(struct lf_tele_store *store) { run.store = store; }
void upstream_metrics(struct lf_out *o) { lf_relay_metrics(run.relay, o); }

static void committed(struct lf_app *app, const struct lf_change *ch) { atomic_store(&run.changed, true); }

static lf_rc build(struct lf_ctx *cx)
{
    struct lf_relay_target *t = NULL;
    struct lf_directory *directory = NULL;
    size_t n = 0;
    atomic_store(&run.changed, false);
    lf_rc rc = upstream_read_targets(cx, &t, &n, &directory);
    if (rc)
        return rc;
    bool settled = lf_relay_set(run.relay, t, n);
    run.n = 0;
    for (size_t i = 0; i < n && run.n < MOST; i++)
        run.id[run.n++] = t[i].id;
    lf_directory_unref(directory);
    run.built = lf_now();
    if (!settled)
        atomic_store(&run.changed, true);
    return LF_OK;
}

static lf_rc tick(struct lf_ctx *cx)
{
    if (!run.store)
        return LF_OK;
    if (!run.relay)
        run.relay = lf_relay_new(run.store);
    lf_rc rc = upstream_keep_reports(cx, run.relay, run.id, run.n);
    int64_t age = lf_now().ms - run.built.ms;
    if (!rc && (atomic_load(&run.changed) || age > BUILD_MS || age < 0)) {
        rc = build(cx);
        if (!rc)
            rc = upstream_retry_parked(cx, run.relay, run.id, run.n);
    }
    return rc;
}

void upstream_stop(struct lf_app *app)
{
    struct lf_ctx cx;
    if (!run.relay)
        return;
    lf_ctx_system(&cx, app);
    if (upstream_keep_reports(&cx, run.relay, run.id, run.n)) {
        /* what is not kept will be sent again */
    }
    lf_ctx_free(&cx);
    lf_relay_free(run.relay);
    run.relay = NULL;
}

/* ---- the room ------------------------------------------------------------------------------------------- */

static lf_rc something_parked(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct upstream *u = ch->was;
    return u->parked > 0 && u->parked != LF_NULL64 ? LF_OK : lf_fail(cx, LF_ECONFLICT, "parked", "没有搁置的报文 | no packet is parked");
}
static const struct lf_verb verbs[] = {
    { "retry", "立即重发搁置报文", "Send parked packets now", (1u << upstream_state_COUNT) - 1, LF_STAY, "edit", .guard = something_parked,
      .effect = upstream_ask_again },
};
static const struct lf_res upstream_res = {
    .name = "upstream",
    .zh = "上级平台",
    .en = "Upstream platforms",
    .icon = "upload",
    .menu = 26,
    .size = sizeof(struct upstream),
    .field = fields,
    .nfield = LF_COUNT(fields),
    .verb = verbs,
    .nverb = LF_COUNT(verbs),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .check = check,
    .committed = committed,
};
static const struct lf_res upstream_station_res = {
    .name = "upstream_station",
    .zh = "上级站点对照",
    .en = "Stations upstream",
    .icon = "station",
    .menu = 27,
    .size = sizeof(struct upstream_station),
    .field = station_fields,
    .nfield = LF_COUNT(station_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = station_check,
    .committed = committed,
};
static const struct lf_res *const types[] = { &upstream_res, &upstream_station_res };
static const struct lf_job jobs[] = { { "upstream", 1, tick } };
const struct lf_room upstream_room = {
    .name = "upstream",
    .res = types,
    .nres = LF_COUNT(types),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = upstream_migrations,
    .nmigration = LF_COUNT(upstream_migrations),
};
