/* What is remembered of stations never changes what comes of a packet: the frames of the standards and of public code, and changes of them
 * by a generator with a fixed seed, are judged with and without it. */
#include "base/random_testing.h"
#include "tele/twin_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { BASES = 200, TEXT = HJ212_SEGMENT_MAX, ROUNDS = 60000 };

static char bases[BASES][TEXT + 1];
static int nbase;
static struct twin twin;

/* ---- packets ------------------------------------------------------------------------------------ */

static const char *const more[] = {
    "QN=20240311115959123;ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240311115900;w01018-Rtd=40.1,w01018-Flag=N;w01001-Rtd=7.5,"
    "w01001-Flag=N;w00000-Rtd=17.55,w00000-Flag=D;a34004-Rtd=35,a34004-Flag=N;a21026-Rtd=-8.25,a21026-Flag=N&&",
    "QN=20240311115959123;ST=31;CN=2061;PW=123456;MN=M2;Flag=5;CP=&&DataTime=20240311080000;a34013-Min=3.1,a34013-Avg=4.2,a34013-Max=5.3,"
    "a34013-ZsMin=3.4,a34013-ZsAvg=4.6,a34013-ZsMax=5.8,a34013-Cou=1.25,a34013-Flag=N;a34002-Avg=0.05,a34002-Flag=N;011-Avg=231.0&&",
    "ST=32;CN=2011;PW=123456;MN=M3;CP=&&DataTime=20240311115900;011-Rtd=231.0,011-Flag=N;020-Rtd=0.002;SO2-Rtd=1;ele01-Rtd=1;PM10-Rtd=50&&",
    "QN=20240311115959123;ST=23;CN=2031;PW=123456;MN=M4;Flag=5;CP=&&DataTime=20240310000000;Leq-Data=50.0;Leq-DayData=53.0;"
    "Leq-NightData=45.0;LA-td=50.1;Flag=N&&",
    "QN=20240311115959123;ST=32;CN=2061;PW=123456;MN=M1;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20240311080000;w01001-Avg=7.5&&",
    "QN=20240311115959123;ST=22;CN=3020;PW=123456;MN=M2;Flag=5;CP=&&DataTime=20240311115900;PolId=w01018;i11001-Info=//a,b;//&&",
    "QN=20240311115959123;ST=22;CN=2011;PW=123456;MN=M5;Flag=5;CP=&&DataTime=20240311115900;w01018-Rtd=--,w01018-Flag=B;x-Rtd=//1,2//&&",
};

static void load(void)
{
    static char line[2048];
    FILE *f = fopen(getenv("HJ212_FRAMES"), "r");
    assert_non_null(f);
    while (nbase < BASES - (int)LF_COUNT(more) && fgets(line, sizeof line, f)) {
        char *text = strrchr(line, '\t');
        size_t n = text ? strcspn(text, "\n") : 0;
        if (line[0] != '#' && strstr(line, "\tgood\t") && n > 13 && n - 11 <= TEXT)
            snprintf(bases[nbase++], TEXT + 1, "%.*s", (int)(n - 11), text + 7);
    }
    fclose(f);
    assert_true(nbase > 50);
    for (size_t i = 0; i < LF_COUNT(more); i++)
        snprintf(bases[nbase++], TEXT + 1, "%s", more[i]);
}

