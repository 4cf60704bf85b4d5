/* SPDX-License-Identifier: Apache-2.0 */

/* Orphans: TC filters that Open vSwitch has forgotten, as an audit lists them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/odp-util.h>

#include "flows/limits.h"
#include "flows/orphan.h"
#include "tests/unit/audit_report.h"

/* A filter of a port of @on, forwarding. */
#define FILTER(N, ON, USED) \
    UFID(N)                 \
    IN(ON)                  \
    "eth_type(0x0806), packets:5, bytes:500, used:" USED ", offloaded:yes, dp:tc, actions:p0\n"

/* @before may be NULL; "dev reason" a line, then how many there are. */
static void assert_orphans(const char *before, const char *after, const char *key,
                           const char *value, const char *wanted)
{
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);
    struct ds got = DS_EMPTY_INITIALIZER;
    struct fl_inventory inv;
    struct fl_audit *audit;
    json_t *orphans, *orphan;
    size_t i;

    init_inventory(&inv);
    add_vm(&inv, "web", "vm1", MAC_1);
    if (key) {
        smap_replace(&inv.other_config, key, value);
    }
    set_inventory(snapshot, &inv);
    if (before) {
        fl_snapshot_begin_sample(snapshot, false, 0);
        push_dump(snapshot, before);
    }
    fl_snapshot_begin_sample(snapshot, true, before ? 5000 : 0);
    push_dump(snapshot, after);
    audit = audit_of(snapshot);
    orphans = fl_audit_orphans_to_json(audit);
    json_array_foreach(orphans, i, orphan) {
        ds_put_format(&got, "%s %s\n", json_string_value(json_object_get(orphan, "dev")),
                      json_string_value(json_object_get(orphan, "reason")));
    }
    ds_put_format(&got, "%" PRIu64, fl_snapshot_n_orphans(snapshot));
    assert_string_equal(ds_cstr(&got), wanted);
    ds_destroy(&got);
    json_decref(orphans);
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

static void a_filter_on_a_device_that_is_no_port_is_an_orphan(void **state)
{
    (void)state;
    assert_orphans(NULL, FILTER("01", "vm1", "1s") FILTER("02", "vm9", "1s"), NULL, NULL,
                   "vm9 its device vm9 is no interface of the switch\n1");
    /* Tunnels are in no row of the database. */
    assert_orphans(NULL,
                   FILTER("01", "vxlan_sys_4789", "1s") FILTER("02", "gre_sys", "1s")
                       FILTER("03", "my_system", "1s"),
                   NULL, NULL, "my_system its device my_system is no interface of the switch\n1");
    /* By number: nobody can tell. */
    assert_orphans(NULL, FILTER("01", "9", "1s"), NULL, NULL, "0");
}

/* The inventory is older than the flows. */
static void a_port_that_was_added_in_the_window_makes_no_orphan(void **state)
{
    (void)state;
    assert_orphans(FILTER("01", "vm1", "1s"), FILTER("01", "vm1", "1s") FILTER("02", "vm9", "1s"),
                   NULL, NULL, "0");
}

static void filters_without_hw_offload_are_orphans(void **state)
{
    (void)state;
    assert_orphans(NULL,
                   FILTER("01", "vm1", "1s") UFID("02") IN("vm1") "eth_type(0x0800)" COUNT("1") SW
                   "actions:p0\n",
                   "hw-offload", "false",
                   "vm1 other_config:hw-offload is not true: ovs-vswitchd, since it was started "
                   "like that, does not look at it\n1");
}

/* Turned off, it goes on until ovs-vswitchd is started anew: its log may tell that it was not. */
static void filters_that_ovs_vswitchd_may_still_look_after_are_none(void **state)
{
    const struct fl_flow flow = { .layer = FL_LAYER_TC, .has_ufid = true, .in_port = ODPP_NONE };
    struct fl_orphan_judge judge;
    struct fl_inventory inv;

    (void)state;
    init_inventory(&inv);
    smap_replace(&inv.other_config, "hw-offload", "false");
    fl_orphan_judge_init(&judge, &inv, NULL);
    assert_int_equal(fl_orphan_of(&judge, &flow), FL_ORPHAN_OFFLOAD_OFF);
    inv.may_offload = true;
    fl_orphan_judge_init(&judge, &inv, NULL);
    assert_int_equal(fl_orphan_of(&judge, &flow), FL_ORPHAN_NOT);
    fl_inventory_destroy(&inv);
}

static void a_filter_idle_by_far_longer_than_max_idle_is_an_orphan(void **state)
{
    (void)state;
    assert_orphans(NULL, FILTER("01", "vm1", "99s") FILTER("02", "vm1", "101s"), NULL, NULL,
                   "vm1 it was last used 101 s ago, and yet nobody deleted it (max-idle is 10000 "
                   "ms)\n1");
    assert_orphans(NULL, FILTER("01", "vm1", "101s") FILTER("02", "vm1", "never"), "max-idle",
                   "30000", "0");
    assert_orphans(NULL, FILTER("01", "vm1", "59s") FILTER("02", "vm1", "61s"), "max-idle", "500",
                   "vm1 it was last used 61 s ago, and yet nobody deleted it (max-idle is 500 "
                   "ms)\n1");
}

static void more_orphans_than_are_listed_are_counted(void **state)
{
    struct fl_snapshot *snapshot = fl_snapshot_create("host-1", 0);
    struct ds dump = DS_EMPTY_INITIALIZER;
    struct fl_audit *audit;
    json_t *orphans;

    (void)state;
    set_three_vms(snapshot);
    for (unsigned int i = 0; i < 250; i++) {
        ds_put_format(&dump,
                      "ufid:00000000-0000-0000-0000-0000000000%02x, recirc_id(0),in_port(gone),"
                      "eth_type(0x0806), packets:1, bytes:1, used:1s, dp:tc, actions:p0\n",
                      i);
    }
    fl_snapshot_begin_sample(snapshot, true, 0);
    push_dump(snapshot, ds_cstr(&dump));
    audit = audit_of(snapshot);
    orphans = fl_audit_orphans_to_json(audit);
    assert_int_equal(json_array_size(orphans), FL_LIMIT_ORPHANS);
    assert_int_equal(fl_snapshot_n_orphans(snapshot), 250);
    assert_int_equal(fl_audit_exit_code(audit), 0);
    json_decref(orphans);
    ds_destroy(&dump);
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_on_a_device_that_is_no_port_is_an_orphan),
        cmocka_unit_test(a_port_that_was_added_in_the_window_makes_no_orphan),
        cmocka_unit_test(filters_without_hw_offload_are_orphans),
        cmocka_unit_test(filters_that_ovs_vswitchd_may_still_look_after_are_none),
        cmocka_unit_test(a_filter_idle_by_far_longer_than_max_idle_is_an_orphan),
        cmocka_unit_test(more_orphans_than_are_listed_are_counted),
    };

    return cmocka_run_group_tests_name("orphan", tests, NULL, NULL);
}
