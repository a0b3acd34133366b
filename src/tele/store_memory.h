/* store_memory.h - a store for tests: keeps what is committed in memory, and fails as told. */
#ifndef LF_TELE_STORE_MEMORY_H
#define LF_TELE_STORE_MEMORY_H
#include "tele/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct memory_store {
    struct lf_tele_store base;
    atomic_int rc;                                                  /* what commit says; LF_OK = works */
    atomic_int delay_ms;                                            /* how long a commit takes */
    atomic_bool forget;                                             /* count only, keep nothing */
    const char *poison;                                             /* a factor that makes a commit fail for good */
    pthread_mutex_t lock;                                           /* below */
    atomic_size_t npacket, nreading, nreject, nquarantine, commits; /* read by the test at any time */
    size_t cap_packet, cap_reading;
    struct {
        int64_t station, at, received;
        uint64_t hash;
        char *raw; /* id = index + 1 */
        uint32_t n;
        size_t readings;
        char qn[24], cn[8];
    } * packet;
    struct {
        int64_t station, at;
        int kind;
        char factor[40], flag[8];
        double value, vmin, vmax, cou, zs;
        bool flagged;
    } * reading;
    char last_reject[64]; /* "reason detail" */
};
struct memory_store *memory_store_new(void);
void memory_store_free(struct memory_store *m);
double memory_store_value(struct memory_store *m, int64_t station, const char *factor, enum lf_tele_kind kind); /* newest of it; NaN */
#endif
