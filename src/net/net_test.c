/* Limits of time and space at the HTTP edge, with limits of a second so that each is reached. */
#include "base/testing.h"
#include "net/http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { BIG = 8 << 20 };
static struct lf_http *http;
static atomic_int running, gate;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* "/big" is long, "/hold" waits at the gate and answers with a file, all else tells how long its body was. */
static void handler(void *user, const struct lf_http_req *req, struct lf_http_res *res)
{
    if (lf_text_is(req->path, "/big")) {
        char *p = lf_alloc(req->arena, BIG);
        lf_put(&res->body, p, BIG);
        res->no_compress = true;
    } else if (lf_text_is(req->path, "/hold")) {
        running++;
        while (!gate)
            pause_ms(5);
        res->fd = lf_http_spool(req);
        assert_int_equal(write(res->fd, "held", 4), 4);
        running--;
    } else {
        lf_putf(&res->body, "%llu bytes", (unsigned long long)req->body_len);
    }
}

static bool slow(void *user, const struct lf_http_req *req) { return lf_text_is(req->path, "/hold"); }

static void start(int idle_s, int arrive_s, int read_s)
{
    struct lf_err err = { 0 };
    struct lf_http_config c = { .handler = handler,
                                .slow = slow,
                                .idle_s = idle_s,
                                .arrive_s = arrive_s,
                                .read_s = read_s,
                                .body_max = 4 << 20,
                                .spool_max = 1 << 20 };
    gate = 0;
    assert_int_equal(lf_http_start(&http, &c, &err), LF_OK);
}

static int finish(void **state)
{
    gate = 1;
    lf_http_stop(http);
    http = NULL;
    return 0;
}

static int dial(const char *text)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(lf_http_port(http)), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return fd;
}

/* Sends `byte` every 50 ms until the other end closes; ms since `from`, at most `most`. */
static int64_t trickle_until_closed(int fd, char byte, int64_t from, int most)
{
    while (now_ms() - from < most) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char c;
        if (send(fd, &byte, 1, MSG_NOSIGNAL) < 0 || (poll(&p, 1, 50) > 0 && recv(fd, &c, 1, 0) <= 0))
            break;
    }
    close(fd);
    return now_ms() - from;
}

static size_t ask(const char *request, char *out, size_t cap)
{
    int fd = dial(request);
    size_t n = 0;
    struct timeval wait = { .tv_sec = 20 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (ssize_t k; n < cap - 1 && (k = recv(fd, out + n, cap - 1 - n, 0)) > 0;)
        n += (size_t)k;
    out[n] = 0;
    close(fd);
    return n;
}

static void others_are_served(void)
{
    char b[4096];
    int64_t from = now_ms();
    ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b, sizeof b);
    assert_non_null(strstr(b, "200 OK"));
    assert_in_range(now_ms() - from, 0, 10000); /* the slow ones beside it have 30 s */
}

static bool settle(int64_t open)
{
    for (int i = 0; i < 1200 && lf_http_stats(http).open != open; i++)
        pause_ms(25);
    return lf_http_stats(http).open == open;
}

static void a_header_a_byte_at_a_time_is_cut_off(void **state)
{
    start(1, 60, 60);
    int64_t from = now_ms();
    int fd = dial("GET / HTTP/1.1\r\nHost: x\r\nX: ");
    others_are_served();
    assert_in_range(trickle_until_closed(fd, 'a', from, 40000), 1500, 30000);
    assert_int_equal(lf_http_stats(http).slow, 1);
    from = now_ms();
    fd = dial("GE"); /* nor before the first line is there */
    assert_in_range(trickle_until_closed(fd, 'T', from, 40000), 1500, 30000);
    assert_true(settle(0));
}

static void a_body_a_byte_at_a_time_is_cut_off(void **state)
{
    start(10, 1, 10);
    int64_t from = now_ms();
    int fd = dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    others_are_served();
    assert_in_range(trickle_until_closed(fd, 'a', from, 40000), 900, 30000);
    assert_int_equal(lf_http_stats(http).slow, 1);
    assert_true(settle(0));
}

static void a_silent_connection_is_closed(void **state)
{
    start(1, 60, 60);
    int fd = dial("");
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
    close(fd);
}

