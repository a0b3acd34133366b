/* names.c - names of codes, in both languages, and finding a factor under any of its names. */
#include "hj212/names.h"

#include "hj212/hj212.h"

#include <pthread.h>

/* HJ 212-2017 table 5; 44 and 45 from HJ 212-2025. */
static const struct name st_names[] = {
    { "21", "地表水质量监测 | Surface water quality" },
    { "22", "空气质量监测 | Ambient air quality" },
    { "23", "声环境质量监测 | Acoustic environment quality" },
    { "24", "地下水质量监测 | Groundwater quality" },
    { "25", "土壤质量监测 | Soil quality" },
    { "26", "海水质量监测 | Sea water quality" },
    { "27", "挥发性有机物监测 | VOC monitoring" },
    { "31", "大气环境污染源 | Air pollution source" },
    { "32", "地表水体环境污染源 | Surface water pollution source" },
    { "33", "地下水体环境污染源 | Groundwater pollution source" },
    { "34", "海洋环境污染源 | Marine pollution source" },
    { "35", "土壤环境污染源 | Soil pollution source" },
    { "36", "声环境污染源 | Noise source" },
    { "37", "振动环境污染源 | Vibration source" },
    { "38", "放射性环境污染源 | Radioactive source" },
    { "39", "工地扬尘污染源 | Construction-site dust source" },
    { "41", "电磁环境污染源 | Electromagnetic source" },
    { "44", "用电监控 | Electricity monitoring" },
    { "45", "关键工况监控 | Key production process" },
    { "51", "烟气排放过程监控 | Flue-gas process monitoring" },
    { "52", "污水排放过程监控 | Wastewater process monitoring" },
    { "91", "系统交互 | System interaction" },
};

/* HJ 212-2017 table 9; those that only HJ/T 212-2005 or HJ 212-2025 knows say so. */
static const struct name cn_names[] = {
    { "1000", "设置超时时间及重发次数 | Set time-out and retries" },
    { "1001", "设置超标报警时间(2005)/上传硬件序列号(2025) | Set alarm time (2005) / hardware serials (2025)" },
    { "1002", "设置设备唯一标识(2025) | Set device identity (2025)" },
    { "1011", "提取/上传现场机时间 | Device time" },
    { "1012", "设置现场机时间 | Set device time" },
    { "1013", "现场机时间校准请求 | Device asks for the time" },
    { "1014", "提取/设置加密密钥(2025) | Encryption key (2025)" },
    { "1021", "提取污染物报警门限值(2005) | Get alarm limits (2005)" },
    { "1022", "设置污染物报警门限值(2005) | Set alarm limits (2005)" },
    { "1031", "提取上位机地址(2005) | Get host address (2005)" },
    { "1032", "设置上位机地址(2005) | Set host address (2005)" },
    { "1041", "提取数据上报时间(2005) | Get report time (2005)" },
    { "1042", "设置数据上报时间(2005) | Set report time (2005)" },
    { "1061", "提取/上传实时数据间隔 | Real-time data interval" },
    { "1062", "设置实时数据间隔 | Set real-time data interval" },
    { "1063", "提取/上传分钟数据间隔 | Minute data interval" },
    { "1064", "设置分钟数据间隔 | Set minute data interval" },
    { "1072", "设置现场机密码 | Set device password" },
    { "2011", "污染物实时数据 | Real-time data" },
    { "2012", "停止察看实时数据 | Stop real-time data" },
    { "2013", "污染物周期原始数据(2025) | Raw periodic data (2025)" },
    { "2021", "设备运行状态数据 | Equipment state data" },
    { "2022", "停止察看设备运行状态 | Stop equipment state" },
    { "2031", "污染物日历史数据 | Daily data" },
    { "2041", "设备运行时间日历史数据 | Daily equipment run time" },
    { "2051", "污染物分钟数据 | Minute data" },
    { "2052", "噪声单次监测数据(2025) | Single noise measurement (2025)" },
    { "2061", "污染物小时数据 | Hourly data" },
    { "2062", "标样核查数据(2025) | Standard-sample check (2025)" },
    { "2071", "污染物报警记录(2005) | Alarm records (2005)" },
    { "2072", "上传报警事件(2005) | Alarm event (2005)" },
    { "2081", "数采仪开机时间 | Data logger power-on time" },
    { "2111", "焚烧炉 5 分钟均值(2025) | Incinerator 5-minute mean (2025)" },
    { "3011", "零点校准量程校准 | Zero and span calibration" },
    { "3012", "即时采样 | Immediate sampling" },
    { "3013", "启动清洗/反吹 | Cleaning or blow-back" },
    { "3014", "比对采样 | Comparison sampling" },
    { "3015", "超标留样 | Retain over-limit sample" },
    { "3016", "设置采样时间周期 | Set sampling period" },
    { "3017", "提取/上传采样时间周期 | Sampling period" },
    { "3018", "提取/上传出样时间 | Sample-to-result time" },
    { "3019", "设备唯一标识 | Analyser serial number" },
    { "3020", "现场机信息 | Site information" },
    { "3021", "设置现场机参数 | Set site parameter" },
    { "3022", "即时采样任务(2025) | Immediate sampling task (2025)" },
    { "3024", "启动标样核查(2025) | Start standard check (2025)" },
    { "9011", "请求应答 | Request acknowledgement" },
    { "9012", "执行结果 | Execution result" },
    { "9013", "通知应答 | Notice acknowledgement" },
    { "9014", "数据应答 | Data acknowledgement" },
    { "9015", "心跳(2025) | Heartbeat (2025)" },
};

