/* SPDX-License-Identifier: Apache-2.0 */

/* Chains: which flows are joined, what a chain matches at entry, and how packets are shared out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>

#include "tests/unit/example_host.h"

#include "flows/chain.h"

#define TAIL(RECIRC, PORT) "recirc_id(" RECIRC "),in_port(" PORT "),"
#define IP                 "eth_type(0x0800),ipv4(frag=no)"

/*
 * All chains of a dump, one a line and sorted by their links: "01>02 40p hw open". A flow is called
 * by the last byte of its ufid.
 */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *line_of(const struct fl_chain *chain)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < chain->n_links; i++) {
        char id[37];

        fl_flow_format_id(&chain->links[i]->flow, id);
        ds_put_format(&text, "%s%s", i ? ">" : "", id + 34);
    }
    ds_put_format(&text, " %" PRIu64 "p %s%s%s%s%s", chain->packets, fl_path_name(chain->path),
                  chain->open ? " open" : "", chain->headless ? " headless" : "",
                  chain->drops ? " drops" : "", chain->seen_before ? "" : " new");
    return ds_steal_cstr(&text);
}

static char *text_of(const struct fl_chains *chains)
{
    char **lines = xcalloc(MAX(1, chains->n), sizeof *lines);
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < chains->n; i++) {
        lines[i] = line_of(&chains->chains[i]);
    }
    qsort(lines, chains->n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < chains->n; i++) {
        ds_put_format(&text, "%s%s", i ? "\n" : "", lines[i]);
        free(lines[i]);
    }
    free(lines);
    return ds_steal_cstr(&text);
}

static void assert_chains(const char *before, const char *dump, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(before, dump);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    char *got = text_of(chains);

    assert_string_equal(got, wanted);
    assert_false(chains->cut);
    free(got);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
}

/* Joining. */

static void a_flow_without_recirculation_is_a_chain(void **state)
{
    (void)state;
    assert_chains(NULL,
                  OUT_LINE("01", "vm1", "10", HW) UFID("02") IN("vm1") IP COUNT("3") SW
                  "actions:drop\n",
                  "01 10p hw\n02 3p dp-sw drops");
}

static void a_head_with_two_tails_is_two_chains(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("100") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "ct_state(+est)," IP COUNT("90") SW
                  "actions:p0\n" UFID("03") TAIL("0x5", "vm1") "ct_state(+inv)," IP COUNT("10") SW
                  "actions:drop\n",
                  "01>02 90p dp-sw\n01>03 10p dp-sw drops");
}

static void packets_of_a_tail_are_shared_out_among_its_heads(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no)" COUNT("299") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
                      IN("vm1") "eth_type(0x0800),ipv4(proto=17,frag=no)" COUNT("99") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("03")
                      TAIL("0x5", "vm1") "ct_state(+est)," IP COUNT("404") SW "actions:p0\n",
                  "01>03 303p dp-sw\n02>03 101p dp-sw");
}

static void the_worst_link_is_the_path(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") HW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02") TAIL("0x5", "vm1") IP COUNT("9") SW
                  "actions:p0\n",
                  "01>02 9p dp-sw");
}

static void three_passes_are_one_chain(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02") TAIL("0x5", "vm1") IP COUNT("9") SW
                  "actions:ct(zone=2),recirc(0x6)\n" UFID("03") TAIL("0x6", "vm1") IP COUNT("9") SW
                  "actions:p0\n",
                  "01>02>03 9p dp-sw");
}

static void another_port_or_recirc_id_or_packet_is_not_joined(void **state)
{
    (void)state;
    assert_chains(
        NULL,
        UFID("01") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no)" COUNT("9") SW
        "actions:ct(zone=1),recirc(0x5)\n" UFID("02") TAIL("0x5", "vm2") IP COUNT("1") SW
        "actions:p0\n" UFID("03") TAIL("0x6", "vm1") IP COUNT("2") SW "actions:p0\n" UFID("04")
            TAIL("0x5", "vm1") "eth_type(0x0800),ipv4(proto=17,frag=no)" COUNT("3") SW
        "actions:p0\n",
        "01 9p dp-sw open\n02 1p dp-sw headless\n03 2p dp-sw headless\n04 3p dp-sw headless");
}

