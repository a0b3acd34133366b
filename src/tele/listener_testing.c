#include "tele/listener_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct memory_store *store;
struct lf_listener *listener;
struct lf_listener_config config;
atomic_int told_fresh, told_calls, store_down, store_up;

static void on_readings(void *user, const struct lf_tele_reading *r, size_t n)
{
    atomic_fetch_add(&told_calls, 1);
    for (size_t i = 0; i < n; i++)
        atomic_fetch_add(&told_fresh, r[i].fresh);
}

static void on_store(void *user, const struct lf_err *err) { atomic_fetch_add(err ? &store_down : &store_up, 1); }

struct lf_directory *stations(unsigned tolerate)
{
    struct lf_tele_station list[] = {
        { .id = { 1 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3301"), .tolerate = tolerate },
        { .id = { 2 }, .mn = LF_TEXT("M2"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3302") },
    };
    return lf_directory_make(list, LF_COUNT(list));
}

void start(void)
{
    struct lf_err err = { 0 };
    config.store = &store->base;
    config.directory = config.directory ? config.directory : stations(0);
    config.on_readings = on_readings;
    config.on_store = on_store;
    if (lf_listener_start(&listener, &config, &err) != LF_OK)
        fail_msg("%s", err.msg);
}

int fresh_store(void **state)
{
    store = memory_store_new();
    config = (struct lf_listener_config){ .host = "127.0.0.1" };
    told_fresh = told_calls = store_down = store_up = 0;
    return 0;
}

int stop(void **state)
{
    lf_listener_stop(listener);
    listener = NULL;
    memory_store_free(store);
    return 0;
}

struct lf_listener_stats stats(void) { return lf_listener_stats(listener); }

struct device connect_to(int receive_buffer)
{
    struct device d;
    assert_true(device_open(&d, "127.0.0.1", lf_listener_port(listener), receive_buffer));
    return d;
}

const char *now_compact(int64_t shift_ms)
{
    static char t[2][32];
    static int i;
    i = !i;
    return lf_ms_compact(t[i], (lf_ms){ lf_now().ms + shift_ms });
}

size_t upload(char *out, size_t cap, const char *mn, int number, double v)
{
    return device_frame(out, cap, "QN=20240311%09d;ST=32;CN=2011;PW=123456;MN=%s;Flag=5;CP=&&DataTime=%s;w01018-Rtd=%g,w01018-Flag=N&&",
                        number, mn, now_compact(-(int64_t)(number % 80000000) * 1000), v);
}

void expect_ack(struct device *d, int number)
{
    char got[1100] = "nothing", want[200];
    snprintf(want, sizeof want, "QN=20240311%09d;ST=91;CN=9014;PW=123456;MN=M1;Flag=4;CP=&&&&", number);
    device_answer(d, got, sizeof got, PATIENCE_MS);
    assert_string_equal(got, want);
}

void expect_nothing(struct device *d)
{
    char got[1100];
    if (device_answer(d, got, sizeof got, 80))
        fail_msg("an answer that must not be: %s", got);
}
