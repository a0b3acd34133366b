/* station.h - 监测: stations, their limits, and what they say. What follows from too much is room alarm. */
#ifndef LF_ROOMS_STATION_STATION_H
#define LF_ROOMS_STATION_STATION_H
#include "core/app.h"
#include "tele/store.h"

#define STATION_KINDS(X) \
    X(STATION_AIR, "air", "环境空气", "Ambient air") \
    X(STATION_SURFACE, "surface", "地表水", "Surface water") \
    X(STATION_WASTEWATER, "wastewater", "废水", "Wastewater") \
    X(STATION_FLUE, "flue", "废气", "Flue gas") \
    X(STATION_DUST, "dust", "扬尘", "Dust") \
    X(STATION_NOISE, "noise", "噪声", "Noise")
LF_ENUM(station_kind, STATION_KINDS);
#define STATION_PERIODS(X) \
    X(STATION_RTD, "rtd", "实时", "Real time") \
    X(STATION_MIN, "min", "分钟", "Minute") \
    X(STATION_HOUR, "hour", "小时", "Hour") \
    X(STATION_DAY, "day", "日", "Day")
LF_ENUM(station_period, STATION_PERIODS);

/* Bit i of station.tolerate: in the order of enum lf_tele_tolerate, by the names of lf_tele_tolerate_name. */
#define STATION_TOLERANCES(X) \
    X(STATION_TOLERATE_MODBUS, "crc_modbus", "校验为 Modbus CRC", "Checksum is CRC-16/MODBUS") \
    X(STATION_TOLERATE_LENGTH, "length", "长度字段错误或超长", "Length field wrong, or segment too long") \
    X(STATION_TOLERATE_TAIL, "tail", "缺回车换行", "CR LF missing") \
    X(STATION_TOLERATE_PW, "pw", "密码缺失或不符", "Password missing or another") \
    X(STATION_TOLERATE_PLAIN, "plain", "有密钥仍明文上传", "Plain although it has a key") \
    X(STATION_TOLERATE_UG, "ug", "ng/m³ 因子按 µg/m³ 上传", "Sends µg/m³ where the code means ng/m³") \
    X(STATION_TOLERATE_MG, "mg", "ng/m³ 因子按 mg/m³ 上传", "Sends mg/m³ where the code means ng/m³") \
    X(STATION_TOLERATE_ACK, "ack", "不要求应答也须应答", "Answer although not asked") \
    X(STATION_TOLERATE_BEAT, "heartbeat", "心跳包不应答", "No answer to heartbeats")
LF_ENUM(station_tolerance, STATION_TOLERANCES);

/* Units that a channel may be set to. X(NAME, code, unit, unit). */
#define STATION_UNITS(X) \
    X(STATION_UNIT_USUAL, "usual", "按惯例", "the usual one") \
    X(STATION_UNIT_NG_M3, "ng_m3", "ng/m³", "ng/m³") \
    X(STATION_UNIT_UG_M3, "ug_m3", "µg/m³", "µg/m³") \
    X(STATION_UNIT_MG_M3, "mg_m3", "mg/m³", "mg/m³") \
    X(STATION_UNIT_G_M3, "g_m3", "g/m³", "g/m³") \
    X(STATION_UNIT_NG_L, "ng_l", "ng/L", "ng/L") \
    X(STATION_UNIT_UG_L, "ug_l", "µg/L", "µg/L") \
    X(STATION_UNIT_MG_L, "mg_l", "mg/L", "mg/L") \
    X(STATION_UNIT_G_L, "g_l", "g/L", "g/L") \
    X(STATION_UNIT_PA, "pa", "Pa", "Pa") \
    X(STATION_UNIT_HPA, "hpa", "hPa", "hPa") \
    X(STATION_UNIT_KPA, "kpa", "kPa", "kPa") \
    X(STATION_UNIT_MPA, "mpa", "MPa", "MPa") \
    X(STATION_UNIT_L_S, "l_s", "L/s", "L/s") \
    X(STATION_UNIT_M3_S, "m3_s", "m³/s", "m³/s") \
    X(STATION_UNIT_M3_H, "m3_h", "m³/h", "m³/h")
LF_ENUM(station_unit, STATION_UNITS);

extern const struct lf_res station_res, limit_value_res, station_channel_res;
extern const struct lf_room station_room;

