/* SPDX-License-Identifier: Apache-2.0 */

/* The inventory: VMs from external_ids, finding one by what an operator types, and its JSON form. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/example_host.h"

#include "flows/nearest.h"

static const char *json_of(const struct fl_inventory *inv, char **text)
{
    json_t *json = fl_inventory_to_json(inv);

    *text = json_dumps(json, JSON_SORT_KEYS);
    json_decref(json);
    return *text;
}

static void interfaces_of_one_identity_are_one_vm(void **state)
{
    struct fl_inventory inv;
    struct fl_interface *iface;

    (void)state;
    init_inventory(&inv);
    add_vm(&inv, "vm-a", "tap1", NULL);
    add_vm(&inv, "vm-b", "tap2", NULL);
    add_vm(&inv, "vm-a", "tap3", NULL);
    iface = add_interface(&inv, "tap4", "dpdk");
    smap_add(&iface->external_ids, "iface-id", "port-4");
    fl_inventory_group_vms(&inv, &fl_vm_keys_default);

    assert_int_equal(inv.n_vms, 3);
    assert_string_equal(inv.vms[0].id, "vm-a");
    assert_string_equal(inv.vms[0].id_key, "vm-id");
    assert_int_equal(inv.vms[0].n_interfaces, 2);
    assert_string_equal(inv.interfaces[inv.vms[0].interfaces[1]].name, "tap3");
    assert_string_equal(inv.vms[1].id, "vm-b");
    assert_string_equal(inv.vms[2].id, "port-4");
    assert_string_equal(inv.vms[2].id_key, "iface-id");
    assert_int_equal(fl_inventory_interface(&inv, "p0")->vm, -1);
    assert_int_equal(fl_inventory_interface(&inv, "tap4")->vm, 2);
    fl_inventory_destroy(&inv);
}

static void first_key_of_the_list_wins_and_empty_values_do_not_count(void **state)
{
    const char *const id_keys[] = { "mine", "vm-id", NULL };
    const char *const name_keys[] = { "label", NULL };
    const struct fl_vm_keys keys = { id_keys, name_keys };
    struct fl_inventory inv;
    struct fl_interface *iface;

    (void)state;
    init_inventory(&inv);
    iface = add_vm(&inv, "theirs", "tap1", NULL);
    smap_add(&iface->external_ids, "mine", "ours");
    iface = add_vm(&inv, "theirs-2", "tap2", NULL);
    smap_add(&iface->external_ids, "mine", "");
    smap_add(&iface->external_ids, "label", "Database");
    fl_inventory_group_vms(&inv, &keys);

    assert_int_equal(inv.n_vms, 2);
    assert_string_equal(inv.vms[0].id, "ours");
    assert_string_equal(inv.vms[0].name, "ours");
    assert_string_equal(inv.vms[1].id, "theirs-2");
    assert_string_equal(inv.vms[1].name, "Database");
    fl_inventory_destroy(&inv);
}

static void equal_names_are_made_unique(void **state)
{
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    for (int i = 1; i <= 3; i++) {
        char id[64];
        char port[16];

        snprintf(id, sizeof id, "%s%d", i < 3 ? "0a1b2c3d-" : "ffff0000-", i);
        snprintf(port, sizeof port, "tap%d", i);
        smap_add(&add_vm(&inv, id, port, NULL)->external_ids, "vm-name", "web");
    }
    fl_inventory_group_vms(&inv, &fl_vm_keys_default);

    assert_string_equal(inv.vms[0].name, "web (0a1b2c3d)");
    assert_string_equal(inv.vms[1].name, "web (0a1b2c3d-2)");
    assert_string_equal(inv.vms[2].name, "web (ffff0000)");
    fl_inventory_destroy(&inv);
}

static void init_two_vms(struct fl_inventory *inv)
{
    init_inventory(inv);
    smap_add(&add_vm(inv, "11111111-aaaa", "tap1", MAC_1)->external_ids, "vm-name", "web-1");
    smap_add(&add_vm(inv, "11111111-bbbb", "tap2", MAC_2)->external_ids, "vm-name", "database");
    fl_inventory_group_vms(inv, &fl_vm_keys_default);
}

static void a_vm_is_found_by_name_identity_prefix_port_or_mac(void **state)
{
    struct fl_inventory inv;
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    init_two_vms(&inv);
    assert_ptr_equal(fl_inventory_find_vm(&inv, "web-1", &err), &inv.vms[0]);
    assert_ptr_equal(fl_inventory_find_vm(&inv, "11111111-bbbb", &err), &inv.vms[1]);
    assert_ptr_equal(fl_inventory_find_vm(&inv, "11111111-b", &err), &inv.vms[1]);
    assert_ptr_equal(fl_inventory_find_vm(&inv, "tap1", &err), &inv.vms[0]);
    assert_ptr_equal(fl_inventory_find_vm(&inv, "52:54:00:00:00:02", &err), &inv.vms[1]);
    assert_int_equal(err.code, 0);
    fl_inventory_destroy(&inv);
}

static void an_unknown_or_ambiguous_vm_is_said_with_what_was_meant(void **state)
{
    struct fl_inventory inv;
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    init_two_vms(&inv);
    assert_null(fl_inventory_find_vm(&inv, "databse", &err));
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "no VM \"databse\"; the nearest: database");

    fl_error_clear(&err);
    assert_null(fl_inventory_find_vm(&inv, "11111111", &err));
    assert_string_equal(err.text, "\"11111111\" can mean more than one VM: web-1, database");

    fl_error_clear(&err);
    assert_null(fl_inventory_find_vm(&inv, "zzzzzzzzzzzz", &err));
    assert_string_equal(err.text, "no VM \"zzzzzzzzzzzz\" among the 2 VMs of this host");
    fl_inventory_destroy(&inv);
}

static void without_any_identity_the_error_says_so(void **state)
{
    struct fl_inventory inv;
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    init_inventory(&inv);
    fl_inventory_group_vms(&inv, &fl_vm_keys_default);
    assert_null(fl_inventory_find_vm(&inv, "web", &err));
    assert_string_equal(err.text, "no VM \"web\": no Interface carries the identity of a VM in "
                                  "its external_ids");
    fl_inventory_destroy(&inv);
}

static void both_spellings_of_the_attached_mac_are_read(void **state)
{
    const struct eth_addr wanted = ETH_ADDR_C(52, 54, 00, 00, 00, 02);
    struct fl_inventory inv;
    struct eth_addr mac = eth_addr_zero;
    struct fl_interface *iface;

    (void)state;
    init_inventory(&inv);
    iface = add_interface(&inv, "tap1", "dpdk");
    assert_false(fl_interface_mac(iface, &mac));
    smap_add(&iface->external_ids, "attached-mac", "not a MAC");
    assert_false(fl_interface_mac(iface, &mac));
    smap_add(&iface->external_ids, "attached_mac", MAC_2);
    assert_true(fl_interface_mac(iface, &mac));
    assert_true(eth_addr_equals(mac, wanted));
    fl_inventory_destroy(&inv);
}

static void only_a_port_of_dpdk_has_a_number_there(void **state)
{
    static const struct {
        const char *type, *number;
        int port;
    } ports[] = {
        { "dpdk", "0", 0 },       { "dpdk", "65535", 65535 },
        { "dpdk", "65536", -1 },  { "dpdk", "-3", -1 },
        { "dpdk", "x", -1 },      { "dpdk", NULL, -1 },
        { "dpdkvhost", "1", -1 }, { "", "1", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        struct fl_interface *iface;
        struct fl_inventory inv;

        fl_inventory_init(&inv);
        iface = add_interface(&inv, "p0", ports[i].type);
        if (ports[i].number)
            smap_add(&iface->status, "port_no", ports[i].number);
        assert_int_equal(fl_interface_dpdk_port(iface), ports[i].port);
        fl_inventory_destroy(&inv);
    }
}

static void datapath_type_is_that_of_all_bridges(void **state)
{
    struct fl_inventory inv;
    struct fl_bridge *bridge;

    (void)state;
    fl_inventory_init(&inv);
    assert_null(fl_inventory_datapath_type(&inv));
    bridge = fl_inventory_add_bridge(&inv);
    bridge->datapath_type = xstrdup("");
    assert_string_equal(fl_inventory_datapath_type(&inv), "system");
    bridge = fl_inventory_add_bridge(&inv);
    bridge->datapath_type = xstrdup("netdev");
    assert_string_equal(fl_inventory_datapath_type(&inv), "mixed");
    fl_inventory_destroy(&inv);
}

static void add_mirrors(struct fl_inventory *inv)
{
    struct fl_mirror *mirror = fl_inventory_add_mirror(inv);

    mirror->name = xstrdup("span");
    mirror->uuid = xstrdup("0a1b2c3d-0000-4000-8000-000000000001");
    mirror->bridge = xstrdup("br0");
    svec_add(&mirror->src_ports, "tap1");
    svec_add(&mirror->src_ports, "tap2");
    svec_add(&mirror->dst_ports, "tap2");
    mirror->vlans = xmalloc(2 * sizeof *mirror->vlans);
    mirror->vlans[mirror->n_vlans++] = 0;
    mirror->vlans[mirror->n_vlans++] = 4095;
    mirror->output_port = xstrdup("p0");
    mirror = fl_inventory_add_mirror(inv);
    mirror->name = xstrdup("");
    mirror->uuid = xstrdup("0a1b2c3d-0000-4000-8000-000000000002");
    mirror->bridge = xstrdup("br0");
    mirror->select_all = true;
    mirror->output_vlan = 77;
}

static void json_form_comes_back_the_same(void **state)
{
    struct fl_inventory inv;
    struct fl_inventory read;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_interface *iface;
    json_t *json;
    char *before;
    char *after;

    (void)state;
    init_two_vms(&inv);
    inv.ovs_version = xstrdup("3.1.0");
    inv.dpdk_initialized = true;
    inv.bridges[0].datapath_id = UINT64_C(0xfeedbeef00000001);
    inv.bridges[0].fail_mode = xstrdup("secure");
    iface = add_interface(&inv, "patch1", "patch");
    iface->peer = xstrdup("patch2");
    iface->error = xstrdup("no such device \xff");
    iface->tag = 100;
    iface->vlan_mode = FL_VLAN_NATIVE_UNTAGGED;
    iface->in_bond = true;
    iface->ofport = u16_to_ofp(7);
    iface->ifindex = 12;
    smap_add(&iface->options, "peer", "patch2");
    smap_add(&iface->status, "driver_name", "mlx5e_rep");
    inv.has_mirrors = true;
    add_mirrors(&inv);

    json = fl_inventory_to_json(&inv);
    fl_inventory_init(&read);
    assert_int_equal(fl_inventory_from_json(json, &read, &err), 0);
    /* What is not UTF-8 is legible afterwards, and that is all. */
    free(iface->error);
    iface->error = xstrdup("no such device ?");
    assert_string_equal(json_of(&read, &after), json_of(&inv, &before));
    assert_int_equal(read.n_vms, 0);
    free(before);
    free(after);
    json_decref(json);
    fl_inventory_destroy(&read);
    fl_inventory_destroy(&inv);
}

