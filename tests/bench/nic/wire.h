/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: what is plugged into a port of the simulated NIC.
 *
 * A wire is one tap device, the trunk, and any number of access links: tap devices that lie
 * behind a switch at the far end of the cable, each in one VLAN. A frame sent with the VLAN
 * of an access link leaves there without its tag; a frame read from an access link comes in
 * tagged. So a kernel without 8021q can still be the storage server on a tagged uplink. That
 * switch knows the last address seen on each access link, and floods to those of the VLAN
 * what is for none of them.
 *
 * A tap may live in another network namespace (by its name under /run/netns), and may exist
 * before and after the driver does.
 */
#ifndef FLOWNIC_WIRE_H
#define FLOWNIC_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "actions.h"

#define FLOWNIC_MAX_LINKS       8
#define FLOWNIC_WIRE_SPEC_BYTES 96

struct flownic_link {
    int fd;
    uint16_t vlan;    /* 0: the trunk */
    uint64_t station; /* address last seen behind it; atomic; 0: none */
};

struct flownic_wire {
    size_t n_links;
    struct flownic_link links[FLOWNIC_MAX_LINKS];
};

/**
 * flownic_wire_add() - plug a tap device in
 * @wire: starts as all zero; the trunk may be left out
 * @spec: "TAP[@NETNS][:VLAN]", an access link if a VLAN is given; borrowed
 * @wrong: receives a constant sentence on failure
 *
 * Return: 0, -EINVAL for a bad @spec, -E2BIG for too many, or what opening the tap gave.
 */
int flownic_wire_add(struct flownic_wire *wire, const char *spec, const char **wrong);

/**
 * flownic_wire_close() - unplug everything
 * @wire: is all zero afterwards
 */
void flownic_wire_close(struct flownic_wire *wire);

/**
 * flownic_wire_read() - take one frame from a link
 * @link: the link
 * @buffer: receives the frame behind FLOWNIC_HEADROOM_BYTES of free room
 * @size: bytes at @buffer
 * @frame: receives the frame, which lies in @buffer
 *
 * Return: 0, -EAGAIN if there is none now, or another negative errno.
 */
int flownic_wire_read(struct flownic_link *link, uint8_t *buffer, size_t size,
                      struct flownic_frame *frame);

/**
 * flownic_wire_send() - send a frame
 * @wire: the wire
 * @data: the frame; borrowed
 * @bytes: its length
 *
 * Return: 0, or a negative errno; -ENOLINK if no link takes it.
 */
int flownic_wire_send(const struct flownic_wire *wire, const uint8_t *data, size_t bytes);

#endif
