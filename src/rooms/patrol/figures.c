/* figures.c - 定考核: what officers did in a period, with the formula of every rate. A rate whose denominator is nought is none, never
 * 100 %; who had little to do is not ranked. "On time" counts what is overdue and still open, too. */
#include "rooms/patrol/parts.h"

#include "patrol_sql.h"

#include <math.h>
#include <stdlib.h>

enum { RANK_LEAST = 5 }; /* patrols planned and matters due, together: below, chance would decide */

static const char *const formulas[patrol_indicator_COUNT] = {
    [PATROL_BY_PLAN] = "有效巡查次数 ÷ 计划巡查次数，最多 100% | valid patrols / planned patrols, at most 100 %",
    [PATROL_ON_TIME] = "按期处置数 ÷（已处置数 + 逾期未处置数） | handled on time / (handled + overdue and open)",
    [PATROL_ONCE] = "核查通过数 ÷（核查通过数 + 返工数） | checks passed / (passed + sent back)",
};

struct post {
    lf_id account;
    lf_text code, name;
    lf_day from, to;
};
struct posts {
    struct post *of;
    size_t n, cap;
};

static int by_account(const void *a, const void *b)
{
    const struct figures *x = a, *y = b;
    return (x->account.v > y->account.v) - (x->account.v < y->account.v);
}

static struct figures *find(struct figures *f, size_t n, lf_id account)
{
    const struct figures key = { .account = account };
    return n ? bsearch(&key, f, n, sizeof *f, by_account) : NULL;
}

/* ---- patrols that were due ------------------------------------------------------------------------------------- */

