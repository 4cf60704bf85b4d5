/* SPDX-License-Identifier: Apache-2.0 */

/* Known bugs: which versions have them, and which chains look like one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openvswitch/dynamic-string.h>

#include "tests/unit/example_host.h"

#include "flows/ovs_bug.h"

#define TAIL(RECIRC) "recirc_id(" RECIRC "),in_port(vm1),"
#define IP           "eth_type(0x0800),ipv4(frag=no)"
#define TC           "dp:tc, "

static const struct {
    enum fl_cause_id id;
    const char *version;
    enum fl_ovs_bug_is is;
    const char *fixed_in;
} versions[] = {
    { FL_CAUSE_BUG_UFID, "2.16.9", FL_BUG_IS_THERE, "2.17.6" },
    { FL_CAUSE_BUG_UFID, "2.17.5", FL_BUG_IS_THERE, "2.17.6" },
    { FL_CAUSE_BUG_UFID, "2.17.6", FL_BUG_IS_FIXED, "2.17.6" },
    { FL_CAUSE_BUG_UFID, "3.1.0", FL_BUG_IS_THERE, "3.1.1" },
    { FL_CAUSE_BUG_UFID, "3.1.0-2+deb12u1", FL_BUG_IS_THERE, "3.1.1" },
    { FL_CAUSE_BUG_UFID, "3.1.12", FL_BUG_IS_FIXED, "3.1.1" },
    { FL_CAUSE_BUG_UFID, "3.2.0", FL_BUG_IS_FIXED, "3.2.0" },
    { FL_CAUSE_BUG_UFID, "4.0.0", FL_BUG_IS_FIXED, "3.2.0" },
    /* A series that never got the fix, between two that did. */
    { FL_CAUSE_BUG_STATS_BACK, "3.0.9", FL_BUG_IS_THERE, "3.1.2" },
    { FL_CAUSE_BUG_RECIRC_BITS, "3.1.7", FL_BUG_IS_THERE, "3.3.8" },
    { FL_CAUSE_BUG_RECIRC_BITS, "3.4.4", FL_BUG_IS_THERE, "3.4.5" },
    { FL_CAUSE_BUG_VLAN_PRIO, "3.3.9", FL_BUG_IS_THERE, "3.4.0" },
    /* Nobody knows. */
    { FL_CAUSE_BUG_UFID, NULL, FL_BUG_IS_UNKNOWN, "2.17.6" },
    { FL_CAUSE_BUG_UFID, "3.2.1005", FL_BUG_IS_UNKNOWN, "2.17.6" }, /* OVS-DOCA's own numbers */
    { FL_CAUSE_BUG_UFID, "master", FL_BUG_IS_UNKNOWN, "2.17.6" },
};

static void versions_are_compared_by_series(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        const char *fixed_in = NULL;

        assert_int_equal(fl_ovs_bug_in(versions[i].id, versions[i].version, &fixed_in),
                         versions[i].is);
        assert_string_equal(fixed_in, versions[i].fixed_in);
    }
}

static void every_bug_of_the_catalogue_has_its_versions(void **state)
{
    (void)state;
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        if (fl_cause_info(id)->by == FL_BY_VERSION) {
            assert_int_equal(fl_ovs_bug_in(id, "1.0.0", NULL), FL_BUG_IS_THERE);
            assert_int_equal(fl_ovs_bug_in(id, "99.0.0", NULL), FL_BUG_IS_FIXED);
        }
    }
}

/* Bugs of the only chain of @dump. */
static void assert_bugs(const char *dump, const char *version, const char *wanted)
{
    struct fl_snapshot *snapshot = snapshot_of(NULL, dump);
    struct fl_chains *chains = fl_chains_stitch(snapshot);
    struct fl_cause causes[FL_MAX_CAUSES];
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t n;

    assert_int_equal(chains->n, 1);
    n = fl_ovs_bugs_of_chain(&chains->chains[0], version, causes);
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&text, "%s%s: %s", i ? "; " : "", fl_cause_info(causes[i].id)->id,
                      causes[i].detail);
    }
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
    fl_chains_destroy(chains);
    fl_snapshot_destroy(snapshot);
}

static void a_healthy_chain_looks_like_none(void **state)
{
    (void)state;
    assert_bugs(UFID("01") IN("vm1") IP COUNT("1") TC "actions:p0\n", "3.1.0", "");
    assert_bugs(UFID("01") IN("vm1") IP COUNT("1") TC "actions:set(tcp(dst=1)),p0\n", "3.1.0", "");
    assert_bugs(UFID("01") "tunnel(tun_id=0x1,src=1.1.1.1,dst=1.1.1.2,flags(key))," IN("vm1")
                    IP COUNT("1") TC "actions:p0\n",
                "3.1.0", "");
}

static void chains_that_look_like_a_bug(void **state)
{
    (void)state;
    assert_bugs(
        UFID("01") IN("vm1") IP COUNT("9") SW "actions:ct(zone=1),recirc(0x5)\n" UFID("02")
            TAIL("0x5") "ct_state(+est)," IP COUNT("9") TC "actions:p0\n",
        "3.1.0",
        "ovs-bug-split-chain: a flow in dp:ovs is followed by one in dp:tc; Open vSwitch 3.1.0 "
        "has the bug, 3.6.0 the fix");
    assert_bugs(UFID("01") "recirc_id(0x10000001),in_port(vm1)," IP COUNT("9") SW "actions:p0\n",
                "3.1.0",
                "ovs-bug-recirc-bits: a recirc_id of more than 28 bits; Open vSwitch 3.1.0 has the "
                "bug, 3.3.8 the fix");
    assert_bugs(UFID("01") "tunnel(tun_id=0x1,src=1.1.1.1,dst=1.1.1.2,tp_src=7,flags(df|key))," IN(
                    "vm1") IP COUNT("9") SW "actions:p0\n",
                "3.2.1",
                "ovs-bug-tunnel-source-port: a match on the source port of a tunnel; Open vSwitch "
                "3.2.1 has the bug, 3.2.2 the fix; ovs-bug-tunnel-flags: a match on flags of a "
                "tunnel; Open vSwitch 3.2.1 has the bug, 3.5.3 the fix");
    assert_bugs(
        UFID("01") IN("vm1") IP COUNT("9") TC "actions:ct(zone=1,helper=ftp),p0\n", "3.0.3",
        "ovs-bug-ct-helper: ct() with a helper in TC; Open vSwitch 3.0.3 has the bug, 3.0.4 "
        "the fix");
}

static void a_fixed_or_unknown_version_is_not_accused(void **state)
{
    (void)state;
    assert_bugs(UFID("01") "recirc_id(0x10000001),in_port(vm1)," IP COUNT("9") SW "actions:p0\n",
                "3.7.1", "");
    assert_bugs(UFID("01") "recirc_id(0x10000001),in_port(vm1)," IP COUNT("9") SW "actions:p0\n",
                NULL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_compared_by_series),
        cmocka_unit_test(every_bug_of_the_catalogue_has_its_versions),
        cmocka_unit_test(a_healthy_chain_looks_like_none),
        cmocka_unit_test(chains_that_look_like_a_bug),
        cmocka_unit_test(a_fixed_or_unknown_version_is_not_accused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
