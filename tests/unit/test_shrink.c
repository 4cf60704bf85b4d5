/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Refused filters reduced to what is refused of them, against simulated NICs whose likes and dislikes are known.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <ovs/random.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/shrink.h"
#include "flows/shrink_internal.h"

#define BIT(unit) (UINT64_C(1) << (unit))
#define SETS_MAX  3
#define N_RANDOM  20000

static struct fl_tc_filter filter;
static struct fl_shrunk shrunk;

/* Filters */

static struct fl_tc_action *add(enum fl_tc_kind kind, uint32_t control)
{
    struct fl_tc_action *action = fl_tc_add_action(&filter);

    action->kind = kind;
    action->control = control;
    action->present = FL_TC_HAS_OPTIONS;
    action->order = filter.n_actions;
    action->index = filter.n_actions; /* So that it is known again in a part of the filter. */
    return action;
}

static void output(const char *dev, bool is_last)
{
    struct fl_tc_action *action = add(FL_TC_MIRRED, is_last ? FL_TC_STOLEN : FL_TC_PIPE);

    action->mirred.mirror = !is_last;
    action->mirred.to_dev = dev;
    action->mirred.ifindex = 7;
}

static void rewrite(struct fl_tc_action *action, uint8_t header, int offset, uint32_t changed)
{
    if (!action->pedit.n)
        action->pedit.first = filter.n_pedit_keys;
    action->pedit.n++;
    filter.pedit_keys[filter.n_pedit_keys++] = (struct fl_tc_pedit_key){
        .header = header,
        .offset = offset,
        .mask = htonl(~changed),
    };
}

static void put(enum fl_tc_key key, uint32_t value)
{
    fl_tc_put_key(&filter, key)->n = value;
}

static bool one_in(unsigned int n)
{
    return random_range((int)n) == 0;
}

static void put_masked(enum fl_tc_key key)
{
    memset(fl_tc_put_key(&filter, key), 0, sizeof filter.key[key]);
    if (!one_in(3))
        return;
    memset(&filter.mask[key], 0, sizeof filter.mask[key]);
    filter.mask[key].n = 0xf0;
    filter.masked |= UINT64_C(1) << key;
}

static void random_transport(void)
{
    static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP };
    uint8_t proto = protos[random_range(ARRAY_SIZE(protos))];

    put(FL_TC_KEY_IP_PROTO, proto);
    if (proto == IPPROTO_ICMP) {
        put(FL_TC_KEY_ICMP_TYPE, 8);
        put(FL_TC_KEY_ICMP_CODE, 0);
        return;
    }
    if (one_in(2))
        put_masked(FL_TC_KEY_SRC_PORT);
    put_masked(FL_TC_KEY_DST_PORT);
    if (proto == IPPROTO_TCP && one_in(4))
        put(FL_TC_KEY_TCP_FLAGS, 2);
}

static void random_ip(bool is_ip6)
{
    put_masked(is_ip6 ? FL_TC_KEY_SRC_IP6 : FL_TC_KEY_SRC_IP4);
    put_masked(is_ip6 ? FL_TC_KEY_DST_IP6 : FL_TC_KEY_DST_IP4);
    put(FL_TC_KEY_IP_FLAGS, 0);
    if (one_in(3))
        put_masked(FL_TC_KEY_IP_TTL);
    if (one_in(3))
        put_masked(FL_TC_KEY_IP_TOS);
    if (!one_in(5))
        random_transport();
    if (one_in(3)) {
        put(FL_TC_KEY_CT_STATE, FL_TC_CT_TRACKED);
        put_masked(FL_TC_KEY_CT_ZONE);
        put_masked(FL_TC_KEY_CT_MARK);
    }
}

static void random_match(void)
{
    static const uint16_t types[] = { 0x800, 0x800, 0x86dd, 0x806 };
    uint16_t type = types[random_range(ARRAY_SIZE(types))];

    fl_tc_filter_clear(&filter);
    filter.protocol = type;
    put(FL_TC_KEY_ETH_TYPE, type);
    if (one_in(3)) {
        filter.protocol = 0x8100;
        put(FL_TC_KEY_VLAN_ID, 100);
        put(FL_TC_KEY_VLAN_PRIO, 0);
        put(FL_TC_KEY_VLAN_ETH_TYPE, type);
    }
    put_masked(FL_TC_KEY_DST_MAC);
    put_masked(FL_TC_KEY_SRC_MAC);
    if (type != 0x806) {
        random_ip(type == 0x86dd);
    } else {
        put_masked(FL_TC_KEY_ARP_SIP);
        put_masked(FL_TC_KEY_ARP_TIP);
        put(FL_TC_KEY_ARP_OP, 1);
    }
}