/* Every MN of the samples is a station; what it is allowed depends on its number and on `kind`. */
static struct lf_directory *stations(unsigned kind)
{
    static const struct lf_tele_scale scales[][2] = { { { { "a34002", 6 }, 1000, { NULL, 0 } }, { { "w01018", 6 }, 0.001, { NULL, 0 } } },
                                                      { { { "a34002", 6 }, 10, { NULL, 0 } }, { { "x", 1 }, 7, { NULL, 0 } } } };
    static struct lf_tele_station list[BASES];
    for (int i = 0; i < nbase; i++) {
        unsigned k = (unsigned)i * 7 + kind;
        const char *mn = strstr(bases[i], "MN="), *pw = strstr(bases[i], "PW=");
        list[i] = (struct lf_tele_station){ .id = { i + 1 + (int)kind },
                                            .mn = mn ? (lf_text){ mn + 3, (uint32_t)strcspn(mn + 3, ";") } : LF_TEXT("none"),
                                            .grid_code = k % 3 ? LF_TEXT("3703") : LF_TEXT("370305"),
                                            .tolerate = k % 4 == 1   ? LF_TOLERATE_UG
                                                        : k % 4 == 2 ? LF_TOLERATE_MG | LF_TOLERATE_ACK
                                                        : k % 4 == 3 ? LF_TOLERATE_PW | LF_TOLERATE_PLAIN
                                                                     : 0,
                                            .disabled = k % 29 == 28,
                                            .scale = scales[k % 2],
                                            .nscale = k % 5 < 3 ? k % 5 : 0 };
        if (pw && k % 3)
            list[i].pw = (lf_text){ pw + 3, (uint32_t)strcspn(pw + 3, ";") };
        if (k % 17 == 16)
            list[i].key = LF_TEXT("0123456789abcdef");
    }
    return lf_directory_make(list, (size_t)nbase);
}

/* ---- changes --------------------------------------------------------------------------------------- */

static void put_in(char *s, size_t at, size_t out, const char *word)
{
    size_t n = strlen(s), in = strlen(word);
    if (at + out > n || n - out + in > TEXT)
        return;
    memmove(s + at + in, s + at + out, n - at - out + 1);
    memcpy(s + at, word, in);
}

/* Digits of QN and of all values, here and there how many of them: what differs between two packets of an ordinary device. DataTime
 * keeps its date mostly, or hardly any packet would be taken. */
static void other_values(char *s)
{
    static const char *const values[] = { "0",  "7.5", "-3.2",    "12345.678", "--", "",    "NaN",
                                          ".5", "5.",  "1234567", "99999999",  "+1", "1e5", "0.000000000000001",
                                          " 1", "1 ",  "//",      "//a,b//",   ".",  "-.",  "1.2.3",
                                          "N",  "D",   "n",       "NN",        "@",  "=",   "1-2" };
    bool date = false;
    char *cp = strstr(s, "CP=&&");
    for (char *p = cp ? cp + 5 : s + strlen(s), *value = NULL; *p; p++) {
        if (*p == ',' || *p == ';')
            value = NULL;
        if (p[-1] == '=' && !value) {
            value = p;
            date = p - cp > 14 - 1 && strncmp(p - 9, "DataTime=", 9) == 0;
            if (pick(40) == 0)
                put_in(s, (size_t)(p - s), strcspn(p, ",;&"), values[pick(LF_COUNT(values))]);
        }
        if (value && *p >= '0' && *p <= '9' && pick(3) == 0 && (!date || p - value > 11 || pick(50) == 0))
            *p = (char)('0' + pick(10));
    }
    for (int i = 0; strncmp(s, "QN=", 3) == 0 && s[3 + i] >= '0' && s[3 + i] <= '9'; i++)
        s[3 + i] = (char)('0' + pick(10));
}

