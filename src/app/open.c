/* open.c - opening the kernel by the settings, for every command. */
#include "app/open.h"

#include "app/rooms.h"
#include "app/settings.h"

#include <stdio.h>

int app_fail(const struct lf_err *e, const char *what)
{
    fprintf(stderr, "lanfan %s: %s\n", what, e->msg);
    return APP_FAILED;
}

struct lf_app *app_open(struct lf_err *err)
{
    struct lf_app *app = NULL;
    struct lf_app_config c = { .db_url = app_db_url(),
                               .data_dir = app_set.data,
                               .room = app_rooms,
                               .nroom = app_room_count,
                               .role = app_roles,
                               .nrole = app_role_count,
                               .demo = app_set.demo };
    return lf_app_start(&app, &c, err) ? NULL : app;
}

int app_run(const char *what, lf_rc (*fn)(struct lf_ctx *cx, int argc, char **argv), int argc, char **argv)
{
    struct lf_err err = { 0 };
    struct lf_app *app = app_open(&err);
    if (!app)
        return app_fail(&err, what);
    struct lf_ctx cx;
    lf_ctx_system(&cx, app);
    lf_rc rc = fn(&cx, argc, argv);
    if (rc)
        app_fail(&cx.err, what);
    lf_ctx_free(&cx);
    lf_app_stop(app);
    return rc ? APP_FAILED : APP_OK;
}
