/* SPDX-License-Identifier: Apache-2.0 */
/* What a host of a fleet does about a decision, and what it takes from others. */

#include "lib/fleet/decide.h"
#include "lib/fleet/seed.h"
#include "lib/fleet/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/share.h"
#include "flows/cleanup.h"
#include "tests/unit/remedy_example.h"

#define STANDS(time) ((struct fl_decision){ (time), true })
#define ENDS(time)   ((struct fl_decision){ (time), false })

static enum fl_act act_of(struct fl_decide_on on)
{
    struct fl_decision word;

    return fl_decide(&on, &word);
}

static void nobody_said_anything(void **state)
{
    (void)state;
    assert_int_equal(act_of((struct fl_decide_on){ .is_here = true }), FL_ACT_LEAVE);
    assert_int_equal(act_of((struct fl_decide_on){
                         .own = STANDS(5), .own_is_in = true, .is_here = true }),
                     FL_ACT_LEAVE);
}

static void an_order_is_done_once(void **state)
{
    struct fl_decide_on on = { .order = STANDS(5), .is_here = true };
    struct fl_decision word;

    (void)state;
    assert_int_equal(fl_decide(&on, &word), FL_ACT_REPAIR);
    assert_int_equal(word.decided_ms, 5);
    on.tried_ms = 5;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    /* It stands: the VM is found stranded later, and not sooner than it may be tried. */
    on.is_stranded = true;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    on.may_retry = true;
    assert_int_equal(act_of(on), FL_ACT_REPAIR);
    /* Done. */
    on.own = STANDS(5);
    on.own_is_in = true;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    /* It did not help, and was taken out by itself. */
    on.own_is_in = false;
    assert_int_equal(act_of(on), FL_ACT_REPAIR);
    on.may_retry = false;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
}

static void an_order_waits_for_its_vm(void **state)
{
    struct fl_decide_on on = { .order = STANDS(5) };

    (void)state;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    on.is_here = true;
    assert_int_equal(act_of(on), FL_ACT_REPAIR);
    on.order_is_over = true;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
}

static void a_repair_follows_its_vm(void **state)
{
    struct fl_decide_on on = { .peers = STANDS(5), .peers_have_rules = true, .is_here = true };
    struct fl_decision word;

    (void)state;
    assert_int_equal(fl_decide(&on, &word), FL_ACT_ADOPT);
    assert_int_equal(word.decided_ms, 5);
    on.is_here = false;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    on.is_here = true;
    on.own = ENDS(4);
    assert_int_equal(act_of(on), FL_ACT_ADOPT);
    /* Somebody ended it here later. */
    on.own = ENDS(6);
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    /* It was heard already, and did not help here. */
    on.own = STANDS(5);
    on.is_stranded = on.may_retry = true;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    /* An order of the same or a later moment has the rules of the peer, too. */
    on.own = (struct fl_decision){ .decided_ms = 0 };
    on.order = STANDS(5);
    assert_int_equal(act_of(on), FL_ACT_ADOPT);
    on.order = STANDS(7);
    assert_int_equal(fl_decide(&on, &word), FL_ACT_ADOPT);
    assert_int_equal(word.decided_ms, 7);
}

/* An order that is over ends what was said before it, too. */
static void an_order_that_is_over_has_nothing_before_it(void **state)
{
    struct fl_decide_on on = { .order = STANDS(9),
                               .order_is_over = true,
                               .peers = STANDS(5),
                               .peers_have_rules = true,
                               .is_here = true };

    (void)state;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    on.peers = STANDS(10);
    assert_int_equal(act_of(on), FL_ACT_ADOPT);
}

static void the_last_word_counts(void **state)
{
    struct fl_decide_on on = { .own = STANDS(5), .own_is_in = true, .order = ENDS(6) };
    struct fl_decision word;

    (void)state;
    /* Also of a VM that is not here: its remedy is not to come back with it. */
    assert_int_equal(fl_decide(&on, &word), FL_ACT_REVERT);
    assert_int_equal(word.decided_ms, 6);
    on.is_here = true;
    assert_int_equal(act_of(on), FL_ACT_REVERT);
    on.own = STANDS(7);
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
    on.peers = ENDS(8);
    assert_int_equal(act_of(on), FL_ACT_REVERT);
    on.order = STANDS(9);
    assert_int_equal(fl_decide(&on, &word), FL_ACT_HEED);
    assert_int_equal(word.decided_ms, 9);
    /* Of two that speak at once the one that keeps the rules out. */
    on.peers = ENDS(9);
    assert_int_equal(act_of(on), FL_ACT_REVERT);
    on.own_is_in = false;
    assert_int_equal(act_of(on), FL_ACT_LEAVE);
}

