/* source.h - 污染源: who discharges what, where, under which permit. */
#ifndef LF_ROOMS_SOURCE_SOURCE_H
#define LF_ROOMS_SOURCE_SOURCE_H
#include "core/app.h"

/* 排污许可管理条例 (2021-03-01) art. 2: three classes of management. */
#define SOURCE_PERMITS(X) \
    X(SOURCE_NONE, "none", "无", "None") \
    X(SOURCE_KEY, "key", "重点管理", "Key") \
    X(SOURCE_SIMPLE, "simple", "简化管理", "Simplified") \
    X(SOURCE_REGISTER, "register", "登记管理", "Registered")
LF_ENUM(source_permit, SOURCE_PERMITS);
extern const struct lf_res source_res;
extern const struct lf_room source_room;
#endif
