/* command.h - 设备命令: what somebody asks of a station's device, and every packet of what follows (HJ 212-2017 §6.2, table 9, Annex C).
 *
 * One record per command. Commands of a station wait in line and go one at a time; who sends them is talk.c, on a thread of its own.
 *
 *   queued -> sent -> confirmed (9011) -> receiving (data) -> done | failed
 *   queued -> expired; sent -> silent (no reply after all re-sends); anything open -> cancelled
 *
 * The state is in the database before the frame leaves, so a command that was open when the program stopped is taken up again: one
 * without an answer is asked again under the same QN, one that was accepted is waited for. */
#ifndef LF_ROOMS_COMMAND_COMMAND_H
#define LF_ROOMS_COMMAND_COMMAND_H
#include "core/app.h"
#include "tele/listener.h"

/* The code is CN (2017; 2005 and 2025 where they alone know it): the rules of each are in hj212/command.c. */
#define COMMAND_KINDS(X) \
    X(COMMAND_1011, "1011", "提取现场机时间", "Read the clock") \
    X(COMMAND_1012, "1012", "设置现场机时间", "Set the clock") \
    X(COMMAND_1000, "1000", "设置超时及重发次数", "Set time-out and re-sends") \
    X(COMMAND_1014, "1014", "设置 SM4 密钥（2025）", "Set the SM4 key (2025)") \
    X(COMMAND_1021, "1021", "提取报警门限（2005）", "Read alarm limits (2005)") \
    X(COMMAND_1031, "1031", "提取上位机地址（2005）", "Read the host address (2005)") \
    X(COMMAND_1041, "1041", "提取上报时间（2005）", "Read the reporting time (2005)") \
    X(COMMAND_1042, "1042", "设置上报时间（2005）", "Set the reporting time (2005)") \
    X(COMMAND_1061, "1061", "提取实时数据间隔", "Read the real-time interval") \
    X(COMMAND_1062, "1062", "设置实时数据间隔", "Set the real-time interval") \
    X(COMMAND_1063, "1063", "提取分钟数据间隔", "Read the minute interval") \
    X(COMMAND_1064, "1064", "设置分钟数据间隔", "Set the minute interval") \
    X(COMMAND_1072, "1072", "设置现场机密码", "Set the password") \
    X(COMMAND_2011, "2011", "开始上传实时数据", "Begin real-time data") \
    X(COMMAND_2012, "2012", "停止上传实时数据", "Stop real-time data") \
    X(COMMAND_2013, "2013", "补采周期数据（2025）", "Fetch periodic data (2025)") \
    X(COMMAND_2021, "2021", "开始上传设备状态", "Begin device state") \
    X(COMMAND_2022, "2022", "停止上传设备状态", "Stop device state") \
    X(COMMAND_2031, "2031", "补采日数据", "Fetch day data") \
    X(COMMAND_2041, "2041", "补采设备运行时间", "Fetch run times") \
    X(COMMAND_2051, "2051", "补采分钟数据", "Fetch minute data") \
    X(COMMAND_2061, "2061", "补采小时数据", "Fetch hour data") \
    X(COMMAND_2062, "2062", "补采标样核查数据（2025）", "Fetch standard checks (2025)") \
    X(COMMAND_2071, "2071", "补采报警记录（2005）", "Fetch alarm records (2005)") \
    X(COMMAND_3011, "3011", "零点校准量程校准", "Calibrate zero and span") \
    X(COMMAND_3012, "3012", "即时采样", "Sample now") \
    X(COMMAND_3013, "3013", "启动清洗/反吹", "Clean or blow back") \
    X(COMMAND_3014, "3014", "比对采样", "Comparison sampling") \
    X(COMMAND_3015, "3015", "超标留样", "Retain a sample") \
    X(COMMAND_3016, "3016", "设置采样时间周期", "Set the sampling period") \
    X(COMMAND_3017, "3017", "提取采样时间周期", "Read the sampling period") \
    X(COMMAND_3018, "3018", "提取出样时间", "Read the time to a result") \
    X(COMMAND_3019, "3019", "提取设备唯一标识", "Read the analyser's serial") \
    X(COMMAND_3020, "3020", "提取现场机信息", "Read site information") \
    X(COMMAND_3021, "3021", "设置现场机参数", "Set a site parameter") \
    X(COMMAND_3022, "3022", "即时采样任务（2025）", "Sampling task (2025)") \
    X(COMMAND_3024, "3024", "启动标样核查（2025）", "Start a standard check (2025)")
LF_ENUM(command_kind, COMMAND_KINDS);

#define COMMAND_STATES(X) \
    X(COMMAND_QUEUED, "queued", "排队中", "Queued") \
    X(COMMAND_SENT, "sent", "已发送", "Sent") \
    X(COMMAND_CONFIRMED, "confirmed", "设备已接受", "Accepted") \
    X(COMMAND_RECEIVING, "receiving", "接收数据", "Receiving data") \
    X(COMMAND_DONE, "done", "执行成功", "Done") \
    X(COMMAND_FAILED, "failed", "执行失败", "Failed") \
    X(COMMAND_SILENT, "silent", "无应答", "No answer") \
    X(COMMAND_EXPIRED, "expired", "已过期", "Expired") \
    X(COMMAND_CANCELLED, "cancelled", "已取消", "Cancelled")
LF_ENUM(command_state, COMMAND_STATES);

extern const struct lf_room command_room;

/* The dispatcher. send gives a frame to a station's connection: LF_ENOTFOUND when it has none (lf_listener_send). */
struct command_road {
    lf_rc (*send)(void *user, lf_id station, lf_text frame, struct lf_err *err);
    void *user;
};
/* Before the listener starts: takes up what was open when the program stopped. asked (n of them, lf_release it): what the listener must
 * know from its first packet on, for a device may answer in the moment it connects. */
lf_rc command_resume(struct lf_app *app, struct lf_asked **asked, size_t *n, struct lf_err *err) LF_MUST_CHECK;
lf_rc command_start(const struct command_road *road, struct lf_err *err) LF_MUST_CHECK; /* after command_resume */
void command_stop(void); /* nothing is lost: what is open is taken up at the next start. Fine when it was not started */
/* For the listener's hooks (tele/listener.h): on its loop, so they only note. Also before command_start. */
void command_heard(lf_id station, const struct hj212_packet *p, lf_text raw);
void command_contact(lf_id station, bool connected);
void command_metrics(struct lf_out *o);
#endif
