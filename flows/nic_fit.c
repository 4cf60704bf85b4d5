/* SPDX-License-Identifier: Apache-2.0 */

/* See nic_fit.h. */

#include "flows/nic_fit.h"

#include <errno.h>

#include <ovs/flow.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/snapshot.h"

static enum fl_profile_over over_of(const struct fl_flow *flow)
{
    ovs_be16 type = htons(0);

    if (flow->has_match)
        type = MINIFLOW_GET_BE16(flow->match.flow, dl_type);
    return type == htons(ETH_TYPE_IP)     ? FL_PROFILE_OVER_IPV4
           : type == htons(ETH_TYPE_IPV6) ? FL_PROFILE_OVER_IPV6
                                          : FL_PROFILE_OVER_ANY;
}

/* What the rule does, as a profile names it; @names ends with NULL. */
static void names_of(const struct fl_effect *effect, const char *names[5])
{
    size_t n = 0;

    if (effect->sets_eth_src)
        names[n++] = "eth_src";
    if (effect->sets_eth_dst)
        names[n++] = "eth_dst";
    if (effect->pops_vlan)
        names[n++] = "pop_vlan";
    if (effect->pushes_vlan)
        names[n++] = "push_vlan";
    names[n] = NULL;
}

int fl_nic_fits(const struct fl_profiles *profiles, const struct fl_snapshot *snapshot,
                const struct fl_chain *chain, const struct fl_effect *effect, struct fl_error *why)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(snapshot);
    const struct fl_flow *flow = &chain->links[0]->flow;
    const struct fl_profile_line *line = NULL;
    const struct fl_interface *iface;
    const struct fl_profile *profile;
    struct fl_profile_port port;
    const char *names[5];
    char buf[16];

    if (!inv || flow->in_port == ODPP_NONE)
        return 0;
    iface = fl_inventory_interface(inv, fl_ports_name(fl_snapshot_ports_const(snapshot),
                                                      flow->in_port, buf));
    if (!iface)
        return 0;
    port = fl_profile_port_of_interface(iface, fl_offload_api(flow, inv));
    profile = fl_profiles_find(profiles, &port);
    names_of(effect, names);
    for (size_t i = 0; names[i]; i++) {
        if (!fl_profile_allows_rewrite(profile, port.api, names[i], over_of(flow), &line))
            return fl_error_set(why, -ENOTSUP,
                                "the NIC of %s (driver %s) does not take %s, says its profile "
                                "\"%s\" by %s",
                                iface->name, port.driver, line->name, profile->name, line->source);
    }
    return 0;
}
