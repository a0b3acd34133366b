/* take.c - one document of one station: read, judged row by row, stored. */
#include "rooms/intake/parts.h"

#include "rooms/station/station.h"

enum { AHEAD_MS = 600 * 1000 }; /* as for packets from sockets */
static const int64_t age_ms = (int64_t)366 * LF_DAY_MS;

static struct {
    lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err);
    void *user;
} road;

void intake_use(lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err), void *user)
{
    road.user = user;
    road.submit = submit;
}

bool intake_ready(void) { return road.submit != NULL; }

static lf_rc store(struct lf_ctx *cx, const struct intake_sender *from, lf_text doc, const char *via, struct intake_taken *t, lf_ms now)
{
    struct lf_tele_batch b = { .npacket = 0 };
    lf_payload_batch(&t->p, doc, via, from->station, from->grid_code, cx->peer, now, &b);
    lf_rc rc = road.submit(road.user, &b, &cx->err);
    t->repeated = !rc && b.packet[0].duplicate;
    lf_tele_batch_free(&b);
    if (!rc || rc == LF_EINVAL)
        return rc;
    return lf_fail(cx, LF_EDB, NULL, "数据暂时无法入库，请稍后重发 | readings cannot be stored now, send them again later");
}

static lf_text unit_of(const void *user, lf_text factor)
{
    return lf_str(station_unit(((const struct intake_sender *)user)->station, factor));
}

lf_rc intake_take(struct lf_ctx *cx, const struct intake_sender *from, lf_text doc, const char *via, struct intake_taken *t)
{
    const struct lf_payload_rules rules = { lf_now(), AHEAD_MS, age_ms, LF_TELE_RTD, unit_of, from };
    *t = (struct intake_taken){ .repeated = false };
    lf_rc rc = from->disabled ? lf_fail(cx, LF_EDENIED, NULL, "站点已停用 | the station is switched off")
                              : lf_payload_read(&cx->arena, doc, &rules, &t->p, &cx->err);
    if (!rc && t->p.nrow)
        rc = store(cx, from, doc, via, t, rules.now);
    if (rc)
        tally_add(from->feed, 0, 1, cx->err.msg);
    else
        tally_add(from->feed, (int64_t)t->p.nrow, (int64_t)t->p.nbad, t->p.nbad ? t->p.bad[0].message : NULL);
    return rc;
}
