#include "hj212/dialogue.h"

#include "base/clock.h"

lf_text hj212_reply_qn(const struct hj212_packet *p) { return p->qn.p ? p->qn : hj212_value(p->cp, "QN"); }

/* A return code; 0 when it is missing or no number, which no table allows. */
static int code_of(lf_text cp, const char *name)
{
    double v;
    return hj212_number(hj212_value(cp, name), &v) && v >= 1 && v <= 9999 ? (int)v : 0;
}

static void wait_from(struct hj212_dialogue *d, lf_ms now)
{
    int64_t work = d->state == HJ212_ACCEPTED ? (int64_t)d->command->work_s * 1000 : 0;
    d->due = (lf_ms){ now.ms + (work > d->wait_ms ? work : d->wait_ms) };
}

static enum hj212_todo over(struct hj212_dialogue *d, enum hj212_talk how)
{
    d->state = how;
    return HJ212_OVER;
}

enum hj212_todo hj212_dialogue_begin(struct hj212_dialogue *d, lf_ms now)
{
    d->state = HJ212_ASKED;
    d->tries++;
    wait_from(d, now);
    return HJ212_SEND;
}

enum hj212_todo hj212_dialogue_tick(struct hj212_dialogue *d, lf_ms now)
{
    if (d->state > HJ212_ACCEPTED)
        return HJ212_OVER;
    if (now.ms < d->due.ms)
        return HJ212_WAIT;
    if (d->state == HJ212_ACCEPTED) /* §6.5: no data and no 9012 in time: failed. Not sent again: it may be at work */
        return over(d, HJ212_FAILED);
    return d->tries > d->resends ? over(d, HJ212_SILENT) : hj212_dialogue_begin(d, now);
}

static enum hj212_todo on_result(struct hj212_dialogue *d, const struct hj212_packet *p, lf_ms now)
{
    if (d->command->reply == HJ212_REPLY_NOTICE && lf_text_is(p->cn, "9013"))
        return over(d, HJ212_SUCCEEDED);
    if (lf_text_is(p->cn, "9012")) {
        d->exe_rtn = code_of(p->cp, "ExeRtn");
        return over(d, d->exe_rtn == 1 ? HJ212_SUCCEEDED : HJ212_FAILED);
    }
    if (!lf_text_is(p->cn, "9011") || d->state != HJ212_ASKED)
        return HJ212_WAIT;
    d->qn_rtn = code_of(p->cp, "QnRtn");
    if (d->qn_rtn != 1)
        return over(d, HJ212_FAILED);
    d->state = HJ212_ACCEPTED;
    wait_from(d, now);
    return HJ212_CHANGED;
}

/* Does a packet with data answer this command? History counts when its DataTime is within what was asked for, whatever its QN;
 * an answer must carry the QN, or none. */
static bool is_answer(const struct hj212_dialogue *d, const struct hj212_packet *p, bool same_qn)
{
    lf_ms at;
    if (!lf_text_is(p->cn, d->command->cn) && !(d->command->cn2005 && lf_text_is(p->cn, d->command->cn2005)))
        return false;
    switch (d->command->reply) {
    case HJ212_REPLY_ANSWER: return same_qn || !hj212_reply_qn(p).p;
    case HJ212_REPLY_HISTORY:
        if (same_qn || d->begin.ms == LF_NULL64)
            return true;
        return lf_ms_parse_compact(hj212_value(p->cp, "DataTime"), &at) && at.ms >= d->begin.ms && at.ms <= d->end.ms;
    default: return false;
    }
}

enum hj212_todo hj212_dialogue_hear(struct hj212_dialogue *d, const struct hj212_packet *p, lf_ms now, bool *mine)
{
    bool same_qn = lf_text_is(hj212_reply_qn(p), d->qn);
    bool result = lf_text_is(p->cn, "9011") || lf_text_is(p->cn, "9012") || lf_text_is(p->cn, "9013");
    *mine = result ? same_qn : is_answer(d, p, same_qn);
    if (!*mine || d->state > HJ212_ACCEPTED)
        return HJ212_WAIT;
    if (result)
        return on_result(d, p, now);
    d->state = HJ212_ACCEPTED;
    d->packets++;
    wait_from(d, now);
    return HJ212_CHANGED;
}
