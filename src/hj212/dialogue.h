/* dialogue.h - one command and what comes back: HJ 212-2017 §6.2, §6.5, Annex C. Pure: no socket, and the clock is told.
 *
 *   asked --9011 QnRtn=1--> accepted --9012 ExeRtn=1--> succeeded
 *   asked --9011 else--> failed; accepted --9012 else, or silence--> failed; asked --silence after ReCount re-sends--> silent
 *   a notice (2012, 2022): asked --9013--> succeeded
 *
 * A 9011 that was lost does no harm: data or 9012 with the right QN tell as much. A re-send keeps its QN ("QN identifies one
 * command interaction"), so a device can see that it has it already; whether 2017 means it so it does not say. */
#ifndef LF_HJ212_DIALOGUE_H
#define LF_HJ212_DIALOGUE_H
#include "hj212/command.h"

enum hj212_talk { HJ212_ASKED, HJ212_ACCEPTED, HJ212_SUCCEEDED, HJ212_FAILED, HJ212_SILENT };
enum hj212_todo {
    HJ212_WAIT,    /* nothing to do */
    HJ212_SEND,    /* send the request (again) */
    HJ212_CHANGED, /* state, or the number of packets, has changed */
    HJ212_OVER     /* it has ended: see state */
};
struct hj212_dialogue {
    const struct hj212_command *command;
    char qn[24];
    lf_ms begin, end; /* span that was asked for; LF_NULL64 when none */
    int wait_ms;      /* OverTime */
    int resends;      /* ReCount */
    /* kept by the functions below */
    enum hj212_talk state;
    int tries, packets;
    int qn_rtn, exe_rtn; /* 0 = none came */
    lf_ms due;           /* when silence counts */
};
/* The caller has set the first group; tries 0 for a new one. */
enum hj212_todo hj212_dialogue_begin(struct hj212_dialogue *d, lf_ms now);
enum hj212_todo hj212_dialogue_tick(struct hj212_dialogue *d, lf_ms now);
/* *mine: the packet belongs to this dialogue. */
enum hj212_todo hj212_dialogue_hear(struct hj212_dialogue *d, const struct hj212_packet *p, lf_ms now, bool *mine);
/* The QN that a packet answers: of the header, or in CP as HJ/T 212-2005 Annex C has it. Null when there is none. */
lf_text hj212_reply_qn(const struct hj212_packet *p);
#endif
