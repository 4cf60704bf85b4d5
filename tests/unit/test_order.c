/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to the agent: what flowlift writes is read, and what anybody else may write is refused. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/order.h"
#include "tests/unit/remedy_example.h"

/* A plan with two rules and a decoy of the first; to be destroyed. */
static void plan_example(struct fl_plan *plan)
{
    struct fl_remedy remedy;
    struct fl_rule *decoy;

    remedy_example(&remedy, "3f2b", "web-1");
    *plan = (struct fl_plan){ .set = remedy.set, .was_busy = true };
    plan->before = json_incref(remedy.before);
    remedy.set = (struct fl_flowset){ .n_rules = 0 };
    fl_remedy_destroy(&remedy);
    decoy = fl_flowset_add(&plan->set);
    *decoy = plan->set.rules[0];
    decoy->bridge = xstrdup("br-int");
    decoy->actions = xstrdup("NORMAL");
    decoy->priority = FL_DECOY_PRIORITY;
    decoy->decoy = true;
    match_set_tp_src(&decoy->match, htons(1));
}

static json_t *apply_example(void)
{
    struct fl_order order = {
        .step = FL_ORDER_APPLY,
        .who = CONST_CAST(char *, "ann (sudo)"),
        .ticket = CONST_CAST(char *, "T-1"),
        .until = { .version = "3.3.1" },
        .timeout_ms = 3000,
        .via = FL_VIA_OVS,
    };
    struct fl_plan plan;
    json_t *json;

    plan_example(&plan);
    order.plan = &plan;
    json = fl_order_to_json(&order);
    fl_plan_destroy(&plan);
    return json;
}

static json_t *rule_of(json_t *order, size_t i)
{
    return json_array_get(json_object_get(json_object_get(order, "flow_set"), "rules"), i);
}

/* Consumes @json. */
static void assert_refused(json_t *json, const char *sentence)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_order order;

    if (fl_order_from_json(json, &order, &err) != -EINVAL) {
        fail_msg("taken, though: %s", sentence);
    }
    if (!strstr(err.text, sentence)) {
        fail_msg("'%s' is not in '%s'", sentence, err.text);
    }
    json_decref(json);
}

static void an_apply_is_read_as_it_was_written(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = apply_example(), *again = NULL;
    struct fl_order order;

    (void)state;
    assert_int_equal(fl_order_from_json(json, &order, &err), 0);
    assert_int_equal(order.step, FL_ORDER_APPLY);
    assert_string_equal(order.who, "ann (sudo)");
    assert_string_equal(order.ticket, "T-1");
    assert_string_equal(order.until.version, "3.3.1");
    assert_int_equal(order.timeout_ms, 3000);
    assert_int_equal(order.via, FL_VIA_OVS);
    assert_int_equal(order.plan->set.n_rules, 3);
    assert_true(fl_plan_was_busy(order.plan));
    assert_false(order.plan->installed);
    assert_string_equal(json_string_value(json_object_get(order.plan->before, "verdict")),
                        "stranded");
    again = fl_order_to_json(&order);
    assert_true(json_equal(json, again));
    fl_order_destroy(&order);
}

static void the_other_steps_name_a_vm(void **state)
{
    static const enum fl_order_step steps[] = { FL_ORDER_VERIFY, FL_ORDER_REVERT,
                                                FL_ORDER_CONFIRM };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct fl_order order = { .step = steps[i], .vm = CONST_CAST(char *, "web-1") };
        _cleanup_json json_t *json = fl_order_to_json(&order);
        struct fl_error err = FL_ERROR_INIT;

        assert_int_equal(fl_order_from_json(json, &order, &err), 0);
        assert_int_equal(order.step, steps[i]);
        assert_string_equal(order.vm, "web-1");
        assert_null(order.plan);
        fl_order_destroy(&order);
        json_object_del(json, "vm");
        assert_refused(json_incref(json), "vm must be a name or an identity");
        json_object_set_new(json, "vm", json_string(""));
        assert_refused(json_incref(json), "vm must be a name or an identity");
    }
}

static void the_frame_is_checked(void **state)
{
    json_t *json;

    (void)state;
    assert_refused(json_array(), "the whole must be an object");
    assert_refused(json_object(), "schema must be a string");
    json = apply_example();
    json_object_set_new(json, "schema", json_string("flowlift/order/2"));
    assert_refused(json, "schema is \"flowlift/order/2\"");
    json = apply_example();
    json_object_set_new(json, "step", json_string("format-disk"));
    assert_refused(json, "step is none that there is");
    json = apply_example();
    json_object_set_new(json, "who", json_integer(1));
    assert_refused(json, "who must be a string");
    json = apply_example();
    json_object_set_new(json, "until", json_string("soon"));
    assert_refused(json, "such as 2027-01-31");
    json = apply_example();
    json_object_set_new(json, "timeout_ms", json_integer(3600001));
    assert_refused(json, "timeout_ms must be a whole number from 0 to 3600000");
    json = apply_example();
    json_object_set_new(json, "via", json_string("phone"));
    assert_refused(json, "via is none that there is");
    json = apply_example();
    json_object_set_new(json, "before", json_array());
    assert_refused(json, "before must be an object or null");
    json = apply_example();
    json_object_del(json, "flow_set");
    assert_refused(json, "flow_set: ");
}

