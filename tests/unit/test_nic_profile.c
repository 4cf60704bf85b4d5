/* SPDX-License-Identifier: Apache-2.0 */

/*
 * NIC profiles: those that flowlift comes with are read whole and do not contradict themselves; which is for
 * a port; what one says of a flow and of a rule; and what is not taken for a profile.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>

#include "tests/unit/example_host.h"

#include "flows/cleanup.h"
#include "flows/nic_profile_internal.h"

#define IP "eth_type(0x0800),ipv4(frag=no)"
#define TCP_FLOW \
    "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0,ttl=64,frag=no),tcp(dst=2049)"

static struct fl_profiles profiles;

static int begin(void **state)
{
    (void)state;
    fl_profiles_init(&profiles);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fl_profiles_destroy(&profiles);
    return 0;
}

/* ---- Those that flowlift comes with ---- */

static void all_can_be_read(void **state)
{
    size_t n = 0;

    (void)state;
    for (const char *const *text = fl_profile_texts; *text; text++, n++) {
        _cleanup_json json_t *json = json_loads(*text, JSON_REJECT_DUPLICATES, NULL);
        struct fl_error err = FL_ERROR_INIT;
        struct fl_profile *profile = NULL;

        assert_non_null(json);
        if (fl_profile_read(json, &profile, &err))
            fail_msg("%.60s...: %s", *text, err.text);
        assert_non_null(fl_profiles_named(&profiles, profile->name));
        fl_profile_destroy(profile);
    }
    assert_int_equal(profiles.n, n);
    assert_true(n >= 6);
}

static void every_line_has_its_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles.n; i++) {
        const struct fl_profile *profile = profiles.profiles[i];

        assert_true(profile->identity_source[0]);
        assert_true(profile->drivers[0].n && profile->drivers[1].n);
        for (size_t api = 0; api < ARRAY_SIZE(profile->of); api++) {
            for (size_t j = 0; j < profile->of[api].n; j++) {
                const char *source = profile->of[api].lines[j].source;

                /* A kernel or DPDK file, with its version, or one of ours. */
                if (strncmp(source, "Linux 6.1 ", 10) && strncmp(source, "DPDK 22.11 ", 11) &&
                    strncmp(source, "tests/bench/", 12))
                    fail_msg("%s: %s: source \"%s\"", profile->name, profile->of[api].lines[j].name,
                             source);
            }
        }
    }
}

static void every_base_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles.n; i++)
        assert_true(!profiles.profiles[i]->base == !profiles.profiles[i]->base_found);
}

static enum fl_profile_word word_of(const struct fl_profile_lines *lines, enum fl_profile_kind kind,
                                    const char *name)
{
    for (size_t i = 0; i < lines->n; i++) {
        if (lines->lines[i].kind == kind && !strcmp(lines->lines[i].name, name))
            return lines->lines[i].word;
    }
    return FL_PROFILE_DEPENDS;
}

/* What is rewritten needs an action that does it; the parser sees lines on the same thing. */
static void no_line_contradicts_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles.n; i++) {
        for (size_t api = 0; api < 2; api++) {
            const struct fl_profile_lines *lines = &profiles.profiles[i]->of[api];

            for (size_t j = 0; j < lines->n; j++) {
                const struct fl_profile_line *line = &lines->lines[j];
                const char *action = fl_profile_rewrite_action(line->name, line->over);

                if (line->kind == FL_PROFILE_REWRITE && line->word == FL_PROFILE_TAKEN && action)
                    assert_int_not_equal(word_of(lines, FL_PROFILE_ACTION, action),
                                         FL_PROFILE_REFUSED);
            }
        }
    }
}

/* ---- Which is for a port ---- */

static const char *found_for(enum fl_offload_api api, const char *driver, const char *firmware,
                             const char *pci)
{
    struct fl_profile_port port = { .api = api, .driver = driver, .firmware = firmware };
    const struct fl_profile *profile;

    ovs_strlcpy(port.pci, pci, sizeof port.pci);
    profile = fl_profiles_find(&profiles, &port);
    return profile ? profile->name : "none";
}

