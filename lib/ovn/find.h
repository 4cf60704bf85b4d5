/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVN_FIND_H
#define FLOWLIFT_OVN_FIND_H

/*
 * From OpenFlow flows of OVN's integration bridge to the rows of its southbound that ovn-controller made them of,
 * and the ACLs of its northbound where that can be asked on this host. A flow's cookie is the first 32 bits of the
 * row's uuid. OVSDB cannot search by a part of a uuid: of each table all uuids are read (58 bytes each) until
 * every cookie is found, then those rows. Nothing is written.
 *
 * Source: ovn-architecture(7), OVN 23.03 controller/lflow.c; ovn-controller(8) for the external_ids.
 */

#include "lib/collect.h"
#include "lib/origin.h"
#include "lib/ovn/row.h"

struct fl_ovn {
    char *bridge;     /* That OVN owns; NULL: there is none, nobody was asked. */
    char *southbound; /* The remote; NULL when none answered. */
    struct fl_ovn_row *rows;
    size_t n_rows;
    bool is_complete;       /* What has no row here has none in the southbound. */
    struct fl_error untold; /* Why it is not; code 0 otherwise. */
};

/**
 * fl_ovn_find() - rows behind all flows of @origins that are on OVN's bridge
 * @inv: external_ids of its table Open_vSwitch say where the southbound is
 * @ovn: set; owned by the caller: fl_ovn_destroy()
 * Takes up to the host's timeout, and as long for the northbound.
 */
void fl_ovn_find(const struct fl_host *host, const struct fl_inventory *inv,
                 const struct fl_origin *origins, size_t n_origins, struct fl_ovn *ovn);
void fl_ovn_destroy(struct fl_ovn *ovn);

/**
 * fl_ovn_next() - rows behind one flow; of several, which is rare, one was the flow made of
 * @row: NULL for the first, else the one before
 * Return: borrowed; NULL: no more.
 */
const struct fl_ovn_row *fl_ovn_next(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie,
                                     const struct fl_ovn_row *row);
/** fl_ovn_is_asked() - is it a flow of which the southbound may know? */
bool fl_ovn_is_asked(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie);

#endif
