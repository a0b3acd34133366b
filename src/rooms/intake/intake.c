/* intake.c - the records: brokers and feeds. */
#include "rooms/intake/parts.h"

#include "intake_sql.h"
#include "rooms/station/station.h"

#include <sodium.h>

LF_ENUM_DICT(feed_via, FEED_VIAS);
LF_ENUM_DICT(feed_state, FEED_STATES);
LF_ENUM_DICT(mqtt_source_state, MQTT_SOURCE_STATES);

/* ---- brokers ------------------------------------------------------------------------------------------ */

struct mqtt_source {
    lf_id id;
    int64_t version;
    lf_text grid_code, name, host;
    int64_t port;
    bool tls;
    lf_text ca, login, password, topic, session_name;
    bool enabled;
    enum mqtt_source_state state;
    int64_t received, accepted, refused;
    lf_ms last_at;
    lf_text error;
};
#define F(m, zh, en, ...) LF_FIELD(struct mqtt_source, m, zh, en, __VA_ARGS__)
static const struct lf_field source_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(name, "名称", "Name", .flags = LF_REQUIRED | LF_LIST | LF_TITLE | LF_SEARCH, .max = 100),
    F(state, "状态", "State", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &mqtt_source_state_dict),
    F(grid_code, "所属网格", "Area", .flags = LF_REQUIRED | LF_LIST | LF_FILTER | LF_SCOPED, .max = 15),
    F(host, "地址", "Host", .flags = LF_REQUIRED | LF_LIST | LF_SEARCH, .max = 200),
    F(port, "端口", "Port", .flags = LF_REQUIRED | LF_LIST, .min = 1, .max = 65535),
    F(enabled, "启用", "Enabled", .flags = LF_LIST | LF_FILTER),
    F(topic, "订阅主题", "Topics", .flags = LF_REQUIRED | LF_LIST, .max = 200,
      .help = "例 micro/+/data，+ 处为站点标识 | for example micro/+/data: the + stands for the station"),
    F(tls, "TLS 加密", "TLS", .flags = 0),
    F(ca, "信任的证书文件", "Trusted certificates", .max = 400,
      .help = "服务器上的文件或目录；空为系统证书 | file or folder on the server; empty: the system's"),
    F(login, "用户名", "User name", .max = 100),
    F(password, "密码", "Password", .flags = LF_MASKED, .max = 200),
    F(session_name, "客户端标识", "Client id", .flags = LF_READONLY),
    F(received, "收到消息", "Messages", .flags = LF_READONLY | LF_LIST),
    F(accepted, "入库数据", "Readings taken", .flags = LF_READONLY | LF_LIST),
    F(refused, "拒收", "Refused", .flags = LF_READONLY | LF_LIST),
    F(last_at, "最近消息", "Last message", .flags = LF_READONLY | LF_LIST),
    F(error, "最近错误", "Last error", .flags = LF_READONLY | LF_LIST, .max = 600),
};
#undef F

static lf_rc source_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct mqtt_source *s = ch->row;
    unsigned char raw[8];
    if (!s->session_name.n) { /* names the session in the broker: made once, never taken twice */
        char *id = lf_alloc(&cx->arena, 32);
        memcpy(id, "lanfan-", 7);
        randombytes_buf(raw, sizeof raw);
        sodium_bin2hex(id + 7, 25, raw, sizeof raw);
        s->session_name = lf_str(id);
    }
    if (!s->enabled)
        s->state = MQTT_SOURCE_OFF;
    for (uint32_t i = 0; i < s->topic.n; i++) {
        char c = s->topic.p[i];
        bool alone = (i == 0 || s->topic.p[i - 1] == '/') && (i + 1 == s->topic.n || s->topic.p[i + 1] == '/');
        if ((c == '+' && !alone) || (c == '#' && (!alone || i + 1 != s->topic.n)))
            return lf_fail(cx, LF_EINVAL, "topic",
                           "通配符 + 和 # 须独占一级，# 只能在最后 | + and # take a whole level, and # is the last");
    }
    return LF_OK;
}

