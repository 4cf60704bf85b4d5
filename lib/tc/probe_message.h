/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_PROBE_MESSAGE_H
#define FLOWLIFT_TC_PROBE_MESSAGE_H

/*
 * The netlink messages of a probe, but for the filter itself (lib/tc/encode.h). Hostile bytes are expected;
 * nothing is allocated. For lib/tc/probe.c, and nobody else.
 */

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/tc_answer.h"
#include "flows/tc_filter.h"

/*
 * What is flowlift's of the filters of a device: of flower, in one of these chains, with this priority and a
 * handle that begins so. TC takes chains up to 2^28 - 1, and OVS counts its recirculation ids from 1 upwards.
 * The priority is a low one, since some NICs know only few of them.
 */
#define FL_TC_PROBE_CHAIN    0x0fffff00u
#define FL_TC_PROBE_CHAINS   0x100u
#define FL_TC_PROBE_PRIORITY 1u
#define FL_TC_PROBE_HANDLE   0xf10f0000u

struct fl_tc_ack {
    int error; /* Negative errno, or 0. */
    bool has_offset;
    uint32_t offset; /* Of the attribute that the kernel means, in the request. */
    char text[FL_TC_ANSWER_TEXT];
};

/**
 * fl_tc_ack_decode() - the answer to a request (NLMSG_ERROR), with the words of the extended ack
 * @message: from its struct nlmsghdr on, @n_bytes of them (aligned to 4)
 * Return: 0, or -EBADMSG and *@ack untouched.
 */
int fl_tc_ack_decode(const void *message, size_t n_bytes, struct fl_tc_ack *ack);

/**
 * fl_tc_attribute_at() - which match attribute of the request begins at @offset
 * @request: made by fl_tc_encode()
 * Return: TCA_FLOWER_*, or 0 when none begins there.
 */
uint16_t fl_tc_attribute_at(const struct nlmsghdr *request, uint32_t offset);

/* A chain, or a filter, of a dump. */
struct fl_tc_seen {
    uint32_t chain;
    uint32_t handle; /* 0: of a chain, or of a message that only announces filters */
    uint16_t priority;
    bool is_flower;
};

/** fl_tc_seen_decode() - RTM_NEWCHAIN or RTM_NEWTFILTER. Return: 0, or -EBADMSG and *@seen untouched */
int fl_tc_seen_decode(const void *message, size_t n_bytes, struct fl_tc_seen *seen);

/** fl_tc_is_probe_chain() - is it one that flowlift keeps to itself? */
static inline bool fl_tc_is_probe_chain(uint32_t chain)
{
    return chain - FL_TC_PROBE_CHAIN < FL_TC_PROBE_CHAINS;
}

/** fl_tc_is_probe() - is it a filter that a probe offered? */
static inline bool fl_tc_is_probe(const struct fl_tc_seen *seen)
{
    return seen->is_flower && fl_tc_is_probe_chain(seen->chain) &&
           seen->priority == FL_TC_PROBE_PRIORITY &&
           (seen->handle & 0xffff0000u) == FL_TC_PROBE_HANDLE;
}

#define FL_TC_REMOVAL_BYTES 128

/**
 * fl_tc_removal() - the request that deletes one filter of flower, by chain, priority and handle
 * @place: hook, ifindex or block of it are used
 * @message: aligned to 4 bytes
 * Return: its bytes.
 */
size_t fl_tc_removal(const struct fl_tc_filter *place, uint32_t chain, uint32_t handle,
                     uint32_t sequence, uint8_t message[FL_TC_REMOVAL_BYTES]);

#endif
