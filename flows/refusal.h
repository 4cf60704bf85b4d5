/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REFUSAL_H
#define FLOWLIFT_REFUSAL_H

/*
 * What a refusal means: the words of a driver (extack of TC, text of an rte_flow error, a line of
 * ovs-vswitchd's log) and its errno, as a cause.
 */

#include <stddef.h>

#include "flows/cause.h"

/**
 * fl_refusal_cause() - the cause behind a refusal
 * @error: positive or negative errno; 0 when not known
 * @text: the driver's words, or NULL; letters of either case
 *
 * The words say more than the errno, which is EOPNOTSUPP most of the time; but an errno of something
 * that passes (no room, busy) or of another rule in the way is believed without words.
 * Return: FL_CAUSE_REFUSED when neither tells.
 */
enum fl_cause_id fl_refusal_cause(int error, const char *text);

/**
 * fl_refusal_cause_of_part() - likewise, of a part of a flow that is refused by itself
 * @of_part: the cause that it would be whatever the words: fl_shrunk_cause()
 * Return: what the words say, unless they say no more than that a match or an action is not taken.
 */
enum fl_cause_id fl_refusal_cause_of_part(int error, const char *text, enum fl_cause_id of_part);

/**
 * fl_refusal_of_log() - a line of ovs-vswitchd's log about an offload that did not come about
 * @line: one line, without its end
 * @cause: id and, as detail, the message without time, module and level
 * @device: the device it is of, "" when the line names none; FL_REFUSAL_DEVICE_BYTES
 * Return: false for every other line; lines that are known to be harmless too.
 * Source: OVS 3.1 lib/dpif-netlink.c, lib/netdev-offload*.c, lib/netdev-linux.c, lib/tc.c,
 * ofproto/ofproto-dpif-upcall.c.
 */
#define FL_REFUSAL_DEVICE_BYTES 32
bool fl_refusal_of_log(const char *line, struct fl_cause *cause,
                       char device[FL_REFUSAL_DEVICE_BYTES]);

/**
 * fl_refusal_message() - likewise, where only a flow that was offered and refused is of interest
 * Return: the message, a part of @line; NULL for every other line.
 */
const char *fl_refusal_message(const char *line);

#endif
