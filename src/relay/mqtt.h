/* mqtt.h - readings in from an MQTT broker.
 *
 * The subscription is durable (QoS 1, persistent session): the broker keeps what it has not been told is safe. The owner's on_message says
 * when it is: the acknowledgement leaves after on_message has returned true, and never when it returned false or the program died in it.
 * libmosquitto 2.0 queues PUBACK before it calls us, but in threaded use writes only when the loop runs again; when on_message returns
 * false the connection is shut inside the call, so what is queued can not leave. Tested against a broker in mqtt_test.c. */
#ifndef LF_RELAY_MQTT_H
#define LF_RELAY_MQTT_H
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

enum { LF_MQTT_IN_MAX = 64 * 1024 }; /* bytes of one message; larger ones are dropped and counted */

struct lf_mqtt_in_config {
    lf_text host, login, password, ca; /* copied. ca: as in struct lf_relay_target */
    uint16_t port;
    bool tls;
    lf_text session_name,
        topic; /* topic: a filter. session_name: client id; it names the session in the broker: two clients with one id throw each other out */
    /* On the client's own thread; may block. True: kept, or worth nothing: do not send it again. False: could not be kept now; the client
     * drops the connection and the broker sends it again. */
    bool (*on_message)(void *user, lf_text topic, lf_text payload);
    void *user;
};
enum lf_mqtt_in_state { LF_MQTT_CONNECTING, LF_MQTT_LIVE, LF_MQTT_WAITING };
struct lf_mqtt_in_status {
    enum lf_mqtt_in_state state;
    int64_t received, dropped, failures; /* since the start */
    char error[512];
};
struct lf_mqtt_in;
struct lf_mqtt_in *lf_mqtt_in_start(const struct lf_mqtt_in_config *c); /* NULL: no thread could be started */
struct lf_mqtt_in_status lf_mqtt_in_status(struct lf_mqtt_in *in);
/* Asks it to stop; lf_mqtt_in_free waits for that (as long as on_message works). NULL is fine. */
void lf_mqtt_in_stop(struct lf_mqtt_in *in);
void lf_mqtt_in_free(struct lf_mqtt_in *in);
/* Has on_message's caller been asked to stop? For on_message itself, which may be waiting for the disk. */
bool lf_mqtt_in_ended(const struct lf_mqtt_in *in); /* its thread is done: lf_mqtt_in_free does not wait */
#endif
