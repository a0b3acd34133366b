/* rooms.h - what this program consists of. */
#ifndef LF_APP_ROOMS_H
#define LF_APP_ROOMS_H
#include "core/app.h"
extern const struct lf_room *const app_rooms[];
extern const int app_room_count;
extern const struct lf_role_seed app_roles[];
extern const int app_role_count;

struct app_options {
    const char *data, *db, *host;
    int port, station_port;
    bool demo;
};
/* Fills an empty database with the demonstration city. Does nothing when areas are there already. */
lf_rc app_demo_fill(struct lf_ctx *cx, const char *from_dir) LF_MUST_CHECK;
extern const struct lf_demo_login app_demo_logins[];
extern const int app_demo_login_count;
/* Plays the stations of data/demo towards a listener until stopped; every `every_ms` one packet each. rounds 0 = for ever. */
int app_simulate(const char *from_dir, const char *host, int port, int every_ms, int rounds);
int app_replay(const char *file, const char *host, int port);
#endif
