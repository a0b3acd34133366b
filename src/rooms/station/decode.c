/* decode.c - a raw packet field by field. */
#include "rooms/station/decode.h"
#include "rooms/station/station.h"

#include "base/text.h"
#include "fmt/fmt.h"
#include "hj212/command.h"
#include "hj212/explain.h"
#include "hj212/sm4.h"
#include "station_sql.h"
#include "tele/directory.h"
#include "tele/tele.h"

#include <stdio.h>

void decode_both(struct lf_json *j, const char *zh, const char *en, const char *text)
{
    lf_json_ktext(j, zh, text ? lf_lang_pick(lf_str(text), LF_ZH) : (lf_text){ 0 });
    lf_json_ktext(j, en, text ? lf_lang_pick(lf_str(text), LF_EN) : (lf_text){ 0 });
}

const char *decode_clause(lf_text reason)
{
    static const struct {
        enum lf_tele_why why;
        const char *clause;
    } ours[] = {
        { LF_TELE_PASSWORD, "HJ 212-2017 6.3.2 表 3 (PW)" },
        { LF_TELE_UNKNOWN_MN, "HJ 212-2017 6.3.2 表 3 (MN)" },
        { LF_TELE_TIME, "HJ 212-2017 表 4 (DataTime)" },
        { LF_TELE_COMMAND, "HJ 212-2017 表 9" },
        { LF_TELE_PLAIN, "HJ 212-2025 附录 A" },
    };
    for (int w = 0; w < HJ212_WHY_COUNT; w++)
        if (lf_text_is(reason, hj212_why_name((enum hj212_why)w)))
            return hj212_why_clause((enum hj212_why)w);
    for (size_t i = 0; i < LF_COUNT(ours); i++)
        if (lf_text_is(reason, lf_tele_why_name(ours[i].why)))
            return ours[i].clause;
    return NULL;
}

static bool is_secret(lf_text name) { return lf_text_is(name, "PW") || lf_text_is(name, "NewPW") || lf_text_is(name, "NewSK"); }

void station_put_raw(struct lf_ctx *cx, struct lf_json *j, lf_text raw)
{
    lf_text t = lf_text_copy(&cx->arena, raw);
    if (t.n)
        hj212_star_secrets((char *)(uintptr_t)t.p, t.n);
    lf_json_text(j, t);
}

/* ---- values ------------------------------------------------------------------------------------------------- */

/* Logs come in UTF-8 (2017), in the field often in GBK. What is neither keeps its bytes in `raw`. */
static lf_text readable(struct lf_ctx *cx, lf_text t)
{
    struct lf_out o = lf_out_memory(0);
    if (!lf_utf8_ok(t) && lf_text_from_gbk(t, &o))
        t = lf_text_copy(&cx->arena, lf_out_text(&o));
    lf_out_close(&o);
    return t;
}

static int code_of(lf_text value)
{
    double v;
    return hj212_number(value, &v) && v >= 0 && v <= 9999 ? (int)v : -1;
}

/* What the value says, where it is a code. */
static const char *meaning(struct lf_ctx *cx, lf_text name, lf_text stat, lf_text value)
{
    int n;
    if (stat.p)
        return lf_text_is(stat, "Flag") ? hj212_flag_name(value) : NULL;
    if (lf_text_is(name, "ST"))
        return hj212_st_name(value);
    if (lf_text_is(name, "CN"))
        return hj212_cn_name(value);
    if ((n = code_of(value)) < 0)
        return NULL;
    if (lf_text_is(name, "QnRtn"))
        return hj212_qn_rtn_text(n);
    if (lf_text_is(name, "ExeRtn"))
        return hj212_exe_rtn_text(n);
    if (!lf_text_is(name, "Flag") || n > 255)
        return NULL;
    const char *version = n >> 2 == 0 ? "2005" : n >> 2 == 1 ? "2017" : n >> 2 == 2 ? "2025" : "?";
    return lf_printf(&cx->arena, "版本 %s，%s，%s | version %s, %s, %s", version, n & 2 ? "有包号" : "未拆包",
                     n & 1 ? "要求应答" : "不要求应答", version, n & 2 ? "with packet numbers" : "not split",
                     n & 1 ? "asks for an answer" : "asks for no answer");
}

