/* statements.h - every statement of the rooms' .sql files, for tests. */
#ifndef LF_ROOMS_STATEMENTS_H
#define LF_ROOMS_STATEMENTS_H
#include "db/db.h"

extern const struct lf_statements *const room_statements[];
extern const size_t room_statement_lists;
#endif