static void random_rewrites(void)
{
    struct fl_tc_action *action = add(FL_TC_PEDIT, FL_TC_PIPE);

    rewrite(action, 1, 4, 0xffff);
    rewrite(action, 1, 8, 0xffffffff);
    rewrite(action, 1, 0, 0xffffffff);
    rewrite(action, 1, 4, 0xffff0000);
    if (filter.key[FL_TC_KEY_ETH_TYPE].n != 0x800)
        return;
    action = add(FL_TC_PEDIT, FL_TC_PIPE);
    rewrite(action, 2, 12, 0xffffffff);
    rewrite(action, 2, 8, 0xff000000);
    add(FL_TC_CSUM, FL_TC_PIPE)->csum = 1;
}

static void random_actions(void)
{
    if (filter.protocol == 0x8100 && one_in(2))
        add(FL_TC_VLAN, FL_TC_PIPE)->vlan.action = FL_TC_VLAN_POP;
    if (one_in(3))
        random_rewrites();
    if (one_in(4))
        add(FL_TC_VLAN, FL_TC_PIPE)->vlan.action = FL_TC_VLAN_PUSH;
    if (one_in(5))
        output("mirror0", false);
    if (one_in(5))
        add(FL_TC_CT, FL_TC_PIPE);
    switch (random_range(6)) {
    case 0: add(FL_TC_GACT, FL_TC_SHOT); break;
    case 1: add(FL_TC_GACT, FL_TC_GOTO | 7); break;
    default: output("uplink0", true); break;
    }
}

static void random_filter(void)
{
    random_match();
    random_actions();
    fl_tc_fill_masks(&filter);
}

/* NICs */

struct nic {
    uint64_t refused[SETS_MAX]; /* Units of the filter that are refused together. */
    unsigned int n_refused;
    int mask; /* A unit whose mask alone is refused, or FL_SHRINK_NONE. */
    bool no_drop, broken;
    int error;                /* Of refusals; 0: EOPNOTSUPP */
    unsigned int fails_after; /* 0: never */
    unsigned int n_offers;
};

static bool has_rewrite(const struct fl_tc_filter *offered, const struct fl_tc_pedit_key *key)
{
    for (size_t i = 0; i < offered->n_pedit_keys; i++) {
        if (!memcmp(&offered->pedit_keys[i], key, sizeof *key))
            return true;
    }
    return false;
}

static bool has_action(const struct fl_tc_filter *offered, uint32_t index)
{
    for (size_t i = 0; i < offered->n_actions; i++) {
        if (offered->actions[i].index == index)
            return true;
    }
    return false;
}

static bool has_unit(const struct fl_tc_filter *offered, const struct fl_shrink_unit *unit)
{
    switch (unit->kind) {
    case FL_SHRINK_KEY: return (offered->present & unit->keys) == unit->keys;
    case FL_SHRINK_TAG: return offered->protocol == 0x8100;
    case FL_SHRINK_REWRITE: return has_rewrite(offered, &filter.pedit_keys[unit->first]);
    case FL_SHRINK_ACTION:
    case FL_SHRINK_ACTIONS: return has_action(offered, unit->action + 1u);
    case FL_SHRINK_TUNNEL_OPTS: return offered->enc_opts.kind != FL_TC_OPTS_NONE;
    case FL_SHRINK_MPLS: return offered->n_mpls;
    }
    return false;
}

static bool has_all(const struct fl_tc_filter *offered, uint64_t units)
{
    for (uint64_t left = units; left; left &= left - 1) {
        if (!has_unit(offered, &shrunk.units[__builtin_ctzll(left)]))
            return false;
    }
    return true;
}

