/* What a frame comes to: checks, values, answers. Frames of the standards and of public code are in hj212/testdata. */
#include "tele/admit.h"
#include "tele/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct lf_directory *directory;
static struct lf_tele_batch batch;
static struct lf_admit last;
static const struct lf_tele_scale scales[] = { { { "a34002", 6 }, 1000 } };

static int setup(void **state)
{
    const struct lf_tele_station list[] = {
        { .id = { 7 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("123456"), .grid_code = LF_TEXT("3301") },
        { .id = { 8 }, .mn = LF_TEXT("M2"), .grid_code = LF_TEXT("3302"), .tolerate = HJ212_NEEDS_MODBUS, .scale = scales, .nscale = 1 },
        { .id = { 9 }, .mn = LF_TEXT("M3"), .pw = LF_TEXT(""), .disabled = true },
        { .id = { 10 }, .mn = LF_TEXT("M4"), .pw = LF_TEXT("x"), .tolerate = LF_TOLERATE_ACK },
        { .id = { 11 }, .mn = LF_TEXT("M1"), .pw = LF_TEXT("other") },
        { .id = { 12 },
          .mn = LF_TEXT("M5"),
          .pw = LF_TEXT("old"),
          .pw_next = LF_TEXT("newpw1"),
          .tolerate = LF_TOLERATE_UG | LF_TOLERATE_BEAT },
        { .id = { 13 }, .mn = LF_TEXT("M6"), .pw = LF_TEXT("123456"), .key = LF_TEXT("0000000000000000") },
        { .id = { 14 },
          .mn = LF_TEXT("M7"),
          .pw = LF_TEXT("123456"),
          .key = LF_TEXT("0000000000000000"),
          .tolerate = LF_TOLERATE_PLAIN | LF_TOLERATE_PW | LF_TOLERATE_MG },
    };
    directory = lf_directory_make(list, LF_COUNT(list));
    return 0;
}

static int teardown(void **state)
{
    lf_directory_unref(directory);
    lf_tele_batch_free(&batch);
    return 0;
}

static lf_ms at(const char *compact)
{
    lf_ms t = { 0 };
    assert_true(lf_ms_parse_compact(lf_str(compact), &t));
    return t;
}

static enum lf_admitted admit_with(const char *segment, unsigned needs)
{
    lf_tele_batch_free(&batch);
    last = (struct lf_admit){ .directory = directory,
                              .frame = lf_str(segment),
                              .segment = lf_str(segment),
                              .peer = LF_TEXT("127.0.0.1"),
                              .needs = needs,
                              .now = at("20240311120000"),
                              .ahead_ms = 600000,
                              .age_ms = 366LL * LF_DAY_MS };
    return lf_admit(&last, &batch);
}
static enum lf_admitted admit(const char *segment) { return admit_with(segment, 0); }

static const struct lf_tele_reading *reading(const char *factor)
{
    for (size_t i = 0; i < batch.nreading; i++)
        if (lf_text_is(batch.reading[i].factor, factor))
            return &batch.reading[i];
    fail_msg("no reading of %s", factor);
    return NULL;
}

static void is(const char *factor, double value, double vmin, double vmax, double cou, double zs, const char *flag)
{
    const struct lf_tele_reading *r = reading(factor);
    const double got[] = { r->value, r->vmin, r->vmax, r->cou, r->zs }, want[] = { value, vmin, vmax, cou, zs };
    for (size_t i = 0; i < 5; i++)
        if (!(isnan(want[i]) ? isnan(got[i]) : fabs(want[i] - got[i]) < 1e-9))
            fail_msg("%s: column %zu is %g, must be %g", factor, i, got[i], want[i]);
    if (flag)
        assert_true(lf_text_is(r->flag, flag));
    else
        assert_null(r->flag.p);
}

#define HEAD "QN=20240311115959123;ST=32;CN=%s;PW=123456;MN=M1;Flag=5;CP=&&%s&&"
static enum lf_admitted send(const char *cn, const char *cp)
{
    static char s[1200];
    snprintf(s, sizeof s, HEAD, cn, cp);
    return admit(s);
}

static void real_time(void **state)
{
    assert_int_equal(send("2011", "DataTime=20240311115900;w01018-SampleTime=20240311115900,w01018-Rtd=40.1,w01018-Flag=N;w01001-Rtd=7.5"),
                     LF_ADMIT_TAKEN);
    assert_int_equal(batch.npacket, 1);
    assert_int_equal(batch.nreading, 2);
    is("w01018", 40.1, NAN, NAN, NAN, NAN, "N");
    is("w01001", 7.5, NAN, NAN, NAN, NAN, NULL);
    assert_int_equal(reading("w01018")->kind, LF_TELE_RTD);
    assert_int_equal(reading("w01018")->at.ms, at("20240311115900").ms);
    assert_int_equal(reading("w01018")->station.v, 7);
    const struct lf_tele_packet *p = &batch.packet[0];
    assert_true(lf_text_is(p->qn, "20240311115959123") && lf_text_is(p->cn, "2011") && lf_text_is(p->grid_code, "3301"));
    assert_true(p->first == 0 && p->n == 2 && p->pnum == 0);
    assert_non_null(memmem(last.answer.p, last.answer.n, "ST=91;CN=9014;PW=123456;MN=M1;Flag=4;CP=&&&&", 44));
}

/* The values of HJ 212-2017 C.17 and of a flue-gas hour. */
static void hours(void **state)
{
    assert_int_equal(send("2061", "DataTime=20240311080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,w00000-Flag=N"),
                     LF_ADMIT_TAKEN);
    is("w00000", 17.5, 16.4, 20.1, 63, NAN, "N");
    assert_int_equal(reading("w00000")->kind, LF_TELE_HOUR);
    assert_int_equal(send("2061", "DataTime=20240311080000;a34013-Min=3.1,a34013-Avg=4.2,a34013-Max=5.3,a34013-ZsMin=3.4,a34013-ZsAvg=4.6,"
                                  "a34013-ZsMax=5.8,a34013-Cou=1.25,a34013-Flag=N"),
                     LF_ADMIT_TAKEN);
    is("a34013", 4.2, 3.1, 5.3, 1.25, 4.6, "N");
    assert_int_equal(last.unknown_stats, 0);
}

static void noise(void **state)
{
    assert_int_equal(send("2031", "DataTime=20240310000000;Leq-Data=50.0;Leq-DayData=53.0;Leq-NightData=45.0;Ldn-Data=51"), LF_ADMIT_TAKEN);
    assert_int_equal(batch.nreading, 4);
    is("Leq", 50, NAN, NAN, NAN, NAN, NULL);
    is("Leq-DayData", 53, NAN, NAN, NAN, NAN, NULL);
    is("Leq-NightData", 45, NAN, NAN, NAN, NAN, NULL);
    assert_int_equal(reading("Leq")->kind, LF_TELE_DAY);
}

static void codes_of_2005_and_names(void **state)
{
    assert_int_equal(send("2011", "DataTime=20240311115900;011-Rtd=231.0,011-Flag=N;020-Rtd=0.002;SO2-Rtd=1;ele01-Rtd=1;PM10-Rtd=50"),
                     LF_ADMIT_TAKEN);
    is("w01018", 231, NAN, NAN, NAN, NAN, "N");
    is("w20111", 2, NAN, NAN, NAN, NAN, NULL); /* mercury: 0.002 mg/L of 2005 is 2 µg/L */
    is("a21026", 1, NAN, NAN, NAN, NAN, NULL);
    is("ele01", 1, NAN, NAN, NAN, NAN, NULL);
    is("a34002", 50, NAN, NAN, NAN, NAN, NULL);
    assert_int_equal(admit("ST=22;CN=2011;MN=M2;CP=&&DataTime=20240311115900;a34002-Rtd=0.05&&"), LF_ADMIT_TAKEN);
    is("a34002", 50, NAN, NAN, NAN, NAN, NULL); /* the station's own unit */
    assert_int_equal(last.answer.n, 0);         /* no Flag: no answer is asked for */
}

static void missing_values_are_kept_as_missing(void **state)
{
    assert_int_equal(
        send("2011", "DataTime=20240311115900;a-Rtd=--,a-Flag=D;b-Rtd=,b-Flag=B;c-Rtd=NaN;d-Flag=F;e-Rtd=1e5;f-Rtd=1,f-Flag=WAYTOOLONG"),
        LF_ADMIT_TAKEN);
    is("a", NAN, NAN, NAN, NAN, NAN, "D");
    is("b", NAN, NAN, NAN, NAN, NAN, "B");
    is("c", NAN, NAN, NAN, NAN, NAN, NULL);
    is("d", NAN, NAN, NAN, NAN, NAN, "F");
    is("f", 1, NAN, NAN, NAN, NAN, NULL);
    assert_int_equal(last.bad_values, 4);
}

static void what_devices_do_to_items(void **state)
{
    assert_int_equal(send("2011", "DataTime=20240311115900;a34001-Rtd=92;Flag=N"), LF_ADMIT_TAKEN); /* bare Flag */
    is("a34001", 92, NAN, NAN, NAN, NAN, "N");
    assert_int_equal(send("2011", "DataTime=20240311115900;LA-td=50.1,LA-Flag=N;x-AVG=1"), LF_ADMIT_TAKEN); /* misspelt */
    is("LA", NAN, NAN, NAN, NAN, NAN, "N");
    assert_int_equal(last.unknown_stats, 2);
    assert_int_equal(send("2011", "DataTime=20240311115900;a'b-Rtd=1;<x>-Rtd=1;\xe6\xb0\xb4-Rtd=1;123456789012345678901234567890123-Rtd=1"),
                     LF_ADMIT_TAKEN);
    assert_int_equal(batch.nreading, 0); /* no keys of the store, no text on pages; the packet is kept as it came */
    assert_int_equal(send("2011", "Flag=N;DataTime=20240311115900;"), LF_ADMIT_TAKEN);
    assert_int_equal(send("2021", "DataTime=20240311115900;SB1-RS=1;SB2-RS=0"), LF_ADMIT_TAKEN);
    is("SB1", 1, NAN, NAN, NAN, NAN, NULL);
    assert_int_equal(send("2041", "DataTime=20240310000000;SB1-RT=1.1"), LF_ADMIT_TAKEN);
    assert_int_equal(reading("SB1")->kind, LF_TELE_DAY);
    assert_int_equal(send("3020", "DataTime=20240311115900;PolId=w01018;i11001-Info=//清洗,管路;//"), LF_ADMIT_TAKEN);
    assert_int_equal(batch.nreading, 0);
}

static void split_packets(void **state)
{
    assert_int_equal(
        admit("QN=20240311115959534;ST=32;CN=2061;PW=123456;MN=M1;Flag=7;PNUM=2;PNO=1;CP=&&DataTime=20240311080000;w01001-Avg=7.5&&"),
        LF_ADMIT_TAKEN);
    assert_true(batch.packet[0].pnum == 2 && batch.packet[0].pno == 1);
    assert_int_equal(batch.packet[0].at.ms, at("20240311080000").ms);
}

static void refusals(void **state)
{
    static const struct {
        const char *segment;
        enum lf_admitted how;
        unsigned why;
        bool answer;
    } t[] = {
        { "ST=32;CN=2011;MN=M9;CP=&&&&", LF_ADMIT_QUARANTINE, LF_TELE_UNKNOWN_MN, false },
        { "ST=32;CN=2011;PW=123457;MN=M1;Flag=5;CP=&&&&", LF_ADMIT_REFUSED, LF_TELE_PASSWORD, false },
        { "ST=32;CN=2011;PW=12345;MN=M1;Flag=5;CP=&&&&", LF_ADMIT_REFUSED, LF_TELE_PASSWORD, false },
        { "ST=32;CN=2011;PW=1234567;MN=M1;Flag=5;CP=&&&&", LF_ADMIT_REFUSED, LF_TELE_PASSWORD, false },
        { "ST=32;CN=2011;PW=other;MN=M1;Flag=5;CP=&&&&", LF_ADMIT_REFUSED, LF_TELE_PASSWORD, false },
        { "ST=32;CN=2011;MN=M1;Flag=5;CP=&&&&", LF_ADMIT_REFUSED, LF_TELE_PASSWORD, false },
        { "ST=32;CN=2011;MN=M3;Flag=5;CP=&&&&", LF_ADMIT_QUARANTINE, LF_TELE_DISABLED, false },
        { "ST=32;CN=1062;PW=123456;MN=M1;Flag=5;CP=&&RtdInterval=30&&", LF_ADMIT_QUARANTINE, LF_TELE_COMMAND, false },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&w01018-Rtd=1&&", LF_ADMIT_REFUSED, HJ212_FIELD, false },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=2024&&", LF_ADMIT_REFUSED, HJ212_FIELD, false },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240230000000&&", LF_ADMIT_REFUSED, HJ212_FIELD, false },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240311121001&&", LF_ADMIT_QUARANTINE, LF_TELE_TIME, true },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20230310115959&&", LF_ADMIT_QUARANTINE, LF_TELE_TIME, true },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=19700101000000&&", LF_ADMIT_QUARANTINE, LF_TELE_TIME, true },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=4;CP=&&DataTime=19700101000000&&", LF_ADMIT_QUARANTINE, LF_TELE_TIME, false },
        { "ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240311115900;a-Rtd=1;nothing&&", LF_ADMIT_REFUSED, HJ212_GRAMMAR, false },
        { "ST=32;CN=2011;PW=123456;MN=M1", LF_ADMIT_REFUSED, HJ212_GRAMMAR, false },
    };
    for (size_t i = 0; i < LF_COUNT(t); i++) {
        enum lf_admitted how = admit(t[i].segment);
        if (how != t[i].how || last.why != t[i].why || (last.answer.n > 0) != t[i].answer)
            fail_msg("%s: %d %s", t[i].segment, (int)how, lf_tele_why_name(last.why));
        assert_int_equal(batch.npacket, 0);
        assert_int_equal(batch.nreading, 0);
    }
    assert_int_equal(admit("ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240311121000&&"), LF_ADMIT_TAKEN); /* just in time */
    assert_int_equal(admit("ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=202403111200&&"), LF_ADMIT_TAKEN);   /* 12 digits */
    assert_int_equal(admit("ST=32;CN=2011;PW=123456;MN=M1;Flag=5;CP=&&DataTime=20240311120000123&&"), LF_ADMIT_TAKEN);
}

