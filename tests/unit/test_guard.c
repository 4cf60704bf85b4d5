/* SPDX-License-Identifier: Apache-2.0 */
/* What the guard does with what it sees. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/guard_internal.h"
#include "tests/unit/remedy_example.h"

static enum fl_guard_act decide(enum fl_remedy_state state, enum fl_seen_rules rules,
                                enum fl_seen_proof proof, bool overdue)
{
    const struct fl_guard_view view = {
        .state = state,
        .rules = rules,
        .proof = proof,
        .overdue = overdue,
    };

    return fl_guard_decide(&view);
}

static void what_is_proven_stays(void **state)
{
    (void)state;
    assert_int_equal(decide(FL_REMEDY_VERIFIED, FL_RULES_WHOLE, FL_PROOF_HOLDS, false),
                     FL_GUARD_LEAVE);
    assert_int_equal(decide(FL_REMEDY_INSTALLED, FL_RULES_WHOLE, FL_PROOF_HOLDS, true),
                     FL_GUARD_LEAVE);
    assert_int_equal(decide(FL_REMEDY_PLANNED, FL_RULES_WHOLE, FL_PROOF_HOLDS, false),
                     FL_GUARD_LEAVE);
}

/* Whatever is there of its rules, and at once. */
static void what_is_refuted_goes_out(void **state)
{
    (void)state;
    for (enum fl_seen_rules rules = FL_RULES_ABSENT; rules <= FL_RULES_WHOLE; rules++) {
        assert_int_equal(decide(FL_REMEDY_VERIFIED, rules, FL_PROOF_FAILS, false),
                         FL_GUARD_WITHDRAW);
        assert_int_equal(decide(FL_REMEDY_INSTALLED, rules, FL_PROOF_FAILS, false),
                         FL_GUARD_WITHDRAW);
    }
    assert_int_equal(decide(FL_REMEDY_PLANNED, FL_RULES_IN_PART, FL_PROOF_FAILS, false),
                     FL_GUARD_REVERT);
}

static void what_cannot_be_told_is_asked_again_for_a_while(void **state)
{
    (void)state;
    for (enum fl_seen_rules rules = FL_RULES_UNKNOWN; rules <= FL_RULES_WHOLE; rules++) {
        assert_int_equal(decide(FL_REMEDY_VERIFIED, rules, FL_PROOF_UNKNOWN, false),
                         FL_GUARD_RETRY);
        assert_int_equal(decide(FL_REMEDY_VERIFIED, rules, FL_PROOF_UNKNOWN, true),
                         FL_GUARD_WITHDRAW);
    }
    assert_int_equal(decide(FL_REMEDY_PLANNED, FL_RULES_WHOLE, FL_PROOF_UNKNOWN, false),
                     FL_GUARD_RETRY);
    assert_int_equal(decide(FL_REMEDY_PLANNED, FL_RULES_WHOLE, FL_PROOF_UNKNOWN, true),
                     FL_GUARD_REVERT);
}

static void lost_rules_go_in_only_when_proven(void **state)
{
    (void)state;
    assert_int_equal(decide(FL_REMEDY_VERIFIED, FL_RULES_ABSENT, FL_PROOF_HOLDS, false),
                     FL_GUARD_INSTALL);
    assert_int_equal(decide(FL_REMEDY_VERIFIED, FL_RULES_IN_PART, FL_PROOF_HOLDS, false),
                     FL_GUARD_INSTALL);
    assert_int_equal(decide(FL_REMEDY_VERIFIED, FL_RULES_ABSENT, FL_PROOF_UNKNOWN, false),
                     FL_GUARD_RETRY);
}

static void a_suspended_one_comes_back_only_when_proven(void **state)
{
    (void)state;
    assert_int_equal(decide(FL_REMEDY_SUSPENDED, FL_RULES_ABSENT, FL_PROOF_HOLDS, false),
                     FL_GUARD_INSTALL);
    assert_int_equal(decide(FL_REMEDY_SUSPENDED, FL_RULES_ABSENT, FL_PROOF_FAILS, false),
                     FL_GUARD_LEAVE);
    assert_int_equal(decide(FL_REMEDY_SUSPENDED, FL_RULES_ABSENT, FL_PROOF_UNKNOWN, true),
                     FL_GUARD_RETRY);
    /* A guard that was killed put them in, or did not get to take them all out. */
    assert_int_equal(decide(FL_REMEDY_SUSPENDED, FL_RULES_WHOLE, FL_PROOF_HOLDS, false),
                     FL_GUARD_INSTALL);
    assert_int_equal(decide(FL_REMEDY_SUSPENDED, FL_RULES_IN_PART, FL_PROOF_FAILS, false),
                     FL_GUARD_WITHDRAW);
}