static void a_port_finds_its_profile(void **state)
{
    (void)state;
    assert_string_equal(found_for(FL_API_TC, "mlx5e_rep", "16.35.4030 (MT_0000000008)", ""),
                        "connectx-5");
    assert_string_equal(found_for(FL_API_TC, "mlx5_core", "22.36.1010 (MT_0000000359)", ""),
                        "connectx-6-dx");
    assert_string_equal(found_for(FL_API_TC, "mlx5e_rep", "32.38.1002", ""), "connectx-6-dx");
    assert_string_equal(found_for(FL_API_RTE_FLOW, "mlx5_pci", NULL, "15b3:1019"), "connectx-5");
    assert_string_equal(found_for(FL_API_RTE_FLOW, "mlx5_pci", NULL, "15b3:a2dc"), "connectx-6-dx");
    /* ConnectX-4 Lx, a firmware that nobody knows, none told: what holds for all of the driver. */
    assert_string_equal(found_for(FL_API_TC, "mlx5e_rep", "14.32.1010", ""), "mlx5");
    assert_string_equal(found_for(FL_API_TC, "mlx5e_rep", "2", ""), "mlx5");
    assert_string_equal(found_for(FL_API_TC, "mlx5e_rep", NULL, ""), "mlx5");
    assert_string_equal(found_for(FL_API_TC, "ice", "4.00 0x80001184 1.3236.0", ""), "e810");
    assert_string_equal(found_for(FL_API_RTE_FLOW, "net_flownic", NULL, ""), "flownic");
    assert_string_equal(found_for(FL_API_TC, "flownic", "28.39.1002", ""), "flownic");
    assert_string_equal(found_for(FL_API_TC, "bnxt_en", "", ""), "bnxt");
}

static void other_ports_have_none(void **state)
{
    (void)state;
    assert_string_equal(found_for(FL_API_TC, "tun", "", ""), "none");
    assert_string_equal(found_for(FL_API_TC, NULL, "16.35.4030", "15b3:1017"), "none");
    /* A driver of DPDK is none of the kernel. */
    assert_string_equal(found_for(FL_API_TC, "net_flownic", "", ""), "none");
    assert_string_equal(found_for(FL_API_UNKNOWN, "mlx5e_rep", "", ""), "none");
}

static void an_interface_tells_driver_and_device(void **state)
{
    struct fl_profile_port port;
    struct fl_inventory inv;
    struct fl_interface *iface;

    (void)state;
    fl_inventory_init(&inv);
    iface = add_interface(&inv, "p0", "dpdk");
    port = fl_profile_port_of_interface(iface, FL_API_RTE_FLOW);
    assert_null(port.driver);
    smap_add(&iface->status, "driver_name", "mlx5_pci");
    smap_add(&iface->status, "bus_info", "bus_name=pci, vendor_id=15b3, device_id=101d");
    port = fl_profile_port_of_interface(iface, FL_API_RTE_FLOW);
    assert_string_equal(port.driver, "mlx5_pci");
    assert_string_equal(port.pci, "15b3:101d");
    smap_replace(&iface->status, "bus_info", "bus_name=vdev");
    assert_string_equal(fl_profile_port_of_interface(iface, FL_API_RTE_FLOW).pci, "");
    fl_inventory_destroy(&inv);
}

/* ---- What one says of a flow ---- */

/* "CAUSE: DETAIL; ..." of the first flow of @dump. */
static char *judged(const char *name, enum fl_offload_api api, const char *dump)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    const struct fl_profile *profile = fl_profiles_named(&profiles, name);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    struct fl_cause causes[FL_MAX_CAUSES];
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t n;

    assert_non_null(profile);
    n = fl_profile_judge(profile, api, &chains->chains[0].links[0]->flow, causes);
    for (size_t i = 0; i < n; i++) {
        assert_true(causes[i].may_be);
        ds_put_format(&text, "%s%s: %s", i ? " | " : "", fl_cause_info(causes[i].id)->id,
                      causes[i].detail);
    }
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
    return ds_steal_cstr(&text);
}

static void assert_judged(const char *name, enum fl_offload_api api, const char *dump,
                          const char *wanted)
{
    char *got = judged(name, api, dump);

    assert_string_equal(got, wanted);
    free(got);
}

#define FLOW(MATCH, ACTIONS) UFID("01") IN("vm1") MATCH COUNT("9") "dp:tc, actions:" ACTIONS "\n"

