#include "fmt/fmt.h"

bool lf_table_kind_parse(lf_text s, enum lf_table_kind *out)
{
    static const char *const names[] = { [LF_CSV] = "csv", [LF_XLSX] = "xlsx", [LF_GEOJSON] = "geojson" };
    for (unsigned i = 0; i < LF_COUNT(names); i++)
        if (lf_text_is(s, names[i])) {
            *out = (enum lf_table_kind)i;
            return true;
        }
    return false;
}

const char *lf_table_mime(enum lf_table_kind k)
{
    return k == LF_CSV       ? "text/csv; charset=utf-8"
           : k == LF_GEOJSON ? "application/geo+json"
                             : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}

const char *lf_sniff(const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    if (n > 3 && b[0] == 0xFF && b[1] == 0xD8 && b[2] == 0xFF)
        return "image/jpeg";
    if (n > 8 && !memcmp(b, "\x89PNG\r\n\x1a\n", 8))
        return "image/png";
    if (n > 12 && !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4))
        return "image/webp";
    if (n > 5 && !memcmp(b, "%PDF-", 5))
        return "application/pdf";
    if (n > 30 && !memcmp(b, "PK\x03\x04", 4) && memmem(b, n, "xl/", 3))
        return lf_table_mime(LF_XLSX);
    return NULL;
}
