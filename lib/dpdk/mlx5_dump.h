/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DPDK_MLX5_DUMP_H
#define FLOWLIFT_DPDK_MLX5_DUMP_H

/*
 * Has the mlx5 driver in ovs-vswitchd write the rules of a NIC, over the socket that it has for mlx_steering_dump. It
 * is DPDK's, and needs no plug-in: a request of 12 bytes with a file descriptor to write to, an answer of 4 bytes.
 * The text is that of rte_flow_dev_dump(): records of tables, matchers and actions of the whole NIC, whatever port is
 * asked about.
 *
 * At the operator's own risk only: the driver walks lists of encapsulations and header rewrites without their locks
 * while Open vSwitch changes them, which may crash ovs-vswitchd; and it takes the port for one of its own unseen, so
 * that a port of another driver crashes it. Never by default, and never on a timer.
 *
 * It writes in DPDK's one interrupt thread. So what it writes to is no pipe, whose reader could make it wait, but a
 * file in memory of a fixed size: FL_LIMIT_MLX5_DUMP_BYTES.
 *
 * Never seen on hardware: made after the source, and tested against a server that does as the source says.
 * Source: DPDK 22.11 and 23.11 drivers/net/mlx5/linux/mlx5_socket.c, mlx5_pmd_socket_handle(); mlx5.h, struct
 * mlx5_flow_dump_req and _ack; mlx5_flow.c, mlx5_flow_dev_dump().
 */

#include <stdint.h>

#include "flows/error.h"
#include "lib/dpdk/plugin.h"

/** fl_mlx5_dump_path() - of the socket of process @pid. Return: owned by the caller, free() */
char *fl_mlx5_dump_path(long pid);

/**
 * fl_mlx5_dump() - all rules of the NIC behind a port, line by line
 * @path: of the socket, as fl_mlx5_dump_path() has it
 * @pid: who must be listening there: the folder is everybody's
 * @port: DPDK's number of it (OVSDB Interface.status:port_no). It must be mlx5's (status:driver_name).
 * @timeout_ms: for all of it
 * @sink: gets the driver's lines, verbatim but for a NUL, which ends them
 * @listing: set on 0; @is_complete is false if more was written than the file holds
 *
 * Return: 0; what @sink returned; or negative errno with a sentence: -ENOENT: no such socket; -EPERM; -ETIMEDOUT;
 * -EPROTO: it hung up without an answer, as it does for a port that is not there; or what the driver answered.
 */
int fl_mlx5_dump(const char *path, long pid, uint16_t port, int timeout_ms,
                 fl_plugin_line_sink *sink, void *aux, struct fl_plugin_listing *listing,
                 struct fl_error *err);

#endif
