/* arena.h - memory that belongs to one request, job or packet batch and is given back at once.
 *
 * malloc is called in src/base/ only. An arena never returns NULL: past its limit, or when the
 * machine has no memory left, the process stops with a message (a request is bounded long before). */
#ifndef LF_BASE_ARENA_H
#define LF_BASE_ARENA_H
#include "base/value.h"

struct lf_arena {
    struct lf_arena_block *head, *spare; /* spare: kept by lf_arena_empty for the next use */
    size_t total;                        /* bytes of the blocks in use */
};

void *lf_alloc(struct lf_arena *a, size_t n); /* zeroed, 16-byte aligned */
void *lf_copy(struct lf_arena *a, const void *p, size_t n);
char *lf_printf(struct lf_arena *a, const char *fmt, ...) LF_PRINTF(2, 3);
char *lf_strn(struct lf_arena *a, lf_text t); /* NUL-terminated copy; "" for a null text */
lf_text lf_text_copy(struct lf_arena *a, lf_text t);
void lf_arena_reset(struct lf_arena *a);              /* keeps one block, of at most 1 MB, for the next use */
void lf_arena_empty(struct lf_arena *a, size_t keep); /* keeps blocks of so many bytes: for what is filled again and again */
void lf_arena_free(struct lf_arena *a);
/* For loops over many rows: what was allocated after the mark is given back. */
struct lf_arena_mark {
    struct lf_arena_block *head;
    size_t used;
};
struct lf_arena_mark lf_arena_here(const struct lf_arena *a);
void lf_arena_back(struct lf_arena *a, struct lf_arena_mark to);

/* Long-lived memory, for the few objects that outlive a request. Never NULL. lf_release(NULL) is fine. */
void *lf_new(size_t n);
void *lf_renew(void *p, size_t n);
char *lf_dup(const char *s);
void lf_release(void *p);

/* Room for one more behind the n elements of `size` bytes at p (NULL: none yet): p, or a longer place with the n in it. *cap is how many
 * fit. a: where it comes from, and the shorter place stays there; NULL: lf_renew. What is behind the n is not zeroed. */
void *lf_longer(struct lf_arena *a, void *p, size_t n, size_t *cap, size_t size);
static inline void *lf_more(struct lf_arena *a, void *p, size_t n, size_t *cap, size_t size)
{
    return n < *cap ? p : lf_longer(a, p, n, cap, size);
}
/* For those who hand a list to a callback: elements of one size in an arena. */
struct lf_list {
    struct lf_arena *a;
    size_t size;
    void *p;
    size_t n, cap;
};
void *lf_list_add(struct lf_list *l); /* the new element, zeroed */
/* From now on what is released stays with the program until lf_trim, so that what comes again and again (a batch, a table that is sealed)
 * finds its pages there. Called once, before there are threads. */
void lf_keep_released(void);
void lf_trim(void); /* gives memory that was released back to the system: after work that needed much, as starting does */
#endif
