#include "net/problem.h"

#include <stdio.h>
#include <unistd.h>

static const struct {
    lf_rc rc;
    int status;
    const char *title;
} table[] = { { LF_EINVAL, 422, "Invalid input" }, { LF_ENOTFOUND, 404, "Not found" },      { LF_EDENIED, 403, "Denied" },
              { LF_ECONFLICT, 409, "Conflict" },   { LF_EDB, 503, "Database unavailable" }, { LF_EIO, 503, "Storage unavailable" },
              { LF_ELOGIN, 401, "Log in first" },  { LF_EBUSY, 429, "Too many requests" },  { LF_ETOOBIG, 413, "Too large" },
              { LF_EBUG, 500, "Internal error" } };
/* What is known before the kernel is asked. */
static const struct {
    int status;
    const char *title;
} early[] = { { 400, "Bad request" }, { 405, "Method not allowed" }, { 415, "Unsupported media type" }, { 507, "No temporary space" } };

static size_t row(lf_rc rc)
{
    for (size_t i = 0; i < LF_COUNT(table); i++)
        if (table[i].rc == rc)
            return i;
    return LF_COUNT(table) - 1;
}

static const char *title_of(int status, const char *usual)
{
    for (size_t i = 0; i < LF_COUNT(early); i++)
        if (early[i].status == status)
            return early[i].title;
    return usual;
}

/* What an operator must know is in the log; a stranger need not read it. */
static lf_text public_text(const struct lf_err *err, enum lf_lang lang)
{
    if (err->rc == LF_EDB || err->rc == LF_EBUG) {
        lf_text t = lf_lang_pick(lf_str(err->msg), lang);
        bool for_people = t.n != strlen(err->msg);
        return for_people      ? t
               : lang == LF_EN ? LF_TEXT("The system cannot do this now, try again later")
                               : LF_TEXT("系统暂时无法处理，请稍后再试");
    }
    return lf_lang_pick(lf_str(err->msg), lang);
}

void lf_problem(struct lf_http_res *res, const struct lf_err *err, enum lf_lang lang, int status)
{
    size_t i = row(err->rc);
    if (res->fd >= 0)
        close(res->fd);
    res->fd = -1;
    res->filename = NULL;
    res->gzip = res->no_compress = false;
    res->etag = (lf_text){ 0 };
    res->cache = NULL;
    lf_out_close(&res->body);
    res->body = lf_out_memory(0);
    res->status = status ? status : table[i].status;
    res->type = "application/problem+json; charset=utf-8";
    struct lf_json j = lf_json_to(&res->body);
    lf_json_obj(&j);
    lf_json_kstr(&j, "type", "about:blank");
    lf_json_kstr(&j, "title", title_of(res->status, table[i].title));
    lf_json_kint(&j, "status", res->status);
    lf_json_kstr(&j, "code", lf_rc_name(err->rc));
    lf_json_ktext(&j, "detail", public_text(err, lang));
    lf_json_kstr(&j, "field", err->field);
    lf_json_end_obj(&j);
}
