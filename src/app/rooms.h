/* rooms.h - what this program consists of. */
#ifndef LF_APP_ROOMS_H
#define LF_APP_ROOMS_H
#include "core/app.h"
extern const struct lf_room *const app_rooms[];
extern const int app_room_count;
extern const struct lf_role_seed app_roles[];
extern const int app_role_count;

lf_rc app_has_people(struct lf_ctx *cx, bool *has) LF_MUST_CHECK; /* is there an account? In a transaction of its own */
/* Where the demonstration's data is: what was said (not NULL), else that of the project's folder when this is it, else what was installed. */
const char *app_demo_dir(const char *said);
#define APP_DEMO_HELP "demonstration data; default: data/demo here, else " LF_SHARE "/demo"
/* Fills an empty database with the demonstration city. Does nothing when there is an account already. */
lf_rc app_demo_fill(struct lf_ctx *cx, const char *from_dir) LF_MUST_CHECK;
extern const struct lf_demo_login app_demo_logins[];
extern const int app_demo_login_count;
#endif