static bool is_wellformed(const struct fl_tc_filter *offered)
{
    const uint64_t ports = UINT64_C(1) << FL_TC_KEY_SRC_PORT | UINT64_C(1) << FL_TC_KEY_DST_PORT;

    return offered->n_actions && fl_shrink_ends(&offered->actions[offered->n_actions - 1]) &&
           !(offered->present & ports && !fl_tc_has_key(offered, FL_TC_KEY_IP_PROTO)) &&
           !(fl_tc_has_key(offered, FL_TC_KEY_IP_PROTO) &&
             !fl_tc_has_key(offered, FL_TC_KEY_ETH_TYPE)) &&
           !(fl_tc_has_key(offered, FL_TC_KEY_VLAN_ID) && offered->protocol != 0x8100);
}

static bool refuses(const struct nic *nic, const struct fl_tc_filter *offered)
{
    const struct fl_tc_action *end = &offered->actions[offered->n_actions - 1];

    if (nic->broken || (nic->no_drop && end->kind == FL_TC_GACT && end->control == FL_TC_SHOT))
        return true;
    for (unsigned int i = 0; i < nic->n_refused; i++) {
        if (has_all(offered, nic->refused[i]))
            return true;
    }
    return nic->mask != FL_SHRINK_NONE && has_all(offered, BIT(nic->mask)) &&
           fl_shrink_is_masked(offered, &shrunk.units[nic->mask]);
}

static void ask(const struct fl_tc_filter *offered, void *nic_, struct fl_tc_answer *answer)
{
    struct nic *nic = nic_;

    assert_true(is_wellformed(offered));
    *answer = (struct fl_tc_answer){ .verdict = FL_TC_ACCEPTED };
    if (++nic->n_offers == nic->fails_after) {
        answer->verdict = FL_TC_CANNOT_TELL;
        answer->error = -EPERM;
    } else if (refuses(nic, offered)) {
        answer->verdict = FL_TC_REFUSED;
        answer->error = nic->error ? nic->error : -EOPNOTSUPP;
        snprintf(answer->text, sizeof answer->text, "no, not with %d actions", offered->n_actions);
    }
}

static struct nic new_nic(void)
{
    return (struct nic){ .mask = FL_SHRINK_NONE };
}

/* Random dislikes */

static uint64_t needed_by(uint64_t units)
{
    uint64_t needed = 0;

    for (uint64_t left = units; left; left &= left - 1)
        needed |= shrunk.units[__builtin_ctzll(left)].needs;
    return needed;
}

static bool is_csum(int unit)
{
    return shrunk.units[unit].kind == FL_SHRINK_ACTION &&
           filter.actions[shrunk.units[unit].action].kind == FL_TC_CSUM;
}

/* A checksum is there for any of several rewrites: one has to be left, and with one it is one thing. */
static bool has_rewrite_without(uint64_t rewrites, uint64_t gone)
{
    for (uint64_t left = rewrites & ~gone; left; left &= left - 1) {
        if (!(shrunk.units[__builtin_ctzll(left)].needs & gone))
            return true;
    }
    return false;
}

/* Units that no part hides, and that hide none. */
static bool may_be_refused(const struct nic *nic, uint64_t units)
{
    uint64_t others = 0;

    for (unsigned int i = 0; i < nic->n_refused; i++)
        others |= nic->refused[i];
    if (others & (units | needed_by(units)) || units & needed_by(others | units))
        return false;
    for (unsigned int i = 0; i < shrunk.n_units; i++) {
        if (is_csum((int)i) && BIT(i) & (others | units) &&
            (!has_rewrite_without(shrunk.units[i].needs_any, others | units) ||
             __builtin_popcountll(units) > 1))
            return false;
    }
    return true;
}

static void dislike(struct nic *nic, unsigned int n_sets)
{
    for (int tries = 0; tries < 50 && nic->n_refused < n_sets; tries++) {
        uint64_t units = BIT(random_range((int)shrunk.n_units));

        if (one_in(4))
            units |= BIT(random_range((int)shrunk.n_units));
        if (may_be_refused(nic, units))
            nic->refused[nic->n_refused++] = units;
    }
}

static bool was_found(uint64_t units)
{
    for (unsigned int i = 0; i < shrunk.n_parts; i++) {
        if (shrunk.parts[i].units == units)
            return true;
    }
    return false;
}

static char *explanation(const struct nic *nic)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (unsigned int i = 0; i < nic->n_refused; i++) {
        struct fl_shrunk as = shrunk;

        as.parts[0] = (struct fl_shrunk_part){ .units = nic->refused[i] };
        ds_put_cstr(&text, "\nrefused ");
        fl_shrunk_format(&as, 0, &filter, &text);
    }
    for (unsigned int i = 0; i < shrunk.n_parts; i++) {
        ds_put_cstr(&text, "\nfound ");
        fl_shrunk_format(&shrunk, i, &filter, &text);
    }
    return ds_steal_cstr(&text);
}

