#include "rooms/review/emission.h"

#include "base/arena.h"

#include <math.h>

static struct emission_rate rate_of(const struct emission_hour *h, size_t from, size_t to)
{
    struct emission_rate r = { .hours = (int)(to - from) };
    for (size_t i = from; i < to; i++) {
        r.stopped += h[i].state == EMISSION_STOPPED;
        r.missing += h[i].state == EMISSION_MISSING;
    }
    r.qualifies = stack_fill_of(r.hours, r.stopped, r.missing, 1) != STACK_FILL_NONE;
    return r;
}

struct emission_rate emission_substitute(struct emission_hour *h, size_t from, size_t to)
{
    struct emission_rate r = rate_of(h, from, to);
    double *measured = lf_new(to * sizeof *measured + 1);
    for (size_t i = 0; i < to; i++)
        measured[i] = h[i].state == EMISSION_VALID ? h[i].kg : (double)NAN;
    for (size_t i = from, end; i < to; i = end) {
        end = i + 1;
        if (h[i].state != EMISSION_MISSING)
            continue;
        while (end < to && h[end].state == EMISSION_MISSING)
            end++;
        enum stack_fill fill = stack_fill_of(r.hours, r.stopped, r.missing, (int)(end - i));
        double kg = stack_fill_value(fill, measured, (int)i);
        for (size_t k = i; k < end; k++) {
            h[k].fill = fill;
            h[k].kg = kg;
            h[k].gap = (int)(end - i);
        }
    }
    lf_release(measured);
    return r;
}
