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
#include "flows/draw.h"
#include "lib/packet.h"

static const struct eth_addr vm_mac = ETH_ADDR_C(52, 54, 00, 00, 00, 12);
static const struct eth_addr server_mac = ETH_ADDR_C(52, 54, 00, 00, 00, 01);

static void storage_rule(struct match *rule)
{
    match_init_catchall(rule);
    match_set_in_port(rule, (OVS_FORCE ofp_port_t)12);
    match_set_dl_tci(rule, htons(0));
    match_set_dl_type(rule, htons(ETH_TYPE_IP));
    match_set_dl_src(rule, vm_mac);
    match_set_nw_proto(rule, IPPROTO_TCP);
    match_set_nw_dst_masked(rule, htonl(0x0a640000), htonl(0xffffff00));
    match_set_tp_dst(rule, htons(2049));
}

static void assert_text(const struct flow *packet, const char *expected)
{
    _cleanup_free char *text = fl_packet_text(packet, 0, 0);

    assert_string_equal(text, expected);
}

static void a_packet_has_the_rule_then_the_chain_then_plain_values(void **state)
{
    struct match rule, observed;
    struct flow packet;

    (void)state;
    storage_rule(&rule);
    match_init_catchall(&observed);
    match_set_dl_dst(&observed, server_mac);
    match_set_nw_dst(&observed, htonl(0x0a640001));
    match_set_nw_src(&observed, htonl(0x0a64000c));
    assert_true(fl_draw_packet(&rule, &observed, &packet));
    assert_text(&packet, "in_port=12,tcp,dl_src=52:54:00:00:00:12,dl_dst=52:54:00:00:00:01,"
                         "nw_src=10.100.0.12,nw_dst=10.100.0.1,nw_tos=0,nw_ttl=64,tp_src=1000,"
                         "tp_dst=2049,tcp_flags=0x10");
}

static void all_that_a_storage_packet_has_is_written(void **state)
{
    struct match rule;
    struct flow packet;

    (void)state;
    match_init_catchall(&rule);
    match_set_in_port(&rule, (OVS_FORCE ofp_port_t)12);
    match_set_dl_type(&rule, htons(ETH_TYPE_IPV6));
    match_set_dl_src(&rule, vm_mac);
    match_set_nw_proto(&rule, IPPROTO_UDP);
    match_set_tp_dst(&rule, htons(2049));
    match_set_nw_frag(&rule, FLOW_NW_FRAG_ANY);
    match_set_nw_ecn(&rule, 3);
    match_set_vlan_vid(&rule, htons(100 | VLAN_CFI));
    match_set_dl_vlan_pcp(&rule, 5, 0);
    assert_true(fl_draw_packet(&rule, NULL, &packet));
    assert_text(&packet, "in_port=12,udp6,dl_src=52:54:00:00:00:12,dl_dst=02:00:00:00:f1:01,"
                         "dl_vlan=100,dl_vlan_pcp=5,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::2,"
                         "nw_tos=0,nw_ttl=64,nw_ecn=3,nw_frag=first,udp_src=1000,udp_dst=2049");
}

static void what_cannot_be_asked_about_has_no_text(void **state)
{
    struct match rule;
    struct flow packet;

    (void)state;
    match_init_catchall(&rule);
    match_set_in_port(&rule, (OVS_FORCE ofp_port_t)12);
    match_set_dl_type(&rule, htons(ETH_TYPE_ARP));
    assert_true(fl_draw_packet(&rule, NULL, &packet));
    assert_null(fl_packet_text(&packet, 0, 0));
    storage_rule(&rule);
    memset(&rule.wc.masks.vlans, 0, sizeof rule.wc.masks.vlans);
    match_set_vlan_vid(&rule, htons(100 | VLAN_CFI));
    assert_true(fl_draw_packet(&rule, NULL, &packet));
    packet.vlans[1] = packet.vlans[0];
    assert_null(fl_packet_text(&packet, 0, 0));
}

static void the_guard_bit_is_set_in_the_text(void **state)
{
    _cleanup_free char *text = NULL;
    struct match rule;
    struct flow packet;

    (void)state;
    storage_rule(&rule);
    match_set_vlan_vid(&rule, htons(100 | VLAN_CFI));
    match_set_nw_proto(&rule, IPPROTO_UDP);
    assert_true(fl_draw_packet(&rule, NULL, &packet));
    text = fl_packet_text(&packet, 15, 0x80000000);
    assert_string_equal(text, "in_port=12,udp,dl_src=52:54:00:00:00:12,dl_dst=02:00:00:00:f1:01,"
                              "dl_vlan=100,dl_vlan_pcp=0,nw_src=192.0.2.1,nw_dst=10.100.0.2,"
                              "nw_tos=0,nw_ttl=64,udp_src=1000,udp_dst=2049,reg15=0x80000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_has_the_rule_then_the_chain_then_plain_values),
        cmocka_unit_test(all_that_a_storage_packet_has_is_written),
        cmocka_unit_test(what_cannot_be_asked_about_has_no_text),
        cmocka_unit_test(the_guard_bit_is_set_in_the_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
