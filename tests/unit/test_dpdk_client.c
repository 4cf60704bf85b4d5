/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client of the plug-in, over a server that does as it is told: refusals, pages, and replies that are none.
 * The real plug-in: tests/integration/plugin.py.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dpdk/plugin.h"
#include "telemetry_server.h"

static void test_check(void **state)
{
    static const struct {
        struct step step;
        int code;
        const char *part;
    } cases[] = {
        { { "/flowlift/version",
            "{\"/flowlift/version\":{\"plugin\":\"0.1.0\",\"interface\":1,\"dpdk\":\"DPDK "
            "22.11.11\",\"built_for\":\"22.11\"}}",
            0, false },
          0,
          "" },
        { { NULL, "{\"/flowlift/version\":null}", 0, false },
          -ENOENT,
          "has not loaded flowlift's plug-in: add \"-d PATH/librte_flowlift.so\"" },
        { { NULL,
            "{\"/flowlift/version\":{\"plugin\":\"9.1\",\"interface\":2,\"dpdk\":\"DPDK "
            "22.11.11\",\"built_for\":\"22.11\"}}",
            0, false },
          -EPROTO,
          "of another flowlift (9.1, interface 2)" },
        { { NULL, "{\"/flowlift/version\":7}", 0, false }, -EPROTO, "of another flowlift" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_plugin_version version;
        struct server server;
        struct fl_telemetry *telemetry = play(&server, *state, &cases[i].step, 1);

        assert_int_equal(fl_plugin_check(telemetry, &version, &err), cases[i].code);
        assert_says(&err, cases[i].code, cases[i].part);
        if (!cases[i].code) {
            assert_string_equal(version.plugin, "0.1.0");
            assert_string_equal(version.dpdk, "DPDK 22.11.11");
        }
        end(&server, telemetry);
    }
}

static void test_ports(void **state)
{
#define PORT(ID)                                                                              \
    "{\"/flowlift/port\":{\"port\":" ID ",\"status\":\"ok\",\"name\":\"net_x" ID              \
    "\",\"driver\":\"net_x\",\"switch_name\":\"net_x\",\"switch_domain\":-1,\"switch_port\":" \
    "3,\"rx_queues\":2,\"representor\":0,\"flow_api\":1}}"
    static const struct step steps[] = {
        { "/flowlift/ports", "{\"/flowlift/ports\":[0,2,5]}", 0, false },
        { "/flowlift/port,0", PORT("0"), 0, false },
        { "/flowlift/port,2",
          "{\"/flowlift/port\":{\"port\":2,\"status\":\"refused\",\"code\":19,\"text\":\"\"}}", 0,
          false },
        { "/flowlift/port,5", PORT("0"), 0, false }, /* another client's */
        { "/flowlift/port,5", "{\"/flowlift/port\":{\"status\":\"malformed\",\"text\":\"\"}}", 0,
          false },
        { "/flowlift/port,5", PORT("5"), 0, false },
    };
    struct fl_error err = FL_ERROR_INIT;
    struct server server;
    struct fl_telemetry *telemetry = play(&server, *state, steps, ARRAY_SIZE(steps));
    struct fl_plugin_port *ports;
    size_t n;

    assert_int_equal(fl_plugin_ports(telemetry, &ports, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(ports[0].id, 0);
    assert_int_equal(ports[1].id, 5);
    assert_string_equal(ports[1].name, "net_x5");
    assert_int_equal(ports[1].switch_domain, -1);
    assert_true(ports[1].has_flow_api && !ports[1].is_representor);
    free(ports);
    end(&server, telemetry);
}

/* Lines joined by '|'. */
static int join(const char *line, void *text)
{
    strcat(text, line);
    strcat(text, "|");
    return 0;
}

static int list(struct temporary *t, const struct step *steps, size_t n, char text[1024],
                struct fl_plugin_listing *listing, struct fl_error *err)
{
    struct server server;
    struct fl_telemetry *telemetry = play(&server, t, steps, n);
    int error;

    text[0] = '\0';
    error = fl_plugin_rules(telemetry, 1, false, join, text, listing, err);
    end(&server, telemetry);
    return error;
}

#define PAGE(HEAD, LINES) "{\"/flowlift/rules\":\"status=ok " HEAD "\\n" LINES "\"}"
#define FIRST(REST)       "port=1 snapshot=7 offset=0 next=" REST " took_us=3"

static void test_rules_in_pages(void **state)
{
    static const struct step steps[] = {
        { "/flowlift/rules,1", "{\"/flowlift/rules\":\"status=busy retry_ms=2\\n\"}", 0, false },
        { "/flowlift/rules,1", PAGE(FIRST("6 stored=14 bytes=14 lines=3"), "one\\ntw"), 0, false },
        { "/flowlift/rules,1,6,7",
          PAGE("port=1 snapshot=7 offset=6 next=8 stored=14 bytes=14 lines=3 took_us=3", "o\\n"), 0,
          false },
        { "/flowlift/rules,1,8,7",
          PAGE("port=1 snapshot=7 offset=8 next=14 stored=14 bytes=14 lines=3 took_us=3",
               "th\\\\re\\t"),
          0, false },
    };
    struct fl_plugin_listing listing;
    struct fl_error err = FL_ERROR_INIT;
    char text[1024];

    assert_int_equal(list(*state, steps, ARRAY_SIZE(steps), text, &listing, &err), 0);
    assert_string_equal(text, "one|two|th\\re\t|");
    assert_int_equal(listing.lines, 3);
    assert_int_equal(listing.bytes, 14);
    assert_int_equal(listing.took_us, 3);
    assert_true(listing.is_complete);
}

static void test_rules_none_and_too_many(void **state)
{
    static const struct step none = { NULL, PAGE(FIRST("0 stored=0 bytes=0 lines=0"), ""), 0,
                                      false };
    static const struct step cut = { NULL, PAGE(FIRST("6 stored=6 bytes=9 lines=2"), "one\\ntw"), 0,
                                     false };
    struct fl_plugin_listing listing;
    struct fl_error err = FL_ERROR_INIT;
    char text[1024];

    assert_int_equal(list(*state, &none, 1, text, &listing, &err), 0);
    assert_string_equal(text, "");
    assert_true(listing.is_complete);
    assert_int_equal(list(*state, &cut, 1, text, &listing, &err), 0);
    assert_string_equal(text, "one|");
    assert_false(listing.is_complete);
    assert_int_equal(listing.lines, 2);
}

static void test_rules_refused(void **state)
{
#define STATUS(TEXT) "{\"/flowlift/rules\":\"status=" TEXT "\\n\"}"
    static const struct {
        const char *reply;
        int code;
        const char *part;
    } cases[] = {
        { STATUS("refused code=38 text="), -EOPNOTSUPP,
          "the driver of DPDK port 1 does not list its rules" },
        { STATUS("refused code=95 text=no \\\"way\\\""), -EOPNOTSUPP, "rules: no \"way\"" },
        { STATUS("refused code=19 text=No such device"), -ENODEV, "DPDK has no port 1" },
        { STATUS("refused code=5 text=firmware"), -EIO, "firmware (Input/output error)" },
        { STATUS("refused code=11 text=the port is stopped"), -EAGAIN,
          "DPDK port 1: the port is stopped; try again" },
        { STATUS("refused code=1 text=mlx5 reads lists"), -EPERM,
          "the rules of DPDK port 1 are not listed: mlx5 reads lists" },
        { STATUS("gone"), -EAGAIN, "another client's listing took the place" },
        { STATUS("busy retry_ms=60000"), -EBUSY, "kept busy by other clients" },
        { STATUS("malformed text=what?"), -EAGAIN, "mixing this client up" },
        { PAGE("port=2 snapshot=7 offset=0 next=0 stored=0 bytes=0 lines=0 took_us=3", ""), -EAGAIN,
          "mixing this client up" },
    };
    struct fl_plugin_listing listing;
    char text[1024];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = { .reply = cases[i].reply };
        struct fl_error err = FL_ERROR_INIT;

        assert_int_equal(list(*state, &step, 1, text, &listing, &err), cases[i].code);
        assert_says(&err, cases[i].code, cases[i].part);
    }
}

static void test_hostile_rules(void **state)
{
    static const char *const replies[] = {
        "{\"/flowlift/rules\":7}",
        STATUS(""),
        STATUS("okay"),
        STATUS("busy"),
        STATUS("busy retry_ms=-1"),
        STATUS("busy retry_ms=99999999999999999999"),
        STATUS("refused"),
        STATUS("refused code=x text="),
        STATUS("ok"),
        "{\"/flowlift/rules\":\"status=ok\"}",
        "{\"/flowlift/rules\":\"\"}",
        PAGE(FIRST("3 stored=6 bytes=6 lines=2"), "more"),          /* is not 3 bytes */
        PAGE(FIRST("9 stored=6 bytes=9 lines=2"), "one\\ntwo\\nx"), /* past the end */
        PAGE(FIRST("0 stored=6 bytes=6 lines=2"), ""),              /* would go on for ever */
        PAGE(FIRST("3 stored=6 bytes=5 lines=2"), "one"),           /* more than there is */
        PAGE(FIRST("3 stored=99999999999 bytes=99999999999 lines=2"), "one"),
        PAGE("port=1 snapshot=7 offset=9 next=3 stored=6 bytes=6 lines=2 took_us=3", "one"),
        PAGE("snapshot=7 port=1 offset=0 next=3 stored=6 bytes=6 lines=2 took_us=3", "one"),
    };
    static const struct step other_snapshot[] = {
        { NULL, PAGE(FIRST("4 stored=8 bytes=8 lines=2"), "one\\n"), 0, false },
        { NULL,
          PAGE("port=1 snapshot=8 offset=4 next=8 stored=8 bytes=8 lines=2 took_us=3", "two\\n"), 0,
          false },
    };
    struct fl_plugin_listing listing;
    struct fl_error err = FL_ERROR_INIT;
    char text[1024];

    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        struct step step = { .reply = replies[i] };

        fl_error_clear(&err);
        assert_int_equal(list(*state, &step, 1, text, &listing, &err), -EPROTO);
        assert_says(&err, -EPROTO, "is not the plug-in of this flowlift");
    }
    fl_error_clear(&err);
    assert_int_equal(list(*state, other_snapshot, 2, text, &listing, &err), -EAGAIN);
    assert_says(&err, -EAGAIN, "do not belong together");
}

static int refuse(const char *line, void *n)
{
    (void)line;
    return ++*(int *)n == 2 ? -ECANCELED : 0;
}

static void test_sink_stops(void **state)
{
    static const struct step step = { "/flowlift/rules,1,at-own-risk",
                                      PAGE(FIRST("6 stored=6 bytes=6 lines=3"), "a\\nb\\nc\\n"), 0,
                                      false };
    struct fl_plugin_listing listing;
    struct fl_error err = FL_ERROR_INIT;
    struct server server;
    struct fl_telemetry *telemetry = play(&server, *state, &step, 1);
    int n = 0;

    assert_int_equal(fl_plugin_rules(telemetry, 1, true, refuse, &n, &listing, &err), -ECANCELED);
    assert_int_equal(n, 2);
    end(&server, telemetry);
}

static void test_count(void **state)
{
#define COUNT(TEXT) "{\"/flowlift/count\":{" TEXT "}}"
    static const struct {
        const char *reply;
        int code;
    } cases[] = {
        { COUNT("\"port\":1,\"status\":\"ok\",\"lines\":9,\"bytes\":800,\"took_us\":5"), 0 },
        { COUNT("\"port\":1,\"status\":\"refused\",\"code\":38,\"text\":\"\""), -EOPNOTSUPP },
        { COUNT("\"port\":1,\"status\":\"busy\",\"retry_ms\":60000"), -EBUSY },
        { COUNT("\"port\":2,\"status\":\"ok\",\"lines\":9,\"bytes\":800,\"took_us\":5"), -EAGAIN },
        { COUNT("\"status\":\"malformed\",\"text\":\"PORT is wanted\""), -EAGAIN },
        { COUNT("\"port\":1,\"status\":\"ok\",\"lines\":-1,\"bytes\":800,\"took_us\":5"), -EPROTO },
        { COUNT("\"port\":1,\"status\":\"ok\""), -EPROTO },
        { COUNT("\"port\":1"), -EPROTO },
        { "{\"/flowlift/count\":[]}", -EPROTO },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = { .request = "/flowlift/count,1", .reply = cases[i].reply };
        struct fl_plugin_listing listing = { .lines = 0 };
        struct fl_error err = FL_ERROR_INIT;
        struct server server;
        struct fl_telemetry *telemetry = play(&server, *state, &step, 1);

        assert_int_equal(fl_plugin_count(telemetry, 1, false, &listing, &err), cases[i].code);
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(listing.lines, cases[i].code ? 0 : 9);
        end(&server, telemetry);
    }
}

static void test_validate(void **state)
{
#define ANSWER(TEXT) "{\"/flowlift/validate\":{" TEXT "}}"
#define OURS         "\"check\":3944488974,\"port\":1,\"type\":13,"
    static const struct {
        const char *reply;
        int code;
        enum fl_plugin_verdict verdict;
        const char *text;
    } cases[] = {
        { ANSWER(OURS "\"status\":\"accepted\",\"code\":0,\"text\":\"\""), 0, FL_PLUGIN_ACCEPTED,
          "" },
        { ANSWER(OURS "\"status\":\"refused\",\"code\":95,\"text\":\"no\""), 0, FL_PLUGIN_REFUSED,
          "no" },
        { ANSWER(OURS "\"status\":\"unknown\",\"code\":38,\"text\":\"hm\""), 0, FL_PLUGIN_UNKNOWN,
          "hm" },
        { ANSWER(OURS "\"status\":\"malformed\",\"code\":22,\"text\":\"word 2\""), -EINVAL,
          FL_PLUGIN_UNKNOWN, "does not understand the rule: word 2" },
        { ANSWER("\"check\":1,\"status\":\"accepted\",\"code\":0,\"text\":\"\""), -EAGAIN,
          FL_PLUGIN_UNKNOWN, "mixed this request up" },
        { ANSWER(OURS "\"status\":\"accepted\",\"code\":95,\"text\":\"\""), -EPROTO,
          FL_PLUGIN_UNKNOWN, "is not the plug-in" },
        { ANSWER(OURS "\"status\":\"refused\",\"code\":0,\"text\":\"\""), -EPROTO,
          FL_PLUGIN_UNKNOWN, "is not the plug-in" },
        { ANSWER(OURS "\"status\":\"maybe\",\"code\":0,\"text\":\"\""), -EPROTO, FL_PLUGIN_UNKNOWN,
          "is not the plug-in" },
        { ANSWER(OURS "\"status\":\"accepted\""), -EPROTO, FL_PLUGIN_UNKNOWN,
          "is not the plug-in" },
        { ANSWER(""), -EPROTO, FL_PLUGIN_UNKNOWN, "is not the plug-in" },
        { "{\"/flowlift/validate\":\"yes\"}", -EPROTO, FL_PLUGIN_UNKNOWN, "is not the plug-in" },
    };
    static const char rule[] = "transfer pattern eth actions drop";

    assert_int_equal(fl_plugin_check_of("1,transfer pattern eth actions drop"), 3944488974);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = { "/flowlift/validate,1,transfer pattern eth actions drop",
                             cases[i].reply, 0, false };
        struct fl_plugin_answer answer = { .verdict = FL_PLUGIN_UNKNOWN };
        struct fl_error err = FL_ERROR_INIT;
        struct server server;
        struct fl_telemetry *telemetry = play(&server, *state, &step, 1);

        assert_int_equal(fl_plugin_validate(telemetry, 1, rule, &answer, &err), cases[i].code);
        assert_int_equal(answer.verdict, cases[i].verdict);
        if (cases[i].code) {
            assert_says(&err, cases[i].code, cases[i].text);
        } else {
            assert_string_equal(answer.text, cases[i].text);
            assert_int_equal(answer.type, 13);
        }
        end(&server, telemetry);
    }
}