/* Whatever is known: after it was done, nothing is left to be done. */
static void it_comes_to_rest(void **state)
{
    (void)state;
    for (unsigned int bits = 0; bits < 1u << 16; bits++) {
        struct fl_decide_on on = {
            .order = { bits & 3, bits >> 2 & 1 },
            .peers = { bits >> 3 & 3, bits >> 5 & 1 },
            .own = { bits >> 6 & 3, bits >> 8 & 1 },
            .order_is_over = bits >> 9 & 1,
            .peers_have_rules = bits >> 10 & 1,
            .own_is_in = bits >> 11 & 1,
            .is_here = bits >> 12 & 1,
            .is_stranded = bits >> 13 & 1,
            .tried_ms = bits >> 14 & 1 ? 2 : 0,
            .may_retry = bits >> 15 & 1,
        };
        struct fl_decision word;
        enum fl_act act = fl_decide(&on, &word);

        if (act == FL_ACT_LEAVE) {
            continue;
        }
        assert_true(act == FL_ACT_HEED || act == FL_ACT_REVERT || on.is_here);
        assert_int_equal(act == FL_ACT_REVERT, !word.stands);
        on.tried_ms = act == FL_ACT_REPAIR ? word.decided_ms : on.tried_ms;
        /* It was tried, and needed nothing: not again before an audit says otherwise. */
        on.is_stranded = act == FL_ACT_REPAIR ? false : on.is_stranded;
        if (act == FL_ACT_REPAIR) {
            assert_int_equal(fl_decide(&on, &word), FL_ACT_LEAVE);
        }
        on.own = word;
        on.own_is_in = act != FL_ACT_REVERT;
        assert_int_equal(fl_decide(&on, &word), FL_ACT_LEAVE);
    }
}

/* ---- Rules of a peer ---- */

static void seeds_are_what_flowlift_makes(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy of_peer, remedy;
    struct fl_cluster_heard heard = { .peers = STANDS(5), .peer = "host1", .peer_who = "alice" };
    _cleanup_free char *text = NULL, *other = NULL;

    (void)state;
    remedy_example(&of_peer, "vm-2", "vm2");
    text = fl_fleet_flow_set_text(&of_peer.set);
    heard.flow_set = text;
    assert_int_equal(fl_fleet_seed("vm-2", "vm2", &heard, &heard.peers, 7, &remedy, &err), 0);
    assert_int_equal(remedy.state, FL_REMEDY_SUSPENDED);
    assert_int_equal(remedy.decided_ms, 5);
    assert_false(remedy.unwanted);
    assert_string_equal(remedy.who, "alice");
    assert_int_equal(remedy.set.n_zones, 0);
    assert_true(remedy.set.n_rules > 0);
    fl_remedy_destroy(&remedy);

    /* For another VM. */
    assert_int_equal(fl_fleet_seed("vm-3", "vm3", &heard, &heard.peers, 7, &remedy, &err), -EINVAL);
    assert_non_null(strstr(err.text, "host1"));
    fl_error_clear(&err);

    /* Rules that flowlift would never make: another priority. */
    of_peer.set.rules[0].priority = 1;
    other = fl_fleet_flow_set_text(&of_peer.set);
    heard.flow_set = other;
    assert_int_equal(fl_fleet_seed("vm-2", "vm2", &heard, &heard.peers, 7, &remedy, &err), -EINVAL);
    fl_error_clear(&err);
    heard.flow_set = "{";
    assert_int_equal(fl_fleet_seed("vm-2", "vm2", &heard, &heard.peers, 7, &remedy, &err), -EINVAL);
    fl_error_clear(&err);
    heard.flow_set = "{}";
    assert_int_equal(fl_fleet_seed("vm-2", "vm2", &heard, &heard.peers, 7, &remedy, &err), -EINVAL);
    fl_remedy_destroy(&of_peer);
}

static void an_order_names_who_and_until(void **state)
{
    struct fl_cluster_heard heard = { .order = STANDS(6),
                                      .who = "bob",
                                      .ticket = "T-2",
                                      .until = "3.3.1",
                                      .peers = STANDS(5),
                                      .peer_who = "alice",
                                      .peer_ticket = "T-1" };
    struct fl_remedy remedy;

    (void)state;
    remedy_example(&remedy, "vm-2", "vm2");
    fl_fleet_heed(&heard, &heard.order, &remedy);
    assert_string_equal(remedy.who, "bob");
    assert_string_equal(remedy.ticket, "T-2");
    assert_string_equal(remedy.until.version, "3.3.1");
    fl_fleet_heed(&heard, &heard.peers, &remedy);
    assert_string_equal(remedy.who, "alice");
    assert_string_equal(remedy.ticket, "T-1");
    assert_false(fl_until_is_set(&remedy.until));
    fl_remedy_destroy(&remedy);
}

/* ---- Steps ---- */

