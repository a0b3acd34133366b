/* datum.c - coordinate systems of Chinese maps. */
#include "geo/geo.h"

bool lf_point_ok(struct lf_point p) { return isfinite(p.lon) && isfinite(p.lat) && fabs(p.lon) <= 180 && fabs(p.lat) <= 90; }

bool lf_datum_parse(lf_text s, enum lf_datum *out)
{
    static const struct {
        const char *name;
        enum lf_datum d;
    } names[] = { { "EPSG:4490", LF_CGCS2000 }, { "4490", LF_CGCS2000 }, { "CGCS2000", LF_CGCS2000 }, { "cgcs2000", LF_CGCS2000 },
                  { "EPSG:4326", LF_WGS84 },    { "4326", LF_WGS84 },    { "WGS84", LF_WGS84 },       { "wgs84", LF_WGS84 },
                  { "GCJ02", LF_GCJ02 },        { "GCJ-02", LF_GCJ02 },  { "gcj02", LF_GCJ02 } };
    for (size_t i = 0; i < LF_COUNT(names); i++)
        if (lf_text_is(s, names[i].name)) {
            *out = names[i].d;
            return true;
        }
    return false;
}

/* The public formula of the offset, on the Krasovsky 1940 ellipsoid; zero outside China's box. */
static struct lf_point offset(struct lf_point p)
{
    const double pi = 3.14159265358979323846, a = 6378245.0, ee = 0.00669342162296594323;
    if (p.lon < 72.004 || p.lon > 137.8347 || p.lat < 0.8293 || p.lat > 55.8271)
        return (struct lf_point){ 0, 0 };
    double x = p.lon - 105, y = p.lat - 35;
    double wave = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3;
    double dlat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(fabs(x)) + wave +
                  (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3 + (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3;
    double dlon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(fabs(x)) + wave +
                  (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3 + (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3;
    double rad = p.lat / 180 * pi, magic = 1 - ee * sin(rad) * sin(rad), root = sqrt(magic);
    return (struct lf_point){ dlon * 180 / (a / root * cos(rad) * pi), dlat * 180 / (a * (1 - ee) / (magic * root) * pi) };
}

static struct lf_point to_gcj(struct lf_point p)
{
    struct lf_point d = offset(p);
    return (struct lf_point){ p.lon + d.lon, p.lat + d.lat };
}

static struct lf_point from_gcj(struct lf_point g)
{
    struct lf_point p = g;
    for (int i = 0; i < 20; i++) { /* the offset changes slowly: each round gains about four digits */
        struct lf_point t = to_gcj(p);
        double dx = g.lon - t.lon, dy = g.lat - t.lat;
        p.lon += dx;
        p.lat += dy;
        if (fabs(dx) < 1e-10 && fabs(dy) < 1e-10)
            break;
    }
    return p;
}

struct lf_point lf_datum_convert(struct lf_point p, enum lf_datum from, enum lf_datum to)
{
    if ((from == LF_GCJ02) == (to == LF_GCJ02))
        return p; /* CGCS2000 and WGS 84 differ by centimetres */
    return to == LF_GCJ02 ? to_gcj(p) : from_gcj(p);
}

double lf_distance_m(struct lf_point a, struct lf_point b)
{
    const double r = 6371008.8, rad = 3.14159265358979323846 / 180;
    double dlat = (b.lat - a.lat) * rad / 2, dlon = (b.lon - a.lon) * rad / 2;
    double h = sin(dlat) * sin(dlat) + cos(a.lat * rad) * cos(b.lat * rad) * sin(dlon) * sin(dlon);
    return 2 * r * asin(fmin(1, sqrt(h)));
}
