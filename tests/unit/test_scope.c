/* SPDX-License-Identifier: Apache-2.0 */

/* Scopes: which change of a bridge's flows may matter to a remedy, and when it is due. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <openvswitch/ofp-flow.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/scope.h"

#define COOKIE UINT64_C(0xf10f000000000002)

/* What is to be known of a flow change; @text as ovs-ofctl takes it. */
static bool changes(struct fl_remedy_scope *scope, enum ofp_flow_update_event event,
                    const char *text)
{
    struct ofputil_flow_mod mod;
    struct ofputil_flow_update update = { .event = event };
    enum ofputil_protocol usable;
    char *wrong = parse_ofp_flow_mod_str(&mod, text, NULL, NULL, OFPFC_ADD, &usable);
    bool noted;

    if (wrong) {
        fail_msg("%s: %s", text, wrong);
    }
    update.table_id = mod.table_id == OFPTT_ALL ? 0 : mod.table_id;
    update.cookie = mod.new_cookie;
    update.priority = (uint16_t)mod.priority;
    update.ofpacts = mod.ofpacts;
    update.ofpacts_len = mod.ofpacts_len;
    minimatch_expand(&mod.match, &update.match);
    noted = fl_scope_flow(scope, &update);
    minimatch_destroy(&mod.match);
    free(mod.ofpacts);
    return noted;
}

static bool added(struct fl_remedy_scope *scope, const char *text)
{
    return changes(scope, OFPFME_ADDED, text);
}

/* TCP from port 2 to 10.1.0.0/16, port 2049, with bit 31 of register 15 clear. */
static struct match region(void)
{
    struct match match = MATCH_CATCHALL_INITIALIZER;

    match_set_in_port(&match, 2);
    match_set_dl_type(&match, htons(0x0800));
    match_set_nw_proto(&match, 6);
    match_set_nw_dst_masked(&match, htonl(0x0a010000), htonl(0xffff0000));
    match_set_tp_dst(&match, htons(2049));
    match_set_reg_masked(&match, 15, 0, 0x80000000);
    return match;
}

static struct flow stable_ports(void)
{
    struct flow stable;

    memset(&stable, 0, sizeof stable);
    stable.in_port.ofp_port = OFP_PORT_C(UINT16_MAX);
    stable.tp_dst = htons(UINT16_MAX);
    return stable;
}

static struct fl_remedy_scope *new_scope(const struct flow *stable)
{
    struct fl_remedy_scope *scope = fl_scope_new(COOKIE);
    struct match match = region();
    struct fl_changes begun;

    assert_true(fl_scope_take(scope, &begun));
    assert_int_equal(begun.what, FL_CHANGED_UNSEEN);
    fl_scope_set(scope, &match, 1, stable);
    return scope;
}

static void table_0_is_compared_in_every_field(void **state)
{
    struct fl_remedy_scope *scope = new_scope(NULL);

    (void)state;
    assert_true(added(scope, "actions=drop"));
    assert_true(added(scope, "tcp,actions=drop"));
    assert_true(added(scope, "tcp,nw_dst=10.0.0.0/8,tp_dst=2048/0xfff0,actions=drop"));
    assert_true(added(scope, "tcp,nw_src=1.2.3.4,ct_state=+trk,reg3=7,actions=drop"));
    assert_false(added(scope, "in_port=3,actions=drop"));
    assert_false(added(scope, "udp,actions=drop"));
    assert_false(added(scope, "tcp,nw_dst=10.2.0.0/16,actions=drop"));
    assert_false(added(scope, "tcp,tp_dst=2048,actions=drop"));
    assert_false(added(scope, "ipv6,actions=drop"));
    assert_false(added(scope, "reg15=0x80000000/0x80000000,actions=drop"));
    fl_scope_free(scope);
}

static void later_tables_are_compared_where_nothing_is_rewritten(void **state)
{
    struct flow stable = stable_ports();
    struct fl_remedy_scope *nothing = new_scope(NULL), *ports = new_scope(&stable);

    (void)state;
    assert_true(added(nothing, "table=1,in_port=3,actions=drop"));
    assert_false(added(ports, "table=1,in_port=3,actions=drop"));
    assert_false(added(ports, "table=1,tcp,tp_dst=2050,actions=drop"));
    assert_true(added(ports, "table=1,udp,actions=drop"));
    assert_true(added(ports, "table=1,tcp,nw_dst=10.2.0.0/16,actions=drop"));
    assert_true(added(ports, "table=1,reg15=0x80000000/0x80000000,actions=drop"));
    fl_scope_free(nothing);
    fl_scope_free(ports);
}

static void way_back_to_table_0_matters_unless_it_goes(void **state)
{
    struct flow stable = stable_ports();
    struct fl_remedy_scope *scope = new_scope(&stable);
    static const char *const back[] = {
        "in_port=3,actions=resubmit(,0)",
        "in_port=3,actions=resubmit(4,)",
        "in_port=3,actions=group:1",
        "table=1,tcp,in_port=3,actions=ct(table=0)",
        "table=1,in_port=3,actions=clone(load:1->NXM_NX_REG1[],resubmit(,0))",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(back); i++) {
        assert_true(added(scope, back[i]));
        assert_true(changes(scope, OFPFME_MODIFIED, back[i]));
        assert_false(changes(scope, OFPFME_REMOVED, back[i]));
    }
    assert_false(
        added(scope, "tcp,in_port=3,actions=resubmit(,1),ct(commit),learn(table=0),output:1"));
    assert_false(added(scope, "table=1,tcp,in_port=3,actions=resubmit(4,),ct(table=2)"));
    fl_scope_free(scope);
}

