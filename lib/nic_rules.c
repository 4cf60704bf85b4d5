/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/smap.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/dpdk/mlx5_dump.h"
#include "lib/ovs/socket.h"
#include "lib/tc/filters.h"

struct fl_nic_rules {
    const struct fl_inventory *inv;
    int timeout_ms;
    bool has_tc;
    struct fl_telemetry *telemetry; /* NULL without ports of DPDK, or with @no_plugin. */
    struct fl_error no_plugin;      /* Why not, where mlx5 is asked instead: */
    long vswitchd;                  /* that of this process. */
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

/* Source: DPDK 22.11 drivers/common/mlx5/mlx5_common.h: "mlx5_pci", "mlx5_auxiliary". */
static bool is_mlx5_port(const struct fl_interface *iface)
{
    const char *driver = smap_get_def(&iface->status, "driver_name", "");

    return is_dpdk_port(iface) && !strncmp(driver, "mlx5", 4);
}

static bool has_mlx5_port(const struct fl_inventory *inv)
{
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        if (is_mlx5_port(&inv->interfaces[i]))
            return true;
    }
    return false;
}

static int open_dpdk(const struct fl_host *host, bool mlx5_dump, struct fl_nic_rules *rules,
                     struct fl_error *err)
{
    struct fl_error why = FL_ERROR_INIT;
    int ret = fl_plugin_open(smap_get(&rules->inv->other_config, "dpdk-extra"), host->target,
                             rules->timeout_ms, &rules->telemetry, &why);

    if (ret && mlx5_dump && has_mlx5_port(rules->inv)) {
        rules->no_plugin = why;
        return fl_socket_vswitchd_pid(host->target, &rules->vswitchd, err);
    }
    return ret ? fl_error_set(err, ret, "%s", why.text) : 0;
}

int fl_nic_rules_open(const struct fl_host *host, const struct fl_inventory *inv, bool mlx5_dump,
                      struct fl_nic_rules **rules, struct fl_error *err)
{
    struct fl_nic_rules made = { .inv = inv,
                                 .timeout_ms = fl_host_timeout_ms(host),
                                 .has_tc = has_bridge_of_type(inv, "system") };
    bool has_dpdk = has_bridge_of_type(inv, "netdev") && has_dpdk_port(inv);
    int ret = 0;

    if (!made.has_tc && !has_dpdk)
        return fl_error_set(err, -ENODATA,
                            "no bridge of this host has a port that could have a NIC");
    if (has_dpdk)
        ret = open_dpdk(host, mlx5_dump, &made, err);
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

/* DPDK's number of the port. Return: it, or -ENODEV. */
static int find_number(const struct fl_interface *iface, struct fl_error *why)
{
    int number = fl_interface_dpdk_port(iface);

    if (number < 0)
        return fl_error_set(why, -ENODEV, "OVSDB has no DPDK port number for %s (status:port_no)",
                            iface->name);
    return number;
}

static int ask_mlx5(const struct fl_nic_rules *rules, uint16_t number, struct lines *lines,
                    struct fl_plugin_listing *listing, struct fl_error *why)
{
    _cleanup_free char *path = fl_mlx5_dump_path(rules->vswitchd);

    return fl_mlx5_dump(path, rules->vswitchd, number, rules->timeout_ms, pass_line, lines, listing,
                        why);
}

/* Through the plug-in, or mlx5's own socket. */
static int read_port(const struct fl_nic_rules *rules, const struct fl_interface *iface,
                     const struct fl_nic_listener *listener)
{
    struct lines lines = { .listener = listener };
    struct fl_plugin_listing listing = { .lines = 0 };
    struct fl_error why = FL_ERROR_INIT;
    int number = find_number(iface, &why);
    int ret = listener->port(iface->name, rules->telemetry ? "rte_flow" : "mlx5", listener->aux);

    if (ret)
        return ret;
    if (number >= 0 && rules->telemetry)
        ret = fl_plugin_rules(rules->telemetry, (uint16_t)number, false, pass_line, &lines,
                              &listing, &why);
    else if (number >= 0)
        ret = ask_mlx5(rules, (uint16_t)number, &lines, &listing, &why);
    if (lines.stopped)
        return lines.stopped;
    if (number >= 0 && !ret && !listing.is_complete)
        fl_error_set(&why, -EMSGSIZE, "the driver of %s wrote more than is kept", iface->name);
    return listener->port_end(iface->name, why.code ? NULL : &listing, why.code ? why.text : NULL,
                              listener->aux);
}

/* Whose NIC that is: "0000:03:00.0,representor=[0]" and "0000:03:00.0" are one's. */
static bool is_same_nic(const struct fl_interface *a, const struct fl_interface *b)
{
    const char *of_a = smap_get_def(&a->options, "dpdk-devargs", "");
    const char *of_b = smap_get_def(&b->options, "dpdk-devargs", "");
    size_t n = strcspn(of_a, ",");

    /* "class=eth,mac=..." does not tell. */
    return n && n == strcspn(of_b, ",") && !memcmp(of_a, of_b, n) && !memchr(of_a, '=', n);
}

static bool is_first_of_nic(const struct fl_inventory *inv, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_mlx5_port(&inv->interfaces[i]) &&
            is_same_nic(&inv->interfaces[i], &inv->interfaces[n]))
            return false;
    }
    return true;
}

/* Of each NIC once. */
static int read_without_plugin(const struct fl_nic_rules *rules,
                               const struct fl_nic_listener *listener, struct fl_error *err)
{
    const struct fl_inventory *inv = rules->inv;

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        int ret = is_mlx5_port(&inv->interfaces[i]) && is_first_of_nic(inv, i)
                      ? read_port(rules, &inv->interfaces[i], listener)
                      : 0;

        if (ret)
            return ret;
    }
    return fl_error_set(err, rules->no_plugin.code, "%s", rules->no_plugin.text);
}

int fl_nic_rules_read(struct fl_nic_rules *rules, const struct fl_nic_listener *listener,
                      struct fl_error *err)
{
    int ret = rules->has_tc ? read_tc(listener, err) : 0;

    if (!ret && rules->no_plugin.code)
        return read_without_plugin(rules, listener, err);
    for (size_t i = 0; !ret && rules->telemetry && i < rules->inv->n_interfaces; i++) {
        if (is_dpdk_port(&rules->inv->interfaces[i]))
            ret = read_port(rules, &rules->inv->interfaces[i], listener);
    }
    return ret;
}
