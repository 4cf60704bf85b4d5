/* SPDX-License-Identifier: Apache-2.0 */

/* Mirrors: which packets they copy, and what is said of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/example_host.h"

#include "flows/mirror.h"

#define UUID "0a1b2c3d-0000-4000-8000-000000000001"
#define END_OF(WHAT)                                                                                  \
    "; flowlift makes no rules for packets that are copied: end the mirror (ovs-vsctl remove bridge " \
    "br0 mirrors " UUID "), or leave " WHAT " as it is"

static struct fl_mirror *add_mirror(struct fl_inventory *inv, const char *output_port)
{
    struct fl_mirror *mirror = fl_inventory_add_mirror(inv);

    inv->has_mirrors = true;
    mirror->name = xstrdup("span");
    mirror->uuid = xstrdup(UUID);
    mirror->bridge = xstrdup("br0");
    mirror->output_port = nullable_xstrdup(output_port);
    return mirror;
}

static void add_vlan(struct fl_mirror *mirror, uint16_t vlan)
{
    mirror->vlans = xrealloc(mirror->vlans, (mirror->n_vlans + 1) * sizeof *mirror->vlans);
    mirror->vlans[mirror->n_vlans++] = vlan;
}

/* Interface p0 of br0, which mirror "span" may select. */
static void init(struct fl_inventory *inv, struct fl_mirror **mirror)
{
    init_inventory(inv);
    add_interface(inv, "p1", "dpdk");
    *mirror = add_mirror(inv, "p1");
}

static void assert_copies(const struct fl_inventory *inv, int vlan, bool copies)
{
    const struct fl_interface *p0 = fl_inventory_interface(inv, "p0");

    assert_ptr_equal(fl_mirror_at(inv, p0, vlan), copies ? &inv->mirrors[0] : NULL);
}

static void a_mirror_copies_what_passes_a_selected_port(void **state)
{
    struct fl_inventory inv;
    struct fl_mirror *mirror;

    (void)state;
    init(&inv, &mirror);
    assert_copies(&inv, 0, false);
    svec_add(&mirror->src_ports, "p1");
    assert_copies(&inv, 0, false);
    svec_add(&mirror->src_ports, "p0");
    assert_copies(&inv, 0, true);
    svec_clear(&mirror->src_ports);
    svec_add(&mirror->dst_ports, "p0");
    assert_copies(&inv, 0, true);
    svec_clear(&mirror->dst_ports);
    mirror->select_all = true;
    assert_copies(&inv, 0, true);
    fl_inventory_destroy(&inv);
}

static void another_bridge_or_no_output_copies_nothing(void **state)
{
    struct fl_inventory inv;
    struct fl_mirror *mirror;

    (void)state;
    init(&inv, &mirror);
    mirror->select_all = true;
    free(mirror->output_port);
    mirror->output_port = NULL;
    assert_copies(&inv, 0, false);
    mirror->output_vlan = 77;
    assert_copies(&inv, 0, true);
    free(mirror->bridge);
    mirror->bridge = xstrdup("br1");
    assert_copies(&inv, 0, false);
    fl_inventory_destroy(&inv);
}

static void vlans_of_a_mirror_are_those_that_the_switch_sees(void **state)
{
    struct fl_interface *p0;
    struct fl_inventory inv;
    struct fl_mirror *mirror;

    (void)state;
    init(&inv, &mirror);
    p0 = &inv.interfaces[0];
    mirror->select_all = true;
    add_vlan(mirror, 200);
    add_vlan(mirror, 100);
    assert_copies(&inv, 100, true);
    assert_copies(&inv, 300, false);
    assert_copies(&inv, 0, false);
    assert_copies(&inv, -1, true); /* in doubt */
    p0->tag = 100;                 /* access */
    assert_copies(&inv, 0, true);
    p0->tag = 300;
    assert_copies(&inv, 0, false);
    assert_copies(&inv, -1, false);
    p0->vlan_mode = FL_VLAN_NATIVE_UNTAGGED;
    assert_copies(&inv, 0, false);
    assert_copies(&inv, 100, true);
    p0->vlan_mode = FL_VLAN_TRUNK;
    assert_copies(&inv, 100, true);
    fl_inventory_destroy(&inv);
}