static void matches_are_judged(void **state)
{
    (void)state;
    assert_judged("connectx-6-dx", FL_API_TC, FLOW(TCP_FLOW, "p0"),
                  "nic-match: nw_ttl (not on every one): \"Matching on TTL is not supported\" "
                  "(Linux 6.1 mlx5 en_tc.c: by firmware (outer_ipv4_ttl))");
    assert_judged("flownic", FL_API_TC, FLOW(TCP_FLOW, "p0"),
                  "nic-match: nw_ttl: \"Matching on TTL is not supported\" "
                  "(tests/bench/kernel/nic/faults.c, refused_at_first)");
    assert_judged("flownic", FL_API_RTE_FLOW, FLOW(TCP_FLOW, "p0"), "");
    assert_judged(
        "e810", FL_API_TC, FLOW("eth_type(0x0806),arp(op=1)", "p0"),
        "nic-match: arp_op: \"Unsupported key used\" (Linux 6.1 ice_tc_lib.c: no KEY_ARP)");
    assert_judged("mlx5", FL_API_TC,
                  FLOW("eth_type(0x0800),ipv4(proto=132,frag=no),sctp(dst=9)", "p0"),
                  "nic-match: sctp_dst: \"Only UDP and TCP transports are supported for L4 "
                  "matching\" (Linux 6.1 mlx5 en_tc.c)");
}

static void only_flags_that_are_set_count(void **state)
{
    (void)state;
    assert_judged("mlx5", FL_API_TC, FLOW("ct_state(-new+est-inv+trk)," IP, "p0"), "");
    assert_judged("mlx5", FL_API_TC, FLOW("ct_state(+new-est+trk)," IP, "p0"),
                  "nic-conntrack: ct_state: \"matching on ct_state +new isn't supported\" "
                  "(Linux 6.1 mlx5 en/tc_ct.c)");
    assert_judged("mlx5", FL_API_TC, FLOW("eth_type(0x0800),ipv4(frag=later)", "p0"),
                  "nic-match: ip_frag (Linux 6.1 mlx5 en_tc.c: the HW doesn't support frag "
                  "first/later)");
}

static void masks_and_values_count(void **state)
{
    (void)state;
    assert_judged("bnxt", FL_API_TC,
                  FLOW("eth(dst=52:54:00:00:00:01),eth_type(0x8100),vlan(vid=7,pcp=0),encap(" IP
                       ")",
                       "p0"),
                  "");
    assert_judged("bnxt", FL_API_TC, FLOW("eth(dst=01:00:00:00:00:00/01:00:00:00:00:00)," IP, "p0"),
                  "nic-match: eth_dst: \"Wildcard match unsupported for Dest MAC\" (Linux 6.1 "
                  "bnxt_tc.c, bnxt_tc_can_offload())");
    assert_judged("bnxt", FL_API_TC, FLOW("eth_type(0x8100),vlan(vid=7,pcp=3),encap(" IP ")", "p0"),
                  "nic-match: vlan_pcp: \"Unsupported VLAN TCI\" (Linux 6.1 bnxt_tc.c, "
                  "is_vlan_tci_allowed())");
    assert_judged("e810", FL_API_TC, FLOW("eth_type(0x8100),vlan(vid=4/0xfc),encap(" IP ")", "p0"),
                  "nic-match: vlan_vid: \"Bad VLAN mask\" (Linux 6.1 ice_tc_lib.c, "
                  "ice_parse_cls_flower())");
}

