/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_MEGAFLOW_H
#define FLOWLIFT_MEGAFLOW_H

/*
 * Megaflows as ofproto/trace prints them, which is OpenFlow's syntax ("recirc_id=0,ct_state=-trk,eth,
 * tcp,in_port=vm1,dl_vlan=100,nw_frag=no,tp_dst=2049"), as regions.
 *
 * A region is never wider than the megaflow. The text is: OVS takes tests of a VLAN header out of it
 * when the packet has none (the datapath's own keys imply them), so how many headers the packet has is
 * to be told, and the region is of packets without one more. A test of a part of nw_tos is printed like
 * one of the whole; then the region is narrower.
 * Source: OVS 3.1 xlate_wc_finish() in ofproto/ofproto-dpif-xlate.c; match_format() in lib/match.c.
 *
 * Left out are, since every packet of a trace has them alike: in_port, as long as the text has one; the
 * type Ethernet, other packets are refused; the TPID of VLAN headers, which is 0x8100, since neither a
 * packet nor a megaflow can be written with another.
 */

#include <openvswitch/match.h>

#include "flows/error.h"

/**
 * fl_megaflow_read() - the region of a megaflow
 * @text: behind "Megaflow: ", NUL-terminated
 * @n_vlans: VLAN headers of the packet, see fl_megaflow_count_vlans()
 * @region: written on success only; also ct_*, recirc_id, dp_hash and the like as they were printed
 * Return: 0; -EPROTO when some of @text was not understood.
 */
int fl_megaflow_read(const char *text, unsigned int n_vlans, struct match *region,
                     struct fl_error *err);

/**
 * fl_megaflow_count_vlans() - VLAN headers of a packet
 * @flow: behind "Flow: ": "tcp,in_port=vm1,vlan_tci=0x0000,...", "...,dl_vlan=100,dl_vlan_pcp=0,..."
 * Return: their number, or -EPROTO when @flow does not tell.
 */
int fl_megaflow_count_vlans(const char *flow, struct fl_error *err);

#endif