static lf_rc read_posts(struct lf_ctx *cx, lf_day from, lf_day to, struct posts *l)
{
    struct officer_posts_row r;
    struct lf_cur cur;
    lf_rc rc = officer_posts(cx, from, to, &cur);
    if (rc)
        return rc;
    while ((rc = officer_posts_next(&cur, &r)) == LF_ROW) {
        l->of = lf_more(&cx->arena, l->of, l->n, &l->cap, sizeof *l->of);
        l->of[l->n++] =
            (struct post){ r.account_id, lf_text_copy(&cx->arena, r.grid_code), lf_text_copy(&cx->arena, r.name), r.from_day, r.to_day };
    }
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static bool holds(lf_text place, lf_text code) { return place.n <= code.n && memcmp(place.p, code.p, place.n) == 0; }

/* Days of [from, to) in which both the plan and the post are in force. */
static int64_t common_days(lf_day from, lf_day to, const struct plans_in_force_row *plan, const struct post *post)
{
    int32_t first = from.v, last = to.v - 1;
    if (plan->from_day.v > first)
        first = plan->from_day.v;
    if (post->from.v > first)
        first = post->from.v;
    if (plan->to_day.v != LF_NULL32 && plan->to_day.v < last)
        last = plan->to_day.v;
    if (post->to.v != LF_NULL32 && post->to.v < last)
        last = post->to.v;
    return last >= first ? last - first + 1 : 0;
}

/* A plan is the task of the officers nearest above its place. */
static void give_plan(const struct plans_in_force_row *plan, const struct posts *posts, lf_day from, lf_day to, struct figures *f, size_t n)
{
    uint32_t nearest = 0;
    for (size_t i = 0; i < posts->n; i++)
        if (holds(posts->of[i].code, plan->grid_code) && posts->of[i].code.n > nearest)
            nearest = posts->of[i].code.n;
    for (size_t i = 0; nearest && i < posts->n; i++) {
        if (posts->of[i].code.n != nearest || !holds(posts->of[i].code, plan->grid_code))
            continue;
        struct figures *who = find(f, n, posts->of[i].account);
        if (who)
            who->planned += common_days(from, to, plan, &posts->of[i]) * plan->times / plan->every_days;
    }
}

static lf_rc add_planned(struct lf_ctx *cx, const struct posts *posts, lf_day from, lf_day to, struct figures *f, size_t n)
{
    struct plans_in_force_row r;
    struct lf_cur cur;
    lf_rc rc = plans_in_force(cx, from, to, &cur);
    if (rc)
        return rc;
    while ((rc = plans_in_force_next(&cur, &r)) == LF_ROW)
        give_plan(&r, posts, from, to, f, n);
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

/* ---- what was done ---------------------------------------------------------------------------------------------- */

/* One query: each of its rows, `r`, belongs to the officer in `id`, whose figures are `who`. */
#define ADD(name, query, id, take) \
    static lf_rc name(struct lf_ctx *cx, lf_ms from, lf_ms to, struct figures *f, size_t n) \
    { \
        struct query##_row r; \
        struct lf_cur cur; \
        struct figures *who; \
        lf_rc rc = query(cx, from, to, &cur); \
        if (rc) \
            return rc; \
        while ((rc = query##_next(&cur, &r)) == LF_ROW) \
            if ((who = find(f, n, r.id))) \
                take; \
        lf_cur_close(&cur); \
        return rc < 0 ? rc : LF_OK; \
    }
ADD(add_patrols, patrols_done, officer_id, (who->done = r.done, who->valid = r.good))
ADD(add_matters, matters_held, holder_id,
    (who->handled = r.handled, who->on_time = r.in_time, who->late_open = r.late, who->returned = r.returned))
ADD(add_checks, matters_checked, officer_id, (who->passed = r.passed, who->failed = r.failed))

/* ---- rates and score ----------------------------------------------------------------------------------------------- */

struct scheme {
    double weight[patrol_indicator_COUNT], target[patrol_indicator_COUNT];
};

static lf_rc read_scheme(struct lf_ctx *cx, lf_day on, struct scheme *s)
{
    struct scheme_on_row r;
    struct lf_cur cur;
    unsigned k;
    *s = (struct scheme){ { 0 }, { 0 } };
    lf_rc rc = scheme_on(cx, on, &cur);
    if (rc)
        return rc;
    while ((rc = scheme_on_next(&cur, &r)) == LF_ROW)
        if (lf_dict_find(&patrol_indicator_dict, r.indicator, &k))
            s->weight[k] = r.weight, s->target[k] = r.target;
    lf_cur_close(&cur);
    return rc < 0 ? rc : LF_OK;
}

static double percent(int64_t part, int64_t whole) { return whole > 0 ? 100.0 * (double)part / (double)whole : NAN; }

static void sum_up(struct figures *f, const struct scheme *s)
{
    double sum = 0, weights = 0;
    f->rate[PATROL_BY_PLAN] = fmin(percent(f->valid, f->planned), 100); /* of NaN and 100: see the next line */
    if (!f->planned)
        f->rate[PATROL_BY_PLAN] = NAN;
    f->rate[PATROL_ON_TIME] = percent(f->on_time, f->handled + f->late_open);
    f->rate[PATROL_ONCE] = percent(f->passed, f->passed + f->failed);
    for (int k = 0; k < patrol_indicator_COUNT; k++)
        if (!isnan(f->rate[k]) && s->weight[k] > 0) {
            sum += s->weight[k] * fmin(f->rate[k] / s->target[k], 1) * 100;
            weights += s->weight[k];
        }
    f->score = weights > 0 ? sum / weights : NAN;
}

static size_t one_each(struct lf_ctx *cx, const struct posts *posts, struct figures **out)
{
    size_t n = 0;
    struct figures *f = lf_alloc(&cx->arena, (posts->n + 1) * sizeof *f);
    for (size_t i = 0; i < posts->n; i++) {
        size_t k = 0;
        while (k < n && f[k].account.v != posts->of[i].account.v)
            k++;
        if (k == n)
            f[n++] = (struct figures){ .account = posts->of[i].account, .name = posts->of[i].name, .grid_code = posts->of[i].code };
    }
    qsort(f, n, sizeof *f, by_account);
    *out = f;
    return n;
}

static int by_place(const void *a, const void *b)
{
    const struct figures *x = a, *y = b;
    uint32_t n = x->grid_code.n < y->grid_code.n ? x->grid_code.n : y->grid_code.n;
    int c = memcmp(x->grid_code.p, y->grid_code.p, n);
    return c                                  ? c
           : x->grid_code.n != y->grid_code.n ? (x->grid_code.n > y->grid_code.n) - (x->grid_code.n < y->grid_code.n)
                                              : by_account(a, b);
}

lf_rc figures_read(struct lf_ctx *cx, lf_day from, lf_day to, struct figures **out, size_t *n)
{
    struct posts posts = { .n = 0 };
    struct scheme s;
    lf_ms begin = lf_day_start(from), end = lf_day_start(to);
    lf_rc rc = read_posts(cx, from, to, &posts);
    *n = rc ? 0 : one_each(cx, &posts, out);
    if (!rc)
        rc = add_planned(cx, &posts, from, to, *out, *n);
    if (!rc)
        rc = add_patrols(cx, begin, end, *out, *n);
    if (!rc)
        rc = add_matters(cx, begin, end, *out, *n);
    if (!rc)
        rc = add_checks(cx, begin, end, *out, *n);
    if (!rc)
        rc = read_scheme(cx, (lf_day){ to.v - 1 }, &s);
    for (size_t i = 0; !rc && i < *n; i++)
        sum_up(&(*out)[i], &s);
    if (!rc && *n)
        qsort(*out, *n, sizeof **out, by_place);
    return rc;
}

/* ---- the address ---------------------------------------------------------------------------------------------------- */

void figures_json(struct lf_json *j, const struct figures *f)
{
    lf_json_kint(j, "account_id", f->account.v);
    lf_json_ktext(j, "name", f->name);
    lf_json_ktext(j, "grid_code", f->grid_code);
    lf_json_kint(j, "planned", f->planned);
    lf_json_kint(j, "patrols", f->done);
    lf_json_kint(j, "valid", f->valid);
    lf_json_kint(j, "handled", f->handled);
    lf_json_kint(j, "on_time", f->on_time);
    lf_json_kint(j, "overdue_open", f->late_open);
    lf_json_kint(j, "returned", f->returned);
    lf_json_kint(j, "passed", f->passed);
    lf_json_kint(j, "failed", f->failed);
    lf_json_key(j, "rate");
    lf_json_obj(j);
    for (unsigned k = 0; k < patrol_indicator_COUNT; k++)
        lf_json_kreal(j, patrol_indicator_dict.item[k].code, f->rate[k]);
    lf_json_end_obj(j);
    lf_json_kreal(j, "score", f->score);
}

static bool ranked(const struct figures *f) { return !isnan(f->score) && f->planned + f->handled + f->late_open >= RANK_LEAST; }

/* How many are better, plus one: who is equal shares a place. */
static int64_t rank_of(const struct figures *f, size_t n, size_t mine)
{
    int64_t better = 0;
    if (!ranked(&f[mine]))
        return LF_NULL64;
    for (size_t i = 0; i < n; i++)
        better += ranked(&f[i]) && f[i].score > f[mine].score;
    return better + 1;
}

static void put_formulas(struct lf_json *j)
{
    lf_json_key(j, "indicators");
    lf_json_arr(j);
    for (unsigned k = 0; k < patrol_indicator_COUNT; k++) {
        lf_json_obj(j);
        lf_json_kstr(j, "code", patrol_indicator_dict.item[k].code);
        lf_json_kstr(j, "zh", patrol_indicator_dict.item[k].zh);
        lf_json_kstr(j, "en", patrol_indicator_dict.item[k].en);
        lf_json_ktext(j, "formula_zh", lf_lang_pick(lf_str(formulas[k]), LF_ZH));
        lf_json_ktext(j, "formula_en", lf_lang_pick(lf_str(formulas[k]), LF_EN));
        lf_json_end_obj(j);
    }
    lf_json_end_arr(j);
}

static lf_rc read_period(struct lf_ctx *cx, struct lf_call *c, lf_day *from, lf_day *to)
{
    lf_text first = lf_http_param(c->req, "from"), last = lf_http_param(c->req, "to");
    lf_day today = lf_day_of(lf_now());
    int year, month, day;
    *to = today;
    if (last.n && !lf_day_parse(last, to))
        return lf_fail(cx, LF_EINVAL, "to", "日期应如 2026-03-01 | a day is written like 2026-03-01");
    if (to->v > today.v) /* what is to come is nobody's fault */
        *to = today;
    lf_day_split(*to, &year, &month, &day);
    *from = lf_day_ymd(year, month, 1);
    if (first.n && !lf_day_parse(first, from))
        return lf_fail(cx, LF_EINVAL, "from", "日期应如 2026-03-01 | a day is written like 2026-03-01");
    if (from->v > to->v || to->v - from->v > 3700)
        return lf_fail(cx, LF_EINVAL, "from", "期间应为一天至十年 | a period is a day to ten years");
    to->v++; /* half-open from here on */
    return LF_OK;
}

lf_rc figures_get(struct lf_ctx *cx, struct lf_call *c)
{
    struct figures *f;
    size_t n;
    lf_day from, to;
    char b[32];
    lf_rc rc = read_period(cx, c, &from, &to);
    if (!rc)
        rc = figures_read(cx, from, to, &f, &n);
    if (rc)
        return rc;
    lf_json_obj(&c->j);
    lf_json_kstr(&c->j, "from", lf_day_iso(b, from));
    lf_json_kstr(&c->j, "to", lf_day_iso(b, (lf_day){ to.v - 1 }));
    put_formulas(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (size_t i = 0; i < n; i++) {
        lf_json_obj(&c->j);
        figures_json(&c->j, &f[i]);
        lf_json_kint(&c->j, "rank", rank_of(f, n, i));
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}