/* A note on an item: what keeps it from becoming a value. */
static const char *doubt(const struct hj212_item *it, const struct hj212_factor *f)
{
    double v;
    static const char *const numbers[] = { "Rtd", "Avg", "Min", "Max", "Cou", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "RT", "Data" };
    if (!it->stat.p)
        return NULL;
    if (!hj212_stat_name(it->stat))
        return "不认识的统计名，只存原文 | this statistic is not known; kept in the raw packet only";
    for (size_t i = 0; i < LF_COUNT(numbers); i++)
        if (lf_text_is(it->stat, numbers[i]) && !hj212_number(it->value, &v))
            return "不是数值，按缺失处理 | not a number; counts as missing";
    return !f ? "不认识的因子代码，按原代码存储 | this factor is not known; stored under the code as sent" : NULL;
}

/* ---- parts ------------------------------------------------------------------------------------------------------ */

struct view {
    struct lf_ctx *cx;
    struct lf_json *j;
    const char *base; /* offsets count from here */
    lf_id station;    /* 0: not known */
};

static void place(const struct view *v, lf_text all)
{
    lf_json_kint(v->j, "offset", all.p - v->base);
    lf_json_kint(v->j, "length", all.n);
}

static void value_of(const struct view *v, lf_text name, lf_text value)
{
    lf_text shown = is_secret(name) && value.n ? LF_TEXT("******") : readable(v->cx, value);
    lf_json_ktext(v->j, "value", shown);
}

static void put_part(const struct view *v, const char *name, const char *label, lf_text all)
{
    lf_json_obj(v->j);
    lf_json_kstr(v->j, "name", name);
    decode_both(v->j, "zh", "en", label);
    place(v, all);
    lf_json_ktext(v->j, "value", all);
    lf_json_end_obj(v->j);
}

static void put_header(const struct view *v, lf_text segment)
{
    lf_text name, value;
    size_t at = 0;
    while (hj212_next_header(segment, &at, &name, &value)) {
        lf_json_obj(v->j);
        lf_json_ktext(v->j, "name", name);
        decode_both(v->j, "zh", "en", hj212_field_name(name));
        place(v, (lf_text){ name.p, (uint32_t)(value.p + value.n - name.p) });
        value_of(v, name, value);
        decode_both(v->j, "means_zh", "means_en", meaning(v->cx, name, (lf_text){ 0 }, value));
        lf_json_end_obj(v->j);
    }
}

static void put_item(const struct view *v, const struct hj212_item *it)
{
    const struct hj212_factor *f = it->stat.p ? hj212_factor_find(it->code) : NULL;
    const char *plain = it->stat.p ? NULL : hj212_field_name(it->code);
    lf_json_obj(v->j);
    lf_json_ktext(v->j, "code", it->code);
    lf_json_ktext(v->j, "stat", it->stat);
    place(v, (lf_text){ it->code.p, (uint32_t)(it->value.p + it->value.n - it->code.p) });
    value_of(v, it->code, it->value);
    if (f) {
        lf_json_kstr(v->j, "zh", f->zh);
        lf_json_kstr(v->j, "en", f->en);
    } else {
        decode_both(v->j, "zh", "en", plain);
    }
    bool counted = it->stat.p && (lf_text_is(it->stat, "Flag") || lf_text_is(it->stat, "EFlag") || lf_text_is(it->stat, "SampleTime"));
    lf_json_kstr(v->j, "unit", f && !counted ? station_sent_unit(v->station, lf_str(f->code)) : NULL);
    decode_both(v->j, "stat_zh", "stat_en", it->stat.p ? hj212_stat_name(it->stat) : NULL);
    decode_both(v->j, "means_zh", "means_en", meaning(v->cx, it->code, it->stat, it->value));
    decode_both(v->j, "note_zh", "note_en", doubt(it, f));
    lf_json_end_obj(v->j);
}

