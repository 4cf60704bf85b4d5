/* SPDX-License-Identifier: Apache-2.0 */

/* The client of DPDK's telemetry: what it says of a server that is missing, slow or hostile. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/dpdk/telemetry.h"
#include "lib/dpdk/telemetry_places.h"
#include "telemetry_server.h"

/* ---- Connecting ---- */

static void assert_no_connection(const char *path, int code, const char *part)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_telemetry *telemetry = NULL;

    assert_int_equal(fl_telemetry_open(path, 0, TIMEOUT_MS, &telemetry, &err), code);
    assert_null(telemetry);
    assert_says(&err, code, part);
}

static void assert_greeting_refused(struct temporary *t, const char *greeting, int code,
                                    const char *part)
{
    struct server server = { .greeting = greeting };

    start(&server, t, "sock");
    assert_no_connection(server.path, code, part);
    stop(&server);
    unlink(server.path);
}

static void test_no_server(void **state)
{
    struct temporary *t = *state;
    char *path = temporary_path(t, "sock"), *beyond;
    struct server server = { .greeting = GREETING };

    assert_no_connection(path, -ENOENT, "does ovs-vswitchd run with other_config:dpdk-init=true?");
    start(&server, t, "sock");
    stop(&server);
    assert_no_connection(path, -ECONNREFUSED, "is ovs-vswitchd running?");
    free(path);
    beyond = xasprintf("/tmp/%0200d", 0);
    assert_no_connection(beyond, -ENAMETOOLONG, "File name too long");
    free(beyond);
}

