/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_ORDERS_H
#define FLOWLIFT_AGENT_ORDERS_H

/*
 * Orders of the CLI (lib/order.h): read and checked as they come, done one after the other in a child process
 * (agent/worker.h), so that the guard goes on, and answered when they are done. A client that went away
 * meanwhile has its order done all the same: unixctl keeps a connection until its answer is written.
 *
 *     fl_orders_init(); fl_orders_register();  each round: fl_orders_run(); ... fl_orders_wait();
 */

#include <openvswitch/list.h>

#include "agent/options.h"
#include "agent/worker.h"

struct fl_orders {
    const struct fl_agent_options *options; /* borrowed */
    struct fl_worker worker;
    struct ovs_list queue; /* of struct waiting; the first one is in the worker when that is busy */
    size_t n;
    bool is_closed; /* No more are taken, and none is begun. */
};

void fl_orders_init(struct fl_orders *orders, const struct fl_agent_options *options);
/** fl_orders_destroy() - a step that is under way is killed, and nobody is answered any more */
void fl_orders_destroy(struct fl_orders *orders);
/** fl_orders_register() - the control commands "orders" and "order"; @orders: borrowed while they are served */
void fl_orders_register(struct fl_orders *orders);
/** fl_orders_close() - refuse those that wait, and all to come; the one under way goes on */
void fl_orders_close(struct fl_orders *orders);
static inline bool fl_orders_is_busy(const struct fl_orders *orders)
{
    return fl_worker_is_busy(&orders->worker);
}
void fl_orders_run(struct fl_orders *orders);
void fl_orders_wait(const struct fl_orders *orders);

#endif