static void another_pmd_is_not_joined(void **state)
{
    (void)state;
    assert_chains(NULL,
                  "flow-dump from pmd on cpu core: 1\n" UFID("01") IN("vm1") IP COUNT("9") HW
                  "actions:ct(zone=1),recirc(0x5)\n"
                  "flow-dump from pmd on cpu core: 2\n" UFID("02") TAIL("0x5", "vm1") IP COUNT("9")
                      HW "actions:p0\n",
                  "01 9p unknown open\n02 9p unknown headless");
}

static void ct_fields_are_new_after_each_ct(void **state)
{
    (void)state;
    /* 02 matches +est of zone 1; what 03 matches is the state in zone 2. */
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "ct_state(+est-new)," IP COUNT("9") SW
                  "actions:ct(zone=2),recirc(0x6)\n" UFID("03")
                      TAIL("0x6", "vm1") "ct_state(-est+new)," IP COUNT("9") SW "actions:p0\n",
                  "01>02>03 9p dp-sw");
    /* Without a ct() in between it is the same state, and no packet has both. */
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "ct_state(+est-new)," IP COUNT("9") SW
                  "actions:hash(l4(0)),recirc(0x6)\n" UFID("03")
                      TAIL("0x6", "vm1") "ct_state(-est+new)," IP COUNT("1") SW "actions:p0\n",
                  "01>02 9p dp-sw open\n03 1p dp-sw headless");
}

static void recirculation_inside_clone_is_found(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:clone(ct(commit),recirc(0x5)),p0\n" UFID("02") TAIL("0x5", "vm1")
                      IP COUNT("9") SW "actions:vm2\n",
                  "01>02 9p dp-sw");
}

static void both_branches_of_check_pkt_len_are_followed(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:check_pkt_len(size=1500,gt(recirc(0x5)),le(recirc(0x6)))\n" UFID("02")
                      TAIL("0x5", "vm1") IP COUNT("4") SW "actions:p0\n" UFID("03")
                          TAIL("0x6", "vm1") IP COUNT("5") SW "actions:p0\n",
                  "01>02 4p dp-sw\n01>03 5p dp-sw");
}

static void a_loop_ends(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW "actions:recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") IP COUNT("9") SW "actions:recirc(0x5)\n",
                  "01>02 9p dp-sw open");
}

static void a_chain_is_new_when_one_of_its_links_is(void **state)
{
    static const char head[] = UFID("01") IN("vm1") IP COUNT("9") SW
        "actions:ct(zone=1),recirc(0x5)\n";

    (void)state;
    assert_chains(head,
                  UFID("01") IN("vm1") IP COUNT("19") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02") TAIL("0x5", "vm1") IP COUNT("10") SW
                  "actions:p0\n",
                  "01>02 10p dp-sw new");
}

static void a_chain_of_too_many_links_is_cut(void **state)
{
    struct ds dump = DS_EMPTY_INITIALIZER;
    struct fl_snapshot *snapshot;
    struct fl_chains *chains;

    (void)state;
    for (unsigned int i = 0; i < 20; i++) {
        ds_put_format(&dump,
                      "ufid:00000000-0000-0000-0000-0000000000%02x, recirc_id(%#x),in_port(vm1)," IP
                      ", packets:1, bytes:1, used:0.1s, dp:ovs, actions:recirc(%#x)\n",
                      i, i, i + 1);
    }
    snapshot = snapshot_of(NULL, ds_cstr(&dump));
    chains = fl_chains_stitch(snapshot);
    assert_true(chains->cut);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
    ds_destroy(&dump);
}

