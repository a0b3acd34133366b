#include "hj212/explain.h"

#include "hj212/crc.h"
#include "hj212/names.h"
#include "hj212/sm4.h"

/* HJ 212-2017 tables 3 and 4; those of 2005 and 2025 say so. */
static const struct name fields[] = {
    { "QN", "请求编号 | Request number" },
    { "ST", "系统编码 | System code" },
    { "CN", "命令编码 | Command code" },
    { "PW", "访问密码 | Password" },
    { "MN", "设备唯一标识 | Device identity" },
    { "Flag", "拆分包及应答标志 | Split and answer flag" },
    { "PNUM", "总包数 | Number of packets" },
    { "PNO", "包号 | Packet number" },
    { "RF", "补传标志（2025） | Sent again (2025)" },
    { "CP", "指令参数 | Parameters" },
    { "DataTime", "数据时间 | Time of the data" },
    { "SystemTime", "系统时间 | System time" },
    { "RestartTime", "数采仪开机时间 | Power-on time" },
    { "BeginTime", "开始时间 | Begin" },
    { "EndTime", "截止时间 | End" },
    { "QnRtn", "请求应答结果 | Result of the request" },
    { "ExeRtn", "执行结果 | Result of the execution" },
    { "RtdInterval", "实时数据上报间隔（秒） | Real-time interval (s)" },
    { "MinInterval", "分钟数据上报间隔（分钟） | Minute interval (min)" },
    { "PolId", "污染因子编码 | Factor" },
    { "NewPW", "新密码 | New password" },
    { "OverTime", "超时时间（秒） | Time-out (s)" },
    { "ReCount", "重发次数 | Re-sends" },
    { "VaseNo", "采样瓶编号 | Number of the bottle" },
    { "CstartTime", "首次采样时间 | First sampling" },
    { "CTime", "采样周期（小时） | Sampling period (h)" },
    { "Ctime", "采样周期（小时） | Sampling period (h)" },
    { "Stime", "出样时间（分钟） | Time to a result (min)" },
    { "InfoId", "现场端信息编码 | Information code" },
    { "NewSK", "新密钥（2025） | New key (2025)" },
    { "SKCreateTime", "密钥创建时间（2025） | Key created (2025)" },
    { "AlarmTime", "报警时间（2005） | Time of the alarm (2005)" },
    { "AlarmType", "报警类型（2005） | Kind of alarm (2005)" },
    { "WarnTime", "超标报警时间（2005） | Alarm time (2005)" },
    { "ReportTime", "上报时间（2005） | Reporting time (2005)" },
    { "AlarmTarget", "报警目标（2005） | Alarm target (2005)" },
    { "ReportTarget", "上位机地址（2005） | Host address (2005)" },
};
static const struct name stats[] = {
    { "Rtd", "实时值 | Real-time value" },
    { "Avg", "平均值 | Mean" },
    { "Min", "最小值 | Lowest" },
    { "Max", "最大值 | Highest" },
    { "Cou", "累计值 | Sum" },
    { "ZsRtd", "折算实时值 | Real-time value, converted" },
    { "ZsAvg", "折算平均值 | Mean, converted" },
    { "ZsMin", "折算最小值 | Lowest, converted" },
    { "ZsMax", "折算最大值 | Highest, converted" },
    { "Flag", "数据标记 | Data flag" },
    { "EFlag", "设备标志 | Flag of the device" },
    { "SampleTime", "采样时间 | Time of sampling" },
    { "RS", "运行状态 | State" },
    { "RT", "运行时间（小时） | Run time (h)" },
    { "Ala", "报警值（2005） | Alarm value (2005)" },
    { "LowValue", "报警下限（2005） | Low alarm limit (2005)" },
    { "UpValue", "报警上限（2005） | High alarm limit (2005)" },
    { "Data", "噪声值 | Noise level" },
    { "DayData", "昼间值 | By day" },
    { "NightData", "夜间值 | By night" },
    { "Info", "现场端信息 | Site information" },
    { "SN", "设备序列号 | Serial number" },
};
const char *hj212_field_name(lf_text name) { return name_of(fields, LF_COUNT(fields), name); }
const char *hj212_stat_name(lf_text stat) { return name_of(stats, LF_COUNT(stats), stat); }

const char *hj212_why_clause(enum hj212_why why)
{
    switch (why) {
    case HJ212_GOOD: return NULL;
    case HJ212_NOISE:
    case HJ212_LENGTH:
    case HJ212_OVERSIZE:
    case HJ212_TAIL: return "HJ 212-2017 6.3.1 表 2";
    case HJ212_CRC:
    case HJ212_CRC_FORM: return "HJ 212-2017 6.3.1 表 2、附录 A";
    case HJ212_GRAMMAR: return "HJ 212-2017 6.3.2 表 3、6.3.3";
    case HJ212_FIELD: return "HJ 212-2017 表 3、表 4";
    case HJ212_SEALED:
    case HJ212_KEY: return "HJ 212-2025 附录 A";
    case HJ212_WHY_COUNT: break;
    }
    return NULL;
}