static void a_patch_port_is_in_no_mirror_but_that_of_all(void **state)
{
    struct fl_inventory inv;
    struct fl_mirror *mirror;

    (void)state;
    init(&inv, &mirror);
    free(inv.interfaces[0].type);
    inv.interfaces[0].type = xstrdup("patch");
    svec_add(&mirror->src_ports, "p0");
    assert_copies(&inv, 0, false);
    mirror->select_all = true;
    assert_copies(&inv, 0, true);
    fl_inventory_destroy(&inv);
}

static void mirrors_that_were_not_read_copy_nothing_known(void **state)
{
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    assert_false(inv.has_mirrors);
    assert_copies(&inv, 0, false);
    fl_inventory_destroy(&inv);
}

static void add_rule(struct fl_flowset *set, uint16_t in_port, const char *actions)
{
    struct fl_rule *rule = fl_flowset_add(set);

    rule->bridge = xstrdup("br0");
    rule->actions = xstrdup(actions);
    match_set_in_port(&rule->match, u16_to_ofp(in_port));
    match_set_vlan_vid(&rule->match, htons(0));
}

/* Rules between vm1 (2) and the patch port to br-ex (5), with @mirror on br0's port @port or "all". */
static void assert_rules(const char *port, uint16_t vlan, const char *bridge, const char *actions,
                         const char *wanted)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_mirror *mirror;
    struct fl_interface *far;
    struct fl_inventory inv;
    struct fl_flowset set;

    init_inventory(&inv);
    inv.interfaces[0].ofport = u16_to_ofp(1);
    add_interface(&inv, "vm1", "dpdk")->ofport = u16_to_ofp(2);
    add_interface(&inv, "vm2", "dpdk")->ofport = u16_to_ofp(3);
    far = add_interface(&inv, "to-ex", "patch");
    far->ofport = u16_to_ofp(5);
    far->peer = xstrdup("to-br0");
    far = add_interface(&inv, "to-br0", "patch");
    far->ofport = u16_to_ofp(2); /* as vm1 on br0 */
    free(far->bridge);
    far->bridge = xstrdup("br-ex");
    mirror = add_mirror(&inv, "p1");
    free(mirror->bridge);
    mirror->bridge = xstrdup(bridge);
    mirror->select_all = !port;
    if (port) {
        svec_add(&mirror->src_ports, port);
    }
    if (vlan) {
        add_vlan(mirror, vlan);
    }
    fl_flowset_init(&set, "id-1", "web");
    add_rule(&set, 2, actions);
    assert_int_equal(fl_mirror_check_rules(&inv, &set, &err), wanted ? -EPERM : 0);
    assert_string_equal(err.text, wanted ? wanted : "");
    fl_flowset_destroy(&set);
    fl_inventory_destroy(&inv);
}

static void rules_are_refused_for_a_mirror_where_they_begin_or_end(void **state)
{
    (void)state;
    assert_rules("vm2", 0, "br0", "output:1", NULL);
    assert_rules("p0", 0, "br0", "NORMAL", NULL);
    assert_rules(
        "vm1", 0, "br0", "NORMAL",
        "storage packets of web are mirrored: mirror \"span\" of bridge br0 copies what comes in "
        "by port vm1 (select_src_port) to port p1" END_OF("web"));
    assert_rules(
        "p0", 0, "br0", "output:1",
        "storage packets of web are mirrored: mirror \"span\" of bridge br0 copies what comes in "
        "by port p0 (select_src_port) to port p1" END_OF("web"));
}

