/* SPDX-License-Identifier: Apache-2.0 */
/* What the rule table of the simulated NIC and its faults promise. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nic/eswitch.h"
#include "test_frame.h"

#define VM_PORT 3u
#define UPLINK  0u

/* ---- The rule table ---- */

struct outputs {
    size_t n;
    uint32_t port;
    size_t bytes;
};

static void note_output(void *context, uint32_t port, const struct flownic_frame *frame)
{
    struct outputs *outputs = context;

    outputs->n++;
    outputs->port = port;
    outputs->bytes = frame->bytes;
}

static struct flownic_rule_spec forwarding_rule(const uint8_t *ipv4_dst)
{
    struct flownic_rule_spec spec = { .forwards = true, .counts = true, .n_actions = 3 };

    memcpy(spec.value.eth_type, "\x08\x00", 2);
    memset(spec.mask.eth_type, 0xff, 2);
    memcpy(spec.value.ipv4_dst, ipv4_dst, 4);
    memset(spec.mask.ipv4_dst, 0xff, 4);
    spec.actions[0] = (struct flownic_action){ .type = FLOWNIC_ACTION_PUSH_VLAN, .number = 0x8100 };
    spec.actions[1] = (struct flownic_action){ .type = FLOWNIC_ACTION_SET_VLAN_VID, .number = 100 };
    spec.actions[2] = (struct flownic_action){ .type = FLOWNIC_ACTION_PORT, .number = UPLINK };
    return spec;
}

static struct flownic_rule_spec marking_rule(void)
{
    struct flownic_rule_spec spec = { .n_actions = 1 };

    memcpy(spec.value.eth_type, "\x08\x00", 2);
    memset(spec.mask.eth_type, 0xff, 2);
    spec.actions[0] = (struct flownic_action){ .type = FLOWNIC_ACTION_MARK, .number = 42 };
    return spec;
}

static const uint8_t server[4] = { 10, 100, 0, 1 };

static int make_eswitch(void **state)
{
    *state = flownic_eswitch_create();
    return *state ? 0 : -1;
}

static int destroy_eswitch(void **state)
{
    flownic_eswitch_destroy(*state);
    return 0;
}

static struct flownic_rule *add(struct flownic_eswitch *eswitch, struct flownic_rule_spec spec)
{
    struct flownic_refusal refusal;
    struct flownic_rule *rule = flownic_eswitch_add(eswitch, VM_PORT, &spec, &refusal);

    assert_non_null(rule);
    return rule;
}

static enum flownic_verdict process(struct flownic_eswitch *eswitch, struct outputs *outputs,
                                    uint32_t *mark)
{
    const struct flownic_output_sink sink = { note_output, outputs };
    struct buffer buffer;

    memset(outputs, 0, sizeof *outputs);
    return flownic_eswitch_process(eswitch, VM_PORT, fill(&buffer), &sink, mark);
}

static void a_frame_without_a_rule_goes_to_software(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_port_counters counters;
    struct outputs outputs;
    uint32_t mark;

    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_TO_SOFTWARE);
    counters = flownic_eswitch_port_counters(eswitch, VM_PORT);
    assert_int_equal(counters.miss_packets, 1);
    assert_int_equal(counters.miss_bytes, sizeof tcp_frame);
    assert_int_equal(counters.hw_fwd_packets, 0);
}

static void a_rule_forwards_rewritten_and_counts(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule *rule = add(eswitch, forwarding_rule(server));
    struct flownic_port_counters in, out;
    struct flownic_rule_counters counters;
    struct outputs outputs;
    uint32_t mark;

    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_FORWARDED);
    assert_int_equal(outputs.n, 1);
    assert_int_equal(outputs.port, UPLINK);
    assert_int_equal(outputs.bytes, sizeof tcp_frame + 4);
    in = flownic_eswitch_port_counters(eswitch, VM_PORT);
    out = flownic_eswitch_port_counters(eswitch, UPLINK);
    assert_int_equal(in.hw_fwd_packets, 1);
    assert_int_equal(in.hw_fwd_bytes, sizeof tcp_frame);
    assert_int_equal(in.miss_packets, 0);
    assert_int_equal(in.rules, 1);
    assert_int_equal(out.hw_out_packets, 1);
    assert_int_equal(out.hw_out_bytes, sizeof tcp_frame + 4);
    counters = flownic_eswitch_query(eswitch, rule, false);
    assert_int_equal(counters.packets, 1);
    assert_int_equal(counters.bytes, sizeof tcp_frame);
}

