/* metrics.c - the HTTP server's numbers in the text form that monitoring reads. */
#include "net/http.h"

void lf_http_metrics(const struct lf_http *h, struct lf_out *o)
{
    const struct lf_http_stats s = lf_http_stats(h);
    const struct {
        const char *name, *type;
        int64_t v;
    } t[] = {
        { "connections", "gauge", s.open },          { "streams", "gauge", s.streams },          { "spooled_bytes", "gauge", s.spooled },
        { "requests_total", "counter", s.requests }, { "sent_bytes_total", "counter", s.bytes }, { "refused_total", "counter", s.refused },
        { "cut_by_client_total", "counter", s.cut }, { "cut_slow_total", "counter", s.slow },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        lf_putf(o, "# TYPE lanfan_http_%s %s\nlanfan_http_%s %lld\n", t[i].name, t[i].type, t[i].name, (long long)t[i].v);
    lf_putf(o, "# TYPE lanfan_http_responses_total counter\n");
    for (int i = 2; i < 6; i++)
        lf_putf(o, "lanfan_http_responses_total{class=\"%dxx\"} %lld\n", i, (long long)s.by_class[i]);
}
