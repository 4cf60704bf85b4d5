/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_RULES_H
#define FLOWLIFT_NIC_RULES_H

/*
 * The NIC's own word: which rules it holds. Of the kernel's datapath that is TC (rtnetlink); with OVS-DPDK what
 * drivers write through flowlift's plug-in (docs/dpdk-plugin.md), or mlx5 through a socket of its own
 * (lib/dpdk/mlx5_dump.h). ovs-vswitchd's main thread takes no part.
 */

#include "flows/error.h"
#include "flows/inventory.h"
#include "flows/tc_filter.h"
#include "lib/collect.h"
#include "lib/dpdk/plugin.h"

struct fl_nic_rules;

/* Who hears it. Each is valid during its call only; a return that is not 0 stops the reading. */
struct fl_nic_listener {
    /** @filter: of TC; those of one place (device and hook, or block) come together */
    int (*filter)(const struct fl_tc_filter *filter, void *aux);
    /**
     * @port: the lines that follow are of this Open vSwitch interface, a port of DPDK
     * @api: "rte_flow"; or "mlx5": they are of its whole NIC, and it is told of the first of its ports alone
     */
    int (*port)(const char *device, const char *api, void *aux);
    /** @line: of its driver, verbatim */
    int (*line)(const char *line, void *aux);
    /**
     * @port_end: that were all lines of @device
     * @listing: NULL: there are none, or not all, since @why (a sentence)
     */
    int (*port_end)(const char *device, const struct fl_plugin_listing *listing, const char *why,
                    void *aux);
    void *aux;
    /*
     * Where there is no plug-in, mlx5 is asked over its own socket, which may crash ovs-vswitchd: at the operator's
     * own risk only.
     */
    bool mlx5_dump;
};

/**
 * fl_nic_rules_open() - by which way the NICs of this host can be asked
 * @inv: borrowed, until it is closed
 * @mlx5_dump: as that of the listener
 * Return: 0 and *@rules owned by the caller; -ENODATA: no bridge, or no port that could have a NIC;
 * -ENOENT: OVS-DPDK without the plug-in; else as fl_plugin_open().
 */
int fl_nic_rules_open(const struct fl_host *host, const struct fl_inventory *inv, bool mlx5_dump,
                      struct fl_nic_rules **rules, struct fl_error *err);
void fl_nic_rules_close(struct fl_nic_rules *rules); /* NULL is fine */

/**
 * fl_nic_rules_read() - all rules, as a stream
 * Return: 0; negative errno: what was handed over is then not all there is (-EAGAIN: filters changed meanwhile;
 * -ENOENT: OVS-DPDK without the plug-in, only mlx5 was asked, and nothing can be compared with it); or what
 * @listener returned. A port of DPDK that cannot be asked is told by @port_end, and is no error.
 */
int fl_nic_rules_read(struct fl_nic_rules *rules, const struct fl_nic_listener *listener,
                      struct fl_error *err);

#endif