static void a_rule_of_another_port_or_address_does_not_match(void **state)
{
    static const uint8_t other_server[4] = { 10, 100, 0, 2 };
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_spec spec = forwarding_rule(server);
    struct flownic_refusal refusal;
    struct outputs outputs;
    uint32_t mark;

    assert_non_null(flownic_eswitch_add(eswitch, VM_PORT + 1, &spec, &refusal));
    add(eswitch, forwarding_rule(other_server));
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_TO_SOFTWARE);
}

static void a_query_with_reset_leaves_the_nics_own_count(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule *rule = add(eswitch, forwarding_rule(server));
    struct flownic_rule_view view;
    struct outputs outputs;
    uint32_t mark;

    process(eswitch, &outputs, &mark);
    process(eswitch, &outputs, &mark);
    assert_int_equal(flownic_eswitch_query(eswitch, rule, true).packets, 2);
    assert_int_equal(flownic_eswitch_query(eswitch, rule, true).packets, 0);
    process(eswitch, &outputs, &mark);
    assert_int_equal(flownic_eswitch_query(eswitch, rule, false).packets, 1);
    assert_int_equal(flownic_eswitch_rules(eswitch, VM_PORT, 0, &view, 1), 1);
    assert_int_equal(view.total.packets, 3);
}

static void a_removed_rule_forwards_no_more(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_port_counters counters;
    struct outputs outputs;
    uint32_t mark;

    flownic_eswitch_remove(eswitch, add(eswitch, forwarding_rule(server)));
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_TO_SOFTWARE);
    counters = flownic_eswitch_port_counters(eswitch, VM_PORT);
    assert_int_equal(counters.rules, 0);
    assert_int_equal(counters.created, 1);
    assert_int_equal(counters.destroyed, 1);
}

static void forwarding_comes_before_marking_and_low_numbers_first(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_spec second = forwarding_rule(server), first = second;
    struct outputs outputs;
    uint32_t mark = 0;

    assert_null(flownic_eswitch_set_fault(eswitch, "partial,on"));
    add(eswitch, marking_rule());
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_TO_SOFTWARE_MARKED);
    assert_int_equal(mark, 42);
    second.priority = 7;
    add(eswitch, second);
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_FORWARDED);
    first.priority = 3;
    first.n_actions = 1;
    first.actions[0] = (struct flownic_action){ .type = FLOWNIC_ACTION_DROP };
    add(eswitch, first);
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_DROPPED);
    assert_int_equal(outputs.n, 0);
    assert_int_equal(flownic_eswitch_port_counters(eswitch, VM_PORT).hw_drop_packets, 1);
}

static void serial_numbers_are_never_used_again(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_view view;

    for (uint64_t serial = 1; serial <= 5; serial++) {
        struct flownic_rule *rule = add(eswitch, forwarding_rule(server));

        assert_int_equal(flownic_eswitch_rules(eswitch, VM_PORT, 0, &view, 1), 1);
        assert_int_equal(view.serial, serial);
        flownic_eswitch_remove(eswitch, rule);
    }
}

