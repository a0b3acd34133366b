# data/holidays.csv -> C table for base/workcal.c
BEGIN { FS = ","; print "/* made from data/holidays.csv: do not edit */\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\nstruct lf_holiday { int32_t ymd; bool work; const char *name; };\nextern const struct lf_holiday lf_holidays[];\nextern const size_t lf_holiday_count;\nconst struct lf_holiday lf_holidays[] = {" }
NR > 1 { gsub("-", "", $1); printf "    { %d, %s, \"%s | %s\" },\n", $1, $2 == "work" ? "true" : "false", $3, $4; n++ }
END { printf "};\nconst size_t lf_holiday_count = %d;\n", n }