static void actions_and_rewrites_are_judged(void **state)
{
    (void)state;
    assert_judged("e810", FL_API_TC, FLOW(IP, "push_vlan(vid=100,pcp=0),p0"),
                  "nic-action: push_vlan: \"Unsupported action in switchdev mode\" (Linux 6.1 "
                  "ice_tc_lib.c, ice_eswitch_tc_parse_action())");
    assert_judged("mlx5", FL_API_TC, FLOW(IP, "push_vlan(vid=100,pcp=0),p0"), "");
    assert_judged("mlx5", FL_API_TC, FLOW(IP, "set(ipv4(tos=0x3/0x3)),p0"),
                  "nic-action: rewrite of nw_ecn: \"attempt to offload an unsupported field\" "
                  "(Linux 6.1 mlx5 en_tc.c: fields[] has dscp only)");
    assert_judged("mlx5", FL_API_TC, FLOW(IP, "set(ipv4(tos=0x4/0xfc,ttl=63)),p0"), "");
    assert_judged("bnxt", FL_API_TC, FLOW(IP, "set(ipv4(ttl=63)),p0"),
                  "nic-action: rewrite of nw_ttl: \"IPv4_hdr: Invalid pedit field\" (Linux 6.1 "
                  "bnxt_tc.c, bnxt_tc_parse_pedit())");
    assert_judged("flownic", FL_API_RTE_FLOW,
                  FLOW("eth_type(0x86dd),ipv6(frag=no)", "set(ipv6(dst=fd00::1)),p0"),
                  "nic-action: rewrite of ipv6_dst: \"this action is not supported\" "
                  "(tests/bench/nic/translate.c, read_action())");
}

static void a_tag_may_be_rewritten(void **state)
{
    (void)state;
#define TAGGED "eth_type(0x8100),vlan(vid=7,pcp=0),encap(" IP ")"
    assert_judged("mlx5", FL_API_TC, FLOW(TAGGED, "pop_vlan,push_vlan(vid=8,pcp=0),p0"), "");
    assert_judged("mlx5", FL_API_TC, FLOW(TAGGED, "pop_vlan,push_vlan(vid=7,pcp=3),p0"),
                  "nic-action: rewrite of vlan_pcp: \"Changing VLAN prio is not supported\" "
                  "(Linux 6.1 mlx5 en/tc/act/vlan_mangle.c)");
}

static void what_goes_together_is_judged(void **state)
{
    (void)state;
    assert_judged("connectx-5", FL_API_TC, FLOW(IP, "set(ipv4(dst=10.0.0.9)),p0"), "");
    assert_judged("connectx-5", FL_API_TC, FLOW(IP, "set(ipv4(dst=10.0.0.9)),ct(zone=1),p0"),
                  "nic-action: rewrite of ip_dst: \"can't offload re-write of ipv4 address with "
                  "action ct\" (Linux 6.1 mlx5 en_tc.c) | nic-conntrack: ct (not on every one): "
                  "\"offload of ct action isn't available\" (Linux 6.1 mlx5 en/tc_ct.c: by "
                  "firmware (mlx5_tc_ct_init_check_esw_support))");
    assert_judged("flownic", FL_API_TC, FLOW(IP, "ct(commit,zone=1),recirc(0x1)"),
                  "nic-conntrack: ct(commit): \"The offload action ct commit is not supported\" "
                  "(tests/bench/kernel/nic/conntrack.c, flownic_ct_translate())");
    assert_judged("mlx5", FL_API_RTE_FLOW, FLOW("eth_type(0x0800),ipv4(frag=no)", "pop_vlan,p0"),
                  "nic-action: pop_vlan: \"cannot pop vlan without a match on (outer) vlan in the "
                  "flow\" (DPDK 22.11 mlx5_flow_dv.c, flow_dv_validate_action_pop_vlan())");
}

static void outputs_are_counted(void **state)
{
    (void)state;
    assert_judged("flownic", FL_API_TC, FLOW(IP, "p0,p1"), "");
    assert_judged("flownic", FL_API_TC, FLOW(IP, "p0,p1,p2"),
                  "nic-output: 3 outputs, where it takes 2: \"can't support more output ports, "
                  "can't offload forwarding\" (tests/bench/kernel/nic/actions.c, MAX_OUTPUTS)");
}

static void chains_and_tunnels_are_judged(void **state)
{
    (void)state;
    assert_judged("bnxt", FL_API_TC,
                  UFID("01") "recirc_id(0x5),in_port(vm1)," IP COUNT("9") "dp:tc, actions:p0\n",
                  "nic-chain: recirc_id (Linux 6.1 bnxt_vfr.c, bnxt.c: "
                  "tc_cls_can_offload_and_chain0())");
    assert_judged("e810", FL_API_TC, FLOW(IP, "recirc(0x1)"),
                  "nic-chain: recirc: \"Unsupported action in switchdev mode\" (Linux 6.1 "
                  "ice_tc_lib.c, ice_eswitch_tc_parse_action())");
    assert_judged("e810", FL_API_TC,
                  FLOW(IP, "set(tunnel(tun_id=0x1,dst=10.9.9.9,ttl=64,tp_dst=4789,flags(key))),p0"),
                  "nic-tunnel: set(tunnel): \"Unsupported action in switchdev mode\" (Linux 6.1 "
                  "ice_tc_lib.c, ice_eswitch_tc_parse_action())");
}

