/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver: what the three files of the poll-mode driver share.
 *
 *     vdev.c       devices come and go: arguments, wires, NICs
 *     ethdev.c     what DPDK calls on a port: queues, receive, transmit, statistics
 *     flow_ops.c   what DPDK calls for rte_flow
 *     telemetry.c  the commands under /flownic
 *
 * All ports with the same "nic" argument share one simulated NIC.
 */
#ifndef FLOWNIC_DRIVER_H
#define FLOWNIC_DRIVER_H

#include <net/if.h>

#include <rte_config.h>

#include <ethdev_driver.h>
#include <rte_flow_driver.h>

#include "hardware.h"

#define FLOWNIC_MAX_NICS   8
#define FLOWNIC_MAX_QUEUES 16

struct flownic_nic {
    struct flownic_hardware *hardware; /* NULL while the NIC has no ports */
    uint16_t switch_domain;
    unsigned int n_ports;
};

struct flownic_queue_stats {
    uint64_t packets;
    uint64_t bytes;
};

struct flownic_queue {
    struct flownic_driver_port *port;
    struct rte_mempool *pool;
    uint16_t id;
    struct flownic_queue_stats stats;
};

/* The private data of an ethdev. */
struct flownic_driver_port {
    struct flownic_port port;
    struct flownic_nic *nic;
    uint32_t nic_number;
    char name[32];
    struct rte_ether_addr mac;
    struct flownic_queue rx[FLOWNIC_MAX_QUEUES];
    struct flownic_queue tx[FLOWNIC_MAX_QUEUES];
};

/**
 * flownic_driver_port() - the port behind a DPDK port number
 * @id: DPDK port number, as told by an outsider
 *
 * Return: the port, borrowed; NULL if there is no such port of this driver.
 */
struct flownic_driver_port *flownic_driver_port(uint32_t id);

/**
 * flownic_driver_nic() - a simulated NIC by its number
 * @number: below FLOWNIC_MAX_NICS
 *
 * Return: the NIC, borrowed; NULL if it has no ports.
 */
struct flownic_nic *flownic_driver_nic(uint32_t number);

/**
 * flownic_driver_eswitch() - the eSwitch that a port belongs to
 * @port: the port
 *
 * Return: the eSwitch, borrowed.
 */
struct flownic_eswitch *flownic_driver_eswitch(const struct flownic_driver_port *port);

/**
 * flownic_driver_release() - unplug a port from its NIC
 * @port: the port; only its memory is left
 */
void flownic_driver_release(struct flownic_driver_port *port);

/**
 * flownic_ethdev_init() - give an ethdev this driver's functions
 * @device: the ethdev
 */
void flownic_ethdev_init(struct rte_eth_dev *device);

extern const struct rte_flow_ops flownic_flow_ops;
extern int flownic_log_type;

#define FLOWNIC_LOG(LEVEL, FORMAT, ...) \
    rte_log(RTE_LOG_##LEVEL, (uint32_t)flownic_log_type, "flownic: " FORMAT "\n", ##__VA_ARGS__)

#endif
