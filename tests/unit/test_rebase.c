/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of a VM for where it is after another start. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/ofp-flow.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/rebase.h"

#define VM  "8b2e3c1a-77aa-4c0e-9d5c-3f1f0a6f9e11"
#define MAC "52:54:00:00:00:01"

static void add_rule(struct fl_flowset *set, const char *match, const char *actions)
{
    struct fl_rule *rule = fl_flowset_add(set);
    struct ofputil_flow_stats_request request;
    enum ofputil_protocol usable;

    assert_null(parse_ofp_flow_stats_request_str(&request, false, match, NULL, NULL, &usable));
    rule->bridge = xstrdup("br0");
    rule->priority = FL_RULE_PRIORITY;
    rule->actions = xstrdup(actions);
    rule->match = request.match;
}

/* @vm, @iface_id, @mac: or NULL */
static void add_interface(struct fl_inventory *inv, const char *name, uint16_t ofport,
                          const char *vm, const char *iface_id, const char *mac)
{
    struct fl_interface *iface = fl_inventory_add_interface(inv);

    iface->name = xstrdup(name);
    iface->port = xstrdup(name);
    iface->type = xstrdup("");
    iface->bridge = xstrdup("br0");
    iface->ofport = ofport ? u16_to_ofp(ofport) : OFPP_NONE;
    if (vm) {
        smap_add(&iface->external_ids, "vm-id", vm);
        smap_add(&iface->external_ids, "vm-name", "web-1");
    }
    if (iface_id) {
        smap_add(&iface->external_ids, "iface-id", iface_id);
    }
    if (mac) {
        smap_add(&iface->external_ids, "attached-mac", mac);
    }
}

struct bench {
    struct fl_inventory before, now;
    struct fl_flowset set, moved;
    struct fl_error why;
};

/* The VM is at port 2 behind vnet3, its storage behind port 1; at another port is another VM. */
static void set_up(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->why = (struct fl_error)FL_ERROR_INIT;
    fl_inventory_init(&b->before);
    fl_inventory_init(&b->now);
    add_interface(&b->before, "p0", 1, NULL, NULL, NULL);
    add_interface(&b->before, "vnet3", 2, VM, "port-a", MAC);
    add_interface(&b->before, "vnet9", 9, "somebody", "port-z", "52:54:00:00:00:09");
    fl_inventory_group_vms(&b->before, &fl_vm_keys_default);
    fl_flowset_init(&b->set, VM, "web-1");
    add_rule(&b->set, "tcp,in_port=2,dl_src=" MAC ",nw_dst=10.2.0.0/24,tp_dst=2049",
             "mod_vlan_vid:100,output:1");
    add_rule(&b->set, "tcp,in_port=1,dl_vlan=100,dl_dst=" MAC ",nw_src=10.2.0.0/24,tp_src=2049",
             "strip_vlan,output:2");
    fl_flowset_keep_wide(&b->set);
    fl_rebase_note(&b->set, &b->before);
}

static void tear_down(struct bench *b)
{
    fl_flowset_destroy(&b->set);
    fl_flowset_destroy(&b->moved);
    fl_inventory_destroy(&b->before);
    fl_inventory_destroy(&b->now);
}

static enum fl_rebased rebase(struct bench *b)
{
    fl_inventory_group_vms(&b->now, &fl_vm_keys_default);
    return fl_rebase(&b->set, &b->now, &b->moved, &b->why);
}

static void assert_rule(const struct fl_rule *rule, const char *text)
{
    _cleanup_free char *match = fl_rule_match_text(rule);
    _cleanup_free char *all = xasprintf("%s actions=%s", match, rule->actions);

    assert_string_equal(all, text);
}

static void what_is_where_it_was_stays(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    assert_int_equal(b.set.n_ports, 2);
    assert_int_equal(fl_rebase(&b.set, &b.before, &b.moved, &b.why), FL_REBASED_SAME);
    assert_int_equal(b.moved.n_rules, 0);
    tear_down(&b);
}

static void another_port_interface_and_mac(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    add_interface(&b.now, "vnet7", 12, VM, "port-a", "52:54:00:00:00:77");
    assert_int_equal(rebase(&b), FL_REBASED_MOVED);
    assert_rule(&b.moved.rules[0],
                "tcp,in_port=12,dl_src=52:54:00:00:00:77,nw_dst=10.2.0.0/24,tp_dst=2049 "
                "actions=mod_vlan_vid:100,output:1");
    assert_rule(&b.moved.rules[1],
                "tcp,in_port=1,dl_vlan=100,dl_dst=52:54:00:00:00:77,nw_src=10.2.0.0/24,tp_src=2049 "
                "actions=strip_vlan,output:12");
    assert_rule(&b.moved.wide[1],
                "tcp,in_port=1,dl_vlan=100,dl_dst=52:54:00:00:00:77,nw_src=10.2.0.0/24,tp_src=2049 "
                "actions=strip_vlan,output:12");
    /* It can be found again from there. */
    assert_int_equal(fl_rebase(&b.moved, &b.now, &b.set, &b.why), FL_REBASED_SAME);
    tear_down(&b);
}

