/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/why_nic.h"

#include <string.h>

#include <ovs/odp-util.h>
#include <ovs/util.h>

#include "flows/offerable.h"
#include "lib/doctor_facts.h"

struct guess {
    const struct fl_profiles *profiles;
    const struct fl_flow *flow;
    enum fl_offload_api api;
    struct fl_cause *causes;
    size_t n;
};

static void judge(struct guess *guess, const struct fl_profile_port *port)
{
    const struct fl_profile *profile = fl_profiles_find(guess->profiles, port);
    struct fl_cause more[FL_MAX_CAUSES];
    size_t n = fl_profile_judge(profile, guess->api, guess->flow, more);

    guess->n = fl_causes_merge(guess->causes, guess->n, more, n);
}

/* Of a bond its members: they are what has a driver. */
static void judge_device(struct guess *guess, const struct fl_nic *nic, const char *name)
{
    const struct fl_nic_port *device = fl_nic_port_named(nic, name);
    struct fl_profile_port port;

    for (size_t i = 0; device && i < nic->n_ports; i++) {
        bool is_member = nic->ports[i].master == device->ifindex && fl_nic_in_lag(&nic->ports[i]);

        if (is_member || &nic->ports[i] == device) {
            port = fl_profile_port_of_nic(&nic->ports[i]);
            judge(guess, &port);
        }
    }
}

static void judge_interface(struct guess *guess, const struct fl_inventory *inv, const char *name)
{
    const struct fl_interface *iface = fl_inventory_interface(inv, name);
    struct fl_profile_port port;

    if (!iface)
        return;
    port = fl_profile_port_of_interface(iface, guess->api);
    judge(guess, &port);
}

size_t fl_why_nic(const struct fl_profiles *profiles, const struct fl_kernel_facts *facts,
                  const struct fl_inventory *inv, const struct fl_ports *ports,
                  const struct fl_chain *chain, struct fl_cause causes[FL_MAX_CAUSES])
{
    struct guess guess = { .profiles = profiles, .causes = causes };

    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;
        const char *name;
        char buf[16];

        if (flow->path == FL_PATH_HW || flow->in_port == ODPP_NONE)
            continue;
        guess.flow = flow;
        guess.api = fl_offload_api(flow, inv);
        name = fl_ports_name(ports, flow->in_port, buf);
        if (facts && guess.api == FL_API_TC && fl_nic_port_named(&facts->nic, name))
            judge_device(&guess, &facts->nic, name);
        else if (inv)
            judge_interface(&guess, inv, name);
    }
    return guess.n;
}

/* What only may be is of the past, or of a version: it does not answer why. */
bool fl_why_is_guess_wanted(const struct fl_cause *causes, size_t n)
{
    bool refused = false;

    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == FL_CAUSE_REFUSED)
            refused = true;
        else if (!causes[i].may_be)
            return false;
    }
    return refused;
}
