/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/smap.h>
#include <ovs/util.h>

#include "lib/tc/filters.h"

struct fl_nic_rules {
    const struct fl_inventory *inv;
    bool has_tc;
    struct fl_telemetry *telemetry; /* NULL without ports of DPDK. */
};

static bool has_bridge_of_type(const struct fl_inventory *inv, const char *type)
{
    for (size_t i = 0; i < inv->n_bridges; i++) {
        if (!strcmp(inv->bridges[i].datapath_type, type))
            return true;
    }
    return false;
}

static bool is_dpdk_port(const struct fl_interface *iface)
{
    return !strcmp(iface->type, "dpdk");
}

static bool has_dpdk_port(const struct fl_inventory *inv)
{
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        if (is_dpdk_port(&inv->interfaces[i]))
            return true;
    }
    return false;
}

int fl_nic_rules_open(const struct fl_host *host, const struct fl_inventory *inv,
                      struct fl_nic_rules **rules, struct fl_error *err)
{
    struct fl_nic_rules made = { .inv = inv, .has_tc = has_bridge_of_type(inv, "system") };
    bool has_dpdk = has_bridge_of_type(inv, "netdev") && has_dpdk_port(inv);
    int ret = 0;

    if (!made.has_tc && !has_dpdk)
        return fl_error_set(err, -ENODATA,
                            "no bridge of this host has a port that could have a NIC");
    if (has_dpdk)
        ret = fl_plugin_open(smap_get(&inv->other_config, "dpdk-extra"), host->target,
                             fl_host_timeout_ms(host), &made.telemetry, err);
    if (ret)
        return ret;
    *rules = xmemdup(&made, sizeof made);
    return 0;
}

void fl_nic_rules_close(struct fl_nic_rules *rules)
{
    if (rules)
        fl_telemetry_close(rules->telemetry);
    free(rules);
}

static int read_tc(const struct fl_nic_listener *listener, struct fl_error *err)
{
    const struct fl_tc_dump_options all = { .devices = NULL };
    const struct fl_tc_sink sink = { .filter = listener->filter, .aux = listener->aux };

    return fl_tc_dump(&all, &sink, NULL, err);
}

/* Lines on their way; what the listener returned is kept apart from what the plug-in says. */
struct lines {
    const struct fl_nic_listener *listener;
    int stopped;
};

static int pass_line(const char *line, void *lines_)
{
    struct lines *lines = lines_;

    lines->stopped = lines->listener->line(line, lines->listener->aux);
    return lines->stopped;
}

static int read_port(struct fl_nic_rules *rules, const struct fl_interface *iface,
                     const struct fl_nic_listener *listener)
{
    int number = fl_interface_dpdk_port(iface);
    struct lines lines = { .listener = listener };
    struct fl_plugin_listing listing;
    struct fl_error why = FL_ERROR_INIT;
    int ret = listener->port(iface->name, listener->aux);

    if (ret)
        return ret;
    if (number < 0)
        ret = fl_error_set(&why, -ENODEV, "OVSDB has no DPDK port number for %s (status:port_no)",
                           iface->name);
    else
        ret = fl_plugin_rules(rules->telemetry, (uint16_t)number, false, pass_line, &lines,
                              &listing, &why);
    if (lines.stopped)
        return lines.stopped;
    if (!ret && !listing.is_complete)
        fl_error_set(&why, -EMSGSIZE, "the driver of %s wrote more than the plug-in keeps",
                     iface->name);
    return listener->port_end(iface->name, why.code ? NULL : &listing, why.code ? why.text : NULL,
                              listener->aux);
}

int fl_nic_rules_read(struct fl_nic_rules *rules, const struct fl_nic_listener *listener,
                      struct fl_error *err)
{
    int ret = rules->has_tc ? read_tc(listener, err) : 0;

    for (size_t i = 0; !ret && rules->telemetry && i < rules->inv->n_interfaces; i++) {
        if (is_dpdk_port(&rules->inv->interfaces[i]))
            ret = read_port(rules, &rules->inv->interfaces[i], listener);
    }
    return ret;
}
