/* packet.c - the data segment (HJ 212-2017 §6.3.2 table 3, HJ/T 212-2005 §5.3) and the items of CP (§6.3.3). */
#include "hj212/hj212.h"

#include <stdlib.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_blank(char c) { return (unsigned char)c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n'); }

static lf_text trim_blanks(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    while (p < end && is_blank(end[-1]))
        end--;
    return (lf_text){ p, (uint32_t)(end - p) };
}

static inline lf_text trim(const char *p, const char *end)
{
    if (p < end && (unsigned char)*p > ' ' && (unsigned char)end[-1] > ' ') /* nearly always */
        return (lf_text){ p, (uint32_t)(end - p) };
    return trim_blanks(p, end);
}

/* ---- header fields -------------------------------------------------------------------- */

/* Identifiers are echoed in answers and shown on pages: printable ASCII without the signs of the grammar. Devices use far
 * more than the 24 hex digits of MN and the 6 characters of PW (§13), so form is all that is asked. */
static bool is_word(lf_text t, uint32_t max)
{
    if (t.n == 0 || t.n > max)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == '&' || t.p[i] == '=' || t.p[i] == '#' || t.p[i] == ',')
            return false;
    return true;
}

static bool all_digits(lf_text t, uint32_t least, uint32_t most)
{
    if (t.n < least || t.n > most)
        return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (!is_digit(t.p[i]))
            return false;
    return true;
}

static bool small_number(lf_text t, int max, int *out)
{
    if (!all_digits(t, 1, 4))
        return false;
    int v = 0;
    for (uint32_t i = 0; i < t.n; i++)
        v = v * 10 + (t.p[i] - '0');
    *out = v;
    return v <= max;
}

enum field { F_QN, F_ST, F_CN, F_PW, F_MN, F_FLAG, F_PNUM, F_PNO, F_COUNT };
static const char *const field_name[F_COUNT] = { "QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO" };

static enum field field_of(lf_text name)
{
    static const uint32_t length[F_COUNT] = { 2, 2, 2, 2, 2, 4, 4, 3 };
    for (int i = 0; i < F_COUNT; i++)
        if (name.n == length[i] && memcmp(name.p, field_name[i], 2) == 0 && memcmp(name.p + 2, field_name[i] + 2, name.n - 2) == 0)
            return (enum field)i;
    return F_COUNT; /* RF of 2025 and what vendors add: allowed, not used */
}

/* Splits "A=1;B=2;" into value[]. False on text that is not name=value. *twice: a field that is there more than once. */
static bool read_fields(const char *p, const char *end, lf_text value[F_COUNT], const char **twice)
{
    while (p < end) {
        const char *start = p, *eq = NULL;
        for (; p < end && *p != ';'; p++)
            if (*p == '=' && !eq)
                eq = p;
        lf_text name = trim(start, eq ? eq : p);
        p++;
        if (name.n == 0 && !eq)
            continue;
        if (!eq || name.n == 0)
            return false;
        enum field f = field_of(name);
        if (f == F_COUNT)
            continue;
        if (value[f].p)
            *twice = field_name[f];
        value[f] = trim(eq + 1, p - 1);
    }
    return true;
}

/* CP begins at the first "CP=" of a field, and ends with the last "&&" of the segment, so that header names that occur
 * inside CP (the 9014 of 2005 carries QN and CN there) are never taken for the header. */
static bool split_cp(lf_text s, const char **header_end, lf_text *cp)
{
    const char *end = s.p + s.n, *open = NULL;
    while (end > s.p && (is_blank(end[-1]) || end[-1] == ';'))
        end--;
    for (const char *p = s.p; p + 5 <= end; p++) {
        p = memchr(p, 'C', (size_t)(end - p));
        if (!p || p + 5 > end)
            return false;
        if (memcmp(p, "CP=&&", 5) == 0 && (p == s.p || p[-1] == ';' || is_blank(p[-1]))) {
            open = p;
            break;
        }
    }
    if (!open || end - open < 7 || end[-1] != '&' || end[-2] != '&')
        return false;
    *header_end = open;
    *cp = (lf_text){ open + 5, (uint32_t)(end - 2 - (open + 5)) };
    return true;
}

static bool is_reply(lf_text cn) { return cn.n == 4 && memcmp(cn.p, "901", 3) == 0 && cn.p[3] >= '1' && cn.p[3] <= '4'; }

static const char *bad_field(const lf_text v[F_COUNT], struct hj212_packet *out)
{
    if (out->qn.p && !all_digits(out->qn, 12, 20)) /* 17 digits in §6.3.2; kept as text */
        return "QN";
    if (out->st.p && !is_word(out->st, 8)) /* three digits are seen */
        return "ST";
    if (!all_digits(out->cn, 4, 4))
        return "CN";
    if (out->pw.p && !is_word(out->pw, 64))
        return "PW";
    /* The 9014 of 2005 has no MN; every other packet without one belongs to nobody. */
    if (out->mn.p ? !is_word(out->mn, 64) || lf_text_is(out->mn, "null") : !is_reply(out->cn))
        return "MN";
    if (v[F_FLAG].n && !small_number(v[F_FLAG], 255, &out->flag))
        return "Flag";
    if (v[F_PNUM].n && !small_number(v[F_PNUM], 9999, &out->pnum))
        return "PNUM";
    if (v[F_PNO].n && (!small_number(v[F_PNO], 9999, &out->pno) || (out->pnum && out->pno > out->pnum)))
        return "PNO";
    return NULL;
}

