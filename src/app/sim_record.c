/* sim_record.c - recorded series: what the simulated stations say is what was once measured (data/README.md). */
#include "app/sim.h"
#include "base/arena.h"
#include "fmt/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy(char *out, size_t cap, lf_text t) { snprintf(out, cap, "%.*s", (int)t.n, t.p); }

/* ---- reading ---------------------------------------------------------------------------------------------- */

static lf_rc station_row(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    struct sim_city *city = user;
    if (line == 1 || n < 4 || city->n == SIM_STATIONS)
        return LF_OK;
    struct sim_station *s = &city->station[city->n];
    s->number = city->n++;
    copy(s->name, sizeof s->name, c[0]);
    copy(s->mn, sizeof s->mn, c[1]);
    copy(s->pw, sizeof s->pw, c[2]);
    copy(s->kind, sizeof s->kind, c[3]);
    return LF_OK;
}

static struct sim_station *station_of(struct sim_city *c, lf_text mn)
{
    for (int i = 0; i < c->n; i++)
        if (lf_text_eq(lf_str(c->station[i].mn), mn))
            return &c->station[i];
    return NULL;
}

/* "12.5 13 - 14": a dash stands where nothing was recorded. */
static void read_values(struct sim_series *r, lf_text t)
{
    char word[32];
    r->value = lf_new(SIM_VALUES * sizeof *r->value);
    for (uint32_t at = 0; at < t.n && r->n < SIM_VALUES; at++) {
        uint32_t from = at;
        while (at < t.n && t.p[at] != ' ')
            at++;
        copy(word, sizeof word, (lf_text){ t.p + from, at - from });
        r->value[r->n++] = strcmp(word, "-") ? strtod(word, NULL) : NAN;
    }
}

static lf_rc record_row(void *user, int line, const lf_text *c, int n, struct lf_err *err)
{
    struct sim_city *city = user;
    int64_t step = 0;
    if (line == 1)
        return LF_OK;
    struct sim_station *s = n >= 5 ? station_of(city, c[0]) : NULL;
    if (!s || s->nseries == SIM_SERIES)
        return LF_OK;
    struct sim_series *r = &s->series[s->nseries];
    copy(r->factor, sizeof r->factor, c[1]);
    r->step_h = lf_text_int(c[2], &step) && step < 1000 ? (int)step : 0;
    read_values(r, c[4]);
    s->nseries++;
    if (r->step_h >= 1 && r->n >= 1)
        return LF_OK;
    snprintf(err->msg, sizeof err->msg, "line %d: a record has a step in hours and at least one value", line);
    return LF_EINVAL;
}

static lf_rc read_file(struct sim_city *c, const char *dir, const char *file, lf_table_row row, struct lf_err *err)
{
    char path[4096];
    struct lf_err inner = { 0 };
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(err->msg, sizeof err->msg, "cannot read %.300s: %s\nHINT: start in the project's folder, or say --from DIR", path,
                 strerror(errno));
        return LF_EIO;
    }
    lf_rc rc = lf_table_read(LF_CSV, fd, row, c, &inner);
    close(fd);
    if (rc)
        snprintf(err->msg, sizeof err->msg, "%.200s: %.300s", path, inner.msg);
    return rc;
}

lf_rc sim_city_read(struct sim_city *c, const char *dir, int most, struct lf_err *err)
{
    *c = (struct sim_city){ .station = lf_new(SIM_STATIONS * sizeof *c->station), .speed = 1 };
    lf_rc rc = read_file(c, dir, "stations.csv", station_row, err);
    if (!rc)
        rc = read_file(c, dir, "recorded.csv", record_row, err);
    int n = 0;
    for (int i = 0; i < c->n; i++) /* only those that have something to say */
        if (c->station[i].nseries && (!most || n < most))
            c->station[n++] = c->station[i];
        else
            for (int k = 0; k < c->station[i].nseries; k++)
                lf_release(c->station[i].series[k].value);
    c->n = n;
    return rc;
}

void sim_city_free(struct sim_city *c)
{
    for (int i = 0; i < c->n; i++)
        for (int k = 0; k < c->station[i].nseries; k++)
            lf_release(c->station[i].series[k].value);
    lf_release(c->station);
    *c = (struct sim_city){ 0 };
}

/* ---- playing ---------------------------------------------------------------------------------------------- */

static const int64_t china_ms = 8 * (int64_t)LF_HOUR_MS; /* the records begin at a midnight in China */

static double recorded(const struct sim_series *r, int64_t played_ms)
{
    int64_t step = r->step_h * (int64_t)LF_HOUR_MS, k = played_ms / step;
    double a = r->value[k % r->n];
    if (r->step_h == 1) /* an hour's value is the hour's value */
        return a;
    double b = r->value[(k + 1) % r->n], part = (double)(played_ms % step) / (double)step;
    return isnan(b) ? a : a + (b - a) * part;
}

double sim_moment(const struct sim_city *c, const struct sim_station *s, const struct sim_series *r, lf_ms t)
{
    double played = (double)c->since.ms + (double)(t.ms - c->since.ms) * c->speed;
    double turns = (double)(t.ms % LF_HOUR_MS) / LF_HOUR_MS * 3 + s->number * 0.37 + (double)(r - s->series) * 0.21;
    return recorded(r, (int64_t)played + china_ms) * (1 + 0.02 * sin(turns * 2 * 3.14159265358979));
}

struct sim_mean sim_mean(const struct sim_city *c, const struct sim_station *s, const struct sim_series *r, lf_ms from, int64_t length,
                         int samples)
{
    struct sim_mean m = { NAN, NAN, NAN };
    double sum = 0;
    int n = 0;
    for (int i = 0; i < samples; i++) {
        double v = sim_moment(c, s, r, (lf_ms){ from.ms + length * (2 * i + 1) / (2 * samples) });
        if (isnan(v))
            continue;
        sum += v, n++;
        m.min = fmin(m.min, v); /* of a number and NaN: the number */
        m.max = fmax(m.max, v);
    }
    if (n)
        m.avg = sum / n;
    return m;
}