static void the_key_of_a_tunnel_is_not_written(void **state)
{
    struct fl_inventory inv;
    struct fl_interface *iface;
    json_t *json;
    char *text;

    (void)state;
    init_inventory(&inv);
    iface = add_interface(&inv, "tun0", "gre");
    smap_add(&iface->options, "remote_ip", "192.0.2.7");
    smap_add(&iface->options, "psk", "swordfish");
    json = fl_inventory_to_json(&inv);
    text = json_dumps(json, 0);
    assert_non_null(strstr(text, "192.0.2.7"));
    assert_null(strstr(text, "swordfish"));
    assert_null(strstr(text, "psk"));
    free(text);
    json_decref(json);
    fl_inventory_destroy(&inv);
}

static void no_mirrors_and_mirrors_not_read_are_two_things(void **state)
{
    struct fl_error err = FL_ERROR_INIT;

    (void)state;
    for (int has_mirrors = 0; has_mirrors < 2; has_mirrors++) {
        struct fl_inventory inv, read;
        json_t *json;

        init_two_vms(&inv);
        inv.has_mirrors = has_mirrors;
        json = fl_inventory_to_json(&inv);
        fl_inventory_init(&read);
        assert_int_equal(fl_inventory_from_json(json, &read, &err), 0);
        assert_int_equal(read.has_mirrors, has_mirrors);
        assert_int_equal(read.n_mirrors, 0);
        json_decref(json);
        fl_inventory_destroy(&read);
        fl_inventory_destroy(&inv);
    }
}