/* HJ 212-2017 table 8; P and 0..3 from HJ/T 212-2005. The list is open: unknown letters are kept as they are. */
static const struct name flag_names[] = {
    { "N", "正常 | Normal" },
    { "F", "停运 | Stopped" },
    { "M", "维护期间数据 | Maintenance" },
    { "S", "手工输入 | Entered by hand" },
    { "D", "仪器故障 | Instrument fault" },
    { "C", "校准 | Calibration" },
    { "T", "超过测定上限 | Above measuring limit" },
    { "B", "通讯异常 | No communication with the instrument" },
    { "P", "电源故障(2005) | Power failure (2005)" },
    { "0", "校准数据(2005 空气站) | Calibration (2005 air station)" },
    { "1", "气象参数(2005 空气站) | Weather parameter (2005 air station)" },
    { "2", "异常数据(2005 空气站) | Abnormal (2005 air station)" },
    { "3", "正常数据(2005 空气站) | Normal (2005 air station)" },
};

/* Names that devices send in place of a code (§13 of our notes: SO2, PM25, O3, NOX ...). Letter case does not count here. */
static const struct name aliases[] = {
    { "SO2", "a21026" },   { "NO", "a21003" },    { "NO2", "a21004" },  { "NOX", "a21002" }, { "CO", "a21005" },    { "O3", "a05024" },
    { "PM25", "a34004" },  { "PM2.5", "a34004" }, { "PM10", "a34002" }, { "TSP", "a34001" }, { "NH3", "a21001" },   { "H2S", "a21028" },
    { "NMHC", "a24088" },  { "PH", "w01001" },    { "DO", "w01009" },   { "COD", "w01018" }, { "CODCR", "w01018" }, { "CODMN", "w01019" },
    { "NH3-N", "w21003" }, { "TP", "w21011" },    { "TN", "w21001" },   { "TOC", "w01020" },
};

const char *hj212_st_name(lf_text st) { return name_of(st_names, LF_COUNT(st_names), st); }
const char *hj212_cn_name(lf_text cn) { return name_of(cn_names, LF_COUNT(cn_names), cn); }
const char *hj212_flag_name(lf_text flag) { return name_of(flag_names, LF_COUNT(flag_names), flag); }

enum hj212_mark hj212_mark_of(lf_text flag)
{
    if (!flag.n || lf_text_is(flag, "N") || lf_text_is(flag, "3"))
        return HJ212_NORMAL;
    return lf_text_is(flag, "F") ? HJ212_STOPPED : HJ212_MARKED;
}

/* ---- finding a factor ---------------------------------------------------------------------------- */

/* A code of up to 16 bytes as two words and its length, so that two codes are compared without a loop. */
struct key {
    uint64_t a, b;
    uint32_t n;
};

static uint64_t word(const char *p, uint32_t n) /* 1 to 8 bytes, each at least once in the word: with n it tells them apart */
{
    uint64_t w = 0;
    if (n == 8) {
        memcpy(&w, p, 8);
    } else if (n >= 4) {
        uint32_t lo, hi;
        memcpy(&lo, p, 4);
        memcpy(&hi, p + n - 4, 4);
        w = (uint64_t)hi << 32 | lo;
    } else {
        w = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
    }
    return w;
}

static struct key key_of(lf_text t) { return (struct key){ word(t.p, t.n < 8 ? t.n : 8), t.n > 8 ? word(t.p + 8, t.n - 8) : 0, t.n }; }