/* The store that readings are read from; the program sets it before the first request. */
void station_use_store(struct lf_tele_store *store);
struct lf_tele_store *station_readings(void); /* NULL before that */
/* The road into the store, for packets of the quarantine that are taken in after all: blocks until they are durable. */
void station_use_submit(lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err), void *user);
/* The directory of all stations for the listener; NULL and cx->err on failure. The caller gets the one use of it. */
struct lf_directory *station_make_directory(struct lf_ctx *cx);
/* The unit that values and limits of a factor of a station are in, everywhere: what its channel says, else what is usual for its kind
 * (ambient air: µg/m³, GB 3095), else that of the code table. "" when none is known. As of the last directory; any thread. */
const char *station_unit(lf_id station, lf_text factor);
/* The unit in which the device sends it. */
const char *station_sent_unit(lf_id station, lf_text factor);
/* New readings, after their commit, to the live pages. */
void station_publish(struct lf_app *app, const struct lf_tele_reading *r, size_t n);

/* The station named by the first segment of an address below /api/v1/station, within the caller's scope. */
lf_rc station_of(struct lf_ctx *cx, struct lf_call *c, lf_id *id) LF_MUST_CHECK;

/* Told after each change of a station (by a request's thread): the listener takes the new directory at once. */
void station_on_change(void (*fn)(void));

struct station_device {
    lf_text name, grid_code, mn, pw, pw_next, sm4_key;
    enum station_kind kind;
    bool disabled;
    int64_t over_time, re_count; /* s, times */
};
lf_rc station_device_of(struct lf_ctx *cx, lf_id id, struct station_device *out) LF_MUST_CHECK;
/* What a device has been told, as the station's new values; what is empty or 0 stays. pw_next is taken beside pw until a pw comes or it is
 * forgotten. Wants a write transaction, as the system; audited. */
struct station_learned {
    lf_text pw, pw_next, sm4_key;
    bool forget_next;
    int64_t over_time, re_count;
};
lf_rc station_learn(struct lf_ctx *cx, lf_id id, struct station_learned *l, struct lf_change *ch) LF_MUST_CHECK;
/* PW of the device's newest upload, in the arena; null when there is none. */
lf_rc station_last_password(struct lf_ctx *cx, lf_id id, lf_text *pw) LF_MUST_CHECK;
/* How the device last spoke: version of the standard and ST (in the arena), from its newest upload; by its kind when it never did. */
lf_rc station_speaks(struct lf_ctx *cx, lf_id id, enum station_kind kind, int *version, lf_text *st) LF_MUST_CHECK;

/* A text as JSON, with passwords and keys starred out: to see one is an act of its own (reveal), with a reason and in the audit trail. */
void station_put_raw(struct lf_ctx *cx, struct lf_json *j, lf_text raw);
/* An object: verdict, reason and its clause, length, checksum, parts of the header, fields of CP. sm4_key: 16 bytes to open an encrypted
 * one with; null when there is none. The JSON member names are in doc/api.md. */
void station_put_decoded(struct lf_ctx *cx, struct lf_json *j, lf_text raw, lf_text sm4_key);

struct station_site {
    lf_text name, grid_code;
    enum station_kind kind;
    double lon, lat;
    lf_id source_id;
};
/* Whatever the caller's scope is: for rules that act as the system. LF_ENOTFOUND without a message. */
lf_rc station_site_of(struct lf_ctx *cx, lf_id id, struct station_site *out) LF_MUST_CHECK;
/* What a record about a station is called: "NAME 因子 ZH | NAME: Factor – EN". A null factor and NULL words are left out. */
lf_text station_title(struct lf_ctx *cx, lf_text name, lf_text factor, const char *zh, const char *en);
/* rc of a look-up, as a form says it: LF_ENOTFOUND becomes LF_EINVAL at `field`, with the message. */
lf_rc station_found(struct lf_ctx *cx, lf_rc rc, const char *field) LF_MUST_CHECK;
/* Every station and every limit, whatever the caller's scope is: for rules that act as the system. Texts live in cx->arena. Wants a
 * transaction. */
typedef void (*station_fn)(void *user, lf_id id, const struct station_site *s, bool disabled);
lf_rc station_each(struct lf_ctx *cx, station_fn fn, void *user) LF_MUST_CHECK;
struct station_limit {
    lf_id station;
    lf_text factor;
    enum station_period kind;
    double low, high;        /* NaN: none */
    double reference_o2;     /* %, dry: what flue gas is converted to before it is compared; NaN: as measured */
    lf_day from_day, to_day; /* inclusive; to_day null: still in force */
    lf_text basis;
};
lf_rc station_each_limit(struct lf_ctx *cx, void (*fn)(void *user, const struct station_limit *l), void *user) LF_MUST_CHECK;
/* Grows with each committed change of a station or limit by form (an import is not counted: look again once in a while). */
unsigned station_generation(void);
#endif
