#include "hj212/command.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* 1001 to 1010 and others of 2005 have other meanings in 2025, so they are not offered: a device that is asked in the wrong
 * language must not lose its limits or its host. 1032 (set host address, 2005) is left out for the same reason. */
const struct hj212_command hj212_commands[] = {
    { "1000", HJ212_REPLY_NONE, HJ212_ARG_TIMES, 0, 2005, 0, NULL, false, 0 },
    { "1011", HJ212_REPLY_ANSWER, 0, HJ212_ARG_POLID, 2005, 0, NULL, false, 0 },
    { "1012", HJ212_REPLY_NONE, HJ212_ARG_NOW, HJ212_ARG_POLID, 2005, 0, NULL, false, 0 },
    { "1014", HJ212_REPLY_NONE, HJ212_ARG_NOW | HJ212_ARG_NEW_KEY, 0, 2025, 0, NULL, true, 0 },
    { "1021", HJ212_REPLY_ANSWER, 0, HJ212_ARG_POLID, 2005, 2005, NULL, false, 0 },
    { "1031", HJ212_REPLY_ANSWER, 0, 0, 2005, 2005, NULL, false, 0 },
    { "1041", HJ212_REPLY_ANSWER, 0, 0, 2005, 2005, NULL, false, 0 },
    { "1042", HJ212_REPLY_NONE, HJ212_ARG_REPORT, 0, 2005, 2005, NULL, false, 0 },
    { "1061", HJ212_REPLY_ANSWER, 0, 0, 2005, 0, NULL, false, 0 },
    { "1062", HJ212_REPLY_NONE, HJ212_ARG_RTD_INTERVAL, 0, 2005, 0, NULL, false, 0 },
    { "1063", HJ212_REPLY_ANSWER, 0, 0, 2017, 0, NULL, false, 0 },
    { "1064", HJ212_REPLY_NONE, HJ212_ARG_MIN_INTERVAL, 0, 2017, 0, NULL, false, 0 },
    { "1072", HJ212_REPLY_NONE, HJ212_ARG_NEW_PW, 0, 2005, 0, NULL, true, 0 },
    { "2011", HJ212_REPLY_NONE, 0, 0, 2005, 0, NULL, false, 0 },
    { "2012", HJ212_REPLY_NOTICE, 0, 0, 2005, 0, NULL, false, 0 },
    { "2013", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2025, 0, NULL, false, 0 },
    { "2021", HJ212_REPLY_NONE, 0, 0, 2005, 0, NULL, false, 0 },
    { "2022", HJ212_REPLY_NOTICE, 0, 0, 2005, 0, NULL, false, 0 },
    { "2031", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2005, 0, NULL, false, 0 },
    { "2041", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2005, 0, NULL, false, 0 },
    { "2051", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2005, 0, NULL, false, 0 },
    { "2061", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2005, 0, NULL, false, 0 },
    { "2062", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2025, 0, NULL, false, 0 },
    { "2071", HJ212_REPLY_HISTORY, HJ212_ARG_SPAN, 0, 2005, 2005, NULL, false, 0 },
    { "3011", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2005, 0, NULL, true, 1800 },
    { "3012", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2005, 0, NULL, true, 1800 },
    { "3013", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2017, 0, NULL, true, 1800 }, /* 2005: device operation, another thing */
    { "3014", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2017, 0, NULL, true, 1800 }, /* 2005: set sampling period */
    { "3015", HJ212_REPLY_ANSWER, 0, 0, 2017, 0, NULL, true, 600 },
    { "3016", HJ212_REPLY_NONE, HJ212_ARG_POLID | HJ212_ARG_PERIOD, 0, 2017, 0, NULL, true, 0 },
    { "3017", HJ212_REPLY_ANSWER, HJ212_ARG_POLID, 0, 2017, 0, NULL, false, 0 },
    { "3018", HJ212_REPLY_ANSWER, HJ212_ARG_POLID, 0, 2017, 0, NULL, false, 0 },
    { "3019", HJ212_REPLY_ANSWER, HJ212_ARG_POLID, 0, 2017, 0, NULL, false, 0 },
    { "3020", HJ212_REPLY_HISTORY, HJ212_ARG_INFO, HJ212_ARG_POLID | HJ212_ARG_SPAN, 2017, 0, NULL, false, 0 },
    { "3021", HJ212_REPLY_NONE, HJ212_ARG_INFO | HJ212_ARG_VALUE, HJ212_ARG_POLID, 2017, 0, NULL, true, 0 },
    { "3022", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2025, 0, NULL, true, 1800 },
    { "3024", HJ212_REPLY_NONE, HJ212_ARG_POLID, 0, 2025, 0, NULL, true, 1800 },
};
const size_t hj212_command_count = LF_COUNT(hj212_commands);

