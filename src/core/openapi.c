/* openapi.c - OpenAPI 3.1 made from the record tables and the rooms' routes, so that it cannot be out of date. */
#include "core/kernel.h"

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

static void schema_ref(struct lf_json *j, const char *name)
{
    char ref[128];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
    lf_json_key(j, "schema");
    lf_json_obj(j);
    lf_json_kstr(j, "$ref", ref);
    lf_json_end_obj(j);
}

static void content(struct lf_json *j, const char *type, const char *name)
{
    lf_json_key(j, "content");
    lf_json_obj(j);
    lf_json_key(j, type);
    lf_json_obj(j);
    if (name)
        schema_ref(j, name);
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

static void responses(struct lf_json *j, const char *ok, const char *name)
{
    lf_json_key(j, "responses");
    lf_json_obj(j);
    lf_json_key(j, ok);
    lf_json_obj(j);
    lf_json_kstr(j, "description", "OK");
    if (name)
        content(j, "application/json", name);
    lf_json_end_obj(j);
    lf_json_key(j, "default");
    lf_json_obj(j);
    lf_json_kstr(j, "description", "Problem (RFC 9457)");
    content(j, "application/problem+json", "problem");
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

/* Opens one operation; the caller adds parameters and body and closes it. */
static void operation(struct lf_json *j, const char *method, const char *id, const char *tag, const char *zh, const char *en,
                      const char *right)
{
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

static void list_parameters(struct lf_json *j, const struct lf_res *r)
{
    lf_json_key(j, "parameters");
    lf_json_arr(j);
    param(j, "q", "query", false, "string", "free text");
    param(j, "sort", "query", false, "string", "a field that filters; - before it for descending");
    param(j, "limit", "query", false, "integer", "1 to 200");
    param(j, "after", "query", false, "string", "cursor from next");
    for (int i = 2; i < r->nfield; i++) {
        const struct lf_field *f = &r->field[i];
        if (!(f->flags & (LF_FILTER | LF_SCOPED)))
            continue;
        param(j, f->name, "query", false, "string", f->flags & LF_SCOPED ? "everything below this code" : "any of, separated by commas");
    }
    lf_json_end_arr(j);
}

static void id_parameter(struct lf_json *j)
{
    lf_json_key(j, "parameters");
    lf_json_arr(j);
    param(j, "id", "path", true, "integer", NULL);
    lf_json_end_arr(j);
}

static void body(struct lf_json *j, const char *name)
{
    lf_json_key(j, "requestBody");
    lf_json_obj(j);
    lf_json_kbool(j, "required", true);
    content(j, "application/json", name);
    lf_json_end_obj(j);
}

static void record_paths(struct lf_json *j, const struct lf_res *r)
{
    char path[160], id[160], right[160];
    snprintf(path, sizeof path, "/api/v1/%s", r->name);
    lf_json_key(j, path);
    lf_json_obj(j);
    snprintf(id, sizeof id, "%s_list", r->name);
    snprintf(right, sizeof right, "%s.read", r->name);
    operation(j, "get", id, r->name, r->zh, r->en, right);
    list_parameters(j, r);
    responses(j, "200", NULL);
    lf_json_end_obj(j);
    if (r->can & LF_CAN_CREATE) {
        snprintf(id, sizeof id, "%s_create", r->name);
        snprintf(right, sizeof right, "%s.create", r->name);
        operation(j, "post", id, r->name, "新建", "Create", right);
        body(j, r->name);
        responses(j, "201", r->name);
        lf_json_end_obj(j);
    }
    lf_json_end_obj(j);
    snprintf(path, sizeof path, "/api/v1/%s/{id}", r->name);
    lf_json_key(j, path);
    lf_json_obj(j);
    snprintf(id, sizeof id, "%s_get", r->name);
    snprintf(right, sizeof right, "%s.read", r->name);
    operation(j, "get", id, r->name, "详情", "One record", right);
    id_parameter(j);
    responses(j, "200", r->name);
    lf_json_end_obj(j);
    if (r->can & LF_CAN_EDIT) {
        snprintf(id, sizeof id, "%s_edit", r->name);
        snprintf(right, sizeof right, "%s.edit", r->name);
        operation(j, "patch", id, r->name, "修改", "Edit", right);
        id_parameter(j);
        body(j, r->name);
        responses(j, "200", r->name);
        lf_json_end_obj(j);
    }
    lf_json_end_obj(j);
    for (int i = 0; i < r->nverb; i++) {
        const struct lf_verb *v = &r->verb[i];
        snprintf(path, sizeof path, "/api/v1/%s/{id}/%s", r->name, v->name);
        snprintf(id, sizeof id, "%s_%s", r->name, v->name);
        snprintf(right, sizeof right, "%s.%s", r->name, v->right);
        lf_json_key(j, path);
        lf_json_obj(j);
        operation(j, "post", id, r->name, v->zh, v->en, right);
        id_parameter(j);
        body(j, "move");
        responses(j, "200", r->name);
        lf_json_end_obj(j);
        lf_json_end_obj(j);
    }
}

/* "/api/v1/grid/:code" -> "/api/v1/grid/{code}" */
static void braces(char *out, size_t cap, const char *path)
{
    size_t n = 0;
    bool in = false;
    for (const char *s = path; *s && n + 2 < cap; s++) {
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

static void route_path(struct lf_app *app, struct lf_json *j, const struct lf_room *room, const struct lf_route *r, int number)
{
    char path[200], id[200], method[8];
    braces(path, sizeof path, r->path);
    snprintf(id, sizeof id, "%s_route_%d", room->name, number);
    size_t i = 0;
    for (; r->method[i] && i < sizeof method - 1; i++)
        method[i] = (char)(r->method[i] + 32);
    method[i] = 0;
    lf_json_key(j, path);
    lf_json_obj(j);
    operation(j, method, id, room->name, r->zh, r->en, r->right);
    if (strchr(r->path, ':') || r->nparam) {
        lf_json_key(j, "parameters");
        lf_json_arr(j);
        for (const char *s = path; (s = strchr(s, '{')); s++) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(s + 1, "}"), s + 1);
            param(j, name, "path", true, "string", NULL);
        }
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
    responses(j, "200", NULL);
    lf_json_end_obj(j);
    lf_json_end_obj(j);
}

static void common_schemas(struct lf_json *j)
{
    static const char problem[] =
        "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":"
        "\"integer\"},"
        "\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"},\"field\":{\"type\":[\"string\",\"null\"]}}}";
    static const char move[] =
        "{\"type\":\"object\",\"required\":[\"version\"],\"properties\":{\"version\":{\"type\":\"integer\"},\"note\":{\"type\":\"string\"},"
        "\"files\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"hash\":{\"type\":\"string\"},\"name\":{\"type\":"
        "\"string\"}}}},\"fields\":{\"type\":\"object\"}}}";
    lf_json_key(j, "problem");
    lf_json_raw(j, lf_str(problem));
    lf_json_key(j, "move");
    lf_json_raw(j, lf_str(move));
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
    for (int i = 0; i < app->nroom; i++)
        for (int k = 0; k < app->room[i]->nroute; k++)
            route_path(app, &j, app->room[i], &app->room[i]->route[k], k);
    for (int i = 0; i < app->nres; i++)
        record_paths(&j, app->res[i]);
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
        schema(&j, app->res[i]);
    lf_json_end_obj(&j);
    lf_json_end_obj(&j);
    lf_json_end_obj(&j);
}