/* ---- the parts of one frame ------------------------------------------------------------------------------ */

enum { HEAD = 2, LENGTH_AT = 2, SEGMENT_AT = 6, CRC = 4 };

static int declared_length(lf_text frame)
{
    int n = 0;
    if (frame.n < SEGMENT_AT)
        return -1;
    for (int i = LENGTH_AT; i < SEGMENT_AT; i++) {
        if (frame.p[i] < '0' || frame.p[i] > '9')
            return -1;
        n = n * 10 + (frame.p[i] - '0');
    }
    return n;
}

/* Where things are when the frame keeps its form: the segment up to the last "&&", then the checksum, then the tail. */
static void lay_out(lf_text frame, lf_text segment, struct hj212_explained *e)
{
    const char *end = frame.p + frame.n;
    e->length = (lf_text){ frame.p + HEAD, (uint32_t)(segment.p - frame.p - HEAD) };
    e->segment = segment;
    const char *crc = segment.p + segment.n;
    e->crc = (lf_text){ crc, (uint32_t)(end - crc < CRC ? end - crc : CRC) };
    e->tail = (lf_text){ e->crc.p + e->crc.n, (uint32_t)(end - e->crc.p - e->crc.n) };
    e->computed = hj212_crc(segment.p, segment.n);
    e->modbus = hj212_crc_modbus(segment.p, segment.n);
}

static bool segment_by_form(lf_text frame, lf_text *segment)
{
    if (frame.n < SEGMENT_AT + CRC || frame.p[0] != '#' || frame.p[1] != '#')
        return false;
    uint32_t from = HEAD;
    while (from < SEGMENT_AT && frame.p[from] >= '0' && frame.p[from] <= '9')
        from++;
    for (uint32_t i = frame.n; i > from + 2; i--)
        if (frame.p[i - 1] == '&' && frame.p[i - 2] == '&') {
            *segment = (lf_text){ frame.p + from, i - from };
            return true;
        }
    return false;
}

void hj212_explain(lf_text frame, struct hj212_explained *e)
{
    size_t used = 0;
    lf_text got = { 0 }, segment = { 0 }, wire;
    *e = (struct hj212_explained){ .declared = declared_length(frame), .packet = { .flag = -1 } };
    e->why = hj212_take(frame.p, frame.n, &used, &got, &segment);
    if (!used) /* a stream would wait for more; nothing more comes */
        e->why = frame.n >= 2 && frame.p[0] == '#' && frame.p[1] == '#' ? HJ212_LENGTH : HJ212_NOISE;
    if (e->why != HJ212_GOOD) {
        segment = (lf_text){ 0 };
        e->needs = e->why == HJ212_NOISE ? HJ212_NEEDS_MORE : hj212_needs(frame, &segment);
        e->sealed = e->why != HJ212_NOISE && hj212_is_sealed(frame, &wire);
        if (e->sealed)
            segment = wire;
        else if (!segment.p && !segment_by_form(frame, &segment))
            return;
    }
    lay_out(frame, segment, e);
    if (e->sealed)
        e->why = HJ212_SEALED;
    enum hj212_why read = hj212_parse(segment, &e->packet, &e->bad);
    if (e->why == HJ212_GOOD)
        e->why = read;
    else if (read == HJ212_GOOD)
        e->bad = NULL;
}

bool hj212_next_header(lf_text segment, size_t *at, lf_text *name, lf_text *value)
{
    while (*at < segment.n && segment.p[*at] == ';')
        ++*at;
    const char *p = segment.p + *at, *end = segment.p + segment.n;
    if (end - p < 3 || memcmp(p, "CP=", 3) == 0)
        return false;
    const char *stop = memchr(p, ';', (size_t)(end - p)), *equal = memchr(p, '=', (size_t)(end - p));
    stop = stop ? stop : end;
    equal = equal && equal < stop ? equal : stop;
    *name = (lf_text){ p, (uint32_t)(equal - p) };
    *value = equal < stop ? (lf_text){ equal + 1, (uint32_t)(stop - equal - 1) } : (lf_text){ stop, 0 };
    *at = (size_t)(stop - segment.p);
    return true;
}

void hj212_star_secrets(char *p, size_t n)
{
    static const char *const secret[] = { "PW=", "NewSK=" };
    for (size_t s = 0; s < LF_COUNT(secret); s++) {
        size_t len = strlen(secret[s]);
        for (size_t i = 0; i + len <= n; i++) {
            if (memcmp(p + i, secret[s], len) != 0)
                continue;
            for (i += len; i < n && p[i] != ';' && p[i] != ',' && p[i] != '&'; i++)
                p[i] = '*';
        }
    }
}