static void source_committed(struct lf_app *app, const struct lf_change *ch) { brokers_changed(); }

static const struct lf_res mqtt_source_res = {
    .name = "mqtt_source",
    .zh = "MQTT 接入",
    .en = "MQTT brokers",
    .icon = "station",
    .menu = 29,
    .size = sizeof(struct mqtt_source),
    .field = source_fields,
    .nfield = LF_COUNT(source_fields),
    .can = LF_CAN_CREATE | LF_CAN_EDIT,
    .check = source_check,
    .committed = source_committed,
};

/* ---- feeds ---------------------------------------------------------------------------------------------- */

struct feed {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    enum feed_via via;
    lf_id source_id;
    lf_text ident;
    bool enabled;
    enum feed_state state;
    lf_text token_hint, token_hash;
    lf_ms issued_at;
    int64_t accepted, refused;
    lf_ms last_at;
    lf_text error;
};
#define F(m, zh, en, ...) LF_FIELD(struct feed, m, zh, en, __VA_ARGS__)
static const struct lf_field feed_fields[] = {
    F(id, "编号", "Id", .flags = LF_READONLY),
    F(version, "版本", "Version", .flags = LF_READONLY),
    F(title, "站点", "Station", .flags = LF_READONLY | LF_LIST | LF_TITLE | LF_SEARCH),
    F(grid_code, "所属网格", "Grid", .flags = LF_READONLY | LF_LIST | LF_FILTER | LF_SCOPED),
    F(station_id, "站点", "Station", .flags = LF_REQUIRED | LF_FILTER | LF_ONCE, .ref = "station"),
    F(via, "方式", "Over", .flags = LF_LIST | LF_FILTER | LF_ONCE, .dict = &feed_via_dict),
    F(state, "令牌", "Token", .flags = LF_READONLY | LF_LIST | LF_FILTER, .dict = &feed_state_dict),
    F(enabled, "启用", "Enabled", .flags = LF_LIST | LF_FILTER),
    F(source_id, "MQTT 接入", "MQTT broker", .flags = LF_LIST | LF_FILTER, .ref = "mqtt_source"),
    F(ident, "MQTT 中的站点标识", "Name in MQTT", .flags = LF_LIST | LF_SEARCH, .max = 100),
    F(token_hint, "令牌开头", "Token begins with", .flags = LF_READONLY),
    F(token_hash, "令牌摘要", "Token digest", .flags = LF_READONLY | LF_HIDDEN),
    F(issued_at, "令牌发放时间", "Token issued", .flags = LF_READONLY),
    F(accepted, "入库数据", "Readings taken", .flags = LF_READONLY | LF_LIST),
    F(refused, "拒收", "Refused", .flags = LF_READONLY | LF_LIST),
    F(last_at, "最近数据", "Last document", .flags = LF_READONLY | LF_LIST),
    F(error, "最近错误", "Last error", .flags = LF_READONLY, .max = 600),
};
#undef F

static lf_rc feed_check(struct lf_ctx *cx, struct lf_change *ch)
{
    struct feed *f = ch->row;
    struct station_site site;
    lf_rc rc = station_found(cx, station_site_of(cx, f->station_id, &site), "station_id");
    if (rc)
        return rc;
    f->grid_code = site.grid_code;
    f->title = site.name;
    if (f->via == FEED_HTTP) {
        f->source_id = (lf_id){ LF_NULL64 };
        f->ident = (lf_text){ 0 };
        return LF_OK;
    }
    if (lf_id_none(f->source_id) || !f->ident.n)
        return lf_fail(cx, LF_EINVAL, lf_id_none(f->source_id) ? "source_id" : "ident",
                       "MQTT 接入需要选择服务器并填写标识 | a feed over MQTT needs its broker and its name there");
    f->state = FEED_ACTIVE; /* the broker's credentials are its token */
    return LF_OK;
}

