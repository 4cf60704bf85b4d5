/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/reoffer.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>

/* One that storage does not use, and that Open vSwitch can be asked about. */
#define OTHER_PROTOCOL IPPROTO_SCTP
/* Of a packet that a host sends. */
#define USUAL_TTL 64

bool fl_reoffer_wanted(const struct fl_finding *finding)
{
    return finding->chain->path != FL_PATH_HW && !finding->chain->drops;
}

/*
 * The bit that the live flow leaves wild: @probe gets a value that no packet of storage has, @anew the one that the
 * flow's packets have. Both are in the same segment of the classifier's lookup, which is tested as a whole.
 */
static bool test_one_more(const struct flow *have, struct match *probe, struct match *anew)
{
    if (!have->nw_proto) {
        match_set_nw_proto(probe, OTHER_PROTOCOL);
        match_set_nw_proto(anew, IPPROTO_TCP);
    } else if (!have->nw_ttl) {
        match_set_nw_ttl(probe, 0);
        match_set_nw_ttl(anew, USUAL_TTL);
    } else {
        return false;
    }
    return true;
}

void fl_reoffer_anew(const struct fl_flow *live, struct fl_flow *anew)
{
    struct match probe = MATCH_CATCHALL_INITIALIZER, match, have;

    minimatch_expand(&live->match, &have);
    match = have;
    test_one_more(&have.wc.masks, &probe, &match);
    *anew = *live;
    anew->wide = NULL;
    minimatch_init(&anew->match, &match);
}

/*
 * What tells the flow's packets from others' by its port, MAC addresses and VLAN. Towards the VM its own
 * address does: flows of other VMs come by the same port, and may not test where they come from.
 */
static void bind_to_addresses(const struct match *live, enum fl_direction direction,
                              struct match *match)
{
    const ovs_be16 vlan = live->wc.masks.vlans[0].tci & ~htons(VLAN_PCP_MASK);

    match_set_dl_type(match, live->flow.dl_type);
    match->wc.masks.vlans[0].tci = vlan;
    match->flow.vlans[0].tci = live->flow.vlans[0].tci & vlan;
    match_set_dl_dst_masked(match, live->flow.dl_dst, live->wc.masks.dl_dst);
    if (direction == FL_FROM_VM) {
        match_set_dl_src_masked(match, live->flow.dl_src, live->wc.masks.dl_src);
    }
}

static const char *what_is_in_the_way(const struct fl_chain *chain, const struct match *live,
                                      enum fl_direction direction)
{
    const struct fl_flow *flow = &chain->links[0]->flow;

    if (chain->n_links > 1 || chain->open || chain->headless) {
        return "it is recirculated";
    }
    if (!flow->has_match || flow->match_partial || !flow->has_actions ||
        chain->path == FL_PATH_UNKNOWN) {
        return "it was not understood in full";
    }
    if (!is_all_zeros(&live->wc.masks.tunnel, sizeof live->wc.masks.tunnel)) {
        return "it comes through a tunnel";
    }
    if (live->wc.masks.dl_type != OVS_BE16_MAX ||
        (live->flow.dl_type != htons(ETH_TYPE_IP) && live->flow.dl_type != htons(ETH_TYPE_IPV6))) {
        return "it does not tell IP from others";
    }
    if (direction == FL_TO_VM && !eth_mask_is_exact(live->wc.masks.dl_dst)) {
        return "it does not test for which VM it is";
    }
    return NULL;
}

static int cannot(struct fl_error *err, const char *why)
{
    return fl_error_set(err, -ENOTSUP, "a storage flow cannot be built anew by itself: %s", why);
}

static bool has_rule(const struct fl_flowset *set, const struct match *match, const char *bridge)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (match_equal(&set->rules[i].match, match) && !strcmp(set->rules[i].bridge, bridge)) {
            return true;
        }
    }
    return false;
}

/* What a rule for the flow matches, but for where it comes in. Return: false when there is no bit to test. */
static bool make_match(const struct fl_finding *finding, const struct match *live, bool own,
                       struct match *match)
{
    struct match anew = *live;

    if (own) {
        fl_chain_region(finding->chain, match);
    } else {
        bind_to_addresses(live, finding->direction, match);
        if (live->wc.masks.nw_proto) {
            match_set_nw_proto(match, live->flow.nw_proto);
        }
    }
    return test_one_more(&live->wc.masks, match, &anew);
}

static int add_rule(const struct fl_finding *finding, const struct fl_interface *iface, bool own,
                    struct fl_flowset *set, struct fl_error *err)
{
    struct match live, match = MATCH_CATCHALL_INITIALIZER;
    const char *problem;
    struct fl_rule *rule;

    minimatch_expand(&finding->chain->links[0]->flow.match, &live);
    problem = what_is_in_the_way(finding->chain, &live, finding->direction);
    if (problem) {
        return cannot(err, problem);
    }
    if (!iface || iface->ofport == OFPP_NONE) {
        return cannot(err, "OVSDB does not know the port that it comes in by");
    }
    if (!make_match(finding, &live, own, &match)) {
        return cannot(err, "it tests protocol and TTL already");
    }
    match_set_in_port(&match, iface->ofport);
    if (has_rule(set, &match, iface->bridge)) {
        return 0;
    }
    rule = fl_flowset_add(set);
    if (!rule) {
        return cannot(err, "there are too many of them");
    }
    rule->bridge = xstrdup(iface->bridge);
    rule->direction = finding->direction;
    rule->priority = FL_DECOY_PRIORITY;
    rule->match = match;
    rule->actions = xstrdup("");
    return 0;
}

int fl_reoffer_rules(const struct fl_vm_audit *vm, const struct fl_ports *ports, bool own,
                     struct fl_flowset *set, struct fl_error *err)
{
    int error = 0;

    fl_flowset_init(set, vm->vm->id, vm->vm->name);
    for (size_t i = 0; i < vm->n_findings && !error; i++) {
        const struct fl_finding *finding = &vm->findings[i];
        char buf[16];

        if (fl_reoffer_wanted(finding)) {
            odp_port_t port = finding->chain->links[0]->flow.in_port;
            const char *name = fl_ports_name(ports, port, buf);

            error = add_rule(finding, fl_inventory_interface(vm->inv, name), own, set, err);
        }
    }
    if (!error && !set->n_rules) {
        error = cannot(err, "there is none in software");
    }
    if (error) {
        fl_flowset_destroy(set);
    }
    return error;
}

void fl_reoffer_hand_on(struct fl_flowset *set, unsigned int reg, uint32_t mask)
{
    fl_flowset_guard(set, reg, mask);
    for (size_t i = 0; i < set->n_rules; i++) {
        free(set->rules[i].actions);
        set->rules[i].actions = xasprintf("load:0x1->NXM_NX_REG%u[%d],resubmit(,0)", reg,
                                          raw_ctz(mask));
    }
}
