/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decoys: rules that make OVS test one bit more for a moment (DESIGN.md section 4, first trap).
 *
 * ovs-vswitchd revalidates a live megaflow with the new rules: if its mask already has every bit that
 * they test, the megaflow stays, old mask and all (UKEY_MODIFY or UKEY_KEEP); if they test a bit that
 * the mask leaves wild, it is deleted, and the next packet builds it anew with the new mask.
 * Source: flow_wildcards_has_extra() in revalidate_ukey__(), OVS 3.1 ofproto/ofproto-dpif-upcall.c.
 */

#include <errno.h>
#include <string.h>

#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/limits.h"
#include "flows/region.h"
#include "flows/simplify.h"

/*
 * Adds to @match one test of a bit that @have leaves wild. Fields that every NIC with offload can
 * match come first, since the bit stays in the new megaflow's mask for as long as it lives.
 */
static bool test_one_more(struct match *match, const struct flow *have)
{
    static const struct eth_addr nobody = ETH_ADDR_C(02, 00, 00, 00, f1, 0f);

    if (eth_addr_is_zero(have->dl_dst)) {
        match_set_dl_dst(match, nobody);
    } else if (eth_addr_is_zero(have->dl_src)) {
        match_set_dl_src(match, nobody);
    } else if (!have->tp_src && !match->wc.masks.tp_src) {
        match_set_tp_src(match, htons(1));
    } else if (!have->tp_dst && !match->wc.masks.tp_dst) {
        match_set_tp_dst(match, htons(1));
    } else if (!have->nw_ttl) {
        match_set_nw_ttl(match, 1);
    } else if (!(have->nw_tos & IP_DSCP_MASK)) {
        match_set_nw_dscp(match, IP_DSCP_MASK);
    } else {
        return false;
    }
    return true;
}

static bool has_decoy(const struct fl_flowset *set, const struct fl_rule *decoy)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *r = &set->rules[i];

        if (r->decoy && !strcmp(r->bridge, decoy->bridge) &&
            match_equal(&r->match, &decoy->match)) {
            return true;
        }
    }
    return false;
}

/* Return: 1 when a decoy was added, 0 when none is needed, -ENOTSUP when none can be made. */
static int add_decoy(const struct fl_chain *chain, size_t rule_index, struct fl_flowset *set,
                     struct fl_error *err)
{
    struct fl_rule decoy = set->rules[rule_index];
    struct fl_rule *added;
    struct match live;

    minimatch_expand(&chain->links[0]->flow.match, &live);
    if (fl_region_tests_more(&decoy.match.wc.masks, &live.wc.masks)) {
        return 0;
    }
    decoy.decoy = true;
    decoy.priority = FL_DECOY_PRIORITY;
    if (!test_one_more(&decoy.match, &live.wc.masks)) {
        return fl_error_set(err, -ENOTSUP,
                            "a live megaflow leaves no bit wild, so OVS would keep its old mask");
    }
    if (has_decoy(set, &decoy)) {
        return 0;
    }
    added = fl_flowset_add(set);
    if (!added) {
        return fl_error_set(err, -ENOTSUP, "more than %u rules would be needed", FL_LIMIT_RULES);
    }
    decoy.bridge = xstrdup(set->rules[rule_index].bridge);
    decoy.actions = xstrdup(set->rules[rule_index].actions);
    *added = decoy;
    return 1;
}

int fl_simplify_decoys(const struct fl_vm_audit *vm, struct fl_flowset *set, struct fl_error *err)
{
    size_t n_rules = set->n_rules;
    int n = 0;

    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_finding *finding = &vm->findings[i];
        struct match region;

        if (finding->chain->path == FL_PATH_HW || !finding->chain->links[0]->flow.has_match) {
            continue;
        }
        fl_chain_region(finding->chain, &region);
        for (size_t j = 0; j < n_rules; j++) {
            const struct fl_rule *rule = &set->rules[j];
            int added;

            if (rule->decoy || finding->direction != rule->direction ||
                !fl_region_meets(&region, &rule->match)) {
                continue;
            }
            added = add_decoy(finding->chain, j, set, err);
            if (added < 0) {
                return added;
            }
            n += added;
        }
    }
    return n;
}