/* DPDK gave us another client's parameters at first. */
static void test_validate_asks_again(void **state)
{
    static const struct step steps[] = {
        { NULL, ANSWER("\"check\":2166136261,\"status\":\"malformed\",\"code\":22,\"text\":\"\""),
          0, false },
        { NULL, ANSWER(OURS "\"status\":\"refused\",\"code\":95,\"text\":\"no\""), 0, false },
    };
    struct fl_plugin_answer answer;
    struct fl_error err = FL_ERROR_INIT;
    struct server server;
    struct fl_telemetry *telemetry = play(&server, *state, steps, 2);

    assert_int_equal(fl_plugin_validate(telemetry, 1, "transfer pattern eth actions drop", &answer,
                                        &err),
                     0);
    assert_int_equal(err.code, 0);
    assert_int_equal(answer.verdict, FL_PLUGIN_REFUSED);
    assert_string_equal(fl_plugin_type_name(answer.type), "item");
    assert_string_equal(fl_plugin_type_name(16), "action");
    assert_string_equal(fl_plugin_type_name(-1), "unknown");
    assert_string_equal(fl_plugin_type_name(18), "unknown");
    end(&server, telemetry);
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, temporary_setup, temporary_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_check),          TEST(test_ports),
        TEST(test_rules_in_pages), TEST(test_rules_none_and_too_many),
        TEST(test_rules_refused),  TEST(test_hostile_rules),
        TEST(test_sink_stops),     TEST(test_count),
        TEST(test_validate),       TEST(test_validate_asks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
