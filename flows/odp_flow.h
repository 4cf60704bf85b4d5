/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ODP_FLOW_H
#define FLOWLIFT_ODP_FLOW_H

/*
 * Decoder of the flows that the kernel datapath sends (generic netlink family "ovs_flow"): attributes
 * OVS_FLOW_ATTR_* of one flow -> struct fl_flow, as decode.h makes of the text that dpctl/dump-flows -m
 * prints for the same flow. Pure: lib/datapath/ brings the bytes.
 *
 * Source: Linux 6.1 net/openvswitch/datapath.c, ovs_flow_cmd_fill_info(); <linux/openvswitch.h>.
 */

#include "flows/decode.h"
#include "flows/flow.h"

struct fl_odp_decoder;

enum fl_odp_flags {
    /* Match and actions were not asked for (OVS_UFID_F_OMIT_*): that they are missing is no error. */
    FL_ODP_COUNTERS = 1 << 8,
};

/**
 * fl_odp_decoder_create() - scratch memory, to be used for any number of flows
 * @ports: names for FL_DECODE_KEEP_TEXT; borrowed, must outlive the decoder
 * @flags: enum fl_decode_flags, enum fl_odp_flags. FL_DECODE_KEEP_TEXT fills match_text, actions_text and
 * raw, from fl_flow_format()
 */
struct fl_odp_decoder *fl_odp_decoder_create(const struct fl_ports *ports, unsigned int flags);
void fl_odp_decoder_destroy(struct fl_odp_decoder *decoder);

/**
 * fl_odp_decoder_map_port() - what a port number of the datapath is in the records
 * @number: the datapath's; FL_PORT_NAMED or more is ignored. A number that is not mapped stands for itself.
 * @port: of struct fl_ports
 */
void fl_odp_decoder_map_port(struct fl_odp_decoder *decoder, uint32_t number, odp_port_t port);

/**
 * fl_odp_decode() - hand over one flow
 * @attrs: OVS_FLOW_ATTR_*, aligned to 4 bytes; borrowed
 * @n_bytes: of @attrs
 * @now_ms: CLOCK_MONOTONIC in milliseconds, for used_ms
 *
 * What is not legible of a flow is named in parse_error and makes it match_partial, or lets it be
 * without actions; it is never left out.
 *
 * Return: what @cb returned.
 */
int fl_odp_decode(struct fl_odp_decoder *decoder, const void *attrs, size_t n_bytes, int64_t now_ms,
                  fl_decode_cb *cb, void *aux);

#endif
