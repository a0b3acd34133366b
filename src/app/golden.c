/* golden.c - what the machine makes of the rooms' tables, as text that is checked in beside each room: fields, moves, addresses,
 * who may what, and the SQL. So a change of a table shows in the diff what it does.
 *
 * usage: golden SOURCE_DIR [--write]   compares src/rooms/NAME/NAME.golden (src/core/core.golden), or writes them anew */
#include "app/rooms.h"
#include "core/account.h"
#include "core/records.h"
#include "core/res_sql.h"
#include "db/testing.h"

#include <stdio.h>
#include <stdlib.h>

static void put_flags(struct lf_out *o, unsigned flags)
{
    static const char *const name[] = { "required", "readonly", "once",  "list",   "filter", "search", "scoped",
                                        "title",    "long",     "shape", "sealed", "hidden", "both" };
    for (size_t i = 0; i < LF_COUNT(name); i++)
        if (flags >> i & 1)
            lf_putf(o, " %s", name[i]);
}

static void put_field(struct lf_out *o, const struct lf_field *f)
{
    static const char *const type[] = {
        [LF_T_ID] = "id",     [LF_T_INT] = "int",     [LF_T_REAL] = "real", [LF_T_BOOL] = "bool", [LF_T_ENUM] = "enum",
        [LF_T_TEXT] = "text", [LF_T_MONEY] = "money", [LF_T_DAY] = "day",   [LF_T_MS] = "ms"
    };
    lf_putf(o, "  %-18s %s", f->name, lf_field_is_set(f) ? "set" : type[f->type]);
    if (f->ref)
        lf_putf(o, " of %s", f->ref);
    put_flags(o, f->flags);
    if (f->max > f->min)
        lf_putf(o, " %g..%g", f->min, f->max);
    if (f->unit)
        lf_putf(o, " in %s", f->unit);
    if (f->zero)
        lf_putf(o, " 0=(%s)", f->zero);
    lf_putf(o, "  %s | %s\n", f->zh, f->en);
    for (unsigned i = 0; f->dict && i < f->dict->n; i++)
        lf_putf(o, "%s%s", i ? " · " : "    ", f->dict->item[i].code);
    if (f->dict)
        lf_put_c(o, '\n');
}

/* Which of the roles of a new database have this right. */
static void put_roles(struct lf_out *o, const char *right)
{
    for (int i = 0; i < app_role_count; i++)
        if (lf_rights_have(lf_str(app_roles[i].rights), right))
            lf_putf(o, " %s", app_roles[i].code);
    lf_put_c(o, '\n');
}

static void put_verb(struct lf_out *o, const struct lf_res *r, const struct lf_verb *v)
{
    const struct lf_dict *states = lf_res_states(r);
    char right[128];
    snprintf(right, sizeof right, "%s.%s", r->name, v->right);
    lf_putf(o, "  %s:", v->name);
    for (unsigned i = 0; i < states->n; i++)
        if (v->from >> i & 1)
            lf_putf(o, " %s", states->item[i].code);
    lf_putf(o, " -> %s", v->to == LF_STAY ? "the same" : states->item[v->to].code);
    lf_putf(o, "%s%s%s%s", v->need & LF_NEED_NOTE ? ", note" : "", v->need & LF_NEED_PHOTO ? ", photo" : "",
            v->need & LF_DANGER ? ", asks again" : "", v->need & LF_ANYWHERE ? ", anywhere" : "");
    for (const char *const *s = v->sets; s && *s; s++)
        lf_putf(o, "%s%s", s == v->sets ? ", sets " : " ", *s);
    lf_putf(o, "  [%s]", right);
    put_roles(o, right);
}

/* The addresses without the moves, which have lines of their own. */
static void put_addresses(struct lf_out *o, const struct lf_res *r)
{
    for (int i = 0; i < lf_record_address_count; i++) {
        const struct lf_record_address *a = &lf_record_addresses[i];
        char right[128];
        if (!a->right || (r->can & a->can) != a->can || (a->useful && !a->useful(r)))
            continue;
        snprintf(right, sizeof right, "%s.%s", r->name, a->right);
        lf_putf(o, "  %s %s%s  [%s]", a->method, r->name, a->path, right);
        put_roles(o, right);
    }
}