static void the_vlan_of_a_rule_is_that_of_its_packets_where_they_pass(void **state)
{
    (void)state;
    assert_rules("p0", 100, "br0", "output:1", NULL);
    assert_rules("p0", 100, "br0", "mod_vlan_vid:200,output:1", NULL);
    assert_rules("vm1", 100, "br0", "mod_vlan_vid:100,output:1", NULL);
    assert_rules(
        "p0", 100, "br0", "mod_vlan_vid:100,output:1",
        "storage packets of web are mirrored: mirror \"span\" of bridge br0 copies what comes in "
        "by port p0 (select_src_port) in VLAN 100 to port p1" END_OF("web"));
}

static void behind_a_patch_port_a_mirror_of_all_ports_counts(void **state)
{
    (void)state;
    assert_rules(NULL, 0, "br-ex", "output:1", NULL);
    assert_rules("to-br0", 0, "br-ex", "output:5", NULL);
    assert_rules(
        NULL, 0, "br-ex", "output:5",
        "storage packets of web are mirrored: mirror \"span\" of bridge br-ex copies all packets "
        "(select_all) to port p1; flowlift makes no rules for packets that are copied: end the "
        "mirror (ovs-vsctl remove bridge br-ex mirrors " UUID "), or leave web as it is");
}

/* The sentence on VM "web" (vm1), whose packets go to p0 and to the mirror's p1. */
static void assert_vm(const char *port, bool all, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(
        NULL, UFID("01") IN("vm1") TO_SERVER COUNT("100") SW
        "actions:p1,push_vlan(vid=100,pcp=0),p0\n" BACK_LINE("02", "vm1", MAC_1, "100", HW));
    struct fl_error err = FL_ERROR_INIT;
    struct fl_storage storage;
    struct fl_mirror *mirror;
    struct fl_inventory inv;
    struct fl_audit *audit;

    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    add_vm(&inv, "db", "vm2", MAC_2);
    add_interface(&inv, "p1", "dpdk");
    mirror = add_mirror(&inv, "p1");
    mirror->select_all = all;
    svec_add(&mirror->dst_ports, port);
    set_inventory(snapshot, &inv);
    fl_storage_init(&storage);
    audit = fl_audit_run(snapshot, &storage, &fl_audit_options_default);
    assert_int_equal(fl_mirror_check_vm(fl_audit_vm(audit, "web"), fl_snapshot_ports(snapshot),
                                        &err),
                     wanted ? -EPERM : 0);
    assert_string_equal(err.text, wanted ? wanted : "");
    fl_audit_destroy(audit);
    fl_storage_destroy(&storage);
    fl_snapshot_destroy(snapshot);
}

static void a_vm_is_refused_for_a_mirror_at_either_end_of_its_chains(void **state)
{
    (void)state;
    assert_vm("vm2", false, NULL);
    assert_vm("p1", false, NULL);
    assert_vm(
        "p0", false,
        "storage packets of web are mirrored: mirror \"span\" of bridge br0 copies what leaves by "
        "port p0 (select_dst_port) to port p1" END_OF("web"));
    assert_vm(
        "vm2", true,
        "storage packets of web are mirrored: mirror \"span\" of bridge br0 copies all packets "
        "(select_all) to port p1" END_OF("web"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mirror_copies_what_passes_a_selected_port),
        cmocka_unit_test(another_bridge_or_no_output_copies_nothing),
        cmocka_unit_test(vlans_of_a_mirror_are_those_that_the_switch_sees),
        cmocka_unit_test(a_patch_port_is_in_no_mirror_but_that_of_all),
        cmocka_unit_test(mirrors_that_were_not_read_copy_nothing_known),
        cmocka_unit_test(rules_are_refused_for_a_mirror_where_they_begin_or_end),
        cmocka_unit_test(the_vlan_of_a_rule_is_that_of_its_packets_where_they_pass),
        cmocka_unit_test(behind_a_patch_port_a_mirror_of_all_ports_counts),
        cmocka_unit_test(a_vm_is_refused_for_a_mirror_at_either_end_of_its_chains),
    };

    return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