static void what_was_never_verified_is_never_put_in(void **state)
{
    (void)state;
    for (enum fl_seen_proof proof = FL_PROOF_UNKNOWN; proof <= FL_PROOF_FAILS; proof++) {
        assert_int_equal(decide(FL_REMEDY_PLANNED, FL_RULES_ABSENT, proof, true), FL_GUARD_LEAVE);
    }
}

/* The VM left: its rules are about a port that somebody else may have by now. */
static void rules_of_a_vm_that_left_go_out_without_a_proof(void **state)
{
    struct fl_guard_view view = { .state = FL_REMEDY_VERIFIED, .place = FL_PLACE_GONE };

    (void)state;
    for (view.rules = FL_RULES_ABSENT; view.rules <= FL_RULES_WHOLE; view.rules++) {
        view.state = FL_REMEDY_VERIFIED;
        assert_int_equal(fl_guard_decide(&view), FL_GUARD_WITHDRAW);
        view.state = FL_REMEDY_SUSPENDED;
        assert_int_equal(fl_guard_decide(&view),
                         view.rules == FL_RULES_ABSENT ? FL_GUARD_LEAVE : FL_GUARD_WITHDRAW);
        view.state = FL_REMEDY_PLANNED;
        assert_int_equal(fl_guard_decide(&view),
                         view.rules == FL_RULES_ABSENT ? FL_GUARD_LEAVE : FL_GUARD_REVERT);
    }
    view.state = FL_REMEDY_VERIFIED;
    view.rules = FL_RULES_UNKNOWN;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_RETRY);
    view.overdue = true;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_WITHDRAW);
}

/* ... and one that is back at another port gets its own, once they are proven. */
static void rules_for_another_port_go_in_when_proven(void **state)
{
    struct fl_guard_view view = {
        .state = FL_REMEDY_VERIFIED,
        .place = FL_PLACE_MOVED,
        .rules = FL_RULES_IN_PART,
        .proof = FL_PROOF_HOLDS,
    };

    (void)state;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_INSTALL);
    view.proof = FL_PROOF_FAILS;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_WITHDRAW);
    view.state = FL_REMEDY_SUSPENDED;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_WITHDRAW);
    view.rules = FL_RULES_ABSENT;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_LEAVE);
    view.proof = FL_PROOF_HOLDS;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_INSTALL);
    /* What an interrupted apply left is not moved. */
    view.state = FL_REMEDY_PLANNED;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_LEAVE);
    view.rules = FL_RULES_IN_PART;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_REVERT);
}

static void a_reverted_one_is_left_alone(void **state)
{
    struct fl_guard_view view = { .state = FL_REMEDY_REVERTED, .late = true };

    (void)state;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_LEAVE);
    view.rules = FL_RULES_WHOLE;
    view.proof = FL_PROOF_FAILS;
    assert_int_equal(fl_guard_decide(&view), FL_GUARD_LEAVE);
}

static void one_that_is_late_is_reverted_whatever_it_is(void **state)
{
    (void)state;
    for (enum fl_remedy_state s = FL_REMEDY_PLANNED; s <= FL_REMEDY_SUSPENDED; s++) {
        const struct fl_guard_view view = {
            .state = s, .rules = FL_RULES_WHOLE, .proof = FL_PROOF_HOLDS, .late = true
        };

        if (s != FL_REMEDY_REVERTED) {
            assert_int_equal(fl_guard_decide(&view), FL_GUARD_REVERT);
        }
    }
}

