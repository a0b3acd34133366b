/* res.h - what a record type is: a C struct, a table that describes its members, and the moves it may make.
 *
 * A room states these tables and the few rules that are its own; list, detail, create, edit, moves, clocks, scope, audit,
 * import, export, forms and OpenAPI follow from them. lf_app_start refuses a table that forgets something. */
#ifndef LF_CORE_RES_H
#define LF_CORE_RES_H
#include "db/db.h"

/* ---- closed lists ------------------------------------------------------------------- */

/* Written once as X(NAME, "code", "中文", "English"). The code is what the database and the API know. */
struct lf_item {
    const char *code, *zh, *en;
};
struct lf_dict {
    const char *name;
    const struct lf_item *item;
    unsigned n;
};
#define LF_ENUM_NAME_(n, c, zh, en) n,
#define LF_ENUM_ITEM_(n, c, zh, en) { c, zh, en },
#define LF_ENUM(tag, LIST) \
    enum tag { LIST(LF_ENUM_NAME_) tag##_COUNT }; \
    extern const struct lf_dict tag##_dict
#define LF_ENUM_DICT(tag, LIST) const struct lf_dict tag##_dict = { #tag, (const struct lf_item[]){ LIST(LF_ENUM_ITEM_) }, tag##_COUNT }
bool lf_dict_find(const struct lf_dict *d, lf_text code, unsigned *out);

/* ---- fields ------------------------------------------------------------------------- */

enum {
    LF_REQUIRED = 1 << 0, /* must have a value when the row is written */
    LF_READONLY = 1 << 1, /* set by rules, never by a form */
    LF_ONCE = 1 << 2,     /* may be given at creation only */
    LF_LIST = 1 << 3,     /* shown in lists */
    LF_FILTER = 1 << 4,   /* lists may filter and sort by it */
    LF_SEARCH = 1 << 5,   /* free-text search looks here */
    LF_SCOPED = 1 << 6,   /* the grid code that decides who sees the row */
    LF_TITLE = 1 << 7,    /* what people call the row */
    LF_LONG = 1 << 8,     /* several lines of text */
    LF_SHAPE = 1 << 9,    /* GeoJSON polygon */
    LF_MASKED = 1 << 10,  /* sealed: shown on request only, with the right <res>.reveal, and the look is audited */
    LF_HIDDEN = 1 << 11,  /* never leaves the server */
    LF_BOTH = 1 << 12     /* a text of the program, "中文 | English" (lf_lang_both): a reader is given his half */
};
struct lf_field {
    const char *name, *zh, *en;
    enum lf_type type;
    uint32_t off, size;
    unsigned flags;
    const struct lf_dict *dict; /* enum: one of these; int: a set of these, bit i is item i (at most 62) */
    const char *ref;            /* id: the record type it points at */
    const char *unit;
    double min, max;  /* numbers: range when max > min; text: max bytes when max > 0 (default 4000, LF_LONG 20000, LF_SHAPE 4 MB) */
    const char *help; /* "中文 | English" beside the input */
    const char *zero; /* a number whose 0 is no amount: what it means, "中文 | English" ("不升级 | never") */
};
/* No default branch: a struct member of an unknown C type does not compile. An enum is an unsigned in GNU C. */
#define LF_TYPEOF(e) \
    _Generic((e), lf_id \
             : LF_T_ID, int64_t \
             : LF_T_INT, double \
             : LF_T_REAL, bool \
             : LF_T_BOOL, unsigned \
             : LF_T_ENUM, lf_text \
             : LF_T_TEXT, lf_money \
             : LF_T_MONEY, lf_day \
             : LF_T_DAY, lf_ms \
             : LF_T_MS)
#define LF_FIELD(S, m, zh_, en_, ...) \
    { \
        .name = #m, .zh = zh_, .en = en_, .type = LF_TYPEOF(((S *)0)->m), .off = offsetof(S, m), .size = sizeof(((S *)0)->m), __VA_ARGS__ \
    }

/* ---- writes and rules ------------------------------------------------------------------ */

struct lf_res;
struct lf_verb;
struct lf_file_use {
    lf_text hash, name;
};
/* One write, as rules see it. */
struct lf_change {
    const struct lf_res *res;
    const struct lf_verb *verb; /* NULL: create or edit */
    void *row;                  /* as it will be stored; rules may set members */
    const void *was;            /* as it was; NULL at creation */
    lf_text note;
    const struct lf_file_use *file;
    int nfile;
};
typedef lf_rc (*lf_rule)(struct lf_ctx *cx, struct lf_change *ch);

enum { LF_STAY = -1 }; /* a move that leaves the state as it is */
enum {
    LF_NEED_NOTE = 1,
    LF_NEED_PHOTO = 2,
    LF_DANGER = 4 /* the page asks again */,
    LF_ANYWHERE = 8 /* may take the row out of the actor's own area */
};
struct lf_verb {
    const char *name, *zh, *en;
    unsigned from;     /* bit per state */
    int to;            /* state, or LF_STAY */
    const char *right; /* the part after the dot: "handle" means matter.handle */
    unsigned need;
    const char *const *sets; /* fields that may come with it, NULL-ended; "name!" must come */
    lf_rule guard;           /* may it? */
    lf_rule effect;          /* what else changes, in the same transaction */
    const char *phrases;     /* quick notes: lines of "中文 | English" */
    /* Around the transaction in which a person makes this move: keeps away what must not happen meanwhile, and lets it go on (after the
     * commit, or without one). For whoever has the right to the move; his row is looked at later. When it fails there is nothing to
     * release. */
    lf_rc (*hold)(struct lf_ctx *cx);
    void (*release)(void);
};

/* ---- steps: who acts next, and until when ------------------------------------------------ */

enum lf_unit { LF_NO_LIMIT, LF_MINUTES /* 紧急工作时: round the clock */, LF_WORK_MINUTES /* 工作时 */, LF_WORK_DAYS /* 工作日 */ };
struct lf_limit {
    int n;
    enum lf_unit unit;
};
struct lf_step {
    bool final;        /* nobody has to act any more */
    const char *right; /* whoever acts must have <res>.<right> ... */
    lf_id holder;      /* ... and be this account; 0 = anyone with the right whose scope covers the row */
    struct lf_limit limit;
    bool nested; /* the step before stays open below this one (a delay was asked for) ... */
    bool pause;  /* ... and its clock stands still (挂账) */
};

/* ---- record types -------------------------------------------------------------------------- */

enum { LF_CAN_CREATE = 1, LF_CAN_EDIT = 2, LF_CAN_IMPORT = 4 };
struct lf_res {
    const char *name, *zh, *en; /* table, path, rights and audit topic all carry this name */
    const char *icon;           /* of the menu */
    int menu;                   /* place in the menu, 0 = not in it */
    uint32_t size;
    const struct lf_field *field;
    int nfield; /* the first two are id and version */
    const struct lf_verb *verb;
    int nverb;
    unsigned can;
    const char *unscoped; /* instead of an LF_SCOPED field: why everyone with the right may see all rows */
    const char *sort;     /* default order, "-id" when NULL */
    lf_rule check;        /* whole-row rule before create, edit and move */
    lf_rule saved;        /* after the row is stored, same transaction, id known */
    void (*committed)(struct lf_app *app, const struct lf_change *ch); /* after the commit: rebuild a cache */
    /* What a reader is given of one row, in cx->lang: label[i] is what field i says in words, beside what it holds; texts that no reader
     * may have as they are stored may be replaced. */
    void (*in_words)(struct lf_ctx *cx, void *row, lf_text *label);
    bool trail; /* is the audit trail itself: nobody comments on its rows, and each export of it is an entry */
    /* Who acts on this row now. NULL for types that nobody waits for. */
    lf_rc (*step)(struct lf_ctx *cx, const void *row, struct lf_step *out);
};
/* An int with a dictionary is a set: JSON an array of codes, text the labels joined by ';', a filter finds rows that have any. */
static inline bool lf_field_is_set(const struct lf_field *f) { return f->type == LF_T_INT && f->dict; }
const struct lf_field *lf_res_field(const struct lf_res *r, lf_text name);    /* NULL when absent */
const struct lf_field *lf_res_flagged(const struct lf_res *r, unsigned flag); /* first with that flag, or NULL */
const struct lf_dict *lf_res_states(const struct lf_res *r);                  /* dictionary of field "state", or NULL */
/* NULL, or what is wrong with the table (in a). Called for every type at start-up. */
const char *lf_res_check(struct lf_arena *a, const struct lf_res *r);

/* ---- members, values, JSON and text ---------------------------------------------------------- */

void lf_row_clear(const struct lf_field *f, int n, void *row); /* every member null (bool false, enum 0) */
struct lf_val lf_member(const struct lf_field *f, const void *row);
struct lf_val lf_member_read(const struct lf_field *f, const void *row, enum lf_lang lang); /* as a reader is given it (LF_BOTH) */
lf_rc lf_member_set(struct lf_ctx *cx, const struct lf_field *f, void *row, struct lf_val v) LF_MUST_CHECK;
lf_rc lf_row_fill(struct lf_cur *cur, const struct lf_field *f, int n, void *row) LF_MUST_CHECK; /* columns 0..n-1 */
unsigned lf_row_state(const struct lf_res *r, const void *row);
lf_text lf_row_title(const struct lf_res *r, const void *row, enum lf_lang lang);
lf_text lf_row_title_both(struct lf_arena *a, const struct lf_res *r, const void *row); /* as lf_lang_both makes it; "" when it has none */
lf_text lf_row_grid(const struct lf_res *r, const void *row);
lf_id lf_row_id(const void *row);
bool lf_member_eq(const struct lf_field *f, const void *a, const void *b);

/* ---- what the kernel does with a record ---------------------------------------------------------
 * All of these want an open transaction (write for the last four), check the right, and keep to cx->scope. */

lf_rc lf_res_get(struct lf_ctx *cx, const struct lf_res *r, lf_id id, void *row) LF_MUST_CHECK;

/* One list request. filters: name=value pairs as in doc/api.md; unknown names are refused. */
struct lf_filter {
    lf_text name, value;
};
struct lf_query {
    const struct lf_filter *filter;
    int nfilter;
    lf_text q, sort, after;
    int limit;
};
typedef lf_rc (*lf_row_fn)(void *user, struct lf_ctx *cx, const void *row, const lf_text *ref_label);
/* Calls fn for each row in order; ref_label[i] is the title of what field i points at, or its words (null text when it has neither).
 * limit 0 = all rows, streamed in constant memory. *next: cursor of the following page, null when there is none. */
lf_rc lf_res_each(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, lf_row_fn fn, void *user,
                  lf_text *next) LF_MUST_CHECK;
/* The row whose column is exactly that text, of any scope; the oldest when there are several. LF_ENOTFOUND without a message. */
lf_rc lf_res_find(struct lf_ctx *cx, const struct lf_res *r, const char *column, lf_text is, lf_id *id) LF_MUST_CHECK;
lf_rc lf_res_count(struct lf_ctx *cx, const struct lf_res *r, const struct lf_query *q, int64_t most, int64_t *n) LF_MUST_CHECK;

/* row: a struct whose members the caller (or lf_res_read_json) has set; id, version and times are the kernel's. */
lf_rc lf_res_create(struct lf_ctx *cx, const struct lf_res *r, struct lf_change *ch) LF_MUST_CHECK;
lf_rc lf_res_edit(struct lf_ctx *cx, const struct lf_res *r, lf_id id, int64_t version,
                  lf_rc (*apply)(void *user, struct lf_ctx *cx, void *row), void *user, struct lf_change *ch) LF_MUST_CHECK;
/* version LF_NULL64 = whatever it is now (jobs). */
lf_rc lf_res_move(struct lf_ctx *cx, const struct lf_res *r, lf_id id, int64_t version, const char *verb,
                  lf_rc (*apply)(void *user, struct lf_ctx *cx, const struct lf_verb *v, void *row), void *user,
                  struct lf_change *ch) LF_MUST_CHECK;
/* The verbs that the actor may use on this row now, as a bit set by index. Guards that only look are asked. why (NULL, or one text for
 * each verb): what stands against a move that is the actor's and its turn; null for the others. */
uint64_t lf_res_open_verbs(struct lf_ctx *cx, const struct lf_res *r, void *row, lf_text *why);
/* For rules of rooms that must act beyond the actor's own scope or rights (an alarm opens a matter): runs as the system. */
struct lf_as {
    struct lf_scope scope;
    struct lf_perms perms;
    lf_id actor;
};
struct lf_as lf_as_system(struct lf_ctx *cx);
void lf_as_back(struct lf_ctx *cx, const struct lf_as *before);
lf_rc lf_res_comment(struct lf_ctx *cx, const struct lf_res *r, lf_id id, lf_text note, const struct lf_file_use *file,
                     int nfile) LF_MUST_CHECK;
#endif
