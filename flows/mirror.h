/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_MIRROR_H
#define FLOWLIFT_MIRROR_H

/*
 * Mirrors (SPAN, RSPAN): OVSDB has them, no flow does. Open vSwitch sends a copy of what a mirror selects to
 * its output, so that the datapath's flow has two outputs, with a remedy's rules as without them; and the
 * copy is made of packets that the pipeline drops, too. Whether a NIC takes such flows is another matter: a
 * remedy for these packets is refused, with the mirror as the reason.
 *
 * A mirror selects what enters or leaves its bridge by one of its ports and is in one of its VLANs (none
 * listed: all). Without a port it selects nothing, and without an output Open vSwitch ignores it. Patch
 * ports do not count: packets that pass one are mirrored where they came in first and leave last.
 * Source: ovs-vswitchd.conf.db(5), OVS 3.1 mirror_packet(), compose_output_action__(), mirror_configure().
 */

#include "flows/audit.h"
#include "flows/error.h"
#include "flows/flowset.h"
#include "flows/inventory.h"

/**
 * fl_mirror_at() - the first mirror that copies packets which pass an interface, one way or the other
 * @vlan: in the packets' header there: 1..4095, 0 for none, -1 when that is not known; then a mirror of
 * some VLANs counts
 * Return: borrowed of @inv, or NULL; NULL also where mirrors were not read (fl_inventory.has_mirrors).
 */
const struct fl_mirror *fl_mirror_at(const struct fl_inventory *inv,
                                     const struct fl_interface *iface, int vlan);
/** fl_mirror_to() - the first mirror whose copies leave by an interface; likewise */
const struct fl_mirror *fl_mirror_to(const struct fl_inventory *inv,
                                     const struct fl_interface *iface);

/**
 * fl_mirror_check_rules() - does a mirror copy packets of @set's rules?
 * Looked at are the ports by which they come and go; behind a patch port, only mirrors of all ports.
 * Return: 0, or -EPERM with a sentence that names the mirror, what it selects and how to end it.
 */
int fl_mirror_check_rules(const struct fl_inventory *inv, const struct fl_flowset *set,
                          struct fl_error *err);
/**
 * fl_mirror_check_vm() - does a mirror copy storage packets of @vm?
 * Looked at are both ends of its chains, on whatever bridge they are.
 * @ports: names of the chains' ports
 * Return: likewise; 0 without an inventory.
 */
int fl_mirror_check_vm(const struct fl_vm_audit *vm, const struct fl_ports *ports,
                       struct fl_error *err);

#endif