static void rules_have_to_be_as_flowlift_makes_them(void **state)
{
    static const struct {
        const char *key, *value, *sentence;
    } texts[] = {
        { "actions", "output:1,controller", "actions that flowlift does not use" },
        { "actions", "CONTROLLER:65535", "actions that flowlift does not use" },
        { "actions", "learn(table=0,priority=1)", "actions that flowlift does not use" },
        { "actions", "resubmit(,5)", "actions that flowlift does not use" },
        { "actions", "ct(commit)", "actions that flowlift does not use" },
        { "actions", "set_field:1->reg0,output:1", "actions that flowlift does not use" },
        { "actions", "drop", "actions that flowlift does not use" },
        { "actions", "FLOOD", "actions that flowlift does not use" },
        { "match", "tcp,in_port=1", "lacks the guard bit" },
        { "match", "tcp,reg3=0x7,reg15=0/0x1,in_port=1",
          "matches no packet that comes to a bridge" },
        { "match", "tcp,reg15=0/0x1,metadata=0x7,in_port=1",
          "matches no packet that comes to a bridge" },
        { "match", "tcp,reg15=0/0x1,tun_id=0x7,in_port=1",
          "matches no packet that comes to a bridge" },
        { "match", "ct_state=+trk,tcp,reg15=0/0x1,in_port=1",
          "matches no packet that comes to a bridge" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *json = apply_example();

        json_object_set_new(rule_of(json, 1), texts[i].key, json_string(texts[i].value));
        assert_refused(json, texts[i].sentence);
    }
}

static void priority_guard_and_cookie_are_ours(void **state)
{
    json_t *json = apply_example(), *set;

    (void)state;
    json_object_set_new(rule_of(json, 1), "priority", json_integer(65535));
    assert_refused(json, "rules[1] has another priority than flowlift's");
    json = apply_example();
    json_object_set_new(rule_of(json, 2), "priority", json_integer(FL_RULE_PRIORITY));
    assert_refused(json, "rules[2] has another priority than flowlift's");
    json = apply_example();
    json_object_set_new(json_object_get(json, "flow_set"), "guard", json_null());
    assert_refused(json, "the rules have no guard bit");
    json = apply_example();
    json_object_set_new(json_object_get(json, "flow_set"), "cookie", json_string("0x1"));
    assert_refused(json, "cookie does not belong to vm.id");
    json = apply_example();
    set = json_object_get(json, "flow_set");
    json_object_set_new(json_object_get(set, "vm"), "id", json_string("another"));
    assert_refused(json, "cookie does not belong to vm.id");
    json = apply_example();
    json_array_clear(json_object_get(json_object_get(json, "flow_set"), "rules"));
    assert_refused(json, "there is no rule");
}

static void decoys_are_parts_of_rules(void **state)
{
    static const struct {
        const char *key, *value;
    } texts[] = {
        { "actions", "output:9" },
        { "bridge", "br-ex" },
        { "match", "tcp,reg15=0/0x1,in_port=3,tp_src=1" },
        { "match", "tcp,reg15=0/0x1,tp_src=1" },
        { "match", "udp,reg15=0/0x1,in_port=1,tp_src=1" },
    };
    json_t *json;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json = apply_example();
        json_object_set_new(rule_of(json, 2), texts[i].key, json_string(texts[i].value));
        assert_refused(json, "rules[2] is a decoy of none of the rules");
    }
    /* Decoys alone. */
    json = apply_example();
    json_array_remove(json_object_get(json_object_get(json, "flow_set"), "rules"), 0);
    json_array_remove(json_object_get(json_object_get(json, "flow_set"), "rules"), 0);
    assert_refused(json, "rules[0] is a decoy of none of the rules");
}

static void decoys_of_rules_that_are_no_more_go(void **state)
{
    struct fl_plan plan;

    (void)state;
    plan_example(&plan);
    fl_flowset_drop_stray_decoys(&plan.set);
    assert_int_equal(plan.set.n_rules, 3);
    match_set_tp_dst(&plan.set.rules[0].match, htons(2049));
    fl_flowset_drop_stray_decoys(&plan.set);
    assert_int_equal(plan.set.n_rules, 2);
    assert_false(plan.set.rules[0].decoy || plan.set.rules[1].decoy);
    fl_plan_destroy(&plan);
}

