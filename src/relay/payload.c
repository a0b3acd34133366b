/* payload.c - what both forms share: one row of texts and numbers becomes a reading, or a reason. */
#include "relay/payload_int.h"

bool lf_payload_is(lf_text cn) { return lf_text_is(cn, "http") || lf_text_is(cn, "mqtt"); }

void payload_refuse(struct payload_reader *p, int row, const char *field, const char *message)
{
    if (p->nbad < LF_PAYLOAD_ROWS)
        p->bad[p->nbad++] = (struct lf_payload_bad){ row, field, message };
}

/* Milliseconds since 1970. A number of seconds would lie in January 1970, and is refused rather than guessed at. */
static bool believable(const struct payload_reader *p, lf_ms at)
{
    return at.ms <= p->rules->now.ms + p->rules->ahead_ms && at.ms >= p->rules->now.ms - p->rules->age_ms;
}

/* Both flags of HJ 212-2017 table 8 and the quality numbers of OPC and Sparkplug: 192 (0xC0) and above is good. */
static const char *flag_of(lf_text quality, lf_text *flag)
{
    char *end, text[16];
    *flag = quality.n ? quality : LF_TEXT("N");
    if (!quality.n || hj212_flag_name(quality))
        return NULL;
    if (quality.n < sizeof text && quality.p[0] >= '0' && quality.p[0] <= '9') {
        memcpy(text, quality.p, quality.n);
        text[quality.n] = 0;
        long n = strtol(text, &end, 10);
        *flag = n >= 192 ? LF_TEXT("N") : LF_TEXT("D");
        if (!*end && n <= 255)
            return NULL;
    }
    return "质量标记不认识：用 N F M S D C T B 或 0 至 255 | unknown quality: use N F M S D C T B, or 0 to 255";
}

static bool said_before(const struct payload_reader *p, const struct lf_payload_row *r)
{
    for (size_t i = p->nrow; i-- > 0;)
        if (p->row[i].at.ms == r->at.ms && p->row[i].kind == r->kind && lf_text_eq(p->row[i].factor, r->factor))
            return true;
    return false;
}

static bool sane(double v) { return isnan(v) || (v > -1e12 && v < 1e12); }

static const char *check_values(const struct payload_row *in, const struct lf_payload_row *r, const char **field)
{
    *field = "value";
    if (isnan(r->value) && (!in->quality.n || lf_text_is(r->flag, "N")))
        return "没有数值：请填写数值，或用质量标记说明原因 | no value: give one, or say why by the quality";
    if (!sane(r->value) || !sane(r->vmin) || !sane(r->vmax))
        return "数值超出范围 | the value is out of range";
    *field = "min";
    if (r->vmin > r->vmax || r->value < r->vmin || r->value > r->vmax) /* false with NaN */
        return "最小值、均值、最大值次序不对 | minimum, value and maximum are not in order";
    return NULL;
}

/* Values in another unit of the same measure are converted; false when there is no way. */
static bool in_our_unit(const struct payload_reader *p, const struct payload_row *in, struct lf_payload_row *r,
                        const struct hj212_factor *f)
{
    double times;
    if (!hj212_unit_times(in->unit, p->rules->unit ? p->rules->unit(p->rules->user, r->factor) : lf_str(f->unit), &times))
        return false;
    r->value *= times, r->vmin *= times, r->vmax *= times;
    return true;
}

/* NULL when the row is good, else what is wrong with *field. */
static const char *judge(const struct payload_reader *p, const struct payload_row *in, struct lf_payload_row *r, const char **field)
{
    const struct hj212_factor *f = hj212_factor_find(in->name);
    const char *bad;
    *field = "name";
    if (!f)
        return "不认识的监测因子：用 HJ 212-2017 的代码 | unknown factor: use the codes of HJ 212-2017";
    r->factor = lf_str(f->code);
    *field = "unit";
    if (in->unit.n && !in_our_unit(p, in, r, f))
        return "单位与该因子的单位不同，也不能换算 | this is not the unit of the factor, nor one that can be converted";
    *field = "kind"; /* only what a device measures: computed means are made here, not taken in */
    if (in->kind.n && (!lf_tele_kind_parse(in->kind, &r->kind) || r->kind > LF_TELE_DAY))
        return "数据类别应为 rtd、min、hour 或 day | the kind must be rtd, min, hour or day";
    *field = "timestamp";
    if (!in->timed)
        return "时间缺失或格式不对 | the time is missing or cannot be read";
    if (!believable(p, r->at))
        return "时间在将来或过于久远 | the time lies in the future or too far back";
    *field = "quality";
    if ((bad = flag_of(in->quality, &r->flag)) || (bad = check_values(in, r, field)))
        return bad;
    *field = "timestamp";
    return said_before(p, r) ? "同一因子同一时间在本文件中重复 | the same factor and time occur twice in this document" : NULL;
}