/* Each number is exchanged once: what one port has now, another one had before. */
static void ports_that_swap_their_numbers(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 2, NULL, NULL, NULL);
    add_interface(&b.now, "vnet3", 1, VM, "port-a", MAC);
    assert_int_equal(rebase(&b), FL_REBASED_MOVED);
    assert_rule(&b.moved.rules[0], "tcp,in_port=1,dl_src=" MAC ",nw_dst=10.2.0.0/24,tp_dst=2049 "
                                   "actions=mod_vlan_vid:100,output:2");
    assert_rule(&b.moved.rules[1],
                "tcp,in_port=2,dl_vlan=100,dl_dst=" MAC ",nw_src=10.2.0.0/24,tp_src=2049 "
                "actions=strip_vlan,output:1");
    tear_down(&b);
}

static void a_vm_that_is_away(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    /* Somebody else has its port number, and even its interface's name. */
    add_interface(&b.now, "vnet3", 2, "somebody", "port-a", MAC);
    assert_int_equal(rebase(&b), FL_REBASED_GONE);
    assert_string_equal(b.why.text, "the VM is not on this host");
    tear_down(&b);
}

/* OVSDB has its interface, and ovs-vswitchd could not add it (ofport -1), or has not yet. */
static void an_interface_without_a_port(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    add_interface(&b.now, "vnet3", 0, VM, "port-a", MAC);
    assert_int_equal(rebase(&b), FL_REBASED_GONE);
    assert_string_equal(b.why.text, "the VM has no interface on br0");
    tear_down(&b);
}

static void of_several_interfaces_the_one_of_before(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    add_interface(&b.now, "vnet3", 20, VM, "port-b", "52:54:00:00:00:bb");
    add_interface(&b.now, "vnet4", 21, VM, "port-a", "52:54:00:00:00:aa");
    assert_int_equal(rebase(&b), FL_REBASED_MOVED);
    assert_int_equal(b.moved.rules[0].match.flow.in_port.ofp_port, u16_to_ofp(21));
    tear_down(&b);
}

static void several_interfaces_of_which_none_is_the_one_of_before(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    add_interface(&b.now, "vnet5", 20, VM, "port-b", "52:54:00:00:00:bb");
    add_interface(&b.now, "vnet6", 21, VM, "port-c", "52:54:00:00:00:cc");
    assert_int_equal(rebase(&b), FL_REBASED_LOST);
    assert_string_equal(b.why.text, "the VM has several interfaces on br0, and none is the one of "
                                    "before (vnet3)");
    tear_down(&b);
}

static void an_uplink_that_is_away(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "vnet3", 2, VM, "port-a", MAC);
    assert_int_equal(rebase(&b), FL_REBASED_LOST);
    assert_string_equal(b.why.text, "port p0 of br0, which the rules need, is not there");
    tear_down(&b);
}

/* Nobody knows its new MAC address: that of the rules stays. */
static void a_mac_that_ovsdb_does_not_have(void **state)
{
    struct bench b;

    (void)state;
    set_up(&b);
    add_interface(&b.now, "p0", 1, NULL, NULL, NULL);
    add_interface(&b.now, "vnet3", 5, VM, "port-a", NULL);
    assert_int_equal(rebase(&b), FL_REBASED_MOVED);
    assert_rule(&b.moved.rules[0], "tcp,in_port=5,dl_src=" MAC ",nw_dst=10.2.0.0/24,tp_dst=2049 "
                                   "actions=mod_vlan_vid:100,output:1");
    tear_down(&b);
}

static void ports_are_in_its_json(void **state)
{
    struct bench b;
    _cleanup_json json_t *json = NULL;

    (void)state;
    set_up(&b);
    json = fl_flowset_to_json(&b.set);
    assert_int_equal(fl_flowset_from_json(json, &b.moved, &b.why), 0);
    assert_int_equal(b.moved.n_ports, 2);
    assert_int_equal(b.moved.n_wide, 2);
    assert_string_equal(b.moved.ports[0].interface, "vnet3");
    assert_string_equal(b.moved.ports[0].iface_id, "port-a");
    assert_true(b.moved.ports[0].of_vm && b.moved.ports[0].has_mac);
    assert_false(b.moved.ports[1].of_vm || b.moved.ports[1].has_mac);
    fl_flowset_destroy(&b.moved);

    json_object_set_new(json_array_get(json_object_get(json, "ports"), 1), "mac",
                        json_string("52:54"));
    assert_int_not_equal(fl_flowset_from_json(json, &b.moved, &b.why), 0);
    assert_string_equal(b.why.text, "ports[1].mac is no MAC address");
    b.moved = (struct fl_flowset){ .n_rules = 0 };
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_where_it_was_stays),
        cmocka_unit_test(another_port_interface_and_mac),
        cmocka_unit_test(ports_that_swap_their_numbers),
        cmocka_unit_test(a_vm_that_is_away),
        cmocka_unit_test(an_interface_without_a_port),
        cmocka_unit_test(of_several_interfaces_the_one_of_before),
        cmocka_unit_test(several_interfaces_of_which_none_is_the_one_of_before),
        cmocka_unit_test(an_uplink_that_is_away),
        cmocka_unit_test(a_mac_that_ovsdb_does_not_have),
        cmocka_unit_test(ports_are_in_its_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