static void vm_and_bridges_have_to_be_here(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_bridge bridge = { .name = CONST_CAST(char *, "br-int") };
    struct fl_vm vm = { .id = CONST_CAST(char *, "3f2b"), .name = CONST_CAST(char *, "web-1") };
    struct fl_inventory inv = { .bridges = &bridge, .n_bridges = 1, .vms = &vm, .n_vms = 1 };
    struct fl_plan plan;

    (void)state;
    plan_example(&plan);
    assert_int_equal(fl_order_check_place(&plan.set, &inv, &err), 0);
    bridge.name = CONST_CAST(char *, "br-ex");
    assert_int_equal(fl_order_check_place(&plan.set, &inv, &err), -EINVAL);
    assert_string_equal(err.text, "there is no bridge br-int here");
    fl_error_clear(&err);
    vm.name = CONST_CAST(char *, "web-2");
    assert_int_equal(fl_order_check_place(&plan.set, &inv, &err), -EINVAL);
    assert_string_equal(err.text, "there is no VM web-1 with identity 3f2b here");
    fl_plan_destroy(&plan);
}

/* Which flows, and how, is not told. */
static void that_flows_are_offered_again_is_asked_for(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plan plan;
    struct fl_order order = { .step = FL_ORDER_APPLY, .plan = &plan }, read;
    json_t *json, *rules;

    (void)state;
    plan_example(&plan);
    plan.reoffer = plan.set;
    json = fl_order_to_json(&order);
    assert_int_equal(fl_order_from_json(json, &read, &err), 0);
    assert_true(read.plan->wants_reoffer);
    assert_int_equal(read.plan->reoffer.n_rules, 0);
    assert_null(read.plan->refused);
    fl_order_destroy(&read);
    json_object_set_new(json, "refused", json_string("it has NAT"));
    assert_refused(json_incref(json), "it has rules, and is refused");
    rules = json_object_get(json_object_get(json, "flow_set"), "rules");
    json_array_clear(rules);
    json_object_set_new(json_object_get(json, "flow_set"), "guard", json_null());
    assert_int_equal(fl_order_from_json(json, &read, &err), 0);
    assert_string_equal(read.plan->refused, "it has NAT");
    fl_order_destroy(&read);
    json_object_set_new(json, "reoffer", json_false());
    assert_refused(json_incref(json), "there is nothing to do");
    json_object_set_new(json, "reoffer", json_integer(1));
    assert_refused(json, "reoffer must be true or false");
    plan.reoffer = (struct fl_flowset){ .n_rules = 0 };
    fl_plan_destroy(&plan);
}

static void an_answer_is_read_as_it_was_written(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_order_answer answer = {
        .error = -ECANCELED,
        .message = CONST_CAST(char *, "it did not help"),
        .outcome = { .state = FL_REMEDY_REVERTED,
                     .changed = true,
                     .had_traffic = true,
                     .reoffered = true,
                     .reason = CONST_CAST(char *, "because"),
                     .hw_share = 0.25,
                     .packets = 12,
                     .confirm_by_ms = 1767225661000,
                     .until = { .time_ms = 1801353600000 } },
        .n_reverted = 3,
    };
    _cleanup_json json_t *json = fl_order_answer_to_json(&answer), *again = NULL;
    struct fl_order_answer read;

    (void)state;
    assert_int_equal(fl_order_answer_from_json(json, &read, &err), 0);
    again = fl_order_answer_to_json(&read);
    assert_true(json_equal(json, again));
    assert_int_equal(read.error, -ECANCELED);
    assert_null(read.outcome.evidence);
    assert_true(read.outcome.reoffered);
    fl_order_answer_destroy(&read);
    json_object_set_new(json, "error", json_integer(1));
    assert_int_equal(fl_order_answer_from_json(json, &read, &err), -EINVAL);
    json_object_set_new(json, "error", json_integer(0));
    json_object_set_new(json_object_get(json, "outcome"), "hw_share", json_real(1.5));
    assert_int_equal(fl_order_answer_from_json(json, &read, &err), -EINVAL);
    json_object_set_new(json, "outcome", json_null());
    assert_int_equal(fl_order_answer_from_json(json, &read, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_apply_is_read_as_it_was_written),
        cmocka_unit_test(the_other_steps_name_a_vm),
        cmocka_unit_test(the_frame_is_checked),
        cmocka_unit_test(rules_have_to_be_as_flowlift_makes_them),
        cmocka_unit_test(priority_guard_and_cookie_are_ours),
        cmocka_unit_test(decoys_are_parts_of_rules),
        cmocka_unit_test(decoys_of_rules_that_are_no_more_go),
        cmocka_unit_test(vm_and_bridges_have_to_be_here),
        cmocka_unit_test(that_flows_are_offered_again_is_asked_for),
        cmocka_unit_test(an_answer_is_read_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