static lf_rc revoke(struct lf_ctx *cx, struct lf_change *ch)
{
    struct feed *f = ch->row;
    if (f->via != FEED_HTTP)
        return lf_fail(cx, LF_ECONFLICT, "via", "MQTT 接入请停用 | switch a feed over MQTT off instead");
    f->token_hash = f->token_hint = (lf_text){ 0 };
    return LF_OK;
}

static const struct lf_verb feed_verbs[] = {
    { "revoke", "吊销令牌", "Revoke the token", 1u << FEED_ACTIVE, FEED_REVOKED, "edit", .need = LF_DANGER, .effect = revoke },
};
const struct lf_res feed_res = {
    .name = "feed",
    .zh = "微站接入",
    .en = "Feeds",
    .icon = "upload",
    .menu = 28,
    .size = sizeof(struct feed),
    .field = feed_fields,
    .nfield = LF_COUNT(feed_fields),
    .verb = feed_verbs,
    .nverb = LF_COUNT(feed_verbs),
    .can = LF_CAN_CREATE | LF_CAN_EDIT | LF_CAN_IMPORT,
    .check = feed_check,
};

/* ---- the room --------------------------------------------------------------------------------------------- */

static lf_rc tick(struct lf_ctx *cx)
{
    if (!intake_ready())
        return LF_OK;
    lf_rc rc = tally_keep(cx);
    return rc ? rc : brokers_tick(cx);
}

void intake_metrics(struct lf_out *o)
{
    int64_t accepted, refused, limited;
    tally_totals(&accepted, &refused, &limited);
    lf_putf(o,
            "# TYPE lanfan_intake_accepted_total counter\nlanfan_intake_accepted_total %lld\n"
            "# TYPE lanfan_intake_refused_total counter\nlanfan_intake_refused_total %lld\n"
            "# TYPE lanfan_intake_limited_total counter\nlanfan_intake_limited_total %lld\n",
            (long long)accepted, (long long)refused, (long long)limited);
}

void intake_stop(struct lf_app *app)
{
    struct lf_ctx cx;
    brokers_stop(app);
    lf_ctx_system(&cx, app);
    if (tally_keep(&cx)) {
        /* only counts are lost */
    }
    lf_ctx_free(&cx);
}

static const struct lf_res *const types[] = { &feed_res, &mqtt_source_res };
static const struct lf_job jobs[] = { { "intake", 1, tick } };
/* clang-format off */
static const struct lf_route routes[] = {
    { "POST", "/api/v1/intake", "public", LF_TX_READ, intake_post, "微站数据上传", "Readings of a low-cost station", .own_tx = true, .bearer = true,
      .request = "{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\",\"required\":[\"metrics\"],\"properties\":{"
                 "\"timestamp\":{\"type\":[\"integer\",\"string\"]},\"kind\":{\"enum\":[\"rtd\",\"min\",\"hour\",\"day\"]},"
                 "\"metrics\":{\"type\":\"array\",\"maxItems\":1000,\"items\":{\"type\":\"object\",\"required\":[\"name\",\"value\"],\"properties\":{"
                 "\"name\":{\"type\":\"string\"},\"value\":{\"type\":[\"number\",\"null\"]},\"quality\":{\"type\":[\"string\",\"integer\"]},"
                 "\"timestamp\":{\"type\":[\"integer\",\"string\"]},\"kind\":{\"type\":\"string\"},\"min\":{\"type\":\"number\"},"
                 "\"max\":{\"type\":\"number\"},\"unit\":{\"type\":\"string\"}}}}}}},\"text/csv\":{\"schema\":{\"type\":\"string\"}}}}" },
    { "POST", "/api/v1/feed/:id/token", "feed.edit", LF_TX_WRITE, intake_issue_token, "发放令牌", "Give out a token, shown once" },
};
/* clang-format on */
const struct lf_room intake_room = {
    .name = "intake",
    .res = types,
    .nres = LF_COUNT(types),
    .route = routes,
    .nroute = LF_COUNT(routes),
    .job = jobs,
    .njob = LF_COUNT(jobs),
    .migration = intake_migrations,
    .nmigration = LF_COUNT(intake_migrations),
};
