/* keep.c - what the dispatcher reads and writes. */
#include "rooms/command/parts.h"

#include "base/text.h"
#include "command_sql.h"

enum command_state talk_state(const struct talk *t)
{
    switch (t->d.state) {
    case HJ212_ASKED: return COMMAND_SENT;
    case HJ212_ACCEPTED: return t->d.packets ? COMMAND_RECEIVING : COMMAND_CONFIRMED;
    case HJ212_SUCCEEDED: return COMMAND_DONE;
    case HJ212_FAILED: return COMMAND_FAILED;
    case HJ212_SILENT: return COMMAND_SILENT;
    }
    return COMMAND_FAILED;
}

/* ---- the record ----------------------------------------------------------------------------------------------------- */

static const char *verb_to(enum command_state s)
{
    switch (s) {
    case COMMAND_SENT: return "send";
    case COMMAND_CONFIRMED: return "confirm";
    case COMMAND_RECEIVING: return "receive";
    case COMMAND_DONE: return "finish";
    case COMMAND_SILENT: return "give_up";
    default: return "fail";
    }
}

static const char *outcome_of(struct lf_arena *a, const struct talk *t)
{
    if (t->d.state == HJ212_SILENT && t->offline)
        return "有效期内站点未再连接，没有应答 | the station did not connect again before the command expired";
    if (t->d.state == HJ212_SILENT)
        return lf_printf(a, "发送 %d 次均无应答 | sent %d times without an answer", t->d.tries, t->d.tries);
    if (t->d.exe_rtn)
        return hj212_exe_rtn_text(t->d.exe_rtn);
    if (t->d.state == HJ212_SUCCEEDED)
        return hj212_exe_rtn_text(1);
    if (t->d.qn_rtn > 1)
        return hj212_qn_rtn_text(t->d.qn_rtn);
    return "设备接受后没有在规定时间内返回结果 | the device accepted it, but no result came in time";
}

struct keeping {
    const struct talk *t;
    const struct command *row;
    struct station_learned learned; /* secrets: taken before the move wipes them */
    bool learns;
};

/* What the station's record must say from now on. A new password is taken beside the old one from the moment it is sent, and replaces it
 * only when the device confirms; a device that stayed silent may have it or not, so both stay welcome, and the one that it uses counts. */
static void learn(struct keeping *k, const struct command *c)
{
    const struct talk *t = k->t;
    bool refused = t->d.qn_rtn > 1 || t->d.exe_rtn > 1;
    if (c->kind == COMMAND_1072 && t->d.state == HJ212_ASKED)
        k->learned.pw_next = c->new_pw;
    else if (c->kind == COMMAND_1072 && t->d.state == HJ212_SUCCEEDED)
        k->learned.pw = c->new_pw;
    else if (c->kind == COMMAND_1072 && t->d.state == HJ212_FAILED)
        k->learned.forget_next = refused;
    else if (c->kind == COMMAND_1014 && t->d.state == HJ212_SUCCEEDED)
        k->learned.sm4_key = c->new_key;
    else if (c->kind == COMMAND_1000 && t->d.state == HJ212_SUCCEEDED)
        k->learned.over_time = c->over_time, k->learned.re_count = c->re_count;
    k->learns = k->learned.pw.n || k->learned.pw_next.n || k->learned.sm4_key.n || k->learned.over_time || k->learned.forget_next;
}

static lf_rc follow(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    struct keeping *k = user;
    const struct talk *t = k->t;
    struct command *c = row;
    k->row = c;
    learn(k, c);
    c->qn = lf_str(t->d.qn);
    c->protocol = t->version;
    c->tries = t->d.tries;
    c->packets = t->d.packets;
    c->qn_rtn = t->d.qn_rtn ? t->d.qn_rtn : LF_NULL64;
    c->exe_rtn = t->d.exe_rtn ? t->d.exe_rtn : LF_NULL64;
    c->answer = t->answer[0] ? lf_str(t->answer) : (lf_text){ 0 };
    if (c->sent_at.ms == LF_NULL64)
        c->sent_at = lf_now();
    if (c->confirmed_at.ms == LF_NULL64 && t->d.qn_rtn == 1)
        c->confirmed_at = lf_now();
    if (t->d.state > HJ212_ACCEPTED)
        c->outcome = lf_str(outcome_of(&cx->arena, t));
    return LF_OK;
}