static void ten_thousand_rules_are_all_found_and_listed(void **state)
{
    enum { RULES = 10000, PAGE = 64 };
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_view views[PAGE];
    struct outputs outputs;
    uint64_t from = 0;
    size_t listed = 0, n;
    uint32_t mark;

    for (unsigned int i = 0; i < RULES; i++) {
        const uint8_t address[4] = { 10, 101, (uint8_t)(i >> 8), (uint8_t)i };

        add(eswitch, forwarding_rule(address));
    }
    add(eswitch, forwarding_rule(server));
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_FORWARDED);
    do {
        n = flownic_eswitch_rules(eswitch, VM_PORT, from, views, PAGE);
        listed += n;
        from = n ? views[n - 1].serial + 1 : from;
    } while (n == PAGE);
    assert_int_equal(listed, RULES + 1);
    flownic_eswitch_flush(eswitch, VM_PORT);
    assert_int_equal(flownic_eswitch_port_counters(eswitch, VM_PORT).rules, 0);
    assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_TO_SOFTWARE);
}

/* ---- Faults ---- */

static void assert_refused(struct flownic_eswitch *eswitch, const char *fault,
                           enum flownic_refusal_part part, const char *text)
{
    struct flownic_rule_spec spec = forwarding_rule(server);
    struct flownic_refusal refusal, checked;

    assert_null(flownic_eswitch_set_fault(eswitch, fault));
    checked = flownic_eswitch_check(eswitch, &spec);
    assert_int_equal(checked.part, part);
    assert_string_equal(checked.text, text);
    assert_null(flownic_eswitch_add(eswitch, VM_PORT, &spec, &refusal));
    assert_int_equal(refusal.part, part);
    assert_string_equal(refusal.text, text);
    assert_null(flownic_eswitch_set_fault(eswitch, "all,off"));
    assert_int_equal(flownic_eswitch_check(eswitch, &spec).part, FLOWNIC_REFUSED_NOTHING);
}

static void every_fault_refuses_in_its_own_words(void **state)
{
    struct flownic_eswitch *eswitch = *state;

    assert_refused(eswitch, "table-full,on", FLOWNIC_REFUSED_TABLE, "flownic: rule table full");
    assert_refused(eswitch, "refuse-match,ipv4-dst,on", FLOWNIC_REFUSED_MATCH,
                   "flownic: match on ipv4-dst is not supported");
    assert_refused(eswitch, "refuse-action:push-vlan:on", FLOWNIC_REFUSED_ACTION,
                   "flownic: action push-vlan is not supported");
    assert_refused(eswitch, "partial-only,on", FLOWNIC_REFUSED_KIND,
                   "flownic: forwarding rules are not supported");
    assert_int_equal(flownic_eswitch_port_counters(eswitch, VM_PORT).refused, 4);
}

static void max_rules_counts_rules_that_are_there_now(void **state)
{
    static const uint8_t other_server[4] = { 10, 100, 0, 2 };
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_spec other = forwarding_rule(other_server);
    struct flownic_rule *rule = add(eswitch, forwarding_rule(server));

    assert_null(flownic_eswitch_set_fault(eswitch, "max-rules,1"));
    assert_int_equal(flownic_eswitch_check(eswitch, &other).part, FLOWNIC_REFUSED_TABLE);
    flownic_eswitch_remove(eswitch, rule);
    add(eswitch, other);
}

static void a_field_that_a_rule_does_not_look_at_is_not_refused(void **state)
{
    struct flownic_eswitch *eswitch = *state;

    assert_null(flownic_eswitch_set_fault(eswitch, "refuse-match,tcp-dst,on"));
    assert_null(flownic_eswitch_set_fault(eswitch, "refuse-action,set-ttl,on"));
    add(eswitch, forwarding_rule(server));
}

static void marking_rules_need_the_partial_switch(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct flownic_rule_spec spec = marking_rule();

    assert_int_equal(flownic_eswitch_check(eswitch, &spec).part, FLOWNIC_REFUSED_KIND);
    assert_null(flownic_eswitch_set_fault(eswitch, "partial,on"));
    add(eswitch, spec);
}

static void faults_are_shown_in_the_words_that_switch_them_on(void **state)
{
    static const char *const words[] = { "max-rules,7",          "latency-us,1500",
                                         "table-full,on",        "partial,on",
                                         "partial-only,on",      "refuse-match,tos,on",
                                         "refuse-action,port,on" };
    struct flownic_faults faults = { 0 };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_null(flownic_faults_set(&faults, words[i]));
    }
    flownic_faults_format(&faults, text, sizeof text);
    assert_string_equal(text, "max-rules,7 latency-us,1500 table-full,on partial,on "
                              "partial-only,on refuse-match,tos,on refuse-action,port,on");
    assert_null(flownic_faults_set(&faults, "all,off"));
    flownic_faults_format(&faults, text, sizeof text);
    assert_string_equal(text, "");
}

