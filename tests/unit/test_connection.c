/* SPDX-License-Identifier: Apache-2.0 */

/* Lines of "dpctl/dump-conntrack" as OVS 3.1 prints them, and the patience with who prints them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "flows/cleanup.h"
#include "flows/connection.h"
#include "lib/base/clock.h"
#include "lib/connection_table.h"
#include "tests/unit/temporary.h"

#define TCP      "tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=1000,dport=2049),"
#define MIRRORED "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2049,dport=1000)"

static void assert_address(const struct in6_addr *address, const char *wanted)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(AF_INET6, address, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void test_userspace_datapath(void **state)
{
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse(TCP MIRRORED ",zone=5,protoinfo=(state=ESTABLISHED)", &conn));
    assert_address(&conn.orig_src, "::ffff:10.1.1.1");
    assert_address(&conn.orig_dst, "::ffff:10.1.1.2");
    assert_address(&conn.reply_src, "::ffff:10.1.1.2");
    assert_address(&conn.reply_dst, "::ffff:10.1.1.1");
    assert_int_equal(conn.orig_sport, 1000);
    assert_int_equal(conn.orig_dport, 2049);
    assert_int_equal(conn.reply_sport, 2049);
    assert_int_equal(conn.reply_dport, 1000);
    assert_int_equal(conn.zone, 5);
    assert_int_equal(conn.proto, IPPROTO_TCP);
    assert_true(conn.established);
    assert_false(fl_connection_has_nat(&conn));
}

static void test_kernel_datapath_verbose(void **state)
{
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse(
        TCP MIRRORED ",id=2816,zone=7,status=SEEN_REPLY|ASSURED|CONFIRMED,timeout=86399,mark=3,"
                     "labels=0x1,protoinfo=(state_orig=ESTABLISHED,state_reply=ESTABLISHED,"
                     "wscale_orig=7,wscale_reply=7,flags_orig=WINDOW_SCALE|SACK_PERM)",
        &conn));
    assert_int_equal(conn.zone, 7);
    assert_true(conn.established);
}

static void test_statistics_inside_the_brackets(void **state)
{
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse(
        "udp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=5,dport=111,packets=3,bytes=4),"
        "reply=(src=10.1.1.2,dst=10.1.1.1,sport=111,dport=5,packets=0,bytes=0)",
        &conn));
    assert_int_equal(conn.orig_dport, 111);
    assert_int_equal(conn.proto, IPPROTO_UDP);
    assert_int_equal(conn.zone, 0);
}

static void test_not_established_until_seen_both_ways(void **state)
{
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse(TCP MIRRORED ",protoinfo=(state=SYN_SENT)", &conn));
    assert_false(conn.established);
    assert_true(fl_connection_parse("udp,orig=(src=1.1.1.1,dst=2.2.2.2,sport=1,dport=2),"
                                    "reply=(src=2.2.2.2,dst=1.1.1.1,sport=2,dport=1)",
                                    &conn));
    assert_false(conn.established);
}

static void test_ipv6(void **state)
{
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse("tcp,orig=(src=fd00::1,dst=fd00::2,sport=1,dport=2),"
                                    "reply=(src=fd00::2,dst=fd00::1,sport=2,dport=1)",
                                    &conn));
    assert_address(&conn.orig_dst, "fd00::2");
    assert_false(fl_connection_has_nat(&conn));
}

static void test_nat_is_seen(void **state)
{
    static const char *const replies[] = {
        "reply=(src=10.1.1.2,dst=192.0.2.1,sport=2049,dport=1000)",
        "reply=(src=10.9.9.9,dst=10.1.1.1,sport=2049,dport=1000)",
        "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2049,dport=1001)",
        "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2050,dport=1000)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct fl_connection conn;
        char line[256];

        snprintf(line, sizeof line, TCP "%s", replies[i]);
        assert_true(fl_connection_parse(line, &conn));
        assert_true(fl_connection_has_nat(&conn));
    }
}

static void test_closed_connections_are_not_open(void **state)
{
    static const uint8_t unknown = 0, syn_recv = 2, established = 3, time_wait = 7;
    struct fl_connection conn;

    (void)state;
    assert_true(fl_connection_parse(TCP MIRRORED, &conn));
    conn.established = true;
    conn.tcp_state = established;
    assert_true(fl_connection_is_open(&conn));
    conn.tcp_state = unknown;
    assert_true(fl_connection_is_open(&conn));
    conn.tcp_state = time_wait;
    assert_false(fl_connection_is_open(&conn));
    conn.tcp_state = syn_recv;
    assert_false(fl_connection_is_open(&conn));
    conn.proto = IPPROTO_UDP;
    assert_true(fl_connection_is_open(&conn));
    conn.established = false;
    assert_false(fl_connection_is_open(&conn));
}

static void test_other_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "tcp,",
        "icmp,orig=(src=10.1.1.1,dst=10.1.1.2,id=1,type=8,code=0),"
        "reply=(src=10.1.1.2,dst=10.1.1.1,id=1,type=0,code=0)",
        TCP,
        TCP "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2049,dport=1000",
        TCP "reply=(src=10.1.1.2,dst=10.1.1.1,sport=2049)",
        "tcp,orig=(src=10.1.1,dst=10.1.1.2,sport=1000,dport=2049)," MIRRORED,
        "tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=70000,dport=2049)," MIRRORED,
        "tcp,orig=(src=10.1.1.1,dst=10.1.1.2,sport=x,dport=2049)," MIRRORED,
        TCP MIRRORED ",zone=99999",
        "orig=(src=10.1.1.1,dst=10.1.1.2,sport=1000,dport=2049)," MIRRORED,
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct fl_connection conn = { .zone = 1234 };

        assert_false(fl_connection_parse(lines[i], &conn));
        assert_int_equal(conn.zone, 1234);
    }
}

/* A socket that takes connections, as an ovs-vswitchd that is stopped does. */
static int listen_and_be_silent(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_a_hung_switch_is_waited_for_as_long_as_the_host_says(void **state)
{
    _cleanup_free char *path = temporary_path(*state, "ctl");
    int fd = listen_and_be_silent(path);
    const struct fl_host host = { .target = path, .timeout_ms = 200 };
    struct fl_connection *connections = NULL;
    struct fl_connection_table *table;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_inventory inv;
    int64_t began_ms = fl_monotonic_ms();
    size_t n = 0;

    fl_inventory_init(&inv);
    assert_int_equal(fl_connection_table_open(&host, &inv, "br0", &table, &err), 0);
    assert_int_equal(fl_connection_table_read(table, 5, 10, &connections, &n, &err), -ETIMEDOUT);
    assert_in_range(fl_monotonic_ms() - began_ms, 200, 5000);
    fl_connection_table_close(table);
    fl_inventory_destroy(&inv);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_userspace_datapath),
        cmocka_unit_test(test_kernel_datapath_verbose),
        cmocka_unit_test(test_statistics_inside_the_brackets),
        cmocka_unit_test(test_not_established_until_seen_both_ways),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_nat_is_seen),
        cmocka_unit_test(test_closed_connections_are_not_open),
        cmocka_unit_test(test_other_lines_are_refused),
        cmocka_unit_test_setup_teardown(test_a_hung_switch_is_waited_for_as_long_as_the_host_says,
                                        temporary_setup, temporary_teardown),
    };

    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
