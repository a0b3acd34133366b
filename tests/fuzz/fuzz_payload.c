/* Documents with readings: JSON and CSV from HTTP and MQTT. */
#include "fuzz.h"
#include "relay/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct lf_payload_rules rules = { { 1790000000000 }, 600000, 86400000, LF_TELE_RTD };
    char *copy = exact(data, n);
    struct lf_arena a = { 0 };
    struct lf_payload p = { 0 };
    struct lf_err err = { 0 };
    lf_rc rc = lf_payload_read(&a, (lf_text){ copy, (uint32_t)n }, &rules, &p, &err);
    MUST(rc == LF_OK || (rc == LF_EINVAL && err.msg[0]) || (rc == LF_ETOOBIG && err.msg[0]));
    if (rc == LF_OK)
        MUST(p.nrow <= LF_PAYLOAD_ROWS && p.nbad <= LF_PAYLOAD_ROWS + 1);
    for (size_t i = 0; rc == LF_OK && i < p.nrow; i++) {
        const struct lf_payload_row *r = &p.row[i];
        MUST(r->at.ms >= rules.now.ms - rules.age_ms && r->at.ms <= rules.now.ms + rules.ahead_ms);
        MUST(r->factor.n > 0 && !isinf(r->value) && !isinf(r->vmin) && !isinf(r->vmax));
        MUST(!isnan(r->value) || !lf_text_is(r->flag, "N")); /* no value: the flag says why */
    }
    for (size_t i = 0; rc == LF_OK && i < p.nbad; i++)
        MUST(p.bad[i].message && strstr(p.bad[i].message, " | "));
    lf_arena_free(&a);
    lf_release(copy);
    return 0;
}
