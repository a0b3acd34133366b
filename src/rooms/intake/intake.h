/* intake.h - 数据接入: readings of low-cost stations over HTTP (a token for each) and from MQTT brokers. doc/mqtt.md has the shapes.
 *
 * Only registered stations are taken in: a feed says which station it is and how it comes. A document becomes one packet, with itself as
 * the evidence, and goes down the road of every other packet: it is acknowledged when it is durable. The same document again is the same
 * packet; the same reading in another document changes nothing. */
#ifndef LF_ROOMS_INTAKE_INTAKE_H
#define LF_ROOMS_INTAKE_INTAKE_H
#include "core/app.h"
#include "tele/tele.h"

#define FEED_VIAS(X) \
    X(FEED_HTTP, "http", "HTTP", "HTTP") \
    X(FEED_MQTT, "mqtt", "MQTT", "MQTT")
LF_ENUM(feed_via, FEED_VIAS);
#define FEED_STATES(X) \
    X(FEED_NEW, "new", "未发令牌", "No token yet") \
    X(FEED_ACTIVE, "active", "有效", "Active") \
    X(FEED_REVOKED, "revoked", "已吊销", "Revoked")
LF_ENUM(feed_state, FEED_STATES);
/* The first is ours; the rest are those of enum lf_mqtt_in_state, in its order. */
#define MQTT_SOURCE_STATES(X) \
    X(MQTT_SOURCE_OFF, "off", "停用", "Off") \
    X(MQTT_SOURCE_CONNECTING, "connecting", "连接中", "Connecting") \
    X(MQTT_SOURCE_LIVE, "live", "正常", "Live") \
    X(MQTT_SOURCE_WAITING, "waiting", "中断，等待重连", "Cut, waiting")
LF_ENUM(mqtt_source_state, MQTT_SOURCE_STATES);

extern const struct lf_room intake_room;

/* The road to the store: returns when the batch is durable, or why it is not. Set before the first request. */
void intake_use(lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err), void *user);
void intake_metrics(struct lf_out *o);
/* Ends the brokers' clients. While the road still works; no request and no job may run any more. */
void intake_stop(struct lf_app *app);
#endif