static void assert_found(const struct nic *nic, int seed)
{
    bool right = shrunk.outcome == FL_SHRINK_PARTS && shrunk.n_parts == nic->n_refused;

    for (unsigned int i = 0; right && i < nic->n_refused; i++)
        right = was_found(nic->refused[i]);
    if (!right)
        fail_msg("case %d, outcome %d: %s", seed, shrunk.outcome, explanation(nic));
    assert_int_equal(nic->n_offers, shrunk.n_offers);
}

static void one_to_three_parts_are_found_in_few_offers(void **state)
{
    unsigned int offers[SETS_MAX + 1] = { 0 }, units[SETS_MAX + 1] = { 0 }, all = 0, of = 0;
    (void)state;

    random_set_seed(1);
    for (int i = 0; i < N_RANDOM; i++) {
        struct nic nic = new_nic();

        random_filter();
        fl_shrink_split(&filter, &shrunk);
        dislike(&nic, 1 + (unsigned int)random_range(SETS_MAX));
        if (!nic.n_refused)
            continue;
        fl_shrink(&filter, ask, &nic, &shrunk);
        assert_found(&nic, i);
        for (unsigned int part = 0; part < shrunk.n_parts; part++)
            assert_int_equal(shrunk.parts[part].answer.verdict, FL_TC_REFUSED);
        offers[nic.n_refused] += shrunk.n_offers;
        units[nic.n_refused] += shrunk.n_units;
    }
    for (unsigned int n = 1; n <= SETS_MAX; n++) {
        print_message("# %u parts: %.2f offers for each unit\n", n, (double)offers[n] / units[n]);
        all += offers[n];
        of += units[n];
    }
    print_message("# all: %.2f\n", (double)all / of);
    assert_true(all <= 2 * of);
}

static void a_nic_that_cannot_drop_is_no_obstacle(void **state)
{
    (void)state;

    random_set_seed(2);
    for (int i = 0; i < 2000; i++) {
        struct nic nic = new_nic();
        int end;

        random_filter();
        end = fl_shrink_split(&filter, &shrunk);
        dislike(&nic, 2);
        nic.no_drop = true;
        if (end == FL_SHRINK_NONE || !nic.n_refused ||
            (nic.refused[0] | nic.refused[1]) & (BIT(end) | needed_by(BIT(end))))
            continue;
        fl_shrink(&filter, ask, &nic, &shrunk);
        assert_found(&nic, i);
    }
}

static void a_mask_is_told_from_its_key(void **state)
{
    unsigned int n = 0;
    (void)state;

    random_set_seed(3);
    for (int i = 0; i < 2000; i++) {
        struct nic nic = new_nic();

        random_filter();
        fl_shrink_split(&filter, &shrunk);
        for (unsigned int unit = 0; unit < shrunk.n_units; unit++) {
            if (fl_shrink_is_masked(&filter, &shrunk.units[unit]))
                nic.mask = (int)unit;
        }
        if (nic.mask == FL_SHRINK_NONE)
            continue;
        n++;
        fl_shrink(&filter, ask, &nic, &shrunk);
        assert_int_equal(shrunk.outcome, FL_SHRINK_PARTS);
        assert_int_equal(shrunk.n_parts, 1);
        assert_int_equal(shrunk.parts[0].units, BIT(nic.mask));
        assert_int_equal(shrunk.parts[0].masks, BIT(nic.mask));
    }
    assert_true(n > 500);
}

/* What is no matter of the filter */

static void what_is_accepted_is_offered_once(void **state)
{
    struct nic nic = new_nic();
    (void)state;

    random_filter();
    fl_shrink(&filter, ask, &nic, &shrunk);
    assert_int_equal(shrunk.outcome, FL_SHRINK_ACCEPTED);
    assert_int_equal(nic.n_offers, 1);
}

static void a_port_that_refuses_everything_is_told_at_once(void **state)
{
    (void)state;

    random_set_seed(4);
    for (int i = 0; i < 200; i++) {
        struct nic nic = new_nic();

        random_filter();
        nic.broken = true;
        fl_shrink(&filter, ask, &nic, &shrunk);
        assert_int_equal(shrunk.outcome, FL_SHRINK_EVERYTHING);
        assert_int_equal(shrunk.n_parts, 0);
        assert_true(nic.n_offers <= 5);
        assert_string_not_equal(shrunk.answer.text, "");
    }
}

