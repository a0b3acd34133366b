/* schema_check.c - the record tables of the program against the tables of the database, asked at every start: a missing table or
 * column would else be found by the first user who opens the page. */
#include "core/kernel.h"

static const struct lf_db_column *column(const struct lf_db_column *c, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(c[i].name, name))
            return &c[i];
    return NULL;
}

static const char *check_table(struct lf_ctx *cx, const struct lf_res *r, const struct lf_db_column *c, int n)
{
    if (!n)
        return lf_printf(&cx->arena, "%s: a table that is not in the schema", r->name);
    for (int i = 0; i < r->nfield; i++) {
        const struct lf_db_column *found = column(c, n, r->field[i].name);
        if (!found)
            return lf_printf(&cx->arena, "%s.%s: a table column that is not in the schema", r->name, r->field[i].name);
        if (!lf_sql_column_fits(cx, found, r->field[i].type))
            return lf_printf(&cx->arena, "%s.%s: the column is %s, which does not fit the member", r->name, r->field[i].name, found->type);
    }
    for (int i = 0; i < n; i++)
        if (!lf_res_field(r, lf_str(c[i].name)))
            return lf_printf(&cx->arena, "%s.%s: a column that no member describes", r->name, c[i].name);
    return NULL;
}

lf_rc lf_schema_check(struct lf_ctx *cx)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    for (int i = 0; !rc && i < cx->app->nres; i++) {
        struct lf_db_column *c;
        int n;
        rc = lf_sql_columns_of(cx, cx->app->res[i]->name, &c, &n);
        const char *bad = rc ? NULL : check_table(cx, cx->app->res[i], c, n);
        if (bad)
            rc = lf_fail(cx, LF_EDB, NULL, "schema: %s\nHINT: run lanfan migrate; when a member was added, its migration is missing", bad);
    }
    return lf_tx_end(cx, rc);
}
