#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <malloc.h>
#include <stdlib.h>

/* The first block is small; an arena that grows gets blocks as large as all it has, so that a large one has few of them. */
enum { BLOCK = 16 * 1024, BLOCK_MAX = 1024 * 1024 };
/* No request, job or batch of Lanfan needs this much; reaching it is a bug worth a core file. */
static const size_t ARENA_MAX = (size_t)1 << 31;

struct lf_arena_block {
    struct lf_arena_block *next;
    size_t used, cap;
    _Alignas(16) char data[];
};

static _Noreturn void no_memory(size_t n)
{
    fprintf(stderr, "fatal: no memory for %zu bytes\nHINT: give the machine more memory or lower the limits in lanfan.conf\n", n);
    abort();
}

void *lf_new(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        no_memory(n);
    return p;
}

void *lf_renew(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        no_memory(n);
    return q;
}

char *lf_dup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(lf_new(n), s, n);
}

void lf_release(void *p) { free(p); }

/* A block with room for n bytes, in front of the others. */
static struct lf_arena_block *add_block(struct lf_arena *a, size_t n)
{
    struct lf_arena_block *b = a->spare;
    if (b && b->cap >= n) {
        a->spare = b->next;
    } else {
        size_t cap = a->total < BLOCK ? BLOCK : a->total < BLOCK_MAX ? a->total : BLOCK_MAX;
        cap = n > cap ? n : cap;
        if (a->total + cap > ARENA_MAX)
            no_memory(cap);
        b = malloc(sizeof *b + cap);
        if (!b)
            no_memory(cap);
        b->cap = cap;
    }
    b->used = 0;
    b->next = a->head;
    a->head = b;
    a->total += b->cap;
    return b;
}

/* Not zeroed: for what is written at once. */
static inline void *take(struct lf_arena *a, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    struct lf_arena_block *b = a->head;
    if (!b || b->cap - b->used < n)
        b = add_block(a, n);
    void *p = b->data + b->used;
    b->used += n;
    return p;
}

void *lf_alloc(struct lf_arena *a, size_t n) { return memset(take(a, n), 0, n); }

void *lf_copy(struct lf_arena *a, const void *p, size_t n)
{
    void *q = take(a, n);
    return n ? memcpy(q, p, n) : q;
}

char *lf_printf(struct lf_arena *a, const char *fmt, ...)
{
    va_list ap, aq;
    assert(fmt);
    va_start(ap, fmt);
    va_copy(aq, ap);
    int n = vsnprintf(NULL, 0, fmt, aq);
    va_end(aq);
    if (n < 0)
        n = 0;
    char *s = lf_alloc(a, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

char *lf_strn(struct lf_arena *a, lf_text t)
{
    char *s = take(a, (size_t)t.n + 1);
    if (t.n)
        memcpy(s, t.p, t.n);
    s[t.n] = '\0';
    return s;
}

lf_text lf_text_copy(struct lf_arena *a, lf_text t)
{
    if (!t.p)
        return t;
    return (lf_text){ lf_strn(a, t), t.n };
}

static void free_blocks(struct lf_arena_block *b)
{
    for (struct lf_arena_block *next; b; b = next) {
        next = b->next;
        free(b);
    }
}

void lf_arena_reset(struct lf_arena *a)
{
    struct lf_arena_block *b = a->head, *keep = NULL; /* the newest is the largest, unless something huge is in between */
    while (b) {
        struct lf_arena_block *next = b->next;
        if (!keep && b->cap <= BLOCK_MAX)
            keep = b;
        else
            free(b);
        b = next;
    }
    if (keep) {
        keep->used = 0;
        keep->next = NULL;
    }
    free_blocks(a->spare);
    *a = (struct lf_arena){ .head = keep, .total = keep ? keep->cap : 0 };
}

void lf_arena_empty(struct lf_arena *a, size_t keep)
{
    struct lf_arena empty = { .spare = a->spare };
    for (struct lf_arena_block *b = a->spare; b; b = b->next)
        keep -= b->cap < keep ? b->cap : keep;
    for (struct lf_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        if (b->cap <= keep && b->cap <= BLOCK_MAX) { /* a huge one is of one use only */
            keep -= b->cap;
            b->next = empty.spare;
            empty.spare = b;
        } else {
            free(b);
        }
    }
    *a = empty;
}

void lf_arena_free(struct lf_arena *a)
{
    free_blocks(a->head);
    free_blocks(a->spare);
    *a = (struct lf_arena){ 0 };
}

struct lf_arena_mark lf_arena_here(const struct lf_arena *a) { return (struct lf_arena_mark){ a->head, a->head ? a->head->used : 0 }; }

void lf_arena_back(struct lf_arena *a, struct lf_arena_mark to)
{
    while (a->head != to.head) {
        struct lf_arena_block *next = a->head->next;
        a->total -= a->head->cap;
        free(a->head);
        a->head = next;
    }
    if (a->head)
        a->head->used = to.used;
}

void *lf_longer(struct lf_arena *a, void *p, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap * 2 : 32;
    if (!a) {
        p = lf_renew(p, more * size);
    } else {
        void *to = lf_alloc(a, more * size);
        if (n)
            memcpy(to, p, n * size);
        p = to;
    }
    *cap = more;
    return p;
}

void *lf_list_add(struct lf_list *l)
{
    l->p = lf_more(l->a, l->p, l->n, &l->cap, l->size);
    return memset((char *)l->p + l->n++ * l->size, 0, l->size);
}

void lf_keep_released(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

void lf_trim(void) { malloc_trim(0); }