static void tolerances_are_per_station(void **state)
{
    static const char m1[] = "ST=32;CN=2011;PW=123456;MN=M1;CP=&&DataTime=20240311115900&&",
                      m2[] = "ST=32;CN=2011;MN=M2;CP=&&DataTime=20240311115900&&";
    assert_int_equal(admit_with(m1, HJ212_NEEDS_MODBUS), LF_ADMIT_REFUSED);
    assert_int_equal(last.why, LF_TELE_GOOD); /* stays what the codec called it */
    assert_int_equal(admit_with(m2, HJ212_NEEDS_MODBUS), LF_ADMIT_TAKEN);
    assert_true(lf_text_is(batch.packet[0].note, "crc_modbus"));
    assert_int_equal(admit_with(m2, HJ212_NEEDS_MODBUS | HJ212_NEEDS_LENGTH), LF_ADMIT_REFUSED);
    assert_int_equal(admit_with("ST=32;CN=2011;MN=M9;CP=&&&&", HJ212_NEEDS_MODBUS),
                     LF_ADMIT_REFUSED); /* no quarantine for broken frames of nobody */
}

static void tolerances_by_name(void **state)
{
    static const char data[] = "ST=22;CN=2011;PW=%s;MN=%s;Flag=4;CP=&&DataTime=20240311115900;a34004-Rtd=35,a34004-Flag=N;a21026-Rtd=8&&";
    char s[200];
    snprintf(s, sizeof s, data, "123456", "M1");
    assert_int_equal(admit(s), LF_ADMIT_TAKEN);
    assert_true(reading("a34004")->value == 35 && last.forgiven == 0 && batch.packet[0].note.n == 0);
    snprintf(s, sizeof s, data, "newpw1", "M5"); /* a password that is on its way is as good as the old one */
    assert_int_equal(admit(s), LF_ADMIT_TAKEN);
    assert_true(reading("a34004")->value == 35000 && reading("a21026")->value == 8); /* only what the table has in ng/m³ */
    assert_true(lf_text_is(batch.packet[0].note, "ug") && last.forgiven == LF_TOLERATE_UG);
    snprintf(s, sizeof s, data, "newpw2", "M5");
    assert_int_equal(admit(s), LF_ADMIT_REFUSED);
    assert_int_equal(last.why, LF_TELE_PASSWORD);
    snprintf(s, sizeof s, data, "whatever", "M7");
    assert_int_equal(admit(s), LF_ADMIT_TAKEN);
    assert_true(reading("a34004")->value == 35e6 && lf_text_is(batch.packet[0].note, "pw, plain, mg"));
    assert_int_equal(admit("ST=22;CN=9015;PW=old;MN=M5;Flag=4;CP=&&&&"), LF_ADMIT_ANSWER);
    assert_int_equal(last.answer.n, 0);
    assert_int_equal(last.forgiven, LF_TOLERATE_BEAT);
    for (unsigned i = 0; i < LF_TOLERATE_COUNT; i++)
        assert_string_not_equal(lf_tele_tolerate_name(i), "unknown");
    assert_string_equal(lf_tele_tolerate_name(LF_TOLERATE_COUNT), "unknown");
}