static void own_rules_are_told_apart(void **state)
{
    struct fl_remedy_scope *scope = new_scope(NULL);
    struct fl_changes seen;

    (void)state;
    assert_true(added(scope, "cookie=0xf10f000000000002,in_port=3,actions=drop"));
    assert_true(fl_scope_take(scope, &seen));
    assert_int_equal(seen.what, FL_CHANGED_OURS);
    assert_string_equal(seen.example, "added: table=0 in_port=3 actions=drop");
    assert_false(added(scope, "cookie=0xf10f000000000003,in_port=3,actions=drop"));
    assert_true(added(scope, "cookie=0xf10f000000000003,tcp,actions=drop"));
    assert_false(changes(scope, OFPFME_REMOVED, "priority=3,udp,in_port=2,actions=drop"));
    assert_true(fl_scope_take(scope, &seen));
    assert_int_equal(seen.what, FL_CHANGED_FLOWS);
    assert_int_equal(seen.n, 1);
    fl_scope_free(scope);
}

/* During a proof changes are judged by what the proof before it found. */
static void what_a_proof_takes_back_is_unseen(void **state)
{
    struct flow stable = stable_ports();
    struct fl_remedy_scope *scope = new_scope(&stable);
    struct match match = region();
    struct fl_changes seen;

    (void)state;
    /* It finds the same: what was left out was rightly so. */
    assert_false(fl_scope_take(scope, &seen));
    assert_false(added(scope, "table=1,in_port=3,actions=drop"));
    fl_scope_set(scope, &match, 1, &stable);
    assert_int_equal(fl_scope_peek(scope)->what, 0);
    /* It finds that in_port is rewritten, and nothing was left out; then something was. */
    stable.in_port.ofp_port = 0;
    fl_scope_set(scope, &match, 1, &stable);
    assert_int_equal(fl_scope_peek(scope)->what, 0);
    assert_false(added(scope, "table=1,tcp,tp_dst=2050,actions=drop"));
    stable.tp_dst = 0;
    fl_scope_set(scope, &match, 1, &stable);
    assert_int_equal(fl_scope_peek(scope)->what, FL_CHANGED_UNSEEN);
    /* Another region. */
    fl_scope_take(scope, &seen);
    assert_false(added(scope, "in_port=3,actions=drop"));
    match_set_in_port(&match, 3);
    fl_scope_set(scope, &match, 1, &stable);
    assert_int_equal(fl_scope_peek(scope)->what, FL_CHANGED_UNSEEN);
    fl_scope_free(scope);
}

static void changes_are_due_when_it_is_quiet_or_late(void **state)
{
    struct fl_remedy_scope *scope = new_scope(NULL);
    const struct fl_changes *so_far = fl_scope_peek(scope);
    struct fl_changes seen;

    (void)state;
    assert_true(fl_scope_due_ms(scope) == LLONG_MAX);
    fl_scope_note(scope, FL_CHANGED_PORTS, "port vm1 was added");
    assert_int_equal(fl_scope_due_ms(scope), so_far->first_ms + FL_SCOPE_QUIET_MS);
    while (time_msec() <= so_far->first_ms) {
    }
    fl_scope_note(scope, FL_CHANGED_GROUPS, "a group");
    assert_true(so_far->latest_ms > so_far->first_ms);
    assert_int_equal(fl_scope_due_ms(scope), MIN(so_far->latest_ms + FL_SCOPE_QUIET_MS,
                                                 so_far->first_ms + FL_SCOPE_LATE_MS));
    while (time_msec() < so_far->first_ms + FL_SCOPE_LATE_MS - FL_SCOPE_QUIET_MS) {
    }
    fl_scope_note(scope, FL_CHANGED_GROUPS, "a group");
    assert_int_equal(fl_scope_due_ms(scope), so_far->first_ms + FL_SCOPE_LATE_MS);
    assert_true(fl_scope_take(scope, &seen));
    assert_int_equal(seen.what, FL_CHANGED_PORTS | FL_CHANGED_GROUPS);
    assert_int_equal(seen.n, 3);
    assert_string_equal(seen.example, "port vm1 was added");
    assert_true(fl_scope_due_ms(scope) == LLONG_MAX);
    assert_false(fl_scope_take(scope, &seen));
    fl_scope_free(scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_0_is_compared_in_every_field),
        cmocka_unit_test(later_tables_are_compared_where_nothing_is_rewritten),
        cmocka_unit_test(way_back_to_table_0_matters_unless_it_goes),
        cmocka_unit_test(own_rules_are_told_apart),
        cmocka_unit_test(what_a_proof_takes_back_is_unseen),
        cmocka_unit_test(changes_are_due_when_it_is_quiet_or_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
