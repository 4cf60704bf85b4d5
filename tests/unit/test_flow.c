/* SPDX-License-Identifier: Apache-2.0 */

/* Paths, port numbers of a snapshot, and the sentence of an error. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/simap.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/error.h"
#include "flows/flow.h"
#include "flows/limits.h"

/* Paths */

static void path_names_go_both_ways(void **state)
{
    static const char *const names[][2] = {
        { "hw", "hw" },       { "hw-partial", "hw_partial" }, { "tc-sw", "tc_sw" },
        { "dp-sw", "dp_sw" }, { "upcall", "upcall" },         { "unknown", "unknown" },
    };
    enum fl_path path;

    (void)state;
    assert_int_equal(ARRAY_SIZE(names), FL_N_PATHS);
    for (enum fl_path i = 0; i < FL_N_PATHS; i++) {
        assert_string_equal(fl_path_name(i), names[i][0]);
        assert_string_equal(fl_path_key(i), names[i][1]);
        assert_true(fl_path_from_name(names[i][0], &path));
        assert_int_equal(path, i);
    }
    path = FL_PATH_TC_SW;
    assert_false(fl_path_from_name("in_hw", &path));
    assert_false(fl_path_from_name("", &path));
    assert_int_equal(path, FL_PATH_TC_SW);
}

static void the_worse_path_is_the_later_one(void **state)
{
    (void)state;
    assert_int_equal(fl_path_worse(FL_PATH_HW, FL_PATH_DP_SW), FL_PATH_DP_SW);
    assert_int_equal(fl_path_worse(FL_PATH_UPCALL, FL_PATH_TC_SW), FL_PATH_UPCALL);
    assert_int_equal(fl_path_worse(FL_PATH_HW, FL_PATH_HW), FL_PATH_HW);
    assert_int_equal(fl_path_worse(FL_PATH_UNKNOWN, FL_PATH_UPCALL), FL_PATH_UNKNOWN);
}

static enum fl_path path_of(enum fl_offloaded offloaded, enum fl_layer layer, const char *actions)
{
    struct ofpbuf buf;
    struct fl_flow flow = { .offloaded = offloaded, .layer = layer };
    enum fl_path path;

    ofpbuf_init(&buf, 0);
    if (actions) {
        assert_int_equal(odp_actions_from_string(actions, NULL, &buf), 0);
        flow.has_actions = true;
        flow.actions = buf.data;
        flow.actions_len = (uint16_t)buf.size;
    }
    path = fl_flow_path(&flow);
    ofpbuf_uninit(&buf);
    return path;
}