/* Who gave the command hears of a bad end. */
static lf_rc tell(struct lf_ctx *cx, const struct command *c)
{
    if (c->state != COMMAND_FAILED && c->state != COMMAND_SILENT && c->state != COMMAND_EXPIRED)
        return LF_OK;
    lf_text zh = lf_lang_pick(c->outcome, LF_ZH), en = lf_lang_pick(c->outcome, LF_EN);
    const char *text =
        lf_printf(&cx->arena, "%s：%s（%.*s） | %s: %s (%.*s)", lf_strn(&cx->arena, lf_row_title(&command_res, c, LF_ZH)),
                  command_state_dict.item[c->state].zh, (int)zh.n, zh.p, lf_strn(&cx->arena, lf_row_title(&command_res, c, LF_EN)),
                  command_state_dict.item[c->state].en, (int)en.n, en.p);
    return lf_notice(cx, c->created_by, &command_res, c->id, text);
}

/* ---- the packets ------------------------------------------------------------------------------------------------------ */

static lf_rc store_said(struct lf_ctx *cx, const struct talk *t)
{
    lf_rc rc = LF_OK;
    for (const struct said *s = t->first; !rc && s; s = s->next)
        rc = command_say(cx, t->id, s->at, s->outgoing, (lf_text){ s->raw, s->n }, NULL);
    return rc;
}

static void free_said(struct talk *t)
{
    for (struct said *s = t->first, *next; s; s = next) {
        next = s->next;
        lf_release(s);
    }
    t->first = NULL;
    t->last = &t->first;
    t->nsaid = 0;
}

/* ---- one write ------------------------------------------------------------------------------------------------------------ */

static lf_rc write_all(struct lf_ctx *cx, struct talk *t, struct lf_change *ch, struct lf_change *station)
{
    enum command_state now = talk_state(t);
    struct keeping k = { .t = t };
    lf_rc rc = store_said(cx, t);
    if (!rc && now == t->stored)
        return t->counted ? command_count(cx, t->id, t->d.tries, t->d.packets, NULL) : LF_OK;
    if (!rc)
        rc = lf_res_move(cx, &command_res, t->id, LF_NULL64, verb_to(now), follow, &k, ch);
    if (!rc)
        rc = tell(cx, ch->row);
    if (!rc && k.learns)
        rc = station_learn(cx, t->station, &k.learned, station);
    return rc;
}

static void after(struct lf_ctx *cx, const struct lf_change *ch)
{
    if (!ch->res || !ch->row)
        return;
    lf_publish_record(cx->app, ch);
    if (ch->res->committed)
        ch->res->committed(cx->app, ch);
}

lf_rc command_keep(struct lf_ctx *cx, struct talk *t)
{
    struct lf_change ch = { 0 }, station = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc || (rc = lf_tx_end(cx, write_all(cx, t, &ch, &station))))
        return rc;
    t->stored = talk_state(t);
    t->counted = false;
    free_said(t);
    after(cx, &station);
    after(cx, &ch);
    return LF_OK;
}

static lf_rc say_why(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row)
{
    ((struct command *)row)->outcome = lf_str(user);
    return LF_OK;
}

lf_rc command_end(struct lf_ctx *cx, lf_id id, const char *verb, const char *outcome)
{
    struct lf_change ch = { 0 };
    lf_rc rc = lf_tx_begin(cx, LF_TX_WRITE);
    if (rc)
        return rc;
    rc = lf_res_move(cx, &command_res, id, LF_NULL64, verb, say_why, (void *)(uintptr_t)outcome, &ch);
    if (!rc)
        rc = tell(cx, ch.row);
    if (!(rc = lf_tx_end(cx, rc)))
        after(cx, &ch);
    return rc;
}

lf_rc command_read(struct lf_ctx *cx, lf_id id, struct command *out, struct station_device *device, lf_text *st, int *version)
{
    lf_rc rc = lf_tx_begin(cx, LF_TX_READ);
    if (rc)
        return rc;
    rc = lf_res_get(cx, &command_res, id, out);
    if (!rc)
        rc = station_device_of(cx, out->station_id, device);
    if (!rc)
        rc = station_speaks(cx, out->station_id, device->kind, version, st);
    return lf_tx_end(cx, rc);
}

lf_rc command_settle_password(struct lf_ctx *cx, lf_id station, struct station_device *device)
{
    struct station_learned l = { .pw = device->pw_next };
    struct lf_change ch = { 0 };
    lf_text used;
    lf_rc rc = device->pw_next.n ? station_last_password(cx, station, &used) : LF_DONE;
    if (rc || !lf_text_eq(used, device->pw_next))
        return rc == LF_DONE ? LF_OK : rc;
    if ((rc = lf_tx_begin(cx, LF_TX_WRITE)) || (rc = lf_tx_end(cx, station_learn(cx, station, &l, &ch))))
        return rc;
    device->pw = device->pw_next;
    after(cx, &ch);
    return LF_OK;
}
