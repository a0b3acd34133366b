/* openapi.c - OpenAPI 3.1 made from the record tables and the rooms' routes, so that it cannot be out of date. */
#include "core/records.h"

#include <stdio.h>

static void codes_of(struct lf_json *j, const struct lf_dict *d)
{
    lf_json_key(j, "enum");
    lf_json_arr(j);
    for (unsigned i = 0; i < d->n; i++)
        lf_json_str(j, d->item[i].code);
    lf_json_end_arr(j);
}

static void schema_of(struct lf_json *j, const struct lf_field *f)
{
    bool set = lf_field_is_set(f);
    bool null = !(f->flags & LF_REQUIRED) && f->type != LF_T_BOOL && f->type != LF_T_ENUM;
    const char *type = set                                                                                         ? "array"
                       : f->type == LF_T_REAL                                                                      ? "number"
                       : f->type == LF_T_BOOL                                                                      ? "boolean"
                       : f->type == LF_T_TEXT || f->type == LF_T_ENUM || f->type == LF_T_DAY || f->type == LF_T_MS ? "string"
                                                                                                                   : "integer";
    lf_json_obj(j);
    lf_json_key(j, "type");
    if (null) {
        lf_json_arr(j);
        lf_json_str(j, type);
        lf_json_str(j, "null");
        lf_json_end_arr(j);
    } else {
        lf_json_str(j, type);
    }
    lf_json_kstr(j, "title", f->zh);
    lf_json_kstr(j, "description", f->en);
    if (f->type == LF_T_DAY)
        lf_json_kstr(j, "format", "date");
    if (f->type == LF_T_MS)
        lf_json_kstr(j, "format", "date-time");
    if (f->unit)
        lf_json_kstr(j, "x-unit", f->unit);
    if (f->flags & LF_READONLY)
        lf_json_kbool(j, "readOnly", true);
    if (f->flags & LF_MASKED)
        lf_json_kbool(j, "x-sealed", true);
    if (f->max > f->min && f->type != LF_T_TEXT && !set)
        lf_json_kreal(j, "minimum", f->min), lf_json_kreal(j, "maximum", f->max);
    if (set) {
        lf_json_key(j, "items");
        lf_json_obj(j);
        lf_json_kstr(j, "type", "string");
        codes_of(j, f->dict);
        lf_json_end_obj(j);
        lf_json_kbool(j, "uniqueItems", true);
    } else if (f->dict) {
        codes_of(j, f->dict);
    }
    lf_json_end_obj(j);
}

