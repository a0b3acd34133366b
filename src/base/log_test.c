#include "base/log.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char got[8192];

/* What is said meanwhile on standard error; journal: as if that were systemd's. */
static void hear(bool journal, void (*say)(void))
{
    int p[2], was = dup(STDERR_FILENO);
    struct stat s;
    char stream[64];
    assert_int_equal(pipe(p), 0);
    dup2(p[1], STDERR_FILENO);
    fstat(p[1], &s);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino + !journal);
    setenv("JOURNAL_STREAM", stream, 1);
    say();
    dup2(was, STDERR_FILENO);
    close(was);
    close(p[1]);
    ssize_t n = read(p[0], got, sizeof got - 1);
    got[n > 0 ? n : 0] = 0;
    close(p[0]);
}

static void two_lines(void) { lf_log(LF_ERROR, "no %s\nHINT: look for it", "bread"); }
static void a_warning(void) { lf_log(LF_WARN, "rain"); }
static void a_whisper(void) { lf_log(LF_DEBUG, "tick"); }
static void a_flood(void)
{
    char much[5000];
    memset(much, 'x', sizeof much);
    much[sizeof much - 1] = 0;
    lf_log(LF_INFO, "%s", much);
}

static void elsewhere_a_line_has_its_time(void **state)
{
    int year, end = 0;
    hear(false, two_lines);
    assert_int_equal(sscanf(got, "%4d-%*2d-%*2dT%*2d:%*2d:%*d.%*3d+08:00 error no bread\nHINT: look for it\n%n", &year, &end), 1);
    assert_true(end > 0 && !got[end]);
    hear(false, a_whisper);
    assert_string_equal(got, "");
}

static void in_the_journal_each_line_has_its_priority(void **state)
{
    hear(true, two_lines);
    assert_string_equal(got, "<3>error no bread\n<3>HINT: look for it\n");
    hear(true, a_warning);
    assert_string_equal(got, "<4>warn  rain\n");
}

static void what_is_too_long_is_cut(void **state)
{
    hear(true, a_flood);
    assert_int_equal(strncmp(got, "<6>info  xxx", 12), 0);
    assert_true(strlen(got) > 2000 && strlen(got) < 2200);
    assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(elsewhere_a_line_has_its_time),
                                        cmocka_unit_test(in_the_journal_each_line_has_its_priority),
                                        cmocka_unit_test(what_is_too_long_is_cut) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