static void a_reader_that_does_not_read_is_cut_off(void **state)
{
    start(30, 30, 1);
    int fd = dial("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    others_are_served();
    for (int i = 0; i < 1200 && !lf_http_stats(http).slow; i++)
        pause_ms(25);
    assert_int_equal(lf_http_stats(http).slow, 1);
    assert_true(settle(0));
    close(fd);
}

static void a_reader_that_takes_its_time_gets_all(void **state)
{
    start(30, 30, 1);
    int fd = dial("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    static char b[128 * 1024];
    size_t n = 0;
    for (ssize_t k; (k = recv(fd, b, sizeof b, 0)) > 0; n += (size_t)k)
        pause_ms(60);
    assert_in_range(n, BIG, BIG + 4096);
    assert_int_equal(lf_http_stats(http).slow, 0);
    close(fd);
}

static void bodies_together_have_a_limit(void **state)
{
    start(30, 30, 30);
    static char part[900 * 1024], b[4096];
    int fd = dial("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    memset(part, 'a', sizeof part);
    for (size_t n = 0; n < sizeof part;)
        n += (size_t)send(fd, part + n, sizeof part - n, MSG_NOSIGNAL);
    for (int i = 0; i < 400 && lf_http_stats(http).spooled < (int64_t)sizeof part - 70000; i++)
        pause_ms(25);
    char *second = lf_new(600 * 1024);
    int head = sprintf(second, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n");
    memset(second + head, 'b', 500000);
    ask(second, b, sizeof b);
    assert_non_null(strstr(b, "HTTP/1.1 507"));
    assert_non_null(strstr(b, "\"status\":507"));
    close(fd);
    assert_true(settle(0));
    assert_int_equal(lf_http_stats(http).spooled, 0);
    ask(second, b, sizeof b);
    assert_non_null(strstr(b, "500000 bytes"));
    lf_release(second);
}

static int open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void work_holds_nobody_and_who_leaves_leaves_nothing(void **state)
{
    start(30, 30, 30);
    int before = open_files(), fd[24]; /* nobody is connected: a connection is given up a moment before its file is closed */
    others_are_served();
    for (int i = 0; i < 24; i++)
        fd[i] = dial("GET /hold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    while (!running)
        pause_ms(5);
    for (int i = 0; i < 20; i++)
        others_are_served();
    for (int i = 0; i < 24; i += 2) { /* half of them go, some with a reset */
        struct linger reset = { 1, 0 };
        if (i % 4)
            setsockopt(fd[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd[i]);
    }
    gate = 1;
    for (int i = 1; i < 24; i += 2) {
        char b[4096] = "";
        size_t n = 0;
        for (ssize_t k; n < sizeof b - 1 && (k = recv(fd[i], b + n, sizeof b - 1 - n, 0)) > 0;)
            n += (size_t)k;
        assert_non_null(strstr(b, "\r\n\r\nheld"));
        close(fd[i]);
    }
    assert_true(settle(0));
    for (int i = 0; i < 1200 && open_files() != before; i++) /* the last answers go with their files a moment later */
        pause_ms(25);
    assert_int_equal(open_files(), before);
}

static void *open_gate(void *user)
{
    pause_ms(100);
    gate = 1;
    return NULL;
}

static void a_server_that_stops_ends_its_work(void **state)
{
    start(30, 30, 30);
    int fd[40];
    pthread_t t;
    for (int i = 0; i < 40; i++)
        fd[i] = dial("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!running)
        pause_ms(5);
    pthread_create(&t, NULL, open_gate, NULL);
    lf_http_stop(http);
    http = NULL;
    pthread_join(t, NULL);
    assert_int_equal(running, 0);
    for (int i = 0; i < 40; i++)
        close(fd[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_header_a_byte_at_a_time_is_cut_off, finish),
        cmocka_unit_test_teardown(a_body_a_byte_at_a_time_is_cut_off, finish),
        cmocka_unit_test_teardown(a_silent_connection_is_closed, finish),
        cmocka_unit_test_teardown(a_reader_that_does_not_read_is_cut_off, finish),
        cmocka_unit_test_teardown(a_reader_that_takes_its_time_gets_all, finish),
        cmocka_unit_test_teardown(bodies_together_have_a_limit, finish),
        cmocka_unit_test_teardown(work_holds_nobody_and_who_leaves_leaves_nothing, finish),
        cmocka_unit_test_teardown(a_server_that_stops_ends_its_work, finish),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
