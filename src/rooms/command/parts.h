/* parts.h - inside the room: what its files share. */
#ifndef LF_ROOMS_COMMAND_PARTS_H
#define LF_ROOMS_COMMAND_PARTS_H
#include "hj212/dialogue.h"
#include "rooms/command/command.h"
#include "rooms/station/station.h"

struct command {
    lf_id id;
    int64_t version;
    lf_text grid_code, title;
    lf_id station_id;
    enum command_kind kind;
    lf_text pol_id;
    int64_t rtd_interval, min_interval;
    lf_ms begin_at, end_at;
    lf_text start_time;
    int64_t sample_hours;
    lf_text info_id, info_value;
    int64_t over_time, re_count;
    lf_text new_pw, new_key;
    lf_ms expires_at;
    enum command_state state;
    int64_t protocol;
    lf_text qn;
    int64_t tries, packets, qn_rtn, exe_rtn;
    lf_text answer, outcome;
    lf_ms sent_at, confirmed_at, ended_at;
    lf_id created_by;
    lf_ms created_at, updated_at;
};
extern const struct lf_res command_res;

/* request.c: a record as a request. */
const struct hj212_command *command_rules(enum command_kind kind);
/* What a person must be allowed: "create" to ask, "set" to change settings, "operate" what moves the device or its password. */
const char *command_right(enum command_kind kind);
/* The fields that each kind must and may have, and whether the caller may give it: what a form asks for. */
lf_rc command_kinds(struct lf_ctx *cx, struct lf_call *c) LF_MUST_CHECK;
void command_request(const struct command *c, int version, struct hj212_request *out); /* without qn, st, pw, mn, now */
lf_rc command_check_fields(struct lf_ctx *cx, const struct command *c, int version) LF_MUST_CHECK;

/* keep.c: what the dispatcher writes. Each is a transaction of its own. */
struct said { /* one packet of a dialogue, not yet stored */
    struct said *next;
    lf_ms at;
    bool outgoing;
    uint32_t n;
    char raw[];
};
struct talk { /* a command that is under way */
    lf_id id, station;
    struct hj212_dialogue d;
    int version;
    lf_text frame;              /* lf_new; what is sent, and sent again */
    enum command_state stored;  /* what the record says */
    struct said *first, **last; /* packets to be stored with the next write */
    size_t nsaid;
    char answer[1024];           /* CP of the answer */
    lf_ms expires, saved, again; /* again: after a failed write, not before */
    bool offline;                /* the frame could not be sent: waits for the station to connect */
    bool counted;                /* tries or packets have changed */
    bool over;
};
enum command_state talk_state(const struct talk *t);
/* The record follows the talk: state, packets, what was learned. LF_ECONFLICT: somebody has cancelled it. */
lf_rc command_keep(struct lf_ctx *cx, struct talk *t) LF_MUST_CHECK;
lf_rc command_read(struct lf_ctx *cx, lf_id id, struct command *out, struct station_device *device, lf_text *st,
                   int *version) LF_MUST_CHECK;
/* A device that took a new password without saying so gives itself away by using it: then it is the station's, in *device too. */
lf_rc command_settle_password(struct lf_ctx *cx, lf_id station, struct station_device *device) LF_MUST_CHECK;
lf_rc command_end(struct lf_ctx *cx, lf_id id, const char *verb, const char *outcome) LF_MUST_CHECK; /* one that never left */

/* talk.c */
void command_look(lf_id cancelled); /* a record was made, or this one cancelled */
#endif