static void bad_words_change_no_fault(void **state)
{
    static const char *const words[] = {
        "",
        ",",
        "table-full",
        "table-full,maybe",
        "max-rules,-1",
        "max-rules,7x",
        "max-rules,99999999999",
        "refuse-match,no-such-field,on",
        "refuse-match,tos",
        "refuse-action,fly,on",
        "no-such-fault,on",
        "all,on",
        "refuse-match,tos,on,on",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,on",
    };
    struct flownic_faults faults = { .max_rules = 5 }, before = faults;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_non_null(flownic_faults_set(&faults, words[i]));
        assert_memory_equal(&faults, &before, sizeof faults);
    }
}

/* ---- Threads ---- */

static void *add_and_remove(void *context)
{
    struct flownic_eswitch *eswitch = context;

    for (unsigned int i = 0; i < 3000; i++) {
        const uint8_t address[4] = { 10, 102, 0, (uint8_t)i };
        struct flownic_rule_spec spec = forwarding_rule(address);
        struct flownic_refusal refusal;
        struct flownic_rule *rule;

        spec.mask.eth_src[0] = (uint8_t)(i % 5); /* groups come and go as well */
        rule = flownic_eswitch_add(eswitch, VM_PORT, &spec, &refusal);
        if (rule) {
            flownic_eswitch_query(eswitch, rule, true);
            flownic_eswitch_remove(eswitch, rule);
        }
    }
    return NULL;
}

static void frames_are_forwarded_while_rules_come_and_go(void **state)
{
    struct flownic_eswitch *eswitch = *state;
    struct outputs outputs;
    pthread_t thread;
    uint32_t mark;

    add(eswitch, forwarding_rule(server));
    assert_int_equal(pthread_create(&thread, NULL, add_and_remove, eswitch), 0);
    for (unsigned int i = 0; i < 20000; i++) {
        assert_int_equal(process(eswitch, &outputs, &mark), FLOWNIC_FORWARDED);
    }
    pthread_join(thread, NULL);
    assert_int_equal(flownic_eswitch_port_counters(eswitch, VM_PORT).rules, 1);
    assert_int_equal(flownic_eswitch_port_counters(eswitch, VM_PORT).hw_fwd_packets, 20000);
}

#define WITH_ESWITCH(TEST) cmocka_unit_test_setup_teardown(TEST, make_eswitch, destroy_eswitch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ESWITCH(a_frame_without_a_rule_goes_to_software),
        WITH_ESWITCH(a_rule_forwards_rewritten_and_counts),
        WITH_ESWITCH(a_rule_of_another_port_or_address_does_not_match),
        WITH_ESWITCH(a_query_with_reset_leaves_the_nics_own_count),
        WITH_ESWITCH(a_removed_rule_forwards_no_more),
        WITH_ESWITCH(forwarding_comes_before_marking_and_low_numbers_first),
        WITH_ESWITCH(serial_numbers_are_never_used_again),
        WITH_ESWITCH(ten_thousand_rules_are_all_found_and_listed),
        WITH_ESWITCH(every_fault_refuses_in_its_own_words),
        WITH_ESWITCH(max_rules_counts_rules_that_are_there_now),
        WITH_ESWITCH(a_field_that_a_rule_does_not_look_at_is_not_refused),
        WITH_ESWITCH(marking_rules_need_the_partial_switch),
        cmocka_unit_test(faults_are_shown_in_the_words_that_switch_them_on),
        cmocka_unit_test(bad_words_change_no_fault),
        WITH_ESWITCH(frames_are_forwarded_while_rules_come_and_go),
    };

    return cmocka_run_group_tests_name("nic", tests, NULL, NULL);
}
