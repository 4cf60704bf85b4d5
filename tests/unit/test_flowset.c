/* SPDX-License-Identifier: Apache-2.0 */

/* The flow set: its cookie, its text, and a JSON form that reads back to the same. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <openvswitch/ofp-flow.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/flowset.h"
#include "flows/limits.h"

static void parse_match(const char *text, struct match *match)
{
    struct ofputil_flow_stats_request request;
    enum ofputil_protocol usable;
    char *wrong = parse_ofp_flow_stats_request_str(&request, false, text, NULL, NULL, &usable);

    assert_null(wrong);
    *match = request.match;
}

static struct fl_rule *add_rule(struct fl_flowset *set, const char *match, const char *actions)
{
    struct fl_rule *rule = fl_flowset_add(set);

    rule->bridge = xstrdup("br0");
    rule->priority = FL_RULE_PRIORITY;
    rule->actions = xstrdup(actions);
    parse_match(match, &rule->match);
    return rule;
}

static void example(struct fl_flowset *set)
{
    fl_flowset_init(set, "8b2e3c1a-77aa-4c0e-9d5c-3f1f0a6f9e11", "web-1");
    add_rule(set,
             "tcp,in_port=2,vlan_tci=0x0000/0x1fff,dl_src=52:54:00:00:00:01,nw_src=10.1.0.5,"
             "nw_dst=10.2.0.0/24,tp_dst=2049",
             "mod_vlan_vid:100,output:1");
    add_rule(set, "tcp,in_port=1,dl_vlan=100,nw_src=10.2.0.0/24,nw_dst=10.1.0.5,tp_src=2049",
             "strip_vlan,output:2")
        ->direction = FL_TO_VM;
    add_rule(set, "udp6,in_port=3,ipv6_dst=fd00::/64,tp_dst=2049", "NORMAL")->decoy = true;
    fl_flowset_guard(set, 15, 0x80000000);
    fl_flowset_add_relaxation(set, "ct-invalid", "tcp,in_port=2");
    fl_flowset_add_relaxation(set, "mac-learning", NULL);
    set->zones = xcalloc(2, sizeof *set->zones);
    set->zones[0] = 2;
    set->zones[1] = UINT16_MAX;
    set->n_zones = 2;
    set->n_traces = 12;
    set->basis = xstrdup("0123abcd");
}

/* A cookie must be found again by every later version: FNV-1a's published values, folded. */
static void test_cookie_is_stable(void **state)
{
    (void)state;
    assert_true(fl_cookie_of_vm("") == UINT64_C(0xf10f9ce48422e8d7));
    assert_true(fl_cookie_of_vm("a") == UINT64_C(0xf10fdc4c860143ef));
    assert_true(fl_cookie_of_vm("foobar") == UINT64_C(0xf10f4171f739e27c));
    assert_true(fl_cookie_of_vm("8b2e3c1a-77aa-4c0e-9d5c-3f1f0a6f9e11") ==
                UINT64_C(0xf10f3db073f567c5));
}

static void test_rule_is_openflow_text(void **state)
{
    struct fl_flowset set;
    char *text;

    (void)state;
    example(&set);
    text = fl_rule_text(&set.rules[0], 0xf10f000000000001);
    assert_string_equal(text,
                        "table=0,priority=65000,cookie=0xf10f000000000001,tcp,reg15=0/0x80000000,"
                        "in_port=2,vlan_tci=0x0000/0x1fff,dl_src=52:54:00:00:00:01,"
                        "nw_src=10.1.0.5,nw_dst=10.2.0.0/24,tp_dst=2049 "
                        "actions=mod_vlan_vid:100,output:1");
    free(text);
    fl_flowset_destroy(&set);
}

static void test_rule_without_match_is_openflow_text(void **state)
{
    struct fl_flowset set;
    char *text;

    (void)state;
    fl_flowset_init(&set, "x", "x");
    add_rule(&set, "", "NORMAL");
    text = fl_rule_text(&set.rules[0], 1);
    assert_string_equal(text, "table=0,priority=65000,cookie=0x1 actions=NORMAL");
    free(text);
    fl_flowset_destroy(&set);
}

static void test_guard_moves(void **state)
{
    struct fl_flowset set;
    const struct match *match;

    (void)state;
    example(&set);
    match = &set.rules[1].match;
    fl_flowset_guard(&set, 14, 0x1);
    assert_int_equal(match->wc.masks.regs[15], 0);
    assert_int_equal(match->wc.masks.regs[14], 1);
    fl_flowset_guard(&set, 14, 0x2);
    assert_int_equal(match->wc.masks.regs[14], 2);
    assert_int_equal(match->flow.regs[14], 0);
    fl_flowset_destroy(&set);
}

