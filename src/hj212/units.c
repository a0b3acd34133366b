/* units.c - units of measure that turn into each other by a factor: concentrations in gas and in water, pressures, flows. */
#include "hj212/hj212.h"

enum measure { GAS, WATER, PRESSURE, FLOW };
static const struct {
    const char *name, *plain; /* plain: as keyboards write it; NULL when the same */
    enum measure of;
    double size; /* in the smallest common part, so that all are whole numbers and divide exactly */
} units[] = { { "ng/m³", "ng/m3", GAS, 1 },   { "µg/m³", "ug/m3", GAS, 1e3 },   { "mg/m³", "mg/m3", GAS, 1e6 },
              { "g/m³", "g/m3", GAS, 1e9 },   { "ng/L", NULL, WATER, 1 },       { "µg/L", "ug/L", WATER, 1e3 },
              { "mg/L", NULL, WATER, 1e6 },   { "g/L", NULL, WATER, 1e9 },      { "Pa", NULL, PRESSURE, 1 },
              { "hPa", NULL, PRESSURE, 100 }, { "kPa", NULL, PRESSURE, 1e3 },   { "MPa", NULL, PRESSURE, 1e6 },
              { "L/s", NULL, FLOW, 3600 },    { "m³/s", "m3/s", FLOW, 3600e3 }, { "m³/h", "m3/h", FLOW, 1000 } };

static int find(lf_text t)
{
    for (int i = 0; i < (int)LF_COUNT(units); i++)
        if (lf_text_is(t, units[i].name) || (units[i].plain && lf_text_is(t, units[i].plain)))
            return i;
    return -1;
}

bool hj212_unit_times(lf_text from, lf_text to, double *times)
{
    int a = find(from), b = find(to);
    if (lf_text_eq(from, to)) {
        *times = 1;
        return true;
    }
    if (a < 0 || b < 0 || units[a].of != units[b].of)
        return false;
    *times = units[a].size / units[b].size;
    return true;
}