/* ---- SQL: what the engine is really asked ------------------------------------------------------------------------ */

static void hear(void *user, const char *sql)
{
    struct lf_out *o = user;
    lf_put_str(o, "  ");
    for (int column = 0; *sql; sql++, column++) {
        if (*sql == ' ' && column > 150) {
            lf_put_str(o, "\n     ");
            column = 0;
        }
        lf_put_c(o, *sql);
    }
    lf_put_c(o, '\n');
}

static lf_rc no_row(void *user, struct lf_ctx *cx, const void *row, const lf_text *label) { return LF_OK; }

/* A value that the field's filter takes. */
static lf_text example(const struct lf_field *f)
{
    switch (f->type) {
    case LF_T_ENUM: return lf_str(f->dict->item[0].code);
    case LF_T_INT: return f->dict ? lf_str(f->dict->item[0].code) : LF_TEXT("1");
    case LF_T_DAY: return LF_TEXT("2026-01-01");
    case LF_T_MS: return LF_TEXT("2026-01-01T00:00:00+08:00");
    case LF_T_BOOL: return LF_TEXT("true");
    default: return LF_TEXT("1");
    }
}

static lf_rc ask_list(struct lf_ctx *cx, const struct lf_res *r)
{
    struct lf_filter filter[32];
    struct lf_query q = { .filter = filter, .limit = 50 };
    lf_text next;
    int64_t n;
    for (int i = 2; i < r->nfield && q.nfilter < 32; i++) {
        const struct lf_field *f = &r->field[i];
        if (f->flags & (LF_FILTER | LF_SCOPED))
            filter[q.nfilter++] = (struct lf_filter){ lf_str(f->name), example(f) };
    }
    if (lf_res_flagged(r, LF_SEARCH))
        q.q = LF_TEXT("x");
    lf_rc rc = lf_res_each(cx, r, &q, no_row, NULL, &next);
    return rc ? rc : lf_res_count(cx, r, &q, 10, &n);
}

static lf_rc ask_row(struct lf_ctx *cx, const struct lf_res *r)
{
    void *row = lf_alloc(&cx->arena, r->size);
    lf_text *label = lf_alloc(&cx->arena, sizeof *label * (size_t)r->nfield);
    lf_row_clear(r->field, r->nfield, row);
    lf_rc rc = lf_row_fetch(cx, r, (lf_id){ 1 }, true, row, label);
    if (rc == LF_ENOTFOUND)
        rc = lf_row_update(cx, r, row, 1);
    if (rc == LF_ECONFLICT)
        rc = lf_row_insert(cx, r, row); /* an empty row: the engine refuses it, when any member must be there */
    return rc == LF_EDB || rc == LF_ECONFLICT ? LF_OK : rc;
}

static lf_rc put_sql(struct lf_ctx *cx, struct lf_out *o, const struct lf_res *r)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    cx->scope = (struct lf_scope){ .n = 1, .range = { { LF_TEXT("370302"), LF_TEXT("370302~") } } };
    lf_db_watch(cx->db, hear, o);
    rc = ask_list(cx, r);
    if (!rc)
        rc = ask_row(cx, r);
    lf_db_watch(cx->db, NULL, NULL);
    lf_rc end = lf_tx_end(cx, LF_ECONFLICT); /* nothing stays */
    return rc ? rc : end == LF_ECONFLICT ? LF_OK : end;
}

/* ---- a room --------------------------------------------------------------------------------------------------------- */

static lf_rc put_record(struct lf_ctx *cx, struct lf_out *o, const struct lf_res *r)
{
    lf_putf(o, "\nrecord %s  %s | %s\n", r->name, r->zh, r->en);
    if (r->unscoped)
        lf_putf(o, "  seen everywhere: %s\n", r->unscoped);
    for (int i = 0; i < r->nfield; i++)
        put_field(o, &r->field[i]);
    lf_putf(o, "\nmoves of %s\n", r->name);
    for (int i = 0; i < r->nverb; i++)
        put_verb(o, r, &r->verb[i]);
    lf_putf(o, "\naddresses of %s\n", r->name);
    put_addresses(o, r);
    lf_putf(o, "\nSQL of %s\n", r->name);
    return put_sql(cx, o, r);
}