static void one_that_is_retired_is_reverted_whatever_it_is(void **state)
{
    (void)state;
    for (enum fl_remedy_state s = FL_REMEDY_PLANNED; s <= FL_REMEDY_SUSPENDED; s++) {
        const struct fl_guard_view view = {
            .state = s, .rules = FL_RULES_ABSENT, .proof = FL_PROOF_HOLDS, .retired = true
        };

        assert_int_equal(fl_guard_decide(&view),
                         s == FL_REMEDY_REVERTED ? FL_GUARD_LEAVE : FL_GUARD_REVERT);
    }
}

static void late_is_what_has_a_deadline_in_the_past(void **state)
{
    struct fl_remedy remedy;

    (void)state;
    remedy_example(&remedy, "3f2b", "web-1");
    assert_false(fl_remedy_is_late(&remedy, INT64_MAX));
    remedy.confirm_by_ms = 1000;
    assert_false(fl_remedy_is_late(&remedy, 999));
    assert_true(fl_remedy_is_late(&remedy, 1000));
    remedy.state = FL_REMEDY_REVERTED;
    assert_false(fl_remedy_is_late(&remedy, 1000));
    fl_remedy_destroy(&remedy);
}

static void waits_grow_up_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(fl_guard_retry_ms(1), 100);
    assert_int_equal(fl_guard_retry_ms(2), 200);
    assert_int_equal(fl_guard_retry_ms(1000), 5000);
    assert_int_equal(fl_guard_rest_ms(0), 0);
    assert_int_equal(fl_guard_rest_ms(1), 500);
    assert_int_equal(fl_guard_rest_ms(3), 2000);
    assert_int_equal(fl_guard_rest_ms(UINT32_MAX), 64000);
    assert_int_equal(fl_guard_again_ms(1), 1000);
    assert_int_equal(fl_guard_again_ms(3), 4000);
    assert_int_equal(fl_guard_again_ms(UINT32_MAX), FL_GUARD_REGULAR_MS);
    assert_int_equal(fl_guard_pause_ms(0), 0);
    assert_int_equal(fl_guard_pause_ms(60), 180);
    assert_int_equal(fl_guard_pause_ms(10000), 300);
}

static void what_a_reader_sees_is_as_on_disk(void **state)
{
    struct fl_remedy on_disk;
    struct fl_ward ward = { .listed = true };

    (void)state;
    remedy_example(&on_disk, "3f2b", "web-1");
    remedy_example(&ward.remedy, "3f2b", "web-1");
    assert_true(fl_ward_is_as(&ward, &on_disk));
    on_disk.changed_ms++;
    assert_false(fl_ward_is_as(&ward, &on_disk));
    on_disk.changed_ms--;
    on_disk.state = FL_REMEDY_REVERTED;
    assert_false(fl_ward_is_as(&ward, &on_disk));
    fl_remedy_destroy(&ward.remedy);
    fl_remedy_destroy(&on_disk);
}

static void every_event_has_a_name(void **state)
{
    (void)state;
    for (enum fl_guard_did did = 0; did < FL_GUARD_N_DID; did++) {
        assert_string_not_equal(fl_guard_did_name(did), "unknown");
    }
    assert_string_equal(fl_guard_did_name(FL_GUARD_SUSPENDED), "suspended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_proven_stays),
        cmocka_unit_test(what_is_refuted_goes_out),
        cmocka_unit_test(what_cannot_be_told_is_asked_again_for_a_while),
        cmocka_unit_test(lost_rules_go_in_only_when_proven),
        cmocka_unit_test(a_suspended_one_comes_back_only_when_proven),
        cmocka_unit_test(what_was_never_verified_is_never_put_in),
        cmocka_unit_test(rules_of_a_vm_that_left_go_out_without_a_proof),
        cmocka_unit_test(rules_for_another_port_go_in_when_proven),
        cmocka_unit_test(a_reverted_one_is_left_alone),
        cmocka_unit_test(one_that_is_late_is_reverted_whatever_it_is),
        cmocka_unit_test(one_that_is_retired_is_reverted_whatever_it_is),
        cmocka_unit_test(late_is_what_has_a_deadline_in_the_past),
        cmocka_unit_test(waits_grow_up_to_a_limit),
        cmocka_unit_test(what_a_reader_sees_is_as_on_disk),
        cmocka_unit_test(every_event_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
