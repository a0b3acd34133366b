/* res_check.c - what must be impossible to forget, asked at every start. */
#include "core/res.h"

#include <ctype.h>

static bool good_name(const char *s)
{
    if (!s || !islower((unsigned char)*s))
        return false;
    for (; *s; s++)
        if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

static const char *check_field(struct lf_arena *a, const struct lf_res *r, const struct lf_field *f)
{
    if (!good_name(f->name))
        return lf_printf(a, "%s: a field without a proper name", r->name);
    if (!f->zh || !*f->zh || !f->en || !*f->en)
        return lf_printf(a, "%s.%s: a label in one language is missing", r->name, f->name);
    if (f->type == LF_T_ENUM ? !f->dict : f->dict && !lf_field_is_set(f))
        return lf_printf(a, "%s.%s: an enum needs a dictionary, an int may have one (a set), others have none", r->name, f->name);
    if (lf_field_is_set(f) && f->dict->n > 62)
        return lf_printf(a, "%s.%s: a set has at most 62 items", r->name, f->name);
    if (f->ref && f->type != LF_T_ID)
        return lf_printf(a, "%s.%s: only an id can be a reference", r->name, f->name);
    if ((f->flags & (LF_SCOPED | LF_TITLE | LF_SEARCH | LF_SHAPE | LF_LONG)) && f->type != LF_T_TEXT)
        return lf_printf(a, "%s.%s: this flag is for texts", r->name, f->name);
    if ((f->flags & LF_BOTH) && (f->type != LF_T_TEXT || f->flags & (LF_FILTER | LF_SCOPED | LF_MASKED | LF_SHAPE)))
        return lf_printf(a, "%s.%s: in both languages are texts, and none that lists filter by or that is sealed", r->name, f->name);
    if ((f->flags & LF_MASKED) && (f->flags & (LF_LIST | LF_FILTER | LF_SEARCH | LF_TITLE)))
        return lf_printf(a, "%s.%s: a sealed field cannot be listed, filtered, searched or be the title", r->name, f->name);
    if (f->zero && (lf_field_is_set(f) || (f->type != LF_T_INT && f->type != LF_T_REAL) || !strstr(f->zero, " | ")))
        return lf_printf(a, "%s.%s: what 0 means is said of a number, in both languages", r->name, f->name);
    return NULL;
}

/* Members and fields must cover each other: a member that the table forgot is a run of 8 bytes or more that no field covers. */
static const char *check_layout(struct lf_arena *a, const struct lf_res *r)
{
    unsigned char *seen = lf_alloc(a, r->size);
    for (int i = 0; i < r->nfield; i++)
        for (uint32_t b = 0; b < r->field[i].size; b++) {
            if (r->field[i].off + b >= r->size)
                return lf_printf(a, "%s.%s: outside the struct", r->name, r->field[i].name);
            if (seen[r->field[i].off + b]++)
                return lf_printf(a, "%s.%s: overlaps another field", r->name, r->field[i].name);
        }
    for (uint32_t b = 0, run = 0; b < r->size; b++) {
        run = seen[b] ? 0 : run + 1;
        if (run >= 8)
            return lf_printf(a, "%s: the member at byte %u of the struct is missing from the table", r->name, b - 7);
    }
    return NULL;
}

static const char *check_verb(struct lf_arena *a, const struct lf_res *r, const struct lf_verb *v, const struct lf_dict *states)
{
    static const char *const taken[] = { "create",   "edit",   "comment", "comments", "timeline", "clock",
                                         "escalate", "reveal", "import",  "export",   "read" };
    if (!good_name(v->name) || !v->zh || !v->en)
        return lf_printf(a, "%s: a verb without name or label", r->name);
    for (size_t i = 0; i < LF_COUNT(taken); i++)
        if (!strcmp(v->name, taken[i]))
            return lf_printf(a, "%s.%s: the kernel has this word already", r->name, v->name);
    if (!v->right)
        return lf_printf(a, "%s.%s: a verb needs a right", r->name, v->name);
    if (!v->from || (states->n < 32 && v->from >> states->n))
        return lf_printf(a, "%s.%s: from which states?", r->name, v->name);
    if (v->to != LF_STAY && (v->to < 0 || (unsigned)v->to >= states->n))
        return lf_printf(a, "%s.%s: to which state?", r->name, v->name);
    for (const char *const *s = v->sets; s && *s; s++) {
        lf_text name = lf_str(*s);
        if (name.n && name.p[name.n - 1] == '!')
            name.n--;
        const struct lf_field *f = lf_res_field(r, name);
        if (!f)
            return lf_printf(a, "%s.%s sets %s, which is no field", r->name, v->name, *s);
    }
    return NULL;
}

const char *lf_res_check(struct lf_arena *a, const struct lf_res *r)
{
    if (!good_name(r->name) || !r->zh || !r->en)
        return "a record type without name or label";
    if (r->nfield < 2 || strcmp(r->field[0].name, "id") || r->field[0].type != LF_T_ID || r->field[0].off != 0 ||
        strcmp(r->field[1].name, "version") || r->field[1].type != LF_T_INT)
        return lf_printf(a, "%s: the first two members are lf_id id and int64_t version", r->name);
    const char *bad;
    int scoped = 0, title = 0;
    for (int i = 0; i < r->nfield; i++) {
        if ((bad = check_field(a, r, &r->field[i])))
            return bad;
        scoped += !!(r->field[i].flags & LF_SCOPED);
        title += (r->field[i].flags & (LF_TITLE | LF_LIST)) == (LF_TITLE | LF_LIST);
        for (int k = 0; k < i; k++)
            if (!strcmp(r->field[k].name, r->field[i].name))
                return lf_printf(a, "%s.%s: twice", r->name, r->field[i].name);
    }
    if ((bad = check_layout(a, r)))
        return bad;
    if (scoped + (r->unscoped != NULL) != 1)
        return lf_printf(a, "%s: one LF_SCOPED field, or a reason why there is none", r->name);
    if (title != 1)
        return lf_printf(a, "%s: one LF_TITLE field, and lists have it", r->name);
    const struct lf_dict *states = lf_res_states(r);
    if ((r->nverb || r->step) && !states)
        return lf_printf(a, "%s: moves and steps need an enum field named state", r->name);
    for (int i = 0; i < r->nverb; i++)
        if ((bad = check_verb(a, r, &r->verb[i], states)))
            return bad;
    return r->nverb > 64 ? lf_printf(a, "%s: more than 64 verbs", r->name) : NULL;
}
