/* SPDX-License-Identifier: Apache-2.0 */

/* Rules of DPDK reduced to what is refused of them, against drivers whose likes and dislikes are known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/rte_shrink.h"

#define PATTERN                                                                                \
    "eth dst=525400640101 src=525400640001 type=0800 has_vlan=0 / ipv4 src=0a64000b proto=06 " \
    "frag=0000/3fff / tcp dst=0801"
#define RULE                                                                                 \
    "transfer pattern " PATTERN " actions count / of_push_vlan type=8100 / of_set_vlan_pcp " \
    "pcp=0 / of_set_vlan_vid vid=100 / port_id id=0"

/* A driver looks for these words in turn, and refuses the first rule that has them all. */
struct dislike {
    const char *first, *second; /* NULL: it is enough. */
    const char *words;
    int error;
};

struct driver {
    const struct dislike *dislikes;
    size_t n;
    unsigned int n_asked;
    unsigned int tires_after; /* 0: never. */
};

static void ask(const char *rule, void *driver_, struct fl_tc_answer *answer)
{
    struct driver *driver = driver_;

    *answer = (struct fl_tc_answer){ .verdict = FL_TC_ACCEPTED };
    /* All that is asked is a rule that begins and ends as one. */
    assert_non_null(strstr(rule, "transfer pattern eth"));
    assert_true(strstr(rule, "port_id") || strstr(rule, "drop"));
    if (++driver->n_asked == driver->tires_after) {
        *answer = (struct fl_tc_answer){ .verdict = FL_TC_CANNOT_TELL, .text = "gone" };
        return;
    }
    for (size_t i = 0; i < driver->n; i++) {
        const struct dislike *dislike = &driver->dislikes[i];

        if (strstr(rule, dislike->first) && (!dislike->second || strstr(rule, dislike->second))) {
            answer->verdict = FL_TC_REFUSED;
            answer->error = -(dislike->error ? dislike->error : EOPNOTSUPP);
            ovs_strlcpy(answer->text, dislike->words, sizeof answer->text);
            return;
        }
    }
}

static const char *cause_id(const struct fl_rte_part *part)
{
    return fl_cause_info(part->cause)->id;
}

/* "PART (CAUSE): WORDS; ..." of RULE */
static void assert_parts(const struct dislike *dislikes, size_t n, const char *wanted)
{
    struct driver driver = { .dislikes = dislikes, .n = n };
    struct ds text = DS_EMPTY_INITIALIZER;
    struct fl_rte_shrunk shrunk;

    fl_rte_shrink(RULE, ask, &driver, &shrunk);
    assert_int_equal(shrunk.outcome, FL_SHRINK_PARTS);
    assert_int_equal(shrunk.n_offers, driver.n_asked);
    assert_in_range(shrunk.n_offers, 1, 16 * shrunk.n_parts);
    for (unsigned int i = 0; i < shrunk.n_parts; i++)
        ds_put_format(&text, "%s%s (%s): %s", i ? "; " : "", shrunk.parts[i].what,
                      cause_id(&shrunk.parts[i]), shrunk.parts[i].answer.text);
    assert_string_equal(ds_cstr(&text), wanted);
    ds_destroy(&text);
}