static lf_text or_null(lf_text t) { return t.n ? t : (lf_text){ NULL, 0 }; }

enum hj212_why hj212_parse(lf_text segment, struct hj212_packet *out, const char **bad)
{
    lf_text v[F_COUNT] = { 0 }, cp;
    const char *header_end, *twice = NULL;
    *bad = NULL;
    *out = (struct hj212_packet){ .flag = -1 };
    if (!segment.n || !split_cp(segment, &header_end, &cp)) {
        *bad = "CP";
        return HJ212_GRAMMAR;
    }
    if (!read_fields(segment.p, header_end, v, &twice))
        return HJ212_GRAMMAR;
    out->qn = or_null(v[F_QN]), out->st = or_null(v[F_ST]), out->cn = or_null(v[F_CN]);
    out->pw = or_null(v[F_PW]), out->mn = or_null(v[F_MN]), out->cp = cp;
    *bad = twice ? twice : bad_field(v, out);
    if (*bad)
        return HJ212_FIELD;
    /* §6.3.2: Flag is V5..V0 D A; versions 0 = 2005, 1 = 2017, 2 = 2025. A later one is read as the latest known. */
    int version = out->flag < 0 ? 0 : out->flag >> 2;
    out->version = version == 0 ? 2005 : version == 1 ? 2017 : 2025;
    out->want_ack = out->flag >= 0 && (out->flag & 1);
    /* The examples of 2005 set bit D on packets that are whole, and devices number packets without it: the numbers decide. */
    out->split = out->pnum > 1 && out->pno >= 1;
    return HJ212_GOOD;
}

/* ---- items of CP ------------------------------------------------------------------------ */

/* Log text stands between // and // (§6.3.3, C.43) and may contain ',' and ';'. value is behind the '='. Returns the place
 * behind the closing //, or value itself when this is no such text or it is never closed. */
static const char *skip_log_text(const char *value, const char *end)
{
    if (end - value < 4 || value[0] != '/' || value[1] != '/')
        return value;
    for (const char *q = value + 2; q + 1 < end; q++)
        if (q[0] == '/' && q[1] == '/' && (q + 2 == end || q[2] == ',' || q[2] == ';' || is_blank(q[2])))
            return q + 2;
    return value;
}

/* One item from p on: where its '=' and the last '-' in front of it are (vendor names have dashes of their own), and where
 * it ends: at ',' or ';' or the end of CP. */
struct marks {
    const char *eq, *dash, *stop;
};
static struct marks find_marks(const char *p, const char *end)
{
    struct marks m = { NULL, NULL, NULL };
    static const unsigned char mark[256] = { ['='] = 1, [','] = 1, [';'] = 1, ['-'] = 2 };
    for (unsigned char k; p < end && (k = mark[(unsigned char)*p]) != 1; p++)
        if (k)
            m.dash = p;
    if (p < end && *p == '=') {
        m.eq = p;
        p = skip_log_text(p + 1, end);
        while (p < end && *p != ',' && *p != ';')
            p++;
    }
    m.stop = p;
    return m;
}

bool hj212_next(lf_text cp, size_t *at, struct hj212_item *out, bool *broken)
{
    const char *end = cp.p + cp.n;
    *broken = false;
    while (*at < cp.n) {
        const char *p = cp.p + *at;
        struct marks m = find_marks(p, end);
        *at = (size_t)(m.stop - cp.p) + (m.stop < end);
        lf_text name = trim(p, m.eq ? m.eq : m.stop);
        if (name.n == 0 && !m.eq)
            continue;
        if (name.n == 0 || !m.eq || m.dash == name.p || (m.dash && m.dash + 1 == name.p + name.n)) {
            *broken = true;
            return false;
        }
        out->code = m.dash ? trim(name.p, m.dash) : name;
        out->stat = m.dash ? trim(m.dash + 1, name.p + name.n) : (lf_text){ NULL, 0 };
        out->value = trim(m.eq + 1, m.stop);
        return true;
    }
    return false;
}

lf_text hj212_value(lf_text cp, const char *name)
{
    struct hj212_item it;
    size_t at = 0;
    bool broken;
    while (hj212_next(cp, &at, &it, &broken))
        if (!it.stat.p && lf_text_is(it.code, name))
            return it.value;
    return (lf_text){ NULL, 0 };
}

/* ---- numbers ------------------------------------------------------------------------------ */

static const double power10[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* Fifteen digits or fewer and a power of ten up to 22 are exact doubles, so one division rounds correctly. Longer texts
 * (devices send fifteen decimals, §13) go through the C library, in the C locale that Lanfan never leaves. */
bool hj212_number(lf_text s, double *out)
{
    uint32_t i = 0, digits = 0, decimals = 0;
    uint64_t mantissa = 0;
    bool minus = s.n && s.p[0] == '-', point = false;
    if (s.n == 0 || s.n > 40)
        return false;
    i += s.p[0] == '-' || s.p[0] == '+';
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(s.p[i]))
            return false;
        digits++;
        decimals += point;
        mantissa = digits <= 18 ? mantissa * 10 + (uint64_t)(s.p[i] - '0') : UINT64_MAX;
    }
    if (digits == 0)
        return false;
    double v;
    if (mantissa <= (uint64_t)1 << 53 && decimals < LF_COUNT(power10)) {
        v = (double)mantissa / power10[decimals];
        v = minus ? -v : v;
    } else {
        char text[48] = { 0 };
        memcpy(text, s.p, s.n);
        v = strtod(text, NULL);
    }
    *out = v;
    return true;
}
