/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hardware: the thread that plays the NIC's forwarding engine.
 *
 * It reads frames from the wires of all ports of one NIC, asks the eSwitch, sends what a rule
 * forwards, and queues the rest for the driver's receive function. So an offloaded frame
 * costs the switch's own threads nothing, and is forwarded even while they stand still.
 */
#ifndef FLOWNIC_HARDWARE_H
#define FLOWNIC_HARDWARE_H

#include <stdint.h>

#include "eswitch.h"
#include "frame_queue.h"
#include "wire.h"

struct flownic_port {
    uint32_t id; /* below FLOWNIC_MAX_PORTS; as the actions of rules name it */
    struct flownic_wire wire;
    struct flownic_frame_queue to_software;
    uint64_t software_missed; /* no room in the queue */
    uint64_t send_failed;
};

struct flownic_hardware;

/**
 * flownic_hardware_create() - a NIC without ports, its engine running
 *
 * Return: the NIC, owned by the caller; NULL with errno set.
 */
struct flownic_hardware *flownic_hardware_create(void);

/**
 * flownic_hardware_destroy() - stop the engine
 * @hardware: consumed; has no ports any more
 */
void flownic_hardware_destroy(struct flownic_hardware *hardware);

/**
 * flownic_hardware_eswitch() - the NIC's eSwitch
 * @hardware: the NIC
 *
 * Return: the eSwitch, borrowed.
 */
struct flownic_eswitch *flownic_hardware_eswitch(struct flownic_hardware *hardware);

/**
 * flownic_hardware_attach() - let the engine serve a port
 * @hardware: the NIC
 * @port: with its wire and queue; borrowed until flownic_hardware_detach()
 *
 * Return: 0, -EEXIST if the id is taken, or another negative errno.
 */
int flownic_hardware_attach(struct flownic_hardware *hardware, struct flownic_port *port);

/**
 * flownic_hardware_detach() - stop serving a port
 * @hardware: the NIC
 * @port: not touched by the engine any more when this returns
 */
void flownic_hardware_detach(struct flownic_hardware *hardware, struct flownic_port *port);

#endif
