/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_ENCODE_H
#define FLOWLIFT_TC_ENCODE_H

/*
 * A TC filter as the netlink message that adds it: the inverse of lib/tc/decode.h. Pure, nothing is allocated.
 *
 * Sent: place (block, or ifindex and hook), chain, priority, protocol, handle, flags skip_hw, skip_sw and
 * verbose, all keys, and of actions what they do, their cookies and their flags. Not sent: what only the kernel
 * says (counters, times, in_hw).
 *
 * The kernel is told the type behind the MAC addresses, and dumps the one behind all VLAN tags: of a filter with
 * tags FL_TC_KEY_ETH_TYPE is the latter (as in a dump), and the message has its protocol in the place of it.
 */

#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/tc_filter.h"

/* Enough for every filter that Open vSwitch makes. */
#define FL_TC_MESSAGE_BYTES (16 * 1024)

/**
 * fl_tc_encode() - an RTM_NEWTFILTER request with NLM_F_CREATE, NLM_F_EXCL and NLM_F_ACK
 * @filter: understood in full; with a priority and a protocol
 * @message: aligned to 4 bytes, of @n_bytes; its nlmsg_len says how many were needed
 *
 * Return: 0; -EMSGSIZE: it does not fit; -EOPNOTSUPP, with a sentence: what the message has no form for here
 * (actions of unknown kinds, policers with a rate, ports without their protocol).
 */
int fl_tc_encode(const struct fl_tc_filter *filter, uint32_t sequence, void *message,
                 size_t n_bytes, struct fl_error *err);

struct tcmsg;
/** fl_tc_encode_place() - the header of a request about @filter: where it is attached, priority, protocol, handle */
void fl_tc_encode_place(const struct fl_tc_filter *filter, struct tcmsg *tc);

#endif
