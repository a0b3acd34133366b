/* command.h - what a host may ask of a device, and the packet that asks it. Pure.
 *
 * HJ 212-2017 table 9 and Annex C; HJ/T 212-2005 where it differs; of HJ 212-2025 only what two public implementations agree on. */
#ifndef LF_HJ212_COMMAND_H
#define LF_HJ212_COMMAND_H
#include "hj212/hj212.h"

enum hj212_reply {                      /* what comes between 9011 and 9012 (2017 §6.2, Annex C) */
                   HJ212_REPLY_NONE,    /* nothing */
                   HJ212_REPLY_ANSWER,  /* one packet with the request's QN and CN */
                   HJ212_REPLY_HISTORY, /* packets with the request's CN and QNs of their own, DataTime from BeginTime to EndTime */
                   HJ212_REPLY_NOTICE   /* it is a notice: 9013 ends it, there is neither 9011 nor 9012 */
};
enum hj212_arg { /* fields of CP that a command takes */
                 HJ212_ARG_POLID = 1 << 0,
                 HJ212_ARG_RTD_INTERVAL = 1 << 1, /* number: seconds */
                 HJ212_ARG_MIN_INTERVAL = 1 << 2, /* number: minutes */
                 HJ212_ARG_PERIOD = 1 << 3,       /* start (hhmmss), number: CTime in hours */
                 HJ212_ARG_SPAN = 1 << 4,         /* begin, end */
                 HJ212_ARG_TIMES = 1 << 5,        /* over_time, re_count */
                 HJ212_ARG_NEW_PW = 1 << 6,
                 HJ212_ARG_NEW_KEY = 1 << 7, /* 2025 */
                 HJ212_ARG_INFO = 1 << 8,    /* info_id */
                 HJ212_ARG_VALUE = 1 << 9,   /* value of info_id */
                 HJ212_ARG_NOW = 1 << 10,    /* SystemTime: set when the packet is written */
                 HJ212_ARG_REPORT = 1 << 11  /* start (hhmm), 2005 */
};
struct hj212_command {
    const char *cn;
    enum hj212_reply reply;
    unsigned must, may; /* enum hj212_arg */
    int since, until;   /* version of the standard that knows it; until 0: still */
    const char *cn2005; /* number in 2005 where it is another one, else NULL */
    bool danger;        /* changes what is measured, or who may talk to the device */
    int work_s;         /* ours: how long a device may work between 9011 and 9012; 0 = no longer than the time-out */
};
extern const struct hj212_command hj212_commands[];
extern const size_t hj212_command_count;
const struct hj212_command *hj212_command_find(lf_text cn); /* NULL when the host has no such command */
bool hj212_command_known(const struct hj212_command *c, int version);
const char *hj212_command_cn(const struct hj212_command *c, int version); /* as that version writes it */

struct hj212_request {
    const struct hj212_command *command;
    int version; /* 2005, 2017 or 2025: as the device last spoke */
    lf_text qn, st, pw, mn;
    lf_text pol_id, info_id, value, new_pw, new_key, start; /* null when not given */
    lf_ms begin, end, now;
    int64_t number, over_time, re_count;
};
/* NULL, or the field (as CP calls it) whose value the standard does not allow (2017 table 4). */
const char *hj212_request_wrong(const struct hj212_request *r);
/* The data segment into out[HJ212_SEGMENT_MAX]; 0 when the version does not know the command. */
size_t hj212_request_write(const struct hj212_request *r, char *out);

/* Table 6 and 7: "中文 | English". */
const char *hj212_qn_rtn_text(int code);
const char *hj212_exe_rtn_text(int code);
#endif