/* A process of nobody's that listens at the socket, and says nothing. */
static pid_t listen_as_nobody(int fd)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        if (!setresuid(65534, 65534, 65534) && !listen(fd, 1) && write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void test_another_user_is_not_believed(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char *path = temporary_path(*state, "sock");
    struct fl_error err = FL_ERROR_INIT;
    struct fl_telemetry *telemetry = NULL;
    pid_t child;
    int fd;

    if (geteuid()) {
        free(path);
        skip();
    }
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    ovs_strlcpy(address.sun_path, path, sizeof address.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    child = listen_as_nobody(fd);
    assert_no_connection(path, -ESRCH, "of user 65534 made it");
    /* The one that is meant is heard: it says nothing. */
    assert_int_equal(fl_telemetry_open(path, child, 100, &telemetry, &err), -ETIMEDOUT);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(fd);
    unlink(path);
    free(path);
}

static void test_greeting(void **state)
{
    static const struct step steps[] = { { "/x", "{\"/x\":1}", 0, false } };
    struct fl_telemetry *telemetry;
    struct server server;

    telemetry = play(&server, *state, steps, 1);
    assert_string_equal(fl_telemetry_version(telemetry), "DPDK 22.11.11");
    assert_int_equal(fl_telemetry_pid(telemetry), 4711);
    assert_string_equal(fl_telemetry_path(telemetry), server.path);
    end(&server, telemetry);
    assert_greeting_refused(*state, "", -EUSERS, "serves 10 clients at a time");
    assert_greeting_refused(*state, NULL, -ETIMEDOUT, "does not answer");
    assert_greeting_refused(*state, "hello", -EPROTO, "no DPDK telemetry");
    assert_greeting_refused(*state, "[]", -EPROTO, "no DPDK telemetry");
    assert_greeting_refused(*state, "{\"version\":\"DPDK\"}", -EPROTO, "no DPDK telemetry");
    assert_greeting_refused(*state, "{\"version\":7,\"pid\":1}", -EPROTO, "no DPDK telemetry");
}

static void test_dpdk_extra(void **state)
{
    static const struct {
        const char *text, *prefix;
        bool no_telemetry;
    } cases[] = {
        { NULL, "rte", false },
        { "", "rte", false },
        { "--file-prefix=a -m 512", "a", false },
        { "-m 512 --file-prefix b", "b", false },
        { "--file-prefix=a \"--file-prefix=c d\"", "c d", false },
        { "--file-prefix", "rte", false },
        { "--file-prefixes=a --no-telemetry", "rte", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fl_telemetry_extra extra;

        fl_telemetry_read_extra(cases[i].text, &extra);
        assert_string_equal(extra.prefix, cases[i].prefix);
        assert_int_equal(extra.no_telemetry, cases[i].no_telemetry);
        free(extra.prefix);
    }
}

/* Two processes with one prefix: ours is known by its number. */
static void test_the_right_process(void **state)
{
    struct temporary *t = *state;
    struct server other = { .greeting = "{\"version\":\"DPDK 22.11.11\",\"pid\":5}" };
    struct server ours = { .greeting = GREETING };
    struct fl_telemetry *telemetry = NULL;
    struct fl_error err = FL_ERROR_INIT;

    setenv("XDG_RUNTIME_DIR", t->root, 1);
    start(&other, t, "dpdk/fl-test/dpdk_telemetry.v2");
    start(&ours, t, "dpdk/fl-test/dpdk_telemetry.v2:1");
    assert_int_equal(fl_telemetry_open_ovs("--file-prefix=fl-test", 4711, TIMEOUT_MS, &telemetry,
                                           &err),
                     0);
    assert_string_equal(fl_telemetry_path(telemetry), ours.path);
    fl_telemetry_close(telemetry);
    assert_int_equal(fl_telemetry_open_ovs("--file-prefix=fl-test", 0, TIMEOUT_MS, &telemetry,
                                           &err),
                     0);
    assert_string_equal(fl_telemetry_path(telemetry), other.path);
    fl_telemetry_close(telemetry);
    telemetry = NULL;
    assert_int_equal(fl_telemetry_open_ovs("--file-prefix=fl-test", 4712, TIMEOUT_MS, &telemetry,
                                           &err),
                     -ENOENT);
    assert_says(&err, -ENOENT, "dpdk/fl-test/dpdk_telemetry.v2");
    fl_error_clear(&err);
    stop(&ours);
    stop(&other);
    assert_int_equal(fl_telemetry_open_ovs("--file-prefix=fl-test", 0, TIMEOUT_MS, &telemetry,
                                           &err),
                     -ECONNREFUSED);
    assert_says(&err, -ECONNREFUSED, "is ovs-vswitchd running?");
    fl_error_clear(&err);
    fl_telemetry_open_ovs("--no-telemetry", 0, TIMEOUT_MS, &telemetry, &err);
    assert_says(&err, -ENOENT, "take --no-telemetry out of other_config:dpdk-extra");
    assert_null(telemetry);
    unsetenv("XDG_RUNTIME_DIR");
}

/* ---- Replies ---- */

static void assert_asked(struct temporary *t, const struct step *step, int code, const char *part)
{
    struct fl_error err = FL_ERROR_INIT;
    struct server server;
    struct fl_telemetry *telemetry = play(&server, t, step, 1);
    json_t *value = NULL;

    assert_int_equal(fl_telemetry_ask(telemetry, "/flowlift/count,1", &value, &err), code);
    assert_null(value);
    assert_says(&err, code, part);
    if (code != -ENOENT && code != -E2BIG) {
        fl_error_clear(&err);
        assert_int_equal(fl_telemetry_ask(telemetry, "/flowlift/count,1", &value, &err), -EPIPE);
    }
    end(&server, telemetry);
}

static void test_replies(void **state)
{
    static const struct step good[] = {
        { "/a,1", "{\"/a\":[1,2]}", 0, false },
        { "/b", "{\"/b\":\"x\"}", 0, false },
    };
    struct fl_error err = FL_ERROR_INIT;
    struct server server;
    struct fl_telemetry *telemetry = play(&server, *state, good, 2);
    char long_request[1025];
    json_t *value;

    assert_int_equal(fl_telemetry_ask(telemetry, "/a,1", &value, &err), 0);
    assert_int_equal(json_array_size(value), 2);
    json_decref(value);
    memset(long_request, 'x', sizeof long_request - 1);
    long_request[1024] = '\0';
    assert_int_equal(fl_telemetry_ask(telemetry, long_request, &value, &err), -E2BIG);
    assert_says(&err, -E2BIG, "1024 bytes: it reads at most 1023");
    fl_error_clear(&err);
    assert_int_equal(fl_telemetry_ask(telemetry, "/b", &value, &err), 0);
    assert_string_equal(json_string_value(value), "x");
    json_decref(value);
    end(&server, telemetry);
}

static void test_bad_replies(void **state)
{
    struct step step = { .request = "/flowlift/count,1" };
    static const char *const malformed[] = {
        "{\"/flowlift/count\":",
        "{\"/flowlift/count\":}",
        "{\"/flowlift/count\":{\"lines\":1,\"lines\":2}}",
        "{\"/flowlift/rules\":1}",
        "{\"/flowlift/count\":1,\"more\":2}",
        "[1]",
        "{}",
        "\xff\xfe",
        "{\"/flowlift/count\":\"\\u0000\"}",
    };
    char *big = xmalloc(70000);

    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        step.reply = malformed[i];
        assert_asked(*state, &step, -EPROTO, "/flowlift/count is no such reply");
    }
    step.reply = "{\"/flowlift/count\":null}";
    assert_asked(*state, &step, -ENOENT, "knows no command /flowlift/count");
    memset(big, ' ', 70000);
    step.reply = big;
    step.n = 70000;
    assert_asked(*state, &step, -EMSGSIZE, "Message too long");
    free(big);
    step = (struct step){ .reply = NULL };
    assert_asked(*state, &step, -ETIMEDOUT, "does not answer");
    step.hang_up = true;
    assert_asked(*state, &step, -EPIPE, "was ovs-vswitchd restarted?");
}

int main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, temporary_setup, temporary_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_no_server),         TEST(test_another_user_is_not_believed),
        TEST(test_greeting),          TEST(test_dpdk_extra),
        TEST(test_the_right_process), TEST(test_replies),
        TEST(test_bad_replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