/* 64 connections in the tails, and as many in heads that match a connection as well. */
static void every_connection_finds_its_own_tail(void **state)
{
    struct ds dump = DS_EMPTY_INITIALIZER;
    struct fl_snapshot *snapshot;
    struct fl_chains *chains;

    (void)state;
    for (unsigned int i = 0; i < 64; i++) {
        ds_put_format(&dump,
                      "ufid:00000000-0000-0000-0000-0000000000%02x, recirc_id(0),in_port(vm1),"
                      "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.1.0.1,proto=6,frag=no),"
                      "tcp(src=%u,dst=2049), packets:5, bytes:5, used:0.1s, dp:ovs, "
                      "actions:ct(zone=1),recirc(0x5)\n",
                      i, 700 + i);
        ds_put_format(&dump,
                      "ufid:00000000-0000-0000-0000-0000000000%02x, recirc_id(0x5),in_port(vm1),"
                      "ct_state(+est),"
                      "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.1.0.1,proto=6,frag=no),"
                      "tcp(src=%u,dst=2049), packets:5, bytes:5, used:0.1s, dp:ovs, actions:p0\n",
                      128 + i, 700 + i);
    }
    snapshot = snapshot_of(NULL, ds_cstr(&dump));
    chains = fl_chains_stitch(snapshot);
    assert_int_equal(chains->n, 64);
    for (size_t i = 0; i < 64; i++) {
        char *line = line_of(&chains->chains[i]);
        char wanted[32];

        snprintf(wanted, sizeof wanted, "%02zx>%02zx 5p dp-sw", i, 128 + i);
        assert_string_equal(line, wanted);
        free(line);
    }
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
    ds_destroy(&dump);
}

/* Regions. */

/* The region of the only whole chain that ends in the last flow of @dump. */
static void assert_region(const char *dump, const char *wanted, bool exact)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    const struct fl_chain *chain = &chains->chains[0];
    struct match region;
    char *text;

    assert_int_equal(chains->n, 1);
    assert_int_equal(fl_chain_region(chain, &region), exact);
    assert_true(region.flow.in_port.odp_port == chain->links[0]->flow.in_port);
    /* The port is a number of our own, and packet_type is 0 for all that is Ethernet. */
    memset(&region.wc.masks.in_port, 0, sizeof region.wc.masks.in_port);
    memset(&region.flow.in_port, 0, sizeof region.flow.in_port);
    region.wc.masks.packet_type = 0;
    text = match_to_string(&region, NULL, OFP_DEFAULT_PRIORITY);
    assert_string_equal(text, wanted);
    free(text);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
}

static void a_region_has_no_conntrack_and_no_marks(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") "skb_mark(0x1)," IP COUNT("9") SW
                  "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
                      TAIL("0x5",
                           "vm1") "ct_state(+est),ct_zone(0x1),ct_mark(0x2)," TO_SERVER COUNT("9")
                          SW "actions:p0\n",
                  "tcp,vlan_tci=0x0000,nw_dst=10.1.0.1,nw_frag=no,tp_dst=2049", true);
}

static void a_rewritten_header_binds_only_the_links_before(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") "eth(dst=52:54:00:00:00:01)," IP COUNT("9") SW
                  "actions:set(eth(dst=52:54:00:00:00:02)),set(ipv4(ttl=63)),recirc(0x5)\n" UFID(
                      "02")
                      TAIL("0x5", "vm1") "eth(dst=52:54:00:00:00:02),"
                                         "eth_type(0x0800),ipv4(src=10.0.0.1,ttl=63,frag=no)" COUNT(
                                             "9") SW "actions:p0\n",
                  "ip,vlan_tci=0x0000,dl_dst=52:54:00:00:00:01,nw_src=10.0.0.1,nw_frag=no", true);
}

static void a_rewrite_that_a_tail_contradicts_is_not_joined(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:set(eth(dst=52:54:00:00:00:02)),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "eth(dst=52:54:00:00:00:03)," IP COUNT("9") SW
                  "actions:p0\n",
                  "01 9p dp-sw open\n02 9p dp-sw headless");
}

static void only_the_masked_bits_of_a_set_are_rewritten(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:set(ipv4(dst=10.0.0.0/255.0.0.0)),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "eth_type(0x0800),ipv4(dst=10.1.2.3,frag=no)" COUNT("9") SW
                  "actions:p0\n",
                  "ip,vlan_tci=0x0000,nw_dst=0.1.2.3/0.255.255.255,nw_frag=no", true);
}

static void ports_are_rewritten_too(void **state)
{
    (void)state;
    assert_region(
        UFID("01") IN("vm1") "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=2050)" COUNT("9") SW
        "actions:set(tcp(dst=2049)),recirc(0x5)\n" UFID("02")
            TAIL("0x5", "vm1") "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=7,dst=2049)" COUNT(
                "9") SW "actions:p0\n",
        "tcp,vlan_tci=0x0000,nw_frag=no,tp_src=7,tp_dst=2050", true);
}

