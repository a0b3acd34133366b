/* records.c - the addresses that every record type has: /api/v1/{type}... (doc/api.md), and which of them a request means. */
#include "core/records.h"

#include "base/text.h"

static bool has_place(const struct lf_res *r) { return lf_res_field(r, LF_TEXT("lon")) || lf_res_flagged(r, LF_SHAPE); }
static bool has_steps(const struct lf_res *r) { return r->step != NULL; }
static bool takes_comments(const struct lf_res *r) { return !r->trail; }
static bool has_seal(const struct lf_res *r) { return lf_res_flagged(r, LF_MASKED) != NULL; }

/* A fixed name stands before a pattern that would take it; addresses of one path stand together. */
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
/* clang-format off */
const struct lf_record_address lf_record_addresses[] = {
    { "list", "GET", "", "read", 0, NULL, lf_record_list, "列表", "List", NULL, "list", 200, true },
    { "create", "POST", "", "create", LF_CAN_CREATE, NULL, lf_record_create, "新建", "Create", "", "", 201, false },
    { "csv", "GET", ".csv", "export", 0, NULL, lf_table_export, "导出 CSV", "All rows as CSV", NULL, "text/csv", 200, true },
    { "xlsx", "GET", ".xlsx", "export", 0, NULL, lf_table_export, "导出 Excel", "All rows as a sheet", NULL, XLSX, 200, true },
    { "geojson", "GET", ".geojson", "export", 0, has_place, lf_table_export, "导出 GeoJSON", "All rows as GeoJSON", NULL, "application/geo+json", 200, true },
    { "map", "GET", "/map", "read", 0, has_place, lf_record_map, "地图要素", "Features for the map", NULL, "application/geo+json", 200, true },
    { "options", "GET", "/options", "read", 0, NULL, lf_record_options, "供选择的记录", "Rows to choose from", NULL, "options", 200, false },
    { "template", "GET", "/template.xlsx", "import", LF_CAN_IMPORT, NULL, lf_table_template, "导入模板", "Empty sheet for import", NULL, XLSX, 200, false },
    { "import", "POST", "/import", "import", LF_CAN_IMPORT, NULL, lf_table_import, "导入", "Import", "application/octet-stream", "import_report", 200, false },
    { "get", "GET", "/:id", "read", 0, NULL, lf_record_get, "详情", "One record", NULL, "", 200, false },
    { "edit", "PATCH", "/:id", "edit", LF_CAN_EDIT, NULL, lf_record_edit, "直接修改", "Edit", "edit", "", 200, false },
    { "timeline", "GET", "/:id/timeline", "read", 0, NULL, lf_record_timeline, "时间线", "Time line", NULL, "timeline", 200, false },
    { "clock", "GET", "/:id/clock", "read", 0, has_steps, lf_record_clock, "时限计算", "How each minute was counted", NULL, "clock", 200, false },
    { "comment", "POST", "/:id/comments", "read", 0, takes_comments, lf_record_comment, "留言", "Comment", "comment", "empty", 201, false },
    { "reveal", "POST", "/:id/reveal", "reveal", 0, has_seal, lf_record_reveal, "查看密封信息", "Look at sealed data", "reason", "", 200, false },
    { "move", "POST", "/:id/:verb", NULL, 0, NULL, lf_record_move, "办理", "Move", "move", "", 200, false },
};
/* clang-format on */
const int lf_record_address_count = LF_COUNT(lf_record_addresses);

static const struct lf_verb *verb_of(const struct lf_res *r, lf_text name)
{
    for (int i = 0; i < r->nverb; i++)
        if (lf_text_is(name, r->verb[i].name))
            return &r->verb[i];
    return NULL;
}

/* Does the rest of the path, behind the type's name, fit? Fills *at. */
static bool fits(const struct lf_record_address *a, const struct lf_res *r, lf_text rest, struct lf_record_call *at)
{
    lf_text seg[4] = { 0 };
    if (!lf_path_match(a->path, rest, seg))
        return false;
    *at = (struct lf_record_call){ .verb = seg[1].p ? verb_of(r, seg[1]) : NULL };
    if (*a->path == '.')
        at->kind = lf_str(a->path + 1);
    return (!seg[0].p || lf_text_int(seg[0], &at->id.v)) && (!seg[1].p || at->verb);
}

bool lf_records_find(struct lf_ctx *cx, struct lf_call *c, lf_text path, struct lf_record_hit *hit)
{
    uint32_t n = 0;
    while (n < path.n && path.p[n] != '/' && path.p[n] != '.')
        n++;
    hit->r = lf_app_res(cx->app, (lf_text){ path.p, n });
    for (int i = 0; hit->r && i < lf_record_address_count; i++) {
        hit->a = &lf_record_addresses[i];
        if (!fits(hit->a, hit->r, (lf_text){ path.p + n, path.n - n }, &hit->at))
            continue;
        if (!strcmp(hit->a->method, c->req->method)) {
            c->allow = NULL;
            return true;
        }
        if ((hit->r->can & hit->a->can) == hit->a->can)
            lf_call_allow(cx, c, hit->a->method);
    }
    return false;
}

lf_rc lf_records_allowed(struct lf_ctx *cx, const struct lf_record_hit *hit)
{
    const struct lf_record_address *a = hit->a;
    const struct lf_res *r = hit->r;
    if ((r->can & a->can) != a->can)
        return lf_fail(cx, LF_EDENIED, NULL, "“%s”不能%s | %s: %s is not offered", r->zh, a->zh, r->en, a->en);
    return lf_allowed(cx, r->name, a->right ? a->right : hit->at.verb->right);
}
