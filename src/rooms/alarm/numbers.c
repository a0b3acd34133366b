/* numbers.c - how many alarms began and ended, and how soon: for /metrics. */
#include "rooms/alarm/parts.h"

#include <stdatomic.h>

static const int64_t bound_ms[] = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 60000 };
static atomic_llong latency[LF_COUNT(bound_ms) + 1], latency_sum, total[NUMBERS];

void numbers_add(enum alarm_number which, int64_t n) { atomic_fetch_add(&total[which], n); }

void numbers_latency(int64_t ms)
{
    size_t i = 0;
    while (i < LF_COUNT(bound_ms) && ms > bound_ms[i])
        i++;
    atomic_fetch_add(&latency[i], 1);
    atomic_fetch_add(&latency_sum, ms > 0 ? ms : 0);
}

void alarm_metrics(struct lf_out *o)
{
    int64_t n = 0;
    lf_putf(o, "# HELP lanfan_alarm_latency_seconds From the arrival of a packet to the commit of the alarm that it began.\n"
               "# TYPE lanfan_alarm_latency_seconds histogram\n");
    for (size_t i = 0; i < LF_COUNT(bound_ms); i++)
        lf_putf(o, "lanfan_alarm_latency_seconds_bucket{le=\"%g\"} %lld\n", (double)bound_ms[i] / 1000, (long long)(n += latency[i]));
    n += latency[LF_COUNT(bound_ms)];
    lf_putf(o,
            "lanfan_alarm_latency_seconds_bucket{le=\"+Inf\"} %lld\nlanfan_alarm_latency_seconds_sum %.3f\n"
            "lanfan_alarm_latency_seconds_count %lld\n",
            (long long)n, (double)latency_sum / 1000, (long long)n);
    lf_putf(o,
            "# TYPE lanfan_alarm_readings_judged_total counter\nlanfan_alarm_readings_judged_total %lld\n"
            "# TYPE lanfan_alarm_begun_total counter\nlanfan_alarm_begun_total %lld\n"
            "# TYPE lanfan_alarm_ended_total counter\nlanfan_alarm_ended_total %lld\n"
            "# HELP lanfan_alarm_failures_total Times that alarms could not be written; they are judged again from the store.\n"
            "# TYPE lanfan_alarm_failures_total counter\nlanfan_alarm_failures_total %lld\n"
            "# HELP lanfan_alarm_rejudged_packets_total Packets judged from the store, after a start or a failure.\n"
            "# TYPE lanfan_alarm_rejudged_packets_total counter\nlanfan_alarm_rejudged_packets_total %lld\n",
            (long long)total[NUMBER_JUDGED], (long long)total[NUMBER_BEGUN], (long long)total[NUMBER_ENDED],
            (long long)total[NUMBER_FAILED], (long long)total[NUMBER_AGAIN]);
}
