/* SPDX-License-Identifier: Apache-2.0 */

/* What this host's NICs have, against what their profiles say: fl_profiles_learn(). */

#include "flows/nic_profile_internal.h"

#include <ovs/odp-util.h>
#include <ovs/util.h>

#include "flows/snapshot.h"

/* Flows in hardware that are looked at: kinds of flows are few, flows are many. */
#define LOOKED_AT_MAX 5000u

/* Also the lines of a base: it is the same driver's. */
static void disprove(struct fl_profiles *profiles, const struct fl_profile_line *wrong)
{
    for (size_t i = 0; i < profiles->n; i++) {
        for (size_t api = 0; api < ARRAY_SIZE(profiles->profiles[i]->of); api++) {
            struct fl_profile_lines *lines = &profiles->profiles[i]->of[api];

            if (wrong >= lines->lines && wrong < lines->lines + lines->n)
                lines->lines[wrong - lines->lines].disproved = true;
        }
    }
}

static void learn_from(struct fl_profiles *profiles, const struct fl_inventory *inv,
                       const struct fl_ports *ports, const struct fl_flow *flow)
{
    struct fl_profile_hit hits[FL_PROFILE_HITS_MAX];
    enum fl_offload_api api = fl_offload_api(flow, inv);
    const struct fl_interface *iface;
    struct fl_profile_port port;
    char buf[16];
    size_t n;

    if (flow->in_port == ODPP_NONE)
        return;
    iface = fl_inventory_interface(inv, fl_ports_name(ports, flow->in_port, buf));
    if (!iface)
        return;
    port = fl_profile_port_of_interface(iface, api);
    n = fl_profile_against(fl_profiles_find(profiles, &port), api, flow, hits);
    for (size_t i = 0; i < n; i++)
        disprove(profiles, hits[i].line);
}

void fl_profiles_learn(struct fl_profiles *profiles, const struct fl_snapshot *snapshot)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(snapshot);
    size_t n_looked_at = 0;

    for (size_t i = 0; inv && i < fl_snapshot_n_flows(snapshot); i++) {
        const struct fl_flow *flow = &fl_snapshot_flow(snapshot, i)->flow;

        if (flow->path != FL_PATH_HW)
            continue;
        if (n_looked_at++ == LOOKED_AT_MAX)
            break;
        learn_from(profiles, inv, fl_snapshot_ports_const(snapshot), flow);
    }
}