static void a_part_is_what_is_refused(void **state)
{
    static const struct {
        struct dislike dislike;
        const char *wanted;
    } cases[] = {
        { { " src=5254", NULL, "no MAC", 0 }, "eth src (nic-match): no MAC" },
        { { "has_vlan", NULL, "no tag", 0 }, "eth has_vlan (nic-match): no tag" },
        { { "src=0a64", NULL, "no IP", 0 }, "ipv4 src (nic-match): no IP" },
        { { "tcp dst", NULL, "no port", 0 }, "tcp dst (nic-match): no port" },
        { { "/ tcp", NULL, "no TCP", 0 }, "tcp (nic-match): no TCP" },
        { { "/ ipv4", NULL, "no IP", 0 }, "ipv4 (nic-match): no IP" },
        { { "push_vlan", NULL, "no push", 0 }, "of_push_vlan (nic-action): no push" },
        { { "set_vlan_vid", NULL, "no vid", 0 }, "of_push_vlan (nic-action): no vid" },
        { { "port_id", NULL, "not there", 0 }, "port_id (nic-output): not there" },
        { { "count", NULL, "no counters", 0 }, "count (nic-action): no counters" },
        { { "tcp dst", "port_id", "not both", 0 }, "tcp dst with port_id (nic-output): not both" },
        { { "frag=", "tcp", "not both", 0 }, "ipv4 frag with tcp (nic-match): not both" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_parts(&cases[i].dislike, 1, cases[i].wanted);
}

static void there_may_be_more_than_one(void **state)
{
    static const struct dislike dislikes[] = {
        { "push_vlan", NULL, "no push", 0 },
        { "tcp dst", NULL, "no port", 0 },
        { " src=5254", NULL, "no MAC", 0 },
    };

    (void)state;
    assert_parts(dislikes, 3,
                 "of_push_vlan (nic-action): no push; tcp dst (nic-match): no port; eth src "
                 "(nic-match): no MAC");
}

/* A NIC that takes no drop is not asked for one. */
static void a_nic_may_take_no_drop(void **state)
{
    static const struct dislike dislikes[] = {
        { "drop", NULL, "no drop", 0 },
        { "tcp dst", NULL, "no port", 0 },
    };

    (void)state;
    assert_parts(dislikes, 2, "tcp dst (nic-match): no port");
    assert_parts((const struct dislike[]){ dislikes[0], { "port_id", NULL, "not there", 0 } }, 2,
                 "port_id (nic-output): not there");
}

static void assert_outcome(const struct dislike *dislike, unsigned int tires_after,
                           enum fl_shrink_outcome outcome, unsigned int n_offers, const char *words)
{
    struct driver driver = { .dislikes = dislike,
                             .n = dislike != NULL,
                             .tires_after = tires_after };
    struct fl_rte_shrunk shrunk;

    fl_rte_shrink(RULE, ask, &driver, &shrunk);
    assert_int_equal(shrunk.outcome, outcome);
    assert_int_equal(shrunk.n_offers, n_offers);
    assert_string_equal(shrunk.answer.text, words);
    assert_int_equal(shrunk.n_parts, 0);
}

static void what_is_no_matter_of_the_rule_is_told_apart(void **state)
{
    static const struct dislike all = { "transfer", NULL, "no transfer", 0 };
    static const struct dislike full = { "transfer", NULL, "full", ENOSPC };

    (void)state;
    assert_outcome(NULL, 0, FL_SHRINK_ACCEPTED, 1, "");
    assert_outcome(&all, 0, FL_SHRINK_EVERYTHING, 2, "no transfer");
    assert_outcome(&full, 0, FL_SHRINK_PASSING, 1, "full");
    assert_outcome(&all, 1, FL_SHRINK_CANNOT_TELL, 1, "gone");
    assert_outcome(&all, 2, FL_SHRINK_CANNOT_TELL, 2, "gone");
}

static void one_that_is_too_long_is_not_asked(void **state)
{
    struct driver driver = { .n = 0 };
    struct ds rule = DS_EMPTY_INITIALIZER;
    struct fl_rte_shrunk shrunk;

    (void)state;
    ds_put_cstr(&rule, "transfer pattern eth actions count");
    for (int i = 0; i < 64; i++)
        ds_put_cstr(&rule, " / count");
    fl_rte_shrink(ds_cstr(&rule), ask, &driver, &shrunk);
    ds_destroy(&rule);
    assert_int_equal(shrunk.outcome, FL_SHRINK_CANNOT_TELL);
    assert_int_equal(driver.n_asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_what_is_refused),
        cmocka_unit_test(there_may_be_more_than_one),
        cmocka_unit_test(a_nic_may_take_no_drop),
        cmocka_unit_test(what_is_no_matter_of_the_rule_is_told_apart),
        cmocka_unit_test(one_that_is_too_long_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