static void stations_with_a_key(void **state)
{
    assert_int_equal(admit("ST=22;CN=2011;PW=123456;MN=M6;Flag=8;CP=&&DataTime=20240311115900&&"), LF_ADMIT_REFUSED);
    assert_int_equal(last.why, LF_TELE_PLAIN);
    assert_int_equal(admit("ST=22;CN=9015;PW=123456;MN=M6;Flag=8;CP=&&&&"), LF_ADMIT_ANSWER); /* nothing to encrypt */
    assert_int_equal(admit("ST=22;CN=3019;PW=123456;MN=M6;Flag=8;CP=&&PolId=w01018;w01018-SN=0123456789&&"), LF_ADMIT_TAKEN);
    lf_tele_batch_free(&batch); /* what was encrypted: the raw bytes stay as they came */
    char plain[] = "ST=22;CN=2011;PW=123456;MN=M6;Flag=9;CP=&&DataTime=20240311115900;a21026-Rtd=8&&";
    last.frame = LF_TEXT("##as it came");
    last.segment = lf_str(plain);
    last.sealed = true;
    assert_int_equal(lf_admit(&last, &batch), LF_ADMIT_TAKEN);
    memset(plain, 'x', sizeof plain - 1); /* nothing in the batch points into the decrypted buffer */
    assert_true(lf_text_is(batch.packet[0].note, "sm4") && lf_text_is(batch.packet[0].raw, "##as it came"));
    assert_true(lf_text_is(batch.packet[0].cn, "2011") && reading("a21026")->value == 8);
}

