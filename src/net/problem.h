/* problem.h - errors as application/problem+json (RFC 9457). */
#ifndef LF_NET_PROBLEM_H
#define LF_NET_PROBLEM_H
#include "net/http.h"

/* Replaces whatever the answer holds by the problem: type, title, status (0 = that of the code), code, detail (in lang), field. */
void lf_problem(struct lf_http_res *res, const struct lf_err *err, enum lf_lang lang, int status);
#endif
