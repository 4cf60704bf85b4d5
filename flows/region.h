/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REGION_H
#define FLOWLIFT_REGION_H

/*
 * Regions: sets of packets, as a struct match describes them. Only packet headers are compared: Ethernet
 * addresses and type, IP addresses and protocol, transport ports. in_port and VLAN are left out, since a
 * datapath match and an OpenFlow match number and place them differently.
 */

#include <openvswitch/match.h>
#include <stdbool.h>

/** fl_region_meets() - is there a packet that both match? */
bool fl_region_meets(const struct match *a, const struct match *b);

/** fl_region_tests_more() - does @want test a header bit that @have leaves wild? (masks) */
bool fl_region_tests_more(const struct flow *want, const struct flow *have);

#endif