static void answers(void **state)
{
    assert_int_equal(send("1013", "PolId=w01018"), LF_ADMIT_TAKEN);
    assert_non_null(memmem(last.answer.p, last.answer.n, "CN=9013", 7));
    assert_int_equal(send("9015", ""), LF_ADMIT_ANSWER);
    assert_non_null(memmem(last.answer.p, last.answer.n, "CN=9013", 7));
    assert_int_equal(batch.npacket, 0);
    assert_int_equal(send("9011", "QnRtn=1"), LF_ADMIT_REPLY);
    assert_int_equal(last.answer.n, 0);
    assert_int_equal(admit("ST=91;CN=9014;CP=&&QN=20040516010101001;CN=2051&&"), LF_ADMIT_REPLY);
    assert_int_equal(admit("ST=91;CN=9012;PW=x;MN=M4;Flag=1;CP=&&QN=20040516010101001;ExeRtn=1&&"), LF_ADMIT_REPLY);
    assert_non_null(memmem(last.answer.p, last.answer.n, "ST=91;CN=9014;CP=&&QN=20040516010101001;CN=9012&&", 49));
    assert_int_equal(admit("QN=20160801085857223;ST=91;CN=9012;PW=123456;MN=M1;Flag=5;CP=&&ExeRtn=1&&"), LF_ADMIT_REPLY);
    assert_int_equal(last.answer.n, 0); /* 2017 knows no answer to it */
    assert_int_equal(admit("ST=32;CN=2011;PW=x;MN=M4;Flag=4;CP=&&DataTime=20240311115900&&"), LF_ADMIT_TAKEN);
    assert_true(last.answer.n > 0); /* this station waits for an answer that it does not ask for */
}