static void several_parts_share_a_cause(void **state)
{
    (void)state;
    assert_judged("bnxt", FL_API_RTE_FLOW,
                  FLOW(IP, "set(eth(dst=52:54:00:00:00:02)),set(ipv4(ttl=63)),p0"),
                  "nic-action: set(eth) (DPDK 22.11 bnxt tf_ulp/ulp_rte_handler_tbl.c: SET_MAC_* "
                  "is NOT_SUPPORTED)");
}

static void nothing_known_rejects_nothing(void **state)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, FLOW(TCP_FLOW, "ct(zone=1),recirc(0x1)"));
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    struct fl_cause causes[FL_MAX_CAUSES];

    (void)state;
    assert_int_equal(fl_profile_judge(NULL, FL_API_TC, &chains->chains[0].links[0]->flow, causes),
                     0);
    assert_int_equal(fl_profile_judge(fl_profiles_named(&profiles, "e810"), FL_API_UNKNOWN,
                                      &chains->chains[0].links[0]->flow, causes),
                     0);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
    /* Neither is a line that is not there. */
    assert_judged("bnxt", FL_API_TC, FLOW(IP, "trunc(100),meter(1),p0"), "");
}

/* ---- What a plan may contain ---- */

static bool allows(const char *name, enum fl_offload_api api, const char *rewrite,
                   enum fl_profile_over over)
{
    return fl_profile_allows_rewrite(fl_profiles_named(&profiles, name), api, rewrite, over, NULL);
}

static void rewrites_of_a_plan(void **state)
{
    const struct fl_profile_line *why = NULL;

    (void)state;
    assert_true(allows("mlx5", FL_API_TC, "eth_dst", FL_PROFILE_OVER_IPV4));
    assert_true(allows("connectx-5", FL_API_TC, "push_vlan", FL_PROFILE_OVER_IPV4));
    assert_false(allows("connectx-5", FL_API_TC, "nw_ecn", FL_PROFILE_OVER_IPV4));
    assert_false(allows("e810", FL_API_TC, "eth_dst", FL_PROFILE_OVER_IPV4));
    assert_false(allows("e810", FL_API_TC, "pop_vlan", FL_PROFILE_OVER_IPV4));
    assert_false(allows("flownic", FL_API_TC, "ip_dscp", FL_PROFILE_OVER_IPV6));
    assert_true(allows("flownic", FL_API_TC, "ip_dscp", FL_PROFILE_OVER_IPV4));
    assert_true(allows("bnxt", FL_API_TC, "tcp_dst", FL_PROFILE_OVER_IPV4));
    assert_true(allows("bnxt", FL_API_UNKNOWN, "nw_ttl", FL_PROFILE_OVER_IPV4));
    assert_true(fl_profile_allows_rewrite(NULL, FL_API_TC, "eth_dst", FL_PROFILE_OVER_IPV4, &why));
    assert_null(why);
    assert_false(fl_profile_allows_rewrite(fl_profiles_named(&profiles, "e810"), FL_API_TC,
                                           "eth_src", FL_PROFILE_OVER_IPV4, &why));
    assert_string_equal(why->name, "set(eth)");
}

static void a_family_overrules_its_base(void **state)
{
    (void)state;
    assert_judged("connectx-6-dx", FL_API_TC, FLOW(IP, "meter(1),p0"), "");
    assert_judged("connectx-5", FL_API_TC, FLOW(IP, "meter(1),p0"),
                  "nic-action: meter (Linux 6.1 mlx5 en/tc/meter.c wants ASO; DPDK 22.11 mlx5.rst: "
                  "ASO metering from ConnectX-6 Dx on)");
}

/* ---- What a NIC has says more than its profile ---- */