static void schema(struct lf_json *j, const struct lf_res *r)
{
    lf_json_key(j, r->name);
    lf_json_obj(j);
    lf_json_kstr(j, "type", "object");
    lf_json_kstr(j, "title", r->zh);
    lf_json_kstr(j, "description", r->en);
    lf_json_key(j, "required");
    lf_json_arr(j);
    for (int i = 2; i < r->nfield; i++)
        if ((r->field[i].flags & LF_REQUIRED) && !(r->field[i].flags & (LF_READONLY | LF_HIDDEN)))
            lf_json_str(j, r->field[i].name);
    lf_json_end_arr(j);
    lf_json_key(j, "properties");
    lf_json_obj(j);
    for (int i = 0; i < r->nfield; i++) {
        if (r->field[i].flags & LF_HIDDEN)
            continue;
        lf_json_key(j, r->field[i].name);
        schema_of(j, &r->field[i]);
    }
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

static void param(struct lf_json *j, const char *name, const char *in, bool required, const char *type, const char *text)
{
    lf_json_obj(j);
    lf_json_kstr(j, "name", name);
    lf_json_kstr(j, "in", in);
    if (required)
        lf_json_kbool(j, "required", true);
    if (text)
        lf_json_kstr(j, "description", text);
    lf_json_key(j, "schema");
    lf_json_obj(j);
    lf_json_kstr(j, "type", type);
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

/* What a body or an answer is: a media type, or the name of a schema in JSON. */
static void content(struct lf_json *j, const char *what)
{
    bool media = strchr(what, '/');
    lf_json_key(j, "content");
    lf_json_obj(j);
    lf_json_key(j, media ? what : !strcmp(what, "problem") ? "application/problem+json" : "application/json");
    lf_json_obj(j);
    if (!media) {
        char ref[128];
        snprintf(ref, sizeof ref, "#/components/schemas/%s", what);
        lf_json_key(j, "schema");
        lf_json_obj(j);
        lf_json_kstr(j, "$ref", ref);
        lf_json_end_obj(j);
    }
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

static void responses(struct lf_json *j, int status, const char *what)
{
    char ok[8];
    snprintf(ok, sizeof ok, "%d", status);
    lf_json_key(j, "responses");
    lf_json_obj(j);
    lf_json_key(j, ok);
    lf_json_obj(j);
    lf_json_kstr(j, "description", "OK");
    if (what)
        content(j, what);
    lf_json_end_obj(j);
    lf_json_key(j, "default");
    lf_json_obj(j);
    lf_json_kstr(j, "description", "Problem (RFC 9457)");
    content(j, "problem");
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

/* The operations of one path stand in one object: opens it, or goes on with the one that is open. */
struct paths {
    struct lf_json *j;
    char open[200];
};

static void path_begin(struct paths *p, const char *path)
{
    if (!strcmp(p->open, path))
        return;
    if (*p->open)
        lf_json_end_obj(p->j);
    snprintf(p->open, sizeof p->open, "%s", path);
    if (!*path)
        return;
    lf_json_key(p->j, path);
    lf_json_obj(p->j);
}

/* Opens one operation; the caller adds parameters and body and closes it. */
static void operation(struct lf_json *j, const char *upper, const char *id, const char *tag, const char *zh, const char *en,
                      const char *right)
{
    char method[8] = "";
    for (size_t i = 0; upper[i] && i < sizeof method - 1; i++)
        method[i] = (char)(upper[i] + 'a' - 'A');
    lf_json_key(j, method);
    lf_json_obj(j);
    lf_json_kstr(j, "operationId", id);
    lf_json_kstr(j, "summary", zh);
    lf_json_kstr(j, "description", en);
    lf_json_key(j, "tags");
    lf_json_arr(j);
    lf_json_str(j, tag);
    lf_json_end_arr(j);
    if (right && *right)
        lf_json_kstr(j, "x-right", right);
}

static void list_parameters(struct lf_json *j, const struct lf_res *r, bool paged)
{
    param(j, "q", "query", false, "string", "free text");
    param(j, "sort", "query", false, "string", "a field that filters; - before it for descending");
    if (paged) {
        param(j, "limit", "query", false, "integer", "1 to 200");
        param(j, "after", "query", false, "string", "cursor from next");
    }
    for (int i = 2; i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        if (!(f->flags & (LF_FILTER | LF_SCOPED)))
            continue;
        param(j, f->name, "query", false, "string", f->flags & LF_SCOPED ? "everything below this code" : "any of, separated by commas");
    }
}

/* Every "{name}" of the path. */
static void path_parameters(struct lf_json *j, const char *path, const char *type)
{
    for (const char *s = path; (s = strchr(s, '{')); s++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(s + 1, "}"), s + 1);
        param(j, name, "path", true, type, NULL);
    }
}

/* "/api/v1/grid/:code" -> "/api/v1/grid/{code}" */
static void braces(char *out, size_t cap, const char *raw)
{
    size_t n = 0;
    bool in = false;
    for (const char *s = raw; *s && n + 2 < cap; s++) {
        if (*s == ':')
            out[n++] = '{', in = true;
        else if (*s == '/' && in)
            out[n++] = '}', out[n++] = '/', in = false;
        else
            out[n++] = *s;
    }
    if (in)
        out[n++] = '}';
    out[n] = 0;
}

/* One address of a record type; v: the move, where the address is that of the moves. */
static void record_operation(struct paths *p, const struct lf_res *r, const struct lf_record_address *a, const struct lf_verb *v)
{
    char raw[160], path[200], id[160], right[160], list[80];
    const char *last = strrchr(a->path, '/');
    snprintf(list, sizeof list, "%s_list", r->name);
    snprintf(raw, sizeof raw, "/api/v1/%s%.*s%s", r->name, v ? (int)(last + 1 - a->path) : (int)strlen(a->path), a->path, v ? v->name : "");
    braces(path, sizeof path, raw);
    snprintf(id, sizeof id, "%s_%s", r->name, v ? v->name : a->name);
    snprintf(right, sizeof right, "%s.%s", r->name, v ? v->right : a->right);
    path_begin(p, path);
    operation(p->j, a->method, id, r->name, v ? v->zh : a->zh, v ? v->en : a->en, right);
    lf_json_key(p->j, "parameters");
    lf_json_arr(p->j);
    path_parameters(p->j, path, "integer");
    if (a->filters)
        list_parameters(p->j, r, !*a->path);
    lf_json_end_arr(p->j);
    if (a->takes) {
        lf_json_key(p->j, "requestBody");
        lf_json_obj(p->j);
        lf_json_kbool(p->j, "required", true);
        content(p->j, *a->takes ? a->takes : r->name);
        lf_json_end_obj(p->j);
    }
    responses(p->j, a->status, !strcmp(a->answers, "list") ? list : *a->answers ? a->answers : r->name);
    lf_json_end_obj(p->j);
}

static void record_paths(struct paths *p, const struct lf_res *r)
{
    for (int i = 0; i < lf_record_address_count; i++) {
        const struct lf_record_address *a = &lf_record_addresses[i];
        if ((r->can & a->can) != a->can || (a->useful && !a->useful(r)))
            continue;
        if (a->right)
            record_operation(p, r, a, NULL);
        for (int k = 0; !a->right && k < r->nverb; k++)
            record_operation(p, r, a, &r->verb[k]);
    }
}

static void route_operation(struct paths *p, const struct lf_room *room, const struct lf_route *r, int number)
{
    struct lf_json *j = p->j;
    char path[200], id[200];
    braces(path, sizeof path, r->path);
    snprintf(id, sizeof id, "%s_route_%d", room->name, number);
    path_begin(p, path);
    operation(j, r->method, id, room->name, r->zh, r->en, r->right);
    if (strchr(r->path, ':') || r->nparam) {
        lf_json_key(j, "parameters");
        lf_json_arr(j);
        path_parameters(j, path, "string");
        for (int k = 0; k < r->nparam; k++)
            param(j, r->param[k].name, "query", r->param[k].required, "string", r->param[k].about);
        lf_json_end_arr(j);
    }
    if (r->bearer) {
        lf_json_key(j, "security");
        lf_json_raw(j, LF_TEXT("[{\"bearer\":[]}]"));
    }
    if (r->request) {
        lf_json_key(j, "requestBody");
        lf_json_raw(j, lf_str(r->request));
    }
    responses(j, 200, NULL);
    lf_json_end_obj(j);
}

/* Routes of one path stand together in their room's table, or OpenAPI has the path twice: tests/openapi.mjs looks. */
static void all_paths(struct lf_app *app, struct lf_json *j)
{
    struct paths p = { .j = j };
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nroute; k++)
            route_operation(&p, app->room[i], &app->room[i]->route[k], k);
    for (int i = 0; i < app->nres; i++)
        record_paths(&p, app->res[i]);
    path_begin(&p, "");
}

/* Schemas that are the same for every type. */
static void common_schemas(struct lf_json *j)
{
#define FILES "\"files\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"hash\":" STRING ",\"name\":" STRING "}}}"
#define STRING "{\"type\":\"string\"}"
#define OBJECT(p) "{\"type\":\"object\",\"properties\":{" p "}}"
#define NEEDS(what, p) "{\"type\":\"object\",\"required\":[" what "],\"properties\":{" p "}}"
#define ITEMS(one) OBJECT("\"items\":{\"type\":\"array\",\"items\":" one "}")
#define INTEGER "{\"type\":\"integer\"}"
    static const struct {
        const char *name, *json;
    } common[] = {
        { "problem", OBJECT("\"type\":" STRING ",\"title\":" STRING ",\"status\":" INTEGER ",\"code\":" STRING ",\"detail\":" STRING
                            ",\"field\":{\"type\":[\"string\",\"null\"]}") },
        { "edit", NEEDS("\"version\"", "\"version\":" INTEGER) },
        { "move", NEEDS("\"version\"", "\"version\":" INTEGER ",\"note\":" STRING "," FILES ",\"fields\":{\"type\":\"object\"}") },
        { "comment", OBJECT("\"note\":" STRING "," FILES) },
        { "reason", NEEDS("\"note\"", "\"note\":" STRING) },
        { "empty", OBJECT("") },
        { "options", ITEMS(OBJECT("\"id\":" INTEGER ",\"label\":" STRING)) },
        { "timeline", ITEMS("{\"type\":\"object\"}") },
        { "clock", OBJECT("\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}") },
        { "import_report", OBJECT("\"rows\":" INTEGER ",\"accepted\":" INTEGER ",\"refused_count\":" INTEGER
                                  ",\"refused\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"dry\":{\"type\":\"boolean\"}") },
    };
    for (size_t i = 0; i < LF_COUNT(common); i++) {
        lf_json_key(j, common[i].name);
        lf_json_raw(j, lf_str(common[i].json));
    }
}

static void list_schema(struct lf_json *j, const struct lf_res *r)
{
    char name[80], json[400];
    snprintf(name, sizeof name, "%s_list", r->name);
    snprintf(json, sizeof json,
             NEEDS("\"items\"", "\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}},\"next\":{\"type\":"
                                "[\"string\",\"null\"]},\"total\":" INTEGER ",\"more\":{\"type\":\"boolean\"}"),
             r->name);
    lf_json_key(j, name);
    lf_json_raw(j, lf_str(json));
}

void lf_openapi_json(struct lf_app *app, struct lf_out *o)
{
    struct lf_json j = lf_json_to(o);
    lf_json_obj(&j);
    lf_json_kstr(&j, "openapi", "3.1.0");
    lf_json_key(&j, "info");
    lf_json_raw(&j, LF_TEXT("{\"title\":\"Lanfan 蓝繁\",\"version\":\"1\",\"description\":\"Made from the tables of the "
                            "rooms.\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}}"));
    lf_json_key(&j, "security");
    lf_json_raw(&j, LF_TEXT("[{\"cookie\":[]}]"));
    lf_json_key(&j, "paths");
    lf_json_obj(&j);
    all_paths(app, &j);
    lf_json_end_obj(&j);
    lf_json_key(&j, "components");
    lf_json_obj(&j);
    lf_json_key(&j, "securitySchemes");
    lf_json_raw(&j, LF_TEXT("{\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"lanfan\"},\"bearer\":{\"type\":\"http\","
                            "\"scheme\":\"bearer\"}}"));
    lf_json_key(&j, "schemas");
    lf_json_obj(&j);
    common_schemas(&j);
    for (int i = 0; i < app->nres; i++)
        schema(&j, app->res[i]), list_schema(&j, app->res[i]);
    lf_json_end_obj(&j);
    lf_json_end_obj(&j);
    lf_json_end_obj(&j);
}
