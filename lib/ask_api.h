/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ASK_API_H
#define FLOWLIFT_ASK_API_H

/*
 * What ask.c asks through, and nobody else includes: TC (ask_tc.c), the DPDK plug-in (ask_dpdk.c). Each is opened
 * once; why it could not be is the answer for each flow then.
 */

#include <stdbool.h>

#include "flows/asked.h"
#include "flows/inventory.h"
#include "flows/rte_rule.h"
#include "lib/base/pace.h"
#include "lib/collect.h"
#include "lib/dpdk/telemetry.h"
#include "lib/tc/links.h"

struct fl_ask_tc {
    struct fl_tc_links links;
    const struct fl_ports *ports;
    bool without_recirc;
    struct fl_error untold; /* Why there are no links. */
};

/** fl_ask_tc_open() - @ports: borrowed; @without_recirc: as in struct fl_tc_offer_host */
void fl_ask_tc_open(struct fl_ask_tc *tc, const struct fl_ports *ports, bool without_recirc);
void fl_ask_tc_close(struct fl_ask_tc *tc);
/** fl_ask_tc() - @asked: its flow is set; outcome and what belongs to it are to be */
void fl_ask_tc(struct fl_ask_tc *tc, struct fl_asked *asked);

struct fl_ask_dpdk {
    struct fl_telemetry *telemetry; /* NULL: */
    struct fl_error untold;
    const struct fl_inventory *inv;
    const struct fl_ports *ports;
    struct fl_pace pace; /* Over all flows that are asked about. */
};

/**
 * fl_ask_dpdk_open() - likewise
 * @target: control socket of ovs-vswitchd, or NULL for that of its pid file
 */
void fl_ask_dpdk_open(struct fl_ask_dpdk *dpdk, const struct fl_host *host,
                      const struct fl_inventory *inv, const struct fl_ports *ports);
void fl_ask_dpdk_close(struct fl_ask_dpdk *dpdk);
void fl_ask_dpdk(struct fl_ask_dpdk *dpdk, struct fl_asked *asked);

/** fl_ask_failed() - the NIC was not asked: @code tells not offered (-EOPNOTSUPP) from cannot tell */
void fl_ask_failed(struct fl_asked *asked, int code, const char *why);

#endif
