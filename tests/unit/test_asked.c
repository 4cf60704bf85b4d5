/* SPDX-License-Identifier: Apache-2.0 */

/* What a NIC said of a flow, as causes: the refused part and the driver's words. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/asked.h"
#include "flows/refusal.h"

static struct fl_tc_filter filter;
static struct fl_shrunk shrunk;
static struct fl_asked asked;

static struct fl_tc_action *add(enum fl_tc_kind kind)
{
    struct fl_tc_action *action = fl_tc_add_action(&filter);

    action->kind = kind;
    return action;
}

/* What is offered: two fields, four actions. */
static void a_filter(void)
{
    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_ETH_TYPE)->n = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_IP_TTL)->n = 64;
    fl_tc_put_key(&filter, FL_TC_KEY_CT_STATE)->n = FL_TC_CT_TRACKED;
    add(FL_TC_TUNNEL_KEY)->tunnel_key.action = FL_TC_TUNNEL_UNSET;
    add(FL_TC_VLAN)->vlan.action = FL_TC_VLAN_PUSH;
    add(FL_TC_CT);
    add(FL_TC_MIRRED)->mirred.to_dev = "p0";
    fl_tc_fill_masks(&filter);
}

/* The part of the filter whose words these are is refused, saying this. */
struct nic {
    const char *part;
    const char *words;
    int error;
    enum fl_tc_verdict verdict;
};

static bool has_part(const struct fl_tc_filter *offered, const char *part)
{
    static const struct {
        const char *name;
        enum fl_tc_kind kind;
    } actions[] = { { "vlan push", FL_TC_VLAN },
                    { "ct", FL_TC_CT },
                    { "tunnel_key unset", FL_TC_TUNNEL_KEY },
                    { "redirect to p0", FL_TC_MIRRED } };

    if (!strcmp(part, "ip_ttl"))
        return offered->present >> FL_TC_KEY_IP_TTL & 1;
    if (!strcmp(part, "ct_state"))
        return offered->present >> FL_TC_KEY_CT_STATE & 1;
    for (size_t i = 0; i < offered->n_actions; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(actions); j++) {
            if (offered->actions[i].kind == actions[j].kind && !strcmp(actions[j].name, part))
                return true;
        }
    }
    return !*part;
}

static void offer(const struct fl_tc_filter *offered, void *nic_, struct fl_tc_answer *answer)
{
    const struct nic *nic = nic_;

    *answer = (struct fl_tc_answer){ .verdict = FL_TC_ACCEPTED };
    if (!has_part(offered, nic->part))
        return;
    answer->verdict = nic->verdict;
    answer->error = -nic->error;
    ovs_strlcpy(answer->text, nic->words, sizeof answer->text);
}

/* "OUTCOME; CAUSE: EVIDENCE; ..." */
static void assert_said(struct nic nic, enum fl_offload_api api, const char *wanted)
{
    struct fl_cause causes[FL_SHRINK_PARTS_MAX];
    struct ds text = DS_EMPTY_INITIALIZER;
    size_t n;

    a_filter();
    fl_shrink(&filter, offer, &nic, &shrunk);
    asked = (struct fl_asked){ .api = api, .device = "vm1" };
    fl_asked_take_shrunk(&asked, &shrunk, &filter);
    ds_put_cstr(&text, fl_asked_outcome_name(asked.outcome));
    n = fl_asked_causes(&asked, causes);
    assert_int_equal(fl_asked_told(&asked), n > 0);
    for (size_t i = 0; i < n; i++)
        ds_put_format(&text, "; %s%s: %s", fl_cause_info(causes[i].id)->id,
                      causes[i].may_be ? "?" : "", causes[i].detail);
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
}

