/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_PLUGIN_DRIVER_H
#define FLOWLIFT_DPDK_PLUGIN_DRIVER_H

/*
 * The calls into the NIC's driver. All are reads: nothing is created, destroyed, flushed or queried (OVS reads
 * counters with reset, so a second reader would take packets away from its statistics).
 *
 * Threads: telemetry runs each client in a thread of its own, inside ovs-vswitchd. Here at most one of them is
 * in a driver at a time. Against OVS's own threads DPDK guarantees this and no more (22.11,
 * lib/ethdev/rte_flow.c, fts_enter()): drivers without RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE are entered under the
 * port's flow_ops_mutex, by all functions of rte_flow; the others (mlx5, sfc, bnxt) lock for themselves. While a
 * driver writes a dump, OVS's offload threads that insert and its revalidators that read counters may wait for
 * it, and the main thread too, if it removes a port and waits for an offload thread: therefore dumps are rationed
 * (rules.c).
 *
 * What DPDK does not guarantee: that a port stays while it is used. Nothing counts references, and no event
 * comes before a driver's dev_close(), after which the port is still "valid" for a while, without what its
 * driver needs. But OVS's main thread stops a port first (netdev_dpdk_destruct()), and starts a new one last: so
 * only ports that are started are asked about, each call anew. What is left is a port that is stopped and
 * closed within the microseconds of one call; for a dump, which takes longer, OVS's flush of the port's rules waits
 * under the lock above. DPDK's own telemetry (/ethdev/info) looks at "valid" only.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct fl_rule;

/* RTE_TEL_MAX_STRING_LEN: what fits into a member of a reply. */
#define FL_DRIVER_TEXT_BYTES 128

struct fl_driver_port {
    char name[FL_DRIVER_TEXT_BYTES];
    char driver[FL_DRIVER_TEXT_BYTES];
    char switch_name[FL_DRIVER_TEXT_BYTES];
    uint16_t switch_domain; /* UINT16_MAX: none */
    uint16_t switch_port;
    uint16_t n_rx_queues;
    bool is_representor;
    bool has_flow_api;
};

/* What a driver said of a request. */
struct fl_driver_answer {
    int code; /* 0 or negative errno */
    int type; /* enum rte_flow_error_type */
    char text[FL_DRIVER_TEXT_BYTES];
};

/* All say -ENODEV when there is no such port, -EAGAIN when it is not started: it comes or goes. */

/** fl_driver_load() - once, before there are ports */
void fl_driver_load(void);
/** fl_driver_has_port() - whether there is such a port now; its driver is not asked */
bool fl_driver_has_port(uint16_t port);
/** fl_driver_port() - about a port. Return: 0 or negative errno */
int fl_driver_port(uint16_t port, struct fl_driver_port *about);
/** fl_driver_explain() - what to say of -ENODEV, -EAGAIN and others; constant */
const char *fl_driver_explain(int code);
/**
 * fl_driver_dump() - have the driver write its rules to @file
 * @at_own_risk: also a driver that is known to do so without the locks it would need; else -EPERM
 */
void fl_driver_dump(uint16_t port, bool at_own_risk, FILE *file, struct fl_driver_answer *answer);
/** fl_driver_validate() - ask the driver whether it would take a rule */
void fl_driver_validate(uint16_t port, const struct fl_rule *rule, struct fl_driver_answer *answer);

#endif
