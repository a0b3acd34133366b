/* mqtt_int.h - what publishing and taking in share: a client of libmosquitto that is made, connected and thrown away. */
#ifndef LF_RELAY_MQTT_INT_H
#define LF_RELAY_MQTT_INT_H
#include "relay/mqtt.h"

#include <mosquitto.h>

struct mqtt_where {
    lf_text host, login, password, ca;
    uint16_t port;
    bool tls;
};
/* A client with credentials and TLS set, its connection begun. Callbacks are set by `prepare` before that. NULL and err on failure. */
struct mosquitto *mqtt_begin(const struct mqtt_where *to, const char *id, bool clean, void *user, void (*prepare)(struct mosquitto *m),
                             struct lf_err *err);
lf_rc mqtt_failed(const struct mqtt_where *to, int code, struct lf_err *err);  /* of the library */
lf_rc mqtt_refused(const struct mqtt_where *to, int code, struct lf_err *err); /* of CONNACK */
#endif