static void what_the_nic_has_overrules(void **state)
{
    static const char dump[] = UFID("01") IN("vm1")
        IP COUNT("9") "offloaded:yes, dp:tc, "
                      "actions:push_vlan(vid=7,pcp=0),p0\n" UFID("02") IN("vm2")
                          IP COUNT("9") "offloaded:yes, dp:tc, actions:pop_vlan,p0\n";
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_add(&add_interface(&inv, "vm1", "")->status, "driver_name", "ice");
    smap_add(&add_interface(&inv, "vm2", "")->status, "driver_name", "tun");
    set_inventory(snapshot, &inv);
    fl_profiles_learn(&profiles, snapshot);
    fl_snapshot_destroy(snapshot);
    assert_judged("e810", FL_API_TC, FLOW(IP, "push_vlan(vid=100,pcp=0),p0"), "");
    assert_true(allows("e810", FL_API_TC, "push_vlan", FL_PROFILE_OVER_IPV4));
    /* Neither of another NIC, nor of the other interface. */
    assert_false(allows("e810", FL_API_TC, "pop_vlan", FL_PROFILE_OVER_IPV4));
    assert_false(allows("e810", FL_API_RTE_FLOW, "push_vlan", FL_PROFILE_OVER_IPV4));
}

static void what_one_of_a_family_has_overrules_the_base(void **state)
{
    static const char dump[] = UFID("01")
        IN("vm1") "eth_type(0x0806),arp(op=1)" COUNT("9") "offloaded:yes, dp:tc, actions:p0\n";
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_inventory inv;
    struct fl_interface *iface;

    (void)state;
    init_inventory(&inv);
    iface = add_interface(&inv, "vm1", "");
    smap_add(&iface->status, "driver_name", "mlx5e_rep");
    smap_add(&iface->status, "firmware_version", "22.36.1010 (MT_0000000359)");
    set_inventory(snapshot, &inv);
    fl_profiles_learn(&profiles, snapshot);
    fl_snapshot_destroy(snapshot);
    assert_judged("connectx-6-dx", FL_API_TC, FLOW("eth_type(0x0806),arp(op=1)", "p0"), "");
    assert_judged("mlx5", FL_API_TC, FLOW("eth_type(0x0806),arp(sip=10.0.0.1)", "p0"),
                  "nic-match: arp_spa: \"Unsupported key\" (Linux 6.1 mlx5 en_tc.c: no KEY_ARP)");
}

/* ---- What is not taken for a profile ---- */

#define HEAD         "{'schema': 'flowlift/nic-profile/1', 'name': 'x', 'title': 'X', "
#define PORTS        "'ports': {'kernel': ['x'], 'source': 's'}"
#define LINES(LINES) HEAD PORTS ", 'tc': {'matches': [" LINES "]}}"