static void a_refused_part_is_a_cause(void **state)
{
    static const struct {
        const char *part, *words, *wanted;
    } cases[] = {
        { "ip_ttl", "drv: Matching on TTL is not supported",
          "refused; nic-match: vm1 refuses ip_ttl: \"drv: Matching on TTL is not supported\"" },
        /* Words that tell no more than that: the part does. */
        { "ct_state", "drv: Unsupported key",
          "refused; nic-conntrack: vm1 refuses ct_state: \"drv: Unsupported key\"" },
        { "vlan push", "", "refused; nic-action: vm1 refuses vlan push: Operation not supported" },
        { "ct", "", "refused; nic-conntrack: vm1 refuses ct: Operation not supported" },
        { "tunnel_key unset", "no", "refused; nic-tunnel: vm1 refuses tunnel_key unset: \"no\"" },
        { "redirect to p0", "drv: the action is not there",
          "refused; nic-output: vm1 refuses redirect to p0: \"drv: the action is not there\"" },
        /* Words that tell more. */
        { "vlan push", "drv: too many headers",
          "refused; nic-resource: vm1 refuses vlan push: \"drv: too many headers\"" },
        { "redirect to p0", "devices are not on same switch HW",
          "refused; other-eswitch: vm1 refuses redirect to p0: \"devices are not on same switch HW\"" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct nic nic = { cases[i].part, cases[i].words, EOPNOTSUPP, FL_TC_REFUSED };

        assert_said(nic, FL_API_TC, cases[i].wanted);
    }
}

static void what_is_no_matter_of_the_flow(void **state)
{
    (void)state;
    assert_said(
        (struct nic){ "", "drv: Rule table is full", ENOSPC, FL_TC_REFUSED }, FL_API_TC,
        "refused-for-now; rule-table-full: vm1 refuses it for the moment: \"drv: Rule table "
        "is full\"");
    assert_said((struct nic){ "", "TC offload is disabled on net device", EOPNOTSUPP,
                              FL_TC_REFUSED },
                FL_API_TC,
                "refuses-everything; hw-tc-offload-off: vm1 refuses every flow: \"TC offload is "
                "disabled on net device\"");
    assert_said((struct nic){ "", "Specified qdisc not found", EINVAL, FL_TC_CANNOT_TELL },
                FL_API_TC, "cannot-tell");
    assert_string_equal(asked.words, "Specified qdisc not found");
}

/* A driver of DPDK looks at the rule alone. */
static void what_is_accepted_was_refused_once(void **state)
{
    const struct nic nic = { "nothing", "", 0, FL_TC_ACCEPTED };

    (void)state;
    assert_said(nic, FL_API_TC, "accepted; refused-once: vm1 was asked, and takes the flow now");
    assert_said(nic, FL_API_RTE_FLOW,
                "accepted; refused-once?: vm1 was asked, and takes the flow if it has room");
}

/* All that was found till then is right. */
static void parts_before_an_end_count(void **state)
{
    struct fl_rte_shrunk rule = {
        .outcome = FL_SHRINK_CANNOT_TELL,
        .answer = { .verdict = FL_TC_CANNOT_TELL, .error = -EPIPE, .text = "gone" },
        .n_offers = 7,
        .n_parts = 1,
        .parts = { { "tcp dst",
                     FL_CAUSE_NIC_MATCH,
                     { .verdict = FL_TC_REFUSED, .error = -EOPNOTSUPP, .text = "no port" } } },
    };

    (void)state;
    asked = (struct fl_asked){ .api = FL_API_RTE_FLOW, .device = "vm1" };
    fl_asked_take_rte(&asked, &rule);
    assert_int_equal(asked.outcome, FL_ASKED_REFUSED);
    assert_int_equal(asked.n_offers, 7);
    assert_string_equal(asked.words, "gone");
    assert_string_equal(asked.parts[0].what, "tcp dst");
    assert_int_equal(asked.parts[0].error, EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_part_is_a_cause),
        cmocka_unit_test(what_is_no_matter_of_the_flow),
        cmocka_unit_test(what_is_accepted_was_refused_once),
        cmocka_unit_test(parts_before_an_end_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