/* What is changed in a right inventory, and what is said of it. */
static const struct {
    const char *json;
    const char *error;
} wrong[] = {
    { "[]", "inventory must be an object" },
    { "{\"ovs_version\": 3}", "inventory.ovs_version must be a string" },
    { "{\"dpdk_initialized\": \"yes\"}", "inventory.dpdk_initialized must be true or false" },
    { "{\"other_config\": []}",
      "inventory.other_config must be an object of at most 4096 strings" },
    { "{\"other_config\": {\"a\": 1}}", "inventory: other_config.a must be a string" },
    { "{\"bridges\": {}}", "inventory.bridges must be an array" },
    { "{\"bridges\": [1]}", "inventory.bridges[0] must be an object" },
    { "{\"bridges\": [{}]}", "inventory.bridges[0].name must be a string" },
    { "{\"bridges\": [{\"name\": \"b\", \"datapath_id\": \"0x1\"}]}",
      "inventory.bridges[0].datapath_id must be 16 hexadecimal digits" },
    { "{\"interfaces\": [{\"name\": \"a\", \"bridge\": \"b\", \"port\": \"a\", \"tag\": 4096}]}",
      "inventory.interfaces[0].tag must be a whole number from -1 to 4095" },
    { "{\"interfaces\": [{\"name\": \"a\", \"bridge\": \"b\", \"port\": \"a\", "
      "\"ofport\": 1e3}]}",
      "inventory.interfaces[0].ofport must be a whole number from 0 to 65535" },
    { "{\"interfaces\": [{\"name\": \"a\", \"bridge\": \"b\", \"port\": \"a\", "
      "\"vlan_mode\": \"odd\"}]}",
      "inventory.interfaces[0].vlan_mode is \"odd\", which is no VLAN mode of OVS" },
    { "{\"interfaces\": [{\"name\": \"a\\u0000b\"}]}",
      "inventory.interfaces[0].name holds a NUL byte" },
    { "{\"mirrors\": {}}", "inventory.mirrors must be an array" },
    { "{\"mirrors\": [{\"name\": \"m\", \"bridge\": \"b\"}]}",
      "inventory.mirrors[0].uuid must be a string" },
    { "{\"mirrors\": [{\"uuid\": \"u\", \"bridge\": \"b\", \"select_src_port\": [\"p\", 3]}]}",
      "inventory.mirrors[0].select_src_port[1] must be the name of a port" },
    { "{\"mirrors\": [{\"uuid\": \"u\", \"bridge\": \"b\", \"select_vlan\": [4096]}]}",
      "inventory.mirrors[0].select_vlan[0] must be a whole number from 0 to 4095" },
};

