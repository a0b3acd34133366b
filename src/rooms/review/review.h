/* review.h - 数据审核: what people say about values (mark, correct, put back), and what is computed from them.
 *
 * A value is changed by two persons: one proposes with a reason, another approves. The store keeps what was there before as a correction, and
 * the decision itself as the packet behind the new value, so every value can be followed back to a device or to two names. */
#ifndef LF_ROOMS_REVIEW_REVIEW_H
#define LF_ROOMS_REVIEW_REVIEW_H
#include "core/app.h"
#include "tele/shield.h"
#include "tele/store.h"

#define REVIEW_STATES(X) \
    X(REVIEW_PROPOSED, "proposed", "待审批", "Proposed") \
    X(REVIEW_APPROVED, "approved", "已批准", "Approved") \
    X(REVIEW_APPLIED, "applied", "已生效", "In force") \
    X(REVIEW_REFUSED, "refused", "未批准", "Refused") \
    X(REVIEW_WITHDRAWN, "withdrawn", "已撤回", "Withdrawn")
LF_ENUM(review_state, REVIEW_STATES);

#define REVIEW_ACTIONS(X) \
    X(REVIEW_MARK, "mark", "标记（剔除）", "Mark, so that it does not count") \
    X(REVIEW_CORRECT, "correct", "修正数值", "Correct the value") \
    X(REVIEW_RESTORE, "restore", "恢复为有效", "Count it again")
LF_ENUM(review_action, REVIEW_ACTIONS);

/* X(NAME, flag, 中文, English): flags of HJ 212-2017 table 8 that a person may set. */
#define REVIEW_FLAGS(X) \
    X(REVIEW_FLAG_D, "D", "D 仪器故障", "D instrument fault") \
    X(REVIEW_FLAG_M, "M", "M 维护期间", "M maintenance") \
    X(REVIEW_FLAG_C, "C", "C 校准期间", "C calibration") \
    X(REVIEW_FLAG_F, "F", "F 停运", "F stopped") \
    X(REVIEW_FLAG_T, "T", "T 超量程", "T past the range") \
    X(REVIEW_FLAG_B, "B", "B 通信异常", "B no link") \
    X(REVIEW_FLAG_S, "S", "S 手工输入", "S set by hand")
LF_ENUM(review_flag, REVIEW_FLAGS);

extern const struct lf_res review_res;
extern const struct lf_room review_room;

/* Where values are read and written; the program says it before the first job runs. submit blocks until the batch is durable. */
struct review_road {
    struct lf_tele_store *store;
    lf_rc (*submit)(void *user, struct lf_tele_batch *b, struct lf_err *err);
    void (*protect)(void *user, struct lf_shield *s); /* takes the use of it; in force for every commit that begins afterwards */
    void *user;
};
void review_use(const struct review_road *road);

/* What people have decided about values, for the listener: devices do not replace it. NULL and cx->err on failure. */
struct lf_shield *review_make_shield(struct lf_ctx *cx);
/* Readings that the shield has held back: kept beside the review, and both persons hear of it. */
lf_rc review_on_held(struct lf_ctx *cx, const struct lf_tele_held *h, size_t n) LF_MUST_CHECK;

/* New readings, after their commit: notes which hours and days must be computed (again). No database, any thread. */
void review_on_readings(const struct lf_tele_reading *r, size_t n);
#endif
