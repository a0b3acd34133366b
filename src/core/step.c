/* step.c - who acts next on a record, until when, and what happens when nobody does.
 *
 * A step opens when a record enters a state and ends when it leaves it. A nested state (a delay was asked for, the matter is
 * suspended) covers the step below without ending it; a pausing one stops its clock, and the due time moves when it goes on. */
#include "core/step.h"

#include "base/log.h"
#include "base/workcal.h"

#include <inttypes.h>

struct open_step {
    lf_id id;
    lf_text state, pauses, right;
    lf_ms started, due, paused;
    struct lf_limit limit;
    bool covered;
    lf_id holder;
};

/* null when there is no limit */
static lf_ms limit_due(const struct lf_app *app, lf_ms start, struct lf_limit limit)
{
    switch (limit.unit) {
    case LF_MINUTES: return (lf_ms){ start.ms + (int64_t)limit.n * LF_MINUTE_MS };
    case LF_WORK_MINUTES: return lf_workcal_add_minutes(app->cal, start, limit.n);
    case LF_WORK_DAYS: return lf_workcal_due_days(app->cal, start, limit.n);
    case LF_NO_LIMIT: break;
    }
    return (lf_ms){ LF_NULL64 };
}

/* The open steps of a row, newest first: at most one covered below one that is not. */
static lf_rc open_steps(struct lf_ctx *cx, const struct lf_change *ch, struct open_step s[2], int *n)
{
    const struct lf_val arg[] = { lf_val_str(ch->res->name), lf_val_id(lf_row_id(ch->row)) };
    struct lf_cur cur;
    *n = 0;
    lf_rc rc = lf_sql_open(cx,
                           "SELECT id, state, started_at, due_at, paused_at, pauses, limit_n, limit_unit, covered, right_name, holder_id "
                           "FROM step WHERE topic = $1 AND row_id = $2 AND ended_at IS NULL ORDER BY id DESC LIMIT 2",
                           arg, 2, 0, &cur);
    if (rc)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v[] = { { .t = LF_T_ID },   { .t = LF_T_TEXT }, { .t = LF_T_MS },  { .t = LF_T_MS },
                              { .t = LF_T_MS },   { .t = LF_T_TEXT }, { .t = LF_T_INT }, { .t = LF_T_INT },
                              { .t = LF_T_BOOL }, { .t = LF_T_TEXT }, { .t = LF_T_ID } };
        for (int i = 0; i < (int)LF_COUNT(v); i++)
            lf_cur_get(&cur, i, &v[i]);
        s[(*n)++] = (struct open_step){ .id = { v[0].i },
                                        .state = v[1].s,
                                        .started = { v[2].i },
                                        .due = { v[3].null ? LF_NULL64 : v[3].i },
                                        .paused = { v[4].null ? LF_NULL64 : v[4].i },
                                        .pauses = v[5].s,
                                        .limit = { (int)v[6].i, (enum lf_unit)v[7].i },
                                        .covered = v[8].i,
                                        .right = v[9].s,
                                        .holder = { v[10].null ? 0 : v[10].i } };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static lf_rc end_step(struct lf_ctx *cx, const struct open_step *s, const struct lf_change *ch)
{
    const struct lf_val v[] = { lf_val_ms(lf_now()), lf_val_int(cx->actor.v), lf_val_str(ch->verb ? ch->verb->name : "edit"),
                                lf_val_id(s->id) };
    return lf_sql_run(cx, "UPDATE step SET ended_at = $1, ended_by = $2, ended_verb = $3, covered = FALSE WHERE id = $4", v, 4, NULL);
}

static lf_rc cover_step(struct lf_ctx *cx, const struct open_step *s, bool pause)
{
    const struct lf_val v[] = { pause ? lf_val_ms(lf_now()) : (struct lf_val){ .t = LF_T_MS, .null = true }, lf_val_id(s->id) };
    return lf_sql_run(cx, "UPDATE step SET covered = TRUE, paused_at = $1 WHERE id = $2", v, 2, NULL);
}

static lf_ms pushed(const struct lf_app *app, const struct open_step *s, lf_ms now)
{
    if (s->due.ms == LF_NULL64 || s->limit.unit == LF_NO_LIMIT || s->due.ms <= s->paused.ms)
        return s->due; /* what was late before the pause stays late */
    if (s->limit.unit == LF_MINUTES)
        return (lf_ms){ s->due.ms + (now.ms - s->paused.ms) };
    /* What was left when the clock stopped is left when it goes on. */
    return lf_workcal_add_minutes(app->cal, now, lf_workcal_minutes(app->cal, s->paused, s->due));
}

static lf_rc uncover_step(struct lf_ctx *cx, const struct open_step *s, const struct lf_step *want)
{
    lf_ms now = lf_now(), due = s->due;
    const char *pauses = lf_strn(&cx->arena, s->pauses);
    if (s->paused.ms != LF_NULL64) {
        due = pushed(cx->app, s, now);
        pauses = lf_printf(&cx->arena, "%s%" PRId64 "-%" PRId64 " ", pauses, s->paused.ms, now.ms);
    }
    const struct lf_val v[] = { lf_val_ms(due), lf_val_str(pauses), lf_val_id(want->holder), lf_val_id(s->id) };
    return lf_sql_run(cx, "UPDATE step SET covered = FALSE, paused_at = NULL, due_at = $1, pauses = $2, holder_id = $3 WHERE id = $4", v, 4,
                      NULL);
}

static lf_rc open_step(struct lf_ctx *cx, const struct lf_change *ch, const struct lf_step *st, const char *state)
{
    const struct lf_res *r = ch->res;
    lf_ms now = lf_now();
    lf_text title = lf_row_title_both(&cx->arena, r, ch->row);
    const struct lf_val v[] = { lf_val_str(r->name),
                                lf_val_id(lf_row_id(ch->row)),
                                lf_val_text(lf_row_grid(r, ch->row)),
                                lf_val_text(title),
                                lf_val_str(state),
                                lf_val_str(st->right),
                                lf_val_id(st->holder),
                                lf_val_ms(now),
                                lf_val_ms(limit_due(cx->app, now, st->limit)),
                                lf_val_int(st->limit.n),
                                lf_val_int(st->limit.unit) };
    lf_rc rc = lf_sql_run(cx,
                          "INSERT INTO step (topic, row_id, grid_code, title, state, right_name, holder_id, started_at, due_at, limit_n, "
                          "limit_unit, covered, pauses, escalated) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, FALSE, '', 0)",
                          v, LF_COUNT(v), NULL);
    if (rc || lf_id_none(st->holder) || st->holder.v == cx->actor.v)
        return rc;
    return lf_notice(cx, st->holder, r, lf_row_id(ch->row),
                     lf_printf(&cx->arena, "待办：%s | To do: %s", lf_strn(&cx->arena, lf_lang_pick(title, LF_ZH)),
                               lf_strn(&cx->arena, lf_lang_pick(title, LF_EN))));
}

static lf_rc refresh_step(struct lf_ctx *cx, const struct lf_change *ch, const struct open_step *s, const struct lf_step *st)
{
    const struct lf_val v[] = { lf_val_id(st->holder), lf_val_text(lf_row_grid(ch->res, ch->row)),
                                lf_val_text(lf_row_title_both(&cx->arena, ch->res, ch->row)), lf_val_id(s->id) };
    return lf_sql_run(cx, "UPDATE step SET holder_id = $1, grid_code = $2, title = $3 WHERE id = $4", v, LF_COUNT(v), NULL);
}

lf_rc lf_step_follow(struct lf_ctx *cx, struct lf_change *ch)
{
    const struct lf_res *r = ch->res;
    if (!r->step)
        return LF_OK;
    struct lf_step st = { 0 };
    struct open_step s[2];
    int n = 0;
    lf_rc rc = r->step(cx, ch->row, &st);
    if (rc || (rc = open_steps(cx, ch, s, &n)))
        return rc;
    const char *state = lf_res_states(r)->item[lf_row_state(r, ch->row)].code;
    bool stays = !ch->verb || ch->verb->to == LF_STAY;
    if (n && stays && lf_text_is(s[0].state, state))
        return st.final ? end_step(cx, &s[0], ch) : refresh_step(cx, ch, &s[0], &st);
    if (n == 1 && st.nested && !st.final) {
        if ((rc = cover_step(cx, &s[0], st.pause)))
            return rc;
        return open_step(cx, ch, &st, state);
    }
    if (n == 2 && s[1].covered && lf_text_is(s[1].state, state)) { /* back to the step below */
        rc = end_step(cx, &s[0], ch);
        return rc ? rc : uncover_step(cx, &s[1], &st);
    }
    for (int i = 0; i < n; i++)
        if ((rc = end_step(cx, &s[i], ch)))
            return rc;
    return st.final ? LF_OK : open_step(cx, ch, &st, state);
}

lf_rc lf_step_extend(struct lf_ctx *cx, const struct lf_res *r, lf_id row, const char *state, lf_ms due)
{
    const struct lf_val v[] = { lf_val_ms(due), lf_val_str(r->name), lf_val_id(row), lf_val_str(state) };
    return lf_sql_run(cx, "UPDATE step SET due_at = $1, escalated = 0 WHERE topic = $2 AND row_id = $3 AND state = $4 AND ended_at IS NULL",
                      v, 4, NULL);
}

/* ---- the clock of a record -------------------------------------------------------------------- */

static const char *unit_code(enum lf_unit u)
{
    return u == LF_MINUTES ? "minute" : u == LF_WORK_MINUTES ? "work_minute" : u == LF_WORK_DAYS ? "work_day" : "none";
}
static const char *unit_label(enum lf_unit u)
{
    return u == LF_MINUTES        ? "分钟（不分昼夜） | minutes round the clock"
           : u == LF_WORK_MINUTES ? "工作分钟 | working minutes"
           : u == LF_WORK_DAYS    ? "工作日 | working days"
                                  : "不限时 | no limit";
}

struct sheet {
    struct lf_json *j;
};

static void sheet_line(void *user, const struct lf_workcal_stretch *s)
{
    struct lf_json *j = ((struct sheet *)user)->j;
    char b[32];
    lf_text why = lf_str(s->why), zh = lf_lang_pick(why, LF_ZH), en = lf_lang_pick(why, LF_EN);
    lf_json_obj(j);
    lf_json_kstr(j, "from", lf_ms_iso(b, s->from));
    lf_json_kstr(j, "to", lf_ms_iso(b, s->to));
    lf_json_kint(j, "minutes", s->minutes);
    lf_json_kbool(j, "counted", s->counted);
    lf_json_ktext(j, "why_zh", zh);
    lf_json_ktext(j, "why_en", en);
    lf_json_end_obj(j);
}

/* "from-to from-to " in ms, plus the pause that is going on. */
static int read_pauses(struct lf_ctx *cx, lf_text text, lf_ms paused, lf_ms until, struct lf_workcal_pause *p, int max)
{
    int n = 0, used = 0;
    long long a, b;
    const char *s = lf_strn(&cx->arena, text);
    while (n < max && sscanf(s, "%lld-%lld%n", &a, &b, &used) == 2) {
        p[n++] = (struct lf_workcal_pause){ { a }, { b } };
        s += used;
        while (*s == ' ')
            s++;
    }
    if (n < max && paused.ms != LF_NULL64)
        p[n++] = (struct lf_workcal_pause){ paused, until };
    return n;
}

enum { PAUSES_MAX = 32 };

const char *lf_light(struct lf_ctx *cx, const struct lf_clock *c)
{
    struct lf_workcal_pause p[PAUSES_MAX];
    if (c->due.ms == LF_NULL64 || c->unit == LF_NO_LIMIT)
        return "none";
    lf_ms now = c->ended.ms != LF_NULL64 ? c->ended : c->paused.ms != LF_NULL64 ? c->paused : lf_now();
    if (now.ms > c->due.ms)
        return "red";
    int np = read_pauses(cx, c->pauses, (lf_ms){ LF_NULL64 }, now, p, PAUSES_MAX);
    bool round_the_clock = c->unit == LF_MINUTES;
    int64_t all = lf_workcal_sheet(cx->app->cal, round_the_clock, c->started, c->due, p, np, NULL, NULL),
            used = lf_workcal_sheet(cx->app->cal, round_the_clock, c->started, now, p, np, NULL, NULL);
    return used * 100 > all * 80 ? "yellow" : "green"; /* GB/T 30428 practice: green to 80 %, yellow to 100 % */
}

static void clock_step(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, struct lf_cur *cur)
{
    struct lf_val v[] = { { .t = LF_T_TEXT }, { .t = LF_T_MS },   { .t = LF_T_MS },  { .t = LF_T_MS },  { .t = LF_T_MS },
                          { .t = LF_T_TEXT }, { .t = LF_T_INT },  { .t = LF_T_INT }, { .t = LF_T_INT }, { .t = LF_T_ID },
                          { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT } };
    for (int i = 0; i < (int)LF_COUNT(v); i++)
        lf_cur_get(cur, i, &v[i]);
    enum lf_unit unit = (enum lf_unit)v[7].i;
    lf_ms started = { v[1].i }, due = { v[2].null ? LF_NULL64 : v[2].i }, end = v[3].null ? lf_now() : (lf_ms){ v[3].i };
    const struct lf_clock clock = { unit, started, due, { v[4].null ? LF_NULL64 : v[4].i }, { v[3].null ? LF_NULL64 : v[3].i }, v[5].s };
    struct lf_workcal_pause pause[PAUSES_MAX];
    int np = read_pauses(cx, v[5].s, clock.paused, end, pause, PAUSES_MAX);
    char b[32];
    unsigned st = 0;
    const struct lf_dict *d = lf_res_states(r);
    lf_dict_find(d, v[0].s, &st);
    lf_json_obj(j);
    lf_json_ktext(j, "state", v[0].s);
    lf_json_kstr(j, "state_zh", d->item[st].zh);
    lf_json_kstr(j, "state_en", d->item[st].en);
    lf_json_key(j, "holder_id");
    lf_json_int(j, v[9].null ? LF_NULL64 : v[9].i);
    lf_json_ktext(j, "holder_name", v[10].null ? (lf_text){ 0 } : v[10].s);
    lf_json_ktext(j, "holder_role_zh", v[11].null ? (lf_text){ 0 } : v[11].s);
    lf_json_ktext(j, "holder_role_en", v[12].null ? (lf_text){ 0 } : v[12].s);
    lf_json_kstr(j, "started_at", lf_ms_iso(b, started));
    lf_json_kstr(j, "due_at", due.ms == LF_NULL64 ? NULL : lf_ms_iso(b, due));
    lf_json_kstr(j, "ended_at", v[3].null ? NULL : lf_ms_iso(b, end));
    lf_json_kint(j, "limit", v[6].i);
    lf_json_kstr(j, "unit", unit_code(unit));
    lf_json_ktext(j, "unit_zh", lf_lang_pick(lf_str(unit_label(unit)), LF_ZH));
    lf_json_ktext(j, "unit_en", lf_lang_pick(lf_str(unit_label(unit)), LF_EN));
    lf_json_kstr(j, "light", lf_light(cx, &clock));
    lf_json_kint(j, "escalated", v[8].i);
    struct sheet sh = { j };
    lf_json_key(j, "sheet");
    lf_json_arr(j);
    int64_t used = lf_workcal_sheet(cx->app->cal, unit == LF_MINUTES || unit == LF_NO_LIMIT, started, end, pause, np, sheet_line, &sh);
    lf_json_end_arr(j);
    lf_json_kint(j, "used_minutes", used);
    lf_json_key(j, "limit_minutes");
    lf_json_int(j,
                due.ms == LF_NULL64 ? LF_NULL64 : lf_workcal_sheet(cx->app->cal, unit == LF_MINUTES, started, due, pause, np, NULL, NULL));
    lf_json_end_obj(j);
}

lf_rc lf_step_clock_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, lf_id row)
{
    const struct lf_val arg[] = { lf_val_str(r->name), lf_val_id(row) };
    struct lf_cur cur;
    lf_rc rc = lf_sql_open(cx,
                           "SELECT s.state, s.started_at, s.due_at, s.ended_at, s.paused_at, s.pauses, s.limit_n, s.limit_unit, "
                           "s.escalated, s.holder_id, a.name, ro.name, ro.name_en "
                           "FROM step s LEFT JOIN account a ON a.id = s.holder_id LEFT JOIN role ro ON ro.id = a.role_id "
                           "WHERE s.topic = $1 AND s.row_id = $2 ORDER BY s.id LIMIT 200",
                           arg, 2, 0, &cur);
    if (rc)
        return rc;
    lf_json_key(j, "steps");
    lf_json_arr(j);
    while ((rc = lf_cur_next(&cur)) == LF_ROW)
        clock_step(cx, j, r, &cur);
    lf_json_end_arr(j);
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* ---- escalation ---------------------------------------------------------------------------------- */

struct late {
    lf_id id, row, holder;
    lf_text topic, grid, title, state;
    int64_t level;
};

#define IS_LATE \
    "ended_at IS NULL AND covered = FALSE AND " \
    "((escalated = 0 AND due_at < $1) OR (escalated = 1 AND due_at + (due_at - started_at) < $1))"

static lf_rc tell_late(struct lf_ctx *cx, const struct lf_res *r, const struct late *l)
{
    const char *text =
        lf_printf(&cx->arena, "超期：%s（第 %d 级） | Overdue: %s (level %d)", lf_strn(&cx->arena, lf_lang_pick(l->title, LF_ZH)),
                  (int)l->level, lf_strn(&cx->arena, lf_lang_pick(l->title, LF_EN)), (int)l->level);
    const struct lf_audit a = {
        .topic = r->name, .row = l->row, .grid_code = l->grid, .verb = "escalate", .to = lf_strn(&cx->arena, l->state), .note = lf_str(text)
    };
    lf_rc rc = l->level == 1 ? lf_notice(cx, l->holder, r, l->row, text) : LF_OK;
    if (!rc)
        rc = lf_notice_right(cx, r, "supervise", l->grid, l->row, (int)l->level - 1, text);
    return rc ? rc : lf_audit_write(cx, &a);
}

/* Who acts on it meanwhile is first: then it is not late any more. */
static lf_rc escalate_one(struct lf_ctx *cx, const struct late *l)
{
    const struct lf_res *r = lf_app_res(cx->app, l->topic);
    const struct lf_val v[] = { lf_val_ms(lf_now()), lf_val_id(l->id), lf_val_int(l->level) };
    int64_t still = 0;
    lf_rc rc = lf_sql_run(cx, "UPDATE step SET escalated = $3 WHERE id = $2 AND escalated = $3 - 1 AND " IS_LATE, v, LF_COUNT(v), &still);
    if (rc || !still || !r) /* none: a room that this program does not have any more */
        return rc;
    return tell_late(cx, r, l);
}

static lf_rc find_late(struct lf_ctx *cx, struct late *late, int max, int *n)
{
    const struct lf_val arg[] = { lf_val_ms(lf_now()), lf_val_int(max) };
    struct lf_cur cur;
    *n = 0;
    lf_rc rc = lf_sql_open(
        cx, "SELECT id, row_id, holder_id, topic, grid_code, title, state, escalated FROM step WHERE " IS_LATE " ORDER BY due_at LIMIT $2",
        arg, 2, 0, &cur);
    if (rc)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v[] = { { .t = LF_T_ID },   { .t = LF_T_ID },   { .t = LF_T_ID },   { .t = LF_T_TEXT },
                              { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_TEXT }, { .t = LF_T_INT } };
        for (int i = 0; i < (int)LF_COUNT(v); i++)
            lf_cur_get(&cur, i, &v[i]);
        late[(*n)++] = (struct late){ { v[0].i }, { v[1].i }, { v[2].null ? 0 : v[2].i }, v[3].s, v[4].s, v[5].s, v[6].s, v[7].i + 1 };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* Each in a transaction of its own: whoever judges takes the same steps in another order. */
lf_rc lf_steps_escalate(struct lf_ctx *cx)
{
    struct late late[100];
    int n;
    do {
        lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
        if (rc || (rc = lf_tx_end(cx, find_late(cx, late, LF_COUNT(late), &n))))
            return rc;
        for (int i = 0; i < n; i++)
            if ((rc = lf_tx_begin(cx, LF_TX_WRITE)) || (rc = lf_tx_end(cx, escalate_one(cx, &late[i]))))
                return rc;
        lf_arena_reset(&cx->arena);
    } while (n == LF_COUNT(late));
    return LF_OK;
}

/* A limit of some weeks that begins now ends in a year whose holidays are there, or the operator is told. */
lf_rc lf_steps_calendar(struct lf_ctx *cx)
{
    lf_day ahead = { lf_day_of(lf_now()).v + 31 };
    if (!lf_workcal_known(ahead))
        lf_log(LF_WARN,
               "the holidays of %d are not known: Monday to Friday count as working days\nHINT: the State Council publishes them each "
               "November; install a version whose data/holidays.csv has them",
               lf_civil_of(lf_day_start(ahead)).year);
    return LF_OK;
}

/* ---- lights of many rows ------------------------------------------------------------------------------------------ */

enum { LIGHTS_FEW = 50, LIGHTS_MANY = 500 }; /* two sizes, so that there are two statements to prepare */

static lf_rc some_lights(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const lf_id *row, size_t n, size_t size)
{
    struct lf_val arg[LIGHTS_MANY + 1];
    struct lf_out o = lf_out_memory(0);
    struct lf_cur cur;
    int64_t last = 0;
    arg[0] = lf_val_str(r->name);
    lf_put_str(&o, "/* step.lights */ SELECT s.row_id, s.limit_unit, s.started_at, s.due_at, s.pauses FROM step s WHERE s.topic = $1 AND "
                   "s.ended_at IS NULL AND s.covered = FALSE AND s.row_id IN (");
    for (size_t i = 0; i < size; i++) { /* the last id fills up what is left */
        arg[i + 1] = lf_val_id(row[i < n ? i : n - 1]);
        lf_putf(&o, i ? ", $%zu" : "$%zu", i + 2);
    }
    lf_put_str(&o, ") ORDER BY s.row_id, s.due_at");
    const char *sql = lf_strn(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    lf_rc rc = lf_sql_open(cx, sql, arg, (int)size + 1, 0, &cur);
    if (rc)
        return rc;
    while ((rc = lf_cur_next(&cur)) == LF_ROW) {
        struct lf_val v[] = { { .t = LF_T_ID }, { .t = LF_T_INT }, { .t = LF_T_MS }, { .t = LF_T_MS }, { .t = LF_T_TEXT } };
        char b[32];
        for (int i = 0; i < (int)LF_COUNT(v); i++)
            lf_cur_get(&cur, i, &v[i]);
        if (v[0].i == last) /* two steps of one record: the one that is due first */
            continue;
        last = v[0].i;
        snprintf(b, sizeof b, "%" PRId64, last);
        lf_ms due = { v[3].null ? LF_NULL64 : v[3].i }, none = { LF_NULL64 };
        const struct lf_clock clock = { (enum lf_unit)v[1].i, { v[2].i }, due, none, none, v[4].s };
        lf_json_key(j, b);
        lf_json_obj(j);
        lf_json_kstr(j, "light", lf_light(cx, &clock));
        lf_json_kstr(j, "due_at", v[3].null ? NULL : lf_ms_iso(b, due));
        lf_json_end_obj(j);
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

lf_rc lf_step_lights_json(struct lf_ctx *cx, struct lf_json *j, const struct lf_res *r, const lf_id *row, size_t n)
{
    lf_rc rc = LF_OK;
    size_t size = n <= LIGHTS_FEW ? LIGHTS_FEW : LIGHTS_MANY;
    lf_json_key(j, "lights");
    lf_json_obj(j);
    for (size_t i = 0; !rc && i < n; i += size)
        rc = some_lights(cx, j, r, row + i, n - i < size ? n - i : size, size);
    lf_json_end_obj(j);
    return rc;
}
