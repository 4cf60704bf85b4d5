/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ORPHAN_H
#define FLOWLIFT_ORPHAN_H

/*
 * Orphans: TC filters that Open vSwitch made (their cookie is a ufid) and has forgotten. No megaflow is
 * behind them, nobody will change or delete them, and yet they forward packets, or swallow them, before
 * the switch sees any.
 *
 * ovs-vswitchd is not asked. Each of these shows it, the surest first:
 *  - the filter's device is no interface of the switch: its port was deleted, the filter stayed;
 *  - a device that it sends to is gone. The kernel says so once, and from then on drops the packets;
 *  - hw-offload is not on: an ovs-vswitchd that was started like that looks at no filter of before;
 *  - it is idle by far longer than a revalidator leaves an idle flow alive (the weakest: packets that
 *    come by now and then hide it).
 */

#include <stdbool.h>
#include <stdint.h>

#include "flows/flow.h"
#include "flows/inventory.h"

enum fl_orphan {
    FL_ORPHAN_NOT, /* or not to be told */
    FL_ORPHAN_NO_PORT,
    FL_ORPHAN_TARGET_GONE,
    FL_ORPHAN_OFFLOAD_OFF,
    FL_ORPHAN_UNATTENDED,
};

/* What filters are judged by; it remembers the device of the last one, since they come by device. */
struct fl_orphan_judge {
    const struct fl_inventory *inv; /* NULL: only what the filter itself shows is told. */
    const struct fl_ports *ports;
    bool offloads;
    int64_t idle_ms; /* A filter that is idle for longer is unattended. */
    odp_port_t last;
    bool last_is_port;
};

/** fl_orphan_judge_init() - @inv (may be NULL) and @ports are borrowed, for as long as it is used */
void fl_orphan_judge_init(struct fl_orphan_judge *judge, const struct fl_inventory *inv,
                          const struct fl_ports *ports);

/**
 * fl_orphan_of() - why nobody looks after this filter
 * Return: FL_ORPHAN_NOT also for a flow that is not in TC, or is of somebody else.
 */
enum fl_orphan fl_orphan_of(struct fl_orphan_judge *judge, const struct fl_flow *flow);

struct ds;
/** fl_orphan_reason() - append what shows it, in one sentence without a full stop */
void fl_orphan_reason(const struct fl_orphan_judge *judge, const struct fl_flow *flow,
                      enum fl_orphan orphan, struct ds *text);

#endif
