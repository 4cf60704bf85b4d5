/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_CONTROL_H
#define FLOWLIFT_AGENT_CONTROL_H

/* Our own commands of "ovs-appctl -t flowlift-agent": status, exit. libopenvswitch brings the others. */

struct fl_agent;

/** fl_control_register() - @agent: borrowed for as long as commands are served */
void fl_control_register(struct fl_agent *agent);

#endif