const struct hj212_command *hj212_command_find(lf_text cn)
{
    for (size_t i = 0; i < LF_COUNT(hj212_commands); i++)
        if (lf_text_is(cn, hj212_commands[i].cn))
            return &hj212_commands[i];
    return NULL;
}

bool hj212_command_known(const struct hj212_command *c, int version)
{
    return (version >= c->since && (!c->until || version <= c->until)) || (version == 2005 && c->cn2005);
}

const char *hj212_command_cn(const struct hj212_command *c, int version) { return version == 2005 && c->cn2005 ? c->cn2005 : c->cn; }

/* ---- values that the standard allows (2017 table 4) -------------------------------------------- */

static bool word(lf_text t, uint32_t least, uint32_t most)
{
    if (t.n < least || t.n > most)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (!((t.p[i] >= '0' && t.p[i] <= '9') || ((t.p[i] | 0x20) >= 'a' && (t.p[i] | 0x20) <= 'z')))
            return false;
    return true;
}

/* hhmmss or hhmm */
static bool time_of_day(lf_text t, uint32_t digits)
{
    if (t.n != digits)
        return false;
    for (uint32_t i = 0; i < digits; i += 2)
        if (t.p[i] < '0' || t.p[i] > '9' || t.p[i + 1] < '0' || t.p[i + 1] > '9' ||
            (t.p[i] - '0') * 10 + (t.p[i + 1] - '0') > (i ? 59 : 23))
            return false;
    return true;
}

static bool minutes_allowed(int64_t n)
{
    static const int t[] = { 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        if (t[i] == n)
            return true;
    return false;
}

/* A value of i-codes: one line that cannot be taken for grammar; between // and // it may hold more. */
static bool plain_value(lf_text t)
{
    if (t.n == 0 || t.n > 200)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < ' ' || strchr("&#,;=", t.p[i]))
            return false;
    return true;
}

const char *hj212_request_wrong(const struct hj212_request *r)
{
    unsigned must = r->command->must, given = must | r->command->may;
    bool span = r->begin.ms != LF_NULL64 || r->end.ms != LF_NULL64;
    if ((must & HJ212_ARG_POLID || (given & HJ212_ARG_POLID && r->pol_id.n)) && !word(r->pol_id, 1, 16)) /* C6; vendors use more */
        return "PolId";
    if (must & HJ212_ARG_RTD_INTERVAL && (r->number < 30 || r->number > 3600))
        return "RtdInterval";
    if (must & HJ212_ARG_MIN_INTERVAL && !minutes_allowed(r->number))
        return "MinInterval";
    if (must & HJ212_ARG_PERIOD && !time_of_day(r->start, 6))
        return "CstartTime";
    if (must & HJ212_ARG_REPORT && !time_of_day(r->start, 4))
        return "ReportTime";
    if (must & HJ212_ARG_PERIOD && (r->number < 1 || r->number > 24))
        return "CTime";
    if (must & HJ212_ARG_TIMES && (r->over_time < 1 || r->over_time > 99))
        return "OverTime";
    if (must & HJ212_ARG_TIMES && (r->re_count < 1 || r->re_count > 99))
        return "ReCount";
    if (must & HJ212_ARG_NEW_PW && !word(r->new_pw, 6, 6))
        return "NewPW";
    if (must & HJ212_ARG_NEW_KEY && !word(r->new_key, 16, 16))
        return "NewSK";
    if (must & HJ212_ARG_INFO && !(word(r->info_id, 6, 6) && r->info_id.p[0] == 'i'))
        return "InfoId";
    if (must & HJ212_ARG_VALUE && !plain_value(r->value))
        return "Info";
    if ((must & HJ212_ARG_SPAN || (given & HJ212_ARG_SPAN && span)) && (r->begin.ms == LF_NULL64 || r->begin.ms < 0))
        return "BeginTime";
    if ((must & HJ212_ARG_SPAN || (given & HJ212_ARG_SPAN && span)) && (r->end.ms == LF_NULL64 || r->end.ms < r->begin.ms))
        return "EndTime";
    return NULL;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

struct text {
    char *p;
    size_t n;
};

static void LF_PRINTF(2, 3) add(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->p + t->n, HJ212_SEGMENT_MAX - t->n, fmt, ap);
    va_end(ap);
    t->n = n < 0 || t->n + (size_t)n >= HJ212_SEGMENT_MAX ? HJ212_SEGMENT_MAX - 1 : t->n + (size_t)n;
}

/* One item of CP, with the separator in front of it when it is not the first. */
static void item(struct text *t, const char *name, lf_text value, char sep)
{
    if (value.n && t->n && t->p[t->n - 1] != '&')
        add(t, "%c", sep);
    if (value.n)
        add(t, "%s=%.*s", name, (int)value.n, value.p);
}