static void a_refusal_of_the_moment_is_not_shrunk(void **state)
{
    const int errors[] = { -ENOSPC, -EAGAIN, -EBUSY };
    (void)state;

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct nic nic = new_nic();

        random_filter();
        nic.broken = true;
        nic.error = errors[i];
        fl_shrink(&filter, ask, &nic, &shrunk);
        assert_int_equal(shrunk.outcome, FL_SHRINK_PASSING);
        assert_int_equal(shrunk.answer.error, errors[i]);
        assert_int_equal(nic.n_offers, 1);
    }
}

static void an_unreadable_answer_ends_it(void **state)
{
    (void)state;

    random_set_seed(5);
    for (int i = 0; i < 2000; i++) {
        struct nic nic = new_nic();

        random_filter();
        fl_shrink_split(&filter, &shrunk);
        dislike(&nic, 3);
        nic.fails_after = 1 + (unsigned int)random_range(12);
        fl_shrink(&filter, ask, &nic, &shrunk);
        if (nic.n_offers < nic.fails_after)
            continue;
        assert_int_equal(shrunk.outcome, FL_SHRINK_CANNOT_TELL);
        assert_int_equal(shrunk.answer.error, -EPERM);
        assert_int_equal(nic.n_offers, nic.fails_after);
        for (unsigned int part = 0; part < shrunk.n_parts; part++) {
            bool known = false;

            for (unsigned int set = 0; set < nic.n_refused; set++)
                known |= nic.refused[set] == shrunk.parts[part].units;
            assert_true(known);
        }
    }
}

/* In words */

static char *words_for(uint64_t (*choose)(void))
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct nic nic = new_nic();

    fl_tc_fill_masks(&filter);
    fl_shrink_split(&filter, &shrunk);
    nic.refused[nic.n_refused++] = choose();
    fl_shrink(&filter, ask, &nic, &shrunk);
    assert_int_equal(shrunk.outcome, FL_SHRINK_PARTS);
    fl_shrunk_format(&shrunk, 0, &filter, &text);
    return ds_steal_cstr(&text);
}

static uint64_t unit_of(enum fl_tc_key key)
{
    for (unsigned int i = 0; i < shrunk.n_units; i++) {
        if (shrunk.units[i].keys >> key & 1)
            return BIT(i);
    }
    return 0;
}

static uint64_t choose_ttl_and_output(void)
{
    return unit_of(FL_TC_KEY_IP_TTL) | BIT(shrunk.n_units - 1);
}

static uint64_t choose_set_ttl(void)
{
    for (unsigned int i = 0; i < shrunk.n_units; i++) {
        if (shrunk.units[i].kind == FL_SHRINK_REWRITE &&
            filter.pedit_keys[shrunk.units[i].first].offset == 8 &&
            filter.pedit_keys[shrunk.units[i].first].header == 2)
            return BIT(i);
    }
    return 0;
}

static void parts_have_words(void **state)
{
    char *text;
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    put(FL_TC_KEY_ETH_TYPE, 0x800);
    put(FL_TC_KEY_IP_TTL, 64);
    put(FL_TC_KEY_IP_PROTO, 6);
    random_rewrites();
    output("uplink0", true);
    text = words_for(choose_ttl_and_output);
    assert_string_equal(text, "ip_ttl with redirect to uplink0");
    free(text);
    text = words_for(choose_set_ttl);
    assert_string_equal(text, "set ipv4 ttl");
    assert_true(shrunk.parts[0].needed & unit_of(FL_TC_KEY_IP_PROTO));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_to_three_parts_are_found_in_few_offers),
        cmocka_unit_test(a_nic_that_cannot_drop_is_no_obstacle),
        cmocka_unit_test(a_mask_is_told_from_its_key),
        cmocka_unit_test(what_is_accepted_is_offered_once),
        cmocka_unit_test(a_port_that_refuses_everything_is_told_at_once),
        cmocka_unit_test(a_refusal_of_the_moment_is_not_shrunk),
        cmocka_unit_test(an_unreadable_answer_ends_it),
        cmocka_unit_test(parts_have_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
