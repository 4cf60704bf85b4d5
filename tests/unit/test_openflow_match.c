/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <ovs/packets.h>

#include "flows/cleanup.h"
#include "lib/ovs/openflow.h"

static void a_rule(struct match *match)
{
    match_init_catchall(match);
    match_set_in_port(match, (OVS_FORCE ofp_port_t)2);
    match_set_dl_type(match, htons(ETH_TYPE_IP));
    match_set_nw_proto(match, IPPROTO_TCP);
    match_set_nw_dst_masked(match, htonl(0x0a640000), htonl(0xffffff00));
    match_set_tcp_flags_masked(match, htons(TCP_ACK), htons(TCP_ACK));
    match_set_reg_masked(match, 15, 0, 0x80000000);
}

static void assert_sent(const struct match *match, const char *expected)
{
    struct match sent;
    _cleanup_free char *text = NULL;

    assert_true(fl_openflow_as_sent(match, &sent));
    text = match_to_string(&sent, NULL, OFP_DEFAULT_PRIORITY);
    assert_string_equal(text, expected);
}

#define A_RULE "tcp,reg15=0/0x80000000,in_port=2,"

static void what_openflow_can_say_stays_as_it_is(void **state)
{
    struct match match, sent;

    (void)state;
    a_rule(&match);
    match_set_vlan_vid(&match, htons(VLAN_CFI | 100));
    assert_true(fl_openflow_as_sent(&match, &sent));
    assert_true(match_equal(&match, &sent));
}

static void a_field_without_mask_is_tested_as_a_whole(void **state)
{
    struct match match;

    (void)state;
    a_rule(&match);
    match.wc.masks.nw_tos = 0x02; /* one bit of ECN */
    match.wc.masks.nw_ttl = 0x80;
    match.flow.nw_ttl = 0x80;
    assert_sent(&match, A_RULE "nw_dst=10.100.0.0/24,nw_ecn=0,nw_ttl=128,tcp_flags=+ack");
}

static void without_a_vlan_header_there_is_no_priority(void **state)
{
    struct match match, sent;

    (void)state;
    a_rule(&match);
    match_set_dl_tci(&match, 0);
    assert_true(fl_openflow_as_sent(&match, &sent));
    assert_int_equal(ntohs(sent.wc.masks.vlans[0].tci), VLAN_CFI | VLAN_VID_MASK);
}

static void what_would_get_wider_is_not_sent(void **state)
{
    struct match match, sent;

    (void)state;
    a_rule(&match);
    /* OpenFlow sends a priority only along with a VLAN id. */
    match_set_dl_tci_masked(&match, htons(0x2000), htons(0x2000));
    assert_false(fl_openflow_as_sent(&match, &sent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_openflow_can_say_stays_as_it_is),
        cmocka_unit_test(a_field_without_mask_is_tested_as_a_whole),
        cmocka_unit_test(without_a_vlan_header_there_is_no_priority),
        cmocka_unit_test(what_would_get_wider_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
