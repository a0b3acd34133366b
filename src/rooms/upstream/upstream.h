/* upstream.h - 上级平台: platforms and brokers that readings are sent on to (relay/relay.h does it), one record each, with what happened. */
#ifndef LF_ROOMS_UPSTREAM_UPSTREAM_H
#define LF_ROOMS_UPSTREAM_UPSTREAM_H
#include "core/app.h"
#include "tele/store.h"

#define UPSTREAM_KINDS(X) \
    X(UPSTREAM_HJ212, "hj212", "HJ 212", "HJ 212") \
    X(UPSTREAM_MQTT, "mqtt", "MQTT", "MQTT")
LF_ENUM(upstream_kind, UPSTREAM_KINDS);
/* The first is ours; the rest are those of enum lf_relay_state, in its order. */
#define UPSTREAM_STATES(X) \
    X(UPSTREAM_OFF, "off", "停用", "Off") \
    X(UPSTREAM_STARTING, "starting", "启动中", "Starting") \
    X(UPSTREAM_CONNECTING, "connecting", "连接中", "Connecting") \
    X(UPSTREAM_LIVE, "live", "正常", "Live") \
    X(UPSTREAM_CATCHING_UP, "catching_up", "补传中", "Catching up") \
    X(UPSTREAM_WAITING, "waiting", "中断，等待重连", "Cut, waiting")
LF_ENUM(upstream_state, UPSTREAM_STATES);

extern const struct lf_room upstream_room;

/* The store whose packets are forwarded. Until it is set nothing runs; the room's job does the rest. */
void upstream_use_store(struct lf_tele_store *store);
void upstream_metrics(struct lf_out *o);
/* Keeps what was acknowledged, and stops. Before the store is closed; no job may run any more. */
void upstream_stop(struct lf_app *app);
#endif