/* One change of another kind, anywhere. */
static void change(char *s)
{
    static const char *const words[] = { ";",
                                         ",",
                                         "=",
                                         "-",
                                         "&&",
                                         "&",
                                         " ",
                                         "//",
                                         "-Rtd",
                                         "Flag=N",
                                         ",,",
                                         ";;",
                                         "\r",
                                         "#",
                                         "\xff",
                                         "CP=&&",
                                         "QN=1;",
                                         "DataTime=",
                                         "w01018-Rtd=1",
                                         ";Flag=D",
                                         "-Flag",
                                         "-Avg=1;",
                                         "'",
                                         "PNO=1;",
                                         "x",
                                         "0",
                                         "/",
                                         "CN=2011",
                                         "Flag=5;PNUM=3;PNO=2;" };
    size_t n = strlen(s), at = pick((unsigned)n + 1), other = at + pick(30);
    switch (pick(6)) {
    case 0: put_in(s, at, 0, words[pick(LF_COUNT(words))]); break;
    case 1: put_in(s, at, pick(4), ""); break;
    case 2: put_in(s, at, 1, words[pick(LF_COUNT(words))]); break;
    case 3: /* an item goes */ put_in(s, at, strcspn(s + at, ";,") + 1, ""); break;
    case 4: /* two places change */
        if (other < n) {
            char c = s[at];
            s[at] = s[other], s[other] = c;
        }
        break;
    default: /* a piece comes twice */
        if (other < n) {
            char piece[40];
            snprintf(piece, sizeof piece, "%.*s", (int)(other - at), s + at);
            put_in(s, at, 0, piece);
        }
    }
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static void both(const struct lf_directory *d, const char *s, unsigned needs, bool sealed)
{
    struct lf_admit in = { .directory = d,
                           .frame = lf_str(s),
                           .segment = lf_str(s),
                           .peer = LF_TEXT("10.0.0.1"),
                           .needs = needs,
                           .sealed = sealed,
                           .ahead_ms = LF_DAY_MS,
                           .age_ms = 400LL * 366 * LF_DAY_MS };
    assert_true(lf_ms_parse_compact(LF_TEXT("20300101000000"), &in.now));
    const char *what = twin_admit(&twin, &in);
    if (!what && twin.remembered.npacket % 64 == 0)
        what = twin_batches(&twin);
    if (what)
        fail_msg("%s is not the same for %s", what, s);
    if (twin.remembered.npacket > 300)
        twin_empty(&twin);
}

static int begin(void **unused)
{
    twin_open(&twin);
    return 0;
}

static int end(void **unused)
{
    twin_close(&twin);
    return 0;
}

static void any_change_comes_to_the_same(void **unused)
{
    static char s[TEXT + 1], was[TEXT + 1];
    struct lf_directory *d = stations(0);
    uint64_t taken = 0;
    for (unsigned r = 0; r < ROUNDS; r++) {
        memcpy(s, bases[pick(4) ? (unsigned)nbase - 1 - pick(LF_COUNT(more)) : pick((unsigned)nbase)], sizeof s);
        for (unsigned k = pick(3) ? 0 : pick(4); k; k--)
            change(s);
        memcpy(was, s, sizeof s);
        for (unsigned k = pick(6) + 1; k; k--) { /* a device says it again, with other values */
            both(d, s, pick(50) ? 0 : pick(8), pick(50) == 0);
            taken += twin.how == LF_ADMIT_TAKEN;
            memcpy(s, was, sizeof s);
            other_values(s);
            if (pick(20) == 0)
                change(s);
        }
        if (pick(1000) == 0) { /* somebody changes the stations */
            lf_directory_unref(d);
            d = stations(pick(30));
        }
    }
    const char *what = twin_batches(&twin);
    if (what)
        fail_msg("%s is not the same at the end", what);
    struct lf_shapes_told told = lf_shapes_tell(twin.shapes);
    lf_directory_unref(d);
    assert_true(taken > ROUNDS / 4 && told.headers > taken / 2 && told.items > taken / 4); /* else nothing was looked at */
}

#define DATA "QN=2024031111595%d123;ST=22;CN=2011;PW=123456;MN=S1;Flag=5;CP=&&DataTime=2024031111590%d;a34004-Rtd=%d,a34004-Flag=N%s&&"
static uint64_t known_items(const struct lf_directory *d, int i, const char *tail)
{
    char s[300];
    snprintf(s, sizeof s, DATA, i % 10, i % 10, 30 + i % 10, tail);
    uint64_t before = lf_shapes_tell(twin.shapes).items;
    both(d, s, 0, false);
    assert_int_equal(twin.how, LF_ADMIT_TAKEN);
    return lf_shapes_tell(twin.shapes).items - before;
}

static struct lf_directory *one_station(unsigned tolerate, const char *pw)
{
    const struct lf_tele_station s = { .id = { 1 }, .mn = LF_TEXT("S1"), .pw = lf_str(pw), .tolerate = tolerate };
    return lf_directory_make(&s, 1);
}

static void the_second_of_a_kind_is_known(void **unused)
{
    struct lf_directory *d = one_station(LF_TOLERATE_UG, NULL);
    assert_int_equal(known_items(d, 1, ""), 0);
    assert_int_equal(known_items(d, 2, ""), 1);
    assert_int_equal(known_items(d, 3, ";w01018-Rtd=1"), 0); /* another kind, learned beside it */
    for (int i = 0; i < 5; i++) {
        assert_int_equal(known_items(d, i, ";w01018-Rtd=12.5"), 1);
        assert_int_equal(known_items(d, i, ""), 1);
    }
    const struct lf_tele_batch *b = &twin.remembered;
    assert_true(b->reading[b->nreading - 1].value == 34000); /* the station's unit */
    lf_directory_unref(d);
    d = one_station(0, NULL);
    assert_int_equal(known_items(d, 4, ""), 0); /* and nothing of it lives longer than its directory */
    assert_true(b->reading[b->nreading - 1].value == 34);
    assert_int_equal(known_items(d, 5, ""), 1);
    lf_directory_unref(d);
}

static void a_password_counts_from_its_change_on(void **unused)
{
    struct lf_directory *d = one_station(0, "123456");
    char s[300];
    assert_int_equal(known_items(d, 1, "") + known_items(d, 2, ""), 1);
    snprintf(s, sizeof s, DATA, 1, 1, 1, "");
    strstr(s, "123456")[5] = '7';
    both(d, s, 0, false);
    assert_int_equal(twin.how, LF_ADMIT_REFUSED);
    lf_directory_unref(d);
    d = one_station(0, "other!");
    snprintf(s, sizeof s, DATA, 1, 1, 1, "");
    both(d, s, 0, false);
    assert_int_equal(twin.how, LF_ADMIT_REFUSED);
    lf_directory_unref(d);
}

/* Pairs of which the second looks like the first, and is another thing. */
static void what_looks_alike_and_is_not(void **unused)
{
    static const char *const pair[][2] = {
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=1;;&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=1;x&&" },
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=1;;&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=1;&&" },
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;x-Info=1;a-Rtd=2&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;x-Info=//1;a-Rtd=2//&&" },
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=1;b-Rtd=2&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;a-Rtd=//1;b-Rtd=2//&&" },
        { "ST=22;CN=2013;MN=S1;Flag=4;CP=&&&&", "ST=22;CN=2013;MN=S1;Flag=4;CP=&&&" },
        { "ST=22;CN=2013;MN=S1;Flag=4;CP=&&&&", "ST=22;CN=2013;MN=S1;Flag=4;CP=&&" },
        { "ST=22;CN=2013;MN=S2;Flag=4;CP=&&short=1&&", "ST=22;CN=2013;MN=S2;Flag=4;CP=&&long enough to be sealed=1&&" },
        { "QN=20240311115959123;ST=22;CN=2011;MN=S1;Flag=5;CP=&&DataTime=20240311115900&&",
          ";ST=22;CN=2011;MN=S1;Flag=5;CP=&&DataTime=20240311115900&&" },
        { "QN=20240311115959123;ST=22;CN=2011;MN=S1;Flag=5;CP=&&DataTime=20240311115900&&",
          "QN=;ST=22;CN=2011;MN=S1;Flag=5;CP=&&DataTime=20240311115900&&" },
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;L5-Rtd=1;L5-Rtd=2&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;L5-Rtd=1;LA-Rtd=2&&" },
        { "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;Flag=N;a-Rtd=2;Flag=N&&",
          "ST=22;CN=2011;MN=S1;Flag=4;CP=&&DataTime=20240311115900;Flag=N;a-Rtd=2;Flag=<&&" },
    };
    const struct lf_tele_station list[] = { { .id = { 1 }, .mn = LF_TEXT("S1") },
                                            { .id = { 2 }, .mn = LF_TEXT("S2"), .key = LF_TEXT("0123456789abcdef") } };
    struct lf_directory *d = lf_directory_make(list, LF_COUNT(list));
    for (size_t i = 0; i < LF_COUNT(pair); i++) {
        for (int k = 0; k < 3; k++)
            both(d, pair[i][0], 0, false);
        assert_int_equal(twin.how, LF_ADMIT_TAKEN);
        both(d, pair[i][1], 0, false);
        both(d, pair[i][0], 0, false);
    }
    assert_null(twin_batches(&twin));
    lf_directory_unref(d);
}

/* Eight bytes of zero are no date, also not to one who has met none. */
static void no_date_is_met_before_the_first(void **unused)
{
    static const char zeros[] = "DataTime=\0\0\0\0\0\0\0\000115900;a34004-Rtd=35", day[] = "DataTime=20240311115900;a34004-Rtd=35";
    const lf_text none = { zeros, sizeof zeros - 1 }, cp = { day, sizeof day - 1 };
    struct lf_shapes *m = lf_shapes_new();
    lf_ms at, right;
    assert_true(lf_ms_parse_compact((lf_text){ day + 9, 14 }, &right));
    assert_false(lf_shapes_time(m, none, &at));
    for (int i = 0; i < 2; i++) {
        assert_true(lf_shapes_time(m, cp, &at));
        assert_int_equal(at.ms, right.ms);
    }
    assert_false(lf_shapes_time(m, none, &at));
    lf_shapes_free(m);
}

/* Names that change with every packet are looked at, but seldom learned, and cost no memory without end. */
static void memory_is_bounded(void **unused)
{
    struct lf_directory *d = one_station(0, NULL);
    char tail[200], s[400];
    for (int i = 0; i < 100000; i++) {
        snprintf(tail, sizeof tail, ";x%d-Rtd=1;w01018-SampleTime=20240311115900", i);
        known_items(d, i, tail);
    }
    for (int i = 0; i < 200000; i++) { /* headers and names, each once */
        snprintf(s, sizeof s, "ST=22;CN=2011;PW=%d;MN=S1;Flag=5;CP=&&DataTime=20240311115900;x%d-Rtd=1;%*d-Rtd=1&&", i, i, i % 100, i);
        both(d, s, 0, false);
    }
    assert_true(lf_shapes_tell(twin.shapes).bytes < 256 * 1024);
    lf_directory_unref(d);
}

static void memory_of_many_stations(void **unused)
{
    enum { MANY = 2000, KINDS = 6 };
    static struct lf_tele_station list[MANY];
    static char mn[MANY][16];
    char s[400];
    for (int i = 0; i < MANY; i++) {
        snprintf(mn[i], sizeof mn[i], "MN%09d", i);
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(mn[i]) };
    }
    struct lf_directory *d = lf_directory_make(list, MANY);
    for (int i = 0; i < MANY * KINDS * 3; i++) { /* each station with names of its own */
        int station = i / KINDS % MANY, kind = i % KINDS;
        snprintf(s, sizeof s, "ST=2%d;CN=2011;MN=%s;Flag=4;CP=&&DataTime=20240311115900;a%05d-Rtd=1,a%05d-Flag=N;b%05d-Rtd=1&&", kind,
                 mn[station], station, station, station);
        both(d, s, 0, false);
    }
    struct lf_shapes_told told = lf_shapes_tell(twin.shapes);
    lf_directory_unref(d);
    assert_true(told.bytes < (size_t)MANY * 2500);
    assert_true(told.items > MANY);
}

int main(void)
{
    load();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_change_comes_to_the_same, begin, end),
        cmocka_unit_test_setup_teardown(the_second_of_a_kind_is_known, begin, end),
        cmocka_unit_test_setup_teardown(a_password_counts_from_its_change_on, begin, end),
        cmocka_unit_test_setup_teardown(what_looks_alike_and_is_not, begin, end),
        cmocka_unit_test(no_date_is_met_before_the_first),
        cmocka_unit_test_setup_teardown(memory_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(memory_of_many_stations, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