static struct key upper_key_of(lf_text t)
{
    char up[16];
    for (uint32_t i = 0; i < t.n; i++)
        up[i] = (char)(t.p[i] >= 'a' && t.p[i] <= 'z' ? t.p[i] - 'a' + 'A' : t.p[i]);
    return key_of((lf_text){ up, t.n });
}

/* Open addressing; the first to claim a key keeps it. At most half full. */
enum { SLOTS = 1024 };
struct table {
    struct {
        struct key key;
        bool is_2017;
        const struct hj212_factor *factor;
    } slot[SLOTS];
};
static struct table by_code, by_alias; /* codes of 2017 and of 2005; other names, in capitals */
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static size_t slot_of(const struct table *t, struct key k)
{
    uint64_t h = (k.a ^ k.b * 0x9e3779b97f4a7c15u ^ k.n) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 40) % SLOTS;
    while (t->slot[at].factor && !(t->slot[at].key.a == k.a && t->slot[at].key.b == k.b && t->slot[at].key.n == k.n))
        at = (at + 1) % SLOTS;
    return at;
}

static void enter(struct table *t, struct key k, const struct hj212_factor *f, bool is_2017)
{
    size_t at = slot_of(t, k);
    if (t->slot[at].factor)
        return;
    t->slot[at].key = k;
    t->slot[at].is_2017 = is_2017;
    t->slot[at].factor = f;
}

static void make_tables(void)
{
    for (size_t i = 0; i < hj212_factor_count; i++)
        enter(&by_code, key_of(lf_str(hj212_factors[i].code)), &hj212_factors[i], true);
    for (size_t i = 0; i < hj212_factor_count; i++)
        if (hj212_factors[i].code2005)
            enter(&by_code, key_of(lf_str(hj212_factors[i].code2005)), &hj212_factors[i], false);
    for (size_t i = 0; i < LF_COUNT(aliases); i++) {
        const struct hj212_factor *f = by_code.slot[slot_of(&by_code, key_of(lf_str(aliases[i].name)))].factor;
        enter(&by_alias, upper_key_of(lf_str(aliases[i].code)), f, false);
    }
}

const struct hj212_factor *hj212_factor_under(lf_text code, bool *is_2017)
{
    *is_2017 = false;
    if (!code.n || code.n > 16)
        return NULL;
    pthread_once(&tables_made, make_tables);
    size_t at = slot_of(&by_code, key_of(code));
    *is_2017 = by_code.slot[at].is_2017;
    const struct hj212_factor *f = by_code.slot[at].factor;
    return f ? f : by_alias.slot[slot_of(&by_alias, upper_key_of(code))].factor;
}

const struct hj212_factor *hj212_factor_find(lf_text code)
{
    bool ignored;
    return hj212_factor_under(code, &ignored);
}

static const struct name why_names[HJ212_WHY_COUNT] = {
    [HJ212_GOOD] = { "good", "正常 | Good" },
    [HJ212_NOISE] = { "noise", "数据包以外的字节 | Bytes outside any packet" },
    [HJ212_LENGTH] = { "length", "数据段长度与实际不符 | The length field does not fit the packet" },
    [HJ212_OVERSIZE] = { "oversize", "数据段超过 1024 字节 | The data segment is longer than 1024 bytes" },
    [HJ212_CRC] = { "crc", "CRC 校验错误 | The checksum does not match" },
    [HJ212_CRC_FORM] = { "crc_form", "CRC 不是四位十六进制数 | The checksum is not four hexadecimal digits" },
    [HJ212_TAIL] = { "tail", "缺少回车换行包尾 | CR LF is missing at the end" },
    [HJ212_GRAMMAR] = { "grammar", "数据段格式无法识别 | The data segment cannot be read" },
    [HJ212_FIELD] = { "field", "字段缺失或格式错误 | A field is missing or has a wrong form" },
    [HJ212_SEALED] = { "sealed",
                       "加密报文：站点没有密钥或密文格式错误 | Encrypted: the station has no key, or the ciphertext is not well written" },
    [HJ212_KEY] = { "key", "加密报文：密钥不符或数据损坏 | Encrypted: the key does not fit, or the bytes are damaged" },
};

const char *hj212_why_name(enum hj212_why w) { return w < HJ212_WHY_COUNT ? why_names[w].code : "unknown"; }
const char *hj212_why_text(enum hj212_why w) { return w < HJ212_WHY_COUNT ? why_names[w].name : "未知 | Unknown"; }
