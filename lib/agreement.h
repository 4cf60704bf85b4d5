/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_LIB_AGREEMENT_H
#define FLOWLIFT_LIB_AGREEMENT_H

/*
 * Whether Open vSwitch and the NIC agree about what is in the NIC (flows/agreement.h), on a live host. On the
 * kernel's datapath ovs-vswitchd is asked only if the host is read through it (FL_VIA_OVS).
 */

#include "flows/agreement.h"
#include "lib/nic_rules.h"

/**
 * fl_agreement_read() - look, and where something does not agree look again
 * @inv: of this host
 * @listener: hears the NIC's word of the first look, as a stream; NULL: nobody does
 * @agreement: owned by the caller when 0 is returned, see fl_agreement_destroy(); untouched else
 * Return: 0; as fl_nic_rules_open(), before anything was handed over; what fl_nic_rules_read() and @listener
 * returned; or why the flows could not be read.
 */
int fl_agreement_read(const struct fl_host *host, const struct fl_inventory *inv,
                      const struct fl_nic_listener *listener, struct fl_agreement *agreement,
                      struct fl_error *err);

#endif