static void item_time(struct text *t, const char *name, lf_ms at, char sep)
{
    char b[32];
    item(t, name, lf_str(lf_ms_compact(b, at)), sep);
}

static void item_number(struct text *t, const char *name, int64_t v)
{
    char b[24];
    snprintf(b, sizeof b, "%" PRId64, v);
    item(t, name, lf_str(b), ';');
}

/* Order of the fields as in Annex C. BeginTime and EndTime are joined by ',' in 2005 and by ';' since. */
static void write_cp(struct text *t, const struct hj212_request *r)
{
    unsigned has = r->command->must | r->command->may;
    char name[24], b[32];
    if (has & HJ212_ARG_POLID)
        item(t, "PolId", r->pol_id, ';');
    if (has & HJ212_ARG_INFO)
        item(t, "InfoId", r->info_id, ';');
    if (has & HJ212_ARG_VALUE) {
        snprintf(name, sizeof name, "%.*s-Info", (int)r->info_id.n, r->info_id.p);
        item(t, name, r->value, ';');
    }
    if (has & HJ212_ARG_SPAN && r->begin.ms != LF_NULL64) {
        item_time(t, "BeginTime", r->begin, ';');
        item_time(t, "EndTime", r->end, r->version == 2005 ? ',' : ';');
    }
    if (has & HJ212_ARG_NEW_KEY) { /* 2025, as its example has it */
        item(t, "SKCreateTime", r->qn, ';');
        item(t, "NewSK", r->new_key, ',');
    } else if (has & HJ212_ARG_NOW) {
        item(t, "SystemTime", lf_str(lf_ms_compact(b, r->now)), ';');
    }
    if (has & HJ212_ARG_RTD_INTERVAL)
        item_number(t, "RtdInterval", r->number);
    if (has & HJ212_ARG_MIN_INTERVAL)
        item_number(t, "MinInterval", r->number);
    if (has & HJ212_ARG_TIMES) {
        item_number(t, "OverTime", r->over_time);
        item_number(t, "ReCount", r->re_count);
    }
    if (has & HJ212_ARG_NEW_PW)
        item(t, r->version == 2005 ? "PW" : "NewPW", r->new_pw, ';');
    if (has & HJ212_ARG_PERIOD) {
        item(t, "CstartTime", r->start, ';');
        item_number(t, "CTime", r->number);
    }
    if (has & HJ212_ARG_REPORT)
        item(t, "ReportTime", r->start, ';');
}

size_t hj212_request_write(const struct hj212_request *r, char *out)
{
    struct text t = { out, 0 };
    if (!hj212_command_known(r->command, r->version))
        return 0;
    int flag = (r->version == 2005 ? 0 : r->version == 2017 ? 4 : 8) | 1; /* bit A: say that you have got it */
    add(&t, "QN=%.*s;ST=%.*s;CN=%s;", (int)r->qn.n, r->qn.p, (int)r->st.n, r->st.p, hj212_command_cn(r->command, r->version));
    if (r->pw.n)
        add(&t, "PW=%.*s;", (int)r->pw.n, r->pw.p);
    add(&t, "MN=%.*s;Flag=%d;CP=&&", (int)r->mn.n, r->mn.p, flag);
    write_cp(&t, r);
    add(&t, "&&");
    return t.n < HJ212_SEGMENT_MAX - 1 ? t.n : 0;
}

/* ---- return codes -------------------------------------------------------------------------------------- */

const char *hj212_qn_rtn_text(int code)
{
    switch (code) {
    case 1: return "准备执行请求 | Ready to execute";
    case 2: return "请求被拒绝 | Rejected";
    case 3: return "密码错误（PW） | The password PW is wrong";
    case 4: return "MN 错误 | The MN is wrong";
    case 5: return "ST 错误 | The ST is wrong";
    case 6: return "Flag 错误 | The Flag is wrong";
    case 7: return "QN 错误 | The QN is wrong";
    case 8: return "CN 错误：设备不认识这条命令 | The CN is wrong: the device does not know this command";
    case 9: return "CRC 校验错误 | The checksum is wrong";
    case 100: return "未知错误 | Unknown error";
    default: return "标准以外的返回码 | A return code that the standard does not know";
    }
}

const char *hj212_exe_rtn_text(int code)
{
    switch (code) {
    case 1: return "执行成功 | Success";
    case 2: return "执行失败，原因未知 | Failed, reason unknown";
    case 3: return "命令请求条件错误 | The conditions of the request are wrong";
    case 4: return "设备内部通讯超时 | Communication time-out inside the device";
    case 5: return "系统繁忙不能执行 | The system is busy";
    case 6: return "系统故障 | System fault";
    case 100: return "没有数据 | No data";
    default: return "标准以外的返回码 | A return code that the standard does not know";
    }
}
