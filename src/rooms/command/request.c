/* request.c - a record as a request of the standard, and what is wrong with it. */
#include "rooms/command/parts.h"

const struct hj212_command *command_rules(enum command_kind kind) { return hj212_command_find(lf_str(command_kind_dict.item[kind].code)); }

const char *command_right(enum command_kind kind)
{
    const struct hj212_command *c = command_rules(kind);
    bool asks = c->reply == HJ212_REPLY_ANSWER || c->reply == HJ212_REPLY_HISTORY;
    return c->danger ? "operate" : asks ? "create" : "set";
}

void command_request(const struct command *c, int version, struct hj212_request *out)
{
    const struct hj212_command *rules = command_rules(c->kind);
    *out = (struct hj212_request){ .command = rules,
                                   .version = version,
                                   .pol_id = c->pol_id,
                                   .info_id = c->info_id,
                                   .value = c->info_value,
                                   .new_pw = c->new_pw,
                                   .new_key = c->new_key,
                                   .start = c->start_time,
                                   .begin = c->begin_at,
                                   .end = c->end_at,
                                   .over_time = c->over_time,
                                   .re_count = c->re_count,
                                   .number = rules->must & HJ212_ARG_RTD_INTERVAL   ? c->rtd_interval
                                             : rules->must & HJ212_ARG_MIN_INTERVAL ? c->min_interval
                                                                                    : c->sample_hours };
}

/* Which field of the record each argument is, and by what name the standard calls it. */
static const struct arg {
    unsigned arg;
    const char *cp, *field;
} args[] = {
    { HJ212_ARG_POLID, "PolId", "pol_id" },
    { HJ212_ARG_RTD_INTERVAL, "RtdInterval", "rtd_interval" },
    { HJ212_ARG_MIN_INTERVAL, "MinInterval", "min_interval" },
    { HJ212_ARG_PERIOD, "CstartTime", "start_time" },
    { HJ212_ARG_PERIOD, "CTime", "sample_hours" },
    { HJ212_ARG_REPORT, "ReportTime", "start_time" },
    { HJ212_ARG_SPAN, "BeginTime", "begin_at" },
    { HJ212_ARG_SPAN, "EndTime", "end_at" },
    { HJ212_ARG_TIMES, "OverTime", "over_time" },
    { HJ212_ARG_TIMES, "ReCount", "re_count" },
    { HJ212_ARG_NEW_PW, "NewPW", "new_pw" },
    { HJ212_ARG_NEW_KEY, "NewSK", "new_key" },
    { HJ212_ARG_INFO, "InfoId", "info_id" },
    { HJ212_ARG_VALUE, "Info", "info_value" },
};

static bool given(const struct command *c, const char *field)
{
    const struct lf_field *f = lf_res_field(&command_res, lf_str(field));
    struct lf_val v = lf_member(f, c);
    return !v.null && (v.t != LF_T_TEXT || v.s.n);
}

static void put_fields(struct lf_json *j, const char *key, unsigned arg)
{
    lf_json_key(j, key);
    lf_json_arr(j);
    for (size_t i = 0; i < LF_COUNT(args); i++)
        if (args[i].arg & arg)
            lf_json_str(j, args[i].field);
    lf_json_end_arr(j);
}

lf_rc command_kinds(struct lf_ctx *cx, struct lf_call *c)
{
    lf_json_obj(&c->j);
    lf_json_key(&c->j, "items");
    lf_json_arr(&c->j);
    for (unsigned k = 0; k < command_kind_COUNT; k++) {
        const struct hj212_command *rules = command_rules(k);
        lf_json_obj(&c->j);
        lf_json_kstr(&c->j, "kind", command_kind_dict.item[k].code);
        lf_json_kstr(&c->j, "right", command_right(k));
        lf_json_kbool(&c->j, "allowed", lf_may(cx, "command", command_right(k)));
        put_fields(&c->j, "must", rules->must);
        put_fields(&c->j, "may", rules->may & ~rules->must);
        lf_json_end_obj(&c->j);
    }
    lf_json_end_arr(&c->j);
    lf_json_end_obj(&c->j);
    return LF_OK;
}

/* A field that the command does not take was meant for another command: better said than dropped. */
static lf_rc check_strays(struct lf_ctx *cx, const struct command *c, unsigned takes)
{
    for (size_t i = 0; i < LF_COUNT(args); i++) {
        bool taken = false;
        for (size_t k = 0; k < LF_COUNT(args); k++)
            taken = taken || (!strcmp(args[k].field, args[i].field) && args[k].arg & takes);
        if (!taken && given(c, args[i].field))
            return lf_fail(cx, LF_EINVAL, args[i].field, "“%s”没有这个参数 | “%s” does not take this", command_kind_dict.item[c->kind].zh,
                           command_kind_dict.item[c->kind].en);
    }
    return LF_OK;
}

lf_rc command_check_fields(struct lf_ctx *cx, const struct command *c, int version)
{
    struct hj212_request r;
    command_request(c, version, &r);
    if (!hj212_command_known(r.command, version))
        return lf_fail(cx, LF_EINVAL, "kind",
                       "该站点使用的 %d 版协议没有这条命令 | the device speaks version %d, which has no such command", version, version);
    lf_rc rc = check_strays(cx, c, r.command->must | r.command->may);
    const char *bad = rc ? NULL : hj212_request_wrong(&r);
    for (size_t i = 0; bad && i < LF_COUNT(args); i++)
        if (!strcmp(args[i].cp, bad))
            return lf_fail(cx, LF_EINVAL, args[i].field,
                           "%s 缺失或超出标准允许的范围（HJ 212-2017 表 4） | %s is missing or not what the standard allows (HJ 212-2017 "
                           "table 4)",
                           bad, bad);
    return rc;
}
