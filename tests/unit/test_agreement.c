/* SPDX-License-Identifier: Apache-2.0 */

/* Where Open vSwitch's word and the NIC's do not agree: one look on made-up words, and what two looks leave. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/agreement.h"
#include "flows/cleanup.h"
#include "flows/decode.h"
#include "flows/nic_rule_json.h"
#include "flows/tc_flow.h"
#include "flows/tc_json.h"

#define ID(N) "000000" N "-0000-0000-0000-000000000000"
#define TC(N)                                                                                           \
    "{\"dev\":\"vm1\",\"ingress\":true,\"pref\":2,\"protocol\":\"ip\",\"kind\":\"flower\",\"chain\":0," \
    "\"options\":{\"handle\":1,\"keys\":{\"eth_type\":\"ipv4\"}," STATE_##N
#define ACTIONS(COOKIE)                                                                            \
    ",\"actions\":[{\"kind\":\"gact\",\"control_action\":{\"type\":\"drop\"},\"cookie\":\"" COOKIE \
    "000000000000000000000000000000\"}]}}"
#define STATE_HW      "\"in_hw\":true,\"in_hw_count\":1"
#define STATE_NOT_HW  "\"not_in_hw\":true"
#define STATE_NEITHER "\"handle\":1"
#define STATE_EMPTY   "\"in_hw\":true,\"in_hw_count\":0"

#define OVS(N, WORDS)                                                                          \
    "ufid:" ID(                                                                                \
        N) ", recirc_id(0),in_port(vm1),eth_type(0x0800), packets:1, bytes:1, used:1s, " WORDS \
           " actions:drop\n"
#define HW   "offloaded:yes, dp:tc,"
#define SOFT "dp:ovs,"

struct look {
    struct fl_ports *ports;
    struct fl_agreement agreement;
};

static int add_flow(const struct fl_flow *flow, void *agreement)
{
    fl_agreement_add_flow(agreement, flow);
    return 0;
}

static void begin(struct look *look, const char *dump, bool lists_all)
{
    struct fl_decoder *decoder;

    look->ports = fl_ports_create();
    fl_agreement_init(&look->agreement, look->ports);
    look->agreement.lists_all = lists_all;
    decoder = fl_decoder_create(look->ports, 0, add_flow, &look->agreement);
    assert_int_equal(fl_decoder_push(decoder, dump, strlen(dump)), 0);
    assert_int_equal(fl_decoder_finish(decoder), 0);
    fl_decoder_destroy(decoder);
}

/* @block_members: 0, or devices of block 7 without its bond */
static void add(struct look *look, const char *text, uint32_t block_members, const char *orphan)
{
    struct fl_tc_filter *filter = xmalloc(sizeof *filter);
    _cleanup_json json_t *json = json_loads(text, 0, NULL);
    struct fl_tc_flow scratch;
    struct fl_flow flow;

    assert_non_null(json);
    assert_int_equal(fl_tc_filter_from_json(json, filter), 0);
    if (block_members) {
        filter->hook = FL_TC_BLOCK;
        filter->block = 7;
        filter->block_members = block_members;
        filter->dev = NULL;
    }
    fl_tc_flow_init(&scratch, look->ports);
    fl_tc_to_flow(&scratch, filter, 0, &flow);
    fl_agreement_add_filter(&look->agreement, filter, &flow, orphan);
    fl_tc_flow_uninit(&scratch);
    free(filter);
}

static void end(struct look *look)
{
    fl_agreement_end(&look->agreement);
    look->agreement.ports = NULL;
    fl_ports_destroy(look->ports);
}

static void assert_found(struct look *look, const char *wanted)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < look->agreement.n_found; i++) {
        ds_put_format(&text, "%s\n", look->agreement.found[i].text);
    }
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
    fl_agreement_destroy(&look->agreement);
}

static void what_both_say_alike_is_none(void **state)
{
    struct look look;

    (void)state;
    begin(&look, OVS("01", HW) OVS("02", "dp:tc,") OVS("03", SOFT), true);
    add(&look, TC(HW) ACTIONS("01"), 0, NULL);
    add(&look, TC(NOT_HW) ACTIONS("02"), 0, NULL);
    fl_agreement_count(&look.agreement, 2);
    end(&look);
    assert_found(&look, "");
}

static void what_is_offloaded_and_not_there_is_missing(void **state)
{
    struct look look;

    (void)state;
    begin(&look, OVS("01", HW) OVS("02", HW) OVS("02", HW), true);
    add(&look, TC(HW) ACTIONS("02"), 0, NULL);
    end(&look);
    assert_found(&look, "vm1, flow 00000001-0000-0000-0000-000000000000: Open vSwitch says that it "
                        "is offloaded, and TC has no such filter\n");
}

static void what_is_offloaded_and_not_in_the_nic(void **state)
{
    struct look look;

    (void)state;
    begin(&look, OVS("01", HW) OVS("02", HW), true);
    add(&look, TC(NOT_HW) ACTIONS("01"), 0, NULL);
    add(&look, TC(NEITHER) ACTIONS("02"), 0, NULL);
    end(&look);
    assert_found(&look, "vm1, flow 00000001-0000-0000-0000-000000000000: Open vSwitch says that it "
                        "is offloaded, and TC says that the NIC has not taken it\n"
                        "vm1, flow 00000002-0000-0000-0000-000000000000: Open vSwitch says that it "
                        "is offloaded, and TC says of no NIC that it has taken it\n");
}

