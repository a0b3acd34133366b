/* notice.c - messages to people inside the system. */
#include "core/app.h"
#include "core/account.h"

lf_rc lf_notice(struct lf_ctx *cx, lf_id account, const struct lf_res *r, lf_id row, const char *zh_en)
{
    if (lf_id_none(account))
        return LF_OK;
    const struct lf_val v[] = { lf_val_id(account), lf_val_ms(lf_now()), lf_val_str(zh_en), lf_val_str(r->name), lf_val_id(row) };
    return lf_sql_run(cx, "INSERT INTO notice (account_id, at, body, topic, row_id) VALUES ($1, $2, $3, $4, $5)", v, LF_COUNT(v), NULL);
}

/* The accounts of the places that hold grid_code, nearest first, that have the right. */
lf_rc lf_notice_right(struct lf_ctx *cx, const struct lf_res *r, const char *right, lf_text grid_code, lf_id row, int up, const char *zh_en)
{
    static const uint32_t lengths[] = { 2, 4, 6, 9, 12, 15 };
    struct lf_val arg[LF_COUNT(lengths) + 1];
    struct lf_out sql = lf_out_memory(0), in = lf_out_memory(0);
    int n = 0;
    for (size_t i = 0; i < LF_COUNT(lengths) && lengths[i] <= grid_code.n; i++) {
        arg[n++] = lf_val_text((lf_text){ grid_code.p, lengths[i] });
        lf_putf(&in, "%s$%d", n > 1 ? ", " : "", n);
    }
    const char *list = n ? lf_strn(&cx->arena, lf_out_text(&in)) : "NULL";
    lf_putf(&sql,
            "SELECT a.id, a.grid_code, r.rights FROM account a JOIN role r ON r.id = a.role_id WHERE a.disabled = FALSE AND (a.grid_code "
            "IN (%s) "
            "OR a.grid_code IN (SELECT code FROM scope_member WHERE member IN (%s))) ORDER BY length(a.grid_code) DESC, a.grid_code, a.id",
            list, list);
    const char *text = lf_strn(&cx->arena, lf_out_text(&sql));
    lf_out_close(&sql);
    lf_out_close(&in);
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx, text, arg, n, 0, &cur);
    if (rc)
        return rc;
    const char *want = lf_printf(&cx->arena, "%s.%s", r->name, right);
    lf_id who[64];
    int count = 0, level = -1;
    lf_text place = { 0 };
    while ((rc = lf_cur_next(&cur)) == LF_ROW && count < (int)LF_COUNT(who)) {
        struct lf_val id = { .t = LF_T_ID }, grid = { .t = LF_T_TEXT }, rights = { .t = LF_T_TEXT };
        lf_cur_get(&cur, 0, &id);
        lf_cur_get(&cur, 1, &grid);
        lf_cur_get(&cur, 2, &rights);
        if (!lf_rights_have(rights.s, want))
            continue;
        if (!lf_text_eq(place, grid.s))
            level++, place = grid.s;
        if (level == up)
            who[count++] = (lf_id){ id.i };
    }
    lf_cur_close(&cur);
    for (int i = 0; rc >= 0 && i < count; i++) {
        lf_rc one = lf_notice(cx, who[i], r, row, zh_en);
        if (one)
            return one;
    }
    return rc < 0 ? rc : LF_OK;
}