static void path_is_told_by_offloaded_and_layer(void **state)
{
    static const struct {
        enum fl_offloaded offloaded;
        enum fl_layer layer;
        enum fl_path path;
    } cases[] = {
        { FL_OFFLOADED_YES, FL_LAYER_TC, FL_PATH_HW },
        { FL_OFFLOADED_YES, FL_LAYER_DPDK, FL_PATH_HW },
        { FL_OFFLOADED_YES, FL_LAYER_DOCA, FL_PATH_HW },
        { FL_OFFLOADED_YES, FL_LAYER_NONE, FL_PATH_HW },
        /* A CPU forwards it, so it is not all in the NIC. */
        { FL_OFFLOADED_YES, FL_LAYER_OVS, FL_PATH_HW_PARTIAL },
        { FL_OFFLOADED_PARTIAL, FL_LAYER_OVS, FL_PATH_HW_PARTIAL },
        { FL_OFFLOADED_NONE, FL_LAYER_TC, FL_PATH_TC_SW },
        { FL_OFFLOADED_NONE, FL_LAYER_OVS, FL_PATH_DP_SW },
        { FL_OFFLOADED_NONE, FL_LAYER_NONE, FL_PATH_UNKNOWN },
        { FL_OFFLOADED_NONE, FL_LAYER_DPDK, FL_PATH_UNKNOWN },
        { FL_OFFLOADED_NONE, FL_LAYER_DOCA, FL_PATH_UNKNOWN },
        { FL_OFFLOADED_NONE, FL_LAYER_OTHER, FL_PATH_UNKNOWN },
        { FL_OFFLOADED_OTHER, FL_LAYER_TC, FL_PATH_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(path_of(cases[i].offloaded, cases[i].layer, NULL), cases[i].path);
        assert_int_equal(path_of(cases[i].offloaded, cases[i].layer, "3"), cases[i].path);
    }
}

static void upcall_is_what_sends_every_packet_up(void **state)
{
    static const struct {
        const char *actions;
        enum fl_path path;
    } cases[] = {
        { "userspace(pid=1,slow_path(action))", FL_PATH_UPCALL },
        { "userspace(pid=1,controller(reason=1,dont_send=0,continuation=0,recirc_id=1,"
          "rule_cookie=0,controller_id=0,max_len=65535)),3",
          FL_PATH_UPCALL },
        { "userspace(pid=1)", FL_PATH_UPCALL },
        { "clone(userspace(pid=1,slow_path(action))),3", FL_PATH_UPCALL },
        { "sample(sample=100.0%,actions(userspace(pid=1,slow_path(action))))", FL_PATH_UPCALL },
        { "check_pkt_len(size=100,gt(userspace(pid=1)),le(userspace(pid=1)))", FL_PATH_UPCALL },
        /* Samples are copies, and some packets are not all packets. */
        { "sample(sample=10.0%,actions(userspace(pid=1,slow_path(action)))),3", FL_PATH_DP_SW },
        { "userspace(pid=1,sFlow(vid=0,pcp=0,output=3),actions),3", FL_PATH_DP_SW },
        { "userspace(pid=1,ipfix(output_port=3)),3", FL_PATH_DP_SW },
        { "sample(sample=100.0%,actions(userspace(pid=1,sFlow(vid=0,pcp=0,output=3)))),3",
          FL_PATH_DP_SW },
        { "check_pkt_len(size=100,gt(userspace(pid=1)),le(3))", FL_PATH_DP_SW },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(path_of(FL_OFFLOADED_NONE, FL_LAYER_OVS, cases[i].actions), cases[i].path);
    assert_int_equal(path_of(FL_OFFLOADED_NONE, FL_LAYER_NONE, cases[0].actions), FL_PATH_UPCALL);
}

static void an_id_is_shown_as_a_ufid(void **state)
{
    struct uuid uuid = { { 0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210 } };
    struct fl_flow flow = { .has_ufid = true };
    char buf[37];

    (void)state;
    memcpy(&flow.id, &uuid, sizeof uuid);
    fl_flow_format_id(&flow, buf);
    assert_string_equal(buf, "01234567-89ab-cdef-fedc-ba9876543210");
}

/* Ports */

static uint32_t intern(struct fl_ports *ports, const char *name)
{
    return odp_to_u32(fl_ports_intern(ports, name, strlen(name)));
}

static void a_port_name_gets_a_number_of_its_own(void **state)
{
    struct fl_ports *ports = fl_ports_create();
    char buf[16];

    (void)state;
    assert_int_equal(intern(ports, "rep0"), FL_PORT_NAMED);
    assert_int_equal(intern(ports, "5b45c61b307e_h"), FL_PORT_NAMED + 1);
    assert_int_equal(intern(ports, "rep0"), FL_PORT_NAMED);
    assert_int_equal(odp_to_u32(fl_ports_find(ports, "rep0")), FL_PORT_NAMED);
    assert_int_equal(odp_to_u32(fl_ports_find(ports, "rep")), odp_to_u32(ODPP_NONE));
    assert_string_equal(fl_ports_name(ports, u32_to_odp(FL_PORT_NAMED + 1), buf), "5b45c61b307e_h");
    assert_int_equal(simap_get(fl_ports_simap(ports), "rep0"), FL_PORT_NAMED);
    fl_ports_destroy(ports);
}

static void a_port_number_stands_for_itself(void **state)
{
    struct fl_ports *ports = fl_ports_create();
    char buf[16];

    (void)state;
    assert_int_equal(intern(ports, "0"), 0);
    assert_int_equal(intern(ports, "6081"), 6081);
    assert_int_equal(odp_to_u32(fl_ports_find(ports, "6081")), 6081);
    assert_string_equal(fl_ports_name(ports, u32_to_odp(6081), buf), "6081");
    assert_string_equal(fl_ports_name(ports, ODPP_NONE, buf), "4294967295");
    /* Numbers that stand for names are no datapath's. */
    assert_int_equal(intern(ports, "1073741824"), FL_PORT_NAMED);
    assert_string_equal(fl_ports_name(ports, u32_to_odp(FL_PORT_NAMED), buf), "1073741824");
    fl_ports_destroy(ports);
}

/*
 * Field mistake (FIELD.md A.1, item 8): "dpdkp0 3/4" is OpenFlow port 3 and datapath port 4. A name is
 * neither: it never gets a number that a port of the bridge could have.
 */
static void port_names_are_never_openflow_or_datapath_numbers(void **state)
{
    struct fl_ports *ports = fl_ports_create();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[16];

        snprintf(name, sizeof name, "rep%d", i);
        assert_true(intern(ports, name) >= FL_PORT_NAMED);
        assert_true(intern(ports, name) > UINT16_MAX);
    }
    assert_int_equal(intern(ports, "3"), 3);
    assert_int_not_equal(intern(ports, "3"), intern(ports, "rep3"));
    fl_ports_destroy(ports);
}

static void ports_have_limits(void **state)
{
    struct fl_ports *ports = fl_ports_create();
    char name[FL_LIMIT_NAME_BYTES + 2];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(intern(ports, name), odp_to_u32(ODPP_NONE));
    assert_int_equal(intern(ports, ""), odp_to_u32(ODPP_NONE));
    assert_int_equal(odp_to_u32(fl_ports_intern(ports, "a\0b", 3)), odp_to_u32(ODPP_NONE));
    for (uint32_t i = 0; i < FL_LIMIT_PORTS; i++) {
        snprintf(name, sizeof name, "p%" PRIu32, i);
        assert_int_equal(intern(ports, name), FL_PORT_NAMED + i);
    }
    assert_int_equal(intern(ports, "one-too-many"), odp_to_u32(ODPP_NONE));
    assert_int_equal(intern(ports, "p0"), FL_PORT_NAMED);
    fl_ports_destroy(ports);
}

/* Errors */

static void the_first_cause_wins(void **state)
{
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    assert_int_equal(fl_error_set(&err, -ENOENT, "cannot open %s", "a"), -ENOENT);
    assert_int_equal(fl_error_set(&err, -EPERM, "cannot open %s", "b"), -EPERM);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "cannot open a");
    fl_error_prefix(&err, "reading %s", "the configuration");
    assert_string_equal(err.text, "reading the configuration: cannot open a");
    assert_int_equal(err.code, -ENOENT);
    fl_error_clear(&err);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.text, "");
}