static void the_directory(void **state)
{
    assert_int_equal(lf_directory_count(directory), 7); /* a second M1 does not count */
    assert_int_equal(lf_directory_find(directory, LF_TEXT("M1"))->id.v, 7);
    assert_null(lf_directory_find(directory, LF_TEXT("m1")));
    assert_null(lf_directory_find(directory, LF_TEXT("")));
    assert_int_equal(lf_directory_tolerates(directory), HJ212_NEEDS_MODBUS | LF_TOLERATE_ACK | LF_TOLERATE_UG | LF_TOLERATE_BEAT |
                                                            LF_TOLERATE_PLAIN | LF_TOLERATE_PW | LF_TOLERATE_MG);
    enum { MANY = 5000 };
    static char mn[MANY][16];
    struct lf_tele_station *list = lf_new(MANY * sizeof *list);
    for (int i = 0; i < MANY; i++) {
        snprintf(mn[i], sizeof mn[i], "MN%09d", i);
        list[i] = (struct lf_tele_station){ .id = { i + 1 }, .mn = lf_str(mn[i]) };
    }
    struct lf_directory *d = lf_directory_make(list, MANY);
    memset(list, 0, MANY * sizeof *list);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(lf_directory_find(d, lf_str(mn[i]))->id.v, i + 1);
    lf_release(list);
    lf_directory_unref(lf_directory_ref(d));
    lf_directory_unref(d);
    d = lf_directory_make(NULL, 0);
    assert_null(lf_directory_find(d, LF_TEXT("M1")));
    lf_directory_unref(d);
}

