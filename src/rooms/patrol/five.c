/* five.c - 五定 of one place on one day: area, duty, person, task, assessment. */
#include "rooms/patrol/parts.h"

#include "patrol_sql.h"
#include "rooms/grid/grid.h"

static bool put_person(void *user, const struct grid_person *p)
{
    struct lf_json *j = user;
    char day[32];
    lf_json_obj(j);
    lf_json_kint(j, "post_id", p->post.v);
    lf_json_ktext(j, "title", p->title);
    lf_json_kstr(j, "post_zh", grid_post_dict.item[p->kind].zh);
    lf_json_kstr(j, "post_en", grid_post_dict.item[p->kind].en);
    lf_json_ktext(j, "grid_code", p->place);
    lf_json_kint(j, "account_id", p->holder.v);
    lf_json_ktext(j, "name", p->name);
    lf_json_ktext(j, "phone", p->phone);
    lf_json_kstr(j, "from", p->from_day.v == LF_NULL32 ? NULL : lf_day_iso(day, p->from_day));
    lf_json_kstr(j, "to", p->to_day.v == LF_NULL32 ? NULL : lf_day_iso(day, p->to_day));
    lf_json_ktext(j, "task", p->task);
    lf_json_kbool(j, "away", p->away);
    lf_json_kint(j, "acting_id", lf_id_none(p->acting) ? LF_NULL64 : p->acting.v);
    lf_json_ktext(j, "acting_name", p->acting_name);
    lf_json_end_obj(j);
    return true;
}

static lf_rc put_tasks(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on)
{
    struct plans_of_chain_row r;
    struct lf_cur cur;
    lf_rc rc = plans_of_chain(cx, code, on, &cur);
    if (rc)
        return rc;
    lf_json_arr(j);
    while ((rc = plans_of_chain_next(&cur, &r)) == LF_ROW) {
        lf_json_obj(j);
        lf_json_kint(j, "id", r.id.v);
        lf_json_ktext(j, "title", r.title);
        lf_json_ktext(j, "grid_code", r.grid_code);
        lf_json_kint(j, "times", r.times);
        lf_json_kint(j, "every_days", r.every_days);
        lf_json_ktext(j, "checklist", r.checklist);
        lf_json_ktext(j, "basis", r.basis);
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    lf_json_end_arr(j);
    return rc < 0 ? rc : LF_OK;
}

struct who {
    lf_id id[40];
    int n;
};
static bool note_officer(void *user, const struct grid_person *p)
{
    struct who *w = user;
    if (p->kind == GRID_OFFICER && w->n < (int)LF_COUNT(w->id))
        w->id[w->n++] = p->holder;
    return true;
}

/* The figures of the month until that day, of the officers who answer for the place and lie in the caller's area. */
static lf_rc put_assessment(struct lf_ctx *cx, struct lf_json *j, lf_text code, lf_day on)
{
    struct figures *f;
    struct who w = { .n = 0 };
    size_t n;
    int year, month, day;
    lf_day today = lf_day_of(lf_now()), last = on.v < today.v ? on : today;
    lf_day_split(last, &year, &month, &day);
    lf_rc rc = grid_people(cx, code, on, note_officer, &w);
    if (!rc)
        rc = figures_read(cx, lf_day_ymd(year, month, 1), (lf_day){ last.v + 1 }, &f, &n);
    if (rc)
        return rc;
    lf_json_arr(j);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < w.n; k++)
            if (w.id[k].v == f[i].account.v) {
                lf_json_obj(j);
                figures_json(j, &f[i]);
                lf_json_end_obj(j);
                break;
            }
    lf_json_end_arr(j);
    return LF_OK;
}

lf_rc five_get(struct lf_ctx *cx, struct lf_call *c)
{
    lf_text code = lf_http_param(c->req, "code"), day = lf_http_param(c->req, "on");
    lf_day on = lf_day_of(lf_now());
    char b[32];
    if (day.n && !lf_day_parse(day, &on))
        return lf_fail(cx, LF_EINVAL, "on", "日期应如 2026-03-01 | a day is written like 2026-03-01");
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "on", lf_day_iso(b, on));
    lf_json_key(&c->j, "area");
    lf_rc rc = grid_place_json(cx, &c->j, code, on);
    lf_json_key(&c->j, "duty");
    if (!rc)
        rc = grid_duties_json(cx, &c->j, grid_level_of(code), on);
    lf_json_key(&c->j, "person");
    lf_json_arr(&c->j);
    if (!rc)
        rc = grid_people(cx, code, on, put_person, &c->j);
    lf_json_end_arr(&c->j);
    lf_json_key(&c->j, "task");
    if (!rc)
        rc = put_tasks(cx, &c->j, code, on);
    lf_json_key(&c->j, "assessment");
    if (!rc)
        rc = put_assessment(cx, &c->j, code, on);
    lf_json_end_obj(&c->j);
    return rc;
}