static void an_error_may_go_nowhere(void **state)
{
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    assert_int_equal(fl_error_set(NULL, -EIO, "lost"), -EIO);
    fl_error_prefix(NULL, "context");
    fl_error_clear(NULL);
    /* Nothing to put context in front of. */
    fl_error_prefix(&err, "context");
    assert_string_equal(err.text, "");
}

static void an_error_is_one_line_of_bounded_length(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    char text[2 * FL_ERROR_MAX];

    (void)state;
    fl_error_set(&err, -EINVAL, "%s", "a\nb\x1b[2J\x7f");
    assert_string_equal(err.text, "a?b?[2J?");

    fl_error_clear(&err);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fl_error_set(&err, -EINVAL, "%s", text);
    assert_int_equal(strlen(err.text), FL_ERROR_MAX - 1);
    assert_string_equal(err.text + FL_ERROR_MAX - 5, "x...");
    fl_error_prefix(&err, "context");
    assert_int_equal(strlen(err.text), FL_ERROR_MAX - 1);
    assert_memory_equal(err.text, "context: xxx", 12);
    assert_string_equal(err.text + FL_ERROR_MAX - 5, "x...");
}

static void an_error_is_not_cut_in_a_character(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    char text[2 * FL_ERROR_MAX] = "";

    (void)state;
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 4);
    fl_error_set(&err, -EINVAL, "%s", text);
    assert_string_equal(err.text + strlen(err.text) - 6, "\xe2\x82\xac...");
    assert_int_equal((strlen(err.text) - 3) % 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_names_go_both_ways),
        cmocka_unit_test(the_worse_path_is_the_later_one),
        cmocka_unit_test(path_is_told_by_offloaded_and_layer),
        cmocka_unit_test(upcall_is_what_sends_every_packet_up),
        cmocka_unit_test(an_id_is_shown_as_a_ufid),
        cmocka_unit_test(a_port_name_gets_a_number_of_its_own),
        cmocka_unit_test(a_port_number_stands_for_itself),
        cmocka_unit_test(port_names_are_never_openflow_or_datapath_numbers),
        cmocka_unit_test(ports_have_limits),
        cmocka_unit_test(the_first_cause_wins),
        cmocka_unit_test(an_error_may_go_nowhere),
        cmocka_unit_test(an_error_is_one_line_of_bounded_length),
        cmocka_unit_test(an_error_is_not_cut_in_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
