/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ask_api.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/shrink.h"
#include "flows/tc_offer.h"
#include "lib/tc/places.h"
#include "lib/tc/probe.h"
#include "lib/tc/rtnl.h"

void fl_ask_tc_open(struct fl_ask_tc *tc, const struct fl_ports *ports, bool without_recirc)
{
    struct fl_rtnl *rtnl;

    *tc = (struct fl_ask_tc){ .ports = ports, .without_recirc = without_recirc };
    fl_tc_links_init(&tc->links);
    if (fl_rtnl_open(&rtnl, &tc->untold))
        return;
    fl_tc_read_links(rtnl, &tc->links, &tc->untold);
    fl_rtnl_close(rtnl);
}

void fl_ask_tc_close(struct fl_ask_tc *tc)
{
    fl_tc_links_destroy(&tc->links);
}

/*
 * The members of a bond share a block, whose index is the ifindex of the bond. Source: OVS 3.1
 * lib/netdev-linux.c, netdev_linux_get_block_id().
 */
static bool find_port(odp_port_t number, struct fl_tc_port *found, void *tc_)
{
    const struct fl_ask_tc *tc = tc_;
    char buf[16];
    const struct fl_tc_link *link = fl_tc_links_find_name(&tc->links,
                                                          fl_ports_name(tc->ports, number, buf));

    if (!link)
        return false;
    *found = (struct fl_tc_port){
        .dev = link->name,
        .kind = *link->kind ? link->kind : NULL,
        .ifindex = link->ifindex,
        .internal = !strcmp(link->kind, "openvswitch"),
    };
    if (!strcmp(link->kind, "bond") || !strcmp(link->kind, "team"))
        found->block = (uint32_t)link->ifindex;
    return true;
}

void fl_ask_tc(struct fl_ask_tc *tc, struct fl_asked *asked)
{
    const struct fl_tc_offer_host host = { find_port, tc, tc->without_recirc };
    _cleanup_free struct fl_tc_filter *filter = xmalloc(sizeof *filter);
    _cleanup_free struct fl_shrunk *shrunk = xmalloc(sizeof *shrunk);
    struct fl_error err = tc->untold;
    struct fl_tc_probe *probe;
    int error = err.code ? -EIO : fl_tc_offer(asked->flow, &host, filter, &err);

    /* Whatever the errno of a session: it is not Open vSwitch that does not offer the flow. */
    if (!error && fl_tc_probe_open(filter, &probe, &err))
        error = -EIO;
    if (error) {
        fl_ask_failed(asked, error, err.text);
        return;
    }
    fl_shrink(filter, fl_tc_probe_callback, probe, shrunk);
    fl_tc_probe_close(probe);
    fl_asked_take_shrunk(asked, shrunk, filter);
}
