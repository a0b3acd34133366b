/* metrics.c - the listener's numbers in the text form that monitoring reads. */
#include "tele/listener.h"

const int64_t lf_tele_bounds_us[LF_TELE_BOUNDS] = { 100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                                    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000 };

static void times(struct lf_out *o, const char *name, const struct lf_tele_times *t)
{
    int64_t n = 0;
    lf_putf(o, "# TYPE lanfan_telemetry_%s_seconds histogram\n", name);
    for (int i = 0; i < LF_TELE_BOUNDS; i++) {
        n += t->below[i];
        lf_putf(o, "lanfan_telemetry_%s_seconds_bucket{le=\"%g\"} %lld\n", name, (double)lf_tele_bounds_us[i] / 1e6, (long long)n);
    }
    n += t->below[LF_TELE_BOUNDS];
    lf_putf(o, "lanfan_telemetry_%s_seconds_bucket{le=\"+Inf\"} %lld\nlanfan_telemetry_%s_seconds_sum %.6f\n", name, (long long)n, name,
            (double)t->sum_us / 1e6);
    lf_putf(o, "lanfan_telemetry_%s_seconds_count %lld\n", name, (long long)n);
}

static void one(struct lf_out *o, const char *name, const char *type, int64_t v)
{
    lf_putf(o, "# TYPE lanfan_telemetry_%s %s\nlanfan_telemetry_%s %lld\n", name, type, name, (long long)v);
}

void lf_listener_metrics(const struct lf_listener_stats *s, struct lf_out *o)
{
    const struct {
        const char *name, *type;
        int64_t v;
    } t[] = {
        { "connections", "gauge", s->connections },
        { "connections_accepted_total", "counter", s->accepted },
        { "connections_turned_away_total", "counter", s->turned_away },
        { "connections_closed_idle_total", "counter", s->closed_idle },
        { "connections_closed_slow_total", "counter", s->closed_slow },
        { "received_bytes_total", "counter", s->bytes },
        { "frames_good_total", "counter", s->frames },
        { "quarantined_total", "counter", s->quarantined },
        { "evidence_dropped_total", "counter", s->evidence_dropped },
        { "tolerated_total", "counter", s->tolerated },
        { "decrypted_total", "counter", s->sealed },
        { "replies_total", "counter", s->replies },
        { "heartbeats_total", "counter", s->heartbeats },
        { "packets_stored_total", "counter", s->packets },
        { "readings_stored_total", "counter", s->readings },
        { "corrections_total", "counter", s->corrections },
        { "duplicates_total", "counter", s->duplicates },
        { "acknowledged_total", "counter", s->acknowledged },
        { "unknown_statistics_total", "counter", s->unknown_stats },
        { "bad_values_total", "counter", s->bad_values },
        { "commits_total", "counter", s->commits },
        { "commit_failures_total", "counter", s->commit_failures },
        { "last_commit_microseconds", "gauge", s->last_commit_us },
        { "last_batch_packets", "gauge", s->last_batch },
        { "commands_sent_total", "counter", s->sent },
        { "commands_lost_total", "counter", s->send_lost },
        { "submitted_total", "counter", s->submitted },
        { "submit_failures_total", "counter", s->submit_failures },
        { "batch_filling_packets", "gauge", s->filling_packets },
        { "batch_filling_bytes", "gauge", s->filling_bytes },
        { "connections_stalled", "gauge", s->stalled },
        { "events_waiting_batches", "gauge", s->events_waiting },
        { "submitters_waiting", "gauge", s->submit_waiting },
        { "store_failing", "gauge", s->failing },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++)
        one(o, t[i].name, t[i].type, t[i].v);
    times(o, "commit", &s->commit);
    times(o, "acknowledge", &s->ack);
    lf_put_str(o, "# TYPE lanfan_telemetry_refused_total counter\n");
    for (unsigned w = 1; w < LF_TELE_WHY_COUNT; w++)
        lf_putf(o, "lanfan_telemetry_refused_total{reason=\"%s\"} %lld\n", lf_tele_why_name((enum lf_tele_why)w), (long long)s->refused[w]);
    lf_put_str(o, "# TYPE lanfan_telemetry_tolerated_uses_total counter\n");
    for (unsigned i = 0; i < LF_TOLERATE_COUNT; i++)
        lf_putf(o, "lanfan_telemetry_tolerated_uses_total{deviation=\"%s\"} %lld\n", lf_tele_tolerate_name(i),
                (long long)s->tolerated_by[i]);
}