static int add(const char *text, struct fl_error *err)
{
    char *quoted = xstrdup(text);
    json_t *json;
    int error;

    for (char *c = quoted; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json = json_loads(quoted, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    error = fl_profiles_add(&profiles, json, err);
    json_decref(json);
    free(quoted);
    return error;
}

static void assert_refused(const char *text, const char *wanted)
{
    struct fl_error err = FL_ERROR_INIT;
    size_t n = profiles.n;

    assert_int_equal(add(text, &err), -EINVAL);
    assert_string_equal(err.text, wanted);
    assert_int_equal(profiles.n, n);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    assert_refused("[]", "the whole must be an object");
    assert_refused("{'schema': 'flowlift/audit/1'}",
                   "schema is \"flowlift/audit/1\", and not \"flowlift/nic-profile/1\"");
    assert_refused(HEAD PORTS ", 'pots': 1}",
                   "the profile has the key \"pots\", which means nothing");
    assert_refused(HEAD "'ports': {'pci': ['mlx5'], 'source': 's'}}",
                   "ports.pci: \"mlx5\" is not like \"15b3:101d\"");
    assert_refused(HEAD "'ports': {'kernel': ['x']}}", "ports.source must be a string");
    assert_refused(LINES("{'name': 'eth_src', 'is': 'taken'}"),
                   "tc.matches[0].source must be a string");
    assert_refused(LINES("{'name': 'eth_src', 'is': 'taken', 'source': ''}"),
                   "tc.matches[0].source must say where this is from");
    assert_refused(LINES("{'name': 'dl_src', 'is': 'taken', 'source': 's'}"),
                   "tc.matches[0]: Open vSwitch has no field \"dl_src\"");
    assert_refused(LINES("{'name': 'eth_src', 'is': 'perhaps', 'source': 's'}"),
                   "tc.matches[0].is must be \"taken\", \"refused\" or \"depends\"");
    assert_refused(LINES("{'name': 'eth_src\\u0000', 'is': 'taken', 'source': 's'}"),
                   "tc.matches[0].name must be a name, or an array of names");
    assert_refused(LINES("{'name': 'eth_src', 'is': 'refused', 'mask': 'exact', 'source': 's'}"),
                   "tc.matches[0]: mask and value say when it is taken");
    assert_refused(LINES("{'name': 'ct_state', 'is': 'refused', 'set': ['old'], 'source': 's'}"),
                   "tc.matches[0].set: the field has no flag \"old\"");
    assert_refused(HEAD PORTS ", 'tc': {'actions': [{'name': 'set(foo)', 'is': 'taken', 'source': "
                              "'s'}]}}",
                   "tc.actions[0]: a datapath has no action \"set(foo)\"");
    assert_refused(HEAD PORTS ", 'tc': {'limits': [{'name': 'outputs', 'source': 's'}]}}",
                   "tc.limits[0].most must be there");
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    assert_refused(LINES("{'name': ['eth_src', 'eth_dst'], 'is': 'taken', 'source': 's'},"
                         "{'name': 'eth_dst', 'is': 'refused', 'source': 's'}"),
                   "tc.matches[1]: eth_dst is there twice");
    assert_refused(LINES("{'name': 'nw_ttl', 'is': 'taken', 'over': 'ipv4', 'source': 's'},"
                         "{'name': 'nw_ttl', 'is': 'refused', 'source': 's'}"),
                   "tc.matches[1]: nw_ttl is there twice");
    assert_int_equal(add(LINES(
                             "{'name': 'nw_ttl', 'is': 'taken', 'over': 'ipv4', 'source': 's'},"
                             "{'name': 'nw_ttl', 'is': 'refused', 'over': 'ipv6', 'source': 's'}"),
                         NULL),
                     0);
}

static void one_more_may_be_added(void **state)
{
    size_t n = profiles.n;

    (void)state;
    assert_int_equal(add(LINES("{'name': 'nw_ttl', 'is': 'refused', 'source': 'tried'}"), NULL), 0);
    assert_int_equal(profiles.n, n + 1);
    assert_string_equal(found_for(FL_API_TC, "x", "", ""), "x");
    assert_judged("x", FL_API_TC, FLOW(TCP_FLOW, "p0"), "nic-match: nw_ttl (tried)");
    /* Again, with another word: it is replaced. */
    assert_int_equal(add(LINES("{'name': 'nw_ttl', 'is': 'taken', 'source': 'tried'}"), NULL), 0);
    assert_int_equal(profiles.n, n + 1);
    assert_judged("x", FL_API_TC, FLOW(TCP_FLOW, "p0"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_can_be_read),
        TEST(every_line_has_its_source),
        TEST(every_base_is_there),
        TEST(no_line_contradicts_another),
        TEST(a_port_finds_its_profile),
        TEST(other_ports_have_none),
        TEST(an_interface_tells_driver_and_device),
        TEST(matches_are_judged),
        TEST(only_flags_that_are_set_count),
        TEST(masks_and_values_count),
        TEST(actions_and_rewrites_are_judged),
        TEST(a_tag_may_be_rewritten),
        TEST(what_goes_together_is_judged),
        TEST(outputs_are_counted),
        TEST(chains_and_tunnels_are_judged),
        TEST(several_parts_share_a_cause),
        TEST(nothing_known_rejects_nothing),
        TEST(rewrites_of_a_plan),
        TEST(a_family_overrules_its_base),
        TEST(what_the_nic_has_overrules),
        TEST(what_one_of_a_family_has_overrules_the_base),
        TEST(what_is_wrong_is_named),
        TEST(contradictions_are_refused),
        TEST(one_more_may_be_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