static void steps_are_the_newest(void **state)
{
    const char *steps[5] = { "a", "b", "c" };
    _cleanup_json json_t *said = json_pack("{s:I, s:s, s:s, s:s}", "changed", (json_int_t)1000,
                                           "state", "verified", "reason", "x", "who", "root");
    _cleanup_json json_t *read = NULL;
    _cleanup_free char *text = fl_fleet_step_text(said);

    (void)state;
    assert_int_equal(fl_fleet_steps_add(steps, 3, "d", 4), 4);
    assert_int_equal(fl_fleet_steps_add(steps, 4, "d", 4), 4);
    assert_int_equal(fl_fleet_steps_add(steps, 4, "e", 4), 4);
    assert_string_equal(steps[0], "b");
    assert_string_equal(steps[3], "e");
    read = fl_fleet_step_read(text);
    assert_string_equal(json_string_value(json_object_get(read, "state")), "verified");
    assert_string_equal(json_string_value(json_object_get(read, "time")),
                        "1970-01-01T00:00:01.000Z");
    assert_null(fl_fleet_step_read("nonsense"));
    assert_null(fl_fleet_step_read("[]"));
}

/* @n bytes of characters of several bytes, behind @offset others. */
static void assert_cut(const char *character, size_t offset, size_t n)
{
    char reason[1200] = "";
    _cleanup_json json_t *said = NULL, *read = NULL;
    _cleanup_free char *text = NULL;

    memset(reason, 'x', offset);
    while (strlen(reason) + strlen(character) <= n) {
        strcat(reason, character);
    }
    said = json_pack("{s:I, s:s, s:s}", "changed", (json_int_t)1, "state", "verified", "reason",
                     reason);
    text = fl_fleet_step_text(said);
    assert_non_null(text);
    read = fl_fleet_step_read(text);
    assert_non_null(read);
    assert_in_range(json_string_length(json_object_get(read, "reason")),
                    MIN(strlen(reason), 512 - 3), 512);
}

/* A reason is cut, and not in the middle of a character. */
static void long_reasons_are_cut(void **state)
{
    static const char *const characters[] = { "y", "\xc3\xa4", "\xef\xbf\xbd", "\xf0\x9f\x90\x8d" };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t offset = 0; offset < 5; offset++) {
            for (size_t n = 505; n < 520; n++) {
                assert_cut(characters[i], offset, n);
            }
            assert_cut(characters[i], offset, 1000);
        }
    }
}

/* ---- What a host tells ---- */

static int64_t no_number(const char *vm_id, int64_t decided_ms, void *aux)
{
    (void)vm_id;
    (void)aux;
    return decided_ms == 42 ? 3 : 0;
}

static void a_share_says_who_decided(void **state)
{
    struct shash tried = SHASH_INITIALIZER(&tried);
    struct fl_remedy remedy;
    struct fl_share_of of = {
        .remedies = &remedy, .n_remedies = 1, .tried = &tried, .number_of = no_number
    };
    json_t *share, *repair;

    (void)state;
    remedy_example(&remedy, "vm-2", "vm2");
    remedy.state = FL_REMEDY_VERIFIED;
    remedy.decided_ms = 42;
    share = fl_share(&of);
    assert_true(json_is_null(json_object_get(share, "vms")));
    repair = json_object_get(json_object_get(share, "repairs"), "vm-2");
    assert_true(json_is_true(json_object_get(repair, "stands")));
    assert_int_equal(json_integer_value(json_object_get(repair, "decided")), 42);
    assert_int_equal(json_integer_value(json_object_get(repair, "order")), 3);
    assert_true(json_string_length(json_object_get(repair, "flow_set")) > 10);
    json_decref(share);

    /* It did not help here: that is no word for other hosts. */
    remedy.state = FL_REMEDY_REVERTED;
    share = fl_share(&of);
    repair = json_object_get(json_object_get(share, "repairs"), "vm-2");
    assert_int_equal(json_integer_value(json_object_get(repair, "decided")), 0);
    assert_int_equal(json_string_length(json_object_get(repair, "flow_set")), 0);
    json_decref(share);

    /* Somebody took it out: that is one. */
    remedy.unwanted = true;
    share = fl_share(&of);
    repair = json_object_get(json_object_get(share, "repairs"), "vm-2");
    assert_int_equal(json_integer_value(json_object_get(repair, "decided")), 42);
    assert_false(json_is_true(json_object_get(repair, "stands")));
    json_decref(share);
    fl_remedy_destroy(&remedy);
    shash_destroy(&tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_said_anything),
        cmocka_unit_test(an_order_is_done_once),
        cmocka_unit_test(an_order_waits_for_its_vm),
        cmocka_unit_test(a_repair_follows_its_vm),
        cmocka_unit_test(an_order_that_is_over_has_nothing_before_it),
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(it_comes_to_rest),
        cmocka_unit_test(seeds_are_what_flowlift_makes),
        cmocka_unit_test(an_order_names_who_and_until),
        cmocka_unit_test(steps_are_the_newest),
        cmocka_unit_test(long_reasons_are_cut),
        cmocka_unit_test(a_share_says_who_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