static void thinning_keeps_peaks(void **state)
{
    struct lf_arena a = { 0 };
    struct lf_tele_point *out;
    struct lf_tele_thin *t = lf_tele_thin_new(&a, (lf_ms){ 0 }, (lf_ms){ 100000 }, 100);
    for (int i = 0; i < 100; i++)
        lf_tele_thin_add(t, &(struct lf_tele_point){ .at = { i }, .value = i });
    assert_int_equal(lf_tele_thin_end(t, &out), 100); /* few: untouched */
    assert_int_equal(out[99].at.ms, 99);
    t = lf_tele_thin_new(&a, (lf_ms){ 0 }, (lf_ms){ 100000 }, 100);
    for (int i = 0; i < 100000; i++)
        lf_tele_thin_add(t, &(struct lf_tele_point){ .at = { i },
                                                     .value = i == 77777                ? 999
                                                              : i == 33333              ? -999
                                                              : i >= 50000 && i < 52000 ? NAN
                                                                                        : 1 });
    size_t n = lf_tele_thin_end(t, &out), high = 0, low = 0, gap = 0;
    assert_true(n <= 100);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || out[i - 1].at.ms < out[i].at.ms);
        high += out[i].value == 999, low += out[i].value == -999, gap += isnan(out[i].value) ? 1 : 0;
    }
    assert_true(high == 1 && low == 1 && gap == 1);
    lf_arena_free(&a);
}

static void names(void **state)
{
    for (unsigned w = 0; w < LF_TELE_WHY_COUNT; w++)
        assert_non_null(strstr(lf_tele_why_text((enum lf_tele_why)w), " | "));
    assert_string_equal(lf_tele_why_name(LF_TELE_PASSWORD), "password");
    assert_string_equal(lf_tele_why_name((enum lf_tele_why)99), "unknown");
    enum lf_tele_kind k;
    assert_true(lf_tele_kind_parse(LF_TEXT("hour"), &k) && k == LF_TELE_HOUR);
    assert_false(lf_tele_kind_parse(LF_TEXT("year"), &k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_time),
        cmocka_unit_test(hours),
        cmocka_unit_test(noise),
        cmocka_unit_test(codes_of_2005_and_names),
        cmocka_unit_test(missing_values_are_kept_as_missing),
        cmocka_unit_test(what_devices_do_to_items),
        cmocka_unit_test(split_packets),
        cmocka_unit_test(refusals),
        cmocka_unit_test(tolerances_are_per_station),
        cmocka_unit_test(tolerances_by_name),
        cmocka_unit_test(stations_with_a_key),
        cmocka_unit_test(answers),
        cmocka_unit_test(the_directory),
        cmocka_unit_test(thinning_keeps_peaks),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