static void test_rules_are_limited(void **state)
{
    struct fl_flowset set;

    (void)state;
    fl_flowset_init(&set, "x", "x");
    for (size_t i = 0; i < FL_LIMIT_RULES; i++) {
        assert_non_null(fl_flowset_add(&set));
    }
    assert_null(fl_flowset_add(&set));
    fl_flowset_destroy(&set);
}

static void test_json_reads_back_to_the_same(void **state)
{
    struct fl_flowset set, again;
    struct fl_error err = FL_ERROR_INIT;
    json_t *json, *json_again;

    (void)state;
    example(&set);
    json = fl_flowset_to_json(&set);
    assert_int_equal(fl_flowset_from_json(json, &again, &err), 0);
    assert_true(fl_flowset_equal(&set, &again));
    for (size_t i = 0; i < set.n_rules; i++) {
        assert_memory_equal(&set.rules[i].match, &again.rules[i].match, sizeof(struct match));
        assert_int_equal(set.rules[i].direction, again.rules[i].direction);
        assert_int_equal(set.rules[i].decoy, again.rules[i].decoy);
    }
    assert_true(set.cookie == again.cookie);
    assert_int_equal(again.n_zones, 2);
    assert_memory_equal(set.zones, again.zones, 2 * sizeof *set.zones);
    json_again = fl_flowset_to_json(&again);
    assert_true(json_equal(json, json_again));
    json_decref(json);
    json_decref(json_again);
    fl_flowset_destroy(&set);
    fl_flowset_destroy(&again);
}

/* Matches of many kinds, not only those that the simplifier makes. */
static void test_every_match_survives_json(void **state)
{
    static const char *const matches[] = {
        "",
        "in_port=LOCAL",
        "ip,nw_frag=not_later",
        "icmp6,icmp_type=135,nd_target=fd00::1",
        "arp,arp_tpa=10.1.0.0/16",
        "tcp,tcp_flags=+syn-ack",
        "ct_state=+est+trk,ct_zone=5,ct_mark=0x1/0xff,ip",
        "dl_vlan=100,dl_vlan_pcp=3,ip,nw_tos=32",
        "vlan_tci=0x1000/0x1000",
        "metadata=0x5/0xf,reg0=0x1,reg7=0/0x80000000,xreg2=0x1234567800000000/0xffffffff00000000",
        "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
        "tcp,tp_src=0x800/0xf800",
        "tun_id=0x7,tun_src=192.0.2.1",
        "mpls,mpls_label=5",
        "sctp6,ipv6_src=fd00::/8,tp_dst=7",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_flowset set, again;
        json_t *json;

        fl_flowset_init(&set, "x", "x");
        add_rule(&set, matches[i], "NORMAL");
        json = fl_flowset_to_json(&set);
        assert_int_equal(fl_flowset_from_json(json, &again, &err), 0);
        assert_true(match_equal(&set.rules[0].match, &again.rules[0].match));
        json_decref(json);
        fl_flowset_destroy(&set);
        fl_flowset_destroy(&again);
    }
}

static void test_equality_ignores_order(void **state)
{
    struct fl_flowset a, b;
    struct fl_rule swap;

    (void)state;
    example(&a);
    example(&b);
    swap = b.rules[0];
    b.rules[0] = b.rules[2];
    b.rules[2] = swap;
    assert_true(fl_flowset_equal(&a, &b));
    b.rules[1].priority++;
    assert_false(fl_flowset_equal(&a, &b));
    fl_flowset_destroy(&a);
    fl_flowset_destroy(&b);
}

static void test_coverage_is_by_single_rules(void **state)
{
    struct fl_flowset set, narrow;

    (void)state;
    example(&set);
    example(&narrow);
    assert_true(fl_flowset_covers(&set, &narrow));
    match_set_dl_vlan_pcp(&narrow.rules[1].match, 3, 0);
    assert_true(fl_flowset_covers(&set, &narrow));
    assert_false(fl_flowset_covers(&narrow, &set));
    match_set_dl_vlan_pcp(&set.rules[1].match, 4, 0);
    assert_false(fl_flowset_covers(&set, &narrow));
    fl_flowset_destroy(&set);
    fl_flowset_destroy(&narrow);
}

static void test_a_direction_is_missed(void **state)
{
    struct fl_flowset set, half;

    (void)state;
    example(&set);
    example(&half);
    assert_true(fl_flowset_has_directions(&half, &set));
    for (size_t i = 0; i < half.n_rules; i++)
        half.rules[i].direction = FL_FROM_VM;
    assert_false(fl_flowset_has_directions(&half, &set));
    assert_true(fl_flowset_has_directions(&set, &half));
    fl_flowset_destroy(&half);
    example(&half);
    for (size_t i = 0; i < half.n_rules; i++)
        half.rules[i].decoy = half.rules[i].direction == FL_TO_VM;
    assert_false(fl_flowset_has_directions(&half, &set));
    assert_true(fl_flowset_has_directions(&set, &half));
    fl_flowset_destroy(&set);
    fl_flowset_destroy(&half);
}