static lf_rc put_room(struct lf_ctx *cx, struct lf_out *o, const struct lf_room *room)
{
    lf_putf(o, "room %s, made by `make golden`\n", room->name);
    for (int i = 0; i < room->nroute; i++) {
        const struct lf_route *r = &room->route[i];
        lf_putf(o, "  %s %s  [%s]", r->method, r->path, *r->right ? r->right : "logged in");
        if (*r->right && strcmp(r->right, "public"))
            put_roles(o, r->right);
        else
            lf_put_c(o, '\n');
    }
    for (int i = 0; i < room->njob; i++)
        lf_putf(o, "  job %s every %d s\n", room->job[i].name, room->job[i].every_s);
    lf_rc rc = LF_OK;
    for (int i = 0; !rc && i < room->nres; i++)
        rc = put_record(cx, o, room->res[i]);
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

static void golden_path(char path[512], const char *root, const char *room)
{
    if (!strcmp(room, "core"))
        snprintf(path, 512, "%s/src/core/core.golden", root);
    else
        snprintf(path, 512, "%s/src/rooms/%s/%s.golden", root, room, room);
}

static const char *read_text(struct lf_arena *a, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return "";
    enum { MOST = 1 << 20 };
    char *s = lf_alloc(a, MOST + 1);
    s[fread(s, 1, MOST, f)] = 0;
    fclose(f);
    return s;
}

static bool write_text(const char *path, const char *s)
{
    FILE *f = fopen(path, "we");
    bool good = f && fputs(s, f) >= 0;
    return f && fclose(f) == 0 && good;
}

/* The first line in which they differ. */
static void tell_difference(const char *path, const char *was, const char *now)
{
    int line = 1;
    for (; *was && *was == *now; was++, now++)
        line += *was == '\n';
    printf("not ok %s:%d has changed: look at what `make golden` makes of it, and check it in\n", path, line);
}

static bool one_room(struct lf_ctx *cx, const struct lf_room *room, const char *root, bool write)
{
    char path[512];
    struct lf_out o = lf_out_memory(0);
    golden_path(path, root, room->name);
    lf_rc rc = put_room(cx, &o, room);
    const char *now = lf_strn(&cx->arena, lf_out_text(&o)), *was = read_text(&cx->arena, path);
    lf_out_close(&o);
    bool good = !rc && (write ? write_text(path, now) : !strcmp(was, now));
    if (rc)
        printf("not ok %s: %s\n", room->name, cx->err.msg);
    else if (!good)
        tell_difference(path, was, now);
    else
        printf("ok %s\n", room->name);
    return good;
}

int main(int argc, char **argv)
{
    struct lf_test_db db;
    struct lf_app *app;
    struct lf_err err = { 0 };
    struct lf_ctx cx;
    if (argc < 2)
        return fprintf(stderr, "usage: golden SOURCE_DIR [--write]\n"), 2;
    lf_test_db_new(&db, false);
    if (lf_app_start(&app,
                     &(struct lf_app_config){ .db_url = db.url,
                                              .data_dir = db.dir,
                                              .room = app_rooms,
                                              .nroom = app_room_count,
                                              .role = app_roles,
                                              .nrole = app_role_count },
                     &err))
        return fprintf(stderr, "golden: %s\n", err.msg), 1;
    lf_ctx_system(&cx, app);
    int bad = 0;
    for (int i = 0; i < app->nroom; i++)
        bad += !one_room(&cx, app->room[i], argv[1], argc > 2 && !strcmp(argv[2], "--write"));
    lf_ctx_free(&cx);
    lf_app_stop(app);
    lf_test_db_drop(&db);
    return bad > 0;
}