static void a_pushed_tag_is_not_matched_at_entry(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:push_vlan(vid=100,pcp=0),recirc(0x5)\n" UFID("02")
                      TAIL("0x5",
                           "vm1") "eth_type(0x8100),vlan(vid=100,pcp=0),encap(eth_type(0x0800),"
                                  "ipv4(dst=10.1.0.1,frag=no))" COUNT("9") SW "actions:p0\n",
                  "ip,vlan_tci=0x0000,nw_dst=10.1.0.1,nw_frag=no", true);
}

static void a_popped_tag_is_matched_at_entry(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") "eth_type(0x8100),vlan(vid=100,pcp=0),encap(" IP
                                       ")" COUNT("9") SW
                  "actions:pop_vlan,recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "eth_type(0x0800),ipv4(dst=10.1.0.1,frag=no)" COUNT("9") SW
                  "actions:p0\n",
                  "ip,dl_vlan=100,dl_vlan_pcp=0,vlan_tci1=0x0000,nw_dst=10.1.0.1,nw_frag=no", true);
}

static void another_pushed_tag_is_not_joined(void **state)
{
    (void)state;
    assert_chains(NULL,
                  UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:push_vlan(vid=100,pcp=0),recirc(0x5)\n" UFID("02")
                      TAIL("0x5", "vm1") "eth_type(0x8100),vlan(vid=101,pcp=0),encap(" IP
                                         ")" COUNT("8") SW "actions:p0\n",
                  "01 9p dp-sw open\n02 8p dp-sw headless");
}

static void after_nat_a_region_is_not_exact(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") IP COUNT("9") SW
                  "actions:ct(zone=1,nat),recirc(0x5)\n" UFID("02") TAIL("0x5", "vm1")
                      TO_SERVER COUNT("9") SW "actions:p0\n",
                  "tcp,vlan_tci=0x0000,nw_frag=no", false);
}

static void an_illegible_link_makes_a_region_inexact(void **state)
{
    (void)state;
    assert_region(UFID("01") IN("vm1") "nonsense(1)," TO_SERVER COUNT("9") SW "actions:p0\n",
                  "tcp,vlan_tci=0x0000,nw_dst=10.1.0.1,nw_frag=no,tp_dst=2049", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_without_recirculation_is_a_chain),
        cmocka_unit_test(a_head_with_two_tails_is_two_chains),
        cmocka_unit_test(packets_of_a_tail_are_shared_out_among_its_heads),
        cmocka_unit_test(the_worst_link_is_the_path),
        cmocka_unit_test(three_passes_are_one_chain),
        cmocka_unit_test(another_port_or_recirc_id_or_packet_is_not_joined),
        cmocka_unit_test(another_pmd_is_not_joined),
        cmocka_unit_test(ct_fields_are_new_after_each_ct),
        cmocka_unit_test(recirculation_inside_clone_is_found),
        cmocka_unit_test(both_branches_of_check_pkt_len_are_followed),
        cmocka_unit_test(a_loop_ends),
        cmocka_unit_test(a_chain_is_new_when_one_of_its_links_is),
        cmocka_unit_test(a_chain_of_too_many_links_is_cut),
        cmocka_unit_test(every_connection_finds_its_own_tail),
        cmocka_unit_test(a_region_has_no_conntrack_and_no_marks),
        cmocka_unit_test(a_rewritten_header_binds_only_the_links_before),
        cmocka_unit_test(a_rewrite_that_a_tail_contradicts_is_not_joined),
        cmocka_unit_test(only_the_masked_bits_of_a_set_are_rewritten),
        cmocka_unit_test(ports_are_rewritten_too),
        cmocka_unit_test(a_pushed_tag_is_not_matched_at_entry),
        cmocka_unit_test(a_popped_tag_is_matched_at_entry),
        cmocka_unit_test(another_pushed_tag_is_not_joined),
        cmocka_unit_test(after_nat_a_region_is_not_exact),
        cmocka_unit_test(an_illegible_link_makes_a_region_inexact),
    };

    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