static void what_is_in_software_and_in_the_nic(void **state)
{
    struct look look;

    (void)state;
    begin(&look, OVS("01", SOFT), false);
    add(&look, TC(HW) ACTIONS("01"), 0, NULL);
    end(&look);
    assert_found(&look, "vm1, flow 00000001-0000-0000-0000-000000000000: Open vSwitch has it in "
                        "software, and TC says that the NIC has it\n");
}

static void what_is_unknown_is_told_where_everything_is_listed(void **state)
{
    struct look look;

    (void)state;
    begin(&look, "", false);
    add(&look, TC(HW) ACTIONS("01"), 0, NULL);
    add(&look, TC(HW) ACTIONS("02"), 0, "vm1 is no port");
    end(&look);
    assert_found(&look, "vm1, flow 00000002-0000-0000-0000-000000000000: a filter with this cookie "
                        "is in the NIC, and Open vSwitch does not know it: vm1 is no port\n");
    begin(&look, OVS("02", HW), true);
    add(&look, TC(NOT_HW) ACTIONS("01"), 0, NULL);
    add(&look, TC(HW) ACTIONS("02"), 0, NULL);
    end(&look);
    assert_found(&look, "vm1, flow 00000001-0000-0000-0000-000000000000: a filter with this cookie "
                        "is in TC, and Open vSwitch does not know it: it lists no such flow\n");
}

static void what_is_in_the_nic_in_part(void **state)
{
    struct look look;

    (void)state;
    begin(&look, "", false);
    add(&look, TC(HW) ACTIONS("01"), 2, NULL);
    add(&look, TC(HW) ACTIONS("02"), 1, NULL);
    add(&look, TC(EMPTY) ACTIONS("03"), 0, NULL);
    end(&look);
    assert_found(&look,
                 "block 7, flow 00000001-0000-0000-0000-000000000000: TC says in_hw, and "
                 "that 1 of 2 devices of block 7 have taken it\n"
                 "vm1, flow 00000003-0000-0000-0000-000000000000: TC says in_hw, and that no "
                 "device has taken it\n");
}

/* One that was deleted behind its back is in no list of Open vSwitch's, which it reads from TC, but in its count. */
static void what_it_keeps_is_counted(void **state)
{
    struct look look;

    (void)state;
    begin(&look, OVS("02", HW), true);
    add(&look, TC(HW) ACTIONS("02"), 0, NULL);
    fl_agreement_count(&look.agreement, 2);
    end(&look);
    assert_found(&look, "Open vSwitch keeps 2 flows in TC, and TC has 1 filter with its cookie\n");
}

static void dpdk_ports_have_a_line_a_flow_or_more(void **state)
{
    static const char dump[] = "flow-dump from pmd on cpu core: 1\n" //
        OVS("01", "offloaded:yes, dp:dpdk,") OVS("02", "offloaded:partial, dp:ovs,")
            OVS("03", SOFT) "flow-dump from pmd on cpu core: 2\n" OVS("04",
                                                                      "offloaded:yes, dp:dpdk,");
    struct look look;

    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        begin(&look, dump, true);
        fl_agreement_add_port(&look.agreement, "vm1", n);
        fl_agreement_add_port(&look.agreement, "vm2", 0);
        end(&look);
        assert_found(&look, n > 1 ? ""
                                  : "vm1: Open vSwitch says that 2 flows are in the NIC, whose "
                                    "driver lists 1 line of rules\n");
    }
}

static void what_one_look_alone_has_seen_is_none(void **state)
{
    struct look first, second;

    (void)state;
    begin(&first, OVS("01", HW) OVS("02", HW), true);
    fl_agreement_count(&first.agreement, 5);
    end(&first);
    begin(&second, OVS("02", HW) OVS("03", HW), true);
    fl_agreement_count(&second.agreement, 6);
    end(&second);
    fl_agreement_confirm(&first.agreement, &second.agreement);
    fl_agreement_destroy(&second.agreement);
    assert_found(&first,
                 "vm1, flow 00000002-0000-0000-0000-000000000000: Open vSwitch says that it "
                 "is offloaded, and TC has no such filter\n");
}

static void rules_are_written_with_what_is_known(void **state)
{
    struct fl_tc_filter *filter = xmalloc(sizeof *filter);
    _cleanup_json json_t *json = json_loads(TC(HW) ACTIONS("01"), 0, NULL);
    _cleanup_free char *text = NULL;
    json_t *rule;

    (void)state;
    assert_int_equal(fl_tc_filter_from_json(json, filter), 0);
    rule = fl_nic_rule_json(filter);
    text = json_dumps(rule, JSON_COMPACT);
    json_decref(rule);
    free(filter);
    assert_string_equal(text, "{\"chain\":0,\"priority\":2,\"protocol\":2048,\"handle\":1,"
                              "\"in_hw\":true,\"in_hw_count\":1,"
                              "\"ufid\":\"00000001-0000-0000-0000-000000000000\","
                              "\"cookie\":\"01000000000000000000000000000000\","
                              "\"hw_packets\":null,\"hw_bytes\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_say_alike_is_none),
        cmocka_unit_test(what_is_offloaded_and_not_there_is_missing),
        cmocka_unit_test(what_is_offloaded_and_not_in_the_nic),
        cmocka_unit_test(what_is_in_software_and_in_the_nic),
        cmocka_unit_test(what_is_unknown_is_told_where_everything_is_listed),
        cmocka_unit_test(what_is_in_the_nic_in_part),
        cmocka_unit_test(what_it_keeps_is_counted),
        cmocka_unit_test(dpdk_ports_have_a_line_a_flow_or_more),
        cmocka_unit_test(what_one_look_alone_has_seen_is_none),
        cmocka_unit_test(rules_are_written_with_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