static void put_items(const struct view *v, lf_text cp)
{
    struct hj212_item it;
    size_t at = 0;
    bool broken = false;
    lf_json_key(v->j, "fields");
    lf_json_arr(v->j);
    while (hj212_next(cp, &at, &it, &broken))
        put_item(v, &it);
    lf_json_end_arr(v->j);
    lf_json_kbool(v->j, "fields_broken", broken);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------- */

static void put_verdict(const struct view *v, const struct hj212_explained *e)
{
    bool good = e->why == HJ212_GOOD;
    lf_json_kstr(v->j, "verdict", good ? "good" : "refused");
    lf_json_kstr(v->j, "reason", good ? NULL : hj212_why_name(e->why));
    decode_both(v->j, "reason_zh", "reason_en", good ? NULL : hj212_why_text(e->why));
    lf_json_kstr(v->j, "clause", hj212_why_clause(e->why));
    lf_json_kstr(v->j, "bad_field", e->bad);
    lf_json_key(v->j, "tolerances"); /* that would have it taken */
    lf_json_arr(v->j);
    for (unsigned i = 0; i < LF_TOLERATE_COUNT && !good && !e->sealed && !(e->needs & HJ212_NEEDS_MORE); i++)
        if (e->needs >> i & 1)
            lf_json_str(v->j, lf_tele_tolerate_name(i));
    lf_json_end_arr(v->j);
}

static void put_checks(const struct view *v, const struct hj212_explained *e)
{
    char hex[8];
    unsigned given;
    bool hex4 = e->crc.n == 4 && sscanf(lf_strn(&v->cx->arena, e->crc), "%4x", &given) == 1;
    lf_json_key(v->j, "length");
    lf_json_obj(v->j);
    lf_json_ktext(v->j, "given", e->length);
    lf_json_kint(v->j, "actual", e->segment.p ? (int64_t)e->segment.n : LF_NULL64);
    lf_json_kbool(v->j, "ok", e->segment.p && (e->sealed ? e->declared >= 0 : e->declared == (int)e->segment.n));
    lf_json_end_obj(v->j);
    lf_json_key(v->j, "crc");
    lf_json_obj(v->j);
    lf_json_ktext(v->j, "given", e->crc);
    snprintf(hex, sizeof hex, "%04X", e->computed);
    lf_json_kstr(v->j, "computed", e->segment.p ? hex : NULL);
    lf_json_kbool(v->j, "ok", e->segment.p && hex4 && given == e->computed);
    snprintf(hex, sizeof hex, "%04X", e->modbus);
    lf_json_kstr(v->j, "modbus", e->segment.p ? hex : NULL);
    lf_json_end_obj(v->j);
}

static void put_parts(const struct view *v, const struct hj212_explained *e, lf_text raw, lf_text segment)
{
    lf_json_key(v->j, "parts");
    lf_json_arr(v->j);
    if (e->segment.p) {
        put_part(v, "##", "包头 | Head", (lf_text){ raw.p, 2 });
        put_part(v, "length", "数据段长度 | Length of the segment", e->length);
        put_header(&(struct view){ v->cx, v->j, segment.p == e->segment.p ? v->base : segment.p, v->station }, segment);
        put_part(v, "crc", "校验 | Checksum", e->crc);
        put_part(v, "tail", "包尾 | Tail", e->tail);
    }
    lf_json_end_arr(v->j);
}

void station_put_decoded(struct lf_ctx *cx, struct lf_json *j, lf_text raw, lf_text sm4_key)
{
    struct hj212_explained e;
    char plain[HJ212_SEGMENT_MAX];
    struct station_of_mn_row known = { .id = { 0 } };
    struct view v = { cx, j, raw.p, { 0 } };
    const char *bad;
    hj212_explain(raw, &e);
    lf_text segment = e.segment;
    if (e.sealed && sm4_key.n == HJ212_KEY_SIZE) {
        e.why = hj212_open((const unsigned char *)sm4_key.p, raw, plain, &segment);
        if (e.why == HJ212_GOOD) {
            e.why = hj212_parse(segment, &e.packet, &bad);
            e.computed = hj212_crc(segment.p, segment.n);
        } else {
            segment = e.segment;
        }
    }
    if (e.packet.mn.n && lf_utf8_ok(e.packet.mn) && !station_of_mn(cx, e.packet.mn, &known)) /* its channels say in what it sends */
        v.station = known.id;
    lf_json_obj(j);
    put_verdict(&v, &e);
    lf_json_kint(j, "bytes", raw.n);
    lf_json_kbool(j, "sealed", e.sealed);
    lf_json_kbool(j, "opened", e.sealed && segment.p != e.segment.p);
    lf_json_kint(j, "version", e.packet.cn.p ? e.packet.version : LF_NULL64);
    put_checks(&v, &e);
    put_parts(&v, &e, raw, segment);
    if (!e.sealed || segment.p != e.segment.p)
        put_items(&(struct view){ cx, j, segment.p == e.segment.p ? raw.p : segment.p, v.station }, e.packet.cp);
    lf_json_key(j, "raw");
    station_put_raw(cx, j, raw);
    lf_json_end_obj(j);
}
