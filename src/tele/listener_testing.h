/* listener_testing.h - a listener over a store in memory, and a device that calls it. For test programs only (cmocka). */
#ifndef LF_TELE_LISTENER_TESTING_H
#define LF_TELE_LISTENER_TESTING_H
#include "base/testing.h"
#include "tele/device.h"
#include "tele/listener.h"
#include "tele/store_memory.h"

#include <stdatomic.h>

extern struct memory_store *store; /* of the test that runs, as all of these */
extern struct lf_listener *listener;
extern struct lf_listener_config config; /* to be changed before start() */
extern atomic_int told_fresh, told_calls, store_down, store_up;

/* Set-up and tear-down of each test. */
int fresh_store(void **state);
int stop(void **state);

struct lf_directory *stations(unsigned tolerate); /* M1 and M2; tolerate: what M1 is forgiven */
void start(void);
struct lf_listener_stats stats(void);
struct device connect_to(int receive_buffer);
const char *now_compact(int64_t shift_ms); /* good for two calls */
/* A 2011 with its own number, so that each is another packet. */
size_t upload(char *out, size_t cap, const char *mn, int number, double v);
void expect_ack(struct device *d, int number);
void expect_nothing(struct device *d);
#endif
