/* SPDX-License-Identifier: Apache-2.0 */

/* See peer.h. */

#include "flows/peer.h"

#include <openvswitch/dynamic-string.h>
#include <openvswitch/meta-flow.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/actions.h"

/* Fields of datapath flows, each once: libopenvswitch has several names for some. */
static const enum mf_field_id fields[] = {
    MFF_DP_HASH,     MFF_PKT_MARK,     MFF_SKB_PRIORITY, MFF_TUN_ID,      MFF_TUN_SRC,
    MFF_TUN_DST,     MFF_TUN_IPV6_SRC, MFF_TUN_IPV6_DST, MFF_TUN_FLAGS,   MFF_TUN_TTL,
    MFF_TUN_TOS,     MFF_CT_STATE,     MFF_CT_ZONE,      MFF_CT_MARK,     MFF_CT_LABEL,
    MFF_CT_NW_PROTO, MFF_CT_NW_SRC,    MFF_CT_NW_DST,    MFF_CT_IPV6_SRC, MFF_CT_IPV6_DST,
    MFF_CT_TP_SRC,   MFF_CT_TP_DST,    MFF_ETH_SRC,      MFF_ETH_DST,     MFF_ETH_TYPE,
    MFF_VLAN_VID,    MFF_VLAN_PCP,     MFF_MPLS_LABEL,   MFF_IPV4_SRC,    MFF_IPV4_DST,
    MFF_IPV6_SRC,    MFF_IPV6_DST,     MFF_IPV6_LABEL,   MFF_IP_PROTO,    MFF_IP_DSCP,
    MFF_IP_ECN,      MFF_IP_TTL,       MFF_IP_FRAG,      MFF_ARP_OP,      MFF_TCP_FLAGS,
    MFF_ND_TARGET,
};

/* Those of the transport have one place in a flow: their name is that of the protocol. */
static void add_ports(const struct match *match, struct svec *names)
{
    if (match->wc.masks.tp_src)
        svec_add(names, "tp_src");
    if (match->wc.masks.tp_dst)
        svec_add(names, "tp_dst");
}

void fl_peer_fields(const struct fl_flow *flow, struct svec *names)
{
    struct match match;

    if (!flow->has_match)
        return;
    minimatch_expand(&flow->match, &match);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const struct mf_field *mf = mf_from_id(fields[i]);

        if (mf_are_prereqs_ok(mf, &match.flow, NULL) && !mf_is_all_wild(mf, &match.wc))
            svec_add(names, mf->name);
    }
    add_ports(&match, names);
}

bool fl_peer_tests(const struct match *match, const char *field)
{
    const struct mf_field *mf = mf_from_name(field);

    if (!strcmp(field, "tp_src"))
        return match->wc.masks.tp_src;
    if (!strcmp(field, "tp_dst"))
        return match->wc.masks.tp_dst;
    return mf && !mf_is_all_wild(mf, &match->wc);
}

/* "ct(zone=1)" -> "ct", "set(eth(src=...))" -> "set(eth)", "3" -> "output" */
static char *action_name(const struct nlattr *action)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    char *name;
    size_t n;

    if (nl_attr_type(action) == OVS_ACTION_ATTR_OUTPUT)
        return xstrdup("output");
    fl_action_format(action, NULL, &text);
    n = strcspn(ds_cstr(&text), "(");
    if (!strncmp(ds_cstr(&text), "set(", 4))
        name = xasprintf("set(%.*s)", (int)strcspn(ds_cstr(&text) + 4, "(),"), ds_cstr(&text) + 4);
    else
        name = xmemdup0(ds_cstr(&text), n);
    ds_destroy(&text);
    return name;
}

static void add_actions(const struct fl_flow *flow, struct svec *names)
{
    const struct nlattr *action;
    size_t left;

    if (!flow->has_actions)
        return;
    NL_ATTR_FOR_EACH(action, left, flow->actions, flow->actions_len)
        svec_add_nocopy(names, action_name(action));
}

static void read_side(const struct fl_vm_audit *vm, const struct fl_finding *finding,
                      struct fl_peer_side *side)
{
    const struct fl_chain *chain = finding->chain;

    *side = (struct fl_peer_side){ .vm = vm, .finding = finding, .n_links = chain->n_links };
    svec_init(&side->fields);
    svec_init(&side->actions);
    for (size_t i = 0; i < chain->n_links; i++) {
        fl_peer_fields(&chain->links[i]->flow, &side->fields);
        add_actions(&chain->links[i]->flow, &side->actions);
    }
    svec_sort_unique(&side->fields);
    svec_sort_unique(&side->actions);
}

static const struct fl_finding *busiest(const struct fl_vm_audit *vm, enum fl_direction direction,
                                        bool in_hardware, int vlan)
{
    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_finding *finding = &vm->findings[i];

        if (finding->direction == direction && finding->chain->packets && !finding->chain->drops &&
            (finding->chain->path == FL_PATH_HW) == in_hardware &&
            (vlan < 0 || finding->vlan == vlan))
            return finding;
    }
    return NULL;
}

const struct fl_finding *fl_peer_busiest(const struct fl_vm_audit *vm, enum fl_direction direction)
{
    return busiest(vm, direction, false, -1);
}

/* The peer with most packets in hardware. */
static const struct fl_finding *healthy_one(const struct fl_audit *audit,
                                            const struct fl_vm_audit *vm,
                                            const struct fl_finding *finding,
                                            const struct fl_vm_audit **peer)
{
    const struct fl_finding *best = NULL;

    for (size_t i = 0; i < audit->n_vms; i++) {
        const struct fl_vm_audit *other = &audit->vms[i];
        const struct fl_finding *of_other;

        if (other == vm || other->verdict != FL_VERDICT_OFFLOADED)
            continue;
        of_other = busiest(other, finding->direction, true, finding->vlan);
        if (of_other && (!best || of_other->chain->packets > best->chain->packets)) {
            best = of_other;
            *peer = other;
        }
    }
    return best;
}

size_t fl_peer_compare(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                       struct fl_peer peers[2])
{
    size_t n = 0;

    for (enum fl_direction direction = FL_FROM_VM; direction <= FL_TO_VM; direction++) {
        const struct fl_finding *finding = fl_peer_busiest(vm, direction), *healthy;
        const struct fl_vm_audit *other = NULL;
        struct fl_peer *peer = &peers[n];

        healthy = finding ? healthy_one(audit, vm, finding, &other) : NULL;
        if (!healthy)
            continue;
        peer->direction = direction;
        read_side(vm, finding, &peer->vm);
        read_side(other, healthy, &peer->peer);
        svec_diff(&peer->vm.fields, &peer->peer.fields, &peer->only_fields, NULL, NULL);
        svec_diff(&peer->vm.actions, &peer->peer.actions, &peer->only_actions, NULL, NULL);
        n++;
    }
    return n;
}

static void destroy_side(struct fl_peer_side *side)
{
    svec_destroy(&side->fields);
    svec_destroy(&side->actions);
}

void fl_peer_destroy(struct fl_peer *peer)
{
    destroy_side(&peer->vm);
    destroy_side(&peer->peer);
    svec_destroy(&peer->only_fields);
    svec_destroy(&peer->only_actions);
}