void payload_take(struct payload_reader *p, const struct payload_row *in)
{
    struct lf_payload_row r = {
        .row = in->row, .kind = p->rules->kind, .at = in->at, .value = in->value, .vmin = in->vmin, .vmax = in->vmax
    };
    const char *field, *bad = judge(p, in, &r, &field);
    if (bad) {
        payload_refuse(p, in->row, field, bad);
        return;
    }
    r.flag = lf_text_copy(p->arena, r.flag);
    p->row[p->nrow++] = r;
}

bool payload_room(struct payload_reader *p, struct lf_err *err)
{
    if (p->nrow + p->nbad < LF_PAYLOAD_ROWS)
        return true;
    lf_err_set(err, LF_ETOOBIG, "metrics", "一次最多 %d 条数据 | at most %d readings at a time", LF_PAYLOAD_ROWS, LF_PAYLOAD_ROWS);
    return false;
}

lf_rc lf_payload_read(struct lf_arena *a, lf_text doc, const struct lf_payload_rules *rules, struct lf_payload *out, struct lf_err *err)
{
    struct payload_reader p = { .arena = a, .rules = rules };
    uint32_t at = 0;
    *out = (struct lf_payload){ 0 };
    if (doc.n > LF_PAYLOAD_MAX)
        return lf_err_set(err, LF_ETOOBIG, "body", "一次最多 %d KB | at most %d KB at a time", LF_PAYLOAD_MAX / 1024,
                          LF_PAYLOAD_MAX / 1024);
    while (at < doc.n && (doc.p[at] == ' ' || doc.p[at] == '\t' || doc.p[at] == '\r' || doc.p[at] == '\n'))
        at++;
    if (at == doc.n)
        return lf_err_set(err, LF_EINVAL, "body", "内容为空 | there is nothing in it");
    p.row = lf_alloc(a, LF_PAYLOAD_ROWS * sizeof *p.row);
    p.bad = lf_alloc(a, LF_PAYLOAD_ROWS * sizeof *p.bad);
    lf_rc rc = doc.p[at] == '{' ? payload_json(&p, doc, err) : payload_csv(&p, doc, err);
    if (!rc)
        *out = (struct lf_payload){ p.row, p.bad, p.nrow, p.nbad, p.id };
    return rc;
}

void lf_payload_batch(const struct lf_payload *p, lf_text doc, const char *via, lf_id station, lf_text grid_code, lf_text peer, lf_ms now,
                      struct lf_tele_batch *b)
{
    struct lf_arena *a = &b->arena;
    struct lf_tele_packet *k = lf_tele_add_packet(b);
    lf_ms newest = p->row[0].at;
    grid_code = lf_text_copy(a, grid_code);
    *k = (struct lf_tele_packet){ .station = station,
                                  .grid_code = grid_code,
                                  .peer = lf_text_copy(a, peer),
                                  .raw = lf_text_copy(a, doc),
                                  .qn = LF_TEXT(""),
                                  .st = LF_TEXT(""),
                                  .cn = lf_str(via),
                                  .note = LF_TEXT(""),
                                  .received = now,
                                  .first = b->nreading,
                                  .n = p->nrow };
    for (size_t i = 0; i < p->nrow; i++) {
        const struct lf_payload_row *r = &p->row[i];
        struct lf_tele_reading *t = lf_tele_add_reading(b);
        *t = (struct lf_tele_reading){ .station = station,
                                       .grid_code = grid_code,
                                       .factor = lf_text_copy(a, r->factor),
                                       .kind = r->kind,
                                       .at = r->at,
                                       .value = r->value,
                                       .vmin = r->vmin,
                                       .vmax = r->vmax,
                                       .cou = NAN,
                                       .zs = NAN,
                                       .flag = lf_text_copy(a, r->flag) };
        newest = r->at.ms > newest.ms ? r->at : newest;
    }
    k->at = newest;
}