/* Replaces what @path ("rules/0/match") names by the JSON @value and reads it. */
static void assert_refused(const char *path, const char *value, const char *sentence)
{
    struct fl_flowset set, untouched;
    struct fl_error err = FL_ERROR_INIT;
    json_t *json, *at;
    char *copy = xstrdup(path), *save = NULL, *key, *next;

    example(&set);
    json = at = fl_flowset_to_json(&set);
    key = strtok_r(copy, "/", &save);
    while ((next = strtok_r(NULL, "/", &save))) {
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(key)) : json_object_get(at, key);
        key = next;
    }
    if (json_is_array(at)) {
        json_array_set_new(at, (size_t)atoi(key), json_loads(value, JSON_DECODE_ANY, NULL));
    } else {
        json_object_set_new(at, key, json_loads(value, JSON_DECODE_ANY, NULL));
    }
    memset(&untouched, 0x5a, sizeof untouched);
    assert_int_equal(fl_flowset_from_json(json, &untouched, &err), -EINVAL);
    if (!strstr(err.text, sentence)) {
        assert_string_equal(err.text, sentence);
    }
    for (size_t i = 0; i < sizeof untouched; i++) {
        assert_int_equal(((const char *)&untouched)[i], 0x5a);
    }
    json_decref(json);
    fl_flowset_destroy(&set);
    free(copy);
}

static void test_hostile_json_is_refused_by_key(void **state)
{
    (void)state;
    assert_refused("vm", "7", "vm must be an object");
    assert_refused("vm/id", "null", "vm.id must be a string");
    assert_refused("vm/id", "\"another\"", "cookie does not belong to vm.id");
    assert_refused("cookie", "17", "cookie must be a string");
    assert_refused("cookie", "\"f10f\"", "cookie must be a hexadecimal number");
    assert_refused("cookie", "\"0x10000000000000000\"", "cookie");
    assert_refused("cookie", "\"0x1\"", "cookie does not belong to vm.id");
    assert_refused("rules", "{}", "rules must be an array");
    assert_refused("rules/0", "[]", "rules[0] must be an object");
    assert_refused("rules/1/bridge", "5", "rules[1].bridge must be a string");
    assert_refused("rules/1/priority", "65536", "rules[1].priority must be a whole number");
    assert_refused("rules/1/priority", "-1", "rules[1].priority must be a whole number");
    assert_refused("rules/1/direction", "\"up\"", "rules[1].direction must be");
    assert_refused("rules/1/decoy", "1", "rules[1].decoy must be true or false");
    assert_refused("rules/0/match", "\"nonsense=1\"", "rules[0].match is no OpenFlow match");
    assert_refused("rules/0/match", "\"tcp,table=3,in_port=1\"", "write it as \"tcp,in_port=1\"");
    assert_refused("rules/0/match", "\"in_port=1, tcp\"", "write it as \"tcp,in_port=1\"");
    assert_refused("rules/0/match", "\"cookie=0x1/-1,tcp\"", "write it as \"tcp\"");
    assert_refused("rules/0/match", "\"tcp\"", "rules[0].match lacks the guard bit");
    assert_refused("rules/0/actions", "\"\"", "rules[0].actions is no OpenFlow actions");
    assert_refused("rules/0/actions", "\"explode\"", "rules[0].actions is no OpenFlow actions");
    assert_refused("guard", "[]", "guard must be an object");
    assert_refused("guard/reg", "16", "guard.reg must be a whole number from 0 to 15");
    assert_refused("guard/mask", "\"0x0\"", "a mask that is not 0");
    assert_refused("guard/mask", "\"0x1ffffffff\"", "guard.mask must be a hexadecimal number");
    assert_refused("zones", "7", "zones must be an array");
    assert_refused("zones/0", "65536", "zones[0] must be 0 to 65535");
    assert_refused("zones/1", "null", "zones[1] must be 0 to 65535");
    assert_refused("relaxations/0/id", "null", "relaxations[0].id must be a string");
    assert_refused("relaxations/0/example", "[]", "relaxations[0].example must be a string");
    assert_refused("traces", "-1", "traces must be a whole number");
    assert_refused("basis", "0", "basis must be a string");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cookie_is_stable),
        cmocka_unit_test(test_rule_is_openflow_text),
        cmocka_unit_test(test_rule_without_match_is_openflow_text),
        cmocka_unit_test(test_guard_moves),
        cmocka_unit_test(test_rules_are_limited),
        cmocka_unit_test(test_json_reads_back_to_the_same),
        cmocka_unit_test(test_every_match_survives_json),
        cmocka_unit_test(test_equality_ignores_order),
        cmocka_unit_test(test_coverage_is_by_single_rules),
        cmocka_unit_test(test_a_direction_is_missed),
        cmocka_unit_test(test_hostile_json_is_refused_by_key),
    };

    return cmocka_run_group_tests_name("flowset", tests, NULL, NULL);
}
