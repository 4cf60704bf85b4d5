/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PEER_H
#define FLOWLIFT_PEER_H

/*
 * A stranded VM beside a healthy one: what do its storage megaflows match, and do, that those of a VM do
 * whose storage flows the NIC has? Often that alone is the answer.
 */

#include <ovs/svec.h>

#include "flows/audit.h"

/* One direction of one VM: all links of its busiest chain together. */
struct fl_peer_side {
    const struct fl_vm_audit *vm;
    const struct fl_finding *finding; /* That chain. */
    struct svec fields;  /* As Open vSwitch names them: "ct_state", "ip_src"; sorted. */
    struct svec actions; /* "ct", "recirc", "push_vlan", "set(eth)", "output"; sorted. */
    size_t n_links;
};

struct fl_peer {
    enum fl_direction direction;
    struct fl_peer_side vm, peer;
    struct svec only_fields, only_actions; /* Of @vm, and not of @peer; sorted. */
};

/**
 * fl_peer_compare() - the VM's busiest software chain of each direction beside a healthy peer's
 * @peers: set to one or two, to be destroyed; names of VMs are borrowed from @audit
 * The peer has the verdict offloaded and a chain in hardware in the same direction on the same VLAN; of
 * several the one with most packets.
 * Return: how many directions could be compared.
 */
size_t fl_peer_compare(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                       struct fl_peer peers[2]);
void fl_peer_destroy(struct fl_peer *peer);

/** fl_peer_busiest() - the VM's chain in software with most packets in a direction, or NULL */
const struct fl_finding *fl_peer_busiest(const struct fl_vm_audit *vm, enum fl_direction direction);
/** fl_peer_fields() - add the fields that @flow matches to @names, as in fl_peer_side.fields; not sorted */
void fl_peer_fields(const struct fl_flow *flow, struct svec *names);
/** fl_peer_tests() - whether @match tests @field, which is called as in fl_peer_side.fields */
bool fl_peer_tests(const struct match *match, const char *field);

#endif
