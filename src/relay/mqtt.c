/* mqtt.c - a client of libmosquitto: address, credentials, TLS; and what its errors mean for people. */
#include "relay/mqtt_int.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

enum { KEEPALIVE_S = 60 };
static const char system_certificates[] = "/etc/ssl/certs";

static void init_library(void) { mosquitto_lib_init(); }

lf_rc mqtt_failed(const struct mqtt_where *to, int code, struct lf_err *err)
{
    const char *why = code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
    return lf_err_set(err, LF_EIO, NULL, "MQTT 连接失败（%.*s:%u）：%s | MQTT failed (%.*s:%u): %s", (int)to->host.n, to->host.p,
                      (unsigned)to->port, why, (int)to->host.n, to->host.p, (unsigned)to->port, why);
}

lf_rc mqtt_refused(const struct mqtt_where *to, int code, struct lf_err *err)
{
    const char *why = mosquitto_connack_string(code);
    return lf_err_set(err, LF_EIO, NULL, "MQTT 服务器拒绝（%.*s:%u）：%s | the broker refuses (%.*s:%u): %s", (int)to->host.n, to->host.p,
                      (unsigned)to->port, why, (int)to->host.n, to->host.p, (unsigned)to->port, why);
}

/* The certificate is always checked, and must name the host. */
static int set_tls(struct mosquitto *m, const char *ca)
{
    struct stat st;
    if (!*ca)
        ca = system_certificates;
    bool folder = stat(ca, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = mosquitto_tls_set(m, folder ? NULL : ca, folder ? ca : NULL, NULL, NULL, NULL);
    return rc ? rc : mosquitto_tls_opts_set(m, 1, "tlsv1.2", NULL);
}

struct mosquitto *mqtt_begin(const struct mqtt_where *to, const char *id, bool clean, void *user, void (*prepare)(struct mosquitto *m),
                             struct lf_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct lf_arena a = { 0 };
    pthread_once(&once, init_library);
    struct mosquitto *m = mosquitto_new(id, clean, user);
    int rc = m ? MOSQ_ERR_SUCCESS : MOSQ_ERR_NOMEM;
    if (!rc && to->login.n)
        rc = mosquitto_username_pw_set(m, lf_strn(&a, to->login), to->password.n ? lf_strn(&a, to->password) : NULL);
    if (!rc && to->tls)
        rc = set_tls(m, lf_strn(&a, to->ca));
    if (!rc) {
        prepare(m);
        rc = mosquitto_connect_async(m, lf_strn(&a, to->host), to->port, KEEPALIVE_S);
    }
    lf_arena_free(&a);
    if (!rc)
        return m;
    mqtt_failed(to, rc, err);
    mosquitto_destroy(m);
    return NULL;
}