static void wrong_json_is_named_and_leaves_the_inventory_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_inventory inv;
        json_t *json = json_loads(wrong[i].json, JSON_ALLOW_NUL, NULL);

        assert_non_null(json);
        init_two_vms(&inv);
        assert_int_equal(fl_inventory_from_json(json, &inv, &err), -EINVAL);
        assert_string_equal(err.text, wrong[i].error);
        assert_int_equal(inv.n_vms, 2);
        assert_int_equal(inv.n_interfaces, 3);
        fl_inventory_destroy(&inv);
        json_decref(json);
    }
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_inventory inv;
    char name[300];
    json_t *json;

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    json = json_pack("{s[{ss}]}", "interfaces", "name", name);
    fl_inventory_init(&inv);
    assert_int_equal(fl_inventory_from_json(json, &inv, &err), -EINVAL);
    assert_string_equal(err.text, "inventory.interfaces[0].name is longer than 256 bytes");
    json_decref(json);
}

static void nearest_words_are_those_that_were_meant(void **state)
{
    static const char *const verbs[] = { "audit", "apply", "capture", "doctor", "explain",
                                         "flows", "plan",  "revert",  "status", "verify" };
    static const char *const meant[][2] = { { "aduit", "audit" },   { "stauts", "status" },
                                            { "REVERT", "revert" }, { "cap", "capture" },
                                            { "xyzzy", NULL },      { "", NULL } };
    const char *found[3];

    (void)state;
    for (size_t i = 0; i < sizeof meant / sizeof meant[0]; i++) {
        assert_int_equal(fl_nearest(meant[i][0], verbs, 10, found, 1), meant[i][1] != NULL);
        if (meant[i][1])
            assert_string_equal(found[0], meant[i][1]);
    }
    assert_int_equal(fl_nearest("veriyf", verbs, 10, found, 3), 1);
    assert_int_equal(fl_nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(fl_nearest_distance("ab", "ba"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interfaces_of_one_identity_are_one_vm),
        cmocka_unit_test(first_key_of_the_list_wins_and_empty_values_do_not_count),
        cmocka_unit_test(equal_names_are_made_unique),
        cmocka_unit_test(a_vm_is_found_by_name_identity_prefix_port_or_mac),
        cmocka_unit_test(an_unknown_or_ambiguous_vm_is_said_with_what_was_meant),
        cmocka_unit_test(without_any_identity_the_error_says_so),
        cmocka_unit_test(both_spellings_of_the_attached_mac_are_read),
        cmocka_unit_test(only_a_port_of_dpdk_has_a_number_there),
        cmocka_unit_test(datapath_type_is_that_of_all_bridges),
        cmocka_unit_test(json_form_comes_back_the_same),
        cmocka_unit_test(the_key_of_a_tunnel_is_not_written),
        cmocka_unit_test(no_mirrors_and_mirrors_not_read_are_two_things),
        cmocka_unit_test(wrong_json_is_named_and_leaves_the_inventory_alone),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(nearest_words_are_those_that_were_meant),
    };

    return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
